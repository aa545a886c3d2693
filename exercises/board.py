"""The board of the contest, `9_contest.py`: it scores a model beside seven others.

The attempts are kept in `my_attempts.csv`, in this folder. Delete it to begin anew.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # the folder of lesson_code

from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from lesson_code import (
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    load_movielens,
)
from recommender.steps import seeded_target_encoder

ATTEMPTS = HERE / "my_attempts.csv"
COLUMNS = ["table", "rows", "rmse", "note"]
INVENTED = "invented movies"
YOU = "you"
LAW = "the law: nobody is better, but by luck"
FOLDS = KFold(5, shuffle=True, random_state=0)
#: A real table may have millions of rows: so many of them are drawn.
MOST_ROWS = 100_000


def opponents():
    """Return the untrained models of the others, by what the board calls them."""
    one_hot = OneHotEncoder(handle_unknown="ignore")
    user_and_movie = make_column_transformer((one_hot, ["user_id", "movie_id"]))
    return {
        "always the mean": DummyRegressor(),
        "how the user rates": average_of("user_id"),
        "how the movie is rated": average_of("movie_id"),
        "boosting on the lesson's 13 features": of_the_lesson("boosting"),
        "a linear model on the 13 features": of_the_lesson("linear"),
        "a ridge regression on user and movie": make_pipeline(user_and_movie, Ridge(3)),
        "the lesson's matrix factorization": of_the_lesson("factors"),
    }


def average_of(column):
    """Return a model that answers the damped mean of a user's or a movie's ratings."""
    encoder = seeded_target_encoder(FOLDS).set_params(smooth=5.0)
    return make_pipeline(make_column_transformer((encoder, [column])), Ridge(0.01))


def of_the_lesson(model):
    """Return the untrained pipeline of one of the lesson's models."""
    return SklearnEcosystemPipeline(model=model).build_pipeline()


def tables(folder=None):
    """Return the training rows, the locked rows, and what the law expects of each.

    With a folder, they are of a MovieLens release. Then nobody knows the law: None.
    """
    if folder is None:
        dataset = MovieRecommendationDataset(n_ratings=20_000, random_state=9)
        table = dataset.generate()
        expected = pd.Series(dataset.true_expected_)
    else:
        table = load_movielens(folder)
        if len(table) > MOST_ROWS:
            table = table.sample(MOST_ROWS, random_state=0, ignore_index=True)
        expected = None
    train, locked = train_test_split(table, test_size=0.25, random_state=1)
    return train, locked, expected


def errors_of(model, train, locked=None):
    """Return a model's squared error in each row, in stars²: in the folds of the
    training rows, or on the locked rows.
    """
    X = train.drop(columns="rating")
    if locked is None:
        rows = train
        predicted = cross_val_predict(model, X, train["rating"], cv=FOLDS)
    else:
        rows = locked
        predicted = model.fit(X, train["rating"]).predict(rows.drop(columns="rating"))
    if not np.isfinite(predicted).all():
        raise SystemExit("Your model predicts numbers that are not finite.")
    return (predicted - rows["rating"]) ** 2


def show(errors):
    """Print the board: who is how good, and how you compare with your neighbours.

    `errors` has a column for each model: its squared error in each row, in stars².
    """
    rmse = np.sqrt(errors.mean()).sort_values()
    print(f"\nplace    RMSE  in {len(errors)} rows")
    for place, (name, value) in enumerate(rmse.items(), start=1):
        arrow = "->" if name == YOU else "  "
        print(f"{arrow} {place}  {value:.4f}  {name}")

    print("\nYour squared error, less theirs: the mean and its standard error")
    place = list(rmse.index).index(YOU)
    for neighbour in rmse.index[max(place - 1, 0) : place + 2].drop(YOU):
        more = errors[YOU] - errors[neighbour]  # row by row, as in 0_luck
        # Rows of a user or a movie are alike. A standard error that counts this is up
        # to a quarter larger between good models, and about twice for a mere average.
        is_clear = abs(more.mean()) > 2 * more.sem()
        luck = "more than luck" if is_clear else "it may be luck"
        print(f"  {more.mean():7.4f} ± {more.sem():.4f}  {neighbour}: {luck}")


def read_attempts():
    """Return the attempts so far."""
    if not ATTEMPTS.exists():
        return pd.DataFrame(columns=COLUMNS)
    try:
        attempts = pd.read_csv(ATTEMPTS, keep_default_na=False)[COLUMNS]
        return attempts.astype({"rmse": float})
    except (KeyError, ValueError) as error:
        raise SystemExit(f"{ATTEMPTS} is damaged ({error}). Delete it.") from None


def play(make_model, arguments=None):
    """Score a model in the folds, or at the end on the locked rows; show the board.

    Parameters
    ----------
    make_model : callable
        The function of the exercise: it returns an untrained model.
    arguments : list of str, optional
        The words of the command line. Default: those of this process.
    """
    parser = argparse.ArgumentParser(description="Score your model beside seven others")
    parser.add_argument("--note", default="", help="what is new in this attempt")
    parser.add_argument("--data", metavar="FOLDER", help="a MovieLens release")
    parser.add_argument("--final", action="store_true", help="the locked rows, once")
    options = parser.parse_args(arguments)

    name = INVENTED if options.data is None else Path(options.data).resolve().name
    attempts = read_attempts()
    own = attempts[attempts["table"] == name]
    in_folds = own[own["rows"] == "folds"]
    opened = own[own["rows"] == "locked"]
    if options.final and len(opened):
        raise SystemExit(
            f"You have opened the locked rows: your RMSE is {opened['rmse'].iloc[0]}. "
            "Whoever looks twice chooses by them, and then they are training rows."
        )
    if options.final and in_folds.empty:
        raise SystemExit(
            "Score your model in the folds before you open the locked rows."
        )
    try:
        train, locked, expected = tables(options.data)
    except (OSError, ValueError) as error:
        raise SystemExit(str(error)) from None

    own_model = make_model()
    if own_model is None:
        raise SystemExit("`make_model` returns None: has it a `return`?")
    rows = locked if options.final else train
    errors = pd.DataFrame(index=rows.index)
    for model_name, model in {YOU: own_model, **opponents()}.items():
        errors[model_name] = errors_of(model, train, locked if options.final else None)
        print(".", end="", flush=True)  # It goes on.
    if expected is not None:
        errors[LAW] = (expected[rows.index] - rows["rating"]) ** 2
    show(errors)

    rmse = round(np.sqrt(errors[YOU].mean()), 4)
    kind = "locked" if options.final else "folds"
    attempt = pd.DataFrame([[name, kind, rmse, options.note]], columns=COLUMNS)
    pd.concat([attempts, attempt]).to_csv(ATTEMPTS, index=False)
    if options.final:
        best = in_folds["rmse"].min()
        print(f"\nIn the folds, the best of your {len(in_folds)} had {best:.4f}.")
        return
    print("\nYour attempts: RMSE in the folds")
    shown = pd.concat([in_folds, attempt], ignore_index=True)
    for number, (rmse, note) in enumerate(zip(shown["rmse"], shown["note"]), start=1):
        print(f"{number:4}  {rmse:.4f}  {note}")
