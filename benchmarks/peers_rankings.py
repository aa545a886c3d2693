"""How other libraries recommend: one function for each, and what they may choose.

Every function takes training rows, users of them and settings, and returns ten movies
for each of the users, which the user has not rated in the training: a DataFrame of
`user_id`, `rank` and `movie_id`. The libraries are imported inside, so that those that
are installed can be compared.
"""

import importlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from lists import TOP
from scipy import sparse
from sklearn.model_selection import ParameterGrid

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import SklearnEcosystemPipeline

LIKED = 4.0  # stars


def lesson(train, users, by, model="linear"):
    """Recommend by a ranker of the lesson, with the settings that it has."""
    recommender = SklearnEcosystemPipeline(model=model, ranker=by)
    recommender.train(train, perform_cv=False)
    return recommender.ranker_.recommend(users, TOP)


class Matrix:
    """Ratings as a sparse table, for libraries that number users and movies from 0.

    `entries` says what is in the table: the "stars"; a 1 for each movie that was
    "rated"; or a 1 for each movie that was "liked" (4 stars or more).
    """

    def __init__(self, train, entries):
        self.users, user = np.unique(train["user_id"], return_inverse=True)
        self.movies, movie = np.unique(train["movie_id"], return_inverse=True)
        shape = (len(self.users), len(self.movies))
        stars = train["rating"].to_numpy(dtype=np.float32)
        ones = np.ones_like(stars)
        self.rated = sparse.csr_matrix((ones, (user, movie)), shape)
        values = {"stars": stars, "rated": ones, "liked": ones * (stars >= LIKED)}
        self.table = sparse.csr_matrix((values[entries], (user, movie)), shape)
        self.table.eliminate_zeros()

    def best(self, users, scores_of):
        """Return the recommendations for users.

        `scores_of(positions)` returns scores of all movies: (n_users, n_movies).
        """
        positions = np.searchsorted(self.users, users)
        scores = np.array(scores_of(positions), dtype=float)
        scores[self.rated[positions].nonzero()] = -np.inf
        best = np.argsort(-scores, axis=1, kind="stable")[:, :TOP]
        return pd.DataFrame(
            {
                "user_id": np.repeat(users, TOP),
                "rank": np.tile(np.arange(1, TOP + 1), len(users)),
                "movie_id": self.movies[best.ravel()],
            }
        )


def irspack(train, users, model, entries, **settings):
    """Recommend by a model of irspack."""
    module = importlib.import_module("irspack")
    matrix = Matrix(train, entries)
    recommender = getattr(module, f"{model}Recommender")(matrix.table, **settings)
    return matrix.best(users, recommender.learn().get_score)


def implicit(train, users, model, entries, **settings):
    """Recommend by a model of implicit."""
    import implicit

    makers = {
        "ALS": implicit.als.AlternatingLeastSquares,
        "BPR": implicit.bpr.BayesianPersonalizedRanking,
        "cosine": implicit.nearest_neighbours.CosineRecommender,
    }
    matrix = Matrix(train, entries)
    fitted = makers[model](**settings)
    fitted.fit(matrix.table, show_progress=False)
    if model == "cosine":
        return matrix.best(
            users, lambda at: (matrix.table[at] @ fitted.similarity).toarray()
        )
    return matrix.best(
        users, lambda at: fitted.user_factors[at] @ fitted.item_factors.T
    )


def grid(*grids, **fixed):
    """Return all settings of some grids, as `ParameterGrid` takes them."""
    return [fixed | settings for settings in ParameterGrid(list(grids))]


#: name: (library that must be installed, function, settings to choose from)
RANKINGS = {
    "popularity (ours)": ("", lesson, [{"by": "popularity"}]),
    "rating by factors (ours)": ("", lesson, [{"by": "rating", "model": "factors"}]),
    "MovieRanker (ours)": ("", lesson, [{"by": "taste"}]),
    "irspack DenseSLIM (EASE)": (
        "irspack",
        irspack,
        grid(
            {"entries": ["stars"], "reg": [2000.0, 4000.0, 8000.0]},
            {"entries": ["rated", "liked"], "reg": [300.0]},
            model="DenseSLIM",
        ),
    ),
    "irspack EDLAE": (
        "irspack",
        irspack,
        grid(
            {
                "entries": ["stars"],
                "reg": [1000.0, 3000.0],
                "dropout_p": [0.2, 0.5],
            },
            model="EDLAE",
        ),
    ),
    "irspack iALS": (
        "irspack",
        irspack,
        grid(
            {
                "entries": ["rated", "liked"],
                "n_components": [32, 128],
                "alpha0": [0.1, 0.3, 1.0],
                "reg": [0.003, 0.01, 0.03],
            },
            model="IALS",
        ),
    ),
    "irspack RP3beta": (
        "irspack",
        irspack,
        grid(
            {
                "entries": ["stars", "liked"],
                "top_k": [200],
                "beta": [0.0, 0.2, 0.4],
                "normalize_weight": [True, False],
            },
            model="RP3beta",
        ),
    ),
    "implicit ALS": (
        "implicit",
        implicit,
        grid(
            {
                "entries": ["stars", "liked"],
                "factors": [32, 100],
                "regularization": [1.0, 10.0, 30.0],
            },
            model="ALS",
            random_state=0,
        ),
    ),
    "implicit BPR": (
        "implicit",
        implicit,
        grid(
            {
                "entries": ["rated", "liked"],
                "factors": [50],
                "iterations": [100, 200],
                "regularization": [0.01, 0.05],
            },
            model="BPR",
            random_state=0,
        ),
    ),
    "implicit item cosine": (
        "implicit",
        implicit,
        grid({"entries": ["stars", "liked"], "K": [20, 50, 100]}, model="cosine"),
    ),
    "irspack SLIM": (
        "irspack",
        irspack,
        grid(
            {
                "entries": ["stars", "liked"],
                "alpha": [0.05, 0.5],
                "l1_ratio": [0.02],
            },
            model="SLIM",
        ),
    ),
}
