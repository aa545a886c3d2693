# %% [markdown]
# # 1 Preprocessing: who needs the scaler?
#
# **You know**: `fit` learns, `predict` answers, a `Pipeline` puts steps in a row. **You
# will see**: the same pipeline with and without its scaler; why a ridge needs one; how
# an id becomes an average. **Minutes**: 20.
#
# The *scaler* here, `StandardScaler`, brings every feature to mean 0 and standard
# deviation 1.
#
# Words: *nearest neighbours* answer with the mean rating of the rows that are nearest.
# *Forest* and *boosting* are models made of decision trees. *Least squares* is the
# plain linear model. *Ridge* adds a penalty, `alpha`, on large weights. *SGD* finds the
# weights of a linear model in small steps, row by row.
#
# ## The lesson's pipeline
# Most chapters from here on use the recommender of this course, in `lesson_code.py`.
# Its class `SklearnEcosystemPipeline` is ours; but
# `SklearnEcosystemPipeline(model=...).build_pipeline()` gives a usual `Pipeline` of
# scikit-learn, with four steps. The five models that we compare below are its last step
# in turn.
#
# ![The four steps, from raw rows to predicted stars](../docs/pictures/pipeline.svg)
#
# - `features` makes 13 features of each rating (our `UserMovieFeatureTransformer`).
# - `drop_ids` removes two of them, the ids: an id is a label, not a quantity.
# - `scaler` scales the other 11.
# - `model` learns from these, and predicts the stars.
#
# Here are the 13 features of one rating.

# %%
import drawing
import numpy as np
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, Ridge, SGDRegressor
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder

from lesson_code import (
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
)

table = MovieRecommendationDataset(n_ratings=20_000).generate()
train, test = train_test_split(table, test_size=0.2, random_state=42)

first = train.iloc[0]
meanings = {
    "genre_encoded": f"a number for {first['genre']}",
    "country_encoded": f"a number for {first['user_country']}",
    "user_avg_rating": "the user's average, from other rows",
    "movie_avg_rating": "the movie's average, from other rows",
    "user_movie_interaction": "the product of the two averages",
    "hour_of_day": "of the rating (UTC)",
    "day_of_week": "of the rating; 0 is Monday",
    "user_rating_count": "how many training rows the user has",
    "movie_rating_count": "how many training rows the movie has",
}
features_of_train = UserMovieFeatureTransformer().fit_transform(train)
print(f"A rating of {first['rating']} stars, and its features")
for name, value in features_of_train.iloc[0].items():
    print(f"{name:23}{value:6.4g}  {meanings.get(name, '')}".rstrip())

# %% [markdown]
# Genres and countries are categories, and here each gets a number. These numbers mean
# nothing: genre 2 is not twice genre 1, nor nearer to it than genre 9. Trees can live
# with that, because they can cut the numbers into pieces. For a linear model, the usual
# way is the `OneHotEncoder` of `pillars/0_job.py`, with a column for each category.
# (On this table it would bring next to nothing: each user loves other genres, and a
# column gives a genre one weight for all users.)
#
# Most features are read from the table. The averages need a computation. Here is the
# simplest form, for the users, in a few lines of pandas.

# %%
means = train.groupby("user_id")["rating"].mean()
by_hand = train[["user_id", "rating"]].head(3)
by_hand = by_hand.assign(plain_average=by_hand["user_id"].map(means))
by_hand["user_avg_rating"] = features_of_train["user_avg_rating"].head(3)
print("\nThe average of the user of three rows: plain, and that of the lesson's code")
print(by_hand.to_string(index=False, float_format="%.3f"))

# %% [markdown]
# The two differ for two reasons. One is *damping*, which the last section explains. The
# other is that the plain average of a training row contains its own rating. That is the
# answer, and the model must not see it.
#
# So the averages of training rows are *cross-fitted*: the rows are cut into five
# *folds*, and the averages of a row come from the four folds that it is not in. If a
# user gave 5, 2, 3, 4 and 3 stars, one in each fold, the row of fold 1 gets the mean of
# 2, 3, 4 and 3, which is 3. The row of fold 2 gets the mean of 5, 3, 4 and 3. A new row
# gets the mean of all five, because its own rating is not among them.

# %%
title = "The average of a training row is made from the other folds"
figure, axes = drawing.new_picture(title, height=3.4)
if figure is not None:
    five_stars = np.array([5, 2, 3, 4, 3])
    lines = {"row of fold 1": [0], "row of fold 2": [1], "a new row": []}
    for number in range(5):
        axes.text(number, 0.75, number + 1, ha="center", color="#606060")
    axes.text(-0.7, 0.75, "fold", ha="right", color="#606060")
    for line, (name, left_out) in enumerate(lines.items()):
        axes.text(-0.7, -line, name, ha="right", va="center")
        for number, rating in enumerate(five_stars):
            is_out = number in left_out
            face = "white" if is_out else drawing.BLUE
            edge = drawing.GREY if is_out else drawing.BLUE
            style = "--" if is_out else "-"
            box = {"facecolor": face, "edgecolor": edge, "linestyle": style}
            axes.bar(number, 0.7, 0.8, -line - 0.35, linewidth=1.5, **box)
            colour = "#606060" if is_out else "white"
            axes.text(number, -line, rating, ha="center", va="center", color=colour)
        average = np.delete(five_stars, left_out).mean()
        axes.text(4.7, -line, f"mean {average:.2f}", va="center", fontweight="bold")
    axes.text(-0.4, -2.9, "dashed: its own rating, left out", color="#606060")
    axes.set(xlim=(-3.1, 6.7), ylim=(-3.1, 1.1))
    axes.axis("off")
    drawing.save_picture(figure, "1_preprocessing_folds.svg")

# %% [markdown]
# Now the models. First the baseline: always the mean rating.


# %%
def error(model):
    """Return the RMSE on the test rows: the typical error, in stars."""
    model.fit(train, train["rating"])
    predicted = model.predict(test.drop(columns="rating"))
    return root_mean_squared_error(test["rating"], predicted)


dummy_error = error(DummyRegressor())
print(f"\nRMSE of always answering the mean rating: {dummy_error:.3f} stars")

# %% [markdown]
# `fit` gets the whole table, with the column `rating`: the step `features` needs the
# ratings for its averages, and training rows are there to be learned from. The test
# rows go to `predict` without that column, so no answer of theirs can reach a model.
#
# ## The same models without and with the scaler
# We fit each pipeline as it is. Then `set_params(scaler="passthrough")` puts
# "passthrough" in the place of the step `scaler`: that is a step which changes nothing.
#
# **Guess first:** which of the five models get worse without their scaler?
#
# - all five
# - nearest neighbours and SGD
# - all but the forest and boosting

# %%
models = {
    "nearest neighbours": KNeighborsRegressor(50),
    "linear (ridge)": "linear",
    "forest": "forest",
    "boosting": "boosting",
    "linear (SGD)": SGDRegressor(random_state=0),
}
errors = {}
print("\nRMSE in stars, without and with the scaler")
for name, model in models.items():
    pipeline = SklearnEcosystemPipeline(model=model).build_pipeline()
    with_scaler = error(pipeline)
    pipeline.set_params(scaler="passthrough")
    without = error(pipeline)
    errors[name] = (without, with_scaler)
    print(f"{name:18}  {without:.3f}  {with_scaler:.3f}")

# %% [markdown]
# **Nearest neighbours and SGD.** Nearest neighbours lose most of their lead over the
# mean, and SGD becomes far worse than the mean. For the other three, the scaler makes
# no difference that we can see here.
#
# Trees, of which forest and boosting are made, only ask whether a value is above a
# threshold. Scaling changes the values and the thresholds alike, so the answers stay
# the same. We come back to ridge and SGD.

# %%
title = "Without the scaler, nearest neighbours are little better than the mean"
figure, axes = drawing.new_picture(title, height=4)
if figure is not None:
    axes.axhline(dummy_error, color="black", linestyle=":")
    for name in ("linear (ridge)", "forest", "boosting"):
        axes.plot([0, 1], errors[name], "o-", color=drawing.GREY)
    near = errors["nearest neighbours"]
    axes.plot([0, 1], near, "o-", color=drawing.ORANGE)

    axes.text(0.5, dummy_error + 0.005, "always the mean", ha="center")
    axes.text(0.5, np.mean(near) + 0.01, "nearest neighbours", color=drawing.ORANGE)
    axes.text(0.5, 0.848, "ridge, forest, boosting", ha="center", color="#606060")

    axes.set(xticks=[0, 1], xticklabels=["without scaler", "with scaler"])
    axes.set(xlim=(-0.3, 1.3), ylabel="RMSE (stars)", ylim=(0.83, 1.06))
    drawing.save_picture(figure, "1_preprocessing.svg")

# %% [markdown]
# ## A look at the distances
# Nearest neighbours predict the mean rating of the 50 nearest rows. Without a scaler, a
# difference of ten years in one column counts for more, in a distance between two rows,
# than a difference of four stars in another. Which features decide here what is near?

# %%
features = UserMovieFeatureTransformer().fit(train).transform(test)
spread = features.drop(columns=["user_id", "movie_id"]).std()
print("\nStandard deviation of each feature, before scaling")
print(spread.sort_values(ascending=False).to_string(float_format="%.1f"))

# %% [markdown]
# Counts of ratings, years, ages and the codes of genres vary most, so without a scaler
# they decide which rows are near. The averages of ratings say most about a rating
# (`pillars/2_feature_selection.py` shows it), but their standard deviation is less than
# half a star, so they hardly count.
#
# ## Before the predictions are clipped
# The lesson's pipeline clips predictions to the scale of the ratings, from 1 to 5. We
# look at the predictions before they are clipped. For that, we take the pipeline apart:
# `pipeline[:-1]` is a pipeline of all its steps but the last. It transforms the rows,
# and the last step, `pipeline["model"]`, predicts.

# %%
model = SGDRegressor(random_state=0)
pipeline = SklearnEcosystemPipeline(model=model).build_pipeline()
pipeline.set_params(scaler="passthrough").fit(train)
transformed = pipeline[:-1].transform(test)
unclipped = pipeline["model"].predict(transformed)

rows = test[["title", "rating"]].assign(SGD=unclipped, clipped=pipeline.predict(test))
print("\nFour ratings, as predicted by SGD without a scaler, in stars")
print(rows.head(4).to_string(index=False, formatters={"SGD": "{:,.0f}".format}))
print(f"SGD without scaler, typical answer: {np.median(unclipped):.0e} stars")

# %% [markdown]
# SGD gives *The Secret Scarecrow* more stars than there are in a thousand galaxies like
# ours. Clipping turns that into 5, which looks like a reasonable answer. With such
# large numbers as features, the steps are too long, and the error grows from step to
# step: SGD *diverges*.
#
# ## The scaler and the ridge
# Above, the scaler made no visible difference to the error of ridge. Now we vary the
# penalty, and look at each prediction.
#
# **Guess first:** without the scaler, which of these models give other predictions?
#
# - all of them
# - those with a penalty
# - none of them

# %%
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
print("\nRMSE without and with scaler, and how far a prediction moves, in stars")
print(pd.DataFrame(rows).T.to_string(float_format="%.3f"))

# %% [markdown]
# **Those with a penalty.** Look at `largest change of a prediction`. Least squares
# gives the same predictions: a smaller weight makes up for larger numbers. Ridge does
# not, because its penalty is on the weights. With the strongest penalty, predictions
# move by up to a quarter of a star.
#
# Does this make ridge better? Not here: with the strongest penalty, the error is even a
# little larger after scaling. Why scale, then? We write the same thing in another unit:
# the user's average in stars, and in tenths of a star, such as 32 for 3.2 stars.
# Nothing else changes.

# %%
features = UserMovieFeatureTransformer()
in_stars = features.fit_transform(train).drop(columns=["user_id", "movie_id"])
new_in_stars = features.transform(test).drop(columns=["user_id", "movie_id"])
in_tenths = in_stars.assign(user_avg_rating=10 * in_stars["user_avg_rating"])
new_in_tenths = new_in_stars.assign(
    user_avg_rating=10 * new_in_stars["user_avg_rating"]
)


def change_by_unit(model):
    """Return how far the other unit moves a prediction at most, in stars."""
    by_stars = model.fit(in_stars, train["rating"]).predict(new_in_stars)
    by_tenths = model.fit(in_tenths, train["rating"]).predict(new_in_tenths)
    return np.abs(by_stars - by_tenths).max()


without = change_by_unit(Ridge(1000))
with_scaler = change_by_unit(make_pipeline(StandardScaler(), Ridge(1000)))
print("\nLargest change of a prediction by another unit of one column, in stars")
print(f"ridge without the scaler: {without:.3f}")
print(f"ridge with the scaler: {with_scaler:.3f}")

# %% [markdown]
# Without the scaler, another unit gives another model, although the table says the
# same. In tenths, the average needs only a tenth of the weight, so the penalty hardly
# holds it back. With the scaler, the unit does not matter, and one `alpha` means the
# same for all features. That is the reason to scale for ridge.
#
# (Gaps are filled inside the pipeline, too, as in `pillars/0_job.py`. On this table,
# nothing can be learned from that: of the columns that may have gaps, the ratings do
# not depend on the age, the country or the year. `pillars/7_tickets.py` has a messy
# table.)
#
# ## From an id to an average
# An id is a label: user 931 is not more than user 930. scikit-learn's `TargetEncoder`
# replaces an id by the average rating of its rows, as our features do. The average is
# *damped*: with `smooth=10`, ten imaginary average ratings are added, so that a few
# ratings do not give an extreme average. We look at two users.

# %%
encoder = TargetEncoder(target_type="continuous", smooth=10.0)
encoder.fit(train[["user_id", "movie_id"]], train["rating"])
averages = pd.Series(encoder.encodings_[0], encoder.categories_[0])  # of the users

print(f"\nMean of all ratings: {train['rating'].mean():.2f} stars")
for user in (931, 569):
    ratings = train.loc[train["user_id"] == user, "rating"]
    damped = (ratings.sum() + 10 * train["rating"].mean()) / (len(ratings) + 10)
    print(f"user {user}, ratings: {len(ratings)}, their mean: {ratings.mean():.2f}")
    print(f"    damped: {damped:.2f}, by TargetEncoder: {averages[user]:.2f}")

# %% [markdown]
# The first user has given one rating, 5 stars. That says little, and the damped mean is
# not far from the mean of all ratings. The second user has given many high ratings, so
# the damped mean stays high. Do our features hold the same averages, for the user and
# the movie of every test row?

# %%
features = UserMovieFeatureTransformer(damping=10.0).fit(train)
by_sklearn = encoder.transform(test[["user_id", "movie_id"]])  # (n_rows, 2)
by_us = features.transform(test)[["user_avg_rating", "movie_avg_rating"]].to_numpy()
difference = np.abs(by_sklearn - by_us).max()
print(f"\nLargest difference of TargetEncoder to our features: {difference:.0e} stars")

# %% [markdown]
# They do: the difference is only that of rounding.
#
# **Try it:** give ridge an `alpha` of a million. What does the scaler change now?
#
# **Remember:** scale the features for models that measure distances or learn in small
# steps, and for models with a penalty, so that the penalty means the same for every
# feature; trees and least squares do not need scaled features.
#
# Go on in scikit-learn's user guide:
# [Preprocessing data](https://scikit-learn.org/stable/modules/preprocessing.html) and
# [Imputation of missing values](https://scikit-learn.org/stable/modules/impute.html).
#
# Exercises: `exercises/1_preprocessing.py` and `exercises/1_scaling.py`.
