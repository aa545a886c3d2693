"""How well is tomorrow predicted?

    python benchmarks/by_time.py MOVIELENS [UNTIL]
    python benchmarks/by_time.py ml-latest-small 2018-09-26

The split is by time: models are trained on the first four fifths of the ratings and
tested on the last fifth. MOVIELENS is the folder or the zip file of a release. With a
date, ratings after that day are left out.

Printed first: the number of test rows, of the users who gave them, and the share of the
most active of these users, for all rows, for known users (who also have training rows)
and for new users. Then, for each model and for the damped mean of each movie's ratings,
which is what a model must beat where most users are new:

* RMSE: in stars, over the rows of the group (not a mean over users: active users count
  more);
* "to best": this RMSE minus the smallest one of the same group, ± its standard error.

The standard error is clustered by user: rows of one user are alike, so the sample is
the users, not the rows. It comes from the delta method: to first order, each user moves
the difference by a known amount, and the standard error is the root of the sum of their
squares. A difference below two standard errors may be luck. With fewer than about 30
users the standard error itself is a rough guess.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.preprocessing import TargetEncoder

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import RATING, SklearnEcosystemPipeline, load_movielens

MODELS = {
    "mean": DummyRegressor(),
    "linear": "linear",
    "forest": "forest",
    "boosting": "boosting",
    "factors": "factors",
    "blend": "blend",
}


def read_release(path, until=None):
    """Return the ratings of a release, up to and with the day `until`."""
    table = load_movielens(path)
    if until is None:
        return table
    next_day = pd.Timestamp(until) + pd.Timedelta("1D")
    return table[pd.to_datetime(table["timestamp"], unit="s") < next_day]


def split_by_time(table):
    """Return training rows and test rows, the last fifth.

    Rows of the same second stay together.
    """
    seconds = table["timestamp"]
    started = np.sort(seconds.to_numpy())[int(0.8 * len(table))]
    return table[seconds < started], table[seconds >= started]


def damped_movie_means(train, test):
    """Return the damped mean rating of each test row's movie, (n_rows,)."""
    encoder = TargetEncoder(target_type="continuous", smooth=10.0)
    encoder.fit(train[["movie_id"]], train[RATING])
    return encoder.transform(test[["movie_id"]]).ravel()


def rmse_difference(squared, best, users):
    """Return RMSE minus best RMSE, and its standard error clustered by user.

    Parameters
    ----------
    squared, best : array of shape (n_rows,)
        The squared errors of a model and of the best model.
    users : array of shape (n_rows,)
        Who gave the ratings.
    """
    rmse = np.sqrt(squared.mean())
    best_rmse = np.sqrt(best.mean())
    if rmse == best_rmse:
        return 0.0, 0.0

    # To first order, each row moves the difference by its influence / n_rows.
    influence = (squared - rmse**2) / (2 * rmse)
    influence = influence - (best - best_rmse**2) / (2 * best_rmse)
    per_user = pd.Series(influence).groupby(users).sum().to_numpy() / len(squared)
    n_users = len(per_user)
    standard_error = np.sqrt(n_users / (n_users - 1) * (per_user**2).sum())
    return rmse - best_rmse, standard_error


def report_groups(groups, users):
    """Print the sizes of the groups of test rows, {name: mask of rows}."""
    print(f"{'test rows of':13}{'rows':>7}{'users':>7}{'most active user':>18}")
    for name, rows in groups.items():
        per_user = pd.Series(users[rows]).value_counts()
        n_rows = rows.sum()
        share = per_user.max() / n_rows
        print(f"{name:13}{n_rows:7}{len(per_user):7}{share:18.1%}")


def report_models(squared, groups, users):
    """Print the RMSE of every model in every group, and how far it is from the best.

    `squared` has the squared errors of all rows, by model.
    """
    print("\n" + " " * 18 + "".join(f"{name:<28}" for name in groups).rstrip())
    print(f"{'model':18}" + (f"{'RMSE':<8}{'to best':<20}" * len(groups)).rstrip())
    for name, errors in squared.items():
        line = f"{name:18}"
        for rows in groups.values():
            best = min((others[rows] for others in squared.values()), key=np.mean)
            more, standard_error = rmse_difference(errors[rows], best, users[rows])
            to_best = "best"
            if more > 0:
                to_best = f"{more:+.4f} ± {standard_error:.4f}"
            line += f"{np.sqrt(errors[rows].mean()):<8.4f}{to_best:<20}"
        print(line.rstrip())


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python benchmarks/by_time.py MOVIELENS [UNTIL]")
    train, test = split_by_time(read_release(*sys.argv[1:]))
    users = test["user_id"].to_numpy()
    stars = test["rating"].to_numpy()

    is_known = np.isin(users, train["user_id"])
    groups = {
        "all": np.full(len(test), True),
        "known users": is_known,
        "new users": ~is_known,
    }
    for name in list(groups):
        if np.unique(users[groups[name]]).size < 2:
            del groups[name]  # one user alone has no standard error

    day = pd.to_datetime(test["timestamp"].min(), unit="s").date()
    n_users = train["user_id"].nunique()
    print(f"{len(train)} training rows of {n_users} users; test rows from {day} on\n")
    report_groups(groups, users)

    means = damped_movie_means(train, test)
    squared = {"damped movie mean": (means - stars) ** 2}
    for name, model in MODELS.items():
        recommender = SklearnEcosystemPipeline(model=model).fit(train)
        squared[name] = (recommender.predict(test) - stars) ** 2
    report_models(squared, groups, users)


if __name__ == "__main__":
    main()
