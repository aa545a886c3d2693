"""Exercise of chapter 2, feature selection (5 minutes): who may see the answers?

`cross_validated_r2` chooses the ten best of many features, and then cross-validates a
ridge regression on them. (R2 is 1 for perfect predictions and 0 for the mean.) Its
score is too good: `SelectKBest` reads y, and it has read the y of the rows that are
held out later.

Task: choose the features inside each fold, from the training rows only.
Hint: what does `cross_val_score` fit anew in each fold, and what not? ("1000
    horoscopes" in pillars/2_feature_selection.py)
Check: python -m pytest exercises -k 2_feature_selection
"""

from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_score


def cross_validated_r2(X, y):
    """Return the mean R2 of a ridge regression on the ten best features of X.

    It is the mean over five folds.
    """
    folds = KFold(5, shuffle=True, random_state=0)
    X = SelectKBest(f_regression, k=10).fit_transform(X, y)  # TODO: y of which rows?
    return cross_val_score(Ridge(), X, y, cv=folds).mean()
