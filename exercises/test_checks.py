"""The checks of the exercises: `python -m pytest exercises`.

Read a task before its check.

Each check tests a property on data of its own, so an answer that is written down as a
number does not pass.
"""

import functools
import json
import os
import subprocess
import sys
import textwrap
import traceback
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import sklearn.ensemble
from joblib import parallel_config
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import get_tags
from sklearn.utils.discovery import all_estimators
from sklearn.utils.estimator_checks import check_estimator

from lesson_code import MovieRecommendationDataset

# Warnings are not what is checked here.
pytestmark = pytest.mark.filterwarnings("ignore")


def check(holds, message):
    """Fail with the message alone.

    It says what went wrong, why it matters, and which chapter explains it.
    """
    if not holds:
        pytest.fail(textwrap.fill(message, 100), pytrace=False)


def check_returned(answer, function):
    """Fail if a function of the exercise returned nothing."""
    check(
        answer is not None,
        f"`{function}` returned nothing (None). What it computes is lost unless its "
        "last line is a `return`.",
    )


def check_numbers(answer, n_rows, function):
    """Return the answer as an array, one number per row; fail if it is none."""
    check_returned(answer, function)
    numbers = np.asarray(answer, dtype=float)
    check(
        numbers.shape == (n_rows,),
        f"`{function}` should return one number per row, {n_rows} here; its answer has "
        f"the shape {numbers.shape}.",
    )
    return numbers


def describe_error(error, exercise, usual_causes):
    """Return a message: where the program stopped, by which error, and why."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    reason = type(error).__name__
    if lines:
        # Where many fits have failed, the last line says why.
        told = lines[-1] if "Error:" in lines[-1] else lines[0]
        reason += ": " + textwrap.shorten(told, 160, placeholder=" ...")

    is_missing = isinstance(error, AttributeError) and error.obj is exercise
    if is_missing:
        return (
            f"Your program has no `{error.name}`. Keep the names of the functions: "
            "the check calls them."
        )

    steps = traceback.extract_tb(error.__traceback__)
    own_steps = [step for step in steps if step.filename == exercise.__file__]
    where = "The check stopped where it used what your program returned."
    if own_steps:
        last = own_steps[-1]
        statement = last.line.partition("  #")[0]
        where = f"Your program stopped in line {last.lineno}, `{statement}`:"
    if own_steps and type(error) is NameError:
        usual_causes = "Is the name spelled right, and imported at the top?"
    return f"{where} {reason.rstrip('.')}. Check this: {usual_causes}"


def explain_errors(usual_causes):
    """Let a check turn an error of the exercise into a message.

    Python's message says what happened in a library; ours adds the line of the
    exercise, and what usually causes an error there. An error with a solution is a
    fault of the check, and is shown as it is.
    """

    def decorate(check_of_exercise):
        @functools.wraps(check_of_exercise)
        def guarded(exercise, **fixtures):
            message = None
            try:
                check_of_exercise(exercise, **fixtures)
            except (Exception, SystemExit) as error:
                if Path(exercise.__file__).parent.name == "solutions":
                    raise
                message = describe_error(error, exercise, usual_causes)
            if message is not None:
                check(False, message)

        return guarded

    return decorate


def standard_error(numbers):
    """Return the standard error of the mean of some numbers."""
    return np.std(numbers, ddof=1) / np.sqrt(len(numbers))


def mean_and_error(numbers):
    """Return the mean of some numbers and its standard error, as text."""
    return f"{np.mean(numbers):.2f} ± {standard_error(numbers):.2f}"


def percent(share, n):
    """Return a share of n cases and its standard error, as text."""
    error = np.sqrt(share * (1 - share) / n)
    return f"{100 * share:.1f} ± {100 * error:.1f} %"


def ratings(n_ratings=3000, seed=1):
    """Return a table of ratings, which no exercise contains."""
    return MovieRecommendationDataset(300, 150, n_ratings, seed).generate()


@explain_errors(
    'What is averaged is one column, `train["rating"]`; the table also has columns of '
    "text (lesson_code.py, section 1)."
)
def test_first(exercise):
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
        "then (lesson_code.py, section 1; pillars/3_model_selection.py).",
    )
    for known in (train, train[train["rating"] > 2]):
        check(
            np.allclose(exercise.predict_mean(known, test), known["rating"].mean()),
            "The predictions are not the mean rating of `train`. A number that was "
            "right for one table is wrong for the next: compute it from the rows that "
            "you are given (lesson_code.py, section 1).",
        )
    squares = (test["rating"] - answers) ** 2
    rmse = np.sqrt(squares.mean())
    error = standard_error(squares) / (2 * rmse)
    print(
        f"Measured: on {len(test)} new ratings, the baseline has an RMSE of {rmse:.2f} "
        f"± {error:.2f} stars. A model must be better."
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


def first_five(names):
    """Return the names as text: five of them, and how many more there are."""
    if not names:
        return "none"
    text = ", ".join(names[:5])
    if len(names) > 5:
        text += f" and {len(names) - 5} more"
    return text


@explain_errors(
    "`get_tags` takes the object, not its class, and what you look for is among its "
    "`input_tags`: print `get_tags(estimator).input_tags` of one estimator "
    "(pillars/0_map.py)."
)
def test_0_map(exercise):
    estimators = [Careful(), HistogramLover()]
    for _, estimator_class in all_estimators(type_filter="regressor"):
        try:
            estimator = estimator_class()
            get_tags(estimator)
        except (TypeError, AttributeError):
            continue  # it needs another estimator as its argument
        estimators.append(estimator)

    chosen = exercise.accept_missing_values(estimators)
    check_returned(chosen, "accept_missing_values")
    chosen = list(chosen)
    others = [it for it in chosen if not isinstance(it, BaseEstimator)]
    check(
        not others,
        f"Your list holds {first_five(list(map(repr, others)))}. Return the "
        "estimators themselves, as they are in the list that you are given.",
    )
    accepting = [it for it in estimators if get_tags(it).input_tags.allow_nan]
    chosen_names = {type(estimator).__name__ for estimator in chosen}
    expected_names = {type(estimator).__name__ for estimator in accepting}
    missed = sorted(expected_names - chosen_names)
    too_many = sorted(chosen_names - expected_names)
    check(
        not missed and not too_many,
        f"Missed: {first_five(missed)}. Wrongly chosen: {first_five(too_many)}. A name "
        "does not say what an estimator accepts, and a list made by hand is wrong "
        "after the next release (Careful and HistogramLover are ours). The tags of "
        "an estimator say it. Is it one tag that you ask, which is True or False, and "
        "the right one? (pillars/0_map.py)",
    )
    by_name = sum("Hist" in name for name in expected_names)
    print(
        f"Measured: {len(accepting)} of {len(estimators)} regressors accept missing "
        f'values; {by_name} of these has "Hist" in its name.'
    )


def accepts_lists(transformer):
    """Return True if a transformer takes rows that are not yet an array."""
    rows = [[7.0, 1.0], [8.0, 1.0]]
    try:
        transformer.fit(rows).transform(rows)
    except TypeError:
        return False
    return True


@explain_errors(
    "`validate_data` takes the object itself first (self), then X, and returns the X "
    "to go on with. `reset=False` belongs in `transform` alone: there is nothing to "
    "compare with before `fit`. `check_is_fitted` takes self (pillars/0_parts.py)."
)
def test_0_parts(exercise):
    rng = np.random.default_rng(0)
    known = rng.integers(1, 30, (200, 2)).astype(float)
    known[0, 0] = 7.0
    transformer = exercise.CountPerUser().fit(known.copy())
    check(
        transformer is not None,
        "`fit` returned nothing. It must return the object (self), so that "
        "`fit(X).transform(X)` works, and pipelines (pillars/0_parts.py).",
    )
    expected = np.array([np.sum(known[:, 0] == user) for user in known[:50, 0]])
    counts = transformer.transform(known[:50].copy())
    check_returned(counts, "transform")
    counts = np.asarray(counts, dtype=float)
    check(
        counts.shape == (50, 1) and np.array_equal(counts[:, 0], expected),
        "The counts are not those of the rows that `fit` was given. `transform` must "
        "look up what was learned, as an array of shape (n_rows, 1), and not count "
        "the rows that it is given (pillars/0_parts.py).",
    )
    stopped = None
    try:
        counts = transformer.transform(np.array([[7.0, 1.0], [99.0, 1.0]]))
    except (KeyError, IndexError, ValueError) as error:
        stopped = str(error)
    check(
        stopped is None,
        "A user who was not seen in `fit` stopped `transform`. Its error said only: "
        f"{stopped}. In production, new users come every day. That is no mistake: no "
        "row of theirs was counted, so their count is 0 (pillars/0_parts.py).",
    )
    check(
        np.ravel(counts)[1] == 0,
        f"The count of a user who was not seen in `fit` is {np.ravel(counts)[1]:g}; "
        "no row of theirs was counted, so it should be 0 (pillars/0_parts.py).",
    )
    try:
        exercise.CountPerUser().transform(known.copy())
        raised = "no error"
    except Exception as error:
        raised = type(error).__name__
    check(
        raised == "NotFittedError",
        f"We called `transform` before `fit`, and got {raised}. scikit-learn's own "
        "error for this is NotFittedError: its message says what to do, and other "
        "programs expect it. `check_is_fitted` raises it (pillars/0_parts.py).",
    )
    check(
        accepts_lists(exercise.CountPerUser()),
        "We gave `fit` and `transform` a list of rows instead of an array, and one of "
        "them stopped. `validate_data` turns what it is given into an array, but it "
        "does not change X itself: keep what it returns, `X = validate_data(...)`, "
        "in both of them (pillars/0_parts.py).",
    )
    results = check_estimator(exercise.CountPerUser(), on_skip=None, on_fail=None)
    failed = [result for result in results if result["status"] == "failed"]
    names = first_five([result["check_name"] for result in failed])
    reason = ""
    if failed:
        reason = " ".join(str(failed[0]["exception"]).split())[:150]
    check(
        not failed,
        f"Of scikit-learn's {len(results)} checks, {len(failed)} fail: {names}. The "
        f"first says: {reason} ... A pipeline or a search relies on what they check. "
        "`validate_data` (in `fit`, and with reset=False in `transform`) and "
        "`check_is_fitted` do nearly all of it (pillars/0_parts.py).",
    )
    print(f"Measured: scikit-learn's {len(results)} checks hold for your class.")


def table_with_gaps(seed, n_rows=600):
    """Return X, in which a tenth of the values is missing, and y, in stars."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal([35, 2000, 3], [12, 10, 1], (n_rows, 3))
    X = pd.DataFrame(numbers, columns=["age", "year", "average"])
    y = X["average"] + 0.02 * (X["year"] - 2000) + rng.normal(0, 0.1, n_rows)
    return X.mask(rng.random(X.shape) < 0.1), y


@explain_errors(
    "Every step of a pipeline is an object (with parentheses). All but the last "
    "transform, and the last predicts. X and y must keep the same rows: a row that is "
    "dropped from one is still in the other (pillars/1_preprocessing.py)."
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

    stopped = None
    is_fitted = True
    try:
        predictions = np.asarray(model.predict(X_new))
    except NotFittedError:
        is_fitted = False
    except ValueError as error:
        stopped = str(error).splitlines()[0]
    check(
        is_fitted,
        "The model that `train` returned has not been fitted, so it knows no row. "
        "Return `model.fit(X, y)`, which is the fitted model.",
    )
    check(
        stopped is None,
        f"Training worked, but predicting new rows with gaps failed: {stopped} In "
        "production, new rows have gaps too. What training learned to fill them (the "
        "means) must stay in the model: make the imputer a step of the pipeline "
        "(pillars/1_preprocessing.py).",
    )
    alone = model.predict(X_new.iloc[[0]])
    check(
        np.allclose(alone, predictions[0]),
        "One and the same row got another prediction when it came alone. Its gap was "
        "filled from the rows beside it, so the answer depends on the other rows. Fill "
        "gaps with what was learned in training (pillars/1_preprocessing.py).",
    )
    r2 = 1 - np.mean((predictions - y_new) ** 2) / np.var(y_new)
    check(
        r2 > 0.5,
        f"The model accepts gaps, but explains little (R2 = {r2:.2f}; above 0.5 is "
        "possible). "
        "Are the columns still scaled, and are gaps filled with a typical value of "
        "their column? (pillars/1_preprocessing.py)",
    )
    steps = [type(step).__name__ for _, step in getattr(model, "steps", [])]
    last = steps[-1] if steps else type(model).__name__
    check(
        last not in dir(sklearn.ensemble),
        f"{last} accepts gaps, so there was nothing to fill. Many models do not. Keep "
        "the nearest neighbours, and fill the gaps before them "
        "(pillars/1_preprocessing.py).",
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
    """Return X, in which one column has large numbers and no use, and y."""
    rng = np.random.default_rng(seed)
    year = rng.uniform(1950, 2020, n_rows)
    X = pd.DataFrame({"year": year, "budget": rng.normal(5e6, 1e6, n_rows)})
    return X, 3 + (year - 1985) / 35 + rng.normal(0, 0.2, n_rows)


@explain_errors(
    "A scaler must be fitted before it transforms: once, on the training rows. Then "
    "it transforms both tables (pillars/1_preprocessing.py)."
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
    moved = np.abs(apart - together[is_old]).max()
    errors = np.abs(apart - y_new[is_old])
    check(
        np.allclose(apart, together[is_old]),
        "The same rows of old movies were predicted twice: among others, and alone. "
        f"The predictions moved by up to {moved:.1f} stars; alone, they are wrong by "
        f"{errors.mean():.1f} on average. A row was scaled by the rows that came with "
        "it, so the model does not see its values as in training. Learn the mean and "
        "the standard deviation from the training rows alone, once "
        "(pillars/1_preprocessing.py).",
    )
    r2 = 1 - np.mean((together - y_new) ** 2) / np.var(y_new)
    check(
        r2 > 0.7,
        f"The answers no longer depend on the other rows, but explain little (R2 = "
        f"{r2:.2f}; above 0.7 is possible). Are the neighbours still near by all "
        "columns? Without a scaler, `budget`, a large number, decides who is near. And "
        "if the new rows are not scaled at all, or in another way than the training "
        "rows, they are far from all of them (pillars/1_preprocessing.py).",
    )
    neighbours = KNeighborsRegressor(15).fit(StandardScaler().fit_transform(X), y)
    by_own_mean = neighbours.predict(StandardScaler().fit_transform(old))
    before = np.abs(by_own_mean - y_new[is_old])
    print(
        "Measured: on old movies alone, the mean error is "
        f"{mean_and_error(errors)} stars; scaled by their own mean, it was "
        f"{mean_and_error(before)}."
    )


@explain_errors(
    "In a pipeline all steps but the last transform, so the choice of features comes "
    "first and the ridge last. `SelectKBest` reads y, so `cross_val_score` needs X and "
    "y (pillars/2_feature_selection.py)."
)
def test_2_feature_selection(exercise):
    rng = np.random.default_rng(0)
    on_noise = []
    leaking = []  # the score of a choice that sees all answers
    folds = KFold(5, shuffle=True, random_state=0)
    for _ in range(10):
        X = rng.normal(size=(100, 1000))
        noise = rng.normal(size=100)
        r2 = exercise.cross_validated_r2(X.copy(), noise.copy())
        check_returned(r2, "cross_validated_r2")
        on_noise.append(np.mean(r2))
        chosen = SelectKBest(f_regression, k=10).fit_transform(X, noise)
        leaking.append(cross_val_score(Ridge(), chosen, noise, cv=folds).mean())
    honest = np.mean(on_noise)
    check(
        honest <= 0.05,
        f"On pure noise, where nothing can be predicted, your R2 is {honest:.2f}: it "
        "should be 0 or less. Of 1000 random features, some go a little with all "
        "100 answers by luck. A choice that sees the held-out answers takes exactly "
        "those. Make the choice a step of the pipeline "
        "(pillars/2_feature_selection.py).",
    )
    X = rng.normal(size=(300, 1000))
    signal = X[:, :5].sum(axis=1) + rng.normal(0, 2, 300)
    r2 = np.mean(exercise.cross_validated_r2(X, signal))
    check(
        0.3 < r2 <= 1,
        f"Five of 1000 features carry a signal, but your R2 is {r2:.2f}; above 0.3 is "
        "possible. Is it still the mean R2 of ridge on the ten best features? And does "
        "`SelectKBest` get its scorer, `f_regression`? Without one, it takes every "
        "answer for a class (`f_classif`; pillars/2_feature_selection.py).",
    )
    many = rng.normal(size=(1000, 100))
    of_ten = np.mean(exercise.cross_validated_r2(many, many[:, :20].sum(axis=1)))
    check(
        0.4 < of_ten < 0.6,
        "In another table, y is the sum of 20 features. Ten of them explain about half "
        f"of it (R2 = 0.5), but your R2 is {of_ten:.2f}. Are there ten, `k=10`? More "
        "explain more here; where there is nothing to find, they fit more noise "
        "(pillars/2_feature_selection.py).",
    )
    check(
        honest < -0.25,
        f"On ten tables of pure noise, your mean R2 is {honest:.2f}. It should be "
        "about -0.5: ten features that go with the training answers by luck predict "
        "worse than the mean. Yours predict better than that, so some held-out answers "
        "took part in the choice. Nothing may be chosen before the folds, not even "
        "from a part of the rows: make the choice a step of the pipeline "
        "(pillars/2_feature_selection.py).",
    )
    print(
        "Measured: where there is nothing to find, R2 is "
        f"{mean_and_error(on_noise)}, and was {mean_and_error(leaking)} with a choice "
        f"that saw all answers (10 tables). Where five features carry a signal, it is "
        f"{r2:.2f}."
    )


class Spy(RegressorMixin, BaseEstimator):
    """A model that answers the mean, and notes whom it was trained on and tested on."""

    # The notes of all copies: cross-validation works on clones.
    notes: ClassVar = []

    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        self.users_ = set(X["user_id"])
        return self

    def predict(self, X):
        strangers = ~X["user_id"].isin(self.users_)
        note = {
            "share of strangers": strangers.mean(),
            "rows": list(X.index),
            "mean": self.mean_,
        }
        self.notes.append(note)
        return np.full(len(X), self.mean_)


class MeanOfUser(RegressorMixin, BaseEstimator):
    """A model that answers the mean of the user's training ratings.

    Five ratings of the mean of all are added (damping). A new user gets that mean.
    """

    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        by_user = pd.Series(np.asarray(y)).groupby(X["user_id"].to_numpy())
        self.means_ = (by_user.sum() + 5 * self.mean_) / (by_user.size() + 5)
        return self

    def predict(self, X):
        return X["user_id"].map(self.means_).fillna(self.mean_).to_numpy()


@explain_errors(
    '`groups=` takes a column, not its name: `table["user_id"]`, one value per row. '
    "And a splitter with Stratified in its name needs classes; stars are numbers "
    "(pillars/3_model_selection.py)."
)
def test_3_model_selection(exercise):
    table = ratings(2000)
    Spy.notes.clear()
    forgotten = False
    try:
        rmse = exercise.rmse_for_new_users(Spy(), table)
    except ValueError as error:
        if "groups" not in str(error):
            raise
        forgotten = True
    check(
        not forgotten,
        "The splitter must know which rows belong together: pass groups=, a column, "
        "not its name. `cross_val_score` passes it on to the splitter "
        "(pillars/3_model_selection.py).",
    )

    check_returned(rmse, "rmse_for_new_users")
    rmse = np.asarray(rmse, dtype=float)
    tested = []
    errors = []
    for note in Spy.notes:
        tested += note["rows"]
        stars = table.loc[note["rows"], "rating"]
        errors.append(np.sqrt(np.mean((stars - note["mean"]) ** 2)))
    check(
        tested,
        "The model was not asked for any prediction. Measure its error on the table "
        "that is given.",
    )
    shares = [note["share of strangers"] for note in Spy.notes]
    check(
        all(share == 1 for share in shares),
        f"Only {np.mean(shares):.0%} of the test rows are of users whom the model has "
        "never seen; it must be all of them. With a known user, the model looks up how "
        "this user rates. Nobody can do that for a new user, so the error comes out "
        "too small. Whose rows did you keep together? (`KFold` ignores `groups=`.) "
        "Each splitter asks another question: see pillars/3_model_selection.py.",
    )
    check(
        sorted(tested) == sorted(table.index),
        f"There were {len(tested)} predictions for {len(table)} rows. In "
        "cross-validation each row is held out once, so that every user counts "
        "(pillars/3_model_selection.py).",
    )
    check(
        np.isclose(rmse.mean(), np.mean(errors)),
        f"The folds are right, but the result {rmse.mean():.4f} is not their mean "
        f"RMSE {np.mean(errors):.4f}. Is the scoring still the RMSE? And "
        "scikit-learn's score is minus the error, because a score is better when it "
        "is larger.",
    )
    check(
        rmse.shape == (5,) and len(errors) == 5,
        f"Expected the RMSE of each of five folds, got the shape {rmse.shape} from "
        f"{len(errors)} folds. A mean alone does not say how much the folds differ, "
        "and in a fold of one user an RMSE says little.",
    )

    model = MeanOfUser()
    new = exercise.rmse_for_new_users(model, table)
    folds = KFold(5, shuffle=True, random_state=0)
    stars = table["rating"]
    scoring = "neg_root_mean_squared_error"
    known = -cross_val_score(model, table, stars, cv=folds, scoring=scoring)
    print(
        "Measured: a model that answers the mean of the user has an RMSE of "
        f"{mean_and_error(new)} stars for new users; the shuffled rows asked about "
        f"known users, {mean_and_error(known)} (5 folds)."
    )


@explain_errors(
    "`split` gives positions, not labels of the index: take rows by `iloc`. The "
    "averages have one value per user, the fold one per row: `map` looks up the "
    "average of each row's user. And folds need shuffle=True before random_state has "
    "a meaning (pillars/3_model_selection.py)."
)
def test_3_cross_fitting(exercise):
    rng = np.random.default_rng(3)
    users = rng.permutation(np.append(np.repeat(np.arange(150), 4), 999))
    stars = rng.normal(3, 1, len(users))
    # The index has gaps and is not in order, as after `train_test_split`.
    index = rng.permutation(2 * len(users))[: len(users)]
    noise = pd.DataFrame({"user_id": users, "rating": stars}, index=index)

    averages = exercise.training_averages(noise.copy())
    averages = check_numbers(averages, len(noise), "training_averages")
    check(
        np.isfinite(averages).all(),
        f"{np.sum(~np.isfinite(averages))} rows have no average. Each row must be in "
        "exactly one fold. And a user may have no row in the other folds: they get the "
        "mean rating of the other folds (pillars/3_model_selection.py).",
    )
    again = np.asarray(exercise.training_averages(noise.copy()), dtype=float)
    check(
        np.allclose(averages, again),
        "The same table gave other averages in a second call. Fix the folds by "
        "random_state, so that others can check your result. (Or some rows are in no "
        "fold, and hold what `np.empty` left there: each row must be in exactly one "
        "fold.)",
    )
    raised = noise.assign(rating=noise["rating"] + 1)
    raised = np.asarray(exercise.training_averages(raised), dtype=float)
    constant = ~np.isclose(raised, averages + 1)
    check(
        not constant.any(),
        f"We added one star to every rating, and {constant.sum()} of {len(noise)} "
        "averages did not rise by one star. They are not made of ratings: a number "
        "that is written down does not fit the next table, and a row must be in "
        "exactly one fold, or nothing is computed for it. A user without a row in the "
        "other folds gets the mean rating of those (pillars/3_model_selection.py).",
    )
    correlation = np.corrcoef(averages, stars)[0, 1]
    check(
        correlation < 0.1,
        "These ratings are shuffled: no user differs from another, and nothing can be "
        f"predicted. Yet your averages have a correlation of {correlation:.2f} with "
        "the ratings of their own rows: they contain them. A model would take that for "
        "knowledge. Take each row's average from the folds that it is not in "
        "(pillars/3_model_selection.py).",
    )
    # Everybody always gives the same rating, so that every average is known.
    owners = rng.permutation(np.repeat(np.arange(60), 20))
    constant = rng.normal(3, 1, 60)[owners]
    index = rng.permutation(len(owners))
    steady = pd.DataFrame({"user_id": owners, "rating": constant}, index=index)
    of_steady = np.asarray(exercise.training_averages(steady), dtype=float)
    check(
        np.allclose(of_steady, constant)
        or not np.allclose(np.sort(of_steady), np.sort(constant)),
        "Your averages are right, but they are in the wrong rows: the average of a row "
        "is often that of another row's user. Folds take their rows from all over the "
        "table, so their averages, one after the other, are in the order of the folds. "
        "Write each fold's averages to its own rows: `result[fold] = ...`, with a "
        "`result` that is as long as the table (pillars/3_model_selection.py).",
    )
    moved = []
    alone = int(np.flatnonzero(users == 999)[0])  # this user has no other row
    for row in [alone, *range(0, 60, 3)]:
        changed = noise.copy()
        changed.iloc[row, 1] += 5
        new = np.asarray(exercise.training_averages(changed), dtype=float)
        moved.append(abs(new[row] - averages[row]) > 1e-9)
    check(
        not any(moved),
        f"We changed one rating in the table: in {sum(moved)} of {len(moved)} cases, "
        "the average of that very row changed too. A part of the answer is in it. "
        "Averages and means must both come from the other folds "
        "(pillars/3_model_selection.py).",
    )

    users = np.repeat(np.arange(60), 20)
    level = rng.normal(3, 1, 60)[users]
    signal = pd.DataFrame({"user_id": users, "rating": level + rng.normal(0, 1, 1200)})
    signal = signal.sample(frac=1, random_state=0)
    averages = np.asarray(exercise.training_averages(signal.copy()), dtype=float)
    n_different = len(np.unique(averages.round(9)))
    check(
        n_different >= 60,
        f"Your {len(signal)} rows of 60 users have only {n_different} different "
        "averages, so they are not those of users. Does each row get the average of "
        "its own user, and not of all? Or do the folds keep the rows of a user "
        "together, as `GroupKFold` does? Then no user has a row in the other folds. "
        "Split rows, not users (pillars/3_model_selection.py).",
    )
    known = np.corrcoef(averages, level[signal.index])[0, 1]
    check(
        known > 0.93,
        "With 20 ratings per user, an average should be near what the user usually "
        f"gives; the correlation of yours with that is {known:.2f}, and more than 0.95 "
        "is possible. Does each row get the average of its own user, in the order of "
        "the table? And is it made of the four other folds (16 ratings per user), or "
        "of a single one (4)? `split` gives the rows of the four first, then those of "
        "the fold: perhaps you swapped the two (pillars/3_model_selection.py).",
    )
    by_user = signal.sort_values("user_id", kind="stable")
    averages = np.asarray(exercise.training_averages(by_user.copy()), dtype=float)
    fallback = pd.Series(averages.round(9)).duplicated(keep=False)
    sorted_known = np.corrcoef(averages, level[by_user.index])[0, 1]
    check(
        sorted_known > 0.9,
        "The same table, sorted by user (as many files are): now the correlation of "
        "your averages with what the user usually gives is "
        f"{sorted_known:.2f}; it was {known:.2f} when the rows were mixed. Folds that "
        "are not shuffled are blocks of consecutive rows, so all rows of a user are in "
        f"one fold, none is in the others, and {fallback.mean():.0%} of the rows got "
        "an average that they share with others: the mean rating, which says nothing "
        "about the user. Sorted by time, new users would lose theirs. Shuffle the "
        "folds (pillars/3_model_selection.py).",
    )
    # One user with many ratings of 5, many users with two of 1, and a new one.
    owners = np.concatenate([np.repeat(0, 300), np.repeat(np.arange(1, 31), 2), [999]])
    uneven = pd.DataFrame({"user_id": owners, "rating": 1.0})
    uneven.loc[owners == 0, "rating"] = 5.0
    of_new = float(np.asarray(exercise.training_averages(uneven.copy()))[-1])
    of_all = uneven["rating"][:-1].mean()
    check(
        abs(of_new - of_all) < 0.2,
        f"A user without a row in the other folds got {of_new:.2f} stars, where the "
        f"mean of all ratings is {of_all:.2f}. The mean of the users' averages is "
        "something else: there, a user with two ratings counts as much as one with "
        "300. Give them the mean of the ratings in the other folds "
        "(pillars/3_model_selection.py).",
    )
    plain = noise.groupby("user_id")["rating"].transform("mean")
    plain = np.corrcoef(plain, stars)[0, 1]
    print(
        "Measured: with shuffled ratings, the correlation of your averages is "
        f"{correlation:.2f} ± {1 / np.sqrt(len(noise)):.2f} (that of plain averages: "
        f"{plain:.2f}); with what users usually give, where users differ, {known:.2f}."
    )


class Guesser(RegressorMixin, BaseEstimator):
    """A model that adds random numbers to the mean: no seed is better than another.

    It notes on which rows it was trained and tested.
    """

    # The notes of all copies: a search works on clones.
    notes: ClassVar = []

    def __init__(self, seed=0):
        self.seed = seed

    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        self.rows_ = set(np.asarray(X)[:, 0])
        return self

    def predict(self, X):
        # The guess for a row depends on the row and the seed alone.
        keys = np.asarray(X)[:, 0].astype(int)
        note = {"seed": self.seed, "trained": self.rows_, "tested": set(keys)}
        self.notes.append(note)
        return self.mean_ + np.random.default_rng(self.seed).normal(size=4000)[keys]


def rows_scored_after_a_choice(notes):
    """Return the rows that took no part in the choice of the candidate they scored.

    Before such a row is predicted, every candidate has been trained without it.
    """
    candidates = {note["seed"] for note in notes}
    scored = set()
    for position, note in enumerate(notes):
        tried = set()
        for earlier in reversed(notes[: position + 1]):
            if earlier["trained"] & note["tested"]:
                break
            tried.add(earlier["seed"])
        if tried == candidates:
            scored |= note["tested"]
    return scored


@explain_errors(
    "`cross_val_score` takes the search itself as its model, then X and y, and returns "
    "the score of each fold. `best_score_` is there only after `fit` "
    "(pillars/3_search.py)."
)
def test_3_search(exercise):
    rng = np.random.default_rng(6)
    X = rng.uniform(0, 1, (1000, 1))
    y = X[:, 0] + rng.normal(0, 0.5, 1000)
    candidates = {"n_neighbors": [1, 25]}
    error = exercise.estimate_error(KNeighborsRegressor(1), candidates, X, y)
    check_returned(error, "estimate_error")
    check(
        np.ndim(error) == 0,
        f"Expected one number, got an array of the shape {np.shape(error)}: one "
        "for each fold? Return their mean.",
    )
    check(
        error < 0.58,
        "One of two candidates was clearly better (RMSE about 0.5; the other 0.7), "
        f"and you reported {error:.2f}. Does your code still search in each fold, and "
        "among all candidates that it is given? (pillars/3_search.py)",
    )
    tenfold = exercise.estimate_error(KNeighborsRegressor(1), candidates, X, 10 * y)
    check(
        np.isclose(tenfold, 10 * error, rtol=0.01),
        "We made every number in y ten times as large. An RMSE has the unit of y, so "
        f"it should be ten times as large too; yours went from {error:.2f} to "
        f"{tenfold:.2f}. R2 has no unit, and a squared error has another: is the "
        "scoring of the outer folds still the RMSE? (pillars/3_search.py)",
    )

    rng = np.random.default_rng(5)
    reported = []
    of_winners = []  # the error by which the best candidate was chosen
    for _ in range(6):
        rows = rng.permutation(4000)[:50]
        X = rows.reshape(-1, 1)
        y = rng.normal(size=50)
        Guesser.notes.clear()
        # In one process, where we see the notes, whatever `n_jobs` says.
        with parallel_config(backend="sequential"):
            error = exercise.estimate_error(
                Guesser(), {"seed": list(range(20))}, X.copy(), y.copy()
            )
        reported.append(float(error))
        scored = rows_scored_after_a_choice(Guesser.notes)
        guesses = [Guesser(seed).fit(X, y).predict(X) for seed in range(20)]
        rmse = [np.sqrt(np.mean((guess - y) ** 2)) for guess in guesses]
        of_winners.append(min(rmse))
    truth = np.sqrt(2)  # the guess and the answer: two independent normal numbers
    found = np.mean(reported)
    check(
        found > 0,
        f"Your error is {found:.2f}. scikit-learn's score is minus the error, because "
        "a score is better when it is larger.",
    )
    same_rows = (
        "We let you choose the best of 20 models that only guess. On new rows each of "
        f"them has an error of {truth:.2f}; on the rows that choose it, the winner has "
        f"{np.mean(of_winners):.2f}; you reported {found:.2f}. The rows that chose the "
        "winner also scored it, so its luck on these rows is in its score. Score the "
        "search as a whole on rows that it has not seen: a part of the rows it was "
        "fitted on is not new (pillars/3_search.py)."
    )
    check(scored, same_rows)
    check(
        len(scored) == len(rows),
        f"You hold out {len(scored)} of {len(rows)} rows, search without them, and "
        "score the winner on them. That is honest, but so few rows make it a matter of "
        f"luck: in six tables you reported {min(reported):.2f} to {max(reported):.2f}, "
        f"where the truth is {truth:.2f}. In the task the search is done anew in each "
        "fold, so that every row is held out once and counts: give the search to "
        "`cross_val_score` (pillars/3_search.py).",
    )
    check(found > 0.89 * truth, same_rows)
    check(
        found < 1.15 * truth,
        f"The error of each candidate is {truth:.2f}, but you reported {found:.2f}. Is "
        "it still a mean of the RMSE over folds? (pillars/3_search.py)",
    )
    print(
        "Measured: the best of 20 guessers has an RMSE of "
        f"{mean_and_error(reported)} by your estimate (6 tables); the truth is "
        f"{truth:.2f}; the rows that chose it say {mean_and_error(of_winners)}."
    )


def reader_of(*columns):
    """Return an untrained linear model that reads some columns of an array."""
    chosen = ColumnTransformer([("read", "passthrough", list(columns))])
    return make_pipeline(chosen, LinearRegression())


@explain_errors(
    "`gain` is an array of NumPy, with one number per row. `gain.std()` is their "
    "standard deviation, `len(gain)` how many they are, and `np.sqrt` the root "
    "(pillars/4_supervised.py)."
)
def test_4_supervised(exercise):
    # A model that reads both columns of a sum is better than one that reads one.
    rng = np.random.default_rng(31)
    X = rng.normal(size=(200, 2))
    y = X.sum(axis=1) + rng.normal(size=200)
    answer = exercise.is_better(reader_of(0), reader_of(0, 1), X.copy(), y.copy())
    told = " ".join(repr(answer).split())[:60]
    check(
        isinstance(answer, bool | np.bool_),
        f"`is_better` returned {told}, which is neither True nor False. Every word "
        "counts as True in an `if`, and an array has one answer per row. The question "
        "has one: is the mean gain larger than twice its standard error? Return that "
        "comparison (pillars/4_supervised.py).",
    )
    check(
        not answer,
        "You call the worse of two models the better one. Ours was the worse: it reads "
        "a single column, the old one both, and y is their sum, plus noise. A gain far "
        "from 0 is not enough, it must be above 0: the error of the old model minus "
        "that of the new (pillars/4_supervised.py).",
    )

    # Two columns of equal worth: a model that reads one is as good as one that reads
    # the other. The unit of y is another one in every table.
    found = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(200, 2))
        y = (X.sum(axis=1) + rng.normal(size=200)) * 10.0 ** rng.integers(-2, 3)
        if exercise.is_better(reader_of(1), reader_of(0), X.copy(), y.copy()):
            found.append(seed)
    check(
        len(found) <= 3,
        f"In {len(found)} of 30 tables you call the new model better. By construction "
        "the two are equally good, and which one has the smaller error is luck. Ask "
        "for more than luck gives: a mean gain above twice its standard error (the "
        "standard deviation divided by the root of the number of rows; "
        "pillars/4_supervised.py).",
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
        "rows that they were not trained on (pillars/4_supervised.py).",
    )

    # The new model reads both columns; the gain is many times its standard error.
    X = rng.normal(size=(200, 2))
    y = (X.sum(axis=1) + rng.normal(size=200)) / 100
    check(
        exercise.is_better(reader_of(0, 1), reader_of(0), X.copy(), y.copy()),
        "You take for luck that a model with both columns is better than one with "
        "a single column; y is their sum, plus noise. Its unit is small here, and no "
        "fixed limit serves all units. And the standard error of a mean is the "
        "standard deviation divided by the root of the number of rows "
        "(pillars/4_supervised.py).",
    )

    # A small gain beside much noise that both models share.
    X = rng.normal(size=(2000, 2))
    y = X[:, 0] + 0.25 * X[:, 1] + rng.normal(size=2000)
    check(
        exercise.is_better(reader_of(0, 1), reader_of(0), X.copy(), y.copy()),
        "You take a gain for luck that is more than four times its standard error. It "
        "is small, but so is its error, if the models are compared row by row: what "
        "makes a row hard for both then cancels. Twice the standard error is asked for "
        "(pillars/4_supervised.py).",
    )

    # A gain of 2.5 standard errors.
    rng = np.random.default_rng(26)
    X = rng.normal(size=(2000, 2))
    y = X[:, 0] + 0.12 * X[:, 1] + rng.normal(size=2000)
    check(
        exercise.is_better(reader_of(0, 1), reader_of(0), X.copy(), y.copy()),
        "You take a gain for luck that is 2.5 times its standard error. Twice is asked "
        "for: by luck, an equal model gains more in only about 2 of 100 cases. A "
        "stricter limit misses more of the real gains (pillars/4_supervised.py).",
    )
    print(
        f"Measured: in {len(found)} of 30 tables you call an equal model better (in 15 "
        "± 3 if every gain counts). A real gain of 2.5 standard errors is found."
    )


def single_cloud(seed, n_columns, correlation):
    """Return 150 points of one Gaussian: there are no groups."""
    identity = np.eye(n_columns)
    covariance = correlation + (1 - correlation) * identity
    rng = np.random.default_rng(seed)
    return rng.multivariate_normal(np.zeros(n_columns), covariance, 150)


def controls_of(exercise, X):
    """Return the data that `has_groups` compares X with, as far as we can see."""
    separation = exercise.separation
    scored = []

    def noting(points):
        scored.append(np.array(points))
        return separation(points)

    exercise.separation = noting
    try:
        exercise.has_groups(X.copy())
    finally:
        exercise.separation = separation
    return [points for points in scored if not np.array_equal(points, X)]


@explain_errors(
    "A covariance of columns says how widely each column of X spreads, and how each "
    "two go together: it has one row and one column per column of X. NumPy takes each "
    "*row* for a variable, so `np.cov(X)` compares the rows; write `np.cov(X, "
    "rowvar=False)`. The mean has one number per column, `X.mean(axis=0)`, and the "
    "third argument is the number of rows, `len(X)` (pillars/5_unsupervised.py)."
)
def test_5_unsupervised(exercise):
    clouds = [single_cloud(seed, 8, 0.9) for seed in (0, 3)]  # columns go together
    # By luck, these two score above the mean of their controls. The last is long, and
    # its score of 0.4 is higher than that of the overlapping groups, 0.2.
    others = [single_cloud(seed, 4, 0) for seed in (2, 10)]
    others.append(np.random.default_rng(0).normal(size=(150, 3)) * [5, 2, 1])
    rng = np.random.default_rng(0)
    centres = np.repeat(rng.normal(size=(3, 8)), 50, axis=0)
    overlapping = centres + rng.normal(0, 1, (150, 8))
    clear = centres + rng.normal(0, 0.2, (150, 8))

    clear_score = exercise.separation(clear)
    check(
        exercise.has_groups(clear.copy()),
        "You found no groups where we put three clear ones (score "
        f"{clear_score:.2f}). Do the controls lose the groups? In rows that only "
        "change places, or are drawn from X, the groups are still there. Draw a single "
        "cloud with the mean and the covariance of X (pillars/5_unsupervised.py).",
    )
    controls = controls_of(exercise, overlapping + 10)
    same = [np.array_equal(control, controls[0]) for control in controls]
    check(
        len(same) < 2 or not all(same),
        "Your ten controls are all the same, so their standard deviation is 0, and "
        "every table that scores a little higher seems to have groups. Draw a new one "
        "each time, from one generator that is made before the loop "
        "(pillars/5_unsupervised.py).",
    )
    n_rows = {len(control) for control in controls}
    check(
        n_rows <= {len(overlapping)},
        f"Your controls have {min(n_rows, default=0)} rows, and X has "
        f"{len(overlapping)}. Few points seem well separated by luck, so the score "
        "depends on how many there are. A control keeps all but what is tested, the "
        "number of rows as well (pillars/5_unsupervised.py).",
    )
    wrong_clouds = [X for X in clouds if exercise.has_groups(X.copy())]
    wrong_others = [X for X in others if exercise.has_groups(X.copy())]
    wrong = wrong_clouds + wrong_others
    n_tables = len(clouds + others)
    scores = ", ".join(f"{exercise.separation(X):.2f}" for X in wrong)
    found = f"You found groups in {len(wrong)} of {n_tables} tables (scores {scores})"
    check(
        len(wrong) < n_tables,
        f"{found}, where by construction there are none. KMeans always finds groups, "
        "and its score depends on the shape of the data. Compare with data that has "
        "this shape but no groups (pillars/5_unsupervised.py).",
    )
    check(
        not wrong_clouds,
        f"{found}. Each is a single cloud; {len(wrong_clouds)} of them have correlated "
        "columns. No fixed limit serves all shapes, and controls without this "
        "correlation have another shape, with lower scores. A control keeps all but "
        "what is tested: keep the covariance (pillars/5_unsupervised.py).",
    )
    check(
        not wrong_others,
        f"{found}, where by construction there are none. Nearly a third of such tables "
        "score above the mean of their controls, by luck. Ask for more than three "
        "standard deviations of ten controls, and let the controls have the spread of "
        "each column (pillars/5_unsupervised.py).",
    )
    overlapping_score = exercise.separation(overlapping)
    check(
        exercise.has_groups(overlapping.copy()),
        "You found no groups where we put three that overlap (score "
        f"{overlapping_score:.2f}). Your limit is too high. A fixed "
        "amount does not serve all data: measure with the standard deviation of the "
        "controls (pillars/5_unsupervised.py).",
    )
    means = [np.mean(control) for control in controls]
    check(
        not means or abs(np.mean(means) - 10) < 1,
        f"Your controls have another mean than X: {np.mean(means):.1f} for 10. KMeans "
        "and the silhouette do not notice, because they only use distances. Another "
        "score may, and then the mean would be tested, not the groups. A control keeps "
        "all but what is tested: `X.mean(axis=0)` (pillars/5_unsupervised.py).",
    )
    spread = [np.cov(control, rowvar=False) for control in controls]
    expected = np.cov(overlapping, rowvar=False)
    check(
        not spread
        or np.abs(np.mean(spread, axis=0) - expected).max() < expected.max() / 2,
        "Your controls have another covariance than X where the mean of X is not 0. "
        "`X.T @ X / len(X)` is the covariance only if all means are 0; `np.cov(X, "
        "rowvar=False)` subtracts them first (pillars/5_unsupervised.py).",
    )
    shuffled = np.random.default_rng(0)
    fooled = 0
    for X in clouds:
        scores = [exercise.separation(shuffled.permuted(X, axis=0)) for _ in range(10)]
        fooled += exercise.separation(X) > np.mean(scores) + 3 * np.std(scores)
    print(
        f"Measured: you find groups in 0 of {n_tables} tables without groups "
        f"(controls with shuffled columns: in {fooled}), and in 2 of 2 with groups, at "
        f"scores of {clear_score:.2f} and {overlapping_score:.2f}."
    )


PREDICT = """import sys, pandas
from lesson_code import SklearnEcosystemPipeline
pair = pandas.DataFrame({"user_id": [7], "movie_id": [9]})
print(SklearnEcosystemPipeline.load_pipeline(sys.argv[1]).predict(pair)[0])"""
#: Change one bit of the file, at one place after another; count what is noticed.
DAMAGE = """import pathlib, sys
from lesson_code import SklearnEcosystemPipeline
whole = pathlib.Path(sys.argv[1]).read_bytes()
copy = pathlib.Path(sys.argv[1] + ".copy")
noticed = 0
for part in range(1, 10):
    content = bytearray(whole)
    content[part * len(whole) // 10] ^= 1
    copy.write_bytes(content)
    try:
        SklearnEcosystemPipeline.load_pipeline(copy)
    except Exception:
        noticed += 1
print(noticed)"""


def run_fresh(program, path):
    """Run a program in a fresh process, which has the path of an artifact."""
    folder = Path(__file__).resolve().parent.parent
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(path)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )


@explain_errors(
    "The recommender itself has the method that saves, its pipeline has not; the "
    "method needs the path, exactly as it is given. Return the recommender "
    "(pillars/6_utilities.py)."
)
def test_6_utilities(exercise, tmp_path, monkeypatch):
    path = tmp_path / "artifact.pkl"
    # What is saved under another name must not overwrite a file of yours.
    current = tmp_path / "current"
    current.mkdir()
    monkeypatch.chdir(current)
    recommender = exercise.train_and_save(ratings(), path)
    check_returned(recommender, "train_and_save")
    elsewhere = sorted(file.name for file in current.iterdir())
    check(
        path.exists() or not elsewhere,
        f"There is no file at `path`, but {first_five(elsewhere)} in the current "
        "folder. There, it overwrites what was saved before, and the program that "
        "loads `path` does not find it. The method that saves takes the path as its "
        "argument (pillars/6_utilities.py).",
    )
    check(
        path.exists(),
        "There is no file at `path`: save the artifact there (pillars/6_utilities.py).",
    )
    fresh = run_fresh(PREDICT, path)
    reason = ""
    if fresh.stderr.strip():
        reason = fresh.stderr.strip().splitlines()[-1].rstrip(".")
    check(
        fresh.returncode == 0,
        f"A fresh process could not predict from the two ids: {reason}. It has only "
        "what is in the file. The steps before the model (features, scaler) belong to "
        "the model and must travel with it (lesson_code.py, section 5; "
        "pillars/6_utilities.py).",
    )
    predicted = float(fresh.stdout)
    expected = recommender.predict(pd.DataFrame({"user_id": [7], "movie_id": [9]}))[0]
    check(
        np.isclose(predicted, expected),
        f"The fresh process predicts {predicted:.4f}, this one "
        f"{expected:.4f}. An artifact must give the same answers everywhere: save the "
        "object that was trained (pillars/6_utilities.py).",
    )
    noticed = int(run_fresh(DAMAGE, path).stdout.splitlines()[-1])
    check(
        noticed == 9,
        "The artifact works. Then we changed one bit in each of nine copies of it, and "
        f"{9 - noticed} of them were loaded without an error: nothing in the file says "
        "what its content was. Save it with a digest, as `save_pipeline` does "
        "(pillars/6_utilities.py).",
    )
    print(
        "Measured: the fresh process predicts the same, "
        f"{predicted:.4f} stars; of nine damaged copies, {noticed} are refused "
        f"({path.stat().st_size / 1000:.0f} kB)."
    )


ARMS = """import json, runpy, sys
arm_of = runpy.run_path(sys.argv[1])["arm_of"]
print(json.dumps([arm_of(user, "one") for user in json.loads(sys.argv[2])]))"""


def arms_of_a_server(program, users, number):
    """Return the arms that a fresh process gives to users.

    Python draws the secret of `hash` anew in each process; here it is the number.
    """
    fresh = subprocess.run(
        [sys.executable, "-c", ARMS, program, json.dumps(users)],
        env=os.environ | {"PYTHONHASHSEED": str(number)},
        capture_output=True,
        text=True,
    )
    check(
        fresh.returncode == 0,
        "The program works here, but not in a fresh process: "
        f"{fresh.stderr.strip().splitlines()[-1:]}. It must need nothing but its file.",
    )
    return json.loads(fresh.stdout.splitlines()[-1])


@explain_errors(
    "A hash takes bytes, not text: `text.encode()`. Its digest is 32 bytes; one of "
    "them, such as `digest[0]`, is a number. And the name of a user need not be a "
    "number (pillars/8_deploy.py)."
)
def test_8_deploy(exercise):
    users = [f"user {number}" for number in range(2000)]
    first = [exercise.arm_of(user, "one") for user in users]
    check(
        set(first) <= {"A", "B"},
        f'The arms must be "A" and "B", got {sorted(set(map(str, first)))[:5]}.',
    )
    again = [exercise.arm_of(user, "one") for user in reversed(users)][::-1]
    moved = np.mean(np.array(first) != again)
    check(
        moved == 0,
        f"At the second visit, {moved:.0%} of the users got the other model. What A "
        "did to a user is then counted for B, so the test mixes up the two models. "
        "The arm must depend on the user and the experiment alone, not on chance and "
        "not on the order of the visits (pillars/8_deploy.py).",
    )
    servers = [arms_of_a_server(exercise.__file__, users, n) for n in (1, 2)]
    moved = np.mean(np.array(servers[0]) != servers[1])
    check(
        moved == 0,
        f"Two servers disagree about {moved:.0%} of the users. Python's `hash` of a "
        "string is another number in each process, and so is a random one. A hash of "
        "`hashlib` is the same everywhere (pillars/8_deploy.py).",
    )
    share = np.mean(np.array(first) == "B")
    check(
        0.45 < share < 0.55,
        f"B gets {share:.0%} of the users; half were asked for. A smaller arm makes "
        "the comparison less exact. Does it depend on the user, and what values can "
        "your number have? (A byte goes from 0 to 255, what `random` returns from 0 to "
        "1; pillars/8_deploy.py.)",
    )
    other = [exercise.arm_of(user, "two") for user in users]
    same = np.mean(np.array(first) == other)
    check(
        0.45 < same < 0.55,
        f"In another experiment, {same:.0%} of the users are in the same arm; it "
        "should be about half. If the arms of two experiments go together, the second "
        "also measures what is left of the first. Let the arm depend on the name of "
        "the experiment, too (pillars/8_deploy.py).",
    )
    # User "a1" in experiment "b" and user "a" in "1b" have the same letters in the same
    # order; so have experiment "b1" with user "a" and experiment "b" with user "1a".
    pairs = [
        ([(f"{user}1", "b") for user in users], [(user, "1b") for user in users]),
        ([(user, "b1") for user in users], [(f"1{user}", "b") for user in users]),
    ]
    for left, right in pairs:
        arms = np.array([exercise.arm_of(*visit) for visit in left])
        alike = np.mean(arms == [exercise.arm_of(*visit) for visit in right])
        check(
            alike < 0.6,
            f"User {left[0][0]!r} in experiment {left[0][1]!r} and user "
            f"{right[0][0]!r} in experiment {right[0][1]!r} always get the same arm, "
            "and so do all pairs like these: joined, their two names are the same "
            "text. Put a separator between the names, a character that is in neither, "
            'such as ":" (pillars/8_deploy.py).',
        )
    print(
        f"Measured: of {len(users)} users, 0 change their model between visits or "
        f"servers (a coin: half of them); B gets {percent(share, len(users))}; in "
        f"another experiment, {percent(same, len(users))} are in the same arm."
    )


def visits_needed(rate, difference):
    """Return how many visits each model needs (power 80 %, 5 % of false alarms)."""
    return int(np.ceil((1.96 + 0.84) ** 2 * 2 * rate * (1 - rate) / difference**2))


def visits_used(models_differ, rate, difference, n_visits=2000):
    """Return how many visits of each model a function looks at, or None if unclear.

    B nearly always succeeds, A hardly ever; but from some visit on, B has NaN. A
    function that looks so far finds no difference, since nothing is greater than NaN.
    """
    number = np.arange(n_visits)
    a = np.where(number % 50 == 49, 1.0, 0.0)
    b = 1 - a

    def differ(b):
        try:
            return bool(models_differ(a.copy(), b, rate, difference))
        except ValueError:
            return False  # it cannot compute with NaN

    # Bisect: the answer is True if the first `high` visits are enough.
    low = 0
    high = n_visits
    while low < high:
        middle = (low + high) // 2
        if differ(np.where(number < middle, b, np.nan)):
            high = middle
        else:
            low = middle + 1

    finds_nothing = not differ(np.where(number < high, b, np.nan))
    looks_later = differ(np.where(number < high, a, b))
    if finds_nothing or looks_later:
        return None
    return high


def simulate_tests(share_a, share_b, n_visits=2000, n_tests=1000):
    """Return the successes of A and of B, 0 or 1, as (n_tests, n_visits) each."""
    rng = np.random.default_rng(0)
    a = rng.random((n_tests, n_visits)) < share_a
    b = rng.random((n_tests, n_visits)) < share_b
    return a.astype(float), b.astype(float)


def share_of_early_alarms(a, b):
    """Return the share of tests with a significant look after 100, 200, ... visits."""
    visits = np.arange(100, a.shape[1] + 1, 100)
    rate_a = a.cumsum(axis=1)[:, visits - 1] / visits
    rate_b = b.cumsum(axis=1)[:, visits - 1] / visits
    error = np.sqrt((rate_a * (1 - rate_a) + rate_b * (1 - rate_b)) / visits)
    return np.mean(np.any(np.abs(rate_b - rate_a) > 1.96 * error, axis=1))


@explain_errors(
    "A number of visits is a whole number: round it up with `math.ceil`. `a[:n]` are "
    "the first n visits of A (pillars/8_experiment.py)."
)
def test_8_experiment(exercise):
    def decide(a, b, difference):
        answers = [
            exercise.models_differ(one_a, one_b, 0.3, difference)
            for one_a, one_b in zip(a, b)
        ]
        check(
            isinstance(answers[0], bool | np.bool_),
            f"`models_differ` returned {answers[0]!r}, which is neither True nor "
            "False. Return the comparison with 1.96 standard errors.",
        )
        return np.array(answers)

    for difference in (0.1, 0.15):
        n = visits_needed(0.3, difference)
        used = visits_used(exercise.models_differ, 0.3, difference)
        check(
            used is None or abs(used - n) <= 1,
            f"For rate = 0.3 and a difference of {difference}, your number of visits "
            f"is {used}; the formula gives {n}. With fewer, true differences are "
            "missed; and what comes later must not count, or the test ends when "
            "somebody stops it. Compare your formula with that of the task, part by "
            "part: the number is that of each model (pillars/8_experiment.py).",
        )

    a, b = simulate_tests(0.3, 0.3)
    n_tests = len(a)
    alarms = decide(a, b, 0.1).mean()
    early = share_of_early_alarms(a, b)
    check(
        alarms < 0.08 or used is None,
        f"In {n_tests} tests of two equal models, you say in {alarms:.0%} that they "
        "differ; 5 % were allowed. Your number of visits is right, so look at the "
        "limit: 1.96 standard errors of the difference, which has the variance of A "
        "and that of B in it (pillars/8_experiment.py).",
    )
    check(
        alarms < 0.08,
        f"In {n_tests} tests of two equal models, you say in {alarms:.0%} that they "
        "differ; 5 % were allowed. Do you look more than once? Each look has its 5 %, "
        "and a test that ends at the first significant look collects them: it waits "
        "for a moment of luck. Set the number of visits before the test, and look "
        "once. Or is the limit another than 1.96 standard errors? "
        "(pillars/8_experiment.py)",
    )
    for difference in (0.1, 0.15):
        n = visits_needed(0.3, difference)
        a, b = simulate_tests(0.3 - difference / 2, 0.3 + difference / 2)
        found = decide(a, b, difference)
        later = b.copy()
        later[:, n:] = a[:, n:]
        changed = np.sum(decide(a, later, difference) != found)
        check(
            changed == 0,
            f"We changed the visits after number {n}, and your answer changed in "
            f"{changed} of {n_tests} tests. For rate = 0.3 and a difference of "
            f"{difference}, each model needs {n} visits, and what comes later must not "
            "count: a test that takes all visits there are ends when somebody stops "
            "it. Set the number by the formula, from `rate` and `difference` "
            "(pillars/8_experiment.py).",
        )
        power = found.mean()
        check(
            0.76 < power < 0.84,
            f"B was better by {difference}, and {power:.0%} of {n_tests} tests say "
            "that the models differ; 80 % should. The number of visits in the formula "
            f"is that of each model, {n} here (print yours: is it above 0?); with "
            "fewer visits, or a limit stricter than 1.96 standard errors, true "
            "differences are missed (pillars/8_experiment.py).",
        )
        worse = decide(b, a, difference).mean()
        check(
            np.isclose(worse, power),
            f"If B is worse by {difference}, {worse:.0%} of the tests say that the "
            f"models differ; if it is better by as much, {power:.0%}. A difference "
            "below 0 is a difference, too: compare its absolute value "
            "(pillars/8_experiment.py).",
        )
        if difference == 0.1:
            power_of_tenth = power
    print(
        f"Measured: false alarms {percent(alarms, n_tests)} (with a look after every "
        f"100 visits: {percent(early, n_tests)}); a true difference of 0.1 is found in "
        f"{percent(power_of_tenth, n_tests)} of the tests."
    )


@explain_errors(
    "`weeks` is a list of arrays, which differ in length, so it cannot be turned into "
    "one array; the mean of each is a number (pillars/8_monitor.py)."
)
def test_8_monitor(exercise):
    def weeks_of(rng, growth):
        """Return twenty weeks of squared errors of 200 to 400 predictions."""
        weeks = []
        for number in range(20):
            sigma = 0.8 + growth * number
            weeks.append(rng.normal(0, sigma, rng.integers(200, 400)) ** 2)
        return weeks

    rng = np.random.default_rng(0)
    slow = [exercise.first_alarm(weeks_of(rng, 0.012)) for _ in range(200)]
    found = [number for number in slow if number is not None]
    check(
        set(found) <= set(range(1, 20)),
        f"In one of the series, the answer was {set(found) - set(range(1, 20))}. "
        "Return the position of a week, from 1 to 19 here, or None if there is no "
        "alarm.",
    )
    check(
        len(found) > 180,
        f"The typical error grew by 0.012 stars a week for 19 weeks, from 0.80 to "
        f"1.03: you found it in {len(found)} of 200 cases. From one week to the next "
        "such a step is hardly seen; since the first week the steps have added up "
        "(pillars/8_monitor.py).",
    )
    quiet = [exercise.first_alarm(weeks_of(rng, 0)) for _ in range(200)]
    false = np.mean([number is not None for number in quiet])
    check(
        false < 0.06,
        f"Nothing had changed, and the alarm rang in {false:.0%} of the cases. A mean "
        "of few errors differs from another by chance; only more than `limit` "
        "standard errors of both together count (pillars/8_monitor.py).",
    )
    better = exercise.first_alarm(weeks_of(rng, -0.03))
    check(
        better is None,
        "The errors got smaller every week, and the alarm rang. Only a growth is bad.",
    )
    jump = weeks_of(rng, 0)
    jump[12] = 4 * jump[12]
    number = exercise.first_alarm(jump)
    check(
        number == 12,
        f"The error doubled in week 12 of 0 to 19; the answer was {number}. Return the "
        "position of the first week with an alarm.",
    )
    worse_at_once = [weeks_of(rng, 0)[0], *weeks_of(np.random.default_rng(1), 0)]
    worse_at_once[1:] = [2 * week for week in worse_at_once[1:]]
    number = exercise.first_alarm(worse_at_once)
    check(
        number == 1,
        "In another series, the first week alone is good, and the squared errors of "
        f"all others are twice as large; the answer was {number}, not 1. Compare with "
        "the error of the new model: later weeks may be worse already "
        "(pillars/8_monitor.py).",
    )
    print(
        "Measured: a drift of 0.012 stars a week is found in week "
        f"{np.median(found):g} (median); false alarms in {percent(false, 200)} of "
        "the series without one."
    )
