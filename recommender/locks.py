"""A lock for the whole process that a forked child does not inherit as held."""

import os
import threading


class ProcessLock:
    """A lock, to be used by ``with``, that is free at the start of a child process.

    A fork copies a lock as it is, but not the thread that holds it: in the child,
    nobody would ever free it.
    """

    def __init__(self):
        self._make_new()
        if hasattr(os, "register_at_fork"):  # Windows does not fork
            os.register_at_fork(after_in_child=self._make_new)

    def _make_new(self):
        self._lock = threading.Lock()

    def __enter__(self):
        self._lock.acquire()

    def __exit__(self, *error):
        self._lock.release()
