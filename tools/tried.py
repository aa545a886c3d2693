"""Make the changes of docs/tried.md in the chapters, and run what comes of them.

    python tools/tried.py [--check] [--only NAME]

The tasks "Try it" of the chapters are answered on that page: for each chapter there is
a change, as a diff, and some lines of what the changed chapter prints. Each change is
made in a copy, and the copy is run. All its output is shown, or, with `--check`, only
the lines of the page that it has not printed. "..." in a line of the page stands for
what differs from run to run. All chapters take five to ten minutes.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PILLARS = ROOT / "pillars"
PAGE = ROOT / "docs" / "tried.md"
SECTION = re.compile(
    r"^## (?P<heading>.+)\n\n"
    r"\[.*\]\(\.\./pillars/(?P<name>\w+)\.py\): (?P<task>(?:.+\n)+)\n"
    r"```(?P<kind>diff|sh)\n(?P<change>(?:.*\n)+?)```\n\n"
    r"```text\n(?P<output>(?:.*\n)+?)```\n",
    re.MULTILINE,
)


class Answer(NamedTuple):
    """The answer to the task of a chapter."""

    heading: str
    name: str  # of the chapter, without .py
    task: str
    kind: str  # "diff", or "sh" for a command without a change
    change: str
    output: str


def read_answers():
    """Return the answers of the page."""
    text = PAGE.read_text(encoding="utf-8")
    return [Answer(**match.groupdict()) for match in SECTION.finditer(text)]


def parts_of(diff):
    """Return what a diff replaces, and by what: pairs of texts of whole lines.

    A line "@@" divides the diff: what is between two of them is one place.
    """
    pairs = []
    for place in diff.split("@@\n"):
        lines = place.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in "- ")
        after = "".join(line[1:] for line in lines if line[0] in "+ ")
        pairs.append((before, after))
    return pairs


def changed(answer):
    """Return the text of the chapter with the change."""
    text = (PILLARS / f"{answer.name}.py").read_text(encoding="utf-8")
    if answer.kind == "sh":
        return text
    for before, after in parts_of(answer.change):
        n_places = text.count(f"\n{before}")
        if n_places != 1:
            raise ValueError(f"{answer.name}.py: must be there once:\n{before}")
        text = text.replace(f"\n{before}", f"\n{after}")
    return text


def run(answer):
    """Return what the changed chapter prints, warnings too. It has its own folder."""
    arguments = []
    if answer.kind == "sh":
        arguments = shlex.split(answer.change)[2:]  # after "python pillars/..."
    settings = {
        "PYTHONPATH": str(PILLARS),
        "PYTHONIOENCODING": "utf-8",
        "PICTURES": "pictures",
    }
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / f"{answer.name}.py"
        script.write_text(changed(answer), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, script.name, *arguments],
            cwd=folder,
            env=os.environ | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
    if done.returncode:
        sys.exit(f"{done.stdout}\n{answer.name}.py: the changed chapter fails.")
    return done.stdout


def not_printed(output, printed):
    """Return the lines of the page's output that are not in what was printed."""
    lines = [line.rstrip() for line in printed.splitlines()]
    missing = []
    for line in output.splitlines():
        pattern = ".*".join(map(re.escape, line.rstrip().split("...")))
        if not any(re.fullmatch(pattern, candidate) for candidate in lines):
            missing.append(line)
    return missing


def main():
    """Try all changes; exit with 1 if --check misses a line of the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="is the page right?")
    parser.add_argument(
        "--only",
        default="",
        metavar="NAME",
        help="only chapters whose name contains this, such as 7_parts",
    )
    options = parser.parse_args()
    is_right = True
    for answer in read_answers():
        if options.only not in answer.name:
            continue
        print(f"{answer.name}.py, changed", flush=True)
        printed = run(answer)
        if not options.check:
            print(printed)
            continue
        for line in not_printed(answer.output, printed):
            is_right = False
            print(f"  not printed: {line}")
    sys.exit(0 if is_right else 1)


if __name__ == "__main__":
    main()
