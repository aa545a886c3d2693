"""A table of six users and five movies, small enough to see all its ratings.

`4_taste.py` and `4_top_ten.py` explain with it how a model works.
"""

import numpy as np
import pandas as pd

#: The movies: the columns of the table.
TITLES = ["Alien", "Heat", "Titanic", "Casablanca", "Up"]


def small_table():
    """Return the stars of six users, a row for each; a gap is NaN."""
    gap = np.nan
    stars = {
        "Ann": [5, gap, 2, gap, 2],
        "Bob": [5, 5, gap, 2, 2],
        "Cleo": [1, 2, 4, 5, gap],
        "Dan": [gap, 2, 4, 4, 4],
        "Eve": [4, 4, 4, 4, gap],
        "Finn": [3, 2, 2, gap, gap],
    }
    return pd.DataFrame.from_dict(stars, orient="index", columns=TITLES)
