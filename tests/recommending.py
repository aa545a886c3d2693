"""What the tests of recommenders share: small tables, and slow, obvious forms."""

import numpy as np
import pandas as pd
from sklearn.metrics import ndcg_score

from lesson_code import MatrixFactorization

IDS = ["user_id", "movie_id"]


TINY = pd.DataFrame(
    {
        "user_id": [7, 7, 7, 3, 3, 9, 9, 9],
        "movie_id": [1, 2, 4, 1, 2, 2, 4, 5],
        "rating": [5.0, 3, 1, 4, 2, 5, 2, 4],
    }
)


TOLD = TINY.assign(
    genre=TINY["movie_id"].map(
        {1: "Drama", 2: "Comedy|Drama", 4: "Comedy", 5: "Drama"}
    ),
    movie_year=TINY["movie_id"].map({1: 1990, 2: 2000, 4: 2010, 5: 1980}),
)


def slow_entries(stars, low=1.0, high=5.0):
    """The preferences of `MovieRanker` in units, one by one; 0 where nothing is rated.

    The scale is from `low` to `high`.
    """
    preferences = np.zeros_like(stars)
    for user, movie in np.argwhere(stars != 0):
        distance = stars[user, movie] - (low + 0.3 * (high - low))
        if stars[user, movie] < (low + high) / 2:
            distance = min(distance, 0)
        preferences[user, movie] = distance
    return preferences / np.sqrt((preferences[stars != 0] ** 2).mean())


def slow_weights(stars):
    """How much each user counts in the regression of `MovieRanker`."""
    n_ratings = (stars != 0).sum(axis=1)
    return (n_ratings / n_ratings.mean()) ** -0.25


def slow_P(X, regularization, weights):
    """The inverse in Steck's formula, with a weight for each row of X."""
    return np.linalg.inv(
        X.T @ np.diag(weights) @ X + regularization * np.eye(X.shape[1])
    )


def slow_fit(X, regularization, weights):
    """Steck's formula as he prints it, on a dense matrix: B = I - P / diag(P), zero
    diagonal, fit X B.
    """
    P = slow_P(X, regularization, weights)
    B = -P / np.diag(P)
    np.fill_diagonal(B, 0)
    return X @ B


def slow_scores(fit, entries, stars, table, low=1.0, high=5.0):
    """The scores of `MovieRanker`, user by user."""
    popularity = (stars != 0).mean(axis=0)
    movies = np.unique(table["movie_id"])
    factors = MatrixFactorization().fit(table)
    scores = np.empty_like(stars)
    for user, mine in enumerate(stars):
        rated = mine != 0
        predicted = factors.predict_new(movies[rated], mine[rated], movies)
        place = (predicted - low) / (high - low)
        likes_something = (entries[user] > 0).any()
        added = 0.3 * place if likes_something else popularity
        scores[user] = fit[user] * popularity**-0.1 + added
    return scores


def dense(table, users, movies):
    return (
        table.pivot(index="user_id", columns="movie_id", values="rating")
        .reindex(users, columns=movies)
        .fillna(0)
        .to_numpy()
    )


def slow_metrics(lists, X_test, y_test, k, relevant_from):
    """The metrics user by user; NDCG is scikit-learn's."""
    figures = []
    for user in X_test["user_id"].unique():
        mine = X_test["user_id"] == user
        relevant = set(X_test["movie_id"][mine & (y_test >= relevant_from)])
        if not relevant:
            continue
        ranked = lists[lists["user_id"] == user].sort_values("rank")["movie_id"]
        hits = [movie in relevant for movie in ranked[:k]]
        n_missed = len(relevant) - sum(hits)
        gains = np.array(hits + [False] * (k - len(hits)) + [True] * n_missed)
        ndcg = ndcg_score([gains], [-np.arange(gains.size)], k=k)
        figures.append((sum(hits) / k, sum(hits) / len(relevant), ndcg))
    names = [f"Precision@{k}", f"Recall@{k}", f"NDCG@{k}"]
    return dict(zip(names, np.mean(figures, axis=0)))
