# %% [markdown]
# # 8 Deploy: how do you replace a model while it answers?
#
# **You know**: a model is saved as one file, the *artifact*, and its *digest* changes
# if one bit of the file changes. **You will see**: a model that is replaced while
# threads ask it; three artifacts that are refused; how to give each user one model.
# **Minutes**: 10.
#
# In the full project, `serving/` does the same over HTTP.

# %%
import hashlib
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import numpy as np
import sklearn
from drawing import BLUE, ORANGE, new_picture, save_picture

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline

# %% [markdown]
# ## Two models, two artifacts
# On Monday a model is trained on 4000 ratings, on Tuesday on 6000. We ask both for the
# same user and the same movie.

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
# ## A new model takes over while requests come in
# A server holds one model and answers requests in several threads. `sha256=` accepts
# the artifact with this digest only, and `strict=True` refuses what would load with a
# warning.
#
# **Guess first:** we swap the models six times during 300 requests. How many answers
# are lost, or mixed from both models?
#
# - none
# - a few
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
        model = self.model  # read once: it may be replaced before the next line
        return model.predict(question).round(6)[0], model.card["sha256"]


server = Server()
server.replace(*monday)
answer_of_monday = server.answer()
server.replace(*tuesday)
answer_of_tuesday = server.answer()


def request(number):
    """Answer; every fiftieth request first replaces the model."""
    if number % 100 == 25:
        server.replace(*monday)
    if number % 100 == 75:
        server.replace(*tuesday)
    return server.answer()


with ThreadPoolExecutor(4) as threads:
    answers = list(threads.map(request, range(300)))  # raises if a request fails
of_one_model = {answer_of_monday, answer_of_tuesday}
mixed = [answer for answer in answers if answer not in of_one_model]
print("\n300 requests in 4 threads, 6 swaps")
print(f"Requests answered: {len(answers)}")
print(f"Answers that are of neither model: {len(mixed)}")

# %% [markdown]
# **None.** One run does not prove that this never happens. But the first line of
# `answer` makes sure of it: it reads the model once, so the rating and the digest come
# from the same model, whatever happens in between.
#
# Here are the answers. Requests 25, 75, 125 and so on load the other model. Loading
# takes some time, and meanwhile the other threads answer with the old model. So the
# colour changes later. The request that loads a model waits for it, and is answered by
# the new model: it is a lonely line before the change. (If a load takes longer than 50
# requests, the next one begins meanwhile, and a change may not be seen.)

# %%
title = "Six swaps: every answer is that of one model or of the other"
figure, axes = new_picture(title, height=3.0)
if figure is not None:
    ratings = np.array([rating for rating, _ in answers])
    names = {"Monday's model": answer_of_monday, "Tuesday's model": answer_of_tuesday}
    for (name, answer), color in zip(names.items(), (BLUE, ORANGE)):
        number = np.flatnonzero(ratings == answer[0])
        axes.plot(number, ratings[number], "|", markersize=14, color=color)
        axes.text(305, answer[0], f"  {name}", color=color, va="center")
    axes.set(xlabel="number of the request", ylabel="its answer, in stars")
    axes.margins(y=0.4)
    save_picture(figure, "8_deploy.svg")

# %% [markdown]
# ## Three artifacts are refused
# One bit of the first is wrong, out of more than a million. The second was made with
# another version of scikit-learn. The third is a good model, but not the one with this
# digest.

# %%
damaged = save("damaged", 5000)
content = bytearray(damaged[0].read_bytes())
content[1000] ^= 1
damaged[0].write_bytes(content)

with mock.patch.object(sklearn, "__version__", "1.5.2"):  # as if it were installed
    old = save("old", 5000)

path_of_another, _ = save("another", 3000)
another = (path_of_another, monday[1])

before = server.answer()
print(f"\nThe damaged file has {8 * len(content):,} bits")
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
    digest = hashlib.sha256(f"{experiment}:{user}".encode()).digest()
    return digest[0] < 128  # the first of 32 bytes, from 0 to 255


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
# Exercise: `exercises/8_deploy.py`.
