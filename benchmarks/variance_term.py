"""What does the variance term of `MatrixFactorization` do?

    python benchmarks/variance_term.py [MOVIELENS]

In every half step, one side of a factor is fixed. It is only an estimate, so
`MatrixFactorization` adds the estimate's variance to its square; the factor then
explains less. Here it is fitted with and without that term, in
`KFold(5, shuffle=True, random_state=0)`. The variance is a multiple of the noise in the
ratings, so it is 0 if the noise is not measured.

The tables are:

* shuffled ratings: the synthetic table, its ratings in random order. There is nothing
  to learn: above 0 in the training rows, R2 is noise that was learned by heart; below 0
  in the held-out rows, it is what this costs;
* synthetic, and the release: the tables as they are.

R2, the share of the variance explained, in the training rows and in the held-out rows;
RMSE in stars in the held-out rows. All are means of the five folds.
"""

import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import KFold

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import (
    RATING,
    MatrixFactorization,
    MovieRecommendationDataset,
    load_movielens,
)
from recommender.factors import _AlternatingFit


def fit(train):
    """Return a fitted model."""
    return MatrixFactorization().fit(train.drop(columns=RATING), train[RATING])


def fit_without_variance(train):
    """Return a model that was fitted without the variance term."""
    noise_stays_0 = mock.patch.object(_AlternatingFit, "_measure_noise")
    with noise_stays_0:
        return fit(train)


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
        with_term.append(figures(fit(train), train, test))
        without_term.append(figures(fit_without_variance(train), train, test))
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
