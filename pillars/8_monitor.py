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
# common with those at the beginning. The model `factors` is trained on the first third
# of the ratings. Then it predicts ten periods of 10,000 ratings, about seven weeks
# each. A second table, without drift, is the control.
#
# We will follow three figures: the error of the predictions (RMSE), the share of
# successful visits with the model B of the chapter before, and the difference B - A.

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
_, still_table = make_table(drift=0)
squares = pd.DataFrame(
    {
        "drift": squared_errors(table[:N_KNOWN], table[N_KNOWN:]),
        "no drift": squared_errors(still_table[:N_KNOWN], still_table[N_KNOWN:]),
    }
)
period = np.arange(len(squares)) // N_PERIOD + 1
rmse = np.sqrt(squares.groupby(period).mean())
print("RMSE in stars, by period")
print(rmse.to_string(float_format="%.3f"))

# %% [markdown]
# Compare periods 1 and 10. With `drift` the error grows; with `no drift` it stays about
# the same. What has happened to the users? Here is one of them.

# %%
user = 10
movies = table.groupby("movie_id")[["title", "genre"]].first().reset_index()
days = {"first": table["timestamp"].min(), "last": table["timestamp"].max()}
for day, time in days.items():
    opinion, _ = dataset.opinions(movies.assign(user_id=user, timestamp=time))
    favourites = movies.assign(opinion=opinion).nlargest(3, "opinion")
    print(f"\nThe three movies that user {user} likes best on the {day} day")
    print(favourites[["title", "genre"]].to_string(index=False))

# %% [markdown]
# User 10 began with adventures and ended with dramas. A model that was trained on the
# first third cannot know that. (We chose a user whose change is easy to see. Try
# others: many keep some of their favourites.)
#
# ## Does that show in what users do?
# As in the chapter before, A recommends what is popular, B by taste; both have learned
# from the first third. On a real site we would count successful visits. Here we compute
# the true shares from the formula that made the ratings.

# %%
known = table[:N_KNOWN]
middles = table["timestamp"][N_KNOWN:].groupby(period).median()
shares = pd.DataFrame(index=middles.index)
for model, ranker in {"A": "popularity", "B": "taste"}.items():
    shown = first_movies(known, ranker)
    shares[model] = [
        chance_of_success(dataset, known, shown, time).mean() for time in middles
    ]
shares["B - A"] = shares["B"] - shares["A"]
print("\nShare of successful visits under drift, by period")
print(shares.to_string(float_format="%.3f"))

# %% [markdown]
# B gets worse, and at the end little more than half of its advantage is left. But
# nobody sees these true shares. In a period, each model gets, say, 5,000 visits, so the
# shares that we count also change by luck, and so does the RMSE.
#
# ## Which change is more than luck?
# We divide each change since the first period by its standard error. How large must the
# result be before we believe it? Nine comparisons give luck nine chances. Random
# numbers in the place of the periods show what luck can do. Their standard error is 1.
# A change is a difference of two of them, and its standard error is the root of 2,
# because the squares of the two errors add up: 1 + 1 = 2.

# %%
random = np.random.default_rng(0).standard_normal((10_000, 10))
luck = np.abs(random[:, 1:] - random[:, :1]) / np.sqrt(2)
print("\nHow often does luck alone change at least one of nine periods by more than")
for limit in (2, 3):
    share = np.mean(luck.max(axis=1) > limit)
    print(f"  {limit} standard errors: {share:.0%}")

# %% [markdown]
# Two standard errors are too few: luck gets there in a quarter of all series. We take
# three, and make two tables. In the first, the RMSE is measured, luck included. In the
# second, `B` and `B - A` are computed from the law: what to expect, without luck. The
# two lines below it add the luck. If 2.3 is expected, a test finds a change of more
# than 3 if luck adds more than 0.7. The share of a normal distribution above 0.7 is
# `norm.sf(0.7)`, 24 %.
#
# **Guess first:** which of the three figures shows the drift first?
#
# - the RMSE
# - B
# - B - A

# %%
N_VISITS = 5000  # of each model, in a period

# The error of the MSE, and from it that of the RMSE, as in `pillars/0_luck.py`.
rmse_errors = squares.groupby(period).sem() / (2 * rmse)
variances = shares * (1 - shares) / N_VISITS
errors = pd.DataFrame(
    {
        "RMSE": rmse_errors["drift"],
        "RMSE, no drift": rmse_errors["no drift"],
        "B": np.sqrt(variances["B"]),
        "B - A": np.sqrt(variances["A"] + variances["B"]),
    }
)
figures = pd.DataFrame(
    {
        "RMSE": rmse["drift"],
        "RMSE, no drift": rmse["no drift"],
        "B": shares["B"],
        "B - A": shares["B - A"],
    }
)
# Both periods of a change have an error; the squares of the two add up.
changes = (figures - figures.loc[1]) / np.sqrt(errors**2 + errors.loc[1] ** 2)
print("\nMeasured: change since the first period, in standard errors")
print(changes[["RMSE", "RMSE, no drift"]].to_string(float_format="%.1f"))
print("\nExpected: change since the first period, in standard errors")
print(changes[["B", "B - A"]].to_string(float_format="%.1f"))

print("\nShare of tests in the last period that find a change of more than 3")
for name in ("B", "B - A"):
    print(f"  {name}: {norm.sf(3 - abs(changes.loc[10, name])):.0%}")

# %% [markdown]
# **The RMSE.** Read the columns downwards. `RMSE` first passes three standard errors
# about half way, and `RMSE, no drift` never does. (By luck, a measured figure may also
# fall below three again.) `B` is the change to expect, and it stays below three to the
# end. Luck adds to it or takes from it, so about one test in four finds the change in
# the last period. All this is for our numbers of ratings and visits: with more visits,
# the successes show the drift earlier.
#
# Did you bet on `B - A`, which an A/B test measures? It moves least. A gets a little
# worse, too, and a difference has the errors of both shares: hardly any test finds it.

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
# ## Does training again pay?
# We ask at the end of the two years. Three models predict the last period: one trained
# on the first 50,000 ratings, one on the last 50,000 before the period, and one on all
# before it. The rows are the same for all, so we compare row by row.
#
# **Guess first:** tastes have changed. Is it better to train on all ratings than on the
# last 50,000?
#
# - yes, more ratings are better
# - no

# %%
rows = {}
for name, ratings in {"drift": table, "no drift": still_table}.items():
    before = ratings[:-N_PERIOD]
    last_period = ratings[-N_PERIOD:]
    latest = squared_errors(before[-N_KNOWN:], last_period)
    squares_of = {
        "the first 50,000": squares[name][-N_PERIOD:],
        "the last 50,000": latest,
        "all before": squared_errors(before, last_period),
    }
    for trained_on, of_model in squares_of.items():
        rmse_of_model = np.sqrt(of_model.mean())
        # The mean of this is the difference of the RMSEs: (a² - b²) / (a + b) = a - b.
        gain = (of_model - latest) / (rmse_of_model + np.sqrt(latest.mean()))
        rows[f"{name}, {trained_on}"] = {
            "RMSE": rmse_of_model,
            "more": gain.mean(),
            "±": gain.sem(),
        }
print(
    "\nRMSE in stars in the last period; more: than with the last 50,000 (± its error)"
)
print(pd.DataFrame(rows).T.to_string(float_format="%.3f"))

# %% [markdown]
# **No.** Under drift, adding the old ratings did not help: the last 50,000 alone are at
# least as good. (The difference is about two standard errors.) Without drift it is the
# other way round: the best model has all ratings. Compare also the two lines of `the
# first 50,000`. Under drift, the last 50,000 ratings are clearly better than the first;
# without drift no difference shows.
#
# **Try it:** give each model 500,000 visits in a period (change `N_VISITS`). What shows
# the drift first?
#
# **Remember:** watch the error of the predictions: here it showed the drift earlier
# than the successes did. If tastes change, train again.
#
# Go on in scikit-learn's user guide:
# [Common pitfalls](https://scikit-learn.org/stable/common_pitfalls.html).
#
# Exercises: `exercises/8_monitor.py` and, for all chapters together,
# `exercises/9_capstone.py`.
