"""Choose the settings of the recommenders inside training data: `python benchmarks/factors_grid.py [MOVIELENS]`.

The rows are those of `forest_grid.py`; three folds. Printed for `MatrixFactorization`: the RMSE; for `MovieRanker`: the
NDCG@10; for the boosting of the blend, the RMSE; each grid best first, with how far every setting is from the best. The
defaults are one setting for both tables, the synthetic one and ml-latest-small.
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
from lesson_code import MatrixFactorization, MovieRanker, SklearnEcosystemPipeline, ranking_metrics

FACTORS = {"n_factors": [8, 16, 32], "regularization": [4.0, 5.0, 6.0, 7.0, 9.0], "damping": [3.0, 5.0, 8.0]}
BLEND = {"model__learning_rate": [0.05, 0.1], "model__max_iter": [100, 200, 300]}
RANKER = {"regularization": [37.5, 75.0, 150.0, 300.0, 600.0]}


def rmse(make, setting, X, y, train, test):
    model = make(**setting).fit(X.iloc[train], y.iloc[train])
    return root_mean_squared_error(y.iloc[test], model.predict(X.iloc[test]))


def blend(**setting):
    return SklearnEcosystemPipeline(model="blend").build_pipeline().set_params(**setting)


def ndcg(make, setting, X, y, train, test):
    ranker = make(**setting).fit(X.iloc[train], y.iloc[train])
    lists = ranker.rank(X.iloc[test]["user_id"].unique())
    return ranking_metrics(lists, X.iloc[test], y.iloc[test])["NDCG@10"]


def report(make, grid, figure, best):
    X, y = training_rows()
    folds = list(KFold(3, shuffle=True, random_state=42).split(X))
    settings = [dict(zip(grid, values)) for values in itertools.product(*grid.values())]
    rows = [
        {**setting, figure.__name__: np.mean([figure(make, setting, X, y, *fold) for fold in folds])} for setting in settings
    ]
    table = pd.DataFrame(rows).sort_values(figure.__name__, ascending=best == "min")
    table["from the best"] = (table[figure.__name__] / table[figure.__name__].iloc[0] - 1).map("{:+.2%}".format)
    default = make().get_params()
    table["default"] = ["<--" if all(default[n] == row[n] for n in grid) else "" for _, row in table.iterrows()]
    print(f"{make.__name__}\n{table.to_string(index=False, float_format='{:.4f}'.format)}\n", flush=True)


if __name__ == "__main__":
    report(MatrixFactorization, FACTORS, rmse, "min")
    report(blend, BLEND, rmse, "min")
    report(MovieRanker, RANKER, ndcg, "max")
