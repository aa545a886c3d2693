"""The commands that answer from an artifact, and the one that trains it."""

import os
import re
import sys
import types

import joblib
import pandas as pd
import pytest
from forked import POSIX

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline, main
from recommender import commands


@pytest.fixture(scope="module")
def trained(table):
    titles = table["movie_id"].map("Film, é {}".format)
    return SklearnEcosystemPipeline(model="linear").fit(table.assign(title=titles))


@pytest.fixture(autouse=True)
def artifact(trained, tmp_path, monkeypatch):
    """Let every test run where the artifact is that the commands take by default."""
    monkeypatch.chdir(tmp_path)
    return trained.save_pipeline(tmp_path / "production_pipeline.pkl")


@pytest.fixture
def run(capsys):
    """Run a command line; return what it printed."""

    def run_line(*arguments):
        assert main(list(arguments)) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return run_line


@pytest.fixture
def refused(capsys):
    """Run a command line that is refused; return the one line that says why."""

    def run_line(*arguments):
        with pytest.raises(SystemExit) as caught:
            main(list(arguments))
        assert caught.value.code == 2
        out, errors = capsys.readouterr()
        assert (out, errors.count("\n")) == ("", 1)
        return errors

    return run_line


def ranked(text, n_rows):
    """The table that was printed: its column names, and the cells of every row."""
    head, *rows = [line.split() for line in text.splitlines()[-n_rows - 1 :]]
    assert [row[0] for row in rows] == [str(rank) for rank in range(1, n_rows + 1)]
    return head, [row[1:] for row in rows]


# ----- train


SIZES = ["--users=60", "--movies=40", "--ratings=900"]


def test_a_model_to_use_is_trained_on_all_rows(run):
    """That of the lesson may recommend what a user rated in its test rows."""
    options = [*SIZES, "--seed=7", "--model=linear", "--output=all.pkl"]
    assert "CV RMSE" in run("train", *options)
    assert "CV RMSE" not in run("train", *options, "--no-cv")
    loaded = SklearnEcosystemPipeline.load_pipeline("all.pkl")
    table = MovieRecommendationDataset(60, 40, 900, random_state=7).generate()
    assert loaded.history_.codes.nnz == len(table)
    expected = SklearnEcosystemPipeline(model="linear", random_state=7).fit(table)
    assert loaded.predict(table) == pytest.approx(expected.predict(table), abs=1e-12)


# ----- recommend


@pytest.mark.parametrize(
    ("arguments", "call"),
    {
        "--user=7": {"user_id": 7},
        "--user=7777": {"ratings": {}},
        "--rated=1=5,50=2.5": {"ratings": {1: 5, 50: 2.5}},
        "--user=5 --rated=3=1": {"user_id": 5, "ratings": {3: 1}},
        "--user=7 --top=4": {"user_id": 7, "n": 4},
    }.items(),
)
def test_the_command_prints_what_recommend_gives(trained, run, arguments, call):
    printed = run("recommend", *arguments.split())
    expected = trained.recommend(**call)
    head, rows = ranked(printed, len(expected))
    assert head == ["movie_id", "title", "score", "predicted_rating"]
    assert [row[0] for row in rows] == expected["movie_id"].astype(str).tolist()
    assert all(row[1:4] == ["Film,", "é", row[0]] for row in rows)
    assert all(1 <= float(row[5]) <= 5 for row in rows)
    is_unknown = "7777" in arguments
    assert ("User 7777 is unknown: these movies are popular" in printed) == is_unknown


def test_movies_can_be_excluded_and_reasons_shown(trained, run):
    first, second = trained.recommend(5)["movie_id"].iloc[:2]
    printed = run(
        "recommend", "--user=5", "--top=3", f"--exclude={first},4711", "--explain"
    )
    assert f" {first} " not in printed
    assert f" {second} " in printed
    assert "because" in printed


def test_all_users_get_what_recommend_gives_each_of_them(trained, run, monkeypatch):
    monkeypatch.setattr(commands, "USERS_AT_ONCE", 7)
    printed = run("recommend", "--all", "--top=4", "--output=lists.csv")
    assert f"{trained.history_.users.size} users" in printed
    lists = pd.read_csv("lists.csv", encoding="utf-8")
    assert list(lists.columns) == ["user_id", "rank", "movie_id", "title", "score"]
    assert lists["user_id"].unique().tolist() == trained.history_.users.tolist()
    for user in (1, 5, 50):
        mine = lists[lists["user_id"] == user]
        expected = trained.recommend(user, 4)
        assert mine["rank"].tolist() == [1, 2, 3, 4]
        assert mine["movie_id"].tolist() == expected["movie_id"].tolist()
        assert mine["title"].tolist() == expected["title"].tolist()


def test_in_a_terminal_the_progress_is_shown(monkeypatch, capsys):
    monkeypatch.setattr(commands, "USERS_AT_ONCE", 40)
    monkeypatch.setattr(commands, "is_terminal", lambda stream: True)
    assert main(["recommend", "--all", "--output=lists.csv"]) == 0
    progress = capsys.readouterr().err.split("\r")
    assert progress[1:] == ["40 of 100 users", "80 of 100 users", "100 of 100 users\n"]


def test_a_csv_that_cannot_be_written_leaves_the_old_one(
    tmp_path, refused, monkeypatch
):
    csv = tmp_path / "lists.csv"
    csv.write_text("old", encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    # it fails with "no more", in the middle of the work
    monkeypatch.setattr(pd.DataFrame, "to_csv", lambda *_, **__: int("no more"))
    assert "no more" in refused("recommend", "--all", "--output=lists.csv")
    assert csv.read_text(encoding="utf-8") == "old"
    assert sorted(tmp_path.iterdir()) == before


@POSIX
def test_a_csv_is_written_through_a_link_and_not_in_the_place_of_a_pipe(
    tmp_path, run, refused
):
    (tmp_path / "link.csv").symlink_to("target.csv")
    run("recommend", "--all", "--output=link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "target.csv").read_bytes().startswith(b"user_id,rank,movie_id")
    os.mkfifo(tmp_path / "pipe")
    assert "a pipe" in refused("recommend", "--all", "--output=pipe")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("ending", ["", ".json"], ids=["artifact", "card"])
def test_a_csv_never_replaces_the_artifact_or_its_card(artifact, refused, ending):
    file = artifact.with_name(artifact.name + ending)
    before = file.read_bytes()
    ask = ["recommend", "--all", f"--output=./{file.name}"]
    for given in ([], ["--artifact", str(artifact)]):
        assert "is the artifact itself or its model card" in refused(*ask, *given)
    assert file.read_bytes() == before


# ----- similar and predict


def test_similar_movies_are_printed(trained, run):
    _, rows = ranked(run("similar", "--movie=3", "--top=4"), 4)
    expected = trained.similar(3, 4)["movie_id"]
    assert [row[0] for row in rows] == expected.astype(str).tolist()


@pytest.mark.parametrize(
    ("user", "movie"), [(7, 3), (7777, 3), (7, 7777), (7777, 7777)]
)
def test_one_rating_is_predicted(trained, run, user, movie):
    pair = pd.DataFrame({"user_id": [user], "movie_id": [movie]})
    printed = run("predict", f"--user={user}", f"--movie={movie}")
    assert f"Predicted {trained.predict(pair)[0]:.2f}" in printed
    assert re.findall(r"the (\w+) is unknown", printed) == [
        name for name, given in (("user", user), ("movie", movie)) if given == 7777
    ]


# ----- What is refused


@pytest.mark.parametrize(
    ("line", "problem"),
    {
        "--frobnicate": "--frobnicate",
        "--user 3": "invalid choice: '3'",  # not short for --users
        "--model florest": "florest",
        "--users 0": "n_users must be an integer of at least 1",
        "--users 2 --movies 2 --ratings 5": "more than the 4 pairs",
        "--seed -1": "random_state must be an integer of at least 0",
        "--data nowhere": "nowhere does not exist",
        "--data . --users 5": "do not go with --data",
        "--output nowhere/x.pkl": "there is no folder",
        "train --output nowhere/x.pkl": "there is no folder",
        "--tune predict --user 1 --movie 1": "does not go with predict",
        "predict --user 1": "--movie",
        "predict --user 1 --movie 1 --artifact x.pkl": "There is no file x.pkl",
        "recommend --rated 1:5": "expected movie=stars",
        "recommend --rated 1=5,1=4": "each movie once",
        "recommend": "--user, --rated or both",
        "recommend --all --user=1 --output=x.csv": "or else --all",
        "recommend --all": "--output",
        "recommend --all --output=": "whose name is empty",
        "recommend --user=1 --output=x.csv": "--all",
        "recommend --all --output=x.csv --explain": "--explain",
        "recommend --user=1 --top=0": "n must be an integer of at least 1",
        "recommend --user=1 --exclude=1,Heat": "'Heat'",
        "recommend --rated=2=5,02=1": "each movie once",
        "similar": "--movie",
        "similar --movie=4711": "4711 is unknown",
        "similar --movie=Heat": "'Heat'",
    }.items(),
)
def test_what_cannot_be_answered_is_one_line(tmp_path, refused, line, problem):
    before = sorted(tmp_path.iterdir())
    assert problem in refused(*line.split())
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.filterwarnings("ignore:.*carries no digest")
def test_an_artifact_that_does_not_recommend_is_one_line(trained, refused):
    joblib.dump(trained.pipeline, "bare.pkl")
    message = refused("recommend", "--user=1", "--artifact=bare.pkl")
    assert "a RatingPipeline, which does not recommend" in message


@pytest.mark.parametrize(
    ("missing", "remedy"),
    [("uvicorn", "pip install"), ("serving.app", "folder of the full project")],
)
def test_serve_says_what_is_missing(refused, monkeypatch, missing, remedy):
    monkeypatch.setitem(sys.modules, "uvicorn", types.ModuleType("uvicorn"))
    monkeypatch.setitem(sys.modules, missing, None)  # importing it fails
    error = refused("serve")
    assert missing in error
    assert remedy in error
