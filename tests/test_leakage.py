"""Nothing leaks: on ratings that are pure noise, no route a learner can take predicts
anything. The naive way does.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import MODELS
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_predict,
    train_test_split,
)
from sklearn.tree import DecisionTreeRegressor

from lesson_code import (
    FEATURES,
    STARS,
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
)

ANY_MODEL = {name: name for name in MODELS} | {
    "deep tree": DecisionTreeRegressor(random_state=0),
    "plain forest": RandomForestRegressor(
        50, min_samples_leaf=3, max_samples=0.3, random_state=0
    ),
}


@pytest.fixture(scope="module")
def noise():
    """The table of the design: 10,000 ratings of 1,000 users and 500 movies, each
    replaced by a star drawn at random.
    """
    table = MovieRecommendationDataset(1000, 500, 10_000, random_state=0).generate()
    table["rating"] = np.random.RandomState(0).choice(STARS, len(table))
    return table


def bound(model):
    return 0.0 if model in ("forest", "boosting") else 0.002


@pytest.mark.parametrize("model", ANY_MODEL)
def test_raw_rows_predict_no_noise(noise, model):
    train, test = train_test_split(noise, test_size=0.2, random_state=0)
    recommender = SklearnEcosystemPipeline(model=ANY_MODEL[model]).fit(train)
    assert recommender.score(test, test["rating"]) <= bound(model)


@pytest.mark.parametrize("model", ANY_MODEL)
def test_features_created_before_the_split_predict_no_noise(noise, model):
    recommender = SklearnEcosystemPipeline(model=ANY_MODEL[model])
    X, y, *_ = recommender.create_features(noise)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.2, random_state=0
    )
    recommender.train(X_train, y_train, perform_cv=False)
    assert recommender.evaluate(X_test, y_test)[0]["R2"] <= bound(model)


@pytest.mark.parametrize("route", ["raw", "engineered"])
def test_cross_validation_finds_nothing_in_noise(noise, route):
    recommender = SklearnEcosystemPipeline()
    if route == "raw":
        X = noise
        y = noise["rating"]
    else:
        X, y, *_ = recommender.create_features(noise)
    recommender.train(X, y)
    assert recommender.cv_scores.mean() >= noise["rating"].std()
    folds = KFold(5, shuffle=True, random_state=1)
    predictions = cross_val_predict(SklearnEcosystemPipeline(), X, y, cv=folds)
    assert r2_score(y, predictions) <= 0


def test_the_held_out_score_of_a_search_finds_nothing_in_noise(noise):
    """Not its best_score_: the best of many is above zero by luck, which is why a test
    set is held out.
    """
    train, test = train_test_split(noise, test_size=0.2, random_state=0)
    grid = {"model": ["forest", "linear"]}
    search = GridSearchCV(
        SklearnEcosystemPipeline(), grid, cv=3, error_score="raise"
    ).fit(train, train["rating"])
    assert search.score(test, test["rating"]) <= 0.002
    tuned = SklearnEcosystemPipeline()
    tuned.train(train, train["rating"], perform_cv=False, tune_hyperparameters=True)
    assert tuned.evaluate(test)[0]["R2"] <= 0


def test_a_selection_of_features_finds_nothing_in_noise(noise):
    train, test = train_test_split(noise, test_size=0.2, random_state=0)
    recommender = SklearnEcosystemPipeline(select=SelectKBest(f_regression, k=5)).fit(
        train
    )
    assert recommender.score(test, test["rating"]) <= 0


def test_control_the_naive_way_seems_to_predict_noise(noise):
    """What every other lesson does: averages over all rows, before the split.

    The same noise, the same forest.
    """
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


def test_without_cross_fitting_a_model_trusts_the_averages_too_much(noise):
    """The subtler leak: averages of training rows alone, their own rating included.

    It costs on every new row.
    """
    train, test = train_test_split(noise, test_size=0.2, random_state=0)
    pipeline = SklearnEcosystemPipeline(model="linear").build_pipeline()
    plain = pipeline[0].fit(train).transform(train)
    rows = pipeline[0].transform(test)
    naive = pipeline[-1].fit(plain, train["rating"]).predict(rows)
    honest = SklearnEcosystemPipeline(model="linear").fit(train).predict(test)
    assert r2_score(test["rating"], naive) < r2_score(test["rating"], honest) - 0.02


def test_averages_from_before_the_split_fall_below_the_noise_floor():
    """At two ratings per user the fragile way is better than the perfect predictor:
    that is proof. The honest way is not.
    """
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


def test_pairs_twice_split_by_hand_are_the_one_route_left_and_evaluate_warns_of_it(
    noise,
):
    """Half of the test pairs stand in training as well: their ratings reach the
    features, and a score on noise is above zero.
    """
    train, test = train_test_split(noise, test_size=0.2, random_state=0)
    recommender = SklearnEcosystemPipeline(model="factors").fit(
        pd.concat([train, test[:1000]])
    )
    with pytest.warns(
        UserWarning, match="^1000 test rows are of pairs that the model was trained on"
    ) as caught:
        metrics, _ = recommender.evaluate(test)
    assert len(caught) == 1
    assert metrics["R2"] > 0.05
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recommender.evaluate(test[1000:])
    X, y, *_ = recommender.create_features(test[:1000])
    with pytest.warns(UserWarning, match="^1000 test rows are of pairs"):
        recommender.evaluate(X, y)  # engineered rows are known by their ids, too
