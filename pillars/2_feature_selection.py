# %% [markdown]
# # 2 Feature selection: which features carry signal?
#
# **You know**: a forest averages many trees, which split rows by thresholds of
# features. **You will see**: two measures of what a feature is worth, and that one of
# them is fooled by features that carry nothing; how many features nearest neighbours
# should get; a selection that cheats. **Minutes**: 15. In the lesson's table we know
# the truth: age, country, year, hour and weekday have no influence on a rating.

# %%
import drawing
import numpy as np
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.inspection import permutation_importance
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_score,
    train_test_split,
)
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
# ## Two measures of importance
# *Impurity*: how much a feature's splits make the training ratings of a branch more
# alike, as a share of all. *Permutation*: how much the error on new rows grows when the
# column is shuffled, so that it tells nothing.

# %%
# The first two of the 13 features are the ids, which the pipeline drops.
names = forest["features"].get_feature_names_out()[2:]
features = forest[:2].transform(test)
shuffled = permutation_importance(
    forest[2:], features, test["rating"], n_repeats=2, random_state=0, scoring=RMSE
)
worth = pd.DataFrame(
    {
        "impurity, %": 100 * forest["model"].feature_importances_,
        "permutation, stars": shuffled.importances_mean,
    },
    index=names,
)
worth = worth.sort_values("impurity, %")
worth["useful by law"] = np.where(worth.index.isin(WORTHLESS), "no", "yes")
print(worth[::-1].to_string(float_format="%.4f"))

impurity_sum = worth.loc[WORTHLESS, "impurity, %"].sum()
permutation_max = worth.loc[WORTHLESS, "permutation, stars"].max()
print(
    f"The worthless ones get {impurity_sum:.0f} % of the impurity. "
    f"Shuffling one costs at most {permutation_max:.4f}."
)
print(
    "(Below about 0.0005, a difference is luck. "
    "A count tells how far an average can be trusted.)"
)
print(
    "A column of many values offers many thresholds: "
    "a tree always finds one that fits the training rows."
)

# %%
title = (
    f"Impurity gives {impurity_sum:.0f} % to worthless features (grey), "
    "permutation next to nothing"
)
figure, axes = drawing.new_picture(title, ncols=2, height=5, sharey=True)
if figure is not None:
    is_useful = worth["useful by law"] == "yes"
    colours = np.where(is_useful, drawing.BLUE, drawing.GREY)
    for axis, column in zip(axes, ["impurity, %", "permutation, stars"]):
        axis.barh(worth.index, worth[column], color=colours)
    axes[0].tick_params(axis="y", labelsize=12)
    axes[0].set_xlabel("impurity\n(% of all)")
    axes[1].set_xlabel("shuffled: RMSE\ngrows by (stars)")
    drawing.save_picture(figure, "2_feature_selection.svg")

# %% [markdown]
# ## How many features for nearest neighbours?
# Every worthless feature adds noise to a distance. `select=` puts `SelectKBest` into
# the pipeline: it chooses anew in every fold, from training rows alone, by
# `f_regression`: how a feature correlates with the rating. `drop_ids` is a step of the
# lesson; we take it out to see why.

# %%
rows = train[:16_000]
folds = KFold(3, shuffle=True, random_state=42)
# "brute" is the fastest way to find neighbours where features are many.
neighbours = KNeighborsRegressor(50, algorithm="brute")

selecting = SklearnEcosystemPipeline(model=neighbours, select=SelectKBest(f_regression))
search = GridSearchCV(
    selecting.build_pipeline(), {"select__k": [2, 5, 11]}, cv=folds, scoring=RMSE
)
search.fit(rows, rows["rating"])
results = pd.DataFrame(search.cv_results_)

with_ids = SklearnEcosystemPipeline(model=neighbours).build_pipeline()
with_ids.set_params(drop_ids="passthrough")
with_ids_rmse = -cross_val_score(with_ids, rows, rows["rating"], cv=folds, scoring=RMSE)

print(
    "RMSE in cross-validation on 16,000 rows "
    "(other rows: do not compare with the figures above)"
)
for k, score in zip(results["param_select__k"], results["mean_test_score"]):
    print(f"the best {k:2d} features: RMSE {-score:.4f}")
print(
    "Two or five are equally good; all 11 are worse: "
    "the others only add noise to the distance."
)

columns = ["split0_test_score", "split1_test_score", "split2_test_score"]
all_features = results[results["param_select__k"] == 11]
all_features_rmse = -all_features[columns].to_numpy().ravel()  # (3 folds,)
n_worse = np.sum(with_ids_rmse > all_features_rmse)
print(
    f"all 11 and the two ids: RMSE {with_ids_rmse.mean():.4f}, "
    f"worse than without in {n_worse} of 3 folds:"
)
print("an id is a label, and that two ids are close means nothing.")

# %% [markdown]
# ## A selection that cheats
# 1000 columns of pure noise: an honest R2 is at most about 0 (1 is perfect, 0 is what
# the mean reaches).

# %%
noise = np.random.default_rng(0).normal(size=(200, 1000))
stars = test["rating"][:200]
best = SelectKBest(f_regression, k=10)

chosen = best.fit_transform(noise, stars)
before = cross_val_score(Ridge(), chosen, stars).mean()
inside = cross_val_score(make_pipeline(best, Ridge()), noise, stars).mean()
print(
    f"R2 with the best 10 chosen before the split: {before:.2f}, a lie; "
    f"inside the pipeline: {inside:.2f}"
)
print("(it learned noise, so it is worse than the mean).")

# %% [markdown]
# **Remember:** impurity praises what it can split on, permutation what helps.
#
# Go on in scikit-learn's user guide: "Feature selection". Exercise:
# `exercises/2_feature_selection.py`.
