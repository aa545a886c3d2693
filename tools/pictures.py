"""Draw all pictures of the documentation again: `python tools/pictures.py`.

It needs matplotlib, takes three minutes, and writes to `docs/pictures`.
Every chapter in `pillars/` draws its own picture. Here are the two of the README, the
error ladder and the pipeline, and that of `benchmarks/results/scale.txt`.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "pillars"))
import drawing  # noqa: E402  it also finds lesson_code
import pandas as pd  # noqa: E402
from sklearn.dummy import DummyRegressor  # noqa: E402
from sklearn.model_selection import KFold, cross_val_score  # noqa: E402

from lesson_code import (  # noqa: E402
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
)


def draw_error_ladder():
    """Draw how far the model goes from knowing nothing to knowing the law.

    The errors are those of cross-validation on the whole table, as `compare` prints
    them: one split, such as the demo's, may be lucky.
    """
    dataset = MovieRecommendationDataset()
    table = dataset.generate()
    models = {
        "mean": DummyRegressor(),
        "forest": SklearnEcosystemPipeline().build_pipeline(),
    }
    rmse = {}
    for name, model in models.items():
        scores = cross_val_score(
            model,
            table,
            table["rating"],
            cv=KFold(5, shuffle=True, random_state=42),
            scoring="neg_root_mean_squared_error",
        )
        rmse[name] = -scores.mean()
    floor = dataset.best_rmse()

    way = (rmse["mean"] - rmse["forest"]) / (rmse["mean"] - floor)
    title = f"The model goes {100 * way:.0f} % of the way to the best possible"
    figure, axes = drawing.new_picture(title, height=2.5)
    axes.barh(0, 1, 0.5, color="#DDDDDD")
    axes.barh(0, way, 0.5, color=drawing.BLUE)
    ends = {
        0: ("left", f"{rmse['mean']:.2f}\nalways\nthe mean"),
        way: ("center", f"{rmse['forest']:.2f}\nthe model"),
        1: ("right", f"{floor:.2f}\nbest\npossible"),
    }
    for place, (side, words) in ends.items():
        axes.text(place, -0.33, words, ha=side, va="top")
    axes.text(0, 0.33, "typical error, in stars (RMSE)", color="#606060", va="bottom")
    axes.set(xlim=(-0.01, 1.01), ylim=(-1.25, 0.6))
    axes.axis("off")
    drawing.save_picture(figure, "error_ladder.svg", drawing.DOCS_PICTURES)


def draw_pipeline():
    """Draw the steps of the pipeline, with the fold's boundary around them."""
    steps = SklearnEcosystemPipeline().build_pipeline().steps
    title = "Every step that learns is fitted inside the fold"
    figure, axes = drawing.new_picture(title, height=5)

    # Above the steps there is room for the words on the fold.
    first = -1.25
    last = len(steps) + 0.2
    outside = {"facecolor": "#EEEEEE", "edgecolor": drawing.GREY}
    inside = {"facecolor": "#DCEBF5", "edgecolor": drawing.BLUE}
    draw_box(axes, first, "raw rows", "user_id, movie_id, time, ...", outside)
    place_before = first
    for place, (name, step) in enumerate(steps):
        kind = type(step).__name__
        if name == "model":
            kind = "a forest, or another model"
        draw_box(axes, place, name, kind, inside)
        draw_arrow(axes, place_before, place)
        place_before = place
    draw_box(axes, last, "stars", "one prediction per row", outside)
    draw_arrow(axes, place_before, last)

    # The boundary of the fold is a dashed rectangle.
    orange = drawing.ORANGE
    left = -0.04
    right = 1.04
    top = -0.86
    bottom = len(steps) - 0.38
    corners_x = [left, right, right, left, left]
    corners_y = [top, top, bottom, bottom, top]
    axes.plot(corners_x, corners_y, "--", color=orange)
    axes.text(0.54, -0.58, "fitted anew in every fold", color=orange, va="center")

    axes.set(xlim=(-0.06, 1.06), ylim=(last + 0.4, first - 0.4))
    axes.axis("off")
    drawing.save_picture(figure, "pipeline.svg", drawing.DOCS_PICTURES)


def draw_box(axes, place, name, kind, colours):
    """Draw a box with a name on its left and a class, or a few words, on its right."""
    axes.barh(place, 1, 0.62, linewidth=1.5, **colours)
    axes.text(0.03, place, name, va="center", fontweight="bold")
    axes.text(0.97, place, kind, va="center", ha="right", fontsize=12)


def draw_arrow(axes, above, below):
    """Draw an arrow from a box to the one below it."""
    tip = (0.5, below - 0.3)
    tail = (0.5, above + 0.3)
    axes.annotate("", tip, tail, arrowprops={"arrowstyle": "->"})


def draw_growth():
    """Draw how many times as long the steps of `benchmarks/scale.py` take.

    It begins at 500 thousand ratings: below, what does not grow, such as reading a
    module, is a large part of the time.
    """
    colors = {
        "read": drawing.BLUE,
        "features": drawing.ORANGE,
        "factors": drawing.GREEN,
        "ranker": drawing.PINK,
        "save": "black",
    }
    results = (ROOT / "benchmarks" / "results" / "scale.txt").read_text("utf-8")
    # A row: | step | ratings | wall, s | CPU, s | ...
    rows = re.findall(r"^\| (\S+) +\| +([\d,]+) \|[^|]+\| +([\d.]+) \|", results, re.M)
    table = pd.DataFrame(rows, columns=["step", "ratings", "cpu"])
    table["ratings"] = table["ratings"].str.replace(",", "").astype(int)
    table["cpu"] = table["cpu"].astype(float)
    cpu = table.pivot(index="step", columns="ratings", values="cpu")
    cpu = cpu.loc[list(colors), cpu.columns >= 500_000]
    ratings = cpu.columns
    growth = cpu.div(cpu.iloc[:, 0], axis=0)
    more = ratings[-1] / ratings[0]
    title = (
        f"{more:.0f} times as many ratings take at most "
        f"{growth.iloc[:, -1].max():.0f} times as long"
    )
    figure, axes = drawing.new_picture(title, height=4.8)

    lines = growth.copy()
    lines.loc["the ratings"] = ratings / ratings[0]
    lines.loc["their square"] = (ratings / ratings[0]) ** 2
    # Each line has its name at its end; names that would touch are moved up.
    lowest = 0
    for name in lines.iloc[:, -1].sort_values().index:
        color = colors.get(name, "#707070")
        style = "o-" if name in colors else "--"
        axes.loglog(ratings, lines.loc[name], style, color=color)
        last = lines.loc[name].iloc[-1]
        height = max(last, 1.65 * lowest)
        words = f"{name} × {last:.0f}"
        axes.text(1.2 * ratings[-1], height, words, color=color, va="center")
        lowest = height
    axes.set(xlabel="ratings", ylabel="times as many, times as long")
    axes.set(xlim=(0.8 * ratings[0], 22 * ratings[-1]), ylim=(0.8, 6000))
    axes.set(xticks=ratings, xticklabels=[f"{n / 1e6:g} M" for n in ratings])
    axes.set(yticks=[1, 10, 100, 1000], yticklabels=["1", "10", "100", "1000"])
    axes.minorticks_off()
    drawing.save_picture(figure, "scale.svg", drawing.DOCS_PICTURES)


def main():
    """Draw the pictures of all chapters, and then those of this file."""
    environment = os.environ | {"PICTURES": str(drawing.DOCS_PICTURES)}
    for chapter in sorted((ROOT / "pillars").glob("[0-9]_*.py")):
        print(chapter.name, flush=True)
        command = [sys.executable, chapter]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    draw_error_ladder()
    draw_pipeline()
    draw_growth()


if __name__ == "__main__":
    main()
