# %% [markdown]
# # 0 Map: what is in scikit-learn, and how much of it have you met?
#
# **You know**: how to import from a Python package. **You will see**: every public
# estimator, function, display and splitter of your version, and which this lesson uses,
# sorted into six *pillars*: the jobs that scikit-learn does. Chapters 1 to 6 are about
# them, chapter 8 about what comes after. **Minutes**: 10.
# `python pillars/0_map.py all` prints all names.
#
# Words: an *estimator* learns from data with `fit`; then it answers with `predict`, or
# turns data into other data with `transform`. A *display* draws a result. A *splitter*
# says which rows are for training and which for testing. A *tag* says what an estimator
# is, and which input it accepts: *sparse* data, for example, which stores only the
# values that are not 0. `docs/words.md` explains the words of all chapters.

# %%
import ast
import sys
import warnings

import drawing
import pandas as pd
import sklearn
from sklearn import model_selection
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  makes 2 more
from sklearn.utils import get_tags
from sklearn.utils.discovery import all_displays, all_estimators, all_functions

# The modules of each pillar. This is the only list that is made by hand.
# (`_config` has set_config; `externals` has code copied from other projects.)
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
PILLAR_OF = {}
for pillar, modules in PILLARS.items():
    for module in modules.split():
        PILLAR_OF[module] = pillar

# The names that the lesson and the chapters import from scikit-learn. We find them in
# the code: `ast` turns a file into a tree, in which an import is a node.
files = [drawing.ROOT / "lesson_code.py"]
files += (drawing.ROOT / "recommender").glob("*.py")
files += (drawing.ROOT / "pillars").glob("*.py")
met = set()
for file in files:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module.startswith("sklearn"):
                met.update(alias.name for alias in node.names)


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


# `discovery` does not list splitters, so we look for the classes that can split, but
# not for the base classes that they inherit from.
splitters = []
for name in model_selection.__all__:
    public = getattr(model_selection, name)
    if hasattr(public, "split") and not name.startswith("Base"):
        splitters.append((name, public))

names_of_kind = {
    "estimators": all_estimators(),
    "functions": all_functions(),
    "displays": all_displays(),
    "splitters": splitters,
}
rows = []
for kind, names in names_of_kind.items():
    for name, thing in names:
        verbs = [
            verb
            for verb in ("fit", "predict", "transform", "split")
            if hasattr(thing, verb)
        ]
        module = thing.__module__.split(".")[1]
        tags = ""
        if kind == "estimators":
            tags = describe(thing)
        row = {
            "name": name,
            "kind": kind,
            "module": module,
            "pillar": PILLAR_OF.get(module),
            "verbs": " ".join(verbs),
            "tags": tags,
            "met": name in met,
        }
        rows.append(row)
things = pd.DataFrame(rows)

if sys.argv[1:] == ["all"]:
    print(things.to_string(index=False))
for module in sorted(set(things["module"]) - set(PILLAR_OF)):
    print(f"No pillar claims sklearn.{module}: add it to PILLARS.")

# %% [markdown]
# ## The count
# You may read of "800+" tools. Here every public name of your version counts once.

# %%
table = things.pivot_table(
    index="pillar", columns="kind", values="name", aggfunc="count", fill_value=0
)
table = table.loc[list(PILLARS), list(names_of_kind)]
table = table.assign(all=table.sum(axis=1), met=things.groupby("pillar")["met"].sum())
n_all = len(things)
n_met = things["met"].sum()
print(
    f"scikit-learn {sklearn.__version__}: {n_all} public names. "
    f"With this lesson you meet {n_met} of them."
)
print(pd.concat([table, table.sum().to_frame("all six").T]).to_string())

print(
    "\nWhat estimators can do, and how many "
    "(some of those with fit alone answer by fit_predict or fit_transform):"
)
verbs = things.loc[things["kind"] == "estimators", "verbs"]
print(verbs.value_counts().to_string(header=False))

# %%
title = f"You meet {n_met} (blue) of {n_all} public names here"
figure, axes = drawing.new_picture(title, height=3.7)
if figure is not None:
    bars = axes.barh(table.index, table["all"], color="#CFCFCF")
    labels = [f"{seen} of {n}" for n, seen in zip(table["all"], table["met"])]
    axes.bar_label(bars, labels, padding=4)
    axes.barh(table.index, table["met"], color=drawing.BLUE)
    axes.invert_yaxis()
    axes.set(xticks=[], xlim=(0, 1.25 * table["all"].max()), frame_on=False)
    drawing.save_picture(figure, "0_map.svg")

# %% [markdown]
# **Remember:** every estimator has `fit`; most answer by `predict` or by `transform`,
# few by both.
#
# Go on in scikit-learn's user guide: "Choosing the right estimator". Exercise:
# `exercises/0_map.py`. The next chapter, `0_parts`, shows what they are built from.
