"""Answer "what should this user watch next?" from a ranker and a trained pipeline."""

import numpy as np
import pandas as pd

from .factors import MatrixFactorization
from .table import IDS, RATING, check_ids, positions_of


def recommend_movies(ranker, pipeline, titles, user_id, ratings, n):
    """Recommend movies to a user of the training, or to a new one.

    Parameters
    ----------
    ranker : MovieRanker
        It chooses and orders the movies.
    pipeline : RatingPipeline
        It predicts their ratings.
    titles : dict of {movie_id: title}
        May be empty.
    user_id : int or None
        A user of the training.
    ratings : dict of {movie_id: stars} or None
        The ratings of a new user. Pass either this or `user_id`.
    n : int
        How many movies.

    Returns
    -------
    recommendations : DataFrame
        Best first: `movie_id`, `title` if there are titles, `score`, and
        `predicted_rating` in stars.

    Raises
    ------
    ValueError
        If the user is unknown, or a rating is not on the scale of the training.
    """
    if (user_id is None) == (ratings is None) or isinstance(user_id, dict):
        raise ValueError(
            "Pass either a user_id, or ratings={movie_id: stars, ...} by its name."
        )
    if ratings is None:
        best = _rank_for_user(ranker, user_id, n)
        predicted = _predict(pipeline, best)
    else:
        rated = ranker.history_.new_user(ratings)
        best = _rank_for_ratings(ranker, rated, n)
        predicted = _predict(pipeline, best, rated)

    recommendations = best[["movie_id", "score"]].copy()
    if titles:
        known = [titles.get(movie) for movie in best["movie_id"]]
        # As objects, an unknown title stays None: JSON has no NaN.
        title = pd.Series(known, index=recommendations.index, dtype=object)
        recommendations.insert(1, "title", title)
    return recommendations.assign(predicted_rating=predicted)


def _rank_for_user(ranker, user_id, n):
    user_ids = check_ids(pd.Series([user_id], name="user_id", dtype=object))
    if positions_of(ranker.users_, user_ids)[0] < 0:
        raise ValueError(
            f"User {user_id} is unknown to the training: "
            "pass ratings={movie_id: stars}."
        )
    return ranker.recommend(user_ids, n)


def _rank_for_ratings(ranker, rated, n):
    if rated.empty:  # a user without ratings gets what is popular
        new_user = np.array([ranker.history_.unused_user_id()])
        return ranker.rank(new_user, ranker.history_.stars_of(new_user), n)
    return ranker.recommend_new(rated, n)


def _predict(pipeline, best, rated=None):
    """Return the predicted ratings of recommended movies, in stars."""
    if best.empty:  # the user has rated every movie
        return []
    model = pipeline["model"]
    has_ratings = rated is not None and not rated.empty
    if has_ratings and isinstance(model, MatrixFactorization):
        return model.predict_new(rated["movie_id"], rated[RATING], best["movie_id"])
    return pipeline.predict(best[IDS])
