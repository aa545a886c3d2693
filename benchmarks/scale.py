"""Do time and memory grow in proportion to the ratings? `python benchmarks/scale.py --folder FOLDER`

Tables of 50 thousand to 32 million synthetic ratings, with the users and movies that MovieLens has at these
sizes, go through everything that the lesson does. Each step is a process of its own. It may take 9 GiB of
address space (`resource.setrlimit`; Windows and macOS do not enforce that: there only the peak is reported).

* CPU: seconds of all threads of the step. Wall: seconds by the clock; other work on the machine is in it.
* Per million: CPU seconds per million ratings. It is the same at every size if a step is linear. (`lists` are
  always of 1,000 users, and `recommend` is ten calls for ten users: they need not grow at all.)
* Peak: the greatest resident memory of the process, in GiB. What the step is given is in it.
* Slope: of log(CPU) over log(ratings), from 500 thousand on. 1 is linear, 2 is quadratic.

`read_csv` and `pandas` are references for `read` and `features`: `pd.read_csv` of ratings.csv alone; and
plain group-by means and sizes, with category codes of genre and country, which are not cross-fitted. In the
steps that end in `-text` both get genre and country as text, in all others as categories. `train` is
`SklearnEcosystemPipeline(model="factors").fit`, which the steps below it need.

FOLDER keeps tables and results (some 6 GB at 32 million). A step that is done is not done again; one that
failed is a row that says why, and is tried again. With matplotlib, docs/pictures/scale.svg is drawn anew.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lesson_code as lesson
from pillars.drawing import BLUE, GREEN, GREY, ORANGE, PINK, new_picture, save_picture

SIZES = {  # name: users, movies, ratings
    "50k": (1_000, 500, 50_000),
    "500k": (5_700, 2_650, 500_000),
    "5M": (32_000, 14_000, 5_000_000),
    "32M": (200_948, 87_585, 32_000_000),
}
LIMIT = 9 * 2**30  # bytes
SHOWN = {
    "read": BLUE,
    "features": ORANGE,
    "factors": GREEN,
    "ranker": PINK,
    "save": "black",
}
REFERENCES = {"read": "read_csv", "features": "pandas", "features-text": "pandas-text"}
TABLE = "| {:13} | {:>10} | {:>8} | {:>8} | {:>11} | {:>9} | {} |"


def write(table, folder):
    """Write ratings.csv and movies.csv as GroupLens ships them: sorted by user and movie."""
    folder.mkdir(exist_ok=True)
    ratings = table[["user_id", "movie_id", "rating", "timestamp"]].sort_values(
        ["user_id", "movie_id"]
    )
    ratings.to_csv(
        folder / "ratings.csv",
        index=False,
        header=["userId", "movieId", "rating", "timestamp"],
    )
    movies = (
        table[["movie_id", "movie_year", "genre"]]
        .drop_duplicates("movie_id")
        .sort_values("movie_id")
    )
    titles = [
        f"Movie {movie} ({year})"
        for movie, year in zip(movies["movie_id"], movies["movie_year"])
    ]
    movies = pd.DataFrame(
        {"movieId": movies["movie_id"], "title": titles, "genres": movies["genre"]}
    )
    movies.to_csv(folder / "movies.csv", index=False)


def pandas_features(table):
    made = {}
    for name in ("user_id", "movie_id"):
        groups = table.groupby(name)["rating"]
        made[f"{name}_avg"] = table[name].map(groups.mean())
        made[f"{name}_count"] = table[name].map(groups.size())
    codes = {
        name: table[name].astype("category").cat.codes
        for name in ("genre", "user_country")
    }
    return pd.DataFrame(made | codes)


def fit_ranker(recommender):
    print(
        f"A ranker of {recommender.ranker.movies_.size} movies", file=sys.stderr
    )  # fitted when asked for
    return recommender


def recommend(recommender):
    for user in recommender.ranker.users_[:10]:
        recommender.recommend(int(user))


def steps(folder, size):
    """Return {name: (the file it is given, the work that is timed, the file that keeps what it returns)}."""
    dataset, release = (
        lesson.MovieRecommendationDataset(*SIZES[size]),
        folder / "release",
    )
    artifact = folder / "artifact.pkl"
    return {
        "generate": (None, dataset.generate, "table"),
        "write": ("table", lambda table: write(table, release), None),
        "read": (None, lambda: lesson.load_movielens(release), None),
        "read_csv": (None, lambda: pd.read_csv(release / "ratings.csv"), None),
        "features": ("table", lesson.UserMovieFeatureTransformer().fit_transform, None),
        "pandas": ("table", pandas_features, None),
        "features-text": (
            "table",
            lesson.UserMovieFeatureTransformer().fit_transform,
            None,
        ),
        "pandas-text": ("table", pandas_features, None),
        "factors": ("table", lesson.MatrixFactorization().fit, None),
        "train": (
            "table",
            lesson.SklearnEcosystemPipeline(model="factors").fit,
            "trained",
        ),
        "ranker": ("trained", fit_ranker, "ranked"),
        "lists": (
            "ranked",
            lambda made: made.ranker.recommend(made.ranker.users_[:1000], n=10),
            None,
        ),
        "save": ("ranked", lambda made: made.save_pipeline(artifact), None),
        "load": (
            None,
            lambda: lesson.SklearnEcosystemPipeline.load_pipeline(artifact),
            None,
        ),
        "recommend": ("artifact.pkl", recommend, None),
    }


STEPS = list(steps(Path(), "50k"))


def do(name, size, folder):
    """Do one step in this process, within the limit; return its figures, or why it failed."""
    from peers import peak_memory

    if importlib.util.find_spec("resource"):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    given, work, kept = steps(folder, size)[name]
    if given and not (folder / given).exists():
        return {"failed": f"there is no {given}: a step above failed, or was left out"}
    try:
        arguments = [joblib.load(folder / given)] if given else []
        if name.endswith("-text"):
            arguments = [
                table.astype({"genre": str, "user_country": str}) for table in arguments
            ]
        cpu, wall = time.process_time(), time.perf_counter()
        made = work(*arguments)
        figures = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        figures["peak"] = peak_memory() * 1e6 / 2**30
        if kept == "table":  # strings that repeat are small as categories
            made = made.astype({"genre": "category", "user_country": "category"})
        if kept:
            joblib.dump(made, folder / kept)
    except (MemoryError, FileNotFoundError) as error:
        return {"failed": f"{type(error).__name__}: {error}"}
    if name == "save":
        figures["note"] = (
            f"{(folder / 'artifact.pkl').stat().st_size / SIZES[size][2]:.1f} bytes per rating"
        )
    return figures


def child(name, size, folder):
    """Do one step in a process of its own; return its figures, or why it failed."""
    command = [sys.executable, __file__, "--folder", str(folder), "--step", name, size]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:  # a negative status is the signal that ended it, such as -9 or -11 where memory ran out
        last = run.stderr.strip().splitlines()[-1:] or ["no message"]
        return {"failed": f"exit status {run.returncode}: {last[0]}"}
    return json.loads(run.stdout.splitlines()[-1])


def show(name, size, figures):
    told = [
        f"{SIZES[size][2]:,}",
        "",
        "",
        "",
        "",
        figures.get("failed", figures.get("note", "")),
    ]
    if "cpu" in figures:
        per_million = figures["cpu"] / SIZES[size][2] * 1e6
        seconds = (
            f"{figures['wall']:.2f}",
            f"{figures['cpu']:.2f}",
            f"{per_million:.3f}",
        )
        told[1:5] = *seconds, f"{figures['peak']:.2f}"
    print(TABLE.format(name, *told), flush=True)


def show_growth(cpu):
    """Print slopes and ratios, and draw the picture, from CPU seconds: steps (rows) by ratings (columns)."""
    slopes = {}
    print(
        "\nFrom 500 thousand ratings on: slope of log(CPU), and time per million, largest / 500 thousand"
    )
    for name, seconds in cpu.iterrows():
        seconds = seconds[seconds.index >= 500_000].dropna()
        if len(seconds) > 1:
            slopes[name] = np.polyfit(np.log(seconds.index), np.log(seconds), 1)[0]
            per_million = seconds / seconds.index
            print(
                f"  {name:13} {slopes[name]:.2f}  {per_million.iloc[-1] / per_million.iloc[0]:.2f}"
            )
    for name, reference in REFERENCES.items():
        ratios = (cpu.loc[name] / cpu.loc[reference]).dropna()
        told = ", ".join(f"{ratio:.2f} ({n:,})" for n, ratio in ratios.items())
        print(f"CPU time, {name} / {reference} (ratings): {told}")
    figure, axes = new_picture("Time grows in proportion to the ratings", height=4.4)
    if figure is None:
        return
    for name, color in SHOWN.items():
        label = f"{name} (slope {slopes[name]:.2f})" if name in slopes else name
        axes.loglog(cpu.columns, cpu.loc[name], marker="o", color=color, label=label)
    line = cpu.loc[list(SHOWN)].min(axis=None) * cpu.columns / cpu.columns[0]
    axes.loglog(cpu.columns, line, "--", color=GREY, label="in proportion (slope 1)")
    axes.set(xlabel="ratings", ylabel="CPU time, seconds")
    axes.legend(fontsize=9)
    save_picture(figure, "scale.svg")


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
    folder, results = options.folder, options.folder / "results.json"
    if options.step:
        return print(json.dumps(do(*options.step, folder)))
    if sys.platform != "linux":
        print("This system enforces no limit of memory: only the peak is reported.")
    found = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}
    print(
        TABLE.format(
            "step", "ratings", "wall, s", "CPU, s", "per million", "peak, GiB", ""
        )
    )
    print("|---|---|---|---|---|---|---|")
    for size in options.sizes:
        (folder / size).mkdir(parents=True, exist_ok=True)
        of_size = found.setdefault(size, {})
        for name in options.steps:
            if "cpu" not in of_size.get(name, {}):
                of_size[name] = child(name, size, folder / size)
                results.write_text(json.dumps(found, indent=1), encoding="utf-8")
            show(name, size, of_size[name])
    cpu = {
        SIZES[size][2]: {name: one.get("cpu") for name, one in found[size].items()}
        for size in found
    }
    show_growth(pd.DataFrame(cpu, dtype=float).reindex(STEPS))


if __name__ == "__main__":
    main()
