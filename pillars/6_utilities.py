# %% [markdown]
# # 6 Utilities: which metric did you mean?
#
# **You know**: RMSE is the typical error of predicted stars. NDCG@10 scores a list of
# ten movies: 1 if all that the user will like come first, 0 if none is in it. **You
# will see**: that two metrics have two different winners, and why; metrics of your own
# as scorers; a saved model in a fresh process. **Minutes**: 15.

# %%
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from drawing import BLUE, GREY, ORANGE, ROOT, new_picture, save_picture
from scipy.stats import norm
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import ndcg_score, root_mean_squared_error
from sklearn.model_selection import ShuffleSplit, cross_validate
from sklearn.pipeline import make_pipeline

from lesson_code import (
    STARS,
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
)

dataset = MovieRecommendationDataset()
table = dataset.generate()
users = pd.DataFrame({"user_id": np.unique(table["user_id"])})
movies = pd.DataFrame({"movie_id": np.unique(table["movie_id"])})
pairs = users.merge(movies, how="cross")  # every user with every movie, 1000 x 500

# %% [markdown]
# ## What would every user give to every movie?
# On real data, nobody knows. Here the law gives the answer: a rating is the user's
# opinion plus noise, rounded to half stars from 1 to 5 (`MovieRecommendationDataset`).
# Its expected value is 1, plus half a star times the chance to reach 1.5, to reach 2,
# and so on. Users choose what they love, and popular movies are a little better.

# %%
opinion, _ = dataset.opinions(pairs)
opinion = opinion.reshape(len(users), len(movies))
sigma = dataset.law_["sigma"][:, None]  # each user's noise, its standard deviation
true_stars = np.ones(opinion.shape)
for star in STARS[1:]:
    # What is above 3.75, say, is rounded to 4 or more.
    true_stars += 0.5 * norm.cdf((opinion - (star - 0.25)) / sigma)

rated_stars = true_stars[table["user_id"] - 1, table["movie_id"] - 1]
assert np.allclose(rated_stars, dataset.true_expected_)
print(f"True stars, mean of the pairs that were rated: {rated_stars.mean():.2f}")
print(f"True stars, mean of all pairs:                 {true_stars.mean():.2f}")
print(
    "Movies that a user did not rate differ from those that the user did rate: "
    "ratings are not missing at random."
)

# %% [markdown]
# ## Two metrics of a list
# *Liked* means: rated 4 or more among the held-out rows. For NDCG, a movie that the
# user would love but did not rate is a miss. *True stars* are the mean expected rating
# of the ten movies of a list, rated or not. *Rated* is the share of the ten that is
# among the held-out rows at all.
#
# `scoring=` takes a name, or a scorer: a function of (model, X, y), which returns one
# figure or a dict of them. (`make_scorer` makes one of a function of (y_true, y_pred).)
#
# The model `mean` gives the same score to all movies, so its lists are the first ten
# ids.
#
# **Guess first:** the law knows what every user would give to every movie. Does it win
# by both metrics?


# %%
NEVER = -99.0  # a score behind all others


def judge_lists(scores, X, y):
    """Return figures of the ten movies with the best scores, of each user.

    `scores` is (n_users, n_movies). X are the held-out rows, y their ratings. Movies
    that the user rated in training are not recommended again.
    """
    training = table.drop(X.index)
    scores = scores.copy()
    scores[training["user_id"] - 1, training["movie_id"] - 1] = NEVER  # ids from 1

    user = X["user_id"] - 1
    movie = X["movie_id"] - 1
    rated = np.zeros(scores.shape, dtype=bool)
    liked = np.zeros(scores.shape)
    rated[user, movie] = True
    liked[user, movie] = y >= 4

    has_liked = liked.any(axis=1)  # NDCG asks only users with something to find
    scores = scores[has_liked]
    lists = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    return {
        "NDCG@10": ndcg_score(liked[has_liked], scores, k=10),
        "rated, %": 100 * np.take_along_axis(rated[has_liked], lists, axis=1).mean(),
        "true stars": np.take_along_axis(true_stars[has_liked], lists, axis=1).mean(),
    }


def judge(model, X, y):
    """Return the figures of a model of stars, and of its lists."""
    stars = model.predict(pairs).reshape(true_stars.shape)
    rmse = root_mean_squared_error(y, model.predict(X))
    return {"RMSE": rmse} | judge_lists(stars, X, y)


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
split = ShuffleSplit(1, test_size=0.2, random_state=42)
rows = {}
for name, model in models.items():
    scores = cross_validate(model, table, table["rating"], cv=split, scoring=judge)
    rows[name] = {}
    for key in ("RMSE", "NDCG@10", "rated, %", "true stars"):
        rows[name][key] = scores[f"test_{key}"][0]

# Two more: the law, which nobody has, and `MovieRanker`, which predicts no stars.
train_rows, test_rows = next(split.split(table))
train = table.iloc[train_rows]
test = table.iloc[test_rows]

best = dataset.true_expected_[test.index]
rows["the law"] = {"RMSE": root_mean_squared_error(test["rating"], best)}
rows["the law"] |= judge_lists(true_stars, test, test["rating"])

recommender = SklearnEcosystemPipeline(model="factors").fit(train)
top_ten = recommender.ranker_.recommend(users["user_id"], n=10)
scores = np.full(true_stars.shape, NEVER / 2)  # behind the ten of a user
scores[top_ten["user_id"] - 1, top_ten["movie_id"] - 1] = -top_ten["rank"]
rows["MovieRanker"] = judge_lists(scores, test, test["rating"])
results = pd.DataFrame(rows).T

formats = dict.fromkeys(results.columns, "{:.3f}".format)
formats |= {"rated, %": "{:.0f}".format, "true stars": "{:.2f}".format}
print(results.to_string(formatters=formats, na_rep="-"))
lost = results.loc["the law", "true stars"] - results.loc["MovieRanker", "true stars"]
print(
    "On this split, MovieRanker wins by NDCG, and even popularity is above the law. "
    "By true stars, the law"
)
print(
    f"wins, and MovieRanker's lists are {lost:.2f} stars worse. "
    "NDCG can count only what was rated: of MovieRanker's"
)
print(
    f"lists that is {results.loc['MovieRanker', 'rated, %']:.0f} %, "
    f"of the law's {results.loc['the law', 'rated, %']:.0f} %. "
    "The rest are misses, however good the movies are."
)
user = 1
lists = {"MovieRanker": scores[user - 1], "the law": true_stars[user - 1].copy()}
lists["the law"][train.loc[train["user_id"] == user, "movie_id"] - 1] = -99
catalogue = table.groupby("movie_id").agg(
    title=("title", "first"), ratings=("title", "size")
)
catalogue["true stars"] = true_stars[user - 1].round(2)
for name, order in lists.items():
    print(f"\nUser {user}, the first three by {name}:")
    print(catalogue.iloc[np.argsort(-order)[:3]].to_string(index=False))

print(
    "\nNeither metric is wrong. NDCG on held-out rows asks: "
    "what else did this user choose, and like?"
)
print(
    "True stars ask: what would this user like best? "
    "On real data only an experiment can show that (chapter 8)."
)

# %%
title = "Two metrics, two winners: rated is not the same as good"
figure, axes = new_picture(title, height=4.2)
if figure is not None:
    shown = results[["NDCG@10", "true stars"]]
    places = shown.rank(ascending=False)
    colours = {"MovieRanker": ORANGE, "the law": BLUE}
    for name in results.index:
        left, right = places.loc[name]
        colour = colours.get(name, GREY)
        axes.plot([0, 1], [left, right], "o-", color=colour, linewidth=2.5)
        label = f"{name} {shown.loc[name, 'NDCG@10']:.2f}"
        axes.text(-0.04, left, label, va="center", ha="right")
        label = f"{shown.loc[name, 'true stars']:.2f} {name}"
        axes.text(1.04, right, label, va="center")
    axes.text(0, 0.4, "NDCG@10: rated\nand liked", ha="center", weight="bold")
    axes.text(1, 0.4, "true stars of\nthe ten movies", ha="center", weight="bold")
    axes.set(xlim=(-0.7, 1.7), ylim=(6.4, -0.5))
    axes.axis("off")
    save_picture(figure, "6_utilities.svg")

# %% [markdown]
# ## The saved model answers in a fresh process
# `load_pipeline` reads the file's digest before it unpickles anything. `joblib.load`
# does not: it can load a damaged file without an error.

# %%
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "model.pkl"
    recommender.save_pipeline(path)
    code = f"""
from lesson_code import SklearnEcosystemPipeline
recommender = SklearnEcosystemPipeline.load_pipeline({str(path)!r})
print(recommender.recommend(1, n=3).to_string(index=False))
"""
    print(
        "The saved model in a fresh process, list for user 1 "
        "(sorted by score; predicted_rating: stars):"
    )
    print(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True))

    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1  # one bit
    path.write_bytes(content)
    try:
        SklearnEcosystemPipeline.load_pipeline(path)
    except ValueError as error:
        print("One bit changed:", str(error).replace(str(path), "model.pkl"))
recommender  # noqa: B018  (a notebook draws its diagram)

# %% [markdown]
# **Try it:** judge lists of 20 movies instead of 10. Who wins?
#
# **Remember:** a metric answers one question. What was rated is not the same as what is
# good.
#
# Go on: "Metrics and scoring" in scikit-learn's user guide. Exercises:
# `exercises/6_utilities.py` and `exercises/6_metrics.py`.
