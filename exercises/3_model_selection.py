"""Exercise of chapter 3, model selection (10 minutes): how good are predictions for
new users?

Tomorrow, users will come whom the model has never seen. How large will its error be for
them? The function below answers another question: it shuffles rows, so the same user is
among the training rows and among the test rows.

Task: hold out whole users, so that all users of the test rows are new to the model.
    Three lines change: the marked one, the import and the call of `cross_val_score`.
Hint: "Each splitter asks another question" in pillars/3_model_selection.py. How does a
    splitter know which rows belong together?
Check: python -m pytest exercises -k 3_model_selection
"""

from sklearn.model_selection import KFold, cross_val_score


def rmse_for_new_users(model, table):
    """Return the RMSE of each of five folds.

    The model takes the table of ratings.
    """
    folds = KFold(5, shuffle=True, random_state=0)  # TODO: what does it hold out?
    scores = cross_val_score(
        model, table, table["rating"], cv=folds, scoring="neg_root_mean_squared_error"
    )
    return -scores
