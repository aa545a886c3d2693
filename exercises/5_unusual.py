"""Exercise of chapter 5, unusual users (10 minutes): how good is a list of suspects?

A detector learns from users without being told which are shills, and sorts them, the
oddest first. Somebody checks the list from the top. `score_list` compares detectors by
accuracy, the share of users who are judged correctly. But 99 of 100 users are honest.

Task: return the average precision of the detector's list.
Hint: `average_precision_score` wants a number for each user, larger for a more likely
    shill. "score_samples is low" in pillars/5_unusual.py says what a detector gives.
Check: python -m pytest exercises -k 5_unusual
"""

from sklearn.metrics import accuracy_score


def score_list(detector, X, is_shill):
    """Return how near the top of the detector's list of suspects the shills are.

    `detector` is an untrained one, such as `IsolationForest()`. X is an array with a
    row for each user, and `is_shill` is True for the shills.
    """
    detector.fit(X)
    accused = detector.predict(X) == -1  # 1: like the others, -1: an outlier
    return accuracy_score(is_shill, accused)  # TODO: what if it accuses nobody?
