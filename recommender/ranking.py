"""MovieRanker: what to watch next, and how good top-N recommendations are."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .checks import LIMIT, check_number, shorten
from .factors import FoldIn, MatrixFactorization
from .ids import check_same_kind, one_id, positions_of
from .matrix import with_values
from .solutions import solve, with_kinds
from .table import (
    IDS,
    RATING,
    TakesTables,
    check_ratings,
    latest_rows,
    number_column,
    table_ids,
    warn_of_older,
)
from .top_n import TopN, best_columns, is_allowed
from .warn import warn

#: How far up the scale a rating speaks neither for a movie nor against it. Chosen by
#: `python benchmarks/dislikes.py`.
NEUTRAL = 0.3
#: How much less users with many ratings, and popular movies, count: a power of the
#: number of ratings, and one of the share of users who rated a movie. They and the next
#: constant were chosen by `python benchmarks/ranker_grid.py`.
USER_DISCOUNT = 0.25
MOVIE_DISCOUNT = 0.1
#: What the best predicted rating adds to a score, and the worst does not.
RATING_WEIGHT = 0.3
#: `explain` names at most this many movies.
N_REASONS = 3
#: A warning comes where more than this share of the test ratings is relevant, ...
NEARLY_ALL = 0.9
#: ... unless there are fewer test ratings than that.
FEW_RATINGS = 10


class MovieRanker(TopN, TakesTables, BaseEstimator):
    """Recommend the movies that fit best to what a user has rated.

    A score has two parts: how well a movie fits, and how the user would rate it::

        score[u, m] = fit[u, m] * popularity[m] ** -0.1 + 0.3 * place[u, m]

    where place is that of the predicted rating on the scale, from 0 for the lowest to 1
    for the highest. It comes from a `MatrixFactorization`, by what the user has rated
    (`recommender/factors.py`). If there are no ratings, but only views, it is left out.
    For a user who likes nothing, popularity[m] takes its place.

    For the fit, every movie is regressed on all others: a ridge regression with a zero
    diagonal, so that no movie explains itself (Steck, "Embarrassingly Shallow
    Autoencoders for Sparse Data", WWW 2019). With X a dense table of users and movies,
    the textbook form is two lines::

        P = np.linalg.inv(X.T @ X + regularization * np.eye(n_movies))
        fit = X - X @ P / np.diag(P)

    The fit is X @ B, where B is -P / np.diag(P) with a zero diagonal. The entries
    of X are preferences in units of their root mean square. A preference is the
    distance of a rating from a point 30 % up the scale; below the middle of the
    scale it is at most 0::

        preference = stars - (low + 0.3 * (high - low))

    So movies like one with a high rating move up, and movies like one with a very low
    rating move down. In P, the row of a user with n ratings has the weight
    (n / mean n) ** -0.25. For each genre and each decade, X has one row more, whose
    entries are 4: an imaginary user who has watched all movies of that kind.

    Where memory allows, the solution is exact, by a matrix of the size of the movies or
    of the users. Otherwise the strongest singular vectors of X stand for all of it
    (`recommender/solutions.py`).

    Parameters
    ----------
    regularization : float or "auto", default="auto"
        The ridge penalty; a large one recommends what is popular. "auto": the root of
        the number of ratings, but at least 300.

    Attributes
    ----------
    users_, movies_ : ndarray of int64 or object
        The ids of the training, sorted.
    popularity_ : ndarray of shape (n_movies,)
        The share of users who have rated a movie.
    unit_ : float
        The root mean square of all preferences, in stars.
    penalty_ : float
        The ridge penalty that was used.
    history_ : RatingHistory
        Who rated what.
    solution_ : ExactByMovies, ExactByUsers or LowRank
        What gives the fit.
    fold_in_ : FoldIn or None
        What predicts ratings; None if there are no ratings, but only views.

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

    def fit_history(self, history, factors=None):
        """Learn from a `RatingHistory`, which a table of ratings was made into.

        Parameters
        ----------
        history : RatingHistory
        factors : MatrixFactorization, default=None
            Fitted on the same ratings; None: one is fitted here.

        Returns
        -------
        self : MovieRanker
        """
        stars = history.stars()
        penalty = self.check()
        if penalty is None:
            penalty = max(300.0, np.sqrt(stars.nnz))
        low, high = history.scale()
        preference = preferences(stars.data, low, high)
        unit = unit_of(preference)
        n_ratings = np.diff(stars.indptr)
        weight = (n_ratings / n_ratings.mean()) ** -USER_DISCOUNT
        root_of_weight = np.repeat(np.sqrt(weight), n_ratings)  # for each rating
        entries = with_values(stars, preference / unit * root_of_weight)
        solution = solve(with_kinds(entries, history.kinds), penalty)
        fold_in = None
        if low < high:
            if factors is None:
                factors = MatrixFactorization().fit_history(history)
            fold_in = FoldIn(factors)

        self.users_ = history.users
        self.movies_ = history.movies
        self.popularity_ = history.popularity()
        self.unit_ = unit
        self.penalty_ = penalty
        self.history_ = history
        self.solution_ = solution
        self.fold_in_ = fold_in
        return self

    def check(self):
        """Return the penalty as a number, or None for "auto".

        Raises
        ------
        ValueError
            If it is neither "auto" nor a number above 0.
        """
        is_text = isinstance(self.regularization, str)
        if is_text and self.regularization == "auto":
            return None
        return check_number("regularization", self.regularization, 1e-9)

    def score_movies(self, user_ids, stars):
        """Return the scores of all movies for users, (n_users, n_movies).

        A user who likes nothing gets popular movies, but less of what is like the
        movies that the user dislikes.

        Parameters
        ----------
        user_ids : ndarray of shape (n_users,)
            Not used: the scores depend on the ratings alone.
        stars : csr_matrix of shape (n_users, n_movies)
            The ratings of these users.
        """
        entries = self._entries(stars)
        likes_nothing = (entries > 0).getnnz(axis=1) == 0
        scores = self.solution_.scores(entries)
        scores *= self.popularity_**-MOVIE_DISCOUNT
        if self.fold_in_ is not None:
            low, high = self.history_.scale()
            place = (self.fold_in_.predict(stars) - low) / (high - low)
            place[likes_nothing] = 0.0
            scores += RATING_WEIGHT * place
        scores[likes_nothing] += self.popularity_
        return scores

    def similar(self, movie_id, n=10, *, candidates=None, exclude=None):
        """Return the movies that are liked by the same users.

        The score is the partial correlation of two movies in the ridge regression::

            score[i, j] = -P[i, j] / sqrt(P[i, i] * P[j, j])

        It is what two movies have in common beyond what all others explain.

        Parameters
        ----------
        movie_id : id
            A movie of the training.
        n : int, default=10
            How many movies.
        candidates, exclude : array-like of movie ids, default=None
            As in `recommend`.

        Returns
        -------
        movies : DataFrame
            `rank` (from 1), `movie_id` and `score`; of equal scores, the lower id comes
            first.

        Raises
        ------
        NotFittedError, ValueError
            If nothing was learned yet, the movie is unknown, or `n` is refused.
        """
        check_is_fitted(self)
        n = check_number("n", n, 1, integer=True)
        ids = one_id(movie_id, "movie_id")
        position = positions_of(self.movies_, ids, "movie_id")[0]
        if position < 0:
            raise ValueError(f"Movie {shorten(ids[0])} is unknown to the training.")

        P_row = self.solution_.rows_of_P([position])[0]
        diagonal = self.solution_.diagonal
        scores = -P_row / np.sqrt(diagonal[position] * diagonal)
        scores = np.round(scores, 9)
        scores[~is_allowed(self.movies_, candidates, exclude)] = -np.inf
        scores[position] = -np.inf
        best = best_columns(scores, n)
        return pd.DataFrame(
            {
                "rank": np.arange(1, best.size + 1),
                "movie_id": self.movies_[best],
                "score": scores[best],
            }
        )

    def explain(self, stars, movie_ids):
        """Return the liked movies that add most to the fit of recommended ones.

        The fit is a sum over the user's ratings: ``fit = X @ B``.

        Parameters
        ----------
        stars : csr_matrix of shape (1, n_movies)
            The ratings of one user.
        movie_ids : ndarray of shape (n_recommended,)
            Movies of the training.

        Returns
        -------
        reasons : list of ndarray of movie ids
            For each recommended movie, at most three of the movies that the user likes,
            the strongest first. A movie to whose fit none of them adds has none.
        """
        entries = self._entries(stars).data
        likes = entries > 0
        liked = stars.indices[likes]
        movies = positions_of(self.movies_, movie_ids, "movie_ids")
        if (movies < 0).any():
            unknown = movie_ids[np.argmin(movies)]
            raise ValueError(f"Movie {shorten(unknown)} is unknown to the training.")
        P_rows = self.solution_.rows_of_P(movies)  # (n_recommended, n_movies)
        diagonal = self.solution_.diagonal[movies]
        added = entries[likes] * (-P_rows[:, liked] / diagonal[:, None])
        reasons = []
        for added_to_movie in added:
            strongest = np.argsort(-added_to_movie, kind="stable")[:N_REASONS]
            strongest = strongest[added_to_movie[strongest] > 0]
            reasons.append(self.movies_[liked[strongest]])
        return reasons

    def _entries(self, stars):
        """Return the rows of X of users with these ratings."""
        preference = preferences(stars.data, *self.history_.scale())
        return with_values(stars, preference / self.unit_)


def preferences(stars, low, high):
    """Return how much ratings speak for movies; below 0, against them.

    Parameters
    ----------
    stars : ndarray of shape (n_ratings,), in stars
    low, high : float, in stars
        The scale of the ratings.

    Returns
    -------
    preference : ndarray of shape (n_ratings,), in stars
    """
    if low == high:  # not ratings, but who watched what
        return np.ones_like(stars)
    preference = stars - (low + NEUTRAL * (high - low))
    is_low = stars < (low + high) / 2
    return np.where(is_low, np.minimum(preference, 0.0), preference)


def unit_of(preference):
    """Return the root mean square of preferences (1 if all are 0)."""
    unit = float(np.sqrt(np.mean(preference**2)))
    return unit if unit > 0 else 1.0


def default_relevance(low, high):
    """Return the stars that make a movie relevant: 4.0 on a scale from 1 to 5.

    It is four fifths of the highest rating; on a scale that begins below 0, the place
    four fifths up the scale.
    """
    start = min(low, 0.0)
    # Rounded: 0.8 * 3.5 is 2.8000000000000003, and a rating of 2.8 must reach it.
    return round(start + 0.8 * (high - start), 9)


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
    is_latest = latest_rows(X_test)
    warn_of_older(is_latest)
    is_relevant = ratings >= relevant_from
    if is_relevant.mean() > NEARLY_ALL and len(ratings) >= FEW_RATINGS:
        warn(
            f"{is_relevant.mean():.0%} of the test ratings are {relevant_from} or "
            "more: is relevant_from right for this scale?"
        )
    table = pd.DataFrame({"user_id": user_ids, "movie_id": movie_ids, RATING: ratings})
    relevant = table[is_latest & is_relevant]
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
    return score_recommendations(_read_recommendations(lists), relevant, k)


def score_recommendations(recommendations, relevant, k):
    """Score recommendations as `ranking_metrics`, with the relevant rows at hand.

    Parameters
    ----------
    recommendations : DataFrame
        As from a ranker: its ids and ranks are not checked.
    relevant : DataFrame
        From `relevant_ratings`.
    k : int

    Returns
    -------
    metrics : dict of float
    """
    considered = recommendations[recommendations["rank"] <= k].drop_duplicates(IDS)
    if len(considered):
        for name in IDS:
            known = relevant[name].to_numpy()
            check_same_kind(known, considered[name].to_numpy(), name)
    hits = considered.merge(relevant[IDS], on=IDS)
    hits = hits.assign(hit=1.0, gain=1 / np.log2(hits["rank"] + 1))
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


def _read_recommendations(lists):
    """Return a table of users, movies and their ranks; raise an error if it is none."""
    columns = [*IDS, "rank"]
    problem = (
        f"lists must be a DataFrame with the columns {columns}; "
        "ranks count from 1, once per user."
    )
    if isinstance(lists, pd.DataFrame) and not set(columns) <= set(lists.columns):
        raise ValueError(problem)
    if isinstance(lists, pd.DataFrame) and lists.empty:
        return pd.DataFrame(columns=columns, dtype=np.int64)
    user_ids, movie_ids = table_ids(lists)
    rank = number_column(lists, "rank")
    table = pd.DataFrame({"user_id": user_ids, "movie_id": movie_ids, "rank": rank})
    is_rank = (rank >= 1) & (rank % 1 == 0)
    different = table.drop_duplicates(IDS)
    if not is_rank.all() or different.duplicated(["user_id", "rank"]).any():
        raise ValueError(problem)
    return table
