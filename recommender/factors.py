"""Biased matrix factorization: which rating would a user give to a movie?"""

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.validation import check_is_fitted, validate_data

from .checks import check_number, check_seed
from .ids import id_values, lookup, positions_of
from .matrix import MovieContent, rating_matrix, with_values
from .table import TakesTables, check_ratings, latest_rows, table_ids

#: The columns that say what a movie is.
CONTENT = ["genre", "movie_year"]

#: Rows that are predicted at a time, so that their factors fit into memory.
ROWS_AT_ONCE = 2**14

#: The ridge penalty on the coefficients of all regressions on features.
FEATURE_PENALTY = 10.0

#: The damping of the means that stand for an unknown user or movie, in ratings.
UNKNOWN_DAMPING = 10.0


class MatrixFactorization(TakesTables, RegressorMixin, TransformerMixin, BaseEstimator):
    """Predict ratings from what users and movies have in common.

    A rating is a mean, two biases, and how well a taste fits a movie::

        rating[u, m] = mean + user_bias[u] + movie_bias[m]
                       + user_factors[u] . movie_factors[m]

    The factors are fitted one after the other, by coordinate descent (CCD++: Yu, Hsieh,
    Si and Dhillon, "Scalable Coordinate Descent Approaches to Parallel Matrix
    Factorization", ICDM 2012). Alternating least squares (ALS) differs: it solves for
    all factors of a user at once, and then for all factors of a movie. With r the
    residuals that everything else leaves over, p the users' side of a factor and q the
    movies' side, p is a ridge regression on q::

        squared[u] = sum of w[u] (q[m]^2 + var q[m])
        right[u] = sum of w[u] q[m] r[u, m]
        p[u] = (right[u] + penalty expected[u]) / (squared[u] + penalty)
        var p[u] = noise / (squared[u] + penalty)

    where both sums go over the movies that u rated. The movies' side is fitted in the
    same way, with p and q exchanged; a bias is a factor whose other side is 1. A fitted
    side is an estimate, so its variance is added to its square (Lim and Teh,
    "Variational Bayesian Approach to Movie Rating Prediction", KDD Cup 2007). Users
    whose ratings scatter widely have a smaller weight w.

    With few ratings, a side shrinks to what is `expected` of such a user or movie
    (Agarwal and Chen, "Regression-based Latent Factor Models", KDD 2009). The features
    F of a user or a movie, one row each, are a 1 and the strongest patterns of who
    rates what; those of movies are also genres and year. (The patterns are the first
    singular vectors of the matrix that has 1 where there is a rating and 0 elsewhere,
    times their singular values, and divided by the root of the number of ratings of the
    user or movie. All but the 1 is centred.) Whenever a side is fitted, b is fitted
    first::

        W = diagonal of penalty squared / (squared + penalty)
        (F' W F + 10 I) b = F' (penalty right / (squared + penalty))
        expected = F b

    This is a ridge regression of right / squared, the estimate that does not shrink,
    with the weights W: who has many ratings counts more.

    A pair with an unknown user or movie lacks parts of the sum. Users rate what they
    like, so the mean of these parts over the ratings of the known movie or user is not
    0. This mean, damped, takes their place. For a known user, a new movie
    also has the bias and the factors that movies of its genres and year have. A new
    user and a new movie together get the mean rating.

    Parameters
    ----------
    n_factors : int, default=12
        The number of factors.
    n_patterns : int, default=32
        The number of patterns of who rates what.
    content : bool, default=True
        Whether the columns `genre` and `movie_year` are used.
    regularization : float, default=7.0
        The penalty on the users' and movies' sides of all factors, in ratings.
    damping : float, default=3.0
        The penalty on the biases, in ratings.
    n_sweeps : int, default=8
        How often all biases and factors are fitted in turn.
    cv : int, default=5
        The number of folds of `fit_transform`.
    random_state : int, RandomState or None, default=0
        The seed of the factors and of the folds.

    Attributes
    ----------
    users_, movies_ : ndarray of int64
        The ids of the training, sorted.
    global_mean_ : float
        The mean rating, in stars.
    user_bias_, movie_bias_ : ndarray of shape (n_users,), (n_movies,)
        In stars.
    user_factors_, movie_factors_ : ndarray of shape (n_users, n), (n_movies, n)
        The users' factors are in stars, the movies' have no unit.
    user_offset_ : ndarray of shape (n_users,)
        How much better than their genres and year the movies of a user are for this
        user, in stars.
    movie_offset_ : ndarray of shape (n_movies,)
        What the factors add for those who rated a movie, in stars.
    content_ : MovieContent
        What describes a movie that is not in the training.
    content_regression_ : Ridge
        The bias and the factors of a movie, from what describes it.
    y_min_, y_max_ : float
        The scale of the ratings, in stars.

    Examples
    --------
    >>> from lesson_code import MatrixFactorization, MovieRecommendationDataset
    >>> table = MovieRecommendationDataset(100, 50, 1000).generate()
    >>> model = MatrixFactorization().fit(table[:800])
    >>> model.predict(table[800:]).shape
    (200,)
    """

    def __init__(
        self,
        n_factors=12,
        n_patterns=32,
        content=True,
        regularization=7.0,
        damping=3.0,
        n_sweeps=8,
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
        return self._fit_matrix(rating_matrix(X, y), X)

    def fit_history(self, history):
        """Learn from a `RatingHistory`, as from the table that it was made of."""
        self._check_parameters()
        return self._fit_matrix(history.matrix())

    def _fit_matrix(self, matrix, X=None):
        """Learn from a `RatingMatrix`, and from `X` the names of its columns."""
        rng = check_random_state(self.random_state)
        stars = matrix.stars
        first_factors = rng.standard_normal((self.n_factors, matrix.movies.size))

        user_patterns, movie_patterns = _rating_patterns(stars, self.n_patterns, rng)
        described = matrix.movie_rows
        if not self.content:
            described = described.drop(columns=CONTENT, errors="ignore")
        content = MovieContent().fit(described)
        movie_content = content.transform(described)

        # Ratings in units of their spread: the penalties fit every scale of ratings.
        mean = stars.data.mean()
        spread = stars.data.std() or 1.0  # 1 where all ratings are the same
        solver = _AlternatingFit(
            with_values(stars, (stars.data - mean) / spread),
            first_factors,
            _features(user_patterns),
            _features(np.column_stack([movie_content, movie_patterns])),
            self.damping,
            self.regularization,
        )
        solver.run(self.n_sweeps)
        user_bias = solver.user_bias * spread
        movie_bias = solver.movie_bias * spread
        user_factors = solver.user_factors.T * spread
        movie_factors = solver.movie_factors.T.copy()

        # What stands for an unknown movie or user.
        bias_and_factors = np.column_stack([movie_bias, movie_factors])
        regression = Ridge(alpha=FEATURE_PENALTY).fit(movie_content, bias_and_factors)
        expected = _expected_of_content(regression, movie_content)
        unexpected = bias_and_factors - expected
        user_offset, movie_offset = _offsets(
            stars, user_factors, movie_factors, unexpected
        )

        if X is not None:
            validate_data(self, X, skip_check_array=True)  # records the columns' names
        self.users_ = matrix.users
        self.movies_ = matrix.movies
        self.content_ = content
        self.content_regression_ = regression
        self.y_min_ = stars.data.min()
        self.y_max_ = stars.data.max()
        self.global_mean_ = mean
        self.user_bias_ = user_bias
        self.movie_bias_ = movie_bias
        self.user_factors_ = user_factors
        self.movie_factors_ = movie_factors
        self.user_offset_ = user_offset
        self.movie_offset_ = movie_offset
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
        self._check_parameters()
        n_folds = check_number("cv", self.cv, 2, integer=True)
        folds = KFold(n_folds, shuffle=True, random_state=self.random_state)
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

        A new user is like any unknown user, but for a bias and factors of their own,
        which shrink to 0. Without a rating, the predictions are those of `predict`.

        Parameters
        ----------
        rated : array-like of shape (n_rated,)
            The ids of the movies that the user has rated; unknown ones are ignored.
        stars : array-like of shape (n_rated,), in stars
            How the user has rated them.
        movie_ids : array-like of shape (n_movies,)
            The movies to predict; an unknown one gets the mean and the user's bias.

        Returns
        -------
        ratings : ndarray of shape (n_movies,), in stars
        """
        check_is_fitted(self)
        rated_ids = id_values(rated, "rated")
        asked_ids = id_values(movie_ids, "movie_ids")
        rated_movie = positions_of(self.movies_, rated_ids, "rated")
        asked_movie = positions_of(self.movies_, asked_ids, "movie_ids")
        is_known = rated_movie >= 0
        movie = rated_movie[is_known]
        stars = check_ratings(rated_ids, stars)[is_known]

        fold_in = FoldIn(self)
        side = fold_in.user_side(movie, stars)
        known = fold_in.base + fold_in.columns @ side
        of_unknown_movie = self.global_mean_ + side[0]  # the mean and the user's bias
        ratings = lookup(known, asked_movie, of_unknown_movie)
        return np.clip(ratings, self.y_min_, self.y_max_)

    def _check_parameters(self):
        check_number("n_factors", self.n_factors, 0, integer=True)
        check_number("n_patterns", self.n_patterns, 0, integer=True)
        check_number("n_sweeps", self.n_sweeps, 1, integer=True)
        check_number("regularization", self.regularization, 1e-9)
        check_number("damping", self.damping, 0)
        check_seed(self.random_state)

    def _estimate(self, X):
        """Return the formula of the class docstring for each row, in stars."""
        user_ids, movie_ids = table_ids(X)
        user = positions_of(self.users_, user_ids, "user_id")
        movie = positions_of(self.movies_, movie_ids, "movie_id")
        estimates = (
            self.global_mean_
            + lookup(self.user_bias_, user, 0.0)
            + lookup(self.movie_bias_, movie, 0.0)
        )
        for rows in gen_batches(len(X), ROWS_AT_ONCE):
            user_side = lookup(self.user_factors_, user[rows], 0.0)
            movie_side = lookup(self.movie_factors_, movie[rows], 0.0)
            estimates[rows] += (user_side * movie_side).sum(axis=1)

        new_user_rows = np.flatnonzero((user < 0) & (movie >= 0))
        estimates[new_user_rows] += self.movie_offset_[movie[new_user_rows]]
        new_movie_rows = np.flatnonzero((user >= 0) & (movie < 0))
        if new_movie_rows.size:
            estimates[new_movie_rows] += self._estimate_new_movies(
                X.iloc[new_movie_rows], user[new_movie_rows]
            )
        return estimates

    def _estimate_new_movies(self, X, user):
        """Return what a new movie adds to the mean and the user's bias, in stars.

        `user` has the position in `users_` of each row's user.
        """
        content = self.content_.transform(X)
        expected = _expected_of_content(self.content_regression_, content)
        expected_bias = expected[:, 0]
        expected_factors = expected[:, 1:]
        taste = (self.user_factors_[user] * expected_factors).sum(axis=1)
        return expected_bias + taste + self.user_offset_[user]


class FoldIn:
    """Predict ratings of users from nothing but what they have rated.

    The movies' side of a factorization stays as it is. A user's bias and factors are a
    ridge regression of the ratings less those of an unknown user.

    Parameters
    ----------
    model : MatrixFactorization
        Fitted.

    Attributes
    ----------
    base : ndarray of shape (n_movies,), in stars
        The ratings of an unknown user.
    columns : ndarray of shape (n_movies, 1 + n_factors)
        What a user's bias (a 1) and factors are multiplied with.
    penalty : ndarray of shape (1 + n_factors, 1 + n_factors)
        The penalties of bias and factors, in a diagonal.
    y_min, y_max : float
        The scale of the ratings, in stars.
    """

    def __init__(self, model):
        n_movies, n_factors = model.movie_factors_.shape
        self.base = model.global_mean_ + model.movie_bias_ + model.movie_offset_
        self.columns = np.column_stack([np.ones(n_movies), model.movie_factors_])
        self.penalty = np.diag([model.damping] + [model.regularization] * n_factors)
        self.y_min = model.y_min_
        self.y_max = model.y_max_

    def user_side(self, movie, stars):
        """Return the bias and the factors of a user, (1 + n_factors,).

        Parameters
        ----------
        movie : ndarray of shape (n_rated,)
            The positions of the movies that the user has rated.
        stars : ndarray of shape (n_rated,), in stars
        """
        if len(movie) == 0:
            return np.zeros(self.columns.shape[1])
        columns = self.columns[movie]
        gram = columns.T @ columns + self.penalty
        right = columns.T @ (stars - self.base[movie])
        return np.linalg.solve(gram, right)

    def predict(self, stars):
        """Return the ratings of all movies by users, (n_users, n_movies), in stars.

        `stars` has what they have rated, a csr_matrix of shape (n_users, n_movies).
        """
        sides = np.empty((stars.shape[0], self.columns.shape[1]))
        for user in range(stars.shape[0]):
            rated = slice(stars.indptr[user], stars.indptr[user + 1])
            sides[user] = self.user_side(stars.indices[rated], stars.data[rated])
        ratings = sides @ self.columns.T
        ratings += self.base
        return np.clip(ratings, self.y_min, self.y_max, out=ratings)


def _rating_patterns(stars, n_patterns, rng):
    """Return the strongest patterns of who rates what, for users and for movies.

    They are the first singular vectors of the matrix of 0 and 1, each times its
    singular value. The vector of a user or a movie is divided by the root of its number
    of ratings: it says which ratings there are rather than how many.

    Parameters
    ----------
    stars : csr_matrix of shape (n_users, n_movies)
    n_patterns : int
    rng : RandomState

    Returns
    -------
    user_patterns, movie_patterns : ndarray of shape (n_users, n), (n_movies, n)
    """
    n_users, n_movies = stars.shape
    n_patterns = min(n_patterns, n_users, n_movies)
    if n_patterns == 0:
        return np.zeros((n_users, 0)), np.zeros((n_movies, 0))
    rated = with_values(stars, np.ones(stars.nnz))
    U, s, Vt = randomized_svd(rated, n_patterns, random_state=rng)
    user_counts, movie_counts = _rating_counts(stars)
    user_patterns = U * s / np.sqrt(user_counts)[:, None]
    movie_patterns = Vt.T * s / np.sqrt(movie_counts)[:, None]
    return user_patterns, movie_patterns


def _rating_counts(stars):
    """Return the number of ratings of each user and of each movie."""
    user_counts = np.diff(stars.indptr)
    movie_counts = np.bincount(stars.indices, minlength=stars.shape[1])
    return user_counts, movie_counts


def _expected_of_content(regression, content):
    """Return what a regression expects of movies, (n_movies, 1 + n_factors)."""
    expected = regression.predict(content)
    return expected.reshape(len(content), -1)  # also where the bias is all there is


def _offsets(stars, user_factors, movie_factors, unexpected):
    """Return what stands for the unknown side of a pair, for users and for movies.

    Both are damped means over the ratings of the known side: how much better than their
    genres and year the movies of a user are, and what the factors add to the ratings of
    a movie.

    Parameters
    ----------
    stars : csr_matrix of shape (n_users, n_movies)
    user_factors, movie_factors : ndarray of shape (n_users, n), (n_movies, n)
    unexpected : ndarray of shape (n_movies, 1 + n)
        The bias and the factors of each movie, less those that its genres and year let
        expect.

    Returns
    -------
    user_offset, movie_offset : ndarray of shape (n_users,), (n_movies,), in stars
    """
    rated = with_values(stars, np.ones(stars.nnz))
    user_counts, movie_counts = _rating_counts(stars)
    of_movies = rated @ unexpected  # (n_users, 1 + n)
    of_users = rated.T @ user_factors  # (n_movies, n)
    user_total = of_movies[:, 0] + (user_factors * of_movies[:, 1:]).sum(axis=1)
    movie_total = (movie_factors * of_users).sum(axis=1)
    user_offset = user_total / (user_counts + UNKNOWN_DAMPING)
    movie_offset = movie_total / (movie_counts + UNKNOWN_DAMPING)
    return user_offset, movie_offset


def _features(columns):
    """Return 1 and the centred columns, (n, 1 + n_columns): features of regressions."""
    ones = np.ones(len(columns))
    return np.column_stack([ones, columns - columns.mean(axis=0)])


def _shrink_to_regression(squared, right, penalty, features):
    """Return one side of a factor, a ridge regression that shrinks to a regression.

    The formulas are those of `MatrixFactorization`.

    Parameters
    ----------
    squared, right : ndarray of shape (n,)
        The two sums over the ratings of each user, or of each movie.
    penalty : float
        How strongly the side shrinks to what is expected.
    features : ndarray of shape (n, n_features)
        What the regression knows of each user, or of each movie.

    Returns
    -------
    side : ndarray of shape (n,)
    """
    total = squared + penalty
    weights = penalty * squared / total
    gram = features.T @ (weights[:, None] * features)
    gram += FEATURE_PENALTY * np.eye(len(gram))
    coefficients = np.linalg.solve(gram, features.T @ (penalty * right / total))
    expected = features @ coefficients
    return (right + penalty * expected) / total


class _AlternatingFit:
    """Fit biases and factors in turn: the working memory of `MatrixFactorization.fit`.

    A side of a factor is a ridge regression on the other side. `squared` and `right`
    are the sums in the formula of `MatrixFactorization`.

    Parameters
    ----------
    residuals : csr_matrix of shape (n_users, n_movies)
        The ratings less their mean, in units of their spread; changed in place.
    movie_factors : ndarray of shape (n_factors, n_movies)
        The values to start from.
    user_features, movie_features : ndarray of shape (n, n_features)
        What the regressions know of each user and of each movie.
    damping, regularization : float
        The penalties on biases and factors.
    """

    def __init__(
        self,
        residuals,
        movie_factors,
        user_features,
        movie_features,
        damping,
        regularization,
    ):
        n_users, n_movies = residuals.shape
        self.residuals = residuals
        self.rated = with_values(residuals, np.ones(residuals.nnz))
        self.n_ratings = np.diff(residuals.indptr)  # of each user
        self.weights = np.ones(n_users)
        self.noise = 0.0  # the variance of a residual of weight 1
        self.user_features = user_features
        self.movie_features = movie_features
        self.damping = damping
        self.regularization = regularization
        self.user_bias = np.zeros(n_users)
        self.movie_bias = np.zeros(n_movies)
        self.user_factors = np.zeros((len(movie_factors), n_users))
        self.movie_factors = movie_factors
        self.movie_variances = np.zeros_like(movie_factors)

    def run(self, n_sweeps):
        """Fit the biases alone, then biases and factors `n_sweeps` times."""
        self._fit_biases()
        self._weigh_users()
        for _ in range(n_sweeps):
            self._measure_noise()
            self._fit_biases()
            for factor in range(len(self.movie_factors)):
                self._fit_factor(factor)

    def _fit_biases(self):
        every_user = np.ones_like(self.user_bias)
        every_movie = np.ones_like(self.movie_bias)

        self._add_to_residuals(every_user, self.movie_bias)
        self.movie_bias, _ = self._fit_movies(every_user, 0.0, self.damping)
        self._add_to_residuals(-every_user, self.movie_bias)

        self._add_to_residuals(self.user_bias, every_movie)
        self.user_bias, _ = self._fit_users(every_movie, 0.0, self.damping)
        self._add_to_residuals(-self.user_bias, every_movie)

    def _fit_factor(self, factor):
        p = self.user_factors[factor]
        q = self.movie_factors[factor]
        q_variance = self.movie_variances[factor]
        self._add_to_residuals(p, q)
        p, p_variance = self._fit_users(q, q_variance, self.regularization)
        q, q_variance = self._fit_movies(p, p_variance, self.regularization)
        self._add_to_residuals(-p, q)
        self.user_factors[factor] = p
        self.movie_factors[factor] = q
        self.movie_variances[factor] = q_variance

    def _fit_users(self, movie_side, movie_variance, penalty):
        """Return the users' side of a factor and its variance, (n_users,) each."""
        squared = self.weights * (self.rated @ (movie_side**2 + movie_variance))
        right = self.weights * (self.residuals @ movie_side)
        side = _shrink_to_regression(squared, right, penalty, self.user_features)
        return side, self.noise / (squared + penalty)

    def _fit_movies(self, user_side, user_variance, penalty):
        """Return the movies' side of a factor and its variance, (n_movies,) each."""
        squared = self.rated.T @ (self.weights * (user_side**2 + user_variance))
        right = self.residuals.T @ (self.weights * user_side)
        side = _shrink_to_regression(squared, right, penalty, self.movie_features)
        return side, self.noise / (squared + penalty)

    def _add_to_residuals(self, user_side, movie_side):
        change = np.repeat(user_side, self.n_ratings)
        change *= movie_side[self.residuals.indices]
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
