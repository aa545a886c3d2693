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
# ## A new model takes over while requests come in
# `sha256=` accepts one digest only. `strict=True` refuses what would load with a
# warning.
# %%
table = MovieRecommendationDataset(300, 150, n_ratings=6000).generate()
folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)


def save(name, n_rows):
    """Save a model of the first rows of the table; return its path and its digest."""
    path = Path(folder.name, f"{name}.pkl")
    SklearnEcosystemPipeline(model="linear").fit(table[:n_rows]).save_pipeline(path)
    return path, SklearnEcosystemPipeline.load_pipeline(path).card["sha256"]


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
        return model.predict(table[:1]).round(6)[0], model.card["sha256"]


server = Server()
monday = save("monday", 4000)
server.replace(*monday)
answer_of_monday = server.answer()
tuesday = save("tuesday", 6000)
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
others = set(answers) - {answer_of_monday, answer_of_tuesday}
print(f"{len(answers)} requests in 4 threads, 6 swaps: no request failed")
print(f"Answers that are of neither model: {len(others)}")

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
# One bit of the first is wrong. The second was made with another version of
# scikit-learn. The third is a good model, but not the one with this digest.
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
for path, digest in (damaged, old, another):
    try:
        server.replace(path, digest)
    except ValueError as error:
        what_is_wrong = str(error).partition(path.name)[2].partition(":")[0]
        print(f"Refused: {path.name}{what_is_wrong}")
print(f"The model before them still answers: {server.answer() == before}")
folder.cleanup()


# %% [markdown]
# ## Who gets which model?
# In an *A/B test*, some users get model A and the others model B. A user must get the
# same model on every visit. A hash is a number that looks random but depends only on
# its input, so nothing has to be stored. Do not use Python's own `hash()`: for strings,
# it differs from process to process.
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
# **Try it:** in `answer`, use `self.model` twice, without the variable. How many
# answers are of neither model now?
#
# **Remember:** let a request read the model once; accept an artifact only by its
# digest, keep the old model if the new one is refused, and keep users with their model.
#
# Go on: "Model persistence" in scikit-learn's user guide, then
# `pillars/8_experiment.py`. Exercise: `exercises/8_deploy.py`.
