"""What tests import: where the project is, its models, and a copy of the lesson."""

import os
import shutil
from pathlib import Path

import lesson_code

ROOT = Path(__file__).resolve().parent.parent
REAL = Path(
    os.environ.get("MOVIELENS", ROOT.parent / "shared" / "data" / "ml-latest-small")
)
MODELS = list(lesson_code.MODELS)
NO_CACHES = shutil.ignore_patterns("__pycache__")


def copy_lesson(folder, *others):
    """Copy the lesson, its package and `others` into a folder; return the script."""
    shutil.copytree(ROOT / "recommender", folder / "recommender", ignore=NO_CACHES)
    for name in others:
        shutil.copy(ROOT / name, folder / name)
    return shutil.copy(ROOT / "lesson_code.py", folder)
