"""Solution of exercise 2, feature selection: who may see the answers?

Now a feature that fits the held-out rows by luck is not chosen for that.
"""

from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline


def cross_validated_r2(X, y):
    """Return the mean R2 of a ridge regression on the ten best features of X.

    It is the mean over five folds.
    """
    folds = KFold(5, shuffle=True, random_state=0)
    model = make_pipeline(SelectKBest(f_regression, k=10), Ridge())
    return cross_val_score(model, X, y, cv=folds).mean()
