"""The command that runs everything on all supported versions, and the
page that it fills.
"""

import hashlib
import importlib.util
import json
import os
import re
import sys
import warnings
from pathlib import Path

import pytest
import sklearn
from conftest import MODELS, ROOT

import lesson_code
from lesson_code import SklearnEcosystemPipeline
from recommender.artifact import DIGEST_MARK, VERSION_MARK

SPEC = importlib.util.spec_from_file_location(
    "versions", ROOT / "tools" / "versions.py"
)
versions = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(versions)
OTHERS = Path(os.environ.get("ARTIFACTS", ROOT / "no such folder"))


def block(name):
    """What the command has written between two marks of the page."""
    found = re.search(
        rf"<!-- {name} -->\n(.*?)<!-- end -->",
        versions.PAGE.read_text(encoding="utf-8"),
        re.DOTALL,
    )[1].strip()
    assert found, "docs/versions.md has no tables: python tools/versions.py writes them"
    return found


def rows(name):
    """The rows of a table of the page, by column."""
    lines = [
        [cell.strip() for cell in line.strip("| ").split(" | ")]
        for line in block(name).splitlines()
        if line.startswith("|")
    ]
    return [dict(zip(lines[0], line)) for line in lines[2:]]


def test_the_page_begins_with_the_lower_bounds_of_the_requirements():
    oldest = rows("tests")[0]
    bounds = versions.bounds()
    assert set(bounds) == set(versions.PACKAGES)
    assert {
        name: oldest[name]
        for name in bounds
        if not f"{oldest[name]}.0.0".startswith(f"{bounds[name]}.")
    } == {}


def test_the_page_has_every_minor_scikit_learn_and_the_newest_on_several_pythons():
    tested = rows("tests")
    minors = [int(row["scikit-learn"].split(".")[1]) for row in tested]
    assert set(minors) == set(range(min(minors), max(minors) + 1))
    newest = {
        row["Python"].rpartition(".")[0]
        for row in tested
        if row["scikit-learn"] == tested[-1]["scikit-learn"]
    }
    assert len(newest) >= 3


def test_the_page_tells_no_failure_and_no_wrong_sentence():
    assert {row["failed"] for row in rows("tests")} == {"0"}
    assert all(int(row["passed"]) > 500 for row in rows("tests"))
    assert [
        name
        for name in ("with card", "without card", "sentences")
        if re.search("WRONG|same,", block(name))
    ] == []


def test_the_page_keeps_to_the_tolerance_that_the_readme_states():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    tolerance = float(re.search(r"RMSE moves by up to ([\d.]+\d)", readme)[1])
    differences = [
        float(told) for told in re.findall(r"a difference of (\S+)", block("figures"))
    ]
    assert len(differences) == len(MODELS)
    assert max(differences) <= tolerance


def test_the_page_has_same_wherever_scikit_learn_is_the_same_and_nowhere_else():
    # the second is empty where it is the same
    tables = [rows("with card"), rows("without card")]
    assert len(tables[0]) == len(rows("tests"))
    for row in tables[0] + tables[1]:
        saved_by = row.pop("saved by").strip("*").split()[0]
        same = {here for here, what in row.items() if what == "same"}
        assert same == {here for here in row if here.split()[0] == saved_by}


def test_the_page_has_a_place_for_everything_that_the_command_writes():
    facts = {
        "3.11-oldest": {
            "versions": {"python": "3.11.7", "scikit-learn": "1.6.0"},
            "table": "ab",
            "models": {"linear": {"RMSE": 0.9}},
        }
    }
    done = {
        "counts": {"passed": 7, "skipped": 2},
        "reasons": {"no Dask": 2},
        "failed": [],
        "minutes": 5.0,
    }
    loads = {
        ("3.11-oldest", "3.11-oldest", "linear", card): ("same", "")
        for card in ("with", "without")
    }
    blocks = versions.make_blocks({"3.11-oldest": done}, facts, loads)
    page = versions.PAGE.read_text(encoding="utf-8")
    assert re.findall(r"<!-- (?!end)(.*) -->\n", page) == list(blocks)
    assert page.count("<!-- end -->") == len(blocks)
    assert "| 3.11.7 | 1.6.0 | 7 | 2 | 0 | 0 | 5.0 |" in blocks["tests"]
    assert blocks["failed and skipped"] == "- 2: no Dask"
    assert "| **1.6.0 (3.11)** | same |" in blocks["with card"]


def test_what_came_of_all_tests_is_read_as_pytest_tells_it(tmp_path):
    (tmp_path / "test_some.py").write_text("""
import pytest
def test_good(): pass
def test_bad(): assert 1 == 2
def test_not_here(): pytest.skip("no Dask at hand: it is absent")
@pytest.mark.parametrize("number", [1, 2])
def test_nor_this(number): pytest.skip("no shell")
@pytest.mark.xfail
def test_open(): assert False
@pytest.fixture
def broken(): raise OSError
def test_that_cannot_begin(broken): pass
""")
    done = versions.all_tests(sys.executable, tmp_path)
    assert done["counts"] == {
        "passed": 1,
        "failed": 1,
        "skipped": 3,
        "xfailed": 1,
        "error": 1,
    }
    assert done["reasons"] == {"no Dask at hand: it is absent": 1, "no shell": 2}
    assert [line.split(" - ")[0] for line in done["failed"]] == [
        "FAILED test_some.py::test_bad",
        "ERROR test_some.py::test_that_cannot_begin",
    ]
    assert done["status"] == 1


@pytest.fixture
def artifact(table, tmp_path):
    """An artifact, and what it answers."""
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    test = versions.small_table()[1]
    answers = {
        "predictions": recommender.predict(test).tolist(),
        "movies": recommender.recommend(42)["movie_id"].tolist(),
    }
    return recommender.save_pipeline(tmp_path / "linear.pkl"), answers


def of_another_version(path):
    """Let seal and card tell another version; of the rest, nothing changes."""
    body, _, _ = path.read_bytes().rpartition(VERSION_MARK)
    body += VERSION_MARK + b"0.99.0"
    digest = hashlib.sha256(body).hexdigest()
    path.write_bytes(body + DIGEST_MARK + digest.encode())
    card = path.with_name("linear.pkl.json")
    told = json.loads(card.read_text(encoding="utf-8"))
    told["versions"]["scikit-learn"] = "0.99.0"
    told["sha256"] = digest
    card.write_text(json.dumps(told), encoding="utf-8")


def test_an_artifact_is_the_same_where_it_was_saved(artifact):
    path, answers = artifact
    assert versions.what_comes_of(str(path), sklearn.__version__, answers) == (
        "same",
        "",
    )


@pytest.mark.parametrize("change", ["predictions", "movies"])
def test_other_answers_are_told(artifact, change):
    path, answers = artifact
    answers[change][0] += 1
    assert versions.what_comes_of(str(path), sklearn.__version__, answers) == (
        "same, other answers",
        "",
    )


def test_a_warning_that_names_both_versions_is_right_and_silence_is_wrong(artifact):
    path, answers = artifact
    assert versions.what_comes_of(str(path), "0.99.0", answers)[0] == "WRONG"
    of_another_version(path)
    what, text = versions.what_comes_of(str(path), "0.99.0", answers)
    assert what == "warning"
    both = f"scikit-learn 0.99.0, but this is {sklearn.__version__}"
    assert f"made with {both}: train it again" in text
    # a warning that is not due
    assert versions.what_comes_of(str(path), sklearn.__version__, answers)[0] == "WRONG"


def test_an_error_is_right_if_it_is_one_sentence_that_names_both_versions(
    artifact, monkeypatch
):
    path, answers = artifact
    of_another_version(path)

    def cannot(*_):
        raise AttributeError("no attribute '_new'")

    monkeypatch.setattr(lesson_code.joblib, "load", cannot)
    assert versions.what_comes_of(str(path), "0.99.0", answers)[0] == "error"
    assert versions.what_comes_of(str(path), "0.98.0", answers)[0] == "WRONG"


def test_an_artifact_that_loads_and_cannot_predict_is_told(artifact, monkeypatch):
    path, answers = artifact
    path.with_name("linear.pkl.json").unlink()

    def cannot(*_):
        raise AttributeError("no attribute '_new'")

    monkeypatch.setattr(SklearnEcosystemPipeline, "predict", cannot)
    assert (
        versions.what_comes_of(str(path), sklearn.__version__, answers)[0]
        == "same, cannot predict"
    )


@pytest.mark.skipif(
    not OTHERS.is_dir(),
    reason="no artifacts of other versions at hand: "
    "set ARTIFACTS to the folder that tools/versions.py filled",
)
def test_artifacts_of_other_versions_come_with_the_sentence_that_is_due(capsys):
    with warnings.catch_warnings():
        versions.load(OTHERS)
    came = json.loads(capsys.readouterr().out)
    assert len(came) >= 2 * len(MODELS)
    assert {
        name: what
        for name, what in came.items()
        if what[0] not in ("same", "warning", "error")
    } == {}
