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
from sklearn.metrics import ndcg_score, root_mean_squared_error
from sklearn.model_selection import ShuffleSplit, cross_validate
from sklearn.pipeline import make_pipeline
from visitors import true_stars_of

from lesson_code import (
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
)

# %% [markdown]
# ## What would every user give to every movie?
# On real data, nobody knows. Here the *law*, the formula that made the ratings, gives
# the answer: a rating is the user's opinion plus noise, rounded to half stars from 1 to
# 5 (`MovieRecommendationDataset` of `lesson_code.py`, the course's own code). So a user
# might give several ratings to a movie. We call the mean of all of them the *true
# stars*. Here is one user with one movie.

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
# explains it). Now for every user and every movie. `wide` turns rows, one for each
# rating, into a table with a row for each of the 1000 users and a column for each of
# the 500 movies.

# %%
N_USERS = 1000
N_MOVIES = 500
users = pd.DataFrame({"user_id": np.arange(1, N_USERS + 1)})
movies = pd.DataFrame({"movie_id": np.arange(1, N_MOVIES + 1)})
pairs = users.merge(movies, how="cross")  # every user with every movie: 500,000 rows


def wide(rows, stars):
    """Return a table of stars: a row for each user, a column for each movie."""
    named = rows[["user_id", "movie_id"]].assign(stars=stars)
    by_user = named.pivot(index="user_id", columns="movie_id", values="stars")
    return by_user.reindex(index=users["user_id"], columns=movies["movie_id"])


true_stars = wide(pairs, true_stars_of(dataset, pairs))
is_rated = wide(table, table["rating"]).notna()  # a gap is NaN
of_rated = true_stars.where(is_rated).mean(axis=1)  # of each user
of_others = true_stars.where(~is_rated).mean(axis=1)
print(f"\nTrue stars, mean of the movies that a user has rated: {of_rated.mean():.2f}")
print(f"True stars, mean of those that the user has not:      {of_others.mean():.2f}")
print(f"Users for whom the first is higher: {np.mean(of_rated > of_others):.1%}")

# %% [markdown]
# For nearly every user, the movies that he or she has not rated are worse than those
# that are rated: ratings are *missing not at random*. Keep that in mind for what
# follows.
#
# ## Two lists for each user
# The test rows, here called *held-out*, are a fifth of the table. `MovieRanker`, the
# recommender of `lesson_code.py`, learns from the others what is liked together. The
# law needs no training: it takes the movies with the most true stars. Both leave out
# what the user rated in training.

# %%
LENGTH = 10  # movies in each list

split = ShuffleSplit(1, test_size=0.2, random_state=42)
train_rows, test_rows = next(split.split(table))
train = table.iloc[train_rows]
test = table.iloc[test_rows]


def best_lists(scores, known):
    """Return the ids of each user's best movies, the best first, without known ones."""
    is_known = wide(known, known["rating"]).notna()
    scores = scores.mask(is_known, -np.inf)  # these come last
    best_first = np.argsort(-scores.to_numpy(), axis=1, kind="stable")
    return best_first[:, :LENGTH] + 1  # columns count from 0, ids from 1


lists_of_law = best_lists(true_stars, train)
recommender = SklearnEcosystemPipeline(model="factors").fit(train)
recommended = recommender.ranker_.recommend(users["user_id"], n=LENGTH)
lists_of_ranker = recommended["movie_id"].to_numpy().reshape(N_USERS, LENGTH)

# %% [markdown]
# ## Two metrics of a list
# Which lists are better? `judge_lists` asks it in three ways, user by user:
#
# - *NDCG* asks whether the movies of a list are *liked*: rated 4 or more among the
#   held-out rows. scikit-learn has it as `ndcg_score`. It takes a score for each movie;
#   we give the first movie of a list the highest, and those outside of it 0.
# - *True stars* are the mean true stars of the movies in the list, rated or not.
# - *Rated* is the share of the movies that is among the held-out rows at all.
#
# **Guess first:** the law knows what every user would give to every movie. Whose lists
# have the higher NDCG?
#
# - the law's
# - MovieRanker's
# - they are about equal


# %%
def judge_lists(lists, held_out):
    """Return three figures of each user's list, by the held-out rows."""
    given = wide(held_out, held_out["rating"]).to_numpy()
    deserved = true_stars.to_numpy()
    rows = []
    for user in range(N_USERS):
        shown = lists[user] - 1  # their columns
        liked = given[user] >= 4
        score = np.zeros(N_MOVIES)
        score[shown] = np.arange(LENGTH, 0, -1)
        ndcg = np.nan  # for a user who liked none, there is no best list
        if liked.any():
            ndcg = ndcg_score([liked], [score], k=LENGTH)
        row = {
            "NDCG": ndcg,
            "true stars": deserved[user, shown].mean(),
            "rated, %": 100 * np.isfinite(given[user, shown]).mean(),
        }
        rows.append(row)
    return pd.DataFrame(rows)


by_ranker = judge_lists(lists_of_ranker, test)
by_law = judge_lists(lists_of_law, test)
difference = by_law - by_ranker  # user by user
compared = {
    "MovieRanker": by_ranker.mean(),
    "the law": by_law.mean(),
    "difference": difference.mean(),
    "±": difference.sem(),
}
print("\nMean of all users; difference of the two (± standard error over users)")
print(pd.DataFrame(compared).to_string(float_format="%.3f"))

# %% [markdown]
# **MovieRanker's.** The law loses by NDCG! By true stars it wins, by almost half a
# star. Both differences are many times their standard error. How can that be? We look
# at the first five movies of both lists for user 1: how many users rated them, how many
# true stars they have, and what user 1 gave them in the held-out rows.

# %%
titles = table.groupby("movie_id")["title"].first()
n_ratings = table.groupby("movie_id").size()
given = test[test["user_id"] == 1].set_index("movie_id")["rating"]
for name, lists in {"MovieRanker": lists_of_ranker, "the law": lists_of_law}.items():
    print(f"\nUser 1, the first five by {name}: ratings, true stars, held-out rating")
    for movie in lists[0, :5]:
        stars = true_stars.loc[1, movie]
        rating = given.get(movie, "-")
        print(f"  {titles[movie]:30} {n_ratings[movie]:3}  {stars:.2f}  {rating}")

# %% [markdown]
# User 1 rated three of MovieRanker's five, two of them with 4 stars, and none of the
# law's. But the law's five have far more true stars. User 1 would love *The Vanishing
# Cousin*, but only 49 of 1000 users have rated it, and user 1 is not one of them. So it
# gives no points.
#
# The line `rated, %` above says it for all users: NDCG can count only what was rated,
# and that is less than a tenth of the law's movies.
#
# ## A metric of your own as a scorer
# `scoring=` takes a name, or a scorer: a function of (model, X, y), which returns one
# figure or a dict of them. (`make_scorer` turns a function of (y_true, y_pred) into a
# scorer.) Our scorer is `judge`, so `cross_validate` judges models by all our figures
# at once. It also compares the NDCG with the law's, user by user.
#
# The model `mean` gives the same score to all movies, so its ten movies are those with
# the first ids. `popularity` recommends the movies with the most ratings to everybody,
# and `factors` those with the most predicted stars.
#
# **Guess first:** whose lists have the most true stars?
#
# - those of `popularity`
# - those of `MovieRanker`, the best by NDCG
# - those of `factors`


# %%
METRICS = ["RMSE", "NDCG", "more", "±", "true stars"]


def figures_of(by_user):
    """Return the means over the users, and how far the NDCG is ahead of the law's."""
    ahead = by_user["NDCG"] - by_law["NDCG"]
    return {
        "NDCG": by_user["NDCG"].mean(),
        "more": ahead.mean(),
        "±": ahead.sem(),
        "true stars": by_user["true stars"].mean(),
    }


def judge(model, X, y):
    """Return the figures of a model of stars, and of its lists."""
    stars = wide(pairs, model.predict(pairs))
    lists = best_lists(stars, table.drop(X.index))  # known: all but the held-out rows
    rmse = root_mean_squared_error(y, model.predict(X))
    return {"RMSE": rmse} | figures_of(judge_lists(lists, X))


# Popularity is one of the 13 features of the course's `UserMovieFeatureTransformer`:
# how many ratings a movie has.
count = ColumnTransformer([("one", "passthrough", ["movie_rating_count"])])
models = {
    "mean": DummyRegressor(),
    "popularity": make_pipeline(
        UserMovieFeatureTransformer(), count, LinearRegression()
    ),
    "linear": SklearnEcosystemPipeline(model="linear").build_pipeline(),
    "factors": SklearnEcosystemPipeline(model="factors").build_pipeline(),
}
rows = {}
for name, model in models.items():
    scores = cross_validate(model, table, table["rating"], cv=split, scoring=judge)
    rows[name] = {metric: scores[f"test_{metric}"][0] for metric in METRICS}
best = dataset.true_expected_[test.index]  # the law's answers
rows["the law"] = figures_of(by_law)
rows["the law"]["RMSE"] = root_mean_squared_error(test["rating"], best)
rows["MovieRanker"] = figures_of(by_ranker)  # it predicts no stars: no RMSE
results = pd.DataFrame(rows).T[METRICS]
print("\nRMSE in stars of the held-out rows, and the metrics of the lists")
print("more: than the NDCG of the law (± standard error over users)")
print(results.to_string(float_format="%.3f", na_rep="-"))

# %% [markdown]
# **Those of `factors`.** From `mean` down to the law, the RMSE falls and the lists get
# more true stars. But NDCG gives another order: even `popularity`, whose RMSE is near
# that of `mean`, is above the law, because popular movies are rated most. And between
# `factors` and the law, NDCG hardly sees a difference: it is about one standard error.
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
