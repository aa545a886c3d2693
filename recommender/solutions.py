"""The ridge regression of `MovieRanker`, solved in three ways.

A solution has `scores` of users' entries, the rows of the matrix P, and its diagonal.
"""

import numpy as np
from scipy import sparse
from sklearn.utils import gen_batches
from sklearn.utils.extmath import randomized_svd

from .top_n import SCORES_AT_ONCE

#: Memory for an exact solution: a matrix, its inverse, and what is in between.
MAX_EXACT_BYTES = 4 * 2**30
#: The low-rank solution keeps at most this many singular vectors, ...
N_STRONGEST = 400
#: ... and so few that vectors times ratings stay below this, for the time it takes.
SVD_WORK = 3.2e9
#: The entries of an imaginary user, who has seen all movies of a kind.
KIND_WEIGHT = 4.0


def with_kinds(entries, kinds):
    """Return X of `MovieRanker`: the users' rows, then those of imaginary users."""
    return sparse.vstack([entries, KIND_WEIGHT * kinds], format="csr")


def solve(table, penalty):
    """Return the exact solution if there is memory for it, else the low-rank one."""
    n_users, n_movies = table.shape
    size = min(n_users, n_movies)
    if 3 * 8 * size**2 > MAX_EXACT_BYTES:  # three matrices of 8-byte floats
        return LowRank(table, penalty)
    if n_users <= n_movies:
        return ExactByUsers(table, penalty)
    return ExactByMovies(table, penalty)


class ExactByMovies:
    """The textbook form: P is the inverse of a matrix of the size of the movies.

    Parameters
    ----------
    table : csr_matrix of shape (n_users, n_movies)
        X in the formulas of `MovieRanker`.
    penalty : float
    """

    def __init__(self, table, penalty):
        self.P = _inverse_of_gram(table.T @ table, penalty)

    @property
    def diagonal(self):
        """The diagonal of P, shape (n_movies,)."""
        return np.diag(self.P)

    def scores(self, rows):
        """Return the scores of a csr_matrix of users' entries."""
        return _scores_from(rows.toarray(), rows @ self.P, self.diagonal)

    def rows_of_P(self, movies):
        """Return the rows of P at some positions, (len(movies), n_movies)."""
        return self.P[movies]


class ExactByUsers:
    """The same scores from the inverse of a matrix of the size of the users.

    With G the inverse of ``X @ X.T + penalty``, ``penalty * P = I - X.T @ G @ X``
    (the Woodbury identity). The factor `penalty` cancels in P / diag(P).

    Parameters
    ----------
    table, penalty
        As in `ExactByMovies`.
    """

    def __init__(self, table, penalty):
        n_users, n_movies = table.shape
        self.table = table
        self.G = _inverse_of_gram(table @ table.T, penalty)
        self.diagonal = np.ones(n_movies)  # of penalty * P
        for part in gen_batches(n_users, max(1, SCORES_AT_ONCE // n_movies)):
            product = table[part].multiply(self.G[part] @ table)
            self.diagonal -= np.asarray(product.sum(axis=0)).ravel()

    def scores(self, rows):
        """Return the scores of a csr_matrix of users' entries."""
        entries = rows.toarray()
        # The sparse table stands first: the other way, it is transposed in each call.
        similarity = (self.table @ entries.T).T  # (n_rows, n_users)
        return _scores_from(
            entries, entries - similarity @ self.G @ self.table, self.diagonal
        )

    def rows_of_P(self, movies):
        """Return the rows of penalty * P at some positions, (len(movies), n_movies)."""
        columns = self.table[:, movies].toarray()  # (n_users, len(movies))
        rows = -(columns.T @ self.G @ self.table)
        rows[np.arange(len(movies)), movies] += 1
        return rows


class LowRank:
    """The scores from the strongest singular vectors of X; all others count alike.

    With s and V the strongest singular values and vectors, s_r the weakest of them, and
    shrinkage = (s^2 - s_r^2) / (s^2 + penalty), ``I - V @ diag(shrinkage) @ V.T`` is
    proportional to P of a table whose other singular values are all s_r.

    Parameters
    ----------
    table, penalty
        As in `ExactByMovies`.
    """

    def __init__(self, table, penalty):
        affordable = int(SVD_WORK / table.nnz)
        rank = min(N_STRONGEST, max(1, affordable), *table.shape)
        _, s, Vt = randomized_svd(table, rank, n_iter=2, random_state=0)
        self.V = np.ascontiguousarray(Vt.T)  # a sparse row times this copies nothing
        self.shrinkage = (s**2 - s[-1] ** 2) / (s**2 + penalty)
        self.diagonal = 1 - (self.V**2) @ self.shrinkage

    def scores(self, rows):
        """Return the scores of a csr_matrix of users' entries."""
        entries = rows.toarray()
        explained = ((rows @ self.V) * self.shrinkage) @ self.V.T
        return _scores_from(entries, entries - explained, self.diagonal)

    def rows_of_P(self, movies):
        """Return the rows of P at some positions, up to a common factor."""
        rows = -((self.V[movies] * self.shrinkage) @ self.V.T)
        rows[np.arange(len(movies)), movies] += 1
        return rows


def _inverse_of_gram(gram, penalty):
    gram = gram.toarray()
    gram[np.diag_indices_from(gram)] += penalty
    return np.linalg.inv(gram)


def _scores_from(entries, entries_times_P, diagonal):
    """Return X @ B, where B is -P / diag(P) with zeros in its diagonal."""
    return entries - entries_times_P / diagonal
