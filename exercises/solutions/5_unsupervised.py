"""Solution of exercise 5, unsupervised learning: are these groups real?

A control keeps everything but what is tested. Data without groups scores above the mean
of its controls half of the time, by luck; their standard deviation says how far luck
goes. (Data without groups that is far from a Gaussian needs another control.)
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
    mean = X.mean(axis=0)
    covariance = np.cov(X, rowvar=False)
    controls = []
    for _ in range(10):
        control = rng.multivariate_normal(mean, covariance, len(X))
        controls.append(separation(control))
    return separation(X) > np.mean(controls) + 3 * np.std(controls)
