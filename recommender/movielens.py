"""Read a MovieLens release as GroupLens ships it."""

import contextlib
import csv
import io
import re
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from .table import (
    IDS,
    RATING,
    latest_rows,
    lookup,
)

GENRES_100K = [
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
]


class Layout(NamedTuple):
    """How a file of a release is written."""

    separator: str
    header: str | None  # the first line; None: the file has no header
    columns: list[str]


RATINGS = [*IDS, RATING, "timestamp"]
MOVIES = ["movie_id", "title", "genre"]
USERS_1M = ["user_id", "gender", "user_age", "occupation", "zip"]
USERS_100K = ["user_id", "user_age", "gender", "occupation", "zip"]
MOVIES_100K = ["movie_id", "title", "released", "on_video", "url", *GENRES_100K]

#: The releases. In each, ratings and movies must be there, in this order; users may be.
RELEASES = [
    {  # ml-latest, ml-latest-small, 20M, 25M and 32M
        "ratings.csv": Layout(",", "userId,movieId,rating,timestamp", RATINGS),
        "movies.csv": Layout(",", "movieId,title,genres", MOVIES),
    },
    {  # 1M; and 10M, which has no users.dat
        "ratings.dat": Layout("::", None, RATINGS),
        "movies.dat": Layout("::", None, MOVIES),
        "users.dat": Layout("::", None, USERS_1M),
    },
    {  # 100K
        "u.data": Layout("\t", None, RATINGS),
        "u.item": Layout("|", None, MOVIES_100K),
        "u.user": Layout("|", None, USERS_100K),
    },
]

#: The columns that hold numbers; all others hold text.
WHOLE_NUMBERS = [*IDS, "timestamp"]
NUMBERS = [RATING, "user_age"]
#: A name for the fields that a line may have too many.
SURPLUS = "surplus"


def load_movielens(path):
    """Read a MovieLens release into a table of ratings.

    Supported releases: ml-latest, ml-latest-small, 20M, 25M, 32M, 1M, 10M and 100K.

    Parameters
    ----------
    path : str or path-like
        The release, as a folder or as a zip file.

    Returns
    -------
    table : DataFrame
        The columns of `TABLE_COLUMNS` and `title`, a row per rating, in the order of
        the file. What a release lacks is NaN: `user_country` always, and `user_age`
        except in 100K and 1M (where 1 means "under 18"). Of a pair that was rated twice
        the latest rating is kept, and a warning counts the others.

    Raises
    ------
    FileNotFoundError
        If there is no release at `path`.
    ValueError
        If the zip file cannot be read, or a file of the release has a broken line; the
        message names the line.
    """
    root = Path(path)
    if not root.exists():
        raise FileNotFoundError(
            f"{path} does not exist; expected a MovieLens release, folder or zip file."
        )
    try:
        folder = root if root.is_dir() else _open_zip(root)
        ratings, movies, users = _read_release(folder, path)
    except (ValueError, FileNotFoundError, PermissionError, MemoryError):
        raise
    except Exception as error:  # of one of the many modules that unpack a zip file
        raise ValueError(
            f"{path} is neither a folder nor a zip file that can be read: {error}."
        ) from None

    table = _latest_ratings(ratings)
    movies = movies.drop_duplicates("movie_id", keep="last")
    movie = pd.Index(movies["movie_id"]).get_indexer(table["movie_id"])
    genre = movies["genre"] if "genre" in movies else _joined_genres(movies)
    # The year is at the end of the title; that of a series may be (2006–2007).
    year = movies["title"].str.extract(r"\((\d{4})(?:[-–]\d{0,4})?\)\s*$")[0]
    table["genre"] = _text_of(genre, movie)
    table["movie_year"] = lookup(year.to_numpy(dtype=np.float64), movie, np.nan)
    table["user_age"] = np.nan
    table["user_country"] = np.nan
    table["title"] = _text_of(movies["title"], movie)
    if users is not None:
        age_of_user = dict(zip(users["user_id"], users["user_age"]))
        table["user_age"] = table["user_id"].map(age_of_user)
    return table


def _latest_ratings(ratings):
    is_latest = latest_rows(ratings, stacklevel=4)
    if is_latest.all():
        return ratings
    return ratings[is_latest].reset_index(drop=True)


def _joined_genres(movies):
    """Join the genres of each movie by bars; 100K has a column of 0 and 1 for each."""
    joined = pd.Series("", index=movies.index, dtype=object)
    for genre in GENRES_100K:
        joined[movies[genre] == 1] += f"{genre}|"
    return joined.str.removesuffix("|")


def _text_of(column, position):
    """Return the strings at the positions, missing where a position is -1.

    As a categorical: a release repeats each title thousands of times.
    """
    return pd.Categorical(column).take(position, allow_fill=True)


def _open_zip(path):
    archive = zipfile.ZipFile(path)
    for entry in archive.infolist():
        # A release unpacks to about 5 times its size. A name with "//" in it makes
        # `zipfile.Path` run for ever.
        is_bomb = entry.file_size > max(2**20, 100 * entry.compress_size)
        if is_bomb or "//" in f"/{entry.filename}":
            raise ValueError(
                f"{path}: {entry.filename!r} unpacks to more than 100 times its size, "
                "or has an odd name."
            )
    return zipfile.Path(archive)


def _read_release(root, path):
    """Return ratings, movies and users (or None) of the release in `root`."""
    folders = [entry for entry in root.iterdir() if entry.is_dir()]
    for folder in [root, *sorted(folders, key=str)]:
        for release in RELEASES:
            tables = _read_folder(folder, release)
            if tables is not None:
                return tables
    pairs = [" and ".join(list(release)[:2]) for release in RELEASES]
    raise FileNotFoundError(
        f"{path} holds no MovieLens release; expected the files {', or '.join(pairs)}."
    )


def _read_folder(folder, release):
    """Return the tables of a release, or None if ratings or movies are not there."""
    ratings, movies, *users = release
    if not (folder / ratings).exists() or not (folder / movies).exists():
        return None
    tables = [_read(folder / name, release[name]) for name in (ratings, movies)]
    for name in users:
        if (folder / name).exists():
            return [*tables, _read(folder / name, release[name])]
    return [*tables, None]


def _read(file, layout):
    """Read one file by pandas' fast parser; look for a broken line only if it fails."""
    try:
        table = _parse(file, layout, "utf-8-sig")
    except UnicodeDecodeError:  # the releases of 1998 to 2003
        table = _parse(file, layout, "latin-1")
    if table is None or not _is_whole(table, layout):
        raise ValueError(f"{file.name}{_what_is_broken(file, layout)}")
    return table.drop(columns=SURPLUS)


def _parse(file, layout, encoding):
    """Return a file as a DataFrame; None if a header or number is not as expected."""
    types = dict.fromkeys(layout.columns, str)
    for name in layout.columns:
        if name in WHOLE_NUMBERS:
            types[name] = np.int64
        elif name in NUMBERS:
            types[name] = np.float64
        elif name in GENRES_100K:
            types[name] = np.int8
    types[SURPLUS] = "category"  # a byte a row, as nearly all are missing

    with file.open("rb") as stream:
        if layout.header is not None:
            header = stream.readline().decode(encoding).strip()
            if header != layout.header:
                return None
        # In the first line with fields, pandas only warns of surplus ones.
        first_line = next((line for line in stream if line.strip()), b"")
        fields = _fields(first_line.decode(encoding).rstrip("\r\n"), layout)
        if fields is None or len(fields) > len(types):
            return None
        stream.seek(0)
        # The fast parser knows only separators of one character.
        if len(layout.separator) > 1:
            content = io.BytesIO(stream.read().replace(b"::", b"\t"))
            separator = "\t"
        else:
            # pandas opens a path itself, which takes less time than our stream.
            content = file.absolute() if isinstance(file, Path) else stream
            separator = layout.separator
        try:
            return pd.read_csv(
                content,
                sep=separator,
                names=list(types),
                dtype=types,
                index_col=False,
                encoding=encoding,
                quoting=csv.QUOTE_MINIMAL if separator == "," else csv.QUOTE_NONE,
                na_values=[""],
                keep_default_na=False,
                skiprows=0 if layout.header is None else 1,
            )
        except UnicodeDecodeError:
            raise
        except (ValueError, OverflowError):
            return None


def _is_whole(table, layout):
    """Return whether every line had the right fields."""
    is_complete = table[layout.columns[-1]].notna().all()
    has_surplus = table[SURPLUS].notna().any()
    is_finite = np.isfinite(table.select_dtypes(float)).all(axis=None)
    # A quote that is never closed swallows the next line.
    has_open_quote = "title" in table and table["title"].str.contains("\n").any()
    return (
        len(table) > 0
        and is_complete
        and is_finite
        and not has_surplus
        and not has_open_quote
    )


def _what_is_broken(file, layout):
    """Return the end of a sentence that names the first broken line."""
    with file.open("r", encoding="utf-8-sig", errors="replace") as stream:
        lines = (line.rstrip("\n") for line in stream)
        first_number = 1
        if layout.header is not None:
            first_number = 2
            header = next(lines, "")
            if header != layout.header:
                return (
                    f", line 1: expected the header {layout.header}, "
                    f"got {header[:80]!r}."
                )
        for number, line in enumerate(lines, first_number):
            if line and not _fits(line, layout):
                return (
                    f", line {number}: expected {len(layout.columns)} fields, "
                    f"got {line[:80]!r}."
                )
    return " holds no rows, or cannot be read."


def _fits(line, layout):
    """Return whether a line has all fields, and numbers where they are expected."""
    fields = _fields(line, layout)
    if fields is None or len(fields) != len(layout.columns):
        return False
    return all(_is_field(name, text) for name, text in zip(layout.columns, fields))


def _fields(line, layout):
    """Return the fields of a line; None if its quotes are wrong."""
    if layout.separator != ",":
        return line.split(layout.separator)
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return None


def _is_field(name, text):
    if name in NUMBERS:
        with contextlib.suppress(ValueError):
            return np.isfinite(float(text)) and "_" not in text and text.isascii()
        return False
    if name not in WHOLE_NUMBERS and name not in GENRES_100K:
        return True
    if not re.fullmatch(r"\s*[-+]?[0-9]+\s*", text):
        return False
    largest = 2**63 if name in WHOLE_NUMBERS else 2**7
    return abs(int(text)) < largest
