"""The lesson's estimators fit in scikit-learn's world: its settings, slices, diagrams,
tags, searches and storage.
"""

import importlib

import numpy as np
import pandas as pd
import pytest
import sklearn
from conftest import MODELS
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.inspection import permutation_importance
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_html_repr, get_tags
from sklearn.utils.validation import check_is_fitted

import lesson_code
from lesson_code import (
    FEATURES,
    MatrixFactorization,
    MovieRanker,
    RatingPipeline,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
    compare_models,
)

IDS = ["user_id", "movie_id"]


@pytest.fixture(scope="module", params=MODELS)
def fitted(request, table):
    return SklearnEcosystemPipeline(model=request.param).fit(table[:1600])


# ----- settings of the output


@pytest.mark.parametrize("output", ["pandas", "polars"])
@pytest.mark.parametrize("model", MODELS)
def test_a_setting_of_the_output_changes_no_prediction(table, tmp_path, model, output):
    if output == "polars":
        pytest.importorskip("polars")
    train, test = table[:1600], table[1600:]
    expected = SklearnEcosystemPipeline(model=model).fit(train).predict(test)
    with sklearn.config_context(transform_output=output):
        recommender = SklearnEcosystemPipeline(model=model)
        X, y, *_ = recommender.create_features(train)
        assert isinstance(X, pd.DataFrame)
        # they read genres, too, which engineered rows do not tell
        if model not in ("factors", "blend"):
            np.testing.assert_allclose(
                recommender.fit(X, y).predict(test), expected, rtol=0, atol=1e-12
            )
        recommender.train(train)
        np.testing.assert_allclose(
            recommender.predict(test), expected, rtol=0, atol=1e-12
        )
        path = recommender.save_pipeline(tmp_path / "model.pkl")
        assert len(recommender.recommend(1, n=3)) == 3
        recommender.evaluate(test)
    loaded = SklearnEcosystemPipeline.load_pipeline(path)
    np.testing.assert_allclose(loaded.predict(test), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_what_was_fitted_before_a_setting_predicts_under_it(fitted, table, output):
    if output == "polars":
        pytest.importorskip("polars")
    expected = fitted.predict(table[1600:])
    with sklearn.config_context(transform_output=output):
        np.testing.assert_allclose(
            fitted.predict(table[1600:]), expected, rtol=0, atol=1e-12
        )


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_a_comparison_of_the_models_works_under_a_setting(table, output):
    if output == "polars":
        polars = pytest.importorskip("polars")
        old = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9)
        if old and not hasattr(polars.DataFrame, "__dataframe__"):
            pytest.skip(
                "ColumnTransformer of scikit-learn before 1.9 "
                "takes no frames of polars 2"
            )
    expected = compare_models(table[:500])["RMSE"]
    with sklearn.config_context(transform_output=output):
        np.testing.assert_allclose(compare_models(table[:500])["RMSE"], expected)


@pytest.mark.parametrize("model", MODELS)
def test_metadata_routing_changes_nothing(table, tmp_path, model, monkeypatch):
    monkeypatch.setattr(lesson_code, "N_CANDIDATES", 1)
    train, test = table[:600], table[600:1000]

    def scores():
        recommender = SklearnEcosystemPipeline(model=model)
        recommender.train(train, tune_hyperparameters=True)
        metrics, _ = recommender.evaluate(test)
        ranking = recommender.evaluate_ranking(test)
        loaded = recommender.load_pipeline(recommender.save_pipeline(tmp_path / "x"))
        assert len(loaded.recommend(1, n=3)) == 3
        cross_validated = cross_val_score(
            recommender.build_pipeline(), train, train["rating"], cv=2, params={}
        )
        return [
            *recommender.cv_scores,
            *cross_validated,
            *metrics.values(),
            *ranking.values(),
        ]

    expected = scores()
    with sklearn.config_context(enable_metadata_routing=True):
        np.testing.assert_allclose(scores(), expected)


def test_models_are_compared_while_metadata_is_routed(table):
    expected = compare_models(table[:500])["RMSE"]
    with sklearn.config_context(enable_metadata_routing=True):
        np.testing.assert_allclose(compare_models(table[:500])["RMSE"], expected)


def test_set_output_of_a_pipeline_breaks_nothing(table):
    pipeline = SklearnEcosystemPipeline(
        select=SelectKBest(f_regression, k=5)
    ).build_pipeline()
    expected = clone(pipeline).fit(table[:1600]).predict(table[1600:])
    framed = pipeline.set_output(transform="pandas").fit(table[:1600])
    np.testing.assert_allclose(framed.predict(table[1600:]), expected)
    assert isinstance(framed[:-1].transform(table[1600:]), pd.DataFrame)


# ----- slices


@pytest.mark.parametrize("fit", [False, True], ids=["unfitted", "fitted"])
def test_a_slice_is_a_plain_pipeline_and_fitted_if_the_whole_is(table, fit):
    pipeline = SklearnEcosystemPipeline().build_pipeline()
    if fit:
        pipeline.fit(table[:1600])
    for part in (pipeline[1:], pipeline[:-1], pipeline[:2]):
        assert type(part) is Pipeline
        if fit:
            check_is_fitted(part)
        else:
            with pytest.raises(sklearn.exceptions.NotFittedError):
                check_is_fitted(part)
    assert pipeline[-1] is pipeline["model"]
    assert pipeline[0] is pipeline.named_steps["features"]


def test_features_and_the_rest_of_a_pipeline_make_the_whole(fitted, table):
    pipeline = fitted.pipeline
    test = table[1600:]
    rest = pipeline[1:].predict(pipeline[0].transform(test))
    clipped = np.clip(rest, pipeline.y_min_, pipeline.y_max_)
    np.testing.assert_allclose(clipped, pipeline.predict(test), rtol=0, atol=1e-12)


def test_permutation_importance_tells_which_of_the_13_features_help(table):
    pipeline = SklearnEcosystemPipeline().fit(table[:1600]).pipeline
    X = pipeline[0].transform(table[1600:])
    found = permutation_importance(
        pipeline[1:], X, table["rating"][1600:], n_repeats=5, random_state=0
    )
    importance = dict(zip(X, found.importances_mean))
    assert list(importance) == FEATURES
    # dropped before the model
    assert importance["user_id"] == importance["movie_id"] == 0
    best = max(importance, key=importance.get)
    assert best in ("user_avg_rating", "movie_avg_rating", "user_movie_interaction")
    assert importance[best] > 0.02


# ----- adding a feature, and searching


def test_a_feature_union_adds_a_feature_beside_ours(table):
    """The one place of a 14th feature, as the README shows it: the models
    know of no other.
    """
    genre_length = FunctionTransformer(
        lambda X: X["genre"].str.len().to_frame("genre_length")
    )
    pipeline = SklearnEcosystemPipeline(model="linear").build_pipeline()
    pipeline.set_params(
        features=FeatureUnion(
            [("ours", clone(pipeline["features"])), ("length", genre_length)]
        )
    )
    pipeline.fit(table[:1600])
    assert pipeline["model"].n_features_in_ == len(FEATURES) - 2 + 1
    assert pipeline.score(table[1600:], table["rating"][1600:]) > 0.1


def test_nested_parameters_of_a_named_model_belong_to_build_pipeline(table):
    grid = {"model__min_samples_leaf": [5, 50]}
    with pytest.raises(
        ValueError, match=r"'model__min_samples_leaf' .*build_pipeline\(\)"
    ) as caught:
        GridSearchCV(SklearnEcosystemPipeline(), grid, cv=3).fit(table, table["rating"])
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"build_pipeline\(\)"):
        SklearnEcosystemPipeline(model=Ridge()).set_params(
            model="forest", model__min_samples_leaf=5
        )
    search = GridSearchCV(
        SklearnEcosystemPipeline().build_pipeline(), grid, cv=3, error_score="raise"
    )
    assert search.fit(table, table["rating"]).best_params_ in (
        {"model__min_samples_leaf": n} for n in (5, 50)
    )


def test_nested_parameters_of_a_regressor_of_ones_own_can_be_set_together_with_it():
    recommender = SklearnEcosystemPipeline().set_params(model=Ridge(), model__alpha=3.0)
    assert recommender.model.alpha == 3.0
    with pytest.raises(ValueError, match="Invalid parameter 'beta'"):
        recommender.set_params(model__beta=1)
    with pytest.raises(ValueError, match="Invalid parameter 'colour'"):
        recommender.set_params(colour="red")


@pytest.mark.parametrize(
    "estimator",
    [RatingPipeline, SklearnEcosystemPipeline],
    ids=lambda cls: cls.__name__,
)
def test_score_wants_the_ratings_as_any_regressor_does(table, estimator):
    fitted = SklearnEcosystemPipeline(model="linear").fit(table[:1600])
    fitted = fitted.pipeline if estimator is RatingPipeline else fitted
    assert isinstance(fitted, estimator)
    with pytest.raises(TypeError, match="y"):
        fitted.score(table[1600:])
    assert fitted.score(table[1600:], table["rating"][1600:]) > 0


def test_predictions_can_be_cross_validated_by_scikit_learn_itself(table):
    rows = table.sample(frac=1, random_state=0)  # an index in no order
    pipeline = SklearnEcosystemPipeline(model="linear").build_pipeline()
    wrapper = SklearnEcosystemPipeline(model="linear")
    found = [
        cross_val_predict(estimator, rows, rows["rating"], cv=3)
        for estimator in (pipeline, wrapper)
    ]
    np.testing.assert_allclose(*found, rtol=0, atol=1e-12)


# ----- diagrams and tags


@pytest.mark.parametrize("fit", [False, True], ids=["unfitted", "fitted"])
@pytest.mark.parametrize("model", MODELS)
def test_the_html_diagram_shows_all_steps(table, model, fit):
    wrapper = SklearnEcosystemPipeline(
        model=model,
        select=None if model == "factors" else SelectKBest(f_regression, k=8),
    )
    if fit:
        wrapper.fit(table[:800])
    steps = [
        step for _, step in wrapper.build_pipeline().steps if step != "passthrough"
    ]
    for shown in (
        estimator_html_repr(wrapper),
        wrapper._repr_html_(),
        wrapper._repr_mimebundle_()["text/html"],
    ):
        assert [
            type(step).__name__ for step in steps if type(step).__name__ not in shown
        ] == []


TAGGED = {
    "transformer": UserMovieFeatureTransformer(),
    "factors": MatrixFactorization(),
    "ranker": MovieRanker(),
    "wrapper": SklearnEcosystemPipeline(),
    "wrapper of a regressor": SklearnEcosystemPipeline(model=Ridge()),
    **{
        f"pipeline {model}": SklearnEcosystemPipeline(model=model).build_pipeline()
        for model in MODELS
    },
}


@pytest.mark.parametrize("name", TAGGED)
def test_tags_tell_what_is_true(name):
    """Tables with named columns, text and gaps among them; ratings may be
    one of the columns.
    """
    tags = get_tags(TAGGED[name])
    assert not tags.input_tags.two_d_array
    assert not tags.input_tags.sparse
    assert tags.input_tags.string
    assert tags.input_tags.allow_nan
    assert not tags.target_tags.required
    regresses = name not in ("transformer", "ranker")
    assert is_regressor(TAGGED[name]) == (tags.regressor_tags is not None) == regresses
    assert (tags.transformer_tags is not None) == (
        name in ("transformer", "factors", "pipeline factors", "pipeline blend")
    )


@pytest.mark.parametrize("name", TAGGED)
def test_an_estimator_can_be_cloned_and_printed(name):
    copy = clone(TAGGED[name])
    assert repr(copy) == repr(TAGGED[name])
    assert not hasattr(copy, "n_features_in_")


# ----- polars, and what is kept


@pytest.mark.parametrize(
    "call",
    [
        "fit",
        "predict",
        "create_features",
        "ranker",
        "factors",
        "recommend_new",
        "compare",
    ],
)
def test_a_polars_frame_gets_one_sentence_that_names_to_pandas(fitted, table, call):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({name: table[name].to_list() for name in table})
    run = {
        "fit": lambda: SklearnEcosystemPipeline().fit(frame),
        "predict": lambda: fitted.predict(frame),
        "create_features": lambda: fitted.create_features(frame),
        "ranker": lambda: MovieRanker().fit(frame),
        "factors": lambda: MatrixFactorization().fit_transform(frame),
        "recommend_new": lambda: fitted.ranker_.recommend_new(frame),
        "compare": lambda: compare_models(frame),
    }[call]
    with pytest.raises(
        TypeError, match=r"got DataFrame of polars.*\.to_pandas\(\)"
    ) as caught:
        run()
    assert "\n" not in str(caught.value)


def walk(value, path="", seen=None):
    """Everything that can be reached from an object through attributes, items and
    elements: path and value.
    """
    seen = set() if seen is None else seen
    if id(value) in seen or isinstance(
        value, (str, bytes, int, float, type(None), type)
    ):
        return
    seen.add(id(value))
    yield path, value
    inside = {}
    if isinstance(value, dict):
        inside = {f"[{key!r}]": item for key, item in value.items()} | {
            f"key {key!r}": key for key in value
        }
    elif isinstance(value, (list, tuple, set)):
        inside = {f"[{place}]": item for place, item in enumerate(value)}
    elif isinstance(value, np.ndarray):
        inside = (
            {f"[{place}]": item for place, item in enumerate(value.ravel())}
            if value.dtype == object
            else {}
        )
    elif hasattr(value, "__dict__") and not type(value).__module__.startswith("pandas"):
        inside = {f".{name}": item for name, item in vars(value).items()}
    for name, item in inside.items():
        yield from walk(item, path + name, seen)


def test_nothing_that_is_learned_holds_a_pandas_object(fitted, table):
    """An artifact must load where pandas differs."""
    wrapper = clone(fitted)
    wrapper.train(table.assign(title="Movie " + table["movie_id"].astype(str))[:1600])
    wrapper.evaluate(table[1600:])
    wrapper.evaluate_ranking(table[1600:])
    wrapper.recommend(1)
    reached = list(walk(wrapper))
    assert len(reached) > 40
    assert any(isinstance(value, MovieRanker) for _, value in reached)
    assert [
        path
        for path, value in reached
        if type(value).__module__.split(".")[0] in ("pandas", "pyarrow", "polars")
    ] == []


def test_the_walk_finds_a_pandas_object_that_hides():
    hidden = Ridge()
    hidden.learned_ = {
        "a": (np.array([[pd.Timestamp(0)]], dtype=object), [pd.Index([1])])
    }
    found = {path: type(value) for path, value in walk(hidden)}
    assert found[".learned_['a'][0][0]"] is pd.Timestamp
    assert issubclass(found[".learned_['a'][1][0]"], pd.Index)


def test_ids_that_are_learned_are_sorted_arrays(fitted, table):
    for name in IDS:
        ids = getattr(
            fitted.ranker_, {"user_id": "users_", "movie_id": "movies_"}[name]
        )
        assert isinstance(ids, np.ndarray)
        assert ids.tolist() == sorted(set(table[name][:1600]))


PACKAGES = ("lesson_code", "recommender", "sklearn", "numpy", "scipy")


def test_skops_stores_a_pipeline_and_trusts_all_but_the_lessons_classes(fitted, table):
    skops = pytest.importorskip("skops.io")
    data = skops.dumps(fitted)
    untrusted = skops.get_untrusted_types(data=data)
    strangers = [name for name in untrusted if name.split(".")[0] not in PACKAGES]
    assert strangers == []
    loaded = skops.loads(data, trusted=untrusted)
    np.testing.assert_array_equal(loaded.predict(table), fitted.predict(table))


def test_every_estimator_of_the_module_can_be_made_with_its_defaults():
    module = importlib.import_module("lesson_code")
    for name in module.__all__:
        estimator = getattr(module, name)
        if (
            isinstance(estimator, type)
            and issubclass(estimator, BaseEstimator)
            and estimator is not RatingPipeline
        ):
            assert clone(estimator()).get_params() == estimator().get_params()


def test_the_transformer_stands_in_any_pipeline(table):
    pipeline = make_pipeline(UserMovieFeatureTransformer(), Ridge()).fit(
        table[:1600], table["rating"][:1600]
    )
    assert pipeline.score(table[1600:], table["rating"][1600:]) > 0.1


def test_the_names_of_what_a_model_reads_come_out_of_the_steps_before_it(fitted):
    model = fitted.get_params()["model"]
    if model == "factors":
        pytest.skip("it reads raw rows, whatever their columns")
    names = list(fitted.pipeline[:-1].get_feature_names_out())
    expected = [name for name in FEATURES if name not in IDS]
    assert names == [
        *expected,
        *(["factor_rating"] if model == "blend" else []),
    ]


def test_a_union_in_which_our_features_do_not_come_first_is_refused(table):
    """The ids are dropped by position: a feature in their place would be
    dropped in silence.
    """
    ours = UserMovieFeatureTransformer()
    year = FunctionTransformer(lambda X: X[["movie_year"]].to_numpy())
    pipeline = SklearnEcosystemPipeline(model="linear").build_pipeline()
    pipeline.set_params(features=FeatureUnion([("year", year), ("ours", ours)]))
    with pytest.raises(
        ValueError,
        match="must begin with the ids: put UserMovieFeatureTransformer first",
    ):
        pipeline.fit(table)
    pipeline.set_params(features=FeatureUnion([("ours", ours), ("year", year)]))
    assert pipeline.fit(table).predict(table).shape == (len(table),)


def test_a_relevance_that_is_no_number_is_named(table):
    recommender = SklearnEcosystemPipeline(model="linear").fit(table[:1600])
    with pytest.raises(ValueError, match="relevant_from must be a number"):
        recommender.evaluate_ranking(table[1600:], relevant_from="x")
