"""How other libraries predict ratings: one function for each, and what they may choose.

Every function takes training rows, rows without ratings and settings, and returns the
predicted stars of these rows: (n_rows,), NaN where the library answers nothing. The
libraries are imported inside, so that those that are installed can be compared.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import MatrixFactorization, SklearnEcosystemPipeline

IDS = ["user_id", "movie_id"]
DAY = 24 * 3600  # seconds


def lesson(train, rows, model):
    """Predict by a model of the lesson, with the settings that it has."""
    return SklearnEcosystemPipeline(model=model).fit(train).predict(rows)


def surprise(train, rows, model, **settings):
    """Predict by a model of Surprise, from the two ids."""
    import surprise

    scale = (train["rating"].min(), train["rating"].max())
    reader = surprise.Reader(rating_scale=scale)
    data = surprise.Dataset.load_from_df(train[[*IDS, "rating"]], reader)
    fitted = getattr(surprise, model)(**settings).fit(data.build_full_trainset())
    return [
        fitted.predict(*pair).est for pair in zip(rows["user_id"], rows["movie_id"])
    ]


def lenskit(train, rows, **settings):
    """Predict by LensKit's biased matrix factorization, from the two ids."""
    from lenskit.als import BiasedMFScorer
    from lenskit.data import from_interactions_df
    from lenskit.operations import predict
    from lenskit.pipeline import topn_pipeline
    from lenskit.training import TrainingOptions

    pipeline = topn_pipeline(BiasedMFScorer(**settings), predicts_ratings=True)
    ratings = train[[*IDS, "rating"]].rename(columns={"movie_id": "item_id"})
    pipeline.train(from_interactions_df(ratings), TrainingOptions(rng=0))

    stars = pd.Series(np.nan, index=rows.index)
    for user, movies in rows.groupby("user_id")["movie_id"]:
        stars[movies.index] = predict(pipeline, user, movies.to_numpy()).scores()
    return stars


def cornac(train, rows, **settings):
    """Predict by Cornac's matrix factorization, from the two ids."""
    from cornac.data import Dataset
    from cornac.models import MF

    triples = train[[*IDS, "rating"]].itertuples(index=False, name=None)
    data = Dataset.from_uir(list(triples), seed=0)
    model = MF(seed=0, **settings).fit(data)

    stars = np.full(len(rows), np.nan)
    for row, (user, movie) in enumerate(zip(rows["user_id"], rows["movie_id"])):
        if user in data.uid_map and movie in data.iid_map:
            position = (data.uid_map[user], data.iid_map[movie])
            stars[row] = model.rate(*position, clipping=False)
    return stars


def myfm(train, rows, rank, day, n_iter=100):
    """Predict by a Bayesian factorization machine, from ids, genres, years, and days.

    A user is described by the id and by the movies that the user rated; a movie by its
    id, the users who rated it, its genres and its five years. `day`: whether the day of
    the rating is a feature, too. The first quarter of the Gibbs samples is dropped.
    """
    import myfm

    blocks = RelationBlocks(train)
    days = np.unique(train["timestamp"] // DAY) if day else np.array([])
    model = myfm.MyFMRegressor(rank=rank, random_seed=0)
    model.fit(
        one_hot(train["timestamp"] // DAY, days),
        train["rating"].to_numpy(),
        X_rel=blocks.of(train),
        n_iter=n_iter,
        n_kept_samples=n_iter * 3 // 4,
        group_shapes=[len(days), *blocks.group_shapes] if day else blocks.group_shapes,
    )
    return model.predict(one_hot(rows["timestamp"] // DAY, days), blocks.of(rows))


class RelationBlocks:
    """What myFM is given of users and of movies."""

    def __init__(self, train):
        self.users = np.unique(train["user_id"])
        self.movies = np.unique(train["movie_id"])
        by_user = one_hot(train["user_id"], self.users)
        by_movie = one_hot(train["movie_id"], self.movies)
        self.seen = (by_user.T @ by_movie > 0).astype(float).tocsr()
        self.genres = sorted(set("|".join(train["genre"].dropna()).split("|")))
        self.years = np.unique(train["movie_year"].dropna() // 5)
        n_users = len(self.users)
        n_movies = len(self.movies)
        content = [len(self.genres), len(self.years)]
        self.group_shapes = [n_users, n_movies, n_movies, n_users, *content]

    def of(self, rows):
        """Return a block of users and a block of movies for rows."""
        from myfm import RelationBlock

        users, user = np.unique(rows["user_id"], return_inverse=True)
        user_ids = one_hot(users, self.users)
        rated = by_root_of_count(user_ids @ self.seen)

        movies = rows.drop_duplicates("movie_id").sort_values("movie_id")
        movie = np.searchsorted(movies["movie_id"], rows["movie_id"])
        movie_ids = one_hot(movies["movie_id"], self.movies)
        rated_by = by_root_of_count(movie_ids @ self.seen.T)
        genres = movies["genre"].astype(object).fillna("").str.get_dummies("|")
        genres = genres.reindex(columns=self.genres, fill_value=0)
        content = [sparse.csr_matrix(genres.to_numpy(float))]
        content.append(one_hot(movies["movie_year"] // 5, self.years))
        return [
            RelationBlock(user, sparse.hstack([user_ids, rated]).tocsr()),
            RelationBlock(
                movie, sparse.hstack([movie_ids, rated_by, *content]).tocsr()
            ),
        ]


def one_hot(values, known):
    """Return a sparse table with a 1 where a value is one of the known ones."""
    column = pd.Index(known).get_indexer(values)
    is_known = column >= 0
    place = (np.flatnonzero(is_known), column[is_known])
    shape = (len(values), len(known))
    return sparse.csr_matrix((np.ones(is_known.sum()), place), shape)


def by_root_of_count(table):
    """Return a table of 0 and 1, each row divided by the root of its sum."""
    count = np.asarray(table.sum(axis=1)).ravel()
    return sparse.diags(1 / np.sqrt(np.maximum(count, 1))) @ table


def model_of_ids(train, rows):
    """Predict by our `MatrixFactorization`, which sees the two ids alone."""
    model = MatrixFactorization(content=False)
    return model.fit(train, train["rating"]).predict(rows)


MYFM = [{"rank": rank} for rank in (8, 12, 16)]
#: name: (library that must be installed, function, settings to choose from)
RATINGS = {
    "blend (ours)": ("", lesson, [{"model": "blend"}]),
    "factors (ours)": ("", lesson, [{"model": "factors"}]),
    "factors of ids alone (ours)": ("", model_of_ids, [{}]),
    "boosting (ours)": ("", lesson, [{"model": "boosting"}]),
    "linear (ours)": ("", lesson, [{"model": "linear"}]),
    "myFM without day": ("myfm", myfm, [it | {"day": False} for it in MYFM]),
    "myFM with day": ("myfm", myfm, [it | {"day": True} for it in MYFM]),
    "myFM without day, rank 16": ("myfm", myfm, [{"rank": 16, "day": False}]),
    "myFM with day, rank 16": ("myfm", myfm, [{"rank": 16, "day": True}]),
    "Surprise SVD": (
        "surprise",
        surprise,
        [
            {"model": "SVD", "random_state": 0},
            {
                "model": "SVD",
                "random_state": 0,
                "n_factors": 20,
                "reg_all": 0.06,
                "n_epochs": 40,
            },
            {
                "model": "SVD",
                "random_state": 0,
                "n_factors": 200,
                "reg_all": 0.1,
                "n_epochs": 80,
                "lr_all": 0.01,
            },
        ],
    ),
    "Surprise BaselineOnly": (
        "surprise",
        surprise,
        [
            {
                "model": "BaselineOnly",
                "verbose": False,
                "bsl_options": {"method": "als", "reg_u": reg_u, "reg_i": reg_i},
            }
            for reg_u, reg_i in ((5, 3), (10, 5), (15, 10))
        ],
    ),
    "LensKit BiasedMF": (
        "lenskit",
        lenskit,
        [
            {},
            {"embedding_size": 100, "regularization": 0.12},
        ],
    ),
    "Cornac MF": (
        "cornac",
        cornac,
        [
            {},
            {"k": 10, "lambda_reg": 0.1, "max_iter": 100},
            {"k": 100, "lambda_reg": 0.1, "max_iter": 100},
        ],
    ),
}
