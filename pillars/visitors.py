"""Visitors whose true tastes are known: what they watch, and whether they like it.

The chapters `8_experiment.py` and `8_monitor.py` test models on them. On a real site,
nobody knows these chances.
"""

import drawing  # noqa: F401  (it makes lesson_code importable)
import numpy as np
from scipy.special import ndtr as normal_cdf
from sklearn.dummy import DummyRegressor

from lesson_code import SklearnEcosystemPipeline

#: Opinions from here on are rounded to a rating of 4 stars or more.
LIKED_FROM = 3.75
#: A visitor watches a movie if the taste for it, plus noise of one star, is above this.
WATCHED_FROM = 1.5


def chance_of_success(dataset, rated, shown, timestamp=0):
    """Return each user's chance to like what they watch, if a movie is shown.

    A visitor watches the movie that is shown if the true taste for it, plus noise of
    one star, is above 1.5. Otherwise the visitor watches a movie like those that he or
    she has rated. The visit is a success if its rating would be 4 or more.

    Parameters
    ----------
    dataset : MovieRecommendationDataset
        Its table has been generated.
    rated : DataFrame
        Rows of that table; each user has at least one.
    shown : DataFrame with `user_id` and `movie_id`
        The movie that is shown to each user who visits.
    timestamp : number, default=0
        The time of the visit, in Unix seconds. It matters only if tastes drift.

    Returns
    -------
    chance : ndarray of shape (len(shown),)
    """
    sigma = dataset.law_["sigma"]
    opinion, _ = dataset.opinions(rated.assign(timestamp=timestamp))
    user = rated["user_id"].to_numpy() - 1  # ids count from 1
    likes = normal_cdf((opinion - LIKED_FROM) / sigma[user])
    likes_own_choice = np.bincount(user, likes) / np.bincount(user)

    opinion, taste = dataset.opinions(shown.assign(timestamp=timestamp))
    visitor = shown["user_id"].to_numpy() - 1
    likes_shown = normal_cdf((opinion - LIKED_FROM) / sigma[visitor])
    watches = normal_cdf(taste - WATCHED_FROM)
    return watches * likes_shown + (1 - watches) * likes_own_choice[visitor]


def first_movies(rated, ranker):
    """Return the movie that a ranker recommends first to each user.

    Parameters
    ----------
    rated : DataFrame
        A table of ratings of the synthetic users; the ranker is trained on it.
    ranker : str
        As in `SklearnEcosystemPipeline(ranker=...)`.

    Returns
    -------
    shown : DataFrame with `user_id` and `movie_id`
        In the order of the users' ids.
    """
    # Predicted ratings play no part here, so the dummy will do.
    recommender = SklearnEcosystemPipeline(model=DummyRegressor(), ranker=ranker)
    fitted = recommender.fit(rated).ranker_
    return fitted.recommend(np.unique(rated["user_id"]), 1)
