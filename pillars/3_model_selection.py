# %% [markdown]
# # 3 Model selection: can a score be too good, and what did you ask?
#
# **You know**: a model is scored on rows that it was not fitted on. **You will see**:
# the same averages made in two ways; a test that everybody can make, without a law; a
# 14th feature, in two places; splits that ask different questions. **Minutes**: 25.
#
# Words: the *noise floor* is the error to expect of a perfect predictor. We know it,
# because we know the *law* of the table, the formula that made its ratings. By luck, an
# error may be a little below the floor. *Cross-fitted* averages: cut the training rows
# into five folds. For a row of fold 1, the user's average is computed from folds 2 to
# 5. So a row's average never contains its own rating.

# %%
import drawing
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    TimeSeriesSplit,
    cross_val_score,
    train_test_split,
)

from lesson_code import (
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
)
from recommender.steps import seeded_target_encoder

# %% [markdown]
# ## Averages, made in two ways
# The best features are averages of ratings. Taken from the whole table, they contain
# the answers of the test rows. The fewer ratings a user has, the larger is the part of
# the answer in the average. Below, the forest, the features and the rows are the same;
# only the averages differ. *Honest* averages are computed from training rows, and never
# from the row itself. Averages made *before the split* are computed from all rows: the
# row itself and the test rows are among them.


# %%
def predict_honestly(train, test):
    """Predict by the lesson's pipeline: cross-fitted averages of `train`."""
    return SklearnEcosystemPipeline().build_pipeline().fit(train).predict(test)


def predict_with(averages_of, train, test):
    """Predict by the same forest with the averages of the rows `averages_of`."""
    features = UserMovieFeatureTransformer().fit(averages_of)
    rest = SklearnEcosystemPipeline().build_pipeline()[1:]  # without the features
    rest.fit(features.transform(train), train["rating"])
    return rest.predict(features.transform(test))


# %% [markdown]
# We try both on small tables and on larger ones, and compare with always answering the
# mean (`dummy`) and with the noise floor (`floor`).
#
# **Guess first:** with only 1.5 ratings per user, how large is the error with averages
# made before the split?
#
# - larger than with honest averages
# - far below the floor
# - a little above the floor

# %%
rows = []
for ratings_per_user in (20, 10, 5, 3, 2, 1.5):
    for seed in (0, 1):
        n_ratings = int(1000 * ratings_per_user)
        dataset = MovieRecommendationDataset(n_ratings=n_ratings, random_state=seed)
        table = dataset.generate()
        train, test = train_test_split(table, test_size=0.2, random_state=42)
        dummy = DummyRegressor().fit(train, train["rating"])
        answers = {
            "dummy": dummy.predict(test),
            "honest": predict_honestly(train, test),
            "before the split": predict_with(table, train, test),
        }
        row = {"ratings per user": ratings_per_user}
        for name, stars in answers.items():
            row[name] = root_mean_squared_error(test["rating"], stars)
        row["floor"] = dataset.best_rmse(test)
        rows.append(row)
curve = pd.DataFrame(rows).groupby("ratings per user").mean()
print("RMSE in stars, the mean of two tables")
print(curve[::-1].to_string(float_format="%.3f"))

# %% [markdown]
# **Far below the floor.** Look at the line of 1.5 ratings per user. No honest model
# gets there: that is a leak. With 20 ratings per user, averages made before the split
# also give a smaller error than honest averages do, but it is above the floor. So the
# floor does not reveal every leak.

# %%
title = (
    "With few ratings per user, averages made before the split seem to beat "
    "a perfect predictor"
)
figure, axes = drawing.new_picture(title, height=4.6)
if figure is not None:
    blue = drawing.BLUE
    orange = drawing.ORANGE
    axes.fill_between(curve.index, 0, curve["floor"], color="#E6E6E6")
    axes.plot(curve.index, curve["floor"], "--", color="black")
    axes.plot(curve.index, curve["honest"], "o-", color=blue)
    axes.plot(curve.index, curve["before the split"], "o-", color=orange, linewidth=4)

    axes.text(20, 0.99, "made inside the pipeline", color=blue, ha="right")
    axes.text(2.9, 0.575, "averages made\nbefore the split", color=orange)
    axes.text(20, 0.675, "perfect predictor", ha="right")

    ticks = [f"{n:g}" for n in curve.index]
    axes.set(xscale="log", xticks=curve.index, xticklabels=ticks)
    axes.set(xlabel="ratings per user", ylabel="error (RMSE, stars)", ylim=(0.5, 1.05))
    axes.minorticks_off()
    drawing.save_picture(figure, "3_model_selection.svg")

# %% [markdown]
# ## The same on shuffled ratings
# The floor of real data is not known. But everybody can shuffle the ratings: then there
# is nothing to predict, and an honest R2 is about 0 or below. R2 is 1 for a perfect
# model, and 0 for the mean.
#
# **Guess first:** what R2 does the forest get with averages of the whole table?
#
# - about 0
# - clearly above 0
# - below 0

# %%
table = MovieRecommendationDataset(n_ratings=10_000).generate()
table["rating"] = table["rating"].sample(frac=1, random_state=0).to_numpy()
train, test = train_test_split(table, test_size=0.2, random_state=42)
answers = {
    "whole table": predict_with(table, train, test),
    "training rows": predict_with(train, train, test),
    "the same, cross-fitted": predict_honestly(train, test),
}
print("\nR2 on shuffled ratings, with averages computed from:")
for name, stars in answers.items():
    print(f"  {name}: R2 {r2_score(test['rating'], stars):.3f}")

# %% [markdown]
# **Clearly above 0.** The model of the `whole table` explains ratings that nobody can
# explain: that is a leak. The model of the `training rows` has no leak: it has not seen
# the answers of the test rows. But it is worse than the mean, because in each training
# row the averages contain the row's own answer. So the forest learns to follow them,
# and on new rows it follows noise. Cross-fitting mends that.
#
# ## A 14th feature, in two places
# A user's average says nothing about the user's taste. The average of this user *for
# this genre* does, a little. We add it to the linear model as a 14th feature. First we
# make a column of strings such as "42 Drama": user 42 rates a drama.

# %%
table = MovieRecommendationDataset().generate()
genre = table["genre"].str.partition("|")[0]  # the first, if there are two
table["user_genre"] = table["user_id"].astype(str) + " " + genre
columns = ["user_id", "genre", "user_genre", "rating"]
print("\nThe new column of three rows")
print(table[columns].head(3).to_string(index=False))

# %% [markdown]
# Then `TargetEncoder` replaces each string by the average rating of its rows. It pulls
# averages of few rows towards the mean (*damping*), as our own averages do. In your own
# code, write `TargetEncoder(target_type="continuous", cv=5, smooth=10.0)`.
# `seeded_target_encoder` returns the same with a fixed seed for its cross-fitting, so
# that you get the figures of this page. We call the result `taste`.

# %%
encoder = seeded_target_encoder(KFold(5, shuffle=True, random_state=0))
encoder.set_params(smooth=10.0)  # the damping


def add_taste(table):
    """Return the table with the column `taste`, from the ratings of all its rows."""
    column = table[["user_genre"]]
    encoder.fit(column, table["rating"])
    return table.assign(taste=encoder.transform(column))


made_of = list(table.columns)  # of these columns, the 13 features are made
made_of.remove("user_genre")
table = add_taste(table)
print("\nThe 14th feature of three rows, from the ratings of all rows")
columns = ["user_genre", "rating", "taste"]
print(table[columns].head(3).to_string(index=False, float_format="%.2f"))

# %% [markdown]
# The encoder learns from ratings, so it matters where it is fitted. We compare two
# places:
#
# - *before the split*: it is fitted on all rows, as here. The model gets the finished
#   column `taste`.
# - *in the pipeline*: the model gets the strings, and has the encoder inside. So it is
#   fitted on the training rows of each fold, and cross-fits them.
#
# In both, the first step of the pipeline is now a `ColumnTransformer`: it makes the 13
# features as before, and puts the new one beside them. `"passthrough"` means that a
# column stays as it is.


# %%
linear = SklearnEcosystemPipeline(model="linear").build_pipeline()


def with_14th(step, column):
    """Return the linear model with a 14th feature, made of a column by a step."""
    parts = [("thirteen", linear["features"], made_of), ("new", step, [column])]
    return clone(linear).set_params(features=ColumnTransformer(parts))


models = {
    "13 features": linear,
    "14th, before the split": with_14th("passthrough", "taste"),
    "14th, in the pipeline": with_14th(encoder, "user_genre"),
}

# %% [markdown]
# We score the three models on the same five folds, by RMSE.
#
# **Guess first:** which encoder seems to lower the RMSE more?
#
# - the one before the split
# - the one in the pipeline
# - both lower it by the same

# %%
RMSE = "neg_root_mean_squared_error"  # scikit-learn's name: minus the error
folds = KFold(5, shuffle=True, random_state=42)


def score_models(rows, scoring):
    """Return the scores of the models in five folds, (5 folds, 3 models)."""
    scores = {}
    for name, model in models.items():
        scores[name] = cross_val_score(
            model, rows, rows["rating"], cv=folds, scoring=scoring
        )
    return pd.DataFrame(scores, index=[f"fold {number}" for number in range(1, 6)])


rmse = -score_models(table, RMSE)
print("\nRMSE in stars; spread: the standard deviation of the five folds")
shown = rmse.copy()
shown.loc["mean"] = rmse.mean()
shown.loc["spread"] = rmse.std()
print(shown.to_string(float_format="%.4f"))

changes = rmse.sub(rmse["13 features"], axis=0)  # in each fold: minus the first column
print("\nChange to 13 features, in the same fold; the mean of five, and ± its error")
for name in ("14th, before the split", "14th, in the pipeline"):
    print(f"  {name}: {changes[name].mean():.4f} ± {changes[name].sem():.4f}")

# %% [markdown]
# **The one before the split.** In every fold, it seems to lower the error by about 0.07
# stars, and the one in the pipeline by about 0.01. Take the ± as a rough measure: any
# two folds share most of their training rows, so the five changes are not independent.
#
# Now the control from above: we score the same models on shuffled ratings, where there
# is nothing to predict.

# %%
shuffled = table["rating"].sample(frac=1, random_state=0).to_numpy()
r2 = score_models(add_taste(table.assign(rating=shuffled)), "r2").mean()
print("\nR2 on shuffled ratings, the mean of five folds")
print(r2.to_string(float_format="%.4f"))

# %% [markdown]
# So the larger gain is a leak: the feature that is fitted before the split also
# explains shuffled ratings, and nobody can do that. The gain of the feature in the
# pipeline is real: it is many times its standard error, and with shuffled ratings it is
# gone. Here it is about as large as the `spread` of the folds. Such a gain shows
# clearly only if we compare fold by fold.
#
# ## Each splitter asks another question: for whom will the model predict?
# `GroupKFold` puts all rows of a group (`groups=`), such as a user, into one fold, so
# the users of the test rows are new to the model. `TimeSeriesSplit` tests on later rows
# than it trains on, as in real use; the rows must be sorted by time.
#
# **Guess first:** for users whom it has never seen, is the linear model better than
# always answering the mean?
#
# - yes
# - no


# %%
def print_rmse(name, model, rows, splitter, groups=None):
    """Print the mean RMSE of the model over the folds of a splitter."""
    scores = cross_val_score(
        model, rows, rows["rating"], groups=groups, cv=splitter, scoring=RMSE
    )
    print(f"{name}: RMSE {-scores.mean():.3f}")


by_group = GroupKFold(5)
print()
print_rmse("KFold: known users and movies", linear, table, folds)
print_rmse("GroupKFold: new users", linear, table, by_group, groups=table["user_id"])
print_rmse("GroupKFold: new movies", linear, table, by_group, groups=table["movie_id"])
print_rmse("KFold: always the mean", DummyRegressor(), table, folds)

# %% [markdown]
# **Yes.** A new user costs the model about a tenth of a star, and so does a new movie.
# Always answering the mean is still worse.
#
# Does time matter? `drift=1` makes a table whose users change their tastes over two
# years; all else is the same. The model `factors` learns tastes. `TimeSeriesSplit`
# trains its first models on few rows, so we look at the last of its splits: it trains
# on five sixths of the rows, as each fold of `KFold(6)` does.

# %%
factors = SklearnEcosystemPipeline(model="factors").build_pipeline()
print()
for drift in (0, 1):
    drifting = MovieRecommendationDataset(drift=drift).generate()
    drifting = drifting.sort_values("timestamp", ignore_index=True)
    last_split = list(TimeSeriesSplit(5).split(drifting))[-1:]
    six_folds = KFold(6, shuffle=True, random_state=42)
    print_rmse(f"drift {drift}, KFold, times mixed", factors, drifting, six_folds)
    print_rmse(f"drift {drift}, the last sixth by time", factors, drifting, last_split)

# %% [markdown]
# Random folds also train on ratings that were given after the test rows, which nobody
# can do in real use. With drift, they make the model look better than it is for the
# ratings to come. Compare the two pairs: a sixth of the rows may be a little easier or
# harder by luck, but without drift, the two errors are nearly the same here.
#
# **Try it:** add 50 ratings per user to the curve. How large is the leak there?
#
# **Remember:** a model that predicts shuffled ratings has a leak, and an error far
# below the noise floor is a sign of one; choose the splitter by the question that you
# want to answer.
#
# Go on in scikit-learn's user guide:
# [Cross-validation](https://scikit-learn.org/stable/modules/cross_validation.html) and
# [Common pitfalls](https://scikit-learn.org/stable/common_pitfalls.html).
#
# Exercises: `exercises/3_model_selection.py`, `exercises/3_cross_fitting.py`, and
# `exercises/3_too_good.py`.
