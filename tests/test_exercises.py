"""The exercises: an unsolved one fails with its own message, a solution passes, an
honest error learns something.
"""

import ast
import importlib
import itertools
import re
import shutil
import subprocess
import sys
import types

import numpy as np
import pandas as pd
import pytest
from attempts import ATTEMPTS, IMPORTS
from repository import ROOT, copy_lesson
from sklearn.dummy import DummyRegressor

from lesson_code import MovieRecommendationDataset

EXERCISES = ROOT / "exercises"
SOLUTIONS = EXERCISES / "solutions"
CHECKS = EXERCISES / "checks"
#: A part of the message of every check on the exercise as it stands in the repository.
MESSAGES = {
    "0_first": "they were made from the answers",
    "0_job": "We turned the answers of the test rows round, and got another model",
    "0_luck": "It should become half as large: in a mean of more numbers",
    "1_preprocessing": "predicting new rows with gaps failed: Input X contains NaN",
    "1_scaling": "An answer must not depend on the rows that come with it",
    "2_feature_selection": (
        "On pure noise, where nothing can be predicted, your R2 is 0."
    ),
    "3_model_selection": "of the test rows are of users whom the model has never seen",
    "3_cross_fitting": "with the ratings of their own rows: they contain them",
    "3_too_good": "Leaks left: 3 of 3. On shuffled ratings, of movies with many genres",
    "3_search": "The rows that chose the winner also scored it",
    "4_supervised": "of 30 tables you call the new model better",
    "4_taste": "So gaps have a say in a user's numbers",
    "4_threshold": "You say yes to the same 307 of 2000 rows",
    "4_top_ten": "users see one at the top. Such a place of the list",
    "4_writing": "This machine never says 8, but its 8 gets 0.",
    "5_unsupervised": "You found groups in 2 of 5 tables",
    "5_unusual": "that accuses nobody, gets 0.99 from you",
    "6_utilities": "It still shows the same movies, but your score went from",
    "7_map": "Missed: BaggingRegressor, Careful, DecisionTreeRegressor",
    "7_parts": "A user who was not seen in `fit` stopped `transform`",
    "7_tickets": "`features_of` returned nothing (None)",
    "8_artifact": (
        "A fresh process could not predict from the two ids: "
        "ValueError: X has 2 features"
    ),
    "8_deploy": "% of the users got the other model",
    "8_experiment": "collects them: it waits for a moment of luck",
    "8_monitor": "since the first week the steps have added up",
    "9_capstone": "`report` returned nothing (None). It is still empty",
    "9_contest": "let your model know both the user and the movie first",
}
#: At work, nobody marks the line: here the learner must find it.
WITHOUT_TODO = {"3_too_good"}
#: Functions that do something else in the solution, and say so.
OWN_WORDS = {("3_too_good", "add_features")}
N = len(MESSAGES)
pytestmark = pytest.mark.filterwarnings("ignore")


def names_in_table():
    """The exercises in their order, which is that of the table in their README."""
    table = (EXERCISES / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^\| \d+ \| `(\w+)\.py`", table, re.MULTILINE)


def docstring_of(file):
    return ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))


def pytest_exercises(folder, *options, path="exercises"):
    command = [
        sys.executable,
        "-m",
        "pytest",
        path,
        "-p",
        "no:cacheprovider",
        *options,
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")


@pytest.fixture(scope="module")
def checks():
    """The checks of all chapters, by the name of their exercise."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXERCISES)
        patch.syspath_prepend(CHECKS)
        for file in CHECKS.glob("test_*.py"):
            module = importlib.import_module(file.stem)
            for name, value in vars(module).items():
                if name.startswith("test_"):
                    found[name.removeprefix("test_")] = value
    return found


@pytest.fixture(scope="module")
def unsolved(tmp_path_factory):
    """What a learner sees who has a copy of the module and the exercises,
    and nothing else.
    """
    folder = tmp_path_factory.mktemp("copy")
    copy_lesson(folder)
    shutil.copytree(
        EXERCISES, folder / "exercises", ignore=shutil.ignore_patterns("__pycache__")
    )
    return pytest_exercises(folder)


def test_every_exercise_has_a_message_here_and_a_solution():
    names = {path.stem for path in EXERCISES.glob("[0-9]*.py")}
    assert names == set(MESSAGES) == {path.stem for path in SOLUTIONS.glob("*.py")}


def test_each_chapter_has_one_file_of_checks_which_are_found_in_order_and_inside():
    # From inside the folder, as `python -m pytest .`
    options = ["--collect-only", "-q", "-p", "no:randomly"]
    run = pytest_exercises(EXERCISES, *options, path=".")
    places = re.findall(r"/test_(\w+)\.py::test_(\w+)$", run.stdout, re.MULTILINE)
    assert {name for _, name in places} == set(MESSAGES)
    assert [name for _, name in places] == names_in_table()
    for file, name in places:
        assert file == f"chapter_{name[0]}"


def test_the_readme_and_the_chapter_lead_to_every_exercise():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = (EXERCISES / "README.md").read_text(encoding="utf-8")
    for name in MESSAGES:
        assert f"](exercises/{name}.py)" in readme
        chapter = re.search(rf"^\|.*`{name}\.py`.*`(pillars/\w+\.py)`", table, re.M)[1]
        assert f"`exercises/{name}.py`" in (ROOT / chapter).read_text(encoding="utf-8")
    minutes = re.findall(r"^\| (\d+) \| `(\w+)\.py`", table, re.MULTILINE)
    assert len(minutes) == N
    in_readme = re.findall(
        r"\]\(exercises/(\w+)\.py\)", readme.partition("| chapter")[2]
    )
    assert in_readme == [name for _, name in minutes], "one order everywhere"
    for chapter in (ROOT / "pillars").glob("[0-9]_*.py"):
        text = chapter.read_text(encoding="utf-8").partition("\n# Exercise")[2]
        named = re.findall(r"`exercises/(\w+)\.py`", text)
        assert named == [name for name in in_readme if name in named]
    for n, name in minutes:
        assert f" ({n} minute" in docstring_of(EXERCISES / f"{name}.py")


@pytest.mark.parametrize("name", MESSAGES)
def test_a_hint_points_to_what_is_there_and_is_not_the_answer(name):
    hint = docstring_of(EXERCISES / f"{name}.py").partition("Hint: ")[2]
    hint = " ".join(hint.partition("Check: ")[0].split())
    places = r"(`\w+`|\"[^\"]+\") in (pillars/\w+\.py)"
    for words, chapter in re.findall(places, hint):
        text = (ROOT / chapter).read_text(encoding="utf-8")
        text = " ".join(text.replace("\n# ", "\n").split())
        assert words.strip('"`') in text
    solution = (SOLUTIONS / f"{name}.py").read_text(encoding="utf-8")
    for code in re.findall(r"`([^`]+)`", hint):
        if not re.fullmatch(r"[\w.]+", code):  # a name may be in the solution
            assert code not in solution


@pytest.mark.parametrize("name", MESSAGES)
def test_an_exercise_tells_task_hint_minutes_and_command(name):
    text = (EXERCISES / f"{name}.py").read_text(encoding="utf-8")
    questions = re.findall(r"# TODO: .+\?$", text, re.MULTILINE)
    n_marks = 0 if name in WITHOUT_TODO else 1
    assert text.count("# TODO") == len(questions) == n_marks, "a TODO asks a question"
    assert n_marks == 0 or text.count("TODO") == 1
    for word in ("Task: ", "Hint: ", f"Check: python -m pytest exercises -k {name}\n"):
        assert text.count(word) == 1
    assert not re.search(r"^[\s\])}]+# TODO", text, re.MULTILINE), "not on its line"
    assert re.match(
        r'"""Exercise of (chapter \d|all chapters), .+ \(\d+ minutes?\): ', text
    )
    assert "TODO" not in (SOLUTIONS / f"{name}.py").read_text(encoding="utf-8")


def docstrings_of(file):
    """The docstrings of the functions and classes of a program, by their names."""
    program = ast.parse(file.read_text(encoding="utf-8"))
    return {
        node.name: ast.get_docstring(node)
        for node in ast.walk(program)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }


@pytest.mark.parametrize("name", MESSAGES)
def test_a_solution_answers_the_question_of_its_exercise_by_the_same_functions(name):
    exercise = EXERCISES / f"{name}.py"
    solution = SOLUTIONS / f"{name}.py"
    questions = []
    for file in (exercise, solution):
        first = docstring_of(file).partition("\n\n")[0]
        questions.append(" ".join(first.partition(": ")[2].split()))
    assert questions[0] == questions[1]
    answered = docstrings_of(solution)
    for function, docstring in docstrings_of(exercise).items():
        if name == "9_capstone":  # the task is in its docstrings, and is not repeated
            assert docstring.startswith(answered.get(function, ""))
        elif (name, function) not in OWN_WORDS:
            assert answered[function] == docstring


def mended(program, kinds):
    """Return the program of `3_too_good` without the leaks of some kinds."""
    if "rows" in kinds:
        program = program.replace('.str.split("|")', '.str.partition("|")[0]')
    if "features" in kinds:
        before_the_split = """\
    for name in ("user_id", "genre"):
        rows[f"{name}_mean"] = rows.groupby(name)["rating"].transform("mean")
"""
        after_the_split = """\
    train, test = train.copy(), test.copy()
    for name in ("user_id", "genre"):
        means = train.groupby(name)["rating"].mean()
        train[f"{name}_mean"] = train[name].map(means)
        test[f"{name}_mean"] = test[name].map(means)
"""
        program = program.replace(before_the_split, "")
        program = program.replace(
            "    reports = []\n", f"{after_the_split}    reports = []\n"
        )
    if "settings" in kinds:
        program = program.replace("(1, 2, 5, 10, 20, 50)", "(5,)")
    return program


@pytest.mark.parametrize("n_mended", [0, 1, 2, 3])
def test_the_leaks_that_are_left_are_counted_in_whatever_order_they_are_mended(
    checks, n_mended, capsys
):
    text = (EXERCISES / "3_too_good.py").read_text(encoding="utf-8")
    for kinds in itertools.combinations(["rows", "features", "settings"], n_mended):
        attempt = types.ModuleType("attempt")
        attempt.__file__ = "attempt.py"
        exec(mended(text, kinds), vars(attempt))
        if n_mended == 3:
            checks["3_too_good"](attempt)
            # Its means are those of the training rows, but not cross-fitted.
            assert "worse than the mean" in capsys.readouterr().out
            continue
        with pytest.raises(pytest.fail.Exception) as failed:
            checks["3_too_good"](attempt)
        assert str(failed.value).startswith(f"Leaks left: {3 - n_mended} of 3."), kinds


def test_the_report_that_is_too_good_is_below_the_noise_floor_as_its_story_says():
    text = (EXERCISES / "3_too_good.py").read_text(encoding="utf-8")
    program = types.ModuleType("program")
    exec(text, vars(program))
    dataset = MovieRecommendationDataset(300, 150, n_ratings=1000)
    table = dataset.generate()
    rmse = program.report(table)["RMSE"]
    assert rmse < dataset.best_rmse(table)
    assert f"error of {rmse:.2f} stars" in text
    assert f"is {dataset.best_rmse(table):.2f}, and" in " ".join(text.split())


def test_each_unsolved_exercise_fails_with_its_own_message(unsolved):
    for name, message in MESSAGES.items():
        section = re.search(
            rf"_ test_{name} _+\n(.*?)\n(__|==)", unsolved.stdout, re.DOTALL
        )
        told = " ".join(section[1].split())
        assert message in told, name
        assert re.search(r" See .*(pillars/\w+\.py|lesson_code\.py)", told), name
        assert "Error" not in told.replace("ValueError: X has 2 features", ""), (
            f"{name} stops, instead of telling why"
        )


def test_the_run_says_what_to_do_how_many_are_solved_and_what_is_next(unsolved):
    assert unsolved.returncode == 1
    end = unsolved.stdout.rpartition("= exercises =")[2]
    assert f"Solved: 0 of the {N} checked" in end
    assert "Next: exercises/0_first.py. Exercise of chapter 0, first (1 minute)" in end
    assert "check it alone:\n  python -m pytest exercises -k 0_first\n" in end
    assert "delete the TODO" not in end


def test_the_check_of_one_exercise_says_its_message_and_little_else(tmp_path):
    copy_lesson(tmp_path)
    shutil.copytree(EXERCISES, tmp_path / "exercises")
    lines = pytest_exercises(tmp_path, "-k", "0_first").stdout.splitlines()
    place = next(n for n, line in enumerate(lines) if "made from the answers" in line)
    assert place <= 4, "what is before the message"
    assert lines[-2].endswith(" See pillars/0_first.py.")
    assert re.match("1 failed, .* in ", lines[-1])
    # What was asked for by an option is shown.
    told = pytest_exercises(tmp_path, "-k", "0_first", "-v").stdout
    assert "test session starts" in told


def test_a_solved_exercise_may_lose_its_todo(tmp_path):
    copy_lesson(tmp_path)
    shutil.copytree(EXERCISES, tmp_path / "exercises")
    for name in ("0_first", "1_scaling"):
        solution = (SOLUTIONS / f"{name}.py").read_text(encoding="utf-8")
        if name == "0_first":
            solution += "# TODO: is it solved?\n"
        (tmp_path / "exercises" / f"{name}.py").write_text(solution, encoding="utf-8")
    told = pytest_exercises(tmp_path, "-k", "0_first or 1_scaling").stdout
    assert "Solved: 2 of the 2 checked" in told
    assert "Solved, so you can delete the TODO: 0_first.py." in told


def test_the_next_exercise_is_that_of_the_table_and_one_without_a_row_is_last(tmp_path):
    copy_lesson(tmp_path)
    shutil.copytree(EXERCISES, tmp_path / "exercises")
    page = tmp_path / "exercises" / "README.md"
    rows = re.findall(r"^\| \d+ \| `\w+\.py`.*\n", page.read_text("utf-8"), re.M)
    first, job, luck = [row for row in rows if "`0_" in row]
    page.write_text(page.read_text("utf-8").replace(first + job + luck, luck + job))
    run = pytest_exercises(tmp_path, "-k", "0_first or 0_job or 0_luck")
    checked = re.findall(r"^_+ test_(\w+) _+$", run.stdout, re.MULTILINE)
    assert checked == ["0_luck", "0_job", "0_first"]
    assert "Next: exercises/0_luck.py" in run.stdout
    page.unlink()
    run = pytest_exercises(tmp_path, "-k", "0_first or 0_luck")
    assert "Next: exercises/0_first.py" in run.stdout


def test_where_other_folders_are_asked_for_no_exercise_is_checked(tmp_path):
    # The name of a folder above the lesson says nothing.
    folder = tmp_path / "exercises"
    folder.mkdir()
    copy_lesson(folder)
    shutil.copytree(EXERCISES, folder / "exercises")
    (folder / "test_other.py").write_text("def test_other():\n    pass\n")
    run = pytest_exercises(folder, path=folder)
    assert "1 passed" in run.stdout
    assert "Solved" not in run.stdout


def test_every_solution_passes_where_warnings_are_errors():
    run = pytest_exercises(ROOT, "--solutions")
    assert run.returncode == 0, run.stdout
    end = run.stdout.partition(f"Solved: {N} of the {N} checked")[2]
    measured = re.findall(r"^  (\w+): .*\d", end, re.MULTILINE)
    assert measured == names_in_table()


def test_a_solved_exercise_tells_what_its_solution_has_brought(tmp_path):
    copy_lesson(tmp_path)
    shutil.copytree(EXERCISES, tmp_path / "exercises")
    shutil.copy(SOLUTIONS / "1_preprocessing.py", tmp_path / "exercises")
    told = pytest_exercises(tmp_path, "-k", "1_preprocessing").stdout
    assert re.search(r"1_preprocessing: \d+% of the new rows have a gap", told)
    assert re.search(r"Mean error: \d\.\d\d ± \d\.\d\d stars with a gap", told)


@pytest.mark.parametrize(("name", "old", "new", "message"), ATTEMPTS)
def test_a_wrong_attempt_gets_a_message_and_a_written_down_figure_fails(
    checks, tmp_path, monkeypatch, name, old, new, message
):
    program = (SOLUTIONS / f"{name}.py").read_text(encoding="utf-8")
    assert program.count(old) == 1
    attempt = types.ModuleType(name)
    monkeypatch.setitem(sys.modules, name, attempt)  # for pickle
    file = tmp_path / "attempt.py"
    needed = [line for word, line in IMPORTS.items() if re.search(rf"\b{word}\b", new)]
    lines = [*needed, program.replace(old, new)]
    file.write_text("\n".join(lines), encoding="utf-8")
    attempt.__file__ = str(file)
    exec(compile(file.read_text(encoding="utf-8"), file, "exec"), vars(attempt))
    fixtures = {}
    if name == "8_artifact":
        fixtures = {"tmp_path": tmp_path, "monkeypatch": monkeypatch}
    with pytest.raises(pytest.fail.Exception) as failed:
        checks[name](attempt, **fixtures)
    assert re.search(message, " ".join(str(failed.value).split()))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import numpy\nmean = (\n", "0_first.py, line 2: this is not Python"),
        ("def f():\n    x = 1\n  y = 2\n", "0_first.py, line 3: this is not Python"),
        ("import numpy\n", "has no `predict_mean`"),
        ("# Müller\n", "cannot be read as a text in UTF-8"),
        ("raise SystemExit\n", "stopped in line 1"),
    ],
    ids=["bracket", "indent", "no docstring", "Latin-1", "exit"],
)
def test_a_program_that_is_not_python_is_told_with_its_line(tmp_path, program, message):
    copy_lesson(tmp_path)
    shutil.copytree(EXERCISES, tmp_path / "exercises")
    (tmp_path / "exercises" / "0_first.py").write_bytes(program.encode("latin-1"))
    run = pytest_exercises(tmp_path, "-k", "0_first or 0_luck")
    assert message in run.stdout
    assert re.search(r"^Next: exercises/0_first\.py\.$", run.stdout, re.MULTILINE)
    for noise in ("INTERNALERROR", "Traceback", "During handling"):
        assert noise not in run.stdout + run.stderr


def test_a_program_that_stops_before_its_functions_are_called_is_told(tmp_path):
    copy_lesson(tmp_path)
    shutil.copytree(EXERCISES, tmp_path / "exercises")
    for name, wrong_import in {
        "0_first": "from sklearn.model_selection import GroupFold",
        "1_scaling": "import sklearn.scaling",
    }.items():
        text = (SOLUTIONS / f"{name}.py").read_text(encoding="utf-8")
        text = text.replace("\n\n\n", f"\n{wrong_import}\n\n\n", 1)
        (tmp_path / "exercises" / f"{name}.py").write_text(text, encoding="utf-8")
    told = pytest_exercises(tmp_path, "-k", "0_first or 1_scaling").stdout
    for name in ("0_first", "1_scaling"):
        assert re.search(rf"{name}\.py stopped in line \d+", told)
    assert "Solved: 0 of the 2 checked" in told
    assert "Traceback" not in told
    assert ".py:" not in told.partition("ERRORS")[2].partition("short test")[0]


# ----- The board of the contest


@pytest.fixture
def board(monkeypatch, tmp_path):
    """The board, on a small table, with attempts that no learner has made."""
    monkeypatch.syspath_prepend(EXERCISES)
    module = importlib.import_module("board")
    tables = module.tables

    def small_tables(folder=None):
        train, locked, expected = tables(folder)
        return train.head(3000), locked.head(1000), expected

    monkeypatch.setattr(module, "tables", small_tables)
    monkeypatch.setattr(module, "ATTEMPTS", tmp_path / "attempts.csv")
    return module


def places(told):
    """The models of a printed board, from the first place on, with their RMSE."""
    board = told.partition("\nYour attempts")[0]
    rows = re.findall(r"^(?:->|  ) (\d)  (\d\.\d{4})  (.*)$", board, re.MULTILINE)
    assert [int(place) for place, _, _ in rows] == list(range(1, len(rows) + 1))
    return {name: float(rmse) for _, rmse, name in rows}


def test_the_board_ranks_and_keeps_attempts_and_opens_the_locked_rows_once(
    board, capsys
):
    with pytest.raises(SystemExit, match="folds before"):
        board.play(DummyRegressor, ["--final"])
    assert not board.ATTEMPTS.exists()

    board.play(DummyRegressor, ["--note", "the mean"])
    shown = places(capsys.readouterr().out)
    assert list(shown.values()) == sorted(shown.values())
    assert next(iter(shown)) == board.LAW
    assert shown[board.YOU] == shown["always the mean"]
    assert len(shown) == len(board.opponents()) + 2

    board.play(lambda: board.of_the_lesson("factors"), [])
    told = capsys.readouterr().out
    shown = places(told)
    assert shown[board.YOU] == shown["the lesson's matrix factorization"]
    assert "1  1.0" in told and "the mean" in told, "the first attempt"
    assert list(pd.read_csv(board.ATTEMPTS)["rows"]) == ["folds", "folds"]

    board.play(DummyRegressor, ["--final"])
    told = capsys.readouterr().out
    assert "1000 rows" in told
    assert f"best of your 2 had {shown[board.YOU]:.4f}" in told
    kept = board.ATTEMPTS.read_bytes()
    with pytest.raises(SystemExit, match=f"{places(told)[board.YOU]}"):
        board.play(lambda: board.of_the_lesson("factors"), ["--final"])
    assert board.ATTEMPTS.read_bytes() == kept


class NaNs(DummyRegressor):
    def predict(self, X):
        return np.full(len(X), np.nan)


@pytest.mark.parametrize(
    ("make_model", "arguments", "message"),
    [
        (NaNs, [], "not finite"),
        (lambda: None, [], "returns None"),
        (DummyRegressor, ["--data", "nowhere"], "nowhere does not exist"),
    ],
)
def test_what_the_board_refuses_is_no_attempt(board, make_model, arguments, message):
    with pytest.raises(SystemExit, match=message):
        board.play(make_model, arguments)
    assert not board.ATTEMPTS.exists()


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "table,rows,rmse,note\na,b,c,d\n"])
def test_damaged_attempts_are_told_and_kept(board, text):
    board.ATTEMPTS.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit, match="is damaged"):
        board.play(DummyRegressor, [])
    assert board.ATTEMPTS.read_text(encoding="utf-8") == text


def test_the_averages_of_the_board_are_damped_means(board):
    rows = MovieRecommendationDataset(50, 30, n_ratings=600).generate()
    model = board.average_of("movie_id").fit(rows, rows["rating"])
    by_movie = rows.groupby("movie_id")["rating"]
    mean = rows["rating"].mean()
    damped = (by_movie.sum() + 5 * mean) / (by_movie.size() + 5)
    asked = pd.DataFrame({"movie_id": [*damped.index, 9999]})
    predicted = model.predict(asked)
    # A ridge learns one weight for them, so they are on a line.
    assert np.corrcoef(predicted, [*damped, mean])[0, 1] > 0.999_999
    assert predicted[-1] == pytest.approx(mean, abs=0.05), "a movie that nobody knows"
    again = board.average_of("movie_id").fit(rows, rows["rating"])
    np.testing.assert_array_equal(again.predict(asked), predicted)
