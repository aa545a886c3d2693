"""The checks of chapter 1, preprocessing. Read a task before its check."""

import numpy as np
import pandas as pd
import sklearn.ensemble
from checking import (
    check,
    check_numbers,
    check_of,
    check_returned,
    error_of,
    first_line,
    mean_and_error,
)
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import StandardScaler


def table_with_gaps(seed, n_rows=600):
    """Return X, in which a tenth of the values is missing, and y, in stars."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal([35, 2000, 3], [12, 10, 1], (n_rows, 3))
    X = pd.DataFrame(numbers, columns=["age", "year", "average"])
    y = X["average"] + 0.02 * (X["year"] - 2000) + rng.normal(0, 0.1, n_rows)
    return X.mask(rng.random(X.shape) < 0.1), y


def answer_for_known_gap(exercise, column):
    """Return what a model answers for a row with a gap that it was trained on.

    The row is 200 times among the training rows, each time with 5 stars. Whatever fills
    its gap, its nearest neighbours are its copies, if their gaps are filled alike.
    """
    X, y = table_with_gaps(2)
    row = pd.DataFrame({"age": [35.0], "year": [2000.0], "average": [3.0]})
    row[column] = np.nan
    X = pd.concat([X, *[row] * 200], ignore_index=True)
    y = pd.concat([y, pd.Series(np.full(200, 5.0))], ignore_index=True)
    return float(np.ravel(exercise.train(X, y).predict(row))[0])


@check_of(
    "pillars/1_preprocessing.py",
    usual_causes="every step of a pipeline is an object (with parentheses). All but "
    "the last transform, and the last predicts. X and y must keep the same rows: a row "
    "that is dropped from one is still in the other.",
)
def test_1_preprocessing(exercise):
    X, y = table_with_gaps(0)
    X_new, y_new = table_with_gaps(1)
    X_new.loc[0, "average"] = np.nan
    model = exercise.train(X.copy(), y)
    check_returned(model, "train")
    check(
        hasattr(model, "predict"),
        f"`train` returned an object of the type {type(model).__name__}, which cannot "
        "predict. Return the fitted model.",
    )
    error = error_of(model.predict, X_new)
    check(
        not isinstance(error, NotFittedError),
        "The model that `train` returned has not been fitted, so it knows no row. "
        "Return `model.fit(X, y)`, which is the fitted model.",
    )
    check(
        error is None,
        "Training worked, but predicting new rows with gaps failed: "
        f"{first_line(error)}. In production, new rows have gaps too. What "
        "training learned to fill them (the means) must stay in the model, so that it "
        "is used again at every prediction.",
    )

    predictions = np.asarray(model.predict(X_new))
    alone = model.predict(X_new.iloc[[0]])
    check(
        np.allclose(alone, predictions[0]),
        "One and the same row got another prediction when it came alone. Its gap was "
        "filled from the rows beside it, so the answer depends on the other rows. Fill "
        "gaps with what was learned in training.",
    )
    r2 = r2_score(y_new, predictions)
    check(
        r2 > 0.5,
        f"The model accepts gaps, but explains little (R2 = {r2:.2f}; above 0.5 is "
        "possible). Are the columns still scaled, and are gaps filled with a typical "
        "value of their column?",
    )
    steps = [type(step).__name__ for _, step in getattr(model, "steps", [])]
    last = steps[-1] if steps else type(model).__name__
    check(
        last not in dir(sklearn.ensemble),
        f"{last} accepts gaps, so there was nothing to fill. Many models do not. Keep "
        "the nearest neighbours, and fill the gaps before them.",
    )
    for column in X:
        answer = answer_for_known_gap(exercise, column)
        check(
            abs(answer - 5) < 1,
            f"We trained your model on 200 copies of one row without `{column}`, each "
            "with 5 stars, and on other rows. Then we asked for the stars of this very "
            f"row: {answer:.2f}. So a gap in a new row is not treated as in training: "
            "there it was filled with another value, or such rows were left out, and "
            "the model looks for neighbours in the wrong place. Fill gaps in one place "
            "only, inside the model: then training rows and new rows go through the "
            "same step.",
        )

    whole = X_new.notna().all(axis=1).to_numpy()
    errors = np.abs(predictions - y_new)
    print(
        f"Measured: {np.mean(~whole):.0%} of the new rows have a gap, and now get an "
        f"answer. Mean error: {mean_and_error(errors[~whole])} stars with a gap, "
        f"{mean_and_error(errors[whole])} without; always answering the mean: "
        f"{mean_and_error(np.abs(y_new - y.mean()))}."
    )


def movies(seed, n_rows=400):
    """Return X, whose budget has large numbers and no use, and y."""
    rng = np.random.default_rng(seed)
    year = rng.uniform(1950, 2020, n_rows)
    X = pd.DataFrame({"year": year, "budget": rng.normal(5e6, 1e6, n_rows)})
    return X, 3 + (year - 1985) / 35 + rng.normal(0, 0.2, n_rows)


@check_of(
    "pillars/1_preprocessing.py",
    usual_causes="a scaler must be fitted before it transforms: once, on the training "
    "rows. Then it transforms both tables.",
)
def test_1_scaling(exercise):
    X, y = movies(0)
    X_new, y_new = movies(1)
    is_old = X_new["year"] < 1970
    old = X_new[is_old]
    together = exercise.predict(X.copy(), y, X_new.copy())
    together = check_numbers(together, len(X_new), "predict")
    apart = exercise.predict(X.copy(), y, old.copy())
    apart = check_numbers(apart, len(old), "predict")
    moved = np.abs(apart - together[is_old])
    errors = np.abs(apart - y_new[is_old])
    errors_together = np.abs(together[is_old] - y_new[is_old])
    check(
        np.allclose(apart, together[is_old]),
        "The same rows of old movies were predicted twice: among others, and alone. "
        f"{np.mean(moved > 0.001):.0%} of the answers changed, by up to "
        f"{moved.max():.2f} stars. (Mean error: alone {errors.mean():.2f} stars, among "
        f"others {errors_together.mean():.2f}.) "
        "An answer must not depend on the rows that come with it, even where the error "
        "stays the same. If a row is scaled by these, the model does not see its "
        "values as in training. Learn the mean and the standard deviation from the "
        "training rows alone, once.",
    )
    r2 = r2_score(y_new, together)
    check(
        r2 > 0.7,
        f"The answers no longer depend on the other rows, but explain little (R2 = "
        f"{r2:.2f}; above 0.7 is possible). The check's table has two columns, "
        "the year of a movie and what it cost in dollars, and the rating depends on "
        "the year alone. Without a scaler the dollars, large numbers, decide which "
        "rows are near. And if the new rows are not scaled at all, or in another way "
        "than the training rows, they are far from all of them.",
    )
    neighbours = KNeighborsRegressor(15).fit(StandardScaler().fit_transform(X), y)
    by_own_mean = neighbours.predict(StandardScaler().fit_transform(old))
    print(
        "Measured: alone or among others, old movies get the same answers. Their mean "
        f"error is {mean_and_error(errors)} stars; scaled by their own mean, it was "
        f"{mean_and_error(np.abs(by_own_mean - y_new[is_old]))}. (Scaled by the mean "
        "of training rows and new rows together, the error is hardly larger, but a "
        "row's answer still depends on the rows beside it.)"
    )
