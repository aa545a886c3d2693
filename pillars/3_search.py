# %% [markdown]
# # 3 Search: how good is the best of many, and what would more rows bring?
#
# **You know**: cross-validation, and `GridSearchCV`, which tries candidates and keeps
# the best (`pillars/0_job.py`). **You will see**: the score of the best of many
# candidates when none is better than another; the same with real candidates; a search
# that is cheaper; a learning curve. **Minutes**: 20.
#
# Words: a *hyperparameter* is set before training, such as the depth of a tree. A
# *candidate* is one value for each of them. *Nested* cross-validation: an inner one
# chooses the candidate, an outer one scores the choice on rows that took no part in it.

# %%
import drawing
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  allows Halving
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import (
    GridSearchCV,
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

table = MovieRecommendationDataset().generate()
stars = table["rating"].to_numpy()

# %% [markdown]
# ## The best of many random guessers
# We begin with 40 candidates that know nothing. Each of them answers the mean plus a
# random number. None is better than another, so all that the best one gains over the
# mean of all is luck.
#
# The random numbers are columns of a table, `noise`: one column for each candidate. The
# class `Guesser` is a model whose only hyperparameter says which column it adds. It
# inherits from two classes of scikit-learn, so that a search can use it.


# %%
class Guesser(RegressorMixin, BaseEstimator):
    """Answer the mean of the training ratings plus one column of noise."""

    def __init__(self, column=0):
        self.column = column

    def fit(self, X, y):
        self.mean_ = np.mean(y)
        return self

    def predict(self, X):
        return self.mean_ + X[:, self.column]


noise = np.random.default_rng(0).normal(0, 0.5, (len(table), 40))  # half a star
guesses = GridSearchCV(Guesser(), {"column": range(40)}, cv=folds, scoring=RMSE)

# %% [markdown]
# A search gives its winner a score, `best_score_`. We compare it with two others: that
# of nested cross-validation, for which `cross_val_score` takes the whole search as its
# model, and the error on the last 10,000 rows, which no search uses.

# %%
title = "Nested: the inner folds choose, the outer one scores"
figure, axes = drawing.new_picture(title, height=4.6)
if figure is not None:
    trains = {"facecolor": "#E6E6E6", "edgecolor": "white"}
    scores = {"facecolor": drawing.ORANGE, "edgecolor": "white"}
    chooses = {"facecolor": drawing.BLUE, "edgecolor": "white"}
    # Three outer folds of width 3; in the training part of the last one, which is 6
    # wide, three inner folds of width 2.
    for top, width, tested, word in [
        (6, 3, scores, "score"),
        (2, 2, chooses, "choose"),
    ]:
        for line in range(3):
            for place in range(3):
                look = tested if place == line else trains
                axes.bar(width * place, 0.8, width, top - line, align="edge", **look)
            middle = width * (line + 0.5)
            level = top - line + 0.4
            axes.text(middle, level, word, ha="center", va="center", color="white")
    for place in (0, 6):
        axes.plot([place, place], [2.85, 3.95], ":", color="black", linewidth=1.5)
    axes.text(0.2, 3.4, "the same grey rows, split again", va="center")
    axes.text(-0.2, 5.4, "outer", ha="right", va="center", color=drawing.ORANGE)
    axes.text(-0.2, 1.4, "inner", ha="right", va="center", color=drawing.BLUE)
    axes.text(
        6.3, 1.4, "together: the\nbest candidate", va="center", color=drawing.BLUE
    )
    axes.set(xlim=(-1.6, 9.4), ylim=(-0.2, 7))
    axes.axis("off")
    drawing.save_picture(figure, "3_search_nested.svg")

# %% [markdown]
# The outer folds score the choice: the orange rows took no part in it. Each of the
# three outer splits has a search of its own, in its grey rows; the picture shows the
# last one.


# %%
def search_and_check(search, X, first, n_rows):
    """Search on some rows; return the errors of the choice by different measures."""
    rows = slice(first, first + n_rows)
    search.fit(X[rows], stars[rows])
    nested = cross_val_score(search, X[rows], stars[rows], cv=outer_folds, scoring=RMSE)

    errors_on_new = []  # of all candidates
    for candidate in search.cv_results_["params"]:
        model = clone(search.estimator).set_params(**candidate)
        model.fit(X[rows], stars[rows])
        errors_on_new.append(error_on_new_rows(model, X))
    return {
        "best_score_": -search.best_score_,
        "nested": -nested.mean(),
        "all": -np.mean(search.cv_results_["mean_test_score"]),
        "new rows: winner": error_on_new_rows(search, X),
        "new rows: all": np.mean(errors_on_new),
    }


def error_on_new_rows(model, X):
    """Return the RMSE on the last 10,000 rows."""
    return root_mean_squared_error(stars[40_000:], model.predict(X[40_000:]))


# %% [markdown]
# **Guess first:** the noise of a guesser is half a star. By how much does the best of
# 40 seem to be better than the mean of all, on 50 rows?
#
# - by more than 0.1 stars
# - by about 0.03 stars
# - not at all

# %%
rows = {}
for n_rows in (50, 200, 1000):
    # Five searches, each on rows of its own.
    errors = []
    for number in range(5):
        first = 30_000 + number * n_rows
        errors.append(search_and_check(guesses, noise, first, n_rows))
    rows[n_rows] = pd.DataFrame(errors).mean()
guessed = pd.DataFrame(rows).T
guessed.index.name = "rows"
guessed["luck"] = guessed["all"] - guessed["best_score_"]
print("RMSE of the best of 40 guessers, and of all 40; the mean of five searches")
print(guessed.to_string(float_format="%.3f"))

# %% [markdown]
# **By more than 0.1 stars.** *Luck* is how much better the best guesser seems than the
# mean of all. It is all luck: on the new rows, the winners are no better than all 40.
# On 1000 rows there is less of it. The columns `all` and `new rows: all` differ because
# they are measured on other rows: the few rows of the first line are easier, by luck.
#
# In each line, the nested error is nearer to that of all than to the score of the
# winner: it scores each choice on rows that took no part in it.

# %%
title = "The best of 40 random guessers looks good, above all on few rows"
figure, axes = drawing.new_picture(title, height=4)
if figure is not None:
    places = range(len(guessed))
    axes.plot(places, guessed["all"], "o--", color="black")
    axes.plot(places, guessed["nested"], "o-", color=drawing.BLUE)
    axes.plot(places, guessed["best_score_"], "o-", color=drawing.ORANGE)
    middle = guessed.iloc[1]
    axes.text(1, middle["all"] + 0.012, "mean of all 40", ha="center")
    axes.text(0.27, 1.05, "nested", color=drawing.BLUE, va="center")
    height = middle["best_score_"] - 0.02
    axes.text(1.1, height, "score of the winner", color=drawing.ORANGE, va="top")
    axes.set(xticks=places, xticklabels=guessed.index)
    axes.set(xlabel="rows to search on", ylabel="error (RMSE, stars)")
    axes.margins(x=0.1, y=0.25)
    drawing.save_picture(figure, "3_search.svg")

# %% [markdown]
# ## Real candidates
# Now the candidates are trees of different sizes, and they read features of the
# ratings. `RandomizedSearchCV` draws 54 of them at random, where a grid would try all
# 126. Bergstra and Bengio ("Random Search for Hyper-Parameter Optimization", JMLR,
# 2012) found for neural networks that a random search gives models as good as those of
# a grid, or better, in a fraction of the time: usually only a few hyperparameters
# matter, and a grid tries few values of each.
#
# We search six times, on 150 other rows each time. Some of these trees really are
# better than others. Is the score of the winner still too good?

# %%
# The averages of users and movies come from the first 30,000 rows.
transformer = UserMovieFeatureTransformer().fit(table[:30_000])
features = transformer.transform(table).drop(columns=["user_id", "movie_id"]).to_numpy()

space = {
    "max_depth": [2, 3, 4, 6, 8, 12],
    "min_samples_leaf": [1, 2, 5, 10, 20, 50, 100],
    "max_features": [0.3, 0.5, 1.0],
}
tree = DecisionTreeRegressor(random_state=0)
options = {"cv": folds, "scoring": RMSE, "random_state": 0}
random_search = RandomizedSearchCV(tree, space, n_iter=54, **options)

errors = []
winners = []
for number in range(6):
    first = 30_000 + number * 150
    errors.append(search_and_check(random_search, features, first, n_rows=150))
    winners.append(random_search.best_params_)
errors = pd.DataFrame(errors)
print("\nRMSE of trees that were searched on 150 rows, the mean of six searches")
print(errors.mean().to_string(float_format="%.3f"))
seems_better = errors["all"] - errors["best_score_"]
is_better = errors["new rows: all"] - errors["new rows: winner"]
luck = seems_better - is_better
print("\nBy how much the winners are better than the mean of all, in stars")
print(f"in the search: {seems_better.mean():.3f}")
print(f"on new rows: {is_better.mean():.3f}")
print(f"luck, the difference: {luck.mean():.3f} ± {luck.sem():.3f}")
print("\nThe six winners")
print(pd.DataFrame(winners).to_string())

# %% [markdown]
# It is. The searches are not useless, as those of the guessers are: on new rows, the
# winners are better than the mean of all trees. But a third of what they seem to gain
# in the search is luck. On so few rows, luck helps to choose: look at how different the
# six winners are.
#
# Nested cross-validation warns of it without new rows. Its error is about 0.05 stars
# above `best_score_`.
#
# ## A cheaper search
# `HalvingRandomSearchCV` begins with many candidates on few rows, and gives more rows
# to the best third, again and again. We give both searches 3000 rows, and count the
# rows that are fitted: each fold trains on two thirds of the rows that a candidate is
# given.
#
# **Guess first:** both searches try 54 candidates. How many rows does halving fit,
# compared with the random search?
#
# - about as many
# - about half
# - less than a fifth

# %%
halving = HalvingRandomSearchCV(
    tree, space, n_candidates=54, min_resources=100, **options
)
found = pd.DataFrame(
    {
        "random, 54": search_and_check(random_search, features, 30_000, 3000),
        "halving, 54": search_and_check(halving, features, 30_000, 3000),
    }
)
print("\nRMSE of trees that were searched on 3000 rows")
measures = ["best_score_", "nested", "new rows: winner"]
print(found.loc[measures].to_string(float_format="%.3f"))
print("The winner of the random search:", random_search.best_params_)
print("The winner of halving:", halving.best_params_)

rows_given = {
    "random, 54": 54 * 3000,
    "halving, 54": np.dot(halving.n_candidates_, halving.n_resources_),
}
for name, n_given in rows_given.items():
    print(f"{name}: about {n_given * 2 // 3} rows fitted in each fold")

# %% [markdown]
# **Less than a fifth.** Halving saves most of the work. A single search cannot show
# whether it finds worse trees for that.
#
# On 3000 rows, `best_score_` of the random search is no longer too good: it is about
# equal to the nested error. As with the guessers, more rows leave less room for luck.
#
# ## Would more rows bring more?
# A search cannot bring more than its best candidate. More rows may. A *learning curve*
# shows the error by the number of training rows.
#
# **Guess first:** with more training rows, what becomes of the error on these training
# rows?
#
# - it rises
# - it stays the same
# - it falls

# %%
model = SklearnEcosystemPipeline(model="linear").build_pipeline()
sizes, train_scores, test_scores = learning_curve(
    model,
    table,
    stars,
    train_sizes=[0.1, 0.2, 0.4, 0.7, 1.0],
    cv=KFold(5, shuffle=True, random_state=1),
    scoring=RMSE,
)
# Both scores have the shape (5 sizes, 5 folds). We take the means of the folds.
curve = pd.DataFrame(index=pd.Index(sizes, name="training rows"))
curve["on these rows"] = -train_scores.mean(axis=1)
curve["on new rows"] = -test_scores.mean(axis=1)
curve["gap"] = curve["on new rows"] - curve["on these rows"]
print("\nRMSE of the linear model")
print(curve.to_string(float_format="%.3f"))

# %% [markdown]
# **It rises.** Many rows are harder to fit than few. On new rows the error falls, and
# so the gap between the two shrinks.

# %%
title = "With more rows, the two errors come closer"
figure, axes = drawing.new_picture(title, height=4)
if figure is not None:
    axes.fill_between(
        curve.index, curve["on these rows"], curve["on new rows"], color="#EEEEEE"
    )
    axes.plot(curve.index, curve["on new rows"], "o-", color=drawing.BLUE)
    axes.plot(curve.index, curve["on these rows"], "o-", color=drawing.GREY)
    last = curve.iloc[-1]
    end = curve.index[-1]
    axes.text(
        end, last["on new rows"] + 0.01, "on new rows", color=drawing.BLUE, ha="right"
    )
    axes.text(
        end,
        last["on these rows"] - 0.01,
        "on the training rows",
        color="#6A6A6A",
        ha="right",
        va="top",
    )
    axes.set(xlabel="training rows", ylabel="error (RMSE, stars)")
    axes.set(xticks=[0, 10_000, 20_000, 30_000, 40_000], ylim=(0.77, 0.93))
    drawing.save_picture(figure, "3_search_curve.svg")

# %% [markdown]
# If the two curves go on like this, they meet somewhere in the gap on the right, which
# is 0.028 stars wide. So more rows lower the error of this model by less than that. To
# gain more, a model must learn something else, such as the taste of each user
# (`pillars/4_taste.py`).
#
# **Try it:** let 200 guessers compete instead of 40 (change the columns of `noise`, and
# `range(40)`). How lucky is the best one?
#
# **Remember:** the score by which the winner was chosen can be too good; score the
# whole search on rows that it has not seen.
#
# Go on in scikit-learn's user guide:
# [Tuning the hyper-parameters](https://scikit-learn.org/stable/modules/grid_search.html)
# of an estimator.
#
# Exercise: `exercises/3_search.py`.
