"""All parallel work goes through joblib: a Dask cluster takes it over without a change,
with the same figures.
"""

import joblib
import numpy as np
import pytest
from sklearn.model_selection import KFold, cross_validate

import lesson_code
from lesson_code import SklearnEcosystemPipeline

distributed = pytest.importorskip(
    "distributed", reason="no Dask at hand: pip install distributed, to test a cluster"
)


@pytest.fixture(scope="module")
def client():
    """Two worker processes on this machine: what is sent to them is
    pickled, as on any cluster.
    """
    workers = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    )
    with workers, distributed.Client(workers) as client:
        yield client


@pytest.mark.parametrize("model", ["forest", "blend"])
def test_training_on_a_cluster_gives_the_same_figures(client, table, model):
    here = SklearnEcosystemPipeline(model=model)
    there = SklearnEcosystemPipeline(model=model)
    here.train(table[:800])
    with joblib.parallel_config("dask"):
        there.train(table[:800])
    # a forest adds up its trees in the order in which threads finish: the last digit
    # may differ
    np.testing.assert_allclose(there.cv_scores, here.cv_scores, rtol=1e-12)
    np.testing.assert_allclose(there.predict(table), here.predict(table), rtol=1e-12)


def test_searches_on_a_cluster_choose_the_same(client, table, monkeypatch):
    monkeypatch.setattr(lesson_code, "N_CANDIDATES", 3)
    here = SklearnEcosystemPipeline(model="linear")
    there = SklearnEcosystemPipeline(model="linear")
    here.train(table, perform_cv=False, tune_hyperparameters=True)
    with joblib.parallel_config("dask"):
        there.train(table, perform_cv=False, tune_hyperparameters=True)
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
