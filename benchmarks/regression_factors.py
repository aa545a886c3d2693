"""What is gained if factors shrink to a regression, and not to 0? A prototype.

    python benchmarks/regression_factors.py [MOVIELENS]

`RegressionFactorization` is `MatrixFactorization` with one change: biases and free
factors shrink to what is expected of a user or movie by who rates what, by genres and
by year (Agarwal and Chen, KDD 2009). It is meant to take the place of
recommender/factors.py. Printed: the RMSE of both on five folds, and the processor time
of a fit, for the synthetic table and for a release.
"""

import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.model_selection import KFold
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.validation import check_is_fitted, validate_data

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import (
    MatrixFactorization,
    MovieRecommendationDataset,
    load_movielens,
    rating_metrics,
)
from recommender.matrix import MovieContent, rating_matrix, with_values
from recommender.table import (
    TakesTables,
    check_number,
    check_ratings,
    id_values,
    latest_rows,
    lookup,
    positions_of,
    table_ids,
)

#: Rows that are predicted at a time, so that their factors fit into memory.
ROWS_AT_ONCE = 2**14

#: Patterns of who rates what that the regressions of the users' and movies' sides use.
N_REGRESSION_PATTERNS = 32

#: The ridge penalty on the coefficients of these regressions.
REGRESSION_PENALTY = 10.0

#: The damping of the means that stand for an unknown user or movie, in ratings.
UNKNOWN_DAMPING = 30.0


class RegressionFactorization(
    TakesTables, RegressorMixin, TransformerMixin, BaseEstimator
):
    """Predict ratings from what users and movies have in common.

    A rating is a mean, two biases, and how well a taste fits a movie::

        rating[u, m] = mean + user_bias[u] + movie_bias[m]
                       + user_factors[u] . movie_factors[m]

    Some factors of the movies are given: their genres and year, and the strongest
    patterns of who rates what (the first singular vectors of the matrix that has 1
    where there is a rating and 0 elsewhere). The other factors are free.

    The factors are fitted one after the other, by coordinate descent (CCD++: Yu, Hsieh,
    Si and Dhillon, "Scalable Coordinate Descent Approaches to Parallel Matrix
    Factorization", ICDM 2012). With r the residuals that everything else leaves over, p
    the users' side of a factor and q the movies' side, p is a ridge regression on q::

        squared[u] = sum of w[u] (q[m]^2 + var q[m])
        right[u] = sum of w[u] q[m] r[u, m]
        p[u] = (right[u] + penalty expected[u]) / (squared[u] + penalty)

    where both sums go over the movies that u rated. The movies' side of a free factor
    is fitted in the same way, with p and q exchanged; a bias is a factor whose other
    side is 1. A fitted side is an estimate, so its variance is added to its square (Lim
    and Teh, "Variational Bayesian Approach to Movie Rating Prediction", KDD Cup 2007).
    Users whose ratings scatter widely have a smaller weight w.

    With few ratings, a side shrinks to what is `expected` from the features of a user
    or a movie (Agarwal and Chen, "Regression-based Latent Factor Models", KDD 2009).
    Each half step fits this regression anew. With F the features of all users, one
    column per user, it solves ::

        (F W F' + 10 I) b = F (penalty right / (squared + penalty))
        W = diagonal of penalty squared / (squared + penalty)
        expected = F' b

    which is a ridge regression on the unpenalized estimates, right / squared, with the
    weights W. The features are 1 and the 32 strongest patterns of who rates what; those
    of movies are also genres and year. All but the 1 are centred. The users' sides of
    given factors have the 1 alone, so they shrink to a common mean.

    All penalties are relative to the spread of the ratings, so their unit is no matter.

    A pair with an unknown side lacks some parts of the sum. Users rate movies that they
    like, so the mean of these parts over the ratings of the known side is not 0, and
    this mean, damped by 30 ratings, takes their place. For an unknown movie, the parts
    that its genres and year let expect are taken from them instead. A pair of which
    nothing is known gets the mean rating.

    Parameters
    ----------
    n_factors : int, default=8
        The number of free factors.
    n_patterns : int, default=8
        The number of factors that are given by who rates what.
    content : bool, default=True
        Whether the columns `genre` and `movie_year` give factors, too.
    regularization : float, default=7.0
        The penalty on the users' and movies' sides of all factors, in ratings.
    damping : float, default=3.0
        The penalty on the biases, in ratings.
    n_sweeps : int, default=6
        How often all biases and factors are fitted in turn.
    cv : int, default=5
        The number of folds of `fit_transform`.
    random_state : int, RandomState or None, default=0
        The seed of the free factors and of the folds.

    Attributes
    ----------
    users_, movies_ : ndarray of int64
        The ids of the training, sorted.
    global_mean_ : float
        The mean rating, in stars.
    user_bias_, movie_bias_ : ndarray of shape (n_users,), (n_movies,)
        In stars.
    user_factors_, movie_factors_ : ndarray of shape (n_users, n), (n_movies, n)
        The given factors (genres, year, patterns), then the free ones.
    user_offset_ : ndarray of shape (n_users,), in stars
        What a user's rated movies have beyond genres and year: the part of a user's
        estimate for an unknown movie.
    movie_offset_ : ndarray of shape (n_movies,), in stars
        What the factors add for those who rated a movie: the part of a movie's estimate
        for an unknown user.
    content_coefficients_ : ndarray of shape (n_content, 1 + n_factors)
        The bias and the free factors that genres and year let expect.
    content_ : MovieContent or None
        What describes a movie that is not in the training.
    y_min_, y_max_ : float
        The scale of the ratings, in stars.
    """

    def __init__(
        self,
        n_factors=8,
        n_patterns=8,
        content=True,
        regularization=7.0,
        damping=3.0,
        n_sweeps=6,
        cv=5,
        random_state=0,
    ):
        self.n_factors = n_factors
        self.n_patterns = n_patterns
        self.content = content
        self.regularization = regularization
        self.damping = damping
        self.n_sweeps = n_sweeps
        self.cv = cv
        self.random_state = random_state

    def fit(self, X, y=None):
        """Learn biases and factors from ratings.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            A table of ratings; `genre` and `movie_year` are used where they exist.
        y : array-like of shape (n_rows,), in stars, default=None
            The ratings; None: those in the column `rating` of `X`.

        Returns
        -------
        self : MatrixFactorization

        Raises
        ------
        ValueError, TypeError
            If a parameter, the table or the ratings are refused.
        """
        self._check_parameters()
        rng = check_random_state(self.random_state)
        matrix = rating_matrix(X, y)
        stars = matrix.stars
        free = rng.standard_normal((self.n_factors, matrix.movies.size))

        patterns = _rating_patterns(
            stars, max(self.n_patterns, N_REGRESSION_PATTERNS), rng
        )
        content = None
        content_factors = np.zeros((0, matrix.movies.size))
        if self.content:
            content = MovieContent().fit(matrix.movie_rows)
            content_factors = content.transform(matrix.movie_rows).T
        pattern_factors = patterns.movie_vectors[: self.n_patterns]
        longest = np.linalg.norm(pattern_factors, axis=0).max()
        n_content = len(content_factors)
        n_given = n_content + len(pattern_factors)

        mean = stars.data.mean()
        spread = stars.data.std() or 1.0
        solver = _AlternatingFit(
            with_values(stars, (stars.data - mean) / spread),
            np.vstack([content_factors, pattern_factors / longest, free]),
            n_given,
            _regressors(patterns.of_users[:N_REGRESSION_PATTERNS]),
            _regressors(
                np.vstack([content_factors, patterns.of_movies[:N_REGRESSION_PATTERNS]])
            ),
            self.damping,
            self.regularization,
        )
        solver.run(self.n_sweeps)
        # The first coefficient is that of the constant.
        content_coefficients = solver.movie_coefficients[1 : 1 + n_content]
        user_offset = solver.user_offset(content_factors, content_coefficients)
        movie_offset = solver.movie_offset()

        validate_data(self, X, skip_check_array=True)  # records the columns' names
        self.users_ = matrix.users
        self.movies_ = matrix.movies
        self.content_ = content
        self.y_min_ = stars.data.min()
        self.y_max_ = stars.data.max()
        self.global_mean_ = mean
        self.user_bias_ = solver.user_bias * spread
        self.movie_bias_ = solver.movie_bias * spread
        self.user_factors_ = solver.user_factors.T * spread
        self.movie_factors_ = solver.movie_factors.T.copy()
        self.user_offset_ = user_offset * spread
        self.movie_offset_ = movie_offset * spread
        self.content_coefficients_ = content_coefficients.copy()
        self.content_coefficients_[:, 0] *= spread
        return self

    def predict(self, X):
        """Predict ratings, kept to the scale of the training.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            Rows with `user_id` and `movie_id`; genres and year describe a new movie.

        Returns
        -------
        ratings : ndarray of shape (n_rows,), in stars
        """
        check_is_fitted(self)
        return np.clip(self._estimate(X), self.y_min_, self.y_max_)

    def fit_transform(self, X, y=None):
        """Fit on all rows, and return cross-fitted estimates of their ratings.

        Each row's estimate comes from a fit on the folds that the row is not in, so it
        differs from ``fit(X, y).transform(X)``. A model must be trained on this one.

        Parameters
        ----------
        X, y
            As in `fit`.

        Returns
        -------
        estimates : ndarray of shape (n_rows, 1), in stars
        """
        is_latest = latest_rows(X)
        ratings = check_ratings(X, y)
        estimates = np.empty(len(X))
        folds = KFold(self.cv, shuffle=True, random_state=self.random_state)
        for other_folds, held_out in folds.split(X):
            training = other_folds[is_latest[other_folds]]  # not what a later replaces
            model = clone(self).fit(X.iloc[training], ratings[training])
            estimates[held_out] = model._estimate(X.iloc[held_out])
        self.fit(X, y)
        return estimates[:, None]

    def transform(self, X):
        """Return the estimated ratings as a feature, not kept to the scale.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            As in `predict`.

        Returns
        -------
        estimates : ndarray of shape (n_rows, 1), in stars
        """
        check_is_fitted(self)
        return self._estimate(X)[:, None]

    def get_feature_names_out(self, input_features=None):
        """Return the name of the feature that `transform` makes."""
        name = "factor_rating" if self.content else "factor_rating_of_ids"
        return np.array([name], dtype=object)

    def predict_new(self, rated, stars, movie_ids):
        """Predict the ratings of a new user, without training again.

        Bias and factors are fitted as in the training, but shrink to 0: the few ratings
        of a new user say too little of which movies the user rates. Without a single
        rating, the predictions are those of `predict` for an unknown user.

        Parameters
        ----------
        rated : array-like of shape (n_rated,)
            The ids of the movies that the user has rated; unknown ones are ignored.
        stars : array-like of shape (n_rated,), in stars
            How the user has rated them.
        movie_ids : array-like of shape (n_movies,)
            The movies to predict. An unknown one is like those that the user has rated.

        Returns
        -------
        ratings : ndarray of shape (n_movies,), in stars
        """
        check_is_fitted(self)
        rated_ids = id_values(rated, "rated")
        asked_ids = id_values(movie_ids, "movie_ids")
        rated_movie = positions_of(self.movies_, rated_ids)
        asked_movie = positions_of(self.movies_, asked_ids)
        is_known = rated_movie >= 0
        movie = rated_movie[is_known]
        stars = check_ratings(rated_ids, stars)[is_known]

        # One ridge regression gives the bias (its column is 1) and all factors.
        columns = np.column_stack([np.ones(movie.size), self.movie_factors_[movie]])
        n_factors = self.movie_factors_.shape[1]
        penalty = np.diag([self.damping] + [self.regularization] * n_factors)
        residuals = stars - self.global_mean_ - self.movie_bias_[movie]
        bias_and_factors = np.linalg.lstsq(
            columns.T @ columns + penalty, columns.T @ residuals, rcond=None
        )[0]

        bias = bias_and_factors[0]
        beyond_bias = self.movie_bias_ + self.movie_factors_ @ bias_and_factors[1:]
        of_unknown_movie = beyond_bias[movie].sum() / (movie.size + UNKNOWN_DAMPING)
        # What the factors add for others counts less, the more the user has rated.
        share = self.regularization / (movie.size + self.regularization)
        beyond_bias += share * self.movie_offset_
        ratings = (
            self.global_mean_
            + bias
            + lookup(beyond_bias, asked_movie, of_unknown_movie)
        )
        return np.clip(ratings, self.y_min_, self.y_max_)

    def _check_parameters(self):
        check_number("n_factors", self.n_factors, 0, integer=True)
        check_number("n_patterns", self.n_patterns, 0, integer=True)
        check_number("n_sweeps", self.n_sweeps, 1, integer=True)
        check_number("regularization", self.regularization, 1e-9)
        check_number("damping", self.damping, 0)

    def _estimate(self, X):
        """Return the formula of the class docstring for each row, in stars."""
        user_ids, movie_ids = table_ids(X)
        user = positions_of(self.users_, user_ids)
        movie = positions_of(self.movies_, movie_ids)
        estimates = (
            self.global_mean_
            + lookup(self.user_bias_, user, 0.0)
            + lookup(self.movie_bias_, movie, 0.0)
        )
        for rows in gen_batches(len(X), ROWS_AT_ONCE):
            user_side = lookup(self.user_factors_, user[rows], 0.0)
            movie_side = lookup(self.movie_factors_, movie[rows], 0.0)
            estimates[rows] += (user_side * movie_side).sum(axis=1)

        is_new_user = (user < 0) & (movie >= 0)
        estimates[is_new_user] += self.movie_offset_[movie[is_new_user]]
        new_movie_rows = np.flatnonzero((user >= 0) & (movie < 0))
        if new_movie_rows.size:
            estimates[new_movie_rows] += self._estimate_new_movies(
                X.iloc[new_movie_rows], user[new_movie_rows]
            )
        return estimates

    def _estimate_new_movies(self, X, user):
        """Return what an unknown movie adds to the mean and the user's bias, in stars.

        `user` is the position of each row's user in `users_`.
        """
        if self.content_ is None:
            return self.user_offset_[user]
        content = self.content_.transform(X)
        bias_and_free = content @ self.content_coefficients_
        # Genres and year are the first factors, the free ones are the last.
        n_content = content.shape[1]
        first_free = self.user_factors_.shape[1] - (bias_and_free.shape[1] - 1)
        taste_for_content = self.user_factors_[user, :n_content]
        taste_for_free = self.user_factors_[user, first_free:]
        return (
            self.user_offset_[user]
            + bias_and_free[:, 0]
            + (taste_for_content * content).sum(axis=1)
            + (taste_for_free * bias_and_free[:, 1:]).sum(axis=1)
        )


class _RatingPatterns(NamedTuple):
    """The strongest patterns of who rates what, strongest first."""

    movie_vectors: np.ndarray  # (n_patterns, n_movies)
    of_users: np.ndarray  # (n_patterns, n_users)
    of_movies: np.ndarray  # (n_patterns, n_movies)


def _rating_patterns(stars, n_patterns, rng):
    """Return the strongest patterns, from the matrix that has 1 for each rating.

    They are its first singular vectors, each times its singular value. In `of_users`
    and `of_movies`, the vector of a user or a movie is divided by the root of the
    number of its ratings: it says which ratings there are rather than how many.
    """
    n_users, n_movies = stars.shape
    rated = with_values(stars, np.ones(stars.nnz))
    n_patterns = min(n_patterns, n_users, n_movies)
    V, s, Ut = randomized_svd(rated.T, n_patterns, random_state=rng)
    movie_vectors = (V * s).T
    user_vectors = (Ut.T * s).T
    n_ratings_of_user = np.diff(stars.indptr)
    n_ratings_of_movie = np.bincount(stars.indices, minlength=n_movies)
    return _RatingPatterns(
        movie_vectors=movie_vectors,
        of_users=user_vectors / np.sqrt(n_ratings_of_user),
        of_movies=movie_vectors / np.sqrt(n_ratings_of_movie),
    )


def _regressors(features):
    """Return 1 and the centred features, (1 + n_features, n), for features in rows."""
    ones = np.ones(features.shape[1])
    return np.vstack([ones, features - features.mean(axis=1, keepdims=True)])


def _half_step(squared, right, penalty, regressors):
    """Fit one side of a factor: a ridge regression that shrinks to a regression.

    The formulas are those of `MatrixFactorization`.

    Parameters
    ----------
    squared, right : ndarray of shape (n,)
        The two sums over the ratings of each user, or of each movie.
    penalty : float
        How strongly the side shrinks to what is expected.
    regressors : ndarray of shape (n_regressors, n)
        What the regression knows of each user, or of each movie.

    Returns
    -------
    side : ndarray of shape (n,)
    coefficients : ndarray of shape (n_regressors,)
    """
    total = squared + penalty
    roots = np.sqrt(penalty * squared / total)
    gram = REGRESSION_PENALTY * np.eye(len(regressors))
    for columns in gen_batches(squared.size, ROWS_AT_ONCE):
        weighted = regressors[:, columns] * roots[columns]
        gram += weighted @ weighted.T
    coefficients = np.linalg.solve(gram, regressors @ (penalty * right / total))
    expected = coefficients @ regressors
    return (right + penalty * expected) / total, coefficients


class _AlternatingFit:
    """Fit biases and factors in turn: the working memory of `MatrixFactorization.fit`.

    In the words of the formulas in `MatrixFactorization`, each half step computes
    `squared` and `right` for one side of a factor, and `_half_step` does the rest.

    Parameters
    ----------
    residuals : csr_matrix of shape (n_users, n_movies)
        The ratings less their mean, in units of their spread; changed in place.
    movie_factors : ndarray of shape (n_factors, n_movies)
        Given factors, then the starting values of the free ones.
    n_given : int
        The number of given factors.
    user_regressors, movie_regressors : ndarray of shape (n_regressors, n)
        What the regressions know of each user and of each movie.
    damping, regularization : float
        The penalties on biases and factors.
    """

    def __init__(
        self,
        residuals,
        movie_factors,
        n_given,
        user_regressors,
        movie_regressors,
        damping,
        regularization,
    ):
        n_users, n_movies = residuals.shape
        n_free = len(movie_factors) - n_given
        self.residuals = residuals
        self.rated = with_values(residuals, np.ones(residuals.nnz))
        self.n_ratings = np.diff(residuals.indptr)  # of each user
        self.weights = np.ones(n_users)
        self.noise = 0.0  # the variance of a residual of weight 1
        self.n_given = n_given
        self.user_regressors = user_regressors
        self.movie_regressors = movie_regressors
        self.damping = damping
        self.regularization = regularization
        self.user_bias = np.zeros(n_users)
        self.movie_bias = np.zeros(n_movies)
        self.user_factors = np.zeros((len(movie_factors), n_users))
        self.movie_factors = movie_factors
        self.movie_variances = np.zeros((n_free, n_movies))
        # One column for the bias, then one for each free factor.
        self.movie_coefficients = np.zeros((len(movie_regressors), 1 + n_free))

    def run(self, n_sweeps):
        """Fit the biases alone, then biases and factors `n_sweeps` times."""
        self._fit_biases()
        self._weigh_users()
        for _ in range(n_sweeps):
            self._measure_noise()
            self._fit_biases()
            for factor in range(self.n_given):
                self._fit_given(factor)
            for factor in range(self.n_given, len(self.movie_factors)):
                self._fit_free(factor)

    def user_offset(self, content_factors, content_coefficients):
        """Return the mean of what is unknown of an unknown movie, (n_users,), damped.

        That is the movies' bias and factors, less what genres and year let expect.
        """
        expected = content_coefficients.T @ content_factors  # the bias, then the free
        unknown_bias = self.movie_bias - expected[0]
        total = self.rated @ unknown_bias
        for factor in range(len(content_factors), len(self.movie_factors)):
            unknown = self.movie_factors[factor]
            if factor >= self.n_given:
                unknown = unknown - expected[1 + factor - self.n_given]
            total += self.user_factors[factor] * (self.rated @ unknown)
        return total / (self.n_ratings + UNKNOWN_DAMPING)

    def movie_offset(self):
        """Return the mean of what the factors add to a movie, (n_movies,), damped."""
        n_ratings = np.bincount(self.rated.indices, minlength=self.movie_bias.size)
        total = np.zeros_like(self.movie_bias)
        for p, q in zip(self.user_factors, self.movie_factors):
            total += q * (self.rated.T @ p)
        return total / (n_ratings + UNKNOWN_DAMPING)

    def _fit_biases(self):
        every_user = np.ones_like(self.user_bias)
        every_movie = np.ones_like(self.movie_bias)

        self._add_to_residuals(every_user, self.movie_bias)
        squared, right = self._sums_of_movies(every_user, 0.0)
        self.movie_bias, self.movie_coefficients[:, 0] = _half_step(
            squared, right, self.damping, self.movie_regressors
        )
        self._add_to_residuals(-every_user, self.movie_bias)

        self._add_to_residuals(self.user_bias, every_movie)
        squared, right = self._sums_of_users(every_movie, 0.0)
        self.user_bias, _ = _half_step(
            squared, right, self.damping, self.user_regressors
        )
        self._add_to_residuals(-self.user_bias, every_movie)

    def _fit_given(self, factor):
        p = self.user_factors[factor]
        q = self.movie_factors[factor]
        squared, right = self._sums_of_users(q, 0.0)
        # The residuals lack the old p. As q is exact, `squared` can add it back to the
        # sum, which is quicker than adding it back to each residual.
        right += squared * p
        only_the_mean = self.user_regressors[:1]
        new_p, _ = _half_step(squared, right, self.regularization, only_the_mean)
        self._add_to_residuals(p - new_p, q)
        self.user_factors[factor] = new_p

    def _fit_free(self, factor):
        free = factor - self.n_given
        p = self.user_factors[factor]
        q = self.movie_factors[factor]
        self._add_to_residuals(p, q)

        squared, right = self._sums_of_users(q, self.movie_variances[free])
        p, _ = _half_step(squared, right, self.regularization, self.user_regressors)
        p_variance = self.noise / (squared + self.regularization)

        squared, right = self._sums_of_movies(p, p_variance)
        q, self.movie_coefficients[:, 1 + free] = _half_step(
            squared, right, self.regularization, self.movie_regressors
        )
        self.movie_variances[free] = self.noise / (squared + self.regularization)

        self._add_to_residuals(-p, q)
        self.user_factors[factor] = p
        self.movie_factors[factor] = q

    def _sums_of_users(self, movie_side, movie_variance):
        """Return `squared` and `right` of the users' side of a factor."""
        squared = self.weights * (self.rated @ (movie_side**2 + movie_variance))
        right = self.weights * (self.residuals @ movie_side)
        return squared, right

    def _sums_of_movies(self, user_side, user_variance):
        """Return `squared` and `right` of the movies' side of a factor."""
        squared = self.rated.T @ (self.weights * (user_side**2 + user_variance))
        right = self.residuals.T @ (self.weights * user_side)
        return squared, right

    def _add_to_residuals(self, user_side, movie_side):
        change = movie_side.take(self.residuals.indices)
        change *= np.repeat(user_side, self.n_ratings)
        self.residuals.data += change

    def _weigh_users(self):
        """Give users whose residuals scatter widely a smaller weight, 1 / spread.

        The spread is damped: a user with few ratings has nearly that of all ratings.
        The weights are 1 on average over the ratings.
        """
        squares = self._squares()
        mean_square = max(squares.sum() / self.rated.nnz, 1e-12)
        strength = max(self.damping, 1.0)  # in ratings
        spread = np.sqrt(
            (squares + strength * mean_square) / (self.n_ratings + strength)
        )
        self.weights = 1 / spread
        self.weights /= np.average(self.weights, weights=self.n_ratings)

    def _measure_noise(self):
        self.noise = self.weights @ self._squares() / self.rated.nnz

    def _squares(self):
        """Return the sum of the squared residuals of each user."""
        return np.add.reduceat(self.residuals.data**2, self.residuals.indptr[:-1])


def compare(table):
    """Print the RMSE of both models on five folds, and the time of a fit."""
    for model in (MatrixFactorization(), RegressionFactorization()):
        errors = []
        start = time.process_time()
        for train, test in KFold(5, shuffle=True, random_state=0).split(table):
            model.fit(table.iloc[train])
            predicted = model.predict(table.iloc[test])
            errors.append(rating_metrics(table["rating"].iloc[test], predicted)["RMSE"])
        seconds = (time.process_time() - start) / 5
        name = type(model).__name__
        print(f"{name:24} {np.mean(errors):.4f} {seconds:6.2f} s a fold")


def main():
    """Compare both models on each table."""
    tables = {"synthetic": MovieRecommendationDataset().generate()}
    for path in sys.argv[1:]:
        tables[Path(path).name] = load_movielens(path)
    for name, table in tables.items():
        print(f"{name}, {len(table)} ratings")
        compare(table)


if __name__ == "__main__":
    main()
