"""Which settings should the recommenders have?

    python benchmarks/factors_grid.py [MOVIELENS]

The rows are those of `forest_grid.py`, the training rows of the demo's split, so no
test row chooses a setting. Printed are grids, each best first, with how far every
setting is from the best:

* the settings of `MatrixFactorization`, one at a time, by its RMSE in stars, three
  folds;
* its constants: the ridge penalty on the coefficients of its regressions by the RMSE in
  the same folds, the damping of what stands for an unknown user or movie by the RMSE in
  five folds that hold out whole users, and five that hold out whole movies;
* the blend's boosting by its RMSE, and `MovieRanker` by its NDCG@10, three folds.

An arrow marks the default. It is one setting for both tables, the synthetic one and
ml-latest-small, so it need not be the best of either.
"""

import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from forest_grid import training_rows
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import GroupKFold, KFold

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import (
    MatrixFactorization,
    MovieRanker,
    SklearnEcosystemPipeline,
    ranking_metrics,
)
from recommender import factors

FACTORS = {
    "n_factors": [8, 12, 16],
    "n_patterns": [16, 32, 64],
    "regularization": [5.0, 7.0, 9.0],
    "damping": [3.0, 5.0],
    "n_sweeps": [4, 8, 12],
}
CONSTANTS = {
    "FEATURE_PENALTY": [3.0, 10.0, 30.0],
    "UNKNOWN_DAMPING": [3.0, 10.0, 30.0, 100.0],
}
BLEND = {
    "model__boosting__learning_rate": [0.05, 0.1, 0.2],
    "model__boosting__max_leaf_nodes": [8, 15, 31],
}
RANKER = {"regularization": [150.0, 300.0, "auto", 450.0, 600.0]}


def blend(**setting):
    """Return the pipeline of the blend with some settings changed."""
    pipeline = SklearnEcosystemPipeline(model="blend").build_pipeline()
    return pipeline.set_params(**setting)


def rmse(model, X, y, train, test):
    """Return the RMSE of a model, fitted on the training rows, on the test rows."""
    model.fit(X.iloc[train], y.iloc[train])
    return root_mean_squared_error(y.iloc[test], model.predict(X.iloc[test]))


def ndcg(ranker, X, y, train, test):
    """Return NDCG@10 of the lists of the test users."""
    ranker.fit(X.iloc[train], y.iloc[train])
    lists = ranker.recommend(X.iloc[test]["user_id"].unique())
    return ranking_metrics(lists, X.iloc[test], y.iloc[test])["NDCG@10"]


def report(make, grid, figure, smaller_is_better):
    """Print a grid, best first.

    `make` makes a model with a setting, and `figure` measures it in a fold.
    """
    X, y = training_rows()
    folds = list(KFold(3, shuffle=True, random_state=42).split(X))
    name = figure.__name__
    rows = []
    for values in itertools.product(*grid.values()):
        setting = dict(zip(grid, values))
        of_folds = [figure(make(**setting), X, y, train, test) for train, test in folds]
        rows.append({**setting, name: np.mean(of_folds)})

    table = pd.DataFrame(rows).sort_values(name, ascending=smaller_is_better)
    from_best = table[name] / table[name].iloc[0] - 1
    table["from the best"] = from_best.map("{:+.2%}".format)
    defaults = make().get_params()
    default = [defaults[parameter] for parameter in grid]
    is_default = (table[list(grid)] == default).all(axis=1)
    table["default"] = np.where(is_default, "<--", "")

    print(make.__name__)
    print(table.to_string(index=False, float_format="{:.4f}".format))
    print(flush=True)


def group_folds(X):
    """Return the folds of each kind that a constant is measured in, {kind: folds}."""
    return {
        "random": list(KFold(3, shuffle=True, random_state=42).split(X)),
        "by user": list(GroupKFold(5).split(X, groups=X["user_id"])),
        "by movie": list(GroupKFold(5).split(X, groups=X["movie_id"])),
    }


def report_constant(name):
    """Print the RMSE of `MatrixFactorization` with each value of a constant."""
    X, y = training_rows()
    default = getattr(factors, name)
    rows = []
    for value in CONSTANTS[name]:
        setattr(factors, name, value)
        row = {name: value}
        for kind, folds in group_folds(X).items():
            errors = [rmse(MatrixFactorization(), X, y, *fold) for fold in folds]
            row[kind] = np.mean(errors)
        row["default"] = "<--" if value == default else ""
        rows.append(row)
    setattr(factors, name, default)
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.4f}".format))
    print(flush=True)


if __name__ == "__main__":
    for setting, values in FACTORS.items():
        grid = {setting: values}
        report(MatrixFactorization, grid, rmse, smaller_is_better=True)
    for constant in CONSTANTS:
        report_constant(constant)
    report(blend, BLEND, rmse, smaller_is_better=True)
    report(MovieRanker, RANKER, ndcg, smaller_is_better=False)
