"""Attack every public call with every kind of input: it works and keeps its promises,
or says one sentence of ours.

Two layers. A matrix tries each way to spoil a table on each call. Then hypothesis puts
two or three ways together. How many calls there were, and how they ended, is in the
last test's output: `pytest tests/hostile/test_fuzz.py -s`.
"""

import decimal
import importlib.util
import linecache
import traceback
import warnings
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError, UndefinedMetricWarning

import lesson_code
from lesson_code import (
    FEATURES,
    IDS,
    MatrixFactorization,
    MovieRanker,
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
    compare_models,
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
HUGE = 10**400
OUTCOMES = Counter()
PACKAGE = Path(lesson_code.__file__).parent / "recommender"
OUR_FILES = {lesson_code.__file__, *map(str, PACKAGE.glob("*.py"))}
OURS = (ValueError, TypeError, FileNotFoundError, NotFittedError)
#: Sentences of Python, NumPy, pandas and scikit-learn that are as good as ours: one
#: line that tells what is wrong.
OTHERS_SAY = (
    "Cannot have number of splits",
    "cannot be used to seed",
    "Seed must be between",
    "k-fold cross-validation requires",
    "The number of folds must be",
    "is not fitted yet",
    "least 2 samples",
    "Feature names are only supported",
    "os.PathLike",
    "returning str",
    "embedded null",
    "can't encode character",
    "must be an array-like",
    "inconsistent numbers of samples",
    "Input should have at least 1",
    "Input contains",
    "float() argument must be",
    "could not convert string to float",
    "cannot convert signaling NaN",
    "inhomogeneous shape",
    "not all arguments converted",  # a tuple as a seed, in scikit-learn before 1.9
    "Data must be 1-dimensional",
    "Buffer has wrong number",
    "type is unordered",
    "All intermediate steps should be",
    "Expected an estimator instance",
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
            message = str(error)
            line = linecache.getline(frame.filename, frame.lineno)
            at_a_raise = line.strip().startswith("raise")
            ours = frame.filename in OUR_FILES and at_a_raise
            known = any(says in message for says in OTHERS_SAY)
            if not isinstance(error, OURS) or not (ours or known):
                OUTCOMES["foreign"] += 1
                raise AssertionError(
                    f"foreign {type(error).__name__}: {message[:200]}"
                ) from error
            assert "\n" not in message.strip(), f"not one line: {message[:200]!r}"
            assert 10 < len(message) < 1000, (
                f"{len(message)} characters: {message[:200]!r}"
            )
            whose = "sentence of ours" if ours else "good sentence of a library"
            OUTCOMES[f"refused in a {whose}"] += 1
            return None
    for warning in caught:
        good = (
            warning.category is UserWarning
            or warning.category is UndefinedMetricWarning
        )
        assert good, f"foreign {warning.category.__name__}: {warning.message}"
    OUTCOMES["worked"] += 1
    return result


# ----- What promises a result must keep


def stars(found, X, low=None, high=None):
    found = np.asarray(found, dtype=float)
    assert found.shape == (len(X),)
    assert np.isfinite(found).all(), "not finite"
    if low is not None:
        assert (found >= low).all() and (found <= high).all(), "outside the scale"


def same_alone(method, X, found):
    """The same rows get the same answers, whatever their company or order."""
    backwards = np.asarray(method(X.iloc[::-1]))[::-1]
    np.testing.assert_allclose(np.asarray(found), backwards, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        np.asarray(found)[:1], np.asarray(method(X.iloc[:1])), rtol=1e-9, atol=1e-9
    )


def figures(found):
    for name, value in found.items():
        assert np.isfinite(value) or name == "R2", f"{name} is {value}"


def are_ids(column):
    """Whether a column of ids holds int64 numbers, or strings."""
    return column.dtype == np.int64 or column.map(type).eq(str).all()


def lists(found, n=None):
    assert np.isfinite(found["score"]).all()
    assert are_ids(found["movie_id"])
    if n is not None:
        assert len(found) <= n


def features(found, X):
    assert list(found.columns) == FEATURES
    assert found.index.equals(X.index), "the index is not kept"
    assert all(are_ids(found[name]) for name in FEATURES[:2])
    assert np.isfinite(found[FEATURES[2:]].to_numpy()).all(), "not finite"


FITTED = {
    "linear": SklearnEcosystemPipeline(model="linear").fit(TRAIN),
    "factors": MatrixFactorization(2, 2, n_sweeps=2).fit(TRAIN),
    "ranker": MovieRanker().fit(TRAIN),
    "transformer": UserMovieFeatureTransformer().fit(TRAIN),
    "dataset": MovieRecommendationDataset(10, 8, 50, random_state=1),
}
FITTED["linear"].ranker_  # noqa: B018  solved now
LISTS = FITTED["ranker"].recommend(range(1, 11), 5)
LOW, HIGH = float(TRAIN["rating"].min()), float(TRAIN["rating"].max())


def predict(X):
    found = judge(FITTED["linear"].predict, X)
    if found is not None:
        stars(found, X, LOW, HIGH)
        same_alone(FITTED["linear"].predict, X, found)


def predict_factors(X):
    found = judge(FITTED["factors"].predict, X)
    if found is not None:
        stars(found, X, LOW, HIGH)
        same_alone(FITTED["factors"].predict, X, found)


def transform(X):
    found = judge(FITTED["transformer"].transform, X)
    if found is not None:
        features(found, X)
        same_alone(FITTED["transformer"].transform, X, found)


def evaluate(X):
    found = judge(FITTED["linear"].evaluate, X)
    if found is not None:
        figures(found[0])
        stars(found[1], X, LOW, HIGH)


def evaluate_ranking(X):
    for by in ("taste", "chance"):
        found = judge(FITTED["linear"].evaluate_ranking, X, by=by)
        if found is not None:
            figures(found)
            assert all(0 <= value <= 1 for value in found.values())


def rank_score(X):
    found = judge(ranking_metrics, LISTS, X, None)
    if found is not None:
        figures(found)


def rank_lists(X):
    found = judge(ranking_metrics, X, TEST, TEST["rating"])
    if found is not None:
        assert all(0 <= value <= 1 for value in found.values()), found


def recommend_new(X):
    found = judge(FITTED["ranker"].recommend_new, X)
    if found is not None:
        lists(found)


def best_rmse(X):
    found = judge(FITTED["dataset"].best_rmse, X)
    assert found is None or 0 < found < 5


def create_features(X):
    found = judge(SklearnEcosystemPipeline().create_features, X)
    if found is not None:
        features(found[0], found[1])
        assert found[0].index.equals(found[1].index)


def fit_transform(X):
    found = judge(UserMovieFeatureTransformer().fit_transform, X)
    if found is not None:
        features(found, X)


def fit(X):
    fitted = judge(SklearnEcosystemPipeline(model="linear").fit, X)
    if fitted is not None:
        low, high = fitted.pipeline.y_min_, fitted.pipeline.y_max_
        found = judge(fitted.predict, X)
        stars(found, X, low, high)
        same_alone(fitted.predict, X, found)


def train(X):
    recommender = SklearnEcosystemPipeline(model="linear")
    pipeline = judge(recommender.train, X)
    if pipeline is not None:
        assert np.isfinite(recommender.cv_scores).all(), "not finite"


def fit_pipeline(X):
    pipeline = judge(SklearnEcosystemPipeline(model="linear").build_pipeline().fit, X)
    if pipeline is not None:
        stars(judge(pipeline.predict, X), X, pipeline.y_min_, pipeline.y_max_)


def fit_factors(X):
    factors = judge(MatrixFactorization(2, 2, n_sweeps=1).fit, X)
    if factors is not None:
        stars(judge(factors.predict, X), X, factors.y_min_, factors.y_max_)


def cross_fit_factors(X):
    found = judge(MatrixFactorization(2, 2, n_sweeps=1, cv=2).fit_transform, X)
    if found is not None:
        assert found.shape == (len(X), 1)
        assert np.isfinite(found).all(), "not finite"


def fit_ranker(X):
    ranker = judge(MovieRanker().fit, X)
    if ranker is not None:
        lists(judge(ranker.recommend, ranker.users_[:3], 4), 12)


def compare(X):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lesson_code, "MODELS", {"linear": lesson_code.MODELS["linear"]})
        found = judge(compare_models, X)
    if found is not None:
        assert np.isfinite(found["RMSE"]).all(), "not finite"


USES = [
    predict,
    predict_factors,
    transform,
    evaluate,
    evaluate_ranking,
    rank_score,
    recommend_new,
    best_rmse,
]
LEARNS = [
    create_features,
    fit_transform,
    fit,
    train,
    fit_pipeline,
    fit_factors,
    cross_fit_factors,
    fit_ranker,
    compare,
]
CALLS = {call.__name__: call for call in USES + LEARNS}


# ----- Ways to spoil a table


def put(column, value, row=0):
    """Return a spoiler that puts one value into a column (then one of objects)."""

    def spoil(X):
        cells = X[column].to_numpy(dtype=object, copy=True)
        cells[row] = value
        return X.assign(**{column: pd.Series(cells, index=X.index, dtype=object)})

    return spoil


def whole(column, make):
    return lambda X: X.assign(**{column: make(X[column])})


def renamed(make):
    return lambda X: X.set_axis(make(list(X.columns)), axis=1)


def indexed(make):
    return lambda X: X.set_axis(make(len(X)), axis=0)


def objects(value):
    """Return a column that holds the same object everywhere."""

    def make(column):
        values = np.empty(len(column), dtype=object)
        for row in range(len(column)):
            values[row] = value
        return pd.Series(values, index=column.index, dtype=object)

    return make


def arrow(type_):
    return lambda column: (
        column.round() if type_.startswith("int") else column
    ).astype(type_)


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
    "column extra": lambda X: X.assign(extra="x"),
    "column named 7": lambda X: X.assign(extra=1).rename(columns={"extra": 7}),
    "column named by a tuple": lambda X: X.assign(extra=1).rename(
        columns={"extra": ("a", "b")}
    ),
    "column named None": lambda X: X.assign(extra=1).rename(columns={"extra": None}),
    "column named NaN": lambda X: X.assign(extra=1).rename(columns={"extra": np.nan}),
    "columns of two levels": renamed(
        lambda names: pd.MultiIndex.from_product([["a"], names])
    ),
    "columns of two levels, ids first": renamed(
        lambda names: pd.MultiIndex.from_product([names, ["a"]])
    ),
    "columns numbered": renamed(lambda names: range(len(names))),
    "columns of bytes": renamed(lambda names: [name.encode() for name in names]),
    "columns categorical": renamed(pd.CategoricalIndex),
    "columns dates": renamed(lambda names: pd.date_range("2020", periods=len(names))),
    "columns twice": lambda X: pd.concat([X, X], axis=1),
    "column genre twice": lambda X: pd.concat([X, X[["genre"]]], axis=1),
    "column user_id twice": lambda X: pd.concat([X, X[["user_id"]]], axis=1),
    **{f"without {name}": (lambda X, name=name: X.drop(columns=name)) for name in BASE},
    "ids and ratings only": lambda X: X[[*IDS, "rating"]],
    "ids only": lambda X: X[IDS],
    "features already": lambda X: X.assign(**dict.fromkeys(FEATURES[4:], 1.0)),
    "genre_encoded in words": lambda X: X.drop(columns="genre").assign(
        genre_encoded="x"
    ),
    "index duplicated": indexed(lambda n: [0] * n),
    "index backwards": indexed(lambda n: range(n, 0, -1)),
    "index of dates": indexed(lambda n: pd.date_range("2020", periods=n)),
    "index of two levels": indexed(
        lambda n: pd.MultiIndex.from_arrays([[0] * n, range(n)])
    ),
    "index of strings": indexed(lambda n: list(map(str, range(n)))),
    "index missing": indexed(lambda n: [np.nan] * n),
    "index named user_id": lambda X: X.rename_axis("user_id"),
    "columns named movie_id": lambda X: X.rename_axis("movie_id", axis=1),
    "no rows": lambda X: X[:0],
    "one row": lambda X: X[:1],
    "two rows": lambda X: X[:2],
    "five rows": lambda X: X[:5],
    "one user": lambda X: X.assign(user_id=1),
    "one movie": lambda X: X.assign(movie_id=1),
    "one pair": lambda X: X.assign(user_id=1, movie_id=1),
    "every row twice": lambda X: pd.concat([X, X]),
    "every row twice, no timestamp": lambda X: pd.concat([X, X]).drop(
        columns="timestamp"
    ),
    "an array": lambda X: X[[*IDS, "rating"]].to_numpy(),
    "a list": lambda X: X[IDS].values.tolist(),
    "a dict": lambda X: X.to_dict("list"),
    "a series": lambda X: X["user_id"],
    "None": lambda X: None,
    "read-only": read_only,
    "fortran": lambda X: pd.DataFrame(
        np.asfortranarray(X[[*IDS, "rating"]].to_numpy()), columns=[*IDS, "rating"]
    ),
    "one block read-only": lambda X: pd.DataFrame(
        np.broadcast_to(np.array([1.0, 2.0, 3.0]), (9, 3)), columns=[*IDS, "rating"]
    ),
    "a class of one's own": Frame,
    "no duplicate labels allowed": lambda X: X.copy().set_flags(
        allows_duplicate_labels=False
    ),
    "rank 1": lambda X: X.assign(rank=range(1, len(X) + 1)),
    "rank 0": lambda X: X.assign(rank=0),
    "rank negative": lambda X: X.assign(rank=-5),
    "rank in words": lambda X: X.assign(rank="first"),
    "rank missing": lambda X: X.assign(rank=np.nan),
}
MISSING = {"None": None, "NaN": np.nan, "NaT": pd.NaT, "NA": pd.NA}
ODD = {
    "infinite": np.inf,
    "minus infinite": -np.inf,
    "10**400": HUGE,
    "-10**400": -HUGE,
    "2**63": 2**63,
    "2**64": 2**64,
    "2**53": 2**53,
    "2**53 + 1": 2**53 + 1,
    "-1": -1,
    "0": 0,
    "half": 2.5,
    "True": True,
    "word": "four",
    "number in a string": "4",
    "bytes": b"4",
    "list": [1],
    "tuple": (1, 2),
    "dict": {"a": 1},
    "set": {1},
    "complex": 1 + 2j,
    "Decimal": decimal.Decimal("2"),
    "Decimal NaN": decimal.Decimal("nan"),
    "Decimal sNaN": decimal.Decimal("snan"),
    "Fraction": Fraction(5, 2),
    "Fraction 3": Fraction(3),
    "Timestamp": pd.Timestamp("2020"),
    "Timedelta": pd.Timedelta("1D"),
    "Period": pd.Period("2020"),
    "Interval": pd.Interval(0, 1),
    "int8": np.int8(3),
    "uint64": np.uint64(2**64 - 1),
    "float16": np.float16(3),
    "longdouble": np.longdouble(3),
    "bool_": np.True_,
    "object": object(),
    "type": int,
    "array": np.array([1, 2]),
    "array of 0 dimensions": np.array(3),
    "a surrogate": "\ud800",
    "NUL": "\0",
    "a function": len,
    "1e308": 1e308,
    "-1e308": -1e308,
    "5e-324": 5e-324,
    "-0.0": -0.0,
}
NUMBERS = {
    "int8": lambda c: (c % 100).astype("int8"),
    "uint8": lambda c: (c % 100).astype("uint8"),
    "uint64": lambda c: c.astype("uint64"),
    "float": lambda c: c.astype(float),
    "float16": lambda c: (c % 100).astype("float16"),
    "negative": lambda c: -c,
    "longdouble": lambda c: c.astype(np.longdouble),
    "bool": lambda c: c > 2,
    "boolean": lambda c: (c > 2).astype("boolean"),
    "complex": lambda c: c.astype(complex),
    "Int64": lambda c: c.round().astype("Int64"),
    "Float64": lambda c: c.astype("Float64"),
    "Int64 with NA": lambda c: c.round().astype("Int64").mask(c == c.iloc[0]),
    "category": lambda c: c.astype("category"),
    "category with NA": lambda c: c.mask(c == c.iloc[0]).astype("category"),
    "category of strings": lambda c: c.astype(str).astype("category"),
    "strings": lambda c: c.astype(str),
    "objects": lambda c: c.astype(object),
    "huge": lambda c: c * 0 + 1e308,
    "huge, both signs": lambda c: np.where(np.arange(len(c)) % 2, 1.7e308, -1.7e308),
    "huge apart": lambda c: np.where(np.arange(len(c)) % 2, 1e200, 1.0),
    "tiny": lambda c: c * 5e-324,
    "2**63": lambda c: np.full(len(c), 2**63, dtype="uint64"),
    "-2**63": lambda c: np.full(len(c), -(2**63), dtype="int64"),
    "dates": lambda c: pd.to_datetime(c.astype("int64"), unit="s"),
    "dates with a zone": lambda c: pd.to_datetime(
        c.astype("int64"), unit="s", utc=True
    ),
    "timedeltas": lambda c: pd.to_timedelta(c.astype("int64"), unit="s"),
    "periods": lambda c: pd.period_range("2020", periods=len(c)),
    "intervals": lambda c: pd.interval_range(0, len(c)),
    "sparse": lambda c: pd.arrays.SparseArray(c.to_numpy()),
    "all NaN": lambda c: c * np.nan,
    "arrow": arrow("int64[pyarrow]"),
    "arrow double": arrow("double[pyarrow]"),
    "arrow with null": lambda c: arrow("double[pyarrow]")(c).mask(c == c.iloc[0]),
    "arrow strings": lambda c: arrow("string[pyarrow]")(c.astype(str)),
    "constant": lambda c: c * 0 + 3,
    "bytes": lambda c: c.astype(str).str.encode("ascii"),
}
STRINGS = {
    "category": lambda c: c.astype("category"),
    "category, all unused": lambda c: pd.Categorical(
        [None] * len(c), categories=["Drama"]
    ),
    "string": lambda c: c.astype("string"),
    "arrow": arrow("string[pyarrow]"),
    "arrow dictionary": lambda c: arrow("string[pyarrow]")(c).astype("category"),
    "bytes": lambda c: c.astype(str).str.encode("utf-8"),
    "numbers": lambda c: np.arange(len(c)),
    "category of numbers": lambda c: pd.Categorical(np.arange(len(c))),
    "mixed": lambda c: pd.Series(
        [f"a{n}" if n % 2 else n for n in range(len(c))], index=c.index, dtype=object
    ),
    "dates": lambda c: pd.date_range("2020", periods=len(c)),
    "bool": lambda c: np.arange(len(c)) % 2 == 0,
    "all None": objects(None),
    "all NaN": objects(np.nan),
    "surrogates": objects("\ud800|Drama"),
    "any script": objects("ドラマ|драма|دراما|🎬"),
    "empty": objects(""),
    "bars": objects("|||"),
    "long": objects("x" * 10_000),
    "NUL": objects("a\0b"),
    "lines": objects("a\nb"),
    "spaces": objects(" | "),
    "lists": objects(["Drama"]),
    "tuples": objects(("Drama", "War")),
    "none": objects("none"),
}
for column in (
    "user_id",
    "movie_id",
    "rating",
    "timestamp",
    "user_age",
    "movie_year",
    "genre",
    "title",
    "rank",
):
    how, spoil = (
        (STRINGS, "genre") if column in ("genre", "title") else (NUMBERS, column)
    )
    if column != "rank":
        SPOILERS |= {
            f"{column}: {name}": whole(column, make) for name, make in how.items()
        }
        SPOILERS |= {
            f"{column} once {name}": put(column, value)
            for name, value in (MISSING | ODD).items()
        }
if importlib.util.find_spec("pyarrow") is None:
    SPOILERS = {name: spoil for name, spoil in SPOILERS.items() if "arrow" not in name}


# ----- Odd values for every parameter

VALUES = (
    MISSING
    | ODD
    | {
        "1": 1,
        "2": 2,
        "3.0": 3.0,
        "1e9": 1e9,
        "int16": np.int16(2),
        "int32": np.int32(2),
        "uint8": np.uint8(2),
        "float32": np.float32(2),
        "float64": np.float64(2),
        "numpy inf": np.float64("inf"),
        "numpy nan": np.float32("nan"),
        "empty string": "",
        "empty list": [],
        "empty dict": {},
        "generator": (n for n in range(3)),
        "slice": slice(3),
        "estimator": MovieRanker(),
    }
)
SMALL = MovieRecommendationDataset(4, 4, 8, random_state=0).generate()


def size(name):
    def call(value):
        table = judge(
            MovieRecommendationDataset(
                **({"n_users": 3, "n_movies": 3, "n_ratings": 3} | {name: value})
            ).generate
        )
        if table is not None:
            assert list(table.columns) == [*lesson_code.TABLE_COLUMNS, "title"]
            assert table["rating"].between(1, 5).all()
            assert not table.duplicated(IDS).any()

    return call


def parameter(make, name):
    def call(value):
        estimator = judge(make(**{name: value}).fit, TRAIN)
        if estimator is not None and hasattr(estimator, "predict"):
            stars(judge(estimator.predict, TEST), TEST, LOW, HIGH)

    return call


def ranked(**named):
    found = judge(FITTED["linear"].evaluate_ranking, TEST, **named)
    if found is not None:
        assert all(0 <= value <= 1 for value in found.values())


def scored(**named):
    found = judge(ranking_metrics, LISTS, TEST, TEST["rating"], **named)
    if found is not None:
        assert all(0 <= value <= 1 for value in found.values())


def recommended(**named):
    found = judge(FITTED["linear"].recommend, **named)
    if found is not None:
        lists(found)
        stars(found["predicted_rating"], found, LOW, HIGH)


def listed(*arguments):
    found = judge(FITTED["ranker"].recommend, *arguments)
    if found is not None:
        lists(found)


def predicted_new(*arguments):
    found = judge(FITTED["factors"].predict_new, *arguments)
    if found is not None:
        stars(found, np.atleast_1d(np.asarray(arguments[2], dtype=object)), LOW, HIGH)


def measured(*arguments):
    found = judge(rating_metrics, *arguments)
    if found is not None:
        figures(found)


def path_of(call):
    def attack(value):
        # a small integer is an open file
        if not isinstance(value, (int, np.integer, bool, np.bool_)):
            judge(call, value)

    return attack


PARAMETERS = {
    **{
        f"dataset {name}": size(name)
        for name in ("n_users", "n_movies", "n_ratings", "random_state")
    },
    **{
        f"transformer {name}": parameter(UserMovieFeatureTransformer, name)
        for name in ("damping", "random_state")
    },
    "transformer cv": lambda value: judge(
        UserMovieFeatureTransformer(cv=value).fit_transform, TRAIN
    ),
    "transformer seed": lambda value: judge(
        UserMovieFeatureTransformer(random_state=value).fit_transform, TRAIN
    ),
    **{
        f"factors {name}": parameter(MatrixFactorization, name)
        for name in MatrixFactorization().get_params()
    },
    "factors cv in transform": lambda value: judge(
        MatrixFactorization(1, 1, n_sweeps=1, cv=value).fit_transform, TRAIN
    ),
    "ranker regularization": parameter(MovieRanker, "regularization"),
    **{
        f"wrapper {name}": parameter(SklearnEcosystemPipeline, name)
        for name in ("model", "random_state")
    },
    "wrapper select": lambda value: judge(
        SklearnEcosystemPipeline(model="linear", select=value).fit, TRAIN
    ),
    "compare random_state": lambda value: judge(
        compare_models, SMALL, random_state=value
    ),
    "evaluate_ranking k": lambda value: ranked(k=value),
    "evaluate_ranking k, chance": lambda value: ranked(k=value, by="chance"),
    "evaluate_ranking relevant_from": lambda value: ranked(relevant_from=value),
    "evaluate_ranking by": lambda value: ranked(by=value),
    "ranking_metrics k": lambda value: scored(k=value),
    "ranking_metrics relevant_from": lambda value: scored(relevant_from=value),
    "recommend user_id": lambda value: recommended(user_id=value),
    "recommend n": lambda value: recommended(user_id=1, n=value),
    "recommend n of nobody": lambda value: recommended(ratings={}, n=value),
    "recommend ratings": lambda value: recommended(ratings=value),
    "recommend rated movie": lambda value: (
        recommended(ratings={value: 4.0}) if value.__hash__ else None
    ),
    "recommend rated stars": lambda value: recommended(ratings={1: value}),
    "ranker user_ids": listed,
    "ranker user_ids in a list": lambda value: listed([value]),
    "ranker user_ids with another": lambda value: listed([1, value]),
    "ranker n": lambda value: listed([1], value),
    "predict_new rated": lambda value: predicted_new([value], [4.0], [1, 2]),
    "predict_new all rated": lambda value: predicted_new(value, [4.0], [1, 2]),
    "predict_new stars": lambda value: predicted_new([1], [value], [1, 2]),
    "predict_new all stars": lambda value: predicted_new([1], value, [1, 2]),
    "predict_new movies": lambda value: predicted_new([1], [4.0], [value]),
    "rating_metrics y_true": lambda value: measured(value, [1.0, 2.0]),
    "rating_metrics one of y_true": lambda value: measured([3.0, value], [1.0, 2.0]),
    "rating_metrics y_pred": lambda value: measured([1.0, 2.0], value),
    "train y": lambda value: judge(
        SklearnEcosystemPipeline(model="linear").fit, TRAIN, value
    ),
    "train one of y": lambda value: judge(
        SklearnEcosystemPipeline(model="linear").train,
        TRAIN[:6],
        [1, 2, 3, 4, 5, value],
    ),
    "evaluate y": lambda value: judge(FITTED["linear"].evaluate, TEST, value),
    "load_movielens path": path_of(lesson_code.load_movielens),
    "load_pipeline path": path_of(SklearnEcosystemPipeline.load_pipeline),
    "predict X": predict,
    "fit X": fit,
    "create_features X": create_features,
}


# ----- What is left out
#: What pandas itself cannot look at: it compares a value with itself, and Python
#: refuses to compare this one.
LEFT_NAMES = {
    f"{column} once Decimal sNaN"
    for column in ("timestamp", "user_age", "movie_year", "title")
}
#: What no check of a type finds, because its truth is asked for first, or because it
#: cannot be copied.
LEFT = {
    (name, value)
    for value in ("NA", "array", "generator")
    for name in (
        "factors content",
        "ranker regularization",
        "wrapper select",
        "wrapper random_state",
        "evaluate_ranking by",
    )
}
LEFT |= {("recommend rated movie", "Decimal sNaN")}  # Python itself refuses it as a key
if PANDAS < (3, 0):  # pandas 2 itself makes no Series of them
    LEFT |= {
        (name, value)
        for value in ("10**400", "-10**400")
        for name in (
            "ranker user_ids",
            "ranker user_ids in a list",
            "predict_new rated",
            "predict_new all rated",
            "predict_new movies",
        )
    }


def attack(call, *names):
    """Spoil a table in several ways, one after the other, and call; the
    table must stay as it is.
    """
    X = (TEST if call in USES else TRAIN).copy()
    for name in names:
        try:
            X = SPOILERS[name](X)
        except (
            KeyError,
            AttributeError,
            TypeError,
            ValueError,
            OverflowError,
            ArithmeticError,
            IndexError,
        ):
            if len(names) == 1:
                raise  # two ways may not go together, but each alone does
    is_frame = isinstance(X, pd.DataFrame)
    before = X.copy(deep=True) if is_frame else None
    call(X)
    if is_frame and not any("sNaN" in name for name in names):
        pd.testing.assert_frame_equal(X, before)


#: How many ways to spoil a table are left out between two that are tried: all of them
#: would take two minutes.
EVERY = {
    "predict": 1,
    "train": 40,
    "compare": 150,
    "fit": 6,
    "fit_pipeline": 8,
    "evaluate_ranking": 6,
    "cross_fit_factors": 6,
}
SLOW = ("train", "compare", "fit")


@pytest.mark.parametrize("name", CALLS)
def test_each_way_to_spoil_a_table_on_each_call(name):
    broken = {}
    spoilers = [one for one in SPOILERS if one not in LEFT_NAMES]
    for spoiler in spoilers[:: EVERY.get(name, 3)]:
        try:
            attack(CALLS[name], spoiler)
        except Exception as error:  # collected: one run tells all of them
            broken[spoiler] = " ".join(str(error).split())[:150]
    assert not broken


@pytest.mark.parametrize("name", PARAMETERS)
def test_each_odd_value_for_each_parameter(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    broken = {}
    for value in VALUES:
        slow = name == "compare random_state" and value not in (
            "10**400",
            "word",
            "int8",
        )
        if slow or (name, value) in LEFT:
            continue
        try:
            PARAMETERS[name](VALUES[value])
        except Exception as error:
            broken[value] = " ".join(str(error).split())[:150]
    assert not broken


SETTINGS = settings(
    derandomize=True,
    deadline=None,
    max_examples=250,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
FAST = [call for call in CALLS if call not in SLOW]
GOOD = [name for name in SPOILERS if name not in LEFT_NAMES]


@SETTINGS
@given(
    st.sampled_from(FAST),
    st.lists(st.sampled_from(GOOD), min_size=2, max_size=4, unique=True),
)
def test_several_ways_together(name, spoilers):
    attack(CALLS[name], *spoilers)


CELLS = st.one_of(
    st.integers(-3, 60),
    st.integers(),
    st.floats(-10, 10),
    st.sampled_from([None, np.nan, pd.NA, np.inf, True, "3", b"3", 2**53]),
)
COLUMNS = st.fixed_dictionaries(
    {name: st.lists(st.integers(1, 9), min_size=6, max_size=6) for name in IDS}
    | {"rating": st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=6)},
    optional={
        name: st.lists(CELLS, min_size=6, max_size=6)
        for name in (
            "timestamp",
            "user_age",
            "movie_year",
            "genre",
            "user_country",
            "title",
            "rank",
        )
    },
)


@SETTINGS
@given(
    st.sampled_from(FAST),
    COLUMNS,
    st.lists(
        st.tuples(st.sampled_from([*IDS, "rating"]), st.integers(0, 5), CELLS),
        max_size=2,
    ),
)
def test_tables_of_any_cells(name, columns, changes):
    X = pd.DataFrame(
        {column: pd.Series(cells, dtype=object) for column, cells in columns.items()}
    )
    for column, row, cell in changes:
        X.loc[row, column] = cell
    before = X.copy(deep=True)
    CALLS[name](X)
    pd.testing.assert_frame_equal(X, before)


@settings(SETTINGS, max_examples=60)
@given(st.permutations(range(len(TRAIN))), st.permutations(list(BASE.columns)))
def test_the_order_of_rows_and_columns_does_not_matter(rows, columns):
    X = TRAIN.iloc[rows][columns]
    for name in ("linear", "factors", "transformer"):
        method = (
            FITTED[name].transform if name == "transformer" else FITTED[name].predict
        )
        np.testing.assert_allclose(
            np.asarray(method(X)), np.asarray(method(TRAIN))[rows], rtol=1e-9, atol=1e-9
        )
    lists = FITTED["ranker"].recommend_new(X.rename(columns={}))
    pd.testing.assert_frame_equal(
        lists.sort_values(["user_id", "rank"], ignore_index=True),
        FITTED["ranker"]
        .recommend_new(TRAIN)
        .sort_values(["user_id", "rank"], ignore_index=True),
    )
    OUTCOMES["worked"] += 4


@pytest.mark.parametrize(
    "width", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
)
def test_sizes_of_every_width_make_the_same_table(width):
    number = np.dtype(width).type(100)
    table = judge(
        MovieRecommendationDataset(number, number, number, random_state=number).generate
    )
    pd.testing.assert_frame_equal(
        table, MovieRecommendationDataset(100, 100, 100, random_state=100).generate()
    )
    assert len(judge(FITTED["ranker"].recommend, [1], number)) <= 8
    judge(ranking_metrics, LISTS, TEST, None, k=number)


@pytest.mark.parametrize("k", [10**9, 2**31, 2**40])
def test_a_long_list_takes_no_memory_for_its_length(k):
    import tracemalloc

    tracemalloc.start()
    try:
        for call in (
            lambda: ranking_metrics(LISTS, TEST, None, k=k),
            lambda: FITTED["ranker"].recommend([1], k),
            lambda: FITTED["linear"].evaluate_ranking(TEST, k=k, by="chance"),
        ):
            judge(call)
        assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["dates", "dates with a zone", "timedeltas", "masked"])
def test_what_is_no_rating_is_refused(kind):
    X = TRAIN if kind == "masked" else SPOILERS[f"rating: {kind}"](TRAIN)
    y = (
        np.ma.masked_array(TRAIN["rating"], np.arange(40) % 2 == 0)
        if kind == "masked"
        else None
    )
    with pytest.raises(ValueError, match="Ratings must be"):
        SklearnEcosystemPipeline(model="linear").fit(X, y)


BAD_LISTS = {
    "an array": lambda L: L.to_numpy(),
    "None": lambda L: None,
    "no rank": lambda L: L.drop(columns="rank"),
    "no user": lambda L: L.drop(columns="user_id"),
    "ids in words": lambda L: L.astype({"user_id": str}),
    "an id missing": lambda L: L.assign(user_id=np.nan),
    "rank in words": lambda L: L.assign(rank="x"),
    "rank missing": lambda L: L.assign(rank=np.nan),
    "rank 0": lambda L: L.assign(rank=0),
    "rank negative": lambda L: L.assign(rank=-5),
    "two levels": lambda L: L.set_axis(
        pd.MultiIndex.from_product([L.columns, ["a"]]), axis=1
    ),
    "columns twice": lambda L: pd.concat([L, L], axis=1),
}


@pytest.mark.parametrize("kind", BAD_LISTS)
def test_lists_that_are_none_are_refused(kind):
    assert judge(ranking_metrics, BAD_LISTS[kind](LISTS), TEST, None) is None


def test_zz_how_many_calls_there_were():
    total = sum(OUTCOMES.values())
    print(
        f"\n{total} calls: "
        + ", ".join(f"{count} {how}" for how, count in OUTCOMES.most_common())
    )
