"""All parallel work goes through joblib: a Dask cluster takes it over without a change,
with the same figures.
"""

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import KFold, cross_validate

import lesson_code
from lesson_code import SklearnEcosystemPipeline
from recommender.forest import QuickRandomForest

distributed = pytest.importorskip(
    "distributed", reason="no Dask at hand: pip install distributed, to test a cluster"
)


@pytest.fixture(scope="module")
def client():
    """Two processes on this machine: what they are sent is pickled, as on a cluster."""
    workers = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    )
    with workers, distributed.Client(workers) as client:
        yield client


def train_here_and_there(recommender, *args, **how):
    """Train two copies of a recommender, the second one on the cluster."""
    here, there = clone(recommender), clone(recommender)
    here.train(*args, **how)
    with joblib.parallel_config("dask"):
        there.train(*args, **how)
    return here, there


# Few trees: each is a task, and takes longer to send than to grow.
MODELS = {"few trees": QuickRandomForest(5, random_state=0), "blend": "blend"}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_training_on_a_cluster_gives_the_same_figures(client, table, model):
    recommender = SklearnEcosystemPipeline(model=model)
    here, there = train_here_and_there(recommender, table[:300])
    # a forest adds up its trees in the order in which threads finish: the last digit
    # may differ
    np.testing.assert_allclose(there.cv_scores, here.cv_scores, rtol=1e-12)
    np.testing.assert_allclose(there.predict(table), here.predict(table), rtol=1e-12)


def test_searches_on_a_cluster_choose_the_same(client, table, monkeypatch):
    monkeypatch.setattr(lesson_code, "N_CANDIDATES", 3)
    how = {"perform_cv": False, "tune_hyperparameters": True}
    recommender = SklearnEcosystemPipeline(model="linear")
    here, there = train_here_and_there(recommender, table, **how)
    assert there.best_params == here.best_params


def test_the_table_is_sent_once_for_all_folds(client, table, monkeypatch):
    sent = []
    plain = distributed.Client.scatter

    def scatter(self, data, *args, **kwargs):
        sent.append(data)
        return plain(self, data, *args, **kwargs)

    monkeypatch.setattr(distributed.Client, "scatter", scatter)
    with joblib.parallel_config("dask"):
        cross_validate(
            SklearnEcosystemPipeline(model="linear").build_pipeline(),
            table,
            table["rating"],
            cv=KFold(3),
        )
    assert sum(data is table for data in sent) == 1
