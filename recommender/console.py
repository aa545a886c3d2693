"""What a command line needs: any console, errors of one line, closed pipes."""

import argparse
import os
import sys
from contextlib import contextmanager

#: The characters of an error on the command line; there is room for a path in it.
LONGEST_LINE = 600


def say(line):
    """Print a line at once, with "?" for what the console cannot show.

    Old consoles of Windows have no check mark, for example.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(line.encode(encoding, "replace").decode(encoding), flush=True)


def is_terminal(stream):
    """Return whether somebody may be looking at a stream."""
    return stream is not None and stream.isatty()


def progress_level(verbose):
    """Return the `verbose` of scikit-learn, which shows its progress on stdout.

    It shows it only in a terminal.
    """
    return 2 if verbose and is_terminal(sys.stdout) else 0


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, without the usage."""

    def print_help(self, file=None):
        """Print the help on any console."""
        say(self.format_help()[:-1])

    def error(self, message):
        """End with status 2 and one line."""
        line = " ".join(message.split())
        if len(line) > LONGEST_LINE:  # of argparse, which shows what was typed in
            line = f"{line[: LONGEST_LINE // 2]} ... {line[-LONGEST_LINE // 3 :]}"
        self.exit(2, f"{self.prog}: {line}\n" if sys.stderr else None)


@contextmanager
def one_line_errors(parser):
    """Turn errors into lines, and let a closed pipe end in silence.

    Parameters
    ----------
    parser : OneLineParser
        Its program's name begins the line.
    """
    try:
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
