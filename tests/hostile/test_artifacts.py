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

import pytest
from forked import FORKS, POSIX, QUIET, forked

from lesson_code import SklearnEcosystemPipeline
from recommender import artifact as artifacts

pytestmark = [pytest.mark.hostile, QUIET]
load = SklearnEcosystemPipeline.load_pipeline
BOTH = {"model.pkl", "model.pkl.json"}


@pytest.fixture
def path(linear, tmp_path):
    return linear.save_pipeline(tmp_path / "model.pkl")


def names_in(folder):
    return {entry.name for entry in folder.iterdir()}


@FORKS
def test_kills_at_random_moments_lose_no_artifact_and_leave_only_hidden_files(
    linear, path, tmp_path
):
    rng = random.Random(0)
    start = time.perf_counter()
    linear.save_pipeline(path)
    one_save = time.perf_counter() - start
    for _ in range(20):
        ready, tell = os.pipe()
        savers = []
        for _ in range(2):  # two at once, on the same file
            savers.append(os.fork())
            if savers[-1] == 0:
                os.write(tell, b"!")
                while True:
                    linear.save_pipeline(path)
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
    linear.save_pipeline(path)
    assert names_in(tmp_path) == left | BOTH
    assert load(path, strict=True).card is not None


@FORKS
def test_a_file_that_may_not_grow_is_one_sentence_wherever_it_ends(
    linear, path, tmp_path
):
    import resource  # POSIX alone has it

    rng = random.Random(3)
    before = path.read_bytes()
    size = len(before)

    def save(limit):
        # Python ignores the signal: writing fails
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            linear.save_pipeline(path)
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
    linear, path, tmp_path
):
    before = path.read_bytes()
    tmp_path.chmod(0o555)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write everywhere")
        with pytest.raises(PermissionError, match=r"Cannot write .*model\.pkl"):
            linear.save_pipeline(path)
        assert load(path).pipeline is not None
    finally:
        tmp_path.chmod(0o755)
    assert path.read_bytes() == before and names_in(tmp_path) == BOTH


def test_a_model_is_loaded_where_the_libraries_of_threads_cannot_be_found(
    path, monkeypatch
):
    def limits(*_, **__):
        raise OSError("as after a chroot")

    monkeypatch.setattr(artifacts, "threadpool_limits", limits)
    assert load(path, strict=True).card is not None


# ----- Names and links

LONGEST = 255  # bytes of a name, on nearly all file systems of POSIX


@POSIX
def test_a_name_may_be_as_long_as_the_file_system_lets_its_card_be(linear, tmp_path):
    """The temporary file has a short name of its own."""
    longest = LONGEST - len(".json")  # in bytes: this letter has three
    name = "映" * (longest // 3) + "a" * (longest % 3)
    linear.save_pipeline(tmp_path / name)
    assert names_in(tmp_path) == {name, name + ".json"}
    assert load(tmp_path / name).pipeline is not None


@POSIX
def test_a_name_whose_card_has_no_room_is_refused_and_changes_nothing(linear, tmp_path):
    for length in (LONGEST - 4, 5000):
        with pytest.raises(OSError, match=r"name too long.*aaaa|aaaa.*name too long"):
            linear.save_pipeline(tmp_path / ("a" * length))
        assert names_in(tmp_path) == set()


# ----- Model cards

SHAPES = ["null", "[]", "NaN", "{", '{"a":' * 9000]
VALUES = [None, [], {}, True, 1.5, -1e16, 10**400, float("nan"), {"user_id": 1}]
VALUES += [{"user_id": 1, "movie_id": 1, "user_age": 35}]
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
    yield b"\xff\xfe"
    yield from (shape.encode() for shape in SHAPES)
    for *outer, last in KEYS:
        for value in VALUES:
            spoiled = json.loads(json.dumps(card))
            place = spoiled
            for key in outer:
                place = place[key]
            place[last] = value
            if (*outer, last, value) != ("example", "prediction", 1.5):
                yield json.dumps(spoiled).encode()


def test_what_is_no_model_card_is_one_warning_and_never_loses_the_artifact(path):
    card = path.with_name("model.pkl.json")
    for content in [*spoiled_cards(json.loads(card.read_bytes())), "a folder"]:
        card.unlink()
        if content == "a folder":
            card.mkdir()
        else:
            card.write_bytes(content)
        with pytest.warns(UserWarning, match=r"json is no model card") as caught:
            assert load(path).pipeline is not None, content
        assert len(caught) == 1, content
