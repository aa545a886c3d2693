"""What a command line needs: errors of one line, interrupts, and closed pipes.

This file imports only the standard library: `run_script` must be ready for Ctrl-C
before NumPy, pandas and scikit-learn are loaded, which takes more than a second.
"""

import argparse
import importlib
import os
import signal
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

INTERRUPTED = 130  # the status that shells give to what Ctrl-C has ended


def say(line):
    """Print a line at once, with "?" for what the console cannot show.

    Old consoles of Windows have no check mark, for example.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(line.encode(encoding, "replace").decode(encoding), flush=True)


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, without the usage."""

    def print_help(self, file=None):
        """Print the help on any console."""
        say(self.format_help()[:-1])

    def error(self, message):
        """End with status 2 and one line."""
        line = " ".join(message.split())
        self.exit(2, f"{self.prog}: {line}\n" if sys.stderr else None)


def run_script(file, spec):
    """Import a script under its own name, run its `main`, and return the exit status.

    The classes of a program that is run directly are pickled as ``__main__.X``, which
    loads in no other program. Those of a module are pickled as ``module.X``.

    Parameters
    ----------
    file : str
        The `__file__` of the script.
    spec : ModuleSpec or None
        Its `__spec__`, which has the name of a module that is run by ``python -m``.

    Returns
    -------
    status : int
    """
    name = Path(file).stem if spec is None else spec.name
    previous = signal.getsignal(signal.SIGINT)
    if previous is signal.default_int_handler:
        # In the middle of an import, an exception might be lost or changed.
        signal.signal(signal.SIGINT, _end_at_once)
    module = importlib.import_module(name)
    signal.signal(signal.SIGINT, previous)
    return module.main()


def _end_at_once(*_):
    if sys.stderr:
        program = Path(sys.argv[0]).name
        print(f"\n{program}: interrupted", file=sys.stderr, flush=True)
    os._exit(INTERRUPTED)


@contextmanager
def one_line_errors(parser):
    """Turn errors and warnings into lines, and let a closed pipe end in silence.

    Parameters
    ----------
    parser : OneLineParser
        Its program's name begins each line.
    """

    def show(message, *_, **__):
        if sys.stderr:
            print(f"{parser.prog}: {message}", file=sys.stderr, flush=True)

    try:
        with warnings.catch_warnings():
            warnings.showwarning = show
            yield
    except (ValueError, OSError, MemoryError, ImportError) as error:
        if _is_of_print(error):
            _discard_output()
        if not isinstance(error, BrokenPipeError):  # `head`, say, has read enough
            parser.error(str(error))


def _is_of_print(error):
    """Return whether the output could not be written: such an error names no file."""
    return getattr(error, "errno", None) is not None and error.filename is None


def _discard_output():
    """Send what is still to be printed nowhere: at the end, it would fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
