"""What does the service cost, and does it fail under load?

    pip install -r serving/requirements.txt psutil gunicorn uvicorn-worker
    python benchmarks/serving.py RELEASE

RELEASE is the folder or the zip file of a MovieLens release. `factors` is trained on
it, and served on this machine by uvicorn, in a process of its own. All load is bounded
and comes from this machine, which therefore does the work of the clients, too.

* CPU: the processor seconds of the service alone, user and system, per request, one
  request after another; the median of nine rounds (least - greatest).
* Swaps: eight threads ask for predictions and recommendations until at least 2,000
  requests are answered, while another artifact takes the place of the served one six
  times, and a bad one four times. An error is any answer but 200.
* At once: 1,000 connections to two workers, each with one request, while `/health` is
  asked on connections of its own. The last row does the same with one worker.
* Memory: what each worker holds and shares with no other process (USS), after 100
  requests.
* Threads: `boosting` instead of `factors`, asked by eight threads at once, with one and
  with two threads of OpenMP in turn; the median of three rounds (least - greatest).
"""

import asyncio
import contextlib
import http.client
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import SklearnEcosystemPipeline, load_movielens

ROOT = Path(__file__).resolve().parent.parent
N_THREADS = 8
N_REQUESTS = 2_000
N_AT_ONCE = 1_000
N_ROUNDS = 9
REQUESTS_PER_ROUND = 50
STARS = [
    {"movie_id": 1, "stars": 5},
    {"movie_id": 50, "stars": 4},
    {"movie_id": 260, "stars": 3},
]
PREDICTION = ("/predict", {"pairs": [{"user_id": 5, "movie_id": 1}]})
LIST = ("/recommend", {"user_id": 5})
REQUESTS = {
    "a prediction": PREDICTION,
    "a list of 10 for a known user": LIST,
    "the same, with reasons": ("/recommend", {"user_id": 5, "explain": True}),
    "a list for a new user, with reasons": (
        "/recommend",
        {"ratings": STARS, "explain": True},
    ),
    "a search for titles": ("/movies?q=star", None),
    "/health": ("/health", None),
}


class Client:
    """One connection to the service, which is kept open."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, path, body=None):
        """Return the status and the text of the answer."""
        if body is None:
            self.connection.request("GET", path)
        else:
            headers = {"Content-Type": "application/json"}
            self.connection.request("POST", path, json.dumps(body), headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()


def free_port():
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def uvicorn(port, n_workers):
    """Return the command that serves with uvicorn."""
    command = [sys.executable, "-m", "uvicorn", "--factory"]
    command += ["serving.app:from_environment", "--port", str(port)]
    return [*command, "--workers", str(n_workers), "--log-level", "error"]


def gunicorn(port, n_workers):
    """Return the command that loads the model once, and then forks workers."""
    command = [sys.executable, "-m", "gunicorn", "--preload"]
    command += ["--worker-class", "uvicorn_worker.UvicornWorker"]
    command += ["--workers", str(n_workers), "--bind", f"127.0.0.1:{port}"]
    return [*command, "--log-level", "error", "serving.app:from_environment()"]


@contextlib.contextmanager
def serving(artifact, n_workers=1, server=uvicorn, **variables):
    """Run the service; give its port and its process."""
    port = free_port()
    variables = {"ARTIFACT": str(artifact), "OMP_NUM_THREADS": "1"} | variables
    process = subprocess.Popen(
        server(port, n_workers), cwd=ROOT, env=os.environ | variables
    )
    try:
        wait_until_it_answers(port, process)
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def wait_until_it_answers(port, process):
    for _ in range(600):
        if process.poll() is not None:
            sys.exit("The service has ended.")
        with contextlib.suppress(OSError):
            if Client(port).ask("/health")[0] == 200:
                return
        time.sleep(0.1)
    sys.exit("The service does not answer.")


# ----- CPU of each kind of request


def cpu_of(process):
    times = process.cpu_times()
    return times.user + times.system


def show_cpu(artifact):
    """Print the CPU time of each kind of request."""
    with serving(artifact) as (port, process):
        client = Client(port)
        milliseconds = {name: [] for name in REQUESTS}
        for _ in range(N_ROUNDS + 1):
            for name, (path, body) in REQUESTS.items():
                start = cpu_of(process)
                for _ in range(REQUESTS_PER_ROUND):
                    status, text = client.ask(path, body)
                    assert status == 200, text
                used = cpu_of(process) - start
                milliseconds[name].append(1000 * used / REQUESTS_PER_ROUND)
    for name, rounds in milliseconds.items():
        rounds = rounds[1:]  # the first one warms up
        middle = f"{median(rounds):.1f} ms ({min(rounds):.1f} - {max(rounds):.1f})"
        print(f"| CPU of {name} | {middle} |", flush=True)


# ----- Swaps under load


def replace(path, content):
    """Put a file in its place at once, as `save_pipeline` does."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    os.replace(new, path)


def swap_and_spoil(artifact, models, wait_for_metric):
    """Replace the artifact six times, and four times by a bad one."""
    whole = artifact.read_bytes()
    bad = [whole[:-1000], b"", b"no artifact", whole[:100] + b"\0" + whole[101:]]
    for number in range(6):
        models[number % 2].save_pipeline(artifact)
        wait_for_metric("swaps_total", number + 1)
        if number < len(bad):
            replace(artifact, bad[number])
            wait_for_metric("artifacts_refused_total", number + 1)


def show_swaps(artifact, models):
    """Print what becomes of requests while artifacts are replaced."""
    statuses = []
    is_done = threading.Event()

    def keep_asking(port):
        client = Client(port)
        for path, body in itertools.cycle([PREDICTION, LIST]):
            if is_done.is_set():
                return
            try:
                statuses.append(client.ask(path, body)[0])
            except (OSError, http.client.HTTPException) as error:
                statuses.append(type(error).__name__)
                client = Client(port)

    with serving(artifact) as (port, _), ThreadPoolExecutor(N_THREADS) as pool:

        def wait_for_metric(name, expected):
            for _ in range(600):
                _, text = Client(port).ask("/metrics")
                (line,) = [x for x in text.splitlines() if x.startswith(f"{name}{{")]
                if float(line.split()[-1]) >= expected:
                    return
                time.sleep(0.05)
            raise TimeoutError(f"{name} is not {expected} after 30 seconds")

        asking = [pool.submit(keep_asking, port) for _ in range(N_THREADS)]
        try:
            swap_and_spoil(artifact, models, wait_for_metric)
            while len(statuses) < N_REQUESTS:
                time.sleep(0.1)
        finally:
            is_done.set()
        for thread in asking:
            thread.result()
    n_errors = len(statuses) - statuses.count(200)
    print(
        f"| six swaps, four bad artifacts: errors | {n_errors} of {len(statuses):,} "
        "requests |",
        flush=True,
    )


# ----- Many requests at once


async def ask_once(port, path, body):
    """Return the status of one request on a connection of its own; 0: none came."""
    text = json.dumps(body)
    request = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}"
    )
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request.encode())
        answer = await reader.read()
        writer.close()
        return int(answer.split()[1])
    except (OSError, IndexError):
        return 0


async def ask_at_once(port):
    waiting = []
    for number in range(N_AT_ONCE):
        path, body = (PREDICTION, LIST)[number % 2]
        waiting.append(ask_once(port, path, body))
    return await asyncio.gather(*waiting)


def show_many_at_once(artifact, n_workers):
    """Print errors, and how long `/health` takes meanwhile."""
    seconds = []
    is_done = threading.Event()

    def keep_asking_for_health(port):
        while not is_done.is_set():
            start = time.perf_counter()
            status, _ = Client(port).ask("/health")
            assert status == 200
            seconds.append(time.perf_counter() - start)
            time.sleep(0.02)

    with serving(artifact, n_workers) as (port, _), ThreadPoolExecutor(1) as pool:
        health = pool.submit(keep_asking_for_health, port)
        start = time.perf_counter()
        try:
            statuses = asyncio.run(ask_at_once(port))
        finally:
            is_done.set()
        took = time.perf_counter() - start
        health.result()
    n_errors = len(statuses) - statuses.count(200)
    workers = "one worker" if n_workers == 1 else f"{n_workers} workers"
    print(
        f"| {len(statuses):,} requests at once, {workers} | {n_errors} errors, all "
        f"answered in {took:.1f} s; /health: median {1000 * median(seconds):.0f} ms, "
        f"slowest {1000 * max(seconds):.0f} ms of {len(seconds)} |",
        flush=True,
    )


# ----- Threads of OpenMP


def show_threads(artifact):
    """Print the CPU time of a request with one OpenMP thread, and with two."""
    milliseconds = {"1": [], "2": []}

    def ask_in_turn(port):
        client = Client(port)
        for path, body in [PREDICTION, LIST] * 15:
            assert client.ask(path, body)[0] == 200

    for threads in ["1", "2"] * 3:
        with serving(artifact, OMP_NUM_THREADS=threads) as (port, process):
            ask_in_turn(port)
            start = cpu_of(process)
            with ThreadPoolExecutor(N_THREADS) as pool:
                list(pool.map(ask_in_turn, [port] * N_THREADS))
            used = cpu_of(process) - start
        milliseconds[threads].append(1000 * used / (30 * N_THREADS))
    for threads, rounds in milliseconds.items():
        middle = f"{median(rounds):.1f} ms ({min(rounds):.1f} - {max(rounds):.1f})"
        print(f"| `boosting`, OMP_NUM_THREADS={threads}: CPU per request | {middle} |")


# ----- Memory


def show_memory(artifact, server):
    """Print what the workers of a service hold."""
    with serving(artifact, 2, server) as (port, process):
        for _ in range(100):
            Client(port).ask(*LIST)
        workers = [
            child for child in process.children() if child.memory_info().rss > 50e6
        ]
        own = [worker.memory_full_info().uss / 1e6 for worker in workers]
    shown = ", ".join(f"{megabytes:.0f} MB" for megabytes in own)
    print(f"| {server.__name__}, own memory of each of two workers | {shown} |")


def main():
    if len(sys.argv) != 2:
        sys.exit("Expected the path of a MovieLens release.")
    table = load_movielens(sys.argv[1])
    models = []
    for seed in (0, 1):
        model = SklearnEcosystemPipeline(model="factors", random_state=seed)
        model.train(table, perform_cv=False)
        models.append(model)

    boosting = SklearnEcosystemPipeline(model="boosting")
    boosting.train(table, perform_cv=False)

    print("| | measured |")
    print("|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        artifact = Path(folder) / "model.pkl"
        models[1].save_pipeline(artifact)
        show_cpu(artifact)
        show_swaps(artifact, models)
        show_many_at_once(artifact, n_workers=2)
        show_many_at_once(artifact, n_workers=1)
        show_memory(artifact, uvicorn)
        show_memory(artifact, gunicorn)
        boosting.save_pipeline(artifact)
        show_threads(artifact)


if __name__ == "__main__":
    main()
