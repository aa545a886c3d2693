"""Exercise of all chapters, the capstone (30 minutes): would you deploy this model?

In this exercise no line is wrong: you write two functions. `log_of_a_site` makes a
table to try them on, and `python exercises/9_capstone.py` prints your report on it.

The table is the log of a site that shows movies, with a row for each click on the
stars. People click again, by mistake or because they have changed their mind. So a user
may have several rows of the same movie, with the same stars or with others. The model
is for these users: it will predict how they rate movies that they have not rated yet.

Task: write a model of your own, and a report on any model, which says whether to deploy
    it. What must be true of both is in their docstrings. The check has logs and models
    of its own. It says what it finds first, so run it often; begin with the report.
Hint: five steps: make the log a table in which each rating is known once, split it,
    predict, compare row by row, decide. "Two models on the same rows" in
    pillars/0_luck.py has the standard error of a difference, `train_test_split` in
    pillars/0_first.py a split, and `make_pipeline` in pillars/0_luck.py a model.
Check: python -m pytest exercises -k 9_capstone
"""

import numpy as np
import pandas as pd


def make_model():
    """Return an untrained model, which predicts better than the mean.

    It has `fit(rows, ratings)` and `predict(rows)`, as in scikit-learn. `rows` is a
    table with the columns user_id and movie_id, and without the ratings. Any model will
    do. In `predict`, there may be users and movies that were not in `fit`.
    """


def report(model, log):  # TODO: which steps lead to an answer that you can trust?
    """Return a report on an untrained model, as a dict of four answers.

    `log` is a table with the columns user_id, movie_id and rating.

    "baseline": the MSE (the mean of the squared errors, in stars²) on test rows, if the
        answer is always the mean of the training ratings.
    "model": the MSE of the model, trained and tested on the same rows as the baseline.
    "error": the standard error of the difference of the two.
    "deploy": True if the model is better by more than twice this standard error, else
        False.

    The report is the same at each call. It must not be better than the truth: the model
    will predict ratings that it has never seen.
    """


def log_of_a_site(seed=0):
    """Return a log to try the report on: some 2000 ratings in 6000 clicks."""
    rng = np.random.default_rng(seed)
    users = rng.integers(0, 200, 2000)
    movies = rng.integers(0, 100, 2000)
    stars = 3 + rng.normal(0, 0.7, 200)[users] + rng.normal(0, 0.4, 100)[movies]
    stars = np.clip(np.round(2 * stars + rng.normal(0, 1.5, 2000)) / 2, 0.5, 5)
    ratings = pd.DataFrame({"user_id": users, "movie_id": movies, "rating": stars})
    return ratings.sample(6000, replace=True, random_state=seed, ignore_index=True)


if __name__ == "__main__":
    print(report(make_model(), log_of_a_site()))
