"""Every safeguard that `--break` disables is missed by one of the ten checks."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from break_it import WHY
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


def test_every_safeguard_is_listed_with_the_reason_for_it():
    assert set(NOTICED) == set(WHY)
    listed = break_it("list")
    assert listed.returncode == 0
    for name, why in WHY.items():
        assert f"{name}\n  {why}" in listed.stdout


@pytest.fixture(scope="module")
def runs():
    """One run for each safeguard, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(NOTICED, pool.map(break_it, NOTICED)))


@pytest.mark.parametrize("name", NOTICED)
def test_a_safeguard_that_is_disabled_is_noticed(runs, name):
    (test, message) = NOTICED[name]
    run = runs[name]
    summary = run.stdout.partition(f"this run was without the safeguard {name}")[2]
    assert "Checks that noticed: 1\n" in summary, run.stdout + run.stderr
    assert re.search(rf"- \S*::{test}\S*\n  .*{re.escape(message)}", summary)
    assert WHY[name] in summary
    assert run.returncode == 1


def test_without_paths_the_ten_checks_are_taken():
    assert "10 tests collected" in break_it("clipping", "--collect-only", "-q").stdout
    named = break_it("clipping", "tests/test_dataset.py", "--collect-only", "-q")
    assert "test_lesson.py" not in named.stdout


def test_an_unknown_name_and_a_safeguard_that_has_moved_end_with_one_sentence(tmp_path):
    assert "invalid choice: 'luck'" in break_it("luck").stderr
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
