# %% [markdown]
# # 1 Preprocessing: who needs the scaler?
#
# **You know**: `fit` learns, `predict` answers, a `Pipeline` puts steps in a row. **You
# will see**: the same pipeline with and without its scaler; how missing ages are
# filled; the same averages computed by us and by scikit-learn. **Minutes**: 15.
#
# A *scaler* brings every feature to mean 0 and standard deviation 1. Without it, a
# distance between two movies counts ten years more than the whole scale of ratings,
# from 1 to 5 stars.
#
# Words: *forest* and *boosting* are models made of decision trees. *Least squares* is
# the plain linear model. *Ridge* adds a penalty, `alpha`, on large weights. *SGD* finds
# the weights of a linear model in small steps, row by row.

# %%
import drawing
import numpy as np
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, Ridge, SGDRegressor
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import TargetEncoder

from lesson_code import (
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
)

table = MovieRecommendationDataset(n_ratings=20_000).generate()
train, test = train_test_split(table, test_size=0.2, random_state=42)


def error(model):
    """Return the RMSE on the test rows: the typical error, in stars."""
    model.fit(train, train["rating"])
    return root_mean_squared_error(test["rating"], model.predict(test))


dummy_error = error(DummyRegressor())
print(
    "First the dummy, which always answers the mean rating: "
    f"RMSE {dummy_error:.3f} stars"
)

# %% [markdown]
# ## The same models without and with the scaler
# `set_params(scaler="passthrough")` takes a step out of a pipeline.
#
# **Guess first:** which of the five models get worse without their scaler?

# %%
models = {
    "nearest neighbours": KNeighborsRegressor(50),
    "linear (ridge)": "linear",
    "forest": "forest",
    "boosting": "boosting",
    "linear (SGD)": SGDRegressor(random_state=0),
}
rows = {}
for name, model in models.items():
    pipeline = SklearnEcosystemPipeline(model=model).build_pipeline()
    with_scaler = error(pipeline)
    pipeline.set_params(scaler="passthrough")
    rows[name] = {"without": error(pipeline), "with scaler": with_scaler}
errors = pd.DataFrame(rows).T

print(errors.to_string(float_format="%.3f"))

raw = UserMovieFeatureTransformer().fit(train).transform(test)
spread = raw.drop(columns=["user_id", "movie_id"]).std().sort_values(ascending=False)
largest = ", ".join(f"{name} {std:.0f}" for name, std in spread[:4].items())
print(f"\nThe largest standard deviations of features: {largest};")
print(f"of an average rating: {spread['user_avg_rating']:.1f}")
print("Nearest neighbours measure distance: without the scaler, the features with")
print("large numbers decide which rows are near.")
print("Trees only ask whether a value is above a threshold: scaling moves both.")

# %% [markdown]
# ## What the figure of SGD hides, and what ridge does with a strong penalty
# The lesson's pipeline clips predictions to the scale of the ratings, from 1 to 5. We
# look at the predictions before they are clipped.

# %%
model = SGDRegressor(random_state=0)
pipeline = SklearnEcosystemPipeline(model=model).build_pipeline()
pipeline.set_params(scaler="passthrough").fit(train)
features = pipeline[:-1].transform(test)
unclipped = np.median(pipeline["model"].predict(features))
clipped = np.median(pipeline.predict(test))
print(
    f"SGD without scaler: typical answer {unclipped:.0e} stars, clipped to {clipped:g}."
)
print(
    "With such large numbers its steps are too long, and the error grows from step to "
    "step: it diverges."
)

models = {"least squares": LinearRegression()}
for alpha in (1, 1000, 100_000):
    models[f"ridge, alpha={alpha}"] = Ridge(alpha)
rows = {}
for name, model in models.items():
    pipeline = SklearnEcosystemPipeline(model=model).build_pipeline().fit(train)
    scaled = pipeline.predict(test)
    pipeline.set_params(scaler="passthrough").fit(train)
    unscaled = pipeline.predict(test)
    rows[name] = {
        "without": root_mean_squared_error(test["rating"], unscaled),
        "with scaler": root_mean_squared_error(test["rating"], scaled),
        "largest change of a prediction": np.abs(scaled - unscaled).max(),
    }
print(pd.DataFrame(rows).T.to_string(float_format="%.3f"))
print("Least squares gives the same predictions: a smaller weight makes up for larger")
print("numbers.")
print("Ridge does not: its penalty is on the weights, so it depends on the units. Here")
print("predictions change by up to a quarter of a star, the RMSE by less than 0.01.")
print("Only after scaling does the same `alpha` mean the same for every feature.")

# %%
title = "Without the scaler, nearest neighbours are little better than the mean"
figure, axes = drawing.new_picture(title, height=4)
if figure is not None:
    near = errors.loc["nearest neighbours"]
    others = errors.drop(["nearest neighbours", "linear (SGD)"])
    axes.axhline(dummy_error, color="black", linestyle=":")
    axes.plot([0, 1], others.T, "o-", color=drawing.GREY)
    axes.plot([0, 1], near, "o-", color=drawing.ORANGE)

    axes.text(0.5, dummy_error + 0.005, "always the mean", ha="center")
    axes.text(0.5, near.mean() + 0.01, "nearest neighbours", color=drawing.ORANGE)
    below = others.mean().mean() - 0.02
    axes.text(0.5, below, "ridge, forest, boosting", ha="center", color="#606060")

    axes.set(xticks=[0, 1], xticklabels=["without scaler", "with scaler"])
    axes.set(xlim=(-0.3, 1.3), ylabel="RMSE (stars)", ylim=(0.83, 1.06))
    drawing.save_picture(figure, "1_preprocessing.svg")

# %% [markdown]
# ## Missing values
# We remove the ages of a third of the users. The gaps are filled *inside* the pipeline,
# with the median of the training rows. The *law* of the table is the formula that made
# its ratings.

# %%
gaps = table["user_id"] % 3 == 0
holes = table.assign(user_age=table["user_age"].mask(gaps))
train = holes.loc[train.index]
test = holes.loc[test.index]

features = UserMovieFeatureTransformer(damping=10.0).fit(train)
filled = features.transform(test).loc[gaps, "user_age"]
imputer = SimpleImputer(strategy="median").fit(train[["user_age"]])
print(
    f"{len(filled)} test rows have no age. Filled with the median: by our transformer "
    f"{filled.unique()}, by SimpleImputer {imputer.statistics_}"
)

ridge = SklearnEcosystemPipeline(model="linear").build_pipeline()
before = errors.loc["linear (ridge)", "with scaler"]
print(
    f"RMSE of ridge, with all ages: {before:.3f}; now: {error(ridge):.3f}. By the law "
    "of the table,\nage has no influence on a rating, so this table cannot show "
    "how well the gaps were filled."
)

# %% [markdown]
# ## Categories
# An id is a label. `TargetEncoder` replaces it by the average rating of its rows, as
# our features do. The average is *damped*: ten imaginary average ratings are added, so
# that a few ratings do not give an extreme average.

# %%
ids = ["user_id", "movie_id"]
encoder = TargetEncoder(target_type="continuous", smooth=10.0)
encoder.fit(train[ids], train["rating"])
by_sklearn = encoder.transform(test[ids])  # (n_rows, 2): of the user, of the movie
by_us = features.transform(test)[["user_avg_rating", "movie_avg_rating"]].to_numpy()
difference = np.abs(by_sklearn - by_us).max()
print(
    "Largest difference between the averages of TargetEncoder and of our features: "
    f"{difference:.0e} stars"
)

# %% [markdown]
# **Try it:** give ridge an `alpha` of a million. What does the scaler change now?
#
# **Remember:** scale the features for models that measure distances or learn in small
# steps; with a penalty, scale them so that it means the same for every feature; trees
# and least squares do not need it.
#
# Go on in scikit-learn's user guide: "Preprocessing data". Exercises:
# `exercises/1_preprocessing.py` and `exercises/1_scaling.py`.
