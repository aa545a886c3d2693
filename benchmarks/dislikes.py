"""How should a low rating count when movies are recommended?

    python benchmarks/dislikes.py [MOVIELENS]

Candidates for the entries of `MovieRanker`: the stars as they are, and the distance of
a rating from a neutral point, some way up the scale (below the middle of the scale, a
preference is at most 0). Two figures of ten recommended movies:

* NDCG@10, as in `ranking_metrics`;
* disliked: the share of the recommended movies that the user's own held-out ratings
  dislike, which means that they are below the middle of the scale.

The first table is what the choice was made by: four folds of the training rows of the
first of five folds. The second is the outcome: all five folds, in which these rows are
held out, too.
"""

import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import (
    MovieRanker,
    MovieRecommendationDataset,
    load_movielens,
    ranking_metrics,
)
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


def figures(train, test, preferences):
    """Return NDCG@10 and the share of disliked movies of ten."""
    with mock.patch.object(ranking, "preferences", preferences):
        ranker = MovieRanker().fit(train)
        users = test["user_id"].unique()
        lists = ranker.rank(users, ranker.history_.stars_of(users), 10)
    middle = sum(ranker.history_.scale()) / 2
    rated = lists.merge(test, on=["user_id", "movie_id"])
    return {
        "NDCG@10": ranking_metrics(lists, test)["NDCG@10"],
        "disliked": (rated["rating"] < middle).sum() / len(lists),
    }


def compare(table, folds):
    """Return the mean figures of each candidate over folds."""
    means = {}
    for name, preferences in candidates().items():
        scores = [
            figures(table.iloc[train], table.iloc[test], preferences)
            for train, test in folds
        ]
        means[name] = pd.DataFrame(scores).mean()
    return pd.DataFrame(means).T


def main():
    """Print both comparisons for each table."""
    tables = {"synthetic": MovieRecommendationDataset().generate()}
    for path in sys.argv[1:]:
        tables[Path(path).name] = load_movielens(path)
    results = {"chosen by": {}, "outcome": {}}
    for name, table in tables.items():
        outer = list(KFold(5, shuffle=True, random_state=0).split(table))
        training_rows = table.iloc[np.sort(outer[0][0])]
        inner = KFold(4, shuffle=True, random_state=0).split(training_rows)
        results["chosen by"][name] = compare(training_rows, list(inner))
        results["outcome"][name] = compare(table, outer)
    for title, by_table in results.items():
        print(f"\n{title}:")
        print(pd.concat(by_table, axis=1).to_string(float_format="%.4f"))


if __name__ == "__main__":
    main()
