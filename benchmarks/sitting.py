"""Can a feature that looks honest be worthless? `python benchmarks/sitting.py MOVIELENS [UNTIL]`

"Mood" of a row: how far above or below the averages are the user's *other* ratings within two minutes, before
or after? It is cross-fitted, and made of training rows alone. RMSE is shown in random folds and on the last
fifth by time: without the feature; with it; and with it, for somebody whose sitting has not begun (mood 0).
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

FOLDS, WINDOW = KFold(5, shuffle=True, random_state=0), 120  # seconds


class Mood(TransformerMixin, BaseEstimator):
    def fit(self, X, y):
        averages, moment = (
            UserMovieFeatureTransformer().fit(X, y).transform(X),
            self._moment(X),
        )
        expected = (
            averages["user_avg_rating"] + averages["movie_avg_rating"] - np.mean(y)
        )
        order = np.argsort(moment, kind="stable")
        self.moments_ = moment[order]
        self.sums_ = np.append(
            0.0, np.cumsum((np.asarray(y) - expected.to_numpy())[order])
        )
        return self

    def transform(self, X):
        first = np.searchsorted(self.moments_, self._moment(X) - WINDOW, side="left")
        last = np.searchsorted(self.moments_, self._moment(X) + WINDOW, side="right")
        return ((self.sums_[last] - self.sums_[first]) / (last - first + 1))[
            :, None
        ]  # damped by one rating

    def fit_transform(self, X, y):
        y, mood = np.asarray(y), np.empty((len(X), 1))
        for others, rows in FOLDS.split(X):
            mood[rows] = (
                clone(self).fit(X.iloc[others], y[others]).transform(X.iloc[rows])
            )
        self.fit(X, y)
        return mood

    def get_feature_names_out(self, names=None):
        return ["mood"]

    def _moment(
        self, X
    ):  # seconds, with the user before them: two users are never near each other
        return X["user_id"].to_numpy() * 2**34 + X["timestamp"].to_numpy()


def errors(name, train, test):
    """Return the RMSE without the feature, with it, and with it where nothing is known of the sitting."""
    parts = [("features", MODELS[name]["features"]), ("mood", Mood())]
    MODELS["mood"] = MODELS[name] | {
        "features": FeatureUnion(parts, verbose_feature_names_out=False)
    }
    plain, mood = (
        SklearnEcosystemPipeline(model=model).fit(train) for model in (name, "mood")
    )
    found = [plain.evaluate(test)[0]["RMSE"], mood.evaluate(test)[0]["RMSE"]]
    mood.pipeline["features"].transformer_list[-1][1].moments_ = np.empty(0)
    return [*found, mood.evaluate(test)[0]["RMSE"]]


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python benchmarks/sitting.py MOVIELENS [UNTIL]")
    table = read_release(*sys.argv[1:])
    folds = [
        (table.iloc[train], table.iloc[test]) for train, test in FOLDS.split(table)
    ]
    print(
        f"{'model':10}{'split':14}{'without':>10}{'with mood':>12}{'mood not known yet':>20}"
    )
    for name in ("linear", "boosting", "blend"):
        for split, pairs in {
            "random folds": folds,
            "last fifth": [split_by_time(table)],
        }.items():
            plain, mood, unknown = np.mean(
                [errors(name, *pair) for pair in pairs], axis=0
            )
            print(
                f"{name:10}{split:14}{plain:10.4f}{mood:12.4f}{unknown:20.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
