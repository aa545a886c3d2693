"""Solution of exercise 3, model selection: how good are predictions for new users?

`GroupKFold` never puts two rows of one group on both sides of a split.
"""

from sklearn.model_selection import GroupKFold, cross_val_score


def rmse_for_new_users(model, table):
    """Return the RMSE of each of five folds.

    The model takes the table of ratings.
    """
    folds = GroupKFold(5)
    error = "neg_root_mean_squared_error"
    users = table["user_id"]
    stars = table["rating"]
    scores = cross_val_score(model, table, stars, groups=users, cv=folds, scoring=error)
    return -scores
