"""The lesson in one file: generate_lesson_files.sh writes the same bytes, loses no
work, and needs only a shell.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

BASH = shutil.which("bash")
SCRIPT = ROOT / "generate_lesson_files.sh"
TOOL = ROOT / "tools" / "build_generator.py"
FOLDER = "scikit_learn_ecosystem_lesson"
POSIX_TOOLS = ["rmdir", "cat", "cksum", "mkdir", "mv", "rm", "sed"]

pytestmark = pytest.mark.skipif(BASH is None, reason="no bash at hand")

spec = importlib.util.spec_from_file_location("build_generator", TOOL)
generator = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generator)


@pytest.fixture
def place(tmp_path):
    """A folder with nothing in it."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


@pytest.fixture
def copy(tmp_path):
    """The script alone, away from the repository."""
    return shutil.copy(SCRIPT, tmp_path / "copied.sh")


@pytest.fixture
def sh(copy, place):
    """Run the copied script in the empty folder."""

    def run(*arguments, **environment):
        command = [BASH, copy, *arguments]
        return subprocess.run(
            command,
            cwd=place,
            env=os.environ | environment,
            capture_output=True,
            encoding="utf-8",
        )

    return run


def inside(folder):
    """Everything below a folder: the bytes of each file, None for each folder that is
    not one of the lesson's.
    """
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    told = {
        name: None if path.is_dir() else path.read_bytes()
        for name, path in found.items()
    }
    return {
        name: data
        for name, data in told.items()
        if data is not None or name not in generator.FOLDERS
    }


def lesson():
    return {name: (ROOT / name).read_bytes() for name in generator.FILES}


def assert_refused(run, status, *words):
    """One line of a few words on stderr, nothing on stdout."""
    assert run.returncode == status, run.stderr
    assert run.stdout == ""
    assert run.stderr.count("\n") == 1
    assert run.stderr.startswith("generate_lesson_files.sh: ")
    for word in words:
        assert word in run.stderr


def alter(copy, old, new):
    """Change the copied script in one place."""
    with open(copy, "rb") as file:
        before = file.read()
    assert old in before
    with open(copy, "wb") as file:
        file.write(before.replace(old, new, 1))


# ----- The command that builds the script


def build(root, *arguments):
    command = [sys.executable, root / "tools" / TOOL.name, *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8")


@pytest.fixture
def repository(tmp_path):
    """The files that the command reads and writes."""
    root = tmp_path / "repository"
    (root / "tools").mkdir(parents=True)
    for path in [TOOL, SCRIPT, *(ROOT / name for name in generator.FILES)]:
        (root / path.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / path.relative_to(ROOT))
    return root


def test_script_is_not_stale():
    check = build(ROOT, "--check")
    assert check.returncode == 0, check.stderr
    assert os.access(SCRIPT, os.X_OK)


@pytest.mark.parametrize("name", generator.FILES)
def test_check_tells_a_stale_script_in_one_sentence_and_the_command_rebuilds_it(
    repository, name
):
    with open(repository / name, "a", encoding="utf-8") as file:
        file.write("# one line more\n")
    check = build(repository, "--check")
    assert check.returncode == 1
    assert check.stderr.count("\n") == 1
    assert "stale" in check.stderr
    assert (repository / SCRIPT.name).read_bytes() == SCRIPT.read_bytes()
    assert build(repository).returncode == 0
    assert build(repository, "--check").returncode == 0
    assert os.access(repository / SCRIPT.name, os.X_OK)


def test_check_tells_a_missing_script_and_a_missing_file(repository):
    (repository / SCRIPT.name).unlink()
    assert "stale" in build(repository, "--check").stderr
    (repository / "README.md").unlink()
    run = build(repository)
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert "README.md" in run.stderr


@pytest.mark.parametrize(
    ("ending", "word"),
    [
        (b"no newline", "newline"),
        (b"\r\n", "carriage return"),
        (b"\0\n", "NUL"),
        (b"x " + generator.DELIMITER.encode() + b"\n", generator.DELIMITER),
    ],
)
def test_what_a_here_document_would_change_is_not_built(ending, word):
    with pytest.raises(ValueError, match=f"README.md .*{word}"):
        generator.build(lesson() | {"README.md": lesson()["README.md"] + ending})


def test_delimiter_occurs_in_no_file():
    for data in lesson().values():
        assert generator.DELIMITER.encode() not in data


def test_script_shows_every_file_as_it_is():
    for data in lesson().values():
        assert data in SCRIPT.read_bytes()


@pytest.mark.parametrize(
    "data",
    [b"", b"a", b"lesson\n", bytes(range(256)) * 300],
    ids=["empty", "one byte", "a line", "all bytes"],
)
def test_recorded_checksum_is_what_cksum_tells(data):
    told = subprocess.run(
        ["cksum"], input=data, capture_output=True, check=True
    ).stdout.decode()
    assert generator.cksum(data) == told.strip()


def test_shellcheck_finds_nothing():
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    check = subprocess.run(
        ["shellcheck", "--norc", SCRIPT], capture_output=True, encoding="utf-8"
    )
    assert check.returncode == 0, check.stdout
    assert b"shellcheck disable" not in SCRIPT.read_bytes()


# ----- What the script writes


def test_files_are_byte_for_byte_those_of_the_repository(sh, place):
    run = sh()
    assert (run.returncode, run.stderr) == (0, "")
    assert inside(place / FOLDER) == lesson()
    assert [path.name for path in place.iterdir()] == [FOLDER]


def test_next_steps_are_told_in_their_order(sh):
    steps = [
        f"cd {FOLDER}",
        "python3 -m venv .venv",
        "source .venv/bin/activate",
        "pip install -r requirements.txt",
        "python lesson_code.py",
        "python -m pytest test_lesson.py -v",
        "python pillars/1_preprocessing.py     (chapters: eight questions)",
        "python -m pytest exercises            (small broken programs to mend)",
    ]
    assert re.findall(r"^    (.+)$", sh().stdout, flags=re.MULTILINE) == steps


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "en_US.UTF-8"])
def test_every_locale_gives_the_same_bytes(sh, place, locale):
    assert sh("café ✓", LC_ALL=locale, LANG=locale).returncode == 0
    assert inside(place / "café ✓") == lesson()


@pytest.mark.parametrize(
    "arguments",
    [["my lesson"], ["--", "-rf"], ["--", "--force"], ["it's a\\'$HOME"], ["sub/new"]],
)
def test_another_folder_can_be_named_and_the_cd_told_leads_there(sh, place, arguments):
    (place / "sub").mkdir()
    run = sh(*arguments)
    assert (run.returncode, run.stderr) == (0, "")
    assert inside(place / arguments[-1]) == lesson()
    cd = re.search(r"^    (cd .+)$", run.stdout, flags=re.MULTILINE).group(1)
    there = subprocess.run(
        [BASH, "-c", f"{cd} && cat README.md"], cwd=place, capture_output=True
    )
    assert there.stdout == lesson()["README.md"]


def test_folder_that_exists_keeps_what_else_it_holds(sh, place):
    (place / "mine").mkdir()
    (place / "mine" / "notes.txt").write_text("mine")
    assert sh("mine").returncode == 0
    assert inside(place / "mine") == lesson() | {"notes.txt": b"mine"}


def test_running_twice_succeeds_and_touches_nothing(sh, place):
    first = sh()
    before = {
        path: path.stat().st_mtime_ns
        for path in [place / FOLDER, *(place / FOLDER).iterdir()]
    }
    second = sh()
    assert (second.returncode, second.stdout) == (0, first.stdout)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_missing_file_is_written_again_and_the_others_are_left_alone(sh, place):
    sh()
    (place / FOLDER / "README.md").unlink()
    before = {path: path.stat().st_mtime_ns for path in (place / FOLDER).iterdir()}
    assert sh().returncode == 0
    assert inside(place / FOLDER) == lesson()
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_only_bash_and_a_few_posix_tools_are_needed(copy, place, tmp_path):
    (tmp_path / "bin").mkdir()
    for tool in ["bash", *POSIX_TOOLS]:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    run = subprocess.run(
        [copy, "my lesson"],
        cwd=place,
        env={"PATH": str(tmp_path / "bin")},
        capture_output=True,
        encoding="utf-8",
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert inside(place / "my lesson") == lesson()


@pytest.mark.parametrize("shell", ["dash", "busybox"])
def test_nothing_in_it_is_newer_than_the_oldest_bash(copy, place, shell):
    """The bash of macOS is of 2007: what a plain POSIX shell runs, that
    one runs as well.
    """
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    command = [shell, "sh"] if shell == "busybox" else [shell]
    run = subprocess.run([*command, copy], cwd=place, stdout=subprocess.DEVNULL)
    assert run.returncode == 0
    assert inside(place / FOLDER) == lesson()


def test_generated_folder_passes_its_own_ten_tests(sh, place):
    sh()
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTEST_")
    }
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=place / FOLDER,
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )
    assert run.returncode == 0, run.stdout
    assert "10 passed" in run.stdout


# ----- What it must not overwrite


@pytest.fixture
def edited(sh, place):
    """A lesson in which the learner has changed the second file and the
    last, and lost the third.
    """
    sh()
    for name in ["test_lesson.py", "README.md"]:
        with open(place / FOLDER / name, "a", encoding="utf-8") as file:
            file.write("# my own line\n")
    (place / FOLDER / "requirements.txt").unlink()
    return place / FOLDER


def test_changed_files_are_named_and_nothing_at_all_is_changed(sh, edited):
    before = inside(edited)
    when = edited.stat().st_mtime_ns
    run = sh()
    assert_refused(run, 1, "test_lesson.py README.md", "--force")
    assert "lesson_code.py" not in run.stderr
    assert inside(edited) == before
    assert edited.stat().st_mtime_ns == when, (
        "something was written there and taken away again"
    )


def test_a_change_that_keeps_the_size_is_seen(sh, place):
    sh()
    path = place / FOLDER / "requirements.txt"
    path.write_bytes(path.read_bytes().swapcase())
    assert_refused(sh(), 1, "requirements.txt")


@pytest.mark.parametrize(
    "arguments",
    [["--force"], ["--force", FOLDER], [FOLDER, "--force"], ["--force", "--", FOLDER]],
)
def test_force_overwrites(sh, edited, arguments):
    assert sh(*arguments).returncode == 0
    assert inside(edited) == lesson()


def test_force_replaces_a_link_and_not_what_it_points_to(sh, place):
    sh()
    (place / "elsewhere").write_text("precious")
    (place / FOLDER / "README.md").unlink()
    (place / FOLDER / "README.md").symlink_to(place / "elsewhere")
    assert sh("--force").returncode == 0
    assert (place / "elsewhere").read_text() == "precious"
    assert inside(place / FOLDER) == lesson()


@pytest.mark.parametrize("option", [[], ["--force"]])
def test_a_folder_in_the_place_of_a_file_is_told(sh, place, option):
    (place / FOLDER / "README.md").mkdir(parents=True)
    before = inside(place)
    assert_refused(sh(*option), 1, "README.md")
    assert inside(place) == before


# ----- What it is asked for


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_is_told_and_nothing_written(sh, place, option):
    run = sh(option)
    assert (run.returncode, run.stderr) == (0, "")
    for word in ["Usage", "--force", "--help", FOLDER]:
        assert word in run.stdout
    assert inside(place) == {}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--forec"], "--forec"),
        (["-x", "here"], "-x"),
        (["-"], "-"),
        (["one", "two"], "two"),
        (["--", "one", "--force"], "--force"),
        ([""], "empty"),
    ],
)
def test_bad_arguments_end_with_one_line_and_status_2(sh, place, arguments, word):
    assert_refused(sh(*arguments), 2, f"'{word}'" if word != "empty" else word)
    assert inside(place) == {}


def test_a_folder_that_is_a_file_is_told(sh, place):
    (place / "file").write_text("mine")
    assert_refused(sh("--force", "file"), 1, "'file' is a file")
    assert inside(place) == {"file": b"mine"}


@pytest.mark.parametrize("target", ["no/such/folder", "file/folder"])
def test_a_folder_that_cannot_be_made_is_told(sh, place, target):
    (place / "file").write_text("mine")
    assert_refused(sh(target), 1, f"'{target}'")
    assert inside(place) == {"file": b"mine"}


@pytest.mark.skipif(
    getattr(os, "geteuid", int)() == 0, reason="root may write everywhere"
)
@pytest.mark.parametrize("target", ["locked", "locked/new"])
def test_a_folder_that_cannot_be_written_is_told(sh, place, target):
    (place / "locked").mkdir(mode=0o555)
    assert_refused(sh(target), 1, f"'{target}'")
    assert inside(place) == {"locked": None}


# ----- What goes wrong on the way


@pytest.fixture(params=["new folder", "empty folder", "changed files"])
def target(request, sh, place):
    """Where a failure must leave everything as it was; the folder's content before."""
    if request.param == "empty folder":
        (place / FOLDER).mkdir()
    if request.param == "changed files":
        request.getfixturevalue("edited")
    return inside(place)


def test_altered_script_is_told_and_leaves_nothing(sh, copy, place, target):
    readme = lesson()["README.md"]
    alter(copy, readme, b"~" + readme[1:])
    assert_refused(sh("--force"), 1, "README.md")
    assert inside(place) == target


@pytest.mark.parametrize(
    "end",
    [
        b"\n# ----- What is there",
        b"\nclass MovieRecommendationDataset",
        b"\n# ----- Into place",
    ],
)
def test_script_that_is_cut_short_fails_and_leaves_nothing(
    sh, copy, place, target, end
):
    alter(copy, end + SCRIPT.read_bytes().partition(end)[2], b"\n")
    run = sh("--force")
    assert run.returncode == 1
    assert "cut short" in run.stderr
    assert inside(place) == target


def test_full_disk_leaves_nothing(copy, place, target):
    """A limit of 16 KiB to a file stands in for the disk: the first file
    of the lesson does not fit.
    """
    run = subprocess.run(
        [BASH, "-c", f'ulimit -f 16; exec "{BASH}" "$0" --force', copy],
        cwd=place,
        capture_output=True,
    )
    assert run.returncode != 0
    assert inside(place) == target


@pytest.fixture
def instead(tmp_path):
    """Put another command in the place of a tool; return the PATH for the script."""

    def put(tool, *commands):
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / tool).write_text("\n".join(["#!/bin/sh", *commands, ""]))
        (tmp_path / "bin" / tool).chmod(0o755)
        return f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"

    return put


@pytest.mark.parametrize(
    ("signal", "status"), [("HUP", 129), ("INT", 130), ("TERM", 143)]
)
def test_interruption_while_writing_leaves_nothing(
    sh, place, instead, target, signal, status
):
    path = instead("cat", f'"{shutil.which("cat")}"', f"kill -{signal} $PPID")
    assert sh("--force", PATH=path).returncode == status
    assert inside(place) == target


@pytest.mark.parametrize("signal", ["HUP", "INT", "TERM"])
def test_interruption_while_moving_waits_until_all_files_are_in_place(
    sh, place, instead, target, signal
):
    path = instead("mv", f"kill -{signal} $PPID", f'"{shutil.which("mv")}" "$@"')
    assert sh("--force", PATH=path).returncode == 0
    assert inside(place / FOLDER) == lesson()


def test_a_move_that_fails_is_no_success_and_leaves_nothing(sh, place, instead, target):
    run = sh("--force", PATH=instead("mv", "echo no >&2", "exit 1"))
    assert (run.returncode, run.stdout) == (1, "")
    assert inside(place) == target
