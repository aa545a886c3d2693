# %% [markdown]
# # 5 Unsupervised learning: does it find what we hid?
#
# **You know**: *matrix factorization* gives every user and movie some learned numbers,
# its *factors*. Multiply the user's numbers by the movie's, one by one, and add up: the
# sum says how well the two fit (`pillars/4_taste.py`). **You will see**: what KMeans
# makes of users and of movies; and how a control shows whether there may be groups.
# **Minutes**: 25.
#
# The law of the ratings, the formula that made them, has eight genres, which users love
# more or less. Our model, `MatrixFactorization` of `lesson_code.py`, learns from ids
# and stars alone. It gets no genres (`content=False`), and no extra numbers about which
# movies a user chose to rate (`n_patterns=0`). So we can compare what it finds with
# what the law has hidden. With real data that is not possible.

# %%
import numpy as np
import pandas as pd
from drawing import BLUE, GREY, ORANGE, new_picture, save_picture
from sklearn.cluster import KMeans
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    adjusted_rand_score,
    silhouette_score,
)

from lesson_code import MatrixFactorization, MovieRecommendationDataset

# %% [markdown]
# ## Eight clusters of users
# scikit-learn's `KMeans` puts points that are near each other into one *cluster*. A
# user is a point: eight learned factors. We ask for eight clusters. KMeans begins with
# random centres; `n_init=20` lets it begin 20 times, and keeps the best result.


# %%
def learn(n_ratings, seed=42):
    """Return a table of ratings, and the factors learned from it."""
    dataset = MovieRecommendationDataset(n_ratings=n_ratings, random_state=seed)
    table = dataset.generate()
    blind = MatrixFactorization(n_factors=8, content=False, n_patterns=0)
    return table, blind.fit(table)


table, factors = learn(50_000)
kmeans = KMeans(8, n_init=20, random_state=0)
cluster = kmeans.fit_predict(factors.user_factors_)  # (1000 users, 8 factors)
print("Users in each of the eight clusters:", *np.bincount(cluster))

# %% [markdown]
# Eight clusters of users, none of them small. They look like eight kinds of people. But
# KMeans always finds as many clusters as we ask for. How could we notice that there are
# no groups?
#
# The *silhouette* says how well clusters are separated: near 1 if they are far apart,
# near 0 if they touch. We try it on two groups far apart, and on single clouds of
# points, which KMeans must cut in two.


# %%
def silhouette(points, kmeans):
    """Return how well the clusters of the points are separated."""
    return silhouette_score(points, kmeans.fit_predict(points))


in_two = KMeans(2, n_init=20, random_state=0)
rng = np.random.default_rng(0)
flat_cloud = rng.standard_normal((200, 2))
cloud = rng.standard_normal((200, 8))
two_groups = cloud.copy()
two_groups[:100] += 10  # half of the points move away, in every column
print("\nSilhouette of two clusters")
print(f"  two groups, far apart:    {silhouette(two_groups, in_two):.2f}")
print(f"  one cloud, eight columns: {silhouette(cloud, in_two):.2f}")
print(f"  one cloud, two columns:   {silhouette(flat_cloud, in_two):.2f}")

# %% [markdown]
# The two groups are near 1. The clouds are lower, but not at 0, although nothing is
# there to find. And one cloud has three times the silhouette of the other. So no fixed
# limit says where groups begin.
#
# ## A control: the same shape, without groups
# We need to know how high the silhouette is *for data of this shape* without groups. A
# *control* is such data. What must it keep? The *covariance* of the columns: how widely
# each one spreads, and how they go together. A *Gaussian* is one round or stretched
# cloud, dense in the middle and thin outside. It has no groups, and can have any
# covariance.
#
# Often, each column is shuffled by itself instead. That destroys groups, but what else?
# We try both on points with two columns that go together, and no groups.


# %%
def gaussian_like(points, rng):
    """Return a Gaussian cloud with the mean and the covariance of the points."""
    mean = points.mean(axis=0)
    covariance = np.cov(points, rowvar=False)
    return rng.multivariate_normal(mean, covariance, len(points))


rng = np.random.default_rng(0)
points = rng.multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], 120)
clouds = {
    "the points": points,
    "each column\nshuffled": rng.permuted(points, axis=0),
    "Gaussian, same\ncovariance": gaussian_like(points, rng),
}
print("\nCorrelation of the two columns, silhouette of two clusters")
for name, xy in clouds.items():
    correlation = np.corrcoef(xy.T)[0, 1]
    name = " ".join(name.split())  # in one line
    print(f"  {name}: {correlation:.2f}, {silhouette(xy, in_two):.2f}")

# %% [markdown]
# Shuffling takes the correlation away; the Gaussian keeps it. You can see that:

# %%
title = "Shuffled columns lose the shape, a Gaussian keeps it"
figure, axes = new_picture(title, ncols=3, height=3.1, sharex=True, sharey=True)
if figure is not None:
    colours = (GREY, ORANGE, BLUE)
    for ax, (name, xy), colour in zip(axes, clouds.items(), colours):
        ax.plot(xy[:, 0], xy[:, 1], "o", color=colour, markersize=3)
        ax.set_title(name, fontsize=13, color="black")
        ax.set(xlim=(-3.5, 3.5), ylim=(-3.5, 3.5), xticks=[], yticks=[], aspect="equal")
    save_picture(figure, "5_unsupervised_control.svg")

# %% [markdown]
# The points have a much higher silhouette than their shuffled columns, but they have no
# groups: it is the shape. The Gaussian has the same shape, and about the same
# silhouette. So the Gaussian is our control.
#
# ## Do the users have groups?
# We draw ten Gaussians like the users' points. Their silhouettes differ a little from
# each other, by luck: we take their mean, and their spread (the standard deviation).
#
# **Guess first:** how high is the silhouette of the users' eight clusters, compared
# with that of one cloud of the same shape, cut in eight?
#
# - about twice as high
# - about half as high
# - about the same


# %%
def compare_with_control(points):
    """Return the silhouette of the points, and the mean and spread of ten controls."""
    rng = np.random.default_rng(0)
    controls = [silhouette(gaussian_like(points, rng), kmeans) for _ in range(10)]
    own = silhouette(points, kmeans)
    control = np.mean(controls)
    return {
        "silhouette": own,
        "control": control,
        "difference": own - control,
        "spread of controls": np.std(controls),
    }


compared = pd.DataFrame({"users": compare_with_control(factors.user_factors_)})
print("\nSilhouette of eight clusters, mean of ten controls")
print(compared.T.to_string(float_format="%.3f"))

# %% [markdown]
# **About the same.** Here, one cloud even has a little more. So the eight clusters of
# users are no sign of eight kinds of people. And we can look behind the curtain: in the
# law there are no groups of users. Every user's love of every genre is drawn
# independently of the others.
#
# <!-- play: groups -->
#
# ## Do the movies?
# Here we have hidden something: the genres. We take the movies that have one genre and
# at least 50 ratings.


# %%
def movies_of_one_genre(table, n_ratings):
    """Return the genre of each movie that has only one, and at least n ratings."""
    by_movie = table.groupby("movie_id")
    genre = by_movie["genre"].first()
    has_one_genre = ~genre.str.contains("[|]")  # two are written A|B
    return genre[has_one_genre & (by_movie.size() >= n_ratings)]


genre = movies_of_one_genre(table, n_ratings=50)
movie_factors = factors.movie_factors_[genre.index - 1]  # movie ids count from 1

name = f"{len(genre)} movies"
compared[name] = compare_with_control(movie_factors).values()
print("\nSilhouette of eight clusters, mean of ten controls")
print(compared.T.to_string(float_format="%.3f"))

# %% [markdown]
# Here, the movies are clearly above their control. Look at the size of the two
# differences: that of the users, who have no groups, is far smaller. So in the movies,
# there may be groups. The control does not say which.
#
# ## Are the clusters genres?
# The model has seen no genre. But we know the genres, so we can name each cluster after
# the genre that most of its movies have.
#
# **Guess first:** how many of the movies are in a cluster that has the name of their
# genre?
#
# - about a quarter, as if the genres were shuffled
# - more than half
# - more than 95 %

# %%
cluster = kmeans.fit_predict(movie_factors)


def name_clusters(genre):
    """Return, for each movie, the most frequent genre of its cluster."""
    counts = pd.crosstab(genre, cluster)
    return counts.idxmax()[cluster].to_numpy()


shuffled = np.random.default_rng(0).permutation(genre)
print("\nShare of the movies whose cluster has the name of their genre")
print(f"  shuffled genres: {np.mean(name_clusters(shuffled) == shuffled):.2f}")
print(f"  true genres:     {np.mean(name_clusters(genre) == genre):.2f}")
print("Adjusted Rand index")
print(f"  shuffled genres: {adjusted_rand_score(shuffled, cluster):.2f}")
print(f"  true genres:     {adjusted_rand_score(genre, cluster):.2f}")

# %% [markdown]
# **More than half.** From ids and stars alone, KMeans finds genres that it has never
# seen. The *adjusted Rand index* is the usual figure for that. It compares two
# groupings, and needs no names: 1 is the same grouping, and chance gives about 0.

# %%
title = "From ratings alone, KMeans finds a good part of the genres"
figure, axes = new_picture(title, height=4.4)
if figure is not None:
    ConfusionMatrixDisplay.from_predictions(
        genre, name_clusters(genre), ax=axes, cmap="Blues", colorbar=False
    )
    chosen = f"{len(genre)} of 500 movies: one genre, 50 ratings or more"
    axes.set(xlabel=f"name of the cluster, in the same order\n({chosen})", xticks=[])
    axes.set(ylabel="true genre")
    save_picture(figure, "5_unsupervised.svg")

# %% [markdown]
# ## Was our table lucky?
# The same eight genres are hidden in other tables, with other users and movies. We try
# ten of them.

# %%
of_others = []
n_above = 0
for seed in range(1, 11):
    other_table, other_factors = learn(50_000, seed)
    other_genre = movies_of_one_genre(other_table, n_ratings=50)
    points = other_factors.movie_factors_[other_genre.index - 1]
    of_others.append(adjusted_rand_score(other_genre, kmeans.fit_predict(points)))
    result = compare_with_control(points)
    n_above += result["difference"] > 2 * result["spread of controls"]
print("\nAdjusted Rand index of ten other tables:")
print(*[f"{rand_index:.2f}" for rand_index in sorted(of_others)])
print(f"mean {np.mean(of_others):.2f}")
print(f"Movies above their controls by more than twice the spread: {n_above} tables")

# %% [markdown]
# It was: its index is 0.60, and only one of the ten comes near. In four of them, the
# movies are not even clearly above their control, though the genres are hidden there,
# too. So to see no groups does not prove that there are none.
#
# KMeans has luck, too. On our table, with a `random_state` of 0 to 7, six give nearly
# the same index, but two find far fewer of the genres. A larger `n_init` makes that
# rarer.
#
# ## With more ratings
# We group all movies of one genre, also those with few ratings, in our table and in one
# with four times as many ratings.

# %%
print("\nAdjusted Rand index of all movies of one genre")
all_genres = movies_of_one_genre(table, n_ratings=1)
for n_ratings in (50_000, 200_000):
    _, model = learn(n_ratings)
    groups = kmeans.fit_predict(model.movie_factors_[all_genres.index - 1])
    print(f"  {n_ratings:,} ratings: {adjusted_rand_score(all_genres, groups):.2f}")

# %% [markdown]
# For the chosen movies, the index was 0.60. With those that few have rated, it is only
# about half as high. With 200,000 ratings, the clusters of all these movies are nearly
# the genres.
#
# **Try it:** let KMeans look for 16 clusters instead of 8. Do they agree better with
# the genres?
#
# **Remember:** KMeans always finds clusters. A control shows whether there may be
# groups; to say what they are, you need a known truth.
#
# Go on in scikit-learn's user guide:
# [Clustering](https://scikit-learn.org/stable/modules/clustering.html). The next
# chapter, `pillars/5_unusual.py`, looks for single users who do not belong.
#
# Exercise: `exercises/5_unsupervised.py`.
