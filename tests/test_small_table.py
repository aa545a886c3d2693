"""The small table of chapter 4 is what the chapters say of it."""

import sys

from repository import ROOT

sys.path.insert(0, str(ROOT / "pillars"))
from small_table import TITLES, small_table


def test_ann_has_not_seen_the_two_movies_that_the_chapters_ask_about():
    ann = small_table().loc["Ann"]
    assert list(ann.index[ann.isna()]) == ["Heat", "Casablanca"]


def test_there_are_gaps_in_every_row_and_ratings_in_every_column():
    stars = small_table()
    assert list(stars.columns) == TITLES
    assert stars.notna().to_numpy().sum() == 22
    assert stars.isna().any(axis=1).all()
    assert (stars.notna().sum() >= 3).all()
    assert (stars.min().min(), stars.max().max()) == (1, 5)
