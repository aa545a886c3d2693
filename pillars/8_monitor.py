# %% [markdown]
# # 8 Monitor: when does a model need new ratings?
#
# **You know**: an A/B test compares what users do; in the chapter before, it needed
# thousands of visits. **You will see**: tastes that change (*drift*); what shows it
# first, the errors or the visits; and whether training again pays. **Minutes**: 20.

# %%
import numpy as np
import pandas as pd
from drawing import BLUE, ORANGE, new_picture, save_picture
from visitors import chance_of_success, first_movies

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline

# %% [markdown]
# ## Tastes change
# With `drift=1`, a user's tastes at the end of two years have, on average, nothing in
# common with those at the beginning. The model `factors` of the course's own
# `SklearnEcosystemPipeline` is trained on the first third of the ratings. Then it
# predicts ten periods of 10,000 ratings, about seven weeks each. A second table,
# without drift, is the control.

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
period = np.arange(len(squares)) // N_PERIOD + 1  # of each row: 1, ..., 10
mse = squares.groupby(period).mean()
print("RMSE in stars, by period")
print(np.sqrt(mse).to_string(float_format="%.3f"))

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
# Now the model of taste from the chapter before, which was B there. It has learned from
# the first third, and keeps recommending the same movies. In each period there are 5000
# visits, and the site counts the successes: visits in which the user liked what he or
# she watched. The law gives the true share, and luck does the rest.

# %%
N_VISITS = 5000  # in a period


def true_shares(dataset, table):
    """Return the share of successful visits to expect, by period."""
    known = table[:N_KNOWN]
    shown = first_movies(known, "taste")  # one movie for each user
    middles = table["timestamp"][N_KNOWN:].groupby(period).median()
    shares = pd.Series(index=middles.index, dtype=float)
    for number, time in middles.items():
        shares[number] = chance_of_success(dataset, known, shown, time).mean()
    return shares


rng = np.random.default_rng(0)
truth = {
    "drift": true_shares(dataset, table),
    "no drift": true_shares(still_dataset, still_table),
}
counted = {}
for name, shares in truth.items():
    counted[name] = rng.binomial(N_VISITS, shares) / N_VISITS
of_drift = pd.DataFrame({"true": truth["drift"], "counted": counted["drift"]})
print("\nShare of successful visits under drift, by period")
print(of_drift.to_string(float_format="%.3f"))

# %% [markdown]
# In truth, the model gets worse and worse: at the end, about 2 visits in 100 are lost.
# A site sees only the column `counted`.
#
# ## Which change is more than luck?
# We follow two measured figures: the mean squared error (MSE) and the share of
# successes. Each gets its standard error. For each period, we take the change since the
# first one, and divide it by the standard error of this change. That is made of the
# errors of both periods. Their squares add up, because the two errors are independent:
# sometimes they add, and sometimes they cancel.
#
# Our limit is three standard errors. Two would be too few, because nine periods give
# luck nine chances. The table without drift is the control: there, nothing should pass
# the limit.
#
# **Guess first:** which of the two figures passes the limit first?
#
# - the error
# - the successes
# - neither passes it


# %%
def in_errors(measured, error):
    """Return the change since the first period, in standard errors of the change."""
    change = measured - measured[0]
    return change / np.sqrt(error**2 + error[0] ** 2)


changes = pd.DataFrame(index=mse.index)
for name in ("drift", "no drift"):
    of_mse = squares[name].groupby(period).sem().to_numpy()
    changes[f"error, {name}"] = in_errors(mse[name].to_numpy(), of_mse)
    share = counted[name]
    of_share = np.sqrt(share * (1 - share) / N_VISITS)  # a visit is a 1 or a 0
    changes[f"successes, {name}"] = in_errors(share, of_share)
print("\nChange since the first period, in standard errors")
print(changes.to_string(float_format="%.1f"))

# %% [markdown]
# **The error.** Read the columns downwards. Under drift, the error passes three
# standard errors, here in period 5, and after a step back it stays above. The successes
# do so only in the last period, after nearly two years. Without drift, neither passes
# the limit.

# %%
title = "Here, the error of the predictions shows the drift before the successes do"
figure, axes = new_picture(title)
if figure is not None:
    axes.axhspan(-3, 3, color="#EEEEEE")
    axes.text(10, 1.3, "within 3: may be luck", ha="right")
    for name, color in {"error": BLUE, "successes": ORANGE}.items():
        change = changes[f"{name}, drift"]
        axes.plot(change, "o-", color=color)
        axes.text(10.2, change[10], name, color=color, va="center")
    axes.set(xlabel="period of seven weeks", ylabel="change / standard error")
    axes.set(xticks=changes.index, xlim=(0.7, 12.2))
    save_picture(figure, "8_monitor.svg")

# %% [markdown]
# Did the successes have good luck, or bad luck? We count the visits of the first and of
# the last period 10,000 times.

# %%
first = rng.binomial(N_VISITS, truth["drift"][1], 10_000) / N_VISITS
last = rng.binomial(N_VISITS, truth["drift"][10], 10_000) / N_VISITS
error = np.sqrt((first * (1 - first) + last * (1 - last)) / N_VISITS)
is_found = first - last > 3 * error
print(f"\nThe successes fall by more than three errors: {is_found.mean():.0%}")

# %% [markdown]
# Good luck: here, only about one count in four finds the drift by the successes, even
# in the last period. All this is for our numbers of ratings and visits; with more
# visits, the successes show it earlier.
#
# ## Does training again pay?
# We ask at the end of the two years. Three models predict the last period: one trained
# on the first 50,000 ratings, one on the last 50,000 before the period, and one on all
# 140,000 before it. The rows are the same for all, so we compare the squared errors row
# by row with those of the last 50,000.
#
# **Guess first:** under drift, the RMSE has grown from 0.799 to 0.866. How much of this
# does the model of the last 50,000 ratings take back?
#
# - most of it
# - about half
# - about a tenth

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
# **Most of it.** Under drift, the last 50,000 ratings are far better than the first.
# The model of all ratings is not better than that: the old ones show tastes of long
# ago.
#
# Without drift it is the other way round. Whether the 50,000 ratings are the first or
# the last makes no difference here, and the model of all ratings is clearly the best.
# So more ratings help, as long as they tell of today's tastes.
#
# **Try it:** let 500,000 visits come in each period (change `N_VISITS`). What shows the
# drift first?
#
# **Remember:** watch the error of the predictions, too: with 5000 visits in a period,
# it showed the drift before the successes did. If tastes change, train again.
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
# `exercises/9_capstone.py` and `exercises/9_contest.py`.
