"""The estimators keep to scikit-learn's settings, slices, tags and searches."""

import pickle
import pickletools

import numpy as np
import pandas as pd
import pytest
import sklearn
from recommending import IDS
from sklearn.base import clone, is_regressor
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_html_repr, get_tags
from sklearn.utils.validation import check_is_fitted

import lesson_code
from lesson_code import (
    FEATURES,
    MatrixFactorization,
    MovieRanker,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
    compare_models,
)

SETTINGS = {
    "pandas": {"transform_output": "pandas"},
    "polars": {"transform_output": "polars"},
    "routing": {"enable_metadata_routing": True},
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("model", ["linear", "factors", "blend"])
def test_a_setting_of_scikit_learn_changes_no_answer(
    trained, split, tmp_path, model, setting
):
    if setting == "polars":
        pytest.importorskip("polars")
    train, test = split
    before = trained(model)
    expected = before.predict(test)
    metrics = before.evaluate(test)[0] | before.evaluate_ranking(test)
    with sklearn.config_context(**SETTINGS[setting]):
        recommender = SklearnEcosystemPipeline(model=model).fit(train)
        path = recommender.save_pipeline(tmp_path / "model.pkl")
        loaded = SklearnEcosystemPipeline.load_pipeline(path)
        told = recommender.evaluate(test)[0] | recommender.evaluate_ranking(test)
        found = [fitted.predict(test) for fitted in (before, recommender, loaded)]
    assert told == pytest.approx(metrics)
    for stars in found:
        assert isinstance(stars, np.ndarray)
        np.testing.assert_allclose(stars, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("setting", SETTINGS)
def test_under_a_setting_of_scikit_learn_every_way_to_train_works(
    table, setting, monkeypatch
):
    if setting == "polars":
        pytest.importorskip("polars")
    monkeypatch.setattr(lesson_code, "N_CANDIDATES", 1)
    train = table[:500]
    with sklearn.config_context(**SETTINGS[setting]):
        recommender = SklearnEcosystemPipeline(model="linear")
        X, y, *_ = recommender.create_features(train)
        assert isinstance(X, pd.DataFrame)
        engineered = SklearnEcosystemPipeline(model="linear").fit(X, y)
        recommender.train(train, tune_hyperparameters=True)
        params = {"params": {}} if setting == "routing" else {}
        pipeline = recommender.build_pipeline()
        cross_val_score(pipeline, train, train["rating"], cv=2, **params)
        found = engineered.predict(train)
    expected = SklearnEcosystemPipeline(model="linear").fit(train).predict(train)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_changes_no_comparison_of_models(table, setting, monkeypatch):
    if setting == "polars":
        polars = pytest.importorskip("polars")
        old = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9)
        if old and not hasattr(polars.DataFrame, "__dataframe__"):
            pytest.skip("ColumnTransformer before 1.9 takes no frames of polars 2")
    models = {name: lesson_code.MODELS[name] for name in ("linear", "factors")}
    monkeypatch.setattr(lesson_code, "MODELS", models)
    expected = compare_models(table[:300])["RMSE"]
    with sklearn.config_context(**SETTINGS[setting]):
        np.testing.assert_allclose(compare_models(table[:300])["RMSE"], expected)


def test_set_output_of_a_pipeline_breaks_nothing(table):
    select = SelectKBest(f_regression, k=5)
    pipeline = SklearnEcosystemPipeline(model="linear", select=select).build_pipeline()
    expected = clone(pipeline).fit(table[:1600]).predict(table[1600:])
    framed = pipeline.set_output(transform="pandas").fit(table[:1600])
    np.testing.assert_allclose(framed.predict(table[1600:]), expected)
    assert isinstance(framed[:-1].transform(table[1600:]), pd.DataFrame)


def test_a_slice_is_a_plain_pipeline_and_fitted_if_the_whole_is(linear):
    for pipeline in (linear.pipeline, linear.build_pipeline()):
        for part in (pipeline[1:], pipeline[:-1], pipeline[:2]):
            assert type(part) is Pipeline
            if pipeline is linear.pipeline:
                check_is_fitted(part)
            else:
                with pytest.raises(sklearn.exceptions.NotFittedError):
                    check_is_fitted(part)
        assert pipeline[-1] is pipeline["model"]
        assert pipeline[0] is pipeline.named_steps["features"]


def test_features_and_the_rest_of_a_pipeline_make_the_whole(linear, table):
    pipeline = linear.pipeline
    test = table[1600:]
    rest = pipeline[1:].predict(pipeline[0].transform(test))
    clipped = np.clip(rest, pipeline.y_min_, pipeline.y_max_)
    np.testing.assert_allclose(clipped, pipeline.predict(test), rtol=0, atol=1e-12)


def test_nested_parameters_of_a_named_model_belong_to_build_pipeline(table):
    wrapper = SklearnEcosystemPipeline(model="linear")
    grid = {"model__alpha": [5, 50]}
    with pytest.raises(ValueError, match=r"'model__alpha' .*build_pipeline\(\)"):
        GridSearchCV(wrapper, grid, cv=3).fit(table, table["rating"])
    search = GridSearchCV(wrapper.build_pipeline(), grid, cv=3, error_score="raise")
    search.fit(table, table["rating"])
    assert search.best_params_["model__alpha"] in grid["model__alpha"]


def test_nested_parameters_of_a_regressor_of_ones_own_can_be_set_together_with_it():
    recommender = SklearnEcosystemPipeline().set_params(model=Ridge(), model__alpha=3.0)
    assert recommender.model.alpha == 3.0
    with pytest.raises(ValueError, match="beta"):
        recommender.set_params(model__beta=1)
    with pytest.raises(ValueError, match="colour"):
        recommender.set_params(colour="red")
    with pytest.raises(ValueError, match=r"build_pipeline\(\)"):
        recommender.set_params(model="forest", model__alpha=5)


@pytest.mark.parametrize("fit", [False, True], ids=["unfitted", "fitted"])
def test_the_html_diagram_shows_all_steps(table, fit):
    select = SelectKBest(f_regression, k=8)
    wrapper = SklearnEcosystemPipeline(model="blend", select=select)
    if fit:
        wrapper.fit(table[:800])
    steps = {type(step).__name__ for _, step in wrapper.build_pipeline().steps}
    for shown in (
        estimator_html_repr(wrapper),
        wrapper._repr_html_(),
        wrapper._repr_mimebundle_()["text/html"],
    ):
        assert {step for step in steps if step not in shown} == set()


@pytest.mark.parametrize("call", ["fit", "predict", "ranker", "compare"])
def test_a_polars_frame_gets_one_sentence_that_names_to_pandas(linear, table, call):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({name: table[name].to_list() for name in table})
    run = {
        "fit": linear.fit,
        "predict": linear.predict,
        "ranker": MovieRanker().fit,
        "compare": compare_models,
    }[call]
    with pytest.raises(TypeError, match=r"polars.*\.to_pandas\(\)") as caught:
        run(frame)
    assert "\n" not in str(caught.value)


def packages_inside(estimator):
    """The packages of all classes and functions that a pickle of it names."""
    opcodes = pickletools.genops(pickle.dumps(estimator, protocol=2))
    names = [name for opcode, name, _ in opcodes if opcode.name == "GLOBAL"]
    return {name.split()[0].split(".")[0] for name in names}


@pytest.mark.parametrize("model", ["forest", "factors", "blend"])
def test_nothing_that_is_learned_holds_a_pandas_object(split, model):
    """An artifact must load where pandas differs."""
    train, test = split
    wrapper = SklearnEcosystemPipeline(model=model)
    wrapper.fit(train)
    wrapper.evaluate(test)
    wrapper.evaluate_ranking(test)
    wrapper.recommend(1)
    packages = packages_inside(wrapper)
    assert {"recommender", "numpy"} <= packages
    assert not packages & {"pandas", "pyarrow", "polars"}
    wrapper.hidden_ = {"a": [np.array([pd.Timestamp(0)], dtype=object)]}
    assert "pandas" in packages_inside(wrapper)


@pytest.mark.parametrize("model", ["linear", "blend"])
def test_the_names_of_what_a_model_reads_come_out_of_the_steps_before_it(
    trained, model
):
    pipeline = trained(model).pipeline
    names = pipeline[:-1].get_feature_names_out()
    expected = [name for name in FEATURES if name not in IDS]
    assert list(names) == expected + ["factor_rating"] * (model == "blend")
    assert pipeline[0].get_feature_names_out().dtype == object


TAGGED = {
    "transformer": UserMovieFeatureTransformer(),
    "factors": MatrixFactorization(),
    "ranker": MovieRanker(),
    "wrapper": SklearnEcosystemPipeline(),
    "wrapper of a regressor": SklearnEcosystemPipeline(model=Ridge()),
    **{
        f"pipeline {model}": SklearnEcosystemPipeline(model=model).build_pipeline()
        for model in ("linear", "factors", "blend")
    },
}


@pytest.mark.parametrize("name", TAGGED)
def test_tags_tell_what_is_true(name):
    """Tables with named columns, with text and gaps; ratings may be a column."""
    tags = get_tags(TAGGED[name])
    assert not tags.input_tags.two_d_array
    assert not tags.input_tags.sparse
    assert tags.input_tags.string
    assert tags.input_tags.allow_nan
    assert not tags.target_tags.required
    assert not tags.target_tags.multi_output
    regresses = name not in ("transformer", "ranker")
    assert is_regressor(TAGGED[name]) == (tags.regressor_tags is not None) == regresses
    assert (tags.transformer_tags is not None) == (
        name in ("transformer", "factors", "pipeline factors", "pipeline blend")
    )


def test_a_feature_union_adds_features_behind_ours(table):
    """The ids are dropped by position: what comes before them would be dropped."""
    parts = [
        ("year", FunctionTransformer(lambda X: X[["movie_year"]].to_numpy())),
        ("ours", UserMovieFeatureTransformer()),
    ]
    pipeline = SklearnEcosystemPipeline(model="linear").build_pipeline()
    pipeline.set_params(features=FeatureUnion(parts))
    with pytest.raises(ValueError, match="put UserMovieFeatureTransformer first"):
        pipeline.fit(table)
    pipeline.set_params(features=FeatureUnion(parts[::-1])).fit(table[:1600])
    assert pipeline["model"].n_features_in_ == len(FEATURES) - 2 + 1
    assert pipeline.score(table[1600:], table["rating"][1600:]) > 0.1
