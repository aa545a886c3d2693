"""The checks of chapter 0: first, job, luck, map and parts.

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
    first_five,
    first_line,
    mean_and_error,
    percent,
    ratings,
    standard_error,
)
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import train_test_split
from sklearn.utils import get_tags
from sklearn.utils.discovery import all_estimators
from sklearn.utils.estimator_checks import check_estimator


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


class Careful(RegressorMixin, BaseEstimator):
    """A regressor that no list contains.

    It accepts missing values, and its tag says so.
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class HistogramLover(RegressorMixin, BaseEstimator):
    """A regressor with a promising name, which does not accept missing values."""


def regressors():
    """Return an unfitted object of every regressor that needs no other, and ours."""
    objects = [Careful(), HistogramLover()]
    for _, regressor in all_estimators(type_filter="regressor"):
        try:
            estimator = regressor()
            get_tags(estimator)
        except (TypeError, AttributeError):
            continue  # it needs another estimator as its argument
        objects.append(estimator)
    return objects


@check_of(
    "pillars/0_map.py (its last part shows how to read a tag)",
    usual_causes="`get_tags` takes the object, not its class, and what you look for is "
    "among its `input_tags`: print `get_tags(estimator).input_tags` of one estimator.",
)
def test_0_map(exercise):
    estimators = regressors()
    chosen = exercise.accept_missing_values(list(estimators))
    check_returned(chosen, "accept_missing_values")
    check(
        not isinstance(chosen, BaseEstimator),
        f"`accept_missing_values` returned a single estimator, {chosen!r}. Return a "
        "list of all that accept missing values. (A `return` inside a loop ends the "
        "function at once.)",
    )
    chosen = list(chosen)
    others = [repr(it) for it in chosen if not isinstance(it, BaseEstimator)]
    check(
        not others,
        f"Your list holds {first_five(others)}. Return the estimators themselves, as "
        "they are in the list that you are given.",
    )

    accepting = [it for it in estimators if get_tags(it).input_tags.allow_nan]
    chosen_names = {type(estimator).__name__ for estimator in chosen}
    expected_names = {type(estimator).__name__ for estimator in accepting}
    missed = sorted(expected_names - chosen_names)
    too_many = sorted(chosen_names - expected_names)
    all_names = {type(estimator).__name__ for estimator in estimators}
    check(
        chosen_names != all_names - expected_names,
        f"You chose {first_five(too_many)}: exactly those that do not accept missing "
        "values. If the tag is True, the estimator accepts them.",
    )
    check(
        not missed and not too_many,
        f"Missed: {first_five(missed)}. Wrongly chosen: {first_five(too_many)}. A name "
        "does not say what an estimator accepts, and a list made by hand is wrong "
        "after the next release (Careful and HistogramLover are ours). The tags of "
        "an estimator say it. Is it one tag that you ask, which is True or False, and "
        "the right one?",
    )
    by_name = sum("Hist" in name for name in expected_names)
    print(
        f"Measured: {len(accepting)} of {len(estimators)} regressors accept missing "
        f'values; {by_name} of these has "Hist" in its name.'
    )


@check_of(
    "pillars/0_parts.py",
    usual_causes="`validate_data` takes the object itself first (self), then X, and "
    "returns the X to go on with. `reset=False` belongs in `transform` alone: there is "
    "nothing to compare with before `fit`. `check_is_fitted` takes self.",
)
def test_0_parts(exercise):
    rng = np.random.default_rng(0)
    known = rng.integers(1, 30, (200, 2)).astype(float)
    known[0, 0] = 7.0
    transformer = exercise.CountPerUser().fit(known.copy())
    check(
        transformer is not None,
        "`fit` returned nothing. It must return the object (self), so that "
        "`fit(X).transform(X)` works, and pipelines.",
    )
    counts = transformer.transform(known[:50].copy())
    check_returned(counts, "transform")
    counts = np.asarray(counts, dtype=float)
    expected = [np.sum(known[:, 0] == user) for user in known[:50, 0]]
    check(
        counts.shape == (50, 1),
        f"For 50 rows, `transform` returned an array of the shape {counts.shape}; it "
        "should be (50, 1), a table with one column. The next step of a pipeline needs "
        "a table.",
    )
    check(
        np.array_equal(counts[:, 0], expected),
        "The counts are not those of the rows that `fit` was given. `transform` must "
        "look up what was learned, in the order of its rows, and not count the rows "
        "that it is given.",
    )

    with_a_new_user = np.array([[7.0, 1.0], [99.0, 1.0]])
    error = error_of(transformer.transform, with_a_new_user)
    check(
        error is None,
        f"A user who was not seen in `fit` stopped `transform`. Its error said only: "
        f"{error}. In production, new users come every day. That is no mistake: no row "
        "of theirs was counted, so their count is 0.",
    )
    count = np.ravel(transformer.transform(with_a_new_user))[1]
    check(
        count == 0,
        f"The count of a user who was not seen in `fit` is {count:g}; no row of theirs "
        "was counted, so it should be 0.",
    )

    unfitted = exercise.CountPerUser()
    error = error_of(unfitted.transform, known.copy())
    raised = "no error" if error is None else type(error).__name__
    check(
        raised == "NotFittedError" or not hasattr(unfitted, "n_features_in_"),
        f"We called `transform` before `fit`, and got {raised}. Here, `transform` has "
        "itself stored what only `fit` may store, the number of columns, so the object "
        "counts as fitted from then on. In `transform`, `validate_data` needs "
        "reset=False: then it compares, and stores nothing. And `check_is_fitted` "
        "comes before it.",
    )
    check(
        raised == "NotFittedError",
        f"We called `transform` before `fit`, and got {raised}. scikit-learn's own "
        "error for this is NotFittedError: its message says what to do, and other "
        "programs expect it. `check_is_fitted` raises it.",
    )
    rows = [[7.0, 1.0], [8.0, 1.0]]
    error = error_of(lambda: exercise.CountPerUser().fit(rows).transform(rows))
    check(
        error is None,
        "We gave `fit` and `transform` a list of rows instead of an array, and one of "
        f"them stopped: {first_line(error)}. `validate_data` turns what it is given "
        "into an array, but it does not change X itself: keep what it returns, `X = "
        "validate_data(...)`, in both of them.",
    )

    results = check_estimator(exercise.CountPerUser(), on_skip=None, on_fail=None)
    failed = [result for result in results if result["status"] == "failed"]
    names = list(dict.fromkeys(result["check_name"] for result in failed))
    twice = " (some run twice)" if len(names) < len(failed) else ""
    reason = first_line(failed[0]["exception"]) if failed else ""
    check(
        not failed,
        f"Of scikit-learn's {len(results)} checks, {len(failed)} fail: "
        f"{first_five(names)}{twice}. The first says: {reason}. "
        "A pipeline or a search relies on what they check. "
        "`validate_data` (in `fit`, and with reset=False in `transform`) and "
        "`check_is_fitted` do nearly all of it.",
    )
    print(f"Measured: scikit-learn's {len(results)} checks hold for your class.")
