"""Every safeguard that `--break` disables is missed by one of the ten checks."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from break_it import WHY, pytest_cmdline_main
from conftest import ROOT, copy_lesson

#: What must notice, and a part of its message.
NOTICED = {
    "cross-fitting": (
        "test_transformer_fit_transform",
        "the first row's rating changed its own features",
    ),
    "damping": ("test_transformer_fit_transform", "an average must be damped"),
    "averages-anew": (
        "test_pipeline_evaluation",
        "R2 on shuffled ratings must be about 0",
    ),
    "ids": ("test_pipeline_creation", "An id is a label"),
    "clipping": ("test_pipeline_prediction", "nobody can give more than 5"),
    "digest": ("test_pipeline_serialization", "a damaged artifact was loaded"),
    "shuffled-folds": ("test_pipeline_training", "Folds must be shuffled"),
    "rated-movies": ("test_end_to_end_workflow", "it must be left out"),
    "ranker-scale": ("test_end_to_end_workflow", "units of their root mean square"),
}


def break_it(name, *paths, cwd=ROOT):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--break",
        name,
        "-p",
        "no:cacheprovider",
        *paths,
    ]
    return subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8")


def test_every_safeguard_is_listed_with_the_reason_for_it(capsys):
    assert set(NOTICED) == set(WHY)
    options = SimpleNamespace(safeguard="list")
    assert pytest_cmdline_main(SimpleNamespace(option=options)) == 0
    listed = capsys.readouterr().out
    for name, why in WHY.items():
        assert f"{name}\n  {why}" in listed


@pytest.fixture(scope="module")
def runs():
    """One run for each safeguard, of the check that must notice; two at a time."""

    def run_check(name):
        return break_it(name, "-k", NOTICED[name][0])

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(NOTICED, pool.map(run_check, NOTICED)))


@pytest.mark.parametrize("name", NOTICED)
def test_a_safeguard_that_is_disabled_is_noticed(runs, name):
    test, message = NOTICED[name]
    run = runs[name]
    summary = run.stdout.partition(f"this run was without the safeguard {name}")[2]
    assert "Checks that noticed: 1\n" in summary, run.stdout + run.stderr
    assert re.search(rf"- \S*::{test}\S*\n  .*{re.escape(message)}", summary)
    assert WHY[name] in summary
    assert run.returncode == 1
    assert "9 deselected" in run.stdout  # without a path, the ten checks are taken


def test_with_a_path_its_tests_are_taken_instead_of_the_ten_checks():
    named = break_it("clipping", "tests/test_dataset.py", "--collect-only", "-q")
    assert "test_dataset.py" in named.stdout
    assert "test_lesson.py" not in named.stdout


def test_a_safeguard_that_has_moved_ends_with_one_sentence(tmp_path):
    (tmp_path / "tests").mkdir()
    copy_lesson(tmp_path, "test_lesson.py", "conftest.py", "tests/break_it.py")
    script = tmp_path / "lesson_code.py"
    lesson = script.read_text(encoding="utf-8")
    script.write_text(lesson.replace("make_folds(", "other("), encoding="utf-8")
    message = break_it("shuffled-folds", cwd=tmp_path).stderr
    assert "lesson_code has no make_folds: mend tests/break_it.py" in message


def test_the_root_conftest_does_no_harm_where_there_is_no_folder_of_tests(tmp_path):
    copy_lesson(tmp_path, "test_lesson.py", "conftest.py")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "test_lesson.py",
        "--collect-only",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8")
    assert "10 tests collected" in run.stdout
