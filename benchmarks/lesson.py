"""Measure the whole demo, and what importing the lesson costs: `python benchmarks/lesson.py [--runs N]`.

Both sides are whole processes and run in turn, so that what else the machine does meets both: `python lesson_code.py`,
and the plain recipe of `benchmarks/plain_recipe.py`. The figures are the median (least - greatest) of the runs. Ratios
are taken pair by pair, from runs that followed each other, before their median is.

* Wall time: from the start of the process to its end.
* CPU time: of the process and all below it. The system tells it of ended children that were waited for (Windows: of
  none), the samples of all that lived when they were taken; both can only miss time, so the greater one counts.
* Peak memory: of the process and all below it together, the greatest of samples 50 ms apart. Pages that processes share
  are not counted twice: Linux tells the proportional set size (PSS), where a page that n processes map counts 1/n in
  each; elsewhere it is the unique set size (USS), or, where the system does not tell that, the resident one (RSS),
  which does count them twice. The heading names the one that was taken. Processes outside the tree that map the same
  libraries take their part of the PSS as well: on a busy machine it comes out lower. To spare the processes measured,
  it is read only when the resident memory has grown by a hundredth. The plain recipe cross-validates in worker
  processes, and they are in its peak; "largest process" is the resident memory of the largest process alone.
* Test RMSE: on the same test rows. **The plain recipe's looks better than it is**: its averages were taken over all
  rows, the test rows among them. The last line tells its error when they come from training rows alone.

The import is timed inside fresh processes, without the interpreter's start, against the lines of `lesson_code.py` that
import from scikit-learn and pandas. Needs psutil.
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
STEP = 1.01  # to read shared memory holds up the process it is read of, so that is done only when memory has grown
MB = 1e6


class TreeWatch(threading.Thread):
    """Samples a process and all below it: a thread, so that waiting for the end needs no polling and is exact."""

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
        """Note CPU times, and memory where the resident one, which costs nothing to read, is at a new height."""
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
        """Note the CPU time of a process so far; return its resident memory in bytes, 0 if it has just ended."""
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
        process = subprocess.Popen(command, stdout=output, cwd=folder, env={**os.environ, "PYTHONIOENCODING": "utf-8"})
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
        "wall": wall, "cpu": max(reaped, sum(watch.cpu.values())), "peak": watch.peak / MB,
        "largest": watch.largest / MB, "kind": watch.kind,
        "rmse": float(re.search(r"^ *RMSE: ([\d.]+)", printed, re.MULTILINE)[1]),
    }  # fmt: skip


def import_lines():
    """Return the lesson's own lines that import from scikit-learn and pandas, so that the two cannot drift apart."""
    lines = []
    for node in ast.parse(LESSON.read_text(encoding="utf-8")).body:
        module = getattr(node, "module", None) or (node.names[0].name if isinstance(node, ast.Import) else "")
        if module.split(".")[0] in ("sklearn", "pandas"):
            lines.append(ast.unparse(node))
    return "\n".join(lines)


def time_import(lines):
    """Return the wall and the CPU time, in seconds, that import lines take in a fresh process."""
    clocks = "time.perf_counter(), time.process_time()"
    code = f"import time\nbefore = {clocks}\n{lines}\nafter = {clocks}\nprint(*before, *after)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    *before, wall, cpu = map(float, run.stdout.split())
    return wall - before[0], cpu - before[1]


def alternate(first, second, n_runs):
    """Return what `first` and `second` gave, called in turn `n_runs` times each."""
    pairs = [(first(), second()) for _ in range(n_runs)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def spread(values, digits):
    low, middle, high = (f"{f(values):.{digits}f}" for f in (min, statistics.median, max))
    return f"{middle} ({low} - {high})"


def ratios(over, under):
    return [a / b for a, b in zip(over, under)]


def report_imports(n_runs):
    sides = lambda: time_import("import lesson_code"), lambda: time_import(import_lines())
    alternate(*sides, 1)  # fills caches
    lesson, parts = (list(zip(*runs)) for runs in alternate(*sides, n_runs))  # each: wall times, CPU times
    print(f"| import, {n_runs} runs each | wall s | CPU s |\n|---|---|---|")
    print(f"| `import lesson_code` | {spread(lesson[0], 3)} | {spread(lesson[1], 3)} |")
    print(f"| the scikit-learn and pandas parts it uses | {spread(parts[0], 3)} | {spread(parts[1], 3)} |\n")
    print(f"Wall time of the import, lesson / parts: {spread(ratios(lesson[0], parts[0]), 3)}; wanted: at most 1.10")
    print(f"CPU time of the import, lesson / parts: {spread(ratios(lesson[1], parts[1]), 3)}\n", flush=True)


def report_demo(n_runs):
    lesson, plain = alternate(
        lambda: measure([sys.executable, LESSON, "--output", "a.pkl"]), lambda: measure([sys.executable, PLAIN]), n_runs
    )
    kind = lesson[0]["kind"]
    print(f"| demo, {n_runs} runs each | wall s | CPU s | peak {kind} MB | largest process RSS MB | test RMSE |")
    print("|---|---|---|---|---|---|")
    columns = {"wall": 2, "cpu": 2, "peak": 0, "largest": 0, "rmse": 4}
    for name, runs in (("lesson", lesson), ("plain recipe", plain)):
        cells = [spread([run[column] for run in runs], digits) for column, digits in columns.items()]
        print(f"| {name} | {' | '.join(cells)} |")
    values = {column: ([run[column] for run in lesson], [run[column] for run in plain]) for column in columns}
    print(f"\nWall time, plain / lesson: {spread(ratios(*values['wall'][::-1]), 2)}; wanted: at least 8")
    print(f"CPU time, plain / lesson: {spread(ratios(*values['cpu'][::-1]), 2)}")
    print(f"Peak memory, lesson / plain: {spread(ratios(*values['peak']), 2)}; wanted: at most 1.10")
    print(f"Largest process, lesson / plain: {spread(ratios(*values['largest']), 2)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Measure the demo and the import of the lesson.")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="of each side of the demo (default 3)")
    parser.add_argument("--imports", type=int, default=7, metavar="N", help="of each side of the import (default 7)")
    options = parser.parse_args()
    if min(options.runs, options.imports) < 1:
        parser.error("--runs and --imports must be at least 1.")
    try:
        import psutil  # noqa: F401
    except ImportError:
        parser.exit(2, "Memory and CPU time of processes are measured with psutil: pip install psutil\n")
    report_imports(options.imports)
    report_demo(options.runs)
    honest = measure([sys.executable, PLAIN, "--honest"])["rmse"]
    print(f"Test RMSE of the plain recipe when its averages come from training rows alone: {honest:.4f}")


if __name__ == "__main__":
    main()
