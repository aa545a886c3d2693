"""What `python -m pytest exercises` says after its checks.

It also reads your programs here.
"""

import ast
import re
import sys
import traceback
import types
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # the folder of lesson_code


def names_in_order():
    """Return the names of the exercises in the order of the table in `README.md`.

    An exercise that is not in the table comes last.
    """
    names = sorted(path.stem for path in HERE.glob("[0-9]_*.py"))
    try:
        table = (HERE / "README.md").read_text(encoding="utf-8")
    except (OSError, ValueError):  # the page is gone, or is no text
        return names
    in_table = re.findall(r"^\|.+?\| `(\w+)\.py` \|", table, re.MULTILINE)
    return sorted(names, key=[*in_table, *names].index)


NAMES = names_in_order()


def asked_for(config):
    """Return True if the command names this folder or a file in it, or is run in it."""
    for argument in config.args:
        path = config.invocation_params.dir / argument.partition("::")[0]
        if path.resolve().is_relative_to(HERE):
            return True
    return False


def pytest_ignore_collect(collection_path, config):
    """Check exercises where they are asked for: a plain `pytest` runs the ten tests."""
    if asked_for(config):
        return None  # pytest decides
    return True


def pytest_addoption(parser):
    parser.addoption(
        "--solutions", action="store_true", help="check exercises/solutions/ instead"
    )


def pytest_configure(config):
    # Without this, every message is shown twice.
    config.option.reportchars = config.option.reportchars.replace("fE", "")
    if config.option.tbstyle == "auto":
        config.option.tbstyle = "short"
    # A learner wants the message, and not versions and plugins before it.
    if asked_for(config) and config.option.verbose == 0:
        config.option.verbose = -1  # as -q does


def pytest_collection_modifyitems(items):
    """Check the exercises in the order of the table."""

    def place(item):
        name = item.name.removeprefix("test_")
        return NAMES.index(name) if name in NAMES else len(NAMES)

    items.sort(key=place)


@pytest.fixture
def exercise(request):
    """The program that a test is named after. Its functions are attributes."""
    name = request.node.name.removeprefix("test_")
    folder = HERE
    if request.config.option.solutions:
        folder = HERE / "solutions"
    return read(folder / f"{name}.py")


def text_of(name):
    """Return the text of an exercise; "" if it is gone, or is no text in UTF-8."""
    try:
        return (HERE / f"{name}.py").read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        return ""


def has_todo(name):
    """Return whether an exercise still has its TODO."""
    return "# TODO" in text_of(name)


def question_of(name):
    """Return what an exercise asks: the first paragraph of its docstring.

    The text is empty if the program is not Python, or has no docstring any more.
    """
    try:
        docstring = ast.get_docstring(ast.parse(text_of(name)))
    except (SyntaxError, ValueError):
        return ""
    if docstring is None:
        return ""
    return docstring.partition("\n\n")[0].replace("\n", " ")


def read(path):
    """Run a program from its file, and return it as a module."""
    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    sys.modules[path.stem] = module  # where pickle looks for its classes
    message = run(path, module)
    if message is not None:
        # Outside of any `except`: the message alone is shown, not the error before it.
        pytest.fail(message, pytrace=False)
    return module


def run(path, module):
    """Run a program in a module. Return what went wrong, or None."""
    try:
        program = compile(path.read_text(encoding="utf-8-sig"), str(path), "exec")
    except SyntaxError as error:
        return f"{path.name}, line {error.lineno}: this is not Python: {error.msg}"
    except (OSError, ValueError) as error:
        return f"{path.name} cannot be read as a text in UTF-8: {error}"
    try:
        exec(program, vars(module))
    except (Exception, SystemExit) as error:
        steps = traceback.extract_tb(error.__traceback__)
        line = [step.lineno for step in steps if step.filename == str(path)][-1]
        return (
            f"{path.name} stopped in line {line}, before its functions were called: "
            f"{type(error).__name__}: {error}\nIf it is an import: is the name spelled "
            "as in scikit-learn's documentation, and is the module right?"
        )
    return None


def pytest_terminal_summary(terminalreporter, config):
    if not asked_for(config):
        return
    passed = set()
    checked = set()
    measured = {}
    for kind in ("passed", "failed", "error"):
        for report in terminalreporter.getreports(kind):
            name = report.nodeid.rpartition("::test_")[2]
            checked.add(name)
            if report.passed:
                passed.add(name)
                # What a check prints at its end: what the solution has achieved.
                for line in report.capstdout.splitlines():
                    if line.startswith("Measured: "):
                        measured[name] = line.removeprefix("Measured: ")
    unsolved = [name for name in NAMES if name in checked - passed]
    to_delete = [name for name in NAMES if name in passed and has_todo(name)]

    if len(checked) == 1 and unsolved:
        return  # the message of its check says it all
    terminalreporter.section("exercises")
    terminalreporter.line(
        f"Solved: {len(passed)} of the {len(checked)} checked here ({len(NAMES)} in "
        "all)."
    )
    if measured:
        terminalreporter.line("Measured on your solutions (± is the standard error):")
    for name in [name for name in NAMES if name in measured]:
        terminalreporter.line(f"  {name}: {measured[name]}")
    if to_delete and not config.option.solutions:
        files = ", ".join(f"{name}.py" for name in to_delete)
        terminalreporter.line(f"Solved, so you can delete the TODO: {files}.")
    if unsolved:
        following = unsolved[0]
        line = f"Next: exercises/{following}.py. {question_of(following)}"
        terminalreporter.line(line.rstrip())
        terminalreporter.line(
            "Read the task at its top, correct the program, and check it alone:"
        )
        terminalreporter.line(f"  python -m pytest exercises -k {following}")
        terminalreporter.line("Stuck? See exercises/README.md.")
    elif checked and not config.option.solutions:
        terminalreporter.line(
            "Compare your answers with those in exercises/solutions/."
        )
