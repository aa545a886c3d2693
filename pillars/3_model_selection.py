# %% [markdown]
# # 3 Model selection: can a score be too good, and what did you ask?
#
# **You know**: a model is scored on rows that it was not fitted on. **You will see**: errors that no honest
# model can reach, and why; splits that ask different questions; what more data would bring. **Minutes**: 20.
# The *noise floor* is the error of a perfect predictor. We know it, because we know the law of the table.

# %%
import os
from itertools import product

import drawing
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    TimeSeriesSplit,
    cross_val_score,
    learning_curve,
    train_test_split,
)

from lesson_code import (
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
    load_movielens,
)


def predict_with(averages_of, train, test):
    """Predict by a forest whose averages come from the rows `averages_of` (None: the lesson's way)."""
    pipeline = SklearnEcosystemPipeline().build_pipeline()
    if (
        averages_of is None
    ):  # the pipeline takes raw rows, and makes cross-fitted averages of `train`
        return pipeline.fit(train).predict(test)
    features = UserMovieFeatureTransformer(damping=0).fit(
        averages_of
    )  # simple averages, as by `groupby`
    return (
        pipeline[1:]
        .fit(features.transform(train), train["rating"])
        .predict(features.transform(test))
    )


# %% [markdown]
# ## Averages before the split
# The best features are averages of ratings. Taken from the whole table, they contain the answers of the test
# rows. The fewer ratings a user has, the more of the average is the answer. Damped averages leak less.
# %%
rows = []
for n, seed in product((20, 10, 5, 3, 2, 1.5), (0, 1)):
    dataset = MovieRecommendationDataset(n_ratings=int(1000 * n), random_state=seed)
    table = dataset.generate()
    train, test = train_test_split(table, test_size=0.2, random_state=42)
    answers = {"dummy": DummyRegressor().fit(train, train["rating"]).predict(test)}
    answers["honest"], answers["before the split"] = (
        predict_with(it, train, test) for it in (None, table)
    )
    errors = {
        name: root_mean_squared_error(test["rating"], stars)
        for name, stars in answers.items()
    }
    rows.append({"ratings per user": n} | errors | {"floor": dataset.best_rmse(test)})
curve = pd.DataFrame(rows).groupby("ratings per user").mean()
print(
    "RMSE in stars, mean of two tables; small ones vary by luck (honest: averages made in the pipeline)"
)
print(curve[::-1].to_string(float_format="%.3f"))
print(
    "\nR2 on shuffled ratings (an honest one is about 0 or below), with averages made from:"
)
table = MovieRecommendationDataset(n_ratings=10_000).generate()
table["rating"] = table["rating"].sample(frac=1, random_state=0).to_numpy()
train, test = train_test_split(table, test_size=0.2, random_state=42)
for name, rows in (
    ("whole table", table),
    ("training rows", train),
    ("the same, cross-fitted", None),
):
    print(
        f"  {name}: R2 {r2_score(test['rating'], predict_with(rows, train, test)):.3f}"
    )
print(
    "A training row's own answer is in its average, so the forest trusts averages too much and fails on"
)
print("new rows. Cross-fitted: a row's average is made from other rows.")

# %%
figure, axes = drawing.new_picture(
    "Below the noise floor is not a good model: it is a leak", height=4.2
)
if figure:
    axes.plot(curve.index, curve["honest"], "o-", color=drawing.BLUE)
    axes.plot(curve.index, curve["before the split"], "o-", color=drawing.ORANGE)
    axes.plot(curve.index, curve["floor"], "--", color="black")
    axes.fill_between(curve.index, 0, curve["floor"], color="#EEEEEE")
    axes.text(
        20, 0.98, "averages made inside the pipeline", color=drawing.BLUE, ha="right"
    )
    axes.text(2.2, 0.56, "averages made\nbefore the split", color=drawing.ORANGE)
    axes.text(19, 0.62, "noise floor (dashed):\nno honest model is below", ha="right")
    axes.set(
        xscale="log", xticks=curve.index, xticklabels=[f"{n:g}" for n in curve.index]
    )
    axes.set(xlabel="ratings per user", ylabel="RMSE (stars)", ylim=(0.5, 1.03))
    axes.minorticks_off()
    drawing.save_picture(figure, "3_model_selection.svg")

# %% [markdown]
# ## A splitter is a question: about whom will the model be asked?
# `GroupKFold` puts all rows of a group (`groups=`), such as a user, into one fold: tested users are new.
# %%
table, how = (
    MovieRecommendationDataset().generate(),
    {"scoring": "neg_root_mean_squared_error"},
)
model = SklearnEcosystemPipeline(model="linear").build_pipeline()
folds = KFold(5, shuffle=True, random_state=42)
cases = {"KFold: known users and movies": (table, folds, None)}
cases["GroupKFold: new users"] = table, GroupKFold(5), table["user_id"]
cases["GroupKFold: new movies"] = table, GroupKFold(5), table["movie_id"]
print(
    "(The question of time: set MOVIELENS to the folder of a MovieLens release: real ratings, see README.)"
)
if os.environ.get("MOVIELENS"):
    real = load_movielens(os.environ["MOVIELENS"]).sort_values(
        "timestamp", ignore_index=True
    )
    cases["MovieLens, KFold"] = real, folds, None
    cases["MovieLens, TimeSeriesSplit: the future (from fewer rows)"] = (
        real,
        TimeSeriesSplit(5),
        None,
    )
for question, (rows, splitter, groups) in cases.items():
    score = cross_val_score(
        model, rows, rows["rating"], cv=splitter, groups=groups, **how
    ).mean()
    print(f"{question}: RMSE {-score:.3f}")
print(
    "\nWould more data help? The learning curve, RMSE by the number of training rows:"
)
sizes, old, new = learning_curve(
    model, table, table["rating"], train_sizes=[0.1, 0.3, 1.0], cv=folds, **how
)
old, new = (
    -old.mean(axis=1).round(3),
    -new.mean(axis=1).round(3),
)  # (3 sizes,), the means of five folds
print(pd.DataFrame({"on these rows": old, "on new rows": new}, index=sizes).to_string())
gap = new - old
print(
    f"The gap shrinks from {gap[0]:.3f} to {gap[-1]:.3f}. They can meet only between {old[-1]} "
    f"and {new[-1]}:\nmore rows bring about {gap[-1]:.2f} at most. Another model brings more (chapter 4)."
)

# %% [markdown]
# **Remember:** below the floor is not a good model, it is a leak; a splitter is a question.
#
# Go on: "Cross-validation" in scikit-learn's user guide. Exercise: `exercises/3_model_selection.py`.
