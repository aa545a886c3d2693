"""How Sphinx makes a site of README, chapters and docs (`make site`).

The chapters are run while the site is built; a chapter whose text has not changed is
taken from a cache beside the site.
"""

import ast
import html
import os
import posixpath
import re
import shutil
import textwrap
from pathlib import Path

from docutils import nodes

project = "The scikit-learn ecosystem"
author = "The scikit-learn ecosystem lesson contributors"
extensions = ["myst_nb"]
root_doc = "README"
include_patterns = [
    "README.md",
    "pillars/[0-9]_*.py",
    "pillars/appendix_recipes.py",
    "exercises/README.md",
    "exercises/[0-9]_*.py",
    "exercises/first.py",
    "docs/*.md",
    "benchmarks/README.md",
]
#: Where links go that lead to no page. (Hidden folders are not published.)
REPOSITORY = "https://github.com/scikit-learn-ecosystem-lesson/lesson/blob/main"

#: What the docstring of an exercise holds.
DOCSTRING_OF_EXERCISE = re.compile(
    r"(?P<kind>.+?\)): (?P<question>.+?)\n\n(?P<story>.+)\n\n"
    r"Task: (?P<task>.+)\nHint: (?P<hint>.+)\nCheck: (?P<command>.+)",
    re.DOTALL,
)

#: The line that opens a section of `lesson_code.py`, between two rules.
SECTION = re.compile(r"# =+\n# (\d\. .+)\n# =+\n")

html_theme = "furo"
html_title = project
html_copy_source = False
html_show_copyright = False
html_static_path = ["site.css"]
html_css_files = ["site.css"]
myst_heading_anchors = 3

nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "cache"
# The exercises are broken programs.
nb_execution_excludepatterns = ["exercises/*"]
nb_execution_timeout = 600  # seconds of a cell
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
# Chapters run in a temporary folder, and draw there: docs/pictures stays as it is.
nb_execution_in_temp = True
os.environ["PICTURES"] = "pictures"
os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent / "pillars")

#: The menu. It is added to the README here, because GitHub would show it as text.
MENU = """

```{toctree}
:hidden:
:caption: The lesson
docs/lesson
docs/the_run_explained
docs/words
```

```{toctree}
:hidden:
:caption: Chapters
:glob:
pillars/[0-9]_*
pillars/appendix_recipes
docs/tried
```

```{toctree}
:hidden:
:caption: Exercises
:glob:
exercises/README
exercises/first
exercises/[0-9]_*
```

```{toctree}
:hidden:
:caption: Reference
docs/use
docs/deploy
docs/design
docs/trust
docs/bigger
docs/versions
docs/troubleshooting
benchmarks/README
docs/CHANGELOG
```
"""

#: What the appendix prints with all tools, which are not installed here.
RECIPES = """
# %% [markdown]
# ## All recipes, run once
# ```{literalinclude} ../docs/recipes.txt
# :language: text
# ```
"""


def change_text(app, docname, source):
    """Change the text of a page before it is read; `source` holds it as its only item.

    The home page gets the menu. An exercise becomes a page. In a chapter, names of
    exercises, chapters and the list of words become links, the task gets a link to its
    answer, and the code of a picture is folded away, as are imports. Links to folders
    and to hidden files go to the repository.
    """

    def change_link(link):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(docname), link[1]))
        if target.startswith(".") or Path(app.srcdir, target).is_dir():
            return f"]({REPOSITORY}/{target})"
        return link[0]

    source[0] = re.sub(r"\]\(([\w./-]+)\)", change_link, source[0])
    if docname == root_doc:
        source[0] += MENU
    if docname == "docs/lesson":
        source[0] += lesson_by_section(Path(app.srcdir, "lesson_code.py"))
    if docname.startswith("pillars/"):
        cells = source[0].split("# %%\n")
        for number, cell in enumerate(cells[1:], 1):
            folded = ' tags=["hide-input"]' if is_folded(cell) else ""
            cells[number] = f"# %%{folded}\n{cell}"
        source[0] = "".join(cells)
        source[0] = re.sub(
            r"`((?:exercises|pillars)/[0-9]_\w+)\.py`", r"[`\1.py`](../\1)", source[0]
        )
        source[0] = source[0].replace(
            "`docs/words.md`", "[`docs/words.md`](../docs/words)"
        )
        source[0] = add_link_to_answer(source[0])
    if docname == "pillars/appendix_recipes":
        source[0] += RECIPES
    if docname.startswith("exercises/") and docname != "exercises/README":
        page = exercise_page(Path(app.srcdir, f"{docname}.py"))
        source[0] = "# %% [markdown]\n" + textwrap.indent(page, "# ", lambda _: True)


def add_link_to_answer(chapter):
    """Add a link to the answer in docs/tried.md to the task of a chapter."""
    name = re.search(r"# # (.+?):", chapter)[1]  # such as "0 Map"
    anchor = name.lower().replace(" ", "-")
    return re.sub(
        r"\*\*Try it:\*\* .+(?:\n# .+)*",
        rf"\g<0>\n# ([What you see](../docs/tried.md#{anchor}))",
        chapter,
    )


def is_folded(cell):
    """Return whether a cell only imports, or draws a picture."""
    statements = ast.parse(cell).body
    imports_only = all(isinstance(s, (ast.Import, ast.ImportFrom)) for s in statements)
    return imports_only or "new_picture(" in cell


def lesson_by_section(path):
    """Return the lesson as Markdown: of each section its words, then its code."""
    text = path.read_text("utf-8")
    parts = ["What it is about", *SECTION.split(text)]  # titles and bodies
    page = ""
    n_lines_before = 0
    for title, body in zip(parts[::2], parts[1::2]):
        # A docstring, or a block of comments. In Markdown, no second colon is needed.
        words = re.match(r'"""(?:.|\n)*?"""\n|(?:#.*\n)*', body)[0]
        prose = re.sub('^# ?|"""', "", words, flags=re.MULTILINE).replace("::", ":")
        code = body.removeprefix(words).lstrip("\n")
        first_line = n_lines_before + body.removesuffix(code).count("\n") + 1
        n_lines_before += body.count("\n") + 3  # and the title between two rules
        page += f"""
## {title}

{prose}
```{{code-block}} python
:lineno-start: {first_line}

{code.rstrip()}
```
"""
    return page


def exercise_page(path):
    """Return the page of an exercise, as Markdown; hint and solution are folded away.

    They are parts of the program's docstring, and the program in `solutions`.
    """
    docstring, program = split_docstring(path)
    parts = DOCSTRING_OF_EXERCISE.fullmatch(docstring).groupdict()
    words, solution = split_docstring(path.parent / "solutions" / path.name)
    _, _, explanation = words.partition("\n\n")
    chapter = path.stem.partition("_")[0]  # its number, or "first"
    return f"""# {chapter.capitalize()}: {one_line(parts["question"])}

{parts["kind"]}: `exercises/{path.name}`. ([How to begin](README.md))

{parts["story"]}

**Task:** {one_line(parts["task"])}

```python
{program}
```

**Check:** `{parts["command"]}`

<details><summary>Hint</summary>

{one_line(parts["hint"])}

</details>

<details><summary>Solution</summary>

```python
{solution}
```

{explanation}

</details>
"""


def one_line(text):
    """Return a text as one line that begins with a capital letter."""
    line = " ".join(text.split())
    return line[0].upper() + line[1:]


def split_docstring(path):
    """Return the docstring of a program, and the rest of it."""
    _, docstring, program = path.read_text("utf-8").split('"""', 2)
    return docstring.strip(), program.strip()


def add_alternative_texts(app, doctree, docname):
    """Give each picture that a chapter has drawn the title that is in its file."""
    for image in doctree.findall(nodes.image):
        drawn = Path(app.srcdir, image["uri"])
        if "alt" not in image and drawn.suffix == ".svg":
            title = re.search("<title>(.*?)</title>", drawn.read_text("utf-8"))
            image["alt"] = html.unescape(title[1])


def add_home(app, error):
    """Make the home page the one that a browser opens for the folder."""
    if error is None:
        shutil.copy(Path(app.outdir, "README.html"), Path(app.outdir, "index.html"))


def setup(app):
    """Connect the functions above to the events of Sphinx."""
    app.connect("source-read", change_text)
    app.connect("doctree-resolved", add_alternative_texts)
    app.connect("build-finished", add_home)
