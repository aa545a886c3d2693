#!/usr/bin/env bash
#
# Makes the folder scikit_learn_ecosystem_lesson with the lesson, its chapters and its
# exercises. It needs no network and no Python: all it will write stands below as plain
# text. Made by `python tools/build_generator.py`; change the files, not this.

set -eu
# The files are bytes to be copied, in whatever language the learner's computer speaks.
export LC_ALL=C

names="lesson_code.py test_lesson.py requirements.txt README.md LICENSE pillars/0_map.py pillars/1_preprocessing.py pillars/2_feature_selection.py pillars/3_model_selection.py pillars/4_supervised.py pillars/5_unsupervised.py pillars/6_utilities.py pillars/7_after_the_lesson.py pillars/drawing.py exercises/0_map.py exercises/1_preprocessing.py exercises/2_feature_selection.py exercises/3_model_selection.py exercises/4_supervised.py exercises/5_unsupervised.py exercises/6_utilities.py exercises/README.md exercises/conftest.py exercises/first.py exercises/test_checks.py exercises/solutions/0_map.py exercises/solutions/1_preprocessing.py exercises/solutions/2_feature_selection.py exercises/solutions/3_model_selection.py exercises/solutions/4_supervised.py exercises/solutions/5_unsupervised.py exercises/solutions/6_utilities.py exercises/solutions/first.py"
folders="pillars exercises exercises/solutions"

# What `cksum` tells of each file: its checksum and its size.
recorded() {
    case $1 in
        lesson_code.py) echo "340563037 104589" ;;
        test_lesson.py) echo "897284104 11292" ;;
        requirements.txt) echo "3471952364 498" ;;
        README.md) echo "889959959 10590" ;;
        LICENSE) echo "191275814 1554" ;;
        pillars/0_map.py) echo "1746848498 6422" ;;
        pillars/1_preprocessing.py) echo "1382545032 5631" ;;
        pillars/2_feature_selection.py) echo "955411303 6486" ;;
        pillars/3_model_selection.py) echo "1523280130 6956" ;;
        pillars/4_supervised.py) echo "2589260865 5833" ;;
        pillars/5_unsupervised.py) echo "2519687692 6133" ;;
        pillars/6_utilities.py) echo "2415284328 6325" ;;
        pillars/7_after_the_lesson.py) echo "3369261092 7325" ;;
        pillars/drawing.py) echo "2704919739 5090" ;;
        exercises/0_map.py) echo "2576965394 790" ;;
        exercises/1_preprocessing.py) echo "3179819675 1062" ;;
        exercises/2_feature_selection.py) echo "2888893821 1133" ;;
        exercises/3_model_selection.py) echo "4278577527 1092" ;;
        exercises/4_supervised.py) echo "1659539796 789" ;;
        exercises/5_unsupervised.py) echo "2541401419 1185" ;;
        exercises/6_utilities.py) echo "3433146335 951" ;;
        exercises/README.md) echo "1525760607 1884" ;;
        exercises/conftest.py) echo "3781964440 3637" ;;
        exercises/first.py) echo "786296001 696" ;;
        exercises/test_checks.py) echo "385564930 14347" ;;
        exercises/solutions/0_map.py) echo "3495680003 468" ;;
        exercises/solutions/1_preprocessing.py) echo "447819057 596" ;;
        exercises/solutions/2_feature_selection.py) echo "1959554993 688" ;;
        exercises/solutions/3_model_selection.py) echo "590076658 596" ;;
        exercises/solutions/4_supervised.py) echo "1915658 309" ;;
        exercises/solutions/5_unsupervised.py) echo "2780409669 835" ;;
        exercises/solutions/6_utilities.py) echo "3667112288 496" ;;
        exercises/solutions/first.py) echo "4250351345 365" ;;
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
        *[!A-Za-z0-9_./-]*)
            printf '%s\n' "$1" | sed "s/'/'\\\\''/g; 1s/^/'/; \$s/\$/'/"
            ;;
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
        "    python -m pytest test_lesson.py -v" \
        "    python pillars/1_preprocessing.py     \
(chapters: seven questions, 0 to 6)" \
        "    python -m pytest exercises            (small broken programs to mend)"
}

# However the script ends, nothing half-written stays. A script whose end is missing
# stops without an error of its own.
unfinished=""
made=""
complete=no
on_exit() {
    status=$?
    [ -z "$unfinished" ] || rm -rf "$unfinished"
    if [ "$status" -ne 0 ]; then
        for folder in $made; do
            rmdir "$target/$folder" 2>/dev/null || :
        done
    elif [ "$complete" != yes ]; then
        fail 1 "this script is cut short; get it again"
    fi
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
for folder in $folders; do
    if [ -e "$target/$folder" ] && [ ! -d "$target/$folder" ]; then
        fail 1 "'$target/$folder' is in the way and is no folder; nothing was changed"
    fi
done
missing=""
differing=""
for name in $names; do
    file=$target/$name
    if [ -f "$file" ]; then
        [ "$(checksum "$file")" = "$(recorded "$name")" ] ||
            differing="$differing $name"
    elif [ -e "$file" ] || [ -L "$file" ]; then
        fail 1 "'$file' is in the way and is no file; nothing was changed"
    else
        missing="$missing $name"
    fi
done
if [ -n "$differing" ] && [ $force = no ]; then
    fail 1 "these files in '$target' differ from the lesson's:$differing; \
nothing was changed (--force overwrites them)"
fi
if [ -z "$missing$differing" ]; then
    next_steps
    complete=yes
    exit 0
fi

# ----- The files, first into a folder of their own inside the target, so that moving
# them is only a renaming

new=$target/.new-lesson-files.$$
if [ ! -d "$target" ]; then
    reason=$(mkdir "$target" 2>&1) ||
        fail 1 "cannot make the folder '$target' ($reason)"
    unfinished=$target
fi
reason=$(mkdir "$new" 2>&1) ||
    fail 1 "cannot write in the folder '$target' ($reason)"
[ -n "$unfinished" ] || unfinished=$new
for folder in $folders; do
    mkdir "$new/$folder"
done

cat >"$new/lesson_code.py" <<'END_OF_LESSON_FILE'
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

Learn how the parts of scikit-learn work together from one Python file that builds, tests and deploys a movie recommender
the way production teams do, with nothing in it that you cannot check by running it.

![The model goes two thirds of the way from the error of the mean to the noise floor](docs/pictures/error_ladder.svg)

## Run it, test it

On Linux and macOS, with Python 3.10 or newer (on Windows: `py -m venv .venv`, then `.venv\Scripts\python` and so on):
```sh
python3 -m venv .venv && .venv/bin/pip install -q -r requirements.txt
.venv/bin/python lesson_code.py
.venv/bin/python -m pytest test_lesson.py -v
```

The other commands of this page want `source .venv/bin/activate` first (Windows: `.venv\Scripts\activate`). The lesson takes
about five seconds; its ten checks end with `10 passed`. It prints, among other lines, these six
([every line explained](docs/the_run_explained.md), [words explained](docs/words.md)):

<!-- run: python lesson_code.py | keep: CV RMSE|^  RMSE|^    [01]|fragile -->
```text
CV RMSE: 0.8484 (+/- 0.0078)
  RMSE: 0.8297
    1.0384  always answering the mean rating
    0.8297  this model (± 0.0062, the standard error with 10000 test rows)
    0.7216  the noise floor: expected of a perfect predictor (0.7127 on these rows, by luck)
  The fragile way, with averages computed before the split: RMSE 0.8065. Do not believe it:
```

RMSE is the typical error in stars. The ratings are made by a known law, so the lesson can say what no real data can: from
the mean to the floor, the model (`forest`) has gone (1.0384 − 0.8297) / (1.0384 − 0.7216) = 66 % of the way (a lucky split: 63 % by `compare`).

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
fragile = model[1:].fit(features.loc[train.index], train["rating"])  # [1:] is the pipeline without its first step, which makes features
print(fragile.score(features.loc[test.index], test["rating"]))  # R2 = 0.118: a lie
print(model.fit(train, train["rating"]).score(test, test["rating"]))  # R2 = -0.005: no better than the mean
```

The cure: features are part of the model. A pipeline that takes raw rows learns its averages from the rows it is fitted on.
(In the full project, `python -m pytest --break list` names six safeguards; `--break NAME` takes one out: what notices?)

![Below the noise floor is not a good model: it is a leak](docs/pictures/3_model_selection.svg)
![Features, drop_ids, scaler and model: every step that learns is fitted inside the fold](docs/pictures/pipeline.svg)

## What you will learn

| minutes | section of `lesson_code.py` (you should know NumPy, pandas, and that `fit` learns and `predict` answers) | what for |
|---|---|---|
| 10 | 1 The table, and the law behind it | how good can a model become? baseline and noise floor |
| 40 | 2 Thirteen features that do not leak | a transformer of your own; damping, cross-fitting, missing values |
| 10 | 3 Models: one table, one pipeline | `Pipeline`, `ColumnTransformer`, why an id is not a quantity |
| 15 | 4 The wrapper: train, evaluate, compare | cross-validation, random search, differences fold by fold |
| 15 | 5 The artifact; 6 The demo | what must travel with a model so that another machine can trust it; all of it in seven steps |
| 30 | 7 Recommenders | matrix factorization, top-N lists, precision, recall, NDCG |

Read the file from top to bottom. Names that begin with an underscore are helpers; the appendix holds what you can skip at
first. Then the **chapters** in `pillars/`, one question and one picture each, 10 to 20 minutes: `python pillars/0_map.py`
(what is in scikit-learn, and how much of it have you met?), `1_preprocessing` (who needs the scaler?), `2_feature_selection`,
`3_model_selection` (can a score be too good?), `4_supervised`, `5_unsupervised`, `6_utilities` (which metric did you mean?),
`7_after_the_lesson` (the tools around). Each but the last has an **exercise**, a small broken program: `python -m pytest exercises` says
what is wrong with it, and why it matters. Pictures need `pip install matplotlib`.

## Use it from Python

In the folder of `lesson_code.py`, or anywhere after `pip install .`. `load_movielens(path)` reads a MovieLens release. A table of your own has a row per rating: `user_id` and
`movie_id` (integers), `rating`; if there are, `timestamp` (Unix seconds), `genre` ("A|B"), `movie_year`, `user_age`, `user_country`.
```python
import pandas as pd
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import FunctionTransformer
from lesson_code import MODELS, MovieRecommendationDataset, SklearnEcosystemPipeline, compare_models
table = MovieRecommendationDataset(n_users=300, n_movies=150, n_ratings=6000).generate()
train, test = table[:4800], table[4800:]
recommender = SklearnEcosystemPipeline(model="linear")  # a name, or any regressor: KNeighborsRegressor(50)
recommender.train(train)
metrics, predictions = recommender.evaluate(test)  # RMSE, MAE, R2; of lists: recommender.evaluate_ranking(test)
print(metrics, recommender.cv_scores.mean())
print(recommender.predict(pd.DataFrame({"user_id": [42], "movie_id": [7]})))  # one pair; unknown ids are fine
print(recommender.recommend(42, n=3))  # a user of the training: best first, by score (learned from who rated what)
print(recommender.recommend(ratings={1: 5.0, 50: 4.0}, n=3))  # somebody new, by two ratings
recommender.save_pipeline("small.pkl")
SklearnEcosystemPipeline.load_pipeline("small.pkl")  # in any process that can import lesson_code
def n_genres(X):  # a 14th feature; 1 where the row tells no genre
    genre = X["genre"].astype(object).fillna("") if "genre" in X else pd.Series("", index=X.index)
    return genre.str.count("[|]").to_frame() + 1
features = FeatureUnion([("13", MODELS["linear"]["features"]), ("n_genres", FunctionTransformer(n_genres))])
MODELS["mine"] = MODELS["linear"] | {"features": features, "search": None}  # the 13 come first: the next step drops columns 0 and 1, the ids
rmse = compare_models(train).filter(regex=r"RMSE_\d").T  # fold by fold
print((rmse["mine"] - rmse["linear"]).agg(["mean", "sem"]))  # the mean difference, its standard error: no help
```

The new row is a model like all others: `SklearnEcosystemPipeline(model="mine")`; to load it elsewhere, keep `n_genres` in a
file of its own and import it. To search inside a pipeline, search `build_pipeline()` (`features__damping` and so on).

## The command line

| command | |
|---|---|
| `python lesson_code.py --model blend --tune --output blend.pkl` | another model; a random search of its hyperparameters first |
| `python lesson_code.py --users 2000 --ratings 100000 --seed 7 --output o.pkl` | another synthetic table (also `--movies`) |
| `python lesson_code.py --data ml-latest-small --output ml.pkl` | a MovieLens release (to be downloaded, see below), folder or zip file |
| `python lesson_code.py compare` | all models on the same folds (`--data`, sizes) |
| `python lesson_code.py recommend --user 42 --top 5` | a list from the artifact that the lesson saved (`--artifact FILE`: another); for somebody new: `--rated 1=5,50=4`; one rating: `predict --user 42 --movie 7` |

## How good is it?

RMSE in stars, five random folds (`python lesson_code.py compare`, and the same with `--data ml-latest-small`):

| model | synthetic | ml-latest-small | |
|---|---|---|---|
| always the mean | 1.0420 | 1.0433 | |
| two lines: `TargetEncoder` of the ids, `Ridge` | 0.8390 | 0.8814 | what everything else has to beat |
| `linear`, `forest`, `boosting` on the 13 features | 0.8385, 0.8401, 0.8392 | 0.8754, 0.8585, 0.8475 | on the synthetic table the 13 features add nothing: by law only the averages and taste count, and no feature knows the taste of a user |
| `factors` | 0.8076 | 0.8152 | it learns tastes: from ratings, genres, year, and who rates what |
| `blend` | 0.8014 | 0.8081 | features and factors together, under boosting and ridge |

On the last fifth by time, where most users are new, no model is clearly better than another, and errors are about 1.0.
Fold by fold, by time, lists, other libraries, speed: [benchmarks](benchmarks/README.md). MovieLens: [GroupLens](https://grouplens.org/datasets/movielens/)
(Harper and Konstan, 2015), who call ml-latest-small unfit for shared research results; the copy measured here has 100,908 ratings.

## Limits and safety

- **A pickle runs code when it is loaded. Load artifacts only from a source you trust**: the digest catches damage only.
  `save_pipeline("x.skops")` writes a file that runs none (`pip install skops`). An artifact contains who rated what:
  [personal data](.github/SECURITY.md). With another scikit-learn, train again: RMSE moves by up to 0.002 ([versions](docs/versions.md)).
- If a user-movie pair stands twice in a table that you split by hand, a test rating can reach a score: `evaluate` warns.
- For somebody new, predicted stars know only the movie (`recommend` by `factors`: the ratings given, too). Above some
  13,000 users and as many movies, lists are made from the strongest patterns of the table, not from all of it.

## Files

`tests/` keeps the lesson trustworthy ([how](docs/trust.md)), `benchmarks/` measures it, `docs/` holds [design](docs/design.md),
[troubleshooting](docs/troubleshooting.md), [changes](docs/CHANGELOG.md), [bigger](docs/bigger.md) (millions of ratings, a Dask
cluster). `bash generate_lesson_files.sh` makes a folder of lesson, chapters and exercises, without these. To help:
[Contributing](.github/CONTRIBUTING.md). BSD-3-Clause (`LICENSE`); to cite: `CITATION.cff`. Names follow "Day 71".
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

cat >"$new/pillars/0_map.py" <<'END_OF_LESSON_FILE'
# %% [markdown]
# # 0 Map: what is in scikit-learn, and how much of it have you met?
#
# **You know**: how to import from a Python package. **You will see**: every public
# estimator, function, display and splitter of your version, and which this lesson uses,
# sorted into six *pillars*: the jobs that scikit-learn does, a chapter each.
# **Minutes**: 10. `python pillars/0_map.py all` prints all names.
#
# Words: an *estimator* learns from data with `fit`; then it answers with `predict`, or
# turns data into other data with `transform`. A *display* draws a result. A *splitter*
# says which rows are for training and which for testing. A *tag* says what an estimator
# is, and what it takes: *sparse* data, for example, which stores only the values that
# are not 0. The words of all chapters are in `docs/words.md`.

# %%
import ast
import inspect
import sys
import warnings

import drawing
import pandas as pd
import sklearn
from sklearn import model_selection
from sklearn.utils import get_tags
from sklearn.utils.discovery import all_displays, all_estimators, all_functions

# The modules of each pillar. This is the only list that is made by hand.
# (`_config` has set_config; `externals` has tools that were copied.)
PILLARS = {
    "Preprocessing": "preprocessing impute feature_extraction kernel_approximation "
    "random_projection",
    "Feature selection": "feature_selection inspection",
    "Model selection": "model_selection",
    "Supervised": "linear_model ensemble tree svm neighbors naive_bayes neural_network "
    "gaussian_process discriminant_analysis cross_decomposition kernel_ridge isotonic "
    "calibration multiclass multioutput semi_supervised dummy",
    "Unsupervised": "cluster decomposition manifold mixture covariance",
    "Utilities": "pipeline compose metrics base utils datasets frozen callback _config "
    "externals",
}
PILLAR_OF = {}
for pillar, modules in PILLARS.items():
    for module in modules.split():
        PILLAR_OF[module] = pillar

# The names that the lesson and the chapters import from scikit-learn. We read them in
# the code: `ast` turns a file into a tree, in which an import is a node.
files = [drawing.ROOT / "lesson_code.py"]
files += (drawing.ROOT / "recommender").glob("*.py")
files += (drawing.ROOT / "pillars").glob("*.py")
met = set()
for file in files:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module.startswith("sklearn"):
                met.update(alias.name for alias in node.names)


def describe(estimator):
    """Return the tags of an estimator's class as text."""
    try:
        with warnings.catch_warnings():
            # Some estimators warn that they will be gone in a later version.
            warnings.simplefilter("ignore")
            tags = get_tags(estimator())
    except (TypeError, AttributeError):  # it holds another estimator, which decides
        return "as what it holds"

    kind = tags.estimator_type  # "regressor" and so on, or None
    words = {
        kind: kind,
        "transformer": tags.transformer_tags,
        "missing values": tags.input_tags.allow_nan,
        "sparse": tags.input_tags.sparse,
        "text": tags.input_tags.string,
    }
    return ", ".join(word for word, is_true in words.items() if is_true)


# `discovery` does not list splitters, so we look for the classes that can split.
# The "Halving" searches are experimental and need one import more.
splitters = []
for name in model_selection.__all__:
    if "Halving" in name:
        continue
    public = getattr(model_selection, name)
    if hasattr(public, "split") and not inspect.isabstract(public):
        splitters.append((public.__name__, public))

names_of_kind = {
    "estimators": all_estimators(),
    "functions": all_functions(),
    "displays": all_displays(),
    "splitters": splitters,
}
rows = []
for kind, names in names_of_kind.items():
    for name, thing in names:
        verbs = [
            verb
            for verb in ("fit", "predict", "transform", "split")
            if hasattr(thing, verb)
        ]
        module = thing.__module__.split(".")[1]
        tags = ""
        if kind == "estimators":
            tags = describe(thing)
        row = {
            "name": name,
            "kind": kind,
            "module": module,
            "pillar": PILLAR_OF.get(module),
            "verbs": " ".join(verbs),
            "tags": tags,
            "met": name in met,
        }
        rows.append(row)
things = pd.DataFrame(rows)

if sys.argv[1:] == ["all"]:
    print(things.to_string(index=False))
for module in sorted(set(things["module"]) - set(PILLAR_OF)):
    print(f"No pillar claims sklearn.{module}: add it to PILLARS.")

# %% [markdown]
# ## The count
# You may read of "800+" tools. Here every public name of your version counts once.

# %%
table = things.pivot_table(
    index="pillar", columns="kind", values="name", aggfunc="count", fill_value=0
)
table = table.loc[list(PILLARS), list(names_of_kind)]
table = table.assign(all=table.sum(axis=1), met=things.groupby("pillar")["met"].sum())
n_all = len(things)
n_met = things["met"].sum()
print(
    f"scikit-learn {sklearn.__version__}: {n_all} public names. "
    f"With this lesson you meet {n_met} of them."
)
print(pd.concat([table, table.sum().to_frame("all six").T]).to_string())

print(
    "\nWhat estimators can do, and how many "
    "(fit alone: some answer by fit_predict or fit_transform):"
)
verbs = things.loc[things["kind"] == "estimators", "verbs"]
print(verbs.value_counts().to_string(header=False))

# %%
title = f"You meet {n_met} (blue) of {n_all} public names here"
figure, axes = drawing.new_picture(title, height=3.7)
if figure is not None:
    bars = axes.barh(table.index, table["all"], color="#CFCFCF")
    labels = [f"{seen} of {n}" for n, seen in zip(table["all"], table["met"])]
    axes.bar_label(bars, labels, padding=4)
    axes.barh(table.index, table["met"], color=drawing.BLUE)
    axes.invert_yaxis()
    axes.set(xticks=[], xlim=(0, 1.25 * table["all"].max()), frame_on=False)
    drawing.save_picture(figure, "0_map.svg")

# %% [markdown]
# **Remember:** three verbs of estimators: fit, predict, transform. Two hundred
# estimators share them.
#
# Go on in scikit-learn's user guide: "Choosing the right estimator". Exercise:
# `exercises/0_map.py`.
END_OF_LESSON_FILE

cat >"$new/pillars/1_preprocessing.py" <<'END_OF_LESSON_FILE'
# %% [markdown]
# # 1 Preprocessing: who needs the scaler?
#
# **You know**: `fit` learns, `predict` answers, a `Pipeline` puts steps in a row. **You
# will see**: one pipeline with and without its scaler; missing ages; an average by us
# and by scikit-learn. **Minutes**: 15.
#
# A *scaler* brings every feature to mean 0 and standard deviation 1. Without it, ten
# years between two movies look larger than the whole scale of ratings, from 1 to 5
# stars.
# Words: *forest* and *boosting* are made of decision trees. *Ridge* is a linear model
# that keeps its weights small. *SGD* finds such weights in small steps, row by row.

# %%
import drawing
import numpy as np
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import SGDRegressor
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import TargetEncoder

from lesson_code import (
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
)

table = MovieRecommendationDataset(n_ratings=20_000).generate()
train, test = train_test_split(table, test_size=0.2, random_state=42)


def error(model):
    """Return the RMSE on the test rows: the typical error, in stars."""
    model.fit(train, train["rating"])
    return root_mean_squared_error(test["rating"], model.predict(test))


print(
    "First the dummy, which always answers the mean rating: "
    f"RMSE {error(DummyRegressor()):.3f} stars"
)

# %% [markdown]
# ## The same models without and with the scaler
# `set_params(scaler="passthrough")` takes a step out of a pipeline.

# %%
models = {
    "nearest neighbours": KNeighborsRegressor(50),
    "linear (ridge)": "linear",
    "forest": "forest",
    "boosting": "boosting",
    "linear (SGD)": SGDRegressor(random_state=0),
}
rows = {}
for name, model in models.items():
    pipeline = SklearnEcosystemPipeline(model=model).build_pipeline()
    with_scaler = error(pipeline)
    pipeline.set_params(scaler="passthrough")
    rows[name] = {"without": error(pipeline), "with scaler": with_scaler}
errors = pd.DataFrame(rows).T

print(errors.to_string(float_format="%.3f"))
print(
    "Nearest neighbours measure distance: "
    "without the scaler, large numbers such as years decide it."
)
print(
    "SGD learns in small steps, one length for all features: "
    "large numbers throw it off."
)
print("Trees only ask whether a value is above a threshold.")
print(
    "Ridge gives a small weight to a feature with large numbers: "
    "the product is the same."
)

# %%
title = (
    "Scaling helps nearest neighbours, which measure distance; "
    "ridge and trees do not move"
)
figure, axes = drawing.new_picture(title, height=4)
if figure is not None:
    near = errors.loc["nearest neighbours"]
    others = errors.drop(["nearest neighbours", "linear (SGD)"])
    axes.plot([0, 1], others.T, "o-", color=drawing.GREY)
    axes.plot([0, 1], near, "o-", color=drawing.ORANGE)

    axes.text(-0.04, near["without"], f"{near['without']:.3f}", ha="right")
    axes.text(1.04, near["with scaler"], f"{near['with scaler']:.3f}", ha="left")
    axes.text(0.5, near.mean() + 0.01, "nearest neighbours", color=drawing.ORANGE)
    below = others.mean().mean() - 0.02
    axes.text(0.5, below, "ridge, forest, boosting", ha="center", color="#606060")
    far = f"(SGD without scaler: {errors['without'].max():.3f}, far above)"
    axes.text(0.5, 1.0, far, ha="center", color="#606060")

    axes.set(xticks=[0, 1], xticklabels=["without scaler", "with scaler"])
    axes.set(xlim=(-0.3, 1.3), ylabel="RMSE (stars)", ylim=(0.84, 1.01))
    drawing.save_picture(figure, "1_preprocessing.svg")

# %% [markdown]
# ## Missing values
# We take away the ages of a third of the users. The gaps are filled *inside* the
# pipeline, by training rows. The *law* of the table is the formula that made its
# ratings.

# %%
gaps = table["user_id"] % 3 == 0
holes = table.assign(user_age=table["user_age"].mask(gaps))
train = holes.loc[train.index]
test = holes.loc[test.index]

features = UserMovieFeatureTransformer(damping=10.0).fit(train)
filled = features.transform(test).loc[gaps, "user_age"]
imputer = SimpleImputer(strategy="median").fit(train[["user_age"]])
print(
    f"{len(filled)} test rows have no age. Medians: features {filled.unique()}, "
    f"SimpleImputer {imputer.statistics_}"
)

ridge = SklearnEcosystemPipeline(model="linear").build_pipeline()
print(
    f"RMSE of ridge now: {error(ridge):.3f}, as before: "
    "by the law of the table, age has no influence."
)

# %% [markdown]
# ## Categories
# An id is a label. `TargetEncoder` replaces it by the average rating of its rows, as
# our features do. The average is *damped*: ten imaginary average ratings are added, so
# few ratings give no extreme average.

# %%
ids = ["user_id", "movie_id"]
encoder = TargetEncoder(target_type="continuous", smooth=10.0)
encoder.fit(train[ids], train["rating"])
by_sklearn = encoder.transform(test[ids])  # (n_rows, 2): of the user, of the movie
by_us = features.transform(test)[["user_avg_rating", "movie_avg_rating"]].to_numpy()
difference = np.abs(by_sklearn - by_us).max()
print(
    "Largest difference between the averages of TargetEncoder and of our features: "
    f"{difference:.0e} stars"
)

# %% [markdown]
# **Remember:** scale for models that measure distance or learn in small steps. Trees do
# not care.
#
# Go on in scikit-learn's user guide: "Preprocessing data". Exercise:
# `exercises/1_preprocessing.py`.
END_OF_LESSON_FILE

cat >"$new/pillars/2_feature_selection.py" <<'END_OF_LESSON_FILE'
# %% [markdown]
# # 2 Feature selection: which features carry signal?
#
# **You know**: a forest averages many trees, which split rows by thresholds of
# features. **You will see**: two measures of what a feature is worth, and that one of
# them is fooled by features that carry nothing; how many features nearest neighbours
# should get; a selection that cheats. **Minutes**: 15. In the lesson's table we know
# the truth: age, country, year, hour and weekday have no influence on a rating.

# %%
import drawing
import numpy as np
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.inspection import permutation_importance
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_score,
    train_test_split,
)
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline

WORTHLESS = ["user_age", "country_encoded", "movie_year", "hour_of_day", "day_of_week"]
RMSE = "neg_root_mean_squared_error"  # scikit-learn's name: minus the error

table = MovieRecommendationDataset().generate()
train, test = train_test_split(table, test_size=0.2, random_state=42)
dummy = DummyRegressor().fit(train, train["rating"])
forest = SklearnEcosystemPipeline().build_pipeline().fit(train)
for name, model in {"the dummy (always the mean)": dummy, "the forest": forest}.items():
    rmse = root_mean_squared_error(test["rating"], model.predict(test))
    print(f"RMSE of {name}: {rmse:.4f} stars")

# %% [markdown]
# ## Two measures of importance
# *Impurity*: how much a feature's splits make the training ratings of a branch more
# alike, as a share of all. *Permutation*: how much the error on new rows grows when the
# column is shuffled, so that it tells nothing.

# %%
# The first two of the 13 features are the ids, which the pipeline drops.
names = forest["features"].get_feature_names_out()[2:]
features = forest[:2].transform(test)
shuffled = permutation_importance(
    forest[2:], features, test["rating"], n_repeats=2, random_state=0, scoring=RMSE
)
worth = pd.DataFrame(
    {
        "impurity, %": 100 * forest["model"].feature_importances_,
        "permutation, stars": shuffled.importances_mean,
    },
    index=names,
)
worth = worth.sort_values("impurity, %")
worth["useful by law"] = np.where(worth.index.isin(WORTHLESS), "no", "yes")
print(worth[::-1].to_string(float_format="%.4f"))

impurity_sum = worth.loc[WORTHLESS, "impurity, %"].sum()
permutation_max = worth.loc[WORTHLESS, "permutation, stars"].max()
print(
    f"The worthless ones get {impurity_sum:.0f} % of the impurity. "
    f"Shuffling one costs at most {permutation_max:.4f}."
)
print(
    "(Below about 0.0005, a difference is luck. "
    "A count tells how far an average can be trusted.)"
)
print(
    "A column of many values offers many thresholds: "
    "a tree always finds one that fits the training rows."
)

# %%
title = (
    f"Impurity gives {impurity_sum:.0f} % to worthless features (grey), "
    "permutation next to nothing"
)
figure, axes = drawing.new_picture(title, ncols=2, height=5, sharey=True)
if figure is not None:
    is_useful = worth["useful by law"] == "yes"
    colours = np.where(is_useful, drawing.BLUE, drawing.GREY)
    for axis, column in zip(axes, ["impurity, %", "permutation, stars"]):
        axis.barh(worth.index, worth[column], color=colours)
    axes[0].tick_params(axis="y", labelsize=12)
    axes[0].set_xlabel("impurity\n(% of all)")
    axes[1].set_xlabel("shuffled: RMSE\ngrows by (stars)")
    drawing.save_picture(figure, "2_feature_selection.svg")

# %% [markdown]
# ## How many features for nearest neighbours?
# Every worthless feature adds noise to a distance. `select=` puts `SelectKBest` into
# the pipeline: it chooses anew in every fold, from training rows alone, by
# `f_regression`: how a feature correlates with the rating. `drop_ids` is a step of the
# lesson; we take it out to see why.

# %%
rows = train[:16_000]
folds = KFold(3, shuffle=True, random_state=42)
# "brute" is the fastest way to find neighbours where features are many.
neighbours = KNeighborsRegressor(50, algorithm="brute")

selecting = SklearnEcosystemPipeline(model=neighbours, select=SelectKBest(f_regression))
search = GridSearchCV(
    selecting.build_pipeline(), {"select__k": [2, 5, 11]}, cv=folds, scoring=RMSE
)
search.fit(rows, rows["rating"])
results = pd.DataFrame(search.cv_results_)

with_ids = SklearnEcosystemPipeline(model=neighbours).build_pipeline()
with_ids.set_params(drop_ids="passthrough")
with_ids_rmse = -cross_val_score(with_ids, rows, rows["rating"], cv=folds, scoring=RMSE)

print(
    "RMSE in cross-validation on 16,000 rows "
    "(other rows: do not compare with the figures above)"
)
for k, score in zip(results["param_select__k"], results["mean_test_score"]):
    print(f"the best {k:2d} features: RMSE {-score:.4f}")
print(
    "Two or five are equally good; all 11 are worse: "
    "the others only add noise to the distance."
)

columns = ["split0_test_score", "split1_test_score", "split2_test_score"]
all_features = results[results["param_select__k"] == 11]
all_features_rmse = -all_features[columns].to_numpy().ravel()  # (3 folds,)
n_worse = np.sum(with_ids_rmse > all_features_rmse)
print(
    f"all 11 and the two ids: RMSE {with_ids_rmse.mean():.4f}, "
    f"worse than without in {n_worse} of 3 folds:"
)
print("an id is a label, and that two ids are close means nothing.")

# %% [markdown]
# ## A selection that cheats
# 1000 columns of pure noise: an honest R2 is at most about 0 (1 is perfect, 0 is what
# the mean reaches).

# %%
noise = np.random.default_rng(0).normal(size=(200, 1000))
stars = test["rating"][:200]
best = SelectKBest(f_regression, k=10)

chosen = best.fit_transform(noise, stars)
before = cross_val_score(Ridge(), chosen, stars).mean()
inside = cross_val_score(make_pipeline(best, Ridge()), noise, stars).mean()
print(
    f"R2 with the best 10 chosen before the split: {before:.2f}, a lie; "
    f"inside the pipeline: {inside:.2f}"
)
print("(it learned noise, so it is worse than the mean).")

# %% [markdown]
# **Remember:** impurity praises what it can split on, permutation what helps.
#
# Go on in scikit-learn's user guide: "Feature selection". Exercise:
# `exercises/2_feature_selection.py`.
END_OF_LESSON_FILE

cat >"$new/pillars/3_model_selection.py" <<'END_OF_LESSON_FILE'
# %% [markdown]
# # 3 Model selection: can a score be too good, and what did you ask?
#
# **You know**: a model is scored on rows that it was not fitted on. **You will see**:
# errors that no honest model can reach, and why; splits that ask different questions;
# what more data would bring. **Minutes**: 20. The *noise floor* is the error of a
# perfect predictor. We know it, because we know the law of the table.

# %%
import os

import drawing
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    TimeSeriesSplit,
    cross_val_score,
    learning_curve,
    train_test_split,
)

from lesson_code import (
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
    load_movielens,
)

RMSE = "neg_root_mean_squared_error"  # scikit-learn's name: minus the error


def predict_honestly(train, test):
    """Predict by the lesson's pipeline: cross-fitted averages of `train`."""
    return SklearnEcosystemPipeline().build_pipeline().fit(train).predict(test)


def predict_with(averages_of, train, test):
    """Predict by the same forest with simple averages of the rows `averages_of`."""
    # Without damping, an average is what `groupby` and `mean` give.
    features = UserMovieFeatureTransformer(damping=0).fit(averages_of)
    rest = SklearnEcosystemPipeline().build_pipeline()[1:]  # without the features
    rest.fit(features.transform(train), train["rating"])
    return rest.predict(features.transform(test))


# %% [markdown]
# ## Averages before the split
# The best features are averages of ratings. Taken from the whole table, they contain
# the answers of the test rows. The fewer ratings a user has, the more of the average is
# the answer. Damped averages leak less.
# %%
rows = []
for ratings_per_user in (20, 10, 5, 3, 2, 1.5):
    for seed in (0, 1):
        n_ratings = int(1000 * ratings_per_user)
        dataset = MovieRecommendationDataset(n_ratings=n_ratings, random_state=seed)
        table = dataset.generate()
        train, test = train_test_split(table, test_size=0.2, random_state=42)
        dummy = DummyRegressor().fit(train, train["rating"])
        answers = {
            "dummy": dummy.predict(test),
            "honest": predict_honestly(train, test),
            "before the split": predict_with(table, train, test),
        }
        row = {"ratings per user": ratings_per_user}
        for name, stars in answers.items():
            row[name] = root_mean_squared_error(test["rating"], stars)
        row["floor"] = dataset.best_rmse(test)
        rows.append(row)
curve = pd.DataFrame(rows).groupby("ratings per user").mean()
print(
    "RMSE in stars, mean of two tables; small ones vary by luck "
    "(honest: averages made in the pipeline)"
)
print(curve[::-1].to_string(float_format="%.3f"))

print(
    "\nR2 on shuffled ratings (an honest one is about 0 or below), "
    "with averages made from:"
)
table = MovieRecommendationDataset(n_ratings=10_000).generate()
table["rating"] = table["rating"].sample(frac=1, random_state=0).to_numpy()
train, test = train_test_split(table, test_size=0.2, random_state=42)
answers = {
    "whole table": predict_with(table, train, test),
    "training rows": predict_with(train, train, test),
    "the same, cross-fitted": predict_honestly(train, test),
}
for name, stars in answers.items():
    print(f"  {name}: R2 {r2_score(test['rating'], stars):.3f}")
print(
    "A training row's own answer is in its average, "
    "so the forest trusts averages too much and fails on"
)
print("new rows. Cross-fitted: a row's average is made from other rows.")

# %%
title = "Below the noise floor is not a good model: it is a leak"
figure, axes = drawing.new_picture(title, height=4.2)
if figure is not None:
    blue = drawing.BLUE
    orange = drawing.ORANGE
    axes.plot(curve.index, curve["honest"], "o-", color=blue)
    axes.plot(curve.index, curve["before the split"], "o-", color=orange)
    axes.plot(curve.index, curve["floor"], "--", color="black")
    axes.fill_between(curve.index, 0, curve["floor"], color="#EEEEEE")

    axes.text(20, 0.98, "averages made inside the pipeline", color=blue, ha="right")
    axes.text(2.2, 0.56, "averages made\nbefore the split", color=orange)
    axes.text(19, 0.62, "noise floor (dashed):\nno honest model is below", ha="right")

    ticks = [f"{n:g}" for n in curve.index]
    axes.set(xscale="log", xticks=curve.index, xticklabels=ticks)
    axes.set(xlabel="ratings per user", ylabel="RMSE (stars)", ylim=(0.5, 1.03))
    axes.minorticks_off()
    drawing.save_picture(figure, "3_model_selection.svg")

# %% [markdown]
# ## A splitter is a question: about whom will the model be asked?
# `GroupKFold` puts all rows of a group (`groups=`), such as a user, into one fold:
# tested users are new.
# %%
model = SklearnEcosystemPipeline(model="linear").build_pipeline()
folds = KFold(5, shuffle=True, random_state=42)


def ask(question, rows, splitter, groups=None):
    """Print the mean RMSE of the model over the folds of a splitter."""
    scores = cross_val_score(
        model, rows, rows["rating"], groups=groups, cv=splitter, scoring=RMSE
    )
    print(f"{question}: RMSE {-scores.mean():.3f}")


print(
    "(The question of time: set MOVIELENS to the folder of a MovieLens release: "
    "real ratings, see README.)"
)
table = MovieRecommendationDataset().generate()
ask("KFold: known users and movies", table, folds)
ask("GroupKFold: new users", table, GroupKFold(5), groups=table["user_id"])
ask("GroupKFold: new movies", table, GroupKFold(5), groups=table["movie_id"])
if os.environ.get("MOVIELENS"):
    real = load_movielens(os.environ["MOVIELENS"])
    real = real.sort_values("timestamp", ignore_index=True)
    by_time = TimeSeriesSplit(5)
    ask("MovieLens, KFold", real, folds)
    ask("MovieLens, TimeSeriesSplit: the future (from fewer rows)", real, by_time)

print(
    "\nWould more data help? The learning curve, RMSE by the number of training rows:"
)
sizes, train_scores, test_scores = learning_curve(
    model, table, table["rating"], train_sizes=[0.1, 0.3, 1.0], cv=folds, scoring=RMSE
)
# Both scores have the shape (3 sizes, 5 folds). We take the means of the folds.
old = -train_scores.mean(axis=1).round(3)
new = -test_scores.mean(axis=1).round(3)
print(pd.DataFrame({"on these rows": old, "on new rows": new}, index=sizes).to_string())
gap = new - old
print(
    f"The gap shrinks from {gap[0]:.3f} to {gap[-1]:.3f}. "
    f"They can meet only between {old[-1]} and {new[-1]}:"
)
print(
    f"more rows bring about {gap[-1]:.2f} at most. "
    "Another model brings more (chapter 4)."
)

# %% [markdown]
# **Remember:** below the floor is not a good model, it is a leak; a splitter is a
# question.
#
# Go on: "Cross-validation" in scikit-learn's user guide. Exercise:
# `exercises/3_model_selection.py`.
END_OF_LESSON_FILE

cat >"$new/pillars/4_supervised.py" <<'END_OF_LESSON_FILE'
# %% [markdown]
# # 4 Supervised learning: how much of the error is the model's?
#
# **You know**: `fit` learns, `predict` answers, and cross-validation scores rows that
# the model has not seen. **You will see**: an error split into two parts. One part no
# model can remove. **Minutes**: 10.
#
# An error of 0.80 stars: is that good? On real data nobody can tell. Here the law of
# the ratings is known, so we know the best possible answer for every row: its *expected
# rating*. That splits the squared error in two:
#
#     mean of (rating - answer)²
#         =  noise: people are not consistent
#         +  mean of (expected - answer)²: ignorance, what the model does not know

# %%
import pandas as pd
from drawing import BLUE, GREY, new_picture, save_picture
from sklearn.dummy import DummyRegressor
from sklearn.metrics import mean_squared_error, root_mean_squared_error
from sklearn.model_selection import KFold, cross_val_predict

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline

dataset = MovieRecommendationDataset()
table = dataset.generate()
rating = table["rating"]
expected = dataset.true_expected_

# %% [markdown]
# ## The same five folds for every model, the dummy first
# `cross_val_predict` answers each row by a model that was trained on the other folds.
# *Taste* is how well a user's love of genres fits a movie. `factors` learns it: numbers
# for every user and movie, whose product says how well the two fit (*matrix
# factorization*).

# %%
models = {"mean": DummyRegressor()}  # always the mean rating of its training rows
for name in ("linear", "forest", "boosting", "factors"):
    models[name] = SklearnEcosystemPipeline(model=name).build_pipeline()

folds = KFold(5, shuffle=True, random_state=42)
answers = {}
for name, model in models.items():
    answers[name] = cross_val_predict(model, table, rating, cv=folds)
answers["the law"] = expected  # the best possible predictor: what remains is noise

noise = dataset.best_rmse() ** 2  # the noise floor of all rows, squared
rows = {}
for name, answer in answers.items():
    ignorance = mean_squared_error(expected, answer)
    rows[name] = {
        "noise": noise,
        "ignorance": ignorance,
        "sum": noise + ignorance,
        "measured": mean_squared_error(rating, answer),
    }
errors = pd.DataFrame(rows).T
errors["RMSE"] = errors["measured"] ** 0.5

print("Squared error in stars², and its root (RMSE) in stars:")
print(errors.to_string(float_format="%.3f"))
print(
    "'measured' differs from 'sum' by luck: "
    "the noise of these rows is not exactly the expected one."
)
print(
    "linear, forest and boosting read the same 11 features "
    "(13 without the two ids), and they are equally"
)
print(
    "ignorant: they lack knowledge (of taste), not a cleverer algorithm. "
    "factors learns taste, and is the"
)
print("only one with clearly less ignorance than these three.")
part = errors.loc["factors", "ignorance"]
whole = errors.loc["factors", "sum"]
print(
    "How much of the error is the model's? "
    f"For factors: {part:.3f} / {whole:.3f} = {100 * part / whole:.0f} %."
)

# %% [markdown]
# ## Where the error sits: users who rate with care, and users who do not
# Five groups of equally many ratings, for `factors`, by the size of a user's noise:
# `sigma` of the law, the standard deviation of the noise in that user's ratings, in
# stars.

# %%
sigma = dataset.law_["sigma"][table["user_id"] - 1]  # user ids count from 1
names = ["most careful", "careful", "middle", "careless", "most careless"]
group = pd.qcut(sigma, 5, labels=names)
rows = {}
for name, positions in table.groupby(group, observed=True).indices.items():
    answer = answers["factors"][positions]
    rated = rating.iloc[positions]
    best = expected[positions]
    rows[name] = {
        "RMSE": root_mean_squared_error(rated, answer),
        "noise": root_mean_squared_error(rated, best),
        "model to law": root_mean_squared_error(best, answer),
    }
by_care = pd.DataFrame(rows).T

print(by_care.to_string(float_format="%.3f"))
print(
    "The squares of 'noise' and 'model to law' add up to the square of the RMSE, "
    "but for luck."
)
growth = by_care.loc["most careless", "RMSE"] / by_care.loc["most careful", "RMSE"]
print(
    f"From most careful to most careless, the RMSE grows {growth:.1f} times. "
    "That is noise:"
)
print("the model's own part changes little.")
print(
    f"Spread (standard deviation) in stars: ratings {rating.std():.2f}, "
    f"the law {expected.std():.2f}, factors {answers['factors'].std():.2f}."
)
print(
    "Good answers are less extreme than ratings: "
    "an answer is an expectation and leaves the noise out;"
)
print("and a model that is not sure stays nearer to the mean.")

# %%
figure, axes = new_picture("A better model shortens only the blue part of the bar")
if figure is not None:
    axes.barh(errors.index, errors["noise"], color=GREY)
    axes.barh(errors.index, errors["ignorance"], left=errors["noise"], color=BLUE)
    for name, row in errors.drop("the law").iterrows():
        label = f"{row['ignorance']:.2f}"
        axes.text(row["sum"] + 0.01, name, label, va="center", color=BLUE)
    axes.text(noise / 2, "mean", f"noise {noise:.2f}", ha="center", va="center")
    axes.text(noise + 0.02, "mean", "ignorance", va="center", color="white")
    axes.set(xlabel="mean squared error (stars²), five folds", xlim=(0, 1.2))
    axes.invert_yaxis()  # the dummy on top
    save_picture(figure, "4_supervised.svg")

# %% [markdown]
# **Remember:** you can shorten only the part of the bar that is ignorance. The noise
# stays.
#
# Go on: scikit-learn's user guide, "Supervised learning". To draw answers and ratings:
# `PredictionErrorDisplay.from_predictions(rating, answers["factors"])`.
# Exercise: `exercises/4_supervised.py`.
END_OF_LESSON_FILE

cat >"$new/pillars/5_unsupervised.py" <<'END_OF_LESSON_FILE'
# %% [markdown]
# # 5 Unsupervised learning: does it find what we hid?
#
# **You know**: *matrix factorization* gives every user and movie some learned numbers,
# its *factors*, whose product says how well the two fit (section 7 of
# `lesson_code.py`). **You will see**: that clusters of movies are genres, that more
# ratings make them clearer, and that KMeans also finds clusters where there are none. A
# control tells the difference. **Minutes**: 10.
#
# The law of the ratings has eight genres. Our model reads ids and stars alone: no genre
# (`content`), not who rated what (`n_patterns`). So we can compare what was found with
# what was hidden, as never on real data.

# %%
import numpy as np
import pandas as pd
from drawing import new_picture, save_picture
from scipy.optimize import linear_sum_assignment
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    adjusted_rand_score,
    silhouette_score,
)

from lesson_code import MatrixFactorization, MovieRecommendationDataset

# We ask for eight clusters, because we know that there are eight genres.
kmeans = KMeans(8, n_init=20, random_state=0)
blind = MatrixFactorization(n_factors=8, content=False, n_patterns=0)


def learn(n_ratings):
    """Return the law of a table, its movies, and the factors learned from it."""
    dataset = MovieRecommendationDataset(n_ratings=n_ratings)
    table = dataset.generate()
    grouped = table.groupby("movie_id")
    movies = pd.DataFrame({"genre": grouped["genre"].first(), "n": grouped.size()})
    movies["one_genre"] = ~movies["genre"].str.contains("[|]")
    return dataset.law_, movies, clone(blind).fit(table)


# %% [markdown]
# ## Movies: are the clusters genres?
# The dummy first: shuffled genres. The *adjusted Rand index* compares two groupings: 1
# is the same grouping, 0 is chance. We take the movies that have one genre and at least
# 50 ratings. *PCA* turns the axes so that the first direction holds as much of the
# variance (the spread) as possible, then the second, and so on.

# %%
_, movies, factors = learn(50_000)
kept = (movies["one_genre"] & (movies["n"] >= 50)).to_numpy()
movie_factors = factors.movie_factors_[kept]  # (n_movies, 8)
genre = movies["genre"][kept]
cluster = kmeans.fit_predict(movie_factors)

shuffled = np.random.default_rng(0).permutation(genre)
by_chance = adjusted_rand_score(shuffled, cluster)
true_index = adjusted_rand_score(genre, cluster)
print(f"Adjusted Rand index with shuffled genres: {by_chance:.3f}")
print(f"Adjusted Rand index with true genres:     {true_index:.3f}")

shares = PCA().fit(movie_factors).explained_variance_ratio_.round(2)
print("PCA, the share of variance in each direction:", shares)
print(
    f"Two directions hold only {100 * shares[:2].sum():.0f} % of the variance, "
    "so a drawing in two dimensions would mix the genres."
)

rows = {}
for n_ratings in (5000, 20_000, 50_000, 100_000, 200_000):
    law, films, model = learn(n_ratings)

    # T: users x 8 tastes; G: movies x 8 genres. The product has the tastes of all
    # users for all movies. The ids in the model's arrays count from 1.
    all_tastes = law["T"] @ law["G"].T
    true_taste = all_tastes[np.ix_(model.users_ - 1, model.movies_ - 1)]
    # All pairs of a user and a movie, most of which nobody has rated:
    learned = model.user_factors_ @ model.movie_factors_.T
    correlation = np.corrcoef(learned.ravel(), true_taste.ravel())[0, 1]

    one_genre = films["one_genre"].to_numpy()
    groups = kmeans.fit_predict(model.movie_factors_[one_genre])
    rand_index = adjusted_rand_score(films["genre"][one_genre], groups)
    rows[n_ratings] = {"true taste": correlation, "genres": rand_index}
print(
    "\nMore ratings, more truth: correlation with the true taste, "
    "Rand index with the genres"
)
print(pd.DataFrame(rows).T.to_string(float_format="%.2f"))
print(
    "(At 50000 the index is lower than above: "
    f"all {movies['one_genre'].sum()} movies of one genre, "
    f"not only the {kept.sum()} with 50 ratings.)"
)

# %% [markdown]
# ## Users: KMeans always answers
# By law, users have no groups: every user's love of every genre is drawn alone. The
# *silhouette* says how well clusters are separated (1: far apart, 0: they touch). A
# *control* needs no truth: we shuffle every column by itself. It keeps its numbers, but
# groups are gone.

# %%
rng = np.random.default_rng(0)


def silhouette(points):
    """Return how well the eight clusters of the points are separated."""
    return silhouette_score(points, kmeans.fit_predict(points))


print("Silhouette of eight clusters, and of the same columns, shuffled five times:")
for name, points in {"movies": movie_factors, "users": factors.user_factors_}.items():
    score = silhouette(points)
    controls = [silhouette(rng.permuted(points, axis=0)) for _ in range(5)]
    print(
        f"  {name}: {score:.3f}, controls: {min(controls):.3f} to {max(controls):.3f}"
    )
print(
    "Movies are above all controls: there are groups. "
    "Users are not: KMeans answered, but no groups show."
)
print("A low silhouette is no verdict; compare it with a control.")

# %%
counts = pd.crosstab(genre, cluster).to_numpy()
# A cluster's number says nothing: we put each beside the genre that it fits best.
_, best_cluster = linear_sum_assignment(-counts)
counts = counts[:, best_cluster]
title = (
    f"From ratings alone, KMeans groups {np.trace(counts)} of {kept.sum()} movies "
    "by genre"
)
figure, axes = new_picture(title, height=4.4)
if figure is not None:
    display = ConfusionMatrixDisplay(counts, display_labels=np.unique(genre))
    display.plot(ax=axes, cmap="Blues", colorbar=False)
    axes.set(xlabel="cluster (in the squares: movies)", xticklabels=range(1, 9))
    axes.set(ylabel="true genre")
    save_picture(figure, "5_unsupervised.svg")

# %% [markdown]
# **Remember:** KMeans always answers. A control tells if there are groups; only a truth
# tells what they are.
#
# Go on: "Clustering" in scikit-learn's user guide. Exercise:
# `exercises/5_unsupervised.py`.
END_OF_LESSON_FILE

cat >"$new/pillars/6_utilities.py" <<'END_OF_LESSON_FILE'
# %% [markdown]
# # 6 Utilities: which metric did you mean?
#
# **You know**: RMSE is the typical error of predicted stars. NDCG@10 scores a list of
# ten movies: 1 if all that the user will like come first, 0 if none is in it.
# **You will see**: that the better model of stars can make the worse list; metrics of
# your own as scorers; a saved model in a fresh process. **Minutes**: 10.

# %%
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd
from drawing import BLUE, GREY, ORANGE, ROOT, new_picture, save_picture
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import make_scorer, ndcg_score, root_mean_squared_error
from sklearn.model_selection import ShuffleSplit, cross_validate
from sklearn.pipeline import make_pipeline

from lesson_code import (
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
)

dataset = MovieRecommendationDataset()
table = dataset.generate()
users = pd.DataFrame({"user_id": np.unique(table["user_id"])})
movies = pd.DataFrame({"movie_id": np.unique(table["movie_id"])})
pairs = users.merge(movies, how="cross")  # every user with every movie, 1000 x 500


# %%
# *Liked* means: rated 4 or more among the held-out rows. A movie that the user would
# love but did not rate counts as a miss. `scoring=` takes a scorer: a function of
# (model, X, y); `make_scorer` makes one.
def within_half(y_true, y_pred):
    """Return the share of predictions that are at most half a star off."""
    return np.mean(np.abs(y_true - y_pred) <= 0.5)


def ndcg_of_lists(stars, X, y):
    """Return NDCG@10 of lists by `stars` (n_users, n_movies).

    A list is without what its user rated outside of X.
    """
    liked = np.zeros(stars.shape)
    liked[X["user_id"] - 1, X["movie_id"] - 1] = y >= 4  # ids count from 1

    seen = table.drop(X.index)
    scores = stars.copy()
    scores[seen["user_id"] - 1, seen["movie_id"] - 1] = -99  # behind all others

    has_liked = liked.any(axis=1)  # the other users have nothing to find
    return ndcg_score(liked[has_liked], scores[has_liked], k=10)


def ndcg_of_model(model, X, y):
    """Return NDCG@10 of the lists that a model of stars makes."""
    stars = model.predict(pairs).reshape(1000, 500)
    return ndcg_of_lists(stars, X, y)


scoring = {
    "RMSE": "neg_root_mean_squared_error",
    "within half a star": make_scorer(within_half),
    "NDCG@10": ndcg_of_model,
}

# Popularity is one of the 13 features: how many ratings a movie has.
count = ColumnTransformer([("one", "passthrough", ["movie_rating_count"])])
popularity = make_pipeline(UserMovieFeatureTransformer(), count, LinearRegression())
models = {
    "mean": DummyRegressor(),
    "popularity": popularity,
    "linear": SklearnEcosystemPipeline(model="linear").build_pipeline(),
    "factors": SklearnEcosystemPipeline(model="factors").build_pipeline(),
}
split = ShuffleSplit(1, test_size=0.2, random_state=42)
rows = {}
for name, model in models.items():
    scores = cross_validate(model, table, table["rating"], cv=split, scoring=scoring)
    rows[name] = {
        "RMSE": -scores["test_RMSE"][0],  # of scorers, larger is better
        "within half a star": scores["test_within half a star"][0],
        "NDCG@10": scores["test_NDCG@10"][0],
    }

# Two more lists: by the true stars, which nobody has, and by `MovieRanker`, which
# predicts no stars.
train_rows, test_rows = next(split.split(table))
train = table.iloc[train_rows]
test = table.iloc[test_rows]

law = dataset.law_
best = dataset.true_expected_[test.index]
# What is equal for all movies of a user changes no list, so it can be left out.
order = law["movie"] + law["T"] @ law["G"].T
rows["the law"] = {
    "RMSE": root_mean_squared_error(test["rating"], best),
    "within half a star": within_half(test["rating"], best),
    "NDCG@10": ndcg_of_lists(order, test, test["rating"]),
}
recommender = SklearnEcosystemPipeline(model="factors").fit(train)
rows["MovieRanker"] = {"NDCG@10": recommender.evaluate_ranking(test)["NDCG@10"]}
results = pd.DataFrame(rows).T

print(results.to_string(float_format="%.3f", na_rep=""))
print(
    "Knowing the law gives the best stars, and worse lists than popularity. "
    "A list of ten asks another"
)
print(
    "question: which movies will this user watch at all? "
    "MovieRanker learns that from who rated what."
)
print("Without popularity and MovieRanker, better stars do make better lists.")

# %%
figure, axes = new_picture("The best stars do not make the best list")
if figure is not None:
    places = results.assign(RMSE=-results["RMSE"]).rank(ascending=False)
    colours = {"popularity": ORANGE, "the law": BLUE}
    for name in results.index:
        left = places.loc[name, "RMSE"]
        right = places.loc[name, "NDCG@10"]
        colour = colours.get(name, GREY)
        axes.plot([0, 1], [left, right], "o-", color=colour, linewidth=2.5)
        label = f"{name} {results.loc[name, 'NDCG@10']:.2f}"
        axes.text(1.04, right, label, va="center")
        if name != "MovieRanker":  # it has no stars
            label = f"{results.loc[name, 'RMSE']:.2f} {name}"
            axes.text(-0.04, left, label, va="center", ha="right")
    axes.text(0, 6.6, "RMSE of stars\n(best on top)", ha="center", va="top")
    axes.text(1, 6.6, "NDCG@10 of lists\n(best on top)", ha="center", va="top")
    axes.set(xlim=(-0.7, 1.7), ylim=(7.4, 0.6))
    axes.axis("off")
    save_picture(figure, "6_utilities.svg")

# %%
# The saved model answers in a fresh process
with tempfile.TemporaryDirectory() as folder:
    path = recommender.save_pipeline(f"{folder}/model.pkl")
    code = f"""
import joblib
recommender = joblib.load({path!r})
print(recommender.recommend(1, n=3).to_string(index=False))
"""
    print(
        "The saved model in a fresh process, list for user 1 "
        "(sorted by score; predicted_rating: stars):"
    )
    print(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True))
recommender  # noqa: B018  (a notebook draws its diagram)

# %% [markdown]
# **Remember:** the better model of stars can make the worse list.
#
# Go on: "Metrics and scoring" in scikit-learn's user guide. Exercise:
# `exercises/6_utilities.py`.
END_OF_LESSON_FILE

cat >"$new/pillars/7_after_the_lesson.py" <<'END_OF_LESSON_FILE'
# %% [markdown]
# # 7 After the lesson: what can other tools do with this very pipeline?
#
# **You know**: our pipeline is a scikit-learn estimator: `fit`, `predict`, parameters
# that can be set. **You will see**: that tools which know nothing of movies can
# therefore work with it. **Minutes**: 10.
#
# Nothing here is needed for the lesson. Install one tool at a time, each in an
# environment of its own.

# %%
import tempfile
from importlib import import_module
from pathlib import Path

import joblib
import numpy as np
from drawing import ROOT
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import cross_val_score

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline

table = MovieRecommendationDataset(n_users=300, n_movies=150, n_ratings=6000).generate()
X = table.drop(columns="rating")
y = table["rating"]
X_train, X_test = X[:4800], X[4800:]
y_train, y_test = y[:4800], y[4800:]

recommender = SklearnEcosystemPipeline(model="linear").fit(X_train, y_train)
pipeline = recommender.pipeline
ids = X_test[["user_id", "movie_id"]]
stars = pipeline.predict(ids)

# This folder is removed when Python ends.
temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
folder = Path(temporary.name)


def tool(module, install=None):
    """Return the module; if it is missing, say how to get it and return None."""
    try:
        imported = import_module(module)
    except ModuleNotFoundError:
        print(
            f"{module} is not installed. "
            f"To see this recipe: pip install {install or module}"
        )
        return None
    print(f"\n--- {module}")
    return imported


# %%
# skrub: look at a table before you model it (a notebook shows a report when a cell ends
# with its name)
skrub = tool("skrub")
if skrub:
    path = folder / "table.html"
    skrub.TableReport(table, verbose=0).write_html(path)
    print(f"Gaps, distributions, associations: {path.stat().st_size} bytes of HTML")

# %%
# skore: measure, and check for common mistakes. It finds the columns that are useless
# by law. X must be without the column `rating`: the checks train a model on X too,
# which would read the answers.
skore = tool("skore")
if skore:
    report = skore.EstimatorReport(
        recommender.build_pipeline(),
        X_train=X_train,
        y_train=y_train,
        X_test=X_test,
        y_test=y_test,
    )
    print(report.metrics.summarize().frame())
    print(report.checks.summarize())

# %%
# skops: a saved model that runs no code when it is loaded. Read the list of types
# before you trust them
skops = tool("skops.io", "skops")
if skops:
    skops.dump(pipeline, folder / "model.skops")
    not_of_sklearn = skops.get_untrusted_types(file=folder / "model.skops")
    loaded = skops.load(folder / "model.skops", trusted=not_of_sklearn)
    same = np.array_equal(loaded.predict(ids), stars)
    print(f"Trusted: {not_of_sklearn}. The same predictions: {same}")


# %%
# Optuna: a search that learns from the candidates it has tried; the lesson's own
# settings come first
def rmse(trial):
    """Return the cross-validated RMSE of a candidate that Optuna suggests."""
    damping = trial.suggest_float("damping", 1, 50, log=True)
    alpha = trial.suggest_float("alpha", 0.01, 1000, log=True)
    candidate = recommender.build_pipeline()
    candidate.set_params(features__damping=damping, model__alpha=alpha)
    scores = cross_val_score(
        candidate, X_train, y_train, scoring="neg_root_mean_squared_error"
    )
    return -scores.mean()


optuna = tool("optuna")
if optuna:
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    study.enqueue_trial({"damping": 10.0, "alpha": 1.0})
    study.optimize(rmse, n_trials=20)
    print(
        f"RMSE of the lesson's settings {study.trials[0].value:.4f}, "
        f"of the best {study.best_value:.4f}"
    )

# %%
# MLflow: a registry of models in SQLite. A request that does not fit the signature, two
# ids, is refused
mlflow = tool("mlflow")
if mlflow:
    mlflow.set_tracking_uri(f"sqlite:///{(folder / 'mlflow.db').as_posix()}")
    experiment = mlflow.create_experiment("lesson", (folder / "models").as_uri())
    mlflow.set_experiment(experiment_id=experiment)

    # Two steps are not scikit-learn's own: MLflow must trust them, and have their code.
    trusted = []
    for step in (pipeline, pipeline["features"]):
        kind = type(step)
        trusted.append(f"{kind.__module__}.{kind.__name__}")
    code_paths = [ROOT / "lesson_code.py"]
    if (ROOT / "recommender").is_dir():
        code_paths.append(ROOT / "recommender")
    mlflow.sklearn.log_model(
        pipeline,
        name="stars",
        registered_model_name="movies",
        signature=mlflow.models.infer_signature(ids, stars),
        skops_trusted_types=trusted,
        code_paths=code_paths,
    )
    served = mlflow.pyfunc.load_model("models:/movies/1")
    same = np.array_equal(served.predict(ids), stars)
    inputs = served.metadata.signature.inputs
    print(f"Signature: {inputs}. The same predictions: {same}")

# %%
# fairlearn: the error by group, beside the size of the group
fairlearn = tool("fairlearn.metrics", "fairlearn")
if fairlearn:
    frame = fairlearn.MetricFrame(
        metrics={"RMSE": root_mean_squared_error, "ratings": fairlearn.count},
        y_true=y_test,
        y_pred=stars,
        sensitive_features=X_test["user_country"],
    )
    print(frame.by_group)
    print(
        "By law, country has no influence: these differences are luck, "
        "most of all where ratings are few."
    )

# %%
# Dask: all parallel work goes to a cluster: Client("address:8786"). This one lives in
# our own process
dask = tool("distributed")
if dask:
    with (
        dask.Client(processes=False, dashboard_address=None) as client,
        joblib.parallel_config("dask"),
    ):
        recommender.train(X_train, y_train)
        rmse_in_cv = recommender.cv_scores.mean()
        print(f"CV RMSE {rmse_in_cv:.4f}, workers: {len(client.ncores())}")

# %%
# ONNX (models that run without Python): scaler and model can be converted, our own
# transformer cannot
skl2onnx = tool("skl2onnx", "skl2onnx onnxruntime")
runtime = None
if skl2onnx:
    runtime = tool("onnxruntime")
if runtime:
    # The features of the test rows, without the ids: (n_rows, 11)
    features = pipeline[:2].transform(X_test).astype(np.float32)
    converted = skl2onnx.to_onnx(pipeline[2:], features[:1])
    session = runtime.InferenceSession(converted.SerializeToString())
    answers = session.run(None, {"X": features})[0].ravel()
    answers = np.clip(answers, 1, 5)  # as our pipeline does
    difference = np.abs(answers - pipeline.predict(X_test)).max()
    print(f"ONNX is at most {difference:.6f} stars off")

# %% [markdown]
# **Two that refuse.** ONNX cannot take the whole pipeline: it has no converter for our
# own transformer. Compute the features in Python. Yellowbrick 1.5 calls even `Ridge()`
# "not a regressor": it looks for the attribute `_estimator_type`, which scikit-learn
# 1.9 no longer has. Use scikit-learn's Display classes.
#
# **Remember:** keep to the interface of scikit-learn, and the tools of others work for
# you.
#
# Go on: scikit-learn's "Related Projects" and, in the user guide, "Model persistence".
END_OF_LESSON_FILE

cat >"$new/pillars/drawing.py" <<'END_OF_LESSON_FILE'
"""What the chapters share.

It is the way to `lesson_code`, and how a picture looks and is saved.
"""

import atexit
import os
import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A chapter finds lesson_code from wherever it is run.
sys.path.insert(0, str(ROOT))
# A console that cannot show a character shows "?". A notebook can show all of them.
if hasattr(sys.stdout, "reconfigure"):
    sys.stdout.reconfigure(errors="replace")

#: Where pictures are written. The tests name another folder, so that they change
#: nothing here.
PICTURES = Path(os.environ.get("PICTURES", ROOT / "docs" / "pictures"))
MAX_SIZE = 60_000  # bytes of a picture: pages must load fast on a phone
#: Colours that colour-blind readers can tell apart (Okabe and Ito, 2008).
BLUE = "#0072B2"
ORANGE = "#D55E00"
GREEN = "#009E73"
PINK = "#CC79A7"
#: Grey is for what does not matter.
GREY = "#9A9A9A"
#: A phone shows 6.4 inches (614 pixels) on 360 pixels; text of 14 points is 11 pixels
#: high there.
FONT_SIZE = 14
#: The background is always white, so that a picture reads the same on light and on
#: dark pages.
STYLE = {
    "font.size": FONT_SIZE,
    "axes.labelsize": FONT_SIZE,
    "legend.frameon": False,
    "lines.linewidth": 2.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "none",
    "svg.hashsalt": "lesson",
}


def end_quietly(kind, error, traceback):
    """Say nothing when the reader of a pipe has gone, as `head` goes.

    Show every other error.
    """
    if not issubclass(kind, BrokenPipeError):
        sys.__excepthook__(kind, error, traceback)
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())  # what is left to print goes there


sys.excepthook = end_quietly  # (a notebook shows errors in its own way)
#: The program that was started. In a console or a notebook there is none.
SCRIPT = Path(getattr(sys.modules["__main__"], "__file__", None) or "")


@atexit.register
def print_what_to_remember():
    """Print a chapter's last sentence when it has run as a script.

    A notebook shows it as text.
    """
    if SCRIPT.parent.name != "pillars" or "ipykernel" in sys.modules:
        return
    text = SCRIPT.read_text(encoding="utf-8")
    # The sentence may go on in the next lines, up to an empty line of the cell.
    paragraphs = re.findall(r"^# \*\*Remember:\*\* (.+(?:\n# .+)*)", text, re.MULTILINE)
    sentences = [paragraph.replace("\n# ", " ") for paragraph in paragraphs]
    print("\nRemember:", *sentences)


def new_picture(title, *, ncols=1, width=6.4, height=3.6, **options):
    """Return a figure and its axes, titled with the picture's message.

    Without matplotlib it is (None, None).

    A long title is broken into lines. `width` and `height` are in inches; keep the
    width, because the size of the text fits it. `options` are those of `plt.subplots`.
    """
    try:
        import matplotlib
    except ImportError:
        print("(No picture: matplotlib is missing. pip install matplotlib)")
        return None, None
    matplotlib.use("Agg")  # draws to files; needs no screen
    from matplotlib import pyplot as plt

    plt.rcParams.update(STYLE)
    figure, axes = plt.subplots(
        ncols=ncols, figsize=(width, height), layout="constrained", **options
    )
    # Room around the axes, in inches: another font may be a little wider.
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)

    # The lines of the title get about the same length: the shortest for their number.
    letters = round(7 * width)  # 7 bold letters to the inch
    n_lines = len(textwrap.wrap(title, letters))
    while len(textwrap.wrap(title, letters - 1)) == n_lines:
        letters -= 1
    figure.suptitle(
        textwrap.fill(title, letters), fontsize=FONT_SIZE + 1, fontweight="bold"
    )
    return figure, axes


def save_picture(figure, name):
    """Write `PICTURES/NAME`, .svg or .png. Notebooks show it, too.

    The same picture always gives the same bytes.
    """
    from matplotlib import pyplot as plt

    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / name
    is_svg = path.suffix == ".svg"
    # The title is in the file too, for readers who listen. The date is not: it would
    # change the bytes.
    metadata = {"Title": " ".join(figure.get_suptitle().split())}
    if is_svg:
        metadata["Date"] = None
    figure.savefig(path, dpi=150, metadata=metadata)
    plt.close(figure)

    size = path.stat().st_size
    if size > MAX_SIZE:
        raise ValueError(
            f"{name} has {size} bytes, more than {MAX_SIZE}: draw fewer marks."
        )
    shown = path
    if path.is_relative_to(ROOT):
        shown = path.relative_to(ROOT)
    print(f"Picture: {shown.as_posix()}")
    if "ipykernel" in sys.modules:
        from IPython.display import SVG, Image, display

        image = SVG(filename=str(path)) if is_svg else Image(filename=str(path))
        display(image)
END_OF_LESSON_FILE

cat >"$new/exercises/0_map.py" <<'END_OF_LESSON_FILE'
"""Exercise of chapter 0, the map (5 minutes): which regressors accept missing values?

Every estimator of scikit-learn carries tags: facts about itself that a program can
read. The function below guesses by the name instead. It misses most of the estimators
that accept missing values.

Task: choose the estimators by their tags, not by their names.
Hint: `from sklearn.utils import get_tags`, then print `get_tags(estimator).input_tags`
    of one estimator.
Check: python -m pytest exercises -k 0_map
"""


def accept_missing_values(estimators):
    """Return those of the estimators that accept missing values (NaN) in X.

    `estimators` is a list of unfitted objects.
    """
    return [
        one for one in estimators if "Hist" in type(one).__name__
    ]  # TODO: ask the tags
END_OF_LESSON_FILE

cat >"$new/exercises/1_preprocessing.py" <<'END_OF_LESSON_FILE'
"""Exercise of chapter 1, preprocessing (5 minutes): where are gaps filled?

Nearest neighbours cannot compute with missing values (NaN). `train` fills the gaps of
the training rows with the mean of their column, and training works. But the model that
it returns stops at the first new row that has a gap.

Task: return a model that accepts rows with gaps. Keep the nearest neighbours.
Hint: what must happen again at every prediction is a step of the pipeline, as the
    scaler is.
Check: python -m pytest exercises -k 1_preprocessing
"""

from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def train(X, y):
    """Return a fitted model.

    X is a DataFrame of numbers with gaps. The rows to predict have gaps too.
    """
    X = SimpleImputer().fit_transform(
        X
    )  # TODO: these means are forgotten after training
    model = make_pipeline(StandardScaler(), KNeighborsRegressor(15))
    return model.fit(X, y)
END_OF_LESSON_FILE

cat >"$new/exercises/2_feature_selection.py" <<'END_OF_LESSON_FILE'
"""Exercise of chapter 2, feature selection (5 minutes): who may see the answers?

`cross_validated_r2` chooses the ten best of many features, and then cross-validates a
ridge regression on them. (R2 is 1 for perfect predictions and 0 for the mean.) Its
score is too good: `SelectKBest` reads y, and it has read the y of the rows that are
held out later.

Task: choose the features inside each fold, from the training rows only.
Hint: `cross_val_score` fits the whole model that you give it in each fold. A pipeline
    is a model too.
Check: python -m pytest exercises -k 2_feature_selection
"""

from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_score


def cross_validated_r2(X, y):
    """Return the mean R2 of a ridge regression on the ten best features of X.

    It is the mean over five folds.
    """
    folds = KFold(5, shuffle=True, random_state=0)
    X = SelectKBest(f_regression, k=10).fit_transform(
        X, y
    )  # TODO: this line sees all of y
    return cross_val_score(Ridge(), X, y, cv=folds).mean()
END_OF_LESSON_FILE

cat >"$new/exercises/3_model_selection.py" <<'END_OF_LESSON_FILE'
"""Exercise of chapter 3, model selection (10 minutes): how good are predictions for
new users?

Tomorrow, people will come whom the model has never seen. How large will its error be
for them? The function below asks another question: it shuffles rows, so the same user
stands in training and in test.

Task: hold out whole users, so that all users of the test rows are strangers to the
    model. Three lines change: the marked one, the import and the call of
    `cross_val_score`.
Hint: import another splitter, and tell `cross_val_score` with `groups=` who belongs
    together.
Check: python -m pytest exercises -k 3_model_selection
"""

from sklearn.model_selection import KFold, cross_val_score


def rmse_for_new_users(model, table):
    """Return the RMSE of each of five folds.

    The model takes the table of ratings.
    """
    folds = KFold(
        5, shuffle=True, random_state=0
    )  # TODO: a splitter that keeps users together
    scores = cross_val_score(
        model, table, table["rating"], cv=folds, scoring="neg_root_mean_squared_error"
    )
    return -scores
END_OF_LESSON_FILE

cat >"$new/exercises/4_supervised.py" <<'END_OF_LESSON_FILE'
"""Exercise of chapter 4, supervised learning (5 minutes): a model by one argument.

`SklearnEcosystemPipeline` takes any regressor. This one answers the mean rating,
always. The error of a useful model lies between that of the mean and the noise floor
(the error of a perfect predictor).

Task: choose a model that goes at least a third of the way from the mean down to the
    noise floor.
Hint: `lesson_code.MODELS` has names. A regressor of scikit-learn works too, if it does
    not learn noise.
Check: python -m pytest exercises -k 4_supervised
"""

from sklearn.dummy import DummyRegressor

from lesson_code import SklearnEcosystemPipeline


def build():
    """Return an untrained recommender."""
    return SklearnEcosystemPipeline(model=DummyRegressor())  # TODO: a better model
END_OF_LESSON_FILE

cat >"$new/exercises/5_unsupervised.py" <<'END_OF_LESSON_FILE'
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
END_OF_LESSON_FILE

cat >"$new/exercises/6_utilities.py" <<'END_OF_LESSON_FILE'
"""Exercise of chapter 6, utilities (5 minutes): does the artifact work in another
process?

The artifact is the file that a trained model is saved in. Tomorrow another program
loads it with `joblib.load` and predicts from a user's id and a movie's id. It fails
with this artifact: only the last step of the pipeline was saved, and that step reads
features.

Task: save all that is needed to predict from the two ids.
Hint: `print(recommender.pipeline)` shows the steps that a row goes through.
Check: python -m pytest exercises -k 6_utilities
"""

import joblib

from lesson_code import SklearnEcosystemPipeline


def train_and_save(table, path):
    """Train on a table of ratings and save an artifact at `path`.

    Return the recommender.
    """
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    joblib.dump(
        recommender.pipeline["model"], path
    )  # TODO: the model alone is not enough
    return recommender
END_OF_LESSON_FILE

cat >"$new/exercises/README.md" <<'END_OF_LESSON_FILE'
# Exercises

Eight small broken programs. Each takes one to ten minutes, and one line in it is marked with `TODO`. In the folder of
`lesson_code.py`, with the environment of the lesson:

```sh
python -m pytest exercises
```

The run says how many are solved, what is wrong with each of the others, why it matters, and which is next.

1. Open the program. Read the task at its top.
2. Mend the line with the `TODO`. You may change other lines and add imports; keep the names of the functions.
3. Run the check of this program alone, for example `python -m pytest exercises -k first`. Take out the `TODO`.

| minutes | program | what you practise | chapter |
|---|---|---|---|
| 1 | `first.py` | a baseline that does not look at the answers | section 1 of `lesson_code.py` |
| 5 | `0_map.py` | ask an estimator by its tags | `pillars/0_map.py` |
| 5 | `1_preprocessing.py` | fill gaps inside the pipeline | `pillars/1_preprocessing.py` |
| 5 | `2_feature_selection.py` | choose features inside each fold | `pillars/2_feature_selection.py` |
| 10 | `3_model_selection.py` | hold out whole users | `pillars/3_model_selection.py` |
| 5 | `4_supervised.py` | a model by one argument, between the mean and the noise floor | `pillars/4_supervised.py` |
| 10 | `5_unsupervised.py` | a control: the same data without its groups | `pillars/5_unsupervised.py` |
| 5 | `6_utilities.py` | an artifact that works in another process | `pillars/6_utilities.py` |

Every check uses data of its own and tests a property, so an answer that is written down as a number does not pass. If you
are stuck, read the chapter; then compare with the program of the same name in `solutions/`
(`python -m pytest exercises --solutions` checks those).

The other way round: `python -m pytest --break list` shows which safeguards of the lesson you can take out, to see which
of its tests notice (in the full project).
END_OF_LESSON_FILE

cat >"$new/exercises/conftest.py" <<'END_OF_LESSON_FILE'
"""What `python -m pytest exercises` says before and after its checks.

It also reads your programs here.
"""

import ast
import sys
import types
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # the folder of lesson_code
NAMES = ["first", *sorted(path.stem for path in HERE.glob("[0-9]_*.py"))]


def asked_for(config):
    """Return True if the command names this folder."""
    return any("exercises" in str(path) for path in config.args)


def pytest_ignore_collect(collection_path, config):
    """Check exercises where they are asked for: a plain `pytest` runs the ten tests."""
    if asked_for(config):
        return None  # pytest decides
    return True


def pytest_addoption(parser):
    parser.addoption(
        "--solutions", action="store_true", help="check exercises/solutions/ instead"
    )


def pytest_configure(config):
    # Without this, every message is shown twice.
    config.option.reportchars = config.option.reportchars.replace("fE", "")
    if config.option.tbstyle == "auto":
        config.option.tbstyle = "short"


def pytest_report_header(config):
    if config.option.solutions:
        return f"checking the solutions of {len(NAMES)} exercises"
    to_do = [name for name in NAMES if "# TODO" in text_of(name)]
    return [
        f"{len(NAMES)} exercises, small broken programs; {len(to_do)} still have their "
        "TODO.",
        "Open one, read the task at its top, mend the line with the TODO, and run this "
        "again.",
        "One exercise alone: python -m pytest exercises -k first. Stuck? "
        "exercises/README.md",
    ]


@pytest.fixture
def exercise(request):
    """The program that a test is named after. Its functions are attributes."""
    name = request.node.name.removeprefix("test_")
    folder = HERE
    if request.config.option.solutions:
        folder = HERE / "solutions"
    return read(folder / f"{name}.py")


def text_of(name):
    """Return the text of an exercise."""
    return (HERE / f"{name}.py").read_text(encoding="utf-8")


def read(path):
    """Run a program from its file, and return it as a module."""
    module = types.ModuleType(path.stem)
    try:
        program = compile(path.read_text(encoding="utf-8"), str(path), "exec")
    except SyntaxError as error:
        pytest.fail(
            f"{path.name}, line {error.lineno}: this is not Python: {error.msg}",
            pytrace=False,
        )
    exec(program, vars(module))
    return module


def pytest_terminal_summary(terminalreporter, config):
    if not asked_for(config):
        return
    passed = set()
    checked = set()
    for kind in ("passed", "failed", "error"):
        for report in terminalreporter.getreports(kind):
            name = report.nodeid.rpartition("::test_")[2]
            checked.add(name)
            if report.passed:
                passed.add(name)
    unsolved = [name for name in NAMES if name in checked - passed]

    terminalreporter.section("exercises")
    terminalreporter.line(
        f"Solved: {len(passed)} of the {len(checked)} checked here ({len(NAMES)} in "
        "all)."
    )
    if unsolved:
        # What the exercise asks is the first paragraph of its docstring.
        docstring = ast.get_docstring(ast.parse(text_of(unsolved[0])))
        question = docstring.partition("\n\n")[0].replace("\n", " ")
        terminalreporter.line(f"Next: exercises/{unsolved[0]}.py. {question}")
    elif checked and not config.option.solutions:
        terminalreporter.line(
            "Compare your answers with those in exercises/solutions/."
        )
END_OF_LESSON_FILE

cat >"$new/exercises/first.py" <<'END_OF_LESSON_FILE'
"""The first exercise (1 minute): what does the score of knowing nothing look like?

The simplest prediction there is answers the mean rating, always. A model must beat it,
so it is called the baseline. `predict_mean` computes this baseline, but it cheats: it
looks at the ratings that it must predict.

Task: use only ratings that are known before the prediction.
Hint: one word in the marked line is wrong.
Check: python -m pytest exercises -k first
"""

import numpy as np


def predict_mean(train, test):
    """Return one prediction in stars per row of `test`: always the same mean rating."""
    mean = test["rating"].mean()  # TODO: whose mean is this?
    return np.full(len(test), mean)
END_OF_LESSON_FILE

cat >"$new/exercises/test_checks.py" <<'END_OF_LESSON_FILE'
"""The checks of the exercises: `python -m pytest exercises`.

Read a task before its check.

Each check tests a property on data of its own, so an answer that is written down as a
number does not pass.
"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import get_tags
from sklearn.utils.discovery import all_estimators

from lesson_code import MovieRecommendationDataset

# Warnings are not what is checked here.
pytestmark = pytest.mark.filterwarnings("ignore")


def check(holds, message):
    """Fail with the message alone.

    It says what went wrong, why it matters, and which chapter explains it.
    """
    if not holds:
        pytest.fail(textwrap.fill(message, 100), pytrace=False)


def ratings(n_ratings=3000, seed=1):
    """Return a table of ratings, which no exercise contains."""
    return MovieRecommendationDataset(300, 150, n_ratings, seed).generate()


def test_first(exercise):
    table = ratings()
    train = table[:2000]
    test = table[2000:]
    answers = np.asarray(exercise.predict_mean(train, test), dtype=float)
    check(
        answers.shape == (1000,),
        f"Expected one prediction per row of `test`, got shape {answers.shape}.",
    )
    changed = exercise.predict_mean(train, test.assign(rating=5.0))
    check(
        np.allclose(answers, changed),
        "The predictions changed when we changed the ratings in `test`: they were made "
        "from the answers. A real prediction is made before the rating is known, so "
        "such an error says nothing about it. Take the mean of what is known then "
        "(lesson_code.py, section 1; pillars/3_model_selection.py).",
    )
    for known in (train, train[train["rating"] > 2]):
        check(
            np.allclose(exercise.predict_mean(known, test), known["rating"].mean()),
            "The predictions are not the mean rating of `train`. A number that was "
            "right for one table is wrong for the next: compute it from the rows that "
            "you are given (lesson_code.py, section 1).",
        )


class Careful(RegressorMixin, BaseEstimator):
    """A regressor that no list contains.

    It accepts missing values, and its tag says so.
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class HistogramLover(RegressorMixin, BaseEstimator):
    """A regressor with a promising name, which does not accept missing values."""


def first_five(names):
    """Return the names as text: five of them, and how many more there are."""
    if not names:
        return "none"
    text = ", ".join(names[:5])
    if len(names) > 5:
        text += f" and {len(names) - 5} more"
    return text


def test_0_map(exercise):
    estimators = [Careful(), HistogramLover()]
    for _, estimator_class in all_estimators(type_filter="regressor"):
        try:
            estimator = estimator_class()
            get_tags(estimator)
        except (TypeError, AttributeError):
            continue  # it needs another estimator as its argument
        estimators.append(estimator)

    chosen = exercise.accept_missing_values(estimators)
    accepting = [it for it in estimators if get_tags(it).input_tags.allow_nan]
    chosen_names = {type(estimator).__name__ for estimator in chosen}
    expected_names = {type(estimator).__name__ for estimator in accepting}
    missed = sorted(expected_names - chosen_names)
    too_many = sorted(chosen_names - expected_names)
    check(
        not missed and not too_many,
        f"Missed: {first_five(missed)}. Wrongly chosen: {first_five(too_many)}. A name "
        "does not say what an estimator accepts, and a list made by hand is wrong "
        "after the next release (Careful and HistogramLover are ours). Each estimator "
        "answers by its tags (pillars/0_map.py).",
    )


def table_with_gaps(seed, n_rows=600):
    """Return X, in which a tenth of the values is missing, and y."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal([35, 2000, 3], [12, 10, 1], (n_rows, 3))
    X = pd.DataFrame(numbers, columns=["age", "year", "average"])
    y = X["average"] + 0.02 * (X["year"] - 2000) + rng.normal(0, 0.1, n_rows)
    return X.mask(rng.random(X.shape) < 0.1), y


def test_1_preprocessing(exercise):
    X, y = table_with_gaps(0)
    X_new, y_new = table_with_gaps(1)
    X_new.loc[0, "average"] = np.nan
    model = exercise.train(X.copy(), y)

    stopped = None
    try:
        predictions = np.asarray(model.predict(X_new))
    except ValueError as error:
        stopped = str(error).splitlines()[0]
    check(
        stopped is None,
        f"Training worked, but predicting new rows with gaps failed: {stopped} In "
        "production, new rows have gaps too. What training learned to fill them (the "
        "means) must stay in the model: make the imputer a step of the pipeline "
        "(pillars/1_preprocessing.py).",
    )
    alone = model.predict(X_new.iloc[[0]])
    check(
        np.allclose(alone, predictions[0]),
        "One and the same row got another prediction when it came alone. Its gap was "
        "filled from the rows beside it, so the answer depends on who else asks. Fill "
        "gaps with what was learned in training (pillars/1_preprocessing.py).",
    )
    r2 = 1 - np.mean((predictions - y_new) ** 2) / np.var(y_new)
    check(
        r2 > 0.5,
        f"The model accepts gaps, but explains little (R2 = {r2:.2f}; 0.5 can be had). "
        "Are the columns still scaled, and are gaps filled with a typical value of "
        "their column? (pillars/1_preprocessing.py)",
    )


def test_2_feature_selection(exercise):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 1000))
    noise = rng.normal(size=100)
    r2 = np.mean(exercise.cross_validated_r2(X, noise))
    check(
        r2 <= 0.05,
        f"On pure noise, where nothing can be predicted, your R2 is {r2:.2f}: it "
        "should be 0 or less. Of 1000 random features, some fit all 100 answers by "
        "luck. Whoever sees the held-out answers chooses exactly those. Put the choice "
        "inside the pipeline (pillars/2_feature_selection.py).",
    )
    signal = X[:, :5].sum(axis=1) + noise
    r2 = np.mean(exercise.cross_validated_r2(X, signal))
    check(
        0.3 < r2 <= 1,
        f"Five of 1000 features carry a signal, but your R2 is {r2:.2f}; above 0.3 can "
        "be had. Is it still the mean R2 of ridge on the ten best features? "
        "(pillars/2_feature_selection.py)",
    )


class Spy(RegressorMixin, BaseEstimator):
    """A model that answers the mean, and notes whom it was trained on and tested on."""

    # The notes of all copies: cross-validation works on clones.
    notes: ClassVar = []

    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        self.users_ = set(X["user_id"])
        return self

    def predict(self, X):
        strangers = ~X["user_id"].isin(self.users_)
        note = {
            "share of strangers": strangers.mean(),
            "rows": list(X.index),
            "mean": self.mean_,
        }
        self.notes.append(note)
        return np.full(len(X), self.mean_)


def test_3_model_selection(exercise):
    table = ratings(2000)
    Spy.notes.clear()
    forgotten = False
    try:
        rmse = np.asarray(exercise.rmse_for_new_users(Spy(), table), dtype=float)
    except ValueError as error:
        if "groups" not in str(error):
            raise
        forgotten = True
    check(
        not forgotten,
        "GroupKFold must know who belongs together: pass groups=. `cross_val_score` "
        "hands it on to the splitter (pillars/3_model_selection.py).",
    )

    tested = []
    errors = []
    for note in Spy.notes:
        tested += note["rows"]
        stars = table.loc[note["rows"], "rating"]
        errors.append(np.sqrt(np.mean((stars - note["mean"]) ** 2)))
    check(
        tested,
        "The model was not asked for any prediction. Measure its error on the table "
        "that is given.",
    )
    shares = [note["share of strangers"] for note in Spy.notes]
    check(
        all(share == 1 for share in shares),
        f"Only {np.mean(shares):.0%} of the test rows are of users whom the model has "
        "never seen; it must be all of them. With a known user, the model looks up how "
        "this user rates. Nobody can do that for a new user, so the error comes out "
        "too small. Whose rows did you keep together? (`KFold` ignores `groups=`.) A "
        "splitter is a question: see pillars/3_model_selection.py.",
    )
    check(
        sorted(tested) == sorted(table.index),
        f"There were {len(tested)} predictions for {len(table)} rows. In "
        "cross-validation each row is held out once, so that every user counts "
        "(pillars/3_model_selection.py).",
    )
    check(
        np.isclose(rmse.mean(), np.mean(errors)),
        f"The folds are right, but the result {rmse.mean():.4f} is not their mean "
        f"RMSE {np.mean(errors):.4f}. scikit-learn's score is minus the error, because "
        "a score is better when it is larger.",
    )


def test_4_supervised(exercise):
    dataset = MovieRecommendationDataset(300, 150, 6000, random_state=5)
    table = dataset.generate()
    train = table[:4800]
    test = table[4800:]

    recommender = exercise.build().fit(train)
    predictions = recommender.predict(test.drop(columns="rating"))
    rmse = np.sqrt(np.mean((predictions - test["rating"]) ** 2))
    mean = np.sqrt(np.mean((test["rating"] - train["rating"].mean()) ** 2))
    floor = dataset.best_rmse(test)
    way = (mean - rmse) / (mean - floor)

    if way < -0.02:
        cause = (
            "It is worse than the mean: it learned noise by heart, as a deep tree does"
        )
    elif way < 0.02:
        cause = "A model that does not beat the mean has learned nothing useful"
    else:
        cause = (
            "It beats the mean, but still learns noise. Average over more rows "
            "(chapter 1 uses 50 neighbours), or take a name from MODELS"
        )
    check(
        way >= 1 / 3,
        f"RMSE {rmse:.3f}. Always the mean: {mean:.3f}. Noise floor: {floor:.3f}. The "
        f"model goes {way:.0%} of the way from the mean to the floor; more than a "
        f"third can be had. {cause} (pillars/4_supervised.py).",
    )


def test_5_unsupervised(exercise):
    rng = np.random.default_rng(7)
    # Data with one long column scores 0.39; the overlapping groups score only 0.24.
    noise = [rng.random((150, 3)) * [5, 2, 1]]
    # By luck, each of these scores above the mean of its controls, by half to one
    # standard deviation.
    for seed in (1, 8, 12):
        noise.append(np.random.default_rng(seed).normal(size=(150, 4)))
    centres = np.repeat(rng.normal(size=(3, 8)), 50, axis=0)
    overlapping = centres + rng.normal(0, 1, (150, 8))
    clear = centres + rng.normal(0, 0.2, (150, 8))

    clear_score = exercise.separation(clear)
    check(
        exercise.has_groups(clear.copy()),
        "You found no groups where we put three clear ones (score "
        f"{clear_score:.2f}). Does the control lose the groups? If "
        "whole rows change places, the groups stay: shuffle each column on its own "
        "(pillars/5_unsupervised.py).",
    )
    wrong = [X for X in noise if exercise.has_groups(X.copy())]
    scores = ", ".join(f"{exercise.separation(X):.2f}" for X in wrong)
    check(
        len(wrong) < len(noise),
        f"You found groups in all of {len(noise)} data sets (scores {scores}), where "
        "by construction there are none. KMeans always answers, and its score depends "
        "on the shape of the data. Compare with data that has the same columns but no "
        "groups (pillars/5_unsupervised.py).",
    )
    check(
        not wrong,
        f"You found groups in {len(wrong)} of {len(noise)} data sets (scores "
        f"{scores}), where by construction there are none. No fixed limit serves all "
        "data, and by luck about half of such data scores above the mean of its "
        "controls. Ask for more than three standard deviations of ten controls "
        "(pillars/5_unsupervised.py).",
    )
    overlapping_score = exercise.separation(overlapping)
    check(
        exercise.has_groups(overlapping.copy()),
        "You found no groups where we put three that overlap (score "
        f"{overlapping_score:.2f}). Your limit is too high. A fixed "
        "amount does not serve all data: measure with the standard deviation of the "
        "controls (pillars/5_unsupervised.py).",
    )


PREDICT = """import sys, joblib, pandas
pair = pandas.DataFrame({"user_id": [7], "movie_id": [9]})
print(joblib.load(sys.argv[1]).predict(pair)[0])"""


def test_6_utilities(exercise, tmp_path):
    path = tmp_path / "artifact.pkl"
    folder = Path(__file__).resolve().parent.parent
    recommender = exercise.train_and_save(ratings(), path)
    check(
        path.exists(),
        "There is no file at `path`: save the artifact there (pillars/6_utilities.py).",
    )
    fresh = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PREDICT, str(path)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )

    reason = ""
    if fresh.stderr.strip():
        reason = fresh.stderr.strip().splitlines()[-1].rstrip(".")
    check(
        fresh.returncode == 0,
        f"A fresh process could not predict from the two ids: {reason}. It has only "
        "what is in the file. The steps before the model (features, scaler) belong to "
        "the model and must travel with it (lesson_code.py, section 5; "
        "pillars/6_utilities.py).",
    )
    predicted = float(fresh.stdout)
    expected = recommender.predict(pd.DataFrame({"user_id": [7], "movie_id": [9]}))[0]
    check(
        np.isclose(predicted, expected),
        f"The fresh process predicts {predicted:.4f}, this one "
        f"{expected:.4f}. An artifact must give the same answers everywhere: save the "
        "object that was trained (pillars/6_utilities.py).",
    )
END_OF_LESSON_FILE

cat >"$new/exercises/solutions/0_map.py" <<'END_OF_LESSON_FILE'
"""Solution of exercise 0, the map: which regressors accept missing values?

A tag is a promise of the estimator itself, so the list is right in every version of
scikit-learn.
"""

from sklearn.utils import get_tags


def accept_missing_values(estimators):
    """Return those of the estimators that accept missing values (NaN) in X.

    `estimators` is a list of unfitted objects.
    """
    return [one for one in estimators if get_tags(one).input_tags.allow_nan]
END_OF_LESSON_FILE

cat >"$new/exercises/solutions/1_preprocessing.py" <<'END_OF_LESSON_FILE'
"""Solution of exercise 1, preprocessing: where are gaps filled?

The imputer learns its means in `fit`, keeps them, and fills the gaps of new rows with
them.
"""

from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def train(X, y):
    """Return a fitted model.

    X is a DataFrame of numbers with gaps. The rows to predict have gaps too.
    """
    model = make_pipeline(SimpleImputer(), StandardScaler(), KNeighborsRegressor(15))
    return model.fit(X, y)
END_OF_LESSON_FILE

cat >"$new/exercises/solutions/2_feature_selection.py" <<'END_OF_LESSON_FILE'
"""Solution of exercise 2, feature selection: who may see the answers?

Now a feature that fits the held-out rows by luck is not chosen for that.
"""

from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline


def cross_validated_r2(X, y):
    """Return the mean R2 of a ridge regression on the ten best features of X.

    It is the mean over five folds.
    """
    folds = KFold(5, shuffle=True, random_state=0)
    model = make_pipeline(SelectKBest(f_regression, k=10), Ridge())
    return cross_val_score(model, X, y, cv=folds).mean()
END_OF_LESSON_FILE

cat >"$new/exercises/solutions/3_model_selection.py" <<'END_OF_LESSON_FILE'
"""Solution of exercise 3, model selection: how good are predictions for new users?

`GroupKFold` never puts two rows of one group on both sides of a split.
"""

from sklearn.model_selection import GroupKFold, cross_val_score


def rmse_for_new_users(model, table):
    """Return the RMSE of each of five folds.

    The model takes the table of ratings.
    """
    folds = GroupKFold(5)
    error = "neg_root_mean_squared_error"
    users = table["user_id"]
    stars = table["rating"]
    scores = cross_val_score(model, table, stars, groups=users, cv=folds, scoring=error)
    return -scores
END_OF_LESSON_FILE

cat >"$new/exercises/solutions/4_supervised.py" <<'END_OF_LESSON_FILE'
"""Solution of exercise 4, supervised learning: a model by one argument.

Ridge regression on the 13 features. `factors` and `blend` go further.
"""

from lesson_code import SklearnEcosystemPipeline


def build():
    """Return an untrained recommender."""
    return SklearnEcosystemPipeline(model="linear")
END_OF_LESSON_FILE

cat >"$new/exercises/solutions/5_unsupervised.py" <<'END_OF_LESSON_FILE'
"""Solution of exercise 5, unsupervised learning: are these groups real?

Data without groups scores above the mean of its controls half of the time, by luck. The
standard deviation of the controls says how far luck goes.
"""

import numpy as np
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
    rng = np.random.default_rng(0)
    controls = [separation(rng.permuted(X, axis=0)) for _ in range(10)]
    return separation(X) > np.mean(controls) + 3 * np.std(controls)
END_OF_LESSON_FILE

cat >"$new/exercises/solutions/6_utilities.py" <<'END_OF_LESSON_FILE'
"""Solution of exercise 6, utilities: does the artifact work in another process?

`joblib.dump(recommender, path)` works too; `save_pipeline` adds a digest and a model
card.
"""

from lesson_code import SklearnEcosystemPipeline


def train_and_save(table, path):
    """Train on a table of ratings and save an artifact at `path`.

    Return the recommender.
    """
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    recommender.save_pipeline(path)
    return recommender
END_OF_LESSON_FILE

cat >"$new/exercises/solutions/first.py" <<'END_OF_LESSON_FILE'
"""Solution of the first exercise: what does the score of knowing nothing look like?

The answers of `test` are not known when a prediction is made.
"""

import numpy as np


def predict_mean(train, test):
    """Return one prediction in stars per row of `test`: always the same mean rating."""
    mean = train["rating"].mean()
    return np.full(len(test), mean)
END_OF_LESSON_FILE

# ----- Into place, once every file is known to be whole

for name in $names; do
    [ "$(checksum "$new/$name")" = "$(recorded "$name")" ] ||
        fail 1 "$name came out wrong: this script was altered, so get it again \
(nothing was changed)"
done
# From here on an interruption would leave some files new and some old.
trap '' HUP INT TERM
for folder in $folders; do
    [ -d "$target/$folder" ] || made="$folder $made"
    reason=$(mkdir -p "$target/$folder" 2>&1) ||
        fail 1 "cannot make the folder '$target/$folder' ($reason)"
done
for name in $missing $differing; do
    mv -f "$new/$name" "$target/$name"
done
unfinished=$new
next_steps
complete=yes
