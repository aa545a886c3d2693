"""The scikit-learn ecosystem: a movie recommender, built from raw ratings to a service.

Run this file (``python lesson_code.py``), test it (``pytest test_lesson.py -v``), and
read it from top to bottom. You should know NumPy and pandas, and that in scikit-learn
``fit`` learns and ``predict`` answers. The data goes one way::

    ingest --> preprocess -> transform --> select --> train ---> evaluate --> deploy
    dataset    impute,       13 features   optional   any        RMSE, MAE,   one file,
    or         encode        (our own      selector   sklearn    R2; P, R,    a card,
    MovieLens                transformer)             regressor  NDCG@10      recommend

The sections:

1. A table of ratings whose law is known
2. Thirteen features that do not leak the answers
3. Models: one table, one pipeline
4. The wrapper: train, evaluate, compare, recommend
5. The artifact: what travels with a model
6. The demo and the command line

What they stand on, such as reading MovieLens files or saving a file safely, is in the
folder `recommender`, one job a file. You can read the lesson without it.

License: BSD-3-Clause (The scikit-learn ecosystem lesson contributors).
"""

__version__ = "0.3.0"

if __name__ == "__main__":
    # `python lesson_code.py` starts here. The file is imported under its own name, so
    # that the models it saves can be loaded by other programs, and from here on Ctrl-C
    # ends with one line. Everything below happens in that import.
    import sys

    from recommender.console import run_script

    sys.exit(run_script(__file__, __spec__))

import contextlib
import sys
import warnings
from typing import NamedTuple

import joblib
import numpy as np
import pandas as pd
import sklearn
from scipy.special import ndtr as normal_cdf
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingRegressor,
    VotingRegressor,
)
from sklearn.linear_model import Ridge
from sklearn.metrics import (
    make_scorer,
    mean_absolute_error,
    r2_score,
    root_mean_squared_error,
)
from sklearn.model_selection import (
    KFold,
    RandomizedSearchCV,
    cross_validate,
    train_test_split,
)
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils.fixes import parse_version
from sklearn.utils.validation import (
    _check_feature_names_in,
    check_is_fitted,
    validate_data,
)

from recommender import artifact, synthetic
from recommender.console import one_line_errors, say
from recommender.factors import MatrixFactorization
from recommender.forest import QuickRandomForest
from recommender.matrix import MovieContent, RatingHistory, rating_matrix
from recommender.movielens import load_movielens
from recommender.options import make_parser, parse_options
from recommender.ranking import (
    ExactByMovies,
    ExactByUsers,
    LowRank,
    MovieRanker,
    ranking_metrics,
    relevant_ratings,
)
from recommender.table import (
    IDS,
    RATING,
    TABLE_COLUMNS,
    TakesTables,
    check_ids,
    check_number,
    check_ratings,
    check_training_table,
    encode,
    factorize_strings,
    fit_encoder,
    latest_of_pairs,
    lookup,
    number_column,
    positions_of,
    table_ids,
    warn_of_older,
)

__all__ = [
    "MODELS",
    "MatrixFactorization",
    "MovieRanker",
    "MovieRecommendationDataset",
    "RatingPipeline",
    "SklearnEcosystemPipeline",
    "UserMovieFeatureTransformer",
    "compare_models",
    "demonstrate_ecosystem",
    "load_movielens",
    "ranking_metrics",
    "rating_metrics",
]

# ======================================================================================
# 1. A table of ratings whose law is known
# ======================================================================================
# The data is a table with one row per rating. Its columns (`TABLE_COLUMNS`) are
#
#     user_id  movie_id  rating  timestamp  genre  movie_year  user_age  user_country
#
# `load_movielens` reads real ratings into the same columns. The lesson makes its own
# table, because we then know the law behind it: we can tell which part of a model's
# error is the model's fault, and which part is noise that no model can predict.

STARS = np.arange(1.0, 5.01, 0.5)  # the nine possible ratings: 1, 1.5, ... 5
#: The sizes of the law's parts, in stars: standard deviations, except for the mean.
#: `noise_spread` says how much users differ in care: it is the standard deviation of
#: the logarithm of their noise. Calibrated by `python benchmarks/calibration.py`.
LAW = {
    "mean": 3.02,
    "user": 0.45,
    "movie": 0.49,
    "taste": 0.45,
    "noise": 0.84,
    "noise_spread": 0.55,
}


class MovieRecommendationDataset:
    """A synthetic table of movie ratings whose law is known.

    The rating that user u gives to movie m is ::

        opinion[u, m] = mean + user[u] + movie[m] + taste[u, m]
        taste[u, m]   = T[u] . G[m]
        rating[u, m]  = the half star nearest to  opinion[u, m] + noise,  from 1 to 5

    where T is how much the user loves each of 8 genres, G how much of each genre is in
    the movie, and the noise is normal with standard deviation sigma[u]: some users rate
    with care, and some do not. `LAW` holds the sizes of these parts.

    A few movies get most ratings, and are rated a little better. Users watch more of
    what they love, and rate no movie twice. Age, country, year, hour and weekday carry
    no signal in this table, and a good model has to find that out.

    Parameters
    ----------
    n_users : int, default=1000
        How many users there are; at least 1.
    n_movies : int, default=500
        How many movies there are; at least 1.
    n_ratings : int, default=50000
        The number of rows, at most `n_users` times `n_movies`.
    random_state : int, default=42
        The seed. The same seed gives the same table on every machine and with every
        version of NumPy.

    Attributes
    ----------
    true_expected_ : ndarray of shape (n_ratings,)
        The expected rating of each row, in stars: the best possible prediction.
    true_taste_ : ndarray of shape (n_ratings,)
        The taste of each row's user for its movie, in stars.
    law_ : dict of ndarray
        What was drawn: "user", "movie", "T", "G" and "sigma" as above, and
        "mean_taste", which is subtracted from T . G.

    Examples
    --------
    >>> table = MovieRecommendationDataset(100, 50, n_ratings=1000).generate()
    >>> table.shape
    (1000, 8)
    """

    def __init__(self, n_users=1000, n_movies=500, n_ratings=50_000, random_state=42):
        self.n_users = n_users
        self.n_movies = n_movies
        self.n_ratings = n_ratings
        self.random_state = random_state

    def generate(self):
        """Draw the table.

        Returns
        -------
        table : DataFrame of shape (n_ratings, 8)
            The columns of `TABLE_COLUMNS`, in random order of rows. Ids count from 1.

        Raises
        ------
        ValueError
            If a size or the seed is impossible.
        """
        n_users, n_movies, n_ratings = self.check()
        rng = check_random_state(int(self.random_state))
        movies = synthetic.draw_movies(rng, n_movies)
        users = synthetic.draw_users(rng, n_users)
        user, movie = synthetic.draw_pairs(rng, n_ratings, users, movies)
        self.law_ = synthetic.draw_law(rng, LAW, user, movie, users, movies)

        noise = rng.standard_normal(n_ratings)
        opinion, self.true_taste_ = self._opinions(user, movie)
        sigma = self.law_["sigma"][user]
        half_stars = np.round(2 * (opinion + sigma * noise)) / 2
        rating = np.clip(half_stars, STARS[0], STARS[-1])
        self.true_expected_, self._variance = _moments(opinion, sigma)

        table = {
            "user_id": user + 1,
            "movie_id": movie + 1,
            RATING: rating,
            "timestamp": synthetic.draw_timestamps(rng, user, n_users),
            "genre": movies.genre[movie],
            "movie_year": movies.year[movie],
            "user_age": users.age[user],
            "user_country": users.country[user],
        }
        return pd.DataFrame(table, columns=TABLE_COLUMNS, copy=False)

    def best_rmse(self, rows=None):
        """Return the noise floor: the expected RMSE of the best possible predictor.

        It is the root of the mean of Var(rating | user, movie) over the rows. On a
        given set of rows, a perfect predictor can be a little better or worse, by luck.

        Parameters
        ----------
        rows : DataFrame with `user_id` and `movie_id`, default=None
            None: the whole table.

        Returns
        -------
        rmse : float, in stars

        Raises
        ------
        ValueError
            If `rows` holds a user or movie that is not in the dataset.
        """
        if not hasattr(self, "law_"):
            self.generate()
        if rows is None:
            return float(np.sqrt(self._variance.mean()))

        user_ids, movie_ids = table_ids(rows)
        is_user = (user_ids >= 1) & (user_ids <= self.n_users)
        is_movie = (movie_ids >= 1) & (movie_ids <= self.n_movies)
        if not (is_user & is_movie).all():
            raise ValueError(
                f"rows must be of users 1 to {self.n_users} and movies 1 to "
                f"{self.n_movies}."
            )
        opinion, _ = self._opinions(user_ids - 1, movie_ids - 1)
        _, variance = _moments(opinion, self.law_["sigma"][user_ids - 1])
        return float(np.sqrt(variance.mean()))

    def check(self):
        """Return the three sizes as plain integers.

        Raises
        ------
        ValueError
            If a size or the seed is impossible.
        """
        sizes = {}
        for name in ("n_users", "n_movies", "n_ratings"):
            value = getattr(self, name)
            sizes[name] = check_number(name, value, 1, integer=True, below=2**32)
        check_number("random_state", self.random_state, 0, integer=True, below=2**32)
        n_pairs = sizes["n_users"] * sizes["n_movies"]
        if sizes["n_ratings"] > n_pairs:
            raise ValueError(
                f"n_ratings={sizes['n_ratings']} is more than the {n_pairs} pairs of a "
                "user and a movie."
            )
        return sizes.values()

    def _opinions(self, user, movie):
        """Return opinion and taste of the law, for positions of users and movies."""
        law = self.law_
        taste = synthetic.row_products(law["T"], law["G"], user, movie)
        taste -= law["mean_taste"]
        return LAW["mean"] + law["user"][user] + law["movie"][movie] + taste, taste


def _moments(opinion, sigma):
    """Return the mean and the variance of the ratings that an opinion leads to.

    A rating reaches a star if opinion + noise is above the middle between this star and
    the one below. So ``reached[row, star]`` is a probability, and the mean is the
    lowest star plus half a star times each of these probabilities.
    """
    thresholds = (STARS[:-1] + STARS[1:]) / 2
    expected = np.empty_like(opinion)
    variance = np.empty_like(opinion)
    for rows in gen_batches(opinion.size, synthetic.ROWS_AT_ONCE):
        distance = opinion[rows, None] - thresholds  # (n_rows, 8)
        reached = normal_cdf(distance / sigma[rows, None])
        expected[rows] = STARS[0] + reached @ np.diff(STARS)
        expected_square = STARS[0] ** 2 + reached @ np.diff(STARS**2)
        variance[rows] = expected_square - expected[rows] ** 2
    return expected, variance


# ======================================================================================
# 2. Thirteen features that do not leak the answers
# ======================================================================================
# How does this user rate on average, and how is this movie rated? These two averages
# are the best features there are. scikit-learn makes them in two lines, which
# everything else in this file has to beat::
#
#     encoder = TargetEncoder(target_type="continuous")  # ids become average ratings
#     model = make_pipeline(encoder, Ridge()).fit(X_train[IDS], y_train)
#
# (RMSE 0.8390, against 1.0420 for always answering the mean: `python lesson_code.py
# compare`.) Averages are also easy to get wrong, because an average of ratings can
# contain the answer. There are three ways, from wrong to right:
#
# * Averages over the whole table, before the split (`fit(table).transform(table)`),
#   contain the test ratings. The score is too good: with two ratings per user it even
#   falls far below the noise floor, where no leak-free model gets.
# * Averages over the training rows contain each row's own rating. The model learns to
#   trust them more than it can trust the averages of new rows. Most models get worse
#   where there are few ratings per user; with 50 per user we saw no difference.
# * *Cross-fitting*: the rows are cut into folds, and the averages of a row come from
#   the folds that it is not in. `TargetEncoder` does that, and `fit_transform` below.
#
# The figures behind these sentences: `python benchmarks/leak.py`.

#: What `UserMovieFeatureTransformer` makes of a row, in this order.
FEATURES = [
    *IDS,
    "user_age",
    "movie_year",
    "genre_encoded",
    "country_encoded",
    "user_avg_rating",
    "movie_avg_rating",
    "user_movie_interaction",
    "hour_of_day",
    "day_of_week",
    "user_rating_count",
    "movie_rating_count",
]
TEMPORAL_FEATURES = ["hour_of_day", "day_of_week"]
ENCODED = ["genre", "user_country"]  # columns of strings, which become numbers
HOUR = 3600  # seconds
DAY = 24 * HOUR


class _Observed(NamedTuple):
    """A feature that needs no rating."""

    column: str  # of the table, from which it is made
    owner: str | None  # whose property it is: the "user"'s, the "movie"'s, or nobody's
    default: str  # for unknown values: "median" or "mode" of the training, or "code" -1


OBSERVED = {
    "user_age": _Observed("user_age", "user", "median"),
    "movie_year": _Observed("movie_year", "movie", "median"),
    "genre_encoded": _Observed("genre", "movie", "code"),
    "country_encoded": _Observed("user_country", "user", "code"),
    "hour_of_day": _Observed("timestamp", None, "mode"),
    "day_of_week": _Observed("timestamp", None, "mode"),
}


class UserMovieFeatureTransformer(TakesTables, TransformerMixin, BaseEstimator):
    """Turn raw ratings into 13 features of user, movie and time.

    The averages are *damped*: ::

        average = (sum + damping * mean) / (n + damping)

    as if there were `damping` more ratings that are just average, so that an average of
    few ratings stays near the mean (Funk, "Netflix Update: Try This at Home", 2006).

    They are also *cross-fitted*. As in scikit-learn's `TargetEncoder`,
    ``fit(X, y).transform(X)`` describes rows as if they were new, while
    ``fit_transform(X, y)`` takes the averages of each row from other rows: a model must
    learn from these, and a `Pipeline` calls the right method. The averages equal those
    of ``TargetEncoder(smooth=damping)``, which is checked by a test.

    A frame of features is accepted as input, too. Its averages and counts are then
    learned anew, so averages that were computed before a split cannot reach a score.

    Parameters
    ----------
    create_temporal : bool, default=True
        Whether to add `hour_of_day` (0 to 23, UTC) and `day_of_week` (Monday is 0).
    damping : float, default=10.0
        How many average ratings are added to each average; at least 0.
    cv : int, default=5
        The number of folds of `fit_transform`.
    random_state : int, RandomState or None, default=0
        What shuffles the rows into the folds.

    Attributes
    ----------
    users_, movies_ : ndarray of int64
        The ids of the training, sorted.
    user_avg_, movie_avg_ : ndarray of shape (n_users,), (n_movies,)
        The damped averages in their order, in stars.
    user_count_, movie_count_ : ndarray of shape (n_users,), (n_movies,)
        The numbers of ratings.
    global_mean_ : float
        The mean rating, in stars, which stands for the average of an unknown id.
    known_ : dict of ndarray
        For each feature of a user or movie, the last value that was seen of it.
    defaults_ : dict of float
        For each feature that needs no rating, the value where none is known.
    absent_ : list of str
        The features that the training had no value of.
    genre_encoder_, country_encoder_ : OrdinalEncoder
        They give -1 to an unknown string.

    Examples
    --------
    >>> table = MovieRecommendationDataset(100, 50, n_ratings=1000).generate()
    >>> features = UserMovieFeatureTransformer().fit_transform(table)
    >>> features.shape
    (1000, 13)
    """

    def __init__(self, create_temporal=True, damping=10.0, cv=5, random_state=0):
        self.create_temporal = create_temporal
        self.damping = damping
        self.cv = cv
        self.random_state = random_state

    def fit(self, X, y=None):
        """Learn averages, counts and defaults from a table of ratings.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            `user_id`, `movie_id` and any other of the `TABLE_COLUMNS`.
        y : array-like of shape (n_rows,), in stars, default=None
            The ratings; None: those in the column `rating` of `X`.

        Returns
        -------
        self : UserMovieFeatureTransformer

        Raises
        ------
        ValueError, TypeError
            If a parameter, the table or the ratings are refused.
        """
        rows = self._read_rows(X, y)
        self._learn(X, rows)
        return self

    def fit_transform(self, X, y=None):
        """Learn from a table, and return its **cross-fitted** features.

        They are not those of ``fit(X, y).transform(X)``: the averages of each row come
        from the folds that the row is not in.

        Parameters
        ----------
        X, y
            As in `fit`.

        Returns
        -------
        features : DataFrame of shape (n_rows, 13), or 11 without the temporal ones
            With the index of `X`; ids are int64, everything else float64.
        """
        rows = self._read_rows(X, y)
        folds = make_folds(self.cv, self.random_state).split(X)
        held_out_rows = [held_out for _, held_out in folds]
        user_avg = _cross_fitted_averages(rows.user, rows, held_out_rows, self.damping)
        movie_avg = _cross_fitted_averages(
            rows.movie, rows, held_out_rows, self.damping
        )
        observed = self._learn(X, rows)
        return self._assemble(X, rows.user, rows.movie, user_avg, movie_avg, observed)

    def transform(self, X):
        """Return the features of rows, from what `fit` has learned.

        A rating in `X` is never looked at. An unknown user or movie is a normal row.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            Only `user_id` and `movie_id` are needed.

        Returns
        -------
        features : DataFrame of shape (n_rows, 13), or 11 without the temporal ones
            With the index of `X`; ids are int64, everything else float64.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            If nothing was learned yet, or the table is refused.
        """
        check_is_fitted(self)
        user_ids, movie_ids = table_ids(X)
        user = positions_of(self.users_, user_ids)
        movie = positions_of(self.movies_, movie_ids)
        user_avg = lookup(self.user_avg_, user, self.global_mean_)
        movie_avg = lookup(self.movie_avg_, movie, self.global_mean_)
        strings = {name: factorize_strings(X, name) for name in ENCODED}
        encoders = {"genre": self.genre_encoder_, "user_country": self.country_encoder_}
        observed = _observe(X, strings, encoders)
        return self._assemble(X, user, movie, user_avg, movie_avg, observed)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features: 13, or 11 without the temporal ones."""
        names = FEATURES
        if not self.create_temporal:
            names = [name for name in FEATURES if name not in TEMPORAL_FEATURES]
        return np.array(names, dtype=object)

    def _read_rows(self, X, y):
        """Check everything that `fit` takes."""
        user_ids, movie_ids = table_ids(X)
        user, users = pd.factorize(user_ids, sort=True)
        movie, movies = pd.factorize(movie_ids, sort=True)
        ratings = check_ratings(X, y)
        check_number("damping", self.damping, 0)
        is_latest = latest_of_pairs(X, user, movie)
        warn_of_older(is_latest, stacklevel=4)
        # A transformer must not drop a row, so an older rating gets the weight 0.
        return _Rows(users, movies, user, movie, ratings, is_latest.astype(np.float64))

    def _learn(self, X, rows):
        """Learn from the rows; return their features that need no rating."""
        strings = {name: factorize_strings(X, name) for name in ENCODED}
        encoders = {name: fit_encoder(values) for name, (_, values) in strings.items()}
        observed = _observe(X, strings, encoders)
        validate_data(self, X, skip_check_array=True)  # records the columns' names
        self.genre_encoder_ = encoders["genre"]
        self.country_encoder_ = encoders["user_country"]
        self._learn_averages(rows)
        self._learn_defaults(rows, observed)
        return observed

    def _learn_averages(self, rows):
        user_count = np.bincount(rows.user, rows.weights)
        movie_count = np.bincount(rows.movie, rows.weights)
        weighted = rows.weights * rows.ratings
        user_total = np.bincount(rows.user, weighted)
        movie_total = np.bincount(rows.movie, weighted)
        mean = float(np.average(rows.ratings, weights=rows.weights))

        self.users_ = rows.users
        self.movies_ = rows.movies
        self.global_mean_ = mean
        self.user_count_ = user_count
        self.movie_count_ = movie_count
        self.user_avg_ = damped_mean(user_total, user_count, mean, self.damping)
        self.movie_avg_ = damped_mean(movie_total, movie_count, mean, self.damping)

    def _learn_defaults(self, rows, observed):
        self.absent_ = [name for name in OBSERVED if np.isnan(observed[name]).all()]
        self.known_ = {}
        self.defaults_ = {}
        for name, feature in OBSERVED.items():
            values = observed[name]
            if feature.owner == "user":
                self.known_[name] = _last_values(values, rows.user, rows.users.size)
            elif feature.owner == "movie":
                self.known_[name] = _last_values(values, rows.movie, rows.movies.size)

            if feature.default == "code":
                self.defaults_[name] = -1.0
            elif name in self.absent_:
                self.defaults_[name] = 0.0
            elif feature.default == "median":
                self.defaults_[name] = float(np.nanmedian(values))
            else:
                self.defaults_[name] = float(pd.Series(values).mode()[0])

    def _assemble(self, X, user, movie, user_avg, movie_avg, observed):
        """Put the features of all rows together; a position of -1 is unknown."""
        columns = {name: X[name].to_numpy(dtype=np.int64, copy=True) for name in IDS}
        for name, values in observed.items():
            self._fill_gaps(name, values, user, movie)
            columns[name] = values
        columns["user_avg_rating"] = user_avg
        columns["movie_avg_rating"] = movie_avg
        columns["user_movie_interaction"] = user_avg * movie_avg
        columns["user_rating_count"] = lookup(self.user_count_, user, 0.0)
        columns["movie_rating_count"] = lookup(self.movie_count_, movie, 0.0)
        names = self.get_feature_names_out()
        return pd.DataFrame(columns, index=X.index, columns=names, copy=False)

    def _fill_gaps(self, name, values, user, movie):
        """Fill NaN in place: by what is known of the user or movie, else a default."""
        if name in self.absent_:  # no model can have learned to use it
            values[:] = self.defaults_[name]
            return
        gaps = np.flatnonzero(np.isnan(values))
        if OBSERVED[name].owner is not None:
            position = user if OBSERVED[name].owner == "user" else movie
            values[gaps] = lookup(self.known_[name], position[gaps], np.nan)
        values[np.isnan(values)] = self.defaults_[name]


class _Rows(NamedTuple):
    """What a transformer learns from."""

    users: np.ndarray  # the ids of all users, sorted
    movies: np.ndarray  # the ids of all movies, sorted
    user: np.ndarray  # (n_rows,): the position of each row's user in `users`
    movie: np.ndarray  # (n_rows,): the position of each row's movie in `movies`
    ratings: np.ndarray  # (n_rows,), in stars
    weights: np.ndarray  # (n_rows,): 1.0; 0.0 for a rating that a later one replaces


def make_folds(n_folds, random_state):
    """Return the lesson's splitter. It shuffles, as real tables are sorted by user."""
    return KFold(n_folds, shuffle=True, random_state=random_state)


def damped_mean(total, count, mean, damping):
    """Return ``(total + damping * mean) / (count + damping)``.

    Where nothing was counted and nothing is added, return the mean.
    """
    weight = count + damping
    with_ratings = np.where(weight > 0, weight, 1.0)
    return np.where(weight > 0, (total + damping * mean) / with_ratings, mean)


def _cross_fitted_averages(owner, rows, held_out_rows, damping):
    """Return for each row a damped average that its own fold has no part in.

    Parameters
    ----------
    owner : ndarray of shape (n_rows,)
        The position of each row's user, or of its movie.
    rows : _Rows
    held_out_rows : list of ndarray
        The rows of each fold.
    damping : float

    Returns
    -------
    averages : ndarray of shape (n_rows,), in stars
    """
    weighted = rows.weights * rows.ratings
    count = np.bincount(owner, rows.weights)
    total = np.bincount(owner, weighted)
    averages = np.empty(len(owner))
    for held_out in held_out_rows:
        fold = owner[held_out]
        count_elsewhere = count - np.bincount(fold, rows.weights[held_out], len(count))
        total_elsewhere = total - np.bincount(fold, weighted[held_out], len(count))
        mean_elsewhere = total_elsewhere.sum() / max(count_elsewhere.sum(), 1.0)
        damped = damped_mean(total_elsewhere, count_elsewhere, mean_elsewhere, damping)
        averages[held_out] = damped[fold]
    return averages


def _last_values(values, position, size):
    """Return the last value that is known of each position, NaN where there is none."""
    is_known = ~np.isnan(values)
    last = np.full(size, np.nan)
    last[position[is_known]] = values[is_known]  # a later row overwrites an earlier one
    return last


def _observe(X, strings, encoders):
    """Return the features that need no rating, each an array with NaN in its gaps."""
    observed = {}
    for name, feature in OBSERVED.items():
        is_raw = feature.column in X.columns and feature.column != name
        if not is_raw:  # It is a number already, or missing, which gives NaN.
            observed[name] = number_column(X, name)
        elif feature.column in strings:
            codes, values = strings[feature.column]
            observed[name] = encode(codes, values, encoders[feature.column])
    if "timestamp" in X.columns:
        days, seconds = np.divmod(number_column(X, "timestamp"), DAY)
        # Just before midnight, rounding can give a whole day.
        observed["hour_of_day"] = np.minimum(np.floor(seconds / HOUR), 23)
        observed["day_of_week"] = (days + 3) % 7  # 1970-01-01 was a Thursday
    return observed


# ======================================================================================
# 3. Models: one table, one pipeline
# ======================================================================================
# The features are part of the model, not of the data. That is the heart of the lesson:
# a pipeline that takes *raw* rows learns its averages from the rows that it is fitted
# on, anew in each fold of a cross-validation, in a search, and in the final fit. There
# is no line left in which the answers could leak.


class DropIds(TransformerMixin, BaseEstimator):
    """Drop both ids: an id is a label, not a quantity.

    The ids are found by name. A `FeatureUnion` gives an array, which has no names: in
    an array the ids must be the first two columns, which `RatingPipeline.fit` checks.

    Attributes
    ----------
    is_kept_ : ndarray of shape (n_columns,), bool
    """

    def fit(self, X, y=None):
        """Find the ids among the columns of `X`."""
        validate_data(self, X, skip_check_array=True)  # records the columns' names
        if isinstance(X, pd.DataFrame):
            # A union with names puts that of its part before each: "ours__user_id".
            names = [str(name).split("__")[-1] for name in X.columns]
            self.is_kept_ = ~np.isin(names, IDS)
        else:
            self.is_kept_ = np.arange(X.shape[1]) >= len(IDS)
        return self

    def transform(self, X):
        """Return the other columns, an array of shape (n_rows, n_columns - 2)."""
        check_is_fitted(self)
        if isinstance(X, pd.DataFrame):
            return X.loc[:, self.is_kept_].to_numpy()
        return X[:, self.is_kept_]

    def get_feature_names_out(self, input_features=None):
        """Return the names of the other columns."""
        return _check_feature_names_in(self, input_features)[self.is_kept_]


#: What each model is:
#:
#: * features: the step that turns raw rows into numbers
#: * raw: whether the regressor takes the rows as they are (if missing: no)
#: * scaling: the steps between features and regressor
#: * regressor: any regressor of scikit-learn
#: * search: the values that `tune_hyperparameters=True` draws from
#:
#: Another model is one more row. A forest does not need the scaler; it is there for
#: whatever takes the forest's place. `QuickRandomForest` is a `RandomForestRegressor`
#: that answers a single question faster. Its settings are a fast choice near the best
#: of a grid (`python benchmarks/forest_grid.py`).
MODELS = {
    "forest": {
        "features": UserMovieFeatureTransformer(),
        "scaling": [("scaler", StandardScaler())],
        "regressor": QuickRandomForest(
            n_estimators=100, max_features=1 / 3, min_samples_leaf=5, max_samples=0.05
        ),
        "search": {
            "features__damping": [2.0, 5.0, 10.0, 20.0],
            "model__max_features": [1 / 3, 0.5, 1.0],
            "model__min_samples_leaf": [1, 5, 10, 20],
            "model__max_samples": [0.05, 0.1, 0.3],
        },
    },
    "boosting": {
        "features": UserMovieFeatureTransformer(),
        "scaling": [("scaler", StandardScaler())],
        # Early stopping: it stops before it learns noise.
        "regressor": HistGradientBoostingRegressor(early_stopping=True),
        "search": {
            "features__damping": [2.0, 5.0, 10.0, 20.0],
            "model__learning_rate": [0.03, 0.05, 0.1],
            "model__max_leaf_nodes": [7, 15, 31, 63],
            "model__min_samples_leaf": [20, 50, 100],
            "model__l2_regularization": [0.0, 1.0, 10.0],
        },
    },
    "linear": {
        "features": UserMovieFeatureTransformer(),
        "scaling": [("scaler", StandardScaler())],
        "regressor": Ridge(),
        "search": {
            "features__damping": [2.0, 5.0, 10.0, 20.0],
            "model__alpha": [0.01, 0.1, 1.0, 10.0, 100.0, 1000.0],
        },
    },
    # The 13 features know a user by an average: they cannot tell one taste from
    # another. Matrix factorization can. It reads the ids, and what the movies are.
    "factors": {
        "features": FunctionTransformer(),  # it changes nothing
        "raw": True,
        "scaling": [("scaler", "passthrough")],
        "regressor": MatrixFactorization(),
        "search": {
            "model__n_factors": [4, 8, 12, 16, 32],
            "model__damping": [2.0, 3.0, 5.0, 10.0],
            "model__regularization": [3.0, 4.5, 6.0, 9.0, 12.0],
        },
    },
    # Both together: the estimates of two matrix factorizations, cross-fitted like the
    # averages, are the 14th and the 15th feature.
    "blend": {
        "features": FeatureUnion(
            [
                ("ratings", UserMovieFeatureTransformer()),
                ("factors", MatrixFactorization()),
                ("ids", MatrixFactorization(16, n_patterns=0, content=False)),
            ],
            verbose_feature_names_out=False,
        ),
        "scaling": [("scaler", StandardScaler())],
        "regressor": VotingRegressor(
            [
                (
                    "boosting",
                    HistGradientBoostingRegressor(
                        learning_rate=0.05,
                        max_iter=300,
                        max_leaf_nodes=8,
                        early_stopping=True,
                    ),
                ),
                ("ridge", Ridge()),
            ]
        ),
        "search": {
            "features__factors__regularization": [3.0, 4.5, 6.0, 9.0],
            "model__boosting__learning_rate": [0.03, 0.05, 0.1],
            "model__boosting__max_leaf_nodes": [8, 15, 31],
            "model__weights": [None, [2, 1], [1, 2]],
        },
    },
}


def find_model(model):
    """Return the row of `MODELS` for a name or a regressor.

    A regressor of your own gets the row of its type with itself in it, or else the
    forest's; there is no search space for it.
    """
    if isinstance(model, str) and model in MODELS:
        return MODELS[model]
    is_regressor = hasattr(model, "fit") and hasattr(model, "predict")
    if isinstance(model, (str, type)) or not is_regressor:
        raise ValueError(
            f"model must be one of {list(MODELS)} or a regressor, got {model!r}."
        )
    for row in MODELS.values():
        if isinstance(row["regressor"], type(model)):
            return row | {"regressor": model, "search": None}
    return MODELS["forest"] | {"regressor": model, "search": None}


def _check_ids_come_first(features, X):
    """Raise a ValueError if an array of features does not begin with the ids."""
    if isinstance(features, pd.DataFrame):
        return  # they are found by name
    first_row = np.asarray(features)[0, :2]
    if list(first_row) != list(X[IDS].iloc[0]):
        raise ValueError(
            "Features must begin with the ids: put UserMovieFeatureTransformer first."
        )


class RatingPipeline(TakesTables, RegressorMixin, Pipeline):
    """A scikit-learn `Pipeline` that takes raw rows and predicts ratings.

    Predictions are kept to the scale of the ratings: a model may answer 5.3 stars,
    which nobody can give. A slice, such as ``pipeline[1:]``, is a plain `Pipeline`,
    which is fitted if this one is.

    Attributes
    ----------
    y_min_, y_max_ : float
        The scale of the ratings in the training, in stars.
    """

    def fit(self, X, y=None, **params):
        """Fit all steps on raw rows, or on rows that are engineered already.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            A table of ratings.
        y : array-like of shape (n_rows,), in stars, default=None
            The ratings; None: those in the column `rating` of `X`.
        **params : dict
            As for `Pipeline.fit`.

        Returns
        -------
        self : RatingPipeline
        """
        table_ids(X)  # refuses what is no table
        ratings = check_ratings(X, y)
        # A copy is fitted: if that fails, the previous fit is kept.
        fitted = clone(self[:]).fit(X, ratings, **params)
        if "drop_ids" in fitted.named_steps:
            _check_ids_come_first(fitted[0].transform(X.iloc[:1]), X)
        self.steps = fitted.steps
        self.y_min_ = float(ratings.min())
        self.y_max_ = float(ratings.max())
        return self

    def predict(self, X, **params):
        """Predict ratings, kept to the scale of the training.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            Rows with at least `user_id` and `movie_id`.
        **params : dict
            As for `Pipeline.predict`.

        Returns
        -------
        ratings : ndarray of shape (n_rows,), in stars
        """
        check_is_fitted(self, "y_max_")
        return np.clip(super().predict(X, **params), self.y_min_, self.y_max_)

    def __getitem__(self, step):
        """Return a step, or a slice of the steps as a plain `Pipeline`."""
        return Pipeline(self.steps, memory=self.memory, verbose=self.verbose)[step]


# ======================================================================================
# 4. The wrapper: train, evaluate, compare, recommend
# ======================================================================================
N_FOLDS = 5
#: A search tries random candidates, not a grid: where only some hyperparameters matter,
#: random candidates try more different values of those (Bergstra and Bengio, 2012).
N_CANDIDATES = 12
N_SEARCH_FOLDS = 3
#: From so many rows on, a cross-validation shows in a terminal that it moves.
MANY_ROWS = 200_000
METRICS = {
    "RMSE": root_mean_squared_error,
    "MAE": mean_absolute_error,
    "R2": r2_score,
}


def rating_metrics(y_true, y_pred):
    """Score predicted ratings.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_rows,), in stars

    Returns
    -------
    metrics : dict of float
        "RMSE" and "MAE" in stars; "R2", the share of the variance that is explained.
    """
    rows = np.atleast_1d(y_true)
    true_ratings = check_ratings(rows, y_true)
    predicted_ratings = check_ratings(rows, y_pred)
    return {
        name: float(metric(true_ratings, predicted_ratings))
        for name, metric in METRICS.items()
    }


class SklearnEcosystemPipeline(TakesTables, RegressorMixin, BaseEstimator):
    """From a table of ratings to one artifact that can be deployed.

    It trains and evaluates a `RatingPipeline`, recommends movies, saves itself, and is
    itself a scikit-learn regressor. Inside ``with joblib.parallel_config("threading",
    n_jobs=-1):`` it uses all cores.

    Parameters
    ----------
    model : str or regressor, default="forest"
        The name of a row of `MODELS`, or any regressor, which then gets the features of
        its type's row, or else those of the forest.
    select : transformer, default=None
        A step between scaling and model, such as ``SelectKBest(f_regression, k=8)``.
    random_state : int, default=42
        The seed of folds, features, models and searches. A regressor of your own keeps
        its own seed.
    verbose : bool, default=False
        Whether `train` and `save_pipeline` print what they do.

    Attributes
    ----------
    pipeline : RatingPipeline or None
        What `train` has fitted; None before.
    cv_scores : ndarray of shape (5,) or None
        The RMSE of each fold in stars; None if the last training did not compute it.
    best_params : dict or None
        What the search has chosen; None if the last training did not search.
    ranker : MovieRanker
        What recommends; it is fitted when it is first needed.

    Examples
    --------
    >>> table = MovieRecommendationDataset(100, 50, n_ratings=1000).generate()
    >>> recommender = SklearnEcosystemPipeline(model="linear").fit(table[:800])
    >>> metrics, predictions = recommender.evaluate(table[800:])
    >>> list(metrics), predictions.shape
    (['RMSE', 'MAE', 'R2'], (200,))
    """

    def __init__(self, *, model="forest", select=None, random_state=42, verbose=False):
        self.model = model
        self.select = select
        self.random_state = random_state
        self.verbose = verbose

    # ----- Train

    def create_features(self, df):
        """Return the features of a table with ratings, to look at or to train on.

        Training takes raw rows as well, and makes its features from those alone.

        Parameters
        ----------
        df : DataFrame of shape (n_rows, n_columns)
            A table of ratings.

        Returns
        -------
        X : DataFrame of shape (n_rows, 13)
            The cross-fitted features.
        y : Series of shape (n_rows,)
            The ratings, in stars.
        transformer : UserMovieFeatureTransformer
        genre_encoder, country_encoder : OrdinalEncoder
            What was fitted.
        """
        table, ratings = check_training_table(df)
        transformer = UserMovieFeatureTransformer(random_state=self.random_state)
        transformer.set_output(transform="default")
        X = transformer.fit_transform(table, ratings)
        y = pd.Series(ratings, index=X.index, name=RATING, copy=True)
        return (
            X,
            y,
            transformer,
            transformer.genre_encoder_,
            transformer.country_encoder_,
        )

    def build_pipeline(self):
        """Return an unfitted `RatingPipeline` with the settings of this object.

        Its steps are features, (drop_ids,) scaler, (select,) model.

        Raises
        ------
        ValueError
            If `model` is unknown, or `select` does not go with it.
        """
        row = find_model(self.model)
        steps = [("features", row["features"])]
        takes_raw_rows = row.get("raw", False)
        if not takes_raw_rows:
            steps.append(("drop_ids", DropIds()))
        if takes_raw_rows and self.select is not None:
            raise ValueError(
                f"select does not go with model={self.model!r}: it takes raw rows."
            )
        steps.extend(row["scaling"])
        if self.select is not None:
            steps.append(("select", self.select))
        steps.append(("model", row["regressor"]))
        pipeline = clone(RatingPipeline(steps))

        for _, step in pipeline.steps[:-1]:
            if hasattr(step, "set_output"):
                # The same for every model, whatever `sklearn.set_config` says.
                step.set_output(transform="default")
        return pipeline.set_params(**self._seeds(pipeline))

    def _seeds(self, pipeline):
        """Return the parameters of a pipeline that get our seed.

        These are the seeds of the lesson's own steps, and those inside a model that is
        named and has none. A step or a regressor of the user's own is left alone.
        """
        seeds = {}
        for name, value in pipeline.get_params().items():
            if isinstance(value, UserMovieFeatureTransformer | MatrixFactorization):
                seeds[f"{name}__random_state"] = self.random_state
            elif (
                isinstance(self.model, str)
                and name.startswith("model__")
                and name.endswith("random_state")
                and value is None
            ):
                seeds[name] = self.random_state
        return seeds

    def train(self, X, y=None, perform_cv=True, tune_hyperparameters=False):
        """Train on a table of ratings, and estimate the error by cross-validation (CV).

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            Raw rows, or the features of `create_features`.
        y : array-like of shape (n_rows,), in stars, default=None
            The ratings; None: those in the column `rating` of `X`.
        perform_cv : bool, default=True
            Whether to compute `cv_scores`, in five folds.
        tune_hyperparameters : bool, default=False
            Whether to try 12 random candidates in 3 folds first, and to take the best.
            `cv_scores` are then a little too good: the candidate was chosen on the same
            rows.

        Returns
        -------
        pipeline : RatingPipeline
            Fitted on all rows; also at `.pipeline`.

        Raises
        ------
        ValueError, TypeError
            If a parameter, the table or the ratings are refused. The previous training
            is kept then.
        """
        X, ratings = check_training_table(X, y)
        self._say("Building pipeline...")
        pipeline = self.build_pipeline()
        best_params = None
        if tune_hyperparameters:
            best_params = self._search(pipeline, X, ratings)
            pipeline.set_params(**best_params)

        cv_scores = None
        if perform_cv:
            self._say("Performing cross-validation...")
            verbose = self._progress() if len(X) > MANY_ROWS else 0
            folds = cross_validate_metrics(
                pipeline, X, ratings, self.random_state, verbose=verbose
            )
            cv_scores = folds["RMSE"].to_numpy()
            self._say(f"CV RMSE: {cv_scores.mean():.4f} (+/- {cv_scores.std():.4f})")

        pipeline.fit(X, ratings)
        history = RatingHistory(rating_matrix(X, ratings))
        titles = _titles_of(X)
        inputs = {*TABLE_COLUMNS, *FEATURES} - {RATING}
        signature = {name: str(X[name].dtype) for name in X if name in inputs}
        validate_data(self, X, skip_check_array=True)  # records the columns' names

        # Everything has been computed: nothing is left of the previous training.
        self.model_ = str(self.model)
        self.cv_scores_ = cv_scores
        self.best_params_ = best_params
        self.history_ = history
        self.ranker_ = None
        self.titles_ = titles
        self.signature_ = signature
        self.test_scores_ = None
        self.ranking_scores_ = None
        self.pipeline_ = pipeline
        self._say("✓ Training complete")
        return pipeline

    def fit(self, X, y=None):
        """Train without cross-validation; `X` and `y` as in `train`."""
        self.train(X, y, perform_cv=False)
        return self

    def _search(self, pipeline, X, ratings):
        space = find_model(self.model).get("search")
        if space is None:
            raise ValueError(
                f"tune_hyperparameters=True: {self.model!r} has no search space in "
                "MODELS."
            )
        self._say(f"Searching: {N_CANDIDATES} candidates in {N_SEARCH_FOLDS} folds...")
        search = RandomizedSearchCV(
            pipeline,
            space,
            n_iter=N_CANDIDATES,
            cv=make_folds(N_SEARCH_FOLDS, self.random_state),
            scoring="neg_root_mean_squared_error",
            refit=False,
            random_state=self.random_state,
            verbose=self._progress(),
            error_score="raise",
        )
        with _progress_on_stderr(search.verbose):
            search.fit(X, ratings)
        self._say(f"Best: {search.best_params_}")
        return search.best_params_

    # ----- Predict and evaluate

    def predict(self, X):
        """Predict ratings.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            Rows with at least `user_id` and `movie_id`.

        Returns
        -------
        ratings : ndarray of shape (n_rows,), in stars

        Raises
        ------
        NotFittedError
            Before `train`.
        """
        check_is_fitted(self, "pipeline_")
        return self.pipeline_.predict(X)

    def evaluate(self, X_test, y_test=None):
        """Predict test rows, and score the predictions.

        Parameters
        ----------
        X_test : DataFrame of shape (n_rows, n_columns)
            Rows that were not used in training. A warning counts those of a user and a
            movie that were: their score is too good.
        y_test : array-like of shape (n_rows,), in stars, default=None
            Their ratings; None: those in the column `rating` of `X_test`.

        Returns
        -------
        metrics : dict of float
            As from `rating_metrics`.
        predictions : ndarray of shape (n_rows,), in stars
        """
        predictions = self.predict(X_test)
        metrics = rating_metrics(check_ratings(X_test, y_test), predictions)
        n_trained_on = self.history_.has_rated(*table_ids(X_test)).sum()
        if n_trained_on:
            warnings.warn(
                f"{n_trained_on} test rows are of pairs that the model was trained on.",
                stacklevel=2,
            )
        self.test_scores_ = {"rows": len(predictions), **metrics}
        return metrics, predictions

    def evaluate_ranking(
        self, X_test, y_test=None, k=10, relevant_from=4.0, by="taste"
    ):
        """Score the recommendations of the `MovieRanker`, which serves every model.

        For each user with a relevant test movie, all movies of the training are ranked,
        except those that the user rated there.

        Parameters
        ----------
        X_test, y_test, k, relevant_from
            As in `ranking_metrics`.
        by : {"taste", "popularity", "chance"}, default="taste"
            How movies are ranked: by the ranker or, to compare with, by the number of
            their ratings or at random (one draw).

        Returns
        -------
        metrics : dict of float
            As from `ranking_metrics`.
        """
        if by not in ("taste", "popularity", "chance"):
            raise ValueError(
                f"by must be 'taste', 'popularity' or 'chance', got {by!r}."
            )
        check_is_fitted(self, "pipeline_")
        k = check_number("k", k, 1, integer=True)
        relevant = relevant_ratings(X_test, y_test, relevant_from)
        users = np.unique(relevant["user_id"])
        stars = self.history_.stars_of(users)
        recommendations = self.ranker.rank(users, stars, k, by)
        metrics = ranking_metrics(recommendations, relevant, None, k, relevant_from)
        if by == "taste":
            self.ranking_scores_ = {
                "users": len(users),
                "relevant_from": float(relevant_from),
                **metrics,
            }
        return metrics

    # ----- Recommend

    @property
    def ranker(self):
        """The `MovieRanker` of the training rows."""
        check_is_fitted(self, "pipeline_")
        if self.ranker_ is None:
            # If two threads come here, each makes a whole ranker, and one is kept.
            self.ranker_ = MovieRanker().fit_history(self.history_)
        return self.ranker_

    def recommend(self, user_id=None, n=10, *, ratings=None):
        """Recommend movies that a user has not rated.

        Parameters
        ----------
        user_id : int, default=None
            A user of the training; or pass `ratings`.
        n : int, default=10
            How many movies; fewer come if fewer are left.
        ratings : dict of {movie_id: stars}, default=None
            The ratings of a new user. Nothing is trained again. Unknown movies are
            ignored, with a warning; without any known one, popular movies come.

        Returns
        -------
        recommendations : DataFrame
            Best first: `movie_id`, `title` where titles are known, `score` (of the
            ranker), and `predicted_rating` in stars. The predicted rating of a new user
            depends only on the movie, except with model "factors".

        Raises
        ------
        ValueError
            If the user is unknown, or a rating is not on the scale of the training.
        """
        if (user_id is None) == (ratings is None) or isinstance(user_id, dict):
            raise ValueError(
                "Pass either a user_id, or ratings={movie_id: stars, ...} by its name."
            )
        if ratings is None:
            recommendations = self._rank_for_user(user_id, n)
            predicted = self._predict_recommended(recommendations)
        else:
            check_is_fitted(self, "pipeline_")
            rated = self.history_.new_user(ratings)
            recommendations = self._rank_for_ratings(rated, n)
            predicted = self._predict_recommended(recommendations, rated)

        found = recommendations[["movie_id", "score"]].copy()
        if self.titles_:
            titles = [self.titles_.get(movie) for movie in found["movie_id"]]
            found.insert(1, "title", titles)
        return found.assign(predicted_rating=predicted)

    def _rank_for_user(self, user_id, n):
        ranker = self.ranker
        user_ids = check_ids(pd.Series([user_id], name="user_id", dtype=object))
        if user_ids[0] not in ranker.users_:
            raise ValueError(
                f"User {user_id} is unknown to the training: "
                "pass ratings={movie_id: stars}."
            )
        return ranker.recommend(user_ids, n)

    def _rank_for_ratings(self, rated, n):
        if rated.empty:
            new_user = np.array([self.history_.unused_user_id()])
            return self.ranker.rank(new_user, self.history_.stars_of(new_user), n)
        return self.ranker.recommend_new(rated, n)

    def _predict_recommended(self, recommendations, rated=None):
        """Return the predicted ratings of recommendations, in stars."""
        if recommendations.empty:  # the user has rated every movie
            return []
        model = self.pipeline_["model"]
        has_ratings = rated is not None and not rated.empty
        if has_ratings and isinstance(model, MatrixFactorization):
            return model.predict_new(
                rated["movie_id"], rated[RATING], recommendations["movie_id"]
            )
        return self.predict(recommendations[IDS])

    # ----- Save and load (section 5)

    def save_pipeline(self, filepath="production_pipeline.pkl"):
        """Save this object, with a model card beside it at `filepath` + ".json".

        Parameters
        ----------
        filepath : str or path-like, default="production_pipeline.pkl"
            A name that ends in ".skops" is saved in a format that runs no code when it
            is loaded (it needs skops). All other files are pickles.

        Returns
        -------
        filepath : str or path-like

        Raises
        ------
        NotFittedError, OSError, ImportError, ValueError
            If nothing was trained, the file cannot be written, skops is missing, or the
            model cannot be saved. A file that was there before is kept.
        """
        check_is_fitted(self, "pipeline_")
        artifact.check_path(filepath)  # refused before anything is computed
        artifact.save(self, filepath, _model_card(self), TRUSTED)
        self._say(f"Pipeline saved to {filepath}")
        return filepath

    @staticmethod
    def load_pipeline(filepath="production_pipeline.pkl"):
        """Return the object that `save_pipeline` has saved, if it predicts as it did.

        A pickle can run any code: load only what you trust. The digest shows damage; it
        does not stop an attacker.

        Parameters
        ----------
        filepath : str or path-like, default="production_pipeline.pkl"

        Returns
        -------
        recommender : SklearnEcosystemPipeline

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such file, or it is damaged or no saved pipeline.

        Warns
        -----
        UserWarning
            If the file has no digest, was made with another version of scikit-learn, or
            the card beside it belongs to another artifact.
        """
        return artifact.load(filepath, TRUSTED)

    # ----- A regressor like any other

    @property
    def pipeline(self):
        """The fitted `RatingPipeline`; None before `train`."""
        return getattr(self, "pipeline_", None)

    @property
    def cv_scores(self):
        """The RMSE of each fold, in stars; None if it was not computed."""
        return getattr(self, "cv_scores_", None)

    @property
    def best_params(self):
        """What the search has chosen; None if there was none."""
        return getattr(self, "best_params_", None)

    def set_params(self, **params):
        """Set parameters; those of a regressor of your own by ``model__NAME``."""
        nested = [name for name in params if name.startswith("model__")]
        if nested and isinstance(params.get("model", self.model), str):
            raise ValueError(
                f"model={self.model!r} is only a name: search or set {nested[0]!r} on "
                "build_pipeline(), which has all parameters."
            )
        return super().set_params(**params)

    def _sk_visual_block_(self):
        """Show the steps of the pipeline in scikit-learn's HTML diagram."""
        pipeline = self.pipeline or self.build_pipeline()
        return pipeline._sk_visual_block_()

    def _say(self, line):
        if self.verbose:
            say(line)

    def _progress(self):
        """Return how much scikit-learn says of its progress: only in a terminal."""
        in_terminal = sys.stderr is not None and sys.stderr.isatty()
        return 2 if self.verbose and in_terminal else 0


def _titles_of(X):
    """Return the titles of movies, a dict by id."""
    titles = X.reindex(columns=["movie_id", "title"]).dropna()
    titles = titles.drop_duplicates("movie_id", keep="last")
    return dict(zip(titles["movie_id"].tolist(), titles["title"].tolist()))


@contextlib.contextmanager
def _progress_on_stderr(verbose):
    """Send what scikit-learn prints of its progress to stderr."""
    if not verbose:
        yield
        return
    with contextlib.redirect_stdout(sys.stderr):
        yield


def cross_validate_metrics(
    pipeline, X, ratings, random_state, *, n_jobs=None, verbose=0
):
    """Cross-validate a pipeline in five folds.

    Returns
    -------
    folds : DataFrame with a row per fold, numbered from 1
        "RMSE", "MAE", "R2"; "fit_s" and "predict_s", in seconds.
    """
    with _progress_on_stderr(verbose):
        results = cross_validate(
            pipeline,
            X,
            ratings,
            scoring={name: make_scorer(metric) for name, metric in METRICS.items()},
            cv=make_folds(N_FOLDS, random_state),
            n_jobs=n_jobs,
            verbose=verbose,
            error_score="raise",
        )
    folds = {name: results[f"test_{name}"] for name in METRICS}
    folds["fit_s"] = results["fit_time"]
    folds["predict_s"] = results["score_time"]
    return pd.DataFrame(folds, index=range(1, N_FOLDS + 1))


def compare_models(X, y=None, *, random_state=42, verbose=False):
    """Cross-validate every model, the mean, and the two lines of section 2.

    All of them see the same folds. Some folds are easier than others, for all models
    alike, so models are compared fold by fold.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)
        A table of ratings.
    y : array-like of shape (n_rows,), in stars, default=None
        The ratings; None: those in the column `rating` of `X`.
    random_state : int, default=42
        The seed of folds and models.
    verbose : bool, default=False
        Whether to print the error of each model as it is known.

    Returns
    -------
    table : DataFrame with a row per model
        The means of `RMSE` and `MAE` (stars), `R2`, `fit_s` and `predict_s` (seconds);
        their standard deviations (`RMSE_std` and so on); the RMSE of the folds
        (`RMSE_1` and so on); and `to_best` and `to_best_se`, the mean difference in
        RMSE to the best model, and its standard error.
    """
    X, ratings = check_training_table(X, y)
    candidates = {"mean": DummyRegressor(), "two lines": _two_lines(random_state)}
    for name in MODELS:
        wrapper = SklearnEcosystemPipeline(model=name, random_state=random_state)
        candidates[name] = wrapper.build_pipeline()

    results = {}
    for name, candidate in candidates.items():
        # One job: else the times would not be those of one fit.
        results[name] = cross_validate_metrics(
            candidate, X, ratings, random_state, n_jobs=1
        )
        if verbose:
            say(f"  {name}: RMSE {results[name]['RMSE'].mean():.4f}")

    figures = pd.concat(results, names=["model", "fold"])
    by_model = figures.groupby("model", sort=False)
    rmse = figures["RMSE"].unstack("fold").loc[list(results)]  # (n_models, n_folds)
    best_model = rmse.mean(axis=1).idxmin()
    to_best = rmse - rmse.loc[best_model]
    table = by_model.mean()
    table = table.join(by_model.std(ddof=0).add_suffix("_std"))
    table = table.join(rmse.add_prefix("RMSE_"))
    table["to_best"] = to_best.mean(axis=1)
    table["to_best_se"] = to_best.sem(axis=1)
    return table


def _two_lines(random_state):
    """Return the two lines of section 2, with seeded folds."""
    encoder = TargetEncoder(target_type="continuous")
    if parse_version(sklearn.__version__) >= parse_version("1.9"):
        encoder.set_params(cv=make_folds(N_FOLDS, random_state))
    else:
        encoder.set_params(random_state=random_state)
    return make_pipeline(ColumnTransformer([("ids", encoder, IDS)]), Ridge())


# ======================================================================================
# 5. The artifact: what travels with a model
# ======================================================================================
# Another process, on another day, must get the same answers from a model, or a clear
# error. A pickle alone does not do that. It gets a *digest*, the SHA-256 of its bytes,
# which shows whether the file is whole; and a *model card*, a JSON file beside it, with
# the versions that made it, its scores, and an example whose prediction is checked when
# the model is loaded. How files are written and read safely: `recommender/artifact.py`.

#: The types that skops may make of a file, beside those that it knows. For a regressor
#: of your own, add the names of its types.
TRUSTED = [
    *map(
        artifact.type_name,
        [
            DropIds,
            ExactByMovies,
            ExactByUsers,
            LowRank,
            MatrixFactorization,
            MovieContent,
            MovieRanker,
            QuickRandomForest,
            RatingHistory,
            RatingPipeline,
            SklearnEcosystemPipeline,
            UserMovieFeatureTransformer,
        ],
    ),
    "scipy.sparse._csr.csr_matrix",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
]


def _model_card(recommender):
    """Return what the model card says of a trained wrapper, a dict.

    `artifact.save` adds the digest and the versions of the packages. The example is of
    a user who is not in the training: a card must name nobody.
    """
    pipeline = recommender.pipeline_
    history = recommender.ranker.history_  # the ranker is fitted before it is saved
    example = {
        "user_id": history.unused_user_id(),
        "movie_id": int(history.movies[0]),
    }
    try:
        prediction = float(recommender.predict(pd.DataFrame([example]))[0])
    except Exception as error:  # of a feature of the user's own
        raise ValueError(
            f"Cannot save: the model cannot predict from the ids alone: {error}"
        ) from error

    cv_rmse = recommender.cv_scores_
    parameters = {
        name: repr(value)
        for name, value in pipeline.get_params().items()
        if "__" in name  # those of a step
    }
    return {
        "model": recommender.model_,
        "input": recommender.signature_,
        "input_required": IDS,
        "output": "float64, stars",
        "rating_scale": [pipeline.y_min_, pipeline.y_max_],
        "training_rows": history.codes.nnz,
        "best_params": recommender.best_params_,
        "parameters": parameters,
        "scores": {
            "cv_rmse": None if cv_rmse is None else cv_rmse.tolist(),
            "test": recommender.test_scores_,
            "ranking": recommender.ranking_scores_,
        },
        "example": {"input": example, "prediction": prediction},
    }


# ======================================================================================
# 6. The demo and the command line
# ======================================================================================
ARTIFACT = "production_pipeline.pkl"
LINE = "=" * 60
TAKEAWAYS = """Key Takeaways:
✓ Custom transformers extend sklearn seamlessly
✓ Pipelines bundle preprocessing + modeling atomically
✓ Cross-validation ensures generalization
✓ Serialization enables production deployment
✓ Consistent API across all components"""


def demonstrate_ecosystem(
    data=None,
    *,
    n_users=1000,
    n_movies=500,
    n_ratings=50_000,
    random_state=42,
    model="forest",
    tune=False,
    output=ARTIFACT,
):
    """Run the lesson in seven steps, and print what happens.

    Parameters
    ----------
    data : DataFrame of shape (n_rows, n_columns), default=None
        A table of ratings; None: a synthetic one of the following sizes.
    n_users, n_movies, n_ratings : int, default=1000, 500, 50000
        As for `MovieRecommendationDataset`.
    random_state : int, default=42
        The seed of everything.
    model : str or regressor, default="forest"
        As for `SklearnEcosystemPipeline`.
    tune : bool, default=False
        Whether to search for hyperparameters first.
    output : str or path-like, default="production_pipeline.pkl"
        Where the artifact is saved.

    Returns
    -------
    results : dict
        * "pipeline": the `SklearnEcosystemPipeline`
        * "data": (X_train, X_test, y_train, y_test)
        * "metrics": the model's scores on the test rows
        * "baseline_rmse": the RMSE of always answering the mean
        * "noise_floor": the expected RMSE of the best possible predictor, or None
        * "fragile_rmse": the RMSE with averages from before the split, or None
        * "ranking": the scores of the recommendations, or None
    """
    dataset = MovieRecommendationDataset(n_users, n_movies, n_ratings, random_state)
    dataset.check()  # whatever is refused is refused before anything is printed
    artifact.check_path(output)
    say(f"{LINE}\nScikit-learn Ecosystem: Production ML Pipeline Demo\n{LINE}")

    say(
        f"Step 1: {'Generating' if data is None else 'Reading'} movie rating dataset..."
    )
    if data is None:
        data = dataset.generate()
    else:
        data, _ = check_training_table(data)
        dataset = None  # nobody knows the law of real ratings
    y = data[RATING].astype(np.float64)
    n_users = data["user_id"].nunique()
    say(f"✓ Dataset created: {len(data)} ratings from {n_users} users")
    say(f"  Rating range: {y.min()} - {y.max()}")
    say(f"  Average rating: {y.mean():.2f}")

    say("Step 2: Engineering features...")
    recommender = SklearnEcosystemPipeline(
        model=model, random_state=random_state, verbose=True
    )
    X, *_ = recommender.create_features(data)
    _print_features(X)

    say("Step 3: Splitting data...")
    split = train_test_split(
        data.drop(columns=RATING), y, test_size=0.2, random_state=random_state
    )
    X_train, X_test, y_train, y_test = split
    say(f"✓ Train set: {len(X_train)} samples")
    say(f"  Test set: {len(X_test)} samples")

    say("Step 4: Training pipeline with cross-validation...")
    recommender.train(X_train, y_train, tune_hyperparameters=tune)

    say("Step 5: Evaluating on test set...")
    say("Test Set Performance:")
    errors = _compare_errors(recommender, data, split, dataset)
    _print_errors(errors, len(X_test))
    ranking = _show_ranking(recommender, data, X_test, y_test)

    say("Step 6: Saving pipeline for production deployment...")
    recommender.save_pipeline(output)
    say(f"✓ Pipeline serialized to {output}")

    say("Step 7: Simulating production inference...")
    loaded = SklearnEcosystemPipeline.load_pipeline(output)
    _print_predictions(loaded, X_test.head(5), y_test.head(5))
    say(f"{LINE}\nEcosystem Demonstration Complete!\n{LINE}\n{TAKEAWAYS}")
    return {
        "pipeline": recommender,
        "data": split,
        "metrics": errors.metrics,
        "baseline_rmse": errors.baseline_rmse,
        "noise_floor": errors.noise_floor,
        "fragile_rmse": errors.fragile_rmse,
        "ranking": ranking,
    }


def _print_features(X):
    say(f"✓ Features created: {X.shape[1]} features from {len(X)} samples")
    say(f"  Feature columns: {list(X.columns[:5])}...")
    sample = X.iloc[0]
    for owner, verb in (("user", "gave"), ("movie", "got")):
        say(
            f"  First sample: {owner} {sample[f'{owner}_id']:.0f} {verb} "
            f"{sample[f'{owner}_rating_count']:.0f} ratings, average of the other "
            f"folds {sample[f'{owner}_avg_rating']:.2f}"
        )
    say("  (These are only to look at. Training takes raw rows, and makes its features")
    say("  from those alone.)")


class _Errors(NamedTuple):
    """The errors that the demo compares, in stars."""

    metrics: dict  # of the model
    standard_error: float  # of the model's RMSE
    baseline_rmse: float
    noise_floor: float | None  # expected of a perfect predictor
    floor_by_luck: float | None  # of a perfect predictor on these rows
    fragile_rmse: float | None


def _compare_errors(recommender, data, split, dataset):
    """Compare the model with knowing nothing, knowing the law, and a leak."""
    _, X_test, y_train, y_test = split
    metrics, predictions = recommender.evaluate(X_test, y_test)
    always_mean = np.full(len(y_test), y_train.mean())
    baseline = rating_metrics(y_test, always_mean)["RMSE"]

    # The mean squared error has a standard error; as d sqrt(v) = dv / (2 sqrt(v)), that
    # of its root is smaller by the factor 2 RMSE.
    squared_errors = (y_test - predictions) ** 2
    standard_error = squared_errors.sem() / (2 * metrics["RMSE"])

    floor = None
    floor_by_luck = None
    if dataset is not None:
        floor = dataset.best_rmse(X_test)
        expected = dataset.true_expected_[y_test.index]
        floor_by_luck = rating_metrics(y_test, expected)["RMSE"]

    fragile = None
    if "drop_ids" in recommender.pipeline.named_steps:  # else it uses no averages
        fragile = _fragile_rmse(recommender.pipeline, data, split)
    return _Errors(metrics, standard_error, baseline, floor, floor_by_luck, fragile)


def _fragile_rmse(pipeline, data, split):
    """Return the error of the same model with averages from before the split."""
    X_train, X_test, y_train, y_test = split
    pipeline = clone(pipeline)  # with the same hyperparameters
    features = pipeline["features"].fit(data)  # here is the leak: all rows
    model = pipeline[1:].fit(features.transform(X_train), y_train)
    predictions = model.predict(features.transform(X_test))
    return rating_metrics(y_test, predictions)["RMSE"]


def _print_errors(errors, n_test_rows):
    rmse = errors.metrics["RMSE"]
    say(f"  RMSE: {rmse:.4f}")
    say(f"    {errors.baseline_rmse:.4f}  always answering the mean rating")
    say(
        f"    {rmse:.4f}  this model (± {errors.standard_error:.4f}, the standard "
        f"error with {n_test_rows} test rows)"
    )
    if errors.noise_floor is not None:
        say(
            f"    {errors.noise_floor:.4f}  the noise floor: expected of a perfect "
            f"predictor ({errors.floor_by_luck:.4f} on these rows, by luck)"
        )
    say(f"  MAE: {errors.metrics['MAE']:.4f}")
    say(f"  R2: {errors.metrics['R2']:.4f}")
    if errors.fragile_rmse is None:
        return
    say(
        "  The fragile way, with averages computed before the split: "
        f"RMSE {errors.fragile_rmse:.4f}. Do not believe it:"
    )
    is_below_floor = errors.noise_floor and errors.fragile_rmse < errors.noise_floor
    below = ", and no leak-free model gets so far below the noise floor"
    say(
        "    these averages contain the ratings of the test rows"
        f"{below if is_below_floor else ''}."
    )


def _show_ranking(recommender, data, X_test, y_test):
    """Score the recommendations, print the scores, and return them."""
    try:
        scores = {
            by: recommender.evaluate_ranking(X_test, y_test, by=by)
            for by in ("taste", "popularity", "chance")
        }
    except ValueError as error:  # nothing is relevant
        say(f"  Recommendations are not scored: {error}")
        return None
    n_relevant = X_test.loc[y_test >= 4.0, "user_id"].value_counts()  # of each user
    highest_precision = n_relevant.clip(upper=10).mean() / 10
    say(
        "  10 movies are recommended to each user by MovieRanker. A test movie with 4\n"
        "  stars or more should be among them:"
    )
    for name, score in scores["taste"].items():
        limit = ""
        if name == "Precision@10":
            limit = f"; at most {highest_precision:.4f}"
        say(f"  {name}: {score:.4f}")
        say(
            f"    (by popularity {scores['popularity'][name]:.4f}, "
            f"by chance {scores['chance'][name]:.4f}{limit})"
        )
    n_users = data["user_id"].nunique()
    n_tested = X_test["user_id"].nunique()
    n_scored = len(n_relevant)
    say(
        f"  Users: {n_users} = {n_scored} who are scored "
        f"+ {n_tested - n_scored} without a relevant test movie "
        f"+ {n_users - n_tested} without a test row"
    )
    return scores["taste"]


def _print_predictions(recommender, X, y):
    say("Sample predictions:")
    predictions = recommender.predict(X)
    for user, movie, predicted, actual in zip(
        X["user_id"], X["movie_id"], predictions, y
    ):
        say(
            f"  User {user}, Movie {movie}: "
            f"Predicted {predicted:.2f}, Actual {actual:.2f}"
        )
    say(
        "  (A prediction is the expected rating. Single ratings scatter around it; "
        "some are far off.)"
    )


# ----- The command line


def main(argv=None):
    """Run the command line.

    Parameters
    ----------
    argv : list of str, default=None
        The arguments; None: those of the process.

    Returns
    -------
    status : int
        The exit status: 0, or 130 after Ctrl-C. Bad arguments end the process with
        status 2.
    """
    parser = make_parser(list(MODELS), ARTIFACT)
    commands = {
        None: demonstrate_ecosystem,
        "compare": _compare,
        "recommend": _recommend,
        "predict": _predict,
    }
    try:
        with one_line_errors(parser):
            options = parse_options(parser, argv)
            run = commands[options.pop("command")]
            with joblib.parallel_config("threading", n_jobs=-1):
                if "data" in options:
                    options["data"] = load_movielens(options["data"])
                run(**options)
    except KeyboardInterrupt:
        print(f"\n{parser.prog}: interrupted", file=sys.stderr)
        return 130
    return 0


def _compare(data=None, random_state=42, **sizes):
    dataset = MovieRecommendationDataset(**sizes, random_state=random_state)
    table = dataset.generate() if data is None else data
    say(
        f"{len(table)} ratings, {N_FOLDS} folds "
        "(RMSE and MAE in stars, times in seconds)"
    )
    results = compare_models(table, random_state=random_state, verbose=True)
    columns = ["RMSE", "RMSE_std", "MAE", "R2"]
    columns += ["to_best", "to_best_se", "fit_s", "predict_s"]
    say(results[columns].to_string(float_format="%.4f"))
    if data is None:
        say(
            "RMSE of the best possible predictor (the noise floor of all rows): "
            f"{dataset.best_rmse():.4f}"
        )


def _recommend(user=None, rated=None, top=10, artifact=ARTIFACT):
    recommender = _load_recommender(artifact)
    if rated is None and user not in recommender.history_.users:
        say(
            f"User {user} is unknown: these movies are popular. "
            "Say --rated 1=5,50=4 to get your own."
        )
        recommendations = recommender.recommend(n=top, ratings={})
    else:
        recommendations = recommender.recommend(user, top, ratings=rated)
    say(
        "Best first, by score, which is learned from who rated what. "
        "The predicted_rating is the model's, and need not be in order."
    )
    ranks = range(1, len(recommendations) + 1)
    say(recommendations.set_axis(ranks).to_string(float_format="%.4f"))


def _predict(user, movie, artifact=ARTIFACT):
    recommender = _load_recommender(artifact)
    row = pd.DataFrame({"user_id": [user], "movie_id": [movie]})
    line = f"User {user}, Movie {movie}: Predicted {recommender.predict(row)[0]:.2f}"
    if user not in recommender.history_.users:
        line += " (the user is unknown)"
    if movie not in recommender.history_.movies:
        line += " (the movie is unknown)"
    say(line)


def _load_recommender(path):
    recommender = SklearnEcosystemPipeline.load_pipeline(path)
    if not isinstance(recommender, SklearnEcosystemPipeline):
        raise ValueError(
            f"{path} holds a {type(recommender).__name__}, which does not recommend."
        )
    return recommender
