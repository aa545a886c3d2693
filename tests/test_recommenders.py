"""The collaborative models, against slow and obvious re-implementations
and a truth from elsewhere.
"""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import Ridge
from sklearn.metrics import (
    mean_absolute_error,
    ndcg_score,
    r2_score,
    root_mean_squared_error,
)
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder

import lesson_code
from lesson_code import (
    MatrixFactorization,
    MovieRanker,
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
    compare_models,
    ranking_metrics,
)
from recommender import ranking, synthetic
from recommender.matrix import MovieContent

IDS = ["user_id", "movie_id"]
TINY = pd.DataFrame(
    {
        "user_id": [7, 7, 7, 3, 3, 9, 9, 9],
        "movie_id": [1, 2, 4, 1, 2, 2, 4, 5],
        "rating": [5.0, 3, 1, 4, 2, 5, 2, 4],
    }
)


TOLD = TINY.assign(
    genre=TINY["movie_id"].map(
        {1: "Drama", 2: "Comedy|Drama", 4: "Comedy", 5: "Drama"}
    ),
    movie_year=TINY["movie_id"].map({1: 1990, 2: 2000, 4: 2010, 5: 1980}),
)


@pytest.fixture(scope="module")
def split(table):
    return table[:1600], table[1600:]


# ----- matrix factorization


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


LEARNED = {
    "factors": lambda table: MatrixFactorization().fit(table).predict(TINY),
    "ranker": lambda table: (
        MovieRanker().fit(table).recommend([3, 7, 9])[["movie_id", "score"]]
    ),
}


@pytest.mark.parametrize("learned", LEARNED)
def test_of_a_pair_rated_twice_the_latest_counts_and_without_times_the_last_row(
    learned,
):
    timed = TINY.assign(timestamp=range(10, 18))
    for twice in (
        pd.concat([TINY[:2].assign(rating=1.0), TINY], ignore_index=True),
        pd.concat([timed, TINY[:2].assign(rating=1.0, timestamp=5)], ignore_index=True),
        # without a time it is the older
        pd.concat([timed, TINY[:2].assign(rating=1.0)], ignore_index=True),
    ):
        with pytest.warns(
            UserWarning,
            match="^2 older ratings of user-movie pairs rated twice do not count.$",
        ) as caught:
            found = LEARNED[learned](twice)
        assert len(caught) == 1
        np.testing.assert_allclose(found, LEARNED[learned](TINY))


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


# ----- ranking


def slow_scores(stars, regularization, unit=None):
    """Steck's formula as he prints it, on a dense matrix: B = I - P / diag(P), zero
    diagonal, scores X B.
    """
    X = stars / (unit or np.sqrt((stars[stars != 0] ** 2).mean()))
    P = np.linalg.inv(X.T @ X + regularization * np.eye(X.shape[1]))
    B = -P / np.diag(P)
    np.fill_diagonal(B, 0)
    return X @ B


def dense(table, users, movies):
    return (
        table.pivot(index="user_id", columns="movie_id", values="rating")
        .reindex(users, columns=movies)
        .fillna(0)
        .to_numpy()
    )


@pytest.mark.parametrize("shape", ["more movies", "more users"])
def test_scores_are_those_of_the_formula_in_whichever_dimension_is_solved(shape):
    sizes = (25, 60) if shape == "more movies" else (60, 25)
    table = MovieRecommendationDataset(*sizes, 500, random_state=1).generate()
    table = table[[*IDS, "rating"]]
    ranker = MovieRanker(regularization=5.0).fit(table)
    stars = dense(table, ranker.users_, ranker.movies_)
    expected = slow_scores(stars, 5.0)
    lists = ranker.recommend(ranker.users_, n=100)
    for user, mine in lists.groupby("user_id"):
        row = np.searchsorted(ranker.users_, user)
        unseen = np.flatnonzero(stars[row] == 0)
        best = unseen[np.argsort(-expected[row, unseen], kind="stable")]
        assert mine["movie_id"].tolist() == ranker.movies_[best].tolist()
        assert mine["rank"].tolist() == list(range(1, len(best) + 1))
        np.testing.assert_allclose(mine["score"], expected[row, best], atol=1e-8)


def test_somebody_known_gets_the_same_list_as_somebody_new_with_the_same_ratings(table):
    ranker = MovieRanker().fit(table)
    old = table[table["user_id"].isin([5, 6])]
    new = old.assign(user_id=old["user_id"] + 1000)
    known = ranker.recommend([5, 6])
    folded = ranker.recommend_new(new)
    pd.testing.assert_frame_equal(known.assign(user_id=known["user_id"] + 1000), folded)


def test_lists_leave_out_what_was_rated_even_with_no_stars_at_all():
    table = pd.concat(
        [TINY, pd.DataFrame({"user_id": [3], "movie_id": [5], "rating": [0.0]})],
        ignore_index=True,
    )
    assert MovieRanker().fit(table).recommend([3])["movie_id"].tolist() == [4]


def test_a_table_of_no_stars_at_all_is_ranked_without_a_division_by_zero():
    lists = MovieRanker().fit(TINY.assign(rating=0.0)).recommend([3])
    assert lists["movie_id"].tolist() == [4, 5]
    assert lists["score"].tolist() == [0.0, 0.0]


def test_equal_scores_come_in_the_order_of_ids_even_across_the_end_of_the_list():
    table = pd.DataFrame(
        {"user_id": [1, 1, 2, 2, 2, 2], "movie_id": [1, 2, 6, 3, 5, 4], "rating": 4.0}
    )
    ranker = MovieRanker().fit(table)
    assert ranker.recommend([1], n=2)["movie_id"].tolist() == [3, 4]
    with pytest.warns(UserWarning, match="unknown"):
        assert ranker.recommend([99], n=4)["movie_id"].tolist() == [1, 2, 3, 4]


def test_scores_that_differ_in_the_last_digits_alone_are_equal():
    """The order of a sum may depend on how many users are asked for at
    once; a list must not.
    """
    ranker = MovieRanker().fit(TINY)
    user = np.array([1])
    scores = np.array([[0.3, 0.1 + 0.2, 0.3, -np.inf]])
    assert ranker._best(user, scores, 2)["movie_id"].tolist() == [1, 2]
    for difference, best in ((2e-10, 1), (2e-9, 2)):  # nine decimals count
        scores = np.array([[0.3, 0.3 + difference]])
        assert ranker._best(user, scores, 1)["movie_id"].tolist() == [best]


def test_unknown_users_get_the_popular_movies_and_one_warning_counts_them(table):
    ranker = MovieRanker().fit(table)
    with pytest.warns(UserWarning, match="^2 of the users are unknown") as caught:
        lists = ranker.recommend([10**6, 1, 10**6 + 1], n=5)
    assert len(caught) == 1
    counts = table["movie_id"].value_counts()
    popular = sorted(counts.index, key=lambda movie: (-counts[movie], movie))[:5]
    assert lists[lists["user_id"] == 10**6]["movie_id"].tolist() == popular
    assert lists["user_id"].drop_duplicates().tolist() == [10**6, 1, 10**6 + 1]
    strange = pd.DataFrame({"user_id": [1], "movie_id": [10**6], "rating": [5.0]})
    assert ranker.recommend_new(strange, n=5)["movie_id"].tolist() == popular


def test_lists_do_not_depend_on_how_many_users_are_scored_at_once(table, monkeypatch):
    ranker = MovieRanker().fit(table)
    expected = ranker.recommend(ranker.users_)
    monkeypatch.setattr(ranking, "SCORES_AT_ONCE", 1)
    pd.testing.assert_frame_equal(
        MovieRanker().fit(table).recommend(ranker.users_), expected
    )


def test_an_imaginary_user_stands_for_every_genre_of_any_name_and_every_decade():
    genres = ["drama", "comedy|drama", "comedy", "zombie"]
    years = [1990.0, 1999.0, 2000.0, np.nan]
    movies = TINY["movie_id"].map(dict(zip([1, 2, 4, 5], range(4))))
    table = TINY.assign(
        genre=[genres[movie] for movie in movies],
        movie_year=[years[movie] for movie in movies],
    )
    comedy = [0, 1, 1, 0]
    drama = [1, 1, 0, 0]
    none = [0, 0, 0, 0]
    zombie = [0, 0, 0, 1]
    nineties = [1, 1, 0, 0]
    noughties = [0, 0, 1, 0]
    assert MovieRanker().fit(table).history_.kinds.toarray().tolist() == [
        comedy,
        drama,
        none,
        zombie,
        nineties,
        noughties,
    ]


@pytest.mark.parametrize("shape", ["more movies", "more users"])
def test_imaginary_users_have_watched_all_of_a_genre_or_a_decade(shape):
    sizes = (25, 60) if shape == "more movies" else (60, 25)
    table = MovieRecommendationDataset(*sizes, 500, random_state=1).generate()
    ranker = MovieRanker(regularization=5.0).fit(table)
    movies = table.drop_duplicates("movie_id").set_index("movie_id").loc[ranker.movies_]
    kinds = [
        movies["genre"].str.split("|").apply(lambda genres, name=name: name in genres)
        for name in synthetic.GENRES
    ]
    kinds += [
        movies["movie_year"] // 10 == decade
        for decade in sorted(set(movies["movie_year"] // 10))
    ]
    stars = dense(table, ranker.users_, ranker.movies_)
    unit = np.sqrt((table["rating"] ** 2).mean())
    expected = slow_scores(
        np.vstack([stars, 4 * unit * np.array(kinds, dtype=float)]), 5.0, unit
    )
    lists = ranker.recommend(ranker.users_, n=100)
    scores = lists.set_index(["user_id", "movie_id"])["score"]
    found = [
        scores.get((user, movie), np.nan)
        for user in ranker.users_
        for movie in ranker.movies_
    ]
    found = np.reshape(found, stars.shape)
    assert (np.isnan(found) == (stars > 0)).all()
    np.testing.assert_allclose(
        found[stars == 0], expected[: len(stars)][stars == 0], atol=1e-8
    )


def test_beyond_memory_the_strongest_singular_vectors_stand_for_the_table(
    table, monkeypatch
):
    exact = MovieRanker().fit(table).recommend([1, 2, 3], n=50)
    monkeypatch.setattr(ranking, "MAX_EXACT_BYTES", 1)
    low_rank = MovieRanker().fit(table)
    assert isinstance(low_rank.solution_, ranking.LowRank)
    # all singular vectors are there
    pd.testing.assert_frame_equal(low_rank.recommend([1, 2, 3], n=50), exact, atol=1e-6)


def test_the_number_of_singular_vectors_is_limited_by_a_constant_time_and_the_table(
    table, monkeypatch
):
    monkeypatch.setattr(ranking, "MAX_EXACT_BYTES", 1)
    history = MovieRanker().fit(table).history_
    shape = np.add(history.codes.shape, (history.kinds.shape[0], 0))
    nnz = history.codes.nnz + history.kinds.nnz
    for strongest, work, expected in (
        (5, 1e9, 5),
        (400, 7 * nnz, 7),
        (400, 0, 1),
        (400, 1e9, min(shape)),
    ):
        monkeypatch.setattr(ranking, "N_STRONGEST", strongest)
        monkeypatch.setattr(ranking, "SVD_WORK", work)
        assert MovieRanker().fit(table).solution_.V.shape == (shape[1], expected)


def test_the_matrix_of_users_is_inverted_where_it_is_the_smaller_one():
    few = MovieRecommendationDataset(25, 60, 500, random_state=1).generate()
    few = few[[*IDS, "rating"]]
    by_users = MovieRanker().fit(few).solution_
    assert isinstance(by_users, ranking.ExactByUsers)
    # With an imaginary user for no genre.
    assert by_users.G.shape[0] == pytest.approx(25, abs=1)
    by_movies = MovieRanker().fit(few.rename(columns=dict(zip(IDS, IDS[::-1]))))
    assert isinstance(by_movies.solution_, ranking.ExactByMovies)
    assert by_movies.solution_.P.shape == (25, 25)


def test_low_rank_is_ridge_on_a_table_whose_weak_singular_values_are_made_alike(
    table, monkeypatch
):
    monkeypatch.setattr(ranking, "MAX_EXACT_BYTES", 1)
    monkeypatch.setattr(ranking, "N_STRONGEST", 5)
    ranker = MovieRanker(regularization=3.0).fit(table[[*IDS, "rating"]])
    stars = dense(table, ranker.users_, ranker.movies_)
    X = stars / ranker.unit_
    _, s, Vt = np.linalg.svd(X)
    alike = np.append(s[:5], np.full(X.shape[1] - 5, s[4])) ** 2
    P = Vt.T @ np.diag(1 / (alike + 3.0)) @ Vt
    expected = X - (X @ P) / np.diag(P)
    scores = ranker._scores(ranker.history_.stars())
    # a randomized decomposition is not exact
    np.testing.assert_allclose(scores, expected, rtol=0.05, atol=0.02)


def test_a_pipeline_beyond_memory_recommends_is_saved_and_loaded(
    table, monkeypatch, tmp_path
):
    monkeypatch.setattr(ranking, "MAX_EXACT_BYTES", 1)
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    loaded = SklearnEcosystemPipeline.load_pipeline(
        recommender.save_pipeline(tmp_path / "x.pkl")
    )
    pd.testing.assert_frame_equal(loaded.recommend(5), recommender.recommend(5))


def test_low_rank_lists_of_the_real_release_are_nearly_as_good_as_exact_ones(
    real, monkeypatch
):
    _, train, test = real
    figures = {}
    for size in (ranking.MAX_EXACT_BYTES, 1):
        monkeypatch.setattr(ranking, "MAX_EXACT_BYTES", size)
        recommender = SklearnEcosystemPipeline(model="linear").fit(train)
        figures[size] = recommender.evaluate_ranking(test)["NDCG@10"]
    assert figures[1] > 0.99 * max(figures.values())


@pytest.mark.parametrize("n", [0, -1, 2.5, None])
def test_a_list_of_impossible_length_is_refused(table, n):
    with pytest.raises(ValueError, match="n must be an integer of at least 1"):
        MovieRanker().fit(table).recommend([1], n=n)


def test_an_unknown_way_to_rank_is_refused(table):
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    with pytest.raises(
        ValueError, match="by must be 'taste', 'popularity' or 'chance', got 'luck'"
    ):
        recommender.evaluate_ranking(table, by="luck")


def test_nobody_gets_no_list_and_who_has_seen_everything_an_empty_one(table):
    columns = ["user_id", "rank", "movie_id", "score"]
    nobody = MovieRanker().fit(table).recommend([])
    assert (list(nobody.columns), len(nobody)) == (columns, 0)
    one = table[table["user_id"] == 5]
    found = SklearnEcosystemPipeline(model="factors").fit(one).recommend(5)
    assert list(found.columns) == ["movie_id", "score", "predicted_rating"]
    assert len(found) == 0


# ----- the metrics of lists


def slow_metrics(lists, X_test, y_test, k, relevant_from):
    figures = []
    for user in X_test["user_id"].unique():
        mine = X_test["user_id"] == user
        relevant = set(X_test["movie_id"][mine & (y_test >= relevant_from)])
        if relevant:
            mine = (
                lists[lists["user_id"] == user]
                .sort_values("rank")["movie_id"]
                .tolist()[:k]
            )
            hits = [movie in relevant for movie in mine]
            dcg = sum(hit / np.log2(rank + 1) for rank, hit in enumerate(hits, 1))
            ideal = sum(
                1 / np.log2(rank + 1) for rank in range(1, min(k, len(relevant)) + 1)
            )
            figures.append((sum(hits) / k, sum(hits) / len(relevant), dcg / ideal))
    return dict(
        zip([f"Precision@{k}", f"Recall@{k}", f"NDCG@{k}"], np.mean(figures, axis=0))
    )


@pytest.mark.parametrize("k", [1, 3, 10])
def test_metrics_are_those_of_a_slow_reference(split, k):
    train, test = split
    lists = MovieRanker().fit(train).recommend(test["user_id"].unique(), n=20)
    found = ranking_metrics(lists, test, test["rating"], k=k, relevant_from=3.5)
    assert found == pytest.approx(slow_metrics(lists, test, test["rating"], k, 3.5))


def test_ndcg_is_that_of_scikit_learn_where_somebody_has_something_relevant(split):
    """scikit-learn gives 0 to who has nothing relevant; ours leaves them out."""
    train, test = split
    ranker = MovieRanker().fit(train)
    users = np.intersect1d(test["user_id"], train["user_id"])
    test = test[test["user_id"].isin(users) & test["movie_id"].isin(train["movie_id"])]
    lists = ranker.recommend(users, n=len(ranker.movies_))
    scores = lists.pivot(index="user_id", columns="movie_id", values="score").reindex(
        columns=ranker.movies_
    )
    relevant = dense(test, users, ranker.movies_) >= 4
    some = relevant.any(axis=1)
    theirs = [
        ndcg_score([r[s.notna()]], [s.dropna()], k=10)
        for r, (_, s) in zip(relevant[some], scores.loc[users][some].iterrows())
    ]
    assert ranking_metrics(lists, test, test["rating"])["NDCG@10"] == pytest.approx(
        np.mean(theirs)
    )
    assert not some.all()


def test_a_perfect_list_scores_one_and_a_useless_one_nothing():
    test = pd.DataFrame(
        {"user_id": [1, 1, 2], "movie_id": [5, 6, 7], "rating": [5.0, 4.0, 1.0]}
    )
    lists = pd.DataFrame({"user_id": 1, "rank": [1, 2, 3], "movie_id": [6, 5, 9]})
    assert ranking_metrics(lists, test, test["rating"], k=2) == {
        "Precision@2": 1.0,
        "Recall@2": 1.0,
        "NDCG@2": 1.0,
    }
    useless = ranking_metrics(lists.assign(movie_id=9), test, test["rating"])
    assert set(useless.values()) == {0.0}
    with pytest.raises(ValueError, match="No test rating is 5.5 or more"):
        ranking_metrics(lists, test, test["rating"], relevant_from=5.5)
    with pytest.raises(ValueError, match="k must be an integer of at least 1"):
        ranking_metrics(lists, test, test["rating"], k=0)


# ----- the wrapper's part


def test_evaluate_ranking_ranks_in_the_order_of_recommend(split):
    train, test = split
    recommender = SklearnEcosystemPipeline(model="linear").fit(train)
    users = test.loc[test["rating"] >= 4, "user_id"].unique()
    lists = [
        recommender.recommend(user, n=5).assign(user_id=user, rank=range(1, 6))
        for user in users
    ]
    expected = ranking_metrics(pd.concat(lists), test, test["rating"], k=5)
    assert recommender.evaluate_ranking(test, test["rating"], k=5) == pytest.approx(
        expected
    )
    assert list(expected) == ["Precision@5", "Recall@5", "NDCG@5"]


def test_taste_ranks_better_than_popularity_and_popularity_better_than_chance():
    table = MovieRecommendationDataset(300, 150, 9000).generate()
    recommender = SklearnEcosystemPipeline(model="linear").fit(table[:7200])
    by = {
        by: recommender.evaluate_ranking(table[7200:], by=by)["NDCG@10"]
        for by in ("taste", "popularity", "chance")
    }
    assert by["taste"] > by["popularity"] > 2 * by["chance"]


@pytest.mark.parametrize("k", [1, 10, 100], ids=["k=1", "k=10", "longer than any list"])
def test_chance_is_one_draw_of_lists_in_random_order(split, k):
    """Every list shuffled 200 times: what `by="chance"` tells is one more such draw,
    and the same every time.
    """
    train, test = split
    unknown = pd.DataFrame(
        {"user_id": [1, 10**6], "movie_id": [10**6, 1], "rating": 5.0}
    )
    test = pd.concat([test, unknown])
    recommender = SklearnEcosystemPipeline(model="linear").fit(train)
    found = recommender.evaluate_ranking(test, k=k, by="chance")
    users = test.loc[test["rating"] >= 4, "user_id"].unique()
    rated = train.groupby("user_id")["movie_id"].agg(set)
    movies = np.unique(train["movie_id"])
    left = {user: np.setdiff1d(movies, list(rated.get(user, ()))) for user in users}
    rng = np.random.RandomState(0)
    draws = []
    for _ in range(200):
        lists = [rng.permutation(left[user])[:k] for user in users]
        length = [len(movies) for movies in lists]
        rank = np.concatenate([np.arange(1, n + 1) for n in length])
        lists = pd.DataFrame(
            {
                "user_id": np.repeat(users, length),
                "rank": rank,
                "movie_id": np.concatenate(lists),
            }
        )
        draws.append(ranking_metrics(lists, test, test["rating"], k=k))
    draws = pd.DataFrame(draws)
    assert list(found) == list(draws)
    for name, value in found.items():
        assert 0 < abs(draws[name].mean() - value) <= 4 * draws[name].std(), name
    # it has a seed
    assert found == recommender.evaluate_ranking(test, k=k, by="chance")


def test_chance_of_somebody_who_has_seen_everything_is_nothing(table):
    one = table[table["user_id"] == 5]
    recommender = SklearnEcosystemPipeline(model="linear").fit(one)
    test = pd.DataFrame({"user_id": [5], "movie_id": [10**6], "rating": [5.0]})
    for by in ("taste", "popularity", "chance"):
        assert set(recommender.evaluate_ranking(test, by=by).values()) == {0.0}


def test_recommend_gives_titles_stars_and_nothing_that_was_rated(table):
    titled = table.assign(title="Movie " + table["movie_id"].astype(str))
    recommender = SklearnEcosystemPipeline(model="factors").fit(titled)
    found = recommender.recommend(5, n=7)
    assert list(found.columns) == ["movie_id", "title", "score", "predicted_rating"]
    assert found["title"].tolist() == [f"Movie {movie}" for movie in found["movie_id"]]
    assert found["score"].is_monotonic_decreasing
    assert not set(found["movie_id"]) & set(
        table.loc[table["user_id"] == 5, "movie_id"]
    )
    rows = pd.DataFrame({"user_id": 5, "movie_id": found["movie_id"]})
    np.testing.assert_allclose(found["predicted_rating"], recommender.predict(rows))
    untitled = SklearnEcosystemPipeline(model="linear").fit(table)
    assert "title" not in untitled.recommend(5)
    partly = titled.assign(title=titled["title"].where(titled["movie_id"] % 2 == 0))
    found = SklearnEcosystemPipeline(model="linear").fit(partly).recommend(5, n=30)
    assert found["title"].notna().tolist() == (found["movie_id"] % 2 == 0).tolist()


@pytest.mark.parametrize("model", ["factors", "forest"])
def test_recommend_to_somebody_new_needs_no_training(table, model):
    recommender = SklearnEcosystemPipeline(model=model).fit(table)
    ratings = {1: 5.0, 2: 1.0, 3: 4.0}
    found = recommender.recommend(ratings=ratings, n=6)
    assert len(found) == 6
    assert not set(found["movie_id"]) & set(ratings)
    expected = recommender.ranker.recommend_new(
        pd.DataFrame({"user_id": 0, "movie_id": [1, 2, 3], "rating": [5.0, 1, 4]}), 6
    )
    assert found["movie_id"].tolist() == expected["movie_id"].tolist()
    assert (
        recommender.recommend(ratings={1: 1.0}, n=6)["movie_id"].tolist()
        != found["movie_id"].tolist()
    )
    if model == "factors":
        stars = recommender.pipeline["model"].predict_new(
            [1, 2, 3], [5.0, 1, 4], found["movie_id"]
        )
    else:
        stars = recommender.predict(
            pd.DataFrame({"user_id": 101, "movie_id": found["movie_id"]})
        )
    np.testing.assert_allclose(found["predicted_rating"], stars)


def test_recommend_says_what_is_wrong(table):
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    with pytest.raises(
        ValueError, match=r"User 4711 is unknown to the training: pass ratings="
    ):
        recommender.recommend(4711)
    with pytest.raises(ValueError, match="either a user_id, or ratings="):
        recommender.recommend()
    with pytest.raises(ValueError, match="either a user_id, or ratings="):
        recommender.recommend(1, ratings={1: 2.0})
    with pytest.raises(ValueError, match=r"stars.* from 1.0 to 5.0.*, got \{1: 9\}"):
        recommender.recommend(ratings={1: 9})
    with pytest.raises(
        ValueError, match=r"ratings must be \{movie_id: stars.* got \[1, 2\]"
    ):
        recommender.recommend(ratings=[1, 2])
    with pytest.raises(ValueError, match="either a user_id, or ratings="):
        recommender.recommend({1: 2.0})
    with pytest.raises(ValueError, match="The keys of ratings must hold integers"):
        recommender.recommend(ratings={1.5: 2.0})
    with pytest.raises(ValueError, match="user_id must hold integers"):
        recommender.recommend("ann")
    with pytest.warns(UserWarning, match="^Unknown movies are ignored: 4711, 4712.$"):
        recommender.recommend(ratings={4711: 5.0, 1: 4.0, 4712: 3.0})
    none_left = (
        "^Unknown movies are ignored: 4711. "
        "None is left: these are the most popular movies.$"
    )
    with pytest.warns(UserWarning, match=none_left):
        found = recommender.recommend(ratings={4711: 5.0})
    popular = recommender.recommend(ratings={})
    assert found["movie_id"].tolist() == popular["movie_id"].tolist()


def test_a_factorization_of_ones_own_is_taken_as_the_named_one_is(table):
    named = SklearnEcosystemPipeline(model="factors").fit(table)
    own = SklearnEcosystemPipeline(model=MatrixFactorization(random_state=42)).fit(
        table
    )
    np.testing.assert_allclose(
        own.predict(table), named.predict(table), rtol=0, atol=1e-12
    )
    ratings = {1: 5.0, 2: 1.0}
    pd.testing.assert_frame_equal(
        own.recommend(ratings=ratings), named.recommend(ratings=ratings)
    )
    with pytest.raises(
        ValueError, match="select cannot be combined with model=MatrixFactorization"
    ):
        SklearnEcosystemPipeline(model=MatrixFactorization(), select=SelectKBest()).fit(
            table
        )


def test_titles_that_are_all_missing_are_no_titles(table):
    recommender = SklearnEcosystemPipeline(model="linear")
    recommender.fit(table.assign(title=None))
    assert "title" not in recommender.recommend(5)


def test_a_list_that_stands_twice_counts_once():
    test = pd.DataFrame({"user_id": [1, 1], "movie_id": [5, 6], "rating": [5.0, 4.0]})
    lists = pd.DataFrame({"user_id": 1, "rank": [1, 2, 1, 2], "movie_id": [5, 6, 5, 6]})
    assert ranking_metrics(lists, test, test["rating"], k=2) == {
        "Precision@2": 1.0,
        "Recall@2": 1.0,
        "NDCG@2": 1.0,
    }


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


def test_a_loaded_artifact_recommends_at_once_and_the_same(table, tmp_path):
    recommender = SklearnEcosystemPipeline(model="factors").fit(table)
    loaded = SklearnEcosystemPipeline.load_pipeline(
        recommender.save_pipeline(tmp_path / "x.pkl")
    )
    assert loaded.ranker_ is not None  # it was fitted before it was saved
    pd.testing.assert_frame_equal(loaded.recommend(5), recommender.recommend(5))


def test_a_new_training_forgets_the_ranking_of_the_last(table):
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    assert recommender.recommend(5).shape[0] == 10
    recommender.fit(table[table["movie_id"] < 20])
    assert recommender.recommend(5, n=100)["movie_id"].max() < 20


def test_select_and_factors_do_not_go_together(table):
    with pytest.raises(
        ValueError, match="select cannot be combined with model='factors'"
    ):
        SklearnEcosystemPipeline(model="factors", select=SelectKBest()).fit(table)


def test_on_the_synthetic_table_factors_and_the_blend_beat_the_forest():
    dataset = MovieRecommendationDataset()
    table = dataset.generate()
    train, test = table[:40_000], table[40_000:]
    errors = {
        model: SklearnEcosystemPipeline(model=model)
        .fit(train)
        .evaluate(test)[0]["RMSE"]
        for model in ("forest", "factors", "blend")
    }
    assert dataset.best_rmse(test) < min(errors.values())
    assert max(errors["blend"], errors["factors"]) < errors["forest"] - 0.01
    assert errors["blend"] < errors["factors"] + 0.005


@pytest.fixture(scope="module")
def compared(table):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return compare_models(table)


def test_compare_models_tells_mean_and_spread_of_every_model(table, compared):
    found = compared
    assert list(found.index) == [
        "mean",
        "two lines",
        "forest",
        "boosting",
        "linear",
        "factors",
        "blend",
    ]
    figures = ["RMSE", "MAE", "R2", "fit_s", "predict_s"]
    assert list(found.columns) == [
        *figures,
        *(f"{figure}_std" for figure in figures),
        *(f"RMSE_{fold}" for fold in range(1, 6)),
        "to_best",
        "to_best_se",
    ]
    assert (found.drop(index="mean")["RMSE"] < found.loc["mean", "RMSE"]).all()
    assert found.notna().all().all()
    wrapper = SklearnEcosystemPipeline(model="linear")
    wrapper.train(table)
    assert found.loc["linear", "RMSE"] == pytest.approx(wrapper.cv_scores.mean())
    assert found.loc["linear", "RMSE_std"] == pytest.approx(wrapper.cv_scores.std())
    folds = [f"RMSE_{fold}" for fold in range(1, 6)]
    assert found.loc["linear", folds].tolist() == pytest.approx(
        wrapper.cv_scores.tolist()
    )
    best = found["RMSE"].idxmin()
    for model in found.index:
        differences = found.loc[model, folds] - found.loc[best, folds]
        differences = differences.to_numpy(dtype=float)
        assert found.loc[model, "to_best"] == pytest.approx(
            differences.mean(), abs=1e-12
        )
        assert found.loc[model, "to_best_se"] == pytest.approx(
            differences.std(ddof=1) / np.sqrt(5), abs=1e-12
        )
    assert found.loc[best, ["to_best", "to_best_se"]].tolist() == [0, 0]


def test_the_baseline_of_two_lines_is_the_two_lines_that_the_lesson_shows(
    table, compared
):
    folds = KFold(5, shuffle=True, random_state=42)
    since_1_9 = TargetEncoder().shuffle == "deprecated"
    encoder = TargetEncoder(
        target_type="continuous",
        **({"cv": folds} if since_1_9 else {"random_state": 42}),
    )
    errors = -cross_val_score(
        make_pipeline(encoder, Ridge()),
        table[IDS],
        table["rating"],
        cv=folds,
        scoring="neg_root_mean_squared_error",
    )
    found = compared.loc["two lines", [f"RMSE_{fold}" for fold in range(1, 6)]]
    assert found.tolist() == pytest.approx(errors.tolist())


def test_compare_models_takes_engineered_rows_as_train_does(table, compared):
    X, y, *_ = SklearnEcosystemPipeline().create_features(table)
    found = compare_models(X, y)["RMSE"]
    expected = compared["RMSE"].copy()
    tells_no_genre = ["factors", "blend"]
    np.testing.assert_allclose(
        found.drop(tells_no_genre), expected.drop(tells_no_genre)
    )
    assert (found[tells_no_genre] - expected[tells_no_genre]).abs().max() < 0.03


def test_compare_models_prints_every_model_as_it_is_done(table, capsys, monkeypatch):
    monkeypatch.setattr(
        lesson_code,
        "MODELS",
        {name: lesson_code.MODELS[name] for name in ("forest", "linear")},
    )
    found = compare_models(table)
    assert capsys.readouterr().out == ""
    compare_models(table, verbose=True)
    expected = [f"  {name}: RMSE {rmse:.4f}" for name, rmse in found["RMSE"].items()]
    assert capsys.readouterr().out.splitlines() == expected
    assert list(found.index) == ["mean", "two lines", "forest", "linear"]


# ----- the real release: what the README says can be checked here


@pytest.fixture(scope="module")
def real(real_release):
    table = lesson_code.load_movielens(real_release)
    train, test = next(KFold(5, shuffle=True, random_state=0).split(table))
    return table, table.iloc[train], table.iloc[test]


def test_factors_and_ranking_reach_their_figures_on_the_real_release(real):
    _, train, test = real
    stars = MatrixFactorization().fit(train).predict(test)
    assert root_mean_squared_error(test["rating"], stars) < 0.853
    ranker = MovieRanker().fit(train)
    lists = ranker.recommend(ranker.users_)
    assert ranking_metrics(lists, test, test["rating"])["NDCG@10"] > 0.32


def test_users_folded_in_are_ranked_for_nearly_as_well_as_users_trained_with(real):
    """All users in six groups, each folded in by a ranker that has not seen it."""
    _, train, test = real
    users = np.unique(train["user_id"])
    folded = []
    for others, group in KFold(6, shuffle=True, random_state=0).split(users):
        ranker = MovieRanker().fit(train[train["user_id"].isin(users[others])])
        folded.append(ranker.recommend_new(train[train["user_id"].isin(users[group])]))
    new = ranking_metrics(pd.concat(folded), test, test["rating"])["NDCG@10"]
    lists = MovieRanker().fit(train).recommend(users)
    known = ranking_metrics(lists, test, test["rating"])["NDCG@10"]
    assert new >= 0.97 * known


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


def test_evaluate_ranking_takes_relevance_as_an_argument_and_the_card_keeps_figures(
    split, tmp_path
):
    train, test = split
    recommender = SklearnEcosystemPipeline(model="linear").fit(train)
    liked = test[test["rating"] >= 3]
    users = liked["user_id"].unique()
    expected = ranking_metrics(
        recommender.ranker.recommend(users, 5),
        test,
        test["rating"],
        k=5,
        relevant_from=3.0,
    )
    found = recommender.evaluate_ranking(
        test.drop(columns="rating"), test["rating"], k=5, relevant_from=3.0
    )
    assert found == pytest.approx(expected, rel=0, abs=1e-12)
    recommender.save_pipeline(tmp_path / "x.pkl")
    card = json.loads((tmp_path / "x.pkl.json").read_text(encoding="utf-8"))
    what = {"users": len(users), "relevant_from": 3.0}
    assert card["scores"]["ranking"] == what | found


def test_the_users_of_the_ranking_scores_are_those_with_a_relevant_test_movie(split):
    train, test = split
    test = test.assign(rating=np.where(test["user_id"] <= 50, 5.0, 1.0))
    recommender = SklearnEcosystemPipeline(model="linear").fit(train)
    recommender.evaluate_ranking(test)
    assert (
        recommender.ranking_scores_["users"]
        == test.loc[test["user_id"] <= 50, "user_id"].nunique()
    )


def test_evaluate_ranking_warns_once_of_test_pairs_rated_twice(split):
    train, test = split
    recommender = SklearnEcosystemPipeline(model="linear").fit(train)
    twice = pd.concat([test[:3].assign(rating=1.0), test], ignore_index=True)
    with pytest.warns(
        UserWarning,
        match="^3 older ratings of user-movie pairs rated twice do not count.$",
    ) as caught:
        found = recommender.evaluate_ranking(twice.drop(columns="timestamp"))
    assert len(caught) == 1
    expected = recommender.evaluate_ranking(test)
    assert found == pytest.approx(expected, rel=0, abs=1e-12)


def test_a_comparison_by_popularity_or_chance_does_not_replace_the_ranking_scores(
    split,
):
    train, test = split
    recommender = SklearnEcosystemPipeline(model="linear").fit(train)
    taste = recommender.evaluate_ranking(test)
    for by in ("popularity", "chance"):
        recommender.evaluate_ranking(test, by=by)
    assert recommender.ranking_scores_["NDCG@10"] == taste["NDCG@10"]


def test_a_new_training_forgets_the_test_scores_of_the_last(split):
    train, test = split
    recommender = SklearnEcosystemPipeline(model="linear").fit(train)
    recommender.evaluate(test)
    recommender.evaluate_ranking(test)
    recommender.fit(train)
    assert recommender.test_scores_ is recommender.ranking_scores_ is None


def test_the_ranker_learns_from_y_where_the_table_has_ratings_too_and_where_it_has_none(
    table,
):
    y = np.random.RandomState(0).choice([1.0, 5.0], len(table))
    expected = MovieRanker().fit(table.assign(rating=y)).recommend([1, 2])
    pd.testing.assert_frame_equal(
        MovieRanker().fit(table, y).recommend([1, 2]), expected
    )
    told = table[[*IDS, "genre", "movie_year"]]
    pd.testing.assert_frame_equal(
        MovieRanker().fit(told, y).recommend([1, 2]), expected
    )


def test_of_a_newcomers_pair_rated_twice_the_last_row_counts(table):
    ranker = MovieRanker().fit(table)
    new = pd.DataFrame({"user_id": 1, "movie_id": [1, 2, 3], "rating": [5.0, 1.0, 4.0]})
    twice = pd.concat([new[:2].assign(rating=2.0), new], ignore_index=True)
    with pytest.warns(UserWarning, match="^2 older ratings"):
        found = ranker.recommend_new(twice)
    pd.testing.assert_frame_equal(found, ranker.recommend_new(new))


@pytest.mark.parametrize("value", [0, -1.0, np.inf, np.nan, "much", None])
def test_an_impossible_regularization_of_the_ranker_is_refused(value):
    with pytest.raises(
        ValueError, match="regularization must be a number of at least 1e-09"
    ):
        MovieRanker(regularization=value).fit(TINY)


def test_an_unknown_user_asked_for_twice_is_counted_once(table):
    ranker = MovieRanker().fit(table)
    with pytest.warns(UserWarning, match="^1 of the users are unknown"):
        ranker.recommend([10**6, 1, 10**6], n=2)


def test_of_a_test_pair_rated_twice_the_latest_rating_tells_whether_it_is_relevant():
    test = pd.DataFrame(
        {"user_id": 1, "movie_id": [5, 5, 6, 6], "rating": [5.0, 4.0, 4.0, 1.0]}
    )
    lists = pd.DataFrame({"user_id": 1, "rank": [1, 2], "movie_id": [5, 6]})
    with pytest.warns(UserWarning, match="^2 older ratings"):
        found = ranking_metrics(lists, test, test["rating"], k=2)
    assert found == {"Precision@2": 0.5, "Recall@2": 1.0, "NDCG@2": 1.0}


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


def test_popularity_is_the_share_of_users_who_rated_a_movie():
    np.testing.assert_allclose(
        MovieRanker().fit(TINY).popularity_, [2 / 3, 1, 2 / 3, 1 / 3]
    )


def test_a_list_for_somebody_without_ratings_has_the_length_asked_for(table):
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    assert len(recommender.recommend(ratings={}, n=3)) == 3


def test_compare_models_measures_on_the_ratings_and_with_the_seed_it_is_given(
    table, monkeypatch
):
    monkeypatch.setattr(
        lesson_code,
        "MODELS",
        {name: lesson_code.MODELS[name] for name in ("forest", "linear")},
    )
    y = 6 - table["rating"].to_numpy()
    found = compare_models(table, y, random_state=7).loc["linear"]
    folds = list(KFold(5, shuffle=True, random_state=7).split(table))
    predictions = cross_val_predict(
        SklearnEcosystemPipeline(model="linear", random_state=7).build_pipeline(),
        table,
        y,
        cv=folds,
    )
    errors = [mean_absolute_error(y[rows], predictions[rows]) for _, rows in folds]
    assert found["MAE"] == pytest.approx(np.mean(errors))
    assert found["MAE_std"] == pytest.approx(np.std(errors))


def test_compare_models_tells_which_time_is_that_of_the_fit(table, monkeypatch):
    scores = {"test_RMSE": -np.ones(5), "test_MAE": -np.ones(5), "test_R2": np.ones(5)}
    answer = scores | {"fit_time": np.full(5, 2.0), "score_time": np.full(5, 3.0)}
    monkeypatch.setattr(lesson_code, "cross_validate", lambda *_, **__: answer)
    assert compare_models(table)[["fit_s", "predict_s"]].iloc[0].tolist() == [2.0, 3.0]


def test_by_chance_counts_no_movie_that_cannot_be_listed(split):
    """Rows of the training as a test: every relevant movie has been
    rated, and no list may contain it.
    """
    train, _ = split
    recommender = SklearnEcosystemPipeline(model="linear").fit(train)
    for by in ("taste", "popularity", "chance"):
        assert set(recommender.evaluate_ranking(train, by=by).values()) == {0.0}


def test_ids_of_a_newcomer_that_are_no_ids_are_named():
    model = MatrixFactorization(1).fit(TINY)
    with pytest.raises(
        ValueError, match=r"^rated must hold integers .* row 1 holds 1.5"
    ):
        model.predict_new([1, 1.5], [5.0, 3.0], [2])
    with pytest.raises(
        ValueError, match=r"^movie_ids must hold integers .* row 0 holds 'Heat'"
    ):
        model.predict_new([1], [5.0], ["Heat"])


def test_the_genres_of_a_movie_share_one_however_frequent_or_repeated_they_are():
    genres = ["Drama|War", "Drama", "Drama|Comedy", "War|Drama|War", "Sci-Fi", None]
    rows = pd.DataFrame(
        {
            "user_id": 1,
            "movie_id": range(6),
            "genre": genres,
            "movie_year": [1990.0, 2000, 2010, 1980, 1995, np.nan],
        }
    )
    content = MovieContent().fit(rows)
    assert content.vectorizer.get_feature_names_out().tolist() == [
        "Comedy",
        "Drama",
        "Sci-Fi",
        "War",
        "none",
    ]
    half = 1 / np.sqrt(2)
    expected = [
        [0, half, 0, half, 0],
        [0, 1, 0, 0, 0],
        [half, half, 0, 0, 0],
        [0, half, 0, half, 0],
        [0, 0, 1, 0, 0],
        [0] * 5,
    ]
    told = content.transform(rows)
    np.testing.assert_allclose(told[:, :-1], expected)
    # in half centuries from the mean
    np.testing.assert_allclose(told[:, -1], [-0.1, 0.1, 0.3, -0.3, 0, 0])


def test_genres_that_differ_in_capitals_are_two():
    content = MovieContent().fit(TINY.assign(genre=["Drama", "drama"] * 4))
    assert content.vectorizer.get_feature_names_out().tolist() == [
        "Drama",
        "drama",
        "none",
    ]


def test_of_more_than_a_hundred_genres_a_hundred_are_used():
    table = pd.DataFrame(
        {
            "user_id": 1,
            "movie_id": range(120),
            "genre": [f"genre {n}" for n in range(120)],
            "rating": 3.0,
        }
    )
    model = MatrixFactorization(2, 0).fit(table)
    # the genres, the year, the free ones
    assert model.movie_factors_.shape == (120, 100 + 1 + 2)


UNFITTED = {
    "recommend": lambda: MovieRanker().recommend([1]),
    "recommend_new": lambda: MovieRanker().recommend_new(TINY),
    "predict": lambda: MatrixFactorization().predict(TINY),
    "transform": lambda: MatrixFactorization().transform(TINY),
    "predict_new": lambda: MatrixFactorization().predict_new([1], [5.0], [2]),
    "recommend of the wrapper": lambda: SklearnEcosystemPipeline().recommend(1),
    "evaluate_ranking": lambda: SklearnEcosystemPipeline().evaluate_ranking(TINY),
}


@pytest.mark.parametrize("call", UNFITTED)
def test_before_a_fit_recommenders_say_so(call):
    with pytest.raises(NotFittedError):
        UNFITTED[call]()


def test_users_that_are_no_ids_are_named():
    with pytest.raises(
        ValueError, match=r"^user_ids must hold integers .* row 1 holds 2.5"
    ):
        MovieRanker().fit(TINY).recommend([3, 2.5])


def test_the_smaller_matrix_is_inverted_as_long_as_three_of_its_size_fit_in_memory(
    table, monkeypatch
):
    ranker = MovieRanker().fit(table[IDS], table["rating"])
    exact = ranker.solution_
    assert isinstance(exact, ranking.ExactByMovies)
    size = len(exact.P)
    for limit, solution in (
        (3 * 8 * size**2, ranking.ExactByMovies),
        (3 * 8 * size**2 - 1, ranking.LowRank),
    ):
        monkeypatch.setattr(ranking, "MAX_EXACT_BYTES", limit)
        ranker = MovieRanker().fit(table[IDS], table["rating"])
        assert isinstance(ranker.solution_, solution)


def test_the_defaults_are_those_that_the_docstrings_tell():
    expected = {
        "n_factors": 8,
        "n_patterns": 8,
        "content": True,
        "regularization": 6.0,
        "damping": 3.0,
        "n_sweeps": 5,
    }
    assert MatrixFactorization().get_params() == expected | {"cv": 5, "random_state": 0}
    assert MovieRanker().get_params() == {"regularization": "auto"}
    expected = {"create_temporal": True, "damping": 10.0, "cv": 5, "random_state": 0}
    assert UserMovieFeatureTransformer().get_params() == expected


def test_the_penalty_of_the_ranker_is_300_or_the_root_of_the_number_of_ratings():
    assert MovieRanker().fit(TINY).penalty_ == 300
    assert MovieRanker(regularization=7).fit(TINY).penalty_ == 7
    many = pd.DataFrame(
        {
            "user_id": np.arange(102_400) // 20,
            "movie_id": np.arange(102_400) % 20,
            "rating": 3.0,
        }
    )
    assert MovieRanker().fit(many).penalty_ == 320


@pytest.mark.parametrize(
    ("users", "free"),
    [([1, 2, 3], 4), ([1, 2, 4], 3), ([2, 3, 9], 1), ([-1, 0, 2**53], 1)],
    ids=str,
)
def test_somebody_new_gets_the_first_id_from_1_on_that_nobody_has(users, free):
    table = TINY.assign(user_id=TINY["user_id"].map(dict(zip([3, 7, 9], users))))
    assert MovieRanker().fit(table).history_.unused_user_id() == free


def test_a_title_that_is_not_known_is_none(table):
    movies = table["movie_id"]
    titled = table.assign(title=("Movie " + movies.astype(str)).where(movies % 2 == 0))
    recommender = SklearnEcosystemPipeline(model="linear").fit(titled)
    titles = recommender.recommend(1, n=60)["title"].tolist()
    assert None in titles
    assert all(title is None or isinstance(title, str) for title in titles)
    json.dumps(titles, allow_nan=False)


def test_a_ranker_that_cannot_be_fitted_keeps_its_last_fit(table):
    ranker = MovieRanker().fit(table[:500])
    history = ranker.history_
    odd = table[500:].copy()
    odd[5] = 1  # scikit-learn refuses names of several types
    with pytest.raises(TypeError):
        ranker.fit(odd)
    assert ranker.history_ is history
