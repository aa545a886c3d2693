"""What the demo prints of its figures, and nothing that it computes."""

from typing import NamedTuple

from .console import say


class Errors(NamedTuple):
    """The errors that the demo compares, in stars."""

    metrics: dict  # of the model
    standard_error: float  # of the model's RMSE
    baseline_rmse: float  # of always answering the mean
    noise_floor: float | None  # expected of a perfect predictor
    perfect_rmse: float | None  # of a perfect predictor on these rows
    fragile_rmse: float | None  # of the model with averages from before the split


def print_features(X):
    """Show the names of the features, and the averages of the first row."""
    say(f"✓ Features created: {X.shape[1]} features from {len(X)} samples")
    say(f"  Feature columns: {list(X.columns[:5])}...")
    say("  (An id is a label: only `factors` and `blend` read the two ids.)")
    sample = X.iloc[0]
    for owner, verb in (("user", "gave"), ("movie", "got")):
        row_id = X[f"{owner}_id"].iloc[0]
        count = sample[f"{owner}_rating_count"]
        average = sample[f"{owner}_avg_rating"]
        say(
            f"  First sample: {owner} {row_id} {verb} {count:.0f} ratings, "
            f"damped average of the other folds {average:.2f}"
        )
    say("  (These are only to look at. Training takes raw rows, and makes its features")
    say("  from those alone.)")


def print_errors(errors, n_test_rows):
    """Show the model's error between that of the mean and the noise floor."""
    rmse = errors.metrics["RMSE"]
    say(f"  RMSE: {rmse:.4f}")
    say(f"    {errors.baseline_rmse:.4f}  always answering the mean rating")
    say(
        f"    {rmse:.4f}  this model (± {errors.standard_error:.4f}, the standard "
        f"error with {n_test_rows} test rows)"
    )
    if errors.noise_floor is not None:
        say(
            f"    {errors.noise_floor:.4f}  the noise floor: expected of a perfect "
            f"predictor ({errors.perfect_rmse:.4f} on these rows, by luck)"
        )
    say(f"  MAE: {errors.metrics['MAE']:.4f}")
    say(f"  R2: {errors.metrics['R2']:.4f}")
    if errors.fragile_rmse is not None:
        say(
            "  The fragile way, with averages computed before the split: "
            f"RMSE {errors.fragile_rmse:.4f}, a leak."
        )
        say("    (These averages contain the ratings of the test rows.)")


def print_rankings(rankings, data, relevant, X_test, relevant_from):
    """Show the scores of the recommendations, and how many users they are of.

    Parameters
    ----------
    rankings : dict of dict, or None
        The metrics by "taste", "popularity" and "chance"; None: nothing is relevant.
    data, relevant, X_test : DataFrame
        All rows, the relevant rows of the test, and all rows of the test.
    relevant_from : float, in stars
        The lowest rating that makes a movie relevant.
    """
    if rankings is None:
        say("  Recommendations are not scored: nothing is relevant in the test rows.")
        return
    n_relevant = relevant["user_id"].value_counts()  # of each user
    highest_precision = n_relevant.clip(upper=10).mean() / 10
    say("  10 movies are recommended to each user by MovieRanker. A test movie with")
    say(f"  {relevant_from:g} stars or more should be among them:")
    for name, score in rankings["taste"].items():
        limit = ""
        if name == "Precision@10":
            limit = f"; at most {highest_precision:.4f}"
        popularity = rankings["popularity"][name]
        chance = rankings["chance"][name]
        say(f"  {name}: {score:.4f}")
        say(f"    (by popularity {popularity:.4f}, by chance {chance:.4f}{limit})")

    n_users = data["user_id"].nunique()
    n_tested = X_test["user_id"].nunique()
    n_scored = len(n_relevant)
    say(
        f"  Users: {n_users} = {n_scored} who are scored "
        f"+ {n_tested - n_scored} without a relevant test movie "
        f"+ {n_users - n_tested} without a test row"
    )


def print_predictions(X, predictions, y):
    """Show the predicted and the actual rating of each row."""
    say("Sample predictions:")
    for user, movie, predicted, actual in zip(
        X["user_id"], X["movie_id"], predictions, y
    ):
        say(
            f"  User {user}, Movie {movie}: "
            f"Predicted {predicted:.2f}, Actual {actual:.2f}"
        )
    say(
        "  (A prediction is the expected rating. Single ratings scatter around it; "
        "some are far off.)"
    )


def print_recommendations(user, recommendations):
    """Show the recommended movies, and for each a movie that speaks for it.

    Parameters
    ----------
    user : id
    recommendations : DataFrame
        From `recommend` with ``explain=True``.
    """
    say(f"Recommendations for user {user}, best first:")
    for movie in recommendations.to_dict("records"):
        line = "  " + _name(movie.get("title") or movie["movie_id"])
        if movie["because"]:
            line += f", because of {_name(movie['because'][0])}"
        say(line)


def _name(movie):
    """Return a title as it is; of a movie without a title, its id."""
    return movie if isinstance(movie, str) else f"Movie {movie}"
