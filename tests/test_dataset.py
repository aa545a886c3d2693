"""The synthetic table: its structure, its law, and that it is the same everywhere."""

import numpy as np
import pandas as pd
import pytest

from lesson_code import LAW, STARS, TABLE_COLUMNS, MovieRecommendationDataset


@pytest.fixture(scope="module")
def dataset():
    dataset = MovieRecommendationDataset()
    dataset.table = dataset.generate()
    return dataset


def test_default_table_has_the_promised_shape(dataset):
    table = dataset.table
    assert list(table.columns) == [*TABLE_COLUMNS, "title"]
    assert table.shape == (50_000, 9)
    assert table["user_id"].nunique() == 1000
    assert sorted(table["rating"].unique()) == list(STARS)
    assert not table.duplicated(["user_id", "movie_id"]).any()
    assert table.notna().all().all()
    integers = ["user_id", "movie_id", "timestamp", "movie_year", "user_age"]
    assert (table[integers].dtypes == np.int64).all()  # on Windows, too
    assert table["rating"].dtype == np.float64


def positions(table):
    """Users and movies as places in the law's arrays: ids count from 1."""
    return table["user_id"].to_numpy() - 1, table["movie_id"].to_numpy() - 1


def opinion(dataset, user, movie):
    """The docstring's law without its noise, in stars."""
    law = dataset.law_
    taste = (law["T"][user] * law["G"][movie]).sum(axis=1) - law["mean_taste"]
    return LAW["mean"] + law["user"][user] + law["movie"][movie] + taste


def test_the_same_seed_gives_the_same_table_on_every_machine(dataset):
    # Sums of whole numbers, measured at both ends of the version bounds: another stream
    # or selection changes them.
    table = dataset.table.head(1000)
    place = np.arange(1, 1001)
    assert int((place * table["user_id"]).sum()) == 247_336_943
    assert int((place * table["movie_id"]).sum()) == 126_512_517
    assert int((place * table["timestamp"]).sum()) == 837_664_837_762_841
    assert float((place * table["rating"]).sum()) == 1_544_561.0
    assert int((place * table["movie_year"]).sum()) == 1_004_385_525
    assert int((place * table["user_age"]).sum()) == 17_922_774
    letters = (table["genre"] + table["user_country"]).map(
        lambda text: sum(text.encode())
    )
    assert int((place * letters).sum()) == 555_655_137


def test_a_table_that_is_drawn_in_many_parts_is_that_of_one_part():
    # Sums measured with a generator that drew all rows at once, and compared all pairs
    # in one hash table.
    table = MovieRecommendationDataset(8000, 4000, 400_000, 7).generate()
    place = np.arange(1, 400_001)
    assert int((place * table["user_id"]).sum()) == 320_535_442_397_510
    assert int((place * table["movie_id"]).sum()) == 161_761_044_992_212
    assert float((place * table["rating"]).sum()) == 241_372_752_239.0
    assert (
        int((place % 1000 * (table["timestamp"] % 1_000_000)).sum())
        == 100_016_571_631_131
    )


def test_the_seed_alone_decides_what_is_drawn_however_often():
    dataset = MovieRecommendationDataset(50, 30, 500, random_state=0)
    table = dataset.generate()
    pd.testing.assert_frame_equal(dataset.generate(), table)
    other = MovieRecommendationDataset(50, 30, 500, random_state=1).generate()
    assert not other.equals(table)


def test_drawing_leaves_the_global_generator_alone():
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    MovieRecommendationDataset(20, 20, 100).generate()
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@pytest.mark.parametrize(
    ("users", "movies", "ratings"),
    [
        (100, 50, 500),
        (1000, 500, 100),
        (10, 5, 50),
        (1, 1, 1),
        (1, 40, 40),
        (40, 1, 40),
        (300, 150, 3000),
    ],
)
def test_every_size_that_is_possible_is_reached(users, movies, ratings):
    table = MovieRecommendationDataset(users, movies, ratings).generate()
    assert len(table) == ratings
    assert table["user_id"].nunique() == min(users, ratings)
    assert table["user_id"].between(1, users).all()
    assert table["movie_id"].between(1, movies).all()
    assert not table.duplicated(["user_id", "movie_id"]).any()


def test_popularity_and_activity_have_long_tails(dataset):
    for column, share in (("movie_id", 0.4), ("user_id", 0.35)):
        counts = dataset.table[column].value_counts()
        assert counts.head(len(counts) // 5).sum() > share * len(dataset.table)
        assert counts.mean() > 1.1 * counts.median()


def test_users_watch_what_they_love(dataset):
    """Compared with a shuffling of the movies among the rows, which keeps
    both long tails.
    """
    user, movie = positions(dataset.table)
    shuffled = np.random.RandomState(0).permutation(movie)
    law = dataset.law_
    taste = (law["T"][user] * law["G"][shuffled]).sum(axis=1) - law["mean_taste"]
    assert dataset.true_taste_.mean() > taste.mean() + 0.05


def test_users_differ_in_noise(dataset):
    error = (dataset.table["rating"] - dataset.true_expected_).abs()
    per_user = error.groupby(dataset.table["user_id"]).mean()
    assert per_user.quantile(0.9) > 1.5 * per_user.quantile(0.1)


def test_rows_come_in_random_order(dataset):
    for column in ("user_id", "movie_id", "timestamp"):
        correlation = np.corrcoef(np.arange(50_000), dataset.table[column])[0, 1]
        assert abs(correlation) < 0.02


def test_hours_and_weekdays_follow_habits(dataset):
    time = pd.to_datetime(dataset.table["timestamp"], unit="s")
    assert (time.max() - time.min()).days in range(715, 731)
    of_users = time.dt.hour.groupby(dataset.table["user_id"]).agg(
        lambda hours: np.cos(hours / 24 * 2 * np.pi).std()
    )
    assert of_users.mean() < 0.8 * np.cos(time.dt.hour / 24 * 2 * np.pi).std()
    assert time.dt.day_of_week.value_counts(normalize=True).max() > 1.2 / 7


def test_drawn_effects_are_standardised_so_that_seeds_agree():
    for seed in range(3):
        dataset = MovieRecommendationDataset(random_state=seed)
        table = dataset.generate()
        user, movie = positions(table)
        assert dataset.law_["user"][user].std() == pytest.approx(LAW["user"])
        assert dataset.law_["movie"][movie].std() == pytest.approx(LAW["movie"])
        assert np.sqrt((dataset.law_["sigma"][user] ** 2).mean()) == pytest.approx(
            LAW["noise"]
        )
        assert dataset.true_taste_.std() == pytest.approx(LAW["taste"])
        assert dataset.true_taste_.mean() == pytest.approx(0, abs=1e-9)
        assert table["rating"].mean() == pytest.approx(LAW["mean"], abs=0.02)


def test_expectation_and_noise_floor_are_those_of_many_draws(dataset):
    """The docstring's law, drawn 4,000 times for each of 200 pairs."""
    rows = dataset.table[:200]
    user, movie = positions(rows)
    noise = dataset.law_["sigma"][user] * np.random.RandomState(0).standard_normal(
        (4000, 200)
    )
    draws = np.clip(np.round(2 * (opinion(dataset, user, movie) + noise)) / 2, 1, 5)
    standard_error = draws.std(axis=0) / np.sqrt(len(draws))
    assert (
        abs(draws.mean(axis=0) - dataset.true_expected_[:200]) < 4.5 * standard_error
    ).all()
    assert dataset.best_rmse(rows) ** 2 == pytest.approx(
        draws.var(axis=0).mean(), rel=0.02
    )


def test_the_table_is_drawn_from_the_law_of_the_docstring(dataset):
    """What is left of a rating when the law's opinion is taken off has mean 0 and the
    spread of its user.
    """
    user, movie = positions(dataset.table)
    z = (dataset.table["rating"] - dataset.true_expected_) / dataset.law_["sigma"][user]
    # away from the ends of the scale, where noise is cut
    inside = abs(opinion(dataset, user, movie) - 3) < 1
    assert z[inside].mean() == pytest.approx(0, abs=0.02)
    assert z[inside].std() == pytest.approx(0.95, abs=0.1)


def test_best_rmse_is_the_error_of_the_true_expectation(dataset):
    error = np.sqrt(((dataset.table["rating"] - dataset.true_expected_) ** 2).mean())
    assert dataset.best_rmse() == pytest.approx(error, rel=0.01)


def test_opinions_are_those_of_the_formula_in_the_docstring(dataset):
    rows = pd.DataFrame({"user_id": [1, 1, 1000], "movie_id": [500, 2, 1]})
    found, _ = dataset.opinions(rows)  # pairs that were not rated, too
    np.testing.assert_allclose(found, opinion(dataset, *positions(rows)))
    found, taste = dataset.opinions(dataset.table)
    np.testing.assert_allclose(found, opinion(dataset, *positions(dataset.table)))
    np.testing.assert_allclose(taste, dataset.true_taste_)


def test_opinions_are_of_the_table_that_was_drawn_last():
    dataset = MovieRecommendationDataset(5, 5, 10)
    dataset.generate()
    dataset.n_users = 500
    with pytest.raises(ValueError, match="users 1 to 5"):
        dataset.opinions(pd.DataFrame({"user_id": [400], "movie_id": [1]}))


def test_best_rmse_takes_rows_as_a_frame_of_pairs(dataset):
    rows = dataset.table.iloc[[5, 70, 3]]
    alone = [dataset.best_rmse(dataset.table.iloc[[row]]) for row in (5, 70, 3)]
    assert dataset.best_rmse(rows) == pytest.approx(
        np.sqrt(np.mean(np.square(alone))), rel=1e-12
    )
    expected = pytest.approx(dataset.best_rmse(rows), rel=1e-12)
    assert dataset.best_rmse(rows[["movie_id", "user_id"]]) == expected
    whole = pytest.approx(dataset.best_rmse(), rel=1e-12)
    assert dataset.best_rmse(dataset.table) == whole


def test_best_rmse_takes_no_positions(dataset):
    with pytest.raises(TypeError, match="Expected a pandas DataFrame"):
        dataset.best_rmse([5, 70, 3])


def test_best_rmse_generates_where_nobody_has_yet():
    assert MovieRecommendationDataset(20, 20, 100).best_rmse() > 0


@pytest.mark.parametrize(("user", "movie"), [(21, 1), (1, 31), (0, 1), (1, 0)])
def test_best_rmse_refuses_every_pair_outside_the_law(user, movie):
    dataset = MovieRecommendationDataset(20, 30, 200)
    with pytest.raises(ValueError, match="users 1 to 20.* movies 1 to 30"):
        dataset.best_rmse(pd.DataFrame({"user_id": [user], "movie_id": [movie]}))


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ({"n_users": 0}, "n_users must be an integer of at least 1 .*got 0"),
        ({"n_users": True}, "n_users must be an integer"),
        ({"n_movies": -3}, "n_movies must be an integer of at least 1 .*got -3"),
        ({"n_ratings": 2.5}, "n_ratings must be an integer of at least 1 .*got 2.5"),
        ({"random_state": "x"}, "random_state must be an integer of at least 0"),
        ({"n_users": 3, "n_movies": 4, "n_ratings": 13}, "more than the 12 pairs"),
    ],
    ids=str,
)
def test_impossible_sizes_are_refused(size, message):
    with pytest.raises(ValueError, match=message):
        MovieRecommendationDataset(**size).generate()
