"""What artifact and model card have of the persons in the training: no more than
.github/SECURITY.md says.
"""

import json
import re

import numpy as np
import pandas as pd
import pytest
from repository import MODELS, ROOT
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
    arrays = (np.ndarray, pd.DataFrame, pd.Series, pd.Index)
    if isinstance(thing, arrays) or sparse.issparse(thing):
        yield name, thing
    elif isinstance(thing, dict):
        yield name, list(thing)
        for key, value in thing.items():
            inside = f'{name}["{key}"]' if name == "known_" else name
            yield from contents(value, inside, seen)
    elif isinstance(thing, (list, tuple, set)):
        yield name, list(thing)
        for value in thing:
            yield from contents(value, name, seen)
    if not sparse.issparse(thing):
        for attribute, value in getattr(thing, "__dict__", {}).items():
            yield from contents(value, attribute, seen)


def numbers_in(values):
    if sparse.issparse(values):
        values = values.data
    cells = pd.Series(np.asarray(values, dtype=object).ravel())
    return pd.to_numeric(cells, errors="coerce").dropna().to_numpy(dtype=float)


def of_each_person(recommender, rows):
    """The attributes of which one side is as long as there are users, or rows, or users
    with the imaginary ones.
    """
    n_users = rows["user_id"].nunique()
    n_kinds = recommender.ranker_.history_.kinds.shape[0]
    sides = {n_users, n_users + 1, n_users + n_kinds, len(rows)}
    return {
        name
        for name, values in contents(recommender)
        if sides & set(getattr(values, "shape", None) or [len(values)])
    }


def said_in_security_md():
    """The attributes in the table of the page, and the models that have each."""
    everywhere = {"all": set(MODELS), "all but factors": set(MODELS) - {"factors"}}
    said = {}
    for names, models in re.findall(
        r"^\| (`\w+.*?`) \| .* \| (.*) \|$", SECURITY, re.MULTILINE
    ):
        for name in re.findall("`(.+?)`", names):
            said[name] = everywhere.get(models, set(models.split(", ")))
    return said


@pytest.mark.parametrize("model", MODELS)
def test_the_artifact_has_of_each_person_what_security_md_says_and_no_more(
    rows, artifacts, model
):
    said = said_in_security_md()
    assert len(said) == 12
    expected = {name for name, models in said.items() if model in models}
    found = of_each_person(artifacts[model][0], rows[0])
    assert found == expected - {"table", "G"}  # here, it is solved by movies


def test_with_fewer_users_than_movies_the_inverse_is_of_the_users(rows, tmp_path):
    few = rows[0][rows[0]["user_id"] <= LARGE + 30]
    recommender, _ = saved("factors", (few, rows[1]), tmp_path)
    assert isinstance(recommender.ranker_.solution_, ExactByUsers)
    assert "G" in of_each_person(recommender, few)


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
    assert {"_fit_X", "_y"} <= of_each_person(recommender, rows[0])
    assert "`KNeighborsRegressor` keeps all rows" in SECURITY


@pytest.mark.parametrize("model", MODELS)
def test_the_card_tells_no_person_no_title_and_no_time(rows, artifacts, model):
    _, path = artifacts[model]
    text = path.with_name("model.pkl.json").read_text(encoding="utf-8")
    card = json.loads(text)
    everything = pd.concat(rows)
    example = card["example"]["input"]["user_id"]
    assert example not in set(rows[0]["user_id"])  # it is nobody in the training
    numbers = set(re.findall(r"\d+", text)) - {str(example)}
    for column in ("user_id", "timestamp"):
        assert not set(everything[column].astype(str)) & numbers
    strings = ["Title of", *everything["genre"].unique()]
    strings += [f'"{country}"' for country in everything["user_country"].unique()]
    assert [string for string in strings if string in text] == []
    # settings: nothing as long as there are rows
    assert max(len(json.dumps(value)) for value in card.values()) < 5000


def test_security_md_gives_the_bounds_of_the_requirements():
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    bounds = re.findall(r"^([\w-]+>=[\d.]+)", requirements, re.MULTILINE)
    assert re.findall(r"^\| `([\w-]+>=[\d.]+)` \|", SECURITY, re.MULTILINE) == bounds
