"""Load the option `--break` of tests/break_it.py, where the folder tests/ is there."""

import sys
from pathlib import Path

TESTS = Path(__file__).parent / "tests"
if (TESTS / "break_it.py").exists():
    sys.path.insert(0, str(TESTS))
    pytest_plugins = ["break_it"]
