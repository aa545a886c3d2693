# %% [markdown]
# # 6 Utilities: which metric did you mean?
#
# **You know**: RMSE is the typical error of predicted stars. NDCG@10 scores a list of
# ten movies: each liked movie gives points, more at the top, and the sum is divided by
# that of the best possible list. **You will see**: what two metrics say of the same
# lists, and why; and a metric of your own as a scorer. **Minutes**: 35.

# %%
import numpy as np
import pandas as pd
from drawing import BLUE, GREY, ORANGE, new_picture, save_picture
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
# explains it). Now for every user and every movie. `pairs` has a row for each pair.
# `table_of` makes a wide table of such rows: a row for each user, and a column for each
# movie.

# %%
IDS = ["user_id", "movie_id"]
users = pd.DataFrame({"user_id": np.unique(table["user_id"])})
movies = pd.DataFrame({"movie_id": np.unique(table["movie_id"])})
pairs = users.merge(movies, how="cross")  # every user with every movie: 500,000 rows
pairs["true stars"] = true_stars_of(dataset, pairs)


def table_of(rows, column):
    """Return a column of rows as a table: users are its rows, movies its columns."""
    return rows.pivot(index="user_id", columns="movie_id", values=column)


true_stars = table_of(pairs, "true stars")
is_rated = table_of(table, "rating").notna()
of_rated = true_stars.where(is_rated).mean(axis=1)  # of each user's rated movies
of_others = true_stars.mask(is_rated).mean(axis=1)  # of all others
print(f"\nTrue stars, mean of the movies that a user has rated: {of_rated.mean():.2f}")
print(f"True stars, mean of those that the user has not:      {of_others.mean():.2f}")
print(f"Users for whom the first is higher: {np.mean(of_rated > of_others):.1%}")

# %% [markdown]
# For nearly every user, the movies that he or she has not rated are worse than those
# that are rated: ratings are *missing not at random*. Keep that in mind for what
# follows.
#
# ## Two lists for one user
# The test rows, here called *held-out*, are a fifth of the table. `MovieRanker`, the
# recommender of `lesson_code.py`, learns from the others. The law needs no training: it
# takes the movies with the most true stars. Both leave out what the user rated in
# training.
#
# `best_lists` makes lists of scores in three steps: movies that are known get the score
# minus infinity, so that they come last; pandas ranks the movies of each user; and the
# first ten remain.

# %%
LENGTH = 10  # movies in each list

split = ShuffleSplit(1, test_size=0.2, random_state=42)
train_rows, test_rows = next(split.split(table))
train = table.iloc[train_rows]
test = table.iloc[test_rows]

recommender = SklearnEcosystemPipeline(model="factors").fit(train)
lists_of_ranker = recommender.ranker_.recommend(users["user_id"], n=LENGTH)


def best_lists(scores, known):
    """Return each user's list: the movies with the best scores, without known ones."""
    is_known = table_of(known, "rating").reindex_like(scores).notna()
    scores = scores.mask(is_known, -np.inf)
    ranks = scores.rank(axis=1, ascending=False, method="first")
    lists = ranks.melt(ignore_index=False, value_name="rank").reset_index()
    return lists[lists["rank"] <= LENGTH].sort_values(["user_id", "rank"])


lists_of_law = best_lists(true_stars, train)

# %% [markdown]
# We look at the first five movies of both lists for user 1: how many users rated them,
# how many true stars they have, and which of them are among the user's held-out
# ratings.

# %%
facts = pd.DataFrame({"title": table.groupby("movie_id")["title"].first()})
facts["ratings"] = table.groupby("movie_id").size()
facts["true stars"] = true_stars.loc[1].round(2)
facts["held-out rating"] = test[test["user_id"] == 1].set_index("movie_id")["rating"]
for name, lists in {"MovieRanker": lists_of_ranker, "the law": lists_of_law}.items():
    first_five = lists.loc[lists["user_id"] == 1, "movie_id"][:5]
    print(f"\nUser 1, the first five by {name}:")
    print(facts.loc[first_five].to_string(index=False, na_rep="-"))

# %% [markdown]
# Which list is better? Look at `held-out rating`: the user rated three of MovieRanker's
# five, two of them with 4 stars, and none of the law's. Look at `true stars`: the law's
# five are much better. User 1 would love *The Vanishing Cousin*, but only 49 of 1000
# users have rated it, and user 1 is not one of them.
#
# ## Two metrics of a list
# Each of these two columns becomes a metric of all users' lists. A third figure,
# *rated*, helps to understand them:
#
# - *NDCG* asks whether the movies of a list are *liked*: rated 4 or more among the
#   held-out rows. A liked movie gives points, more of them at the top;
#   `pillars/4_top_ten.py` shows the formula. A movie that the user would love but did
#   not rate gives none. We take the mean over all users who liked a held-out movie.
# - *True stars* are the mean true stars of all movies in the lists, rated or not.
# - *Rated* is the share of the movies that is among the held-out rows at all.
#
# **Guess first:** the law knows what every user would give to every movie. Whose lists
# are better by NDCG?
#
# - the law's
# - MovieRanker's


# %%
def judge_lists(lists, held_out):
    """Return the metrics of lists, by the held-out rows."""
    return {
        "NDCG": ranking_metrics(lists, held_out, k=LENGTH)[f"NDCG@{LENGTH}"],
        "rated, %": 100 * len(lists.merge(held_out, on=IDS)) / len(lists),
        "true stars": lists.merge(pairs, on=IDS)["true stars"].mean(),
    }


results = {
    "MovieRanker": judge_lists(lists_of_ranker, test),
    "the law": judge_lists(lists_of_law, test),
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
# scorer.) Our scorer is `judge`, so `cross_validate` judges models by all our figures
# at once. The model `mean` gives the same score to all movies, so its ten movies are
# those with the first ids. `popularity` recommends the movies with the most ratings to
# everybody, and `factors` those with the most predicted stars.
#
# **Guess first:** whose lists have the most true stars?
#
# - those of `popularity`
# - those of `MovieRanker`, the best by NDCG
# - those of `factors`


# %%
def judge(model, X, y):
    """Return the figures of a model of stars, and of its lists."""
    stars = table_of(pairs.assign(stars=model.predict(pairs)), "stars")
    lists = best_lists(stars, table.drop(X.index))
    rmse = root_mean_squared_error(y, model.predict(X))
    return {"RMSE": rmse} | judge_lists(lists, X)


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
# **Those of `factors`.** From `mean` down to the law, the RMSE falls and the lists get
# more true stars. But NDCG gives another order: even `popularity`, whose RMSE is near
# that of `mean`, is above the law, because popular movies are rated most.
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
# **Try it:** judge lists of 20 movies instead of 10 (change `LENGTH`). Who wins?
#
# **Remember:** a metric answers one question. What was rated is not the same as what is
# good.
#
# Go on in scikit-learn's user guide:
# [Metrics and scoring](https://scikit-learn.org/stable/modules/model_evaluation.html).
#
# Exercise: `exercises/6_utilities.py`.
