"""A service for localhost, or behind a server that checks who asks: it has no log-in.

    pip install -r serving/requirements.txt
    ARTIFACT=production_pipeline.pkl uvicorn --factory serving.app:from_environment

It is set up by environment variables: ARTIFACT; for an A/B test ARTIFACT_B, SHARE_B
(0.5) and EXPERIMENT (a name); OUTCOMES, the file for what was watched or liked. More in
docs/deploy.md.
"""

import asyncio
import contextlib
import json
import logging
import os
import threading
import time
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from fastapi import FastAPI, HTTPException, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from prometheus_client import Histogram, generate_latest
from pydantic import BaseModel, Field, FiniteFloat
from starlette.requests import ClientDisconnect

from recommender.commands import id_from_text
from recommender.files import check_file

from .arms import Arms

log = logging.getLogger("uvicorn.error")  # the log of the server
request_seconds = Histogram("request_seconds", "Time to answer", ["route", "status"])

HERE = Path(__file__).parent
#: So many requests are answered at a time: two are worked on while the next is parsed.
#: The processor is the limit, so more of them would only take time from each other.
N_AT_ONCE = 3
#: Larger bodies are refused.
MAX_BYTES = 1_000_000
#: What is answered when the client has gone.
NOBODY_LEFT = Response(status_code=499)
#: A refused request is answered by at most this many problems.
N_PROBLEMS = 10

Text = Annotated[str, Field(max_length=200)]
WholeNumber = Annotated[int, Field(ge=-(2**53), le=2**53)]  # JSON has no more
Id = WholeNumber | Text
# A list is refused at its first fault: to find them all would take seconds.
Ids = Annotated[list[Id], Field(max_length=100_000, fail_fast=True)]
AtMost10000 = Field(max_length=10_000, fail_fast=True)
Top = Annotated[int, Field(ge=1, le=1000)]


class Asked(BaseModel, extra="forbid", strict=True):
    """A part of a request: no field may be misspelt, and no "5" stands for 5."""


class Pair(Asked):
    """A user and a movie."""

    user_id: Id
    movie_id: Id


class Rated(Asked):
    """A movie that a user has rated."""

    movie_id: Id
    stars: FiniteFloat


class ToPredict(Asked):
    """Pairs whose ratings are asked for."""

    pairs: Annotated[list[Pair], AtMost10000, Field(min_length=1)]


class ToRecommend(Asked):
    """Whom to recommend to: a user, new ratings, or both."""

    user_id: Id | None = None
    ratings: Annotated[list[Rated], AtMost10000] | None = None
    n: Top = 10
    candidates: Ids | None = None
    exclude: Ids | None = None
    explain: bool = False
    visitor: Text = ""


class Outcome(Asked):
    """What a user has done with a recommendation."""

    movie_id: Id
    event: Literal["shown", "watched", "liked", "disliked"]
    user_id: Id | None = None
    visitor: Text = ""


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
        watching = asyncio.create_task(arms.watch())
        yield
        watching.cancel()

    app = FastAPI(
        title="Movie recommender",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        responses={
            400: {"description": "The body is no text in UTF-8, or nested too deeply."},
            413: {"description": "The body is too large, or has no Content-Length."},
        },
    )

    @app.exception_handler(RequestValidationError)
    async def explain(request, error):
        # The input is left out: NaN and half a character have no place in JSON.
        problems = [
            {name: problem[name] for name in ("type", "loc", "msg")}
            for problem in error.errors()[:N_PROBLEMS]
        ]
        # As ASCII: a message may hold half a character, which has no UTF-8.
        text = json.dumps({"detail": problems})
        return Response(text, 422, media_type="application/json")

    add_turns(app)
    add_answers(app, arms)
    add_state(app, arms)
    add_outcomes(app, arms, outcomes)
    return app


@contextlib.contextmanager
def refused(place):
    """Answer 422 with what a model refuses.

    A ValueError from anywhere else is a fault of this service: an answer 500.
    """
    try:
        yield
    except ValueError as error:
        raise RequestValidationError([as_problem(place, error)]) from error


def as_problem(place, message):
    """Return a problem of a request as FastAPI describes its own."""
    return {"type": "value_error", "loc": [place], "msg": str(message)}


async def read_or_refuse(request):
    """Read the body of a request; return a response if it is refused, or else None."""
    n_bytes = int(request.headers.get("content-length", 0))  # the server checks it
    if "transfer-encoding" in request.headers or n_bytes > MAX_BYTES:
        return Response(f"Expected a length of at most {MAX_BYTES} bytes.", 413)
    try:
        await request.body()
    except ClientDisconnect:
        return NOBODY_LEFT
    return None


def add_turns(app):
    """Measure requests, and let only a few in at a time.

    `/health` and `/metrics` need not wait.

    FastAPI parses requests one after another, in the thread that also answers
    `/health`. If 1,000 come at once, it would parse them all first. So they wait here,
    as soon as their body has come, until one of those before them is answered.
    """
    turns = asyncio.Semaphore(N_AT_ONCE)

    async def answer_in_turn(request, call_next):
        refusal = await read_or_refuse(request)
        if refusal is not None:
            return refusal
        if request.scope["path"] in ("/health", "/metrics"):
            return await call_next(request)
        async with turns:  # until the answer begins: a slow reader holds up nobody
            if await request.is_disconnected():
                return NOBODY_LEFT
            return await call_next(request)

    @app.middleware("http")
    async def in_turn(request, call_next):
        start = time.perf_counter()
        status = 500
        try:
            answer = await answer_in_turn(request, call_next)
            status = answer.status_code
            return answer
        finally:
            route = getattr(request.scope.get("route"), "path", "none")
            took = time.perf_counter() - start
            request_seconds.labels(route, status).observe(took)


def add_answers(app, arms):
    """Add the routes that answer from a model.

    They return a response rather than a dict, which FastAPI would copy first.
    """

    @app.post("/predict")
    def predict(asked: ToPredict):
        """Predict ratings."""
        arm = arms.of(asked.pairs[0].user_id)
        model = arm.recommender
        users = [pair.user_id for pair in asked.pairs]
        movies = [pair.movie_id for pair in asked.pairs]
        rows = pd.DataFrame({"user_id": users, "movie_id": movies})
        with refused("body"):
            ratings = model.predict(rows).tolist()
        return JSONResponse({**arm.name_and_digest(model), "ratings": ratings})

    @app.post("/recommend")
    def recommend(asked: ToRecommend):
        """Recommend movies to a user, with reasons if asked for."""
        arm = arms.of_visitor(asked)
        model = arm.recommender
        ratings = None
        if asked.ratings is not None:
            ratings = {rated.movie_id: rated.stars for rated in asked.ratings}
        with refused("body"):
            best = model.recommend(
                asked.user_id,
                asked.n,
                ratings=ratings,
                candidates=asked.candidates,
                exclude=asked.exclude,
                explain=asked.explain,
            )
        answer = {
            **arm.name_and_digest(model),
            "recommendations": best.to_dict("records"),
            "unknown_movies": best.attrs["unknown_movies"],
        }
        return JSONResponse(answer)

    @app.get("/similar")
    def similar(movie_id: Text, n: Top = 10):
        """Return movies that the same users like."""
        model = arms.by_name["A"].recommender
        with refused("query"):
            movie = id_from_text(model.history_.movies, movie_id)
            found = model.similar(movie, n)
        return JSONResponse(found.to_dict("records"))

    @app.get("/movies")
    def movies(q: Text = "", n: Top = 20):
        """Search movies by title; those with most ratings first."""
        arm = arms.by_name["A"]
        found = islice(arm.search(q), n)
        stars = arm.recommender.history_.scale()
        return JSONResponse({"movies": list(found), "stars": stars})


def add_state(app, arms):
    """Add the pages, and the routes that tell which models are served."""

    @app.get("/", include_in_schema=False)
    def page():
        return FileResponse(HERE / "page.html")

    @app.get("/docs", include_in_schema=False)
    def docs():
        return FileResponse(HERE / "docs.html")

    @app.get("/metrics", include_in_schema=False)
    async def metrics():
        return Response(generate_latest(), media_type="text/plain")

    @app.get("/model")
    def model():
        """Return the model cards."""
        return {arm.name: arm.recommender.card for arm in arms.by_name.values()}

    @app.get("/health")
    async def health():  # async: it waits for no thread
        """Say which artifacts are served, and whether one was refused."""
        served = {}
        for arm in arms.by_name.values():
            model = arm.name_and_digest(arm.recommender)["model"]
            served[arm.name] = {"model": model, "refused": arm.refused}
        is_degraded = any(arm.refused for arm in arms.by_name.values())
        return {"status": "degraded" if is_degraded else "ok", "arms": served}


def add_outcomes(app, arms, outcomes):
    """Add the route that writes down what users have done with recommendations."""
    lock = threading.Lock()

    @app.post("/outcome", status_code=204)
    def outcome(seen: Outcome):
        """Append what was shown, watched or liked to the file of outcomes."""
        if outcomes is None:
            raise HTTPException(503, "No file for outcomes: set OUTCOMES.")
        if seen.user_id is None and not seen.visitor:
            problem = "Pass user_id or visitor: whose outcome is it?"
            raise RequestValidationError([as_problem("body", problem)])
        arm = arms.of_visitor(seen)
        line = {
            "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            **arm.name_and_digest(arm.recommender),
            **seen.model_dump(),
        }
        # As ASCII: in other text, more than a newline may be read as the end of a line.
        try:
            with lock, open(outcomes, "a", encoding="ascii") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            log.error("outcomes: %s", error)
            raise HTTPException(503, "The outcome cannot be written.") from error


def from_environment():
    """Return the service that the environment variables describe."""
    arms = Arms(
        os.environ.get("ARTIFACT", "production_pipeline.pkl"),
        os.environ.get("ARTIFACT_B"),
        float(os.environ.get("SHARE_B", "0.5")),
        os.environ.get("EXPERIMENT", "experiment"),
    )
    outcomes = os.environ.get("OUTCOMES") or None
    if outcomes is not None:
        outcomes = check_file(outcomes)  # a mistyped name is told at the start
    return create_app(arms, outcomes)
