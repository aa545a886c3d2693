"""The models that are served: loaded strictly, replaced while requests are answered."""

import asyncio
import hashlib
import logging
import os
from pathlib import Path

from prometheus_client import Counter

from lesson_code import SklearnEcosystemPipeline

log = logging.getLogger("uvicorn.error")  # the log of the server
swaps = Counter("swaps", "Artifacts replaced", ["arm"])
refusals = Counter("artifacts_refused", "Artifacts that were not loaded", ["arm"])

#: How often a changed artifact is looked for.
SECONDS_BETWEEN_LOOKS = 0.25


class Arm:
    """One arm of an A/B test: a model, and the artifact that it comes from.

    Parameters
    ----------
    name : str
        "A" or "B".
    path : str
        The artifact. It must load strictly: with its own model card, and made by the
        installed version of scikit-learn.

    Attributes
    ----------
    recommender : SklearnEcosystemPipeline
        The model. A request takes it once, and uses it to the end: a swap while the
        request is answered changes nothing.
    movies : list of (movie id, title)
        All movies that it knows; those with most ratings first.
    refused : str or None
        Why the artifact that is there now was not loaded.
    """

    def __init__(self, name, path):
        self.name = name
        self.path = Path(path)
        self.refused = None
        self._n_swaps = swaps.labels(name)  # in `/metrics` from the start, as 0
        self._n_refused = refusals.labels(name)
        self._seen = self._mark()
        self._load()

    def look(self):
        """Load the artifact anew if it, or its card, was replaced.

        An artifact that is damaged, old or foreign is refused, and the model before it
        goes on answering.
        """
        mark = self._mark()
        if mark == self._seen:
            return
        self._seen = mark
        try:
            self._load()
        except Exception as error:  # whatever is wrong with it, the service goes on
            self.refused = f"{type(error).__name__}: {error}"
            self._n_refused.inc()
            log.warning("arm %s: refused %s", self.name, self.refused)
            return
        self.refused = None
        self._n_swaps.inc()
        log.info("arm %s: now %s", self.name, self.recommender.card["sha256"][:12])

    def name_and_digest(self, recommender):
        """Return which arm and which model answer, the beginning of its digest."""
        return {"arm": self.name, "model": recommender.card["sha256"][:12]}

    def search(self, words):
        """Yield the movies whose titles have all these words, popular ones first."""
        words = words.casefold().split()
        for movie, title in self.movies:
            if all(word in title.casefold() for word in words):
                yield {"movie_id": movie, "title": title}

    def _load(self):
        recommender = SklearnEcosystemPipeline.load_pipeline(self.path, strict=True)
        if not isinstance(recommender, SklearnEcosystemPipeline):
            raise ValueError(f"{self.path} holds no recommender.")
        history = recommender.history_
        popular_first = (-history.popularity()).argsort(kind="stable")
        titles = recommender.titles_
        self.movies = [
            (movie, titles.get(movie, f"Movie {movie}"))
            for movie in history.movies[popular_first].tolist()
        ]
        self.recommender = recommender

    def _mark(self):
        """Return what changes when the artifact or its card is replaced.

        Where the path is a link, its file counts, and the card beside that file.
        """
        path = os.path.realpath(self.path)
        marks = [path]
        for file in (path, f"{path}.json"):
            try:
                status = os.stat(file)
            except OSError:
                marks.append(None)
                continue
            marks.append((status.st_ino, status.st_mtime_ns, status.st_size))
        return marks


class Arms:
    """The arms of an experiment, and who gets which.

    Parameters
    ----------
    artifact : str
        The artifact of arm A.
    artifact_b : str, default=None
        That of arm B; None: everybody gets A.
    share_b : float, default=0.5
        The share of users who get B, from 0 to 1.
    experiment : str, default="experiment"
        Another name deals the users anew.
    """

    def __init__(self, artifact, artifact_b=None, share_b=0.5, experiment="experiment"):
        if not 0 <= share_b <= 1:
            raise ValueError(f"SHARE_B must be from 0 to 1, got {share_b}.")
        self.by_name = {"A": Arm("A", artifact)}
        if artifact_b is not None:
            self.by_name["B"] = Arm("B", artifact_b)
        self.share_b = share_b
        self.experiment = experiment

    def of(self, visitor):
        """Return the arm of a user: always the same one, on every machine.

        A hash is a number that looks random but depends only on its input. So nothing
        has to be stored, and a user who comes back sees the same model.
        """
        if "B" not in self.by_name:
            return self.by_name["A"]
        digest = hashlib.sha256(f"{self.experiment}:{visitor}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64  # from 0 to 1
        if place < self.share_b:
            return self.by_name["B"]
        return self.by_name["A"]

    def of_visitor(self, asked):
        """Return the arm of a request's user, or of its visitor, where no user is."""
        if asked.user_id is None:
            return self.of(asked.visitor)
        return self.of(asked.user_id)

    async def watch(self):
        """Look for changed artifacts until the task is cancelled.

        A load that has begun is finished first.
        """
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            for arm in self.by_name.values():
                await asyncio.to_thread(arm.look)
