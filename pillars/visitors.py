"""Visitors whose true tastes are known: what they watch, and whether they like it.

The chapters `8_experiment.py` and `8_monitor.py` test models on them, `6_utilities.py`
judges lists by the stars that they would give, and `4_threshold.py` probabilities by
the true chances. On a real site, nobody knows these chances and stars.
"""

import drawing  # noqa: F401  (it makes lesson_code importable)
import numpy as np
from scipy.special import ndtr as normal_cdf
from sklearn.dummy import DummyRegressor

from lesson_code import STARS, SklearnEcosystemPipeline

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
    rated = rated.assign(timestamp=timestamp)
    user = rated["user_id"].to_numpy() - 1  # ids count from 1
    likes = chance_of_like(dataset, rated)
    likes_own_choice = np.bincount(user, likes) / np.bincount(user)

    shown = shown.assign(timestamp=timestamp)
    visitor = shown["user_id"].to_numpy() - 1
    likes_shown = chance_of_like(dataset, shown)
    _, taste = dataset.opinions(shown)
    watches = normal_cdf(taste - WATCHED_FROM)
    return watches * likes_shown + (1 - watches) * likes_own_choice[visitor]


def chance_of_like(dataset, pairs):
    """Return the chance that each user would rate each movie with 4 stars or more.

    A rating is the user's opinion plus noise, rounded to half stars: from 3.75 on, to 4
    or more. The noise is normally distributed, with the standard deviation `sigma` of
    the user. So an opinion of 3.75 becomes a like in half of all cases, and an opinion
    that is one `sigma` higher in 84 %.

    Parameters
    ----------
    dataset : MovieRecommendationDataset
        Its table has been generated.
    pairs : DataFrame with `user_id` and `movie_id`
        Any pairs, rated or not; if tastes drift, with `timestamp`, too.

    Returns
    -------
    chance : ndarray of shape (len(pairs),)
    """
    opinion, _ = dataset.opinions(pairs)
    sigma = dataset.law_["sigma"][pairs["user_id"].to_numpy() - 1]  # ids count from 1
    return normal_cdf((opinion - LIKED_FROM) / sigma)


def true_stars_of(dataset, pairs):
    """Return the mean of all ratings that users might give to movies.

    The dataset has the means of its own rows, `true_expected_`; here we compute those
    of any pairs. A rating is the user's opinion plus noise, rounded to half stars
    from 1 to 5. A mean of ratings can be counted star by star. Say that of ten ratings,
    two are 1 star, five are 2 and three are 3: the sum is 2 + 10 + 9 = 21 stars. Or:
    all ten have a first star, eight have a second and three a third, and 10 + 8 + 3 =
    21, too. Divided by ten, that is 1 + P(at least 2) + P(at least 3), with P(...) for
    a share. With half stars, and a probability for the share::

        mean = 1 + 0.5 * P(at least 1.5) + 0.5 * P(at least 2) + ... + 0.5 * P(5)

    A rating is at least 4 if opinion plus noise is above 3.75, for example: from there
    on, it is rounded to 4 or more. The noise is symmetric, so the probability of that
    is the one that noise is below the distance from 3.75 to the opinion.

    Parameters
    ----------
    dataset : MovieRecommendationDataset
        Its table has been generated; tastes do not drift.
    pairs : DataFrame with `user_id` and `movie_id`
        Any pairs, rated or not.

    Returns
    -------
    stars : ndarray of shape (len(pairs),)
        For the rows of the table itself, the same as `dataset.true_expected_`.
    """
    opinion, _ = dataset.opinions(pairs)
    sigma = dataset.law_["sigma"][pairs["user_id"] - 1]  # of the noise; ids from 1
    thresholds = (STARS[:-1] + STARS[1:]) / 2  # 1.25 for 1.5 stars, ..., 4.75 for 5
    distance = opinion[:, None] - thresholds  # (len(pairs), 8)
    reached = normal_cdf(distance / sigma[:, None])
    return STARS[0] + reached @ np.diff(STARS)


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
