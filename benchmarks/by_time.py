"""How well is tomorrow predicted? `python benchmarks/by_time.py MOVIELENS [UNTIL]`, such as
`python benchmarks/by_time.py ml-latest-small 2018-09-26`.

The split is by time: models are trained on the first four fifths of the ratings and tested on the last fifth.
MOVIELENS is the folder or the zip file of a release. With a date, ratings after that day are left out.

Printed first: the number of test rows, of the users who gave them, and the share of the most active of these
users, for all rows, for known users (who also have training rows) and for new users. Then, for each model:

* RMSE: in stars, over the rows of the group (not a mean over users: active users count more);
* "to best": this RMSE minus the smallest one of the same group, ± its standard error.

The standard error is clustered by user: rows of one user are alike, so the sample is the users, not the rows.
It comes from the delta method: to first order, each user moves the difference by a known amount, and the
standard error is the root of the sum of their squares. A difference below two standard errors may be luck.
With fewer than about 30 users the standard error itself is a rough guess.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.dummy import DummyRegressor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import SklearnEcosystemPipeline, load_movielens

NAMES = ("linear", "forest", "boosting", "factors", "blend")
MODELS = {"mean": DummyRegressor()} | {name: name for name in NAMES}


def read_release(path, until=None):
    """Return the ratings of a release, up to and with the day `until`."""
    table = load_movielens(path)
    if until is None:
        return table
    return table[
        pd.to_datetime(table["timestamp"], unit="s")
        < pd.Timestamp(until) + pd.Timedelta("1D")
    ]


def split_by_time(table):
    """Return training rows and test rows, the last fifth. Rows of the same second stay together."""
    started = np.sort(table["timestamp"].to_numpy())[int(0.8 * len(table))]
    return table[table["timestamp"] < started], table[table["timestamp"] >= started]


def rmse_difference(squared, best, users):
    """Return RMSE minus best RMSE, and its standard error clustered by user, from squared errors of rows."""
    rmse, best_rmse = np.sqrt(squared.mean()), np.sqrt(best.mean())
    if rmse == best_rmse:
        return 0.0, 0.0
    influence = (squared - rmse**2) / (2 * rmse) - (best - best_rmse**2) / (
        2 * best_rmse
    )  # (n_rows,)
    per_user = pd.Series(influence).groupby(users).sum().to_numpy() / len(
        squared
    )  # (n_users,)
    n_users = len(per_user)
    return rmse - best_rmse, np.sqrt(n_users / (n_users - 1) * (per_user**2).sum())


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python benchmarks/by_time.py MOVIELENS [UNTIL]")
    train, test = split_by_time(read_release(*sys.argv[1:]))
    users, stars = test["user_id"].to_numpy(), test["rating"].to_numpy()
    known = np.isin(users, train["user_id"])
    groups = {
        "all": np.full(len(test), True),
        "known users": known,
        "new users": ~known,
    }
    groups = {
        name: rows for name, rows in groups.items() if np.unique(users[rows]).size > 1
    }

    day = pd.to_datetime(test["timestamp"].min(), unit="s").date()
    print(
        f"{len(train)} training rows of {train['user_id'].nunique()} users; test rows from {day} on\n"
    )
    print(f"{'test rows of':13}{'rows':>7}{'users':>7}{'most active user':>18}")
    for name, rows in groups.items():
        per_user = pd.Series(users[rows]).value_counts()
        print(
            f"{name:13}{rows.sum():7}{len(per_user):7}{per_user.max() / rows.sum():18.1%}"
        )

    squared = {}
    for name, model in MODELS.items():
        squared[name] = (
            SklearnEcosystemPipeline(model=model).fit(train).predict(test) - stars
        ) ** 2
    print("\n" + " " * 10 + "".join(f"{name:<28}" for name in groups).rstrip())
    print(f"{'model':10}" + (f"{'RMSE':<8}{'to best':<20}" * len(groups)).rstrip())
    for name in MODELS:
        line = f"{name:10}"
        for rows in groups.values():
            best = min((errors[rows] for errors in squared.values()), key=np.mean)
            more, se = rmse_difference(squared[name][rows], best, users[rows])
            told = f"{more:+.4f} ± {se:.4f}" if more > 0 else "best"
            line += f"{np.sqrt(squared[name][rows].mean()):<8.4f}{told:<20}"
        print(line.rstrip())


if __name__ == "__main__":
    main()
