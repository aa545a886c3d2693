"""Can a feature that looks honest be worthless?

    python benchmarks/sitting.py MOVIELENS [UNTIL]

"Mood" of a row: how far above or below the averages are the user's *other* ratings
within two minutes, before or after? It is cross-fitted, and made of training rows
alone. RMSE is shown in random folds and on the last fifth by time: without the feature;
with it; and with it, for somebody whose sitting has not begun (mood 0).
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.model_selection import KFold
from sklearn.pipeline import FeatureUnion

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from by_time import read_release, split_by_time

from lesson_code import MODELS, SklearnEcosystemPipeline, UserMovieFeatureTransformer

FOLDS = KFold(5, shuffle=True, random_state=0)
WINDOW = 120  # seconds


class Mood(TransformerMixin, BaseEstimator):
    """How far a user's ratings around a moment are above or below the averages."""

    def fit(self, X, y):
        features = UserMovieFeatureTransformer().fit(X, y).transform(X)
        averages = features["user_avg_rating"] + features["movie_avg_rating"]
        expected = (averages - np.mean(y)).to_numpy()
        residuals = np.asarray(y) - expected

        # Sums of the residuals up to each moment: a difference of two is a window's.
        moments = self._moments(X)
        order = np.argsort(moments, kind="stable")
        self.moments_ = moments[order]
        self.sums_ = np.append(0.0, np.cumsum(residuals[order]))
        return self

    def transform(self, X):
        moments = self._moments(X)
        first = np.searchsorted(self.moments_, moments - WINDOW, side="left")
        last = np.searchsorted(self.moments_, moments + WINDOW, side="right")
        total = self.sums_[last] - self.sums_[first]
        mood = total / (last - first + 1)  # damped by one rating
        return mood[:, None]

    def fit_transform(self, X, y):
        """Fit on all rows, and return moods that know the other folds only."""
        y = np.asarray(y)
        mood = np.empty((len(X), 1))
        for others, rows in FOLDS.split(X):
            fitted = clone(self).fit(X.iloc[others], y[others])
            mood[rows] = fitted.transform(X.iloc[rows])
        self.fit(X, y)
        return mood

    def get_feature_names_out(self, names=None):
        return ["mood"]

    def _moments(self, X):
        # Seconds, with the user before them: two users are never near each other.
        return X["user_id"].to_numpy() * 2**34 + X["timestamp"].to_numpy()


def errors(name, train, test):
    """Return the RMSE without the feature, with it, and with it where it is unknown.

    Unknown means: for somebody whose sitting has not begun.
    """
    parts = [("features", MODELS[name]["features"]), ("mood", Mood())]
    union = FeatureUnion(parts, verbose_feature_names_out=False)
    MODELS["mood"] = MODELS[name] | {"features": union}

    without = SklearnEcosystemPipeline(model=name).fit(train)
    with_mood = SklearnEcosystemPipeline(model="mood").fit(train)
    without_rmse = without.evaluate(test)[0]["RMSE"]
    with_rmse = with_mood.evaluate(test)[0]["RMSE"]

    # A mood that has seen no moment answers 0 for every row.
    _, mood = with_mood.pipeline["features"].transformer_list[-1]
    mood.moments_ = np.empty(0)
    unknown_rmse = with_mood.evaluate(test)[0]["RMSE"]
    return without_rmse, with_rmse, unknown_rmse


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python benchmarks/sitting.py MOVIELENS [UNTIL]")
    table = read_release(*sys.argv[1:])
    random_folds = []
    for train, test in FOLDS.split(table):
        random_folds.append((table.iloc[train], table.iloc[test]))
    splits = {"random folds": random_folds, "last fifth": [split_by_time(table)]}

    print(
        f"{'model':10}{'split':14}{'without':>10}{'with mood':>12}"
        f"{'mood not known yet':>20}"
    )
    for name in ("linear", "boosting", "blend"):
        for split, pairs in splits.items():
            of_pairs = [errors(name, train, test) for train, test in pairs]
            without, with_mood, unknown = np.mean(of_pairs, axis=0)
            print(
                f"{name:10}{split:14}{without:10.4f}{with_mood:12.4f}{unknown:20.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
