"""Exercise of chapter 8, A/B test (10 minutes): when may a test end?

Two models are compared in an A/B test: which share of their visits is a success?
`models_differ` looks after every 100 visits, and ends the test as soon as p < 0.05 (the
difference is above 1.96 standard errors). One such look is wrong in 5 % of all tests of
equal models. But it looks again and again, and each look may be wrong.

Task: decide once, from the first n visits of each model. Before the test, compute n
    (per model) by the chapter's formula for 80 % power, and round up.
Hint: "How many visits?" in pillars/8_experiment.py has the formula. Which arguments of
    the function are known before the first visit?
Check: python -m pytest exercises -k 8_experiment
"""

import numpy as np


def models_differ(a, b, rate, difference):
    """Return True if the test says that the two models differ.

    `a` and `b` are arrays, one number per visit in the order of the visits: 1 for a
    success, 0 for none. `rate` is the share of successes that is expected,
    `difference` the smallest difference of two shares that matters.
    """
    for n in range(100, len(a) + 1, 100):  # TODO: how often may a test look?
        observed = b[:n].mean() - a[:n].mean()
        error = np.sqrt((a[:n].var() + b[:n].var()) / n)
        if abs(observed) > 1.96 * error:
            return True
    return False
