# %% [markdown]
# # 8 Monitor: when does a model need new ratings?
#
# **You know**: an A/B test compares what users do; in the chapter before, it needed
# thousands of visits. **You will see**: tastes that change (*drift*); which of three
# figures shows it first; and whether training again pays. **Minutes**: 20.

# %%
import numpy as np
import pandas as pd
from drawing import BLUE, GREEN, ORANGE, new_picture, save_picture
from visitors import chance_of_success, first_movies

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline

# %% [markdown]
# ## Tastes change
# With `drift=1`, a user's tastes at the end of two years have, on average, nothing in
# common with those at the beginning. The model `factors` is trained on the first third
# of the ratings. Then it predicts ten periods of 10,000 ratings, about seven weeks
# each. A second table, without drift, is the control.

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
still_dataset, still_table = make_table(drift=0)
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
# first third cannot know that. We chose a user whose change is easy to see. Try others:
# many keep some of their favourites.
#
# ## Does that show in what users do?
# As in the chapter before, A recommends what is popular, B by taste; both have learned
# from the first third. In each period, 5000 visits go to each model, and we count the
# successes. The law gives the true share, and luck does the rest.

# %%
N_VISITS = 5000  # of each model, in a period


def true_shares(dataset, table):
    """Return the shares of successful visits to expect with A and with B, by period."""
    known = table[:N_KNOWN]
    middles = table["timestamp"][N_KNOWN:].groupby(period).median()
    shares = pd.DataFrame(index=middles.index)
    for model, ranker in {"A": "popularity", "B": "taste"}.items():
        shown = first_movies(known, ranker)
        shares[model] = [
            chance_of_success(dataset, known, shown, time).mean() for time in middles
        ]
    return shares.assign(**{"B - A": shares["B"] - shares["A"]})


def count(shares, rng):
    """Return the shares that a site counts: the true ones, with luck."""
    counted = shares.copy()
    for model in ("A", "B"):
        counted[model] = rng.binomial(N_VISITS, shares[model]) / N_VISITS
    return counted.assign(**{"B - A": counted["B"] - counted["A"]})


rng = np.random.default_rng(0)
true = true_shares(dataset, table)
counted = count(true, rng)
print("\nShare of successful visits under drift, by period")
sides = {"true": true, "counted": counted}
print(pd.concat(sides, axis=1).to_string(float_format="%.3f"))

# %% [markdown]
# In truth, B gets worse, and here at the end little more than half of its advantage is
# left. But a site sees only the counted shares. Luck moves them up and down.
#
# ## Which change is more than luck?
# We follow three measured figures: the RMSE, B, and B - A. For each period, we take the
# change since the first one, and divide it by its standard error. That is made of the
# errors of both periods. Their squares add up, because the two errors are independent:
# sometimes they add, and sometimes they cancel.
#
# Our limit is three standard errors. Two would be too few, because nine periods give
# luck nine chances. The table without drift is the control: there, nothing should pass
# the limit.
#
# **Guess first:** which of the three figures passes the limit first?
#
# - the RMSE
# - B
# - B - A
# - none of them


# %%
def changes_of(squares, counted):
    """Return the changes since the first period, in standard errors."""
    by_period = squares.groupby(period)
    figures = pd.DataFrame({"RMSE": np.sqrt(by_period.mean())})
    figures[["B", "B - A"]] = counted[["B", "B - A"]]

    variances = counted * (1 - counted) / N_VISITS  # of A and B: a visit is a 1 or a 0
    errors = pd.DataFrame({"RMSE": by_period.sem() / (2 * figures["RMSE"])})
    errors["B"] = np.sqrt(variances["B"])
    errors["B - A"] = np.sqrt(variances["A"] + variances["B"])
    return (figures - figures.loc[1]) / np.sqrt(errors**2 + errors.loc[1] ** 2)


still_counted = count(true_shares(still_dataset, still_table), rng)
changes = changes_of(squares["drift"], counted)
control = changes_of(squares["no drift"], still_counted)
both = pd.concat({"drift": changes, "no drift": control}, axis=1)
print("\nChange since the first period, in standard errors")
print(both.to_string(float_format="%.1f"))

# %% [markdown]
# **The RMSE.** Read the columns downwards. Under drift, `RMSE` passes three standard
# errors, here in period 5, and after a step back it stays above. `B` and `B - A` do not
# get there, to the end. Without drift, no figure passes the limit.
#
# All this is for our numbers of ratings and visits: with more visits, the successes
# show the drift earlier.

# %%
title = "Here, the error of the predictions shows the drift before the successes do"
figure, axes = new_picture(title)
if figure is not None:
    axes.axhspan(-3, 3, color="#EEEEEE")
    axes.text(11.4, 1.3, "within 3: may be luck", ha="right")
    for name, color in {"RMSE": BLUE, "B": GREEN, "B - A": ORANGE}.items():
        axes.plot(changes[name], "o-", color=color)
        level = changes.loc[10, name]
        axes.text(10.2, level, name, color=color, va="center")
    axes.set(xlabel="period of seven weeks", ylabel="change / standard error")
    axes.set(xticks=changes.index, xlim=(0.7, 11.5))
    save_picture(figure, "8_monitor.svg")

# %% [markdown]
# One series of visits may be lucky or unlucky. So we count the visits to B of the first
# and of the last period 10,000 times.

# %%
first = rng.binomial(N_VISITS, true["B"][1], 10_000) / N_VISITS
last = rng.binomial(N_VISITS, true["B"][10], 10_000) / N_VISITS
error = np.sqrt((first * (1 - first) + last * (1 - last)) / N_VISITS)
print(f"\nB falls by more than three errors: {np.mean(first - last > 3 * error):.0%}")

# %% [markdown]
# So here, by the successes of B, about one count in four finds the drift, even after
# two years.
#
# ## Does training again pay?
# We ask at the end of the two years. Three models predict the last period: one trained
# on the first 50,000 ratings, one on the last 50,000 before the period, and one on all
# 140,000 before it. The rows are the same for all, so we compare the squared errors row
# by row with those of the last 50,000.
#
# **Guess first:** under drift, is the model of all ratings clearly better than that of
# the last 50,000?
#
# - yes, more ratings are better
# - no

# %%
rows = {}
for name, ratings in {"drift": table, "no drift": still_table}.items():
    before = ratings[:-N_PERIOD]
    last_period = ratings[-N_PERIOD:]
    squares_of = {
        "the first 50,000": squares[name][-N_PERIOD:],
        "the last 50,000": squared_errors(before[-N_KNOWN:], last_period),
        "all before": squared_errors(before, last_period),
    }
    for trained_on, of_model in squares_of.items():
        more = of_model - squares_of["the last 50,000"]
        rows[f"{name}, {trained_on}"] = {
            "RMSE": np.sqrt(of_model.mean()),
            "more": more.mean(),
            "±": more.sem(),
        }
print("\nRMSE in stars in the last period")
print("more: squared error, compared with the last 50,000 (± its standard error)")
print(pd.DataFrame(rows).T.to_string(float_format="%.3f"))

# %% [markdown]
# **No.** Under drift, the old ratings did not help: they show tastes of long ago.
# Without drift it is the other way round: there, the model of all ratings is clearly
# the best. Compare also the two lines of `the first 50,000`. Under drift, the last
# 50,000 ratings are clearly better than the first; here, without drift, no difference
# shows.
#
# **Try it:** give each model 500,000 visits in a period (change `N_VISITS`). What shows
# the drift first?
#
# **Remember:** watch the error of the predictions, too: here it showed the drift before
# the successes did. If tastes change, train again.
#
# This was the last chapter. The course began with one question: has the model learned
# anything? Since then you have measured luck, found leaks, split an error into noise
# and ignorance, and tested a model on users. What you can do with all that, and where
# to go from here, is in `docs/what_now.md`.
#
# Go on in scikit-learn's user guide:
# [Common pitfalls](https://scikit-learn.org/stable/common_pitfalls.html).
#
# Exercises: `exercises/8_monitor.py` and, for all chapters together,
# `exercises/9_capstone.py`.
