"""Save a model as one file that another process can trust, and load it again.

A file is a pickle (or in the format of skops, which runs only trusted code when it is
loaded), the version of scikit-learn that made it, and a digest: the SHA-256 of all
before the digest.
Beside it lies a model card, a JSON file with an example and its prediction. Loading
checks digest and card before it unpickles, and the example after that.
"""

import contextlib
import hashlib
import io
import json
import math
import os
import pickle
import re
import sys
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import pandas as pd
import sklearn
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.utils.fixes import parse_version
from threadpoolctl import threadpool_limits

from .checks import LIMIT, check_number
from .factors import FoldIn, MatrixFactorization
from .files import check_file, check_file_name, check_regular, replacing
from .forest import QuickRandomForest
from .matrix import MovieContent, RatingHistory
from .ranking import MovieRanker
from .recommend import RatingRanker
from .solutions import ExactByMovies, ExactByUsers, LowRank
from .steps import DropIds
from .table import IDS, table_ids
from .top_n import PopularityRanker
from .warn import warn

#: In older ones, a file of trusted types alone could run code.
OLDEST_SKOPS = "0.12"
VERSION_MARK = b"\nscikit-learn:"
DIGEST_MARK = b"\nsha256:"
#: What a saved object consists of. It counts up whenever a class gets other attributes,
#: so that an object of older code is not taken for one that works.
FORMAT = 1
#: What the card of every artifact has, since the first version that wrote cards.
CARD_KEYS = {"artifact", "sha256", "created", "versions"}
#: How often a loader reads again while a saver may be between artifact and card.
N_READS = 5
SECONDS_BETWEEN_READS = 0.05
#: How far the prediction of the card's example may be off, in stars: another processor
#: may differ in the last digits. (Where ratings are large, by a billionth of them.)
TOLERANCE = 1e-6


def type_name(definition):
    """Return the name by which skops knows a class or a function."""
    return f"{definition.__module__}.{definition.__qualname__}"


#: The types of this package and of its libraries that may be in a file of skops.
TRUSTED = [
    *map(
        type_name,
        [
            DropIds,
            ExactByMovies,
            ExactByUsers,
            LowRank,
            MatrixFactorization,
            FoldIn,
            MovieContent,
            MovieRanker,
            PopularityRanker,
            QuickRandomForest,
            RatingHistory,
            RatingRanker,
        ],
    ),
    "scipy.sparse._csr.csr_matrix",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
]


class Seal(NamedTuple):
    """What stands at the end of an artifact."""

    digest: str
    version: str | None  # of the scikit-learn that made it


def save(model, filepath, card, trusted):
    """Save a model and its card, each of them whole or not at all.

    Parameters
    ----------
    model : object
        What is saved.
    filepath : str or path-like
        Where; a name that ends in ".skops", or a link to one, is saved by skops, all
        others are pickles. The card is written to `filepath` + ".json".
    card : dict
        What the model card says of the model. Facts about the file are added here.
    trusted : list of str
        The types that skops may make of a file, beside those that it knows.

    Raises
    ------
    TypeError
        If `filepath` is no name of a file, such as an open file.
    OSError
        If a file cannot be written; what was there before is kept.
    ImportError
        If skops is needed, and is not installed or too old.
    ValueError
        If the model cannot be pickled, or is of a type that is not trusted.

    Notes
    -----
    Both files are complete on the disk before the first of them gets its name. Only
    between the two renamings can a crash leave the new model beside the old card: then
    loading says that the card belongs to another artifact.
    """
    filepath = check_file_name("filepath", filepath)
    path = check_path(filepath)
    as_skops = _is_skops(filepath, path)
    _refuse_main(model)
    with replacing(path, f"{path}.json") as (model_draft, card_draft):
        with model_draft.writing() as file:
            digest = _write_model(model, file, as_skops, trusted)
        card = _file_facts(path, digest) | card
        with card_draft.writing() as file:
            file.write(_strict_json(card).encode())


def _write_model(model, file, as_skops, trusted):
    """Write a model and its seal; return the digest."""
    hashed = _HashedFile(file)
    try:
        _dump(model, hashed, as_skops, trusted)
    except OSError:
        raise
    except Exception as error:  # of a lambda, or a class inside a function
        reason = str(error) or type(error).__name__
        advice = ""
        if as_skops:
            advice = (
                " If you trust these types, append their names to lesson_code.TRUSTED, "
                "here and where you load."
            )
        raise ValueError(
            "Cannot save what cannot be pickled, or is not in TRUSTED: "
            f"{reason}{advice}"
        ) from error
    hashed.write(VERSION_MARK + sklearn.__version__.encode())
    digest = hashed.sha256.hexdigest()
    file.write(DIGEST_MARK + digest.encode())
    return digest


def _strict_json(card):
    """Return a card as text. JSON has no NaN, which Python would write: it is null."""
    text = json.dumps(card, default=str)
    return json.dumps(json.loads(text, parse_constant=lambda _: None), indent=2)


def _file_facts(path, digest):
    """Return what the card of every artifact says: the values of `CARD_KEYS`."""
    return {
        "artifact": path.name,
        "sha256": digest,
        "created": pd.Timestamp.now("UTC").isoformat(timespec="seconds"),
        "versions": {
            "python": sys.version.split()[0],
            "numpy": np.__version__,
            "pandas": pd.__version__,
            "scikit-learn": sklearn.__version__,
            "joblib": joblib.__version__,
        },
    }


def load(filepath, trusted, sha256=None, strict=False):
    """Load what `save` has saved, if it is whole and predicts as it did.

    Parameters
    ----------
    filepath : str or path-like
    trusted : list of str
        As in `save`.
    sha256 : str, default=None
        The digest that the file must have, 64 hexadecimal digits, as in its card.
    strict : bool, default=False
        Whether to refuse a file that would be loaded with a warning, or that has no
        model card.

    Returns
    -------
    model : object
        With its model card at `.card`, None if it has none.

    Raises
    ------
    TypeError
        If `filepath` is no name of a file, such as an open file.
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, holds no model, cannot be loaded with the installed
        versions, predicts something else than the card says, or has another digest
        than `sha256`. With `strict`, also for everything that warns, or without a card.

    Warns
    -----
    UserWarning
        If there is no digest, the card is not of this file, or another version of
        scikit-learn or of this package made it.
    """
    filepath = check_file_name("filepath", filepath)
    path = Path(os.path.realpath(filepath))
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file {filepath}; save_pipeline (or --output) writes it."
        )
    files = _read_files(path)
    card, problems = _check_files(path, files)
    if sha256 is not None:
        _check_digest(path, files.seal, sha256)

    version = files.seal.version if files.seal else None
    if version is None and card:  # the first artifacts did not seal it
        version = card["versions"]["scikit-learn"]
    other_version = ""
    if version not in (None, sklearn.__version__):
        other_version = (
            f"made with scikit-learn {version}, but this is {sklearn.__version__}: "
            "train it again"
        )
    if card and card.get("format") != FORMAT:
        problems.append(
            f"{filepath} was made by another version of this lesson: train it again."
        )
    if strict and other_version:
        problems.append(f"{filepath} was {other_version}.")
    if strict and card is None:
        problems.append(f"{path} has no model card.")
    if strict and problems:
        raise ValueError(problems[0])
    for problem in problems:  # told before anything in the file can run
        warn(problem)

    as_skops = _is_skops(filepath, path)
    model = _read_model(files, path, as_skops, other_version, trusted)
    if other_version:
        warn(f"{filepath} was {other_version}.")
    if card:
        _check_example(model, card["example"], path, other_version)
    with contextlib.suppress(AttributeError):  # of an object with fixed attributes
        model.card = card
    return model


def check_path(filepath):
    """Return where an artifact can be written, with links followed.

    Parameters
    ----------
    filepath : str or path-like

    Returns
    -------
    path : Path

    Raises
    ------
    TypeError
        If `filepath` is no name of a file, such as an open file.
    OSError
        If the artifact or its card is something else than a file, or there is no
        folder for them.
    ImportError
        If skops is needed, and is not installed or too old.
    """
    filepath = check_file_name("filepath", filepath)
    path = check_file(filepath)
    card = Path(f"{path}.json")
    check_regular(card)
    is_file = card.exists() and not card.is_symlink()  # a link itself is replaced
    if is_file and not _looks_like_a_card(card):
        raise FileExistsError(
            f"Cannot write {card}: it is there already, and is no model card."
        )
    if _is_skops(filepath, path):
        _import_skops(path)
    return path


def _looks_like_a_card(file):
    """Return whether a file may be replaced by a model card."""
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError):
        return False
    return isinstance(card, dict) and card.keys() >= CARD_KEYS


# ----- Writing


class _HashedFile:
    """A file that is hashed while it is written."""

    def __init__(self, file):
        self.file = file
        self.sha256 = hashlib.sha256()

    def write(self, data):
        self.sha256.update(data)
        return self.file.write(data)

    def tell(self):
        return self.file.tell()


#: The program that runs; the second is its name in a process of multiprocessing.
MAIN_MODULES = ("__main__", "__mp_main__")


class _MainFinder(pickle.Pickler):
    """Pickle an object to nowhere, up to the first thing of the running program."""

    def __init__(self):
        super().__init__(io.BytesIO(), protocol=pickle.HIGHEST_PROTOCOL)
        self.found = None

    def reducer_override(self, thing):
        if isinstance(thing, np.ndarray) and thing.dtype != object:
            return list, ()  # no class in it, and it may be large
        is_definition = isinstance(thing, type) or hasattr(thing, "__qualname__")
        definition = thing if is_definition else type(thing)
        if definition.__module__ in MAIN_MODULES:
            self.found = definition
            raise pickle.PicklingError("The search is over.")
        return NotImplemented


def _refuse_main(model):
    """Raise a ValueError if a class or function of `__main__` would be saved."""
    finder = _MainFinder()
    with contextlib.suppress(Exception):  # what cannot be pickled is told later
        finder.dump(model)
    if finder.found is not None:
        raise ValueError(
            f"Cannot save {finder.found.__qualname__}: it is defined in the program or "
            f"notebook that runs ({finder.found.__module__}), and loads in no other. "
            "Move it into a file of its own, and import it."
        )


def _is_skops(filepath, path):
    """Return whether a file is one of skops, by its name or by what a link leads to.

    A pickle can run code: one of the names is enough to say that the file is none.
    """
    return any(str(name).lower().endswith(".skops") for name in (filepath, path))


def _import_skops(filepath):
    try:
        import skops.io
    except ModuleNotFoundError:
        raise ImportError(
            f"{filepath} needs skops, which is not installed: pip install skops"
        ) from None
    if parse_version(skops.__version__) < parse_version(OLDEST_SKOPS):
        raise ImportError(
            f"{filepath} needs skops {OLDEST_SKOPS} or newer, but {skops.__version__} "
            "is installed: pip install --upgrade skops"
        )
    return skops.io


def _dump(model, file, as_skops, trusted):
    if not as_skops:
        joblib.dump(model, file)
        return
    import skops.io as skops_io  # `check_path` has checked its version

    content = skops_io.dumps(model)
    # A type that is not trusted is refused now, and not when the model is needed.
    skops_io.loads(content, trusted=trusted)
    file.write(content)


# ----- Reading


class _Files(NamedTuple):
    """An artifact and its card, as they were read."""

    content: bytes
    seal: Seal | None
    card: dict | None  # None: there is no card that can be read
    has_card: bool  # whether there is a file in its place


def _read_files(path):
    """Read an artifact and its card; raise a ValueError if the artifact is damaged.

    A saver replaces one file after the other. Whoever reads in between gets files that
    do not belong together, and reads again.
    """
    card_path = Path(f"{path}.json")
    for _ in range(N_READS):
        content = path.read_bytes()
        seal = _read_seal(content, path)
        card = _read_card(card_path)
        if card is None or seal is None or card["sha256"] == seal.digest:
            break
        time.sleep(SECONDS_BETWEEN_READS)
    return _Files(content, seal, card, card_path.exists())


def _check_files(path, files):
    """Return the card of an artifact, if it is its own, and a list of problems."""
    if files.seal is None and files.card is not None:
        raise ValueError(
            f"{path} is damaged: it carries no digest, but its model card has one."
        )
    if files.seal is None:
        return None, [
            f"{path} carries no digest: nothing shows whether it is what was saved."
        ]
    if files.card is None and files.has_card:
        return None, [f"{path}.json is no model card, and is not used."]
    if files.card is None:
        return None, []
    owner = files.card["sha256"]
    if owner != files.seal.digest:
        return None, [
            f"{path}.json belongs to another artifact, {owner[:12]}, "
            f"not {files.seal.digest[:12]}."
        ]
    return files.card, []


def _check_digest(path, seal, sha256):
    """Raise a ValueError if an artifact has another digest than it must have."""
    if seal is None:
        raise ValueError(
            f"{path} carries no digest, and may be another artifact than {sha256}."
        )
    if seal.digest != str(sha256).lower():
        raise ValueError(
            f"{path} is another artifact: its digest is {seal.digest}. (The one to pin "
            "is `sha256` in the model card, not what `sha256sum` prints.)"
        )


def _read_seal(content, path):
    """Return the seal of an artifact, None if it has none; refuse a damaged one."""
    start = content.rfind(DIGEST_MARK)
    if start < 0:
        return None
    digest = content[start + len(DIGEST_MARK) :].decode("ascii", "replace")
    sealed = memoryview(content)[:start]
    if hashlib.sha256(sealed).hexdigest() != digest:
        raise ValueError(
            f"{path} is damaged: its digest is cut, or does not fit its content."
        )
    before_digest = content[max(0, start - 50) : start]
    _, mark, version = before_digest.rpartition(VERSION_MARK)
    return Seal(digest, version.decode() if mark else None)


def _read_card(file):
    """Return a model card; None if there is none, or the file is none."""
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
        _check_card(card)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OSError,
        OverflowError,
        RecursionError,
    ):
        return None
    return card


def _check_card(card):
    """Raise any error if this is no model card."""
    card["versions"]["scikit-learn"].split(".")
    example = card["example"]["input"]
    if set(example) != set(IDS):
        raise ValueError("The example must have the two ids.")
    table_ids(pd.DataFrame([example]))
    check_number("prediction", card["example"]["prediction"], -LIMIT)
    if not isinstance(card["sha256"], str):
        raise ValueError("The digest must be a string.")


def _read_model(files, path, as_skops, other_version, trusted):
    """Unpickle an artifact whose digest was checked."""
    stream = io.BytesIO(files.content)
    skops_io = _import_skops(path) if as_skops else None
    silence = contextlib.nullcontext()
    if other_version:  # one warning of ours stands for one of each estimator
        silence = _no_version_warnings()
    try:
        with silence:
            if as_skops:
                model = skops_io.load(stream, trusted=trusted)
            else:
                model = joblib.load(stream)
    except Exception as error:  # damaged bytes, and another version's, raise anything
        problem = "whole, but cannot be loaded here"
        if files.seal is None:
            problem = "damaged or no saved pipeline"
        if other_version:
            problem = f"whole, but cannot be loaded: it was {other_version}"
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"{path} is {problem}: {reason}") from error

    rest = b"" if as_skops else stream.read()  # skops reads from the end of the file
    is_version = re.fullmatch(VERSION_MARK + rb"\d+\.\d+\.\d\w*", rest)
    if files.seal is None and rest and not is_version:
        raise ValueError(
            f"{path} is damaged: something other than a digest follows the pickle."
        )
    if not hasattr(model, "predict"):
        raise ValueError(
            f"{path} holds no pipeline, but an object of type {type(model).__name__}."
        )
    return model


@contextlib.contextmanager
def _no_version_warnings():
    """Leave out scikit-learn's warnings of another version.

    Filters of warnings belong to the whole process: while a file is unpickled, other
    threads do not see these warnings either. `warnings.catch_warnings` would also put
    back all filters of before, and lose those that another thread adds meanwhile. So
    one filter is put in, and only this one is taken out, of the same list.
    """
    filters = warnings.filters
    ours = ("ignore", None, InconsistentVersionWarning, None, 0)
    filters.insert(0, ours)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # `warnings.resetwarnings` was called
            filters.remove(ours)


def _check_example(model, example, path, other_version):
    """Refuse a model that predicts something else than when it was saved."""
    row = pd.DataFrame([example["input"]])[IDS]
    try:
        with _one_thread():
            prediction = float(model.predict(row)[0])
    except Exception as error:  # an object of another version may lack anything
        reason = f"it was {other_version}." if other_version else str(error)
        raise ValueError(
            f"{path} cannot predict the model card's example: {reason}"
        ) from error
    expected = example["prediction"]
    if not is_same_prediction(prediction, expected):
        raise ValueError(
            f"{path} predicts {prediction} for the model card's example; "
            f"when saved, {expected}."
        )


def is_same_prediction(prediction, expected):
    """Return whether two predictions are the same finite number, up to rounding.

    Parameters
    ----------
    prediction, expected : float

    Returns
    -------
    is_same : bool
    """
    is_close = math.isclose(prediction, expected, rel_tol=1e-9, abs_tol=TOLERANCE)
    return is_close and math.isfinite(prediction)


def _one_thread():
    """Return a context in which OpenMP starts no threads.

    A server may fork after it has loaded a model. The threads of OpenMP do not survive
    that, and a model that has used them never answers in the child.
    """
    try:
        return threadpool_limits(1, user_api="openmp")
    except OSError:  # the loaded libraries cannot be looked up, as after a chroot
        return contextlib.nullcontext()
