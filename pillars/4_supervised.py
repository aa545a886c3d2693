# %% [markdown]
# # 4 Supervised learning: how much of the error is the model's?
#
# **You know**: `fit` learns, `predict` answers, and cross-validation scores rows that
# the model has not seen. **You will see**: an error split into two parts, one of which
# no model can remove; the same for a yes or no, and when to say yes.
# **Minutes**: 20.
#
# An error of 0.80 stars: is that good? On real data nobody can say. Here the law of
# the ratings is known, so we know the best possible answer for every row: its *expected
# rating*. That splits the squared error in two:
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
from scipy.special import xlogy
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

dataset = MovieRecommendationDataset()
table = dataset.generate()
rating = table["rating"]
expected = dataset.true_expected_

# %% [markdown]
# ## Part 1, how many stars? The same five folds for every model, the dummy first
# `cross_val_predict` answers each row by a model that was trained on the other folds.
# *Taste* is how well a user's love of genres fits a movie. `factors` learns it: numbers
# for every user and movie, whose product says how well the two fit (*matrix
# factorization*).
#
# **Guess first:** how much of the error of the best model is noise?

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

print("Squared error in stars² (sum and measured differ by luck), and RMSE in stars:")
print(errors.to_string(float_format="%.3f"))

print("\nIs a model better than linear? The gain in squared error, row by row:")
error_of_linear = (rating - answers["linear"]) ** 2
for name in ("forest", "boosting", "factors"):
    gain = error_of_linear - (rating - answers[name]) ** 2
    standard_error = gain.std() / np.sqrt(len(gain))
    print(f"  {name:8} {gain.mean():+.4f}, standard error {standard_error:.4f}")
print(
    "A difference of less than twice its standard error may well be luck: "
    "boosting's is one. The"
)
print(
    "forest is worse by more than that, but next to nothing. "
    "(Rows of the same user or movie are not independent, so the"
)
print(
    "true standard errors are larger.) Linear, forest and boosting are very different "
    "algorithms, but they read"
)
print(
    "the same 11 features (the 13 without the two ids), and their errors are nearly "
    "the same. factors reads"
)
print("who rated what, and learns each user's taste: no feature has that. It gains far")
print("more.")
part = errors.loc["factors", "ignorance"]
whole = errors.loc["factors", "sum"]
print(
    "How much of the error is the model's? "
    f"For factors: {part:.3f} / {whole:.3f} = {100 * part / whole:.0f} %."
)

# %% [markdown]
# Whose ratings have the largest error? Five groups of equally many ratings, by the size
# of their users' noise (`sigma` of the law, the standard deviation of the noise in
# stars).

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
print(by_care.to_string(float_format="%.3f"))
growth = by_care.loc["most careless"] / by_care.loc["most careful"]
print(
    f"From most careful to most careless, noise grows {growth.iloc[0]:.0f} times, "
    f"ignorance {growth.iloc[1]:.1f} times."
)
print("So the error of a model depends strongly on whose ratings it is measured on.")

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
# ## Part 2, yes or no: will this user like this movie?
# *Liked* means 4 stars or more. A *classifier* answers with a probability. Its error is
# the *log loss*, the mean of -log(probability given to what then happened), and it has
# the same two parts: the loss of the law's own probabilities is noise, and what a model
# loses in addition is ignorance.
#
# The dummy always answers the share of likes. `balanced` is often recommended where one
# answer is rarer: likes weigh as much as all other rows together. `factors` turns
# predicted stars into a probability. Averages and predicted stars are cross-fitted: a
# training row's own rating is not in them.

# %%
train, test = train_test_split(table, test_size=0.2, random_state=42)
liked = (test["rating"] >= 4).to_numpy()

# A rating is 4 or more if the user's opinion plus noise is above 3.75.
opinion, _ = dataset.opinions(test)
true_chance = norm.cdf((opinion - 3.75) / sigma[test.index])

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
chances["the law"] = true_chance


def expected_loss(chance):
    """Return the log loss to be expected of probabilities, by the law."""
    # xlogy(a, b) is a * log(b), and 0 where a is 0.
    return -np.mean(xlogy(true_chance, chance) + xlogy(1 - true_chance, 1 - chance))


rows = {}
for name, chance in chances.items():
    rows[name] = {
        "noise": expected_loss(true_chance),
        "ignorance": expected_loss(chance) - expected_loss(true_chance),
        "sum": expected_loss(chance),
        "measured": log_loss(liked, chance),
    }
print(f"Log loss ({100 * liked.mean():.0f} % of the test rows are liked):")
print(pd.DataFrame(rows).T.to_string(float_format="%.3f"))

# %% [markdown]
# Do the probabilities mean what they say? A *calibration curve* sorts the rows by the
# probability that the model gives, cuts them into equal parts, and compares with what
# happened.

# %%
curves = {}
for name in ("balanced", "features", "factors"):
    happened, said = calibration_curve(
        liked, chances[name], n_bins=5, strategy="quantile"
    )
    curves[name, "said"] = said
    curves[name, "liked"] = happened
parts = ["lowest fifth", "2nd", "3rd", "4th", "highest fifth"]
print(pd.DataFrame(curves, index=parts).to_string(float_format="%.2f"))
print(
    "features and factors are right to about 0.02. balanced says too much: "
    "it was trained as if half"
)
print("of the ratings were likes.")

# %% [markdown]
# When should we say yes? That depends on what errors cost. Suppose that a bad evening
# costs 1, and a good movie missed costs 2. If p is the probability of a like, then yes
# costs 1 - p on average, no costs 2p, and yes is cheaper if p is above 1/3.


# %%
def costs(says_yes):
    """Return each row's cost: 1 for a bad evening, 2 for a good movie missed."""
    bad_evening = says_yes & ~liked
    missed = ~says_yes & liked
    return 1 * bad_evening + 2 * missed


rules = {
    "never": np.zeros_like(liked),
    "always": np.ones_like(liked),
    "factors: 4 stars or more": test_stars[:, 0] >= 4,
    "factors: p > 1/2": chances["factors"] > 1 / 2,
    "factors: p > 1/3": chances["factors"] > 1 / 3,
    "features: p > 1/3": chances["features"] > 1 / 3,
    "balanced: p > 1/3": chances["balanced"] > 1 / 3,
    "the law: p > 1/3": true_chance > 1 / 3,
}
reference = costs(rules["factors: p > 1/3"])
rows = {}
for name, says_yes in rules.items():
    cost = costs(says_yes)
    more = cost - reference  # on the same rows
    rows[name] = {
        "yes, %": 100 * says_yes.mean(),
        "cost": 100 * cost.mean(),
        "more": 100 * more.mean(),
        "±": 100 * more.std(ddof=1) / np.sqrt(len(more)),
    }
print("Cost of 100 rows. more: than by the rule `factors: p > 1/3`, on the same rows")
print(pd.DataFrame(rows).T.to_string(float_format="%.1f"))
# Rows of the same movie are not independent: here each movie counts as one.
more = costs(rules["never"]) - reference
of_movie = pd.Series(more - more.mean()).groupby(test["movie_id"].to_numpy()).sum()
error = 100 * np.sqrt(np.sum(of_movie**2)) / len(more)
print(
    "(±: standard error, as if rows were independent. With each movie counted as one, "
    f"the standard error of never is {error:.1f}.)"
)
print(
    f"Spread (standard deviation) in stars: ratings {test['rating'].std():.2f}, "
    f"predicted stars {test_stars.std():.2f}."
)
print(
    "Predicted stars are less extreme than ratings, because an expectation leaves "
    "the noise out. So they rarely"
)
print(
    "reach 4, and that rule says no too often. The threshold made for these costs "
    "is cheaper, if the"
)
print(
    "probabilities can be believed: balanced reads the same features as `features`, "
    "and says yes too often."
)

# %% [markdown]
# **Try it:** let a missed movie cost 5. From which probability on is yes cheaper?
#
# **Remember:** a better model has less ignorance, but the noise remains. Before you act
# on a probability, look at its calibration.
#
# Go on: scikit-learn's user guide, "Supervised learning", "Probability calibration" and
# "Tuning the decision threshold for class prediction" (`FixedThresholdClassifier`).
# Exercise: `exercises/4_supervised.py`.
