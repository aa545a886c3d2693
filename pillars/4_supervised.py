# %% [markdown]
# # 4 Supervised learning: how much of the error is the model's?
#
# **You know**: `fit` learns, `predict` answers, and cross-validation scores rows that
# the model has not seen. **You will see**: four kinds of models; an error split into
# two parts, one of which no model can remove; and whose ratings make that part large.
# **Minutes**: 20.

# %%
import pandas as pd
from drawing import BLUE, GREY, new_picture, save_picture
from sklearn.dummy import DummyRegressor
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.tree import DecisionTreeRegressor, export_text

from lesson_code import (
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
)

# %% [markdown]
# ## Four kinds of models
# In *supervised learning*, each row has a known answer to learn from: here, the rating.
# A *decision tree* asks a row questions, one feature at a time, and answers with the
# mean of all training rows that gave the same replies. Its *depth* is the number of
# questions. Here is a tree of depth 2, which reads two features.

# %%
dataset = MovieRecommendationDataset()
table = dataset.generate()
rating = table["rating"]

features = UserMovieFeatureTransformer().set_output(transform="pandas")
two_features = features.fit_transform(table)[["user_avg_rating", "movie_avg_rating"]]
tree = DecisionTreeRegressor(max_depth=2).fit(two_features, rating)
print(export_text(tree, feature_names=list(two_features), decimals=1))

# %% [markdown]
# A `value` is the answer, in stars. With many more questions, a tree learns single rows
# by heart, as in `pillars/0_first.py`. We compare four models that do better. The first
# three are scikit-learn's:
#
# - `linear` (`Ridge`) multiplies each feature by a weight and adds up. It cannot learn
#   that a feature matters only together with another. `alpha` is its penalty: the
#   larger, the smaller the weights.
# - `forest` (`RandomForestRegressor`) takes the mean of many deep trees, each of which
#   has seen other rows. So what one tree has learned by heart hardly counts.
#   `n_estimators` is the number of trees, `max_samples` how many rows each sees, and
#   `max_features` how many features it may choose from for each question.
# - `boosting` (`HistGradientBoostingRegressor`) adds small trees, one after the other.
#   Each learns what those before it have left over. `learning_rate` is the share of its
#   answer that is added: with a small one, it takes more trees (at most `max_iter`).
# - `factors` (`MatrixFactorization` of `lesson_code.py`) is the course's own, because
#   scikit-learn has no such model. It reads none of these features, but learns a few
#   numbers for each user and each movie, which say how well the two fit.
#   `pillars/4_taste.py` builds one.
#
# In the forest and in boosting, `min_samples_leaf` is the smallest number of training
# rows that an answer may be the mean of: the larger, the less is learned by heart.
# `SklearnEcosystemPipeline` of `lesson_code.py` puts the features before each model,
# with parameters that are already chosen. How to choose them is in
# `pillars/3_search.py`.
#
# ## What no model can foresee
# An error of 0.8 stars: is that good? On real data nobody can say. Here we know the
# *law* of the ratings, the formula that made them. So we know the best possible answer
# for every row, its *expected rating*. That splits the squared error in two:
#
#     mean of (rating - answer)²
#         =  noise: people are not consistent
#         +  mean of (expected - answer)²: ignorance, what a better model could avoid
#
# The usual names are *irreducible error* for the noise (also *Bayes error*), and
# *reducible error* for the ignorance. On one table the two sides differ a little, by
# luck.
#
# We begin with the noise. Of 50,000 ratings, this one is farthest from its expected
# rating.

# %%
expected = dataset.true_expected_
row = (rating - expected).abs().idxmax()
print(f"User {table['user_id'][row]} and {table['title'][row]}")
print(f"  expected {expected[row]:.2f} stars, rating {rating[row]:.1f}")

# %% [markdown]
# The best possible answer is more than four stars, and then this user gives one. No
# model can foresee that: it is noise.
#
# ## Noise and ignorance
# Now we compare the models on the same five folds, the dummy first. `cross_val_predict`
# answers each row by a model that was trained on the other folds.
#
# **Guess first:** how much of the squared error of the best model is noise?
#
# - about a quarter
# - about half
# - more than three quarters

# %%
models = {"mean": DummyRegressor()}  # always the mean rating of its training rows
for name in ("linear", "forest", "boosting", "factors"):
    models[name] = SklearnEcosystemPipeline(model=name).build_pipeline()

folds = KFold(5, shuffle=True, random_state=42)
answers = {}
for name, model in models.items():
    answers[name] = cross_val_predict(model, table, rating, cv=folds)
answers["the law"] = expected  # the best possible predictor: what remains is noise

noise = dataset.best_rmse() ** 2  # the noise floor of all rows, squared
rows = {}
for name, answer in answers.items():
    ignorance = mean_squared_error(expected, answer)
    rows[name] = {
        "noise": noise,
        "ignorance": ignorance,
        "sum": noise + ignorance,
        "measured": mean_squared_error(rating, answer),
    }
errors = pd.DataFrame(rows).T
errors["RMSE"] = errors["measured"] ** 0.5
errors["ignorance / sum"] = errors["ignorance"] / errors["sum"]
print("\nSquared error in stars², RMSE in stars, and the model's part of the error")
print(errors.to_string(float_format="%.3f"))

# %% [markdown]
# **More than three quarters.** `factors` is the best of these models. About a sixth of
# its error is ignorance. The rest is noise, which even the best possible model would
# keep. For linear, forest and boosting, ignorance is about a quarter.

# %%
figure, axes = new_picture("A better model shortens only the blue part of the bar")
if figure is not None:
    axes.barh(errors.index, errors["noise"], color=GREY)
    axes.barh(errors.index, errors["ignorance"], left=errors["noise"], color=BLUE)
    for name, row in errors.drop("the law").iterrows():
        label = f"{row['ignorance']:.2f}"
        axes.text(row["sum"] + 0.01, name, label, va="center", color=BLUE)
    axes.text(noise / 2, "mean", f"noise {noise:.2f}", ha="center", va="center")
    axes.text(noise + 0.02, "mean", "ignorance", va="center", color="white")
    axes.set(xlabel="mean squared error (stars²), five folds", xlim=(0, 1.2))
    axes.invert_yaxis()  # the dummy on top
    save_picture(figure, "4_supervised.svg")

# %% [markdown]
# ## Better, or only lucky?
# Linear, forest and boosting have almost the same error. To compare two models, we take
# the difference row by row, and its standard error (`pillars/0_luck.py` explains both).

# %%
print("\nGain over linear in squared error (± standard error)")
error_of_linear = (rating - answers["linear"]) ** 2
for name in ("forest", "boosting", "factors"):
    gain = error_of_linear - (rating - answers[name]) ** 2
    print(f"  {name:8} {gain.mean():+.5f} ± {gain.sem():.5f}")

# %% [markdown]
# A difference of less than twice its standard error may well be luck. The difference of
# boosting is below this limit, so this table does not show whether boosting is better
# or worse. (Two other tables do: with the seeds 3 and 7, it is worse.) The forest is
# worse: the difference is tiny, but more than three times its standard error. (Rows of
# one user or one movie are alike. A standard error that takes this into account is a
# little larger, and changes neither of the two answers.)
#
# The three algorithms are very different, but they read the same 11 features, and their
# errors are nearly the same. `factors` reads who rated what, and learns each user's
# *taste*: the love of genres. No feature holds the taste, and the gain of `factors` is
# far larger.
#
# ## Whose ratings?
# We sort the ratings by how careless their users are, and cut them into five groups of
# equal size. The measure is `sigma`, the standard deviation of a user's noise in stars.

# %%
sigma = pd.Series(dataset.law_["sigma"][table["user_id"] - 1])  # ids count from 1
care = ["most careful", "careful", "middle", "careless", "most careless"]
group = pd.qcut(sigma, 5, labels=care)
print("\nMean sigma of the five groups, in stars")
print(sigma.groupby(group, observed=True).mean().to_string(float_format="%.2f"))

# %% [markdown]
# **Guess first:** how large is the *squared* noise of the most careless group, compared
# with that of the most careful one?
#
# - about three times
# - about ten times
# - about fifty times

# %%
squares = pd.DataFrame(
    {
        "noise": (rating - expected) ** 2,
        "ignorance of factors": (expected - answers["factors"]) ** 2,
    }
)
by_care = squares.groupby(group, observed=True).mean()
print("\nSquared error in stars², by the care of the users")
print(by_care.to_string(float_format="%.3f"))

# %% [markdown]
# **About ten times.** It grows from 0.112 to 1.252. You may have squared `sigma`, which
# is 0.30 in the first group and 1.37 in the last: its square is about twenty times as
# large. Why is the noise not? A rating is rounded to half a star. That adds a little
# noise for all, which counts where there is little other noise. And a rating ends at 1
# and 5 stars, which cuts the largest noise off.
#
# Ignorance grows by about a third only. So the error of a model depends strongly on
# whose ratings it is measured on: the same model looks excellent for the `most careful`
# users, and poor for the `most careless`.
#
# **Try it:** make 200,000 ratings instead of 50,000. Which part of the error becomes
# smaller, and for which models?
#
# **Remember:** a better model has less ignorance, but the noise remains.
#
# Go on in scikit-learn's user guide:
# [Supervised learning](https://scikit-learn.org/stable/supervised_learning.html).
# `pillars/4_taste.py` builds the best of these models.
#
# Exercise: `exercises/4_supervised.py`.
