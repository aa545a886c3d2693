"""Exercise of chapter 3, search (5 minutes): how good is the best of many?

`estimate_error` searches for the best of many candidates by cross-validation, and
reports the error of the winner in that search. That error is too small: among many
candidates, some are good on just these rows by luck, and the search chooses one of
them for that.

Task: return an error from rows that took no part in the choice. Search anew in each
    fold.
Hint: "Real candidates" in pillars/3_search.py computes two errors of each search.
    Which comes from rows that took no part in the choice?
Check: python -m pytest exercises -k 3_search
"""

from sklearn.model_selection import GridSearchCV, KFold

RMSE = "neg_root_mean_squared_error"


def estimate_error(model, candidates, X, y):
    """Return the RMSE to expect on new rows of the candidate that a search chooses.

    `candidates` is a dict: the name of a parameter and its values.
    """
    folds = KFold(5, shuffle=True, random_state=0)
    search = GridSearchCV(model, candidates, cv=folds, scoring=RMSE)
    search.fit(X, y)
    return -search.best_score_  # TODO: measured on which rows?
