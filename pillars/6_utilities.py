# %% [markdown]
# # 6 Utilities: which metric did you mean?
#
# **You know**: RMSE is the typical error of predicted stars. NDCG@10 scores a list of
# ten movies: each liked movie gives points, more at the top, and the sum is divided by
# that of the best possible list. **You will see**: what two metrics say of the same
# lists, and why; metrics of your own as scorers; a saved model in a fresh process.
# **Minutes**: 15.

# %%
import subprocess
import sys
import tempfile
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from drawing import BLUE, GREY, ORANGE, ROOT, new_picture, save_picture
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import ShuffleSplit, cross_validate
from sklearn.pipeline import make_pipeline
from visitors import true_stars_of

from lesson_code import (
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
    ranking_metrics,
)

# %% [markdown]
# ## What would every user give to every movie?
# On real data, nobody knows. Here the *law*, the formula that made the ratings, gives
# the answer: a rating is the user's opinion plus noise, rounded to half stars from 1 to
# 5 (`MovieRecommendationDataset`). So a user might give several ratings to a movie. We
# call the mean of all of them the *true stars*. Here is one user with one movie.

# %%
dataset = MovieRecommendationDataset()
table = dataset.generate()

one_pair = pd.DataFrame({"user_id": [1], "movie_id": [8]})
opinion, _ = dataset.opinions(one_pair)
sigma = dataset.law_["sigma"][0]  # the noise of user 1: ids count from 1, rows from 0
noise = sigma * np.random.default_rng(0).standard_normal(100_000)
half_stars = np.round(2 * (opinion + noise)) / 2
possible = np.clip(half_stars, 1, 5)
print(f"The opinion of user 1 on movie 8, in stars: {opinion[0]:.2f}")
print("Ratings that user 1 might give:", *possible[:10])
print(f"The mean of 100,000 such ratings:     {possible.mean():.2f}")
by_formula = true_stars_of(dataset, one_pair)[0]
print(f"By a formula, of all (true stars):    {by_formula:.2f}")

# %% [markdown]
# We need no random numbers: `true_stars_of` has a formula for the mean (`visitors.py`
# explains it). Now for every user and every movie: `true_stars` is a table with a row
# for each user and a column for each movie.

# %%
users = pd.DataFrame({"user_id": np.unique(table["user_id"])})
movies = pd.DataFrame({"movie_id": np.unique(table["movie_id"])})
pairs = users.merge(movies, how="cross")  # every user with every movie, 1000 x 500
true_stars = true_stars_of(dataset, pairs).reshape(len(users), len(movies))


def cells(rows):
    """Return where ratings are in such a table: their rows and their columns."""
    return rows["user_id"] - 1, rows["movie_id"] - 1


rated_stars = true_stars[cells(table)]
# What all users would give to the movie of each rating:
stars_by_all = true_stars.mean(axis=0)[table["movie_id"] - 1]
print(f"\nTrue stars, mean of the pairs that were rated:   {rated_stars.mean():.2f}")
print(f"True stars, mean of their movies over all users: {stars_by_all.mean():.2f}")
print(f"True stars, mean of all pairs:                   {true_stars.mean():.2f}")

# %% [markdown]
# Read the three lines from the last to the first. The middle one is higher than the
# last: movies that are good for everybody are rated more often. The first is higher
# still: those who chose a movie like it more than all users would. So on average, the
# movies that a user has not rated are worse, for this user, than those that he or she
# has rated: ratings are *missing not at random*. Keep that in mind for what follows.
#
# ## Two lists for one user
# The test rows, here called *held-out*, are a fifth of the table. `MovieRanker`, the
# lesson's recommender, learns from the others. The law needs no training: it takes the
# movies with the most true stars. Both leave out what the user rated in training.

# %%
LENGTH = 10  # movies in each list

split = ShuffleSplit(1, test_size=0.2, random_state=42)
train_rows, test_rows = next(split.split(table))
train = table.iloc[train_rows]
test = table.iloc[test_rows]

recommender = SklearnEcosystemPipeline(model="factors").fit(train)
recommended = recommender.ranker_.recommend(users["user_id"], n=LENGTH)

# %% [markdown]
# We make the law's list for user 1 in three steps:
#
# 1. Take the true stars of this user.
# 2. Set those of the movies that the user rated in training to minus infinity: so these
#    movies come last.
# 3. Sort, the highest first, and keep ten.

# %%
user = 1
rated_before = train.loc[train["user_id"] == user, "movie_id"]
scores = true_stars[user - 1].copy()
scores[rated_before - 1] = -np.inf
best_columns = np.argsort(-scores)[:LENGTH]  # argsort puts the smallest first
by_law = best_columns + 1  # ids count from 1
print(f"\nThe law's list for user {user}, by ids:", *by_law)

# %% [markdown]
# Now we look at the first five movies of both lists: how many users rated them, how
# many true stars they have, and which of them are among the user's held-out ratings.

# %%
by_ranker = recommended.loc[recommended["user_id"] == user, "movie_id"].to_numpy()

titles = table.groupby("movie_id")["title"].first()
n_ratings = table.groupby("movie_id").size()
held_out = test[test["user_id"] == user].set_index("movie_id")["rating"]
for name, movie_ids in {"MovieRanker": by_ranker, "the law": by_law}.items():
    first_five = pd.DataFrame(index=movie_ids[:5])
    first_five["title"] = titles  # pandas takes those of the ids in the index
    first_five["ratings"] = n_ratings
    first_five["true stars"] = true_stars[user - 1, movie_ids[:5] - 1].round(2)
    first_five["held-out rating"] = held_out
    print(f"\nUser {user}, the first five by {name}:")
    print(first_five.to_string(index=False, na_rep="-"))

# %% [markdown]
# Which list is better? Look at `held-out rating`: the user rated three of MovieRanker's
# five, two of them with 4 stars, and none of the law's. Look at `true stars`: the law's
# five are much better. User 1 would love *The Vanishing Cousin*, but only 49 of 1000
# users have rated it, and user 1 is not one of them.
#
# ## Two metrics of a list
# Each of these two columns gives a metric of all users' lists:
#
# - *NDCG* asks whether the movies of a list are *liked*: rated 4 or more among the
#   held-out rows. A liked movie gives points, more of them at the top;
#   `pillars/4_ranking.py` shows the formula. A movie that the user would love but did
#   not rate gives none. We take the mean over all users who liked a held-out movie.
# - *True stars* are the mean true stars of all movies in the lists, rated or not.
#
# *Rated* is the share of the movies that is among the held-out rows at all.
# `best_lists` makes the lists of all users, in the same three steps as above.
#
# **Guess first:** the law knows what every user would give to every movie. Whose lists
# are better by NDCG?
#
# - the law's
# - MovieRanker's


# %%
def best_lists(scores, known):
    """Return each user's list: the movies with the best scores.

    `scores` is (n_users, n_movies). The movies of the rows `known` come last.
    """
    scores = scores.copy()
    scores[cells(known)] = -np.inf
    # "stable": of movies with the same score, that with the smaller id comes first.
    in_order = np.argsort(-scores, axis=1, kind="stable")
    best_columns = in_order[:, :LENGTH]  # (n_users, LENGTH)
    lists = pd.DataFrame({"movie_id": best_columns.ravel() + 1})
    lists["user_id"] = np.repeat(users["user_id"].to_numpy(), LENGTH)  # 1, 1, ..., 2, 2
    lists["rank"] = np.tile(np.arange(1, LENGTH + 1), len(users))  # 1, 2, ..., 1, 2
    return lists


def judge_lists(lists, X, y):
    """Return the metrics of lists. X are the held-out rows, y their ratings."""
    is_held_out = np.full(true_stars.shape, False)
    is_held_out[cells(X)] = True
    return {
        "NDCG": ranking_metrics(lists, X, y, k=LENGTH)[f"NDCG@{LENGTH}"],
        "rated, %": 100 * is_held_out[cells(lists)].mean(),
        "true stars": true_stars[cells(lists)].mean(),
    }


lists_of_law = best_lists(true_stars, train)
results = {
    "MovieRanker": judge_lists(recommended, test, test["rating"]),
    "the law": judge_lists(lists_of_law, test, test["rating"]),
}
print("\nThe lists of all users")
print(pd.DataFrame(results).T.to_string(float_format="%.2f"))

# %% [markdown]
# **MovieRanker's.** The law loses by NDCG! It wins by true stars, by almost half a
# star. The column `rated, %` says why: NDCG can count only what was rated, and that is
# less than a tenth of the law's movies. The others get no points, however good they
# are.
#
# ## A metric of your own as a scorer
# `scoring=` takes a name, or a scorer: a function of (model, X, y), which returns one
# figure or a dict of them. (`make_scorer` turns a function of (y_true, y_pred) into a
# scorer.) So `cross_validate` can judge models by all our figures at once. The model
# `mean` gives the same score to all movies, so its ten movies are those with the first
# ids.
#
# **Guess first:** `popularity` recommends the movies with the most ratings to
# everybody. Is its NDCG higher than that of the law?
#
# - yes
# - no


# %%
def judge(model, X, y):
    """Return the figures of a model of stars, and of its lists."""
    stars = model.predict(pairs).reshape(true_stars.shape)
    lists = best_lists(stars, table.drop(X.index))
    rmse = root_mean_squared_error(y, model.predict(X))
    return {"RMSE": rmse} | judge_lists(lists, X, y)


# Popularity is one of the 13 features: how many ratings a movie has.
count = ColumnTransformer([("one", "passthrough", ["movie_rating_count"])])
models = {
    "mean": DummyRegressor(),
    "popularity": make_pipeline(
        UserMovieFeatureTransformer(), count, LinearRegression()
    ),
    "linear": SklearnEcosystemPipeline(model="linear").build_pipeline(),
    "factors": SklearnEcosystemPipeline(model="factors").build_pipeline(),
}
metrics = ["RMSE", "NDCG", "rated, %", "true stars"]
for name, model in models.items():
    scores = cross_validate(model, table, table["rating"], cv=split, scoring=judge)
    results[name] = {metric: scores[f"test_{metric}"][0] for metric in metrics}
best = dataset.true_expected_[test.index]
results["the law"]["RMSE"] = root_mean_squared_error(test["rating"], best)

order = ["mean", "popularity", "linear", "factors", "the law", "MovieRanker"]
results = pd.DataFrame(results).T.loc[order, metrics]
print("\nRMSE in stars of the held-out rows, and the metrics of the lists")
print(results.to_string(float_format="%.2f", na_rep="-"))

# %% [markdown]
# **Yes.** From `mean` down to the law, the RMSE falls and the lists get more true
# stars. But NDCG gives another order: even `popularity`, whose RMSE is near that of
# `mean`, is above the law, because popular movies are rated most. (This is one split;
# small differences may be luck.)
#
# Neither metric is wrong. NDCG on held-out rows asks: what else did this user choose,
# and like? True stars ask: what would this user like best? Held-out ratings cannot show
# that; on real data, it takes an experiment (`pillars/8_experiment.py`).

# %%
title = "Two metrics, two winners: rated is not the same as good"
figure, axes = new_picture(title, height=4.2)
if figure is not None:
    shown = results[["NDCG", "true stars"]]
    places = shown.rank(ascending=False)
    colours = {"MovieRanker": ORANGE, "the law": BLUE}
    for name in results.index:
        left, right = places.loc[name]
        colour = colours.get(name, GREY)
        axes.plot([0, 1], [left, right], "o-", color=colour, linewidth=2.5)
        label = f"{name} {shown.loc[name, 'NDCG']:.2f}"
        axes.text(-0.04, left, label, va="center", ha="right")
        label = f"{shown.loc[name, 'true stars']:.2f} {name}"
        axes.text(1.04, right, label, va="center")
    axes.text(0, 0.4, f"NDCG@{LENGTH}: rated\nand liked", ha="center", weight="bold")
    axes.text(1, 0.4, f"true stars of\nthe {LENGTH} movies", ha="center", weight="bold")
    axes.set(xlim=(-0.7, 1.7), ylim=(6.4, -0.5))
    axes.axis("off")
    save_picture(figure, "6_utilities.svg")

# %% [markdown]
# ## The saved model answers in a fresh process
# The file ends with a *digest*, a fingerprint of its content. `load_pipeline` checks it
# before it loads any object. `joblib.load` does not. We change one bit of the file, and
# try both.
#
# **Guess first:** what does `joblib.load` do with the damaged file?
#
# - it raises an error
# - it gives a model, without a word

# %%
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "model.pkl"
    recommender.save_pipeline(path)
    code = f"""
from lesson_code import SklearnEcosystemPipeline
recommender = SklearnEcosystemPipeline.load_pipeline({str(path)!r})
print(recommender.recommend(1, n=3).to_string(index=False))
"""
    print("\nThe first three of user 1, by the saved model in a fresh process:")
    print(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True))

    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1  # one bit
    path.write_bytes(content)
    print("One bit changed, joblib.load gives a", type(joblib.load(path)).__name__)
    try:
        SklearnEcosystemPipeline.load_pipeline(path)
    except ValueError as error:
        message = str(error).replace(str(path), "model.pkl")
        print("One bit changed, load_pipeline:", message)

# %% [markdown]
# **It gives a model, without a word.** It may answer as before, or wrongly: nobody can
# tell. For `load_pipeline`, one wrong bit is enough to refuse the file. (And the good
# file works: the fresh process recommends the same movies as above.)
#
# **Try it:** judge lists of 20 movies instead of 10 (change `LENGTH`). Who wins?
#
# **Remember:** a metric answers one question. What was rated is not the same as what is
# good.
#
# Go on in scikit-learn's user guide:
# [Metrics and scoring](https://scikit-learn.org/stable/modules/model_evaluation.html).
#
# Exercises: `exercises/6_utilities.py` and `exercises/6_metrics.py`.
