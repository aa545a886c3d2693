"""How Sphinx makes a site of README, chapters and docs (`make site`).

The chapters are run while the site is built; a chapter whose text has not changed is
taken from a cache beside the site.
"""

import html
import os
import posixpath
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from docutils import nodes

sys.path.insert(0, str(Path(__file__).resolve().parent))
import site_pages

FOLDER = Path(__file__).resolve().parent.parent

project = "The scikit-learn ecosystem"
author = "The scikit-learn ecosystem lesson contributors"
extensions = ["myst_nb", "sphinx_copybutton"]
root_doc = "README"
include_patterns = [
    "README.md",
    "pillars/[0-9]_*.py",
    "pillars/appendix_recipes.py",
    "exercises/README.md",
    "exercises/[0-9]_*.py",
    "docs/*.md",
    "benchmarks/README.md",
]
#: What the lesson and the chapters import has pages, too.
HELPERS = [
    f"pillars/{path.name}"
    for path in sorted(FOLDER.glob("pillars/[a-z]*.py"))
    if not path.stem.startswith("appendix")
]
HELPERS.append("recommender/*.py")
include_patterns += HELPERS
#: The files of the project, where git cannot name them.
USUAL_FILES = ["LICENSE", "Makefile", "*.py", "*.md", "*.txt", "*.sh", "*.toml"]
USUAL_FILES += ["benchmarks/**/*", "docs/**/*", "exercises/**/*", "pillars/**/*"]
USUAL_FILES += ["recommender/**/*", "serving/**/*", "tests/**/*", "tools/**/*"]
#: Where links go that lead to no page. (Hidden folders are not published.)
REPOSITORY = "https://github.com/scikit-learn-ecosystem-lesson/lesson/blob/main"

html_theme = "furo"
html_title = project
html_copy_source = False
html_show_copyright = False
html_static_path = ["site.css", "site.js", "play.js", "taste.js"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
myst_heading_anchors = 3

# Code can be copied, without prompts; outputs and formulas have no button.
copied = ["ipython3", "python", "sh"]
copybutton_selector = ", ".join(f".highlight-{name} pre" for name in copied)
copybutton_exclude = ".linenos, .gp, .go"

nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "cache"
# The exercises are broken programs, and helpers print nothing.
nb_execution_excludepatterns = ["exercises/*", *HELPERS]
nb_execution_timeout = 600  # seconds of a cell
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
# Chapters run in a temporary folder, and draw there: docs/pictures stays as it is.
nb_execution_in_temp = True
os.environ["PICTURES"] = "pictures"
os.environ["PYTHONPATH"] = str(FOLDER / "pillars")

#: The menu. It is added to the README here, because GitHub would show it as text.
#: Under each chapter are its exercises: see `show_exercises` in `site_pages.py`.
MENU = """
CHAPTERS
```{toctree}
:hidden:
:caption: More
pillars/appendix_recipes
docs/tried
exercises/README
```

```{toctree}
:hidden:
:caption: The lesson
docs/lesson
docs/the_run_explained
docs/words
```

```{toctree}
:hidden:
:caption: Reference
docs/use_it
docs/use
docs/deploy
docs/design
docs/trust
docs/bigger
docs/versions
docs/troubleshooting
benchmarks/README
docs/CHANGELOG
docs/helpers
```
"""

#: What a reader opens after a guess. (Without JavaScript, and by the keyboard, too.)
FOLD = '<details class="answer"><summary>Guessed? Show the answer</summary>'

#: The list on the page of helper code.
LIST_OF_HELPERS = "\n```{toctree}\n:glob:\n"
LIST_OF_HELPERS += "".join(f"/{name.removesuffix('.py')}\n" for name in HELPERS)
LIST_OF_HELPERS += "```\n"


def change_text(app, docname, source):
    """Change the text of a page before it is read; `source` holds it as its only item.

    An exercise and a file of helper code become pages. On every page, names of files
    become links. Links to folders, to hidden files and to programs without a page go to
    the repository.
    """
    root = Path(app.srcdir)

    def change_link(link):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(docname), link[1]))
        name, kind = posixpath.splitext(target)
        is_program = kind == ".py" and name not in app.env.found_docs
        if is_program or target.startswith(".") or (root / target).is_dir():
            return f"]({REPOSITORY}/{target})"
        return link[0]

    text = source[0]
    if docname == "docs/use_it":
        app.env.note_dependency(root / "README.md")
        text = site_pages.use_page(text, (root / "README.md").read_text("utf-8"))
    elif docname == "docs/real":
        text = site_pages.send_to_use(site_pages.real_page(text))
    elif docname.startswith("docs/"):
        text = site_pages.send_to_use(text)
    text = re.sub(r"\]\(([\w./-]+)\)", change_link, text)
    chapters = sorted(root.glob("pillars/[0-9]_*.py"))
    if docname == root_doc:
        real = (root / "docs" / "real.md").read_text("utf-8")
        text = site_pages.home_page(text, chapters, real)
        text += MENU.replace("CHAPTERS", site_pages.menu_of_chapters(chapters))
    elif docname == "docs/what_now":
        text += site_pages.count_of_guesses(chapters)
    elif docname == "docs/words":
        text = site_pages.words_page(text)
    elif docname == "docs/lesson":
        text += site_pages.lesson_by_section(root / "lesson_code.py")
    elif docname == "docs/helpers":
        text += LIST_OF_HELPERS
    elif docname == "pillars/appendix_recipes":
        recorded = (root / "docs" / "recipes.txt").read_text("utf-8")
        text = site_pages.with_recorded_outputs(site_pages.chapter_page(text), recorded)
    elif re.match(r"pillars/\d", docname):
        text = site_pages.chapter_page(text)
        program = root / "docs" / "play.py"
        if docname in site_pages.PLAYS:
            app.env.note_dependency(program)
        text = site_pages.with_play(text, docname, program.read_text("utf-8"))
    elif docname.startswith("exercises/") and docname != "exercises/README":
        page = site_pages.exercise_page(root / f"{docname}.py")
        text = site_pages.as_script(page)
    elif docname.startswith(("pillars/", "recommender/")):
        page = site_pages.helper_page(root, f"{docname}.py")
        text = site_pages.as_script(page)
    text = site_pages.for_readers_of_the_site(text)
    text = site_pages.narrow_tables(site_pages.join_alternative_texts(text))
    pages = app.env.found_docs
    titles = {page: site_pages.title_of_page(root, page) for page in pages}
    source[0] = site_pages.link_files(text, docname, titles)


def describe_pictures(app, doctree, docname):
    """Give each picture that a chapter has drawn the title that is in its file.

    And mark the drawings, whose colours `site.css` changes in the dark: those that hold
    no image made of pixels, such as handwriting.
    """
    for image in doctree.findall(nodes.image):
        drawn = Path(app.srcdir, image["uri"])
        if drawn.suffix != ".svg":
            continue
        picture = drawn.read_text("utf-8")
        if "<image" not in picture:
            image["classes"].append("drawing")
        if "alt" not in image:
            title = re.search("<title>(.*?)</title>", picture)
            image["alt"] = html.unescape(title[1])


def fold_answers(app, doctree):
    """Fold what answers a guess: the output of the cell, and all up to the mark."""
    for cell in [*doctree.findall(nodes.container)]:
        if f"tag_{site_pages.ANSWER}" not in cell["classes"]:
            continue
        output = cell.children[-1]
        cell.remove(output)
        # Outputs are styled inside of a cell only.
        answer = nodes.container("", output, classes=["cell"])
        place = cell.parent.index(cell) + 1
        cell.parent.insert(place, [nodes.raw("", FOLD, format="html"), answer])
        mark = next(cell.findall(is_end_of_answer, include_self=False, siblings=True))
        mark.replace_self(nodes.raw("", "</details>", format="html"))


def mark_choices(app, doctree):
    """Mark the choices of each guess, of which `site.js` makes buttons."""
    for words in doctree.findall(nodes.strong):
        if words.astext() == site_pages.GUESS:
            guess = words.parent
            choices = guess.parent[guess.parent.index(guess) + 1]
            choices["classes"].append("choices")


def is_end_of_answer(node):
    """Return whether a node is the comment after an answer."""
    return isinstance(node, nodes.comment) and node.astext() == site_pages.ANSWER_ENDS


def shrink_wide_outputs(app, doctree, docname):
    """Give a smaller font to blocks that are wider than the page; see `site.css`."""
    for block in doctree.findall(nodes.literal_block):
        width = max(map(len, block.astext().split("\n")))
        if width > site_pages.WIDTH_OF_PAGE:
            block["classes"].append("wide")


def let_names_break(app, doctree, docname):
    """Let names in tables break after a slash or an underscore, for narrow screens."""
    for entry in doctree.findall(nodes.entry):
        for name in [*entry.findall(nodes.literal)]:
            first, *parts = re.split(r"(?<=[/_])(?=\w)", name.astext())
            name.children = [nodes.Text(first)]
            for part in parts:
                name += [nodes.raw("", "<wbr>", format="html"), nodes.Text(part)]


def add_play(app, pagename, templatename, context, doctree):
    """Load the program of what readers play with on the page of its chapter only."""
    name = site_pages.PLAYS.get(pagename)
    if name is not None:
        program = "taste.js" if name == "taste" else "play.js"
        app.add_js_file(program, loading_method="defer")


def add_home(app, error):
    """Make the home page the one that a browser opens for the folder."""
    if error is None:
        shutil.copy(Path(app.outdir, "README.html"), Path(app.outdir, "index.html"))


def add_code(app, error):
    """Write the zip file of the project that the home page links to."""
    if error is None:
        with zipfile.ZipFile(Path(app.outdir, "lesson.zip"), "w") as archive:
            for path in files_of_project(Path(app.srcdir)):
                name = Path("lesson", path.relative_to(app.srcdir))
                archive.write(path, name, zipfile.ZIP_DEFLATED)


def files_of_project(folder):
    """Return the paths of the files that git knows, or else of the usual ones."""
    try:
        command = ["git", "-C", folder, "ls-files", "-z"]
        done = subprocess.run(command, capture_output=True, encoding="utf-8")
        paths = [folder / name for name in done.stdout.split("\0")[:-1]]
    except OSError:  # there is no git
        paths = []
    if not paths:
        paths = [path for pattern in USUAL_FILES for path in folder.glob(pattern)]
    paths = [path for path in paths if "__pycache__" not in path.parts]
    return sorted(path for path in paths if path.is_file())


def setup(app):
    """Connect the functions above to the events of Sphinx."""
    app.connect("source-read", change_text)
    app.connect("doctree-read", fold_answers)
    app.connect("doctree-read", mark_choices)
    app.connect("doctree-resolved", shrink_wide_outputs)
    app.connect("doctree-resolved", describe_pictures)
    app.connect("doctree-resolved", let_names_break)
    app.connect("html-page-context", add_play)
    app.connect("build-finished", add_home)
    app.connect("build-finished", add_code)
