"""Exercise of chapter 7, the map (5 minutes): which regressors accept missing values?

Every estimator of scikit-learn has tags: facts about itself that a program can
read. The function below guesses from the name instead. It misses most of the estimators
that accept missing values.

Task: choose the estimators by their tags, not by their names.
Hint: `sklearn.utils.get_tags` returns the tags of an estimator. Print those of one, and
    look for what concerns its input.
Check: python -m pytest exercises -k 7_map
"""


def accept_missing_values(estimators):
    """Return those of the estimators that accept missing values (NaN) in X.

    `estimators` is a list of unfitted objects.
    """
    return [
        one
        for one in estimators
        if "Hist" in type(one).__name__  # TODO: does a name say it?
    ]
