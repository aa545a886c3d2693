# %% [markdown]
# # 0 Job: what does the usual program look like?
#
# **You know**: training rows and test rows, `fit` and `predict`, the mean as baseline,
# and five folds. **You will see**: a real table with gaps and a category, from the
# first look to the prediction for a new patient. All of it is one program of 30 lines
# at the end, which you can copy for a table of your own. **Minutes**: 25.
#
# Words: a *gap* is a value that is missing; pandas shows it as NaN. A *category* says
# of which kind a row is. A *transformer* turns columns into other columns: it learns
# with `fit`, and works with `transform`. A *setting*, such as the `alpha` of a ridge,
# is chosen before the training. (Later chapters call it a *hyperparameter*.)
#
# ## Look at the table
# The table comes with scikit-learn. Each row is a patient with diabetes. The columns
# are the age in years, the sex, the body mass index (`bmi`, weight in kg / height² in
# m²), the mean blood pressure (`bp`), and six measures of the blood (`s1` to `s6`). The
# target says how far the disease had progressed a year later, in points.
#
# These are real patients: nobody knows the law behind them, nor the noise floor. So
# nobody can say how good a model could be here. (That is why the other chapters use a
# table whose law is known.)
#
# The table has no gaps, but usual tables do. So we take away a tenth of `bmi`.

# %%
import drawing
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes
from sklearn.dummy import DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

table = load_diabetes(as_frame=True, scaled=False).frame
gaps = table.sample(frac=0.1, random_state=0).index
table.loc[gaps, "bmi"] = np.nan
print(f"{len(table)} patients. The first three, and what is in each column")
print(table.head(3).to_string(index=False))

facts = pd.DataFrame({"gaps": table.isna().sum(), "different values": table.nunique()})
print()
print(facts.to_string())

# %% [markdown]
# Two lines of the table need a decision:
#
# - `bmi` has 44 gaps. The models here cannot compute with gaps, so something must be
#   put there.
# - `sex` has two values, 1 and 2. They are names, not amounts: a category, although
#   they look like numbers. pandas cannot know this; you must say it.
#
# (To know the columns we have looked at all rows. But nothing is chosen by how the
# target depends on them.)
#
# ## Hide the test rows
# A fifth of the patients are the test rows. Nobody touches them until the end.

# %%
X = table.drop(columns="target")
y = table["target"]
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.2, random_state=42
)
print(f"\n{len(X_train)} training rows, {len(X_test)} test rows")

# %% [markdown]
# ## Prepare the columns
# Numbers and categories need different preparations:
#
# - An *imputer* fills gaps. `SimpleImputer(strategy="median")` learns the *median* of
#   each column, the value in the middle: half of the others are smaller, and half are
#   larger. It puts the median into the gaps.
# - A *scaler* brings columns to one scale. `StandardScaler` takes off the mean, and
#   divides by the standard deviation, which says how far the values typically lie from
#   their mean. A ridge keeps all its weights small alike. Without a scaler, it would
#   matter whether a height is in metres or in miles.
# - `OneHotEncoder` makes a column of 0 and 1 for each kind. (If a category has gaps, it
#   makes a column for them, too.)
#
# A `Pipeline` puts steps one after the other: first fill, then scale. A
# `ColumnTransformer` puts them side by side: each gets the columns that you list for
# it. In both, every part has a name of your choice. (Everything here is scikit-learn's;
# only `drawing.py`, which makes the pictures, belongs to this course.)

# %%
numbers = X.columns.drop("sex")
fill_and_scale = Pipeline(
    [("fill", SimpleImputer(strategy="median")), ("scale", StandardScaler())]
)
one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
prepare = ColumnTransformer(
    [("numbers", fill_and_scale, numbers), ("categories", one_hot, ["sex"])]
)
prepare.set_output(transform="pandas")  # so that we can look at a table

prepared = prepare.fit_transform(X_train)
some = [17, 137, 360]  # three patients; the last one has a gap
print("\nBefore the preparation")
print(X_train.loc[some, ["age", "bmi", "sex"]])
print("... and after it")
print(prepared.loc[some, ["numbers__age", "numbers__bmi"]].round(2))
print(prepared.loc[some, ["categories__sex_1.0", "categories__sex_2.0"]])

# %% [markdown]
# The last row had a gap: now it has the median, which is a little below the mean, so it
# became a number a little below 0. (In these columns, 1 is one standard deviation above
# the mean.) The sex has become two columns, so that there are eleven in all.
#
# All this was learned: medians, means, standard deviations, and which kinds there are.
# So it must be learned from training rows only. Therefore the preparation and the model
# become one pipeline, and whoever fits it fits both.
#
# ## What do the features bring?
# We compare three models in five folds of the training rows: the mean, a ridge that
# sees only `bmi`, and a ridge that sees all ten columns. (`cv=5` asks for
# five folds.)
#
# **Guess first:** always answering the mean has an RMSE of 78 points. How large is that
# of the ridge with all ten columns?
#
# - about 56 points
# - about 35 points
# - about 10 points

# %%
RMSE = "neg_root_mean_squared_error"  # scikit-learn's name: minus the RMSE
model = Pipeline([("prepare", prepare), ("model", Ridge())])
bmi_model = Pipeline([("prepare", fill_and_scale), ("model", Ridge())])
models = {
    "the mean": (DummyRegressor(), X_train),
    "bmi alone": (bmi_model, X_train[["bmi"]]),
    "all columns": (model, X_train),
}
errors = {}  # of each model, in five folds
print("\nRMSE in points, in five folds")
for name, (candidate, columns) in models.items():
    errors[name] = -cross_val_score(candidate, columns, y_train, cv=5, scoring=RMSE)
    print(f"{name:12}{errors[name].round(1)}, mean {errors[name].mean():.1f}")

# %% [markdown]
# **About 56 points.** What is left is noise, or something that no column says or no
# ridge learns: without the law, nobody can tell. But in every fold, `bmi` alone is
# better than the mean, and all columns are better than `bmi` alone.

# %%
title = "One feature is better than the mean, and ten are better than one"
figure, axes = drawing.new_picture(title, height=3.2)
if figure is not None:  # without matplotlib it is None, and nothing is drawn
    places = np.arange(len(errors))
    colors = [drawing.GREY, drawing.ORANGE, drawing.BLUE]
    for place, color, in_folds in zip(places, colors, errors.values()):
        mean = in_folds.mean()
        axes.plot(in_folds, [place] * 5, "o", color=color, markersize=8, alpha=0.6)
        axes.plot([mean, mean], [place - 0.25, place + 0.25], color=color)
        axes.text(mean, place - 0.3, f"{mean:.0f}", ha="center", color=color)
    axes.set(yticks=places, yticklabels=errors, ylim=(2.5, -0.7))
    axes.set(xlabel="RMSE in points: the five folds, and their mean")
    drawing.save_picture(figure, "0_job.svg")

# %% [markdown]
# ## Let a search choose the settings
# Our pipeline has settings: how strongly the ridge keeps its weights near 0 (`alpha`),
# and with what the gaps are filled. Two underscores lead from a step to what is inside
# it: `model__alpha` is the `alpha` of the step `model`.
#
# `GridSearchCV` tries every combination of the values that we list. Each combination is
# a *candidate*, and is scored in five folds of the training rows. Then the search
# trains the best candidate on all training rows.
#
# **Guess first:** above, with `alpha=1` and the median, the RMSE was 56.1. How much
# smaller is it for the best of ten candidates?
#
# - less than 0.1 points smaller
# - about 1 point smaller
# - about 5 points smaller

# %%
grid = {
    "model__alpha": [0.1, 1, 10, 100, 1000],
    "prepare__numbers__fill__strategy": ["median", "mean"],
}
search = GridSearchCV(model, grid, cv=5, scoring=RMSE)
search.fit(X_train, y_train)
print("\nbest_params_:", search.best_params_)
print(f"RMSE of the best: {-search.best_score_:.3f}")

print("\nAll candidates, with their RMSE")
results = search.cv_results_
for candidate, score in zip(results["params"], results["mean_test_score"]):
    print(f"{-score:.3f}  {candidate}")

# %% [markdown]
# **Less than 0.1 points smaller.** `best_params_` always names a winner, even where, as
# here, six candidates are as good as equal. But the two with an `alpha` of 1000 are far
# behind: such a ridge keeps its weights so near to 0 that little of the features is
# left.
#
# Are these differences luck? A first test is to look at each fold. What is better for a
# reason should be better in all or most of them. We begin with the ridge above, which
# has an `alpha` of 1 and the median, and change one setting at a time.

# %%
settings = {
    "alpha 1000 instead of 1": {"model__alpha": 1000},
    "alpha 10 instead of 1": {"model__alpha": 10},
    "mean instead of median": {"prepare__numbers__fill__strategy": "mean"},
}
changes = {
    "bmi instead of the mean": errors["bmi alone"] - errors["the mean"],
    "all columns instead of bmi": errors["all columns"] - errors["bmi alone"],
}
for name, setting in settings.items():
    # `clone` makes a new model with the same settings; then one of them is changed.
    changed = clone(model).set_params(**setting)
    in_folds = -cross_val_score(changed, X_train, y_train, cv=5, scoring=RMSE)
    changes[name] = in_folds - errors["all columns"]

print("\nChange of the RMSE in points, in five folds (below 0 is better)")
for name, change in changes.items():
    print(f"{name:28}{change.round(2)}")

# %% [markdown]
# The first two changes lower the RMSE in all five folds, and an `alpha` of 1000 raises
# it in all five, by points. The last two lower it in some folds and raise it in others,
# by tenths: here nobody can say which value is better, and it hardly matters. So on
# this table it pays to use all columns, and of the two settings it only matters that
# `alpha` is not far too large. On another
# table this may be different, and a search tells. (`pillars/3_model_selection.py`
# compares models in folds with more care.)
#
# ## The test rows, once
# Everything is chosen. Now, and only now, we look at the test rows. `search.predict`
# uses the best candidate.
#
# **Guess first:** there are 89 test rows. With 89 other patients, how far would the
# RMSE of this model typically move?
#
# - by about 0.4 points
# - by about 4 points
# - by about 40 points

# %%
predicted = search.predict(X_test)
rmse = root_mean_squared_error(y_test, predicted)
always_mean = np.full(len(y_test), y_train.mean())
dummy_rmse = root_mean_squared_error(y_test, always_mean)
squares = (y_test - predicted) ** 2
standard_error = squares.sem() / (2 * rmse)  # the next chapter explains this line
print(f"\nRMSE on {len(y_test)} test rows: {rmse:.1f} ± {standard_error:.1f} points")
print(f"The mean on the same rows: {dummy_rmse:.1f} points")

# %% [markdown]
# **By about 4 points.** The number after ± is the *standard error*: how far the figure
# would typically move with other rows. The next chapter shows where it comes from.
#
# In the folds, the RMSE was 56.1. On the test rows it is smaller, but by less than the
# standard error, so this need not mean anything. The mean does better here, too: 73.2
# instead of 78.0. These patients may be a little easier.
#
# Resist the wish to go back and try more settings now. If the test rows help to choose,
# their figure is no longer that of unseen rows. The exercise shows what happens.
#
# ## A new patient, with a gap
# The whole pipeline is in `search`. So a new row comes as a table with the same
# columns, and may have gaps. This patient's blood pressure is missing.

# %%
patient = pd.DataFrame({"age": [45], "sex": [2], "bmi": [31.5], "bp": [np.nan]})
patient = patient.assign(s1=190.0, s2=115.0, s3=45.0, s4=4.0, s5=4.9, s6=95.0)
mean_bp = X_train["bp"].mean()
print(f"\nPrediction: {search.predict(patient)[0]:.1f} points")
print(f"With bp={mean_bp:.1f}: {search.predict(patient.assign(bp=mean_bp))[0]:.1f}")

# %% [markdown]
# In training, `bp` had no gaps. The imputer has learned its mean anyway, so the two
# predictions are the same.
#
# ## The usual program
# Here is all of it, without the looking around. For a table of your own, import pandas,
# and change the two lines that make the table, the name of the target, and the list of
# categories. Leave out columns that only name a row, such as an id.

# %%
"""The usual program: it learns from a table with gaps and categories."""
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

table = load_diabetes(as_frame=True, scaled=False).frame  # yours: pd.read_csv("my.csv")
table.loc[table.sample(frac=0.1, random_state=0).index, "bmi"] = None  # leave this out
X, y = table.drop(columns="target"), table["target"]
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.2, random_state=42
)
categories = ["sex"]
numbers = X.columns.drop(categories)
fill_and_scale = Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())])
one_hot = OneHotEncoder(handle_unknown="ignore")
parts = [("numbers", fill_and_scale, numbers), ("categories", one_hot, categories)]
model = Pipeline([("prepare", ColumnTransformer(parts)), ("model", Ridge())])
grid = {"model__alpha": [0.1, 1, 10, 100, 1000]}
grid["prepare__numbers__fill__strategy"] = ["median", "mean"]
search = GridSearchCV(model, grid, cv=5, scoring="neg_root_mean_squared_error")
search.fit(X_train, y_train)
print("\nThe usual program:", search.best_params_)
always_mean = [y_train.mean()] * len(y_test)
print(f"The mean: {root_mean_squared_error(y_test, always_mean):.1f}")
print(f"RMSE: {root_mean_squared_error(y_test, search.predict(X_test)):.1f}")

# %% [markdown]
# It prints the same RMSE as above. Two warnings for your own table. If some rows belong
# together, such as several visits of one patient, a random split may be too kind:
# `pillars/3_model_selection.py` splits by groups. And if your target is a yes or no,
# you need a classifier: `pillars/4_threshold.py`.
#
# **Try it:** a search can choose the model, too: the step `model` is a setting like any
# other. Let it also try a forest, which is the mean of many decision trees. Is it
# better than the ridge on this table?
#
# **Remember:** hide test rows, put everything that learns into one pipeline, let a
# search choose settings on the training rows, and look at the test rows once.
#
# Go on in scikit-learn's user guide: [Pipelines and composite
# estimators](https://scikit-learn.org/stable/modules/compose.html), with the
# [ColumnTransformer](https://scikit-learn.org/stable/modules/compose.html#column-transformer),
# and [Tuning the hyper-parameters of an
# estimator](https://scikit-learn.org/stable/modules/grid_search.html). The next
# chapter, `pillars/0_luck.py`, shows how far luck moves a figure.
#
# Exercise: `exercises/0_job.py`.
