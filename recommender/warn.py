"""Warnings that point to the line of whoever uses the lesson."""

import concurrent
import multiprocessing
import os
import sys
import threading
import warnings

import joblib
import sklearn

HERE = os.path.dirname(__file__)
#: Packages that only pass on what the user calls.
PACKAGES = (sklearn, joblib, concurrent, multiprocessing)
#: A warning never points into these files and folders.
PASSED_THROUGH = (
    os.path.join(HERE, ""),
    os.path.join(os.path.dirname(HERE), "lesson_code.py"),
    threading.__file__,
    *(os.path.join(next(iter(package.__path__)), "") for package in PACKAGES),
)


def warn(message):
    """Give a UserWarning that points to the first caller outside of the lesson.

    A thread does not know who started it: in a thread of a library, the warning points
    to no line.

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
