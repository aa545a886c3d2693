"""A service for localhost, or behind a server that checks who asks: it has no log-in.

    pip install -r serving/requirements.txt
    ARTIFACT=production_pipeline.pkl uvicorn --factory serving.app:from_environment

It is set up by environment variables: ARTIFACT; for an A/B test ARTIFACT_B, SHARE_B
(0.5) and EXPERIMENT (a name); OUTCOMES, the file for what was watched or liked. More in
docs/deploy.md.
"""

import contextlib
import json
import logging
import os
import threading
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import anyio.to_thread
import pandas as pd
from fastapi import FastAPI, HTTPException, Query, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from pydantic import BaseModel, Field, FiniteFloat

from recommender.commands import id_from_text
from recommender.files import check_file
from recommender.table import shorten

from .arms import Arms
from .turns import N_THREADS, InTurn

log = logging.getLogger("serving")

HERE = Path(__file__).parent
#: A refused request is answered by at most this many problems.
N_PROBLEMS = 10

Text = Annotated[str, Field(max_length=200)]
WholeNumber = Annotated[int, Field(ge=-(2**53), le=2**53)]  # JSON has no more
Id = WholeNumber | Text
Ids = Annotated[list[Id], Field(max_length=100_000)]
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

    pairs: Annotated[list[Pair], Field(min_length=1, max_length=10_000)]


class ToRecommend(Asked):
    """Whom to recommend to: a user, new ratings, or both."""

    user_id: Id | None = None
    ratings: Annotated[list[Rated], Field(max_length=10_000)] | None = None
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


@contextlib.contextmanager
def refused(*field):
    """Turn what a model refuses into an answer 422 that names the field."""
    try:
        yield
    except ValueError as error:
        problem = {"type": "value_error", "loc": field, "msg": str(error)}
        raise RequestValidationError([problem]) from error


def check_ids(known, ids, *field):
    """Refuse ids of another kind than those of the training: numbers, or strings.

    The models refuse them, too, but name an id of the training, which may be private.
    """
    kind = str if known.dtype == object else int
    for value in ids:
        if not isinstance(value, kind):
            expected = "strings" if kind is str else "whole numbers"
            with refused("body", *field):
                raise ValueError(f"Ids here are {expected}, got {shorten(value)}.")


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
        stop_watching = arms.watch()
        try:
            yield
        finally:
            stop_watching.set()

    app = FastAPI(
        title="Movie recommender",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        responses={
            400: {"description": "The body is no text in UTF-8, or nested too deeply."},
            413: {"description": "The body is too large."},
        },
    )

    @app.exception_handler(RequestValidationError)
    async def explain(request, error):
        # The input is left out: NaN and half a character have no place in JSON.
        problems = [
            {name: problem[name] for name in ("type", "loc", "msg")}
            for problem in error.errors()[:N_PROBLEMS]
        ]
        return Response(json.dumps({"detail": problems}), 422, None, "application/json")

    add_answers(app, arms)
    add_state(app, arms)
    add_outcomes(app, arms, outcomes)
    return app


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
        check_ids(model.history_.users, users, "pairs", "user_id")
        check_ids(model.history_.movies, movies, "pairs", "movie_id")
        with refused("body", "pairs"):
            rows = pd.DataFrame({"user_id": users, "movie_id": movies})
            ratings = model.predict(rows).tolist()
        return JSONResponse({**arm.name_and_digest(model), "ratings": ratings})

    @app.post("/recommend")
    def recommend(asked: ToRecommend):
        """Recommend movies to a user, with reasons if asked for."""
        arm = arms.of_visitor(asked)
        model = arm.recommender
        movies = model.history_.movies
        check_ids(movies, asked.candidates or [], "candidates")
        check_ids(movies, asked.exclude or [], "exclude")
        if asked.user_id is not None:
            check_ids(model.history_.users, [asked.user_id], "user_id")
        ratings = None
        if asked.ratings is not None:
            ratings = {rated.movie_id: rated.stars for rated in asked.ratings}
            check_ids(movies, ratings, "ratings", "movie_id")
        with refused("body", "user_id" if ratings is None else "ratings"):
            best = model.recommend(
                asked.user_id,
                asked.n,
                ratings=ratings,
                candidates=asked.candidates,
                exclude=asked.exclude,
                explain=asked.explain,
            )
        return JSONResponse(
            {
                **arm.name_and_digest(model),
                "recommendations": best.to_dict("records"),
                "unknown_movies": best.attrs["unknown_movies"],
            }
        )

    @app.get("/similar")
    def similar(movie_id: Text, n: Top = 10):
        """Return movies that the same users like."""
        model = arms.by_name["A"].recommender
        with refused("query", "movie_id"):
            movie = id_from_text(model.history_.movies, movie_id)
            return JSONResponse(model.similar(movie, n).to_dict("records"))

    @app.get("/movies")
    def movies(q: Annotated[str, Query(max_length=200)] = "", n: Top = 20):
        """Search movies by title; those with most ratings first."""
        arm = arms.by_name["A"]
        found = islice(arm.search(q), n)
        stars = arm.recommender.history_.scale()
        return JSONResponse({"movies": list(found), "stars": stars})


def add_state(app, arms):
    """Add the pages, and the routes that tell which models are served, and how fast."""
    registry = CollectorRegistry()
    app.add_middleware(InTurn, registry=registry)
    swaps = Gauge("swaps", "Artifacts replaced", ["arm"], registry=registry)
    bad = Gauge("artifacts_refused", "Since the start", ["arm"], registry=registry)

    @app.get("/", include_in_schema=False)
    def page():
        return FileResponse(HERE / "page.html")

    @app.get("/docs", include_in_schema=False)
    def docs():
        return FileResponse(HERE / "docs.html")

    @app.get("/metrics", include_in_schema=False)
    async def metrics():
        for arm in arms.by_name.values():
            swaps.labels(arm.name).set(arm.n_swaps)
            bad.labels(arm.name).set(arm.n_refused)
        return Response(generate_latest(registry), media_type="text/plain")

    @app.get("/model")
    def model():
        """Return the model cards."""
        return {arm.name: arm.recommender.card for arm in arms.by_name.values()}

    @app.get("/health")
    async def health():  # async: it answers even while all threads are busy
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
            with refused("body", "visitor"):
                raise ValueError("Pass user_id or visitor: whose outcome is it?")
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
