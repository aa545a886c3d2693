"""The visitors of chapters 6 and 8: their chances and stars are those of the law."""

import sys

import numpy as np
import pandas as pd
import pytest
from repository import ROOT

from lesson_code import MovieRecommendationDataset

sys.path.insert(0, str(ROOT / "pillars"))
from visitors import chance_of_like, chance_of_success, first_movies, true_stars_of


@pytest.fixture(scope="module", params=[0.0, 1.0], ids=["no drift", "drift"])
def dataset(request):
    dataset = MovieRecommendationDataset(50, 40, 1000, drift=request.param)
    dataset.table = dataset.generate()
    return dataset


def test_a_chance_is_how_often_such_visits_succeed(dataset):
    rng = np.random.default_rng(0)
    timestamp = dataset.table["timestamp"].max()
    # To each of five users we show the movie that fits best: it is often watched.
    users = pd.DataFrame({"user_id": range(1, 51, 10)})
    pairs = users.merge(pd.DataFrame({"movie_id": range(1, 41)}), how="cross")
    _, pairs["taste"] = dataset.opinions(pairs.assign(timestamp=timestamp))
    shown = pairs.loc[pairs.groupby("user_id")["taste"].idxmax()]
    chance = chance_of_success(dataset, dataset.table, shown, timestamp)
    n_watched = 0
    for user_id, movie_shown, expected in zip(
        shown["user_id"], shown["movie_id"], chance
    ):
        own = dataset.table[dataset.table["user_id"] == user_id]
        visits = own[["user_id", "movie_id"]].sample(
            20_000, replace=True, random_state=rng
        )
        visits["timestamp"] = timestamp
        _, taste = dataset.opinions(visits.assign(movie_id=movie_shown))
        takes_it = taste + rng.standard_normal(20_000) > 1.5
        visits.loc[takes_it, "movie_id"] = movie_shown
        n_watched += takes_it.sum()
        opinion, _ = dataset.opinions(visits)
        noise = dataset.law_["sigma"][user_id - 1] * rng.standard_normal(20_000)
        is_liked = np.round(2 * (opinion + noise)) / 2 >= 4
        assert is_liked.mean() == pytest.approx(expected, abs=0.012)
    assert n_watched > 0.1 * 5 * 20_000


def test_the_chance_of_a_like_is_how_often_such_ratings_are_4_or_more(dataset):
    rng = np.random.default_rng(0)
    rows = dataset.table.head(10)
    opinion, _ = dataset.opinions(rows)
    sigma = dataset.law_["sigma"][rows["user_id"] - 1]
    noise = sigma * rng.standard_normal((20_000, 10))
    is_liked = np.round(2 * (opinion + noise)) / 2 >= 4
    chance = chance_of_like(dataset, rows)
    assert is_liked.mean(axis=0) == pytest.approx(chance, abs=0.015)
    assert chance.max() > chance.min() + 0.3


def test_the_first_movie_is_the_most_popular_one_that_a_user_has_not_rated(dataset):
    counts = dataset.table["movie_id"].value_counts()
    shown = first_movies(dataset.table, "popularity").set_index("user_id")["movie_id"]
    assert list(shown.index) == list(range(1, 51))
    for user_id, movie_id in shown.items():
        rated = dataset.table.loc[dataset.table["user_id"] == user_id, "movie_id"]
        left = counts.drop(rated)
        assert left[movie_id] == left.max()


def test_taste_shows_other_movies_than_popularity(dataset):
    by_taste = first_movies(dataset.table, "taste")["movie_id"]
    assert (by_taste != first_movies(dataset.table, "popularity")["movie_id"]).any()


def test_true_stars_are_those_that_the_dataset_knows_of_its_own_rows():
    dataset = MovieRecommendationDataset(50, 40, 1000)
    table = dataset.generate()
    stars = true_stars_of(dataset, table)
    np.testing.assert_allclose(stars, dataset.true_expected_)


def test_true_stars_are_the_mean_of_the_ratings_of_a_pair_that_nobody_rated():
    dataset = MovieRecommendationDataset(50, 40, 1000)
    table = dataset.generate()
    users = pd.DataFrame({"user_id": range(1, 51)})
    pairs = users.merge(pd.DataFrame({"movie_id": range(1, 41)}), how="cross")
    rated = pairs.merge(table[["user_id", "movie_id"]], how="left", indicator=True)
    pairs = pairs[(rated["_merge"] == "left_only").to_numpy()][::100]
    opinion, _ = dataset.opinions(pairs)
    sigma = dataset.law_["sigma"][pairs["user_id"] - 1]
    noise = np.random.default_rng(0).standard_normal((20_000, len(pairs)))
    ratings = np.clip(np.round(2 * (opinion + sigma * noise)) / 2, 1, 5)
    stars = true_stars_of(dataset, pairs)
    np.testing.assert_allclose(stars, ratings.mean(axis=0), atol=0.03)
