"""What the chapters share: the way to `lesson_code`, and how a picture looks and is saved."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that a chapter finds lesson_code from wherever it is run

PICTURES = ROOT / "docs" / "pictures"
#: Colours that colour-blind readers can tell apart (Okabe and Ito, 2008). Grey is for what does not matter.
BLUE, ORANGE, GREEN, PINK, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#9A9A9A"


def new_picture(title, *, ncols=1, width=6.4, height=3.6, **options):
    """Return a figure and its axes, titled with the picture's message; (None, None) without matplotlib."""
    try:
        import matplotlib
    except ImportError:
        print("(No picture: matplotlib is missing. pip install matplotlib)")
        return None, None
    matplotlib.use("Agg")  # draws to files; needs no screen
    from matplotlib import pyplot as plt

    plt.rcParams.update({"font.size": 11, "axes.spines.top": False, "axes.spines.right": False})
    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "lesson", "savefig.facecolor": "white"})
    figure, axes = plt.subplots(ncols=ncols, figsize=(width, height), layout="constrained", **options)
    figure.suptitle(title, fontsize=12, fontweight="bold")
    return figure, axes


def save_picture(figure, name):
    """Write `docs/pictures/NAME`, an .svg or .png, the same bytes for the same picture."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURES / name, dpi=150, metadata={"Date": None} if name.endswith("svg") else None)
    print(f"Picture: docs/pictures/{name}")
