"""What artifact and model card have of the persons in the training: no more than
.github/SECURITY.md says.
"""

import json
import re

import numpy as np
import pandas as pd
import pytest
from conftest import MODELS, ROOT
from scipy import sparse
from sklearn.neighbors import KNeighborsRegressor

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline
from recommender.solutions import ExactByUsers

SECURITY = (ROOT / ".github" / "SECURITY.md").read_text(encoding="utf-8")
LARGE = 5_000_000  # so that the id of a user is no other number


@pytest.fixture(scope="module")
def rows():
    """More users than boosting has bins (255), and no other size near: what is of this
    length is of the users.
    """
    table = MovieRecommendationDataset(
        n_users=300, n_movies=61, n_ratings=4000, random_state=3
    ).generate()
    table["user_id"] += LARGE
    table["title"] = "Title of " + table["movie_id"].astype(str)
    newcomers = table["user_id"] > LARGE + 290  # who are in the test alone
    return table[~newcomers], table[newcomers]


@pytest.fixture(scope="module")
def artifacts(rows, tmp_path_factory):
    return {
        model: saved(model, rows, tmp_path_factory.mktemp("private"))
        for model in MODELS
    }


def saved(model, rows, folder):
    train, test = rows
    recommender = SklearnEcosystemPipeline(model=model)
    recommender.train(train, perform_cv=model == "linear")
    recommender.evaluate(test)
    recommender.evaluate_ranking(train, train["rating"])
    path = recommender.save_pipeline(folder / "model.pkl")
    return SklearnEcosystemPipeline.load_pipeline(path), path


def contents(thing, name="", seen=None):
    """Give everything that holds values inside an object, with the name of its
    attribute, however deep it is.
    """
    seen = {} if seen is None else seen
    if id(thing) in seen or isinstance(thing, (str, bytes, type)):
        return
    seen[id(thing)] = thing  # kept, so that no other object gets its id
    if isinstance(
        thing, (np.ndarray, pd.DataFrame, pd.Series, pd.Index)
    ) or sparse.issparse(thing):
        yield name, thing
    elif isinstance(thing, dict):
        yield name, list(thing)
        for key, value in thing.items():
            yield from contents(
                value, f'{name}["{key}"]' if name == "known_" else name, seen
            )
    elif isinstance(thing, (list, tuple, set)):
        yield name, list(thing)
        for value in thing:
            yield from contents(value, name, seen)
    for attribute, value in getattr(thing, "__dict__", {}).items():
        if not sparse.issparse(thing):
            yield from contents(value, attribute, seen)


def numbers_in(values):
    if sparse.issparse(values):
        values = values.data
    return (
        pd.to_numeric(
            pd.Series(np.asarray(values, dtype=object).ravel()), errors="coerce"
        )
        .dropna()
        .to_numpy(dtype=float)
    )


def of_each_person(recommender, n_users, n_rows):
    """The attributes of which one side is as long as there are users, or rows, or users
    with the imaginary ones.
    """
    sides = {
        n_users,
        n_users + 1,
        n_users + recommender.ranker_.history_.kinds.shape[0],
        n_rows,
    }
    return {
        name
        for name, values in contents(recommender)
        if sides & set(getattr(values, "shape", None) or [len(values)])
    }


@pytest.mark.parametrize("model", MODELS)
def test_the_artifact_has_of_each_person_what_security_md_says_and_no_more(
    rows, artifacts, model
):
    recommender, _ = artifacts[model]
    n_users = rows[0]["user_id"].nunique()
    n_rows = len(rows[0])
    found = of_each_person(recommender, n_users, n_rows)
    said = {}
    for names, models in re.findall(
        r"^\| (`\w+.*?`) \| .* \| (.*) \|$", SECURITY, re.MULTILINE
    ):
        for name in re.findall("`(.+?)`", names):
            if models == "all but factors":
                said[name] = set(MODELS) - {"factors"}
            elif models == "all":
                said[name] = set(MODELS)
            else:
                said[name] = set(models.split(", "))
    assert len(said) == 12
    expected = {name for name, models in said.items() if model in models}
    assert found == expected - {"table", "G"}  # here, it is solved by movies


def test_with_fewer_users_than_movies_the_inverse_is_of_the_users(rows, tmp_path):
    few = rows[0][rows[0]["user_id"] <= LARGE + 30]
    recommender, _ = saved("factors", (few, rows[1]), tmp_path)
    assert isinstance(recommender.ranker_.solution_, ExactByUsers)
    assert "G" in of_each_person(recommender, few["user_id"].nunique(), len(few))


@pytest.mark.parametrize("model", MODELS)
def test_no_time_and_no_row_of_the_test_is_in_the_artifact(rows, artifacts, model):
    recommender, path = artifacts[model]
    numbers = np.unique(
        np.concatenate([numbers_in(values) for _, values in contents(recommender)])
    )
    # the search does find what is there
    assert np.isin(rows[0]["user_id"], numbers).all()
    assert not np.isin(rows[0]["timestamp"], numbers).any()
    assert not np.isin(rows[1]["user_id"], numbers).any()
    content = path.read_bytes()
    for time in rows[0]["timestamp"][:200]:
        assert int(time).to_bytes(8, "little") not in content


def test_a_regressor_that_keeps_its_training_rows_is_found_out(rows, tmp_path):
    recommender, _ = saved(KNeighborsRegressor(), rows, tmp_path)
    assert {"_fit_X", "_y"} <= of_each_person(
        recommender, rows[0]["user_id"].nunique(), len(rows[0])
    )
    assert "`KNeighborsRegressor` keeps all rows" in SECURITY


@pytest.mark.parametrize("model", MODELS)
def test_the_card_tells_no_person_no_title_and_no_time(rows, artifacts, model):
    _, path = artifacts[model]
    text = path.with_name("model.pkl.json").read_text(encoding="utf-8")
    numbers = set(re.findall(r"\d+", text))
    everything = pd.concat(rows)
    example = json.loads(text)["example"]["input"]["user_id"]
    assert example not in set(rows[0]["user_id"])  # it is nobody in the training
    assert not (set(everything["user_id"].astype(str)) - {str(example)}) & numbers
    assert not set(everything["timestamp"].astype(str)) & numbers
    assert "Title of" not in text
    assert not [
        country
        for country in everything["user_country"].unique()
        if f'"{country}"' in text
    ]
    assert not [genre for genre in everything["genre"].unique() if genre in text]
    lists = [
        value for value in json.loads(text).values() if isinstance(value, (list, dict))
    ]
    # settings: nothing as long as there are rows
    assert max(len(json.dumps(value)) for value in lists) < 5000


def test_security_md_gives_the_bounds_of_the_requirements():
    bounds = re.findall(
        r"^([\w-]+>=[\d.]+)",
        (ROOT / "requirements.txt").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert re.findall(r"^\| `([\w-]+>=[\d.]+)` \|", SECURITY, re.MULTILINE) == bounds
