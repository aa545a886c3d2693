# %% [markdown]
# # Appendix: what can other tools do with this very pipeline?
#
# **You know**: our pipeline is a scikit-learn estimator: `fit`, `predict`, parameters
# that can be set. **You will see**: that tools which were not made for it can therefore
# work with it. **Minutes**: 10.
#
# Nothing here is needed for the lesson. Install one tool at a time, each in an
# environment of its own. A recipe whose tool is missing prints how to install it. The
# text after a recipe is about its output with the tool.

# %%
import tempfile
from importlib import import_module
from pathlib import Path

import joblib
import numpy as np
from drawing import ROOT
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import cross_val_score

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline

table = MovieRecommendationDataset(n_users=300, n_movies=150, n_ratings=6000).generate()
X = table.drop(columns="rating")
y = table["rating"]
X_train, X_test = X[:4800], X[4800:]
y_train, y_test = y[:4800], y[4800:]

recommender = SklearnEcosystemPipeline(model="linear").fit(X_train, y_train)
pipeline = recommender.pipeline
ids = X_test[["user_id", "movie_id"]]
stars = pipeline.predict(ids)
print(f"Our pipeline: RMSE {root_mean_squared_error(y_test, stars):.3f} stars")
print("Its first predictions for test rows")
first_rows = X_test[["user_id", "title"]].assign(stars=stars).head(3)
print(first_rows.to_string(index=False, float_format="%.2f"))

# %% [markdown]
# Every tool that takes over the model must give these answers.

# %%
# This folder is removed when Python ends.
temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
folder = Path(temporary.name)


def tool(module, install=None):
    """Return the module; if it is missing, say how to get it and return None."""
    try:
        imported = import_module(module)
    except ModuleNotFoundError:
        print(f"\n{module} is not installed: pip install {install or module}")
        return None
    print(f"\n--- {module}")
    return imported


# %% [markdown]
# ## skrub: look at a table before you model it
# The report is a page that you open in a browser: gaps, distributions, associations
# between columns. A notebook shows it when a cell ends with its name.

# %%
skrub = tool("skrub")
if skrub:
    path = folder / "table.html"
    skrub.TableReport(table, verbose=0).write_html(path)
    print(f"The report: {path.stat().st_size} bytes of HTML")

# %% [markdown]
# ## skore: measure, and check for common mistakes
# X must not have the column `rating`: the checks also train a model on X, and it would
# read the answers.

# %%
skore = tool("skore")
if skore:
    report = skore.EstimatorReport(
        recommender.build_pipeline(),
        X_train=X_train,
        y_train=y_train,
        X_test=X_test,
        y_test=y_test,
    )
    print(report.metrics.summarize().frame())
    print(report.checks.summarize())

# %% [markdown]
# Among the tips, look for the columns that seem to be of no use to this model. Only one
# of them, `genre`, is in the formula that made the ratings: taste depends on it. But
# these features do not contain taste. A tool can judge the model, not the formula.
#
# ## skops: a saved model that runs only code that you trust
# A pickle can run any code when it is loaded. skops lists the types in the file that
# are not from scikit-learn or NumPy. Read the list before you trust them.

# %%
skops = tool("skops.io", "skops")
if skops:
    skops.dump(pipeline, folder / "model.skops")
    own_types = skops.get_untrusted_types(file=folder / "model.skops")
    loaded = skops.load(folder / "model.skops", trusted=own_types)
    print("Types to trust:", *own_types, sep="\n  ")
    print("The same predictions:", np.array_equal(loaded.predict(ids), stars))

# %% [markdown]
# All types in the list are the lesson's own.
#
# ## Optuna: a search that learns from the candidates it has tried
# The lesson's own settings come first.


# %%
def rmse(trial):
    """Return the cross-validated RMSE of a candidate that Optuna suggests."""
    damping = trial.suggest_float("damping", 1, 50, log=True)
    alpha = trial.suggest_float("alpha", 0.01, 1000, log=True)
    candidate = recommender.build_pipeline()
    candidate.set_params(features__damping=damping, model__alpha=alpha)
    scores = cross_val_score(
        candidate, X_train, y_train, scoring="neg_root_mean_squared_error"
    )
    return -scores.mean()


optuna = tool("optuna")
if optuna:
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    study.enqueue_trial({"damping": 10.0, "alpha": 1.0})
    study.optimize(rmse, n_trials=20)
    print(f"RMSE of the lesson's settings: {study.trials[0].value:.4f}")
    print(f"RMSE of the best of 20: {study.best_value:.4f}, with")
    for name, value in study.best_params.items():
        print(f"  {name} {value:.2f}")

# %% [markdown]
# The gain is small. Besides, the best of 20 is chosen by its score, so that score is a
# little too good (`pillars/3_search.py`).
#
# ## MLflow: a registry of models in SQLite
# The signature says what a request must contain: here, the two ids.

# %%
mlflow = tool("mlflow")
if mlflow:
    mlflow.set_tracking_uri(f"sqlite:///{(folder / 'mlflow.db').as_posix()}")
    experiment = mlflow.create_experiment("lesson", (folder / "models").as_uri())
    mlflow.set_experiment(experiment_id=experiment)

    # Three classes are ours: MLflow must trust them, and needs their code.
    trusted = []
    for step in (pipeline, pipeline["features"], pipeline["drop_ids"]):
        kind = type(step)
        trusted.append(f"{kind.__module__}.{kind.__name__}")
    code_paths = [ROOT / "lesson_code.py"]
    if (ROOT / "recommender").is_dir():
        code_paths.append(ROOT / "recommender")
    mlflow.sklearn.log_model(
        pipeline,
        name="stars",
        registered_model_name="movies",
        signature=mlflow.models.infer_signature(ids, stars),
        skops_trusted_types=trusted,
        code_paths=code_paths,
    )
    served = mlflow.pyfunc.load_model("models:/movies/1")
    print("Signature:", served.metadata.signature.inputs)
    print("The same predictions:", np.array_equal(served.predict(ids), stars))

# %% [markdown]
# ## fairlearn: the error by group, beside the size of the group

# %%
fairlearn = tool("fairlearn.metrics", "fairlearn")
if fairlearn:
    frame = fairlearn.MetricFrame(
        metrics={"RMSE": root_mean_squared_error, "ratings": fairlearn.count},
        y_true=y_test,
        y_pred=stars,
        sensitive_features=X_test["user_country"],
    )
    print(frame.by_group)

# %% [markdown]
# Before you accuse the model, look at the number of ratings: the country with the
# smallest error has only a handful. Country is not in the formula that made the
# ratings, so these differences are luck, most of all where ratings are few. In real
# data nobody tells you so, and you need the standard error of each difference.
#
# ## Dask: all parallel work goes to a cluster
# `Client("address:8786")` is a cluster of other machines. This one lives in our own
# process.

# %%
dask = tool("distributed")
if dask:
    with (
        dask.Client(processes=False, dashboard_address=None) as client,
        joblib.parallel_config("dask"),
    ):
        recommender.train(X_train, y_train)
        rmse_in_cv = recommender.cv_scores.mean()
        print(f"CV RMSE {rmse_in_cv:.4f}, workers: {len(client.ncores())}")

# %% [markdown]
# ## ONNX: models that run without Python
# Scaler and model can be converted. Our own transformer cannot, so the features are
# computed in Python.

# %%
skl2onnx = tool("skl2onnx", "skl2onnx onnxruntime")
runtime = None
if skl2onnx:
    runtime = tool("onnxruntime")
if runtime:
    # The features of the test rows, without the ids: (n_rows, 11)
    features = pipeline[:2].transform(X_test).astype(np.float32)
    converted = skl2onnx.to_onnx(pipeline[2:], features[:1])
    session = runtime.InferenceSession(converted.SerializeToString())
    answers = session.run(None, {"X": features})[0].ravel()
    answers = np.clip(answers, 1, 5)  # as our pipeline does
    difference = np.abs(answers - pipeline.predict(X_test)).max()
    print(f"Largest difference between ONNX and our pipeline: {difference:.6f} stars")

# %% [markdown]
# The difference is that of rounding: here ONNX computes with 32 bits per number, NumPy
# with 64.
#
# **Two that refuse.** ONNX cannot take the whole pipeline: it has no converter for our
# own transformer. Yellowbrick calls even `Ridge()` "not a regressor": its newest
# release looks for the attribute `_estimator_type`, which new versions of scikit-learn
# no longer have. Use scikit-learn's Display classes.
#
# **Remember:** if you keep to the interface of scikit-learn, other tools work with your
# model.
#
# Go on: scikit-learn's
# [Related Projects](https://scikit-learn.org/stable/related_projects.html) and, in the
# user guide,
# [Model persistence](https://scikit-learn.org/stable/model_persistence.html).
