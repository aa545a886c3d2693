"""Run a piece of work in a copy of this process (POSIX): it may lose its disk or its
console, or be killed.
"""

import os
import pickle
import traceback

import pytest

POSIX = pytest.mark.skipif(os.name != "posix", reason="POSIX alone has these")
FORKS = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="a copy of the process is made, as only POSIX can"
)
#: What Python 3.12 and later say of every fork in a process with threads; the work here
#: starts none and needs none.
QUIET = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


def forked(work):
    """Return what `work()` returns in a child; fail with its traceback if it raises."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(read)
            try:
                answer = True, work()
            except BaseException:
                answer = False, traceback.format_exc()
            with open(write, "wb") as pipe:
                pickle.dump(answer, pipe)
            status = 0
        finally:
            os._exit(status)  # never on into the tests of the parent
    os.close(write)
    with open(read, "rb") as pipe:
        content = pipe.read()
    status = os.waitpid(child, 0)[1]
    assert status == 0 and content, (
        f"the child ended with status {status}, and told nothing"
    )
    good, answer = pickle.loads(content)
    assert good, answer
    return answer
