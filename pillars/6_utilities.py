# %% [markdown]
# # 6 Utilities: which metric did you mean?
#
# **You know**: RMSE is the typical error of predicted stars. NDCG@10 scores a list of
# ten movies: 1 if all that the user will like come first, 0 if none is in it.
# **You will see**: that the better model of stars can make the worse list; metrics of
# your own as scorers; a saved model in a fresh process. **Minutes**: 10.

# %%
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd
from drawing import BLUE, GREY, ORANGE, ROOT, new_picture, save_picture
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import make_scorer, ndcg_score, root_mean_squared_error
from sklearn.model_selection import ShuffleSplit, cross_validate
from sklearn.pipeline import make_pipeline

from lesson_code import (
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
)

dataset = MovieRecommendationDataset()
table = dataset.generate()
users = pd.DataFrame({"user_id": np.unique(table["user_id"])})
movies = pd.DataFrame({"movie_id": np.unique(table["movie_id"])})
pairs = users.merge(movies, how="cross")  # every user with every movie, 1000 x 500


# %%
# *Liked* means: rated 4 or more among the held-out rows. A movie that the user would
# love but did not rate counts as a miss. `scoring=` takes a scorer: a function of
# (model, X, y); `make_scorer` makes one.
def within_half(y_true, y_pred):
    """Return the share of predictions that are at most half a star off."""
    return np.mean(np.abs(y_true - y_pred) <= 0.5)


def ndcg_of_lists(stars, X, y):
    """Return NDCG@10 of lists by `stars` (n_users, n_movies).

    A list is without what its user rated outside of X.
    """
    liked = np.zeros(stars.shape)
    liked[X["user_id"] - 1, X["movie_id"] - 1] = y >= 4  # ids count from 1

    seen = table.drop(X.index)
    scores = stars.copy()
    scores[seen["user_id"] - 1, seen["movie_id"] - 1] = -99  # behind all others

    has_liked = liked.any(axis=1)  # the other users have nothing to find
    return ndcg_score(liked[has_liked], scores[has_liked], k=10)


def ndcg_of_model(model, X, y):
    """Return NDCG@10 of the lists that a model of stars makes."""
    stars = model.predict(pairs).reshape(1000, 500)
    return ndcg_of_lists(stars, X, y)


scoring = {
    "RMSE": "neg_root_mean_squared_error",
    "within half a star": make_scorer(within_half),
    "NDCG@10": ndcg_of_model,
}

# Popularity is one of the 13 features: how many ratings a movie has.
count = ColumnTransformer([("one", "passthrough", ["movie_rating_count"])])
popularity = make_pipeline(UserMovieFeatureTransformer(), count, LinearRegression())
models = {
    "mean": DummyRegressor(),
    "popularity": popularity,
    "linear": SklearnEcosystemPipeline(model="linear").build_pipeline(),
    "factors": SklearnEcosystemPipeline(model="factors").build_pipeline(),
}
split = ShuffleSplit(1, test_size=0.2, random_state=42)
rows = {}
for name, model in models.items():
    scores = cross_validate(model, table, table["rating"], cv=split, scoring=scoring)
    rows[name] = {
        "RMSE": -scores["test_RMSE"][0],  # of scorers, larger is better
        "within half a star": scores["test_within half a star"][0],
        "NDCG@10": scores["test_NDCG@10"][0],
    }

# Two more lists: by the true stars, which nobody has, and by `MovieRanker`, which
# predicts no stars.
train_rows, test_rows = next(split.split(table))
train = table.iloc[train_rows]
test = table.iloc[test_rows]

law = dataset.law_
best = dataset.true_expected_[test.index]
# What is equal for all movies of a user changes no list, so it can be left out.
order = law["movie"] + law["T"] @ law["G"].T
rows["the law"] = {
    "RMSE": root_mean_squared_error(test["rating"], best),
    "within half a star": within_half(test["rating"], best),
    "NDCG@10": ndcg_of_lists(order, test, test["rating"]),
}
recommender = SklearnEcosystemPipeline(model="factors").fit(train)
rows["MovieRanker"] = {"NDCG@10": recommender.evaluate_ranking(test)["NDCG@10"]}
results = pd.DataFrame(rows).T

print(results.to_string(float_format="%.3f", na_rep=""))
print(
    "Knowing the law gives the best stars, and worse lists than popularity. "
    "A list of ten asks another"
)
print(
    "question: which movies will this user watch at all? "
    "MovieRanker learns that from who rated what."
)
print("Without popularity and MovieRanker, better stars do make better lists.")

# %%
figure, axes = new_picture("The best stars do not make the best list")
if figure is not None:
    places = results.assign(RMSE=-results["RMSE"]).rank(ascending=False)
    colours = {"popularity": ORANGE, "the law": BLUE}
    for name in results.index:
        left = places.loc[name, "RMSE"]
        right = places.loc[name, "NDCG@10"]
        colour = colours.get(name, GREY)
        axes.plot([0, 1], [left, right], "o-", color=colour, linewidth=2.5)
        label = f"{name} {results.loc[name, 'NDCG@10']:.2f}"
        axes.text(1.04, right, label, va="center")
        if name != "MovieRanker":  # it has no stars
            label = f"{results.loc[name, 'RMSE']:.2f} {name}"
            axes.text(-0.04, left, label, va="center", ha="right")
    axes.text(0, 6.6, "RMSE of stars\n(best on top)", ha="center", va="top")
    axes.text(1, 6.6, "NDCG@10 of lists\n(best on top)", ha="center", va="top")
    axes.set(xlim=(-0.7, 1.7), ylim=(7.4, 0.6))
    axes.axis("off")
    save_picture(figure, "6_utilities.svg")

# %%
# The saved model answers in a fresh process
with tempfile.TemporaryDirectory() as folder:
    path = recommender.save_pipeline(f"{folder}/model.pkl")
    code = f"""
import joblib
recommender = joblib.load({path!r})
print(recommender.recommend(1, n=3).to_string(index=False))
"""
    print(
        "The saved model in a fresh process, list for user 1 "
        "(sorted by score; predicted_rating: stars):"
    )
    print(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True))
recommender  # noqa: B018  (a notebook draws its diagram)

# %% [markdown]
# **Remember:** the better model of stars can make the worse list.
#
# Go on: "Metrics and scoring" in scikit-learn's user guide. Exercise:
# `exercises/6_utilities.py`.
