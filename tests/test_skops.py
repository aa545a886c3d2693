"""Saving without pickle: `save_pipeline("NAME.skops")`, for every model, and what may
be made of such a file.
"""

import os
import pickle
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import MODELS

import lesson_code
from lesson_code import SklearnEcosystemPipeline, main

load = SklearnEcosystemPipeline.load_pipeline


@pytest.fixture(scope="module")
def skops():
    return pytest.importorskip(
        "skops.io", reason="skops is not installed: pip install skops"
    )


@pytest.fixture(scope="module")
def recommenders(table):
    return {model: SklearnEcosystemPipeline(model=model).fit(table) for model in MODELS}


@pytest.mark.parametrize("model", MODELS)
def test_what_is_saved_and_loaded_predicts_and_recommends_the_same(
    skops, recommenders, table, tmp_path, model, monkeypatch
):
    path = recommenders[model].save_pipeline(tmp_path / "model.skops")
    monkeypatch.setattr(pickle, "Unpickler", None)  # nothing is unpickled
    monkeypatch.setattr("joblib.load", None)
    loaded = load(path)
    np.testing.assert_array_equal(
        loaded.predict(table), recommenders[model].predict(table)
    )
    pd.testing.assert_frame_equal(loaded.recommend(1), recommenders[model].recommend(1))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "model.skops",
        "model.skops.json",
    ]


def test_the_trusted_types_are_those_that_the_models_need_and_no_others(
    skops, recommenders
):
    needed = {
        "recommender.recommend.RatingRanker",
        "recommender.solutions.ExactByUsers",
        "recommender.solutions.LowRank",
        "recommender.top_n.PopularityRanker",
    }
    for recommender in recommenders.values():
        recommender.ranker_  # noqa: B018  solved, as in an artifact
        needed |= set(skops.get_untrusted_types(data=skops.dumps(recommender)))
    assert needed == set(lesson_code.TRUSTED)
    assert len(lesson_code.TRUSTED) == len(set(lesson_code.TRUSTED))


def test_skops_alone_reads_the_file(skops, recommenders, table, tmp_path):
    path = recommenders["linear"].save_pipeline(tmp_path / "model.skops")
    loaded = skops.load(path, trusted=lesson_code.TRUSTED)
    np.testing.assert_array_equal(
        loaded.predict(table), recommenders["linear"].predict(table)
    )


def test_a_type_that_is_not_trusted_is_named_when_it_is_saved_and_can_be_trusted(
    skops, recommenders, table, tmp_path, monkeypatch
):
    path = recommenders["linear"].save_pipeline(tmp_path / "model.skops")
    before = path.read_bytes()
    monkeypatch.setattr(
        lesson_code,
        "TRUSTED",
        [one for one in lesson_code.TRUSTED if not one.endswith("Tree")],
    )
    with pytest.raises(
        ValueError,
        match=r"is not in TRUSTED: Untrusted types .*sklearn\.tree\._tree\.Tree",
    ):
        recommenders["forest"].save_pipeline(path)
    assert path.read_bytes() == before
    monkeypatch.setattr(
        lesson_code, "TRUSTED", [*lesson_code.TRUSTED, "sklearn.tree._tree.Tree"]
    )
    assert load(recommenders["forest"].save_pipeline(path)).model == "forest"


@pytest.mark.parametrize("name", ["model.SKOPS", ".skops", "a.pkl.skops"])
def test_every_name_that_ends_in_skops_is_no_pickle(
    skops, recommenders, tmp_path, name
):
    path = recommenders["linear"].save_pipeline(tmp_path / name)
    assert path.read_bytes().startswith(b"PK")
    assert load(path).pipeline is not None


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_whose_name_ends_in_skops_leads_to_no_pickle(
    skops, recommenders, tmp_path
):
    recommenders["linear"].save_pipeline(tmp_path / "model.pkl")
    (tmp_path / "link.skops").symlink_to("model.pkl")
    with pytest.raises(ValueError, match="is whole, but cannot be loaded here"):
        load(tmp_path / "link.skops")  # nothing is unpickled
    (tmp_path / "ab12").touch()
    (tmp_path / "stored.skops").symlink_to("ab12")
    recommenders["linear"].save_pipeline(tmp_path / "stored.skops")
    assert (tmp_path / "ab12").read_bytes().startswith(b"PK")
    assert load(tmp_path / "stored.skops").pipeline is not None


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_file_of_skops_is_no_pickle_by_whatever_name_it_is_reached(
    skops, recommenders, tmp_path
):
    target = tmp_path / "model.skops"
    names = [f"{target}/.", tmp_path / "latest"]
    (tmp_path / "latest").symlink_to("model.skops")
    for name in names:
        recommenders["linear"].save_pipeline(name)
        assert target.read_bytes().startswith(b"PK")
    recommenders["linear"].save_pipeline(tmp_path / "a.pkl").rename(target)
    (tmp_path / "model.skops.json").unlink()
    for name in names:
        with pytest.raises(ValueError, match="is whole, but cannot be loaded here"):
            load(name)  # nothing is unpickled


def test_types_that_are_not_trusted_are_never_made(
    skops, recommenders, tmp_path, monkeypatch
):
    path = recommenders["linear"].save_pipeline(tmp_path / "model.skops")
    monkeypatch.setattr(lesson_code, "TRUSTED", [])
    with pytest.raises(
        ValueError, match="is whole, but cannot be loaded here: Untrusted"
    ):
        load(path)


def test_a_damaged_file_is_refused_before_it_is_opened(
    skops, recommenders, tmp_path, monkeypatch
):
    path = recommenders["linear"].save_pipeline(tmp_path / "model.skops")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    monkeypatch.setattr(skops, "load", None)
    with pytest.raises(ValueError, match="is damaged: its digest"):
        load(path)


def test_a_pickle_under_the_name_of_a_skops_file_is_not_unpickled(
    skops, recommenders, tmp_path
):
    recommenders["linear"].save_pipeline(tmp_path / "model.pkl").rename(
        tmp_path / "model.skops"
    )
    with pytest.raises(ValueError, match="is whole, but cannot be loaded here"):
        load(tmp_path / "model.skops")


def test_a_file_without_a_digest_loads_with_a_warning(skops, recommenders, tmp_path):
    skops.dump(recommenders["linear"], tmp_path / "model.skops")
    with pytest.warns(UserWarning, match="carries no digest"):
        load(tmp_path / "model.skops")


@pytest.mark.parametrize("version", ["0.11.0", "0.9", "0.12.dev0"])
def test_a_skops_that_may_run_code_is_refused_with_one_sentence(
    skops, recommenders, table, tmp_path, monkeypatch, capsys, version
):
    path = recommenders["linear"].save_pipeline(tmp_path / "model.skops")
    before = path.read_bytes()
    monkeypatch.setattr(sys.modules["skops"], "__version__", version)
    monkeypatch.setattr(skops, "load", None)  # nothing is opened
    for call in (recommenders["linear"].save_pipeline, load):
        with pytest.raises(ImportError, match="skops 0.12 or newer, but") as caught:
            call(path)
        assert version in str(caught.value)
        assert "pip install" in str(caught.value)
    assert path.read_bytes() == before
    with pytest.raises(SystemExit, match="2"):
        main(["predict", "--user", "1", "--movie", "1", "--artifact", str(path)])
    assert capsys.readouterr().err.count("\n") == 1
    # a pickle needs no skops
    assert load(recommenders["linear"].save_pipeline(tmp_path / "model.pkl")).pipeline
    for newer in ("0.12", "0.12.1", "1.0"):
        monkeypatch.setattr(sys.modules["skops"], "__version__", newer)
        assert recommenders["linear"].save_pipeline(tmp_path / "new.skops").exists()


def test_without_skops_one_sentence_says_how_to_install_it_and_nothing_is_written(
    recommenders, tmp_path, monkeypatch, capsys
):
    (tmp_path / "there.skops").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "skops", None)
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(
        ImportError,
        match=r"model.skops needs skops, which is not installed: pip install skops$",
    ):
        recommenders["linear"].save_pipeline(tmp_path / "model.skops")
    with (
        pytest.warns(UserWarning, match="no digest"),
        pytest.raises(ImportError, match="pip install skops"),
    ):
        load(tmp_path / "there.skops")
    with pytest.raises(SystemExit) as stop:
        main(["--output", str(tmp_path / "model.skops")])
    assert stop.value.code == 2
    assert capsys.readouterr() == (
        "",
        f"lesson_code.py: {tmp_path / 'model.skops'} needs skops, "
        "which is not installed: pip install skops\n",
    )
    assert [entry.name for entry in tmp_path.iterdir()] == ["there.skops"]


@pytest.mark.parametrize("ranker", ["popularity", "rating"])
def test_other_rankers_are_saved_too(skops, table, tmp_path, ranker):
    recommender = SklearnEcosystemPipeline(model="linear", ranker=ranker).fit(table)
    loaded = load(recommender.save_pipeline(tmp_path / "model.skops"))
    pd.testing.assert_frame_equal(loaded.recommend(1), recommender.recommend(1))
