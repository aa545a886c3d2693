"""The options of the command line, and which of them go together."""

import argparse
import contextlib
import os

from .checks import shorten
from .console import OneLineParser

#: An option that is not given leaves no trace, and --user is not short for --users.
COMMON = {"argument_default": argparse.SUPPRESS, "allow_abbrev": False}


def make_parser(models, artifact):
    """Return the parser of the command line.

    Parameters
    ----------
    models : list of str
        The names that `--model` accepts.
    artifact : str
        The default of `--output` and `--artifact`, for the help.

    Returns
    -------
    parser : OneLineParser
    """
    table = _table_options()
    training = _training_options(models, artifact)
    parser = OneLineParser(
        prog="lesson_code.py",
        description="Run the lesson.",
        parents=[table, training],
        **COMMON,
    )
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", title="instead of the lesson"
    )
    commands.add_parser(
        "compare",
        parents=[table],
        help="cross-validate all models on the same folds",
        **COMMON,
    )
    train = commands.add_parser(
        "train",
        parents=[table, training],
        help="train on all rows, to use the model; the lesson keeps some for a test",
        **COMMON,
    )
    train.add_argument(
        "--no-cv",
        dest="perform_cv",
        action="store_false",
        help="without cross-validation: faster, but the error stays unknown",
    )
    _add_answers(commands, artifact)
    return parser


def _table_options():
    """Return the options that say which table is used."""
    table = OneLineParser(add_help=False, **COMMON)
    table.add_argument(
        "--data",
        metavar="PATH",
        help="a MovieLens release, folder or zip file (default: a synthetic table)",
    )
    for name, size in (("users", 1000), ("movies", 500), ("ratings", 50_000)):
        table.add_argument(
            f"--{name}",
            dest=f"n_{name}",
            type=int,
            metavar="N",
            help=f"size of the synthetic table (default {size})",
        )
    table.add_argument(
        "--seed", dest="random_state", type=int, metavar="N", help="default 42"
    )
    return table


def _training_options(models, artifact):
    """Return the options of a training."""
    training = OneLineParser(add_help=False, **COMMON)
    training.add_argument("--model", choices=models, help="default forest")
    training.add_argument(
        "--tune", action="store_true", help="search for hyperparameters first"
    )
    training.add_argument("--output", metavar="FILE", help=f"default {artifact}")
    return training


def _add_answers(commands, artifact):
    """Add the commands that answer from an artifact."""
    recommend = commands.add_parser("recommend", help="what to watch next", **COMMON)
    recommend.add_argument("--user", metavar="ID", help="a user of the training")
    recommend.add_argument(
        "--rated",
        type=_parse_ratings,
        metavar="ID=STARS,...",
        help="the ratings of a new user, or more ratings of --user, as in 1=5,50=4",
    )
    recommend.add_argument(
        "--all",
        dest="everybody",
        action="store_true",
        help="for all users of the training, into the file --output",
    )
    recommend.add_argument(
        "--exclude",
        type=lambda text: text.split(","),
        metavar="ID,...",
        help="movies that are not recommended",
    )
    recommend.add_argument(
        "--explain", action="store_true", help="add which rated movies speak for it"
    )
    recommend.add_argument(
        "--output", dest="csv", metavar="FILE", help="a CSV file, with --all"
    )
    similar = commands.add_parser(
        "similar", help="movies that the same users like", **COMMON
    )
    similar.add_argument("--movie", required=True, metavar="ID", help="a known movie")
    predict = commands.add_parser("predict", help="one rating", **COMMON)
    for option in ("--user", "--movie"):
        predict.add_argument(option, required=True, metavar="ID", help="known or new")
    serve = commands.add_parser("serve", help="a service and a page to try", **COMMON)
    serve.add_argument("--port", type=int, metavar="N", help="default 8000")
    serve.add_argument(
        "--host",
        metavar="ADDRESS",
        help="default 127.0.0.1: only this machine can ask",
    )
    for command in (recommend, similar):
        command.add_argument("--top", type=int, metavar="N", help="default 10")
    for command in (recommend, similar, predict, serve):
        command.add_argument(
            "--artifact",
            default=artifact,
            metavar="FILE",
            help=f"default {artifact}",
        )


def parse_options(parser, argv):
    """Return the command and its options as a dict.

    Of the options that were not given, only the path of the artifact is in it.
    """
    options = {"command": None, **vars(parser.parse_args(argv))}
    command = options["command"]
    for option in ("model", "tune", "output"):
        if command not in (None, "train") and option in options:
            parser.error(
                f"--{option} is for the lesson and train; it does not go with "
                f"{command}."
            )
    if command == "recommend":
        _check_recommend(parser, options)
    if "data" in options and {"n_users", "n_movies", "n_ratings"} & set(options):
        parser.error(
            "--users, --movies and --ratings are for a synthetic table and do not go "
            "with --data."
        )
    return options


def _check_recommend(parser, options):
    """End with a message if options of `recommend` do not go together."""
    is_for_all = "everybody" in options
    is_for_one = "user" in options or "rated" in options
    if is_for_all == is_for_one:
        parser.error("recommend needs --user, --rated or both, or else --all.")
    if is_for_all != ("csv" in options):
        parser.error("recommend --all needs --output FILE, and only --all takes it.")
    if is_for_all and "explain" in options:
        parser.error("--explain is for one user and does not go with --all.")
    if is_for_all:
        output = os.path.realpath(options["csv"])
        artifact = os.path.realpath(options["artifact"])
        if output in (artifact, f"{artifact}.json"):
            parser.error(
                f"--output {shorten(options['csv'])} is the artifact itself or its "
                "model card: expected another file."
            )


def _parse_ratings(text):
    # An id may hold "=": the last one comes before the stars.
    pairs = [pair.rsplit("=", 1) for pair in text.split(",")]
    with contextlib.suppress(ValueError):
        ratings = {movie: float(stars) for movie, stars in pairs}
        if len(ratings) == len(pairs):
            return ratings
    raise argparse.ArgumentTypeError(
        f"expected movie=stars, each movie once, as in 1=5,50=4, got {shorten(text)}"
    )
