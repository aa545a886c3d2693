"""Release files that are broken on purpose, and zips that mean harm: a table, or one
sentence of ours. Never anything else.
"""

import csv
import random
import re
import struct
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
from test_movielens import CSV, FORMATS, LAYOUTS, write

from lesson_code import TABLE_COLUMNS, load_movielens
from recommender.release import read_file

pytestmark = pytest.mark.hostile
#: Warnings of NumPy and pandas about a file that is then read line by line.
OPEN = pytest.mark.filterwarnings(
    "ignore::RuntimeWarning", "ignore::pandas.errors.ParserWarning"
)


def attempt(path):
    """Return the table, or the sentence of a refusal; fail at anything else."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*older ratings of user-movie pairs")
        try:
            table = load_movielens(path)
        except (ValueError, FileNotFoundError) as error:
            foreign = (
                isinstance(error, UnicodeError) or type(error).__name__ == "ParserError"
            )
            assert not foreign, f"foreign {type(error).__name__}: {error}"
            message = str(error)
            assert "\n" not in message and len(message) < 5000, repr(message[:300])
            return message
    assert list(table.columns) == [*TABLE_COLUMNS, "title"]
    assert len(table) > 0
    assert np.isfinite(table["rating"]).all()
    assert table["timestamp"].dtype == np.int64
    for name in ("user_id", "movie_id"):  # text, if the first one has a letter
        is_text = all(isinstance(value, str) for value in table[name])
        assert is_text or table[name].dtype == np.int64
    assert not table.duplicated(["user_id", "movie_id"]).any()
    return table


BYTES = b"\n \r \0 \t \x0b \x1a \x85 \xff \xff\xfe \xef\xbb\xbf \xe2\x80\xa8"
TEXTS = """ " "" , :: | - ' # \\ ٣ 0x10 1_000 1e5 1e999 nan 12345678901234567890 """
PIECES = [*BYTES.split(b" "), b"", b" "]
PIECES += [*TEXTS.encode().split(), b"9" * 5000]


def damaged(data, rng):
    """Return a file with something cut out, put in, or written over other bytes."""
    for _ in range(rng.choice([1, 1, 2, 3])):
        at, until = sorted(rng.randrange(len(data) + 1) for _ in range(2))
        rest = rng.choice([at, until, min(at + 3, len(data)), len(data)])
        data = data[:at] + rng.choice(PIECES) + data[rest:]
    return data


def is_empty(name, content):
    lines = re.split(rb"[\r\n]+", content)
    lines = lines[1:] if name.endswith(".csv") else lines
    return not any(line.strip(b" \t\xef\xbb\xbf") for line in lines)


@OPEN
@pytest.mark.parametrize("name", LAYOUTS)
def test_a_damaged_file_is_read_or_its_broken_line_is_named(tmp_path, name):
    files = next(files for files in FORMATS.values() if name in files)
    write(tmp_path, files)
    rng = random.Random(name)
    for _ in range(60):
        content = damaged(files[name].encode(), rng)
        (tmp_path / name).write_bytes(content)
        attempt(tmp_path)
        try:
            read_file(tmp_path / name, LAYOUTS[name])
        except ValueError as error:
            if not str(error).startswith(f"{name} holds no rows"):
                assert re.match(rf"{name}, line \d+: ", str(error)), content
            else:
                assert is_empty(name, content), content


@OPEN
@pytest.mark.parametrize("kind", FORMATS)
def test_a_whole_file_of_another_encoding_or_another_format(tmp_path, kind):
    encodings = ["utf-8-sig", "utf-16", "utf-16-le", "cp1252", "cp037"]
    for name, text in FORMATS[kind].items():
        others = [text.encode(encoding) for encoding in encodings]
        for files in FORMATS.values():
            others += [other.encode() for other in files.values()]
        write(tmp_path, FORMATS[kind])
        for content in others:
            (tmp_path / name).write_bytes(content)
            attempt(tmp_path)


NUMBERS = f"""
nan None True inf -Infinity 1e5 15e-1 1e400 1e +1 -1 --1 0x10 1_0 ٣ １ 1.0 1. .5 . 1;5
964982703000 9007199254740993 9007199254740993.0 {2**63 - 1} {2**63} {-(2**63) - 1}
"""
SIGNS = """ " "" "1" "1 1" "1"2 "1""2" '1' #1 1::2 1:2 1|2 tt0111161 """
ODD_FIELDS = [*NUMBERS.split(), *SIGNS.split(), "9" * 400, "9" * 5000, '"1, 2"']
ODD_FIELDS += ["", " ", " 1", "1 ", "\x0b1", "\xa01", "\u30001", "\x1c1", "1\x85"]
ODD_FIELDS += ["\u2028", "\0", "1\x002", "1\t2", "1\x1f2", "2005-04-02 23:53:47"]


def fields_of(line, layout):
    """Return the fields of a line, by nothing but the standard library."""
    if layout.separator == ",":
        return next(csv.reader([line]))
    return line.split(layout.separator)


@OPEN
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_odd_field_is_read_right_or_named_with_its_line(tmp_path, name):
    layout = LAYOUTS[name]
    text = next(files[name] for files in FORMATS.values() if name in files)
    lines = text.splitlines()
    first_row = 0 if layout.header is None else 1
    n_rows = len(lines) - first_row
    broken = {}
    for place, column in enumerate(layout.columns):
        if place > 6:  # the genres of 100K are all alike
            break
        for number, odd in enumerate(ODD_FIELDS):
            row = number % n_rows
            fields = fields_of(lines[first_row + row], layout)
            fields[place] = "{}"
            fields = [f'"{field}"' if "," in field else field for field in fields]
            line = layout.separator.join(fields).replace("{}", odd)
            changed = [*lines]
            changed[first_row + row] = line
            (tmp_path / name).write_bytes("\n".join([*changed, ""]).encode())
            try:
                value = read_file(tmp_path / name, layout)[column].iloc[row]
            except ValueError as error:
                place_of_line = f"{name}, line {first_row + row + 1}: "
                if not str(error).startswith(place_of_line):
                    broken[column, odd[:20]] = str(error)
                continue
            expected = fields_of(line, layout)[place]
            if layout.columns[column].dtype is not str:
                is_whole = expected.strip().lstrip("+-").isdigit()
                expected = int(expected) if is_whole else float(expected)
            elif expected == "":
                expected = value if np.isreal(value) and np.isnan(value) else "missing"
            if value != expected and value is not expected:
                broken[column, odd[:20]] = f"read as {value!r}"
    assert not broken


# ----- Zips


def packed(path, files, method=zipfile.ZIP_DEFLATED, inside="ml/"):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, text in files.items():
            if isinstance(text, str) and name.startswith("u.i"):
                text *= 40
            archive.writestr(inside + name, text)
    return path


METHODS = {
    "stored": zipfile.ZIP_STORED,
    "deflate": zipfile.ZIP_DEFLATED,
    "bzip2": zipfile.ZIP_BZIP2,
    "lzma": zipfile.ZIP_LZMA,
}


@pytest.mark.parametrize("method", METHODS)
def test_a_zip_with_a_flipped_byte_or_cut_anywhere(tmp_path, method):
    path = packed(tmp_path / "x.zip", CSV, METHODS[method])
    rng = random.Random(1)
    data = path.read_bytes()
    for number in range(50):
        damaged = bytearray(data)
        at = rng.randrange(len(data))
        damaged[at] ^= 1 << rng.randrange(8)
        path.write_bytes(bytes(damaged[:at] if number % 5 == 0 else damaged))
        attempt(path)


def patched(data, flags=None, method=None):
    """Return a zip whose headers, local and central, say something else."""
    data = bytearray(data)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(mark)
        while place >= 0:
            if flags is not None:
                data[place + at : place + at + 2] = struct.pack("<H", flags)
            if method is not None:
                data[place + at + 2 : place + at + 4] = struct.pack("<H", method)
            place = data.find(mark, place + 4)
    return bytes(data)


@pytest.mark.parametrize(
    "change", [{"flags": 1}, {"flags": 0x20}, {"method": 9}, {"method": 99}], ids=str
)
def test_an_encrypted_zip_or_an_unsupported_method_is_refused(tmp_path, change):
    path = packed(tmp_path / "x.zip", CSV)
    path.write_bytes(patched(path.read_bytes(), **change))
    assert "x.zip" in attempt(path)


@pytest.mark.parametrize("inside", ["../../etc/", "/", "C:\\"])
def test_names_that_leave_the_folder_write_nothing(tmp_path, inside):
    folder = tmp_path / "in" / "side"
    folder.mkdir(parents=True)
    attempt(packed(folder / "x.zip", CSV, inside=inside))
    assert [entry.name for entry in tmp_path.rglob("*") if entry.is_file()] == ["x.zip"]


@pytest.mark.parametrize("inside", ["//", "ml//", "/"])
def test_names_on_which_python_never_ends_are_refused(tmp_path, inside):
    """`zipfile.Path` of Python before 3.11.10 goes round and round at them
    (CVE-2024-8088).
    """
    assert "has an odd name" in attempt(packed(tmp_path / "x.zip", CSV, inside=inside))


def test_what_holds_no_release_is_refused(tmp_path):
    inner = packed(tmp_path / "inner.zip", CSV).read_bytes()
    folders = [f"{name}/" for name in CSV]
    for n, files in enumerate(
        [
            {"ml.zip": inner},
            {"ratings.csv": inner, "movies.csv": inner},
            dict.fromkeys(folders, b""),  # named as its files
            {},
        ]
    ):
        assert isinstance(attempt(packed(tmp_path / f"{n}.zip", files)), str)
    for name in folders:
        (tmp_path / "release" / name).mkdir(parents=True)
    assert isinstance(attempt(tmp_path / "release"), str)


BOMBS = {
    "one long line": ("ratings.csv", "userId,movieId,rating,timestamp\n", b"0", 1),
    "an open quote": ("movies.csv", 'movieId,title,genres\n10,"', b"x\n", 2),
    "a file that is not read": ("links.csv", "", b"0", 1),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_small_zip_that_unpacks_to_much_is_refused_in_a_little_memory(tmp_path, bomb):
    name, start, filler, width = BOMBS[bomb]
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for other in CSV:
            if other != name:
                archive.writestr(other, CSV[other])
        with archive.open(name, "w") as stream:
            stream.write(start.encode())
            for _ in range(4):
                stream.write(filler * (2**20 // width))
    assert (tmp_path / "bomb.zip").stat().st_size < 40_000
    tracemalloc.start()
    try:
        assert "unpacks to more than 100 times" in attempt(tmp_path / "bomb.zip")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * 2**20, f"{peak / 2**20:.0f} MB for a zip of a few kB"
