# %% [markdown]
# # 4 Taste: how do you learn a taste from ratings?
#
# **You know**: ridge finds the weights of a linear model, and its penalty keeps them
# small; averages of users and of movies predict stars. **You will see**: how a few
# numbers describe a taste; how a short loop finds them; and how well the learned tastes
# agree with the true ones. **Minutes**: 40.
#
# ## A small table
# Six users have rated five movies, with gaps. We subtract 3, the middle of the scale:
# above 0 is a good rating, and below 0 a bad one.

# %%
import drawing
import numpy as np
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from small_table import TITLES, small_table

from lesson_code import MatrixFactorization, MovieRecommendationDataset

stars = small_table()
above_3 = stars - 3
print("Stars minus 3")
print(above_3.to_string(na_rep="-", float_format="%+.0f"))

# %% [markdown]
# Ann has not seen Heat or Casablanca. Which of them would she like?
#
# ## A taste in two numbers
# Imagine that somebody who knows these movies writes down two numbers for each: how
# thrilling it is, and how romantic.

# %%
by_hand = pd.DataFrame(
    {"thrill": [1.0, 1.0, 0.0, -0.5, -0.5], "romance": [-0.5, 0.2, 1.0, 1.0, 0.5]},
    index=TITLES,
)
print("\nThe movies' numbers, written by hand")
print(by_hand.to_string())

# %% [markdown]
# Ann's taste is two numbers, too: 1.5 for thrills, which she loves, and -1.0 for
# romance, which she does not like. We multiply her numbers by the movie's, one by one,
# and add up. For Alien, that is 1.5 times 1.0, plus -1.0 times -0.5. The sum is 2.0,
# and 2.0 above the middle of the scale are 5 stars, as she gave.
#
# **Guess first:** how many stars does that give for Ann and Heat?
#
# - 1.3 stars
# - 4.3 stars
# - 4.7 stars

# %%
ann = pd.Series({"thrill": 1.5, "romance": -1.0})
products = by_hand * ann
products["sum"] = products.sum(axis=1)
products["stars"] = products["sum"] + 3
print("\nThe movies' numbers, multiplied by Ann's, and the sum")
print(products.to_string(float_format="%.2f"))

# %% [markdown]
# **4.3 stars.** Heat is thrilling: 1.5 times 1.0. It is a little romantic, too, which
# Ann does not like: -1.0 times 0.2. The sum is 1.3, and we add the 3.
#
# ## The users' numbers, if the movies' are known
# Such numbers are called *factors*. But who tells us Ann's? Her ratings do. Her two
# numbers are the weights of a linear model: each movie that she has rated is a row, the
# movie's numbers are the features, and the stars are the target. Three rows are few for
# two weights, so we use ridge: its penalty keeps the numbers small. There is no
# intercept, because 0 is the middle of the scale.
#
# Ridge looks for the weights with the smallest sum of squared errors, plus the penalty.
# For two weights, that comes down to two linear equations with two unknowns, and
# `np.linalg.solve` solves them in one line. The output shows that it gives the same.
# From here on we use that line: it is faster, and we need it often.

# %%
PENALTY = 0.5
rated_by_ann = above_3.loc["Ann"].notna()
X = by_hand[rated_by_ann].to_numpy()  # (3 movies, 2 numbers)
y = above_3.loc["Ann"][rated_by_ann].to_numpy()

ridge = Ridge(alpha=PENALTY, fit_intercept=False).fit(X, y)
one_line = np.linalg.solve(X.T @ X + PENALTY * np.eye(2), X.T @ y)
print("\nAnn's numbers, learned from her three ratings")
print("Ridge:   ", ridge.coef_.round(3))
print("one line:", one_line.round(3))

# %% [markdown]
# Both find what we have imagined: Ann loves thrills, and does not love romance. The
# numbers are smaller than ours: that is mostly the penalty.
#
# ## Nobody writes numbers: alternating least squares
# Nobody can describe fifty thousand movies by hand. But if the users' numbers are
# known, the movies' are found in the same way: each user who has rated a movie is a
# row. So we begin with random numbers for the movies, find the users', then the movies'
# again, and so on. Both sides are least squares with a penalty, in turn: *alternating
# least squares*, or *ALS*.
#
# `fit_side` finds the numbers of one side, users or movies. `learn_factors` calls it
# for both sides, round after round. Then `users @ movies.T` multiplies and adds up for
# every user and every movie at once: a table with a row for each user.


# %%
def fit_side(ratings, other_side, penalty):
    """Return numbers for each row of ratings: a ridge regression on the other side."""
    n_factors = other_side.shape[1]
    side = np.zeros((len(ratings), n_factors))
    for row, ratings_of_row in enumerate(ratings):
        rated = ~np.isnan(ratings_of_row)  # a gap says nothing
        X = other_side[rated]
        y = ratings_of_row[rated]
        side[row] = np.linalg.solve(X.T @ X + penalty * np.eye(n_factors), X.T @ y)
    return side


def learn_factors(ratings, n_factors, penalty, n_rounds=10, seed=0):
    """Return the numbers of users and of movies."""
    movies = np.random.default_rng(seed).normal(size=(ratings.shape[1], n_factors))
    for _ in range(n_rounds):
        users = fit_side(ratings, movies, penalty)
        movies = fit_side(ratings.T, users, penalty)
    return users, movies


ratings = above_3.to_numpy()  # (6 users, 5 movies)
print("\nTypical error on the known ratings (RMSE)")
for n_rounds in (1, 2, 5, 10):
    users, movies = learn_factors(ratings, 2, PENALTY, n_rounds)
    left_over = ratings - users @ movies.T  # NaN in the gaps
    error = np.sqrt(np.nanmean(left_over**2))  # without the gaps
    print(f"rounds: {n_rounds:2}   error: {error:.3f} stars")

# %% [markdown]
# The error falls quickly at first, then hardly at all.
#
# The sums also fill the gaps. But nobody has told this model what a movie is about.
# Does it agree with the numbers written by hand, in what Ann would like?

# %%
answers = pd.DataFrame(users @ movies.T, stars.index, TITLES) + 3
marks = pd.DataFrame(np.where(stars.isna(), "*", " "), stars.index, TITLES)
filled = answers.round(1).astype(str) + marks
print("\nStars by the learned numbers (*: a gap)")
print(filled.to_string())

# %% [markdown]
# It does: for Ann, Heat gets 4.1 stars, and Casablanca 1.7. But this model has found it
# in the ratings alone: Bob agrees with Ann about Alien and Up, and he likes Heat.
#
# What if the loop begins with other random numbers?
#
# **Guess first:** what does another random start give?
#
# - the same numbers
# - other numbers, but the same stars
# - other numbers and other stars

# %%
other_users, other_movies = learn_factors(ratings, 2, PENALTY, seed=1)
numbers = {
    "from this start": pd.DataFrame(movies, TITLES, ["first", "second"]),
    "from another": pd.DataFrame(other_movies, TITLES, ["first", "second"]),
}
print("\nThe movies' numbers, from two random starts")
print(pd.concat(numbers, axis=1).to_string(float_format="%.2f"))
difference = np.abs(other_users @ other_movies.T - users @ movies.T).max()
print(f"Largest difference of the sums: {difference:.3f} stars")

# %% [markdown]
# **Other numbers, but the same stars.** The sums agree to a few thousandths of a star.
# So the learned numbers have no names, such as "thrill". They are called *latent*
# factors, which means hidden.
#
# With two numbers each, users and movies are points. What counts is their direction
# from the middle: if a user and a movie lie in the same direction, their sum is high;
# in opposite directions, it is below 0. The farther out they are, the stronger that is.

# %%
title = "Users lie in the direction of the movies that they like"
figure, axes = drawing.new_picture(title, height=4.6)
if figure is not None:
    axes.axhline(0, color="#CFCFCF", linewidth=1)
    axes.axvline(0, color="#CFCFCF", linewidth=1)
    for points, names, color, marker in (
        (movies, TITLES, drawing.BLUE, "s"),
        (users, stars.index, drawing.ORANGE, "o"),
    ):
        axes.plot(*points.T, marker, color=color, markersize=9)
        for (x, y), name in zip(points, names):
            axes.plot([0, x], [0, y], color=color, linewidth=1, alpha=0.5)
            side = 1 if x > 0 else -1  # right or left: away from the line
            axes.annotate(
                name,
                (x, y),
                (8 * side, 0),
                textcoords="offset points",
                ha="left" if x > 0 else "right",
                va="center",
                color=color,
            )
    axes.set(xlabel="first number", ylabel="second number", aspect="equal")
    axes.set(xlim=(-1.5, 2.0), ylim=(-1.1, 1.5))
    drawing.save_picture(figure, "4_taste.svg")

# %% [markdown]
# Seen from the middle, Ann and Bob lie in the direction of Alien, Cleo and Dan in that
# of Casablanca and Up. Eve, who has given 4 stars to all that she has seen, looks
# between the two groups. Finn, who has liked none of them, looks away from all.
#
# <!-- play: taste -->
#
# ## From 22 ratings to 50,000
# But a table of five movies proves nothing. Now we take the course's table of
# `MovieRecommendationDataset`, whose *law* we know: the formula that made its ratings.
# A fifth of the rows is held out: the test rows. Of the others, the training rows, we
# keep a fifth to choose the penalty.
#
# A rating is more than taste: some users are generous, and some movies are good for
# everybody. So the averages come first: one number for each user and one for each
# movie, by ridge, as in `pillars/0_first.py`.

# %%
IDS = ["user_id", "movie_id"]


def fit_averages(rows):
    """Return a model that adds a number for the user and one for the movie."""
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge(alpha=3))
    return model.fit(rows[IDS], rows["rating"])


def rmse(rows, prediction):
    """Return the typical error of predictions, in stars."""
    return root_mean_squared_error(rows["rating"], prediction)


table = MovieRecommendationDataset().generate()
train, test = train_test_split(table, test_size=0.2, random_state=42)
learn_rows, choice_rows = train_test_split(train, test_size=0.2, random_state=0)

mean = DummyRegressor().fit(learn_rows[IDS], learn_rows["rating"])
averages = fit_averages(learn_rows)
print("\nRMSE in stars")
for name, model in {"mean": mean, "averages": averages}.items():
    of_learned = rmse(learn_rows, model.predict(learn_rows[IDS]))
    of_others = rmse(choice_rows, model.predict(choice_rows[IDS]))
    print(f"{name:8}  rows learned from: {of_learned:.3f}  other rows: {of_others:.3f}")

# %% [markdown]
# What the averages leave over, the rating minus their prediction, holds the taste and
# noise. `learn_tastes` gives that to ALS, which finds eight numbers for each user and
# each movie. `predict` adds the averages and the taste.


# %%
def learn_tastes(rows, averages, penalty):
    """Return the tastes of all users for all movies, in stars."""
    left_over = rows[IDS].assign(stars=rows["rating"] - averages.predict(rows[IDS]))
    matrix = left_over.pivot(index="user_id", columns="movie_id", values="stars")
    matrix = matrix.reindex(index=range(1, 1001), columns=range(1, 501))
    users, movies = learn_factors(matrix.to_numpy(), 8, penalty)
    return users @ movies.T


def predict(rows, averages, tastes):
    """Return the averages plus the tastes, kept to the scale from 1 to 5 stars."""
    taste = tastes[rows["user_id"] - 1, rows["movie_id"] - 1]  # ids begin at 1
    return np.clip(averages.predict(rows[IDS]) + taste, 1, 5)


# %% [markdown]
# Only the penalty is left to choose. We try four, from weak to strong.
#
# **Guess first:** with the best of the four, by how much does ALS lower the error of
# the averages, on rows that it has not seen?
#
# - by about a tenth of a star
# - by a few hundredths
# - by less than a hundredth

# %%
rows = {}
for penalty in (1, 10, 15, 20):
    tastes = learn_tastes(learn_rows, averages, penalty)
    rows[penalty] = {
        "rows learned from": rmse(learn_rows, predict(learn_rows, averages, tastes)),
        "other rows": rmse(choice_rows, predict(choice_rows, averages, tastes)),
    }
trials = pd.DataFrame(rows).T
print("\nRMSE in stars, by the penalty of ALS")
print(trials.to_string(float_format="%.3f"))

# %% [markdown]
# **By less than a hundredth.** The best of the four, 15, has an error of 0.848, and the
# averages have 0.851. With a penalty of 1, ALS is much better on the rows that it has
# learned from, but it has learned their noise: on other rows it is worse than the
# averages. With 20, the tastes are nearly 0, and the averages remain. We keep 15. Has
# it learned any taste?
#
# ## How near is it to the true taste?
# The law gives us what no real table can: the true taste of each row, in the attribute
# `true_taste_`. The learned taste is what a prediction adds to the averages. We print
# its *correlation* with the true one: 0 if the two have nothing in common, 1 if they
# rise and fall together. `compare` measures three models:
#
# - our ALS
# - `MatrixFactorization` of `lesson_code.py`, the course's own (scikit-learn has no
#   such model for tables with gaps), which reads more than stars. Genres and years tell
#   it what movies have in common, and which movies a user chose to rate tells it about
#   the taste, too. So it needs fewer ratings.
# - the law's prediction, the best possible one


# %%
def compare(n_ratings, penalty):
    """Return the models' test errors, and how well their tastes fit the true ones."""
    dataset = MovieRecommendationDataset(n_ratings=n_ratings)
    table = dataset.generate()
    train, test = train_test_split(table, test_size=0.2, random_state=42)
    averages = fit_averages(train)
    tastes = learn_tastes(train, averages, penalty)

    without_taste = predict(test, averages, np.zeros((1000, 500)))
    true_taste = dataset.true_taste_[test.index]
    learned = MatrixFactorization().fit(train)
    answers = {
        "our ALS": predict(test, averages, tastes),
        "MatrixFactorization": learned.predict(test),
        "the law": dataset.true_expected_[test.index],
    }
    rows = {"averages": {"RMSE": rmse(test, without_taste)}}
    for name, answer in answers.items():
        rows[name] = {
            "RMSE": rmse(test, answer),
            "correlation": np.corrcoef(answer - without_taste, true_taste)[0, 1],
        }
    return pd.DataFrame(rows).T


# %% [markdown]
# **Guess first:** our ALS learns from 40,000 ratings. How high is the correlation of
# its taste with the true one?
#
# - below 0.5
# - between 0.5 and 0.8
# - above 0.8

# %%
few = compare(n_ratings=50_000, penalty=15)
print("\n50,000 ratings: RMSE on test rows, correlation with the true taste")
print(few.to_string(float_format="%.3f", na_rep="-"))

# %% [markdown]
# **Below 0.5.** An average user has 40 training ratings, and ALS must find eight
# numbers from them. What it learns agrees only weakly with the true taste, and the
# error falls only a little. `MatrixFactorization` makes more of few ratings.
#
# Even the law's correlation is below 1. We measure what a prediction adds to the
# averages, and that is not the taste alone: the averages hold a part of the taste
# already, and have errors of their own. And no prediction goes beyond 1 and 5 stars.
#
# What do more ratings bring? We give the same users and movies 200,000 ratings, four
# times as many. All the rest stays, the penalty too.
#
# **Guess first:** which model gains most by that?
#
# - our ALS
# - `MatrixFactorization`
# - both gain the same

# %%
many = compare(n_ratings=200_000, penalty=15)
print("\n200,000 ratings: RMSE on test rows, correlation with the true taste")
print(many.to_string(float_format="%.3f", na_rep="-"))

# %% [markdown]
# **Our ALS.** The same lines of code come much nearer to the true taste: the idea was
# right, but the ratings were few. The lead of `MatrixFactorization` is smaller now. But
# not even this model gets to the error of the law: its noise floor, on these rows.
#
# **Try it:** let `MatrixFactorization` read stars alone, by
# `MatrixFactorization(content=False, n_patterns=0)`. What is left of its lead over our
# ALS?
#
# **Remember:** a taste is a few numbers for the user, to multiply by the movie's; each
# side is a ridge regression on the other, in turn.
#
# Go on in scikit-learn's user guide:
# [Ridge regression](https://scikit-learn.org/stable/modules/linear_model.html#ridge-regression-and-classification),
# and [matrix factorization](https://scikit-learn.org/stable/modules/decomposition.html)
# of tables without gaps.
#
# Factors answer how many stars a user *would* give. What to recommend is another
# question: `pillars/4_top_ten.py` asks it.
#
# Exercise: `exercises/4_taste.py`.
