# %% [markdown]
# # 5 Unsupervised learning: does it find what we hid?
#
# **You know**: *matrix factorization* gives every user and movie some learned numbers,
# its *factors*, whose product says how well the two fit
# (`recommender/factors.py`). **You will see**: how well clusters of movies agree with
# genres; that KMeans also finds clusters where there are none, and how a control shows
# it; which of the false users that we plant are found. **Minutes**: 20.
#
# The law of the ratings has eight genres. Our model learns from ids and stars alone: it
# does not read the genres (`content=False`), nor who rated what (`n_patterns=0`). So we
# can compare what it finds with what is hidden, which real data does not allow.

# %%
import numpy as np
import pandas as pd
from drawing import new_picture, save_picture
from scipy.optimize import linear_sum_assignment
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    adjusted_rand_score,
    average_precision_score,
    silhouette_score,
)

from lesson_code import STARS, MatrixFactorization, MovieRecommendationDataset

# We ask for eight clusters, because we know that there are eight genres.
kmeans = KMeans(8, n_init=20, random_state=0)
blind = MatrixFactorization(n_factors=8, content=False, n_patterns=0)


def learn(n_ratings):
    """Return the law, the ratings, the movies, and the factors learned from them."""
    dataset = MovieRecommendationDataset(n_ratings=n_ratings)
    table = dataset.generate()
    grouped = table.groupby("movie_id")
    movies = grouped[["title", "genre"]].first()
    movies["n"] = grouped.size()
    movies["one_genre"] = ~movies["genre"].str.contains("[|]")
    return dataset.law_, table, movies, clone(blind).fit(table)


# %% [markdown]
# ## Movies: are the clusters genres?
# The dummy first: shuffled genres. The *adjusted Rand index* compares two groupings: 1
# is the same grouping, and chance gives about 0. We take the movies that have one genre
# and at least 50 ratings. *PCA* turns the axes so that the first direction holds as
# much of the variance (the spread) as possible, then the second, and so on.
#
# **Guess first:** will KMeans find genres that it has never seen?

# %%
law, table, movies, factors = learn(50_000)
kept = (movies["one_genre"] & (movies["n"] >= 50)).to_numpy()
movie_factors = factors.movie_factors_[kept]  # (n_movies, 8)
genre = movies["genre"][kept]
cluster = kmeans.fit_predict(movie_factors)

shuffled = np.random.default_rng(0).permutation(genre)
by_chance = adjusted_rand_score(shuffled, cluster)
true_index = adjusted_rand_score(genre, cluster)
print(f"Adjusted Rand index with shuffled genres: {by_chance:.3f}")
print(f"Adjusted Rand index with true genres:     {true_index:.3f}")
print("The three movies in the middle of each of three clusters:")
distances = kmeans.transform(movie_factors)  # (n_movies, 8): to each cluster's centre
for number in range(3):
    nearest = movies[kept].iloc[distances[:, number].argsort()[:3]]
    shown = nearest["title"].astype(object) + ", " + nearest["genre"].astype(object)
    print("  " + "; ".join(shown))

shares = PCA().fit(movie_factors).explained_variance_ratio_.round(2)
print("PCA, the share of variance in each direction:", shares)
print(
    f"Two directions hold only {100 * shares[:2].sum():.0f} % of the variance, "
    "so a drawing in two dimensions would lose most of it."
)

rows = {}
for n_ratings in (5000, 20_000, 50_000, 100_000, 200_000):
    true_law, _, films, model = learn(n_ratings)

    # T: users x 8 tastes; G: movies x 8 genres. The product has the tastes of all
    # users for all movies. The ids in the model's arrays count from 1.
    all_tastes = true_law["T"] @ true_law["G"].T
    true_taste = all_tastes[np.ix_(model.users_ - 1, model.movies_ - 1)]
    # All pairs of a user and a movie, most of which nobody has rated:
    learned = model.user_factors_ @ model.movie_factors_.T
    correlation = np.corrcoef(learned.ravel(), true_taste.ravel())[0, 1]

    one_genre = films["one_genre"].to_numpy()
    groups = kmeans.fit_predict(model.movie_factors_[one_genre])
    rand_index = adjusted_rand_score(films["genre"][one_genre], groups)
    rows[n_ratings] = {"true taste": correlation, "genres": rand_index}
print(
    "\nWith more ratings, one table of each size: correlation with the true taste, "
    "Rand index with the genres"
)
print(pd.DataFrame(rows).T.to_string(float_format="%.2f"))
print(
    "(At 50000 the index is lower than above: "
    f"all {movies['one_genre'].sum()} movies of one genre, "
    f"not only the {kept.sum()} with 50 ratings.)"
)

# %%
counts = pd.crosstab(genre, cluster).to_numpy()
# The number of a cluster means nothing: we put each beside the genre that it fits best.
_, best_cluster = linear_sum_assignment(-counts)
counts = counts[:, best_cluster]
title = (
    f"From ratings alone, KMeans groups {np.trace(counts)} of {kept.sum()} movies "
    "by genre"
)
figure, axes = new_picture(title, height=4.4)
if figure is not None:
    display = ConfusionMatrixDisplay(counts, display_labels=np.unique(genre))
    display.plot(ax=axes, cmap="Blues", colorbar=False)
    chosen = f"{kept.sum()} of {len(movies)} movies: one genre, 50 ratings or more"
    axes.set(xlabel=f"cluster\n({chosen})", xticklabels=range(1, 9))
    axes.set(ylabel="true genre")
    save_picture(figure, "5_unsupervised.svg")

# %% [markdown]
# ## Users: KMeans always finds clusters
# By law, users have no groups: every user's love of every genre is drawn independently.
# The *silhouette* says how well clusters are separated (1: far apart, 0: they touch).
# How high is it where there are no groups? A *control* is data like ours, but without
# groups. Here, it is a random cloud (a Gaussian) with the same mean and the same
# covariance: how widely the columns spread, and how they go together. We draw ten.
#
# Often, each column is shuffled by itself instead. That destroys groups, but also every
# other connection of the columns. The last row of the table shows why that is wrong: it
# is a single cloud, whose columns are correlated.

# %%
rng = np.random.default_rng(0)


def silhouette(points):
    """Return how well the eight clusters of the points are separated."""
    return silhouette_score(points, kmeans.fit_predict(points))


def cloud_like(points):
    """Return one cloud, a Gaussian, with the mean and covariance of the points."""
    covariance = np.cov(points, rowvar=False)
    return rng.multivariate_normal(points.mean(axis=0), covariance, len(points))


correlated = 0.9 + 0.1 * np.eye(8)  # every two columns have the correlation 0.9
data = {
    f"{kept.sum()} movies": movie_factors,
    "all movies": factors.movie_factors_,
    "users": factors.user_factors_,
    "one cloud": rng.multivariate_normal(np.zeros(8), correlated, 500),
}
rows = {}
for name, points in data.items():
    controls = [silhouette(cloud_like(points)) for _ in range(10)]
    shuffled = [silhouette(rng.permuted(points, axis=0)) for _ in range(10)]
    rows[name] = {
        "silhouette": silhouette(points),
        "control": np.mean(controls),
        "its spread": np.std(controls),
        "shuffled columns": np.mean(shuffled),
    }
print(pd.DataFrame(rows).T.to_string(float_format="%.3f"))
print(
    f"The {kept.sum()} movies are above their control by several times its spread, "
    "more than luck gives in a single"
)
print(
    "Gaussian cloud: a sign of groups. The others are not above theirs. "
    "Users are even a little below, so they"
)
print(
    "are not exactly Gaussian, and a small excess would prove little. "
    "All movies, which include those with two"
)
print(
    "genres or few ratings, show no groups, although the genres are there: "
    "to see no groups does not prove that"
)
print(
    "there are none. Compared with shuffled columns, even the one cloud would seem "
    "to have groups."
)

# %% [markdown]
# ## False users: are the planted ones found?
# *Shills* are users who do not rate what they think. We plant some. Each takes the
# movies of an honest user, so that only the stars differ: always five, always three, or
# at random. An `IsolationForest` gets no example of a shill. It cuts the data at random
# places, and a user whom few cuts separate from all others is odd. It reads three
# figures of a user: mean and spread of the stars, and *agreement*, the correlation of
# the user's stars with the averages of the other users.
#
# *Average precision* scores a list of suspects, the oddest first: 1 if all shills come
# first. The dummy, for which all are equally odd, scores the share of shills. A rule is
# made for one kind of shill: least spread first, or, for those at random, least
# agreement first.


# %%
def describe_users(ratings):
    """Return mean, spread and agreement of every user's stars."""
    of_movie = ratings.groupby("movie_id")["rating"]
    # Without the user's own rating; five ratings of 3 stars damp what few others say.
    sum_of_others = of_movie.transform("sum") - ratings["rating"] + 5 * 3
    others = sum_of_others / (of_movie.transform("size") - 1 + 5)

    stars = pd.DataFrame({"own": ratings["rating"], "others": others})
    by_user = stars.groupby(ratings["user_id"])
    standard = (stars - by_user.transform("mean")) / by_user.transform("std")
    agreement = standard["own"] * standard["others"]
    figures = pd.DataFrame(
        {
            "mean": by_user["own"].mean(),
            "spread": by_user["own"].std(),
            "agreement": agreement.groupby(ratings["user_id"]).mean(),
        }
    )
    return figures.fillna(0.0)  # no agreement where the stars never vary


def find_shills(n_shills, kind, seed):
    """Plant shills, and return the average precision of three lists of suspects.

    `seed` is that of the forest.
    """
    victims = rng.choice(honest["user_id"].unique(), n_shills, replace=False)
    planted = honest[honest["user_id"].isin(victims)].copy()
    planted["user_id"] += 1000  # honest ids end at 1000
    possible = {"always five": [5.0], "always three": [3.0], "at random": STARS}
    planted["rating"] = rng.choice(possible[kind], len(planted))
    figures = describe_users(pd.concat([honest, planted]))
    is_shill = figures.index > 1000

    forest = IsolationForest(random_state=seed).fit(figures)
    rule = figures["agreement"] if kind == "at random" else figures["spread"]
    return {
        "dummy": average_precision_score(is_shill, np.zeros(len(figures))),
        "forest": average_precision_score(is_shill, -forest.score_samples(figures)),
        "rule": average_precision_score(is_shill, -rule),
    }


ratings_of_user = table.groupby("user_id")["rating"].transform("size")
honest = table.loc[ratings_of_user >= 20, ["user_id", "movie_id", "rating"]]
means = {}
errors = {}
for shills in ("20 always five", "20 always three", "20 at random", "200 always five"):
    n_shills, kind = shills.split(" ", maxsplit=1)
    draws = [find_shills(int(n_shills), kind, seed) for seed in range(4)]
    scores = pd.DataFrame(draws)
    means[shills] = scores.mean()
    errors[shills] = scores.sem()
n_honest = honest["user_id"].nunique()
print(f"Average precision, mean of four draws, beside {n_honest} honest users:")
print(pd.DataFrame(means).T.to_string(float_format="%.2f"))
largest_error = pd.DataFrame(errors).max(axis=None)
print(
    "The standard errors of these means (other shills, another forest) are at most "
    f"{largest_error:.2f}."
)
sigma = pd.Series(law["sigma"], index=range(1, 1001))  # the noise of each user's law
careless = sigma.index[sigma > sigma.quantile(0.8)]
odd = describe_users(honest)["agreement"].nsmallest(20).index
print(
    f"Of the 20 honest users who agree least, {odd.isin(careless).sum()} are of the "
    "most careless fifth."
)
print(
    "The forest is useful where you cannot say what you are looking for, "
    "if it is rare and extreme (always five)."
)
print(
    "It finds less where shills are extreme in one figure only (always three), "
    "where they are like careless"
)
print(
    "honest users (at random), and where they are many (200). "
    "Each time, a rule made for this fraud is better."
)

# %% [markdown]
# **Try it:** let KMeans look for 4 clusters of movies, or for 16.
#
# **Remember:** KMeans always finds clusters. A control shows whether there may be
# groups; to say what they are, you need a known truth.
#
# Go on: "Clustering" and "Novelty and outlier detection" in scikit-learn's user guide.
# Exercise: `exercises/5_unsupervised.py`.
