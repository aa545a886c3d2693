"""What `python -m pytest exercises` says before and after its checks, and how it reads your programs."""

import sys
import types
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # the folder of lesson_code
NAMES = ["first", *sorted(path.stem for path in HERE.glob("[0-9]_*.py"))]


def asked_for(config):
    return any("exercises" in str(path) for path in config.args)


def pytest_ignore_collect(collection_path, config):
    """Check exercises where they are asked for: a plain `pytest` in the folder runs the ten."""
    return None if asked_for(config) else True


def pytest_addoption(parser):
    parser.addoption(
        "--solutions", action="store_true", help="check exercises/solutions/ instead"
    )


def pytest_configure(config):
    config.option.reportchars = config.option.reportchars.replace(
        "fE", ""
    )  # messages are shown once
    if config.option.tbstyle == "auto":
        config.option.tbstyle = "short"


def pytest_report_header(config):
    if config.option.solutions:
        return f"checking the solutions of {len(NAMES)} exercises"
    to_do = [
        name
        for name in NAMES
        if "# TODO" in (HERE / f"{name}.py").read_text(encoding="utf-8")
    ]
    return [
        f"{len(NAMES)} exercises, small broken programs; {len(to_do)} still have their TODO.",
        "Open one, read the task at its top, mend the line with the TODO, and run this again.",
        "One exercise alone: python -m pytest exercises -k first. Stuck? exercises/README.md",
    ]


@pytest.fixture
def exercise(request):
    """The program that a test is named after, run from its file; its functions are attributes."""
    name = request.node.name.removeprefix("test_")
    return read(
        HERE / ("solutions" if request.config.option.solutions else "") / f"{name}.py"
    )


def read(path):
    module = types.ModuleType(path.stem)
    try:
        program = compile(path.read_text(encoding="utf-8"), str(path), "exec")
    except SyntaxError as error:
        pytest.fail(
            f"{path.name}, line {error.lineno}: this is not Python: {error.msg}",
            pytrace=False,
        )
    exec(program, vars(module))
    return module


def pytest_terminal_summary(terminalreporter, config):
    if not asked_for(config):
        return
    kinds = ("passed", "failed", "error")
    reports = [report for kind in kinds for report in terminalreporter.getreports(kind)]
    passed = {
        report.nodeid.rpartition("::test_")[2] for report in reports if report.passed
    }
    checked = {report.nodeid.rpartition("::test_")[2] for report in reports}
    open_ones = [name for name in NAMES if name in checked - passed]
    terminalreporter.section("exercises")
    terminalreporter.line(
        f"Solved: {len(passed)} of the {len(checked)} checked here ({len(NAMES)} in all)."
    )
    if open_ones:
        task = (
            (HERE / f"{open_ones[0]}.py")
            .read_text(encoding="utf-8")
            .splitlines()[0]
            .strip('"')
        )
        terminalreporter.line(f"Next: exercises/{open_ones[0]}.py. {task}")
    elif checked and not config.option.solutions:
        terminalreporter.line(
            "Compare your answers with those in exercises/solutions/."
        )
