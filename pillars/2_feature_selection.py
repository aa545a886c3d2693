# %% [markdown]
# # 2 Feature selection: which features carry signal?
#
# **You know**: a forest averages many trees, which split rows by thresholds of
# features. **You will see**: three measures of the importance of a feature, which
# answer three questions; how many features to give to nearest neighbours; a selection
# that cheats. **Minutes**: 20. In the lesson's table we know the truth: age, country,
# year, hour and weekday have no influence on a rating.

# %%
import drawing
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.feature_selection import SelectKBest, f_regression
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
# ## Three measures of importance
# *Impurity*: how much the splits by a feature make the training ratings of a branch
# more alike, as a share of what all features do. *Shuffled* (permutation importance):
# how much the error on new rows grows when the column is shuffled, so that it carries
# no information. *Left out*: how much the error grows when the forest is trained again
# without the column.
#
# `sklearn.inspection.permutation_importance` shuffles for you. We do it by hand, to get
# a standard error: with other test rows, the figure would vary by about that much.
#
# **Guess first:** do the three measures agree which feature matters most?

# %%
# The pipeline's first two steps make the 13 features and drop the ids.
names = forest["features"].get_feature_names_out()[2:]
train_features = clone(forest[:2]).fit_transform(train, train["rating"])
train_features = pd.DataFrame(np.asarray(train_features), columns=names)
test_features = pd.DataFrame(np.asarray(forest[:2].transform(test)), columns=names)
fresh_forest = clone(forest["model"]).set_params(n_jobs=2)
test_stars = test["rating"].to_numpy()
squares = (forest.predict(test) - test_stars) ** 2


def growth(predictions):
    """Return how much the RMSE grows, in stars, and the standard error of that."""
    new_squares = (predictions - test_stars) ** 2
    rmse = np.sqrt(squares.mean())
    new_rmse = np.sqrt(new_squares.mean())
    # A small change of a root is the change of the square, divided by twice the root.
    error = (new_squares - squares).std() / np.sqrt(len(squares)) / (2 * rmse)
    return new_rmse - rmse, error


def growth_without(columns, random_state=42):
    """Train the forest again without some columns, and return `growth`."""
    kept = [name for name in names if name not in columns]
    fresh_forest.set_params(random_state=random_state)
    fresh_forest.fit(train_features[kept].to_numpy(), train["rating"])
    return growth(fresh_forest.predict(test_features[kept].to_numpy()))


rng = np.random.default_rng(0)
impurity = forest["model"].feature_importances_
rows = {}
for name, share in zip(names, impurity):
    shuffled = test_features.assign(**{name: rng.permutation(test_features[name])})
    predictions = forest["model"].predict(
        forest["scaler"].transform(shuffled.to_numpy())
    )
    shuffled_growth, shuffled_error = growth(predictions)
    left_out_growth, left_out_error = growth_without([name])
    rows[name] = {
        "useful by law": "no" if name in WORTHLESS else "yes",
        "distinct": train_features[name].nunique(),
        "impurity, %": 100 * share,
        "shuffled": shuffled_growth,
        "± shuffled": shuffled_error,
        "left out": left_out_growth,
        "± left out": left_out_error,
    }
worth = pd.DataFrame(rows).T.infer_objects().sort_values("impurity, %")
print("The 13 columns without the two ids: 11 features.")
print("distinct: how many values a feature has. Shuffled, left out: how much the RMSE")
print("grows, in stars, and the standard error of that")
formats = {"impurity, %": "{:.1f}".format}
print(worth[::-1].to_string(float_format="%.4f", formatters=formats))

impurity_sum = worth.loc[WORTHLESS, "impurity, %"].sum()
print(f"The features without influence get {impurity_sum:.0f} % of the impurity.")
print("Those with more distinct values mostly get more: among many thresholds, one")
print("fits the training rows by luck.")

seed_growth, error = growth_without([], random_state=1)
print(f"The same forest with another seed: {seed_growth:+.4f} ± {error:.4f}")
# Two standard errors are the usual line: luck alone crosses it about once in 40 times.
is_clear = worth["shuffled"] > 2 * worth["± shuffled"]
print("Shuffled, above two standard errors:", ", ".join(worth.index[is_clear][::-1]))
is_clear = worth["left out"] > 2 * worth["± left out"]
print("Left out, above two standard errors:", ", ".join(worth.index[is_clear][::-1]))
print("For all others, the growth may be luck: these rows do not show that they are of")
print("use, nor that they are not. (By law, a count says how far an average can be")
print("trusted; a genre matters, but to each user in another way.)")

# %% [markdown]
# Why do shuffling and leaving out disagree so much about `user_movie_interaction`? It
# is the product of the two averages. When it is shuffled, it misleads a forest that
# relies on it. When it is left out, the two averages carry nearly the same information.
# scikit-learn's guide warns of that: "Misleading values on strongly correlated
# features".

# %%
averages = ["user_avg_rating", "movie_avg_rating", "user_movie_interaction"]
all_left_out, error = growth_without(averages)
each = worth.loc[averages, "left out"].max()
print(
    f"One of the three averages left out: at most +{each:.4f}. "
    f"All three: +{all_left_out:.4f} ± {error:.4f}"
)

# %%
title = f"Impurity gives {impurity_sum:.0f} % to features that are worth nothing"
figure, axes = drawing.new_picture(title, ncols=2, height=6, sharey=True)
if figure is not None:
    is_useful = worth["useful by law"] == "yes"
    colours = np.where(is_useful, drawing.BLUE, drawing.GREY)
    for axis, column in zip(axes, ["impurity, %", "shuffled"]):
        axis.barh(worth.index, worth[column], color=colours)
    axes[1].text(0.03, 4.2, "useful by law", color=drawing.BLUE)
    axes[1].text(0.03, 2.0, "worth nothing", color="#606060")
    axes[0].set_xlabel("impurity\n(% of all)")
    axes[1].set_xlabel("shuffled: error\ngrows by (stars)")
    drawing.save_picture(figure, "2_feature_selection.svg")

# %% [markdown]
# ## How many features for nearest neighbours?
# Every feature without influence adds noise to a distance. `select=` puts `SelectKBest`
# into the pipeline: it chooses anew in every fold, from the training rows alone, by
# `f_regression`: how strongly a feature correlates with the rating. `drop_ids` is a
# step of the lesson; we leave it out to see why it is there.

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

# The folds are the same for all, so we compare fold by fold.
columns = ["split0_test_score", "split1_test_score", "split2_test_score"]
by_fold = -results.set_index("param_select__k")[columns]
for k in (2, 11):
    difference = (by_fold.loc[k] - by_fold.loc[5]).round(4).tolist()
    print(f"{k} features against 5, fold by fold: {difference}")
print("11 are worse than 5 in every fold. Between 2 and 5, the folds disagree.")
n_worse = np.sum(with_ids_rmse > by_fold.loc[11].to_numpy())
print(
    f"all 11 and the two ids: RMSE {with_ids_rmse.mean():.4f}, "
    f"worse than without in {n_worse} of 3 folds:"
)
print("an id is a label, so it means nothing that two ids are close.")

# %% [markdown]
# ## A selection that cheats
# 1000 columns of pure noise: an honest R2 is about 0 or below (1 is perfect, 0 is that
# of always predicting the mean).

# %%
noise = np.random.default_rng(0).normal(size=(200, 1000))
stars = test["rating"][:200]
best = SelectKBest(f_regression, k=10)

chosen = best.fit_transform(noise, stars)
before = cross_val_score(Ridge(), chosen, stars).mean()
inside = cross_val_score(make_pipeline(best, Ridge()), noise, stars).mean()
print(
    f"R2 with the best 10 chosen before the split: {before:.2f}, a leak; "
    f"inside the pipeline: {inside:.2f}"
)
print("(below 0 because it learned noise: it is worse than predicting the mean).")

# %% [markdown]
# **Try it:** let the search choose among other numbers of features, such as 1, 3 and 8.
#
# **Remember:** impurity shows by which features a forest split its rows, shuffling on
# which features it relies, and leaving one out whether you would miss it alone.
#
# Go on in scikit-learn's user guide: "Feature selection" and "Permutation feature
# importance". Exercise: `exercises/2_feature_selection.py`.
