#!/usr/bin/env bash
#
# Makes the folder scikit_learn_ecosystem_lesson with the five files of the lesson. It needs no network and no Python:
# all it will write stands below as plain text. Made by `python tools/build_generator.py`; change the files, not this.

set -eu
# The files are bytes to be copied, in whatever language the learner's computer speaks.
export LC_ALL=C

names="lesson_code.py test_lesson.py requirements.txt README.md LICENSE"

# What `cksum` tells of each file: its checksum and its size.
recorded() {
    case $1 in
        lesson_code.py) echo "4234683997 105215" ;;
        test_lesson.py) echo "897284104 11292" ;;
        requirements.txt) echo "3471952364 498" ;;
        README.md) echo "3892201416 9363" ;;
        LICENSE) echo "191275814 1554" ;;
    esac
}

usage() {
    cat <<'END_OF_LESSON_FILE'
Usage: bash generate_lesson_files.sh [--force] [--] [FOLDER]

Writes the lesson's files into FOLDER (scikit_learn_ecosystem_lesson if none is given), which is made if it is missing.
Files there that differ from the lesson's are kept, and nothing is written, unless --force is given.

  --force     overwrite files that differ
  -h, --help  show this text
END_OF_LESSON_FILE
}

fail() { # fail STATUS MESSAGE
    printf 'generate_lesson_files.sh: %s\n' "$2" >&2
    exit "$1"
}

# Nothing for a file that cannot be read: it then differs from every recorded one.
checksum() {
    { cksum <"$1"; } 2>/dev/null
}

# The folder's name as it has to be typed.
quoted() {
    case $1 in
        *[!A-Za-z0-9_./-]*) printf '%s\n' "$1" | sed "s/'/'\\\\''/g; 1s/^/'/; \$s/\$/'/" ;;
        *) printf '%s\n' "$1" ;;
    esac
}

next_steps() {
    printf '%s\n' "The lesson is in '$target'. Next:" "" \
        "    cd $(quoted "$target")" \
        "    python3 -m venv .venv" \
        "    source .venv/bin/activate" \
        "    pip install -r requirements.txt" \
        "    python lesson_code.py" \
        "    pytest test_lesson.py -v"
}

# However the script ends, nothing half-written stays. A script whose end is missing stops without an error of its own.
unfinished=""
complete=no
on_exit() {
    status=$?
    [ -z "$unfinished" ] || rm -rf "$unfinished"
    [ "$status" -ne 0 ] || [ "$complete" = yes ] || fail 1 "this script is cut short; get it again"
}
trap on_exit EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# ----- What is asked for

target=scikit_learn_ecosystem_lesson
targets=0
force=no
options=yes
while [ $# -gt 0 ]; do
    case $options$1 in
        yes--) options=no ;;
        yes--force) force=yes ;;
        yes-h | yes--help)
            usage
            complete=yes
            exit 0
            ;;
        yes-*) fail 2 "unknown option '$1' (--help tells the options)" ;;
        *)
            [ -n "$1" ] || fail 2 "the folder's name is empty"
            [ $targets -eq 0 ] || fail 2 "one folder at a time, not '$target' and '$1'"
            target=$1
            targets=1
            ;;
    esac
    shift
done
# No command may take a folder's name for an option.
case $target in -*) target=./$target ;; esac

# ----- What is there already: all is checked before anything is written

if [ -e "$target" ] && [ ! -d "$target" ]; then
    fail 1 "'$target' is a file, not a folder"
fi
missing=""
differing=""
for name in $names; do
    file=$target/$name
    if [ -f "$file" ]; then
        [ "$(checksum "$file")" = "$(recorded "$name")" ] || differing="$differing $name"
    elif [ -e "$file" ] || [ -L "$file" ]; then
        fail 1 "'$file' is in the way and is no file; nothing was changed"
    else
        missing="$missing $name"
    fi
done
if [ -n "$differing" ] && [ $force = no ]; then
    fail 1 "these files in '$target' differ from the lesson's:$differing; nothing was changed (--force overwrites them)"
fi
if [ -z "$missing$differing" ]; then
    next_steps
    complete=yes
    exit 0
fi

# ----- The files, first into a folder of their own inside the target, so that moving them is only a renaming

new=$target/.new-lesson-files.$$
if [ ! -d "$target" ]; then
    reason=$(mkdir "$target" 2>&1) || fail 1 "cannot make the folder '$target' ($reason)"
    unfinished=$target
fi
reason=$(mkdir "$new" 2>&1) || fail 1 "cannot write in the folder '$target' ($reason)"
[ -n "$unfinished" ] || unfinished=$new

cat >"$new/lesson_code.py" <<'END_OF_LESSON_FILE'
"""The scikit-learn ecosystem: a movie recommender, built the way production teams build one.

Run it (``python lesson_code.py``), test it (``pytest test_lesson.py -v``), read it from top to bottom, import
from it (``from lesson_code import SklearnEcosystemPipeline``). The data goes one way::

    ingest --> preprocess --> transform --> select --> train --> evaluate --> deploy
    dataset    impute,        13 features   optional   any       RMSE, MAE,   one .pkl and
    or         encode         (our own      selector   sklearn   R2; P, R,    its model card,
    MovieLens                  transformer)            regressor NDCG@10      recommend()

    1  a table of ratings whose law is known, so that we know how good a model can become
    2  13 features, and how averages of ratings leak the answers if you are not careful
    3  one table of models, and one pipeline that makes the leak impossible
    4  train, evaluate, compare: the object that an application holds
    5  the artifact: what must travel with a model so that another machine can trust it
    6  the demo, ``python lesson_code.py``. The lesson ends here.
    7  recommenders of our own: stars (matrix factorization) and lists (what to watch next)
    Appendix: checks of input, random tables, MovieLens files, command line

You should know NumPy and pandas, and that ``fit`` learns and ``predict`` answers. Version 0.2.0, BSD-3-Clause
(The scikit-learn ecosystem lesson contributors). Names follow "Day 71: The Scikit-learn Ecosystem".
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import mmap
import numbers
import os
import pickle
import platform
import re
import secrets
import shutil
import sys
import warnings
import zipfile
import zlib
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import sklearn
from scipy import sparse
from scipy.special import ndtr
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import KFold, RandomizedSearchCV, cross_validate, train_test_split
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler, TargetEncoder
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = [
    "MODELS", "MatrixFactorization", "MovieRanker", "MovieRecommendationDataset", "RatingPipeline",
    "SklearnEcosystemPipeline", "UserMovieFeatureTransformer", "compare_models", "demonstrate_ecosystem",
    "load_movielens", "ranking_metrics", "rating_metrics",
]


# ===== 1. The table, and the law behind it ==================================================================
# One row per rating. Real tables have the same columns (`load_movielens` reads them), but we know the law
# only of a table that we made: we can say which part of an error is the model's, and which part is noise.

IDS, RATING = ["user_id", "movie_id"], "rating"  # ratings are in stars
#: `timestamp` is in Unix seconds (UTC); several genres are joined by a bar, as in MovieLens.
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
    n_users, n_movies, n_ratings : int, default=1000, 500, 50000
        Sizes, each at least 1, with ``n_ratings <= n_users * n_movies``. Ids count from 1.
    random_state : int, default=42
        The seed: the same seed gives the same table, on every machine and with every numpy.

    Attributes
    ----------
    true_expected_, true_taste_ : ndarray of shape (n_ratings,)
        In stars: every row's expected rating, which the best possible predictor answers, and its taste.
    law_ : dict of str to ndarray
        The terms: "user", "movie", "T", "G", "sigma", and "mean_taste", which is taken off T . G.
    """

    def __init__(self, n_users=1000, n_movies=500, n_ratings=50_000, random_state=42):
        self.n_users, self.n_movies, self.n_ratings = n_users, n_movies, n_ratings
        self.random_state = random_state

    def generate(self):
        """Return the table, `n_ratings` rows in random order; a ValueError tells of impossible parameters."""
        n_users, n_movies, n_ratings, seed = self.check()
        rng = check_random_state(seed)
        movies, popularity, genre_shape = _draw_movies(rng, n_movies)
        users, activity, genre_love = _draw_users(rng, n_users)
        user, movie = _draw_pairs(rng, n_ratings, activity, genre_love, popularity, genre_shape)  # positions
        self.law_ = _draw_law(rng, user, movie, popularity, genre_love, genre_shape)

        opinion, sigma = self._opinion(user, movie), self.law_["sigma"][user]
        noise = sigma * rng.standard_normal(n_ratings)
        rating = np.clip(np.round(2 * (opinion + noise)) / 2, STARS[0], STARS[-1])

        self.true_taste_ = self._taste(user, movie)
        self.true_expected_, self._variance = _mean_and_variance(opinion, sigma)
        table = {"user_id": user + 1, "movie_id": movie + 1, RATING: rating}
        table["timestamp"] = _draw_timestamps(rng, user, n_users)
        table |= {name: values[movie] for name, values in movies.items()}
        table |= {name: values[user] for name, values in users.items()}
        return pd.DataFrame(table, columns=TABLE_COLUMNS)

    def best_rmse(self, rows=None):
        """Return the noise floor, in stars: the expected RMSE of the best possible predictor.

        It is the root of the mean of Var(rating | user, movie) over `rows`, a DataFrame with ids (None: the
        whole table). On given rows, luck can put an error a little below it.
        """
        if not hasattr(self, "law_"):
            self.generate()
        if rows is None:
            return float(np.sqrt(self._variance.mean()))
        user, movie = (ids - 1 for ids in _check_table(rows))
        if min(user.min(), movie.min()) < 0 or user.max() >= self.n_users or movie.max() >= self.n_movies:
            raise ValueError(f"rows must be of users 1 to {self.n_users}, movies 1 to {self.n_movies}.")
        variance = _mean_and_variance(self._opinion(user, movie), self.law_["sigma"][user])[1]
        return float(np.sqrt(variance.mean()))

    def check(self):
        """Return the three sizes and the seed as ints; raise a ValueError where one is impossible."""
        least = {"n_users": 1, "n_movies": 1, "n_ratings": 1, "random_state": 0}
        values = [_check_number(name, getattr(self, name), n, True, below=2**32) for name, n in least.items()]
        pairs = values[0] * values[1]
        if values[2] > pairs:
            raise ValueError(f"n_ratings={values[2]} is more than the {pairs} pairs of a user and a movie.")
        return values

    def _opinion(self, user, movie):
        return LAW["mean"] + self.law_["user"][user] + self.law_["movie"][movie] + self._taste(user, movie)

    def _taste(self, user, movie):
        return np.einsum("rg,rg->r", self.law_["T"][user], self.law_["G"][movie]) - self.law_["mean_taste"]


# ===== 2. Thirteen features that do not leak ================================================================
# How does this user rate on average, and how is this movie rated? These two averages are the best features
# there are. scikit-learn makes them in two lines, which everything else in this file has to beat
# (`python lesson_code.py compare`: RMSE 0.8390, against 1.0420 for always answering the mean)::
#
#     encoder = TargetEncoder(target_type="continuous")   # replaces an id by the average rating of its rows
#     model = make_pipeline(encoder, Ridge()).fit(X_train[["user_id", "movie_id"]], y_train)
#
# They are also easy to get wrong, because an average of ratings can contain the answer. From wrong to right:
#
# * Averages over the whole table, before the split (`fit(table).transform(table)`), contain the test ratings.
#   The score lies: with two ratings per user it even falls below the noise floor, as no honest model can.
# * Averages over the training rows contain each row's own rating. The model learns to trust them more than it
#   can trust the averages of new rows. Most models become worse where ratings are few; none at 50 per user.
# * *Cross-fitting*: the rows are cut into folds, and the averages of a row come from the folds that it is not
#   in. `TargetEncoder` does that, and so does `fit_transform` below. (Figures: `python benchmarks/leak.py`.)

#: What `UserMovieFeatureTransformer` makes of a row, in this order.
FEATURES = [
    *IDS, "user_age", "movie_year", "genre_encoded", "country_encoded", "user_avg_rating", "movie_avg_rating",
    "user_movie_interaction", "hour_of_day", "day_of_week", "user_rating_count", "movie_rating_count",
]
TEMPORAL_FEATURES = ["hour_of_day", "day_of_week"]
DAY = 24 * 3600  # seconds
#: The features that need no rating: the column they are read from, whose property they are, and the strategy
#: of scikit-learn's `SimpleImputer` for a row of which nothing is known ("constant" is -1).
OBSERVED = {
    "user_age": ("user_age", "user", "median"), "movie_year": ("movie_year", "movie", "median"),
    "genre_encoded": ("genre", "movie", "constant"), "country_encoded": ("user_country", "user", "constant"),
    "hour_of_day": ("timestamp", None, "most_frequent"), "day_of_week": ("timestamp", None, "most_frequent"),
}


class _OnTables:
    """Tell scikit-learn what is true of every estimator here: it takes a table; `y` may be in it."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = tags.target_tags.required = False
        tags.input_tags.string = tags.input_tags.allow_nan = True
        return tags


class UserMovieFeatureTransformer(_OnTables, TransformerMixin, BaseEstimator):
    """Turn raw ratings into 13 features of user, movie and time, with averages that are cross-fitted.

    ``fit(X, y).transform(X)`` differs from ``fit_transform(X, y)``, as in scikit-learn's `TargetEncoder`: the
    first describes rows as if they were new, the second cross-fits, and is what a model must learn from. A
    `Pipeline` calls the right one. Averages are those of ``TargetEncoder(smooth=damping)``: a test says so.
    In a frame of features, what needs no rating is kept, averages and counts are learned anew: averages that
    were computed before a split cannot reach a score.

    Parameters
    ----------
    create_temporal : bool, default=True
        Whether to add `hour_of_day` (0 to 23, UTC) and `day_of_week` (Monday = 0): 13 features, else 11.
    damping : float, default=10.0
        In ratings. An average is ``(sum + damping * mean) / (n + damping)``: we add ten imaginary average
        ratings, so few ratings stay near the average. Source: Funk, "Try This at Home" (2006).
    cv, random_state : default=5, 0
        The number of folds in `fit_transform`, and what shuffles the rows into them.

    Attributes
    ----------
    users_, movies_, user_avg_, movie_avg_, user_count_, movie_count_ : ndarray
        The ids of the training, sorted; in their order, damped averages in stars, and numbers of ratings. An
        unknown user or movie has `global_mean_` and 0.
    known_, fill_ : dict
        The last value of every user or movie, by feature; what stands in where nothing is known: the median
        (numbers), the mode (hour, weekday), -1 (codes).
    genre_encoder_, country_encoder_ : OrdinalEncoder, which gives -1 to an unknown string
    """

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
        """Return the features of new rows, from what `fit` learned; a rating in X is never looked at.

        X needs only `user_id` and `movie_id`; an unknown user or movie is a normal row. Returns a DataFrame,
        (n_rows, 13) or (n_rows, 11), with the index of X: ids int64, all else float64.
        """
        check_is_fitted(self)
        users, movies = _check_table(X)
        user, movie = _positions(self.users_, users), _positions(self.movies_, movies)
        user_avg = _lookup(self.user_avg_, user, self.global_mean_)
        movie_avg = _lookup(self.movie_avg_, movie, self.global_mean_)
        observed = self._observe(X, self.genre_encoder_, self.country_encoder_)
        return self._assemble(X, observed, user, movie, user_avg, movie_avg)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features, an array of 13 strings (11 without the temporal ones)."""
        left_out = [] if self.create_temporal else TEMPORAL_FEATURES
        return np.array([name for name in FEATURES if name not in left_out], dtype=object)

    def _learn(self, X, y):
        """Learn from rows; return positions, ratings, weights (0: does not count) and what the rows tell."""
        users, movies = _check_table(X)
        ratings, damping = _check_ratings(X, y), _check_number("damping", self.damping, 0)
        # A transformer must not drop rows: an older rating of a pair stays, but does not count.
        counted = _latest_of_pair(X, users, movies).astype(np.float64)
        encoders = _fit_encoder(X, "genre"), _fit_encoder(X, "user_country")
        observed = self._observe(X, *encoders)
        validate_data(self, X, skip_check_array=True)  # records the names of the columns; all else is checked
        self.genre_encoder_, self.country_encoder_ = encoders
        user, self.users_ = pd.factorize(users, sort=True)
        movie, self.movies_ = pd.factorize(movies, sort=True)
        mean, sums = float(np.average(ratings, weights=counted)), counted * ratings
        self.user_count_, self.movie_count_ = np.bincount(user, counted), np.bincount(movie, counted)
        self.user_avg_ = _damped_mean(np.bincount(user, sums), self.user_count_, mean, damping)
        self.movie_avg_ = _damped_mean(np.bincount(movie, sums), self.movie_count_, mean, damping)
        self.global_mean_, self.known_, self.fill_ = mean, {}, {}
        self.absent_ = [feature for feature in OBSERVED if np.isnan(observed[feature]).all()]
        for feature, (_, owner, strategy) in OBSERVED.items():
            values, there = observed[feature], ~np.isnan(observed[feature])
            if owner is not None:
                position = user if owner == "user" else movie
                self.known_[feature] = np.full(position.max() + 1, np.nan)
                self.known_[feature][position[there]] = values[there]  # subtle: the last value stays
            imputer = SimpleImputer(strategy=strategy, fill_value=-1.0, keep_empty_features=True)
            self.fill_[feature] = float(imputer.fit(values[:, None]).statistics_[0])
        return user, movie, ratings, counted, observed

    def _observe(self, X, genre_encoder, country_encoder):
        """Return what the rows themselves tell: six arrays of shape (n_rows,), NaN where nothing is told."""
        seconds = _numbers(X, "timestamp")
        observed = {
            "genre_encoded": _encode(genre_encoder, X, "genre"),
            "country_encoded": _encode(country_encoder, X, "user_country"),
            "hour_of_day": seconds // 3600 % 24,
            "day_of_week": (seconds // DAY + 3) % 7,  # 1970-01-01 was a Thursday
        }
        for name, (column, *_) in OBSERVED.items():
            if name == column or column not in X.columns:  # a number, as all are in a frame of features
                observed[name] = _numbers(X, name)
        return observed

    def _assemble(self, X, observed, user, movie, user_avg, movie_avg):
        """Fill gaps, and put the features side by side. `user` and `movie` are positions, -1 if unknown."""
        columns = {name: X[name].to_numpy(dtype=np.int64) for name in IDS}
        for feature, (_, owner, _) in OBSERVED.items():
            # what training never saw, no model can have learned to use
            values = np.full(len(X), np.nan) if feature in self.absent_ else observed[feature]
            if owner is not None:
                known = _lookup(self.known_[feature], user if owner == "user" else movie, np.nan)
                values = np.where(np.isnan(values), known, values)
            columns[feature] = np.where(np.isnan(values), self.fill_[feature], values)
        columns |= {"user_avg_rating": user_avg, "movie_avg_rating": movie_avg}
        columns["user_movie_interaction"] = user_avg * movie_avg
        columns["user_rating_count"] = _lookup(self.user_count_, user, 0.0)
        columns["movie_rating_count"] = _lookup(self.movie_count_, movie, 0.0)
        return pd.DataFrame(columns, index=X.index, columns=self.get_feature_names_out())

def _damped_mean(total, count, mean, damping):
    """Return (total + damping * mean) / (count + damping), and the mean where nothing can be divided."""
    weight = count + damping
    return np.where(weight > 0, (total + damping * mean) / np.where(weight > 0, weight, 1), mean)

def _cross_fitted(position, ratings, counted, fold, damping):
    """Return for every row the damped average of its user (or movie) over all folds but the row's own."""
    shape = fold.max() + 1, position.max() + 1
    cell = np.ravel_multi_index((fold, position), shape)
    count = np.bincount(cell, counted, shape[0] * shape[1]).reshape(shape)  # (n_folds, n_users)
    total = np.bincount(cell, counted * ratings, shape[0] * shape[1]).reshape(shape)
    count, total = count.sum(axis=0) - count, total.sum(axis=0) - total  # subtle: now of the *other* folds
    mean = total.sum(axis=1, keepdims=True) / np.maximum(count.sum(axis=1, keepdims=True), 1)  # (n_folds, 1)
    return _damped_mean(total, count, mean, damping)[fold, position]


# ===== 3. Models: one table, one pipeline ===================================================================
# The features are part of the model, not of the data. That is the heart of the lesson: a pipeline that takes
# *raw* rows learns its averages from the rows it is fitted on, anew in each fold of a cross-validation, in a
# search, in the final fit. There is no line left in which they could leak.

#: The steps between features and model. An id is a label, not a quantity: the 13 features begin with the two
#: ids, which stop here. A forest does not need the scaler; it is there for whatever takes the forest's place.
_NO_IDS = ColumnTransformer([("keep", "passthrough", slice(2, None))], verbose_feature_names_out=False)
SCALING = [("scaler", StandardScaler())]
DAMPINGS = {"features__damping": [2.0, 5.0, 10.0, 20.0]}

#: What a model is: its features, the steps after them, the regressor, and the search space, from which
#: `tune_hyperparameters=True` draws. Another model is one row more; section 7 adds "factors" and "blend". The
#: forest's settings are a fast choice near the best of a grid: `python benchmarks/forest_grid.py`.
MODELS = {
    "forest": {
        "features": UserMovieFeatureTransformer(), "scaling": SCALING,
        "regressor": RandomForestRegressor(100, max_features=1 / 3, min_samples_leaf=5, max_samples=0.05),
        "search": {"model__max_features": [1 / 3, 0.5, 1.0], "model__min_samples_leaf": [1, 5, 10, 20],
                   "model__max_samples": [0.05, 0.1, 0.3], **DAMPINGS}},
    "boosting": {
        "features": UserMovieFeatureTransformer(), "scaling": SCALING,
        "regressor": HistGradientBoostingRegressor(early_stopping=True),  # stop before it learns noise
        "search": {"model__learning_rate": [0.03, 0.05, 0.1], "model__max_leaf_nodes": [7, 15, 31, 63],
                   "model__min_samples_leaf": [20, 50, 100], "model__l2_regularization": [0.0, 1.0, 10.0],
                   **DAMPINGS}},
    "linear": {
        "features": UserMovieFeatureTransformer(), "scaling": SCALING, "regressor": Ridge(),
        "search": {"model__alpha": [0.01, 0.1, 1.0, 10.0, 100.0, 1000.0], **DAMPINGS}},
}

def _recipe(model):
    """Return the row of `MODELS` of a name. A regressor of your own: that of its type, or the forest's."""
    if isinstance(model, str) and model in MODELS:
        return MODELS[model]
    if isinstance(model, type) or not (hasattr(model, "fit") and hasattr(model, "predict")):
        raise ValueError(f"model must be one of {list(MODELS)} or a regressor, got {model!r}.")
    same_type = [row for row in MODELS.values() if type(row["regressor"]) is type(model)]
    return (same_type or [MODELS["forest"]])[0] | {"regressor": model, "search": None}


class RatingPipeline(_OnTables, RegressorMixin, Pipeline):
    """A scikit-learn `Pipeline` that takes raw rows and keeps its predictions to the scale of its ratings.

    `y_min_` and `y_max_` are that scale, in stars: a model may answer 5.3, which nobody can give. A slice,
    such as ``pipeline[1:]``, is a plain `Pipeline`, fitted if this one is.
    """

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

N_CANDIDATES = 12  # random draws find more than a grid of as many points: Bergstra & Bengio, JMLR 13 (2012)
N_FOLDS, N_SEARCH_FOLDS = 5, 3
ERRORS = {"RMSE": "neg_root_mean_squared_error", "MAE": "neg_mean_absolute_error", "R2": "r2"}

def rating_metrics(y_true, y_pred):
    """Return how far predictions are off: RMSE and MAE in stars, R2 as the share of variance explained."""
    metrics = {"RMSE": root_mean_squared_error, "MAE": mean_absolute_error, "R2": r2_score}
    return {name: float(metric(y_true, y_pred)) for name, metric in metrics.items()}


class SklearnEcosystemPipeline(_OnTables, RegressorMixin, BaseEstimator):
    """From a table of ratings to one deployable artifact: features, training, evaluation, lists, saving.

    It is a scikit-learn regressor itself. All parallel work goes through joblib: a call under
    ``with joblib.parallel_config("threading", n_jobs=-1):`` uses every core.

    Parameters
    ----------
    model : name of a row of `MODELS`, or any regressor, default="forest"
        A regressor of your own gets the features of its type's row, or else the forest's; it keeps its seed.
    select : a step between scaling and model, such as ``SelectKBest(f_regression, k=8)``, default=None
    random_state : int, default=42
        For folds, features, models and searches: the same seed gives the same figures.
    verbose : whether `train` and `save_pipeline` print what they do, default=False

    Attributes
    ----------
    pipeline, cv_scores, best_params
        The fitted `RatingPipeline`; the RMSE of every fold in stars, shape (5,); the choice of the search, a
        dict. Each is None before training, or if the last training did not compute it.

    Examples
    --------
    >>> table = MovieRecommendationDataset(n_users=100, n_movies=50, n_ratings=1000).generate()
    >>> recommender = SklearnEcosystemPipeline(model="linear").fit(table[:800])
    >>> metrics, predictions = recommender.evaluate(table[800:], table["rating"][800:])
    >>> list(metrics), predictions.shape
    (['RMSE', 'MAE', 'R2'], (200,))
    """

    pipeline = property(lambda self: getattr(self, "pipeline_", None))
    cv_scores = property(lambda self: getattr(self, "cv_scores_", None))
    best_params = property(lambda self: getattr(self, "best_params_", None))

    def __init__(self, *, model="forest", select=None, random_state=42, verbose=False):
        self.model, self.select, self.random_state, self.verbose = model, select, random_state, verbose

    def create_features(self, df):
        """Engineer the features of a table with the column `rating`, to look at them.

        Returns ``(X, y, transformer, genre_encoder, country_encoder)``: a DataFrame of shape (n_rows, 13), a
        Series of ratings, and what was fitted. You may train on slices of X: averages are learned anew then.
        """
        table, ratings = _check_training_table(df)
        transformer = UserMovieFeatureTransformer(random_state=self.random_state)
        X = transformer.set_output(transform="default").fit_transform(table, ratings)
        y = pd.Series(ratings, index=X.index, name=RATING)
        return X, y, transformer, transformer.genre_encoder_, transformer.country_encoder_

    def build_pipeline(self):
        """Return an unfitted `RatingPipeline`: features, (drop_ids,) scaler, (select,) model."""
        recipe = _recipe(self.model)
        ids = [] if recipe.get("reads_ids") else [("drop_ids", _NO_IDS)]
        steps = [("features", recipe["features"]), *ids, *recipe["scaling"]]
        if self.select is not None:
            if not ids:
                raise ValueError(f"select does not go with model={self.model!r}: it reads only the two ids.")
            steps.append(("select", self.select))
        pipeline = clone(RatingPipeline([*steps, ("model", recipe["regressor"])]))
        for _, step in pipeline.steps[:-1]:
            if hasattr(step, "set_output"):
                step.set_output(transform="default")  # the same for every model, whatever `set_config` says
        ours = ("features__", "model__") if isinstance(self.model, str) else ("features__",)
        names = [name for name in pipeline.get_params() if name.startswith(ours)]
        return pipeline.set_params(**{n: self.random_state for n in names if n.endswith("random_state")})

    def train(self, X, y=None, perform_cv=True, tune_hyperparameters=False):
        """Train on raw or engineered rows, and tell by cross-validation (CV) how well. Return the pipeline.

        `y`: stars, (n_rows,); None: X's column `rating`. `perform_cv`: compute `cv_scores` (train on four
        fifths, score on the last, five times). `tune_hyperparameters`: first choose them by a random search,
        12 candidates in 3 folds; `cv_scores` come out a little too good then, a test score does not.
        """
        X, ratings = _check_training_table(X, y)
        self._say("Building pipeline...")
        pipeline, cv_scores, best_params = self.build_pipeline(), None, None
        if tune_hyperparameters:
            best_params = self._search(pipeline, X, ratings)
            pipeline.set_params(**best_params)
        if perform_cv:
            self._say("Performing cross-validation...")
            cv_scores = _cross_validate(pipeline, X, ratings, self.random_state)["RMSE"].to_numpy()
            self._say(f"CV RMSE: {cv_scores.mean():.4f} (+/- {cv_scores.std():.4f})")
        pipeline.fit(X, ratings)
        titled = X.reindex(columns=["movie_id", "title"]).dropna().drop_duplicates("movie_id", keep="last")
        inputs = [name for name in X if name in {*TABLE_COLUMNS, *FEATURES} - {RATING}]
        vars(self).update(  # all has been computed; nothing is left of the last training
            pipeline_=pipeline, model_=str(self.model), cv_scores_=cv_scores, best_params_=best_params,
            interactions_=dict(zip([*IDS, RATING], (*_check_table(X), ratings))), test_scores_=None,
            titles_=dict(titled.to_numpy(dtype=object)), ranking_scores_=None,
            signature_={name: str(X[name].dtype) for name in inputs}, ranker_=None)
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

        A warning tells of test pairs that the model was trained on: the figures are too good then.
        """
        predictions = self.predict(X_test)
        metrics = rating_metrics(_check_ratings(X_test, y_test), predictions)
        tested = pd.DataFrame(dict(zip(IDS, _check_table(X_test))))
        trained_on = len(tested.merge(pd.DataFrame(self.interactions_)[IDS]))
        if trained_on:
            warnings.warn(f"{trained_on} test rows are of pairs that the model was trained on.", stacklevel=2)
        self.test_scores_ = {"rows": len(predictions)} | metrics
        return metrics, predictions

    def evaluate_ranking(self, X_test, y_test=None, k=10, relevant_from=4.0, by="taste"):
        """Return the `ranking_metrics` of lists of `MovieRanker`, which serves every `model`.

        For every user with a relevant test movie, all movies of the training are ranked, except those the
        user rated there. `by` is "taste", or, to compare with, "popularity" or "chance" (its expectation).
        """
        ranker, k, relevant = self.ranker, *_check_ranking(X_test, y_test, k, relevant_from)
        figures = _evaluate_ranking(ranker, relevant, k, by)
        if by == "taste":
            about = {"users": relevant["user_id"].nunique(), "relevant_from": relevant_from}
            self.ranking_scores_ = about | figures
        return figures

    def recommend(self, user_id=None, n=10, *, ratings=None):
        """Return the `n` best movies (fewer if fewer are left) for a user, or for somebody new, best first.

        Pass the `user_id` of a user of the training, or `ratings`, a dict {movie_id: stars} of somebody new,
        for whom nothing is trained again (unknown movies are passed over with a warning; {}: popular movies).
        What was rated is left out. Returns a DataFrame: `movie_id`, `title` where known, `score` (of the
        ranking), `predicted_rating` (stars; for somebody new, only "factors" uses the ratings given).
        """
        return _recommend(self, user_id, n, ratings)

    @property
    def ranker(self):
        """The `MovieRanker` of the training rows, fitted when it is first asked for."""
        check_is_fitted(self, "pipeline_")
        if self.ranker_ is None:
            self.ranker_ = MovieRanker().fit(pd.DataFrame(self.interactions_))
        return self.ranker_

    def save_pipeline(self, filepath="production_pipeline.pkl"):
        """Save this object, and a model card at `filepath` + ".json" (section 5). Return `filepath`."""
        check_is_fitted(self, "pipeline_")
        _save(self, filepath)
        self._say(f"Pipeline saved to {filepath}")
        return filepath

    @staticmethod
    def load_pipeline(filepath="production_pipeline.pkl"):
        """Return the object that `save_pipeline` saved, once it is seen to be whole and to predict as it did.

        A pickle runs code when it is loaded: load only what you trust. The digest catches damage, not an
        attacker. A ValueError tells that the file is damaged, is no pipeline, or predicts differently; a
        UserWarning, that it has no digest, another scikit-learn version, or the card of another artifact.
        """
        return _load(filepath)

    def set_params(self, **params):
        """Set parameters of this object; those of a regressor of your own are reached as ``model__NAME``."""
        nested = [name for name in params if name.startswith("model__")]
        if nested and isinstance(params.get("model", self.model), str):
            where = "a parameter inside the pipeline: search or set it on build_pipeline(), which has all"
            raise ValueError(f"model={self.model!r} is only a name, and {nested[0]!r} {where}.")
        return super().set_params(**params)

    def _search(self, pipeline, X, ratings):
        space, folds = _recipe(self.model)["search"], _folds(N_SEARCH_FOLDS, self.random_state)
        if space is None:
            named = [name for name, row in MODELS.items() if row["search"]]
            raise ValueError(f"tune_hyperparameters=True needs a model of {named}, not {self.model!r}.")
        self._say(f"Searching: {N_CANDIDATES} candidates in {N_SEARCH_FOLDS} folds...")
        how = {"scoring": ERRORS["RMSE"], "error_score": "raise", "refit": False}
        how |= {"random_state": self.random_state, "verbose": 2 if self.verbose else 0}
        search = RandomizedSearchCV(pipeline, space, n_iter=N_CANDIDATES, cv=folds, **how).fit(X, ratings)
        self._say(f"Best: {search.best_params_}")
        return search.best_params_

    def _say(self, line):
        if self.verbose:
            say(line)

    def _sk_visual_block_(self):  # scikit-learn's HTML diagram then shows the steps of the pipeline
        return (self.pipeline or self.build_pipeline())._sk_visual_block_()

def _folds(n_folds, random_state):
    # Shuffled, because real releases are sorted by user: whole users would be missing from training.
    return KFold(n_folds, shuffle=True, random_state=random_state)

def _cross_validate(pipeline, X, ratings, random_state, **how):
    folds = _folds(N_FOLDS, random_state)
    found = cross_validate(pipeline, X, ratings, cv=folds, scoring=ERRORS, error_score="raise", **how)
    figures = {"RMSE": -found["test_RMSE"], "MAE": -found["test_MAE"], "R2": found["test_R2"]}
    figures |= {"fit_s": found["fit_time"], "predict_s": found["score_time"]}
    return pd.DataFrame(figures, index=range(1, N_FOLDS + 1))

def compare_models(X, y=None, *, random_state=42, verbose=False):
    """Cross-validate every model on the same five folds, beside two baselines; X and y as in `train`.

    The baselines: "mean" always answers the mean rating, "two lines" are those of section 2. All models share
    a fold's luck, so the ± of a model's own folds says little about which is better: compare fold by fold.

    Returns a DataFrame, one row per model: `RMSE`, `MAE` (stars), `R2`, `fit_s`, `predict_s` (seconds), each
    the mean of the folds, with its standard deviation (`RMSE_std` and so on); the folds (`RMSE_1` ...); and
    `to_best`, `to_best_se`: the mean difference in RMSE to the best, and its standard error.
    """
    X, ratings = _check_training_table(X, y)
    since_1_9 = TargetEncoder().shuffle == "deprecated"  # how its folds are seeded has changed
    seeded = {"cv": _folds(N_FOLDS, random_state)} if since_1_9 else {"random_state": random_state}
    encoder = ColumnTransformer([("ids", TargetEncoder(target_type="continuous", **seeded), IDS)])
    candidates = {"mean": DummyRegressor(), "two lines": make_pipeline(encoder, Ridge())}
    for name in MODELS:
        candidates[name] = SklearnEcosystemPipeline(model=name, random_state=random_state).build_pipeline()
    found = {}
    for name, candidate in candidates.items():
        # n_jobs=1: times of fits that share the machine would tell nothing
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
# A model is deployed when another process, on another day, gets the same answers out of it, or is told why
# not. That takes more than a pickle: proof that the file is whole (a *digest*, the SHA-256 of its bytes), and
# in a *model card*, a JSON file beside it, the versions that made it and an example to check.

DIGEST_MARK = b"\nsha256:"
DIGEST_SIZE = len(DIGEST_MARK) + 64
SAME_PREDICTION = 1e-6  # stars; the same arithmetic on another processor may differ in the last digits

def _save(recommender, filepath):
    path = _check_artifact_path(filepath)
    try:
        recommender.ranker  # noqa: B018  fitted now, so that the artifact can recommend at once
    except MemoryError as error:
        warnings.warn(f"The artifact predicts, but cannot recommend: {error}", stacklevel=3)
    try:
        card = _model_card(recommender, path.name)
    except Exception as error:  # of a feature of your own
        raise ValueError(f"Cannot save: the model cannot predict from the ids alone: {error}") from error
    card["sha256"] = _write_atomically(path, recommender)
    card = json.loads(json.dumps(card), parse_constant=lambda nan: None)  # JSON has no NaN (R2 of one row)
    _write_atomically(Path(f"{path}.json"), json.dumps(card, indent=2).encode())

def _load(filepath):
    """Return a saved recommender. Digest and card are read before the pickle is loaded, which runs code."""
    path = Path(os.path.realpath(filepath))
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {filepath}; save_pipeline (or --output) writes it.")
    with path.open("rb") as file:
        digest = _check_digest(file, path)
        card = _read_card(Path(f"{path}.json"), digest)
        recommender, made_with = _unpickle(file, path, digest, card)
    versions = f"scikit-learn {made_with}, but this is {sklearn.__version__}"
    if made_with != sklearn.__version__:
        warnings.warn(f"{filepath} was made with {versions}: train it again.", stacklevel=3)
    if card is not None:
        then = card["example"]["prediction"]
        try:
            now = float(recommender.predict(pd.DataFrame([card["example"]["input"]]))[0])
        except Exception as error:  # an object of another version may lack anything
            raise ValueError(f"{path} cannot predict: made with {versions}. Train it again.") from error
        if abs(now - then) > SAME_PREDICTION:
            raise ValueError(f"{path} predicts {now} for the model card's example; when saved, {then}.")
    return recommender

def _write_atomically(path, content):
    """Write bytes, or pickle an object, to a file beside `path`, then rename it; return a pickle's digest."""
    temporary = path.with_name(f".{secrets.token_hex(16)}.tmp")  # nobody can guess it, no two savers share it
    mode, digest = path.stat().st_mode & 0o777 if path.exists() else 0o666, None
    try:  # "x": never through a file or a link that is already there
        with open(temporary, "x+b", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                joblib.dump(content, file)
                digest = _sha256(file, file.tell())
                file.write(DIGEST_MARK + digest.encode())
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise type(error)(f"Cannot write {path}: {error.strerror or error}.") from error
    except (pickle.PicklingError, AttributeError, TypeError) as error:  # a lambda, a class inside a function
        raise ValueError(f"Cannot save what cannot be pickled: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return digest

def _unpickle(file, path, digest, card):
    """Return the object, and the version of scikit-learn that made it, as far as card or pickle tell."""
    by_card = card and card["versions"]["scikit-learn"]
    file.seek(0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            recommender = joblib.load(file)
        except Exception as error:  # damaged bytes, and those of another version, can raise anything
            file.seek(0)
            told = re.search(rb"_sklearn_version.{1,9}?(\d+\.\d[\w.]*)", file.read(), re.DOTALL)
            made_with = by_card or (told[1].decode() if told else sklearn.__version__)
            if digest is not None and made_with != sklearn.__version__:
                versions = f"scikit-learn {made_with} and cannot be loaded by {sklearn.__version__}"
                raise ValueError(f"{path} is whole, but was made with {versions}: train it again.") from error
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            what = "damaged or no saved pipeline" if digest is None else "whole, but cannot be loaded here"
            raise ValueError(f"{path} is {what}: {reason}") from error
    if digest is None and file.read(1):
        raise ValueError(f"{path} is damaged: something other than a digest follows the pickle.")
    if not hasattr(recommender, "predict"):
        raise ValueError(f"{path} holds no pipeline, but an object of type {type(recommender).__name__}.")
    told = [w.message for w in caught if issubclass(w.category, InconsistentVersionWarning)]
    return recommender, by_card or (told[0].original_sklearn_version if told else sklearn.__version__)

def _model_card(recommender, name):
    """Return what people and tools should know of the artifact before they load it: nothing of a person."""
    pipeline, cv_scores = recommender.pipeline_, recommender.cv_scores_
    users, movies = (recommender.interactions_[name] for name in IDS)
    example = {"user_id": int(users.max()) + 1, "movie_id": int(movies[0])}  # somebody new
    modules = {"numpy": np, "pandas": pd, "scikit-learn": sklearn, "joblib": joblib}
    scores = {"test": recommender.test_scores_, "ranking": recommender.ranking_scores_}
    return {
        "artifact": name, "sha256": None, "created": pd.Timestamp.now("UTC").isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version()} | {n: m.__version__ for n, m in modules.items()},
        "model": recommender.model_, "input": recommender.signature_, "input_required": IDS,
        "output": "float64, stars", "rating_scale": [pipeline.y_min_, pipeline.y_max_],
        "training_rows": len(users), "best_params": recommender.best_params_,
        "parameters": {name: repr(value) for name, value in pipeline.get_params().items() if "__" in name},
        "scores": {"cv_rmse": None if cv_scores is None else cv_scores.tolist()} | scores,
        "example": {"input": example, "prediction": float(recommender.predict(pd.DataFrame([example]))[0])},
    }


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
    """Run the whole lesson in seven steps and print what happens.

    `data`: a table of ratings, such as `load_movielens` gives; None: a synthetic one of the three sizes. The
    seed is also that of split, folds and model. `output` is the path of the artifact.

    Returns a dict: `pipeline`, the trained `SklearnEcosystemPipeline`; `metrics`, its test scores; `data`,
    (X_train, X_test, y_train, y_test), raw rows and ratings; `baseline_rmse`, `fragile_rmse`, `noise_floor`:
    the RMSE of always answering the mean, of the same model with averages from before the split (None if it
    reads none), and of the best possible predictor (None if the law is not known); `ranking`, or None.
    """
    dataset = MovieRecommendationDataset(n_users, n_movies, n_ratings, random_state)
    dataset.check()  # refuse before anything is printed
    _check_artifact_path(output)
    say(f"{'=' * 60}\nScikit-learn Ecosystem: Production ML Pipeline Demo\n{'=' * 60}")
    say(f"Step 1: {'Generating' if data is None else 'Reading'} movie rating dataset...")
    data, dataset = (dataset.generate(), dataset) if data is None else (_check_training_table(data)[0], None)
    say(f"✓ Dataset created: {len(data)} ratings from {data['user_id'].nunique()} users")
    y = data[RATING].astype(np.float64)
    say(f"  Rating range: {y.min()} - {y.max()}\n  Average rating: {y.mean():.2f}")

    say("Step 2: Engineering features...")
    recommender = SklearnEcosystemPipeline(model=model, random_state=random_state, verbose=True)
    _show_features(recommender.create_features(data)[0])

    say("Step 3: Splitting data...")
    split = train_test_split(data.drop(columns=RATING), y, test_size=0.2, random_state=random_state)
    X_train, X_test, y_train, y_test = split
    say(f"✓ Train set: {len(X_train)} samples\n  Test set: {len(X_test)} samples")

    say("Step 4: Training pipeline with cross-validation...")
    recommender.train(X_train, y_train, tune_hyperparameters=tune)

    say("Step 5: Evaluating on test set...\nTest Set Performance:")
    errors = _show_errors(recommender, split, dataset)
    errors["fragile_rmse"] = _show_the_fragile_way(recommender, data, split, errors["noise_floor"])
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

def _show_features(X):
    say(f"✓ Features created: {X.shape[1]} features from {len(X)} samples")
    say(f"  Feature columns: {list(X.columns[:5])}...")
    for who, did in (("user", "gave"), ("movie", "got")):
        one, count, average = X.iloc[0][[f"{who}_id", f"{who}_rating_count", f"{who}_avg_rating"]]
        rated = f"{did} {count:.0f} ratings, average of the other folds {average:.2f}"
        say(f"  First sample: {who} {one:.0f} {rated}")
    say("  (These are to look at. Training takes raw rows, and makes its features from those alone.)")

def _show_errors(recommender, split, dataset):
    """Step 5: put the model's error between that of knowing nothing and that of knowing the law."""
    _, X_test, y_train, y_test = split
    metrics, predictions = recommender.evaluate(X_test, y_test)
    rmse, baseline = metrics["RMSE"], rating_metrics(y_test, np.full(len(y_test), y_train.mean()))["RMSE"]
    error = ((y_test - predictions) ** 2).sem() / (2 * rmse)  # the standard error of a root: delta method
    floor = None if dataset is None else dataset.best_rmse(X_test)
    say(f"  RMSE: {rmse:.4f}\n    {baseline:.4f}  always answering the mean rating")
    say(f"    {rmse:.4f}  this model (± {error:.4f}, the standard error with {len(y_test)} test rows)")
    if dataset is not None:
        here = rating_metrics(y_test, dataset.true_expected_[y_test.index])["RMSE"]
        luck = f"{here:.4f} on these rows, by luck"
        say(f"    {floor:.4f}  the noise floor: expected of a perfect predictor ({luck})")
    say(f"  MAE: {metrics['MAE']:.4f}\n  R2: {metrics['R2']:.4f}")
    return {"metrics": metrics, "baseline_rmse": baseline, "noise_floor": floor}

def _show_the_fragile_way(recommender, data, split, floor):
    """Step 5: the same model, but on averages that were computed before the split. Its figure is a lie."""
    if "drop_ids" not in recommender.pipeline.named_steps:
        return None  # a model that reads only ids reads no average
    X_train, X_test, y_train, y_test = split
    pipeline = clone(recommender.pipeline)  # with the settings that were trained, tuned or not
    transformer = pipeline["features"].fit(data)
    model = pipeline[1:].fit(transformer.transform(X_train), y_train)
    rmse = rating_metrics(y_test, model.predict(transformer.transform(X_test)))["RMSE"]
    say(f"  The fragile way, with averages computed before the split: RMSE {rmse:.4f}. Do not believe it:")
    too_good = ", and no honest model gets below the noise floor" if floor and rmse < floor else ""
    say(f"    these averages contain the ratings of the test rows{too_good}.")
    return rmse

def _show_lists(recommender, data, X_test, y_test):
    """Step 5: the figures of lists, between those of chance and of what everybody watches."""
    ways = ("taste", "popularity", "chance")
    try:
        taste, popular, chance = (recommender.evaluate_ranking(X_test, y_test, by=way) for way in ways)
    except (ValueError, MemoryError) as error:  # nothing relevant, or too large a table
        say(f"  No lists are scored: {error}")
        return None
    relevant = X_test.loc[y_test >= 4.0, "user_id"].value_counts()
    say("  Lists of 10 movies by MovieRanker. A test movie with 4 stars or more should be among them:")
    for name, value in taste.items():
        limit = f", at most {relevant.clip(upper=10).mean() / 10:.4f}" if name == "Precision@10" else ""
        say(f"  {name}: {value:.4f}")
        say(f"    (by popularity {popular[name]:.4f}, by chance {chance[name]:.4f}{limit})")
    n_all, n_tested, n_listed = data["user_id"].nunique(), X_test["user_id"].nunique(), len(relevant)
    without = f"{n_tested - n_listed} without a relevant test movie + {n_all - n_tested} without a test row"
    say(f"  Users: {n_all} = {n_listed} with a list + {without}")
    return taste


# ===== 7. Recommenders: factors, rankings, their metrics ====================================================
# The 13 features know a user by an average: they can tell good movies from bad ones, but not one taste from
# another. The two models of this section can. `MatrixFactorization` fills the gaps of the table: how many
# stars would it be? `MovieRanker` makes lists: what to watch next? These are two questions, because the first
# ten of a list are chosen among all movies, most of which the user would never rate.


class MatrixFactorization(_OnTables, RegressorMixin, TransformerMixin, BaseEstimator):
    """Biased matrix factorization: a rating is a mean, two biases, and how well a taste fits a movie::

        rating[u, m] = mean + user_bias[u] + movie_bias[m] + user_factors[u] . movie_factors[m]

    Alternating least squares, one factor after the other (Yu et al., "Scalable Coordinate Descent Approaches
    to Parallel Matrix Factorization", 2012). With the movies' side q of a factor fixed, the users' side p is
    a ridge regression of the residuals r that all else leaves over, and the other way round::

        p[u] = sum over u's movies of  w[u] q[m] r[u, m] / (regularization + sum of w[u] (q[m]^2 + var q[m]))

    Two things make it believe noise less: q is only an estimate, so its variance is added to its square (Lim
    & Teh, 2007); users whose ratings scatter widely have a smaller weight w. An unknown user or movie has
    bias and factors 0. As a transformer it gives its estimate, cross-fitted in `fit_transform`.

    Parameters
    ----------
    n_factors, n_sweeps : int, default=16, 5
        0 factors leave only the biases; the number of passes over all factors and biases.
    regularization, damping : float, default=5.0, 3.0
        The ridge penalty on factors; that on biases, in ratings, as in `UserMovieFeatureTransformer`.
    cv, random_state : default=5, 0
        The folds of `fit_transform`; the seed of the folds and of the factors' first values.

    Attributes
    ----------
    users_, movies_, global_mean_, y_min_, y_max_
        The ids of the training, sorted; mean and scale of the ratings, which predictions keep to.
    user_bias_, movie_bias_, user_factors_, movie_factors_ : ndarray
        In the order of the ids: biases in stars, (n_users,), and factors, (n_users, n_factors).
    """

    def __init__(self, n_factors=16, regularization=5.0, damping=3.0, n_sweeps=5, cv=5, random_state=0):
        self.n_factors, self.regularization, self.damping = n_factors, regularization, damping
        self.n_sweeps, self.cv, self.random_state = n_sweeps, cv, random_state

    def fit(self, X, y=None):
        """Fit on ratings; X and y as in `UserMovieFeatureTransformer.fit`."""
        _check_number("n_factors", self.n_factors, 0, integer=True)
        _check_number("n_sweeps", self.n_sweeps, 1, integer=True)
        _check_number("regularization", self.regularization, 0, above=True)
        _check_number("damping", self.damping, 0)
        rng = check_random_state(self.random_state)
        users, user, movies, movie, ratings = _interactions(X, y)
        validate_data(self, X, skip_check_array=True)  # records the names of the columns
        self.users_, self.user_bias_ = users, np.zeros(users.size)
        self.movies_, self.movie_bias_ = movies, np.zeros(movies.size)
        self.global_mean_, self.y_min_, self.y_max_ = ratings.mean(), ratings.min(), ratings.max()
        # Two sparse tables of users and movies, whose values stand in the order of the rows.
        weights = sparse.csr_matrix((np.ones(user.size), (user, movie)))
        residuals = sparse.csr_matrix((ratings - self.global_mean_, (user, movie)))  # subtle: times weight
        for _ in range(10):  # sweeps until the biases stand still; a sweep is cheap
            self._fit_biases(weights, residuals, user, movie)
        # Users whose residuals scatter count less: by the root of 1 / variance, because a part is taste. The
        # variance of a few residuals says little, so we add twenty imaginary average ones.
        variance, count = max(np.mean(residuals.data**2), 1e-12), np.bincount(user)
        weight = 1 / np.sqrt(_damped_mean(np.bincount(user, residuals.data**2), count, variance, 20.0))
        weights.data[:] = (weight / np.average(weight, weights=count))[user]  # 1 on average over the rows
        residuals.data *= weights.data
        self._fit_factors(rng, weights, residuals, user, movie)
        return self

    def predict(self, X):
        """Return predicted ratings in stars, shape (n_rows,), within the scale of the training."""
        return np.clip(np.asarray(self.transform(X)).ravel(), self.y_min_, self.y_max_)

    def fit_transform(self, X, y=None):
        """Fit on all rows, and return estimates in which every row comes from a fit on the other folds."""
        counts = _latest_of_pair(X, *_check_table(X), warn=False)  # older ratings count in no fold
        folds = list(_folds(self.cv, self.random_state).split(X))
        self.fit(X, y)
        ratings, estimate = _check_ratings(X, y), np.empty((len(X), 1))
        for others, rows in folds:
            others = others[counts[others]]
            model = clone(self).fit(X.iloc[others], ratings[others])
            estimate[rows] = np.asarray(model.transform(X.iloc[rows]))
        return estimate

    def transform(self, X):
        """Return the estimate as a feature, in stars and not kept to the scale: shape (n_rows, 1)."""
        check_is_fitted(self)
        users, movies = _check_table(X)
        user, movie = _positions(self.users_, users), _positions(self.movies_, movies)
        estimate = self.global_mean_ + _lookup(self.user_bias_, user, 0) + _lookup(self.movie_bias_, movie, 0)
        for user_side, movie_side in zip(self.user_factors_.T, self.movie_factors_.T):
            estimate += _lookup(user_side, user, 0) * _lookup(movie_side, movie, 0)
        return estimate[:, None]

    def get_feature_names_out(self, input_features=None):
        """Return the name of the feature."""
        return np.array(["factor_rating"], dtype=object)

    def predict_new(self, rated, stars, movie_ids):
        """Return the stars for `movie_ids` of somebody new, who gave `stars` to the movies `rated`."""
        check_is_fitted(self)
        rated, movie_ids = _ids(pd.Series(rated, name="rated")), _ids(pd.Series(movie_ids, name="movie_ids"))
        position, movie = _positions(self.movies_, rated), _positions(self.movies_, movie_ids)
        known, stars = position[position >= 0], _check_ratings(rated, stars)[position >= 0]
        # One ridge regression for the newcomer's bias and factors together: (n_known, 1 + n_factors)
        sides = np.column_stack([np.ones(known.size), self.movie_factors_[known]])
        penalty = np.diag([self.damping] + [self.regularization] * self.movie_factors_.shape[1])
        residuals = stars - self.global_mean_ - self.movie_bias_[known]
        newcomer = np.linalg.lstsq(sides.T @ sides + penalty, sides.T @ residuals, rcond=None)[0]
        fit = _lookup(self.movie_bias_ + self.movie_factors_ @ newcomer[1:], movie, 0)
        return np.clip(self.global_mean_ + newcomer[0] + fit, self.y_min_, self.y_max_)

    def _fit_biases(self, weights, residuals, user, movie):
        for bias, position in ((self.movie_bias_, movie), (self.user_bias_, user)):
            weight, total = np.bincount(position, weights.data), np.bincount(position, residuals.data)
            new = (total + weight * bias) / (weight + self.damping)
            residuals.data -= weights.data * (new - bias)[position]
            bias[:] = new

    def _fit_factors(self, rng, weights, residuals, user, movie):
        P, P_var = np.zeros((2, self.n_factors, self.users_.size))  # the users' side and its variance
        Q = 0.3 * rng.standard_normal((self.n_factors, self.movies_.size))  # the movies' side; small numbers
        Q_var = np.zeros_like(Q)
        for _ in range(self.n_sweeps):
            noise = (residuals.data**2 / weights.data).sum() / weights.data.sum()  # variance at weight 1
            for k in range(self.n_factors):
                residuals.data += weights.data * P[k][user] * Q[k][movie]
                for _ in range(3):  # with one round, the next factor would start on unfinished work
                    P[k], P_var[k] = self._half_step(weights, residuals, Q[k], Q_var[k], noise)
                    Q[k], Q_var[k] = self._half_step(weights.T, residuals.T, P[k], P_var[k], noise)
                residuals.data -= weights.data * P[k][user] * Q[k][movie]
            self._fit_biases(weights, residuals, user, movie)
        self.user_factors_, self.movie_factors_ = P.T.copy(), Q.T.copy()

    def _half_step(self, weights, residuals, fixed_side, fixed_var, noise):
        """Return one side of a factor and its variance, the other being fixed: the docstring's equation."""
        precision = self.regularization + weights @ (fixed_side**2 + fixed_var)
        return residuals @ fixed_side / precision, noise / precision

def _interactions(X, y):
    """Return users, their positions, movies, theirs, and ratings: one row per pair, sorted by user, movie."""
    users, movies = _check_table(X)
    ratings = _check_ratings(X, y)
    counts = _latest_of_pair(X, users, movies)
    user, users = pd.factorize(users[counts], sort=True)
    movie, movies = pd.factorize(movies[counts], sort=True)
    order = np.lexsort((movie, user))
    return users, user[order], movies, movie[order], ratings[counts][order]

MAX_GRAM_BYTES = 4 * 2**30  # of the matrix that `MovieRanker` inverts, its inverse, and what is in between
SCORES_AT_ONCE = 2**22  # scores in one piece of work: 32 MB


class MovieRanker(_OnTables, BaseEstimator):
    """Top-N: the movies somebody should see next, from who rated what and how well.

    Every movie is regressed on all the others: a ridge regression with a zero diagonal, so that no movie
    explains itself (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019). In four lines, with
    X a dense table of users and movies that holds stars in units of their root mean square::

        P = np.linalg.inv(X.T @ X + regularization * np.eye(n_movies))
        B = -P / np.diag(P)
        np.fill_diagonal(B, 0)
        scores = X @ B                  # the same as  X - (X @ P) / np.diag(P)

    P has the size of the movies. With fewer users than movies, ``X @ P`` comes out of the inverse of
    ``X @ X.T + regularization``, which has the size of the users (the Woodbury identity).

    Parameters
    ----------
    regularization : float, default=300.0
        The ridge penalty. The larger, the more the ranking follows what is popular.

    Attributes
    ----------
    users_, movies_, popularity_ : ndarray
        The ids of the training, sorted; the share of users who rated the movie.
    interactions_, unit_ : sparse matrix of shape (n_users, n_movies), float
        X above, and its unit in stars.
    """

    def __init__(self, regularization=300.0):
        self.regularization = regularization

    def fit(self, X, y=None):
        """Learn from ratings; X and y as in `UserMovieFeatureTransformer.fit`. MemoryError: too large."""
        _check_number("regularization", self.regularization, 0, above=True)
        users, user, movies, movie, ratings = _interactions(X, y)
        needed = 3 * 8 * min(users.size, movies.size) ** 2  # bytes
        if needed > MAX_GRAM_BYTES:
            memory = f"{needed / 2**30:.0f} GiB, more than MAX_GRAM_BYTES ({MAX_GRAM_BYTES / 2**30:.0f} GiB)"
            raise MemoryError(f"Ranking {movies.size} movies for {users.size} users needs {memory}.")
        validate_data(self, X, skip_check_array=True)
        self.users_, self.movies_, self.by_users_ = users, movies, users.size <= movies.size
        self.popularity_ = np.bincount(movie) / users.size
        self.unit_ = float(np.sqrt(np.mean(ratings**2))) or 1.0
        X = self.interactions_ = sparse.csr_matrix((ratings / self.unit_, (user, movie)))
        gram = (X @ X.T if self.by_users_ else X.T @ X).toarray()  # the smaller of the two
        gram[np.diag_indices_from(gram)] += self.regularization
        self.inverse_ = np.linalg.inv(gram)
        self.diagonal_ = np.diag(self.inverse_)  # of P
        if self.by_users_:
            explained = np.zeros(movies.size)  # the diagonal of X.T @ inverse @ X, piece by piece
            for part in self._parts(X):
                explained += np.asarray(X[part].multiply(self.inverse_[part] @ X).sum(axis=0)).ravel()
            self.diagonal_ = (1 - explained) / self.regularization
        return self

    def recommend(self, user_ids, n=10):
        """Return the `n` best movies for each of the `user_ids`, without those the user rated in training.

        A DataFrame: `user_id`, `rank` (from 1), `movie_id`, `score`; users in the order asked for, movies of
        equal score by their ids. An unknown user gets the most popular movies, with a warning.
        """
        check_is_fitted(self)
        user_ids = _ids(pd.Series(np.atleast_1d(user_ids), name="user_ids"))
        unknown = len(np.setdiff1d(user_ids, self.users_))
        if unknown:
            warnings.warn(f"{unknown} of the users are unknown: they get popular movies.", stacklevel=2)
        return self._lists(user_ids, self._rows(user_ids), n)

    def recommend_new(self, ratings, n=10):
        """Return the same for new users, from their `ratings`: `user_id`, `movie_id`, `rating` in stars.

        Nothing is fitted again. Unknown movies are passed over; without any known one, popular ones come.
        """
        check_is_fitted(self)
        users, movies = _check_table(ratings)
        stars, movie = _check_ratings(ratings, None), _positions(self.movies_, movies)
        counts = _latest_of_pair(ratings, users, movies) & (movie >= 0)
        user, users = pd.factorize(users, sort=True)
        shape = users.size, self.movies_.size
        rows = sparse.csr_matrix((stars[counts] / self.unit_, (user[counts], movie[counts])), shape)
        return self._lists(users, rows, n)

    def _rows(self, user_ids):
        nothing = sparse.csr_matrix((1, self.movies_.size))  # of an unknown user, whose position is -1
        return sparse.vstack([self.interactions_, nothing], format="csr")[_positions(self.users_, user_ids)]

    def _scores(self, rows):
        stars = rows.toarray()
        if self.by_users_:
            explained = (rows @ self.interactions_.T) @ self.inverse_ @ self.interactions_
            times_P = (stars - explained) / self.regularization
        else:
            times_P = rows @ self.inverse_
        scores = stars - times_P / self.diagonal_
        scores[rows.getnnz(axis=1) == 0] = self.popularity_
        return scores

    def _parts(self, rows):
        """Return slices that go through the rows (at least one), so that their scores take little memory."""
        size = max(1, SCORES_AT_ONCE // self.movies_.size)
        return [slice(start, start + size) for start in range(0, max(1, rows.shape[0]), size)]

    def _lists(self, user_ids, rows, n, by="taste"):
        """Return the lists of users whose ratings are `rows`, by their scores or by "popularity"."""
        n, lists = _check_number("n", n, 1, integer=True), []
        for part in self._parts(rows):
            seen = rows[part].tocoo()
            scores = self._scores(rows[part]) if by == "taste" else np.zeros(seen.shape) + self.popularity_
            scores[seen.row, seen.col] = -np.inf
            user, rank, movie, score = _best(scores, n)
            ids = {"user_id": user_ids[part][user], "rank": rank, "movie_id": self.movies_[movie]}
            lists.append(pd.DataFrame(ids | {"score": score}))
        return pd.concat(lists, ignore_index=True)

def _best(scores, n):
    """Return row, rank, column and score of the n best of every row; of equal ones the first, never -inf."""
    scores = np.round(scores, 9)  # what differs only in the last digits is equal, whatever the order of sums
    n = min(n, scores.shape[1])
    least = -np.partition(-scores, n - 1, axis=1)[:, n - 1 : n]
    row, column = np.nonzero((scores >= least) & (scores > -np.inf))
    order = np.lexsort((column, -scores[row, column], row))
    row, column = row[order], column[order]
    rank = np.arange(row.size) - np.searchsorted(row, row) + 1
    row, rank, column = row[rank <= n], rank[rank <= n], column[rank <= n]
    return row, rank, column, scores[row, column]

def ranking_metrics(lists, X_test, y_test, k=10, relevant_from=4.0):
    """Score top-N lists: {"Precision@k", "Recall@k", "NDCG@k"}, means over users with a relevant test movie.

    `lists` is a DataFrame with `user_id`, `rank` (from 1) and `movie_id`. A test movie is relevant if it has
    `relevant_from` stars or more; a ValueError tells that none is. Precision is the share of a list of k that
    is relevant; recall, the share of all relevant test movies that are in it. NDCG counts a hit at rank r as
    1 / log2(r + 1), and is 1 when all relevant movies (at most k) come first (Jarvelin and Kekalainen, 2002).
    """
    return _score_lists(lists, *_check_ranking(X_test, y_test, k, relevant_from))

def _score_lists(lists, k, relevant):
    hits = lists[lists["rank"] <= k].drop_duplicates(IDS).merge(relevant, on=IDS)
    return _mean_figures(relevant, hits.assign(hit=1.0, gain=1 / np.log2(hits["rank"] + 1)), k)

def _mean_figures(relevant, hits, k):
    """Return the three figures from the relevant pairs, and from those found in lists, with their gain."""
    n_relevant = relevant.groupby("user_id").size()
    by_user = hits.groupby("user_id")[["hit", "gain"]].sum().reindex(n_relevant.index, fill_value=0.0)
    figures = {"Precision": by_user["hit"] / k, "Recall": by_user["hit"] / n_relevant}
    figures["NDCG"] = by_user["gain"] / _total_gain(np.minimum(n_relevant, k))
    return {f"{name}@{k}": float(values.mean()) for name, values in figures.items()}

def _total_gain(n_hits):
    """Return the gain of lists that begin with so many hits: 1 / log2(r + 1) summed over r = 1 ... n_hits."""
    return np.cumsum(1 / np.log2(np.arange(2, n_hits.max() + 2)))[n_hits - 1]

def _check_ranking(X_test, y_test, k, relevant_from):
    """Return k and the test pairs that a list should find, a DataFrame of `user_id` and `movie_id`."""
    k, relevant_from = _check_number("k", k, 1, True), _check_number("relevant_from", relevant_from, -np.inf)
    table = pd.DataFrame(dict(zip(IDS, _check_table(X_test))))
    relevant = table[_check_ratings(X_test, y_test) >= relevant_from].drop_duplicates()
    if relevant.empty:
        raise ValueError(f"No test rating is {relevant_from} or more: there is nothing relevant to find.")
    return k, relevant

def _evaluate_ranking(ranker, relevant, k, by):
    """Return the figures of a ranker's lists, or the expected figures of lists in random order ("chance")."""
    if by not in ("taste", "popularity", "chance"):
        raise ValueError(f"by must be 'taste', 'popularity' or 'chance', got {by!r}.")
    if by != "chance":
        users = relevant["user_id"].unique()
        return _score_lists(ranker._lists(users, ranker._rows(users), k, by), k, relevant)
    # Each movie that can be listed stands with the same chance, 1 / n_candidates, at any one of the ranks.
    rated, movie = ranker._rows(relevant["user_id"]), _positions(ranker.movies_, relevant["movie_id"])
    seen = np.asarray(rated[np.arange(len(movie)), movie]).ravel() > 0
    n_candidates = ranker.movies_.size - rated.getnnz(axis=1)
    length = np.clip(n_candidates, 1, k)
    chance = ((movie >= 0) & ~seen) / np.maximum(n_candidates, 1)
    return _mean_figures(relevant, relevant.assign(hit=chance * length, gain=chance * _total_gain(length)), k)

# ----- What the section adds to the lesson: two models, and `recommend`

MODELS["factors"] = {  # it looks users and movies up by their ids, and reads nothing else
    "reads_ids": True,
    "features": UserMovieFeatureTransformer(), "scaling": [("scaler", "passthrough")],
    "regressor": MatrixFactorization(),
    "search": {"model__n_factors": [4, 8, 16, 32], "model__regularization": [3.0, 4.5, 6.0, 9.0, 12.0],
               "model__damping": [2.0, 5.0, 10.0]}}
_PARTS = [("ratings", UserMovieFeatureTransformer()), ("factors", MatrixFactorization())]
MODELS["blend"] = {  # the factors' estimate is a 14th feature
    "features": FeatureUnion(_PARTS, verbose_feature_names_out=False), "scaling": SCALING,
    "regressor": HistGradientBoostingRegressor(learning_rate=0.05, max_iter=300, early_stopping=True),
    "search": {"model__learning_rate": [0.03, 0.05, 0.1], "model__max_leaf_nodes": [15, 31, 63],
               "features__factors__regularization": [3.0, 4.5, 6.0, 9.0]}}

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
        user_ids = ranker.users_[-1:] + 1  # an id that nobody has
        movies = _ids(pd.Series(list(ratings), name="The keys of ratings", dtype=object))
        known = np.isin(movies, ranker.movies_)
        if not known.all():
            unknown = ", ".join(map(str, movies[~known]))
            rest = "" if known.any() else " None is left: these are the most popular movies."
            warnings.warn(f"Unknown movies are passed over: {unknown}.{rest}", stacklevel=3)
        rated = pd.DataFrame({"user_id": user_ids[0], "movie_id": movies, RATING: np.asarray(stars, float)})
    lists = ranker.recommend_new(rated, n) if ratings else ranker._lists(user_ids, ranker._rows(user_ids), n)
    if ratings and isinstance(model, MatrixFactorization):
        stars = model.predict_new(rated["movie_id"], rated[RATING], lists["movie_id"])
    else:
        stars = recommender.predict(lists[IDS]) if len(lists) else []  # empty: the user has rated every movie
    found = lists[["movie_id", "score"]].assign(predicted_rating=stars)
    if recommender.titles_:
        found.insert(1, "title", found["movie_id"].map(recommender.titles_))
    return found


# ===== Appendix: checks, random tables, MovieLens files, command line =======================================

def say(line):
    """Print a line at once, with "?" for what the console cannot show (old Windows has no check mark)."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(line.encode(encoding, "replace").decode(encoding), flush=True)

# ----- Checks of input: one function for a table, one for ratings, one for a number

MAX_ID = 2**53  # beyond it, floats cannot tell two whole numbers apart

def _check_table(X):
    """Return the ids of users and of movies, two int64 arrays; raise unless X is a table that has them."""
    if not isinstance(X, pd.DataFrame):
        hint = f" of {type(X).__module__}: pass its .to_pandas()" if hasattr(X, "to_pandas") else ""
        raise TypeError(f"Expected a pandas DataFrame with the columns {IDS}, got {type(X).__name__}{hint}.")
    for name in IDS:
        if name not in X.columns:
            raise ValueError(f"The table lacks the column {name!r}; it has {list(X.columns)}.")
    for twice in X.columns[X.columns.duplicated()]:
        raise ValueError(f"Column names must be unique, but {twice!r} stands twice.")
    if X.empty:
        raise ValueError("The table is empty: expected at least one row.")
    return tuple(_ids(X[name]) for name in IDS)

def _ids(column):
    """Return a column of ids as int64; raise at the first that is missing, no whole number, or too large."""
    if column.dtype.kind in "iuf" and not column.hasnans:  # 7.0 is what pandas makes of integers with a gap
        values = column.to_numpy(dtype=np.int64 if column.dtype.kind == "i" else np.float64)
        if ((values == np.floor(values)) & (values >= -MAX_ID) & (values <= MAX_ID)).all():
            return values.astype(np.int64)
    for row, value in enumerate(column.tolist()):
        if not isinstance(value, numbers.Real) or isinstance(value, bool) or value % 1 or abs(value) > MAX_ID:
            expected = "integers without gaps, at most 2**53"
            raise ValueError(f"{column.name} must hold {expected}, but row {row} holds {value!r}.")
    return column.to_numpy(dtype=np.int64)

def _numbers(X, name):
    """Return a column as floats, NaN where missing or if there is no such column; raise unless finite."""
    if name not in X.columns:
        return np.full(len(X), np.nan)
    try:
        if X[name].dtype.kind in "mM":  # dates: nanoseconds in one pandas, microseconds in another
            raise TypeError
        values = X[name].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        unit = " of Unix seconds" if name == "timestamp" else ""
        raise ValueError(f"{name} must hold numbers{unit}, got a column of type {X[name].dtype}.") from None
    if np.isinf(values).any():
        raise ValueError(f"{name} must hold finite numbers, but row {np.isinf(values).argmax()} is infinite.")
    return values

def _check_ratings(X, y):
    """Return the ratings of the rows of X, taken from `y`, or else from X: floats of shape (n_rows,)."""
    if y is None and RATING not in X.columns:
        raise ValueError(f"No ratings: pass y, or a table with the column {RATING!r}.")
    try:
        ratings = np.asarray(X[RATING] if y is None else y, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError("Ratings must be numbers, in stars, and none may be missing.") from None
    if ratings.ndim != 1:
        raise ValueError(f"Ratings must be one column, got an array of shape {ratings.shape}.")
    if len(ratings) != len(X):
        raise ValueError(f"X and y differ in length: {len(X)} rows, but {len(ratings)} ratings.")
    for row in np.flatnonzero(~np.isfinite(ratings)):
        raise ValueError(f"Ratings must be finite numbers, but row {row} holds {ratings[row]}.")
    return ratings

def _check_number(name, value, least, integer=False, above=False, below=np.inf):
    """Return a parameter as int or float; raise unless it is a number of at least (or `above`) the least."""
    kind = numbers.Integral if integer else numbers.Real
    good = isinstance(value, kind) and not isinstance(value, bool) and least <= value < below
    if not good or (above and value == least):
        expected = f"{'an integer' if integer else 'a number'} {'above' if above else 'of at least'} {least}"
        limit = f" and below {below}" if below < np.inf else ""
        raise ValueError(f"{name} must be {expected}{limit}, got {value!r}.")
    return int(value) if integer else float(value)

def _latest_of_pair(X, users, movies, warn=True):
    """Return a mask of the rows that count: the latest of every pair by timestamp, without them the last."""
    pairs, seconds = pd.DataFrame({"user": users, "movie": movies}), _numbers(X, "timestamp")
    order = np.argsort(np.nan_to_num(seconds, nan=-np.inf), kind="stable")
    latest = np.empty(len(X), dtype=bool)
    latest[order] = ~pairs.iloc[order].duplicated(keep="last")
    older = len(latest) - latest.sum()
    if warn and older:
        warnings.warn(f"{older} older ratings of user-movie pairs rated twice do not count.", stacklevel=4)
    return latest

def _check_training_table(X, y=None):
    users, movies = _check_table(X)
    ratings = _check_ratings(X, y)
    latest = _latest_of_pair(X, users, movies)
    X, ratings = (X, ratings) if latest.all() else (X[latest], ratings[latest])
    if np.ptp(ratings) == 0:
        raise ValueError(f"All {len(ratings)} ratings are {ratings[0]}: a constant, nothing to learn from.")
    return X, ratings

# ----- Ids and strings as positions and codes

def _positions(known, ids):
    """Return the position of every id among the sorted ids `known`, and -1 for an unknown one."""
    position = np.minimum(np.searchsorted(known, ids), known.size - 1)
    return np.where(known[position] == ids, position, -1)

def _lookup(values, position, missing):
    """Return the values at the positions, and `missing` at position -1, that of an unknown user or movie."""
    return np.where(position >= 0, values[position], missing)

def _factorize(X, name):
    """Return a column of strings as numbers (-1: missing), and the different strings; no column: none."""
    try:
        number, strings = pd.factorize(X[name] if name in X.columns else np.full(len(X), None))
    except TypeError:
        raise ValueError(f"{name} must hold strings, got a column of lists or other objects.") from None
    return number, np.array([str(value) for value in strings], dtype=object)

def _fit_encoder(X, name):
    """Return an `OrdinalEncoder` that knows the strings of a column, and gives -1 to all others."""
    strings = sorted(set(_factorize(X, name)[1])) or [None]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    return encoder.fit(np.array(strings, dtype=object)[:, None])

def _encode(encoder, X, name):
    """Return the code of every string of a column, NaN for one that is missing or unknown."""
    number, strings = _factorize(X, name)
    codes = np.asarray(encoder.transform(strings[:, None])).ravel() if len(strings) else np.empty(0)
    return np.append(np.where(codes < 0, np.nan, codes), np.nan)[number]  # the last entry is for number -1

# ----- Checks of an artifact

def _check_artifact_path(filepath):
    """Return the path, symbolic links followed; raise where no artifact can be written to it."""
    path = Path(os.path.realpath(filepath))
    for file in (path, Path(f"{path}.json")):
        if file.is_dir():
            raise IsADirectoryError(f"Cannot write {file}: it is a folder.")
        if file.exists() and not file.is_file():
            raise OSError(f"Cannot write {file}: it is a device, a pipe or a socket.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"Cannot write {filepath}: there is no folder {path.parent}.")
    return path

def _sha256(file, size):
    file.flush()
    with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as content:
        return hashlib.sha256(content).hexdigest()

def _check_digest(file, path):
    """Return the digest behind the pickle; warn if there is none; raise if it does not fit."""
    size = max(file.seek(0, os.SEEK_END) - DIGEST_SIZE, 0)
    file.seek(size)
    end = file.read()
    mark, digest = end[: len(DIGEST_MARK)], end[len(DIGEST_MARK) :].decode("ascii", "replace")
    if mark != DIGEST_MARK and DIGEST_MARK in end:
        raise ValueError(f"{path} is damaged: the digest at its end is cut.")
    if mark != DIGEST_MARK:
        warnings.warn(f"{path} carries no digest: nothing tells whether it is what was saved.", stacklevel=4)
        return None
    if _sha256(file, size) != digest:
        raise ValueError(f"{path} is damaged: its content does not fit the digest it carries.")
    return digest

def _read_card(file, digest):
    """Return the model card beside the artifact, or None: there is none, or it is not of this artifact."""
    if digest is None or not file.exists():
        return None
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
        owner, _ = str(card["sha256"]), card["versions"]["scikit-learn"].split(".")
        example = pd.DataFrame([card["example"]["input"]])
        _check_table(example)
        _check_number("prediction", card["example"]["prediction"], -1e9)
        if set(example) != set(IDS):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, OSError, OverflowError, RecursionError):
        warnings.warn(f"{file} is no model card, and is not used.", stacklevel=4)
        return None
    if owner != digest:
        belongs = f"it names {owner[:12]}, {file.stem} is {digest[:12]}"
        warnings.warn(f"The model card {file} belongs to another artifact: {belongs}.", stacklevel=4)
    return card if owner == digest else None

# ----- Random tables: how `MovieRecommendationDataset` draws

FIRST_MONDAY, WEEKS = 1_641_168_000, 104  # the tables begin on 2022-01-03, 00:00 UTC, and run for two years

def _draw_movies(rng, n_movies):
    """Return columns of the movies, their popularity (n_movies,) and genre shape (n_movies, n_genres)."""
    genre = rng.randint(len(GENRES), size=(n_movies, 2), dtype=np.int64)
    genre[:, 1] = np.where(rng.random_sample(n_movies) < 0.4, genre[:, 1], genre[:, 0])  # some have two
    shape = 0.3 * rng.standard_normal((n_movies, len(GENRES)))  # no two dramas are alike
    np.add.at(shape, (np.arange(n_movies)[:, None], genre), 0.5)
    names = ["|".join(sorted({GENRES[first], GENRES[second]})) for first, second in genre]
    age = np.minimum(rng.standard_gamma(1.5, n_movies) * 10, 70).astype(np.int64)  # most movies are young
    popularity = 1 / (10 + rng.permutation(np.arange(n_movies, dtype="int64")))  # Zipf's law, flat at the top
    return {"genre": np.array(names, dtype=object), "movie_year": 2021 - age}, popularity, shape

def _draw_users(rng, n_users):
    """Return columns of the users, their activity (n_users,) and love of genres (n_users, n_genres)."""
    age = np.clip(np.round(rng.normal(35, 12, n_users)), 16, 80).astype(np.int64)
    country_shares = 0.6 ** np.arange(len(COUNTRIES))
    country = np.array(COUNTRIES, dtype=object)[_draw_positions(rng, country_shares, n_users)]
    activity = np.exp(0.7 * rng.standard_normal(n_users))
    return {"user_age": age, "user_country": country}, activity, rng.standard_normal((n_users, len(GENRES)))

def _draw_positions(rng, weights, size):
    """Return `size` positions, each drawn with a probability in proportion to its weight."""
    edges = np.cumsum(weights)
    return np.searchsorted(edges, rng.random_sample(size) * edges[-1], side="right").astype(np.int64)

def _draw_pairs(rng, n_ratings, activity, genre_love, popularity, genre_shape):
    n_users, n_movies, taste = len(activity), len(popularity), (genre_love, popularity, genre_shape)
    user = rng.permutation(np.arange(n_users, dtype=np.int64))[:n_ratings]  # everybody once
    pairs = user * n_movies + _choose_movies(rng, user, *taste)
    for _ in range(20):
        lacking = n_ratings - pairs.size
        if lacking:
            user = _draw_positions(rng, activity, lacking + lacking // 2)
            more = user * n_movies + _choose_movies(rng, user, *taste)
            pairs = pd.unique(np.append(pairs, more))[:n_ratings]
    if pairs.size < n_ratings:  # nearly full: the rest are pairs that nobody would have chosen
        unseen = np.setdiff1d(np.arange(n_users * n_movies, dtype=np.int64), pairs)
        pairs = np.append(pairs, rng.permutation(unseen)[: n_ratings - pairs.size])
    pairs = rng.permutation(np.sort(pairs))
    return pairs // n_movies, pairs % n_movies

def _choose_movies(rng, user, genre_love, popularity, genre_shape):
    """Return a movie for every user: first a genre is drawn that the user loves, then a movie of it.

    Picture a long shelf: movies of a genre stand together, and each takes as much room as it is popular.
    """
    main_genre = genre_shape.argmax(axis=1)
    shelf = np.argsort(main_genre, kind="stable")  # the movies in the order of the shelf
    movie_edges = np.append(0.0, np.cumsum(popularity[shelf]))  # (n_movies + 1,)
    genre_edges = movie_edges[np.searchsorted(main_genre[shelf], np.arange(len(GENRES) + 1))]
    wanted = np.cumsum(np.diff(genre_edges) * np.exp(0.5 * genre_love), axis=1)[user]  # (n_drawn, n_genres)
    drawn = rng.random_sample(user.size) * wanted[:, -1]
    genre = (wanted <= drawn[:, None]).sum(axis=1)
    start, end = genre_edges[genre], genre_edges[genre + 1]
    point = start + rng.random_sample(user.size) * (end - start)
    return shelf[np.minimum(np.searchsorted(movie_edges, point, side="right") - 1, len(shelf) - 1)]

def _draw_law(rng, user, movie, popularity, genre_love, genre_shape):
    """Return the law's terms, each standardised over the rows (`user` and `movie`) that will show it."""
    n_users, n_movies = len(genre_love), len(popularity)
    per_user, per_movie = np.bincount(user, minlength=n_users), np.bincount(movie, minlength=n_movies)
    quality = rng.standard_normal(n_movies) + 0.3 * np.log(popularity)
    carelessness = np.exp(LAW["noise_spread"] * rng.standard_normal(n_users))
    taste = np.einsum("rg,rg->r", genre_love[user], genre_shape[movie])  # (n_ratings,)
    scale = LAW["taste"] * (1 / taste.std() if taste.std() > 1e-12 else 0.0)
    return {
        "user": LAW["user"] * _standardise(rng.standard_normal(n_users), per_user),
        "movie": LAW["movie"] * _standardise(quality, per_movie),
        "T": genre_love * scale, "G": genre_shape, "mean_taste": taste.mean() * scale,
        "sigma": LAW["noise"] * carelessness / np.sqrt(np.average(carelessness**2, weights=per_user)),
    }

def _standardise(values, weights):
    """Return values with the weighted mean 0 and the weighted standard deviation 1 (0 if all are alike)."""
    centred = values - np.average(values, weights=weights)
    spread = np.sqrt(np.average(centred**2, weights=weights))
    return centred * (1 / spread if spread > 1e-12 else 0.0)

def _mean_and_variance(opinion, sigma):
    """Return E(rating) and Var(rating): a rating is 1 and all the half stars that it reaches."""
    first, second = np.full(opinion.size, STARS[0]), np.full(opinion.size, STARS[0] ** 2)
    for below, star in zip(STARS[:-1], STARS[1:]):
        reached = ndtr((opinion - (below + star) / 2) / sigma)  # P(rating >= star)
        first += (star - below) * reached
        second += (star**2 - below**2) * reached
    return first, second - first**2

def _draw_timestamps(rng, user, n_users):
    """Return Unix seconds: every user has a favourite hour, and a share of ratings on the weekend."""
    how = {"size": user.size, "dtype": np.int64}
    favourite_hour, weekend_share = rng.normal(20, 3, n_users), rng.uniform(0.2, 0.6, n_users)
    on_weekend = rng.random_sample(user.size) < weekend_share[user]
    weekday = np.where(on_weekend, 5 + rng.randint(2, **how), rng.randint(5, **how))
    hour = (favourite_hour[user] + 2 * rng.standard_normal(user.size)) % 24
    day = 7 * rng.randint(WEEKS, **how) + weekday
    return FIRST_MONDAY + day * DAY + np.minimum(hour * 3600, DAY - 1).astype(np.int64)

# ----- MovieLens files

GENRES_100K = [
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama",
    "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
]
RATINGS, MOVIES = [*IDS, RATING, "timestamp"], ["movie_id", "title", "genre"]
#: The releases. Each file: what separates its fields, its header (None: it has none), its columns in order.
RELEASES = [
    {"ratings.csv": (",", "userId,movieId,rating,timestamp", RATINGS),  # ml-latest(-small), 20M, 25M, 32M
     "movies.csv": (",", "movieId,title,genres", MOVIES)},
    {"ratings.dat": ("::", None, RATINGS), "movies.dat": ("::", None, MOVIES),  # 1M; 10M has no users.dat
     "users.dat": ("::", None, ["user_id", "gender", "user_age", "occupation", "zip"])},  # age 1: under 18
    {"u.data": ("\t", None, RATINGS),  # 100K
     "u.item": ("|", None, ["movie_id", "title", "released", "on_video", "url", *GENRES_100K]),
     "u.user": ("|", None, ["user_id", "user_age", "gender", "occupation", "zip"])},
]
#: The types of the columns that hold numbers; all others hold text.
TYPES = dict.fromkeys([*IDS, "timestamp"], np.int64) | dict.fromkeys([RATING, "user_age"], np.float64)
TYPES |= dict.fromkeys(GENRES_100K, np.int8)

def load_movielens(path):
    """Read a MovieLens release as GroupLens ships it: ml-latest(-small), 20M, 25M, 32M, 1M, 10M or 100K.

    `path` is a folder or a zip file. Returns a DataFrame with the columns `TABLE_COLUMNS` and `title`, one
    row per rating, in the order of the file. What a release lacks is NaN: `user_country` always, `user_age`
    except in 100K and 1M. The year is the one in the title. A FileNotFoundError tells that there is no such
    path, or no release in it; a ValueError names the file and the line that are broken.
    """
    root = Path(path)
    if not root.exists():
        raise FileNotFoundError(f"{path} does not exist; expected a MovieLens release, folder or zip file.")
    try:
        ratings, movies, *users = _read_release(root if root.is_dir() else zipfile.Path(str(root)), path)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError) as error:
        raise ValueError(f"{path} is neither a folder nor a zip file that can be read: {error}.") from None
    if "genre" not in movies:
        flags, names = movies[GENRES_100K].to_numpy(dtype=bool), np.array(GENRES_100K, dtype=object)
        movies["genre"] = ["|".join(names[row]) for row in flags]
    year = movies["title"].str.extract(r"\((\d{4})(?:[-–]\d{0,4})?\)\s*$")[0]  # a series is (2006–2007)
    movies = movies.assign(movie_year=year.astype(np.float64)).drop_duplicates("movie_id", keep="last")
    table = ratings.join(movies.set_index("movie_id")[["genre", "movie_year", "title"]], on="movie_id")
    table["user_age"] = table["user_id"].map(users[0].set_index("user_id")["user_age"]) if users else np.nan
    table["user_country"] = np.nan
    latest = _latest_of_pair(table, *_check_table(table))
    return table.loc[latest, [*TABLE_COLUMNS, "title"]].reset_index(drop=True)

def _read_release(root, path):
    for folder in [root, *sorted((entry for entry in root.iterdir() if entry.is_dir()), key=str)]:
        for release in RELEASES:
            there = [name for name in release if (folder / name).exists()]
            if there[:2] == list(release)[:2]:
                return [_read(folder / name, *release[name]) for name in there]
    expected = ", or ".join(" and ".join(list(release)[:2]) for release in RELEASES)
    raise FileNotFoundError(f"{path} holds no MovieLens release; expected the files {expected}.")

def _read(file, separator, header, columns, encoding="utf-8-sig"):
    """Return the table of one file. Only if something is broken is it read line by line, to say where."""
    types = {name: TYPES.get(name, str) for name in columns} | {"too much": "category"}
    how = {"header": None, "names": list(types), "dtype": types, "index_col": False, "na_values": [""]}
    how |= {"keep_default_na": False, "quoting": csv.QUOTE_MINIMAL if separator == "," else csv.QUOTE_NONE}
    try:
        with file.open("rb") as stream:
            if header is not None and stream.readline().decode(encoding).strip() != header:
                raise ValueError
            # pandas' fast parser knows only separators of one character
            tabbed = io.BytesIO(stream.read().replace(b"::", b"\t")) if separator == "::" else stream
            how["sep"] = "\t" if separator == "::" else separator
            table = pd.read_csv(tabbed, encoding=encoding, **how)
        finite = np.isfinite(table[[name for name in columns if name in TYPES]].to_numpy(dtype=np.float64))
        right_length = table[columns[-1]].notna().all() and table["too much"].isna().all()
        open_quote = "title" in table and table["title"].str.contains("\n").any()  # it swallows the next line
        if not len(table) or not finite.all() or not right_length or open_quote:
            raise ValueError
    except UnicodeDecodeError:  # the releases of 1998 to 2003
        return _read(file, separator, header, columns, "latin-1")
    except (ValueError, OverflowError):
        raise ValueError(f"{file.name}{_what_is_broken(file, separator, header, columns)}") from None
    return table[columns]

def _what_is_broken(file, separator, header, columns):
    """Return the end of a sentence about a file: the number of its first broken line, and what is wrong."""
    with io.TextIOWrapper(file.open("rb"), encoding="utf-8-sig", errors="replace", newline="\n") as lines:
        rows = [line.rstrip("\r\n") for line in lines]
    if header is not None and rows[:1] != [header]:
        return f", line 1: expected the header {header}, got {''.join(rows[:1])[:80]!r}."
    for number, line in enumerate(rows[header is not None:], 1 + (header is not None)):
        try:
            fields = next(csv.reader([line])) if separator == "," else line.split(separator)
            values = [TYPES[name](field) for name, field in zip(columns, fields) if name in TYPES]
            fits = len(fields) == len(columns) and np.isfinite(values).all()
        except (ValueError, OverflowError, csv.Error, StopIteration):
            fits = not line
        if not fits:
            return f", line {number}: expected {len(columns)} fields, got {line[:80]!r}."
    return " holds no rows, or cannot be read."

# ----- The command line


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"{self.prog}: {message}\n")

def _make_parser():
    # What was not given is not in the result; --user is not short for --users.
    how = {"argument_default": argparse.SUPPRESS, "allow_abbrev": False}
    table, saved = _Parser(add_help=False, **how), _Parser(add_help=False, **how)
    table.add_argument("--data", metavar="PATH", help="a MovieLens release, folder or zip (default: made up)")
    for name, size in (("users", 1000), ("movies", 500), ("ratings", 50_000)):
        of = f"how many {name} the made-up data has (default {size})"
        table.add_argument(f"--{name}", dest=f"n_{name}", type=int, metavar="N", help=of)
    table.add_argument("--seed", dest="random_state", type=int, metavar="N", help="(default 42)")
    saved.add_argument("--artifact", metavar="FILE", help=f"(default {ARTIFACT})")
    parser = _Parser(prog="lesson_code.py", description="Run the lesson.", parents=[table], **how)
    parser.add_argument("--model", choices=list(MODELS), help="(default forest)")
    parser.add_argument("--tune", action="store_true", help="choose hyperparameters by a random search first")
    parser.add_argument("--output", metavar="FILE", help=f"(default {ARTIFACT})")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="instead of the lesson")
    commands.add_parser("compare", parents=[table], help="cross-validate all models on the same folds", **how)
    recommend = commands.add_parser("recommend", parents=[saved], help="what to watch next", **how)
    who = recommend.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", type=int, metavar="ID", help="a user of the training")
    who.add_argument("--rated", type=_rated, metavar="ID=STARS,...", help="somebody new: 1=5,50=4")
    recommend.add_argument("--top", type=int, metavar="N", help="(default 10)")
    predict = commands.add_parser("predict", parents=[saved], help="one rating", **how)
    predict.add_argument("--user", type=int, required=True, metavar="ID", help="known or new")
    predict.add_argument("--movie", type=int, required=True, metavar="ID", help="known or new")
    return parser

def _rated(text):
    """Read "1=5,50=4" as {1: 5.0, 50: 4.0}."""
    pairs = [pair.partition("=") for pair in text.split(",")]
    try:
        rated = {int(movie): float(stars) for movie, _, stars in pairs}
    except ValueError:
        rated = {}
    if len(rated) < len(pairs):
        expected = "expected movie=stars,..., each movie once, such as 1=5,50=4"
        raise argparse.ArgumentTypeError(f"{expected}, got {text!r}")
    return rated

def main(argv=None):
    """Run the command line with the arguments `argv` (default: those of the process); return the status."""
    parser = _make_parser()
    options = vars(parser.parse_args(argv))
    command, given = options.pop("command", None), set(options)
    for option in given & {"model", "tune", "output"} if command else ():
        parser.error(f"--{option} is for the lesson and does not go with {command}.")
    if "data" in given and given & {"n_users", "n_movies", "n_ratings"}:
        parser.error("--users, --movies and --ratings are for made-up data and do not go with --data.")
    run = {None: demonstrate_ecosystem, "compare": _compare, "recommend": _ask, "predict": _ask}[command]
    try:
        with warnings.catch_warnings(), joblib.parallel_config("threading", n_jobs=-1):
            warnings.showwarning = lambda message, *_: print(f"{parser.prog}: {message}", file=sys.stderr)
            if "data" in given:
                options["data"] = load_movielens(options["data"])
            run(**options)
    except BrokenPipeError:  # whoever read our lines, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ValueError, OSError, MemoryError) as error:
        parser.error(" ".join(str(error).split()))
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
    trained = recommender.interactions_
    if movie is not None:
        stars = recommender.predict(pd.DataFrame({"user_id": [user], "movie_id": [movie]}))[0]
        known = {"user": user in trained["user_id"], "movie": movie in trained["movie_id"]}
        note = "".join(f" (the {who} is unknown)" for who in known if not known[who])
        say(f"User {user}, Movie {movie}: Predicted {stars:.2f}{note}")
        return
    if rated is None and user not in trained["user_id"]:
        say(f"User {user} is unknown: these movies are popular. Say --rated 1=5,50=4 to get your own.")
        user, rated = None, {}
    found = recommender.recommend(user, top, ratings=rated)
    say("Best first, by score, learned from who rated what. The model's predicted_rating need not fall.")
    say(found.set_axis(range(1, len(found) + 1)).to_string(float_format="%.4f"))


if __name__ == "__main__":
    # subtle: what a script defines is pickled as `__main__.X`, which loads in no other process. Imported
    # under its own name, the module's classes are pickled as `lesson_code.X`.
    try:
        from lesson_code import main
    except ImportError:
        sys.exit("Save this file as lesson_code.py: the artifact it writes names its classes lesson_code.X.")
    sys.exit(main())
END_OF_LESSON_FILE

cat >"$new/test_lesson.py" <<'END_OF_LESSON_FILE'
"""The ten checks of the lesson page, `pytest test_lesson.py -v`: each a promise of the lesson to its reader.

Break the lesson and see which check notices: each message says what is wrong, and which section of
`lesson_code.py` explains it. (What only an engineer would break is guarded by `tests/`.)
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline, UserMovieFeatureTransformer

FEATURES = [
    "user_id", "movie_id", "user_age", "movie_year", "genre_encoded", "country_encoded",
    "user_avg_rating", "movie_avg_rating", "user_movie_interaction", "hour_of_day", "day_of_week",
    "user_rating_count", "movie_rating_count",
]  # fmt: skip


@pytest.fixture(scope="module")
def table():
    return MovieRecommendationDataset(n_users=300, n_movies=150, n_ratings=3000).generate()


@pytest.fixture(scope="module")
def split(table):
    """Features made before the split, as a hurried learner does: it must do no harm."""
    X, y, *_ = SklearnEcosystemPipeline().create_features(table)
    return train_test_split(X, y, test_size=0.2, random_state=42)


@pytest.fixture(scope="module")
def trained(split):
    X_train, _, y_train, _ = split
    recommender = SklearnEcosystemPipeline()
    recommender.train(X_train, y_train, perform_cv=False)
    return recommender


class TestMovieRecommendationDataset:
    def test_dataset_creation(self):
        """The table has the size asked for, half stars from 1 to 5, and no user rates a movie twice."""
        table = MovieRecommendationDataset(n_users=100, n_movies=50, n_ratings=500).generate()
        assert len(table) == 500, "one row per rating, as many as asked for (section 1)"
        assert table["user_id"].nunique() == 100, "every user must have a rating (section 1)"
        assert table["movie_id"].nunique() <= 50, "there are only 50 movies (section 1)"
        halves = set(np.arange(1.0, 5.01, 0.5))
        assert set(table["rating"]) <= halves, "ratings are half stars from 1 to 5 (the law, section 1)"
        twice = table.duplicated(["user_id", "movie_id"]).any()
        assert not twice, "a pair rated twice can stand on both sides of a split: a leak (section 1)"

    def test_dataset_metadata(self):
        """Beside the ratings stand when, what, and who; the same seed gives the same table."""
        dataset = MovieRecommendationDataset(n_ratings=100)
        table = dataset.generate()
        for column in ["timestamp", "genre", "movie_year", "user_age", "user_country"]:
            assert column in table.columns, f"the features of section 2 need {column}"
            assert table[column].notna().all(), f"{column} has gaps, which the law never makes (section 1)"
        assert pd.api.types.is_integer_dtype(table["timestamp"]), "timestamps are whole seconds (section 1)"
        assert table.equals(dataset.generate()), "the same seed must give the same table (section 1)"


class TestUserMovieFeatureTransformer:
    def test_transformer_fit_transform(self, table):
        """Thirteen features, one row per row, none missing, none constant; and no row sees its own rating."""
        features = UserMovieFeatureTransformer().fit_transform(table)
        assert list(features.columns) == FEATURES, "the 13 features of section 2, in their order"
        assert features.index.equals(table.index), "row i of the features must describe row i of the table"
        assert features.notna().all().all(), "a gap would stop most models: section 2 fills it from training"
        constant = [name for name in FEATURES if features[name].nunique() == 1]
        assert constant == [], f"{constant} never change, so no model can learn from them (section 2)"
        without_time = UserMovieFeatureTransformer(create_temporal=False).fit_transform(table)
        assert without_time.shape == (3000, 11), "without hour and weekday there are 11 features (section 2)"

        changed = table.copy()
        changed.loc[0, "rating"] = 6.0 - changed.loc[0, "rating"] + 0.5
        again = UserMovieFeatureTransformer().fit_transform(changed)
        assert again.loc[0].equals(features.loc[0]), (
            "the first row's rating changed its own features: in training, the averages of a row must come "
            "from other rows (cross-fitting, section 2), or a model learns to trust them too much"
        )

    def test_transformer_sklearn_compatibility(self, table):
        """It is a scikit-learn transformer: clone, parameters, set_output, and a place in any pipeline."""
        transformer = UserMovieFeatureTransformer(damping=3.0)
        same = clone(transformer).get_params() == transformer.get_params()
        assert same, "searches clone: __init__ must keep its parameters unchanged (section 2)"
        assert transformer.set_params(damping=7.0).damping == 7.0, "searches set parameters (section 2)"
        names = list(transformer.fit(table).get_feature_names_out())
        assert names == FEATURES, "get_feature_names_out names the features for the next step (section 2)"
        framed = make_pipeline(transformer, StandardScaler()).set_output(transform="pandas")
        assert list(framed.fit_transform(table).columns) == FEATURES, "names must pass through a pipeline"
        pipeline = make_pipeline(transformer, StandardScaler(), Ridge())
        scores = cross_val_score(pipeline, table, table["rating"], cv=3)
        assert (scores > 0).all(), "a line through the features must know more than the mean (section 2)"


class TestSklearnEcosystemPipeline:
    def test_pipeline_creation(self):
        """A pipeline with a scaler and a model, not fitted yet."""
        recommender = SklearnEcosystemPipeline()
        steps = set(recommender.build_pipeline().named_steps)
        assert {"scaler", "model"} <= steps, "a pipeline has a step `scaler` and a step `model` (section 3)"
        assert recommender.pipeline is None, "nothing is fitted before train (section 4)"
        assert recommender.cv_scores is None, "there are no scores before train (section 4)"

    def test_pipeline_training(self, split):
        """Training with cross-validation gives a fitted pipeline and the error of every fold."""
        X_train, _, y_train, _ = split
        recommender = SklearnEcosystemPipeline()
        pipeline = recommender.train(X_train, y_train, perform_cv=True)
        assert pipeline is recommender.pipeline, "train returns the pipeline that it keeps (section 4)"
        assert len(recommender.cv_scores) == 5, "five folds, each scored once (section 4)"
        assert (recommender.cv_scores > 0).all(), "an RMSE is positive; scikit-learn's score is minus it"

    def test_pipeline_prediction(self, split, trained):
        """One prediction per row, within the scale of the ratings, and from the two ids alone as well."""
        X_train, X_test, y_train, _ = split

        class Enthusiast(RegressorMixin, BaseEstimator):
            """A regressor that leaves the scale: it answers 9 stars, always."""

            def fit(self, X, y):
                self.fitted_ = True
                return self

            def predict(self, X):
                return np.full(len(X), 9.0)

        for rows in (X_test, X_test[["user_id", "movie_id"]]):
            assert trained.predict(rows).shape == (len(X_test),), "one prediction per row (section 3)"
        for recommender in (trained, SklearnEcosystemPipeline(model=Enthusiast()).fit(X_train, y_train)):
            predictions = recommender.predict(X_test)
            assert predictions.max() <= 5.0, "nobody can give more than 5: keep to the scale (section 3)"
            assert predictions.min() >= 1.0, "nobody can give less than 1: keep to the scale (section 3)"

    def test_pipeline_evaluation(self, table, split, trained):
        """RMSE, MAE and R2 are right; the model beats the mean, but finds nothing where there is nothing."""
        _, X_test, _, y_test = split
        metrics, predictions = trained.evaluate(X_test, y_test)
        rmse = np.sqrt(np.mean((predictions - y_test) ** 2))
        assert metrics["RMSE"] == pytest.approx(rmse), "RMSE: the root of the mean squared error (section 4)"
        assert 0 < metrics["MAE"] <= metrics["RMSE"], "the mean absolute error is at most RMSE (section 4)"
        assert 0 < metrics["R2"] < 1, "the model must know more than the mean rating (section 4)"

        shuffled = table.assign(rating=np.random.RandomState(0).permutation(table["rating"]))
        noise = UserMovieFeatureTransformer().fit(shuffled).transform(shuffled)  # averages before the split
        X_train, X_test, y_train, y_test = train_test_split(noise, shuffled["rating"], random_state=0)
        score = SklearnEcosystemPipeline().fit(X_train, y_train).score(X_test, y_test)
        assert score <= 0.002, (
            f"R2 on shuffled ratings must be about 0, not {score:.3f}: a held-out rating reached the "
            "features. Averages must be learned anew from the training rows (sections 2 and 3)"
        )

    def test_pipeline_serialization(self, split, trained, tmp_path):
        """What is saved and loaded predicts the same; a damaged file is refused."""
        _, X_test, _, _ = split
        path = tmp_path / "pipeline.pkl"
        trained.save_pipeline(str(path))
        loaded = SklearnEcosystemPipeline.load_pipeline(str(path))
        # 1e-12 and not 0: a forest on several threads adds up its trees in any order
        np.testing.assert_allclose(loaded.predict(X_test), trained.predict(X_test), rtol=0, atol=1e-12)

        content = bytearray(path.read_bytes())
        averages = content.find(trained.pipeline["features"].user_avg_.tobytes())
        assert averages > 0
        content[averages + 6] ^= 8  # one bit of one user's average: it would load, and predict wrong
        path.write_bytes(content)
        with pytest.raises(ValueError, match="damaged"):
            SklearnEcosystemPipeline.load_pipeline(str(path))
            pytest.fail("a damaged artifact was loaded: its digest must be checked first (section 5)")


class TestIntegration:
    def test_end_to_end_workflow(self, tmp_path):
        """From raw ratings to a deployed artifact that predicts for people it has never seen."""
        table = MovieRecommendationDataset(n_users=300, n_movies=150, n_ratings=3000).generate()
        train, test = train_test_split(table, test_size=0.2, random_state=0)
        recommender = SklearnEcosystemPipeline()
        recommender.train(train, train["rating"], perform_cv=False)
        metrics, _ = recommender.evaluate(test, test["rating"])
        assert metrics["R2"] > 0, "the model must know more than the mean rating (section 4)"
        recommender.save_pipeline(tmp_path / "production.pkl")
        deployed = SklearnEcosystemPipeline.load_pipeline(tmp_path / "production.pkl")
        stranger = pd.DataFrame({"user_id": [999_999], "movie_id": [int(test["movie_id"].iloc[0])]})
        assert 1.0 <= deployed.predict(stranger)[0] <= 5.0, "somebody new is a normal row (section 2)"
END_OF_LESSON_FILE

cat >"$new/requirements.txt" <<'END_OF_LESSON_FILE'
# Each lower bound is the oldest version that the ten checks pass with; .ci/run proves it, and the newest, on every change.
numpy>=1.26         # the first with Python 3.12; 1.26 and 2.x give the same tables
pandas>=2.2.1       # the first built for numpy 2; 2.x and 3.x are both fine
scikit-learn>=1.6   # sklearn.utils.validation.validate_data and __sklearn_tags__ came with it
joblib>=1.4         # parallel_config, as scikit-learn 1.6 and later use it
pytest>=8           # for the tests alone
END_OF_LESSON_FILE

cat >"$new/README.md" <<'END_OF_LESSON_FILE'
# The scikit-learn ecosystem, in one file

Learn how the parts of scikit-learn work together from one Python file that builds, tests and deploys a movie
recommender the way production teams do, with nothing in it that you cannot check by running it.

## Run it, test it

On Linux and macOS, with Python 3.10 or newer (on Windows: `py -m venv .venv`, then `.venv\Scripts\python` and so on):

```sh
python3 -m venv .venv && .venv/bin/pip install -q -r requirements.txt
.venv/bin/python lesson_code.py
.venv/bin/python -m pytest test_lesson.py -v
```

All other commands on this page want the environment to be active: `source .venv/bin/activate` (Windows:
`.venv\Scripts\activate`). The second line runs the lesson, in about five seconds. The third runs its ten checks; its
output ends with `10 passed`. The lesson prints, among other lines, these six
([every line explained](docs/the_run_explained.md), [words explained](docs/words.md)):

```text
CV RMSE: 0.8484 (+/- 0.0078)
  RMSE: 0.8297
    1.0384  always answering the mean rating
    0.8297  this model (± 0.0062, the standard error with 10000 test rows)
    0.7216  the noise floor: expected of a perfect predictor (0.7127 on these rows, by luck)
  The fragile way, with averages computed before the split: RMSE 0.8065. Do not believe it:
```

RMSE is the typical error in stars. The ratings are made by a law that is known, so the lesson can say what no real data
can: from the mean to the floor, the model has gone (1.0384 − 0.8297) / (1.0384 − 0.7216) = 66 % of the way.

## Can a score be too good?

The best features of a rating are averages: how this user rates, how this movie is rated. Computed before the split, they
contain the answers of the test rows, and the score lies. On shuffled ratings, where there is nothing to predict, the
fragile way still "predicts". With two ratings per user on the real task, the error of a forest falls below the noise floor,
which no honest model can do (`python benchmarks/leak.py`). Save this as `try.py` beside `lesson_code.py`, and run it:

```python
from sklearn.model_selection import train_test_split
from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline, UserMovieFeatureTransformer

table = MovieRecommendationDataset(n_ratings=10_000).generate()
table["rating"] = table["rating"].sample(frac=1, random_state=0).to_numpy()  # shuffled: nothing to predict
features = UserMovieFeatureTransformer().fit(table).transform(table)  # averages over the whole table
train, test = train_test_split(table, random_state=0)
model = SklearnEcosystemPipeline().build_pipeline()
fragile = model[1:].fit(features.loc[train.index], train["rating"])  # [1:]: it takes features, not raw rows
print(fragile.score(features.loc[test.index], test["rating"]))  # R2 = 0.118: a lie
print(model.fit(train, train["rating"]).score(test, test["rating"]))  # R2 = -0.005: no better than the mean
```

The cure: features are part of the model. A pipeline that takes raw rows learns its averages from the rows it is fitted on.

## What you will learn

| minutes | section of `lesson_code.py` (you should know NumPy, pandas, and that `fit` learns and `predict` answers) | what for |
|---|---|---|
| 10 | 1 The table, and the law behind it | how good can a model become? baseline and noise floor |
| 40 | 2 Thirteen features that do not leak | a transformer of your own; damping, cross-fitting, missing values |
| 10 | 3 Models: one table, one pipeline | `Pipeline`, `ColumnTransformer`, why an id is not a quantity |
| 15 | 4 The wrapper: train, evaluate, compare | cross-validation, random search, differences fold by fold |
| 10 | 5 The artifact | what must travel with a model so that another machine can trust it |
| 5 | 6 The demo | all of it in seven steps; the lesson ends here |
| 30 | 7 Recommenders | matrix factorization, top-N lists, precision, recall, NDCG |

The six pillars of scikit-learn are all in it. Preprocessing: `StandardScaler`, `OrdinalEncoder`, `SimpleImputer`,
`TargetEncoder`. Feature selection: `select=SelectKBest(...)`, a step of the pipeline. Model selection: `KFold`,
`cross_validate`, `RandomizedSearchCV`. Supervised learning: forest, boosting, ridge, dummy. Unsupervised learning: factors,
and what is watched together. Utilities: `Pipeline`, `FeatureUnion`, `clone`, metrics. Read the file from top to bottom. Names
that begin with an underscore are helpers; the appendix holds what you can skip at first.

## Use it from Python

In the folder of `lesson_code.py`, or anywhere after `pip install .` (or with `PYTHONPATH=that/folder`):
```python
import pandas as pd
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import FunctionTransformer
from lesson_code import MODELS, MovieRecommendationDataset, SklearnEcosystemPipeline, compare_models

table = MovieRecommendationDataset(n_users=300, n_movies=150, n_ratings=6000).generate()
train, test = table[:4800], table[4800:]
recommender = SklearnEcosystemPipeline(model="linear")  # a name, or any regressor: KNeighborsRegressor(50)
recommender.train(train, train["rating"])
metrics, predictions = recommender.evaluate(test, test["rating"])  # RMSE, MAE, R2
print(metrics, recommender.cv_scores.mean())
print(recommender.predict(pd.DataFrame({"user_id": [42], "movie_id": [7]})))  # one pair; unknown ids are fine
print(recommender.recommend(42, n=3))  # a user of the training: best first, by score (learned from who rated what)
print(recommender.recommend(ratings={1: 5.0, 50: 4.0}, n=3))  # somebody new, by two ratings
recommender.save_pipeline("small.pkl")
SklearnEcosystemPipeline.load_pipeline("small.pkl")  # in any process that can import lesson_code

def n_genres(X):  # a 14th feature; 1 where a row has no genre
    genre = X["genre"] if "genre" in X else pd.Series("", index=X.index)
    return genre.str.count("[|]").to_frame() + 1

features = FeatureUnion([("13", MODELS["linear"]["features"]), ("n_genres", FunctionTransformer(n_genres))])
MODELS["mine"] = MODELS["linear"] | {"features": features, "search": None}  # the thirteen come first
print(compare_models(train).loc[["linear", "mine"], ["RMSE", "to_best", "to_best_se"]])  # does it help? no
```

The new row of `MODELS` is a model like all others: `SklearnEcosystemPipeline(model="mine")`. To search inside a pipeline,
search `build_pipeline()`, whose parameters are `features__damping`, `model__min_samples_leaf` and so on.

## The command line

| command | |
|---|---|
| `python lesson_code.py --model blend --tune --output blend.pkl` | another model; a random search of its hyperparameters first |
| `python lesson_code.py --users 2000 --movies 800 --ratings 100000 --seed 7 --output other.pkl` | another synthetic table |
| `python lesson_code.py --data ml-latest-small --output ml.pkl` | a MovieLens release, folder or zip file |
| `python lesson_code.py compare` | all models on the same folds (`--data`, sizes) |
| `python lesson_code.py recommend --user 42 --top 5` | a list from the artifact that the lesson saved (`--artifact FILE`: another) |
| `python lesson_code.py recommend --rated 1=5,50=4` | a list for somebody new |
| `python lesson_code.py predict --user 42 --movie 7` | one predicted rating |

## How good is it?

RMSE in stars, five random folds (`python lesson_code.py compare`, and the same with `--data ml-latest-small`):

| model | synthetic | ml-latest-small | |
|---|---|---|---|
| always the mean | 1.0420 | 1.0433 | |
| two lines: `TargetEncoder` of the ids, `Ridge` | 0.8390 | 0.8814 | what everything else has to beat |
| `linear`, `forest`, `boosting` on the 13 features | 0.8385, 0.8401, 0.8392 | 0.8754, 0.8585, 0.8475 | on the synthetic table the 13 features add nothing: by law only the two averages count |
| `factors` | 0.8123 | 0.8415 | one taste told from another |
| `blend` | 0.8133 | 0.8225 | features and factors together |

On the last fifth by time, where most users are new, no model is clearly better than another, and errors are about 1.0:
another split is another question. Fold by fold, by time, lists, other libraries, speed: [benchmarks](benchmarks/README.md).
MovieLens is by [GroupLens](https://grouplens.org/datasets/movielens/) (Harper and Konstan, 2015), who call ml-latest-small
unfit for shared research results.

## Limits and safety

- **A pickle runs code when it is loaded. Load artifacts only from a source you trust.** The digest catches damage only.
- **The artifact contains who rated what**: treat it as personal data. Its model card contains no person.
- If a user-movie pair stands twice in a table that you split by hand, a test rating can reach a score: `evaluate` warns.
- For somebody new, predicted stars know only the movie; only `factors` uses the ratings given. Lists use them always.
- Above some 13,000 users and as many movies `MovieRanker` refuses, and says how much memory it would need.

## Files

`tests/` keeps the lesson trustworthy, `benchmarks/` measures it, `docs/` holds [design](docs/design.md),
[troubleshooting](docs/troubleshooting.md), [changes](docs/CHANGELOG.md). `bash generate_lesson_files.sh` writes the lesson (five
files; links to `docs/` work in the full project) on a machine that has only that script.
[Contributing](.github/CONTRIBUTING.md). Licence: BSD-3-Clause, see `LICENSE`; to cite, see `CITATION.cff`. Names follow the
lesson "Day 71: The Scikit-learn Ecosystem".
END_OF_LESSON_FILE

cat >"$new/LICENSE" <<'END_OF_LESSON_FILE'
BSD 3-Clause License

Copyright (c) 2026, The scikit-learn ecosystem lesson contributors
All rights reserved.

Redistribution and use in source and binary forms, with or without
modification, are permitted provided that the following conditions are met:

1. Redistributions of source code must retain the above copyright notice, this
   list of conditions and the following disclaimer.

2. Redistributions in binary form must reproduce the above copyright notice,
   this list of conditions and the following disclaimer in the documentation
   and/or other materials provided with the distribution.

3. Neither the name of the copyright holder nor the names of its
   contributors may be used to endorse or promote products derived from
   this software without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS"
AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE
FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL
DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR
SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER
CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY,
OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE
OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
END_OF_LESSON_FILE

# ----- Into place, once every file is known to be whole

for name in $names; do
    [ "$(checksum "$new/$name")" = "$(recorded "$name")" ] ||
        fail 1 "$name came out wrong: this script was altered, so get it again (nothing was changed)"
done
# From here on an interruption would leave some files new and some old.
trap '' HUP INT TERM
for name in $missing $differing; do
    mv -f "$new/$name" "$target/$name"
done
unfinished=$new
next_steps
complete=yes
