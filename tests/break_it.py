"""`pytest --break NAME` takes one safeguard out of the lesson for this run, and ends
with what noticed.
"""

import pytest

WHY = {
    "cross-fitting": """In training, a row's averages must come from other rows.
  With the row's own rating in them they look better than those of new rows will be,
  and a model trusts them too much (section 2).""",
    "averages-anew": """Averages from before the split contain the ratings of the test
  rows. So a table that has some gets new ones from its training rows alone.
  Otherwise its score is too good (section 2).""",
    "clipping": """A model may answer 5.3 stars, which nobody can give.
  The nearest is better (section 3).""",
    "digest": """A file that lost one bit may load, and predict wrong numbers.
  Its digest tells (section 5).""",
    "shuffled-folds": """Tables are sorted by user.
  Unshuffled folds tell the error for strangers (section 4).""",
    "ranker-scale": """In units of their root mean square, ratings of any scale suit
  one penalty (section 7).""",
}


def replacements(lesson, name):
    features = lesson.UserMovieFeatureTransformer
    ranker = lesson.MovieRanker
    return {  # the owner, the name of its attribute, and the new value
        "cross-fitting": [
            (
                features,
                "fit_transform",
                lambda self, X, y=None: self.fit(X, y).transform(X),
            )
        ],
        "averages-anew": [
            (features, m, keep(getattr(features, m)))
            for m in ("fit_transform", "transform")
        ],
        "clipping": [(lesson.RatingPipeline, "predict", lesson.Pipeline.predict)],
        "digest": [
            (
                lesson,
                "_check_digest",
                lambda content, path: (content[-64:].decode(), None),
            )
        ],
        "shuffled-folds": [
            (lesson, "_folds", lambda n_folds, random_state: lesson.KFold(n_folds))
        ],
        "ranker-scale": [
            (ranker, "unit_", property(lambda self: 1.0, lambda self, unit: None))
        ],
    }[name]


def keep(make):
    return lambda self, X, *y: make(self, X, *y).assign(
        **X.filter(regex="avg_rating|interaction")
    )


def pytest_addoption(parser):
    parser.addoption(
        "--break", dest="safeguard", choices=[*WHY, "list"], help="take out a safeguard"
    )


def pytest_cmdline_main(config):
    if (name := config.option.safeguard) == "list":
        print("\n".join(f"{name}\n  {why}" for name, why in WHY.items()))
        return 0
    if name:
        # not sooner: an ordinary run sets up its threads first
        import lesson_code as lesson

        for owner, attribute, new in replacements(lesson, name):
            if not hasattr(owner, attribute) and attribute not in str(owner.__doc__):
                raise pytest.UsageError(
                    f"{owner.__name__} has no {attribute}: mend tests/break_it.py"
                )
            setattr(owner, attribute, new)
        config.option.tbstyle = "no"
        config.option.reportchars = ""
        if config.args_source is not config.ArgsSource.ARGS:
            paths = ("test_lesson.py", "tests/test_safeguards.py")
            config.args = [str(config.rootpath / path) for path in paths]


def pytest_terminal_summary(terminalreporter, config):
    name = config.option.safeguard
    failed = terminalreporter.getreports("failed")
    if name:
        noticed = [
            f"- {r.nodeid}\n  {r.longrepr.reprcrash.message.splitlines()[0]}\n"
            for r in failed
        ]
        told = f"Checks that noticed: {len(failed)}\n{''.join(noticed)}"
        told += f"Why it exists:\n  {WHY[name]}"
        terminalreporter.section(f"this run was without the safeguard {name}")
        terminalreporter.line(told.replace("  AssertionError: ", "  "))
