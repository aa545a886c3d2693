# %% [markdown]
# # 5 Unusual users: are the false ones found?
#
# **You know**: unsupervised learning looks for structure where nobody gives it the
# answers, and a known truth shows what it has found. **You will see**: how to describe
# a user by three figures; how to score a list of suspects; and which of the false users
# that we plant are found. **Minutes**: 15.
#
# *Shills* are users who do not rate what they think. Somebody may pay them, to lift a
# movie or to sink it. Nobody says who they are, so a model cannot learn from examples.
# But shills may be *outliers*: rows that are far from most others. With real ratings,
# we could not say which of the suspects are shills. Here, we plant them.

# %%
import numpy as np
import pandas as pd
from drawing import BLUE, GREY, new_picture, save_picture
from shills import describe_users
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score

from lesson_code import STARS, MovieRecommendationDataset

# %% [markdown]
# ## A user in three figures
# We describe a user by mean and spread of the stars, and by *agreement*, the
# correlation of the user's stars with the averages of the other users.
# `describe_users` of `pillars/shills.py` computes them. Here are the first honest users
# with at least 20 ratings.

# %%
dataset = MovieRecommendationDataset()
table = dataset.generate()
ratings_of_user = table.groupby("user_id")["rating"].transform("size")
honest = table.loc[ratings_of_user >= 20, ["user_id", "movie_id", "rating"]]
print("The stars of three honest users")
print(describe_users(honest).head(3).to_string(float_format="%.2f"))

# %% [markdown]
# Now we plant shills. Each rates the movies of an honest user, so that only the stars
# differ: they are always five, always three, or random.


# %%
def plant(victims, kind, rng):
    """Return the ratings of shills, one for each of some honest users."""
    planted = honest[honest["user_id"].isin(victims)].copy()
    planted["user_id"] += 1000  # honest ids end at 1000
    possible = {"always five": [5.0], "always three": [3.0], "at random": STARS}
    planted["rating"] = rng.choice(possible[kind], len(planted))
    return planted


user = honest["user_id"].min()
twins = {}
for kind in ("always five", "always three", "at random"):
    shill = plant([user], kind, np.random.default_rng(0))
    figures = describe_users(pd.concat([honest, shill]))
    twins[kind] = figures.loc[user + 1000]
print(f"\nThe stars of three shills, for the movies of user {user}")
print(pd.DataFrame(twins).T.to_string(float_format="%.2f"))

# %% [markdown]
# Two of the shills have no spread, so a simple rule will do. (Where stars never vary,
# no correlation exists; `describe_users` writes 0 then.) The one who rates at random
# agrees little with the others.
#
# ## How good is a list of suspects?
# A detector gives every user a number, and sorts them, the oddest first. Somebody then
# checks the list from the top. *Average precision* scores the list. At each shill, it
# asks which share of the list down to there are shills, and takes the mean of these
# shares. Here are four lists of six users, two of whom are shills.

# %%
oddness = [6, 5, 4, 3, 2, 1]  # the first user is the oddest
print("\nAverage precision of a list of six")
for places in ([1, 2], [1, 3], [1, 6], [5, 6]):
    is_shill = np.isin([1, 2, 3, 4, 5, 6], places)
    score = average_precision_score(is_shill, oddness)
    print(f"  shills at the places {places}: {score:.2f}")

# %% [markdown]
# It is 1 if all shills come first. With shills at 1 and 3, it is the mean of 1/1 and
# 2/3. *Accuracy*, the share of users who are judged correctly, would not do: if 20 of
# 900 users are shills, to accuse nobody is correct for 98 % of them.
#
# ## A forest and a rule
# Now we hide 20 shills among the honest users. scikit-learn's `IsolationForest` gets no
# example of a shill. It cuts the data at random places, and a user whom few cuts
# separate from all others is odd. (By default it has 100 trees of such cuts, each for
# 256 users drawn at random.) A *rule* is made for one kind of shill: least spread
# first, or, for those at random, least agreement first. The dummy, for which all are
# equally odd, scores the share of shills.
#
# **Guess first:** then we hide 200 shills who always give five, instead of 20. Does the
# forest's list become better?
#
# - better: there are more of them to find
# - equally good
# - worse


# %%
def find_shills(n_shills, kind, seed):
    """Plant shills, and return the average precision of three lists of suspects.

    `seed` is that of the shills and of the forest.
    """
    rng = np.random.default_rng(seed)
    victims = rng.choice(honest["user_id"].unique(), n_shills, replace=False)
    figures = describe_users(pd.concat([honest, plant(victims, kind, rng)]))
    is_shill = figures.index > 1000

    forest = IsolationForest(random_state=seed).fit(figures)
    rule = figures["agreement"] if kind == "at random" else figures["spread"]
    return {
        "dummy": average_precision_score(is_shill, np.zeros(len(figures))),
        # score_samples is low for what is odd.
        "forest": average_precision_score(is_shill, -forest.score_samples(figures)),
        "rule": average_precision_score(is_shill, -rule),
    }


rows = {}
for shills in ("20 always five", "20 always three", "20 at random", "200 always five"):
    n_shills, kind = shills.split(" ", maxsplit=1)
    draws = [find_shills(int(n_shills), kind, seed) for seed in range(10)]
    scores = pd.DataFrame(draws)
    rows[shills] = scores.mean()
    rows[shills]["spread of forest"] = scores["forest"].std()
precision = pd.DataFrame(rows).T
n_honest = honest["user_id"].nunique()
print(f"\nAverage precision among {n_honest} honest users, mean of ten draws")
print(precision.to_string(float_format="%.2f"))

# %% [markdown]
# **Worse.** Look at the column `forest`. Of 20 who always give five, it puts nearly all
# at the top of its list: they are rare, and extreme in mean and spread. 200 of them are
# no longer rare. It also does worse where the mean is ordinary (always three). Of
# those who rate at random it finds few, though more than by chance. A rule that is made
# for one fraud finds this fraud at least as well, and mostly far better. So use a
# forest when you cannot say what you are looking for.

# %%
title = "The forest finds who always gives five, and hardly who rates at random"
figure, axes = new_picture(title, height=4)
if figure is not None:
    spread = precision["spread of forest"]
    axes.barh(precision.index, precision["forest"], 0.6, xerr=spread, color=BLUE)
    axes.barh(precision.index, precision["dummy"], 0.6, color=GREY)
    axes.text(0.5, 0, "forest", color="white", ha="center", va="center")
    axes.text(precision["dummy"].iloc[-1] / 2, 3, "chance", ha="center", va="center")
    axes.set(xlabel="average precision, ten draws (± spread)", xlim=(0, 1.05))
    axes.invert_yaxis()  # in the order of the table
    save_picture(figure, "5_unusual.svg")

# %% [markdown]
# ## Who else is on the list?
# **Guess first:** we sort the honest users by agreement, the least first, as the rule
# for shills at random does. Who are the first 20?
#
# - mostly users of unusual taste
# - mostly careless users
# - mostly strict users

# %%
sigma = pd.Series(dataset.law_["sigma"], index=range(1, 1001))  # each user's noise
careless = sigma.index[sigma > sigma.quantile(0.8)]
odd = describe_users(honest)["agreement"].nsmallest(20).index
print("\nThe 20 honest users who agree least with the others")
print(f"Of these, among the most careless fifth: {odd.isin(careless).sum()}")

# %% [markdown]
# **Mostly careless users.** The formula made them so. They do not cheat, but they look
# like shills who rate at random. So the top of a list is a reason to look closer, not a
# proof.
#
# **Try it:** let the shills who always give five give four or five, by chance. Do the
# forest and the rule still find them?
#
# **Remember:** a detector of outliers finds what is rare and extreme; a fraud that
# looks ordinary stays hidden, and an honest user who is odd gets accused.
#
# Go on in scikit-learn's user guide:
# [Outlier detection](https://scikit-learn.org/stable/modules/outlier_detection.html).
#
# Exercise: `exercises/5_unusual.py`.
