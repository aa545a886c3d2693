"""How should a low rating count when movies are recommended?

    python benchmarks/dislikes.py [MOVIELENS]

Candidates for the entries of `MovieRanker`: the stars as they are, and the distance of
a rating from a neutral point, some way up the scale (below the middle of the scale, a
preference is at most 0). `lists.py` explains the two figures.

The first table is what the choice was made by: four folds of the training rows of the
first of five folds. The second is the outcome: all five folds, in which these rows are
held out, too.
"""

import sys
from pathlib import Path
from unittest import mock

import pandas as pd
from ranker_grid import report, score

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import MovieRanker
from recommender import ranking

NEUTRAL = [0.2, 0.25, 0.3, 0.35, 0.4, 0.5]


def candidates():
    """Return functions that may take the place of `preferences`, by name."""
    by_name = {"stars": lambda stars, low, high: stars}
    for neutral in NEUTRAL:
        by_name[f"neutral {neutral:.2f}"] = distance_from(neutral)
    return by_name


def distance_from(neutral):
    """Return `preferences` with another neutral point."""

    def preferences(stars, low, high):
        with mock.patch.object(ranking, "NEUTRAL", neutral):
            return original(stars, low, high)

    original = ranking.preferences
    return preferences


def compare(table, folds):
    """Return the mean figures of each candidate over folds."""
    means = {}
    for name, preferences in candidates().items():
        scores = []
        for train, test in folds:
            with mock.patch.object(ranking, "preferences", preferences):
                ranker = MovieRanker().fit(table.iloc[train])
                scores.append(score(ranker, table.iloc[train], table.iloc[test]))
        means[name] = pd.DataFrame(scores)[["NDCG@10", "disliked"]].mean()
    return pd.DataFrame(means).T


if __name__ == "__main__":
    report(sys.argv[1:], choose=compare, show_outcome=compare)
