"""Solution of exercise 8, monitor: does the alarm hear a slow drift?

Small steps add up since the first week; from week to week they stay small.
"""

import numpy as np


def first_alarm(weeks, limit=3):
    """Return the position of the first week with an alarm, or None if there is none.

    `weeks` is a list of arrays, the squared errors of each week; `limit` is the change
    of their mean, in standard errors, that is too much.
    """
    for number in range(1, len(weeks)):
        week = weeks[number]
        reference = weeks[0]
        change = week.mean() - reference.mean()
        error = np.sqrt(week.var() / len(week) + reference.var() / len(reference))
        if change > limit * error:
            return number
    return None
