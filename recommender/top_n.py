"""Top-N recommendations from scores: what all rankers have in common."""

import copy

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

from .checks import check_number
from .ids import id_values, positions_of
from .matrix import RatingHistory, rating_matrix, ratings_or_views
from .table import RATING
from .warn import warn

#: At most this many scores are in memory at a time (32 MB).
SCORES_AT_ONCE = 2**22


class TopN:
    """Mixin: recommend the movies with the highest scores.

    A class that uses it has two methods: ``fit_history(history)`` learns from a
    `RatingHistory` and keeps it as `history_`; ``score_movies(user_ids, stars)``
    returns the scores of all movies for some users, a new array of shape (n_users,
    n_movies).
    """

    def fit(self, X, y=None):
        """Learn from ratings, or from a table of who watched or bought what.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            A table of ratings; `MovieRanker` uses `genre` and `movie_year` where they
            exist.
        y : array-like of shape (n_rows,), in stars, default=None
            The ratings; None: those in the column `rating` of `X`. Without that column,
            all rows count alike.

        Returns
        -------
        self : the ranker

        Raises
        ------
        ValueError, TypeError
            If a parameter, the table or the ratings are refused.
        """
        history = RatingHistory(rating_matrix(X, ratings_or_views(X, y)))
        fitted = copy.copy(self).fit_history(history)
        validate_data(fitted, X, skip_check_array=True)  # records the columns' names
        vars(self).update(vars(fitted))  # all at once
        return self

    def recommend(self, user_ids, n=10, *, candidates=None, exclude=None):
        """Recommend movies to users of the training.

        Parameters
        ----------
        user_ids : id or array-like of shape (n_users,)
            An unknown user gets the most popular movies, with a warning.
        n : int, default=10
            How many movies each user gets; fewer if fewer are left.
        candidates : array-like of movie ids, default=None
            Only these movies are ranked; None: all. Ids that the training does not know
            are left out.
        exclude : array-like of movie ids, default=None
            These movies are not recommended. Ids that the training does not know change
            nothing.

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
        user_ids = id_values(user_ids, "user_ids")
        is_unknown = positions_of(self.history_.users, user_ids, "user_ids") < 0
        n_unknown = len(np.unique(user_ids[is_unknown]))
        if n_unknown:
            warn(f"{n_unknown} of the users are unknown: they get popular movies.")
        stars = self.history_.stars_of(user_ids)
        return self.rank(user_ids, stars, n, candidates, exclude)

    def recommend_new(self, ratings, n=10, *, candidates=None, exclude=None):
        """Recommend movies to new users, without training again.

        Parameters
        ----------
        ratings : DataFrame of shape (n_rows, n_columns)
            The users' ratings: `user_id`, `movie_id`, `rating`. Unknown movies are
            ignored; a user without a known one gets the most popular movies. If the
            training had no ratings, none are needed here.
        n, candidates, exclude
            As in `recommend`.

        Returns
        -------
        recommendations : DataFrame
            As in `recommend`.

        Raises
        ------
        ValueError
            If a rating is missing, or not on the scale of the training.
        """
        check_is_fitted(self)
        matrix = rating_matrix(ratings, self._ratings_on_scale(ratings))
        position = positions_of(self.history_.movies, matrix.movies, "movie_id")
        is_known = position >= 0
        known = matrix.stars[:, is_known]
        stars = sparse.csr_matrix(
            (known.data, position[is_known][known.indices], known.indptr),
            shape=(matrix.users.size, self.history_.movies.size),
        )
        return self.rank(matrix.users, stars, n, candidates, exclude)

    def _ratings_on_scale(self, table):
        ratings = ratings_or_views(table)
        low, high = self.history_.scale()
        if low == high:  # not ratings, but who watched what
            return ratings
        if RATING not in table.columns:
            raise ValueError(
                f"The table needs the column {RATING!r}: the training had ratings."
            )
        is_off = (ratings < low) | (ratings > high)
        if is_off.any():
            row = np.argmax(is_off)
            raise ValueError(
                f"Ratings must be from {low} to {high}, as in the training, "
                f"but row {row} holds {ratings[row]}."
            )
        return ratings

    def rank(self, user_ids, stars, n, candidates=None, exclude=None):
        """Rank the movies that users have not rated.

        Parameters
        ----------
        user_ids : ndarray of shape (n_users,)
            The user id of each row.
        stars : csr_matrix of shape (n_users, n_movies)
            The ratings of these users.
        n, candidates, exclude
            As in `recommend`.

        Returns
        -------
        recommendations : DataFrame
            As in `recommend`.
        """
        n = check_number("n", n, 1, integer=True)
        is_left_out = ~is_allowed(self.history_.movies, candidates, exclude)
        users_at_once = max(1, SCORES_AT_ONCE // self.history_.movies.size)
        parts = []
        # There is at least one part: an empty one still gives the result its columns.
        for rows in gen_batches(max(1, stars.shape[0]), users_at_once):
            part = stars[rows]
            scores = self.score_movies(user_ids[rows], part)
            scores = np.asarray(scores, dtype=np.float64)
            if np.isnan(scores).any():
                raise ValueError(f"{type(self).__name__} gives scores that are NaN.")
            scores = np.round(scores, 9)  # beyond that, sums depend on their order
            scores[:, is_left_out] = -np.inf
            leave_out_rated(scores, part)
            parts.append(_best_of_each(user_ids[rows], self.history_.movies, scores, n))
        return pd.concat(parts, ignore_index=True)


def is_allowed(movies, candidates, exclude):
    """Return which movies may be recommended, (n_movies,) of bool.

    Parameters
    ----------
    movies : ndarray of shape (n_movies,)
        The ids of the training.
    candidates, exclude : array-like of movie ids, or None
        As in `TopN.recommend`.
    """
    allowed = np.full(movies.size, candidates is None)
    if candidates is not None:
        ids = id_values(candidates, "candidates")
        position = positions_of(movies, ids, "candidates")
        allowed[position[position >= 0]] = True
    if exclude is not None:
        position = positions_of(movies, id_values(exclude, "exclude"), "exclude")
        allowed[position[position >= 0]] = False
    return allowed


def leave_out_rated(scores, stars):
    """Set the scores of what users have rated to minus infinity, in place."""
    rated = stars.tocoo()  # a rating of 0 stars is stored, too
    scores[rated.row, rated.col] = -np.inf


def _best_of_each(user_ids, movies, scores, n):
    """Return the `n` best movies of each row of `scores` as a DataFrame."""
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
            "movie_id": movies[column],
            "score": scores[row, column],
        }
    )


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


class PopularityRanker(TopN, BaseEstimator):
    """Recommend the movies that most users have rated, the same ones to everybody."""

    def fit_history(self, history):
        """Count the ratings in a `RatingHistory`."""
        self.history_ = history
        self.popularity_ = history.popularity()
        return self

    def score_movies(self, user_ids, stars):
        """Return the share of users who have rated each movie, once per user."""
        return np.tile(self.popularity_, (len(user_ids), 1))


class ChanceRanker(TopN, BaseEstimator):
    """Recommend movies at random, to compare with."""

    def fit_history(self, history):
        """Remember which movies there are."""
        self.history_ = history
        return self

    def score_movies(self, user_ids, stars):
        """Return random scores, the same in each call: users may share them."""
        return check_random_state(0).random_sample(stars.shape)
