"""One object in several threads: what one of them sees is one training, not two."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
from forked import FORKS, QUIET, forked

import lesson_code
from lesson_code import SklearnEcosystemPipeline
from recommender import recommend
from recommender.locks import ProcessLock

load = SklearnEcosystemPipeline.load_pipeline


@contextmanager
def busy(work):
    """Let another thread do a piece of work over and over."""
    is_done = threading.Event()

    def repeat():
        while not is_done.is_set():
            work()

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(repeat)
        try:
            yield
        finally:
            is_done.set()
        working.result()


def answers_of_one_training(loaded, trainings, rows):
    """Whether a loaded object predicts and recommends as one of the trained ones."""
    return any(
        np.array_equal(loaded.predict(rows), trained.predict(rows))
        and loaded.recommend(1).equals(trained.recommend(1))
        for trained in trainings
    )


def test_what_is_saved_while_another_thread_trains_is_one_of_the_trainings(
    linear, table, tmp_path
):
    """Six of sixty such files once could never be loaded."""
    parts = [table[:500], table[500:1000]]
    trainings = [SklearnEcosystemPipeline(model="linear").fit(rows) for rows in parts]
    linear.fit(parts[0])
    with busy(lambda: [linear.fit(rows) for rows in parts]):
        paths = [linear.save_pipeline(tmp_path / f"{n}.pkl") for n in range(8)]
    for path in paths:
        assert answers_of_one_training(load(path, strict=True), trainings, table)


def trains_before(monkeypatch, place, name, linear, rows):
    """Let another training of `linear` end just before a function is called."""
    function = getattr(place, name)
    calls = []

    def train_first(*args, **kwargs):
        if not calls:
            calls.append(name)
            linear.fit(rows)
        return function(*args, **kwargs)

    monkeypatch.setattr(place, name, train_first)
    return calls


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (recommend, "fit_ranker"),
        (lesson_code, "model_card"),
        (lesson_code.artifact, "save"),
    ],
    ids=["the ranker", "the card", "the file"],
)
def test_a_training_between_two_parts_of_a_save_changes_neither(
    linear, trained, table, tmp_path, monkeypatch, place, name
):
    calls = trains_before(monkeypatch, place, name, linear, table[400:])
    path = linear.save_pipeline(tmp_path / "model.pkl")
    assert calls == [name]
    before = trained("linear")
    assert answers_of_one_training(load(path, strict=True), [before], table)
    # the object itself is that of the later training, with a ranker of its own
    after = SklearnEcosystemPipeline(model="linear").fit(table[400:])
    assert answers_of_one_training(linear, [after], table)


@pytest.mark.parametrize(
    ("method", "place", "name"),
    [
        ("evaluate", lesson_code, "rating_metrics"),
        ("evaluate_ranking", recommend, "score_recommendations"),
    ],
)
def test_scores_of_a_training_before_are_not_kept_with_a_later_one(
    linear, table, monkeypatch, method, place, name
):
    expected = getattr(linear, method)(table[1600:])
    assert linear.test_scores_ or linear.ranking_scores_
    calls = trains_before(monkeypatch, place, name, linear, table[400:1600])
    found = getattr(linear, method)(table[1600:])
    assert calls == [name]
    assert str(found) == str(expected)  # of the training that it began with
    assert linear.test_scores_ is linear.ranking_scores_ is None


def test_a_recommendation_is_that_of_one_training(linear, table, monkeypatch):
    expected = linear.recommend(1)
    calls = trains_before(
        monkeypatch, recommend, "predict_for_user", linear, table[400:]
    )
    assert linear.recommend(1).equals(expected)
    assert calls == ["predict_for_user"]


def test_a_ranker_that_was_fitted_during_a_training_is_not_kept(
    linear, table, monkeypatch
):
    trains_before(monkeypatch, recommend, "fit_ranker", linear, table[400:])
    old = linear.ranker_
    assert old.history_ is not linear.history_
    assert linear.ranker_.history_ is linear.history_
    assert linear.ranker_ is linear.ranker_


def test_readers_never_see_a_part_of_a_training(linear, table):
    """Rows, columns, ranker and scores change together."""

    def look():
        state = vars(linear._snapshot())
        seen.append(
            (
                state["history_"].codes.nnz,
                len(state["feature_names_in_"]),
                state["n_features_in_"],
                len(state["signature_"]),
                state["pipeline_"].n_features_in_,
            )
        )

    parts = [table[:900], table[900:1900].drop(columns="genre")]
    seen = []
    for rows in parts:
        linear.fit(rows)
        look()
    whole = set(seen)
    assert len({state[0] for state in whole}) == 2
    with busy(look):
        for rows in 5 * parts:
            linear.fit(rows)
    assert set(seen) == whole


@FORKS
@QUIET
def test_a_lock_that_another_thread_holds_is_free_in_a_forked_child():
    lock = ProcessLock()
    is_held = threading.Event()
    may_go = threading.Event()

    def hold():
        with lock:
            is_held.set()
            may_go.wait()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(hold)
        is_held.wait()
        try:
            assert forked(lambda: lock._lock.acquire(timeout=5))
        finally:
            may_go.set()
