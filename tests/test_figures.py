"""The command that writes printed outputs in the documentation again, and tells where
they have drifted.
"""

import importlib.util
import sys

import pytest
from conftest import ROOT

SPEC = importlib.util.spec_from_file_location("figures", ROOT / "tools" / "figures.py")
BLOCK = "# Page\n\n<!-- run: python {} -->\n```text\n{}\n```\n\nend\n"


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A project of one page, and the command on it: returns its exit status."""
    figures = importlib.util.module_from_spec(SPEC)
    SPEC.loader.exec_module(figures)
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    for name in ("docs", "benchmarks"):
        (tmp_path / name).mkdir()
    (tmp_path / "benchmarks" / "README.md").write_text("nothing\n", encoding="utf-8")
    (tmp_path / "two.py").write_text(
        "print('one 1')\nprint('two ✓ 2')\n", encoding="utf-8"
    )

    def run(text, *arguments):
        (tmp_path / "README.md").write_text(text, encoding="utf-8")
        monkeypatch.setattr(sys, "argv", ["figures.py", *arguments])
        with pytest.raises(SystemExit) as ended:
            figures.main()
        return ended.value.code, (tmp_path / "README.md").read_text(encoding="utf-8")

    return run


def test_a_block_is_written_as_its_command_prints_it(page):
    assert page(BLOCK.format("two.py", "old")) == (
        0,
        BLOCK.format("two.py", "one 1\ntwo ✓ 2"),
    )
    assert page(BLOCK.format("two.py | keep: two", "old")) == (
        0,
        BLOCK.format("two.py | keep: two", "two ✓ 2"),
    )


def test_a_block_that_has_drifted_is_told_and_left(page, capsys):
    good = BLOCK.format("two.py", "one 1\ntwo ✓ 2")
    drifted = BLOCK.format("two.py", "one 2\ntwo ✓ 2")
    assert page(good, "--check") == (0, good)
    assert page(drifted, "--check") == (1, drifted)
    assert "has drifted" in capsys.readouterr().out


def test_a_table_up_to_its_end_mark_is_a_block_too(page):
    table = (
        "# Page\n\n<!-- run: python two.py | keep: one -->\n{}\n<!-- end -->\n\n"
        "rest\n```text\nnot ours\n```\n"
    )
    assert page(table.format("old")) == (0, table.format("one 1"))


@pytest.mark.parametrize("how", ["slow", "times"])
def test_slow_blocks_and_times_are_not_compared(page, how):
    drifted = BLOCK.format(f"two.py | {how}", "old")
    assert page(drifted, "--check") == (0, drifted)


def test_only_what_is_asked_for_is_run(page):
    drifted = BLOCK.format("two.py", "old")
    assert page(drifted, "--only", "three") == (0, drifted)


def test_the_quick_figures_of_the_documentation_are_blocks_of_their_commands():
    for page_of, commands in {"README.md": 1, "benchmarks/README.md": 14}.items():
        assert (ROOT / page_of).read_text(encoding="utf-8").count(
            "<!-- run: python "
        ) >= commands
