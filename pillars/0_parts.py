# %% [markdown]
# # 0 Parts: what is an estimator built from, and how do you build one?
#
# **You know**: `fit`, `predict` and `transform`, and that a class can inherit from
# another. **You will see**: the few parts that all estimators share; a transformer of
# your own from the same parts; what scikit-learn's own checks say about it.
# **Minutes**: 15.
#
# Words: a *mixin* is a small class that adds one ability to the classes that inherit
# from it. A *tag* says what an estimator is, and which input it accepts.

# %%
import inspect

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
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.discovery import all_estimators
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted, validate_data

# %% [markdown]
# ## The parts
# We ask the classes themselves what each part gives: its public methods, the tag that
# it sets, and how many of the public estimators inherit from it. (We do not need
# `get_metadata_routing`: it is for input beside `X` and `y`.)

# %%
MIXINS = [TransformerMixin, RegressorMixin, ClassifierMixin, ClusterMixin]
estimators = [estimator for _, estimator in all_estimators()]
rows = {}
for part in [BaseEstimator, *MIXINS]:
    # The smallest class with this part. A mixin is written before BaseEstimator.
    bases = (BaseEstimator,)
    if part in MIXINS:
        bases = (part, BaseEstimator)
    smallest = type("Smallest", bases, {})
    tags = get_tags(smallest())
    tag = tags.estimator_type or ""
    if tags.transformer_tags is not None:
        tag = "transformer"
    rows[part.__name__] = {
        "gives": [name for name in dir(part) if not name.startswith("_")],
        "tag": tag,
        "estimators": sum(issubclass(estimator, part) for estimator in estimators),
    }
parts = pd.DataFrame(rows).T
print(parts.assign(gives=parts["gives"].str.join(", ")).to_string())

# %% [markdown]
# `get_params` finds the names of the parameters in the signature of `__init__`. That is
# why `__init__` only stores its arguments, under the same names. `clone` makes a new
# object with the same parameters, but without anything learned: cross-validation clones
# the model for every fold.
#
# A *meta-estimator* is an estimator that holds others. Of what it holds, it needs the
# methods above, and those that you write: `fit`, and `transform` or `predict`. So it
# can hold your own estimator.

# %%
held_by = {}
for holder in [Pipeline, ColumnTransformer, GridSearchCV]:
    first_parameter = next(iter(inspect.signature(holder).parameters))
    held_by[holder.__name__] = first_parameter
    print(f"{holder.__name__} holds others in its parameter {first_parameter!r}.")

# %% [markdown]
# ## A transformer of your own
# It clips each column to the range that is usual in the training rows, so that a few
# wrong values, such as the year 9999, mislead a linear model less. The names of what
# `fit` learns end in `_`, and `fit` returns the object. First a version that does not
# check its input:
#
# **Guess first:** how many of scikit-learn's checks does it fail?


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


def count_failures(estimator):
    """Print how many of scikit-learn's own checks an estimator fails."""
    results = check_estimator(estimator, on_skip=None, on_fail=None)
    statuses = [check["status"] for check in results]
    n_run = len(statuses) - statuses.count("skipped")
    n_failed = statuses.count("failed")
    print(f"{type(estimator).__name__} fails {n_failed} of {n_run} checks")

    failed = [check for check in results if check["status"] == "failed"]
    if failed:
        print("The first four:")
    for check in failed[:4]:
        print("   ", check["check_name"])


count_failures(FirstAttempt())

people = pd.DataFrame({"age": [20, 30, 40], "year": [1990, 2000, 2010]})
in_another_order = people[["year", "age"]]
clipped = FirstAttempt().fit(people).transform(in_another_order)
print(f"A person of {in_another_order.loc[1].to_dict()}")
print(f"becomes     {clipped.loc[1].to_dict()}")

# %% [markdown]
# It works on clean data. But it accepts a table with gaps, or with its columns in
# another order: here it clips the year to the range of the age. Where it does raise an
# error, the message does not say what is wrong. Two functions mend that.
# `validate_data` refuses values that cannot be computed with (gaps, text, complex
# numbers) and turns the table into an array. In `fit` it also stores the number and the
# names of the columns; with `reset=False` it compares them. `check_is_fitted` raises
# the usual error if `fit` has not been called.


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
    ClipToTraining().fit(people).transform(in_another_order)
except ValueError as error:
    first_line = str(error).splitlines()[0]
    print(f"Columns in another order: {first_line}")

# %% [markdown]
# ## It works in a pipeline and in a search
# A pipeline holds it, and a search holds the pipeline. The search writes the parameter
# as the name of the step and that of the parameter, joined by two underscores. One year
# in twenty is not known here, and somebody wrote 9999 in its place.

# %%
rng = np.random.default_rng(0)
years = rng.normal(2000, 10, (400, 1))
stars = 3 + (years[:, 0] - 2000) / 10 + rng.normal(0, 0.1, 400)
years[::20] = 9999

pipeline = Pipeline([("clip", ClipToTraining()), ("ridge", Ridge())])
search = GridSearchCV(pipeline, {"clip__quantile": [0.0, 0.01, 0.1]})
search.fit(years, stars)
for quantile, r2 in zip([0.0, 0.01, 0.1], search.cv_results_["mean_test_score"]):
    print(f"clip__quantile={quantile}: R2 {r2:.2f}")
chosen = search.best_estimator_["clip"]
print("(One row in twenty is wrong, so the 99 % quantile is still 9999.)")
print("The chosen transformer has the attributes", list(vars(chosen)))
print("Its clone has", list(vars(clone(chosen))), "with the value", chosen.quantile)

# %%
title = "Inherit from two classes, write two methods: it works like scikit-learn's own"
figure, axes = drawing.new_picture(title, height=7.4)
if figure is not None:
    numbers = parts["estimators"]
    names = ", ".join(parts.loc["BaseEstimator", "gives"][1:])
    lines = [
        f"BaseEstimator: all {numbers['BaseEstimator']}",
        f"{names} (for clone), tags",
    ]
    drawing.draw_box(axes, 0, 6.6, 10, lines, "#DCEBF5", drawing.BLUE)
    for place, mixin in enumerate(MIXINS):
        name = mixin.__name__
        lines = [name, "+ " + ", ".join(parts.loc[name, "gives"])]
        lines.append(f"{numbers[name]} estimators")
        left = 5.1 * (place % 2)
        bottom = 4.9 - 1.65 * (place // 2)
        drawing.draw_box(axes, left, bottom, 4.9, lines)
    lines = ["yours(TransformerMixin, BaseEstimator)", "you write: fit, transform"]
    drawing.draw_box(axes, 0.8, 1.75, 8.4, lines, "#FBE6D8", drawing.ORANGE)
    lines = ["What holds estimators holds yours, too:"]
    lines += [f"{name}({parameter}=...)" for name, parameter in held_by.items()]
    drawing.draw_box(axes, 0, -0.65, 10, lines, "#DCEBF5", drawing.BLUE)
    arrow = {"arrowstyle": "-|>", "linewidth": 2.5, "color": drawing.ORANGE}
    axes.annotate("", (8.7, 1.2), (8.7, 1.75), arrowprops=arrow)
    axes.set(xlim=(-0.05, 10.05), ylim=(-0.7, 7.7))
    axes.axis("off")
    drawing.save_picture(figure, "0_parts.svg")

# %% [markdown]
# **Try it:** leave `check_is_fitted` out of `ClipToTraining`. Which check fails then?
#
# **Remember:** an estimator is made of a few shared parts and its own `fit`; if yours
# is made of the same parts, it works wherever scikit-learn's own do.
#
# Go on in scikit-learn's user guide: "Developing scikit-learn estimators". Exercise:
# `exercises/0_parts.py`.
