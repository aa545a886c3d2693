"""The service: every route, every refusal, and a swap of the artifact under load."""

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from repository import ROOT

from lesson_code import SklearnEcosystemPipeline, main
from recommender.matrix import RatingHistory

pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")
uvicorn = pytest.importorskip("uvicorn")

from serving import arms as arms_module  # noqa: E402
from serving.app import create_app, from_environment  # noqa: E402
from serving.arms import Arms  # noqa: E402


class Service:
    """A running service, until the end of a `with`, and how to ask it."""

    def __init__(self, app):
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive(), "the service does not start"
            time.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.server.should_exit = True
        self.thread.join()

    def ask(self, path, body=None):
        """Return the status and the answer, read as JSON where it is JSON."""
        return self.ask_raw(path, None if body is None else json.dumps(body).encode())

    def ask_raw(self, path, data):
        host = self.address.removeprefix("http://")
        method = "GET" if data is None else "POST"
        headers = {"Content-Type": "application/json"}
        connection = http.client.HTTPConnection(host, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            status, text = answer.status, answer.read().decode()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text


def train(table, model="linear", titles=True, **parameters):
    if titles:
        title = table["movie_id"].map("The <b>film</b> & {}".format)
        table = table.assign(title=title)
    return SklearnEcosystemPipeline(model=model, **parameters).fit(table)


@pytest.fixture(scope="module")
def recommender(table):
    return train(table)


def start_service(recommender, folder):
    """Serve an artifact in a folder, which gets the outcomes, too."""
    path = recommender.save_pipeline(folder / "model.pkl")
    outcomes = folder / "outcomes.jsonl"
    service = Service(create_app(Arms(path), str(outcomes)))
    service.outcomes = outcomes
    return service


@pytest.fixture(scope="module")
def service(recommender, tmp_path_factory):
    with start_service(recommender, tmp_path_factory.mktemp("service")) as service:
        yield service


def test_a_file_of_outcomes_that_cannot_be_written_is_told(
    recommender, tmp_path, monkeypatch
):
    path = recommender.save_pipeline(tmp_path / "model.pkl")
    monkeypatch.setenv("ARTIFACT", str(path))
    monkeypatch.setenv("OUTCOMES", str(tmp_path))
    with pytest.raises(OSError, match="it is a folder"):
        from_environment()
    # It may also become unwritable later.
    outcomes = tmp_path / "gone" / "outcomes.jsonl"
    with Service(create_app(Arms(path), str(outcomes))) as service:
        seen = {"movie_id": 1, "event": "liked", "visitor": "a"}
        assert service.ask("/outcome", seen)[0] == 503


def test_predictions_are_those_of_the_model(service, recommender, table):
    rows = table[["user_id", "movie_id"]].head(5)
    status, answer = service.ask("/predict", {"pairs": rows.to_dict("records")})
    assert status == 200
    assert answer["ratings"] == pytest.approx(recommender.predict(rows).tolist())
    assert answer["arm"] == "A"
    assert answer["model"] == service.ask("/health")[1]["arms"]["A"]["model"]


@pytest.mark.filterwarnings("ignore:Unknown movies")
@pytest.mark.parametrize(
    "asked",
    [
        {"user_id": 5, "n": 3, "exclude": [1, 2], "explain": True},
        {"user_id": 5, "candidates": [3, 4, 5, 4711]},
        {"user_id": 5, "candidates": [], "exclude": []},
        {"user_id": 5, "ratings": [{"movie_id": 1, "stars": 1}], "explain": True},
        {"ratings": [{"movie_id": 4711, "stars": 5}, {"movie_id": 1, "stars": 5}]},
        {"ratings": []},
    ],
    ids=str,
)
def test_recommendations_are_those_of_the_model(service, recommender, asked):
    status, answer = service.ask("/recommend", asked)
    assert status == 200
    asked = dict(asked)
    if "ratings" in asked:
        pairs = asked["ratings"]
        asked["ratings"] = {one["movie_id"]: one["stars"] for one in pairs}
    expected = recommender.recommend(asked.pop("user_id", None), **asked)
    assert answer["unknown_movies"] == expected.attrs["unknown_movies"]
    movies = [movie["movie_id"] for movie in answer["recommendations"]]
    assert movies == expected["movie_id"].tolist()
    if asked.get("explain"):
        reasons = [movie["because"] for movie in answer["recommendations"]]
        assert reasons == expected["because"].tolist()


def test_the_example_of_the_documentation_is_answered(service):
    deploy = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    bodies = re.findall(r"recommend -H .*\\\n *-d '(.*?)'", deploy)
    assert len(bodies) == 2
    for body in bodies:
        status, answer = service.ask("/recommend", json.loads(body))
        assert status == 200
        assert answer["recommendations"]


def test_similar_movies_are_those_of_the_model(service, recommender):
    status, answer = service.ask("/similar?movie_id=3&n=4")
    assert status == 200
    assert [movie["movie_id"] for movie in answer] == (
        recommender.similar(3, 4)["movie_id"].tolist()
    )


def test_movies_are_found_by_words_of_their_title_popular_ones_first(service, table):
    status, answer = service.ask("/movies?q=film%20THE&n=3")
    assert status == 200
    counts = table["movie_id"].value_counts()
    popular = sorted(counts.index, key=lambda movie: (-counts[movie], movie))[:3]
    assert [movie["movie_id"] for movie in answer["movies"]] == popular
    assert answer["stars"] == [1.0, 5.0]
    assert service.ask("/movies?q=nothing")[1]["movies"] == []


def test_movies_without_titles_have_names(table, tmp_path):
    untitled = train(table.drop(columns="title"), titles=False)
    with start_service(untitled, tmp_path) as service:
        found = service.ask("/movies?q=movie%207")[1]["movies"]
    assert {"movie_id": 7, "title": "Movie 7"} in found


def test_the_model_card_and_the_state_are_told(service, recommender):
    status, cards = service.ask("/model")
    assert status == 200
    assert cards["A"]["model"] == "linear"
    status, state = service.ask("/health")
    digest = cards["A"]["sha256"][:12]
    assert state == {
        "status": "ok",
        "arms": {"A": {"model": digest, "refused": None}},
    }


def test_requests_are_measured_by_route(service):
    service.ask("/predict", {"pairs": [{"user_id": 1, "movie_id": 1}]})
    service.ask("/nowhere")
    text = service.ask("/metrics")[1]
    assert 'request_seconds_count{route="/predict",status="200"}' in text
    assert 'request_seconds_count{route="none",status="404"}' in text


def test_outcomes_are_appended_as_lines_of_json(service):
    seen = {"movie_id": 3, "event": "liked", "user_id": 4711}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: service.ask("/outcome", seen), range(40)))
    assert {status for status, _ in answers} == {204}
    lines = map(json.loads, service.outcomes.read_text(encoding="utf-8").splitlines())
    mine = [line for line in lines if line["user_id"] == 4711]  # not those of others
    assert len(mine) == 40
    for line in mine:
        assert line["movie_id"] == 3
        assert line["arm"] == "A"


def test_outcomes_without_a_file_are_refused(recommender, tmp_path):
    path = recommender.save_pipeline(tmp_path / "model.pkl")
    with Service(create_app(Arms(path))) as service:
        status, answer = service.ask("/outcome", {"movie_id": 3, "event": "liked"})
    assert status == 503
    assert "OUTCOMES" in answer["detail"]


def pairs(*users):
    return {"pairs": [{"user_id": user, "movie_id": 1} for user in users]}


def rated(movie, stars):
    return {"ratings": [{"movie_id": movie, "stars": stars}]}


REFUSED = {
    "no pairs": ("/predict", {"pairs": []}, "pairs"),
    "no movie": ("/predict", {"pairs": [{"user_id": 1}]}, "movie_id"),
    "half a user": ("/predict", pairs(1.5), "user_id"),
    "a name among numbers": ("/predict", pairs(1, "a"), "user_id"),
    "true for a user": ("/recommend", {"user_id": True}, "user_id"),
    "an unknown user": ("/recommend", {"user_id": 4711}, "User 4711"),
    "nobody": ("/recommend", {}, "user_id"),
    "too many stars": ("/recommend", rated(1, 9), "ratings"),
    "a movie in words": ("/recommend", rated("Heat", 5), "ratings"),
    "no recommendations": ("/recommend", {"user_id": 5, "n": 0}, "n"),
    "a candidate in words": (
        "/recommend",
        {"user_id": 5, "candidates": ["a"]},
        "candidates",
    ),
    "an exclusion in words": (
        "/recommend",
        {"user_id": 5, "exclude": ["a"]},
        "exclude",
    ),
    "a misspelt field": ("/recommend", {"user_id": 5, "excluded": [1]}, "excluded"),
    "an unknown event": ("/outcome", {"movie_id": 1, "event": "slept"}, "event"),
    "nobody's outcome": ("/outcome", {"movie_id": 1, "event": "liked"}, "visitor"),
    "a list": ("/recommend", [1], "body"),
    "a cut body": ("/recommend", b'{"user_id": 5', "body"),
    "no body": ("/recommend", b"", "body"),
    "NaN for stars": ("/recommend", rated(1, float("nan")), "stars"),
    "infinite stars": ("/recommend", rated(1, float("inf")), "stars"),
    "half a character": ("/recommend", {"user_id": "\ud800"}, "user_id"),
    "half a character in a name": ("/recommend", {"\ud800": 1}, "body"),
    "a number as text": ("/recommend", {"user_id": 5, "n": "3"}, "n"),
    "an id below all floats": ("/predict", pairs(-(2**53) - 1), "user_id"),
    "a huge n": ("/recommend", {"user_id": 5, "n": 10**1000}, "n"),
    "no such movie": ("/similar?movie_id=4711", None, "Movie 4711"),
    "odd text": ("/similar?movie_id=%00", None, "The ids"),
    "too many": ("/movies?n=100000", None, "n"),
    "fewer than one": ("/movies?n=-1", None, "n"),
    "a long query": ("/movies?q=" + "a" * 201, None, "q"),
}


@pytest.mark.parametrize(("path", "body", "field"), REFUSED.values(), ids=REFUSED)
def test_a_bad_request_is_answered_by_the_field_and_the_reason(
    service, path, body, field
):
    ask = service.ask_raw if isinstance(body, bytes) else service.ask
    status, answer = ask(path, body)
    assert status == 422
    problem = answer["detail"][0]
    # what was asked is not repeated: NaN has no place in JSON
    assert problem.keys() == {"type", "loc", "msg"}
    # What a model refuses has a sentence of the model, and no exact place.
    is_of_model = len(problem["loc"]) == 1
    assert field in problem["loc"] or (is_of_model and field in problem["msg"])
    assert problem["msg"]


NO_JSON = {
    "no text": (b'"\xff', 400),
    "a number of 5,000 digits": (b'{"user_id": ' + b"9" * 5000 + b"}", 400),
    "deep lists": (b"[" * 200_000 + b"]" * 200_000, 400),
    "a huge body": (b'{"user_id": 5}' + b" " * 2_000_000, 413),
}


@pytest.mark.parametrize(("body", "expected"), NO_JSON.values(), ids=NO_JSON)
def test_a_body_that_is_not_read_is_refused_and_that_is_documented(
    service, body, expected
):
    status, answer = service.ask_raw("/recommend", body)
    assert status == expected
    assert answer, "it says why"
    schema = service.ask("/openapi.json")[1]
    for operations in schema["paths"].values():
        for operation in operations.values():
            assert str(expected) in operation["responses"]


def test_a_fault_of_the_service_is_not_blamed_on_the_request(service, monkeypatch):
    def fail(history):
        raise ValueError("a bug")

    monkeypatch.setattr(RatingHistory, "scale", fail)
    assert service.ask("/movies")[0] == 500


def test_a_body_of_unknown_length_is_refused(service):
    chunks = iter([b'{"user_id":', b" 5}"])
    assert service.ask_raw("/recommend", chunks)[0] == 413


def test_no_request_that_schemathesis_makes_up_fails(service, tmp_path):
    """It asks what the schema of the service allows, and what it forbids.

    Whether an id is valid depends on the artifact (numbers or strings), which no schema
    can say: so a request that fits the schema may be refused.
    """
    pytest.importorskip("schemathesis")
    command = [sys.executable, "-m", "schemathesis.cli", "run", "--no-color"]
    command += [f"{service.address}/openapi.json", "--seed", "0"]
    command += ["--max-examples", "40"]
    command += ["--exclude-checks", "positive_data_acceptance"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    (n_cases,) = re.findall(r"(\d+) generated", run.stdout)
    assert int(n_cases) >= 100


def test_pages_come_from_the_service_alone(service):
    for path in ("/", "/docs"):
        status, text = service.ask(path)
        assert status == 200
        assert "<!doctype html>" in text
        assert "http://" not in text
        assert "https://" not in text
        assert "//cdn" not in text


# ----- Artifacts that are replaced


def count(service, name):
    """Return a counter of arm A; all services of this process add to it."""
    text = service.ask("/metrics")[1]
    (n,) = re.findall(rf'^{name}{{arm="A"}} (.*)$', text, re.MULTILINE)
    return float(n)


def wait_for(condition):
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it has not happened within 20 seconds")


def replace(path, content):
    """Put a file in its place at once: the service must not see half of it."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    os.replace(new, path)


def test_a_bad_artifact_is_refused_and_the_old_one_goes_on(
    recommender, tmp_path, monkeypatch
):
    monkeypatch.setattr(arms_module, "SECONDS_BETWEEN_LOOKS", 0.01)
    with start_service(recommender, tmp_path) as service:
        path = tmp_path / "model.pkl"
        whole = path.read_bytes()
        state = service.ask("/health")[1]
        assert state["status"] == "ok"
        for bad in (whole[:-100], b"nothing", b""):
            before = count(service, "artifacts_refused_total")
            replace(path, bad)
            wait_for(
                lambda before=before: (
                    count(service, "artifacts_refused_total") == before + 1
                )
            )
            degraded = service.ask("/health")[1]
            assert degraded["status"] == "degraded"
            assert degraded["arms"]["A"]["model"] == state["arms"]["A"]["model"]
            assert "ValueError" in degraded["arms"]["A"]["refused"]
            assert service.ask("/recommend", {"user_id": 5})[0] == 200
        path.unlink()
        wait_for(lambda: "FileNotFound" in str(service.ask("/health")[1]))
        assert service.ask("/recommend", {"user_id": 5})[0] == 200
        replace(path, whole)
        wait_for(lambda: service.ask("/health")[1]["status"] == "ok")


def test_no_request_fails_while_artifacts_are_replaced(
    recommender, table, tmp_path, monkeypatch
):
    """Each answer is that of the old or of the new model, whole."""
    monkeypatch.setattr(arms_module, "SECONDS_BETWEEN_LOOKS", 0.01)
    models = [recommender, train(table, model="factors")]
    rows = pd.DataFrame({"user_id": [5], "movie_id": [3]})
    expected = [model.predict(rows)[0] for model in models]
    answers = []
    done = threading.Event()

    def keep_asking():
        while not done.is_set():
            answers.append(service.ask("/predict", {"pairs": rows.to_dict("records")}))

    with start_service(models[0], tmp_path) as service:
        refused_before = count(service, "artifacts_refused_total")
        swaps_before = count(service, "swaps_total")
        with ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(keep_asking) for _ in range(4)]
            for swap in range(1, 6):
                time.sleep(0.2)
                models[swap % 2].save_pipeline(tmp_path / "model.pkl")
            time.sleep(0.2)
            done.set()
            for future in asking:
                future.result()
        wait_for(lambda: count(service, "swaps_total") > swaps_before)
        assert count(service, "artifacts_refused_total") == refused_before
    assert {status for status, _ in answers} == {200}
    stars = {answer["ratings"][0] for _, answer in answers}
    assert sorted(stars) == pytest.approx(sorted(expected))


@pytest.mark.skipif(shutil.which("gunicorn") is None, reason="no gunicorn here")
def test_gunicorn_as_in_the_documentation_answers_and_takes_a_new_artifact(
    recommender, table, tmp_path
):
    recommender.save_pipeline(tmp_path / "model.pkl")
    deploy = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^(OMP_NUM_.*gunicorn .*\\\n.*)$", deploy, re.MULTILINE)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = command.replace("8000", str(port)).replace("OMP", "exec env OMP", 1)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(["sh", "-c", command], cwd=tmp_path, env=environment)
    service = Service.__new__(Service)
    service.address = f"http://127.0.0.1:{port}"

    def served():
        try:
            return service.ask("/health")[1]["arms"]["A"]["model"]
        except OSError:
            return None

    try:
        wait_for(served)
        assert service.ask("/recommend", {"user_id": 5})[0] == 200
        old = served()
        train(table, random_state=1).save_pipeline(tmp_path / "model.pkl")
        wait_for(lambda: old not in [served() for _ in range(8)])
    finally:
        process.terminate()
        process.wait()


def test_the_command_listens_here_alone_and_its_end_waits_for_no_slow_client(
    recommender, tmp_path, monkeypatch
):
    asked = {}
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: asked.update(options))
    path = recommender.save_pipeline(tmp_path / "model.pkl")
    main(["serve", "--artifact", str(path)])
    assert asked["host"] == "127.0.0.1"
    assert asked["timeout_graceful_shutdown"] > 0


# ----- Arms


def test_a_user_is_always_in_the_same_arm_and_the_share_is_kept(recommender, tmp_path):
    path = recommender.save_pipeline(tmp_path / "model.pkl")

    def arms_of_users(share_b, experiment="experiment"):
        arms = Arms(path, path, share_b, experiment)
        return [arms.of(user).name for user in range(5000)]

    first = arms_of_users(0.3)
    assert first == arms_of_users(0.3)
    assert first.count("B") / 5000 == pytest.approx(0.3, abs=0.03)
    assert first != arms_of_users(0.3, "another")
    # A larger share moves users from A to B only.
    more = arms_of_users(0.5)
    assert all(more[user] == "B" for user in range(5000) if first[user] == "B")


def test_the_environment_describes_the_service(recommender, tmp_path, monkeypatch):
    path = recommender.save_pipeline(tmp_path / "a.pkl")
    for name, value in {"ARTIFACT": path, "ARTIFACT_B": path, "SHARE_B": 1}.items():
        monkeypatch.setenv(name, str(value))
    with Service(from_environment()) as service:
        assert service.ask("/recommend", {"user_id": 5})[1]["arm"] == "B"
    monkeypatch.setenv("SHARE_B", "2")
    with pytest.raises(ValueError, match="SHARE_B"):
        from_environment()


def test_an_artifact_that_cannot_be_served_is_refused_at_the_start(tmp_path):
    with pytest.raises(FileNotFoundError):
        Arms(tmp_path / "nothing.pkl")


@pytest.mark.skipif(os.name == "nt", reason="Windows needs a right to make links")
def test_a_link_that_is_switched_is_a_swap_and_back_again(
    recommender, table, tmp_path, monkeypatch
):
    """The card that counts is the one beside the file, not beside the link."""
    monkeypatch.setattr(arms_module, "SECONDS_BETWEEN_LOOKS", 0.01)
    names = ["model-2026-11-21.pkl", "model-2026-11-28.pkl"]
    digests = []
    for name, model in zip(names, [recommender, train(table, random_state=1)]):
        model.save_pipeline(tmp_path / name)
        card = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
        digests.append(card["sha256"][:12])

    def switch(name):
        deploy = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
        (command,) = re.findall(r"^ln -s .*$", deploy, re.MULTILINE)
        command = command.replace(names[1], name)
        subprocess.run(["sh", "-ec", command], cwd=tmp_path, check=True)

    def served():
        return service.ask("/health")[1]["arms"]["A"]

    switch(names[0])
    with Service(create_app(Arms(tmp_path / "model.pkl"))) as service:
        for place in (1, 0):
            switch(names[place])
            wait_for(lambda digest=digests[place]: served()["model"] == digest)

        card = tmp_path / f"{names[0]}.json"
        whole = card.read_bytes()
        replace(card, b"{}")
        wait_for(lambda: served()["refused"])
        replace(card, whole)
        wait_for(lambda: served()["refused"] is None)
