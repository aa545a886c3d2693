"""Ids of users and movies, numbers or strings, and their positions.

The position of an id is its place among all known ids of its kind, from 0.
"""

import numbers

import numpy as np
import pandas as pd

from .checks import shorten

#: Up to this many ids are searched for one by one.
FEW_IDS = 1000
#: The largest id that is a whole number, ...
LARGEST_ID = 2**63 - 1
#: ... and the largest that is a float.
LARGEST_FLOAT_ID = 2**53


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
