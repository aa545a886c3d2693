"""`pytest --break NAME` disables one safeguard of the lesson, to see which checks fail.

Without a path, the ten checks of the lesson page are run. `--break list` lists the
safeguards.
"""

import pytest

WHY = {
    "cross-fitting": (
        "In training, a row's averages must come from other rows. With the row's own "
        "rating in them they look better than those of new rows will be, and a model "
        "trusts them too much (section 2)."
    ),
    "damping": (
        "An average of two ratings says little. Ten more ratings that are just average "
        "keep it near the mean (section 2)."
    ),
    "averages-anew": (
        "Averages from before the split contain the ratings of the test rows. So a "
        "table that has some gets new ones from its training rows alone. Otherwise its "
        "score is too good (section 2)."
    ),
    "ids": "An id is a label: user 20 is not twice user 10 (section 3).",
    "clipping": (
        "A model may answer 5.3 stars, which nobody can give. The nearest possible "
        "rating is better (section 3)."
    ),
    "shuffled-folds": (
        "Real tables are sorted by user. Folds that are not shuffled hold out whole "
        "users, and give the error for new users (section 2)."
    ),
    "digest": (
        "A file that lost one bit may load, and predict wrong ratings. Its digest "
        "shows that it is damaged (section 5)."
    ),
    "rated-movies": (
        "Nobody wants to be told to watch what they have just rated "
        "(recommender/top_n.py)."
    ),
    "ranker-scale": (
        "In units of their root mean square, preferences of any scale suit one penalty "
        "(recommender/ranking.py)."
    ),
}


def replacements(name):
    """Return what a safeguard is replaced by: (owner, attribute, new value)."""
    # Not sooner: an ordinary run sets up its threads before these are imported.
    import lesson_code as lesson
    from recommender import artifact, ranking, top_n

    transformer = lesson.UserMovieFeatureTransformer
    methods = ("fit_transform", "transform")
    return {
        "cross-fitting": [(transformer, "fit_transform", fit_and_transform)],
        "damping": [(lesson, "damped_mean", undamped_mean)],
        "averages-anew": [
            (transformer, method, keep_averages(getattr(transformer, method)))
            for method in methods
        ],
        "ids": [(lesson.DropIds, "transform", keep_ids)],
        "clipping": [(lesson.RatingPipeline, "predict", lesson.Pipeline.predict)],
        "shuffled-folds": [(lesson, "make_folds", unshuffled_folds)],
        "digest": [(artifact, "_read_seal", read_seal_unchecked)],
        "rated-movies": [(top_n, "leave_out_rated", leave_out_nothing)],
        "ranker-scale": [(ranking, "unit_of", unit_of_one)],
    }[name]


def fit_and_transform(self, X, y=None):
    return self.fit(X, y).transform(X)


def undamped_mean(total, count, mean, damping):
    return total / (count + damping)


def keep_averages(method):
    def make_features(self, X, *y):
        given = X.filter(regex="avg_rating|interaction")
        return method(self, X, *y).assign(**given)

    return make_features


def keep_ids(self, X):
    return X.to_numpy()


def unshuffled_folds(n_folds, random_state):
    from sklearn.model_selection import KFold

    return KFold(n_folds)


def read_seal_unchecked(content, path):
    from recommender.artifact import Seal

    return Seal(content[-64:].decode(), None)


def leave_out_nothing(scores, stars):
    pass


def unit_of_one(preference):
    return 1.0


def pytest_addoption(parser):
    parser.addoption(
        "--break",
        dest="safeguard",
        choices=[*WHY, "list"],
        help="disable a safeguard of the lesson",
    )


def pytest_cmdline_main(config):
    name = config.option.safeguard
    if name == "list":
        print("\n".join(f"{name}\n  {why}" for name, why in WHY.items()))
        return 0
    if name:
        disable(name)
        config.option.tbstyle = "no"
        config.option.reportchars = ""
        if config.args_source is not config.ArgsSource.ARGS:
            config.args = [str(config.rootpath / "test_lesson.py")]


def disable(name):
    try:
        changes = replacements(name)
    except AttributeError as error:
        raise pytest.UsageError(f"{error}: mend tests/break_it.py") from None
    for owner, attribute, new in changes:
        if not hasattr(owner, attribute):
            raise pytest.UsageError(
                f"{owner.__name__} has no {attribute}: mend tests/break_it.py"
            )
        setattr(owner, attribute, new)


def pytest_terminal_summary(terminalreporter, config):
    name = config.option.safeguard
    if not name:
        return
    failed = terminalreporter.getreports("failed")
    lines = [f"Checks that noticed: {len(failed)}"]
    for report in failed:
        message = report.longrepr.reprcrash.message.splitlines()[0]
        lines += [f"- {report.nodeid}", f"  {message.removeprefix('AssertionError: ')}"]
    lines += ["Why it exists:", f"  {WHY[name]}"]
    terminalreporter.section(f"this run was without the safeguard {name}")
    terminalreporter.line("\n".join(lines))
