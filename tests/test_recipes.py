"""The recipes of `pillars/appendix_recipes.py`: each tool really does what the
appendix says, in an environment of its own.

Environments are made and filled by pip, which takes minutes: `RECIPES=1 python -m
pytest tests/test_recipes.py`.
"""

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import venv

import pandas as pd
import pytest
from repository import ROOT, copy_lesson

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline

APPENDIX = ROOT / "pillars" / "appendix_recipes.py"
#: What pip installs, the module that the appendix names, and what it then
#: prints of it.
RECIPES = {
    "skrub": ("skrub", "bytes of HTML"),
    "skore": ("skore", "Checks summary"),
    "skops": ("skops.io", "The same predictions: True"),
    "optuna": ("optuna", "RMSE of the best of 20: 0.8"),
    "mlflow": ("mlflow", "'movie_id': long (required)]\nThe same predictions: True"),
    "fairlearn": ("fairlearn.metrics", "RMSE  ratings"),
    "distributed": ("distributed", "workers: 1"),
    "skl2onnx onnxruntime": ("onnxruntime", "our pipeline: 0.0000"),
}
#: What the appendix says that refuses: code that must fail, and the reason, which must
#: be in the message.
PREPARE = """
from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline
table = MovieRecommendationDataset(100, 50, 1000).generate()
pipeline = SklearnEcosystemPipeline(model="linear").fit(table).pipeline
"""
REFUSALS = {
    "skl2onnx": (
        "from skl2onnx import to_onnx\n"
        "to_onnx(pipeline[:1], table[['user_id', 'movie_id']])",
        "type '<class 'lesson_code.UserMovieFeatureTransformer'>'",
    ),
    "yellowbrick": (
        "from sklearn.linear_model import Ridge\n"
        "from yellowbrick.regressor import PredictionError\n"
        "assert not hasattr(Ridge(), '_estimator_type')\n"
        "PredictionError(Ridge())",
        "This estimator is not a regressor",
    ),
}
slow = pytest.mark.skipif(
    not os.environ.get("RECIPES"),
    reason="takes minutes: set RECIPES=1 to run the recipes",
)


def run(python, *command):
    how = {"cwd": ROOT, "capture_output": True, "text": True, "encoding": "utf-8"}
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run([python, *command], env=environment, **how)


def environment_with(packages, folder):
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = run(
        python,
        "-m",
        "pip",
        "install",
        "-q",
        "-r",
        "requirements.txt",
        *packages.split(),
    )
    assert done.returncode == 0, f"pip could not install {packages}: {done.stderr}"
    # with pytest -rP: the versions that were tried
    print(run(python, "-m", "pip", "freeze").stdout)
    return python


@slow
@pytest.mark.parametrize("packages", RECIPES)
def test_a_recipe_works(packages, tmp_path):
    module, expected = RECIPES[packages]
    done = run(environment_with(packages, tmp_path / "env"), APPENDIX)
    print(done.stdout)
    assert done.returncode == 0, f"the recipe of {packages} failed: {done.stderr}"
    printed = done.stdout.partition(f"--- {module}\n")[2]
    assert expected in printed, (
        f"{packages} should print {expected!r}; the appendix printed: {done.stdout}"
    )


@slow
@pytest.mark.parametrize("package", REFUSALS)
def test_what_refuses_still_refuses_and_for_the_same_reason(package, tmp_path):
    code, reason = REFUSALS[package]
    done = run(environment_with(package, tmp_path / "env"), "-c", PREPARE + code)
    assert done.returncode != 0, f"{package} works now: make it a recipe"
    assert reason in done.stderr, (
        f"{package} refuses for another reason than the appendix says: {done.stderr}"
    )


def test_without_any_tool_the_appendix_says_how_to_get_each():
    modules = [name.split(".")[0] for name, _ in RECIPES.values()] + ["skl2onnx"]
    hide = f"import runpy, sys; sys.modules.update(dict.fromkeys({modules}))"
    done = run(
        sys.executable,
        "-c",
        f"{hide}; sys.path.insert(0, 'pillars'); runpy.run_path({str(APPENDIX)!r})",
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for packages in RECIPES:
        assert any(line.endswith(f"pip install {packages}") for line in lines), (
            f"no line on {packages}: {lines}"
        )


@slow
def test_mlflow_serves_the_pipeline_as_docs_deploy_says(tmp_path):
    deploy = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    (save,) = re.findall(r"```python\n(import mlflow.*?)```", deploy, re.DOTALL)
    (serve,) = re.findall(r"^mlflow models serve.*$", deploy, re.MULTILINE)
    (body,) = re.findall(r"-d '(\{\"dataframe_records.*)'", deploy)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    serve = serve.replace("5000", str(port))

    python = environment_with("mlflow", tmp_path / "env")
    table = MovieRecommendationDataset(100, 50, 1000).generate()
    recommender = SklearnEcosystemPipeline(model="factors").fit(table)
    recommender.save_pipeline(tmp_path / "model.pkl")
    copy_lesson(tmp_path)
    search_path = os.pathsep.join([str(python.parent), os.environ["PATH"]])
    how = {"cwd": tmp_path, "env": os.environ | {"PATH": search_path}}
    subprocess.run([python, "-c", save], check=True, **how)
    process = subprocess.Popen(shlex.split(serve), start_new_session=True, **how)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for_answer(f"{address}/ping")
        request = urllib.request.Request(f"{address}/invocations", body.encode())
        request.add_header("Content-Type", "application/json")
        answer = json.load(urllib.request.urlopen(request, timeout=60))
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
    rows = pd.DataFrame(json.loads(body)["dataframe_records"])
    assert answer["predictions"] == pytest.approx(recommender.predict(rows))


def wait_for_answer(address):
    for _ in range(240):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=10).close()
            return
        time.sleep(0.5)
    raise AssertionError(f"{address} does not answer")
