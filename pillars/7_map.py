# %% [markdown]
# # 7 Map: what is in scikit-learn, and how much of it have you met?
#
# **You know**: many estimators, and what they are for. **You will see**: how many names
# there are, which kinds of answers estimators give, and how to ask one what it accepts.
# **Minutes**: 10.
#
# The chapters 1 to 6 were about six jobs that scikit-learn does. We call these jobs the
# *pillars*: preprocessing, feature selection, model selection, supervised and
# unsupervised learning, and utilities.
#
# Words: a *display* draws a result. A *splitter*, such as `KFold`, says which rows are
# for training and which for testing. A *tag* says what an estimator is, and which input
# it accepts: *sparse* data, for example, which stores only the values that are not 0.
#
# ## Which name for which question?
# Here are estimators of this course, and what to ask them.
#
# | question | estimators |
# |---|---|
# | What must a model beat? | `DummyRegressor`, `DummyClassifier` |
# | How many stars? | `Ridge`, `DecisionTreeRegressor`, `KNeighborsRegressor` |
# | Yes or no, with which probability? | `LogisticRegression` |
# | Which rows are alike? | `KMeans` |
# | Which rows are unusual? | `IsolationForest` |
# | How do we fill gaps, and scale columns? | `SimpleImputer`, `StandardScaler` |
# | How does a category become numbers? | `OneHotEncoder`, `TargetEncoder` |
# | Which features shall we keep? | `SelectKBest` |
# | How do we join steps? | `Pipeline`, `ColumnTransformer` |
# | Which settings are best? | `GridSearchCV`, `RandomizedSearchCV` |
#
# scikit-learn lists its own names, and `catalog.py` sorts them. *Met* means that the
# course imports the name. Here are five of them.

# %%
import sys
import textwrap

import drawing
import pandas as pd
import sklearn
from catalog import KINDS, PILLARS, public_names
from sklearn.linear_model import Ridge
from sklearn.utils import get_tags

things = public_names()
five = ["Ridge", "KMeans", "log_loss", "ConfusionMatrixDisplay", "KFold"]
facts = things.set_index("name").loc[five, ["kind", "pillar", "met"]]
print(facts.rename_axis(None).to_string())

# %% [markdown]
# ## The count
# Every public estimator, function, display and splitter of your version counts once.
#
# **Guess first:** how much of all this have you met?
#
# - about a tenth
# - about a third
# - more than half

# %%
counts = things.pivot_table(
    index="pillar", columns="kind", values="name", aggfunc="count", fill_value=0
)
counts = counts.loc[list(PILLARS), KINDS]
counts["all"] = counts.sum(axis=1)
counts["met"] = things.groupby("pillar")["met"].sum()
total = counts.sum().to_frame("all six").T
print(f"\nPublic names of scikit-learn {sklearn.__version__}; met: in this course")
print(pd.concat([counts, total]).to_string())

# %% [markdown]
# **About a tenth.** Look at the line `all six`. You need not know the others by heart:
# all estimators learn by `fit`, and most answer by `predict` or by `transform`.

# %%
n_all = len(things)
n_met = things["met"].sum()
title = f"You have met {n_met} (blue) of {n_all} public names"
figure, axes = drawing.new_picture(title, height=3.7)
if figure is not None:  # without matplotlib it is None, and nothing is drawn
    bars = axes.barh(counts.index, counts["all"], color="#CFCFCF")
    labels = [f"{seen} of {n}" for n, seen in zip(counts["all"], counts["met"])]
    axes.bar_label(bars, labels, padding=4)
    axes.barh(counts.index, counts["met"], color=drawing.BLUE)
    axes.invert_yaxis()
    axes.set(xticks=[], xlim=(0, 1.25 * counts["all"].max()), frame_on=False)
    drawing.save_picture(figure, "7_map.svg")

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
# `GridSearchCV`, for example, can do what the estimators that they hold can do.
# `KMeans` does both by itself: `predict` names the group of a row, and `transform`
# gives its distances to all groups.
#
# Those with `fit` alone answer in other ways. `DBSCAN`, for example, groups the rows
# that it is fitted on, and has no answer for new ones.
#
# ## What an estimator says about itself
# Tags are facts that a program can read. `get_tags` returns those of one estimator;
# what it accepts is in `input_tags`. First, we ask whether `Ridge` accepts sparse data.
# Then come the tags of four regressors, each with those that are true.

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
# **Try it:** run `python pillars/7_map.py all`, and compare the verbs of `KMeans`,
# `MeanShift` and `DBSCAN`. Which of them can name the group of a new movie?
#
# **Remember:** every estimator has `fit`; most answer by `predict` or by `transform`,
# few by both.
#
# Go on in scikit-learn's user guide:
# [Choosing the right estimator](https://scikit-learn.org/stable/machine_learning_map.html).
# The next chapter, `pillars/7_parts.py`, shows what estimators are built from.
#
# Exercise: `exercises/7_map.py`.
