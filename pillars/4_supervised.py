# %% [markdown]
# # 4 Supervised learning: how much of the error is the model's?
#
# **You know**: `fit` learns, `predict` answers, and cross-validation scores rows that
# the model has not seen. **You will see**: an error split into two parts. One part no
# model can remove. **Minutes**: 10.
#
# An error of 0.80 stars: is that good? On real data nobody can tell. Here the law of
# the ratings is known, so we know the best possible answer for every row: its *expected
# rating*. That splits the squared error in two:
#
#     mean of (rating - answer)²
#         =  noise: people are not consistent
#         +  mean of (expected - answer)²: ignorance, what the model does not know

# %%
import pandas as pd
from drawing import BLUE, GREY, new_picture, save_picture
from sklearn.dummy import DummyRegressor
from sklearn.metrics import mean_squared_error, root_mean_squared_error
from sklearn.model_selection import KFold, cross_val_predict

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline

dataset = MovieRecommendationDataset()
table = dataset.generate()
rating = table["rating"]
expected = dataset.true_expected_

# %% [markdown]
# ## The same five folds for every model, the dummy first
# `cross_val_predict` answers each row by a model that was trained on the other folds.
# *Taste* is how well a user's love of genres fits a movie. `factors` learns it: numbers
# for every user and movie, whose product says how well the two fit (*matrix
# factorization*).

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

print("Squared error in stars², and its root (RMSE) in stars:")
print(errors.to_string(float_format="%.3f"))
print(
    "'measured' differs from 'sum' by luck: "
    "the noise of these rows is not exactly the expected one."
)
print(
    "linear, forest and boosting read the same 11 features "
    "(13 without the two ids), and they are equally"
)
print(
    "ignorant: they lack knowledge (of taste), not a cleverer algorithm. "
    "factors learns taste, and is the"
)
print("only one with clearly less ignorance than these three.")
part = errors.loc["factors", "ignorance"]
whole = errors.loc["factors", "sum"]
print(
    "How much of the error is the model's? "
    f"For factors: {part:.3f} / {whole:.3f} = {100 * part / whole:.0f} %."
)

# %% [markdown]
# ## Where the error sits: users who rate with care, and users who do not
# Five groups of equally many ratings, for `factors`, by the size of a user's noise:
# `sigma` of the law, the standard deviation of the noise in that user's ratings, in
# stars.

# %%
sigma = dataset.law_["sigma"][table["user_id"] - 1]  # user ids count from 1
names = ["most careful", "careful", "middle", "careless", "most careless"]
group = pd.qcut(sigma, 5, labels=names)
rows = {}
for name, positions in table.groupby(group, observed=True).indices.items():
    answer = answers["factors"][positions]
    rated = rating.iloc[positions]
    best = expected[positions]
    rows[name] = {
        "RMSE": root_mean_squared_error(rated, answer),
        "noise": root_mean_squared_error(rated, best),
        "model to law": root_mean_squared_error(best, answer),
    }
by_care = pd.DataFrame(rows).T

print(by_care.to_string(float_format="%.3f"))
print(
    "The squares of 'noise' and 'model to law' add up to the square of the RMSE, "
    "but for luck."
)
growth = by_care.loc["most careless", "RMSE"] / by_care.loc["most careful", "RMSE"]
print(
    f"From most careful to most careless, the RMSE grows {growth:.1f} times. "
    "That is noise:"
)
print("the model's own part changes little.")
print(
    f"Spread (standard deviation) in stars: ratings {rating.std():.2f}, "
    f"the law {expected.std():.2f}, factors {answers['factors'].std():.2f}."
)
print(
    "Good answers are less extreme than ratings: "
    "an answer is an expectation and leaves the noise out;"
)
print("and a model that is not sure stays nearer to the mean.")

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
# **Remember:** you can shorten only the part of the bar that is ignorance. The noise
# stays.
#
# Go on: scikit-learn's user guide, "Supervised learning". To draw answers and ratings:
# `PredictionErrorDisplay.from_predictions(rating, answers["factors"])`.
# Exercise: `exercises/4_supervised.py`.
