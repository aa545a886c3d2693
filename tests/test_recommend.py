"""The wrapper's recommendations, and how they are scored."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import FunctionTransformer

from lesson_code import (
    MatrixFactorization,
    MovieRanker,
    MovieRecommendationDataset,
    RatingPipeline,
    SklearnEcosystemPipeline,
    ranking_metrics,
)


@pytest.fixture(scope="module")
def recommender(table):
    """With titles, but for movies with odd ids."""
    movies = table["movie_id"]
    titles = ("Movie " + movies.astype(str)).where(movies % 2 == 0)
    return SklearnEcosystemPipeline(model="linear").fit(table.assign(title=titles))


def test_recommendations_have_stars_and_nothing_that_was_rated(recommender, table):
    found = recommender.recommend(5, n=1000)
    assert list(found) == ["movie_id", "title", "score", "predicted_rating"]
    assert found["score"].is_monotonic_decreasing
    rated = table.loc[table["user_id"] == 5, "movie_id"]
    assert set(found["movie_id"]) == set(table["movie_id"]) - set(rated)
    rows = pd.DataFrame({"user_id": 5, "movie_id": found["movie_id"]})
    np.testing.assert_allclose(found["predicted_rating"], recommender.predict(rows))
    similar = recommender.similar(3, n=4)
    assert list(similar) == ["movie_id", "title", "score"]
    expected = recommender.ranker_.similar(3, n=4)["movie_id"].tolist()
    assert similar["movie_id"].tolist() == expected


def test_titles_are_shown_where_the_training_had_some(recommender, table):
    for movies in (recommender.recommend(5), recommender.similar(3)):
        ids = movies["movie_id"]
        titles = [None if movie % 2 else f"Movie {movie}" for movie in ids]
        assert movies["title"].tolist() == titles
    untitled = SklearnEcosystemPipeline(model="linear").fit(table.assign(title=None))
    assert "title" not in untitled.recommend(5)
    assert "title" not in untitled.similar(5)
    typed = SklearnEcosystemPipeline(model="linear").fit(table.astype("category"))
    assert type(typed.titles_[1]) is str


@pytest.mark.parametrize("model", ["factors", "linear"])
def test_recommend_to_somebody_new_needs_no_training(trained, model):
    recommender = trained(model)
    ratings = {1: 5.0, 2: 1.0, 3: 4.0}
    found = recommender.recommend(ratings=ratings, n=6)
    rows = pd.DataFrame({"user_id": 0, "movie_id": [1, 2, 3], "rating": [5.0, 1, 4]})
    expected = recommender.ranker_.recommend_new(rows, 6)["movie_id"].tolist()
    assert found["movie_id"].tolist() == expected
    assert recommender.recommend(ratings={1: 1.0}, n=6)["movie_id"].tolist() != expected
    if model == "factors":
        stars = recommender.pipeline["model"].predict_new(
            [1, 2, 3], [5.0, 1, 4], found["movie_id"]
        )
    else:
        rows = pd.DataFrame({"user_id": 101, "movie_id": found["movie_id"]})
        stars = recommender.predict(rows)
    np.testing.assert_allclose(found["predicted_rating"], stars)
    # an unknown user with ratings is a new user
    pd.testing.assert_frame_equal(
        recommender.recommend(4711, ratings=ratings, n=6), found
    )
    assert len(recommender.recommend(ratings={}, n=3)) == 3


def test_unknown_movies_of_a_new_user_are_told_and_popular_ones_stand_in(recommender):
    popular = recommender.recommend(ratings={})["movie_id"].tolist()
    with pytest.warns(UserWarning, match="ignored: 4711, 4712.$"):
        found = recommender.recommend(ratings={4711: 5.0, 1: 4.0, 4712: 3.0})
    assert found.attrs["unknown_movies"] == [4711, 4712]
    assert recommender.recommend(5).attrs["unknown_movies"] == []
    assert found["movie_id"].tolist() != popular
    many = dict.fromkeys(range(10**6, 10**6 + 5000), 3.0)
    with pytest.warns(UserWarning, match="^.{,250} and 4990 more.{,99}$"):
        found = recommender.recommend(ratings=many)
    assert found["movie_id"].tolist() == popular


def test_who_has_seen_everything_gets_an_empty_list_that_scores_nothing(table):
    one = table[table["user_id"] == 5]
    recommender = SklearnEcosystemPipeline(model="factors").fit(one)
    found = recommender.recommend(5)
    assert list(found) == ["movie_id", "title", "score", "predicted_rating"]
    assert len(found) == 0
    # Nothing that was rated in the training can be recommended.
    for by in ("taste", "popularity", "chance"):
        assert set(recommender.evaluate_ranking(one, by=by).values()) == {0.0}


@pytest.mark.parametrize("user", [{"user_id": 5}, {"ratings": {1: 5.0, 2: 1.0}}])
def test_only_candidates_are_ranked_and_what_is_excluded_is_not(
    recommender, table, user
):
    everything = recommender.recommend(**user, n=1000)
    some = everything["movie_id"].iloc[[9, 2, 5]].tolist()
    rated = (
        table.loc[table["user_id"] == 5, "movie_id"] if "user_id" in user else [1, 2]
    )
    wanted = recommender.recommend(**user, candidates=[*some, 4711, *rated])
    assert wanted["movie_id"].tolist() == [some[1], some[2], some[0]]
    assert wanted["score"].tolist() == everything["score"].iloc[[2, 5, 9]].tolist()

    rest = recommender.recommend(**user, n=1000, exclude=[*some, 4711])
    kept = everything[~everything["movie_id"].isin(some)]
    assert rest["movie_id"].tolist() == kept["movie_id"].tolist()

    both = recommender.recommend(**user, candidates=some, exclude=some[:2])
    assert both["movie_id"].tolist() == some[2:]
    for nothing in ([], [4711], rated):
        assert recommender.recommend(**user, candidates=nothing).empty


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
    # the title, or the id of a movie without one
    expected = [movie if movie % 2 else f"Movie {movie}" for movie in strongest]
    assert whole["because"] == expected
    # none, where no rating adds anything
    everything = recommender.recommend(ratings={1: 5.0}, n=1000, explain=True)
    reasons = everything["because"].tolist()
    assert [1] in reasons and [] in reasons
    reasons = recommender.recommend(ratings={}, explain=True)["because"].tolist()
    assert reasons == [[]] * 10


@pytest.mark.parametrize("model", ["linear", "factors"])
def test_taste_is_the_ranker_alone_with_the_factors_of_a_model_that_has_some(
    trained, split, model
):
    recommender = trained(model)
    factors = recommender.pipeline[-1] if model == "factors" else None
    alone = MovieRanker().fit_history(recommender.history_, factors)
    found = recommender.recommend(5, 1000)
    assert found["movie_id"].tolist() == alone.recommend([5], 1000)["movie_id"].tolist()
    figures = recommender.evaluate_ranking(split[1])
    assert figures == recommender.evaluate_ranking(split[1], by="taste")


@pytest.mark.parametrize("ranker", ["popularity", "rating"])
def test_another_ranker_ranks_by_the_number_of_ratings_or_by_the_predicted_one(
    table, ranker
):
    recommender = SklearnEcosystemPipeline(model="linear", ranker=ranker).fit(table)
    rated = table.loc[table["user_id"] == 5, "movie_id"]
    unrated = np.setdiff1d(table["movie_id"], rated).tolist()
    rows = pd.DataFrame({"user_id": 5, "movie_id": unrated})
    value = dict(zip(unrated, recommender.predict(rows).round(9)))
    if ranker == "popularity":
        value = table["movie_id"].value_counts()
    expected = sorted(unrated, key=lambda movie: (-value[movie], movie))
    found = recommender.recommend(5, 1000, explain=True)
    assert found["movie_id"].tolist() == expected
    # it compares no movies, so it has no reasons
    assert found["because"].tolist() == [[]] * len(unrated)
    with pytest.raises(ValueError, match="compares no movies"):
        recommender.similar(1)

    # A fitted ranker recommends on its own, and somebody new is no problem.
    lists = recommender.ranker_.recommend([1, 5], n=4)
    assert lists["movie_id"].tolist()[4:] == expected[:4]
    rows = table[table["user_id"] == 1]
    assert len(recommender.ranker_.recommend_new(rows, n=4)) == 4
    figures = recommender.evaluate_ranking(table[1600:])
    assert figures == recommender.evaluate_ranking(table[1600:], by=ranker)


@pytest.mark.parametrize("is_used", [False, True])
def test_another_ranker_counts_from_the_next_training_on(split, linear, is_used):
    train, test = split
    if is_used:
        linear.evaluate_ranking(test)
    linear.set_params(ranker="popularity")
    taste = linear.evaluate_ranking(test)
    scores = linear.ranking_scores_
    assert taste == linear.evaluate_ranking(test, by="taste")
    popular = linear.evaluate_ranking(test, by="popularity")
    assert popular != taste
    # A comparison does not replace the scores of the card; a training forgets them.
    assert linear.ranking_scores_ == scores and taste.items() <= scores.items()
    linear.evaluate(test)
    linear.fit(train)
    assert linear.test_scores_ is linear.ranking_scores_ is None
    assert linear.evaluate_ranking(test) == popular


def test_a_ranker_of_ones_own_is_used_and_left_alone(table):
    own = MovieRanker()
    recommender = SklearnEcosystemPipeline(model="linear", ranker=own)
    recommender.set_params(ranker__regularization=10_000.0).fit(table)
    assert recommender.ranker_.penalty_ == own.regularization == 10_000.0
    assert not hasattr(own, "history_")
    with pytest.raises(ValueError, match="ranker='taste' is no estimator"):
        SklearnEcosystemPipeline().set_params(ranker__regularization=7.0)


def test_new_ratings_of_no_stars_change_the_predicted_ratings(table):
    """A sparse comparison cannot tell a stored 0 from nothing."""
    from_zero = table.assign(rating=table["rating"] - 1)
    recommender = SklearnEcosystemPipeline(model="factors").fit(from_zero)
    for user in (None, 1):
        mean = {}
        for stars in (0.0, 0.5):
            ratings = dict.fromkeys(range(1, 7), stars)
            best = recommender.recommend(user, n=50, ratings=ratings)
            mean[stars] = best["predicted_rating"].mean()
        assert mean[0.0] < mean[0.5] - 0.05


def test_on_the_synthetic_table_taste_ranks_best_and_factors_predict_best():
    dataset = MovieRecommendationDataset(400, 200, 16_000)
    train, test = train_test_split(dataset.generate(), test_size=0.2, shuffle=False)
    error = {}
    for model in ("forest", "factors", "blend"):
        recommender = SklearnEcosystemPipeline(model=model).fit(train)
        error[model] = recommender.evaluate(test)[0]["RMSE"]
    assert dataset.best_rmse(test) < min(error.values())
    assert max(error["blend"], error["factors"]) < error["forest"] - 0.01
    assert error["blend"] < error["factors"] + 0.005
    ways = ("taste", "popularity", "chance")
    by = {by: recommender.evaluate_ranking(test, by=by)["NDCG@10"] for by in ways}
    assert by["taste"] > by["popularity"] > 2 * by["chance"]


def test_chance_finds_relevant_movies_as_often_as_there_are_some(split, linear):
    train, test = split
    n_movies = train["movie_id"].nunique()
    test = test[test["movie_id"].isin(train["movie_id"])]
    n_relevant = test.loc[test["rating"] >= 4, "user_id"].value_counts()
    n_rated = train["user_id"].value_counts().reindex(n_relevant.index, fill_value=0)
    share = n_relevant / (n_movies - n_rated)  # of the movies that are left
    found = linear.evaluate_ranking(test, by="chance")
    # the standard deviation of a draw is 0.007
    assert found["Precision@10"] == pytest.approx(share.mean(), abs=0.02)
    everything = linear.evaluate_ranking(test, by="chance", k=n_movies)
    assert everything[f"Recall@{n_movies}"] == 1.0
    assert found == linear.evaluate_ranking(test, by="chance"), "it has a seed"


def test_evaluate_ranking_takes_relevance_as_an_argument_and_the_card_keeps_figures(
    split, linear, tmp_path
):
    _, test = split
    how = {"k": 5, "relevant_from": 3.0}
    users = test.loc[test["rating"] >= 3, "user_id"].unique()
    lists = linear.ranker_.recommend(users, 5)
    expected = ranking_metrics(lists, test, test["rating"], **how)
    found = linear.evaluate_ranking(test.drop(columns="rating"), test["rating"], **how)
    assert found == pytest.approx(expected, rel=0, abs=1e-12)
    linear.save_pipeline(tmp_path / "x.pkl")
    card = json.loads((tmp_path / "x.pkl.json").read_text(encoding="utf-8"))
    what = {"users": len(users), "relevant_from": 3.0}
    assert card["scores"]["ranking"] == what | found


@pytest.mark.parametrize("top", [100, 5])
def test_what_is_relevant_follows_the_scale_of_the_training(split, top):
    """Four fifths of the highest rating: 4.0 of 5 is 80 of 100."""
    train, test = (rows.assign(rating=rows["rating"] * top / 5) for rows in split)
    recommender = SklearnEcosystemPipeline(model="linear").fit(train)
    by_default = recommender.evaluate_ranking(test)
    assert recommender.ranking_scores_["relevant_from"] == pytest.approx(top * 0.8)
    assert by_default == recommender.evaluate_ranking(test, relevant_from=top * 0.8)


def test_a_threshold_that_nearly_every_test_rating_passes_gives_a_warning(
    split, linear
):
    recommendations = linear.ranker_.recommend([1, 2])
    calls = (
        lambda: linear.evaluate_ranking(split[1], relevant_from=1.0),
        lambda: ranking_metrics(recommendations, split[1], relevant_from=1.0),
    )
    for call in calls:
        with pytest.warns(UserWarning, match="right for this scale") as caught:
            call()
        assert caught[0].filename == __file__, "it points to the caller"


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


def test_factors_of_renamed_movies_are_not_those_of_the_recommendations(table):
    def turn(X):  # the same ids, of other movies
        return X.assign(movie_id=table["movie_id"].max() + 1 - X["movie_id"])

    steps = [("turn", FunctionTransformer(turn)), ("last", MatrixFactorization())]
    recommender = SklearnEcosystemPipeline(model=RatingPipeline(steps)).fit(table)
    expected = SklearnEcosystemPipeline(model="linear").fit(table)
    users = table["user_id"].unique()
    pd.testing.assert_frame_equal(
        recommender.ranker_.recommend(users, 10), expected.ranker_.recommend(users, 10)
    )
