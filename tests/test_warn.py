"""A warning points to the line that uses the lesson, whatever stands between."""

from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV, cross_val_score

from lesson_code import SklearnEcosystemPipeline


@pytest.fixture(scope="module")
def twice(table):
    """A table in which some pairs are rated twice: to train on it gives a warning."""
    return pd.concat([table[:300], table[:300]], ignore_index=True)


def fit(pipeline, rows):
    pipeline.fit(rows, rows["rating"])


def search(pipeline, rows):
    GridSearchCV(pipeline, {"model__alpha": [1.0, 10.0]}, cv=2).fit(
        rows, rows["rating"]
    )


def cross_validate(pipeline, rows):
    with parallel_config("sequential"):
        cross_val_score(pipeline, rows, rows["rating"], cv=3)


def fit_in_a_thread(pipeline, rows):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(fit, pipeline, rows).result()


@pytest.mark.parametrize("call", [fit, search, cross_validate, fit_in_a_thread])
def test_a_warning_points_to_the_line_outside_of_the_lesson_and_of_scikit_learn(
    twice, call
):
    pipeline = SklearnEcosystemPipeline(model="linear").build_pipeline()
    with pytest.warns(UserWarning, match="older ratings") as caught:
        call(pipeline, twice)
    assert {warning.filename for warning in caught} == {__file__}


def test_a_thread_of_a_library_gets_the_warning_too(twice):
    pipeline = SklearnEcosystemPipeline(model="linear").build_pipeline()
    with (
        pytest.warns(UserWarning, match="older ratings"),
        ThreadPoolExecutor(1) as pool,
    ):
        pool.submit(pipeline.fit, twice, twice["rating"]).result()
