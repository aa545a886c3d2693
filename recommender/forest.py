"""A random forest that answers a single question quickly."""

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.utils.validation import check_is_fitted, validate_data

#: Up to this many rows, starting the parallel work takes longer than the work.
FEW_ROWS = 100


class QuickRandomForest(RandomForestRegressor):
    """`RandomForestRegressor`, whose `predict` takes a shortcut for few rows.

    scikit-learn hands every tree to joblib, which may run it on another core. For a
    single row, handing it over takes far longer than the tree itself, so this class
    predicts a row in a fraction of the time. All parameters and attributes are those of
    `RandomForestRegressor`.
    """

    def predict(self, X):
        """Return the mean of the trees' predictions, shape (n_rows,)."""
        check_is_fitted(self)
        is_table = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind == "f"
        is_small = is_table and len(X) <= FEW_ROWS
        if not is_small or self.n_outputs_ > 1 or np.isnan(X).any():
            return super().predict(X)
        X = validate_data(self, X, dtype=np.float32, reset=False)
        total = np.zeros(len(X))
        for tree in self.estimators_:
            total += tree.tree_.predict(X).ravel()
        return total / len(self.estimators_)
