"""Figures of recommendations that the benchmarks share."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import ranking_metrics

TOP = 10


def figures(lists, train, test):
    """Return the figures of ten recommended movies for each test user.

    Parameters
    ----------
    lists : DataFrame
        The recommendations: `user_id`, `rank` (from 1) and `movie_id`.
    train, test : DataFrame
        The ratings that the recommendations were made from, and those held out.

    Returns
    -------
    figures : dict of float

        * NDCG@10, as in `ranking_metrics`;
        * disliked: the share of the recommended movies that the user's own held-out
          ratings dislike, which means that they are below the middle of the scale;
        * movies: how many different movies are recommended at all;
        * coverage: the same as a share of the movies of the training;
        * popularity: the share of the users who rated a recommended movie in the
          training, mean;
        * novelty: -log2 of that share, in bits, mean.
    """
    rated = lists.merge(test, on=["user_id", "movie_id"])
    middle = (train["rating"].min() + train["rating"].max()) / 2
    share_of_users = train["movie_id"].value_counts() / train["user_id"].nunique()
    shares = share_of_users[lists["movie_id"]]
    n_movies = lists["movie_id"].nunique()
    return {
        "NDCG@10": ranking_metrics(lists, test, k=TOP)["NDCG@10"],
        "disliked": (rated["rating"] < middle).sum() / len(lists),
        "movies": n_movies,
        "coverage": n_movies / len(share_of_users),
        "popularity": shares.mean(),
        "novelty": -np.log2(shares).mean(),
    }
