"""What comes of a saved model under another scikit-learn? Fill docs/versions.md.

    python tools/versions.py --folder FOLDER [--check]

An environment is made for the oldest versions that requirements.txt admits, for the
last of every minor version of scikit-learn since, and for the newest. In each, every
model is trained on the same rows and saved, and then every environment loads every
artifact. FOLDER keeps the environments; to meet newer packages, delete it. With
`--check`, nothing is run: it is told whether the page is of the code as it is.
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
import venv
import warnings
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "versions.md"
PACKAGES = ["numpy", "pandas", "scikit-learn", "joblib"]
LIMIT = 1e-6  # how far predictions may be off, in stars, as in `load_pipeline`


def bounds():
    """Return the lower bounds of requirements.txt: {package: version}."""
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w-]+)>=([\d.]+)", requirements, re.MULTILINE))


def digest_of_code():
    """Return the beginning of the SHA-256 of the lesson and its package."""
    sha256 = hashlib.sha256()
    for path in [ROOT / "lesson_code.py", *sorted((ROOT / "recommender").glob("*.py"))]:
        sha256.update(path.read_bytes())
    return sha256.hexdigest()[:12]


# ----- Inside an environment


def small_table():
    """Return training rows and test rows."""
    from lesson_code import MovieRecommendationDataset

    table = MovieRecommendationDataset(300, 150, n_ratings=6000).generate()
    return table[:4800], table[4800:]


def save(folder):
    """Save an artifact of every model, and a file of what each of them answers."""
    from lesson_code import MODELS, SklearnEcosystemPipeline

    train, test = small_table()
    answers = {}
    for name in MODELS:
        recommender = SklearnEcosystemPipeline(model=name).fit(train)
        metrics, predictions = recommender.evaluate(test)
        recommender.save_pipeline(folder / f"{name}.pkl")
        answers[name] = {
            "RMSE": metrics["RMSE"],
            "predictions": predictions.tolist(),
            "movies": recommender.recommend(42)["movie_id"].tolist(),
        }
    facts = {"versions": {name: version(name) for name in PACKAGES}, "models": answers}
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def load(folder):
    """Print what comes of every artifact here: {saved by: {model: outcome}}."""
    outcomes = {}
    for file in sorted(folder.glob("*/facts.json")):
        facts = json.loads(file.read_text(encoding="utf-8"))
        made_with = facts["versions"]["scikit-learn"]
        outcomes[file.parent.name] = {
            model: outcome(file.with_name(f"{model}.pkl"), made_with, answers)
            for model, answers in facts["models"].items()
        }
    print(json.dumps(outcomes))


def outcome(artifact, made_with, answers):
    """Load an artifact and ask it: what comes of it, in a word or two.

    "same": no warning, the same answers. "warning": one, which names both versions and
    says to train again. "error": one sentence that does. Anything else breaks a promise
    of the page, and begins with "WRONG".
    """
    from lesson_code import SklearnEcosystemPipeline

    error = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            recommender = SklearnEcosystemPipeline.load_pipeline(artifact)
        except ValueError as raised:
            error = str(raised)
    sentences = [str(warning.message) for warning in caught]
    if error is not None:
        sentences.append(error)
    if not is_due(sentences, made_with, version("scikit-learn")):
        return f"WRONG: {sentences}"
    if error is not None:
        return "error"
    return is_as_before(recommender, answers) or ("warning" if sentences else "same")


def is_due(sentences, made_with, installed):
    """Return whether these are the sentences that loading an artifact owes."""
    if made_with == installed:
        return not sentences
    parts = (made_with, installed, "train it again")
    return len(sentences) == 1 and all(part in sentences[0] for part in parts)


def is_as_before(recommender, answers):
    """Return "" if a loaded model answers as when it was saved, else what is wrong."""
    difference = abs(recommender.predict(small_table()[1]) - answers["predictions"])
    if difference.max() > LIMIT:
        return f"WRONG: predictions differ by {difference.max():.1e}"
    if recommender.recommend(42)["movie_id"].tolist() != answers["movies"]:
        return "WRONG: other recommendations"
    return ""


# ----- Environments


def run(python, *arguments):
    """Return what a Python prints; stop and show it where it fails."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tools")])
    settings = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    words = [str(python), *map(str, arguments)]
    done = subprocess.run(words, env=settings, capture_output=True, encoding="utf-8")
    if done.returncode:
        sys.exit(f"{' '.join(words)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def make_environment(place, requirements):
    """Make an environment in a folder, if it is not there yet; return its Python."""
    programs = "Scripts" if os.name == "nt" else "bin"
    python = place / programs / "python"
    if not (place / "complete").exists():
        print(f"environment: {place.name}", flush=True)
        venv.create(place, clear=True, with_pip=True)
        run(python, "-m", "pip", "install", "-q", *requirements)
        (place / "complete").touch()
    return python


def environments(folder):
    """Make all environments; return {name: Python}, the oldest first."""
    newest = [f"{name}>={bound}" for name, bound in bounds().items()]
    python = make_environment(folder / "newest", newest)
    installed = run(python, "-c", "import sklearn; print(sklearn.__version__)")
    newest_minor = int(installed.split(".")[1])
    oldest_minor = int(bounds()["scikit-learn"].split(".")[1])

    oldest = [line.replace(">=", "==") for line in newest]
    pythons = {"oldest": make_environment(folder / "oldest", oldest)}
    for minor in range(oldest_minor, newest_minor):
        requirements = [*newest, f"scikit-learn==1.{minor}.*"]
        pythons[f"1.{minor}"] = make_environment(folder / f"1.{minor}", requirements)
    return pythons | {"newest": python}


def call(python, function, folder):
    """Call `save` or `load` of this file in an environment."""
    code = (
        f"import pathlib, versions; versions.{function}(pathlib.Path({str(folder)!r}))"
    )
    return run(python, "-c", code)


# ----- The page


def table_of_loads(facts, loads):
    """Return a table in Markdown: who saved (rows) and who loaded (columns)."""
    labels = {name: fact["versions"]["scikit-learn"] for name, fact in facts.items()}
    rows = [["saved by", *labels.values()], ["---"] * (len(labels) + 1)]
    for saved_by in facts:
        row = [f"**{labels[saved_by]}**"]
        for loaded_by in facts:
            models_of = {}
            for model, came in loads[loaded_by][saved_by].items():
                models_of.setdefault(came, []).append(model)
            parts = [f"{came}: {', '.join(of)}" for came, of in models_of.items()]
            row.append("; ".join(models_of if len(models_of) == 1 else parts))
        rows.append(row)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def list_of_figures(facts):
    """Return how far the same training differs between the environments."""
    lines = []
    for model in facts["newest"]["models"]:
        rmse = [fact["models"][model]["RMSE"] for fact in facts.values()]
        lines.append(f"- `{model}`: {min(rmse):.6f} to {max(rmse):.6f}")
    return "\n".join(lines)


def fill(page, blocks):
    """Return the text of a page with the blocks between its marks replaced."""
    for name, block in blocks.items():
        head, end = f"<!-- {name} -->\n", "<!-- end -->"
        before, _, rest = page.partition(head)
        _, _, after = rest.partition(end)
        page = f"{before}{head}\n{block}\n\n{end}{after}"
    return page


def main():
    """Make the environments, try all artifacts, and fill the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path(tempfile.gettempdir()) / "lesson-versions"
    parser.add_argument("--folder", type=Path, default=default)
    parser.add_argument("--check", action="store_true", help="is the page stale?")
    options = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    if options.check:
        is_stale = digest_of_code() not in page
        print("docs/versions.md is of", "other code." if is_stale else "this code.")
        return

    pythons = environments(options.folder.resolve())
    artifacts = options.folder.resolve() / "artifacts"
    shutil.rmtree(artifacts, ignore_errors=True)
    facts = {}
    for name, python in pythons.items():
        print(f"save: {name}", flush=True)
        (artifacts / name).mkdir(parents=True)
        call(python, "save", artifacts / name)
        text = (artifacts / name / "facts.json").read_text(encoding="utf-8")
        facts[name] = json.loads(text)
    loads = {}
    for name, python in pythons.items():
        print(f"load: {name}", flush=True)
        loads[name] = json.loads(call(python, "load", artifacts))

    blocks = {
        "code": f"The SHA-256 of the code begins with `{digest_of_code()}`.",
        "loads": table_of_loads(facts, loads),
        "figures": list_of_figures(facts),
    }
    PAGE.write_text(fill(page, blocks), encoding="utf-8", newline="\n")
    print("\n\n".join(blocks.values()))
    if "WRONG" in blocks["loads"]:
        sys.exit("A promise of the page is broken.")


if __name__ == "__main__":
    main()
