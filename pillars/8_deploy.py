# %% [markdown]
# # 8 Deploy: how many visits does it take to see which model is better?
#
# **You know**: a model is saved as one file, the *artifact*, and its *digest* changes
# if one bit of the file changes. **You will see**: a model that is replaced while it
# answers; an A/B test whose truth we know; what happens to a test if you look at it
# every day; how drift shows. **Minutes**: 20.
#
# In an *A/B test*, half of the users get model A, half get model B, and we compare what
# they do. On a real site nobody knows the true difference. Here the law gives it.

# %%
import hashlib
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import sklearn
from drawing import BLUE, ORANGE, new_picture, save_picture
from visitors import chance_of_success, first_movies

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline

# %% [markdown]
# ## A new model takes over while requests come in
# `sha256=` accepts one digest only. `strict=True` refuses what would load with a
# warning. (In the full project, `serving/` does the same over HTTP.)
# %%
table = MovieRecommendationDataset(300, 150, n_ratings=6000).generate()
# This folder is removed when Python ends.
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
releases = [save("monday", 4000), save("tuesday", 6000)]
expected = set()
for release in releases:
    server.replace(*release)
    expected.add(server.answer())


def request(number):
    """Answer; every fiftieth request first brings the other model."""
    if number % 50 == 25:
        server.replace(*releases[number // 50 % 2])
    return server.answer()


with ThreadPoolExecutor(4) as threads:
    answers = list(threads.map(request, range(300)))  # raises if a request fails
print(f"{len(answers)} requests in 4 threads, 6 swaps: no request failed")
print(f"Answers that are of neither model: {len(set(answers) - expected)}")

damaged = save("damaged", 5000)
content = bytearray(damaged[0].read_bytes())
content[1000] ^= 1  # one bit is wrong
damaged[0].write_bytes(content)
with mock.patch.object(sklearn, "__version__", "1.5.2"):  # as if it were installed
    old = save("old", 5000)
foreign = (save("foreign", 3000)[0], releases[0][1])  # the digest of another file
before = server.answer()
for path, digest in (damaged, old, foreign):
    try:
        server.replace(path, digest)
    except ValueError as error:
        print("Refused:", str(error).partition(path.name)[2].partition(":")[0])
print(f"The model before them still answers: {server.answer() == before}")


# %% [markdown]
# ## Who gets which model?
# Users must see the same model on every visit. A hash is a number that looks random but
# depends only on its input, so nothing has to be stored. Do not use Python's own
# `hash()`: for strings, it differs from process to process.
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
# ## An A/B test with known truth
# A shows the most popular movie that the user has not rated. B shows the movie that
# best fits the user's ratings. Visitors watch what is shown, or choose for themselves,
# by their true taste (`visitors.py`). The visit is a *success* if they like what they
# watch. Each user comes once, so the visits are independent.
# %%
dataset = MovieRecommendationDataset(n_users, 500, n_ratings=20 * n_users)
rated = dataset.generate()
chance_a = chance_of_success(dataset, rated, first_movies(rated, "popularity"))
chance_b = chance_of_success(dataset, rated, first_movies(rated, "taste"))
truth = np.mean(chance_b - chance_a)
print(f"\nTruth: A {chance_a.mean():.3f}, B {chance_b.mean():.3f}, B - A {truth:.3f}")
# (It depends on how we made the visitors: they watch by taste, which helps B.)


def compare(success, is_b):
    """Return B - A, and half of its 95 % interval: 1.96 standard errors."""
    a = success[~is_b]
    b = success[is_b]
    error = np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    return b.mean() - a.mean(), 1.96 * error


rng = np.random.default_rng(0)
success = rng.random(n_users) < np.where(is_b, chance_b, chance_a)
for n in (1000, 2000, 5000, 10_000, 20_000):
    difference, half = compare(success[:n], is_b[:n])
    print(f"{n:7} visits: B - A = {difference:.3f} ± {half:.3f}")

# %% [markdown]
# **How many visits?** Choose the smallest difference that matters to you; here we take
# the truth. With 5 % of false alarms, a test finds it in 80 % of all cases (its
# *power*) if each model gets (1.96 + 0.84)² · 2p(1 - p) / difference² visits, where p
# is the share of successes. (80 % of a normal distribution lie below 0.84.) Half the
# difference takes four times the visits.
# %%
p = (chance_a.mean() + chance_b.mean()) / 2
of_each_model = (1.96 + 0.84) ** 2 * 2 * p * (1 - p) / truth**2
needed = 100 * round(2 * of_each_model / 100)
print(f"\nBoth models together need {needed} visits. Share of tests that find B, with")
for n in (1000, needed):
    a = rng.binomial(n // 2, chance_a.mean(), 10_000) / (n // 2)  # of 10,000 tests
    b = rng.binomial(n // 2, chance_b.mean(), 10_000) / (n // 2)
    error = np.sqrt((a * (1 - a) + b * (1 - b)) / (n // 2))
    print(f"{n:7} visits: {np.mean(b - a > 1.96 * error):.0%}")

# %%
title = f"1000 visits seldom show which model is better; {needed} usually do"
figure, axes = new_picture(title, height=4.2)
if figure is not None:
    sizes = np.geomspace(100, n_users, 47).astype(int)
    results = np.array([compare(success[:n], is_b[:n]) for n in sizes])
    low = results[:, 0] - results[:, 1]
    high = results[:, 0] + results[:, 1]
    axes.fill_between(sizes, low, high, color=BLUE, alpha=0.25)
    axes.plot(sizes, results[:, 0], color=BLUE)
    axes.axhline(truth, color=ORANGE, linestyle="--")
    axes.axhline(0, color="black", linewidth=1)
    axes.text(20_000, 0.065, "the truth", color=ORANGE, ha="right")
    axes.text(20_000, -0.14, "measured, with 95 % interval", color=BLUE, ha="right")
    axes.set(xscale="log", xlabel="visits", ylabel="B - A (share of successes)")
    ticks = [100, 1000, needed, 20_000]
    axes.set(xticks=ticks, xticklabels=ticks)
    axes.minorticks_off()
    save_picture(figure, "8_deploy.svg")

# %% [markdown]
# ## Looking every day
# Now both models are the same, and every "significant" difference is a false alarm. A
# test takes 28 days. Significant means p < 0.05: more than 1.96 standard errors.
# %%
n_tests = 10_000
visits = 100 * np.arange(1, 29)  # of each model, up to each day
daily = rng.binomial(100, p, (2, n_tests, 28))  # successes of 100 visits
rate_a, rate_b = daily.cumsum(axis=2) / visits  # (n_tests, 28) each
distance = np.abs(rate_b - rate_a) / np.sqrt(2 * p * (1 - p) / visits)
wrong = {
    "once, at the end": distance[:, -1] > 1.96,
    "every day, and stop at p < 0.05": distance.max(axis=1) > 1.96,
}
print("\nTwo equal models: how often is one called better (± standard error)? We look")
for rule, is_wrong in wrong.items():
    print(f"  {rule}: {is_wrong.mean():.3f} ± {is_wrong.std() / n_tests**0.5:.3f}")


# %% [markdown]
# ## Tastes change
# With `drift=1`, a user's tastes at the end of two years have nothing in common with
# those at the beginning. One model is trained on the first third of the ratings, and
# serves the others, about seven weeks (10,000 ratings) at a time.
# %%
def serve(drift):
    """Return figures by weeks, and the last squared errors by training rows."""
    dataset = MovieRecommendationDataset(n_ratings=150_000, drift=drift)
    table = dataset.generate().sort_values("timestamp", ignore_index=True)
    known = table[:50_000]
    served = SklearnEcosystemPipeline(model="factors").fit(known)
    popular = first_movies(known, "popularity")
    fitting = first_movies(known, "taste")
    rows = []
    for start in range(50_000, 150_000, 10_000):
        period = table[start : start + 10_000]
        squares = (served.predict(period) - period["rating"]) ** 2
        rmse = np.sqrt(squares.mean())
        now = period["timestamp"].median()
        a = chance_of_success(dataset, known, popular, now).mean()
        b = chance_of_success(dataset, known, fitting, now).mean()
        rows.append([rmse, squares.sem() / (2 * rmse), b - a])

    last = {"the first 50,000": squares}
    for name, first in {"the last 50,000": 90_000, "all before": 0}.items():
        again = SklearnEcosystemPipeline(model="factors").fit(table[first:140_000])
        last[name] = (again.predict(period) - period["rating"]) ** 2
    weeks = pd.DataFrame(rows, columns=["RMSE", "error", "true B - A"])
    return weeks, pd.DataFrame(last)


weeks, with_drift = serve(drift=1)
_, without_drift = serve(drift=0)
change = weeks - weeks.iloc[0]
weeks["change / error"] = change["RMSE"] / np.hypot(weeks["error"], weeks["error"][0])
# A test of each period gets 10,000 visits.
error_of_test = 2 * np.sqrt(p * (1 - p) / 10_000)
weeks["B - A change / error"] = change["true B - A"] / (np.sqrt(2) * error_of_test)
print("\nWith drift (error: standard error)")
print(weeks.to_string(float_format="%.3f"))
last_week = weeks.iloc[-1]
rmse_change = last_week["change / error"]
b_change = last_week["B - A change / error"]
print(
    f"At the end, the RMSE has changed by {rmse_change:.1f} standard errors, and B - A"
)
print(
    f"by {b_change:.1f} standard errors of such a test: most tests would not find that."
)
print("\nRMSE in the last weeks, by the ratings that the model was trained on")
by_drift = {"drift": with_drift, "no drift": without_drift}
last_rmse = {name: np.sqrt(squares.mean()) for name, squares in by_drift.items()}
print(pd.DataFrame(last_rmse).T.to_string(float_format="%.3f"))

# The same rows are predicted by all, so we compare row by row.
print("By how much is that better than the last 50,000 (± standard error)?")
for name, squares in by_drift.items():
    for rows in ("the first 50,000", "all before"):
        gain = squares["the last 50,000"] - squares[rows]
        unit = 2 * last_rmse[name]["the last 50,000"]  # from squares to stars
        print(f"  {name}, {rows}: {gain.mean() / unit:+.3f} ± {gain.sem() / unit:.3f}")
print("On as many ratings as before, training again pays here under drift only.")
print("Without drift, all ratings are best. Under drift, the last 50,000 are at least")
print("as good as all; the difference is about two standard errors.")

# %% [markdown]
# **Remember:** decide before the test how many visits it needs, and look once; watch
# the error of the predictions as well, because drift can show there first.
#
# Go on: "Model persistence" in scikit-learn's user guide. Exercise:
# `exercises/8_deploy.py`.
