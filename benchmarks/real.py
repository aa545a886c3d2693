"""How firm is a list of recommended movies?

    python benchmarks/real.py MOVIELENS UNTIL
    python benchmarks/real.py ml-latest-small 2018-09-26

Five movies are recommended to the people of `docs/real.md`, by the ratings of a
release. Then the model learns from fewer ratings: from those up to the day UNTIL, and
from ten random samples of 90 %. Printed: how many of the five movies stay in the list,
and how often the first one stays first.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from by_time import read_release

from lesson_code import SklearnEcosystemPipeline, load_movielens

#: Who has rated what, in stars.
PEOPLE = {
    "Ann: loves Alien and Blade Runner": {1214: 5, 541: 5},
    "Ben: loves Toy Story and Finding Nemo": {1: 5, 6377: 5},
    "Cleo: loves Bridget Jones and Love Actually": {4246: 5, 6942: 5},
    "Ann, after half a star for 2001": {1214: 5, 541: 5, 924: 0.5},
    "Ben, if he hates both": {1: 0.5, 6377: 0.5},
}
N_SAMPLES = 10


def lists_by(table):
    """Return five movies for each of the people, best first, by a table of ratings."""
    recommender = SklearnEcosystemPipeline(model="factors")
    recommender.train(table, perform_cv=False)
    lists = {}
    for person, ratings in PEOPLE.items():
        recommended = recommender.recommend(ratings=ratings, n=5)
        lists[person] = recommended["movie_id"].tolist()
    return lists


def main(path, until):
    """Print how many movies stay."""
    table = load_movielens(path)
    before = lists_by(table)

    early = read_release(path, until)
    after = lists_by(early)
    print(f"Of five recommended movies, how many stay? ({len(table)} ratings)")
    print(f"Without the {len(table) - len(early)} ratings after {until}")
    for person, movies in before.items():
        n_kept = len(set(movies) & set(after[person]))
        print(f"  {n_kept}  {person}")

    samples = [
        lists_by(table.sample(frac=0.9, random_state=seed)) for seed in range(N_SAMPLES)
    ]
    print(f"With 90 % of the ratings, the mean of {N_SAMPLES} samples")
    for person, movies in before.items():
        kept = [len(set(movies) & set(lists[person])) for lists in samples]
        n_first = sum(lists[person][0] == movies[0] for lists in samples)
        print(
            f"  {np.mean(kept):.1f}  {person} (the first stays first in {n_first} "
            f"of {N_SAMPLES})"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
