"""How good are other libraries on the same folds? `python benchmarks/peers.py MOVIELENS`

MOVIELENS is the folder or the zip file of a release. The other libraries are installed by `pip install -r
benchmarks/requirements.txt`; one that is missing is named and left out.

* Folds: `KFold(5, shuffle=True, random_state=0)` over all ratings; every library sees the same training rows.
  Models of stars also run on a split by time: trained on the first four fifths, tested on the last fifth.
* Settings: each model, ours too, runs at its defaults, and at its best of a small grid (printed below the
  tables). The best is chosen **inside the training rows**: on an 80/20 split of them, which is random in the
  random folds and by time in the split by time; by RMSE where the model predicts stars, else by NDCG@10.
* RMSE and MAE: in stars. All predictions are kept to the scale of the training. What a library cannot predict
  (an unknown movie) is what that library answers; where it answers nothing, it is the mean of the training.
* NDCG@10, P@10, R@10: for every user with a relevant test movie (4 stars or more), all movies of the training
  are ranked, except those that the user rated in training. All lists go through
  `lesson_code.ranking_metrics`, and through `ranx`, a library that only scores lists, as a referee: the
  largest difference between the two is printed. Libraries for implicit feedback take the stars as
  confidence; their grids also try only the movies that were liked (4 stars or more).
* What is seen: most libraries see ids and stars. Our models and skrub's pipeline see all columns of the
  table; the rows "of ids alone" are ours without what the table says of movies and times.
* Differences, in a table of their own: RMSE at the best settings minus that of the best model. In the folds:
  the mean of the five differences ± its standard error. By time: ± a standard error clustered by user (see
  `by_time.py`). A difference below two standard errors may be luck.
* Times, in seconds: fit, from a DataFrame; predict, all test rows and the lists of all test users, as far as
  a model makes both. Memory: the greatest resident size of the process so far; at the best setting, the
  search is in it. Every model and fold runs in a process of its own, with the threads that the library takes
  by itself (Cornac with a seed takes one).

At the end, three ratios of times. The two sides run in turn, each in a fresh process; imports are not
counted. With `--folder FOLDER`, what is done is kept there, and a later run goes on from it.
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
from pathlib import Path

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


# ----- one small class per library: fit, predict (stars), recommend (lists); what it cannot do is None


class Ours:
    predict = recommend = None

    def __init__(self, make, columns=slice(None), **settings):
        self.model, self.columns = make(**settings), columns
        if hasattr(self.model, "recommend") and not hasattr(self.model, "predict"):
            self.recommend = lambda users: self.model.recommend(users, TOP)
        else:
            self.predict = lambda rows: self.model.predict(rows.loc[:, self.columns])

    def fit(self, table):
        self.model.fit(
            table.drop(columns="rating").loc[:, self.columns], table["rating"]
        )


def pipeline(model, **settings):
    made = SklearnEcosystemPipeline(model=model)
    return made.build_pipeline().set_params(**settings)


def two_lines(smooth="auto", alpha=1.0):
    folds = KFold(5, shuffle=True, random_state=0)
    encoder = TargetEncoder(target_type="continuous", smooth=smooth, cv=folds)
    return make_pipeline(make_column_transformer((encoder, IDS)), Ridge(alpha))


class Skrub:
    """skrub's pipeline for any table, as it comes: it prepares the columns, and boosting learns from them."""

    recommend = None

    def __init__(self, ids_as="number"):
        self.ids_as = ids_as

    def table(self, rows):
        return rows.astype(dict.fromkeys(IDS, str)) if self.ids_as == "text" else rows

    def fit(self, table):
        from skrub import tabular_pipeline

        self.model = tabular_pipeline("regressor").set_params(
            histgradientboostingregressor__random_state=0
        )
        self.model.fit(self.table(table.drop(columns="rating")), table["rating"])

    def predict(self, rows):
        return self.model.predict(self.table(rows))


class Surprise:
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
        return np.array(
            [
                self.model.predict(u, m).est
                for u, m in zip(rows["user_id"], rows["movie_id"])
            ]
        )


class LensKit:
    def __init__(self, module, name, **settings):
        scorer = getattr(importlib.import_module(f"lenskit.{module}"), name)(**settings)
        from lenskit.pipeline import topn_pipeline

        self.predicts = (
            name != "ItemKNNScorer"
            or settings.get("feedback", "explicit") == "explicit"
        )
        self.pipeline = topn_pipeline(scorer, n=TOP, predicts_ratings=self.predicts)

    def fit(self, table):
        from lenskit.data import from_interactions_df
        from lenskit.training import TrainingOptions

        renamed = table[["user_id", "movie_id", "rating"]].rename(
            columns={"movie_id": "item_id"}
        )
        self.pipeline.train(from_interactions_df(renamed), TrainingOptions(rng=0))

    def predict(self, rows):
        from lenskit.operations import predict

        stars = pd.Series(np.nan, index=rows.index)
        for user, movies in rows.groupby("user_id")["movie_id"]:
            stars[movies.index] = predict(
                self.pipeline, user, movies.to_numpy()
            ).scores()
        return stars.to_numpy()

    def recommend(self, users):
        from lenskit.operations import recommend

        # user by user: lenskit.batch cannot put together the lists of its ItemKNN
        lists = {user: recommend(self.pipeline, user, n=TOP).ids() for user in users}
        rows = [
            (user, rank, movie)
            for user, movies in lists.items()
            for rank, movie in enumerate(movies, 1)
        ]
        return pd.DataFrame(rows, columns=["user_id", "rank", "movie_id"])


class ByMatrix:
    """For libraries that number users and items from 0: positions of ids, and lists of ids from positions."""

    def index(self, table, liked):
        self.users, user = np.unique(table["user_id"], return_inverse=True)
        self.movies, movie = np.unique(table["movie_id"], return_inverse=True)
        stars = table["rating"].to_numpy(dtype=np.float32)
        shape = self.users.size, self.movies.size
        self.seen = sparse.csr_matrix((stars, (user, movie)), shape)
        kept = stars >= LIKED if liked else np.ones(len(stars), bool)
        values = np.ones(kept.sum(), np.float32) if liked else stars
        return sparse.csr_matrix((values, (user[kept], movie[kept])), shape)

    def lists(self, users, top):
        """Return the frame of lists; `top(positions)` gives the columns, best first, of known users."""
        known = np.asarray(users)[np.isin(users, self.users)]
        columns = top(np.searchsorted(self.users, known))[:, :TOP]
        lists = pd.DataFrame(
            {
                "user_id": np.repeat(known, columns.shape[1]),
                "rank": np.tile(np.arange(1, columns.shape[1] + 1), len(known)),
                "movie_id": self.movies[columns.ravel()],
            }
        )
        return lists[
            columns.ravel() >= 0
        ]  # implicit fills lists that are too short with -1


class Cornac(ByMatrix):
    def __init__(self, name, liked=False, **settings):
        self.name, self.liked = name, liked
        seed = {} if name == "EASE" else {"seed": 0}
        model = getattr(importlib.import_module("cornac.models"), name)
        self.model = model(**seed, verbose=False, **settings)
        if name != "MF":
            self.predict = None

    def fit(self, table):
        from cornac.data import Dataset

        X = self.index(table, self.liked).tocoo()
        data = Dataset.from_uir(
            zip(X.row.tolist(), X.col.tolist(), X.data.tolist()), seed=0
        )
        self.mean = table["rating"].mean()
        # cornac counts anew: position of ours -> of theirs, one more for what it does not know
        self.user_at = np.array(
            [data.uid_map.get(u, -1) for u in range(self.users.size)]
        )
        self.movie_at = np.array(
            [data.iid_map.get(m, -1) for m in range(self.movies.size)]
        )
        self.model.fit(data)

    def predict(self, rows):
        stars = np.full(len(rows), np.nan)
        user = np.searchsorted(self.users, rows["user_id"]).clip(
            max=self.users.size - 1
        )
        movie = np.searchsorted(self.movies, rows["movie_id"]).clip(
            max=self.movies.size - 1
        )
        known = (self.users[user] == rows["user_id"]) & (
            self.movies[movie] == rows["movie_id"]
        )
        for row in np.flatnonzero(known):
            stars[row] = self.model.rate(
                self.user_at[user[row]], self.movie_at[movie[row]], clipping=False
            )
        return stars

    def recommend(self, users):
        def top(positions):
            found = []
            for position in positions:
                theirs = self.user_at[position]
                scores = np.full(self.movies.size, -np.inf)
                if theirs < 0:  # liked nothing: popularity
                    scores = (
                        np.asarray((self.seen > 0).sum(axis=0)).ravel().astype(float)
                    )
                else:
                    there = self.movie_at >= 0
                    scores[there] = np.asarray(self.model.score(theirs)).ravel()[
                        self.movie_at[there]
                    ]
                scores[self.seen[position].indices] = -np.inf
                best = np.argpartition(-scores, TOP)[:TOP]
                found.append(best[np.argsort(-scores[best], kind="stable")])
            return np.array(found)

        return self.lists(users, top)


class Implicit(ByMatrix):
    predict = None

    def __init__(self, module, name, liked=False, **settings):
        self.liked = liked
        seed = {} if module == "nearest_neighbours" else {"random_state": 0}
        self.model = getattr(importlib.import_module(f"implicit.{module}"), name)(
            **seed, **settings
        )

    def fit(self, table):
        self.used = self.index(table, self.liked)
        self.model.fit(self.used, show_progress=False)

    def recommend(self, users):
        if not (self.liked and hasattr(self.model, "similarity")):
            return self.lists(
                users, lambda at: self.model.recommend(at, self.seen[at], N=TOP)[0]
            )

        def top(positions):
            """Ask by what was liked, for a list long enough, and leave out what was seen and not liked."""
            n_seen = np.diff(self.seen.indptr).max()
            long, _ = self.model.recommend(
                positions, self.used[positions], N=TOP + int(n_seen)
            )
            rows = [
                row[~np.isin(row, self.seen[at].indices)][:TOP]
                for row, at in zip(long, positions)
            ]
            return np.array(
                [np.pad(row, (0, TOP - row.size), constant_values=-1) for row in rows]
            )

        return self.lists(users, top)


FACTORS = {"n_factors": [8, 16], "regularization": [4.5, 6.0, 9.0]}
BLEND = {"model__boosting__max_leaf_nodes": [15, 31], "model__weights": [[2, 1]]}
LIKED_OR_ALL = {"liked": [False, True]}
BIAS_PENALTIES = [
    {"method": "als", "reg_u": u, "reg_i": i} for u, i in ((5, 3), (10, 5), (15, 10))
]
SIMILARITIES = [
    {"name": "pearson_baseline", "user_based": user, "verbose": False}
    for user in (True, False)
]


def ours(model, columns=slice(None)):
    """Return a function that makes one of our pipelines with settings."""
    return lambda **settings: Ours(pipeline, columns, model=model, **settings)


def peer(library, *names, **fixed):
    """Return a function that makes a model of another library with settings."""
    return lambda **settings: library(*names, **fixed, **settings)


MODELS = {  # name: (library, what makes it, grid)
    "`factors`, MatrixFactorization": ("", peer(Ours, MatrixFactorization), FACTORS),
    "`factors`, of ids alone": (
        "",
        peer(Ours, MatrixFactorization, content=False),
        FACTORS,
    ),
    "`factors`, of ids alone, without patterns": (
        "",
        peer(Ours, MatrixFactorization, content=False, n_patterns=0),
        FACTORS,
    ),
    "`forest`": (
        "",
        ours("forest"),
        {"model__min_samples_leaf": [5], "model__max_samples": [0.1]},
    ),
    "`boosting`": ("", ours("boosting"), {"model__learning_rate": [0.05, 0.1]}),
    "`blend`": ("", ours("blend"), BLEND),
    "`blend`, of ids alone": ("", ours("blend", IDS), BLEND),
    "MovieRanker": ("", peer(Ours, MovieRanker), {"regularization": [150.0, 600.0]}),
    "TargetEncoder, Ridge": (
        "",
        peer(Ours, two_lines),
        {"smooth": [3.0, 10.0, 30.0], "alpha": [1.0, 100.0]},
    ),
    "skrub tabular_pipeline": ("skrub", Skrub, {"ids_as": ["text"]}),
    "Surprise BaselineOnly": (
        "surprise",
        peer(Surprise, "BaselineOnly"),
        {"bsl_options": BIAS_PENALTIES},
    ),
    "Surprise SVD": (
        "surprise",
        peer(Surprise, "SVD"),
        [
            {"n_factors": [20], "reg_all": [0.06], "n_epochs": [40]},
            {"n_factors": [200], "reg_all": [0.1], "n_epochs": [80], "lr_all": [0.01]},
        ],
    ),
    "Surprise SVD++": (
        "surprise",
        peer(Surprise, "SVDpp", cache_ratings=True),
        {"reg_all": [0.1], "lr_all": [0.01]},
    ),
    "Surprise KNNBaseline": (
        "surprise",
        peer(Surprise, "KNNBaseline"),
        {"k": [40, 80], "sim_options": SIMILARITIES},
    ),
    "LensKit BiasedMF": (
        "lenskit",
        peer(LensKit, "als", "BiasedMFScorer"),
        {"embedding_size": [50, 100], "regularization": [0.12]},
    ),
    "LensKit ItemKNN": (
        "lenskit",
        peer(LensKit, "knn", "ItemKNNScorer"),
        {"max_nbrs": [50]},
    ),
    "LensKit ItemKNN, implicit": (
        "lenskit",
        peer(LensKit, "knn", "ItemKNNScorer", feedback="implicit"),
        {"max_nbrs": [50]},
    ),
    "Cornac MF": (
        "cornac",
        peer(Cornac, "MF"),
        {"k": [10, 100], "lambda_reg": [0.1], "max_iter": [100]},
    ),
    "Cornac BPR": (
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
    "Cornac EASE": (
        "cornac",
        peer(Cornac, "EASE"),
        LIKED_OR_ALL | {"lamb": [200], "posB": [False]},
    ),
    "implicit ALS": (
        "implicit",
        peer(Implicit, "als", "AlternatingLeastSquares"),
        LIKED_OR_ALL | {"factors": [32, 100], "regularization": [1.0, 10.0, 30.0]},
    ),
    "implicit BPR": (
        "implicit",
        peer(Implicit, "bpr", "BayesianPersonalizedRanking"),
        [
            {"liked": [True]},
            LIKED_OR_ALL
            | {"factors": [50], "iterations": [200], "regularization": [0.05]},
        ],
    ),
    "implicit item cosine": (
        "implicit",
        peer(Implicit, "nearest_neighbours", "CosineRecommender"),
        LIKED_OR_ALL | {"K": [20, 100]},
    ),
}


# ----- a cell: one model, one fold, a process of its own


def split(path, fold):
    table = load_movielens(path)
    if fold == BY_TIME:
        return split_by_time(table)
    train, test = list(KFold(5, shuffle=True, random_state=0).split(table))[int(fold)]
    return table.iloc[train], table.iloc[test]


def inner_split(train, fold):
    if fold == BY_TIME:
        return split_by_time(train)
    return train_test_split(train, test_size=0.2, random_state=0)


def measure(name, settings, train, test, lists=True):
    """Return figures and times of a model, and the squared errors; `lists`: score its lists as well."""
    model = MODELS[name][1](**settings)
    figures, started = {}, time.perf_counter()
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
    found = None
    if model.recommend is not None and (lists or "RMSE" not in figures):
        found = model.recommend(test.loc[test["rating"] >= LIKED, "user_id"].unique())
    figures["predict"] = time.perf_counter() - started
    if found is not None:
        ours = ranking_metrics(found, test, test["rating"], TOP, LIKED)
        figures |= ours | ({"referee": referee(found, test, ours)} if lists else {})
    return figures


def referee(lists, test, ours):
    """Return the largest difference between our figures of lists and those of ranx; None without ranx."""
    if importlib.util.find_spec("ranx") is None:
        return None
    from ranx import Qrels, Run, evaluate

    liked = test.loc[test["rating"] >= LIKED, IDS].astype(str).assign(score=1)
    ranked = lists[IDS].astype(str).assign(score=-lists["rank"].astype(float))
    names = {"q_id_col": "user_id", "doc_id_col": "movie_id", "score_col": "score"}
    metrics = {
        "Precision@10": "precision@10",
        "Recall@10": "recall@10",
        "NDCG@10": "ndcg@10",
    }
    judged, run = Qrels.from_df(liked, **names), Run.from_df(ranked, **names)
    theirs = evaluate(judged, run, list(metrics.values()), make_comparable=True)
    return max(abs(ours[name] - theirs[metric]) for name, metric in metrics.items())


def goodness(name, settings, train, test):
    figures = measure(name, settings, train, test, lists=False)
    return figures["NDCG@10"] if "RMSE" not in figures else -figures["RMSE"]


def cell(path, name, fold):
    """Print the figures of a model at its defaults and at its best, as JSON."""
    train, test = split(path, fold)
    inner, lists = inner_split(train, fold), fold != BY_TIME
    found = {
        "default": measure(name, {}, train, test, lists) | {"memory": peak_memory()}
    }
    candidates = [{}, *ParameterGrid(MODELS[name][2])]
    best = max(candidates, key=lambda settings: goodness(name, settings, *inner))
    found |= {
        "best": measure(name, best, train, test, lists)
        if best
        else found["default"].copy()
    }
    found["best"]["memory"] = peak_memory() if best else found["default"]["memory"]
    found["settings"] = best
    if fold != BY_TIME:  # for the differences by time alone
        for figures in (found["default"], found["best"]):
            figures.pop("squared", None)
    print(json.dumps(found))


def peak_memory():
    """Return the greatest resident size of this process so far, in MB."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e6
    if os.path.exists(
        "/proc/self/status"
    ):  # getrusage would count the process that started this one
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(re.search(r"VmHWM:\s*(\d+)", status)[1]) / 1e3
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1e6 if sys.platform == "darwin" else 1e3
    )


# ----- the three ratios


def time_ours_fit(train):
    return clocked(lambda: MatrixFactorization().fit(train))


def time_svd(train):
    model = Surprise("SVD")
    return clocked(lambda: model.fit(train))


def time_svd_alone(train):
    from surprise import Dataset, Reader

    ratings = train[["user_id", "movie_id", "rating"]]
    prepared = Dataset.load_from_df(
        ratings, Reader(rating_scale=(0.5, 5))
    ).build_full_trainset()
    return clocked(lambda: Surprise("SVD").model.fit(prepared))


def time_lists(train):
    users = train["user_id"].unique()
    return clocked(lambda: MovieRanker().fit(train).recommend(users, TOP))


def time_als(train):
    model = Implicit("als", "AlternatingLeastSquares")
    matrix = model.index(train, liked=False)
    return clocked(lambda: model.model.fit(matrix, show_progress=False))


def clocked(call):
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


RATIOS = {  # title: (ours, theirs, library)
    "fit of MatrixFactorization / Surprise's SVD, both from a DataFrame": (
        time_ours_fit,
        time_svd,
        "surprise",
    ),
    "fit of MatrixFactorization, from a DataFrame / Surprise's SVD, its fit alone": (
        time_ours_fit,
        time_svd_alone,
        "surprise",
    ),
    "top-10 lists of all users, fit included / implicit's ALS, fit alone": (
        time_lists,
        time_als,
        "implicit",
    ),
}


def report_ratios(path, runs):
    for title, (ours, theirs, library) in RATIOS.items():
        if importlib.util.find_spec(library) is None:
            continue
        names = ours.__name__, theirs.__name__
        pairs = [
            [float(child(path, "--time", name)) for name in names] for _ in range(runs)
        ]
        ratios = [a / b for a, b in pairs]
        times = " / ".join(f"{statistics.median(side):.2f} s" for side in zip(*pairs))
        spread = (
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} - {max(ratios):.2f})"
        )
        print(f"{title}: {spread}, {times}", flush=True)


# ----- the table


def child(path, *arguments):
    """Run this script again, as a process of its own, and return its last line."""
    command = [sys.executable, __file__, str(path), *map(str, arguments)]
    environment = os.environ | {
        "OMP_WAIT_POLICY": "PASSIVE"
    }  # threads that spin are slow on a busy machine
    of_implicit = [
        name for name, (library, *_) in MODELS.items() if library == "implicit"
    ]
    if {"time_als", *of_implicit} & set(
        arguments
    ):  # implicit asks for it: its threads and BLAS's fight
        environment["OPENBLAS_NUM_THREADS"] = "1"
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    if run.returncode:
        sys.exit(f"{' '.join(map(str, arguments))} failed:\n{run.stderr[-2000:]}")
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


def report(name, found):
    """Print two rows from the cells of the folds: the defaults, and the best of the grid."""
    for variant in ("default", "best"):
        cells = []
        for column, digits in COLUMNS.items():
            values = [one[variant].get(column) for one in found]
            if None in values:
                cells.append("")
            elif digits == 4 and len(found) > 1:
                cells.append(f"{np.mean(values):.4f} ± {np.std(values):.4f}")
            else:
                cells.append(f"{np.mean(values):.{digits}f}")
        memory = f"{np.mean([one[variant]['memory'] for one in found]):.0f}"
        print(f"| {name} | {variant} | {' | '.join(cells)} | {memory} |", flush=True)


def report_differences(found, n_folds, users):
    """Print RMSE at the best settings, and how much it is above that of the best model, ± standard error."""
    stars = {name: cells for name, cells in found.items() if BY_TIME in cells}
    folds = pd.DataFrame(
        {
            name: [cells[str(fold)]["best"]["RMSE"] for fold in range(n_folds)]
            for name, cells in stars.items()
        }
    )
    squared = {
        name: np.array(cells[BY_TIME]["best"]["squared"])
        for name, cells in stars.items()
    }
    to_best = folds.sub(folds[folds.mean().idxmin()], axis=0)
    best = min(squared.values(), key=np.mean)
    print(
        "\n| model, at its best settings | random folds | to best | by time | by time, default | to best |"
    )
    print("|---|---|---|---|---|---|")
    for name in folds.mean().sort_values().index:
        more, se = rmse_difference(squared[name], best, users)
        by_time = (
            stars[name][BY_TIME][variant]["RMSE"] for variant in ("best", "default")
        )
        told = [
            f"{folds[name].mean():.4f}",
            f"{to_best[name].mean():+.4f} ± {to_best[name].sem():.4f}",
        ]
        told += [*(f"{rmse:.4f}" for rmse in by_time), f"{more:+.4f} ± {se:.4f}"]
        print(f"| {name} | {' | '.join(told)} |")


def run_cells(name, options, folder):
    """Return the cells of a model, {fold: figures}; those that the folder keeps are not measured again."""
    cells = {}
    for fold in [*map(str, range(options.folds)), BY_TIME]:
        kept = folder / f"{re.sub(r'[^A-Za-z+]+', '_', name)}_{fold}.json"
        if fold == BY_TIME and "RMSE" not in cells["0"]["best"]:
            continue  # a model of lists
        if not kept.exists():
            started = time.perf_counter()
            kept.write_text(child(options.data, "--cell", name, fold), encoding="utf-8")
            print(
                f"{name}, {fold}: {time.perf_counter() - started:.0f} s",
                file=sys.stderr,
                flush=True,
            )
        cells[fold] = json.loads(kept.read_text(encoding="utf-8"))
    return cells


def main():
    libraries = "Surprise, LensKit, Cornac, implicit, skrub"
    parser = argparse.ArgumentParser(description=f"Compare with {libraries}.")
    parser.add_argument("data", help="a MovieLens release, folder or zip file")
    parser.add_argument(
        "--folds", type=int, default=5, metavar="N", help="fewer for a look (default 5)"
    )
    words = {"nargs": "+", "default": [], "metavar": "WORD"}
    parser.add_argument(
        "--only", **words, help="models whose name contains one of the words"
    )
    runs = {"type": int, "default": 5, "metavar": "N"}
    parser.add_argument("--runs", **runs, help="runs for a ratio (default 5, 0: none)")
    parser.add_argument(
        "--folder", help="keeps what is done; a later run goes on from it"
    )
    parser.add_argument("--cell", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--time", help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.cell:
        return cell(options.data, *options.cell)
    if options.time:
        return print(globals()[options.time](split(options.data, 0)[0]))
    chosen = [
        name
        for name in MODELS
        if not options.only or any(word in name for word in options.only)
    ]
    libraries = {MODELS[name][0] for name in chosen} - {""}
    missing = {
        library
        for library in [*libraries, "ranx"]
        if importlib.util.find_spec(library) is None
    }
    if missing:
        names = ", ".join(sorted(missing))
        print(
            f"Not installed, left out: {names} (pip install -r benchmarks/requirements.txt)\n"
        )
    print(
        "| model | settings | RMSE | MAE | NDCG@10 | P@10 | R@10 | fit, s | predict, s | memory, MB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.folder or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for name in chosen:
            if MODELS[name][0] not in missing:
                found[name] = run_cells(name, options, folder)
                report(name, [found[name][str(fold)] for fold in range(options.folds)])
    referees = [
        one[variant].get("referee")
        for cells in found.values()
        for one in cells.values()
        for variant in ("default", "best")
    ]
    checked = [one for one in referees if one is not None]
    if checked:
        print(
            f"\nFigures of lists, largest difference to ranx in {len(checked)} tests: {max(checked):.0e}"
        )
    if options.folds > 1 and any(BY_TIME in cells for cells in found.values()):
        report_differences(
            found, options.folds, split(options.data, BY_TIME)[1]["user_id"].to_numpy()
        )
    print(
        "\nGrids, and what was chosen in each fold and by time ({} are the defaults):\n"
    )
    for name, cells in found.items():
        best = [one["settings"] for one in cells.values()]
        print(f"- {name}: {json.dumps(MODELS[name][2])} -> {json.dumps(best)}")
    if options.runs:
        print()
        report_ratios(options.data, options.runs)


if __name__ == "__main__":
    main()
