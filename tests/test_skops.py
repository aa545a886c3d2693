"""Saving without pickle: `save_pipeline("NAME.skops")`, for every model, and what may
be made of such a file.
"""

import os
import pickle
import sys

import numpy as np
import pandas as pd
import pytest
from forked import POSIX
from repository import MODELS

import lesson_code
from lesson_code import SklearnEcosystemPipeline, main

load = SklearnEcosystemPipeline.load_pipeline


@pytest.fixture(scope="module")
def skops():
    return pytest.importorskip(
        "skops.io", reason="skops is not installed: pip install skops"
    )


RANKERS = ["popularity", "rating"]


@pytest.fixture(scope="module")
def recommenders(table):
    """A recommender with each model, and linear ones with the other rankers."""
    few_trees = lesson_code.MODELS["forest"]["regressor"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(few_trees, "n_estimators", 5)
        recommenders = {
            model: SklearnEcosystemPipeline(model=model).fit(table) for model in MODELS
        }
    for ranker in RANKERS:
        recommender = SklearnEcosystemPipeline(model="linear", ranker=ranker)
        recommenders[ranker] = recommender.fit(table)
    return recommenders


@pytest.fixture
def linear(recommenders):
    return recommenders["linear"]


@pytest.mark.parametrize("name", [*MODELS, *RANKERS])
def test_what_is_saved_and_loaded_predicts_and_recommends_the_same(
    skops, recommenders, table, tmp_path, name, monkeypatch
):
    recommender = recommenders[name]
    path = recommender.save_pipeline(tmp_path / "model.skops")
    monkeypatch.setattr(pickle, "Unpickler", None)  # nothing is unpickled
    monkeypatch.setattr("joblib.load", None)
    loaded = load(path)
    stars = recommender.predict(table)
    np.testing.assert_allclose(loaded.predict(table), stars, rtol=0, atol=1e-12)
    pd.testing.assert_frame_equal(loaded.recommend(1), recommender.recommend(1))
    assert {entry.name for entry in tmp_path.iterdir()} == {
        "model.skops",
        "model.skops.json",
    }


def test_the_trusted_types_are_those_that_are_needed_and_no_others(skops, recommenders):
    needed = {"recommender.solutions.ExactByUsers", "recommender.solutions.LowRank"}
    for recommender in recommenders.values():
        recommender.ranker_  # noqa: B018  solved, as in an artifact
        needed |= set(skops.get_untrusted_types(data=skops.dumps(recommender)))
    assert needed == set(lesson_code.TRUSTED)


def test_a_type_that_is_not_trusted_is_named_and_never_made(
    skops, recommenders, tmp_path, monkeypatch
):
    path = recommenders["forest"].save_pipeline(tmp_path / "model.skops")
    before = path.read_bytes()
    tree = "sklearn.tree._tree.Tree"
    fewer = [name for name in lesson_code.TRUSTED if name != tree]
    monkeypatch.setattr(lesson_code, "TRUSTED", fewer)
    with pytest.raises(ValueError, match=f"not in TRUSTED: .*{tree}"):
        recommenders["forest"].save_pipeline(path)
    assert path.read_bytes() == before
    with pytest.raises(ValueError, match=f"cannot be loaded here: .*{tree}"):
        load(path)
    monkeypatch.setattr(lesson_code, "TRUSTED", [*fewer, tree])
    assert load(path).model == "forest"


class Name:
    """A path-like object that is no `Path`."""

    def __init__(self, name):
        self.name = name

    def __fspath__(self):
        return self.name


@POSIX
@pytest.mark.parametrize(
    "name", ["m.SKOPS", ".skops", "link.skops", "link", "m.skops/."]
)
def test_neither_a_name_of_skops_nor_a_link_to_one_is_ever_a_pickle(
    skops, linear, tmp_path, name
):
    target = {"link.skops": "ab12", "link": "m.skops"}.get(name)
    if target is not None:
        (tmp_path / name).symlink_to(target)
    if name == "link.skops":
        (tmp_path / target).touch()
    path = Name(f"{tmp_path}/{name}")
    assert linear.save_pipeline(path) is path
    file = os.path.realpath(path)
    with open(file, "rb") as stream:
        assert stream.read(2) == b"PK"
    assert load(path).pipeline is not None

    linear.save_pipeline(tmp_path / "a.pkl").replace(file)
    os.remove(f"{file}.json")
    with pytest.raises(ValueError, match="is whole, but cannot be loaded here"):
        load(path)  # nothing is unpickled


@pytest.mark.parametrize("version", ["0.11.0", "0.9", "0.12.dev0"])
def test_a_skops_that_may_run_code_is_refused(
    skops, linear, tmp_path, monkeypatch, capsys, version
):
    path = linear.save_pipeline(tmp_path / "model.skops")
    before = path.read_bytes()
    monkeypatch.setattr(sys.modules["skops"], "__version__", version)
    monkeypatch.setattr(skops, "load", None)  # nothing is opened
    for call in (linear.save_pipeline, load):
        with pytest.raises(ImportError, match=f"0.12 or newer, but {version}"):
            call(path)
    assert path.read_bytes() == before
    with pytest.raises(SystemExit, match="2"):
        main(["predict", "--user", "1", "--movie", "1", "--artifact", str(path)])
    assert capsys.readouterr().err.count("\n") == 1
    assert linear.save_pipeline(tmp_path / "model.pkl")  # needs no skops
    for newer in ("0.12", "0.12.1", "1.0"):
        monkeypatch.setattr(sys.modules["skops"], "__version__", newer)
        assert linear.save_pipeline(path) == path


def test_without_skops_one_sentence_says_how_to_install_it_and_nothing_is_written(
    linear, tmp_path, monkeypatch, capsys
):
    there = tmp_path / "there.skops"
    there.write_bytes(b"")
    monkeypatch.setitem(sys.modules, "skops", None)
    monkeypatch.setitem(sys.modules, "skops.io", None)
    missing = pytest.raises(ImportError, match=r"\.skops needs .*pip install skops")
    with missing:
        linear.save_pipeline(tmp_path / "model.skops")
    with pytest.warns(UserWarning, match="no digest"), missing:
        load(there)
    with pytest.raises(SystemExit, match="2"):
        main(["--output", str(tmp_path / "model.skops")])
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == [there]
