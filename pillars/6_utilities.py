# %% [markdown]
# # 6 Utilities: which metric did you mean?
#
# **You know**: RMSE is the typical error of predicted stars. NDCG@10 scores a list of ten movies: 1 if all
# that the user will like come first, 0 if none is in it. **You will see**: that the better model of stars can
# make the worse list; metrics of your own as scorers; a saved model in a fresh process. **Minutes**: 10.

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
users, movies = (
    pd.DataFrame({name: np.unique(table[name])}) for name in ("user_id", "movie_id")
)
pairs = users.merge(movies, how="cross")  # every user with every movie, 1000 x 500


# %%
# *Liked* means: rated 4 or more among the held-out rows. A movie that the user would love but did not rate
# counts as a miss. `scoring=` takes a scorer: a function of (model, X, y); `make_scorer` makes one.
def within_half(y_true, y_pred):
    """Return the share of predictions that are at most half a star off."""
    return np.mean(np.abs(y_true - y_pred) <= 0.5)


def of_lists(stars, X, y):
    """Return NDCG@10 of lists by `stars` (n_users, n_movies), without what users rated outside of X."""
    relevant, stars, trained = np.zeros(stars.shape), stars.copy(), table.drop(X.index)
    relevant[X["user_id"] - 1, X["movie_id"] - 1] = y >= 4  # ids count from 1
    stars[trained["user_id"] - 1, trained["movie_id"] - 1] = -99  # behind all others
    users = relevant.any(axis=1)  # those with something to find
    return ndcg_score(relevant[users], stars[users], k=10)


scoring = {
    "RMSE": "neg_root_mean_squared_error",
    "within half a star": make_scorer(within_half),
}
scoring["NDCG@10"] = lambda model, X, y: of_lists(
    model.predict(pairs).reshape(1000, 500), X, y
)

count = ColumnTransformer(
    [("one", "passthrough", ["movie_rating_count"])]
)  # one of the 13 features
popularity = make_pipeline(UserMovieFeatureTransformer(), count, LinearRegression())
models = {"mean": DummyRegressor(), "popularity": popularity}
models |= {
    name: SklearnEcosystemPipeline(model=name).build_pipeline()
    for name in ("linear", "factors")
}
split, rows = ShuffleSplit(1, test_size=0.2, random_state=42), {}
for name, model in models.items():
    scores = cross_validate(model, table, table["rating"], cv=split, scoring=scoring)
    rows[name] = {metric: scores[f"test_{metric}"][0] for metric in scoring}
    rows[name]["RMSE"] *= -1  # of scorers, larger is better

# Two more lists: by the true stars, which nobody has, and by `MovieRanker`, which predicts no stars.
train, test = (table.iloc[part] for part in next(split.split(table)))
law, best = dataset.law_, dataset.true_expected_[test.index]
order = (
    law["movie"] + law["T"] @ law["G"].T
)  # what is equal for all movies of a user changes no list
figures = (
    root_mean_squared_error(test["rating"], best),
    within_half(test["rating"], best),
)
rows["the law"] = dict(zip(scoring, [*figures, of_lists(order, test, test["rating"])]))
recommender = SklearnEcosystemPipeline(model="factors").fit(train)
rows["MovieRanker"] = {"NDCG@10": recommender.evaluate_ranking(test)["NDCG@10"]}
found = pd.DataFrame(rows).T
print(found.to_string(float_format="%.3f", na_rep=""))
print(
    "Knowing the law gives the best stars, and worse lists than popularity. A list of ten asks another"
)
print(
    "question: which movies will this user watch at all? MovieRanker learns that from who rated what."
)
print("Without popularity and MovieRanker, better stars do make better lists.")

# %%
figure, axes = new_picture("The best stars do not make the best list")
if figure is not None:
    places = found.assign(RMSE=-found["RMSE"]).rank(ascending=False)
    for name, (left, right) in places[["RMSE", "NDCG@10"]].iterrows():
        color = {"popularity": ORANGE, "the law": BLUE}.get(name, GREY)
        axes.plot([0, 1], [left, right], "o-", color=color, linewidth=2.5)
        axes.text(1.04, right, f"{name} {found.loc[name, 'NDCG@10']:.2f}", va="center")
        if name != "MovieRanker":
            axes.text(
                -0.04,
                left,
                f"{found.loc[name, 'RMSE']:.2f} {name}",
                va="center",
                ha="right",
            )
    axes.text(0, 6.6, "RMSE of stars\n(best on top)", ha="center", va="top")
    axes.text(1, 6.6, "NDCG@10 of lists\n(best on top)", ha="center", va="top")
    axes.set(xlim=(-0.7, 1.7), ylim=(7.4, 0.6))
    axes.axis("off")
    save_picture(figure, "6_utilities.svg")

# %%
# The saved model answers in a fresh process
with tempfile.TemporaryDirectory() as folder:
    path = recommender.save_pipeline(f"{folder}/model.pkl")
    code = f"import joblib; print(joblib.load({path!r}).recommend(1, n=3).to_string(index=False))"
    print(
        "The saved model in a fresh process, list for user 1 (sorted by score; predicted_rating: stars):"
    )
    print(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True))
recommender  # noqa: B018  (a notebook draws its diagram)

# %% [markdown]
# **Remember:** the better model of stars can make the worse list.
#
# Go on: "Metrics and scoring" in scikit-learn's user guide. Exercise: `exercises/6_utilities.py`.
