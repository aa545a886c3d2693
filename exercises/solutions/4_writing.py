"""Solution of exercise 4, writing: which digit is read badly?

The recall of a digit is a mean over its own images only. The other images were nine
tenths of the rows, and on them whoever never says 8 is always right. (In scikit-learn,
`recall_score(meant, said, average=None)` returns the same numbers; their mean is
`balanced_accuracy_score`.)
"""

import pandas as pd


def how_well_read(meant, said):
    """Return how well each digit is read: a Series, with the digits as its index.

    `meant` and `said` are arrays: the digit that was meant in each image, and what the
    machine said. The Series has the digits that were meant at least once, in order.
    """
    shares = {}
    for digit in sorted(set(meant)):
        is_right = said == meant
        shares[digit] = is_right[meant == digit].mean()
    return pd.Series(shares)
