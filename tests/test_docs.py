"""The documentation is run: the docstrings' examples, the README's code, and what it
says of the files.
"""

import ast
import doctest
import graphlib
import inspect
import re

import pytest
from repository import ROOT

import lesson_code

README = ROOT / "README.md"


def test_examples_in_docstrings_do_what_they_show():
    results = doctest.testmod(lesson_code)
    assert results.failed == 0
    assert results.attempted >= 4


def test_python_in_readme_and_recipes_runs_from_top_to_bottom(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    # the recipes add an entry
    monkeypatch.setattr(lesson_code, "MODELS", dict(lesson_code.MODELS))
    names = {}
    for page in (README, ROOT / "docs" / "use.md"):
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        assert blocks
        for block in blocks:
            assert max(map(len, block.splitlines())) <= 85
            exec(compile(block, page.name, "exec"), names)


def test_files_that_a_page_a_chapter_or_an_exercise_names_are_there():
    """Messages of checks, chapters and pages send readers to them."""
    files = [*ROOT.glob("pillars/*.py"), *ROOT.glob("exercises/**/*.py"), README]
    for pages in ("docs/*.md", ".github/*.md", "*/README.md"):
        files += ROOT.glob(pages)
    folders = "benchmarks|docs|exercises|pillars|recommender|serving|tests|tools"
    named = set()
    for file in files:
        if file.name == "CHANGELOG.md":
            continue  # it names what has been
        text = file.read_text(encoding="utf-8")
        for name in re.findall(rf"\b(?:{folders})/[\w/]+\.\w+", text):
            named.add((file.name, name))
    assert ("CONTRIBUTING.md", "tests/test_exercises.py") in named
    missing = {(file, name) for file, name in named if not (ROOT / name).exists()}
    assert missing == set()


def test_the_benchmark_page_and_the_folder_name_each_other():
    folder = ROOT / "benchmarks"
    page = (folder / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\((results/\w+\.txt)\)", page))
    kept = {f"results/{file.name}" for file in (folder / "results").iterdir()}
    assert linked == kept
    helpers = {"lists.py", "peers_ratings.py", "peers_rankings.py", "plain_recipe.py"}
    scripts = {file.name for file in folder.glob("*.py")} - helpers
    assert [name for name in sorted(scripts) if f"`{name}`" not in page] == []


LESSON = (ROOT / "lesson_code.py").read_text(encoding="utf-8")
TREE = ast.parse(LESSON)


def test_the_sections_come_in_the_order_that_the_docstring_gives():
    heads = re.findall(r"^# =+\n# (\d\. .+)\n# =+$", LESSON, re.MULTILINE)
    listed = re.findall(r"^(\d\. .+)$", ast.get_docstring(TREE), re.MULTILINE)
    assert heads == listed
    assert len(heads) == 6


def test_the_arrows_between_the_files_run_one_way():
    """Nothing in the package imports the lesson, and no two files import each other.

    No benchmark imports from a chapter.
    """
    imported = {}
    for file in (ROOT / "recommender").glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        imported[file.stem] = {node.module for node in froms if node.level == 1}
        assert "lesson_code" not in {node.module for node in froms}
    list(graphlib.TopologicalSorter(imported).static_order())  # fails for a circle
    for file in (ROOT / "benchmarks").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("pillars"), file.name


def test_all_lists_every_public_class_and_function_that_a_user_calls():
    public = {
        n.name
        for n in TREE.body
        if isinstance(n, ast.FunctionDef | ast.ClassDef) and not n.name.startswith("_")
    }
    helpers = {"DropIds", "cross_validate_metrics", "damped_mean", "find_model"}
    helpers |= {"main", "make_folds"}
    assert public - helpers <= set(lesson_code.__all__)
    for name in lesson_code.__all__:
        assert hasattr(lesson_code, name)


CLASSES = [
    lesson_code.MovieRecommendationDataset,
    lesson_code.UserMovieFeatureTransformer,
    lesson_code.SklearnEcosystemPipeline,
    lesson_code.MatrixFactorization,
    lesson_code.MovieRanker,
]


@pytest.mark.parametrize("cls", CLASSES)
def test_docstrings_tell_every_parameter_and_its_default(cls):
    for name, parameter in inspect.signature(cls).parameters.items():
        told = re.search(rf"^    {name} : .*default=(\S+)", cls.__doc__, re.MULTILINE)
        assert told[1].strip('"') == str(parameter.default), name


@pytest.mark.parametrize(
    "file", ["lesson_code.py", "test_lesson.py", "README.md", "requirements.txt"]
)
def test_files_are_utf_8_with_unix_line_ends(file):
    data = (ROOT / file).read_bytes()
    data.decode("utf-8")
    assert b"\r" not in data
    assert data.endswith(b"\n")


def test_every_chapter_stands_in_the_table_of_the_readme():
    readme = README.read_text(encoding="utf-8")
    for chapter in (ROOT / "pillars").glob("[0-9]_*.py"):
        assert f"(pillars/{chapter.name})" in readme
