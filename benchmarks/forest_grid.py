"""Choose the forest's settings by cross-validation inside training data: `python benchmarks/forest_grid.py [MOVIELENS]`.

Prints the whole grid, best first, with the time of each setting, and how far `lesson_code.FOREST` is from the best. The
rows are the training rows of the demo's split, of the synthetic table or of the MovieLens release given; three folds.
"""

import itertools
import sys
import time
from pathlib import Path

import pandas as pd
from sklearn.model_selection import KFold, cross_val_score, train_test_split

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lesson_code import FOREST, RATING, MovieRecommendationDataset, SklearnEcosystemPipeline, load_movielens

GRID = {
    "max_features": [1 / 3, 0.5, 1.0],
    "min_samples_leaf": [1, 5, 10, 20],
    "max_samples": [0.05, 0.1, 0.3, None],
}


def training_rows():
    """Return X and y of the demo's training rows, of the release on the command line or of the synthetic table."""
    table = load_movielens(sys.argv[1]) if len(sys.argv) > 1 else MovieRecommendationDataset().generate()
    X, _, y, _ = train_test_split(table.drop(columns=RATING), table[RATING], test_size=0.2, random_state=42)
    return X, y


def main():
    X, y = training_rows()
    rows = []
    for values in itertools.product(*GRID.values()):
        setting = dict(zip(GRID, values))
        pipeline = SklearnEcosystemPipeline().build_pipeline().set_params(model__n_jobs=-1)
        pipeline.set_params(**{f"model__{name}": value for name, value in setting.items()})
        started = time.perf_counter()
        folds = KFold(3, shuffle=True, random_state=42)
        scores = cross_val_score(pipeline, X, y, cv=folds, scoring="neg_root_mean_squared_error", error_score="raise")
        rows.append({**setting, "CV RMSE": -scores.mean(), "seconds": time.perf_counter() - started})
        print(rows[-1], file=sys.stderr, flush=True)
    grid = pd.DataFrame(rows).sort_values("CV RMSE")
    grid["above best"] = grid["CV RMSE"] / grid["CV RMSE"].min() - 1
    chosen = grid[(grid[list(GRID)].astype(object) == [FOREST[name] for name in GRID]).all(axis=1)]
    print(grid.to_string(index=False, formatters={"above best": "{:.2%}".format}, float_format="{:.4f}".format))
    print(f"\nchosen:\n{chosen.to_string(index=False)}")


if __name__ == "__main__":
    main()
