"""Artifacts under kills, savers at once, full disks, missing rights and random damage:
what tests/test_artifact.py does at chosen places, at random ones.
"""

import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import time
import warnings
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from conftest import ROOT
from forked import FORKS, POSIX, QUIET, as_nobody, forked

from lesson_code import SklearnEcosystemPipeline, main

pytestmark = pytest.mark.hostile
load = SklearnEcosystemPipeline.load_pipeline
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
SAVER = """
import os, sys
from lesson_code import SklearnEcosystemPipeline
recommender = SklearnEcosystemPipeline.load_pipeline(sys.argv[1])
print(os.getpid())
for _ in range(int(sys.argv[3])):
    recommender.save_pipeline(sys.argv[2])
"""


@pytest.fixture(scope="module")
def artifact(table, tmp_path_factory):
    return (
        SklearnEcosystemPipeline(model="linear")
        .fit(table)
        .save_pipeline(tmp_path_factory.mktemp("one") / "model.pkl")
    )


def saver(source, target, times, prefix=()):
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", SAVER, str(source), str(target), str(times)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        text=True,
    )


def namespace(*more):
    """The beginning of a command that runs in namespaces of its own, as a container
    does; skip where there are none.
    """
    command = ["unshare", "--user", "--map-root-user", "--mount", *more]
    if (
        not shutil.which("unshare")
        or subprocess.run([*command, "true"], capture_output=True).returncode
    ):
        pytest.skip("this system gives a process no namespaces of its own")
    return command


@FORKS
@QUIET
def test_200_kills_at_random_moments_lose_no_artifact_and_leave_only_hidden_files(
    artifact, tmp_path
):
    path = tmp_path / "model.pkl"
    rng = random.Random(0)
    recommender = load(artifact)
    killed = 0
    recommender.save_pipeline(path)
    start = time.perf_counter()
    recommender.save_pipeline(path)
    one_save = time.perf_counter() - start
    for _ in range(200):
        ready, tell = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(tell, b"!")
            while True:
                recommender.save_pipeline(path)
        os.read(ready, 1)
        time.sleep(rng.uniform(0, 2 * one_save))
        os.kill(child, 9)
        os.close(ready)
        os.close(tell)
        killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        # between the two renames, the card is that of the last save
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*belongs to another artifact")
            assert load(path).pipeline is not None
    assert killed == 200
    left = {entry.name for entry in tmp_path.iterdir()} - {
        "model.pkl",
        "model.pkl.json",
    }
    print(
        f"\n{killed} kills, {len(left)} of them in the middle of a file, "
        "which then stays: .HEX.tmp"
    )
    # at most one file for each kill; nobody can clean up after a kill -9
    assert 0 < len(left) <= killed
    assert all(re.fullmatch(r"\.[0-9a-f]{32}\.tmp", name) for name in left)
    # it cannot know whose these are: it leaves them, and adds none of its own
    recommender.save_pipeline(path)
    assert {entry.name for entry in tmp_path.iterdir()} == left | {
        "model.pkl",
        "model.pkl.json",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(path)


@pytest.mark.parametrize("where", ["processes", "namespaces"])
def test_savers_at_once_leave_a_whole_artifact_and_nothing_else(
    artifact, tmp_path, where
):
    """In namespaces, as in containers that share a folder, every saver has the same
    process id: no name may rest on it.
    """
    path = tmp_path / "model.pkl"
    prefix = [] if where == "processes" else namespace("--pid", "--fork")
    savers = [saver(artifact, path, 10, prefix) for _ in range(2)]
    pids = []
    for process in savers:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        pids.append(out.split()[-1])
    assert (pids == ["1", "1"]) == (where == "namespaces")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "model.pkl",
        "model.pkl.json",
    ]
    with warnings.catch_warnings():
        # the last card may be that of the other
        warnings.filterwarnings("ignore", ".*belongs to another artifact")
        assert load(path).pipeline is not None


FILL = """
import os, sys
from pathlib import Path
from lesson_code import SklearnEcosystemPipeline
recommender = SklearnEcosystemPipeline.load_pipeline(sys.argv[1])
disk = Path(sys.argv[2])
block = os.statvfs(disk).f_bsize
told = []
blocks = os.path.getsize(sys.argv[1]) // block + 3
for old in (True, False):
    for free in range(blocks):
        for entry in disk.iterdir():
            entry.unlink()
        if old:
            recommender.save_pipeline(disk / "model.pkl")
        before = {entry.name: entry.read_bytes() for entry in disk.iterdir()}
        with open(disk / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(bytes(block)):
                    pass
            except OSError:
                pass
            filler.truncate(max(0, filler.tell() - free * block))
        try:
            recommender.save_pipeline(disk / "model.pkl")
            message = ""
        except OSError as error:
            message = str(error)
        (disk / "filler").unlink()
        after = {entry.name: entry.read_bytes() for entry in disk.iterdir()}
        if message:
            assert message.startswith("Cannot write "), message
            assert message.endswith(": No space left on device."), message
            assert after == before, (message, list(after))
        names = sorted(after)
        assert names in (["model.pkl", "model.pkl.json"], []), names
        if after:
            SklearnEcosystemPipeline.load_pipeline(disk / "model.pkl")
        if not message:
            told.append("saved")
        elif "model.pkl.json: " in message:
            told.append("no room for the card")
        else:
            told.append("no room")
print(len(told), {what: told.count(what) for what in sorted(set(told))})
"""


def test_a_really_full_disk_is_one_sentence_wherever_it_fills_up(artifact, tmp_path):
    """A disk of one megabyte in the memory, in a mount namespace of its own, with room
    for 0, 1, 2, ... blocks.
    """
    mount = f'mount -t tmpfs -o size=1m tmpfs {shlex.quote(str(tmp_path))} && exec "$@"'
    command = [
        *namespace(),
        "sh",
        "-c",
        mount,
        "sh",
        sys.executable,
        "-W",
        "error",
        "-c",
        FILL,
        str(artifact),
        str(tmp_path),
    ]
    done = subprocess.run(
        command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120
    )
    if "mount" in done.stderr and "Traceback" not in done.stderr:
        pytest.skip(
            "this system mounts no tmpfs in a namespace; "
            "the test of limited file sizes stands in"
        )
    assert done.returncode == 0, done.stderr
    print(f"\n{done.stdout}")
    assert all(
        what in done.stdout
        for what in ("'no room'", "'no room for the card'", "'saved'")
    )
    assert list(tmp_path.iterdir()) == []  # the disk was there for the child alone


@FORKS
@QUIET
def test_a_file_that_may_not_grow_is_one_sentence_wherever_it_ends(artifact, tmp_path):
    import resource  # POSIX alone has it

    path = tmp_path / "model.pkl"
    recommender = load(artifact)
    rng = random.Random(3)
    recommender.save_pipeline(path)
    size = path.stat().st_size
    before = path.read_bytes()
    limits = [0, 1, size - 65, size - 1, *(rng.randrange(size) for _ in range(26))]

    def save(limit):
        # Python ignores the signal: writing fails
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            recommender.save_pipeline(path)
        except OSError as error:
            return str(error)

    for limit in limits:
        message = forked(partial(save, limit))
        assert re.fullmatch(
            r"Cannot write .*model\.pkl: File too large\.", message or "saved"
        ), (limit, message)
        assert sorted(entry.name for entry in tmp_path.iterdir()) == [
            "model.pkl",
            "model.pkl.json",
        ]
    assert path.read_bytes() == before
    assert forked(partial(save, size)) is None
    print(f"\n{len(limits)} limits from 0 to {size - 1} bytes")


PLACES = {  # mode of the folder, of the artifact in it, what is told
    "a folder that is read-only": (0o555, 0o644, "Permission denied"),
    "a folder in which others may only replace their own": (
        0o1777,
        0o644,
        "Operation not permitted",
    ),
    "a folder that may not be entered": (0o600, 0o644, "Permission denied"),
}


@FORKS
@QUIET
@pytest.mark.parametrize("place", PLACES)
def test_where_one_may_not_write_it_is_one_sentence_and_nothing_changes(
    artifact, tmp_path, place
):
    mode, file_mode, reason = PLACES[place]
    if mode == 0o1777 and os.getuid() != 0:
        pytest.skip("only root can give a folder and a file to another owner")
    folder = tmp_path / "folder"
    recommender = load(artifact)
    folder.mkdir()
    tmp_path.chmod(0o755)
    recommender.save_pipeline(folder / "model.pkl")
    for file in folder.iterdir():
        file.chmod(file_mode)
    before = {
        file.name: (file.read_bytes(), file.stat().st_mode) for file in folder.iterdir()
    }
    folder.chmod(mode)

    def save():
        with pytest.raises(OSError) as caught:
            recommender.save_pipeline("folder/model.pkl")
        if mode & 0o111:
            load("folder/model.pkl")  # reading is allowed
        return str(caught.value)

    try:
        message = as_nobody(tmp_path, save)
    finally:
        folder.chmod(0o755)
    assert reason in message or "there is no folder" in message
    assert "model.pkl" in message and "\n" not in message
    assert {
        file.name: (file.read_bytes(), file.stat().st_mode) for file in folder.iterdir()
    } == before


@FORKS
@QUIET
def test_in_a_shared_folder_the_file_of_another_owner_is_replaced_and_keeps_its_mode(
    artifact, tmp_path
):
    """As root replaces a file of a user, a user replaces that of root: the folder
    decides, not the file.
    """
    folder = tmp_path / "folder"
    recommender = load(artifact)
    folder.mkdir()
    tmp_path.chmod(0o755)
    recommender.save_pipeline(folder / "model.pkl")
    for file in folder.iterdir():
        file.chmod(0o646)
    folder.chmod(0o777)
    as_nobody(tmp_path, lambda: recommender.save_pipeline("folder/model.pkl"))
    assert load(folder / "model.pkl").pipeline is not None
    files = sorted(folder.iterdir())
    assert [(file.name, file.stat().st_mode & 0o777) for file in files] == [
        ("model.pkl", 0o646),
        ("model.pkl.json", 0o646),
    ]
    assert {file.stat().st_uid for file in files} == {
        65534 if os.getuid() == 0 else os.getuid()
    }


@FORKS
@QUIET
def test_an_artifact_that_may_not_be_read_is_named(artifact, tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(artifact.read_bytes())
    path.chmod(0o000)
    tmp_path.chmod(0o755)

    def read():
        with pytest.raises(PermissionError) as caught:
            load("model.pkl")
        return str(caught.value)

    assert re.fullmatch(
        r"\[Errno 13\] Permission denied: '.*model\.pkl'", as_nobody(tmp_path, read)
    )


LONGEST = 255  # bytes of a name, on nearly all file systems of POSIX
NAMES = {"letters": "a", "accents": "é", "a script": "映", "a picture": "🎬"}


@POSIX
@pytest.mark.parametrize("kind", NAMES)
def test_names_may_be_as_long_as_the_file_system_lets_their_cards_be(
    artifact, tmp_path, kind
):
    """The temporary file has a short name of its own: it is never the one
    that is too long.
    """
    recommender = load(artifact)
    letter = NAMES[kind]
    for length in (LONGEST - len(".json") - 1, LONGEST - len(".json")):
        name = letter * (length // len(letter.encode()))
        name += "a" * (length - len(name.encode()))
        recommender.save_pipeline(tmp_path / name)
        assert {entry.name for entry in tmp_path.iterdir()} == {name, name + ".json"}
        assert load(tmp_path / name).pipeline is not None
        for entry in tmp_path.iterdir():
            entry.unlink()


def refuse_too_long_names(recommender, folder):
    for length in (*range(LONGEST - 4, LONGEST + 2), 1000, 5000):
        path = folder / ("a" * length)
        if length <= LONGEST:
            path.write_bytes(b"the old artifact")
        with pytest.raises(
            OSError, match="(?s)File name too long|Filename too long"
        ) as caught:
            recommender.save_pipeline(path)
        assert "aaaa" in str(caught.value) and "\n" not in str(caught.value)
        if length <= LONGEST:
            assert path.read_bytes() == b"the old artifact", (
                f"{length} letters: replaced, and then the card was refused"
            )
            path.unlink()
        assert list(folder.iterdir()) == []


@POSIX
def test_a_name_whose_card_has_no_room_is_one_sentence_and_changes_nothing(
    artifact, tmp_path
):
    refuse_too_long_names(load(artifact), tmp_path)


@POSIX
def test_a_name_whose_card_has_no_room_is_refused_by_python_3_14_as_well(
    artifact, tmp_path, monkeypatch
):
    for name, of_3_14 in {
        "is_dir": os.path.isdir,
        "exists": os.path.exists,
        "is_file": os.path.isfile,
    }.items():
        monkeypatch.setattr(Path, name, lambda path, of_3_14=of_3_14: of_3_14(path))
    refuse_too_long_names(load(artifact), tmp_path)


@POSIX
def test_links_to_links_are_followed_and_links_to_a_folder_are_refused(
    artifact, tmp_path
):
    recommender = load(artifact)
    (tmp_path / "folder").mkdir()
    for name, target in {
        "first": "second",
        "second": "folder/model.pkl",
        "to folder": "folder",
    }.items():
        (tmp_path / name).symlink_to(target)
    recommender.save_pipeline(tmp_path / "first")
    assert load(tmp_path / "first").pipeline is not None
    recommender.save_pipeline(tmp_path / "to folder" / "other.pkl")
    before = sorted(entry.name for entry in (tmp_path / "folder").iterdir())
    assert before == ["model.pkl", "model.pkl.json", "other.pkl", "other.pkl.json"]
    with pytest.raises(
        IsADirectoryError, match=r"Cannot write .*folder: it is a folder"
    ):
        recommender.save_pipeline(tmp_path / "to folder")
    with pytest.raises(FileNotFoundError, match="There is no file"):
        load(tmp_path / "to folder")
    assert sorted(entry.name for entry in (tmp_path / "folder").iterdir()) == before
    assert [
        (tmp_path / name).is_symlink() for name in ("first", "second", "to folder")
    ] == [True] * 3


def loops(folder):
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    (folder / "self").symlink_to("self")
    return [folder / name for name in ("a", "b", "self")]


@POSIX
def test_a_loop_of_links_is_no_file_to_load(tmp_path):
    for path in loops(tmp_path):
        with pytest.raises(
            OSError,
            match=rf"There is no file .*{path.name}|Symlink loop|Too many levels",
        ) as caught:
            load(path)
        assert "\n" not in str(caught.value)


@POSIX
def test_a_loop_of_links_is_refused_and_stays(artifact, tmp_path):
    for path in loops(tmp_path):
        with pytest.raises(OSError, match="Too many levels of symbolic links"):
            load(artifact).save_pipeline(path)
        assert path.is_symlink()


@POSIX
def test_a_link_in_the_place_of_the_card_is_never_written_through(artifact, tmp_path):
    (tmp_path / "mine.json").write_text("mine", encoding="utf-8")
    (tmp_path / "model.pkl.json").symlink_to("mine.json")
    load(artifact).save_pipeline(tmp_path / "model.pkl")
    assert (tmp_path / "mine.json").read_text(encoding="utf-8") == "mine"
    card = json.loads((tmp_path / "model.pkl.json").read_text(encoding="utf-8"))
    assert card["artifact"] == "model.pkl"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(tmp_path / "model.pkl")


def test_300_flips_and_truncations_are_refused_before_anything_is_unpickled(
    artifact, tmp_path, monkeypatch
):
    data = artifact.read_bytes()
    rng = random.Random(2)
    path = tmp_path / "model.pkl"
    loaded = []
    monkeypatch.setattr("joblib.load", lambda stream: loaded.append(stream))
    for number in range(300):
        damaged = bytearray(data)
        if number % 3:
            at = rng.randrange(len(data) - 100)
        else:  # in the digest
            at = rng.randrange(len(data) - 64, len(data))
        if number % 2:
            damaged[at] ^= 1 << rng.randrange(8)
        else:
            del damaged[at:]
        path.write_bytes(bytes(damaged))
        with (
            warnings.catch_warnings(),
            pytest.raises((ValueError, UserWarning), match="model.pkl"),
        ):
            # a file that lost its digest is only warned of: tests/test_artifact.py
            warnings.simplefilter("error")
            load(path)
    assert loaded == []


SHAPES = [
    "",
    "null",
    "[]",
    "[[]]",
    '"x"',
    "1e999",
    "NaN",
    "-Infinity",
    "9" * 400,
    "{" * 5000,
    "[" * 50_000,
    '{"a":' * 9000,
    "\0",
    "\ufeff{}",
    "{}{}",
    '{"sha256": NaN}',
    '{"sha256": [[[]]]}',
    '{"versions": {"scikit-learn": {}}}',
    '{"example": null}',
    '{"example": {"input": [], "prediction": NaN}}',
    '{"example": {"input": {"user_id": 1' + "0" * 400 + "}}}",
]
INNER = [
    None,
    [],
    {},
    "x",
    1e308,
    10**400,
    -1,
    True,
    float("nan"),
    [[[[]]]],
    {"a": {"b": {}}},
    "\ud800",
    "",
]
KEYS = [
    ("sha256",),
    ("versions",),
    ("versions", "scikit-learn"),
    ("example",),
    ("example", "input"),
    ("example", "prediction"),
    ("example", "input", "user_id"),
]


def test_cards_of_every_shape_never_lose_a_good_artifact(artifact, tmp_path):
    path = tmp_path / "model.pkl"
    card_file = tmp_path / "model.pkl.json"
    outcomes = Counter()
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
                assert "the model card's example" in str(error), (
                    content[-300:],
                    error,
                )
                outcomes["another prediction"] += 1
                continue
        outcomes[f"{len(caught)} warnings"] += 1
        for warning in caught:
            text = str(warning.message)
            assert (
                warning.category is UserWarning
                and "model.pkl" in text
                and "\n" not in text
            )
    print(f"\n{len(cards)} cards: {dict(outcomes)}")


OPTIONS = [
    "--users",
    "--movies",
    "--ratings",
    "--seed",
    "--model",
    "--output",
    "--data",
    "--user",
    "--movie",
    "--rated",
    "--top",
    "--artifact",
    "--tune",
]
ARGUMENTS = [
    "",
    "0",
    "-1",
    "1.5",
    "1e9",
    "nan",
    "inf",
    "ten",
    "9" * 400,
    "٣",
    "x" * 300,
    "=",
    "1=",
    "=5",
    "1=5,",
    "1=nan",
    "1=1e999",
    "-",
    "--",
    "\\",
    "~",
    "nowhere/x",
]


def test_arguments_of_every_wrong_kind_end_with_one_line_and_a_status(
    artifact, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    outcomes = Counter()
    broken = {}
    calls = [
        [*command, option, value]
        for option in OPTIONS
        for value in ARGUMENTS
        for command in ([], ["recommend"], ["predict"], ["compare"])
    ]
    small = ["--users", "0"]  # so that nothing ever runs for long
    for arguments in calls:
        ask = arguments[0] in ("recommend", "predict")
        if ask and "--artifact" not in arguments:
            more = ["--artifact", str(artifact)]
        elif ask or "--users" in arguments:
            more = []
        else:
            more = small
        if ask or arguments[0] == "compare":
            complete = [*arguments[:1], *more, *arguments[1:]]
        else:
            complete = [*more, *arguments]
        try:
            status = main(complete)
        except SystemExit as stop:
            status = stop.code
        except Exception as error:
            broken[" ".join(arguments)[:80]] = (
                f"{type(error).__name__}: {str(error)[:100]}"
            )
        err = capsys.readouterr().err
        outcomes[status] += 1
        if status == 2 and err.count("\n") != 1:
            broken[" ".join(arguments)[:80]] = (
                f"{err.count(chr(10))} lines: {err[-200:]!r}"
            )
    print(f"\n{len(calls)} command lines: {dict(outcomes)}")
    assert not broken


def test_an_argument_of_two_lines_ends_with_one_line(capsys):
    with pytest.raises(SystemExit):
        main(["compare", "--output", "a\nb"])
    assert capsys.readouterr().err.count("\n") == 1
