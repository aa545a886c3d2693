"""Draw all pictures of the documentation again: `python tools/pictures.py` (needs matplotlib, takes two minutes).

Every chapter in `pillars/` draws its own picture. Here are the two of the README: the error ladder and the pipeline.
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
    """The errors of the demo, from knowing nothing to knowing the law, and the false figure of the fragile way."""
    with tempfile.TemporaryDirectory() as folder:
        found = demonstrate_ecosystem(output=Path(folder) / "model.pkl")
    mean, model, floor = (
        found["baseline_rmse"],
        found["metrics"]["RMSE"],
        found["noise_floor"],
    )
    way = (mean - model) / (mean - floor)
    title = f"The model goes {way:.0%} of the way from the mean to the noise floor"
    figure, axes = drawing.new_picture(title.replace("%", " %"), height=3.9)
    rungs = [
        ("always the mean", mean, "#606060"),
        ("the model", model, drawing.BLUE),
        ("averages before\nthe split: a lie", found["fragile_rmse"], drawing.ORANGE),
        ("the noise floor:\nperfect predictor", floor, "black"),
    ]
    for height, (_, rmse, colour) in enumerate(rungs):
        style = "--" if colour == drawing.ORANGE else "-"
        axes.plot([mean, rmse], [height, height], style, color=colour, linewidth=5)
        axes.plot(rmse, height, "o", color=colour, markersize=13)
        axes.text(
            rmse, height - 0.26, f"{rmse:.3f}", color=colour, ha="center", va="bottom"
        )
    axes.set(
        yticks=range(4), yticklabels=[name for name, *_ in rungs], ylim=(3.4, -0.7)
    )
    axes.set(xlim=(0.69, 1.08), xlabel="RMSE (stars): less is better")
    drawing.save_picture(figure, "error_ladder.svg")


def draw_pipeline():
    """The steps of the pipeline, as `build_pipeline` gives them, with the boundary of the fold around them."""
    steps = SklearnEcosystemPipeline().build_pipeline().steps
    figure, axes = drawing.new_picture(
        "Every step that learns is fitted inside the fold", height=5
    )
    boxes = [("raw rows", "user_id, movie_id, time, ...")]
    boxes += [(name, type(step).__name__) for name, step in steps] + [
        ("stars", "one prediction per row")
    ]
    inside = {"facecolor": "#DCEBF5", "edgecolor": drawing.BLUE}
    outside = {"facecolor": "#EEEEEE", "edgecolor": drawing.GREY}
    places = [
        -1.25,
        *range(len(steps)),
        len(steps) + 0.2,
    ]  # room above the steps for the words on the fold
    for place, before, (name, kind) in zip(places, [None, *places], boxes):
        colours = inside if (name, kind) in boxes[1:-1] else outside
        axes.barh(place, 1, 0.62, linewidth=1.5, **colours)
        axes.text(0.03, place, name, va="center", fontweight="bold")
        axes.text(0.97, place, kind, va="center", ha="right", fontsize=12)
        if before is not None:
            axes.annotate(
                "",
                (0.5, place - 0.3),
                (0.5, before + 0.3),
                arrowprops={"arrowstyle": "->"},
            )
    left, right, top, bottom = -0.04, 1.04, -0.86, len(steps) - 0.38
    axes.plot(
        [left, right, right, left, left],
        [top, top, bottom, bottom, top],
        "--",
        color=drawing.ORANGE,
    )
    axes.text(
        0.54, -0.58, "fitted anew in every fold", color=drawing.ORANGE, va="center"
    )
    axes.set(xlim=(-0.06, 1.06), ylim=(places[-1] + 0.4, places[0] - 0.4))
    axes.axis("off")
    drawing.save_picture(figure, "pipeline.svg")


def main():
    for chapter in sorted((ROOT / "pillars").glob("[0-9]_*.py")):
        print(chapter.name, flush=True)
        subprocess.run([sys.executable, chapter], check=True, stdout=subprocess.DEVNULL)
    draw_error_ladder()
    draw_pipeline()


if __name__ == "__main__":
    main()
