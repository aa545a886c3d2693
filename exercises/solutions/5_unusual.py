"""Solution of exercise 5, unusual users: how good is a list of suspects?

`score_samples` is low for outliers, so the list is sorted by minus these numbers. The
answers of `predict` would not do: they depend on a threshold, and all who are accused
would share one place of the list.
"""

from sklearn.metrics import average_precision_score


def score_list(detector, X, is_shill):
    """Return how near the top of the detector's list of suspects the shills are.

    `detector` is an untrained one, such as `IsolationForest()`. X is an array with a
    row for each user, and `is_shill` is True for the shills.
    """
    detector.fit(X)
    oddness = -detector.score_samples(X)
    return average_precision_score(is_shill, oddness)
