"""What readers of the site play with: its numbers, made of a chapter's own variables.

Where a chapter has a mark, the site runs this file in a cell of the chapter that is not
shown, and then calls `show`. So the numbers are those of the chapter, and they come
from the cache if the chapter and this file have not changed. `play.js` and `taste.js`
draw them.

What is defined here becomes a variable of each of these chapters, so it must not have
a name that means something else there.
"""

import html
import inspect
import json

import numpy as np
from IPython.display import HTML, display
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import r2_score, root_mean_squared_error, silhouette_score
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeRegressor


def show(name, chapter):
    """Write a place for something to play with into the page, with its numbers.

    Parameters
    ----------
    name : str
        That of the mark in the chapter; a function `numbers_of_...` has it, too.
    chapter : dict
        The variables of the chapter. The function is given those that it asks for.
    """
    function = globals()[f"numbers_of_{name}"]
    variables = [
        chapter[variable] for variable in inspect.signature(function).parameters
    ]
    numbers = json.dumps(function(*variables), separators=(",", ":"))
    numbers = html.escape(numbers)
    place = f'<div class="play" id="play-{name}" data-numbers="{numbers}" hidden></div>'
    display(HTML(place))


#: The last tree with a limit; `play.js` has a place after it for "no limit".
MOST_QUESTIONS = 30
#: `play.js` says in words how many tables, users, controls and spreads these are.
N_TABLES_OF_NOISE = 5
N_USERS_OF_NOISE = 1000
N_CONTROLS = 10
SPREADS_ABOVE_CONTROLS = 2
#: How many points a round has.
N_POINTS = 200


def numbers_of_tree(X_train, X_test, y_train, y_test, errors):
    """Return the errors of trees that may ask 1, 2, ... questions, and of the others.

    The last tree is that of the chapter: it may ask as many as it likes.
    """
    training_rows = []
    test_rows = []
    for max_depth in range(1, MOST_QUESTIONS + 1):
        tree = DecisionTreeRegressor(max_depth=max_depth, random_state=0)
        tree.fit(X_train, y_train)
        training_rows.append(root_mean_squared_error(y_train, tree.predict(X_train)))
        test_rows.append(root_mean_squared_error(y_test, tree.predict(X_test)))
    of_chapter_on_training, of_chapter_on_test = errors["tree"]
    training_rows.append(of_chapter_on_training)
    test_rows.append(of_chapter_on_test)
    return {
        "training": np.round(training_rows, 3).tolist(),
        "test": np.round(test_rows, 3).tolist(),
        "mean": round(errors["mean"][1], 3),
        "ridge": round(errors["ridge"][1], 3),
    }


def numbers_of_luck(squares):
    """Return the RMSE of the ridge on all test sets of 125, of 500 and of 2000 rows."""
    numbers = {}
    for n_rows in (125, 500, 2000):
        test_set = np.arange(len(squares)) // n_rows
        rmse = np.sqrt(squares.groupby(test_set).mean())
        numbers[n_rows] = rmse.round(4).tolist()
    return numbers


def numbers_of_noise(MovieRecommendationDataset, predict_with, predict_honestly):
    """Return the R2 on shuffled ratings, by ratings per user: the mean of five tables.

    The averages are made before the split, and in the pipeline.
    """
    sizes = [1.5, 2, 3, 5, 7, 10, 20, 50]
    numbers = {"sizes": sizes, "before": [], "inside": []}
    for ratings_per_user in sizes:
        before = []
        inside = []
        for seed in range(N_TABLES_OF_NOISE):
            n_ratings = int(N_USERS_OF_NOISE * ratings_per_user)
            dataset = MovieRecommendationDataset(
                N_USERS_OF_NOISE, n_ratings=n_ratings, random_state=seed
            )
            table = dataset.generate()
            table["rating"] = table["rating"].sample(frac=1, random_state=0).to_numpy()
            train, test = train_test_split(table, test_size=0.2, random_state=42)
            stars = test["rating"]
            before.append(r2_score(stars, predict_with(table, train, test)))
            inside.append(r2_score(stars, predict_honestly(train, test)))
        numbers["before"].append(round(np.mean(before), 3))
        numbers["inside"].append(round(np.mean(inside), 3))
    return numbers


def numbers_of_threshold(chances, liked):
    """Return how many rows get a yes, and how many of them are likes.

    There is one number for each threshold: 0.01, 0.02, ..., 0.99.
    """
    says_yes = [chances["factors"] > percent / 100 for percent in range(1, 100)]
    return {
        "rows": len(liked),
        "likes": int(liked.sum()),
        "yes": [int(yes.sum()) for yes in says_yes],
        "right": [int((yes & liked).sum()) for yes in says_yes],
    }


def numbers_of_groups(gaussian_like, silhouette):
    """Return rounds of points: one cloud, or two or three groups in the plane.

    In each round, KMeans looks for two clusters or for three. The points are sorted by
    their cluster, and rounded.
    """
    rng = np.random.default_rng(0)
    rounds = []
    for distance in (2, 2.5, 3, 3.5, 4):
        for n_clusters in (2, 3):
            for n_groups in (1, n_clusters):
                points = points_in_groups(rng, n_groups, distance)
                kmeans = KMeans(n_clusters, n_init=5, random_state=0)
                cluster = kmeans.fit_predict(points)
                own = silhouette_score(points, cluster)
                controls = [
                    silhouette(gaussian_like(points, rng), kmeans)
                    for _ in range(N_CONTROLS)
                ]
                limit = np.mean(controls) + SPREADS_ABOVE_CONTROLS * np.std(controls)
                x, y = points[cluster.argsort()].round(2).T
                numbers = {
                    "groups": n_groups,
                    "x": x.tolist(),
                    "y": y.tolist(),
                    "sizes": np.bincount(cluster).tolist(),
                    "silhouette": round(own, 3),
                    "controls": np.round(controls, 3).tolist(),
                    "above": bool(own > limit),
                }
                rounds.append(numbers)
    return rounds


def points_in_groups(rng, n_groups, distance):
    """Return points of one, two or three groups with some distance of their centres.

    All points together get the same covariance before they are stretched and turned,
    so the shape does not tell whether there are groups.
    """
    corners = np.array([[-0.5, 0], [0.5, 0], [0, 0.75**0.5]])  # at a distance of 1
    group = rng.integers(n_groups, size=N_POINTS)
    points = rng.standard_normal((N_POINTS, 2)) + distance * corners[group]
    points = PCA(whiten=True).fit_transform(points)
    points = points * [rng.uniform(1, 1.8), 1]

    angle = rng.uniform(0, np.pi)
    to_x = [np.cos(angle), -np.sin(angle)]
    to_y = [np.sin(angle), np.cos(angle)]
    return points @ np.array([to_x, to_y])


def numbers_of_looks(rate, visits):
    """Return the share of successes, and the visits of each model up to each day."""
    return {"rate": rate, "visits": visits.tolist()}


def numbers_of_taste(stars, users, movies, PENALTY):
    """Return the points of the map of tastes, and the penalty of the ridge."""
    return {
        "penalty": PENALTY,
        "movies": dict(zip(stars.columns, movies.tolist())),
        "users": dict(zip(stars.index, users.tolist())),
    }
