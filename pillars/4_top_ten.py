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
from small_table import TITLES, small_table

from lesson_code import (
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    ranking_metrics,
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
# model learns from the other rows, and recommends ten movies to each user, which this
# user has not rated there. *NDCG@10* scores these lists of ten: liked are the movies
# that the user rated with 4 stars or more in the test rows. We take the mean over all
# users who liked one.
#
# For each way to recommend, `evaluate_ranking` of `lesson_code.py` makes all lists, and
# scores them. We begin with the dummy: lists drawn at random.

# %%
table = MovieRecommendationDataset().generate()
train, test = train_test_split(table, test_size=0.2, random_state=42)
recommender = SklearnEcosystemPipeline(model="factors").fit(train)
by_chance = recommender.evaluate_ranking(test, by="chance")["NDCG@10"]
print(f"\nNDCG@10 of lists drawn at random: {by_chance:.3f}")

# %% [markdown]
# There are two simple ways to do better. We may recommend to each user the ten movies
# with the most stars, as predicted by `MatrixFactorization`. Or we recommend to all
# users the ten movies with the most ratings, whatever their taste.
#
# **Guess first:** which lists have the higher NDCG@10?
#
# - most stars, as predicted
# - most ratings
# - they are about equal

# %%
scores = {"chance": by_chance}
scores["most stars"] = recommender.evaluate_ranking(test, by="rating")["NDCG@10"]
scores["most ratings"] = recommender.evaluate_ranking(test, by="popularity")["NDCG@10"]
print("\nNDCG@10 on the test rows")
print(pd.Series(scores).to_string(float_format="%.3f"))

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
# We make a *matrix of likes* of it. A rating above 2.2 stars speaks for a movie, and
# one below speaks against it. (2.2 is 30 % of the way from 1 to 5 stars. We take it
# from `MovieRanker`, the recommender of `lesson_code.py`, and do not tune it.) A gap is
# 0: the user has not chosen this movie. Why not 3, the middle of the scale? People
# mostly watch what they expect to like, so even a middling rating says that a movie is
# near their taste.

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
# movies. The method is called *EASE*. Here is the regression for Heat.
#
# There is a faster way: one matrix, made by two lines of NumPy, whose columns hold the
# weights of all five regressions at once. You may take it as a recipe. We print its
# weights for Heat beside those of `Ridge`.

# %%
PENALTY = 4.0
others = [title for title in TITLES if title != "Heat"]
ridge = Ridge(alpha=PENALTY, fit_intercept=False).fit(likes[others], likes["Heat"])

inverse = np.linalg.inv(likes.T @ likes + PENALTY * np.eye(5))
weights = -inverse / np.diag(inverse)
np.fill_diagonal(weights, 0)  # no movie explains itself
weights = pd.DataFrame(weights, TITLES, TITLES)
both = {"by Ridge": ridge.coef_, "by the inverse": weights.loc[others, "Heat"]}
print("\nThe weights of the other movies in the regression for Heat")
print(pd.DataFrame(both, others).to_string(float_format="%+.3f"))

# %% [markdown]
# The two are the same. The docstring of `MovieRanker` in `recommender/ranking.py` names
# the paper that derives the recipe.
#
# A user's likes, times the weights for a movie, added up, say how well the movie fits.
# Ann has not seen Heat or Casablanca. She gave 5 stars to Alien, and 2 to Titanic and
# to Up.
#
# **Guess first:** which of the two fits Ann best, and which of her ratings says so?
#
# - Heat, because of Alien
# - Heat, because of Titanic and Up
# - Casablanca, because of Titanic

# %%
parts = {}
for title in ("Heat", "Casablanca"):
    part = pd.DataFrame({"like": likes.loc["Ann"], "weight": weights[title]})
    part["product"] = part["like"] * part["weight"]
    parts[title] = part[stars.loc["Ann"].notna()]
    print(f"\nHow well {title} fits Ann: {parts[title]['product'].sum():+.2f}")
    print(parts[title].to_string(float_format="%+.2f"))

# %% [markdown]
# **Heat, because of Alien.** Nearly all of its sum comes from there: Ann likes Alien,
# and the weight of Alien for Heat is high, because those who like the one like the
# other. That is a reason we can tell her. The method `recommend(..., explain=True)`
# names such movies.
#
# ## How good are these lists?
# We do the same for the training rows. There, a movie has many more ratings than in the
# small table, so the penalty is larger, too: 500.
#
# Nobody wants a movie again that he or she has rated already. The fit of these becomes
# minus infinity, which is below all others.

# %%
likes = train.pivot(index="user_id", columns="movie_id", values="rating") - NEUTRAL
is_rated = likes.notna()
likes = likes.fillna(0)  # a row for each user, a column for each movie

penalty = 500
inverse = np.linalg.inv(likes.T @ likes + penalty * np.eye(likes.shape[1]))
weights = -inverse / np.diag(inverse)
np.fill_diagonal(weights, 0)
fit = likes @ pd.DataFrame(weights, likes.columns, likes.columns)
fit[is_rated] = -np.inf  # do not recommend what was rated

# %% [markdown]
# The lists: pandas ranks the movies of each user, and we keep the ranks up to 10.

# %%
ranks = fit.rank(axis=1, ascending=False, method="first").astype(int)
lists = ranks.melt(ignore_index=False, value_name="rank").reset_index()  # one column
lists = lists[lists["rank"] <= 10].sort_values(["user_id", "rank"])
lists["title"] = lists["movie_id"].map(table.groupby("movie_id")["title"].first())
print("\nThe first three movies for user 1, by EASE")
print(lists[:3].to_string(index=False))

# %% [markdown]
# We compare EASE with `MovieRanker`, the recommender of `lesson_code.py`. It is EASE
# with some additions, such as a little of the predicted stars. Its docstring has the
# whole formula.
#
# **Guess first:** where does EASE, these few lines, end up?
#
# - below most stars
# - between most stars and most ratings
# - above most ratings

# %%
scores["EASE"] = ranking_metrics(lists, test)["NDCG@10"]
scores["MovieRanker"] = recommender.evaluate_ranking(test, by="taste")["NDCG@10"]
print("\nNDCG@10 on the test rows")
print(pd.Series(scores).to_string(float_format="%.3f"))

# %% [markdown]
# **Above most ratings.** The matrix holds who likes what together, and, by its zeros,
# what is seldom chosen. Here `MovieRanker` is a little ahead of EASE, but that is the
# luck of this table: on about half of ten others (seeds 1 to 10), EASE is ahead.

# %%
title = "What is liked together makes better lists than the most stars"
figure, axes = drawing.new_picture(title, height=3.2)
if figure is not None:
    colors = [drawing.GREY, drawing.GREY, drawing.GREY, drawing.ORANGE, drawing.GREY]
    bars = axes.barh(list(scores), list(scores.values()), color=colors)
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
