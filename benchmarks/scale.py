"""Do time and memory grow in proportion to the ratings?

    python benchmarks/scale.py --folder FOLDER

Tables of 50 thousand to 32 million synthetic ratings, with the users and movies that
MovieLens has at these sizes, go through everything that the lesson does. Each step is a
process of its own. It may take 9 GiB of address space (`resource.setrlimit`; Windows
and macOS do not enforce that: there only the peak is reported).

* CPU: seconds of all threads of the step. Wall: seconds by the clock; other work on the
  machine is in it.
* Per million: CPU seconds per million ratings. It is the same at every size if a step
  is linear. (`lists` are always of 1,000 users, and `recommend` is ten calls for ten
  users: they need not grow at all.)
* Peak: the greatest resident memory of the process, in GiB. What the step is given is
  in it.
* Slope: of log(CPU) over log(ratings), from 500 thousand on. 1 is linear, 2 is
  quadratic.

`read_csv` and `pandas` are references for `read` and `features`: `pd.read_csv` of
ratings.csv alone; and plain group-by means and sizes, with category codes of genre and
country, which are not cross-fitted. In the steps that end in `-text` both get genre and
country as text, in all others as categories. `train` is
`SklearnEcosystemPipeline(model="factors").fit`, which the steps below it need.

FOLDER keeps tables and results (some 6 GB at 32 million). A step that is done is not
done again; one that failed is a row that says why, and is tried again.
"""

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lesson_code as lesson

SIZES = {  # name: users, movies, ratings
    "50k": (1_000, 500, 50_000),
    "500k": (5_700, 2_650, 500_000),
    "5M": (32_000, 14_000, 5_000_000),
    "32M": (200_948, 87_585, 32_000_000),
}
LIMIT = 9 * 2**30  # bytes
REFERENCES = {"read": "read_csv", "features": "pandas", "features-text": "pandas-text"}
ROW = "| {:13} | {:>10} | {:>8} | {:>8} | {:>11} | {:>9} | {} |"


def n_ratings_of(size):
    """Return the number of ratings of a size."""
    _, _, n_ratings = SIZES[size]
    return n_ratings


def write(table, folder):
    """Write ratings.csv and movies.csv as GroupLens ships them.

    They are sorted by user and movie.
    """
    folder.mkdir(exist_ok=True)
    ratings = table[["user_id", "movie_id", "rating", "timestamp"]]
    ratings = ratings.sort_values(["user_id", "movie_id"])
    header = ["userId", "movieId", "rating", "timestamp"]
    ratings.to_csv(folder / "ratings.csv", index=False, header=header)

    movies = table[["movie_id", "title", "genre"]].drop_duplicates("movie_id")
    movies = movies.sort_values("movie_id")
    header = ["movieId", "title", "genres"]
    movies.to_csv(folder / "movies.csv", index=False, header=header)


def pandas_features(table):
    """Return what one writes first: averages, counts and codes, not cross-fitted."""
    columns = {}
    for name in ("user_id", "movie_id"):
        groups = table.groupby(name)["rating"]
        columns[f"{name}_avg"] = table[name].map(groups.mean())
        columns[f"{name}_count"] = table[name].map(groups.size())
    for name in ("genre", "user_country"):
        columns[name] = table[name].astype("category").cat.codes
    return pd.DataFrame(columns)


def fit_ranker(recommender):
    """Fit the ranker, which is fitted when it is asked for."""
    n_movies = recommender.ranker_.movies_.size
    print(f"A ranker of {n_movies} movies", file=sys.stderr)
    return recommender


def make_lists(recommender):
    """Return the lists of 1,000 users."""
    ranker = recommender.ranker_
    return ranker.recommend(ranker.users_[:1000], n=10)


def recommend(recommender):
    """Make the lists of ten users, one by one."""
    for user in recommender.ranker_.users_[:10]:
        recommender.recommend(int(user))


def steps(folder, size):
    """Return {name: (input, work, output)}, from the first step on.

    Input is the name of the file that the step is given, or None. Work is what is
    timed. Output is the name of the file that keeps what it returns, or None.
    """
    dataset = lesson.MovieRecommendationDataset(*SIZES[size])
    make_features = lesson.UserMovieFeatureTransformer().fit_transform
    factorize = lesson.MatrixFactorization().fit
    train = lesson.SklearnEcosystemPipeline(model="factors").fit
    release = folder / "release"
    artifact = folder / "artifact.pkl"

    def write_release(table):
        write(table, release)

    def read():
        return lesson.load_movielens(release)

    def read_csv():
        return pd.read_csv(release / "ratings.csv")

    def save(recommender):
        recommender.save_pipeline(artifact)

    def load():
        return lesson.SklearnEcosystemPipeline.load_pipeline(artifact)

    return {
        "generate": (None, dataset.generate, "table"),
        "write": ("table", write_release, None),
        "read": (None, read, None),
        "read_csv": (None, read_csv, None),
        "features": ("table", make_features, None),
        "pandas": ("table", pandas_features, None),
        "features-text": ("table", make_features, None),
        "pandas-text": ("table", pandas_features, None),
        "factors": ("table", factorize, None),
        "train": ("table", train, "trained"),
        "ranker": ("trained", fit_ranker, "ranked"),
        "lists": ("ranked", make_lists, None),
        "save": ("ranked", save, None),
        "load": (None, load, None),
        "recommend": ("artifact.pkl", recommend, None),
    }


STEPS = list(steps(Path(), "50k"))


def do(name, size, folder):
    """Do one step in this process, within the limit.

    Return its figures, or why it failed.
    """
    if importlib.util.find_spec("resource"):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    input_name, work, output_name = steps(folder, size)[name]
    if input_name and not (folder / input_name).exists():
        reason = f"there is no {input_name}: a step above failed, or was left out"
        return {"failed": reason}

    try:
        arguments = []
        if input_name:
            arguments = [joblib.load(folder / input_name)]
        if name.endswith("-text"):
            texts = {"genre": str, "user_country": str}
            arguments = [table.astype(texts) for table in arguments]

        cpu = time.process_time()
        wall = time.perf_counter()
        result = work(*arguments)
        figures = {
            "cpu": time.process_time() - cpu,
            "wall": time.perf_counter() - wall,
            "peak": peak_memory() / 2**30,
        }

        if output_name == "table":  # strings that repeat are small as categories
            result = result.astype({"genre": "category", "user_country": "category"})
        if output_name:
            joblib.dump(result, folder / output_name)
    except (MemoryError, FileNotFoundError) as error:
        return {"failed": f"{type(error).__name__}: {error}"}

    if name == "save":
        n_bytes = (folder / "artifact.pkl").stat().st_size
        figures["note"] = f"{n_bytes / n_ratings_of(size):.1f} bytes per rating"
    return figures


def peak_memory():
    """Return the greatest resident size of this process so far, in bytes."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset
    # Where there is /proc, `getrusage` would count the process that started this one.
    if os.path.exists("/proc/self/status"):
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(re.search(r"VmHWM:\s*(\d+)", status)[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def child(name, size, folder):
    """Do one step in a process of its own; return its figures, or why it failed."""
    command = [sys.executable, __file__, "--folder", str(folder), "--step", name, size]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode == 0:
        return json.loads(run.stdout.splitlines()[-1])

    # A negative status is the signal that ended it, such as -9 or -11 where memory
    # ran out.
    reason = "no message"
    if run.stderr.strip():
        reason = run.stderr.strip().splitlines()[-1]
    return {"failed": f"exit status {run.returncode}: {reason}"}


def show(name, size, figures):
    """Print the row of a step: its figures, or why it failed."""
    n_ratings = n_ratings_of(size)
    ratings = f"{n_ratings:,}"
    note = figures.get("failed", figures.get("note", ""))
    cells = ["", "", "", ""]
    if "cpu" in figures:
        cells = [
            f"{figures['wall']:.2f}",
            f"{figures['cpu']:.2f}",
            f"{figures['cpu'] / n_ratings * 1e6:.3f}",
            f"{figures['peak']:.2f}",
        ]
    print(ROW.format(name, ratings, *cells, note), flush=True)


def show_growth(cpu):
    """Print slopes and ratios.

    `cpu` has CPU seconds: steps (rows) by numbers of ratings (columns).
    """
    print(
        "\nFrom 500 thousand ratings on: slope of log(CPU), "
        "and time per million, largest / 500 thousand"
    )
    for name, seconds in cpu.iterrows():
        seconds = seconds[seconds.index >= 500_000].dropna()
        if len(seconds) < 2:
            continue
        slope = np.polyfit(np.log(seconds.index), np.log(seconds), 1)[0]
        per_million = seconds / seconds.index
        growth = per_million.iloc[-1] / per_million.iloc[0]
        print(f"  {name:13} {slope:.2f}  {growth:.2f}")

    for name, reference in REFERENCES.items():
        ratios = (cpu.loc[name] / cpu.loc[reference]).dropna()
        by_size = ", ".join(f"{ratio:.2f} ({n:,})" for n, ratio in ratios.items())
        print(f"CPU time, {name} / {reference} (ratings): {by_size}")


def main():
    parser = argparse.ArgumentParser(
        description="Time and memory from 50 thousand to 32 million ratings."
    )
    parser.add_argument(
        "--folder", required=True, type=Path, help="keeps tables and results"
    )
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS)
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = options.folder
    if options.step:
        name, size = options.step
        print(json.dumps(do(name, size, folder)))
        return

    if sys.platform != "linux":
        print("This system enforces no limit of memory: only the peak is reported.")
    results_file = folder / "results.json"
    results = {}
    if results_file.exists():
        results = json.loads(results_file.read_text(encoding="utf-8"))
    head = ["step", "ratings", "wall, s", "CPU, s", "per million", "peak, GiB", ""]
    print(ROW.format(*head))
    print("|---|---|---|---|---|---|---|")
    for size in options.sizes:
        (folder / size).mkdir(parents=True, exist_ok=True)
        of_size = results.setdefault(size, {})
        for name in options.steps:
            if "cpu" not in of_size.get(name, {}):
                of_size[name] = child(name, size, folder / size)
                text = json.dumps(results, indent=1)
                results_file.write_text(text, encoding="utf-8")
            show(name, size, of_size[name])

    cpu = {}
    for size, of_size in results.items():
        seconds = {name: figures.get("cpu") for name, figures in of_size.items()}
        cpu[n_ratings_of(size)] = seconds
    cpu = pd.DataFrame(cpu, dtype=float).reindex(STEPS).sort_index(axis=1)
    show_growth(cpu)


if __name__ == "__main__":
    main()
