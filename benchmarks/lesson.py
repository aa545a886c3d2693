"""How long does the demo take, and how much memory? `python benchmarks/lesson.py [--runs N]` (needs psutil)

Two programs are measured, each as a whole process: `python lesson_code.py`, and the plain recipe,
`benchmarks/plain_recipe.py`. They run in turn, so other load of the machine meets both. The figures are the
median (least - greatest) of the runs. Ratios are taken pair by pair, from two runs in a row; then their
median.

* Wall time: from the start of the process to its end.
* CPU time: of the process and of all its children. Two measures are taken, and the greater one counts,
  because both can only miss time: what the system reports of children that have ended (on Windows: nothing),
  and samples of the processes while they live.
* Peak memory: of the process and all its children together, the greatest of samples 50 ms apart. Pages that
  processes share are counted once. Linux reports the proportional set size (PSS): a page that n processes
  share counts 1/n in each. Elsewhere it is the unique set size (USS) or, where there is none, the resident
  set size (RSS), which counts shared pages twice. The heading names the one that was taken. Other processes
  that use the same libraries take their share of the PSS, so on a busy machine it comes out lower. Reading it
  slows the process down, so it is read only when the resident memory has grown by 1 %.
* Largest process: the greatest resident memory of one process. The plain recipe cross-validates in worker
  processes; they are in its peak memory.
* Test RMSE: in stars, on the same test rows. **The plain recipe's looks better than it is**: its averages
  were computed from all rows, test rows included. The last line shows its error with averages of training
  rows alone.

Importing the lesson is timed first, in fresh processes and without the interpreter's start, beside the lines
of `lesson_code.py` that import from scikit-learn and pandas.
"""

import argparse
import ast
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LESSON = ROOT / "lesson_code.py"
PLAIN = ROOT / "benchmarks" / "plain_recipe.py"
INTERVAL = 0.05  # seconds between two samples of the process tree
STEP = (
    1.01  # shared memory is read only when the resident memory has grown by this factor
)
MB = 1e6


class TreeWatch(threading.Thread):
    """A thread that samples a process and its children. So the main thread can wait for the exact end."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        import psutil

        self.psutil, self.root = psutil, psutil.Process(pid)
        self.ended = threading.Event()
        self.height = self.peak = self.largest = 0  # bytes
        self.kind, self.cpu = None, {}

    def run(self):
        while not self.ended.wait(INTERVAL):
            self.sample()

    def sample(self):
        """Note CPU times, and the shared memory if the resident memory is at a new height."""
        try:
            tree = [self.root, *self.root.children(recursive=True)]
        except self.psutil.Error:  # it has ended
            return
        resident = [self.look_at(process) for process in tree]
        self.largest = max(self.largest, *resident)
        if sum(resident) > STEP * self.height:
            self.height = sum(resident)
            self.peak = max(self.peak, sum(self.size(process) for process in tree))

    def look_at(self, process):
        """Note the CPU time of a process so far; return its resident bytes, 0 if it has just ended."""
        try:
            with process.oneshot():
                times = process.cpu_times()
                self.cpu[process] = times.user + times.system
                return process.memory_info().rss
        except self.psutil.Error:
            return 0

    def size(self, process):
        """Return the memory of a process in bytes, and note its kind."""
        try:
            try:
                full = process.memory_full_info()
            except self.psutil.AccessDenied:
                self.kind = "RSS"
                return process.memory_info().rss
        except self.psutil.Error:  # it has just ended
            return 0
        self.kind = "PSS" if hasattr(full, "pss") else "USS"
        return full.pss if hasattr(full, "pss") else full.uss


def measure(command):
    """Run a command in an empty folder to its end, and return its figures."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output:
        before, started = os.times(), time.perf_counter()
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
        process = subprocess.Popen(command, stdout=output, cwd=folder, env=environment)
        watch = TreeWatch(process.pid)
        watch.start()
        status, wall, after = process.wait(), time.perf_counter() - started, os.times()
        watch.ended.set()
        watch.join()
        output.seek(0)
        printed = output.read().decode("utf-8")
    if status:
        sys.exit(f"{' '.join(map(str, command))} ended with exit status {status}.")
    reaped = sum(after[2:4]) - sum(before[2:4])  # user and system time of children
    return {
        "wall": wall,
        "cpu": max(reaped, sum(watch.cpu.values())),
        "peak": watch.peak / MB,
        "largest": watch.largest / MB,
        "kind": watch.kind,
        "rmse": float(re.search(r"^ *RMSE: ([\d.]+)", printed, re.MULTILINE)[1]),
    }


def import_lines():
    """Return the lines of `lesson_code.py` that import from scikit-learn and pandas."""
    lines = []
    for node in ast.parse(LESSON.read_text(encoding="utf-8")).body:
        first = node.names[0].name if isinstance(node, ast.Import) else ""
        module = getattr(node, "module", None) or first
        if module.split(".")[0] in ("sklearn", "pandas"):
            lines.append(ast.unparse(node))
    return "\n".join(lines)


def time_import(lines):
    """Return the wall and the CPU time, in seconds, that import lines take in a fresh process."""
    clocks = "time.perf_counter(), time.process_time()"
    code = f"import time\nbefore = {clocks}\n{lines}\nafter = {clocks}\nprint(*before, *after)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    *before, wall, cpu = map(float, run.stdout.split())
    return wall - before[0], cpu - before[1]


def alternate(first, second, n_runs):
    """Return what `first` and `second` gave, called in turn `n_runs` times each."""
    pairs = [(first(), second()) for _ in range(n_runs)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def spread(values, digits):
    low, middle, high = (
        f"{f(values):.{digits}f}" for f in (min, statistics.median, max)
    )
    return f"{middle} ({low} - {high})"


def ratios(over, under):
    return [a / b for a, b in zip(over, under)]


def report_imports(n_runs):
    sides = (
        lambda: time_import("import lesson_code"),
        lambda: time_import(import_lines()),
    )
    alternate(*sides, 1)  # fills caches
    lesson, parts = (
        list(zip(*runs)) for runs in alternate(*sides, n_runs)
    )  # each: wall times, CPU times
    print(f"| import, {n_runs} runs each | wall s | CPU s |\n|---|---|---|")
    print(f"| `import lesson_code` | {spread(lesson[0], 3)} | {spread(lesson[1], 3)} |")
    print(
        f"| the scikit-learn and pandas parts it uses | {spread(parts[0], 3)} | {spread(parts[1], 3)} |\n"
    )
    wall, cpu = (spread(ratios(lesson[clock], parts[clock]), 3) for clock in (0, 1))
    print(f"Wall time of the import, lesson / parts: {wall}; wanted: at most 1.10")
    print(f"CPU time of the import, lesson / parts: {cpu}\n", flush=True)


def report_demo(n_runs):
    commands = [sys.executable, LESSON, "--output", "a.pkl"], [sys.executable, PLAIN]
    lesson, plain = alternate(
        lambda: measure(commands[0]), lambda: measure(commands[1]), n_runs
    )
    memory = f"peak {lesson[0]['kind']} MB | largest process RSS MB"
    print(f"| demo, {n_runs} runs each | wall s | CPU s | {memory} | test RMSE |")
    print("|---|---|---|---|---|---|")
    columns = {"wall": 2, "cpu": 2, "peak": 0, "largest": 0, "rmse": 4}
    for name, runs in (("lesson", lesson), ("plain recipe", plain)):
        cells = [
            spread([run[column] for run in runs], digits)
            for column, digits in columns.items()
        ]
        print(f"| {name} | {' | '.join(cells)} |")
    values = {
        name: ([run[name] for run in lesson], [run[name] for run in plain])
        for name in columns
    }
    print(
        f"\nWall time, plain / lesson: {spread(ratios(*values['wall'][::-1]), 2)}; wanted: at least 10"
    )
    print(f"CPU time, plain / lesson: {spread(ratios(*values['cpu'][::-1]), 2)}")
    print(
        f"Peak memory, lesson / plain: {spread(ratios(*values['peak']), 2)}; wanted: at most 1.10"
    )
    print(
        f"Largest process, lesson / plain: {spread(ratios(*values['largest']), 2)}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(
        description="Measure the demo and the import of the lesson."
    )
    parser.add_argument(
        "--runs", type=int, default=3, metavar="N", help="of each program (default 3)"
    )
    parser.add_argument(
        "--imports", type=int, default=7, metavar="N", help="of the import (default 7)"
    )
    options = parser.parse_args()
    if min(options.runs, options.imports) < 1:
        parser.error("--runs and --imports must be at least 1.")
    try:
        import psutil  # noqa: F401
    except ImportError:
        parser.exit(
            2,
            "Memory and CPU time of processes are measured with psutil: pip install psutil\n",
        )
    report_imports(options.imports)
    report_demo(options.runs)
    honest = measure([sys.executable, PLAIN, "--honest"])["rmse"]
    print(
        f"Test RMSE of the plain recipe when its averages come from training rows alone: {honest:.4f}"
    )


if __name__ == "__main__":
    main()
