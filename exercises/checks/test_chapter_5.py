"""The check of chapter 5, unsupervised learning. Read the task before its check."""

import numpy as np
from checking import check, check_of, check_true_or_false


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


@check_of(
    "pillars/5_unsupervised.py",
    usual_causes="a covariance of columns says how widely each column of X spreads, "
    "and how each two go together: it has one row and one column per column of X. "
    "NumPy takes each *row* for a variable, so `np.cov(X)` compares the rows; write "
    "`np.cov(X, rowvar=False)`. The mean has one number per column, `X.mean(axis=0)`, "
    "and the third argument is the number of rows, `len(X)`.",
)
def test_5_unsupervised(exercise):
    correlated = [single_cloud(seed, 8, 0.9) for seed in (0, 3)]
    # By luck, the first two score above the mean of their controls. The last is long,
    # and its score of 0.4 is higher than that of the overlapping groups, 0.2.
    others = [single_cloud(seed, 4, 0) for seed in (2, 10)]
    others.append(np.random.default_rng(0).normal(size=(150, 3)) * [5, 2, 1])
    rng = np.random.default_rng(0)
    centres = np.repeat(rng.normal(size=(3, 8)), 50, axis=0)
    overlapping = centres + rng.normal(0, 1, (150, 8))
    clear = centres + rng.normal(0, 0.2, (150, 8))

    clear_score = exercise.separation(clear)
    answer = exercise.has_groups(clear.copy())
    check_true_or_false(answer, "has_groups")
    check(
        answer,
        "You found no groups where we put three clear ones (score "
        f"{clear_score:.2f}). Do the controls lose the groups? In rows that only "
        "change places, or are drawn from X, the groups are still there. Draw a single "
        "cloud with the mean and the covariance of X.",
    )

    controls = controls_of(exercise, overlapping + 10)
    same = [np.array_equal(control, controls[0]) for control in controls]
    check(
        len(same) < 2 or not all(same),
        "Your ten controls are all the same, so their standard deviation is 0, and "
        "every table that scores a little higher seems to have groups. Draw a new one "
        "each time, from one generator that is made before the loop.",
    )
    n_rows = {len(control) for control in controls}
    check(
        n_rows <= {len(overlapping)},
        f"Your controls have {min(n_rows, default=0)} rows, and X has "
        f"{len(overlapping)}. Few points seem well separated by luck, so the score "
        "depends on how many there are. A control keeps all but what is tested, the "
        "number of rows as well.",
    )

    wrong_correlated = [X for X in correlated if exercise.has_groups(X.copy())]
    wrong_others = [X for X in others if exercise.has_groups(X.copy())]
    wrong = wrong_correlated + wrong_others
    n_tables = len(correlated + others)
    scores = ", ".join(f"{exercise.separation(X):.2f}" for X in wrong)
    found = f"You found groups in {len(wrong)} of {n_tables} tables (scores {scores})"
    check(
        len(wrong) < n_tables,
        f"{found}, where by construction there are none. KMeans always finds groups, "
        "and its score depends on the shape of the data. Compare with data that has "
        "this shape but no groups.",
    )
    check(
        not wrong_correlated,
        f"{found}. Each is a single cloud; {len(wrong_correlated)} of them have "
        "correlated columns. No fixed limit serves all shapes, and controls without "
        "this correlation have another shape, with lower scores. A control keeps all "
        "but what is tested: keep the covariance.",
    )
    check(
        not wrong_others,
        f"{found}, where by construction there are none. Nearly a third of such tables "
        "score above the mean of their controls, by luck. Ask for more than three "
        "standard deviations of ten controls, and let the controls have the spread of "
        "each column.",
    )

    overlapping_score = exercise.separation(overlapping)
    check(
        exercise.has_groups(overlapping.copy()),
        "You found no groups where we put three that overlap (score "
        f"{overlapping_score:.2f}). Your limit is too high. A fixed "
        "amount does not serve all data: measure with the standard deviation of the "
        "controls.",
    )
    means = [np.mean(control) for control in controls]
    check(
        not means or abs(np.mean(means) - 10) < 1,
        f"Your controls have another mean than X: {np.mean(means):.1f} for 10. KMeans "
        "and the silhouette do not notice, because they only use distances. Another "
        "score may, and then the mean would be tested, not the groups. A control keeps "
        "all but what is tested, the mean of each column as well.",
    )
    spread = [np.cov(control, rowvar=False) for control in controls]
    expected = np.cov(overlapping, rowvar=False)
    check(
        not spread
        or np.abs(np.mean(spread, axis=0) - expected).max() < expected.max() / 2,
        "Your controls have another covariance than X where the mean of X is not 0. "
        "`X.T @ X / len(X)` is the covariance only if all means are 0; `np.cov` "
        "subtracts them first.",
    )

    shuffled = np.random.default_rng(0)
    fooled = 0
    for X in correlated:
        scores = [exercise.separation(shuffled.permuted(X, axis=0)) for _ in range(10)]
        fooled += exercise.separation(X) > np.mean(scores) + 3 * np.std(scores)
    print(
        f"Measured: you find groups in 0 of {n_tables} tables without groups "
        f"(controls with shuffled columns: in {fooled}), and in 2 of 2 with groups, at "
        f"scores of {clear_score:.2f} and {overlapping_score:.2f}."
    )
