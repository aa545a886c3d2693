"""compare_models: every model on the same folds."""

import warnings

import numpy as np
import pytest
from recommending import IDS
from sklearn.linear_model import Ridge
from sklearn.metrics import (
    mean_absolute_error,
)
from sklearn.model_selection import (
    KFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder

import lesson_code
from lesson_code import (
    SklearnEcosystemPipeline,
    compare_models,
)


@pytest.fixture(scope="module")
def compared(table):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return compare_models(table)


def test_compare_models_tells_mean_and_spread_of_every_model(table, compared):
    found = compared
    assert list(found.index) == [
        "mean",
        "two lines",
        "forest",
        "boosting",
        "linear",
        "factors",
        "blend",
    ]
    figures = ["RMSE", "MAE", "R2", "fit_s", "predict_s"]
    assert list(found.columns) == [
        *figures,
        *(f"{figure}_std" for figure in figures),
        *(f"RMSE_{fold}" for fold in range(1, 6)),
        "to_best",
        "to_best_se",
    ]
    assert (found.drop(index="mean")["RMSE"] < found.loc["mean", "RMSE"]).all()
    assert found.notna().all().all()
    wrapper = SklearnEcosystemPipeline(model="linear")
    wrapper.train(table)
    assert found.loc["linear", "RMSE"] == pytest.approx(wrapper.cv_scores.mean())
    assert found.loc["linear", "RMSE_std"] == pytest.approx(wrapper.cv_scores.std())
    folds = [f"RMSE_{fold}" for fold in range(1, 6)]
    assert found.loc["linear", folds].tolist() == pytest.approx(
        wrapper.cv_scores.tolist()
    )
    best = found["RMSE"].idxmin()
    for model in found.index:
        differences = found.loc[model, folds] - found.loc[best, folds]
        differences = differences.to_numpy(dtype=float)
        assert found.loc[model, "to_best"] == pytest.approx(
            differences.mean(), abs=1e-12
        )
        assert found.loc[model, "to_best_se"] == pytest.approx(
            differences.std(ddof=1) / np.sqrt(5), abs=1e-12
        )
    assert found.loc[best, ["to_best", "to_best_se"]].tolist() == [0, 0]


def test_the_baseline_of_two_lines_is_the_two_lines_that_the_lesson_shows(
    table, compared
):
    folds = KFold(5, shuffle=True, random_state=42)
    since_1_9 = TargetEncoder().shuffle == "deprecated"
    encoder = TargetEncoder(
        target_type="continuous",
        **({"cv": folds} if since_1_9 else {"random_state": 42}),
    )
    errors = -cross_val_score(
        make_pipeline(encoder, Ridge()),
        table[IDS],
        table["rating"],
        cv=folds,
        scoring="neg_root_mean_squared_error",
    )
    found = compared.loc["two lines", [f"RMSE_{fold}" for fold in range(1, 6)]]
    assert found.tolist() == pytest.approx(errors.tolist())


def test_compare_models_takes_engineered_rows_as_train_does(table, compared):
    X, y, *_ = SklearnEcosystemPipeline().create_features(table)
    found = compare_models(X, y)["RMSE"]
    expected = compared["RMSE"].copy()
    tells_no_genre = ["factors", "blend"]
    np.testing.assert_allclose(
        found.drop(tells_no_genre), expected.drop(tells_no_genre)
    )
    assert (found[tells_no_genre] - expected[tells_no_genre]).abs().max() < 0.03


def test_compare_models_prints_every_model_as_it_is_done(table, capsys, monkeypatch):
    monkeypatch.setattr(
        lesson_code,
        "MODELS",
        {name: lesson_code.MODELS[name] for name in ("forest", "linear")},
    )
    found = compare_models(table)
    assert capsys.readouterr().out == ""
    compare_models(table, verbose=True)
    expected = [f"  {name}: RMSE {rmse:.4f}" for name, rmse in found["RMSE"].items()]
    assert capsys.readouterr().out.splitlines() == expected
    assert list(found.index) == ["mean", "two lines", "forest", "linear"]


def test_compare_models_measures_on_the_ratings_and_with_the_seed_it_is_given(
    table, monkeypatch
):
    monkeypatch.setattr(
        lesson_code,
        "MODELS",
        {name: lesson_code.MODELS[name] for name in ("forest", "linear")},
    )
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
