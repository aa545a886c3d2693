"""Top-N recommendations: what to watch next, and how good such a list is."""

import warnings

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.validation import check_is_fitted, validate_data

from .matrix import RatingHistory, rating_matrix
from .table import (
    IDS,
    LIMIT,
    RATING,
    TakesTables,
    check_ids,
    check_number,
    check_ratings,
    latest_rows,
    number_column,
    positions_of,
    table_ids,
)

#: Memory for an exact solution: a matrix, its inverse, and what is in between.
MAX_EXACT_BYTES = 4 * 2**30
#: The low-rank solution keeps at most this many singular vectors, ...
N_STRONGEST = 400
#: ... and so few that vectors times ratings stay below this, for the time it takes.
SVD_WORK = 3.2e9
#: At most this many scores are in memory at a time (32 MB).
SCORES_AT_ONCE = 2**22
#: The entries of an imaginary user, who has seen all movies of a kind.
KIND_WEIGHT = 4.0


class MovieRanker(TakesTables, BaseEstimator):
    """Recommend the movies that fit best to what a user has rated.

    Every movie is regressed on all others: a ridge regression with a zero diagonal, so
    that no movie explains itself (Steck, "Embarrassingly Shallow Autoencoders for
    Sparse Data", WWW 2019). With X a dense table of users and movies, whose entries are
    stars in units of their root mean square, the textbook form is two lines::

        P = np.linalg.inv(X.T @ X + regularization * np.eye(n_movies))
        scores = X - X @ P / np.diag(P)

    The scores are X @ B, where B is -P / np.diag(P) with a zero diagonal. For each
    genre and each decade, X has one row more, whose entries are 4: an imaginary user
    who has watched all movies of that kind.

    Where memory allows, the solution is exact, by a matrix of the size of the movies or
    of the users. Otherwise the strongest singular vectors of X stand for all of it
    (`ExactByMovies`, `ExactByUsers`, `LowRank`).

    Parameters
    ----------
    regularization : float or "auto", default="auto"
        The ridge penalty; a large one recommends what is popular. "auto": the root of
        the number of ratings, but at least 300.

    Attributes
    ----------
    users_, movies_ : ndarray of int64
        The ids of the training, sorted.
    popularity_ : ndarray of shape (n_movies,)
        The share of users who have rated a movie.
    unit_ : float
        The root mean square of all ratings, in stars.
    penalty_ : float
        The ridge penalty that was used.
    history_ : RatingHistory
        Who rated what.
    solution_ : ExactByMovies, ExactByUsers or LowRank
        What gives the scores.

    Examples
    --------
    >>> from lesson_code import MovieRanker, MovieRecommendationDataset
    >>> table = MovieRecommendationDataset(100, 50, 1000).generate()
    >>> ranker = MovieRanker().fit(table)
    >>> list(ranker.recommend([1, 2], n=5).columns)
    ['user_id', 'rank', 'movie_id', 'score']
    """

    def __init__(self, regularization="auto"):
        self.regularization = regularization

    def fit(self, X, y=None):
        """Learn from ratings.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            A table of ratings; `genre` and `movie_year` are used where they exist.
        y : array-like of shape (n_rows,), in stars, default=None
            The ratings; None: those in the column `rating` of `X`.

        Returns
        -------
        self : MovieRanker

        Raises
        ------
        ValueError, TypeError
            If the parameter, the table or the ratings are refused.
        """
        history = RatingHistory(rating_matrix(X, y))
        fitted = MovieRanker(self.regularization).fit_history(history)
        validate_data(self, X, skip_check_array=True)  # records the columns' names
        self.__dict__.update(vars(fitted))  # all at once
        return self

    def fit_history(self, history):
        """Learn from a `RatingHistory`, which a table of ratings was made into.

        Parameters
        ----------
        history : RatingHistory

        Returns
        -------
        self : MovieRanker
        """
        stars = history.stars()
        if self.regularization == "auto":
            penalty = max(300.0, np.sqrt(stars.nnz))
        else:
            penalty = check_number("regularization", self.regularization, 1e-9)
        unit = unit_of(stars)
        solution = _solve(_with_kinds(stars / unit, history.kinds), penalty)

        self.users_ = history.users
        self.movies_ = history.movies
        self.popularity_ = history.popularity()
        self.unit_ = unit
        self.penalty_ = penalty
        self.history_ = history
        self.solution_ = solution
        return self

    def recommend(self, user_ids, n=10):
        """Recommend movies to users of the training.

        Parameters
        ----------
        user_ids : int or array-like of shape (n_users,)
            An unknown user gets the most popular movies, with a warning.
        n : int, default=10
            How many movies each user gets; fewer if fewer are left.

        Returns
        -------
        recommendations : DataFrame
            `user_id` (in the order of `user_ids`), `rank` (from 1), `movie_id` and
            `score`. Movies that the user has rated are left out; of equal scores, the
            lower id comes first.

        Raises
        ------
        NotFittedError, ValueError
            If nothing was learned yet, or a parameter is refused.
        """
        check_is_fitted(self)
        user_ids = check_ids(pd.Series(np.atleast_1d(user_ids), name="user_ids"))
        is_unknown = positions_of(self.users_, user_ids) < 0
        n_unknown = len(np.unique(user_ids[is_unknown]))
        if n_unknown:
            warnings.warn(
                f"{n_unknown} of the users are unknown: they get popular movies.",
                stacklevel=2,
            )
        return self.rank(user_ids, self.history_.stars_of(user_ids), n)

    def recommend_new(self, ratings, n=10):
        """Recommend movies to new users, without training again.

        Parameters
        ----------
        ratings : DataFrame of shape (n_rows, n_columns)
            The users' ratings: `user_id`, `movie_id`, `rating`. Unknown movies are
            ignored; a user without a known one gets the most popular movies.
        n : int, default=10
            As in `recommend`.

        Returns
        -------
        recommendations : DataFrame
            As in `recommend`.
        """
        check_is_fitted(self)
        matrix = rating_matrix(ratings)
        position = positions_of(self.movies_, matrix.movies)
        is_known = position >= 0
        known = matrix.stars[:, is_known]
        stars = sparse.csr_matrix(
            (known.data, position[is_known][known.indices], known.indptr),
            shape=(matrix.users.size, self.movies_.size),
        )
        return self.rank(matrix.users, stars, n)

    def rank(self, user_ids, stars, n, by="taste"):
        """Rank the movies that users have not rated.

        Parameters
        ----------
        user_ids : ndarray of shape (n_users,)
            The user id of each row.
        stars : csr_matrix of shape (n_users, n_movies)
            The ratings of these users.
        n : int
            As in `recommend`.
        by : {"taste", "popularity", "chance"}, default="taste"
            What the scores are; the last two are what `evaluate_ranking` compares with.

        Returns
        -------
        recommendations : DataFrame
            As in `recommend`.
        """
        n = check_number("n", n, 1, integer=True)
        rng = check_random_state(0)
        users_at_once = max(1, SCORES_AT_ONCE // self.movies_.size)
        parts = []
        # There is at least one part: an empty one still gives the result its columns.
        for rows in gen_batches(max(1, stars.shape[0]), users_at_once):
            part = stars[rows]
            if by == "taste":
                scores = self._scores(part)
            elif by == "popularity":
                scores = np.tile(self.popularity_, (part.shape[0], 1))
            else:
                scores = rng.random_sample(part.shape)
            leave_out_rated(scores, part)
            parts.append(self._best(user_ids[rows], scores, n))
        return pd.concat(parts, ignore_index=True)

    def _scores(self, stars):
        scores = self.solution_.scores(stars / self.unit_)
        has_rated_nothing = stars.getnnz(axis=1) == 0
        scores[has_rated_nothing] = self.popularity_
        return scores

    def _best(self, user_ids, scores, n):
        """Return the `n` best movies of each row of `scores` as a DataFrame."""
        scores = np.round(scores, 9)  # beyond that, sums depend on their order
        rows = [np.empty(0, dtype=np.int64)]  # at least one part to put together
        ranks = [np.empty(0, dtype=np.int64)]
        columns = [np.empty(0, dtype=np.int64)]
        for row, scores_of_user in enumerate(scores):
            best = best_columns(scores_of_user, n)
            rows.append(np.full(best.size, row))
            ranks.append(np.arange(1, best.size + 1))
            columns.append(best)
        row = np.concatenate(rows)
        column = np.concatenate(columns)
        return pd.DataFrame(
            {
                "user_id": user_ids[row],
                "rank": np.concatenate(ranks),
                "movie_id": self.movies_[column],
                "score": scores[row, column],
            }
        )


def unit_of(stars):
    """Return the root mean square of ratings (1 if all are 0 stars)."""
    unit = float(np.sqrt(np.mean(stars.data**2)))
    return unit if unit > 0 else 1.0


def leave_out_rated(scores, stars):
    """Set the scores of what users have rated to minus infinity, in place."""
    rated = stars.tocoo()  # a rating of 0 stars is stored, too
    scores[rated.row, rated.col] = -np.inf


def best_columns(scores, n):
    """Return the columns of the `n` highest scores, the highest first.

    Parameters
    ----------
    scores : ndarray of shape (n_columns,)
        Minus infinity marks what must not be chosen.
    n : int

    Returns
    -------
    columns : ndarray of at most `n` integers
        Of equal scores, the lower column comes first.
    """
    n = min(n, scores.size)
    least = np.partition(scores, -n)[-n]
    candidates = np.flatnonzero((scores >= least) & (scores > -np.inf))
    best_first = np.argsort(-scores[candidates], kind="stable")
    return candidates[best_first][:n]


def _with_kinds(stars, kinds):
    """Return X of `MovieRanker`: the users' rows, then those of imaginary users."""
    return sparse.vstack([stars, KIND_WEIGHT * kinds], format="csr")


def _solve(table, penalty):
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

    def scores(self, rows):
        """Return the scores of a csr_matrix of users' ratings, in units."""
        return _scores_from(rows.toarray(), rows @ self.P, np.diag(self.P))


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
        """Return the scores of a csr_matrix of users' ratings, in units."""
        stars = rows.toarray()
        similarity = (rows @ self.table.T).toarray()  # (n_rows, n_users)
        return _scores_from(
            stars, stars - similarity @ self.G @ self.table, self.diagonal
        )


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
        """Return the scores of a csr_matrix of users' ratings, in units."""
        stars = rows.toarray()
        explained = ((rows @ self.V) * self.shrinkage) @ self.V.T
        return _scores_from(stars, stars - explained, self.diagonal)


def _inverse_of_gram(gram, penalty):
    gram = gram.toarray()
    gram[np.diag_indices_from(gram)] += penalty
    return np.linalg.inv(gram)


def _scores_from(stars, stars_times_P, diagonal):
    """Return X @ B, where B is -P / diag(P) with zeros in its diagonal."""
    return stars - stars_times_P / diagonal


def relevant_ratings(X_test, y_test=None, relevant_from=4.0):
    """Return the test ratings whose movies should be recommended.

    Parameters
    ----------
    X_test, y_test, relevant_from
        As in `ranking_metrics`.

    Returns
    -------
    relevant : DataFrame
        `user_id`, `movie_id` and `rating` of the relevant rows.

    Raises
    ------
    ValueError
        If no test rating is relevant.
    """
    relevant_from = check_number("relevant_from", relevant_from, -LIMIT)
    user_ids, movie_ids = table_ids(X_test)
    ratings = check_ratings(X_test, y_test)
    is_latest = latest_rows(X_test, stacklevel=4)
    table = pd.DataFrame({"user_id": user_ids, "movie_id": movie_ids, RATING: ratings})
    relevant = table[is_latest & (ratings >= relevant_from)]
    if relevant.empty:
        raise ValueError(
            f"No test rating is {relevant_from} or more: there is nothing relevant to "
            "find."
        )
    return relevant


def ranking_metrics(lists, X_test, y_test=None, k=10, relevant_from=4.0):
    """Score top-N recommendations: precision, recall and NDCG.

    A test movie is relevant if its rating is `relevant_from` or more. All figures are
    means over the users with a relevant test movie:

    * Precision: the share of the first `k` recommendations that are relevant.
    * Recall: the share of all relevant test movies that are among the first `k`.
    * NDCG: a relevant movie at rank r gains 1 / log2(r + 1); the sum is divided by the
      gain of a list that has all relevant movies (at most `k`) first (Järvelin and
      Kekäläinen, "Cumulated Gain-Based Evaluation of IR Techniques", 2002).

    Parameters
    ----------
    lists : DataFrame
        The recommendations: `user_id`, `rank` (from 1) and `movie_id`.
    X_test : DataFrame of shape (n_rows, n_columns)
        A table of ratings that were not used in training.
    y_test : array-like of shape (n_rows,), in stars, default=None
        Their ratings; None: those in the column `rating` of `X_test`.
    k : int, default=10
        How many recommendations count.
    relevant_from : float, default=4.0
        The lowest rating that makes a movie relevant, in stars.

    Returns
    -------
    metrics : dict of float
        "Precision@k", "Recall@k" and "NDCG@k", with the number `k` in their names.

    Raises
    ------
    ValueError
        If the recommendations are no table of ranks, or no test movie is relevant.
    """
    k = check_number("k", k, 1, integer=True)
    relevant = relevant_ratings(X_test, y_test, relevant_from)
    _check_recommendations(lists)

    considered = lists[number_column(lists, "rank") <= k].drop_duplicates(IDS)
    hits = considered.merge(relevant[IDS], on=IDS)
    hits = hits.assign(hit=1.0, gain=1 / np.log2(number_column(hits, "rank") + 1))
    n_relevant = relevant.groupby("user_id").size()
    by_user = hits.groupby("user_id")[["hit", "gain"]].sum()
    by_user = by_user.reindex(n_relevant.index, fill_value=0.0)

    n_first = np.minimum(n_relevant, k)  # of a list that begins with all relevant ones
    gains = 1 / np.log2(np.arange(1, n_first.max() + 1) + 1)
    best_gain = np.cumsum(gains)[n_first - 1]
    metrics = {
        "Precision": by_user["hit"] / k,
        "Recall": by_user["hit"] / n_relevant,
        "NDCG": by_user["gain"] / best_gain,
    }
    return {f"{name}@{k}": float(values.mean()) for name, values in metrics.items()}


def _check_recommendations(lists):
    """Raise a ValueError if this is no table of users, movies and their ranks."""
    columns = [*IDS, "rank"]
    problem = (
        f"lists must be a DataFrame with the columns {columns}; "
        "ranks count from 1, once per user."
    )
    if isinstance(lists, pd.DataFrame) and not set(columns) <= set(lists.columns):
        raise ValueError(problem)
    if isinstance(lists, pd.DataFrame) and lists.empty:
        return
    table_ids(lists)  # refuses what is no table
    rank = number_column(lists, "rank")
    is_rank = (rank >= 1) & (rank % 1 == 0)
    different = lists.drop_duplicates(IDS)
    if not is_rank.all() or different.duplicated(["user_id", "rank"]).any():
        raise ValueError(problem)
