"""What the movies are, as columns of numbers."""

import numpy as np
import pandas as pd
from recommending import TINY

from lesson_code import MatrixFactorization, MovieRanker
from recommender.matrix import MAX_DECADES, MovieContent, RatingHistory, rating_matrix


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
    names = content.vectorizer.get_feature_names_out().tolist()
    assert names == ["Comedy", "Drama", "Sci-Fi", "War", "none"]
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


def test_a_row_with_gaps_does_not_hide_what_an_earlier_one_has_told_of_a_movie():
    rows = pd.DataFrame(
        {
            "user_id": [1, 2, 3, 1],
            "movie_id": [7, 7, 7, 8],
            "rating": 3.0,
            "genre": ["Drama", "War", "(no genres listed)", None],
            "movie_year": [1990.0, np.nan, np.nan, np.nan],
        }
    )
    history = RatingHistory(rating_matrix(rows))
    assert pd.Series(history.genre).fillna("missing").tolist() == ["War", "missing"]
    np.testing.assert_array_equal(history.movie_year, [1990.0, np.nan])


def test_genres_that_differ_in_capitals_are_two():
    content = MovieContent().fit(TINY.assign(genre=["Drama", "drama"] * 4))
    names = content.vectorizer.get_feature_names_out().tolist()
    assert names == ["Drama", "drama", "none"]


def test_of_more_than_a_hundred_genres_a_hundred_are_used():
    genres = [f"genre {n}" for n in range(120)]
    movies = {"movie_id": range(120), "genre": genres}
    table = pd.DataFrame({"user_id": 1, "rating": 3.0} | movies)
    content = MatrixFactorization(2, 0).fit(table).content_
    assert content.transform(table).shape == (120, 100 + 1)  # the genres, the year


def movies_of_years(years, genre=None):
    """Return a table in which three users rate movies of these years."""
    movie = np.arange(len(years))
    movies = pd.DataFrame({"movie_id": movie, "movie_year": years, "genre": genre})
    users = pd.DataFrame({"user_id": [1, 2, 3]})
    table = users.merge(movies, how="cross")
    kept = (table["user_id"] + table["movie_id"]) % 4 > 0
    return table[kept].assign(rating=1.0 + table["movie_id"] % 5)


def test_movies_of_a_genre_or_a_decade_are_of_one_kind():
    genres = ["War", "Drama|War", None, "Drama", None]
    table = movies_of_years([1999, 1990.0, np.nan, 2005, 1902], genre=genres)
    kinds = RatingHistory(rating_matrix(table)).kinds
    assert kinds.toarray().tolist() == [
        [0, 1, 0, 1, 0],  # Drama
        [1, 1, 0, 0, 0],  # War
        [0, 0, 0, 0, 0],  # nothing else
        [0, 0, 0, 0, 1],  # 1900s
        [1, 1, 0, 0, 0],  # 1990s
        [0, 0, 0, 1, 0],  # 2000s
    ]


def test_seconds_in_the_place_of_years_make_few_decades():
    years = 946_684_800.0 + 86_400 * np.arange(5000)
    years[1000:1010] = 2004
    matrix = rating_matrix(movies_of_years(years))
    kinds = RatingHistory(matrix).kinds
    assert kinds.shape[0] <= MAX_DECADES + 1
    assert kinds.nnz < 2 * MAX_DECADES
    assert kinds.sum(axis=1).max() == 10  # the decade of most movies is among them


def test_a_genre_that_no_movie_has_changes_no_prediction():
    """A movie without a genre is as one whose only genre is unknown to the training."""
    table = movies_of_years([1990, 2000, 1980, 2010, 1995], genre=[None] * 5)
    without = table.drop(columns="genre")
    new = pd.DataFrame({"user_id": [1, 2], "movie_id": 99, "genre": ["none", None]})
    for model in (MatrixFactorization(1, 1), MatrixFactorization(1, 1, content=False)):
        expected = model.fit(without).predict(new.drop(columns="genre"))
        np.testing.assert_allclose(model.fit(table).predict(new), expected)
    ranked = [MovieRanker().fit(rows).recommend([1, 2]) for rows in (table, without)]
    pd.testing.assert_frame_equal(*ranked)


def test_ratings_of_users_have_sorted_indices(table):
    """Matrices share their indices: if SciPy sorted one, another would be wrong."""
    history = RatingHistory(rating_matrix(table))
    assert history.stars().has_sorted_indices
    assert history.stars_of(history.users).has_sorted_indices
    last_first = {int(movie): 3.0 for movie in history.movies[::-1]}
    stars, _ = history.new_user(last_first)
    assert stars.has_sorted_indices
