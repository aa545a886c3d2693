"""Exercise of chapter 0, luck (5 minutes): how far may this RMSE be off?

A model has an RMSE of 0.84 stars on its test rows. With other test rows, the figure
would be another one. `error_of_rmse` should say how far it would typically move, the
standard error, from one test set alone. But what it returns stays the same however many
test rows there are.

Task: return the standard error of the RMSE, in stars.
Hint: the MSE is a mean, of the squared errors. First find the standard error of this
    mean: "What a single test set can say" in pillars/0_luck.py has the formula. The
    step from there to the RMSE is already in the last line.
Check: python -m pytest exercises -k 0_luck
"""

import numpy as np


def error_of_rmse(ratings, predictions):
    """Return the standard error of the RMSE, in stars: one number.

    `ratings` and `predictions` are arrays, with one number per test row.
    """
    squares = (ratings - predictions) ** 2
    rmse = np.sqrt(squares.mean())
    error_of_mse = squares.std()  # TODO: how far does a mean of many numbers move?
    return error_of_mse / (2 * rmse)
