"""The artifact: whole or refused, loadable anywhere, and never half-written."""

import copy
import hashlib
import json
import os
import pickle
import platform
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from forked import FORKS, POSIX
from repository import ROOT
from sklearn.linear_model import Ridge
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import lesson_code
from lesson_code import SklearnEcosystemPipeline
from recommender import artifact

load = SklearnEcosystemPipeline.load_pipeline
DIGEST_SIZE = len(artifact.DIGEST_MARK) + 64  # bytes, at the end of an artifact
BOTH = ["model.pkl", "model.pkl.json"]


@pytest.fixture(scope="module")
def recommender(table):
    recommender = SklearnEcosystemPipeline(model="linear")
    recommender.train(table[:1600])
    recommender.evaluate(table[1600:])
    recommender.ranker_  # noqa: B018  fitted once, for all tests that save
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


def claim_version(path, version):
    """Let the card name another scikit-learn."""
    edit_card(path, versions=card_of(path)["versions"] | {"scikit-learn": version})


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
    """Let the seal say that scikit-learn 0.99 made the artifact, and the card not."""
    body = path.read_bytes()[:-DIGEST_SIZE]
    here = artifact.VERSION_MARK + sklearn.__version__.encode()
    assert body.endswith(here)
    replace_pickle(path, body.removesuffix(here) + artifact.VERSION_MARK + b"0.99")


def without_digest(path):
    path.write_bytes(path.read_bytes()[:-DIGEST_SIZE])
    card_file(path).unlink()


# ----- What is loaded is what was saved


def test_what_is_saved_and_loaded_is_the_object_and_predicts_the_same(
    recommender, table, tmp_path
):
    name = str(tmp_path / "model.pkl")
    assert recommender.save_pipeline(name) == name
    loaded = load(name)  # without a warning, which pytest would raise
    assert isinstance(loaded, SklearnEcosystemPipeline)
    np.testing.assert_allclose(
        loaded.predict(table), recommender.predict(table), rtol=0, atol=1e-12
    )
    np.testing.assert_array_equal(loaded.cv_scores, recommender.cv_scores)


def test_a_loaded_object_has_its_card_and_does_not_save_it(path, tmp_path):
    loaded = load(path)
    assert loaded.card == card_of(path)
    again = load(loaded.save_pipeline(tmp_path / "again.pkl"))
    assert again.card["artifact"] == "again.pkl"
    assert joblib.load(path).card is None


def test_a_rating_scale_may_be_far_from_stars(table, tmp_path):
    scaled = table.assign(rating=table["rating"] * -1e12)
    recommender = SklearnEcosystemPipeline(model="linear").fit(scaled)
    path = recommender.save_pipeline(tmp_path / "model.pkl")
    example = card_of(path)["example"]
    example["prediction"] *= 1 + 1e-10  # as another processor may predict it
    edit_card(path, example=example)
    assert load(path, strict=True).card["example"] == example


FORK = """
import os, signal, sys
import pandas as pd
from lesson_code import SklearnEcosystemPipeline
loaded = SklearnEcosystemPipeline.load_pipeline(sys.argv[1])
child = os.fork()
if child == 0:
    signal.alarm(60)  # ends it, if it waits for threads that are not there
    loaded.predict(pd.DataFrame({"user_id": [1, 2], "movie_id": [1, 10**6]}))
    loaded.recommend(1)
    os._exit(7)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@FORKS
def test_a_model_that_was_loaded_before_a_fork_answers(trained, tmp_path):
    """As with gunicorn --preload: OpenMP's threads do not survive a fork."""
    path = trained("boosting").save_pipeline(tmp_path / "model.pkl")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    environment.pop("OMP_NUM_THREADS", None)
    command = [sys.executable, "-c", FORK, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 7, done.stderr


# ----- The digest


def flip(place, bit=4):
    def flip_bit(content):
        damaged = bytearray(content)
        damaged[place] ^= bit
        return bytes(damaged)

    return flip_bit


DAMAGES = {
    "a bit of the pickle": flip(1000),
    "a bit of the version": flip(-DIGEST_SIZE - 2),
    "a digest that is no text": flip(-1, 0x80),
    "nothing is left": lambda content: b"",
    "half is left": lambda content: content[: len(content) // 2],
    "the digest is left": lambda content: content[-DIGEST_SIZE:],
    "the digest is missing": lambda content: content[:-DIGEST_SIZE],
    "the digest is cut": lambda content: content[:-1],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_before_it_is_unpickled(path, monkeypatch, damage):
    monkeypatch.setattr(joblib, "load", None)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(ValueError, match=r"model\.pkl is damaged: "):
        load(path)


def test_whoever_turns_the_warning_of_a_missing_digest_into_an_error_runs_nothing(
    tmp_path,
):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "exploded"),)

    (tmp_path / "x.pkl").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(UserWarning, match="carries no digest"):
        load(tmp_path / "x.pkl")
    assert names_in(tmp_path) == ["x.pkl"]


def test_a_digest_can_be_pinned(path):
    digest = card_of(path)["sha256"]
    assert load(path, sha256=digest.upper()).pipeline is not None
    with pytest.raises(ValueError, match=f"its digest is {digest}"):
        load(path, sha256="0" * 64)
    without_digest(path)
    with pytest.raises(ValueError, match=f"carries no digest.*{digest}"):
        load(path, sha256=digest)


def test_what_looks_like_a_digest_inside_an_artifact_is_none(recommender, tmp_path):
    titled = copy.copy(recommender)
    titled.titles_ = {1: "\nsha256:" + "0" * 64}
    path = titled.save_pipeline(tmp_path / "model.pkl")
    assert load(path).titles_ == titled.titles_


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"hello", "damaged or no saved pipeline"),
        (pickle.dumps({"a": 1}), "object of type dict"),
        (pickle.dumps({"a": 1}) + artifact.DIGEST_MARK[:-1], "damaged"),
    ],
)
def test_what_is_no_pipeline_is_refused(tmp_path, content, problem):
    (tmp_path / "x.pkl").write_bytes(content)
    refused = pytest.raises(ValueError, match=rf"x\.pkl .*{problem}")
    with pytest.warns(UserWarning, match="carries no digest"), refused:
        load(tmp_path / "x.pkl")


#: What is in an artifact of format 1. If it is other attributes now, old artifacts load
#: and then fail: count `FORMAT` up in recommender/artifact.py, and change this.
STATE = {
    "wrapper": "_card _ranker _ranker_param best_params_ cv_scores_ feature_names_in_ "
    "format_ history_ model model_ n_features_in_ pipeline_ random_state ranker "
    "ranking_scores_ select signature_ test_scores_ titles_ verbose",
    "history": "codes genre levels movie_year movies users",
    "ranker": "fold_in_ history_ movies_ penalty_ popularity_ regularization solution_ "
    "unit_ users_",
    "fold_in": "base columns penalty y_max y_min",
}


def test_an_artifact_has_the_attributes_of_its_format(recommender):
    parts = {
        "wrapper": recommender,
        "history": recommender.history_,
        "ranker": recommender.ranker_,
        "fold_in": recommender.ranker_.fold_in_,
    }
    assert artifact.FORMAT == 1
    found = {name: " ".join(sorted(vars(part))) for name, part in parts.items()}
    assert found == STATE


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda path: card_file(path).unlink(), "no model card"),
        (lambda path: edit_card(path, sha256="0" * 64), "belongs to another artifact"),
        (lambda path: edit_card(path, format=0), "another version of this lesson"),
        (of_another_version, "made with scikit-learn"),
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


# ----- Other versions


def test_another_scikit_learn_version_is_one_warning_that_names_both(path, monkeypatch):
    """Not one more of scikit-learn for each estimator; and the card has no say."""
    versions = f"scikit-learn {sklearn.__version__}, but this is 99.0"
    claim_version(path, "99.0")
    monkeypatch.setattr(sklearn.base, "__version__", "99.0")
    monkeypatch.setattr(sklearn, "__version__", "99.0")
    for _ in ("with a card", "without"):
        with pytest.warns(UserWarning) as caught:
            load(path)
        assert len(caught) == 1
        assert versions in str(caught[0].message)
        card_file(path).unlink(missing_ok=True)


def fails_to_load():
    raise RuntimeError("in two\n  lines")


class FailsToLoad:
    def __reduce__(self):
        return fails_to_load, ()


@pytest.mark.parametrize("version_in", ["seal", "card", "nothing"])
def test_what_is_whole_but_cannot_be_loaded_is_told_apart_from_damage(path, version_in):
    """The reason names both versions, where they differ; the first artifacts told their
    version on the card alone.
    """
    body = pickle.dumps(FailsToLoad())
    if version_in == "seal":
        body += artifact.VERSION_MARK + b"0.99"
    replace_pickle(path, body)
    if version_in == "card":
        claim_version(path, "0.99")
    with pytest.raises(ValueError, match=r"model\.pkl is whole, but") as caught:
        load(path)
    message = str(caught.value)
    assert "RuntimeError: in two lines" in message
    versions = f"made with scikit-learn 0.99, but this is {sklearn.__version__}"
    assert (versions in message) == (version_in != "nothing")


def test_an_object_of_another_version_that_loads_but_cannot_predict_is_told_as_such(
    path, monkeypatch
):
    of_another_version(path)

    def transform(*_):
        raise AttributeError("no attribute '_new_in_this_version'")

    monkeypatch.setattr(StandardScaler, "transform", transform)
    refused = pytest.raises(ValueError, match=r"model\.pkl .*0\.99")
    with pytest.warns(UserWarning, match="made with"), refused:
        load(path)


def test_other_warnings_and_filters_of_warnings_are_left_alone(path, monkeypatch):
    """They are a setting of the process, which another thread may change meanwhile."""
    of_another_version(path)
    joblib_load = joblib.load

    def warn_and_add_a_filter(stream):
        warnings.warn("of a regressor", stacklevel=2)
        warnings.filterwarnings("error", message="mine")
        return joblib_load(stream)

    monkeypatch.setattr(joblib, "load", warn_and_add_a_filter)
    with pytest.warns(UserWarning) as caught:
        before = list(warnings.filters)
        load(path)
        assert warnings.filters[1:] == before
        assert warnings.filters[0][1].pattern == "mine"
    told = [str(warning.message) for warning in caught]
    assert told[0] == "of a regressor"
    assert "made with scikit-learn 0.99" in told[1]


# ----- The model card


def test_the_card_tells_what_the_artifact_is(path, recommender):
    card = card_of(path)
    modules = {"numpy": np, "pandas": pd, "scikit-learn": sklearn, "joblib": joblib}
    versions = {name: module.__version__ for name, module in modules.items()}
    assert card["versions"] == versions | {"python": platform.python_version()}
    content = path.read_bytes()[:-DIGEST_SIZE]
    assert card["sha256"] == hashlib.sha256(content).hexdigest()
    assert card == card | {
        "artifact": "model.pkl",
        "model": "linear",
        "ranker": "taste",
        "input_required": ["user_id", "movie_id"],
        "output": "float64, stars",
        "rating_scale": [1.0, 5.0],
        "training_rows": 1600,
    }
    assert card["input"]["user_id"] == "int64"
    assert "rating" not in card["input"]
    assert card["scores"]["cv_rmse"] == recommender.cv_scores.tolist()
    assert card["scores"]["test"]["rows"] == 400
    assert card["scores"]["ranking"] is None  # nobody asked for it
    age = pd.Timestamp.now("UTC") - pd.Timestamp(card["created"])
    assert pd.Timedelta(0) <= age < pd.Timedelta(minutes=10)


def test_the_card_is_of_what_was_trained_not_of_parameters_set_later(
    recommender, tmp_path
):
    recommender = copy.copy(recommender).set_params(model="forest", ranker="popularity")
    card = card_of(recommender.save_pipeline(tmp_path / "x.pkl"))
    assert (card["model"], card["ranker"]) == ("linear", "taste")


def test_the_card_tells_the_parameters_of_the_steps_and_what_the_search_chose(
    table, tmp_path, monkeypatch
):
    """Even where JSON has no word for it: a scaler."""
    search = {"scaler": [StandardScaler(with_mean=False)], "model__alpha": [7.0]}
    row = lesson_code.MODELS["linear"] | {"search": search}
    monkeypatch.setitem(lesson_code.MODELS, "scaled", row)
    monkeypatch.setattr(lesson_code, "N_CANDIDATES", 1)
    recommender = SklearnEcosystemPipeline(model="scaled")
    recommender.train(table[:300], perform_cv=False, tune_hyperparameters=True)
    path = recommender.save_pipeline(tmp_path / "model.pkl")
    card = card_of(path)
    assert card["best_params"] == {
        "scaler": "StandardScaler(with_mean=False)",
        "model__alpha": 7.0,
    }
    assert card["parameters"]["model__alpha"] == "7.0"
    assert "scaler" not in card["parameters"]  # the steps are told by their parameters
    assert load(path).best_params.keys() == search.keys()


def test_the_card_is_strict_json_even_after_a_score_of_one_row(
    recommender, table, tmp_path
):
    recommender = copy.copy(recommender)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn: R2 of one row is not defined
        recommender.evaluate(table[:1])
    card = card_of(recommender.save_pipeline(tmp_path / "one.pkl"))
    assert card["scores"]["test"]["R2"] is None


@pytest.mark.parametrize("by", [-0.001, 0.001, np.nan])
def test_an_example_that_is_predicted_otherwise_than_when_saved_is_refused(
    path, monkeypatch, by
):
    prediction = card_of(path)["example"]["prediction"] + by
    monkeypatch.setattr(SklearnEcosystemPipeline, "predict", lambda *_: [prediction])
    with pytest.raises(ValueError, match=rf"model\.pkl predicts {prediction}"):
        load(path)


def test_nothing_of_a_card_of_another_artifact_is_used(path):
    mine = card_of(path)["sha256"]
    example = card_of(path)["example"] | {"prediction": 99.0}
    edit_card(path, example=example, sha256="0" * 64)
    claim_version(path, "0.99")
    with pytest.warns(UserWarning, match="belongs to another artifact") as caught:
        assert load(path).pipeline is not None
    assert len(caught) == 1
    for digest in (mine, "0" * 64):
        assert digest[:12] in str(caught[0].message)


def test_a_loader_between_the_two_files_of_a_saver_reads_again(path, monkeypatch):
    card = card_file(path).read_bytes()
    edit_card(path, sha256="0" * 64)
    reads = []

    def wait(seconds):
        reads.append(seconds)
        if len(reads) == 2:
            card_file(path).write_bytes(card)

    monkeypatch.setattr(artifact.time, "sleep", wait)
    assert load(path, strict=True).card is not None
    assert len(reads) == 2


# ----- What cannot be saved


def length_of_genre(X):
    return X[["genre"]].apply(lambda genre: genre.str.len())


class Mine(Ridge):
    __module__ = "__main__"  # as a class that a program defines, which runs


class MineOfAChild(Ridge):
    __module__ = "__mp_main__"  # the same in a process of multiprocessing


def mine(X):
    return X[["movie_id"]] * 0.0


mine.__module__ = "__main__"


class PredictsNoise(Ridge):
    def predict(self, X):
        return super().predict(X) + np.random.default_rng().uniform(-0.1, 0.1, len(X))


class PredictsNaN(Ridge):
    def predict(self, X):
        return np.full(len(X), np.nan)


def with_feature(function):
    """The linear model with one more feature."""
    features = lesson_code.FeatureUnion(
        [
            ("13", lesson_code.UserMovieFeatureTransformer()),
            ("mine", FunctionTransformer(function)),
        ]
    )
    return lesson_code.MODELS["linear"] | {"features": features, "search": None}


UNSAVABLE = {
    "a class of the program": (Mine(), r"Mine: .*\(__main__\)"),
    "a class of a child": (MineOfAChild(), r"MineOfAChild: .*\(__mp_main__\)"),
    "a function of the program": (with_feature(mine), "mine: .*__main__"),
    "needs a genre": (with_feature(length_of_genre), "from the ids alone: .*genre"),
    "a lambda": (with_feature(lambda X: X[["user_id"]] * 0.0), "pickled.*lambda"),
    "predicts noise": (PredictsNoise(), "the same finite number"),
    "predicts NaN": (PredictsNaN(), "the same finite number"),
}


@pytest.mark.parametrize("what", UNSAVABLE)
def test_a_model_that_could_not_be_loaded_is_not_saved_and_the_old_file_kept(
    table, path, what
):
    model, reason = UNSAVABLE[what]
    before = path.read_bytes()
    recommender = SklearnEcosystemPipeline(model=model).fit(table)
    with pytest.raises(ValueError, match=f"Cannot save.*{reason}"):
        recommender.save_pipeline(path)
    assert path.read_bytes() == before
    assert names_in(path.parent) == BOTH


# ----- Names


@pytest.mark.parametrize(
    ("name", "error", "reason"),
    [
        (b"model.pkl", TypeError, "the name of a file"),
        (None, TypeError, "the name of a file"),
        ("model\0.pkl", ValueError, "null character"),
        ("x" * 10**6, OSError, "too long"),
    ],
    ids=["bytes", "None", "null character", "too long"],
)
def test_what_no_file_can_be_called_is_refused_in_short(
    recommender, tmp_path, monkeypatch, name, error, reason
):
    monkeypatch.chdir(tmp_path)
    for call in (
        recommender.save_pipeline,
        load,
        lesson_code.load_movielens,
        lambda name: lesson_code.demonstrate_ecosystem(output=name),
    ):
        with pytest.raises(error, match=reason) as caught:
            call(name)
        assert len(str(caught.value)) < 400
    assert names_in(tmp_path) == []


def test_a_missing_file_is_named(tmp_path):
    for missing in (tmp_path / "nothing.pkl", tmp_path):
        with pytest.raises(FileNotFoundError, match=f"no file {missing}"):
            load(missing)


def test_every_name_will_do_and_its_card_is_the_whole_name_and_json(
    recommender, tmp_path
):
    """So neither file takes the place of another."""
    (tmp_path / "data.json").write_text("mine", encoding="utf-8")
    names = ["data.pkl", "m.v1", "m.v2", "x.JSON", "no ending", ".hidden", "ümlaut.pkl"]
    for name in names:
        recommender.save_pipeline(tmp_path / name)
    cards = [name + ".json" for name in names]
    assert names_in(tmp_path) == sorted(["data.json", *names, *cards])
    assert (tmp_path / "data.json").read_text(encoding="utf-8") == "mine"
    for name in names:
        assert card_of(tmp_path / name)["artifact"] == name
        assert load(tmp_path / name).pipeline is not None


@pytest.mark.parametrize(
    ("name", "reason"),
    {
        "nowhere/x.pkl": "there is no folder",
        "file/x.pkl": "there is no folder",
        "folder": "it is a folder",
        "folder/": "the name of a folder",
        "card_is_folder": r"card_is_folder\.json: it is a folder",
        "list": r"list\.json: .*no model card",
        "dict": r"dict\.json: .*no model card",
        "words": r"words\.json: .*no model card",
    }.items(),
)
def test_what_cannot_be_written_is_named_and_nothing_changes(
    recommender, tmp_path, name, reason
):
    (tmp_path / "file").write_bytes(b"whole")
    (tmp_path / "folder").mkdir()
    (tmp_path / "card_is_folder.json").mkdir()
    (tmp_path / "list.json").write_text("[1, 2, 3]", encoding="utf-8")
    (tmp_path / "dict.json").write_text('{"sha256": 1}', encoding="utf-8")
    (tmp_path / "words.json").write_text("mine", encoding="utf-8")
    before = names_in(tmp_path)
    with pytest.raises(OSError, match=f"Cannot write .*{reason}"):
        recommender.save_pipeline(f"{tmp_path}/{name}")
    assert names_in(tmp_path) == before
    assert (tmp_path / "list.json").read_text(encoding="utf-8") == "[1, 2, 3]"


@POSIX
def test_what_is_no_regular_file_is_refused_and_stays(recommender, tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    links = {"link": "pipe.json", "a": "b", "b": "a", "self": "self"}
    for link, target in links.items():
        (tmp_path / link).symlink_to(target)
    before = names_in(tmp_path)
    for name in (*links, "pipe.json", "pipe"):  # the last one's card is the pipe
        for call in (recommender.save_pipeline, load):
            with pytest.raises(OSError, match=str(tmp_path)) as caught:
                call(tmp_path / name)
            assert "\n" not in str(caught.value)
    assert names_in(tmp_path) == before
    assert (tmp_path / "pipe.json").is_fifo()
    assert all((tmp_path / link).is_symlink() for link in links)


@POSIX
def test_links_to_an_artifact_are_followed_and_stay(recommender, tmp_path):
    target = tmp_path / "real" / "model.pkl"
    target.parent.mkdir()
    (tmp_path / "first").symlink_to("second")
    (tmp_path / "second").symlink_to("real/model.pkl")
    for _ in ("they lead nowhere", "they lead to a file"):
        assert recommender.save_pipeline(tmp_path / "first") == tmp_path / "first"
        assert (tmp_path / "first").is_symlink() and (tmp_path / "second").is_symlink()
        assert names_in(target.parent) == BOTH
        assert load(tmp_path / "first", strict=True).card["artifact"] == "model.pkl"


@POSIX
def test_a_link_in_the_place_of_the_card_is_never_written_through(
    recommender, tmp_path
):
    (tmp_path / "mine.json").write_text("mine", encoding="utf-8")
    (tmp_path / "model.pkl.json").symlink_to("mine.json")
    recommender.save_pipeline(tmp_path / "model.pkl")
    assert (tmp_path / "mine.json").read_text(encoding="utf-8") == "mine"
    assert load(tmp_path / "model.pkl", strict=True).card["artifact"] == "model.pkl"


# ----- Whole or not at all


@pytest.fixture
def writes(tmp_path, monkeypatch):
    """The names in the folder, and size and mode of the file, whenever a file is
    complete on the disk.
    """
    writes = []
    fsync = os.fsync

    def record(number):
        fsync(number)
        status = os.fstat(number)
        writes.append((names_in(tmp_path), status.st_size, status.st_mode & 0o777))

    monkeypatch.setattr(os, "fsync", record)
    return writes


def test_files_that_nobody_can_guess_or_share_are_complete_before_they_get_their_names(
    recommender, tmp_path, writes
):
    path = recommender.save_pipeline(tmp_path / "model.pkl")
    sizes = [size for _, size, _ in writes]
    assert sizes == [path.stat().st_size, card_file(path).stat().st_size]
    assert not {*BOTH} & {*writes[1][0]}

    recommender.save_pipeline(path)
    temporary = {name for names, _, _ in writes for name in names} - {*BOTH}
    assert len(temporary) == 4
    # What all names share is no part of what makes them secret.
    start = os.path.commonprefix([*temporary])
    end = os.path.commonprefix([name[::-1] for name in temporary])
    assert min(map(len, temporary)) - len(start + end) >= 6
    assert names_in(tmp_path) == BOTH


FULL = OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("culprit", "time", "error"),
    [
        ("fsync", 1, FULL),
        ("fsync", 2, FULL),
        ("replace", 1, FULL),
        ("replace", 1, KeyboardInterrupt()),
    ],
    ids=str,
)
def test_a_save_that_fails_leaves_both_old_files_whole(
    path, linear, monkeypatch, culprit, time, error
):
    before = [path.read_bytes(), card_file(path).read_bytes()]
    plain = getattr(os, culprit)
    calls = []

    def fail_at_its_time(*arguments):
        calls.append(arguments)
        if len(calls) == time:
            raise error
        return plain(*arguments)

    monkeypatch.setattr(os, culprit, fail_at_its_time)
    with pytest.raises(type(error)) as caught:
        linear.save_pipeline(path)
    if error is FULL:
        name = path if time == 1 else card_file(path)
        assert f"Cannot write {name}: No space" in str(caught.value)
    assert [path.read_bytes(), card_file(path).read_bytes()] == before
    assert names_in(path.parent) == BOTH


@pytest.fixture
def umask():
    old = os.umask(0o022)
    yield os.umask
    os.umask(old)


@POSIX
@pytest.mark.parametrize(
    ("old", "mask"),
    [(0o600, 0o022), (0o664, 0o022), (None, 0o027), (None, 0)],
    ids=["private", "of a group", "new, to a few", "new, to all"],
)
def test_permissions_are_always_those_of_the_old_files_or_what_the_umask_says(
    recommender, path, writes, umask, old, mask
):
    files = [path, card_file(path)]
    for file in files:
        if old is None:
            file.unlink()
        else:
            file.chmod(old)
    umask(mask)
    recommender.save_pipeline(path)
    expected = 0o666 & ~mask if old is None else old
    assert [mode for *_, mode in writes] == [expected & ~mask] * 2
    assert [file.stat().st_mode & 0o777 for file in files] == [expected] * 2
