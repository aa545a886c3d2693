"""Columns of strings: genre and country as numbers, and the titles of movies."""

import numpy as np
import pandas as pd
from sklearn.preprocessing import OrdinalEncoder

from .checks import shorten
from .ids import lookup

#: What stands in the place of genres where they are not known.
NO_GENRES = ["(no genres listed)", ""]


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
