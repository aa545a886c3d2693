"""Solution of exercise 4, top ten: what should we not recommend?

What the user has rated, good or bad: these titles are left out before the first ones
are taken. A fit can be below 0, so a 0 in their place would be no way to the end.
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
        is_new = stars.loc[user].isna()
        in_order = fit.loc[user][is_new].sort_values(ascending=False)
        recommended[user] = list(in_order.index[:n])
    return recommended
