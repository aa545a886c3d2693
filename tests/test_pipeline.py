"""The pipeline and its wrapper: what goes in, what comes out, and that it is a
scikit-learn regressor.
"""

import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from conftest import MODELS
from sklearn.base import clone, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import BayesianRidge, LinearRegression, Ridge
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_score,
    cross_validate,
)
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import FunctionTransformer, StandardScaler, TargetEncoder
from sklearn.utils import get_tags

import lesson_code
from lesson_code import (
    RatingPipeline,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
)
from recommender.steps import DropIds


@pytest.fixture(scope="module", params=MODELS)
def fitted(request, table):
    return SklearnEcosystemPipeline(model=request.param).fit(table[:1600])


def test_steps_are_features_scaler_and_the_regressor_itself():
    pipeline = SklearnEcosystemPipeline(
        select=SelectKBest(f_regression, k=8)
    ).build_pipeline()
    assert isinstance(pipeline, RatingPipeline)
    assert list(pipeline.named_steps) == [
        "features",
        "drop_ids",
        "scaler",
        "select",
        "model",
    ]
    assert isinstance(pipeline[0], UserMovieFeatureTransformer)
    assert isinstance(pipeline.named_steps["scaler"], StandardScaler)
    assert isinstance(pipeline.named_steps["model"], RandomForestRegressor)
    assert pipeline.named_steps["model"].n_estimators == 100


@pytest.mark.parametrize("model", MODELS)
def test_the_table_of_models_tells_the_steps_of_every_pipeline(model):
    recipe = lesson_code.MODELS[model]
    assert set(recipe) - {"raw"} == {"features", "scaling", "regressor", "search"}
    steps = SklearnEcosystemPipeline(model=model).build_pipeline().named_steps
    assert list(steps) == [
        "features",
        *(["drop_ids"] if model != "factors" else []),
        "scaler",
        "model",
    ]
    assert type(steps["features"]) is type(recipe["features"])
    assert type(steps["model"]) is type(recipe["regressor"])
    # a copy: whoever fits it leaves the table as it was
    assert steps["model"] is not recipe["regressor"]
    assert (steps["scaler"] == "passthrough") == (model == "factors")


def test_models_are_those_of_the_table_in_its_order():
    assert list(lesson_code.MODELS) == MODELS


def test_a_row_added_to_the_table_is_a_model(table, monkeypatch):
    row = lesson_code.MODELS["linear"] | {
        "regressor": KNeighborsRegressor(20),
        "search": {"model__n_neighbors": [5, 50]},
    }
    monkeypatch.setitem(lesson_code.MODELS, "neighbors", row)
    monkeypatch.setattr(lesson_code, "N_CANDIDATES", 2)
    recommender = SklearnEcosystemPipeline(model="neighbors")
    recommender.train(table, perform_cv=False, tune_hyperparameters=True)
    assert recommender.best_params == {"model__n_neighbors": 50}
    assert recommender.score(table, table["rating"]) > 0


@pytest.fixture
def neighbors():
    """A row of the user's own."""
    return lesson_code.MODELS["linear"] | {
        "regressor": KNeighborsRegressor(20),
        "search": {"model__n_neighbors": [5, 50]},
    }


@pytest.mark.parametrize("model", MODELS)
def test_a_row_itself_is_the_same_model_as_its_name(table, model):
    by_name = SklearnEcosystemPipeline(model=model).fit(table)
    by_row = SklearnEcosystemPipeline(model=lesson_code.MODELS[model]).fit(table)
    np.testing.assert_array_equal(by_row.predict(table), by_name.predict(table))


def test_a_row_itself_travels_to_other_processes(table, neighbors, monkeypatch):
    """What was added to MODELS is not there, and every fit would fail."""
    monkeypatch.setitem(lesson_code.MODELS, "neighbors", neighbors)
    wrapper = SklearnEcosystemPipeline(model=neighbors)
    with joblib.parallel_config("loky", n_jobs=2):
        found = cross_validate(wrapper, table, table["rating"], cv=2)
        with pytest.raises(ValueError, match="pass the dict itself"):
            cross_validate(
                SklearnEcosystemPipeline(model="neighbors"),
                table,
                table["rating"],
                cv=2,
                error_score="raise",
            )
    here = cross_validate(wrapper, table, table["rating"], cv=2, n_jobs=1)
    np.testing.assert_allclose(found["test_score"], here["test_score"])


def test_a_row_itself_can_be_cloned_searched_saved_and_compared(
    table, neighbors, monkeypatch, tmp_path
):
    wrapper = SklearnEcosystemPipeline(model=neighbors)
    assert wrapper.get_params()["model"] is neighbors
    copy = clone(wrapper)
    assert repr(copy) == repr(wrapper)
    monkeypatch.setattr(lesson_code, "N_CANDIDATES", 2)
    copy.train(table, perform_cv=False, tune_hyperparameters=True)
    assert copy.best_params == {"model__n_neighbors": 50}
    models = [neighbors, "linear"]
    search = GridSearchCV(wrapper, {"model": models}, cv=2, error_score="raise")
    assert search.fit(table, table["rating"]).best_params_["model"] in models
    with pytest.raises(ValueError, match=r"'model__alpha' on build_pipeline\(\)"):
        wrapper.set_params(model__alpha=1.0)
    loaded = SklearnEcosystemPipeline.load_pipeline(
        copy.save_pipeline(tmp_path / "x.pkl")
    )
    assert loaded.card["model"] == "KNeighborsRegressor(n_neighbors=50)"
    np.testing.assert_array_equal(loaded.predict(table), copy.predict(table))
    assert neighbors["regressor"].n_neighbors == 20  # the caller's, as it was


@pytest.mark.parametrize("as_name", [False, True], ids=["the row", "its name"])
@pytest.mark.parametrize("key", ["features", "scaling", "regressor"])
def test_a_row_that_lacks_a_key_is_refused(table, neighbors, monkeypatch, key, as_name):
    row = {name: neighbors[name] for name in neighbors if name != key}
    monkeypatch.setitem(lesson_code.MODELS, "mine", row)
    model = "mine" if as_name else row
    with pytest.raises(ValueError, match=rf"must have the keys .* lacks \['{key}'\]"):
        SklearnEcosystemPipeline(model=model).fit(table)
    SklearnEcosystemPipeline(model=LinearRegression()).build_pipeline()


def test_a_whole_pipeline_is_used_as_it_is(table):
    whole = SklearnEcosystemPipeline(model="linear", random_state=7).build_pipeline()
    whole.set_params(model__alpha=3.0)
    wrapper = SklearnEcosystemPipeline(model=whole)
    assert wrapper.build_pipeline().get_params()["features__random_state"] == 7
    expected = clone(whole).fit(table).predict(table)
    wrapper.train(table)
    np.testing.assert_array_equal(wrapper.predict(table), expected)
    with pytest.raises(NotFittedError):
        whole.predict(table)
    grid = {"model__features__damping": [1.0, 1e9]}  # it has all parameters
    search = GridSearchCV(wrapper, grid, cv=2, error_score="raise")
    assert search.fit(table, table["rating"]).best_params_ == {
        "model__features__damping": 1.0
    }
    with pytest.raises(ValueError, match="make it one of its steps"):
        wrapper.set_params(select=SelectKBest(k=5)).fit(table)


@pytest.mark.parametrize(
    "model",
    [*(m for m in MODELS if m != "factors"), KNeighborsRegressor(), LinearRegression()],
    ids=str,
)
def test_ids_never_reach_the_regressor(table, model):
    """An id is a label, not a quantity: what is unknown is predicted alike, however
    large its id happens to be.
    """
    recommender = SklearnEcosystemPipeline(model=model).fit(table)
    ids = [-(10**9), -1, 0, 101, 4711, 10**6, 2**40]
    for user, movie in ((ids, 1), (1, ids), (ids, ids)):
        rows = pd.DataFrame({"user_id": user, "movie_id": movie}, index=range(7))
        stars = recommender.predict(rows)
        np.testing.assert_allclose(stars, np.full(7, stars[0]), rtol=0, atol=1e-12)
    rest = len(lesson_code.FEATURES) - 2 + (model == "blend")
    scaled = recommender.pipeline[:-1].transform(table)
    assert np.shape(scaled) == (len(table), rest)


def test_factors_read_the_ids_as_labels_too(table):
    recommender = SklearnEcosystemPipeline(model="factors").fit(table)
    moved = table.assign(
        user_id=table["user_id"] * 1000 - 7, movie_id=10**9 + table["movie_id"]
    )
    expected = SklearnEcosystemPipeline(model="factors").fit(moved).predict(moved)
    np.testing.assert_allclose(recommender.predict(table), expected, atol=1e-12)
    strangers = pd.DataFrame({"user_id": [-(10**9), 101, 2**40], "movie_id": 1})
    stars = recommender.predict(strangers)
    np.testing.assert_allclose(stars, np.full(3, stars[0]), rtol=0, atol=1e-12)


def test_factors_and_blend_take_engineered_rows_which_tell_no_genres(table):
    train, test = table[:1600], table[1600:]
    X, y, transformer, *_ = SklearnEcosystemPipeline().create_features(train)
    for model in ("factors", "blend"):
        expected = (
            SklearnEcosystemPipeline(model=model)
            .fit(train.drop(columns="genre"))
            .predict(test.drop(columns="genre"))
        )
        engineered = SklearnEcosystemPipeline(model=model).fit(X, y)
        found = engineered.predict(transformer.transform(test))
        assert np.sqrt(np.mean((found - expected) ** 2)) < 0.1


@pytest.mark.parametrize(
    "model", [name for name in MODELS if name not in ("factors", "blend")]
)
def test_raw_and_engineered_rows_give_equal_predictions(table, model):
    train, test = table[:1600], table[1600:]
    X, y, transformer, *_ = SklearnEcosystemPipeline().create_features(train)
    raw = SklearnEcosystemPipeline(model=model).fit(train)
    engineered = SklearnEcosystemPipeline(model=model).fit(X, y)
    rows = transformer.transform(test)
    expected = raw.predict(test)
    np.testing.assert_allclose(engineered.predict(rows), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(raw.predict(rows), expected, rtol=0, atol=1e-12)
    # strings that it never learned are no reason to forget the codes it knows of these
    # users and movies
    np.testing.assert_allclose(engineered.predict(test), expected, rtol=0, atol=1e-12)


def test_the_blend_adds_the_cross_fitted_factors_to_the_13_features(table):
    pipeline = SklearnEcosystemPipeline(model="blend").build_pipeline()
    names = pipeline[0].fit(table, table["rating"]).get_feature_names_out()
    assert list(names) == [*lesson_code.FEATURES, "factor_rating"]
    features = np.asarray(pipeline[0].fit_transform(table, table["rating"]))
    factors = lesson_code.MatrixFactorization(random_state=42)
    np.testing.assert_allclose(
        features[:, 13], factors.fit_transform(table, table["rating"]).ravel()
    )
    transformer = UserMovieFeatureTransformer(random_state=42)
    np.testing.assert_allclose(features[:, :13], transformer.fit_transform(table))


def test_raw_and_engineered_rows_agree_where_values_are_missing(table):
    gaps = table.copy()
    rng = np.random.RandomState(0)
    for column in ["genre", "movie_year", "user_age", "user_country", "timestamp"]:
        gaps[column] = gaps[column].where(rng.random_sample(len(gaps)) < 0.5)
    train, test = gaps[:1600], gaps[1600:]
    X, y, transformer, *_ = SklearnEcosystemPipeline().create_features(train)
    raw = SklearnEcosystemPipeline().fit(train)
    engineered = SklearnEcosystemPipeline().fit(X, y)
    expected = raw.predict(test)
    np.testing.assert_allclose(
        engineered.predict(transformer.transform(test)), expected, rtol=0, atol=1e-12
    )


COLD = {"user": (10**6, None), "movie": (None, 10**6), "both": (10**6, 10**6)}


@pytest.mark.parametrize("cold", COLD)
def test_cold_start_is_a_normal_row(fitted, table, cold):
    user, movie = (
        known if new is None else new for new, known in zip(COLD[cold], (1, 1))
    )
    prediction = fitted.predict(pd.DataFrame({"user_id": [user], "movie_id": [movie]}))
    assert prediction.shape == (1,)
    assert 1.0 <= prediction[0] <= 5.0
    if cold == "both":  # nothing is known: the answer is near the mean of all
        assert prediction[0] == pytest.approx(table["rating"].mean(), abs=0.6)


def test_two_ids_are_enough_to_predict(fitted, table):
    predictions = fitted.predict(table[["user_id", "movie_id"]][1600:])
    assert r2_score(table["rating"][1600:], predictions) > 0.1


def test_predictions_keep_to_the_scale_of_the_fit(table):
    wild = LinearRegression()
    low = table[table["rating"] <= 3].assign(
        movie_year=range((table["rating"] <= 3).sum())
    )
    pipeline = SklearnEcosystemPipeline(model=wild).fit(low)
    predictions = pipeline.predict(
        table.assign(movie_year=np.linspace(-1e9, 1e9, len(table)))
    )
    assert predictions.min() >= 1.0
    assert predictions.max() <= 3.0
    assert (pipeline.pipeline.y_min_, pipeline.pipeline.y_max_) == (1.0, 3.0)


def test_the_pipelines_score_is_that_of_its_clipped_predictions(table):
    pipeline = (
        SklearnEcosystemPipeline(model="linear").build_pipeline().fit(table[:1600])
    )
    test = table[1600:]
    expected = r2_score(test["rating"], pipeline.predict(test))
    assert pipeline.score(test, test["rating"]) == pytest.approx(
        expected, rel=0, abs=1e-12
    )
    with pytest.raises(TypeError, match="y"):
        pipeline.score(test)


def test_a_prediction_does_not_depend_on_its_company(fitted, table):
    rows = table[1600:]
    together = fitted.predict(rows)
    alone = np.concatenate([fitted.predict(rows.iloc[[i]]) for i in range(20)])
    np.testing.assert_allclose(alone, together[:20], rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        fitted.predict(rows[::-1]), together[::-1], rtol=0, atol=1e-12
    )


def test_create_features_gives_table_ratings_and_what_was_fitted(table):
    X, y, transformer, genre_encoder, country_encoder = (
        SklearnEcosystemPipeline().create_features(table)
    )
    assert X.index.equals(table.index)
    pd.testing.assert_series_equal(y, table["rating"])
    assert isinstance(transformer, UserMovieFeatureTransformer)
    assert list(genre_encoder.categories_[0]) == sorted(table["genre"].unique())
    assert list(country_encoder.categories_[0]) == sorted(
        table["user_country"].unique()
    )
    codes = genre_encoder.transform(
        np.array([["Drama"], ["Polka"]], dtype=object)
    ).ravel()
    assert codes.tolist() == [list(genre_encoder.categories_[0]).index("Drama"), -1]


@pytest.mark.parametrize("method", ["create_features", "fit", "train"])
def test_a_pair_rated_twice_keeps_its_latest_rating(table, method):
    older = table[:30].assign(rating=1.0, timestamp=5)
    twice = pd.concat([table, older], ignore_index=True)

    def run(frame):
        recommender = SklearnEcosystemPipeline(model="linear")
        result = getattr(recommender, method)(frame)
        return result[0] if method == "create_features" else recommender.predict(table)

    sentence = "^30 older ratings of user-movie pairs rated twice do not count.$"
    with pytest.warns(UserWarning, match=sentence) as caught:
        found = run(twice)
    assert len(caught) == 1
    np.testing.assert_allclose(found, run(table), rtol=0, atol=1e-12)


def test_without_timestamps_the_last_row_of_a_pair_is_kept(table):
    bare = table.drop(columns="timestamp")
    twice = pd.concat([bare[:30].assign(rating=1.0), bare], ignore_index=True)
    with pytest.warns(UserWarning, match="^30 older ratings"):
        X, y, *_ = SklearnEcosystemPipeline().create_features(twice)
    assert y.tolist() == bare["rating"].tolist()
    assert X.index.tolist() == list(range(30, len(twice)))


def test_training_reports_folds_and_keeps_the_pipeline(table):
    recommender = SklearnEcosystemPipeline(model="linear")
    assert (
        recommender.pipeline is recommender.cv_scores is recommender.best_params is None
    )
    pipeline = recommender.train(table, table["rating"])
    assert pipeline is recommender.pipeline
    expected = -cross_val_score(
        SklearnEcosystemPipeline(model="linear").build_pipeline(),
        table,
        table["rating"],
        cv=KFold(5, shuffle=True, random_state=42),
        scoring="neg_root_mean_squared_error",
    )
    np.testing.assert_allclose(recommender.cv_scores, expected)
    recommender.fit(table)
    assert recommender.cv_scores is None


@pytest.mark.parametrize("model", MODELS)
def test_tuning_chooses_among_its_candidates_and_uses_the_choice(
    table, model, monkeypatch
):
    # that there are 12 is seen in test_demo.py
    monkeypatch.setattr(lesson_code, "N_CANDIDATES", 3)
    recommender = SklearnEcosystemPipeline(model=model)
    pipeline = recommender.train(
        table[:600], perform_cv=False, tune_hyperparameters=True
    )
    assert set(recommender.best_params) == set(lesson_code.MODELS[model]["search"])
    parameters = pipeline.get_params()
    assert {
        name: parameters[name] for name in recommender.best_params
    } == recommender.best_params


def test_evaluate_gives_the_three_figures_and_the_predictions(fitted, table):
    test = table[1600:]
    metrics, predictions = fitted.evaluate(test.drop(columns="rating"), test["rating"])
    assert list(metrics) == ["RMSE", "MAE", "R2"]
    assert metrics["RMSE"] == pytest.approx(
        np.sqrt(((test["rating"] - predictions) ** 2).mean())
    )
    assert metrics["MAE"] == pytest.approx(
        mean_absolute_error(test["rating"], predictions)
    )
    assert metrics["R2"] == pytest.approx(r2_score(test["rating"], predictions))


def test_any_regressor_will_do(table):
    model = KNeighborsRegressor(20)
    recommender = SklearnEcosystemPipeline(model=model).fit(table)
    # a copy: the caller's stays unfitted
    assert recommender.pipeline.named_steps["model"] is not model
    assert not hasattr(model, "n_features_in_")
    assert recommender.score(table, table["rating"]) > 0


def test_the_wrapper_is_a_regressor_that_can_be_cloned_and_searched(table):
    wrapper = SklearnEcosystemPipeline(model=KNeighborsRegressor())
    assert is_regressor(wrapper)
    assert clone(wrapper).get_params()["model__n_neighbors"] == 5
    grid = {"model__n_neighbors": [2, 30]}
    search = GridSearchCV(wrapper, grid, cv=3, error_score="raise").fit(
        table, table["rating"]
    )
    assert search.best_params_ == {"model__n_neighbors": 30}
    scores = cross_val_score(
        SklearnEcosystemPipeline(), table, table["rating"], cv=3, error_score="raise"
    )
    assert (scores > 0).all()
    predictions = wrapper.set_params(model="linear").fit(table).predict(table)
    assert predictions.shape == (len(table),)


def test_the_same_seed_predicts_the_same_and_another_does_not(table):
    first, again, other = (
        SklearnEcosystemPipeline(random_state=seed).fit(table).predict(table)
        for seed in (1, 1, 2)
    )
    np.testing.assert_allclose(again, first, rtol=0, atol=1e-12)
    assert not np.allclose(other, first, rtol=0, atol=1e-12)


def test_parallel_work_gives_the_same_scores(table):
    scores = []
    for n_jobs in (1, 2):
        recommender = SklearnEcosystemPipeline()
        with joblib.parallel_config("threading", n_jobs=n_jobs):
            recommender.train(table)
        scores.append(recommender.cv_scores)
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-12)


def test_the_callers_table_is_left_as_it_was(table):
    before = table.copy(deep=True)
    recommender = SklearnEcosystemPipeline(model="linear")
    recommender.train(table[:1600])
    recommender.create_features(table)
    recommender.evaluate(table[1600:])
    recommender.evaluate_ranking(table[1600:])
    recommender.recommend(1)
    lesson_code.MatrixFactorization().fit_transform(table)
    pd.testing.assert_frame_equal(table, before)


def test_silent_unless_asked(table, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SklearnEcosystemPipeline(model="linear").train(table)
    assert capsys.readouterr() == ("", "")
    SklearnEcosystemPipeline(model="linear", verbose=True).train(table)
    assert capsys.readouterr().out.splitlines()[:2] == [
        "Building pipeline...",
        "Performing cross-validation...",
    ]


def test_of_a_pair_rated_twice_a_row_without_a_time_is_the_older(table):
    unknown = table[:30].assign(rating=1.0, timestamp=np.nan)
    with pytest.warns(UserWarning, match="^30 older ratings"):
        _, y, *_ = SklearnEcosystemPipeline().create_features(
            pd.concat([table, unknown], ignore_index=True)
        )
    assert y.tolist() == table["rating"].tolist()


@pytest.mark.parametrize("model", ["forest", "boosting", "factors", "blend"])
def test_the_seed_reaches_every_part_that_draws(model):
    parameters = (
        SklearnEcosystemPipeline(model=model, random_state=7)
        .build_pipeline()
        .get_params()
    )
    seeds = {
        name: value
        for name, value in parameters.items()
        if name.endswith("random_state")
    }
    assert seeds == dict.fromkeys(seeds, 7)
    assert {
        "features__random_state",
        "features__ratings__random_state",
        "model__random_state",
    } & set(seeds)


def test_a_search_with_the_same_seed_tries_the_same_candidates(table, monkeypatch):
    monkeypatch.setattr(lesson_code, "N_CANDIDATES", 1)
    chosen = []
    for _ in range(4):
        recommender = SklearnEcosystemPipeline(model="linear")
        recommender.train(table[:200], perform_cv=False, tune_hyperparameters=True)
        chosen.append(recommender.best_params)
    assert chosen == [chosen[0]] * 4


def test_the_callers_selector_stays_unfitted(table):
    selector = SelectKBest(f_regression, k=5)
    SklearnEcosystemPipeline(model="linear", select=selector).fit(table)
    assert not hasattr(selector, "scores_")


def test_text_columns_may_be_categorical(table):
    text = table.assign(title="Movie " + table["movie_id"].astype(str))
    text = text.assign(
        **{
            name: text[name].astype(object)
            for name in ("genre", "user_country", "title")
        }
    )
    typed = text.astype(dict.fromkeys(["genre", "user_country", "title"], "category"))
    plain, categorical = (
        SklearnEcosystemPipeline(model="linear").fit(rows[:1600])
        for rows in (text, typed)
    )
    np.testing.assert_allclose(
        categorical.predict(typed[1600:]),
        plain.predict(text[1600:]),
        rtol=0,
        atol=1e-12,
    )
    pd.testing.assert_frame_equal(categorical.recommend(5), plain.recommend(5))


@pytest.mark.parametrize("method", ["create_features", "fit", "train"])
def test_a_rating_of_a_pair_behind_a_later_one_does_not_count(table, method):
    """The latest by timestamp counts, wherever it stands."""
    older = table[:30].assign(rating=1.0, timestamp=table["timestamp"][:30] - 1)
    recommender = SklearnEcosystemPipeline(model="linear")
    with pytest.warns(UserWarning, match="^30 older ratings"):
        found = getattr(recommender, method)(
            pd.concat([table, older], ignore_index=True)
        )
    if method == "create_features":
        pd.testing.assert_frame_equal(found[0], recommender.create_features(table)[0])
    else:
        expected = SklearnEcosystemPipeline(model="linear").fit(table).predict(table)
        np.testing.assert_allclose(
            recommender.predict(table), expected, rtol=0, atol=1e-12
        )


@pytest.mark.parametrize("model", ["boosting", "blend"])
def test_boosting_stops_early_however_few_rows_there_are(table, model):
    regressor = (
        SklearnEcosystemPipeline(model=model).fit(table[:1000]).pipeline["model"]
    )
    regressor = (
        regressor.named_estimators_["boosting"] if model == "blend" else regressor
    )
    assert regressor.early_stopping is True
    assert regressor.n_iter_ < regressor.max_iter


def test_a_row_with_a_scaling_of_its_own_sees_no_ids_either(table, monkeypatch):
    row = lesson_code.MODELS["linear"] | {
        "scaling": [("scaler", StandardScaler(with_mean=False))]
    }
    monkeypatch.setitem(lesson_code.MODELS, "scaled", row)
    fitted = SklearnEcosystemPipeline(model="scaled").fit(table).pipeline
    assert fitted["model"].n_features_in_ == 11


def test_a_failed_refit_of_a_pipeline_keeps_features_and_model_together(table):
    pipeline = (
        SklearnEcosystemPipeline(model="linear").build_pipeline().fit(table[:900])
    )
    expected = pipeline.predict(table)
    pipeline.set_params(model__alpha=-1.0)
    with pytest.raises(ValueError, match="alpha"):
        pipeline.fit(table[900:])
    np.testing.assert_array_equal(pipeline.predict(table), expected)


def test_a_verbose_search_tells_its_size_and_what_it_chose(table, capsys, monkeypatch):
    monkeypatch.setattr(lesson_code, "N_CANDIDATES", 2)
    recommender = SklearnEcosystemPipeline(model="linear", verbose=True)
    recommender.train(table[:300], perform_cv=False, tune_hyperparameters=True)
    assert capsys.readouterr().out.splitlines() == [
        "Building pipeline...",
        "Searching: 2 candidates in 3 folds...",
        f"Best: {recommender.best_params}",
        "✓ Training complete",
    ]


ESTIMATORS = {
    "transformer": UserMovieFeatureTransformer,
    "factors": lesson_code.MatrixFactorization,
    "ranker": lesson_code.MovieRanker,
    "pipeline": lambda: SklearnEcosystemPipeline(model="linear").build_pipeline(),
    "pipeline of factors": lambda: SklearnEcosystemPipeline(
        model="factors"
    ).build_pipeline(),
    "wrapper": lambda: SklearnEcosystemPipeline(model="linear"),
}


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_fit_records_the_names_of_the_columns_as_every_estimator_does(table, kind):
    estimator = ESTIMATORS[kind]()
    # a refit forgets the last names
    for rows in (table, table[["movie_id", "user_id", "rating"]]):
        estimator.fit(rows, rows["rating"])
        assert estimator.feature_names_in_.tolist() == list(rows.columns)
        assert estimator.n_features_in_ == rows.shape[1]
        if hasattr(estimator, "fit_transform") and kind in ("transformer", "factors"):
            crossed = clone(estimator)
            crossed.fit_transform(rows, rows["rating"])
            assert crossed.feature_names_in_.tolist() == list(rows.columns)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_failed_fit_leaves_the_names_of_the_columns_as_they_were(table, kind):
    estimator = ESTIMATORS[kind]().fit(table, table["rating"])
    with pytest.raises(ValueError, match="finite numbers"):
        estimator.fit(table[["user_id", "movie_id"]], np.full(len(table), np.nan))
    assert estimator.feature_names_in_.tolist() == list(table.columns)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_the_tags_tell_of_tables_with_strings_and_gaps_and_of_ratings_in_them(kind):
    tags = get_tags(ESTIMATORS[kind]())
    assert (tags.input_tags.two_d_array, tags.target_tags.required) == (False, False)
    assert (tags.input_tags.string, tags.input_tags.allow_nan) == (True, True)


def test_names_of_features_are_an_array_of_objects_as_scikit_learn_has_them():
    for estimator in (UserMovieFeatureTransformer(), lesson_code.MatrixFactorization()):
        assert estimator.get_feature_names_out().dtype == object


def test_the_spread_that_a_regressor_gives_beside_its_mean_is_left_as_it_is(table):
    """With return_std=True there are two arrays, and only ratings are clipped."""
    wrapper = SklearnEcosystemPipeline(model=BayesianRidge())
    pipeline = wrapper.build_pipeline().fit(table[:1600])
    mean, std = pipeline.predict(table[1600:], return_std=True)
    np.testing.assert_allclose(mean, pipeline.predict(table[1600:]))
    assert (std < pipeline.y_min_).all()


class FitsAndPredicts(LinearRegression):
    """It predicts 2 stars more than it has learned, far beyond every scale."""

    def fit_predict(self, X, y):
        return self.fit(X, y).predict(X) + 2


WAYS_TO_FIT = {
    "fit_transform of factors": ("factors", "fit_transform"),
    "fit_transform of blend": ("blend", "fit_transform"),
    "fit_predict": (FitsAndPredicts(), "fit_predict"),
}


@pytest.mark.parametrize("way", WAYS_TO_FIT)
def test_every_way_to_fit_learns_the_scale(table, way):
    model, method = WAYS_TO_FIT[way]
    low = table[table["rating"] <= 3]
    pipeline = SklearnEcosystemPipeline(model=model).build_pipeline().fit(table)
    steps = dict(pipeline.steps)
    with pytest.raises(ValueError, match="finite numbers"):
        getattr(pipeline, method)(low, np.full(len(low), np.nan))
    assert dict(pipeline.steps) == steps  # the previous fit is kept
    result = getattr(pipeline, method)(low)
    expected = clone(pipeline).fit(low)
    assert (pipeline.y_min_, pipeline.y_max_) == (1.0, 3.0)
    np.testing.assert_allclose(pipeline.predict(table), expected.predict(table))
    assert len(result) == len(low)
    if method == "fit_predict":
        assert result.max() == 3.0
    elif model == "factors":  # cross-fitted, as its own `fit_transform`
        factors = clone(pipeline["model"]).fit_transform(low, low["rating"])
        np.testing.assert_allclose(result, factors)


def test_ways_to_fit_that_a_model_lacks_are_lacking(table):
    for method in ("fit_transform", "fit_predict", "partial_fit"):
        assert not hasattr(SklearnEcosystemPipeline().build_pipeline(), method)


def test_a_seed_of_the_users_own_is_kept(table):
    own = lesson_code.MatrixFactorization(random_state=7)
    pipeline = SklearnEcosystemPipeline(model=own, random_state=1).build_pipeline()
    assert pipeline["model"].random_state == 7
    encoder = TargetEncoder(target_type="continuous")
    ids = ColumnTransformer([("ids", encoder, ["user_id", "movie_id"])])
    union = FeatureUnion([("ours", UserMovieFeatureTransformer()), ("ids", ids)])
    row = lesson_code.MODELS["linear"] | {"features": union}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(lesson_code.MODELS, "mine", row)
        mine = SklearnEcosystemPipeline(model="mine").build_pipeline()
    parts = dict(mine["features"].transformer_list)
    assert parts["ours"].random_state == 42
    # Setting its seed would be a warning from scikit-learn 1.9 on.
    given = parts["ids"].transformers[0][1].get_params()
    assert given == encoder.get_params()


@pytest.mark.parametrize("output", ["default", "pandas"])
def test_only_the_two_ids_are_dropped_whatever_the_names_of_a_union(table, output):
    ids = FunctionTransformer(named_like_ids)
    union = FeatureUnion([("ours", UserMovieFeatureTransformer()), ("te", ids)])
    pipeline = SklearnEcosystemPipeline(model="linear").build_pipeline()
    pipeline.set_params(features=union).set_output(transform=output)
    assert pipeline.fit(table)["model"].n_features_in_ == 11 + 2


def named_like_ids(X):
    return X[["user_id", "movie_id"]].add_prefix("te__") * 0.5


def test_steps_before_the_ids_are_dropped_may_be_any(table):
    features = UserMovieFeatureTransformer().fit_transform(table)
    for before in ([("a", "passthrough")], [("a", FunctionTransformer())], []):
        steps = [*before, ("drop_ids", DropIds()), ("model", Ridge())]
        pipeline = RatingPipeline(steps).fit(features, table["rating"])
        assert pipeline.predict(features).shape == (len(table),)
