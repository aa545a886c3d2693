"""Attack every public call with every kind of input: it works and keeps its promises,
or says one short sentence of ours.

Each way to spoil a table is tried on one call that learns and on one that only uses
what was learned; hypothesis then puts several ways together. Each odd value is tried on
each parameter. (What is said, and to what, is in test_errors.py.)
"""

import copy
import importlib.util
import linecache
import traceback
import tracemalloc
import warnings
from decimal import Decimal
from fractions import Fraction
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import UndefinedMetricWarning

import lesson_code
from lesson_code import (
    FEATURES,
    IDS,
    MatrixFactorization,
    MovieRanker,
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
    demonstrate_ecosystem,
    load_movielens,
    ranking_metrics,
    rating_metrics,
)

PANDAS = tuple(map(int, pd.__version__.split(".")[:2]))
if PANDAS < (2, 3):
    pytest.skip(
        "pandas 2.2 itself fails on a class of a user's own "
        "and on whole numbers beyond floats",
        allow_module_level=True,
    )
hypothesis = pytest.importorskip("hypothesis")
from hypothesis import strategies as st  # noqa: E402
from test_errors import (  # noqa: E402
    OTHERS,
    READS_RATINGS,
    assert_same,
    fit_everything,
    state_of,
)

pytestmark = pytest.mark.hostile
BASE = MovieRecommendationDataset(
    n_users=10, n_movies=8, n_ratings=50, random_state=1
).generate()
BASE = BASE.assign(title="Movie " + BASE["movie_id"].astype(str))
TRAIN, TEST = BASE[:40], BASE[40:]
SCALE = (TRAIN["rating"].min(), TRAIN["rating"].max())
PACKAGE = Path(lesson_code.__file__).parent / "recommender"
OUR_FILES = {lesson_code.__file__, *map(str, PACKAGE.glob("*.py"))}
OURS = (ValueError, TypeError, OSError)
#: Sentences of Python and scikit-learn that are as good as ours.
OTHERS_SAY = (
    "number of splits",
    "Feature names are only supported",
    "can't encode character",
)


def judge(call, *arguments):
    """Return the result, or None if the call refused in one good sentence; anything
    else fails the test.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call(*arguments)
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            line = linecache.getline(frame.filename, frame.lineno).strip()
            ours = frame.filename in OUR_FILES and line.startswith("raise")
            message = str(error)
            known = any(says in message for says in OTHERS_SAY)
            assert isinstance(error, OURS) and (ours or known), (
                f"foreign {type(error).__name__}: {message[:200]}"
            )
            longest = 400 if ours else 1000
            assert "\n" not in message.strip() and 10 < len(message) < longest, message
            return None
    for warning in caught:
        assert warning.category in (UserWarning, UndefinedMetricWarning), warning
    return result


def broken_by(attack, names):
    """Return what is wrong with each attack that fails: one run shows all of them."""
    broken = {}
    for name in names:
        try:
            attack(name)
        except Exception as error:
            broken[name] = " ".join(str(error).split())[:150]
    return broken


# ----- What every result must keep


def is_stars(found, X, scale=SCALE):
    low, high = scale
    found = np.asarray(found, dtype=float)
    assert found.shape == (len(X),)
    assert np.isfinite(found).all(), "not finite"
    assert ((found >= low) & (found <= high)).all(), "outside the scale"


def is_figures(found, X):
    for name, value in found.items():
        assert np.isfinite(value) or name == "R2", f"{name} is {value}"


def are_ids(column):
    return column.dtype == np.int64 or column.map(type).eq(str).all()


def is_recommendations(found, X):
    assert np.isfinite(found["score"]).all()
    assert are_ids(found["movie_id"])


def is_features(found, X):
    assert list(found.columns) == FEATURES
    assert found.index.equals(X.index), "the index is not kept"
    assert all(are_ids(found[name]) for name in IDS)
    assert np.isfinite(found[FEATURES[2:]].to_numpy()).all(), "not finite"


def is_estimates(found, X):
    assert found.shape == (len(X), 1)
    assert np.isfinite(found).all(), "not finite"


def predicts_stars(fitted, X):
    scale = getattr(fitted, "pipeline", fitted)
    is_stars(judge(fitted.predict, X), X, (scale.y_min_, scale.y_max_))


def recommends(ranker, X):
    is_recommendations(judge(ranker.recommend, ranker.users_[:3], 4), X)


#: The calls that take a table, each with the check of its result: those that use what
#: was learned, ...
USES = {
    "predict": is_stars,
    "predict of factors": is_stars,
    "transform": is_features,
    "evaluate": lambda found, X: is_figures(found[0], X),
    "evaluate_ranking": is_figures,
    "ranking_metrics": is_figures,
    "recommend_new": is_recommendations,
    "best_rmse": lambda found, X: is_figures({"best_rmse": found}, X),
}
#: ... and those that learn.
LEARNS = {
    "create_features": lambda found, X: is_features(*found[:2]),
    "cross-fitted features": is_features,
    "train": predicts_stars,
    "fit of a pipeline": predicts_stars,
    "fit of factors": predicts_stars,
    "cross-fitted factors": is_estimates,
    "fit of a ranker": recommends,
}
CHECKS = USES | LEARNS
#: The same rows get the same answers from these, alone and in another order.
ALONE_AS_TOGETHER = ["predict", "predict of factors", "transform"]


@cache
def learned():
    return fit_everything(TRAIN)


def keeps_its_promises(name, X):
    """Call, check the result, and that neither table nor (if refused) fit changes."""
    table = X.copy(deep=True) if isinstance(X, pd.DataFrame) else None
    it = SimpleNamespace(**{n: copy.copy(each) for n, each in vars(learned()).items()})
    fits = state_of(it)
    call = partial((READS_RATINGS | OTHERS)[name], it)
    found = judge(call, X)
    if found is None:
        assert_same(fits, state_of(it))
    else:
        CHECKS[name](found, X)
    if found is not None and name in ALONE_AS_TOGETHER:
        found = np.asarray(found)
        turned = np.asarray(call(X.iloc[::-1]))[::-1]
        np.testing.assert_allclose(found, turned, rtol=1e-9, atol=1e-9)
        alone = np.asarray(call(X.iloc[:1]))
        np.testing.assert_allclose(found[:1], alone, rtol=1e-9, atol=1e-9)
    if table is not None:
        pd.testing.assert_frame_equal(X, table)


# ----- Ways to spoil a table


def put(column, value):
    """Return a spoiler that puts one value into a column (then one of objects)."""

    def spoil(X):
        cells = X[column].to_numpy(dtype=object, copy=True)
        cells[0] = value
        return X.assign(**{column: pd.Series(cells, index=X.index, dtype=object)})

    return spoil


def without(column):
    return lambda X: X.drop(columns=column)


def whole(column, make):
    return lambda X: X.assign(**{column: make(X[column])})


def named(make):
    return lambda X: X.set_axis(make(list(X.columns)), axis=1)


def indexed(make):
    return lambda X: X.set_axis(make(len(X)), axis=0)


def read_only(X):
    X = X.copy()
    for name in X:
        values = X[name].to_numpy(copy=True)
        values.setflags(write=False)
        X[name] = values
    return X


class Frame(pd.DataFrame):
    """A class of a user's own."""

    @property
    def _constructor(self):
        return Frame


SPOILERS = {
    "nothing": lambda X: X,
    "columns permuted": lambda X: X[X.columns[::-1]],
    "column named 7": lambda X: X.assign(extra=1).rename(columns={"extra": 7}),
    "column named NaN": lambda X: X.assign(extra=1).rename(columns={"extra": np.nan}),
    "columns of two levels": named(
        lambda names: pd.MultiIndex.from_product([names, ["a"]])
    ),
    "columns of bytes": named(lambda names: [name.encode() for name in names]),
    "columns categorical": named(pd.CategoricalIndex),
    "column user_id twice": lambda X: pd.concat([X, X[["user_id"]]], axis=1),
    **{f"without {name}": without(name) for name in BASE},
    "ids and ratings only": lambda X: X[[*IDS, "rating"]],
    "ids only": lambda X: X[IDS],
    "features already": lambda X: X.assign(**dict.fromkeys(FEATURES[4:], 1.0)),
    "genre_encoded in words": lambda X: X.drop(columns="genre").assign(
        genre_encoded="x"
    ),
    "index duplicated": indexed(lambda n: [0] * n),
    "index of two levels": indexed(
        lambda n: pd.MultiIndex.from_arrays([[0] * n, range(n)])
    ),
    "index missing": indexed(lambda n: [np.nan] * n),
    "index named user_id": lambda X: X.rename_axis("user_id"),
    "no rows": lambda X: X[:0],
    "one row": lambda X: X[:1],
    "two rows": lambda X: X[:2],
    "one user": lambda X: X.assign(user_id=1),
    "one movie": lambda X: X.assign(movie_id=1),
    "one pair": lambda X: X.assign(user_id=1, movie_id=1),
    "every row twice": lambda X: pd.concat([X, X]),
    "a dict": lambda X: X.to_dict("list"),
    "None": lambda X: None,
    "read-only": read_only,
    "a class of one's own": Frame,
    "no duplicate labels allowed": lambda X: X.copy().set_flags(
        allows_duplicate_labels=False
    ),
}
ODD = [None, np.nan, pd.NaT, pd.NA]
ODD += [-1, 2**53 + 1, 2**63, 10**400, np.uint64(2**64 - 1), 1 + 2j]
ODD += [2.5, np.inf, -1e308, 5e-324, np.float16(3), np.longdouble(3)]
ODD += [True, np.True_, Decimal("2"), Fraction(5, 2), pd.Timestamp("2020")]
ODD += ["four", b"4", "\ud800", "a\0b", [1], (1, 2), {"a": 1}, np.array([1, 2])]
ODD += [pd.Interval(0, 1), object(), len]
ODD = {f"{type(value).__name__} {str(value)[:20]}": value for value in ODD}
NUMBERS = {
    "int8": lambda c: (c % 100).astype("int8"),
    "uint64": lambda c: c.astype("uint64"),
    "float16": lambda c: (c % 100).astype("float16"),
    "negative": lambda c: -c,
    "longdouble": lambda c: c.astype(np.longdouble),
    "bool": lambda c: c > 2,
    "Int64 with NA": lambda c: c.round().astype("Int64").mask(c == c.iloc[0]),
    "category with NA": lambda c: c.mask(c == c.iloc[0]).astype("category"),
    "strings": lambda c: c.astype(str),
    "huge, both signs": lambda c: np.where(np.arange(len(c)) % 2, 1.7e308, -1.7e308),
    "huge apart": lambda c: np.where(np.arange(len(c)) % 2, 1e200, 1.0),
    "tiny": lambda c: c * 5e-324,
    "-2**63": lambda c: np.full(len(c), -(2**63), dtype="int64"),
    "dates": lambda c: pd.to_datetime(c.astype("int64"), unit="s", utc=True),
    "timedeltas": lambda c: pd.to_timedelta(c.astype("int64"), unit="s"),
    "periods": lambda c: pd.period_range("2020", periods=len(c)),
    "sparse": lambda c: pd.arrays.SparseArray(c.to_numpy()),
    "all NaN": lambda c: c * np.nan,
    "arrow": lambda c: c.astype("double[pyarrow]").mask(c == c.iloc[0]),
    "arrow strings": lambda c: c.astype(str).astype("string[pyarrow]"),
}


def objects(value):
    """Return a maker of a column that holds the same object everywhere."""
    return lambda column: pd.Series([value] * len(column), column.index, dtype=object)


STRINGS = {
    "category": lambda c: c.astype("category"),
    "category, all unused": lambda c: pd.Categorical(
        [None] * len(c), categories=["Drama"]
    ),
    "arrow": lambda c: c.astype("string[pyarrow]").astype("category"),
    "bytes": lambda c: c.astype(str).str.encode("utf-8"),
    "numbers": lambda c: np.arange(len(c)),
    "mixed": lambda c: pd.Series(
        [f"a{n}" if n % 2 else n for n in range(len(c))], index=c.index, dtype=object
    ),
    "dates": lambda c: pd.date_range("2020", periods=len(c)),
    "all None": objects(None),
    "surrogates": objects("\ud800|Drama"),
    "any script": objects("ドラマ|драма|دراما|🎬"),
    "bars": objects("|||"),
    "long": objects("x" * 10_000),
    "NUL": objects("a\0b"),
    "lists": objects(["Drama"]),
}
IN_TABLES = [*SPOILERS]
for column, makers in {
    **dict.fromkeys([*IDS, "rating", "timestamp", "movie_year"], NUMBERS),
    **dict.fromkeys(["genre", "title"], STRINGS),
}.items():
    SPOILERS |= {
        f"{column}: {name}": whole(column, make) for name, make in makers.items()
    }
for column in ("user_id", "rating", "timestamp", "genre", "title"):
    SPOILERS |= {f"{column} once {name}": put(column, ODD[name]) for name in ODD}
if importlib.util.find_spec("pyarrow") is None:
    SPOILERS = {name: spoil for name, spoil in SPOILERS.items() if "arrow" not in name}


def rows_for(call):
    return (TEST if call in USES else TRAIN).copy()


def shares(calls):
    """Deal the odd columns out to some calls; each of them gets all other oddities."""
    in_columns = [name for name in SPOILERS if name not in IN_TABLES]
    return {
        call: [*IN_TABLES, *in_columns[n :: len(calls)]] for n, call in enumerate(calls)
    }


SHARES = shares(USES) | shares(LEARNS)


@pytest.mark.parametrize("call", CHECKS)
def test_a_spoiled_table_is_taken_or_refused_in_a_sentence(call):
    def attack(name):
        keeps_its_promises(call, SPOILERS[name](rows_for(call)))

    assert broken_by(attack, SHARES[call]) == {}


@hypothesis.settings(
    derandomize=True,
    deadline=None,
    max_examples=120,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
@hypothesis.given(
    st.sampled_from([*CHECKS]),
    st.lists(st.sampled_from([*SPOILERS]), min_size=2, max_size=4, unique=True),
)
def test_several_ways_together(call, names):
    X = rows_for(call)
    for name in names:
        try:
            X = SPOILERS[name](X)
        except Exception:
            continue  # two ways may not go together, but each alone does
    keeps_its_promises(call, X)


# ----- Odd and large values for every parameter


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no repr")


UNWIELDY = {
    "a frame": pd.DataFrame(np.zeros((2, 10_000)), columns=map(str, range(10_000))),
    "a series": pd.Series(np.arange(10_000) / 2),
    "a text": "x" * 10**6,
    "a dict": dict.fromkeys(range(10_000), 9.0),
    "a list": [None] * 100_000,
    "a frame in a dict": {"a": pd.DataFrame(np.eye(100))},
    "a number of 5000 digits": 10**5000,
    "what cannot be shown": Unprintable(),
    "what cannot be compared": Decimal("sNaN"),
}
VALUES = ODD | UNWIELDY


def fit(make, name, value):
    return make(**{name: value}).fit(TRAIN)


def generate(name, value):
    sizes = {"n_users": 3, "n_movies": 3, "n_ratings": 3}
    return MovieRecommendationDataset(**sizes | {name: value}).generate()


#: Calls with an odd value in the place of each parameter; not of those that are true or
#: false, as any value is one of the two.
PARAMETERS = {
    f"{make.__name__}, {name}": partial(fit, make, name)
    for make in (
        UserMovieFeatureTransformer,
        MatrixFactorization,
        MovieRanker,
        SklearnEcosystemPipeline,
    )
    for name, default in make().get_params().items()
    if not isinstance(default, bool)
}
PARAMETERS |= {
    f"dataset, {name}": partial(generate, name)
    for name in ("n_users", "n_movies", "n_ratings", "random_state")
}
PARAMETERS |= {
    "best_rmse": lambda odd: learned().dataset.best_rmse(odd),
    "cross-fitting, cv": lambda odd: UserMovieFeatureTransformer(cv=odd).fit_transform(
        TRAIN
    ),
    "factors, cv": lambda odd: MatrixFactorization(1, 1, cv=odd).fit_transform(TRAIN),
    "train, y": lambda odd: clone(learned().wrapper).train(TRAIN, odd),
    "fit, one of y": lambda odd: SklearnEcosystemPipeline(model="linear").fit(
        TRAIN[:3], [1, 2, odd]
    ),
    "set_params": lambda odd: SklearnEcosystemPipeline().set_params(
        model=odd, model__x=1
    ),
    "evaluate, y": lambda odd: learned().wrapper.evaluate(TEST, odd),
    "evaluate_ranking, by": lambda odd: learned().wrapper.evaluate_ranking(
        TEST, by=odd
    ),
    "ranking_metrics, lists": lambda odd: ranking_metrics(odd, TEST),
    "ranking_metrics, y": lambda odd: ranking_metrics(
        learned().top_n, TEST, y_test=odd
    ),
    "ranking_metrics, k": lambda odd: ranking_metrics(learned().top_n, TEST, k=odd),
    "ranking_metrics, relevant_from": lambda odd: ranking_metrics(
        learned().top_n, TEST, relevant_from=odd
    ),
    "rating_metrics": lambda odd: rating_metrics(odd, [1.0, 2.0]),
    "recommend, user_id": lambda odd: learned().wrapper.recommend(odd),
    "recommend, n": lambda odd: learned().wrapper.recommend(1, odd),
    "recommend, ratings": lambda odd: learned().wrapper.recommend(ratings=odd),
    "recommend, stars": lambda odd: learned().wrapper.recommend(ratings={1: odd}),
    "ranker, user_ids": lambda odd: learned().ranker.recommend(odd),
    "ranker, n": lambda odd: learned().ranker.recommend([1], odd),
    "similar": lambda odd: learned().wrapper.similar(odd),
    "similar, n": lambda odd: learned().wrapper.similar(1, odd),
    "predict_new, stars": lambda odd: learned().factors.predict_new([1], [odd], [1, 2]),
    "predict_new, movies": lambda odd: learned().factors.predict_new([1], [4.0], odd),
    "load_movielens": load_movielens,
    "load_pipeline": SklearnEcosystemPipeline.load_pipeline,
    "save_pipeline": lambda odd: learned().wrapper.save_pipeline(odd),
    "demo, model": lambda odd: demonstrate_ecosystem(TRAIN, model=odd),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_an_odd_value_of_a_parameter_is_taken_or_refused_in_a_sentence(
    name, tmp_path, monkeypatch
):
    def attack(value):
        found = judge(PARAMETERS[name], VALUES[value])
        if hasattr(found, "predict"):
            is_stars(judge(found.predict, TEST), TEST)
        elif isinstance(found, pd.DataFrame) and "score" in found:
            is_recommendations(found, TEST)

    monkeypatch.chdir(tmp_path)
    assert broken_by(attack, VALUES) == {}


def test_sizes_of_every_width_make_the_same_table():
    expected = MovieRecommendationDataset(100, 100, 100, random_state=100).generate()
    for width in ("int8", "uint8", "int64"):
        n = np.dtype(width).type(100)
        table = MovieRecommendationDataset(n, n, n, random_state=n).generate()
        pd.testing.assert_frame_equal(table, expected)
        assert len(learned().ranker.recommend([1], n)) <= 8


def test_a_long_list_takes_no_memory_for_its_length():
    k = 10**14
    tracemalloc.start()
    try:
        ranking_metrics(learned().top_n, TEST, None, k=k)
        learned().ranker.recommend([1], k)
        learned().wrapper.evaluate_ranking(TEST, k=k, by="chance")
        assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    finally:
        tracemalloc.stop()
