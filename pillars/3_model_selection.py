# %% [markdown]
# # 3 Model selection: can a score be too good, and what did you ask?
#
# **You know**: a model is scored on rows that it was not fitted on. **You will see**:
# errors that no honest model can reach, and why; splits that ask different questions;
# what more data would bring. **Minutes**: 20. The *noise floor* is the error of a
# perfect predictor. We know it, because we know the law of the table.

# %%
import os

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

RMSE = "neg_root_mean_squared_error"  # scikit-learn's name: minus the error


def predict_honestly(train, test):
    """Predict by the lesson's pipeline: cross-fitted averages of `train`."""
    return SklearnEcosystemPipeline().build_pipeline().fit(train).predict(test)


def predict_with(averages_of, train, test):
    """Predict by the same forest with simple averages of the rows `averages_of`."""
    # Without damping, an average is what `groupby` and `mean` give.
    features = UserMovieFeatureTransformer(damping=0).fit(averages_of)
    rest = SklearnEcosystemPipeline().build_pipeline()[1:]  # without the features
    rest.fit(features.transform(train), train["rating"])
    return rest.predict(features.transform(test))


# %% [markdown]
# ## Averages before the split
# The best features are averages of ratings. Taken from the whole table, they contain
# the answers of the test rows. The fewer ratings a user has, the more of the average is
# the answer. Damped averages leak less.
# %%
rows = []
for ratings_per_user in (20, 10, 5, 3, 2, 1.5):
    for seed in (0, 1):
        n_ratings = int(1000 * ratings_per_user)
        dataset = MovieRecommendationDataset(n_ratings=n_ratings, random_state=seed)
        table = dataset.generate()
        train, test = train_test_split(table, test_size=0.2, random_state=42)
        dummy = DummyRegressor().fit(train, train["rating"])
        answers = {
            "dummy": dummy.predict(test),
            "honest": predict_honestly(train, test),
            "before the split": predict_with(table, train, test),
        }
        row = {"ratings per user": ratings_per_user}
        for name, stars in answers.items():
            row[name] = root_mean_squared_error(test["rating"], stars)
        row["floor"] = dataset.best_rmse(test)
        rows.append(row)
curve = pd.DataFrame(rows).groupby("ratings per user").mean()
print(
    "RMSE in stars, mean of two tables; small ones vary by luck "
    "(honest: averages made in the pipeline)"
)
print(curve[::-1].to_string(float_format="%.3f"))

print(
    "\nR2 on shuffled ratings (an honest one is about 0 or below), "
    "with averages made from:"
)
table = MovieRecommendationDataset(n_ratings=10_000).generate()
table["rating"] = table["rating"].sample(frac=1, random_state=0).to_numpy()
train, test = train_test_split(table, test_size=0.2, random_state=42)
answers = {
    "whole table": predict_with(table, train, test),
    "training rows": predict_with(train, train, test),
    "the same, cross-fitted": predict_honestly(train, test),
}
for name, stars in answers.items():
    print(f"  {name}: R2 {r2_score(test['rating'], stars):.3f}")
print(
    "A training row's own answer is in its average, "
    "so the forest trusts averages too much and fails on"
)
print("new rows. Cross-fitted: a row's average is made from other rows.")

# %%
title = "Below the noise floor is not a good model: it is a leak"
figure, axes = drawing.new_picture(title, height=4.2)
if figure is not None:
    blue = drawing.BLUE
    orange = drawing.ORANGE
    axes.plot(curve.index, curve["honest"], "o-", color=blue)
    axes.plot(curve.index, curve["before the split"], "o-", color=orange)
    axes.plot(curve.index, curve["floor"], "--", color="black")
    axes.fill_between(curve.index, 0, curve["floor"], color="#EEEEEE")

    axes.text(20, 0.98, "averages made inside the pipeline", color=blue, ha="right")
    axes.text(2.2, 0.56, "averages made\nbefore the split", color=orange)
    axes.text(19, 0.62, "noise floor (dashed):\nno honest model is below", ha="right")

    ticks = [f"{n:g}" for n in curve.index]
    axes.set(xscale="log", xticks=curve.index, xticklabels=ticks)
    axes.set(xlabel="ratings per user", ylabel="RMSE (stars)", ylim=(0.5, 1.03))
    axes.minorticks_off()
    drawing.save_picture(figure, "3_model_selection.svg")

# %% [markdown]
# ## A splitter is a question: about whom will the model be asked?
# `GroupKFold` puts all rows of a group (`groups=`), such as a user, into one fold:
# tested users are new.
# %%
model = SklearnEcosystemPipeline(model="linear").build_pipeline()
folds = KFold(5, shuffle=True, random_state=42)


def ask(question, rows, splitter, groups=None):
    """Print the mean RMSE of the model over the folds of a splitter."""
    scores = cross_val_score(
        model, rows, rows["rating"], groups=groups, cv=splitter, scoring=RMSE
    )
    print(f"{question}: RMSE {-scores.mean():.3f}")


print(
    "(The question of time: set MOVIELENS to the folder of a MovieLens release: "
    "real ratings, see README.)"
)
table = MovieRecommendationDataset().generate()
ask("KFold: known users and movies", table, folds)
ask("GroupKFold: new users", table, GroupKFold(5), groups=table["user_id"])
ask("GroupKFold: new movies", table, GroupKFold(5), groups=table["movie_id"])
if os.environ.get("MOVIELENS"):
    real = load_movielens(os.environ["MOVIELENS"])
    real = real.sort_values("timestamp", ignore_index=True)
    by_time = TimeSeriesSplit(5)
    ask("MovieLens, KFold", real, folds)
    ask("MovieLens, TimeSeriesSplit: the future (from fewer rows)", real, by_time)

print(
    "\nWould more data help? The learning curve, RMSE by the number of training rows:"
)
sizes, train_scores, test_scores = learning_curve(
    model, table, table["rating"], train_sizes=[0.1, 0.3, 1.0], cv=folds, scoring=RMSE
)
# Both scores have the shape (3 sizes, 5 folds). We take the means of the folds.
old = -train_scores.mean(axis=1).round(3)
new = -test_scores.mean(axis=1).round(3)
print(pd.DataFrame({"on these rows": old, "on new rows": new}, index=sizes).to_string())
gap = new - old
print(
    f"The gap shrinks from {gap[0]:.3f} to {gap[-1]:.3f}. "
    f"They can meet only between {old[-1]} and {new[-1]}:"
)
print(
    f"more rows bring about {gap[-1]:.2f} at most. "
    "Another model brings more (chapter 4)."
)

# %% [markdown]
# **Remember:** below the floor is not a good model, it is a leak; a splitter is a
# question.
#
# Go on: "Cross-validation" in scikit-learn's user guide. Exercise:
# `exercises/3_model_selection.py`.
