"""Every public call refuses bad input in one clear sentence, and changes nothing.

Which tables, ratings and parameters are bad is in tests/test_table.py and test_ids.py.
"""

import contextlib

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
    compare_models,
    ranking_metrics,
    rating_metrics,
)

pytestmark = pytest.mark.hostile


@pytest.fixture(scope="module")
def fitted(table):
    """Everything that can be fitted, by its name."""
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    recommender.evaluate_ranking(table[:50])
    return {
        "wrapper": recommender,
        "transformer": UserMovieFeatureTransformer().fit(table),
        "pipeline": recommender.build_pipeline().fit(table),
        "factors": MatrixFactorization().fit(table),
        "ranker": MovieRanker().fit(table),
    }


def with_value(table, column, value):
    changed = table.astype({column: object})
    changed.loc[changed.index[3], column] = value
    return changed


LEARN = [
    "wrapper.create_features",
    "wrapper.train",
    "wrapper.fit",
    "pipeline.fit",
    "transformer.fit",
    "transformer.fit_transform",
    "factors.fit",
    "factors.fit_transform",
    "ranker.fit",
]
USE = [
    "wrapper.predict",
    "pipeline.predict",
    "transformer.transform",
    "factors.predict",
    "factors.transform",
    "ranker.recommend_new",
]
SCORE = ["wrapper.evaluate", "wrapper.evaluate_ranking"]
FUNCTIONS = {
    "compare_models": compare_models,
    "ranking_metrics": lambda rows: ranking_metrics(
        pd.DataFrame({"user_id": [1], "rank": 1, "movie_id": 1}), rows
    ),
}
READS_RATINGS = [*LEARN, *SCORE, *FUNCTIONS]


def method(fitted, call):
    if call in FUNCTIONS:
        return FUNCTIONS[call]
    if call == "wrapper.score":  # it takes the ratings beside the table
        return lambda rows: fitted["wrapper"].score(rows, np.ones(2000))
    owner, name = call.split(".")
    return getattr(fitted[owner], name)


@contextlib.contextmanager
def unchanged(fitted):
    """Fail if any of these estimators has other attributes at the end."""
    before = {owner: {**vars(estimator)} for owner, estimator in fitted.items()}
    yield
    for owner, values in before.items():
        after = vars(fitted[owner])
        assert values.keys() == after.keys()
        assert [name for name in values if values[name] is not after[name]] == []


BAD_TABLES = {
    "an array": (lambda t: t.to_numpy(), TypeError, "DataFrame"),
    "no user_id": (lambda t: t.drop(columns="user_id"), ValueError, "'user_id'"),
    "a missing id": (
        lambda t: with_value(t, "movie_id", None),
        ValueError,
        "movie_id must hold .*row 3 holds None",
    ),
}


@pytest.mark.parametrize("call", [*READS_RATINGS, *USE, "wrapper.score"])
def test_every_call_refuses_a_bad_table_and_changes_nothing(table, fitted, call):
    for spoil, error, message in BAD_TABLES.values():
        with unchanged(fitted), pytest.raises(error, match=message) as caught:
            method(fitted, call)(spoil(table))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("call", READS_RATINGS)
def test_every_call_that_reads_ratings_refuses_bad_ones(table, fitted, call):
    with unchanged(fitted), pytest.raises(ValueError, match="row 3 holds nan"):
        method(fitted, call)(with_value(table, "rating", np.nan))
    if call != "ranker.fit":  # it learns from who watched what, too
        with unchanged(fitted), pytest.raises(ValueError, match="No ratings"):
            method(fitted, call)(table.drop(columns="rating"))


def test_metrics_without_ratings_say_so():
    with pytest.raises(ValueError, match="No ratings: pass y"):
        rating_metrics([1.0, 2.0], None)


# ----- Recommendations that are to be scored

BAD_LISTS = {
    "no rank": (lambda L: L.drop(columns="rank"), "'rank'"),
    "ids in words": (lambda L: L.assign(movie_id="Heat"), "strings, such as 'Heat'"),
    "half an id": (lambda L: L.assign(user_id=1.5), "user_id must .*row 0 holds 1.5"),
    "rank 0": (lambda L: L.assign(rank=L["rank"] - 1), "count from 1"),
    "no number": (lambda L: L.assign(rank=np.nan), "count from 1"),
    "half a rank": (lambda L: L.assign(rank=L["rank"] + 0.5), "once per user"),
    "a rank twice": (lambda L: L.assign(rank=1), "once per user"),
    "words": (lambda L: L.assign(rank="first"), "rank must hold numbers"),
    "an array": (lambda L: L.to_numpy(), "DataFrame with"),
    "None": (lambda L: None, "DataFrame with"),
}


@pytest.mark.parametrize("bad", BAD_LISTS)
def test_what_are_no_recommendations_are_not_scored(table, fitted, bad):
    spoil, message = BAD_LISTS[bad]
    lists = fitted["ranker"].recommend([1, 2])
    with pytest.raises((TypeError, ValueError), match=message):
        ranking_metrics(spoil(lists), table)


@pytest.mark.parametrize(
    ("name", "value"),
    [("relevant_from", np.nan), ("relevant_from", "four"), ("k", 2.5)],
)
def test_impossible_parameters_of_a_ranking_are_named(table, fitted, name, value):
    lists = fitted["ranker"].recommend([1])
    with pytest.raises(ValueError, match=f"^{name} must be "):
        ranking_metrics(lists, table, **{name: value})
    with pytest.raises(ValueError, match=f"^{name} must be "):
        fitted["wrapper"].evaluate_ranking(table, **{name: value})


# ----- Models, seeds, and what is not fitted yet


@pytest.mark.parametrize("model", ["florest", 3, KNeighborsRegressor, None])
def test_an_unknown_model_is_refused_with_those_that_there_are(table, model):
    with pytest.raises(ValueError, match="^model must be .*'forest'.*'blend'.*, got"):
        SklearnEcosystemPipeline(model=model).fit(table)


@pytest.mark.parametrize(
    "call",
    [
        lambda table, **seed: MovieRecommendationDataset(**seed).generate(),
        lambda table, **seed: UserMovieFeatureTransformer(**seed).fit_transform(table),
        lambda table, **seed: MatrixFactorization(**seed).fit(table),
        lambda table, **seed: SklearnEcosystemPipeline(model="linear", **seed).fit(
            table
        ),
        compare_models,
    ],
    ids=["dataset", "transformer", "factors", "wrapper", "compare_models"],
)
def test_an_impossible_seed_is_named(table, call):
    with pytest.raises(ValueError, match="^random_state must be"):
        call(table, random_state=2**32)


def test_what_is_not_fitted_says_so_before_it_looks_at_the_rows(tmp_path):
    wrapper = SklearnEcosystemPipeline()
    for call, argument in (
        (wrapper.predict, None),
        (wrapper.evaluate, None),
        (wrapper.evaluate_ranking, None),
        (wrapper.save_pipeline, tmp_path / "x.pkl"),
        (wrapper.build_pipeline().predict, None),
        (UserMovieFeatureTransformer().transform, None),
    ):
        with pytest.raises(NotFittedError):
            call(argument)
    assert list(tmp_path.iterdir()) == []


# ----- A failure in the middle of the work


class FailsInFit(LinearRegression):
    def fit(self, X, y):
        # the folds of the cross-validation are smaller: only the last fit fails
        if len(X) > 1700:
            raise RuntimeError("the last fit fails")
        return super().fit(X, y)


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (FailsInFit(), RuntimeError, "the last fit"),
        (KNeighborsRegressor(), ValueError, "tune_hyperparameters=True: .*MODELS"),
    ],
    ids=["the last fit", "a search without a space"],
)
def test_a_training_that_fails_late_leaves_the_last_one(
    linear, table, model, error, message
):
    linear.evaluate_ranking(table[:50])
    predictions = linear.predict(table)
    linear.set_params(model=model)
    with unchanged({"wrapper": linear}), pytest.raises(error, match=message):
        linear.train(table, tune_hyperparameters=error is ValueError)
    np.testing.assert_array_equal(linear.predict(table), predictions)


@pytest.mark.parametrize("owner", ["wrapper", "transformer", "factors", "ranker"])
def test_a_fit_that_fails_at_any_column_leaves_the_last_one(table, fitted, owner):
    predictions = fitted["factors"].predict(table)
    columns = ["timestamp", "movie_year", "genre"]
    if owner in ("factors", "ranker"):
        columns.remove("movie_year" if owner == "ranker" else "genre")
    for column in columns:
        spoiled = table.assign(**{column: [["late"]] * len(table)})
        refused = pytest.raises(ValueError, match=f"{column} must hold")
        with unchanged(fitted), refused:
            fitted[owner].fit(spoiled[:100])
    np.testing.assert_array_equal(fitted["factors"].predict(table), predictions)


@pytest.mark.parametrize("column", ["genre", "user_country", "title"])
def test_a_string_that_no_file_can_hold_is_learned_or_refused_as_a_whole(
    linear, table, column, tmp_path
):
    """A lone surrogate: half of a character."""
    halves = pd.Series("\ud800", table.index, dtype=object)
    strange = table.assign(**{column: halves})
    before = {**vars(linear)}
    try:
        linear.fit(strange)
    except ValueError as error:
        assert "\n" not in str(error)
        assert all(vars(linear)[name] is before[name] for name in before)
    else:
        path = linear.save_pipeline(tmp_path / "strange.pkl")
        predictions = SklearnEcosystemPipeline.load_pipeline(path).predict(strange)
        np.testing.assert_array_equal(predictions, linear.predict(strange))
