# %% [markdown]
# # 7 Tickets: who will not come?
#
# **You know**: pipelines, searches, leaks, classifiers, and what errors cost. **You
# will see**: a whole job from a messy table to a saved model, with scikit-learn alone:
# dates, categories, gaps, a rare answer, a split by time, and a strong model whose
# settings matter. **Minutes**: 35.
#
# Words: a *channel* is the way by which a ticket was booked. A *no-show* is a booking
# for which nobody comes.
#
# ## The job
# A cinema sells tickets on the web, in an app and by phone. Some people book and do not
# come. If the cinema knew who, it could call them in time. Here are its bookings of one
# and a half years, as its database has stored them. (`bookings.py` has made them. It
# also knows the true chance of each booking, which we need at the end only.)

# %%
import tempfile
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from bookings import make_bookings
from drawing import BLUE, GREY, ORANGE, new_picture, save_picture
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

bookings, chances = make_bookings(seed=2)
print(f"{len(bookings)} bookings. The first four, a column for each")
print(bookings.head(4).T.to_string())
print("\nHow often each channel stands in the table")
print(bookings["channel"].value_counts().to_string())

# %% [markdown]
# Go through the columns one by one, as with every table that you did not make yourself:
#
# - `booked_at` and `show_at` are stored as text: when somebody booked, and when the
#   show begins.
# - `channel` has three kinds, but six spellings.
# - `postcode` looks like a number. It is a name: a category with many kinds.
# - `seats` is how many were booked together. `price`, of one seat, is text, because it
#   has a comma where Python wants a point.
# - `age` has gaps: it is known for people with an account only.
# - `updated_at` is text, too: when this row was last written.
# - `came` is the target. It is known after the show.
#
# **Guess first:** one of the columns must not become a feature, in whatever form. Which
# one?
#
# - `postcode`
# - `updated_at`
# - `age`

# %%
for answer in ("no", "yes"):
    dates = bookings.loc[bookings["came"] == answer, ["booked_at", "updated_at"]]
    print(f"\ncame: {answer}")
    print(dates.head(3).to_string(index=False))

is_no_show = bookings["came"] == "no"
as_booked = bookings["updated_at"] == bookings["booked_at"]
print(f"\nThe two dates are the same: {as_booked.sum()} bookings")
print(f"Nobody came:                {is_no_show.sum()} bookings")
print(f"Both:                       {(as_booked & is_no_show).sum()} bookings")

# %% [markdown]
# **`updated_at`.** If somebody comes, the ticket is scanned at the door, and the row is
# written again. If nobody comes, it stays as it was booked. So this column knows the
# answer. But on the day before the show, when the cinema must decide, nobody has been
# scanned yet, and the column says the same for all.
#
# A model with `updated_at` would be right on all test rows, too, because they come from
# the same database. A perfect score should make you suspicious, but many such columns
# know only a part of the answer. So ask of every column: *when* is its value known?
#
# ## From the columns to features
# `features_of` computes what can be said before the show. It learns nothing: each row
# is treated alone. So it may run before the split.


# %%
def features_of(rows):
    """Return the features of bookings, a row for each."""
    booked_at = pd.to_datetime(rows["booked_at"])
    show_at = pd.to_datetime(rows["show_at"])
    features = pd.DataFrame(index=rows.index)
    features["days_ahead"] = (show_at - booked_at) / pd.Timedelta(days=1)
    features["hour"] = show_at.dt.hour
    features["weekday"] = show_at.dt.day_of_week  # Monday is 0
    features["seats"] = rows["seats"]
    features["price"] = rows["price"].str.replace(",", ".").astype(float)
    features["age"] = rows["age"]
    features["channel"] = rows["channel"].str.lower()
    features["postcode"] = rows["postcode"].astype(str)
    return features


X = features_of(bookings)
print()
print(X.head(3).T.to_string())

# %% [markdown]
# ## Split by time
# The model will be asked about shows to come. So we test it on the last shows: a fifth
# of the bookings. The training rows are sorted by the date of the show. Then
# `TimeSeriesSplit`, from scikit-learn, makes folds in which the model always learns
# from earlier shows than those that it is scored on.

# %%
order = np.argsort(pd.to_datetime(bookings["show_at"]), kind="stable")
n_train = int(0.8 * len(bookings))
train = order[:n_train]
test = order[n_train:]
X_train = X.iloc[train]
X_test = X.iloc[test]
y_train = is_no_show.iloc[train]
y_test = is_no_show.iloc[test]
folds = TimeSeriesSplit(4)
print(f"\n{len(X_train)} training rows, {len(X_test)} test rows")
print(f"No-shows among the training rows: {y_train.mean():.1%}")

has_age = X_train["age"].notna()
print(f"  with an age:    {y_train[has_age].mean():.1%} of {has_age.sum()}")
print(f"  without an age: {y_train[~has_age].mean():.1%} of {(~has_age).sum()}")

# %% [markdown]
# The answer is rare: whoever always says "they will come" is right in seven of
# eight cases, and helps nobody. So accuracy is no good metric here. We ask for
# probabilities, and score them by log loss, as in `pillars/4_threshold.py`.
#
# And the gaps say something: without an age, there are about twice as many no-shows.
# If we only filled in the median, this would be lost. With `add_indicator=True`,
# `SimpleImputer` also adds a column that says where the gaps were.
#
# ## Two pipelines
# Both models get the two categories from the same `OneHotEncoder`. Sixty postcodes
# would be sixty columns, some of them with very few rows. `min_frequency=100` puts all
# kinds with fewer than 100 training rows into one column, and
# `handle_unknown="infrequent_if_exist"` puts a postcode there that is new.
#
# `HistGradientBoostingClassifier` is *boosting*: it makes small decision trees one
# after the other, and each learns the errors that those before it have left. It can
# find out that something only matters together with something else. It needs no scaler,
# and it understands gaps: each split of a tree learns which side they belong to. A
# logistic regression adds up its inputs, and needs both prepared.

# %%
numbers = ["days_ahead", "hour", "weekday", "seats", "price", "age"]
one_hot = OneHotEncoder(
    min_frequency=100, handle_unknown="infrequent_if_exist", sparse_output=False
)
categories = ("categories", one_hot, ["channel", "postcode"])
fill = SimpleImputer(strategy="median", add_indicator=True)
fill_and_scale = Pipeline([("fill", fill), ("scale", StandardScaler())])

logistic = Pipeline(
    [
        ("prepare", ColumnTransformer([("n", fill_and_scale, numbers), categories])),
        ("model", LogisticRegression()),
    ]
)
boosting = Pipeline(
    [
        ("prepare", ColumnTransformer([("n", "passthrough", numbers), categories])),
        ("model", HistGradientBoostingClassifier(random_state=0)),
    ]
)

# %% [markdown]
# Boosting wins many competitions on tables. Here both models have the settings that
# scikit-learn gives them.
#
# **Guess first:** which of the two has the smaller log loss in the folds?
#
# - the logistic regression
# - boosting
# - they are about the same

# %%
models = {"dummy": DummyClassifier(), "logistic": logistic, "boosting": boosting}
losses = {}
for name, model in models.items():
    scores = cross_val_score(model, X_train, y_train, cv=folds, scoring="neg_log_loss")
    losses[name] = -scores
by_fold = pd.DataFrame(losses, index=["fold 1", "fold 2", "fold 3", "fold 4"])
print("\nLog loss in the folds, from the fewest training rows to the most")
print(by_fold.T.assign(mean=by_fold.mean()).to_string(float_format="%.3f"))

# %% [markdown]
# **The logistic regression.** In the first fold, which has the fewest training rows,
# boosting is even worse than the dummy: like the tree of `pillars/0_first.py`, it has
# learned the luck of its training rows. With more rows this becomes less. That is no
# fault of boosting: its usual settings do not fit so few rows with so rare an answer.
#
# ## The settings of boosting
# Three of them matter most:
#
# - `max_leaf_nodes` is the number of answers of each tree. With 31, a tree may ask
#   about things that only some rows show; with 4, it asks three questions.
# - `learning_rate` says which part of its answer each tree may add. With a small one,
#   no tree alone decides much.
# - `max_iter` is the number of trees. A smaller learning rate needs more of them.
#
# The search tries smaller trees and smaller steps, in the folds of the training rows.

# %%
grid = {
    "model__max_leaf_nodes": [4, 8, 31],
    "model__learning_rate": [0.03, 0.1],
    "model__max_iter": [150],
}
search = GridSearchCV(boosting, grid, cv=folds, scoring="neg_log_loss")
search.fit(X_train, y_train)

tried = pd.DataFrame(search.cv_results_)
print("\nleaves  rate  log loss")
for _, row in tried.sort_values("rank_test_score").iterrows():
    leaves = row["param_model__max_leaf_nodes"]
    rate = row["param_model__learning_rate"]
    print(f"{leaves:6}  {rate:.2f}  {-row['mean_test_score']:.3f}")

chosen = search.best_estimator_
scores = cross_val_score(chosen, X_train, y_train, cv=folds, scoring="neg_log_loss")
less = by_fold["logistic"] - -scores
print("\nLog loss of the best, less than that of the logistic regression by")
print(less.to_string(float_format="%.3f"))

# %% [markdown]
# Small trees win, and small steps help large trees. (The usual settings are 31 leaves,
# a rate of 0.1, and 100 trees. With 150 trees, they do even worse.) The best candidate
# is better than the logistic regression in all four folds here.
#
# Why is it better? A look at the test rows will show. Everything is chosen, so now they
# may be used.
#
# ## The test rows, once
# This time we know the law, so there is a noise floor, too: the log loss of somebody
# who knows the true chance of each booking.

# %%
says = {}  # for each model: the chance of a no-show, of each test row
for name, model in {**models, "boosting, chosen": chosen}.items():
    model.fit(X_train, y_train)
    says[name] = model.predict_proba(X_test)[:, 1]
says["the law"] = chances[test]

print("\nOn the test rows   log loss  accuracy")
for name, chance in says.items():
    accuracy = accuracy_score(y_test, chance > 1 / 2)
    print(f"{name:18} {log_loss(y_test, chance):8.3f}  {accuracy:8.3f}")


def loss_of_rows(chance):
    """Return the loss of each test row: -log(what was said of what happened)."""
    return -np.log(np.where(y_test, chance, 1 - chance))


print("\nLog loss, less than that of the logistic regression by")
for name in ("boosting", "boosting, chosen"):
    less = loss_of_rows(says["logistic"]) - loss_of_rows(says[name])
    error = less.std(ddof=1) / np.sqrt(len(less))
    print(f"{name:18} {less.mean():.3f} ± {error:.3f}")

# %% [markdown]
# The chosen boosting is better than the logistic regression by more than two standard
# errors, and comes nearer to the law. Boosting with its usual settings has now learned
# from all training rows, and has caught up with the logistic regression. (How clear
# this is depends on luck: 2400 rows with so few no-shows are few. Of the tables of
# `make_bookings` with the seeds 0 to 7, five show a lead of more than two standard
# errors, two a smaller one, and seed 1 none.)
#
# By accuracy, all are about the same, even the dummy and the law. A chance above one
# half is rare, so nearly all of them say "they will come" of nearly everybody.
#
# What has boosting learned that a logistic regression has not? The picture shows the
# share of no-shows among free tickets and among those that cost something, by how long
# before the show they were booked.

# %%
long_before = pd.cut(X_test["days_ahead"], [0, 2, 4, 8, 16, 42])
is_free = X_test["price"] == 0
shown = pd.DataFrame({"happened": y_test, "is_free": is_free, "days": long_before})
shown["boosting"] = says["boosting, chosen"]
shown["logistic"] = says["logistic"]
shares = 100 * shown.groupby(["is_free", "days"], observed=True).mean()
print("\nNo-shows among the test rows, and what the models say, %")
print(shares.rename({False: "paid", True: "free"}).to_string(float_format="%.0f"))

title = "Free tickets booked long ahead are forgotten: boosting sees it"
figure, axes = new_picture(title, height=4.4)
if figure is not None:
    places = range(5)
    for free, color, label in ((True, ORANGE, "free"), (False, BLUE, "paid")):
        of_kind = shares.loc[free]
        axes.plot(places, of_kind["boosting"], "-", color=color)
        axes.plot(places, of_kind["logistic"], ":", color=color)
        axes.plot(places, of_kind["happened"], "o", color=color, markersize=9)
        axes.text(4.1, of_kind["boosting"].iloc[-1], label, color=color, va="center")
    axes.plot([], [], "o", color=GREY, label="what happened")
    axes.plot([], [], "-", color=GREY, label="chosen boosting")
    axes.plot([], [], ":", color=GREY, label="logistic regression")
    axes.legend(loc="upper left", frameon=False)
    axes.set(xticks=places, xticklabels=["0-2", "2-4", "4-8", "8-16", "16-42"])
    axes.set(xlabel="days between booking and show", ylabel="no-shows (%)")
    axes.set(xlim=(-0.3, 4.7), ylim=(0, 70))
    save_picture(figure, "7_tickets.svg")

# %% [markdown]
# For tickets that cost something, the days hardly matter. For free ones they do. Such a
# thing is called an *interaction*: one feature decides how much another one matters. A
# logistic regression gives each column one weight, so it says nearly the same of the
# days for all tickets. A tree may ask about the price first, and then about the days.
#
# ## Whom should the cinema call?
# Suppose that a call costs 1 euro. In half of the cases it reaches somebody who would
# not come, and who then gives the ticket back; the seat is sold again for 10 euros. So
# a call brings 5 euros times the chance of a no-show, and costs 1: it pays if the
# chance is above 1/5. (The half is our assumption. Only an experiment could measure it:
# `pillars/8_experiment.py`.)
#
# **Guess first:** one in eight bookings is a no-show. What do they gain who call
# everybody?
#
# - much more than with a model
# - a little
# - nothing: they lose

# %%
calls = {"call everybody": np.ones(len(y_test), dtype=bool)}
for name in ("logistic", "boosting", "boosting, chosen", "the law"):
    calls[name] = says[name] > 1 / 5

gains = pd.DataFrame()  # of each test row, in euros
for name, is_called in calls.items():
    gains[name] = is_called * (5 * y_test.to_numpy() - 1.0)
more = gains.sub(gains["logistic"], axis=0)  # on the same rows
summary = pd.DataFrame(
    {
        "calls": 1000 * pd.DataFrame(calls).mean(),
        "gain": 1000 * gains.mean(),
        "more": 1000 * more.mean(),
        "±": 1000 * more.sem(),
    }
)
print("\nOf 1000 test rows; gain in euros; more: than with logistic (± standard error)")
print(summary.to_string(float_format="%.0f"))

# %% [markdown]
# **Nothing: they lose.** With each of the models, calls pay. Here, the chosen boosting
# gains more than the logistic regression, by more than two standard errors; the law
# would gain still more.
#
# ## Save it, and ask it
# What must be saved? The pipeline holds all that was learned: medians, kinds, trees. It
# is made of scikit-learn's classes only, so whoever has the same version of it can load
# it. But `features_of` is code, and no pickle contains code. It belongs into a file of
# its own, which training and service both import. (`pillars/8_deploy.py` shows what
# else an artifact needs, and why you load only what you trust.)

# %%
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "tickets.pkl"
    joblib.dump(chosen, path)
    loaded = joblib.load(path)

tomorrow = pd.DataFrame(
    {
        "booked_at": ["2026-06-01 18:30", "2026-06-29 12:00"],
        "show_at": ["2026-06-30 21:00", "2026-06-30 18:00"],
        "channel": ["web", "App"],
        "postcode": [99999, 10037],  # nobody has seen the first
        "seats": [1, 3],
        "price": ["0,00", "12,00"],
        "age": [np.nan, 44],
    }
)
for chance in loaded.predict_proba(features_of(tomorrow))[:, 1]:
    print(f"{chance:.2f}: {'call' if chance > 1 / 5 else 'do not call'}")

# %% [markdown]
# The table of tomorrow has no `updated_at` and no `came`, as in real life, and the
# program runs. That is a good last test of every such job: take rows as they are *at
# the time of the question*.
#
# **Try it:** give the logistic regression the interaction: a column that holds
# `days_ahead` for free tickets, and 0 for others. How much of the distance to boosting
# is left in the folds?
#
# **Remember:** ask of every column when it is known, let time split the rows, choose
# the settings of a strong model, and decide by what errors cost.
#
# Go on in scikit-learn's user guide:
# [Histogram-based gradient boosting](https://scikit-learn.org/stable/modules/ensemble.html#histogram-based-gradient-boosting),
# [Time series split](https://scikit-learn.org/stable/modules/cross_validation.html#time-series-split).
#
# Exercise: `exercises/7_tickets.py`.
