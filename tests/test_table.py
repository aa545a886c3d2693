"""What a table of ratings must look like, and what is said of one that does not."""

import datetime
import decimal
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
from recommender.matrix import MovieContent
from recommender.names import OTHER_NAMES, near_miss
from recommender.table import (
    IDS,
    RATING,
    TABLE_COLUMNS,
    check_number,
    check_ratings,
    check_seed,
    check_table,
    check_training_table,
    factorize_strings,
    number_column,
    shorten,
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


class Foreign:
    """A table of another library."""

    def to_pandas(self):
        raise AssertionError("it is the caller who converts it")


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda t: t.to_numpy(), TypeError, r"DataFrame .*got ndarray\.$"),
        (lambda t: Foreign(), TypeError, r"Foreign of test_table: .*\.to_pandas\(\)"),
        (lambda t: t.drop(columns="user_id"), ValueError, "lacks .*'user_id'"),
        (lambda t: t.drop(columns="movie_id"), ValueError, "lacks .*'movie_id'"),
        (lambda t: t[:0], ValueError, "empty"),
        (lambda t: pd.concat([t, t[["genre"]]], axis=1), ValueError, "'genre'"),
    ],
    ids=["array", "foreign frame", "no user", "no movie", "no rows", "column twice"],
)
def test_what_is_no_table_of_ratings_is_refused(table, spoil, error, message):
    with pytest.raises(error, match=message):
        check_table(spoil(table))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["userId", "movie_id"], "rename 'userId' to 'user_id'"),
        (["User ID", "movie_id"], "rename 'User ID' to 'user_id'"),
        (["user_id", "item_id"], "rename 'item_id' to 'movie_id'"),
        (["userId", "movieId"], "'userId' to 'user_id' .*'movieId' to 'movie_id'"),
        (["who", "what"], r"lacks the column 'user_id'; it has \['who', 'what'\]\.$"),
        ([0, 1], r"lacks the column 'user_id'; it has \[0, 1\]\.$"),
        ([("user", 1), None], r"lacks the column 'user_id'; it has .*\]\.$"),
    ],
)
def test_the_error_for_a_missing_id_names_the_column_to_rename_if_one_comes_near(
    table, names, message
):
    with pytest.raises(ValueError, match=message):
        check_table(table[IDS].set_axis(names, axis=1))


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


@pytest.mark.parametrize("kind", [object, "category"])
def test_genres_joined_by_commas_give_one_warning_in_training(table, kind):
    commas = with_genres(table, COMMAS).astype({"genre": kind})
    (message,) = warnings_of(SklearnEcosystemPipeline(model="linear").train, commas)
    assert "'Action,Comedy'" in message and "'|'" in message


@pytest.mark.parametrize(
    "genres",
    [
        ["Action|Comedy", "Drama, War", "War, Western"],
        ["Action", "Comedy", "Drama", "War", "Sci-Fi, Fantasy"],
        [1, 2],
        [None],
    ],
    ids=["a bar", "one comma", "numbers", "nothing"],
)
def test_other_genres_give_no_warning(table, genres):
    assert warnings_of(check_training_table, with_genres(table, genres)) == []


def test_a_table_as_it_should_be_gives_no_warning(table):
    features, ratings, *_ = SklearnEcosystemPipeline().create_features(table)
    assert warnings_of(check_training_table, features, ratings) == []
    assert warnings_of(check_training_table, table[[*IDS, RATING]]) == []
    more = table.assign(**{name: 1 for name in NEAR.values()})
    assert warnings_of(check_training_table, more) == []


def test_predictions_come_without_these_warnings(linear, table):
    for rows in (table.rename(columns=NEAR), with_genres(table, COMMAS)):
        assert warnings_of(linear.predict, rows.drop(columns=RATING)) == []


def test_a_real_release_gives_no_warning(real_release):
    release = lesson_code.load_movielens(real_release)
    assert warnings_of(check_training_table, release) == []


# ----- Ratings


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "row 3 holds nan"),
        (-np.inf, "row 3 holds -inf"),
        (1e15, "below 1e15, but row 3"),
        ("5*", "numbers"),
        ([5], "numbers"),
        (decimal.Decimal("sNaN"), "numbers"),
    ],
    ids=["missing", "infinite", "too large", "text", "list", "sNaN"],
)
def test_a_bad_rating_is_refused(table, value, message):
    ratings = table["rating"].astype(object)
    ratings[3] = value
    with pytest.raises(ValueError, match=message):
        check_ratings(table, ratings)


NO_RATINGS = {
    "dates": (lambda y: pd.to_datetime(y, unit="s"), "must be numbers"),
    "times": (lambda y: pd.to_timedelta(y, unit="s"), "must be numbers"),
    "masked": (lambda y: np.ma.masked_less(y.to_numpy(), 2), "must be numbers"),
    "complex": (lambda y: y + 1j, "must be numbers"),
    "too short": (lambda y: y[:-1], "2000 rows"),
    "a table": (lambda y: y.to_frame(), "2000 rows"),
}


@pytest.mark.parametrize(("make", "message"), NO_RATINGS.values(), ids=NO_RATINGS)
def test_what_is_no_column_of_ratings_is_refused(table, make, message):
    with pytest.raises(ValueError, match=message):
        check_ratings(table, make(table["rating"]))


def test_a_rating_may_be_nearly_as_large_as_the_limit(table):
    assert check_ratings(table, table["rating"].replace(3, 1e15 - 1)).max() > 1e14


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.assign(rating=3.0), r"All 2000 ratings are 3\.0"),
        (lambda t: t.drop(columns="rating"), "MovieRanker"),
        (lambda t: t.rename(columns={"rating": "stars"}), "'stars' to 'rating'"),
    ],
    ids=["constant", "none", "another name"],
)
def test_nothing_is_learned_without_ratings_that_differ(table, spoil, message):
    with pytest.raises(ValueError, match=message):
        check_training_table(spoil(table))


# ----- Numbers, dates, genres


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["old", "new"], "movie_year must hold numbers, got a column"),
        ([1, [2]], "numbers"),
        ([1, decimal.Decimal("sNaN")], "numbers"),
        (pd.to_timedelta([1, 2]), "numbers"),
        ([1, 2j], "numbers"),
        ([1.0, np.inf], "finite .*row 1 holds inf"),
        ([-1e15, 0], "below 1e15, but row 0 holds -1"),
        (pd.Series([1, 10**400], dtype=object), "numbers"),
    ],
    ids=["text", "list", "sNaN", "times", "complex", "infinite", "-1e15", "10**400"],
)
def test_what_is_no_number_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        number_column(pd.DataFrame({"movie_year": values}), "movie_year")


def test_numbers_may_have_gaps_of_any_kind():
    years = pd.DataFrame({"movie_year": [1e15 - 1, None]})
    for kind in ("float64", "Int64", object):
        values = number_column(years.astype({"movie_year": kind}), "movie_year")
        np.testing.assert_array_equal(values, [1e15 - 1, np.nan])


@pytest.mark.parametrize("column", ["genre", "movie_year", "user_id"])
@pytest.mark.parametrize("kind", ["lists", "structures", "maps"])
def test_columns_of_arrow_that_hold_no_single_values_are_refused(table, column, kind):
    pyarrow = pytest.importorskip("pyarrow")
    value, type_of_cell = {
        "lists": (["Drama", "War"], pyarrow.list_(pyarrow.string())),
        "structures": ({"a": 1}, pyarrow.struct([("a", pyarrow.int64())])),
        "maps": ([("a", 1)], pyarrow.map_(pyarrow.string(), pyarrow.int64())),
    }[kind]
    cells = pd.array([value] * len(table), dtype=pd.ArrowDtype(type_of_cell))
    with pytest.raises(ValueError, match=f"{column} must hold") as caught:
        UserMovieFeatureTransformer().fit(table.assign(**{column: cells}))
    assert "\n" not in str(caught.value)


def test_lists_are_no_strings(table):
    with pytest.raises(ValueError, match="genre must hold strings"):
        factorize_strings(table.assign(genre=[["Drama"]] * len(table)), "genre")


def test_dates_may_be_python_objects(table):
    dates = pd.to_datetime(table["timestamp"], unit="s")
    objects = [date.to_pydatetime() for date in dates]
    as_objects = table.assign(timestamp=pd.Series(objects, table.index, dtype=object))
    np.testing.assert_array_equal(
        number_column(as_objects, "timestamp"), table["timestamp"]
    )


@pytest.mark.parametrize(
    ("date", "message"),
    [
        (datetime.datetime(2201, 1, 1), "dates after the year 2200"),
        (datetime.datetime(9999, 1, 1), "timestamp holds dates"),
        ("2026-01-01", r"pd\.to_datetime"),
    ],
    ids=["late", "later than pandas knows", "text"],
)
def test_dates_that_are_too_late_or_text_are_refused_as_dates(date, message):
    with pytest.raises(ValueError, match=message):
        number_column(pd.DataFrame({"timestamp": [date]}, dtype=object), "timestamp")


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


@pytest.mark.parametrize("value", [-1, np.nan, np.True_, "ten", None, [1.0]])
def test_a_parameter_out_of_its_range_is_refused_with_the_bound(value):
    with pytest.raises(ValueError, match="^damping must be a number of at least 0, "):
        check_number("damping", value, 0)


@pytest.mark.parametrize("value", [1e15, 10**400, np.inf])
def test_a_number_that_is_too_large_is_refused_with_the_limit(value):
    with pytest.raises(ValueError, match="below 1000000000000000, got"):
        check_number("damping", value, 0)


@pytest.mark.parametrize(
    ("number", "integer", "expected"),
    [(np.uint8(2), True, 2), (np.float32(2), False, 2.0), (1e15 - 1, False, 1e15 - 1)],
)
def test_numbers_of_numpy_become_those_of_python(number, integer, expected):
    found = check_number("n", number, 2, integer=integer)
    assert (found, type(found)) == (expected, type(expected))


def test_half_a_number_is_no_integer():
    with pytest.raises(ValueError, match="n must be an integer"):
        check_number("n", 2.5, 1, integer=True)


def test_a_seed_is_one_that_scikit_learn_takes():
    for seed in (None, 0, 2**32 - 1, np.random.RandomState(0)):
        check_seed(seed)
    for seed in (2**32, -1, 1.5, "seed"):
        with pytest.raises(ValueError, match="random_state must be .*below 4294967296"):
            check_seed(seed)


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no repr")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.float64(2.5), "2.5"),
        ("ann", "'ann'"),
        ([1, 2], "[1, 2]"),
        (np.eye(2), "a ndarray of shape (2, 2)"),
        (pd.Series([1]), "a Series of shape (1,)"),
        ("x" * 100, "'" + "x" * 79 + "... (a str)"),
        (Unprintable(), "a Unprintable"),
        ([pd.DataFrame({"a": [1]})], "[   a 0  1]"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_shown_as_it_is_if_it_is_short(value, shown):
    assert shorten(value) == shown


PLACES = ["before", "behind", "without times", "without a time", "at the same time"]


@pytest.mark.parametrize("place", PLACES)
def test_of_a_pair_rated_twice_the_latest_counts_and_without_times_the_last_row(
    table, place
):
    older = table.assign(rating=1.0, timestamp=table["timestamp"] - 1)[:50]
    parts = [older, table]
    if place == "behind":
        parts = [table, older]
    elif place == "without times":
        table, *parts = (part.drop(columns="timestamp") for part in (table, *parts))
    elif place == "without a time":  # then it is the older, even before 1970
        table = table.assign(timestamp=-5.0)
        parts = [table, older.assign(timestamp=float("nan"))]
    elif place == "at the same time":
        # so many ties that an unstable sort would mix them
        table = table.assign(timestamp=[row % 3 for row in range(len(table))])
        parts = [table.assign(rating=1.0), table]
    twice = pd.concat(parts, ignore_index=True)
    with pytest.warns(UserWarning, match="older ratings"):
        transformer = UserMovieFeatureTransformer().fit(twice)
    pd.testing.assert_frame_equal(
        transformer.transform(table),
        UserMovieFeatureTransformer().fit(table).transform(table),
    )
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


@pytest.mark.parametrize("title", [5, b"Heat", ["Heat"]], ids=repr)
def test_a_title_that_is_no_string_is_refused(table, title):
    titles = table.assign(title=pd.Series([title] * len(table), dtype=object))
    with pytest.raises(ValueError, match="title must hold strings"):
        SklearnEcosystemPipeline(model="linear").fit(titles)
