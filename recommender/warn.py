"""Warnings that point to the line of whoever uses the lesson."""

import os
import sys
import warnings

import joblib
import sklearn

HERE = os.path.dirname(__file__)
#: A warning never points into these: they only pass on what the user calls.
PASSED_THROUGH = (
    os.path.join(HERE, ""),
    os.path.join(os.path.dirname(HERE), "lesson_code.py"),
    os.path.join(os.path.dirname(sklearn.__file__), ""),
    os.path.join(os.path.dirname(joblib.__file__), ""),
)


def warn(message):
    """Give a UserWarning that points to the first caller outside of the lesson.

    Parameters
    ----------
    message : str
    """
    stacklevel = 2  # the caller of this function
    frame = sys._getframe(1)
    while frame and frame.f_code.co_filename.startswith(PASSED_THROUGH):
        frame = frame.f_back
        stacklevel += 1
    warnings.warn(message, stacklevel=stacklevel)
