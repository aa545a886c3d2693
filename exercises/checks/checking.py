"""What the checks of the exercises share.

A check tests a property on data of its own, so an answer that is written down as a
number does not pass.
"""

import functools
import os
import re
import subprocess
import sys
import textwrap
import traceback
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin

from lesson_code import MovieRecommendationDataset

#: The folder of lesson_code.
ROOT = Path(__file__).resolve().parents[2]


class WrongAnswer(Exception):
    """A program does not do what its task asks for. The message says why."""


def check(holds, message):
    """Raise WrongAnswer with a message, unless something holds.

    The message says what went wrong, and why it matters. `check_of` adds where that is
    explained.
    """
    if not holds:
        raise WrongAnswer(message)


def check_of(place, usual_causes):
    """Turn what is wrong with a program into a message for the learner.

    Of an error, Python's message says what happened in a library. Ours adds the line of
    the exercise, and what usually causes an error there. An error of a solution is a
    fault of the check, and is shown as it is.

    Parameters
    ----------
    place : str
        Where the exercise is explained: the last words of every message.
    usual_causes : str
        What usually causes an error in this exercise.
    """

    def decorate(check_of_exercise):
        @pytest.mark.filterwarnings("ignore")  # Warnings are not what is checked.
        @functools.wraps(check_of_exercise)
        def guarded(exercise, **fixtures):
            message = None
            try:
                check_of_exercise(exercise, **fixtures)
            except WrongAnswer as wrong:
                message = str(wrong)
            except (Exception, SystemExit) as error:
                if Path(exercise.__file__).parent.name == "solutions":
                    raise
                message = describe_error(error, exercise, usual_causes)
            if message is not None:
                # Outside of any `except`: the message alone is shown.
                message = textwrap.fill(f"{message} See {place}.", 100)
                pytest.fail(message, pytrace=False)

        return guarded

    return decorate


def describe_error(error, exercise, usual_causes):
    """Return a message: where the program stopped, by which error, and why."""
    is_missing = isinstance(error, AttributeError) and error.obj is exercise
    if is_missing:
        return (
            f"Your program has no `{error.name}`. Keep the names of the functions: "
            "the check calls them."
        )

    reason = type(error).__name__
    lines = [line for line in str(error).splitlines() if line.strip()]
    if lines:
        # Where many fits have failed, the last line says why.
        line = lines[-1] if "Error:" in lines[-1] else lines[0]
        reason += f": {shorten(line)}"

    where = "The check stopped where it used what your program returned."
    steps = traceback.extract_tb(error.__traceback__)
    own_steps = [step for step in steps if step.filename == exercise.__file__]
    if own_steps:
        last = own_steps[-1]
        statement = last.line.partition("  #")[0]
        where = f"Your program stopped in line {last.lineno}, `{statement}`:"
    if own_steps and type(error) is NameError:
        usual_causes = "is the name spelled right, and imported at the top?"
    return f"{where} {reason}. Check this: {usual_causes}"


# ----- What an answer must be


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


def check_true_or_false(answer, function):
    """Fail if the answer to a question of yes or no is anything else."""
    check_returned(answer, function)
    shown = " ".join(repr(answer).split())[:60]
    check(
        isinstance(answer, bool | np.bool_),
        f"`{function}` returned {shown}, which is neither True nor False. In an `if`, "
        "every word counts as True and so does every number but 0, and an array has "
        "one answer per row. The question has one answer: return one comparison.",
    )


def error_of(function, *arguments):
    """Return the error that stops a call, or None."""
    try:
        function(*arguments)
    except Exception as error:
        return error
    return None


def first_line(error):
    """Return the first line of what an error says, without a full stop."""
    return shorten(str(error).strip().partition("\n")[0])


def shorten(line):
    """Return a line as a part of a sentence: not too long, and without a full stop.

    Of a list of many items, such as row numbers, three are kept.
    """
    line = re.sub(r"(\[[^],]+(?:,[^],]+){2}),[^]]+\]", r"\1, ...]", line)
    return textwrap.shorten(line, 160, placeholder=" ...").rstrip(".")


# ----- Data, a model, and a process of its own


def ratings(n_ratings=3000, seed=1):
    """Return a table of ratings, which no exercise contains."""
    return MovieRecommendationDataset(300, 150, n_ratings, seed).generate()


class MeanOf(RegressorMixin, BaseEstimator):
    """A model that answers the mean of the training ratings with the same label.

    `column` has the labels, such as those of users. Five ratings of the mean of all are
    added (damping). A new label gets that mean.
    """

    def __init__(self, column="user_id"):
        self.column = column

    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        by_label = pd.Series(np.asarray(y)).groupby(X[self.column].to_numpy())
        self.means_ = (by_label.sum() + 5 * self.mean_) / (by_label.size() + 5)
        return self

    def predict(self, X):
        return X[self.column].map(self.means_).fillna(self.mean_).to_numpy()


def run_fresh(program, *arguments, **environment):
    """Run a program in a fresh process, which can import the lesson."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
    )


def last_line(process):
    """Return the last line of a process's errors, without a full stop."""
    return process.stderr.strip().rpartition("\n")[2].rstrip(".")


# ----- Figures as text


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


def first_five(names):
    """Return the names as text: five of them, and how many more there are."""
    if not names:
        return "none"
    text = ", ".join(names[:5])
    if len(names) > 5:
        text += f" and {len(names) - 5} more"
    return text
