# %% [markdown]
# # 4 Factors: how does a model learn a taste?
#
# **You know**: ridge finds the weights of a linear model, and its penalty keeps them
# small; averages of users and of movies predict stars. **You will see**: how a few
# numbers describe a taste, and how a short loop finds them; how well the learned tastes
# agree with the true ones; and how `MovieRanker` chooses what to recommend.
# **Minutes**: 35.
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

from lesson_code import (
    MatrixFactorization,
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    ranking_metrics,
)

titles = ["Alien", "Heat", "Titanic", "Casablanca", "Up"]
GAP = np.nan
stars = pd.DataFrame(
    {
        "Ann": [5, GAP, 2, GAP, 2],
        "Bob": [5, 5, GAP, 2, 2],
        "Cleo": [1, 2, 4, 5, GAP],
        "Dan": [GAP, 2, 4, 4, 4],
        "Eve": [4, 4, 4, 4, GAP],
        "Finn": [3, 2, 2, GAP, GAP],
    },
    index=titles,
).T
above_3 = stars - 3
print("Stars minus 3")
print(above_3.to_string(na_rep="-", float_format="%+.0f"))

# %% [markdown]
# Ann has not seen Heat or Casablanca. Which of them would she like?
#
# ## A taste in two numbers
# Imagine that somebody who knows these movies writes down two numbers for each: how
# thrilling it is, and how romantic. And imagine that we know Ann's taste, as two
# numbers, too: how much she loves thrills, and how much she loves romance. Then we
# multiply Ann's numbers by the movie's, one by one, and add up.
#
# **Guess first:** how many stars does that give for Ann and Alien, and for Ann and
# Heat?

# %%
by_hand = pd.DataFrame(
    {"thrill": [1.0, 1.0, 0.0, -0.5, -0.5], "romance": [-0.5, 0.2, 1.0, 1.0, 0.5]},
    index=titles,
)
ann = pd.Series({"thrill": 1.5, "romance": -1.0})
products = by_hand * ann
products["sum"] = products.sum(axis=1)
products["stars"] = products["sum"] + 3
print("\nThe movies' numbers, written by hand")
print(by_hand.to_string())
print("\nThe same, multiplied by Ann's numbers (thrill 1.5, romance -1.0), and the sum")
print(products.to_string(float_format="%.2f"))

# %% [markdown]
# Alien is thrilling, which Ann loves: 1.5 times 1.0. It is not romantic, and she does
# not like romance: -1.0 times -0.5, which adds 0.5. The sum is 2.0, so the answer is 5
# stars, as she gave. For Heat we get 4.3 stars. Casablanca is romantic and not
# thrilling: 1.25 stars.
#
# Such numbers are called *factors*. That is the whole idea. What is missing is a way to
# find them.
#
# ## The users' numbers, if the movies' are known
# Now we have only the movies' numbers and Ann's ratings. Her two numbers are the
# weights of a linear model: each movie that she has rated is a row, the movie's numbers
# are the features, and the stars are the target. Three rows are few for two weights, so
# we use ridge: its penalty keeps the numbers small. (Without an intercept, because 0 is
# the middle of the scale.)
#
# Without an intercept, ridge is one line of NumPy. It gives the same numbers. From here
# on we use that line, because we need it often, and it is faster.

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
# Ridge finds the direction that we have imagined: Ann loves thrills, and does not love
# romance. Its numbers are smaller than ours: that is the penalty.
#
# ## Nobody writes numbers: alternating least squares
# Five movies can be described by hand, but not fifty thousand. But if the users'
# numbers are known, the movies' numbers are found in the same way: each user who has
# rated a movie is a row. So we begin with random numbers for the movies, find the
# users', then the movies' again, and so on. Both sides are least squares with a
# penalty, in turn: *alternating least squares*, or *ALS*.


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


def learn_factors(ratings, n_factors, penalty, seed=0):
    """Return the numbers of users and movies, and the RMSE after each of ten rounds."""
    movies = np.random.default_rng(seed).normal(size=(ratings.shape[1], n_factors))
    errors = []
    for _ in range(10):
        users = fit_side(ratings, movies, penalty)
        movies = fit_side(ratings.T, users, penalty)
        left_over = ratings - users @ movies.T  # NaN in the gaps
        errors.append(np.sqrt(np.nanmean(left_over**2)))
    return users, movies, errors


ratings = above_3.to_numpy()  # (6 users, 5 movies)
users, movies, errors = learn_factors(ratings, 2, PENALTY)
by_round = pd.Series(errors, index=pd.RangeIndex(1, 11, name="round"))
print("\nRMSE on the known ratings, in stars")
print(by_round.to_string(float_format="%.3f"))

# %% [markdown]
# `users @ movies.T` multiplies and adds up for every user and every movie at once. The
# error falls quickly at first, then hardly at all. Now the sums also fill the gaps.

# %%
answers = pd.DataFrame(users @ movies.T, stars.index, titles) + 3
marks = pd.DataFrame(np.where(stars.isna(), "*", " "), stars.index, titles)
filled = answers.round(1).astype(str) + marks
print("\nStars by the learned numbers (*: a gap)")
print(filled.to_string())

other_users, other_movies, _ = learn_factors(ratings, 2, PENALTY, seed=1)
numbers = {
    "from this start": pd.DataFrame(movies, titles, ["first", "second"]),
    "from another": pd.DataFrame(other_movies, titles, ["first", "second"]),
}
print("\nThe movies' numbers, from two random starts")
print(pd.concat(numbers, axis=1).to_string(float_format="%.2f"))
difference = np.abs(other_users @ other_movies.T - users @ movies.T).max()
print(f"Largest difference of the sums: {difference:.3f} stars")

# %% [markdown]
# The model says that Ann would like Heat, and not Casablanca. That is what the numbers
# written by hand said, too, but this model was not told what a movie is about.
#
# The learned numbers have no names. Another random start gave other numbers, but the
# same sums to a few thousandths of a star. (A slow start may need more than ten rounds
# to get there.) Such factors are called *latent*, which means hidden: no column of the
# table holds them.
#
# With two numbers each, we can draw users and movies as points. If a user and a movie
# lie in the same direction from the middle, their sum is high; in opposite directions,
# it is below 0.

# %%
title = "The model puts users near the movies that they like"
figure, axes = drawing.new_picture(title, height=4.6)
if figure is not None:
    axes.axhline(0, color="#CFCFCF", linewidth=1)
    axes.axvline(0, color="#CFCFCF", linewidth=1)
    for points, names, color, marker in (
        (movies, titles, drawing.BLUE, "s"),
        (users, stars.index, drawing.ORANGE, "o"),
    ):
        axes.plot(*points.T, marker, color=color, markersize=9)
        for (x, y), name in zip(points, names):
            axes.annotate(
                name,
                (x, y),
                (8, 0),
                textcoords="offset points",
                va="center",
                color=color,
            )
    axes.set(xlabel="first number", ylabel="second number", aspect="equal")
    axes.set(xlim=(-1.2, 2.1), ylim=(-1.1, 1.5))
    drawing.save_picture(figure, "4_factors.svg")

# %% [markdown]
# ## From 22 ratings to 50,000
# Ann and Bob are near Alien, Cleo and Dan near Casablanca and Up. Eve, who has given 4
# stars to all that she has seen, is between the two groups. Finn, who has liked none of
# them, is far from all.
#
# But a table of five movies proves nothing. Now we take the lesson's table, whose *law*
# we know: the formula that made its ratings. A fifth of the rows is held out: the test
# rows.
#
# A rating is more than taste: some users are generous, and some movies are good for
# everybody. So the averages of users and of movies come first. (They are the ridge of
# `pillars/0_first.py`.) ALS learns from what they leave over, eight numbers for each
# user and each movie. (The eight is not tuned.)
#
# The penalty does matter. We choose it inside the training rows: a fifth of them is
# kept for the choice, and the test rows take no part in it.
#
# **Guess first:** with a weak penalty, is ALS better than the averages, or worse?


# %%
def fit_averages(rows):
    """Return a model that adds a number for the user and one for the movie."""
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge(alpha=3))
    return model.fit(rows[["user_id", "movie_id"]], rows["rating"])


def learn_tastes(rows, averages, penalty):
    """Return the tastes of all users for all movies, in stars, by ten rounds of ALS."""
    left = rows["rating"] - averages.predict(rows[["user_id", "movie_id"]])
    ratings = np.full((1000, 500), np.nan)  # users and movies, whose ids count from 1
    ratings[rows["user_id"] - 1, rows["movie_id"] - 1] = left
    users, movies, _ = learn_factors(ratings, 8, penalty)
    return users @ movies.T


def predict(rows, averages, tastes):
    """Return the averages plus the tastes, kept to the scale from 1 to 5 stars."""
    taste = tastes[rows["user_id"] - 1, rows["movie_id"] - 1]
    return np.clip(averages.predict(rows[["user_id", "movie_id"]]) + taste, 1, 5)


def rmse(rows, prediction):
    """Return the typical error of predictions, in stars."""
    return root_mean_squared_error(rows["rating"], prediction)


dataset = MovieRecommendationDataset()
table = dataset.generate()
train, test = train_test_split(table, test_size=0.2, random_state=42)
learn_rows, choice_rows = train_test_split(train, test_size=0.2, random_state=0)

averages = fit_averages(learn_rows)
tastes_by_penalty = {"averages alone": np.zeros((1000, 500))}
for penalty in (1, 3, 10, 15, 20):
    tastes_by_penalty[penalty] = learn_tastes(learn_rows, averages, penalty)

rows = {}
for name, tastes in tastes_by_penalty.items():
    rows[name] = {
        "learned from": rmse(learn_rows, predict(learn_rows, averages, tastes)),
        "kept for the choice": rmse(
            choice_rows, predict(choice_rows, averages, tastes)
        ),
    }
trials = pd.DataFrame(rows).T
print("\nRMSE in stars, by the penalty of ALS")
print(trials.to_string(float_format="%.3f"))

# %% [markdown]
# With a weak penalty, ALS is much better than the averages on the rows that it has
# learned from, and much worse on others. It has learned the noise of each rating. With
# a strong penalty, the learned tastes are nearly 0, and the averages remain. The best
# of the five is in between, and only a little better than the averages. With that one,
# we learn from all training rows.
#
# ## How near is it to the true taste?
# The lesson's own `MatrixFactorization` (`recommender/factors.py`) has the same idea,
# but it fits one factor after the other (*CCD++*), and it learns the averages and the
# factors together (it calls the averages *biases*). It gives less weight to users whose
# ratings scatter widely, and it knows that its own numbers are uncertain. It also reads
# more than stars: if a movie has few ratings, its numbers are drawn to those of other
# movies of its genres and year; and who rated which movies counts, too. Its settings
# are those of the lesson. We also fit it on stars alone.
#
# The law gives us what no real table can: the true taste of each row, in the attribute
# `true_taste_`. The learned taste is what a prediction adds to the averages. We print
# its *correlation* with the true one, which is 0 if the two have nothing in common. It
# cannot quite reach 1, because the averages already hold a part of the taste, and
# ratings end at 1 and 5 stars. So we also print it for the law's own prediction, the
# best possible one. Then we do the same with 200,000 ratings, for the same number of
# users and movies. (The penalty was chosen for 50,000 ratings, and is used for both.)
#
# **Guess first:** is the learned taste close to the true one?


# %%
def compare(dataset, penalty):
    """Return the test error of each model, and how well its taste is the true one."""
    table = dataset.generate()
    train, test = train_test_split(table, test_size=0.2, random_state=42)
    averages = fit_averages(train)
    tastes = learn_tastes(train, averages, penalty)
    stars_alone = MatrixFactorization(content=False, n_patterns=0)
    answers = {
        "mean": DummyRegressor().fit(train, train["rating"]).predict(test),
        "averages": predict(test, averages, np.zeros_like(tastes)),
        "our ALS": predict(test, averages, tastes),
        "MatrixFactorization, stars alone": stars_alone.fit(train).predict(test),
        "MatrixFactorization": MatrixFactorization().fit(train).predict(test),
        "the law": dataset.true_expected_[test.index],
    }
    rows = {}
    for name, answer in answers.items():
        rows[name] = {"RMSE": rmse(test, answer)}
        if name not in ("mean", "averages"):  # these two have no taste
            taste = answer - answers["averages"]
            true_taste = dataset.true_taste_[test.index]
            rows[name]["correlation"] = np.corrcoef(taste, true_taste)[0, 1]
    return pd.DataFrame(rows).T


chosen = trials.drop("averages alone")["kept for the choice"].idxmin()
by_size = {}
for n_ratings in (50_000, 200_000):
    dataset = MovieRecommendationDataset(n_ratings=n_ratings)
    by_size[f"{n_ratings} ratings"] = compare(dataset, chosen)
print(f"\nRMSE on test rows, correlation with the true taste (ALS: penalty {chosen})")
print(pd.concat(by_size, axis=1).to_string(float_format="%.3f", na_rep="-"))

# %% [markdown]
# With 50,000 ratings, ALS has 40 training ratings of an average user, and must find
# eight numbers from them. What it learns agrees only weakly with the true taste, and
# the error falls only a little. With four times the ratings, the same lines of code
# come much nearer: the idea was right, but the ratings were few.
#
# `MatrixFactorization` makes more of few ratings, even from stars alone; genres and who
# rated what help it further. With many ratings, that help is small. But not even this
# model gets to the error of the law: its noise floor, on these rows.
#
# ## What to recommend is another question
# Factors answer how many stars a user *would* give. But a movie that a user would rate
# highly is not always one that the user would choose to watch. So the lesson recommends
# by another model, `MovieRanker`. It learns from who likes what together.
#
# We go back to the small table, and make a *matrix of likes* of it. A rating above 2.2
# stars speaks for a movie, and one below speaks against it. (`MovieRanker` has a
# similar rule.) A gap is 0. In ALS that would be wrong, because there we predict stars.
# Here the 0 means that the user has not chosen this movie.
#
# For each movie, a ridge regression predicts its column from the columns of the other
# movies. (The method is called *EASE*.) Here is the one for Heat.

# %%
NEUTRAL = 2.2
PENALTY_OF_LIKES = 4.0
likes = (stars - NEUTRAL).fillna(0)

others = [title for title in titles if title != "Heat"]
ridge = Ridge(alpha=PENALTY_OF_LIKES, fit_intercept=False)
ridge.fit(likes[others], likes["Heat"])

inverse = np.linalg.inv(likes.T @ likes + PENALTY_OF_LIKES * np.eye(5))
weights = pd.DataFrame(-inverse / np.diag(inverse), titles, titles)
both = {"by Ridge": ridge.coef_, "by the inverse": weights.loc[others, "Heat"]}
print("\nThe weights of the other movies in the regression for Heat")
print(pd.DataFrame(both, others).to_string(float_format="%+.3f"))

# %% [markdown]
# Who likes Alien probably likes Heat, too: the weight is above 0. The second column is
# the same. It comes from one matrix, whose columns hold the weights of all five
# regressions at once. You may take this as a fast recipe, which the table shows to be
# right. With thousands of movies, it is much faster than a `Ridge` for each. (The
# docstring of `MovieRanker` in `recommender/ranking.py` names the paper that derives
# it.)
#
# A user's likes, times the weights for a movie, say how well the movie fits. On the
# diagonal of the matrix stands -1, so `likes + likes @ weights` leaves out the like of
# the movie itself.
#
# **Guess first:** which movie is recommended to Ann, and which of her ratings speaks
# for it?

# %%
fit = likes + likes @ weights  # (6 users, 5 movies)
parts = {}
for title in ("Heat", "Casablanca"):
    part = pd.DataFrame({"like": likes.loc["Ann"], "weight": weights[title]}, titles)
    part["product"] = part["like"] * part["weight"]
    parts[title] = part[rated_by_ann]
print("\nAnn's likes, times the weights of the regressions for two movies")
print(pd.concat(parts, axis=1).to_string(float_format="%+.2f"))
print("\nHow well these two movies fit Ann: the sums of the products")
print(fit.loc["Ann", list(parts)].to_string(float_format="%+.2f"))

# %% [markdown]
# Heat fits best, so it is recommended. Nearly all of its sum comes from one rating: Ann
# likes Alien, and the weight of Alien for Heat is high, because those who like the one
# like the other. The method `recommend(..., explain=True)` names such movies.
#
# Which way to recommend is best? Back to the table of 50,000 ratings. We recommend ten
# movies to each user, and check which of them the user liked (4 stars or more) in the
# test rows. *NDCG@10* counts these, and the first places count more; 1 is the best.
# EASE gets the penalty of `MovieRanker`, which measures likes in another unit, so we
# convert it.
#
# **Guess first:** what is better, ten movies that most people watch, or the ten with
# the highest predicted stars?

# %%
recommender = SklearnEcosystemPipeline(model="factors").fit(train)
ways = {
    "chance": "chance",
    "most stars, as predicted": "rating",
    "most ratings": "popularity",
    "MovieRanker": "taste",
}
scores = {}
for name, way in ways.items():
    scores[name] = recommender.evaluate_ranking(test, by=way)["NDCG@10"]

likes = np.zeros((1000, 500))
likes[train["user_id"] - 1, train["movie_id"] - 1] = train["rating"] - NEUTRAL
ranker = recommender.ranker_
penalty = ranker.penalty_ * ranker.unit_**2  # in the unit of `likes`
inverse = np.linalg.inv(likes.T @ likes + penalty * np.eye(500))
fit = likes + likes @ (-inverse / np.diag(inverse))

fit[train["user_id"] - 1, train["movie_id"] - 1] = -np.inf  # not what was rated
best = np.argsort(-fit, axis=1)[:, :10]  # (1000 users, 10 movies)
recommended = pd.DataFrame(
    {
        "user_id": np.repeat(np.arange(1, 1001), 10),
        "rank": np.tile(np.arange(1, 11), 1000),
        "movie_id": best.ravel() + 1,
    }
)
scores["EASE"] = ranking_metrics(recommended, test)["NDCG@10"]
print(f"\nNDCG@10 on the test rows (EASE: penalty {penalty:.0f})")
print(pd.Series(scores).sort_values().to_string(float_format="%.3f"))

# %% [markdown]
# The movies that most people have rated are a better choice than those with the highest
# predicted stars. That looks strange, but NDCG counts only what the user did watch and
# rate, and people watch what is popular. (`pillars/6_utilities.py` asks whether NDCG is
# the right question.) EASE is better than both: its matrix holds who likes what
# together, and, by its zeros, what is seldom chosen.
#
# `MovieRanker` is EASE with some additions. It adds a little of the predicted stars.
# Popular movies and users with many ratings count a little less. And movies of the same
# genre or decade count as alike. Its docstring has the whole formula. Here it is a
# little ahead of EASE; on other tables of this kind, it is not always.
#
# **Try it:** give EASE a penalty of 1000. What is left of the lead of `MovieRanker`?
#
# **Remember:** a taste is a few numbers for the user, to multiply by the movie's; each
# side is a ridge regression on the other, in turn.
#
# Go on in scikit-learn's user guide:
# [Ridge regression](https://scikit-learn.org/stable/modules/linear_model.html#ridge-regression-and-classification),
# and [matrix factorization](https://scikit-learn.org/stable/modules/decomposition.html)
# of tables without gaps.
#
# The same code on real ratings: `docs/real.md` recommends movies that you may know.
#
# Exercise: `exercises/4_factors.py`.
