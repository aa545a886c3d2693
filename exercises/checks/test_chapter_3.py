"""The checks of chapter 3: model selection and search. Read a task before its check."""

from typing import ClassVar

import numpy as np
import pandas as pd
from checking import (
    MeanOf,
    check,
    check_numbers,
    check_of,
    check_returned,
    mean_and_error,
    ratings,
)
from joblib import parallel_config
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neighbors import KNeighborsRegressor

from lesson_code import MovieRecommendationDataset

# ----- 3_model_selection


class Spy(RegressorMixin, BaseEstimator):
    """A model that answers the mean, and notes whom it was trained on and tested on."""

    # The notes of all copies: cross-validation works on clones.
    notes: ClassVar = []

    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        self.users_ = set(X["user_id"])
        return self

    def predict(self, X):
        strangers = ~X["user_id"].isin(self.users_)
        note = {
            "share of strangers": strangers.mean(),
            "rows": list(X.index),
            "mean": self.mean_,
        }
        self.notes.append(note)
        return np.full(len(X), self.mean_)


@check_of(
    "pillars/3_model_selection.py",
    usual_causes="the splitter must know which rows belong together: pass `groups=`, a "
    "column with one value per row and not its name; `cross_val_score` passes it on. "
    "And a splitter with Stratified in its name needs classes; stars are numbers. The "
    "model takes the whole table.",
)
def test_3_model_selection(exercise):
    table = ratings(2000)
    Spy.notes.clear()
    rmse = exercise.rmse_for_new_users(Spy(), table.copy())
    check_returned(rmse, "rmse_for_new_users")
    rmse = np.asarray(rmse, dtype=float)
    tested = []
    errors = []
    for note in Spy.notes:
        tested += note["rows"]
        stars = table.loc[note["rows"], "rating"]
        errors.append(np.sqrt(np.mean((stars - note["mean"]) ** 2)))
    check(
        tested,
        "The model was not asked for any prediction. Measure its error on the table "
        "that is given.",
    )
    shares = [note["share of strangers"] for note in Spy.notes]
    check(
        all(share == 1 for share in shares),
        f"Only {np.mean(shares):.0%} of the test rows are of users whom the model has "
        "never seen; it must be all of them. With a known user, the model looks up how "
        "this user rates. Nobody can do that for a new user, so the error comes out "
        "too small. Whose rows did you keep together? (`KFold` ignores `groups=`.) "
        "Each splitter asks another question.",
    )
    check(
        sorted(tested) == sorted(table.index),
        f"There were {len(tested)} predictions for {len(table)} rows. In "
        "cross-validation each row is held out once, so that every user counts.",
    )
    check(
        np.isclose(rmse.mean(), np.mean(errors)),
        f"The folds are right, but the result {rmse.mean():.4f} is not their mean "
        f"RMSE {np.mean(errors):.4f}. Is the scoring still the RMSE? And "
        "scikit-learn's score is minus the error, because a score is better when it "
        "is larger.",
    )
    check(
        rmse.shape == (5,) and len(errors) == 5,
        f"Expected the RMSE of each of five folds, got the shape {rmse.shape} from "
        f"{len(errors)} folds. A mean alone does not say how much the folds differ, "
        "and in a fold of one user an RMSE says little.",
    )

    model = MeanOf("user_id")
    new = exercise.rmse_for_new_users(model, table)
    folds = KFold(5, shuffle=True, random_state=0)
    scoring = "neg_root_mean_squared_error"
    known = -cross_val_score(model, table, table["rating"], cv=folds, scoring=scoring)
    print(
        "Measured: a model that answers the mean of the user has an RMSE of "
        f"{mean_and_error(new)} stars for new users; the shuffled rows asked about "
        f"known users, {mean_and_error(known)} (5 folds)."
    )


# ----- 3_cross_fitting


def make_table(users, stars, rng):
    """Return a table in a random order.

    Its index has gaps and is not in order, as after `train_test_split`.
    """
    order = rng.permutation(len(users))
    index = rng.permutation(2 * len(users))[: len(users)]
    columns = {"user_id": users[order], "rating": stars[order]}
    return pd.DataFrame(columns, index=index)


def influences(averages_of, table, groups):
    """Return how far each average rises if the ratings of a group rise by one star.

    `groups` has the group of each row. The result is (n_rows, n_groups): an average of
    four ratings rises by 0.25 if one of them rises by a star.
    """
    averages = averages_of(table)
    columns = []
    for group in np.unique(groups):
        raised = table.assign(rating=table["rating"] + (groups == group))
        columns.append(averages_of(raised) - averages)
    return np.column_stack(columns)


@check_of(
    "pillars/3_model_selection.py",
    usual_causes="`split` gives positions, not labels of the index: take rows by "
    "`iloc`. It gives two sets of rows: first those of the other folds, then those of "
    "the fold. The averages have one value per user, the fold one per row: `map` looks "
    "up the average of each row's user. The result is an array that is as long as the "
    "table. And folds need shuffle=True before random_state has a meaning.",
)
def test_3_cross_fitting(exercise):
    def averages_of(table):
        averages = exercise.training_averages(table.copy())
        return check_numbers(averages, len(table), "training_averages")

    # Shuffled ratings: no user differs from another.
    rng = np.random.default_rng(3)
    users = np.append(np.repeat(np.arange(150), 4), 999)
    noise = make_table(users, rng.normal(3, 1, len(users)), rng)
    averages = averages_of(noise)
    check(
        np.isfinite(averages).all(),
        f"Rows without an average: {np.sum(~np.isfinite(averages))}. Each row must be "
        "in exactly one fold. And a user may have no row in the other folds: they get "
        "the mean rating of the other folds.",
    )
    check(
        np.allclose(averages, averages_of(noise)),
        "The same table gave other averages in a second call. Fix the folds by "
        "random_state, so that others can check your result. (Or some rows are in no "
        "fold, and hold what `np.empty` left there: each row must be in exactly one "
        "fold.)",
    )
    correlation = np.corrcoef(averages, noise["rating"])[0, 1]
    check(
        correlation < 0.1,
        "These ratings are shuffled: no user differs from another, and nothing can be "
        f"predicted. Yet your averages have a correlation of {correlation:.2f} with "
        "the ratings of their own rows: they contain them. A model would take that for "
        "knowledge. Take each row's average from the folds that it is not in.",
    )

    # Which ratings are in which average? One user has twelve rows, ten have six, and
    # the last has one.
    users = np.repeat(np.arange(12), [12] + 10 * [6] + [1])
    table = make_table(users, rng.normal(3, 1, len(users)), rng)
    users = table["user_id"].to_numpy()
    is_alone = users == 11
    rows = np.arange(len(table))
    of_rows = influences(averages_of, table, rows)  # (n_rows, n_rows)
    of_users = influences(averages_of, table, users)  # (n_rows, n_users)
    of_own_user = of_users[rows, users]

    all_raised = averages_of(table.assign(rating=table["rating"] + 1))
    constant = ~np.isclose(all_raised - averages_of(table), 1)
    check(
        not constant.any(),
        f"If every rating rises by one star, so does every average; {constant.sum()} "
        f"of {len(table)} of yours do not. They are not made of ratings: a number "
        "that is written down does not fit the next table, and a row must be in "
        "exactly one fold, or nothing is computed for it. A user without a row in the "
        "other folds gets the mean rating of those.",
    )
    of_another_user = np.isclose(of_users.max(axis=1), 1) & (of_own_user < 0.5)
    check(
        of_another_user.mean() < 0.2,
        "Your averages are right, but they are in the wrong rows: "
        f"{of_another_user.sum()} of {len(table)} rows have the average of another "
        "row's user. Folds take their rows from all over the table, so their averages, "
        "one after the other, are in the order of the folds. Write each fold's "
        "averages to its own rows: `result[fold] = ...`, with a `result` that is as "
        "long as the table.",
    )
    is_of_own_user = np.isclose(of_own_user, 1)
    check(
        is_of_own_user.mean() > 0.5,
        f"{np.sum(~is_of_own_user)} of {len(table)} rows have an average that is not "
        "made of the ratings of their own user alone. Does each row get the average of "
        "its own user, and not of all? (The task asks for a plain average, without "
        "damping.) Or do the folds keep the rows of a user together, as `GroupKFold` "
        "does? Then no user has a row in the other folds. Split rows, not users.",
    )
    of_itself = np.abs(of_rows[rows, rows]) > 1e-9
    check(
        not of_itself.any(),
        f"We changed one rating after the other: in {of_itself.sum()} of {len(table)} "
        "cases, the average of that very row changed too. A part of the answer is in "
        "it. Averages and means must both come from the other folds.",
    )
    has_six = (users > 0) & ~is_alone
    is_mean = np.isclose(of_rows.sum(axis=1), 1)
    check(
        is_mean.all(),
        "We raised one rating after the other by a star. Each rating has its share in "
        f"a mean, and the shares add up to 1; in {np.sum(~is_mean)} of {len(table)} of "
        "your averages they do not. Is it the mean that you take (and not the median)?",
    )
    n_used = np.sum(of_rows > 1e-9, axis=1)[is_of_own_user & has_six].mean()
    check(
        n_used > 2.5,
        f"These users have six ratings each, but an average is made of {n_used:.1f} of "
        "them; four of five folds have about four others. Are there five folds? "
        "`split` gives the rows of the other folds first, then those of the fold: "
        "perhaps you swapped the two.",
    )
    n_different = len(np.unique(averages_of(table)[users == 0].round(9)))
    check(
        n_different < 12,
        "A user with twelve ratings has twelve different averages, each without one of "
        "the ratings. Then the average of a row is low where its own rating is high, "
        "and a model can read the answer from it. The rows of a user that are in one "
        "fold have the same average, made of the other folds.",
    )

    by_user = table.sort_values("user_id", kind="stable")
    sorted_users = by_user["user_id"].to_numpy()
    of_sorted = influences(averages_of, by_user, sorted_users)[rows, sorted_users]
    n_without = np.sum(of_sorted < 0.5)
    check(
        n_without < len(table) / 2,
        "The same table, sorted by user (as many files are): now "
        f"{n_without} of {len(table)} averages are not those of the user. Folds that "
        "are not shuffled are blocks of consecutive rows, so all rows of a user are in "
        "one fold, none is in the others, and the average is the mean rating, which "
        "says nothing about the user. Sorted by time, new users would lose theirs. "
        "Shuffle the folds.",
    )
    shares = of_rows[is_alone][0]
    shares = shares[shares > 1e-9]
    check(
        np.allclose(shares, shares[0]),
        "The user without a row in the other folds gets an average in which the "
        f"ratings count differently, from {shares.min():.4f} to {shares.max():.4f}. "
        "In a mean of the users' averages, a user with six ratings counts as much as "
        "one with twelve. Give them the mean of the ratings in the other folds.",
    )

    level = np.repeat(rng.normal(3, 1, 60), 20)
    stars = level + rng.normal(0, 1, len(level))
    signal = make_table(np.arange(len(level)) // 20, stars, rng)
    levels = level[20 * signal["user_id"]]
    known = np.corrcoef(averages_of(signal), levels)[0, 1]
    plain = noise.groupby("user_id")["rating"].transform("mean")
    plain = np.corrcoef(plain, noise["rating"])[0, 1]
    print(
        "Measured: with shuffled ratings, the correlation of your averages is "
        f"{correlation:.2f} ± {1 / np.sqrt(len(noise)):.2f} (that of plain averages: "
        f"{plain:.2f}); with what users usually give, where users differ, {known:.2f}."
    )


# ----- 3_too_good

#: How many leaks the program has.
N_LEAKS = 3
#: An honest R2 on shuffled ratings is about 0 or below. Luck may bring it this far.
LUCK = 0.15


def table_of(users, genres, stars, rng, movies=None):
    """Return a table of ratings with the columns of the lesson's.

    Without `movies`, each row has a movie of its own.
    """
    users = np.asarray(users)
    if movies is None:
        movies = rng.permutation(len(users))
    years = rng.permutation(np.arange(len(users)))  # of each movie, in no order
    return pd.DataFrame(
        {
            "user_id": users,
            "movie_id": movies,
            "rating": stars,
            "timestamp": 1_500_000_000 + rng.permutation(len(users)),
            "genre": genres,
            "movie_year": 1600 + years[movies],
            "user_age": 20 + users % 50,
            "user_country": "FR",
            "title": [f"Movie {movie}" for movie in movies],
        }
    )


def noise(n_rows, rng):
    """Return ratings that nobody can predict."""
    return rng.integers(1, 11, n_rows) / 2


def find_leaks(r2_of_twins, r2_of_means, leaves):
    """Return a message for each leak of a report.

    `r2_of_twins` and `r2_of_means` are R2 on shuffled ratings, where only rows that
    have a twin or only features could leak. `leaves` are the leaf sizes that were
    chosen for two tables which differ in nothing but the ratings of the test rows.
    """
    messages = []
    if r2_of_twins > LUCK:
        messages.append(
            "On shuffled ratings, of movies with many genres, your report says R2 "
            f"{r2_of_twins:.2f}. Nobody can predict these, so it should be about 0. "
            "Each user has 25 ratings here, so a mean gives none of them away. But the "
            "forest remembers them: ratings that it is tested on are in its training "
            "rows, too."
        )
    if r2_of_means > LUCK:
        messages.append(
            "On shuffled ratings, two of each user and of each genre, your report "
            f"says R2 {r2_of_means:.2f}. Nobody can predict these, so it should be "
            "about 0. Here no rating is in two rows. So a feature contains ratings of "
            "the test rows, and in a mean of few ratings each is a large part."
        )
    if leaves[0] != leaves[1]:
        messages.append(
            "We changed the ratings of the test rows (those that `split` gives) and "
            f"no others, and your report chose the leaf size {leaves[1]} instead of "
            f"{leaves[0]}. So the test rows choose, and then they score their choice: "
            "its luck on them is in the error. What is chosen must follow from the "
            "training rows alone."
        )
    return messages


@check_of(
    "pillars/3_model_selection.py (means made before the split) and "
    "pillars/2_feature_selection.py (choices)",
    usual_causes="`report` takes the table of ratings as the lesson makes it, and "
    'returns a dict with "RMSE", "R2" and "leaf". A column must be made in the '
    "training rows and in the test rows. A user or genre of the test rows may be new, "
    "so that no mean is known. (But most are known: a split by users asks another "
    "question.) And where the index was changed, rows of two tables do "
    "not fit any more.",
)
def test_3_too_good(exercise):
    def report_of(table):
        report = exercise.report(table.copy())
        check_returned(report, "report")
        check(
            isinstance(report, dict) and {"RMSE", "R2", "leaf"} <= set(report),
            '`report` should return a dict with "RMSE", "R2" and "leaf", as before.',
        )
        return report

    rng = np.random.default_rng(0)

    # All by one user, and each movie has one row. Old movies are bad, new ones good.
    one_user = table_of(np.zeros(400, dtype=int), "Drama", 1.0, rng)
    one_user.loc[one_user["movie_year"] >= 1800, "rating"] = 5.0
    parts = exercise.split(one_user.copy())
    check_returned(parts, "split")
    check(
        len(parts) == 2,
        f"`split` should return two tables, and returns {len(parts)}.",
    )
    train, test = parts
    is_test = one_user["movie_id"].isin(test["movie_id"])
    check(
        len(train) + len(test) == 400 == (~is_test).sum() + len(test),
        "`split` should put each row of a table into one of its two parts. It made "
        f"parts of {len(train)} and {len(test)} rows from 400.",
    )
    check(
        60 <= len(test) <= 200,
        f"`split` keeps {len(test)} of 400 rows for the test. Keep its quarter: a test "
        "of few rows is luck, and a forest needs rows, too.",
    )
    check(
        test.equals(exercise.split(one_user.copy())[1]),
        "`split` gave other test rows in a second call. Fix its random_state, so that "
        "others can check your report.",
    )
    turned = one_user["rating"].where(~is_test, 6 - one_user["rating"])
    as_before = report_of(one_user)
    of_turned = report_of(one_user.assign(rating=turned))
    check(
        of_turned["RMSE"] > as_before["RMSE"] + 0.5,
        "We turned the ratings of the test rows (those that `split` gives): 5 stars "
        "became 1, and 1 became 5. An error on these rows must grow by stars; yours "
        f"went from {as_before['RMSE']:.2f} to {of_turned['RMSE']:.2f}. On which rows "
        "did you measure it? Or has the forest no feature that helps?",
    )

    # Users with many ratings. Each movie has many genres, so that a rating which gets a
    # row for each of them is seen in large leaves, too.
    genres = "|".join(f"Genre {number}" for number in range(60))
    users = np.repeat(np.arange(8), 25)
    movies = np.tile(np.arange(25), 8)
    of_twins = table_of(users, genres, noise(200, rng), rng, movies)
    # Users and genres with two ratings. Each movie has one genre; all else is equal.
    users = np.repeat(np.arange(200), 2)
    genres = [f"Genre {number}" for number in rng.permutation(400) // 2]
    of_means = table_of(users, genres, noise(400, rng), rng)
    of_means = of_means.assign(movie_year=1990, user_age=30)

    report = report_of(of_means)
    check(
        report == report_of(of_means),
        "Two reports on the same table differ. Fix every random_state, so that others "
        "can check your report.",
    )
    leaks = find_leaks(
        report_of(of_twins)["R2"],
        report["R2"],
        (as_before["leaf"], of_turned["leaf"]),
    )
    if leaks:
        check(False, f"Leaks left: {len(leaks)} of {N_LEAKS}. {leaks[0]}")

    # Generous users and strict ones: a mean of theirs says much, and nothing else does.
    users = np.tile(np.arange(30), 30)
    levels = np.where(np.arange(30) % 2 == 0, 2.0, 4.0)
    stars = levels[users] + rng.integers(-1, 2, 900) / 2
    of_levels = table_of(users, "Drama", stars, rng).assign(user_age=30)
    report = report_of(of_levels)
    check(
        report["R2"] > 0.5,
        "There is no leak left. But of these users, one half gives about 2 stars, the "
        f"other about 4, and your report says R2 {report['R2']:.2f}; a mean of the "
        "user's training ratings is enough for 0.8. The means were a good idea, made "
        "from the wrong rows.",
    )
    r2_by_rmse = 1 - report["RMSE"] ** 2 / np.var(stars)
    check(
        np.isclose(r2_by_rmse, report["R2"], atol=0.1),
        f"An RMSE of {report['RMSE']:.2f} stars means an R2 of about {r2_by_rmse:.2f} "
        f"in this table; your report says {report['R2']:.2f}. Measure both on the same "
        "test rows.",
    )

    dataset = MovieRecommendationDataset(300, 150, n_ratings=1000)
    table = dataset.generate()
    report = report_of(table)
    verdict = "With few ratings, the forest has learned little."
    if report["R2"] < 0:
        verdict = (
            "So it is worse than the mean. A forest trusts the means of its training "
            "rows too much if each contains the rating of its own row: cross-fit them."
        )
    print(
        f"Measured: without the leaks, the report says {report['RMSE']:.2f} stars, not "
        f"0.72; always the mean has {table['rating'].std():.2f}, and the noise floor "
        f"is {dataset.best_rmse(table):.2f}. {verdict}"
    )


# ----- 3_search


class Guesser(RegressorMixin, BaseEstimator):
    """A model that adds random numbers to the mean: no seed is better than another.

    It notes on which rows it was trained and tested.
    """

    # The notes of all copies: a search works on clones.
    notes: ClassVar = []

    def __init__(self, seed=0):
        self.seed = seed

    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        self.rows_ = set(np.asarray(X)[:, 0])
        return self

    def predict(self, X):
        # The guess for a row depends on the row and the seed alone.
        keys = np.asarray(X)[:, 0].astype(int)
        note = {"seed": self.seed, "trained": self.rows_, "tested": set(keys)}
        self.notes.append(note)
        return self.mean_ + np.random.default_rng(self.seed).normal(size=4000)[keys]


def rows_scored_after_a_choice(notes):
    """Return the rows that took no part in the choice of the candidate they scored.

    Before such a row is predicted, every candidate has been trained without it.
    """
    candidates = {note["seed"] for note in notes}
    scored = set()
    for position, note in enumerate(notes):
        tried = set()
        for earlier in reversed(notes[: position + 1]):
            if earlier["trained"] & note["tested"]:
                break
            tried.add(earlier["seed"])
        if tried == candidates:
            scored |= note["tested"]
    return scored


@check_of(
    "pillars/3_search.py",
    usual_causes="`cross_val_score` takes the search itself as its model, then X and "
    "y, and returns the score of each fold. `best_score_` is there only after `fit`.",
)
def test_3_search(exercise):
    rng = np.random.default_rng(6)
    X = rng.uniform(0, 1, (1000, 1))
    y = X[:, 0] + rng.normal(0, 0.5, 1000)
    candidates = {"n_neighbors": [1, 25]}
    error = exercise.estimate_error(KNeighborsRegressor(1), candidates, X, y)
    check_returned(error, "estimate_error")
    check(
        np.ndim(error) == 0,
        f"Expected one number, got an array of the shape {np.shape(error)}: one "
        "for each fold? Return their mean.",
    )
    check(
        error < 0.58,
        "One of two candidates was clearly better (RMSE about 0.5; the other 0.7), "
        f"and you reported {error:.2f}. Does your code still search in each fold, and "
        "among all candidates that it is given?",
    )
    tenfold = exercise.estimate_error(KNeighborsRegressor(1), candidates, X, 10 * y)
    check(
        np.isclose(tenfold, 10 * error, rtol=0.01),
        "We made every number in y ten times as large. An RMSE has the unit of y, so "
        f"it should be ten times as large too; yours went from {error:.2f} to "
        f"{tenfold:.2f}. R2 has no unit, and a squared error has another: is the "
        "scoring of the outer folds still the RMSE?",
    )

    rng = np.random.default_rng(5)
    reported = []
    of_winners = []  # the error by which the best candidate was chosen
    for _ in range(6):
        rows = rng.permutation(4000)[:50]
        X = rows.reshape(-1, 1)
        y = rng.normal(size=50)
        Guesser.notes.clear()
        # In one process, where we see the notes, whatever `n_jobs` says.
        with parallel_config(backend="sequential"):
            error = exercise.estimate_error(
                Guesser(), {"seed": list(range(20))}, X.copy(), y.copy()
            )
        reported.append(float(error))
        scored = rows_scored_after_a_choice(Guesser.notes)
        guesses = [Guesser(seed).fit(X, y).predict(X) for seed in range(20)]
        rmse = [np.sqrt(np.mean((guess - y) ** 2)) for guess in guesses]
        of_winners.append(min(rmse))
    truth = np.sqrt(2)  # the guess and the answer: two independent normal numbers
    mean_reported = np.mean(reported)
    check(
        mean_reported > 0,
        f"Your error is {mean_reported:.2f}. scikit-learn's score is minus the error, "
        "because a score is better when it is larger.",
    )
    check(
        scored,
        "We let you choose the best of 20 models that only guess. On new rows each of "
        f"them has an error of {truth:.2f}; on the rows that choose it, the winner has "
        f"{np.mean(of_winners):.2f}; you reported {mean_reported:.2f}. The rows that "
        "chose the winner also scored it, so its luck on these rows is in its score. "
        "Score the search as a whole on rows that it has not seen: a part of the rows "
        "it was fitted on is not new.",
    )
    check(
        len(scored) == len(rows),
        f"You hold out {len(scored)} of {len(rows)} rows, search without them, and "
        "score the winner on them. That is honest, but so few rows make it a matter of "
        f"luck: in six tables you reported {min(reported):.2f} to {max(reported):.2f}, "
        f"where the truth is {truth:.2f}. In the task the search is done anew in each "
        "fold, so that every row is held out once and counts.",
    )
    check(
        0.89 * truth < mean_reported < 1.15 * truth,
        f"On new rows, the error of each candidate is {truth:.2f}, but you reported "
        f"{mean_reported:.2f} (mean of six tables). The error in a single fold may be "
        "far off, by luck. Is yours the mean of the RMSE over all folds?",
    )
    print(
        "Measured: the best of 20 guessers has an RMSE of "
        f"{mean_and_error(reported)} by your estimate (6 tables); the truth is "
        f"{truth:.2f}; the rows that chose it say {mean_and_error(of_winners)}."
    )
