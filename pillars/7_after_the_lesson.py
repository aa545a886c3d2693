# %% [markdown]
# # 7 After the lesson: what can other tools do with this very pipeline?
#
# **You know**: our pipeline is a scikit-learn estimator: `fit`, `predict`, parameters that can be set.
# **You will see**: that tools which know nothing of movies can therefore work with it. **Minutes**: 10.
#
# Nothing here is needed for the lesson. Install one tool at a time, each in an environment of its own.

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
X, y = table.drop(columns="rating"), table["rating"]
X_train, X_test, y_train, y_test = X[:4800], X[4800:], y[:4800], y[4800:]
recommender = SklearnEcosystemPipeline(model="linear").fit(X_train, y_train)
pipeline, ids = recommender.pipeline, X_test[["user_id", "movie_id"]]
stars = pipeline.predict(ids)
temporary = tempfile.TemporaryDirectory(
    ignore_cleanup_errors=True
)  # it is removed when Python ends
folder = Path(temporary.name)


def tool(module, install=None):
    """Return the module; if it is missing, say how to get it and return None."""
    try:
        found = import_module(module)
        print(f"\n--- {module}")
        return found
    except ModuleNotFoundError:
        print(
            f"{module} is not installed. To see this recipe: pip install {install or module}"
        )


# %%
# skrub: look at a table before you model it (a notebook shows a report when a cell ends with its name)
if skrub := tool("skrub"):
    skrub.TableReport(table, verbose=0).write_html(folder / "table.html")
    print(
        f"Gaps, distributions, associations: {(folder / 'table.html').stat().st_size} bytes of HTML"
    )

# %%
# skore: measure, and check for common mistakes. It finds the columns that are useless by law.
# subtle: X is without the column `rating`. The checks train a model on X too, which would read the answers.
if skore := tool("skore"):
    parts = {"X_train": X_train, "y_train": y_train, "X_test": X_test, "y_test": y_test}
    report = skore.EstimatorReport(recommender.build_pipeline(), **parts)
    print(report.metrics.summarize().frame(), report.checks.summarize(), sep="\n")

# %%
# skops: a saved model that runs no code when it is loaded. Read the list of types before you trust them
if skops := tool("skops.io", "skops"):
    skops.dump(pipeline, folder / "model.skops")
    not_of_sklearn = skops.get_untrusted_types(file=folder / "model.skops")
    loaded = skops.load(folder / "model.skops", trusted=not_of_sklearn)
    same = np.array_equal(loaded.predict(ids), stars)
    print(f"Trusted: {not_of_sklearn}. The same predictions: {same}")


# %%
# Optuna: a search that learns from the candidates it has tried; the lesson's own settings come first
def rmse(trial):
    """Return the cross-validated RMSE of a candidate that Optuna suggests."""
    settings = {"features__damping": trial.suggest_float("damping", 1, 50, log=True)}
    settings["model__alpha"] = trial.suggest_float("alpha", 0.01, 1000, log=True)
    candidate = recommender.build_pipeline().set_params(**settings)
    return -cross_val_score(
        candidate, X_train, y_train, scoring="neg_root_mean_squared_error"
    ).mean()


if optuna := tool("optuna"):
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    study.enqueue_trial({"damping": 10.0, "alpha": 1.0})
    study.optimize(rmse, n_trials=20)
    print(
        f"RMSE of the lesson's settings {study.trials[0].value:.4f}, of the best {study.best_value:.4f}"
    )

# %%
# MLflow: a registry of models in SQLite. A request that does not fit the signature, two ids, is refused
if mlflow := tool("mlflow"):
    mlflow.set_tracking_uri(f"sqlite:///{(folder / 'mlflow.db').as_posix()}")
    mlflow.set_experiment(
        experiment_id=mlflow.create_experiment("lesson", (folder / "models").as_uri())
    )
    how = {
        "skops_trusted_types": [
            "lesson_code.RatingPipeline",
            "lesson_code.UserMovieFeatureTransformer",
        ]
    }
    how |= {
        "signature": mlflow.models.infer_signature(ids, stars),
        "code_paths": [ROOT / "lesson_code.py"],
    }
    mlflow.sklearn.log_model(
        pipeline, name="stars", registered_model_name="movies", **how
    )
    served = mlflow.pyfunc.load_model("models:/movies/1")
    same = np.array_equal(served.predict(ids), stars)
    print(
        f"Signature: {served.metadata.signature.inputs}. The same predictions: {same}"
    )

# %%
# fairlearn: the error by group, beside the size of the group
if fairlearn := tool("fairlearn.metrics", "fairlearn"):
    metrics = {"RMSE": root_mean_squared_error, "ratings": fairlearn.count}
    groups = {
        "y_true": y_test,
        "y_pred": stars,
        "sensitive_features": X_test["user_country"],
    }
    print(fairlearn.MetricFrame(metrics=metrics, **groups).by_group)
    print(
        "By law, country has no influence: these differences are luck, most of all where ratings are few."
    )

# %%
# Dask: all parallel work goes to a cluster: Client("address:8786"). This one lives in our own process
if dask := tool("distributed"):
    with (
        dask.Client(processes=False, dashboard_address=None) as client,
        joblib.parallel_config("dask"),
    ):
        recommender.train(X_train, y_train)
        print(
            f"CV RMSE {recommender.cv_scores.mean():.4f}, workers: {len(client.ncores())}"
        )

# %%
# ONNX (models that run without Python): scaler and model can be converted, our own transformer cannot
if (skl2onnx := tool("skl2onnx", "skl2onnx onnxruntime")) and (
    runtime := tool("onnxruntime")
):
    numbers = (
        pipeline[:2].transform(X_test).astype(np.float32)
    )  # (n_rows, 11): features, without ids
    session = runtime.InferenceSession(
        skl2onnx.to_onnx(pipeline[2:], numbers[:1]).SerializeToString()
    )
    answers = np.clip(
        session.run(None, {"X": numbers})[0].ravel(), 1, 5
    )  # as our pipeline does
    print(
        f"ONNX is at most {np.abs(answers - pipeline.predict(X_test)).max():.6f} stars off"
    )

# %% [markdown]
# **Two that refuse.** ONNX cannot take the whole pipeline: it has no converter for our own transformer.
# Compute the features in Python. Yellowbrick 1.5 calls even `Ridge()` "not a regressor": it looks for the
# attribute `_estimator_type`, which scikit-learn 1.9 no longer has. Use scikit-learn's Display classes.
#
# **Remember:** keep to the interface of scikit-learn, and the tools of others work for you.
#
# Go on: scikit-learn's "Related Projects" and, in the user guide, "Model persistence".
