# %% [markdown]
# # 3 Search: how good is the best of many, and what would more rows bring?
#
# **You know**: cross-validation, and `GridSearchCV`, which tries candidates and keeps
# the best (`pillars/0_job.py`). **You will see**: the score of the best of many
# candidates when none is better than another; the same with real candidates; the
# settings of boosting, and a search that is cheaper; a learning curve. **Minutes**: 20.
#
# Words: a *hyperparameter* is set before training, such as the depth of a tree. A
# *candidate* is one value for each of them. *Nested* cross-validation: an inner one
# chooses the candidate, an outer one scores the choice on rows that took no part in it.

# %%
import drawing
import numpy as np
import pandas as pd
from scipy.stats import sem
from sklearn.ensemble import HistGradientBoostingRegressor
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
from threadpoolctl import threadpool_limits

from lesson_code import (
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
)

table = MovieRecommendationDataset().generate()
stars = table["rating"].to_numpy()

# %% [markdown]
# (What comes from `lesson_code` is this course's own: it makes the table of 50,000
# ratings, and the features of a rating. All else is scikit-learn's.)
#
# ## The best of many random guessers
# We begin with 40 candidates that know nothing. Each of them answers the mean plus a
# random number, typically half a star. None is better than another.

# %%
rng = np.random.default_rng(0)


def errors_of_guessers(ratings, n_guessers=40):
    """Return the RMSE of each guesser on some ratings."""
    errors = []
    for _ in range(n_guessers):
        guesses = stars.mean() + rng.normal(0, 0.5, len(ratings))
        errors.append(root_mean_squared_error(ratings, guesses))
    return np.array(errors)


# %% [markdown]
# We let them guess some ratings, and the one with the smallest error wins. Its lead is
# the difference to the mean error of all 40. Then all guess 1000 new ratings: what is
# left of the lead? We do this 15 times, and print the means.
#
# **Guess first:** on 50 ratings, how large is the lead of the winner?
#
# - more than 0.1 stars
# - about 0.03 stars
# - there is none

# %%
leads = {}
print("Lead of the winner over the mean of all, in stars")
for n_rows in (50, 200, 1000):
    seems = []
    on_new = []
    for _ in range(15):  # 15 times, each with other rows
        errors = errors_of_guessers(rng.choice(stars, n_rows))
        new_errors = errors_of_guessers(rng.choice(stars, 1000))
        winner = errors.argmin()
        seems.append(errors.mean() - errors[winner])
        on_new.append(new_errors.mean() - new_errors[winner])
    leads[n_rows] = (np.mean(seems), np.mean(on_new))
    print(
        f"{n_rows:4} rows: it seems {np.mean(seems):.3f} ± {sem(seems):.3f}, "
        f"on new rows it is {np.mean(on_new):.3f} ± {sem(on_new):.3f}"
    )

# %% [markdown]
# **More than 0.1 stars.** And all of it is luck: on new rows, the winners are no better
# than the others. On 1000 rows there is less of this luck.

# %%
title = "The best of 40 random guessers looks good, above all on few rows"
figure, axes = drawing.new_picture(title, height=3.6)
if figure is not None:
    seems, on_new = zip(*leads.values())
    axes.plot([0, 1, 2], seems, "o-", color=drawing.ORANGE)
    axes.plot([0, 1, 2], on_new, "o-", color=drawing.BLUE)
    axes.text(0.2, 0.14, "on the rows that chose it", color=drawing.ORANGE)
    axes.text(0.2, 0.012, "on new rows", color=drawing.BLUE)
    axes.set(xticks=[0, 1, 2], xticklabels=leads, xlabel="rows to choose by")
    axes.set(ylabel="lead of the winner (stars)", ylim=(-0.02, 0.17))
    drawing.save_picture(figure, "3_search.svg")

# %% [markdown]
# ## Real candidates
# Now the candidates are decision trees, which read features of the ratings. Three
# hyperparameters say how far a tree may go into detail. A forest, which is the mean of
# many trees, has them, too:
#
# - `max_depth`: how many questions it may ask, one after the other.
# - `min_samples_leaf`: how many training rows must be left for each of its answers. The
#   more there are, the less an answer depends on luck.
# - `max_features`: among which share of the features, drawn at random, it looks for
#   each question.
#
# There are 126 combinations. `RandomizedSearchCV` tries 30 of them, drawn at random.
# (Usually only a few hyperparameters matter. Then a random search finds about as good a
# candidate as the whole grid, in a fraction of the time: Bergstra and Bengio, "Random
# Search for Hyper-Parameter Optimization", JMLR, 2012.)
#
# A search gives its winner a score, `best_score_`. Nested cross-validation gives
# another: `cross_val_score` takes the whole search as its model.

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
#
# We search six times, on 150 other rows each time. Some of these trees really are
# better than others. Is the score of the winner still too good?

# %%
# The averages of users and movies come from the first 30,000 rows.
transformer = UserMovieFeatureTransformer().fit(table[:30_000])
features = transformer.transform(table).drop(columns=["user_id", "movie_id"]).to_numpy()

RMSE = "neg_root_mean_squared_error"  # scikit-learn's name: minus the error
inner_folds = KFold(3, shuffle=True, random_state=0)
outer_folds = KFold(3, shuffle=True, random_state=1)
options = {"cv": inner_folds, "scoring": RMSE, "random_state": 0}
of_trees = {
    "max_depth": [2, 3, 4, 6, 8, 12],
    "min_samples_leaf": [1, 2, 5, 10, 20, 50, 100],
    "max_features": [0.3, 0.5, 1.0],
}
tree = DecisionTreeRegressor(random_state=0)
search = RandomizedSearchCV(tree, of_trees, n_iter=30, **options)

searched = []
winners = []
for first in range(30_000, 30_900, 150):
    X = features[first : first + 150]
    y = stars[first : first + 150]
    search.fit(X, y)
    nested = cross_val_score(search, X, y, cv=outer_folds, scoring=RMSE)
    searched.append({"best_score_": -search.best_score_, "nested": -nested.mean()})
    winners.append(search.best_params_)
errors = pd.DataFrame(searched)
print("\nRMSE of the best tree in six searches on 150 rows, in stars")
print(errors.to_string(float_format="%.3f"))
too_good = errors["nested"] - errors["best_score_"]
print(f"nested - best_score_: {too_good.mean():.3f} ± {too_good.sem():.3f}")
print("\nThe six winners")
print(pd.DataFrame(winners).to_string())

# %% [markdown]
# It is, on average: `best_score_` is 0.05 stars smaller than the nested error, about
# three standard errors. (In search 4 it is a little larger. Both are errors on few
# rows, in other folds, so one search alone can go either way.) These trees are no
# guessers, and still a part of what the winner seems to gain is luck. (A small part of
# the difference has another reason: a nested search has only two thirds of the rows to
# choose by.) On so few rows, luck also helps to choose: the six searches name four
# different winners.
#
# ## The settings of boosting, and a cheaper search
# *Boosting* adds up many small trees: each learns the errors that those before it have
# left. Four of its hyperparameters are worth knowing:
#
# - `learning_rate`: how much of each tree's answer is added. Smaller steps need more
#   trees.
# - `max_iter`: the number of trees. (With `early_stopping=True`, boosting stops by
#   itself when more trees no longer help on rows that it has put aside.)
# - `max_leaf_nodes`: how many different answers a tree may have.
# - `min_samples_leaf`: as above.
#
# (In a forest, more trees, `n_estimators`, do no harm, but cost time. There it is
# `min_samples_leaf` and `max_features` that are worth a search.)
#
# `HalvingRandomSearchCV` begins with all candidates on few rows, and gives more rows to
# the best third, again and again.
#
# **Guess first:** both searches try 27 candidates on 3000 rows. How many rows does
# halving give to its candidates, compared with the random search?
#
# - about as many
# - about half
# - less than a fifth

# %%
of_boosting = {
    "learning_rate": [0.05, 0.1, 0.2],
    "max_iter": [20, 40, 80],
    "max_leaf_nodes": [3, 5, 10, 30],
    "min_samples_leaf": [5, 10, 20, 50],
}
boosting = HistGradientBoostingRegressor(random_state=0)
random_search = RandomizedSearchCV(boosting, of_boosting, n_iter=27, **options)
halving = HalvingRandomSearchCV(
    boosting, of_boosting, n_candidates=27, min_resources=100, **options
)
with threadpool_limits(1):  # on small tables, one thread is fastest
    for search in (random_search, halving):
        search.fit(features[30_000:33_000], stars[30_000:33_000])

print(f"\nrandom search: 27 on 3000 rows, together {27 * 3000} rows")
given = 0
for n_candidates, n_rows in zip(halving.n_candidates_, halving.n_resources_):
    given += n_candidates * n_rows
    print(f"halving: {n_candidates:2} on {n_rows} rows")
print(f"halving, together: {given} rows")

# %% [markdown]
# **Less than a fifth.** So halving saves most of the work. And what have the two
# searches brought? We compare their winners with a boosting that keeps the defaults of
# scikit-learn, on 10,000 new rows.

# %%
default = boosting.fit(features[30_000:33_000], stars[30_000:33_000])
squares = (stars[40_000:] - default.predict(features[40_000:])) ** 2
print(f"\nRMSE of boosting with its defaults: {np.sqrt(squares.mean()):.3f} stars")
for name, search in {"random search": random_search, "halving": halving}.items():
    new_squares = (stars[40_000:] - search.predict(features[40_000:])) ** 2
    better = pd.Series(squares - new_squares)  # row by row
    print(f"{name}: {np.sqrt(new_squares.mean()):.3f} stars; {search.best_params_}")
    print(f"    MSE smaller by {better.mean():.3f} ± {better.sem():.3f} stars²")

# %% [markdown]
# Both are better than the defaults, by many standard errors. The defaults are 100 trees
# with up to 31 answers each: too much detail for 3000 noisy ratings. Both winners have
# far smaller trees. Whether halving finds worse candidates than the random search, a
# single search cannot show.
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
# The linear model of this course: 11 features, scaled, and a ridge
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
# **Try it:** let 200 guessers compete instead of 40 (`n_guessers=200`). How lucky is
# the best one?
#
# **Remember:** the score by which the winner was chosen can be too good; score the
# whole search on rows that it has not seen.
#
# Go on in scikit-learn's user guide:
# [Tuning the hyper-parameters](https://scikit-learn.org/stable/modules/grid_search.html)
# of an estimator.
#
# Exercise: `exercises/3_search.py`.
