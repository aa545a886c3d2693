# %% [markdown]
# # 0 Map: what is in scikit-learn, and how much of it have you met?
#
# **You know**: how to import from a Python package. **You will see**: every public
# estimator, function, display and splitter of your version, and which this lesson uses,
# sorted into six *pillars*: the jobs that scikit-learn does. The chapters whose names
# begin with 1 to 6 are about one pillar each, those with 8 about what comes after;
# there is no 7. **Minutes**: 10.
#
# Words: an *estimator* learns from data with `fit`; then it answers with `predict`, or
# turns data into other data with `transform`. A *display* draws a result. A *splitter*
# says which rows are for training and which for testing. A *tag* says what an estimator
# is, and which input it accepts: *sparse* data, for example, which stores only the
# values that are not 0.
#
# scikit-learn lists its own names, and `catalog.py` sorts them.

# %%
import sys
import textwrap

import drawing
import pandas as pd
import sklearn
from catalog import KINDS, PILLARS, public_names
from sklearn.cluster import KMeans
from sklearn.linear_model import Ridge
from sklearn.utils import get_tags

things = public_names()
print("Names that the lesson and its chapters import, up to three of each pillar")
for pillar in PILLARS:
    names = things.loc[things["met"] & (things["pillar"] == pillar), "name"]
    print(f"  {pillar + ':':19} {', '.join(names[:3])}")

# %% [markdown]
# ## The count
# You may read that scikit-learn has "800+" tools. Here, every public estimator,
# function, display and splitter of your version counts once.
#
# **Guess first:** how many names are there?
#
# - about 200
# - 500 to 600
# - more than 800

# %%
counts = things.pivot_table(
    index="pillar", columns="kind", values="name", aggfunc="count", fill_value=0
)
counts = counts.loc[list(PILLARS), KINDS]
counts["all"] = counts.sum(axis=1)
counts["met"] = things.groupby("pillar")["met"].sum()
total = counts.sum().to_frame("all six").T
print(f"\nPublic names of scikit-learn {sklearn.__version__}; met: in this lesson")
print(pd.concat([counts, total]).to_string())

# %% [markdown]
# **500 to 600.** Look at the line `all six`: fewer than half of the names are
# estimators. You meet only about a tenth of all names here. You need not know the
# others by heart: all estimators learn by `fit`, and most answer by `predict` or by
# `transform`.

# %%
n_all = len(things)
n_met = things["met"].sum()
title = f"You meet {n_met} (blue) of {n_all} public names here"
figure, axes = drawing.new_picture(title, height=3.7)
if figure is not None:  # without matplotlib it is None, and nothing is drawn
    bars = axes.barh(counts.index, counts["all"], color="#CFCFCF")
    labels = [f"{seen} of {n}" for n, seen in zip(counts["all"], counts["met"])]
    axes.bar_label(bars, labels, padding=4)
    axes.barh(counts.index, counts["met"], color=drawing.BLUE)
    axes.invert_yaxis()
    axes.set(xticks=[], xlim=(0, 1.25 * counts["all"].max()), frame_on=False)
    drawing.save_picture(figure, "0_map.svg")

# %% [markdown]
# ## What an estimator can do
# We ask each class which of the three methods it has.
#
# **Guess first:** how many estimators can both predict and transform?
#
# - about one in ten
# - about half
# - nearly all

# %%
estimators = things[things["kind"] == "estimators"].set_index("name")
print("\nHow many estimators have just these of the methods fit, predict, transform")
print(estimators["verbs"].value_counts().to_string(header=False))

does_both = estimators.index[estimators["verbs"] == "fit predict transform"]
print("\nEstimators that can both predict and transform")
print(textwrap.fill(", ".join(does_both), width=80))

# %% [markdown]
# **About one in ten.** Many of these hold other estimators. `Pipeline` and
# `GridSearchCV`, for example, can do what the estimators that they hold can do. Those
# with `fit` alone answer in other ways. `DBSCAN`, for example, groups the rows that it
# is fitted on, and has no answer for new ones.
#
# `KMeans` does both by itself. It sorts rows into groups. We give it the years of five
# movies of the lesson's table, and then a movie that it has not seen.

# %%
movies = {
    "The Crimson Machine": 1951,
    "The Burning Vow": 1972,
    "The Proud Lighthouse": 1964,
    "The Lonely Squad": 2004,
    "The Endless Squad": 2014,
}
years = pd.DataFrame({"year": movies})
kmeans = KMeans(n_clusters=2, n_init=10, random_state=0).fit(years)
print("\nThe group of each movie")
print(years.assign(group=kmeans.labels_).to_string())

new = pd.DataFrame({"year": {"The Wooden Suspect": 2010}})
print("\nA new movie")
print(new.to_string())
print("predict, its group:", kmeans.predict(new))
print(
    "transform, its distance to each group, in years:", kmeans.transform(new).round(1)
)

# %% [markdown]
# `fit` found an old and a new group; nobody told it where the old movies end. `predict`
# names the group of the new movie. `transform` replaces its year by two distances, to
# the mean year of each group; the shorter one is that to its own group. Most estimators
# give only one of these two kinds of answer.
#
# ## What an estimator says about itself
# Tags are facts that a program can read. `get_tags` returns those of one estimator;
# what it says of the input is in `input_tags`. First, we ask whether `Ridge` accepts
# sparse data. Then come the tags of four regressors, each with those that are true.

# %%
print("\nDoes Ridge accept sparse data?", get_tags(Ridge()).input_tags.sparse)
regressors = [
    "Ridge",
    "KNeighborsRegressor",
    "PLSRegression",
    "HistGradientBoostingRegressor",
]
print("\nTags of four regressors")
print(estimators.loc[regressors, ["tags"]].rename_axis(None).to_string())

# %% [markdown]
# Only one of the four accepts missing values. Its name does not say so, but its tags
# do. The exercise finds all such regressors.
#
# With the argument `all`, this chapter also prints all names with their tags.

# %%
if sys.argv[1:] == ["all"]:
    print("\nAll names")
    print(things.to_string(index=False))

# %% [markdown]
# **Try it:** run `python pillars/0_map.py all`, and compare the verbs of `KMeans`,
# `MeanShift` and `DBSCAN`. Which of them can name the group of a new movie?
#
# **Remember:** every estimator has `fit`; most answer by `predict` or by `transform`,
# few by both.
#
# Go on in scikit-learn's user guide:
# [Choosing the right estimator](https://scikit-learn.org/stable/machine_learning_map.html).
# The next chapter, `pillars/0_parts.py`, shows what estimators are built from.
#
# Exercise: `exercises/0_map.py`.
