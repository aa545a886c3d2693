"""What an object that holds a trained pipeline owes to scikit-learn and its users."""

import copy

from .artifact import FORMAT
from .checks import shorten
from .locks import ProcessLock
from .strings import titles_of

#: What a training learns is many attributes. With this lock, other threads see those of
#: one training, never some of one and some of the next. It belongs to the module,
#: because a lock cannot be pickled; nothing slow is done while it is held.
_ONE_STEP = ProcessLock()


class WrapsPipeline:
    """Mixin of `SklearnEcosystemPipeline`: results, parameters, diagram, model card.

    It needs `model` (a parameter), `build_pipeline`, and from a training `pipeline_`,
    `cv_scores_` and `best_params_`.
    """

    def _set_training(self, X, **learned):
        """Set all that a training has learned; forget what belongs to the one before.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            The rows that were trained on.
        **learned : dict
            The attributes to set.
        """
        is_name = isinstance(self.model, str)
        learned["model_"] = self.model if is_name else str(learned["pipeline_"][-1])
        learned["titles_"] = titles_of(X)  # empty if there is no column `title`
        learned["feature_names_in_"] = X.columns.to_numpy(dtype=object)
        learned["n_features_in_"] = X.shape[1]
        learned["format_"] = FORMAT
        for name in ("_ranker", "test_scores_", "ranking_scores_", "_card"):
            learned[name] = None
        with _ONE_STEP:
            vars(self).update(learned)

    def _snapshot(self):
        """Return a shallow copy of this object, which no other thread can train."""
        with _ONE_STEP:
            return copy.copy(self)

    def _keep(self, trained, **results):
        """Set results that were computed with a snapshot.

        They are forgotten if another thread has trained this object meanwhile: they are
        those of the training before.
        """
        with _ONE_STEP:
            if self.pipeline_ is trained.pipeline_:
                vars(self).update(results)

    @property
    def pipeline(self):
        """The fitted `RatingPipeline`; None, and no error, before `train`."""
        return getattr(self, "pipeline_", None)

    @property
    def cv_scores(self):
        """The RMSE of each fold, in stars; None if it was not computed."""
        return getattr(self, "cv_scores_", None)

    @property
    def best_params(self):
        """What the search has chosen; None if there was none."""
        return getattr(self, "best_params_", None)

    @property
    def card(self):
        """The model card of a loaded artifact, a dict; None for any other object."""
        return getattr(self, "_card", None)

    @card.setter
    def card(self, card):
        """Set the card, as `load_pipeline` does."""
        self._card = card

    def set_params(self, **params):
        """Set parameters; those of a regressor or a ranker of your own by its name.

        As in ``set_params(model__alpha=2.0)`` and ``ranker__regularization``.
        """
        ways_out = {
            "model": "on build_pipeline(), which has all parameters",
            "ranker": "on a ranker of your own, such as MovieRanker()",
        }
        for name, way_out in ways_out.items():
            nested = [key for key in params if key.startswith(f"{name}__")]
            value = params.get(name, getattr(self, name))
            is_estimator = hasattr(value, "get_params") and not isinstance(value, type)
            if nested and not is_estimator:
                raise ValueError(
                    f"{name}={shorten(value)} is no estimator: search or set "
                    f"{nested[0]!r} {way_out}."
                )
        return super().set_params(**params)

    def __getstate__(self):
        """Return what is saved: all but the card, which has a file of its own."""
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_card"}

    def _sk_visual_block_(self):
        """Show the steps of the pipeline in scikit-learn's HTML diagram."""
        pipeline = self.pipeline or self.build_pipeline()
        return pipeline._sk_visual_block_()
