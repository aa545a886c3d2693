"""Names of files, and files that are written whole or not at all."""

import contextlib
import os
import stat
from pathlib import Path

from .checks import shorten

#: No system takes a longer name of a file.
LONGEST_NAME = 2**15


def check_file_name(name, value):
    """Return the name of a file or a folder as text, if it can be one.

    Parameters
    ----------
    name : str
        The parameter, for the message.
    value : str or path-like

    Returns
    -------
    text : str

    Raises
    ------
    TypeError
        If it is no name, such as an open file, or one of bytes.
    ValueError, OSError
        If no file can have this name.
    """
    try:
        text = os.fspath(value)
    except TypeError:
        text = None
    if not isinstance(text, str):
        raise TypeError(
            f"{name} must be the name of a file, as a str or a path-like object, "
            f"got {shorten(value)}."
        )
    if "\0" in text:
        raise ValueError(f"{name} must not contain a null character.")
    if len(text) > LONGEST_NAME:
        raise OSError(f"File name too long: {shorten(text)}.")
    return text


def check_file(filepath):
    """Return where a file can be written, with links followed.

    Parameters
    ----------
    filepath : str or path-like

    Returns
    -------
    path : Path

    Raises
    ------
    TypeError
        If `filepath` is no name of a file, such as an open file.
    OSError
        If there is something else than a file, or no folder for it.
    """
    filepath = check_file_name("filepath", filepath)
    if not filepath:
        raise FileNotFoundError("Cannot write a file whose name is empty.")
    if filepath.endswith(("/", os.sep)):
        raise IsADirectoryError(f"Cannot write {filepath}: it is the name of a folder.")
    path = Path(os.path.realpath(filepath))
    check_regular(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"Cannot write {filepath}: there is no folder {path.parent}."
        )
    return path


def check_regular(file):
    """Raise an OSError if something else than a file has this name."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        mode = os.stat(file).st_mode  # fails for a name that is too long
        if not stat.S_ISREG(mode):
            raise IsADirectoryError(
                f"Cannot write {file}: it is a folder, a device, a pipe or a socket."
            )


class Draft:
    """A file that is written beside `path`, and then takes its place.

    Its name is one that nobody can guess and no two savers share. A new file gets the
    usual permissions, and one that replaces another gets those of the other.

    Parameters
    ----------
    path : str or path-like
    """

    def __init__(self, path):
        self.path = Path(path)
        self.temporary = self.path.with_name(f".{os.urandom(16).hex()}.tmp")
        self.old_mode = None
        with contextlib.suppress(OSError):  # there is no old file
            self.old_mode = self.path.stat().st_mode & 0o777

    @contextlib.contextmanager
    def writing(self):
        """Give the file to write to; after the ``with``, all of it is on the disk."""
        mode = 0o666 if self.old_mode is None else self.old_mode

        def open_with_mode(name, flags):
            return os.open(name, flags, mode)

        # "x": never through a file or a link that is already there.
        with (
            _naming(self.path, self.temporary),
            open(self.temporary, "xb", opener=open_with_mode) as file,
        ):
            yield file
            file.flush()
            os.fsync(file.fileno())

    def replace(self):
        """Put the file in the place of `path`."""
        with _naming(self.path, self.temporary):
            if self.old_mode is not None:
                os.chmod(self.temporary, self.old_mode)
            os.replace(self.temporary, self.path)


@contextlib.contextmanager
def replacing(*paths):
    """Give a draft for each path; all of them take their places at the end.

    If anything fails before that, all paths stay as they were.

    Parameters
    ----------
    *paths : str or path-like
    """
    drafts = [Draft(path) for path in paths]
    try:
        yield drafts
        for draft in drafts:
            draft.replace()
    finally:
        for draft in drafts:
            with contextlib.suppress(OSError):  # of a read-only file system
                draft.temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _naming(path, temporary):
    """Name a file in the message if it, or its draft, cannot be written."""
    try:
        yield
    except OSError as error:
        # An error while writing names no file; another file is no matter of ours.
        if error.filename not in (None, str(temporary)):
            raise
        reason = error.strerror or error
        raise type(error)(f"Cannot write {path}: {reason}.") from error
