"""A table, an array or a text of a million letters in the place of every parameter: the
message stays one short sentence.
"""

import numpy as np
import pandas as pd
import pytest

from lesson_code import (
    MatrixFactorization,
    MovieRanker,
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
    compare_models,
    demonstrate_ecosystem,
    load_movielens,
    main,
    ranking_metrics,
    rating_metrics,
)
from recommender.table import shorten

pytestmark = pytest.mark.hostile
LONGEST = 400  # characters of a message


class Foreign:
    """An object of another library, which cannot be shown."""

    def __repr__(self):
        raise RuntimeError("no repr")


LARGE = {
    "a frame": MovieRecommendationDataset(500, 300, 10_000).generate(),
    "a wide frame": pd.DataFrame(
        np.zeros((2, 10_000)), columns=map(str, range(10_000))
    ),
    "a frame with a long name": pd.DataFrame({"x" * 10_000: [1]}),
    "a series": pd.Series(np.arange(10_000) / 2),
    "an array": np.arange(10**6) / 2,
    "a text": "x" * 10**6,
    "bytes": b"x" * 10**6,
    "a dict": dict.fromkeys(range(10_000), 9.0),
    "a list": [None] * 100_000,
    "a set": set(range(10_000)),
    "a frame in a dict": {"a": pd.DataFrame(np.eye(100))},
    "a number of 5000 digits": 10**5000,
    "what cannot be shown": Foreign(),
}


def dataset(**parameters):
    sizes = {"n_users": 10, "n_movies": 10, "n_ratings": 20}
    return MovieRecommendationDataset(**sizes | parameters).generate()


def wrapper(**parameters):
    return SklearnEcosystemPipeline(**{"model": "linear"} | parameters)


def parameter(name, run):
    """A call in which a parameter of that name is the large value."""
    return lambda fitted, table, value: run(table, **{name: value})


NUMBERS_OF_FACTORS = [
    "n_factors",
    "n_patterns",
    "n_sweeps",
    "damping",
    "regularization",
    "random_state",
]
CALLS = {
    **{
        f"dataset, {name}": parameter(name, lambda table, **given: dataset(**given))
        for name in ("n_users", "n_movies", "n_ratings", "random_state")
    },
    "best_rmse": lambda fitted, table, value: MovieRecommendationDataset(
        10, 10, 20
    ).best_rmse(value),
    **{
        f"transformer, {name}": parameter(
            name,
            lambda table, **given: UserMovieFeatureTransformer(**given).fit_transform(
                table
            ),
        )
        for name in ("damping", "cv", "random_state")
    },
    "transformer, X": lambda fitted, table, value: UserMovieFeatureTransformer().fit(
        value
    ),
    "transformer, y": lambda fitted, table, value: UserMovieFeatureTransformer().fit(
        table, value
    ),
    **{
        f"factors, {name}": parameter(
            name, lambda table, **given: MatrixFactorization(**given).fit(table)
        )
        for name in NUMBERS_OF_FACTORS
    },
    "factors, cv": lambda fitted, table, value: MatrixFactorization(
        cv=value
    ).fit_transform(table),
    "ranker, regularization": lambda fitted, table, value: MovieRanker(value).fit(
        table
    ),
    "recommend, user_id": lambda fitted, table, value: fitted.recommend(value),
    "recommend, n": lambda fitted, table, value: fitted.recommend(1, value),
    "recommend, ratings": lambda fitted, table, value: fitted.recommend(ratings=value),
    "recommend_new": lambda fitted, table, value: fitted.ranker_.recommend_new(value),
    "similar": lambda fitted, table, value: fitted.similar(value),
    "similar, n": lambda fitted, table, value: fitted.similar(1, value),
    "evaluate_ranking, by": lambda fitted, table, value: fitted.evaluate_ranking(
        table, by=value
    ),
    "evaluate_ranking, k": lambda fitted, table, value: fitted.evaluate_ranking(
        table, k=value
    ),
    "evaluate_ranking, relevant_from": lambda fitted, table, value: (
        fitted.evaluate_ranking(table, relevant_from=value)
    ),
    "ranking_metrics, lists": lambda fitted, table, value: ranking_metrics(
        value, table
    ),
    "ranking_metrics, y": lambda fitted, table, value: ranking_metrics(
        fitted.ranker_.recommend([1]), table, value
    ),
    "rating_metrics": lambda fitted, table, value: rating_metrics([1.0, 2.0], value),
    "evaluate, y": lambda fitted, table, value: fitted.evaluate(table, value),
    "predict": lambda fitted, table, value: fitted.predict(
        None if "user_id" in value else value
    ),
    "train, y": lambda fitted, table, value: wrapper().train(table, value),
    **{
        f"wrapper, {name}": parameter(
            name, lambda table, **given: wrapper(**given).fit(table)
        )
        for name in ("model", "select", "ranker", "random_state")
    },
    "wrapper, model, tuned": lambda fitted, table, value: wrapper(model=value).train(
        table, tune_hyperparameters=True
    ),
    "wrapper, set_params": lambda fitted, table, value: wrapper(model=value).set_params(
        model__alpha=1.0
    ),
    "compare_models, y": lambda fitted, table, value: compare_models(table, value),
    "compare_models, random_state": lambda fitted, table, value: compare_models(
        table, random_state=value
    ),
    **{
        f"demo, {name}": parameter(
            name, lambda table, **given: demonstrate_ecosystem(**given)
        )
        for name in ("n_users", "random_state", "model", "output")
    },
    "save_pipeline": lambda fitted, table, value: fitted.save_pipeline(value),
    "load_pipeline": lambda fitted, table, value: fitted.load_pipeline(value),
    "load_movielens": lambda fitted, table, value: load_movielens(value),
}
TAKE_A_TABLE = ("transformer, X", "recommend_new", "predict")


@pytest.fixture(scope="module")
def fitted(table):
    return wrapper().fit(table)


@pytest.mark.parametrize("large", LARGE)
@pytest.mark.parametrize("call", CALLS)
def test_a_message_is_short_whatever_is_given(fitted, table, call, large):
    value = LARGE[large]
    if large == "a frame" and call in TAKE_A_TABLE:
        pytest.skip("it is a table of ratings")
    with pytest.raises((ValueError, TypeError, OSError)) as caught:
        CALLS[call](fitted, table, value)
    message = str(caught.value)
    assert 0 < len(message) <= LONGEST
    assert "\n" not in message


def test_a_user_or_movie_whose_id_is_a_long_text_is_named_in_short(table):
    named = table.assign(
        user_id="u" + table["user_id"].astype(str),
        movie_id="m" + table["movie_id"].astype(str),
    )
    fitted = wrapper().fit(named)
    for call in (fitted.recommend, fitted.similar):
        with pytest.raises(ValueError, match="is unknown to the training") as caught:
            call("x" * 10**6)
        assert len(str(caught.value)) <= LONGEST
    unknown = {"m" * 10**4 + str(number): 4.0 for number in range(100)}
    with pytest.warns(UserWarning, match="Unknown movies") as warned:
        fitted.recommend(ratings=unknown | {"m1": 4.0})
    assert len(str(warned[0].message)) <= 2000  # ten of them are named


@pytest.mark.parametrize(
    "arguments",
    [["--users"], ["--model"], ["recommend", "--rated"], ["recommend", "--top"]],
)
def test_a_line_of_the_command_line_is_short(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([*arguments, "x" * 10**6])
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert len(error) < 700


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3, "3"),
        (np.float64(2.5), "2.5"),
        ("ann", "'ann'"),
        (None, "None"),
        ([1, 2], "[1, 2]"),
        (np.eye(2), "a ndarray of shape (2, 2)"),
        (pd.Series([1]), "a Series of shape (1,)"),
        ("x" * 100, "'" + "x" * 79 + "... (a str)"),
        (Foreign(), "a Foreign"),
        ([pd.DataFrame({"a": [1]})], "[   a 0  1]"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_shown_as_it_is_if_it_is_short(value, shown):
    assert shorten(value) == shown
