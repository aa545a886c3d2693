# %% [markdown]
# # 3 Search: how good is the best of many, and what would more rows bring?
#
# **You know**: cross-validation, and that a search tries candidates and keeps the best.
# **You will see**: the score of the best of many candidates when none is better than
# another; a random search and a cheaper one; a learning curve. **Minutes**: 15.
#
# Words: a *hyperparameter* is set before training, such as the depth of a tree. A
# *candidate* is one value for each of them. *Nested* cross-validation: an inner one
# chooses the candidate, an outer one scores the choice on rows that took no part in it.

# %%
import drawing
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  allows Halving
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import (
    HalvingRandomSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_score,
    learning_curve,
)
from sklearn.tree import DecisionTreeRegressor

from lesson_code import (
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
)

RMSE = "neg_root_mean_squared_error"  # scikit-learn's name: minus the error
folds = KFold(3, shuffle=True, random_state=0)
outer_folds = KFold(3, shuffle=True, random_state=1)

# The features are made from the first 30,000 rows, the searches use the next ones, and
# the last 10,000 are used by neither: they show how good the choice really is.
table = MovieRecommendationDataset().generate()
transformer = UserMovieFeatureTransformer().fit(table[:30_000])
features = transformer.transform(table).drop(columns=["user_id", "movie_id"]).to_numpy()
stars = table["rating"].to_numpy()
new_features = features[40_000:]
new_stars = stars[40_000:]

# %% [markdown]
# ## The best of many random guessers
# As a control, we take 40 candidates, each of which answers the mean plus a random
# number. None is better than another, so all that the best one gains over the mean of
# all is luck.
#
# The class `Guesser` is such a candidate: a model that ignores the features. It
# inherits from two classes of scikit-learn, so that a search can use it. You need not
# understand the class to go on.
#
# **Guess first:** the noise of a guesser is half a star. By how much does the best of
# 40 seem to be better than the mean of all, on 50 rows?
#
# - not at all
# - by about 0.03 stars
# - by more than 0.1 stars


# %%
class Guesser(RegressorMixin, BaseEstimator):
    """Answer the mean plus noise, with a standard deviation of half a star."""

    def __init__(self, seed=0):
        self.seed = seed

    def fit(self, X, y):
        self.mean_ = np.mean(y)
        return self

    def predict(self, X):
        # Each fold has other rows, and must get other noise: so a number computed from
        # the rows is the second part of the seed.
        sum_of_rows = int(np.abs(X).sum())
        rng = np.random.default_rng([self.seed, sum_of_rows])
        return self.mean_ + rng.normal(0, 0.5, len(X))


def search_and_check(search, n_rows, first=30_000):
    """Search on some rows; return the errors of the choice by different measures."""
    rows = slice(first, first + n_rows)
    search.fit(features[rows], stars[rows])
    nested = cross_val_score(
        search, features[rows], stars[rows], cv=outer_folds, scoring=RMSE
    )
    return {
        "best_score_": -search.best_score_,
        "nested": -nested.mean(),
        "mean of all": -np.mean(search.cv_results_["mean_test_score"]),
        "on 10,000 new rows": root_mean_squared_error(
            new_stars, search.predict(new_features)
        ),
    }


guesses = RandomizedSearchCV(
    Guesser(), {"seed": range(40)}, n_iter=40, cv=folds, scoring=RMSE, random_state=0
)
rows = {}
for n_rows in (50, 200, 1000):
    # Ten searches, each on rows of its own.
    errors = []
    for number in range(10):
        first = 30_000 + number * n_rows
        errors.append(search_and_check(guesses, n_rows, first))
    rows[n_rows] = pd.DataFrame(errors).mean()
guessed = pd.DataFrame(rows).T
guessed.index.name = "rows"
# All 40 on the new rows, whoever was chosen.
on_new = []
for seed in range(40):
    guesser = Guesser(seed).fit(features[30_000:40_000], stars[30_000:40_000])
    on_new.append(root_mean_squared_error(new_stars, guesser.predict(new_features)))
guessed["luck"] = guessed["mean of all"] - guessed["best_score_"]
print("RMSE of the best of 40 guessers, the mean of ten searches")
print(guessed.to_string(float_format="%.3f"))
print(f"Mean of all 40 on 10,000 new rows: {np.mean(on_new):.3f}")

# %% [markdown]
# **By more than 0.1 stars.** *Luck* is how much better the best guesser seems than the
# mean of all. It is all luck: on the new rows, the chosen guessers are no better than
# all 40. On 1000 rows there is less of it.
#
# In each line, the nested error is nearer to the mean of all than to the score of the
# winner: it scores each choice on rows that took no part in it. (Compare within a line
# only, because each line has other rows.)

# %%
title = "The best of 40 random guessers looks good, above all on few rows"
figure, axes = drawing.new_picture(title, height=4)
if figure is not None:
    places = range(len(guessed))
    axes.plot(places, guessed["mean of all"], "o--", color="black")
    axes.plot(places, guessed["best_score_"], "o-", color=drawing.ORANGE)
    middle = guessed.iloc[1]
    axes.text(1, middle["mean of all"] + 0.02, "mean of all 40", ha="center")
    height = middle["best_score_"] - 0.04
    axes.text(1.1, height, "score of the winner", color=drawing.ORANGE, va="top")
    axes.set(xticks=places, xticklabels=guessed.index)
    axes.set(xlabel="rows to search on", ylabel="error (RMSE, stars)")
    axes.margins(x=0.1, y=0.25)
    drawing.save_picture(figure, "3_search.svg")

# %% [markdown]
# ## A random search, and halving
# Now we search among real candidates: trees of different sizes. `RandomizedSearchCV`
# draws candidates at random. Bergstra and Bengio ("Random Search for Hyper-Parameter
# Optimization", JMLR, 2012) found for neural networks that a random search gives models
# as good as those of a grid, or better, in a fraction of the time: usually only a few
# hyperparameters matter, and a grid tries few values of each. `HalvingRandomSearchCV`
# begins with many candidates on few rows, and gives more rows to the best third, again
# and again. We count the rows that are fitted: each fold trains on two thirds of the
# rows that a candidate is given.
#
# **Guess first:** both searches try 54 candidates. How many rows does halving fit,
# compared with the random search?
#
# - about as many
# - about half
# - less than a fifth

# %%
space = {
    "max_depth": [2, 3, 4, 6, 8, 12],
    "min_samples_leaf": [1, 2, 5, 10, 20, 50, 100],
    "max_features": [0.3, 0.5, 1.0],
}
tree = DecisionTreeRegressor(random_state=0)
options = {"cv": folds, "scoring": RMSE, "random_state": 0}
searches = {
    "random, 54": RandomizedSearchCV(tree, space, n_iter=54, **options),
    "halving, 54": HalvingRandomSearchCV(
        tree, space, n_candidates=54, min_resources=100, **options
    ),
}
n_rows = 3000
rows = {}
for name, search in searches.items():
    rows[name] = search_and_check(search, n_rows)
found = pd.DataFrame(rows).drop("mean of all")
print(f"\nRMSE of trees that were searched on {n_rows} rows")
print(found.to_string(float_format="%.3f"))

halving = searches["halving, 54"]
rows_given = {
    "random, 54": 54 * n_rows,
    "halving, 54": np.dot(halving.n_candidates_, halving.n_resources_),
}
for name, n_given in rows_given.items():
    print(f"{name}: about {n_given * 2 // 3} rows fitted in each fold")

# %% [markdown]
# **Less than a fifth.** Halving saves most of the work. A single search cannot show
# whether it finds worse trees for that. Here, `best_score_` is not too good: it is
# about equal to the nested error. With 3000 rows there is less luck. And the chosen
# tree has an advantage, which may hide the rest of the luck: in the end it is trained
# on all rows, but in the search on two thirds of them at most.
#
# ## Would more rows bring more?
# A search cannot bring more than its best candidate. More rows may. A *learning curve*
# shows the error by the number of training rows.
#
# **Guess first:** with more training rows, what becomes of the error on these training
# rows?
#
# - it falls
# - it stays the same
# - it rises

# %%
model = SklearnEcosystemPipeline(model="linear").build_pipeline()
five_folds = KFold(5, shuffle=True, random_state=1)
sizes, train_scores, test_scores = learning_curve(
    model, table, stars, train_sizes=[0.1, 0.3, 1.0], cv=five_folds, scoring=RMSE
)
# Both scores have the shape (3 sizes, 5 folds). We take the means of the folds.
curve = pd.DataFrame(index=pd.Index(sizes, name="training rows"))
curve["on these rows"] = -train_scores.mean(axis=1)
curve["on new rows"] = -test_scores.mean(axis=1)
curve["gap"] = curve["on new rows"] - curve["on these rows"]
print("\nRMSE of the linear model")
print(curve.to_string(float_format="%.3f"))

# %% [markdown]
# **It rises.** Many rows are harder to fit than few. On new rows the error falls, and
# so the gap between the two shrinks. If the error `on these rows` keeps rising and that
# `on new rows` keeps falling, they meet somewhere between the two errors of the line of
# 40000 rows. Then more rows lower the error of this model by no more than the gap that
# is left, a few hundredths of a star. To gain more, a model must learn something else,
# such as the taste of each user (`pillars/4_factors.py`).
#
# **Try it:** let 200 guessers compete instead of 40 (in `guesses`, change `range(40)`
# and `n_iter`). How lucky is the best one?
#
# **Remember:** the score by which the winner was chosen can be too good; score the
# whole search on rows that it has not seen.
#
# Go on in scikit-learn's user guide:
# [Tuning the hyper-parameters](https://scikit-learn.org/stable/modules/grid_search.html)
# of an estimator.
#
# Exercise: `exercises/3_search.py`.
