"""The table of ratings: its columns, and what may be in them.

One function checks a table, one the ratings, one a training table. Each raises one
sentence: what is wrong, where, and what is expected.
"""

import numpy as np
import pandas as pd

from .checks import LIMIT, SHOWN, shorten
from .ids import check_ids
from .names import near_miss
from .strings import factorize_strings
from .warn import warn

IDS = ["user_id", "movie_id"]
RATING = "rating"
#: `rating` is in stars, `timestamp` in Unix seconds (UTC), or dates. Several genres are
#: joined by a bar, as MovieLens does. Only the ids and the rating are needed.
TABLE_COLUMNS = [
    *IDS,
    RATING,
    "timestamp",
    "genre",
    "movie_year",
    "user_age",
    "user_country",
]
#: The last timestamp that is accepted: the end of the year 2200, in Unix seconds.
LATEST = 7_289_654_399
#: From this share of the different genres on, commas look like a separator.
MANY_COMMAS = 0.25
#: What `pd.api.types.infer_dtype` calls columns of dates.
DATES = ("datetime64", "datetime", "date")


class TakesTables:
    """Mixin: tell scikit-learn that an estimator takes a table of ratings.

    The table has strings and gaps in it, and the target may be one of its columns.
    """

    def __sklearn_tags__(self):
        """Return scikit-learn's tags, with what is true of a table of ratings."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        tags.target_tags.required = False
        tags.target_tags.multi_output = False
        return tags


def check_table(X):
    """Raise an error if `X` is not a table with ids, or has no rows.

    Parameters
    ----------
    X : object
        What a caller passed as a table.

    Raises
    ------
    TypeError
        If `X` is not a pandas DataFrame.
    ValueError
        If an id column is missing, a column name is repeated, or there is no row.
    """
    if not isinstance(X, pd.DataFrame):
        hint = ""
        if hasattr(X, "to_pandas"):
            hint = f" of {type(X).__module__}: pass its .to_pandas()"
        raise TypeError(
            f"Expected a pandas DataFrame with the columns {IDS}, "
            f"got {type(X).__name__}{hint}."
        )
    names = list(X.columns)
    missing = [name for name in IDS if name not in names]
    if missing:
        raise ValueError(
            f"The table lacks the column {missing[0]!r}; it has {shorten(names)}"
            f"{_advice(missing, names)}."
        )
    if not X.columns.is_unique:
        repeated = X.columns[X.columns.duplicated()][0]
        raise ValueError(
            f"Column names must be unique, but {shorten(repeated)} is repeated."
        )
    if X.empty:
        raise ValueError("The table is empty: expected at least one row.")


def _advice(missing, names):
    """Return the end of a message: which columns to rename; "" if none comes near."""
    renamed = []
    for name in missing:
        column = near_miss(name, names)
        if column is not None:
            renamed.append(f"{column!r} to {name!r}")
    if not renamed:
        return ""
    return f": rename {' and '.join(renamed)}"


def table_ids(X):
    """Return the ids of each row's user and movie, and check the table.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)
        A table of ratings.

    Returns
    -------
    user_ids, movie_ids : ndarray of shape (n_rows,), int64 or object
        As from `check_ids`.
    """
    check_table(X)
    return check_ids(X["user_id"]), check_ids(X["movie_id"])


def number_column(X, name):
    """Return a column as floats, NaN where the table has no value.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)
    name : str
        The column; if `X` lacks it, all values are missing.

    Returns
    -------
    values : ndarray of shape (n_rows,), float64
        Always a new array, never the memory of the caller's frame.

    Raises
    ------
    ValueError
        If the column holds something other than finite numbers below `LIMIT`.
    """
    if name not in X.columns:
        return np.full(len(X), np.nan)
    column = X[name]
    unit = ""
    or_else = ""
    if name == "timestamp":
        unit = " (Unix seconds)"
        or_else = " or dates (pd.to_datetime makes dates of text)"
        if pd.api.types.infer_dtype(column) in DATES:
            column = _unix_seconds(column)
    kind = str(column.dtype)[:SHOWN]  # that of a column of structures may be long
    problem = f"{name} must hold numbers{unit}{or_else}, got a column of type {kind}."
    if column.dtype.kind in "mMc":  # NumPy would convert these, dates in any unit
        raise ValueError(problem)
    try:
        values = np.array(column.to_numpy(dtype=np.float64, na_value=np.nan))
    except (TypeError, ValueError, ArithmeticError):
        raise ValueError(problem) from None

    too_large = np.flatnonzero(np.abs(values) >= LIMIT)
    if too_large.size:
        row = too_large[0]
        raise ValueError(
            f"{name} must hold finite numbers{unit} below 1e15, "
            f"but row {row} holds {values[row]}."
        )
    if name == "timestamp":
        _check_seconds(values)
    return values


def _unix_seconds(dates):
    """Return dates as seconds from 1970 on; without a time zone, they are UTC."""
    try:
        dates = pd.to_datetime(dates, utc=True)
    except ValueError:  # such as the year 9999
        raise ValueError("timestamp holds dates that pandas cannot read.") from None
    if dates.max().year > 2200:
        raise ValueError("timestamp holds dates after the year 2200.")
    return (dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)


def _check_seconds(values):
    """Raise a ValueError if a timestamp is too late to be in seconds."""
    too_late = np.flatnonzero(values > LATEST)
    if too_late.size:
        row = too_late[0]
        raise ValueError(
            f"timestamp must hold Unix seconds, but row {row} holds {values[row]:.0f}, "
            "which is after the year 2200. Are these milliseconds? Divide by 1000."
        )


def check_ratings(X, y=None):
    """Return the ratings of the rows of `X`.

    Parameters
    ----------
    X : DataFrame or array-like of length n_rows
        The rows that are rated.
    y : array-like of shape (n_rows,), in stars, default=None
        The ratings; None: those in the column `rating` of `X`.

    Returns
    -------
    ratings : ndarray of shape (n_rows,), float64

    Raises
    ------
    ValueError
        If there are no ratings, one is missing, infinite or not a number, or there are
        more or fewer than rows.
    """
    if y is None and RATING not in getattr(X, "columns", ()):
        names = list(getattr(X, "columns", ()))
        raise ValueError(
            f"No ratings: pass y, or a table with the column {RATING!r}"
            f"{_advice([RATING], names)}. "
            "(MovieRanker learns from a table without ratings.)"
        )
    return check_stars(X[RATING] if y is None else y, len(X))


def check_stars(values, n_rows=None):
    """Return ratings as floats, if they are finite numbers in one column.

    Parameters
    ----------
    values : array-like of shape (n_rows,), in stars
    n_rows : int, default=None
        How many there must be; None: any number.

    Returns
    -------
    ratings : ndarray of shape (n_rows,), float64

    Raises
    ------
    ValueError
        As from `check_ratings`.
    """
    problem = "Ratings must be numbers, in stars, and none may be missing."
    try:
        given = np.asarray(values)
        is_number = given.dtype.kind not in "mMc" and not np.ma.is_masked(values)
        ratings = given.astype(np.float64) if is_number else None
    except (TypeError, ValueError, ArithmeticError):
        raise ValueError(problem) from None
    if ratings is None:
        raise ValueError(problem)

    is_as_long = n_rows is None or ratings.shape == (n_rows,)
    if ratings.ndim != 1 or not is_as_long:
        rows = "row" if n_rows is None else f"of {n_rows} rows"
        raise ValueError(
            f"Expected one rating for each {rows}, got an array of the shape "
            f"{ratings.shape}."
        )
    is_finite = np.abs(ratings) < LIMIT
    if not is_finite.all():
        row = np.argmin(is_finite)
        raise ValueError(
            "Ratings must be finite numbers below 1e15, "
            f"but row {row} holds {ratings[row]}."
        )
    return ratings


def latest_of_pairs(X, user, movie):
    """Return which rows count: of a user and a movie that appear twice, the latest.

    Without timestamps the last row is the latest.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)
    user, movie : ndarray of shape (n_rows,), integers from 0
        The positions of each row's user and movie.

    Returns
    -------
    is_latest : ndarray of shape (n_rows,), bool
    """
    seconds = number_column(X, "timestamp")
    is_latest = np.full(len(X), True)
    pairs = user * (movie.max() + 1) + movie  # one number for each user and movie
    in_order = np.sort(pairs)
    if (in_order[1:] == in_order[:-1]).any():
        oldest_first = np.argsort(np.nan_to_num(seconds, nan=-np.inf), kind="stable")
        is_older = pd.Series(pairs[oldest_first]).duplicated(keep="last")
        is_latest[oldest_first] = ~is_older
    return is_latest


def latest_rows(X):
    """Return which rows count, as `latest_of_pairs`; check the table.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)

    Returns
    -------
    is_latest : ndarray of shape (n_rows,), bool
    """
    user_ids, movie_ids = table_ids(X)
    user, _ = pd.factorize(user_ids)
    movie, _ = pd.factorize(movie_ids)
    return latest_of_pairs(X, user, movie)


def warn_of_older(is_latest):
    """Warn once if some rows do not count (see `latest_of_pairs`)."""
    n_older = len(is_latest) - np.count_nonzero(is_latest)
    if n_older:
        warn(f"{n_older} older ratings of user-movie pairs rated twice do not count.")


def check_training_table(X, y=None):
    """Return the rows of a table that count in training, and their ratings.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)
    y : array-like of shape (n_rows,), in stars, default=None
        The ratings; None: those in the column `rating` of `X`.

    Returns
    -------
    X : DataFrame
        Without older ratings of a pair that appears twice; a warning counts them.
        Others name columns whose names or genres are not as `TABLE_COLUMNS` says.
    ratings : ndarray of shape (len(X),), float64

    Raises
    ------
    ValueError
        If the table or the ratings are refused, or all ratings are the same.
    """
    is_latest = latest_rows(X)
    warn_of_older(is_latest)
    ratings = check_ratings(X, y)
    if not is_latest.all():
        X = X[is_latest]
        ratings = ratings[is_latest]
    if np.ptp(ratings) == 0:
        raise ValueError(
            f"All {len(ratings)} ratings are {ratings[0]}: nothing can be learned "
            "from a constant."
        )
    _warn_of_names(X)
    _warn_of_commas(X)
    return X, ratings


def _warn_of_names(X):
    """Warn once if columns have other names than the expected ones."""
    unused = {}
    for name in TABLE_COLUMNS:
        if name not in X.columns and name != RATING:
            column = near_miss(name, X.columns)
            if column is not None:
                unused[column] = name
    if unused:
        warn(
            f"The columns {list(unused)} are not used; "
            f"the expected names are {list(unused.values())}."
        )


def _warn_of_commas(X):
    """Warn if genres seem to be joined by commas, which makes one genre of several."""
    _, genres = factorize_strings(X, "genre")
    if any("|" in genre for genre in genres):
        return
    with_comma = [genre for genre in genres if "," in genre]
    if with_comma and len(with_comma) >= MANY_COMMAS * len(genres):
        warn(
            f"genre holds commas, such as {shorten(with_comma[0])}, and counts as one "
            "genre each time; several genres must be joined by a bar, '|'."
        )
