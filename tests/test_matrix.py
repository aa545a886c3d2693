"""What the movies are, as columns of numbers."""

import numpy as np
import pandas as pd
from recommending import TINY

from lesson_code import (
    MatrixFactorization,
)
from recommender.matrix import MovieContent


def test_the_genres_of_a_movie_share_one_however_frequent_or_repeated_they_are():
    genres = ["Drama|War", "Drama", "Drama|Comedy", "War|Drama|War", "Sci-Fi", None]
    rows = pd.DataFrame(
        {
            "user_id": 1,
            "movie_id": range(6),
            "genre": genres,
            "movie_year": [1990.0, 2000, 2010, 1980, 1995, np.nan],
        }
    )
    content = MovieContent().fit(rows)
    assert content.vectorizer.get_feature_names_out().tolist() == [
        "Comedy",
        "Drama",
        "Sci-Fi",
        "War",
        "none",
    ]
    half = 1 / np.sqrt(2)
    expected = [
        [0, half, 0, half, 0],
        [0, 1, 0, 0, 0],
        [half, half, 0, 0, 0],
        [0, half, 0, half, 0],
        [0, 0, 1, 0, 0],
        [0] * 5,
    ]
    told = content.transform(rows)
    np.testing.assert_allclose(told[:, :-1], expected)
    # in half centuries from the mean
    np.testing.assert_allclose(told[:, -1], [-0.1, 0.1, 0.3, -0.3, 0, 0])


def test_genres_that_differ_in_capitals_are_two():
    content = MovieContent().fit(TINY.assign(genre=["Drama", "drama"] * 4))
    assert content.vectorizer.get_feature_names_out().tolist() == [
        "Drama",
        "drama",
        "none",
    ]


def test_of_more_than_a_hundred_genres_a_hundred_are_used():
    table = pd.DataFrame(
        {
            "user_id": 1,
            "movie_id": range(120),
            "genre": [f"genre {n}" for n in range(120)],
            "rating": 3.0,
        }
    )
    model = MatrixFactorization(2, 0).fit(table)
    # the genres, the year, the free ones
    assert model.movie_factors_.shape == (120, 100 + 1 + 2)
