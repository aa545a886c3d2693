"""How a pipeline of tables is fitted and sliced: the machinery of `RatingPipeline`."""

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import available_if

from .steps import check_ids_come_first
from .table import check_ratings, table_ids


class FitsTables:
    """Mixin of `RatingPipeline`: fit all or nothing, and learn the ratings' scale.

    Attributes
    ----------
    y_min_, y_max_ : float
        The scale of the ratings in the training, in stars.
    """

    def _fit_by(self, method, X, y, params):
        """Fit by a method of `Pipeline`, and return what that returns.

        Parameters
        ----------
        method : {"fit", "fit_transform", "fit_predict"}
        X, y
            As for `RatingPipeline.fit`.
        params : dict
            Further arguments of the method.
        """
        table_ids(X)  # refuses what is no table
        ratings = check_ratings(X, y)
        # A copy is fitted, so that the previous fit is kept if that fails. `self[:]` is
        # a plain `Pipeline` with the same steps (`__getitem__`, below).
        plain_copy = clone(self[:])
        result = getattr(plain_copy, method)(X, ratings, **params)
        if "drop_ids" in plain_copy.named_steps:
            # If features have no names, the step drops the first two columns.
            drop_ids = list(plain_copy.named_steps).index("drop_ids")
            first_row = X.iloc[:1]
            features = first_row
            if drop_ids > 0:
                features = plain_copy[:drop_ids].transform(first_row)
            check_ids_come_first(features, first_row)
        self.steps = plain_copy.steps
        self.y_min_ = float(ratings.min())
        self.y_max_ = float(ratings.max())
        return result

    # Two more ways to fit, for models that have them: `factors` has `fit_transform`.
    # Those of `Pipeline` would not learn the scale of the ratings. With `available_if`,
    # a method exists only if its condition is true.
    @available_if(lambda pipeline: hasattr(pipeline[:], "fit_transform"))
    def fit_transform(self, X, y=None, **params):
        """Fit as `fit` does, and return the output of the last step for these rows."""
        return self._fit_by("fit_transform", X, y, params)

    @available_if(lambda pipeline: hasattr(pipeline[:], "fit_predict"))
    def fit_predict(self, X, y=None, **params):
        """Fit as `fit` does, and predict these rows, clipped to their scale."""
        predicted = self._fit_by("fit_predict", X, y, params)
        return np.clip(predicted, self.y_min_, self.y_max_)

    def __getitem__(self, step):
        """Return a step, or a slice of the steps as a plain `Pipeline`."""
        plain = Pipeline(
            self.steps,
            transform_input=self.transform_input,
            memory=self.memory,
            verbose=self.verbose,
        )
        return plain[step]
