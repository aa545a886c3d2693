"""Solution of exercise 8, an artifact: does the artifact work in another process?

`joblib.dump(recommender, path)` saves all steps, too. `save_pipeline` adds the digest,
and a model card.
"""

from lesson_code import SklearnEcosystemPipeline


def train_and_save(table, path):
    """Train on a table of ratings and save an artifact at `path`.

    Return the recommender.
    """
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    recommender.save_pipeline(path)
    return recommender
