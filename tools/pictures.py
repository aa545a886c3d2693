"""Draw all pictures of the documentation again: `python tools/pictures.py`.

It needs matplotlib and takes two minutes.
Every chapter in `pillars/` draws its own picture. Here are the two of the README: the
error ladder and the pipeline.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "pillars"))
import drawing  # noqa: E402  it also finds lesson_code

from lesson_code import SklearnEcosystemPipeline, demonstrate_ecosystem  # noqa: E402


def draw_error_ladder():
    """Draw the errors of the demo, from knowing nothing to knowing the law.

    Among them is the false figure of the fragile way.
    """
    with tempfile.TemporaryDirectory() as folder:
        results = demonstrate_ecosystem(output=Path(folder) / "model.pkl")
    mean = results["baseline_rmse"]
    model = results["metrics"]["RMSE"]
    floor = results["noise_floor"]
    lie = results["fragile_rmse"]

    way = (mean - model) / (mean - floor)
    title = f"The model goes {way:.0%} of the way from the mean to the noise floor"
    figure, axes = drawing.new_picture(title.replace("%", " %"), height=3.9)
    names = [
        "always the mean",
        "the model",
        "averages before\nthe split: a lie",
        "the noise floor:\nperfect predictor",
    ]
    draw_rung(axes, 0, mean, mean, "#606060")
    draw_rung(axes, 1, mean, model, drawing.BLUE)
    draw_rung(axes, 2, mean, lie, drawing.ORANGE, style="--")
    draw_rung(axes, 3, mean, floor, "black")
    axes.set(yticks=range(4), yticklabels=names, ylim=(3.4, -0.7))
    axes.set(xlim=(0.69, 1.08), xlabel="RMSE (stars): less is better")
    drawing.save_picture(figure, "error_ladder.svg")


def draw_rung(axes, height, mean, rmse, colour, style="-"):
    """Draw one rung of the error ladder: a line from the mean's error to this one."""
    axes.plot([mean, rmse], [height, height], style, color=colour, linewidth=5)
    axes.plot(rmse, height, "o", color=colour, markersize=13)
    label = f"{rmse:.3f}"
    axes.text(rmse, height - 0.26, label, color=colour, ha="center", va="bottom")


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
        draw_box(axes, place, name, type(step).__name__, inside)
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
    drawing.save_picture(figure, "pipeline.svg")


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


def main():
    """Draw the pictures of all chapters, and then the two of the README."""
    for chapter in sorted((ROOT / "pillars").glob("[0-9]_*.py")):
        print(chapter.name, flush=True)
        subprocess.run([sys.executable, chapter], check=True, stdout=subprocess.DEVNULL)
    draw_error_ladder()
    draw_pipeline()


if __name__ == "__main__":
    main()
