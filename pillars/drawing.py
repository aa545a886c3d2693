"""What the chapters share.

It is the way to `lesson_code`, and how a picture looks and is saved.
"""

import atexit
import os
import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A chapter finds lesson_code from wherever it is run.
sys.path.insert(0, str(ROOT))
# A console that cannot show a character shows "?". A notebook can show all of them.
if hasattr(sys.stdout, "reconfigure"):
    sys.stdout.reconfigure(errors="replace")

#: Where pictures are written: `pictures` in the folder from which a chapter is run, or
#: the folder that the environment variable PICTURES names.
PICTURES = Path(os.environ.get("PICTURES", "pictures"))
#: The pictures of the documentation. Only `tools/pictures.py` and the benchmarks write
#: there.
DOCS_PICTURES = ROOT / "docs" / "pictures"
MAX_SIZE = 60_000  # bytes of a picture: pages must load fast on a phone
#: Colours that colour-blind readers can tell apart (Okabe and Ito, 2008).
BLUE = "#0072B2"
ORANGE = "#D55E00"
GREEN = "#009E73"
PINK = "#CC79A7"
#: Grey is for what does not matter.
GREY = "#9A9A9A"
#: A phone shows 6.4 inches (614 pixels) on 360 pixels; text of 14 points is 11 pixels
#: high there.
FONT_SIZE = 14
#: The background is always white, so that a picture reads the same on light and on
#: dark pages.
STYLE = {
    "font.size": FONT_SIZE,
    "axes.labelsize": FONT_SIZE,
    "legend.frameon": False,
    "lines.linewidth": 2.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "none",
    "svg.hashsalt": "lesson",
}


def end_quietly(kind, error, traceback):
    """End without an error when the reader of a pipe has ended, as `head` does.

    Show every other error.
    """
    if not issubclass(kind, BrokenPipeError):
        sys.__excepthook__(kind, error, traceback)
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())  # what is left to print goes there


sys.excepthook = end_quietly  # (a notebook shows errors in its own way)
#: The program that was started. In a console or a notebook there is none.
SCRIPT = Path(getattr(sys.modules["__main__"], "__file__", None) or "")


@atexit.register
def print_what_to_remember():
    """Print a chapter's last sentence when it has run as a script.

    A notebook shows it as text.
    """
    if SCRIPT.parent.name != "pillars" or "ipykernel" in sys.modules:
        return
    text = SCRIPT.read_text(encoding="utf-8")
    # The sentence may continue on the next lines, up to an empty line of the cell.
    paragraphs = re.findall(r"^# \*\*Remember:\*\* (.+(?:\n# .+)*)", text, re.MULTILINE)
    sentences = [paragraph.replace("\n# ", " ") for paragraph in paragraphs]
    print("\nRemember:", *sentences)


def new_picture(title, *, ncols=1, width=6.4, height=3.6, **options):
    """Return a figure and its axes, titled with the picture's message.

    Without matplotlib it is (None, None).

    A long title is broken into lines. `width` and `height` are in inches; keep the
    width, because the size of the text fits it. `options` are those of `plt.subplots`.
    """
    try:
        import matplotlib
    except ImportError:
        print("(No picture: matplotlib is missing. pip install matplotlib)")
        return None, None
    matplotlib.use("Agg")  # draws to files; needs no screen
    from matplotlib import pyplot as plt

    plt.rcParams.update(STYLE)
    figure, axes = plt.subplots(
        ncols=ncols, figsize=(width, height), layout="constrained", **options
    )
    # Room around the axes, in inches: another font may be a little wider.
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)

    # The lines of the title get about the same length: the shortest for their number.
    letters = round(7 * width)  # 7 bold letters to the inch
    n_lines = len(textwrap.wrap(title, letters))
    while len(textwrap.wrap(title, letters - 1)) == n_lines:
        letters -= 1
    figure.suptitle(
        textwrap.fill(title, letters), fontsize=FONT_SIZE + 1, fontweight="bold"
    )
    return figure, axes


def draw_box(axes, left, bottom, width, lines, face="#EEEEEE", edge="#808080"):
    """Draw a box with a bold first line and plain ones, each 0.42 high."""
    height = 0.42 * len(lines) + 0.2
    box = {"facecolor": face, "edgecolor": edge, "linewidth": 1.5}
    axes.bar(left, height, width, bottom, align="edge", **box)
    for number, line in enumerate(lines):
        weight = "bold" if number == 0 else "normal"
        level = bottom + height - 0.31 - 0.42 * number
        axes.text(left + 0.12, level, line, fontweight=weight, va="center")


def save_picture(figure, name, folder=PICTURES):
    """Write `folder/NAME`, .svg or .png. Notebooks show it, too.

    The same picture always gives the same bytes.
    """
    from matplotlib import pyplot as plt

    path = folder / name
    is_svg = path.suffix == ".svg"
    # The title is in the file too, for screen readers. The date is not: it would
    # change the bytes.
    metadata = {"Title": " ".join(figure.get_suptitle().split())}
    if is_svg:
        metadata["Date"] = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150, metadata=metadata)
    except OSError as error:
        print(f"(No picture: {error})")
        return
    finally:
        plt.close(figure)

    size = path.stat().st_size
    if size > MAX_SIZE:
        raise ValueError(
            f"{name} has {size} bytes, more than {MAX_SIZE}: draw fewer marks."
        )
    if "ipykernel" in sys.modules:
        from IPython.display import SVG, Image, display

        image = SVG(filename=str(path)) if is_svg else Image(filename=str(path))
        display(image)
        return
    shown = path
    if path.is_relative_to(ROOT):
        shown = path.relative_to(ROOT)
    print(f"Picture: {shown.as_posix()}")
