"""The checks of chapter 0: first, job and luck.

Read a task before its check.
"""

import numpy as np
import pandas as pd
from checking import (
    check,
    check_numbers,
    check_of,
    check_returned,
    error_of,
    mean_and_error,
    percent,
    ratings,
    standard_error,
)
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import train_test_split


@check_of(
    "pillars/0_first.py",
    usual_causes="what is averaged is one column of the table; the table also has "
    "columns of text.",
)
def test_0_first(exercise):
    table = ratings()
    train = table[:2000]
    test = table[2000:]
    answers = exercise.predict_mean(train, test)
    answers = check_numbers(answers, len(test), "predict_mean")
    check(
        np.isfinite(answers).all(),
        "The answers are not finite (NaN or infinite), like 0 / 0, or the mean of no "
        "rows.",
    )
    changed = exercise.predict_mean(train, test.assign(rating=5.0))
    check(
        np.allclose(answers, changed),
        "The predictions changed when we changed the ratings in `test`: they were made "
        "from the answers. A real prediction is made before the rating is known, so "
        "such an error says nothing about real use. Take the mean of what is known by "
        "then.",
    )
    for known in (train, train[train["rating"] > 2]):
        check(
            np.allclose(exercise.predict_mean(known, test), known["rating"].mean()),
            "The predictions are not the mean rating of `train`. A number that was "
            "right for one table is wrong for the next: compute it from the rows that "
            "you are given.",
        )

    squares = (test["rating"] - answers) ** 2
    rmse = np.sqrt(squares.mean())
    error = standard_error(squares) / (2 * rmse)
    print(
        f"Measured: on {len(test)} new ratings, the baseline has an RMSE of {rmse:.2f} "
        f"± {error:.2f} stars. A model must be better."
    )


def tumours(seed, n_rows=569, by_chance=False):
    """Return a split of rows of a real table: X_train, X_test, y_train, y_test.

    A tenth of the values are gaps. `by_chance`: the answers are those of a coin.
    """
    rng = np.random.default_rng(seed)
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    rows = rng.permutation(len(X))[:n_rows]
    X = X.iloc[rows, :10]
    y = y.iloc[rows]
    if by_chance:
        y = pd.Series(rng.integers(0, 2, n_rows), index=y.index)
    X = X.mask(rng.random(X.shape) < 0.1)
    return train_test_split(X, y, test_size=0.3, random_state=seed)


def lines_and_answers(is_yes, share_false, seed=0):
    """Return a split of 1000 rows whose answer depends on the column `a` alone.

    `is_yes` says how, and `share_false` for which share of the rows it is turned round.
    """
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.random((1000, 3)), columns=["a", "b", "c"])
    y = is_yes(X["a"]) ^ (rng.random(1000) < share_false)
    return train_test_split(X, y.astype(int), test_size=0.5, random_state=seed)


def chosen_by(exercise, split):
    """Return the model and the accuracy that `choose_and_test` returns for a split."""
    answer = exercise.choose_and_test(*[part.copy() for part in split])
    check_returned(answer, "choose_and_test")
    check(
        isinstance(answer, tuple | list) and len(answer) == 2,
        "`choose_and_test` should return two things, the model and its accuracy: "
        "`return model, accuracy`.",
    )
    model, accuracy = answer
    check(
        hasattr(model, "predict"),
        "The first thing that `choose_and_test` returns is of the type "
        f"{type(model).__name__}, which cannot predict. Return the fitted model, or "
        "the fitted search, which predicts with its best model.",
    )
    check(
        not isinstance(error_of(model.predict, split[1]), NotFittedError),
        "The model that you return has not been fitted, so it knows no row. A search "
        "chooses and trains in `fit`.",
    )
    return model, accuracy


@check_of(
    "pillars/0_job.py",
    usual_causes="in the grid, a setting has the name of its step, two underscores, "
    "and its own name, as in `model__alpha`; its values are a list. A search is fitted "
    "like a model, and its `score` takes rows and their answers.",
)
def test_0_job(exercise):
    split = tumours(0)
    X_train, X_test, y_train, y_test = split
    model, accuracy = chosen_by(exercise, split)
    predicted = model.predict(X_test)

    # Other answers of the test rows must not lead to another model.
    turned_round = [X_train, X_test, y_train, 1 - y_test]
    other_model, _ = chosen_by(exercise, turned_round)
    changed = np.mean(other_model.predict(X_test) != predicted)
    if changed > 0:
        by_chance = [
            chosen_by(exercise, tumours(seed, 200, by_chance=True))[1]
            for seed in range(20)
        ]
        check(
            False,
            "We turned the answers of the test rows round, and got another model: "
            f"{changed:.0%} of its predictions are different. So the test rows helped "
            "to make it, and its accuracy is no longer that of unseen rows. See what "
            "that does on tables whose answers we made by tossing a coin. Nobody can "
            "be right in more than half, in the long run. Your function reports an "
            f"accuracy of {mean_and_error(by_chance)}. (Above 0.50, it is the luck of "
            "the best of several tries.) Choose by folds of the training rows.",
        )

    # Nor must other test rows.
    other_rows = [X_train, 10 * X_test.max() - X_test, y_train, y_test]
    other_model, _ = chosen_by(exercise, other_rows)
    check(
        np.array_equal(other_model.predict(X_test), predicted),
        "We gave you other test rows, and got another model. So something was learned "
        "from the test rows, such as the median that fills the gaps. Later rows are "
        "not there when a model is made. Let the pipeline learn everything from the "
        "training rows.",
    )

    right = np.mean(predicted == y_test)
    in_folds = getattr(model, "best_score_", None)
    check(
        accuracy != in_folds,
        "The accuracy that you return is `best_score_`: that of the folds which chose. "
        "It is the best of several tries, so it may have been lucky. The test rows "
        "have not been used at all: ask them, once.",
    )
    check(
        np.ndim(accuracy) == 0 and np.isclose(float(accuracy), right),
        f"Your model is right for {right:.3f} of the test rows, but the accuracy that "
        f"you return is {accuracy}. It must be the share of the test rows, as they "
        "are, for which the model that you return is right.",
    )

    # The best number of questions is small in one table, and large in another.
    noisy = lines_and_answers(lambda a: a > 0.5, share_false=0.3)
    model, accuracy = chosen_by(exercise, noisy)
    check(
        accuracy > 0.64,
        "In a table of ours, one question is enough, and 30% of the answers are false. "
        "A tree that asks once is right in about 70% of the test rows; yours is in "
        f"{accuracy:.0%}. A tree with many questions learns the false answers by "
        "heart: on its own training rows it looks best, so they must not choose. Score "
        "each number in folds: rows that its tree was not trained on.",
    )
    stripes = lines_and_answers(lambda a: (8 * a) % 2 > 1, share_false=0)
    model, accuracy = chosen_by(exercise, stripes)
    check(
        accuracy > 0.9,
        "In a table of ours, the answer changes 15 times along one column, so a tree "
        "must ask several questions, one after the other. A good choice is right in "
        f"nearly all test rows; yours is in {accuracy:.0%}. Are all numbers of "
        "`NUMBERS_TO_TRY` tried, and is the best one chosen?",
    )
    by_chance = [
        chosen_by(exercise, tumours(seed, 200, by_chance=True))[1] for seed in range(5)
    ]
    print(
        f"Measured: on {len(y_test)} tumours, an accuracy of "
        f"{percent(right, len(y_test))}; where the answers are chance, "
        f"{mean_and_error(by_chance)}."
    )


@check_of(
    "pillars/0_luck.py",
    usual_causes="`squares` is an array of NumPy: it has `mean` and `std`, but no "
    "`sem`. `len(squares)` is how many numbers it holds, and `np.sqrt` takes a root.",
)
def test_0_luck(exercise):
    rng = np.random.default_rng(0)
    ratings = rng.normal(3, 1, 400)
    predictions = ratings + rng.normal(0, 0.8, 400)

    answer = exercise.error_of_rmse(ratings.copy(), predictions.copy())
    check_returned(answer, "error_of_rmse")
    check(
        np.ndim(answer) == 0,
        f"`error_of_rmse` returned an array of the shape {np.shape(answer)}. The test "
        "rows together have one RMSE, so it has one standard error: a single number.",
    )
    check(
        np.isfinite(answer) and answer > 0,
        f"`error_of_rmse` returned {answer:.3g}. It should say how far the RMSE moves, "
        "up or down: a number above 0.",
    )

    # The same rows four times: the root of 4 is 2, so the error is halved.
    four_times = exercise.error_of_rmse(np.tile(ratings, 4), np.tile(predictions, 4))
    ratio = four_times / answer
    check(
        ratio < 0.9,
        f"With {len(ratings)} test rows, your standard error is {answer:.3g} stars; "
        f"with four times as many, it is {four_times:.3g}. It should become half as "
        "large: in a mean of more numbers, good luck and bad luck even out better. The "
        "standard deviation of the squared errors says how far a single one lies from "
        "their mean. How far the mean moves depends on how many they are, too.",
    )
    check(
        0.45 < ratio < 0.55,
        f"With four times as many test rows, your standard error became {ratio:.3g} "
        "times as large; it should become half as large. Of the number of rows, the "
        "root counts, once: the root of 4 is 2. (The number itself gives 0.25, and a "
        "root of a root 0.71.)",
    )

    # The same errors in tenths of a star: the figure is ten times as large.
    in_tenths = exercise.error_of_rmse(10 * ratings, 10 * predictions)
    ratio = in_tenths / answer
    check(
        8 < ratio < 12,
        "We gave ratings and predictions in tenths of a star instead of stars, so each "
        f"number was ten times as large. Your standard error became {ratio:.3g} times "
        "as large; it should become ten times as large. The standard deviation of the "
        "squared errors is in stars², so it becomes 100 times as large; divided by "
        "2 * RMSE it is in stars.",
    )

    # What one set says, and how much 2000 sets differ.
    n_sets = 2000
    shape = (n_sets, 500)
    kinds = {
        "predictions that are 0.5 too high on average": rng.normal(0.5, 0.6, shape),
        "a few very large errors among many small ones": rng.laplace(0, 0.6, shape),
        "errors of a normal distribution": rng.normal(0, 0.8, shape),
    }
    for kind, errors in kinds.items():
        spread = np.std(np.sqrt(np.mean(errors**2, axis=1)))
        ratings = rng.normal(3, 1, shape)
        answers = [
            exercise.error_of_rmse(ratings[number], ratings[number] + errors[number])
            for number in range(20)
        ]
        ratio = np.mean(answers) / spread
        check(
            0.87 < ratio < 1.15,
            f"We made {n_sets} test sets of 500 rows, with {kind}. Their RMSEs have a "
            f"standard deviation of {spread:.3f} stars. From single sets, your "
            f"function says {np.mean(answers):.3f} on average, {ratio:.2f} times as "
            "much. The standard error should be about the same. Which numbers is the "
            "MSE a mean of? Their standard deviation is asked for, not that of the "
            "errors, and no formula that holds for some kinds of errors only. And the "
            "step from the MSE to the RMSE is to divide by 2 * RMSE.",
        )
    print(
        f"Measured: the RMSEs of {n_sets} test sets have a standard deviation of "
        f"{spread:.3f} stars; from one set alone, your function says "
        f"{min(answers):.3f} to {max(answers):.3f}."
    )
