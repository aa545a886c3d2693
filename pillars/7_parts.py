# %% [markdown]
# # 7 Parts: what is an estimator built from, and how do you build one?
#
# **You know**: pipelines and searches, and that a class can inherit from another. **You
# will see**: the few parts that all estimators share; a transformer of your own from
# the same parts; what scikit-learn's own checks say about it. **Minutes**: 20.
#
# Words: a *mixin* is a small class that adds one ability to the classes that inherit
# from it. A *tag* says what an estimator is, and which input it accepts. The *quantile*
# 0.01 of a column is the value that a hundredth of the column's values are below.

# %%
import drawing
import numpy as np
import pandas as pd
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClusterMixin,
    RegressorMixin,
    TransformerMixin,
    clone,
)
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.discovery import all_estimators
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted, validate_data

# %% [markdown]
# ## The parts
# We ask each part which public methods it gives, and how many of scikit-learn's
# estimators inherit from it.

# %%
MIXINS = [TransformerMixin, RegressorMixin, ClassifierMixin, ClusterMixin]
estimators = [estimator for _, estimator in all_estimators()]
rows = {}
for part in [BaseEstimator, *MIXINS]:
    methods = [name for name in dir(part) if not name.startswith("_")]
    heirs = [estimator for estimator in estimators if issubclass(estimator, part)]
    rows[part.__name__] = {"methods": ", ".join(methods), "estimators": len(heirs)}
parts = pd.DataFrame(rows).T
print(f"The methods of each part, and how many of {len(estimators)} estimators have it")
print(parts.to_string())
print("\nA tag that Ridge has from RegressorMixin:", get_tags(Ridge()).estimator_type)

# %% [markdown]
# All estimators inherit from `BaseEstimator`, and most from one or two of these mixins.
# The table is short, and `fit`, `predict` and `transform` are not in it: they differ
# from estimator to estimator. `get_metadata_routing` is for input beside `X` and `y`;
# we do not need it.
#
# A mixin also sets a tag, such as "regressor" or "classifier". Other code asks for it:
# if the model is a classifier, `GridSearchCV` makes folds that all have about the same
# share of each class.
#
# `get_params` finds the names of the parameters in the signature of `__init__`. That is
# why `__init__` only stores its arguments, under the same names. `clone` makes a new
# object with the same parameters, but without anything learned: cross-validation clones
# the model for every fold.
#
# ## A transformer of your own
# It clips each column to the range that is usual in the training rows, so that a few
# wrong values, such as the year 9999, mislead a linear model less. The names of what
# `fit` learns end in `_`, and `fit` returns the object. We begin with a version that
# does not check its input. The function `count_failures` runs scikit-learn's own
# checks, `check_estimator`.
#
# **Guess first:** how many of scikit-learn's 40 to 50 checks does it fail?
#
# - none
# - about a quarter
# - more than half


# %%
class FirstAttempt(TransformerMixin, BaseEstimator):
    """Clip each column to what is usual in the training rows."""

    def __init__(self, quantile=0.01):
        self.quantile = quantile

    def fit(self, X, y=None):
        self.low_ = np.quantile(X, self.quantile, axis=0)
        self.high_ = np.quantile(X, 1 - self.quantile, axis=0)
        return self

    def transform(self, X):
        return np.clip(X, self.low_, self.high_)


# Three of the checks, whose names we print if they fail.
EXAMPLES = ["check_estimators_nan_inf", "check_fit1d", "check_n_features_in"]


def count_failures(estimator):
    """Print how many of scikit-learn's own checks an estimator fails."""
    results = check_estimator(estimator, on_skip=None, on_fail=None)
    run = [check for check in results if check["status"] != "skipped"]
    failed = [c["check_name"] for c in results if c["status"] == "failed"]
    print(f"\n{type(estimator).__name__} fails {len(failed)} of {len(run)} checks")
    for name in EXAMPLES:
        if name in failed:
            print(f"    {name}")


count_failures(FirstAttempt())

# %% [markdown]
# **About a quarter.** Three of them are printed. `check_estimators_nan_inf` gives it a
# table with a gap, and wants an error. `check_fit1d` gives it one flat list of numbers,
# and wants an error, too. `check_n_features_in` wants it to remember how many columns
# it had.
#
# It works on clean data, so why should we care? Here are three movies, and the same
# three with the columns in another order.

# %%
movies = pd.DataFrame(
    {"year": [1992, 2004, 2010], "stars": [3.0, 1.5, 2.5]},
    index=["The Gentle Accomplice", "The Lonely Squad", "The Wooden Suspect"],
)
other_order = movies[["stars", "year"]]
first = FirstAttempt().fit(movies)
print("\nClipped, columns as in fit")
print(first.transform(movies).round(1).to_string())
print("\nClipped, columns in another order")
print(first.transform(other_order).round(1).to_string())

# %% [markdown]
# The second table has movies with about two thousand stars, made in the year 3. The
# stars were clipped to the range of the years, and no error told us. Most of the failed
# checks are about other input that it should refuse by a clear message.
#
# Two functions mend that. `validate_data` refuses values that we cannot compute with
# (gaps, text, complex numbers) and turns the table into an array. In `fit` it also
# stores the number and the names of the columns; with `reset=False` it compares them.
# `check_is_fitted` raises the usual error if `fit` has not been called.


# %%
class ClipToTraining(TransformerMixin, BaseEstimator):
    """Clip each column to what is usual in the training rows."""

    def __init__(self, quantile=0.01):
        self.quantile = quantile

    def fit(self, X, y=None):
        X = validate_data(self, X)
        self.low_ = np.quantile(X, self.quantile, axis=0)
        self.high_ = np.quantile(X, 1 - self.quantile, axis=0)
        return self

    def transform(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return np.clip(X, self.low_, self.high_)


count_failures(ClipToTraining())
try:
    ClipToTraining().fit(movies).transform(other_order)
except ValueError as error:
    print("Columns in another order:", str(error).splitlines()[0])

# %% [markdown]
# With three more lines, no check fails, and the columns in another order are refused.
# But the checks cannot find every mistake, and they do not know what your transformer
# is for. Whether it clips at the right values is for your own tests to say.
#
# ## It works in a pipeline and in a search
# A *meta-estimator* holds other estimators. It calls your `fit` and `transform` and
# what you have inherited, such as `set_params`, and needs nothing else of you. So it
# can hold your estimator, too. Here a pipeline holds it, and a search holds the
# pipeline.
#
# The stars in this table depend on the year, and on little else. But one year in twenty
# is not known, and somebody wrote 9999 in its place. The search tries three quantiles;
# with 0.0, nothing is clipped.
#
# **Guess first:** what R2 does the ridge get in cross-validation if nothing is clipped?
#
# - about 0
# - about 0.5
# - about 0.9

# %%
rng = np.random.default_rng(0)
years = rng.normal(2000, 10, (400, 1))
stars = 3 + (years[:, 0] - 2000) / 10 + rng.normal(0, 0.1, 400)
years[::20] = 9999

quantiles = [0.0, 0.01, 0.1]
pipeline = Pipeline([("clip", ClipToTraining()), ("ridge", Ridge())])
search = GridSearchCV(pipeline, {"clip__quantile": quantiles}).fit(years, stars)
print("\nR2 in cross-validation (1 is perfect, 0 is always the mean)")
for quantile, r2 in zip(quantiles, search.cv_results_["mean_test_score"]):
    print(f"clip__quantile={quantile}: R2 {r2:.2f}")

chosen = search.best_estimator_["clip"]
print("\nAttributes of the chosen transformer:", list(vars(chosen)))
print("Attributes of its clone:", list(vars(clone(chosen))))
print("The clone's quantile:", clone(chosen).quantile)

# %% [markdown]
# **About 0.** A few wrong years are enough: the ridge is no better than the mean.
# Clipping a hundredth at each end does not help, because one row in twenty is wrong,
# and the upper limit is still 9999. With a tenth, the limit is a true year. So the
# search chooses 0.1. The clone has the same parameter, and nothing that was learned.

# %%
title = (
    "Inherit from two classes, write two methods that check their input: "
    "it works like scikit-learn's own"
)
figure, axes = drawing.new_picture(title, height=7.4)
if figure is not None:
    numbers = parts["estimators"]
    lines = [
        f"BaseEstimator: all {numbers['BaseEstimator']}",
        "get_params, set_params (for clone), tags",
    ]
    drawing.draw_box(axes, 0, 6.6, 10, lines, "#DCEBF5", drawing.BLUE)
    for place, mixin in enumerate(MIXINS):
        name = mixin.__name__
        lines = [
            name,
            f"+ {parts.loc[name, 'methods']}",
            f"{numbers[name]} estimators",
        ]
        left = 5.5 * (place % 2)  # a gap in the middle for the arrow
        bottom = 3.25 + 1.65 * (place // 2)  # the first two are the lower ones
        drawing.draw_box(axes, left, bottom, 4.5, lines)
    lines = ["yours(TransformerMixin, BaseEstimator)", "you write: fit, transform"]
    drawing.draw_box(axes, 0.8, 1.75, 8.4, lines, "#FBE6D8", drawing.ORANGE)
    lines = [
        "What holds estimators holds yours, too:",
        "Pipeline(steps=...)",
        "ColumnTransformer(transformers=...)",
        "GridSearchCV(estimator=...)",
    ]
    drawing.draw_box(axes, 0, -0.65, 10, lines, "#DCEBF5", drawing.BLUE)
    arrow = {"arrowstyle": "-|>", "linewidth": 2.5, "color": drawing.ORANGE}
    for end, start in [
        ((5, 2.79), (5, 6.6)),  # from BaseEstimator, between the mixins
        ((2.4, 2.79), (2.4, 3.25)),  # from TransformerMixin
        ((5, 1.2), (5, 1.75)),
    ]:
        axes.annotate("", end, start, arrowprops=arrow)
    axes.set(xlim=(-0.05, 10.05), ylim=(-0.7, 7.7))
    axes.axis("off")
    drawing.save_picture(figure, "7_parts.svg")

# %% [markdown]
# **Try it:** leave `check_is_fitted` out of `ClipToTraining`. Does a check fail? What
# is the error now if you call `transform` before `fit`?
#
# **Remember:** an estimator is made of a few shared parts and its own `fit`; if yours
# has the same parts and passes scikit-learn's checks, pipelines and searches can use it
# like scikit-learn's own.
#
# Go on in scikit-learn's user guide:
# [Developing scikit-learn estimators](https://scikit-learn.org/stable/developers/develop.html).
#
# Exercise: `exercises/7_parts.py`.
