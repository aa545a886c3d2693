"""MatrixFactorization, against slow and obvious re-implementations."""

import numpy as np
import pandas as pd
import pytest
from recommending import IDS, TINY, TOLD
from sklearn.base import clone
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import KFold

from lesson_code import MatrixFactorization


def slow_ridge(features, targets, weights, penalty=10.0):
    """A weighted ridge regression, as least squares with a row for every penalty."""
    roots = np.sqrt(weights)[:, None]
    n_features = features.shape[1]
    rows = np.vstack([roots * features, np.sqrt(penalty) * np.eye(n_features)])
    zeros = np.zeros((n_features, targets.shape[1]))
    return np.linalg.lstsq(rows, np.vstack([roots * targets, zeros]), rcond=None)[0]


def content_of_told():
    """Genres and year of the movies of `TOLD`, written out."""
    movies = [1, 2, 4, 5]
    genres = dict(zip(TOLD["movie_id"], TOLD["genre"]))
    years = dict(zip(TOLD["movie_id"], TOLD["movie_year"]))
    mean_year = np.mean([years[m] for m in movies])
    # the third stands for no genre at all, which here is never seen
    names = ["Comedy", "Drama", "none"]
    rows = []
    for movie in movies:
        of = genres[movie].split("|")
        by_genre = [(name in of) / np.sqrt(len(of)) for name in names]
        rows.append([*by_genre, (years[movie] - mean_year) / 50])
    return np.array(rows)


@pytest.mark.parametrize("content", [True, False])
def test_a_movie_never_seen_is_what_its_genres_and_year_let_expect(content):
    model = MatrixFactorization(2, content=content, regularization=0.5).fit(TOLD)
    sides = np.column_stack([model.movie_bias_, model.movie_factors_])
    features = content_of_told() if content else np.zeros((4, 4))
    centre = features.mean(axis=0)
    means = sides.mean(axis=0)
    slopes = slow_ridge(features - centre, sides - means, np.ones(4))

    # What is left of the movies of user 7, 1 and 2 and 4; a mean damped by 10 ratings.
    unexpected = (sides - means - (features - centre) @ slopes)[[0, 1, 2]]
    taste = np.append(1.0, model.user_factors_[1])
    offset = (unexpected @ taste).sum() / (3 + 10)
    assert model.user_offset_[1] == pytest.approx(offset)

    # Western is unknown, and shares the length of the row with Drama.
    mean_year = np.mean([1990, 2000, 2010, 1980])
    told = np.array([0, 1, 0, (2000 - mean_year) / 50]) if content else np.zeros(4)
    known_part = model.global_mean_ + model.user_bias_[1] + offset
    expected = known_part + (means + (told - centre) @ slopes) @ taste
    new = pd.DataFrame({"user_id": [7, 8], "movie_id": 999})
    new = new.assign(genre="Drama|Western", movie_year=2000.0)
    np.testing.assert_allclose(
        model.transform(new).ravel(), [expected, model.global_mean_]
    )


def test_an_unknown_user_gets_what_the_factors_add_for_those_who_rated_the_movie():
    model = MatrixFactorization(2, regularization=0.5).fit(TOLD)
    added = model.user_factors_[[0, 1, 2]] @ model.movie_factors_[1]  # all rated 2
    offset = added.sum() / (3 + 10)
    assert model.movie_offset_[1] == pytest.approx(offset)
    expected = model.global_mean_ + model.movie_bias_[1] + offset
    new = pd.DataFrame({"user_id": [8], "movie_id": 2})
    np.testing.assert_allclose(model.transform(new).ravel(), expected)


def all_pairs(model):
    pairs = [(user, movie) for user in model.users_ for movie in model.movies_]
    return pd.DataFrame(pairs, columns=IDS)


def test_genres_and_year_of_a_known_movie_are_those_of_the_training():
    model = MatrixFactorization(1, regularization=0.5).fit(TOLD)
    told = all_pairs(model).assign(genre="Drama", movie_year=1980.0)
    biases = model.user_bias_[:, None] + model.movie_bias_
    estimates = (
        model.global_mean_ + biases + model.user_factors_ @ model.movie_factors_.T
    )
    np.testing.assert_allclose(model.transform(told).ravel(), estimates.ravel())


def test_factors_find_taste_that_biases_cannot():
    """Four kinds of user, four kinds of movie, and nothing but how they fit."""
    rng = np.random.RandomState(0)
    pairs = rng.permutation(200 * 80)[:8000]
    table = pd.DataFrame({"user_id": pairs // 80, "movie_id": pairs % 80})
    likes = (table["user_id"] % 4) == (table["movie_id"] % 4)
    noise = 0.5 * rng.standard_normal(len(table))
    table["rating"] = 2.5 + np.where(likes, 1.5, -0.5) + noise
    train, test = table[:6000], table[6000:]
    error = {}
    for n_factors in (0, 8):
        predicted = MatrixFactorization(n_factors, 0).fit(train).predict(test)
        error[n_factors] = root_mean_squared_error(test["rating"], predicted)
    assert error[8] < 0.65 < 0.8 < error[0]  # the noise is 0.5


def test_constant_ratings_are_learned_as_they_are():
    model = MatrixFactorization().fit(TINY.assign(rating=3.0))
    assert model.predict(TINY).tolist() == [3.0] * len(TINY)


def test_cross_fitted_outputs_come_from_the_folds_a_row_is_not_in(split):
    train, _ = split
    estimator = MatrixFactorization(cv=3)
    outputs = clone(estimator).fit_transform(train, train["rating"])
    for others, rows in KFold(3, shuffle=True, random_state=0).split(train):
        expected = clone(estimator).fit(train.iloc[others]).transform(train.iloc[rows])
        np.testing.assert_allclose(outputs[rows], expected)
    plain = clone(estimator).fit(train).transform(train)
    assert not np.allclose(outputs[:, 0], plain[:, 0])


def test_transform_never_looks_at_a_rating_and_names_its_feature(split):
    train, test = split
    fitted = MatrixFactorization().set_output(transform="pandas").fit(train)
    found = fitted.transform(test)
    assert list(found) == list(fitted.get_feature_names_out()) == ["factor_rating"]
    assert found.index.equals(test.index)
    unrated = test.assign(rating=np.nan)
    np.testing.assert_array_equal(found, fitted.transform(unrated))


def test_a_newcomer_is_folded_in_as_a_ridge_regression_says():
    model = MatrixFactorization(
        2, 0, content=False, regularization=0.7, damping=2.0
    ).fit(TINY)
    found = model.predict_new([1, 4, 777], [5.0, 2.0, 1.0], [1, 2, 4, 5, 888])
    sides = np.column_stack([np.ones(2), model.movie_factors_[[0, 2]]])
    movie_part = model.movie_bias_ + model.movie_offset_
    target = np.array([5.0, 2.0]) - model.global_mean_ - movie_part[[0, 2]]
    # the same regression, written as least squares with a row for every penalty
    rows = np.vstack([sides, np.diag(np.sqrt([2.0, 0.7, 0.7]))])
    newcomer = np.linalg.lstsq(rows, np.append(target, np.zeros(3)), rcond=None)[0]
    mean_and_bias = model.global_mean_ + newcomer[0]
    expected = mean_and_bias + movie_part + model.movie_factors_ @ newcomer[1:]
    np.testing.assert_allclose(found, np.clip([*expected, mean_and_bias], 1, 5))


def test_a_newcomer_without_ratings_is_an_unknown_user(split):
    model = MatrixFactorization().fit(split[0])
    unknown = pd.DataFrame({"user_id": -1, "movie_id": model.movies_})
    found = model.predict_new([], [], model.movies_)
    np.testing.assert_allclose(found, model.predict(unknown))


def test_parameters_set_after_a_fit_wait_for_the_next(table):
    model = MatrixFactorization(4).fit(table)
    expected = model.predict_new([1], [5.0], [2, 3])
    found = model.set_params(n_factors=8).predict_new([1], [5.0], [2, 3])
    np.testing.assert_array_equal(found, expected)


KINDS = [(0, "ids"), (2, "ids"), (1, "content"), (2, "content and patterns")]


def with_one_and_centred(columns):
    """The features of a regression: 1 and the columns less their means."""
    return np.array([[1.0, *row] for row in columns - np.mean(columns, axis=0)])


def slow_side(squared, right, penalty, features):
    """A side of a factor: between what the ratings and what the features say."""
    squared, right = np.array(squared), np.array(right)
    unshrunk = (right / squared)[:, None]
    trust = penalty * squared / (squared + penalty)
    expected = (features @ slow_ridge(features, unshrunk, trust))[:, 0]
    return (squared * unshrunk[:, 0] + penalty * expected) / (squared + penalty)


def slow_factorization(
    table, user_features, movie_features, n_factors, regularization, damping, n_sweeps
):
    """The model of the docstring, rating by rating."""
    users, movies = sorted(set(table["user_id"])), sorted(set(table["movie_id"]))
    mean, spread = table["rating"].mean(), table["rating"].std(ddof=0)
    rows = [
        (users.index(u), movies.index(m), (r - mean) / spread)
        for u, m, r in table[[*IDS, "rating"]].itertuples(index=False)
    ]
    bu, bm = np.zeros(len(users)), np.zeros(len(movies))
    Q = np.random.RandomState(1).standard_normal((n_factors, len(movies)))
    P = np.zeros((len(Q), len(users)))
    QV = np.zeros_like(Q)
    weight = np.ones(len(users))

    def error(u, m, r, without=None):
        factors = sum(P[k, u] * Q[k, m] for k in range(len(Q)) if k != without)
        return r - bu[u] - bm[m] - factors

    def fit_users(q, variance, penalty, old):
        """`old` is the part of a rating that is fitted anew."""
        squared, right = np.zeros(len(users)), np.zeros(len(users))
        for u, m, r in rows:
            squared[u] += weight[u] * (q[m] ** 2 + variance[m])
            right[u] += weight[u] * q[m] * (error(u, m, r) + old[u] * q[m])
        side = slow_side(squared, right, penalty, user_features)
        return side, noise / (squared + penalty)

    def fit_movies(p, variance, penalty, without):
        squared, right = np.zeros(len(movies)), np.zeros(len(movies))
        for u, m, r in rows:
            left = error(u, m, r, without)
            if without is None:
                left += bm[m]
            squared[m] += weight[u] * (p[u] ** 2 + variance[u])
            right[m] += weight[u] * p[u] * left
        side = slow_side(squared, right, penalty, movie_features)
        return side, noise / (squared + penalty)

    def fit_biases():
        none = np.zeros(max(len(users), len(movies)))
        bm[:], _ = fit_movies(np.ones(len(users)), none, damping, None)
        bu[:], _ = fit_users(np.ones(len(movies)), none, damping, bu)

    noise = 0.0
    fit_biases()
    errors = [(u, error(u, m, r)) for u, m, r in rows]
    variance = np.mean([e**2 for _, e in errors])
    for u in range(len(users)):
        mine = [e**2 for uu, e in errors if uu == u]
        weight[u] = np.sqrt(
            variance / ((sum(mine) + damping * variance) / (len(mine) + damping))
        )
    weight /= np.mean([weight[u] for u, *_ in rows])
    for _ in range(n_sweeps):
        squares = sum(weight[u] * error(u, m, r) ** 2 for u, m, r in rows)
        noise = squares / sum(weight[u] for u, *_ in rows)
        fit_biases()
        for k in range(len(Q)):
            P[k], variances = fit_users(Q[k], QV[k], regularization, P[k])
            Q[k], QV[k] = fit_movies(P[k], variances, regularization, k)
    return mean, spread * bu, spread * bm, spread * P.T, Q.T


def patterns_of_told(n_patterns):
    """Who rates what in `TOLD`, by users and by movies."""
    pairs = set(zip(TOLD["user_id"], TOLD["movie_id"]))
    rated = np.array(
        [[float((u, m) in pairs) for m in (1, 2, 4, 5)] for u in (3, 7, 9)]
    )
    U, s, Vt = np.linalg.svd(rated, full_matrices=False)
    users = (U * s) / np.sqrt(rated.sum(axis=1))[:, None]
    movies = (Vt.T * s) / np.sqrt(rated.sum(axis=0))[:, None]
    return users[:, :n_patterns], movies[:, :n_patterns]


@pytest.mark.parametrize(("n_factors", "known"), KINDS)
def test_factorization_is_what_its_docstring_says(n_factors, known):
    n_patterns = 2 if known.endswith("patterns") else 0
    of_users, of_movies = patterns_of_told(n_patterns)
    if known != "ids":
        of_movies = np.column_stack([content_of_told(), of_movies])
    how = {"regularization": 0.5, "damping": 1.5, "n_sweeps": 2}
    model = MatrixFactorization(
        n_factors, n_patterns, **how, random_state=1, content=known != "ids"
    ).fit(TOLD)
    mean, bu, bm, P, Q = slow_factorization(
        TOLD,
        with_one_and_centred(of_users),
        with_one_and_centred(of_movies),
        n_factors,
        **how,
    )
    assert model.global_mean_ == pytest.approx(mean)
    np.testing.assert_allclose(model.user_bias_, bu, atol=1e-10)
    np.testing.assert_allclose(model.movie_bias_, bm, atol=1e-10)
    np.testing.assert_allclose(model.user_factors_, P, atol=1e-10)
    np.testing.assert_allclose(model.movie_factors_, Q, atol=1e-10)
    assert model.users_.tolist() == [3, 7, 9]
    assert model.movies_.tolist() == [1, 2, 4, 5]
    expected = np.clip([mean + bu[1] + bm[2] + P[1] @ Q[2]], 1, 5)  # user 7, movie 4
    np.testing.assert_allclose(model.predict(TOLD[2:3]), expected)


def test_factors_content_and_patterns_pay_on_the_real_release(real):
    _, train, test = real
    error = {}
    for known, how in {
        "all": {},
        "patterns": {"content": False},
        "ids": {"content": False, "n_patterns": 0},
        "biases": {"content": False, "n_factors": 0},
    }.items():
        model = MatrixFactorization(**how).fit(train)
        error[known] = root_mean_squared_error(test["rating"], model.predict(test))
    assert error["all"] < 0.853
    assert error["all"] < error["patterns"] < error["ids"] - 0.01, error
    assert error["patterns"] < error["biases"] - 0.015, error


def test_the_unit_of_the_ratings_does_not_matter(split):
    """Out of 100 instead of stars: each prediction is 20 times as large, for known
    pairs, for a movie never seen and for a user never seen.
    """
    train, test = split
    tests = pd.concat([test, test.assign(user_id=-1), test.assign(movie_id=-1)])
    expected = MatrixFactorization().fit(train).transform(tests)
    percent = train.assign(rating=20 * train["rating"])
    found = MatrixFactorization().fit(percent).transform(tests)
    np.testing.assert_allclose(found, 20 * expected, rtol=1e-6)


def test_the_order_of_the_rows_does_not_matter_and_the_seed_decides(split):
    train, test = split
    first = MatrixFactorization().fit(train).predict(test)
    turned = MatrixFactorization().fit(train.iloc[::-1, ::-1])
    np.testing.assert_allclose(turned.predict(test.iloc[:, ::-1]), first, atol=1e-9)
    other = MatrixFactorization(random_state=1).fit(train).predict(test)
    assert not np.allclose(other, first)


def test_predictions_keep_to_the_scale_of_the_fit():
    model = MatrixFactorization(4, regularization=1e-6, damping=0.0, n_sweeps=50)
    model.fit(TINY)
    predictions = model.predict(all_pairs(model))
    assert predictions.min() >= 1.0 and predictions.max() <= 5.0
    # what a model above it sees is not cut
    assert model.transform(all_pairs(model)).max() > 5.0
    for stars in (1.0, 5.0):
        new = model.predict_new([1, 2, 4], [stars] * 3, model.movies_)
        assert new.min() >= 1.0 and new.max() <= 5.0 and stars in new


def test_cross_fitting_warns_once_of_pairs_rated_twice_and_leaves_out_the_older(table):
    table = table[:200]
    twice = pd.concat([table[:30].assign(rating=1.0), table], ignore_index=True)
    found = []
    for older in (1.0, 5.0):
        y = twice["rating"].where(twice.index >= 30, older)
        with pytest.warns(UserWarning, match="^30 older ratings") as caught:
            found.append(MatrixFactorization(cv=2).fit_transform(twice, y))
        assert len(caught) == 1
    np.testing.assert_allclose(*found, rtol=0, atol=1e-12)
