"""MatrixFactorization, against slow and obvious re-implementations."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from recommending import IDS, TINY, TOLD
from sklearn.base import clone
from sklearn.metrics import (
    r2_score,
    root_mean_squared_error,
)
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
)
from sklearn.pipeline import make_pipeline

from lesson_code import (
    MatrixFactorization,
    UserMovieFeatureTransformer,
)


def slow_factorization(
    table, given, n_factors, regularization, damping, n_sweeps, seed
):
    """The docstring's model, rating by rating: biases, then every factor in turn, each
    side a ridge regression.
    """
    users, movies = sorted(set(table["user_id"])), sorted(set(table["movie_id"]))
    rows = [
        (users.index(u), movies.index(m), r)
        for u, m, r in table[[*IDS, "rating"]].itertuples(index=False)
    ]
    mean = np.mean([r for *_, r in rows])
    bu, bm = np.zeros(len(users)), np.zeros(len(movies))
    free = np.random.RandomState(seed).standard_normal((n_factors, len(movies)))
    Q = np.vstack([given, free])
    P = np.zeros((len(Q), len(users)))
    PV = np.zeros((len(Q), len(users)))
    QV = np.zeros_like(Q)
    weight = np.ones(len(users))

    def error(u, m, r, without=None):
        return (
            r
            - mean
            - bu[u]
            - bm[m]
            - sum(P[k, u] * Q[k, m] for k in range(len(Q)) if k != without)
        )

    def fit_biases():
        for m in range(len(movies)):
            mine = [(weight[u], error(u, m, r) + bm[m]) for u, mm, r in rows if mm == m]
            bm[m] = sum(w * e for w, e in mine) / (sum(w for w, _ in mine) + damping)
        for u in range(len(users)):
            mine = [error(u, m, r) + bu[u] for uu, m, r in rows if uu == u]
            bu[u] = weight[u] * sum(mine) / (weight[u] * len(mine) + damping)

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
            for _ in range(1 if k < len(given) else 2):
                for u in range(len(users)):
                    mine = [(m, r) for uu, m, r in rows if uu == u]
                    scale = regularization + sum(
                        weight[u] * (Q[k, m] ** 2 + QV[k, m]) for m, _ in mine
                    )
                    P[k, u] = (
                        sum(weight[u] * Q[k, m] * error(u, m, r, k) for m, r in mine)
                        / scale
                    )
                    PV[k, u] = noise / scale
                for m in range(len(movies) if k >= len(given) else 0):
                    mine = [(u, r) for u, mm, r in rows if mm == m]
                    scale = regularization + sum(
                        weight[u] * (P[k, u] ** 2 + PV[k, u]) for u, _ in mine
                    )
                    Q[k, m] = (
                        sum(weight[u] * P[k, u] * error(u, m, r, k) for u, r in mine)
                        / scale
                    )
                    QV[k, m] = noise / scale
    return mean, bu, bm, P.T, Q.T


def given_factors(n_patterns):
    """What is known of the movies of `TOLD`, written out."""
    movies = [1, 2, 4, 5]
    genres = dict(zip(TOLD["movie_id"], TOLD["genre"]))
    years = dict(zip(TOLD["movie_id"], TOLD["movie_year"]))
    # the last stands for no genre at all, which here is never seen
    names = ["Comedy", "Drama", "none"]
    by_genre = []
    for name in names:
        of_movies = [genres[movie].split("|") for movie in movies]
        by_genre.append([(name in of) / np.sqrt(len(of)) for of in of_movies])
    mean_year = np.mean([years[m] for m in movies])
    year = [(years[m] - mean_year) / 50 for m in movies]
    pairs = set(zip(TOLD["user_id"], TOLD["movie_id"]))
    seen = np.array([[float((u, m) in pairs) for u in (3, 7, 9)] for m in movies])
    U, s, _ = np.linalg.svd(seen, full_matrices=False)
    patterns = (U * s)[:, :n_patterns].T
    longest = np.sqrt((patterns**2).sum(axis=0).max())
    return np.array([*by_genre, year]), patterns / longest


@pytest.mark.parametrize("n_factors", [0, 1, 2])
@pytest.mark.parametrize("what", ["ids", "content", "content and patterns"])
def test_factorization_is_what_its_docstring_says(n_factors, what):
    n_patterns = 2 if what.endswith("patterns") else 0
    content, patterns = given_factors(n_patterns)
    given = [*(content if what != "ids" else []), *(patterns if n_patterns else [])]
    how = {
        "regularization": 0.5,
        "damping": 1.5,
        "n_sweeps": 2,
        "random_state": 1,
        "content": what != "ids",
    }
    model = MatrixFactorization(n_factors, n_patterns, **how).fit(TOLD)
    mean, bu, bm, P, Q = slow_factorization(
        TOLD, np.reshape(given, (-1, 4)), n_factors, 0.5, 1.5, 2, 1
    )
    assert model.global_mean_ == pytest.approx(mean)
    np.testing.assert_allclose(model.user_bias_, bu, atol=1e-10)
    np.testing.assert_allclose(model.movie_bias_, bm, atol=1e-10)
    assert model.user_factors_.shape == P.shape
    assert model.movie_factors_.shape == Q.shape
    # signs are free
    np.testing.assert_allclose(
        model.user_factors_ @ model.movie_factors_.T, P @ Q.T, atol=1e-10
    )
    assert model.users_.tolist() == [3, 7, 9]
    assert model.movies_.tolist() == [1, 2, 4, 5]
    expected = np.clip([mean + bu[1] + bm[2] + P[1] @ Q[2]], 1, 5)  # user 7, movie 4
    np.testing.assert_allclose(model.predict(TOLD[2:3]), expected)


def test_a_movie_never_seen_has_the_genres_and_the_year_of_its_row():
    model = MatrixFactorization(1, 0, regularization=0.5).fit(TOLD)
    new = pd.DataFrame(
        {
            "user_id": [7, 8],
            "movie_id": 999,
            "genre": "Drama|Western",
            "movie_year": 2000.0,
        }
    )
    # Western is unknown
    told = np.array(
        [0, 1 / np.sqrt(1), 0, (2000 - np.mean([1990, 2000, 2010, 1980])) / 50]
    )
    user = 1  # 7
    expected = (
        model.global_mean_
        + model.user_bias_[user]
        + model.user_factors_[user, :4] @ told
    )
    np.testing.assert_allclose(
        model.transform(new).ravel(), [expected, model.global_mean_]
    )
    blind = MatrixFactorization(1, 0, content=False, regularization=0.5).fit(TOLD)
    np.testing.assert_allclose(
        blind.transform(new).ravel()[0], blind.global_mean_ + blind.user_bias_[user]
    )


def test_every_known_movie_has_its_factors_and_every_known_user_a_taste_for_new_ones():
    model = MatrixFactorization(1, 0, regularization=0.5).fit(TOLD)
    everything = pd.DataFrame(
        [(u, m) for u in model.users_ for m in model.movies_], columns=IDS
    )
    estimates = (
        model.global_mean_
        + model.user_bias_[:, None]
        + model.movie_bias_
        + model.user_factors_ @ model.movie_factors_.T
    )
    # of a known movie, training tells
    told = everything.assign(genre="Drama", movie_year=1980.0)
    np.testing.assert_allclose(model.transform(told).ravel(), estimates.ravel())
    new = pd.DataFrame(
        {
            "user_id": model.users_,
            "movie_id": 999,
            "genre": "Drama",
            "movie_year": np.nan,
        }
    )
    # the factors begin with Comedy, Drama
    expected = model.global_mean_ + model.user_bias_ + model.user_factors_[:, 1]
    np.testing.assert_allclose(model.transform(new).ravel(), expected)


def test_content_and_patterns_pay_on_the_real_release(real):
    _, train, test = real
    error = {}
    for told, how in {
        "all": {},
        "ids": {"content": False},
        "no patterns": {"content": False, "n_patterns": 0},
    }.items():
        error[told] = root_mean_squared_error(
            test["rating"], MatrixFactorization(**how).fit(train).predict(test)
        )
    assert error["all"] < error["ids"] - 0.01 < error["no patterns"] - 0.015


def test_factors_find_taste_that_biases_cannot():
    """Four kinds of user, four kinds of movie, and nothing but how they fit: biases
    know nothing of it.
    """
    rng = np.random.RandomState(0)
    pairs = rng.permutation(200 * 80)[:8000]
    table = pd.DataFrame({"user_id": pairs // 80, "movie_id": pairs % 80})
    likes = (table["user_id"] % 4) == (table["movie_id"] % 4)
    table["rating"] = (
        2.5 + np.where(likes, 1.5, -0.5) + 0.5 * rng.standard_normal(len(table))
    )
    train, test = table[:6000], table[6000:]
    error = {
        n: root_mean_squared_error(
            test["rating"], MatrixFactorization(n, 0).fit(train).predict(test)
        )
        for n in (0, 8)
    }
    assert error[8] < 0.62 < 0.8 < error[0]


def test_it_knows_only_the_biases_of_half_known_pairs_and_the_mean_of_unknown_ones(
    split,
):
    model = MatrixFactorization().fit(split[0])
    rows = pd.DataFrame({"user_id": [-1, -1, 1], "movie_id": [-1, 1, -1]})
    mean = model.global_mean_
    bias = (
        model.movie_bias_[model.movies_ == 1][0],
        model.user_bias_[model.users_ == 1][0],
    )
    np.testing.assert_allclose(
        model.predict(rows), [mean, mean + bias[0], mean + bias[1]]
    )


def test_the_order_of_the_columns_does_not_matter(split):
    train, test = split
    expected = MatrixFactorization().fit(train).predict(test)
    found = (
        MatrixFactorization()
        .fit(train[train.columns[::-1]])
        .predict(test[test.columns[::-1]])
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", ["fit", "fit_transform", "predict", "transform"])
def test_bare_arrays_and_frames_with_other_names_are_refused(split, method):
    train, _ = split
    model = MatrixFactorization().fit(train)
    y = [train["rating"]] if method.startswith("fit") else []
    with pytest.raises(
        TypeError, match="Expected a pandas DataFrame with the columns .* got ndarray"
    ):
        getattr(model, method)(train[IDS].to_numpy(), *y)
    with pytest.raises(ValueError, match="lacks the column 'user_id'"):
        getattr(model, method)(train[IDS].set_axis(["who", "what"], axis=1), *y)


def test_the_order_of_the_rows_does_not_matter_and_the_seed_decides(split):
    train, test = split
    first = MatrixFactorization().fit(train).predict(test)
    np.testing.assert_allclose(
        MatrixFactorization().fit(train[::-1]).predict(test), first, atol=1e-9
    )
    again = MatrixFactorization().fit(train).predict(test)
    np.testing.assert_allclose(again, first, rtol=0, atol=1e-12)
    assert not np.allclose(
        MatrixFactorization(random_state=1).fit(train).predict(test), first
    )


def test_predictions_keep_to_the_scale_of_the_fit():
    model = MatrixFactorization(4, regularization=1e-6, damping=0.0, n_sweeps=50).fit(
        TINY
    )
    everything = pd.DataFrame(
        [(u, m) for u in model.users_ for m in model.movies_], columns=IDS
    )
    predictions = model.predict(everything)
    assert predictions.min() >= 1.0
    assert predictions.max() <= 5.0
    # what a model above it sees is not cut
    assert model.transform(everything).max() > 5.0


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
    assert (
        list(found.columns) == list(fitted.get_feature_names_out()) == ["factor_rating"]
    )
    assert found.index.equals(test.index)
    np.testing.assert_array_equal(
        found, fitted.transform(test.drop(columns="rating").assign(rating=np.nan))
    )


def test_it_can_be_searched_and_stands_in_a_pipeline(split):
    train, test = split
    search = GridSearchCV(
        MatrixFactorization(), {"n_factors": [0, 8]}, cv=3, error_score="raise"
    ).fit(train, train["rating"])
    assert search.score(test, test["rating"]) > 0.1
    piped = make_pipeline(UserMovieFeatureTransformer(), MatrixFactorization()).fit(
        train, train["rating"]
    )
    # the 13 features tell no genre
    expected = MatrixFactorization().fit(train.drop(columns="genre")).predict(test)
    np.testing.assert_allclose(piped.predict(test), expected, atol=1e-12)


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
def test_predictions_are_an_array_whatever_the_setting_of_the_output(split, output):
    if output == "polars":
        pytest.importorskip("polars")
    train, test = split
    expected = MatrixFactorization().fit(train).predict(test)
    with sklearn.config_context(transform_output=output):
        model = MatrixFactorization().fit(train)
        cross_fitted = MatrixFactorization().fit_transform(train)
        found = model.predict(test)
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        np.asarray(cross_fitted),
        MatrixFactorization().fit_transform(train),
        rtol=0,
        atol=1e-12,
    )


def test_a_newcomer_is_folded_in_as_a_ridge_regression_says():
    model = MatrixFactorization(
        2, 0, content=False, regularization=0.7, damping=2.0
    ).fit(TINY)
    found = model.predict_new([1, 4, 777], [5.0, 2.0, 1.0], [1, 2, 4, 5, 888])
    sides = np.column_stack([np.ones(2), model.movie_factors_[[0, 2]]])
    target = np.array([5.0, 2.0]) - model.global_mean_ - model.movie_bias_[[0, 2]]
    # the same regression, written as least squares with a row for every penalty
    rows = np.vstack([sides, np.diag(np.sqrt([2.0, 0.7, 0.7]))])
    newcomer = np.linalg.lstsq(rows, np.append(target, np.zeros(3)), rcond=None)[0]
    expected = (
        model.global_mean_
        + newcomer[0]
        + model.movie_bias_
        + model.movie_factors_ @ newcomer[1:]
    )
    np.testing.assert_allclose(
        found, np.clip([*expected, model.global_mean_ + newcomer[0]], 1, 5)
    )


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("n_factors", -1),
        ("n_factors", 2.5),
        ("n_sweeps", 0),
        ("regularization", 0),
        ("damping", -1),
        ("damping", np.nan),
    ],
)
def test_impossible_parameters_are_named(parameter, value):
    expected = {
        "n_factors": "an integer of at least 0",
        "n_sweeps": "an integer of at least 1",
        "regularization": "a number of at least 1e-09",
    }
    wanted = expected.get(parameter, "a number of at least 0")
    with pytest.raises(ValueError, match=f"{parameter} must be {wanted}, got {value}"):
        MatrixFactorization(**{parameter: value}).fit(TINY)


def test_parameters_set_after_a_fit_wait_for_the_next(table):
    model = MatrixFactorization(4).fit(table)
    expected = model.predict_new([1], [5.0], [2, 3])
    np.testing.assert_array_equal(
        model.set_params(n_factors=8).predict_new([1], [5.0], [2, 3]), expected
    )


def test_cross_fitting_warns_once_of_pairs_rated_twice_and_leaves_out_the_older(table):
    estimator = MatrixFactorization(cv=2)
    table = table[:200].reset_index(drop=True)
    twice = pd.concat([table[:30].assign(rating=1.0), table], ignore_index=True)
    with pytest.warns(UserWarning, match="^30 older ratings") as caught:
        found = clone(estimator).fit_transform(twice, twice["rating"])
    assert len(caught) == 1
    changed = twice["rating"].where(twice.index >= 30, 5.0)
    with pytest.warns(UserWarning, match="^30 older ratings"):
        again = clone(estimator).fit_transform(twice, changed)
    np.testing.assert_allclose(found, again, rtol=0, atol=1e-12)


def test_r2_of_the_factor_model_is_above_that_of_its_biases(real):
    _, train, test = real
    scores = [
        r2_score(
            test["rating"],
            MatrixFactorization(n, 0, content=False).fit(train).predict(test),
        )
        for n in (0, 16)
    ]
    assert scores[1] > scores[0] + 0.03


@pytest.mark.parametrize(
    "parameter", ["n_factors", "n_sweeps", "regularization", "damping"]
)
def test_infinite_parameters_of_the_factorization_are_refused(parameter):
    with pytest.raises(ValueError, match=f"{parameter} must be an? .*, got inf"):
        MatrixFactorization(**{parameter: np.inf}).fit(TINY)


def test_what_a_newcomer_would_give_keeps_to_the_scale():
    model = MatrixFactorization(2, regularization=0.01, damping=0.0).fit(TINY)
    assert model.predict_new([1, 2, 4], [5.0, 5.0, 5.0], model.movies_).max() == 5.0
    assert model.predict_new([1, 2, 4], [1.0, 1.0, 1.0], model.movies_).min() == 1.0


def test_ids_of_a_newcomer_that_are_no_ids_are_named():
    model = MatrixFactorization(1).fit(TINY)
    with pytest.raises(
        ValueError, match=r"^rated must hold integers .* row 1 holds 1.5"
    ):
        model.predict_new([1, 1.5], [5.0, 3.0], [2])
    with pytest.raises(
        ValueError, match="whole numbers, .* these are strings, such as 'Heat'"
    ):
        model.predict_new([1], [5.0], ["Heat"])
