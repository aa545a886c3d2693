"""Start a script as a module, ready for Ctrl-C before anything large is imported."""

import os
import signal
import sys
import warnings
from importlib import import_module

INTERRUPTED = 130  # the status that shells give to what Ctrl-C has ended


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
    name, ending = os.path.splitext(os.path.basename(os.path.realpath(file)))
    if spec is not None:
        name = spec.name
    elif ending != ".py" or "." in name:
        sys.exit(f"Save {file} as lesson_code.py: a saved model names its module.")

    answers_ctrl_c = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if answers_ctrl_c:
        # In the middle of an import, an exception might be lost or changed.
        signal.signal(signal.SIGINT, _end_at_once)
    module = import_module(name)
    _show_warnings_in_one_line()
    if answers_ctrl_c:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    status = module.main()
    if answers_ctrl_c:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done: end in peace
    return status


def _end_at_once(*_):
    if sys.stderr:
        print(f"\n{_program()}: interrupted", file=sys.stderr, flush=True)
    os._exit(INTERRUPTED)


def _show_warnings_in_one_line():
    """Show warnings as the command line shows errors.

    This is done here, where the process is ours, because all threads share it.
    """
    from sklearn.exceptions import InconsistentVersionWarning

    def show(message, *_, **__):
        # In threads, scikit-learn sets the filters of the process, and may then miss
        # its own: that is no matter of ours.
        is_of_threads = "sklearn.utils.parallel" in str(message)
        if sys.stderr and not is_of_threads:
            print(f"{_program()}: {message}", file=sys.stderr, flush=True)

    warnings.showwarning = show
    # One warning of ours stands for one of each estimator, unless -W asks for them.
    warnings.filterwarnings("ignore", category=InconsistentVersionWarning, append=True)


def _program():
    return os.path.basename(sys.argv[0])
