"""Whichever safeguard `--break` disables, one of the ten checks notices."""

import os
import re
import runpy
import shutil
import sys

import break_it
import pytest
from forked import FORKS, QUIET, forked
from repository import ROOT

import lesson_code

#: What must notice, and a part of its message.
NOTICED = {
    "cross-fitting": ("test_transformer_fit_transform", "changed its own features"),
    "damping": ("test_transformer_fit_transform", "an average must be damped"),
    "averages-anew": ("test_pipeline_evaluation", "R2 on shuffled ratings"),
    "ids": ("test_pipeline_creation", "An id is a label"),
    "clipping": ("test_pipeline_prediction", "nobody can give more than 5"),
    "digest": ("test_pipeline_serialization", "a damaged artifact was loaded"),
    "shuffled-folds": ("test_pipeline_training", "Folds must be shuffled"),
    "rated-movies": ("test_end_to_end_workflow", "it must be left out"),
    "ranker-scale": ("test_end_to_end_workflow", "units of their root mean square"),
}


def run_pytest(file, *arguments):
    """Run pytest in a copy of this process; return its status and what it printed.

    To start Python and to import everything would take seconds, each time.
    """

    def work():
        with open(file, "w", encoding="utf-8") as out:
            os.dup2(out.fileno(), 1)
            sys.stdout = out
            os.chdir(ROOT)
            return int(pytest.main([*arguments, "-p", "no:cacheprovider"]))

    status = forked(work)
    return status, file.read_text(encoding="utf-8")


@FORKS
@QUIET
def test_every_safeguard_is_listed_with_the_reason_for_it(tmp_path):
    status, printed = run_pytest(tmp_path / "out", "--break", "list")
    assert status == 0
    assert set(NOTICED) == set(break_it.WHY)
    for name, why in break_it.WHY.items():
        assert f"{name}\n  {why}" in printed


@FORKS
@QUIET
@pytest.mark.parametrize("name", NOTICED)
def test_a_safeguard_that_is_disabled_is_noticed(tmp_path, name):
    test, message = NOTICED[name]
    status, printed = run_pytest(tmp_path / "out", "--break", name, "-k", test)
    summary = printed.partition(f"this run was without the safeguard {name}")[2]
    assert status == 1
    assert "Checks that noticed: 1\n" in summary, printed
    assert re.search(rf"- \S*::{test}\S*\n  .*{re.escape(message)}", summary)
    assert break_it.WHY[name] in summary
    assert "9 deselected" in printed  # without a path, the ten checks are taken


@FORKS
@QUIET
def test_with_a_path_its_tests_are_taken_instead_of_the_ten_checks(tmp_path):
    arguments = ["--break", "clipping", "tests/test_forest.py", "--collect-only", "-q"]
    _, printed = run_pytest(tmp_path / "out", *arguments)
    assert "test_forest.py" in printed
    assert "test_lesson.py" not in printed


def test_a_safeguard_that_has_moved_is_named(monkeypatch):
    monkeypatch.delattr(lesson_code, "make_folds")
    with pytest.raises(pytest.UsageError, match="has no make_folds: mend"):
        break_it.disable("shuffled-folds")


def test_the_root_conftest_does_no_harm_where_there_is_no_folder_of_tests(tmp_path):
    copy = shutil.copy(ROOT / "conftest.py", tmp_path)
    assert "pytest_plugins" not in runpy.run_path(str(copy))
