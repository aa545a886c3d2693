"""The check of chapter 6, utilities: a metric of your own.

Read the task before its check.
"""

import numpy as np
import pandas as pd
from checking import (
    MeanOf,
    check,
    check_of,
    check_returned,
    mean_and_error,
)
from sklearn.model_selection import KFold, cross_val_score


class Prepared:
    """A model whose predictions are given: a Series with the index of the rows."""

    def __init__(self, predictions):
        self.predictions = predictions

    def predict(self, X):
        return self.predictions.loc[X.index].to_numpy()


def held_out_rows(rng):
    """Return rows of 40 users, who have rated from 2 to 9 movies, and their ratings.

    The index is not in order, as that of held-out rows.
    """
    users = np.repeat(np.arange(40), rng.integers(2, 10, 40))
    index = rng.permutation(len(users))
    X = pd.DataFrame({"user_id": users, "movie_id": index}, index=index)
    return X, pd.Series(rng.integers(2, 11, len(users)) / 2, index=index)


def table_of_levels(rng):
    """Return a table of ratings: users differ a lot, movies differ less."""
    users = np.repeat(np.arange(100), 15)
    movies = rng.integers(0, 40, len(users))
    stars = 3 + rng.normal(0, 0.8, 100)[users] + rng.normal(0, 0.4, 40)[movies]
    stars = np.clip(stars + rng.normal(0, 0.4, len(users)), 1, 5)
    columns = {"user_id": users, "movie_id": movies, "rating": stars}
    return pd.DataFrame(columns).sample(frac=1, random_state=0)


def scores_of(model, table, scoring):
    """Return the scores of a model in five folds."""
    folds = KFold(5, shuffle=True, random_state=0)
    return cross_val_score(model, table, table["rating"], cv=folds, scoring=scoring)


@check_of(
    "pillars/6_utilities.py",
    usual_causes="the predictions are an array, without the labels of the rows; X and "
    "y have labels. `idxmax` gives a label (for `loc`), `argmax` a position (for "
    "`iloc`). And `make_scorer` takes a function of (y_true, y_pred), which cannot "
    "see whose rows these are.",
)
def test_6_utilities(exercise):
    rng = np.random.default_rng(0)
    X, y = held_out_rows(rng)
    generosity = pd.Series(rng.normal(0, 1, 40)).loc[X["user_id"]].to_numpy()
    predictions = pd.Series(rng.normal(3, 1, len(X)) + generosity, index=X.index)

    def score_of(predictions):
        score = exercise.stars_of_shown(Prepared(predictions), X.copy(), y.copy())
        check_returned(score, "stars_of_shown")
        check(
            np.ndim(score) == 0,
            f"Expected one number, got an array of the shape {np.shape(score)}. Models "
            "are compared by one number: return the mean of the users.",
        )
        check(
            np.isfinite(score),
            f"Your score is {score}: the mean of no rows, or of rows whose labels were "
            "not found. No model can win by it.",
        )
        return float(score)

    def stars_by(order):
        """Return the mean rating of the first row of each user in an order of rows."""
        ordered = X.assign(rating=y).loc[order.index]
        return ordered.groupby("user_id")["rating"].first().mean()

    score = score_of(predictions)
    of_shifted = score_of(predictions / 2 + 3)
    check(
        np.isclose(score, of_shifted),
        "We halved all predictions of a model and added three stars. It still shows "
        f"the same movies, but your score went from {score:.2f} to {of_shifted:.2f}. "
        "The users of the page see movies, not predictions: a score that reads how "
        "large these are asks another question. Use them only to find the shown rows, "
        "and take the ratings of these rows from y.",
    )
    # Three models that show different movies.
    mixed = pd.Series(rng.permutation(predictions), index=X.index)
    others = [score_of(-predictions), score_of(mixed)]
    check(
        not np.allclose(others, score),
        f"Three models show different movies, and all get the score {score:.2f}: your "
        "score does not depend on the model. The best movie by y is known only after "
        "the user has rated it, and the page must choose before. Let the predictions "
        "decide what is shown.",
    )
    expected = stars_by(predictions.sort_values(ascending=False))
    lowest = stars_by(predictions.sort_values())
    check(
        not np.isclose(score, -expected),
        f"Your score is {score:.2f}, minus the mean rating. The better the movies, the "
        "smaller it gets, but everything that takes a scorer looks for the largest. "
        "Only errors get a minus.",
    )
    check(
        not np.isclose(score, lowest),
        f"Your score, {score:.2f}, is that of a page which shows each user the movie "
        "with the *lowest* prediction. Then the worst model would win.",
    )
    numbered = Prepared(predictions.reset_index(drop=True))
    X_numbered = X.reset_index(drop=True)
    y_numbered = y.reset_index(drop=True)
    of_numbered = float(exercise.stars_of_shown(numbered, X_numbered, y_numbered))
    check(
        np.isclose(score, expected) or not np.isclose(of_numbered, expected),
        "Your score is right where the rows are labelled 0, 1, 2 and so on, and wrong "
        "for the same rows in another order. Held-out rows keep the labels that they "
        "had in the table, so a label is not a position: ratings of other movies were "
        "counted. Give the predictions the index of X.",
    )
    check(
        np.isclose(score, expected),
        f"These users gave {expected:.2f} stars on average to the movies that the page "
        f"shows; your score is {score:.2f}. Is it one movie of each user, the one with "
        "this user's highest prediction? (The highest predictions of the whole table "
        "are those for generous users: some get several movies, others none.) Are "
        "its ratings found in y by labels, and not by positions in a group? And is it "
        "their mean, in which every user counts once?",
    )

    table = table_of_levels(rng)
    models = {"users": MeanOf("user_id"), "movies": MeanOf("movie_id")}
    stars = {}
    rmse = {}
    for name, model in models.items():
        stars[name] = scores_of(model, table, exercise.stars_of_shown)
        rmse[name] = -scores_of(model, table, "neg_root_mean_squared_error").mean()
    choice = exercise.choose_model(models, table)
    check(
        choice == "movies",
        f"One model knows which users are generous, the other which movies are good. "
        f"By your score, their movies get {stars['users'].mean():.2f} and "
        f"{stars['movies'].mean():.2f} stars, and `choose_model` returned {choice!r}. "
        "Does it still return the name of the model with the largest score?",
    )
    print(
        "Measured: the model that you choose shows movies of "
        f"{mean_and_error(stars['movies'])} stars. The one with the smaller RMSE "
        f"({rmse['users']:.2f}, yours {rmse['movies']:.2f}) shows movies of "
        f"{mean_and_error(stars['users'])} stars (5 folds)."
    )
