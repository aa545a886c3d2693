"""The titles of made-up movies: all different, the same for the same movies, and as a
reader would write them.
"""

import re

import numpy as np
import pytest

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline
from recommender.synthetic import GENRES
from recommender.titles import ADJECTIVES, NOUNS, make_titles, roman


@pytest.fixture(scope="module")
def table():
    return MovieRecommendationDataset().generate()


@pytest.fixture(scope="module")
def movies(table):
    return table.drop_duplicates("movie_id").astype({"title": str})


def titles_by_id(table):
    titles = table.drop_duplicates("movie_id").set_index("movie_id")["title"]
    return titles.astype(str).sort_index()


def test_every_movie_has_one_title_and_no_two_share_one_even_without_its_year(table):
    assert (table.groupby("movie_id")["title"].nunique() == 1).all()
    titles = titles_by_id(table)
    assert len(titles) == table["movie_id"].nunique()
    assert titles.str.replace(r" \(\d+\)$", "", regex=True).is_unique


def test_the_year_in_a_title_is_that_of_the_movie(movies):
    year = movies["title"].str.extract(r"\((\d{4})\)$")[0].astype(int)
    assert (year == movies["movie_year"]).all()


def test_a_title_fits_the_first_genre_of_its_movie(movies):
    first_genre = movies["genre"].str.partition("|")[0]
    last_word = movies["title"].str.extract(r"(\w+) \(")[0]
    for genre, nouns in NOUNS.items():
        assert last_word[first_genre == genre].isin(nouns.split()).all()


def test_the_same_movies_have_the_same_titles_however_often_they_are_rated(table):
    fewer = MovieRecommendationDataset(700, 500, n_ratings=3000).generate()
    some = titles_by_id(fewer)
    assert some.equals(titles_by_id(table)[some.index])


def test_titles_are_the_same_on_every_machine(table):
    """They were written down from one run: another rule gives others."""
    titles = titles_by_id(table)
    assert titles[[1, 2, 250, 500]].tolist() == [
        "The Second Planet (2007)",
        "The Careless Cellar (2006)",
        "The Sleeping Bullet (1991)",
        "The Iron Alibi (2020)",
    ]


@pytest.mark.parametrize("genre", GENRES)
def test_thousands_of_movies_of_one_genre_become_sequels_of_each_other(genre):
    names = make_titles([genre] * 5000, [2000] * 5000)
    assert len(set(names)) == 5000
    n_pairs = len(ADJECTIVES.split()) * len(NOUNS[genre].split())
    assert not any(re.search(r" [IVX]+ \(", name) for name in names[:n_pairs])
    for first, second in zip(names[:n_pairs], names[n_pairs : 2 * n_pairs]):
        assert second == first.replace(" (2000)", " II (2000)")


def test_roman_numerals_are_those_of_the_romans():
    numerals = {1: "I", 2: "II", 4: "IV", 8: "VIII", 14: "XIV", 49: "XLIX", 90: "XC"}
    numerals |= {
        100: "C",
        444: "CDXLIV",
        950: "CML",
        1994: "MCMXCIV",
        3999: "MMMCMXCIX",
    }
    assert {number: roman(number) for number in numerals} == numerals


def test_no_word_of_a_title_is_doubled():
    nouns = " ".join(NOUNS.values()).split()
    words = ADJECTIVES.split() + nouns
    assert len(set(words)) == len(words)
    assert list(NOUNS) == GENRES


def test_titles_take_little_room_in_a_table(table):
    """A string per row would take 8 bytes and more."""
    assert table["title"].memory_usage(index=False) < 4 * len(table)


def test_recommendations_of_a_made_up_table_show_its_titles(table):
    recommender = SklearnEcosystemPipeline(model="linear").fit(table[:5000])
    best = recommender.recommend(7, n=5)
    assert (best["title"] == titles_by_id(table)[best["movie_id"]].to_numpy()).all()
    assert {type(title) for title in recommender.titles_.values()} == {str}


def test_titles_do_not_reach_a_model(table):
    rows = table[:3000]
    shuffled = rows.assign(title=rows["title"].to_numpy()[::-1])
    new_rows = table[3000:3100]
    for X in (rows.drop(columns="title"), shuffled):
        model = SklearnEcosystemPipeline(model="linear").fit(X)
        expected = SklearnEcosystemPipeline(model="linear").fit(rows)
        assert np.array_equal(model.predict(new_rows), expected.predict(new_rows))
