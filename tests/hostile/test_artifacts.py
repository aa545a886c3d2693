"""Artifacts under kills, limits of size, missing rights, odd names and odd cards: what
tests/test_artifact.py does at chosen places, at random ones.
"""

import json
import os
import random
import re
import time
import warnings
from functools import partial
from pathlib import Path

import pytest
from forked import FORKS, POSIX, QUIET, forked

from lesson_code import SklearnEcosystemPipeline
from recommender import artifact as artifacts

pytestmark = pytest.mark.hostile
load = SklearnEcosystemPipeline.load_pipeline
BOTH = {"model.pkl", "model.pkl.json"}


@pytest.fixture(scope="module")
def artifact(table, tmp_path_factory):
    return (
        SklearnEcosystemPipeline(model="linear")
        .fit(table)
        .save_pipeline(tmp_path_factory.mktemp("one") / "model.pkl")
    )


@pytest.fixture(scope="module")
def recommender(artifact):
    return load(artifact)


def names_in(folder):
    return {entry.name for entry in folder.iterdir()}


@FORKS
@QUIET
def test_kills_at_random_moments_lose_no_artifact_and_leave_only_hidden_files(
    recommender, tmp_path
):
    path = tmp_path / "model.pkl"
    rng = random.Random(0)
    recommender.save_pipeline(path)
    start = time.perf_counter()
    recommender.save_pipeline(path)
    one_save = time.perf_counter() - start
    for _ in range(20):
        ready, tell = os.pipe()
        savers = []
        for _ in range(2):  # two at once, on the same file
            savers.append(os.fork())
            if savers[-1] == 0:
                os.write(tell, b"!")
                while True:
                    recommender.save_pipeline(path)
            os.read(ready, 1)
        time.sleep(rng.uniform(0, 2 * one_save))
        for saver in savers:
            os.kill(saver, 9)
            os.waitpid(saver, 0)
        os.close(ready)
        os.close(tell)
        # between the two renames, the card is that of the last save
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*belongs to another artifact")
            assert load(path).pipeline is not None
    # nobody can clean up after a kill, nor know later whose these are
    left = names_in(tmp_path) - BOTH
    assert all(re.fullmatch(r"\.[0-9a-f]{32}\.tmp", name) for name in left)
    recommender.save_pipeline(path)
    assert names_in(tmp_path) == left | BOTH
    assert load(path, strict=True).card is not None


@FORKS
@QUIET
def test_a_file_that_may_not_grow_is_one_sentence_wherever_it_ends(
    recommender, tmp_path
):
    import resource  # POSIX alone has it

    path = tmp_path / "model.pkl"
    rng = random.Random(3)
    recommender.save_pipeline(path)
    before = path.read_bytes()
    size = len(before)

    def save(limit):
        # Python ignores the signal: writing fails
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            recommender.save_pipeline(path)
        except OSError as error:
            return str(error)

    for limit in [0, 1, size - 65, size - 1, *(rng.randrange(size) for _ in range(6))]:
        message = forked(partial(save, limit))
        assert re.fullmatch(r"Cannot write .*model\.pkl: .*", message or ""), limit
        assert names_in(tmp_path) == BOTH
        assert path.read_bytes() == before
    assert forked(partial(save, size)) is None


@POSIX
def test_without_the_right_to_write_nothing_changes_and_one_may_still_read(
    recommender, tmp_path
):
    path = tmp_path / "model.pkl"
    recommender.save_pipeline(path)
    before = path.read_bytes()
    tmp_path.chmod(0o555)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write everywhere")
        with pytest.raises(PermissionError, match=r"Cannot write .*model\.pkl"):
            recommender.save_pipeline(path)
        assert load(path).pipeline is not None
    finally:
        tmp_path.chmod(0o755)
    assert path.read_bytes() == before and names_in(tmp_path) == BOTH


def test_a_model_is_loaded_where_the_libraries_of_threads_cannot_be_found(
    artifact, monkeypatch
):
    def limits(*_, **__):
        raise OSError("as after a chroot")

    monkeypatch.setattr(artifacts, "threadpool_limits", limits)
    assert load(artifact, strict=True).card is not None


# ----- Names and links

LONGEST = 255  # bytes of a name, on nearly all file systems of POSIX


@POSIX
@pytest.mark.parametrize("letter", ["a", "映"])
def test_names_may_be_as_long_as_the_file_system_lets_their_cards_be(
    recommender, tmp_path, letter
):
    """The temporary file has a short name of its own."""
    room = LONGEST - len(".json")
    name = letter * (room // len(letter.encode()))
    name += "a" * (room - len(name.encode()))
    recommender.save_pipeline(tmp_path / name)
    assert names_in(tmp_path) == {name, name + ".json"}
    assert load(tmp_path / name).pipeline is not None


@POSIX
@pytest.mark.parametrize("python", ["this one", "3.14"])
def test_a_name_whose_card_has_no_room_is_refused_and_changes_nothing(
    recommender, tmp_path, monkeypatch, python
):
    if python == "3.14":  # whose paths do not raise
        monkeypatch.setattr(Path, "is_dir", lambda path: os.path.isdir(path))
        monkeypatch.setattr(Path, "is_file", lambda path: os.path.isfile(path))
        monkeypatch.setattr(Path, "exists", lambda path: os.path.exists(path))
    for length in (LONGEST - 4, LONGEST, LONGEST + 1, 5000):
        path = tmp_path / ("a" * length)
        if length <= LONGEST:
            path.write_bytes(b"the old artifact")
        with pytest.raises(OSError, match=r"name too long.*aaaa|aaaa.*name too long"):
            recommender.save_pipeline(path)
        if length <= LONGEST:
            assert path.read_bytes() == b"the old artifact"
            path.unlink()
        assert names_in(tmp_path) == set()


@POSIX
def test_links_to_links_are_followed_and_stay(recommender, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "first").symlink_to("second")
    (tmp_path / "second").symlink_to("folder/model.pkl")
    recommender.save_pipeline(tmp_path / "first")
    assert load(tmp_path / "first", strict=True).card is not None
    assert names_in(tmp_path / "folder") == BOTH
    assert (tmp_path / "first").is_symlink() and (tmp_path / "second").is_symlink()


@POSIX
def test_loops_of_links_are_refused_and_stay(recommender, tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "self").symlink_to("self")
    for name in ("a", "self"):
        path = tmp_path / name
        for call in (recommender.save_pipeline, load):
            with pytest.raises(OSError) as caught:
                call(path)
            assert "\n" not in str(caught.value)
        assert path.is_symlink()


@POSIX
def test_a_link_in_the_place_of_the_card_is_never_written_through(
    recommender, tmp_path
):
    (tmp_path / "mine.json").write_text("mine", encoding="utf-8")
    (tmp_path / "model.pkl.json").symlink_to("mine.json")
    recommender.save_pipeline(tmp_path / "model.pkl")
    assert (tmp_path / "mine.json").read_text(encoding="utf-8") == "mine"
    assert load(tmp_path / "model.pkl", strict=True).card["artifact"] == "model.pkl"


# ----- Model cards

SHAPES = ["null", '"x"', "1e999", "NaN", "{" * 5000, '{"a":' * 9000, "\0", "{}{}"]
VALUES = [None, [], {}, True, 10**400, float("nan"), {"a": {"b": {}}}]
KEYS = [
    ("sha256",),
    ("versions",),
    ("versions", "scikit-learn"),
    ("example",),
    ("example", "input"),
    ("example", "prediction"),
    ("example", "input", "user_id"),
]


def spoiled_cards(card):
    yield from SHAPES
    for *outer, last in KEYS:
        for value in VALUES:
            spoiled = json.loads(json.dumps(card))
            place = spoiled
            for key in outer:
                place = place[key]
            place[last] = value
            yield json.dumps(spoiled)


def test_cards_of_every_shape_never_lose_a_good_artifact(artifact, tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(artifact.read_bytes())
    card = json.loads(Path(f"{artifact}.json").read_text(encoding="utf-8"))
    for content in spoiled_cards(card):
        Path(f"{path}.json").write_text(content, encoding="utf-8")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert load(path).pipeline is not None, content
        (message,) = [str(warning.message) for warning in caught]
        assert "model.pkl" in message and "\n" not in message, content
