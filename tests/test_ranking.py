"""MovieRanker and its metrics, against slow forms and truths from elsewhere."""

import numpy as np
import pandas as pd
import pytest
from recommending import (
    IDS,
    TINY,
    dense,
    slow_entries,
    slow_fit,
    slow_metrics,
    slow_P,
    slow_scores,
    slow_weights,
)
from sklearn.base import BaseEstimator
from sklearn.metrics import ndcg_score, root_mean_squared_error
from sklearn.model_selection import KFold

from lesson_code import (
    MatrixFactorization,
    MovieRanker,
    MovieRecommendationDataset,
    ranking_metrics,
)
from recommender import ranking, solutions, synthetic, top_n
from recommender.ranking import default_relevance
from recommender.top_n import PopularityRanker, TopN


@pytest.mark.parametrize("shape", ["more movies", "more users"])
def test_scores_are_those_of_the_formula_in_whichever_dimension_is_solved(shape):
    sizes = (25, 60) if shape == "more movies" else (60, 25)
    table = MovieRecommendationDataset(*sizes, 500, random_state=1).generate()
    table = table[[*IDS, "rating"]]
    ranker = MovieRanker(regularization=5.0).fit(table)
    stars = dense(table, ranker.users_, ranker.movies_)
    entries = slow_entries(stars)
    fit = slow_fit(entries, 5.0, slow_weights(stars))
    expected = slow_scores(fit, entries, stars, table)
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


@pytest.mark.parametrize("stars", [0.0, 1.0, 100.0])
def test_a_table_of_equal_ratings_tells_who_watched_what(stars):
    alike = MovieRanker().fit(TINY.assign(rating=stars)).recommend([3, 7, 9])
    views = MovieRanker().fit(TINY.drop(columns="rating")).recommend([3, 7, 9])
    pd.testing.assert_frame_equal(alike, views)
    assert views["movie_id"].tolist()[:2] == [4, 5]


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

    def best_of(*scores):
        row = np.append(scores, np.zeros(4 - len(scores)))
        ranker.score_movies = lambda user_ids, stars: row[None, :].copy()
        nobody = ranker.history_.stars_of(np.array([99]))
        return ranker.rank(np.array([99]), nobody, 2)["movie_id"].tolist()

    assert best_of(0.3, 0.1 + 0.2, 0.3) == [1, 2]
    for difference, best in ((2e-10, 1), (2e-9, 2)):  # nine decimals count
        assert best_of(0.3, 0.3 + difference)[0] == best


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
    monkeypatch.setattr(top_n, "SCORES_AT_ONCE", 1)
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
    entries = slow_entries(stars)
    X = np.vstack([entries, 4 * np.array(kinds, dtype=float)])
    weights = np.append(slow_weights(stars), np.ones(len(kinds)))
    fit = slow_fit(X, 5.0, weights)[: len(stars)]
    expected = slow_scores(fit, entries, stars, table)
    lists = ranker.recommend(ranker.users_, n=100)
    scores = lists.set_index(["user_id", "movie_id"])["score"]
    found = [
        scores.get((user, movie), np.nan)
        for user in ranker.users_
        for movie in ranker.movies_
    ]
    found = np.reshape(found, stars.shape)
    assert (np.isnan(found) == (stars > 0)).all()
    np.testing.assert_allclose(found[stars == 0], expected[stars == 0], atol=1e-8)


def test_beyond_memory_the_strongest_singular_vectors_stand_for_the_table(
    table, monkeypatch
):
    exact = MovieRanker().fit(table).recommend([1, 2, 3], n=50)
    monkeypatch.setattr(solutions, "MAX_EXACT_BYTES", 1)
    low_rank = MovieRanker().fit(table)
    assert isinstance(low_rank.solution_, solutions.LowRank)
    # all singular vectors are there
    pd.testing.assert_frame_equal(low_rank.recommend([1, 2, 3], n=50), exact, atol=1e-6)


def test_the_number_of_singular_vectors_is_limited_by_a_constant_time_and_the_table(
    table, monkeypatch
):
    monkeypatch.setattr(solutions, "MAX_EXACT_BYTES", 1)
    history = MovieRanker().fit(table).history_
    shape = np.add(history.codes.shape, (history.kinds.shape[0], 0))
    nnz = history.codes.nnz + history.kinds.nnz
    for strongest, work, expected in (
        (5, 1e9, 5),
        (400, 7 * nnz, 7),
        (400, 0, 1),
        (400, 1e9, min(shape)),
    ):
        monkeypatch.setattr(solutions, "N_STRONGEST", strongest)
        monkeypatch.setattr(solutions, "SVD_WORK", work)
        assert MovieRanker().fit(table).solution_.V.shape == (shape[1], expected)


def test_the_matrix_of_users_is_inverted_where_it_is_the_smaller_one():
    few = MovieRecommendationDataset(25, 60, 500, random_state=1).generate()
    few = few[[*IDS, "rating"]]
    by_users = MovieRanker().fit(few).solution_
    assert isinstance(by_users, solutions.ExactByUsers)
    # With an imaginary user for no genre.
    assert by_users.G.shape[0] == pytest.approx(25, abs=1)
    by_movies = MovieRanker().fit(few.rename(columns=dict(zip(IDS, IDS[::-1]))))
    assert isinstance(by_movies.solution_, solutions.ExactByMovies)
    assert by_movies.solution_.P.shape == (25, 25)


def test_low_rank_is_ridge_on_a_table_whose_weak_singular_values_are_made_alike(
    table, monkeypatch
):
    monkeypatch.setattr(solutions, "MAX_EXACT_BYTES", 1)
    monkeypatch.setattr(solutions, "N_STRONGEST", 5)
    ranker = MovieRanker(regularization=3.0).fit(table[[*IDS, "rating"]])
    stars = dense(table, ranker.users_, ranker.movies_)
    X = slow_entries(stars)
    _, s, Vt = np.linalg.svd(np.sqrt(slow_weights(stars))[:, None] * X)
    alike = np.append(s[:5], np.full(X.shape[1] - 5, s[4])) ** 2
    P = Vt.T @ np.diag(1 / (alike + 3.0)) @ Vt
    expected = X - (X @ P) / np.diag(P)
    scores = ranker.solution_.scores(ranker._entries(ranker.history_.stars()))
    # a randomized decomposition is not exact
    np.testing.assert_allclose(scores, expected, rtol=0.05, atol=0.02)


@pytest.mark.parametrize("n", [0, -1, 2.5, None])
def test_a_list_of_impossible_length_is_refused(table, n):
    with pytest.raises(ValueError, match="n must be an integer of at least 1"):
        MovieRanker().fit(table).recommend([1], n=n)


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


def test_a_list_that_stands_twice_counts_once():
    test = pd.DataFrame({"user_id": [1, 1], "movie_id": [5, 6], "rating": [5.0, 4.0]})
    lists = pd.DataFrame({"user_id": 1, "rank": [1, 2, 1, 2], "movie_id": [5, 6, 5, 6]})
    assert ranking_metrics(lists, test, test["rating"], k=2) == {
        "Precision@2": 1.0,
        "Recall@2": 1.0,
        "NDCG@2": 1.0,
    }


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


def test_popularity_is_the_share_of_users_who_rated_a_movie():
    np.testing.assert_allclose(
        MovieRanker().fit(TINY).popularity_, [2 / 3, 1, 2 / 3, 1 / 3]
    )


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
    assert isinstance(exact, solutions.ExactByMovies)
    size = len(exact.P)
    for limit, solution in (
        (3 * 8 * size**2, solutions.ExactByMovies),
        (3 * 8 * size**2 - 1, solutions.LowRank),
    ):
        monkeypatch.setattr(solutions, "MAX_EXACT_BYTES", limit)
        ranker = MovieRanker().fit(table[IDS], table["rating"])
        assert isinstance(ranker.solution_, solution)


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


def test_a_ranker_that_cannot_be_fitted_keeps_its_last_fit(table):
    ranker = MovieRanker().fit(table[:500])
    history = ranker.history_
    odd = table[500:].copy()
    odd[5] = 1  # scikit-learn refuses names of several types
    with pytest.raises(TypeError):
        ranker.fit(odd)
    assert ranker.history_ is history


def movies_like(table, ranker, liked, stars):
    """The share of movies of the liked genre among ten recommended to a new user."""
    genre = table.drop_duplicates("movie_id").set_index("movie_id")["genre"]
    of_genre = genre.index[genre == liked]
    rated = pd.DataFrame({"user_id": 0, "movie_id": of_genre[:5], "rating": stars})
    best = ranker.recommend_new(rated)["movie_id"]
    return genre[best].str.contains(liked, regex=False).mean()


@pytest.mark.parametrize("hated", [1.0, 1.5, 2.0, 2.5])
def test_a_disliked_movie_does_not_bring_more_like_it(hated):
    """Ratings below the middle of the scale do not pull their like in."""
    table = MovieRecommendationDataset(500, 300, 20_000, random_state=1).generate()
    ranker = MovieRanker().fit(table)
    for genre in ("Horror", "Comedy", "Drama"):
        loved = movies_like(table, ranker, genre, 5.0)
        disliked = movies_like(table, ranker, genre, hated)
        popular = table["movie_id"].value_counts().index[:10]
        genres = table.drop_duplicates("movie_id").set_index("movie_id")["genre"]
        usual = genres[popular].str.contains(genre, regex=False).mean()
        assert disliked <= usual < loved


@pytest.mark.parametrize(("low", "high"), [(1.0, 5.0), (0.5, 5.0), (0.0, 100.0)])
def test_a_preference_is_negative_at_the_bottom_of_the_scale_and_grows(low, high):
    stars = np.linspace(low, high, 201)
    preference = ranking.preferences(stars, low, high)
    assert preference[0] < 0 < preference[-1]
    assert (np.diff(preference) >= 0).all()
    assert (preference[stars < (low + high) / 2] <= 0).all()
    assert preference[stars >= (low + high) / 2].min() > 0


def test_a_rating_of_no_stars_is_a_rating():
    table = pd.concat(
        [TINY, pd.DataFrame({"user_id": [3], "movie_id": [5], "rating": [0.0]})],
        ignore_index=True,
    )
    ranker = MovieRanker().fit(table)
    hated = pd.DataFrame({"user_id": 0, "movie_id": [5], "rating": [0.0]})
    nothing = pd.DataFrame({"user_id": 0, "movie_id": [4711], "rating": [5.0]})
    of_hated = ranker.recommend_new(hated)
    assert 5 not in of_hated["movie_id"].tolist()
    assert not (of_hated["score"] == 0).any()
    popular = ranker.recommend_new(nothing).set_index("movie_id")["score"]
    lower = popular[of_hated["movie_id"]].to_numpy() - of_hated["score"].to_numpy()
    assert (lower != 0).any()


@pytest.mark.parametrize("solution", ["ExactByMovies", "ExactByUsers", "LowRank"])
def test_similar_movies_are_those_of_the_largest_partial_correlation(
    solution, monkeypatch
):
    sizes = (25, 60) if solution == "ExactByUsers" else (60, 25)
    table = MovieRecommendationDataset(*sizes, 500, random_state=1).generate()
    table = table[[*IDS, "rating"]]
    if solution == "LowRank":
        monkeypatch.setattr(solutions, "MAX_EXACT_BYTES", 1)
    ranker = MovieRanker(regularization=5.0).fit(table)
    assert type(ranker.solution_).__name__ == solution
    stars = dense(table, ranker.users_, ranker.movies_)
    P = slow_P(slow_entries(stars), 5.0, slow_weights(stars))
    correlation = -P / np.sqrt(np.outer(np.diag(P), np.diag(P)))
    np.fill_diagonal(correlation, -np.inf)
    for movie in ranker.movies_[:5]:
        found = ranker.similar(movie, n=100)
        row = correlation[np.searchsorted(ranker.movies_, movie)]
        best = np.argsort(-row, kind="stable")[:-1]
        tolerance = 0.02 if solution == "LowRank" else 1e-8
        np.testing.assert_allclose(found["score"], row[best], atol=tolerance)
        if solution != "LowRank":
            assert found["movie_id"].tolist() == ranker.movies_[best].tolist()
        assert found["rank"].tolist() == list(range(1, len(best) + 1))


def test_similarity_is_the_same_in_both_directions(table):
    ranker = MovieRanker().fit(table)
    first, second = ranker.movies_[[3, 9]]
    there = ranker.similar(first, 1000).set_index("movie_id")["score"][second]
    back = ranker.similar(second, 1000).set_index("movie_id")["score"][first]
    assert there == pytest.approx(back)


def test_similar_says_what_is_wrong(table):
    ranker = MovieRanker().fit(table)
    with pytest.raises(ValueError, match="Movie 4711 is unknown"):
        ranker.similar(4711)
    with pytest.raises(ValueError, match="movie_id must be one id"):
        ranker.similar([1, 2])
    with pytest.raises(ValueError, match="n must be an integer"):
        ranker.similar(1, n=0)
    with pytest.raises(ValueError, match="these are strings"):
        ranker.similar("tt1")


def test_an_index_named_like_a_column_is_no_problem(split):
    train, test = split
    lists = MovieRanker().fit(train).recommend(test["user_id"].unique())
    expected = ranking_metrics(lists, test)
    for name in ("user_id", "movie_id", "rank"):
        found = ranking_metrics(lists.rename_axis(name), test.rename_axis(name))
        assert found == expected


def test_similar_movies_can_be_chosen_from_some(table):
    ranker = MovieRanker().fit(table)
    movies = ranker.similar(1, 1000)["movie_id"].tolist()
    some = [movies[7], movies[2], 1]
    chosen = ranker.similar(1, candidates=some)["movie_id"].tolist()
    assert chosen == [movies[2], movies[7]]
    rest = ranker.similar(1, 1000, exclude=some)["movie_id"].tolist()
    assert rest == [movie for movie in movies if movie not in some]


@pytest.mark.parametrize("name", ["user_id", "movie_id", "rank", "rating"])
def test_an_index_that_is_named_like_a_column_changes_nothing(table, name):
    train, test = table[:1600], table[1600:]
    lists = MovieRanker().fit(train).recommend(np.unique(test["user_id"]))
    expected = ranking_metrics(lists, test)
    named_lists = lists.set_axis(pd.Index(lists["user_id"], name=name))
    named_test = test.set_axis(pd.Index(test["user_id"], name=name))
    pairs = test.set_index(["user_id", "movie_id"], drop=False)
    for rows in (named_test, pairs):
        assert ranking_metrics(named_lists, rows) == pytest.approx(expected)
        assert ranking_metrics(lists, rows) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["stars", "Rating", "score"])
def test_ratings_under_another_name_are_not_taken_for_views(name):
    misnamed = TINY.rename(columns={"rating": name})
    with pytest.raises(ValueError, match=f"rename '{name}'"):
        MovieRanker().fit(misnamed)
    with pytest.raises(ValueError, match=f"rename '{name}'"):
        MovieRanker().fit(TINY).recommend_new(misnamed)


# ----- What a ranker is given by its user


def test_new_ratings_must_be_ratings_on_the_scale_of_the_training(table):
    """Views once counted as 1 star each: what a user watched was pushed away."""
    ranker = MovieRanker().fit(table)
    views = pd.DataFrame({"user_id": 999, "movie_id": [1, 2, 3]})
    with pytest.raises(ValueError, match="needs the column 'rating'"):
        ranker.recommend_new(views)
    for stars in (0.5, 50.0):
        with pytest.raises(ValueError, match=r"from 1\.0 to 5\.0"):
            ranker.recommend_new(views.assign(rating=[3.0, stars, 4.0]))
    of_views = MovieRanker().fit(table.drop(columns="rating"))
    assert len(of_views.recommend_new(views, 4)) == 4


def test_reasons_for_an_unknown_movie_are_refused(table):
    ranker = MovieRanker().fit(table)
    stars = ranker.history_.stars_of(np.array([1]))
    with pytest.raises(ValueError, match="Movie 9999 is unknown"):
        ranker.explain(stars, np.array([1, 9999]))


class CountRanker(TopN, BaseEstimator):
    """A ranker of one's own, whose scores are whole numbers."""

    def fit_history(self, history):
        self.history_ = history
        return self

    def score_movies(self, user_ids, stars):
        counts = np.bincount(self.history_.codes.indices)
        return np.tile(counts, (len(user_ids), 1))


class NoRanker(CountRanker):
    def score_movies(self, user_ids, stars):
        return np.full((len(user_ids), self.history_.movies.size), np.nan)


def test_scores_may_be_whole_numbers_but_not_nan(table):
    expected = PopularityRanker().fit(table).recommend(1, 5)["movie_id"]
    counted = CountRanker().fit(table).recommend(1, 5)["movie_id"]
    assert counted.tolist() == expected.tolist()
    with pytest.raises(ValueError, match="NoRanker gives scores that are NaN"):
        NoRanker().fit(table).recommend(1)


def test_a_subclass_learns_in_its_own_way(table):
    class Sub(MovieRanker):
        def fit_history(self, history):
            self.n_seen_ = history.codes.nnz
            return super().fit_history(history)

    assert Sub().fit(table).n_seen_ == len(table)


@pytest.mark.parametrize(("low", "high"), [(1, 5), (0.5, 3.5), (1, 7), (0, 6)])
def test_the_default_of_relevance_is_a_rating_that_can_be_given(low, high):
    assert default_relevance(low, high) == float(f"{0.8 * high:.6f}")


def test_a_user_who_likes_nothing_gets_popular_movies_of_a_sparse_table_too():
    """There, the expected rating once weighed more than all popularity."""
    table = MovieRecommendationDataset(3000, 600, 9000, random_state=2).generate()
    ranker = MovieRanker().fit(table[[*IDS, "rating"]])
    hated = pd.DataFrame({"user_id": [0], "movie_id": [1], "rating": [1.0]})
    ranks = ranker.popularity_.argsort()[::-1].argsort()
    movies = ranker.recommend_new(hated, 10)["movie_id"]
    assert ranks[np.searchsorted(ranker.movies_, movies)].max() < 20
