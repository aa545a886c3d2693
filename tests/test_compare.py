"""compare_models: every model on the same folds."""

import numpy as np
import pytest
from recommending import IDS
from repository import MODELS
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import KFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder

import lesson_code
from lesson_code import SklearnEcosystemPipeline, compare_models


@pytest.fixture(scope="module")
def compared(table):
    return compare_models(table)


FOLDS = [f"RMSE_{fold}" for fold in range(1, 6)]


def test_compare_models_tells_mean_and_spread_of_every_model(table, compared):
    found = compared
    assert list(found.index) == ["mean", "two lines", *MODELS]
    figures = ["RMSE", "MAE", "R2", "fit_s", "predict_s"]
    spreads = [f"{figure}_std" for figure in figures]
    expected = [*figures, *spreads, *FOLDS, "to_best", "to_best_se"]
    assert list(found.columns) == expected
    assert (found.drop(index="mean")["RMSE"] < found.loc["mean", "RMSE"]).all()
    assert found.notna().all(axis=None)
    recommender = SklearnEcosystemPipeline(model="linear")
    recommender.train(table)
    scores = recommender.cv_scores
    linear = found.loc["linear", ["RMSE", "RMSE_std", *FOLDS]].tolist()
    assert linear == pytest.approx([scores.mean(), scores.std(), *scores])
    best = found["RMSE"].idxmin()
    differences = (found[FOLDS] - found.loc[best, FOLDS]).to_numpy(dtype=float)
    expected = differences.std(axis=1, ddof=1) / np.sqrt(5)
    np.testing.assert_allclose(found["to_best"], differences.mean(axis=1), atol=1e-12)
    np.testing.assert_allclose(found["to_best_se"], expected, atol=1e-12)


def test_the_baseline_of_two_lines_is_the_two_lines_that_the_lesson_shows(
    table, compared
):
    folds = KFold(5, shuffle=True, random_state=42)
    since_1_9 = TargetEncoder().shuffle == "deprecated"
    how = {"cv": folds} if since_1_9 else {"random_state": 42}
    errors = -cross_val_score(
        make_pipeline(TargetEncoder(target_type="continuous", **how), Ridge()),
        table[IDS],
        table["rating"],
        cv=folds,
        scoring="neg_root_mean_squared_error",
    )
    assert compared.loc["two lines", FOLDS].tolist() == pytest.approx(errors.tolist())


@pytest.fixture
def linear_alone(monkeypatch):
    monkeypatch.setattr(lesson_code, "MODELS", {"linear": lesson_code.MODELS["linear"]})


def test_compare_models_takes_engineered_rows_as_train_does(
    table, compared, linear_alone
):
    X, y, *_ = SklearnEcosystemPipeline().create_features(table)
    found = compare_models(X, y)["RMSE"]
    np.testing.assert_allclose(found, compared["RMSE"][found.index])


def test_compare_models_prints_every_model_as_it_is_done(table, capsys, linear_alone):
    found = compare_models(table)
    assert capsys.readouterr().out == ""
    compare_models(table, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert list(found.index) == ["mean", "two lines", "linear"]
    for line, (name, rmse) in zip(lines, found["RMSE"].items(), strict=True):
        assert name in line and f"{rmse:.4f}" in line


def test_compare_models_measures_on_the_ratings_and_with_the_seed_it_is_given(
    table, linear_alone
):
    y = 6 - table["rating"].to_numpy()
    found = compare_models(table, y, random_state=7).loc["linear"]
    folds = list(KFold(5, shuffle=True, random_state=7).split(table))
    predictions = cross_val_predict(
        SklearnEcosystemPipeline(model="linear", random_state=7).build_pipeline(),
        table,
        y,
        cv=folds,
    )
    errors = [mean_absolute_error(y[rows], predictions[rows]) for _, rows in folds]
    assert found["MAE"] == pytest.approx(np.mean(errors))
    assert found["MAE_std"] == pytest.approx(np.std(errors))


def test_compare_models_tells_which_time_is_that_of_the_fit(table, monkeypatch):
    scores = {"test_RMSE": -np.ones(5), "test_MAE": -np.ones(5), "test_R2": np.ones(5)}
    answer = scores | {"fit_time": np.full(5, 2.0), "score_time": np.full(5, 3.0)}
    monkeypatch.setattr(lesson_code, "cross_validate", lambda *_, **__: answer)
    assert compare_models(table)[["fit_s", "predict_s"]].iloc[0].tolist() == [2.0, 3.0]
