"""Solution of exercise 4, supervised learning: a model by one argument.

Ridge regression on the 13 features. `factors` and `blend` go further.
"""

from lesson_code import SklearnEcosystemPipeline


def build():
    """Return an untrained recommender."""
    return SklearnEcosystemPipeline(model="linear")
