# %% [markdown]
# # 4 Threshold: will this user like this movie?
#
# **You know**: a model may predict stars, and a part of its error is *noise*, which no
# model can remove; the rest is *ignorance*. **You will see**: how to score a model that
# answers with a probability; whether its probabilities mean what they say; and at which
# probability to say yes, if errors have a cost. **Minutes**: 30.
#
# *Liked* means 4 stars or more. A *classifier* answers with the probability of a like.
# A page that shows the movie or does not show it needs more: a yes or a no. The
# *threshold* is the probability above which we say yes.

# %%
import numpy as np
import pandas as pd
from drawing import BLUE, GREEN, GREY, ORANGE, new_picture, save_picture
from sklearn.calibration import calibration_curve
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    confusion_matrix,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from visitors import chance_of_like

from lesson_code import (
    MatrixFactorization,
    MovieRecommendationDataset,
    UserMovieFeatureTransformer,
)

# %% [markdown]
# ## The loss of a probability
# How wrong is a probability? For one row, the *loss* is -log(the probability that the
# classifier gave to what then happened). Suppose that it says 0.8 for "liked".

# %%
print("The loss of one row, if a classifier says 0.8")
print(f"  and the user likes the movie: -log 0.8 = {-np.log(0.8):.2f}")
print(f"  and the user does not:        -log 0.2 = {-np.log(0.2):.2f}")

# %% [markdown]
# The loss is small if the classifier was right, and large if it was sure and wrong. The
# *log loss* is the mean over all rows.
#
# ## From stars to a probability
# `MatrixFactorization`, the course's own model (`pillars/4_taste.py` explains it),
# predicts stars. scikit-learn's `LogisticRegression` turns them into a probability: it
# learns from the training rows at how many stars a like is as probable as not, and how
# steeply the probability rises there. The stars of the training rows are cross-fitted:
# a row's own rating is not in them.

# %%
dataset = MovieRecommendationDataset()
table = dataset.generate()
train, test = train_test_split(table, test_size=0.2, random_state=42)
train_liked = train["rating"] >= 4
liked = (test["rating"] >= 4).to_numpy()

factors = MatrixFactorization()
train_stars = factors.fit_transform(train)
test_stars = factors.transform(test)
train_column = np.reshape(train_stars, (-1, 1))  # scikit-learn wants a table
logistic = LogisticRegression().fit(train_column, train_liked)
print("\nPredicted stars, and the probability of a like")
for stars in (2.5, 3.0, 3.5, 4.0, 4.5):
    print(f"  {stars} stars: {logistic.predict_proba([[stars]])[0, 1]:.2f}")

# %% [markdown]
# The more stars, the more probable is a like. With several inputs, `LogisticRegression`
# first adds them up, each multiplied by a weight that it has learned, and does the same
# with the sum. It keeps the weights small, as ridge does. Its parameter `C` says how
# freely they may grow: a large `alpha` of ridge is a small `C`. Here there are many
# rows and few weights, so we leave it at 1.
#
# ## Four classifiers
# The dummy always answers the share of likes. `features` reads the averages and the
# other features of `pillars/1_preprocessing.py`, which the course's
# `UserMovieFeatureTransformer` makes. `balanced` reads the same, with a setting that is
# often recommended where one answer is rarer: in training, the likes together weigh as
# much as all other rows together. `factors` reads the predicted stars.
#
# **Guess first:** `balanced` and `features` differ only in this setting. Which of them
# has the smaller log loss on the test rows?
#
# - `balanced`
# - `features`
# - they are about the same

# %%
features = UserMovieFeatureTransformer()
# [:, 2:] takes all columns but the first two, which are the ids.
train_features = np.asarray(features.fit_transform(train))[:, 2:]
test_features = np.asarray(features.transform(test))[:, 2:]
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
    model.fit(inputs, train_liked)
    chances[name] = model.predict_proba(test_inputs)[:, 1]

print(f"\nLog loss ({100 * liked.mean():.0f} % of the test rows are liked)")
for name, chance in chances.items():
    print(f"  {name:8} {log_loss(liked, chance):.3f}")

# %% [markdown]
# **`features`.** It is better by far. `balanced` gains little over the dummy.
# What is wrong with it? We look at the order of the rows, and then at the
# probabilities themselves.
#
# A model of probabilities should at least put the rows in a good order. Take a row that
# was liked and one that was not: how often does a model give the liked one the higher
# probability? The share of all such pairs is called *ROC AUC*: 0.5 by chance, 1 at
# best.

# %%
print("\nROC AUC")
for name, chance in chances.items():
    print(f"  {name:8} {roc_auc_score(liked, chance):.3f}")

# %% [markdown]
# The order is not wrong: `balanced` and `features` sort the rows equally well. But ROC
# AUC sees nothing else. It cannot see whether 0.8 means that 80 % are likes.
#
# ## Do the probabilities mean what they say?
# A *calibration curve* answers that. It sorts the rows by the probability that the
# model gives, cuts them into equal parts, and compares with what happened.
#
# **Guess first:** to the highest fifth of the rows, `balanced` gives a probability of
# about 0.8. How many of them are likes?
#
# - about four in ten
# - about six in ten
# - about eight in ten

# %%
curves = {}
for name in ("balanced", "features", "factors"):
    happened, said = calibration_curve(
        liked, chances[name], n_bins=5, strategy="quantile"
    )
    curves[name, "said"] = said
    curves[name, "liked"] = happened
parts = ["lowest fifth", "2nd", "3rd", "4th", "highest fifth"]
calibration = pd.DataFrame(curves, index=parts)
print("\nProbability of a like that each model said, and the share of likes")
print(calibration.to_string(float_format="%.2f"))

# %% [markdown]
# **About six in ten.** `features` and `factors` are right to a few hundredths.
# `balanced` says too much in every part: it was trained as if half of the ratings were
# likes.

# %%
highest = 100 * calibration.loc["highest fifth", "balanced"]
says_and_likes = f"{highest['said']:.0f} %, {highest['liked']:.0f} % are liked"
title = f"“balanced” says too much: where it says {says_and_likes}"
figure, axes = new_picture(title, height=4.6)
if figure is not None:
    axes.plot([0, 100], [0, 100], color=GREY, linewidth=1.5, linestyle="--")
    axes.text(88, 93, "as it should be", ha="right", color="#606060")
    marks = {
        "balanced": (ORANGE, "o"),
        "features": (BLUE, "s"),
        "factors": (GREEN, "^"),
    }
    for name, (color, mark) in marks.items():
        curve = 100 * calibration[name]
        axes.plot(curve["said"], curve["liked"], color=color, marker=mark)
    axes.text(62, 25, "balanced", color=ORANGE)
    axes.text(38, 54, "features", color=BLUE, ha="right")
    axes.text(38, 45, "factors", color=GREEN, ha="right")
    axes.set(xlabel="probability that the model says (%)", xlim=(0, 100))
    axes.set(ylabel="share of likes (%)", ylim=(0, 100))
    save_picture(figure, "4_threshold.svg")

# %% [markdown]
# ## How good is the best one?
# The best classifier says the true chance of each like. What would its loss be? Take
# ten evenings on which the true chance is 0.7. Seven times the user likes the movie,
# and three times not. What does a model lose that says 0.5 each time, or 0.6, ...?

# %%
ten_evenings = [True] * 7 + [False] * 3
print("\nLog loss of ten rows, of which seven are liked")
for says in (0.5, 0.6, 0.7, 0.8, 0.9):
    print(f"  a model says {says}: {log_loss(ten_evenings, [says] * 10):.3f}")

# %% [markdown]
# The true chance, 0.7, has the smallest loss. Not even this loss is 0: nobody knows
# *which* seven evenings will be the good ones. That part is noise. What a model loses
# in addition, because it says something else, is ignorance.
#
# Now the same for all test rows. Again, we can do so only because we know the law, the
# formula that made the ratings. From it, `chance_of_like` (in the course's
# `visitors.py`) computes the true chance of each row: how often the user's opinion plus
# noise is rounded to 4 stars or more. As with the ten evenings, each row counts for
# both answers, liked and not liked, each by its chance.


# %%
def expected_loss(said, true):
    """Return the mean loss to expect, if `true` are the chances of a like."""
    if_liked = -np.log(said)
    if_not = -np.log(1 - said)
    return np.mean(true * if_liked + (1 - true) * if_not)


true_chance = chance_of_like(dataset, test)
true_chance = true_chance.clip(1e-9, 1 - 1e-9)  # a logarithm of 0 does not exist
chances["the law"] = true_chance

noise = expected_loss(true_chance, true_chance)
print("\nLog loss, measured on the test rows and split into its two parts")
print("         measured   noise  ignorance")
for name, chance in chances.items():
    measured = log_loss(liked, chance)
    ignorance = expected_loss(chance, true_chance) - noise
    print(f"{name:8} {measured:8.3f} {noise:7.3f} {ignorance:10.3f}")

# %% [markdown]
# The two parts together are the measured loss, up to a few thousandths, which are luck.
# As with stars, features help, and the taste of each user, which `factors` learns,
# helps more. Most of the loss of both is noise. The ignorance of `balanced` is nearly
# that of the dummy, though it has read the features.
#
# ## When should we say yes?
# That depends on what errors cost. Suppose that a bad evening costs 1, and a good movie
# missed costs 2. What do yes and no cost on average, if p is the probability of a like?
# After a yes, the share 1 - p are bad evenings. After a no, the share p are good movies
# missed, at 2 each.

# %%
print("\n   p   cost of yes   cost of no")
for p in (0.1, 0.2, 0.3, 0.4, 0.5):
    print(f" {p}          {1 * (1 - p):.1f}          {2 * p:.1f}")

# %% [markdown]
# Between 0.3 and 0.4, yes becomes cheaper: where 1 - p = 2p, at p = 1/3. (`predict` of
# a classifier says yes if p is above 1/2, as if both errors cost the same.)
#
# **Guess first:** a quarter of the rows are likes. To how many should we say yes?
#
# - to fewer than a quarter
# - to just a quarter
# - to more than a quarter

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
# **To more than a quarter.** The rule made for these costs, p > 1/3, does so, because a
# missed movie costs more than a bad evening. It is cheaper than `p > 1/2`. But it needs
# probabilities that can be believed: with those of `balanced` it says yes to more than
# half of the rows, and costs much more than with those of `features`, which reads the
# same features.
#
# Where are the errors of `factors: p > 1/3`? The *confusion matrix* counts them.

# %%
says_yes = rules["factors: p > 1/3"]
counts = confusion_matrix(liked, says_yes)
matrix = pd.DataFrame(counts, ["not liked", "liked"], ["says no", "says yes"])
print("\nConfusion matrix of `factors: p > 1/3`, in test rows")
print(matrix.to_string())
print(f"Precision: {precision_score(liked, says_yes):.2f}")
print(f"Recall:    {recall_score(liked, says_yes):.2f}")

# %% [markdown]
# At the upper right are the bad evenings, at the lower left the good movies missed.
# *Precision* is the share of likes among the rows with a yes. *Recall* is the share of
# likes that got a yes. A lower threshold gives more recall, and mostly less precision.
# Neither knows what errors cost.
#
# **Try it:** let a missed movie cost 5. From which probability on is yes cheaper? Add
# this rule to `rules`, and compare its cost.
#
# <!-- play: threshold -->
#
# **Remember:** the costs of the two errors give the threshold, but only for
# probabilities that mean what they say; so look at their calibration first.
#
# Go on in scikit-learn's user guide:
# [Probability calibration](https://scikit-learn.org/stable/modules/calibration.html),
# [Tuning the decision threshold](https://scikit-learn.org/stable/modules/classification_threshold.html).
#
# Exercise: `exercises/4_threshold.py`.
