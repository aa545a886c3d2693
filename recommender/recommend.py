"""Answer "what should this user watch next?" with a trained pipeline and a ranker."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

from .checks import check_number, shorten
from .factors import MatrixFactorization
from .ids import one_id, positions_of
from .ranking import (
    MovieRanker,
    default_relevance,
    relevant_ratings,
    score_recommendations,
)
from .top_n import ChanceRanker, PopularityRanker, TopN
from .warn import warn

#: A warning names at most this many movies.
N_SHOWN = 10


class Recommends:
    """Mixin of `SklearnEcosystemPipeline`: what it recommends, and how good that is.

    It needs `ranker` (a parameter), and from a training `pipeline_`, `history_`,
    `titles_`, `_ranker_param` (the parameter at that time) and `_ranker`, which is None
    until a ranker is needed; and the snapshots of `WrapsPipeline`, as another thread
    may train the same object.
    """

    def evaluate_ranking(self, X_test, y_test=None, k=10, relevant_from=None, by=None):
        """Score top-N recommendations on test rows.

        For each user with a relevant test movie, all movies of the training are ranked,
        except those that the user rated there.

        Parameters
        ----------
        X_test, y_test, k
            As in `ranking_metrics`.
        relevant_from : float, default=None
            The lowest rating that makes a movie relevant, in stars. None: four fifths
            of the highest rating of the training, which is 4.0 on a scale from 1 to 5.
        by : {"taste", "popularity", "rating", "chance"}, default=None
            How movies are ranked; None: by the ranker of this object. The others are
            there to compare with: "taste" is `MovieRanker`, "popularity" the number of
            ratings, "rating" the predicted rating, and "chance" one random draw.

        Returns
        -------
        metrics : dict of float
            As from `ranking_metrics`.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            If nothing was trained, a parameter or the table is refused, or no test
            movie is relevant.
        """
        check_is_fitted(self, "pipeline_")
        ways = [*RANKERS, "chance"]
        if by is not None and not (isinstance(by, str) and by in ways):
            raise ValueError(f"by must be one of {ways}, got {shorten(by)}.")
        k = check_number("k", k, 1, integer=True)
        trained = self._snapshot()
        if relevant_from is None:
            relevant_from = default_relevance(*trained.history_.scale())
        relevant = relevant_ratings(X_test, y_test, relevant_from)
        users = np.unique(relevant["user_id"])
        stars = trained.history_.stars_of(users)
        ranker = self._ranker_by(by, trained)
        recommendations = ranker.rank(users, stars, k)
        metrics = score_recommendations(recommendations, relevant, k)
        if ranker is trained._ranker:
            scores = {
                "users": len(users),
                "relevant_from": float(relevant_from),
                **metrics,
            }
            self._keep(trained, ranking_scores_=scores)
        return metrics

    def _ranker_by(self, by, trained):
        """Return the ranker of a snapshot, or another one to compare with."""
        if by is None or by == trained._ranker_param:
            return self._ranker_of(trained)
        if by == "chance":
            return ChanceRanker().fit_history(trained.history_)
        return fit_ranker(by, trained.pipeline_, trained.history_)

    def recommend(
        self,
        user_id=None,
        n=10,
        *,
        ratings=None,
        candidates=None,
        exclude=None,
        explain=False,
    ):
        """Recommend movies that a user has not rated.

        Parameters
        ----------
        user_id : id, default=None
            A user of the training; or pass `ratings`.
        n : int, default=10
            How many movies; fewer come if fewer are left.
        ratings : dict of {movie_id: stars}, default=None
            The ratings of a new user; with `user_id`, more ratings of that user, which
            replace older ones. Nothing is trained again. Unknown movies are ignored,
            with a warning; if no movie is known, popular movies are recommended.
        candidates : array-like of movie ids, default=None
            Only these movies are ranked, such as those of a genre; None: all. Movies
            that the training does not know are left out.
        exclude : array-like of movie ids, default=None
            These movies are not recommended.
        explain : bool, default=False
            Whether to add the column `because`.

        Returns
        -------
        recommendations : DataFrame
            Best first: `movie_id`, `title` where titles are known, `score` (of the
            ranker), and `predicted_rating` in stars. The predicted rating of a new user
            depends only on the movie, except with model "factors". `because` holds a
            list for each movie: up to three movies that the user likes and that added
            most to the fit (a part of the score of `MovieRanker`), as titles where they
            are known, else as ids. Unknown movies of `ratings` are in
            ``recommendations.attrs["unknown_movies"]``.

        Raises
        ------
        ValueError
            If the user is unknown and no ratings are given, or a rating is not on the
            scale of the training.
        """
        check_is_fitted(self, "pipeline_")
        trained = self._snapshot()
        ranker = self._ranker_of(trained)
        history = trained.history_
        user_ids, stars, unknown = find_user(history, user_id, ratings)
        if unknown:
            _warn_of_unknown(unknown, stars)

        best = ranker.rank(user_ids, stars, n, candidates, exclude)
        columns = {"movie_id": best["movie_id"]}
        if trained.titles_:
            columns["title"] = trained.titles_at(best["movie_id"])
        columns["score"] = best["score"]
        columns["predicted_rating"] = predict_for_user(
            trained.pipeline_, history, user_ids, stars, best["movie_id"].to_numpy()
        )
        if explain:
            columns["because"] = trained._reasons(ranker, stars, best)
        recommendations = pd.DataFrame(columns)
        recommendations.attrs["unknown_movies"] = unknown
        return recommendations

    def similar(self, movie_id, n=10, *, candidates=None, exclude=None):
        """Return movies that are liked by the same users (see `MovieRanker.similar`).

        Parameters
        ----------
        movie_id : id
            A movie of the training.
        n : int, default=10
            How many movies.
        candidates, exclude : array-like of movie ids, default=None
            As in `recommend`.

        Returns
        -------
        movies : DataFrame
            Best first: `movie_id`, `title` where titles are known, and `score`.

        Raises
        ------
        NotFittedError, ValueError
            If nothing was trained, the movie is unknown, or the ranker of this object
            compares no movies.
        """
        check_is_fitted(self, "pipeline_")
        trained = self._snapshot()
        ranker = self._ranker_of(trained)
        if not hasattr(ranker, "similar"):
            raise ValueError(
                f"ranker={shorten(trained._ranker_param)} compares no movies: use "
                "ranker='taste'."
            )
        movies = ranker.similar(movie_id, n, candidates=candidates, exclude=exclude)
        movies = movies[["movie_id", "score"]]
        if trained.titles_:
            movies.insert(1, "title", trained.titles_at(movies["movie_id"]))
        return movies

    @property
    def ranker_(self):
        """The ranker of the training rows; it is fitted when it is first needed."""
        check_is_fitted(self, "pipeline_")
        return self._ranker_of(self._snapshot())

    def _ranker_of(self, trained):
        """Return the ranker of a snapshot; fit it, if nothing has needed it before."""
        if trained._ranker is None:
            # If two threads come here, each fits a whole ranker, and one is kept.
            trained._ranker = fit_ranker(
                trained._ranker_param, trained.pipeline_, trained.history_
            )
            self._keep(trained, _ranker=trained._ranker)
        return trained._ranker

    def titles_at(self, movie_ids):
        """Return the titles of a Series of movie ids, None where one is not known."""
        known = [self.titles_.get(movie) for movie in movie_ids]
        # As objects, an unknown title stays None: JSON has no NaN.
        return pd.Series(known, index=movie_ids.index, dtype=object)

    def _reasons(self, ranker, stars, best):
        if not hasattr(ranker, "explain"):
            return [[] for _ in range(len(best))]
        reasons = ranker.explain(stars, best["movie_id"].to_numpy())
        return [
            [self.titles_.get(movie, movie) for movie in movies.tolist()]
            for movies in reasons
        ]


def find_user(history, user_id, ratings):
    """Return the ratings of the user whom a caller of `recommend` means.

    Parameters
    ----------
    history : RatingHistory
    user_id : id or None
    ratings : dict of {movie_id: stars} or None
        Instead of `user_id`, or added to the ratings of that user.

    Returns
    -------
    user_ids : ndarray of shape (1,)
        For a new user, an id that nobody has.
    stars : csr_matrix of shape (1, n_movies)
    unknown : list of movie ids
        The movies of `ratings` that the training does not know.

    Raises
    ------
    ValueError
        If neither is given, the user is unknown and there are no ratings, or `ratings`
        is refused.
    """
    if isinstance(user_id, dict) or (user_id is None and ratings is None):
        raise ValueError(
            "Pass a user_id, or ratings={movie_id: stars, ...} by its name, or both."
        )
    if user_id is None:
        user_id = history.unused_user_id()
    user_ids = one_id(user_id, "user_id")
    is_known = positions_of(history.users, user_ids, "user_id")[0] >= 0
    if ratings is None and not is_known:
        raise ValueError(
            f"User {shorten(user_ids[0])} is unknown to the training: "
            "pass ratings of this user as well."
        )

    stars = history.stars_of(user_ids)
    unknown = []
    if ratings is not None:
        newer, unknown = history.new_user(ratings)
        by_position = dict(zip(stars.indices, stars.data))
        by_position.update(zip(newer.indices, newer.data))
        stars = history.one_row(list(by_position), list(by_position.values()))
    return user_ids, stars, unknown


def _warn_of_unknown(unknown, stars):
    shown = ", ".join(map(shorten, unknown[:N_SHOWN]))
    if len(unknown) > N_SHOWN:
        shown += f" and {len(unknown) - N_SHOWN} more"
    message = f"Unknown movies are ignored: {shown}."
    if stars.nnz == 0:
        message += " None is left: these are the most popular movies."
    warn(message)


def predict_for_user(pipeline, history, user_ids, stars, movie_ids):
    """Return the predicted ratings of movies for one user.

    Parameters
    ----------
    pipeline : RatingPipeline
    history : RatingHistory
        The ratings that the pipeline was trained on.
    user_ids : ndarray of shape (1,)
        The user, or an unknown id for a new user.
    stars : csr_matrix of shape (1, n_movies)
        What the user has rated. `MatrixFactorization` takes it into account, even if it
        is more than the training knew; other models know only the training.
    movie_ids : ndarray of shape (n,)

    Returns
    -------
    ratings : ndarray of shape (n,), in stars
    """
    if len(movie_ids) == 0:  # the user has rated every movie
        return np.empty(0)
    model = pipeline[-1]
    takes_ratings = isinstance(model, MatrixFactorization) and stars.nnz > 0
    if takes_ratings and not _are_same(stars, history.stars_of(user_ids)):
        rated = history.movies[stars.indices]
        return model.predict_new(rated, stars.data, movie_ids)
    pairs = {"user_id": np.repeat(user_ids, len(movie_ids)), "movie_id": movie_ids}
    return pipeline.predict(pd.DataFrame(pairs))


def _are_same(stars, others):
    """Return whether two sparse rows, with sorted indices, hold the same ratings.

    Comparing the matrices would miss a rating of 0 stars, which is stored, too.
    """
    return np.array_equal(stars.indices, others.indices) and np.array_equal(
        stars.data, others.data
    )


class RatingRanker(TopN, BaseEstimator):
    """Recommend the movies with the highest predicted ratings.

    Parameters
    ----------
    pipeline : RatingPipeline
        It is trained on the same rows as the history that `fit_history` gets.
    """

    def __init__(self, pipeline):
        self.pipeline = pipeline

    def fit_history(self, history):
        """Remember who rated what, a `RatingHistory`."""
        self.history_ = history
        return self

    def score_movies(self, user_ids, stars):
        """Return the predicted ratings of all movies for users, (n_users, n_movies)."""
        movies = self.history_.movies
        scores = np.empty((len(user_ids), movies.size))
        for row in range(len(user_ids)):
            user_id = user_ids[row : row + 1]
            scores[row] = predict_for_user(
                self.pipeline, self.history_, user_id, stars[row], movies
            )
        return scores


def _by_taste(pipeline, history):
    """Fit a `MovieRanker`; take the pipeline's factors, so that none are fitted twice.

    (If a step of your own stands before them, they may be of other movies.)
    """
    factors = None
    is_alone = all(_changes_nothing(step) for _, step in pipeline.steps[:-1])
    if is_alone and isinstance(pipeline[-1], MatrixFactorization):
        factors = pipeline[-1]
    return MovieRanker().fit_history(history, factors)


def _changes_nothing(step):
    is_identity = isinstance(step, FunctionTransformer) and step.func is None
    return step is None or step == "passthrough" or is_identity


#: The rankers that `SklearnEcosystemPipeline(ranker=...)` knows by name: functions of
#: the trained pipeline and of the history of its training.
RANKERS = {
    "taste": _by_taste,
    "popularity": lambda _, history: PopularityRanker().fit_history(history),
    "rating": lambda pipeline, history: RatingRanker(pipeline).fit_history(history),
}


def check_ranker(ranker):
    """Raise a ValueError if `ranker` is neither a name nor a ranker."""
    if isinstance(ranker, str) and ranker in RANKERS:
        return
    if isinstance(ranker, MovieRanker):
        ranker.check()
    is_estimator = isinstance(ranker, TopN) and isinstance(ranker, BaseEstimator)
    # A `RatingRanker` needs the pipeline that is trained only now.
    if not is_estimator or isinstance(ranker, RatingRanker):
        raise ValueError(
            f"ranker must be one of {list(RANKERS)} or a ranker such as MovieRanker(), "
            f"got {shorten(ranker)}."
        )


def fit_ranker(ranker, pipeline, history):
    """Return a fitted ranker of a name, or a fitted copy of a ranker."""
    if isinstance(ranker, str):
        return RANKERS[ranker](pipeline, history)
    return clone(ranker).fit_history(history)
