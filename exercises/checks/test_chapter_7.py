"""The checks of chapter 7: the map and the parts of scikit-learn.

Read a task before its check.
"""

import numpy as np
from checking import (
    check,
    check_of,
    check_returned,
    error_of,
    first_five,
    first_line,
)
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import get_tags
from sklearn.utils.discovery import all_estimators
from sklearn.utils.estimator_checks import check_estimator


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
    "pillars/7_map.py (its last part shows how to read a tag)",
    usual_causes="`get_tags` takes the object, not its class, and what you look for is "
    "among its `input_tags`: print `get_tags(estimator).input_tags` of one estimator.",
)
def test_7_map(exercise):
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
    "pillars/7_parts.py",
    usual_causes="`validate_data` takes the object itself first (self), then X, and "
    "returns the X to go on with. `reset=False` belongs in `transform` alone: there is "
    "nothing to compare with before `fit`. `check_is_fitted` takes self.",
)
def test_7_parts(exercise):
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
