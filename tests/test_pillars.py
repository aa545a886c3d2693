"""The chapters run as scripts and as notebooks, with and without matplotlib, and keep
the form they share.
"""

import importlib.util
import os
import re
import subprocess
import sys

import pytest
import sklearn
from conftest import ROOT

from lesson_code import SklearnEcosystemPipeline

PILLARS = ROOT / "pillars"
CHAPTERS = sorted(PILLARS.glob("[0-9]_*.py"))
NAMES = [chapter.stem for chapter in CHAPTERS]
# recipes: no picture, no exercise
PICTURED = [chapter for chapter in CHAPTERS if chapter.stem != "7_after_the_lesson"]
#: Seconds: a guard against hanging only, so a busy machine must not reach it.
LIMIT = 300
NO_MATPLOTLIB = 'raise ImportError("hidden by a test")\n'


def run(tmp_path, *command, path=PILLARS):
    """Run a command of Python in a fresh process, whose pictures go to `tmp_path`;
    return what it printed.
    """
    settings = {
        "PICTURES": str(tmp_path / "pictures"),
        "PYTHONPATH": str(path),
        "PYTHONIOENCODING": "utf-8",
    }
    settings |= {
        "PYTHONDONTWRITEBYTECODE": "1",
        "IPYTHONDIR": str(tmp_path),
        "JUPYTER_PLATFORM_DIRS": "1",
    }
    command = [sys.executable, *map(str, command)]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | settings,
        capture_output=True,
        timeout=LIMIT,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def need(*modules):
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def words_of(chapter):
    """Return the chapter's text cells as one line."""
    return re.sub(r"\s+(# )?", " ", chapter.read_text(encoding="utf-8"))


def check_output(printed, chapter):
    assert len(printed.splitlines()) >= 5, "a chapter prints its tables"
    text = chapter.read_text(encoding="utf-8")
    paragraph = re.search(r"\*\*Remember:\*\* (.+(?:\n# .+)*)", text)[1]
    sentence = paragraph.replace("\n# ", " ")
    assert printed.rstrip().endswith(f"Remember: {sentence}")


@pytest.mark.parametrize("chapter", CHAPTERS, ids=NAMES)
def test_a_chapter_runs_without_matplotlib(tmp_path, chapter):
    (tmp_path / "matplotlib").mkdir()
    (tmp_path / "matplotlib" / "__init__.py").write_text(
        NO_MATPLOTLIB, encoding="utf-8"
    )
    check_output(run(tmp_path, chapter, path=tmp_path), chapter)
    assert not (tmp_path / "pictures").exists()


@pytest.mark.parametrize("chapter", PICTURED, ids=lambda chapter: chapter.stem)
def test_a_chapter_draws_one_small_picture_with_a_title(tmp_path, chapter):
    need("matplotlib")
    check_output(run(tmp_path, chapter), chapter)
    pictures = list((tmp_path / "pictures").iterdir())
    assert [picture.stem for picture in pictures] == [chapter.stem]
    assert pictures[0].stat().st_size <= 60_000
    if pictures[0].suffix == ".svg":
        drawn = pictures[0].read_text(encoding="utf-8")
        assert len(re.search("<title>(.*)</title>", drawn)[1]) > 20


@pytest.mark.parametrize("chapter", CHAPTERS, ids=NAMES)
def test_a_chapter_runs_as_a_notebook(tmp_path, chapter):
    need("matplotlib", "jupytext", "nbconvert", "ipykernel")
    notebook = tmp_path / f"{chapter.stem}.ipynb"
    run(
        tmp_path,
        "-m",
        "jupytext",
        "--from",
        "py:percent",
        "--to",
        "ipynb",
        "--output",
        notebook,
        chapter,
    )
    run(tmp_path, "-m", "nbconvert", "--to", "markdown", "--execute", notebook)
    page = (tmp_path / f"{chapter.stem}.md").read_text(encoding="utf-8")
    assert "**Remember:**" in page
    assert "Remember: " not in page.replace("**Remember:**", ""), (
        "a notebook says it once"
    )
    assert chapter not in PICTURED or re.search(r"!\[(svg|png)\]", page), (
        "a notebook shows the picture"
    )


@pytest.mark.parametrize("chapter", CHAPTERS, ids=NAMES)
def test_a_chapter_keeps_the_form_that_all_share(chapter):
    lines = chapter.read_text(encoding="utf-8").splitlines()
    text = words_of(chapter)
    assert re.match(r"# # \d .*\?$", lines[1]), "the title is a question"
    for part in ("**You know**", "**You will see**", "**Minutes**", "**Remember:**"):
        assert part in text, part
    if chapter in PICTURED:
        assert "guide" in text, "where to go on in scikit-learn's user guide"
        assert f"`exercises/{chapter.stem}.py`" in text


def test_the_chapters_are_numbered_without_a_gap():
    assert [int(name[0]) for name in NAMES] == list(range(len(NAMES)))
    assert len(NAMES) >= 4


@pytest.fixture(scope="module")
def whole_map(tmp_path_factory):
    return run(tmp_path_factory.mktemp("map"), PILLARS / "0_map.py", "all")


def test_a_pillar_claims_every_module_of_the_installed_scikit_learn(whole_map):
    unclaimed = re.findall("No pillar claims (.*): add it", whole_map)
    assert unclaimed == [], "add these modules to PILLARS in pillars/0_map.py"


def test_the_map_lists_every_name_with_its_verbs_and_tags(whole_map):
    lines = [line.split() for line in whole_map.splitlines()]
    facts = {line[0]: " ".join(line[1:]) for line in lines if line}
    assert facts["Ridge"].startswith(
        "estimators linear_model Supervised fit predict regressor"
    )
    assert facts["KMeans"].startswith(
        "estimators cluster Unsupervised fit predict transform clusterer, transformer"
    )
    assert facts["HistGradientBoostingRegressor"].endswith(
        "regressor, missing values True"
    )
    assert "sparse" in facts["TruncatedSVD"] or sklearn.__version__.startswith(
        "1.6."
    ), "1.6 does not tell"
    assert facts["KFold"] == "splitters model_selection Model selection split True"
    assert facts["NMF"].endswith("False"), "neither the lesson nor a chapter imports it"


def test_the_pictures_are_there_and_small():
    pictures = {
        picture.stem: picture for picture in (ROOT / "docs" / "pictures").iterdir()
    }
    # scale: by benchmarks/scale.py
    expected = {chapter.stem for chapter in PICTURED} | {
        "error_ladder",
        "pipeline",
        "scale",
    }
    assert set(pictures) == expected, "python tools/pictures.py draws them all"
    assert [
        name for name, picture in pictures.items() if picture.stat().st_size > 60_000
    ] == []


def test_the_picture_of_the_pipeline_shows_the_steps_that_it_has():
    words = re.findall(
        r">([^<>\n]+)</text>",
        (ROOT / "docs" / "pictures" / "pipeline.svg").read_text(encoding="utf-8"),
    )
    steps = [
        word
        for name, step in SklearnEcosystemPipeline().build_pipeline().steps
        for word in (name, type(step).__name__)
    ]
    start = words.index(steps[0])
    assert words[start : start + len(steps)] == steps, (
        "python tools/pictures.py draws it again"
    )
