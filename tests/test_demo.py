"""The demo and the command line, as a learner runs them."""

import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from conftest import MODELS, ROOT, copy_lesson
from sklearn.metrics import root_mean_squared_error

import lesson_code
from lesson_code import (
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
    demonstrate_ecosystem,
    main,
)
from recommender import commands, solutions

#: The lines of the lesson page, in its order; # stands for a figure.
LINES = """
============================================================
Scikit-learn Ecosystem: Production ML Pipeline Demo
============================================================
Step 1: Generating movie rating dataset...
✓ Dataset created: 3000 ratings from 300 users
  Rating range: 1.0 - 5.0
  Average rating: #.##
Step 2: Engineering features...
✓ Features created: 13 features from 3000 samples
  Feature columns: ['user_id', 'movie_id', 'user_age', 'movie_year', 'genre_encoded']...
Step 3: Splitting data...
✓ Train set: 2400 samples
  Test set: 600 samples
Step 4: Training pipeline with cross-validation...
Building pipeline...
Performing cross-validation...
CV RMSE: #.#### (+/- #.####)
✓ Training complete
Step 5: Evaluating on test set...
Test Set Performance:
  RMSE: #.####
  MAE: #.####
  R2: #.####
  Precision@10: #.####
  Recall@10: #.####
  NDCG@10: #.####
Step 6: Saving pipeline for production deployment...
Pipeline saved to production_pipeline.pkl
✓ Pipeline serialized to production_pipeline.pkl
Step 7: Simulating production inference...
Sample predictions:
  User #, Movie #: Predicted #.##, Actual #.##
  User #, Movie #: Predicted #.##, Actual #.##
  User #, Movie #: Predicted #.##, Actual #.##
  User #, Movie #: Predicted #.##, Actual #.##
  User #, Movie #: Predicted #.##, Actual #.##
============================================================
Ecosystem Demonstration Complete!
============================================================
Key Takeaways:
✓ Custom transformers extend sklearn seamlessly
✓ Pipelines bundle preprocessing + modeling atomically
✓ Cross-validation ensures generalization
✓ Serialization enables production deployment
✓ Consistent API across all components
""".strip().splitlines()
SMALL = {"n_users": 300, "n_movies": 150, "n_ratings": 3000}


def run(*arguments, cwd, script=ROOT / "lesson_code.py", **environment):
    return subprocess.run(
        [sys.executable, str(script), *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"} | environment,
    )


def pattern(line):
    """A line as a regular expression, "#.##" being any number with two decimals."""
    decimals = re.sub(
        r"\\\.((?:\\#)+)",
        lambda hashes: rf"\.\d{{{len(hashes[1]) // 2}}}",
        re.escape(line),
    )
    return re.compile(decimals.replace(r"\#", r"-?\d+"))


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    result = run("--users", 300, "--movies", 150, "--ratings", 3000, cwd=folder)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return folder, result.stdout


def test_the_lines_of_the_lesson_page_come_in_its_order(printed):
    lines = iter(printed[1].splitlines())
    for expected in LINES:
        assert any(pattern(expected).fullmatch(line) for line in lines), (
            f"missing, or out of order: {expected}"
        )


def test_the_errors_of_mean_model_and_noise_floor_stand_together_right_after_rmse(
    printed,
):
    lines = printed[1].splitlines()
    start, end = (
        next(i for i, line in enumerate(lines) if line.startswith(f"  {name}: "))
        for name in ("RMSE", "MAE")
    )
    ladder = lines[start + 1 : end]
    words = ("mean", "this model", "noise floor")
    for word, line in zip(words, ladder[:3], strict=True):
        assert re.search(word, line)
    mean, model, floor = (
        float(re.match(r" +(\d\.\d{4})  ", line)[1]) for line in ladder[:3]
    )
    assert mean > model > floor
    assert f"  RMSE: {model:.4f}" == lines[start]
    # the standard error of the test figure
    assert float(re.search(r"± (0\.\d{4})", ladder[1])[1]) < 0.1


def test_the_fragile_way_stands_beside_with_its_misleading_figure_and_what_is_wrong(
    printed,
):
    line, reason = re.search(
        r"^( +.*fragile way.*)\n( +.*)$", printed[1], re.MULTILINE
    ).groups()
    model = float(re.search(r"^  RMSE: (\S+)$", printed[1], re.MULTILINE)[1])
    assert float(re.search(r"RMSE (\d\.\d{4})", line)[1]) < model
    assert "before the split" in line
    assert "not believe it" in line
    assert "test rows" in reason


def test_what_a_model_does_not_read_is_not_shown_as_if_it_did(printed):
    """Of the first sample the averages and counts are told, not the country and the
    hour, which are worthless by law.
    """
    step_2 = printed[1].split("Step 2")[1].split("Step 3")[0]
    assert re.search(
        r"user \d+ gave \d+ ratings, damped average of the other folds \d\.\d\d", step_2
    )
    assert re.search(
        r"movie \d+ got \d+ ratings, damped average of the other folds \d\.\d\d", step_2
    )
    assert "country" not in step_2


def test_the_artifact_of_the_command_loads_with_joblib_alone(printed):
    folder, _ = printed
    assert sorted(p.name for p in folder.iterdir()) == [
        "production_pipeline.pkl",
        "production_pipeline.pkl.json",
    ]
    code = (
        "import joblib; print(type(joblib.load('production_pipeline.pkl')).__module__)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert loaded.stdout.strip() == "lesson_code", loaded.stderr


def test_step_5_tells_the_figures_of_lists_beside_popularity_and_chance(printed):
    assert "10 movies are recommended to each user by MovieRanker." in printed[1]
    for name in ("Precision@10", "Recall@10", "NDCG@10"):
        limit = r"; at most (\S+)" if name == "Precision@10" else ""
        figures = re.search(
            rf"^  {name}: (\S+)\n    \(by popularity (\S+), by chance (\S+?){limit}\)$",
            printed[1],
            re.MULTILINE,
        ).groups()
        taste, popularity, chance, *most = map(float, figures)
        # a table this small tells little of taste
        assert min(taste, popularity) > chance
        assert not most or taste < most[0] < 1


def test_the_users_of_the_lists_add_up(printed):
    line = re.search(r"^  Users: .*$", printed[1], re.MULTILINE)[0]
    n_all, *parts = map(int, re.findall(r"\d+", line))
    assert n_all == 300
    assert len(parts) == 3
    assert sum(parts) == n_all
    assert min(parts) > 0


def table_in(text, n_rows):
    """The last rows of a pandas table that was printed: its column names,
    and the cells of every row.
    """
    head, *rows = [line.split() for line in text.splitlines()[-n_rows - 1 :]]
    return head, rows


def test_the_command_recommends_from_the_saved_artifact(printed, monkeypatch, capsys):
    monkeypatch.chdir(printed[0])
    artifact = joblib.load("production_pipeline.pkl")
    lists = {}
    for who in ("--user 7", "--user 7777", "--rated 1=5,50=2.5"):
        assert main(["recommend", *who.split(), "--top", "4"]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        head, rows = table_in(out, 4)
        assert head == ["movie_id", "title", "score", "predicted_rating"]
        assert [row[0] for row in rows] == ["1", "2", "3", "4"]
        assert all(1 <= float(row[-1]) <= 5 for row in rows)
        lists[who] = out, [int(row[1]) for row in rows]
    assert lists["--user 7777"][0].startswith("User 7777 is unknown: ")
    assert "popular" in lists["--user 7777"][0].splitlines()[0]
    assert lists["--user 7"][1] == artifact.recommend(7, n=4)["movie_id"].tolist()
    assert (
        lists["--user 7777"][1]
        == artifact.recommend(ratings={}, n=4)["movie_id"].tolist()
    )
    assert (
        lists["--rated 1=5,50=2.5"][1]
        == artifact.recommend(ratings={1: 5, 50: 2.5}, n=4)["movie_id"].tolist()
    )


def test_the_command_lists_ten_movies_unless_asked_for_another_number(
    printed, monkeypatch, capsys
):
    monkeypatch.chdir(printed[0])
    main(["recommend", "--user", "7"])
    _, rows = table_in(capsys.readouterr().out, 10)
    assert [row[0] for row in rows] == [str(rank) for rank in range(1, 11)]
    with pytest.raises(SystemExit, match="2"):
        main(["recommend", "--user", "7", "--top", "0"])
    assert (
        capsys.readouterr().err
        == "lesson_code.py: n must be an integer of at least 1, got 0.\n"
    )


@pytest.mark.parametrize(
    ("user", "movie"), [(7, 3), (7777, 3), (7, 7777), (7777, 7777)]
)
def test_the_command_predicts_one_rating(printed, monkeypatch, capsys, user, movie):
    monkeypatch.chdir(printed[0])
    assert main(["predict", "--user", str(user), "--movie", str(movie)]) == 0
    out, err = capsys.readouterr()
    pair = pd.DataFrame({"user_id": [user], "movie_id": [movie]})
    stars = joblib.load("production_pipeline.pkl").predict(pair)[0]
    unknown = ""
    if user == 7777:
        unknown += " (the user is unknown)"
    if movie == 7777:
        unknown += " (the movie is unknown)"
    assert out == f"User {user}, Movie {movie}: Predicted {stars:.2f}{unknown}\n"
    assert err == ""


def test_the_command_predicts_from_another_artifact(table, tmp_path, capsys):
    path = (
        SklearnEcosystemPipeline(model="linear")
        .fit(table)
        .save_pipeline(tmp_path / "mine.pkl")
    )
    pair = ["--user", "1", "--movie", "2"]
    assert main(["predict", *pair, "--artifact", str(path)]) == 0
    assert re.fullmatch(
        r"User 1, Movie 2: Predicted \d\.\d\d\n", capsys.readouterr().out
    )


def test_a_warning_on_the_command_line_is_one_line(printed):
    folder, _ = printed
    err = run("recommend", "--rated", "1=5,9999=2", cwd=folder).stderr
    assert err == "lesson_code.py: Unknown movies are ignored: 9999.\n"
    err = run("recommend", "--rated", "9999=2", cwd=folder).stderr
    assert err.count("\n") == 1
    assert re.search(r"9999\. None is left: .*most popular movies", err)


def test_warnings_of_scikit_learn_about_versions_are_shown_only_if_asked_for(printed):
    """`load_pipeline` lets them through, one for each kind of estimator."""
    folder, _ = printed
    code = """
import sys
import sklearn.base
sklearn.base.__version__ = "99.0"
from recommender.start import run_script
sys.exit(run_script("lesson_code.py", None))
"""
    settings = os.environ | {"PYTHONPATH": str(ROOT)}
    errors = []
    for options in ([], ["-W", "default"]):
        command = [sys.executable, *options, "-c", code, "predict"]
        done = subprocess.run(
            [*command, "--user", "7", "--movie", "3"],
            cwd=folder,
            env=settings,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0
        errors.append(done.stderr)
    assert errors[0] == ""
    assert "99.0" in errors[1]


def test_main_leaves_the_callers_warnings_and_streams_as_they_are(
    printed, monkeypatch, capsys
):
    """They belong to the process, and a thread that restores them too early or too late
    changes them for good.
    """
    monkeypatch.chdir(printed[0])
    settings = (warnings.showwarning, list(warnings.filters), sys.stdout)
    seen = []
    say = commands.say

    def look(line):
        seen.append((warnings.showwarning, list(warnings.filters), sys.stdout))
        say(line)

    monkeypatch.setattr(commands, "say", look)
    assert main(["predict", "--user", "7", "--movie", "3"]) == 0
    assert seen == [settings]
    assert capsys.readouterr().err == ""


def test_titles_of_the_real_release_stand_in_its_recommendations(
    real_release, tmp_path
):
    options = ["--data", real_release, "--model", "factors", "--output", "real.pkl"]
    trained = run(*options, cwd=tmp_path)
    assert trained.returncode == 0
    result = run("recommend", "--user", 1, "--artifact", "real.pkl", cwd=tmp_path)
    line = r"^\d+ +\d+ +.+ \(\d{4}\) +-?\d+\.\d{4} +\d\.\d{4}$"
    assert len(re.findall(line, result.stdout, re.MULTILINE)) >= 9


COMPARED = ["mean", "two lines", *MODELS]
SHOWN = ["RMSE", "RMSE_std", "MAE", "R2", "to_best", "to_best_se", "fit_s", "predict_s"]


def test_compare_prints_a_line_per_model_while_it_goes_and_then_the_table(capsys):
    sizes = ["--users", "60", "--movies", "40", "--ratings", "900"]
    assert main(["compare", *sizes, "--seed", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("900 ratings, 5 folds")
    going = [
        re.fullmatch(r"  (.+): RMSE (\d\.\d{4})", line).groups() for line in lines[1:8]
    ]
    assert [name for name, _ in going] == COMPARED
    assert lines[8].split() == SHOWN
    rows = [
        re.fullmatch(r"(.+?)" + r" +(-?\d+\.\d{4})" * 8 + " *", line)
        for line in lines[9:-1]
    ]
    # pandas may put the name of the index on a line of its own
    rows = [row.groups() for row in rows if row]
    assert [(row[0].strip(), row[1]) for row in rows] == going
    best = min(rows, key=lambda row: float(row[1]))
    assert [float(value) for value in best[5:7]] == [0, 0]
    assert all(float(row[5]) > 0 for row in rows if row is not best)
    assert re.search(r"noise floor.*: 0\.\d{4}$", lines[-1])


def test_compare_of_a_release_tells_no_noise_floor(tmp_path, capsys, monkeypatch, stub):
    (tmp_path / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n1,10,4,1\n2,10,3,2\n", encoding="utf-8"
    )
    (tmp_path / "movies.csv").write_text(
        "movieId,title,genres\n10,Heat (1995),Drama\n", encoding="utf-8"
    )
    assert main(["compare", "--data", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("2 ratings")
    assert "noise floor" not in out
    assert stub == [2]


@pytest.fixture
def stub(monkeypatch):
    """In the place of the comparison, which takes its time: the lengths of the tables
    it was called with.
    """
    calls = []
    found = pd.DataFrame({name: [0.0] for name in SHOWN}, index=["mean"])
    monkeypatch.setattr(
        lesson_code, "compare_models", lambda X, *_, **__: calls.append(len(X)) or found
    )
    return calls


def test_options_of_the_table_count_on_either_side_of_the_command(capsys, stub):
    assert main(["--users", "60", "--movies", "40", "compare", "--ratings", "900"]) == 0
    assert capsys.readouterr().out.startswith("900 ratings")
    assert stub == [900]


@pytest.fixture
def demo(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    return lambda **options: (
        demonstrate_ecosystem(**SMALL | options),
        capsys.readouterr().out,
    )


def test_the_driver_returns_what_it_made(demo, tmp_path):
    result, _ = demo()
    assert isinstance(result["pipeline"], SklearnEcosystemPipeline)
    X_train, X_test, y_train, y_test = result["data"]
    assert len(X_train) == len(y_train) == 2400
    assert len(X_test) == len(y_test) == 600
    assert "rating" not in X_train
    assert "genre" in X_train  # raw rows: the pipeline engineers its own features
    metrics, _ = result["pipeline"].evaluate(X_test, y_test)
    assert result["metrics"] == pytest.approx(metrics, rel=0, abs=1e-12)
    assert result["noise_floor"] < result["metrics"]["RMSE"] < result["baseline_rmse"]
    assert result["fragile_rmse"] < result["metrics"]["RMSE"]
    assert result["ranking"] == result["pipeline"].evaluate_ranking(X_test, y_test)
    loaded = joblib.load(tmp_path / "production_pipeline.pkl")
    assert loaded.predict(X_test).shape == (600,)


def test_the_same_seed_gives_the_same_figures_twice(demo):
    first, text = demo()
    second, text_again = demo()
    assert text == text_again
    assert second["metrics"] == pytest.approx(first["metrics"], rel=0, abs=1e-12)
    assert demo(random_state=1)[0]["metrics"] != first["metrics"]


def test_the_standard_error_of_the_rmse_is_that_of_the_delta_method_and_a_bootstrap(
    demo, monkeypatch
):
    printed = []
    print_errors = lesson_code.report.print_errors

    def keep(errors, n_test_rows):
        printed.append(errors.standard_error)
        print_errors(errors, n_test_rows)

    monkeypatch.setattr(lesson_code.report, "print_errors", keep)
    result, text = demo(model="linear")
    _, X_test, _, y_test = result["data"]
    squared = (y_test.to_numpy() - result["pipeline"].predict(X_test)) ** 2
    n_rows = len(squared)

    # The variance of a mean is variance / n, and d sqrt(m) = d m / (2 sqrt(m)).
    variance_of_mse = ((squared - squared.mean()) ** 2).sum() / (n_rows - 1) / n_rows
    expected = np.sqrt(variance_of_mse) / (2 * np.sqrt(squared.mean()))
    assert printed == [pytest.approx(expected, rel=1e-9)]

    drawn = np.random.RandomState(0).randint(n_rows, size=(4000, n_rows))
    of_the_samples = np.sqrt(squared[drawn].mean(axis=1))
    assert printed[0] == pytest.approx(of_the_samples.std(), rel=0.1)

    shown = re.search(r"this model \(± (0\.\d{4}),.* with (\d+) test rows\)", text)
    assert float(shown[1]) == pytest.approx(expected, abs=5.1e-5)
    assert int(shown[2]) == n_rows


def test_a_table_of_ones_own_is_taken_instead(demo, table):
    result, text = demo(data=table, output="mine.pkl")
    assert "✓ Dataset created: 2000 ratings from 100 users" in text
    assert "noise floor" not in text
    assert result["noise_floor"] is None
    assert os.path.exists("mine.pkl")


def test_the_figures_of_the_lesson_page_are_reached(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    result = demonstrate_ecosystem()
    metrics = result["metrics"]
    page = {"RMSE": 0.8356, "MAE": 0.6521, "R2": 0.3487}
    tolerance = {"RMSE": 0.015, "MAE": 0.02, "R2": 0.02}
    for name, figure in page.items():
        assert abs(metrics[name] - figure) < tolerance[name], name
    assert result["pipeline"].cv_scores.mean() == pytest.approx(0.8431, abs=0.015)
    average = re.search(r"Average rating: (\S+)", capsys.readouterr().out)[1]
    assert float(average) == pytest.approx(3.02, abs=0.02)


def test_the_real_release_goes_the_same_seven_steps(real_release, tmp_path):
    result = run("--data", real_release, "--output", "real.pkl", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    steps = re.findall(r"^Step \d", result.stdout, re.MULTILINE)
    assert steps == [f"Step {i}" for i in range(1, 8)]
    assert float(re.search(r"^  R2: (\S+)", result.stdout, re.MULTILINE)[1]) > 0.25
    assert (tmp_path / "real.pkl").exists()


def test_tuning_and_another_model_from_the_command_line(tmp_path):
    sizes = ["--users", 100, "--movies", 50, "--ratings", 1000, "--seed", 3]
    result = run(*sizes, "--model", "linear", "--tune", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "Searching: 12 candidates in 3 folds..." in result.stdout
    # nobody looks: the output goes into a pipe
    assert "[CV]" not in result.stdout + result.stderr
    assert result.stderr == ""
    assert (
        "model__alpha" in joblib.load(tmp_path / "production_pipeline.pkl").best_params
    )


@pytest.mark.parametrize("looks", [True, False])
def test_long_work_shows_that_it_moves_where_somebody_looks(
    table, capsys, monkeypatch, looks
):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: looks)
    SklearnEcosystemPipeline(model="linear", verbose=True).train(
        table, tune_hyperparameters=True
    )
    printed = capsys.readouterr()
    assert printed.out.count("[CV] END") == (36 if looks else 0)
    assert "[CV]" not in printed.err
    assert printed.out.splitlines()[0] == "Building pipeline..."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "florest"], "florest"),
        (["--users", "many"], "many"),
        (["--users", 0], "n_users must be an integer of at least 1"),
        (["--users", 2, "--movies", 2, "--ratings", 5], "more than the 4 pairs"),
        (["--seed", 2**32], "random_state must be an integer of at least 0 and below"),
        (["--data", ""], "movies.csv"),
        (["--seed", -1], "random_state must be an integer of at least 0"),
        (["--data", "nowhere"], "nowhere does not exist"),
        (["--data", ".", "--users", 5], "do not go with --data"),
        (
            ["--output", "nowhere/x.pkl"],
            "Cannot write nowhere/x.pkl: there is no folder",
        ),
        (["--output", "."], "is a folder"),
        (["--frobnicate"], "--frobnicate"),
        (["compare", "--users", 0], "n_users must be an integer of at least 1"),
        (["compare", "--data", "nowhere"], "nowhere does not exist"),
        (["recommend"], "recommend needs --user, --rated or both"),
        (["recommend", "--user", 1], "There is no file production_pipeline.pkl"),
        (["recommend", "--rated", "1:5"], "expected movie=stars"),
        (["recommend", "--rated", "1=5,1=4"], "each movie once"),
        (
            ["--model", "linear", "compare"],
            "does not go with compare",
        ),
        (["recommend", "--user", "ann"], "There is no file"),
        (["recommend", "--user", 1, "--all"], "or else --all"),
        (["recommend", "--user", 1, "--movie", 1], "--movie"),
        (["predict"], "--user, --movie"),
        (["predict", "--user", 1], "--movie"),
        (["predict", "--user", 1, "--movie", "Heat"], "There is no file"),
        (
            ["predict", "--user", 1, "--movie", 1],
            "There is no file production_pipeline.pkl",
        ),
        (
            ["predict", "--user", 1, "--movie", 1, "--artifact", "."],
            "There is no file .",
        ),
        (
            ["--tune", "predict", "--user", 1, "--movie", 1],
            "does not go with predict",
        ),
        (
            ["--output", "x", "recommend", "--user", 1],
            "does not go with recommend",
        ),
        (["compare", "--data", ".", "--users", 5], "do not go with --data"),
        (["--user", 3], "invalid choice: '3'"),
        (["frobnicate"], "frobnicate"),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(map(str, value)),
)
def test_bad_arguments_end_with_one_clear_line_and_status_2(
    tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert stop.value.code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_a_broken_release_ends_with_one_line_that_names_file_and_line(tmp_path, capsys):
    (tmp_path / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n1,2,x,4\n", encoding="utf-8"
    )
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="2"):
        main(["--data", str(tmp_path)])
    assert "ratings.csv, line 2" in capsys.readouterr().err


def test_a_console_without_a_check_mark_is_no_reason_to_crash(tmp_path):
    arguments = ["--users", 50, "--movies", 30, "--ratings", 500, "--model", "linear"]
    result = run(*arguments, cwd=tmp_path, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert result.returncode == 0, result.stderr
    assert "? Training complete" in result.stdout


def test_a_renamed_file_saves_what_loads_under_its_new_name(tmp_path):
    Path(copy_lesson(tmp_path)).rename(tmp_path / "renamed.py")
    sizes = ["--users", 50, "--movies", 30, "--ratings", 500, "--model", "linear"]
    result = run(*sizes, cwd=tmp_path, script=tmp_path / "renamed.py")
    assert result.returncode == 0, result.stderr
    code = """
import joblib
print(type(joblib.load("production_pipeline.pkl")).__module__)
"""
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert loaded.stdout.strip() == "renamed", loaded.stderr


def test_importing_prints_nothing_and_loads_no_plotting_library(tmp_path):
    code = """
import sys, lesson_code
print([m for m in sys.modules if m.split(".")[0] in ("matplotlib", "pytest")])
"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert result.stdout == "[]\n", result.stderr
    assert result.stderr == ""


def test_the_demo_does_not_change_the_table_it_is_given(demo, table):
    before = table.copy(deep=True)
    demo(data=table)
    pd.testing.assert_frame_equal(table, before)


def test_pairs_rated_twice_do_not_reach_both_sides_of_the_split(demo, table):
    """The older rating of a pair in training and the newer one in the test would be a
    leak of its own.
    """
    twice = pd.concat(
        [table, table.assign(timestamp=table["timestamp"] + 1)], ignore_index=True
    )
    with pytest.warns(UserWarning, match="^2000 older ratings") as caught:
        result, text = demo(data=twice, model="linear")
    assert len(caught) == 1
    assert "2000 ratings from 100 users" in text
    X_train, X_test, *_ = result["data"]
    assert not X_test.merge(X_train, on=["user_id", "movie_id"]).size


def test_everything_in_all_exists_and_is_documented():
    for name in lesson_code.__all__:
        assert getattr(lesson_code, name).__doc__


def test_the_seed_of_the_command_line_reaches_the_comparison(monkeypatch):
    seeds = []
    found = pd.DataFrame({name: [0.0] for name in SHOWN}, index=["mean"])
    monkeypatch.setattr(
        lesson_code,
        "compare_models",
        lambda *_, random_state=42, **__: seeds.append(random_state) or found,
    )
    small = ["compare", "--users", "20", "--movies", "20", "--ratings", "100"]
    main([*small, "--seed", "7"])
    main(small)
    assert seeds == [7, 42]


def test_the_demo_counts_the_users_it_makes_lists_for_and_all_others(demo):
    result, text = demo(n_users=60, n_movies=40, n_ratings=900, model="linear")
    X_train, X_test, _, y_test = result["data"]
    n_all = pd.concat([X_train, X_test])["user_id"].nunique()
    tested = X_test["user_id"].nunique()
    listed = X_test["user_id"][y_test >= 4].nunique()
    line = re.search(r"^  Users: .*$", text, re.MULTILINE)[0]
    assert list(map(int, re.findall(r"\d+", line))) == [
        n_all,
        listed,
        tested - listed,
        n_all - tested,
    ]
    assert 0 < tested - listed != listed


def test_at_two_ratings_per_user_the_demo_shows_a_fragile_figure_below_the_noise_floor(
    demo,
):
    result, text = demo(n_users=1000, n_movies=500, n_ratings=2000)
    assert result["fragile_rmse"] < result["noise_floor"] < result["metrics"]["RMSE"]
    assert f"RMSE {result['fragile_rmse']:.4f}" in text


def test_fragile_figures_are_those_of_the_same_model_on_features_from_before_the_split(
    demo, table
):
    result, _ = demo(data=table, model="linear", random_state=5)
    X_train, X_test, y_train, y_test = result["data"]
    features = UserMovieFeatureTransformer(random_state=5).fit(table)
    rest = SklearnEcosystemPipeline(model="linear", random_state=5).build_pipeline()[1:]
    rest.fit(features.transform(X_train), y_train)
    stars = rest.predict(features.transform(X_test))
    # clipped or not
    assert result["fragile_rmse"] == pytest.approx(
        root_mean_squared_error(y_test, stars), abs=2e-3
    )


@pytest.mark.parametrize("model", MODELS)
def test_the_demo_runs_with_every_model(demo, table, model):
    result, text = demo(data=table, model=model)
    assert result["metrics"]["R2"] > 0.1
    # it reads no averages: nothing fragile in it, and nothing may be claimed of it
    if model == "factors":
        assert "fragile way" not in text
    else:
        assert result["fragile_rmse"] < result["metrics"]["RMSE"]


def test_a_table_too_large_for_exact_lists_goes_through_the_demo_with_lists(
    demo, table, monkeypatch
):
    monkeypatch.setattr(solutions, "MAX_EXACT_BYTES", 1)
    result, _ = demo(data=table, model="linear")
    assert result["ranking"]["NDCG@10"] > 0


def test_a_table_without_a_relevant_test_rating_goes_through_the_demo_without_lists(
    demo, table
):
    _, X_test, _, _ = demo(data=table, model="linear")[0]["data"]
    stars = np.where(table.index.isin(X_test.index), 1.0, table["rating"])
    result, text = demo(data=table.assign(rating=stars), model="linear")
    assert result["ranking"] is None
    assert "Precision@10" not in text
    assert "Ecosystem Demonstration Complete!" in text


def test_an_interruption_is_one_line_and_status_130(monkeypatch, capsys):
    def interrupt(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(lesson_code, "demonstrate_ecosystem", interrupt)
    assert main([]) == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert err.strip() == "lesson_code.py: interrupted"


def start(*arguments, cwd):
    """Start the lesson as a shell does, with Ctrl-C switched on, and read
    up to its first step.
    """
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "lesson_code.py"), *arguments],
        cwd=cwd,
        text=True,
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while not process.stdout.readline().startswith("Step 1"):
        pass
    return process


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_ends_with_one_line_and_status_130_and_leaves_nothing_behind(tmp_path):
    process = start("--tune", cwd=tmp_path)
    while not process.stdout.readline().startswith("Searching"):
        pass
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip() == "lesson_code.py: interrupted"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_closed_pipe_is_silent(tmp_path):
    process = start("--users", "60", "--movies", "40", "--ratings", "900", cwd=tmp_path)
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) in (0, 141)


def test_the_seed_of_the_command_line_reaches_the_demo(monkeypatch):
    seen = []
    monkeypatch.setattr(
        lesson_code,
        "demonstrate_ecosystem",
        lambda *_, random_state=42, **__: seen.append(random_state),
    )
    main(["--seed", "7"])
    main([])
    assert seen == [7, 42]


def test_titles_stand_in_the_list_of_the_command(table, tmp_path, capsys):
    titled = table.assign(title="Movie " + table["movie_id"].astype(str))
    path = (
        SklearnEcosystemPipeline(model="linear")
        .fit(titled)
        .save_pipeline(tmp_path / "x.pkl")
    )
    main(["recommend", "--user", "5", "--artifact", str(path)])
    head, rows = table_in(capsys.readouterr().out, 10)
    assert head == ["movie_id", "title", "score", "predicted_rating"]
    assert [row[0] for row in rows] == [str(rank) for rank in range(1, 11)]
    assert all(row[2:4] == ["Movie", row[1]] for row in rows)


@pytest.mark.filterwarnings("ignore:.*carries no digest")
def test_artifacts_that_do_not_recommend_end_with_one_line(table, tmp_path, capsys):
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    joblib.dump(recommender.pipeline, tmp_path / "bare.pkl")
    with pytest.raises(SystemExit, match="2"):
        main(["recommend", "--user", "1", "--artifact", str(tmp_path / "bare.pkl")])
    assert (
        "holds a RatingPipeline, which does not recommend"
        in capsys.readouterr().err.splitlines()[-1]
    )


@pytest.mark.parametrize("kind", ["category", "str"])
def test_ratings_may_come_in_any_type_that_holds_numbers(demo, table, kind):
    expected, _ = demo(data=table, model="linear")
    found, _ = demo(
        data=table.assign(rating=table["rating"].astype(kind)), model="linear"
    )
    assert found["metrics"] == pytest.approx(expected["metrics"], rel=0, abs=1e-12)
