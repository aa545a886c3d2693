"""The checks of chapter 7: the map and the parts of scikit-learn, and a messy table.

Read a task before its check.
"""

import numpy as np
import pandas as pd
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


# ----- 7_tickets

N_RENTALS = 12_000  # half of them to learn from, half to predict
N_AT_NEW_STATION = 50  # of those to predict, the first ones
#: How far from the log loss of the share to that of the true chances a model must come.
WAY_TO_GO = 0.75
#: A mean probability that is further above the share is no luck any more.
TOO_MANY_WARNINGS = 0.08


def rentals_and_chances(seed):
    """Return rentals of another city, and the true chance that each comes back late.

    They have the columns of the exercise's `rentals`, and other effects.
    """
    rng = np.random.default_rng(seed)
    n = N_RENTALS
    minutes = pd.to_timedelta(np.sort(rng.integers(0, 525_600, n)), unit="min")
    taken_at = pd.Timestamp("2026-01-01") + minutes
    spellings = {
        "city": ["city", "City", "city "],
        "cargo": ["cargo", "CARGO", " Cargo"],
        "electric": ["electric", "Electric", "electric "],
    }
    kind = rng.choice([*spellings], n)
    spelling = rng.integers(3, size=n)
    spelled = [spellings[name][number] for name, number in zip(kind, spelling)]
    station = rng.integers(101, 141, n)
    hours = rng.choice([1, 2, 3, 6, 12], n)
    birth_year = np.where(rng.random(n) < 0.3, np.nan, rng.integers(1945, 2008, n))

    logit = -2.6 + rng.normal(0, 1, 40)[station - 101] + 0.4 * np.log(hours)
    logit += np.where(kind == "electric", 1.2, 0) + np.where(np.isnan(birth_year), 1, 0)
    logit += np.where((taken_at.hour >= 6) & (taken_at.hour < 11), 1.5, 0)
    chances = 1 / (1 + np.exp(-np.asarray(logit)))
    late = rng.random(n) < chances
    euros = 2 * hours + late * rng.integers(5, 30, n)
    rows = pd.DataFrame(
        {
            "taken_at": taken_at.strftime("%d.%m.%Y %H:%M"),
            "kind": spelled,
            "station": station,
            "hours": hours,
            "deposit": rng.choice(["20,00", "50,00"], n),
            "paid": [f"{amount},00" for amount in euros],
            "birth_year": birth_year,
            "late": np.where(late, "yes", "no"),
        }
    )
    return rows, chances


def just_taken(rows):
    """Return the rows as they are when the bicycles are taken."""
    return rows.drop(columns="late").assign(paid=np.nan)


def check_features(features, rows, function="features_of"):
    """Return features; fail if they are no table with a row for each of the rows."""
    check_returned(features, function)
    check(
        isinstance(features, pd.DataFrame),
        f"`{function}` returned a {type(features).__name__}; it should be a DataFrame.",
    )
    check(
        len(features) == len(rows) and features.shape[1] > 0,
        f"Of {len(rows)} rentals, `{function}` made a table of {features.shape[0]} "
        f"rows and {features.shape[1]} columns. Every rental needs one row: the city "
        "asks about each of them, also where something is not known.",
    )
    return features


def as_text(features):
    """Return every value as text, so that gaps can be compared, too."""
    return features.reset_index(drop=True).astype(str)


@check_of(
    "pillars/7_tickets.py",
    usual_causes="the date has the format %d.%m.%Y %H:%M; a price is text until the "
    "comma has become a point; a category is text, so it needs an encoder, and a "
    "column with gaps an imputer, or a model that accepts gaps.",
)
def test_7_tickets(exercise):
    rows, chances = rentals_and_chances(seed=0)
    old = rows.iloc[: N_RENTALS // 2]
    new = rows.iloc[N_RENTALS // 2 :]
    before = old.copy()
    features = check_features(exercise.features_of(old), old)
    check(
        old.equals(before),
        "`features_of` has changed the table that it was given. Whoever calls it may "
        "still need the table: begin with a copy, `rows.copy()`, or make a new table.",
    )

    error = error_of(exercise.features_of, just_taken(old))
    check(
        error is None,
        "The bicycles have just been taken: there is no column `late` yet, and `paid` "
        f"is empty. There, `features_of` stopped: {first_line(error)}. A value that "
        "is not known when the city asks cannot become a feature.",
    )
    at_once = check_features(exercise.features_of(just_taken(old)), old)
    same = list(at_once.columns) == list(features.columns)
    changed = [
        str(name)
        for name in features.columns
        if not same or not as_text(features)[name].equals(as_text(at_once)[name])
    ]
    check(
        not changed,
        "Of the same rentals, your features are others when the bicycles have just "
        f"been taken than when they are back: {first_five(changed)}. So they hold "
        "something that nobody knows yet. In training, a model would learn to read "
        "it, and be much too good; when the city asks, it is not there.",
    )
    with_gap = np.flatnonzero(old["birth_year"].isna())[:1]
    rental = old.iloc[with_gap]
    alone = check_features(exercise.features_of(rental), rental)
    same = list(alone.columns) == list(features.columns)
    check(
        same and as_text(alone).equals(as_text(features.iloc[with_gap])),
        "Of one rental alone, your features are others than of the same rental "
        "among all. So `features_of` learns from the rows that it is given, such as "
        "their mean or their kinds. What is learned belongs into the model: `fit` "
        "learns it from the training rows, and `predict_proba` uses it.",
    )

    model = exercise.make_model()
    check_returned(model, "make_model")
    check(
        hasattr(model, "predict_proba"),
        f"`make_model` returned a {type(model).__name__} without `predict_proba`: the "
        "city wants a probability, so it needs a classifier.",
    )
    model.fit(features, (old["late"] == "yes").to_numpy())
    unseen = just_taken(new)
    unseen.loc[unseen.index[:N_AT_NEW_STATION], "station"] = 999
    unseen_features = check_features(exercise.features_of(unseen), unseen)
    error = error_of(model.predict_proba, unseen_features)
    check(
        error is None,
        "Among the new rentals are some from a later time than those of the training, "
        f"and some of a new station. There, `predict_proba` stopped: "
        f"{first_line(error)}. In the life of a model, there are always values that it "
        'has not seen. An encoder with handle_unknown="ignore" goes on.',
    )
    # What a model says of a new station is not scored: nobody can know its effect.
    says = np.asarray(model.predict_proba(unseen_features))[N_AT_NEW_STATION:, 1]
    spelled = unseen.assign(kind=unseen["kind"].str.strip().str.upper() + "  ")
    again = np.asarray(model.predict_proba(exercise.features_of(spelled)))
    again = again[N_AT_NEW_STATION:, 1]
    check(
        np.allclose(says, again),
        'We spelled all kinds in another way, such as "ELECTRIC  " for "electric", and '
        f"{np.mean(~np.isclose(says, again)):.0%} of the probabilities changed. They "
        "are the same bicycles, and tomorrow somebody will invent the next spelling.",
    )
    chances = chances[N_RENTALS // 2 + N_AT_NEW_STATION :]
    share = np.mean(old["late"] == "yes")
    dummy = expected_log_loss(share, chances)
    floor = expected_log_loss(chances, chances)
    yours = expected_log_loss(says, chances)
    check(
        np.mean(says) < share + TOO_MANY_WARNINGS,
        f"Of the new rentals, {np.mean(chances):.0%} come back late. Your model says "
        f"{np.mean(says):.0%} on average. Whoever decides by its probabilities warns "
        "far too many. Are the classes weighed in training, as "
        'class_weight="balanced" does?',
    )
    gain = (dummy - yours) / (dummy - floor)
    check(
        gain > WAY_TO_GO,
        f"The log loss of a model that always says the share is {dummy:.3f}, that of "
        f"somebody who knows the true chances {floor:.3f}, and yours {yours:.3f}: "
        f"{max(gain, 0):.0%} of the way, and {WAY_TO_GO:.0%} can be reached. Which "
        "column is not used as what it is? A station is a name, a date holds the hour, "
        "spellings differ, a gap may say something, and with more hours or a later "
        "time the chance need not grow evenly.",
    )
    print(
        f"Measured: log loss {yours:.3f}; that of the share {dummy:.3f}, of the true "
        f"chances {floor:.3f}: {gain:.0%} of the way."
    )


def expected_log_loss(said, chances):
    """Return the log loss to expect, if `chances` are true."""
    said = np.clip(said, 1e-6, 1 - 1e-6)
    return float(np.mean(-chances * np.log(said) - (1 - chances) * np.log(1 - said)))
