"""The demo and the command line, as a learner runs them."""

import os
import re
import shutil
import subprocess
import sys

import joblib
import pandas as pd
import pytest
from conftest import ROOT

import lesson_code
from lesson_code import SklearnEcosystemPipeline, demonstrate_ecosystem, main

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
        [sys.executable, str(script), *map(str, arguments)], cwd=cwd, capture_output=True, text=True, encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"} | environment,
    )  # fmt: skip


def pattern(line):
    """A line as a regular expression, "#.##" being any number with two decimals."""
    decimals = re.sub(r"\\\.((?:\\#)+)", lambda hashes: rf"\.\d{{{len(hashes[1]) // 2}}}", re.escape(line))
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
        assert any(pattern(expected).fullmatch(line) for line in lines), f"missing, or out of order: {expected}"


def test_step_5_tells_the_noise_floor_and_the_baseline(printed):
    figures = {k: float(re.search(rf"{k}[^:]*: (\S+)", printed[1])[1]) for k in ("  RMSE", "best possible", "the mean")}
    assert figures["best possible"] < figures["  RMSE"] < figures["the mean"]


def test_the_artifact_of_the_command_loads_with_joblib_alone(printed):
    folder, _ = printed
    assert sorted(p.name for p in folder.iterdir()) == ["production_pipeline.json", "production_pipeline.pkl"]
    code = "import joblib; print(type(joblib.load('production_pipeline.pkl')).__module__)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert loaded.stdout.strip() == "lesson_code", loaded.stderr


def test_step_5_tells_the_figures_of_lists_beside_popularity_and_chance(printed):
    for name in ("Precision@10", "Recall@10", "NDCG@10"):
        taste, popularity, chance = re.search(
            rf"^  {name}: (\S+)\n    \(by popularity (\S+), by chance (\S+)\)$", printed[1], re.MULTILINE
        ).groups()
        assert min(float(taste), float(popularity)) > float(chance)  # a table this small tells little of taste
    assert re.search(r"^  Users ranked: \d+; without a relevant test movie, and left out: \d+$", printed[1], re.MULTILINE)


def test_the_command_recommends_from_the_saved_artifact(printed):
    folder, _ = printed
    lists = {
        who: run("recommend", *who.split(), "--top", 4, cwd=folder) for who in ("--user 7", "--user 7777", "--rated 1=5,50=2.5")
    }
    for result in lists.values():
        assert result.returncode == 0, result.stderr
        assert result.stderr == ""
        rows = [line.split() for line in result.stdout.splitlines()[-4:]]
        assert [row[0] for row in rows] == ["1", "2", "3", "4"]
        assert all(1 <= float(row[3]) <= 5 for row in rows)
    assert lists["--user 7777"].stdout.startswith("User 7777 is unknown: here are the most popular movies.")
    artifact = joblib.load(folder / "production_pipeline.pkl")
    found = artifact.recommend(ratings={1: 5, 50: 2.5}, n=4)["movie_id"].astype(str).tolist()
    assert [line.split()[1] for line in lists["--rated 1=5,50=2.5"].stdout.splitlines()[-4:]] == found


def test_a_warning_on_the_command_line_is_one_line(printed):
    folder, _ = printed
    result = run("recommend", "--rated", "1=5,9999=2", cwd=folder)
    assert result.stderr == "lesson_code.py: Unknown movies are passed over: 9999.\n"
    result = run("recommend", "--rated", "9999=2", cwd=folder)
    assert result.stderr.endswith("9999. None is left: these are the most popular movies.\n")


def test_titles_of_the_real_release_stand_in_its_recommendations(real_release, tmp_path):
    assert run("--data", real_release, "--model", "factors", "--output", "real.pkl", cwd=tmp_path).returncode == 0
    result = run("recommend", "--user", 1, "--artifact", "real.pkl", cwd=tmp_path)
    assert len(re.findall(r"^ +\d+ +\d+ +-?[\d.]+ +[\d.]+  .+ \(\d{4}\)$", result.stdout, re.MULTILINE)) >= 9


def test_compare_prints_every_model_on_one_line(tmp_path, capsys):
    assert main(["compare", "--users", "60", "--movies", "40", "--ratings", "900", "--seed", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("900 ratings, 5 folds")
    assert [line.split()[0] for line in lines[2:-1]] == ["mean", "forest", "boosting", "linear", "factors", "blend"]
    assert all(len(re.findall(r"\d\.\d{4} ± \d\.\d{4}", line)) == 3 for line in lines[2:-1])
    assert lines[-1].startswith("RMSE of the best possible predictor (the noise floor): 0.")


def test_options_of_the_table_count_on_either_side_of_the_command(capsys, monkeypatch):
    monkeypatch.setattr(lesson_code, "compare_models", lambda *_, **__: None)
    assert main(["--users", "60", "--movies", "40", "compare", "--ratings", "900"]) == 0
    assert capsys.readouterr().out.startswith("900 ratings")


@pytest.fixture
def demo(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    return lambda **options: (demonstrate_ecosystem(**SMALL | options), capsys.readouterr().out)


def test_the_driver_returns_what_it_made(demo, tmp_path):
    result, _ = demo()
    assert isinstance(result["pipeline"], SklearnEcosystemPipeline)
    X_train, X_test, y_train, y_test = result["data"]
    assert (len(X_train), len(X_test), len(y_train), len(y_test)) == (2400, 600, 2400, 600)
    assert "rating" not in X_train
    assert "genre" in X_train  # raw rows: the pipeline engineers its own features
    assert result["metrics"] == result["pipeline"].evaluate(X_test, y_test)[0]
    assert result["noise_floor"] < result["metrics"]["RMSE"] < result["baseline_rmse"]
    assert result["ranking"] == result["pipeline"].evaluate_ranking(X_test, y_test)
    assert joblib.load(tmp_path / "production_pipeline.pkl").predict(X_test).shape == (600,)


def test_the_same_seed_gives_the_same_figures_twice(demo):
    (first, text), (second, text_again) = demo(), demo()
    assert text == text_again
    assert first["metrics"] == second["metrics"]
    assert demo(random_state=1)[0]["metrics"] != first["metrics"]


def test_a_table_of_ones_own_is_taken_instead(demo, table):
    result, text = demo(data=table, output="mine.pkl")
    assert "✓ Dataset created: 2000 ratings from 100 users" in text
    assert "noise floor" not in text
    assert result["noise_floor"] is None
    assert os.path.exists("mine.pkl")


def test_the_figures_of_the_lesson_page_are_reached(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    result = demonstrate_ecosystem()
    metrics, page = result["metrics"], {"RMSE": 0.8356, "MAE": 0.6521, "R2": 0.3487}
    tolerance = {"RMSE": 0.015, "MAE": 0.02, "R2": 0.02}
    assert {name: abs(metrics[name] - page[name]) < tolerance[name] for name in page} == dict.fromkeys(page, True)
    assert result["pipeline"].cv_scores.mean() == pytest.approx(0.8431, abs=0.015)
    assert float(re.search(r"Average rating: (\S+)", capsys.readouterr().out)[1]) == pytest.approx(3.02, abs=0.02)


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
    assert result.stdout.count("[CV] END") == 36  # long work shows that it moves
    assert "model__alpha" in joblib.load(tmp_path / "production_pipeline.pkl").best_params


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "florest"], "florest"),
        (["--users", "many"], "many"),
        (["--users", 0], "n_users must be an integer of at least 1"),
        (["--users", 2, "--movies", 2, "--ratings", 5], "more than the 4 pairs"),
        (["--seed", 2**32], "below 2**32"),
        (["--data", ""], "movies.csv"),
        (["--seed", -1], "random_state must be an integer of at least 0"),
        (["--data", "nowhere"], "nowhere does not exist"),
        (["--data", ".", "--users", 5], "do not go with --data"),
        (["--output", "nowhere/x.pkl"], "there is no folder nowhere"),
        (["--output", "."], "is a folder"),
        (["--output", "x.json"], "model card"),
        (["--frobnicate"], "--frobnicate"),
        (["compare", "--users", 0], "n_users must be an integer of at least 1"),
        (["compare", "--data", "nowhere"], "nowhere does not exist"),
        (["recommend"], "one of the arguments --user --rated is required"),
        (["recommend", "--user", 1], "There is no file production_pipeline.pkl"),
        (["recommend", "--rated", "1:5"], "expected movie=stars"),
        (["recommend", "--rated", "1=5,1=4"], "each movie once"),
        (["--model", "linear", "compare"], "--model is for the lesson and does not go with compare"),
        (["--user", 3], "invalid choice: '3'"),
        (["frobnicate"], "frobnicate"),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(map(str, value)),
)
def test_bad_arguments_end_with_one_clear_line_and_status_2(tmp_path, monkeypatch, capsys, arguments, message):
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
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,2,x,4\n", encoding="utf-8")
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="2"):
        main(["--data", str(tmp_path)])
    assert "ratings.csv, line 2" in capsys.readouterr().err


def test_a_console_without_a_check_mark_is_no_reason_to_crash(tmp_path):
    arguments = ["--users", 50, "--movies", 30, "--ratings", 500, "--model", "linear"]
    result = run(*arguments, cwd=tmp_path, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert result.returncode == 0, result.stderr
    assert "? Training complete" in result.stdout


def test_a_renamed_file_gets_one_clear_sentence(tmp_path):
    shutil.copy(ROOT / "lesson_code.py", tmp_path / "renamed.py")
    result = run(cwd=tmp_path, script=tmp_path / "renamed.py")
    assert result.returncode != 0
    assert result.stderr.count("\n") == 1
    assert "lesson_code.py" in result.stderr


def test_importing_prints_nothing_and_loads_no_plotting_library(tmp_path):
    code = "import sys, lesson_code; print([m for m in sys.modules if m.split('.')[0] in ('matplotlib', 'pytest')])"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert result.stdout == "[]\n", result.stderr
    assert result.stderr == ""


def test_the_demo_does_not_change_the_table_it_is_given(demo, table):
    before = table.copy(deep=True)
    demo(data=table)
    pd.testing.assert_frame_equal(table, before)


def test_pairs_rated_twice_do_not_reach_both_sides_of_the_split(demo, table):
    """The older rating of a pair in training and the newer one in the test would be a leak of its own."""
    twice = pd.concat([table, table.assign(timestamp=table["timestamp"] + 1)], ignore_index=True)
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
    monkeypatch.setattr(lesson_code, "compare_models", lambda *_, random_state=42, **__: seeds.append(random_state))
    main(["compare", "--users", "20", "--movies", "20", "--ratings", "100", "--seed", "7"])
    assert seeds == [7]


def test_the_demo_counts_the_users_it_ranks_and_those_it_leaves_out(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    result = lesson_code.demonstrate_ecosystem(n_users=60, n_movies=40, n_ratings=900, model="linear")
    _, X_test, _, y_test = result["data"]
    users, ranked = X_test["user_id"].nunique(), X_test["user_id"][y_test >= 4].nunique()
    expected = f"  Users ranked: {ranked}; without a relevant test movie, and left out: {users - ranked}\n"
    assert expected in capsys.readouterr().out
    assert 0 < users - ranked != ranked


def test_the_seed_of_the_command_line_reaches_the_demo(monkeypatch):
    seen = []
    monkeypatch.setattr(lesson_code, "demonstrate_ecosystem", lambda *_, **options: seen.append(options["random_state"]))
    main(["--seed", "7"])
    main([])
    assert seen == [7, 42]


def test_titles_stand_in_the_list_of_the_command(table, tmp_path, capsys):
    titled = table.assign(title="Movie " + table["movie_id"].astype(str))
    path = SklearnEcosystemPipeline(model="linear").fit(titled).save_pipeline(tmp_path / "x.pkl")
    main(["recommend", "--user", "5", "--artifact", str(path)])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[2:]]
    assert len(rows) == 10
    assert all(row[4:] == ["Movie", row[1]] for row in rows)


@pytest.mark.filterwarnings("default")  # of the missing digest: the message after it is what counts
def test_artifacts_that_do_not_recommend_end_with_one_line(table, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lesson_code, "MAX_GRAM_BYTES", 1000)
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    with pytest.warns(UserWarning, match="cannot recommend"):
        recommender.save_pipeline(tmp_path / "large.pkl")
    joblib.dump(recommender.pipeline, tmp_path / "bare.pkl")
    for name, message in (("large", "GiB of memory"), ("bare", "holds a RatingPipeline, which does not recommend")):
        with pytest.raises(SystemExit, match="2"):
            main(["recommend", "--user", "1", "--artifact", str(tmp_path / f"{name}.pkl")])
        assert message in capsys.readouterr().err.splitlines()[-1]
