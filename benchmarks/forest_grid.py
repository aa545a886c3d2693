"""Which settings should the forest have?

    python benchmarks/forest_grid.py [MOVIELENS]

MOVIELENS is the folder or the zip file of a release; without it, the synthetic table is
used. The rows are the training rows of the demo's split, so no test row chooses a
setting. Every setting is cross-validated in three folds. Printed: the whole grid, best
first, with the RMSE in stars, the seconds of the three folds, and how far the RMSE is
above the best; then the same for the setting chosen, which is that of
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
    """Return X and y of the demo's training rows.

    They are of the release that the command names, or else of the synthetic table.
    """
    if len(sys.argv) > 1:
        table = load_movielens(sys.argv[1])
    else:
        table = MovieRecommendationDataset().generate()
    train, _ = train_test_split(table, test_size=0.2, random_state=42)
    return train.drop(columns=RATING), train[RATING]


def build(setting):
    """Return the pipeline of the forest with a setting, {parameter: value}."""
    pipeline = SklearnEcosystemPipeline().build_pipeline()
    pipeline.set_params(model__n_jobs=-1)
    for name, value in setting.items():
        pipeline.set_params(**{f"model__{name}": value})
    return pipeline


def as_text(rows):
    """Return rows of the grid as a table of text."""
    return rows.to_string(
        index=False,
        formatters={"above best": "{:.2%}".format},
        float_format="{:.4f}".format,
    )


def main():
    X, y = training_rows()
    folds = KFold(3, shuffle=True, random_state=42)
    rows = []
    for values in itertools.product(*GRID.values()):
        setting = dict(zip(GRID, values))
        pipeline = build(setting)
        started = time.perf_counter()
        scores = cross_val_score(
            pipeline,
            X,
            y,
            cv=folds,
            scoring="neg_root_mean_squared_error",
            error_score="raise",
        )
        seconds = time.perf_counter() - started
        row = {**setting, "CV RMSE": -scores.mean(), "seconds": seconds}
        rows.append(row)
        print(row, file=sys.stderr, flush=True)

    grid = pd.DataFrame(rows).sort_values("CV RMSE")
    grid["above best"] = grid["CV RMSE"] / grid["CV RMSE"].min() - 1
    print(as_text(grid))

    settings = MODELS["forest"]["regressor"].get_params()
    chosen = [settings[name] for name in GRID]
    is_chosen = (grid[list(GRID)].astype(object) == chosen).all(axis=1)
    print("\nchosen:")
    print(as_text(grid[is_chosen]))


if __name__ == "__main__":
    main()
