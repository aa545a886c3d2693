"""The command line where a console, a pipe, a disk or an argument is bad: one line, the
right status, no traceback.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from forked import POSIX
from repository import ROOT, copy_lesson

import lesson_code
from lesson_code import SklearnEcosystemPipeline

pytestmark = [pytest.mark.hostile, POSIX]
COMMANDS = {
    "demo": "--users=40 --movies=30 --ratings=400 --model=linear",
    "recommend": "recommend --user=5",
    "help": "recommend --help",
}
NAMES = ["Семь самураев", "七人の侍", "العربية", "Amélie €", "🎬"]


@pytest.fixture(scope="module")
def artifact(table, tmp_path_factory):
    """A model of a table with titles of many scripts."""
    titles = [f"{NAMES[movie % len(NAMES)]} {movie}" for movie in table["movie_id"]]
    titled = SklearnEcosystemPipeline(model="linear").fit(table.assign(title=titles))
    return titled.save_pipeline(tmp_path_factory.mktemp("console") / "model.pkl")


@pytest.fixture
def folder(artifact, tmp_path, monkeypatch):
    """A working folder with the artifact that the commands take by default."""
    shutil.copy(artifact, tmp_path / lesson_code.ARTIFACT)
    shutil.copy(f"{artifact}.json", tmp_path / f"{lesson_code.ARTIFACT}.json")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder):
    return {entry.name: entry.read_bytes() for entry in folder.iterdir()}


def run(command, streams="", encoding="utf-8", script=ROOT / "lesson_code.py"):
    """Run the lesson, without a home, from a shell that sets up its streams.

    Return the status, and what was written to the two streams.
    """
    program = [sys.executable, "-B", str(script), *shlex.split(command)]
    kept = ("PATH", "OMP_NUM_THREADS")
    settings = {name: os.environ[name] for name in kept if name in os.environ}
    if encoding is not None:
        settings["PYTHONIOENCODING"] = encoding
    else:  # as on the oldest systems
        settings |= {"LC_ALL": "C", "PYTHONUTF8": "0"}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{shlex.join(program)} {streams}"],
        env=settings,
        capture_output=True,
        encoding=encoding,
    )
    return done.returncode, done.stdout, done.stderr


# ----- Standard streams


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("streams", ["| true", "<&- >&-", "2>&-"])
def test_no_command_needs_its_streams(folder, command, streams):
    status, out, err = run(command, streams)
    assert (status, err) == (0, "")
    assert (out != "") == (streams == "2>&-")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_full_disk_behind_the_output_is_one_line_and_status_2(folder, command):
    status, _, err = run(command, "> /dev/full")
    assert re.fullmatch(r"lesson_code.py: .*\n", err)
    assert status == 2


@pytest.mark.parametrize("command", ["--users=0", "recommend --user=5 --artifact=no"])
def test_without_a_place_for_errors_the_status_still_tells_them(folder, command):
    assert run(command, "2>&-") == (2, "", "")


def test_a_console_that_cannot_show_a_letter_shows_a_question_mark_and_all_else(folder):
    right = run(COMMANDS["recommend"])[1]
    for encoding in ("ascii", "cp1252"):
        expected = right.encode(encoding, "replace").decode(encoding)
        assert expected.count("?") > 10
        assert run(COMMANDS["recommend"], encoding=encoding) == (0, expected, "")


def test_an_error_on_a_console_of_ascii_is_one_line(folder):
    status, out, err = run("compare --data=никуда", encoding="ascii")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1 and r"\u043d\u0438" in err


# ----- Arguments, and where Python was started

OPTIONS = {
    (): ["--users", "--seed", "--model", "--output", "--data", "--frobnicate"],
    ("compare",): ["--ratings", "--data", "--output"],
    ("recommend",): ["--user", "--rated", "--top", "--movie"],
    ("predict", "--user", "5"): ["--movie", "--artifact"],
}
VALUES = ["", "0", "-1", "1.5", "inf", "9" * 400, "x" * 10**6, "1=", "1=nan", "-", "\n"]


@pytest.mark.parametrize("command", OPTIONS, ids=lambda command: command[:1])
def test_arguments_of_every_wrong_kind_end_with_one_short_line(folder, capsys, command):
    # so that nothing ever runs for long
    small = [] if command and command[0] != "compare" else ["--movies", "0"]
    before = contents(folder)
    for option in OPTIONS[command]:
        for value in VALUES:
            try:
                status = lesson_code.main([*command, *small, option, value])
            except SystemExit as stop:
                status = stop.code
            err = capsys.readouterr().err
            if status == 2:
                assert err.count("\n") == 1 and len(err) < 700, (option, value[:9])
            else:
                assert (status, err) == (0, "") and not small, (option, value[:9])
    assert contents(folder) == before


def test_without_home_and_locale_the_demo_runs_from_any_folder_to_any_other(
    tmp_path, monkeypatch
):
    home, elsewhere = tmp_path / "Übung é 七", tmp_path / "else where"
    home.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    command = f"{COMMANDS['demo']} --output='é x.pkl'"
    status, _, err = run(command, encoding=None, script=copy_lesson(home))
    assert (status, err) == (0, b"")
    assert {*contents(elsewhere)} == {"é x.pkl", "é x.pkl.json"}
    path = elsewhere / "é x.pkl"
    assert SklearnEcosystemPipeline.load_pipeline(path).pipeline is not None
