"""All tests and all artifacts on every supported version: `python tools/versions.py` fills the tables of docs/versions.md.

It makes an environment for the oldest versions that requirements.txt admits, for the last of every minor version of
scikit-learn since, and for the newest on each Python that is found. In each it runs all tests and saves artifacts, and then every environment
loads every artifact. Only committed files count. What is done stays in `--folder`, where a later run goes on; results
count until a committed file other than the page and this tool changes. To meet newer packages, delete the folder.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "versions.md"
PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]
BASE = "3.11"  # every minor version of scikit-learn since the oldest is built for it
EXTRA = [
    "hypothesis",
    "polars",
    "skops",
]  # the optional packages that most tests want; for lack of the others, some skip
PACKAGES = ["numpy", "pandas", "scikit-learn", "joblib", "pytest"]
RELEASE = {
    "MOVIELENS": str(ROOT.parent / "shared" / "data" / "ml-latest-small")
}  # where no MOVIELENS is set
SETTINGS = (
    RELEASE
    | os.environ
    | {
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
    }
)


def bounds():
    """Return the lower bounds of requirements.txt: {package: version}."""
    return dict(
        re.findall(
            r"^([\w-]+)>=([\d.]+)",
            (ROOT / "requirements.txt").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    )


# ----- Inside an environment: save and load -------------------------------------------------------------------------------


def small_table():
    """Return training rows and test rows."""
    from lesson_code import MovieRecommendationDataset

    table = MovieRecommendationDataset(
        n_users=300, n_movies=150, n_ratings=6000
    ).generate()
    return table[:4800], table[4800:]


def save(folder):
    """Save an artifact of every model, what each answers, the versions, and a hash of the demo's table."""
    from lesson_code import MODELS, MovieRecommendationDataset, SklearnEcosystemPipeline

    sha256, (train, test), models = hashlib.sha256(), small_table(), {}
    for _, column in MovieRecommendationDataset().generate().items():
        is_number = (
            column.dtype.kind in "if"
        )  # the type of texts differs between pandas 2 and 3
        sha256.update(
            column.to_numpy().tobytes() if is_number else "\n".join(column).encode()
        )
    for name in MODELS:
        recommender = SklearnEcosystemPipeline(model=name).fit(train)
        metrics, predictions = recommender.evaluate(test)
        recommender.save_pipeline(folder / f"{name}.pkl")
        movies = recommender.recommend(42)["movie_id"].tolist()
        models[name] = {
            "RMSE": metrics["RMSE"],
            "predictions": predictions.tolist(),
            "movies": movies,
        }
    versions = {"python": sys.version.split()[0]} | {
        name: version(name) for name in PACKAGES
    }
    facts = {"versions": versions, "table": sha256.hexdigest(), "models": models}
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def load(folder):
    """Print what comes of every artifact here, as JSON: {"saved-by model with-or-without-card": [what, text]}."""
    found = {}
    for saved in sorted(folder.glob("*/facts.json")):
        facts = json.loads(saved.read_text(encoding="utf-8"))
        for model, answers in facts["models"].items():
            with tempfile.TemporaryDirectory() as place:
                artifact = shutil.copy(saved.parent / f"{model}.pkl", place)
                for card in ("without", "with"):
                    what, text = what_comes_of(
                        artifact, facts["versions"]["scikit-learn"], answers
                    )
                    found[f"{saved.parent.name} {model} {card}"] = [
                        what,
                        text.replace(artifact, f"{model}.pkl"),
                    ]
                    shutil.copy(saved.parent / f"{model}.pkl.json", place)
    print(json.dumps(found))


def what_comes_of(artifact, made_with, answers):
    """Load and ask an artifact: (`same`, `warning` or `error`; or `WRONG`, another sentence than is due; the text)."""
    from lesson_code import SklearnEcosystemPipeline

    here, error = version("scikit-learn"), None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            recommender = SklearnEcosystemPipeline.load_pipeline(artifact)
        except Exception as raised:
            error = raised
    said = [str(error)] if error else [str(warning.message) for warning in caught]
    text, what = " | ".join(said), "WRONG"
    if not said and made_with == here:
        what = "same"
    if (
        len(said) == 1
        and made_with != here
        and all(part in text for part in (made_with, here, "train it again"))
    ):
        what = "error" if error else "warning"
    if error:
        return (
            what if isinstance(error, ValueError) and "\n" not in text else "WRONG"
        ), text
    try:
        error = abs(
            recommender.predict(small_table()[1]) - answers["predictions"]
        ).max()
        same = (
            error <= 1e-6
            and recommender.recommend(42)["movie_id"].tolist() == answers["movies"]
        )  # stars, as load_pipeline
        return (what if same else f"{what}, other answers"), text
    except Exception as raised:
        return f"{what}, cannot predict", f"{text} | {type(raised).__name__}: {raised}"


# ----- Environments, and all tests in one ---------------------------------------------------------------------------------


def run(*command, **how):
    """Return what a command prints; where it fails, stop and show that."""
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        encoding="utf-8",
        **{"env": SETTINGS} | how,
    )
    if done.returncode:
        sys.exit(
            f"{' '.join(map(str, command))}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
        )
    return done.stdout


def find_pythons(folders):
    """Return {"3.11": its interpreter, ...}: those that are there, run, and can make environments."""
    found = {}
    for name in PYTHONS:
        for python in filter(
            None,
            [shutil.which(f"python{name}", path=folder) for folder in [*folders, None]],
        ):
            if (
                name not in found
                and not subprocess.run(
                    [python, "-c", "import ensurepip"], capture_output=True
                ).returncode
            ):
                found[name] = python
    return found


def environments(folder, pythons):
    """Make the environments that are not there yet; return {name: Python}, from the oldest on."""

    def environment(what, requirements, python=BASE):
        place = folder / f"{python}-{what}"
        inside = place / ("Scripts" if os.name == "nt" else "bin") / "python"
        if not (place / "complete").exists():
            print(f"environment: {place.name}", flush=True)
            run(pythons[python], "-m", "venv", "--clear", place)
            run(inside, "-m", "pip", "install", "-q", *requirements, *EXTRA)
            (place / "complete").touch()
        return {place.name: inside}

    newest = [f"{name}>={bound}" for name, bound in bounds().items()]
    found = environment("oldest", [line.replace(">=", "==") for line in newest])
    (last,) = environment("newest", newest).values()
    newest_minor = int(
        run(last, "-c", "import sklearn; print(sklearn.__version__)").split(".")[1]
    )
    for minor in range(int(bounds()["scikit-learn"].split(".")[1]), newest_minor):
        found |= environment(f"1.{minor}", [*newest, f"scikit-learn==1.{minor}.*"])
    for python in pythons:
        found |= environment("newest", newest, python)
    return found


def all_tests(python, copy):
    """Run all tests; return how many passed and so on, the reasons of skips, what failed, minutes."""
    start = time.time()
    not_yet = "--deselect=tests/test_versions.py::test_the_page"  # which is written after this run
    command = [
        str(python),
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-rsfE",
        not_yet,
    ]
    done = subprocess.run(
        command,
        cwd=copy,
        env=SETTINGS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    reasons, lines = Counter(), done.stdout.rstrip().splitlines()
    for number, reason in re.findall(
        r"^SKIPPED \[(\d+)\] \S+: (.*)", done.stdout, re.MULTILINE
    ):
        reasons[reason] += int(number)
    return {
        "counts": {
            word: int(number)
            for number, word in re.findall(
                r"(\d+) (passed|skipped|xfailed|failed|error)", lines[-1]
            )
        },
        "reasons": reasons,
        "failed": [line for line in lines if line.startswith(("FAILED", "ERROR"))],
        "minutes": (time.time() - start) / 60,
        "status": done.returncode,
        "output": done.stdout,
    }


# ----- The page -----------------------------------------------------------------------------------------------------------


def table(head, rows):
    """Return a table in Markdown."""
    return "\n".join(
        "| " + " | ".join(map(str, row)) + " |"
        for row in [head, ["---"] * len(head), *rows]
    )


def make_blocks(tests, facts, loads):
    """Return what stands on the page, by name. `loads`: (what, text) by (loaded by, saved by, model, card)."""
    rows, reasons, failed = [], Counter(), []
    for name, done in tests.items():
        reasons.update(done["reasons"])
        failed += [f"- {name}: `{line}`" for line in done["failed"]]
        counts = [
            done["counts"].get(word, 0) for word in ("passed", "skipped", "xfailed")
        ]
        rows.append(
            [
                *facts[name]["versions"].values(),
                *counts,
                len(done["failed"]),
                f"{done['minutes']:.1f}",
            ]
        )
    blocks = {
        "tests": table(
            [
                "Python",
                *PACKAGES,
                "passed",
                "skipped",
                "expected to fail",
                "failed",
                "minutes",
            ],
            rows,
        )
    }
    sha256 = hashlib.sha256((ROOT / "lesson_code.py").read_bytes()).hexdigest()
    blocks["tests"] += (
        f"\n\nThe SHA-256 of `lesson_code.py` begins with `{sha256[:12]}`."
    )
    blocks["failed and skipped"] = "\n".join(
        failed + [f"- {number}: {reason}" for reason, number in reasons.most_common()]
    )
    models = list(next(iter(facts.values()))["models"])
    label = {
        name: f"{fact['versions']['scikit-learn']} ({name.split('-')[0]})"
        for name, fact in facts.items()
    }
    for card in ("with", "without"):
        rows = []
        for saved in facts:
            rows.append([f"**{label[saved]}**"])
            for here in facts:
                by_what = {}
                for model in models:
                    by_what.setdefault(loads[here, saved, model, card][0], []).append(
                        model
                    )
                parts = [
                    f"{what}: {', '.join(found)}" for what, found in by_what.items()
                ]
                rows[-1].append(
                    next(iter(by_what)) if len(by_what) == 1 else "; ".join(parts)
                )
        blocks[f"{card} card"] = table(["saved by", *label.values()], rows)
    if blocks["without card"] == blocks["with card"]:
        blocks["without card"] = "The table is the same."
    reasons, example = Counter(), {}
    for what, text in loads.values():
        kind = what, text.partition("train it again")[2]
        reasons[kind] += 1
        example.setdefault(kind, text)
    blocks["sentences"] = table(
        ["", "loads", "for example"],
        [[kind[0], number, example[kind]] for kind, number in reasons.most_common()],
    )
    hashes = sorted({fact["table"][:12] for fact in facts.values()})
    blocks["figures"] = (
        f"- SHA-256 of the demo's table of 50,000 ratings, in {len(facts)} environments: {', '.join(hashes)}\n"
    )
    for model in models:
        rmse = [fact["models"][model]["RMSE"] for fact in facts.values()]
        blocks["figures"] += (
            f"- RMSE of `{model}`: {min(rmse):.6f} to {max(rmse):.6f}, a difference of {max(rmse) - min(rmse):.1e}\n"
        )
    return blocks


def main():
    """Make environments, run all tests, try all artifacts, fill the page; exit with 1 if something is not as promised."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--pythons",
        nargs="*",
        default=[],
        metavar="FOLDER",
        help="where python3.10 and so on are, besides PATH",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()) / "lesson-versions",
        help="to keep what is done",
    )
    parser.add_argument("--quick", action="store_true", help="artifacts only, no tests")
    parser.add_argument(
        "--only",
        default="",
        metavar="WORD",
        help="tests only in environments whose name has this word",
    )
    options = parser.parse_args()
    pythons = find_pythons(options.pythons)
    if BASE not in pythons:
        sys.exit(f"There is no python{BASE} on PATH or in the folders of --pythons.")
    inside = environments(options.folder.resolve(), pythons)
    files = run("git", "ls-tree", "-r", "HEAD", cwd=ROOT).splitlines()
    state = "\n".join(
        line
        for line in files
        if not line.endswith(("docs/versions.md", "tools/versions.py"))
    )
    work = (
        options.folder.resolve()
        / f"state-{hashlib.sha256(state.encode()).hexdigest()[:12]}"
    )
    if not (work / "copy").exists():
        run("git", "clone", "-q", ROOT, work / "copy")
    tests, facts, loads = {}, {}, {}
    for name, python in inside.items():
        result = work / f"{name}.json"
        if not (options.quick or result.exists()) and options.only in name:
            print(f"all tests: {name}", flush=True)
            result.write_text(
                json.dumps(all_tests(python, work / "copy")), encoding="utf-8"
            )
        if result.exists():
            tests[name] = json.loads(result.read_text(encoding="utf-8"))
            print(
                f"{name}: {tests[name]['counts']}, {tests[name]['minutes']:.1f} minutes",
                *tests[name]["failed"],
                sep="\n  ",
                flush=True,
            )

    def call(function, name, place):
        paths = os.pathsep.join([str(work / "copy"), str(ROOT / "tools")])
        code = f"import pathlib, versions; versions.{function}(pathlib.Path({str(place)!r}))"
        print(f"artifacts, {function}: {name}", flush=True)
        return run(inside[name], "-c", code, env=SETTINGS | {"PYTHONPATH": paths})

    shutil.rmtree(work / "artifacts", ignore_errors=True)
    for name in inside:
        place = work / "artifacts" / name
        place.mkdir(parents=True)
        call("save", name, place)
        facts[name] = json.loads((place / "facts.json").read_text(encoding="utf-8"))
    for name in inside:
        for key, came in json.loads(call("load", name, work / "artifacts")).items():
            loads[(name, *key.split())] = came
    text = PAGE.read_text(encoding="utf-8")
    for name, block in make_blocks(tests, facts, loads).items():
        print(f"\n{name}:\n{block}")
        head, end = f"<!-- {name} -->\n", "<!-- end -->"
        before, _, rest = text.partition(head)
        text = f"{before}{head}\n{block.rstrip()}\n\n{end}{rest.partition(end)[2]}"
    if len(tests) == len(inside):
        PAGE.write_text(text, encoding="utf-8", newline="\n")
    else:
        print(
            f"\nThe page stays as it is: tests were run in {len(tests)} of {len(inside)} environments."
        )
    good = len({fact["table"] for fact in facts.values()}) == 1 and not any(
        what.startswith(("WRONG", "same,")) for what, _ in loads.values()
    )
    sys.exit(0 if good and not any(done["status"] for done in tests.values()) else 1)


if __name__ == "__main__":
    main()
