"""The command line where a console, a pipe, a disk or an argument is bad: one line, the
right status, no traceback.

Most of it runs in a copy of this process, whose standard streams are opened anew: to
start Python takes a second.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import types
from contextlib import nullcontext
from functools import partial

import joblib
import pytest
from conftest import ROOT, copy_lesson
from forked import QUIET, forked

import lesson_code
from lesson_code import SklearnEcosystemPipeline

pytestmark = [pytest.mark.hostile, QUIET]
SMALL = ["--users", "40", "--movies", "30", "--ratings", "400"]
DEMO = [*SMALL, "--model", "linear"]
COMMANDS = {
    "demo": DEMO,
    "compare": ["compare", *SMALL],
    "recommend": ["recommend", "--user", "5"],
    "predict": ["predict", "--user", "5", "--movie", "3"],
    "help": ["recommend", "--help"],
}
NAMES = ["Семь самураев", "七人の侍", "العربية", "Amélie €", "🎬"]
LINUX = pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="this system has no /dev/full"
)


@pytest.fixture(scope="module")
def titled(table):
    """A model of a table with titles of many scripts."""
    titles = [f"{NAMES[movie % len(NAMES)]} {movie}" for movie in table["movie_id"]]
    return SklearnEcosystemPipeline(model="linear").fit(table.assign(title=titles))


@pytest.fixture
def folder(titled, tmp_path, monkeypatch):
    """A working folder with an artifact. Of the models only the quick one is left."""
    monkeypatch.chdir(tmp_path)
    titled.save_pipeline()
    monkeypatch.setattr(lesson_code, "MODELS", {"linear": lesson_code.MODELS["linear"]})
    return tmp_path


def contents(folder):
    return {entry.name: entry.read_bytes() for entry in folder.iterdir()}


def console(
    command,
    *,
    out="read",
    err="read",
    no_input=False,
    encoding="utf-8",
    before=lambda: None,
):
    """Run a command with standard streams of our own; return its status, and what was
    written to the two.

    A stream is "read", "closed", "full" or "nobody reads". At the end stdout is flushed
    as Python does it: if that fails, it tells so, and the status is 120.
    """
    if not hasattr(os, "fork"):
        pytest.skip("a copy of the process is made, as only POSIX can")
    with tempfile.TemporaryFile() as out_file, tempfile.TemporaryFile() as err_file:
        files = {1: out_file, 2: err_file}
        status = forked(
            partial(_work, command, files, {1: out, 2: err}, no_input, encoding, before)
        )
        texts = []
        for file in files.values():
            file.seek(0)
            texts.append(file.read().decode(encoding))
    # scikit-learn's threads reset the filters of warnings for a moment, and then may
    # warn that there are none
    texts[1] = re.sub(
        r"lesson_code.py: `sklearn.utils.parallel.delayed` should be used with .*\n",
        "",
        texts[1],
    )
    return status, *texts


def _work(command, files, kinds, no_input, encoding, before):
    streams = {1: ("stdout", "strict"), 2: ("stderr", "backslashreplace")}
    for number, kind in kinds.items():
        name, errors = streams[number]
        target = files[number].fileno()
        if kind == "nobody reads":
            read, target = os.pipe()
            os.close(read)
        elif kind == "full":
            target = os.open("/dev/full", os.O_WRONLY)
        os.dup2(target, number)
        stream = open(number, "w", encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, stream if kind != "closed" else None)
        if kind == "closed":
            os.close(number)
    if no_input:
        os.close(0)
        sys.stdin = None
    before()
    try:
        status = lesson_code.main(
            COMMANDS[command] if isinstance(command, str) else command
        )
    except SystemExit as stop:
        status = stop.code
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        status = 120
        print(f"Exception ignored in: <stdout>\n{error}", file=sys.stderr)
    if sys.stderr is not None:
        sys.stderr.flush()
    return status


# ----- Standard streams


@pytest.mark.parametrize("command", COMMANDS)
def test_a_pipe_that_nobody_reads_ends_every_command_silently(folder, command):
    status, _, err = console(command, out="nobody reads")
    assert (status, err) == (0, "")


@LINUX
@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_behind_the_output_is_one_line_and_status_2(folder, command):
    status, _, err = console(command, out="full")
    assert re.fullmatch(r"lesson_code.py: .*\n", err)
    assert status == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_needs_its_streams(folder, command):
    assert console(command, no_input=True, out="closed") == (0, "", "")
    status, out, _ = console(command, err="closed")
    assert status == 0 and out


def test_without_a_place_for_errors_the_status_still_tells_them(folder):
    assert console(["--users", "0"], err="closed")[:2] == (2, "")
    nowhere = ["recommend", "--user", "5", "--artifact", "nowhere"]
    assert console(nowhere, err="closed")[:2] == (2, "")


def test_a_console_that_cannot_show_a_letter_shows_a_question_mark_and_all_else(folder):
    for command, *encodings in (
        ("recommend", "ascii", "cp1252", "shift_jis"),
        ("help", "ascii"),
        ("demo", "ascii"),
    ):
        right = console(command)[1]
        for encoding in encodings:
            expected = right.encode(encoding, "replace").decode(encoding)
            assert console(command, encoding=encoding) == (0, expected, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--model", "linear", "--output", "ни/куда.pkl"],
        ["compare", "--data", "никуда"],
        ["predict", "--user", "5", "--movie", "3", "--artifact", "никуда.pkl"],
    ],
    ids=["demo", "compare", "predict"],
)
def test_errors_on_a_console_of_ascii_are_one_line(folder, arguments):
    status, out, err = console(arguments, encoding="ascii")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1 and r"\u043d\u0438" in err


@LINUX
def test_the_copy_of_this_process_ends_as_python_does(folder):
    """The tests above imitate how Python ends; here it ends."""
    with open("/dev/full", "wb") as full:
        done = start("recommend", "--user", "5", cwd=folder, stdout=full)
    status, _, err = console("recommend", out="full")
    assert (done.returncode, done.stderr.decode()) == (status, err)


# ----- Ctrl-C, arguments, and how Python was started


def interrupt(*_, **__):
    os.kill(os.getpid(), signal.SIGINT)
    signal.pause()  # the signal arrives, here at the latest


PLACES = {  # the command, and what it is doing when Ctrl-C comes
    "demo, making the table": ("demo", "recommender.synthetic.draw_law"),
    "demo, saving": ("demo", "os.fsync"),
    "demo, renaming": ("demo", "os.replace"),
    "a comparison": ("compare", "recommender.steps.TargetEncoder.fit_transform"),
    "recommend, loading": ("recommend", "joblib.load"),
}


@pytest.mark.parametrize("place", PLACES)
def test_ctrl_c_anywhere_is_one_line_and_status_130_and_changes_no_file(
    folder, monkeypatch, place
):
    command, target = PLACES[place]
    before = contents(folder)

    def arm():
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # two threads would interrupt twice
        monkeypatch.setattr(joblib, "parallel_config", lambda *_, **__: nullcontext())
        monkeypatch.setattr(target, interrupt)  # in the child alone

    status, _, err = console(command, before=arm)
    assert (status, err) == (130, "\nlesson_code.py: interrupted\n")
    assert contents(folder) == before


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


def start(*arguments, script=ROOT / "lesson_code.py", cwd, stdout=subprocess.PIPE):
    """Run the lesson without a home, and with the locale of the oldest systems."""
    environment = {
        name: os.environ[name]
        for name in ("PATH", "SYSTEMROOT", "OMP_NUM_THREADS")
        if name in os.environ
    }
    return subprocess.run(
        [sys.executable, "-B", str(script), *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=environment | {"LC_ALL": "C", "PYTHONUTF8": "0"},
    )


def test_without_home_and_locale_the_demo_runs_from_any_folder_to_any_other(tmp_path):
    home, elsewhere = tmp_path / "Übung é 七", tmp_path / "else where"
    home.mkdir()
    elsewhere.mkdir()
    script = copy_lesson(home)
    done = start(*DEMO, "--output", "é x.pkl", script=script, cwd=elsewhere)
    assert (done.returncode, done.stderr) == (0, b"")
    assert {*contents(elsewhere)} == {"é x.pkl", "é x.pkl.json"}
    path = elsewhere / "é x.pkl"
    assert SklearnEcosystemPipeline.load_pipeline(path).pipeline is not None


def test_nothing_rests_on_assertions_or_docstrings(folder):
    """The module is compiled as `python -OO` does: all libraries compiled anew would
    take ten seconds.
    """
    path = ROOT / "lesson_code.py"
    source = path.read_text(encoding="utf-8")
    code = compile(source, str(path), "exec", dont_inherit=True, optimize=2)

    def optimized():
        module = sys.modules["lesson_code"] = types.ModuleType("lesson_code")
        exec(code, vars(module))
        assert module.compare_models.__doc__ is None
        for name in set(module.MODELS) - {"linear"}:  # as in the folder
            del module.MODELS[name]
        globals()["lesson_code"] = module  # in the child alone

    for command in ("recommend", "demo", "help"):
        expected = console(command)[1]
        assert console(command, before=optimized) == (0, expected, ""), command
