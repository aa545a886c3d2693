"""Exercise of chapter 7, tickets (25 minutes): who brings the bicycle back late?

In this exercise no line is wrong: you write two functions. A city lends bicycles.
`rentals` makes a table like that of its database, with a row for each rental, and
`python exercises/7_tickets.py` prints three of them, and your features. When somebody
takes a bicycle, the city wants to know how probable it is that it comes back late.

`taken_at` is a date. `kind` is the kind of the bicycle, not always spelled alike, and
`station` the number of the place where it stood. `hours` is the time that was agreed
on. `deposit` was paid in advance and `paid` at the end, both in euros. `birth_year` is
of people who have told it. `late` is the answer.

Task: write `features_of`, which makes features of such rows, and `make_model`, which
    learns from them. What must be true of both is in their docstrings. The check has
    rentals of its own. It says what it finds first, so run it often.
Hint: go through the columns one by one, as pillars/7_tickets.py does: is it a date, a
    category, a number? Has it gaps? And is its value known when the bicycle is taken?
Check: python -m pytest exercises -k 7_tickets
"""

import numpy as np
import pandas as pd


def features_of(rows):  # TODO: what is known when somebody takes a bicycle?
    """Return the features of rentals as a DataFrame, a row for each rental.

    `rows` has the columns that `rentals` makes. If the bicycles have just been taken,
    it has no column `late`, and `paid` holds gaps only. The features of a rental are
    the same then as later, and the same whichever other rows are in the table. `rows`
    stays as it is.
    """


def make_model():
    """Return an untrained classifier, which learns the probability of "yes".

    It has `fit(features, late)`, where `late` is True or False, and
    `predict_proba(features)`, as in scikit-learn. In `predict_proba`, there may be
    gaps, and stations that were not in `fit`. Its log loss on new rentals is much
    smaller than that of a model that always says the share of late ones.
    """


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
