"""Run a piece of work in a copy of this process (POSIX): it may lose its rights, its
disk or its console, or be killed.
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


def drop_rights(folder):
    """Become a user without rights, to whom `folder` is the root of all files (as root;
    else only go there).

    Permissions do not stop root; and the folders of pytest are closed to all others, so
    their paths must go, too.
    """
    if os.getuid() != 0:
        return os.chdir(folder)
    os.chroot(folder)
    os.chdir("/")
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


def as_nobody(folder, work):
    """Return what `work()` returns in a child that has dropped its rights; skip where
    that is not possible.
    """
    if os.getuid() == 0:
        try:
            forked(lambda: drop_rights(folder))
        except AssertionError as error:
            reason = str(error).strip().splitlines()[-1]
            pytest.skip(f"root may not drop its rights here: {reason}")

    def drop_and_work():
        drop_rights(folder)
        return work()

    return forked(drop_and_work)
