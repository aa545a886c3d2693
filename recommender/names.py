"""Other names that people give to the columns of a table of ratings.

A column under another name is not used, so a message says which one that is.
"""

import re

#: Capitals, and blanks or signs between the words, make no difference.
OTHER_NAMES = {
    "user_id": ["user", "users", "uid", "customer_id", "member_id", "reviewer_id"],
    "movie_id": ["movie", "movies", "item_id", "item", "film_id", "film", "product_id"],
    "rating": ["ratings", "stars", "score", "review_score"],
    "timestamp": ["timestamps", "time", "datetime", "ts", "rated_at"],
    "genre": ["genres", "movie_genre", "movie_genres"],
    "movie_year": ["year", "release_year", "year_of_release"],
    "user_age": ["age"],
    "user_country": ["country"],
}


def near_miss(expected, columns):
    """Return the column that has another name of an expected one.

    Parameters
    ----------
    expected : str
        A key of `OTHER_NAMES`.
    columns : iterable
        The names of the columns of a table that lacks the expected one.

    Returns
    -------
    column : str or None
        None if no name comes near.
    """
    column_of_letters = {}
    for column in columns:
        if isinstance(column, str):
            column_of_letters.setdefault(_letters(column), column)
    for name in [expected, *OTHER_NAMES[expected]]:
        column = column_of_letters.get(_letters(name))
        if column is not None:
            return column
    return None


def _letters(name):
    """Return the letters and digits of a name, small: 'userid' of 'user_ID'."""
    return re.sub(r"[\W_]", "", name.lower())
