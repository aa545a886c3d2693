"""The checks of the capstone and of the contest, for which you need all chapters.

Read the tasks before the checks.
"""

import copy

import numpy as np
import pandas as pd
from board import errors_of, opponents
from checking import (
    MeanOf,
    check,
    check_numbers,
    check_of,
    check_returned,
    check_true_or_false,
)
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import train_test_split

from lesson_code import MovieRecommendationDataset

# ----- 9_capstone

N_USERS = 200  # and as many as this with a single rating:
N_RARE = 20
N_MOVIES = 100
NOISE = 0.8  # standard deviation, in stars: the floor is its square
N_LOGS = 120  # to see how a figure scatters
KEYS = ["baseline", "model", "error", "deploy"]


class Site:
    """A site whose users and movies stay the same. It makes one log after another."""

    def __init__(self, seed, users=0.8, movies=0.5):
        self.rng = np.random.default_rng(seed)
        self.users = self.rng.normal(0, users, N_USERS + N_RARE)
        self.movies = self.rng.normal(0, movies, N_MOVIES)

    def ratings(self, n_pairs=3000):
        """Return ratings in which no pair of a user and a movie is there twice."""
        pairs = self.rng.choice(N_USERS * N_MOVIES, n_pairs, replace=False)
        users, movies = np.divmod(pairs, N_MOVIES)
        users = np.append(users, N_USERS + np.arange(N_RARE))
        movies = np.append(movies, self.rng.integers(0, N_MOVIES, N_RARE))
        stars = 3 + self.users[users] + self.movies[movies]
        stars += self.rng.normal(0, NOISE, len(users))
        table = pd.DataFrame({"user_id": users, "movie_id": movies, "rating": stars})
        # The labels are not in order, as those of a part of a larger table.
        return table.sample(frac=1, random_state=self.rng.integers(2**31))

    def clicks(self, ratings):
        """Return a log: each rating once or more, now and then a little changed."""
        times = self.rng.geometric(0.3, len(ratings))
        log = ratings.loc[ratings.index.repeat(times)].reset_index(drop=True)
        has_changed = self.rng.random(len(log)) < 0.3
        log["rating"] += has_changed * self.rng.choice([-0.1, 0.1], len(log))
        return log.iloc[self.rng.permutation(len(log))]

    def shuffled(self):
        """Return ratings that nobody can predict: they have changed places."""
        ratings = self.ratings()
        return ratings.assign(rating=self.rng.permutation(ratings["rating"]))


class ByHeart(RegressorMixin, BaseEstimator):
    """A model that knows the pairs of the training by heart, and nothing else."""

    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        self.known_ = pd.Series(np.asarray(y)).groupby(pairs_of(X)).mean()
        return self

    def predict(self, X):
        known = pd.Series(pairs_of(X)).map(self.known_)
        return known.fillna(self.mean_).to_numpy()


class Peeker(ByHeart):
    """A model that reads the answer, if it is in the rows that it gets."""

    def predict(self, X):
        if "rating" in X:
            return X["rating"].to_numpy()
        return np.full(len(X), self.mean_)


class Coin(ByHeart):
    """A model that adds a little to the mean, or takes it away: worth nothing."""

    def __init__(self, size=0.02):
        self.size = size

    def predict(self, X):
        is_heads = (pairs_of(X) * 7919) % 101 % 2
        return self.mean_ + self.size * np.where(is_heads, 1, -1)


def pairs_of(X):
    """Return a number for each pair of a user and a movie."""
    return X["user_id"].to_numpy() * N_MOVIES + X["movie_id"].to_numpy()


@check_of(
    "pillars/0_luck.py (luck) and pillars/3_model_selection.py (leaks)",
    usual_causes="`fit` takes the columns user_id and movie_id of a table, and the "
    "ratings; `predict` takes the same columns of other rows, which may have users and "
    'movies that are new (`OneHotEncoder(handle_unknown="ignore")`). The index of the '
    "log is not in order: `loc` takes labels, `iloc` positions, and two Series are "
    "subtracted by labels.",
)
def test_9_capstone(exercise):
    def report_on(model, log, keys=KEYS):
        """Return answers of the report of the exercise, if they have the right form."""
        answers = exercise.report(copy.deepcopy(model), log.copy())
        check(
            answers is not None,
            "`report` returned nothing (None). It is still empty, or has no `return`. "
            "Begin with a small one: split the log, and return a dict with the answer "
            '"baseline", and None for the other three.',
        )
        check(
            isinstance(answers, dict) and set(KEYS) <= set(answers),
            'The report should be a dict with the keys "baseline", "model", "error" '
            f'and "deploy"; yours is {" ".join(str(answers).split())[:80]}. The '
            "program that deploys looks for these names.",
        )
        for name in keys:
            check(
                answers[name] is not None,
                f'The answer "{name}" is still None. It comes next: what was checked '
                "before is right.",
            )
            if name == "deploy":
                check_true_or_false(answers[name], 'report(...)["deploy"]')
                continue
            check(
                np.ndim(answers[name]) == 0 and np.isfinite(answers[name]),
                f'The answer "{name}" should be one finite number. Is it the mean over '
                "the test rows, and has every test row a prediction?",
            )
        return {name: answers[name] for name in keys}

    site = Site(seed=91)
    ratings = site.ratings()

    # The baseline, and the split.
    only = ["baseline"]
    tripled = ratings.assign(rating=3 * ratings["rating"])
    first = report_on(DummyRegressor(), ratings, only)["baseline"]
    growth = report_on(DummyRegressor(), tripled, only)["baseline"] / first
    variance = ratings["rating"].var()
    check(
        7 < growth < 11 and abs(first / variance - 1) < 0.3,
        f"These ratings have an MSE of about {variance:.2f} stars² if the answer is "
        f"always their mean; your baseline is {first:.2f}. With all ratings three "
        f"times as large, it is {growth:.1f} times as large, and should be 9 times. "
        "Without a right baseline nobody can see whether a model has learned anything. "
        "Is it the mean of the *squared* errors, without a root, and is the answer "
        "always the mean of the training ratings?",
    )
    heart = report_on(ByHeart(), ratings)
    share = heart["model"] / heart["baseline"]
    check(
        not 0.3 < share < 0.9,
        "We gave you a model that answers the mean for every new rating, so its MSE is "
        f"that of the baseline, {heart['baseline']:.2f}. By your report it is "
        f"{heart['model']:.2f}. Is it the model that you were given? The same report "
        "must serve all models; your own is one of them.",
    )
    check(
        heart["model"] > 0.9 * heart["baseline"],
        "Our model learns its training rows by heart, and answers the mean everywhere "
        "else. It is worth nothing for new ratings, but your report says that its MSE "
        f"is {heart['model']:.2f}, with a baseline of {heart['baseline']:.2f}. Each of "
        "the ratings was in the table once, so your model has seen its test rows. "
        "Split first, and fit on the training rows only.",
    )
    dummy = report_on(DummyRegressor(), site.ratings(100))
    check(
        np.isclose(dummy["baseline"], dummy["model"], rtol=1e-9),
        "We gave you `DummyRegressor` as the model. It answers the mean of its "
        "training ratings, as the baseline does, but your two figures are "
        f"{dummy['baseline']:.5f} and {dummy['model']:.5f}. Two figures can be "
        "compared only if all else is the same. Is the mean that of the rows that the "
        "model is trained on, not of all rows and not of the test rows? Are both "
        "scored on the same test rows, each prediction in its row?",
    )
    check(
        not dummy["deploy"],
        "We gave you `DummyRegressor` as the model, and you deploy it. It is exactly "
        "as good as the baseline. A model has to be better, by more than luck.",
    )
    peeker = report_on(Peeker(), ratings)
    check(
        np.isclose(peeker["model"], peeker["baseline"]),
        "Our model looked for the column `rating` in the rows that it should predict, "
        "and found the answers there. Many models use every column that they get. At "
        "prediction time nobody has the ratings, so give `fit` and `predict` only the "
        "columns user_id and movie_id.",
    )
    log = site.clicks(site.shuffled())
    heart = report_on(ByHeart(), log)
    check(
        heart["model"] > 0.99 * heart["baseline"],
        "Our model learns its training rows by heart, and answers the mean everywhere "
        "else. On a log in which the ratings were shuffled, your report says that its "
        f"MSE is {heart['model']:.2f}, with a baseline of {heart['baseline']:.2f}. "
        "It knew answers, because people click several times: rows of the same user "
        "and the same movie are in the training and in the test. Keep one row for each "
        "such pair before you split, also if the stars of its rows differ.",
    )

    again = report_on(MeanOf("movie_id"), log)
    check(
        again == report_on(MeanOf("movie_id"), log),
        "In a second call, your report on the same model and the same log has other "
        "figures. Then one may ask until the answer is right. Give the split a "
        "`random_state`.",
    )

    # The standard error: what the reports say, and what other logs show.
    def reports_on(model, site, n_logs):
        """Return the reports on logs of a site, as a table with the gain."""
        reports = [report_on(model, site.clicks(site.ratings())) for _ in range(n_logs)]
        table = pd.DataFrame(reports)
        table["gain"] = table["baseline"] - table["model"]
        table["distance"] = table["gain"] / table["error"]  # in standard errors
        return table

    good = reports_on(MeanOf("user_id"), site, N_LOGS)
    check(
        good["gain"].mean() > 0.1,
        "Our model knows how each user rates, and the users differ a lot. By your "
        f"reports it gains {good['gain'].mean():.2f} stars² on average. Did you hold "
        "out whole users? Then you ask how it does for people whom it has never seen. "
        "The task asks about the users of the log.",
    )
    coins = reports_on(Coin(), site, N_LOGS)
    ratios = []
    for reports in (good, coins):
        scatter = reports["gain"].std()
        told = np.sqrt((reports["error"] ** 2).mean())
        ratios.append(told / scatter)
        found = (
            f"We made {N_LOGS} logs of one site, and you reported on the same model "
            "for each. The difference of the two MSEs scatters from log to log by "
            f'{scatter:.4f} stars² (standard deviation). By your "error" it should '
            f"be {told:.4f}."
        )
        check(
            told > 0.6 * scatter,
            f"{found} A standard error that is too small makes luck look like "
            "progress. It is the standard deviation of the differences, row by row, "
            "divided by the root of the number of test rows. And a rating that was "
            "clicked five times is one rating: how often do you count it?",
        )
        check(
            told < 1.5 * scatter,
            f"{found} With a standard error that is too large, you miss models that "
            "are better. Do you divide by the root of the number of test rows? And is "
            "it the error of the difference, row by row, and not that of one of the "
            "two, or of two models on different rows? What is hard for both counts "
            "little in a difference.",
        )

    # The decision.
    n_missed = N_LOGS - good["deploy"].sum()
    check(
        n_missed == 0,
        "Our model knows how each user rates, and the users differ a lot. Its gain is "
        f"some {good['distance'].mean():.0f} standard errors, but in {n_missed} of "
        f"{N_LOGS} logs you do not deploy it. Compare the gain, baseline - model, with "
        "twice the standard error.",
    )
    n_lucky = coins["deploy"].sum()
    check(
        n_lucky <= N_LOGS / 8,
        "Our model adds 0.02 stars to the mean or takes them away, as if by a coin. "
        f"You deploy it in {n_lucky} of {N_LOGS} logs. One of two models always has "
        "the smaller error, if only by luck. Deploy only if the gain is more than "
        "twice its standard error: luck alone gets there about once in 40 times.",
    )
    worse = report_on(Coin(size=2.0), site.clicks(site.ratings()))
    check(
        not worse["deploy"],
        "Our model is much worse than the mean, and you deploy it. The difference is "
        "many standard errors, but in the wrong direction. Keep its sign.",
    )
    weak = reports_on(MeanOf("user_id"), Site(seed=92, users=0.35), 40)
    for reports in (coins, weak):
        is_lucky = reports["deploy"] & (reports["distance"] < 1.5)
        lucky = reports["distance"][is_lucky]
        check(
            lucky.empty,
            "You deploy a model whose gain is only "
            f"{lucky.min():.1f} standard errors. Luck alone gets there too often. The "
            "task asks for more than two.",
        )
        is_missed = ~reports["deploy"] & (reports["distance"] > 3.5)
        missed = reports["distance"][is_missed]
        check(
            missed.empty,
            f"You do not deploy a model whose gain is {missed.max():.1f} standard "
            "errors. A small gain may well be real. A fixed limit cannot know that: "
            "only the standard error can.",
        )

    # The model of the exercise.
    check_returned(exercise.make_model(), "make_model")
    model = exercise.make_model()
    own = pd.DataFrame(
        [report_on(model, site.clicks(site.ratings())) for _ in range(3)]
    )
    check(
        own["deploy"].all(),
        f"In {(~own['deploy'].astype(bool)).sum()} of 3 logs, your report does not "
        "recommend your own model: its MSE is "
        f"{own['model'].mean():.2f}, that of always answering the mean "
        f"{own['baseline'].mean():.2f}. These users and movies differ a lot. How much "
        "is a number for each user and each movie worth? (An id is a label: a "
        "model must not calculate with it.)",
    )
    control = pd.DataFrame(
        [report_on(model, site.clicks(site.shuffled())) for _ in range(10)]
    )
    r2 = 1 - control["model"].mean() / control["baseline"].mean()
    check(
        control["deploy"].sum() <= 1 and r2 < 0.02,
        "We shuffled the ratings, so that nobody can predict them. By your reports, "
        f"your own model has an R2 of {r2:.2f}, and in {control['deploy'].sum()} of 10 "
        "logs you deploy it. An R2 above 0 on shuffled ratings is a leak.",
    )
    rmse = np.sqrt(own[["baseline", "model"]].mean())
    print(
        f"Measured: your model has an RMSE of {rmse['model']:.2f} stars (always the "
        f"mean: {rmse['baseline']:.2f}, a perfect predictor: {NOISE:.2f}); on shuffled "
        f'ratings its R2 is {r2:.2f}. Your "error" is {ratios[0]:.2f} times the '
        f"scatter over {N_LOGS} logs. You deploy a good model in {len(good)} of them, "
        f"and one that is worth nothing in {n_lucky}."
    )


# ----- 9_contest

RIDGE = "a ridge regression on user and movie"
FACTORS = "the lesson's matrix factorization"
N_ERRORS = 3  # Two, as on the board, is not rare enough if somebody tries many models.


@check_of(
    "pillars/0_luck.py and pillars/1_preprocessing.py",
    "does the model get each column in a form that it can use: are labels made columns "
    "of 0 and 1, lists of genres counted? And does it know what to do with a user or a "
    "movie that was not in `fit` (`handle_unknown`)?",
)
def test_9_contest(exercise):
    dataset = MovieRecommendationDataset(n_ratings=20_000, random_state=90)
    table = dataset.generate()
    train, test = train_test_split(table, test_size=0.25, random_state=90)
    X = train.drop(columns="rating")
    X_test = test.drop(columns="rating")

    check_returned(exercise.make_model(), "make_model")
    model = exercise.make_model()
    model.fit(X, train["rating"])
    before = X_test.copy()
    predicted = check_numbers(model.predict(X_test), len(test), "predict")
    check(X_test.equals(before), "Your model has changed the rows that it was given.")
    check(np.isfinite(predicted).all(), "Some of your predictions are not finite.")
    alone = model.predict(X_test.head(100))
    check(
        np.allclose(alone, predicted[:100]),
        "The same 100 rows got other predictions when they came alone. What a model "
        "learns, it learns in `fit`; an answer must not depend on the rows that come "
        "with it.",
    )

    own = (predicted - test["rating"]) ** 2
    others = opponents()
    ridge = errors_of(others[RIDGE], train, test)
    gain = ridge - own  # of each row
    rmse, rmse_of_ridge = np.sqrt([own.mean(), ridge.mean()])
    found = (
        f"On a table of ours, your RMSE is {rmse:.4f}, and that of the ridge "
        f"regression {rmse_of_ridge:.4f}. "
    )
    check(
        gain.mean() >= -2 * gain.sem(),
        f"{found}Where are you on the board? If you are below the two averages, let "
        "your model know both the user and the movie first.",
    )
    check(
        gain.mean() > N_ERRORS * gain.sem(),
        f"{found}That may be luck: row by row, the ridge regression's squared "
        f"errors, less yours, are {gain.mean():.4f} ± {gain.sem():.4f}, and after some "
        f"attempts, only {N_ERRORS} standard errors are clear. What do users differ "
        "in, besides how strictly they rate? And does your model trust too much in "
        "what it has seen only once or twice (its penalty)?",
    )
    factors = np.sqrt(errors_of(others[FACTORS], train, test).mean())
    law = np.sqrt(np.mean((dataset.true_expected_[test.index] - test["rating"]) ** 2))
    print(
        f"Measured: your RMSE is {rmse:.4f} on a table of ours (ridge regression "
        f"{rmse_of_ridge:.4f}, the lesson's matrix factorization {factors:.4f}, the "
        f"law {law:.4f})."
    )
