"""What do the factors add, and what do the ids do?

    python benchmarks/ablation.py [MOVIELENS]

MOVIELENS is the folder or the zip file of a release; without it, the synthetic table is
used. One step of a model's pipeline is changed at a time:

* without the factors: the blend without the estimate of `MatrixFactorization`, its 14th
  feature;
* with the ids: the two ids go on to the model, as if they were quantities. The lesson
  drops them.

(a) Random folds, `KFold(5, shuffle=True, random_state=0)`: RMSE in stars, mean ±
standard deviation of the folds; "change": this RMSE minus that of the lesson's
pipeline, fold by fold: mean ± standard error.
(b) Whole users are held out, in five folds. To a model, they are unknown. A pipeline
with the ids reads their id nevertheless, so every held-out user is predicted twice:
with an id below all ids of the training, and with one above them. Nothing else differs,
so the two errors should be equal. (RMSE of all held-out rows together.)
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import GroupKFold, KFold, cross_val_score
from sklearn.neighbors import KNeighborsRegressor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import (
    RATING,
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    load_movielens,
)

MODELS = {
    "linear": "linear",
    "forest": "forest",
    "boosting": "boosting",
    "blend": "blend",
    "50 neighbours": KNeighborsRegressor(50),
}
WITH_IDS = {"drop_ids": "passthrough"}
WITHOUT_FACTORS = {"features__factors": "drop"}


def build(name, change):
    """Return an unfitted pipeline of a model, with some of its steps changed."""
    pipeline = SklearnEcosystemPipeline(model=MODELS[name]).build_pipeline()
    return pipeline.set_params(**change)


def fold_errors(name, change, table):
    """Return the RMSE of every random fold: (5,), in stars."""
    scores = cross_val_score(
        build(name, change),
        table.drop(columns=RATING),
        table[RATING],
        cv=KFold(5, shuffle=True, random_state=0),
        scoring="neg_root_mean_squared_error",
        error_score="raise",
    )
    return -scores


def report_random_folds(table):
    """Print how much the RMSE changes in random folds, for every changed pipeline."""
    print("(a) random folds")
    print(f"{'model':15}{'steps':22}{'RMSE':19}change")
    for name in MODELS:
        lesson = fold_errors(name, {}, table)
        rmse = f"{lesson.mean():.4f} ± {lesson.std():.4f}"
        print(f"{name:15}{'of the lesson':22}{rmse}", flush=True)

        changes = {"with the ids": WITH_IDS}
        if name == "blend":
            changes["without the factors"] = WITHOUT_FACTORS
        for title, change in changes.items():
            errors = fold_errors(name, change, table)
            more = pd.Series(errors - lesson)
            rmse = f"{errors.mean():.4f} ± {errors.std():.4f}"
            difference = f"{more.mean():+.4f} ± {more.sem():.4f}"
            print(f"{name:15}{title:22}{rmse}    {difference}", flush=True)


def held_out_errors(name, change, table):
    """Return two RMSEs of users never seen.

    In the first they have an id below those of the training, in the second one above.
    """
    low = np.empty(len(table))
    high = np.empty(len(table))
    folds = GroupKFold(5, shuffle=True, random_state=0)
    for train, test in folds.split(table, groups=table["user_id"]):
        known = table.iloc[train]
        rows = table.iloc[test].drop(columns=RATING)
        pipeline = build(name, change).fit(known)
        low[test] = pipeline.predict(rows.assign(user_id=known["user_id"].min() - 1))
        high[test] = pipeline.predict(rows.assign(user_id=known["user_id"].max() + 1))
    low_rmse = root_mean_squared_error(table[RATING], low)
    high_rmse = root_mean_squared_error(table[RATING], high)
    return low_rmse, high_rmse


def report_held_out_users(table):
    """Print what the size of an unknown id does, with and without the ids."""
    print("\n(b) users held out")
    print(f"{'model':15}{'steps':22}{'small id':11}large id")
    for name in MODELS:
        for title, change in {"of the lesson": {}, "with the ids": WITH_IDS}.items():
            small, large = held_out_errors(name, change, table)
            print(f"{name:15}{title:22}{small:<11.4f}{large:.4f}", flush=True)


def main():
    if len(sys.argv) > 2:
        sys.exit("usage: python benchmarks/ablation.py [MOVIELENS]")
    if len(sys.argv) == 2:
        table = load_movielens(sys.argv[1])
    else:
        table = MovieRecommendationDataset().generate()
    report_random_folds(table)
    report_held_out_users(table)


if __name__ == "__main__":
    main()
