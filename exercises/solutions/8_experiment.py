"""Solution of exercise 8, A/B test: when may a test end?

A test that must be able to stop early needs a stricter limit at every look; ask for
"sequential testing".
"""

import math

import numpy as np


def models_differ(a, b, rate, difference):
    """Return True if the test says that the two models differ.

    `a` and `b` are arrays, one number per visit in the order of the visits: 1 for a
    success, 0 for none. `rate` is the share of successes that is expected,
    `difference` the smallest difference of two shares that matters.
    """
    n = math.ceil((1.96 + 0.84) ** 2 * 2 * rate * (1 - rate) / difference**2)
    observed = b[:n].mean() - a[:n].mean()
    error = np.sqrt((a[:n].var() + b[:n].var()) / n)
    return abs(observed) > 1.96 * error
