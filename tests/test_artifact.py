"""The artifact: whole or refused, loadable anywhere, and never half-written."""

import json
import os
import pickle
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest
import sklearn
from conftest import ROOT

import lesson_code
from lesson_code import SklearnEcosystemPipeline

load = SklearnEcosystemPipeline.load_pipeline


@pytest.fixture(scope="module")
def recommender(table):
    recommender = SklearnEcosystemPipeline(model="linear")
    recommender.train(table[:1600])
    recommender.evaluate(table[1600:])
    return recommender


@pytest.fixture
def path(recommender, tmp_path):
    return recommender.save_pipeline(tmp_path / "model.pkl")


def card_of(path):
    return json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


def edit_card(path, **changes):
    path.with_suffix(".json").write_text(json.dumps(card_of(path) | changes), encoding="utf-8")


def test_what_is_saved_and_loaded_is_the_object_and_predicts_the_same(recommender, path, table):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = load(path)
    assert isinstance(loaded, SklearnEcosystemPipeline)
    np.testing.assert_allclose(loaded.predict(table), recommender.predict(table), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(loaded.cv_scores, recommender.cv_scores)


def test_save_returns_the_path_it_was_given(recommender, tmp_path):
    assert recommender.save_pipeline(str(tmp_path / "a.pkl")) == str(tmp_path / "a.pkl")


def test_joblib_alone_loads_it_in_a_fresh_process_in_another_folder(path, table, tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    code = f"import joblib; print(joblib.load({str(path)!r}).predict(__import__('pandas').DataFrame(dict(user_id=[1], movie_id=[1])))[0])"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    answer = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    expected = load(path).predict(table.assign(user_id=1, movie_id=1)[["user_id", "movie_id"]][:1])[0]
    assert float(answer.stdout) == pytest.approx(expected, abs=1e-12)


def test_a_flipped_bit_anywhere_is_noticed(path):
    data = path.read_bytes()
    for place in [0, 1, len(data) // 3, len(data) // 2, *range(len(data) - 80, len(data), 7), len(data) - 1]:
        damaged = bytearray(data)
        damaged[place] ^= 4
        path.write_bytes(bytes(damaged))
        with pytest.raises(ValueError, match="model.pkl"):
            load(path)


def test_a_truncated_file_is_noticed_wherever_it_ends(path):
    data = path.read_bytes()
    whole = len(data) - lesson_code.DIGEST_SIZE  # cut exactly here, it is a file without a digest: the next test
    for size in [0, 1, 100, len(data) // 2, whole - 1, *range(whole + 1, len(data), 5), len(data) - 1]:
        path.write_bytes(data[:size])
        with pytest.raises(ValueError, match="model.pkl is damaged"):
            load(path)


def test_a_file_without_a_digest_loads_with_a_warning(path, recommender, table):
    path.write_bytes(path.read_bytes()[: -lesson_code.DIGEST_SIZE])
    with pytest.warns(UserWarning, match="model.pkl carries no digest") as caught:
        loaded = load(path)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    np.testing.assert_allclose(loaded.predict(table), recommender.predict(table), rtol=0, atol=1e-12)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"\x80\x05."], ids=["empty", "text", "zip", "stub"])
def test_what_is_no_pickle_is_refused(tmp_path, content):
    (tmp_path / "x.pkl").write_bytes(content)
    with pytest.raises(ValueError, match=r"x.pkl is damaged or no saved pipeline"):
        load(tmp_path / "x.pkl")


def test_a_pickle_of_something_else_is_refused(tmp_path):
    joblib.dump({"a": 1}, tmp_path / "x.pkl")
    with pytest.raises(ValueError, match=r"x.pkl holds no pipeline, but an object of type dict"):
        load(tmp_path / "x.pkl")


def test_a_damaged_file_is_refused_before_its_code_runs(path, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "exploded"),))

    path.write_bytes(pickle.dumps(Bomb()) + path.read_bytes()[-lesson_code.DIGEST_SIZE :])
    with pytest.raises(ValueError, match="does not fit the digest"):
        load(path)
    assert not (tmp_path / "exploded").exists()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.pkl"):
        load(tmp_path / "nothing.pkl")


@pytest.mark.parametrize("culprit", ["replace", "fsync"])
def test_a_crash_while_saving_leaves_the_old_file_whole(path, recommender, monkeypatch, culprit):
    before = path.read_bytes()

    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, culprit, crash)
    with pytest.raises(KeyboardInterrupt):
        recommender.save_pipeline(path)
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == ["model.json", "model.pkl"]


def test_a_full_disk_is_told_in_one_sentence_and_changes_nothing(path, recommender, monkeypatch):
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"Cannot write .*model.pkl: No space left on device"):
        recommender.save_pipeline(path)
    assert path.read_bytes() == before
    assert len(list(path.parent.iterdir())) == 2


def test_paths_that_cannot_be_written_are_named(recommender, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Cannot write .*x.pkl: there is no folder"):
        recommender.save_pipeline(tmp_path / "nowhere" / "x.pkl")
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        recommender.save_pipeline(tmp_path)
    with pytest.raises(ValueError, match="the model card beside it"):
        recommender.save_pipeline(tmp_path / "x.json")
    assert list(tmp_path.iterdir()) == []


def test_the_card_tells_what_the_artifact_is(path, recommender, table):
    card = card_of(path)
    assert card["artifact"] == "model.pkl"
    assert card["versions"]["scikit-learn"] == sklearn.__version__
    assert set(card["versions"]) == {"python", "numpy", "pandas", "scikit-learn", "joblib"}
    assert card["input"]["user_id"] == "int64"
    assert "rating" not in card["input"]
    assert card["rating_scale"] == [1.0, 5.0]
    assert card["training_rows"] == 1600
    assert card["scores"]["cv_rmse"] == recommender.cv_scores.tolist()
    assert card["scores"]["test"]["rows"] == 400
    assert card["scores"]["ranking"] is None  # nobody asked for it
    assert card["example"]["input"]["user_id"] == table["user_id"].iloc[0]
    assert card["example"]["prediction"] == pytest.approx(recommender.predict(table[:1])[0])


def test_another_scikit_learn_version_is_a_warning_that_names_both(path):
    edit_card(path, versions=card_of(path)["versions"] | {"scikit-learn": "0.99"})
    with pytest.warns(UserWarning, match=rf"0\.99, but this is {sklearn.__version__}") as caught:
        load(path)
    assert len(caught) == 1


def test_another_scikit_learn_version_is_noticed_without_the_card(path, monkeypatch):
    path.with_suffix(".json").unlink()
    monkeypatch.setattr(sklearn.base, "__version__", "99.0")
    with pytest.warns(UserWarning, match=rf"{sklearn.__version__}|99\.0") as caught:
        monkeypatch.setattr(sklearn, "__version__", "99.0")
        load(path)
    assert len(caught) == 1


def test_a_card_of_another_artifact_is_a_warning_that_names_both(path):
    mine = card_of(path)["sha256"]
    edit_card(path, sha256="0" * 64)
    with pytest.warns(UserWarning, match="belongs to another artifact") as caught:
        load(path)
    assert mine[:12] in str(caught[0].message)
    assert "0" * 12 in str(caught[0].message)


def test_a_card_that_cannot_be_read_is_a_warning(path):
    path.with_suffix(".json").write_text("{}", encoding="utf-8")
    with pytest.warns(UserWarning, match="is no model card"):
        load(path)


def test_the_card_is_strict_json_even_after_a_score_of_one_row(recommender, table, tmp_path):
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn: R2 of one row is not defined
        recommender.evaluate(table[:1])
    assert card_of(recommender.save_pipeline(tmp_path / "one.pkl"))["scores"]["test"]["R2"] is None


@pytest.mark.parametrize("example", [{}, {"input": {}}, {"input": 3, "prediction": "x"}])
def test_a_card_without_a_whole_example_is_a_warning(path, example):
    edit_card(path, example=example)
    with pytest.warns(UserWarning, match="is no model card"):
        load(path)


def test_an_artifact_without_its_card_loads(path):
    path.with_suffix(".json").unlink()
    assert load(path).pipeline is not None


def test_an_example_that_is_predicted_otherwise_is_refused(path):
    edit_card(path, example=card_of(path)["example"] | {"prediction": 1.2345})
    with pytest.raises(ValueError, match=r"model.pkl predicts .* for the model card's example; when saved, 1.2345"):
        load(path)


@pytest.mark.parametrize("gaps", [["genre", "user_age"], ["timestamp", "movie_year", "user_country"]])
def test_an_example_with_gaps_is_kept_and_checked(table, tmp_path, gaps):
    rows = table.drop(columns=gaps[:1])
    rows = rows.assign(**{gap: np.nan for gap in gaps[1:]})
    path = SklearnEcosystemPipeline(model="linear").fit(rows).save_pipeline(tmp_path / "gaps.pkl")
    assert load(path).predict(rows).shape == (len(rows),)


def test_a_pipeline_trained_on_engineered_rows_is_saved_and_loaded(table, tmp_path):
    X, y, *_ = SklearnEcosystemPipeline().create_features(table)
    path = SklearnEcosystemPipeline(model="linear").fit(X, y).save_pipeline(tmp_path / "engineered.pkl")
    assert load(path).predict(X).shape == (len(X),)


@pytest.mark.parametrize("by", [-0.001, 0.001])
def test_an_example_predicted_a_little_otherwise_on_either_side_is_refused(table, tmp_path, by):
    path = SklearnEcosystemPipeline(model="linear").fit(table).save_pipeline(tmp_path / "model.pkl")
    card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    card["example"]["prediction"] += by
    path.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(ValueError, match="for the model card's example; when saved"):
        SklearnEcosystemPipeline.load_pipeline(path)


def test_the_name_of_the_card_is_taken_in_capitals_too(table, tmp_path):
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    with pytest.raises(ValueError, match="the model card beside it"):
        recommender.save_pipeline(tmp_path / "x.JSON")


def test_the_warning_of_another_scikit_learn_points_to_the_callers_line(table, tmp_path):
    path = SklearnEcosystemPipeline(model="linear").fit(table).save_pipeline(tmp_path / "model.pkl")
    card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    card["versions"]["scikit-learn"] = "0.99"
    path.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.warns(UserWarning, match=r"0\.99, but this is") as caught:
        SklearnEcosystemPipeline.load_pipeline(path)
    assert caught[0].filename == __file__


def test_the_card_tells_the_parameters_of_the_steps_and_what_the_search_chose(table, tmp_path, monkeypatch):
    monkeypatch.setattr(lesson_code, "N_CANDIDATES", 2)
    recommender = SklearnEcosystemPipeline(model="linear")
    recommender.train(table[:300], perform_cv=False, tune_hyperparameters=True)
    path = recommender.save_pipeline(tmp_path / "model.pkl")
    card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["best_params"] == recommender.best_params
    assert card["parameters"]["model__alpha"] == repr(recommender.best_params["model__alpha"])


def test_the_example_of_the_card_keeps_every_digit_of_an_engineered_row(table, tmp_path):
    X, y, *_ = SklearnEcosystemPipeline().create_features(table)
    recommender = SklearnEcosystemPipeline(model="linear").fit(X, y)
    assert recommender.example_["user_avg_rating"] == pytest.approx(X["user_avg_rating"].iloc[0], rel=1e-14)
