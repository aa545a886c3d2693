"""How good are other libraries on the same folds?

    python benchmarks/peers.py MOVIELENS

MOVIELENS is the folder or the zip file of a release. The other libraries are installed
by `pip install -r benchmarks/requirements.txt`; one that is missing is named and left
out.

* Folds: `KFold(5, shuffle=True, random_state=0)` over all ratings; every library sees
  the same training rows. Models of stars also run on a split by time: trained on the
  first four fifths, tested on the last fifth.
* Settings: each model, ours too, runs at its defaults, and at its best of a small grid
  (printed below the tables). The best is chosen **inside the training rows**: on an
  80/20 split of them, which is random in the random folds and by time in the split by
  time; by RMSE where the model predicts stars, else by NDCG@10.
* RMSE and MAE: in stars. All predictions are kept to the scale of the training. What a
  library cannot predict (an unknown movie) is what that library answers; where it
  answers nothing, it is the mean of the training.
* NDCG@10, P@10, R@10: for every user with a relevant test movie (4 stars or more), all
  movies of the training are ranked, except those that the user rated in training. All
  lists go through `lesson_code.ranking_metrics`, and through `ranx`, a library that
  only scores lists, as a referee: the largest difference between the two is printed.
  Libraries for implicit feedback take the stars as confidence; their grids also try
  only the movies that were liked (4 stars or more).
* What is seen: most libraries see ids and stars. Our models and skrub's pipeline see
  all columns of the table; the rows "of ids alone" are ours without what the table says
  of movies and times.
* Differences, in a table of their own: RMSE at the best settings minus that of the best
  model. In the folds: the mean of the five differences ± its standard error. By time: ±
  a standard error clustered by user (see `by_time.py`). A difference below two standard
  errors may be luck.
* Times, in seconds: fit, from a DataFrame; predict, all test rows and the lists of all
  test users, as far as a model makes both. Memory: the greatest resident size of the
  process so far; at the best setting, the search is in it. Every model and fold runs in
  a process of its own, with the threads that the library takes by itself (Cornac with a
  seed takes one).

At the end, three ratios of times. The two sides run in turn, each in a fresh process;
imports are not counted. With `--folder FOLDER`, what is done is kept there, and a later
run goes on from it.
"""

import argparse
import importlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, root_mean_squared_error
from sklearn.model_selection import KFold, ParameterGrid, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from by_time import rmse_difference, split_by_time

from lesson_code import (
    MatrixFactorization,
    MovieRanker,
    SklearnEcosystemPipeline,
    load_movielens,
    ranking_metrics,
)

TOP = 10
LIKED = 4.0  # stars
BY_TIME = "time"  # the name of the split by time, beside the folds 0 to 4
IDS = ["user_id", "movie_id"]


# ----- One small class per library: fit, predict (stars), recommend (lists).
# What a library cannot do is None.


class Ours:
    """One of the lesson's models, which sees some columns of the table, or all."""

    predict = None
    recommend = None

    def __init__(self, make, columns=slice(None), **settings):
        self.model = make(**settings)
        self.columns = columns
        if hasattr(self.model, "recommend") and not hasattr(self.model, "predict"):
            self.recommend = lambda users: self.model.recommend(users, TOP)
        else:
            self.predict = lambda rows: self.model.predict(rows.loc[:, self.columns])

    def fit(self, table):
        X = table.drop(columns="rating").loc[:, self.columns]
        self.model.fit(X, table["rating"])


def pipeline(model, **settings):
    """Return an unfitted pipeline of the lesson with settings."""
    recommender = SklearnEcosystemPipeline(model=model)
    return recommender.build_pipeline().set_params(**settings)


def two_lines(smooth="auto", alpha=1.0):
    """Return what everything else has to beat: encoded ids, and a ridge regression."""
    folds = KFold(5, shuffle=True, random_state=0)
    encoder = TargetEncoder(target_type="continuous", smooth=smooth, cv=folds)
    return make_pipeline(make_column_transformer((encoder, IDS)), Ridge(alpha))


class Skrub:
    """skrub's pipeline for any table, as it comes.

    It prepares the columns, and boosting learns from them.
    """

    recommend = None

    def __init__(self, ids_as="number"):
        self.ids_as = ids_as

    def table(self, rows):
        """Return the rows with the ids as text, if they are to be text."""
        if self.ids_as == "text":
            return rows.astype(dict.fromkeys(IDS, str))
        return rows

    def fit(self, table):
        from skrub import tabular_pipeline

        self.model = tabular_pipeline("regressor")
        self.model.set_params(histgradientboostingregressor__random_state=0)
        self.model.fit(self.table(table.drop(columns="rating")), table["rating"])

    def predict(self, rows):
        return self.model.predict(self.table(rows))


class Surprise:
    """A model of Surprise: stars from the two ids."""

    recommend = None

    def __init__(self, name, **settings):
        module = importlib.import_module("surprise")
        if name.startswith("SVD"):
            settings = {"random_state": 0} | settings
        elif "verbose" not in settings:
            settings = {"verbose": False} | settings
        self.model = getattr(module, name)(**settings)

    def fit(self, table):
        from surprise import Dataset, Reader

        reader = Reader(rating_scale=(table["rating"].min(), table["rating"].max()))
        ratings = Dataset.load_from_df(table[["user_id", "movie_id", "rating"]], reader)
        self.model.fit(ratings.build_full_trainset())

    def predict(self, rows):
        stars = []
        for user, movie in zip(rows["user_id"], rows["movie_id"]):
            stars.append(self.model.predict(user, movie).est)
        return np.array(stars)


class LensKit:
    """A scorer of LensKit in its pipeline: stars, if it predicts them, and lists."""

    def __init__(self, module, name, **settings):
        scorer_class = getattr(importlib.import_module(f"lenskit.{module}"), name)
        scorer = scorer_class(**settings)
        from lenskit.pipeline import topn_pipeline

        feedback = settings.get("feedback", "explicit")
        self.predicts = name != "ItemKNNScorer" or feedback == "explicit"
        self.pipeline = topn_pipeline(scorer, n=TOP, predicts_ratings=self.predicts)

    def fit(self, table):
        from lenskit.data import from_interactions_df
        from lenskit.training import TrainingOptions

        ratings = table[["user_id", "movie_id", "rating"]]
        renamed = ratings.rename(columns={"movie_id": "item_id"})
        self.pipeline.train(from_interactions_df(renamed), TrainingOptions(rng=0))

    def predict(self, rows):
        from lenskit.operations import predict

        stars = pd.Series(np.nan, index=rows.index)
        for user, movies in rows.groupby("user_id")["movie_id"]:
            scored = predict(self.pipeline, user, movies.to_numpy())
            stars[movies.index] = scored.scores()
        return stars.to_numpy()

    def recommend(self, users):
        from lenskit.operations import recommend

        # User by user: lenskit.batch cannot put together the lists of its ItemKNN.
        rows = []
        for user in users:
            movies = recommend(self.pipeline, user, n=TOP).ids()
            for rank, movie in enumerate(movies, start=1):
                rows.append((user, rank, movie))
        return pd.DataFrame(rows, columns=["user_id", "rank", "movie_id"])


class ByMatrix:
    """For libraries that number users and items from 0.

    It makes positions of ids, and lists of ids from positions.
    """

    def index(self, table, liked):
        """Return the sparse table that a model is fitted on.

        It has all stars, or with `liked` a 1 for every movie that was liked.
        """
        self.users, user = np.unique(table["user_id"], return_inverse=True)
        self.movies, movie = np.unique(table["movie_id"], return_inverse=True)
        stars = table["rating"].to_numpy(dtype=np.float32)
        shape = (self.users.size, self.movies.size)
        self.seen = sparse.csr_matrix((stars, (user, movie)), shape)
        if not liked:
            return self.seen.copy()
        is_liked = stars >= LIKED
        ones = np.ones(is_liked.sum(), np.float32)
        return sparse.csr_matrix((ones, (user[is_liked], movie[is_liked])), shape)

    def lists(self, users, top):
        """Return the frame of lists of known users.

        `top(positions)` gives their movies as positions, best first: (n_users, TOP).
        """
        known = np.asarray(users)[np.isin(users, self.users)]
        movies = top(np.searchsorted(self.users, known))[:, :TOP]
        length = movies.shape[1]
        lists = pd.DataFrame(
            {
                "user_id": np.repeat(known, length),
                "rank": np.tile(np.arange(1, length + 1), len(known)),
                "movie_id": self.movies[movies.ravel()],
            }
        )
        # implicit fills lists that are too short with -1.
        return lists[movies.ravel() >= 0]


class Cornac(ByMatrix):
    """A model of Cornac. Only MF predicts stars."""

    def __init__(self, name, liked=False, **settings):
        self.liked = liked
        model_class = getattr(importlib.import_module("cornac.models"), name)
        if name != "EASE":  # which has no seed
            settings = {"seed": 0, **settings}
        self.model = model_class(verbose=False, **settings)
        if name != "MF":
            self.predict = None

    def fit(self, table):
        from cornac.data import Dataset

        X = self.index(table, self.liked).tocoo()
        triples = zip(X.row.tolist(), X.col.tolist(), X.data.tolist())
        data = Dataset.from_uir(triples, seed=0)
        # Cornac counts anew: these map our positions to its, or to -1 if it has none.
        n_users = self.users.size
        n_movies = self.movies.size
        self.user_at = np.array([data.uid_map.get(u, -1) for u in range(n_users)])
        self.movie_at = np.array([data.iid_map.get(m, -1) for m in range(n_movies)])
        self.model.fit(data)

    def predict(self, rows):
        user = np.searchsorted(self.users, rows["user_id"])
        user = user.clip(max=self.users.size - 1)
        movie = np.searchsorted(self.movies, rows["movie_id"])
        movie = movie.clip(max=self.movies.size - 1)
        is_known_user = self.users[user] == rows["user_id"]
        is_known_movie = self.movies[movie] == rows["movie_id"]

        stars = np.full(len(rows), np.nan)
        for row in np.flatnonzero(is_known_user & is_known_movie):
            their_user = self.user_at[user[row]]
            their_movie = self.movie_at[movie[row]]
            stars[row] = self.model.rate(their_user, their_movie, clipping=False)
        return stars

    def recommend(self, users):
        return self.lists(users, self.top)

    def top(self, positions):
        """Return the best movies, which a user has not seen, of every user."""
        lists = []
        for position in positions:
            scores = self.scores_of(position)
            scores[self.seen[position].indices] = -np.inf
            best = np.argpartition(-scores, TOP)[:TOP]
            lists.append(best[np.argsort(-scores[best], kind="stable")])
        return np.array(lists)

    def scores_of(self, position):
        """Return the scores of all movies for a user."""
        their_user = self.user_at[position]
        if their_user < 0:  # the user liked nothing: popularity
            popularity = (self.seen > 0).sum(axis=0)
            return np.asarray(popularity).ravel().astype(float)
        scores = np.full(self.movies.size, -np.inf)
        is_there = self.movie_at >= 0
        their_scores = np.asarray(self.model.score(their_user)).ravel()
        scores[is_there] = their_scores[self.movie_at[is_there]]
        return scores


class Implicit(ByMatrix):
    """A model of implicit: lists only."""

    predict = None

    def __init__(self, module, name, liked=False, **settings):
        self.liked = liked
        model_class = getattr(importlib.import_module(f"implicit.{module}"), name)
        if module != "nearest_neighbours":  # which has no seed
            settings = {"random_state": 0, **settings}
        self.model = model_class(**settings)

    def fit(self, table):
        self.used = self.index(table, self.liked)
        self.model.fit(self.used, show_progress=False)

    def recommend(self, users):
        if self.liked and hasattr(self.model, "similarity"):
            return self.lists(users, self.top_by_liked)
        return self.lists(users, self.top)

    def top(self, positions):
        """Return the best movies of every user; the model leaves out what was seen."""
        best, _ = self.model.recommend(positions, self.seen[positions], N=TOP)
        return best

    def top_by_liked(self, positions):
        """Return the best movies of every user, asked for by what the user liked.

        Only that is left out by the model. So the lists are longer at first, and what
        was seen and not liked is left out here.
        """
        n_seen = int(np.diff(self.seen.indptr).max())
        used = self.used[positions]
        long_lists, _ = self.model.recommend(positions, used, N=TOP + n_seen)
        lists = []
        for movies, position in zip(long_lists, positions):
            is_seen = np.isin(movies, self.seen[position].indices)
            best = movies[~is_seen][:TOP]
            lists.append(np.pad(best, (0, TOP - best.size), constant_values=-1))
        return np.array(lists)


FACTORS = {"n_factors": [12, 24], "regularization": [5.0, 7.0, 9.0]}
BLEND = {"model__boosting__max_leaf_nodes": [15, 31], "model__weights": [[2, 1]]}
LIKED_OR_ALL = {"liked": [False, True]}
BIAS_PENALTIES = [
    {"method": "als", "reg_u": 5, "reg_i": 3},
    {"method": "als", "reg_u": 10, "reg_i": 5},
    {"method": "als", "reg_u": 15, "reg_i": 10},
]
SIMILARITIES = [
    {"name": "pearson_baseline", "user_based": True, "verbose": False},
    {"name": "pearson_baseline", "user_based": False, "verbose": False},
]


def ours(model, columns=slice(None)):
    """Return a function that makes one of our pipelines with settings."""
    return lambda **settings: Ours(pipeline, columns, model=model, **settings)


def peer(library, *names, **fixed):
    """Return a function that makes a model of another library with settings."""
    return lambda **settings: library(*names, **fixed, **settings)


class Model(NamedTuple):
    """A model of the table."""

    library: str  # that has to be installed; "" for ours
    make: Callable  # makes an unfitted model with settings
    grid: dict | list  # of settings, as `ParameterGrid` takes it


MODELS = {
    "`factors`, MatrixFactorization": Model(
        "", peer(Ours, MatrixFactorization), FACTORS
    ),
    "`factors`, of ids alone": Model(
        "",
        peer(Ours, MatrixFactorization, content=False),
        FACTORS,
    ),
    "`factors`, of ids alone, without patterns": Model(
        "",
        peer(Ours, MatrixFactorization, content=False, n_patterns=0),
        FACTORS,
    ),
    "`forest`": Model(
        "",
        ours("forest"),
        {"model__min_samples_leaf": [5], "model__max_samples": [0.1]},
    ),
    "`boosting`": Model("", ours("boosting"), {"model__learning_rate": [0.05, 0.1]}),
    "`blend`": Model("", ours("blend"), BLEND),
    "`blend`, of ids alone": Model("", ours("blend", IDS), BLEND),
    "MovieRanker": Model(
        "", peer(Ours, MovieRanker), {"regularization": [150.0, 600.0]}
    ),
    "TargetEncoder, Ridge": Model(
        "",
        peer(Ours, two_lines),
        {"smooth": [3.0, 10.0, 30.0], "alpha": [1.0, 100.0]},
    ),
    "skrub tabular_pipeline": Model("skrub", Skrub, {"ids_as": ["text"]}),
    "Surprise BaselineOnly": Model(
        "surprise",
        peer(Surprise, "BaselineOnly"),
        {"bsl_options": BIAS_PENALTIES},
    ),
    "Surprise SVD": Model(
        "surprise",
        peer(Surprise, "SVD"),
        [
            {"n_factors": [20], "reg_all": [0.06], "n_epochs": [40]},
            {"n_factors": [200], "reg_all": [0.1], "n_epochs": [80], "lr_all": [0.01]},
        ],
    ),
    "Surprise SVD++": Model(
        "surprise",
        peer(Surprise, "SVDpp", cache_ratings=True),
        {"reg_all": [0.1], "lr_all": [0.01]},
    ),
    "Surprise KNNBaseline": Model(
        "surprise",
        peer(Surprise, "KNNBaseline"),
        {"k": [40, 80], "sim_options": SIMILARITIES},
    ),
    "LensKit BiasedMF": Model(
        "lenskit",
        peer(LensKit, "als", "BiasedMFScorer"),
        {"embedding_size": [50, 100], "regularization": [0.12]},
    ),
    "LensKit ItemKNN": Model(
        "lenskit",
        peer(LensKit, "knn", "ItemKNNScorer"),
        {"max_nbrs": [50]},
    ),
    "LensKit ItemKNN, implicit": Model(
        "lenskit",
        peer(LensKit, "knn", "ItemKNNScorer", feedback="implicit"),
        {"max_nbrs": [50]},
    ),
    "Cornac MF": Model(
        "cornac",
        peer(Cornac, "MF"),
        {"k": [10, 100], "lambda_reg": [0.1], "max_iter": [100]},
    ),
    "Cornac BPR": Model(
        "cornac",
        peer(Cornac, "BPR"),
        LIKED_OR_ALL
        | {
            "k": [50],
            "max_iter": [200],
            "learning_rate": [0.01, 0.05],
            "lambda_reg": [0.01],
        },
    ),
    "Cornac EASE": Model(
        "cornac",
        peer(Cornac, "EASE"),
        LIKED_OR_ALL | {"lamb": [200], "posB": [False]},
    ),
    "implicit ALS": Model(
        "implicit",
        peer(Implicit, "als", "AlternatingLeastSquares"),
        LIKED_OR_ALL | {"factors": [32, 100], "regularization": [1.0, 10.0, 30.0]},
    ),
    "implicit BPR": Model(
        "implicit",
        peer(Implicit, "bpr", "BayesianPersonalizedRanking"),
        [
            {"liked": [True]},
            LIKED_OR_ALL
            | {"factors": [50], "iterations": [200], "regularization": [0.05]},
        ],
    ),
    "implicit item cosine": Model(
        "implicit",
        peer(Implicit, "nearest_neighbours", "CosineRecommender"),
        LIKED_OR_ALL | {"K": [20, 100]},
    ),
}


# ----- A cell: one model, one fold, a process of its own


def split(path, fold):
    """Return training rows and test rows of a fold, or of the split by time."""
    table = load_movielens(path)
    if fold == BY_TIME:
        return split_by_time(table)
    folds = list(KFold(5, shuffle=True, random_state=0).split(table))
    train, test = folds[int(fold)]
    return table.iloc[train], table.iloc[test]


def inner_split(train, fold):
    """Split the training rows once more, to choose settings."""
    if fold == BY_TIME:
        return split_by_time(train)
    return train_test_split(train, test_size=0.2, random_state=0)


def measure(name, settings, train, test, lists=True):
    """Return figures and times of a model, and the squared errors.

    With `lists`, its lists are scored even where it predicts stars.
    """
    model = MODELS[name].make(**settings)
    figures = {}
    started = time.perf_counter()
    model.fit(train)
    figures["fit"] = time.perf_counter() - started

    started = time.perf_counter()
    if model.predict is not None and getattr(model, "predicts", True):
        stars = np.asarray(model.predict(test.drop(columns="rating")), dtype=float)
        stars = np.where(np.isnan(stars), train["rating"].mean(), stars)
        stars = stars.clip(train["rating"].min(), train["rating"].max())
        figures["RMSE"] = root_mean_squared_error(test["rating"], stars)
        figures["MAE"] = mean_absolute_error(test["rating"], stars)
        figures["squared"] = ((test["rating"] - stars) ** 2).tolist()
    recommended = None
    if model.recommend is not None and (lists or "RMSE" not in figures):
        is_liked = test["rating"] >= LIKED
        recommended = model.recommend(test.loc[is_liked, "user_id"].unique())
    figures["predict"] = time.perf_counter() - started

    if recommended is not None:
        of_lists = ranking_metrics(recommended, test, test["rating"], TOP, LIKED)
        figures |= of_lists
        if lists:
            figures["referee"] = referee(recommended, test, of_lists)
    return figures


def referee(lists, test, ours):
    """Return the largest difference between our figures of lists and those of ranx.

    Without ranx it is None.
    """
    if importlib.util.find_spec("ranx") is None:
        return None
    from ranx import Qrels, Run, evaluate

    liked = test.loc[test["rating"] >= LIKED, IDS].astype(str).assign(score=1)
    ranked = lists[IDS].astype(str).assign(score=-lists["rank"].astype(float))
    names = {"q_id_col": "user_id", "doc_id_col": "movie_id", "score_col": "score"}
    their_name = {
        "Precision@10": "precision@10",
        "Recall@10": "recall@10",
        "NDCG@10": "ndcg@10",
    }
    theirs = evaluate(
        Qrels.from_df(liked, **names),
        Run.from_df(ranked, **names),
        list(their_name.values()),
        make_comparable=True,
    )
    return max(abs(ours[name] - theirs[other]) for name, other in their_name.items())


def goodness(name, settings, train, test):
    """Return how good settings are; larger is better."""
    figures = measure(name, settings, train, test, lists=False)
    if "RMSE" in figures:
        return -figures["RMSE"]
    return figures["NDCG@10"]


def cell(path, name, fold):
    """Print the figures of a model at its defaults and at its best, as JSON."""
    train, test = split(path, fold)
    inner_train, inner_test = inner_split(train, fold)
    is_by_time = fold == BY_TIME
    default = measure(name, {}, train, test, lists=not is_by_time)
    default["memory"] = peak_memory()

    candidates = [{}, *ParameterGrid(MODELS[name].grid)]
    scores = [goodness(name, it, inner_train, inner_test) for it in candidates]
    settings = candidates[scores.index(max(scores))]
    if settings:
        best = measure(name, settings, train, test, lists=not is_by_time)
        best["memory"] = peak_memory()
    else:  # the defaults are the best
        best = default.copy()

    if not is_by_time:  # squared errors are for the differences by time alone
        default.pop("squared", None)
        best.pop("squared", None)
    print(json.dumps({"default": default, "best": best, "settings": settings}))


def peak_memory():
    """Return the greatest resident size of this process so far, in MB."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e6
    # Where there is /proc, `getrusage` would count the process that started this one.
    if os.path.exists("/proc/self/status"):
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(re.search(r"VmHWM:\s*(\d+)", status)[1]) / 1e3
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if sys.platform == "darwin":  # there it is in bytes, elsewhere in kB
        return peak / 1e6
    return peak / 1e3


# ----- The three ratios


def time_ours_fit(train):
    return clocked(lambda: MatrixFactorization().fit(train))


def time_svd(train):
    model = Surprise("SVD")
    return clocked(lambda: model.fit(train))


def time_svd_alone(train):
    from surprise import Dataset, Reader

    ratings = train[["user_id", "movie_id", "rating"]]
    reader = Reader(rating_scale=(0.5, 5))
    prepared = Dataset.load_from_df(ratings, reader).build_full_trainset()
    return clocked(lambda: Surprise("SVD").model.fit(prepared))


def time_lists(train):
    users = train["user_id"].unique()
    return clocked(lambda: MovieRanker().fit(train).recommend(users, TOP))


def time_als(train):
    model = Implicit("als", "AlternatingLeastSquares")
    matrix = model.index(train, liked=False)
    return clocked(lambda: model.model.fit(matrix, show_progress=False))


def clocked(call):
    """Return the seconds that a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


TIMERS = {
    "time_ours_fit": time_ours_fit,
    "time_svd": time_svd,
    "time_svd_alone": time_svd_alone,
    "time_lists": time_lists,
    "time_als": time_als,
}
RATIOS = {  # title: (ours, theirs, library)
    "fit of MatrixFactorization / Surprise's SVD, both from a DataFrame": (
        "time_ours_fit",
        "time_svd",
        "surprise",
    ),
    "fit of MatrixFactorization, from a DataFrame / Surprise's SVD, its fit alone": (
        "time_ours_fit",
        "time_svd_alone",
        "surprise",
    ),
    "top-10 lists of all users, fit included / implicit's ALS, fit alone": (
        "time_lists",
        "time_als",
        "implicit",
    ),
}


def report_ratios(path, runs):
    """Print the ratios of times of the libraries that are installed."""
    for title, (ours, theirs, library) in RATIOS.items():
        if importlib.util.find_spec(library) is None:
            continue
        our_seconds = []
        their_seconds = []
        ratios = []
        for _ in range(runs):
            our_seconds.append(float(child(path, "--time", ours)))
            their_seconds.append(float(child(path, "--time", theirs)))
            ratios.append(our_seconds[-1] / their_seconds[-1])

        middle = statistics.median(ratios)
        spread = f"{middle:.2f} ({min(ratios):.2f} - {max(ratios):.2f})"
        our_time = f"{statistics.median(our_seconds):.2f} s"
        their_time = f"{statistics.median(their_seconds):.2f} s"
        print(f"{title}: {spread}, {our_time} / {their_time}", flush=True)


# ----- The table


def child(path, *arguments):
    """Run this script again, as a process of its own, and return its last line."""
    arguments = [str(argument) for argument in arguments]
    command = [sys.executable, __file__, str(path), *arguments]
    # Threads that spin while they wait are slow on a busy machine.
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
    # implicit asks for one thread of BLAS: its own threads and BLAS's fight.
    of_implicit = {"time_als"}
    for name, model in MODELS.items():
        if model.library == "implicit":
            of_implicit.add(name)
    if of_implicit & set(arguments):
        environment["OPENBLAS_NUM_THREADS"] = "1"

    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    if run.returncode:
        sys.exit(f"{' '.join(arguments)} failed:\n{run.stderr[-2000:]}")
    return run.stdout.strip().splitlines()[-1]


COLUMNS = {  # name: digits
    "RMSE": 4,
    "MAE": 4,
    "NDCG@10": 4,
    "Precision@10": 4,
    "Recall@10": 4,
    "fit": 2,
    "predict": 2,
}


def report(name, cells):
    """Print two rows from the cells of the folds: the defaults, and the best."""
    for variant in ("default", "best"):
        figures = [cell[variant] for cell in cells]
        texts = []
        for column, digits in COLUMNS.items():
            values = [of_fold.get(column) for of_fold in figures]
            if None in values:
                texts.append("")
            elif digits == 4 and len(values) > 1:
                texts.append(f"{np.mean(values):.4f} ± {np.std(values):.4f}")
            else:
                texts.append(f"{np.mean(values):.{digits}f}")
        memory = np.mean([of_fold["memory"] for of_fold in figures])
        row = " | ".join(texts)
        print(f"| {name} | {variant} | {row} | {memory:.0f} |", flush=True)


def report_differences(cells_of, n_folds, users):
    """Print RMSE at the best settings, and how much it is above the best model's.

    `cells_of` has the cells of every model; `users` gave the test rows by time.
    """
    rmse_of_folds = {}
    squared = {}
    for name, cells in cells_of.items():
        if BY_TIME not in cells:
            continue  # a model of lists
        of_folds = [cells[str(fold)]["best"]["RMSE"] for fold in range(n_folds)]
        rmse_of_folds[name] = of_folds
        squared[name] = np.array(cells[BY_TIME]["best"]["squared"])
    folds = pd.DataFrame(rmse_of_folds)
    best_of_folds = folds[folds.mean().idxmin()]
    to_best = folds.sub(best_of_folds, axis=0)
    best_by_time = min(squared.values(), key=np.mean)

    print(
        "\n| model, at its best settings | random folds | to best | by time "
        "| by time, default | to best |"
    )
    print("|---|---|---|---|---|---|")
    for name in folds.mean().sort_values().index:
        by_time = cells_of[name][BY_TIME]
        more, standard_error = rmse_difference(squared[name], best_by_time, users)
        texts = [
            f"{folds[name].mean():.4f}",
            f"{to_best[name].mean():+.4f} ± {to_best[name].sem():.4f}",
            f"{by_time['best']['RMSE']:.4f}",
            f"{by_time['default']['RMSE']:.4f}",
            f"{more:+.4f} ± {standard_error:.4f}",
        ]
        print(f"| {name} | {' | '.join(texts)} |")


def run_cells(name, options, folder):
    """Return the cells of a model, {fold: figures}.

    Those that the folder keeps are not measured again.
    """
    file_name = re.sub(r"[^A-Za-z+]+", "_", name)
    cells = {}
    for fold in [*map(str, range(options.folds)), BY_TIME]:
        if fold == BY_TIME and "RMSE" not in cells["0"]["best"]:
            continue  # a model of lists
        kept = folder / f"{file_name}_{fold}.json"
        if not kept.exists():
            started = time.perf_counter()
            kept.write_text(child(options.data, "--cell", name, fold), encoding="utf-8")
            seconds = time.perf_counter() - started
            print(f"{name}, {fold}: {seconds:.0f} s", file=sys.stderr, flush=True)
        cells[fold] = json.loads(kept.read_text(encoding="utf-8"))
    return cells


def read_options():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        description="Compare with Surprise, LensKit, Cornac, implicit, skrub."
    )
    parser.add_argument("data", help="a MovieLens release, folder or zip file")
    parser.add_argument(
        "--folds",
        type=int,
        default=5,
        metavar="N",
        help="fewer for a look (default 5)",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="WORD",
        help="models whose name contains one of the words",
    )
    parser.add_argument(
        "--runs",
        type=int,
        default=5,
        metavar="N",
        help="runs for a ratio (default 5, 0: none)",
    )
    parser.add_argument(
        "--folder", help="keeps what is done; a later run goes on from it"
    )
    parser.add_argument("--cell", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--time", help=argparse.SUPPRESS)
    return parser.parse_args()


def choose_models(words):
    """Return the names of the models whose library is installed, and say what is not.

    With words, they are those whose name contains one of them.
    """
    chosen = list(MODELS)
    if words:
        chosen = [name for name in MODELS if any(word in name for word in words)]
    libraries = {MODELS[name].library for name in chosen} - {""}
    missing = set()
    for library in [*libraries, "ranx"]:
        if importlib.util.find_spec(library) is None:
            missing.add(library)
    if missing:
        print(
            f"Not installed, left out: {', '.join(sorted(missing))} "
            "(pip install -r benchmarks/requirements.txt)\n"
        )
    return [name for name in chosen if MODELS[name].library not in missing]


def report_referee(cells_of):
    """Print how far our figures of lists are from those of ranx."""
    differences = []
    for cells in cells_of.values():
        for figures in cells.values():
            for variant in ("default", "best"):
                difference = figures[variant].get("referee")
                if difference is not None:
                    differences.append(difference)
    if differences:
        print(
            "\nFigures of lists, largest difference to ranx in "
            f"{len(differences)} tests: {max(differences):.0e}"
        )


def report_grids(cells_of):
    """Print the grids, and the settings that were chosen."""
    print(
        "\nGrids, and what was chosen in each fold and by time ({} are the defaults):\n"
    )
    for name, cells in cells_of.items():
        grid = json.dumps(MODELS[name].grid)
        settings = json.dumps([figures["settings"] for figures in cells.values()])
        print(f"- {name}: {grid} -> {settings}")


def main():
    options = read_options()
    warnings.simplefilter("ignore")
    if options.cell:
        name, fold = options.cell
        cell(options.data, name, fold)
        return
    if options.time:
        train, _ = split(options.data, 0)
        print(TIMERS[options.time](train))
        return

    chosen = choose_models(options.only)
    print(
        "| model | settings | RMSE | MAE | NDCG@10 | P@10 | R@10 "
        "| fit, s | predict, s | memory, MB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    cells_of = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.folder or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for name in chosen:
            cells = run_cells(name, options, folder)
            cells_of[name] = cells
            report(name, [cells[str(fold)] for fold in range(options.folds)])

    report_referee(cells_of)
    if options.folds > 1 and any(BY_TIME in cells for cells in cells_of.values()):
        _, test = split(options.data, BY_TIME)
        report_differences(cells_of, options.folds, test["user_id"].to_numpy())
    report_grids(cells_of)
    if options.runs:
        print()
        report_ratios(options.data, options.runs)


if __name__ == "__main__":
    main()
