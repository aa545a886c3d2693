"""Exercise of chapter 5, unsupervised learning (10 minutes): are these groups real?

KMeans always finds the groups that it is asked for, even where there are none. The
silhouette score (at most 1) says how well they are separated, but data without any
group has a score above 0 too.

Task: compare with a control: the same data, with each column shuffled on its own. That
    keeps the values of every column and destroys the groups. Real groups score above
    the mean of ten such controls by more than three of their standard deviations.
Hint: with `rng = np.random.default_rng(0)`, `rng.permuted(X, axis=0)` makes one
    control.
Check: python -m pytest exercises -k 5_unsupervised
"""

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
    return separation(X) > 0  # TODO: compare with shuffled data, not with 0
