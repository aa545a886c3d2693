"""The documentation is run: the docstrings' examples, the README's code, and what it says of the files."""

import ast
import doctest
import re

import pytest
from conftest import ROOT

import lesson_code

README = ROOT / "README.md"


def test_examples_in_docstrings_do_what_they_show():
    results = doctest.testmod(lesson_code)
    assert results.failed == 0
    assert results.attempted >= 10


def test_python_in_the_readme_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    names = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)


def test_files_that_the_readme_names_are_there():
    named = re.findall(r"`((?:tests|benchmarks|tools)/[\w./]*)", README.read_text(encoding="utf-8"))
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_no_function_is_longer_than_a_screen():
    tree = ast.parse((ROOT / "lesson_code.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            assert not body or body[-1].end_lineno - body[0].lineno < 40, node.name


def test_docstrings_name_the_parameters_that_there_are():
    for name in ("MovieRecommendationDataset", "UserMovieFeatureTransformer", "SklearnEcosystemPipeline"):
        cls = getattr(lesson_code, name)
        for parameter in cls.__init__.__code__.co_varnames[1 : cls.__init__.__code__.co_argcount]:
            assert parameter in cls.__doc__, f"{name}: {parameter}"


@pytest.mark.parametrize("file", ["lesson_code.py", "test_lesson.py", "README.md", "requirements.txt"])
def test_files_are_utf_8_with_unix_line_ends(file):
    data = (ROOT / file).read_bytes()
    data.decode("utf-8")
    assert b"\r" not in data
    assert data.endswith(b"\n")


def test_the_lesson_page_has_ten_checks():
    assert len(re.findall(r"^    def test_", (ROOT / "test_lesson.py").read_text(encoding="utf-8"), re.MULTILINE)) == 10
