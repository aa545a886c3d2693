"""The tool that tries artifacts under other versions, and its page."""

import re

import pytest
import sklearn
from repository import ROOT, load_module

from lesson_code import SklearnEcosystemPipeline

versions = load_module(ROOT / "tools" / "versions.py")
HERE = sklearn.__version__


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """An artifact, and what it answers."""
    train, test = versions.small_table()
    recommender = SklearnEcosystemPipeline(model="linear").fit(train)
    answers = {
        "predictions": recommender.predict(test).tolist(),
        "movies": recommender.recommend(42)["movie_id"].tolist(),
    }
    path = tmp_path_factory.mktemp("saved") / "linear.pkl"
    return recommender.save_pipeline(path), answers


def test_an_artifact_is_the_same_where_it_was_saved(saved):
    assert versions.outcome(saved[0], HERE, saved[1]) == "same"


@pytest.mark.parametrize("change", ["predictions", "movies"])
def test_other_answers_are_found(saved, change):
    path, answers = saved
    changed = [answers[change][0] + 1, *answers[change][1:]]
    outcome = versions.outcome(path, HERE, answers | {change: changed})
    assert outcome.startswith("WRONG")


def test_silence_about_another_version_is_found(saved):
    assert versions.outcome(saved[0], "0.99.0", saved[1]).startswith("WRONG")


@pytest.mark.parametrize(
    ("sentences", "is_due"),
    [
        ([f"made with 0.99.0, but this is {HERE}: train it again"], True),
        ([f"made with 0.98.0, but this is {HERE}: train it again"], False),
        ([f"made with 0.99.0, but this is {HERE}: train it again"] * 2, False),
        ([], False),
    ],
)
def test_one_sentence_with_both_versions_is_due(sentences, is_due):
    assert versions.is_due(sentences, "0.99.0", HERE) == is_due


def test_the_page_is_filled_and_breaks_no_promise():
    page = versions.PAGE.read_text(encoding="utf-8")
    blocks = dict(re.findall(r"<!-- (\w+) -->\n(.*?)<!-- end -->", page, re.DOTALL))
    assert list(blocks) == ["loads", "figures", "code"]
    assert "same" in blocks["loads"]
    assert "WRONG" not in page
    assert versions.bounds()["scikit-learn"] in blocks["loads"]
    assert versions.fill(page, {"code": "new"}).count("<!-- end -->") == 3
