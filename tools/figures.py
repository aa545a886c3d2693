"""Write the printed outputs in README, docs and benchmarks again, or check them.

    python tools/figures.py [--check [--all]] [--only WORD]

Without `--check`, outputs are written as their commands print them, so that no figure
is copied by hand. With it nothing is written, and what has drifted is shown. There are
four places for figures:

* A file in `benchmarks/results/` begins with a line such as
  `$ python benchmarks/ablation.py ml-latest-small`; the rest is what it prints.
* A block of output, or a table up to `<!-- end -->`, follows a line such as
  `<!-- run: python benchmarks/tables.py ml-latest-small -->`.
* A block that follows `<!-- from: benchmarks/results/ablation.txt -->` is taken from
  this file.
* A passage between `<!-- figures: python lesson_code.py -->` and `<!-- end -->` is
  written by hand. Each figure of four decimals in it must be in what the command
  prints, or in one of the files that are named there. It is only checked.

A bar and options may follow, with commas between them:

* slow: the command takes more than about 20 seconds. It is checked with `--all` only,
  and so are all files of results.
* times: the output differs from run to run. Only the scores in it are compared.
* scores: REGEX: these parts of the output are scores.
* keep: REGEX: only lines that match are taken.

`ml-latest-small` stands for the folder that the environment variable MOVIELENS names;
without it such commands are left out. Where a command needs a file that another one
writes, both stand in the mark with ` && ` between them; the last one prints the output.
"""

import argparse
import atexit
import functools
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = "ml-latest-small"  # stands for the release in the commands
RELEASE = Path(os.environ.get("MOVIELENS", ROOT.parent / "shared" / "data" / EXAMPLE))
BLOCK = re.compile(
    r"<!-- (?P<kind>run|from): (?P<source>.*?)(?: \| (?P<options>.*?))? -->\n+"
    r"(```text\n)?(?P<output>.*?)(?=```|<!-- end -->)",
    re.DOTALL,
)
PASSAGE = re.compile(
    r"<!-- (?P<kind>figures): (?P<source>.*?)(?: \| (?P<options>.*?))? -->\n"
    r"(?P<output>.*?)<!-- end -->",
    re.DOTALL,
)
RESULT = re.compile(
    r"\A\$ (?P<source>.*?)(?: \| (?P<options>.*?))?\n(?P<output>.*)", re.DOTALL
)
FIGURE = re.compile(r"\d+\.\d{4}(?!\d)")


class Place(NamedTuple):
    """A place in a file that holds what a command prints."""

    file: Path
    kind: str  # "run", "from", "figures" or "result"
    source: str  # the command, or the names of files
    options: dict
    output: str
    start: int  # where the output begins in the text of the file


def read_options(text):
    """Return the options behind the bar as a dict."""
    options = {}
    for part in re.split(r", (?=slow|times|keep: |scores: )", text or ""):
        name, _, value = part.partition(": ")
        options[name] = value
    return options


def places_of(file):
    """Return the places of a page, last first, or the one of a file of results.

    Last first, so that writing one does not move those that are still to be written.
    """
    text = file.read_text(encoding="utf-8")
    patterns = [RESULT] if file.suffix == ".txt" else [BLOCK, PASSAGE]
    places = []
    for pattern in patterns:
        for match in pattern.finditer(text):
            options = read_options(match["options"])
            kind = match.groupdict().get("kind", "result")
            start = match.start("output")
            place = Place(file, kind, match["source"], options, match["output"], start)
            places.append(place)
    return sorted(places, key=lambda place: -place.start)


@functools.cache
def run(command):
    """Return what a command prints, run in a folder of its own.

    It may be several commands, with ` && ` between them: then what the last one prints.
    """
    *before, last = command.split(" && ")
    if before:
        return run_in(prepared_by(tuple(before)), last)
    with tempfile.TemporaryDirectory() as folder:
        return run_in(folder, last)


@functools.cache
def prepared_by(commands):
    """Return the folder where some commands were run, once for all that build on it."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    for command in commands:
        run_in(folder, command)
    return folder


def run_in(folder, command):
    """Run one command in a folder; return what it prints."""
    words = shlex.split(command)
    arguments = [str(RELEASE) if word == EXAMPLE else word for word in words[2:]]
    done = subprocess.run(
        [sys.executable, str(ROOT / words[1]), *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        check=True,
    )
    return done.stdout.decode()


def printed(place):
    """Return what stands behind the figures of a place: output, or files of results."""
    if place.source.startswith("python "):
        text = run(place.source)
    else:
        texts = []
        for name in place.source.split():
            result = RESULT.match((ROOT / name).read_text(encoding="utf-8"))
            texts.append(result["output"])
        text = "\n".join(texts)
    lines = [line.rstrip() for line in text.rstrip().splitlines()]
    if "keep" in place.options:
        lines = [line for line in lines if re.search(place.options["keep"], line)]
    return "\n".join(lines) + "\n"


def is_left_out(place, options):
    """Return True if a place is neither written nor checked."""
    if options.only not in place.source:
        return True
    if EXAMPLE in place.source.split() and not RELEASE.exists():
        return True
    if not options.check:
        return place.kind == "figures"
    if "times" in place.options and "scores" not in place.options:
        return True
    is_slow = place.kind == "result" or "slow" in place.options
    return is_slow and not options.all


def what_drifted(place, output):
    """Return what differs from the output, as text; "" if nothing does."""
    if place.kind == "figures":
        there = set(FIGURE.findall(output))
        missing = [it for it in FIGURE.findall(place.output) if it not in there]
        return ", ".join(missing)
    before = place.output
    after = output
    if "times" in place.options:
        before = scores_of(place, before)
        after = scores_of(place, after)
    return after if before != after else ""


def scores_of(place, output):
    """Return the parts of an output that are scores, one in a line."""
    matches = re.finditer(place.options["scores"], output, re.MULTILINE)
    return "\n".join(match[0] for match in matches)


def write(place, output):
    """Put an output in its place."""
    text = place.file.read_text(encoding="utf-8")
    end = place.start + len(place.output)
    text = text[: place.start] + output + text[end:]
    place.file.write_text(text, encoding="utf-8", newline="\n")


def main():
    """Go through all files; exit with 1 if --check finds a place that has drifted."""
    parser = argparse.ArgumentParser(
        description="Write printed outputs in the documentation again, or check them."
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; fail if what a quick command prints has drifted",
    )
    parser.add_argument(
        "--all", action="store_true", help="check slow commands, too (an hour)"
    )
    parser.add_argument(
        "--only",
        default="",
        metavar="WORD",
        help="only commands and files whose name contains this word",
    )
    options = parser.parse_args()

    # Results come first: blocks are taken from them.
    files = sorted((ROOT / "benchmarks" / "results").glob("*.txt"))
    files.append(ROOT / "README.md")
    files += sorted((ROOT / "docs").glob("*.md"))
    files.append(ROOT / "benchmarks" / "README.md")
    has_drifted = False
    for file in files:
        for place in places_of(file):
            if is_left_out(place, options):
                continue
            print(f"{file.relative_to(ROOT)}: {place.source}", flush=True)
            output = printed(place)
            if not options.check:
                write(place, output)
                continue
            drifted = what_drifted(place, output)
            if drifted:
                has_drifted = True
                verb = "printed"
                if place.kind == "figures":
                    verb = "not printed"
                print(f"  has drifted; {verb}:\n{drifted}")
    sys.exit(1 if has_drifted else 0)


if __name__ == "__main__":
    main()
