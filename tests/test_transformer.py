"""The 13 features: against a slow and obvious re-implementation, and the properties
that the design promises.
"""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.model_selection import KFold
from sklearn.preprocessing import TargetEncoder

import lesson_code
from lesson_code import FEATURES, UserMovieFeatureTransformer

NAN = float("nan")
#: Twelve ratings by hand. Users 1 to 4, movies 10 to 40; gaps in every column that may
#: have gaps.
TRAIN = pd.DataFrame(
    [
        # user, movie, stars, Unix seconds, genre, year, age, country
        (1, 10, 5.0, 0, "Drama", 1990.0, 20.0, "US"),
        (1, 20, 3.0, 3600, "Action|War", NAN, NAN, "US"),
        (1, 30, 4.0, 90_000, None, 2000.0, 22.0, None),
        (2, 10, 1.0, 86_400 * 4, "Drama", NAN, 31.0, "DE"),
        (2, 20, 2.0, NAN, "Action", 1995.0, NAN, "DE"),
        (2, 40, 2.5, 86_400 * 5 + 7200, None, NAN, NAN, None),
        (3, 10, 4.5, 1e9, "Drama", 1991.0, NAN, None),
        (3, 30, 3.5, 1e9 + 3600, "Comedy", 2000.0, NAN, None),
        (3, 20, 4.0, 1e9 + 7200, None, NAN, NAN, None),
        (4, 10, 0.5, 1e9, "Drama", 1990.0, 47.0, "BR"),
        (4, 30, 5.0, 1e9 + 60, "Comedy", NAN, 48.0, "BR"),
        (4, 40, 3.0, NAN, None, NAN, NAN, None),
    ],
    columns=[
        "user_id",
        "movie_id",
        "rating",
        "timestamp",
        "genre",
        "movie_year",
        "user_age",
        "user_country",
    ],
    index=[f"row{i}" for i in range(12)],
)
NEW = pd.DataFrame(
    [
        (1, 40, 1e9, None, NAN, NAN, None),
        (3, 10, NAN, "Western", 1950.0, 5.0, "FR"),
        (9, 20, NAN, None, NAN, NAN, None),
        (2, 99, 0, "Comedy", NAN, NAN, None),
        (9, 99, 3600, None, NAN, NAN, None),
    ],
    columns=[
        "user_id",
        "movie_id",
        "timestamp",
        "genre",
        "movie_year",
        "user_age",
        "user_country",
    ],
)


def reference(train, rows, damping=10.0, cv=5, seed=0, cross_fit=False):
    """Every feature, row by row, with loops and dictionaries."""
    fold = {}
    for number, (_, held_out) in enumerate(
        KFold(cv, shuffle=True, random_state=seed).split(train)
    ):
        fold |= {position: number for position in held_out}
    ratings = list(
        zip(train["user_id"], train["movie_id"], train["rating"], range(len(train)))
    )

    def average(place, wanted, left_out):
        used = [r for r in ratings if left_out is None or fold[r[3]] != left_out]
        mean = sum(r[2] for r in used) / len(used)
        own = [r[2] for r in used if r[place] == wanted]
        return (sum(own) + damping * mean) / (len(own) + damping)

    def last_known(owner, wanted, column):
        values = [
            v
            for o, v in zip(train[owner], train[column])
            if o == wanted and not pd.isna(v)
        ]
        return values[-1] if values else None

    def number(row, owner, column):
        known = row[column]
        if pd.isna(known):
            known = last_known(owner, row[owner], column)
        return known if known is not None else np.median(train[column].dropna())

    def code(row, owner, column):
        names = sorted(train[column].dropna().unique())
        known = row[column]
        if known not in names:
            known = last_known(owner, row[owner], column)
        return names.index(known) if known in names else -1

    def clock(row, read):
        values = [read(pd.Timestamp(s, unit="s")) for s in train["timestamp"].dropna()]
        if not pd.isna(row["timestamp"]):
            return read(pd.Timestamp(row["timestamp"], unit="s"))
        most = max(map(values.count, values))
        return min(value for value in values if values.count(value) == most)

    out = []
    for position, (_, row) in enumerate(rows.iterrows()):
        left_out = fold[position] if cross_fit else None
        user = average(0, row["user_id"], left_out)
        movie = average(1, row["movie_id"], left_out)
        counts = [(train[o] == row[o]).sum() for o in ("user_id", "movie_id")]
        out.append(
            [
                row["user_id"],
                row["movie_id"],
                number(row, "user_id", "user_age"),
                number(row, "movie_id", "movie_year"),
                code(row, "movie_id", "genre"),
                code(row, "user_id", "user_country"),
                user,
                movie,
                user * movie,
                clock(row, lambda t: t.hour),
                clock(row, lambda t: t.weekday()),
                *counts,
            ]
        )
    return np.array(out, dtype=float)


@pytest.mark.parametrize("damping", [0.5, 10.0])
@pytest.mark.parametrize("cv", [2, 5])
def test_cross_fitted_features_are_those_of_the_slow_reference(damping, cv):
    ours = UserMovieFeatureTransformer(
        damping=damping, cv=cv, random_state=7
    ).fit_transform(TRAIN)
    np.testing.assert_allclose(
        ours, reference(TRAIN, TRAIN, damping, cv, 7, cross_fit=True), rtol=1e-12
    )
    assert ours.index.equals(TRAIN.index)


@pytest.mark.parametrize("n_rows", [2, 3])
def test_with_hardly_a_row_in_the_other_folds_features_are_those_of_the_slow_reference(
    n_rows,
):
    rows = TRAIN[:n_rows].assign(user_country="US", movie_year=1990.0, timestamp=0.0)
    ours = UserMovieFeatureTransformer(damping=0.5, cv=2).fit_transform(rows)
    np.testing.assert_allclose(
        ours, reference(rows, rows, 0.5, 2, 0, cross_fit=True), rtol=1e-12
    )


def test_features_of_new_rows_are_those_of_the_slow_reference():
    transformer = UserMovieFeatureTransformer().fit(TRAIN)
    np.testing.assert_allclose(
        transformer.transform(NEW), reference(TRAIN, NEW), rtol=1e-12
    )
    np.testing.assert_allclose(
        transformer.transform(TRAIN), reference(TRAIN, TRAIN), rtol=1e-12
    )


def test_an_unknown_string_counts_as_missing_or_is_minus_1_for_an_unknown_owner():
    transformer = UserMovieFeatureTransformer().fit(TRAIN)
    rows = pd.DataFrame(
        {
            "user_id": [1, 3, 77],
            "movie_id": [10, 40, 88],
            "genre": "Western",
            "user_country": "FR",
        }
    )
    features = transformer.transform(rows)
    missing = transformer.transform(rows[["user_id", "movie_id"]])
    pd.testing.assert_frame_equal(features, missing)
    genres, countries = (
        list(encoder.categories_[0])
        for encoder in (transformer.genre_encoder_, transformer.country_encoder_)
    )
    # nothing is known of movie 40
    assert features["genre_encoded"].tolist() == [genres.index("Drama"), -1, -1]
    # nor of user 3
    assert features["country_encoded"].tolist() == [countries.index("US"), -1, -1]


@pytest.mark.parametrize("damping", [0.5, 10.0])
@pytest.mark.parametrize("route", ["new rows", "cross-fitted"])
def test_averages_are_those_of_scikit_learns_target_encoder_to_the_last_bits(
    table, damping, route
):
    folds = KFold(5, shuffle=True, random_state=7)
    # before, its folds are told by number and seed
    since_1_9 = TargetEncoder().shuffle == "deprecated"
    how = {"cv": folds} if since_1_9 else {"cv": 5, "random_state": 7}
    encoder = TargetEncoder(target_type="continuous", smooth=damping, **how)
    ours = UserMovieFeatureTransformer(damping=damping, cv=5, random_state=7)
    ids = ["user_id", "movie_id"]
    averages = ["user_avg_rating", "movie_avg_rating"]
    if route == "cross-fitted":
        found = ours.fit_transform(table)
        expected = encoder.fit_transform(table[ids], table["rating"])
    else:
        new = table[ids].sample(frac=1, random_state=0)
        new = new.assign(user_id=new["user_id"] + 3)  # three are unknown
        found = ours.fit(table).transform(new)
        expected = encoder.fit(table[ids], table["rating"]).transform(new)
    np.testing.assert_allclose(found[averages], expected, rtol=1e-14)


def test_columns_order_and_types(table):
    features = UserMovieFeatureTransformer().fit_transform(table)
    assert list(features) == FEATURES
    assert features.dtypes.map(str).tolist() == ["int64", "int64"] + ["float64"] * 11
    temporal = {"hour_of_day", "day_of_week"}
    without = UserMovieFeatureTransformer(create_temporal=False).fit_transform(table)
    pd.testing.assert_frame_equal(
        without, features[[f for f in FEATURES if f not in temporal]]
    )


def test_weekdays_count_from_monday_and_hours_are_utc(table):
    features = UserMovieFeatureTransformer().fit(table).transform(table)
    time = pd.to_datetime(table["timestamp"], unit="s")
    assert (features["hour_of_day"] == time.dt.hour).all()
    assert (features["day_of_week"] == time.dt.day_of_week).all()


def test_an_unknown_user_or_movie_gets_the_mean_and_the_count_0():
    transformer = UserMovieFeatureTransformer().fit(TRAIN)
    row = transformer.transform(pd.DataFrame({"user_id": [77], "movie_id": [88]}))
    row = row.iloc[0]
    mean = pytest.approx(TRAIN["rating"].mean(), rel=0, abs=1e-12)
    assert row["user_avg_rating"] == mean
    assert row["movie_avg_rating"] == mean
    assert row["user_rating_count"] == row["movie_rating_count"] == 0
    assert row["genre_encoded"] == row["country_encoded"] == -1


def test_y_counts_where_the_table_has_ratings_too(table):
    y = np.random.RandomState(0).choice([1.0, 2.0], len(table))
    expected = UserMovieFeatureTransformer().fit_transform(
        table.drop(columns="rating"), y
    )
    pd.testing.assert_frame_equal(
        UserMovieFeatureTransformer().fit_transform(table, y), expected
    )


def test_transform_never_looks_at_a_rating(table):
    transformer = UserMovieFeatureTransformer().fit(table)
    expected = transformer.transform(table.drop(columns="rating"))
    for ratings in (np.nan, 5.0, "five"):
        pd.testing.assert_frame_equal(
            transformer.transform(table.assign(rating=ratings)), expected
        )


def test_averages_of_a_held_out_rating_are_not_in_its_features(table):
    """Change one rating: its own row keeps every feature that is
    cross-fitted, all rows of its fold do.
    """
    transformer = UserMovieFeatureTransformer()
    before = transformer.fit_transform(table)
    changed = table["rating"].copy()
    changed.iloc[123] = 1.0 if changed.iloc[123] > 3 else 5.0
    after = transformer.fit_transform(table, changed)
    fold = next(
        rows
        for _, rows in KFold(5, shuffle=True, random_state=0).split(table)
        if 123 in rows
    )
    pd.testing.assert_frame_equal(before.iloc[fold], after.iloc[fold])
    assert not before.drop(index=before.index[fold]).equals(
        after.drop(index=after.index[fold])
    )


def test_fit_transform_differs_from_fit_and_transform_only_in_what_is_cross_fitted(
    table,
):
    transformer = UserMovieFeatureTransformer()
    crossed = transformer.fit_transform(table)
    plain = transformer.fit(table).transform(table)
    differ = ["user_avg_rating", "movie_avg_rating", "user_movie_interaction"]
    pd.testing.assert_frame_equal(
        crossed.drop(columns=differ), plain.drop(columns=differ)
    )
    assert (crossed[differ] != plain[differ]).mean().min() > 0.9


def test_transform_depends_on_neither_row_order_nor_company_nor_column_order(table):
    transformer = UserMovieFeatureTransformer().fit(table)
    whole = transformer.transform(table)
    shuffled = table.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(
        transformer.transform(shuffled), whole.loc[shuffled.index]
    )
    pd.testing.assert_frame_equal(transformer.transform(table[7:8]), whole[7:8])
    pd.testing.assert_frame_equal(
        transformer.transform(table[table.columns[::-1]]), whole
    )


def test_what_a_row_lacks_training_fills_in(table):
    transformer = UserMovieFeatureTransformer().fit(table)
    bare = transformer.transform(table[["user_id", "movie_id"]])
    whole = transformer.transform(table)
    temporal = ["hour_of_day", "day_of_week"]
    pd.testing.assert_frame_equal(
        bare.drop(columns=temporal), whole.drop(columns=temporal)
    )
    assert (bare[temporal] == whole[temporal].mode().iloc[0]).all().all()


@pytest.mark.parametrize("kind", ["float64", "Float64"])
@pytest.mark.parametrize("told", ["age", "no age"])
@pytest.mark.parametrize("engineered", [False, True], ids=["raw", "engineered"])
def test_gaps_are_filled_in_the_features_and_never_in_the_frame_of_the_caller(
    engineered, told, kind
):
    frame = (
        UserMovieFeatureTransformer().fit_transform(TRAIN)
        if engineered
        else TRAIN.copy()
    )
    # without gaps
    years = pd.Series(TRAIN["movie_year"].fillna(1999).to_numpy(), TRAIN.index, kind)
    ages = pd.Series(TRAIN["user_age"].to_numpy(), TRAIN.index, kind)
    frame = frame.assign(rating=TRAIN["rating"], movie_year=years, user_age=ages)
    before = frame.copy()
    transformer = UserMovieFeatureTransformer()
    transformer.fit(
        frame if told == "age" else frame[["user_id", "movie_id", "rating"]]
    )
    for X in (
        transformer.transform(frame),
        UserMovieFeatureTransformer().fit_transform(frame),
    ):
        assert not X.isna().any(axis=None)
        X.loc[:, :] = 0
        pd.testing.assert_frame_equal(frame, before)


def test_a_column_absent_in_training_is_constant(table):
    known = table[["user_id", "movie_id", "rating"]]
    transformer = UserMovieFeatureTransformer().fit(known)
    features = transformer.transform(table)
    zero = ["user_age", "movie_year", "hour_of_day", "day_of_week"]
    assert (features[zero] == 0).all().all()
    assert (features[["genre_encoded", "country_encoded"]] == -1).all().all()
    empty = known.assign(genre=None, user_age=np.nan, timestamp=np.nan)
    pd.testing.assert_frame_equal(
        UserMovieFeatureTransformer().fit(empty).transform(table), features
    )


def test_an_engineered_frame_is_accepted_again_and_learns_its_averages_anew(table):
    transformer = UserMovieFeatureTransformer()
    once = transformer.fit_transform(table)
    pd.testing.assert_frame_equal(
        clone(transformer).fit_transform(once, table["rating"]), once
    )
    lies = once.assign(
        user_avg_rating=9.0,
        movie_avg_rating=9.0,
        user_movie_interaction=81.0,
        user_rating_count=-5.0,
    )
    pd.testing.assert_frame_equal(
        clone(transformer).fit_transform(lies, table["rating"]), once
    )
    new = transformer.transform(table)
    pd.testing.assert_frame_equal(transformer.transform(new), new)


def test_a_raw_column_wins_over_its_engineered_twin(table):
    transformer = UserMovieFeatureTransformer().fit(table)
    both = table.assign(
        genre_encoded=3.0, country_encoded=2.0, hour_of_day=5.0, day_of_week=1.0
    )
    pd.testing.assert_frame_equal(
        transformer.transform(both), transformer.transform(table)
    )


@pytest.mark.parametrize("place", ["before", "behind", "without times"])
def test_of_a_pair_rated_twice_the_latest_counts_and_one_warning_says_so(table, place):
    older = table.assign(rating=1.0, timestamp=table["timestamp"] - 1)[:50]
    parts = [table, older] if place == "behind" else [older, table]
    if place == "without times":  # then the last row counts
        table, *parts = (part.drop(columns="timestamp") for part in (table, *parts))
    twice = pd.concat(parts, ignore_index=True)
    with pytest.warns(UserWarning, match="^50 older ratings") as caught:
        transformer = UserMovieFeatureTransformer().fit(twice)
    assert len(caught) == 1
    pd.testing.assert_frame_equal(
        transformer.transform(table),
        UserMovieFeatureTransformer().fit(table).transform(table),
    )
    with pytest.warns(UserWarning, match="^50 older ratings"):
        features = UserMovieFeatureTransformer().fit_transform(twice)
    assert len(features) == len(twice)
    if place == "behind":
        newer = features.iloc[: len(table)]
    else:
        newer = features.iloc[-len(table) :]
    counts = table.groupby("user_id")["rating"].transform("size")
    assert (newer["user_rating_count"].to_numpy() == counts).all()


@pytest.mark.parametrize(
    "make",
    [str, lambda v: v.astype("category"), lambda v: v.astype("string")],
    ids=lambda f: "",
)
def test_strings_may_come_in_any_type_that_pandas_has(table, make):
    expected = UserMovieFeatureTransformer().fit(table).transform(table)
    convert = (lambda v: v.astype(object)) if make is str else make
    typed = table.assign(
        genre=convert(table["genre"]), user_country=convert(table["user_country"])
    )
    pd.testing.assert_frame_equal(
        UserMovieFeatureTransformer().fit(typed).transform(typed), expected
    )


@pytest.mark.parametrize("kind", ["int32", "uint16", "float64", "Int64", "object"])
def test_ids_may_come_in_any_type_that_holds_whole_numbers(table, kind):
    typed = table.astype({"user_id": kind, "movie_id": kind})
    expected = UserMovieFeatureTransformer().fit_transform(table)
    pd.testing.assert_frame_equal(
        UserMovieFeatureTransformer().fit_transform(typed), expected
    )


def test_no_damping_gives_plain_averages_and_the_mean_for_the_unknown(table):
    transformer = UserMovieFeatureTransformer(damping=0).fit(table)
    features = transformer.transform(table)
    plain = table.groupby("user_id")["rating"].transform("mean")
    np.testing.assert_allclose(features["user_avg_rating"], plain)
    unknown = transformer.transform(
        pd.DataFrame({"user_id": [10**6], "movie_id": [10**6]})
    ).iloc[0]
    mean = pytest.approx(transformer.global_mean_, rel=0, abs=1e-12)
    assert unknown["user_avg_rating"] == mean
    assert unknown["movie_avg_rating"] == mean
    assert transformer.global_mean_ == pytest.approx(table["rating"].mean())


def test_nothing_is_missing_even_where_only_one_row_counts(table):
    same = pd.concat([table[:1]] * 6, ignore_index=True)
    with pytest.warns(UserWarning, match="^5 older ratings"):
        features = UserMovieFeatureTransformer().fit_transform(same)
    assert features.notna().all().all()


def test_scikit_learns_global_output_setting_is_respected(table):
    expected = UserMovieFeatureTransformer().fit_transform(table)
    with sklearn.config_context(transform_output="pandas"):
        pd.testing.assert_frame_equal(
            UserMovieFeatureTransformer().fit_transform(table), expected
        )


def test_the_callers_frame_is_left_as_it_was(table):
    before = table.copy(deep=True)
    transformer = UserMovieFeatureTransformer()
    for features in (transformer.fit_transform(table), transformer.transform(table)):
        features.iloc[:, :] = 0
        for name in features:
            features.loc[:, name] = 1
    pd.testing.assert_frame_equal(table, before)


def test_a_refit_forgets_the_last_fit(table):
    refitted = UserMovieFeatureTransformer().fit(table[:900]).fit(TRAIN)
    pd.testing.assert_frame_equal(
        refitted.transform(NEW), UserMovieFeatureTransformer().fit(TRAIN).transform(NEW)
    )


def test_what_is_learned_is_kept_in_arrays_and_scikit_learns_parts(table):
    transformer = UserMovieFeatureTransformer().fit(table)
    learned = {
        name: value for name, value in vars(transformer).items() if name.endswith("_")
    }
    assert not [
        n
        for n, value in learned.items()
        if isinstance(value, (pd.DataFrame, pd.Series, pd.Index))
    ]
    assert (np.diff(transformer.users_) > 0).all()
    assert (np.diff(transformer.movies_) > 0).all()
    for who, ids in (("user", transformer.users_), ("movie", transformer.movies_)):
        assert len(learned[f"{who}_avg_"]) == len(learned[f"{who}_count_"]) == len(ids)
    assert "imputer_" not in learned
    assert len(transformer.known_["user_age"]) == len(transformer.users_)
    assert transformer.defaults_["movie_year"] == table["movie_year"].median()
    assert transformer.defaults_["genre_encoded"] == -1


def test_fit_transform_warns_once_of_pairs_rated_twice(table):
    twice = pd.concat([table[:5], table], ignore_index=True)
    with pytest.warns(
        UserWarning,
        match="^5 older ratings of user-movie pairs rated twice do not count.$",
    ) as caught:
        UserMovieFeatureTransformer().fit_transform(twice)
    assert len(caught) == 1


def test_a_truth_value_is_no_id(table):
    with pytest.raises(
        ValueError, match="user_id must hold integers.* row 0 holds True"
    ):
        UserMovieFeatureTransformer().fit(table.assign(user_id=True))


def test_infinite_damping_is_refused(table):
    with pytest.raises(ValueError, match="damping must be a number of at least 0"):
        UserMovieFeatureTransformer(damping=np.inf).fit(table)


@pytest.mark.parametrize("damping", [0, 10.0])
def test_a_rating_without_company_in_the_other_folds_gets_their_mean(table, damping):
    """A user's only rating, in cross-fitting: no other fold tells anything of the user,
    and nothing can be divided.
    """
    lonely = pd.concat(
        [table, table[:1].assign(user_id=10**6, rating=5.0)], ignore_index=True
    )
    features = UserMovieFeatureTransformer(damping=damping).fit_transform(lonely)
    last = len(lonely) - 1
    others = next(
        others
        for others, rows in KFold(5, shuffle=True, random_state=0).split(lonely)
        if last in rows
    )
    assert features["user_avg_rating"].iloc[-1] == pytest.approx(
        lonely["rating"].iloc[others].mean()
    )
    known = (
        UserMovieFeatureTransformer(damping=damping).fit(lonely).transform(lonely[-1:])
    )
    mean = lonely["rating"].mean()
    assert known["user_avg_rating"].iloc[0] == pytest.approx(
        (5.0 + damping * mean) / (1 + damping)
    )


def test_of_a_pair_rated_twice_at_the_same_time_the_last_row_counts(table):
    # so many ties that an unstable sort would mix them
    table = table.assign(timestamp=np.arange(len(table)) % 3)
    twice = pd.concat([table.assign(rating=1.0), table], ignore_index=True)
    with pytest.warns(UserWarning, match="^2000 older ratings"):
        found = UserMovieFeatureTransformer().fit(twice)
    pd.testing.assert_frame_equal(
        found.transform(table),
        UserMovieFeatureTransformer().fit(table).transform(table),
    )


def test_encoders_keep_strings_as_objects_whose_length_nobody_has_to_know(table):
    transformer = UserMovieFeatureTransformer().fit(table)
    for encoder in (transformer.genre_encoder_, transformer.country_encoder_):
        assert encoder.categories_[0].dtype == object


def test_a_row_without_a_time_is_older_than_one_from_before_1970(table):
    times = table.assign(timestamp=-5.0)
    twice = pd.concat(
        [times, table[:30].assign(rating=1.0, timestamp=np.nan)], ignore_index=True
    )
    with pytest.warns(UserWarning, match="^30 older ratings"):
        found = UserMovieFeatureTransformer().fit(twice)
    expected = UserMovieFeatureTransformer().fit(table)
    np.testing.assert_allclose(found.user_avg_, expected.user_avg_, rtol=0, atol=1e-12)


def test_a_moment_before_midnight_is_in_the_last_hour(table):
    rows = table.assign(timestamp=table["timestamp"].astype(float))
    # 1969-12-31, less than a nanosecond before midnight
    rows.loc[rows.index[0], "timestamp"] = -1e-12
    features = UserMovieFeatureTransformer().fit_transform(rows)
    assert features["hour_of_day"].iloc[0] == 23
    assert features["day_of_week"].iloc[0] == 2  # a Wednesday


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_dates_are_times_in_utc(table, zone):
    dates = pd.to_datetime(table["timestamp"], unit="s")
    if zone is not None:
        dates = dates.dt.tz_localize("UTC").dt.tz_convert(zone)
    expected = UserMovieFeatureTransformer().fit_transform(table)
    found = UserMovieFeatureTransformer().fit_transform(table.assign(timestamp=dates))
    pd.testing.assert_frame_equal(found, expected)


def test_milliseconds_are_refused_with_the_unit(table):
    too_late = table.assign(timestamp=table["timestamp"] * 1000)
    with pytest.raises(ValueError, match="must hold Unix seconds, .*milliseconds"):
        UserMovieFeatureTransformer().fit(too_late)
    end_of_2200 = pd.Timestamp("2200-12-31 23:59:59").timestamp()
    UserMovieFeatureTransformer().fit(table.assign(timestamp=end_of_2200))


def test_a_code_is_the_same_beside_a_gap(table):
    """In a column of numbers with a gap, pandas makes 3.0 of 3."""
    coded = table.assign(genre=table["movie_id"] % 4)
    transformer = UserMovieFeatureTransformer().fit(coded)
    expected = transformer.transform(coded)["genre_encoded"]
    gap = coded.astype({"genre": float})
    gap.loc[0, "genre"] = np.nan
    found = transformer.transform(gap)["genre_encoded"]
    pd.testing.assert_series_equal(found[1:], expected[1:])


@pytest.mark.parametrize("place", ["_learn_averages", "_known_and_defaults"])
def test_a_fit_that_is_interrupted_leaves_what_was_learned_before(place, monkeypatch):
    features = UserMovieFeatureTransformer().fit(TRAIN[:8])
    before = features.transform(TRAIN)

    def interrupted(*args):
        raise KeyboardInterrupt

    owner = lesson_code if place.startswith("_known") else UserMovieFeatureTransformer
    monkeypatch.setattr(owner, place, interrupted)
    with pytest.raises(KeyboardInterrupt):
        features.fit(TRAIN)
    pd.testing.assert_frame_equal(features.transform(TRAIN), before)
