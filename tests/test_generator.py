"""The lesson in one file: generate_lesson_files.sh writes the same bytes, loses no
work, and needs only a shell.
"""

import functools
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest
from repository import ROOT, load_module

BASH = shutil.which("bash")
SCRIPT = ROOT / "generate_lesson_files.sh"
TOOL = ROOT / "tools" / "build_generator.py"
FOLDER = "scikit_learn_ecosystem_lesson"
POSIX_TOOLS = ["rmdir", "cat", "cksum", "mkdir", "mv", "rm", "sed"]

pytestmark = pytest.mark.skipif(BASH is None, reason="no bash at hand")

generator = load_module(TOOL)


@pytest.fixture
def place(tmp_path):
    """A folder with nothing in it."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


@pytest.fixture
def copy(tmp_path):
    """The script alone, away from the repository."""
    return shutil.copy(SCRIPT, tmp_path / "copied.sh")


def default_signals():
    """Let signals end the script, also where these tests run in the background."""
    for name in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_DFL)


def run_script(script, place, *arguments, **environment):
    return subprocess.run(
        [BASH, script, *arguments],
        cwd=place,
        env=os.environ | environment,
        capture_output=True,
        encoding="utf-8",
        preexec_fn=default_signals,
    )


@pytest.fixture
def sh(copy, place):
    """Run the copied script in the empty folder."""
    return functools.partial(run_script, copy, place)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What the script says in an empty folder, and the lesson that it writes."""
    place = tmp_path_factory.mktemp("written")
    return run_script(SCRIPT, place), place / FOLDER


def inside(folder):
    """Everything below a folder: the bytes of each file, None for each folder that is
    not one of the lesson's.
    """
    content = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file():
            content[name] = path.read_bytes()
        elif name not in generator.FOLDERS:
            content[name] = None
    return content


def times_in(folder):
    return {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}


@pytest.fixture(scope="module")
def lesson():
    return generator.read_files()


def assert_refused(run, status, *words):
    """One line with these words on stderr, nothing on stdout."""
    assert (run.returncode, run.stdout) == (status, ""), run.stderr
    assert run.stderr.startswith("generate_lesson_files.sh: ")
    assert run.stderr.count("\n") == 1
    assert [word for word in words if word not in run.stderr] == []


# ----- The command that builds the script


def test_the_script_is_what_the_command_writes_which_tells_a_stale_one(
    tmp_path, monkeypatch
):
    script = tmp_path / SCRIPT.name
    monkeypatch.setattr(generator, "SCRIPT", script)
    monkeypatch.setattr(sys, "argv", ["build_generator.py"])
    generator.main()
    is_stale = SCRIPT.read_bytes() != script.read_bytes()
    assert not is_stale, "run `python tools/build_generator.py`"
    assert os.access(SCRIPT, os.X_OK) and os.access(script, os.X_OK)

    script.write_bytes(b"of another lesson")
    monkeypatch.setattr(sys, "argv", ["build_generator.py", "--check"])
    with pytest.raises(SystemExit, match="stale"):
        generator.main()
    assert script.read_bytes() == b"of another lesson"


# ----- What the script writes


def test_files_are_byte_for_byte_those_of_the_repository(written):
    run, folder = written
    assert (run.returncode, run.stderr) == (0, "")
    files = inside(folder)
    assert set(files) == set(generator.FILES)
    changed = {name for name in files if files[name] != (ROOT / name).read_bytes()}
    assert changed <= {"README.md", "docs/words.md"}  # their links: see below
    assert [path.name for path in folder.parent.iterdir()] == [FOLDER]


def local_targets(page):
    """The targets of all links and pictures of a page, but for those on the web."""
    markdown = r"\]\(\s*<?([^()\s>]+)|^\[[^\]]+\]:\s*(\S+)"
    html = r"<[^>]+(?:src|srcset|href)=[\"']([^\"'\s]+)"
    found = re.findall(f"{markdown}|{html}", page, re.MULTILINE)
    targets = ["".join(groups).partition("#")[0] for groups in found]
    return [target for target in targets if target and ":" not in target]


def test_no_link_and_no_picture_of_a_written_page_is_dead(written):
    _, folder = written
    dead = [
        f"{page.name}: {target}"
        for page in folder.rglob("*.md")
        for target in local_targets(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert dead == []


def test_dead_links_leave_their_text_and_dead_pictures_nothing():
    page = (
        "# A\n\n[![p](docs/p.svg)](7_map.py)\n\n![p](docs/p.svg)\n![q](docs/q.svg)\n\n"
    )
    page += "[Chapter](7_map.py#L1), "
    page += "[web](https://b.c/d), [below](#x),\n[use](../docs/use.md). ![i](i.png)"
    mended = generator.without_dead_links("pillars/page.md", page)
    rest = "\n[Chapter](7_map.py#L1), [web](https://b.c/d), [below](#x),\n"
    assert mended == f"# A\n{generator.NOTE}{rest}use (`../docs/use.md`). "
    assert generator.without_dead_links("pillars/page.md", rest) == rest


def test_next_steps_begin_in_the_folder_and_name_files_that_are_there(written):
    run, folder = written
    steps = re.findall(r"^    (.+)$", run.stdout, flags=re.MULTILINE)
    assert steps[0] == f"cd {FOLDER}"
    named = re.findall(r"\S+\.(?:py|txt)\b|exercises", "\n".join(steps))
    assert {"requirements.txt", "lesson_code.py", "test_lesson.py"} < set(named)
    assert [name for name in named if not (folder / name).exists()] == []


@pytest.mark.parametrize(
    "arguments", [["--", "--force"], ["sub/it's a\\'$HOME"], ["café ✓"]]
)
def test_another_folder_can_be_named_and_the_cd_told_leads_there(
    sh, place, lesson, arguments
):
    (place / "sub").mkdir()
    run = sh(*arguments, LC_ALL="C.UTF-8")
    assert (run.returncode, run.stderr) == (0, "")
    assert inside(place / arguments[-1]) == lesson
    cd = re.search(r"^    (cd .+)$", run.stdout, flags=re.MULTILINE).group(1)
    there = subprocess.run(
        [BASH, "-c", f"{cd} && cat README.md"], cwd=place, capture_output=True
    )
    assert there.stdout == lesson["README.md"]


def test_running_again_writes_what_is_missing_and_touches_nothing_else(
    sh, place, written, lesson
):
    first, lesson_folder = written
    folder = shutil.copytree(lesson_folder, place / FOLDER)
    (folder / "notes.txt").write_text("mine")
    before = times_in(folder)
    second = sh()
    assert (second.returncode, second.stdout) == (0, first.stdout)
    assert times_in(folder) == before

    (folder / "README.md").unlink()
    assert sh().returncode == 0
    assert inside(folder) == lesson | {"notes.txt": b"mine"}
    after = times_in(folder)
    changed = {path.name for path in after if after[path] != before[path]}
    assert changed == {FOLDER, "README.md"}


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_a_few_posix_tools_are_enough_and_no_new_bash_is_needed(
    copy, place, tmp_path, lesson, shell
):
    """The bash of macOS is of 2007: what a plain POSIX shell runs, that one runs."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "bin").mkdir()
    for tool in [shell, *POSIX_TOOLS]:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    run = subprocess.run(
        [tmp_path / "bin" / shell, copy, "my lesson"],
        cwd=place,
        env={"PATH": str(tmp_path / "bin")},
        capture_output=True,
        encoding="utf-8",
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert inside(place / "my lesson") == lesson


def test_generated_folder_passes_its_own_ten_tests(written, tmp_path):
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTEST_")
    }
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=shutil.copytree(written[1], tmp_path / "copy"),
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )
    assert run.returncode == 0, run.stdout
    assert "10 passed" in run.stdout


# ----- What it must not overwrite


@pytest.fixture
def edited(place, written):
    """A lesson in which the learner has changed one file, and another one without
    changing its size, and lost a third.
    """
    folder = shutil.copytree(written[1], place / FOLDER)
    with open(folder / "test_lesson.py", "a", encoding="utf-8") as file:
        file.write("# my own line\n")
    readme = (folder / "README.md").read_bytes()
    (folder / "README.md").write_bytes(readme.swapcase())
    (folder / "requirements.txt").unlink()
    return folder


def test_changed_files_are_named_and_nothing_at_all_is_changed(sh, edited):
    before = inside(edited), times_in(edited)
    run = sh()
    assert_refused(run, 1, "test_lesson.py README.md", "--force")
    assert "lesson_code.py" not in run.stderr
    # not even written and taken away again
    assert (inside(edited), times_in(edited)) == before


@pytest.mark.parametrize("arguments", [["--force"], [FOLDER, "--force"]])
def test_force_overwrites_files_and_replaces_links_not_what_they_lead_to(
    sh, place, edited, lesson, arguments
):
    (place / "elsewhere").write_text("precious")
    (edited / "LICENSE").unlink()
    (edited / "LICENSE").symlink_to(place / "elsewhere")
    assert sh(*arguments).returncode == 0
    assert (place / "elsewhere").read_text() == "precious"
    assert inside(edited) == lesson


# ----- What it is asked for


def test_help_is_told_and_nothing_written(sh, place):
    run = sh("--help")
    assert (run.returncode, run.stderr) == (0, "")
    assert "--force" in run.stdout and FOLDER in run.stdout
    assert inside(place) == {}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--forec"], "'--forec'"),
        (["one", "two"], "'two'"),
        ([""], "empty"),
    ],
)
def test_bad_arguments_end_with_one_line_and_status_2(sh, place, arguments, word):
    assert_refused(sh(*arguments), 2, word)
    assert inside(place) == {}


@pytest.mark.parametrize(
    "target", ["file", "no/such/folder", "locked/new", "in the way"]
)
def test_what_cannot_be_written_is_told_and_nothing_changed(sh, place, target):
    if target == "locked/new" and os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (place / "file").write_text("mine")
    (place / "locked").mkdir(mode=0o555)
    (place / "in the way" / "README.md").mkdir(parents=True)
    before = inside(place)
    assert_refused(sh("--force", target), 1, f"'{target}")
    assert inside(place) == before


# ----- What goes wrong on the way


@pytest.fixture(params=["new folder", "changed files"])
def target(request, place):
    """Where a failure must leave everything as it was; the folder's content before."""
    if request.param == "changed files":
        request.getfixturevalue("edited")
    return inside(place)


@pytest.fixture
def instead(tmp_path):
    """Put another command in the place of a tool; return the PATH for the script."""

    def put(tool, *commands):
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / tool).write_text("\n".join(["#!/bin/sh", *commands, ""]))
        (tmp_path / "bin" / tool).chmod(0o755)
        return f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"

    return put


def cut_before(line):
    return lambda script: script[: script.index(b"\n" + line) + 1]


def alter(script):
    return script.replace(b"# The scikit-learn", b"~ The scikit-learn")


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (cut_before(b"class MovieRecommendationDataset"), "cut short"),
        (cut_before(b"# ----- Into place"), "cut short"),
        (alter, "README.md"),
    ],
)
def test_script_that_is_cut_short_or_altered_fails_and_leaves_nothing(
    sh, copy, place, target, damage, word
):
    copy.write_bytes(damage(SCRIPT.read_bytes()))
    run = sh("--force")
    assert (run.returncode, run.stdout) == (1, "")
    assert word in run.stderr
    assert inside(place) == target


@pytest.mark.parametrize(
    ("tool", "command", "status"),
    [
        ("cat", "kill -HUP $PPID", 129),
        ("cat", "kill -TERM $PPID", 143),
        ("cat", "exit 1", 1),  # as on a full disk
        ("mv", "exit 1", 1),
    ],
)
def test_what_fails_or_is_interrupted_is_no_success_and_leaves_nothing(
    sh, place, instead, target, tool, command, status
):
    run = sh("--force", PATH=instead(tool, "echo half a file", command))
    assert run.returncode == status
    assert "Next:" not in run.stdout
    assert inside(place) == target


def test_interruption_while_moving_waits_until_all_files_are_in_place(
    sh, edited, instead, lesson
):
    interruptions = [f"kill -{name} $PPID" for name in ("HUP", "INT", "TERM")]
    path = instead("mv", *interruptions, f'"{shutil.which("mv")}" "$@"')
    assert sh("--force", PATH=path).returncode == 0
    assert inside(edited) == lesson
