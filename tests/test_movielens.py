"""Every format in which GroupLens ships MovieLens, from small files written here; and
the real release.
"""

import zipfile

import numpy as np
import pandas as pd
import pytest

from lesson_code import IDS, TABLE_COLUMNS, load_movielens
from recommender import release
from recommender.movielens import RELEASES


def ratings_csv(*rows):
    return "\n".join(["userId,movieId,rating,timestamp", *rows, ""])


def movies_csv(*rows):
    return "\n".join(["movieId,title,genres", *rows, ""])


CSV = {
    "ratings.csv": ratings_csv(
        "1,10,4.0,964982703", "2,20,0.5,964982703", "1,30,5.0,964982931"
    ),
    "movies.csv": movies_csv(
        '10,"Misérables, Les (1995)",Drama|War', "20,Babylon 5,(no genres listed)"
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
FORMATS = {"csv": CSV, "10M": DAT, "1M": DAT | USERS_DAT, "100K": U}


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


def with_line(files, name, number, line):
    """Return the files of a release with another line in the place of one."""
    lines = files[name].splitlines()
    lines[number - 1] = line
    return files | {name: "\n".join([*lines, ""])}


@pytest.mark.parametrize("pack", [write, zipped], ids=["folder", "zip"])
@pytest.mark.parametrize(
    ("kind", "encoding"),
    [("csv", "utf-8"), ("10M", "utf-8"), ("1M", "latin-1"), ("100K", "latin-1")],
)
def test_every_format_gives_the_same_table(tmp_path, pack, kind, encoding):
    files = FORMATS[kind]
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


def test_a_letter_of_latin_1_may_come_late_in_a_file(tmp_path):
    many = "".join(
        f"{movie}::Film {movie} (1990)::Drama\n" for movie in range(100, 900)
    )
    files = DAT | {"movies.dat": many + DAT["movies.dat"]}
    table = load_movielens(write(tmp_path, files, encoding="latin-1"))
    assert table.loc[0, "title"] == "Misérables, Les (1995)"


@pytest.mark.parametrize("kind", FORMATS)
def test_a_release_without_a_fault_is_read_by_the_fast_parser(
    tmp_path, monkeypatch, kind
):
    # the other one goes line by line
    monkeypatch.setattr(release, "_first_fault", None)
    assert len(load_movielens(write(tmp_path, FORMATS[kind]))) == 3


def test_what_a_release_lacks_is_missing_and_not_invented(tmp_path):
    table = load_movielens(write(tmp_path, CSV))
    assert table[["user_age", "user_country"]].isna().all().all()
    assert np.isnan(table.loc[1, "movie_year"])
    # rated, but not among the movies
    assert table.loc[2, ["genre", "title", "movie_year"]].isna().all()


@pytest.mark.parametrize(("kind", "ages"), [("1M", [1, 56, 1]), ("100K", [24, 53, 24])])
def test_ages_are_read_where_a_release_has_them(tmp_path, kind, ages):
    table = load_movielens(write(tmp_path, FORMATS[kind]))
    assert table["user_age"].tolist() == ages


def test_a_release_is_found_one_folder_down_and_a_path_may_be_a_string(tmp_path):
    write(tmp_path / "downloads" / "ml-latest-small", CSV)
    assert len(load_movielens(str(tmp_path / "downloads"))) == 3


@pytest.mark.parametrize(
    ("line", "title", "genre", "year"),
    [
        ('"Heat, The (2006–2007)",War', "Heat, The (2006–2007)", "War", 2006),
        ("Heat (2006–),War", "Heat (2006–)", "War", 2006),
        ("Heat (2006) ,War|Drama", "Heat (2006) ", "War|Drama", 2006),
        ('"""Great"" Escape (1963)",War', '"Great" Escape (1963)', "War", 1963),
        ("NA,None", "NA", "None", None),  # pandas takes these for missing
        ("Babylon 5,(no genres listed)", "Babylon 5", None, None),
        ('Babylon 5,""', "Babylon 5", None, None),
        (",", None, None, None),
        ("Wrong,Drama\n10,Heat (1996),War", "Heat (1996)", "War", 1996),
    ],
)
def test_a_line_of_the_movies_is_read(tmp_path, line, title, genre, year):
    files = CSV | {"movies.csv": movies_csv(f"10,{line}")}
    table = load_movielens(write(tmp_path, files))
    assert len(table) == 3
    told = table[["title", "genre", "movie_year"]].astype(object)
    assert told.where(table.notna(), None).loc[0].tolist() == [title, genre, year]
    assert list(table["genre"].cat.categories) == [genre] * (genre is not None)


LINE_ENDS = {
    "Windows": lambda text: text.replace("\n", "\r\n"),
    "old Macs": lambda text: text.replace("\n", "\r"),
    "a mark of the byte order": lambda text: "\ufeff" + text,
    "none at the end": lambda text: text.rstrip("\n"),
    "blank lines at the end": lambda text: text + "\n\n",
}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("ends", LINE_ENDS)
def test_line_ends_change_nothing(tmp_path, kind, ends):
    expected = load_movielens(write(tmp_path / "a", FORMATS[kind]))
    changed = {name: LINE_ENDS[ends](text) for name, text in FORMATS[kind].items()}
    pd.testing.assert_frame_equal(
        load_movielens(write(tmp_path / "b", changed)), expected
    )


def test_the_latest_rating_of_a_pair_is_kept_and_one_warning_counts_the_older_ones(
    tmp_path,
):
    again = CSV["ratings.csv"] + "1,10,1.0,5\n2,20,3.0,964982704\n"
    with pytest.warns(UserWarning, match="^2 older ratings") as caught:
        table = load_movielens(write(tmp_path, CSV | {"ratings.csv": again}))
    assert len(caught) == 1
    assert caught[0].filename == __file__, "it points to the caller"
    assert table["movie_id"].tolist() == [10, 30, 20]
    assert table["rating"].tolist() == [4.0, 5.0, 3.0]
    assert table.index.tolist() == [0, 1, 2]


USER = "1f0c9c5e-77aa-4a3c-9f0e-0d5b7f1c2a11"  # a UUID
TEXT_IDS = {
    "user_id": {"1": USER},  # the other one, 2, has no letter in it
    "movie_id": {"10": "tt0111161", "20": "B00/x y"},
}
LAYOUTS = {name: layout for release in RELEASES for name, layout in release.items()}


def with_text_ids(files, columns=IDS):
    """Return the files of a release with the ids of `TEXT_IDS` in some columns."""
    changed = {}
    for name, text in files.items():
        layout = LAYOUTS[name]
        lines = []
        for line in text.splitlines():
            fields = line.split(layout.separator)
            for place, column in enumerate(list(layout.columns)[:2]):
                if column in columns:
                    fields[place] = TEXT_IDS[column].get(fields[place], fields[place])
            lines.append(layout.separator.join(fields))
        changed[name] = "\n".join([*lines, ""])
    return changed


@pytest.mark.parametrize("columns", [IDS, ["user_id"], ["movie_id"]], ids=str)
@pytest.mark.parametrize("kind", FORMATS)
def test_ids_are_text_in_all_files_if_the_first_one_has_a_letter(
    tmp_path, kind, columns
):
    expected = load_movielens(write(tmp_path / "numbers", FORMATS[kind]))
    for column in columns:
        expected[column] = expected[column].astype(str).replace(TEXT_IDS[column])
    files = with_text_ids(FORMATS[kind], columns)
    table = load_movielens(zipped(tmp_path / "text", files))
    pd.testing.assert_frame_equal(table, expected)


KAGGLE_20M = '1,2,3.5,"2005-04-02 23:53:47"'


@pytest.mark.parametrize(
    ("files", "name", "number", "line", "fault"),
    [
        (CSV, "ratings.csv", 3, "2,20,four,964982703", "rating must be .* 'four'"),
        (CSV, "ratings.csv", 3, "2,20,4.0", "expected 4 fields, got '2,20,4.0'"),
        (CSV, "ratings.csv", 2, "2.5,20,4.0,1", "user_id must be a whole .* '2.5'"),
        (CSV, "ratings.csv", 3, f"{2**63},20,4.0,1", "user_id must .*64 bits"),
        (CSV, "ratings.csv", 3, "9007199254740993.0,20,4.0,1", "user_id must "),
        (CSV, "ratings.csv", 2, KAGGLE_20M, "timestamp .* Unix seconds.* '2005-04-02 "),
        (CSV, "ratings.csv", 3, "2,20,4.0,964982703000", "timestamp must .* year 2200"),
        (CSV, "ratings.csv", 3, '2,20,4.0,"1', "quote"),
        (CSV, "ratings.csv", 3, "2,20,4.0,1\x002", "NUL"),
        (CSV, "movies.csv", 3, '20,"Heat,Drama\n30,Up",War', "quote .*Heat"),
        (CSV, "movies.csv", 3, '10,"Heat, The",Drama,War', "expected 3 fields"),
        (DAT, "ratings.dat", 2, "2:20:3:964982703", "expected 4 fields"),
        (DAT, "movies.dat", 1, "10::Heat (1995)", "expected 3 fields"),
        (DAT | USERS_DAT, "users.dat", 2, "2::M::old::16::7", "user_age must be .*old"),
        (U, "u.data", 1, "1 10 4 964982703", "expected 4 fields"),
        (U, "u.item", 2, "20|unknown", "expected 24 fields"),
        (U, "u.item", 2, "20|Up||||2" + 18 * "|0", "unknown must be 0 or 1, got '2'"),
        (with_text_ids(CSV), "ratings.csv", 3, ",20,0.5,1", "user_id must be an id"),
        # Columns in another order would be taken for each other.
        (CSV, "ratings.csv", 1, "1,10,4.0,5", "userId,movieId,rating,timestamp"),
        (CSV, "movies.csv", 1, "movieId,genres,title", "expected the header movieId,t"),
    ],
)
def test_a_broken_line_is_named_with_its_field(
    tmp_path, files, name, number, line, fault
):
    broken = with_line(files, name, number, line)
    for path in (write(tmp_path, broken), zipped(tmp_path / "zip", broken)):
        with pytest.raises(ValueError, match=f"^{name}, line {number}: .*{fault}"):
            load_movielens(path)


def test_a_surplus_field_behind_a_blank_line_is_named(tmp_path):
    ratings = ratings_csv("", "1,10,4.0,964982703,,9", "2,20,0.5,964982703")
    with pytest.raises(ValueError, match=r"ratings.csv, line 3: expected 4 fields"):
        load_movielens(write(tmp_path, CSV | {"ratings.csv": ratings}))


@pytest.mark.parametrize("harmless", ["", "  ", "\t", " 2,10,+3.0,1.0e9,"])
def test_a_line_that_is_read_is_never_named_for_the_fault_of_another(
    tmp_path, harmless
):
    ratings = CSV["ratings.csv"].replace("timestamp\n", f"timestamp \n{harmless}\n")
    assert len(load_movielens(write(tmp_path, CSV | {"ratings.csv": ratings}))) >= 3
    write(tmp_path, {"ratings.csv": ratings + "2,30,four,1\n"})
    with pytest.raises(ValueError, match=r"^ratings.csv, line 6: rating must be"):
        load_movielens(tmp_path)


@pytest.mark.parametrize(
    ("large", "small"),
    [
        ([2**63 - 1, 2**53 + 1, 1 - 2**63], "2"),
        ([2**53 + 3, 2**53 + 1, -(2**53) - 1], "2.0"),
        ([2**53 + 3, 2**53 + 1, -(2**53) - 1], "2."),
    ],
    ids=["whole", "float", "point"],
)
def test_ids_of_64_bits_are_exact_even_beside_a_float(tmp_path, large, small):
    rows = [f"{user},{small},4.0,1" for user in large] + [f"{small},{large[0]},3.0,1"]
    files = {
        "ratings.csv": ratings_csv(*rows),
        "movies.csv": movies_csv(f"{small},Heat,War", f"{large[0]},Up,War"),
    }
    table = load_movielens(write(tmp_path, files))
    assert table["user_id"].tolist() == [*large, 2]
    assert table["movie_id"].tolist() == [2, 2, 2, large[0]]
    assert table["title"].tolist() == ["Heat", "Heat", "Heat", "Up"]


@pytest.mark.parametrize(
    ("files", "name"),
    [(CSV, "movies.csv"), (DAT, "movies.dat"), (U, "u.item")],
    ids=["csv", "dat", "100K"],
)
def test_one_byte_that_is_no_utf8_does_not_garble_all_titles(tmp_path, files, name):
    write(tmp_path, files)
    *lines, last = files[name].encode().splitlines(keepends=True)
    spoiled = last.replace(b"n", b"\xe9", 1)
    (tmp_path / name).write_bytes(b"".join([*lines, spoiled]))
    fault = rf"^{name}, line {len(lines) + 1}: expected UTF-8.*xe9"
    with pytest.raises(ValueError, match=fault):
        load_movielens(tmp_path)


@pytest.mark.parametrize(("files", "name"), [(DAT, "movies.dat"), (U, "u.item")])
def test_a_broken_line_of_latin_1_is_named_too(tmp_path, files, name):
    broken = files | {name: files[name] + "\0\n"}
    with pytest.raises(ValueError, match=rf"^{name}, line 3: .*NUL"):
        load_movielens(write(tmp_path, broken, encoding="latin-1"))


def test_an_unknown_genre_of_100k_is_missing(tmp_path):
    table = load_movielens(write(tmp_path, U))
    assert table["genre"].isna().tolist() == [False, True, True]
    nothing = U["u.item"].replace("http://x", "").replace("|1", "|0")
    table = load_movielens(write(tmp_path, U | {"u.item": nothing}))
    assert table["genre"].isna().all()


def test_a_tab_in_a_title_is_no_separator_of_10m(tmp_path):
    files = DAT | {"movies.dat": "10::Tab\tHunter (2015)::Drama\n"}
    assert load_movielens(write(tmp_path, files)).loc[0, "title"].startswith("Tab\t")


def test_an_empty_ratings_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match="ratings.csv.* rows"):
        load_movielens(write(tmp_path, CSV | {"ratings.csv": ratings_csv()}))


def test_what_is_no_release_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_movielens(tmp_path / "nowhere")
    (tmp_path / "x.zip").write_text("no zip")
    with pytest.raises(ValueError, match="x.zip is neither a folder nor a zip"):
        load_movielens(tmp_path / "x.zip")
    for name in CSV:
        folder = write(tmp_path / name, {name: CSV[name]})
        with pytest.raises(FileNotFoundError, match=r"movies.csv, .*or u.data and"):
            load_movielens(folder)


def test_the_real_release_is_read_whole(real_release):
    table = load_movielens(real_release)
    lines = (real_release / "ratings.csv").read_text(encoding="utf-8").splitlines()
    assert len(table) == len(lines) - 1
    last = table[[*IDS, "rating", "timestamp"]].iloc[-1].tolist()
    assert last == [float(field) for field in lines[-1].split(",")]
    assert table["title"].notna().all()
    movies = (real_release / "movies.csv").read_text(encoding="utf-8").splitlines()
    unknown = [line for line in movies if line.endswith("(no genres listed)")]
    assert table.loc[table["genre"].isna(), "movie_id"].nunique() == len(unknown)
    assert table["movie_year"].isna().mean() < 0.001


def test_a_field_too_many_is_told_where_pandas_begins_a_new_block(tmp_path):
    # pandas 2 reads blocks of 2**19 fields, and does not count those of a block's first
    # row
    rows = [f"1,{movie},4.0,5" for movie in range(131_073)]
    files = CSV | {"ratings.csv": ratings_csv(*rows[:-1], f"{rows[-1]},9")}
    with pytest.raises(ValueError, match=r"ratings.csv, line 131074: expected 4 f"):
        load_movielens(write(tmp_path, files))
