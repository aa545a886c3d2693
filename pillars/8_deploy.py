# %% [markdown]
# # 8 Deploy: how do you replace a model while it answers?
#
# **You know**: a pipeline learns by `fit`, and answers by `predict`. **You will see**:
# how it is saved, so that another program can load it; a model that is replaced while
# threads ask it; and how to give each user one model. **Minutes**: 20.
#
# In the full project, `serving/` does the same over HTTP.

# %%
import hashlib
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import joblib
import numpy as np
import sklearn
from drawing import new_picture, save_picture
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline

# %% [markdown]
# ## Two models, two artifacts
# A model is saved as one file, the *artifact*. Another program must be able to predict
# from it, so it needs all steps of the pipeline, not only the last one. With
# scikit-learn alone, you write `joblib.dump(pipeline, "model.pkl")`, and in the other
# program `joblib.load("model.pkl")`.
#
# The course's own `SklearnEcosystemPipeline` has `save_pipeline` and `load_pipeline`.
# They do the same, and add a *card* with facts about the model. One of these facts is a
# *digest*: a fingerprint of the content, which changes if one bit of it changes.
#
# On Monday a model is trained on 4000 ratings, on Tuesday on 6000. We load both, and
# ask them for the same user and the same movie.

# %%
table = MovieRecommendationDataset(300, 150, n_ratings=6000).generate()
question = table[:1]
folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)


def save(name, n_rows):
    """Save a model of the first rows of the table; return its path and its digest."""
    path = Path(folder.name, f"{name}.pkl")
    SklearnEcosystemPipeline(model="linear").fit(table[:n_rows]).save_pipeline(path)
    return path, SklearnEcosystemPipeline.load_pipeline(path).card["sha256"]


monday = save("monday", 4000)
tuesday = save("tuesday", 6000)
user, movie = question[["user_id", "title"]].iloc[0]
print(f"How many stars will user {user} give to {movie}?")
for path, digest in (monday, tuesday):
    stars = SklearnEcosystemPipeline.load_pipeline(path).predict(question)[0]
    print(f"  {path.name:12} {stars:.3f}   digest {digest[:16]}...")

# %% [markdown]
# The answers differ a little, and the digests differ from the first digits on. So if a
# digest comes with an answer, everybody can see which model made the answer.
#
# ## One bit is wrong
# A disk or a network may damage a file. We save a third model, of some two million
# bits, and turn a single one of them, drawn at random: 0 becomes 1, or 1 becomes 0. We
# load the file in two ways. `joblib.load` is the usual one. `load_pipeline` checks the
# digest before it loads any object. Then we repair the file, and turn another bit: 100
# times.
#
# (Loading such a file can run any code that its author put into it: load only files
# that you trust. A digest in the file does not change that; one that you got from a
# trusted place does.)
#
# **Guess first:** how often does `joblib.load` notice, and raise an error?
#
# - hardly ever
# - about half of the time
# - nearly always


# %%
def turn_one_bit(content, rng):
    """Return the content of a file with one bit turned, drawn at random."""
    bits = np.unpackbits(np.frombuffer(content, dtype=np.uint8))  # an array of 0 and 1
    place = rng.integers(len(bits))
    bits[place] = 1 - bits[place]
    return np.packbits(bits).tobytes()


def load_damaged(path):
    """Return what comes of loading a file, and predicting, by joblib alone."""
    try:
        answers = joblib.load(path).predict(table)
    except Exception:
        return "error"
    if np.array_equal(answers, good_answers):
        return "a model with the same answers"
    return "a model with other answers"


damaged = save("damaged", 5000)
path, _ = damaged
content = path.read_bytes()
good_answers = joblib.load(path).predict(table)
rng = np.random.default_rng(0)
outcomes = []
n_refused = 0
for _ in range(100):
    path.write_bytes(turn_one_bit(content, rng))
    outcomes.append(load_damaged(path))
    try:
        SklearnEcosystemPipeline.load_pipeline(path)
    except ValueError as error:
        n_refused += 1
        message = str(error).replace(folder.name, "...")

print("\n100 files with one wrong bit. joblib.load gives")
for outcome, count in Counter(outcomes).most_common():
    print(f"  {outcome}: {count}")
print(f"load_pipeline refuses: {n_refused}")
print(message)

# %% [markdown]
# **Hardly ever.** Nearly all damaged files load without a word. Most of these models
# still answer as before, because the bit is in a number that hardly matters, or that is
# not used. But some give other answers, and nobody can tell which. `load_pipeline`
# refuses all files.
#
# ## A new model takes over while requests come in
# A server holds one model and answers requests in several threads. It asks
# `load_pipeline` for two more checks: with `sha256=digest`, the artifact must be the
# one with this digest, and with `strict=True`, what would load with a warning is
# refused. There is no *lock*: no request waits while the model is replaced.
#
# **Guess first:** during 400 requests, we swap the models three times. How many answers
# fail, or have the rating of one model and the digest of the other?
#
# - a few at each swap
# - none
# - about one in ten


# %%
class Server:
    """Answer by the last artifact that was accepted."""

    def replace(self, path, sha256):
        """Load an artifact; if that fails, the old model stays."""
        self.model = SklearnEcosystemPipeline.load_pipeline(
            path, sha256=sha256, strict=True
        )

    def answer(self):
        """Return a predicted rating, and the digest of the model that made it."""
        model = self.model
        return model.predict(question).round(6)[0], model.card["sha256"]


server = Server()
server.replace(*tuesday)
answer_of_tuesday = server.answer()
server.replace(*monday)
answer_of_monday = server.answer()
swaps = {100: tuesday, 200: monday, 300: tuesday}


def request(number):
    """Answer; three of the requests first replace the model."""
    if number in swaps:
        server.replace(*swaps[number])
    return server.answer()


# Four threads answer at the same time: each takes the next request when it is free.
with ThreadPoolExecutor(4) as threads:
    answers = list(threads.map(request, range(400)))  # raises if a request fails
of_one_model = {answer_of_monday, answer_of_tuesday}
mixed = [answer for answer in answers if answer not in of_one_model]
print("\n400 requests in 4 threads, 3 swaps")
print(f"Requests answered: {len(answers)}")
print(f"Answers that are of neither model: {len(mixed)}")

# %% [markdown]
# **None.** One run does not prove that this never happens. But the first line of
# `answer` makes sure of it: it reads the model once. Another thread may replace the
# model before the next line, but the rating and the digest still come from the same
# one.
#
# The picture counts the answers by the two things that they are made of. How many come
# from Monday's model differs from run to run.

# %%
title = f"Three swaps, and {len(mixed)} of {len(answers)} answers mix the models"
figure, axes = new_picture(title, height=3.5)
if figure is not None:
    stars_of_monday, digest_of_monday = answer_of_monday
    counts = confusion_matrix(
        [stars != stars_of_monday for stars, _ in answers],
        [digest != digest_of_monday for _, digest in answers],
    )
    display = ConfusionMatrixDisplay(counts, display_labels=["Monday's", "Tuesday's"])
    display.plot(ax=axes, cmap="Blues", colorbar=False)
    axes.set(xlabel="the digest is", ylabel="the rating is")
    save_picture(figure, "8_deploy.svg")

# %% [markdown]
# ## Three artifacts are refused
# The first is the damaged file. The second was made with another version of
# scikit-learn. The third is a good model, but not the one with this digest.

# %%
# Inside this block, scikit-learn says that it is the version 1.5.2.
with mock.patch.object(sklearn, "__version__", "1.5.2"):
    old = save("old", 5000)

path_of_another, _ = save("another", 3000)
another = (path_of_another, monday[1])

before = server.answer()
print()
for path, digest in (damaged, old, another):
    try:
        server.replace(path, digest)
    except ValueError as error:
        # The start of the message, without the folder and what to do.
        reason = str(error).partition(path.name)[2].partition(":")[0]
        print(f"Refused: {path.name}{reason}")
print(f"The model before them still answers: {server.answer() == before}")
folder.cleanup()

# %% [markdown]
# Each is refused for its own reason, and nobody who asks the server notices: the old
# model still answers. It is replaced only after a new one has been loaded and checked.
#
# ## Who gets which model?
# In an *A/B test*, some users get model A and the others model B. A user must get the
# same model on every visit. A hash is a number that looks random but depends only on
# its input, so nothing has to be stored. Do not use Python's own `hash()`: for strings,
# it differs from process to process.
#
# **Guess first:** how many of the users with B have B in the next test, too?
#
# - all of them
# - about half
# - none of them


# %%
def gets_b(user, experiment):
    """Return True for about half of the users, always the same ones."""
    digest = hashlib.sha256(f"{experiment}:{user}".encode()).digest()  # 32 bytes
    return digest[0] < 128  # a byte is from 0 to 255: half of these are below 128


n_users = 20_000
is_b = np.array([gets_b(user, "first test") for user in range(n_users)])
next_b = np.array([gets_b(user, "next test") for user in range(n_users)])
print(f"\nShare of users with B: {is_b.mean():.3f}")
print(f"Of these, with B in the next test, too: {next_b[is_b].mean():.3f}")

# %% [markdown]
# **About half.** The next test has another name, so it divides the users anew.
# Otherwise the same users would try every new model, and what one test did to them
# would disturb the next.
#
# **Try it:** in `answer`, use `self.model` twice, without the variable. How many
# answers are of neither model now?
#
# **Remember:** let a request read the model once; accept an artifact only by its
# digest, keep the old model if the new one is refused, and keep users with their model.
#
# Go on in scikit-learn's user guide:
# [Model persistence](https://scikit-learn.org/stable/model_persistence.html), then with
# `pillars/8_experiment.py`.
#
# Exercises: `exercises/8_artifact.py` and `exercises/8_deploy.py`.
