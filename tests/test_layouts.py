"""The lesson inside a package of somebody's own: `app/lesson_code.py`.

`import recommender` must find the folder, so it lies beside `app/`, or `app/` is on
`sys.path`.
"""

import importlib.util
import os
import shutil
import subprocess
import sys

import pytest
from conftest import NO_CACHES, ROOT

SMALL = ["--users", "40", "--movies", "30", "--ratings", "400", "--model", "linear"]
SAVE_AND_LOAD = """
import sys
import warnings
import app.lesson_code as lesson

warnings.simplefilter("error")
table = lesson.MovieRecommendationDataset(40, 30, 400).generate()
trained = lesson.SklearnEcosystemPipeline(model="blend").fit(table)
for name in sys.argv[1:]:
    path = trained.save_pipeline(name)
    loaded = lesson.SklearnEcosystemPipeline.load_pipeline(path, strict=True)
    assert (loaded.predict(table) == trained.predict(table)).all()
    assert loaded.recommend(1).equals(trained.recommend(1))
print(type(loaded).__module__)
"""


@pytest.fixture(scope="module", params=["beside app", "inside app"])
def layout(request, tmp_path_factory):
    """A folder with the package `app`, and the settings of its processes."""
    root = tmp_path_factory.mktemp("layout")
    app = root / "app"
    app.mkdir()
    (app / "__init__.py").touch()
    shutil.copy(ROOT / "lesson_code.py", app)
    settings = {name: os.environ[name] for name in os.environ if name != "PYTHONPATH"}
    settings["PYTHONIOENCODING"] = "utf-8"
    place = root
    if request.param == "inside app":
        place = app
        settings["PYTHONPATH"] = str(app)
    shutil.copytree(ROOT / "recommender", place / "recommender", ignore=NO_CACHES)
    return root, settings


def run(layout, *arguments):
    root, settings = layout
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env=settings,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_artifacts_are_saved_and_loaded_inside_a_package(layout):
    names = ["model.pkl"]
    if importlib.util.find_spec("skops"):
        names.append("model.skops")
    assert run(layout, "-c", SAVE_AND_LOAD, *names) == "app.lesson_code\n"
    # other processes, which have not made them
    code = "import joblib; print(type(joblib.load('model.pkl')).__module__)"
    assert run(layout, "-c", code) == "app.lesson_code\n"
    pair = ["predict", "--user", "1", "--movie", "2", "--artifact", names[-1]]
    assert "Predicted" in run(layout, "-m", "app.lesson_code", *pair)


def test_the_demo_runs_inside_a_package(layout):
    demo = run(layout, "-m", "app.lesson_code", *SMALL, "--output", "demo.pkl")
    assert "Ecosystem Demonstration Complete!" in demo
    code = "import joblib; print(type(joblib.load('demo.pkl')).__module__)"
    assert run(layout, "-c", code) == "app.lesson_code\n"
