"""The plain recipe, to compare the lesson with in `lesson.py`.

    python benchmarks/plain_recipe.py [--honest]

It is what one writes first: the same table and the same 13 features, made by group-bys
and maps over *all* rows, and only then the split. So its averages contain the ratings
of the test rows, and its RMSE looks better than the model is. With `--honest`, averages
and counts come from the training rows alone, and all else stays the same: this is the
error that new ratings would meet. (The CV RMSE is too good either way: the averages
were computed before the rows were cut into folds.)
"""

import argparse
import sys
import tempfile
from pathlib import Path

import joblib
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelEncoder, StandardScaler

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import FEATURES, RATING, MovieRecommendationDataset

# The split is the demo's, so that both sides are tested on the same rows.
SPLIT = {"test_size": 0.2, "random_state": 42}


def make_features(table, seen):
    """Return the 13 features of the table.

    Averages and counts are of the rows `seen`, which are naively all rows.
    """
    X = table[["user_id", "movie_id", "user_age", "movie_year"]].copy()
    X["genre_encoded"] = LabelEncoder().fit_transform(table["genre"])
    X["country_encoded"] = LabelEncoder().fit_transform(table["user_country"])

    for who in ("user", "movie"):
        ids = table[f"{who}_id"]
        ratings = seen.groupby(f"{who}_id")[RATING]
        X[f"{who}_avg_rating"] = ids.map(ratings.mean()).fillna(seen[RATING].mean())
        X[f"{who}_rating_count"] = ids.map(ratings.count()).fillna(0)
    X["user_movie_interaction"] = X["user_avg_rating"] * X["movie_avg_rating"]

    time = pd.to_datetime(table["timestamp"], unit="s")
    X["hour_of_day"] = time.dt.hour
    X["day_of_week"] = time.dt.day_of_week
    return X[FEATURES]


def make_pipeline():
    """Return the scaler and the forest, unfitted."""
    forest = RandomForestRegressor(
        n_estimators=100,
        max_depth=10,
        min_samples_split=5,
        n_jobs=-1,
        random_state=42,
    )
    return Pipeline([("scaler", StandardScaler()), ("model", forest)])


def main():
    parser = argparse.ArgumentParser(
        description="The plain recipe: features of all rows, split, forest."
    )
    parser.add_argument(
        "--honest", action="store_true", help="averages of training rows alone"
    )
    options = parser.parse_args()
    table = MovieRecommendationDataset().generate()
    seen = table
    if options.honest:
        seen, _ = train_test_split(table, **SPLIT)

    X = make_features(table, seen)
    X_train, X_test, y_train, y_test = train_test_split(X, table[RATING], **SPLIT)
    pipeline = make_pipeline().fit(X_train, y_train)
    scores = cross_val_score(
        pipeline,
        X_train,
        y_train,
        cv=5,
        n_jobs=-1,
        scoring="neg_root_mean_squared_error",
    )
    print(f"CV RMSE: {-scores.mean():.4f} (+/- {scores.std():.4f})")
    print(f"RMSE: {root_mean_squared_error(y_test, pipeline.predict(X_test)):.4f}")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "plain.pkl")
        joblib.dump(pipeline, path)
        predictions = joblib.load(path).predict(X_test.head(5))
    for predicted, actual in zip(predictions, y_test):
        print(f"Predicted {predicted:.2f}, Actual {actual:.2f}")


if __name__ == "__main__":
    main()
