# %% [markdown]
# # 1 Preprocessing: who needs the scaler?
#
# **You know**: `fit` learns, `predict` answers, a `Pipeline` puts steps in a row. **You
# will see**: one pipeline with and without its scaler; missing ages; an average by us
# and by scikit-learn. **Minutes**: 15.
#
# A *scaler* brings every feature to mean 0 and standard deviation 1. Without it, ten
# years between two movies look larger than the whole scale of ratings, from 1 to 5
# stars.
# Words: *forest* and *boosting* are made of decision trees. *Ridge* is a linear model
# that keeps its weights small. *SGD* finds such weights in small steps, row by row.

# %%
import drawing
import numpy as np
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import SGDRegressor
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


print(
    "First the dummy, which always answers the mean rating: "
    f"RMSE {error(DummyRegressor()):.3f} stars"
)

# %% [markdown]
# ## The same models without and with the scaler
# `set_params(scaler="passthrough")` takes a step out of a pipeline.

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
print(
    "Nearest neighbours measure distance: "
    "without the scaler, large numbers such as years decide it."
)
print(
    "SGD learns in small steps, one length for all features: "
    "large numbers throw it off."
)
print("Trees only ask whether a value is above a threshold.")
print(
    "Ridge gives a small weight to a feature with large numbers: "
    "the product is the same."
)

# %%
title = (
    "Scaling helps nearest neighbours, which measure distance; "
    "ridge and trees do not move"
)
figure, axes = drawing.new_picture(title, height=4)
if figure is not None:
    near = errors.loc["nearest neighbours"]
    others = errors.drop(["nearest neighbours", "linear (SGD)"])
    axes.plot([0, 1], others.T, "o-", color=drawing.GREY)
    axes.plot([0, 1], near, "o-", color=drawing.ORANGE)

    axes.text(-0.04, near["without"], f"{near['without']:.3f}", ha="right")
    axes.text(1.04, near["with scaler"], f"{near['with scaler']:.3f}", ha="left")
    axes.text(0.5, near.mean() + 0.01, "nearest neighbours", color=drawing.ORANGE)
    below = others.mean().mean() - 0.02
    axes.text(0.5, below, "ridge, forest, boosting", ha="center", color="#606060")
    far = f"(SGD without scaler: {errors['without'].max():.3f}, far above)"
    axes.text(0.5, 1.0, far, ha="center", color="#606060")

    axes.set(xticks=[0, 1], xticklabels=["without scaler", "with scaler"])
    axes.set(xlim=(-0.3, 1.3), ylabel="RMSE (stars)", ylim=(0.84, 1.01))
    drawing.save_picture(figure, "1_preprocessing.svg")

# %% [markdown]
# ## Missing values
# We take away the ages of a third of the users. The gaps are filled *inside* the
# pipeline, by training rows. The *law* of the table is the formula that made its
# ratings.

# %%
gaps = table["user_id"] % 3 == 0
holes = table.assign(user_age=table["user_age"].mask(gaps))
train = holes.loc[train.index]
test = holes.loc[test.index]

features = UserMovieFeatureTransformer(damping=10.0).fit(train)
filled = features.transform(test).loc[gaps, "user_age"]
imputer = SimpleImputer(strategy="median").fit(train[["user_age"]])
print(
    f"{len(filled)} test rows have no age. Medians: features {filled.unique()}, "
    f"SimpleImputer {imputer.statistics_}"
)

ridge = SklearnEcosystemPipeline(model="linear").build_pipeline()
print(
    f"RMSE of ridge now: {error(ridge):.3f}, as before: "
    "by the law of the table, age has no influence."
)

# %% [markdown]
# ## Categories
# An id is a label. `TargetEncoder` replaces it by the average rating of its rows, as
# our features do. The average is *damped*: ten imaginary average ratings are added, so
# few ratings give no extreme average.

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
# **Remember:** scale for models that measure distance or learn in small steps. Trees do
# not care.
#
# Go on in scikit-learn's user guide: "Preprocessing data". Exercise:
# `exercises/1_preprocessing.py`.
