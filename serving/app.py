"""A service for localhost, or behind a server that checks who asks: it has no log-in.

    pip install -r serving/requirements.txt
    ARTIFACT=production_pipeline.pkl uvicorn --factory serving.app:from_environment

It is set up by environment variables: ARTIFACT; for an A/B test ARTIFACT_B, SHARE_B
(0.5) and EXPERIMENT (a name); OUTCOMES, the file for what was watched or liked. More in
docs/deploy.md.
"""

import contextlib
import html
import json
import os
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Literal

import anyio.to_thread
import pandas as pd
from fastapi import FastAPI, HTTPException, Query, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from pydantic import BaseModel, Field, FiniteFloat, StrictInt, StrictStr

from recommender.commands import id_from_text
from recommender.table import check_same_kind, id_values

from .arms import Arms

PAGE = Path(__file__).with_name("page.html")
#: More requests than that wait: the work is done by the processor, not by waiting, so
#: more threads only take time from each other.
N_THREADS = 4

WholeNumber = Annotated[StrictInt, Field(ge=-(2**53), le=2**53)]  # JSON has no more
Text = Annotated[StrictStr, Field(max_length=200)]
Id = WholeNumber | Text
Ids = Annotated[list[Id], Field(max_length=100_000)]
Top = Annotated[int, Field(ge=1, le=1000)]


class Pair(BaseModel):
    """A user and a movie."""

    user_id: Id
    movie_id: Id


class Rated(BaseModel):
    """A movie that a user has rated."""

    movie_id: Id
    stars: FiniteFloat


class ToPredict(BaseModel):
    """Pairs whose ratings are asked for."""

    pairs: Annotated[list[Pair], Field(min_length=1, max_length=10_000)]


class ToRecommend(BaseModel):
    """Whom to recommend to: a user, new ratings, or both."""

    user_id: Id | None = None
    ratings: Annotated[list[Rated], Field(max_length=10_000)] | None = None
    n: Top = 10
    candidates: Ids | None = None
    exclude: Ids | None = None
    explain: bool = False
    visitor: Text = ""


class Outcome(BaseModel):
    """What a user has done with a recommendation."""

    movie_id: Id
    event: Literal["shown", "watched", "liked", "disliked"]
    user_id: Id | None = None
    visitor: Text = ""


def visitor_of(asked):
    """Return by what a request is assigned to an arm: the user, or the visitor."""
    return asked.visitor if asked.user_id is None else asked.user_id


@contextlib.contextmanager
def refused(*field):
    """Turn what a model refuses into an answer 422 that names the field."""
    try:
        yield
    except ValueError as error:
        problem = {"type": "value_error", "loc": field, "msg": str(error)}
        raise RequestValidationError([problem]) from error


def check_ids(known, ids, *field):
    """Refuse ids of another kind than those of the training."""
    if ids:
        with refused(*field):
            check_same_kind(known, id_values(ids, field[-1]))


def as_records(table):
    """Return a DataFrame as a list of dicts of plain Python values."""
    return json.loads(table.to_json(orient="records", force_ascii=False))


def create_app(arms, outcomes=None):
    """Return the service.

    Parameters
    ----------
    arms : Arms
        The models.
    outcomes : str, default=None
        The file that gets a line of JSON for each outcome; None: it is refused.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app):
        anyio.to_thread.current_default_thread_limiter().total_tokens = N_THREADS
        arms.watch()
        yield

    app = FastAPI(
        title="Movie recommender",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        responses={400: {"description": "The body is not in UTF-8."}},
    )

    given = add_metrics(app, arms)
    add_pages(app)
    add_answers(app, arms, given)
    add_state(app, arms)
    add_outcomes(app, arms, outcomes)
    return app


def add_metrics(app, arms):
    """Measure all requests; return the counter of the lists that each arm has given."""
    registry = CollectorRegistry()
    seconds = Histogram(
        "request_seconds", "Time to answer", ["route", "status"], registry=registry
    )
    given = Counter("recommended_total", "Lists", ["arm"], registry=registry)
    swaps = Gauge("swaps", "Artifacts replaced", ["arm"], registry=registry)
    bad = Gauge("artifacts_refused", "Since the start", ["arm"], registry=registry)
    for arm in arms.by_name.values():
        swaps.labels(arm.name).set_function(lambda arm=arm: arm.n_swaps)
        bad.labels(arm.name).set_function(lambda arm=arm: arm.n_refused)

    app.add_middleware(Measured, seconds=seconds)

    @app.get("/metrics", include_in_schema=False)
    async def metrics():
        return Response(generate_latest(registry), media_type="text/plain")

    return given


class Measured:
    """Measure how long each request takes, by route and status.

    It speaks ASGI, the protocol below FastAPI: `@app.middleware` would take 0.6 ms of
    CPU more for each request.
    """

    def __init__(self, app, seconds):
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope, receive, send):
        """Answer a request, or start and stop the service."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 500

        async def send_and_note(message):
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            labels = self.seconds.labels(route, status)
            labels.observe(time.perf_counter() - start)


def add_pages(app):
    """Add the page to try the service, and one that lists the routes."""

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    def page():
        return FileResponse(PAGE, media_type="text/html; charset=utf-8")

    @app.get("/docs", response_class=HTMLResponse, include_in_schema=False)
    def docs():
        rows = [
            f"<li><code>{method.upper()} {path}</code> {html.escape(what['summary'])}"
            for path, methods in app.openapi()["paths"].items()
            for method, what in methods.items()
        ]
        return (
            "<!doctype html><html lang=en><meta charset=utf-8><title>Routes</title>"
            f"<h1>Routes</h1><ul>{''.join(rows)}</ul>"
            "<p>Their parameters: <a href=/openapi.json>openapi.json</a></html>"
        )


def add_answers(app, arms, given):
    """Add the routes that answer from a model; `given` counts lists by arm."""

    @app.post("/predict")
    def predict(asked: ToPredict):
        """Predict ratings."""
        arm = arms.of(asked.pairs[0].user_id)
        recommender = arm.recommender
        history = recommender.history_
        users = [pair.user_id for pair in asked.pairs]
        movies = [pair.movie_id for pair in asked.pairs]
        check_ids(history.users, users, "body", "pairs", "user_id")
        check_ids(history.movies, movies, "body", "pairs", "movie_id")
        rows = pd.DataFrame({"user_id": users, "movie_id": movies})
        ratings = recommender.predict(rows).tolist()
        return {"arm": arm.name, "model": digest(recommender), "ratings": ratings}

    @app.post("/recommend")
    def recommend(asked: ToRecommend):
        """Recommend movies to a user, with reasons if asked for."""
        arm = arms.of(visitor_of(asked))
        recommender = arm.recommender
        movies = recommender.history_.movies
        if asked.user_id is not None:
            users = recommender.history_.users
            check_ids(users, [asked.user_id], "body", "user_id")
        for name in ("candidates", "exclude"):
            check_ids(movies, getattr(asked, name), "body", name)
        ratings = None
        if asked.ratings is not None:
            rated = [one.movie_id for one in asked.ratings]
            check_ids(movies, rated, "body", "ratings", "movie_id")
            ratings = {one.movie_id: one.stars for one in asked.ratings}
        with refused("body", "user_id" if ratings is None else "ratings"):
            best = recommender.recommend(
                asked.user_id,
                asked.n,
                ratings=ratings,
                candidates=asked.candidates,
                exclude=asked.exclude,
                explain=asked.explain,
            )
        given.labels(arm.name).inc()
        return {
            "arm": arm.name,
            "model": digest(recommender),
            "recommendations": as_records(best),
            "unknown_movies": best.attrs["unknown_movies"],
        }

    @app.get("/similar")
    def similar(movie_id: Text, n: Top = 10):
        """Return movies that the same users like."""
        recommender = arms.by_name["A"].recommender
        with refused("query", "movie_id"):
            movie = id_from_text(recommender.history_.movies, movie_id)
            return as_records(recommender.similar(movie, n))

    @app.get("/movies")
    def movies(q: Annotated[str, Query(max_length=200)] = "", n: Top = 20):
        """Search movies by title; those with most ratings first."""
        arm = arms.by_name["A"]
        words = q.casefold().split()
        found = []
        for movie, title in arm.movies:
            if all(word in title.casefold() for word in words):
                found.append({"movie_id": movie, "title": title})
            if len(found) == n:
                break
        low, high = arm.recommender.history_.scale()
        return {"movies": found, "stars": [low, high]}


def add_state(app, arms):
    """Add the routes that tell which models are served."""

    @app.get("/model")
    def model():
        """Return the model cards."""
        return {arm.name: arm.recommender.card for arm in arms.by_name.values()}

    @app.get("/health")
    async def health():  # async: it answers even while all threads are busy
        """Say which artifacts are served, and whether one was refused."""
        served = {
            arm.name: {"model": digest(arm.recommender), "refused": arm.refused}
            for arm in arms.by_name.values()
        }
        is_degraded = any(one["refused"] for one in served.values())
        return {"status": "degraded" if is_degraded else "ok", "arms": served}


def add_outcomes(app, arms, outcomes):
    """Add the route that writes down what users have done with recommendations."""
    lock = threading.Lock()

    @app.post("/outcome", status_code=204)
    def outcome(seen: Outcome):
        """Append what was shown, watched or liked to the file of outcomes."""
        if outcomes is None:
            raise HTTPException(503, "No file for outcomes: set OUTCOMES.")
        arm = arms.of(visitor_of(seen))
        line = {
            "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "arm": arm.name,
            "model": digest(arm.recommender),
            **seen.model_dump(),
        }
        text = json.dumps(line, ensure_ascii=False) + "\n"
        with lock, open(outcomes, "a", encoding="utf-8") as file:
            file.write(text)


def digest(recommender):
    """Return the beginning of an artifact's digest: which model has answered."""
    return recommender.card["sha256"][:12]


def from_environment():
    """Return the service that the environment variables describe."""
    arms = Arms(
        os.environ.get("ARTIFACT", "production_pipeline.pkl"),
        os.environ.get("ARTIFACT_B"),
        float(os.environ.get("SHARE_B", "0.5")),
        os.environ.get("EXPERIMENT", "experiment"),
    )
    return create_app(arms, os.environ.get("OUTCOMES"))
