"""Checks of single parameters, and how messages show a value."""

import numpy as np
import pandas as pd

#: Numbers from here on are refused: what is made of them, such as squares, must stay
#: finite.
LIMIT = 10**15
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
