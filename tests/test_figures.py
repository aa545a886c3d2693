"""The command that writes printed outputs in the documentation again, and tells where
they have drifted.
"""

import re
import sys

import pytest
from repository import ROOT, load_module

RESULT = "benchmarks/results/two.txt"
BLOCK = "# Page\n\n<!-- run: python {} -->\n```text\n{}\n```\n\nend\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of one page and one file of results, and the command on it.

    It returns the exit status, and the page as it is then.
    """
    figures = load_module(ROOT / "tools" / "figures.py")
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    (tmp_path / "benchmarks" / "README.md").write_text("nothing\n", encoding="utf-8")
    (tmp_path / "two.py").write_text(
        "import time\n"
        "print('one 0.1000 in', time.perf_counter(), 's')\n"
        "print('two ✓ 0.2000')\n",
        encoding="utf-8",
    )

    def run(page, *arguments, result=None):
        if result is not None:
            (tmp_path / RESULT).write_text(result, encoding="utf-8")
        (tmp_path / "README.md").write_text(page, encoding="utf-8")
        monkeypatch.setattr(sys, "argv", ["figures.py", *arguments])
        with pytest.raises(SystemExit) as ended:
            figures.main()
        return ended.value.code, (tmp_path / "README.md").read_text(encoding="utf-8")

    return run


TWO = "two.py | keep: two"
ONE_SCORE = r"two.py | times, scores: one \d\.\d{4}"


def test_a_block_is_written_as_its_command_prints_it(project):
    written = BLOCK.format(TWO, "two ✓ 0.2000")
    assert project(BLOCK.format(TWO, "old")) == (0, written)


def test_two_blocks_of_a_page_are_both_written(project):
    old = BLOCK.format(TWO, "a longer output\nthan it prints")
    written = BLOCK.format(TWO, "two ✓ 0.2000")
    assert project(old + old) == (0, written + written)


def test_a_command_finds_the_file_that_the_one_before_has_written(project, tmp_path):
    (tmp_path / "first.py").write_text("open('kept.txt', 'w').write('0.3000')\n")
    (tmp_path / "then.py").write_text("print('kept', open('kept.txt').read())\n")
    both = "first.py && python then.py"
    written = BLOCK.format(both, "kept 0.3000")
    assert project(BLOCK.format(both, "old")) == (0, written)


def test_the_page_on_real_movies_shows_the_command_that_its_mark_runs():
    page = (ROOT / "docs" / "real.md").read_text(encoding="utf-8")
    command = r"```sh\n(python lesson_code.py .+)\n```\n\n(?:<details.+\n\n)?<!-- run"
    shown = re.findall(command, page)
    marks = re.findall(r"<!-- run: (.+?)(?: \| .+)? -->", page)
    train = shown[0]
    assert marks == [train, *(f"{train} && {command}" for command in shown[1:])]


def test_a_block_that_has_drifted_is_shown_and_left(project, capsys):
    good = BLOCK.format(TWO, "two ✓ 0.2000")
    drifted = BLOCK.format(TWO, "two ✓ 0.3000")
    assert project(good, "--check") == (0, good)
    assert project(drifted, "--check") == (1, drifted)
    assert "two ✓ 0.2000" in capsys.readouterr().out


def test_a_table_up_to_its_end_mark_is_a_block_too(project):
    table = (
        "# Page\n\n<!-- run: python two.py | keep: two -->\n{}\n<!-- end -->\n\n"
        "rest\n```text\nnot ours\n```\n"
    )
    assert project(table.format("old")) == (0, table.format("two ✓ 0.2000"))


def test_slow_blocks_are_compared_only_on_request(project):
    drifted = BLOCK.format("two.py | slow, keep: two", "old")
    assert project(drifted, "--check")[0] == 0
    assert project(drifted, "--check", "--all")[0] == 1


def test_of_an_output_with_times_the_scores_are_compared(project):
    good = BLOCK.format(ONE_SCORE, "one 0.1000 in 17.5 s\ntwo ✓ 0.2000")
    drifted = BLOCK.format(ONE_SCORE, "one 0.1001 in 17.5 s\ntwo ✓ 0.2000")
    assert project(good, "--check")[0] == 0
    assert project(drifted, "--check")[0] == 1


def test_times_alone_are_not_compared(project):
    drifted = BLOCK.format("two.py | times", "old")
    assert project(drifted, "--check", "--all")[0] == 0


def test_a_block_is_taken_from_a_file_of_results(project):
    page = f"<!-- from: {RESULT} | keep: two -->\n```text\n{{}}\n```\n"
    result = "$ python three.py\none 0.1000\ntwo 0.2000\n"
    drifted = page.format("two 0.3000")
    assert project(drifted, "--check", result=result)[0] == 1
    written = page.format("two 0.2000")
    assert project(drifted, "--only", "results", result=result) == (0, written)


def test_a_file_of_results_is_compared_with_its_command_on_request(project):
    good = "$ python two.py | keep: two\ntwo ✓ 0.2000\n"
    drifted = "$ python two.py | keep: two\ntwo ✓ 0.3000\n"
    assert project("", "--check", result=drifted)[0] == 0
    assert project("", "--check", "--all", result=drifted)[0] == 1
    assert project("", "--check", "--all", result=good)[0] == 0


@pytest.mark.parametrize("source", ["python two.py", RESULT])
def test_every_figure_of_a_passage_must_be_printed(project, capsys, source):
    passage = f"<!-- figures: {source} -->\nOf two, {{}} (in 1999).\n<!-- end -->\n"
    result = "$ python three.py\ntwo 0.2000\n"
    assert project(passage.format("0.2000"), "--check", result=result)[0] == 0
    assert project(passage.format("0.2001"), "--check", result=result)[0] == 1
    assert "0.2001" in capsys.readouterr().out


def test_only_what_is_asked_for_is_run(project):
    drifted = BLOCK.format("two.py", "old")
    assert project(drifted, "--only", "three") == (0, drifted)


def test_the_figures_of_the_documentation_have_marks():
    for page in [
        "README.md",
        "benchmarks/README.md",
        "docs/design.md",
        "docs/the_run_explained.md",
    ]:
        assert "<!-- figures: " in (ROOT / page).read_text(encoding="utf-8"), page
    for result in (ROOT / "benchmarks" / "results").glob("*.txt"):
        assert result.read_text(encoding="utf-8").startswith("$ python "), result


def test_the_figures_in_the_comments_of_the_lesson_are_printed_by_a_command():
    lesson = (ROOT / "lesson_code.py").read_text(encoding="utf-8")
    comments = "\n".join(re.findall(r"^ *#.*$", lesson, re.MULTILINE))
    figures = re.findall(r"\b\d\.\d{4}\b", comments)
    assert len(figures) > 5
    # README has the demo's lines, which `figures.py --check` compares with the demo.
    pages = ["README.md", "benchmarks/results/compare.txt", "benchmarks/README.md"]
    printed = "".join((ROOT / page).read_text(encoding="utf-8") for page in pages)
    assert [figure for figure in figures if figure not in printed] == []
