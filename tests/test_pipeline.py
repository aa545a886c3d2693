"""The pipeline and its wrapper: what goes in, and what comes out."""

import numpy as np
import pandas as pd
import pytest
from recommending import IDS
from repository import MODELS
from sklearn.base import clone, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingRegressor
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import BayesianRidge, LinearRegression, Ridge
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import FunctionTransformer, StandardScaler, TargetEncoder

import lesson_code
from lesson_code import (
    RatingPipeline,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
)
from recommender.steps import DropIds


@pytest.mark.parametrize("model", MODELS)
def test_the_table_of_models_tells_the_steps_of_every_pipeline(model):
    recipe = lesson_code.MODELS[model]
    reads_ids = model == "factors"
    select = None if reads_ids else SelectKBest(f_regression, k=8)
    pipeline = SklearnEcosystemPipeline(model=model, select=select).build_pipeline()
    steps = pipeline.named_steps
    dropped, selected = ([], []) if reads_ids else (["drop_ids"], ["select"])
    assert list(steps) == ["features", *dropped, "scaler", *selected, "model"]
    assert type(steps["features"]) is type(recipe["features"])
    assert type(steps["model"]) is type(recipe["regressor"])
    assert steps["model"] is not recipe["regressor"]  # but a copy
    assert (steps["scaler"] == "passthrough") == reads_ids


@pytest.fixture
def neighbors():
    """A row of the user's own."""
    return lesson_code.MODELS["linear"] | {
        "regressor": KNeighborsRegressor(20),
        "search": {"model__n_neighbors": [5, 50]},
    }


def test_a_row_is_the_same_model_by_its_name_and_itself(
    table, neighbors, monkeypatch, tmp_path
):
    monkeypatch.setitem(lesson_code.MODELS, "neighbors", neighbors)
    monkeypatch.setattr(lesson_code, "N_CANDIDATES", 2)
    stars = []
    for model in ("neighbors", neighbors):
        recommender = SklearnEcosystemPipeline(model=model)
        recommender.train(table, perform_cv=False, tune_hyperparameters=True)
        assert recommender.best_params == {"model__n_neighbors": 50}
        path = recommender.save_pipeline(tmp_path / "x.pkl")
        loaded = SklearnEcosystemPipeline.load_pipeline(path)
        stars.append(loaded.predict(table))
    np.testing.assert_array_equal(*stars)
    assert loaded.card["model"] == "KNeighborsRegressor(n_neighbors=50)"
    assert neighbors["regressor"].n_neighbors == 20  # the caller's, as it was
    assert repr(clone(recommender)) == repr(recommender)
    with pytest.raises(ValueError, match="pass the dict itself"):
        # as in another process, which has only the lesson's MODELS
        SklearnEcosystemPipeline(model="neighbours").fit(table)


def test_a_whole_pipeline_is_used_as_it_is(table):
    whole = SklearnEcosystemPipeline(model="linear", random_state=7).build_pipeline()
    whole.set_params(model__alpha=3.0)
    wrapper = SklearnEcosystemPipeline(model=whole)
    assert wrapper.build_pipeline().get_params()["features__random_state"] == 7
    expected = clone(whole).fit(table).predict(table)
    np.testing.assert_array_equal(wrapper.fit(table).predict(table), expected)
    assert not hasattr(whole, "y_max_")
    wrapper.set_params(model__features__damping=1e9)  # it has all parameters
    assert wrapper.fit(table).pipeline[0].damping == 1e9
    with pytest.raises(ValueError, match="make it one of its steps"):
        wrapper.set_params(select=SelectKBest(k=5)).fit(table)


@pytest.mark.parametrize("model", ["forest", "boosting", "factors", "blend"])
def test_the_seed_reaches_every_part_that_draws(model):
    wrapper = SklearnEcosystemPipeline(model=model, random_state=7)
    parameters = wrapper.build_pipeline().get_params()
    seeds = {name: parameters[name] for name in parameters if "random_state" in name}
    assert seeds and set(seeds.values()) == {7}


@pytest.mark.parametrize("output", ["default", "pandas"])
def test_only_the_two_ids_are_dropped_whatever_the_names_of_a_union(table, output):
    named_like_ids = FunctionTransformer(lambda X: X[IDS].add_prefix("te__") * 0.5)
    ours = UserMovieFeatureTransformer()
    union = FeatureUnion([("ours", ours), ("te", named_like_ids)])
    pipeline = SklearnEcosystemPipeline(model="linear").build_pipeline()
    pipeline.set_params(features=union).set_output(transform=output)
    assert pipeline.fit(table)["model"].n_features_in_ == 11 + 2
    features = ours.fit_transform(table)
    for before in ([("a", "passthrough")], [("a", FunctionTransformer())], []):
        steps = [*before, ("drop_ids", DropIds()), ("model", Ridge())]
        pipeline = RatingPipeline(steps).fit(features, table["rating"])
        assert pipeline["model"].n_features_in_ == 11


READ_NO_IDS = {
    "linear": "linear",
    "blend": "blend",
    "any regressor": KNeighborsRegressor(),
    "a scaling of one's own": lesson_code.MODELS["linear"]
    | {"scaling": [("scaler", StandardScaler(with_mean=False))]},
}


@pytest.mark.parametrize("kind", READ_NO_IDS)
def test_ids_never_reach_the_regressor(table, kind):
    """What is unknown is predicted alike, however large its id happens to be."""
    recommender = SklearnEcosystemPipeline(model=READ_NO_IDS[kind]).fit(table)
    ids = [-(10**9), -1, 0, 101, 4711, 10**6, 2**40]
    for user, movie in ((ids, 1), (1, ids), (ids, ids)):
        rows = pd.DataFrame({"user_id": user, "movie_id": movie}, index=range(7))
        stars = recommender.predict(rows)
        np.testing.assert_allclose(stars, np.full(7, stars[0]), rtol=0, atol=1e-12)
    scaled = recommender.pipeline[:-1].transform(table)
    assert np.shape(scaled) == (len(table), 11 + (kind == "blend"))


class OwnFactors(lesson_code.MatrixFactorization):
    pass


@pytest.mark.parametrize(
    ("model", "steps"),
    [
        (VotingRegressor([("ridge", Ridge())]), ["features", "drop_ids", "scaler"]),
        (OwnFactors(), ["features", "scaler"]),
    ],
    ids=["any", "factors"],
)
def test_a_regressor_of_ones_own_gets_13_features_and_factors_raw_rows(
    table, model, steps
):
    pipeline = SklearnEcosystemPipeline(model=model).fit(table).pipeline
    assert list(pipeline.named_steps) == [*steps, "model"]
    assert pipeline["model"].n_features_in_ == (11 if steps[1:2] == ["drop_ids"] else 9)


@pytest.mark.parametrize("has_gaps", [False, True])
def test_raw_and_engineered_rows_give_equal_predictions(table, split, has_gaps):
    train, test = split
    if has_gaps:
        rng = np.random.RandomState(0)
        known = ["timestamp", "genre", "movie_year", "user_age", "user_country"]
        gaps = rng.random_sample((len(table), len(known))) < 0.5
        table = table.assign(**table[known].mask(gaps))
        train, test = table[:1600], table[1600:]
    raw = SklearnEcosystemPipeline(model="linear").fit(train)
    X, y, transformer, *_ = SklearnEcosystemPipeline().create_features(train)
    engineered = SklearnEcosystemPipeline(model="linear").fit(X, y)
    rows = transformer.transform(test)
    found = [engineered.predict(rows), raw.predict(rows)]
    if not has_gaps:
        # strings that it never learned are no reason to forget the codes it knows of
        # these users and movies
        found.append(engineered.predict(test))
    for stars in found:
        np.testing.assert_allclose(stars, raw.predict(test), rtol=0, atol=1e-12)


def test_factors_and_blend_take_engineered_rows_which_tell_no_genres(table):
    train, test = table[:1600].drop(columns="genre"), table[1600:]
    X, y, transformer, *_ = SklearnEcosystemPipeline().create_features(table[:1600])
    for model in ("factors", "blend"):
        raw = SklearnEcosystemPipeline(model=model).fit(train)
        expected = raw.predict(test.drop(columns="genre"))
        engineered = SklearnEcosystemPipeline(model=model).fit(X, y)
        found = engineered.predict(transformer.transform(test))
        assert np.sqrt(np.mean((found - expected) ** 2)) < 0.1


@pytest.mark.parametrize("model", MODELS)
def test_two_ids_are_enough_known_or_not_and_company_changes_nothing(
    trained, table, model
):
    fitted = trained(model)
    rows = table[IDS][1600:].reset_index(drop=True)
    cold = {"user_id": [10**6, 1, 10**6], "movie_id": [1, 10**6, 10**6]}
    rows = pd.concat([pd.DataFrame(cold), rows], ignore_index=True)
    stars = fitted.predict(rows)
    assert r2_score(table["rating"][1600:], stars[3:]) > 0.1
    assert stars.min() >= 1.0 and stars.max() <= 5.0
    # nothing is known: the answer is near the mean of all
    assert stars[2] == pytest.approx(table["rating"].mean(), abs=0.6)
    alone = [fitted.predict(rows[row : row + 1])[0] for row in range(6)]
    np.testing.assert_allclose(alone, stars[:6], rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        fitted.predict(rows[::-1]), stars[::-1], rtol=0, atol=1e-12
    )


def test_the_blend_adds_the_cross_fitted_factors_to_the_13_features(table):
    pipeline = SklearnEcosystemPipeline(model="blend").build_pipeline()
    features = np.asarray(pipeline[0].fit_transform(table, table["rating"]))
    factors = lesson_code.MatrixFactorization(random_state=42)
    expected = factors.fit_transform(table, table["rating"])
    np.testing.assert_allclose(features[:, 13:], expected)
    transformer = UserMovieFeatureTransformer(random_state=42)
    np.testing.assert_allclose(features[:, :13], transformer.fit_transform(table))


def test_predictions_keep_to_the_scale_of_the_fit(table):
    low = table[table["rating"] <= 3]
    low = low.assign(movie_year=range(len(low)))
    wrapper = SklearnEcosystemPipeline(model=LinearRegression()).fit(low)
    pipeline = wrapper.pipeline
    far = table.assign(movie_year=np.linspace(-1e9, 1e9, len(table)))
    predictions = pipeline.predict(far)
    assert predictions.min() == pipeline.y_min_ == 1.0
    assert predictions.max() == pipeline.y_max_ == 3.0
    expected = r2_score(table["rating"], predictions)
    for estimator in (pipeline, wrapper):
        assert estimator.score(far, far["rating"]) == pytest.approx(expected)
        with pytest.raises(TypeError, match="y"):  # as of any regressor
            estimator.score(far)


def test_create_features_gives_table_ratings_and_what_was_fitted(table):
    X, y, transformer, genre_encoder, country_encoder = SklearnEcosystemPipeline(
        random_state=7
    ).create_features(table)
    expected = UserMovieFeatureTransformer(random_state=7).fit_transform(table)
    pd.testing.assert_frame_equal(X, expected)
    pd.testing.assert_series_equal(y, table["rating"])
    assert isinstance(transformer, UserMovieFeatureTransformer)
    genres = list(genre_encoder.categories_[0])
    assert genres == sorted(table["genre"].unique())
    assert list(country_encoder.categories_[0]) == sorted(set(table["user_country"]))
    strings = np.array([["Drama"], ["Polka"]], dtype=object)
    codes = genre_encoder.transform(strings).ravel().tolist()
    assert codes == [genres.index("Drama"), -1]


def test_training_reports_folds_and_keeps_the_pipeline(table):
    recommender = SklearnEcosystemPipeline(model="linear")
    results = ("pipeline", "cv_scores", "best_params")
    assert [getattr(recommender, name) for name in results] == [None] * 3
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
    monkeypatch.setattr(lesson_code, "N_CANDIDATES", 1)
    recommender = SklearnEcosystemPipeline(model=model)
    pipeline = recommender.train(
        table[:300], perform_cv=False, tune_hyperparameters=True
    )
    assert set(recommender.best_params) == set(lesson_code.MODELS[model]["search"])
    assert recommender.best_params.items() <= pipeline.get_params().items()


def test_evaluate_gives_the_three_figures_and_the_predictions(linear, table):
    X, y = table[1600:].drop(columns="rating"), table["rating"][1600:]
    metrics, predictions = linear.evaluate(X, y)
    np.testing.assert_array_equal(predictions, linear.predict(X))
    expected = {
        "RMSE": np.sqrt(((y - predictions) ** 2).mean()),
        "MAE": mean_absolute_error(y, predictions),
        "R2": r2_score(y, predictions),
    }
    assert list(metrics) == list(expected)
    assert metrics == pytest.approx(expected)


def test_the_wrapper_is_a_regressor_that_can_be_cloned_and_searched(table):
    model, select = KNeighborsRegressor(), SelectKBest(f_regression, k=5)
    wrapper = SklearnEcosystemPipeline(model=model, select=select)
    assert is_regressor(wrapper)
    assert clone(wrapper).get_params()["model__n_neighbors"] == 5
    grid = {"model__n_neighbors": [2, 30]}
    search = GridSearchCV(wrapper, grid, cv=3, error_score="raise")
    search.fit(table, table["rating"])
    assert search.best_params_ == {"model__n_neighbors": 30}
    assert wrapper.fit(table).score(table, table["rating"]) > 0
    # copies are fitted: the caller's stay as they are
    assert not hasattr(model, "n_features_in_") and not hasattr(select, "scores_")


class Tensor:
    """Ratings whose `size` is a method, as that of PyTorch is."""

    def __array__(self, dtype=None, copy=None):
        return np.array([1.0, 2.0, 3.0])

    def size(self):
        return (3,)


def test_ratings_may_be_anything_that_becomes_an_array():
    metrics = lesson_code.rating_metrics(Tensor(), Tensor())
    assert metrics == {"RMSE": 0.0, "MAE": 0.0, "R2": 1.0}


def test_training_is_silent_unless_asked(table, capsys, monkeypatch):
    monkeypatch.setattr(lesson_code, "N_CANDIDATES", 1)
    recommender = SklearnEcosystemPipeline(model="linear")
    recommender.train(table[:300], tune_hyperparameters=True)
    assert capsys.readouterr() == ("", "")
    recommender.set_params(verbose=True)
    recommender.train(table[:300], tune_hyperparameters=True)
    out = capsys.readouterr().out
    told = [
        "Building",
        "1 candidates in 3 folds",
        str(recommender.best_params),
        "cross-validation",
        f"{recommender.cv_scores.mean():.4f} (+/- {recommender.cv_scores.std():.4f})",
        "complete",
    ]
    places = [out.find(fragment) for fragment in told]
    assert -1 not in places and places == sorted(places), out


@pytest.mark.parametrize("model", ["boosting", "blend"])
def test_boosting_stops_early_however_few_rows_there_are(trained, model):
    regressor = trained(model).pipeline["model"]
    if model == "blend":
        regressor = regressor.named_estimators_["boosting"]
    assert regressor.early_stopping is True
    assert regressor.n_iter_ < regressor.max_iter


def test_a_failed_refit_of_a_pipeline_keeps_features_and_model_together(linear, table):
    pipeline = linear.pipeline
    expected = pipeline.predict(table)
    pipeline.set_params(model__alpha=-1.0)
    with pytest.raises(ValueError, match="alpha"):
        pipeline.fit(table[900:])
    np.testing.assert_array_equal(pipeline.predict(table), expected)


ESTIMATORS = {
    "transformer": UserMovieFeatureTransformer,
    "factors": lesson_code.MatrixFactorization,
    "ranker": lesson_code.MovieRanker,
    "pipeline": lambda: SklearnEcosystemPipeline(model="linear").build_pipeline(),
    "raw pipeline": lambda: SklearnEcosystemPipeline(model="factors").build_pipeline(),
    "wrapper": lambda: SklearnEcosystemPipeline(model="linear"),
}


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_fit_records_the_names_of_the_columns_and_a_failed_one_keeps_them(
    table, kind
):
    estimator = ESTIMATORS[kind]()
    # a refit forgets the last names
    for rows in (table, table[["movie_id", "user_id", "rating"]]):
        fits = [estimator.fit]
        if kind in ("transformer", "factors"):
            fits.append(estimator.fit_transform)
        for fit in fits:
            fit(rows, rows["rating"])
            assert estimator.feature_names_in_.tolist() == list(rows.columns)
            assert estimator.n_features_in_ == rows.shape[1]
    with pytest.raises(ValueError, match="finite numbers"):
        estimator.fit(table, np.full(len(table), np.nan))
    assert estimator.feature_names_in_.tolist() == ["movie_id", "user_id", "rating"]


def test_the_spread_that_a_regressor_gives_beside_its_mean_is_left_as_it_is(table):
    wrapper = SklearnEcosystemPipeline(model=BayesianRidge())
    pipeline = wrapper.build_pipeline().fit(table[:1600])
    mean, std = pipeline.predict(table[1600:], return_std=True)
    np.testing.assert_allclose(mean, pipeline.predict(table[1600:]))
    assert (std < pipeline.y_min_).all()


def test_fit_transform_of_a_pipeline_cross_fits_and_learns_the_scale(table):
    pipeline = SklearnEcosystemPipeline(model="factors").build_pipeline().fit(table)
    low = table[table["rating"] <= 3]
    estimates = pipeline.fit_transform(low)
    expected = clone(pipeline["model"]).fit_transform(low, low["rating"])
    np.testing.assert_allclose(estimates, expected)
    assert (pipeline.y_min_, pipeline.y_max_) == (1.0, 3.0)
    np.testing.assert_allclose(
        pipeline.predict(table), clone(pipeline).fit(low).predict(table)
    )
    with pytest.raises(ValueError, match="finite numbers"):
        pipeline.fit_transform(table, np.full(len(table), np.nan))
    assert pipeline.y_max_ == 3.0  # the previous fit is kept


class FitsAndPredicts(LinearRegression):
    """It predicts 2 stars more than it has learned, far beyond every scale."""

    def fit_predict(self, X, y):
        return self.fit(X, y).predict(X) + 2


def test_fit_predict_of_a_pipeline_keeps_to_the_scale_and_is_only_where_a_model_has_it(
    table,
):
    low = table[table["rating"] <= 3]
    pipeline = SklearnEcosystemPipeline(model=FitsAndPredicts()).build_pipeline()
    assert pipeline.fit_predict(low).max() == pipeline.y_max_ == 3.0
    for lacking in ("fit_transform", "fit_predict", "partial_fit"):
        assert not hasattr(SklearnEcosystemPipeline().build_pipeline(), lacking)


def test_a_seed_of_the_users_own_is_kept():
    own = lesson_code.MatrixFactorization(random_state=7)
    pipeline = SklearnEcosystemPipeline(model=own, random_state=1).build_pipeline()
    assert pipeline["model"].random_state == 7
    encoder = TargetEncoder(target_type="continuous")
    ids = ColumnTransformer([("ids", encoder, IDS)])
    union = FeatureUnion([("ours", UserMovieFeatureTransformer()), ("ids", ids)])
    row = lesson_code.MODELS["linear"] | {"features": union}
    mine = SklearnEcosystemPipeline(model=row).build_pipeline()
    parts = dict(mine["features"].transformer_list)
    assert parts["ours"].random_state == 42
    # Setting its seed would be a warning from scikit-learn 1.9 on.
    given = parts["ids"].transformers[0][1].get_params()
    assert given == encoder.get_params()
