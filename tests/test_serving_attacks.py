"""The service under attack: odd, slow and malicious requests, by 127.0.0.1 alone.

Which requests are refused, and how, is in test_serving.py.
"""

import functools
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")
pytest.importorskip("uvicorn")

from repository import ROOT
from test_serving import start_service, train, wait_for

from lesson_code import SklearnEcosystemPipeline
from serving import app

pytestmark = [
    pytest.mark.hostile,
    # The model warns of them, too, in the process of the service.
    pytest.mark.filterwarnings("ignore:Unknown movies"),
]


@pytest.fixture(scope="module")
def service(table, tmp_path_factory):
    with start_service(train(table), tmp_path_factory.mktemp("attacks")) as service:
        yield service


@pytest.fixture(scope="module")
def service_of_names(table, tmp_path_factory):
    """A service whose ids are strings."""
    names = table.assign(
        user_id=table["user_id"].map("user {}".format),
        movie_id=table["movie_id"].map("movie {}".format),
    )
    with start_service(train(names), tmp_path_factory.mktemp("names")) as service:
        yield service


def test_of_many_problems_only_some_are_looked_for_and_answered(service):
    """All problems of a long list would take seconds, in which `/health` must wait."""
    pair = {"user_id": 1, "movie_id": 1}
    wrong = [1.5] * 50_000
    for path, body, n_problems in (
        ("/predict", {"pairs": [{"user_id": 1.5}, *[pair] * 9_999, {}]}, 1),
        ("/recommend", {"candidates": wrong, "exclude": wrong}, 2),
        ("/recommend", {"ratings": [pair] * 10_000}, 1),
        ("/recommend", {f"key {number}": 1 for number in range(1_000)}, 10),
    ):
        status, answer = service.ask(path, body)
        assert status == 422
        places = {str(problem["loc"][:3]) for problem in answer["detail"]}
        assert len(places) <= n_problems


@pytest.mark.parametrize(
    "path",
    [
        "/../app.py",
        "/..%2f..%2fetc%2fpasswd",
        "/page.html",
    ],
)
def test_no_file_but_the_two_pages_can_be_read(service, path):
    assert service.ask(path)[0] == 404


@pytest.mark.parametrize("text", ["%00", "%ff", "%0a%0d", "(a%2b)%2b%24"])
def test_odd_text_is_only_text(service, text):
    assert service.ask(f"/movies?q={text}")[0] == 200


def test_an_outcome_is_one_line_however_it_is_written(service):
    ends = "\n \r \x0b \x0c \x1c \x85 \u2028 \u2029 \x1b[2J"
    forged = ends + '{"event": "liked"}'
    seen = {"movie_id": 1, "event": "shown", "visitor": forged}
    assert service.ask("/outcome", seen)[0] == 204
    lines = service.outcomes.read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    assert [line["event"] for line in found if line["visitor"] == forged] == ["shown"]
    assert all(line.isprintable() for line in lines)


def raw_connection(service):
    port = int(service.address.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def post(connection, path, body, length):
    """Send a request that claims a length of its body, true or not."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode() + body)


def test_a_request_that_is_cut_short_does_nothing(service):
    body = b'{"movie_id": 1, "event": "liked", "visitor": "cut"}'
    with raw_connection(service) as connection:
        post(connection, "/outcome", body, 1000)
    for _ in range(5):
        assert service.ask("/health")[0] == 200
    seen = {"movie_id": 1, "event": "liked", "visitor": "after"}
    assert service.ask("/outcome", seen)[0] == 204
    text = service.outcomes.read_text(encoding="utf-8")
    assert "after" in text
    assert "cut" not in text
    assert 'status="499"' in service.ask("/metrics")[1], "that nobody was left"


def test_slow_senders_and_slow_readers_hold_up_nobody(service):
    slow = [raw_connection(service) for _ in range(20)]
    try:
        for number, connection in enumerate(slow):
            if number % 2:  # it sends half a body
                post(connection, "/recommend", b"{", 20)
            else:  # it reads no answer
                ask = b"GET /movies?n=1000 HTTP/1.1\r\nHost: x\r\n\r\n"
                connection.sendall(ask * 200)
        assert service.ask("/recommend", {"user_id": 5})[0] == 200
    finally:
        for connection in slow:
            connection.close()


@pytest.fixture
def slow(monkeypatch):
    """Let no recommendation begin before an event; it counts those that wait for it."""
    slow = SimpleNamespace(may_go_on=threading.Event(), started=[])
    recommend = SklearnEcosystemPipeline.recommend

    def recommend_later(*args, **options):
        slow.started.append(1)
        assert slow.may_go_on.wait(60)
        return recommend(*args, **options)

    monkeypatch.setattr(SklearnEcosystemPipeline, "recommend", recommend_later)
    return slow


def test_health_is_answered_while_all_turns_are_taken(service, slow):
    """The other requests wait, and none is lost."""
    with ThreadPoolExecutor(20) as pool:
        asked = [
            pool.submit(service.ask, "/recommend", {"user_id": 5}) for _ in range(20)
        ]
        try:
            wait_for(lambda: len(slow.started) == app.N_AT_ONCE)
            for path in ("/health", "/metrics"):
                assert service.ask(path)[0] == 200
            assert len(slow.started) == app.N_AT_ONCE
        finally:
            slow.may_go_on.set()
        assert [future.result()[0] for future in asked] == [200] * 20


def test_requests_of_clients_who_have_gone_are_not_worked_on(service, slow):
    ask = functools.partial(service.ask, "/recommend", {"user_id": 5})
    body = b'{"user_id": 5}'
    with ThreadPoolExecutor(app.N_AT_ONCE) as pool:
        asked = [pool.submit(ask) for _ in range(app.N_AT_ONCE)]
        try:
            wait_for(lambda: len(slow.started) == app.N_AT_ONCE)
            for _ in range(20):
                with raw_connection(service) as connection:
                    post(connection, "/recommend", body, len(body))
            for _ in range(5):
                assert service.ask("/health")[0] == 200
        finally:
            slow.may_go_on.set()
        assert [future.result()[0] for future in asked] == [200] * app.N_AT_ONCE
    assert ask()[0] == 200
    assert len(slow.started) == app.N_AT_ONCE + 1


def test_ids_that_are_strings_are_answered_or_refused(service_of_names):
    odd = ["", " ", "nan", "None", "5", "\x00", "a\nb", "user 5 ", "<b>", "é" * 200]
    for text in odd:
        pair = {"user_id": text, "movie_id": text}
        assert service_of_names.ask("/predict", {"pairs": [pair]})[0] in (200, 422)
        rated = [{"movie_id": text, "stars": 5}]
        assert service_of_names.ask("/recommend", {"ratings": rated})[0] in (200, 422)
    pairs = [{"user_id": 5, "movie_id": 5}]
    status, answer = service_of_names.ask("/predict", {"pairs": pairs})
    assert status == 422
    assert "user " not in json.dumps(answer), "no id of the training is told"
    assert service_of_names.ask("/recommend", {"user_id": 5})[0] == 422
    assert service_of_names.ask("/recommend", {"user_id": "user 5"})[0] == 200
    assert service_of_names.ask("/similar?movie_id=movie%207")[0] == 200


def test_many_connections_at_once_are_all_answered(service):
    def ask(number):
        return service.ask("/recommend", {"user_id": 1 + number % 100})[0]

    with ThreadPoolExecutor(100) as pool:
        assert set(pool.map(ask, range(300))) == {200}


def test_the_documentation_says_how_large_a_body_may_be():
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    assert f"bodies above {app.MAX_BYTES / 1e6:g} MB" in page
