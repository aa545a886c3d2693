"""Write the printed outputs in README, docs and benchmarks again: `python tools/figures.py [--check] [--only WORD]`.

A block of output (or a table, up to `<!-- end -->`) follows a line such as
`<!-- run: python benchmarks/tables.py ml-latest-small | slow -->`. This command
runs it and puts what it prints into the block, so that no figure is copied by hand. Behind the bar: first `slow` (over a few
seconds) or `times` (it prints times, which differ from run to run); last, `keep: REGEX` takes the lines that match. With
`--check` nothing is written: blocks that are neither slow nor have times are run, and must stand as they are printed.

`ml-latest-small` stands for the folder that the environment variable MOVIELENS names; without it such blocks are left.
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
RELEASE = Path(
    os.environ.get("MOVIELENS", ROOT.parent / "shared" / "data" / "ml-latest-small")
)
BLOCK = re.compile(
    r"<!-- run: (?P<command>.*?)(?: \| (?P<how>.*?))? -->\n+(```text\n)?(?P<output>.*?)(?=```|<!-- end -->)",
    re.DOTALL,
)


def printed(command, keep):
    """Return what a command prints, run in a folder of its own."""
    words = [
        str(RELEASE) if word == "ml-latest-small" else word
        for word in shlex.split(command)
    ]
    script = str(ROOT / words[1])
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "PYTHONIOENCODING": "utf-8",
        }
        run = subprocess.run(
            [sys.executable, script, *words[2:]],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        )
    lines = run.stdout.decode().rstrip().splitlines()
    return (
        "\n".join(
            line.rstrip() for line in lines if keep is None or re.search(keep, line)
        )
        + "\n"
    )


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
    options, drifted = parser.parse_args(), 0
    for file in [
        ROOT / "README.md",
        *sorted((ROOT / "docs").glob("*.md")),
        ROOT / "benchmarks" / "README.md",
    ]:
        text = file.read_text(encoding="utf-8")
        for block in BLOCK.finditer(text):
            command, how = block["command"], block["how"] or ""
            skipped = options.only not in command or (
                "ml-latest-small" in command and not RELEASE.exists()
            )
            if skipped or (options.check and re.match("slow|times", how)):
                continue
            print(f"{file.relative_to(ROOT)}: {command}", flush=True)
            keep = re.search("keep: (.*)", how)
            found = printed(command, keep and keep[1])
            if options.check and found != block["output"]:
                drifted += 1
                print(f"  has drifted; it prints:\n{found}")
            if not options.check:
                now = file.read_text(encoding="utf-8")
                head = text[block.start() : block.start("output")]
                file.write_text(
                    now.replace(block[0], head + found), encoding="utf-8", newline="\n"
                )
    sys.exit(1 if drifted else 0)


if __name__ == "__main__":
    main()
