"""Exercise of chapter 4, supervised learning (10 minutes): better, or only lucky?

Two models are compared by cross-validation, on the training rows alone; the test rows
are kept for the end. One of the two always has the smaller error, if only by luck, and
`is_better` takes every gain for real.

Task: return True only if the mean gain is more than twice its standard error.
Hint: `gain` holds one number per row. "Better, or only lucky?" in
    pillars/4_supervised.py prints each gain beside its standard error, by `gain.sem()`
    of pandas. `gain` is a NumPy array here, which has no `sem`: "standard error" in
    docs/words.md has the formula.
Check: python -m pytest exercises -k 4_supervised
"""

from sklearn.model_selection import KFold, cross_val_predict


def is_better(new, old, X, y):
    """Return True if the new model is better than the old one by more than luck.

    `new` and `old` are untrained regressors; X and y are arrays.
    """
    folds = KFold(5, shuffle=True, random_state=0)
    error_of_new = (y - cross_val_predict(new, X, y, cv=folds)) ** 2
    error_of_old = (y - cross_val_predict(old, X, y, cv=folds)) ** 2
    gain = error_of_old - error_of_new  # of each row
    return gain.mean() > 0  # TODO: could this be luck?
