"""What a table of ratings must look like, and what is said of one that does not."""

import datetime
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
    compare_models,
    load_movielens,
    ranking_metrics,
)
from recommender.matrix import MovieContent
from recommender.names import OTHER_NAMES, near_miss
from recommender.table import IDS, RATING, TABLE_COLUMNS, check_training_table


def warnings_of(call, *arguments):
    """Return the messages of all warnings of a call."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(*arguments)
    assert all(warning.category is UserWarning for warning in caught)
    assert all(warning.filename == __file__ for warning in caught)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize(
    ("expected", "name"),
    [
        ("user_id", "userId"),
        ("user_id", "User ID"),
        ("user_id", "user"),
        ("movie_id", "movieId"),
        ("movie_id", "item_id"),
        ("movie_id", "MOVIE-ID"),
    ],
)
def test_the_error_for_a_missing_id_names_the_column_to_rename(table, expected, name):
    renamed = table.rename(columns={expected: name})
    message = f"lacks the column '{expected}'.*rename '{name}' to '{expected}'"
    fitted = SklearnEcosystemPipeline(model="linear").fit(table)
    for call in (
        SklearnEcosystemPipeline(model="linear").fit,
        MatrixFactorization().fit,
        MovieRanker().fit,
        fitted.predict,
    ):
        with pytest.raises(ValueError, match=message):
            call(renamed)


def test_both_ids_are_named_in_one_sentence(table):
    renamed = table.rename(columns={"user_id": "userId", "movie_id": "movieId"})
    with pytest.raises(ValueError, match="'userId' to 'user_id' .*'movieId' to 'movie"):
        check_training_table(renamed)


@pytest.mark.parametrize("names", [["who", "what"], [0, 1], [("user", 1), None]])
def test_no_column_is_to_be_renamed_if_no_name_comes_near(table, names):
    renamed = table[IDS].set_axis(names, axis=1)
    with pytest.raises(ValueError, match="lacks the column 'user_id'") as caught:
        check_training_table(renamed)
    assert "rename" not in str(caught.value)


NEAR = {
    "genre": "genres",
    "movie_year": "year",
    "user_age": "age",
    "user_country": "country",
    "timestamp": "Timestamp",
}


@pytest.mark.parametrize("expected", NEAR)
def test_a_column_under_another_name_is_named_once_in_training(
    table, expected, monkeypatch
):
    monkeypatch.setattr(lesson_code, "MODELS", {"linear": lesson_code.MODELS["linear"]})
    renamed = table[:300].rename(columns={expected: NEAR[expected]})
    for train in (SklearnEcosystemPipeline(model="linear").train, compare_models):
        (message,) = warnings_of(train, renamed)
        assert repr(NEAR[expected]) in message
        assert repr(expected) in message
        assert "not used" in message


def test_all_columns_under_other_names_are_named_together(table):
    (message,) = warnings_of(check_training_table, table.rename(columns=NEAR))
    for expected, name in NEAR.items():
        assert repr(expected) in message
        assert repr(name) in message


def test_predictions_come_without_these_warnings(table):
    renamed = table.rename(columns=NEAR)
    commas = table.assign(genre="Action,Comedy")
    fitted = SklearnEcosystemPipeline(model="linear").fit(table)
    user = int(table["user_id"].iloc[0])
    for rows in (renamed, commas):
        assert warnings_of(fitted.predict, rows.drop(columns=RATING)) == []
    assert warnings_of(fitted.recommend, user) == []


def test_other_names_beside_the_expected_ones_are_no_mistake(table):
    both = table.assign(**{name: 1 for name in NEAR.values()})
    assert warnings_of(check_training_table, both) == []


def test_no_name_stands_for_two_columns():
    all_names = [*OTHER_NAMES]
    for names in OTHER_NAMES.values():
        all_names += names
    for expected in OTHER_NAMES:
        near = [name for name in all_names if near_miss(expected, [name])]
        assert near == [expected, *OTHER_NAMES[expected]]
    assert {*OTHER_NAMES, RATING} == {*TABLE_COLUMNS}


def with_genres(table, genres):
    """Return the table; its movies have these genres, one after the other."""
    genre_of_movie = {
        movie: genres[number % len(genres)]
        for number, movie in enumerate(sorted(set(table["movie_id"])))
    }
    return table.assign(genre=table["movie_id"].map(genre_of_movie))


COMMAS = ["Action,Comedy", "Drama, War", "Drama", None, "War"]


@pytest.mark.parametrize("kind", [None, "category", "string"])
def test_genres_joined_by_commas_give_one_warning_in_training(table, kind):
    commas = with_genres(table, COMMAS)
    if kind is not None:
        commas["genre"] = commas["genre"].astype(kind)
    train = SklearnEcosystemPipeline(model="linear").train
    (message,) = warnings_of(train, commas)
    assert "'Action,Comedy'" in message
    assert "'|'" in message


@pytest.mark.parametrize(
    "genres",
    [
        ["Action|Comedy", "Drama, War", "War, Western"],
        ["Action", "Comedy", "Drama", "War", "Sci-Fi, Fantasy"],
        ["Action", "Comedy"],
        [1, 2],
        [None],
    ],
    ids=["a bar", "one comma", "none", "numbers", "nothing"],
)
def test_other_genres_give_no_warning(table, genres):
    assert warnings_of(check_training_table, with_genres(table, genres)) == []


def test_neither_the_table_of_the_lesson_nor_its_features_give_a_warning(table):
    recommender = SklearnEcosystemPipeline(model="linear")
    assert warnings_of(check_training_table, table) == []
    features, ratings, *_ = recommender.create_features(table)
    assert warnings_of(check_training_table, features, ratings) == []
    assert warnings_of(check_training_table, table[[*IDS, RATING]]) == []


def test_a_real_release_gives_no_warning(real_release):
    assert warnings_of(check_training_table, load_movielens(real_release)) == []


# ----- Ratings, dates, genres


def test_a_table_without_ratings_is_told_what_to_do(table):
    views = table.drop(columns="rating")
    with pytest.raises(ValueError, match="MovieRanker"):
        SklearnEcosystemPipeline().fit(views)
    with pytest.raises(ValueError, match="rename 'stars' to 'rating'"):
        SklearnEcosystemPipeline().fit(table.rename(columns={"rating": "stars"}))


def test_dates_may_be_python_objects(table):
    dates = pd.to_datetime(table["timestamp"], unit="s")
    objects = [date.to_pydatetime() for date in dates]
    as_objects = pd.Series(objects, table.index, dtype=object)
    expected = UserMovieFeatureTransformer().fit_transform(table)
    features = UserMovieFeatureTransformer().fit_transform(
        table.assign(timestamp=as_objects)
    )
    pd.testing.assert_frame_equal(features, expected)


@pytest.mark.parametrize("year", [2250, 9999])
def test_dates_that_are_too_late_are_refused_as_dates(table, year):
    late = pd.Series([datetime.datetime(year, 1, 1)] * len(table), dtype=object)
    with pytest.raises(ValueError, match="timestamp holds dates") as error:
        UserMovieFeatureTransformer().fit(table.assign(timestamp=late))
    assert "millisecond" not in str(error.value)


def test_dates_as_text_are_refused_with_the_way_out(table):
    with pytest.raises(ValueError, match=r"pd\.to_datetime"):
        UserMovieFeatureTransformer().fit(table.assign(timestamp="2026-01-01"))


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
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
