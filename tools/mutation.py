"""Mutation testing: break one place of lesson_code.py after another, and see whether a test notices.

`python tools/mutation.py --state FILE` (POSIX only; a tool of maintainers: `pip install mutmut`, whose operators it uses).
Tests are collected once, in one process. Each mutant is a change of one function, in a fork of that process. There the tests
that call the function run, the quickest first, until one fails. Which test calls what is measured first, and kept in FILE, as
are results: a mutant that was killed is not run again while the lines that it changes are the same. `--each N` draws N mutants of every
function (with a seed; 0: all). `--report` writes docs/mutation.md.

A mutant that changes no behaviour that anybody was promised stands in tools/equivalent_mutants.txt, with the reason.
"""

import argparse
import difflib
import inspect
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import libcst as cst
import pytest
from mutmut.mutation import mutators

ROOT = Path(__file__).resolve().parent.parent
SOURCE, EQUIVALENT = ROOT / "lesson_code.py", Path(__file__).parent / "equivalent_mutants.txt"
REPORT = ROOT / "docs" / "mutation.md"
INTRODUCTION = """# Mutation testing

Does a test notice if one place of `lesson_code.py` is wrong? `tools/mutation.py` makes such places, one at a time (a
comparison, an operator, a number, a truth value, an argument or a statement left out, a string), and runs the quickest tests
that call the function. *Killed*: a test failed, or the time limit did. *Equivalent*: nothing that anybody was promised
changes; the reason stands below. The score is killed / (run - equivalent), of those that were run. A result is kept as long as
the lines that the mutant changes are the same, whatever changes around them. The tests ran without a MovieLens release.
Not asked, so not in the score: the generated dataset, reading releases, training and search, and the command line.

Command: `python tools/mutation.py --state FILE`, then the same with `--report`, which writes this page.

"""
#: Left out are slow files and those that run the lesson in another process, where no mutant is.
FILES = ["test_lesson.py"] + [f"tests/test_{name}.py" for name in (
    "transformer", "recommenders", "artifact", "pipeline", "errors", "leakage", "sklearn_checks", "hostile_artifacts", "skops")]
#: Which functions are asked: by the heading of the section that they stand in (first match), or by their own name.
SECTIONS = {
    "metrics (4, 7)": r".*: (rating_metrics|\S*\.evaluate\w*|ranking_metrics)$",
    "features (2)": "2. Thirteen features.*", "artifact (5)": "(5. The artifact|Checks of an artifact).*",
    "factors (7)": r"7. .*: (MatrixFactorization|_like|_interactions|_fit_content|_content).*",
    "ranking (7)": r"(7. |What the section adds).*", "checks, ids (appendix)": "(Checks of input|Ids and strings).*",
}  # fmt: skip


def removed(node):
    """Remove a statement that is called for what it does."""
    if isinstance(node, cst.Expr) and isinstance(node.value, cst.Call):
        yield cst.Pass()


def left_out(node):
    """Leave out an argument."""
    if len(node.args) > 1:
        yield from (node.with_changes(args=[*node.args[:i], *node.args[i + 1 :]]) for i in range(len(node.args)))


#: Not taken: `x = None` and `f(None)`, which nearly always crash, and changes of capitals. Docstrings and messages stay.
OPERATORS = [(kind, change) for kind, change in mutators.mutation_operators if change.__name__ not in (
    "operator_assignment", "operator_arg_removal", "operator_string")]
OPERATORS += [(cst.Expr, removed), (cst.Call, left_out), (cst.SimpleString, lambda node: list(mutators.operator_string(node))[:1])]
MESSAGES = {"warn", "say", "_say", "ValueError", "TypeError", "OSError", "FileNotFoundError", "IsADirectoryError"}


def walk(node):
    """Yield the nodes below one, without annotations, and without what is only said."""
    for child in node.children:
        called = child.func if isinstance(child, cst.Call) else None
        name = getattr(called, "attr", called)
        if isinstance(child, cst.Annotation) or (isinstance(name, cst.Name) and name.value in MESSAGES):
            continue
        yield child
        yield from walk(child)


def text_of(function, is_method):
    function = function.with_changes(leading_lines=[])
    if not is_method:
        return cst.Module([function]).code
    return cst.Module([cst.ClassDef(cst.Name("X"), cst.IndentedBlock([function]))]).code.partition("\n")[2]


def functions(module, source):
    """Yield every function with its name, the section, its text and its lines."""
    for top in module.body:
        inside = [top] if isinstance(top, cst.FunctionDef) else top.body.body if isinstance(top, cst.ClassDef) else []
        for node in inside:
            if isinstance(node, cst.FunctionDef):
                text = text_of(node, node is not top)
                place = source.index(text)
                heading = re.findall(r"^# (?:=====|-----) (.*?)(?: =+)?$", source[:place], re.MULTILINE)[-1]
                name = node.name.value if node is top else f"{top.name.value}.{node.name.value}"
                sections = [section for section, where in SECTIONS.items() if re.match(where, f"{heading}: {name}")]
                first = source.count("\n", 0, place) + 1
                yield name, (sections or [None])[0], node, text, range(first, first + text.count("\n"))


def mutants_of(name, section, node, text):
    """Return the mutants of a function: each with the lines that change, and the whole of the new text."""
    found = {}
    for inner in walk(node):
        for kind, change in OPERATORS:
            for new in change(inner) if isinstance(inner, kind) else ():
                code = text_of(node.deep_replace(inner, new), text.startswith(" "))
                diff = [line for line in difflib.ndiff(text.splitlines(), code.splitlines()) if line[0] in "+-"]
                old, now = (" ".join(line[2:].strip() for line in diff if line[0] == sign) for sign in "-+")
                found[old, now] = {"function": name, "section": section, "old": old, "new": now, "code": code, "text": text}
    return list(found.values())


class Runner:
    """A pytest plugin that runs, in place of all tests once, some tests for every mutant."""

    def __init__(self, options, source, known, mutants, state):
        self.options, self.source, self.known, self.mutants, self.state = options, source, known, mutants, state
        self.failed, self.called, self.by_fixture = None, set(), {}

    def pytest_runtest_logreport(self, report):
        self.failed = self.failed or (report.nodeid if report.failed else None)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef):  # a test calls what its fixtures call, set up for it or for an earlier test
        outside, self.called = self.called, set()
        yield
        self.by_fixture.setdefault(fixturedef.argname, set()).update(self.called)
        self.called |= outside

    def pytest_runtestloop(self, session):
        items, tests = {item.nodeid: item for item in session.items}, self.state["tests"]
        new = [item for name, item in items.items() if name not in tests]
        if new:
            print(f"{len(new)} tests are run once, to see what they call", flush=True)
            tests.update(in_child(lambda: self.measure(new), 3600))
        for number, mutant in enumerate(self.mutants, 1):
            answer = self.ask(mutant, items)
            mutant |= {"by": answer["by"]}
            self.state["mutants"][key(mutant)] = {name: mutant[name] for name in ("by", "section", "function", "old", "new")}
            Path(self.options.state).write_text(json.dumps(self.state), encoding="utf-8")
            verdict = f"killed by {answer['by']}" if answer["by"] else f"SURVIVED\n  - {mutant['old']}\n  + {mutant['new']}"
            print(f"{number}/{len(self.mutants)} {mutant['function']}: {verdict}", flush=True)
        return True

    def ask(self, mutant, items):
        """Return which test kills a mutant, of the quickest ones that call its function."""
        tests, chosen, total = self.state["tests"], [], 0
        for name in sorted(items, key=lambda name: tests[name]["seconds"]):
            if mutant["function"] in tests[name]["calls"] and not tests[name]["failed"]:
                total += tests[name]["seconds"]
                if total < self.options.seconds or not chosen:
                    chosen.append(name)
        if not chosen:
            return {"by": None}
        order = {name: place for place, name in enumerate(items)}  # tests of one file together, for their fixtures

        def when(name):
            return [tests[name]["seconds"] > least for least in (1, 0.3, 0.05)], order[name]

        chosen = [items[name] for name in sorted(chosen, key=when)]
        return in_child(lambda: self.run(mutant, chosen), 30 + 10 * min(total, self.options.seconds))

    def measure(self, items):
        where, found = {line: name for name, lines in self.known for line in lines}, {}

        def note(frame, event, _):
            if event == "call" and frame.f_code.co_filename == str(SOURCE):
                self.called.add(where.get(frame.f_code.co_firstlineno))

        for item, following in zip(items, [*items[1:], None]):
            self.called, self.failed, start = set(), None, time.process_time()
            sys.setprofile(note)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            sys.setprofile(None)
            calls = self.called.union(*(self.by_fixture.get(name, ()) for name in item.fixturenames)) - {None}
            found[item.nodeid] = {"seconds": time.process_time() - start, "calls": sorted(calls), "failed": bool(self.failed)}
        return found

    def run(self, mutant, items):
        import lesson_code

        namespace = {"__name__": "lesson_code", "__file__": str(SOURCE)}
        exec(compile(self.source.replace(mutant["text"], mutant["code"], 1), str(SOURCE), "exec"), namespace)
        *owner, name = mutant["function"].split(".")
        old = vars(getattr(lesson_code, owner[0]) if owner else lesson_code)[name]
        new = vars(namespace[owner[0]])[name] if owner else namespace[name]
        # under what scikit-learn wraps around `transform`, and under a decorator
        old, new = (inspect.unwrap(getattr(f, "fget", None) or getattr(f, "__func__", f)) for f in (old, new))
        old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
        for item, following in zip(items, [*items[1:], None]):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                break
        return {"by": self.failed}


def in_child(work, limit):
    """Return what `work` returns in a fork, in a folder of its own; without an answer, what ended it."""
    folder, (reading, writing) = tempfile.mkdtemp(prefix="mutation-"), os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        os.chdir(folder)
        os.environ["PYTEST_DEBUG_TEMPROOT"] = folder
        resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))
        signal.alarm(int(limit))
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1), os.dup2(null, 2)
        try:
            answer = work()
        except BaseException as error:  # of the machinery, or of a mutant that does not even compile
            answer = {"by": f"{type(error).__name__}: {error}"}
        with os.fdopen(writing, "w") as file:
            json.dump(answer, file)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        answer = file.read()
    os.waitpid(pid, 0)
    shutil.rmtree(folder, ignore_errors=True)
    return json.loads(answer) if answer else {"by": "the limit of time or memory"}


def equivalent():
    """Return the reasons by mutant: blocks of the function's name, "- old", "+ new", and the reason."""
    blocks = EQUIVALENT.read_text(encoding="utf-8").split("\n\n") if EQUIVALENT.exists() else []
    lines = [block.strip().split("\n") for block in blocks if "\n- " in block]
    return {"\n".join((name, old[2:], new[2:])): " ".join(why) for name, old, new, *why in lines}


def report(found, state):
    """Return docs/mutation.md: the score, and what lived."""
    reasons, rows, lived, excused = equivalent(), [], [], []
    for section in [*SECTIONS, "all"]:
        mine = [m for m in found if section in (m["section"], "all")]
        run = [m for m in mine if key(m) in state["mutants"]]
        alive = [m for m in run if not state["mutants"][key(m)]["by"]]
        known = [m for m in alive if key(m) in reasons]
        counts = len({m["function"] for m in run}), len(mine), len(run), len(run) - len(alive), len(known), len(alive) - len(known)
        score = f"{counts[3] / max(1, counts[2] - counts[4]):.1%}"
        rows.append(" | ".join(["", section, *map(str, counts), score, ""]).strip())
        if section != "all":
            lived += [m for m in alive if m not in known]
            excused += known
    show = [f"```diff\n{m['function']}\n- {m['old']}\n+ {m['new']}\n```\n" for m in lived]
    told = [f"- `{m['function']}`: `{m['old']}` → `{m['new']}`. {reasons[key(m)]}" for m in excused]
    head = "| section | functions | mutants | run | killed | equivalent | survived | score |\n|---|---|---|---|---|---|---|---|"
    return INTRODUCTION + "\n".join([
        head, *rows, "", "## Survived", "", *(show or ["None.", ""]), "## Equivalent", "", *(told or ["None."])]) + "\n"


def key(mutant):
    return "\n".join((mutant["function"], mutant["old"], mutant["new"]))


def main():
    parser = argparse.ArgumentParser(description="Mutation testing of lesson_code.py.")
    parser.add_argument("files", nargs="*", default=FILES, help="test files (default: quick ones of these subjects)")
    parser.add_argument("--state", required=True, metavar="FILE", help="what is known of tests and mutants")
    parser.add_argument("--each", type=int, default=0, metavar="N", help="mutants of every function (0: all)")
    parser.add_argument("--only", default="", metavar="REGEX", help="only functions of this name")
    parser.add_argument("--seconds", type=float, default=15, help="of tests for one mutant, the quickest (default 15)")
    parser.add_argument("--report", action="store_true", help="write docs/mutation.md from FILE, run nothing")
    parser.add_argument("--list", action="store_true", help="count mutants, run nothing")
    options = parser.parse_args()
    source = SOURCE.read_text(encoding="utf-8")
    state = json.loads(Path(options.state).read_text()) if Path(options.state).exists() else {"tests": {}, "mutants": {}}
    found, known = [], []
    for name, section, node, text, lines in functions(cst.parse_module(source), source):
        known.append((name, lines))
        if section and re.search(options.only, name):
            mine = mutants_of(name, section, node, text)
            drawn = random.Random(f"{name} 0").sample(mine, min(options.each or len(mine), len(mine)))
            found += drawn
            if options.list:
                print(f"{section:24} {name:50} {len(mine):4}")
    if options.list:
        return print(len(found))
    if options.report:
        page = report(found, state)
        REPORT.write_text(page, encoding="utf-8", newline="\n")
        return print(page)
    excused = equivalent()
    todo = [m for m in found if not state["mutants"].get(key(m), {}).get("by") and not (key(m) in state["mutants"] and key(m) in excused)]
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    pytest.main(["-p", "no:cacheprovider", "-p", "no:terminal", "--capture=no", *options.files], [Runner(options, source, known, todo, state)])


if __name__ == "__main__":
    main()
