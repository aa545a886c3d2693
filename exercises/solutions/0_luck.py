"""Solution of exercise 0, luck: how far may this RMSE be off?

Good luck and bad luck even out in a mean, the more numbers it has, the better.
"""

import numpy as np


def error_of_rmse(ratings, predictions):
    """Return the standard error of the RMSE, in stars: one number.

    `ratings` and `predictions` are arrays, with one number per test row.
    """
    squares = (ratings - predictions) ** 2
    rmse = np.sqrt(squares.mean())
    error_of_mse = squares.std() / np.sqrt(len(squares))
    return error_of_mse / (2 * rmse)
