"""Exercise of chapter 4, writing (8 minutes): which digit is read badly?

A machine reads the digits of postal codes. `how_well_read` scores each digit alone: "is
it an 8, or not?" All digits look fine: none has less than 0.9. But the machine never
says 8.

Task: return, for each digit, the share of its images that are read as this digit.
Hint: which figure of "The test rows, once" in pillars/4_writing.py goes along a row of
    the confusion matrix? Of which images do you take the mean?
Check: python -m pytest exercises -k 4_writing
"""

import pandas as pd


def how_well_read(meant, said):
    """Return how well each digit is read: a Series, with the digits as its index.

    `meant` and `said` are arrays: the digit that was meant in each image, and what the
    machine said. The Series has the digits that were meant at least once, in order.
    """
    shares = {}
    for digit in sorted(set(meant)):
        is_right = (meant == digit) == (said == digit)
        shares[digit] = is_right.mean()  # TODO: which images say how an 8 is read?
    return pd.Series(shares)
