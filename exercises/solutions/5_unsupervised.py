"""Solution of exercise 5, unsupervised learning: are these groups real?

Data without groups scores above the mean of its controls half of the time, by luck. The
standard deviation of the controls says how far luck goes.
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
    """Return True if X has better separated groups than shuffled data."""
    rng = np.random.default_rng(0)
    controls = [separation(rng.permuted(X, axis=0)) for _ in range(10)]
    return separation(X) > np.mean(controls) + 3 * np.std(controls)
