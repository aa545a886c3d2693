"""How long does reading a release take, against `pd.read_csv`?

    python benchmarks/read.py RELEASE

RELEASE is a folder with ratings.csv and movies.csv. `load_movielens` reads both, checks
every line, looks for pairs that were rated twice, and puts the columns of the movies
beside the ratings. `pd.read_csv` reads ratings.csv alone. The two run in turn, each in
a process of its own. CPU: seconds of all threads, imports not counted; "system" is the
part in which the operating system provides memory. Wall: seconds by the clock. Five
rounds, their ratios of CPU, and the median of these.
"""

import subprocess
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
CODE = """
import os, sys, time
import pandas
from lesson_code import load_movielens
clock = time.perf_counter()
began = os.times()
{}
now = os.times()
wall = time.perf_counter() - clock
print(now.user - began.user, now.system - began.system, wall)
"""
READERS = {
    "load_movielens": "load_movielens(sys.argv[1])",
    "pd.read_csv": "pandas.read_csv(sys.argv[1] + '/ratings.csv')",
}


def seconds(call, release):
    """Return user, system and wall seconds of a call in a process of its own."""
    command = [sys.executable, "-c", CODE.format(call), str(release)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [float(number) for number in run.stdout.split()]


def main():
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "ratings.csv").is_file():
        sys.exit(f"Expected one folder with a ratings.csv, got {sys.argv[1:]}.")
    release = Path(sys.argv[1]).resolve()

    ratios = []
    for number in range(1, 6):
        cpu = {}
        for name, call in READERS.items():
            user, system, wall = seconds(call, release)
            cpu[name] = user + system
            print(
                f"round {number}: {name:14} CPU {cpu[name]:5.2f} s "
                f"(system {system:4.2f}), wall {wall:5.2f} s",
                flush=True,
            )
        ratios.append(cpu["load_movielens"] / cpu["pd.read_csv"])
    rounds = " ".join(f"{ratio:.2f}" for ratio in ratios)
    print(
        f"CPU, load_movielens / pd.read_csv: {rounds} median {median(ratios):.2f}",
    )


if __name__ == "__main__":
    main()
