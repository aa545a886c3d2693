"""How long do 13 features take, against a few lines of pandas?

    python benchmarks/features.py

Both get the same 5 million synthetic ratings (32,000 users, 14,000 movies), with genre
and country as text, in turn and in one process. `pandas_features` of scale.py is what
one writes first: averages and counts by group, put back to the rows, and category
codes. It is not cross-fitted, keeps nothing for new rows, and gives 6 columns, not 13.

CPU: seconds of all threads. In the first round the memory is new to the process, which
the system has to provide; on a virtual machine that alone can take a second.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from scale import SIZES, pandas_features

from lesson_code import MovieRecommendationDataset, UserMovieFeatureTransformer


def cpu_seconds(work, table):
    """Return the CPU seconds that a function takes on a table."""
    start = time.process_time()
    work(table)
    return time.process_time() - start


def main():
    table = MovieRecommendationDataset(*SIZES["5M"]).generate()
    for number in range(1, 6):
        ours = cpu_seconds(UserMovieFeatureTransformer().fit_transform, table)
        theirs = cpu_seconds(pandas_features, table)
        print(
            f"round {number}: features {ours:.2f} s, pandas {theirs:.2f} s, "
            f"ratio {ours / theirs:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
