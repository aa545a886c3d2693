"""Attack every public call with every kind of input: it works and keeps its promises,
or says one short sentence of ours.

Two layers. Each way to spoil a table is tried on one call that learns and on one that
only uses what was learned, and each odd value on each parameter. Then hypothesis puts
several ways together, on any call.
"""

import importlib.util
import linecache
import traceback
import warnings
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
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
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

pytestmark = pytest.mark.hostile
BASE = MovieRecommendationDataset(
    n_users=10, n_movies=8, n_ratings=50, random_state=1
).generate()
BASE = BASE.assign(title="Movie " + BASE["movie_id"].astype(str))
TRAIN, TEST = BASE[:40], BASE[40:]
PACKAGE = Path(lesson_code.__file__).parent / "recommender"
OUR_FILES = {lesson_code.__file__, *map(str, PACKAGE.glob("*.py"))}
OURS = (ValueError, TypeError, OSError)
#: Sentences of Python and scikit-learn that are as good as ours.
OTHERS_SAY = (
    "number of splits",
    "Feature names are only supported",
    "can't encode character",
)


def judge(call, *arguments, **named):
    """Return the result, or None if the call refused in one good sentence; anything
    else fails the test.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call(*arguments, **named)
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


# ----- Calls that take a table, and what their results must keep


@cache
def learned():
    """Return what the calls that learn nothing use."""
    wrapper = SklearnEcosystemPipeline(model="linear").fit(TRAIN)
    return {
        "wrapper": wrapper,
        "factors": MatrixFactorization(2, 2, n_sweeps=2).fit(TRAIN),
        "transformer": UserMovieFeatureTransformer().fit(TRAIN),
        "ranker": wrapper.ranker_,
        "lists": wrapper.ranker_.recommend(range(1, 11), 5),
    }


def is_stars(found, X, like=TRAIN["rating"]):
    found = np.asarray(found, dtype=float)
    assert found.shape == (len(X),)
    assert np.isfinite(found).all(), "not finite"
    assert ((found >= min(like)) & (found <= max(like))).all(), "outside the scale"


def is_figures(found, X=None):
    for name, value in found.items():
        assert np.isfinite(value) or name == "R2", f"{name} is {value}"


def are_ids(column):
    return column.dtype == np.int64 or column.map(type).eq(str).all()


def is_lists(found, X=None):
    assert np.isfinite(found["score"]).all()
    assert are_ids(found["movie_id"])


def is_features(found, X):
    assert list(found.columns) == FEATURES
    assert found.index.equals(X.index), "the index is not kept"
    assert all(are_ids(found[name]) for name in IDS)
    assert np.isfinite(found[FEATURES[2:]].to_numpy()).all(), "not finite"


def predicts_stars(fitted, X):
    scale = getattr(fitted, "pipeline", fitted)
    is_stars(judge(fitted.predict, X), X, (scale.y_min_, scale.y_max_))


def recommends(ranker, X):
    is_lists(judge(ranker.recommend, ranker.users_[:3], 4))


def is_estimates(found, X):
    assert found.shape == (len(X), 1)
    assert np.isfinite(found).all(), "not finite"


def calling(make, name, check, company=False):
    """Return a call of a method of what `make()` gives, which checks its result.

    With `company`, the same rows must get the same answers alone and in another order.
    """

    def call(X):
        method = getattr(make(), name)
        found = judge(method, X)
        if found is not None:
            check(found, X)
        if found is not None and company:
            again = np.asarray(method(X.iloc[::-1]))[::-1]
            np.testing.assert_allclose(np.asarray(found), again, rtol=1e-9, atol=1e-9)
            alone = np.asarray(method(X.iloc[:1]))
            np.testing.assert_allclose(alone, again[:1], rtol=1e-9, atol=1e-9)

    return call


def use(owner, name, check, company=False):
    return calling(lambda: learned()[owner], name, check, company)


def score_lists(X):
    found = judge(ranking_metrics, learned()["lists"], X, None)
    if found is not None:
        assert all(0 <= value <= 1 for value in found.values())


def best_rmse(X):
    dataset = MovieRecommendationDataset(10, 8, 50, random_state=1)
    found = judge(dataset.best_rmse, X)
    assert found is None or 0 < found < 5


def linear():
    return SklearnEcosystemPipeline(model="linear")


def factors():
    return MatrixFactorization(2, 2, n_sweeps=1, cv=2)


def train(X):
    recommender = linear()
    if judge(recommender.train, X) is not None:
        assert np.isfinite(recommender.cv_scores).all(), "not finite"
        predicts_stars(recommender, X)


USES = {
    "predict": use("wrapper", "predict", is_stars, company=True),
    "predict of factors": use("factors", "predict", is_stars, company=True),
    "transform": use("transformer", "transform", is_features, company=True),
    "evaluate": use("wrapper", "evaluate", lambda found, X: is_figures(found[0])),
    "evaluate_ranking": use("wrapper", "evaluate_ranking", is_figures),
    "ranking_metrics": score_lists,
    "recommend_new": use("ranker", "recommend_new", is_lists),
    "best_rmse": best_rmse,
}
LEARNS = {
    "create_features": calling(
        linear, "create_features", lambda found, X: is_features(*found[:2])
    ),
    "fit_transform": calling(UserMovieFeatureTransformer, "fit_transform", is_features),
    "train": train,
    "fit of a pipeline": calling(
        lambda: linear().build_pipeline(), "fit", predicts_stars
    ),
    "fit of factors": calling(factors, "fit", predicts_stars),
    "fit_transform of factors": calling(factors, "fit_transform", is_estimates),
    "fit of a ranker": calling(MovieRanker, "fit", recommends),
}
CALLS = USES | LEARNS


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
    "columns numbered": named(lambda names: range(len(names))),
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
    "a series": lambda X: X["user_id"],
    "None": lambda X: None,
    "read-only": read_only,
    "one block read-only": lambda X: pd.DataFrame(
        np.broadcast_to(np.array([1.0, 2.0, 3.0]), (9, 3)), columns=[*IDS, "rating"]
    ),
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
    "complex": lambda c: c.astype(complex),
    "Int64 with NA": lambda c: c.round().astype("Int64").mask(c == c.iloc[0]),
    "category with NA": lambda c: c.mask(c == c.iloc[0]).astype("category"),
    "category of strings": lambda c: c.astype(str).astype("category"),
    "strings": lambda c: c.astype(str),
    "objects": lambda c: c.astype(object),
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
    "string": lambda c: c.astype("string"),
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


def attack(call, *names):
    """Spoil a table in several ways, one after the other, and call; the
    table must stay as it is.
    """
    X = (TEST if call in USES else TRAIN).copy()
    for name in names:
        try:
            X = SPOILERS[name](X)
        except Exception:
            if len(names) == 1:
                raise  # two ways may not go together, but each alone does
    before = X.copy(deep=True) if isinstance(X, pd.DataFrame) else None
    CALLS[call](X)
    if before is not None:
        pd.testing.assert_frame_equal(X, before)


def shares(calls):
    """Deal the odd columns out to some calls; each of them gets all other oddities."""
    in_columns = [name for name in SPOILERS if name not in IN_TABLES]
    return {
        call: [*IN_TABLES, *in_columns[n :: len(calls)]] for n, call in enumerate(calls)
    }


SHARES = shares(USES) | shares(LEARNS)


@pytest.mark.parametrize("call", CALLS)
def test_a_spoiled_table_is_taken_or_refused_in_a_sentence(call):
    broken = {}
    for name in SHARES[call]:
        try:
            attack(call, name)
        except Exception as error:  # collected: one run tells all of them
            broken[name] = " ".join(str(error).split())[:150]
    assert not broken


SETTINGS = settings(
    derandomize=True,
    deadline=None,
    max_examples=120,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


@SETTINGS
@given(
    st.sampled_from([*CALLS]),
    st.lists(st.sampled_from([*SPOILERS]), min_size=2, max_size=4, unique=True),
)
def test_several_ways_together(call, names):
    attack(call, *names)


CELLS = st.one_of(
    st.integers(-3, 60),
    st.integers(),
    st.floats(-10, 10),
    st.sampled_from([None, np.nan, pd.NA, np.inf, True, "3", b"3", 2**53]),
)


def column_of(cells):
    return st.lists(cells, min_size=6, max_size=6)


COLUMNS = st.fixed_dictionaries(
    {name: column_of(st.integers(1, 9)) for name in IDS}
    | {"rating": column_of(st.floats(-1e6, 1e6))},
    optional={name: column_of(CELLS) for name in BASE if name not in [*IDS, "rating"]},
)
CHANGES = st.tuples(st.sampled_from([*IDS, "rating"]), st.integers(0, 5), CELLS)


@SETTINGS
@given(st.sampled_from([*CALLS]), COLUMNS, st.lists(CHANGES, max_size=2))
def test_tables_of_any_cells(call, columns, changes):
    X = pd.DataFrame(
        {column: pd.Series(cells, dtype=object) for column, cells in columns.items()}
    )
    for column, row, cell in changes:
        X.loc[row, column] = cell
    before = X.copy(deep=True)
    CALLS[call](X)
    pd.testing.assert_frame_equal(X, before)


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


def of(make):
    """Return calls with odd values in the place of each parameter of an estimator.

    Not of those that are true or false: any value is one of the two.
    """

    def call(name):
        def run(value):
            estimator = judge(make(**{name: value}).fit, TRAIN)
            if hasattr(estimator, "predict"):
                is_stars(judge(estimator.predict, TEST), TEST)

        return run

    return {
        f"{make.__name__}, {name}": call(name)
        for name, default in make().get_params().items()
        if not isinstance(default, bool)
    }


def generated(name):
    def run(value):
        sizes = {"n_users": 3, "n_movies": 3, "n_ratings": 3}
        table = judge(MovieRecommendationDataset(**sizes | {name: value}).generate)
        if table is not None:
            assert table["rating"].between(1, 5).all()
            assert not table.duplicated(IDS).any()

    return run


def recommended(**named):
    found = judge(learned()["wrapper"].recommend, **named)
    if found is not None:
        is_lists(found)
        is_stars(found["predicted_rating"], found)


def of_learned(owner, name, *others, check=lambda found, value: None, **given):
    """Return a call of something fitted, with the odd value behind other arguments.

    A parameter that is None in `given` gets it instead.
    """

    def run(value):
        named = {key: value if old is None else old for key, old in given.items()}
        arguments = others if None in given.values() else (*others, value)
        found = judge(getattr(learned()[owner], name), *arguments, **named)
        if found is not None:
            check(found, value)

    return run


def scored(**named):
    found = judge(ranking_metrics, learned()["lists"], TEST, **named)
    if found is not None:
        is_figures(found)


PARAMETERS = {
    **{
        f"dataset, {name}": generated(name)
        for name in ("n_users", "n_movies", "n_ratings", "random_state")
    },
    **of(UserMovieFeatureTransformer),
    **of(MatrixFactorization),
    **of(MovieRanker),
    **of(SklearnEcosystemPipeline),
    "best_rmse": lambda value: judge(
        MovieRecommendationDataset(3, 3, 3).best_rmse, value
    ),
    "transformer, cv": lambda value: judge(
        UserMovieFeatureTransformer(cv=value).fit_transform, TRAIN
    ),
    "factors, cv": lambda value: judge(
        MatrixFactorization(1, 1, n_sweeps=1, cv=value).fit_transform, TRAIN
    ),
    "evaluate, y": of_learned("wrapper", "evaluate", TEST),
    "evaluate_ranking, by": of_learned("wrapper", "evaluate_ranking", TEST, by=None),
    "ranking_metrics, lists": lambda value: judge(ranking_metrics, value, TEST),
    "ranking_metrics, y": lambda value: scored(y_test=value),
    "ranking_metrics, k": lambda value: scored(k=value),
    "ranking_metrics, relevant_from": lambda value: scored(relevant_from=value),
    "rating_metrics": lambda value: judge(rating_metrics, value, [1.0, 2.0]),
    "recommend, user_id": lambda value: recommended(user_id=value),
    "recommend, n": lambda value: recommended(user_id=1, n=value),
    "recommend, ratings": lambda value: recommended(ratings=value),
    "recommend, stars": lambda value: recommended(ratings={1: value}),
    "ranker, user_ids": of_learned("ranker", "recommend", check=is_lists),
    "ranker, n": of_learned("ranker", "recommend", [1], check=is_lists),
    "similar": of_learned("wrapper", "similar"),
    "similar, n": of_learned("wrapper", "similar", 1),
    "predict_new, stars": lambda value: judge(
        learned()["factors"].predict_new, [1], [value], [1, 2]
    ),
    "predict_new, movies": of_learned("factors", "predict_new", [1], [4.0]),
    "train, y": lambda value: judge(linear().train, TRAIN, value),
    "fit, one of y": lambda value: judge(linear().fit, TRAIN[:3], [1, 2, value]),
    "set_params": lambda value: judge(linear().set_params, model=value, model__x=1),
    "load_movielens": lambda value: judge(load_movielens, value),
    "load_pipeline": of_learned("wrapper", "load_pipeline"),
    "save_pipeline": of_learned("wrapper", "save_pipeline"),
    "demo, model": lambda value: judge(demonstrate_ecosystem, TRAIN, model=value),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_an_odd_value_of_a_parameter_is_taken_or_refused_in_a_sentence(
    name, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    broken = {}
    for value in VALUES:
        try:
            PARAMETERS[name](VALUES[value])
        except Exception as error:
            broken[value] = " ".join(str(error).split())[:150]
    assert not broken


def test_sizes_of_every_width_make_the_same_table():
    expected = MovieRecommendationDataset(100, 100, 100, random_state=100).generate()
    for width in ("int8", "uint8", "int64"):
        n = np.dtype(width).type(100)
        table = MovieRecommendationDataset(n, n, n, random_state=n).generate()
        pd.testing.assert_frame_equal(table, expected)
        assert len(learned()["ranker"].recommend([1], n)) <= 8


def test_a_long_list_takes_no_memory_for_its_length():
    import tracemalloc

    k = 2**40
    tracemalloc.start()
    try:
        ranking_metrics(learned()["lists"], TEST, None, k=k)
        learned()["ranker"].recommend([1], k)
        learned()["wrapper"].evaluate_ranking(TEST, k=k, by="chance")
        assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    finally:
        tracemalloc.stop()
