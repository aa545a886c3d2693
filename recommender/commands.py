"""The command line: it runs the commands, most of which answer from an artifact."""

import re
import sys
import textwrap

import joblib
import numpy as np
import pandas as pd

from .checks import check_number, shorten
from .console import is_terminal, one_line_errors, say
from .files import check_file, replacing
from .movielens import load_movielens
from .options import parse_options

#: Recommendations of all users are written for so many users at a time.
USERS_AT_ONCE = 1000
#: So many characters of a title are printed.
WIDEST = 40


def run(parser, argv, on_a_table, load):
    """Run a command.

    Parameters
    ----------
    parser : OneLineParser
    argv : list of str or None
        The arguments; None: those of the process.
    on_a_table : dict of functions
        The commands that take a table, as the parameter `data`.
    load : function
        It returns what an artifact holds, by the name of its file.

    Returns
    -------
    status : int
        The exit status: 0, or 130 after Ctrl-C. Bad arguments, and errors such as a
        missing file, end the process with one line and status 2.
    """
    try:
        with one_line_errors(parser):
            options = parse_options(parser, argv)
            command = options.pop("command")
            with joblib.parallel_config("threading", n_jobs=-1):
                if command in on_a_table:
                    if "data" in options:
                        options["data"] = load_movielens(options["data"])
                    on_a_table[command](**options)
                elif command == "serve":
                    serve(**options)
                else:
                    recommender = _load_recommender(load, options.pop("artifact"))
                    ON_AN_ARTIFACT[command](recommender, **options)
    except KeyboardInterrupt:
        print(f"\n{parser.prog}: interrupted", file=sys.stderr)
        return 130
    return 0


def _load_recommender(load, filepath):
    recommender = load(filepath)
    if not hasattr(recommender, "recommend"):
        raise ValueError(
            f"{filepath} holds a {type(recommender).__name__}, which does not "
            "recommend."
        )
    return recommender


def recommend(
    recommender,
    user=None,
    rated=None,
    everybody=False,
    top=10,
    exclude=None,
    explain=False,
    csv=None,
):
    """Print top-N recommendations for a user, or write them for all users.

    Parameters
    ----------
    recommender : SklearnEcosystemPipeline
    user : str, default=None
        The id of a user, as text.
    rated : dict of {str: float}, default=None
        The ratings of a new user, or more ratings of `user`.
    everybody : bool, default=False
        Whether to write the recommendations for all users of the training to `csv`.
    top : int, default=10
        How many movies each user gets.
    exclude : list of str, default=None
        Movies that are not recommended.
    explain : bool, default=False
        Whether to add which of the user's movies speak for a recommendation.
    csv : str, default=None
        Where the recommendations for all users are written.
    """
    movies = recommender.history_.movies
    if exclude is not None:
        exclude = [id_from_text(movies, movie) for movie in exclude]
    if everybody:
        _write_all(recommender, csv, top, exclude)
        return

    ratings = None
    if rated is not None:
        ratings = {id_from_text(movies, movie): rated[movie] for movie in rated}
        if len(ratings) < len(rated):  # of numbers, 2 and 02 are the same
            raise ValueError(
                "--rated must name each movie once, whatever way its number is "
                f"written, got {shorten(', '.join(rated))}."
            )
    if user is not None:
        user = id_from_text(recommender.history_.users, user)
    is_unknown = user is not None and user not in recommender.history_.users
    if is_unknown and rated is None:
        say(
            f"User {user} is unknown: these movies are popular. "
            "Use --rated 1=5,50=4 to get your own."
        )
        ratings = {}
    best = recommender.recommend(
        user, top, ratings=ratings, exclude=exclude, explain=explain
    )
    say(
        "Best first, by score. "
        "The predicted_rating is of another model, and need not be in order."
    )
    _print_ranked(best)


def _write_all(recommender, csv, top, exclude):
    """Write a CSV file of the recommendations for all users of the training."""
    users = recommender.history_.users
    shows_progress = is_terminal(sys.stderr)
    with replacing(check_file(csv)) as (draft,), draft.writing() as file:
        for start in range(0, users.size, USERS_AT_ONCE):
            some_users = users[start : start + USERS_AT_ONCE]
            best = recommender.ranker_.recommend(some_users, top, exclude=exclude)
            if recommender.titles_:
                best.insert(3, "title", recommender.titles_at(best["movie_id"]))
            text = best.to_csv(index=False, header=start == 0, lineterminator="\n")
            file.write(text.encode("utf-8"))
            if shows_progress:
                done = start + some_users.size
                print(f"\r{done} of {users.size} users", end="", file=sys.stderr)
    if shows_progress:
        print(file=sys.stderr)
    say(f"Recommendations for {users.size} users written to {csv}")


def similar(recommender, movie, top=10):
    """Print the movies that are liked by the same users as a movie.

    Parameters
    ----------
    recommender : SklearnEcosystemPipeline
    movie : str
        The id of a movie, as text.
    top : int, default=10
        How many movies.
    """
    movie_id = id_from_text(recommender.history_.movies, movie)
    _print_ranked(recommender.similar(movie_id, top))


def predict(recommender, user, movie):
    """Print the predicted rating of a movie by a user.

    Parameters
    ----------
    recommender : SklearnEcosystemPipeline
    user, movie : str
        The ids, as text; known or new.
    """
    history = recommender.history_
    user_id = id_from_text(history.users, user)
    movie_id = id_from_text(history.movies, movie)
    row = pd.DataFrame({"user_id": [user_id], "movie_id": [movie_id]})
    stars = recommender.predict(row)[0]
    line = f"User {user}, Movie {movie}: Predicted {stars:.2f}"
    if user_id not in history.users:
        line += " (the user is unknown)"
    if movie_id not in history.movies:
        line += " (the movie is unknown)"
    say(line)


def serve(artifact, host="127.0.0.1", port=8000):
    """Run the service of the folder `serving` until it is interrupted.

    Parameters
    ----------
    artifact : str
        The file.
    host : str, default="127.0.0.1"
        The address to listen on. The service has no log-in: on another address, put a
        server before it that checks who asks.
    port : int, default=8000
        The port to listen on.

    Raises
    ------
    ImportError
        If what the service needs is not installed.
    """
    try:
        import uvicorn

        from serving.app import create_app
        from serving.arms import Arms
    except ModuleNotFoundError as error:
        if error.name.partition(".")[0] == "serving":
            remedy = "which is a folder of the full project"
        else:
            remedy = "pip install -r serving/requirements.txt"
        raise ImportError(f"serve needs {error.name}: {remedy}") from None
    port = check_number("port", port, 1, integer=True, below=2**16)
    app = create_app(Arms(artifact))
    say(f"Open http://{host}:{port} in a browser; stop with Ctrl-C.")
    # Colours are looked for on the output, which may be closed.
    colours = None if sys.stdout else False
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        use_colors=colours,
        timeout_graceful_shutdown=5,  # seconds: a slow client must not hold up Ctrl-C
    )


#: The commands that answer from an artifact.
ON_AN_ARTIFACT = {"recommend": recommend, "similar": similar, "predict": predict}


def _print_ranked(table):
    ranked = table.set_axis(np.arange(1, len(table) + 1))
    if "title" in ranked:
        ranked["title"] = ranked["title"].map(_short_title)
    say(ranked.to_string(float_format="%.4f"))


def _short_title(title):
    if isinstance(title, str):  # else None: the title is not known
        return textwrap.shorten(title, WIDEST, placeholder=" ...")
    return title


def id_from_text(known, text):
    """Return an id that was typed in, a number or a string like those that are known.

    Parameters
    ----------
    known : ndarray of int64 or object
        The ids of the training.
    text : str

    Raises
    ------
    ValueError
        If the ids of the training are numbers, and this is none.
    """
    if known.dtype == object:
        return text
    if not re.fullmatch(r"[-+]?[0-9]{1,19}", text):
        raise ValueError(
            f"The ids of this artifact are whole numbers, but {shorten(text)} is none."
        )
    return int(text)
