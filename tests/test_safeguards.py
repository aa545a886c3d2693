"""Two safeguards that the ten checks do not look at. (`python -m pytest --break list`:
take one out, and see.)
"""

import numpy as np

from lesson_code import (
    MovieRanker,
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
)

TABLE = MovieRecommendationDataset(n_users=200, n_movies=100, n_ratings=5000).generate()


def test_the_order_of_the_rows_does_not_change_what_cross_validation_asks():
    errors = {}
    for order, table in {
        "random": TABLE,
        "by user": TABLE.sort_values("user_id", ignore_index=True),
    }.items():
        recommender = SklearnEcosystemPipeline(model="linear")
        recommender.train(table, table["rating"])
        errors[order] = recommender.cv_scores.mean()
    print(errors)
    assert abs(errors["by user"] - errors["random"]) < 0.03, (
        f"sorted by user, the table has a CV error of {errors['by user']:.3f} and not "
        f"{errors['random']:.3f}: whole users are held out, so the error is that for "
        "strangers. Folds must be shuffled (section 4)"
    )


def test_lists_are_the_same_whether_ratings_go_up_to_5_or_to_10():
    five, ten = (
        MovieRanker().fit(TABLE.assign(rating=TABLE["rating"] * scale))
        for scale in (1, 2)
    )
    lists = [
        ranker.recommend(ranker.users_, n=10)["movie_id"].to_numpy()
        for ranker in (five, ten)
    ]
    same = np.mean(lists[0] == lists[1])
    assert same > 0.99, (
        f"with twice the points only {same:.0%} of the places in the lists stay as "
        "they are: the ranker's penalty must not depend on the scale, so ratings are "
        "taken in units of their root mean square (section 7)"
    )
