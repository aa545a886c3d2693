"""How a table of ratings is read, and of what a warning tells.

What is refused is in tests/hostile/test_errors.py.
"""

import warnings

import numpy as np
import pandas as pd
import pytest

import lesson_code
from lesson_code import (
    MatrixFactorization,
    MovieRanker,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
    ranking_metrics,
)
from recommender.checks import check_number, check_seed, shorten
from recommender.matrix import MovieContent
from recommender.names import OTHER_NAMES, near_miss
from recommender.table import (
    RATING,
    TABLE_COLUMNS,
    check_ratings,
    check_training_table,
    number_column,
)


def warnings_of(call, *arguments):
    """Return the messages of all warnings of a call; they point to the caller."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(*arguments)
    assert all(warning.category is UserWarning for warning in caught)
    assert all(warning.filename == __file__ for warning in caught)
    return [str(warning.message) for warning in caught]


# ----- Tables and the names of their columns


def test_no_name_stands_for_two_columns():
    all_names = [*OTHER_NAMES]
    for names in OTHER_NAMES.values():
        all_names += names
    for expected in OTHER_NAMES:
        near = [name for name in all_names if near_miss(expected, [name])]
        assert near == [expected, *OTHER_NAMES[expected]]
    assert {*OTHER_NAMES, RATING} == {*TABLE_COLUMNS}


NEAR = {
    "genre": "genres",
    "movie_year": "year",
    "user_age": "age",
    "user_country": "country",
    "timestamp": "Timestamp",
}
COMMAS = ["Action,Comedy", "Drama, War", "Drama", None, "War"]


def with_genres(table, genres):
    """Return the table; its movies have these genres, one after the other."""
    return table.assign(genre=[genres[movie % len(genres)] for movie in table.movie_id])


@pytest.mark.parametrize(
    "train",
    [SklearnEcosystemPipeline(model="linear").train, lesson_code.compare_models],
    ids=["train", "compare_models"],
)
def test_training_names_all_columns_under_other_names_once(table, train, monkeypatch):
    monkeypatch.setattr(lesson_code, "MODELS", {"linear": lesson_code.MODELS["linear"]})
    (message,) = warnings_of(train, table.rename(columns=NEAR))
    for expected, name in NEAR.items():
        assert repr(expected) in message and repr(name) in message


def test_genres_joined_by_commas_give_one_warning_in_training(table):
    commas = with_genres(table, COMMAS)
    (message,) = warnings_of(SklearnEcosystemPipeline(model="linear").train, commas)
    assert "'Action,Comedy'" in message and "'|'" in message


RIGHT = {
    "features": lambda table: SklearnEcosystemPipeline().create_features(table)[0],
    "more columns": lambda table: table.assign(**dict.fromkeys(NEAR.values(), 1)),
    "a bar": lambda table: with_genres(table, ["Action|Comedy", "Drama, War", "War"]),
    "one comma": lambda table: with_genres(
        table, ["Action", "Comedy", "Drama", "War", "Sci-Fi, Fantasy"]
    ),
    "numbers": lambda table: with_genres(table, [1, 2]),
    "no genre": lambda table: with_genres(table, [None]),
}


@pytest.mark.parametrize("kind", RIGHT)
def test_a_table_as_it_should_be_gives_no_warning(table, kind):
    assert warnings_of(check_training_table, RIGHT[kind](table), table[RATING]) == []


def test_predictions_come_without_these_warnings(linear, table):
    for rows in (table.rename(columns=NEAR), with_genres(table, COMMAS)):
        assert warnings_of(linear.predict, rows.drop(columns=RATING)) == []


# ----- Numbers, dates, genres


def test_numbers_may_be_large_and_have_gaps_of_any_kind():
    years = pd.DataFrame({"movie_year": [1e15 - 1, None]})
    for kind in ("float64", "Int64", object):
        values = number_column(years.astype({"movie_year": kind}), "movie_year")
        np.testing.assert_array_equal(values, [1e15 - 1, np.nan])
    assert check_ratings(years[:1], [1e15 - 1]) == [1e15 - 1]
    end_of_2200 = pd.Timestamp("2200-12-31 23:59:59").timestamp()
    seconds = pd.DataFrame({"timestamp": [end_of_2200]})
    assert number_column(seconds, "timestamp") == [end_of_2200]


@pytest.mark.parametrize("column", ["genre", "movie_year", "user_id"])
def test_columns_of_arrow_that_hold_no_single_values_are_refused(table, column):
    pyarrow = pytest.importorskip("pyarrow")
    structure = pyarrow.struct([("a", pyarrow.int64())])
    cells = pd.array([{"a": 1}] * len(table), dtype=pd.ArrowDtype(structure))
    with pytest.raises(ValueError, match=f"{column} must hold") as caught:
        UserMovieFeatureTransformer().fit(table.assign(**{column: cells}))
    assert "\n" not in str(caught.value)


def test_dates_may_be_python_objects(table):
    dates = pd.to_datetime(table["timestamp"], unit="s")
    objects = [date.to_pydatetime() for date in dates]
    as_objects = table.assign(timestamp=pd.Series(objects, table.index, dtype=object))
    np.testing.assert_array_equal(
        number_column(as_objects, "timestamp"), table["timestamp"]
    )


def test_no_genre_is_a_missing_genre_in_every_table(table):
    """Kaggle's tables say so, too, not only those of `load_movielens`."""
    genre = table["genre"].to_numpy(dtype=object, copy=True)
    genre[::3] = None
    expected = UserMovieFeatureTransformer().fit(table.assign(genre=genre))
    for none in ("(no genres listed)", ""):
        genre[::3] = none
        fitted = UserMovieFeatureTransformer().fit(table.assign(genre=genre))
        known = fitted.genre_encoder_.categories_[0].tolist()
        assert known == expected.genre_encoder_.categories_[0].tolist()
        genres = MovieContent().fit(table.assign(genre=genre)).vectorizer.vocabulary_
        assert none not in genres


# ----- Parameters, and values in messages


@pytest.mark.parametrize(
    ("number", "integer", "expected"),
    [(np.uint8(2), True, 2), (np.float32(2), False, 2.0), (1e15 - 1, False, 1e15 - 1)],
)
def test_numbers_of_numpy_become_those_of_python(number, integer, expected):
    found = check_number("n", number, 2, integer=integer)
    assert (found, type(found)) == (expected, type(expected))


def test_a_seed_may_be_all_that_scikit_learn_takes():
    for seed in (None, 0, 2**32 - 1, np.random.RandomState(0)):
        check_seed(seed)


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no repr")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.float64(2.5), "2.5"),
        (np.eye(2), "a ndarray of shape (2, 2)"),
        ("x" * 100, "'" + "x" * 79 + "... (a str)"),
        (Unprintable(), "a Unprintable"),
        ([pd.DataFrame({"a": [1]})], "[   a 0  1]"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_shown_as_it_is_if_it_is_short(value, shown):
    assert shorten(value) == shown


# ----- Pairs that are rated twice

ORDERS = {
    "older rows first": lambda older, table: [older, table],
    "older rows last": lambda older, table: [table, older],
    "without times, the last row": lambda older, table: [
        rows.drop(columns="timestamp") for rows in (older, table)
    ],
    # even one before 1970
    "a time beats none": lambda older, table: [
        table.assign(timestamp=-5.0),
        older.assign(timestamp=np.nan),
    ],
    # so many ties that an unstable sort would mix them
    "at the same time, the last row": lambda older, table: [
        rows.assign(timestamp=np.arange(len(rows)) % 3) for rows in (older, table)
    ],
}


@pytest.mark.parametrize("order", ORDERS)
def test_of_a_pair_rated_twice_the_latest_counts(table, order):
    older = table.assign(rating=1.0, timestamp=table["timestamp"] - 1)
    twice = pd.concat(ORDERS[order](older, table), ignore_index=True)
    with pytest.warns(UserWarning, match="^2000 older ratings"):
        fitted = UserMovieFeatureTransformer().fit(twice)
    expected = UserMovieFeatureTransformer().fit(table)
    for learned in ("user_avg_", "movie_avg_", "user_count_", "movie_count_"):
        np.testing.assert_allclose(getattr(fitted, learned), getattr(expected, learned))
    with pytest.warns(UserWarning, match="older ratings"):
        features = UserMovieFeatureTransformer().fit_transform(twice)
    # A transformer may not drop a row; it does not count it.
    assert len(features) == len(twice) and features.notna().all(axis=None)
    counts = twice["user_id"].map(table["user_id"].value_counts())
    assert (features["user_rating_count"] == counts).all()


def trained_on(rows):
    return SklearnEcosystemPipeline(model="linear").fit(rows)


WHO_READS_RATINGS = {
    "features": lambda rows, _: UserMovieFeatureTransformer().fit(rows).user_avg_,
    "create_features": lambda rows, fitted: fitted.create_features(rows)[0],
    "train": lambda rows, _: trained_on(rows).predict(rows[-90:]),
    "factors": lambda rows, _: MatrixFactorization().fit(rows).predict(rows[-90:]),
    "ranker": lambda rows, _: MovieRanker().fit(rows).recommend([1, 2])["score"],
    "recommend_new": lambda rows, fitted: fitted.ranker_.recommend_new(rows)["score"],
    "evaluate_ranking": lambda rows, fitted: [*fitted.evaluate_ranking(rows).values()],
    "ranking_metrics": lambda rows, fitted: [
        *ranking_metrics(fitted.ranker_.recommend([1, 2]), rows).values()
    ],
}


@pytest.mark.parametrize("who", WHO_READS_RATINGS)
def test_whoever_reads_ratings_tells_once_of_pairs_rated_twice(linear, table, who):
    rows = table[1600:]
    older = rows[:30].assign(rating=1.0, timestamp=5)
    expected = WHO_READS_RATINGS[who](rows, linear)
    twice = pd.concat([older, rows], ignore_index=True)
    with pytest.warns(UserWarning, match="^30 older ratings") as caught:
        found = WHO_READS_RATINGS[who](twice, linear)
    assert len(caught) == 1
    assert caught[0].filename == __file__, "it points to the caller"
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
