# %% [markdown]
# # 5 Unsupervised learning: does it find what we hid?
#
# **You know**: *matrix factorization* gives every user and movie some learned numbers,
# its *factors*, whose product says how well the two fit (section 7 of
# `lesson_code.py`). **You will see**: that clusters of movies are genres, that more
# ratings make them clearer, and that KMeans also finds clusters where there are none. A
# control tells the difference. **Minutes**: 10.
#
# The law of the ratings has eight genres. Our model reads ids and stars alone: no genre
# (`content`), not who rated what (`n_patterns`). So we can compare what was found with
# what was hidden, as never on real data.

# %%
import numpy as np
import pandas as pd
from drawing import new_picture, save_picture
from scipy.optimize import linear_sum_assignment
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    adjusted_rand_score,
    silhouette_score,
)

from lesson_code import MatrixFactorization, MovieRecommendationDataset

# We ask for eight clusters, because we know that there are eight genres.
kmeans = KMeans(8, n_init=20, random_state=0)
blind = MatrixFactorization(n_factors=8, content=False, n_patterns=0)


def learn(n_ratings):
    """Return the law of a table, its movies, and the factors learned from it."""
    dataset = MovieRecommendationDataset(n_ratings=n_ratings)
    table = dataset.generate()
    grouped = table.groupby("movie_id")
    movies = pd.DataFrame({"genre": grouped["genre"].first(), "n": grouped.size()})
    movies["one_genre"] = ~movies["genre"].str.contains("[|]")
    return dataset.law_, movies, clone(blind).fit(table)


# %% [markdown]
# ## Movies: are the clusters genres?
# The dummy first: shuffled genres. The *adjusted Rand index* compares two groupings: 1
# is the same grouping, 0 is chance. We take the movies that have one genre and at least
# 50 ratings. *PCA* turns the axes so that the first direction holds as much of the
# variance (the spread) as possible, then the second, and so on.

# %%
_, movies, factors = learn(50_000)
kept = (movies["one_genre"] & (movies["n"] >= 50)).to_numpy()
movie_factors = factors.movie_factors_[kept]  # (n_movies, 8)
genre = movies["genre"][kept]
cluster = kmeans.fit_predict(movie_factors)

shuffled = np.random.default_rng(0).permutation(genre)
by_chance = adjusted_rand_score(shuffled, cluster)
true_index = adjusted_rand_score(genre, cluster)
print(f"Adjusted Rand index with shuffled genres: {by_chance:.3f}")
print(f"Adjusted Rand index with true genres:     {true_index:.3f}")

shares = PCA().fit(movie_factors).explained_variance_ratio_.round(2)
print("PCA, the share of variance in each direction:", shares)
print(
    f"Two directions hold only {100 * shares[:2].sum():.0f} % of the variance, "
    "so a drawing in two dimensions would mix the genres."
)

rows = {}
for n_ratings in (5000, 20_000, 50_000, 100_000, 200_000):
    law, films, model = learn(n_ratings)

    # T: users x 8 tastes; G: movies x 8 genres. The product has the tastes of all
    # users for all movies. The ids in the model's arrays count from 1.
    all_tastes = law["T"] @ law["G"].T
    true_taste = all_tastes[np.ix_(model.users_ - 1, model.movies_ - 1)]
    # All pairs of a user and a movie, most of which nobody has rated:
    learned = model.user_factors_ @ model.movie_factors_.T
    correlation = np.corrcoef(learned.ravel(), true_taste.ravel())[0, 1]

    one_genre = films["one_genre"].to_numpy()
    groups = kmeans.fit_predict(model.movie_factors_[one_genre])
    rand_index = adjusted_rand_score(films["genre"][one_genre], groups)
    rows[n_ratings] = {"true taste": correlation, "genres": rand_index}
print(
    "\nMore ratings, more truth: correlation with the true taste, "
    "Rand index with the genres"
)
print(pd.DataFrame(rows).T.to_string(float_format="%.2f"))
print(
    "(At 50000 the index is lower than above: "
    f"all {movies['one_genre'].sum()} movies of one genre, "
    f"not only the {kept.sum()} with 50 ratings.)"
)

# %% [markdown]
# ## Users: KMeans always answers
# By law, users have no groups: every user's love of every genre is drawn alone. The
# *silhouette* says how well clusters are separated (1: far apart, 0: they touch). A
# *control* needs no truth: we shuffle every column by itself. It keeps its numbers, but
# groups are gone.

# %%
rng = np.random.default_rng(0)


def silhouette(points):
    """Return how well the eight clusters of the points are separated."""
    return silhouette_score(points, kmeans.fit_predict(points))


print("Silhouette of eight clusters, and of the same columns, shuffled five times:")
for name, points in {"movies": movie_factors, "users": factors.user_factors_}.items():
    score = silhouette(points)
    controls = [silhouette(rng.permuted(points, axis=0)) for _ in range(5)]
    print(
        f"  {name}: {score:.3f}, controls: {min(controls):.3f} to {max(controls):.3f}"
    )
print(
    "Movies are above all controls: there are groups. "
    "Users are not: KMeans answered, but no groups show."
)
print("A low silhouette is no verdict; compare it with a control.")

# %%
counts = pd.crosstab(genre, cluster).to_numpy()
# A cluster's number says nothing: we put each beside the genre that it fits best.
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
    axes.set(xlabel="cluster (in the squares: movies)", xticklabels=range(1, 9))
    axes.set(ylabel="true genre")
    save_picture(figure, "5_unsupervised.svg")

# %% [markdown]
# **Remember:** KMeans always answers. A control tells if there are groups; only a truth
# tells what they are.
#
# Go on: "Clustering" in scikit-learn's user guide. Exercise:
# `exercises/5_unsupervised.py`.
