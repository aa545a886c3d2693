"""The table of ratings: its columns, what may be in them, and ids as positions.

One function checks a table, one a column of ids, one the ratings, one a parameter.
Each raises one sentence: what is wrong, where, and what is expected.
"""

import numbers

import numpy as np
import pandas as pd
from sklearn.preprocessing import OrdinalEncoder

from .names import near_miss
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

#: Numbers from here on are refused: what is made of them, such as squares, must stay
#: finite.
LIMIT = 10**15
#: The last timestamp that is accepted: the end of the year 2200, in Unix seconds.
LATEST = 7_289_654_399
#: From this share of the different genres on, commas look like a separator.
MANY_COMMAS = 0.25
#: Up to this many ids are searched for one by one.
FEW_IDS = 1000
#: The largest id that is a whole number, ...
LARGEST_ID = 2**63 - 1
#: ... and the largest that is a float.
LARGEST_FLOAT_ID = 2**53
#: What `pd.api.types.infer_dtype` calls columns of dates.
DATES = ("datetime64", "datetime", "date")
#: What stands in the place of genres where they are not known.
NO_GENRES = ["(no genres listed)", ""]
#: How many characters of a value a message shows.
SHOWN = 80


def shorten(value):
    """Return a value for a message, on one line: as Python shows it, if that is short.

    Else its beginning and its type. All messages that show a value show it so.
    """
    kind = f"a {type(value).__name__}"
    if isinstance(value, (pd.DataFrame, pd.Series, np.ndarray)):
        return f"{kind} of shape {value.shape}"
    if isinstance(value, np.generic):
        value = value.item()  # shown as 5, not as np.int64(5)
    try:
        text = repr(value)
    except Exception:  # of a foreign class, or of a number of thousands of digits
        return kind
    text = " ".join(line.strip() for line in text.splitlines())
    if len(text) <= SHOWN:
        return text
    return f"{text[:SHOWN]}... ({kind})"


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


def check_ids(column):
    """Return a column of ids as an array of int64, or of strings.

    Whole floats are accepted: 7.0 is what pandas makes of integers in a column with
    gaps.

    Parameters
    ----------
    column : Series of shape (n_rows,)

    Returns
    -------
    ids : ndarray of shape (n_rows,), int64 or object
        Objects are strings.

    Raises
    ------
    ValueError
        If an id is missing, is neither a whole number of 64 bits nor a string, or if
        some ids are numbers and some are strings.
    """
    is_whole = column.dtype.kind in "iu" and not column.hasnans
    if is_whole and (column.dtype.kind == "i" or column.max() <= LARGEST_ID):
        return column.to_numpy(dtype=np.int64)
    if column.dtype.kind == "f" and not column.hasnans:
        values = column.to_numpy(dtype=np.float64)
        # Beyond that, floats cannot tell two neighbouring whole numbers apart.
        is_exact = np.abs(values) <= LARGEST_FLOAT_ID
        if is_exact.all() and (values == np.floor(values)).all():
            return values.astype(np.int64)

    values = column.to_numpy(dtype=object)
    if pd.api.types.infer_dtype(values, skipna=False) == "string":
        return values
    first_is_string = len(values) > 0 and isinstance(values[0], str)
    is_id = _is_string if first_is_string else _is_whole_number
    for row, value in enumerate(values):
        if not is_id(value):
            raise ValueError(
                f"{column.name} must hold integers of 64 bits, or strings, "
                f"and not both, but row {row} holds {shorten(value)}."
            )
    return values.astype(np.int64)


def _is_string(value):
    return isinstance(value, str)


def _is_whole_number(value):
    if isinstance(value, np.generic):
        value = value.item()  # small floats of NumPy overflow in comparisons
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return False
    if value % 1 != 0:  # also of NaN and infinity
        return False
    largest = LARGEST_FLOAT_ID
    if isinstance(value, numbers.Integral):
        largest = LARGEST_ID
    return -largest <= value <= largest


def id_values(ids, name):
    """Return ids that a caller has listed as an array; check them.

    Parameters
    ----------
    ids : array-like of shape (n_ids,), or one id
    name : str
        The parameter, for the message.

    Returns
    -------
    ids : ndarray of shape (n_ids,), int64 or object
    """
    if isinstance(ids, (str, bytes, numbers.Number)) or ids is None:
        ids = [ids]
    is_list = hasattr(ids, "__iter__") and getattr(ids, "ndim", 1) == 1
    if not is_list or isinstance(ids, dict):
        raise ValueError(
            f"{name} must be ids, one or a list of them, got {shorten(ids)}."
        )
    if isinstance(ids, (np.ndarray, pd.Series, pd.Index)):
        return check_ids(pd.Series(ids, name=name))
    return check_ids(pd.Series(list(ids), name=name, dtype=object))


def one_id(value, name):
    """Return one id as an array of shape (1,); check it.

    Parameters
    ----------
    value : int or str
    name : str
        The parameter, for the message.

    Returns
    -------
    ids : ndarray of shape (1,), int64 or object
    """
    if isinstance(value, (str, numbers.Number)):
        return id_values(value, name)
    raise ValueError(f"{name} must be one id, got {shorten(value)}.")


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
    problem = "Ratings must be numbers, in stars, and none may be missing."
    try:
        values = np.asarray(X[RATING] if y is None else y)
        is_number = values.dtype.kind not in "mMc" and not np.ma.is_masked(y)
        ratings = values.astype(np.float64) if is_number else None
    except (TypeError, ValueError, ArithmeticError):
        raise ValueError(problem) from None
    if ratings is None:
        raise ValueError(problem)

    if ratings.shape != (len(X),):
        raise ValueError(
            "X and y differ in length, or y is not one column "
            f"({len(X)} rows, {ratings.shape})."
        )
    is_finite = np.abs(ratings) < LIMIT
    if not is_finite.all():
        row = np.argmin(is_finite)
        raise ValueError(
            "Ratings must be finite numbers below 1e15, "
            f"but row {row} holds {ratings[row]}."
        )
    return ratings


def check_number(name, value, least, *, integer=False, below=LIMIT):
    """Return a parameter as a plain int or float, if it is a number in its range.

    Parameters
    ----------
    name : str
        The parameter, for the message.
    value : object
        What the caller passed.
    least, below : number
        The smallest value that is accepted, and the bound that it must stay below.
    integer : bool, default=False
        Whether only whole numbers are accepted.

    Returns
    -------
    number : int or float

    Raises
    ------
    ValueError
        If the value is not a number of that kind in that range.
    """
    number = value.item() if isinstance(value, np.generic) else value
    kinds = (int,) if integer else (int, float)
    is_number = isinstance(number, kinds) and not isinstance(number, bool)
    if is_number and least <= number < below:
        return number if integer else float(number)

    kind = "an integer" if integer else "a number"
    bound = ""
    if below < LIMIT or (is_number and number >= below):
        bound = f" and below {below}"
    raise ValueError(
        f"{name} must be {kind} of at least {least}{bound}, got {shorten(value)}."
    )


def check_seed(random_state):
    """Raise a ValueError if scikit-learn cannot use a `random_state`.

    It may be None, an integer from 0 to 2**32 - 1, or a RandomState.
    """
    if random_state is None or isinstance(random_state, np.random.RandomState):
        return
    check_number("random_state", random_state, 0, integer=True, below=2**32)


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


def positions_of(known, ids, name):
    """Return the position of each id among those that are known.

    Parameters
    ----------
    known : ndarray of shape (n_known,), int64 or object
        Sorted, without repetitions.
    ids : ndarray of shape (n_ids,), int64 or object
        As from `check_ids`.
    name : str
        What an error calls the ids: a column, or a parameter of the caller.

    Returns
    -------
    positions : ndarray of shape (n_ids,), integers
        -1 for an unknown id.

    Raises
    ------
    ValueError
        If some ids are numbers and some are strings: these are the ids of different
        tables.
    """
    if ids.size == 0:
        return np.empty(0, dtype=np.int64)
    check_same_kind(known, ids, name)
    if ids.size > FEW_IDS:
        return pd.Index(known).get_indexer(ids)
    # For a few ids, a search takes less time than a table of all that are known.
    place = np.minimum(np.searchsorted(known, ids), known.size - 1)
    return np.where(known[place] == ids, place, -1)


def check_same_kind(known, ids, name):
    """Raise a ValueError if some ids are numbers and some are strings.

    Parameters
    ----------
    known, ids : ndarray of int64 or object
        As from `check_ids`; at least one id each.
    name : str
        What the error calls the ids. It shows none of those that are known: they may be
        personal data, and errors end in logs.
    """
    if known.dtype != ids.dtype:
        kind = "strings" if known.dtype == object else "whole numbers"
        raise ValueError(
            f"{name} must hold {kind}, as in the table of ratings, "
            f"got {shorten(ids[0])}."
        )


def last_known(values, is_known, position, size, unknown):
    """Return the last value that is known of each position.

    Parameters
    ----------
    values, is_known, position : ndarray of shape (n_rows,)
        Each row's value, whether it is one, and the user or movie that it belongs to.
    size : int
        How many positions there are.
    unknown : number
        What stands for a position without a known value.

    Returns
    -------
    last : ndarray of shape (size,)
    """
    last = np.full(size, unknown, dtype=values.dtype)
    last[position[is_known]] = values[is_known]  # a later row overwrites an earlier one
    return last


def lookup(values, positions, unknown):
    """Return `values` at the positions, and `unknown` where a position is -1."""
    return pd.api.extensions.take(
        values, positions, allow_fill=True, fill_value=unknown
    )


def factorize_strings(X, name):
    """Number the different strings of a column.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)
    name : str
        The column; if `X` lacks it, all values are missing.

    Returns
    -------
    codes : ndarray of shape (n_rows,), integers
        The place of each row's string in `strings`, -1 where it is missing.
    strings : ndarray of object
        The different strings, in the order of their first rows.

    Raises
    ------
    ValueError
        If the column holds lists or other objects that cannot be hashed.
    """
    column = X[name] if name in X.columns else np.full(len(X), None)
    try:
        codes, values = pd.factorize(column)
    except (TypeError, NotImplementedError):  # the latter from Arrow
        raise ValueError(
            f"{name} must hold strings, got a column of lists or other objects."
        ) from None
    strings = np.array([_text(value) for value in values], dtype=object)
    if name != "genre":
        return codes, strings
    return _without(codes, strings, NO_GENRES)


def _without(codes, strings, missing):
    """Return what `factorize_strings` returns, with some strings as missing ones."""
    is_missing = np.isin(strings, missing)
    if not is_missing.any():  # nearly always: there is nothing to number anew
        return codes, strings
    new_codes = np.cumsum(~is_missing) - 1
    new_codes[is_missing] = -1
    return lookup(new_codes, codes, -1), strings[~is_missing]


def _text(value):
    """Return a value as text; 3.0 is what pandas makes of 3 in a column with a gap."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def fit_encode(X, name):
    """Fit an encoder to the strings of a column, and encode them.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)
    name : str
        The column; if `X` lacks it, all values are missing.

    Returns
    -------
    encoder : OrdinalEncoder
        It numbers the strings in alphabetical order, and gives -1 to a string that it
        does not know.
    encoded : ndarray of shape (n_rows,), float64
        As from `encode`.
    """
    codes, strings = factorize_strings(X, name)
    known = np.array(sorted(set(strings)) or [None], dtype=object)
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    encoder.fit(known[:, None])
    return encoder, _encode_different(codes, strings, encoder)


def encode(X, name, encoder):
    """Return the number that an encoder gives to each row's string.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)
    name : str
        The column; if `X` lacks it, all values are missing.
    encoder : OrdinalEncoder
        From `fit_encode`.

    Returns
    -------
    encoded : ndarray of shape (n_rows,), float64
        NaN where the string is missing or unknown.
    """
    codes, strings = factorize_strings(X, name)
    return _encode_different(codes, strings, encoder)


def _encode_different(codes, strings, encoder):
    """Encode what `factorize_strings` returns: the different strings, not all rows.

    That is much faster, because a column has few different strings.
    """
    if len(strings) == 0:
        return np.full(len(codes), np.nan)
    numbered = np.asarray(encoder.transform(strings[:, None])).ravel()
    numbered = np.where(numbered < 0, np.nan, numbered)
    return lookup(numbered, codes, np.nan)


def titles_of(X):
    """Return the titles of movies, a dict by id; it is empty if `X` has none.

    A ValueError is raised if a title is no string.
    """
    known = X.reindex(columns=["movie_id", "title"]).dropna()
    known = known.drop_duplicates("movie_id", keep="last")
    titles = dict(zip(known["movie_id"].tolist(), known["title"].tolist()))
    for movie, title in titles.items():
        if not isinstance(title, str):
            raise ValueError(
                f"title must hold strings, but movie {shorten(movie)} has "
                f"{shorten(title)}."
            )
    return titles
