"""Exercise of chapter 5, unsupervised learning (10 minutes): are these groups real?

KMeans always finds the groups that it is asked for, even where there are none. So
`has_groups` compares with controls: data without groups. But its controls lose too
much: if each column is shuffled by itself, the correlation of the columns is lost, too,
and random points with correlated columns, but no groups, can seem to have groups.

Task: make controls that keep the mean and the covariance of X, and have no groups.
Hint: `help(rng.multivariate_normal)` says what a single cloud is drawn from, and in
    which shapes. ("A control: the same shape" in pillars/5_unsupervised.py)
Check: python -m pytest exercises -k 5_unsupervised
"""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score


def separation(X):
    """Return the silhouette score of three groups that KMeans finds in X.

    X is an array of numbers.
    """
    labels = KMeans(3, n_init=5, random_state=0).fit_predict(X)
    return silhouette_score(X, labels)


def has_groups(X):
    """Return True if the groups of X are better separated than those of controls.

    That is, if its score is above the mean of ten controls by more than three of their
    standard deviations.
    """
    rng = np.random.default_rng(0)
    controls = []
    for _ in range(10):
        control = rng.permuted(X, axis=0)  # TODO: what else does it lose?
        controls.append(separation(control))
    return separation(X) > np.mean(controls) + 3 * np.std(controls)
