# %% [markdown]
# # 0 Luck: how much of a figure is luck?
#
# **You know**: a model learns from training rows, and is scored on test rows. **You
# will see**: one model on 200 sets of test rows; how a single set can say how far its
# figure may be off; and when one model is better than another by more than luck.
# **Minutes**: 35.
#
# Words: the *MSE* is the mean of the squared errors. The *RMSE* is its root, and you
# can read it as the typical error, in stars. The *standard deviation* says how far
# numbers typically lie from their mean; in pandas it is `std()`.
#
# You test a model, and get a figure, such as "RMSE 0.84". On other test rows, the same
# model would get another figure. How different would it be? Here we can try it, because
# a formula makes as many ratings as we like. The models learn from 20,000 ratings, and
# 100,000 others are test rows. Our model is the ridge of `pillars/0_first.py`, which
# learns a number for each user and one for each movie.

# %%
import drawing
import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from lesson_code import MovieRecommendationDataset

table = MovieRecommendationDataset(n_ratings=120_000).generate()
train, test = train_test_split(table, train_size=20_000, random_state=42)


def squared_errors(model):
    """Train a model, and return its squared error on each test row, in stars²."""
    ids = ["user_id", "movie_id"]
    model.fit(train[ids], train["rating"])
    errors = test["rating"] - model.predict(test[ids])
    return errors.to_numpy() ** 2


ridge = make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge(alpha=3))
squares = pd.DataFrame(
    {"mean": squared_errors(DummyRegressor()), "ridge": squared_errors(ridge)}
)
test_set = np.arange(100_000) // 500  # the first 500 rows are set 0, the next set 1
mse = squares.groupby(test_set).mean()
rmse = np.sqrt(mse)
print("RMSE in stars, on the first five sets of 500 test rows")
print(rmse.head().to_string(float_format="%.3f"))

# %% [markdown]
# In each of the five sets, the ridge is better than `mean`, which always answers the
# mean rating. But the figures of the ridge differ, although it is the same model in
# every line. Only the test rows are different. Which rows are in a test set is luck.
#
# **Guess first:** there are 200 such sets. How far apart are the smallest and the
# largest RMSE of the ridge, compared with these five?
#
# - hardly more than in these five
# - more than twice as much
# - more than five times as much

# %%
spread = rmse["ridge"].std()
from_mean = (rmse["ridge"] - rmse["ridge"].mean()).abs()
low = rmse["ridge"].min()
high = rmse["ridge"].max()
five = rmse["ridge"].head()
print("\nRMSE of the ridge on 200 test sets, in stars")
print(f"smallest {low:.3f}, largest {high:.3f}: {high - low:.3f} apart")
print(f"in the first five sets: {five.max() - five.min():.3f} apart")
print(f"mean {rmse['ridge'].mean():.3f}, standard deviation {spread:.3f}")
print(f"within one standard deviation of the mean: {sum(from_mean < spread)} sets")

# %% [markdown]
# **More than twice as much.** But such extremes are rare, as the picture shows. About
# two thirds of the sets lie within one standard deviation of the mean. So on 500 rows,
# luck typically moves this RMSE by about 0.03 stars.

# %%
title = f"One model, 200 test sets: its RMSE is anything from {low:.2f} to {high:.2f}"
figure, axes = drawing.new_picture(title, height=3.8)
if figure is not None:
    counts = axes.hist(rmse["ridge"], bins=16, color=drawing.BLUE, edgecolor="white")[0]
    on_all_rows = np.sqrt(squares["ridge"].mean())
    axes.axvline(on_all_rows, color=drawing.ORANGE, linestyle="--")
    place = (on_all_rows + 0.002, 1.08 * counts.max())
    axes.text(*place, f"on all 100,000 rows: {on_all_rows:.2f}", color=drawing.ORANGE)
    axes.set(xlabel="RMSE on 500 test rows (stars)", ylabel="number of test sets")
    axes.set(ylim=(0, 1.2 * counts.max()))
    drawing.save_picture(figure, "0_luck.svg")

# %% [markdown]
# ## What a single test set can say
# With real ratings you have one test set, not 200. It can still say how far its own
# figure may be off. Its MSE is a mean of 500 squared errors. The more these numbers
# differ, the more their mean depends on luck. The more numbers there are, the better
# good luck and bad luck even out. Both are in the formula of the *standard error* of a
# mean:
#
#     standard error = standard deviation of the numbers / root of how many they are
#
# We compute it from the first test set alone. In pandas it is `sem()`, the "standard
# error of the mean".

# %%
first = squares["ridge"][:500]
print("\nThe first test set: 500 squared errors, in stars²")
print(f"their mean, the MSE: {first.mean():.3f}")
print(f"their standard deviation: {first.std():.3f}")
print(f"the same / root of 500: {first.std() / np.sqrt(500):.3f}")
print(f"the same by sem(): {first.sem():.3f}")
print(f"\nStandard deviation of the MSEs of all 200 sets: {mse['ridge'].std():.3f}")

# %% [markdown]
# Compare the last two figures. From one set alone, we can say roughly how much the MSE
# differs between sets. The *standard error* of a figure is just that: how far the
# figure would typically move with other rows.
#
# ## From the MSE to the RMSE
# We want the same for the RMSE. It is the root of the MSE, so we ask: if the RMSE grows
# by 0.01, by how much does its square grow?

# %%
roots = pd.DataFrame({"RMSE": [0.83, 0.84, 0.85]})
roots["MSE"] = roots["RMSE"] ** 2
roots["MSE grows by"] = (roots["RMSE"] + 0.01) ** 2 - roots["MSE"]
roots["2 * RMSE * 0.01"] = 2 * roots["RMSE"] * 0.01
print("\nIf the RMSE grows by 0.01")
print(roots.to_string(index=False, float_format="%.4f"))

errors = squares.groupby(test_set).sem() / (2 * rmse)
print("\nStandard error of the RMSE of the ridge, in stars")
print(f"from the first set alone: {errors['ridge'].iloc[0]:.3f}")
print(f"from any one set: {errors['ridge'].min():.3f} to {errors['ridge'].max():.3f}")
print(f"Standard deviation of the RMSEs of all 200 sets: {spread:.3f}")

# %% [markdown]
# In the first table, the last two columns are nearly the same. Here is why:
# (0.84 + 0.01)² is 0.84² + 2 · 0.84 · 0.01 + 0.01², and the last part is too small to
# count. So the MSE changes 2 · RMSE times as much as the RMSE. The other way round: if
# the MSE changes by a small d, the RMSE changes by d / (2 · RMSE). Therefore we divide
# the standard error of the MSE by 2 · RMSE, as `pillars/0_job.py` did.
#
# Again, one set alone is enough to say roughly what 200 sets show. We write a figure
# with its standard error. For the first set it is: RMSE 0.85 ± 0.03.
#
# ## How many rows make luck half as large?
# **Guess first:** how many times as many?
#
# - 2 times
# - 4 times
# - 8 times

# %%
sizes = []
for n_rows in (125, 500, 2000):
    mse_of_sets = squares["ridge"].groupby(np.arange(100_000) // n_rows).mean()
    rmse_of_sets = np.sqrt(mse_of_sets)
    sizes.append(
        {"rows": n_rows, "test sets": len(rmse_of_sets), "spread": rmse_of_sets.std()}
    )
print("\nSpread: the standard deviation of the RMSEs of all test sets, in stars")
print(pd.DataFrame(sizes).to_string(index=False, float_format="%.3f"))

# %% [markdown]
# **4 times.** The rows of each line are four times those of the line above, and the
# spread is about half. That is the root in the formula: the root of 4 is 2. To make
# this luck ten times smaller, you need a hundred times as many rows.
#
# <!-- play: luck -->
#
# ## The bell
# The 200 figures of the first picture look a little like a bell: most are in the
# middle, and few are far out. Single squared errors are not like that. Most are small,
# and some are very large. What happens if we take the mean of more and more of them? We
# draw rows at random, 10,000 times, and ask which share of the means lies below some
# limits. A limit of -2 is two standard errors below the mean of all.

# %%
rng = np.random.default_rng(0)
limits = [-2, -1, 0, 0.84, 1, 2]  # 0.84: 8 Experiment needs 1.96 + 0.84 = 2.8
below = pd.DataFrame(index=limits)
distances_of = {}  # for each n: how far the means are from their middle
for n in (1, 10, 500):
    means = rng.choice(squares["ridge"], (10_000, n)).mean(axis=1)
    distances = (means - means.mean()) / means.std()  # in standard errors
    below[f"mean of {n}"] = [np.mean(distances < limit) for limit in limits]
    distances_of[n] = distances
below["norm.cdf"] = norm.cdf(limits)
print("\nShare below a limit")
print(below.to_string(float_format="%.3f"))

within = np.mean(np.abs(distances_of[500]) < 2)
above = np.mean(distances_of[500] > 2)
print(f"\nMeans of 500 within two standard errors: {within:.1%}")
print(f"more than two above: {above:.1%} (norm.sf(2): {norm.sf(2):.1%})")
within_by_norm = norm.cdf(1.96) - norm.cdf(-1.96)
print(f"within 1.96 of a normal distribution: {within_by_norm:.1%}")

# %% [markdown]
# Read the table from left to right. The column of single errors is far from the last
# one, and the means of 500 agree with it to about a hundredth. Mathematics shows that
# this is so for nearly all kinds of numbers (the *central limit theorem*): a mean, or a
# sum, of many independent ones is spread like a bell, even if the single numbers are
# not. This spread is called the *normal distribution*, and SciPy has it as `norm`:
#
# - `norm.cdf(limit)` is the share below a limit.
# - `norm.sf(limit)` is the share above it, which is 1 - `norm.cdf(limit)`.
#
# Why is there a line for 0.84? Below it are 80 % of the figures. The bell has two equal
# sides, so 80 % are also above the truth minus 0.84 standard errors. Say that the truth
# is 2.8 standard errors above 0. Then 80 % of all tests measure more than 1.96 standard
# errors, because 2.8 = 1.96 + 0.84. `pillars/8_experiment.py` needs that.
#
# Many chapters use two facts. About 95 % of the figures lie within two standard errors.
# (More exactly, it is 1.96, which we round to two.) And luck alone lifts a figure by
# more than two standard errors about once in 40 times.
#
# Does this also hold if each test set computes its own standard error?

# %%
truth = np.sqrt(squares["ridge"].mean())
distances = (rmse["ridge"] - truth) / errors["ridge"]
print(f"\nRMSE of the ridge on all 100,000 rows: {truth:.3f}")
print(f"within two standard errors of it: {sum(distances.abs() < 2)} of 200 test sets")

# %% [markdown]
# It does, in about 95 % of the sets. So with one test set you can say: on very many
# rows of these users, the RMSE of this model would be within two standard errors of
# what I have measured. You would be wrong about once in 20 times.
#
# ## Two models on the same rows
# The next model is a ridge with a larger `alpha`, which keeps its numbers closer to 0.
# We call it the strong ridge, and ask whether it is better or worse. We stay with the
# MSE: the difference of two MSEs is the mean of the differences, row by row. So it has
# a standard error of its own, computed from these differences.
#
# **Guess first:** on the first test set, the two MSEs are 0.045 apart, and each has a
# standard error of about 0.044. Can this set show which model is better?
#
# - no, luck alone could do that
# - yes

# %%
strong_ridge = make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge(alpha=20))
squares["strong ridge"] = squared_errors(strong_ridge)
squares["difference"] = squares["strong ridge"] - squares["ridge"]

mse = squares.groupby(test_set).mean()
two_models = pd.DataFrame(
    {
        "first set": mse.iloc[0],
        "standard error": squares[:500].sem(),
        "in 200 sets: standard deviation": mse.std(),
    }
)
print("\nMSE in stars²")
print(two_models.drop("mean").to_string(float_format="%.3f"))

difference = squares["difference"]
print(
    f"On all rows, the difference is {difference.mean():.4f} ± {difference.sem():.4f}"
)
correlation = squares["ridge"].corr(squares["strong ridge"])
print(f"Correlation of the squared errors of the two models: {correlation:.2f}")

# %% [markdown]
# **Yes.** Look at the line `difference`. Its standard error is about a third of the
# others, and the 200 sets agree with that. So a difference of 0.045 is about three
# standard errors. This is more than luck: the strong ridge is worse.
#
# Why is the difference known so well? The correlation of the squared errors is not far
# from 1: a row that is hard for one model is hard for the other, too. If many hard rows
# are in a test set, both MSEs are large, but their difference is not.
#
# Now we count the sets in which the strong ridge seems to be better: first with both
# models on the same rows, then with different rows. For that, we compare the strong
# ridge on set 1 with the ridge on set 0, then set 2 with set 1, and so on. (`shift()`
# moves the figures of the ridge down by one line, beside those of the next set.)

# %%
is_clear = mse["difference"] > 2 * squares["difference"].groupby(test_set).sem()
same_rows = mse["strong ridge"] < mse["ridge"]
other_rows = mse["strong ridge"] < mse["ridge"].shift()
print(f"\nDifference above two standard errors: {sum(is_clear)} of 200 times")
print("How often does the strong ridge seem to be better?")
print(f"both on the same rows: {sum(same_rows)} of 200 times")
print(f"on different rows: {sum(other_rows)} of 199 times")

# %% [markdown]
# On the same rows, the worse model hardly ever seems to be better. On different rows,
# it does in more than a quarter of the comparisons. So give two models the same test
# rows, and look at the differences. In about a quarter of the 200 sets, even the
# difference is below two standard errors: 500 rows may be too few to show it.
#
# Cross-validation makes several test sets, and `pillars/3_model_selection.py` takes the
# differences there *fold by fold*.
#
# ## Three kinds of luck
# All this is the luck of the test rows. There are two more kinds, and the standard
# errors here contain neither:
#
# - *Other training rows* would make another model.
# - *Other users* may be easier or harder. The rows of one user are alike, so if you ask
#   how the model will do for other users, your sample is the users, not the rows.
#
# **Try it:** give the strong ridge `alpha=10`. Can the first test set still show which
# model is better? Can all 100,000 rows?
#
# **Remember:** luck moves a mean by about its standard error, which is the standard
# deviation divided by the root of the number of rows; compare two models on the same
# rows, row by row.
#
# Go on in scikit-learn's user guide:
# [Metrics and scoring](https://scikit-learn.org/stable/modules/model_evaluation.html).
#
# Exercise: `exercises/0_luck.py`.
