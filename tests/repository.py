"""What tests import: where the project is, and what they read and copy of it."""

import importlib.util
import os
import re
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


def load_module(path):
    """Import a file that is in no package, such as a tool; it is new each time."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def paragraph_of(chapter, title):
    """Return a paragraph of a chapter as one line, without its title in bold."""
    text = chapter.read_text(encoding="utf-8")
    paragraph = re.search(rf"\*\*{title}:\*\* (.+(?:\n# .+)*)", text)[1]
    return paragraph.replace("\n# ", " ")
