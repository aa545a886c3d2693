"""Can a score be too good? `python benchmarks/leak.py [--data MOVIELENS [UNTIL]]` (UNTIL: such as 2018-09-26)

The same model with four kinds of averages, which differ in the ratings that they know:
* fragile: of the whole table, taken before the split. A test row's features know its own rating;
* plain: fragile as well, and not damped (a simple mean per user and per movie);
* not crossed: of the training rows. Test rows are safe; a training row's features know its own rating;
* honest: the lesson's pipeline on raw rows. In training, a row's averages are cross-fitted: from other rows.
(a) RMSE in stars on a held-out fifth, for fewer and fewer ratings per user: mean of five tables ± standard
error. "floor" is the expected RMSE of the best possible predictor. "too good" names what is more than two
standard errors below it; no honest model gets there. Elsewhere "fragile" is as wrong, but nothing shows it.
(b) R2 on shuffled ratings, 10 per user, five tables. There is nothing to learn, so above 0 is a leak.
(c) RMSE in five folds ± standard error; "lost", fold by fold, is what the model loses without cross-fitting.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import sem
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import KFold, train_test_split

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from by_time import read_release

from lesson_code import (
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
)


def score(metric, way, model, table, train, test):
    if way == "honest":
        return metric(
            test["rating"],
            SklearnEcosystemPipeline(model=model).fit(train).predict(test),
        )
    features = UserMovieFeatureTransformer(damping=0.0 if way == "plain" else 10.0)
    X = features.fit(train if way == "not crossed" else table).transform(table)
    rest, y = (
        SklearnEcosystemPipeline(model=model).build_pipeline()[1:],
        train["rating"],
    )
    stars = rest.fit(X.loc[train.index], y).predict(X.loc[test.index])
    return metric(test["rating"], np.clip(stars, y.min(), y.max()))


def compare(metric, ways, model, splits):
    return {
        way: np.array([score(metric, way, model, *parts) for parts in splits])
        for way in ways
    }


def cells(found):
    return {name: f"{x.mean():.4f} ± {sem(x):.4f}" for name, x in found.items()}


def too_good(n_ratings):
    datasets = [
        MovieRecommendationDataset(1000, 500, n_ratings, seed) for seed in range(5)
    ]
    tables = [dataset.generate() for dataset in datasets]
    splits = [
        (table, *train_test_split(table, test_size=0.2, random_state=42))
        for table in tables
    ]
    floor = np.array(
        [dataset.best_rmse(test) for dataset, (_, _, test) in zip(datasets, splits)]
    )
    found = compare(
        root_mean_squared_error, ("honest", "fragile", "plain"), "forest", splits
    )
    below = [
        way for way, x in found.items() if (x - floor).mean() < -2 * sem(x - floor)
    ]
    return (
        {"per user": n_ratings / 1000}
        | cells({"floor": floor} | found)
        | {"too good": ", ".join(below)}
    )


def on_noise(model):
    rng = np.random.default_rng(0)
    tables = [
        MovieRecommendationDataset(1000, 500, 10_000, seed).generate()
        for seed in range(5)
    ]
    tables = [table.assign(rating=rng.permutation(table["rating"])) for table in tables]
    splits = [
        (table, *train_test_split(table, test_size=0.2, random_state=42))
        for table in tables
    ]
    found = compare(
        r2_score, ("fragile", "plain", "not crossed", "honest"), model, splits
    )
    return {"model": model} | cells(found)


def worth(name, table, model):
    folds = KFold(5, shuffle=True, random_state=0).split(table)
    splits = [(table, table.iloc[train], table.iloc[test]) for train, test in folds]
    found = compare(root_mean_squared_error, ("honest", "not crossed"), model, splits)
    return {"table": name, "model": model} | cells(
        found | {"lost": found["not crossed"] - found["honest"]}
    )


def main():
    parser = argparse.ArgumentParser(description="Can a score be too good?")
    parser.add_argument("--data", nargs="+", default=[], metavar=("MOVIELENS", "UNTIL"))
    data, models = parser.parse_args().data, ("linear", "forest", "boosting")
    sizes = ((1000, 500, 50_000), (1000, 500, 6000), (300, 150, 6000))
    tables = {
        f"{r} of {u} users": MovieRecommendationDataset(u, m, r).generate()
        for u, m, r in sizes
    }
    tables |= {"MovieLens": read_release(*data)} if data else {}
    a = [too_good(n_ratings) for n_ratings in (50_000, 10_000, 5000, 3000, 2000, 1500)]
    b = [on_noise(model) for model in models]
    c = [
        worth(name, table, model) for name, table in tables.items() for model in models
    ]
    for title, rows in {
        "(a) forest, RMSE": a,
        "(b) shuffled ratings, R2": b,
        "(c) RMSE": c,
    }.items():
        print(f"{title}\n{pd.DataFrame(rows).to_string(index=False)}\n")


if __name__ == "__main__":
    main()
