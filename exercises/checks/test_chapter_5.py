"""The checks of chapter 5: unsupervised and unusual. Read a task before its check."""

import numpy as np
from checking import check, check_of, check_returned, check_true_or_false
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.ensemble import IsolationForest
from sklearn.metrics import accuracy_score, average_precision_score

# ----- 5_unsupervised


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


# ----- 5_unusual


class Reader(OutlierMixin, BaseEstimator):
    """A detector that reads how odd a user is from the first column of X.

    It accuses whoever is above `limit`.
    """

    def __init__(self, limit=np.inf):
        self.limit = limit

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def score_samples(self, X):
        return -X[:, 0]

    def decision_function(self, X):
        return self.limit - X[:, 0]

    def predict(self, X):
        return np.where(X[:, 0] > self.limit, -1, 1)


def make_list(places, n_users=1000, seed=0):
    """Return the users of a list with shills at some places, in a random order.

    The first place of the list is 1. X has one column: how odd the user is.
    """
    place = np.random.default_rng(seed).permutation(n_users) + 1
    X = 3 - 5 * place[:, None] / n_users  # from 3 down to -2
    return X, np.isin(place, places)


@check_of(
    "pillars/5_unusual.py",
    usual_causes="import `average_precision_score` from sklearn.metrics. Its first "
    "argument is what is true, `is_shill`, and its second one number for each user. "
    "`fit` comes before `score_samples`; both get X.",
)
def test_5_unusual(exercise):
    def score(detector, X, is_shill):
        answer = exercise.score_list(detector, X.copy(), is_shill.copy())
        check_returned(answer, "score_list")
        check(
            np.ndim(answer) == 0,
            f"`score_list` returned an array of the shape {np.shape(answer)}. A list "
            "of suspects has one score, a number.",
        )
        return float(answer)

    # A list whose order is chance. The detector accuses nobody.
    X, is_shill = make_list(range(60, 1000, 100))
    of_nobody = score(Reader(), X, is_shill)
    check(
        of_nobody < 0.5,
        "A detector whose list is in a random order, and that accuses nobody, gets "
        f"{of_nobody:.2f} from you. Of 1000 users, 10 are shills, so it has judged 99 "
        "of 100 correctly, and found no shill at all. Where few are shills, accuracy "
        "praises whoever accuses nobody. Average precision asks for the list: how near "
        "the top are the shills?",
    )

    top = range(1, 11)
    X, is_shill = make_list(top)
    first = score(Reader(0.0), X, is_shill)
    last = score(Reader(0.0), -X, is_shill)
    check(
        first > last,
        f"You give {first:.2f} to a list with all shills at the top, and {last:.2f} to "
        "one with all of them at the bottom. `score_samples` and `decision_function` "
        "are *low* for outliers; average precision wants a number that is large for "
        "them.",
    )
    scores = [score(Reader(limit), X, is_shill) for limit in (np.inf, 2.0, -1.0)]
    check(
        np.ptp(scores) < 1e-9,
        f"Three detectors have the same list, and you give them {scores[0]:.2f}, "
        f"{scores[1]:.2f} and {scores[2]:.2f}. They differ only in how many users they "
        "accuse. Whoever checks the list from the top decides that anew. `predict` "
        "says yes or no, and all with a yes would share a place. Take the numbers "
        "behind it, `score_samples`.",
    )
    check(
        abs(first - 1) < 1e-9,
        f"All ten shills are at the top of the list, and you give it {first:.2f}. Its "
        "average precision is 1.",
    )

    # Of ten shills, half are at the top and half in the middle; or all are rather high.
    X, is_shill = make_list([1, 2, 3, 4, 5, 500, 520, 540, 560, 580])
    half_found = score(Reader(), X, is_shill)
    X, is_shill = make_list(range(100, 200, 10))
    none_found = score(Reader(), X, is_shill)
    check(
        half_found > none_found,
        "In one list, five of ten shills are at the places 1 to 5, and the others in "
        f"the middle: you give it {half_found:.2f}. In another, all ten are between "
        f"place 100 and place 190 of 1000: {none_found:.2f}. Whoever checks the first "
        "20 finds five shills in the first list, and none in the second. The area "
        "under the ROC curve prefers the second, because it counts how many honest "
        "users are behind each shill; average precision looks at the top.",
    )
    for places in ([1, 3], [2, 4, 6], [10], [7, 8, 30, 31, 900]):
        X, is_shill = make_list(places, seed=places[0])
        answer = score(Reader(), X, is_shill)
        precisions = [(n + 1) / place for n, place in enumerate(places)]
        expected = np.mean(precisions)
        check(
            abs(answer - expected) < 1e-6,
            f"In a list of 1000, the shills are at the places {places}. Its average "
            f"precision is {expected:.3f}: at each shill, the share of shills down to "
            f"there, and then the mean. You return {answer:.3f}.",
        )

    # A detector that must learn.
    rng = np.random.default_rng(5)
    is_shill = np.arange(500) < 10
    X = rng.normal(size=(500, 3)) + 2.5 * is_shill[:, None]
    forest = IsolationForest(random_state=0).fit(X)
    expected = average_precision_score(is_shill, -forest.score_samples(X))
    answer = score(IsolationForest(random_state=0), X, is_shill)
    check(
        abs(answer - expected) < 1e-6,
        f"An isolation forest, trained on all {len(X)} users, has an average precision "
        f"of {expected:.3f}, and you return {answer:.3f}. Train the detector on X, all "
        "of it, and use the numbers of the same detector. Nobody tells it which users "
        "are shills: shills in the training rows are what it has to cope with.",
    )
    accuracy = accuracy_score(is_shill, forest.predict(X) == -1)
    print(
        f"Measured: an isolation forest has an average precision of {answer:.2f} "
        f"(accuracy {accuracy:.2f}); by chance it is about {is_shill.mean():.2f} "
        f"(accuracy {1 - is_shill.mean():.2f} for who accuses nobody)."
    )
