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
#
# scikit-learn lists its own names, and `catalog.py` sorts them.

# %%
import sys

import drawing
import pandas as pd
import sklearn
from catalog import KINDS, PILLAR_OF, PILLARS, public_names

things = public_names()
print("Some of the names that the lesson and its chapters import:")
for pillar in PILLARS:
    names = things.loc[things["met"] & (things["pillar"] == pillar), "name"]
    print(f"  {pillar + ':':19} {', '.join(names[:3])}")

if sys.argv[1:] == ["all"]:
    print(things.to_string(index=False))
for module in sorted(set(things["module"]) - set(PILLAR_OF)):
    print(f"No pillar claims sklearn.{module}: add it to PILLARS in catalog.py.")

# %% [markdown]
# ## The count
# You may read of "800+" tools. Here every public name of your version counts once.
#
# **Guess first:** how many of them can both predict and transform?

# %%
table = things.pivot_table(
    index="pillar", columns="kind", values="name", aggfunc="count", fill_value=0
)
table = table.loc[list(PILLARS), KINDS]
table = table.assign(all=table.sum(axis=1), met=things.groupby("pillar")["met"].sum())
n_all = len(things)
n_met = things["met"].sum()
print(
    f"scikit-learn {sklearn.__version__}: {n_all} public names. "
    f"The lesson and its chapters import {n_met} of them."
)
print(pd.concat([table, table.sum().to_frame("all six").T]).to_string())

print("\nWhat estimators can do, and how many. (Some of those with fit alone answer by")
print("fit_predict or fit_transform.)")
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
# **Try it:** run `python pillars/0_map.py all`, and look up a new name.
#
# **Remember:** every estimator has `fit`; most answer by `predict` or by `transform`,
# few by both.
#
# Go on in scikit-learn's user guide: "Choosing the right estimator". Exercise:
# `exercises/0_map.py`. The next chapter, `0_parts`, shows what they are built from.
