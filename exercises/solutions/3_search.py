"""Solution of exercise 3, search: how good is the best of many?

This is nested cross-validation: an inner one chooses, an outer one scores.
"""

from sklearn.model_selection import GridSearchCV, KFold, cross_val_score

RMSE = "neg_root_mean_squared_error"


def estimate_error(model, candidates, X, y):
    """Return the RMSE to expect on new rows of the candidate that a search chooses.

    `candidates` is a dict: the name of a parameter and its values.
    """
    folds = KFold(5, shuffle=True, random_state=0)
    search = GridSearchCV(model, candidates, cv=folds, scoring=RMSE)
    return -cross_val_score(search, X, y, cv=folds, scoring=RMSE).mean()
