"""When does a cluster pay?

    python benchmarks/cluster.py [--ratings N ...]

It needs dask and distributed. The same work is done one fit after the other, in two
threads, and on a Dask cluster of two worker processes on this machine; with `--ray`
also by two Ray workers. Printed: seconds by the clock, the largest difference of the
RMSEs to those of the first way, and what the Dask workers were sent, in MB: by the
client (through the scheduler), and by each other. The size of the table in memory
stands above.

"train": cross-validation in five folds and the final fit. "search": 12 candidates in
three folds before that. "compare": `compare_models`. The workers are started before the
clock, and have done a small job.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import joblib
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = str(ROOT)  # Ray's workers find lesson_code by it
from lesson_code import (  # noqa: E402
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    compare_models,
)


def train(table, model, tune=False):
    """Train a model, and return its RMSEs in cross-validation."""
    recommender = SklearnEcosystemPipeline(model=model)
    recommender.train(table, tune_hyperparameters=tune)
    return recommender.cv_scores


JOBS = {
    "train linear": lambda table: train(table, "linear"),
    "train boosting": lambda table: train(table, "boosting"),
    "train blend": lambda table: train(table, "blend"),
    "search linear": lambda table: train(table, "linear", tune=True),
    "compare": lambda table: compare_models(table)["RMSE"].to_numpy(),
}


def sent_bytes():
    """Return {address: bytes} that this process sent to others since the last call."""
    from distributed.comm.tcp import TCP

    # At the first call, the method that sends is replaced by one that counts, too.
    if not hasattr(TCP, "sent"):
        plain_write = TCP.write
        TCP.sent = {}

        async def counting_write(self, *args, **kwargs):
            n_bytes = await plain_write(self, *args, **kwargs)
            TCP.sent[self.peer_address] = TCP.sent.get(self.peer_address, 0) + n_bytes
            return n_bytes

        TCP.write = counting_write
    sent = TCP.sent
    TCP.sent = {}
    return sent


def run(job, table, backend):
    """Do a job, and return the seconds that it took and its RMSEs."""
    started = time.perf_counter()
    if backend == "one by one":
        errors = JOBS[job](table)
    else:
        with joblib.parallel_config(backend, n_jobs=2):
            errors = JOBS[job](table)
    return time.perf_counter() - started, errors


def measure(job, table, backends, client):
    """Print one row: seconds by backend, how far RMSEs are apart, MB sent in Dask."""
    # The counters begin at 0, in this process and in the workers.
    sent_bytes()
    client.run(sent_bytes)

    seconds = []
    errors = []
    for backend in backends:
        time_taken, errors_of_backend = run(job, table, backend)
        seconds.append(time_taken)
        errors.append(errors_of_backend)
    apart = max(np.abs(others - errors[0]).max() for others in errors)

    scheduler = client.scheduler.address
    by_client = sent_bytes().get(scheduler, 0)
    by_workers = 0
    for sent in client.run(sent_bytes).values():
        for address, n_bytes in sent.items():
            if address != scheduler:
                by_workers += n_bytes

    times = "".join(f"{time_taken:>12.1f}" for time_taken in seconds)
    megabytes = f"{by_client / 1e6:>12.0f}{by_workers / 1e6:>12.0f}"
    print(f"{job:15}{times}{apart:>10.0e}{megabytes}", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description="One fit after the other, threads, Dask, Ray."
    )
    parser.add_argument(
        "--ratings", nargs="+", type=int, default=[50_000, 500_000], metavar="N"
    )
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS))
    parser.add_argument(
        "--ray", action="store_true", help="also with Ray, if it is installed"
    )
    options = parser.parse_args()
    from distributed import Client, LocalCluster

    backends = ["one by one", "threading", "dask"]
    if options.ray:
        import ray
        from ray.util.joblib import register_ray

        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        register_ray()
        backends.append("ray")

    workers = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with workers, Client(workers) as client:
        for n_ratings in options.ratings:
            n_users = n_ratings // 50
            n_movies = n_ratings // 100
            table = MovieRecommendationDataset(n_users, n_movies, n_ratings).generate()
            run("train linear", table[:1000], "dask")  # a small job, to warm up

            size = table.memory_usage(deep=True).sum() / 1e6
            print(f"\n{n_ratings:,} ratings, {size:.0f} MB in memory; times in seconds")
            names = "".join(f"{name:>12}" for name in backends)
            print(" " * 15 + names + "     apart   MB client  MB workers")
            for job in options.jobs:
                measure(job, table, backends, client)


if __name__ == "__main__":
    main()
