# %% [markdown]
# # 8 Experiment: how many visits show which model is better?
#
# **You know**: in an *A/B test*, half of the users get model A, half get model B, and
# we compare what they do. **You will see**: a simulated test whose true difference we
# know; how many visits it needs; what happens if you look at it every day.
# **Minutes**: 20.
#
# On a real site nobody knows the true difference. Here we compute it from the *law*,
# the formula that made the ratings.

# %%
import numpy as np
from drawing import BLUE, GREY, ORANGE, new_picture, save_picture
from scipy.stats import norm
from visitors import chance_of_success, first_movies

from lesson_code import MovieRecommendationDataset

# %% [markdown]
# ## An A/B test with known truth
# A shows the most popular movie that the user has not rated. B shows the movie that
# best fits the user's ratings. Visitors watch what is shown, or choose for themselves,
# by their true taste: the course's `visitors.py` has the formulas, so
# `chance_of_success` knows each user's true chance. The visit is a *success* if they
# like what they watch. Each user comes once, so the visits are independent.

# %%
n_users = 20_000
dataset = MovieRecommendationDataset(n_users, 500, n_ratings=20 * n_users)
rated = dataset.generate()
chance_a = chance_of_success(dataset, rated, first_movies(rated, "popularity"))
chance_b = chance_of_success(dataset, rated, first_movies(rated, "taste"))
truth = np.mean(chance_b - chance_a)
print("True share of successful visits")
print(f"A {chance_a.mean():.3f}, B {chance_b.mean():.3f}, B - A {truth:.3f}")

# %% [markdown]
# On a real site nobody sees this line. There, we count the successes of A and of B. If
# B - A is above 1.96 standard errors, which `pillars/0_luck.py` rounded to two, we say
# that the test *finds* B better. With equal models, luck alone gets above this limit,
# up or down, in 5 % of all tests.
#
# **Guess first:** B has about 4 more successes in 100 visits. How many tests of 1000
# visits find that B is better?
#
# - nearly all
# - about half
# - about a quarter


# %%
def print_many_tests(n):
    """Print how 10,000 tests of n visits end."""
    rng = np.random.default_rng(0)
    of_each = n // 2  # visits of each model
    a = rng.binomial(of_each, chance_a.mean(), 10_000) / of_each  # of 10,000 tests
    b = rng.binomial(of_each, chance_b.mean(), 10_000) / of_each
    error = np.sqrt((a * (1 - a) + b * (1 - b)) / of_each)
    finds_b = np.mean(b - a > 1.96 * error)
    print(f"{n:7} visits: B is better {finds_b:4.0%}, A is ahead {np.mean(a > b):4.0%}")


print("\nOf 10,000 tests, how many find that B is better, and in how many is A ahead?")
print_many_tests(1000)

# %% [markdown]
# **About a quarter.** And in nearly one of ten, the worse model is ahead.
#
# Here is one of the tests, with more and more visits. Beside B - A stands its *95 %
# interval*, which contains the truth in about 95 % of all tests: 1.96 standard errors
# up and down.


# %%
def compare(success, is_b):
    """Return B - A, and half of its 95 % interval: 1.96 standard errors."""
    a = success[~is_b]
    b = success[is_b]
    error = np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    return b.mean() - a.mean(), 1.96 * error


rng = np.random.default_rng(0)
is_b = rng.random(n_users) < 0.5  # each user comes once: a coin may decide
success = rng.random(n_users) < np.where(is_b, chance_b, chance_a)
print("\nB - A as measured, ± half of its 95 % interval")
for n in (1000, 2000, 5000, 10_000, 20_000):
    difference, half = compare(success[:n], is_b[:n])
    print(f"{n:7} visits: B - A = {difference:.3f} ± {half:.3f}")

# %% [markdown]
# Look at the line of 1000 visits. A is ahead, the worse model! Would you have stopped
# there? In this test, the interval is above 0 from 5000 visits on.
#
# ## How many visits?
# Choose the smallest difference that matters to you; here we take the truth. And choose
# in how many tests you want to find it: the *power* of the test. Usual is 80 %.
#
# Tests of the same two models measure differences that lie around the truth in a bell,
# the normal distribution (`pillars/0_luck.py`). How far from 0 must the middle of the
# bell be, so that 80 % of it are above the limit? `norm.sf` computes the part of a bell
# above a limit.

# %%
print("\nThe truth, in standard errors, and the share of tests above 1.96")
for middle in (0, 1.96, 2.4, 1.96 + 0.84, 3.2):
    above_limit = norm.sf(1.96, loc=middle)  # loc: the middle of the bell
    print(f"  {middle:4.2f}: {above_limit:.1%}")

# %% [markdown]
# If the truth is just at the limit, half of the tests are above it. For 80 %, the truth
# must be 2.8 = 1.96 + 0.84 standard errors. Then the limit is 0.84 below the middle of
# the bell, and 80 % of a bell are above that point (`norm.sf(-0.84)` is 80 %).
# With equal models, 2.5 % of the tests are above the limit, and as many are below
# -1.96: together the 5 % of false alarms.

# %%
title = "If the truth is 2.8 standard errors, 80 % of the tests are above the limit"
figure, axes = new_picture(title, height=3.4)
if figure is not None:
    x = np.linspace(-3.5, 6.3, 300)
    above = x >= 1.96
    for middle, color in {0: GREY, 2.8: BLUE}.items():
        bell = norm.pdf(x, loc=middle)
        axes.plot(x, bell, color=color)
        axes.fill_between(x[above], bell[above], color=color, alpha=0.4)
    axes.axvline(1.96, color=ORANGE, linestyle="--")
    axes.text(1.8, 0.46, "the limit, 1.96", color=ORANGE, ha="right")
    axes.text(-0.9, 0.31, "equal\nmodels", color="#606060", ha="right")
    axes.text(4.0, 0.31, "B is\nbetter", color=BLUE)
    axes.text(3.05, 0.13, "80 %", ha="center")
    axes.set(xlabel="measured difference (standard errors)", ylim=(0, 0.52), yticks=[])
    axes.spines["left"].set_visible(False)
    save_picture(figure, "8_experiment_bells.svg")

# %% [markdown]
# More visits make the standard error smaller. A visit is a 1 (success) or a 0. If a
# share `rate` of them is 1, their *variance*, the square of the standard deviation, is
# rate · (1 - rate): for `np.var([1, 0, 0, 0])`, it is 1/4 · 3/4. The variance of a mean
# of n visits is n times smaller, and those of the two models add up. So we want:
#
#     difference = 2.8 · standard error = 2.8 · root of (2 · rate · (1 - rate) / n)
#
# Square both sides, and solve for n, the visits of each model:
#
#     n = 2.8² · 2 · rate · (1 - rate) / difference²

# %%
rate = (chance_a.mean() + chance_b.mean()) / 2
of_each_model = 2.8**2 * 2 * rate * (1 - rate) / truth**2
needed = 100 * round(2 * of_each_model / 100)
print(f"\nrate {rate:.3f}, difference {truth:.4f}: {of_each_model:.0f} visits each")
print(f"Both models together need {needed} visits.")
print("Of 10,000 tests, how many find that B is better, and in how many is A ahead?")
print_many_tests(needed)

# %% [markdown]
# So for this difference, nearly 5000 visits are needed. The formula is right: with this
# number, about 80 % of the tests find that B is better. By the formula, half the
# difference would take four times the visits.

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
    save_picture(figure, "8_experiment.svg")

# %% [markdown]
# ## Looking every day
# Now both models are the same. A test takes 28 days. The *p-value* of a difference is
# the probability that equal models differ by that much or more, by luck alone. A
# difference is called *significant* if its p-value is below 0.05, that is, if it is
# above 1.96 standard errors: equal models reach that in 5 % of all looks. Here it is
# always a *false alarm*.
#
# **Guess first:** how many tests give a false alarm if you look every day, and stop at
# the first significant difference?
#
# - about 5 %
# - about 10 %
# - more than a quarter

# %%
n_tests = 10_000
visits = 100 * np.arange(1, 29)  # of each model, up to each day
daily = rng.binomial(100, rate, (2, n_tests, 28))  # successes of 100 visits
rate_a, rate_b = daily.cumsum(axis=2) / visits  # (n_tests, 28) each
distance = np.abs(rate_b - rate_a) / np.sqrt(2 * rate * (1 - rate) / visits)
false_alarms = {
    "looking once, at the end": distance[:, -1] > 1.96,
    "looking every day, until p < 0.05": distance.max(axis=1) > 1.96,
}
print("\nTwo equal models. How often is one called better (± standard error)?")
for rule, is_alarm in false_alarms.items():
    print(f"  {rule}: {is_alarm.mean():.3f} ± {is_alarm.std() / n_tests**0.5:.3f}")

# %% [markdown]
# **More than a quarter.** One look gives about the 5 % that it promises. Twenty-eight
# looks do not give 28 times as many false alarms, because each look shares its visits
# with the one before. But they give more than five times as many: that often, a winner
# is chosen between two models that are the same.
#
# <!-- play: looks -->
#
# **Try it:** add a rule that looks once a week (`distance[:, 6::7]` has every seventh
# day). How many false alarms are there?
#
# **Remember:** decide before the test how many visits it needs, and look once (or use a
# limit made for several looks).
#
# Go on with an example of scikit-learn's user guide,
# [Statistical comparison of models](https://scikit-learn.org/stable/auto_examples/model_selection/plot_grid_search_stats.html),
# then with `pillars/8_monitor.py`.
#
# Exercise: `exercises/8_experiment.py`.
