"""Can a score be too good?

    python benchmarks/leak.py [--data MOVIELENS [UNTIL]]

UNTIL is a day, such as 2018-09-26.

The same model with four kinds of averages, which differ in the ratings that they know:
* fragile: of the whole table, taken before the split. A test row's features know its
  own rating;
* plain: fragile as well, and not damped (a simple mean per user and per movie);
* not crossed: of the training rows. Test rows are safe; a training row's features know
  its own rating;
* honest: the lesson's pipeline on raw rows. In training, a row's averages are
  cross-fitted: from other rows.

(a) RMSE in stars on a held-out fifth, for fewer and fewer ratings per user: mean of
five tables ± standard error. "floor" is the expected RMSE of the best possible
predictor. "too good" names what is more than two standard errors below it; no honest
model gets there. Elsewhere "fragile" is as wrong, but nothing shows it.
(b) R2 on shuffled ratings, 10 per user, five tables. There is nothing to learn, so
above 0 is a leak.
(c) RMSE in five folds ± standard error; "lost", fold by fold, is what the model loses
without cross-fitting.
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

MODELS = ("linear", "forest", "boosting")
SIZES = ((1000, 500, 50_000), (1000, 500, 6000), (300, 150, 6000))


def predict(way, model, table, train, test):
    """Return the predictions for the test rows, with averages made in one way."""
    if way == "honest":
        return SklearnEcosystemPipeline(model=model).fit(train).predict(test)

    damping = 0.0 if way == "plain" else 10.0
    seen = train if way == "not crossed" else table
    features = UserMovieFeatureTransformer(damping=damping).fit(seen).transform(table)
    stars = train["rating"]
    rest = SklearnEcosystemPipeline(model=model).build_pipeline()[1:]
    rest.fit(features.loc[train.index], stars)
    predictions = rest.predict(features.loc[test.index])
    return np.clip(predictions, stars.min(), stars.max())


def compare(metric, ways, model, splits):
    """Return {way: the metric on every split}. A split is (table, train, test)."""
    scores = {}
    for way in ways:
        values = []
        for table, train, test in splits:
            predictions = predict(way, model, table, train, test)
            values.append(metric(test["rating"], predictions))
        scores[way] = np.array(values)
    return scores


def cells(scores):
    """Return {name: mean and standard error as text}."""
    return {name: f"{x.mean():.4f} ± {sem(x):.4f}" for name, x in scores.items()}


def too_good(n_ratings):
    """Return a row of table (a): the errors of the forest, and which are too good."""
    splits = []
    floor = []
    for seed in range(5):
        dataset = MovieRecommendationDataset(1000, 500, n_ratings, seed)
        table = dataset.generate()
        train, test = train_test_split(table, test_size=0.2, random_state=42)
        splits.append((table, train, test))
        floor.append(dataset.best_rmse(test))
    floor = np.array(floor)

    ways = ("honest", "fragile", "plain")
    errors = compare(root_mean_squared_error, ways, "forest", splits)
    below = []
    for way, rmse in errors.items():
        above_floor = rmse - floor
        if above_floor.mean() < -2 * sem(above_floor):
            below.append(way)
    row = {"per user": n_ratings / 1000} | cells({"floor": floor} | errors)
    row["too good"] = ", ".join(below)
    return row


def on_noise(model):
    """Return a row of table (b): R2 on shuffled ratings."""
    rng = np.random.default_rng(0)
    splits = []
    for seed in range(5):
        table = MovieRecommendationDataset(1000, 500, 10_000, seed).generate()
        table = table.assign(rating=rng.permutation(table["rating"]))
        train, test = train_test_split(table, test_size=0.2, random_state=42)
        splits.append((table, train, test))
    ways = ("fragile", "plain", "not crossed", "honest")
    return {"model": model} | cells(compare(r2_score, ways, model, splits))


def worth(name, table, model):
    """Return a row of table (c): what a model loses without cross-fitting."""
    splits = []
    for train, test in KFold(5, shuffle=True, random_state=0).split(table):
        splits.append((table, table.iloc[train], table.iloc[test]))
    ways = ("honest", "not crossed")
    errors = compare(root_mean_squared_error, ways, model, splits)
    errors["lost"] = errors["not crossed"] - errors["honest"]
    return {"table": name, "model": model} | cells(errors)


def report(title, rows):
    """Print a table with its title."""
    print(f"{title}\n{pd.DataFrame(rows).to_string(index=False)}\n")


def main():
    parser = argparse.ArgumentParser(description="Can a score be too good?")
    parser.add_argument("--data", nargs="+", default=[], metavar=("MOVIELENS", "UNTIL"))
    options = parser.parse_args()
    tables = {}
    for n_users, n_movies, n_ratings in SIZES:
        dataset = MovieRecommendationDataset(n_users, n_movies, n_ratings)
        tables[f"{n_ratings} of {n_users} users"] = dataset.generate()
    if options.data:
        tables["MovieLens"] = read_release(*options.data)

    per_table = (50_000, 10_000, 5000, 3000, 2000, 1500)
    report("(a) forest, RMSE", [too_good(n_ratings) for n_ratings in per_table])
    report("(b) shuffled ratings, R2", [on_noise(model) for model in MODELS])
    rows = []
    for name, table in tables.items():
        for model in MODELS:
            rows.append(worth(name, table, model))
    report("(c) RMSE", rows)


if __name__ == "__main__":
    main()
