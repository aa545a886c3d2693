"""How is the synthetic table unlike real ratings?

    python benchmarks/tables.py MOVIELENS [UNTIL]
    python benchmarks/tables.py ml-latest-small 2018-09-26

MOVIELENS is the folder or the zip file of a release. With a date, ratings after that
day are left out. Printed: one line per figure, for the default synthetic table and for
the release. What the words mean:

* density: ratings divided by all pairs of a user and a movie, so the share of the table
  that is filled;
* half stars: ratings such as 3.5;
* Gini coefficient: how unequally ratings are spread, 0 if all have as many, near 1 if
  one has nearly all;
* active day: a day (UTC) on which the user gave at least one rating;
* ratings on an active day: per user, ratings divided by active days; then the median
  over users;
* last fifth by time: the share of the latest 20 % of ratings whose user (or movie) has
  no earlier rating.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from by_time import read_release, split_by_time

from lesson_code import MovieRecommendationDataset

DAY = 24 * 3600  # seconds
YEAR = 365.25 * DAY


def gini(counts):
    """Return the Gini coefficient of counts.

    It is half their mean absolute difference, over their mean.
    """
    counts = np.sort(counts)
    n = len(counts)
    return (2 * np.arange(1, n + 1) - n - 1) @ counts / (n * counts.sum())


def describe(table):
    """Return the figures of a table: {what it is: its value as text}."""
    stars = table["rating"]
    seconds = table["timestamp"]
    per_user = table["user_id"].value_counts()
    per_movie = table["movie_id"].value_counts()
    density = len(table) / len(per_user) / len(per_movie)
    days = (seconds // DAY).groupby(table["user_id"]).nunique()
    years = (seconds.max() - seconds.min()) / YEAR
    genres = table.drop_duplicates("movie_id")["genre"].str.count(r"\|") + 1
    train, test = split_by_time(table)
    is_new_user = ~test["user_id"].isin(train["user_id"])
    is_new_movie = ~test["movie_id"].isin(train["movie_id"])
    empty_columns = table.columns[table.isna().all()]
    return {
        "ratings": f"{len(table):,}",
        "users": f"{len(per_user):,}",
        "movies": f"{len(per_movie):,}",
        "density": f"{density:.1%}",
        "rating, lowest to highest": f"{stars.min()} to {stars.max()}",
        "rating, mean": f"{stars.mean():.2f}",
        "rating, standard deviation": f"{stars.std():.2f}",
        "ratings that are half stars": f"{(stars % 1 != 0).mean():.0%}",
        "ratings of at least 4 stars": f"{(stars >= 4).mean():.0%}",
        "ratings per user, median": f"{per_user.median():g}",
        "ratings per user, lowest to highest": lowest_to_highest(per_user),
        "ratings per user, Gini coefficient": f"{gini(per_user):.2f}",
        "ratings per movie, median": f"{per_movie.median():g}",
        "ratings per movie, lowest to highest": lowest_to_highest(per_movie),
        "ratings per movie, Gini coefficient": f"{gini(per_movie):.2f}",
        "movies rated once": f"{(per_movie == 1).mean():.0%}",
        "genres per movie, mean": f"{genres.mean():.1f}",
        "years from first to last rating": f"{years:.1f}",
        "ratings on an active day, median user": f"{(per_user / days).median():.1f}",
        "users with one active day": f"{(days == 1).mean():.0%}",
        "last fifth by time: of new users": f"{is_new_user.mean():.0%}",
        "last fifth by time: of new movies": f"{is_new_movie.mean():.0%}",
        "columns without any value": ", ".join(empty_columns) or "none",
    }


def lowest_to_highest(counts):
    """Return the least and the greatest count as text."""
    return f"{counts.min()} to {counts.max():,}"


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python benchmarks/tables.py MOVIELENS [UNTIL]")
    synthetic = describe(MovieRecommendationDataset().generate())
    real = describe(read_release(*sys.argv[1:]))
    print(f"{'':40}{'synthetic':>12}   {Path(sys.argv[1]).stem}")
    for figure, value in synthetic.items():
        print(f"{figure:40}{value:>12}   {real[figure]}")


if __name__ == "__main__":
    main()
