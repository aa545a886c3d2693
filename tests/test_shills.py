"""The three figures by which chapter 5 describes users, and their slow form."""

import sys

import numpy as np
import pytest
from repository import ROOT

from lesson_code import MovieRecommendationDataset

sys.path.insert(0, str(ROOT / "pillars"))
from shills import describe_users


def test_the_figures_are_those_of_the_slow_form():
    table = MovieRecommendationDataset(20, 30, 300).generate()
    table.loc[table["user_id"] == 1, "rating"] = 5.0
    figures = describe_users(table)
    assert list(figures.index) == sorted(table["user_id"].unique())
    for user, own in table.groupby("user_id"):
        others = []
        for movie in own["movie_id"]:
            is_other = (table["movie_id"] == movie) & (table["user_id"] != user)
            stars = [*table["rating"][is_other], 3, 3, 3, 3, 3]
            others.append(np.mean(stars))
        n = len(own)
        mean, spread, agreement = figures.loc[user]
        assert mean == pytest.approx(own["rating"].mean())
        assert spread == pytest.approx(own["rating"].std())
        if user == 1:
            assert agreement == 0, "stars that never vary"
        else:
            correlation = np.corrcoef(own["rating"], others)[0, 1]
            # Both standard deviations divide by n - 1, the mean by n.
            assert agreement == pytest.approx(correlation * (n - 1) / n)
