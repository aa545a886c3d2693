# %% [markdown]
# # 3 Model selection: can a score be too good, and what did you ask?
#
# **You know**: a model is scored on rows that it was not fitted on. **You will see**:
# the same averages made in two ways; a test that everybody can make, without a law; a
# third average, in two places; splits that ask different questions. **Minutes**: 20.
#
# Words: the *noise floor* is the error to expect of a perfect predictor. We know it,
# because we know the *law* of the table, the formula that made its ratings. By luck, an
# error may be a little below the floor. *Cross-fitted* averages: cut the training rows
# into five folds. For a row of fold 1, the user's average is computed from folds 2 to
# 5. So a row's average never contains its own rating.

# %%
import drawing
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    TimeSeriesSplit,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline
from recommender.steps import seeded_target_encoder

# %% [markdown]
# ## Averages, made in two ways
# The best features of a rating are two averages: that of its user and that of its
# movie. scikit-learn's `TargetEncoder` replaces an id by the average rating of its
# rows. Of few ratings it makes a cautious average: `smooth=10` adds ten imaginary
# average ratings. A ridge learns from the two averages. With scikit-learn alone, you
# write:
#
#     encoder = TargetEncoder(target_type="continuous", smooth=10)
#     model = make_pipeline(encoder, Ridge())
#     model.fit(train[["user_id", "movie_id"]], train["rating"])
#
# (Its folds are random. Below, `seeded_target_encoder` of this course makes the same
# encoder with fixed folds, so that you get the figures of this page.)
#
# It matters from which rows the averages come. *Honest* averages are those of the
# training rows, cross-fitted: the pipeline above makes these when it is fitted.
# Averages made *before the split* are computed from all rows: the row itself and the
# test rows are among them.

# %%
ids = ["user_id", "movie_id"]
encoder = seeded_target_encoder(KFold(5, shuffle=True, random_state=0))
encoder.set_params(smooth=10)


def predict_honestly(train, test):
    """Predict by averages of `train`, which the pipeline cross-fits."""
    model = make_pipeline(encoder, Ridge())
    return model.fit(train[ids], train["rating"]).predict(test[ids])


def predict_with(averages_of, train, test):
    """Predict by the averages of the rows `averages_of`."""
    # `fit` and then `transform` gives plain averages, which are not cross-fitted.
    encoder.fit(averages_of[ids], averages_of["rating"])
    ridge = Ridge().fit(encoder.transform(train[ids]), train["rating"])
    return ridge.predict(encoder.transform(test[ids]))


# %% [markdown]
# We try both on small tables and on larger ones, and compare with always answering the
# mean, and with the noise floor.
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
    for seed in range(5):
        n_ratings = int(1000 * ratings_per_user)
        dataset = MovieRecommendationDataset(n_ratings=n_ratings, random_state=seed)
        table = dataset.generate()
        train, test = train_test_split(table, test_size=0.2, random_state=42)
        stars = test["rating"]
        mean = [train["rating"].mean()] * len(test)
        honest = predict_honestly(train, test)
        before = predict_with(table, train, test)
        row = {
            "ratings per user": ratings_per_user,
            "the mean": root_mean_squared_error(stars, mean),
            "honest": root_mean_squared_error(stars, honest),
            "before the split": root_mean_squared_error(stars, before),
            "floor": dataset.best_rmse(test),
        }
        rows.append(row)
curve = pd.DataFrame(rows).groupby("ratings per user").mean()
print("RMSE in stars, the mean of five tables")
print(curve.sort_index(ascending=False).to_string(float_format="%.3f"))

# %% [markdown]
# **Far below the floor.** Look at the line of 1.5 ratings per user. No honest model
# gets there: that is a leak. The fewer ratings a user has, the larger is the part of
# the answer in the average. With 20 ratings per user, averages made before the split
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
# is nothing to predict, and an honest R2 is about 0 or below. (R2 is 1 for a perfect
# model, and 0 for the mean.) Averages of the whole table will not pass this test, since
# they contain the answers.
#
# What about averages of the training rows alone, not cross-fitted? In each training
# row, they contain the row's own rating. But they contain no answer of a test row.
#
# **Guess first:** what R2 does this model get on the test rows?
#
# - clearly above 0
# - about 0
# - clearly below 0

# %%
table = MovieRecommendationDataset(n_ratings=10_000).generate()
table["rating"] = table["rating"].sample(frac=1, random_state=0).to_numpy()
train, test = train_test_split(table, test_size=0.2, random_state=42)
answers = {
    "of the whole table": predict_with(table, train, test),
    "of the training rows": predict_with(train, train, test),
    "the same, cross-fitted": predict_honestly(train, test),
}
print("\nR2 on shuffled ratings, with averages")
for name, predicted in answers.items():
    print(f"  {name}: {r2_score(test['rating'], predicted):.3f}")

# %% [markdown]
# **Clearly below 0.** It has no leak, and is worse than the mean! In training, it has
# learned to follow averages that contained a part of the answer. On new rows they
# contain none, and it follows noise. Cross-fitting mends that. And the first line is
# the alarm that we wanted: a model that explains shuffled ratings has a leak.
#
# <!-- play: noise -->
#
# ## A third average, in two places
# A user's average says nothing about the user's taste. The average of this user *for
# this genre* does, a little. For that, we make a column of strings such as
# "460 Romance": user 460 rates a romance. The encoder takes it like the ids.

# %%
table = MovieRecommendationDataset().generate()
genre = table["genre"].str.partition("|")[0]  # the first, if there are two
table["user_genre"] = table["user_id"].astype(str) + " " + genre
three = ["user_id", "movie_id", "user_genre"]
print("\nThree rows")
print(table[[*three, "rating"]].head(3).to_string(index=False))

# %% [markdown]
# We compare three models in the same five folds:
#
# - the two averages of before, made in the pipeline,
# - three averages, made in the pipeline, so from the training rows of each fold,
# - three averages, made before the split, from all rows.

# %%
folds = KFold(5, shuffle=True, random_state=42)
names_of_folds = ["fold 1", "fold 2", "fold 3", "fold 4", "fold 5"]
pipeline = make_pipeline(encoder, Ridge())


def score_models(stars, scoring):
    """Return a table of scores: a row for each model, a column for each fold."""
    averages = encoder.fit(table[three], stars).transform(table[three])  # of all rows
    models = {
        "two, in the pipeline": (pipeline, table[ids]),
        "three, in the pipeline": (pipeline, table[three]),
        "three, before the split": (Ridge(), averages),
    }
    scores = {}
    for name, (model, X) in models.items():
        scores[name] = cross_val_score(model, X, stars, cv=folds, scoring=scoring)
    return pd.DataFrame(scores, index=names_of_folds).T


# %% [markdown]
# **Guess first:** by how much does the third average lower the RMSE if it is made in
# the pipeline?
#
# - by about 0.1 stars
# - by about 0.01 stars
# - not at all

# %%
RMSE = "neg_root_mean_squared_error"  # scikit-learn's name: minus the error
errors = -score_models(table["rating"], RMSE)
print("\nRMSE in stars")
print(errors.to_string(float_format="%.3f"))
print("Change by the third average, fold by fold")
for name in ("three, in the pipeline", "three, before the split"):
    change = errors.loc[name] - errors.loc["two, in the pipeline"]
    print(f"{name}: {change.mean():.4f} ± {change.sem():.4f}")

# %% [markdown]
# **By about 0.01 stars.** Take the ± as a rough measure: any two folds share most of
# their training rows, so the five changes are not independent. The average made before
# the split seems to bring many times as much. Which of the two gains is real? We score
# the same models on shuffled ratings, where there is nothing to predict.

# %%
shuffled = table["rating"].sample(frac=1, random_state=0).to_numpy()
print("\nR2 on shuffled ratings, the mean of five folds")
print(score_models(shuffled, "r2").mean(axis=1).to_string(float_format="%.3f"))

# %% [markdown]
# So the large gain is a leak: that model also explains shuffled ratings. The small gain
# in the pipeline is real: it is many times its standard error, and with shuffled
# ratings it is gone. Here the folds differ by more than that among themselves, so it
# shows clearly only if we compare fold by fold.
#
# ## Each splitter asks another question: for whom will the model predict?
# `GroupKFold` puts all rows of a group (`groups=`), such as a user, into one fold, so
# the users of the test rows are new to the model. `TimeSeriesSplit` tests on later rows
# than it trains on, as in real use; the rows must be sorted by time.
#
# **Guess first:** for users whom it has never seen, is the model with two averages
# better than always answering the mean?
#
# - yes
# - no


# %%
def print_rmse(name, model, X, y, cv, groups=None):
    """Print the mean RMSE of the model over the folds of the splitter `cv`."""
    scores = cross_val_score(model, X, y, cv=cv, groups=groups, scoring=RMSE)
    print(f"{name}: RMSE {-scores.mean():.3f}")


X = table[ids]
y = table["rating"]
by_group = GroupKFold(5)
print()
print_rmse("KFold: known users and movies", pipeline, X, y, folds)
print_rmse("GroupKFold: new users", pipeline, X, y, by_group, table["user_id"])
print_rmse("GroupKFold: new movies", pipeline, X, y, by_group, table["movie_id"])
print_rmse("KFold: always the mean", DummyRegressor(), X, y, folds)

# %% [markdown]
# **Yes.** A new user costs the model about a tenth of a star, and so does a new movie.
# Always answering the mean is still worse.
#
# Does time matter? `drift=1` makes a table whose users change their tastes over two
# years; all else is the same. Averages know nothing of tastes, so we take a model of
# this course that learns them, `factors` (`pillars/4_taste.py` explains it).
# `TimeSeriesSplit` trains its first models on few rows, so we look at the last of its
# splits: it trains on five sixths of the rows, as each fold of `KFold(6)` does.

# %%
factors = SklearnEcosystemPipeline(model="factors").build_pipeline()
six_folds = KFold(6, shuffle=True, random_state=42)
print()
for drift in (0, 1):
    X = MovieRecommendationDataset(drift=drift).generate()
    X = X.sort_values("timestamp", ignore_index=True)
    y = X["rating"]
    splits = list(TimeSeriesSplit(5).split(X))
    last_split = splits[4]
    print_rmse(f"drift {drift}, KFold, times mixed", factors, X, y, six_folds)
    # `cv` may also be a list of splits: here, a list of one.
    print_rmse(f"drift {drift}, the last sixth by time", factors, X, y, [last_split])

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
