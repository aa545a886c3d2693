"""The scikit-learn ecosystem: a movie recommender, built the way production teams build one.

Run it (``python lesson_code.py``), test it (``pytest test_lesson.py -v``), read it from top to bottom: you
should know NumPy and pandas, and that ``fit`` learns and ``predict`` answers. The data goes one way::

    ingest --> preprocess --> transform --> select --> train --> evaluate --> deploy
    dataset    impute,        13 features   optional   any       RMSE, MAE,   one .pkl and
    or         encode         (our own      selector   sklearn   R2; P, R,    its model card,
    MovieLens                  transformer)            regressor NDCG@10      recommend()

    1  a table of ratings whose law is known      5  the artifact: what travels with a model
    2  13 features that do not leak the answers   6  the demo, ``python lesson_code.py``; the lesson ends here
    3  models: one table, one pipeline            7  recommenders of our own: stars, and what to watch next
    4  the wrapper: train, evaluate, compare      Appendix: checks, random tables, MovieLens, command line
Version 0.2.0, BSD-3-Clause (The scikit-learn ecosystem lesson contributors). Names follow "Day 71"."""

import argparse
import contextlib
import csv
import hashlib
import io
import json
import numbers
import os
import re
import stat
import sys
import warnings
import zipfile
from pathlib import Path
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import sklearn
from scipy import sparse
from scipy.special import ndtr
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor, VotingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer, mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import KFold, RandomizedSearchCV, cross_validate, train_test_split
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder, StandardScaler, TargetEncoder
from sklearn.utils import check_random_state
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = ["MODELS", "MatrixFactorization", "MovieRanker", "MovieRecommendationDataset", "RatingPipeline",
           "SklearnEcosystemPipeline", "UserMovieFeatureTransformer", "compare_models",
           "demonstrate_ecosystem", "load_movielens", "ranking_metrics", "rating_metrics"]

# ===== 1. The table, and the law behind it ==================================================================
# One row per rating. Real tables have the same columns (`load_movielens` reads them), but we know the law
# only of a table that we made: we can say which part of an error is the model's, and which part is noise.
IDS, RATING = ["user_id", "movie_id"], "rating"  # ratings are in stars
#: `timestamp` is in Unix seconds (UTC). Several genres are joined by a bar, as MovieLens does.
TABLE_COLUMNS = [*IDS, RATING, "timestamp", "genre", "movie_year", "user_age", "user_country"]
GENRES = ["Action", "Adventure", "Comedy", "Drama", "Horror", "Romance", "Sci-Fi", "Thriller"]
COUNTRIES = ["US", "GB", "IN", "DE", "BR", "FR", "JP", "CA"]
STARS = np.arange(1.0, 5.01, 0.5)  # the nine possible ratings: 1, 1.5, ... 5
#: The law's sizes, in stars (`noise_spread`: of log sigma). Calibrated: `python benchmarks/calibration.py`.
LAW = {"mean": 3.02, "user": 0.45, "movie": 0.49, "taste": 0.45, "noise": 0.84, "noise_spread": 0.55}

class MovieRecommendationDataset:
    """A synthetic table of movie ratings whose law is known: the rating that user u gives to movie m is ::

        rating      = the half star nearest to  mean + user[u] + movie[m] + taste[u, m] + noise,  from 1 to 5
        taste[u, m] = T[u] . G[m]      T: how much the user loves each of 8 genres, G: the genres of the movie
        noise       ~ Normal(0, sigma[u])     some users rate with care (small sigma), some do not

    `user`, `movie` and `taste` have the standard deviations in `LAW`. A few movies get most ratings, and are
    rated a little better; users watch more of what they love; nobody rates a movie twice. Age, country, year,
    hour and weekday have no influence: features worthless by law, as a good model has to find out.

    Parameters
    ----------
    n_users, n_movies, n_ratings : int >= 1, default=1000, 500, 50000, with n_ratings <= n_users * n_movies
    random_state : int, default=42; a seed gives the same table on every machine and with every numpy

    Attributes
    ----------
    true_expected_, true_taste_ : every row's expected rating (the best possible answer) and taste, in stars
    law_ : dict of arrays: "user", "movie", "T", "G", "sigma"; "mean_taste" is subtracted from T . G"""
    def __init__(self, n_users=1000, n_movies=500, n_ratings=50_000, random_state=42):
        self.n_users, self.n_movies, self.n_ratings = n_users, n_movies, n_ratings
        self.random_state = random_state

    def generate(self):
        """Return the table, `n_ratings` rows in random order; ids count from 1. ValueError: impossible."""
        n_users, n_movies, n_ratings, seed = self.check()
        rng = check_random_state(seed)
        movies, popularity, genre_shape = _draw_movies(rng, n_movies)
        users, activity, genre_love = _draw_users(rng, n_users)
        user, movie = _draw_pairs(rng, n_ratings, activity, genre_love, popularity, genre_shape)  # positions
        self.law_ = _draw_law(rng, user, movie, popularity, genre_love, genre_shape)
        rated = _by_parts(self._rate, user, movie, rng.standard_normal(n_ratings))
        rating, self.true_taste_, self.true_expected_, self._variance = rated
        table = {"user_id": user + 1, "movie_id": movie + 1, RATING: rating}
        table["timestamp"] = _draw_timestamps(rng, user, n_users)
        table |= {name: values[movie] for name, values in movies.items()}
        table |= {name: values[user] for name, values in users.items()}
        return pd.DataFrame(table, columns=TABLE_COLUMNS, copy=False)

    def best_rmse(self, rows=None):
        """Return the noise floor, in stars: the expected RMSE of the best possible predictor, the root of the
        mean of Var(rating | user, movie) over `rows`, a DataFrame with ids (None: the whole table)."""
        if not hasattr(self, "law_"):
            self.generate()
        if rows is None:
            return float(np.sqrt(self._variance.mean()))
        user, movie = (ids - 1 for ids in _check_table(rows))
        if min(user.min(), movie.min()) < 0 or user.max() >= self.n_users or movie.max() >= self.n_movies:
            raise ValueError(f"rows must be of users 1 to {self.n_users}, movies 1 to {self.n_movies}.")
        return float(np.sqrt(_by_parts(self._rate, user, movie)[-1].mean()))

    def check(self):
        """Return the three sizes and the seed as ints; raise a ValueError where one is impossible."""
        least = {"n_users": 1, "n_movies": 1, "n_ratings": 1, "random_state": 0}
        values = [_check_number(name, getattr(self, name), n, True, below=2**32) for name, n in least.items()]
        if values[2] > (pairs := values[0] * values[1]):
            raise ValueError(f"n_ratings={values[2]} is more than the {pairs} pairs of a user and a movie.")
        return values

    def _rate(self, user, movie, noise=0.0):  # a rating; its taste; the mean and the variance it has by law
        law = self.law_
        taste = np.einsum("rg,rg->r", law["T"][user], law["G"][movie]) - law["mean_taste"]
        opinion, sigma = LAW["mean"] + law["user"][user] + law["movie"][movie] + taste, law["sigma"][user]
        rating = np.clip(np.round(2 * (opinion + sigma * noise)) / 2, STARS[0], STARS[-1])
        reached = ndtr((opinion[:, None] - (STARS[:-1] + STARS[1:]) / 2) / sigma[:, None])  # P(>= star)
        mean, of_square = (STARS[0] ** power + reached @ np.diff(STARS**power) for power in (1, 2))
        return rating, taste, mean, of_square - mean**2

# ===== 2. Thirteen features that do not leak ================================================================
# How does this user rate on average, and how is this movie rated? These two averages are the best features
# there are. scikit-learn makes them in two lines, which everything else in this file has to beat
# (`python lesson_code.py compare`: RMSE 0.8390, against 1.0420 for always answering the mean)::
#     encoder = TargetEncoder(target_type="continuous")   # replaces an id by the average rating of its rows
#     model = make_pipeline(encoder, Ridge()).fit(X_train[["user_id", "movie_id"]], y_train)
# They are also easy to get wrong, because an average of ratings can contain the answer. From wrong to right:
# * Averages over the whole table, before the split (`fit(table).transform(table)`), contain the test ratings.
#   The score lies: with two ratings per user it even falls below the noise floor, as no honest model can.
# * Averages over the training rows contain each row's own rating. The model learns to trust them more than it
#   can trust the averages of new rows. Most models become worse where ratings are few; none at 50 per user.
# * *Cross-fitting*: the rows are cut into folds, and the averages of a row come from the folds that it is not
#   in. `TargetEncoder` does that, and so does `fit_transform` below. (Figures: `python benchmarks/leak.py`.)

#: What `UserMovieFeatureTransformer` makes of a row, in this order.
FEATURES = [*IDS, "user_age", "movie_year", "genre_encoded", "country_encoded", "user_avg_rating",
            "movie_avg_rating", "user_movie_interaction", "hour_of_day", "day_of_week", "user_rating_count",
            "movie_rating_count"]
DAY = 24 * 3600  # seconds
#: The features that need no rating: their column, whose property it is, and what fills a gap ("code": -1).
OBSERVED = {"user_age": ("user_age", "user", "median"), "movie_year": ("movie_year", "movie", "median"),
            "genre_encoded": ("genre", "movie", "code"), "country_encoded": ("user_country", "user", "code"),
            "hour_of_day": ("timestamp", None, "mode"), "day_of_week": ("timestamp", None, "mode")}

class _OnTables:
    """Tell scikit-learn what is true of every estimator here: it takes a table; `y` may be in it."""
    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = tags.target_tags.required = tags.target_tags.multi_output = False
        tags.input_tags.string = tags.input_tags.allow_nan = True
        return tags

class UserMovieFeatureTransformer(_OnTables, TransformerMixin, BaseEstimator):
    """Turn raw ratings into 13 features of user, movie and time, with averages that are cross-fitted.

    As in scikit-learn's `TargetEncoder`, ``fit(X, y).transform(X)`` describes rows as if they were new, while
    ``fit_transform(X, y)`` cross-fits: a model must learn from that, and a `Pipeline` calls the right one.
    Averages are those of ``TargetEncoder(smooth=damping)``: a test says so. In a frame of features they are
    learned anew, as the counts are: averages that were computed before a split cannot reach a score.

    Parameters
    ----------
    create_temporal : bool, default=True: add `hour_of_day` (0 to 23, UTC) and `day_of_week` (Monday = 0)
    damping : float, default=10.0: an average is ``(sum + damping * mean) / (n + damping)``, as if there were
        ten more average ratings; few ratings stay near it. Source: Funk, "Try This at Home" (2006).
    cv, random_state : int, default=5, 0: the folds of `fit_transform`, and what shuffles the rows into them

    Attributes
    ----------
    users_, movies_ : the ids of the training, sorted. In their order, user_avg_, movie_avg_ : damped averages
        in stars (`global_mean_` for unknown ids); user_count_, movie_count_ : numbers of ratings (0)
    known_, fill_ : dict by feature: the last row's value, by user or movie; what stands in if none is known
    genre_encoder_, country_encoder_ : OrdinalEncoder, which gives -1 to an unknown string"""
    def __init__(self, create_temporal=True, damping=10.0, cv=5, random_state=0):
        self.create_temporal, self.damping = create_temporal, damping
        self.cv, self.random_state = cv, random_state

    def fit(self, X, y=None):
        """Learn from a table with ids and any `TABLE_COLUMNS`; y: stars, (n_rows,), None: X's `rating`."""
        self._learn(X, y)
        return self

    def fit_transform(self, X, y=None):
        """Learn, and return **cross-fitted** features: not those of ``fit(X, y).transform(X)``, see above."""
        _check_table(X)
        fold = np.empty(len(X), dtype=np.int64)
        for number, (_, rows) in enumerate(_folds(self.cv, self.random_state).split(X)):
            fold[rows] = number
        user, movie, ratings, counted, observed = self._learn(X, y)
        averages = [_cross_fitted(who, ratings, counted, fold, self.damping) for who in (user, movie)]
        return self._assemble(X, observed, user, movie, *averages)

    def transform(self, X):
        """Return a DataFrame of shape (n_rows, 13 or 11) with the index of X: ids int64, all else float64. X
        needs only ids. A rating in it is never looked at; an unknown user or movie is a normal row."""
        check_is_fitted(self)
        user, movie = map(_positions, (self.users_, self.movies_), _check_table(X))
        user_avg = _lookup(self.user_avg_, user, self.global_mean_)
        movie_avg = _lookup(self.movie_avg_, movie, self.global_mean_)
        observed, *_ = self._observe(X, self.genre_encoder_, self.country_encoder_)
        return self._assemble(X, observed, user, movie, user_avg, movie_avg)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features, an array of 13 strings (11 without the temporal ones)."""
        left_out = [] if self.create_temporal else ["hour_of_day", "day_of_week"]
        return np.array([name for name in FEATURES if name not in left_out], dtype=object)

    def _learn(self, X, y):  # and return positions, ratings, weights (0: does not count), what rows tell
        (user, users), (movie, movies) = (pd.factorize(ids, sort=True) for ids in _check_table(X))
        ratings, damping = _check_ratings(X, y), _check_number("damping", self.damping, 0)
        counted = _latest_of_pair(X, user, movie).astype(np.float64)  # a transformer must not drop a row
        observed, *encoders = self._observe(X)
        validate_data(self, X, skip_check_array=True)  # records the names of the columns; all else is checked
        self.genre_encoder_, self.country_encoder_ = encoders
        self.users_, self.movies_ = users, movies
        mean, sums = float(np.average(ratings, weights=counted)), counted * ratings
        self.user_count_, self.movie_count_ = np.bincount(user, counted), np.bincount(movie, counted)
        self.user_avg_ = _damped_mean(np.bincount(user, sums), self.user_count_, mean, damping)
        self.movie_avg_ = _damped_mean(np.bincount(movie, sums), self.movie_count_, mean, damping)
        self.global_mean_, self.known_, self.fill_ = mean, {}, dict.fromkeys(OBSERVED, -1.0)
        self.absent_ = [feature for feature in OBSERVED if np.isnan(observed[feature]).all()]
        for feature, (_, owner, strategy) in OBSERVED.items():
            values = observed[feature]
            if owner is not None:
                told, position = np.flatnonzero(~np.isnan(values)), user if owner == "user" else movie
                known = self.known_[feature] = np.full(position.max() + 1, np.nan)
                known[position[told]] = values[told]  # subtle: where a position repeats, the last value stays
            if strategy != "code":
                values = pd.Series([0.0] if feature in self.absent_ else values)
                self.fill_[feature] = float(values.median() if strategy == "median" else values.mode()[0])
        return user, movie, ratings, counted, observed

    def _observe(self, X, genre_encoder=None, country_encoder=None):  # None: fitted here, and returned
        genre, genre_encoder = _encode(X, "genre", genre_encoder)
        country, country_encoder = _encode(X, "user_country", country_encoder)
        days, seconds = np.divmod(_numbers(X, "timestamp"), DAY)
        observed = {"genre_encoded": genre, "country_encoded": country,  # (n_rows,) each, NaN: nothing
                    "hour_of_day": np.minimum(np.floor(seconds / 3600), 23),  # -1e-12 is a whole day, rounded
                    "day_of_week": (days + 3) % 7}  # 1970-01-01 was a Thursday
        for name, (column, *_) in OBSERVED.items():
            if name == column or column not in X.columns:  # a number, as all are in a frame of features
                observed[name] = np.array(_numbers(X, name))  # a copy: `_assemble` fills its gaps
        return observed, genre_encoder, country_encoder

    def _assemble(self, X, observed, user, movie, user_avg, movie_avg):  # fill gaps; unknown positions: -1
        columns = {name: X[name].to_numpy(dtype=np.int64, copy=True) for name in IDS}
        for feature, (_, owner, _) in OBSERVED.items():
            values = columns[feature] = observed.pop(feature)
            if feature in self.absent_:  # what training never saw, no model can have learned to use
                values[:] = np.nan
            gaps = np.flatnonzero(np.isnan(values))
            if owner is not None:
                position = user[gaps] if owner == "user" else movie[gaps]
                values[gaps] = _lookup(self.known_[feature], position, np.nan)
            values[np.isnan(values)] = self.fill_[feature]
        columns |= {"user_avg_rating": user_avg, "movie_avg_rating": movie_avg}
        columns["user_movie_interaction"] = user_avg * movie_avg
        columns["user_rating_count"] = _lookup(self.user_count_, user, 0.0)
        columns["movie_rating_count"] = _lookup(self.movie_count_, movie, 0.0)
        return pd.DataFrame(columns, X.index, self.get_feature_names_out(), copy=False)

def _damped_mean(total, count, mean, damping):  # the mean where nothing can be divided
    weight = count + damping
    return np.where(weight > 0, (total + damping * mean) / np.where(weight > 0, weight, 1), mean)

def _cross_fitted(position, ratings, counted, fold, damping):  # averages over all folds but the row's own
    shape = fold.max() + 1, position.max() + 1  # (n_folds, n_users)
    cell, n_cells = fold * shape[1] + position, shape[0] * shape[1]
    sums = (np.bincount(cell, what, n_cells).reshape(shape) for what in (counted, counted * ratings))
    count, total = (one.sum(axis=0) - one for one in sums)  # subtle: now of the *other* folds
    mean = total.sum(axis=1, keepdims=True) / np.maximum(count.sum(axis=1, keepdims=True), 1)  # (n_folds, 1)
    return _damped_mean(total, count, mean, damping).ravel()[cell]

# ===== 3. Models: one table, one pipeline ===================================================================
# The features are part of the model, not of the data. That is the heart of the lesson: a pipeline that takes
# *raw* rows learns its averages from the rows it is fitted on, anew in each fold of a cross-validation, in a
# search, in the final fit. There is no line left in which they could leak.

#: The steps between features and model. An id is a label, not a quantity: the 13 features begin with the two
#: ids, which stop here. A forest does not need the scaler; it is there for whatever takes the forest's place.
_NO_IDS = ColumnTransformer([("keep", "passthrough", slice(2, None))], verbose_feature_names_out=False)
SCALING = [("scaler", StandardScaler())]
_OURS = {"features": UserMovieFeatureTransformer(), "scaling": SCALING}
DAMPINGS = {"features__damping": [2.0, 5.0, 10.0, 20.0]}
#: What a model is: its features, the steps after them, the regressor, and the search space, from which
#: `tune_hyperparameters=True` draws. Another model is one row more; section 7 adds "factors" and "blend". The
#: forest's settings are a fast choice near the best of a grid: `python benchmarks/forest_grid.py`.
MODELS = {
    "forest": _OURS | {
        "regressor": RandomForestRegressor(100, max_features=1 / 3, min_samples_leaf=5, max_samples=0.05),
        "search": {"model__max_features": [1 / 3, 0.5, 1.0], "model__min_samples_leaf": [1, 5, 10, 20],
                   "model__max_samples": [0.05, 0.1, 0.3], **DAMPINGS}},
    "boosting": _OURS | {
        "regressor": HistGradientBoostingRegressor(early_stopping=True),  # stop before it learns noise
        "search": {"model__learning_rate": [0.03, 0.05, 0.1], "model__max_leaf_nodes": [7, 15, 31, 63],
                   "model__min_samples_leaf": [20, 50, 100], "model__l2_regularization": [0.0, 1.0, 10.0],
                   **DAMPINGS}},
    "linear": _OURS | {
        "regressor": Ridge(), "search": {"model__alpha": [0.01, 0.1, 1.0, 10.0, 100.0, 1000.0], **DAMPINGS}}}

def _recipe(model):  # the row of `MODELS`; of a regressor of your own, that of its type, or the forest's
    if isinstance(model, str) and model in MODELS:
        return MODELS[model]
    if isinstance(model, type) or not (hasattr(model, "fit") and hasattr(model, "predict")):
        raise ValueError(f"model must be one of {list(MODELS)} or a regressor, got {model!r}.")
    same_type = [row for row in MODELS.values() if type(row["regressor"]) is type(model)]
    return (same_type or [MODELS["forest"]])[0] | {"regressor": model, "search": None}

class RatingPipeline(_OnTables, RegressorMixin, Pipeline):
    """A scikit-learn `Pipeline` that takes raw rows, and keeps its predictions to the scale of its ratings,
    `y_min_` to `y_max_` stars: a model may answer 5.3, which nobody can give. A slice, such as
    ``pipeline[1:]``, is a plain `Pipeline`, fitted if this one is."""
    def fit(self, X, y=None, **params):
        """Fit on raw or engineered rows; y: ratings of shape (n_rows,), None: X's column `rating`."""
        _check_table(X)
        ratings = _check_ratings(X, y)
        fresh = clone(self)
        super(RatingPipeline, fresh).fit(X, ratings, **params)  # if it fails, the last fit stays whole
        if "drop_ids" in self.named_steps:  # it drops by position
            first = np.asarray(fresh[0].transform(X.iloc[:1]))[0, :2]
            if list(first) != list(X[IDS].iloc[0]):
                raise ValueError("Features must begin with the ids: put UserMovieFeatureTransformer first.")
        self.steps = fresh.steps
        self.y_min_, self.y_max_ = float(ratings.min()), float(ratings.max())
        return self

    def predict(self, X, **params):
        """Return predicted ratings in stars, an array of shape (n_rows,)."""
        check_is_fitted(self, "y_max_")
        return np.clip(super().predict(X, **params), self.y_min_, self.y_max_)

    def __getitem__(self, step):
        return Pipeline(self.steps, memory=self.memory, verbose=self.verbose)[step]

# ===== 4. The wrapper: train, evaluate, compare =============================================================
N_FOLDS, N_SEARCH_FOLDS, N_CANDIDATES = 5, 3, 12  # at random: better than a grid (Bergstra & Bengio, 2012)
METRICS = {"RMSE": root_mean_squared_error, "MAE": mean_absolute_error, "R2": r2_score}

def rating_metrics(y_true, y_pred):
    """Return how far predictions are off: RMSE and MAE in stars, R2 as the share of variance explained."""
    y_true, y_pred = (_check_ratings(np.atleast_1d(y_true), y) for y in (y_true, y_pred))
    return {name: float(metric(y_true, y_pred)) for name, metric in METRICS.items()}

class SklearnEcosystemPipeline(_OnTables, RegressorMixin, BaseEstimator):
    """From a table of ratings to one deployable artifact: features, training, evaluation, lists, saving.

    A scikit-learn regressor; ``with joblib.parallel_config("threading", n_jobs=-1):`` it uses all cores.

    Parameters
    ----------
    model : name of a row of `MODELS`, or any regressor, default="forest"
        A regressor of your own gets the features of its type's row, or else the forest's; it keeps its seed.
    select : a step between scaling and model, such as ``SelectKBest(f_regression, k=8)``, default=None
    random_state : int, default=42, for folds, features, models, searches: a seed gives the same figures
    verbose : whether `train` and `save_pipeline` print what they do, default=False

    Attributes
    ----------
    pipeline, cv_scores, best_params : None before training, or if the last training did not compute it
        The fitted `RatingPipeline`; the RMSE of every fold in stars, shape (5,); the choice of the search.

    Examples
    --------
    >>> table = MovieRecommendationDataset(n_users=100, n_movies=50, n_ratings=1000).generate()
    >>> recommender = SklearnEcosystemPipeline(model="linear").fit(table[:800])
    >>> metrics, predictions = recommender.evaluate(table[800:])
    >>> list(metrics), predictions.shape
    (['RMSE', 'MAE', 'R2'], (200,))"""
    pipeline = property(lambda self: getattr(self, "pipeline_", None))
    cv_scores = property(lambda self: getattr(self, "cv_scores_", None))
    best_params = property(lambda self: getattr(self, "best_params_", None))

    def __init__(self, *, model="forest", select=None, random_state=42, verbose=False):
        self.model, self.select, self.random_state, self.verbose = model, select, random_state, verbose

    def create_features(self, df):
        """Return ``(X, y, transformer, genre_encoder, country_encoder)`` of a table with ratings: a DataFrame
        of shape (n_rows, 13), of which you may train on slices, a Series, and what was fitted."""
        table, ratings = _check_training_table(df)
        transformer = UserMovieFeatureTransformer(random_state=self.random_state)
        X = transformer.set_output(transform="default").fit_transform(table, ratings)
        y = pd.Series(ratings, index=X.index, name=RATING, copy=True)
        return X, y, transformer, transformer.genre_encoder_, transformer.country_encoder_

    def build_pipeline(self):
        """Return an unfitted `RatingPipeline`: features, (drop_ids,) scaler, (select,) model."""
        recipe = _recipe(self.model)
        ids = [] if recipe.get("raw") else [("drop_ids", _NO_IDS)]
        steps = [("features", recipe["features"]), *ids, *recipe["scaling"]]
        select = [("select", self.select)] if self.select is not None else []
        if select and not ids:
            raise ValueError(f"select does not go with model={self.model!r}: it takes raw rows.")
        pipeline = clone(RatingPipeline([*steps, *select, ("model", recipe["regressor"])]))
        for _, step in pipeline.steps[:-1]:
            if hasattr(step, "set_output"):
                step.set_output(transform="default")  # the same for every model, whatever `set_config` says
        ours = ("features__", "model__") if isinstance(self.model, str) else ("features__",)
        seeds = [n for n in pipeline.get_params() if n.startswith(ours) and n.endswith("random_state")]
        return pipeline.set_params(**dict.fromkeys(seeds, self.random_state))

    def train(self, X, y=None, perform_cv=True, tune_hyperparameters=False):
        """Train on raw or engineered rows, and tell by cross-validation (CV) how well. Return the pipeline.
        `y`: stars, (n_rows,); None: X's column `rating`. `perform_cv`: compute `cv_scores`, in five folds.
        `tune_hyperparameters`: first try 12 random candidates in 3 folds (`cv_scores` are too good then)."""
        X, ratings = _check_training_table(X, y)
        self._say("Building pipeline...")
        pipeline, cv_scores, best_params = self.build_pipeline(), None, None
        if tune_hyperparameters:
            best_params = self._search(pipeline, X, ratings)
            pipeline.set_params(**best_params)
        if perform_cv:
            self._say("Performing cross-validation...")
            how = {"verbose": self._progress() if len(X) > 200_000 else 0}  # else it is done in a moment
            cv_scores = _cross_validate(pipeline, X, ratings, self.random_state, **how)["RMSE"].to_numpy()
            self._say(f"CV RMSE: {cv_scores.mean():.4f} (+/- {cv_scores.std():.4f})")
        pipeline.fit(X, ratings)
        titled = X.reindex(columns=["movie_id", "title"]).dropna().drop_duplicates("movie_id", keep="last")
        inputs = [name for name in X if name in {*TABLE_COLUMNS, *FEATURES} - {RATING}]
        vars(self).update(  # all has been computed; nothing is left of the last training
            pipeline_=pipeline, model_=str(self.model), cv_scores_=cv_scores, best_params_=best_params,
            ranker_=MovieRanker()._remember(X, ratings), test_scores_=None, ranking_scores_=None,
            titles_=dict(titled.to_numpy(dtype=object)), signature_={n: str(X[n].dtype) for n in inputs})
        validate_data(self, X, skip_check_array=True)  # records the names of the columns
        self._say("✓ Training complete")
        return pipeline

    def fit(self, X, y=None):
        """Train without cross-validation; X and y as in `train`."""
        self.train(X, y, perform_cv=False)
        return self

    def predict(self, X):
        """Return predicted ratings in stars, (n_rows,), for rows with at least `user_id` and `movie_id`."""
        check_is_fitted(self, "pipeline_")
        return self.pipeline_.predict(X)

    def evaluate(self, X_test, y_test=None):
        """Return ``(metrics, predictions)``: the dict of `rating_metrics`, and an array of shape (n_rows,).
        A warning tells of test pairs that the model was trained on: the figures are too good then."""
        predictions = self.predict(X_test)
        metrics = rating_metrics(_check_ratings(X_test, y_test), predictions)
        if trained_on := self.ranker_._rated(*_check_table(X_test)).sum():
            warnings.warn(f"{trained_on} test rows are of pairs that the model was trained on.", stacklevel=2)
        self.test_scores_ = {"rows": len(predictions)} | metrics
        return metrics, predictions

    def evaluate_ranking(self, X_test, y_test=None, k=10, relevant_from=4.0, by="taste"):
        """Return the `ranking_metrics` of lists of `MovieRanker`, which serves every `model`: all movies of
        the training but those that the user rated there. `by`: "taste", "popularity", "chance" (a draw)."""
        if by not in ("taste", "popularity", "chance"):
            raise ValueError(f"by must be 'taste', 'popularity' or 'chance', got {by!r}.")
        check_is_fitted(self, "pipeline_")
        k, relevant = _check_number("k", k, 1, True), _relevant(X_test, y_test, relevant_from)
        users = np.unique(relevant["user_id"])
        figures = ranking_metrics(self.ranker._lists(users, k, by), relevant, None, k, relevant_from)
        if by == "taste":
            self.ranking_scores_ = {"users": len(users), "relevant_from": float(relevant_from)} | figures
        return figures

    def recommend(self, user_id=None, n=10, *, ratings=None):
        """Return the `n` best movies that were not rated (fewer if fewer are left), best first, for a user of
        the training, or for somebody new, whose `ratings` are a dict {movie_id: stars} (nothing is trained
        again; an unknown movie gives a warning; {}: popular movies). Returns a DataFrame: `movie_id`, `title`
        where known, `score` (of the ranking), `predicted_rating` (stars; only "factors" uses `ratings`)."""
        return _recommend(self, user_id, n, ratings)

    @property
    def ranker(self):
        """The `MovieRanker` of the training rows, fitted when it is first asked for."""
        check_is_fitted(self, "pipeline_")
        return self.ranker_ if hasattr(self.ranker_, "diagonal_") else self.ranker_._solve()

    def save_pipeline(self, filepath="production_pipeline.pkl"):
        """Save this object, and a model card at `filepath` + ".json" (section 5). Return `filepath`. A name
        that ends in ".skops": no pickle, but a file that runs no code when it is loaded (`TRUSTED`)."""
        check_is_fitted(self, "pipeline_")
        _save(self, filepath)
        self._say(f"Pipeline saved to {filepath}")
        return filepath

    @staticmethod
    def load_pipeline(filepath="production_pipeline.pkl"):
        """Return the object that `save_pipeline` saved, if it is whole and predicts as it did. A pickle runs
        code: load only what you trust (the digest catches damage, no attacker). ValueError: it is damaged or
        no pipeline. UserWarning: no digest, another scikit-learn version, the card of another artifact."""
        return _load(filepath)

    def set_params(self, **params):
        """Set parameters of this object; those of a regressor of your own are reached as ``model__NAME``."""
        nested = [name for name in params if name.startswith("model__")]
        if nested and isinstance(params.get("model", self.model), str):
            where = f"search or set {nested[0]!r} on build_pipeline(), which has all parameters"
            raise ValueError(f"model={self.model!r} is only a name: {where}.")
        return super().set_params(**params)

    def _search(self, pipeline, X, ratings):
        space, folds = _recipe(self.model).get("search"), _folds(N_SEARCH_FOLDS, self.random_state)
        if space is None:
            raise ValueError(f"tune_hyperparameters=True: {self.model!r} has no search space in MODELS.")
        self._say(f"Searching: {N_CANDIDATES} candidates in {N_SEARCH_FOLDS} folds...")
        search = RandomizedSearchCV(
            pipeline, space, n_iter=N_CANDIDATES, cv=folds, scoring="neg_root_mean_squared_error",
            refit=False, random_state=self.random_state, verbose=self._progress(), error_score="raise")
        with contextlib.redirect_stdout(sys.stderr if search.verbose else sys.stdout):
            search.fit(X, ratings)
        self._say(f"Best: {search.best_params_}")
        return search.best_params_

    def _say(self, line):
        if self.verbose:
            say(line)

    def _progress(self):  # scikit-learn tells how its work moves, where somebody looks
        return 2 if self.verbose and sys.stderr and sys.stderr.isatty() else 0

    def _sk_visual_block_(self):  # scikit-learn's HTML diagram then shows the steps of the pipeline
        return (self.pipeline or self.build_pipeline())._sk_visual_block_()

def _folds(n_folds, random_state):
    return KFold(n_folds, shuffle=True, random_state=random_state)  # shuffled: real tables are sorted by user

def _cross_validate(pipeline, X, ratings, random_state, verbose=0, **how):
    how |= {"scoring": {name: make_scorer(metric) for name, metric in METRICS.items()}, "verbose": verbose}
    how |= {"cv": _folds(N_FOLDS, random_state), "error_score": "raise"}
    with contextlib.redirect_stdout(sys.stderr if verbose else sys.stdout):
        found = cross_validate(pipeline, X, ratings, **how)
    return pd.DataFrame({name: found[f"test_{name}"] for name in METRICS} | {
        "fit_s": found["fit_time"], "predict_s": found["score_time"]}, range(1, N_FOLDS + 1))

def compare_models(X, y=None, *, random_state=42, verbose=False):
    """Cross-validate all models, the mean and section 2's two lines on the same folds; X, y as in `train`.
    Returns a DataFrame by model: means of `RMSE`, `MAE` (stars), `R2`, `fit_s`, `predict_s` (seconds),
    standard deviations (`RMSE_std` ...), folds (`RMSE_1` ...). A fold is easy or hard for all, so compare
    fold by fold: `to_best`, `to_best_se`, the mean difference in RMSE to the best and its standard error."""
    X, ratings = _check_training_table(X, y)
    since_1_9 = TargetEncoder().shuffle == "deprecated"  # how its folds are seeded has changed
    seeded = {"cv": _folds(N_FOLDS, random_state)} if since_1_9 else {"random_state": random_state}
    encoder = ColumnTransformer([("ids", TargetEncoder(target_type="continuous", **seeded), IDS)])
    candidates, found = {"mean": DummyRegressor(), "two lines": make_pipeline(encoder, Ridge())}, {}
    for name in MODELS:
        candidates[name] = SklearnEcosystemPipeline(model=name, random_state=random_state).build_pipeline()
    for name, candidate in candidates.items():  # n_jobs=1: else the times are not those of one fit
        found[name] = _cross_validate(candidate, X, ratings, random_state, n_jobs=1)
        if verbose:
            say(f"  {name}: RMSE {found[name]['RMSE'].mean():.4f}")
    figures = pd.concat(found, names=["model", "fold"])
    folds = figures["RMSE"].unstack("fold").loc[list(found)].add_prefix("RMSE_")  # (n_models, n_folds)
    to_best = folds - folds.loc[folds.mean(axis=1).idxmin()]
    by_model = figures.groupby("model", sort=False)
    table = by_model.mean().join(by_model.std(ddof=0).add_suffix("_std")).join(folds)
    return table.assign(to_best=to_best.mean(axis=1), to_best_se=to_best.sem(axis=1))

# ===== 5. The artifact: what travels with a model ===========================================================
# Another process, on another day, must get the same answers out of a model, or be told why not. A pickle
# alone does not do that. It gets a *digest*, the SHA-256 of its bytes, which tells whether it is whole, and a
# *model card*, a JSON file beside it, with the versions that made it and an example to check.
VERSION_MARK, DIGEST_MARK = b"\nscikit-learn:", b"\nsha256:"
#: The types that skops may make of a file, beside those it knows. For a regressor of your own, add its types.
TRUSTED = [f"lesson_code.{name}" for name in ("MatrixFactorization", "MovieRanker", "RatingPipeline",
           "SklearnEcosystemPipeline", "UserMovieFeatureTransformer")]
TRUSTED += ["scipy.sparse._csr.csr_matrix", "sklearn.tree._tree.Tree", "sklearn.utils._bunch.Bunch",
            "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]

def _save(recommender, filepath):
    path = _check_artifact_path(filepath)
    recommender.ranker  # noqa: B018  fitted now, so that the artifact can recommend at once
    try:
        card = _model_card(recommender, path.name)
    except Exception as error:  # of a feature of your own
        raise ValueError(f"Cannot save: the model cannot predict from the ids alone: {error}") from error
    card["sha256"] = _write_atomically(path, recommender, _format(filepath)[0])
    card = json.loads(json.dumps(card, default=str), parse_constant=lambda nan: None)  # no NaN
    _write_atomically(Path(f"{path}.json"), json.dumps(card, indent=2).encode())

def _load(filepath):  # digest and card are read before the pickle is loaded, which runs code
    path = Path(os.path.realpath(filepath))
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {filepath}; save_pipeline (or --output) writes it.")
    content = path.read_bytes()
    digest, made_with = _check_digest(content, path)
    card = _read_card(Path(f"{path}.json"), digest)
    made_with = card["versions"]["scikit-learn"] if card else made_with
    other_version = made_with not in (None, sklearn.__version__)
    versions = f"made with scikit-learn {made_with}, but this is {sklearn.__version__}: train it again"
    stream, (_, load) = io.BytesIO(content), _format(filepath)
    try:
        with warnings.catch_warnings():
            if other_version:  # below, one sentence says what scikit-learn says for every estimator
                warnings.simplefilter("ignore", sklearn.exceptions.InconsistentVersionWarning)
            recommender = load(stream)
    except Exception as error:  # damaged bytes, and those of another version, can raise anything
        what = "damaged or no saved pipeline" if digest is None else "whole, but cannot be loaded here"
        what = f"whole, but cannot be loaded: it was {versions}" if other_version else what
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"{path} is {what}: {reason}") from error
    rest = stream.read() if load is joblib.load else b""  # skops reads from the end
    if digest is None and rest and not re.fullmatch(VERSION_MARK + rb"\d+\.\d+\.\d\w*", rest):
        raise ValueError(f"{path} is damaged: something other than a digest follows the pickle.")
    if not hasattr(recommender, "predict"):
        raise ValueError(f"{path} holds no pipeline, but an object of type {type(recommender).__name__}.")
    if other_version:
        warnings.warn(f"{filepath} was {versions}.", stacklevel=3)
    if card is None:
        return recommender
    try:
        now = float(recommender.predict(pd.DataFrame([card["example"]["input"]])[IDS])[0])
    except Exception as error:  # an object of another version may lack anything
        raise ValueError(f"{path} cannot predict: it was {versions}.") from error
    then = card["example"]["prediction"]
    if abs(now - then) > 1e-6:  # stars; another processor may differ in the last digits
        raise ValueError(f"{path} predicts {now} for the model card's example; when saved, {then}.")
    return recommender

def _format(filepath):  # what writes, and what reads: a pickle, or skops, which runs no code of the file
    if not str(filepath).lower().endswith(".skops"):
        return joblib.dump, joblib.load
    try:
        import skops.io
    except ModuleNotFoundError:
        raise ImportError(f"{filepath} needs skops, which is not here: pip install skops") from None
    def load(stream):
        return skops.io.load(stream, trusted=TRUSTED)
    def dump(recommender, file):
        content = skops.io.dumps(recommender)
        load(io.BytesIO(content))  # a type that is not trusted is refused now, and not when it is needed
        file.write(content)
    return dump, load

def _write_atomically(path, content, dump=None):  # beside it, then renamed; return the digest
    sha256 = hashlib.sha256()
    temporary = path.with_name(f".{os.urandom(16).hex()}.tmp")  # nobody can guess it, no two savers share it
    mode = path.stat().st_mode & 0o777 if (is_old := path.exists()) else 0o666
    try:  # "x": never through a file or a link that is already there
        with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            def write(data):  # hashed on the way: nothing is read again
                sha256.update(data)
                return file.write(data)
            if dump is None:
                write(content)
            else:
                dump(content, SimpleNamespace(write=write, tell=file.tell))
                write(VERSION_MARK + sklearn.__version__.encode())
                file.write(DIGEST_MARK + sha256.hexdigest().encode())
            file.flush()
            os.fsync(file.fileno())
        if is_old:  # of a new one, the umask took its share
            os.chmod(temporary, mode)
        os.replace(temporary, path)
    except OSError as error:
        raise type(error)(f"Cannot write {path}: {error.strerror or error}.") from error
    except Exception as error:  # a lambda, a class inside a function, a type that skops does not trust
        raise ValueError(f"Cannot save what cannot be pickled, or is not in TRUSTED: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return sha256.hexdigest()

def _model_card(recommender, name):
    pipeline, cv_scores, ranker = recommender.pipeline_, recommender.cv_scores_, recommender.ranker_
    example = {"user_id": ranker.new_user_, "movie_id": int(ranker.movies_[0])}  # no person of the training
    modules = {"numpy": np, "pandas": pd, "scikit-learn": sklearn, "joblib": joblib}
    return {
        "artifact": name, "sha256": None, "created": pd.Timestamp.now("UTC").isoformat(timespec="seconds"),
        "versions": {"python": sys.version.split()[0]} | {n: m.__version__ for n, m in modules.items()},
        "model": recommender.model_, "input": recommender.signature_, "input_required": IDS,
        "output": "float64, stars", "rating_scale": [pipeline.y_min_, pipeline.y_max_],
        "training_rows": ranker.interactions_.nnz, "best_params": recommender.best_params_,
        "parameters": {name: repr(value) for name, value in pipeline.get_params().items() if "__" in name},
        "scores": {"cv_rmse": cv_scores if cv_scores is None else cv_scores.tolist(),
                   "test": recommender.test_scores_, "ranking": recommender.ranking_scores_},
        "example": {"input": example, "prediction": float(recommender.predict(pd.DataFrame([example]))[0])}}

# ===== 6. The demo: seven steps, from nothing to a deployed recommender =====================================
ARTIFACT = "production_pipeline.pkl"
TAKEAWAYS = """Key Takeaways:
✓ Custom transformers extend sklearn seamlessly
✓ Pipelines bundle preprocessing + modeling atomically
✓ Cross-validation ensures generalization
✓ Serialization enables production deployment
✓ Consistent API across all components"""

def demonstrate_ecosystem(data=None, *, n_users=1000, n_movies=500, n_ratings=50_000, random_state=42,
                          model="forest", tune=False, output=ARTIFACT):
    """Run the lesson in seven steps, print what happens, return a dict. `data`: a table of ratings; None: a
    synthetic one of the three sizes. `random_state` seeds all; `output`: the artifact's path. In the dict:
    `pipeline`, the `SklearnEcosystemPipeline`; `metrics`, its test scores; `data`, (X_train, X_test, y_train,
    y_test); the RMSE of always answering the mean, `baseline_rmse`, of the model with averages from before
    the split, `fragile_rmse`, of the best predictor, `noise_floor`; `ranking`. What is not there is None."""
    dataset = MovieRecommendationDataset(n_users, n_movies, n_ratings, random_state)
    dataset.check()  # refuse before anything is printed
    _check_artifact_path(output)
    say(f"{'=' * 60}\nScikit-learn Ecosystem: Production ML Pipeline Demo\n{'=' * 60}")
    say(f"Step 1: {'Generating' if data is None else 'Reading'} movie rating dataset...")
    data, dataset = (dataset.generate(), dataset) if data is None else (_check_training_table(data)[0], None)
    y = data[RATING].astype(np.float64)
    say(f"✓ Dataset created: {len(data)} ratings from {data['user_id'].nunique()} users")
    say(f"  Rating range: {y.min()} - {y.max()}\n  Average rating: {y.mean():.2f}")
    say("Step 2: Engineering features...")
    recommender = SklearnEcosystemPipeline(model=model, random_state=random_state, verbose=True)
    X = recommender.create_features(data)[0]
    say(f"✓ Features created: {X.shape[1]} features from {len(X)} samples")
    say(f"  Feature columns: {list(X.columns[:5])}...")
    for who, did in (("user", "gave"), ("movie", "got")):
        one, n, mean = X.iloc[0][[f"{who}_id", f"{who}_rating_count", f"{who}_avg_rating"]]
        say(f"  First sample: {who} {one:.0f} {did} {n:.0f} ratings, average of the other folds {mean:.2f}")
    say("  (These are to look at. Training takes raw rows, and makes its features from those alone.)")
    say("Step 3: Splitting data...")
    split = train_test_split(data.drop(columns=RATING), y, test_size=0.2, random_state=random_state)
    X_train, X_test, y_train, y_test = split
    say(f"✓ Train set: {len(X_train)} samples\n  Test set: {len(X_test)} samples")
    say("Step 4: Training pipeline with cross-validation...")
    recommender.train(X_train, y_train, tune_hyperparameters=tune)
    say("Step 5: Evaluating on test set...\nTest Set Performance:")
    errors = _show_errors(recommender, data, split, dataset)
    ranking = _show_lists(recommender, data, X_test, y_test)
    say("Step 6: Saving pipeline for production deployment...")
    recommender.save_pipeline(output)
    say(f"✓ Pipeline serialized to {output}")
    say("Step 7: Simulating production inference...\nSample predictions:")
    predicted = SklearnEcosystemPipeline.load_pipeline(output).predict(X_test.head(5))
    for user, movie, stars, given in zip(X_test["user_id"], X_test["movie_id"], predicted, y_test):
        say(f"  User {user}, Movie {movie}: Predicted {stars:.2f}, Actual {given:.2f}")
    say("  (A prediction is the expected rating. Single ratings scatter around it; some are far off.)")
    say(f"{'=' * 60}\nEcosystem Demonstration Complete!\n{'=' * 60}\n{TAKEAWAYS}")
    return {"pipeline": recommender, "data": split, "ranking": ranking} | errors

def _show_errors(recommender, data, split, dataset):
    """Put the model's error between that of knowing nothing and that of knowing the law, and beside a lie."""
    X_train, X_test, y_train, y_test = split
    metrics, predictions = recommender.evaluate(X_test, y_test)
    rmse, baseline = metrics["RMSE"], rating_metrics(y_test, np.full(len(y_test), y_train.mean()))["RMSE"]
    error = ((y_test - predictions) ** 2).sem() / (2 * rmse)  # the standard error of a root: delta method
    say(f"  RMSE: {rmse:.4f}\n    {baseline:.4f}  always answering the mean rating")
    say(f"    {rmse:.4f}  this model (± {error:.4f}, the standard error with {len(y_test)} test rows)")
    floor = fragile = None
    if dataset is not None:
        floor, luck = dataset.best_rmse(X_test), rating_metrics(y_test, dataset.true_expected_[y_test.index])
        say(f"    {floor:.4f}  the noise floor: expected of a perfect predictor"
            f" ({luck['RMSE']:.4f} on these rows, by luck)")
    say(f"  MAE: {metrics['MAE']:.4f}\n  R2: {metrics['R2']:.4f}")
    if "drop_ids" in recommender.pipeline.named_steps:  # a model that reads only ids reads no average
        pipeline = clone(recommender.pipeline)  # with the settings that were trained, tuned or not
        transformer = pipeline["features"].fit(data)
        model = pipeline[1:].fit(transformer.transform(X_train), y_train)
        fragile = rating_metrics(y_test, model.predict(transformer.transform(X_test)))["RMSE"]
        too_good = ", and no honest model gets below the noise floor" if floor and fragile < floor else ""
        say(f"  The fragile way, with averages computed before the split: RMSE {fragile:.4f}."
            f" Do not believe it:\n    these averages contain the ratings of the test rows{too_good}.")
    return {"metrics": metrics, "baseline_rmse": baseline, "noise_floor": floor, "fragile_rmse": fragile}

def _show_lists(recommender, data, X_test, y_test):
    try:
        taste, popular, chance = (
            recommender.evaluate_ranking(X_test, y_test, by=way) for way in ("taste", "popularity", "chance"))
    except ValueError as error:  # nothing relevant
        say(f"  No lists are scored: {error}")
        return None
    relevant = X_test.loc[y_test >= 4.0, "user_id"].value_counts()
    say("  Lists of 10 movies by MovieRanker. A test movie with 4 stars or more should be among them:")
    for name, value in taste.items():
        limit = f", at most {relevant.clip(upper=10).mean() / 10:.4f}" if name == "Precision@10" else ""
        say(f"  {name}: {value:.4f}\n"
            f"    (by popularity {popular[name]:.4f}, by chance {chance[name]:.4f}{limit})")
    n_all, n_tested, n_listed = data["user_id"].nunique(), X_test["user_id"].nunique(), len(relevant)
    say(f"  Users: {n_all} = {n_listed} with a list + {n_tested - n_listed} without a relevant test movie"
        f" + {n_all - n_tested} without a test row")
    return taste

# ===== 7. Recommenders: factors, rankings, their metrics ====================================================
# The 13 features know a user by an average: they cannot tell one taste from another. Two models can.
# `MatrixFactorization` fills the gaps of the table: how many stars would it be? `MovieRanker` makes lists:
# what to watch next? That is another question: a list is chosen from many movies the user would never rate.

class MatrixFactorization(_OnTables, RegressorMixin, TransformerMixin, BaseEstimator):
    """Biased matrix factorization: a rating is a mean, two biases, and how well a taste fits a movie::

        rating[u, m] = mean + user_bias[u] + movie_bias[m] + user_factors[u] . movie_factors[m]

    Some movie factors are given: the genres over the root of their number, the year, the strongest patterns
    of who rates what (singular vectors of the table of 0 and 1). The others are free. By alternating least
    squares (Yu et al., ICDM 2012) the users' side p of a factor is a ridge regression, on the movies' side q,
    of the residuals r that all else leaves over; a free factor is then fitted the other way round, too::

        p[u] = sum over u's movies of  w[u] q[m] r[u, m] / (regularization + sum of w[u] (q[m]^2 + var q[m]))

    A free q is only an estimate: its variance is added to its square (Lim & Teh, 2007). Users whose ratings
    scatter widely have a smaller weight w. What is unknown has bias and factors 0, but for genres and year.

    Parameters
    ----------
    n_factors, n_patterns, content : default=8, 8, True
        The numbers of free factors and of patterns; whether to use `genre` and `movie_year`.
    regularization, damping, n_sweeps, cv, random_state : default=6.0, 3.0, 5, 5, 0
        The ridge penalties on factors and on biases (in ratings); passes; folds of `fit_transform`; the seed.

    Attributes
    ----------
    users_, movies_, user_bias_, movie_bias_, user_factors_, movie_factors_, global_mean_ : ndarray, float
        The ids, sorted; in their order biases in stars, (n_users,), and factors, (n_users, n)."""
    def __init__(self, n_factors=8, n_patterns=8, content=True, regularization=6.0, damping=3.0, n_sweeps=5,
                 cv=5, random_state=0):
        self.n_factors, self.n_patterns, self.content = n_factors, n_patterns, content
        self.regularization, self.damping, self.n_sweeps = regularization, damping, n_sweeps
        self.cv, self.random_state = cv, random_state

    def fit(self, X, y=None):
        """Fit on ratings; X and y as in `UserMovieFeatureTransformer.fit`."""
        limits = {"n_factors": 0, "n_patterns": 0, "n_sweeps": 1, "regularization": 1e-9, "damping": 0}
        for name, least in limits.items():
            _check_number(name, getattr(self, name), least, integer=name.startswith("n_"))
        rng = check_random_state(self.random_state)
        users, movies, ratings, described = _interactions(X, y)
        free = rng.standard_normal((self.n_factors, movies.size))
        content = _fit_content(described) if self.content else None
        given = _content(described, *content).T if self.content else np.zeros((0, movies.size))
        rated = _like(ratings, np.ones(ratings.nnz))
        n_patterns = min(self.n_patterns, *rated.shape)
        if n_patterns:
            U, s, _ = randomized_svd(rated.T, n_patterns, random_state=rng)
            given = np.vstack([given, (U * s).T / np.linalg.norm(U * s, axis=1).max()])
        validate_data(self, X, skip_check_array=True)
        self.users_, self.movies_, self.content_ = users, movies, content
        self.y_min_, self.y_max_, self.global_mean_ = (f(ratings.data) for f in (np.min, np.max, np.mean))
        ratings.data -= self.global_mean_
        self._alternate(rated, ratings, given, free)
        return self

    def predict(self, X):
        """Return predicted ratings in stars, shape (n_rows,), within the scale of the training."""
        return np.clip(np.asarray(self.transform(X)).ravel(), self.y_min_, self.y_max_)

    def fit_transform(self, X, y=None):
        """Fit on all rows, and return estimates in which every row comes from a fit on the other folds."""
        counts = _latest_of_pair(X, warn=False)  # older ratings count in no fold
        ratings, estimate = _check_ratings(X, y), np.empty((len(X), 1))
        for others, rows in _folds(self.cv, self.random_state).split(X):
            others = others[counts[others]]
            estimate[rows] = clone(self).fit(X.iloc[others], ratings[others]).transform(X.iloc[rows])
        self.fit(X, y)
        return estimate

    def transform(self, X):
        """Return the estimate as a feature, in stars and not kept to the scale: shape (n_rows, 1)."""
        check_is_fitted(self)
        user, movie = map(_positions, (self.users_, self.movies_), _check_table(X))
        estimate = self.global_mean_ + _lookup(self.user_bias_, user, 0) + _lookup(self.movie_bias_, movie, 0)
        for user_side, movie_side in zip(self.user_factors_.T, self.movie_factors_.T):
            estimate += _lookup(user_side, user, 0) * _lookup(movie_side, movie, 0)
        new = np.flatnonzero((movie < 0) & (user >= 0))
        if self.content_ and new.size:
            told = _content(X.iloc[new], *self.content_)  # the first factors of a movie never seen
            estimate[new] += (self.user_factors_[user[new], : told.shape[1]] * told).sum(axis=1)
        return estimate[:, None]

    def get_feature_names_out(self, input_features=None):
        """Return the name of the feature."""
        return np.array(["factor_rating" if self.content else "factor_rating_of_ids"], dtype=object)

    def predict_new(self, rated, stars, movie_ids):
        """Return the stars for `movie_ids`, (n,), of somebody new, who gave `stars` to the movies `rated`."""
        check_is_fitted(self)
        rated, movie_ids = _ids(pd.Series(rated, name="rated")), _ids(pd.Series(movie_ids, name="movie_ids"))
        position, movie = _positions(self.movies_, rated), _positions(self.movies_, movie_ids)
        known, stars = position[position >= 0], _check_ratings(rated, stars)[position >= 0]
        sides = np.column_stack([np.ones(known.size), self.movie_factors_[known]])  # of the bias, the factors
        penalty = np.diag([self.damping] + [self.regularization] * self.movie_factors_.shape[1])
        residuals = stars - self.global_mean_ - self.movie_bias_[known]
        newcomer = np.linalg.lstsq(sides.T @ sides + penalty, sides.T @ residuals, rcond=None)[0]
        fit = _lookup(self.movie_bias_ + self.movie_factors_ @ newcomer[1:], movie, 0)
        return np.clip(self.global_mean_ + newcomer[0] + fit, self.y_min_, self.y_max_)

    def _alternate(self, rated, residuals, given, free):
        """Fit biases and factors. A bias is a factor, too: its other side is 1. First come the two biases."""
        n_users, n_movies = rated.shape
        Q = np.vstack([np.zeros(n_movies), np.ones(n_movies), given, free])  # the movies' side
        P, P_var = np.zeros((2, len(Q), n_users))  # the users' side, and its variance
        P[0], Q_var, first_free = 1, np.zeros_like(Q), 2 + len(given)
        weight, count = np.ones(n_users), np.diff(rated.indptr)
        for sweep in range(1 + self.n_sweeps):
            squares = np.add.reduceat(residuals.data**2, rated.indptr[:-1])  # of every user
            if sweep == 1:  # the biases are known. Users whose residuals scatter count less: 1 / spread
                mean = max(squares.sum() / rated.nnz, 1e-12)
                weight = 1 / np.sqrt(_damped_mean(squares, count, mean, max(self.damping, 1)))
                weight /= np.average(weight, weights=count)  # 1 on average over the rows
            noise = weight @ squares / rated.nnz  # variance at weight 1
            for k in range(len(Q) if sweep else 2):
                penalty = self.damping if k < 2 else self.regularization
                if sweep > 1 or k < 2:  # before, this side is 0
                    residuals.data += np.repeat(P[k], count) * Q[k][rated.indices]
                for _ in range(1 if k < first_free else 2):
                    if k > 0:
                        below = penalty / weight + rated @ (Q[k] ** 2 + Q_var[k])
                        P[k], P_var[k] = residuals @ Q[k] / below, 1 / below * noise / weight
                    if k == 0 or k >= first_free:
                        below = penalty + rated.T @ (weight * (P[k] ** 2 + P_var[k]))
                        Q[k], Q_var[k] = residuals.T @ (weight * P[k]) / below, 1 / below * noise
                residuals.data -= np.repeat(P[k], count) * Q[k][rated.indices]
        self.movie_bias_, self.user_bias_ = Q[0].copy(), P[1].copy()
        self.user_factors_, self.movie_factors_ = P[2:].T.copy(), Q[2:].T.copy()

def _like(table, values):  # a sparse table with other values in the same places
    return sparse.csr_matrix((values, table.indices, table.indptr), table.shape)

def _interactions(X, y):  # users, movies (ids), the sparse table of stars, and one row of X for each movie
    (user, users), (movie, movies) = (pd.factorize(ids, sort=True) for ids in _check_table(X))
    ratings, counts = _check_ratings(X, y), np.flatnonzero(_latest_of_pair(X, user, movie))
    rows = sparse.csr_matrix((counts, (user[counts], movie[counts])), (users.size, movies.size))  # sorted
    last = np.empty(movies.size, dtype=np.int64)
    last[rows.indices] = rows.data
    return users, movies, _like(rows, ratings[rows.data]), X.iloc[last]

def _fit_content(described):
    # A "word" is what stands between bars. Normalised, each of n genres is 1 / root of n.
    words = TfidfVectorizer(token_pattern=r"[^|]+", lowercase=False, binary=True, use_idf=False,
                            max_features=100)  # a title for a genre would make thousands of columns
    words.fit([*_factorize(described, "genre")[1], "none"])
    return words, float(pd.Series(_numbers(described, "movie_year")).mean())

def _content(X, words, mean_year):  # of each row's movie: a column for each genre, and one for the year
    number, strings = _factorize(X, "genre")
    genres = words.transform([*strings, ""]).toarray()  # the last row, no genre, is for number -1
    year = (_numbers(X, "movie_year") - mean_year) / 50
    return np.column_stack([genres[number], np.nan_to_num(year)])

MAX_GRAM_BYTES = 4 * 2**30  # of the matrix that `MovieRanker` inverts, its inverse, and what is in between
N_STRONGEST, SVD_WORK = 400, 3.2e9  # singular vectors kept; the limit of vectors times ratings, for the time
SCORES_AT_ONCE, KIND_WEIGHT = 2**22, 4.0  # scores in memory, 32 MB; the weight of an imaginary user

class MovieRanker(_OnTables, BaseEstimator):
    """Top-N: the movies somebody should see next, from who rated what and how well.

    Every movie is regressed on all the others: a ridge regression with a zero diagonal, so that no movie
    explains itself (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019). In two lines, with
    X a dense table of users and movies that holds stars in units of their root mean square::

        P = np.linalg.inv(X.T @ X + regularization * np.eye(n_movies))
        scores = X - X @ P / np.diag(P)     # X @ B, where B is -P / np.diag(P) with a zero diagonal

    For each genre and decade, X has one row more: an imaginary user who has watched all movies of that kind.
    With fewer users than movies, P comes out of the inverse of ``X @ X.T + regularization``, which has the
    size of the users: ``regularization * P = I - X.T @ inverse @ X`` (Woodbury). Where both are too large for
    memory, the strongest singular vectors V of X stand for X.T, and all weaker ones count alike.

    Parameters
    ----------
    regularization : float or "auto", default="auto"
        The ridge penalty; large: popular lists. "auto": the root of the number of ratings, at least 300.

    Attributes
    ----------
    users_, movies_, popularity_, interactions_, stars_, unit_ : ndarray, csr_matrix, float
        The ids, sorted; the share of users who rated a movie; who rated what, (n_users + 1, n_movies), as
        positions in the different `stars_`; the root mean square of all ratings, in stars."""
    def __init__(self, regularization="auto"):
        self.regularization = regularization

    def fit(self, X, y=None):
        """Learn from ratings; X and y as in `UserMovieFeatureTransformer.fit`."""
        return self._remember(X, y)._solve()

    def recommend(self, user_ids, n=10):
        """Return the `n` best movies that each of the `user_ids` has not rated in training: a DataFrame of
        `user_id` (in the order asked for), `rank` (from 1), `movie_id`, `score`; of equal scores, the lower
        id is first. An unknown user gets the most popular movies, with a warning."""
        check_is_fitted(self, "diagonal_")
        user_ids = _ids(pd.Series(np.atleast_1d(user_ids), name="user_ids"))
        if unknown := len(np.setdiff1d(user_ids, self.users_)):
            warnings.warn(f"{unknown} of the users are unknown: they get popular movies.", stacklevel=2)
        return self._lists(user_ids, n)

    def recommend_new(self, ratings, n=10):
        """Return the same for new users from `ratings`: `user_id`, `movie_id`, `rating` in stars. Nothing is
        fitted again. Unknown movies are passed over; without any known one, popular ones come."""
        check_is_fitted(self, "diagonal_")
        users, movies, table, _ = _interactions(ratings, None)
        position = _positions(self.movies_, movies)
        known, position = table[:, position >= 0], position[position >= 0]
        rows = known.data / self.unit_, position[known.indices], known.indptr
        return self._lists(users, n, rows=sparse.csr_matrix(rows, (users.size, self.movies_.size)))

    def _remember(self, X, y):
        users, movies, ratings, described = _interactions(X, y)
        penalty = max(300.0, np.sqrt(ratings.nnz)) if self.regularization == "auto" else self.regularization
        penalty = _check_number("regularization", penalty, 1e-9)
        codes, stars = pd.factorize(ratings.data, sort=True)
        genres = _content(described, *_fit_content(described))[:, :-1]
        kinds = [genres > 0, pd.get_dummies(_numbers(described, "movie_year") // 10)]
        validate_data(self, X, skip_check_array=True)
        self.users_, self.movies_, self.stars_, self.penalty_ = users, movies, stars, penalty
        self.new_user_ = int(np.setdiff1d(np.arange(1, users.size + 2), users)[0])  # an id that nobody has
        self.interactions_ = _like(ratings, codes.astype(np.min_scalar_type(stars.size)))  # a byte a rating
        self.interactions_.resize(users.size + 1, movies.size)  # the row at -1, of an unknown user, is empty
        self.unit_ = float(np.sqrt(np.mean(ratings.data**2))) or 1.0
        self.popularity_ = np.bincount(ratings.indices) / users.size
        self.kinds_ = sparse.csr_matrix(np.column_stack(kinds).T, dtype=np.float64)  # (n_kinds, n_movies)
        return self

    def _solve(self):
        X = self._table()
        self.by_ = "users" if X.shape[0] <= X.shape[1] else "movies"
        if 3 * 8 * min(X.shape) ** 2 > MAX_GRAM_BYTES:
            self.by_ = "strongest"
            r = min(N_STRONGEST, max(1, int(SVD_WORK / X.nnz)), *X.shape)
            _, s, V = randomized_svd(X, r, n_iter=2, random_state=0)
            self.V_ = np.ascontiguousarray(V.T)  # subtle: in this order, a sparse row times V copies nothing
            self.inverse_ = np.diag((s**2 - s[-1] ** 2) / (s**2 + self.penalty_))  # it stands for the inverse
            self.diagonal_ = 1 - self.V_**2 @ np.diag(self.inverse_)
            return self
        gram = (X @ X.T if self.by_ == "users" else X.T @ X).toarray()
        gram[np.diag_indices_from(gram)] += self.penalty_
        self.inverse_, self.V_ = np.linalg.inv(gram), None
        diagonal = np.diag(self.inverse_).copy()  # of P; by users, of regularization * P: it divides out
        if self.by_ == "users":
            diagonal = np.ones(X.shape[1])
            for part in self._parts(X):
                diagonal -= np.asarray(X[part].multiply(self.inverse_[part] @ X).sum(axis=0)).ravel()
        self.diagonal_ = diagonal  # last: another thread takes it for "fitted"
        return self

    def _table(self):  # X above: stars in units of their root mean square, then the imaginary users
        return sparse.vstack([self._rows(self.users_), KIND_WEIGHT * self.kinds_], format="csr")

    def _rows(self, user_ids):  # of X; that of an unknown user is empty
        rows = self.interactions_[_positions(self.users_, user_ids)]
        return _like(rows, self.stars_[rows.data] / self.unit_)

    def _rated(self, users, movies):
        user, movie = map(_positions, (self.users_, self.movies_), (users, movies))
        rated = _like(self.interactions_, np.ones(self.interactions_.nnz, dtype=bool))
        return (movie >= 0) & np.asarray(rated[user, movie]).ravel()

    def _scores(self, rows):
        stars = rows.toarray()
        if self.by_ == "movies":
            times_P = rows @ self.inverse_
        else:  # up to the factor of the diagonal
            side = self._table().T if self.by_ == "users" else self.V_
            times_P = stars - sparse.csr_matrix(rows @ side).toarray() @ self.inverse_ @ side.T
        scores = stars - times_P / self.diagonal_
        scores[rows.getnnz(axis=1) == 0] = self.popularity_
        return scores

    def _parts(self, rows):  # slices, at least one, whose scores take little memory
        return sklearn.utils.gen_batches(max(1, rows.shape[0]), max(1, SCORES_AT_ONCE // self.movies_.size))

    def _lists(self, user_ids, n, by="taste", rows=None):  # rows: the users' ratings, if they are new
        rows = self._rows(user_ids) if rows is None else rows
        n, lists, rng = _check_number("n", n, 1, integer=True), [], check_random_state(0)
        for part in self._parts(rows):
            seen = rows[part].tocoo()
            scores = self._scores(rows[part]) if by == "taste" else np.zeros(seen.shape) + self.popularity_
            if by == "chance":
                scores = rng.random_sample(seen.shape)
            scores[seen.row, seen.col] = -np.inf
            user, rank, movie, score = _best(scores, n)
            columns = user_ids[part][user], rank, self.movies_[movie], score
            lists.append(pd.DataFrame(dict(zip(["user_id", "rank", "movie_id", "score"], columns))))
        return pd.concat(lists, ignore_index=True)

def _best(scores, n):  # row, rank, column and score of the n best of every row; ties: the first; no -inf
    scores = np.round(scores, 9)  # what differs only in the last digits is equal, whatever the order of sums
    n = min(n, scores.shape[1])
    least = -np.partition(-scores, n - 1, axis=1)[:, n - 1 : n]
    row, column = np.nonzero((scores >= least) & (scores > -np.inf))
    order = np.lexsort((-scores[row, column], row))  # it keeps the order of equal ones
    row, column = row[order], column[order]
    rank = np.arange(row.size) - np.searchsorted(row, row) + 1
    return tuple(values[rank <= n] for values in (row, rank, column, scores[row, column]))

def _relevant(X_test, y_test, relevant_from):  # the ratings whose movies a list should find
    relevant_from = _check_number("relevant_from", relevant_from, -LIMIT)
    table = pd.DataFrame(dict(zip(IDS, _check_table(X_test))) | {RATING: _check_ratings(X_test, y_test)})
    relevant = table[_latest_of_pair(X_test) & (table[RATING] >= relevant_from)]
    if relevant.empty:
        raise ValueError(f"No test rating is {relevant_from} or more: there is nothing relevant to find.")
    return relevant

def ranking_metrics(lists, X_test, y_test, k=10, relevant_from=4.0):
    """Score top-N lists: {"Precision@k", "Recall@k", "NDCG@k"}, means over users with a relevant test movie.
    `lists` is a DataFrame with `user_id`, `rank` (from 1) and `movie_id`. A test movie is relevant if it has
    `relevant_from` stars or more; a ValueError tells that none is. Precision is the share of a list of k that
    is relevant; recall, the share of all relevant test movies that are in it. NDCG counts a hit at rank r as
    1 / log2(r + 1); 1 means that all relevant movies (at most k) come first (Jarvelin, Kekalainen, 2002)."""
    k, relevant = _check_number("k", k, 1, True), _relevant(X_test, y_test, relevant_from)
    _check_table(X_test if isinstance(lists, pd.DataFrame) and lists.empty else lists)  # they may be empty
    rank, is_table = _numbers(lists, "rank"), {*IDS, "rank"} <= set(lists.columns)
    if not is_table or (rank < 1).any() or (rank % 1).any() or (
            lists.drop_duplicates(IDS).duplicated(["user_id", "rank"]).any()):
        raise ValueError(f"lists must be a DataFrame with {[*IDS, 'rank']}; ranks from 1 on, once per user.")
    hits = lists[rank <= k].drop_duplicates(IDS).merge(relevant[IDS], on=IDS)
    hits = hits.assign(hit=1.0, gain=1 / np.log2(_numbers(hits, "rank") + 1))
    n_relevant = relevant.groupby("user_id").size()
    by_user = hits.groupby("user_id")[["hit", "gain"]].sum().reindex(n_relevant.index, fill_value=0.0)
    best = np.cumsum(1 / np.log2(np.arange(2, min(k, n_relevant.max()) + 2)))  # of lists that begin with hits
    figures = {"Precision": by_user["hit"] / k, "Recall": by_user["hit"] / n_relevant,
               "NDCG": by_user["gain"] / best[np.minimum(n_relevant, k) - 1]}
    return {f"{name}@{k}": float(values.mean()) for name, values in figures.items()}

# ----- What the section adds to the lesson: two models, and `recommend`
MODELS["factors"] = {  # it takes raw rows: the ids, and what the movies are
    "raw": True, "features": FunctionTransformer(), "scaling": [("scaler", "passthrough")],
    "regressor": MatrixFactorization(), "search": {
        "model__n_factors": [4, 8, 12, 16, 32], "model__damping": [2.0, 3.0, 5.0, 10.0],
        "model__regularization": [3.0, 4.5, 6.0, 9.0, 12.0]}}
_HGB = HistGradientBoostingRegressor(learning_rate=0.05, max_iter=300, max_leaf_nodes=8, early_stopping=True)
_PARTS = [("ratings", UserMovieFeatureTransformer()), ("factors", MatrixFactorization()),
          ("ids", MatrixFactorization(16, 0, content=False))]
MODELS["blend"] = {  # the two estimates of the factors are the 14th and the 15th feature
    "features": FeatureUnion(_PARTS, verbose_feature_names_out=False), "scaling": SCALING,
    "regressor": VotingRegressor([("boosting", _HGB), ("ridge", Ridge())]), "search": {
        "model__boosting__learning_rate": [0.03, 0.05, 0.1], "model__boosting__max_leaf_nodes": [8, 15, 31],
        "model__weights": [None, [2, 1], [1, 2]], "features__factors__regularization": [3.0, 4.5, 6.0, 9.0]}}

def _recommend(recommender, user_id, n, ratings):
    if (user_id is None) == (ratings is None) or isinstance(user_id, dict):
        raise ValueError("Pass either a user_id, or ratings={movie_id: stars, ...} by its name.")
    ranker, model = recommender.ranker, recommender.pipeline_["model"]
    if ratings is None:
        user_ids = _ids(pd.Series([user_id], name="user_id", dtype=object))
        if user_ids[0] not in ranker.users_:
            raise ValueError(f"User {user_id} is unknown to the training: pass ratings={{movie_id: stars}}.")
    else:
        low, high = recommender.pipeline_.y_min_, recommender.pipeline_.y_max_
        stars = list(ratings.values()) if isinstance(ratings, dict) else [None]
        if not all(isinstance(one, numbers.Real) and low <= one <= high for one in stars):
            raise ValueError(f"ratings must be {{movie_id: stars from {low} to {high}}}, got {ratings!r}.")
        user_ids = np.array([ranker.new_user_])
        movies = _ids(pd.Series(list(ratings), name="The keys of ratings", dtype=object))
        unknown = [str(movie) for movie in movies if movie not in ranker.movies_]
        if unknown:
            rest = " None is left: these are the most popular movies." if len(unknown) == len(movies) else ""
            warnings.warn(f"Unknown movies are passed over: {', '.join(unknown)}.{rest}", stacklevel=3)
        rated = pd.DataFrame({"user_id": user_ids[0], "movie_id": movies, RATING: np.asarray(stars, float)})
    lists = ranker.recommend_new(rated, n) if ratings else ranker._lists(user_ids, n)
    if ratings and isinstance(model, MatrixFactorization):
        stars = model.predict_new(rated["movie_id"], rated[RATING], lists["movie_id"])
    else:
        stars = recommender.predict(lists[IDS]) if len(lists) else []  # empty: the user has rated every movie
    found = lists[["movie_id", "score"]].assign(predicted_rating=stars)
    if recommender.titles_:
        found.insert(1, "title", [recommender.titles_.get(movie) for movie in found["movie_id"]])
    return found

# ===== Appendix: checks, random tables, MovieLens files, command line =======================================

def say(line):
    """Print a line at once, with "?" for what the console cannot show (old Windows has no check mark)."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(line.encode(encoding, "replace").decode(encoding), flush=True)

# ----- Checks of input: one function for a table, one for ratings, one for a number
LIMIT = 10**15  # numbers from here on are refused: what is made of them, such as squares, must stay finite

def _check_table(X):  # and return the ids of users and of movies, two int64 arrays
    if not isinstance(X, pd.DataFrame):
        hint = f" of {type(X).__module__}: pass its .to_pandas()" if hasattr(X, "to_pandas") else ""
        raise TypeError(f"Expected a pandas DataFrame with the columns {IDS}, got {type(X).__name__}{hint}.")
    for name in IDS:
        if name not in list(X.columns):  # two levels would find a table
            raise ValueError(f"The table lacks the column {name!r}; it has {list(X.columns)}.")
    for twice in X.columns[X.columns.duplicated()]:
        raise ValueError(f"Column names must be unique, but {twice!r} stands twice.")
    if X.empty:
        raise ValueError("The table is empty: expected at least one row.")
    return tuple(_ids(X[name]) for name in IDS)

def _ids(column):  # beyond 2**53, floats cannot tell two whole numbers apart
    if column.dtype.kind in "if" and not column.hasnans:  # 7.0 is what pandas makes of integers with a gap
        values = column.to_numpy(dtype=np.int64 if column.dtype.kind == "i" else np.float64)
        if ((values == np.floor(values)) & (values >= -(2**53)) & (values <= 2**53)).all():
            return values.astype(np.int64, copy=False)
    for row, one in enumerate(column.tolist()):
        if not isinstance(one, numbers.Real) or isinstance(one, bool) or one % 1 or abs(int(one)) > 2**53:
            raise ValueError(f"{column.name} must hold integers up to 2**53, but row {row} holds {one!r}.")
    return column.to_numpy(dtype=np.int64)

def _numbers(X, name):  # as floats; NaN where missing, and if there is no such column
    if name not in X.columns:
        return np.full(len(X), np.nan)
    try:
        if X[name].dtype.kind in "mMc":  # dates: nanoseconds in one pandas, microseconds in another
            raise TypeError
        values = X[name].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError, ArithmeticError):
        unit = " of Unix seconds" if name == "timestamp" else ""
        raise ValueError(f"{name} must hold numbers{unit}, got a column of type {X[name].dtype}.") from None
    for row in np.flatnonzero(np.abs(values) >= LIMIT):
        raise ValueError(f"{name} must hold finite numbers below 1e15, but row {row} holds {values[row]}.")
    return values

def _check_ratings(X, y):  # and return those of the rows, which are in X where y is None
    if y is None and RATING not in getattr(X, "columns", ()):
        raise ValueError(f"No ratings: pass y, or a table with the column {RATING!r}.")
    try:
        given = np.asarray(X[RATING] if y is None else y)
        if given.dtype.kind in "mMc" or np.ma.is_masked(y):  # a date is no number of stars
            raise TypeError
        ratings = given.astype(np.float64)
    except (TypeError, ValueError, ArithmeticError):
        raise ValueError("Ratings must be numbers, in stars, and none may be missing.") from None
    if ratings.shape != (len(X),):
        raise ValueError(f"X, y differ in length, or y is not one column ({len(X)} rows, {ratings.shape}).")
    for row in np.flatnonzero(~(np.abs(ratings) < LIMIT)):
        raise ValueError(f"Ratings must be finite numbers below 1e15, but row {row} holds {ratings[row]}.")
    return ratings

def _check_number(name, value, least, integer=False, below=LIMIT):
    number = value.item() if isinstance(value, np.generic) else value
    kind, what = (int, "an integer") if integer else ((int, float), "a number")
    if not isinstance(number, kind) or isinstance(number, bool) or not least <= number < below:
        top = f" and below {below}" if below < LIMIT or (isinstance(number, kind) and number >= below) else ""
        raise ValueError(f"{name} must be {what} of at least {least}{top}, got {value!r}.")
    return number if integer else float(number)

def _latest_of_pair(X, user=None, movie=None, warn=True):  # mask: the latest of each pair (no time: the last)
    if user is None:
        user, movie = (pd.factorize(ids)[0] for ids in _check_table(X))
    seconds, latest = _numbers(X, "timestamp"), np.full(len(X), True)
    if sparse.coo_matrix((latest, (user, movie))).tocsr().nnz < len(X):  # where equal pairs are one entry
        pairs = user * (movie.max() + 1) + movie  # of positions, so that one number can stand for a pair
        order = np.argsort(np.nan_to_num(seconds, nan=-np.inf), kind="stable")
        latest[order] = ~pd.Series(pairs[order]).duplicated(keep="last")
    if warn and (older := (~latest).sum()):
        warnings.warn(f"{older} older ratings of user-movie pairs rated twice do not count.", stacklevel=4)
    return latest

def _check_training_table(X, y=None):
    latest, ratings = _latest_of_pair(X), _check_ratings(X, y)
    X, ratings = (X, ratings) if latest.all() else (X[latest], ratings[latest])
    if np.ptp(ratings) == 0:
        raise ValueError(f"All {len(ratings)} ratings are {ratings[0]}: a constant, nothing to learn from.")
    return X, ratings

# ----- Ids and strings as positions and codes; position and code of an unknown one are -1
def _positions(known, ids):
    return pd.Index(known).get_indexer(np.asarray(ids))

def _lookup(values, position, missing):
    return pd.api.extensions.take(values, position, allow_fill=True, fill_value=missing)

def _factorize(X, name):
    try:
        number, strings = pd.factorize(X[name] if name in X.columns else np.full(len(X), None))
    except TypeError:
        raise ValueError(f"{name} must hold strings, got a column of lists or other objects.") from None
    return number, np.array([str(value) for value in strings], dtype=object)  # number -1: missing

def _encode(X, name, encoder=None):  # codes, NaN if missing or unknown; and the encoder, fitted if None
    number, strings = _factorize(X, name)
    if encoder is None:
        known = np.array(sorted(set(strings)) or [None], dtype=object)[:, None]
        encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(known)
    codes = np.asarray(encoder.transform(strings[:, None])).ravel() if len(strings) else np.empty(0)
    codes = np.append(np.where(codes < 0, np.nan, codes), np.nan)  # the last is for number -1: missing
    return codes[number], encoder

# ----- Checks of an artifact
def _check_artifact_path(filepath):  # and return it, symbolic links followed
    path = Path(os.path.realpath(filepath))
    for file in (path, Path(f"{path}.json")):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if not stat.S_ISREG(os.stat(file).st_mode):  # fails if the name is too long, or a loop of links
                raise IsADirectoryError(f"Cannot write {file}: it is a folder, a device, a pipe or a socket.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"Cannot write {filepath}: there is no folder {path.parent}.")
    _format(filepath)  # skops may be missing
    return path

def _check_digest(content, path):  # and return it, and the version before it; warn if there is none
    if (size := content.rfind(DIGEST_MARK)) < 0:
        warnings.warn(f"{path} carries no digest: nothing tells whether it is what was saved.", stacklevel=4)
        return None, None
    digest = content[size + len(DIGEST_MARK) :].decode("ascii", "replace")
    if hashlib.sha256(memoryview(content)[:size]).hexdigest() != digest:
        raise ValueError(f"{path} is damaged: its digest is cut, or does not fit its content.")
    _, mark, version = content[max(0, size - 50) : size].rpartition(VERSION_MARK)
    return digest, version.decode() if mark else None

def _read_card(file, digest):  # None: there is none, or it is not of this artifact
    if digest is None or not file.exists():
        return None
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
        owner, _ = str(card["sha256"]), card["versions"]["scikit-learn"].split(".")
        _, _ = card["example"]["input"]  # two keys; the next line tells that they are the ids
        _check_table(pd.DataFrame([card["example"]["input"]]))
        _check_number("prediction", card["example"]["prediction"], -1e9)
    except (ValueError, KeyError, TypeError, AttributeError, OSError, OverflowError, RecursionError):
        warnings.warn(f"{file} is no model card, and is not used.", stacklevel=4)
        return None
    if owner != digest:
        warnings.warn(f"{file} belongs to another artifact, {owner[:12]}, not {digest[:12]}.", stacklevel=4)
    return card if owner == digest else None

# ----- Random tables: how `MovieRecommendationDataset` draws
def _draw_movies(rng, n_movies):
    genre = rng.randint(len(GENRES), size=(n_movies, 2), dtype=np.int64)
    genre[:, 1] = np.where(rng.random_sample(n_movies) < 0.4, genre[:, 1], genre[:, 0])  # some have two
    shape = 0.3 * rng.standard_normal((n_movies, len(GENRES)))  # no two dramas are alike
    np.add.at(shape, (np.arange(n_movies)[:, None], genre), 0.5)
    names = ["|".join(sorted({GENRES[first], GENRES[second]})) for first, second in genre]
    age = np.minimum(rng.standard_gamma(1.5, n_movies) * 10, 70).astype(np.int64)  # most movies are young
    popularity = 1 / (10 + rng.permutation(np.arange(n_movies, dtype="int64")))  # Zipf's law, flat at the top
    return {"genre": np.array(names, dtype=object), "movie_year": 2021 - age}, popularity, shape

def _draw_users(rng, n_users):
    age = np.clip(np.round(rng.normal(35, 12, n_users)), 16, 80).astype(np.int64)
    shares = 0.6 ** np.arange(len(COUNTRIES))
    country = rng.choice(np.array(COUNTRIES, dtype=object), n_users, p=shares / shares.sum())
    activity = np.exp(0.7 * rng.standard_normal(n_users))
    return {"user_age": age, "user_country": country}, activity, rng.standard_normal((n_users, len(GENRES)))

def _draw_pairs(rng, n_ratings, activity, genre_love, popularity, genre_shape):
    n_users, n_movies, shares = len(activity), len(popularity), np.cumsum(activity / activity.sum())
    taste, edges = (genre_love, popularity, genre_shape), shares / shares[-1]
    user = rng.permutation(np.arange(n_users, dtype=np.int64))[:n_ratings]  # everybody once
    pairs = user * n_movies + _choose_movies(rng, user, *taste)
    for _ in range(20):
        lacking = n_ratings - pairs.size
        if lacking:
            user = _by_parts(lambda part: _find(edges, part), rng.random_sample(lacking + lacking // 2))
            pairs = np.append(pairs, user * n_movies + _choose_movies(rng, user, *taste))
            group = (pairs // (n_users * n_movies * 2**18 // pairs.size + 1)).astype(np.uint16)  # by size
            groups = np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1])
            first = [rows[~pd.Series(pairs[rows]).duplicated()] for rows in groups]  # that fit into a cache
            pairs = pairs[np.sort(np.concatenate(first))[:n_ratings]]
    if pairs.size < n_ratings:  # nearly full: the rest are pairs that nobody would have chosen
        unseen = np.setdiff1d(np.arange(n_users * n_movies, dtype=np.int64), pairs)
        pairs = np.append(pairs, rng.permutation(unseen)[: n_ratings - pairs.size])
    return np.divmod(rng.permutation(np.sort(pairs)), n_movies)

def _choose_movies(rng, user, genre_love, popularity, genre_shape):  # one for every user
    main_genre = genre_shape.argmax(axis=1)
    shelf = np.argsort(main_genre, kind="stable")  # a movie takes as much room on it as it is popular
    movie_edges = np.append(0.0, np.cumsum(popularity[shelf]))  # (n_movies + 1,)
    genre_edges = movie_edges[np.searchsorted(main_genre[shelf], np.arange(len(GENRES) + 1))]
    wanted = np.cumsum(np.diff(genre_edges) * np.exp(0.5 * genre_love), axis=1)  # (n_users, n_genres)
    first, second, movie = rng.random_sample(user.size), rng.random_sample(user.size), np.empty_like(user)
    for part in sklearn.utils.gen_batches(user.size, 2**14):
        edges = wanted[user[part]].T
        genre = sum((edge <= first[part] * edges[-1]) * 1 for edge in edges)  # one that the user loves;
        start, end = genre_edges[genre], genre_edges[genre + 1]  # then a popular movie of it
        place = _find(movie_edges, start + second[part] * (end - start)) - 1
        movie[part] = shelf[np.minimum(place, len(shelf) - 1)]
    return movie

def _find(edges, values):  # faster than searching unsorted: the next value is found where the last one was
    order, found = np.argsort(values), np.empty(values.size, dtype=np.int64)
    found[order] = np.searchsorted(edges, values[order], side="right")
    return found

def _draw_law(rng, user, movie, popularity, genre_love, genre_shape):  # standardised over the rows
    n_users, n_movies = len(genre_love), len(popularity)
    per_user, per_movie = np.bincount(user, minlength=n_users), np.bincount(movie, minlength=n_movies)
    quality = rng.standard_normal(n_movies) + 0.3 * np.log(popularity)
    carelessness = np.exp(LAW["noise_spread"] * rng.standard_normal(n_users))
    taste = _by_parts(lambda u, m: np.einsum("rg,rg->r", genre_love[u], genre_shape[m]), user, movie)
    scale = LAW["taste"] * (1 / taste.std() if taste.std() > 1e-12 else 0.0)
    return {"user": LAW["user"] * _standardise(rng.standard_normal(n_users), per_user),
            "movie": LAW["movie"] * _standardise(quality, per_movie),
            "T": genre_love * scale, "G": genre_shape, "mean_taste": taste.mean() * scale,
            "sigma": LAW["noise"] * carelessness / np.sqrt(np.average(carelessness**2, weights=per_user))}

def _by_parts(function, *columns):  # in parts of the rows that fit into the processor's cache
    parts = sklearn.utils.gen_batches(columns[0].size, 2**14)
    return np.concatenate([function(*(column[part] for column in columns)) for part in parts], axis=-1)

def _standardise(values, weights):  # to the mean 0 and the standard deviation 1 (0 if all are alike)
    centred = values - np.average(values, weights=weights)
    spread = np.sqrt(np.average(centred**2, weights=weights))
    return centred * (1 / spread if spread > 1e-12 else 0.0)

def _draw_timestamps(rng, user, n_users):  # every user has a favourite hour, and a share of weekends
    how = {"size": user.size, "dtype": np.int64}
    favourite_hour, weekend_share = rng.normal(20, 3, n_users), rng.uniform(0.2, 0.6, n_users)
    on_weekend = rng.random_sample(user.size) < weekend_share[user]
    weekday = np.where(on_weekend, 5 + rng.randint(2, **how), rng.randint(5, **how))
    hour = (favourite_hour[user] + 2 * rng.standard_normal(user.size)) % 24
    day = 7 * rng.randint(104, **how) + weekday  # in two years from Monday, 2022-01-03, 00:00 UTC
    return 1_641_168_000 + day * DAY + np.minimum(hour * 3600, DAY - 1).astype(np.int64)

# ----- MovieLens files
GENRES_100K = ("unknown Action Adventure Animation Children's Comedy Crime Documentary "  # noqa: SIM905
               "Drama Fantasy Film-Noir Horror Musical Mystery Romance Sci-Fi Thriller War Western").split()
RATINGS, MOVIES = [*IDS, RATING, "timestamp"], ["movie_id", "title", "genre"]
#: The releases. Each file: what separates its fields, its header (None: it has none), its columns in order.
RELEASES = [
    {"ratings.csv": (",", "userId,movieId,rating,timestamp", RATINGS),  # ml-latest(-small), 20M, 25M, 32M
     "movies.csv": (",", "movieId,title,genres", MOVIES)},
    {"ratings.dat": ("::", None, RATINGS), "movies.dat": ("::", None, MOVIES),  # 1M; 10M has no users.dat
     "users.dat": ("::", None, ["user_id", "gender", "user_age", "occupation", "zip"])},  # age 1: under 18
    {"u.data": ("\t", None, RATINGS),  # 100K
     "u.item": ("|", None, ["movie_id", "title", "released", "on_video", "url", *GENRES_100K]),
     "u.user": ("|", None, ["user_id", "user_age", "gender", "occupation", "zip"])}]
#: The types of the columns that hold numbers; all others hold text.
TYPES = dict.fromkeys([*IDS, "timestamp"], np.int64) | dict.fromkeys([RATING, "user_age"], np.float64)
TYPES |= dict.fromkeys(GENRES_100K, np.int8)

def load_movielens(path):
    """Read a MovieLens release as GroupLens ships it: ml-latest(-small), 20M, 25M, 32M, 1M, 10M or 100K.
    `path` is a folder or a zip file. Returns a DataFrame with `TABLE_COLUMNS` and `title`, one row per
    rating, in the order of the file. What a release lacks is NaN: `user_country`, and `user_age` except in
    100K and 1M. Raises a FileNotFoundError without a release, a ValueError that names a broken line."""
    root = Path(path)
    if not root.exists():
        raise FileNotFoundError(f"{path} does not exist; expected a MovieLens release, folder or zip file.")
    try:
        table, movies, *users = _read_release(root if root.is_dir() else _open_zip(root), path)
    except (ValueError, FileNotFoundError):
        raise
    except Exception as error:  # of the many modules that unpack a zip file
        raise ValueError(f"{path} is neither a folder nor a zip file that can be read: {error}.") from None
    if "genre" not in movies:  # but a column of 0 and 1 for every genre: 1 * "Drama|" is "Drama|"
        movies["genre"] = movies[GENRES_100K].dot(np.array(GENRES_100K, dtype=object) + "|").str[:-1]
    movies = movies.drop_duplicates("movie_id", keep="last")
    year = movies["title"].str.extract(r"\((\d{4})(?:[-–]\d{0,4})?\)\s*$")[0]  # a series is (2006–2007)
    latest = _latest_of_pair(table)
    table = table if latest.all() else table[latest].reset_index(drop=True)
    movie = _positions(movies["movie_id"], table["movie_id"])
    genre, title = (pd.Categorical(movies[name]).take(movie, allow_fill=True) for name in ("genre", "title"))
    table["genre"], table["movie_year"] = genre, _lookup(year.to_numpy(dtype=np.float64), movie, np.nan)
    table[["user_age", "user_country"]] = np.nan
    table["title"] = title
    if users:
        table["user_age"] = table["user_id"].map(dict(zip(users[0]["user_id"], users[0]["user_age"])))
    return table

def _open_zip(path):
    archive = zipfile.ZipFile(path)
    for one in archive.infolist():  # a release unpacks to 5 times its size; `zipfile.Path` hangs at `//`
        if one.file_size > max(2**20, 100 * one.compress_size) or "//" in f"/{one.filename}":
            raise ValueError(f"{path}: {one.filename!r} unpacks over 100-fold, or has an odd name.")
    return zipfile.Path(archive)

def _read_release(root, path):
    for folder in [root, *sorted((entry for entry in root.iterdir() if entry.is_dir()), key=str)]:
        for release in RELEASES:
            there = [name for name in release if (folder / name).exists()]
            if there[:2] == list(release)[:2]:
                return [_read(folder / name, *release[name]) for name in there]
    expected = ", or ".join(" and ".join(list(release)[:2]) for release in RELEASES)
    raise FileNotFoundError(f"{path} holds no MovieLens release; expected the files {expected}.")

def _read(file, separator, header, columns, encoding="utf-8-sig"):  # one file; by line only if broken
    types = {name: TYPES.get(name, str) for name in columns} | {"too much": "category"}
    quoting = csv.QUOTE_MINIMAL if separator == "," else csv.QUOTE_NONE
    fast = separator.replace("::", "\t")  # pandas' fast parser knows only separators of one character
    try:
        with file.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("error")
            if header and stream.readline().decode(encoding).strip() != header:
                raise ValueError
            stream.seek(0)
            content = file.absolute() if isinstance(file, Path) else stream  # a path takes less time
            if fast != separator:
                content = io.BytesIO(stream.read().replace(b"::", b"\t"))
            table = pd.read_csv(content, sep=fast, names=list(types), dtype=types, index_col=False,
                                encoding=encoding, quoting=quoting, na_values=[""], keep_default_na=False,
                                skiprows=1 if header else 0)
        right_length = table[columns[-1]].notna().all() and table.pop("too much").isna().all()
        finite = np.isfinite(table.select_dtypes(float)).all(axis=None)
        open_quote = "title" in table and table["title"].str.contains("\n").any()  # it swallows the next line
        if not (len(table) and right_length and finite) or open_quote:
            raise ValueError
        return table
    except UnicodeDecodeError:  # the releases of 1998 to 2003
        return _read(file, separator, header, columns, "latin-1")
    except (ValueError, OverflowError, Warning):
        raise ValueError(f"{file.name}{_what_is_broken(file, separator, header, columns)}") from None

def _what_is_broken(file, separator, header, columns):  # as the end of a sentence
    with file.open("r", encoding="utf-8-sig", errors="replace") as stream:
        lines = (line.rstrip("\n") for line in stream)
        first = next(lines, "") if header else None
        if first != header:
            return f", line 1: expected the header {header}, got {first[:80]!r}."
        for number, line in enumerate(lines, 2 if header else 1):
            try:
                fields = next(csv.reader([line])) if separator == "," else line.split(separator)
                values = [TYPES[name](field) for name, field in zip(columns, fields) if name in TYPES]
                fits = len(fields) == len(columns) and np.isfinite(values).all()
            except (ValueError, OverflowError, csv.Error):
                fits = False
            if line and not fits:
                return f", line {number}: expected {len(columns)} fields, got {line[:80]!r}."
    return " holds no rows, or cannot be read."

# ----- The command line
class _Parser(argparse.ArgumentParser):
    print_help = lambda self, file=None: say(self.format_help()[:-1])  # noqa: E731
    def error(self, message):
        self.exit(2, sys.stderr and f"{self.prog}: {' '.join(message.split())}\n")

def _make_parser():
    how = {"argument_default": argparse.SUPPRESS, "allow_abbrev": False}  # --user is not short for --users
    table = _Parser(add_help=False, **how)
    table.add_argument("--data", metavar="PATH", help="a MovieLens release, folder or zip (default: made up)")
    for name, size in (("users", 1000), ("movies", 500), ("ratings", 50_000)):
        table.add_argument(f"--{name}", dest=f"n_{name}", type=int, metavar="N", help=f"default {size}")
    table.add_argument("--seed", dest="random_state", type=int, metavar="N", help="default 42")
    parser = _Parser(prog="lesson_code.py", description="Run the lesson.", parents=[table], **how)
    parser.add_argument("--model", choices=list(MODELS), help="(default forest)")
    parser.add_argument("--tune", action="store_true", help="choose hyperparameters by a random search first")
    parser.add_argument("--output", metavar="FILE", help=f"(default {ARTIFACT})")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="instead of the lesson")
    commands.add_parser("compare", parents=[table], help="cross-validate all models on the same folds", **how)
    recommend = commands.add_parser("recommend", help="what to watch next", **how)
    who = recommend.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", type=int, metavar="ID", help="a user of the training")
    who.add_argument("--rated", type=_rated, metavar="ID=STARS,...", help="somebody new: 1=5,50=4")
    recommend.add_argument("--top", type=int, metavar="N", help="(default 10)")
    predict = commands.add_parser("predict", help="one rating", **how)
    for option in ("--user", "--movie"):
        predict.add_argument(option, type=int, required=True, metavar="ID", help="known or new")
    for command in (recommend, predict):
        command.add_argument("--artifact", metavar="FILE", help=f"(default {ARTIFACT})")
    return parser

def _rated(text):
    with contextlib.suppress(ValueError):
        pairs = [pair.split("=") for pair in text.split(",")]
        rated = {int(movie): float(stars) for movie, stars in pairs}
        if len(rated) == len(pairs):
            return rated
    raise argparse.ArgumentTypeError(f"expected movie=stars, each movie once, as in 1=5,50=4, got {text!r}")

def main(argv=None):
    """Run the command line with the arguments `argv` (default: those of the process); return the status."""
    parser = _make_parser()
    try:
        options = vars(parser.parse_args(argv))  # only what was given
        command, given = options.pop("command", None), set(options)
        for option in given & {"model", "tune", "output"} if command else ():
            parser.error(f"--{option} is for the lesson and does not go with {command}.")
        if "data" in given and given & {"n_users", "n_movies", "n_ratings"}:
            parser.error("--users, --movies and --ratings are for made-up data and do not go with --data.")
        run = {None: demonstrate_ecosystem, "compare": _compare, "recommend": _ask, "predict": _ask}[command]
        with warnings.catch_warnings(), joblib.parallel_config("threading", n_jobs=-1):
            warnings.showwarning = lambda message, *_: parser._print_message(f"{parser.prog}: {message}\n")
            if "data" in given:
                options["data"] = load_movielens(options["data"])
            run(**options)
    except (ValueError, OSError, MemoryError, ImportError) as error:
        if getattr(error, "errno", None) and error.filename is None:  # of `print`, which would fail again
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # whoever read our lines, such as `head`, has had enough
            parser.error(str(error))
    except KeyboardInterrupt:
        print(f"\n{parser.prog}: interrupted", file=sys.stderr)
        return 130
    return 0

def _compare(data=None, random_state=42, **sizes):
    dataset = MovieRecommendationDataset(**sizes, random_state=random_state)
    table = dataset.generate() if data is None else data
    say(f"{len(table)} ratings, {N_FOLDS} folds (RMSE and MAE in stars, times in seconds)")
    found = compare_models(table, random_state=random_state, verbose=True)
    shown = ["RMSE", "RMSE_std", "MAE", "R2", "to_best", "to_best_se", "fit_s", "predict_s"]
    say(found[shown].to_string(float_format="%.4f"))
    if data is None:
        say(f"RMSE of the best possible predictor (the noise floor of all rows): {dataset.best_rmse():.4f}")

def _ask(user=None, movie=None, rated=None, top=10, artifact=ARTIFACT):
    recommender = SklearnEcosystemPipeline.load_pipeline(artifact)
    if not isinstance(recommender, SklearnEcosystemPipeline):
        raise ValueError(f"{artifact} holds a {type(recommender).__name__}, which does not recommend.")
    new_user, new_movie = user not in recommender.ranker_.users_, movie not in recommender.ranker_.movies_
    if movie is not None:
        stars = recommender.predict(pd.DataFrame({"user_id": [user], "movie_id": [movie]}))[0]
        unknown = " (the user is unknown)" * new_user + " (the movie is unknown)" * new_movie
        return say(f"User {user}, Movie {movie}: Predicted {stars:.2f}{unknown}")
    if rated is None and new_user:
        say(f"User {user} is unknown: these movies are popular. Say --rated 1=5,50=4 to get your own.")
        user, rated = None, {}
    found = recommender.recommend(user, top, ratings=rated)
    say("Best first, by score, learned from who rated what. The model's predicted_rating need not fall.")
    say(found.set_axis(range(1, len(found) + 1)).to_string(float_format="%.4f"))

if __name__ == "__main__":
    try:  # subtle: classes of a script are pickled as `__main__.X`, which loads in no other process
        from lesson_code import main
    except ImportError:
        sys.exit("Save this file as lesson_code.py: the artifact it writes names its classes lesson_code.X.")
    sys.exit(main())
