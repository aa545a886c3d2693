"""What does the variance term of `MatrixFactorization` do?

    python benchmarks/variance_term.py [MOVIELENS]

In every half step, one side of a factor is fixed. It is only an estimate, so
`MatrixFactorization` adds the estimate's variance to its square; the factor then
explains less. Here it is fitted with and without that term, in
`KFold(5, shuffle=True, random_state=0)`. `MatrixFactorization` has no switch for the
term, so this script fits the factors again by itself. It first checks that with the
term it comes to the same factors.

The tables are:

* shuffled ratings: the synthetic table, its ratings in random order. There is nothing
  to learn: above 0 in the training rows, R2 is noise that was learned by heart; below 0
  in the held-out rows, it is what this costs;
* synthetic, and the release: the tables as they are.

R2, the share of the variance explained, in the training rows and in the held-out rows;
RMSE in stars in the held-out rows. All are means of the five folds.
"""

import copy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import KFold
from sklearn.utils import check_random_state

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import (
    RATING,
    MatrixFactorization,
    MovieRecommendationDataset,
    load_movielens,
)


def table_of_stars(model, train):
    """Return the ratings less their mean as a sparse table (n_users, n_movies)."""
    user = np.searchsorted(model.users_, train["user_id"])
    movie = np.searchsorted(model.movies_, train["movie_id"])
    stars = train[RATING].to_numpy() - model.global_mean_
    shape = (model.users_.size, model.movies_.size)
    return sparse.csr_matrix((stars, (user, movie)), shape)


def weights_of_users(residuals, damping):
    """Return 1 / the spread of every user's residuals, damped; 1 on average."""
    count = np.diff(residuals.indptr)
    squares = np.add.reduceat(residuals.data**2, residuals.indptr[:-1])
    mean = squares.sum() / count.sum()
    variance = (squares + damping * mean) / (count + damping)
    weight = 1 / np.sqrt(variance)
    return weight / np.average(weight, weights=count)


def refit(model, train, use_variance):
    """Return a copy of a fitted model, whose biases and factors are fitted again.

    The model's given factors (genres, year, patterns) stay as they are. The free ones
    start from the same random numbers as in the model.
    """
    residuals = table_of_stars(model, train)
    rated = residuals.copy()
    rated.data = np.ones(rated.nnz)
    count = np.diff(rated.indptr)
    n_users, n_movies = rated.shape

    n_free = model.n_factors
    n_given = model.movie_factors_.shape[1] - n_free
    rng = check_random_state(model.random_state)
    free = rng.standard_normal((n_free, n_movies))
    movie_factors = np.vstack([model.movie_factors_[:, :n_given].T, free])
    movie_variance = np.zeros(movie_factors.shape)  # that of a given factor stays 0
    user_factors = np.zeros((len(movie_factors), n_users))
    movie_bias = np.zeros(n_movies)
    user_bias = np.zeros(n_users)
    weight = np.ones(n_users)

    def add(user_side, movie_side, sign):
        """Add the product of two sides to the residuals, or subtract it."""
        of_rows = np.repeat(user_side, count)
        residuals.data += sign * of_rows * movie_side[residuals.indices]

    for sweep in range(1 + model.n_sweeps):
        if sweep == 1:  # now the biases are known, so the spread of users is
            weight = weights_of_users(residuals, max(model.damping, 1))
        # The variance of the noise in the ratings of a user of weight 1.
        noise = np.repeat(weight, count) @ residuals.data**2 / rated.nnz

        # The biases: each is a factor whose other side is known to be 1.
        add(np.ones(n_users), movie_bias, +1)
        movie_bias = residuals.T @ weight / (model.damping + rated.T @ weight)
        add(np.ones(n_users), movie_bias, -1)
        add(user_bias, np.ones(n_movies), +1)
        user_bias = residuals @ np.ones(n_movies) / (model.damping / weight + count)
        add(user_bias, np.ones(n_movies), -1)
        if sweep == 0:
            continue

        for k in range(len(movie_factors)):
            is_free = k >= n_given
            p = user_factors[k]
            q = movie_factors[k]
            q_variance = movie_variance[k]
            add(p, q, +1)
            for _ in range(2 if is_free else 1):
                below = model.regularization / weight + rated @ (q**2 + q_variance)
                p = residuals @ q / below
                p_variance = noise / weight / below * use_variance
                if is_free:
                    squares = weight * (p**2 + p_variance)
                    below = model.regularization + rated.T @ squares
                    q = residuals.T @ (weight * p) / below
                    q_variance = noise / below * use_variance
            add(p, q, -1)
            user_factors[k] = p
            movie_factors[k] = q
            movie_variance[k] = q_variance

    refitted = copy.copy(model)
    refitted.user_bias_ = user_bias
    refitted.movie_bias_ = movie_bias
    refitted.user_factors_ = user_factors.T.copy()
    refitted.movie_factors_ = movie_factors.T.copy()
    return refitted


def without_variance(model, train):
    """Return a fitted model as it would be without the variance term."""
    same = refit(model, train, use_variance=True)
    difference = np.abs(same.user_factors_ - model.user_factors_).max()
    if difference > 1e-6:
        sys.exit(
            "This script does not fit factors as `MatrixFactorization` does: they "
            f"differ by {difference:.1e}. Bring `refit` up to date."
        )
    return refit(model, train, use_variance=False)


def figures(model, train, test):
    """Return R2 in the training rows, and R2 and RMSE in the held-out rows."""
    on_train = model.predict(train.drop(columns=RATING))
    on_test = model.predict(test.drop(columns=RATING))
    return {
        "training R2": r2_score(train[RATING], on_train),
        "held-out R2": r2_score(test[RATING], on_test),
        "held-out RMSE": root_mean_squared_error(test[RATING], on_test),
    }


def compare(table):
    """Return two rows of figures, means of five folds: with the term, and without."""
    with_term = []
    without_term = []
    for train_rows, test_rows in KFold(5, shuffle=True, random_state=0).split(table):
        train = table.iloc[train_rows]
        test = table.iloc[test_rows]
        model = MatrixFactorization().fit(train.drop(columns=RATING), train[RATING])
        with_term.append(figures(model, train, test))
        without_term.append(figures(without_variance(model, train), train, test))
    return {
        "with": pd.DataFrame(with_term).mean(),
        "without": pd.DataFrame(without_term).mean(),
    }


def main():
    if len(sys.argv) > 2:
        sys.exit("usage: python benchmarks/variance_term.py [MOVIELENS]")
    synthetic = MovieRecommendationDataset().generate()
    shuffled = np.random.default_rng(0).permutation(synthetic[RATING])
    tables = {
        "shuffled ratings": synthetic.assign(rating=shuffled),
        "synthetic": synthetic,
    }
    if len(sys.argv) == 2:
        tables["MovieLens"] = load_movielens(sys.argv[1])

    rows = []
    for name, table in tables.items():
        for variant, means in compare(table).items():
            rows.append({"table": name, "variance term": variant, **means})
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.4f"))


if __name__ == "__main__":
    main()
