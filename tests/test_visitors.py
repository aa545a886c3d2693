"""The visitors of chapter 8: their chances are those of the law."""

import sys

import numpy as np
import pytest
from conftest import ROOT

from lesson_code import MovieRecommendationDataset

sys.path.insert(0, str(ROOT / "pillars"))
from visitors import chance_of_success, first_movies, opinions


@pytest.fixture(scope="module", params=[0.0, 1.0], ids=["no drift", "drift"])
def dataset(request):
    dataset = MovieRecommendationDataset(50, 40, 1000, drift=request.param)
    dataset.table = dataset.generate()
    return dataset


def positions(rows):
    return rows["user_id"].to_numpy() - 1, rows["movie_id"].to_numpy() - 1


def test_a_taste_is_that_of_the_law_at_its_time(dataset):
    for row in range(0, 1000, 100):
        rows = dataset.table[row : row + 1]
        _, taste = opinions(dataset, *positions(rows), rows["timestamp"].iloc[0])
        assert taste == pytest.approx(dataset.true_taste_[row : row + 1])


def test_a_chance_is_how_often_such_visits_succeed(dataset):
    rng = np.random.default_rng(0)
    timestamp = dataset.table["timestamp"].max()
    user, movie = positions(dataset.table)
    shown = np.arange(50) % 40
    chance = chance_of_success(dataset, dataset.table, shown, timestamp)
    for visitor in range(0, 50, 10):
        own = movie[user == visitor]
        watched = rng.choice(own, 20_000)
        visitors = np.full(20_000, visitor)
        _, taste = opinions(dataset, visitors, shown[visitors], timestamp)
        takes_it = taste + rng.standard_normal(20_000) > 1.5
        watched[takes_it] = shown[visitor]
        opinion, _ = opinions(dataset, visitors, watched, timestamp)
        noise = dataset.law_["sigma"][visitor] * rng.standard_normal(20_000)
        is_liked = np.round(2 * (opinion + noise)) / 2 >= 4
        assert is_liked.mean() == pytest.approx(chance[visitor], abs=0.02)


def test_the_first_movie_is_the_most_popular_one_that_a_user_has_not_rated(dataset):
    counts = dataset.table["movie_id"].value_counts()
    shown = first_movies(dataset.table, "popularity")
    for user_id in range(1, 51):
        rated = dataset.table.loc[dataset.table["user_id"] == user_id, "movie_id"]
        left = counts.drop(rated)
        assert left[shown[user_id - 1] + 1] == left.max()


def test_taste_shows_other_movies_than_popularity(dataset):
    by_taste = first_movies(dataset.table, "taste")
    assert (by_taste != first_movies(dataset.table, "popularity")).any()
