# %% [markdown]
# # 2 Feature selection: which features carry signal?
#
# **You know**: a forest averages many trees, which split rows by thresholds of
# features. **You will see**: three measures of the importance of a feature, which
# answer three questions; how many features to give to nearest neighbours; and 1000
# horoscopes. **Minutes**: 25.
#
# In our table we know the truth: age, country, year, hour and weekday have no influence
# on a rating. The forest is that of this course's `SklearnEcosystemPipeline`, whose 13
# features `pillars/1_preprocessing.py` shows.

# %%
import drawing
import numpy as np
import pandas as pd
from scipy.stats import sem
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import KFold, cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline

WORTHLESS = ["user_age", "country_encoded", "movie_year", "hour_of_day", "day_of_week"]
RMSE = "neg_root_mean_squared_error"  # scikit-learn's name: minus the error

table = MovieRecommendationDataset().generate()
train, test = train_test_split(table, test_size=0.2, random_state=42)
dummy = DummyRegressor().fit(train, train["rating"])
forest = SklearnEcosystemPipeline().build_pipeline().fit(train)
for name, model in {"the dummy (always the mean)": dummy, "the forest": forest}.items():
    rmse = root_mean_squared_error(test["rating"], model.predict(test))
    print(f"RMSE of {name}: {rmse:.4f} stars")

# %% [markdown]
# The forest has learned something. From which features?
#
# ## Three measures of importance
# - *Impurity*: each split of a tree makes two groups whose training ratings are more
#   alike. Impurity adds up this gain for each feature, in % of the total. A forest
#   computes it in training.
# - *Shuffled* (permutation importance): how much the error on new rows grows when the
#   column is shuffled, so that it carries no information.
# - *Left out*: how much the error on new rows grows when the forest is trained again
#   without the column.
#
# For these we need the features of the rows. The first two steps of the pipeline,
# `forest[:2]`, make the 13 features and drop the ids: 11 are left. `clone` gives new
# steps with the same parameters, not fitted yet. For training rows, we call
# `fit_transform`. Here it is not the same as `fit` and then `transform`: it cross-fits
# the averages, so that no row's averages contain its own rating.
# `pillars/3_model_selection.py` shows why that matters.

# %%
first_steps = clone(forest[:2]).set_output(transform="pandas")
features_of_train = first_steps.fit_transform(train, train["rating"])
features_of_test = first_steps.transform(test)
names = list(features_of_train)

# %% [markdown]
# ## The first measure: impurity
# We begin with impurity, and look at each feature's number of distinct values, too.
#
# **Guess first:** five of the 11 features have no influence on a rating. How much of
# the impurity do these five get together?
#
# - next to nothing
# - about a sixth
# - about half

# %%
worth = pd.DataFrame(index=names)
worth["signal"] = ["no" if name in WORTHLESS else "yes" for name in names]
worth["distinct"] = features_of_train.nunique()
worth["impurity, %"] = 100 * forest["model"].feature_importances_
worth = worth.sort_values("impurity, %", ascending=False)
print("\nThe 11 features, by impurity")
print(worth.to_string(float_format="%.1f"))

impurity_sum = worth.loc[WORTHLESS, "impurity, %"].sum()
print(f"Impurity of the features without influence: {impurity_sum:.0f} %")

# %% [markdown]
# **About a sixth.** "Yes" in the column `signal` means that the
# feature says something about ratings, if only together with another: a count says how
# far an average can be trusted, and a genre matters differently to each user. We know
# it, because we know the law, the formula that made the ratings (`pillars/0_first.py`).
# It reads who rates which movie, and the movie's genres, but not the columns of the
# five features with "no".
#
# Why do these five get so much? Among them, more distinct values mostly mean more
# impurity: of many thresholds, one fits the training rows by luck. Impurity cannot show
# that it was luck, because it is computed from the training rows alone.
#
# ## The second measure: shuffled
# So we go to the test rows, and shuffle one column at a time.
# `sklearn.inspection.permutation_importance` does this for you, and shows how the
# result varies from shuffle to shuffle. By hand we also get a standard error: how much
# the result would vary with other test rows.
#
# There are two predictions for the same rows, so we take the differences of their
# squared errors, row by row. Their mean is the change of the MSE, and has a standard
# error. We divide it by 2 · RMSE, and get the standard error of the change of the RMSE,
# as in `pillars/0_luck.py`.

# %%
squares = (test["rating"] - forest.predict(test)) ** 2
rmse = np.sqrt(squares.mean())


def growth(predictions):
    """Return how much the RMSE grows, in stars, and the standard error of that."""
    new_squares = (test["rating"] - predictions) ** 2
    new_rmse = np.sqrt(new_squares.mean())
    return new_rmse - rmse, (new_squares - squares).sem() / (2 * rmse)


rest = forest[2:]  # the steps after the features
rng = np.random.default_rng(0)
for name in names:
    shuffled = features_of_test.copy()
    shuffled[name] = rng.permutation(shuffled[name])
    predictions = rest.predict(shuffled.to_numpy())
    worth.loc[name, ["shuffled", "± shuffled"]] = growth(predictions)
print("\nGrowth of the RMSE if a column is shuffled, in stars, and its standard error")
print(worth[["signal", "shuffled", "± shuffled"]].to_string(float_format="%.4f"))

# %% [markdown]
# The forest relies on the averages, and most of all on their product,
# `user_movie_interaction`. Then look at the rows with "no": all these figures are less
# than two standard errors, so they may well be luck.

# %%
title = "Impurity credits columns that are worth nothing, shuffling does not"
figure, axes = drawing.new_picture(title, ncols=2, height=6, sharey=True)
if figure is not None:
    bars = worth[::-1]  # the first bar is drawn at the bottom
    has_signal = bars["signal"] == "yes"
    colours = np.where(has_signal, drawing.BLUE, drawing.GREY)
    for axis, column in zip(axes, ["impurity, %", "shuffled"]):
        axis.barh(bars.index, bars[column], color=colours)
    axes[1].text(0.03, 4.2, "carry signal", color=drawing.BLUE)
    axes[1].text(0.03, 2.0, "worth nothing", color="#606060")
    axes[0].set_xlabel("impurity\n(% of all)")
    axes[1].set_xlabel("shuffled: error\ngrows by (stars)")
    drawing.save_picture(figure, "2_feature_selection.svg")

# %% [markdown]
# ## The third measure: left out
# We train the forest again, without one column. As a control we also train it with all
# columns and another seed. What changes then is luck.
#
# **Guess first:** by impurity and by shuffling, `user_movie_interaction` matters most.
# How much will the error grow if the forest is trained without it?
#
# - by more than 0.1 stars
# - by about 0.05 stars
# - hardly at all

# %%
fresh_forest = clone(forest["model"]).set_params(n_jobs=2)


def growth_without(columns, random_state=42):
    """Train the forest again without some columns, and return `growth`."""
    kept = [name for name in names if name not in columns]
    fresh_forest.set_params(random_state=random_state)
    fresh_forest.fit(features_of_train[kept].to_numpy(), train["rating"])
    return growth(fresh_forest.predict(features_of_test[kept].to_numpy()))


for name in names:
    worth.loc[name, ["left out", "± left out"]] = growth_without([name])
print("\nThe three measures; shuffled and left out: growth of the RMSE, in stars")
formats = {"impurity, %": "{:.1f}".format}
measures = worth.drop(columns=["signal", "distinct"])
print(measures.to_string(float_format="%.4f", formatters=formats))

seed_growth, error = growth_without([], random_state=1)
print(f"No feature left out, another seed: {seed_growth:+.4f} ± {error:.4f}")
for measure in ("shuffled", "left out"):
    is_clear = worth[measure] > 2 * worth[f"± {measure}"]
    print(f"Above two standard errors if {measure}:")
    print("   ", ", ".join(worth.index[is_clear]))

# %% [markdown]
# **Hardly at all.** Look at the row `user_movie_interaction`. By impurity and by
# shuffling it matters most, by far. Left out, it is hardly missed, and neither is any
# other feature. It is the product of the two averages: when it is shuffled, it misleads
# a forest that relies on it; when it is left out, the two averages carry nearly the
# same information.
#
# If the growth is below two standard errors, it may be luck: it shows neither that the
# feature is of use nor that it is not. Luck alone lifts one figure in 40 above that
# line, and the table has 22 of them. So a figure just above the line proves little.
#
# What if several features are missing? The two averages and their product are computed
# from the same ratings.
#
# **Guess first:** by how much does the error grow if all three are left out at once?
#
# - by more than 0.1 stars
# - by about 0.05 stars
# - by about 0.01 stars

# %%
averages = ["user_avg_rating", "movie_avg_rating", "user_movie_interaction"]
largest = worth.loc[averages, "left out"].max()
growth_of_all, error = growth_without(averages)
print("\nGrowth of the RMSE, in stars")
print(f"One of the three averages left out: at most {largest:+.4f}")
print(f"All three averages left out: {growth_of_all:+.4f} ± {error:.4f}")

# %% [markdown]
# **By more than 0.1 stars.** The forest loses most of its lead over the dummy. It does
# well without any one of the three, but not without all of them. So if each of several
# features has a small figure, that is no reason to drop them all.
#
# ## How many features for nearest neighbours?
# Every feature without influence adds noise to a distance. `select=` puts `SelectKBest`
# into the pipeline. It chooses the features anew in every fold, from the training rows
# alone. Its measure is `f_regression`: how strongly a feature correlates with the
# rating. `select__k` is its parameter `k`: how many features to keep.
#
# The 16,000 rows are a part of the training rows, so compare only within the table.

# %%
rows = train[:16_000]
folds = KFold(3, shuffle=True, random_state=42)
# "brute" is the fastest way to find neighbours where features are many.
neighbours = KNeighborsRegressor(50, algorithm="brute")
selecting = SklearnEcosystemPipeline(model=neighbours, select=SelectKBest(f_regression))
selecting = selecting.build_pipeline()
models = {
    "best 2 features": clone(selecting).set_params(select__k=2),
    "best 5 features": clone(selecting).set_params(select__k=5),
    "all 11 features": clone(selecting).set_params(select__k=11),
}
print("\nRMSE of nearest neighbours on 16,000 rows, in stars, in three folds")
for name, model in models.items():
    scores = cross_val_score(model, rows, rows["rating"], cv=folds, scoring=RMSE)
    print(f"{name}  {-scores.round(4)}, mean {-scores.mean():.4f}")

# %% [markdown]
# The folds are the same for all models, so compare them fold by fold. All 11 features
# are worse than the best 5 in every fold. Between 2 and 5, the folds disagree here.
#
# ## 1000 horoscopes
# Think of 1000 horoscopes, and of 200 ratings. No horoscope knows anything about a
# movie: the 1000 columns are pure noise. (R2 is 1 for a perfect model, and 0 for one
# that always predicts the mean.)
#
# **Guess first:** by all 200 ratings, we choose the ten best horoscopes. Then we
# cross-validate a model of these ten. What R2 do we get?
#
# - below 0
# - about 0
# - clearly above 0

# %%
rng = np.random.default_rng(0)
best = SelectKBest(f_regression, k=10)
ratings = test["rating"][:200]
before = []
inside = []
for _ in range(10):  # ten times, with other horoscopes
    horoscopes = rng.normal(size=(200, 1000))
    chosen = best.fit_transform(horoscopes, ratings)  # reads all ratings
    before.append(cross_val_score(Ridge(), chosen, ratings).mean())
    model = make_pipeline(best, Ridge())
    inside.append(cross_val_score(model, horoscopes, ratings).mean())
print("\nR2 with the best 10 of 1000 columns of noise, the mean of ten times")
print(f"chosen before the split: {np.mean(before):.2f} ± {sem(before):.2f}")
print(f"chosen inside the pipeline: {np.mean(inside):.2f} ± {sem(inside):.2f}")

# %% [markdown]
# **Clearly above 0.** Horoscopes seem to predict ratings! This selection cheats: it has
# read the ratings of the test rows, which is a leak. Inside the pipeline, the selection
# reads only the training rows of each fold, and R2 is below 0: what it learned is
# noise, which is worse than the mean on new rows.
#
# **Try it:** add the best 1, 3 and 8 features to the table of nearest neighbours.
#
# **Remember:** impurity shows by which features a forest split its rows; shuffling
# shows on which features it relies; leaving one feature out shows whether the forest
# misses it.
#
# Go on in scikit-learn's user guide:
# [Feature selection](https://scikit-learn.org/stable/modules/feature_selection.html)
# and
# [Permutation feature importance](https://scikit-learn.org/stable/modules/permutation_importance.html).
#
# Exercise: `exercises/2_feature_selection.py`.
