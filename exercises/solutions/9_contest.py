"""Solution of the contest: how far up the board do you get?

A user's taste is a number for each genre. Each pair of a user and a genre becomes a
column, as an id does, so the ridge regression learns that number. Most of these pairs
have few ratings. So their columns hold half a one: to reach the same answer, a weight
must be twice as large, and the penalty keeps it small. The half and the penalty were
chosen in the folds, among a few.

The matrix factorization of the lesson is still better. It learns tastes that many users
share, and needs no genres.
"""

from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder


def tastes(rows):
    """Return a list for each row, such as ["7 Action", "7 Comedy"] for user 7."""
    return [
        [f"{user} {genre}" for genre in genres.split("|")]
        for user, genres in zip(rows["user_id"], rows["genre"].fillna("none"))
    ]


def make_model():
    """Return an untrained model of ratings.

    It has `fit(rows, ratings)` and `predict(rows)`, as in scikit-learn. `rows` is a
    DataFrame with the columns user_id, movie_id, timestamp, genre ("Action|Comedy"),
    movie_year, user_age, user_country and title; real tables lack some of them, and
    have gaps. In `predict`, there may be users and movies that were not in `fit`.
    """
    one_hot = OneHotEncoder(handle_unknown="ignore")
    count = make_pipeline(FunctionTransformer(tastes), CountVectorizer(analyzer=list))
    columns = ColumnTransformer(
        [
            ("ids", one_hot, ["user_id", "movie_id"]),
            ("tastes", count, ["user_id", "genre"]),
        ],
        transformer_weights={"tastes": 0.5},
    )
    return make_pipeline(columns, Ridge(alpha=3))
