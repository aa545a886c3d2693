"""The command line where a console, a pipe, a disk or a right is missing: one line, the
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
from forked import FORKS, QUIET, as_nobody, forked

import lesson_code
from lesson_code import SklearnEcosystemPipeline

pytestmark = pytest.mark.hostile
SMALL = ["--users", "40", "--movies", "30", "--ratings", "400"]
DEMO = [*SMALL, "--model", "linear"]
COMMANDS = {
    "demo": DEMO,
    "tune": [*DEMO, "--tune"],
    "compare": ["compare", *SMALL],
    "recommend": ["recommend", "--user", "5"],
    "predict": ["predict", "--user", "5", "--movie", "3"],
    "help": ["--help"],
    "help of a command": ["recommend", "--help"],
}
NAMES = ["Семь самураев", "七人の侍", "العربية", "Amélie €", "🎬"]
LINUX = pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="this system has no /dev/full"
)


@pytest.fixture
def folder(table, tmp_path, monkeypatch):
    """A working folder with the artifact of a table with titles of many scripts.

    Of the models only the quick one is left.
    """
    titled = table.assign(
        title=[f"{NAMES[movie % len(NAMES)]} {movie}" for movie in table["movie_id"]]
    )
    monkeypatch.chdir(tmp_path)
    SklearnEcosystemPipeline(model="linear").fit(titled).save_pipeline()
    monkeypatch.setattr(lesson_code, "MODELS", {"linear": lesson_code.MODELS["linear"]})
    return tmp_path


def console(
    command,
    *,
    out="read",
    err="read",
    no_input=False,
    encoding="utf-8",
    before=lambda: None,
    run=forked,
):
    """Run a command with standard streams of our own; return its status, and what was
    written to the two.

    A stream is "read", "closed", "full" or "nobody reads". At the end stdout is flushed
    as Python does it: if that fails, it tells so, and the status is 120.
    """
    with tempfile.TemporaryFile() as out_file, tempfile.TemporaryFile() as err_file:
        files = {1: out_file, 2: err_file}
        status = run(
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

    def open_streams():
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

    open_streams()
    before()
    try:
        status = lesson_code.main(
            COMMANDS.get(command) if isinstance(command, str) else command
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


@FORKS
@QUIET
@pytest.mark.parametrize("command", COMMANDS)
def test_a_pipe_that_nobody_reads_ends_every_command_silently(folder, command):
    status, _, err = console(command, out="nobody reads")
    assert (status, err) == (0, "")


@FORKS
@QUIET
@LINUX
@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_behind_the_output_is_one_line_and_status_2(folder, command):
    status, _, err = console(command, out="full")
    assert re.fullmatch(r"lesson_code.py: .*No space left on device\n", err)
    assert status == 2


@FORKS
@QUIET
def test_a_console_that_cannot_show_a_letter_shows_a_question_mark_and_all_else(folder):
    encodings = ("ascii", "cp1252", "shift_jis")
    shown = 0
    titles = [
        line.split()[2:-3]
        for line in console("recommend", encoding="cp1252")[1].splitlines()[2:]
    ]
    assert len(titles) == 10 and ["Amélie", "€"] in titles
    # the demo writes another artifact
    for command in ("recommend", "demo", "help", "help of a command"):
        right = console(command)[1]
        for encoding in encodings:
            expected = right.encode(encoding, "replace").decode(encoding)
            told = console(command, encoding=encoding)
            assert told == (0, expected, ""), (command, encoding)
            shown += 1
    # it tells times, which differ
    status, figures, err = console("compare", encoding="ascii")
    assert (status, err) == (0, "")
    assert len(figures.splitlines()) == len(console("compare")[1].splitlines())
    print(f"\n{shown + 1} consoles: {', '.join(encodings)}")


@FORKS
@QUIET
@pytest.mark.parametrize("command", ["demo", "compare", "recommend", "predict"])
def test_errors_on_a_console_of_ascii_are_one_line(folder, command):
    arguments = {
        "demo": ["--model", "linear", "--output", "ни/куда.pkl"],
        "compare": ["compare", "--data", "никуда"],
    }.get(command, [*COMMANDS[command], "--artifact", "никуда.pkl"])
    status, out, err = console(arguments, encoding="ascii")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1 and r"\u043d\u0438" in err


@FORKS
@QUIET
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_needs_its_input_or_its_output(folder, command):
    status, out, err = console(command, no_input=True)
    assert (status, err) == (0, "")
    assert out
    status, out, err = console(command, out="closed")
    assert (status, out) == (0, "")
    assert err == ""


@FORKS
@QUIET
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_needs_a_place_for_its_errors(folder, command):
    status, out, _ = console(command, err="closed")
    assert status == 0
    assert out


@FORKS
@QUIET
def test_without_a_place_for_errors_the_status_still_tells_them(folder):
    assert console(["--users", "0"], err="closed")[:2] == (2, "")
    nowhere = ["recommend", "--user", "5", "--artifact", "nowhere"]
    assert console(nowhere, err="closed")[:2] == (2, "")


def interrupt(*_, **__):
    os.kill(os.getpid(), signal.SIGINT)
    signal.pause()  # the signal arrives, here at the latest


PLACES = {  # the command, and what it is doing when Ctrl-C comes
    "demo, making the table": ("demo", "recommender.synthetic.draw_law"),
    "demo, making features": ("demo", "lesson_code._cross_fitted_averages"),
    "demo, scoring lists": ("demo", "recommender.top_n.best_columns"),
    "demo, saving": ("demo", "os.fsync"),
    "demo, renaming": ("demo", "os.replace"),
    "a search": ("tune", "lesson_code.Ridge.fit"),
    "a comparison": ("compare", "recommender.steps.TargetEncoder.fit_transform"),
    "recommend, loading": ("recommend", "joblib.load"),
    "recommend, ranking": ("recommend", "recommender.top_n.best_columns"),
    "predict, loading": ("predict", "hashlib.sha256"),
}


@FORKS
@QUIET
@pytest.mark.parametrize("place", PLACES)
def test_ctrl_c_anywhere_is_one_line_and_status_130_and_changes_no_file(
    folder, monkeypatch, place
):
    command, target = PLACES[place]
    before = {entry.name: entry.read_bytes() for entry in folder.iterdir()}

    def arm():
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # two threads would interrupt twice
        monkeypatch.setattr(joblib, "parallel_config", lambda *_, **__: nullcontext())
        monkeypatch.setattr(target, interrupt)  # in the child alone

    status, _, err = console(command, before=arm)
    assert (status, err) == (130, "\nlesson_code.py: interrupted\n")
    assert {entry.name: entry.read_bytes() for entry in folder.iterdir()} == before


@FORKS
@QUIET
def test_a_working_folder_without_the_right_to_write_is_one_line(folder, monkeypatch):
    folder.chmod(0o755)
    before = {entry.name: entry.read_bytes() for entry in folder.iterdir()}
    closed = folder if os.getuid() == 0 else folder / "closed"
    closed.mkdir(exist_ok=True)
    closed.chmod(0o555)
    try:
        one_thread = partial(
            monkeypatch.setattr,
            joblib,
            "parallel_config",
            lambda *_, **__: nullcontext(),
        )
        # in the child alone: threads need a part of the system that is not in this
        # folder
        status, _, err = console(
            "demo", before=one_thread, run=lambda work: as_nobody(closed, work)
        )
    finally:
        closed.chmod(0o755)
    assert status == 2
    assert re.fullmatch(
        r"lesson_code.py: Cannot write .*production_pipeline.pkl: Permission denied.\n",
        err,
    )
    assert {
        entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()
    } == before


def start(
    *options, script=ROOT / "lesson_code.py", cwd, stdout=subprocess.PIPE, **environment
):
    needed = {
        name: os.environ[name]
        for name in ("PATH", "SYSTEMROOT", "OMP_NUM_THREADS")
        if name in os.environ
    }
    command = [sys.executable, *options[:1], str(script), *options[1:]]
    return subprocess.run(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=needed | environment,
    )


@pytest.fixture
def house(tmp_path):
    """The module, alone in a folder with a space and letters that ASCII lacks in its
    name; and another folder.
    """
    home = tmp_path / "Übung é 七"
    elsewhere = tmp_path / "else where"
    home.mkdir()
    elsewhere.mkdir()
    return copy_lesson(home), elsewhere


def test_without_home_and_locale_the_demo_is_the_same_from_any_folder(house):
    script, elsewhere = house
    done = start(
        "-B",
        *DEMO,
        "--output",
        "é x.pkl",
        script=script,
        cwd=elsewhere,
        LC_ALL="C",
        PYTHONUTF8="0",
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Ecosystem Demonstration Complete!" in done.stdout
    assert sorted(entry.name for entry in elsewhere.iterdir()) == [
        "é x.pkl",
        "é x.pkl.json",
    ]
    assert (
        SklearnEcosystemPipeline.load_pipeline(elsewhere / "é x.pkl").pipeline
        is not None
    )


@FORKS
@QUIET
@pytest.mark.parametrize("optimize", [1, 2], ids=["-O", "-OO"])
def test_nothing_rests_on_assertions_or_docstrings(folder, optimize):
    """The module is compiled as `python -O` and `-OO` do: all libraries compiled anew
    would take ten seconds.
    """
    source = (ROOT / "lesson_code.py").read_text(encoding="utf-8")
    code = compile(
        source,
        str(ROOT / "lesson_code.py"),
        "exec",
        dont_inherit=True,
        optimize=optimize,
    )

    def optimized():
        module = sys.modules["lesson_code"] = types.ModuleType("lesson_code")
        exec(code, vars(module))
        assert (module.compare_models.__doc__ is None) == (optimize == 2)
        for name in set(module.MODELS) - {"linear"}:  # as in the folder
            del module.MODELS[name]
        globals()["lesson_code"] = module  # in the child alone

    for command in ("recommend", "predict", "demo", "help", "help of a command"):
        expected = console(command)[1]
        assert console(command, before=optimized) == (0, expected, ""), command


@LINUX
@FORKS
@QUIET
def test_what_the_copy_of_this_process_tells_of_its_end_is_what_python_does(folder):
    """The tests above imitate how Python ends; here it ends."""
    with open("/dev/full", "wb") as full:
        done = start("-B", "recommend", "--user", "5", cwd=folder, stdout=full)
    status, _, err = console("recommend", out="full")
    assert done.returncode == status
    assert done.stderr.decode().count("\n") == err.count("\n")
    assert done.stderr.decode().splitlines()[0] == err.splitlines()[0]
