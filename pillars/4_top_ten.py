# %% [markdown]
# # 4 Top ten: which movies should we recommend?
#
# **You know**: a model can predict how many stars a user would give to a movie
# (`pillars/4_taste.py`), and ridge is a linear model whose penalty keeps its weights
# small. **You will see**: how a list of recommendations is scored; four ways to make
# such lists; and how a ridge regression for each movie learns what is liked together.
# **Minutes**: 25.
#
# ## How good is a list?
# A model recommends three movies to a user, in this order: Alien, Heat, Up. Later we
# learn which of them the user *liked*: rated with 4 stars or more. Say that these are
# Alien and Up.
#
# People read from the top. So a liked movie gives more points if it stands at a better
# rank: 1 / log2(rank + 1) points. The others give no points.

# %%
import drawing
import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split
from small_table import small_table

from lesson_code import (
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
)

LIKED = ["Alien", "Up"]


def points_of(movies):
    """Return a list of movies with the points of each."""
    points = pd.DataFrame({"rank": [1, 2, 3], "movie": movies})
    points["liked"] = points["movie"].isin(LIKED)
    points["points"] = points["liked"] / np.log2(points["rank"] + 1)
    return points


our_list = points_of(["Alien", "Heat", "Up"])
best_list = points_of(["Alien", "Up", "Heat"])
best = best_list["points"].sum()
print("Our list of three movies, and its points")
print(our_list.to_string(index=False, float_format="%.2f"))
print("\nThe best possible list")
print(best_list.to_string(index=False, float_format="%.2f"))
print(f"\nOur points, divided by the best: {our_list['points'].sum() / best:.2f}")

# %% [markdown]
# Our list has 1.00 + 0.50 points. The best possible list has both liked movies at the
# top: 1.00 + 0.63 points. The first sum divided by the second is the *NDCG* (normalised
# discounted cumulative gain): 0.92. So 1 is the best, and 0 means that no movie of the
# list was liked.
#
# Now we only change the order: Heat, which the user did not like, comes first.
#
# **Guess first:** what happens to the NDCG?
#
# - it stays the same: two of three movies are liked
# - it falls
# - it becomes 0

# %%
other_order = points_of(["Heat", "Alien", "Up"])
print("\nThe same movies in another order")
print(other_order.to_string(index=False, float_format="%.2f"))
print(f"NDCG: {other_order['points'].sum() / best:.2f}")

# %% [markdown]
# **It falls.** The same two movies are liked, but now none of them stands at the top,
# and the NDCG is 0.69. The first ranks count most.
#
# ## Stars, or the crowd?
# Now we take the course's table of 50,000 ratings. A fifth of them are test rows. A
# model learns from the other rows, and gives each user a score for each movie: a table
# with a row for each user, and a column for each movie. `best_ten` makes a list of the
# ten movies with the highest scores in a row. Nobody wants a movie again that he or she
# has rated already, so these get the score minus infinity, which is below all others.
#
# *NDCG@10* scores such a list: liked are the movies that the user rated with 4 stars or
# more in the test rows. (scikit-learn has the formula as `ndcg_score`.)

# %%
N_USERS = 1000
N_MOVIES = 500
users = pd.DataFrame({"user_id": np.arange(1, N_USERS + 1)})
movies = pd.DataFrame({"movie_id": np.arange(1, N_MOVIES + 1)})
table = MovieRecommendationDataset().generate()
train, test = train_test_split(table, test_size=0.2, random_state=42)


def stars_of(rows):
    """Return a table of stars: a row for each user, a column for each movie."""
    stars = rows.pivot(index="user_id", columns="movie_id", values="rating")
    return stars.reindex(index=users["user_id"], columns=movies["movie_id"])


rated = stars_of(train)  # NaN in a gap
liked = (stars_of(test) >= 4).to_numpy()  # False in a gap
POINTS = 1 / np.log2(np.arange(1, 11) + 1)  # of the ranks 1 to 10


def best_ten(scores):
    """Return the columns of each user's ten best movies that are not rated yet."""
    scores = np.where(rated.isna(), scores, -np.inf)
    best_first = np.argsort(-scores, axis=1, kind="stable")
    return best_first[:, :10]


def ndcg_by_user(lists):
    """Return the NDCG@10 of each user who liked a test movie."""
    ndcg = []
    for user in range(N_USERS):
        n_liked = liked[user].sum()
        if n_liked > 0:
            is_liked = liked[user, lists[user]]
            best = POINTS[:n_liked].sum()  # of a list that begins with the liked ones
            ndcg.append(POINTS[is_liked].sum() / best)
    return np.array(ndcg)


by_chance = np.random.default_rng(0).random((N_USERS, N_MOVIES))
scores = {"chance": ndcg_by_user(best_ten(by_chance))}
print(f"\nNDCG@10 of lists drawn at random: {scores['chance'].mean():.3f}")
print(f"(mean of the {len(scores['chance'])} users who liked a test movie)")

# %% [markdown]
# That is the dummy. There are two simple ways to do better. We may recommend to each
# user the ten movies with the most stars, as predicted by the course's
# `MatrixFactorization` (inside of `SklearnEcosystemPipeline`). Or we recommend to all
# users the ten movies with the most ratings, whatever their taste.
#
# **Guess first:** which lists have the higher NDCG@10?
#
# - most stars, as predicted
# - most ratings
# - they are about equal

# %%
pairs = users.merge(movies, how="cross")  # every user with every movie
recommender = SklearnEcosystemPipeline(model="factors").fit(train)
predicted = recommender.predict(pairs).reshape(N_USERS, N_MOVIES)
n_ratings = rated.count()  # of each movie, the same for all users

scores["most stars"] = ndcg_by_user(best_ten(predicted))
scores["most ratings"] = ndcg_by_user(best_ten(n_ratings))


def print_difference(one, other):
    """Print how far the mean NDCG of one way is ahead of that of another."""
    ahead = scores[one] - scores[other]  # user by user
    error = ahead.std() / np.sqrt(len(ahead))
    print(f"{one} - {other}: {ahead.mean():+.3f} ± {error:.3f}")


print("\nNDCG@10 on the test rows, and a difference (± standard error over users)")
for name, ndcg in scores.items():
    print(f"{name:13} {ndcg.mean():.3f}")
print_difference("most ratings", "most stars")

# %% [markdown]
# **Most ratings.** That looks strange, because the predicted stars are different for
# each user, and the crowd is the same for all. But NDCG counts only what the user did
# watch and rate, and people watch what is popular. A movie that a user would rate
# highly is not always one that the user would choose. Is NDCG the right question, then?
# `pillars/6_utilities.py` comes back to that.
#
# ## What is liked together
# So the stars alone do not say what people choose. We want a way that is personal, as
# the stars are, and that knows what is chosen, as the crowd does. Here is a small table
# of six users and five movies, with gaps.
#
# We make a *table of likes* of it. A rating above 2.2 stars speaks for a movie, and one
# below speaks against it. (Why not 3, the middle of the scale? People mostly watch what
# they expect to like, so even a middling rating says that a movie is near their taste.
# We take 2.2 from `MovieRanker`, the recommender of `lesson_code.py`.) A gap is 0: the
# user has not chosen this movie.

# %%
NEUTRAL = 2.2
stars = small_table()
likes = (stars - NEUTRAL).fillna(0)
print("\nThe stars of six users")
print(stars.to_string(na_rep="-", float_format="%.0f"))
print("\nTheir likes")
print(likes.to_string(float_format="%+.1f"))

# %% [markdown]
# For each movie, a ridge regression predicts its column from the columns of the other
# movies. This method is called *EASE*.

# %%
PENALTY = 4


def learn_weights(likes, penalty):
    """Return a table: in the column of a movie, the weights of the other movies."""
    weights = pd.DataFrame(0.0, likes.columns, likes.columns)
    for movie in likes.columns:
        others = likes.columns.drop(movie)
        ridge = Ridge(alpha=penalty, fit_intercept=False)
        weights.loc[others, movie] = ridge.fit(likes[others], likes[movie]).coef_
    return weights


weights = learn_weights(likes, PENALTY)
print("\nThe weights of the movies (rows) in the regression for each movie (columns)")
print(weights.to_string(float_format="%+.2f"))

# %% [markdown]
# Read the table by columns. No movie may explain itself, so its own weight is 0.
#
# A user's likes, times the weights for a movie, added up, say how well the movie fits.
# Ann has not seen Heat or Casablanca. Her likes are +2.8 for Alien, and -0.2 for
# Titanic and for Up. Heat turns out to fit her better.
#
# **Guess first:** which of her ratings says so?
#
# - the high one, for Alien
# - the low ones, for Titanic and Up
# - all three about equally

# %%
for title in ("Heat", "Casablanca"):
    part = pd.DataFrame({"like": likes.loc["Ann"], "weight": weights[title]})
    part["product"] = part["like"] * part["weight"]
    part = part[stars.loc["Ann"].notna()]  # a gap adds nothing
    print(f"\nHow well {title} fits Ann: {part['product'].sum():+.2f}")
    print(part.to_string(float_format="%+.2f"))

# %% [markdown]
# **The high one, for Alien.** Nearly all of Heat's sum comes from there: Ann likes it,
# and its weight for Heat is high, because those who like the one like the other. That
# is a reason we can tell her.
#
# ## How good are these lists?
# We do the same for the training rows: 500 regressions, which take some seconds. There,
# a movie has many more ratings than in the small table, so the penalty is larger, too:
# 500. The users' likes, times the weights, are scores as before, so `best_ten` makes
# the lists.
#
# We compare them with those of `MovieRanker`. It is EASE with some additions, such as a
# little of the predicted stars. (It finds all weights at once, by one inverse matrix:
# that is only faster. Its docstring in `recommender/ranking.py` names the paper.)
#
# **Guess first:** how much of the NDCG of `MovieRanker` does EASE reach?
#
# - about half
# - about three quarters
# - nearly all

# %%
likes = (rated - NEUTRAL).fillna(0)
weights = learn_weights(likes, penalty=500)
scores["EASE"] = ndcg_by_user(best_ten(likes @ weights))

recommended = recommender.ranker_.recommend(users["user_id"], n=10)
ids = recommended["movie_id"].to_numpy().reshape(N_USERS, 10)  # ten for each user
scores["MovieRanker"] = ndcg_by_user(ids - 1)  # ids begin at 1, columns at 0

print("\nNDCG@10 on the test rows, and differences (± standard error over users)")
for name, ndcg in scores.items():
    print(f"{name:13} {ndcg.mean():.3f}")
print_difference("EASE", "most ratings")
print_difference("MovieRanker", "EASE")

# %% [markdown]
# **Nearly all.** And it is clearly above most ratings: the table of likes says what is
# liked together, and, by its zeros, what is seldom chosen.
#
# `MovieRanker` is ahead of EASE by more than three standard errors. Is it better, then?
# We have tried ten other tables (seeds 1 to 10): on about half of them, EASE is ahead.
# How can that be? One reason: this standard error only counts the luck of who the users
# are. All of them rated the same 500 movies, and another table has other movies.

# %%
title = "What is liked together makes better lists than the most stars"
figure, axes = drawing.new_picture(title, height=3.2)
if figure is not None:
    colors = [drawing.GREY, drawing.GREY, drawing.GREY, drawing.ORANGE, drawing.GREY]
    means = [ndcg.mean() for ndcg in scores.values()]
    bars = axes.barh(list(scores), means, color=colors)
    axes.bar_label(bars, fmt="%.2f", padding=4)
    axes.invert_yaxis()
    axes.set(xlabel="NDCG@10 (1 is the best)", xlim=(0, 0.37))
    axes.set(xticks=[0, 0.1, 0.2, 0.3])
    drawing.save_picture(figure, "4_top_ten.svg")

# %% [markdown]
# **Try it:** give EASE a penalty of 1000. What is left of the lead of `MovieRanker`?
#
# **Remember:** how many stars a user would give and what to recommend are two
# questions; for the second, ask what is liked together.
#
# Go on in scikit-learn's user guide:
# [Ridge regression](https://scikit-learn.org/stable/modules/linear_model.html#ridge-regression-and-classification),
# and [NDCG](https://scikit-learn.org/stable/modules/model_evaluation.html#discounted-cumulative-gain)
# and other metrics of an order.
#
# The same code on real ratings: `docs/real.md` recommends movies that you may know.
#
# Exercise: `exercises/4_top_ten.py`.
