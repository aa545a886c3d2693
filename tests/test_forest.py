"""QuickRandomForest is a RandomForestRegressor, but for the time it takes."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import NotFittedError

from recommender import forest
from recommender.forest import QuickRandomForest


@pytest.fixture(scope="module")
def rows():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((300, 4))
    return X, X[:, 0] + 0.1 * rng.standard_normal(300)


@pytest.fixture(scope="module")
def both(rows):
    plain = RandomForestRegressor(10, random_state=0).fit(*rows)
    return plain, QuickRandomForest(10, random_state=0).fit(*rows)


@pytest.mark.parametrize("n_rows", [1, 2, forest.FEW_ROWS, forest.FEW_ROWS + 1])
def test_it_predicts_the_same(rows, both, n_rows):
    plain, quick = both
    X = rows[0][:n_rows]
    np.testing.assert_allclose(quick.predict(X), plain.predict(X), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "change",
    [
        lambda X: X.astype(object),
        lambda X: X.tolist(),
        lambda X: X.astype(np.float32),
        lambda X: np.where(X > 1, np.nan, X),
    ],
    ids=["objects", "lists", "float32", "gaps"],
)
def test_other_input_is_scikit_learns(rows, both, change):
    plain, quick = both
    X = change(rows[0][:5])
    np.testing.assert_allclose(quick.predict(X), plain.predict(X), rtol=0, atol=1e-12)


def test_several_outputs_are_scikit_learns(rows):
    X, y = rows
    quick = QuickRandomForest(5, random_state=0).fit(X, np.column_stack([y, -y]))
    assert quick.predict(X[:3]).shape == (3, 2)


def test_a_wrong_number_of_columns_and_an_unfitted_forest_are_refused(rows, both):
    with pytest.raises(ValueError, match="features"):
        both[1].predict(rows[0][:3, :2])
    with pytest.raises(NotFittedError):
        clone(both[1]).predict(rows[0][:3])


def test_the_quick_way_is_taken_for_few_rows_alone(rows, both, monkeypatch):
    taken = []
    monkeypatch.setattr(
        RandomForestRegressor, "predict", lambda self, X: taken.append(len(X))
    )
    both[1].predict(rows[0][:1])
    assert taken == []
    both[1].predict(rows[0])
    assert taken == [300]
