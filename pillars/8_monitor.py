# %% [markdown]
# # 8 Monitor: when does a model need new ratings?
#
# **You know**: an A/B test compares what users do; in the chapter before, it needed
# thousands of visits. **You will see**: tastes that change (*drift*); what shows it
# first; when training again pays. **Minutes**: 10.

# %%
import numpy as np
import pandas as pd
from drawing import BLUE, GREEN, ORANGE, new_picture, save_picture
from scipy.stats import norm
from visitors import chance_of_success, first_movies

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline

# %% [markdown]
# ## Tastes change
# With `drift=1`, a user's tastes at the end of two years have, on average, nothing in
# common with those at the beginning. A model is trained on the first third of the
# ratings. Then it serves ten periods of 10,000 ratings, about seven weeks each. We
# follow three figures: the RMSE of its predictions, the share of successful visits with
# B, and the difference B - A. As in the chapter before, A recommends what is popular, B
# by taste, and each gets 5,000 visits in a period; both have learned from the first
# third. (The RMSE is that of `factors`, which predicts stars; B is `MovieRanker`.) The
# RMSE is measured. We know the true shares, and only compute how uncertain a test of
# 5,000 visits would be.
#
# **Guess first:** which of the three figures shows the drift first?
# %%
N_KNOWN = 50_000
N_PERIOD = 10_000
N_VISITS = 5000


def make_table(drift):
    """Return a dataset, and its table in the order of time."""
    dataset = MovieRecommendationDataset(n_ratings=150_000, drift=drift)
    return dataset, dataset.generate().sort_values("timestamp", ignore_index=True)


def squared_errors(rows, new_rows):
    """Return the squared errors on new rows of a model that is trained on `rows`."""
    model = SklearnEcosystemPipeline(model="factors").fit(rows)
    return (model.predict(new_rows) - new_rows["rating"]) ** 2


def follow(dataset, table, squares):
    """Return the three figures by period, and their changes in standard errors.

    `squares` are the squared errors of the rows that were served.
    """
    known = table[:N_KNOWN]
    served = table[N_KNOWN:]
    popular = first_movies(known, "popularity")
    fitting = first_movies(known, "taste")
    figures = pd.DataFrame(columns=["RMSE", "B", "B - A"], dtype=float)
    errors = figures.copy()
    for number in range(10):
        rows = slice(number * N_PERIOD, (number + 1) * N_PERIOD)
        rmse = np.sqrt(squares[rows].mean())
        # A small change of the mean square changes its root by 1 / (2 * root) of that.
        rmse_error = squares[rows].sem() / (2 * rmse)

        now = served["timestamp"][rows].median()
        a = chance_of_success(dataset, known, popular, now).mean()
        b = chance_of_success(dataset, known, fitting, now).mean()
        variance_a = a * (1 - a) / N_VISITS
        variance_b = b * (1 - b) / N_VISITS

        figures.loc[number + 1] = [rmse, b, b - a]
        errors.loc[number + 1] = [
            rmse_error,
            np.sqrt(variance_b),
            np.sqrt(variance_a + variance_b),
        ]
    # Both periods of a change have an error; the squares of the two add up.
    change = figures - figures.loc[1]
    changes = change / np.sqrt(errors**2 + errors.loc[1] ** 2)
    return figures, changes


dataset, table = make_table(drift=1)
squares = squared_errors(table[:N_KNOWN], table[N_KNOWN:])
figures, changes = follow(dataset, table, squares)
print(
    "Drift: three figures, and their changes since the first period in standard errors"
)
both = pd.concat({"figure": figures, "change / error": changes}, axis=1)
print(both.to_string(float_format="%.3f"))
last = changes.loc[10]
size = abs(last["B - A"])
power = norm.sf(1.96 - size) + norm.cdf(-1.96 - size)
print(
    f"At the end, the RMSE has changed by {last['RMSE']:.1f} standard errors, the "
    f"share of B by {last['B']:.1f}."
)
print(f"B - A has changed by {last['B - A']:.1f}: {power:.0%} of such tests find that.")

# %% [markdown]
# How large must a change be before luck cannot explain it? Nine comparisons give luck
# nine chances. Two checks: random numbers in the place of the periods, and the same
# code on a table without drift.
# %%
periods = np.random.default_rng(0).standard_normal((10_000, 10))
luck = np.abs(periods[:, 1:] - periods[:, :1]) / np.sqrt(2)
for limit in (2, 3):
    share = np.mean(luck.max(axis=1) > limit)
    print(f"One of nine changes is above {limit} by luck in {share:.0%} of all series.")
still_dataset, still_table = make_table(drift=0)
still_squares = squared_errors(still_table[:N_KNOWN], still_table[N_KNOWN:])
_, without_drift = follow(still_dataset, still_table, still_squares)
largest = without_drift["RMSE"].abs().max()
print(f"Without drift, the RMSE changes by {largest:.1f} errors at most.")
first_above = changes.index[changes["RMSE"] > 3][0]
largest = changes["B"].abs().max()
print(f"With drift, it first changes by more than 3 in period {first_above};")
print(f"the share of B changes by {largest:.1f} at most.")

# %%
title = "The error of the predictions shows the drift before the successes do"
figure, axes = new_picture(title)
if figure is not None:
    axes.axhspan(-3, 3, color="#EEEEEE")
    axes.text(1, -2.7, "within three errors: may be luck")
    for name, color in {"RMSE": BLUE, "B": GREEN, "B - A": ORANGE}.items():
        axes.plot(changes[name], "o-", color=color)
        level = changes.loc[10, name]
        axes.text(10.2, level, name, color=color, va="center")
    axes.set(xlabel="period of seven weeks", ylabel="change / standard error")
    axes.set(xticks=changes.index, xlim=(0.7, 11.5))
    save_picture(figure, "8_monitor.svg")

# %% [markdown]
# ## When does training again pay?
# Three models predict the last period: one trained on the first 50,000 ratings, one on
# the last 50,000 before the period, and one on all before it. The rows are the same for
# all, so we compare row by row.
# %%
print("\nRMSE in the last period of models trained on different ratings, and how much")
print("lower it is with the last 50,000 (± standard error)")
for drift, rows, served_squares in (
    (1, table, squares),
    (0, still_table, still_squares),
):
    before = rows[:-N_PERIOD]
    period = rows[-N_PERIOD:]
    squares_of = {
        "the first 50,000": served_squares[-N_PERIOD:],
        "the last 50,000": squared_errors(before[-N_KNOWN:], period),
        "all before": squared_errors(before, period),
    }
    latest = squares_of["the last 50,000"]
    for name, of_model in squares_of.items():
        rmse = np.sqrt(of_model.mean())
        # Divided by the sum of both RMSEs, its mean is exactly their difference.
        gain = (of_model - latest) / (rmse + np.sqrt(latest.mean()))
        print(
            f"  drift {drift}, {name + ':':17} {rmse:.3f}"
            f"  {gain.mean():+.3f} ± {gain.sem():.3f}"
        )
print("With 50,000 ratings, newer ones help only under drift. Without drift, more")
print("ratings help. Under drift, the last 50,000 are at least as good as all; the")
print("difference is about two standard errors.")

# %% [markdown]
# **Try it:** give each model 50,000 visits in a period. What shows the drift first?
#
# **Remember:** watch the error of the predictions: here it showed the drift earlier
# than the successes did. If tastes change, train again.
#
# Go on: "Common pitfalls and recommended practices" in scikit-learn's user guide.
# Exercise: `exercises/8_monitor.py`.
