"""Ids of any kind: whole numbers of 64 bits, or strings such as e-mail addresses."""

import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import lesson_code
from lesson_code import (
    MatrixFactorization,
    MovieRanker,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
    compare_models,
    main,
    ranking_metrics,
)
from recommender.ids import check_ids, positions_of

LARGE = 2**63 - 200


def as_strings(table):
    """The same rows with string ids, in the same order of ids."""
    user = table["user_id"].map("user-{:05d}@example.org".format)
    movie = table["movie_id"].map("tt{:07d}".format)
    return table.assign(user_id=user, movie_id=movie)


def as_large_numbers(table):
    return table.assign(
        user_id=table["user_id"] + LARGE, movie_id=table["movie_id"] - LARGE
    )


KINDS = {
    "strings": as_strings,
    "categories": lambda table: as_strings(table).astype(
        {"user_id": "category", "movie_id": "category"}
    ),
    "pandas strings": lambda table: as_strings(table).astype(
        {"user_id": "string", "movie_id": "string"}
    ),
    "objects": lambda table: as_strings(table).astype(
        {"user_id": object, "movie_id": object}
    ),
    "64 bits": as_large_numbers,
    "unsigned": lambda table: table.astype({"user_id": "uint64", "movie_id": "uint8"}),
    "nullable": lambda table: table.astype({"user_id": "Int64", "movie_id": "Int32"}),
}


@pytest.fixture(scope="module")
def of_strings(split):
    return SklearnEcosystemPipeline(model="linear").fit(as_strings(split[0]))


@pytest.mark.parametrize(
    ("model", "kind"), [*(("linear", kind) for kind in KINDS), ("factors", "strings")]
)
def test_the_kind_of_the_ids_changes_no_figure(split, trained, model, kind):
    train, test = split
    plain = trained(model)  # on ids that are small integers
    other = SklearnEcosystemPipeline(model=model).fit(KINDS[kind](train))
    expected = plain.predict(test)
    np.testing.assert_allclose(other.predict(KINDS[kind](test)), expected, atol=1e-9)
    figures = plain.evaluate_ranking(test)
    assert other.evaluate_ranking(KINDS[kind](test)) == pytest.approx(figures)


@pytest.mark.parametrize("kind", ["strings", "64 bits"])
def test_recommendations_have_the_ids_of_the_training(split, linear, kind):
    train = split[0].drop(columns="title")  # so that reasons are ids
    other = SklearnEcosystemPipeline(model="linear").fit(KINDS[kind](train))
    new_ids = KINDS[kind](pd.DataFrame({"user_id": [5], "movie_id": [3]})).iloc[0]
    expected = KINDS[kind](linear.recommend(5).assign(user_id=5))
    found = other.recommend(new_ids["user_id"], explain=True)
    assert found["movie_id"].tolist() == expected["movie_id"].tolist()
    known = other.history_.movies.tolist()
    assert all(reason in known for reasons in found["because"] for reason in reasons)
    rated = other.recommend(ratings={new_ids["movie_id"]: 5.0})
    assert rated["movie_id"].isin(known).all()
    assert other.similar(new_ids["movie_id"])["movie_id"].isin(known).all()


@pytest.mark.parametrize("suffix", [".pkl", ".skops"])
def test_an_artifact_keeps_the_ids(of_strings, split, suffix, tmp_path):
    if suffix == ".skops":
        pytest.importorskip("skops")
    path = of_strings.save_pipeline(tmp_path / f"model{suffix}")
    loaded = SklearnEcosystemPipeline.load_pipeline(path)
    rows = as_strings(split[1])
    user = rows["user_id"].iloc[0]
    pd.testing.assert_frame_equal(loaded.recommend(user), of_strings.recommend(user))
    np.testing.assert_array_equal(loaded.predict(rows), of_strings.predict(rows))


def test_the_example_of_the_card_is_no_user_of_the_training(split, tmp_path):
    train = as_strings(split[0])
    train["user_id"] = train["user_id"].replace(train["user_id"].iloc[0], "new user")
    path = tmp_path / "model.pkl"
    SklearnEcosystemPipeline(model="linear").fit(train).save_pipeline(path)
    text = (tmp_path / "model.pkl.json").read_text(encoding="utf-8")
    user = json.loads(text)["example"]["input"]["user_id"]
    assert user not in set(train["user_id"])
    assert "example.org" not in text


def test_features_have_the_ids_as_they_came(split):
    for rows in (as_strings(split[0]), as_large_numbers(split[0])):
        for features in (
            UserMovieFeatureTransformer().fit_transform(rows),
            UserMovieFeatureTransformer().fit(rows).transform(rows),
        ):
            for name in ("user_id", "movie_id"):
                assert features[name].tolist() == rows[name].tolist()


def test_models_are_compared_on_string_ids(split, monkeypatch):
    monkeypatch.setattr(lesson_code, "MODELS", {"linear": lesson_code.MODELS["linear"]})
    train = split[0].head(300)
    expected = compare_models(train)["RMSE"]
    np.testing.assert_allclose(compare_models(as_strings(train))["RMSE"], expected)


ODD = {
    "a gap": ["a", None],
    "a NaN": ["a", np.nan],
    "numbers beside strings": ["a", 1],
    "strings beside numbers": [1, "a"],
    "bytes": [b"a", b"b"],
    "booleans": [True, False],
    "half numbers": [1.5, 2.0],
    "infinity": [np.inf, 2.0],
    "lists": [[1], [2]],
    "a signalling NaN": [Decimal("sNaN"), 1],
    "hashes": np.array([2**63 + 25, 1], dtype=np.uint64),
    "dates": pd.to_datetime(["2020-01-01", "2020-01-02"]),
}


@pytest.mark.parametrize("values", ODD.values(), ids=ODD)
def test_what_is_no_id_is_refused_by_name_and_row(values):
    for column in (pd.Series(values), pd.Series(list(values), dtype=object)):
        with pytest.raises(ValueError, match="user_id must hold .*row [01] holds "):
            check_ids(column.rename("user_id"))


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(
    ("kind", "largest", "beyond"),
    [
        ("float64", 2**53, 2**53 + 2),
        ("object", 2**63 - 1, 2**63),
        ("uint64", 2**63 - 1, 2**63),
    ],
)
def test_the_largest_ids_are_taken_and_the_next_ones_refused(
    kind, largest, beyond, sign
):
    if kind == "uint64" and sign == -1:
        sign = 1  # it has no negative numbers
    ids = pd.Series([1, sign * largest], name="user_id", dtype=kind)
    assert check_ids(ids).tolist() == [1, sign * largest]
    ids = pd.Series([1, sign * beyond], name="user_id", dtype=kind)
    with pytest.raises(ValueError, match="user_id must hold .*row 1 holds"):
        check_ids(ids)


@pytest.mark.parametrize("n_ids", [2, 5000])
def test_the_largest_numbers_are_told_apart(n_ids):
    known = np.array([1 - 2**63, 2**63 - 2, 2**63 - 1])
    ids = np.resize(known[1:], n_ids)
    assert positions_of(known, ids, "ids").tolist() == np.resize([1, 2], n_ids).tolist()


@pytest.mark.parametrize("n_ids", [3, 5000])
def test_positions_of_strings_are_those_of_a_dictionary(n_ids):
    rng = np.random.RandomState(0)
    ids = np.array([f"id{number}" for number in rng.randint(99, size=n_ids)], object)
    known = np.array(sorted({f"id{number}" for number in range(0, 99, 2)}), object)
    place = {name: position for position, name in enumerate(known)}
    assert positions_of(known, ids, "ids").tolist() == [
        place.get(name, -1) for name in ids
    ]


CALLS = {
    "predict": lambda fitted, rows: fitted.predict(rows),
    "evaluate_ranking": lambda fitted, rows: fitted.evaluate_ranking(rows),
    "recommend": lambda fitted, rows: fitted.recommend(rows["user_id"].iloc[0]),
    "similar": lambda fitted, rows: fitted.similar(rows["movie_id"].iloc[0]),
    "ranking_metrics": lambda fitted, rows: ranking_metrics(
        fitted.ranker_.recommend(fitted.history_.users), rows
    ),
    "ratings": lambda fitted, rows: fitted.recommend(
        ratings={rows["movie_id"].iloc[0]: 3.0}
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("trained_on", ["strings", "numbers"])
def test_ids_of_the_other_kind_than_in_training_are_refused(
    linear, of_strings, split, call, trained_on
):
    _, test = split
    fitted, other = linear, as_strings(test)
    if trained_on == "strings":
        fitted, other = of_strings, test
    with pytest.raises(ValueError, match="must hold .*, as in the table of ratings"):
        call(fitted, other)


def test_an_unknown_id_that_is_a_long_text_is_named_in_short(of_strings):
    for call in (of_strings.recommend, of_strings.similar):
        with pytest.raises(ValueError, match="is unknown to the training") as caught:
            call("x" * 10**6)
        assert len(str(caught.value)) < 400


def test_recommenders_alone_take_strings(split):
    train, test = (as_strings(rows) for rows in split)
    factors = MatrixFactorization().fit(train)
    assert np.isfinite(factors.predict(test)).all()
    new = factors.predict_new(["tt0000001"], [5.0], ["tt0000002", "tt9999999"])
    assert new.shape == (2,)
    lists = MovieRanker().fit(train).recommend("user-00001@example.org", 3)
    assert lists["user_id"].tolist() == ["user-00001@example.org"] * 3


@pytest.mark.parametrize("kind", ["strings", "64 bits"])
def test_the_command_line_takes_the_ids_of_the_artifact(split, kind, tmp_path, capsys):
    train = KINDS[kind](split[0])
    recommender = SklearnEcosystemPipeline(model="linear").fit(train)
    path = str(recommender.save_pipeline(tmp_path / "model.pkl"))
    user, movie = train[["user_id", "movie_id"]].iloc[0]
    assert main(["recommend", f"--user={user}", "--artifact", path]) == 0
    best = recommender.recommend(user)["movie_id"].iloc[0]
    assert str(best) in capsys.readouterr().out
    ask = ["predict", f"--user={user}", f"--movie={movie}", "--artifact", path]
    assert main(ask) == 0
    assert f"User {user}, Movie {movie}: Predicted" in capsys.readouterr().out
    assert main(["recommend", f"--rated={movie}=5", "--artifact", path]) == 0
    assert main(["similar", f"--movie={movie}", "--artifact", path]) == 0
    capsys.readouterr()
    if kind == "64 bits":
        with pytest.raises(SystemExit) as caught:
            main(["recommend", "--user=ann", "--artifact", path])
        assert caught.value.code == 2
        assert "'ann'" in capsys.readouterr().err
