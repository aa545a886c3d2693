"""Nothing leaks: on ratings that are pure noise, no route a learner can take predicts
anything. The naive way does.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
from repository import MODELS
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.tree import DecisionTreeRegressor

import lesson_code
from lesson_code import (
    FEATURES,
    STARS,
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
)

ANY_MODEL = {name: name for name in MODELS} | {
    "deep tree": DecisionTreeRegressor(random_state=0)
}


@pytest.fixture(scope="module")
def noise():
    """Ratings that are stars drawn at random."""
    table = MovieRecommendationDataset(500, 250, 5000, random_state=0).generate()
    table["rating"] = np.random.RandomState(0).choice(STARS, len(table))
    return table


@pytest.fixture(scope="module", params=["raw", "engineered"])
def route(request, noise):
    """Rows and ratings: raw, or as features that were created before the split."""
    if request.param == "raw":
        return noise, noise["rating"]
    return SklearnEcosystemPipeline().create_features(noise)[:2]


@pytest.mark.parametrize("model", ANY_MODEL)
def test_no_model_predicts_noise(route, model):
    X_train, X_test, y_train, y_test = train_test_split(
        *route, test_size=0.2, random_state=0
    )
    recommender = SklearnEcosystemPipeline(model=ANY_MODEL[model])
    recommender.train(X_train, y_train, perform_cv=model == "forest")
    bound = 0.0 if model in ("forest", "boosting") else 0.002
    assert recommender.evaluate(X_test, y_test)[0]["R2"] <= bound
    if model == "forest":
        assert recommender.cv_scores.mean() >= y_train.std()


@pytest.fixture(scope="module")
def halves(noise):
    return train_test_split(noise, test_size=0.2, random_state=0)


def test_searches_and_selections_find_nothing_in_noise(noise, halves, monkeypatch):
    """On held-out rows: best_score_, the best of many, is above zero by luck."""
    monkeypatch.setattr(lesson_code, "N_CANDIDATES", 2)
    train, test = halves
    y = train["rating"]
    wrapper = SklearnEcosystemPipeline()
    grid = {"model": ["forest", "linear"]}
    search = GridSearchCV(wrapper, grid, cv=3, error_score="raise").fit(train, y)
    assert search.score(test, test["rating"]) <= 0.002
    wrapper.train(train, perform_cv=False, tune_hyperparameters=True)
    assert wrapper.evaluate(test)[0]["R2"] <= 0
    wrapper.set_params(select=SelectKBest(f_regression, k=5)).fit(train)
    assert wrapper.evaluate(test)[0]["R2"] <= 0


def test_control_the_naive_way_seems_to_predict_noise(noise):
    """The same noise, the same forest, but averages over all rows, before the split."""
    X = SklearnEcosystemPipeline().create_features(noise)[0]
    X["user_avg_rating"] = noise.groupby("user_id")["rating"].transform("mean")
    X["movie_avg_rating"] = noise.groupby("movie_id")["rating"].transform("mean")
    X["user_movie_interaction"] = X["user_avg_rating"] * X["movie_avg_rating"]
    X_train, X_test, y_train, y_test = train_test_split(
        X, noise["rating"], test_size=0.2, random_state=0
    )
    forest = SklearnEcosystemPipeline().build_pipeline()[1:]
    assert list(X) == FEATURES
    assert r2_score(y_test, forest.fit(X_train, y_train).predict(X_test)) >= 0.05


def test_averages_from_before_the_split_fall_below_the_noise_floor():
    """At two ratings per user, the fragile way is better than the perfect predictor."""
    fragile = []
    honest = []
    floor = []
    for seed in (0, 1, 42):
        dataset = MovieRecommendationDataset(1000, 500, 2000, seed)
        table = dataset.generate()
        train, test = train_test_split(table, test_size=0.2, random_state=seed)
        recommender = SklearnEcosystemPipeline(random_state=seed).fit(train)
        features = UserMovieFeatureTransformer().fit(table)
        rest = recommender.build_pipeline()[1:]
        rest.fit(features.transform(train), train["rating"])
        stars = rest.predict(features.transform(test))
        fragile.append(root_mean_squared_error(test["rating"], stars))
        honest.append(recommender.evaluate(test)[0]["RMSE"])
        floor.append(dataset.best_rmse(test))
    assert np.mean(fragile) < np.mean(floor) - 0.02
    assert min(honest) > max(floor)


def test_without_cross_fitting_a_model_trusts_the_averages_too_much(halves):
    """The subtler leak: averages of training rows alone, their own rating included."""
    train, test = halves
    pipeline = SklearnEcosystemPipeline(model="linear").build_pipeline()
    plain = pipeline[0].fit(train).transform(train)
    rows = pipeline[0].transform(test)
    naive = pipeline[-1].fit(plain, train["rating"]).predict(rows)
    honest = SklearnEcosystemPipeline(model="linear").fit(train).predict(test)
    assert r2_score(test["rating"], naive) < r2_score(test["rating"], honest) - 0.02


def test_pairs_twice_split_by_hand_are_the_one_route_left_and_evaluate_warns_of_it(
    halves,
):
    train, test = halves
    recommender = SklearnEcosystemPipeline(model="factors")
    recommender.fit(pd.concat([train, test[:500]]))
    # engineered rows are known by their ids, too
    X, y, *_ = recommender.create_features(test)
    for rows in (test, X):
        with pytest.warns(UserWarning, match="^500 test rows") as caught:
            metrics, _ = recommender.evaluate(rows, y)
        assert len(caught) == 1
        assert metrics["R2"] > 0.05
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recommender.evaluate(test[500:])
