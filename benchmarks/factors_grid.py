"""Which settings should the recommenders have?

    python benchmarks/factors_grid.py [MOVIELENS]

The rows are those of `forest_grid.py`, the training rows of the demo's split; three
folds. Printed are three grids, each best first, with how far every setting is from the
best: `MatrixFactorization` by its RMSE in stars, the blend's boosting by its RMSE, and
`MovieRanker` by its NDCG@10. An arrow marks the default. It is one setting for both
tables, the synthetic one and ml-latest-small, so it need not be the best of either.
"""

import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from forest_grid import training_rows
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import KFold

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import (
    MatrixFactorization,
    MovieRanker,
    SklearnEcosystemPipeline,
    ranking_metrics,
)

FACTORS = {
    "n_factors": [4, 8, 16],
    "n_patterns": [4, 8, 16],
    "regularization": [5.0, 6.0, 7.0],
    "damping": [3.0, 5.0],
}
BLEND = {
    "model__boosting__learning_rate": [0.05, 0.1],
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


if __name__ == "__main__":
    report(MatrixFactorization, FACTORS, rmse, smaller_is_better=True)
    report(blend, BLEND, rmse, smaller_is_better=True)
    report(MovieRanker, RANKER, ndcg, smaller_is_better=False)
