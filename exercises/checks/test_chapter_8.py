"""The checks of chapter 8: an artifact, deploy, experiment, monitor.

Read a task before its check.
"""

import json

import numpy as np
import pandas as pd
from checking import (
    check,
    check_of,
    check_returned,
    check_true_or_false,
    error_of,
    first_five,
    last_line,
    percent,
    ratings,
    run_fresh,
)

# ----- 8_artifact

#: Predict by an artifact. Then change one bit of it, at one place after another, and
#: count what is noticed.
USE_ARTIFACT = """import pathlib, sys, pandas
from lesson_code import SklearnEcosystemPipeline
path = pathlib.Path(sys.argv[1])
pair = pandas.DataFrame({"user_id": [7], "movie_id": [9]})
print(SklearnEcosystemPipeline.load_pipeline(path).predict(pair)[0])
whole = path.read_bytes()
copy = path.with_name("copy")
noticed = 0
for part in range(1, 10):
    content = bytearray(whole)
    content[part * len(whole) // 10] ^= 1
    copy.write_bytes(content)
    try:
        SklearnEcosystemPipeline.load_pipeline(copy)
    except Exception:
        noticed += 1
print(noticed)"""


@check_of(
    "pillars/8_deploy.py, and lesson_code.py, section 5",
    usual_causes="the recommender itself has the method that saves, its pipeline has "
    "not; the method needs the path, exactly as it is given. Return the recommender.",
)
def test_8_artifact(exercise, tmp_path, monkeypatch):
    path = tmp_path / "artifact.pkl"
    # What is saved under another name must not overwrite a file of yours.
    current = tmp_path / "current"
    current.mkdir()
    monkeypatch.chdir(current)
    recommender = exercise.train_and_save(ratings(), path)
    check_returned(recommender, "train_and_save")
    elsewhere = sorted(file.name for file in current.iterdir())
    check(
        path.exists() or not elsewhere,
        f"There is no file at `path`, but {first_five(elsewhere)} in the current "
        "folder. There, it overwrites what was saved before, and the program that "
        "loads `path` does not find it. The method that saves takes the path as its "
        "argument.",
    )
    check(path.exists(), "There is no file at `path`: save the artifact there.")

    fresh = run_fresh(USE_ARTIFACT, path)
    problem = last_line(fresh)
    check(
        "digest" not in problem,
        f"A fresh process refused the file: {problem}. It was written again after it "
        "was saved. Save it once, by `save_pipeline`.",
    )
    check(
        fresh.returncode == 0,
        "A fresh process could not predict from the two ids: "
        f"{problem}. It has only what is in the file. The steps before the model "
        "(features, scaler) belong to the model and must travel with it.",
    )
    predicted = float(fresh.stdout.splitlines()[0])
    noticed = int(fresh.stdout.splitlines()[1])
    expected = recommender.predict(pd.DataFrame({"user_id": [7], "movie_id": [9]}))[0]
    check(
        np.isclose(predicted, expected),
        f"The fresh process predicts {predicted:.4f}, this one "
        f"{expected:.4f}. An artifact must give the same answers everywhere: save the "
        "object that was trained.",
    )
    check(
        noticed == 9,
        "The artifact works. Then we changed one bit in each of nine copies of it, and "
        f"{9 - noticed} of them were loaded without an error: nothing in the file says "
        "what its content was. Save it with a digest, as `save_pipeline` does.",
    )
    print(
        "Measured: the fresh process predicts the same, "
        f"{predicted:.4f} stars; of nine damaged copies, {noticed} are refused "
        f"({path.stat().st_size / 1000:.0f} kB)."
    )


# ----- 8_deploy

ARMS = """import json, runpy, sys
arm_of = runpy.run_path(sys.argv[1])["arm_of"]
print(json.dumps([arm_of(user, "one", 0.5) for user in json.loads(sys.argv[2])]))"""


def arms_of_a_server(program, users, number):
    """Return the arms that a fresh process gives to users.

    Python draws the secret of `hash` anew in each process; here it is the number.
    """
    fresh = run_fresh(ARMS, program, json.dumps(users), PYTHONHASHSEED=str(number))
    check(
        fresh.returncode == 0,
        f"The program works here, but not in a fresh process: {last_line(fresh)}. It "
        "must need nothing but its file.",
    )
    return np.array(json.loads(fresh.stdout.splitlines()[-1]))


@check_of(
    "pillars/8_deploy.py",
    usual_causes="a hash takes bytes, not text: `text.encode()`. Its digest is 32 "
    "bytes; `digest[0]` is a number, and `int.from_bytes` makes one of several bytes "
    'in an order, such as "big". And the name of a user need not be a number.',
)
def test_8_deploy(exercise):
    users = [f"user {number}" for number in range(2000)]

    def arms(users, experiment="one", share_b=0.5):
        return np.array([exercise.arm_of(user, experiment, share_b) for user in users])

    first = arms(users)
    check(
        set(first) <= {"A", "B"},
        f'The arms must be "A" and "B", got {sorted(set(map(str, first)))[:5]}.',
    )
    again = arms(users[::-1])[::-1]
    moved = np.mean(first != again)
    check(
        moved == 0,
        f"At the second visit, {moved:.0%} of the users got the other model. What A "
        "did to a user is then counted for B, so the test mixes up the two models. "
        "The arm must depend on the user and the experiment alone, not on chance and "
        "not on the order of the visits.",
    )
    servers = [arms_of_a_server(exercise.__file__, users, n) for n in (1, 2)]
    moved = np.mean(servers[0] != servers[1])
    check(
        moved == 0,
        f"Two servers disagree about {moved:.0%} of the users. Python's `hash` of a "
        "string is another number in each process, and so is a random one. A hash of "
        "`hashlib` is the same everywhere.",
    )

    for share_b in (0.5, 0.1):
        share = np.mean(arms(users, share_b=share_b) == "B")
        check(
            abs(share - share_b) < 0.05,
            f"B gets {share:.1%} of the users; {share_b:.0%} were asked for. With "
            "another share than planned, the test risks more users, or takes longer. "
            "Does the arm depend on the user and on `share_b`, and do the numbers "
            "below `share_b` get B? And what values can your number have? (A byte goes "
            "from 0 to 255, what `random` returns from 0 to 1.)",
        )
    before = arms(users, share_b=0.1) == "B"
    after = arms(users, share_b=0.5) == "B"
    lost = np.mean(~after[before])
    check(
        lost == 0,
        f"When the share of B grew from 10 % to 50 %, {lost:.0%} of the users who had "
        "B were sent back to A, so they did not keep their model. A larger share may "
        "only take in more users: let the number of a user be the same for every "
        "share.",
    )
    none = np.sum(arms(users, share_b=0) == "B")
    all_but = np.sum(arms(users, share_b=1) == "A")
    check(
        none == 0 and all_but == 0,
        f"With share_b = 0, {none} of {len(users)} users get B; with share_b = 1, "
        f"{all_but} get A. A share of 0 takes B away from everybody, and at 1 the test "
        "is over: which values can your number have, the limits included?",
    )
    crowd = [f"user {number}" for number in range(20_000)]
    few = np.sum(arms(crowd, share_b=0.001) == "B")
    check(
        4 < few < 40,
        f"With share_b = 0.001, B should get about 20 of {len(crowd)} users, and gets "
        f"{few}. A new model starts with few users, because it may fail. How many "
        "different values can your number have? A byte has 256, so its smallest share "
        "is 0.39 %; whole percents have 100. Make a finer number, of more bytes.",
    )

    other = arms(users, experiment="two")
    same = np.mean(first == other)
    check(
        0.45 < same < 0.55,
        f"In another experiment, {same:.0%} of the users are in the same arm; it "
        "should be about half. If the arms of two experiments go together, the second "
        "also measures what is left of the first. Let the arm depend on the name of "
        "the experiment, too.",
    )
    # User "a1" in experiment "b" and user "a" in "1b" have the same letters in the same
    # order; so have experiment "b1" with user "a" and experiment "b" with user "1a".
    pairs = [
        ([(f"{user}1", "b") for user in users], [(user, "1b") for user in users]),
        ([(user, "b1") for user in users], [(f"1{user}", "b") for user in users]),
    ]
    for left, right in pairs:
        alike = [
            exercise.arm_of(*one, 0.5) == exercise.arm_of(*other, 0.5)
            for one, other in zip(left, right)
        ]
        check(
            np.mean(alike) < 0.6,
            f"User {left[0][0]!r} in experiment {left[0][1]!r} and user "
            f"{right[0][0]!r} in experiment {right[0][1]!r} always get the same arm, "
            "and so do all pairs like these: joined, their two names are the same "
            "text. Put a separator between the names, a character that is in neither, "
            'such as ":".',
        )
    print(
        f"Measured: of {len(users)} users, 0 change their model between visits or "
        "servers (a coin: half of them), or lose B when its share grows. Where 10 % "
        f"were asked for, B gets {percent(before.mean(), len(users))}; in another "
        f"experiment, {percent(same, len(users))} are in the same arm."
    )


# ----- 8_experiment


def visits_needed(rate, difference):
    """Return how many visits each model needs (power 80 %, 5 % of false alarms)."""
    return int(np.ceil((1.96 + 0.84) ** 2 * 2 * rate * (1 - rate) / difference**2))


def visits_used(models_differ, rate, difference, n_visits):
    """Return how many visits of each model a function looks at, or None if unclear.

    B nearly always succeeds, A hardly ever; but from some visit on, B has NaN. A
    function that looks so far finds no difference, since nothing is greater than NaN.
    """
    number = np.arange(n_visits)
    a = np.where(number % 50 == 49, 1.0, 0.0)
    b = 1 - a

    def differ(b):
        try:
            return bool(models_differ(a.copy(), b, rate, difference))
        except ValueError:
            return False  # it cannot compute with NaN

    # Bisect: the answer is True if the first `high` visits are enough.
    low = 0
    high = n_visits
    while low < high:
        middle = (low + high) // 2
        if differ(np.where(number < middle, b, np.nan)):
            high = middle
        else:
            low = middle + 1

    finds_nothing = not differ(np.where(number < high, b, np.nan))
    looks_later = differ(np.where(number < high, a, b))
    if finds_nothing or looks_later:
        return None
    return high


def simulate_tests(share_a, share_b, n_visits=2000, n_tests=1000):
    """Return the successes of A and of B, 0 or 1, as (n_tests, n_visits) each."""
    rng = np.random.default_rng(0)
    a = rng.random((n_tests, n_visits)) < share_a
    b = rng.random((n_tests, n_visits)) < share_b
    return a.astype(float), b.astype(float)


def share_of_early_alarms(a, b):
    """Return the share of tests with a significant look after 100, 200, ... visits."""
    visits = np.arange(100, a.shape[1] + 1, 100)
    rate_a = a.cumsum(axis=1)[:, visits - 1] / visits
    rate_b = b.cumsum(axis=1)[:, visits - 1] / visits
    error = np.sqrt((rate_a * (1 - rate_a) + rate_b * (1 - rate_b)) / visits)
    return np.mean(np.any(np.abs(rate_b - rate_a) > 1.96 * error, axis=1))


def wrong_number(used, n, n_visits):
    """Return why the number of visits that was used is wrong; n is the right one."""
    if used == n - 1:
        return (
            f"The formula gives a little more than {used}. `int` and `round` can round "
            "down, and then the test finds true differences a little too seldom: use "
            "`math.ceil`."
        )
    if used == n_visits:
        return (
            "Those are all visits there are. But what comes later must not count, or "
            "the test ends when somebody stops it. Take `a[:n]` and `b[:n]` both in "
            "the difference and in its error."
        )
    if used < n:
        reason = "With fewer visits, more true differences are missed than planned."
    else:
        reason = "With more visits, the test takes longer than it must."
    return (
        f"{reason} Compare your formula with that of the chapter, part by part: its "
        "number is that of each model, not of both together. And is it computed anew "
        "in every call, from the arguments `rate` and `difference`?"
    )


@check_of(
    "pillars/8_experiment.py",
    usual_causes="a number of visits is a whole number: round it up with `math.ceil`. "
    "It is computed from the arguments `rate` and `difference`, not from the data. "
    "`a[:n]` are the first n visits of A.",
)
def test_8_experiment(exercise):
    def decide(a, b, difference):
        answers = [
            exercise.models_differ(of_a, of_b, 0.3, difference)
            for of_a, of_b in zip(a, b)
        ]
        check_true_or_false(answers[0], "models_differ")
        return np.array(answers)

    # Nobody knows the last visits: a number computed from all of them is NaN.
    n_visits = 2000
    unknown = np.where(np.arange(n_visits) < n_visits - 100, [0.0, 1.0] * 1000, np.nan)
    error = error_of(exercise.models_differ, unknown, unknown, 0.3, 0.1)
    check(
        "to integer" not in str(error),
        "Your number of visits is computed from the visits in `a` and `b`. It must be "
        "set before the first visit, when there are none. And the difference that a "
        "test happens to observe is not the one that matters to you: the number "
        "would change with luck. Use the arguments `rate` and `difference`, not the "
        "data.",
    )

    for difference in (0.1, 0.15):
        n = visits_needed(0.3, difference)
        used = visits_used(exercise.models_differ, 0.3, difference, n_visits)
        is_right = used is None or used == n
        check(
            is_right,
            f"For rate = 0.3 and a difference of {difference}, your number of visits "
            f"is {used}; the formula gives {n}, rounded up to a whole number. "
            + ("" if is_right else wrong_number(used, n, n_visits)),
        )

    a, b = simulate_tests(0.3, 0.3)
    n_tests = len(a)
    alarms = decide(a, b, 0.1).mean()
    early = share_of_early_alarms(a, b)
    check(
        alarms < 0.08 or used is None,
        f"In {n_tests} tests of two equal models, you say in {alarms:.0%} that they "
        "differ; 5 % were allowed. Your number of visits is right, so look at the "
        "limit: 1.96 standard errors of the difference, which has the variance of A "
        "and that of B in it.",
    )
    check(
        alarms < 0.08,
        f"In {n_tests} tests of two equal models, you say in {alarms:.0%} that they "
        "differ; 5 % were allowed. Do you look more than once? Each look has its 5 %, "
        "and a test that ends at the first significant look collects them: it waits "
        "for a moment of luck. Set the number of visits before the test, and look "
        "once. Or is the limit another than 1.96 standard errors?",
    )

    for difference in (0.15, 0.1):
        n = visits_needed(0.3, difference)
        a, b = simulate_tests(0.3 - difference / 2, 0.3 + difference / 2)
        found = decide(a, b, difference)
        later = b.copy()
        later[:, n:] = a[:, n:]
        changed = np.sum(decide(a, later, difference) != found)
        check(
            changed == 0,
            f"We changed the visits after number {n}, and your answer changed in "
            f"{changed} of {n_tests} tests. For rate = 0.3 and a difference of "
            f"{difference}, each model needs {n} visits, and what comes later must not "
            "count: a test that takes all visits there are ends when somebody stops "
            "it. Set the number by the formula, from `rate` and `difference`.",
        )
        power = found.mean()
        check(
            0.76 < power < 0.84,
            f"B was better by {difference}, and {power:.0%} of {n_tests} tests say "
            "that the models differ; 80 % should. The number of visits in the formula "
            f"is that of each model, {n} here (print yours: is it above 0?); with "
            "fewer visits, or a limit stricter than 1.96 standard errors, true "
            "differences are missed.",
        )
        worse = decide(b, a, difference).mean()
        check(
            np.isclose(worse, power),
            f"If B is worse by {difference}, {worse:.0%} of the tests say that the "
            f"models differ; if it is better by as much, {power:.0%}. A difference "
            "below 0 is a difference, too: compare its absolute value.",
        )
    print(
        f"Measured: false alarms {percent(alarms, n_tests)} (with a look after every "
        f"100 visits: {percent(early, n_tests)}); a true difference of {difference} is "
        f"found in {percent(power, n_tests)} of the tests."
    )


# ----- 8_monitor


def weeks_of(rng, growth):
    """Return twenty weeks of squared errors of 200 to 400 predictions.

    The typical error is 0.8 at first, and grows by `growth` every week.
    """
    weeks = []
    for number in range(20):
        sigma = 0.8 + growth * number
        weeks.append(rng.normal(0, sigma, rng.integers(200, 400)) ** 2)
    return weeks


@check_of(
    "pillars/8_monitor.py",
    usual_causes="`weeks` is a list of arrays, which differ in length, so it cannot be "
    "turned into one array; the mean of each is a number.",
)
def test_8_monitor(exercise):
    rng = np.random.default_rng(0)
    slow = [exercise.first_alarm(weeks_of(rng, 0.012)) for _ in range(200)]
    found = [number for number in slow if number is not None]
    others = sorted({repr(number) for number in found if number not in range(1, 20)})
    check(
        not others,
        f"Your answers include {first_five(others)}. Return the position of a week, "
        "from 1 to 19 here, or None if there is no alarm.",
    )
    sudden = weeks_of(np.random.default_rng(2), 0)
    sudden[5:] = [10 * week for week in sudden[5:]]
    check(
        exercise.first_alarm(sudden) is not None,
        "From week 5 on, the squared errors were ten times as large, and your function "
        "returned None, which means no alarm. Does it return the number of the week? "
        "(`print` returns nothing; and a `return None` inside the loop ends the "
        "function after the first comparison.) Is each week compared with the first "
        "one? And is `error` that of a mean, the standard deviation divided by the "
        "root of the number of predictions?",
    )
    check(
        len(found) > 180,
        f"The typical error grew by 0.012 stars a week for 19 weeks, from 0.80 to "
        f"1.03: you found it in {len(found)} of 200 cases. From one week to the next "
        "such a step is hardly seen, and in a mean of all weeks the growth is in it, "
        "too; since the first week the steps have added up. (Compare the means of the "
        "squared errors, not their roots: `error` is that of such a mean.)",
    )
    quiet = [exercise.first_alarm(weeks_of(rng, 0)) for _ in range(200)]
    false = np.mean([number is not None for number in quiet])
    check(
        false < 0.06,
        f"Nothing had changed, and the alarm rang in {false:.0%} of the cases. A mean "
        "of few errors differs from another by chance; only more than `limit` "
        "standard errors of both together count.",
    )
    better = exercise.first_alarm(weeks_of(rng, -0.03))
    check(
        better is None,
        "The errors got smaller every week, and the alarm rang. Only a growth is bad.",
    )
    jump = weeks_of(rng, 0)
    jump[12] = 4 * jump[12]
    jump[15] = 4 * jump[15]
    number = exercise.first_alarm(jump)
    check(
        number == 12,
        "Of the weeks 0 to 19, the error was twice as large in weeks 12 and 15 alone; "
        f"your answer was {number}. Return the position of the first week with an "
        "alarm: the sooner somebody knows, the better.",
    )
    worse_at_once = [weeks_of(rng, 0)[0], *weeks_of(np.random.default_rng(1), 0)]
    worse_at_once[1:] = [2 * week for week in worse_at_once[1:]]
    number = exercise.first_alarm(worse_at_once)
    check(
        number == 1,
        "In another series, the first week alone is good, and the squared errors of "
        f"all others are twice as large; the answer was {number}, not 1. Compare with "
        "the error of the new model: later weeks may be worse already.",
    )
    print(
        "Measured: a drift of 0.012 stars a week is found in week "
        f"{np.median(found):g} (median); false alarms in {percent(false, 200)} of "
        "the series without one."
    )
