"""What is gained if factors shrink to a regression, and not to 0? A prototype.

    python benchmarks/regression_factors.py [MOVIELENS]

`RegressionFactorization` is `MatrixFactorization` with one change: biases and free
factors shrink to what is expected of a user or movie by who rates what, by genres and
by year (Agarwal and Chen, KDD 2009). Printed: the RMSE of both on five folds, and the
processor time of a fit, for the synthetic table and for a release.
"""

import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import KFold
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.validation import validate_data

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import (
    MatrixFactorization,
    MovieRecommendationDataset,
    load_movielens,
    rating_metrics,
)
from recommender.factors import ROWS_AT_ONCE, _AlternatingFit
from recommender.matrix import MovieContent, rating_matrix, with_values
from recommender.table import positions_of, table_ids

#: Patterns of who rates what that the regressions of the users' and movies' sides use.
N_REGRESSION_PATTERNS = 32

#: The ridge penalty on the coefficients of these regressions.
REGRESSION_PENALTY = 10.0

#: The damping of the means that stand for an unknown user or movie, in ratings.
UNKNOWN_DAMPING = 30.0


class RegressionFactorization(MatrixFactorization):
    """A `MatrixFactorization` whose biases and free factors shrink to a regression.

    With the `squared` and `right` of `MatrixFactorization`, the sums in the denominator
    and the numerator, a side of a factor is ::

        p[u] = (right[u] + penalty expected[u]) / (squared[u] + penalty)

    A bias is a factor whose other side is 1. What is `expected` comes from the features
    of a user or a movie (Agarwal and Chen, "Regression-based Latent Factor Models", KDD
    2009). Each half step fits this regression anew. With F the features of all users,
    one column per user, it solves ::

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
    n_factors, n_patterns, content, regularization, damping, n_sweeps, cv, random_state
        As in `MatrixFactorization`, with other defaults for `regularization` and
        `n_sweeps`.

    Attributes
    ----------
    user_offset_ : ndarray of shape (n_users,), in stars
        What a user's rated movies have beyond genres and year: the part of a user's
        estimate for an unknown movie.
    movie_offset_ : ndarray of shape (n_movies,), in stars
        What the factors add for those who rated a movie: the part of a movie's estimate
        for an unknown user.
    content_coefficients_ : ndarray of shape (n_content, 1 + n_factors)
        The bias and the free factors that genres and year let expect.
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
        super().__init__(
            n_factors,
            n_patterns,
            content,
            regularization,
            damping,
            n_sweeps,
            cv,
            random_state,
        )

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
        self : RegressionFactorization

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
        solver = _RegressionFit(
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

    def _estimate(self, X):
        """Return the estimates of `MatrixFactorization`, with what is unknown added."""
        user_ids, movie_ids = table_ids(X)
        user = positions_of(self.users_, user_ids)
        movie = positions_of(self.movies_, movie_ids)
        estimates = super()._estimate(X)
        is_new_user = (user < 0) & (movie >= 0)
        estimates[is_new_user] += self.movie_offset_[movie[is_new_user]]

        new_rows = np.flatnonzero((user >= 0) & (movie < 0))
        estimates[new_rows] += self.user_offset_[user[new_rows]]
        if self.content_ is not None and new_rows.size:
            content = self.content_.transform(X.iloc[new_rows])
            bias_and_free = content @ self.content_coefficients_
            # The free factors are the last.
            first_free = self.user_factors_.shape[1] - (bias_and_free.shape[1] - 1)
            taste_for_free = self.user_factors_[user[new_rows], first_free:]
            estimates[new_rows] += bias_and_free[:, 0]
            estimates[new_rows] += (taste_for_free * bias_and_free[:, 1:]).sum(axis=1)
        return estimates


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


class _RegressionFit(_AlternatingFit):
    """The working memory of `RegressionFactorization.fit`.

    Each half step computes `squared` and `right` for one side of a factor, and
    `_half_step` does the rest.

    Parameters
    ----------
    residuals : csr_matrix of shape (n_users, n_movies)
        The ratings less their mean, in units of their spread; changed in place.
    movie_factors, n_given, damping, regularization
        As in `_AlternatingFit`.
    user_regressors, movie_regressors : ndarray of shape (n_regressors, n)
        What the regressions know of each user and of each movie.
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
        super().__init__(residuals, movie_factors, n_given, damping, regularization)
        n_free = len(movie_factors) - n_given
        self.user_regressors = user_regressors
        self.movie_regressors = movie_regressors
        # One column for the bias, then one for each free factor.
        self.movie_coefficients = np.zeros((len(movie_regressors), 1 + n_free))

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

    def _fit_factor(self, factor):
        if factor < self.n_given:
            self._fit_given(factor)
        else:
            self._fit_free(factor)

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
        p = self.user_factors[factor]
        q = self.movie_factors[factor]
        self._add_to_residuals(p, q)

        squared, right = self._sums_of_users(q, self.movie_variances[factor])
        p, _ = _half_step(squared, right, self.regularization, self.user_regressors)
        p_variance = self.noise / (squared + self.regularization)

        squared, right = self._sums_of_movies(p, p_variance)
        q, self.movie_coefficients[:, 1 + factor - self.n_given] = _half_step(
            squared, right, self.regularization, self.movie_regressors
        )
        self.movie_variances[factor] = self.noise / (squared + self.regularization)

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
