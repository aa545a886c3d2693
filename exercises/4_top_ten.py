"""Exercise of chapter 4, top ten (8 minutes): what should we not recommend?

`recommend` computes how well each movie fits each user, by EASE, and returns the titles
that fit best. But users complain. Bob gave 5 stars to Alien last week, and today it is
at the top of his list. It fits him well, but he needs no help to find it.

Task: recommend to each user only movies that he or she has not rated, the best first.
    A user who has fewer than `n` of them gets a shorter list.
Hint: why does pillars/4_top_ten.py take minus infinity, and not 0? With pandas, you may
    also leave titles out: a gap in `stars` is NaN.
Check: python -m pytest exercises -k 4_top_ten
"""

import pandas as pd
from sklearn.linear_model import Ridge

NEUTRAL = 2.2  # stars above it speak for a movie, and stars below against it
PENALTY = 4.0


def fit_of_movies(stars):
    """Return how well each movie fits each user: a table like `stars`, without gaps.

    Take it as given: it is EASE, as in the chapter, a ridge regression for each movie.
    """
    likes = (stars - NEUTRAL).fillna(0)
    fit = pd.DataFrame(index=stars.index)
    for title in stars.columns:
        others = likes.drop(columns=title)
        ridge = Ridge(alpha=PENALTY, fit_intercept=False).fit(others, likes[title])
        fit[title] = ridge.predict(others)
    return fit


def recommend(stars, n):
    """Return the titles that fit each user best: a dict of user and list of titles.

    `stars` is a table with a row for each user and a column for each title. A gap is
    NaN: this user has not rated this movie.
    """
    fit = fit_of_movies(stars)
    recommended = {}
    for user in stars.index:
        fit_of_user = fit.loc[user]  # TODO: which of these titles may be in the list?
        in_order = fit_of_user.sort_values(ascending=False)
        recommended[user] = list(in_order.index[:n])
    return recommended
