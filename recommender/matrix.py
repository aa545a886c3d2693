"""Ratings as a sparse matrix, and what the movies are.

The two recommenders, `factors` and `ranking`, both start from here.
"""

import numbers
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from .checks import shorten
from .ids import id_values, last_known, lookup, positions_of
from .names import near_miss
from .strings import factorize_strings
from .table import (
    RATING,
    check_ratings,
    check_table,
    latest_of_pairs,
    number_column,
    table_ids,
    warn_of_older,
)

#: A title in place of a genre would make thousands of columns.
MAX_GENRES = 100
#: So would dates in seconds in the place of years.
MAX_DECADES = 100


class RatingMatrix(NamedTuple):
    """A table of ratings as a matrix, with the latest rating of each pair."""

    users: np.ndarray  # the ids of the rows, sorted
    movies: np.ndarray  # the ids of the columns, sorted
    stars: sparse.csr_matrix  # (n_users, n_movies); a rating of 0 stars is stored, too
    movie_rows: pd.DataFrame  # the last known genre and year of each movie


def rating_matrix(X, y=None):
    """Make a matrix of a table of ratings.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)
        A table of ratings.
    y : array-like of shape (n_rows,), in stars, default=None
        The ratings; None: those in the column `rating` of `X`.

    Returns
    -------
    matrix : RatingMatrix
    """
    user_ids, movie_ids = table_ids(X)
    ratings = check_ratings(X, y)
    user, users = pd.factorize(user_ids, sort=True)
    movie, movies = pd.factorize(movie_ids, sort=True)
    is_latest = latest_of_pairs(X, user, movie)
    warn_of_older(is_latest)

    rows = np.flatnonzero(is_latest)
    shape = (users.size, movies.size)
    row_of_pair = sparse.csr_matrix((rows, (user[rows], movie[rows])), shape)
    stars = with_values(row_of_pair, ratings[row_of_pair.data])
    return RatingMatrix(users, movies, stars, _describe_movies(X, movie, movies.size))


def _describe_movies(X, movie, n_movies):
    """Return the last known genre and year of each movie, a row each.

    `movie` has the number of each row's movie. The two values of a movie may be from
    different rows: one with a gap does not hide what an earlier one has told.
    """
    genre_code, genres = factorize_strings(X, "genre")
    years = number_column(X, "movie_year")
    last_code = last_known(genre_code, genre_code >= 0, movie, n_movies, -1)
    last_year = last_known(years, ~np.isnan(years), movie, n_movies, np.nan)
    return pd.DataFrame(
        {"genre": lookup(genres, last_code, np.nan), "movie_year": last_year}
    )


def ratings_or_views(X, y=None):
    """Return the ratings of rows, as `check_ratings`; 1.0 for each if there are none.

    A table without ratings says who watched or bought what. But ratings under another
    name are refused: they would silently count for nothing.
    """
    check_table(X)
    if y is not None or RATING in X.columns:
        return check_ratings(X, y)
    misnamed = near_miss(RATING, X.columns)
    if misnamed is not None:
        raise ValueError(
            f"No column {RATING!r}: rename {misnamed!r}, or drop it if all rows are to "
            "count alike."
        )
    return np.ones(len(X))


def with_values(matrix, values):
    """Return a sparse matrix with other values in the same places.

    Both share their indices, so these must be sorted: SciPy sorts a matrix in place
    when it compares it, and the values of the other one would be in wrong places.
    """
    return sparse.csr_matrix((values, matrix.indices, matrix.indptr), matrix.shape)


class RatingHistory:
    """Who rated what, and what the movies are, kept in about five bytes a rating.

    A rating is stored as the number of its stars in a list of all different ratings,
    counted from 1, so that 0 means "not rated".

    Parameters
    ----------
    matrix : RatingMatrix

    Attributes
    ----------
    users, movies : ndarray of int64 or object
        The ids, sorted.
    levels : ndarray of shape (n_levels + 1,)
        The different ratings in stars; the first, 0.0, stands for "not rated".
    codes : csr_matrix of shape (n_users, n_movies), unsigned integers
        The place of each rating in `levels`.
    genre : ndarray of shape (n_movies,), strings
        The genres of each movie, joined by a bar; NaN where they are missing.
    movie_year : ndarray of shape (n_movies,), float
        NaN where it is missing.
    """

    def __init__(self, matrix):
        codes, levels = pd.factorize(matrix.stars.data, sort=True)
        smallest_type = np.min_scalar_type(levels.size)  # mostly one byte
        self.users = matrix.users
        self.movies = matrix.movies
        self.levels = np.append(0.0, levels)
        self.codes = with_values(matrix.stars, (codes + 1).astype(smallest_type))
        genre_code, genres = factorize_strings(matrix.movie_rows, "genre")
        self.genre = lookup(genres, genre_code, np.nan)
        self.movie_year = number_column(matrix.movie_rows, "movie_year")

    def matrix(self):
        """Return the `RatingMatrix` that this history was made of."""
        return RatingMatrix(self.users, self.movies, self.stars(), self._movie_rows())

    @property
    def kinds(self):
        """For each genre and each decade, 1 for the movies that belong to it.

        A csr_matrix of shape (n_kinds, n_movies).
        """
        return _movie_kinds(self._movie_rows())

    def _movie_rows(self):
        return pd.DataFrame({"genre": self.genre, "movie_year": self.movie_year})

    def stars_of(self, user_ids):
        """Return the ratings of users, a csr_matrix (n_user_ids, n_movies).

        The row of an unknown user is empty.
        """
        position = positions_of(self.users, user_ids, "user_id")
        known = np.flatnonzero(position >= 0)
        # Row i of this matrix picks one user; that of an unknown user picks nobody.
        ones = np.ones(known.size, dtype=self.codes.dtype)
        shape = (position.size, self.users.size)
        which_user = sparse.csr_matrix((ones, (known, position[known])), shape)
        rows = which_user @ self.codes
        rows.sort_indices()
        return with_values(rows, self.levels[rows.data])

    def stars(self):
        """Return all ratings, a csr_matrix (n_users, n_movies)."""
        return with_values(self.codes, self.levels[self.codes.data])

    def has_rated(self, user_ids, movie_ids):
        """Return for each pair of ids whether it was rated, an array of bool."""
        user = positions_of(self.users, user_ids, "user_id")
        movie = positions_of(self.movies, movie_ids, "movie_id")
        is_known = (user >= 0) & (movie >= 0)
        # An unknown id is looked up as the first one, which does not count.
        codes = self.codes[np.maximum(user, 0), np.maximum(movie, 0)]
        return is_known & (np.asarray(codes).ravel() > 0)

    def popularity(self):
        """Return the share of users who rated each movie, shape (n_movies,)."""
        n_ratings = np.bincount(self.codes.indices, minlength=self.movies.size)
        return n_ratings / self.users.size

    def scale(self):
        """Return the lowest and the highest rating, in stars."""
        return float(self.levels[1]), float(self.levels[-1])  # [0] is "not rated"

    def unused_user_id(self):
        """Return an id that no user has: the smallest positive one, or a string."""
        if self.users.dtype == object:
            user_id = "new user"
            while user_id in self.users:
                user_id += "+"
            return user_id
        positive = self.users[self.users > 0]  # sorted
        counted = np.arange(1, positive.size + 1)
        gaps = counted[positive != counted]
        return int(gaps[0]) if gaps.size else positive.size + 1

    def new_user(self, ratings):
        """Return the ratings of a new user.

        Parameters
        ----------
        ratings : dict of {movie_id: stars}

        Returns
        -------
        stars : csr_matrix of shape (1, n_movies)
            The ratings of known movies.
        unknown : list of movie ids
            The movies that the training does not know.

        Raises
        ------
        ValueError
            If the ratings are no dict, or not on the scale of the training.
        """
        low, high = self.scale()
        if not isinstance(ratings, dict):
            raise ValueError(
                f"ratings must be a dict, {{movie_id: stars}}, got {shorten(ratings)}."
            )
        for movie, value in ratings.items():
            if not _is_between(value, low, high):
                raise ValueError(
                    f"ratings must be {{movie_id: stars from {low} to {high}}}, "
                    f"but movie {shorten(movie)} has {shorten(value)}."
                )
        name = "The keys of ratings"
        movie_ids = id_values(list(ratings), name)
        position = positions_of(self.movies, movie_ids, name)
        is_known = position >= 0
        values = np.array(list(ratings.values()), dtype=np.float64)
        stars = self.one_row(position[is_known], values[is_known])
        return stars, movie_ids[~is_known].tolist()

    def one_row(self, positions, values):
        """Return the ratings of one user, a csr_matrix (1, n_movies).

        Parameters
        ----------
        positions : ndarray of shape (n_rated,)
            The places of the rated movies in `movies`.
        values : ndarray of shape (n_rated,), in stars
        """
        rows = np.zeros(len(positions), dtype=np.int64)
        shape = (1, self.movies.size)
        return sparse.csr_matrix((values, (rows, positions)), shape).sorted_indices()


def _is_between(value, low, high):
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_number and low <= value <= high


class MovieContent:
    """Describe movies by genres and year, as numbers of similar size.

    A row of n genres has 1 / sqrt(n) for each of them: all rows have the same length.
    The year is counted from the mean year, in units of 50 years; 0 where it is missing.

    Attributes
    ----------
    vectorizer : TfidfVectorizer
        Its "words" are the genres of the training.
    mean_year : float
        NaN if no movie of the training has a year.
    """

    def fit(self, movie_rows):
        """Learn the genres and the mean year from a table with one row per movie."""
        self.vectorizer = TfidfVectorizer(
            token_pattern=r"[^|]+",  # a genre is what is between two bars
            lowercase=False,
            binary=True,
            use_idf=False,
            max_features=MAX_GENRES,
        )
        _, genres = factorize_strings(movie_rows, "genre")
        # It refuses to learn from nothing. "none" is a column of zeros, which changes
        # no prediction, unless a genre of the table has this name.
        self.vectorizer.fit([*genres, "none"])
        years = pd.Series(number_column(movie_rows, "movie_year"))
        self.mean_year = float(years.mean())
        return self

    def genres(self, X):
        """Return the genres of each row's movie, (n_rows, n_genres), each at most 1."""
        code, strings = factorize_strings(X, "genre")
        if len(strings) == 0:
            return np.zeros((len(X), len(self.vectorizer.vocabulary_)))
        return lookup(self.vectorizer.transform(strings).toarray(), code, 0.0)

    def transform(self, X):
        """Return genres and year of each row's movie, (n_rows, n_genres + 1)."""
        year = (number_column(X, "movie_year") - self.mean_year) / 50
        return np.column_stack([self.genres(X), np.nan_to_num(year)])


def _movie_kinds(movie_rows):
    """Return for each genre and each decade which movies belong to it."""
    has_genre = MovieContent().fit(movie_rows).genres(movie_rows) > 0
    is_of_decade = _movies_of_decades(number_column(movie_rows, "movie_year") // 10)
    kinds = sparse.vstack([sparse.csr_matrix(has_genre.T), is_of_decade], format="csr")
    return kinds.astype(np.float64)  # (n_kinds, n_movies)


def _movies_of_decades(decades):
    """Return which movies belong to each decade, a csr_matrix (n_decades, n_movies).

    Of more than `MAX_DECADES`, those with the most movies are used.
    """
    n_movies = pd.Series(decades).value_counts().sort_index()
    used = np.sort(n_movies.nlargest(MAX_DECADES).index)
    position = pd.Index(used).get_indexer(decades)  # -1 where the year is missing
    movie = np.flatnonzero(position >= 0)
    ones = np.ones(movie.size)
    shape = (used.size, len(decades))
    return sparse.csr_matrix((ones, (position[movie], movie)), shape)
