"""What the stars of a user look like, in three figures.

`5_unusual.py` looks for users who do not rate what they think.
"""

import pandas as pd

#: So many imaginary ratings of 3 stars are added to the others' ratings of a movie
#: (damping), so that a few others do not give an extreme average.
DAMPING = 5


def describe_users(ratings):
    """Return mean, spread and agreement of every user's stars.

    Parameters
    ----------
    ratings : DataFrame with `user_id`, `movie_id` and `rating`

    Returns
    -------
    figures : DataFrame, a row for each user
        `mean` and `spread` (the standard deviation) are in stars. `agreement` is the
        correlation of the user's stars with the averages that the same movies have
        from the other users (times (n - 1) / n, with n ratings); where the stars never
        vary, it is 0.
    """
    of_movie = ratings.groupby("movie_id")["rating"]
    sum_of_others = of_movie.transform("sum") - ratings["rating"] + DAMPING * 3
    others = sum_of_others / (of_movie.transform("size") - 1 + DAMPING)

    stars = pd.DataFrame({"own": ratings["rating"], "others": others})
    by_user = stars.groupby(ratings["user_id"])
    standard = (stars - by_user.transform("mean")) / by_user.transform("std")
    agreement = standard["own"] * standard["others"]
    figures = pd.DataFrame(
        {
            "mean": by_user["own"].mean(),
            "spread": by_user["own"].std(),
            "agreement": agreement.groupby(ratings["user_id"]).mean(),
        }
    )
    return figures.fillna(0.0)
