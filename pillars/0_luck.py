# %% [markdown]
# # 0 Luck: how much of a figure is luck?
#
# **You know**: a model learns from training rows, and is scored on test rows. **You
# will see**: one model on 200 sets of test rows; how a single set can say how far its
# figure may be off; and when one model is better than another by more than luck.
# **Minutes**: 25.
#
# Words: the *MSE* is the mean of the squared errors. The *RMSE* is its root, and you
# can read it as the typical error, in stars. The *standard deviation* says how far
# numbers typically lie from their mean; in NumPy and pandas it is `std()`.
#
# You test a model, and get a figure, such as "RMSE 0.84". On other test rows, the same
# model would get another figure. How different would it be? With real ratings you have
# one test set, and cannot try. Here we can: the class `MovieRecommendationDataset` of
# this course makes as many ratings as we like, by a formula.
#
# The model is the ridge of `pillars/0_first.py`. It learns from 20,000 ratings. Then we
# test it again and again, each time on 500 others.

# %%
import drawing
import numpy as np
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from lesson_code import MovieRecommendationDataset

table = MovieRecommendationDataset(n_ratings=120_000).generate()
train, test = train_test_split(table, train_size=20_000, random_state=42)
ids = ["user_id", "movie_id"]
starts = range(0, 100_000, 500)  # where each of the 200 test sets begins


def test_200_times(model):
    """Return the RMSE of a fitted model on each of the 200 test sets."""
    figures = []
    for start in starts:
        rows = test[start : start + 500]
        predicted = model.predict(rows[ids])
        figures.append(root_mean_squared_error(rows["rating"], predicted))
    return np.array(figures)


ridge = make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge(alpha=3))
ridge.fit(train[ids], train["rating"])
rmse = test_200_times(ridge)
print("RMSE in stars on the first five test sets:", rmse[:5].round(3))

# %% [markdown]
# It is the same model five times; only the test rows are different. Which rows are in a
# test set is luck.
#
# **Guess first:** how far apart are the smallest and the largest of all 200 figures?
#
# - hardly farther than in these five
# - more than twice as far
# - more than five times as far

# %%
apart = rmse.max() - rmse.min()
apart_in_five = rmse[:5].max() - rmse[:5].min()
spread = rmse.std()
near = np.abs(rmse - rmse.mean()) < spread  # True for each set that is near the mean
print("\nRMSE of the ridge on 200 test sets, in stars")
print(f"smallest {rmse.min():.3f}, largest {rmse.max():.3f}: {apart:.3f} apart")
print(f"in the first five sets: {apart_in_five:.3f} apart")
print(f"mean {rmse.mean():.3f}, standard deviation {spread:.3f}")
print(f"within one standard deviation of the mean: {near.sum()} sets")

# %% [markdown]
# **More than twice as far.** (That depends on the five: by luck, even five sets can be
# nearly as far apart as all 200.) Two people who test this very model could report
# 0.775 and 0.931, and both would be honest. But such extremes are rare, as the picture
# shows. About two thirds of the sets lie within one standard deviation of the mean. So
# on 500 rows, luck typically moves this RMSE by 0.029 stars.

# %%
title = (
    f"One model, 200 test sets: its RMSE is anything from "
    f"{rmse.min():.2f} to {rmse.max():.2f}"
)
figure, axes = drawing.new_picture(title, height=3.8)
if figure is not None:
    counts = axes.hist(rmse, bins=16, color=drawing.BLUE, edgecolor="white")[0]
    on_all_rows = np.sqrt(np.mean(rmse**2))
    axes.axvline(on_all_rows, color=drawing.ORANGE, linestyle="--")
    place = (on_all_rows + 0.002, 1.08 * counts.max())
    axes.text(*place, f"on all 100,000 rows: {on_all_rows:.2f}", color=drawing.ORANGE)
    axes.set(xlabel="RMSE on 500 test rows (stars)", ylabel="number of test sets")
    axes.set(ylim=(0, 1.2 * counts.max()))
    drawing.save_picture(figure, "0_luck.svg")

# %% [markdown]
# ## How many rows make luck half as large?
# In larger test sets, good luck and bad luck even out better.
#
# **Guess first:** to halve the standard deviation, how many times as many rows must a
# test set have?
#
# - 2 times
# - 4 times
# - 8 times

# %%
squares = (test["rating"] - ridge.predict(test[ids])) ** 2  # of all test rows
print("\nStandard deviation of the RMSEs of all test sets, in stars")
for n_rows in (125, 500, 2000):
    sets = squares.to_numpy().reshape(-1, n_rows)  # each line is a test set
    rmse_of_sets = np.sqrt(sets.mean(axis=1))
    print(f"{len(sets)} sets of {n_rows} rows: {rmse_of_sets.std():.3f}")

# %% [markdown]
# **4 times.** From line to line, the sets have four times as many rows, and the
# standard deviation is about half. 2 is the root of 4. To make this luck ten times
# smaller, you need a hundred times as many rows.
#
# <!-- play: luck -->
#
# ## What a single test set can say
# With real ratings you have one test set, not 200. It can still say how far its own
# figure may be off. Its MSE is a mean of 500 squared errors. The more these 500 numbers
# differ, the more their mean depends on luck; the more numbers there are, the less.
# Both are in the formula of the *standard error* of a mean:
#
#     standard error = standard deviation of the numbers / root of how many they are
#
# In pandas it is `sem()`, the "standard error of the mean". We compute it from the
# first test set alone.

# %%
first = squares.head(500)
print("\nThe first test set: 500 squared errors, in stars²")
print(f"their mean, the MSE: {first.mean():.3f}")
print(f"their standard deviation / root of 500: {first.std() / np.sqrt(500):.3f}")
print(f"the same by sem(): {first.sem():.3f}")
print(f"Standard deviation of the MSEs of all 200 sets: {(rmse**2).std():.3f}")

# %% [markdown]
# Compare the last two figures. One set alone tells roughly how much the MSE differs
# from set to set. The *standard error* of a figure is just that: how far the figure
# would typically move with other rows.
#
# And the RMSE? If a number grows by 2 %, its root grows by only about 1 %: the root of
# 1.02 is about 1.01. So, in percent, the RMSE moves half as much as the MSE. In stars
# this is the rule that `pillars/0_job.py` used:
#
#     standard error of the RMSE = standard error of the MSE / (2 · RMSE)

# %%
percent = 100 * first.sem() / first.mean()
error_of_rmse = first.sem() / (2 * rmse[0])
print(f"\nThe root of 1.02: {np.sqrt(1.02):.4f}")
print("The first test set")
print(f"MSE:  {first.mean():.3f} ± {percent:.1f} %")
print(f"RMSE: {rmse[0]:.3f} ± {percent / 2:.1f} %, or ± {error_of_rmse:.3f} stars")
print(f"Standard deviation of the RMSEs of all 200 sets: {spread:.3f} stars")

# %% [markdown]
# Again, one set alone comes near to what 200 sets show. We write a figure with its
# standard error: RMSE 0.848 ± 0.026.
#
# How far can we trust the ±? Let each of the 200 sets compute its own. The truth is the
# RMSE on all 100,000 rows.
#
# **Guess first:** in how many of the 200 sets is the truth within *two* standard errors
# of the figure?
#
# - in about 140
# - in about 190
# - in all 200

# %%
truth = np.sqrt(squares.mean())
n_hits = 0
for start in starts:
    of_set = squares[start : start + 500]
    figure_of_set = np.sqrt(of_set.mean())
    error_of_set = of_set.sem() / (2 * figure_of_set)
    if abs(figure_of_set - truth) < 2 * error_of_set:  # more exactly: 1.96 *
        n_hits += 1
print(f"\nRMSE of the ridge on all 100,000 rows: {truth:.3f}")
print(f"within two standard errors of the truth: {n_hits} of 200 test sets")

# %% [markdown]
# **In about 190.** That is about 95 %, and no accident. The picture above looks a
# little like a bell: most figures are in the middle, and few are far out. A mean of
# many independent numbers is nearly always spread like that, even if the single numbers
# are not (the *central limit theorem*). Mathematics knows this bell, the *normal
# distribution*: 95 % of it lie within 1.96 standard errors of the middle, which we
# round to two. Of the other 5 %, half are above. So two facts are worth remembering:
#
# - About 95 % of the figures are within two standard errors of the truth.
# - Luck alone lifts a figure by more than two standard errors about once in 40 times.
#
# ## Two models on the same rows
# The next model is a ridge with a larger `alpha`, which keeps its numbers closer to 0.
# We call it the strong ridge. Is it better or worse? We stay with the MSE: the
# difference of two MSEs is the mean of the differences, row by row. So we can compute
# its standard error from these differences.
#
# **Guess first:** on the first test set, the two MSEs are 0.045 apart, and each has a
# standard error of about 0.044. Can this set show which model is better?
#
# - no, luck alone could do that
# - no, but twice as many rows could
# - yes

# %%
strong_ridge = make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge(alpha=20))
strong_ridge.fit(train[ids], train["rating"])
strong_squares = (test["rating"] - strong_ridge.predict(test[ids])) ** 2
difference = strong_squares - squares  # row by row; above 0, the ridge is better

print("\nMSE on the first test set, in stars²")
columns = {"ridge": squares, "strong ridge": strong_squares, "difference": difference}
for name, column in columns.items():
    of_first = column.head(500)
    print(f"{name:12} {of_first.mean():.3f} ± {of_first.sem():.3f}")
print(f"On all rows, it is {difference.mean():.4f} ± {difference.sem():.4f}")

# %% [markdown]
# **Yes.** The difference has a standard error of its own, and it is about a third of
# the others. So 0.045 is about three standard errors. This is more than luck: the
# strong ridge is worse, and all rows say the same.
#
# Why is the difference known so well? Here are the three worst predictions of the ridge
# in this test set.

# %%
worst = first.nlargest(3).index
shown = test.loc[worst, ["title", "rating"]]
shown["ridge"] = ridge.predict(test.loc[worst, ids])
shown["strong ridge"] = strong_ridge.predict(test.loc[worst, ids])
print("\nThe three worst predictions of the ridge in the first test set, in stars")
print(shown.to_string(index=False, float_format="%.1f"))

# %% [markdown]
# What is hard for one model is hard for the other, too. If a test set has many such
# rows, both MSEs are large, but their difference is not.
#
# Now the RMSE on all 200 sets: how often does the strong ridge *seem* to be better? For
# the second figure we give the two models different rows: the strong ridge gets set 2
# when the ridge gets set 1, and so on.

# %%
strong_rmse = test_200_times(strong_ridge)
on_same = strong_rmse < rmse
on_others = strong_rmse[1:] < rmse[:-1]
print("\nHow often does the strong ridge seem to be better?")
print(f"both on the same rows: {on_same.sum()} of 200 times")
print(f"on different rows: {on_others.sum()} of 199 times")

# %% [markdown]
# On the same rows, the worse model hardly ever seems to be better. On different rows,
# it does in about a quarter of the comparisons. So give two models the same test
# rows, and look at the differences.
#
# ## Two more kinds of luck
# All this is the luck of the test rows. The standard errors here do not contain two
# more kinds:
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
