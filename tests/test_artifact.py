"""The artifact: whole or refused, loadable anywhere, and never half-written."""

import hashlib
import io
import json
import os
import pickle
import platform
import re
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from conftest import MODELS, ROOT
from forked import FORKS, POSIX
from sklearn.linear_model import Ridge
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import lesson_code
from lesson_code import SklearnEcosystemPipeline
from recommender import artifact

load = SklearnEcosystemPipeline.load_pipeline
DIGEST_SIZE = len(artifact.DIGEST_MARK) + 64  # bytes, at the end of an artifact


@pytest.fixture(scope="module")
def recommender(table):
    recommender = SklearnEcosystemPipeline(model="linear")
    recommender.train(table[:1600])
    recommender.evaluate(table[1600:])
    return recommender


@pytest.fixture
def path(recommender, tmp_path):
    return recommender.save_pipeline(tmp_path / "model.pkl")


def card_file(path):
    """The model card beside an artifact: the artifact's whole name, and ".json"."""
    return path.with_name(path.name + ".json")


def card_of(path):
    return json.loads(card_file(path).read_text(encoding="utf-8"))


def edit_card(path, **changes):
    card_file(path).write_text(json.dumps(card_of(path) | changes), encoding="utf-8")


def names_in(folder):
    return sorted(entry.name for entry in folder.iterdir())


def replace_pickle(path, body):
    """Put another pickle into the artifact, under a digest of its own, and let the card
    name that digest.
    """
    digest = hashlib.sha256(body).hexdigest()
    path.write_bytes(body + artifact.DIGEST_MARK + digest.encode())
    edit_card(path, sha256=digest)


def of_another_version(path):
    """Seal an artifact as one of scikit-learn 0.99, and let the card say the same."""
    body = path.read_bytes()[:-DIGEST_SIZE]
    here = artifact.VERSION_MARK + sklearn.__version__.encode()
    assert body.endswith(here)
    replace_pickle(path, body.removesuffix(here) + artifact.VERSION_MARK + b"0.99")
    edit_card(path, versions=card_of(path)["versions"] | {"scikit-learn": "0.99"})


def test_what_is_saved_and_loaded_is_the_object_and_predicts_the_same(
    recommender, path, table
):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = load(path)
    assert isinstance(loaded, SklearnEcosystemPipeline)
    np.testing.assert_allclose(
        loaded.predict(table), recommender.predict(table), rtol=0, atol=1e-12
    )
    np.testing.assert_array_equal(loaded.cv_scores, recommender.cv_scores)


def test_save_returns_the_path_it_was_given(recommender, tmp_path):
    assert recommender.save_pipeline(str(tmp_path / "a.pkl")) == str(tmp_path / "a.pkl")


def test_joblib_alone_loads_it_in_a_fresh_process_in_another_folder(
    path, table, tmp_path
):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    code = f"""
import joblib, pandas
recommender = joblib.load({str(path)!r})
print(recommender.predict(pandas.DataFrame(dict(user_id=[1], movie_id=[1])))[0])
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    answer = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    pair = table.assign(user_id=1, movie_id=1)[["user_id", "movie_id"]][:1]
    expected = load(path).predict(pair)[0]
    assert float(answer.stdout) == pytest.approx(expected, abs=1e-12)


def test_a_flipped_bit_anywhere_is_noticed(path):
    data = path.read_bytes()
    for place in [
        0,
        1,
        len(data) // 3,
        len(data) // 2,
        *range(len(data) - 80, len(data), 7),
        len(data) - 1,
    ]:
        damaged = bytearray(data)
        damaged[place] ^= 4
        path.write_bytes(bytes(damaged))
        with warnings.catch_warnings(), pytest.raises(ValueError, match="model.pkl"):
            # the bit may be one of the digest's mark
            warnings.filterwarnings("ignore", ".*carries no digest")
            load(path)


def test_a_truncated_file_is_noticed_wherever_it_ends(path):
    data = path.read_bytes()
    # cut exactly here, it is a file without a digest: the next test
    whole = len(data) - DIGEST_SIZE
    for size in [
        0,
        1,
        100,
        len(data) // 2,
        whole - 1,
        *range(whole + 1, len(data), 5),
        len(data) - 1,
    ]:
        path.write_bytes(data[:size])
        with (
            warnings.catch_warnings(),
            pytest.raises(ValueError, match="model.pkl is damaged"),
        ):
            warnings.filterwarnings("ignore", ".*carries no digest")
            load(path)


def test_a_file_whose_digest_is_cut_is_refused_before_its_code_runs(path, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "exploded"),))

    whole = pickle.dumps(Bomb()) + path.read_bytes()[-DIGEST_SIZE:]
    for lost in (1, 30, DIGEST_SIZE - len(artifact.DIGEST_MARK)):
        path.write_bytes(whole[:-lost])
        with pytest.raises(ValueError, match="is damaged: its digest is cut"):
            load(path)
    assert not (tmp_path / "exploded").exists()


def test_the_card_names_the_model_and_the_ranker_that_were_trained(table, tmp_path):
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    recommender.set_params(model="forest", ranker="popularity")
    card = card_of(recommender.save_pipeline(tmp_path / "x.pkl"))
    assert (card["model"], card["ranker"]) == ("linear", "taste")


def test_a_file_without_a_digest_loads_with_a_warning(path, recommender, table):
    path.write_bytes(path.read_bytes()[:-DIGEST_SIZE])
    card_file(path).unlink()
    with pytest.warns(UserWarning, match="model.pkl carries no digest") as caught:
        loaded = load(path)
    assert len(caught) == 1
    np.testing.assert_allclose(
        loaded.predict(table), recommender.predict(table), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("damage", ["the digest is cut off", "a bit of its mark"])
def test_without_a_digest_that_the_card_has_it_is_damaged(path, damage):
    content = bytearray(path.read_bytes())
    if damage == "the digest is cut off":
        content = content[:-DIGEST_SIZE]
    else:
        content[-DIGEST_SIZE + 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged: it carries no digest"):
        load(path)


def test_a_digest_can_be_pinned(path):
    digest = card_of(path)["sha256"]
    assert load(path, sha256=digest.upper()).pipeline is not None
    with pytest.raises(ValueError, match=f"another artifact: its digest is {digest}"):
        load(path, sha256="0" * 64)


def test_a_digest_that_is_pinned_and_missing_is_told_as_such(path):
    digest = card_of(path)["sha256"]
    without_digest(path)
    with pytest.raises(ValueError, match=r"carries no digest") as caught:
        load(path, sha256=digest)
    assert "None" not in str(caught.value)


def test_a_loaded_object_has_its_card_and_does_not_save_it(path, tmp_path):
    loaded = load(path)
    assert loaded.card == card_of(path)
    again = load(loaded.save_pipeline(tmp_path / "again.pkl"))
    assert again.card["artifact"] == "again.pkl"
    assert b"again.pkl" not in (tmp_path / "again.pkl").read_bytes()
    assert joblib.load(path).card is None


def without_card(path):
    card_file(path).unlink()


def with_another_card(path):
    edit_card(path, sha256="0" * 64)


def without_digest(path):
    path.write_bytes(path.read_bytes()[:-DIGEST_SIZE])
    card_file(path).unlink()


def of_another_format(path):
    edit_card(path, format=artifact.FORMAT + 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without_card, "no model card"),
        (with_another_card, "belongs to another artifact"),
        (of_another_version, "made with scikit-learn"),
        (of_another_format, "another version of this lesson"),
        (without_digest, "no digest"),
    ],
)
def test_strict_refuses_what_is_otherwise_loaded(path, change, reason):
    assert load(path, strict=True).pipeline is not None
    change(path)
    with pytest.raises(ValueError, match=reason):
        load(path, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert load(path).pipeline is not None


def test_a_loader_between_the_two_files_of_a_saver_reads_again(path, monkeypatch):
    card = card_file(path).read_bytes()
    with_another_card(path)
    reads = []

    def wait(seconds):
        reads.append(seconds)
        if len(reads) == 2:
            card_file(path).write_bytes(card)

    monkeypatch.setattr(artifact.time, "sleep", wait)
    assert load(path, strict=True).card is not None
    assert len(reads) == 2


FORK = """
import os, signal, sys, time
import pandas as pd
from lesson_code import SklearnEcosystemPipeline
loaded = SklearnEcosystemPipeline.load_pipeline(sys.argv[1])
child = os.fork()
if child == 0:
    loaded.predict(pd.DataFrame({"user_id": [1, 2], "movie_id": [1, 10**6]}))
    loaded.recommend(1)
    os._exit(7)
for _ in range(300):
    done, status = os.waitpid(child, os.WNOHANG)
    if done:
        sys.exit(os.waitstatus_to_exitcode(status))
    time.sleep(0.1)
os.kill(child, signal.SIGKILL)
"""


@FORKS
@pytest.mark.parametrize("model", MODELS)
def test_a_model_that_was_loaded_before_a_fork_answers(table, tmp_path, model):
    """As gunicorn --preload does. OpenMP's threads do not survive a fork."""
    path = (
        SklearnEcosystemPipeline(model=model)
        .fit(table)
        .save_pipeline(tmp_path / "model.pkl")
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    environment.pop("OMP_NUM_THREADS", None)
    done = subprocess.run(
        [sys.executable, "-c", FORK, str(path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 7, done.stderr


IN_MAIN = """
import sys
from sklearn.linear_model import Ridge
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import FunctionTransformer
from lesson_code import *

class Mine(Ridge):
    pass

def feature(X):
    return X[["movie_id"]] * 0.0

table = MovieRecommendationDataset(50, 30, 500).generate()
ours = MODELS["linear"]["features"]
union = FeatureUnion([("ours", ours), ("mine", FunctionTransformer(feature))])
MODELS["mine"] = MODELS["linear"] | {"features": union, "search": None}
for model in (Mine(), "mine"):
    try:
        SklearnEcosystemPipeline(model=model).fit(table).save_pipeline("x.pkl")
    except ValueError as error:
        print(error)
"""


def test_what_is_defined_in_the_running_program_is_refused_when_it_is_saved(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", IN_MAIN],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    first, second = done.stdout.splitlines()
    assert first.startswith("Cannot save Mine: ") and "__main__" in first
    assert second.startswith("Cannot save feature: ")
    assert names_in(tmp_path) == []


IN_A_CHILD = """
import multiprocessing, sys
from sklearn.linear_model import Ridge
from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline

class Mine(Ridge):
    pass

def save(path):
    table = MovieRecommendationDataset(20, 20, n_ratings=200).generate()
    try:
        SklearnEcosystemPipeline(model=Mine()).fit(table).save_pipeline(path)
    except ValueError as error:
        print(error, flush=True)

if __name__ == "__main__":
    child = multiprocessing.get_context("spawn").Process(target=save, args=sys.argv[1:])
    child.start()
    child.join()
"""


def test_what_a_child_process_has_of_the_running_program_is_refused_too(tmp_path):
    """There, its name is `__mp_main__`."""
    script = tmp_path / "script.py"
    script.write_text(IN_A_CHILD, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "model.pkl")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("Cannot save Mine: ")
    assert not (tmp_path / "model.pkl").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"PK\x03\x04", b"\x80\x05."],
    ids=["empty", "text", "zip", "stub"],
)
def test_what_is_no_pickle_is_refused(tmp_path, content):
    (tmp_path / "x.pkl").write_bytes(content)
    refused = pytest.raises(ValueError, match=r"x.pkl is damaged or no saved pipeline")
    with pytest.warns(UserWarning, match="x.pkl carries no digest"), refused as caught:
        load(tmp_path / "x.pkl")
    assert "\n" not in str(caught.value)


def test_a_pickle_of_something_else_is_refused(tmp_path):
    joblib.dump({"a": 1}, tmp_path / "x.pkl")
    refused = pytest.raises(
        ValueError, match=r"x.pkl holds no pipeline, but an object of type dict"
    )
    with pytest.warns(UserWarning, match="x.pkl carries no digest"), refused:
        load(tmp_path / "x.pkl")


def test_a_damaged_file_is_refused_before_its_code_runs(path, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "exploded"),))

    path.write_bytes(pickle.dumps(Bomb()) + path.read_bytes()[-DIGEST_SIZE:])
    with pytest.raises(ValueError, match="does not fit its content"):
        load(path)
    assert not (tmp_path / "exploded").exists()


def test_the_warning_of_a_missing_digest_comes_before_anything_runs(tmp_path):
    """Whoever turns warnings into errors is safe."""

    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "exploded"),))

    (tmp_path / "x.pkl").write_bytes(pickle.dumps(Bomb()))
    with (
        warnings.catch_warnings(),
        pytest.raises(UserWarning, match="carries no digest"),
    ):
        warnings.simplefilter("error")
        load(tmp_path / "x.pkl")
    assert not (tmp_path / "exploded").exists()


class Name:
    """A path-like object, which is shown in its own way."""

    def __init__(self, name):
        self.name = name

    def __fspath__(self):
        return self.name


NO_NAMES = {
    "an open file": io.BytesIO(),
    "bytes": b"model.pkl",
    "a path of bytes": Name(b"model.pkl"),
    "a descriptor": 1,
    "nothing": None,
    "a table": pd.DataFrame(),
}


@pytest.mark.parametrize("what", NO_NAMES)
def test_what_is_no_name_of_a_file_is_told_what_is_expected(
    recommender, tmp_path, monkeypatch, what
):
    monkeypatch.chdir(tmp_path)
    sentence = "must be the name of a file, as a str or a path-like object, got"
    for call in (
        recommender.save_pipeline,
        load,
        lesson_code.load_movielens,
        lambda name: lesson_code.demonstrate_ecosystem(output=name),
    ):
        with pytest.raises(TypeError, match=sentence) as caught:
            call(NO_NAMES[what])
        assert "\n" not in str(caught.value)
    assert names_in(tmp_path) == []


def test_names_that_no_file_can_have_are_refused_in_short(recommender):
    for call in (recommender.save_pipeline, load, lesson_code.load_movielens):
        with pytest.raises(ValueError, match="must not contain a null character"):
            call("model\0.pkl")
        with pytest.raises(OSError, match="File name too long") as caught:
            call("x" * 10**6)
        assert len(str(caught.value)) < 400


@pytest.mark.parametrize("name", ["model.pkl", "model.skops"])
def test_any_path_like_object_is_a_name(recommender, tmp_path, name):
    """The file's format depends on the name, not on how the object is shown."""
    if name.endswith("skops"):
        pytest.importorskip("skops")
    path = Name(str(tmp_path / name))
    assert recommender.save_pipeline(path) is path
    is_zip = (tmp_path / name).read_bytes().startswith(b"PK")
    assert is_zip == name.endswith("skops")
    assert load(path).pipeline is not None


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.pkl"):
        load(tmp_path / "nothing.pkl")
    with pytest.raises(FileNotFoundError, match="There is no file"):
        load(tmp_path)


@pytest.mark.parametrize("culprit", ["replace", "fsync"])
def test_a_crash_while_saving_leaves_the_old_file_whole(
    path, recommender, monkeypatch, culprit
):
    before = b"the old artifact"
    path.write_bytes(before)

    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, culprit, crash)
    with pytest.raises(KeyboardInterrupt):
        recommender.save_pipeline(path)
    assert path.read_bytes() == before
    assert names_in(path.parent) == ["model.pkl", "model.pkl.json"]


def test_a_full_disk_is_told_in_one_sentence_and_changes_nothing(
    path, recommender, monkeypatch
):
    before = b"the old artifact"
    path.write_bytes(before)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        OSError, match=r"Cannot write .*model.pkl: No space left on device"
    ):
        recommender.save_pipeline(path)
    assert path.read_bytes() == before
    assert len(list(path.parent.iterdir())) == 2


def test_without_room_for_the_card_both_old_files_are_kept(
    path, recommender, table, monkeypatch
):
    before = [path.read_bytes(), card_file(path).read_bytes()]
    other = SklearnEcosystemPipeline(model="linear").fit(table[:500])
    fsync = os.fsync
    n_synced = []

    def full_at_the_second_file(number):
        n_synced.append(number)
        if len(n_synced) == 2:
            raise OSError(28, "No space left on device")
        fsync(number)

    monkeypatch.setattr(os, "fsync", full_at_the_second_file)
    with pytest.raises(OSError, match=r"Cannot write .*model.pkl.json: No space left"):
        other.save_pipeline(path)
    assert [path.read_bytes(), card_file(path).read_bytes()] == before
    assert names_in(path.parent) == ["model.pkl", "model.pkl.json"]
    assert load(path, strict=True).pipeline is not None


def test_paths_that_cannot_be_written_are_named(recommender, tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"Cannot write .*x.pkl: there is no folder"
    ):
        recommender.save_pipeline(tmp_path / "nowhere" / "x.pkl")
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        recommender.save_pipeline(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_told_as_a_missing_folder(
    recommender, tmp_path
):
    file = tmp_path / "file"
    file.write_bytes(b"whole")
    with pytest.raises(
        FileNotFoundError, match=r"Cannot write .*x.pkl: there is no folder .*file\.$"
    ):
        recommender.save_pipeline(file / "x.pkl")
    assert file.read_bytes() == b"whole"


CARD = [
    "artifact",
    "sha256",
    "format",
    "created",
    "versions",
    "model",
    "ranker",
    "input",
    "input_required",
    "output",
    "rating_scale",
    "training_rows",
    "best_params",
    "parameters",
    "scores",
    "example",
]


def test_the_card_tells_what_the_artifact_is(path, recommender, table):
    card = card_of(path)
    assert card["artifact"] == "model.pkl"
    assert card["versions"]["scikit-learn"] == sklearn.__version__
    modules = {"numpy": np, "pandas": pd, "scikit-learn": sklearn, "joblib": joblib}
    versions = {name: module.__version__ for name, module in modules.items()}
    assert card["versions"] == versions | {"python": platform.python_version()}
    assert list(card) == CARD
    assert card["parameters"]["model__alpha"] == "1.0"
    # the steps, whose parameters these are
    assert [name for name in card["parameters"] if "__" not in name] == []
    assert card["input"]["user_id"] == "int64"
    assert "rating" not in card["input"]
    assert card["rating_scale"] == [1.0, 5.0]
    assert card["training_rows"] == 1600
    assert card["scores"]["cv_rmse"] == recommender.cv_scores.tolist()
    assert card["scores"]["test"]["rows"] == 400
    assert card["scores"]["ranking"] is None  # nobody asked for it
    assert card["artifact"] + ".json" == card_file(path).name
    assert (
        card["sha256"] == hashlib.sha256(path.read_bytes()[:-DIGEST_SIZE]).hexdigest()
    )
    assert card["model"] == "linear"


def test_the_example_of_the_card_is_no_person_of_the_training(path, recommender, table):
    example = card_of(path)["example"]
    assert set(example["input"]) == {"user_id", "movie_id"}
    assert example["input"]["user_id"] == table["user_id"][:1600].max() + 1
    assert example["input"]["movie_id"] == table["movie_id"][:1600].min()
    assert example["prediction"] == pytest.approx(
        recommender.predict(pd.DataFrame([example["input"]]))[0]
    )
    text = card_file(path).read_text(encoding="utf-8")
    rated = {str(number) for number in table["timestamp"]}
    assert [number for number in rated if number in text] == []


def test_another_scikit_learn_version_is_a_warning_that_names_both(path):
    of_another_version(path)
    with pytest.warns(
        UserWarning, match=rf"0\.99, but this is {sklearn.__version__}"
    ) as caught:
        load(path)
    assert len(caught) == 1


def test_a_card_that_claims_another_version_than_the_seal_is_not_believed(path):
    """The digest covers the version in the artifact, and not that on the card."""
    edit_card(path, versions=card_of(path)["versions"] | {"scikit-learn": "0.99"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load(path, strict=True).pipeline is not None
    of_another_version(path)
    here = {"scikit-learn": sklearn.__version__}
    edit_card(path, versions=card_of(path)["versions"] | here)
    with pytest.raises(ValueError, match=r"made with scikit-learn 0\.99"):
        load(path, strict=True)


def test_another_scikit_learn_version_is_noticed_without_the_card(path, monkeypatch):
    card_file(path).unlink()
    monkeypatch.setattr(sklearn.base, "__version__", "99.0")
    with pytest.warns(UserWarning, match=rf"{sklearn.__version__}|99\.0") as caught:
        monkeypatch.setattr(sklearn, "__version__", "99.0")
        load(path)
    assert len(caught) == 1
    assert "99.0" in str(caught[0].message)
    assert "train it again" in str(caught[0].message)


def test_threads_that_load_at_once_leave_the_filters_of_warnings_alone(
    path, monkeypatch
):
    """They are a setting of the whole process. Each of eight loads of an artifact of
    another version once put "ignore" before them, and one of these stayed for good.
    """
    of_another_version(path)
    before = list(warnings.filters)
    joblib_load = joblib.load
    n_loading = []

    def load_slowly(stream):
        n_loading.append(len(n_loading))
        time.sleep(0.02)  # the others come meanwhile
        return joblib_load(stream)

    monkeypatch.setattr(joblib, "load", load_slowly)
    monkeypatch.setattr(warnings, "warn", lambda *_, **__: None)
    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(load, [path] * 8))) == 8
    assert len(n_loading) == 8
    assert list(warnings.filters) == before


def test_a_filter_that_the_program_adds_during_a_load_stays(path, monkeypatch):
    of_another_version(path)
    joblib_load = joblib.load

    def add_a_filter(stream):
        warnings.filterwarnings("error", message="mine")
        return joblib_load(stream)

    monkeypatch.setattr(joblib, "load", add_a_filter)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*made with scikit-learn")
        before = list(warnings.filters)
        load(path)
        assert warnings.filters[1:] == before
        assert warnings.filters[0][1].pattern == "mine"


def test_a_change_of_version_is_told_apart_from_damage(path):
    """The artifact of another scikit-learn, whose classes are not where they were:
    whole, but not to be loaded.
    """
    version = sklearn.__version__.encode()
    other = b"0" + version[1:]
    body = path.read_bytes()[:-DIGEST_SIZE]
    assert version in body
    replace_pickle(
        path, body.replace(version, other).replace(b"StandardScaler", b"StandardScalex")
    )
    edit_card(
        path, versions=card_of(path)["versions"] | {"scikit-learn": other.decode()}
    )
    versions = (
        f"made with scikit-learn {other.decode()}, but this is {sklearn.__version__}"
    )
    sentence = f"{path} is whole, but cannot be loaded: it was {versions}"
    for with_card in (True, False):  # the pickle tells its version, too
        if not with_card:
            card_file(path).unlink()
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}") as caught:
            load(path)
        assert "damaged" not in str(caught.value)
        assert "train it again" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_pickle_that_tells_no_version_is_known_by_its_card(path):
    replace_pickle(
        path,
        pickle.dumps(Ridge())
        .replace(b"Ridge", b"Gone!")
        .replace(b"_sklearn_version", b"_sklearn_versiom"),
    )
    edit_card(path, versions=card_of(path)["versions"] | {"scikit-learn": "0.99"})
    with pytest.raises(
        ValueError,
        match=r"is whole, but cannot be loaded: "
        r"it was made with scikit-learn 0\.99, but this is",
    ):
        load(path)


def test_an_object_of_another_version_that_loads_but_cannot_predict_is_told_as_such(
    path, monkeypatch
):
    """A private attribute that a later version reads is missing: the example of the
    card finds it out.
    """
    of_another_version(path)

    def predict(*_):
        raise AttributeError(
            "'StandardScaler' object has no attribute '_new_in_this_version'"
        )

    monkeypatch.setattr(StandardScaler, "transform", predict)
    with (
        warnings.catch_warnings(),
        pytest.raises(ValueError, match=r"model.pkl .*0\.99") as caught,
    ):
        warnings.simplefilter("ignore")
        load(path)
    assert "\n" not in str(caught.value)


def test_the_same_version_under_an_intact_digest_is_not_called_another(path):
    replace_pickle(
        path,
        path.read_bytes()[:-DIGEST_SIZE].replace(b"StandardScaler", b"StandardScalex"),
    )
    with pytest.raises(
        ValueError, match="is whole, but cannot be loaded here: .*StandardScalex"
    ):
        load(path)


def test_a_card_of_another_artifact_is_a_warning_that_names_both(path):
    mine = card_of(path)["sha256"]
    edit_card(path, sha256="0" * 64)
    with pytest.warns(UserWarning, match="belongs to another artifact") as caught:
        load(path)
    assert mine[:12] in str(caught[0].message)
    assert "0" * 12 in str(caught[0].message)


def test_a_card_that_cannot_be_read_is_a_warning(path):
    for content in (
        b"{}",
        b"[]",
        b"null",
        b"3",
        b'"x"',
        b"",
        b"\xff\xfe",
        b"no json",
        b"[" * 100_000,
        b"9" * 5000,
    ):
        card_file(path).write_bytes(content)
        with pytest.warns(
            UserWarning, match="is no model card, and is not used"
        ) as caught:
            assert load(path).pipeline is not None
        assert len(caught) == 1


def test_a_folder_in_the_place_of_the_card_is_a_warning(path):
    card_file(path).unlink()
    card_file(path).mkdir()
    with pytest.warns(UserWarning, match="is no model card"):
        assert load(path).pipeline is not None


def test_the_card_is_strict_json_even_after_a_score_of_one_row(
    recommender, table, tmp_path
):
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn: R2 of one row is not defined
        recommender.evaluate(table[:1])
    card = card_of(recommender.save_pipeline(tmp_path / "one.pkl"))
    assert card["scores"]["test"]["R2"] is None


PAIR = {"user_id": 1, "movie_id": 1}
MISSHAPEN = {
    "no example": {"example": {}},
    "an example that is a list": {"example": [PAIR, 3.0]},
    "no prediction": {"example": {"input": PAIR}},
    "no input": {"example": {"input": {}, "prediction": 3.0}},
    "an input that is a number": {"example": {"input": 3, "prediction": 3.0}},
    "an input that is a list": {"example": {"input": [1, 1], "prediction": 3.0}},
    "no movie": {"example": {"input": {"user_id": 1}, "prediction": 3.0}},
    "half an id": {"example": {"input": PAIR | {"user_id": 1.5}, "prediction": 3.0}},
    "an id that is a truth value": {
        "example": {"input": PAIR | {"movie_id": True}, "prediction": 3.0}
    },
    "a nested id": {
        "example": {"input": PAIR | {"movie_id": {"a": [1]}}, "prediction": 3.0}
    },
    "an age beside the ids": {
        "example": {"input": PAIR | {"user_age": 35}, "prediction": 3.0}
    },
    "an age in words": {
        "example": {"input": PAIR | {"user_age": "old"}, "prediction": 3.0}
    },
    "a genre that is a list": {
        "example": {"input": PAIR | {"genre": ["Drama"]}, "prediction": 3.0}
    },
    "NaN": {"example": {"input": PAIR, "prediction": float("nan")}},
    "infinity": {"example": {"input": PAIR, "prediction": float("inf")}},
    "a prediction in words": {"example": {"input": PAIR, "prediction": "3"}},
    "a prediction that is missing": {"example": {"input": PAIR, "prediction": None}},
    "a prediction that is a truth value": {
        "example": {"input": PAIR, "prediction": True}
    },
    "a prediction that is a list": {"example": {"input": PAIR, "prediction": [3.0]}},
    "a prediction beyond floats": {"example": {"input": PAIR, "prediction": 10**400}},
    "versions that are a list": {"versions": ["1.6"]},
    "versions that are a number": {"versions": 1.6},
    "no version of scikit-learn": {"versions": {"python": "3.11"}},
    "a version that is a number": {"versions": {"scikit-learn": 1.6}},
    "a version that is missing": {"versions": {"scikit-learn": None}},
}


@pytest.mark.parametrize("shape", MISSHAPEN)
def test_a_card_of_the_wrong_shape_is_a_warning_and_never_an_error(path, shape):
    edit_card(path, **MISSHAPEN[shape])
    with pytest.warns(
        UserWarning, match="model.pkl.json is no model card, and is not used"
    ) as caught:
        assert load(path).pipeline is not None
    assert len(caught) == 1


def test_an_artifact_without_its_card_loads(path):
    card_file(path).unlink()
    assert load(path).pipeline is not None


def test_an_example_that_is_predicted_otherwise_is_refused(path):
    edit_card(path, example=card_of(path)["example"] | {"prediction": 1.2345})
    with pytest.raises(
        ValueError,
        match=r"model.pkl predicts .* for the model card's example; when saved, 1.2345",
    ):
        load(path)


@pytest.mark.parametrize(
    "gaps", [["genre", "user_age"], ["timestamp", "movie_year", "user_country"]]
)
def test_an_example_with_gaps_is_kept_and_checked(table, tmp_path, gaps):
    rows = table.drop(columns=gaps[:1])
    rows = rows.assign(**{gap: np.nan for gap in gaps[1:]})
    path = (
        SklearnEcosystemPipeline(model="linear")
        .fit(rows)
        .save_pipeline(tmp_path / "gaps.pkl")
    )
    assert load(path).predict(rows).shape == (len(rows),)


def test_a_pipeline_trained_on_engineered_rows_is_saved_and_loaded(table, tmp_path):
    X, y, *_ = SklearnEcosystemPipeline().create_features(table)
    path = (
        SklearnEcosystemPipeline(model="linear")
        .fit(X, y)
        .save_pipeline(tmp_path / "engineered.pkl")
    )
    assert load(path).predict(X).shape == (len(X),)


@pytest.mark.parametrize("by", [-0.001, 0.001])
def test_an_example_predicted_a_little_otherwise_on_either_side_is_refused(
    table, tmp_path, by
):
    path = (
        SklearnEcosystemPipeline(model="linear")
        .fit(table)
        .save_pipeline(tmp_path / "model.pkl")
    )
    example = card_of(path)["example"]
    edit_card(path, example=example | {"prediction": example["prediction"] + by})
    with pytest.raises(ValueError, match="for the model card's example; when saved"):
        SklearnEcosystemPipeline.load_pipeline(path)


@pytest.mark.parametrize(
    "name", ["x.json", "x.JSON", "no ending", ".hidden", "ümlaut.pkl"]
)
def test_every_name_will_do_and_its_card_is_the_whole_name_and_json(
    recommender, tmp_path, name
):
    recommender.save_pipeline(tmp_path / name)
    assert names_in(tmp_path) == sorted([name, name + ".json"])
    assert card_of(tmp_path / name)["artifact"] == name
    assert load(tmp_path / name).pipeline is not None


def test_saving_touches_no_other_file(recommender, tmp_path):
    """`data.pkl` once overwrote an unrelated `data.json`; `m.v1` and
    `m.v2` shared a card.
    """
    (tmp_path / "data.json").write_text("mine", encoding="utf-8")
    for name in ("data.pkl", "m.v1", "m.v2"):
        recommender.save_pipeline(tmp_path / name)
    assert (tmp_path / "data.json").read_text(encoding="utf-8") == "mine"
    expected = [
        "data.json",
        "data.pkl",
        "data.pkl.json",
        "m.v1",
        "m.v1.json",
        "m.v2",
        "m.v2.json",
    ]
    assert names_in(tmp_path) == expected
    for name in ("m.v1", "m.v2"):
        assert card_of(tmp_path / name)["artifact"] == name
        load(tmp_path / name)


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_the_permissions_of_the_old_files_are_kept(path, recommender, mode):
    for file in (path, card_file(path)):
        file.chmod(mode)
    recommender.save_pipeline(path)
    assert [file.stat().st_mode & 0o777 for file in (path, card_file(path))] == [
        mode,
        mode,
    ]
    load(path)


@POSIX
def test_nobody_else_may_read_a_private_file_even_while_it_is_written(
    path, recommender, monkeypatch
):
    modes = []
    for file in (path, card_file(path)):
        file.chmod(0o600)
    monkeypatch.setattr(
        os, "fsync", lambda number: modes.append(os.fstat(number).st_mode & 0o777)
    )
    recommender.save_pipeline(path)
    assert modes == [0o600, 0o600]


@POSIX
@pytest.mark.parametrize(
    ("umask", "mode"), [(0o027, 0o640), (0, 0o666)], ids=["027", "000"]
)
def test_new_files_have_the_permissions_that_the_umask_says(
    recommender, tmp_path, umask, mode
):
    old = os.umask(umask)
    try:
        path = recommender.save_pipeline(tmp_path / "model.pkl")
    finally:
        os.umask(old)
    assert [file.stat().st_mode & 0o777 for file in (path, card_file(path))] == [
        mode,
        mode,
    ]


def test_nobody_can_guess_or_share_the_name_of_a_temporary_file(
    recommender, tmp_path, monkeypatch
):
    """Seen at the moment before the renaming: a new name for every file and save, which
    neither process nor target tells.
    """
    path = tmp_path / "model.pkl"
    seen = []
    monkeypatch.setattr(
        os,
        "fsync",
        lambda _: seen.append(
            set(names_in(tmp_path)) - {"model.pkl", "model.pkl.json"}
        ),
    )
    for _ in range(3):
        recommender.save_pipeline(path)
    names = sorted(set().union(*seen))
    assert len(names) == len(seen) == 6
    # what all names share is no part of what makes them secret
    shared = len(os.path.commonprefix(names)) + len(
        os.path.commonprefix([name[::-1] for name in names])
    )
    assert min(map(len, names)) - shared >= 6
    assert names_in(tmp_path) == ["model.pkl", "model.pkl.json"]


def test_savers_at_once_leave_a_whole_artifact_and_nothing_else(
    recommender, table, tmp_path
):
    path = tmp_path / "model.pkl"
    others = [recommender, SklearnEcosystemPipeline(model="linear").fit(table[:500])]
    for saver in others:
        saver.ranker_  # noqa: B018  fitted now: the race is to be that of the files
    with ThreadPoolExecutor(4) as pool:
        for saved in [
            pool.submit(others[number % 2].save_pipeline, path) for number in range(24)
        ]:
            assert saved.result() == path
    assert names_in(tmp_path) == ["model.pkl", "model.pkl.json"]
    with warnings.catch_warnings():
        # the last card may be that of the other
        warnings.filterwarnings("ignore", ".*belongs to another artifact")
        predictions = load(path).predict(table)
    assert any(
        np.allclose(predictions, saver.predict(table), rtol=0, atol=1e-12)
        for saver in others
    )


def test_a_card_that_another_saver_writes_this_moment_is_not_taken_for_a_folder(
    path, recommender, monkeypatch
):
    real = os.stat
    asked = []

    def not_yet(file, *args, **kwargs):
        if str(file).endswith(".json") and not asked:
            asked.append(file)
            raise FileNotFoundError(2, "No such file or directory", str(file))
        return real(file, *args, **kwargs)

    monkeypatch.setattr(os, "stat", not_yet)
    assert recommender.save_pipeline(path) == path
    assert asked


@POSIX
def test_of_two_savers_of_a_new_file_none_opens_it_wider_than_the_umask_says(
    recommender, tmp_path, monkeypatch
):
    fsync = os.fsync
    path = tmp_path / "model.pkl"

    def the_other_is_first(file):
        path.touch()
        return fsync(file)

    monkeypatch.setattr(os, "fsync", the_other_is_first)
    old = os.umask(0o027)
    try:
        recommender.save_pipeline(path)
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o640


@POSIX
def test_a_link_is_followed_its_target_replaced_and_the_link_stays(
    recommender, tmp_path
):
    (tmp_path / "real").mkdir()
    (tmp_path / "links").mkdir()
    target = tmp_path / "real" / "model.pkl"
    link = tmp_path / "links" / "link.pkl"
    target.write_bytes(b"old")
    link.symlink_to(target)
    assert recommender.save_pipeline(link) == link
    assert link.is_symlink()
    assert names_in(link.parent) == ["link.pkl"]
    assert names_in(target.parent) == ["model.pkl", "model.pkl.json"]
    for path in (link, target):
        assert load(path).pipeline is not None
    assert card_of(target)["artifact"] == "model.pkl"


@POSIX
def test_a_link_to_nowhere_is_filled(recommender, tmp_path):
    (tmp_path / "link.pkl").symlink_to(tmp_path / "model.pkl")
    recommender.save_pipeline(tmp_path / "link.pkl")
    assert (tmp_path / "link.pkl").is_symlink()
    assert (tmp_path / "model.pkl").is_file()


@POSIX
def test_what_is_no_regular_file_is_refused_and_stays(recommender, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    for path in (pipe, tmp_path / "link"):
        with pytest.raises(
            OSError,
            match=r"Cannot write .*: it is a folder, a device, a pipe or a socket",
        ):
            recommender.save_pipeline(path)
        with pytest.raises(FileNotFoundError, match="There is no file"):
            load(path)
    assert pipe.is_fifo()
    assert names_in(tmp_path) == ["link", "pipe"]


@POSIX
@pytest.mark.parametrize("what", ["folder", "pipe"])
def test_a_card_that_cannot_be_written_is_told_before_the_artifact_is_replaced(
    path, recommender, what
):
    before = b"the old artifact"
    path.write_bytes(before)
    card_file(path).unlink()
    card_file(path).mkdir() if what == "folder" else os.mkfifo(card_file(path))
    with pytest.raises(OSError, match=r"Cannot write .*model.pkl.json"):
        recommender.save_pipeline(path)
    assert path.read_bytes() == before
    assert names_in(path.parent) == ["model.pkl", "model.pkl.json"]
    assert card_file(path).is_dir() or card_file(path).is_fifo()


def test_the_card_tells_the_parameters_of_the_steps_and_what_the_search_chose(
    table, tmp_path, monkeypatch
):
    monkeypatch.setattr(lesson_code, "N_CANDIDATES", 2)
    recommender = SklearnEcosystemPipeline(model="linear")
    recommender.train(table[:300], perform_cv=False, tune_hyperparameters=True)
    card = card_of(recommender.save_pipeline(tmp_path / "model.pkl"))
    assert card["best_params"] == recommender.best_params
    assert card["parameters"]["model__alpha"] == repr(
        recommender.best_params["model__alpha"]
    )


def test_what_cannot_be_pickled_or_cannot_do_with_two_ids_is_told_and_leaves_no_file(
    table, tmp_path, monkeypatch
):
    by_genre = lambda X: X[["genre"]].apply(lambda genre: genre.str.len())  # noqa: E731
    features = lesson_code.FeatureUnion(
        [
            ("13", lesson_code.UserMovieFeatureTransformer()),
            ("n", FunctionTransformer(by_genre)),
        ]
    )
    monkeypatch.setitem(
        lesson_code.MODELS,
        "mine",
        lesson_code.MODELS["linear"] | {"features": features, "search": None},
    )
    recommender = SklearnEcosystemPipeline(model="mine").fit(table)
    with pytest.raises(
        ValueError,
        match="Cannot save: the model cannot predict from the ids alone: .*genre",
    ):
        recommender.save_pipeline(tmp_path / "mine.pkl")
    features.transformer_list[1] = (
        "n",
        FunctionTransformer(lambda X: np.ones((len(X), 1))),
    )
    recommender = SklearnEcosystemPipeline(model="mine").fit(table)
    with pytest.raises(
        ValueError,
        match="Cannot save what cannot be pickled, or is not in TRUSTED: .*lambda",
    ):
        recommender.save_pipeline(tmp_path / "mine.pkl")
    assert list(tmp_path.iterdir()) == []


class RaisesWhenPickled(Ridge):
    error = None

    def __getstate__(self):
        if self.error is not None:
            raise self.error
        return super().__getstate__()


@pytest.mark.parametrize(
    "error",
    [NotImplementedError(), RuntimeError("no"), RecursionError("deep"), KeyError(1)],
    ids=repr,
)
def test_whatever_a_model_raises_when_it_is_pickled_is_told_and_the_old_file_kept(
    table, path, monkeypatch, error
):
    before = path.read_bytes()
    recommender = SklearnEcosystemPipeline(model=RaisesWhenPickled()).fit(table)
    monkeypatch.setattr(RaisesWhenPickled, "error", error)
    with pytest.raises(ValueError, match="Cannot save what cannot be pickled.*: .+"):
        recommender.save_pipeline(path)
    assert path.read_bytes() == before
    assert names_in(path.parent) == ["model.pkl", "model.pkl.json"]


class PredictsNoise(Ridge):
    def predict(self, X):
        return super().predict(X) + np.random.default_rng().uniform(-0.1, 0.1, len(X))


class PredictsNaN(Ridge):
    def predict(self, X):
        return np.full(len(X), np.nan)


@pytest.mark.parametrize("regressor", [PredictsNoise(), PredictsNaN()], ids=repr)
def test_a_model_whose_example_could_not_be_checked_is_not_saved(
    table, tmp_path, regressor
):
    recommender = SklearnEcosystemPipeline(model=regressor).fit(table)
    with pytest.raises(ValueError, match="must predict the same finite number"):
        recommender.save_pipeline(tmp_path / "model.pkl")
    assert names_in(tmp_path) == []


def test_a_model_that_predicts_nan_where_it_is_loaded_is_refused(path, monkeypatch):
    monkeypatch.setattr(SklearnEcosystemPipeline, "predict", lambda *_: [np.nan])
    with pytest.raises(ValueError, match="predicts nan for the model card's example"):
        load(path)


@pytest.mark.parametrize("factor", [-1e12, 1e12])
def test_a_rating_scale_may_be_far_from_stars(table, tmp_path, factor):
    scaled = table.assign(rating=table["rating"] * factor)
    recommender = SklearnEcosystemPipeline(model="linear").fit(scaled)
    path = recommender.save_pipeline(tmp_path / "model.pkl")
    assert load(path, strict=True).card is not None


def test_what_a_search_chose_is_on_the_card_even_where_json_has_no_word_for_it(
    table, tmp_path, monkeypatch
):
    row = lesson_code.MODELS["linear"] | {
        "search": {"scaler": [StandardScaler(with_mean=False)]}
    }
    monkeypatch.setitem(lesson_code.MODELS, "scaled", row)
    monkeypatch.setattr(lesson_code, "N_CANDIDATES", 1)
    recommender = SklearnEcosystemPipeline(model="scaled")
    recommender.train(table[:300], perform_cv=False, tune_hyperparameters=True)
    path = recommender.save_pipeline(tmp_path / "model.pkl")
    assert card_of(path)["best_params"] == {"scaler": "StandardScaler(with_mean=False)"}
    assert load(path).best_params.keys() == {"scaler"}


def test_the_card_tells_when_it_was_made_what_comes_out_and_is_laid_out_for_people(
    recommender, tmp_path
):
    before = pd.Timestamp.now("UTC").floor("s")
    path = recommender.save_pipeline(tmp_path / "model.pkl")
    card = card_of(path)
    text = card_file(path).read_text(encoding="utf-8")
    created = pd.Timestamp(card["created"])
    assert before <= created <= pd.Timestamp.now("UTC")
    assert created.microsecond == 0
    assert card["output"] == "float64, stars"
    assert card["input_required"] == ["user_id", "movie_id"]
    assert '\n  "artifact": "model.pkl",\n' in text


def test_every_byte_is_on_the_disk_before_the_file_gets_its_name(
    recommender, tmp_path, monkeypatch
):
    sizes = []
    sync = os.fsync
    monkeypatch.setattr(
        os,
        "fsync",
        lambda number: (sync(number), sizes.append(os.fstat(number).st_size)),
    )
    path = recommender.save_pipeline(tmp_path / "model.pkl")
    assert sizes == [path.stat().st_size, card_file(path).stat().st_size]


def test_nothing_of_a_card_of_another_artifact_is_used(path):
    edit_card(
        path,
        sha256="0" * 64,
        versions={"scikit-learn": "0.99"},
        example={"input": PAIR, "prediction": 99.0},
    )
    with pytest.warns(UserWarning, match="belongs to another artifact") as caught:
        assert load(path).pipeline is not None
    assert len(caught) == 1


def test_a_file_that_is_nothing_but_a_digest_is_damaged(tmp_path):
    (tmp_path / "x.pkl").write_bytes(artifact.DIGEST_MARK + b"0" * 64)
    with pytest.raises(ValueError, match="is damaged: its digest"):
        load(tmp_path / "x.pkl")


def fails_to_load():
    raise RuntimeError("in two\n  lines")


class FailsToLoad:
    def __reduce__(self):
        return fails_to_load, ()


def test_the_reason_why_an_artifact_cannot_be_loaded_is_told_in_one_line(path):
    replace_pickle(path, pickle.dumps(FailsToLoad()))
    with pytest.raises(
        ValueError,
        match=r"model.pkl is whole, but cannot be loaded here: "
        r"RuntimeError: in two lines$",
    ):
        load(path)


class WarnsWhenLoaded(Ridge):
    def __setstate__(self, state):
        warnings.warn("a warning of the regressor itself", stacklevel=2)
        super().__setstate__(state)


def test_the_warnings_of_a_regressor_itself_are_seen_under_another_version_too(
    table, tmp_path
):
    path = (
        SklearnEcosystemPipeline(model=WarnsWhenLoaded())
        .fit(table)
        .save_pipeline(tmp_path / "model.pkl")
    )
    of_another_version(path)
    with pytest.warns(UserWarning) as caught:
        load(path)
    told = [str(warning.message) for warning in caught]
    assert set(told[:-1]) == {"a warning of the regressor itself"}
    assert "was made with scikit-learn 0.99" in told[-1]


def test_what_looks_like_a_digest_inside_an_artifact_is_none(table, tmp_path):
    titled = table.assign(title="\nsha256:" + "0" * 64)
    path = (
        SklearnEcosystemPipeline(model="linear")
        .fit(titled)
        .save_pipeline(tmp_path / "model.pkl")
    )
    assert load(path).titles_ == dict.fromkeys(
        np.unique(table["movie_id"]), titled["title"].iloc[0]
    )


def test_a_digest_that_is_no_text_is_damaged(path):
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] | 0x80]))
    with pytest.raises(ValueError, match="model.pkl is damaged: its digest"):
        load(path)


def test_a_name_of_a_folder_is_refused(recommender, tmp_path):
    with pytest.raises(IsADirectoryError, match="the name of a folder"):
        recommender.save_pipeline(f"{tmp_path}/model.skops/")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("beside_a_file", [False, True], ids=["alone", "beside data"])
@pytest.mark.parametrize("content", ["[1, 2, 3]", '{"sha256": 1}'])
def test_a_file_that_is_no_model_card_is_not_replaced_by_one(
    recommender, tmp_path, content, beside_a_file
):
    data = tmp_path / "data.json"
    data.write_text(content, encoding="utf-8")
    if beside_a_file:
        (tmp_path / "data").write_text("mine", encoding="utf-8")
    before = names_in(tmp_path)
    with pytest.raises(FileExistsError, match="data.json: .* no model card"):
        recommender.save_pipeline(tmp_path / "data")
    assert data.read_text(encoding="utf-8") == content
    assert names_in(tmp_path) == before
