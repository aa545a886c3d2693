"""The wrapper's recommendations, and how they are scored."""

import json

import numpy as np
import pandas as pd
import pytest
from recommending import TINY
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import FunctionTransformer

from lesson_code import (
    MatrixFactorization,
    MovieRanker,
    MovieRecommendationDataset,
    RatingPipeline,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
    ranking_metrics,
)
from recommender import solutions
from recommender.recommend import RatingRanker
from recommender.steps import DropIds
from recommender.top_n import PopularityRanker, TopN

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


def test_a_pipeline_beyond_memory_recommends_is_saved_and_loaded(
    table, monkeypatch, tmp_path
):
    monkeypatch.setattr(solutions, "MAX_EXACT_BYTES", 1)
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
    for size in (solutions.MAX_EXACT_BYTES, 1):
        monkeypatch.setattr(solutions, "MAX_EXACT_BYTES", size)
        recommender = SklearnEcosystemPipeline(model="linear").fit(train)
        figures[size] = recommender.evaluate_ranking(test)["NDCG@10"]
    assert figures[1] > 0.99 * max(figures.values())


def test_an_unknown_way_to_rank_is_refused(table):
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    with pytest.raises(ValueError, match="by must be one of .*'chance'.*, got 'luck'"):
        recommender.evaluate_ranking(table, by="luck")


def test_nobody_gets_no_list_and_who_has_seen_everything_an_empty_one(table):
    columns = ["user_id", "rank", "movie_id", "score"]
    nobody = MovieRanker().fit(table).recommend([])
    assert (list(nobody.columns), len(nobody)) == (columns, 0)
    one = table[table["user_id"] == 5]
    found = SklearnEcosystemPipeline(model="factors").fit(one).recommend(5)
    assert list(found.columns) == ["movie_id", "title", "score", "predicted_rating"]
    assert len(found) == 0


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
    untitled = table.drop(columns="title")
    recommender = SklearnEcosystemPipeline(model="linear").fit(untitled)
    assert "title" not in recommender.recommend(5)
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
    expected = recommender.ranker_.recommend_new(
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
        ValueError, match=r"User 4711 is unknown to the training: pass ratings"
    ):
        recommender.recommend(4711)
    with pytest.raises(ValueError, match="a user_id, or ratings="):
        recommender.recommend()
    with pytest.raises(ValueError, match=r"stars from 1.0 to 5.0.*movie 1 has 9"):
        recommender.recommend(ratings={1: 9})
    with pytest.raises(ValueError, match=r"ratings must be a dict.* got \[1, 2\]"):
        recommender.recommend(ratings=[1, 2])
    with pytest.raises(ValueError, match="a user_id, or ratings="):
        recommender.recommend({1: 2.0})
    with pytest.raises(ValueError, match="The keys of ratings must hold integers"):
        recommender.recommend(ratings={1.5: 2.0})
    with pytest.raises(ValueError, match="whole numbers, .* these are strings.*'ann'"):
        recommender.recommend("ann")
    for several in ([1, 2], pd.DataFrame({"user_id": range(5000)}), np.arange(5000)):
        with pytest.raises(ValueError, match="user_id must be one id") as caught:
            recommender.recommend(several)
        assert len(str(caught.value)) < 200
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


def test_evaluate_ranking_takes_relevance_as_an_argument_and_the_card_keeps_figures(
    split, tmp_path
):
    train, test = split
    recommender = SklearnEcosystemPipeline(model="linear").fit(train)
    liked = test[test["rating"] >= 3]
    users = liked["user_id"].unique()
    expected = ranking_metrics(
        recommender.ranker_.recommend(users, 5),
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


def test_a_list_for_somebody_without_ratings_has_the_length_asked_for(table):
    recommender = SklearnEcosystemPipeline(model="linear").fit(table)
    assert len(recommender.recommend(ratings={}, n=3)) == 3


def test_by_chance_counts_no_movie_that_cannot_be_listed(split):
    """Rows of the training as a test: every relevant movie has been
    rated, and no list may contain it.
    """
    train, _ = split
    recommender = SklearnEcosystemPipeline(model="linear").fit(train)
    for by in ("taste", "popularity", "chance"):
        assert set(recommender.evaluate_ranking(train, by=by).values()) == {0.0}


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


def test_the_defaults_are_those_that_the_docstrings_tell():
    expected = {
        "n_factors": 12,
        "n_patterns": 32,
        "content": True,
        "regularization": 7.0,
        "damping": 3.0,
        "n_sweeps": 8,
    }
    assert MatrixFactorization().get_params() == expected | {"cv": 5, "random_state": 0}
    assert MovieRanker().get_params() == {"regularization": "auto"}
    expected = {"create_temporal": True, "damping": 10.0, "cv": 5, "random_state": 0}
    assert UserMovieFeatureTransformer().get_params() == expected


def test_a_title_that_is_not_known_is_none(table):
    movies = table["movie_id"]
    titled = table.assign(title=("Movie " + movies.astype(str)).where(movies % 2 == 0))
    recommender = SklearnEcosystemPipeline(model="linear").fit(titled)
    titles = recommender.recommend(1, n=60)["title"].tolist()
    assert None in titles
    assert all(title is None or isinstance(title, str) for title in titles)
    json.dumps(titles, allow_nan=False)


@pytest.fixture(scope="module")
def recommender(table):
    titles = "Movie " + table["movie_id"].astype(str)
    return SklearnEcosystemPipeline(model="linear").fit(table.assign(title=titles))


@pytest.mark.parametrize("user", [{"user_id": 5}, {"ratings": {1: 5.0, 2: 1.0}}])
def test_only_candidates_are_ranked_and_what_is_excluded_is_not(recommender, user):
    everything = recommender.recommend(**user, n=1000)
    some = everything["movie_id"].iloc[[9, 2, 5]].tolist()
    wanted = recommender.recommend(**user, n=1000, candidates=[*some, 4711])
    assert wanted["movie_id"].tolist() == [some[1], some[2], some[0]]
    assert wanted["score"].tolist() == everything["score"].iloc[[2, 5, 9]].tolist()

    rest = recommender.recommend(**user, n=1000, exclude=[*some, 4711])
    kept = everything[~everything["movie_id"].isin(some)]
    assert rest["movie_id"].tolist() == kept["movie_id"].tolist()

    both = recommender.recommend(**user, candidates=some, exclude=some[:2])
    assert both["movie_id"].tolist() == some[2:]
    assert recommender.recommend(**user, candidates=[]).empty
    assert recommender.recommend(**user, candidates=[4711]).empty


def test_candidates_that_were_rated_stay_off_the_list(recommender, table):
    rated = table.loc[table["user_id"] == 5, "movie_id"]
    assert recommender.recommend(5, candidates=rated).empty
    lists = recommender.ranker_.recommend([5, 6], 1000, candidates=rated)
    assert set(lists["user_id"]) == {6}


@pytest.mark.parametrize("name", ["candidates", "exclude"])
@pytest.mark.parametrize("bad", [[1.5], ["tt1"], [None], [1, "a"]])
def test_candidates_that_are_no_ids_are_refused(recommender, name, bad):
    with pytest.raises(ValueError, match="integers|whole numbers"):
        recommender.recommend(5, **{name: bad})


def test_more_ratings_of_a_known_user_count_without_training(recommender, table):
    rated = table[table["user_id"] == 5]
    own = dict(zip(rated["movie_id"].tolist(), rated["rating"].tolist()))
    new_movie = recommender.recommend(5)["movie_id"].iloc[0]
    old_movie = rated["movie_id"].iloc[0]
    more = {new_movie: 5.0, old_movie: 1.0}  # the second replaces an older rating
    expected = recommender.recommend(ratings={**own, **more}, n=20)
    found = recommender.recommend(5, 20, ratings=more)
    assert new_movie not in found["movie_id"].tolist()
    assert found["movie_id"].tolist() == expected["movie_id"].tolist()
    np.testing.assert_allclose(found["score"], expected["score"])
    # The history is not changed.
    assert recommender.recommend(5)["movie_id"].iloc[0] == new_movie


def test_an_unknown_user_with_ratings_is_a_new_user(recommender):
    ratings = {1: 5.0, 2: 1.0}
    known_by_ratings = recommender.recommend(ratings=ratings)
    found = recommender.recommend(4711, ratings=ratings)
    pd.testing.assert_frame_equal(found, known_by_ratings)


def test_unknown_movies_of_a_new_user_are_data(recommender):
    with pytest.warns(UserWarning, match="Unknown movies"):
        found = recommender.recommend(ratings={4711: 5.0, 1: 4.0})
    assert found.attrs["unknown_movies"] == [4711]
    assert recommender.recommend(5).attrs["unknown_movies"] == []


def test_a_warning_names_a_few_of_many_unknown_movies(recommender):
    with pytest.warns(UserWarning, match="and 4990 more") as caught:
        recommender.recommend(ratings=dict.fromkeys(range(10**6, 10**6 + 5000), 3.0))
    assert len(str(caught[0].message)) < 300


def test_reasons_are_the_ratings_that_add_most_to_a_score(recommender, table):
    """A score is the sum of what each rating adds: without one, it is lower by that.

    Only liked movies are reasons, those from a point 30 % up the scale on.
    """
    rated = table[table["user_id"] == 5]
    own = dict(zip(rated["movie_id"].tolist(), rated["rating"].tolist()))
    whole = recommender.recommend(5, 1, explain=True).iloc[0]
    added = {}
    for movie in own:
        others = {other: stars for other, stars in own.items() if other != movie}
        without = recommender.recommend(ratings=others, candidates=[whole["movie_id"]])
        added[movie] = whole["score"] - without["score"].iloc[0]
    liked = [movie for movie in own if own[movie] >= 3]
    strongest = sorted(liked, key=added.get, reverse=True)[:3]
    assert whole["because"] == [f"Movie {movie}" for movie in strongest]


def test_reasons_are_ids_without_titles_and_none_without_a_rating_that_adds(table):
    untitled = table.drop(columns="title")
    recommender = SklearnEcosystemPipeline(model="linear").fit(untitled)
    reasons = recommender.recommend(ratings={1: 5.0}, explain=True)["because"]
    assert all(movies in ([1], []) for movies in reasons)
    assert [1] in reasons.tolist()
    hated = recommender.recommend(ratings={}, explain=True)["because"]
    assert hated.tolist() == [[]] * 10


@pytest.mark.parametrize("ranker", ["taste", "popularity", "rating"])
@pytest.mark.parametrize("model", ["linear", "factors"])
def test_another_ranker_makes_other_recommendations(table, ranker, model, tmp_path):
    recommender = SklearnEcosystemPipeline(model=model, ranker=ranker).fit(table)
    found = recommender.recommend(5, 1000, explain=True)
    unrated = sorted(
        set(table["movie_id"]) - set(table.loc[table["user_id"] == 5, "movie_id"])
    )
    rows = pd.DataFrame({"user_id": 5, "movie_id": unrated})
    if ranker == "popularity":
        counts = table["movie_id"].value_counts()
        expected = sorted(unrated, key=lambda movie: (-counts[movie], movie))
        assert found["movie_id"].tolist() == expected
    elif ranker == "rating":
        stars = dict(zip(unrated, recommender.predict(rows).round(9)))
        expected = sorted(unrated, key=lambda movie: (-stars[movie], movie))
        assert found["movie_id"].tolist() == expected
        np.testing.assert_allclose(found["score"], found["predicted_rating"])
    else:
        # A model of factors brings its own, of another seed, for the expected ratings.
        factors = recommender.pipeline[-1] if model == "factors" else None
        alone = MovieRanker().fit_history(recommender.history_, factors)
        pd.testing.assert_frame_equal(
            found[["movie_id", "score"]],
            alone.recommend([5], 1000)[["movie_id", "score"]],
        )
    figures = recommender.evaluate_ranking(table[1600:])
    assert figures == recommender.evaluate_ranking(table[1600:], by=ranker)
    recommender.save_pipeline(tmp_path / "model.pkl")
    loaded = SklearnEcosystemPipeline.load_pipeline(tmp_path / "model.pkl")
    pd.testing.assert_frame_equal(loaded.recommend(5, 1000, explain=True), found)


def test_a_ranker_of_ones_own_is_used_and_left_alone(table):
    own = MovieRanker(regularization=10_000.0)
    recommender = SklearnEcosystemPipeline(model="linear", ranker=own).fit(table)
    assert recommender.ranker_.penalty_ == 10_000.0
    assert not hasattr(own, "history_")
    assert recommender.get_params()["ranker__regularization"] == 10_000.0


@pytest.mark.parametrize("ranker", ["luck", None, 3, MovieRanker])
def test_a_ranker_that_is_none_is_refused_before_training(table, ranker):
    with pytest.raises(ValueError, match="ranker must be one of"):
        SklearnEcosystemPipeline(model="linear", ranker=ranker).train(table)


def test_a_ranker_that_compares_no_movies_says_so(table):
    recommender = SklearnEcosystemPipeline(model="linear", ranker="popularity")
    with pytest.raises(ValueError, match="compares no movies"):
        recommender.fit(table).similar(1)


@pytest.mark.parametrize("ranker", ["taste", "popularity", "rating"])
def test_every_fitted_ranker_recommends_on_its_own(table, ranker):
    """Those without a `fit` of their own were no estimators to scikit-learn."""
    recommender = SklearnEcosystemPipeline(model="linear", ranker=ranker).fit(table)
    lists = recommender.ranker_.recommend([1, 2], n=4)
    expected = [recommender.recommend(user, n=4)["movie_id"] for user in (1, 2)]
    assert lists["movie_id"].tolist() == pd.concat(expected).tolist()
    new = recommender.ranker_.recommend_new(table[table["user_id"] == 1], n=4)
    assert len(new) == 4


def test_popularity_is_learned_from_a_table(table):
    ranker = PopularityRanker().fit(table)
    most_rated = table["movie_id"].value_counts().max()
    assert ranker.popularity_.max() == most_rated / table["user_id"].nunique()


def test_similar_movies_have_titles(recommender):
    similar = recommender.similar(3, n=4)
    assert list(similar.columns) == ["movie_id", "title", "score"]
    expected = recommender.ranker_.similar(3, n=4)
    assert similar["movie_id"].tolist() == expected["movie_id"].tolist()
    assert similar["title"].iloc[0] == f"Movie {similar['movie_id'].iloc[0]}"


@pytest.mark.parametrize("top", [100, 5, 1])
def test_what_is_relevant_follows_the_scale_of_the_training(split, top):
    """Four fifths of the highest rating: 4.0 of 5 is 80 of 100."""
    train, test = (rows.assign(rating=rows["rating"] * top / 5) for rows in split)
    recommender = SklearnEcosystemPipeline(model="linear").fit(train)
    by_default = recommender.evaluate_ranking(test)
    expected = recommender.evaluate_ranking(test, relevant_from=top * 0.8)
    assert by_default == expected
    assert recommender.ranking_scores_["relevant_from"] == pytest.approx(top * 0.8)


def test_a_threshold_that_nearly_every_test_rating_passes_gives_a_warning(split):
    train, test = split
    recommender = SklearnEcosystemPipeline(model="linear").fit(train)
    with pytest.warns(UserWarning, match="right for this scale"):
        recommender.evaluate_ranking(test, relevant_from=1.0)
    with pytest.warns(UserWarning, match="right for this scale"):
        ranking_metrics(recommender.ranker_.recommend([1]), test, relevant_from=1.0)


def test_a_pipeline_of_ones_own_recommends_whatever_its_steps_are_called(table):
    steps = [
        ("make", UserMovieFeatureTransformer()),
        ("drop_ids", DropIds()),
        ("last", Ridge()),
    ]
    recommender = SklearnEcosystemPipeline(model=RatingPipeline(steps)).fit(table)
    assert len(recommender.recommend(1, 3)) == 3
    assert len(recommender.recommend(ratings={1: 5.0}, n=3)) == 3


def test_new_ratings_of_no_stars_change_the_predicted_ratings(table):
    """A sparse comparison cannot tell a stored 0 from nothing."""
    from_zero = table.assign(rating=table["rating"] - 1)
    recommender = SklearnEcosystemPipeline(model="factors").fit(from_zero)

    def predicted(stars, user=None):
        ratings = {movie: stars for movie in range(1, 7)}
        best = recommender.recommend(user, n=50, ratings=ratings)
        return best.set_index("movie_id")["predicted_rating"].sort_index()

    for user in (None, 1):
        assert predicted(0.0, user).mean() < predicted(0.5, user).mean() - 0.05


@pytest.mark.parametrize("is_used", [False, True])
def test_another_ranker_counts_from_the_next_training_on(split, is_used):
    train, test = split
    recommender = SklearnEcosystemPipeline(model="linear").fit(train)
    taste = recommender.evaluate_ranking(test, by="taste")
    popular = recommender.evaluate_ranking(test, by="popularity")
    assert taste != popular
    recommender = SklearnEcosystemPipeline(model="linear").fit(train)
    if is_used:
        recommender.evaluate_ranking(test)
    recommender.set_params(ranker="popularity")
    assert recommender.evaluate_ranking(test) == taste
    assert recommender.evaluate_ranking(test, by="popularity") == popular
    recommender.fit(train)
    assert recommender.evaluate_ranking(test) == popular


def test_a_ranker_that_cannot_rank_is_refused_before_training(table):
    for ranker in (MovieRanker(-1), RatingRanker(RatingPipeline([])), TopN()):
        recommender = SklearnEcosystemPipeline(model="linear", ranker=ranker)
        with pytest.raises(ValueError, match="regularization|ranker must be"):
            recommender.train(table)
        assert recommender.pipeline is None


def test_parameters_of_a_ranker_can_be_set_where_it_is_an_object():
    recommender = SklearnEcosystemPipeline(ranker=MovieRanker())
    recommender.set_params(ranker__regularization=7.0)
    assert recommender.ranker.regularization == 7.0
    with pytest.raises(ValueError, match="ranker='taste' is no estimator"):
        SklearnEcosystemPipeline().set_params(ranker__regularization=7.0)


def test_a_model_of_factors_is_not_fitted_again_for_the_recommendations(
    table, monkeypatch
):
    recommender = SklearnEcosystemPipeline(model="factors").fit(table)

    def is_not_needed(*_):
        raise AssertionError("fitted again")

    monkeypatch.setattr(MatrixFactorization, "fit_history", is_not_needed)
    assert len(recommender.recommend(1, n=3)) == 3


def test_factors_for_other_movies_are_not_those_of_the_recommendations(table):
    def shift(X):
        return X.assign(movie_id=X["movie_id"] + 1)

    steps = [("shift", FunctionTransformer(shift)), ("model", MatrixFactorization())]
    recommender = SklearnEcosystemPipeline(model=RatingPipeline(steps)).fit(table)
    expected = SklearnEcosystemPipeline(model="linear").fit(table)
    recommended = recommender.recommend(1, n=3)["movie_id"].tolist()
    assert recommended == expected.recommend(1, n=3)["movie_id"].tolist()
