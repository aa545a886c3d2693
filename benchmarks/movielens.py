"""How good are the models on real ratings?

    python benchmarks/movielens.py MOVIELENS [UNTIL]
    python benchmarks/movielens.py ml-latest-small 2018-09-26

MOVIELENS is the folder or the zip file of a release. With a date, ratings after that
day are left out. Printed: the table of `lesson_code.compare_models`, in random folds,
`KFold(5, shuffle=True, random_state=0)`. Random folds ask how well the gaps of the
table are filled: of nearly every test user there are other ratings in training.
`by_time.py` asks the other question: how well is tomorrow predicted?
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from by_time import read_release

from lesson_code import compare_models

SHOWN = [
    "RMSE",
    "RMSE_std",
    "MAE",
    "R2",
    "to_best",
    "to_best_se",
    "fit_s",
    "predict_s",
]


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python benchmarks/movielens.py MOVIELENS [UNTIL]")
    table = read_release(*sys.argv[1:])
    stars = table["rating"]
    n_users = table["user_id"].nunique()
    n_movies = table["movie_id"].nunique()
    print(
        f"{len(table)} ratings from {stars.min()} to {stars.max()} stars, "
        f"{n_users} users, {n_movies} movies\n"
    )
    comparison = compare_models(table, random_state=0)
    print(comparison[SHOWN].to_string(float_format="%.4f"))


if __name__ == "__main__":
    main()
