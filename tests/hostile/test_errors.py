"""Every public call refuses what is wrong in one clear sentence, and changes nothing.

A row of a table below is one refusal: what is wrong, how it comes about, and a part of
what is said. (Ids are in test_ids.py, files in test_artifact.py and test_movielens.py.
That no other error ever comes is in test_fuzz.py.)
"""

import contextlib
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import Pipeline

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
from recommender.recommend import RatingRanker
from recommender.top_n import TopN

pytestmark = pytest.mark.hostile


def fit_everything(table):
    """Return everything that can be fitted, the table, and top-N recommendations."""
    wrapper = SklearnEcosystemPipeline(model="linear").fit(table)
    wrapper.evaluate_ranking(table)
    ranker = MovieRanker().fit(table)
    dataset = MovieRecommendationDataset(n_users=100, n_movies=60, n_ratings=100)
    dataset.generate()
    return SimpleNamespace(
        table=table,
        dataset=dataset,
        wrapper=wrapper,
        transformer=UserMovieFeatureTransformer().fit(table),
        pipeline=wrapper.build_pipeline().fit(table),
        factors=MatrixFactorization(2, 2, n_sweeps=2, cv=2).fit(table),
        ranker=ranker,
        top_n=ranker.recommend(ranker.users_[:5]),
    )


@pytest.fixture(scope="module")
def it(table):
    """Everything of `fit_everything`: a call in a table below takes it."""
    return fit_everything(table)


def state_of(it):
    """Return all attributes of everything that is fitted."""
    return {
        (name, attribute): value
        for name, fitted in vars(it).items()
        for attribute, value in vars(fitted).items()
    }


def assert_same(before, after):
    assert before.keys() == after.keys()
    assert [name for name in before if before[name] is not after[name]] == []


@contextlib.contextmanager
def unchanged(it):
    before = state_of(it)
    yield
    assert_same(before, state_of(it))


def assert_refused(it, message, call, *arguments):
    refused = pytest.raises((TypeError, ValueError), match=message)
    with unchanged(it), refused as caught:
        call(*arguments)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


# ----- Tables


class Foreign:
    """A table of another library."""

    def to_pandas(self):
        raise AssertionError("it is the caller who converts it")


def cell(column, value):
    """Put one value into a column."""

    def spoil(table):
        changed = table.astype({column: object})
        changed.loc[changed.index[3], column] = value
        return changed

    return spoil


def column(name, value):
    return lambda t: t.assign(**{name: pd.Series([value] * len(t), dtype=object)})


def renamed(**names):
    return lambda t: t.rename(columns=names)


TABLES = {
    "an array": (lambda t: t.to_numpy(), r"DataFrame .*got ndarray\.$"),
    "a foreign frame": (
        lambda t: Foreign(),
        r"Foreign of test_errors: .*to_pandas\(\)",
    ),
    "no rows": (lambda t: t[:0], "empty"),
    "no user_id": (lambda t: t.drop(columns="user_id"), "lacks .* 'user_id'; it has"),
    "no movie_id": (lambda t: t.drop(columns="movie_id"), "lacks .* 'movie_id'"),
    "another name": (renamed(user_id="User ID"), "rename 'User ID' to 'user_id'"),
    "other names": (
        renamed(user_id="userId", movie_id="movieId"),
        "'userId' to 'user_id' .*'movieId' to 'movie_id'",
    ),
    "a column twice": (
        lambda t: pd.concat([t, t[["genre"]]], axis=1),
        "'genre' is repeated",
    ),
    "a missing id": (cell("movie_id", None), "movie_id must hold .*row 3 holds None"),
    "no ratings": (lambda t: t.drop(columns="rating"), "MovieRanker"),
    "stars": (renamed(rating="stars"), "'stars' to 'rating'"),
    "equal ratings": (lambda t: t.assign(rating=3.0), r"All 2000 ratings are 3\.0"),
    "a missing rating": (cell("rating", np.nan), "row 3 holds nan"),
    "a huge rating": (cell("rating", 1e15), "below 1e15, but row 3"),
    "a rating in words": (cell("rating", "5*"), "must be numbers"),
    "years in words": (
        column("movie_year", "old"),
        "movie_year must hold numbers, got",
    ),
    "times for years": (column("movie_year", pd.Timedelta(1)), "must hold numbers"),
    "complex years": (lambda t: t.assign(movie_year=2j), "must hold numbers"),
    "an infinite year": (cell("movie_year", np.inf), "finite .*row 3 holds inf"),
    "a late date": (column("timestamp", datetime(2201, 1, 1)), "after the year 2200"),
    "a date beyond pandas": (column("timestamp", datetime(9999, 1, 1)), "holds dates"),
    "dates in words": (column("timestamp", "2026-01-01"), r"pd\.to_datetime"),
    "milliseconds": (column("timestamp", 1e12), "Unix seconds, .*milliseconds"),
    "genres in lists": (column("genre", ["Drama"]), "genre must hold strings"),
    "numbers for titles": (column("title", 5), "title must hold strings"),
}


@pytest.mark.parametrize(("spoil", "message"), TABLES.values(), ids=TABLES)
def test_what_is_no_table_of_ratings_is_refused(it, spoil, message):
    assert_refused(it, message, it.wrapper.train, spoil(it.table))


RATINGS = {
    "dates": (lambda y: pd.to_datetime(y, unit="s"), "must be numbers"),
    "masked": (lambda y: np.ma.masked_less(y.to_numpy(), 2), "must be numbers"),
    "complex": (lambda y: y + 1j, "must be numbers"),
    "too short": (lambda y: y[:-1], "2000 rows"),
    "a table": (lambda y: y.to_frame(), "2000 rows"),
}


@pytest.mark.parametrize(("spoil", "message"), RATINGS.values(), ids=RATINGS)
def test_what_is_no_column_of_ratings_is_refused(it, spoil, message):
    assert_refused(it, message, it.wrapper.train, it.table, spoil(it.table["rating"]))


#: All calls that take a table and read its ratings, ...
READS_RATINGS = {
    "create_features": lambda it, X: it.wrapper.create_features(X),
    "train": lambda it, X: it.wrapper.train(X),
    "fit": lambda it, X: it.wrapper.fit(X),
    "fit of a pipeline": lambda it, X: it.pipeline.fit(X),
    "fit of features": lambda it, X: it.transformer.fit(X),
    "cross-fitted features": lambda it, X: it.transformer.fit_transform(X),
    "fit of factors": lambda it, X: it.factors.fit(X),
    "cross-fitted factors": lambda it, X: it.factors.fit_transform(X),
    "fit of a ranker": lambda it, X: it.ranker.fit(X),
    "evaluate": lambda it, X: it.wrapper.evaluate(X),
    "evaluate_ranking": lambda it, X: it.wrapper.evaluate_ranking(X),
    "compare_models": lambda it, X: compare_models(X),
    "ranking_metrics": lambda it, X: ranking_metrics(it.top_n, X),
}
#: ... and those that do not, or for which ratings are optional.
OTHERS = {
    "predict": lambda it, X: it.wrapper.predict(X),
    "predict of a pipeline": lambda it, X: it.pipeline.predict(X),
    "transform": lambda it, X: it.transformer.transform(X),
    "predict of factors": lambda it, X: it.factors.predict(X),
    "transform of factors": lambda it, X: it.factors.transform(X),
    "recommend_new": lambda it, X: it.ranker.recommend_new(X),
    "best_rmse": lambda it, X: it.dataset.best_rmse(X),
    "score": lambda it, X: it.wrapper.score(X, np.ones(2000)),
}


@pytest.mark.parametrize("call", READS_RATINGS | OTHERS)
def test_every_call_refuses_a_bad_table(it, call):
    wrong = ["an array", "no user_id", "a missing id"]
    if call in READS_RATINGS:
        wrong.append("a missing rating")
    if call in READS_RATINGS and call != "fit of a ranker":  # it also learns from views
        wrong.append("no ratings")
    for name in wrong:
        spoil, message = TABLES[name]
        assert_refused(it, message, (READS_RATINGS | OTHERS)[call], it, spoil(it.table))


# ----- Parameters, and what a fitted object is asked


def of(make, **parameters):
    """Return a call that fits an estimator with these parameters."""
    return lambda it: make(**parameters).fit(it.table)


def wrapper_of(**parameters):
    return of(SklearnEcosystemPipeline, **{"model": "linear"} | parameters)


def features_of(**parameters):
    return lambda it: UserMovieFeatureTransformer(**parameters).fit_transform(it.table)


HALF_A_ROW = {"features": UserMovieFeatureTransformer(), "scaling": []}
A_SEED = "^random_state must be .*at least 0 and below 4294967296, got"
A_RANKER = "^ranker must be one of .*'popularity'.*, got"
PARAMETERS = {
    "model, a typo": (
        wrapper_of(model="florest"),
        "^model must .*'forest'.*, got 'florest'",
    ),
    "model, a class": (wrapper_of(model=KNeighborsRegressor), "^model must be .*, got"),
    "model, no steps": (wrapper_of(model=Pipeline([])), "^model must be .*, got Pipe"),
    "model, a class in a row": (
        wrapper_of(model=HALF_A_ROW | {"regressor": Ridge}),
        "must have objects as features and regressor",
    ),
    "model, half a row": (wrapper_of(model=HALF_A_ROW), r"lacks \['regressor'\]"),
    "select": (wrapper_of(model="factors", select=SelectKBest()), "model='factors'"),
    "ranker, a typo": (wrapper_of(ranker="luck"), A_RANKER),
    "ranker, no estimator": (wrapper_of(ranker=TopN()), A_RANKER),
    "ranker, of no pipeline": (wrapper_of(ranker=RatingRanker(Ridge())), A_RANKER),
    "ranker, a bad one": (
        wrapper_of(ranker=MovieRanker(-1)),
        "^regularization must be a number",
    ),
    "regularization of a ranker, 0": (
        of(MovieRanker, regularization=0),
        "^regularization must be a number",
    ),
    "regularization of a ranker, words": (
        of(MovieRanker, regularization="much"),
        "^regularization must be a number",
    ),
    "damping, below 0": (
        features_of(damping=-1),
        "^damping must be a .*at least 0, got -1",
    ),
    "damping, true": (features_of(damping=np.True_), "^damping must be .*got True"),
    "damping, words": (features_of(damping="ten"), "^damping must be .*got 'ten'"),
    "damping, huge": (
        features_of(damping=10**400),
        "^damping must be .*below 10{15}, got 1000",
    ),
    "n_factors": (of(MatrixFactorization, n_factors=2.5), "n_factors must .* got 2.5"),
    "n_patterns": (of(MatrixFactorization, n_patterns=-1), "n_patterns must .* got -1"),
    "n_sweeps": (of(MatrixFactorization, n_sweeps=0), "n_sweeps must be .* got 0"),
    "regularization": (
        of(MatrixFactorization, regularization=0),
        "^regularization must be a number",
    ),
    "damping of factors": (
        of(MatrixFactorization, damping=np.inf),
        "^damping must .*inf",
    ),
    "seed": (wrapper_of(random_state=-1), A_SEED),
    "seed of features": (features_of(random_state=1.5), A_SEED),
    "seed of factors": (of(MatrixFactorization, random_state=2**32), A_SEED),
    "seed of a table": (
        lambda it: MovieRecommendationDataset(random_state=2**32).generate(),
        A_SEED,
    ),
    "seed of a comparison": (
        lambda it: compare_models(it.table, random_state=2**32),
        A_SEED,
    ),
}


def recommend(*arguments, **named):
    return lambda it: it.wrapper.recommend(*arguments, **named)


def recommend_new(**changes):
    return lambda it: it.ranker.recommend_new(it.table.assign(**changes))


RECOMMENDATIONS = {
    "an unknown user": (recommend(4711), "4711 is unknown"),
    "nobody": (recommend(), "or ratings="),
    "ratings as the user": (recommend({1: 2.0}), "or ratings="),
    "users": (recommend([1, 2]), "user_id must be one id"),
    "ratings in a list": (recommend(ratings=[1, 2]), r"got \[1, 2\]"),
    "half a movie": (recommend(ratings={1.5: 2.0}), "keys of ratings"),
    "off the scale": (recommend(ratings={1: 9}), "movie 1 has 9"),
    "half a candidate": (recommend(5, candidates=[1.5]), "candidates"),
    "a strange exception": (
        recommend(5, exclude=["tt1"]),
        "exclude must hold .* got 'tt1'",
    ),
    "no movies": (recommend(5, n=0), "^n must be"),
    "below the scale": (recommend_new(rating=0.5), r"from 1\.0 to 5\.0"),
    "above the scale": (recommend_new(rating=50.0), r"from 1\.0 to 5\.0"),
    "views": (
        lambda it: it.ranker.recommend_new(it.table.drop(columns="rating")),
        "needs the column 'rating'",
    ),
    "stars": (
        lambda it: it.ranker.fit(it.table.rename(columns={"rating": "stars"})),
        "rename 'stars'",
    ),
    "half a user": (
        lambda it: it.ranker.recommend([3, 2.5]),
        "user_ids .* row 1 holds",
    ),
    "like an unknown movie": (lambda it: it.ranker.similar(4711), "4711 is unknown"),
    "like several": (lambda it: it.ranker.similar([1, 2]), "movie_id must be one id"),
    "no similar ones": (lambda it: it.ranker.similar(1, n=0), "^n must be"),
    "a reason for an unknown movie": (
        lambda it: it.ranker.explain(it.ranker.history_.stars()[:1], np.array([9999])),
        "Movie 9999 is unknown",
    ),
    "half a rated movie": (
        lambda it: it.factors.predict_new([1, 1.5], [5.0, 3.0], [2]),
        "^rated .* row 1 holds 1.5",
    ),
    "a name": (
        lambda it: it.factors.predict_new([1], [5.0], ["Heat"]),
        "must hold .* got 'Heat'",
    ),
}


def score(spoil):
    """Return a call that scores spoiled recommendations."""
    return lambda it: ranking_metrics(spoil(it.top_n), it.table)


SCORES = {
    "no rank": (score(lambda L: L.drop(columns="rank")), "'rank'"),
    "ids in words": (
        score(lambda L: L.assign(movie_id="Heat")),
        "must hold .* got 'Heat'",
    ),
    "rank 0": (score(lambda L: L.assign(rank=L["rank"] - 1)), "count from 1"),
    "half a rank": (score(lambda L: L.assign(rank=L["rank"] + 0.5)), "once per user"),
    "a rank twice": (score(lambda L: L.assign(rank=1)), "once per user"),
    "words": (score(lambda L: L.assign(rank="first")), "rank must hold numbers"),
    "an array": (score(lambda L: L.to_numpy()), "DataFrame with"),
    "k": (lambda it: ranking_metrics(it.top_n, it.table, k=2.5), "^k must be"),
    "k of all": (lambda it: it.wrapper.evaluate_ranking(it.table, k=2.5), "^k must be"),
    "relevance": (
        lambda it: ranking_metrics(it.top_n, it.table, relevant_from="four"),
        "^relevant_from must be",
    ),
    "nothing relevant": (
        lambda it: ranking_metrics(it.top_n, it.table, relevant_from=5.5),
        "No test rating is 5.5 or more",
    ),
    "an unknown way": (
        lambda it: it.wrapper.evaluate_ranking(it.table, by="luck"),
        "^by must be one of .*got 'luck'",
    ),
    "no ratings": (
        lambda it: rating_metrics([1.0, 2.0], None),
        "one rating for each of 2 rows",
    ),
}
GROUPS = (PARAMETERS, RECOMMENDATIONS, SCORES)


@pytest.mark.parametrize(
    ("call", "message"),
    [refusal for group in GROUPS for refusal in group.values()],
    ids=[name for group in GROUPS for name in group],
)
def test_what_cannot_be_done_is_refused(it, call, message):
    assert_refused(it, message, call, it)


def test_what_is_not_fitted_says_so_before_it_looks_at_the_rows(tmp_path):
    wrapper = SklearnEcosystemPipeline()
    for call, *arguments in (
        (wrapper.predict, None),
        (wrapper.evaluate, None),
        (wrapper.evaluate_ranking, None),
        (wrapper.recommend, None),
        (wrapper.similar, None),
        (wrapper.save_pipeline, tmp_path / "x.pkl"),
        (wrapper.build_pipeline().predict, None),
        (UserMovieFeatureTransformer().transform, None),
        (MatrixFactorization().predict_new, None, None, None),
        (MovieRanker().recommend, None),
        (MovieRanker().recommend_new, None),
        (MovieRanker().similar, None),
    ):
        with pytest.raises(NotFittedError):
            call(*arguments)
    assert list(tmp_path.iterdir()) == []


# ----- A failure in the middle of the work


class FailsInFit(LinearRegression):
    def fit(self, X, y):
        # the folds of the cross-validation are smaller: only the last fit fails
        if len(X) > 1700:
            raise RuntimeError("the last fit fails")
        return super().fit(X, y)


@pytest.mark.parametrize(
    ("model", "is_tuned", "message"),
    [
        (FailsInFit(), False, "the last fit"),
        (KNeighborsRegressor(), True, "tune_hyperparameters=True: .*MODELS"),
    ],
    ids=["the last fit", "a search without a space"],
)
def test_a_training_that_fails_late_leaves_the_last_one(
    linear, table, model, is_tuned, message
):
    linear.evaluate_ranking(table[:50])
    predictions = linear.predict(table)
    linear.set_params(model=model)
    fitted = SimpleNamespace(wrapper=linear)
    fails = pytest.raises((RuntimeError, ValueError), match=message)
    with unchanged(fitted), fails:
        linear.train(table, tune_hyperparameters=is_tuned)
    np.testing.assert_array_equal(linear.predict(table), predictions)


@pytest.mark.parametrize(
    ("owner", "column_name"),
    [
        ("wrapper", "genre"),
        ("transformer", "genre"),
        ("factors", "movie_year"),
        ("ranker", "genre"),
    ],
)
def test_a_fit_that_fails_at_its_last_column_leaves_the_last_one(
    table, it, owner, column_name
):
    predictions = it.factors.predict(table)
    late = column(column_name, ["late"])(table)
    fit = vars(it)[owner].fit
    assert_refused(it, f"{column_name} must hold", fit, late)
    np.testing.assert_array_equal(it.factors.predict(table), predictions)
