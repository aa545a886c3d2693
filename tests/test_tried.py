"""The page with the answers to the tasks "Try it" fits the chapters.

Whether the outputs on it are right, `python tools/tried.py --check` says: it takes
minutes.
"""

import pytest
from repository import ROOT, load_module, paragraph_of

tried = load_module(ROOT / "tools" / "tried.py")
ANSWERS = tried.read_answers()
PRINTED = "two 0.2000   \n  300 requests, 17 mixed\n"


def test_every_chapter_has_an_answer():
    chapters = sorted(path.stem for path in tried.PILLARS.glob("[0-9]_*.py"))
    assert [answer.name for answer in ANSWERS] == chapters


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
def test_an_answer_has_the_title_and_the_task_of_its_chapter(answer):
    chapter = tried.PILLARS / f"{answer.name}.py"
    title = chapter.read_text(encoding="utf-8").splitlines()[1]
    assert title.startswith(f"# # {answer.heading}: ")
    assert " ".join(answer.task.split()) == paragraph_of(chapter, "Try it")


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
def test_a_change_can_be_made_and_leaves_a_program(answer):
    original = (tried.PILLARS / f"{answer.name}.py").read_text(encoding="utf-8")
    changed = tried.changed(answer)  # raises if a place is not there once
    compile(changed, answer.name, "exec")
    assert (changed == original) == (answer.kind == "sh")


@pytest.mark.parametrize("line", ["no such line", "#"], ids=["never", "many times"])
def test_a_change_whose_place_is_not_there_once_is_refused(line):
    answer = ANSWERS[0]._replace(change=f"-{line}\n+x = 1\n")
    with pytest.raises(ValueError, match=line):
        tried.changed(answer)


def test_a_line_that_was_not_printed_is_found():
    assert tried.not_printed("two 0.2000\n", PRINTED) == []
    assert tried.not_printed("two 0.3000\ntwo\n", PRINTED) == ["two 0.3000", "two"]


def test_dots_stand_for_what_differs_from_run_to_run():
    assert tried.not_printed("  300 requests, ... mixed\n", PRINTED) == []
    line = "  301 requests, ... mixed"
    assert tried.not_printed(line, PRINTED) == [line]
