"""How long does the demo take, and how much memory?

    python benchmarks/lesson.py [--runs N]

It needs psutil. Two programs are measured, each as a whole process:
`python lesson_code.py`, and the plain recipe, `plain_recipe.py`. They run in turn,
so other load of the machine meets both. The figures are the median (least - greatest)
of the runs. Ratios are taken pair by pair, from two runs in a row; then their median.

* Wall time: from the start of the process to its end.
* CPU time: of the process and of all its children. Two measures are taken, and the
  greater one counts, because both can only miss time: what the system reports of
  children that have ended (on Windows: nothing), and samples of the processes while
  they live.
* Peak memory: of the process and all its children together, the greatest of samples 50
  ms apart. Pages that processes share are counted once. Linux reports the proportional
  set size (PSS): a page that n processes share counts 1/n in each. Elsewhere it is the
  unique set size (USS) or, where there is none, the resident set size (RSS), which
  counts shared pages twice. The heading names the one that was taken. Other processes
  that use the same libraries take their share of the PSS, so on a busy machine it comes
  out lower. Reading it slows the process down, so it is read only when the resident
  memory has grown by 1 %.
* Largest process: the greatest resident memory of one process. The plain recipe
  cross-validates in worker processes; they are in its peak memory.
* Test RMSE: in stars, on the same test rows. **The plain recipe's looks better than it
  is**: its averages were computed from all rows, test rows included. The last line
  shows its error with averages of training rows alone.

Importing the lesson is timed first, in fresh processes and without the interpreter's
start, beside the lines of `lesson_code.py` that import from scikit-learn and pandas.
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
#: Shared memory is read only when the resident memory has grown by this factor.
STEP = 1.01
MB = 1e6
#: The columns of the table of the demo, and the digits that they are printed with.
COLUMNS = {"wall": 2, "cpu": 2, "peak": 0, "largest": 0, "rmse": 4}


class TreeWatch(threading.Thread):
    """A thread that samples a process and its children.

    So the main thread can wait for the exact end.
    """

    def __init__(self, pid):
        super().__init__(daemon=True)
        import psutil

        self.psutil = psutil
        self.root = psutil.Process(pid)
        self.ended = threading.Event()
        # In bytes: the greatest resident sum, the peak memory, the largest process.
        self.height = 0
        self.peak = 0
        self.largest = 0
        self.kind = None  # of memory: PSS, USS or RSS
        self.cpu = {}  # seconds, by process

    def run(self):
        while not self.ended.wait(INTERVAL):
            self.sample()

    def sample(self):
        """Note CPU times, and shared memory where resident memory has a new height."""
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
        """Note the CPU time of a process so far, and return its resident bytes.

        They are 0 if it has just ended.
        """
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
        if hasattr(full, "pss"):
            self.kind = "PSS"
            return full.pss
        self.kind = "USS"
        return full.uss


def measure(command):
    """Run a command in an empty folder to its end, and return its figures."""
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output:
        before = os.times()
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, cwd=folder, env=environment)
        watch = TreeWatch(process.pid)
        watch.start()
        status = process.wait()
        wall = time.perf_counter() - started
        after = os.times()

        watch.ended.set()
        watch.join()
        output.seek(0)
        printed = output.read().decode("utf-8")
    if status:
        sys.exit(f"{' '.join(map(str, command))} ended with exit status {status}.")

    user = after.children_user - before.children_user
    system = after.children_system - before.children_system
    rmse = re.search(r"^ *RMSE: ([\d.]+)", printed, re.MULTILINE)[1]
    return {
        "wall": wall,
        "cpu": max(user + system, sum(watch.cpu.values())),
        "peak": watch.peak / MB,
        "largest": watch.largest / MB,
        "kind": watch.kind,
        "rmse": float(rmse),
    }


def import_lines():
    """Return the lines of the lesson that import from scikit-learn and pandas."""
    lines = []
    for path in [LESSON, *sorted((ROOT / "recommender").glob("*.py"))]:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            module = ""
            if isinstance(node, ast.Import):
                module = node.names[0].name
            elif isinstance(node, ast.ImportFrom):
                module = node.module or ""
            if module.split(".")[0] in ("sklearn", "pandas"):
                lines.append(ast.unparse(node))
    return "\n".join(lines)


def time_import(lines):
    """Return the seconds that import lines take in a fresh process: wall and CPU."""
    clocks = "time.perf_counter(), time.process_time()"
    code = f"""
import time
before = {clocks}
{lines}
after = {clocks}
print(after[0] - before[0], after[1] - before[1])
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    wall, cpu = run.stdout.split()
    return {"wall": float(wall), "cpu": float(cpu)}


def alternate(first, second, n_runs):
    """Return what `first` and `second` gave, called in turn `n_runs` times each."""
    of_first = []
    of_second = []
    for _ in range(n_runs):
        of_first.append(first())
        of_second.append(second())
    return of_first, of_second


def spread(values, digits):
    """Return median, least and greatest as text."""
    low = min(values)
    middle = statistics.median(values)
    high = max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} - {high:.{digits}f})"


def column(runs, name):
    """Return one figure of all runs."""
    return [run[name] for run in runs]


def ratios(over, under, name, digits):
    """Return the ratios of a figure, pair by pair, as text."""
    pairs = zip(column(over, name), column(under, name))
    return spread([a / b for a, b in pairs], digits)


def report_imports(n_runs):
    """Print how long the import of the lesson takes, beside what it imports."""
    parts_lines = import_lines()

    def time_lesson():
        return time_import("import lesson_code")

    def time_parts():
        return time_import(parts_lines)

    alternate(time_lesson, time_parts, 1)  # fills caches
    lesson, parts = alternate(time_lesson, time_parts, n_runs)
    rows = {
        "`import lesson_code`": lesson,
        "the scikit-learn and pandas parts it uses": parts,
    }
    print(f"| import, {n_runs} runs each | wall s | CPU s |")
    print("|---|---|---|")
    for title, runs in rows.items():
        wall = spread(column(runs, "wall"), 3)
        cpu = spread(column(runs, "cpu"), 3)
        print(f"| {title} | {wall} | {cpu} |")
    print()

    wall = ratios(lesson, parts, "wall", 3)
    cpu = ratios(lesson, parts, "cpu", 3)
    print(f"Wall time of the import, lesson / parts: {wall}; wanted: at most 1.10")
    print(f"CPU time of the import, lesson / parts: {cpu}\n", flush=True)


def report_demo(n_runs):
    """Print what the demo and the plain recipe take."""

    def measure_lesson():
        return measure([sys.executable, LESSON, "--output", "a.pkl"])

    def measure_plain():
        return measure([sys.executable, PLAIN])

    lesson, plain = alternate(measure_lesson, measure_plain, n_runs)
    memory = f"peak {lesson[0]['kind']} MB | largest process RSS MB"
    print(f"| demo, {n_runs} runs each | wall s | CPU s | {memory} | test RMSE |")
    print("|---|---|---|---|---|---|")
    for title, runs in {"lesson": lesson, "plain recipe": plain}.items():
        cells = []
        for name, digits in COLUMNS.items():
            cells.append(spread(column(runs, name), digits))
        print(f"| {title} | {' | '.join(cells)} |")
    print()

    wall = ratios(plain, lesson, "wall", 2)
    cpu = ratios(plain, lesson, "cpu", 2)
    peak = ratios(lesson, plain, "peak", 2)
    largest = ratios(lesson, plain, "largest", 2)
    print(f"Wall time, plain / lesson: {wall}; wanted: at least 10")
    print(f"CPU time, plain / lesson: {cpu}")
    print(f"Peak memory, lesson / plain: {peak}; wanted: at most 1.10")
    print(f"Largest process, lesson / plain: {largest}", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description="Measure the demo and the import of the lesson."
    )
    parser.add_argument(
        "--runs",
        type=int,
        default=3,
        metavar="N",
        help="of each program (default 3)",
    )
    parser.add_argument(
        "--imports",
        type=int,
        default=7,
        metavar="N",
        help="of the import (default 7)",
    )
    options = parser.parse_args()
    if min(options.runs, options.imports) < 1:
        parser.error("--runs and --imports must be at least 1.")
    try:
        import psutil  # noqa: F401
    except ImportError:
        parser.exit(
            2,
            "Memory and CPU time of processes are measured with psutil: "
            "pip install psutil\n",
        )

    report_imports(options.imports)
    report_demo(options.runs)
    honest = measure([sys.executable, PLAIN, "--honest"])["rmse"]
    print(
        "Test RMSE of the plain recipe when its averages come from training rows "
        f"alone: {honest:.4f}"
    )


if __name__ == "__main__":
    main()
