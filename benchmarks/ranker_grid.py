"""How much should many ratings, popularity and predicted ratings count in a list?

    python benchmarks/ranker_grid.py [--outcome] [MOVIELENS]

Candidates for the constants `USER_DISCOUNT`, `MOVIE_DISCOUNT` and `RATING_WEIGHT` of
`MovieRanker`. `lists.py` explains the three figures.

The first table is what the choice was made by: four folds of the training rows of the
first of five folds. The second is the outcome, on all five folds, of the choice and of
what it replaced, which is a 0 in all three. With `--outcome`, only the second is made.
"""

import itertools
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from lists import TOP, figures
from sklearn.model_selection import KFold

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import (
    MovieRanker,
    MovieRecommendationDataset,
    load_movielens,
)
from recommender import ranking

USER_DISCOUNTS = [0.0, 0.25, 0.5]
MOVIE_DISCOUNTS = [0.0, 0.05, 0.1, 0.15]
RATING_WEIGHTS = [0.0, 0.1, 0.2, 0.3, 0.4]
CHOICE = (ranking.USER_DISCOUNT, ranking.MOVIE_DISCOUNT, ranking.RATING_WEIGHT)
NAMES = ["user discount", "movie discount", "rating weight"]


def score(ranker, train, test):
    """Return the figures of the recommendations for all test users."""
    users = test["user_id"].unique()
    lists = ranker.rank(users, ranker.history_.stars_of(users), TOP)
    return figures(lists, train, test)


def compare(table, folds, candidates):
    """Return the mean figures of each candidate over folds."""
    rows = []
    for train, test in folds:
        # Only the first of the three constants is used in the fit.
        for user_discount, group in itertools.groupby(candidates, lambda c: c[0]):
            with mock.patch.object(ranking, "USER_DISCOUNT", user_discount):
                ranker = MovieRanker().fit(table.iloc[train])
            for candidate in group:
                with (
                    mock.patch.object(ranking, "MOVIE_DISCOUNT", candidate[1]),
                    mock.patch.object(ranking, "RATING_WEIGHT", candidate[2]),
                ):
                    scores = score(ranker, table.iloc[train], table.iloc[test])
                rows.append(dict(zip(NAMES, candidate)) | scores)
    means = pd.DataFrame(rows).groupby(NAMES).mean()
    return means[["NDCG@10", "disliked", "movies"]]


def report(paths, choose, show_outcome):
    """Print both comparisons for the synthetic table and each release.

    Parameters
    ----------
    paths : list of str
        The releases.
    choose, show_outcome : function
        Each returns a DataFrame of figures for a table and a list of folds: `choose`
        inside the training rows of the first of five folds, `show_outcome` on all five.
        If `choose` is None, only the outcome is printed.
    """
    tables = {"synthetic": MovieRecommendationDataset().generate()}
    for path in paths:
        tables[Path(path).name] = load_movielens(path)
    chosen = {}
    outcome = {}
    for name, table in tables.items():
        outer = list(KFold(5, shuffle=True, random_state=0).split(table))
        if choose is not None:
            training_rows = table.iloc[np.sort(outer[0][0])]
            inner = KFold(4, shuffle=True, random_state=0).split(training_rows)
            chosen[name] = choose(training_rows, list(inner))
        outcome[name] = show_outcome(table, outer)
    for title, by_table in {"chosen by": chosen, "outcome": outcome}.items():
        if by_table:
            print(f"\n{title}:")
            print(pd.concat(by_table, axis=1).to_string(float_format="%.4f"))


def choose(table, folds):
    """Return the figures of all candidates."""
    grid = list(itertools.product(USER_DISCOUNTS, MOVIE_DISCOUNTS, RATING_WEIGHTS))
    return compare(table, folds, grid)


def show_outcome(table, folds):
    """Return the figures of the choice, and of a ranker without the constants."""
    return compare(table, folds, [(0.0, 0.0, 0.0), CHOICE])


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] == ["--outcome"]:
        report(arguments[1:], None, show_outcome)
    else:
        report(arguments, choose, show_outcome)
