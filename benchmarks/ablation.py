"""What earns its place in the blend: `python benchmarks/ablation.py MOVIELENS` (without a path: the synthetic table).

In the folds of `KFold(5, shuffle=True, random_state=0)`, the blend's features are made once; the same boosting is then
fitted to all of them, to all but one, and to the 13 features alone. Printed: the RMSE, mean ± standard deviation, and
the difference from all of them, fold by fold, so that what the folds have in common does not count.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import KFold

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import FEATURES, RATING, MovieRecommendationDataset, SklearnEcosystemPipeline, load_movielens

ADDED = ["factor_rating", "genre_affinity", "user_days"]


def fold_errors(train, test):
    """Return the RMSE of every choice of features."""
    pipeline = SklearnEcosystemPipeline(model="blend").build_pipeline()
    X_train = pipeline["features"].fit_transform(train.drop(columns=RATING), train[RATING])
    X_test = pipeline["features"].transform(test.drop(columns=RATING))
    choices = {"the 13 features and all three": list(X_train)}
    choices |= {f"without {name}": [column for column in X_train if column != name] for name in ADDED}
    choices |= {"the 13 features and factor_rating": [*FEATURES, "factor_rating"], "the 13 features": FEATURES}
    errors = {}
    for choice, columns in choices.items():
        stars = clone(pipeline["model"]).fit(X_train[columns], train[RATING]).predict(X_test[columns])
        stars = np.clip(stars, train[RATING].min(), train[RATING].max())
        errors[choice] = root_mean_squared_error(test[RATING], stars)
    print(errors, file=sys.stderr, flush=True)
    return errors


def main():
    table = load_movielens(sys.argv[1]) if len(sys.argv) > 1 else MovieRecommendationDataset().generate()
    folds = KFold(5, shuffle=True, random_state=0).split(table)
    errors = pd.DataFrame([fold_errors(table.iloc[train], table.iloc[test]) for train, test in folds])
    print("| boosting on | RMSE | against all |\n|---|---|---|")
    for choice, values in errors.items():
        more = values - errors.iloc[:, 0]
        print(f"| {choice} | {values.mean():.4f} ± {values.std(ddof=0):.4f} | {more.mean():+.4f} ± {more.std(ddof=0):.4f} |")


if __name__ == "__main__":
    main()
