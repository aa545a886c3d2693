"""The scikit-learn ecosystem: a movie recommender, built from raw ratings to a file.

Run this file (``python lesson_code.py``), test it (``pytest test_lesson.py -v``), and
read it from top to bottom. You should know NumPy and pandas, and that a scikit-learn
model learns in ``fit`` and gives answers in ``predict``. The data goes one way::

    ingest --> preprocess --> transform --> select --> train --> evaluate --> deploy
    dataset    fill gaps,     13 features   optional   any       RMSE, MAE,   one file,
    or         encode         (our own      selector   sklearn   R2; NDCG     a model
    MovieLens                 transformer)             regressor              card

The sections:

1. A table of ratings whose law is known
2. Thirteen features that do not leak the answers
3. Models: one table, one pipeline
4. The wrapper: train, evaluate, compare, recommend
5. The artifact: what travels with a model
6. The demo and the command line

Helper code, such as reading MovieLens files or saving a file safely, is in the folder
`recommender`; each file there has one job. You can read the lesson without it. The
folder `pillars` has chapters, which show each part of scikit-learn on this data.

Words that you will meet:

* RMSE, root mean squared error: the typical error of a prediction, in stars. MAE, mean
  absolute error: the same, but large errors count less. R2: the share of the ratings'
  variance that a model explains; 0 for always answering the mean.
* Standard error: how far a figure would typically move with other data of that kind.
* Cross-validation (CV): the rows are cut into parts, the *folds*; each fold is
  predicted by a model that was trained on the others. The mean error estimates the
  error on new rows.
* Leak: the ratings that are to be predicted reach the model, and its error looks better
  than it is.
* Noise floor: the error of the best possible predictor. It is not 0, because people do
  not always rate in the same way.
* Precision at 10: the share of ten recommended movies that the user likes (rates with 4
  stars or more; the code calls them *relevant*). It is 1 only for a user who likes at
  least ten movies of the test, and most users like fewer. Recall at 10: of the movies
  that the user likes, the share that is among the ten. NDCG at 10: like recall, but the
  first places count more; 1 is the best.
* Estimator: an object with a method `fit`. What it learns there is in attributes whose
  names end in ``_``. `clone` copies its parameters, and nothing that it has learned.
* Transformer: an estimator whose method `transform` returns a changed table. Pipeline:
  transformers in a row, and a model at the end; it is fitted and used like one model.
* Artifact: the file in which a trained model is saved. Model card: a small file beside
  it that describes it.

In a first reading, skip "Save and load" (section 4) and "The command line" (the end of
section 6).

License: BSD-3-Clause (The scikit-learn ecosystem lesson contributors).
"""

__version__ = "0.3.0"

if __name__ == "__main__":
    # (You can skip this.) `python lesson_code.py` starts here: `run_script` imports
    # this file and calls its `main` (section 6). In a program that is run directly, a
    # class is called `__main__.X`, and a model that is saved under this name loads in
    # no other program; in an imported file, it is `lesson_code.X`. From here on, Ctrl-C
    # prints one line instead of a traceback.
    import sys

    from recommender.start import run_script

    sys.exit(run_script(__file__, __spec__))

import sys
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtr as normal_cdf
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor, VotingRegressor
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
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

# Helper code. Most of these names check input; each is explained in its file.
from recommender import artifact, commands, report, synthetic
from recommender.card import model_card
from recommender.checks import check_number, check_seed, shorten
from recommender.console import progress_level, say
from recommender.factors import MatrixFactorization
from recommender.forest import QuickRandomForest
from recommender.ids import check_ids, last_known, lookup, positions_of
from recommender.matrix import RatingHistory, rating_matrix
from recommender.movielens import load_movielens
from recommender.options import make_parser
from recommender.pipeline import FitsTables
from recommender.ranking import MovieRanker, default_relevance, ranking_metrics
from recommender.recommend import Recommends, check_ranker
from recommender.steps import (
    DropIds,
    check_entry,
    check_regressor,
    check_select,
    ignore_output_config,
    seeded_target_encoder,
    set_seeds,
    without_routing,
)
from recommender.strings import encode, fit_encode
from recommender.table import (
    IDS,
    RATING,
    TABLE_COLUMNS,
    TakesTables,
    check_ratings,
    check_stars,
    check_training_table,
    latest_of_pairs,
    number_column,
    table_ids,
    warn_of_older,
)
from recommender.warn import warn
from recommender.wrapper import WrapsPipeline

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
# and `title`, which no model uses: recommendations show it. `load_movielens` reads real
# ratings into the same columns. The lesson makes its own table, by a formula and random
# numbers: the *law* of the table. Because we know the law, we also know the error of
# the best possible predictor, the noise floor. For real ratings nobody knows it.

STARS = np.arange(1.0, 5.01, 0.5)  # the nine possible ratings: 1, 1.5, ... 5
#: The sizes of the law's parts; the formula is in the class below. In stars, `user`,
#: `movie` and `taste` are standard deviations over the rows: how much users, movies and
#: tastes differ. `noise` is the typical size of the noise in a rating (the root mean
#: square of sigma over the rows, where sigma is the standard deviation of one user's
#: noise). Some users rate carefully, some do not, and `noise_spread` says how much
#: their sigmas differ (`draw_law` in recommender/synthetic.py). The noise floor, 0.72,
#: is below `noise`: ratings end at 1 and 5 stars, so an opinion of 5.4 and a noise of
#: +1 still give 5 stars. The sizes were set by hand; `python benchmarks/calibration.py`
#: shows which scores they lead to.
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
        taste[u, m]   = T[u] . G[m] - mean_taste
        rating[u, m]  = the half star nearest to  opinion[u, m] + noise,  from 1 to 5

    where T is how much the user loves each of 8 genres, G how much of each genre is in
    the movie, and mean_taste the mean of T . G over the table. (T . G is a dot product:
    multiply genre by genre, and add up.) The noise is normal with standard deviation
    sigma[u]: some users rate with care, and some do not. `LAW` holds the sizes of these
    parts, and `recommender/synthetic.py` draws them.

    A tenth of the movies gets about a third of the ratings; popular movies are rated a
    little better. Users watch more of what they love, and rate no movie twice. Age,
    country, year, hour and weekday have no effect on the ratings. (A year or an age can
    help a model a little, because it helps to recognise a movie or a user.)

    With `drift`, tastes change in the two years that the table covers: some chapters
    (the folder `pillars`) show what that does to a model. In this file, drift is 0: you
    can skip what is said of it.

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
    drift : float, default=0.0
        How much tastes change. 0: not at all; 1: the tastes of the last day have
        nothing in common with those of the first (`draw_drift` in
        recommender/synthetic.py). Tables that differ only in `drift` have the same
        pairs and times.

    Attributes
    ----------
    true_expected_ : ndarray of shape (n_ratings,)
        The expected rating of each row, in stars: the best possible prediction.
    true_taste_ : ndarray of shape (n_ratings,)
        The taste of each row's user for its movie, at the time of the row, in stars.
    law_ : dict
        The values drawn: "user", "movie", "T", "G", "mean_taste" and "sigma"; the
        "drift"; and, if there is any, "D", the other tastes.

    Examples
    --------
    >>> table = MovieRecommendationDataset(100, 50, n_ratings=1000).generate()
    >>> table.shape
    (1000, 9)
    >>> table["title"][0]
    'The Electric Umbrella (2020)'
    """

    def __init__(
        self,
        n_users=1000,
        n_movies=500,
        n_ratings=50_000,
        random_state=42,
        drift=0.0,
    ):
        self.n_users = n_users
        self.n_movies = n_movies
        self.n_ratings = n_ratings
        self.random_state = random_state
        self.drift = drift

    def generate(self):
        """Draw the table.

        Returns
        -------
        table : DataFrame of shape (n_ratings, 9)
            The columns of `TABLE_COLUMNS` and `title`, in random order of rows. Ids
            count from 1. No two movies have the same title.

        Raises
        ------
        ValueError
            If a size, the seed or the drift is impossible.
        """
        n_users, n_movies, n_ratings = self.check_sizes()
        rng = check_random_state(int(self.random_state))
        movies = synthetic.draw_movies(rng, n_movies)
        users = synthetic.draw_users(rng, n_users)
        # One entry per rating: the positions of its user and its movie, from 0.
        user, movie = synthetic.draw_pairs(rng, n_ratings, users, movies)
        law = synthetic.draw_law(rng, LAW, user, movie, users, movies)
        noise = rng.standard_normal(n_ratings)
        timestamp = synthetic.draw_timestamps(rng, user, n_users)
        law["drift"] = float(self.drift)
        if self.drift > 0:  # drawn last, so that all other draws stay the same
            law["D"] = synthetic.draw_drift(rng, law)
        self.law_ = law

        ratings = self._ratings(noise, user, movie, timestamp)
        table = {
            "user_id": user + 1,
            "movie_id": movie + 1,
            RATING: ratings,
            "timestamp": timestamp,
            "genre": movies.genre[movie],
            "movie_year": movies.year[movie],
            "user_age": users.age[user],
            "user_country": users.country[user],
            "title": movies.title.take(movie),  # a categorical: each title is kept once
        }
        return pd.DataFrame(table, copy=False)

    def best_rmse(self, rows=None):
        """Return the noise floor: the expected RMSE of the best possible predictor.

        The best predictor answers the expected rating of each row. The rating scatters
        around it, and the mean of this predictor's squared error is the variance of the
        rating. So the noise floor is the root of the mean variance of all rows. On a
        given set of rows, a perfect predictor can be a little better or worse, by luck.

        Parameters
        ----------
        rows : DataFrame with `user_id` and `movie_id`, default=None
            With `drift`, also with `timestamp`. None: the whole table.

        Returns
        -------
        rmse : float, in stars

        Raises
        ------
        ValueError
            If `rows` holds a user or movie that is not in the dataset, or lacks a
            timestamp while tastes drift.
        """
        if not hasattr(self, "law_"):
            self.generate()
        if rows is None:
            return float(np.sqrt(self._variance.mean()))

        user, movie, timestamp = synthetic.check_rows(rows, self.law_)
        opinion, _ = self._opinions(user, movie, timestamp)
        _, variance = _moments(opinion, self.law_["sigma"][user])
        return float(np.sqrt(variance.mean()))

    def opinions(self, rows):
        """Return what users think of movies, before the noise of a rating.

        Parameters
        ----------
        rows : DataFrame with `user_id` and `movie_id`
            Any pairs, rated or not. With `drift`, also with `timestamp`.

        Returns
        -------
        opinion, taste : ndarray of shape (n_rows,), in stars
            The taste is the part of the opinion that is the user's own.

        Raises
        ------
        ValueError
            If `rows` holds a user or movie that is not in the dataset, or lacks a
            timestamp while tastes drift.
        """
        if not hasattr(self, "law_"):
            self.generate()
        return self._opinions(*synthetic.check_rows(rows, self.law_))

    def check_sizes(self):
        """Return `n_users`, `n_movies` and `n_ratings` as plain integers.

        Raises
        ------
        ValueError
            If a size, the seed or the drift is impossible.
        """
        sizes = []
        for name in ("n_users", "n_movies", "n_ratings"):
            value = getattr(self, name)
            sizes.append(check_number(name, value, 1, integer=True, below=2**32))
        check_number("random_state", self.random_state, 0, integer=True, below=2**32)
        check_number("drift", self.drift, 0)
        n_users, n_movies, n_ratings = sizes
        if n_ratings > n_users * n_movies:
            raise ValueError(
                f"n_ratings={n_ratings} is more than the {n_users * n_movies} pairs of "
                "a user and a movie."
            )
        return n_users, n_movies, n_ratings

    def _ratings(self, noise, user, movie, timestamp):
        """Compute the ratings; keep their tastes, means and variances."""
        opinion, self.true_taste_ = self._opinions(user, movie, timestamp)
        sigma = self.law_["sigma"][user]
        self.true_expected_, self._variance = _moments(opinion, sigma)
        half_stars = np.round(2 * (opinion + sigma * noise)) / 2
        return np.clip(half_stars, STARS[0], STARS[-1])

    def _opinions(self, user, movie, timestamp):
        """Compute opinion and taste for positions of users and movies."""
        drawn = self.law_  # the values drawn; `LAW` has only their sizes
        taste = synthetic.row_products(drawn["T"], drawn["G"], user, movie)
        if drawn["drift"] > 0:  # never in this file
            taste = synthetic.turn_tastes(drawn, taste, user, movie, timestamp)
        taste -= drawn["mean_taste"]
        opinion = LAW["mean"] + drawn["user"][user] + drawn["movie"][movie] + taste
        return opinion, taste


def _moments(opinion, sigma):
    """Return the mean and the variance of the ratings that an opinion leads to.

    (Skip this in a first reading.) Start at 1 star. With some probability, the rating
    is at least 1.5, which adds 0.5; with another, at least 2, which adds 0.5 more; and
    so on::

        mean of the rating     = 1   + (1.5 - 1) * P(rating >= 1.5)
                                     + (2 - 1.5) * P(rating >= 2) + ...
        mean of rating squared = 1^2 + (1.5^2 - 1^2) * P(rating >= 1.5)
                                     + (2^2 - 1.5^2) * P(rating >= 2) + ...
        variance               = mean of rating squared - (mean of the rating)^2

    A rating is at least 1.5 if opinion + noise is above the threshold 1.25, which is
    halfway from 1 to 1.5.
    """
    thresholds = (STARS[:-1] + STARS[1:]) / 2  # 8 of them: every rating is at least 1
    expected = np.empty_like(opinion)
    variance = np.empty_like(opinion)
    for rows in gen_batches(opinion.size, synthetic.ROWS_AT_ONCE):  # to save memory
        distance = opinion[rows, None] - thresholds  # (n_rows, 8)
        # P(opinion + noise > threshold) is P(noise > -distance), and, because the
        # normal distribution is symmetric, P(noise < distance).
        reached = normal_cdf(distance / sigma[rows, None])
        expected[rows] = STARS[0] + reached @ np.diff(STARS)
        expected_square = STARS[0] ** 2 + reached @ np.diff(STARS**2)
        variance[rows] = expected_square - expected[rows] ** 2
    return expected, variance


# ======================================================================================
# 2. Thirteen features that do not leak the answers
# ======================================================================================
# How does this user rate on average, and how is this movie rated? These two averages
# carry most of what the 13 features know. scikit-learn makes them in two lines: its
# `TargetEncoder` replaces each id by the average rating of its rows, and `Ridge` is a
# linear model with a penalty on large coefficients::
#
#     encoder = TargetEncoder(target_type="continuous")
#     model = make_pipeline(encoder, Ridge()).fit(X_train[IDS], y_train)
#
# The two lines are hard to beat. These are the RMSEs of a cross-validation on all
# 50,000 rows (`python lesson_code.py compare`)::
#
#     always the mean   1.0420
#     two lines         0.8390
#     linear            0.8385   learns from the features of this section
#     boosting          0.8392   learns from the features of this section
#     forest            0.8401   learns from the features of this section
#     factors           0.7901   learns tastes (section 3)
#     blend             0.7896   learns from both
#
# By the law of this table, age, country, year, hour and weekday have no effect, and the
# others of the 13 features add next to nothing to the two averages. On MovieLens, all
# five models are better than the two lines (the README has a table).
#
# Averages are easy to get wrong, because an average of ratings can contain the answer.
# There are three ways to compute them, from wrong to right:
#
# * Over the whole table, before the split (`fit(table).transform(table)`). They contain
#   the test ratings, so the error looks better than it is. In a table with two ratings
#   per user, it falls below the noise floor.
# * Over the training rows. In training, each average contains the row's own rating. The
#   average of a new row cannot, because nobody knows its rating yet. So the model
#   trusts the averages too much. On MovieLens, that makes the RMSE of `boosting` larger
#   by 0.0249. On this table, where each user has given about 50 ratings, a row's own
#   rating is a small part of the average, and it costs at most 0.0004.
# * *Cross-fitted*: the training rows are cut into folds, and the averages of a row come
#   from the folds that it is not in. `TargetEncoder` does that, and so does
#   `fit_transform` below.
#
# The figures behind these sentences: `python benchmarks/leak.py`.

#: What `UserMovieFeatureTransformer` makes of a row, in this order. The first two, the
#: ids, say whose row it is. A later step drops them: a model learns from the other
#: eleven.
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
HOUR = 3600  # seconds
DAY = 24 * HOUR


#: The features that are read from the row itself. For each: what it describes (the
#: user, the movie, or, for None, this row alone), and its default.
#: A gap in a user's age is filled with the age in the last training row *of this user*
#: that has one (last in the order of the table, whatever the timestamps). A gap in a
#: movie's year is filled in the same way, and so on. If there is no such row, the
#: default fills the gap: the median or the mode (the most frequent value) of the
#: training rows, or the code -1.
OBSERVED = {
    "user_age": ("user", "median"),
    "movie_year": ("movie", "median"),
    "genre_encoded": ("movie", "unknown code"),
    "country_encoded": ("user", "unknown code"),
    "hour_of_day": (None, "mode"),
    "day_of_week": (None, "mode"),
}
#: The columns of strings, and the features that they become.
ENCODED = {"genre": "genre_encoded", "user_country": "country_encoded"}
UNKNOWN_CODE = -1.0  # of a missing or unknown string


# `TakesTables` tells scikit-learn that X is a table, with strings and gaps in it.
class UserMovieFeatureTransformer(TakesTables, TransformerMixin, BaseEstimator):
    """Turn raw ratings into 13 features of user, movie and time.

    The averages are *damped*: ::

        average = (sum + damping * mean) / (n + damping)

    as if there were `damping` more ratings that are just average, so that an average of
    few ratings stays near the mean (Funk, "Netflix Update: Try This at Home", 2006).

    They are also *cross-fitted*. As in scikit-learn's `TargetEncoder`,
    ``fit(X, y).transform(X)`` describes rows as if they were new, while
    ``fit_transform(X, y)`` takes the averages of each row from other rows: a model must
    learn from these. A `Pipeline` calls the right one: `Pipeline.fit` calls
    `fit_transform` on the training rows, and `Pipeline.predict` calls `transform`. The
    averages equal those of ``TargetEncoder(smooth=damping)``
    (`tests/test_transformer.py`).

    Many people make features first, and split later. So that this does not leak, this
    class also takes a table of features that it has made: it keeps what needs no
    rating, and computes the averages and counts again, from the rows that it is fitted
    on.

    Parameters
    ----------
    create_temporal : bool, default=True
        Whether to add `hour_of_day` (0 to 23, UTC) and `day_of_week` (Monday is 0).
    damping : float, default=10.0
        How many average ratings are added to each average; at least 0.
    cv : int, default=5
        The number of folds of `fit_transform`.
    random_state : int, RandomState or None, default=0
        The seed that assigns the rows to the folds.

    Attributes
    ----------
    users_, movies_ : ndarray of int64, or of strings (object)
        The ids of the training, sorted.
    user_avg_, movie_avg_ : ndarray of shape (n_users,), (n_movies,)
        The damped averages in their order, in stars.
    user_count_, movie_count_ : ndarray of shape (n_users,), (n_movies,)
        The numbers of ratings.
    global_mean_ : float
        The mean rating, in stars; also used as the average of an unknown id.
    known_ : dict of ndarray
        For each feature in `OBSERVED` that describes users or movies, their values, in
        the order of `users_` or `movies_`; NaN where none is known.
    defaults_ : dict of float
        For each feature in `OBSERVED`, the default for unknown values.
    absent_ : list of str
        The features without any value in the training.
    genre_encoder_, country_encoder_ : OrdinalEncoder
        They give -1 to an unknown string, which is then treated as a missing one.

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
            With the index of `X`; ids are int64 or strings, everything else float64.

        Raises
        ------
        ValueError, TypeError
            If a parameter, the table or the ratings are refused.
        """
        # `rows` holds the table as arrays (`_Rows`, below): `rows.user` is the position
        # of each row's user.
        rows = self._read_rows(X, y)
        folds = make_folds(self.cv, self.random_state).split(X)
        held_out_rows = [held_out for _, held_out in folds]
        user_avg = _cross_fitted_averages(rows.user, rows, held_out_rows, self.damping)
        movie_avg = _cross_fitted_averages(
            rows.movie, rows, held_out_rows, self.damping
        )
        # `_learn` learns the averages of all rows, for a later `transform`. It returns
        # the features that are read from the row itself: age, year, and so on.
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
            With the index of `X`; ids are int64 or strings, everything else float64.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            If nothing was learned yet, or the table is refused.
        """
        check_is_fitted(self)
        user_ids, movie_ids = table_ids(X)
        user = positions_of(self.users_, user_ids, "user_id")  # -1 for an unknown user
        movie = positions_of(self.movies_, movie_ids, "movie_id")
        # Where a position is -1, `lookup` returns its last argument.
        user_avg = lookup(self.user_avg_, user, self.global_mean_)
        movie_avg = lookup(self.movie_avg_, movie, self.global_mean_)
        observed = _observe(X)
        # A table of features has the codes instead of a column `genre`, and `_observe`
        # has read them.
        encoders = {"genre": self.genre_encoder_, "user_country": self.country_encoder_}
        for column, encoder in encoders.items():
            if column in X.columns:
                observed[ENCODED[column]] = encode(X, column, encoder)
        return self._assemble(X, user, movie, user_avg, movie_avg, observed)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features.

        Parameters
        ----------
        input_features : object, default=None
            Not used; scikit-learn passes it.

        Returns
        -------
        names : ndarray of shape (13,), or (11,) without the temporal ones, object
        """
        names = FEATURES
        if not self.create_temporal:
            names = [name for name in FEATURES if name not in TEMPORAL_FEATURES]
        return np.array(names, dtype=object)

    def _read_rows(self, X, y):
        """Check the table and the ratings; return the arrays to learn from, `_Rows`."""
        user_ids, movie_ids = table_ids(X)
        user, users = pd.factorize(user_ids, sort=True)
        movie, movies = pd.factorize(movie_ids, sort=True)
        ratings = check_ratings(X, y)
        check_number("damping", self.damping, 0)
        is_latest = latest_of_pairs(X, user, movie)
        warn_of_older(is_latest)
        # In real tables, a user may rate a movie again: only the latest rating counts.
        # A transformer must return a row for each row, so an older one gets weight 0.
        return _Rows(
            users=users,
            movies=movies,
            user=user,
            movie=movie,
            ratings=ratings,
            weights=is_latest.astype(np.float64),
        )

    def _learn(self, X, rows):
        """Learn from the rows; return the features that are read from them."""
        observed = _observe(X)
        # A table of features has the codes instead of a column `genre`, and `_observe`
        # has read them. (An encoder is made all the same; it knows no string.)
        encoders = {}
        for column, name in ENCODED.items():
            encoders[column], encoded = fit_encode(X, column)
            if column in X.columns:
                observed[name] = encoded
        known, defaults = _known_and_defaults(rows, observed)

        validate_data(self, X, skip_check_array=True)  # records the columns' names
        # Nothing can fail from here on: what was learned before is replaced only now.
        self._learn_averages(rows)
        self.genre_encoder_ = encoders["genre"]
        self.country_encoder_ = encoders["user_country"]
        self.absent_ = [name for name in observed if np.isnan(observed[name]).all()]
        self.known_ = known
        self.defaults_ = defaults
        return observed

    def _learn_averages(self, rows):
        mean = float(np.average(rows.ratings, weights=rows.weights))
        user_count, user_total = _count_and_total(
            rows.user, rows.ratings, rows.weights, rows.users.size
        )
        movie_count, movie_total = _count_and_total(
            rows.movie, rows.ratings, rows.weights, rows.movies.size
        )

        self.users_ = rows.users
        self.movies_ = rows.movies
        self.global_mean_ = mean
        self.user_count_ = user_count
        self.movie_count_ = movie_count
        self.user_avg_ = damped_mean(user_total, user_count, mean, self.damping)
        self.movie_avg_ = damped_mean(movie_total, movie_count, mean, self.damping)

    def _assemble(self, X, user, movie, user_avg, movie_avg, observed):
        """Put the features of all rows together; a position of -1 is unknown."""
        # Copies, because the caller's table must not change with the features.
        columns = {name: check_ids(X[name]).copy() for name in IDS}
        for name, values in observed.items():
            self._fill_gaps(name, values, user, movie)
            columns[name] = values
        columns["user_avg_rating"] = user_avg
        columns["movie_avg_rating"] = movie_avg
        # Large where a generous user meets a good movie. A linear model can add the two
        # averages, but cannot multiply them.
        columns["user_movie_interaction"] = user_avg * movie_avg
        # A count contains no stars, so it cannot leak any: it is not cross-fitted.
        columns["user_rating_count"] = lookup(self.user_count_, user, 0.0)
        columns["movie_rating_count"] = lookup(self.movie_count_, movie, 0.0)
        # The names order the columns, and leave out the temporal ones if they are off.
        names = self.get_feature_names_out()
        return pd.DataFrame(columns, index=X.index, copy=False)[names]

    def _fill_gaps(self, name, values, user, movie):
        """Fill NaN in place: by what is known of the user or movie, else a default.

        `values` are always an array of our own, never the caller's (`number_column`).
        """
        if name in self.absent_:
            # The training had no value of this feature, so no model can have learned to
            # use it. If this table has values, they are not used either.
            values[:] = self.defaults_[name]
            return
        gaps = np.flatnonzero(np.isnan(values))
        owner, _ = OBSERVED[name]
        if owner is not None:
            position = user if owner == "user" else movie
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
    """Return the splitter that this file uses everywhere.

    It shuffles. Real tables are often sorted by user: without shuffling, each fold
    would hold out whole users.

    Parameters
    ----------
    n_folds : int
    random_state : int, RandomState or None
        The seed that assigns the rows to the folds.

    Returns
    -------
    splitter : KFold
    """
    n_folds = check_number("cv", n_folds, 2, integer=True)
    check_seed(random_state)
    return KFold(n_folds, shuffle=True, random_state=random_state)


def damped_mean(total, count, mean, damping):
    """Return ``(total + damping * mean) / (count + damping)``.

    Where both `count` and `damping` are 0, return the mean.

    Parameters
    ----------
    total, count : ndarray of shape (n_owners,)
        The sum of the ratings of each user or movie, in stars, and their number.
    mean : float, in stars
    damping : float, in ratings

    Returns
    -------
    average : ndarray of shape (n_owners,), in stars
    """
    weight = count + damping
    safe_weight = np.where(weight > 0, weight, 1.0)
    return np.where(weight > 0, (total + damping * mean) / safe_weight, mean)


def _count_and_total(owner, ratings, weights, n_owners):
    """Return how many ratings each user or movie has, and their sum, in stars.

    Parameters
    ----------
    owner : ndarray of shape (n_rows,)
        The position of each row's user, or of its movie.
    ratings : ndarray of shape (n_rows,), in stars
    weights : ndarray of shape (n_rows,)
        1.0; 0.0 for a rating that does not count.
    n_owners : int

    Returns
    -------
    count, total : ndarray of shape (n_owners,)
    """
    # `bincount` adds up the weights of each owner.
    count = np.bincount(owner, weights, n_owners)
    total = np.bincount(owner, weights * ratings, n_owners)
    return count, total


def _cross_fitted_averages(owner, rows, held_out_rows, damping):
    """Return for each row a damped average of ratings outside its own fold.

    For each fold, the ratings elsewhere are all ratings less those of the fold.

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
    n_owners = owner.max() + 1
    count, total = _count_and_total(owner, rows.ratings, rows.weights, n_owners)
    averages = np.empty(len(owner))
    for held_out in held_out_rows:
        held_out_owner = owner[held_out]
        count_here, total_here = _count_and_total(
            held_out_owner, rows.ratings[held_out], rows.weights[held_out], n_owners
        )
        count_elsewhere = count - count_here
        total_elsewhere = total - total_here
        if count_elsewhere.sum() > 0:
            mean_elsewhere = total_elsewhere.sum() / count_elsewhere.sum()
        else:  # no row outside this fold counts: take the mean of all that do
            mean_elsewhere = total.sum() / count.sum()
        damped = damped_mean(total_elsewhere, count_elsewhere, mean_elsewhere, damping)
        averages[held_out] = damped[held_out_owner]
    return averages


def _known_and_defaults(rows, observed):
    """Return the last known values of users and movies, and the defaults, by feature.

    Parameters
    ----------
    rows : _Rows
    observed : dict of ndarray
        The features that are read from the rows.

    Returns
    -------
    known : dict of ndarray
    defaults : dict of float
    """
    known = {}
    defaults = {}
    for name, values in observed.items():
        owner, default = OBSERVED[name]
        is_known = ~np.isnan(values)
        if owner == "user":
            known[name] = last_known(
                values, is_known, rows.user, size=rows.users.size, unknown=np.nan
            )
        elif owner == "movie":
            known[name] = last_known(
                values, is_known, rows.movie, size=rows.movies.size, unknown=np.nan
            )

        if default == "unknown code":
            defaults[name] = UNKNOWN_CODE
        elif not is_known.any():
            defaults[name] = 0.0  # any constant: nothing can be learned of it
        elif default == "median":
            defaults[name] = float(np.nanmedian(values))
        elif default == "mode":
            defaults[name] = float(pd.Series(values).mode()[0])
    return known, defaults


def _observe(X):
    """Return the features that are read from the rows, arrays with NaN in their gaps.

    A raw table has `user_age` and `movie_year` as columns, and hour and weekday in its
    timestamp. Where there is no such column, all values are NaN: gaps, which are filled
    later. The caller replaces the codes of genre and country. (A table of features has
    all of these columns.)
    """
    observed = {name: number_column(X, name) for name in OBSERVED}  # NaN if not there
    if "timestamp" in X.columns:
        days, seconds = np.divmod(number_column(X, "timestamp"), DAY)
        hour = np.floor(seconds / HOUR)
        observed["hour_of_day"] = np.minimum(hour, 23)  # rounding could give 24
        observed["day_of_week"] = (days + 3) % 7  # 1970-01-01 was a Thursday
    return observed


# ======================================================================================
# 3. Models: one table, one pipeline
# ======================================================================================
# The features are part of the model, not of the data. That is the heart of the lesson:
# a pipeline that takes *raw* rows learns its averages from the rows that it is fitted
# on, anew in each fold of a cross-validation, in a search, and in the final fit. So no
# average can contain a held-out rating.
#
# A pipeline with the 13 features has the steps features, drop_ids, scaler and model.
# The features begin with the ids of user and movie, which the step `DropIds` drops: an
# id is a label, not a quantity, so a model must not calculate with it. (The codes of
# genre and country are labels, too. They have few values, which a tree can tell apart;
# a linear model gets little from them. `OneHotEncoder` would make columns for both.)
#
# Which model to choose? `forest` is the one of the lesson: good enough to show what
# features do. `factors` has a clearly smaller error on the synthetic table, with many
# ratings and with few, and on MovieLens (`benchmarks/README.md`). `blend` is a little
# better than `factors` on two of the three, and takes 4 to 11 times as long as
# `factors` to train. For your own table, compare them: `python lesson_code.py compare
# --data PATH`.

#: What each model is:
#:
#: * features: the step that turns raw rows into numbers
#: * raw: whether the regressor takes the rows as they are, with their ids
#: * scaling: the steps between features and regressor
#: * regressor: any regressor of scikit-learn
#: * search: the values that `tune_hyperparameters=True` draws from
#:
#: Another model needs one more entry; or pass such a dict itself, as `model`. In a
#: search, ``features__damping`` is the parameter `damping` of the step `features`.
MODELS = {
    # A forest is the mean of many decision trees, each grown on other rows. It needs no
    # scaler (`pillars/1_preprocessing.py` shows it). But if you pass a regressor of
    # your own, it is put in the forest's place, and it may need one.
    # `QuickRandomForest` is a `RandomForestRegressor` that predicts one row faster.
    # Each tree learns from 5 % of the rows: a fast choice, near the best of a grid
    # (`python benchmarks/forest_grid.py`).
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
        # Boosting adds one small tree after the other. Each corrects what those before
        # leave over. No more trees are added when the error on rows put aside stops
        # falling.
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
    # The 13 features describe a user by one average: they cannot tell one taste from
    # another. Matrix factorization can. It gives each user and each movie a few
    # numbers, the *factors*, and predicts mean + user's bias (how generous the user is)
    # + movie's bias (how good the movie is) + (user's factors . movie's factors), like
    # the opinion in section 1. It must know who rated what, so it takes raw rows, with
    # the ids that `DropIds` would drop. `pillars/4_taste.py` finds factors in ten
    # lines; recommender/factors.py has the lesson's own way.
    "factors": {
        "features": FunctionTransformer(),  # changes nothing
        "raw": True,
        "scaling": [("scaler", "passthrough")],  # the step is there, and does nothing
        "regressor": MatrixFactorization(),
        "search": {
            "model__n_factors": [8, 12, 16, 24],
            "model__damping": [2.0, 3.0, 5.0, 10.0],
            "model__regularization": [5.0, 7.0, 9.0, 12.0],
        },
    },
    # Both together: a `MatrixFactorization` is also a transformer, whose output is its
    # estimate of the rating, cross-fitted like the averages. It is one more feature: a
    # `FeatureUnion` puts the outputs of its transformers side by side, in one array.
    # An array has no names for its columns, so `DropIds` drops the first two, the ids.
    "blend": {
        "features": FeatureUnion(
            [
                ("ratings", UserMovieFeatureTransformer()),
                ("factors", MatrixFactorization()),
            ],
            # `get_feature_names_out` answers "user_age", not "ratings__user_age".
            verbose_feature_names_out=False,
        ),
        "scaling": [("scaler", StandardScaler())],
        # It answers the mean of the predictions of its two regressors.
        "regressor": VotingRegressor(
            [
                (
                    "boosting",
                    HistGradientBoostingRegressor(
                        max_leaf_nodes=8, early_stopping=True
                    ),
                ),
                ("ridge", Ridge()),
            ]
        ),
        "search": {
            "features__factors__regularization": [5.0, 7.0, 9.0, 12.0],
            "model__boosting__learning_rate": [0.03, 0.05, 0.1],
            "model__boosting__max_leaf_nodes": [8, 15, 31],
            "model__weights": [None, [2, 1], [1, 2]],
        },
    },
}


def find_model(model):
    """Return the entry of `MODELS` for a name, an entry of your own, or a regressor.

    A regressor of your own takes the place of the forest, behind the same features and
    scaler. A `MatrixFactorization` of your own takes the place of the one in "factors",
    which gets raw rows. Neither has a search space.

    Parameters
    ----------
    model : str, dict or regressor
        As for `SklearnEcosystemPipeline`.

    Returns
    -------
    entry : dict

    Raises
    ------
    ValueError
        If `model` is none of these, or a dict that lacks a key.
    """
    if isinstance(model, str) and model in MODELS:
        return check_entry(MODELS[model])
    if isinstance(model, dict):
        return check_entry(model)
    check_regressor(model, list(MODELS))
    name = "factors" if isinstance(model, MatrixFactorization) else "forest"
    return MODELS[name] | {"regressor": model, "search": None}


# `FitsTables` has the method `_fit_by`, and makes slices such as `pipeline[1:]`
# (recommender/pipeline.py).
class RatingPipeline(FitsTables, TakesTables, RegressorMixin, Pipeline):
    """A scikit-learn `Pipeline` that takes raw rows and predicts ratings.

    Predictions are clipped to the scale of the ratings: a model may answer 5.3 stars,
    which nobody can give. A slice, such as ``pipeline[1:]``, is a plain `Pipeline`,
    without the checks and the clipping, because most slices take features, not a table.
    It shares the fitted steps.

    Attributes
    ----------
    y_min_, y_max_ : float
        The scale of the ratings in the training, in stars.
    """

    def fit(self, X, y=None, **params):
        """Fit all steps on raw rows, or on a frame of features.

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
        # This checks the table, fits a copy of this pipeline by `Pipeline.fit`, takes
        # over its fitted steps, and sets `y_min_` and `y_max_`. If the fit fails, the
        # previous one is kept, because only the copy has changed.
        self._fit_by("fit", X, y, params)
        return self

    def predict(self, X, **params):
        """Predict ratings, clipped to the scale of the training.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            Rows with at least `user_id` and `movie_id`.
        **params : dict
            As for `Pipeline.predict`.

        Returns
        -------
        ratings : ndarray of shape (n_rows,), in stars
            With ``return_std=True``, for a regressor that takes it, a tuple: the
            ratings, clipped, and the rest as the regressor gives it.
        """
        check_is_fitted(self, "y_max_")
        predicted = super().predict(X, **params)
        if isinstance(predicted, tuple):  # such as (mean, std), with return_std=True
            mean, *others = predicted
            return np.clip(mean, self.y_min_, self.y_max_), *others
        return np.clip(predicted, self.y_min_, self.y_max_)


# ======================================================================================
# 4. The wrapper: train, evaluate, compare, recommend
# ======================================================================================
# One object does what its user needs: train a pipeline, score it, recommend, save.
#
# A recommender answers two questions. *How many stars would this user give?* That is
# what the models of section 3 predict, and RMSE scores it. *What to watch next?* The
# movies with the highest predicted stars are a poor answer. Many of them are good
# movies that few people know or look for, and users hardly ever watch them. Movies that
# are liked by those who like the same movies are a better answer. This is the NDCG at
# 10 on MovieLens (`benchmarks/README.md`)::
#
#     by predicted stars            0.0611   `factors`
#     by the number of ratings      0.1593   the same movies for everybody
#     by what the same people like  0.3367   `MovieRanker`
#
# So recommendations come from another model, `MovieRanker`, whatever the rating model
# is. It makes a matrix of likes: how many stars a rating is above or below a neutral
# one, and 0 where there is no rating. (Neutral is 2.2 on a scale from 1 to 5: people
# mostly watch what they expect to like, so even a middling rating says that a movie is
# near their taste; `benchmarks/dislikes.py` shows how it was chosen.) For example::
#
#              Alien   Heat     Up
#     Ann       +2.8      0   -1.2
#     Bob       +1.8   +2.8      0
#     Cleo         0   +1.8   -0.2
#
# A linear regression predicts each column from all other columns. Ann has not rated
# Heat. Bob, who likes Alien as she does, likes Heat: so the regression for the column
# Heat gives a value above 0 in Ann's row. All these regressions at once, each with a
# ridge penalty, are two lines of NumPy (*EASE*). They are only a faster way to do what
# `pillars/4_top_ten.py` does with a `Ridge` for each movie; recommender/ranking.py
# names the paper that derives them::
#
#     inverse = np.linalg.inv(likes.T @ likes + penalty * np.eye(n_movies))
#     values = likes - likes @ inverse / np.diag(inverse)  # (n_users, n_movies)
#
# Of the movies that a user has not rated, those with the highest values in the user's
# row are recommended. (With a penalty of 5, Ann's value for Heat is +0.80.)
# `MovieRanker` also adds a little of the stars that the user would give, which it
# predicts by a matrix factorization of its own. Precision, recall and NDCG score the
# recommendations.
#
# The parameter `ranker` chooses the way to recommend: "taste", by a `MovieRanker`, is
# the default. "popularity" recommends what most users have rated, and "rating" what
# gets the highest predicted rating. They are there to compare with, as is "chance" in
# `evaluate_ranking`.

N_FOLDS = 5
#: A search tries random candidates, not a grid: where only some hyperparameters matter,
#: random candidates try more different values of those (Bergstra and Bengio, "Random
#: Search for Hyper-Parameter Optimization", 2012).
N_CANDIDATES = 12
N_SEARCH_FOLDS = 3
#: Above this many rows, cross-validation reports its progress in a terminal.
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
    true_ratings = check_stars(y_true)
    predicted_ratings = check_stars(y_pred, len(true_ratings))
    return {
        name: float(metric(true_ratings, predicted_ratings))
        for name, metric in METRICS.items()
    }


# Two mixins (classes that only add methods) hold what is not of this lesson:
#
# * `Recommends` (recommender/recommend.py) has the methods `recommend`, `similar` and
#   `evaluate_ranking`, which ask the ranker.
# * `WrapsPipeline` (recommender/wrapper.py) keeps the results of a training, in
#   attributes such as `cv_scores_`. Callers read `pipeline`, `cv_scores` and so on,
#   without the `_`: they are None before a training, and raise no error.
class SklearnEcosystemPipeline(
    Recommends, WrapsPipeline, TakesTables, RegressorMixin, BaseEstimator
):
    """From a table of ratings to one artifact that can be deployed.

    It trains and evaluates a `RatingPipeline`, recommends movies (`recommend`,
    `similar`, `evaluate_ranking`), saves itself, and is itself a scikit-learn
    regressor. To use all cores, train it inside ::

        with joblib.parallel_config("threading", n_jobs=-1):

    Parameters
    ----------
    model : str, dict, regressor or RatingPipeline, default="forest"
        The name of an entry of `MODELS`; an entry of your own, a dict with the same
        keys; any regressor (see `find_model`); or a `RatingPipeline`, which is used as
        it is. If you have added an entry to `MODELS`, and joblib trains in other
        processes, pass the dict, not its name: these processes import the lesson anew,
        without your entry.
    select : transformer, default=None
        A step between scaling and model, such as ``SelectKBest(f_regression, k=8)``.
    ranker : {"taste", "popularity", "rating"} or a ranker, default="taste"
        What chooses the recommended movies: a `MovieRanker`, the number of ratings, the
        predicted rating, or a ranker of your own, such as
        ``MovieRanker(regularization=1000)``.
    random_state : int, default=42
        The seed of folds, features, models and searches. In an entry of your own, it
        replaces the seeds of features and factors. A regressor that you pass as `model`
        keeps the seeds that it has.
    verbose : bool, default=False
        Whether `train` and `save_pipeline` print what they do.

    Attributes
    ----------
    pipeline : RatingPipeline or None
        The result of `train`; None before.
    cv_scores : ndarray of shape (5,) or None
        The RMSE of each fold in stars; None if the last training did not compute it.
    best_params : dict or None
        The choice of the search; None if the last training did not search.
    ranker_ : MovieRanker, or what `ranker` says
        It is fitted when it is first needed (by `Recommends`).
    card : dict or None
        The model card of a loaded artifact (section 5).

    Examples
    --------
    >>> table = MovieRecommendationDataset(100, 50, n_ratings=1000).generate()
    >>> recommender = SklearnEcosystemPipeline(model="linear").fit(table[:800])
    >>> metrics, predictions = recommender.evaluate(table[800:])
    >>> list(metrics), predictions.shape
    (['RMSE', 'MAE', 'R2'], (200,))
    >>> list(recommender.recommend(user_id=1, n=3).columns)
    ['movie_id', 'title', 'score', 'predicted_rating']
    """

    def __init__(
        self,
        *,
        model="forest",
        select=None,
        ranker="taste",
        random_state=42,
        verbose=False,
    ):
        self.model = model
        self.select = select
        self.ranker = ranker
        self.random_state = random_state
        self.verbose = verbose

    # ----- Train

    def create_features(self, df):
        """Return the features of a table with ratings, to look at.

        `train` takes raw rows. It also takes these features, and computes the averages
        and counts in them again, from its own rows.

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
        transformer.set_output(transform="default")  # whatever `set_config` says
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

        Returns
        -------
        pipeline : RatingPipeline

        Raises
        ------
        ValueError
            If `model` is unknown, or `select` does not go with it.
        """
        check_select(self.select)
        if isinstance(self.model, RatingPipeline):
            if self.select is not None:
                raise ValueError(
                    "select cannot be combined with model=RatingPipeline(...): make it "
                    "one of its steps."
                )
            return clone(self.model)

        # The steps are cloned: the estimators in `MODELS` are only patterns.
        pipeline = clone(RatingPipeline(self._list_steps()))
        # What steps return must not depend on
        # `sklearn.set_config(transform_output=...)`.
        ignore_output_config(pipeline)
        # The seed replaces that of each `UserMovieFeatureTransformer` and
        # `MatrixFactorization`. Other parts of the model get it if their `random_state`
        # is None. A regressor that was passed as `model` keeps its seeds.
        set_seeds(
            pipeline,
            self.random_state,
            always=(UserMovieFeatureTransformer, MatrixFactorization),
            keep_model=not isinstance(self.model, (str, dict)),
        )
        return pipeline

    def _list_steps(self):
        """Return the steps of the pipeline: pairs of a name and an estimator."""
        entry = find_model(self.model)
        steps = [("features", entry["features"])]
        if not entry.get("raw", False):
            steps.append(("drop_ids", DropIds()))
        elif self.select is not None:
            raise ValueError(
                f"select cannot be combined with model={shorten(self.model)}, which "
                "takes raw rows."
            )
        steps.extend(entry["scaling"])
        if self.select is not None:
            steps.append(("select", self.select))
        steps.append(("model", entry["regressor"]))
        return steps

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
        ranker = clone(self.ranker, safe=False)  # a string is returned as it is
        check_ranker(ranker)
        X, ratings = check_training_table(X, y)
        self._say("Building pipeline...")
        pipeline = self.build_pipeline()
        best_params = None
        if tune_hyperparameters:
            best_params = self._search(pipeline, X, ratings)
            pipeline.set_params(**best_params)

        cv_scores = None
        if perform_cv:
            cv_scores = self._cross_validate(pipeline, X, ratings)

        pipeline.fit(X, ratings)
        # Who rated what, as a sparse matrix: recommendations are made from it.
        history = RatingHistory(rating_matrix(X, ratings))
        # The columns that the model accepts, for the model card.
        inputs = {*TABLE_COLUMNS, *FEATURES} - {RATING}
        signature = {name: str(X[name].dtype) for name in X if name in inputs}
        # Only now are the results of the previous training replaced, all at once.
        self._set_training(
            X,  # its columns and titles are kept, too
            pipeline_=pipeline,
            cv_scores_=cv_scores,
            best_params_=best_params,
            history_=history,
            signature_=signature,
            _ranker_param=ranker,  # a copy: `self.ranker` may be set anew
        )
        self._say("✓ Training complete")
        return pipeline

    def fit(self, X, y=None):
        """Train without cross-validation.

        Parameters
        ----------
        X, y
            As in `train`.

        Returns
        -------
        self : SklearnEcosystemPipeline
        """
        self.train(X, y, perform_cv=False)
        return self

    def _cross_validate(self, pipeline, X, ratings):
        """Return the RMSE of each fold, in stars."""
        self._say("Performing cross-validation...")
        # Few rows take so little time that lines of progress would only disturb.
        verbose = progress_level(self.verbose) if len(X) > MANY_ROWS else 0
        folds = cross_validate_metrics(
            pipeline, X, ratings, self.random_state, verbose=verbose
        )
        cv_scores = folds["RMSE"].to_numpy()
        self._say(f"CV RMSE: {cv_scores.mean():.4f} (+/- {cv_scores.std():.4f})")
        return cv_scores

    def _search(self, pipeline, X, ratings):
        """Return the best of some random candidates, a dict of parameters."""
        space = find_model(self.model).get("search")  # a model of your own may lack it
        if space is None:
            raise ValueError(
                f"tune_hyperparameters=True: {shorten(self.model)} has no search space "
                "in MODELS."
            )
        self._say(f"Searching: {N_CANDIDATES} candidates in {N_SEARCH_FOLDS} folds...")
        search = RandomizedSearchCV(
            pipeline,
            space,
            n_iter=N_CANDIDATES,
            cv=make_folds(N_SEARCH_FOLDS, self.random_state),
            scoring="neg_root_mean_squared_error",  # negative: the highest is the best
            refit=False,
            random_state=self.random_state,
            verbose=progress_level(self.verbose),
            error_score="raise",
        )
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
            Rows that were not used in training. A warning counts rows whose user and
            movie were together in the training: they make the score too good.
        y_test : array-like of shape (n_rows,), in stars, default=None
            Their ratings; None: those in the column `rating` of `X_test`.

        Returns
        -------
        metrics : dict of float
            As from `rating_metrics`.
        predictions : ndarray of shape (n_rows,), in stars

        Notes
        -----
        The last scores are kept for the model card.
        """
        check_is_fitted(self, "pipeline_")
        # `_snapshot` copies this object, and `_keep` adds the scores to it, unless
        # another thread has trained it anew meanwhile.
        trained = self._snapshot()
        predictions = trained.predict(X_test)
        metrics = rating_metrics(check_ratings(X_test, y_test), predictions)
        n_trained_on = trained.history_.has_rated(*table_ids(X_test)).sum()
        if n_trained_on:
            warn(
                f"{n_trained_on} test rows are of pairs that the model was trained on."
            )
        self._keep(trained, test_scores_={"rows": len(predictions), **metrics})
        return metrics, predictions

    # ----- Save and load

    def save_pipeline(self, filepath="production_pipeline.pkl"):
        """Save this object, with a model card beside it at `filepath` + ".json".

        Parameters
        ----------
        filepath : str or path-like, default="production_pipeline.pkl"
            A name that ends in ".skops" is saved in a format that, when it is loaded,
            runs only code that is trusted (it needs skops). All other files are
            pickles.

        Returns
        -------
        filepath : str or path-like

        Raises
        ------
        NotFittedError, TypeError, OSError, ImportError, ValueError
            If nothing was trained, `filepath` is no name of a file, the file cannot be
            written, skops is missing, or the model cannot be saved. A file that was
            there before is kept.
        """
        check_is_fitted(self, "pipeline_")
        artifact.check_path(filepath)  # refused before anything is computed
        trained = self._snapshot()
        self._ranker_of(trained)  # fits it now, so that the artifact holds it, too
        artifact.save(trained, filepath, model_card(trained), TRUSTED)
        self._say(f"Pipeline saved to {filepath}")
        return filepath

    @staticmethod
    def load_pipeline(filepath="production_pipeline.pkl", *, sha256=None, strict=False):
        """Return the object that `save_pipeline` has saved.

        The file must be whole, and the loaded model must predict the rating of the
        example in its model card as before.
        A pickle can run any code: load only what you trust. The digest shows damage; it
        does not stop an attacker.

        Parameters
        ----------
        filepath : str or path-like, default="production_pipeline.pkl"
        sha256 : str, default=None
            The digest that the file must have, as in its model card.
        strict : bool, default=False
            Whether to refuse a file that would be loaded with a warning, or that has no
            model card.

        Returns
        -------
        recommender : SklearnEcosystemPipeline, or what else was saved
            Its model card is at `.card`.

        Raises
        ------
        TypeError, FileNotFoundError, ValueError, ImportError
            If `filepath` is no name of a file, there is no such file, it is damaged or
            no saved pipeline, it cannot be loaded with the installed versions, or skops
            is missing.

        Warns
        -----
        UserWarning
            If the file has no digest, was made with another version of scikit-learn, or
            the card beside it belongs to another artifact.
        """
        return artifact.load(filepath, TRUSTED, sha256, strict)

    def _say(self, line):
        if self.verbose:
            say(line)


def cross_validate_metrics(
    pipeline, X, ratings, random_state, *, n_jobs=None, verbose=0
):
    """Cross-validate a pipeline in five folds.

    Parameters
    ----------
    pipeline : RatingPipeline
    X : DataFrame of shape (n_rows, n_columns)
        A table of ratings.
    ratings : ndarray of shape (n_rows,), in stars
    random_state : int
        The seed of the folds.
    n_jobs : int, default=None
        How many folds are computed at the same time; None: one, or what
        `joblib.parallel_config` says.
    verbose : int, default=0
        As for `cross_validate`.

    Returns
    -------
    folds : DataFrame with a row per fold, numbered from 1
        "RMSE", "MAE", "R2"; "fit_s" and "predict_s", in seconds.
    """
    # Nothing here needs scikit-learn's metadata routing, and with it, `cross_validate`
    # fails in some versions.
    with without_routing():
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
    """Cross-validate every model, the mean, and the two-line baseline of section 2.

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
        * `RMSE` and `MAE`, in stars, `R2`, `fit_s` and `predict_s`, in seconds: the
          means of the folds
        * `RMSE_std` and so on: their standard deviations
        * `RMSE_1` and so on: the RMSE of each fold
        * `to_best`: the mean difference in RMSE to the best model
        * `to_best_se`: its standard error. It is too small, because the folds are
          trained on rows in common: treat models as equal if `to_best` is less than two
          or three times this error.
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
    rmse = figures["RMSE"].unstack("fold")  # (n_models, n_folds)
    best_model = rmse.mean(axis=1).idxmin()
    to_best = rmse - rmse.loc[best_model]
    table = by_model.mean()
    # `ddof=0`: the standard deviation of these five numbers, as in "CV RMSE (+/-)" of
    # the demo. `sem`, below, is the standard error of a mean: the five are a few of
    # many possible folds.
    table = table.join(by_model.std(ddof=0).add_suffix("_std"))
    table = table.join(rmse.add_prefix("RMSE_"))
    table["to_best"] = to_best.mean(axis=1)
    table["to_best_se"] = to_best.sem(axis=1)
    return table


def _two_lines(random_state):
    """Return the two lines of section 2, with seeded folds.

    `ColumnTransformer` gives the encoder the two ids of a table. How folds are passed
    to the encoder depends on the version of scikit-learn (`seeded_target_encoder`).
    """
    encoder = seeded_target_encoder(make_folds(N_FOLDS, random_state))
    return make_pipeline(ColumnTransformer([("ids", encoder, IDS)]), Ridge())


# ======================================================================================
# 5. The artifact: what travels with a model
# ======================================================================================
# Another process, on another day, should get the same answers from a model, or a clear
# error. A pickle alone does not do that. It gets a *digest* (SHA-256), a fingerprint of
# its bytes that changes if a single bit changes; and a *model card*, a JSON file beside
# it, with the versions that made it, its scores, and an example whose prediction is
# checked when the model is loaded. The methods `save_pipeline` and `load_pipeline` are
# in section 4; the work is done in recommender/card.py, which makes the card, and
# recommender/artifact.py, which writes and reads both files. In short, saving is ::
#
#     content = pickle.dumps(recommender)
#     digest = hashlib.sha256(content).hexdigest()
#     write content + digest to one temporary file, the card (with the digest) to
#     another, and give both their final names
#
# and loading is ::
#
#     refuse the file if the digest of its content is another one
#     recommender = pickle.loads(content)
#     refuse it if it predicts another rating for the example of the card

#: A pickle can run any code when it is loaded. The library skops has a format that
#: makes only objects of types that are trusted: these, and those that skops itself
#: trusts. For a regressor of your own, add the names of its types.
TRUSTED = [
    *artifact.TRUSTED,
    artifact.type_name(RatingPipeline),
    artifact.type_name(SklearnEcosystemPipeline),
    artifact.type_name(UserMovieFeatureTransformer),
]


# ======================================================================================
# 6. The demo and the command line
# ======================================================================================
# The demo trains a forest on 40,000 rows and scores it on 10,000. Its heart is this
# comparison of errors (`python lesson_code.py`; RMSE in stars)::
#
#     1.0384  always answering the mean rating
#     0.8297  this model
#     0.7216  the noise floor: expected of a perfect predictor
#     0.8065  the fragile way: averages computed before the split
#
# The last error is smaller than that of the model, and false: its averages contain the
# ratings of the test rows. Nobody has these when a prediction is wanted. (In section 2,
# the forest has 0.8401: the mean of five other splits. This split is a lucky one.)

ARTIFACT = "production_pipeline.pkl"
LINE = "=" * 60
TAKEAWAYS = """Key Takeaways:
✓ Custom transformers extend sklearn seamlessly
✓ Pipelines bundle preprocessing + modeling atomically
✓ Cross-validation ensures generalization
  (It measures how well a model generalizes. It cannot see a leak that is in every
  fold, or what will change tomorrow.)
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
    model : str, dict, regressor or RatingPipeline, default="forest"
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
        * "fragile_rmse": the RMSE of the fragile way, with averages that were computed
          before the split; or None
        * "ranking": the scores of the recommendations, or None
    """
    dataset = MovieRecommendationDataset(n_users, n_movies, n_ratings, random_state)
    # Bad parameters raise an error before anything is printed.
    dataset.check_sizes()
    find_model(model)
    artifact.check_path(output)
    say(f"{LINE}\nScikit-learn Ecosystem: Production ML Pipeline Demo\n{LINE}")

    if data is None:
        say("Step 1: Generating movie rating dataset...")
        data = dataset.generate()
    else:
        say("Step 1: Reading movie rating dataset...")
        data, _ = check_training_table(data)  # of a pair rated twice, the latest row
        dataset = None  # nobody knows how real ratings come about
    y = data[RATING].astype(np.float64)
    n_raters = data["user_id"].nunique()
    say(f"✓ Dataset created: {len(data)} ratings from {n_raters} users")
    say(f"  Rating range: {y.min()} - {y.max()}")
    say(f"  Average rating: {y.mean():.2f}")

    say("Step 2: Engineering features...")
    recommender = SklearnEcosystemPipeline(
        model=model, random_state=random_state, verbose=True
    )
    # Only to look at, as these features contain the test ratings. Step 4 makes its own.
    X, *_ = recommender.create_features(data)
    report.print_features(X)

    say("Step 3: Splitting data...")
    split = train_test_split(
        data.drop(columns=RATING), y, test_size=0.2, random_state=random_state
    )
    X_train, X_test, y_train, y_test = split
    say(f"✓ Train set: {len(X_train)} samples")
    say(f"  Test set: {len(X_test)} samples")

    say("Step 4: Training pipeline with cross-validation...")
    recommender.train(X_train, y_train, tune_hyperparameters=tune)
    say("  (+/- is the standard deviation of the five folds.)")

    say("Step 5: Evaluating on test set...")
    say("Test Set Performance:")
    errors = _compare_errors(recommender, data, split, dataset)
    report.print_errors(errors, len(X_test))
    relevant_from = default_relevance(y_train.min(), y_train.max())  # 4, if 5 is best
    is_relevant = y_test >= relevant_from
    rankings = None
    if is_relevant.any():
        rankings = _compare_rankings(recommender, X_test, y_test, relevant_from)
    report.print_rankings(
        rankings,
        data,
        relevant=X_test[is_relevant],
        X_test=X_test,
        relevant_from=relevant_from,
    )

    say("Step 6: Saving pipeline for production deployment...")
    recommender.save_pipeline(output)
    say(f"✓ Pipeline serialized to {output}")
    say(f"  (Its model card is {output}.json.)")

    say("Step 7: Simulating production inference...")
    loaded = SklearnEcosystemPipeline.load_pipeline(output)
    first = X_test.head(5)
    report.print_predictions(first, loaded.predict(first), y_test.head(5))
    user = X_train["user_id"].iloc[0]  # recommendations need a user of the training
    recommendations = loaded.recommend(user, n=3, explain=True)
    report.print_recommendations(user, recommendations)
    say(f"{LINE}\nEcosystem Demonstration Complete!\n{LINE}\n{TAKEAWAYS}")
    return {
        "pipeline": recommender,
        "data": split,
        "metrics": errors.metrics,
        "baseline_rmse": errors.baseline_rmse,
        "noise_floor": errors.noise_floor,
        "fragile_rmse": errors.fragile_rmse,
        "ranking": rankings["taste"] if rankings else None,
    }


def _compare_errors(recommender, data, split, dataset):
    """Compare the model with the mean, a perfect predictor, and the fragile way."""
    _, X_test, y_train, y_test = split
    metrics, predictions = recommender.evaluate(X_test, y_test)
    always_mean = np.full(len(y_test), y_train.mean())
    baseline = rating_metrics(y_test, always_mean)["RMSE"]

    # The standard error says how far this RMSE would typically move with other test
    # rows. RMSE is the root of MSE, the mean of the squared errors. If MSE changes by a
    # small d, its root changes by d / (2 RMSE), as the derivative says.
    squared_errors = (y_test - predictions) ** 2
    standard_error = squared_errors.sem() / (2 * metrics["RMSE"])

    floor = None
    perfect_rmse = None
    if dataset is not None:
        # The floor is what is expected. On these rows, the perfect predictor itself has
        # an error that is a little larger or smaller, by luck.
        floor = dataset.best_rmse(X_test)
        # A row's index is its position in the table, because `generate` counts from 0.
        perfect_predictions = dataset.true_expected_[y_test.index]
        perfect_rmse = rating_metrics(y_test, perfect_predictions)["RMSE"]

    fragile = None
    makes_features = "drop_ids" in recommender.pipeline.named_steps  # not `factors`
    if makes_features:
        fragile = _fragile_rmse(recommender.pipeline, data, split)
    return report.Errors(
        metrics=metrics,
        standard_error=standard_error,
        baseline_rmse=baseline,
        noise_floor=floor,
        perfect_rmse=perfect_rmse,
        fragile_rmse=fragile,
    )


def _fragile_rmse(pipeline, data, split):
    """Return the error of the fragile way: features are made before the split.

    The averages are those of the whole table (and so are the factors of `blend`). They
    are not cross-fitted, either. The leak makes the error so small. On the demo's
    table, the missing cross-fitting hardly matters to a model of the 13 features
    (section 2).
    """
    X_train, X_test, y_train, y_test = split
    pipeline = clone(pipeline)  # with the same hyperparameters
    transformer = pipeline[0].fit(data)  # here is the leak: all rows, and their ratings
    # A slice of the pipeline takes features as they are. The whole pipeline would
    # compute the averages in them again, from the training rows.
    model = pipeline[1:].fit(transformer.transform(X_train), y_train)
    predictions = model.predict(transformer.transform(X_test))
    predictions = np.clip(predictions, y_train.min(), y_train.max())
    return rating_metrics(y_test, predictions)["RMSE"]


def _compare_rankings(recommender, X_test, y_test, relevant_from):
    """Return the scores of `MovieRanker`, and of two simple ways to recommend."""
    return {
        by: recommender.evaluate_ranking(
            X_test, y_test, k=10, relevant_from=relevant_from, by=by
        )
        for by in ("taste", "popularity", "chance")
    }


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
        The exit status: 0, or 130 after Ctrl-C. Bad arguments, and errors such as a
        missing file, end the process with one line and status 2.
    """
    # Without a command, the demo runs.
    on_a_table = {None: demonstrate_ecosystem, "compare": _compare, "train": _train}
    parser = make_parser(list(MODELS), ARTIFACT)
    load = SklearnEcosystemPipeline.load_pipeline
    return commands.run(parser, argv, on_a_table, load)


def _compare(data=None, random_state=42, **sizes):
    """Run the command `compare`; `sizes` are those of the synthetic table."""
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


def _train(
    data=None,
    random_state=42,
    model="forest",
    tune=False,
    perform_cv=True,
    output=ARTIFACT,
    **sizes,
):
    """Run the command `train`; `sizes` are those of the synthetic table."""
    artifact.check_path(output)  # refused before the training, which may take long
    if data is None:
        data = MovieRecommendationDataset(**sizes, random_state=random_state).generate()
    recommender = SklearnEcosystemPipeline(
        model=model, random_state=random_state, verbose=True
    )
    recommender.train(data, perform_cv=perform_cv, tune_hyperparameters=tune)
    recommender.save_pipeline(output)
