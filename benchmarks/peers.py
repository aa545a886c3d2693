"""How good are other libraries on the same folds?

    python -m venv peers
    peers/bin/pip install -r requirements.txt -r benchmarks/peers.txt
    OMP_NUM_THREADS=1 peers/bin/python benchmarks/peers.py MOVIELENS

(On Windows, peers\\Scripts instead of peers/bin.) MOVIELENS is the folder or the zip
file of a release. A library that is missing is named and left out.

* Settings: ours are the lesson's. Those of the others are the best of a small grid
  (`peers_ratings.py`, `peers_rankings.py`), by RMSE or by NDCG@10, on a random fifth of
  the training rows of the first fold. (These contain test rows of the other folds, so
  the choice can be a little too good for the others, never for us.)
* Ratings: RMSE and MAE in stars, means of `KFold(5, shuffle=True, random_state=0)`. All
  predictions are kept to the scale of the training. What a library cannot predict, such
  as an unknown movie, is what it answers, or else the mean of the training. The
  libraries see ids and stars alone; myFM sees genres and years as well, as our models
  do, and with `day` the day of the rating.
* Recommendations: ten movies for every user with test rows, in the folds of three
  seeds: `random_state` 0, 1 and 2. The columns are explained in `lists.py`.
* Differences: fold by fold, the RMSE of a model minus that of ours, or its NDCG@10
  minus that of `MovieRanker`: mean ± standard error. Three seeds cut the same ratings
  anew, so the standard error of recommendations is that of five folds, not of fifteen.
  A difference below two standard errors may be luck.
* CPU: seconds of all threads for one fit with its predictions, mean.

With `--folder FOLDER`, the figures of a model are kept there, and a later run goes on
from it.
"""

import argparse
import contextlib
import importlib.util
import json
import re
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from lists import figures
from peers_rankings import RANKINGS
from peers_ratings import RATINGS
from sklearn.metrics import mean_absolute_error, root_mean_squared_error
from sklearn.model_selection import KFold, train_test_split

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import load_movielens

N_FOLDS = 5
SEEDS_OF_RANKINGS = [0, 1, 2]
OURS = ["blend (ours)", "factors (ours)"]
OUR_RANKER = "MovieRanker (ours)"


def folds_of(table, seed):
    """Return training rows and test rows of five folds."""
    folds = []
    for train, test in KFold(N_FOLDS, shuffle=True, random_state=seed).split(table):
        folds.append((table.iloc[train], table.iloc[test]))
    return folds


def score_ratings(predict, settings, train, test):
    """Return RMSE and MAE of predicted stars, and the CPU seconds they took."""
    started = time.process_time()
    stars = predict(train, test.drop(columns="rating"), **settings)
    seconds = time.process_time() - started
    stars = np.asarray(stars, dtype=float)
    stars = np.where(np.isnan(stars), train["rating"].mean(), stars)
    stars = stars.clip(train["rating"].min(), train["rating"].max())
    return {
        "RMSE": root_mean_squared_error(test["rating"], stars),
        "MAE": mean_absolute_error(test["rating"], stars),
        "CPU, s": seconds,
    }


def score_rankings(recommend, settings, train, test):
    """Return the figures of recommendations, and the CPU seconds they took."""
    is_known = test["user_id"].isin(train["user_id"])
    users = np.unique(test.loc[is_known, "user_id"])
    started = time.process_time()
    lists = recommend(train, users, **settings)
    seconds = time.process_time() - started
    return figures(lists, train, test) | {"CPU, s": seconds}


def measure(peer, score, goodness, folds):
    """Return the chosen settings of a peer, and its figures in every fold.

    `goodness` takes figures, and returns what is larger for better settings.
    """
    _, function, candidates = peer
    settings = candidates[0]
    if len(candidates) > 1:
        inner = train_test_split(folds[0][0], test_size=0.2, random_state=0)
        scores = [goodness(score(function, it, *inner)) for it in candidates]
        settings = candidates[int(np.argmax(scores))]
    rows = [score(function, settings, train, test) for train, test in folds]
    return {"settings": settings, "folds": rows}


def measure_all(peers, score, goodness, folds, options, folder):
    """Return what was measured of all peers that are installed, {name: measured}.

    What the folder keeps is not measured again.
    """
    results = {}
    for name, peer in peers.items():
        if not any(word in name for word in options.only):
            continue
        if peer[0] and importlib.util.find_spec(peer[0]) is None:
            print(f"{peer[0]} is not installed: {name} is left out.")
            continue
        kept = folder / (re.sub(r"\W+", "_", name) + ".json")
        if not kept.exists():
            with contextlib.redirect_stdout(sys.stderr):  # for bars of progress
                measured = measure(peer, score, goodness, folds)
            kept.write_text(json.dumps(measured), encoding="utf-8")
        results[name] = json.loads(kept.read_text(encoding="utf-8"))
        print(name, results[name]["settings"], file=sys.stderr, flush=True)
    return results


def difference(scores, reference, n_independent):
    """Return a mean difference and its standard error as text."""
    more = pd.Series(scores) - pd.Series(reference)
    return f"{more.mean():+.4f} ± {more.std() / np.sqrt(n_independent):.4f}"


def of_folds(measured, figure):
    """Return a figure in every fold."""
    return [row[figure] for row in measured["folds"]]


def report_ratings(results):
    """Print the errors of predicted ratings, the best first."""
    rows = {}
    for name, measured in results.items():
        rmse = of_folds(measured, "RMSE")
        row = pd.DataFrame(measured["folds"]).mean().to_dict()
        row["RMSE"] = f"{np.mean(rmse):.4f} ± {np.std(rmse):.4f}"
        for ours in OURS:
            if ours in results:
                our_rmse = of_folds(results[ours], "RMSE")
                row[f"to {ours[:-7]}"] = difference(rmse, our_rmse, N_FOLDS)
        rows[name] = row
    print("\nPredicted ratings")
    print_table(rows, "RMSE", ascending=True)


def report_rankings(results):
    """Print the figures of recommendations, the best first."""
    rows = {}
    for name, measured in results.items():
        ndcg = of_folds(measured, "NDCG@10")
        row = {"NDCG@10": 0.0, "to MovieRanker": ""}
        row |= pd.DataFrame(measured["folds"]).mean().to_dict()
        if OUR_RANKER in results:
            our_ndcg = of_folds(results[OUR_RANKER], "NDCG@10")
            row["to MovieRanker"] = difference(ndcg, our_ndcg, N_FOLDS)
        row["movies"] = f"{row['movies']:.0f}"
        row["coverage"] = f"{row['coverage']:.1%}"
        row["popularity"] = f"{row['popularity']:.1%}"
        row["novelty"] = f"{row['novelty']:.2f}"
        rows[name] = row
    print("\nTen recommended movies")
    print_table(rows, "NDCG@10", ascending=False)


def print_table(rows, by, ascending):
    """Print rows, {name: {column: value}}, in the order of a column."""
    table = pd.DataFrame(list(rows.values()), index=list(rows))
    table = table.sort_values(by, ascending=ascending)
    seconds = table.pop("CPU, s")
    table["CPU, s"] = seconds.map("{:.1f}".format)
    print(table.to_string(float_format="{:.4f}".format), flush=True)


def main():
    parser = argparse.ArgumentParser(description="Compare with other libraries.")
    parser.add_argument("data", help="a MovieLens release, folder or zip file")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[""],
        metavar="WORD",
        help="models whose name contains one of the words",
    )
    parser.add_argument("--folder", help="keeps what is done; a later run goes on")
    options = parser.parse_args()
    warnings.simplefilter("ignore")

    table = load_movielens(options.data)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.folder or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        ratings = measure_all(
            RATINGS,
            score_ratings,
            lambda row: -row["RMSE"],
            folds_of(table, 0),
            options,
            folder,
        )
        folds_of_seeds = []
        for seed in SEEDS_OF_RANKINGS:
            folds_of_seeds += folds_of(table, seed)
        rankings = measure_all(
            RANKINGS,
            score_rankings,
            lambda row: row["NDCG@10"],
            folds_of_seeds,
            options,
            folder,
        )

    if ratings:
        report_ratings(ratings)
    if rankings:
        report_rankings(rankings)
    print("\nSettings that were chosen")
    for name, measured in (ratings | rankings).items():
        if not name.endswith("(ours)"):
            print(f"  {name}: {json.dumps(measured['settings'])}")


if __name__ == "__main__":
    main()
