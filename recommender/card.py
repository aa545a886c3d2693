"""The model card: what is said of a trained model in the file beside its artifact."""

import pandas as pd

from .artifact import is_same_prediction
from .table import IDS


def model_card(recommender):
    """Return what the model card says of a trained wrapper, a dict.

    `artifact.save` adds the digest and the versions of the packages. The example is of
    a user who is not in the training: the card tells nothing about a person. (The
    artifact does: it holds who rated what.)
    """
    pipeline = recommender.pipeline_
    history = recommender.history_
    example = {
        "user_id": history.unused_user_id(),
        "movie_id": history.movies.tolist()[0],
    }
    row = pd.DataFrame([example])
    try:
        prediction = float(recommender.predict(row)[0])
        repeated = float(recommender.predict(row)[0])
    except Exception as error:  # for example in a step of your own
        raise ValueError(
            f"Cannot save: the model cannot predict from the ids alone: {error}"
        ) from error
    if not is_same_prediction(repeated, prediction):  # loading would fail
        raise ValueError(
            "Cannot save: the model must predict the same finite number each time, but "
            f"predicted {prediction}, and then {repeated}."
        )

    cv_rmse = recommender.cv_scores_
    parameters = {
        name: repr(value)
        for name, value in pipeline.get_params().items()
        if "__" in name  # those of a step
    }
    return {
        # None for an object of older code, which was loaded and is saved again.
        "format": getattr(recommender, "format_", None),
        "model": recommender.model_,
        "ranker": str(recommender._ranker_param),
        "input": recommender.signature_,
        "input_required": IDS,
        "output": "float64, stars",
        "rating_scale": [pipeline.y_min_, pipeline.y_max_],
        "training_rows": history.codes.nnz,  # the ratings that the matrix stores
        "best_params": recommender.best_params_,
        "parameters": parameters,
        "scores": {
            "cv_rmse": None if cv_rmse is None else cv_rmse.tolist(),
            "test": recommender.test_scores_,
            "ranking": recommender.ranking_scores_,
        },
        "example": {"input": example, "prediction": prediction},
    }
