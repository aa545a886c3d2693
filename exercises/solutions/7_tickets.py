"""Solution of exercise 7, tickets: who brings the bicycle back late?

`paid` is known at the end only, and it is higher if the bicycle was late: it is no
feature. The hour of the day is in the date, a station is a name, and a missing year of
birth says something.
"""

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def features_of(rows):
    """Return the features of rentals as a DataFrame, a row for each rental.

    `rows` has the columns that `rentals` makes. If the bicycles have just been taken,
    it has no column `late`, and `paid` holds gaps only. The features of a rental are
    the same then as later, and the same whichever other rows are in the table. `rows`
    stays as it is.
    """
    taken_at = pd.to_datetime(rows["taken_at"], format="%d.%m.%Y %H:%M")
    return pd.DataFrame(
        {
            "hour": taken_at.dt.hour,
            "weekday": taken_at.dt.day_of_week,
            "kind": rows["kind"].str.strip().str.lower(),
            "station": rows["station"].astype(str),
            "hours": rows["hours"],
            "deposit": rows["deposit"].str.replace(",", ".").astype(float),
            "birth_year": rows["birth_year"],
        }
    )


def make_model():
    """Return an untrained classifier, which learns the probability of "yes".

    It has `fit(features, late)`, where `late` is True or False, and
    `predict_proba(features)`, as in scikit-learn. In `predict_proba`, there may be
    gaps, and stations that were not in `fit`. Its log loss on new rentals is much
    smaller than that of a model that always says the share of late ones.
    """
    fill = SimpleImputer(strategy="median", add_indicator=True)
    numbers = Pipeline([("fill", fill), ("scale", StandardScaler())])
    one_hot = OneHotEncoder(handle_unknown="ignore")
    # A logistic regression could only say "the later, the worse": so the hour becomes
    # a category, too.
    prepare = ColumnTransformer(
        [
            ("numbers", numbers, ["hours", "deposit", "birth_year"]),
            ("categories", one_hot, ["hour", "weekday", "kind", "station"]),
        ]
    )
    return Pipeline([("prepare", prepare), ("model", LogisticRegression())])


def rentals(n=5000, seed=0):
    """Return a table of rentals to try your functions on."""
    rng = np.random.default_rng(seed)
    minutes = pd.to_timedelta(rng.integers(0, 525_600, n), unit="min")
    taken_at = pd.Timestamp("2025-01-01") + minutes
    kind = rng.choice(["city", "City", "CITY ", "cargo", "Cargo", "electric"], n)
    station = rng.integers(1, 31, n)
    hours = rng.choice([1, 2, 4, 8, 24], n)
    deposit = rng.choice(["20,00", "50,00"], n)
    birth_year = np.where(rng.random(n) < 0.3, np.nan, rng.integers(1945, 2008, n))

    logit = -3 + rng.normal(0, 0.8, 31)[station] + 0.5 * np.log(hours)
    logit += 1.2 * np.isin(kind, ["cargo", "Cargo"]) + 1.0 * np.isnan(birth_year)
    logit += 1.2 * (taken_at.hour >= 18)
    late = rng.random(n) < 1 / (1 + np.exp(-logit))
    euros = 2 * hours + late * rng.integers(5, 30, n)
    return pd.DataFrame(
        {
            "taken_at": taken_at.strftime("%d.%m.%Y %H:%M"),
            "kind": kind,
            "station": station,
            "hours": hours,
            "deposit": deposit,
            "paid": [f"{amount},00" for amount in euros],
            "birth_year": birth_year,
            "late": np.where(late, "yes", "no"),
        }
    )


if __name__ == "__main__":
    table = rentals()
    print(table.head(3).T.to_string())
    print(features_of(table.head(3)))
