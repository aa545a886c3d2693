"""Exercise of chapter 8, monitor (5 minutes): does the alarm hear a slow drift?

A service measures the errors of its predictions every week. The alarm below compares
each week with the one before. Tastes change slowly, so from one week to the next the
error grows by less than chance alone could explain: the alarm hardly rings more often
than without drift.

Task: let the alarm ring when the error has grown too much since the model was new.
Hint: pillars/8_monitor.py computes `changes`, too. What does it compare each period
    with?
Check: python -m pytest exercises -k 8_monitor
"""

import numpy as np


def first_alarm(weeks, limit=3):
    """Return the position of the first week with an alarm, or None if there is none.

    `weeks` is a list of arrays, the squared errors of each week; `limit` is the change
    of their mean, in standard errors, that is too much.
    """
    for number in range(1, len(weeks)):
        week = weeks[number]
        reference = weeks[number - 1]  # TODO: compare with which week?
        change = week.mean() - reference.mean()
        error = np.sqrt(week.var() / len(week) + reference.var() / len(reference))
        if change > limit * error:
            return number
    return None
