"""Artifacts under kills, savers at once and random damage: what tests/test_artifact.py does at chosen places, at random ones."""

import json
import os
import random
import subprocess
import sys
import time
import warnings
from collections import Counter

import pytest
from conftest import ROOT

from lesson_code import SklearnEcosystemPipeline, main

load = SklearnEcosystemPipeline.load_pipeline
SAVER = """
import sys
from lesson_code import SklearnEcosystemPipeline
recommender = SklearnEcosystemPipeline.load_pipeline(sys.argv[1])
print("ready", flush=True)
for _ in range(int(sys.argv[3])):
    recommender.save_pipeline(sys.argv[2])
"""


@pytest.fixture(scope="module")
def artifact(table, tmp_path_factory):
    return SklearnEcosystemPipeline(model="linear").fit(table).save_pipeline(tmp_path_factory.mktemp("one") / "model.pkl")


def saver(source, target, times):
    return subprocess.Popen([sys.executable, "-c", SAVER, str(source), str(target), str(times)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True)  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a copy of the process is made and killed, as only POSIX can")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_fifty_kills_at_random_moments_lose_no_artifact(artifact, tmp_path):
    path, rng, recommender, killed = tmp_path / "model.pkl", random.Random(0), load(artifact), 0
    recommender.save_pipeline(path)
    for _ in range(50):
        child = os.fork()
        if child == 0:
            while True:
                recommender.save_pipeline(path)
        time.sleep(rng.uniform(0, 0.03))
        os.kill(child, 9)
        killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        with warnings.catch_warnings():  # between the two renames, the card is that of the last save
            warnings.filterwarnings("ignore", ".*belongs to another artifact")
            assert load(path).pipeline is not None
    assert killed == 50


def test_savers_in_several_processes_leave_a_whole_artifact_and_nothing_else(artifact, tmp_path):
    path = tmp_path / "model.pkl"
    savers = [saver(artifact, path, 10) for _ in range(3)]
    for process in savers:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["model.pkl", "model.pkl.json"]
    assert load(path).pipeline is not None


def test_300_flips_and_truncations_are_refused_before_anything_is_unpickled(artifact, tmp_path, monkeypatch):
    data, rng, path = artifact.read_bytes(), random.Random(2), tmp_path / "model.pkl"
    loaded = []
    monkeypatch.setattr("joblib.load", lambda stream: loaded.append(stream))
    for number in range(300):
        damaged = bytearray(data)
        at = rng.randrange(len(data) - 100) if number % 3 else rng.randrange(len(data) - 64, len(data))
        if number % 2:
            damaged[at] ^= 1 << rng.randrange(8)
        else:
            del damaged[at:]
        path.write_bytes(bytes(damaged))
        with warnings.catch_warnings(), pytest.raises((ValueError, UserWarning), match="model.pkl"):
            warnings.simplefilter("error")  # a file that lost its digest is only warned of: tests/test_artifact.py
            load(path)
    assert loaded == []


SHAPES = ["", "null", "[]", "[[]]", '"x"', "1e999", "NaN", "-Infinity", "9" * 400, "{" * 5000, "[" * 50_000, '{"a":' * 9000, "\0", "\ufeff{}", "{}{}",
          '{"sha256": NaN}', '{"sha256": [[[]]]}', '{"versions": {"scikit-learn": {}}}', '{"example": null}', '{"example": {"input": [], "prediction": NaN}}',
          '{"example": {"input": {"user_id": 1' + "0" * 400 + "}}}"]  # fmt: skip
INNER = [None, [], {}, "x", 1e308, 10**400, -1, True, float("nan"), [[[[]]]], {"a": {"b": {}}}, "\ud800", ""]
KEYS = [("sha256",), ("versions",), ("versions", "scikit-learn"), ("example",), ("example", "input"), ("example", "prediction"), ("example", "input", "user_id")]


def test_cards_of_every_shape_never_lose_a_good_artifact(artifact, tmp_path):
    path, card_file, outcomes = tmp_path / "model.pkl", tmp_path / "model.pkl.json", Counter()
    path.write_bytes(artifact.read_bytes())
    card = json.loads(artifact.with_name("model.pkl.json").read_text(encoding="utf-8"))
    cards = list(SHAPES)
    for keys in KEYS:
        for value in INNER:
            spoiled = json.loads(json.dumps(card))
            place = spoiled
            for key in keys[:-1]:
                place = place[key]
            place[keys[-1]] = value
            cards.append(json.dumps(spoiled))
    for content in cards:
        card_file.write_text(content, encoding="utf-8")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                load(path)
            except ValueError as error:  # a good card that tells another prediction
                assert "for the model card's example; when saved" in str(error), (content[-300:], error)
                outcomes["another prediction"] += 1
                continue
        outcomes[f"{len(caught)} warnings"] += 1
        for warning in caught:
            text = str(warning.message)
            assert warning.category is UserWarning and "model.pkl" in text and "\n" not in text
    print(f"\n{len(cards)} cards: {dict(outcomes)}")


OPTIONS = ["--users", "--movies", "--ratings", "--seed", "--model", "--output", "--data", "--user", "--movie", "--rated", "--top", "--artifact", "--tune"]
ARGUMENTS = ["", "0", "-1", "1.5", "1e9", "nan", "inf", "ten", "9" * 400, "٣", "x" * 300, "=", "1=", "=5", "1=5,", "1=nan", "1=1e999", "-", "--", "\\", "~", "nowhere/x"]


def test_arguments_of_every_wrong_kind_end_with_one_line_and_a_status(artifact, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    outcomes, broken = Counter(), {}
    calls = [[*command, option, value] for option in OPTIONS for value in ARGUMENTS for command in ([], ["recommend"], ["predict"], ["compare"])]
    small = ["--users", "0"]  # so that nothing ever runs for long
    for arguments in calls:
        ask = arguments[0] in ("recommend", "predict")
        more = ["--artifact", str(artifact)] if ask and "--artifact" not in arguments else [] if ask or "--users" in arguments else small
        try:
            status = main([*arguments[:1], *more, *arguments[1:]] if ask or arguments[0] == "compare" else [*more, *arguments])
        except SystemExit as stop:
            status = stop.code
        except Exception as error:
            broken[" ".join(arguments)[:80]] = f"{type(error).__name__}: {str(error)[:100]}"
        err = capsys.readouterr().err
        outcomes[status] += 1
        if status == 2 and err.count("\n") != 1:
            broken[" ".join(arguments)[:80]] = f"{err.count(chr(10))} lines: {err[-200:]!r}"
    print(f"\n{len(calls)} command lines: {dict(outcomes)}")
    assert not broken


def test_an_argument_of_two_lines_ends_with_one_line(capsys):
    with pytest.raises(SystemExit):
        main(["compare", "--output", "a\nb"])
    assert capsys.readouterr().err.count("\n") == 1
