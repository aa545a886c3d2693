# %% [markdown]
# # 8 Monitor: when does a model need new ratings?
#
# **You know**: an A/B test compares what users do; it needs thousands of visits.
# **You will see**: tastes that change (*drift*); that the error of the predictions
# shows it before a test does; when training again pays. **Minutes**: 10.

# %%
import numpy as np
import pandas as pd
from drawing import BLUE, ORANGE, new_picture, save_picture
from visitors import chance_of_success, first_movies

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline

# %% [markdown]
# ## Tastes change
# With `drift=1`, a user's tastes at the end of two years have nothing in common with
# those at the beginning. A model is trained on the first third of the ratings. Then it
# serves ten periods of 10,000 ratings, about seven weeks each. As in the chapter
# before, A recommends what is popular, B by taste; both have learned from the first
# third.
# %%
N_KNOWN = 50_000
N_PERIOD = 10_000


def make_table(drift):
    """Return a dataset, and its table in the order of time."""
    dataset = MovieRecommendationDataset(n_ratings=150_000, drift=drift)
    return dataset, dataset.generate().sort_values("timestamp", ignore_index=True)


def squared_errors(rows, new_rows):
    """Return the squared errors on new rows of a model that is trained on `rows`."""
    model = SklearnEcosystemPipeline(model="factors").fit(rows)
    return (model.predict(new_rows) - new_rows["rating"]) ** 2


dataset, table = make_table(drift=1)
known = table[:N_KNOWN]
served = table[N_KNOWN:]
squares = squared_errors(known, served)
popular = first_movies(known, "popularity")
fitting = first_movies(known, "taste")

periods = pd.DataFrame(columns=["RMSE", "RMSE error", "B - A", "B - A error"])
for number in range(10):
    rows = slice(number * N_PERIOD, (number + 1) * N_PERIOD)
    rmse = np.sqrt(squares[rows].mean())
    now = served["timestamp"][rows].median()
    a = chance_of_success(dataset, known, popular, now).mean()
    b = chance_of_success(dataset, known, fitting, now).mean()
    # The standard error of a test with 5,000 visits of each model
    test_error = np.sqrt((a * (1 - a) + b * (1 - b)) / 5000)
    # A small change of the mean square changes its root by 1 / (2 * root) of that.
    rmse_error = squares[rows].sem() / (2 * rmse)
    periods.loc[number + 1] = [rmse, rmse_error, b - a, test_error]

# How many standard errors is a period from the first one? Each of the two has its own,
# and the squares of independent errors add up.
for name in ("RMSE", "B - A"):
    first = periods.loc[1]
    error = np.sqrt(periods[f"{name} error"] ** 2 + first[f"{name} error"] ** 2)
    periods[f"{name} change / error"] = (periods[name] - first[name]) / error
print("Ten periods with drift. B - A is the true difference, its error that of an A/B")
print("test with 10,000 visits.")
print(periods.to_string(float_format="%.3f"))
last = periods.iloc[-1]
print(f"In the last period, the RMSE is {last['RMSE change / error']:.1f} errors away,")
print(f"and B - A {last['B - A change / error']:.1f}: most tests would not find that.")

# %%
title = "The error of the predictions shows the drift; an A/B test does not yet"
figure, axes = new_picture(title)
if figure is not None:
    axes.axhspan(-2, 2, color="#EEEEEE")
    axes.text(1, -1.6, "within two errors: may be chance")
    for name, color in {"RMSE": BLUE, "B - A": ORANGE}.items():
        change = periods[f"{name} change / error"]
        axes.plot(change, "o-", color=color)
        axes.text(10.2, change.iloc[-1], name, color=color, va="center")
    axes.set(xlabel="period of seven weeks", ylabel="change / standard error")
    axes.set(xticks=periods.index, xlim=(0.7, 11.5))
    save_picture(figure, "8_monitor.svg")

# %% [markdown]
# ## When does training again pay?
# Three models predict the last period: one of the first ratings, one of as many, but
# the latest, and one of all ratings before the period. The rows are the same for all,
# so we compare row by row.
# %%
print("\nRMSE in the last period, by the ratings that the model was trained on, and by")
print("how much it is lower with the last 50,000 (± standard error)")
for drift in (1, 0):
    _, table = make_table(drift)
    before = table[:-N_PERIOD]
    period = table[-N_PERIOD:]
    squares = {
        "the first 50,000": squared_errors(before[:N_KNOWN], period),
        "the last 50,000": squared_errors(before[-N_KNOWN:], period),
        "all before": squared_errors(before, period),
    }
    latest = squares["the last 50,000"]
    for name, of_model in squares.items():
        rmse = np.sqrt(of_model.mean())
        # In stars, because (x² - y²) / (x + y) = x - y.
        gain = (of_model - latest) / (rmse + np.sqrt(latest.mean()))
        print(
            f"  drift {drift}, {name + ':':17} {rmse:.3f}"
            f"  {gain.mean():+.3f} ± {gain.sem():.3f}"
        )
print("On as many ratings as before, training again pays here under drift only.")
print("Without drift, all ratings are best. Under drift, the last 50,000 are at least")
print("as good as all; the difference is about two standard errors.")

# %% [markdown]
# **Remember:** watch the error of the predictions, because drift can show there before
# an A/B test finds it; train again on the latest ratings if tastes change.
#
# Go on: "Common pitfalls and recommended practices" in scikit-learn's user guide.
# Exercise: `exercises/8_monitor.py`.
