"""Read a MovieLens release as GroupLens ships it."""

import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from .files import check_file_name
from .ids import lookup
from .release import (
    FLAG,
    ID,
    QUANTITY,
    SECONDS,
    TEXT,
    TEXT_ID,
    Layout,
    first_fields,
    read_file,
)
from .strings import NO_GENRES
from .table import RATING, latest_rows, warn_of_older

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

RATINGS = {"user_id": ID, "movie_id": ID, RATING: QUANTITY, "timestamp": SECONDS}
MOVIES = {"movie_id": ID, "title": TEXT, "genre": TEXT}
USERS_1M = {
    "user_id": ID,
    "gender": TEXT,
    "user_age": QUANTITY,
    "occupation": TEXT,
    "zip": TEXT,
}
USERS_100K = {
    "user_id": ID,
    "user_age": QUANTITY,
    "gender": TEXT,
    "occupation": TEXT,
    "zip": TEXT,
}
MOVIES_100K = {
    "movie_id": ID,
    "title": TEXT,
    "released": TEXT,
    "on_video": TEXT,
    "url": TEXT,
    **dict.fromkeys(GENRES_100K, FLAG),
}

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
        the file. What a release lacks is NaN: `user_country` always, `user_age` except
        in 100K and 1M (where 1 means "under 18"), and a genre that is "unknown" or
        "(no genres listed)". Of a pair that was rated twice the latest rating is kept,
        and a warning counts the others. Ids are int64, or strings if that of the first
        rating has a letter in it.

    Raises
    ------
    TypeError
        If `path` is no name of a file or folder.
    FileNotFoundError
        If there is no release at `path`.
    ValueError
        If the zip file cannot be read, or a file of the release has a broken line; the
        message names the line.
    """
    root = Path(check_file_name("path", path))
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
            f"{path} is neither a folder nor a zip file that can be read: {error}. "
            "(Ratings of your own: ratings.csv and movies.csv in a folder.)"
        ) from None

    table = _latest_ratings(ratings)
    movies = movies.drop_duplicates("movie_id", keep="last")
    movie = pd.Index(movies["movie_id"]).get_indexer(table["movie_id"])
    genre = movies["genre"] if "genre" in movies else _joined_genres(movies)
    # The year is at the end of the title; that of a series may be (2006–2007).
    titles = movies["title"].fillna("")
    year = titles.str.extract(r"\((\d{4})(?:[-–]\d{0,4})?\)\s*$")[0]
    table["genre"] = _text_of(genre, movie, missing=NO_GENRES)
    table["movie_year"] = lookup(year.to_numpy(dtype=np.float64), movie, np.nan)
    table["user_age"] = np.nan
    table["user_country"] = np.nan
    table["title"] = _text_of(movies["title"], movie)
    if users is not None:
        age_of_user = dict(zip(users["user_id"], users["user_age"]))
        table["user_age"] = table["user_id"].map(age_of_user)
    return table


def _latest_ratings(ratings):
    is_latest = latest_rows(ratings)
    warn_of_older(is_latest)
    if is_latest.all():
        return ratings
    return ratings[is_latest].reset_index(drop=True)


def _joined_genres(movies):
    """Join the genres of each movie by bars; 100K has a column of 0 and 1 for each."""
    joined = pd.Series("", index=movies.index, dtype=object)
    for genre in GENRES_100K[1:]:  # the first one is "unknown"
        joined[movies[genre] == 1] += f"{genre}|"
    return joined.str.removesuffix("|")


def _text_of(column, position, missing=()):
    """Return the strings at the positions; NaN where a position is -1.

    The strings of `missing` become NaN, too. The result is categorical: a release
    repeats each title thousands of times.
    """
    strings = pd.Categorical(column)
    strings = strings.remove_categories(strings.categories.intersection(missing))
    return strings.take(position, allow_fill=True)


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
    release = _with_text_ids(release, folder)
    tables = [read_file(folder / name, release[name]) for name in (ratings, movies)]
    for name in users:
        if (folder / name).exists():
            return [*tables, read_file(folder / name, release[name])]
    return [*tables, None]


def _with_text_ids(release, folder):
    """Return the layouts of a release, where ids may be text instead of numbers.

    An id is text in all files if that of the first rating has a letter in it. Those of
    GroupLens are numbers, but other people write files of these layouts, too.
    """
    ratings = next(iter(release))
    layout = release[ratings]
    text_ids = {}
    for name, text in zip(layout.columns, first_fields(folder / ratings, layout)):
        if layout.columns[name] is ID and re.search("[A-Za-z]", text):
            text_ids[name] = TEXT_ID

    layouts = {}
    for file, layout in release.items():
        columns = {
            name: text_ids.get(name, layout.columns[name]) for name in layout.columns
        }
        layouts[file] = layout._replace(columns=columns)
    return layouts
