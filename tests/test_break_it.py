"""Every safeguard that `--break` takes out is missed by a check, which
says so in its message.
"""

import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from break_it import WHY
from conftest import ROOT

#: What must notice, and a part of its message.
NOTICED = {
    "cross-fitting": (
        "test_transformer_fit_transform",
        "the first row's rating changed its own features",
    ),
    "averages-anew": (
        "test_pipeline_evaluation",
        "R2 on shuffled ratings must be about 0",
    ),
    "clipping": ("test_pipeline_prediction", "nobody can give more than 5"),
    "digest": ("test_pipeline_serialization", "a damaged artifact was loaded"),
    "shuffled-folds": ("test_the_order_of_the_rows", "Folds must be shuffled"),
    "ranker-scale": ("test_lists_are_the_same", "units of their root mean square"),
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
        return dict(
            zip(
                NOTICED,
                pool.map(lambda name: break_it(name, "-k", NOTICED[name][0]), NOTICED),
            )
        )


@pytest.mark.parametrize("name", NOTICED)
def test_a_safeguard_that_is_taken_out_is_noticed(runs, name):
    (test, message) = NOTICED[name]
    run = runs[name]
    summary = run.stdout.partition(f"this run was without the safeguard {name}")[2]
    assert "Checks that noticed: 1\n" in summary, run.stdout + run.stderr
    assert re.search(rf"- \S*::{test}\S*\n  .*{re.escape(message)}", summary)
    assert WHY[name] in summary
    assert run.returncode == 1


def test_without_paths_the_ten_checks_and_those_of_two_safeguards_are_taken():
    assert "12 tests collected" in break_it("clipping", "--collect-only", "-q").stdout
    named = break_it("clipping", "tests/test_safeguards.py", "--collect-only", "-q")
    assert "2 tests collected" in named.stdout


def test_an_unknown_name_and_a_safeguard_that_has_moved_end_with_one_sentence(tmp_path):
    assert "invalid choice: 'luck'" in break_it("luck").stderr
    (tmp_path / "tests").mkdir()
    for name in (
        "lesson_code.py",
        "test_lesson.py",
        "conftest.py",
        "tests/break_it.py",
    ):
        shutil.copy(ROOT / name, tmp_path / name)
    lesson = (
        (tmp_path / "lesson_code.py")
        .read_text(encoding="utf-8")
        .replace("_folds(", "_other_folds(")
    )
    (tmp_path / "lesson_code.py").write_text(lesson, encoding="utf-8")
    assert (
        "lesson_code has no _folds: mend tests/break_it.py"
        in break_it("shuffled-folds", cwd=tmp_path).stderr
    )


def test_the_root_conftest_does_no_harm_where_there_is_no_folder_of_tests(tmp_path):
    for name in ("lesson_code.py", "test_lesson.py", "conftest.py"):
        shutil.copy(ROOT / name, tmp_path)
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
