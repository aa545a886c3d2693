"""The commands that answer from an artifact."""

import os
import shutil

import pandas as pd
import pytest
from forked import POSIX

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline, main
from recommender import commands


@pytest.fixture(scope="module")
def artifact(table, tmp_path_factory):
    """A recommender and the path of its artifact."""
    titles = table["movie_id"].map("Film, é {}".format)
    recommender = SklearnEcosystemPipeline(model="linear")
    recommender.fit(table.assign(title=titles))
    path = tmp_path_factory.mktemp("artifact") / "model.pkl"
    recommender.save_pipeline(path)
    return recommender, str(path)


def run(capsys, *arguments):
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def test_a_model_to_use_is_trained_on_all_rows(tmp_path, capsys):
    """That of the lesson may recommend what a user rated in its test rows."""
    path = str(tmp_path / "all.pkl")
    sizes = {"n_users": 60, "n_movies": 40, "n_ratings": 900, "random_state": 7}
    options = ["--users=60", "--movies=40", "--ratings=900", "--seed=7"]
    printed = run(
        capsys, "train", *options, "--model=linear", "--no-cv", "--output", path
    )
    assert "Cross-validat" not in printed and "CV RMSE" not in printed
    loaded = SklearnEcosystemPipeline.load_pipeline(path)
    table = MovieRecommendationDataset(**sizes).generate()
    assert loaded.history_.codes.nnz == len(table)
    expected = SklearnEcosystemPipeline(model="linear", random_state=7).fit(table)
    assert (loaded.predict(table) == expected.predict(table)).all()


def test_training_prints_the_error_of_cross_validation(tmp_path, capsys):
    path = str(tmp_path / "all.pkl")
    options = ["--users=60", "--movies=40", "--ratings=900", "--model=linear"]
    assert "CV RMSE" in run(capsys, "train", *options, "--output", path)


def test_all_users_get_what_recommend_gives_each_of_them(
    artifact, tmp_path, capsys, monkeypatch
):
    recommender, path = artifact
    monkeypatch.setattr(commands, "USERS_AT_ONCE", 7)
    csv = tmp_path / "lists.csv"
    ask = ["recommend", "--all", "--top=4", "--output", str(csv), "--artifact", path]
    printed = run(capsys, *ask)
    assert f"{recommender.history_.users.size} users" in printed
    lists = pd.read_csv(csv, encoding="utf-8")
    assert list(lists.columns) == ["user_id", "rank", "movie_id", "title", "score"]
    assert lists["user_id"].unique().tolist() == recommender.history_.users.tolist()
    for user in (1, 5, 50):
        mine = lists[lists["user_id"] == user]
        expected = recommender.recommend(user, 4)
        assert mine["rank"].tolist() == [1, 2, 3, 4]
        assert mine["movie_id"].tolist() == expected["movie_id"].tolist()
        assert mine["title"].tolist() == expected["title"].tolist()


def test_a_csv_that_cannot_be_written_leaves_the_old_one(
    artifact, tmp_path, capsys, monkeypatch
):
    _, path = artifact
    csv = tmp_path / "lists.csv"
    csv.write_text("old", encoding="utf-8")

    def fail(*_, **__):
        raise ValueError("no more")

    monkeypatch.setattr(pd.DataFrame, "to_csv", fail)
    with pytest.raises(SystemExit):
        main(["recommend", "--all", "--output", str(csv), "--artifact", path])
    assert csv.read_text(encoding="utf-8") == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["lists.csv"]


@POSIX
def test_a_csv_is_written_through_a_link(artifact, tmp_path, capsys):
    _, path = artifact
    target = tmp_path / "target.csv"
    link = tmp_path / "link.csv"
    target.write_text("old", encoding="utf-8")
    link.symlink_to(target)
    run(capsys, "recommend", "--all", "--output", str(link), "--artifact", path)
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8").startswith("user_id,rank,movie_id")


def refused(capsys, *arguments):
    """Return the sentence with which a command line is refused."""
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    assert caught.value.code == 2
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    return errors


@POSIX
def test_a_csv_takes_the_place_of_no_pipe(artifact, tmp_path, capsys):
    _, path = artifact
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    ask = ["recommend", "--all", "--output", str(pipe), "--artifact", path]
    assert "a device, a pipe or a socket" in refused(capsys, *ask)
    assert pipe.is_fifo()


def test_a_csv_needs_a_name(artifact, capsys):
    _, path = artifact
    ask = ["recommend", "--all", "--output", "", "--artifact", path]
    assert "Cannot write a file whose name is empty." in refused(capsys, *ask)


@pytest.mark.parametrize("by_default", [True, False], ids=["default", "given"])
@pytest.mark.parametrize("ending", ["", ".json"], ids=["artifact", "card"])
def test_a_csv_never_replaces_the_artifact_or_its_card(
    artifact, tmp_path, capsys, monkeypatch, by_default, ending
):
    _, path = artifact
    monkeypatch.chdir(tmp_path)
    copy = "production_pipeline.pkl"
    for end in ("", ".json"):
        shutil.copy(path + end, copy + end)
    before = (tmp_path / (copy + ending)).read_bytes()
    given = [] if by_default else ["--artifact", str(tmp_path / copy)]
    ask = ["recommend", "--all", "--output", f"./{copy}{ending}", *given]
    assert "is the artifact itself or its model card" in refused(capsys, *ask)
    assert (tmp_path / (copy + ending)).read_bytes() == before


def test_movies_can_be_excluded_and_reasons_shown(artifact, capsys):
    recommender, path = artifact
    first, second = recommender.recommend(5)["movie_id"].iloc[:2]
    ask = ["recommend", "--user=5", "--top=3", "--artifact", path]
    assert f" {first} " in run(capsys, *ask)
    printed = run(capsys, *ask, f"--exclude={first},4711", "--explain")
    assert f" {first} " not in printed
    assert f" {second} " in printed
    assert "because" in printed


def test_more_ratings_of_a_known_user_can_be_given(artifact, capsys):
    recommender, path = artifact
    first = recommender.recommend(5)["movie_id"].iloc[0]
    ask = ["recommend", "--user=5", f"--rated={first}=1", "--artifact", path]
    expected = recommender.recommend(5, ratings={int(first): 1.0})
    printed = run(capsys, *ask)
    for title in expected["title"]:
        assert title in printed


def test_similar_movies_are_printed(artifact, capsys):
    recommender, path = artifact
    printed = run(capsys, "similar", "--movie=3", "--top=4", "--artifact", path)
    for title in recommender.similar(3, 4)["title"]:
        assert title in printed


@pytest.mark.parametrize(
    ("arguments", "problem"),
    {
        "nobody": (["recommend"], "--user, --rated or both"),
        "one and all": (
            ["recommend", "--all", "--user=1", "--output=x.csv"],
            "or else --all",
        ),
        "all, nowhere": (["recommend", "--all"], "--output"),
        "one into a file": (["recommend", "--user=1", "--output=x.csv"], "--all"),
        "reasons for all": (
            ["recommend", "--all", "--output=x.csv", "--explain"],
            "--explain",
        ),
        "no movie": (["similar"], "--movie"),
        "an unknown movie": (["similar", "--movie=4711"], "4711 is unknown"),
        "a movie that is no number": (["similar", "--movie=Heat"], "'Heat'"),
        "a movie rated twice": (["recommend", "--rated=2=5,02=1"], "each movie once"),
        "an excluded movie that is none": (
            ["recommend", "--user=1", "--exclude=1,Heat"],
            "'Heat'",
        ),
    }.values(),
    ids=str,
)
def test_what_does_not_go_together_is_one_line(
    artifact, arguments, problem, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    _, path = artifact
    with pytest.raises(SystemExit) as caught:
        main([*arguments, "--artifact", path])
    assert caught.value.code == 2
    errors = capsys.readouterr().err
    assert problem in errors
    assert errors.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
