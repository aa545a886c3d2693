"""The check of chapter 4, supervised learning. Read the task before its check."""

import numpy as np
from checking import check, check_of, check_true_or_false
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor


class Reader(RegressorMixin, BaseEstimator):
    """A linear model that reads some columns of an array."""

    def __init__(self, columns):
        self.columns = columns

    def fit(self, X, y):
        self.model_ = LinearRegression().fit(X[:, self.columns], y)
        return self

    def predict(self, X):
        return self.model_.predict(X[:, self.columns])


@check_of(
    "pillars/4_supervised.py",
    usual_causes="`gain` is an array of NumPy, with one number per row. `gain.std()` "
    "is their standard deviation, `len(gain)` how many they are, and `np.sqrt` the "
    "root.",
)
def test_4_supervised(exercise):
    first = Reader([0])
    second = Reader([1])
    both = Reader([0, 1])

    # A model that reads both columns of a sum is better than one that reads one.
    rng = np.random.default_rng(31)
    X = rng.normal(size=(200, 2))
    y = X.sum(axis=1) + rng.normal(size=200)
    answer = exercise.is_better(first, both, X.copy(), y.copy())
    check_true_or_false(answer, "is_better")
    check(
        not answer,
        "You call the worse of two models the better one. The new model was the worse: "
        "it reads a single column, the old one reads both, and y is their sum, plus "
        "noise. A gain far from 0 is not enough. It must be above 0: the error of the "
        "old model minus that of the new.",
    )

    # Two columns of equal worth: a model that reads one is as good as one that reads
    # the other. The unit of y is another one in every table.
    n_better = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(200, 2))
        y = (X.sum(axis=1) + rng.normal(size=200)) * 10.0 ** rng.integers(-2, 3)
        n_better += exercise.is_better(second, first, X.copy(), y.copy())
    check(
        n_better <= 3,
        f"In {n_better} of 30 tables you call the new model better. By construction "
        "the two are equally good, and which one has the smaller error is luck. Ask "
        "for more than luck gives: a mean gain above twice its standard error. The "
        "standard error of a mean is the standard deviation divided by the root of the "
        "number of rows.",
    )

    # Nothing can be predicted here. A tree knows its training rows by heart.
    rng = np.random.default_rng(30)
    X = rng.normal(size=(200, 2))
    y = rng.normal(size=200)
    tree = DecisionTreeRegressor(random_state=0)
    check(
        not exercise.is_better(tree, DummyRegressor(), X.copy(), y.copy()),
        "You call a tree better than the mean where nothing can be predicted. It has "
        "learned its training rows by heart, noise included. Compare the models on "
        "rows that they were not trained on.",
    )

    # The gain is many times its standard error.
    X = rng.normal(size=(200, 2))
    y = (X.sum(axis=1) + rng.normal(size=200)) / 100
    check(
        exercise.is_better(both, first, X.copy(), y.copy()),
        "A model that reads both columns really is better than one that reads a single "
        "column, because y is their sum, plus noise. But your function says False. The "
        "unit of y is small here, and no fixed limit serves all units. And the "
        "standard error of a mean is the standard deviation divided by the root of the "
        "number of rows.",
    )

    # A small gain beside much noise that both models share.
    X = rng.normal(size=(2000, 2))
    y = X[:, 0] + 0.25 * X[:, 1] + rng.normal(size=2000)
    check(
        exercise.is_better(both, first, X.copy(), y.copy()),
        "The new model really is better, by more than four times the standard error, "
        "but your function says False. The gain is small, but so is its standard "
        "error, if the models are compared row by row: what makes a row hard for both "
        "then cancels. Twice the standard error is asked for.",
    )

    # A gain of 2.5 standard errors.
    rng = np.random.default_rng(26)
    X = rng.normal(size=(2000, 2))
    y = X[:, 0] + 0.12 * X[:, 1] + rng.normal(size=2000)
    check(
        exercise.is_better(both, first, X.copy(), y.copy()),
        "The new model really is better, and its gain is 2.5 times its standard error, "
        "but your function says False. Twice is asked for: by luck, an equal model "
        "gains more in only about 2 of 100 cases. A stricter limit misses more of the "
        "real gains.",
    )
    print(
        f"Measured: in {n_better} of 30 tables you call an equal model better (in 15 "
        "± 3 if every gain counts). A real gain of 2.5 standard errors is found."
    )
