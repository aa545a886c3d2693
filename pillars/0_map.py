# %% [markdown]
# # 0 Map: what is in scikit-learn, and how much of it have you met?
#
# **You know**: how to import from a Python package. **You will see**: every public estimator, function,
# display and splitter of your version, and which this lesson uses, sorted into six *pillars*: the jobs that
# scikit-learn does, a chapter each. **Minutes**: 10. `python pillars/0_map.py all` prints all names.
#
# Words: an *estimator* learns from data with `fit`; then it answers with `predict`, or turns data into other
# data with `transform`. A *display* draws a result. A *splitter* says which rows are for training and which
# for testing. A *tag* says what an estimator is, and what it takes: *sparse* data, for example, which stores
# only the values that are not 0. The words of all chapters are in `docs/words.md`.

# %%
import ast
import inspect
import sys
import warnings

import drawing
import pandas as pd
import sklearn
from sklearn import model_selection
from sklearn.utils import get_tags
from sklearn.utils.discovery import all_displays, all_estimators, all_functions

# The only list made by hand: the modules of each pillar. (`_config`: set_config; `externals`: copied tools.)
PILLARS = {
    "Preprocessing": "preprocessing impute feature_extraction kernel_approximation random_projection",
    "Feature selection": "feature_selection inspection",
    "Model selection": "model_selection",
    "Supervised": "linear_model ensemble tree svm neighbors naive_bayes neural_network gaussian_process "
    "discriminant_analysis cross_decomposition kernel_ridge isotonic calibration multiclass multioutput "
    "semi_supervised dummy",
    "Unsupervised": "cluster decomposition manifold mixture covariance",
    "Utilities": "pipeline compose metrics base utils datasets frozen callback _config externals",
}
PILLAR_OF = {
    module: pillar for pillar, modules in PILLARS.items() for module in modules.split()
}
met = set()  # the names that the lesson and the chapters import from scikit-learn, found in their code
for file in [drawing.ROOT / "lesson_code.py", *(drawing.ROOT / "pillars").glob("*.py")]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "sklearn"
        ):
            met.update(alias.name for alias in node.names)


def describe(estimator):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some will be gone in a later version
            tags = get_tags(estimator())
    except (TypeError, AttributeError):  # it holds another estimator, which decides
        return "as what it holds"
    kind, takes = (
        tags.estimator_type,
        tags.input_tags,
    )  # kind: "regressor" and so on, or None
    words = {
        kind: kind,
        "transformer": tags.transformer_tags,
        "missing values": takes.allow_nan,
        "sparse": takes.sparse,
        "text": takes.string,
    }
    return ", ".join(word for word, is_true in words.items() if is_true)


# `discovery` does not list splitters. The "Halving" searches are experimental and need one import more.
public = [
    getattr(model_selection, name)
    for name in model_selection.__all__
    if "Halving" not in name
]
splitters = [
    (it.__name__, it)
    for it in public
    if hasattr(it, "split") and not inspect.isabstract(it)
]
kinds = {
    "estimators": all_estimators(),
    "functions": all_functions(),
    "displays": all_displays(),
}
rows = []
for kind, found in (kinds | {"splitters": splitters}).items():
    for name, thing in found:
        module = thing.__module__.split(".")[1]
        verbs = " ".join(
            verb
            for verb in ("fit", "predict", "transform", "split")
            if hasattr(thing, verb)
        )
        tags = describe(thing) if kind == "estimators" else ""
        rows.append(
            [name, kind, module, PILLAR_OF.get(module), verbs, tags, name in met]
        )
things = pd.DataFrame(
    rows, columns=["name", "kind", "module", "pillar", "verbs", "tags", "met"]
)
if sys.argv[1:] == ["all"]:
    print(things.to_string(index=False))
for module in sorted(set(things["module"]) - set(PILLAR_OF)):
    print(f"No pillar claims sklearn.{module}: add it to PILLARS.")

# %% [markdown]
# ## The count: you may read of "800+" tools. Here every public name of your version counts once.

# %%
table = things.pivot_table(
    index="pillar", columns="kind", values="name", aggfunc="count", fill_value=0
)
table = table.loc[list(PILLARS), [*kinds, "splitters"]]
table = table.assign(all=table.sum(axis=1), met=things.groupby("pillar")["met"].sum())
n_all, n_met = len(things), things["met"].sum()
print(
    f"scikit-learn {sklearn.__version__}: {n_all} public names. With this lesson you meet {n_met} of them."
)
print(pd.concat([table, table.sum().to_frame("all six").T]).to_string())
print(
    "\nWhat estimators can do, and how many (fit alone: some answer by fit_predict or fit_transform):"
)
print(
    things.loc[things["kind"] == "estimators", "verbs"]
    .value_counts()
    .to_string(header=False)
)

# %%
figure, axes = drawing.new_picture(
    f"You meet {n_met} (blue) of {n_all} public names here", height=3.7
)
if figure:
    bars = axes.barh(table.index, table["all"], color="#CFCFCF")
    axes.bar_label(
        bars,
        [f"{seen} of {n}" for n, seen in zip(table["all"], table["met"])],
        padding=4,
    )
    axes.barh(table.index, table["met"], color=drawing.BLUE)
    axes.invert_yaxis()
    axes.set(xticks=[], xlim=(0, 1.25 * table["all"].max()), frame_on=False)
    drawing.save_picture(figure, "0_map.svg")

# %% [markdown]
# **Remember:** three verbs of estimators: fit, predict, transform. Two hundred estimators share them.
#
# Go on in scikit-learn's user guide: "Choosing the right estimator". Exercise: `exercises/0_map.py`.
