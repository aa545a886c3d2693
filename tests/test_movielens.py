"""Every format in which GroupLens ships MovieLens, from small files written here; and
the real release.
"""

import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

import lesson_code
from lesson_code import TABLE_COLUMNS, SklearnEcosystemPipeline, load_movielens

CSV = {
    "ratings.csv": (
        "userId,movieId,rating,timestamp\n"
        "1,10,4.0,964982703\n"
        "2,20,0.5,964982703\n"
        "1,30,5.0,964982931\n"
    ),
    "movies.csv": (
        "movieId,title,genres\n"
        '10,"Misérables, Les (1995)",Drama|War\n'
        "20,Babylon 5,(no genres listed)\n"
    ),
}
DAT = {
    "ratings.dat": "1::10::4::964982703\n2::20::3::964982703\n1::30::5::964982931\n",
    "movies.dat": (
        "10::Misérables, Les (1995)::Drama|War\n"
        "20::Mission: Impossible (1996)::Action\n"
    ),
}
USERS_DAT = {"users.dat": "1::F::1::10::48067\n2::M::56::16::70072\n"}
FLAGS = ["0"] * 19
U = {
    "u.data": "1\t10\t4\t964982703\n2\t20\t3\t964982703\n1\t30\t5\t964982931\n",
    "u.item": "10|Misérables, Les (1995)|01-Jan-1995||http://x|"
    + "|".join([*FLAGS[:8], "1", *FLAGS[:8], "1", "0"])
    + "\n20|unknown||||"
    + "|".join(["1", *FLAGS[1:]])
    + "\n",
    "u.user": "1|24|M|technician|85711\n2|53|F|other|94043\n",
}


def write(folder, files, encoding="utf-8"):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode(encoding))
    return folder


def zipped(folder, files, inside="ml-release/", encoding="utf-8"):
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "release.zip", "w") as archive:
        for name, text in files.items():
            archive.writestr(inside + name, text.encode(encoding))
    return folder / "release.zip"


@pytest.mark.parametrize("pack", [write, zipped], ids=["folder", "zip"])
@pytest.mark.parametrize(
    ("files", "encoding"),
    [(CSV, "utf-8"), (DAT, "utf-8"), (DAT | USERS_DAT, "latin-1"), (U, "latin-1")],
    ids=["csv", "10M", "1M", "100K"],
)
def test_every_format_gives_the_same_table(tmp_path, pack, files, encoding):
    table = load_movielens(pack(tmp_path, files, encoding=encoding))
    assert list(table.columns) == [*TABLE_COLUMNS, "title"]
    assert table["user_id"].tolist() == [1, 2, 1]
    assert table["movie_id"].tolist() == [10, 20, 30]
    assert (table[["user_id", "movie_id", "timestamp"]].dtypes == np.int64).all()
    assert table["rating"].dtype == np.float64
    assert table.loc[0, ["rating", "timestamp", "movie_year"]].tolist() == [
        4.0,
        964982703,
        1995.0,
    ]
    assert table.loc[0, "genre"] == "Drama|War"
    assert table.loc[0, "title"] == "Misérables, Les (1995)"


@pytest.mark.parametrize("files", [CSV, DAT, U], ids=["csv", "dat", "100K"])
def test_ratings_without_a_fault_are_read_by_the_fast_parser(tmp_path, files):
    """Nothing of ours, neither a function nor a call in a loop, runs once
    per line of the ratings.
    """
    ratings = next(
        name for name in files if name in ("ratings.csv", "ratings.dat", "u.data")
    )
    separator, header = {
        "ratings.csv": (",", 1),
        "ratings.dat": ("::", 0),
        "u.data": ("\t", 0),
    }[ratings]
    rows = [separator.join(map(str, (user, 10, 3, user))) for user in range(1, 3001)]
    folder = write(
        tmp_path,
        files
        | {ratings: "\n".join(files[ratings].splitlines()[:header] + rows) + "\n"},
    )
    calls = 0

    def count(frame, event, _):
        nonlocal calls
        calls += (
            event.endswith("call") and frame.f_code.co_filename == lesson_code.__file__
        )

    sys.setprofile(count)
    try:
        table = load_movielens(folder)
    finally:
        sys.setprofile(None)
    assert len(table) == 3000
    assert calls < 1000


def test_what_a_release_lacks_is_missing_and_not_invented(tmp_path):
    table = load_movielens(write(tmp_path, CSV))
    assert table[["user_age", "user_country"]].isna().all().all()
    assert np.isnan(table.loc[1, "movie_year"])
    # rated, but not among the movies
    assert table.loc[2, ["genre", "title", "movie_year"]].isna().all()


@pytest.mark.parametrize(
    ("files", "ages"),
    [(DAT | USERS_DAT, [1, 56, 1]), (U, [24, 53, 24])],
    ids=["1M", "100K"],
)
def test_ages_are_read_where_a_release_has_them(tmp_path, files, ages):
    assert load_movielens(write(tmp_path, files))["user_age"].tolist() == ages


def test_a_release_is_found_one_folder_down(tmp_path):
    write(tmp_path / "downloads" / "ml-latest-small", CSV)
    assert len(load_movielens(tmp_path / "downloads")) == 3


def test_a_path_may_be_a_string(tmp_path):
    assert len(load_movielens(str(zipped(tmp_path, CSV)))) == 3


def test_a_series_has_the_year_it_began(tmp_path):
    title = "10,Planet Earth (2006–2007),Documentary\n"
    files = CSV | {"movies.csv": "movieId,title,genres\n" + title}
    assert load_movielens(write(tmp_path, files)).loc[0, "movie_year"] == 2006


def test_windows_line_ends_and_a_missing_last_one_are_read(tmp_path):
    files = {
        name: text.replace("\n", "\r\n").rstrip("\r\n") for name, text in DAT.items()
    }
    pd.testing.assert_frame_equal(
        load_movielens(write(tmp_path / "a", files)),
        load_movielens(write(tmp_path / "b", DAT)),
    )


def test_the_latest_rating_of_a_pair_is_kept_and_one_warning_counts_the_older_ones(
    tmp_path,
):
    files = CSV | {
        "ratings.csv": CSV["ratings.csv"] + "1,10,1.0,5\n2,20,3.0,964982704\n"
    }
    with pytest.warns(UserWarning, match="^2 older ratings") as caught:
        table = load_movielens(write(tmp_path, files))
    assert len(caught) == 1
    assert table[["movie_id", "rating"]].to_numpy().tolist() == [
        [10, 4.0],
        [30, 5.0],
        [20, 3.0],
    ]
    assert table.index.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("files", "name", "number", "line"),
    [
        (CSV, "ratings.csv", 3, "2,20,four,964982703"),
        (CSV, "ratings.csv", 3, "2,20,4.0"),
        (CSV, "ratings.csv", 4, "2,20,4.0,1,1"),
        (CSV, "ratings.csv", 2, "2.5,20,4.0,1"),
        (CSV, "ratings.csv", 2, "2,20,nan,1"),
        (CSV, "ratings.csv", 2, "2,20,inf,1"),
        (CSV, "ratings.csv", 4, "2,,4.0,1"),
        (CSV, "movies.csv", 3, "20,Babylon 5"),
        (CSV, "movies.csv", 2, '10,"Broken (1990),Drama'),
        (CSV, "movies.csv", 2, "ten,Babylon 5,Drama"),
        (DAT, "ratings.dat", 2, "2::20::3"),
        (DAT, "ratings.dat", 2, "2:20:3:964982703"),
        (DAT, "ratings.dat", 3, "2::x::3::5"),
        (DAT, "movies.dat", 1, "10::Heat (1995)"),
        (DAT | USERS_DAT, "users.dat", 2, "2::M::old::16::70072"),
        (U, "u.data", 1, "1 10 4 964982703"),
        (U, "u.item", 2, "20|unknown"),
        (U, "u.user", 1, "1|?|M|technician|85711"),
    ],
)
def test_a_broken_line_is_named_by_file_and_number(tmp_path, files, name, number, line):
    lines = files[name].splitlines()
    lines[number - 1] = line
    folder = write(tmp_path, files | {name: "\n".join(lines) + "\n"})
    with pytest.raises(ValueError, match=f"{name}, line {number}: ") as error:
        load_movielens(folder)
    assert line in str(error.value)


def test_a_damaged_zip_file_is_told(tmp_path):
    path = tmp_path / "release.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in CSV.items():
            archive.writestr(name, text * 50)
    data = bytearray(path.read_bytes())
    data[60:70] = bytes(10)
    path.write_bytes(bytes(data))
    with pytest.raises(ValueError, match="release.zip"):
        load_movielens(path)


def test_a_movie_listed_twice_multiplies_no_ratings(tmp_path):
    files = CSV | {"movies.csv": CSV["movies.csv"] + "10,Heat (1996),Action\n"}
    table = load_movielens(write(tmp_path, files))
    assert len(table) == 3
    assert table.loc[0, "title"] == "Heat (1996)"


def test_a_csv_without_its_header_is_refused(tmp_path):
    files = CSV | {"ratings.csv": CSV["ratings.csv"].split("\n", 1)[1]}
    with pytest.raises(
        ValueError, match=r"ratings.csv, line 1: .*userId,movieId,rating,timestamp"
    ):
        load_movielens(write(tmp_path, files))


@pytest.mark.parametrize(
    "header",
    ["movieId,genres,title", "movieId,title", "userId,movieId,rating,timestamp"],
)
def test_movies_under_another_header_are_refused_for_columns_may_be_swapped(
    tmp_path, header
):
    """Read by place, titles would become genres without anybody noticing."""
    files = CSV | {
        "movies.csv": CSV["movies.csv"].replace("movieId,title,genres", header)
    }
    with pytest.raises(
        ValueError,
        match="movies.csv, line 1: expected the header movieId,title,genres, "
        rf"got '{header}'",
    ):
        load_movielens(write(tmp_path, files))


def test_a_byte_order_mark_and_quotes_inside_titles_are_read(tmp_path):
    movies = (
        "\ufeffmovieId,title,genres\n"
        '10,"""Great"" Escape, The (1963)",Drama|War\n'
        "20,Babylon 5,Drama\n"
    )
    files = CSV | {"movies.csv": movies, "ratings.csv": "\ufeff" + CSV["ratings.csv"]}
    table = load_movielens(write(tmp_path, files))
    assert table.loc[0, ["title", "movie_year"]].tolist() == [
        '"Great" Escape, The (1963)',
        1963.0,
    ]


def test_words_that_pandas_takes_for_missing_are_titles(tmp_path):
    files = CSV | {
        "movies.csv": "movieId,title,genres\n10,NA,None\n20,null,n/a\n30,nan,Drama\n"
    }
    table = load_movielens(write(tmp_path, files))
    assert table["title"].tolist() == ["NA", "null", "nan"]
    assert table["genre"].tolist() == ["None", "n/a", "Drama"]


def test_an_empty_ratings_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match="ratings.csv.* no r|ratings.csv.* rows"):
        load_movielens(
            write(tmp_path, CSV | {"ratings.csv": "userId,movieId,rating,timestamp\n"})
        )


def test_a_path_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_movielens(tmp_path / "nowhere")


@pytest.mark.parametrize("lost", ["ratings.csv", "movies.csv"])
def test_a_folder_without_its_files_tells_what_it_looks_for(tmp_path, lost):
    folder = write(tmp_path, {name: text for name, text in CSV.items() if name != lost})
    with pytest.raises(
        FileNotFoundError,
        match=r"ratings.csv and movies.csv, or ratings.dat and movies.dat, or u.data",
    ):
        load_movielens(folder)


def test_a_file_that_is_no_zip_is_refused(tmp_path):
    (tmp_path / "x.zip").write_text("no zip")
    with pytest.raises(ValueError, match="neither a folder nor a zip file"):
        load_movielens(tmp_path / "x.zip")


def test_the_real_release_is_read_whole_and_the_forest_learns_from_it(real_release):
    table = load_movielens(real_release)
    lines = (real_release / "ratings.csv").read_text(encoding="utf-8").splitlines()
    assert len(table) == len(lines) - 1
    user, movie, rating, timestamp = lines[-1].split(",")
    last = table.iloc[-1]
    assert str(last["user_id"]) == user
    assert str(last["movie_id"]) == movie
    assert str(last["timestamp"]) == timestamp
    assert last["rating"] == float(rating)
    assert table[["genre", "title"]].notna().all().all()
    assert table["movie_year"].isna().mean() < 0.001
    test = np.random.RandomState(0).random_sample(len(table)) < 0.2
    recommender = SklearnEcosystemPipeline().fit(table[~test])
    assert recommender.evaluate(table[test])[0]["R2"] > 0.2


@pytest.mark.parametrize("span", ["2006-2007", "2006–", "2006-", "2006"])
def test_the_year_of_a_series_is_read_in_every_spelling(tmp_path, span):
    (tmp_path / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n1,10,4.0,1\n", encoding="utf-8"
    )
    (tmp_path / "movies.csv").write_text(
        f"movieId,title,genres\n10,Planet Earth ({span}) ,Documentary\n",
        encoding="utf-8",
    )
    assert load_movielens(tmp_path).loc[0, "movie_year"] == 2006


@pytest.mark.parametrize("row", [131_071, 131_072, 131_073])
@pytest.mark.parametrize("kind", ["csv", "dat"])
def test_a_field_too_many_is_told_where_pandas_begins_a_new_block(tmp_path, kind, row):
    # pandas 2 reads blocks of 2**19 fields, and does not count those of a block's first
    # row
    separator, files = (",", CSV) if kind == "csv" else ("::", DAT)
    rows = [
        separator.join(["1", str(movie), "4.0", "964982703"])
        for movie in range(140_000)
    ]
    rows[row] += f"{separator}9"
    header = ["userId,movieId,rating,timestamp"] if kind == "csv" else []
    folder = write(
        tmp_path, files | {f"ratings.{kind}": "\n".join([*header, *rows]) + "\n"}
    )
    with pytest.raises(
        ValueError,
        match=rf"ratings.{kind}, line {row + 1 + len(header)}: expected 4 fields",
    ):
        load_movielens(folder)


def test_a_folder_that_is_named_as_the_home_of_the_user_is_a_folder(
    tmp_path, monkeypatch
):
    write(tmp_path / "~", CSV)
    monkeypatch.chdir(tmp_path)
    assert len(load_movielens("~")) == 3
