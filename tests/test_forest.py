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


@pytest.mark.parametrize("n_rows", [1, forest.FEW_ROWS, forest.FEW_ROWS + 1])
def test_it_predicts_the_same_and_quickly_for_few_rows_alone(
    rows, both, n_rows, monkeypatch
):
    plain, quick = both
    X = rows[0][:n_rows]
    np.testing.assert_allclose(quick.predict(X), plain.predict(X), rtol=0, atol=1e-12)
    monkeypatch.setattr(RandomForestRegressor, "predict", lambda self, X: "slowly")
    is_slow = str(quick.predict(X)) == "slowly"
    assert is_slow == (n_rows > forest.FEW_ROWS)


CHANGES = {
    "objects": lambda X: X.astype(object),
    "lists": lambda X: X.tolist(),
    "float32": lambda X: X.astype(np.float32),
    "gaps": lambda X: np.where(X > 1, np.nan, X),
}


@pytest.mark.parametrize("change", CHANGES)
def test_other_input_is_scikit_learns(rows, both, change):
    plain, quick = both
    X = CHANGES[change](rows[0][:5])
    np.testing.assert_allclose(quick.predict(X), plain.predict(X), rtol=0, atol=1e-12)


def test_what_it_does_not_take_is_scikit_learns(rows, both):
    X, y = rows
    several = QuickRandomForest(5, random_state=0).fit(X, np.column_stack([y, -y]))
    assert several.predict(X[:3]).shape == (3, 2)
    with pytest.raises(ValueError, match="features"):
        both[1].predict(X[:3, :2])
    with pytest.raises(NotFittedError):
        clone(both[1]).predict(X[:3])
