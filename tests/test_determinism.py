"""The same seed gives the same bits in every process.

With more threads, sums may be taken in another order: then all stars agree but for the
last digits, and all lists are the same.
"""

import json
import multiprocessing
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from forked import FORKS, QUIET, forked
from repository import MODELS, ROOT

import lesson_code
from lesson_code import (
    MovieRanker,
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
)
from recommender import solutions

SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[1])
import test_determinism
if __name__ == "__main__":
    backend, n_jobs, folder = sys.argv[2:5]
    told = test_determinism.everything(backend, int(n_jobs), folder)
    print(json.dumps(told))
"""

#: Where it is run: the seed of hashes, the threads of NumPy and boosting, and how
#: joblib works.
PLACES = {
    "once": ("0", "1", "threading", 1),
    "another seed of hashes": ("1", "1", "threading", 1),
    "2 threads of OpenMP, BLAS and joblib": ("random", "2", "threading", 2),
    "joblib with 2 processes": ("1", "1", "loky", 2),
}


def everything(backend, n_jobs, folder):
    """What a seed decides, as JSON: stars and scores as floats, which JSON keeps to the
    last bit, and lists.
    """
    import joblib

    lesson_code.N_CANDIDATES = 3  # this process is not that of the tests
    dataset = MovieRecommendationDataset(50, 40, 800, random_state=3)
    table = dataset.generate()
    train, test = table[:640], table[640:]
    told = {
        "table": pd.util.hash_pandas_object(table).tolist()[::50],
        "floor": [dataset.best_rmse()],
    }
    with joblib.parallel_config(backend, n_jobs=n_jobs):
        for name in MODELS:
            recommender = SklearnEcosystemPipeline(model=name)
            recommender.train(train, perform_cv=name == "factors")
            path = recommender.save_pipeline(os.path.join(folder, name))
            with open(f"{path}.json", encoding="utf-8") as file:
                card = json.load(file)
            for changes in ("created", "sha256"):
                del card[changes]
            told[f"card of {name}"] = card
            told[f"stars of {name}"] = recommender.predict(table).tolist()
            told[f"list of {name}"] = recommender.recommend(5)["movie_id"].tolist()
        features = UserMovieFeatureTransformer().fit_transform(train)
        told["features"] = features.to_numpy().ravel().tolist()[::7]
        lists = MovieRanker().fit(train).recommend(np.unique(train["user_id"]))
        told["lists"] = lists["movie_id"].tolist()
        told["scores of lists"] = lists["score"].tolist()
        told["figures of lists"] = list(recommender.evaluate_ranking(test).values())
        search = SklearnEcosystemPipeline(model="linear")
        search.train(train, tune_hyperparameters=True)
        told["folds"] = search.cv_scores.tolist()
        told["search"] = [repr(search.best_params)]
    return told


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    found = {}
    for place, (hash_seed, threads, backend, n_jobs) in PLACES.items():
        environment = {
            "PYTHONHASHSEED": hash_seed,
            "OPENBLAS_NUM_THREADS": threads,
            "OMP_NUM_THREADS": threads,
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
            # threads that spin would take the core from each other
            "OMP_WAIT_POLICY": "passive",
        }
        where = [ROOT / "tests", backend, n_jobs, tmp_path_factory.mktemp("bits")]
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, *map(str, where)],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stderr
        found[place] = json.loads(done.stdout)
    return found


def test_the_same_seed_gives_the_same_bits_whatever_the_seed_of_hashes(told):
    first, second = told["once"], told["another seed of hashes"]
    assert [name for name in first if first[name] != second[name]] == []


@pytest.mark.parametrize("place", list(PLACES)[2:])
def test_threads_and_processes_change_no_list_and_no_star_beyond_the_last_digits(
    told, place
):
    first, second = told["once"], told[place]
    assert set(first) == set(second)
    for name, values in first.items():
        if name.startswith("card"):  # whose scores and example are stars
            assert second[name].keys() == values.keys()
        elif isinstance(values[0], float):
            atol = 1e-9 if "scores" in name else 1e-12
            np.testing.assert_allclose(
                second[name], values, rtol=0, atol=atol, err_msg=name
            )
        else:
            assert second[name] == values, name


@pytest.fixture(scope="module")
def orders(table):
    rng = np.random.RandomState(0)
    shuffled = [table.iloc[rng.permutation(len(table))] for _ in range(2)]
    return [*shuffled, table.sort_values("timestamp")]


def test_the_order_of_the_rows_changes_no_average_beyond_the_last_digits(table, orders):
    features = UserMovieFeatureTransformer().fit(table).transform(table)
    for order in orders:
        transformer = UserMovieFeatureTransformer().fit(order)
        # what a user last told of an age is by order of the rows, where it changes;
        # here it never does
        pd.testing.assert_frame_equal(
            transformer.transform(table), features, rtol=0, atol=1e-12
        )
        assert (np.diff(transformer.users_) > 0).all()


@pytest.mark.parametrize("solution", ["ExactByMovies", "ExactByUsers", "LowRank"])
def test_the_order_of_the_rows_changes_no_list_and_no_id(
    table, orders, monkeypatch, solution
):
    rows = [table, *orders]
    if solution == "LowRank":
        monkeypatch.setattr(solutions, "MAX_EXACT_BYTES", 1)
    elif solution == "ExactByUsers":
        rows = [order[order["user_id"] <= 20] for order in rows]
    rankers = [MovieRanker().fit(order) for order in rows]
    assert {type(ranker.solution_).__name__ for ranker in rankers} == {solution}
    lists = [ranker.recommend(ranker.users_) for ranker in rankers]
    for ranker, found in zip(rankers, lists):
        assert ranker.users_.tolist() == sorted(set(rows[0]["user_id"]))
        assert ranker.movies_.tolist() == sorted(set(rows[0]["movie_id"]))
        assert found["movie_id"].tolist() == lists[0]["movie_id"].tolist()
        if solution != "LowRank":
            np.testing.assert_allclose(found["score"], lists[0]["score"], atol=1e-8)


def quick(table, travelled):
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    stars = recommender.predict(table).tobytes(), travelled.predict(table).tobytes()
    return *stars, recommender.recommend(5)["movie_id"].tolist()


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
@QUIET
def test_however_a_process_is_started_it_gives_the_same_bits(table, method):
    travelled = SklearnEcosystemPipeline(model="linear").fit(table[:1000])
    with multiprocessing.get_context(method).Pool(1) as pool:
        # A process that cannot import it dies, and leaves the pool waiting.
        started = pool.apply_async(quick, (table, travelled))
        assert started.get(timeout=120) == quick(table, travelled)


@FORKS
@QUIET
def test_nothing_rests_on_the_global_random_numbers_and_nothing_changes_them(table):
    def seeded(seed):
        np.random.seed(seed)  # noqa: NPY002
        state = np.random.get_state()[1].tolist()  # noqa: NPY002
        recommender = SklearnEcosystemPipeline(model="forest").fit(table)
        MovieRecommendationDataset(n_users=20, n_movies=20, n_ratings=100).generate()
        assert np.random.get_state()[1].tolist() == state  # noqa: NPY002
        return recommender.predict(table).tobytes()

    assert forked(lambda: seeded(0)) == forked(lambda: seeded(1))
