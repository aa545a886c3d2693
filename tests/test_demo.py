"""The demo and the command line, as a learner runs them."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from forked import POSIX
from repository import ROOT, copy_lesson
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split

import lesson_code
from lesson_code import (
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
    demonstrate_ecosystem,
    main,
)
from recommender import commands, report

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
  First sample: user # gave # ratings, damped average of the other folds #.##
  First sample: movie # got # ratings, damped average of the other folds #.##
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
Recommendations for user #, best first:
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
SIZES = ["--users=60", "--movies=40", "--ratings=900"]


def python(*arguments, cwd):
    """Run a command of Python in a fresh process, in a folder."""
    settings = {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=os.environ | settings,
        capture_output=True,
        encoding="utf-8",
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
    """The folder of one run of the demo, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    sizes = [f"--{name[2:]}={size}" for name, size in SMALL.items()]
    result = python(ROOT / "lesson_code.py", *sizes, cwd=folder)
    assert (result.returncode, result.stderr) == (0, "")
    return folder, result.stdout


@pytest.fixture
def demo(tmp_path, monkeypatch, capsys):
    """Run the demo in a folder of its own; return its results and what it printed."""
    monkeypatch.chdir(tmp_path)

    def run_demo(**options):
        results = demonstrate_ecosystem(**{"model": "linear"} | SMALL | options)
        return results, capsys.readouterr().out

    return run_demo


# ----- What is printed


def test_the_lines_of_the_lesson_page_come_in_its_order(printed):
    lines = iter(printed[1].splitlines())
    for expected in LINES:
        assert any(pattern(expected).fullmatch(line) for line in lines), (
            f"missing, or out of order: {expected}"
        )


@pytest.mark.parametrize("has_titles", [True, False])
def test_the_last_step_recommends_what_the_artifact_recommends(demo, has_titles):
    table = lesson_code.MovieRecommendationDataset(*SMALL.values()).generate()
    if not has_titles:
        table = table.drop(columns="title")
    _, text = demo(data=table)
    user = int(re.search("Recommendations for user (\\d+)", text)[1])
    loaded = SklearnEcosystemPipeline.load_pipeline("production_pipeline.pkl")
    for movie in loaded.recommend(user, 3, explain=True).to_dict("records"):
        names = [movie.get("title"), *movie["because"][:1]]
        if not has_titles:
            names = [f"Movie {movie['movie_id']}", f"Movie {movie['because'][0]}"]
        assert "  " + ", because of ".join(names) in text.splitlines()


def test_a_recommendation_without_a_reason_is_its_name_alone(capsys):
    best = pd.DataFrame({"movie_id": [7], "title": [None], "because": [[]]})
    report.print_recommendations(1, best)
    assert capsys.readouterr().out.splitlines()[1:] == ["  Movie 7"]


def test_the_first_sample_is_the_first_row_of_the_features(printed):
    table = lesson_code.MovieRecommendationDataset(*SMALL.values()).generate()
    first = SklearnEcosystemPipeline().create_features(table)[0].iloc[0]
    for owner in ("user", "movie"):
        names = [f"{owner}_{name}" for name in ("id", "rating_count", "avg_rating")]
        line = rf"First sample: {owner} (\d+) \w+ (\d+) ratings, .* (\S+)\n"
        figures = [float(number) for number in re.search(line, printed[1]).groups()]
        assert figures == pytest.approx(first[names].tolist(), abs=0.006)


def test_errors_stand_in_order_and_the_fragile_way_beside_them(printed):
    _, text = printed
    rmse, ladder = re.search(r"  RMSE: (\S+)\n((?:    \d.*\n)+)", text).groups()
    steps = re.findall(r"^    (\S+)  .*?(mean|model|noise floor)", ladder, re.MULTILINE)
    assert [step for _, step in steps] == ["mean", "model", "noise floor"]
    mean, model, floor = [error for error, _ in steps]
    assert mean > model == rmse > floor
    fragile, reason = re.search(
        r"fragile way.* RMSE (\d\.\d{4})(.*\n.*)", text
    ).groups()
    assert fragile < rmse
    assert "test rows" in reason


def test_the_scores_of_recommendations_stand_beside_popularity_and_chance(printed):
    _, text = printed
    for name in ("Precision@10", "Recall@10", "NDCG@10"):
        figures = rf"  {name}: (\S+)\n.*by popularity (\S+), by chance ([^\s;)]+)"
        taste, popularity, chance = map(float, re.search(figures, text).groups())
        # a table this small tells little of taste
        assert min(taste, popularity) > chance
    precision, at_most = re.search(
        r"Precision@10: (\S+)\n.*most (\S+)\)", text
    ).groups()
    assert float(precision) < float(at_most) < 1


def test_the_artifact_loads_elsewhere_with_joblib_alone_and_in_silence(printed):
    folder, _ = printed
    path = folder / "production_pipeline.pkl"
    assert sorted(folder.iterdir()) == [path, folder / "production_pipeline.pkl.json"]
    code = f"""
import joblib, pandas, sys
recommender = joblib.load({str(path)!r})
pair = pandas.DataFrame(dict(user_id=[1], movie_id=[1]))
print(type(recommender).__module__, recommender.predict(pair)[0])
print(set(sys.modules) & {{"matplotlib", "pytest"}})
"""
    loaded = python("-c", code, cwd=folder.parent)
    pair = pd.DataFrame({"user_id": [1], "movie_id": [1]})
    expected = SklearnEcosystemPipeline.load_pipeline(path).predict(pair)[0]
    module, stars, *modules = loaded.stdout.split()
    assert (module, modules, loaded.stderr) == ("lesson_code", ["set()"], "")
    assert float(stars) == pytest.approx(expected, abs=1e-12)


def test_the_demo_counts_the_users_whose_recommendations_are_scored_and_all_others(
    demo,
):
    result, text = demo(n_users=60, n_movies=40, n_ratings=900)
    X_train, X_test, _, y_test = result["data"]
    n_all = pd.concat([X_train, X_test])["user_id"].nunique()
    tested = X_test["user_id"].nunique()
    listed = X_test["user_id"][y_test >= 4].nunique()
    line = re.search(r"^  Users: .*$", text, re.MULTILINE)[0]
    counts = [int(number) for number in re.findall(r"\d+", line)]
    assert counts == [n_all, listed, tested - listed, n_all - tested]
    assert 0 < tested - listed != listed


# ----- What is returned


def test_the_driver_returns_what_it_made(demo, tmp_path):
    result, _ = demo()
    X_train, X_test, y_train, y_test = result["data"]
    assert len(X_train) == len(y_train) == 2400
    assert len(X_test) == len(y_test) == 600
    assert "rating" not in X_train
    assert "genre" in X_train  # raw rows: the pipeline engineers its own features
    metrics, _ = result["pipeline"].evaluate(X_test, y_test)
    assert result["metrics"] == pytest.approx(metrics, rel=0, abs=1e-12)
    assert result["noise_floor"] < result["metrics"]["RMSE"] < result["baseline_rmse"]
    assert result["ranking"] == result["pipeline"].evaluate_ranking(X_test, y_test)
    loaded = joblib.load(tmp_path / "production_pipeline.pkl")
    assert loaded.predict(X_test).shape == (600,)


def test_the_seed_decides_every_figure(demo):
    _, text = demo()
    assert demo()[1] == text
    assert demo(random_state=1)[1] != text


def test_the_standard_error_of_the_rmse_is_that_of_a_bootstrap(demo):
    result, text = demo()
    _, X_test, _, y_test = result["data"]
    squared = (y_test.to_numpy() - result["pipeline"].predict(X_test)) ** 2
    n_rows = len(squared)
    drawn = np.random.RandomState(0).randint(n_rows, size=(4000, n_rows))
    of_the_samples = np.sqrt(squared[drawn].mean(axis=1))
    shown = re.search(r"this model \(± (0\.\d{4}),.* with (\d+) test rows\)", text)
    assert float(shown[1]) == pytest.approx(of_the_samples.std(), rel=0.1)
    assert int(shown[2]) == n_rows


def test_a_table_of_ones_own_is_taken_instead_and_not_changed(demo, table):
    as_text = table.assign(rating=table["rating"].astype(str))
    before = as_text.copy(deep=True)
    result, text = demo(data=as_text, output="mine.pkl")
    assert "✓ Dataset created: 2000 ratings from 100 users" in text
    assert "noise floor" not in text
    assert result["noise_floor"] is None
    assert os.path.exists("mine.pkl")
    pd.testing.assert_frame_equal(as_text, before)


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


def test_the_real_release_goes_the_same_seven_steps_and_its_titles_are_shown(
    real_release, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["--data", str(real_release), "--model=linear", "--output=x.pkl"]) == 0
    text = capsys.readouterr().out
    assert re.findall(r"^Step (\d)", text, re.MULTILINE) == list("1234567")
    assert float(re.search(r"^  R2: (\S+)", text, re.MULTILINE)[1]) > 0.25
    assert main(["recommend", "--user=1", "--artifact=x.pkl"]) == 0
    # A long title is cut, which keeps the table narrow.
    line = r"^\d+ +\d+ +.+(?: \(\d{4}\)| \.\.\.) +-?\d+\.\d{4} +\d\.\d{4}$"
    lines = re.findall(line, capsys.readouterr().out, re.MULTILINE)
    assert len(lines) >= 9
    assert max(map(len, lines)) < 90


def test_pairs_rated_twice_do_not_reach_both_sides_of_the_split(demo, table):
    later = table.assign(timestamp=table["timestamp"] + 1)
    with pytest.warns(UserWarning, match="^2000 older ratings") as caught:
        result, text = demo(data=pd.concat([table, later], ignore_index=True))
    assert len(caught) == 1
    assert "2000 ratings from 100 users" in text
    X_train, X_test, *_ = result["data"]
    assert not X_test.merge(X_train, on=["user_id", "movie_id"]).size


def test_fragile_figures_are_those_of_the_same_model_on_features_from_before_the_split(
    demo, table
):
    result, text = demo(data=table, random_state=5)
    X_train, X_test, y_train, y_test = result["data"]
    features = UserMovieFeatureTransformer(random_state=5).fit(table)
    rest = SklearnEcosystemPipeline(model="linear", random_state=5).build_pipeline()[1:]
    rest.fit(features.transform(X_train), y_train)
    stars = rest.predict(features.transform(X_test))
    # clipped or not
    expected = pytest.approx(root_mean_squared_error(y_test, stars), abs=2e-3)
    assert result["fragile_rmse"] == expected
    assert f"RMSE {result['fragile_rmse']:.4f}" in text


def test_nothing_fragile_is_claimed_of_a_model_that_reads_no_averages(demo, table):
    result, text = demo(data=table, model="factors")
    assert result["fragile_rmse"] is None
    assert "fragile way" not in text


def test_a_table_without_a_relevant_test_rating_goes_through_the_demo_without_lists(
    demo, table
):
    _, tested = train_test_split(table.index, test_size=0.2, random_state=42)
    stars = table["rating"].where(~table.index.isin(tested), 1.0)
    result, text = demo(data=table.assign(rating=stars))
    assert result["ranking"] is None
    assert "Precision@10" not in text
    assert "Ecosystem Demonstration Complete!" in text


# ----- The command line


@pytest.fixture
def compared(monkeypatch):
    """Replace the comparison, which takes its time; return what it was called with."""
    calls = []
    figures = pd.DataFrame({"RMSE": [0.5], "to_best": [0.0]}, index=["mean"])
    figures = figures.assign(RMSE_std=0, MAE=0, R2=0, to_best_se=0, fit_s=0)

    def compare(X, *, random_state, verbose):
        calls.append((len(X), random_state))
        return figures.assign(predict_s=0)

    monkeypatch.setattr(lesson_code, "compare_models", compare)
    return calls


def test_compare_prints_a_table_and_the_noise_floor_where_it_is_known(
    table, monkeypatch, capsys, compared
):
    main(["--users=60", "--movies=40", "compare", "--ratings=900"])  # on either side
    first, head, row, last = capsys.readouterr().out.splitlines()
    assert first.startswith("900 ratings, 5 folds")
    assert head.split()[:2] == ["RMSE", "RMSE_std"]
    assert row.split()[:2] == ["mean", "0.5000"]
    assert re.search(r"noise floor.*: 0\.\d{4}$", last)

    monkeypatch.setattr(commands, "load_movielens", {"folder": table}.get)
    main(["compare", "--data=folder", "--seed=7"])
    assert "noise floor" not in capsys.readouterr().out
    assert compared == [(900, 42), (2000, 7)]


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_search_shows_that_it_moves_in_a_terminal_alone(
    tmp_path, monkeypatch, capsys, is_terminal
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    assert main(["train", *SIZES, "--model=linear", "--tune", "--no-cv"]) == 0
    out, err = capsys.readouterr()
    assert "Searching: 12 candidates in 3 folds..." in out
    assert out.count("[CV] END") == (36 if is_terminal else 0)
    assert err == ""
    artifact = SklearnEcosystemPipeline.load_pipeline(tmp_path / lesson_code.ARTIFACT)
    assert "model__alpha" in artifact.best_params


def test_on_the_command_line_a_warning_is_one_line_and_scikit_learns_are_left_out(
    printed,
):
    """Those about versions, one for each kind of estimator, are shown with -W."""
    code = """
import sys, warnings
import sklearn.base
sklearn.base.__version__ = "99.0"
sys.argv = ["lesson_code.py", "recommend", "--rated", "1=5,9999=2"]
from recommender.start import run_script
run_script("lesson_code.py", None)
print("With -Wdefault:", file=sys.stderr)
warnings.simplefilter("default")
sys.exit(run_script("lesson_code.py", None))
"""
    result = python("-c", code, cwd=printed[0])
    assert result.returncode == 0
    quiet, asked = result.stderr.split("With -Wdefault:\n")
    assert re.fullmatch(r"lesson_code\.py: .*9999.*\n", quiet)
    assert "99.0" in asked


def test_a_renamed_file_saves_what_loads_under_its_new_name(tmp_path, monkeypatch):
    script = Path(copy_lesson(tmp_path)).rename(tmp_path / "renamed.py")
    options = [*SIZES, "--model=linear", "--no-cv"]
    result = python(script, "train", *options, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    monkeypatch.syspath_prepend(tmp_path)
    loaded = joblib.load(tmp_path / "production_pipeline.pkl")
    monkeypatch.delitem(sys.modules, "renamed")
    assert type(loaded).__module__ == "renamed"


def test_an_interruption_is_one_line_and_status_130(monkeypatch, capsys):
    def interrupt(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(lesson_code, "demonstrate_ecosystem", interrupt)
    assert main([]) == 130
    assert capsys.readouterr() == ("", "\nlesson_code.py: interrupted\n")


@POSIX
def test_ctrl_c_during_the_imports_is_one_line_and_status_130(tmp_path):
    script = tmp_path / "slow.py"
    script.write_text(
        f"""
import os, signal, sys
sys.path.insert(0, {str(ROOT)!r})
if __name__ == "__main__":
    from recommender.start import run_script
    sys.exit(run_script(__file__, __spec__))
os.kill(os.getpid(), signal.SIGINT)
""",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        encoding="utf-8",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert (done.returncode, done.stderr) == (130, "\nslow.py: interrupted\n")


@POSIX
def test_ctrl_c_ends_with_one_line_and_status_130_and_leaves_nothing_behind(tmp_path):
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "lesson_code.py"), "--tune"],
        cwd=tmp_path,
        text=True,
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while not process.stdout.readline().startswith("Searching"):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip() == "lesson_code.py: interrupted"
    assert list(tmp_path.iterdir()) == []
