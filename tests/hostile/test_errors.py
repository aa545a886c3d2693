"""Bad input gets one clear sentence, and changes nothing."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor

from lesson_code import (
    MatrixFactorization,
    MovieRanker,
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
    ranking_metrics,
    rating_metrics,
)

pytestmark = pytest.mark.hostile


def with_value(table, column, value):
    changed = table.copy()
    changed[column] = changed[column].astype(object)
    changed.loc[changed.index[3], column] = value
    return changed


def polars_frame(table):
    polars = pytest.importorskip("polars")
    return polars.DataFrame({name: table[name].to_list() for name in table})


class Foreign:
    """A table of another library."""

    def to_pandas(self):
        raise AssertionError("nobody asked for it")


BAD_TABLES = {
    "an array": (
        lambda t: t.to_numpy(),
        TypeError,
        r"Expected a pandas DataFrame .* got ndarray\.$",
    ),
    "a list": (
        lambda t: [[1, 2]],
        TypeError,
        r"Expected a pandas DataFrame .* got list\.$",
    ),
    "no user_id": (
        lambda t: t.drop(columns="user_id"),
        ValueError,
        "lacks the column 'user_id'",
    ),
    "no movie_id": (
        lambda t: t.drop(columns="movie_id"),
        ValueError,
        "lacks the column 'movie_id'",
    ),
    "no rows": (lambda t: t[:0], ValueError, "The table is empty"),
    "a column twice": (
        lambda t: pd.concat([t, t[["genre"]]], axis=1),
        ValueError,
        "'genre' is repeated",
    ),
    "a missing id": (
        lambda t: with_value(t, "user_id", None),
        ValueError,
        "user_id must hold integers.* row 3 holds None",
    ),
    "a NaN id": (
        lambda t: with_value(t, "movie_id", np.nan).astype({"movie_id": float}),
        ValueError,
        "row 3 holds nan",
    ),
    "a gap in whole ids": (
        lambda t: t.assign(
            user_id=t["user_id"].astype("Int64").mask(np.arange(len(t)) == 3)
        ),
        ValueError,
        "user_id must .*3 holds <NA>",
    ),
    "half an id": (
        lambda t: with_value(t, "movie_id", 2.5),
        ValueError,
        "movie_id must hold integers.* row 3 holds 2.5",
    ),
    "halves for ids": (
        lambda t: t.assign(user_id=t["user_id"] + 0.5),
        ValueError,
        r"user_id must hold integers.* row 0 holds \d+\.5",
    ),
    "a name for an id": (
        lambda t: with_value(t, "user_id", "ann"),
        ValueError,
        "row 3 holds 'ann'",
    ),
    "an infinite age": (
        lambda t: with_value(t, "user_age", np.inf),
        ValueError,
        "user_age must hold finite.* row 3",
    ),
    "an id too large": (
        lambda t: with_value(t, "user_id", 1e300),
        ValueError,
        "row 3 holds 1e\\+300",
    ),
    "a hash for an id": (
        lambda t: t.assign(user_id=np.uint64(2**63 + 25)),
        ValueError,
        "row 0 holds 9223372036854775833",
    ),
    "texts for seconds": (
        lambda t: t.assign(timestamp="2005-04-02 23:53:47"),
        ValueError,
        "timestamp must hold numbers",
    ),
    "a polars frame": (
        polars_frame,
        TypeError,
        r"got DataFrame of polars.*: pass its \.to_pandas\(\)",
    ),
    "a year in words": (
        lambda t: t.assign(movie_year="old"),
        ValueError,
        "movie_year must hold numbers, got a column",
    ),
    "a foreign frame": (
        lambda t: Foreign(),
        TypeError,
        r"got Foreign of test_errors: pass its \.to_pandas\(\)\.$",
    ),
}
CALLS = {
    "create_features": lambda table: SklearnEcosystemPipeline().create_features(table),
    "train": lambda table: SklearnEcosystemPipeline(model="linear").train(table),
    "fit": lambda table: SklearnEcosystemPipeline(model="linear").fit(table),
    "transformer": lambda table: UserMovieFeatureTransformer().fit_transform(table),
    "pipeline": lambda table: (
        SklearnEcosystemPipeline(model="linear").build_pipeline().fit(table)
    ),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("bad", BAD_TABLES)
def test_bad_tables_are_refused_in_training(table, call, bad):
    spoil, error, message = BAD_TABLES[bad]
    spoiled = spoil(table)
    with pytest.raises(error, match=message) as caught:
        CALLS[call](spoiled)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bad", BAD_TABLES)
def test_bad_tables_are_refused_in_prediction(table, bad):
    spoil, error, message = BAD_TABLES[bad]
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    with pytest.raises(error, match=message):
        recommender.predict(spoil(table))
    assert recommender.predict(table).shape == (len(table),)


READ_BY_FEATURES_ALONE = {"an infinite age"}
READ_IN_TRAINING_ALONE = READ_BY_FEATURES_ALONE | {
    "texts for seconds",
    "a year in words",
}


@pytest.mark.parametrize(
    "bad", [bad for bad in BAD_TABLES if bad not in READ_BY_FEATURES_ALONE]
)
@pytest.mark.parametrize("make", [MatrixFactorization, MovieRanker])
def test_bad_tables_are_refused_by_factors_and_ranker(table, make, bad):
    spoil, error, message = BAD_TABLES[bad]
    with pytest.raises(error, match=message) as caught:
        make().fit(spoil(table))
    assert "\n" not in str(caught.value)


LIST_CALLS = {
    "evaluate_ranking": lambda fitted, rows, y: fitted.evaluate_ranking(rows, y),
    "evaluate_ranking by chance": lambda fitted, rows, y: fitted.evaluate_ranking(
        rows, y, by="chance"
    ),
    "ranking_metrics": lambda fitted, rows, y: ranking_metrics(
        fitted.ranker_.recommend([1]), rows, y
    ),
    "recommend_new": lambda fitted, rows, y: fitted.ranker_.recommend_new(rows),
}


@pytest.fixture(scope="module")
def ranked(table):
    recommender = SklearnEcosystemPipeline(model="linear").fit(table[:1600])
    recommender.evaluate_ranking(table[1600:])
    return recommender


@pytest.mark.parametrize("call", LIST_CALLS)
@pytest.mark.parametrize(
    "bad", [bad for bad in BAD_TABLES if bad not in READ_IN_TRAINING_ALONE]
)
def test_bad_tables_are_refused_where_lists_are_made_and_scored(
    table, ranked, call, bad
):
    spoil, error, message = BAD_TABLES[bad]
    before = {**vars(ranked)}
    with pytest.raises(error, match=message) as caught:
        LIST_CALLS[call](ranked, spoil(table), table["rating"])
    assert "\n" not in str(caught.value)
    assert [name for name in before if before[name] is not vars(ranked)[name]] == []


@pytest.mark.parametrize("call", LIST_CALLS)
def test_bad_ratings_are_refused_where_lists_are_made_and_scored(table, ranked, call):
    with pytest.raises(ValueError, match="row 3 holds nan"):
        LIST_CALLS[call](ranked, with_value(table, "rating", np.nan), None)
    if call != "recommend_new":  # which takes who watched what, too
        with pytest.raises(ValueError, match="No ratings"):
            LIST_CALLS[call](ranked, table.drop(columns="rating"), None)


@pytest.mark.parametrize("column", ["user_id", "rank", "movie_id"])
def test_lists_that_lack_a_column_are_refused(table, ranked, column):
    lists = ranked.ranker_.recommend([1, 2])
    with pytest.raises(
        ValueError,
        match=f"lacks the column '{column}'|"
        f"lists must be a DataFrame with .*'{column}'",
    ):
        ranking_metrics(lists.drop(columns=column), table, table["rating"])


BAD_LISTS = {
    "ids in words": (
        lambda lists: lists.assign(movie_id="Heat"),
        "training are whole numbers.* these are strings, such as 'Heat'",
    ),
    "half an id": (
        lambda lists: lists.assign(user_id=1.5),
        "user_id must hold integers.* row 0 holds 1.5",
    ),
    "a rank of 0": (
        lambda lists: lists.assign(rank=lists["rank"] - 1),
        "lists must be .*ranks count from 1",
    ),
    "no rank": (
        lambda lists: lists.assign(rank=np.nan),
        "lists must be .*ranks count from 1",
    ),
    "half a rank": (
        lambda lists: lists.assign(rank=lists["rank"] + 0.5),
        "lists must be .*, once per user",
    ),
    "a rank twice": (
        lambda lists: lists.assign(rank=1),
        "lists must be .*, once per user",
    ),
    "a rank in words": (
        lambda lists: lists.assign(rank="first"),
        "rank must hold numbers",
    ),
}


@pytest.mark.parametrize("bad", BAD_LISTS)
def test_bad_lists_are_refused(table, ranked, bad):
    spoil, message = BAD_LISTS[bad]
    with pytest.raises(ValueError, match=message):
        ranking_metrics(spoil(ranked.ranker_.recommend([1, 2])), table, table["rating"])


def test_an_empty_series_of_lists_is_refused_as_no_table(table, ranked):
    with pytest.raises((TypeError, ValueError), match="DataFrame with"):
        ranking_metrics(pd.Series(dtype=float), table, table["rating"])


def test_lists_that_are_no_table_are_refused(table, ranked):
    for bad in (
        ranked.ranker_.recommend([1, 2]).to_numpy(),
        None,
        [[1, 1, 1]],
        [],
        np.empty((0, 3)),
    ):
        with pytest.raises((TypeError, ValueError), match="DataFrame with the columns"):
            ranking_metrics(bad, table, table["rating"])


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "finite numbers below 1e15, but row 3 holds nan"),
        (np.inf, "finite numbers below 1e15, but row 3 holds inf"),
        ("5*", "numbers"),
    ],
    ids=["missing", "infinite", "text"],
)
def test_bad_ratings_are_refused(table, call, value, message):
    with pytest.raises(ValueError, match=message):
        CALLS[call](with_value(table, "rating", value))


@pytest.mark.parametrize("call", CALLS)
def test_a_table_without_ratings_is_refused(table, call):
    with pytest.raises(ValueError, match="rating"):
        CALLS[call](table.drop(columns="rating"))


@pytest.mark.parametrize("call", ["create_features", "train", "fit"])
def test_constant_ratings_are_refused(table, call):
    with pytest.raises(
        ValueError, match=r"All 2000 ratings are 3.0: .*nothing can be learned"
    ):
        CALLS[call](table.assign(rating=3.0))


def test_ratings_in_two_dimensions_are_refused(table):
    with pytest.raises(ValueError, match=r"not one column \(2000 rows, \(2000, 1\)\)"):
        SklearnEcosystemPipeline(model="linear").fit(table, table[["rating"]])


@pytest.mark.parametrize("method", ["train", "fit", "evaluate", "score"])
def test_x_and_y_of_different_length_are_refused(table, method):
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    with pytest.raises(ValueError, match=r"differ in length|inconsistent numbers"):
        getattr(recommender, method)(table, table["rating"][:-1])


@pytest.mark.parametrize("damping", [-1, np.nan, "ten", None])
def test_damping_below_0_is_refused(table, damping):
    with pytest.raises(ValueError, match="damping must be a number of at least 0"):
        UserMovieFeatureTransformer(damping=damping).fit(table)


@pytest.mark.parametrize("method", ["predict", "evaluate", "save_pipeline"])
def test_nothing_works_before_training(table, method, tmp_path):
    recommender = SklearnEcosystemPipeline()
    argument = tmp_path / "x.pkl" if method == "save_pipeline" else table
    with pytest.raises(NotFittedError):
        getattr(recommender, method)(argument)
    assert list(tmp_path.iterdir()) == []


def test_ranking_says_that_nothing_is_trained_before_it_looks_at_the_rows():
    with pytest.raises(NotFittedError):
        SklearnEcosystemPipeline().evaluate_ranking(None)


def test_an_unfitted_pipeline_and_transformer_say_so(table):
    with pytest.raises(NotFittedError):
        SklearnEcosystemPipeline().build_pipeline().predict(table)
    with pytest.raises(NotFittedError):
        UserMovieFeatureTransformer().transform(table)


@pytest.mark.parametrize("model", ["florest", 3, KNeighborsRegressor, None])
def test_an_unknown_model_is_refused(table, model):
    with pytest.raises(
        ValueError,
        match=r"model must be one of .'forest', 'boosting', 'linear', 'factors', "
        r"'blend'., a dict like theirs or a regressor, got",
    ):
        SklearnEcosystemPipeline(model=model).fit(table)


def test_tuning_a_model_of_ones_own_is_refused(table):
    with pytest.raises(
        ValueError, match="tune_hyperparameters=True: .* has no search space in MODELS"
    ):
        SklearnEcosystemPipeline(model=KNeighborsRegressor()).train(
            table, tune_hyperparameters=True
        )


class FailsInFit(LinearRegression):
    def fit(self, X, y):
        # the folds of the cross-validation are smaller: only the last fit fails
        if len(X) > 1700:
            raise RuntimeError("the last fit fails")
        return super().fit(X, y)


FAILURES = {
    "constant ratings": (
        lambda t: t.assign(rating=1.0),
        "linear",
        ValueError,
        "constant",
    ),
    "no table": (lambda t: t.to_numpy(), "linear", TypeError, "pandas DataFrame"),
    "a year in words": (
        lambda t: t.assign(movie_year="old"),
        "linear",
        ValueError,
        "movie_year must hold numbers",
    ),
    "the last fit": (lambda t: t, FailsInFit(), RuntimeError, "the last fit fails"),
    "a search": (
        lambda t: t,
        KNeighborsRegressor(),
        ValueError,
        "tune_hyperparameters=True: .* has no search space in MODELS",
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failed_training_leaves_the_object_as_it_was(table, failure):
    spoil, model, error, message = FAILURES[failure]
    recommender = SklearnEcosystemPipeline(model="linear")
    recommender.train(table)
    recommender.evaluate_ranking(table[:50])
    predictions = recommender.predict(table)
    before = {**vars(recommender)}
    recommender.set_params(model=model)
    with pytest.raises(error, match=message):
        recommender.train(spoil(table), tune_hyperparameters=failure == "a search")
    after = {**vars(recommender)}
    assert before.keys() == after.keys()
    assert [
        name for name in before if name != "model" and before[name] is not after[name]
    ] == []
    np.testing.assert_array_equal(recommender.predict(table), predictions)


@pytest.mark.parametrize("column", ["genre", "user_country", "title"])
@pytest.mark.filterwarnings("ignore:.*rows are of pairs")
def test_a_string_that_no_file_can_hold_is_learned_or_refused_as_a_whole(
    table, column, tmp_path
):
    """A lone surrogate, half of a character, once left a half-changed object behind."""
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    before = {**vars(recommender)}
    strange = table.assign(**{column: np.array(["\ud800"] * len(table), dtype=object)})
    try:
        recommender.fit(strange)
    except ValueError as error:
        assert "\n" not in str(error)
        assert [
            name for name in before if before[name] is not vars(recommender)[name]
        ] == []
    else:
        path = recommender.save_pipeline(tmp_path / "strange.pkl")
        loaded = SklearnEcosystemPipeline.load_pipeline(path)
        np.testing.assert_array_equal(
            loaded.predict(strange), recommender.predict(strange)
        )


def test_a_failed_fit_leaves_the_transformer_as_it_was(table):
    transformer = UserMovieFeatureTransformer().fit(table)
    features = transformer.transform(table)
    for spoiled in (
        table.assign(movie_year="old"),
        table.assign(genre=[["Drama"]] * len(table)),
        table.assign(rating=np.nan),
    ):
        with pytest.raises(ValueError, match=r"movie_year|genre|finite numbers"):
            transformer.fit(spoiled[:100])
        pd.testing.assert_frame_equal(transformer.transform(table), features)


@pytest.mark.parametrize("kind", ["lists", "structures", "maps"])
@pytest.mark.parametrize("column", ["genre", "user_country", "movie_year", "user_id"])
def test_columns_of_arrow_that_hold_no_single_values_are_refused(table, column, kind):
    pyarrow = pytest.importorskip("pyarrow")
    value, arrow_type = {
        "lists": (["Drama", "War"], pyarrow.list_(pyarrow.string())),
        "structures": ({"a": 1}, pyarrow.struct([("a", pyarrow.int64())])),
        "maps": ([("a", 1)], pyarrow.map_(pyarrow.string(), pyarrow.int64())),
    }[kind]
    values = pd.array([value] * len(table), dtype=pd.ArrowDtype(arrow_type))
    spoiled = table.assign(**{column: values})
    fitted = SklearnEcosystemPipeline(model="linear").fit(table)
    calls = [UserMovieFeatureTransformer().fit, fitted.fit, fitted.predict]
    if column == "genre":
        calls += [MovieRanker().fit, MatrixFactorization().fit]
    for call in calls:
        with pytest.raises(ValueError, match=f"{column} must hold") as caught:
            call(spoiled)
        assert "\n" not in str(caught.value)


def test_a_failed_fit_leaves_factors_and_ranker_as_they_were(table):
    factors = MatrixFactorization().fit(table)
    ranker = MovieRanker().fit(table)
    predictions = factors.predict(table)
    lists = ranker.recommend([1, 2])
    for spoiled in (
        with_value(table, "user_id", None),
        table.assign(rating=np.nan),
        table.assign(timestamp="late"),
    ):
        for estimator in (factors, ranker):
            with pytest.raises(ValueError, match=r"user_id|finite numbers|timestamp"):
                estimator.fit(spoiled[:100])
    np.testing.assert_array_equal(factors.predict(table), predictions)
    pd.testing.assert_frame_equal(ranker.recommend([1, 2]), lists)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(
    ("kind", "largest", "beyond"),
    [
        ("float64", 2**53, 2**53 + 2),
        ("object", 2**63 - 1, 2**63),
        ("uint64", 2**63 - 1, 2**63),
    ],
)
def test_the_largest_ids_are_taken_and_the_next_ones_refused(
    table, kind, largest, beyond, sign
):
    if kind == "uint64" and sign == -1:
        pytest.skip("it has no negative numbers")
    fitted = UserMovieFeatureTransformer().fit(table)
    users = pd.Series([1, sign * largest], dtype=kind)
    rows = pd.DataFrame({"user_id": users, "movie_id": [1, 2]})
    assert fitted.transform(rows)["user_id"].tolist() == [1, sign * largest]
    rows["user_id"] = pd.Series([1, sign * beyond], dtype=kind)
    with pytest.raises(ValueError, match=r"user_id must hold integers .*row 1 holds"):
        fitted.transform(rows)


@pytest.mark.parametrize("value", [np.nan, "four", [4.0]])
def test_an_impossible_limit_of_what_is_relevant_is_named(table, ranked, value):
    for score in (
        ranked.evaluate_ranking,
        lambda *rows, **how: ranking_metrics(
            ranked.ranker_.recommend([1]), *rows, **how
        ),
    ):
        with pytest.raises(
            ValueError, match="^relevant_from must be a number of at least -.*, got"
        ):
            score(table, table["rating"], relevant_from=value)


@pytest.mark.parametrize("value", [0, 2.5, None])
def test_an_impossible_length_of_lists_is_named(table, ranked, value):
    for score in (
        ranked.evaluate_ranking,
        lambda *rows, **how: ranking_metrics(
            ranked.ranker_.recommend([1]), *rows, **how
        ),
    ):
        with pytest.raises(
            ValueError, match="^k must be an integer of at least 1, got"
        ):
            score(table, table["rating"], k=value)


def test_numbers_and_ratings_are_refused_from_1e15_on(table):
    for column in ("movie_year", "rating"):
        just_below = table.astype({column: float}).assign(
            **{column: np.where(table.index == 3, 1e15 - 1, table[column])}
        )
        UserMovieFeatureTransformer().fit(just_below)
        with pytest.raises(
            ValueError,
            match=r"must (hold|be) finite numbers below 1e15, "
            r"but row 3 holds 1000000000000000.0",
        ):
            UserMovieFeatureTransformer().fit(
                just_below.assign(
                    **{column: np.where(table.index == 3, 1e15, table[column])}
                )
            )


def test_dates_and_masked_values_are_no_ratings(table):
    dates = pd.to_datetime(table["timestamp"], unit="s")
    for y in (
        dates,
        dates.to_numpy(),
        dates - dates.min(),
        np.ma.masked_less(table["rating"].to_numpy(), 2),
    ):
        with pytest.raises(
            ValueError,
            match="Ratings must be numbers, in stars, and none may be missing",
        ):
            UserMovieFeatureTransformer().fit(table, y)


def test_metrics_without_ratings_say_so():
    with pytest.raises(ValueError, match="No ratings: pass y"):
        rating_metrics([1.0, 2.0], None)


def test_whole_numbers_with_gaps_are_numbers(table):
    years = table["movie_year"].where(table.index % 2 == 0)
    found = UserMovieFeatureTransformer().fit_transform(
        table.assign(movie_year=years.astype("Int64"))
    )
    pd.testing.assert_frame_equal(
        found,
        UserMovieFeatureTransformer().fit_transform(table.assign(movie_year=years)),
    )


def test_numbers_are_refused_with_the_limit_that_they_break():
    table = pd.DataFrame(
        {"user_id": [1, 1, 2], "movie_id": [1, 2, 1], "rating": [1.0, 2.0, 3.0]}
    )
    for seed in (2**32, 2**40, -1):
        with pytest.raises(
            ValueError,
            match="^random_state must be an integer of at least 0 "
            f"and below 4294967296, got {seed}.$",
        ):
            MovieRecommendationDataset(random_state=seed).check()
    for damping in (1e15, 10**15, 10**400, np.inf):
        with pytest.raises(
            ValueError,
            match="^damping must be a number of at least 0 "
            "and below 1000000000000000, got",
        ):
            UserMovieFeatureTransformer(damping=damping).fit(table)
    for damping in (-1, np.bool_(True), "ten"):
        with pytest.raises(
            ValueError, match="^damping must be a number of at least 0, got"
        ):
            UserMovieFeatureTransformer(damping=damping).fit(table)
    for n, damping in ((np.int64(2), np.float32(3)), (np.uint8(2), np.int16(3))):
        assert MatrixFactorization(n, 0, damping=damping).fit(
            table
        ).user_factors_.shape == (2, 2)
