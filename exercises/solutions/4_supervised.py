"""Solution of exercise 4, supervised learning: better, or only lucky?

The difference is taken row by row: a row that is hard for both models then adds nothing
to the standard error. (The folds share training rows, so this standard error is a
little too small. Near the limit, get more rows.)
"""

import numpy as np
from sklearn.model_selection import KFold, cross_val_predict


def is_better(new, old, X, y):
    """Return True if the new model is better than the old one by more than luck.

    `new` and `old` are untrained regressors; X and y are arrays.
    """
    folds = KFold(5, shuffle=True, random_state=0)
    error_of_new = (y - cross_val_predict(new, X, y, cv=folds)) ** 2
    error_of_old = (y - cross_val_predict(old, X, y, cv=folds)) ** 2
    gain = error_of_old - error_of_new  # of each row
    standard_error = gain.std() / np.sqrt(len(gain))
    return gain.mean() > 2 * standard_error
