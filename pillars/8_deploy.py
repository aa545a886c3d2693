# %% [markdown]
# # 8 Deploy: how many visits does it take to see which model is better?
#
# **You know**: a model is saved as one file, the *artifact*, and its *digest* changes
# if one bit of the file changes. **You will see**: a model that is replaced while it
# answers; an A/B test whose truth we know; what daily looks do to a test; how drift
# shows. **Minutes**: 20.
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
from scipy.special import ndtr as normal_cdf
from sklearn.dummy import DummyRegressor

from lesson_code import LAW, MovieRecommendationDataset, SklearnEcosystemPipeline

# %% [markdown]
# ## A new model takes over while requests come in
# `sha256=` accepts one digest only. `strict=True` refuses what would load with a
# warning. (In the full project, `serving/` does the same over HTTP.)
# %%
table = MovieRecommendationDataset(300, 150, n_ratings=6000).generate()
# This folder is removed when Python ends.
temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
folder = Path(temporary.name).resolve()


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


def save(name, n_rows):
    """Save a model of the first rows of the table; return its path and its digest."""
    path = folder / f"{name}.pkl"
    SklearnEcosystemPipeline(model="linear").fit(table[:n_rows]).save_pipeline(path)
    return path, SklearnEcosystemPipeline.load_pipeline(path).card["sha256"]


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
of_neither = [answer for answer in answers if answer not in expected]
print(f"{len(answers)} requests in 4 threads, 6 swaps: no request failed;")
print(f"answers that are of neither model: {len(of_neither)}")

damaged = save("damaged", 5000)
content = bytearray(damaged[0].read_bytes())
content[1000] ^= 1  # one bit is wrong
damaged[0].write_bytes(content)
with mock.patch.object(sklearn, "__version__", "1.5.2"):  # as if it were installed
    old = save("old", 5000)
foreign, _ = save("foreign", 3000)  # whole, but not the one that we expect

before = server.answer()
for path, digest in (damaged, old, (foreign, releases[0][1])):
    try:
        server.replace(path, digest)
    except ValueError as error:
        reason = str(error).replace(str(folder), "").strip("/\\")
        print(f"Refused: {reason.partition(':')[0]}")
print(f"The model before them still answers: {server.answer() == before}")


# %% [markdown]
# ## Who gets which model?
# Users must see the same model on every visit. A hash is a number that looks random but
# depends only on its input, so nothing has to be stored. Python's own `hash()` will not
# do: for strings, it differs from process to process.
# %%
def gets_b(user, experiment="first test"):
    """Return True for about half of the users, always the same ones."""
    digest = hashlib.sha256(f"{experiment}:{user}".encode()).digest()
    return digest[0] < 128  # the first of 32 bytes, from 0 to 255


n_users = 20_000
is_b = np.array([gets_b(user) for user in range(1, n_users + 1)])
next_b = np.array([gets_b(user, "next test") for user in range(1, n_users + 1)])
print(f"\nShare of users with B: {is_b.mean():.3f}")
print(f"Of these, with B in the next test, too: {next_b[is_b].mean():.3f}")


# %% [markdown]
# ## An A/B test with known truth
# A shows the most popular movie that the user has not rated. B shows the movie that
# best fits the user's ratings. What a visitor does is drawn from the law: they watch
# the movie if their true taste for it, plus noise of one star, is above 1.5. Otherwise
# they watch a movie such as those that they have rated. The visit is a *success* if
# they like what they watch: if they would rate it 4 or more.
# %%
def opinions(law, user, movie):
    """Return opinions before the noise, and tastes, in stars, for positions from 0."""
    taste = np.sum(law["T"][user] * law["G"][movie], axis=1) - law["mean_taste"]
    return LAW["mean"] + law["user"][user] + law["movie"][movie] + taste, taste


def chance_of_success(law, rated, shown):
    """Return each user's chance of a success, (n_users,), if a movie is shown."""
    user = rated["user_id"].to_numpy() - 1
    opinion, _ = opinions(law, user, rated["movie_id"].to_numpy() - 1)
    likes = normal_cdf((opinion - 3.75) / law["sigma"][user])  # 3.75 is rounded to 4
    likes_own_choice = np.bincount(user, likes) / np.bincount(user)

    opinion, taste = opinions(law, np.arange(len(shown)), shown)
    likes_shown = normal_cdf((opinion - 3.75) / law["sigma"])
    watches = normal_cdf(taste - 1.5)
    return watches * likes_shown + (1 - watches) * likes_own_choice


def first_movies(rated, ranker):
    """Return the position of the movie that a ranker shows to each user."""
    # Predicted stars play no part here, so the dummy will do.
    recommender = SklearnEcosystemPipeline(model=DummyRegressor(), ranker=ranker)
    fitted = recommender.fit(rated).ranker_
    users = np.unique(rated["user_id"])
    return fitted.recommend(users, 1)["movie_id"].to_numpy() - 1


def compare(success, is_b):
    """Return B - A and its standard error; all values must be independent."""
    a = success[~is_b]
    b = success[is_b]
    variance = a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)
    return b.mean() - a.mean(), np.sqrt(variance)


rng = np.random.default_rng(0)
dataset = MovieRecommendationDataset(n_users, 500, n_ratings=20 * n_users)
rated = dataset.generate()
chance_a = chance_of_success(dataset.law_, rated, first_movies(rated, "popularity"))
chance_b = chance_of_success(dataset.law_, rated, first_movies(rated, "taste"))
truth = np.mean(chance_b - chance_a)
print(f"\nTruth: A {chance_a.mean():.3f}, B {chance_b.mean():.3f}, B - A {truth:.3f}")

# One visit by each user: so the visits are independent.
success = rng.random(n_users) < np.where(is_b, chance_b, chance_a)
print("One A/B test, with its 95 % interval (1.96 standard errors):")
for n in (1000, 2000, 5000, 10_000, 20_000):
    difference, error = compare(success[:n], is_b[:n])
    print(f"{n:7} visits: B - A = {difference:.3f} ± {1.96 * error:.3f}")


# %% [markdown]
# **How many visits?** Choose the smallest difference that matters to you; here we take
# the truth. With 5 % of false alarms, a test finds it in 80 % of all cases (its
# *power*) if each model gets (1.96 + 0.84)² · 2p(1 - p) / difference² visits, where p
# is the share of successes. Half the difference takes four times the visits.
# %%
def run_test(n_visitors, visits_each=1):
    """Return B - A, its standard error by user, and that by visit, of a new test."""
    visitor = rng.permutation(n_users)[:n_visitors]
    is_b = rng.random(n_visitors) < 0.5
    chance = np.where(is_b, chance_b[visitor], chance_a[visitor])
    success = rng.random((n_visitors, visits_each)) < chance[:, None]
    difference, by_user = compare(success.mean(axis=1), is_b)
    _, by_visit = compare(success.ravel(), np.repeat(is_b, visits_each))
    return difference, by_user, by_visit


p = (chance_a.mean() + chance_b.mean()) / 2
of_each_model = (1.96 + 0.84) ** 2 * 2 * p * (1 - p) / truth**2
needed = 100 * round(2 * of_each_model / 100)
print(f"\nBoth models together need {needed} visits. Share of 1000 tests that find B")
for n in (1000, needed):
    tests = np.array([run_test(n) for _ in range(1000)])  # (1000 tests, 3)
    found = np.mean(tests[:, 0] > 1.96 * tests[:, 1])
    print(f"{n:7} visits: {found:.0%}")

tests = np.array([run_test(1000, visits_each=20) for _ in range(200)])
print("20 visits by each of 1000 users, who differ in how often they like a movie:")
print(f"  B - A varies from test to test by {tests[:, 0].std():.4f}")
print(f"  its standard error, from visits: {tests[:, 2].mean():.4f} (too small)")
print(f"  its standard error, from the mean of each user: {tests[:, 1].mean():.4f}")

# %%
title = f"1000 visits cannot tell which model is better; {needed} usually can"
figure, axes = new_picture(title, height=4.2)
if figure is not None:
    sizes = np.geomspace(100, n_users, 47).astype(int)
    results = np.array([compare(success[:n], is_b[:n]) for n in sizes])
    measured = results[:, 0]
    half = 1.96 * results[:, 1]
    axes.fill_between(sizes, measured - half, measured + half, color=BLUE, alpha=0.25)
    axes.plot(sizes, measured, color=BLUE)
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
# Now both models are the same, and every "significant" difference is wrong. A test
# takes 28 days. Significant means p < 0.05: more than 1.96 standard errors.
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
# One model serves for nine weeks. Each week, a fifth of the variance of all tastes is
# new. The control has no drift: only the number of ratings grows.
# %%
def serve(drift):
    """Return figures by week, and the RMSE of the last week by training rows."""
    rng = np.random.default_rng(0)
    dataset = MovieRecommendationDataset(n_ratings=140_000)
    pairs = dataset.generate()  # no pair appears twice
    law = dict(dataset.law_)
    size = law["T"].std()
    known = pairs[:50_000]
    served = SklearnEcosystemPipeline(model="factors").fit(known)
    popular = first_movies(known, "popularity")
    fitting = first_movies(known, "taste")

    weeks = []
    for start in range(50_000, 140_000, 10_000):
        week = pairs[start : start + 10_000]
        user = week["user_id"].to_numpy() - 1
        opinion, _ = opinions(law, user, week["movie_id"].to_numpy() - 1)
        noise = law["sigma"][user] * rng.standard_normal(len(week))
        stars = np.round(2 * (opinion + noise)) / 2
        week = week.assign(rating=np.clip(stars, 1, 5))

        squares = (served.predict(week) - week["rating"]) ** 2
        rmse = np.sqrt(squares.mean())
        a = chance_of_success(law, pairs, popular).mean()
        b = chance_of_success(law, pairs, fitting).mean()
        # A test gets as many visits as there are ratings, all independent.
        error = 2 * np.sqrt(p * (1 - p) / len(week))
        weeks.append([rmse, squares.sem() / (2 * rmse), b - a, error])

        earlier = known
        known = pd.concat([known, week])
        new_taste = size * rng.standard_normal(law["T"].shape)
        law["T"] = np.sqrt(1 - drift) * law["T"] + np.sqrt(drift) * new_taste

    last = {"the first 50000": rmse}
    for name, rows in {"the last 50000": earlier[-50_000:], "all": earlier}.items():
        again = SklearnEcosystemPipeline(model="factors").fit(rows)
        last[name] = np.sqrt(np.mean((again.predict(week) - week["rating"]) ** 2))
    columns = ["RMSE", "its error", "true B - A", "a test's error"]
    return pd.DataFrame(weeks, columns=columns), last


with_drift, last_with = serve(0.2)
_, last_without = serve(0)
print("\nDrift by week, with standard errors (of 10,000 ratings, or 10,000 visits)")
print(with_drift.to_string(float_format="%.3f"))
change = with_drift.iloc[-1] - with_drift.iloc[0]
errors = np.sqrt(with_drift.iloc[-1] ** 2 + with_drift.iloc[0] ** 2)
in_rmse = change["RMSE"] / errors["its error"]
in_test = change["true B - A"] / errors["a test's error"]
print(f"From first to last, RMSE changes by {in_rmse:+.1f} standard errors,")
print(f"B - A by {in_test:+.1f} of its own: RMSE shows the drift, a test cannot yet.")
print("\nRMSE in the last week, by the ratings that the model was trained on")
by_drift = {"drift": last_with, "no drift": last_without}
print(pd.DataFrame(by_drift).T.to_string(float_format="%.3f"))
print("With no more ratings than before, training again pays under drift only.")

# %% [markdown]
# **Remember:** decide before the test how many visits it takes, count users rather
# than visits, and look once.
#
# Go on: "Model persistence" in scikit-learn's user guide. Exercise:
# `exercises/8_deploy.py`.
