"""What the tests share: a small table, models that are trained once, and the
real release where it is at hand.
"""

import copy
import functools
import os

# Boosting's threads wait for each other by spinning: where other work keeps a core
# busy, one of them is faster than two.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from repository import REAL
from sklearn.model_selection import KFold

import lesson_code
from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline


@pytest.fixture(scope="session")
def table():
    return MovieRecommendationDataset(
        n_users=100, n_movies=60, n_ratings=2000, random_state=3
    ).generate()


@pytest.fixture(scope="session")
def trained(table):
    """A function: a wrapper of a model's name, trained once on the rows of `split`."""

    @functools.cache
    def train(model):
        return SklearnEcosystemPipeline(model=model).fit(table[:1600])

    return lambda model: copy.deepcopy(train(model))


@pytest.fixture
def linear(trained):
    return trained("linear")


@pytest.fixture(scope="session")
def real_release():
    if not (REAL / "ratings.csv").exists():
        pytest.skip("no MovieLens release at hand: set MOVIELENS to its folder")
    return REAL


@pytest.fixture(scope="module")
def split(table):
    return table[:1600], table[1600:]


@pytest.fixture(scope="module")
def real(real_release):
    table = lesson_code.load_movielens(real_release)
    train, test = next(KFold(5, shuffle=True, random_state=0).split(table))
    return table, table.iloc[train], table.iloc[test]
