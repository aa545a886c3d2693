# %% [markdown]
# # 4 Supervised learning: how much of the error is the model's?
#
# **You know**: `fit` learns, `predict` answers, and cross-validation scores rows that
# the model has not seen. **You will see**: an error split into two parts, one of which
# no model can remove; the same for a yes or no, and when to say yes. **Minutes**: 40.
#
# An error of 0.80 stars: is that good? On real data nobody can say. Here we know the
# *law* of the ratings, the formula that made them. So we know the best possible answer
# for every row, its *expected rating*. That splits the squared error in two:
#
#     mean of (rating - answer)²
#         =  noise: people are not consistent
#         +  mean of (expected - answer)²: ignorance, what a better model could avoid
#
# On one table the two sides differ a little, by luck.

# %%
import numpy as np
import pandas as pd
from drawing import BLUE, GREY, new_picture, save_picture
from scipy.stats import norm
from sklearn.calibration import calibration_curve
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import KFold, cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lesson_code import (
    MatrixFactorization,
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
)

# %% [markdown]
# ## Part 1, how many stars?
# We begin with the noise. Of 50,000 ratings, this one is farthest from its expected
# rating.

# %%
dataset = MovieRecommendationDataset()
table = dataset.generate()
rating = table["rating"]
expected = dataset.true_expected_
row = (rating - expected).abs().idxmax()
print(f"User {table['user_id'][row]} and {table['title'][row]}")
print(f"  expected {expected[row]:.2f} stars, rating {rating[row]:.1f}")

# %% [markdown]
# The best possible answer is more than four stars, and then this user gives one. No
# model can foresee that: it is noise.
#
# Now we compare models on the same five folds, the dummy first. `cross_val_predict`
# answers each row by a model that was trained on the other folds. *Taste* is how well a
# user's love of genres fits a movie. `factors` learns numbers for every user and movie
# (*matrix factorization*, `pillars/4_factors.py`). It multiplies the user's numbers by
# the movie's, one by one, and adds up: the sum says how well the two fit.
#
# **Guess first:** how much of the squared error of the best model is noise?

# %%
models = {"mean": DummyRegressor()}  # always the mean rating of its training rows
for name in ("linear", "forest", "boosting", "factors"):
    models[name] = SklearnEcosystemPipeline(model=name).build_pipeline()

folds = KFold(5, shuffle=True, random_state=42)
answers = {}
for name, model in models.items():
    answers[name] = cross_val_predict(model, table, rating, cv=folds)
answers["the law"] = expected  # the best possible predictor: what remains is noise

noise = dataset.best_rmse() ** 2  # the noise floor of all rows, squared
rows = {}
for name, answer in answers.items():
    ignorance = mean_squared_error(expected, answer)
    rows[name] = {
        "noise": noise,
        "ignorance": ignorance,
        "sum": noise + ignorance,
        "measured": mean_squared_error(rating, answer),
    }
errors = pd.DataFrame(rows).T
errors["RMSE"] = errors["measured"] ** 0.5
errors["ignorance / sum"] = errors["ignorance"] / errors["sum"]
print("\nSquared error in stars², RMSE in stars, and the model's part of the error")
print(errors.to_string(float_format="%.3f"))

# %% [markdown]
# Look at `ignorance / sum`. Of the squared error of `factors`, the best of these
# models, about a sixth is the model's. Five sixths are noise, which even the best
# possible model would keep. For linear, forest and boosting, ignorance is about a
# quarter.

# %%
figure, axes = new_picture("A better model shortens only the blue part of the bar")
if figure is not None:
    axes.barh(errors.index, errors["noise"], color=GREY)
    axes.barh(errors.index, errors["ignorance"], left=errors["noise"], color=BLUE)
    for name, row in errors.drop("the law").iterrows():
        label = f"{row['ignorance']:.2f}"
        axes.text(row["sum"] + 0.01, name, label, va="center", color=BLUE)
    axes.text(noise / 2, "mean", f"noise {noise:.2f}", ha="center", va="center")
    axes.text(noise + 0.02, "mean", "ignorance", va="center", color="white")
    axes.set(xlabel="mean squared error (stars²), five folds", xlim=(0, 1.2))
    axes.invert_yaxis()  # the dummy on top
    save_picture(figure, "4_supervised.svg")

# %% [markdown]
# ## Better, or only lucky?
# Linear, forest and boosting have almost the same error. To compare two models, we take
# the difference row by row, and its standard error (`pillars/0_luck.py` explains both).

# %%
print("\nGain over linear in squared error (± standard error)")
error_of_linear = (rating - answers["linear"]) ** 2
for name in ("forest", "boosting", "factors"):
    gain = error_of_linear - (rating - answers[name]) ** 2
    print(f"  {name:8} {gain.mean():+.4f} ± {gain.sem():.4f}")

# %% [markdown]
# A difference of less than twice its standard error may well be luck. The difference of
# boosting is just below this limit, so this table does not show whether boosting is
# better or worse. The forest is worse by more than the limit, but the difference is
# tiny. (Rows of the same user or movie are not independent, so the true standard errors
# may be larger.)
#
# The three algorithms are very different, but they read the same 11 features (the 13
# without the two ids), and their errors are nearly the same. (The 14th feature of
# chapter 3 shows what another feature changes.) `factors` reads who rated what, and
# learns each user's taste. No feature holds the taste, and the gain of `factors` is far
# larger.
#
# ## Whose ratings?
# We sort the ratings by how careless their users are, and cut them into five groups of
# equal size. The measure is `sigma`, the standard deviation of a user's noise in stars.

# %%
sigma = dataset.law_["sigma"][table["user_id"] - 1]  # user ids count from 1
care = ["most careful", "careful", "middle", "careless", "most careless"]
squares = pd.DataFrame(
    {
        "noise": (rating - expected) ** 2,
        "ignorance of factors": (expected - answers["factors"]) ** 2,
    }
)
by_care = squares.groupby(pd.qcut(sigma, 5, labels=care), observed=True).mean()
print("\nSquared error in stars², by the care of the users")
print(by_care.to_string(float_format="%.3f"))

# %% [markdown]
# From the most careful users to the most careless, noise grows more than ten times, and
# ignorance by about a third. So the error of a model depends strongly on whose ratings
# it is measured on: the same model looks excellent for the `most careful` users, and
# poor for the `most careless`.
#
# ## Part 2, yes or no: will this user like this movie?
# *Liked* means 4 stars or more. A *classifier* answers with a probability. How wrong is
# it? For one row, the *loss* is -log(the probability that the classifier gave to what
# then happened). Suppose that it says 0.8 for "liked".

# %%
print("\nThe loss of one row, if a classifier says 0.8")
print(f"  and the user likes the movie: -log 0.8 = {-np.log(0.8):.2f}")
print(f"  and the user does not:        -log 0.2 = {-np.log(0.2):.2f}")

# %% [markdown]
# The loss is small if the classifier was right, and large if it was sure and wrong. The
# *log loss* is the mean over all rows.
#
# Now we compare four classifiers on the test rows. The dummy always answers the share
# of likes. `balanced` is often recommended where one answer is rarer: likes weigh as
# much as all other rows together. `factors` turns predicted stars into a probability.
# Averages and predicted stars are cross-fitted: a training row's own rating is not in
# them.

# %%
train, test = train_test_split(table, test_size=0.2, random_state=42)
liked = (test["rating"] >= 4).to_numpy()

features = UserMovieFeatureTransformer()
train_features = np.asarray(features.fit_transform(train))[:, 2:]  # without the ids
test_features = np.asarray(features.transform(test))[:, 2:]
factors = MatrixFactorization()
train_stars = factors.fit_transform(train)
test_stars = factors.transform(test)
balanced = LogisticRegression(class_weight="balanced")
candidates = {
    "dummy": (DummyClassifier(strategy="prior"), train_features, test_features),
    "balanced": (balanced, train_features, test_features),
    "features": (LogisticRegression(), train_features, test_features),
    "factors": (LogisticRegression(), train_stars, test_stars),
}
chances = {}
for name, (classifier, inputs, test_inputs) in candidates.items():
    model = make_pipeline(StandardScaler(), classifier)
    model.fit(inputs, train["rating"] >= 4)
    chances[name] = model.predict_proba(test_inputs)[:, 1]

print(f"\nLog loss ({100 * liked.mean():.0f} % of the test rows are liked)")
for name, chance in chances.items():
    print(f"  {name:8} {log_loss(liked, chance):.3f}")

# %% [markdown]
# Is the best of these good? Again, we can say so only because we know the law, and with
# it the true chance of a like. A rating is the user's opinion plus noise, rounded to
# half stars. So it becomes 4 or more if opinion plus noise is above 3.75. The noise is
# normally distributed, with the standard deviation `sigma`. `norm.cdf(x)` is the share
# of a normal distribution that lies below x, counted in standard deviations from its
# mean: an opinion of 3.75 becomes a like in half of all cases, and an opinion that is
# one `sigma` higher in 84 %.
#
# Say the true chance is 0.7. If a model says 0.8, its loss will be -log 0.8 in 70 % of
# such cases, and -log 0.2 in 30 %. No answer has a smaller loss on average than 0.7,
# the true chance. The loss of the true chance is noise, and what a model loses in
# addition is ignorance.

# %%
opinion, _ = dataset.opinions(test)
true_chance = norm.cdf((opinion - 3.75) / sigma[test.index])
true_chance = true_chance.clip(1e-9, 1 - 1e-9)  # a logarithm of 0 does not exist
chances["the law"] = true_chance


def expected_loss(said, true):
    """Return the loss to expect, the mean over the rows, if `true` are the chances."""
    return np.mean(-true * np.log(said) - (1 - true) * np.log(1 - said))


print("\nLoss to expect if the true chance is 0.7")
for said in (0.7, 0.8):
    print(f"  a model says {said}: {expected_loss(said, 0.7):.3f}")

noise_of_chances = expected_loss(true_chance, true_chance)
rows = {}
for name, chance in chances.items():
    loss = expected_loss(chance, true_chance)
    rows[name] = {
        "noise": noise_of_chances,
        "ignorance": loss - noise_of_chances,
        "sum": loss,
        "measured": log_loss(liked, chance),
    }
print("\nLog loss, split into its two parts")
print(pd.DataFrame(rows).T.to_string(float_format="%.3f"))

# %% [markdown]
# As in part 1, features help, and the taste of each user helps more. But look at
# `balanced`. It reads the same features as `features`, and is not much better than the
# dummy. What is wrong with it?
#
# A *calibration curve* shows whether probabilities mean what they say. It sorts the
# rows by the probability that the model gives, cuts them into equal parts, and compares
# with what happened.

# %%
curves = {}
for name in ("balanced", "features", "factors"):
    happened, said = calibration_curve(
        liked, chances[name], n_bins=5, strategy="quantile"
    )
    curves[name, "said"] = said
    curves[name, "liked"] = happened
parts = ["lowest fifth", "2nd", "3rd", "4th", "highest fifth"]
print("\nProbability of a like that each model said, and the share of likes")
print(pd.DataFrame(curves, index=parts).to_string(float_format="%.2f"))

# %% [markdown]
# `features` and `factors` are right to a few hundredths. `balanced` says too much: it
# was trained as if half of the ratings were likes.
#
# ## When should we say yes?
# That depends on what errors cost. Suppose that a bad evening costs 1, and a good movie
# missed costs 2. If p is the probability of a like, then yes costs 1 - p on average, no
# costs 2p, and yes is cheaper if p is above 1/3. (`predict` of a classifier says yes if
# p is above 1/2, as if both errors cost the same.)
#
# **Guess first:** a quarter of the rows are likes. How often should we say yes?

# %%
rules = {
    "never": np.zeros_like(liked),
    "factors: p > 1/2": chances["factors"] > 1 / 2,
    "factors: p > 1/3": chances["factors"] > 1 / 3,
    "features: p > 1/3": chances["features"] > 1 / 3,
    "balanced: p > 1/3": chances["balanced"] > 1 / 3,
    "the law: p > 1/3": true_chance > 1 / 3,
}
costs = pd.DataFrame()  # of each test row, by each rule
for name, says_yes in rules.items():
    bad_evening = says_yes & ~liked
    missed = ~says_yes & liked
    costs[name] = 1 * bad_evening + 2 * missed

more = costs.sub(costs["factors: p > 1/3"], axis=0)  # on the same rows
summary = pd.DataFrame(
    {
        "yes, %": 100 * pd.DataFrame(rules).mean(),
        "cost": 100 * costs.mean(),
        "more": 100 * more.mean(),
        "±": 100 * more.sem(),
    }
)
print("\nCost of 100 rows; more: than by `factors: p > 1/3` (± standard error)")
print(summary.to_string(float_format="%.1f"))

# %% [markdown]
# The rule made for these costs, p > 1/3, says yes to more than a quarter, because a
# missed movie costs more than a bad evening. It is cheaper than `p > 1/2`. But it needs
# probabilities that can be believed: with those of `balanced` it says yes to more than
# half of the rows, and costs much more than with those of `features`, which reads the
# same features. (± again assumes independent rows, and may be too small.)
#
# **Try it:** let a missed movie cost 5. From which probability on is yes cheaper? Add
# this rule to `rules`, and compare its cost.
#
# **Remember:** a better model has less ignorance, but the noise remains. Before you act
# on a probability, look at its calibration.
#
# Go on in scikit-learn's user guide:
# [Supervised learning](https://scikit-learn.org/stable/supervised_learning.html),
# [Probability calibration](https://scikit-learn.org/stable/modules/calibration.html),
# [Tuning the decision threshold](https://scikit-learn.org/stable/modules/classification_threshold.html).
#
# Exercise: `exercises/4_supervised.py`.
