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

from lesson_code import MovieRanker, MovieRecommendationDataset, ranking_metrics
from recommender import solutions, synthetic, top_n
from recommender.ranking import default_relevance
from recommender.solutions import with_kinds
from recommender.top_n import PopularityRanker, TopN


def small_table(shape):
    sizes = (25, 60) if shape == "more movies" else (60, 25)
    return MovieRecommendationDataset(*sizes, 500, random_state=1).generate()


@pytest.mark.parametrize("known", ["ids", "genres and years"])
@pytest.mark.parametrize("shape", ["more movies", "more users"])
def test_scores_are_those_of_the_formula_in_whichever_dimension_is_solved(shape, known):
    """With imaginary users who have watched all of a genre or a decade."""
    table = small_table(shape)
    if known == "ids":
        table = table[[*IDS, "rating"]]
    ranker = MovieRanker(regularization=5.0).fit(table)
    kinds = []
    if known != "ids":
        movies = table.drop_duplicates("movie_id").set_index("movie_id")
        movies = movies.loc[ranker.movies_]
        of = movies["genre"].str.split("|")
        kinds = [[name in names for names in of] for name in synthetic.GENRES]
        decades = movies["movie_year"] // 10
        kinds += [decades == decade for decade in sorted(set(decades))]
    kinds = np.reshape(np.array(kinds, dtype=float), (-1, ranker.movies_.size))
    stars = dense(table, ranker.users_, ranker.movies_)
    entries = slow_entries(stars)
    X = np.vstack([entries, 4 * kinds])
    weights = np.append(slow_weights(stars), np.ones(len(kinds)))
    fit = slow_fit(X, 5.0, weights)[: len(stars)]
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
    nobody = ranker.recommend([])
    assert (list(nobody), len(nobody)) == (list(known), 0)


def test_unknown_users_get_the_popular_movies_and_one_warning_counts_them(table):
    ranker = MovieRanker().fit(table)
    users = [10**6, 1, 10**6 + 1, 10**6]
    with pytest.warns(UserWarning, match="^2 of the users are unknown") as caught:
        lists = ranker.recommend(users, n=5)
    assert len(caught) == 1
    counts = table["movie_id"].value_counts()
    popular = sorted(counts.index, key=lambda movie: (-counts[movie], movie))[:5]
    assert lists["movie_id"].tolist()[:5] == popular
    assert lists["user_id"].tolist()[::5] == users
    strange = pd.DataFrame({"user_id": [1], "movie_id": [10**6], "rating": [5.0]})
    assert ranker.recommend_new(strange, n=5)["movie_id"].tolist() == popular


@pytest.mark.parametrize(
    ("shape", "exact"),
    [("more users", "ExactByMovies"), ("more movies", "ExactByUsers")],
)
def test_the_smaller_matrix_is_inverted_as_long_as_three_of_its_size_fit_in_memory(
    monkeypatch, shape, exact
):
    table = small_table(shape)[[*IDS, "rating"]]
    solution = MovieRanker().fit(table).solution_
    size = len(solution.P if shape == "more users" else solution.G)
    assert size == pytest.approx(25, abs=1)  # with an imaginary user for no genre
    for limit, kind in ((24 * size**2, exact), (24 * size**2 - 1, "LowRank")):
        monkeypatch.setattr(solutions, "MAX_EXACT_BYTES", limit)
        assert type(MovieRanker().fit(table).solution_).__name__ == kind


def test_a_perfect_list_scores_one_however_often_it_stands_and_a_useless_one_nothing():
    test = pd.DataFrame(
        {"user_id": [1, 1, 2], "movie_id": [5, 6, 7], "rating": [5.0, 4.0, 1.0]}
    )
    lists = pd.DataFrame({"user_id": 1, "rank": [1, 2, 3], "movie_id": [6, 5, 9]})
    for perfect in (lists, pd.concat([lists, lists])):
        found = ranking_metrics(perfect, test, test["rating"], k=2)
        assert found == {"Precision@2": 1.0, "Recall@2": 1.0, "NDCG@2": 1.0}
    useless = ranking_metrics(lists.assign(movie_id=9), test, test["rating"])
    assert set(useless.values()) == {0.0}


@pytest.mark.parametrize("k", [3, 10])
def test_metrics_are_those_of_a_slow_reference(split, k):
    train, test = split
    lists = MovieRanker().fit(train).recommend(test["user_id"].unique(), n=20)
    found = ranking_metrics(lists, test, test["rating"], k=k, relevant_from=3.5)
    assert found == pytest.approx(slow_metrics(lists, test, test["rating"], k, 3.5))


def ndcg_of(lists, test):
    return ranking_metrics(lists, test, test["rating"])["NDCG@10"]


def test_on_the_real_release_low_rank_and_users_folded_in_are_nearly_as_good(
    real, monkeypatch
):
    _, train, test = real
    users = np.unique(train["user_id"])
    exact = MovieRanker().fit(train)
    known = ndcg_of(exact.recommend(users), test)
    assert known > 0.32
    with monkeypatch.context() as patch:
        patch.setattr(solutions, "MAX_EXACT_BYTES", 1)
        assert ndcg_of(MovieRanker().fit(train).recommend(users), test) > 0.99 * known
    # a ranker that has not seen a sixth of the users
    is_new = train["user_id"].isin(users[::6])
    folded = MovieRanker().fit(train[~is_new]).recommend_new(train[is_new])
    of_them = test[test["user_id"].isin(users[::6])]
    known = ndcg_of(exact.recommend(users[::6]), of_them)
    assert ndcg_of(folded, of_them) >= 0.95 * known


def test_popularity_is_the_share_of_users_who_rated_a_movie():
    for ranker in (MovieRanker(), PopularityRanker()):
        found = ranker.fit(TINY).popularity_
        np.testing.assert_allclose(found, [2 / 3, 1, 2 / 3, 1 / 3])


@pytest.fixture(scope="module")
def genres_and_ranker():
    table = MovieRecommendationDataset(500, 300, 20_000, random_state=1).generate()
    genres = table.drop_duplicates("movie_id").set_index("movie_id")["genre"]
    popular = table["movie_id"].value_counts().index[:10]
    return genres, popular, MovieRanker().fit(table)


@pytest.mark.parametrize("hated", [1.0, 2.5])
@pytest.mark.parametrize("genre", ["Horror", "Drama"])
def test_a_disliked_movie_does_not_bring_more_like_it(genres_and_ranker, genre, hated):
    genres, popular, ranker = genres_and_ranker

    def share_of_genre(movies):
        return genres[movies].str.contains(genre, regex=False).mean()

    def share_for_ratings_of(stars):
        rated = {"user_id": 0, "movie_id": genres.index[genres == genre][:5]}
        rows = pd.DataFrame(rated).assign(rating=stars)
        return share_of_genre(ranker.recommend_new(rows)["movie_id"])

    assert share_for_ratings_of(hated) <= share_of_genre(popular)
    assert share_of_genre(popular) < share_for_ratings_of(5.0)


def test_a_rating_of_no_stars_is_a_rating():
    none = pd.DataFrame({"user_id": [3], "movie_id": [5], "rating": [0.0]})
    ranker = MovieRanker().fit(pd.concat([TINY, none], ignore_index=True))
    assert ranker.recommend([3])["movie_id"].tolist() == [4]
    nothing = pd.DataFrame({"user_id": 0, "movie_id": [4711], "rating": [5.0]})
    of_hated = ranker.recommend_new(none)
    assert 5 not in of_hated["movie_id"].tolist()
    assert not (of_hated["score"] == 0).any()
    popular = ranker.recommend_new(nothing).set_index("movie_id")["score"]
    lower = popular[of_hated["movie_id"]].to_numpy() - of_hated["score"].to_numpy()
    assert (lower != 0).any()


@pytest.mark.parametrize("solution", ["ExactByMovies", "ExactByUsers", "LowRank"])
def test_similar_movies_are_those_of_the_largest_partial_correlation(
    solution, monkeypatch
):
    shape = "more movies" if solution == "ExactByUsers" else "more users"
    table = small_table(shape)[[*IDS, "rating"]]
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


@pytest.mark.parametrize("stars", [0.0, 1.0, 100.0])
def test_a_table_of_equal_ratings_tells_who_watched_what(stars):
    alike = MovieRanker().fit(TINY.assign(rating=stars)).recommend([3, 7, 9])
    views = TINY.drop(columns="rating")
    ranker = MovieRanker().fit(views)
    pd.testing.assert_frame_equal(ranker.recommend([3, 7, 9]), alike)
    X = (dense(TINY, ranker.users_, ranker.movies_) > 0).astype(float)
    fit = slow_fit(X, 300.0, slow_weights(X)) * ranker.popularity_**-0.1
    of_user_3 = alike[alike["user_id"] == 3]
    assert of_user_3["movie_id"].tolist() == [4, 5]
    np.testing.assert_allclose(of_user_3["score"], fit[0, [2, 3]], atol=1e-9)
    # new users need no ratings, either
    pd.testing.assert_frame_equal(ranker.recommend_new(views), alike)


def test_equal_scores_come_in_the_order_of_ids_even_across_the_end_of_the_list():
    table = pd.DataFrame(
        {"user_id": [1, 1, 2, 2, 2, 2], "movie_id": [1, 2, 6, 3, 5, 4], "rating": 4.0}
    )
    ranker = MovieRanker().fit(table)
    assert ranker.recommend([1], n=2)["movie_id"].tolist() == [3, 4]
    with pytest.warns(UserWarning, match="unknown"):
        assert ranker.recommend([99], n=4)["movie_id"].tolist() == [1, 2, 3, 4]


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


def test_similar_movies_can_be_chosen_from_some(table):
    ranker = MovieRanker().fit(table)
    movies = ranker.similar(1, 1000)["movie_id"].tolist()
    some = [movies[7], movies[2], 1]
    chosen = ranker.similar(1, candidates=some)["movie_id"].tolist()
    assert chosen == [movies[2], movies[7]]
    rest = ranker.similar(1, 1000, exclude=some)["movie_id"].tolist()
    assert rest == [movie for movie in movies if movie not in some]


@pytest.mark.parametrize(("low", "high"), [(1, 5), (0.5, 3.5), (1, 7), (0, 6)])
def test_the_default_of_relevance_is_a_rating_that_can_be_given(low, high):
    assert default_relevance(low, high) == float(f"{0.8 * high:.6f}")


def test_the_number_of_singular_vectors_is_limited_by_a_constant_time_and_the_table(
    table, monkeypatch
):
    exact = MovieRanker().fit(table)
    X = with_kinds(exact.history_.stars(), exact.history_.kinds)
    monkeypatch.setattr(solutions, "MAX_EXACT_BYTES", 1)
    for strongest, work, expected in (
        (5, 1e9, 5),
        (400, 7 * X.nnz, 7),
        (400, 0, 1),
        (400, 1e9, min(X.shape)),
    ):
        monkeypatch.setattr(solutions, "N_STRONGEST", strongest)
        monkeypatch.setattr(solutions, "SVD_WORK", work)
        ranker = MovieRanker().fit(table)
        assert ranker.solution_.V.shape == (X.shape[1], expected)
    # with all of them, nothing is lost
    found = ranker.recommend([1, 2, 3], n=50)
    pd.testing.assert_frame_equal(found, exact.recommend([1, 2, 3], n=50), atol=1e-6)


def test_scores_that_differ_in_the_last_digits_alone_are_equal(table, monkeypatch):
    """The order of a sum depends on how many users are asked for; a list must not."""
    ranker = MovieRanker().fit(TINY)

    def best_of(*scores):
        row = np.append(scores, np.zeros(4 - len(scores)))
        ranker.score_movies = lambda user_ids, stars: row[None, :].copy()
        nobody = ranker.history_.stars_of(np.array([99]))
        return ranker.rank(np.array([99]), nobody, 2)["movie_id"].tolist()

    assert best_of(0.3, 0.1 + 0.2, 0.3) == [1, 2]
    for difference, best in ((2e-10, 1), (2e-9, 2)):  # nine decimals count
        assert best_of(0.3, 0.3 + difference)[0] == best
    ranker = MovieRanker().fit(table)
    expected = ranker.recommend(ranker.users_)
    monkeypatch.setattr(top_n, "SCORES_AT_ONCE", 1)
    pd.testing.assert_frame_equal(ranker.recommend(ranker.users_), expected)


def test_the_ranker_learns_from_y_where_the_table_has_ratings_too_and_where_it_has_none(
    table,
):
    y = np.random.RandomState(0).choice([1.0, 5.0], len(table))
    expected = MovieRanker().fit(table.assign(rating=y)).recommend([1, 2])
    for rows in (table, table[[*IDS, "genre", "movie_year"]]):
        found = MovieRanker().fit(rows, y).recommend([1, 2])
        pd.testing.assert_frame_equal(found, expected)


def test_the_penalty_of_the_ranker_is_300_or_the_root_of_the_number_of_ratings():
    assert MovieRanker().fit(TINY).penalty_ == 300
    assert MovieRanker(regularization=7).fit(TINY).penalty_ == 7
    row = np.arange(102_400)
    many = pd.DataFrame({"user_id": row // 20, "movie_id": row % 20, "rating": 3.0})
    assert MovieRanker().fit(many).penalty_ == 320


class CountRanker(TopN, BaseEstimator):
    """A ranker of one's own, whose scores are whole numbers, or all of one value."""

    def __init__(self, value=None):
        self.value = value

    def fit_history(self, history):
        self.history_ = history
        return self

    def score_movies(self, user_ids, stars):
        counts = np.bincount(self.history_.codes.indices)
        scores = counts if self.value is None else np.full(counts.size, self.value)
        return np.tile(scores, (len(user_ids), 1))


def test_scores_may_be_whole_numbers_but_not_nan(table):
    expected = PopularityRanker().fit(table).recommend(1, 5)["movie_id"]
    counted = CountRanker().fit(table).recommend(1, 5)["movie_id"]
    assert counted.tolist() == expected.tolist()
    with pytest.raises(ValueError, match="CountRanker gives scores that are NaN"):
        CountRanker(np.nan).fit(table).recommend(1)
