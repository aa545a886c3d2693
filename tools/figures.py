"""Write the printed outputs in README, docs and benchmarks again.

    python tools/figures.py [--check] [--only WORD]

A block of output (or a table, up to `<!-- end -->`) follows a line such as
`<!-- run: python benchmarks/tables.py ml-latest-small | slow -->`. This command runs it
and puts what it prints into the block, so that no figure is copied by hand. Behind the
bar: first `slow` (over a few seconds) or `times` (it prints times, which differ from
run to run); last, `keep: REGEX` takes the lines that match. With `--check` nothing is
written: blocks that are neither slow nor have times are run, and must stand as they are
printed.

`ml-latest-small` stands for the folder that the environment variable MOVIELENS names;
without it such blocks are left.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = "ml-latest-small"  # stands for the release in the commands
RELEASE = Path(os.environ.get("MOVIELENS", ROOT.parent / "shared" / "data" / EXAMPLE))
BLOCK = re.compile(
    r"<!-- run: (?P<command>.*?)(?: \| (?P<options>.*?))? -->\n+(```text\n)?"
    r"(?P<output>.*?)(?=```|<!-- end -->)",
    re.DOTALL,
)


def printed(command, keep):
    """Return what a command prints, run in a folder of its own.

    `keep` is a regular expression: only lines that match are returned. None: all lines.
    """
    words = shlex.split(command)
    script = ROOT / words[1]
    arguments = [str(RELEASE) if word == EXAMPLE else word for word in words[2:]]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [sys.executable, str(script), *arguments],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        )

    lines = [line.rstrip() for line in run.stdout.decode().rstrip().splitlines()]
    if keep is not None:
        lines = [line for line in lines if re.search(keep, line)]
    return "\n".join(lines) + "\n"


def is_left(block, options):
    """Return True if the command of a block is not to be run."""
    command = block["command"]
    if options.only not in command:
        return True
    if EXAMPLE in command and not RELEASE.exists():
        return True
    is_slow = re.match("slow|times", block["options"] or "")
    return bool(options.check and is_slow)


def main():
    """Go through all files; exit with 1 if --check finds a block that has drifted."""
    parser = argparse.ArgumentParser(
        description="Write printed outputs in the documentation again."
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; fail if a quick block has drifted",
    )
    parser.add_argument(
        "--only",
        default="",
        metavar="WORD",
        help="only commands that contain this word",
    )
    options = parser.parse_args()

    pages = [ROOT / "README.md"]
    pages += sorted((ROOT / "docs").glob("*.md"))
    pages.append(ROOT / "benchmarks" / "README.md")
    has_drifted = False
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for block in BLOCK.finditer(text):
            if is_left(block, options):
                continue
            print(f"{page.relative_to(ROOT)}: {block['command']}", flush=True)
            keep = None
            wanted = re.search("keep: (.*)", block["options"] or "")
            if wanted:
                keep = wanted[1]
            output = printed(block["command"], keep)

            if not options.check:
                head = text[block.start() : block.start("output")]
                # The page is read again: earlier blocks of it have been written.
                written = page.read_text(encoding="utf-8")
                written = written.replace(block[0], head + output)
                page.write_text(written, encoding="utf-8", newline="\n")
            elif output != block["output"]:
                has_drifted = True
                print(f"  has drifted; it prints:\n{output}")
    if has_drifted:
        sys.exit(1)
    sys.exit(0)


if __name__ == "__main__":
    main()
