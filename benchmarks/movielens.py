"""Measure the models on a real MovieLens release: `python benchmarks/movielens.py FOLDER_OR_ZIP [UNTIL]`.

Two questions, two splits. Random folds, `KFold(5, shuffle=True, random_state=0)`: how well are the gaps in the table
filled? The last fifth by time: how well is tomorrow predicted? The second is what an application meets, and far harder:
it also tells how many of its test rows are of users or movies that training has never seen, and the error on each kind.
With a date such as 2018-09-26, ratings after that day are left out.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import KFold, cross_validate

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import RATING, SklearnEcosystemPipeline, load_movielens

MODELS = {"mean": DummyRegressor()} | {name: name for name in ("linear", "forest", "boosting", "factors", "blend")}


def random_folds(table):
    X, y = table.drop(columns=RATING), table[RATING]
    folds = KFold(5, shuffle=True, random_state=0)
    scoring = {"RMSE": "neg_root_mean_squared_error", "MAE": "neg_mean_absolute_error", "R2": "r2"}
    print("\nfive random folds: mean ± std\n\n| model | RMSE | MAE | R² | fit, s |\n|---|---|---|---|---|")
    for name, model in MODELS.items():
        recommender = SklearnEcosystemPipeline(model=model)
        found = cross_validate(recommender, X, y, cv=folds, scoring=scoring, error_score="raise")
        cells = [f"{abs(found[f'test_{m}']).mean():.4f} ± {found[f'test_{m}'].std():.4f}" for m in scoring]
        print(f"| {name} | {' | '.join(cells)} | {found['fit_time'].mean():.2f} |", flush=True)


def last_fifth(table):
    started = np.sort(table["timestamp"].to_numpy())[int(0.8 * len(table))]
    train, test = table[table["timestamp"] < started], table[table["timestamp"] >= started]
    known = test["user_id"].isin(train["user_id"]).to_numpy()
    print(f"\nthe last fifth by time: {len(train)} training rows, {len(test)} test rows, {(~known).mean():.1%} of users")
    print(f"never seen, {(~test['movie_id'].isin(train['movie_id'])).mean():.1%} of movies never seen\n")
    print("| model | RMSE | of known users | of new users |\n|---|---|---|---|")
    for name, model in MODELS.items():
        predicted = SklearnEcosystemPipeline(model=model).fit(train).predict(test)
        kinds = (np.ones(len(test), dtype=bool), known, ~known)
        errors = [root_mean_squared_error(test[RATING][kind], predicted[kind]) for kind in kinds]
        print(f"| {name} | {' | '.join(f'{error:.4f}' for error in errors)} |", flush=True)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python benchmarks/movielens.py FOLDER_OR_ZIP [UNTIL]")
    started = time.perf_counter()
    table = load_movielens(sys.argv[1])
    if len(sys.argv) == 3:
        table = table[pd.to_datetime(table["timestamp"], unit="s") < pd.Timestamp(sys.argv[2]) + pd.Timedelta("1D")]
    users, movies = table["user_id"].nunique(), table["movie_id"].nunique()
    print(f"{len(table)} ratings from {table[RATING].min()} to {table[RATING].max()} stars, {users} users, {movies} movies")
    random_folds(table)
    last_fifth(table)
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
