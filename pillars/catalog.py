"""All public names of scikit-learn, sorted into the six pillars of the lesson.

`pillars/7_map.py` counts them. scikit-learn lists its names itself
(`sklearn.utils.discovery`), and its estimators say by their tags what they can do.
"""

import ast
import warnings

import drawing
import pandas as pd
from sklearn import model_selection
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  makes 2 more
from sklearn.utils import get_tags
from sklearn.utils.discovery import all_displays, all_estimators, all_functions

#: The modules of each pillar. This list and the next are the only ones made by hand.
#: (`_config` has set_config; `externals` has code copied from other projects.)
PILLARS = {
    "Preprocessing": "preprocessing impute feature_extraction kernel_approximation "
    "random_projection",
    "Feature selection": "feature_selection inspection",
    "Model selection": "model_selection",
    "Supervised": "linear_model ensemble tree svm neighbors naive_bayes neural_network "
    "gaussian_process discriminant_analysis cross_decomposition kernel_ridge isotonic "
    "calibration multiclass multioutput semi_supervised dummy",
    "Unsupervised": "cluster decomposition manifold mixture covariance",
    "Utilities": "pipeline compose metrics base utils datasets frozen callback _config "
    "externals",
}
#: They need no target, but are in modules of supervised estimators.
UNSUPERVISED = [
    "BernoulliRBM",
    "IsolationForest",
    "KNeighborsTransformer",
    "KernelDensity",
    "LocalOutlierFactor",
    "NearestNeighbors",
    "OneClassSVM",
    "RadiusNeighborsTransformer",
    "RandomTreesEmbedding",
    "SGDOneClassSVM",
]
PILLAR_OF = {}
for pillar, modules in PILLARS.items():
    for module in modules.split():
        PILLAR_OF[module] = pillar

KINDS = ["estimators", "functions", "displays", "splitters"]
VERBS = ["fit", "predict", "transform", "split"]


def public_names():
    """Return a table of the public names of the installed scikit-learn.

    Returns
    -------
    names : DataFrame
        The columns `name`, `kind` (one of `KINDS`), `module`, `pillar` (None if no
        pillar claims the module), `verbs` (those of `VERBS` that it has), `tags` (of an
        estimator) and `met` (whether a chapter imports the name).
    """
    names_of_kind = dict(
        zip(KINDS, [all_estimators(), all_functions(), all_displays(), splitters()])
    )
    met = names_met()
    rows = []
    for kind, names in names_of_kind.items():
        for name, thing in names:
            module = thing.__module__.split(".")[1]
            pillar = PILLAR_OF.get(module)
            if name in UNSUPERVISED:
                pillar = "Unsupervised"
            row = {
                "name": name,
                "kind": kind,
                "module": module,
                "pillar": pillar,
                "verbs": " ".join(verb for verb in VERBS if hasattr(thing, verb)),
                "tags": describe(thing) if kind == "estimators" else "",
                "met": name in met,
            }
            rows.append(row)
    return pd.DataFrame(rows)


def names_met():
    """Return the names that the chapters import from scikit-learn.

    We find them in the code: `ast` turns a file into a tree, in which an import is a
    node.
    """
    met = set()
    for file in (drawing.ROOT / "pillars").glob("[0-9]_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                if module.startswith("sklearn"):
                    met.update(alias.name for alias in node.names)
    return met


def splitters():
    """Return the name and the class of each splitter.

    `discovery` does not list them, so we look for the classes that can split, but not
    for the base classes that they inherit from.
    """
    found = []
    for name in model_selection.__all__:
        public = getattr(model_selection, name)
        if hasattr(public, "split") and not name.startswith("Base"):
            found.append((name, public))
    return found


def describe(estimator):
    """Return the tags of an estimator's class as text."""
    try:
        with warnings.catch_warnings():
            # Some estimators warn that a later version will remove them.
            warnings.simplefilter("ignore")
            tags = get_tags(estimator())
    except (TypeError, AttributeError):  # it needs an estimator as its argument
        return "those of the estimator that it holds"

    kind = tags.estimator_type  # "regressor" and so on, or None
    words = {
        kind: kind,
        "transformer": tags.transformer_tags,
        "missing values": tags.input_tags.allow_nan,
        "sparse": tags.input_tags.sparse,
        "text": tags.input_tags.string,
    }
    return ", ".join(word for word, is_true in words.items() if is_true)
