"""The checks of chapter 4, supervised learning. Read a task before its check."""

import numpy as np
import pandas as pd
from checking import (
    check,
    check_numbers,
    check_of,
    check_returned,
    check_true_or_false,
    first_five,
    ratings,
    shorten,
    standard_error,
)
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeRegressor

from lesson_code import ranking_metrics

# ----- 4_supervised


class Reader(RegressorMixin, BaseEstimator):
    """A linear model that reads some columns of an array."""

    def __init__(self, columns):
        self.columns = columns

    def fit(self, X, y):
        self.model_ = LinearRegression().fit(X[:, self.columns], y)
        return self

    def predict(self, X):
        return self.model_.predict(X[:, self.columns])


@check_of(
    "pillars/4_supervised.py",
    usual_causes="`gain` is an array of NumPy, with one number per row. `gain.std()` "
    "is their standard deviation, `len(gain)` how many they are, and `np.sqrt` the "
    "root.",
)
def test_4_supervised(exercise):
    first = Reader([0])
    second = Reader([1])
    both = Reader([0, 1])

    # A model that reads both columns of a sum is better than one that reads one.
    rng = np.random.default_rng(31)
    X = rng.normal(size=(200, 2))
    y = X.sum(axis=1) + rng.normal(size=200)
    answer = exercise.is_better(first, both, X.copy(), y.copy())
    check_true_or_false(answer, "is_better")
    check(
        not answer,
        "You call the worse of two models the better one. The new model was the worse: "
        "it reads a single column, the old one reads both, and y is their sum, plus "
        "noise. A gain far from 0 is not enough. It must be above 0: the error of the "
        "old model minus that of the new.",
    )

    # Two columns of equal worth: a model that reads one is as good as one that reads
    # the other. The unit of y is another one in every table.
    n_better = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(200, 2))
        y = (X.sum(axis=1) + rng.normal(size=200)) * 10.0 ** rng.integers(-2, 3)
        n_better += exercise.is_better(second, first, X.copy(), y.copy())
    check(
        n_better <= 3,
        f"In {n_better} of 30 tables you call the new model better. By construction "
        "the two are equally good, and which one has the smaller error is luck. Ask "
        "for more than luck gives: a mean gain above twice its standard error. The "
        "standard error of a mean is the standard deviation divided by the root of the "
        "number of rows.",
    )

    # Nothing can be predicted here. A tree knows its training rows by heart.
    rng = np.random.default_rng(30)
    X = rng.normal(size=(200, 2))
    y = rng.normal(size=200)
    tree = DecisionTreeRegressor(random_state=0)
    check(
        not exercise.is_better(tree, DummyRegressor(), X.copy(), y.copy()),
        "You call a tree better than the mean where nothing can be predicted. It has "
        "learned its training rows by heart, noise included. Compare the models on "
        "rows that they were not trained on.",
    )

    # The gain is many times its standard error.
    X = rng.normal(size=(200, 2))
    y = (X.sum(axis=1) + rng.normal(size=200)) / 100
    check(
        exercise.is_better(both, first, X.copy(), y.copy()),
        "A model that reads both columns really is better than one that reads a single "
        "column, because y is their sum, plus noise. But your function says False. The "
        "unit of y is small here, and no fixed limit serves all units. And the "
        "standard error of a mean is the standard deviation divided by the root of the "
        "number of rows.",
    )

    # A small gain beside much noise that both models share.
    X = rng.normal(size=(2000, 2))
    y = X[:, 0] + 0.25 * X[:, 1] + rng.normal(size=2000)
    check(
        exercise.is_better(both, first, X.copy(), y.copy()),
        "The new model really is better, by more than four times the standard error, "
        "but your function says False. The gain is small, but so is its standard "
        "error, if the models are compared row by row: what makes a row hard for both "
        "then cancels. Twice the standard error is asked for.",
    )

    # A gain of 2.5 standard errors.
    rng = np.random.default_rng(26)
    X = rng.normal(size=(2000, 2))
    y = X[:, 0] + 0.12 * X[:, 1] + rng.normal(size=2000)
    check(
        exercise.is_better(both, first, X.copy(), y.copy()),
        "The new model really is better, and its gain is 2.5 times its standard error, "
        "but your function says False. Twice is asked for: by luck, an equal model "
        "gains more in only about 2 of 100 cases. A stricter limit misses more of the "
        "real gains.",
    )
    print(
        f"Measured: in {n_better} of 30 tables you call an equal model better (in 15 "
        "± 3 if every gain counts). A real gain of 2.5 standard errors is found."
    )


# ----- 4_taste


def make_ratings(n_users, n_movies, share_of_gaps, noise, seed):
    """Return ratings with gaps, the same without gaps, and the movies' numbers."""
    rng = np.random.default_rng(seed)
    users = rng.normal(size=(n_users, 3))
    movies = rng.normal(size=(n_movies, 3))
    whole = users @ movies.T + rng.normal(0, noise, (n_users, n_movies))
    is_gap = rng.random(whole.shape) < share_of_gaps
    return np.where(is_gap, np.nan, whole), whole, movies


def ridge_numbers(ratings, movies, penalty, with_intercept=False):
    """Return the numbers of all users by the formula of ridge, in NumPy."""
    users = np.zeros((len(ratings), movies.shape[1]))
    for user, ratings_of_user in enumerate(ratings):
        rated = ~np.isnan(ratings_of_user)
        if not rated.any():
            continue
        X = movies[rated]
        y = ratings_of_user[rated]
        if with_intercept:
            X = X - X.mean(axis=0)
            y = y - y.mean()
        users[user] = np.linalg.solve(X.T @ X + penalty * np.eye(X.shape[1]), X.T @ y)
    return users


@check_of(
    "pillars/4_taste.py",
    usual_causes="`np.isnan(ratings_of_user)` is True in the gaps, and `~` turns True "
    "and False around. Take the rows of `movies` and the ratings by the same mask, so "
    "that they have the same length. `fit` stops at NaN. It also stops if it gets no "
    "row at all: a user who has rated nothing keeps the zeros.",
)
def test_4_taste(exercise):
    def numbers_of(ratings, movies, penalty=2.0):
        numbers = exercise.fit_users(ratings.copy(), movies.copy(), penalty)
        check_returned(numbers, "fit_users")
        numbers = np.asarray(numbers, dtype=float)
        expected = (len(ratings), movies.shape[1])
        check(
            numbers.shape == expected,
            f"For {len(ratings)} users and {movies.shape[1]} numbers per movie, your "
            f"answer has the shape {numbers.shape}; it should be {expected}: one row "
            "for each user.",
        )
        return numbers

    ratings, whole, movies = make_ratings(40, 30, 0.6, 0.0, 41)
    numbers = numbers_of(ratings, movies)

    # A new user rates 20 new movies, which nobody else has rated.
    rng = np.random.default_rng(42)
    new_movies = rng.normal(size=(20, 3))
    more = np.full((41, 50), np.nan)
    more[:40, :30] = ratings
    more[40, 30:] = rng.normal(size=20)
    changed = numbers_of(more, np.vstack([movies, new_movies]))[:40]
    moved = ~np.isclose(numbers, changed).all(axis=1)
    sizes = [np.abs(numbers).mean(), np.abs(changed).mean()]
    check(
        not moved.any(),
        "We added 20 movies that these users have not rated, and the numbers of "
        f"{moved.sum()} of 40 users changed. Their mean size went from {sizes[0]:.2f} "
        f"to {sizes[1]:.2f}. So gaps have a say in a user's numbers. Did you fill "
        "them? A 0, or a mean, is an opinion that the user does not have, and many "
        "gaps outweigh the few true ratings. Leave the gaps out.",
    )

    everyone = np.arange(40)
    for place, message in {
        "highest": "Each rating must count. Do you ask anew for each user which movies "
        "he or she has rated? What one user has not rated, another one has.",
        "lowest": "What a user dislikes says as much about the taste as what he or she "
        "likes. A rating below 0 is no gap: only NaN is.",
    }.items():
        find = np.nanargmax if place == "highest" else np.nanargmin
        altered = ratings.copy()
        altered[everyone, find(ratings, axis=1)] *= 1.5
        same = np.isclose(numbers, numbers_of(altered, movies)).all(axis=1)
        check(
            not same.any(),
            f"We changed the {place} rating of each user, and the numbers of "
            f"{same.sum()} of 40 users stayed the same. {message}",
        )
    altered = ratings.copy()
    altered[everyone, np.isnan(ratings).argmax(axis=1)] = 0.0  # the first gap
    same = np.isclose(numbers, numbers_of(altered, movies)).all(axis=1)
    check(
        not same.any(),
        "We filled one gap of each user with a rating of exactly 0, and the numbers of "
        f"{same.sum()} of 40 users stayed the same. 0 is a rating, in the middle of "
        "the scale: the user has seen the movie and found it mediocre. A gap is NaN. "
        "If you first replace NaN by 0, you cannot tell the two apart any more.",
    )

    weak = numbers_of(ratings, movies, 0.5)
    strong = numbers_of(ratings, movies, 50.0)
    check(
        not np.allclose(weak, strong),
        "With the penalties 0.5 and 50, you return the same numbers. `penalty` must "
        "be the `alpha` of `Ridge`: it decides how far the numbers of users with few "
        "ratings shrink.",
    )
    check(
        not np.allclose(numbers, ridge_numbers(ratings, movies, 2.0, True)),
        "Your regressions have an intercept. It is not among the numbers that you "
        "return, so a part of each user's opinion is lost: multiplied by the movie's "
        "numbers and added up, they do not give the rating. Set fit_intercept=False.",
    )
    expected = ridge_numbers(ratings, movies, 2.0)
    check(
        np.allclose(numbers, expected, atol=1e-4),
        f"For the first user we expected {expected[0].round(2)}, and you returned "
        f"{numbers[0].round(2)} (penalty=2). Is it the ridge of the task: alpha is the "
        "penalty as it is given, there is no intercept, and each user's numbers are "
        "in the row of this user?",
    )

    silent = ratings.copy()
    silent[3] = np.nan
    of_silent = numbers_of(silent, movies)[3]
    check(
        np.array_equal(of_silent, np.zeros(3)),
        f"A user who has rated nothing got the numbers {of_silent.round(2)}. Nothing "
        "is known about this taste, so the numbers should be 0. Then the prediction is "
        "what it was without factors.",
    )

    ratings, whole, movies = make_ratings(300, 40, 0.7, 0.8, 43)
    is_gap = np.isnan(ratings)
    squares = {
        "yours": (numbers_of(ratings, movies) @ movies.T - whole)[is_gap] ** 2,
        "filled": (
            ridge_numbers(np.nan_to_num(ratings), movies, 2.0) @ movies.T - whole
        )[is_gap]
        ** 2,
    }
    figures = {}
    for name, square in squares.items():
        rmse = np.sqrt(square.mean())
        figures[name] = f"{rmse:.2f} ± {standard_error(square) / (2 * rmse):.2f}"
    print(
        f"Measured: for {is_gap.sum()} gaps, your numbers predict the stars with an "
        f"RMSE of {figures['yours']}; with gaps as 0 it is {figures['filled']}."
    )


# ----- 4_threshold


def make_likes(n_rows, seed):
    """Return inputs, likes, and their true chances, of which a quarter is on average.

    The chances are those that `LogisticRegression` can learn.
    """
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 2))
    chance = 1 / (1 + np.exp(1.7 - X @ [1.5, 0.8]))
    return X, rng.random(n_rows) < chance, chance


def cost_to_expect(yes, chance, cost_of_bad, cost_of_missed):
    """Return the cost of each row, on average over what may happen."""
    return np.where(yes, (1 - chance) * cost_of_bad, chance * cost_of_missed)


@check_of(
    "pillars/4_threshold.py",
    usual_causes="`predict_proba` returns an array of the shape (rows, 2): the second "
    "column, `[:, 1]`, is the probability of True, a like. Train the classifier first.",
)
def test_4_threshold(exercise):
    X, y, _ = make_likes(3000, 61)
    X_new, _, chance = make_likes(2000, 62)

    def decide(cost_of_bad, cost_of_missed, rows=slice(None)):
        asked = X_new[rows].copy()
        answer = exercise.says_yes(
            LogisticRegression(), X.copy(), y.copy(), asked, cost_of_bad, cost_of_missed
        )
        numbers = check_numbers(answer, len(asked), "says_yes")
        check(
            np.isin(numbers, [0, 1]).all(),
            f"`says_yes` returned {numbers[0]:.3g} for the first row. A page shows a "
            "movie or does not: return True or False for each row, which is a "
            "comparison of the probability with the threshold.",
        )
        return numbers == 1

    equal = decide(1, 1)
    dear = decide(1, 6)
    cheap = decide(6, 1)
    check(
        not (np.array_equal(equal, dear) and np.array_equal(equal, cheap)),
        f"You say yes to the same {equal.sum()} of 2000 rows, whether a missed movie "
        "costs as much as a bad evening, six times as much, or a sixth. `predict` says "
        "yes above a probability of 1/2, and a fixed threshold serves one pair of "
        "costs only. The threshold must come from the costs.",
    )
    check(
        dear.sum() > equal.sum() > cheap.sum(),
        f"You say yes to {equal.sum()} of 2000 rows if both errors cost the same, to "
        f"{dear.sum()} if a missed movie costs six times as much as a bad evening, and "
        f"to {cheap.sum()} if it costs a sixth. The more a missed movie costs, "
        "the more often you should say yes. Do both costs count? With equal costs, the "
        "threshold is 1/2: is yours? Did you exchange the two costs, or turn the "
        "comparison around?",
    )
    check(
        chance[dear].mean() > chance[~dear].mean(),
        "The rows to which you say yes are less often liked than the others. Take the "
        "probability of True, the second column, and say yes above the threshold.",
    )
    n_other = np.sum(decide(1, 6, slice(0, 2000, 40)) != dear[::40])
    check(
        n_other == 0,
        f"When 50 of the rows came alone, {n_other} of them got another answer than "
        "among the 2000. What is best for a user must not depend on which others come "
        "along. Did you sort the new rows, or count off a share of them?",
    )
    n_other = np.sum(decide(0.1, 0.6) != dear)
    check(
        n_other == 0,
        f"With the costs 0.1 and 0.6 instead of 1 and 6, {n_other} of 2000 answers are "
        "others. A cost in another currency must not change what is cheaper: only the "
        "ratio of the two costs counts.",
    )

    said = LogisticRegression().fit(X, y).predict_proba(X_new)[:, 1]
    for costs in ((1, 1), (1, 2), (1, 6), (6, 1)):
        yes = decide(*costs)
        best = said * costs[1] > (1 - said) * costs[0]
        paid = cost_to_expect(yes, said, *costs).sum()
        lowest = cost_to_expect(best, said, *costs).sum()
        check(
            paid < 1.01 * lowest,
            f"A bad evening costs {costs[0]}, and a missed movie {costs[1]}. You say "
            f"yes to {yes.sum()} of 2000 rows. By the model's probabilities this costs "
            f"{paid:.0f} on average, and {lowest:.0f} would do, with yes to "
            f"{best.sum()}. If p is the probability of a like, yes costs (1 - p) times "
            "the one, and no costs p times the other. At the threshold both cost the "
            "same.",
        )

    at_half = cost_to_expect(said > 0.5, chance, 1, 6)
    saved = at_half - cost_to_expect(dear, chance, 1, 6)
    print(
        f"Measured: if a missed movie costs 6, you say yes to {dear.mean():.0%} of the "
        f"rows, {np.mean(said > 0.5):.0%} are above 1/2. By the true chances, this "
        f"saves {100 * saved.mean():.0f} ± {100 * standard_error(saved):.0f} of "
        f"{100 * at_half.mean():.0f} per 100 rows."
    )


# ----- 4_top_ten


def make_stars(n_users, n_movies, share_of_gaps, seed):
    """Return stars from 1 to 5 with gaps: a table of users (rows) and titles."""
    ratings, _, _ = make_ratings(n_users, n_movies, share_of_gaps, 0.5, seed)
    stars = np.clip(np.round(3 + ratings), 1, 5)
    users = [f"user {number}" for number in range(n_users)]
    titles = [f"movie {number}" for number in range(n_movies)]
    return pd.DataFrame(stars, users, titles)


def fit_by_ease(stars):
    """Return how well each movie fits each user: EASE, by one inverse matrix."""
    likes = (stars - 2.2).fillna(0).to_numpy()
    inverse = np.linalg.inv(likes.T @ likes + 4 * np.eye(likes.shape[1]))
    fit = likes - likes @ inverse / np.diag(inverse)
    return pd.DataFrame(fit, stars.index, stars.columns)


def why_rated(lists, stars):
    """Return why a program recommends rated titles, as far as its lists show it."""
    is_rated = stars.notna()
    below_neutral = stars < 2.2
    fit = fit_by_ease(stars)
    only_rated = True
    only_disliked = True
    only_after_good = True
    for user, titles in lists.items():
        rated = [title for title in titles if is_rated.loc[user, title]]
        good = fit.columns[(fit.loc[user] > 0) & ~is_rated.loc[user]]
        only_rated &= len(rated) == len(titles)
        only_disliked &= bool(below_neutral.loc[user, rated].all())
        only_after_good &= set(titles[: len(good)]) <= set(good)
    if only_rated:
        return (
            "You recommend nothing else, so your mask is turned around: `isna()` is "
            "True in the gaps, and the gaps are what is new to the user."
        )
    if only_disliked:
        return (
            "The user dislikes all of these. To leave out what is liked is not enough: "
            "what the user has seen and found bad is the last thing to recommend."
        )
    if only_after_good:
        return (
            "They come after the new titles whose fit is above 0. Did you set their "
            "fit to 0? A fit can be below 0, so 0 is not the end of the list."
        )
    return (
        "Such a place of the list is lost: the user knows the movie. And a test gives "
        "no points for it, because what was rated in training is not rated again in "
        "the test rows."
    )


@check_of(
    "pillars/4_top_ten.py",
    usual_causes="`fit.loc[user]` and `stars.loc[user]` are Series with the titles as "
    "their index. A mask in square brackets must be a Series of True and False with "
    "the same titles; `isna()` makes one. The titles of a Series are in its `index`.",
)
def test_4_top_ten(exercise):
    stars = make_stars(60, 30, 0.6, 51)  # each user has 10 gaps or more

    def lists_of(stars, n):
        lists = exercise.recommend(stars.copy(), n)
        check_returned(lists, "recommend")
        check(
            isinstance(lists, dict) and list(lists) == list(stars.index),
            "Expected a dict with a list of titles for each user, in the order of the "
            f"rows of `stars`; got {shorten(repr(lists))}.",
        )
        lists = {user: list(titles) for user, titles in lists.items()}
        for user, titles in lists.items():
            strange = [str(title) for title in titles if title not in stars.columns]
            check(
                not strange,
                f"In the list of {user!r}, this is no title: {first_five(strange)}. Of "
                "a Series, the titles are the index, and the values say how well they "
                "fit.",
            )
        return lists

    lists = lists_of(stars, 10)
    check(
        any(lists.values()),
        "All lists are empty, but each user has at least ten movies that he or she has "
        "not rated. Do you ask anew for each user what is rated? What one user has not "
        "rated, another one has.",
    )
    rated = []
    first = 0
    for user, titles in lists.items():
        is_rated = stars.loc[user, titles].notna().tolist()
        rated += is_rated
        first += any(is_rated[:1])
    check(
        not any(rated),
        f"Of {len(rated)} titles in your lists, the users have already rated "
        f"{sum(rated)}, and {first} of 60 users see one at the top. "
        f"{why_rated(lists, stars)}",
    )
    short = [user for user, titles in lists.items() if len(titles) < 10]
    check(
        not short,
        f"{len(short)} of 60 users get fewer than the ten titles that we asked for, "
        "but there are more which they have not rated. Leave out the rated titles "
        "first, and take the first `n` of what remains.",
    )
    numbers = {
        n: {len(titles) for titles in lists_of(stars, n).values()} for n in (3, 10)
    }
    check(
        numbers == {3: {3}, 10: {10}},
        "We asked for 3 titles and for 10, and your lists have the lengths "
        f"{sorted(numbers[3])} and {sorted(numbers[10])}. `n` is how many titles are "
        "asked for.",
    )

    fit = fit_by_ease(stars)
    best = {}
    worst = {}
    for user in stars.index:
        in_order = fit.loc[user][stars.loc[user].isna()].sort_values(ascending=False)
        best[user] = list(in_order.index[:10])
        worst[user] = list(in_order.index[::-1][:10])
    check(
        lists != worst,
        "You recommend the movies that fit worst. A high fit is a good one, so the "
        "highest comes first: `ascending=False`.",
    )
    same_titles = all(set(lists[user]) == set(best[user]) for user in best)
    check(
        lists == best or not same_titles,
        "You recommend the right titles, but in another order. People read from the "
        "top, and NDCG gives more points there: the title that fits best comes first.",
    )
    n_other = sum(lists[user] != best[user] for user in best)
    check(
        lists == best,
        f"For {n_other} of 60 users, another title that they have not rated fits "
        "better than one of your list. What is rated must not be in the list, but it "
        "says what the user likes: compute the fit from all ratings, and leave titles "
        "out after that. And take those that fit best, not the first that are new.",
    )

    fuller = stars.fillna(3.0)
    fuller.iloc[1:] = stars.iloc[1:]
    fuller.iloc[0, [4, 8]] = np.nan  # two titles are new to this user
    lists = lists_of(fuller, 5)["user 0"]
    check(
        len(lists) == 2 and set(lists) == {"movie 4", "movie 8"},
        "A user has rated all movies but two, and we asked for five titles. You "
        f"returned {len(lists)}: {first_five(lists)}. Only the two new ones should be "
        "there. A list that is too short is no fault; a list that is filled up with "
        "what the user has rated is one.",
    )

    table = ratings(6000)
    train, test = train_test_split(table, random_state=0)
    stars = train.pivot(index="user_id", columns="movie_id", values="rating")
    fit = fit_by_ease(stars)
    with_rated = {}
    for user in stars.index:
        in_order = fit.loc[user].sort_values(ascending=False)
        with_rated[user] = list(in_order.index[:5])
    figures = {}
    for name, lists in {"yours": lists_of(stars, 5), "with rated": with_rated}.items():
        rows = []
        for user, movies in lists.items():
            for rank, movie in enumerate(movies, start=1):
                rows.append({"user_id": user, "rank": rank, "movie_id": movie})
        figures[name] = ranking_metrics(pd.DataFrame(rows), test, k=5)["NDCG@5"]
    print(
        f"Measured: on test rows, your lists of five have an NDCG@5 of "
        f"{figures['yours']:.2f}; with the rated movies in them, it is "
        f"{figures['with rated']:.2f}."
    )


# ----- 4_writing


def make_answers(n_of_each, seed):
    """Return digits that were meant, and what a machine says: 1 too often, 8 never."""
    rng = np.random.default_rng(seed)
    meant = rng.permutation(np.repeat(np.arange(10), n_of_each))
    said = meant.copy()
    unclear = rng.random(len(meant)) < 0.15
    said[unclear] = rng.choice([0, 1, 1, 3, 7], unclear.sum())
    said[meant == 8] = rng.choice([1, 3], np.sum(meant == 8))
    return meant, said


@check_of(
    "pillars/4_writing.py",
    usual_causes="`meant == digit` is a mask: True for the images of this digit. In "
    "square brackets behind an array of the same length, it keeps those.",
)
def test_4_writing(exercise):
    def shares_of(meant, said):
        shares = exercise.how_well_read(meant.copy(), said.copy())
        check_returned(shares, "how_well_read")
        digits = sorted(set(meant))
        check(
            isinstance(shares, pd.Series) and list(shares.index) == digits,
            f"Expected a Series with the index {[int(digit) for digit in digits]}, the "
            f"digits that were meant; got {shorten(repr(shares))}.",
        )
        without = [str(digit) for digit in digits if np.isnan(shares[digit])]
        check(
            not without,
            f"Your share of the {first_five(without)} is NaN. Which images are in its "
            "mean? Precision has none where a digit is never said; but each of these "
            "digits was meant at least once.",
        )
        return shares

    meant, said = make_answers(200, 71)
    shares = shares_of(meant, said)
    check(
        shares.nunique() > 1,
        f"Every digit gets the same share, {shares.iloc[0]:.3f}. An accuracy of all "
        "images hides which digit is read badly: take the images of one digit only.",
    )
    check(
        shares.between(0, 1).all(),
        f"Your share of the {shares.idxmax()} is {shares.max():.3g}, and a share is "
        "from 0 to 1. Is it a count? Divide by the number of images of the digit.",
    )
    check(
        shares[8] < 0.5,
        f"This machine never says 8, but its 8 gets {shares[8]:.2f} from you. Nine of "
        "ten images are no 8, and on those whoever never says 8 is right. They say "
        "nothing of how an 8 is read.",
    )
    check(
        shares[8] == 0,
        f"No 8 is read as an 8 here, but its 8 gets {shares[8]:.2f} from you. Only "
        "the images that are an 8 count, and only if the answer is 8.",
    )

    repeat = np.where(np.isin(meant, [3, 5]), 10, 1)
    repeated = shares_of(np.repeat(meant, repeat), np.repeat(said, repeat))
    moved = (repeated - shares).abs()
    most = moved.idxmax()
    check(
        moved.max() < 1e-9,
        "We gave the machine each 3 and each 5 ten times, and it answered as before. "
        f"But your share of the {most} went from {shares[most]:.2f} to "
        f"{repeated[most]:.2f}. How well a digit is read must not depend "
        "on how often it, or another, is written. Did you divide by the images that "
        "are *read* as the digit (that is precision), or by all images?",
    )

    expected = pd.Series(said == meant).groupby(meant).mean()
    off = (shares - expected).abs()
    digit = off.idxmax()
    check(
        off.max() < 1e-9,
        f"Of the images of the {digit}, the share {expected[digit]:.3f} is read as a "
        f"{digit}, and you return {shares[digit]:.3f}. Is it the share that is read "
        "wrong, or is it rounded?",
    )
    few = np.isin(meant, [2, 7])
    shares_of(meant[few], said[few])

    as_detector = np.mean((meant == 8) == (said == 8))
    print(
        f"Measured: of a machine that never says 8, you return {shares[8]:.2f} for the "
        f'8. The accuracy of "is it an 8?" is {as_detector:.2f}.'
    )
