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
from repository import NO_CACHES, ROOT

SMALL = ["--users", "40", "--movies", "30", "--ratings", "400", "--model", "linear"]
LOAD = """
import sys
import joblib

print(type(joblib.load("demo.pkl")).__module__)  # which imports it
import app.lesson_code as lesson

load = lesson.SklearnEcosystemPipeline.load_pipeline
trained = load("demo.pkl", strict=True)
for name in sys.argv[1:]:
    trained.save_pipeline(name)
    assert load(name, strict=True).recommend(1).equals(trained.recommend(1))
    lesson.main(["predict", "--user", "1", "--movie", "2", "--artifact", name])
"""


@pytest.mark.parametrize("place", ["beside app", "inside app"])
def test_a_package_of_ones_own_saves_and_loads_artifacts(tmp_path, place):
    app = tmp_path / "app"
    app.mkdir()
    (app / "__init__.py").touch()
    shutil.copy(ROOT / "lesson_code.py", app)
    settings = {name: os.environ[name] for name in os.environ if name != "PYTHONPATH"}
    settings |= {"PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error"}
    home = tmp_path
    if place == "inside app":
        home = app
        settings["PYTHONPATH"] = str(app)
    shutil.copytree(ROOT / "recommender", home / "recommender", ignore=NO_CACHES)

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=settings,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    names = ["model.pkl"]
    if importlib.util.find_spec("skops"):
        names.append("model.skops")
    run("-m", "app.lesson_code", *SMALL, "--output", "demo.pkl")
    # another process, which has not made it
    module, *lines = run("-c", LOAD, *names).splitlines()
    assert module == "app.lesson_code"
    assert sum("Predicted" in line for line in lines) == len(names)
