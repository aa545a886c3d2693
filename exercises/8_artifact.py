"""Exercise of chapter 8, an artifact (5 minutes): does the artifact work in another
process?

The artifact is the file that a trained model is saved in. Tomorrow another program
loads it with `SklearnEcosystemPipeline.load_pipeline` and predicts from a user's id and
a movie's id. It fails with this artifact: only the last step of the pipeline was saved,
and that step reads features. Nor would the program notice if the file were damaged.

Task: save all that is needed to predict from the two ids, with a digest (a checksum of
    the file's content).
Hint: `print(recommender.pipeline)` shows the steps that a row goes through, and
    `help(recommender)` the methods; one of them saves.
Check: python -m pytest exercises -k 8_artifact
"""

import joblib

from lesson_code import SklearnEcosystemPipeline


def train_and_save(table, path):
    """Train on a table of ratings and save an artifact at `path`.

    Return the recommender.
    """
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    joblib.dump(recommender.pipeline["model"], path)  # TODO: is this all it needs?
    return recommender
