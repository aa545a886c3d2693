"""The chapters run as scripts, with and without matplotlib, and keep their form.

`test_site.py` has them as notebooks.
"""

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sklearn
from repository import ROOT, paragraph_of

from lesson_code import SklearnEcosystemPipeline

PILLARS = ROOT / "pillars"
CHAPTERS = sorted(PILLARS.glob("[0-9]_*.py"))
#: It has the form of a chapter, but no picture and no exercise.
APPENDIX = PILLARS / "appendix_recipes.py"
SCRIPTS = [*CHAPTERS, APPENDIX]
NAMES = [script.stem for script in SCRIPTS]
#: Seconds: a guard against hanging only, so a busy machine must not reach it.
LIMIT = 300
#: The choices of a guess.
CHOICES = re.compile(r"(?<=\?\n#\n)# - .+?\n\n", re.DOTALL)
NO_MATPLOTLIB = 'raise ImportError("hidden by a test")\n'


def run(tmp_path, *command, path=PILLARS, pictures="pictures"):
    """Run a command of Python in a fresh process, in the folder `tmp_path`; return what
    it printed. `pictures` is the folder for pictures that it is told; None: it is not.
    """
    environment = os.environ.copy()
    environment.pop("PICTURES", None)
    if pictures is not None:
        environment["PICTURES"] = str(tmp_path / pictures)
    settings = {
        "PYTHONPATH": str(path),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "IPYTHONDIR": str(tmp_path),
        "JUPYTER_PLATFORM_DIRS": "1",
    }
    command = [sys.executable, *map(str, command)]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment | settings,
        capture_output=True,
        timeout=LIMIT,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def need(*modules):
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def words_of(chapter):
    """Return the chapter's text cells as one line."""
    return re.sub(r"\s+(# )?", " ", chapter.read_text(encoding="utf-8"))


def check_output(printed, chapter):
    assert len(printed.splitlines()) >= 5, "a chapter prints its tables"
    sentence = paragraph_of(chapter, "Remember")
    assert printed.rstrip().endswith(f"Remember: {sentence}")


def names_in(statements, context):
    """The names that are set (`ast.Store`) or read (`ast.Load`) in statements."""
    nodes = [node for statement in statements for node in ast.walk(statement)]
    return {
        node.id
        for node in nodes
        if isinstance(node, ast.Name) and isinstance(node.ctx, context)
    }


@pytest.mark.parametrize("chapter", SCRIPTS, ids=NAMES)
def test_only_what_is_drawn_needs_matplotlib(chapter):
    """Outside of `if figure is not None`, nothing is used that stands inside."""
    tree = ast.parse(chapter.read_text(encoding="utf-8"))
    drawn, rest = [], []
    for statement in tree.body:
        is_drawn = ast.unparse(statement).startswith("if figure is not None:")
        (drawn if is_drawn else rest).append(statement)
    # A function of the rest may have a parameter of the same name.
    nodes = [node for statement in rest for node in ast.walk(statement)]
    parameters = {node.arg for node in nodes if isinstance(node, ast.arg)}
    inside = names_in(drawn, ast.Store) - names_in(rest, ast.Store) - parameters
    assert names_in(rest, ast.Load) & {"figure", "axes", *inside} == set()
    assert "import matplotlib" not in ast.unparse(tree)
    assert "from matplotlib" not in ast.unparse(tree)


def test_a_chapter_runs_without_matplotlib(tmp_path):
    (tmp_path / "matplotlib").mkdir()
    (tmp_path / "matplotlib" / "__init__.py").write_text(
        NO_MATPLOTLIB, encoding="utf-8"
    )
    chapter = PILLARS / "7_map.py"
    check_output(run(tmp_path, chapter, path=tmp_path), chapter)
    assert not (tmp_path / "pictures").exists()


def check_figures(printed, chapter):
    """What the text says of a result can be seen above it."""
    _, first_code, *cells = chapter.read_text(encoding="utf-8").split("# %%")
    text = "".join(cell for cell in cells if cell.startswith(" [markdown]"))
    text = CHOICES.sub("", text)  # most of them are wrong
    code = first_code + "".join(c for c in cells if not c.startswith(" [markdown]"))
    figures = set(re.findall(r"\d+\.\d+", text))
    assert [figure for figure in figures if figure not in printed + code] == []


def pictures_of(chapter):
    """Return the names of the files that a chapter draws."""
    text = chapter.read_text(encoding="utf-8")
    return re.findall(r'save_picture\(figure, "([\w.]+)"\)', text)


def check_pictures(folder, chapter):
    """A chapter draws small pictures with titles: one with its name, perhaps others."""
    pictures = list((folder / "pictures").iterdir())
    assert {picture.name for picture in pictures} == set(pictures_of(chapter))
    first, *others = sorted(picture.stem for picture in pictures)
    assert first == chapter.stem
    for name in others:
        assert name.startswith(f"{chapter.stem}_")
    for picture in pictures:
        assert picture.stat().st_size <= 60_000
        if picture.suffix == ".svg":
            drawn = picture.read_text(encoding="utf-8")
            assert len(re.search("<title>(.*)</title>", drawn)[1]) > 20


@pytest.mark.parametrize("chapter", CHAPTERS, ids=NAMES[:-1])
def test_the_answer_to_a_guess_begins_with_one_of_its_choices(chapter):
    """The site makes buttons of the choices, and reads there which one is right."""
    text = chapter.read_text(encoding="utf-8")
    guesses = text.split("**Guess first:**")[1:]
    assert guesses
    for guess in guesses:
        question, _, rest = guess.partition("?\n#\n")
        choices, _, rest = rest.partition("\n\n")
        assert "\n#\n" not in question, "the choices stand directly under the question"
        assert choices.startswith("# - "), f"no choices:{question}"
        choices = [
            " ".join(c.split()) for c in choices[4:].replace("\n# ", "\n").split("\n- ")
        ]
        assert 2 <= len(choices) <= 4
        assert not any("](" in choice for choice in choices), "a button holds no link"
        answer = re.search(r"# %% \[markdown\]\n# \*\*(.+?)\.\*\*", rest)
        assert answer, f"the answer does not begin with a choice in bold:{question}"
        answer = answer[1]
        right = [choice.lower() for choice in choices].count(answer.lower())
        assert right == 1, f"{answer!r} is none of {choices}"


def test_a_picture_goes_to_the_folder_of_the_run_and_not_to_the_documentation(tmp_path):
    need("matplotlib")
    program = """\
import drawing
figure, axes = drawing.new_picture("A title")
drawing.save_picture(figure, "3_model_selection.svg")"""
    documented = ROOT / "docs" / "pictures" / "3_model_selection.svg"
    before = documented.read_bytes()
    run(tmp_path, "-c", program, pictures=None)
    assert (tmp_path / "pictures" / "3_model_selection.svg").exists()
    assert documented.read_bytes() == before


@pytest.mark.parametrize("chapter", SCRIPTS, ids=NAMES)
def test_a_chapter_keeps_the_form_that_all_share(chapter):
    lines = chapter.read_text(encoding="utf-8").splitlines()
    text = words_of(chapter)
    assert re.match(r"# # (\d|Appendix:) .*\?$", lines[1]), "the title is a question"
    for part in ("**You know**", "**You will see**", "**Minutes**", "**Remember:**"):
        assert part in text, part
    if chapter != APPENDIX:
        assert "guide" in text, "where to go on in scikit-learn's user guide"
        assert f"`exercises/{chapter.stem}.py`" in text


def test_the_readme_lists_the_chapters_in_order_with_their_questions_and_minutes():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    row = r"\]\(pillars/(\d\w+)\.py\) \| (.+\?) \| (\d+) \|"
    expected = []
    for chapter in CHAPTERS:
        words = words_of(chapter)
        question = re.search(r"\d [^:]+: (.+?\?)", words)[1]
        minutes = re.search(r"\*\*Minutes\*\*: (\d+)", words)[1]
        expected.append((chapter.stem, question[0].upper() + question[1:], minutes))
    assert re.findall(row, readme) == expected


def test_the_chapters_are_numbered_without_a_gap():
    # A number may have several chapters, such as 7_map and 7_parts.
    numbers = {int(chapter.stem[0]) for chapter in CHAPTERS}
    assert numbers == {*range(9)}
    assert APPENDIX.exists()


def numbers_after(words, printed):
    """Return the numbers in the lines of a printed text that begin with some words."""
    lines = re.findall(rf"^ *{re.escape(words)}(.*)$", printed, re.MULTILINE)
    assert lines, words
    return [float(number) for number in re.findall(r"[+-]?\d+\.?\d*", "".join(lines))]


def check_conclusions_of_deploy(printed):
    assert numbers_after("Answers that are of neither model", printed) == [0]
    (same,) = numbers_after("a model with the same answers:", printed)
    (other,) = numbers_after("a model with other answers:", printed)
    assert same > 70 and other > 0 and same + other > 90, "joblib hardly ever notices"
    assert numbers_after("load_pipeline refuses:", printed) == [100]
    assert "damaged.pkl is damaged" in printed.partition("400 requests")[0]
    assert printed.count("Refused: ") == 3
    assert "The model before them still answers: True" in printed

    (with_b,) = numbers_after("Share of users with B:", printed)
    (b_again,) = numbers_after("Of these, with B in the next test, too:", printed)
    assert with_b == pytest.approx(0.5, abs=0.02)
    assert b_again == pytest.approx(0.5, abs=0.02)


def check_conclusions_of_experiment(printed):
    truth = numbers_after("A ", printed.partition("Of 10,000")[0])[-1]
    measured, half = numbers_after("1000 visits: B - A =", printed)
    assert -half < measured < 0, "a thousand visits cannot tell, and A is ahead"
    measured, half = numbers_after("2000 visits: B - A =", printed)
    assert measured < half
    assert numbers_after("1.96:", printed) == [50]
    assert numbers_after("2.80:", printed) == [pytest.approx(80, abs=0.1)]
    for n in (5000, 10_000, 20_000):
        measured, half = numbers_after(f"{n} visits: B - A =", printed)
        assert measured > half
        assert abs(measured - truth) < half
    (needed,) = numbers_after("Both models together need", printed)[:1]
    found, a_ahead = numbers_after("1000 visits: B is better", printed)
    assert 20 < found < 30, "a quarter"
    assert 5 < a_ahead < 15, "one of ten"
    found, a_ahead = numbers_after(f"{needed:.0f} visits: B is better", printed)
    assert 75 < found < 85, "the power"
    assert 4500 < needed < 5000

    assert 0.04 < numbers_after("looking once, at the end:", printed)[0] < 0.06
    every_day = numbers_after("looking every day, until p < 0.05:", printed)[0]
    assert 0.25 < every_day < 0.35, "more than a quarter, and five times as many"


def check_conclusions_of_monitor(printed):
    figures, _, rest = printed.partition("Change since the first period")
    shares, _, tests = figures.partition("by period\n")[2].partition("by period\n")
    rmse, still = numbers_after("1 ", shares)
    last_rmse, last_still = numbers_after("10 ", shares)
    assert (rmse, last_rmse) == (0.799, 0.866), "the text of a guess says so"
    assert abs(last_still - still) < 0.015
    truth = [numbers_after(f"{period} ", tests)[0] for period in range(1, 11)]
    assert truth == sorted(truth, reverse=True), "worse and worse"
    assert truth[0] - truth[-1] == pytest.approx(0.02, abs=0.002)

    changes, _, rest = rest.partition("The successes fall by more than three errors")
    # (error, successes under drift; the same without)
    by_period = [numbers_after(f"{period} ", changes) for period in range(1, 11)]
    assert [row[0] > 3 for row in by_period[:5]] == [False] * 4 + [True]
    assert all(row[0] > 3 for row in by_period[6:])
    assert [abs(row[1]) > 3 for row in by_period] == [False] * 9 + [True]
    assert max(abs(change) for row in by_period for change in row[2:]) < 3
    (found,) = numbers_after("The successes fall by more than three errors:", printed)
    assert 20 < found < 30, "one count in four"

    # (RMSE, how much more squared error than with the last 50,000, the error of that)
    first = numbers_after("drift, the first 50,000", rest)
    whole = numbers_after("drift, all before", rest)
    (new_rmse, *_) = numbers_after("drift, the last 50,000", rest)
    assert last_rmse - new_rmse > 0.75 * (last_rmse - rmse), "most of it"
    assert first[1] > 3 * first[2], "training again pays under drift, ..."
    assert whole[1] > -whole[2], "... and old ratings do not help"
    first = numbers_after("no drift, the first 50,000", rest)
    whole = numbers_after("no drift, all before", rest)
    assert abs(first[1]) < 2 * first[2], "without drift it pays only with more rows"
    assert whole[1] < -3 * whole[2]


def check_conclusions_of_first(printed):
    law, _, printed = printed.partition("40000 training rows")
    _, _, law = law.partition("The taste of user")
    comedy, thriller = numbers_after("Comedy", law), numbers_after("Thriller", law)
    assert comedy[0] > 0 > thriller[0]
    assert comedy[1] > thriller[1] > 0.3, "above all a comedy, with a thriller in it"
    (taste,) = numbers_after("All products, minus the mean of all rows:", law)
    names = ("mean ", "user ", "movie ", "taste ")
    parts = [numbers_after(part, law)[0] for part in names]
    assert parts[1] < -0.5, "strict"
    assert parts[3] == taste
    opinion, rating = numbers_after("opinion ", law)
    assert opinion == pytest.approx(sum(parts), abs=0.02)
    assert rating == 2

    tree_by_heart, tree = numbers_after("tree  ", printed)
    _, mean, *mean_by_fold = numbers_after("mean ", printed)
    _, ridge, *ridge_by_fold = numbers_after("ridge ", printed)
    assert tree_by_heart == 0
    assert ridge < mean < tree
    assert len(mean_by_fold) == 6, "five folds and their mean"
    assert max(mean_by_fold) - min(mean_by_fold) < 0.03, "some folds are easier"
    for ridge_here, mean_here in zip(ridge_by_fold, mean_by_fold):
        assert 0.18 < mean_here - ridge_here < 0.25
    assert "2.89 -0.77 +0.43 = 2.55, rated 4.5: The Bitter Machine" in printed


def test_the_usual_program_has_30_lines_and_runs_alone(tmp_path):
    text = (PILLARS / "0_job.py").read_text(encoding="utf-8")
    program = text[text.index('"""The usual program') :].partition("\n# %%")[0]
    assert len(program.splitlines()) <= 30
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    printed = run(tmp_path, "program.py", path=tmp_path)
    (rmse,) = numbers_after("RMSE:", printed)
    assert rmse < numbers_after("The mean:", printed)[0]


def check_conclusions_of_job(printed):
    columns, _, printed = printed.partition("353 training rows, 89 test rows")
    assert numbers_after("bmi ", columns)[0] == 44
    assert numbers_after("sex ", columns) == [0, 2]
    before, _, after = printed.partition("... and after")
    assert re.search(r"\n360 .* NaN .*\n$", before), "the last row has a gap"
    bmi = numbers_after("360 ", after)[1]
    assert -0.3 < bmi < 0, "the median is a little below the mean"

    dummy = numbers_after("the mean  ", after)
    alone = numbers_after("bmi alone  ", after)
    columns = numbers_after("all columns [", after)
    for of_mean, of_one, of_all in zip(dummy, alone, columns, strict=True):
        assert of_mean > of_one > of_all
    assert (dummy[-1], columns[-1]) == pytest.approx((78, 56), abs=0.5)

    candidates = re.findall(r"^([\d.]+)  \{", after, re.MULTILINE)
    errors = sorted(map(float, candidates))
    assert columns[-1] - errors[0] < 0.1
    assert len(errors) == 10
    assert errors[5] - errors[0] < 0.1, "six are as good as equal"
    assert errors[8] - errors[0] > 8, "with alpha=1000"
    _, _, by_fold = after.partition("Change of the RMSE")
    for start in ("bmi instead of the mean", "all columns instead of bmi"):
        assert max(numbers_after(start, by_fold)) < -2
    assert min(numbers_after("alpha 1000 instead of 1 ", by_fold)) > 1.9
    for start in ("alpha 10 instead of 1 ", "mean instead of median"):
        changes = numbers_after(start, by_fold)
        assert len(changes) == 5
        assert min(changes) < 0 < max(changes), "better in some folds only"
        assert max(map(abs, changes)) < 1

    rmse, error = numbers_after("RMSE on 89 test rows:", after)
    (of_mean,) = numbers_after("The mean on the same rows:", after)
    assert 3 < error < 5
    assert rmse < columns[-1] < rmse + error
    assert of_mean < dummy[-1]
    (with_gap,) = numbers_after("Prediction:", after)
    assert numbers_after("With bp=", after)[-1] == with_gap
    _, _, alone = after.partition("The usual program: ")
    assert alone.partition("\n")[0] in after.partition("The usual program: ")[0]
    assert numbers_after("RMSE:", alone) == [rmse]
    assert numbers_after("The mean:", alone) == [of_mean]


def check_conclusions_of_luck(printed):
    start, _, end = printed.partition("MSE on the first test set")
    low, high, apart = numbers_after("smallest", start)
    assert apart == pytest.approx(high - low, abs=0.0015)
    (apart_in_five,) = numbers_after("in the first five sets:", start)
    assert apart > 2.5 * apart_in_five, "clearly more than twice as far"
    spread = numbers_after("mean 0.", start)[-1]
    assert spread == pytest.approx(0.03, abs=0.005)
    (near,) = numbers_after("within one standard deviation of the mean:", start)
    assert near == pytest.approx(200 * 2 / 3, abs=14)

    sizes = {125: 800, 500: 200, 2000: 50}
    spreads = [
        numbers_after(f"{sets} sets of {n} rows:", start)[-1]
        for n, sets in sizes.items()
    ]
    assert 1.7 < spreads[0] / spreads[1] < 2.4, "about halved"
    assert 1.7 < spreads[1] / spreads[2] < 2.4

    (of_mse,) = numbers_after("the same by sem():", start)
    assert of_mse == numbers_after("their standard deviation / root", start)[-1]
    of_sets = numbers_after("Standard deviation of the MSEs of all 200 sets:", start)
    assert of_mse == pytest.approx(of_sets[0], rel=0.2)
    _, percent, of_rmse = numbers_after("RMSE: ", start)
    assert percent == pytest.approx(numbers_after("MSE:  ", start)[1] / 2, abs=0.1)
    assert of_rmse == pytest.approx(spread, rel=0.2)
    hits = numbers_after("within two standard errors of the truth:", start)[0]
    assert hits == pytest.approx(190, abs=6)

    difference, its_error = numbers_after("difference  ", end)
    _, each = numbers_after("ridge  ", end)
    assert (difference, each) == pytest.approx((0.045, 0.044), abs=0.001)
    assert its_error < each / 2.5
    assert 2.5 < difference / its_error < 3.5, "about three"
    on_all, error_on_all = numbers_after("On all rows, it is", end)
    assert on_all > 10 * error_on_all
    worst = re.findall(r"\(\d{4}\) +([\d.]+) +([\d.]+) +([\d.]+)", end)
    assert len(worst) == 3
    for stars, *predictions in worst:
        for prediction in predictions:
            assert abs(float(stars) - float(prediction)) > 1.9, "hard for both"
    assert numbers_after("both on the same rows:", end)[0] < 5
    seem_better, of = numbers_after("on different rows:", end)
    assert 1 / 5 < seem_better / of < 1 / 3, "about a quarter"


def check_conclusions_of_parts(printed):
    failed, of = numbers_after("FirstAttempt fails", printed)
    assert failed / of == pytest.approx(1 / 4, abs=0.05)
    assert len(re.findall("^    check_", printed, re.MULTILINE)) == 3, "examples"
    assert numbers_after("ClipToTraining fails", printed) == [0, of]
    (r2_of_none,) = numbers_after("clip__quantile=0.0: R2", printed)
    assert abs(r2_of_none) < 0.05, "no better than the mean"
    (r2_of_one,) = numbers_after("clip__quantile=0.01: R2", printed)
    (r2_of_ten,) = numbers_after("clip__quantile=0.1: R2", printed)
    assert r2_of_ten > r2_of_one + 0.3


def check_conclusions_of_preprocessing(printed):
    without, with_scaler = numbers_after("nearest neighbours", printed)
    assert without > with_scaler + 0.05
    for model in ("linear (ridge)", "forest", "boosting"):
        without, with_scaler = numbers_after(model, printed)
        assert abs(without - with_scaler) < 0.005
    (typical,) = re.findall(r"SGD without scaler, typical answer: (.*) stars", printed)
    assert float(typical) > 1e12, "more than the stars of a galaxy"
    assert numbers_after("least squares  ", printed)[-1] == 0
    assert numbers_after("ridge, alpha=1000  ", printed)[-1] > 0.1, "predictions move"
    (without,) = numbers_after("ridge without the scaler:", printed)
    assert without > 0.1, "the unit of a column changes a ridge without a scaler"
    assert numbers_after("ridge with the scaler:", printed) == [0]
    (middle,) = numbers_after("Mean of all ratings:", printed)
    one, many = re.findall(r"ratings: (\d+), their mean: ([\d.]+)", printed)
    assert (one, int(many[0]) > 30) == (("1", "5.00"), True)
    damped, many_damped = re.findall(r"damped: (.+), by TargetEncoder: (.+)", printed)
    assert float(damped[0]) - middle < 0.2, "not far from the mean of all"
    assert float(many[1]) - float(many_damped[0]) < 0.3, "stays high"
    for by_hand, by_encoder in (damped, many_damped):
        assert by_hand == by_encoder


def check_conclusions_of_feature_selection(printed):
    _, _, all_measures = printed.partition("The three measures")
    impurity, shuffled, _, left_out, _ = numbers_after(
        "user_movie_interaction  ", all_measures
    )
    assert impurity > 25, "most important by impurity, ..."
    assert shuffled > 10 * left_out, "... but two columns say the same as this one"
    for name in ("user_age", "movie_year", "hour_of_day", "day_of_week"):
        impurity, growth, error, _, _ = numbers_after(f"{name}  ", all_measures)
        assert impurity > 1
        assert growth < 2 * error, "no use where the law has none"
    (one,) = numbers_after("One of the three averages left out:", printed)
    all_three, _ = numbers_after("All three averages left out:", printed)
    assert all_three > max(0.1, 10 * one)
    lead = numbers_after("RMSE of the dummy", printed)[0]
    lead -= numbers_after("RMSE of the forest", printed)[0]
    assert all_three > lead / 2

    best_5 = numbers_after("best 5 features", printed)
    all_11 = numbers_after("all 11 features", printed)
    for fold in range(3):
        assert best_5[fold] < all_11[fold]
    before, error = numbers_after("chosen before the split:", printed)
    assert before > max(0.1, 5 * error)
    inside, error = numbers_after("chosen inside the pipeline:", printed)
    assert inside < -5 * error


def check_conclusions_of_model_selection(printed):
    _, _, lie, floor = numbers_after("1.5  ", printed)
    assert lie < floor - 0.05
    _, honest, lie, floor = numbers_after("20.0  ", printed)
    assert floor < lie < honest, "the floor does not reveal every leak"
    assert numbers_after("of the whole table:", printed)[0] > 0.05
    assert numbers_after("of the training rows:", printed)[0] < -0.05
    assert abs(numbers_after("the same, cross-fitted:", printed)[0]) < 0.01

    by_fold = {
        name: numbers_after(f"{name} ", printed.partition("Change by the third")[0])
        for name in ("two, in the pipeline", "three, in the pipeline")
    }
    for none, honest in zip(*by_fold.values(), strict=True):
        assert none - honest == pytest.approx(0.01, abs=0.005)
    _, _, changes = printed.partition("Change by the third average")
    change, error = numbers_after("three, in the pipeline: -", changes)
    assert change == pytest.approx(0.01, abs=0.004)
    assert change > 5 * error, "many times"
    leak, _ = numbers_after("three, before the split: -", changes)
    assert leak > 5 * change
    folds = by_fold["two, in the pipeline"]
    assert change < max(folds) - min(folds), "no larger than from fold to fold"
    _, _, shuffled = changes.partition("R2 on shuffled ratings")
    assert numbers_after("three, before the split", shuffled)[-1] > 0.1
    assert numbers_after("three, in the pipeline", shuffled)[-1] < 0.005

    (known,) = numbers_after("KFold: known users and movies: RMSE", printed)
    (dummy,) = numbers_after("KFold: always the mean: RMSE", printed)
    for new in ("users", "movies"):
        (rmse,) = numbers_after(f"GroupKFold: new {new}: RMSE", printed)
        assert rmse - known == pytest.approx(0.1, abs=0.02)
        assert rmse < dummy - 0.05
    worse = {}
    for drift in (0, 1):
        mixed = numbers_after(f"drift {drift}, KFold, times mixed", printed)[-1]
        by_time = numbers_after(f"drift {drift}, the last sixth by time", printed)[-1]
        worse[drift] = by_time - mixed
    assert abs(worse[0]) < 0.005, "nearly the same"
    assert worse[1] > worse[0] + 0.01


def check_conclusions_of_search(printed):
    luck = {}
    for n_rows in (50, 200, 1000):
        luck[n_rows], error, on_new, error_on_new = numbers_after(
            f"{n_rows} rows: it seems", printed
        )
        assert luck[n_rows] > 5 * error
        assert abs(on_new) < 2 * error_on_new, "only lucky"
    assert luck[50] > 0.1
    assert luck[50] > luck[200] > luck[1000]

    too_good, error = numbers_after("nested - best_score_:", printed)
    assert too_good == pytest.approx(0.05, abs=0.01)
    assert too_good == pytest.approx(3 * error, rel=0.25), "about three"
    winners = printed.partition("The six winners")[2].partition("random search:")[0]
    assert len(set(re.findall(r"^\d +(.*)", winners, re.MULTILINE))) == 4, "different"

    of_random = numbers_after("random search: 27 on 3000 rows, together", printed)[0]
    of_halving = numbers_after("halving, together:", printed)[0]
    assert of_halving < of_random / 5
    _, _, found = printed.partition("RMSE of boosting with its defaults")
    by_search = re.findall(r"MSE smaller by ([\d.]+) ± ([\d.]+)", found)
    assert len(by_search) == 2
    for better, error in by_search:
        assert float(better) > 5 * float(error)
    leaves = re.findall(r"'max_leaf_nodes': (\d+)", found)
    assert max(map(int, leaves)) <= 10, "far smaller trees than the defaults"

    sizes = (4000, 8000, 16000, 28000, 40000)
    lines = [numbers_after(f"{n}  ", found) for n in sizes]
    errors_on_these, errors_on_new, gaps = map(list, zip(*lines))
    assert errors_on_these == sorted(errors_on_these)
    assert errors_on_new == sorted(errors_on_new, reverse=True)
    assert gaps == sorted(gaps, reverse=True)
    assert errors_on_new[-1] - errors_on_these[-1] == pytest.approx(0.028, abs=0.002)


def check_conclusions_of_taste(printed):
    sums = printed.partition("multiplied by Ann's")[2].partition("learned")[0]
    assert numbers_after("Alien", sums)[-1] == 5
    assert numbers_after("Heat", sums)[-1] == 4.3
    thrill, romance = numbers_after("Ridge:", printed)
    assert thrill > 0.5 > -0.5 > romance
    assert numbers_after("one line:", printed) == [thrill, romance]

    errors = [numbers_after(f"rounds: {n:2}", printed)[0] for n in (1, 2, 5, 10)]
    assert errors[0] > 2 * errors[1], "quickly at first, ..."
    assert errors[2] - errors[3] < 0.01, "... then hardly at all"
    answers = printed.partition("Stars by the learned numbers")[2]
    answers, _, starts = answers.partition("from two random starts")
    _, heat, _, casablanca, _ = numbers_after("Ann", answers)
    assert heat > 4 > 2 > casablanca
    first, second, *others = numbers_after("Alien", starts)
    assert abs(first - others[0]) + abs(second - others[1]) > 0.2
    assert numbers_after("Largest difference of the sums:", starts)[0] < 0.02

    trials, _, results = starts.partition("50,000 ratings:")
    assert numbers_after("averages", trials)[1] < numbers_after("mean", trials)[1] - 0.1
    learned, alone = numbers_after("averages", trials)
    by_penalty = trials.partition("by the penalty of ALS")[2]
    weak_on_learned, weak = numbers_after("1  ", by_penalty)
    assert weak_on_learned < learned - 0.2
    assert weak > alone + 0.1, "it has learned the noise"
    of_penalty = {n: numbers_after(f"{n}  ", by_penalty)[1] for n in (1, 10, 15, 20)}
    assert min(of_penalty, key=of_penalty.get) == 15
    assert alone - 0.01 < of_penalty[15] < alone, "only a little better"
    strong_on_learned, _ = numbers_after("20  ", by_penalty)
    assert strong_on_learned > learned - 0.01, "the tastes are nearly 0"

    few, _, many = results.partition("200,000 ratings:")
    (averages,) = numbers_after("averages", few)
    (averages_of_many,) = numbers_after("averages", many)
    als, agrees = numbers_after("our ALS", few)
    als_of_many, agrees_of_many = numbers_after("our ALS", many)
    assert averages - 0.02 < als < averages
    assert agrees < 0.4 < 0.7 < agrees_of_many
    assert als_of_many < averages_of_many - 0.05
    lesson = numbers_after("MatrixFactorization", few)
    lesson_of_many = numbers_after("MatrixFactorization", many)
    assert lesson[0] < als - 0.02 and lesson[1] > agrees + 0.2, "more of few ratings"
    assert als - als_of_many > lesson[0] - lesson_of_many[0] + 0.01, "gains most, ..."
    assert agrees_of_many - agrees > lesson_of_many[1] - lesson[1] + 0.1, "... twice"
    law, agrees_by_law = numbers_after("the law", few)
    assert law < lesson[0] - 0.02
    assert numbers_after("the law", many)[0] < lesson_of_many[0] - 0.02
    assert 0.8 < agrees_by_law < 0.95, "it cannot quite reach 1"


def check_conclusions_of_top_ten(printed):
    (ndcg,) = numbers_after("Our points, divided by the best:", printed)
    (of_other_order,) = numbers_after("NDCG:", printed)
    assert 0 < of_other_order < ndcg < 1, "both lists hold the same movies"

    weights = printed.partition("for each movie (columns)")[2].partition("How well")[0]
    titles = ("Alien", "Heat", "Titanic", "Casablanca", "Up")
    table = [numbers_after(title, weights) for title in titles]
    of_heat = [row[1] for row in table]
    assert max(of_heat) == of_heat[0], "Alien has the largest weight"
    assert [table[place][place] for place in range(5)] == [0] * 5, "the diagonal"
    (heat,) = numbers_after("How well Heat fits Ann:", printed)
    (casablanca,) = numbers_after("How well Casablanca fits Ann:", printed)
    assert casablanca < 0 < heat
    products = printed.partition("How well Heat")[2].partition("How well")[0]
    like, weight, product = numbers_after("Alien", products)
    assert like > 0
    assert weight > 0.4
    assert product == pytest.approx(heat, rel=0.1), "nearly all comes from Alien"

    (ahead, error) = numbers_after("most ratings - most stars:", printed)
    assert ahead > 3 * error
    (ahead, error) = numbers_after("EASE - most ratings:", printed)
    assert ahead > 3 * error
    (ahead, error) = numbers_after("MovieRanker - EASE:", printed)
    assert ahead > 3 * error
    last = printed.split("NDCG@10 on the test rows")[2]
    ways = ("chance", "most stars", "most ratings", "EASE", "MovieRanker")
    chance, stars, ratings, ease, ranker = [
        float(re.search(rf"^{way} +([\d.]+)$", last, re.MULTILINE)[1]) for way in ways
    ]
    assert ease > 0.9 * ranker, "nearly all"
    assert chance < 0.03 < stars < ratings - 0.02
    assert min(ease, ranker) > ratings + 0.03


def check_conclusions_of_supervised(printed):
    """The words of the chapter are fixed; the figures must bear them out."""
    errors, _, gains = printed.partition("Gain over linear")
    expected, given = numbers_after("expected", errors)
    assert expected > 4, "the law is surprised"
    assert given == 1
    assert numbers_after("factors", errors)[-1] == pytest.approx(1 / 6, abs=0.015)
    assert numbers_after("linear", errors)[-1] == pytest.approx(1 / 4, abs=0.02)
    ignorance_of = {
        name: numbers_after(name, errors)[1] for name in ("linear", "forest", "factors")
    }
    assert ignorance_of["forest"] == pytest.approx(ignorance_of["linear"], abs=0.01)
    assert ignorance_of["factors"] < 0.7 * ignorance_of["linear"]
    gain, standard_error = numbers_after("boosting", gains)
    assert abs(gain) < 2 * standard_error, "may be luck"
    gain, standard_error = numbers_after("forest", gains)
    assert -0.005 < gain < -3 * standard_error, "more than luck, but tiny"
    gain, standard_error = numbers_after("factors", gains)
    assert gain > 20 * standard_error, "of another size"
    sigmas, _, by_care = gains.partition("by the care of the users")
    (sigma,) = numbers_after("most careful", sigmas)
    assert numbers_after("most careless", sigmas)[0] > 4 * sigma
    noise, ignorance = numbers_after("most careful", by_care)
    more_noise, more_ignorance = numbers_after("most careless", by_care)
    assert more_noise > 10 * noise
    assert 1.2 < more_ignorance / ignorance < 1.5, "by about a third"


def check_conclusions_of_threshold(printed):
    start, _, end = printed.partition("Probability of a like")
    by_stars = re.findall(r"\d\.\d stars: (\d\.\d\d)", start)
    assert len(by_stars) == 5
    assert by_stars == sorted(by_stars), "the more stars, the more probable"
    losses, _, areas = start.partition("are liked)")[2].partition("ROC AUC")
    loss_of = {
        name: numbers_after(f"{name} ", losses)[0]
        for name in ("dummy", "balanced", "features", "factors")
    }
    assert loss_of["factors"] < loss_of["features"]
    assert loss_of["features"] < loss_of["balanced"] - 0.05, "by far"
    assert loss_of["dummy"] - 0.05 < loss_of["balanced"], "hardly better"

    for part in ("lowest fifth", "2nd", "3rd", "4th", "highest fifth"):
        said_and_liked = numbers_after(part, end)
        assert said_and_liked[0] > said_and_liked[1] + 0.05, "balanced says too much"
        assert said_and_liked[2] == pytest.approx(said_and_liked[3], abs=0.035)
        assert said_and_liked[4] == pytest.approx(said_and_liked[5], abs=0.035)
    assert numbers_after("highest fifth", end)[0] == pytest.approx(0.8, abs=0.03)
    assert numbers_after("highest fifth", end)[1] == pytest.approx(0.6, abs=0.04)

    auc = {name: numbers_after(f"{name} ", areas)[0] for name in loss_of}
    assert auc["balanced"] == pytest.approx(auc["features"], abs=0.005)
    assert auc["dummy"] == 0.5 < auc["features"] < auc["factors"]
    losses = [
        numbers_after(f"a model says 0.{tenth}:", end)[0] for tenth in range(5, 10)
    ]
    assert min(losses) == losses[2], "the true chance"
    split = end.partition("split into its two parts")[2].partition("Cost of")[0]
    parts = {}
    for name in loss_of:
        measured, *parts[name] = numbers_after(f"{name} ", split)
        assert sum(parts[name]) == pytest.approx(measured, abs=0.005)
    for name in ("features", "factors"):
        noise, ignorance = parts[name][:2]
        assert noise > ignorance, "most of the loss is noise"
    assert parts["factors"][1] < parts["features"][1] - 0.01, "the taste helps more"
    assert parts["balanced"][1] > 0.75 * parts["dummy"][1]
    assert numbers_after("the law ", split)[-1] == 0
    is_cheaper = [
        yes < no for yes, no in re.findall(r"0\.\d +(\S+) +(\S+)$", split, re.M)
    ]
    assert is_cheaper == [False, False, False, True, True], "from 1/3 on"

    rules = ("factors: p > 1/3", "factors: p > 1/2", "never")
    costs = [numbers_after(rule, end)[1] for rule in rules]
    assert costs == sorted(costs)
    share, cost = numbers_after("balanced: p > 1/3", end)[:2]
    share_of_features, cost_of_features = numbers_after("features: p > 1/3", end)[:2]
    assert share > 50 > share_of_features
    assert cost > cost_of_features + 5
    assert 25 < numbers_after("factors: p > 1/3", end)[0] < 35
    _, bad_evenings = numbers_after("not liked", end)
    matrix = end.partition("says yes\n")[2].partition("not liked")[2]
    missed, found = numbers_after("liked", matrix)
    (precision,) = numbers_after("Precision:", end)
    (recall,) = numbers_after("Recall:", end)
    assert precision == pytest.approx(found / (found + bad_evenings), abs=0.006)
    assert recall == pytest.approx(found / (found + missed), abs=0.006)


def check_conclusions_of_unsupervised(printed):
    sizes = numbers_after("Users in each of the eight clusters:", printed)
    assert sum(sizes) == 1000 and min(sizes) > 50, "they look like kinds of people"
    (far_apart,) = numbers_after("two groups, far apart:", printed)
    (cloud,) = numbers_after("one cloud, eight columns:", printed)
    (flat_cloud,) = numbers_after("one cloud, two columns:", printed)
    assert far_apart > 0.8 > 0.4 > flat_cloud > 2.5 * cloud > 0.1
    correlation, score = numbers_after("the points:", printed)
    shuffled, score_of_shuffled = numbers_after("each column shuffled:", printed)
    of_gaussian, score_of_gaussian = numbers_after("Gaussian, same", printed)
    assert min(correlation, of_gaussian) > 0.8 > 0.2 > abs(shuffled)
    assert score > score_of_shuffled + 0.1, "it is the shape"
    assert score == pytest.approx(score_of_gaussian, abs=0.05)

    of_users, of_movies = re.findall(r"mean of ten controls\n(?:.+\n)+", printed)
    _, _, difference, spread = numbers_after("users", of_users)
    assert difference < spread, "no groups show"
    assert numbers_after("users", of_movies)[2] == difference
    _, _, of_genres, spread = numbers_after("202 movies", of_movies)
    assert of_genres > 4 * max(spread, abs(difference))

    by_chance, by_genre = re.findall(r"genres: +(-?\d\.\d+)", printed)[:2]
    assert float(by_genre) > 0.5 > 0.3 > float(by_chance)
    by_chance, by_genre = re.findall(r"genres: +(-?\d\.\d+)", printed)[2:]
    assert float(by_genre) > 0.5
    assert abs(float(by_chance)) < 0.05
    *_, second, highest = numbers_after("0.", printed.partition("ten other tables:")[2])
    (mean,) = numbers_after("mean ", printed.partition("ten other tables:")[2])
    assert mean == pytest.approx(0.4, abs=0.03)
    assert mean + 0.15 < float(by_genre), "our table was lucky"
    assert second < 0.5 < highest, "only one comes near"
    start = "Movies above their controls by more than twice the spread:"
    assert numbers_after(start, printed) == [6]
    (few,) = numbers_after("50,000 ratings:", printed)
    (many,) = numbers_after("200,000 ratings:", printed)
    assert few < 0.6 * float(by_genre), "the few ratings are the difference"
    assert many > 0.8


def check_conclusions_of_unusual(printed):
    for shills in ("always five", "always three", "at random"):
        dummy, forest, rule, spread = numbers_after(f"20 {shills}", printed)
        assert dummy + 2 * spread < forest <= rule
        assert (forest > 0.9) == (shills == "always five"), "rare and extreme"
    assert forest < 0.35, "of those at random it finds few"
    dummy, forest, rule, spread = numbers_after("200 always five", printed)
    assert dummy + 2 * spread < forest < 0.7, "no longer rare"
    assert rule > 0.9
    assert numbers_after("shills at the places [1, 2]:", printed) == [1]
    (score,) = numbers_after("shills at the places [1, 3]:", printed)
    assert score == pytest.approx((1 / 1 + 2 / 3) / 2, abs=0.005)
    (careless,) = numbers_after("Of these, among the most careless fifth:", printed)
    assert careless > 10, "they are like shills who rate at random"
    honest = numbers_after("1  ", printed.partition("three honest users")[2])[2]
    _, _, at_random = numbers_after("at random  ", printed)
    assert at_random < honest - 0.2, "who rates at random agrees with nobody"


def check_conclusions_of_utilities(printed):
    (by_formula,) = numbers_after("By a formula, of all (true stars):", printed)
    assert numbers_after("The mean of 100,000 such ratings:", printed) == [by_formula]
    rated, others = numbers_after("True stars, mean of", printed)
    assert rated > others + 0.2, "missing not at random"
    assert numbers_after("Users for whom the first is higher:", printed)[0] > 98
    both = printed.partition("difference of the two")[2].partition("User 1")[0]
    ndcg, ndcg_of_law, difference, error = numbers_after("NDCG ", both)
    assert -0.05 > difference == pytest.approx(ndcg_of_law - ndcg, abs=0.0015)
    assert -difference > 5 * error, "many times"
    *_, difference, error = numbers_after("true stars ", both)
    assert 0.4 < difference < 0.5, "almost half a star"
    assert difference > 5 * error
    *shares, _, _ = numbers_after("rated, % ", both)
    assert shares[0] > 1.5 * shares[1], "what NDCG can count"
    assert shares[1] < 10, "less than a tenth"
    by_ranker, by_law = re.findall(r"the first five by (?:.+\n)+", printed)
    stars_of_rated = re.findall(r" (\d\.\d)$", by_ranker, re.MULTILINE)
    assert sorted(map(float, stars_of_rated)) == [3.5, 4, 4]
    assert re.findall(r" (\d\.\d)$", by_law, re.MULTILINE) == []
    assert "The Vanishing Cousin" in by_law

    names = ("MovieRanker", "popularity", "the law", "factors", "linear", "mean")
    table = printed.partition("RMSE in stars of the held-out rows")[2]
    # (NDCG, ahead of the law, its error, true stars), from the right: MovieRanker has
    # no RMSE.
    rows = {name: numbers_after(f"{name} ", table)[-4:] for name in names}
    by_ndcg = sorted(names, key=lambda name: -rows[name][0])
    by_true_stars = sorted(names, key=lambda name: -rows[name][3])
    assert by_ndcg[:3] == ["MovieRanker", "popularity", "the law"]
    assert by_true_stars[0] == "the law"
    assert by_true_stars[-1] == "mean"
    assert rows["MovieRanker"][3] < rows["factors"][3] - 0.1
    _, ahead, error, _ = rows["popularity"]
    assert ahead > 2 * error, "popularity is above the law, and that is not luck"
    _, ahead, error, _ = rows["factors"]
    assert abs(ahead) < 1.5 * error, "about one standard error"


def check_conclusions_of_writing(printed):
    before, _, after = printed.partition("Accuracy on 899 test rows:")
    accuracy = {}
    for name in ("dummy", "neighbours", "logistic", "SVC"):
        accuracy[name], _, behind, error = numbers_after(f"{name}  ", before)
        accuracy[name, "luck"] = behind < error
        accuracy[name, "sure"] = behind > 3 * error
    assert accuracy["dummy"] == 10
    assert min(accuracy["neighbours"], accuracy["SVC"]) > 97
    assert accuracy["neighbours", "luck"]
    assert accuracy["logistic", "sure"]

    pairs = before.partition("Rows: C; columns: gamma")[2]
    by_gamma = numbers_after("10.0 ", pairs)
    assert max(by_gamma) == by_gamma[2] == pytest.approx(accuracy["SVC"] + 1, abs=0.2)
    assert "Chosen: {'C': 10, 'gamma': 0.001}" in pairs
    of_good_gamma = [numbers_after(f"{C} ", pairs)[2] for C in ("1.0", "10.0", "100.0")]
    assert max(of_good_gamma) - min(of_good_gamma) < 0.2, "C hardly matters"
    first = after.partition("\n")[0]
    assert float(first.split()[0]) == pytest.approx(99, abs=0.5), "as in the folds"
    matrix, _, after = after.partition("The 9: recall")
    rows = [numbers_after(f"{digit} ", matrix)[-10:] for digit in range(10)]
    misread = [sum(row) - row[digit] for digit, row in enumerate(rows)]
    assert sum(misread) == 13
    assert misread[9] == 6, "the 9 is misread most often"
    assert misread[1] == misread[4] == 0, "the other choices"
    assert (rows[9][7], rows[9][5]) == (4, 2)
    assert max(misread[:9]) == 2
    assert sum(row[9] for row in rows) == 85
    assert sum(row[7] for row in rows) == 89 + 5

    by_number = [
        numbers_after(f"{n} components", after)[-1] for n in (2, 5, 10, 20, 40)
    ]
    (of_all,) = numbers_after("64 squares  ", after)
    assert 50 < by_number[0] < by_number[1] < of_all - 1, "lose more than a point"
    assert 0.5 < of_all - by_number[2] < 2.5, "one or two points"
    assert abs(of_all - by_number[3]) < 0.5
    assert by_number[4] < by_number[3] + 0.5
    assert "different 13" in after
    shuffled = numbers_after("shuffled  ", after)[-1]
    in_order = numbers_after("as it stands  ", after)[-1]
    assert 100 - in_order > 2 * (100 - shuffled)
    fewest, most = numbers_after("As it stands, a part has", after)
    assert 33 <= fewest < most <= 39


def check_conclusions_of_tickets(printed):
    same = [
        numbers_after(line, printed)[0]
        for line in ("The two dates are the same:", "Nobody came:", "Both:")
    ]
    assert same[0] == same[1] == same[2] > 0
    (share,) = numbers_after("No-shows among the training rows:", printed)
    assert share < 13, "right in almost nine of ten cases"
    with_age = numbers_after("with an age:", printed)[0]
    without_age = numbers_after("without an age:", printed)[0]
    assert 1.6 < without_age / with_age < 2.4, "about twice as many"

    folds, _, printed = printed.partition("leaves  rate  log loss\n")
    *dummy, _ = numbers_after("dummy  ", folds)
    *logistic, mean_of_logistic = numbers_after("logistic  ", folds)
    *boosting, mean_of_boosting = numbers_after("boosting  ", folds)
    assert mean_of_logistic < mean_of_boosting
    assert boosting[0] > dummy[0], "worse than the dummy, with the fewest rows"
    assert boosting[-1] < dummy[-1], "with more rows this becomes less"
    candidates = [line.split() for line in printed.partition("\n\n")[0].splitlines()]
    losses = {(int(n), float(rate)): float(loss) for n, rate, loss in candidates}
    assert min(losses, key=losses.get)[0] == 4, "small trees win"
    assert losses[31, 0.03] < losses[31, 0.1], "small steps help large trees"
    assert losses[31, 0.1] > mean_of_boosting, "with 150 trees instead of 100"
    for number in range(1, 5):
        assert numbers_after(f"fold {number} ", printed)[0] > 0

    scores, _, rest = printed.partition("On the test rows")[2].partition("Log loss, le")
    less, _, rest = rest.partition("No-shows among the test rows")
    law, best = numbers_after("the law", scores)
    logistic, _ = numbers_after("logistic", scores)
    chosen, _ = numbers_after("boosting, chosen", scores)
    assert law < chosen < logistic
    _, accuracy_of_dummy = numbers_after("dummy", scores)
    assert best - accuracy_of_dummy < 0.02, "about the same"
    difference, error = numbers_after("boosting, chosen", less)
    assert difference > 2 * error
    difference, error = numbers_after("boosting  ", less)
    assert abs(difference) < 2 * error, "it has caught up"

    rows = re.findall(r"\] +(\d+) +(\d+) +(\d+)$", rest, re.MULTILINE)
    happened, by_boosting, by_logistic = zip(*(map(int, row) for row in rows))
    assert max(happened[:5]) - min(happened[:5]) < 5, "paid: the days hardly matter"
    assert happened[9] > 3 * happened[5], "free: they do"
    for places in (range(5), range(5, 10)):
        misses = [
            sum(abs(happened[place] - says[place]) for place in places)
            for says in (by_boosting, by_logistic)
        ]
        assert misses[0] < misses[1]

    gains, _, last = rest.partition("Of 1000 test rows")[2].partition("\n0.")
    assert numbers_after("call everybody", gains)[1] < 0
    for name in ("logistic", "boosting  ", "boosting, chosen", "the law"):
        assert numbers_after(name, gains)[1] > 0
    gain, more, error = numbers_after("boosting, chosen", gains)[1:]
    assert more > 2 * error
    assert numbers_after("the law", gains)[1] > gain
    assert re.search(r"\d\d: call\n0\.\d\d: do not call", last)


#: What is printed must bear out what the text says. (7_map has tests of its own.)
CONCLUSIONS = {
    "0_first": check_conclusions_of_first,
    "0_job": check_conclusions_of_job,
    "0_luck": check_conclusions_of_luck,
    "1_preprocessing": check_conclusions_of_preprocessing,
    "2_feature_selection": check_conclusions_of_feature_selection,
    "3_model_selection": check_conclusions_of_model_selection,
    "3_search": check_conclusions_of_search,
    "4_supervised": check_conclusions_of_supervised,
    "4_taste": check_conclusions_of_taste,
    "4_threshold": check_conclusions_of_threshold,
    "4_top_ten": check_conclusions_of_top_ten,
    "4_writing": check_conclusions_of_writing,
    "5_unsupervised": check_conclusions_of_unsupervised,
    "5_unusual": check_conclusions_of_unusual,
    "6_utilities": check_conclusions_of_utilities,
    "7_parts": check_conclusions_of_parts,
    "7_tickets": check_conclusions_of_tickets,
    "8_deploy": check_conclusions_of_deploy,
    "8_experiment": check_conclusions_of_experiment,
    "8_monitor": check_conclusions_of_monitor,
}


def test_every_chapter_but_the_map_has_its_conclusions_checked():
    assert {*CONCLUSIONS, "7_map"} == {chapter.stem for chapter in CHAPTERS}


# One test, so that a chapter, which takes up to 30 seconds, is run once, whatever the
# order of the tests.
@pytest.mark.parametrize("chapter", SCRIPTS, ids=NAMES)
def test_a_chapter_prints_draws_and_bears_out_its_words(tmp_path, chapter):
    printed = run(tmp_path, chapter)
    check_output(printed, chapter)
    check_figures(printed, chapter)
    if chapter.stem in CONCLUSIONS:
        CONCLUSIONS[chapter.stem](printed)
    if chapter != APPENDIX and importlib.util.find_spec("matplotlib") is not None:
        check_pictures(tmp_path, chapter)


@pytest.fixture(scope="module")
def whole_map(tmp_path_factory):
    return run(tmp_path_factory.mktemp("map"), PILLARS / "7_map.py", "all")


def test_a_pillar_claims_every_module_of_the_installed_scikit_learn(tmp_path):
    program = """\
import catalog
names = catalog.public_names()
print(*sorted(set(names.loc[names["pillar"].isna(), "module"])))"""
    unclaimed = run(tmp_path, "-c", program).split()
    assert unclaimed == [], "add these modules to PILLARS in pillars/catalog.py"


def test_the_map_lists_every_name_with_its_verbs_and_tags(whole_map):
    lines = [line.split() for line in whole_map.splitlines()]
    facts = {line[0]: " ".join(line[1:]) for line in lines if line}
    assert facts["Ridge"].startswith(
        "estimators linear_model Supervised fit predict regressor"
    )
    assert facts["KMeans"].startswith(
        "estimators cluster Unsupervised fit predict transform clusterer, transformer"
    )
    assert facts["IsolationForest"].startswith(
        "estimators ensemble Unsupervised fit predict outlier_detector"
    ), "by what it does, not by its module"
    assert facts["HistGradientBoostingRegressor"].endswith(
        "regressor, missing values True"
    ), "3_search imports it"
    assert facts["RandomForestRegressor"].endswith("False"), (
        "only the lesson imports it, and no chapter"
    )
    assert "sparse" in facts["TruncatedSVD"] or sklearn.__version__.startswith(
        "1.6."
    ), "1.6 does not tell"
    assert facts["KFold"] == "splitters model_selection Model selection split True"
    assert facts["NMF"].endswith("False"), "no chapter imports it"


def test_the_pictures_are_there_and_small():
    pictures = {
        picture.name: picture for picture in (ROOT / "docs" / "pictures").glob("*.svg")
    }
    # scale: by benchmarks/scale.py
    expected = {"error_ladder.svg", "pipeline.svg", "scale.svg"}
    for chapter in CHAPTERS:
        expected.update(pictures_of(chapter))
    assert set(pictures) == expected, "python tools/pictures.py draws them all"
    assert [
        name for name, picture in pictures.items() if picture.stat().st_size > 60_000
    ] == []


def test_each_picture_is_on_a_page():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    on_pages = {Path(path).name for path in re.findall(r"\]\(([\w./]+\.\w+)\)", text)}
    drawn = {name for chapter in CHAPTERS for name in pictures_of(chapter)}
    pictures = {picture.name for picture in (ROOT / "docs" / "pictures").iterdir()}
    assert pictures - on_pages - drawn == set()


def test_the_picture_of_the_pipeline_shows_the_steps_that_it_has():
    words = re.findall(
        r">([^<>\n]+)</text>",
        (ROOT / "docs" / "pictures" / "pipeline.svg").read_text(encoding="utf-8"),
    )
    steps = [
        word
        for name, step in SklearnEcosystemPipeline().build_pipeline().steps
        for word in (name, type(step).__name__)
    ]
    start = words.index(steps[0])
    shown = words[start : start + len(steps)]
    assert shown[:-1] == steps[:-1], "python tools/pictures.py draws it again"
    # The class of the last step is a detail: learners know it as the forest.
    assert steps[-2] == "model"
    assert "forest" in shown[-1]
    assert "Forest" in steps[-1]
