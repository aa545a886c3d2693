"""Solution of exercise 7, the map: which regressors accept missing values?

A tag is a promise of the estimator itself, so the list is right in every version of
scikit-learn.
"""

from sklearn.utils import get_tags


def accept_missing_values(estimators):
    """Return those of the estimators that accept missing values (NaN) in X.

    `estimators` is a list of unfitted objects.
    """
    return [one for one in estimators if get_tags(one).input_tags.allow_nan]
