"""Which settings should the forest have? `python benchmarks/forest_grid.py [MOVIELENS]`

MOVIELENS is the folder or the zip file of a release; without it, the synthetic table is used. The rows are
the training rows of the demo's split, so no test row chooses a setting. Every setting is cross-validated in
three folds. Printed: the whole grid, best first, with the RMSE in stars, the seconds of the three folds, and
how far the RMSE is above the best; then the same for the setting chosen, which is that of
`lesson_code.MODELS["forest"]`.
"""

import itertools
import sys
import time
from pathlib import Path

import pandas as pd
from sklearn.model_selection import KFold, cross_val_score, train_test_split

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import (
    MODELS,
    RATING,
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    load_movielens,
)

GRID = {
    "max_features": [1 / 3, 0.5, 1.0],
    "min_samples_leaf": [1, 5, 10, 20],
    "max_samples": [0.05, 0.1, 0.3, None],
}


def training_rows():
    """Return X and y of the demo's training rows: of the release given, or of the synthetic table."""
    table = (
        load_movielens(sys.argv[1])
        if len(sys.argv) > 1
        else MovieRecommendationDataset().generate()
    )
    X, _, y, _ = train_test_split(
        table.drop(columns=RATING), table[RATING], test_size=0.2, random_state=42
    )
    return X, y


def main():
    X, y = training_rows()
    how = {"scoring": "neg_root_mean_squared_error", "error_score": "raise"}
    rows = []
    for values in itertools.product(*GRID.values()):
        setting = dict(zip(GRID, values))
        pipeline = (
            SklearnEcosystemPipeline().build_pipeline().set_params(model__n_jobs=-1)
        )
        pipeline.set_params(
            **{f"model__{name}": value for name, value in setting.items()}
        )
        started = time.perf_counter()
        scores = cross_val_score(
            pipeline, X, y, cv=KFold(3, shuffle=True, random_state=42), **how
        )
        rows.append(
            {
                **setting,
                "CV RMSE": -scores.mean(),
                "seconds": time.perf_counter() - started,
            }
        )
        print(rows[-1], file=sys.stderr, flush=True)
    grid = pd.DataFrame(rows).sort_values("CV RMSE")
    grid["above best"] = grid["CV RMSE"] / grid["CV RMSE"].min() - 1
    settings = MODELS["forest"]["regressor"].get_params()
    chosen = grid[
        (grid[list(GRID)].astype(object) == [settings[name] for name in GRID]).all(
            axis=1
        )
    ]
    how = {
        "index": False,
        "formatters": {"above best": "{:.2%}".format},
        "float_format": "{:.4f}".format,
    }
    print(f"{grid.to_string(**how)}\n\nchosen:\n{chosen.to_string(**how)}")


if __name__ == "__main__":
    main()
