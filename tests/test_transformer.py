"""The 13 features: against a slow and obvious re-implementation, and the properties
that the design promises.
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import KFold
from sklearn.preprocessing import TargetEncoder

from lesson_code import FEATURES, UserMovieFeatureTransformer
from recommender.table import TABLE_COLUMNS

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
    columns=TABLE_COLUMNS,
    index=[f"row{i}" for i in range(12)],
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
        if len(own) + damping == 0:
            return mean
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


@pytest.mark.parametrize("n_rows", [2, 3, 12])
@pytest.mark.parametrize(("damping", "cv"), [(0, 2), (0.5, 2), (10.0, 5)])
def test_cross_fitted_features_are_those_of_the_slow_reference(damping, cv, n_rows):
    rows, cv = TRAIN[:n_rows], min(cv, n_rows)
    if n_rows < 12:  # hardly a row in the other folds
        rows = rows.assign(user_country="US", movie_year=1990.0, timestamp=0.0)
    transformer = UserMovieFeatureTransformer(damping=damping, cv=cv, random_state=7)
    ours = transformer.fit_transform(rows)
    expected = reference(rows, rows, damping, cv, 7, cross_fit=True)
    np.testing.assert_allclose(ours, expected, rtol=1e-12)
    assert ours.index.equals(rows.index)


NEW = pd.DataFrame(
    [
        (1, 40, 1e9, None, NAN, NAN, None),
        (3, 10, NAN, "Western", 1950.0, 5.0, "FR"),
        (9, 20, NAN, None, NAN, NAN, None),
        (2, 99, 0, "Comedy", NAN, NAN, None),
        (9, 99, 3600, None, NAN, NAN, None),
        (9, 40, 0, "Western", NAN, NAN, "FR"),  # nothing is known of movie 40
    ],
    columns=[name for name in TABLE_COLUMNS if name != "rating"],
)


@pytest.mark.parametrize("damping", [0, 10.0])
def test_features_of_new_rows_are_those_of_the_slow_reference(damping):
    transformer = UserMovieFeatureTransformer(damping=damping).fit(TRAIN)
    for rows in (NEW, TRAIN):
        expected = reference(TRAIN, rows, damping)
        np.testing.assert_allclose(transformer.transform(rows), expected, rtol=1e-12)
    # what a row lacks, training fills in
    bare = transformer.transform(NEW[["user_id", "movie_id"]])
    empty = NEW.assign(**dict.fromkeys(NEW.columns[2:], None))
    np.testing.assert_allclose(bare, reference(TRAIN, empty, damping), rtol=1e-12)


def test_a_refit_forgets_the_last_fit(table):
    refitted = UserMovieFeatureTransformer().fit(table[:900]).fit(TRAIN)
    expected = UserMovieFeatureTransformer().fit(TRAIN).transform(NEW)
    pd.testing.assert_frame_equal(refitted.transform(NEW), expected)


def test_where_nothing_else_counts_its_mean_stands_for_what_is_elsewhere(table):
    same = pd.concat([table[:1]] * 6, ignore_index=True)
    with pytest.warns(UserWarning, match="^5 older ratings"):
        features = UserMovieFeatureTransformer().fit_transform(same)
    assert features.notna().all(axis=None)
    np.testing.assert_allclose(features["user_avg_rating"], same["rating"])


@pytest.mark.parametrize("route", ["new rows", "cross-fitted"])
def test_averages_are_those_of_scikit_learns_target_encoder_to_the_last_bits(
    table, route
):
    folds = KFold(5, shuffle=True, random_state=7)
    # before, its folds are told by number and seed
    since_1_9 = TargetEncoder().shuffle == "deprecated"
    how = {"cv": folds} if since_1_9 else {"cv": 5, "random_state": 7}
    encoder = TargetEncoder(target_type="continuous", smooth=4.0, **how)
    ours = UserMovieFeatureTransformer(damping=4.0, cv=5, random_state=7)
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


def test_y_counts_even_where_the_table_has_ratings_and_transform_looks_at_none(table):
    y = np.random.RandomState(0).choice([1.0, 2.0], len(table))
    bare = table.drop(columns="rating")
    transformer = UserMovieFeatureTransformer()
    pd.testing.assert_frame_equal(
        transformer.fit_transform(table, y), transformer.fit_transform(bare, y)
    )
    expected = transformer.transform(bare)
    for ratings in (np.nan, 5.0, "five"):
        found = transformer.transform(table.assign(rating=ratings))
        pd.testing.assert_frame_equal(found, expected)


def test_columns_order_and_types(table):
    features = UserMovieFeatureTransformer().fit_transform(table)
    assert list(features) == FEATURES
    assert features.dtypes.map(str).tolist() == ["int64", "int64"] + ["float64"] * 11
    temporal = {"hour_of_day", "day_of_week"}
    without = UserMovieFeatureTransformer(create_temporal=False).fit_transform(table)
    pd.testing.assert_frame_equal(
        without, features[[f for f in FEATURES if f not in temporal]]
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
    for rows in (table.sample(frac=1, random_state=1), table[7:8], table.iloc[:, ::-1]):
        found = transformer.transform(rows)
        pd.testing.assert_frame_equal(found, whole.loc[rows.index])


@pytest.mark.parametrize("kind", ["float64", "Float64"])
@pytest.mark.parametrize("engineered", [False, True], ids=["raw", "engineered"])
def test_gaps_are_filled_in_the_features_and_never_in_the_frame_of_the_caller(
    engineered, kind
):
    frame = TRAIN
    if engineered:
        frame = UserMovieFeatureTransformer().fit_transform(TRAIN)
    # without gaps
    years = pd.Series(TRAIN["movie_year"].fillna(1999).to_numpy(), TRAIN.index, kind)
    ages = pd.Series(TRAIN["user_age"].to_numpy(), TRAIN.index, kind)
    frame = frame.assign(rating=TRAIN["rating"], movie_year=years, user_age=ages)
    before = frame.copy()
    transformer = UserMovieFeatureTransformer()
    made = [transformer.fit_transform(frame), transformer.transform(frame)]
    transformer.fit(frame[["user_id", "movie_id", "rating"]])  # which tell no age
    for X in (*made, transformer.transform(frame)):
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
    lies = {
        "user_avg_rating": 9.0,
        "movie_avg_rating": 9.0,
        "user_movie_interaction": 81.0,
        "user_rating_count": -5.0,
    }
    for frame in (once, once.assign(**lies)):
        pd.testing.assert_frame_equal(
            clone(transformer).fit_transform(frame, table["rating"]), once
        )
    new = transformer.transform(table)
    pd.testing.assert_frame_equal(transformer.transform(new), new)
    # a raw column wins over its engineered twin
    codes = ["genre_encoded", "country_encoded", "hour_of_day", "day_of_week"]
    both = table.assign(**dict.fromkeys(codes, 1.0))
    pd.testing.assert_frame_equal(transformer.transform(both), new)


@pytest.mark.parametrize("kind", ["object", "category", "string"])
def test_strings_may_come_in_any_type_that_pandas_has(table, kind):
    expected = UserMovieFeatureTransformer().fit_transform(table)
    typed = table.astype({"genre": kind, "user_country": kind})
    transformer = UserMovieFeatureTransformer()
    pd.testing.assert_frame_equal(transformer.fit_transform(typed), expected)
    # objects, whose length nobody has to know
    for encoder in (transformer.genre_encoder_, transformer.country_encoder_):
        assert encoder.categories_[0].dtype == object


def test_a_moment_before_midnight_is_in_the_last_hour():
    moment = -1e-12  # 1969-12-31, a Wednesday
    features = UserMovieFeatureTransformer().fit_transform(
        TRAIN.assign(timestamp=moment)
    )
    assert set(features["hour_of_day"]) == {23}
    assert set(features["day_of_week"]) == {2}


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_dates_are_times_in_utc(table, zone):
    dates = pd.to_datetime(table["timestamp"], unit="s")
    if zone is not None:
        dates = dates.dt.tz_localize("UTC").dt.tz_convert(zone)
    expected = UserMovieFeatureTransformer().fit_transform(table)
    found = UserMovieFeatureTransformer().fit_transform(table.assign(timestamp=dates))
    pd.testing.assert_frame_equal(found, expected)


def test_a_code_is_the_same_beside_a_gap(table):
    """In a column of numbers with a gap, pandas makes 3.0 of 3."""
    coded = table.assign(genre=table["movie_id"] % 4)
    transformer = UserMovieFeatureTransformer().fit(coded)
    # Of movies that the training knows, the genre would come from there.
    coded["movie_id"] += 1000
    expected = transformer.transform(coded)["genre_encoded"]
    assert expected.nunique() == 4
    gap = coded.astype({"genre": float})
    gap.loc[0, "genre"] = np.nan
    found = transformer.transform(gap)["genre_encoded"]
    pd.testing.assert_series_equal(found[1:], expected[1:])
