"""Read one file of a MovieLens release, or name its first broken line.

pandas' fast parser reads a file. If it fails, or if what it has read looks odd, the
file is read again line by line, to find out which line is broken, and why.
"""

import csv
import io
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from .checks import LIMIT
from .ids import LARGEST_FLOAT_ID, LARGEST_ID
from .table import LATEST

#: How a number is written: "4", "4.0", ".5" or "1e5", with or without blanks around it.
NUMBER = re.compile(
    r"[ \t\v\f]*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?[ \t\v\f]*"
)
WHOLE_NUMBER = re.compile(r"[ \t\v\f]*[-+]?[0-9]{1,19}[ \t\v\f]*")
#: What a byte becomes that is no UTF-8, where errors="surrogateescape".
NO_UTF8 = re.compile("[\udc80-\udcff]")
#: A letter beyond ASCII in UTF-8. In Latin-1, these signs hardly come in a row.
UTF8_LETTER = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
#: What stands between two fields where the separator of a file has two characters.
UNIT_SEPARATOR = "\x1f"
#: A name for the fields that a line may have too many.
SURPLUS = "surplus"


class Kind(NamedTuple):
    """What the fields of a column hold."""

    expected: str  # the end of the sentence "rating must be ..."
    dtype: type
    least: float = -np.inf
    largest: float = np.inf

    def accepts(self, text):
        """Return whether a field may hold this text."""
        if self.dtype is str:
            return self is not TEXT_ID or text != ""
        if not NUMBER.fullmatch(text):
            return False
        if WHOLE_NUMBER.fullmatch(text):
            return self.least <= int(text) <= self.largest
        value = float(text)
        # Where floats are exact, a float such as "1.0" is a whole number.
        is_whole = value.is_integer() and abs(value) < LARGEST_FLOAT_ID
        is_right = is_whole or self.dtype is np.float64
        return is_right and self.least <= value <= self.largest


ID = Kind("a whole number of 64 bits", np.int64, -LARGEST_ID, LARGEST_ID)
TEXT_ID = Kind("an id, not empty", str)
SECONDS = Kind(
    "a whole number of Unix seconds, up to the year 2200", np.int64, 1 - LIMIT, LATEST
)
QUANTITY = Kind("a finite number below 1e15", np.float64, 1 - LIMIT, LIMIT - 1)
FLAG = Kind("0 or 1", np.int64, 0, 1)
TEXT = Kind("text", str)  # a field without text is missing


class Layout(NamedTuple):
    """How a file of a release is written."""

    separator: str
    header: str | None  # the first line; None: the file has no header
    columns: dict[str, Kind]

    @property
    def is_csv(self):
        """Whether the file belongs to one of the releases since 2014."""
        return self.header is not None


def read_file(file, layout):
    """Read one file of a release.

    Parameters
    ----------
    file : Path or zipfile.Path
    layout : Layout

    Returns
    -------
    table : DataFrame
        The columns of the layout; a text that is empty is NaN.

    Raises
    ------
    ValueError
        If a line is broken; the message names the line. A CSV file must be UTF-8; the
        files of other releases may also be Latin-1.
    """
    encoding = "utf-8-sig"
    try:
        table = _parse(file, layout, encoding)
    except UnicodeDecodeError:
        table = None
        if not _must_be_utf8(file, layout):  # the releases of 1998 to 2003
            encoding = "latin-1"
            table = _parse(file, layout, encoding)

    if table is not None:
        table = _with_exact_ids(table, file, layout, encoding)
    if table is None or _looks_odd(table, layout):
        fault = _first_fault(file, layout, encoding)
        if fault is not None:
            raise ValueError(f"{file.name}, {fault}.")
    if table is None or table.empty:
        raise ValueError(f"{file.name} holds no rows, or cannot be read.")
    return table.drop(columns=SURPLUS)


def _must_be_utf8(file, layout):
    """Return whether a byte that is no UTF-8 is a fault, and not Latin-1.

    Those of 10M and the releases since are UTF-8, and those before are Latin-1. If a
    file has letters of UTF-8, one bad byte must not turn all of them into other signs.
    """
    if layout.is_csv:
        return True
    with file.open("rb") as stream:
        return any(UTF8_LETTER.search(line) for line in stream)


def first_fields(file, layout):
    """Return the fields of the first line that has any; [] if there is none."""
    _, line = _first_lines(file, layout, "utf-8-sig", errors="replace")
    return _fields(line, layout) or []


def _first_lines(file, layout, encoding, errors="strict"):
    """Return the header (None if the layout has none) and the first line with fields.

    The second one is "" if there is none.
    """
    with file.open("r", encoding=encoding, errors=errors) as stream:
        header = stream.readline().strip() if layout.is_csv else None
        lines = (line.rstrip("\n") for line in stream)
        return header, next((line for line in lines if not _is_blank(line, layout)), "")


def _parse(file, layout, encoding):
    """Return a file as a DataFrame; None if pandas cannot read it as it is expected."""
    header, first_line = _first_lines(file, layout, encoding)
    fields = _fields(first_line, layout)
    # In the first line with fields, pandas only warns of surplus ones.
    if fields is None or len(fields) > len(layout.columns) + 1:
        return None
    content = _content(file, layout)
    if header != layout.header or content is None:
        return None
    types = {name: kind.dtype for name, kind in layout.columns.items()}
    types[SURPLUS] = "category"  # a byte a row, as nearly all are missing
    try:
        return pd.read_csv(
            content,
            sep=layout.separator if len(layout.separator) == 1 else UNIT_SEPARATOR,
            names=list(types),
            dtype=types,
            index_col=False,
            encoding=encoding,
            quoting=csv.QUOTE_MINIMAL if layout.is_csv else csv.QUOTE_NONE,
            na_values=[""],
            keep_default_na=False,
            skiprows=1 if layout.is_csv else 0,
        )
    except UnicodeDecodeError:
        raise
    except (ValueError, OverflowError):
        return None


def _content(file, layout):
    """Return what pandas should read; None if there is a NUL character in it.

    Before version 3.1, pandas drops what follows a NUL in a field.
    """
    if isinstance(file, Path) and len(layout.separator) == 1:
        with file.open("rb") as stream:
            while chunk := stream.read(2**16):
                if b"\0" in chunk:
                    return None
        # pandas opens a path itself, which takes less time than a stream of ours.
        return file.absolute()

    data = file.read_bytes()
    if b"\0" in data:
        return None
    if len(layout.separator) > 1:  # the fast parser knows only single characters
        data = data.replace(layout.separator.encode(), UNIT_SEPARATOR.encode())
    return io.BytesIO(data)


def _with_exact_ids(table, file, layout, encoding):
    """Return the table with exact ids; None if some ids are no whole numbers.

    If one id is written as a float, such as "1.0", pandas takes all ids of the column
    for floats, which are not exact beyond 2**53. Such columns are read again, as text.
    """
    as_text = {}
    for name, kind in layout.columns.items():
        if kind is ID and not table.empty:
            ids = table[name].to_numpy()
            if ids.min() <= -LARGEST_FLOAT_ID or ids.max() >= LARGEST_FLOAT_ID:
                as_text[name] = TEXT_ID
    if not as_text:
        return table

    layout = layout._replace(columns=layout.columns | as_text)
    texts = _parse(file, layout, encoding)
    for name in as_text:
        codes, distinct = pd.factorize(texts[name])
        if not all(ID.accepts(text) for text in distinct):
            return None
        ids = [_whole_number(text) for text in distinct]
        table[name] = np.array(ids, dtype=np.int64)[codes]
    return table


def _whole_number(text):
    return int(text) if WHOLE_NUMBER.fullmatch(text) else int(float(text))


def _looks_odd(table, layout):
    """Return whether a line may be broken, although pandas has read the file.

    A line with too few fields leaves the last column empty, and one with too many fills
    the surplus one. An empty text at the end of a line looks odd, too, but is right.
    """
    if table.empty or table[SURPLUS].notna().any():
        return True
    last = list(layout.columns)[-1]
    for name, kind in layout.columns.items():
        column = table[name]
        if kind.dtype is not str:
            values = column.to_numpy()
            # A comparison with NaN is False.
            if not (values.min() >= kind.least and values.max() <= kind.largest):
                return True
            continue
        if (name == last or kind is TEXT_ID) and column.isna().any():
            return True
        if layout.is_csv and _holds_line_end(column):
            return True
    return False


def _holds_line_end(column):
    """Return whether a quote that is never closed has swallowed the next line."""
    text = "".join(column.fillna("").tolist())
    return "\n" in text or "\r" in text


def _first_fault(file, layout, encoding):
    """Return which line is the first broken one, and why; None if all are whole."""
    must_be_utf8 = _must_be_utf8(file, layout)
    with file.open("r", encoding=encoding, errors="surrogateescape") as stream:
        for number, line in enumerate(stream, 1):
            line = line.rstrip("\n")
            is_header = number == 1 and layout.is_csv
            fault = _encoding_fault(line) if must_be_utf8 else None
            fault = fault or _fault(line, layout, is_header)
            if fault is not None:
                return f"line {number}: {fault}"
    return None


def _encoding_fault(line):
    """Return which bytes of a line are no UTF-8; None if all are."""
    no_utf8 = NO_UTF8.search(line)
    if no_utf8:
        start = max(0, no_utf8.start() - 30)
        part = line[start : start + 60].encode(errors="surrogateescape")
        return f"expected UTF-8, got the bytes {part!r}"
    return None


def _fault(line, layout, is_header):
    """Return what is wrong with the fields of a line; None if nothing is."""
    if is_header and line.strip() != layout.header:
        return f"expected the header {layout.header}, got {line[:80]!r}"
    if "\0" in line:
        return f"expected text, got a NUL character in {line[:80]!r}"
    if is_header or _is_blank(line, layout):
        return None

    fields = _fields(line, layout)
    if fields is None:
        return f"a quote is not closed in {line[:80]!r}"
    has_empty_surplus = len(fields) == len(layout.columns) + 1 and fields[-1] == ""
    if len(fields) != len(layout.columns) and not has_empty_surplus:
        return f"expected {len(layout.columns)} fields, got {line[:80]!r}"
    for (name, kind), text in zip(layout.columns.items(), fields):
        if not kind.accepts(text):
            return f"{name} must be {kind.expected}, got {text[:80]!r}"
    return None


def _is_blank(line, layout):
    """Return whether pandas skips a line; a tab may be a separator."""
    return line.strip(" " if layout.separator == "\t" else " \t") == ""


def _fields(line, layout):
    """Return the fields of a line, as pandas sees them; None if a quote is open."""
    if not layout.is_csv:
        if len(layout.separator) > 1:
            line = line.replace(layout.separator, UNIT_SEPARATOR)
            return line.split(UNIT_SEPARATOR)
        return line.split(layout.separator)
    try:
        fields = next(csv.reader([f"{line}\n"]), [])
    except csv.Error:
        return None
    if fields and fields[-1].endswith("\n"):
        return None
    return fields
