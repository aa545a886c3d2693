"""What does the variance term of `MatrixFactorization` do? `python benchmarks/variance_term.py [MOVIELENS]`

In every half step, one side of a factor is fixed. It is only an estimate, so `MatrixFactorization` adds the
estimate's variance to its square; the factor then explains less. Here it is fitted with and without that
term, in `KFold(5, shuffle=True, random_state=0)`:

* shuffled ratings: the synthetic table, its ratings in random order. There is nothing to learn: above 0 in
  the training rows, R2 is noise that was learned by heart; below 0 in the held-out rows, it is what this
  costs;
* synthetic, and the release: the tables as they are.

R2, the share of the variance explained, in the training rows and in the held-out rows; RMSE in stars in the
held-out rows. All are means of the five folds.
"""

import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, cross_validate

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lesson_code
from lesson_code import (
    RATING,
    MatrixFactorization,
    MovieRecommendationDataset,
    load_movielens,
)


def without_variance():
    """Return `MatrixFactorization` from a copy of the module in which the variance of every estimate is 0."""
    source = Path(lesson_code.__file__).read_text(encoding="utf-8")
    for variance in ("1 / below * noise / weight\n", "1 / below * noise\n"):
        assert source.count(variance) == 1, f"the term has moved: {variance}"
        source = source.replace(variance, "0.0\n")
    copy = types.ModuleType("without_variance")
    exec(compile(source, "without_variance", "exec"), vars(copy))
    return copy.MatrixFactorization


def main():
    if len(sys.argv) > 2:
        sys.exit("usage: python benchmarks/variance_term.py [MOVIELENS]")
    synthetic = MovieRecommendationDataset().generate()
    shuffled = np.random.default_rng(0).permutation(synthetic[RATING])
    tables = {
        "shuffled ratings": synthetic.assign(rating=shuffled),
        "synthetic": synthetic,
    }
    if len(sys.argv) > 1:
        tables["MovieLens"] = load_movielens(sys.argv[1])
    how = {
        "cv": KFold(5, shuffle=True, random_state=0),
        "return_train_score": True,
        "error_score": "raise",
    }
    scoring = {"R2": "r2", "RMSE": "neg_root_mean_squared_error"}
    rows = []
    for name, table in tables.items():
        for told, model in {
            "with": MatrixFactorization(),
            "without": without_variance()(),
        }.items():
            found = cross_validate(
                model, table.drop(columns=RATING), table[RATING], scoring=scoring, **how
            )
            figures = {
                "training R2": found["train_R2"],
                "held-out R2": found["test_R2"],
            }
            figures["held-out RMSE"] = -found["test_RMSE"]
            means = {column: values.mean() for column, values in figures.items()}
            rows.append({"table": name, "variance term": told} | means)
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.4f"))


if __name__ == "__main__":
    main()
