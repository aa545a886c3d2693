"""Small parts of the pipelines: the step that drops the ids, checks, and the seeds."""

import numpy as np
import pandas as pd
import sklearn
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import TargetEncoder
from sklearn.utils.fixes import parse_version
from sklearn.utils.validation import (
    _check_feature_names_in,
    check_is_fitted,
    validate_data,
)

from .checks import shorten
from .table import IDS, TakesTables

ENTRY_KEYS = ["features", "scaling", "regressor"]  # those that every entry must have


class DropIds(TransformerMixin, BaseEstimator):
    """Drop the columns of both ids.

    They are found by name. The output of a `FeatureUnion` has no names, or others:
    there, the ids must be the first two columns (`check_ids_come_first`).

    Attributes
    ----------
    is_kept_ : ndarray of shape (n_columns,), bool
        Which columns are kept.
    """

    def fit(self, X, y=None):
        """Find the ids among the columns of `X`."""
        validate_data(self, X, skip_check_array=True)  # for `get_feature_names_out`
        if _has_ids(X):
            self.is_kept_ = ~X.columns.isin(IDS)
        else:
            self.is_kept_ = np.arange(X.shape[1]) >= len(IDS)
        return self

    def transform(self, X):
        """Return the other columns, an array of shape (n_rows, n_columns - 2)."""
        check_is_fitted(self)
        if isinstance(X, pd.DataFrame):
            return X.loc[:, self.is_kept_].to_numpy()
        return X[:, self.is_kept_]

    def get_feature_names_out(self, input_features=None):
        """Return the names of the other columns."""
        return _check_feature_names_in(self, input_features)[self.is_kept_]


def _has_ids(features):
    """Return whether both ids can be found by name."""
    is_table = isinstance(features, pd.DataFrame)
    return is_table and set(IDS) <= set(features.columns)


def check_ids_come_first(features, X):
    """Raise a ValueError if features neither name the ids nor begin with them.

    Parameters
    ----------
    features : DataFrame or ndarray
        The output of a pipeline's first step for `X`.
    X : DataFrame
        The raw rows, of which the first is compared.
    """
    if _has_ids(features):
        return
    first_row = np.asarray(features)[0, : len(IDS)]
    if list(first_row) != list(X[IDS].iloc[0]):
        raise ValueError(
            "Features must begin with the ids: put UserMovieFeatureTransformer first."
        )


def check_entry(entry):
    """Return an entry of `MODELS`, or raise a ValueError if it cannot be one.

    Parameters
    ----------
    entry : dict
    """
    missing = [key for key in ENTRY_KEYS if key not in entry]
    if missing:
        raise ValueError(
            f"A model must have the keys {ENTRY_KEYS}, but this one lacks {missing}."
        )
    is_class = any(isinstance(entry[key], type) for key in ("features", "regressor"))
    if is_class or not isinstance(entry["scaling"], list):
        raise ValueError(
            "A model must have objects as features and regressor, such as Ridge(), and "
            "a list of pairs (name, step) as scaling."
        )
    return entry


def check_regressor(model, names):
    """Raise a ValueError if a model is neither a name, nor a dict, nor a regressor.

    Parameters
    ----------
    model : object
        What is none of the first two.
    names : list of str
        Those of `MODELS`, for the message.
    """
    is_plain = type(model) is Pipeline  # and no RatingPipeline
    if is_plain and len(model) > 0 and isinstance(model[0], TakesTables):
        raise ValueError(
            "A Pipeline as model is given features, not raw rows: make it a "
            "RatingPipeline with the same steps."
        )
    is_regressor = hasattr(model, "fit") and hasattr(model, "predict")
    if is_regressor and not isinstance(model, type):
        return
    hint = ""
    if isinstance(model, str):
        hint = (
            " (what was added to MODELS is missing in other processes: pass the dict "
            "itself)"
        )
    raise ValueError(
        f"model must be one of {names}, a dict like theirs or a regressor, "
        f"got {shorten(model)}{hint}."
    )


def check_select(select):
    """Raise a TypeError if `select` cannot be a step between scaling and model."""
    if select is None or (isinstance(select, str) and select == "passthrough"):
        return
    is_transformer = hasattr(select, "fit") and hasattr(select, "transform")
    if isinstance(select, type) or not is_transformer:
        raise TypeError(
            f"select must be None or a transformer such as SelectKBest(k=8), "
            f"got {shorten(select)}."
        )


def ignore_output_config(pipeline):
    """Make all transformers of a pipeline return arrays, whatever `set_config` says.

    After ``sklearn.set_config(transform_output="pandas")``, they would return a
    DataFrame. (Features stay a DataFrame: that is their own choice.)

    Parameters
    ----------
    pipeline : Pipeline
    """
    for _, step in pipeline.steps[:-1]:
        if hasattr(step, "set_output"):
            step.set_output(transform="default")


def set_seeds(pipeline, random_state, always, keep_model):
    """Set the seeds of a pipeline.

    Parameters
    ----------
    pipeline : Pipeline
    random_state : int
        The seed.
    always : tuple of types
        Estimators of these types get the seed, wherever they are.
    keep_model : bool
        Whether the last step keeps the seeds that it has, because it is the user's
        own. If not, each of its parts whose `random_state` is None gets the seed.
        All other steps keep theirs.
    """
    seeds = {}
    for name, value in pipeline.get_params().items():
        is_in_model = name == "model" or name.startswith("model__")
        if is_in_model and keep_model:
            continue
        if isinstance(value, always):
            seeds[f"{name}__random_state"] = random_state
        elif is_in_model and name.endswith("random_state") and value is None:
            seeds[name] = random_state
    pipeline.set_params(**seeds)


def seeded_target_encoder(folds):
    """Return a `TargetEncoder` for ratings, whose cross-fitting has a fixed seed.

    Parameters
    ----------
    folds : KFold
        From scikit-learn 1.9 on, the encoder takes these folds; before, their seed.
    """
    encoder = TargetEncoder(target_type="continuous")
    if parse_version(sklearn.__version__) >= parse_version("1.9"):
        return encoder.set_params(cv=folds)
    return encoder.set_params(random_state=folds.random_state)


def without_routing():
    """Return a context in which scikit-learn's metadata routing is off.

    Routing sends sample weights and the like to the steps that ask for them. Where
    there are none, nothing changes. With it, `cross_validate` fails in scikit-learn
    1.6, and in 1.9 for a `TargetEncoder`.
    """
    return config_context(enable_metadata_routing=False)
