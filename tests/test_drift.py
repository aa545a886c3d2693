"""A table whose tastes change with time: its law, what stays the same, and what gets
worse.
"""

import numpy as np
import pandas as pd
import pytest

from lesson_code import LAW, MovieRecommendationDataset, SklearnEcosystemPipeline

SIZE = (200, 150, 20_000)


def make(drift):
    """Return a dataset, and its table from the oldest row to the newest."""
    dataset = MovieRecommendationDataset(*SIZE, drift=drift)
    return dataset, dataset.generate().sort_values("timestamp", kind="stable")


@pytest.fixture(scope="module")
def still():
    return make(0.0)


@pytest.fixture(scope="module")
def drifting():
    return make(1.0)


def first_and_last(table, size=4000):
    return table[:size], table[-size:]


def test_only_the_ratings_depend_on_the_drift(still, drifting):
    tables = [table.drop(columns="rating") for _, table in (still, drifting)]
    pd.testing.assert_frame_equal(*tables)
    assert (still[1]["rating"] != drifting[1]["rating"]).mean() > 0.2


def test_a_little_drift_changes_little(still):
    _, table = make(1e-6)
    assert (table["rating"] != still[1]["rating"]).mean() < 0.001


def test_the_table_of_a_drift_is_the_same_each_time(drifting):
    dataset, table = drifting
    again = dataset.generate().sort_values("timestamp", kind="stable")
    pd.testing.assert_frame_equal(again, table)


def test_tastes_are_those_of_the_formula_in_the_docstring(drifting):
    dataset, table = drifting
    law = dataset.law_
    two_years = 104 * 7 * 24 * 3600
    start = pd.Timestamp("2022-01-03", tz="UTC").timestamp()
    for row in (0, 9_999, -1):
        position = table.index[row]
        user, movie, seconds = table.iloc[row][["user_id", "movie_id", "timestamp"]]
        a = np.pi / 2 * ((seconds - start) / two_years - 0.5)
        of_user = np.cos(a) * law["T"][user - 1] + np.sin(a) * law["D"][user - 1]
        taste = of_user @ law["G"][movie - 1] - law["mean_taste"]
        assert dataset.true_taste_[position] == pytest.approx(taste, abs=1e-12)


def test_tastes_keep_their_size_and_forget_by_the_time_between(still, drifting):
    def tastes_of(dataset, date):
        _, taste = dataset.opinions(pairs.assign(timestamp=pd.Timestamp(date)))
        return taste

    def correlation(dataset, *dates):
        return np.corrcoef([tastes_of(dataset, date) for date in dates])[0, 1]

    dataset, table = drifting
    pairs = table[["user_id", "movie_id"]]
    first, middle, last = "2022-01-03", "2023-01-02", "2024-01-01"
    for date in (first, middle, last):
        assert tastes_of(dataset, date).std() == pytest.approx(LAW["taste"], rel=0.05)
    half = np.cos(np.pi / 4)
    assert correlation(dataset, first, middle) == pytest.approx(half, abs=0.05)
    assert correlation(dataset, middle, last) == pytest.approx(half, abs=0.05)
    assert correlation(dataset, first, last) == pytest.approx(0, abs=0.05)
    assert correlation(still[0], first, last) == pytest.approx(1)


def test_a_model_gets_worse_with_time_only_where_tastes_drift(still, drifting):
    worse = {}
    for name, (dataset, table) in {"still": still, "drifting": drifting}.items():
        model = SklearnEcosystemPipeline(model="factors").fit(table[:8000])
        excess = []
        for rows in first_and_last(table[8000:]):
            expected = dataset.true_expected_[rows.index]
            excess.append(np.mean((model.predict(rows) - expected) ** 2))
        worse[name] = excess[1] - excess[0]
    assert abs(worse["still"]) < 0.02
    assert worse["drifting"] > 0.04


def test_the_best_predictor_does_not_get_worse_with_time(drifting):
    dataset, table = drifting
    floors = [dataset.best_rmse(rows) for rows in first_and_last(table)]
    assert floors[0] == pytest.approx(floors[1], rel=0.02)
    for rows in first_and_last(table):
        error = rows["rating"] - dataset.true_expected_[rows.index]
        rmse = np.sqrt((error**2).mean())
        assert rmse == pytest.approx(dataset.best_rmse(rows), rel=0.03)
        assert error.mean() == pytest.approx(0, abs=0.04)


def test_the_noise_floor_of_all_rows_is_that_of_the_whole_table(drifting):
    dataset, table = drifting
    assert dataset.best_rmse(table) == pytest.approx(dataset.best_rmse(), rel=1e-12)
    dates = table.assign(timestamp=pd.to_datetime(table["timestamp"], unit="s"))
    assert dataset.best_rmse(dates) == pytest.approx(dataset.best_rmse(), rel=1e-12)


def test_sizes_of_the_law_hold_under_drift(drifting):
    dataset, table = drifting
    assert dataset.true_taste_.std() == pytest.approx(LAW["taste"], rel=0.05)
    assert table["rating"].mean() == pytest.approx(LAW["mean"], abs=0.05)


def test_the_noise_floor_needs_the_time_of_each_row_only_under_drift(still, drifting):
    rows = still[1][:5]
    gap = rows["timestamp"].where(rows.index != rows.index[2])
    for spoiled in (rows.drop(columns="timestamp"), rows.assign(timestamp=gap)):
        assert still[0].best_rmse(spoiled) > 0
        with pytest.raises(ValueError, match=r"timestamp .*drift=1\.0"):
            drifting[0].best_rmse(spoiled)


@pytest.mark.parametrize("drift", [-0.1, "0.5", np.inf])
def test_what_is_no_drift_is_refused(drift):
    dataset = MovieRecommendationDataset(20, 10, 100, drift=drift)
    with pytest.raises(ValueError, match="drift must be a number of at least 0"):
        dataset.generate()


@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 30, 30), (30, 1, 30), (5, 4, 20)])
def test_tables_of_all_sizes_may_drift(sizes):
    dataset = MovieRecommendationDataset(*sizes, drift=np.float32(2))
    assert dataset.generate()["rating"].between(1, 5).all()
    assert np.isfinite(dataset.best_rmse())
