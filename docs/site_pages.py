"""The text of the site's pages, made of the files of the project.

Each function takes a text or a file, and returns Markdown (or, for a chapter, the text
of a script with cells). Sphinx is not needed for it.
"""

import ast
import functools
import html
import json
import posixpath
import re
import textwrap

#: What the docstring of an exercise holds.
DOCSTRING_OF_EXERCISE = re.compile(
    r"(?P<kind>.+?\)): (?P<question>.+?)\n\n(?P<story>.+)\n\n"
    r"Task: (?P<task>.+)\nHint: (?P<hint>.+)\nCheck: (?P<command>.+)",
    re.DOTALL,
)

#: The line that opens a section of `lesson_code.py`, between two rules.
SECTION = re.compile(r"# =+\n# (\d\. .+)\n# =+\n")

#: A cell of code in a chapter, up to the next cell.
CODE_CELL = r"^# %%(?! \[markdown\])[^\n]*\n.*?(?=^# %%|\Z)"

#: The name of a file, after what is left as it is: code, links and addresses.
NAME_OF_FILE = re.compile(
    rf"{CODE_CELL}|```.*?```|\[[^\]]*\]\([^)]*\)|\]\([^)]*\)|https?:[^\s>)]+"
    r"|`(?P<name>[\w/]+\.(?:py|md))`|`+[^`]+`+"
    r"|(?<![\w./-])(?P<plain>\w+/[\w/]+\.(?:py|md))\b",
    re.DOTALL | re.MULTILINE,
)


def word_link(word):
    """Return a link from the home page to a word of `docs/words.md`."""
    return f'<a href="docs/words.html#{anchor(word)}">{word}</a>'


def anchor(word):
    """Return the name of the place of a word, such as `standard-error`."""
    return re.sub(r"\W+", "-", word.lower()).strip("-")


def fold(summary, text):
    """Return a text that is opened by a click on its summary."""
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>\n"


#: Words in the README's first output.
WORDS_OF_OUTPUT = ["CV", "RMSE", "standard error", "noise floor", "leak"]

#: The first words of the part of the README that a learner does not need. It is a page
#: of its own on the site.
PART_ABOUT_USE = "## Use it from Python"

#: The headings of the home page, in its order: the chapters come first.
PARTS_OF_HOME = ["## What you will learn", "## Run it", "## Can a score be too good?"]

#: What the home page says after the table of chapters.
AFTER_THE_TABLE = """\
That is the course; [at its end](docs/what_now.md) stands what you can do then. If
something does not work, see [troubleshooting](docs/troubleshooting.md).

To use the recommender in your own programs, on the command line or as a service, see
[Use it](docs/use_it.md), which also says
[how good it is](docs/use_it.md#how-good-is-it). To learn, you need neither that page
nor the others under "Reference" in the menu.
"""

#: What the README says to a reader who has the files, and what the home page says
#: instead. It shows what a learner needs, and folds the rest.
ON_THE_HOME_PAGE = {
    r"Get\s+the\s+code:\s+clone\b.+?\bzip\s+file": (
        "To do the exercises, and to change the code, get it: "
        '<a href="lesson.zip">download it as a zip file</a>, unpack it'
    ),
    r"A\s+chapter\s+is\s+a\s+script\b.+?\.(?=\s+[A-Z])": (
        "Read the chapters here: their outputs and pictures are included. "
        '"Next", at the end of each page, leads through all chapters and exercises. '
        "To change one, run it in the folder of the code: `python pillars/0_first.py`."
    ),
    r"\[words\s+explained\]\(docs/words\.md\)": (
        "[words explained](docs/words.md): "
        + ", ".join(word_link(word) for word in WORDS_OF_OUTPUT)
    ),
    r"(?<=`try\.py`,)\s+and\s+run\s+it:": (
        f" and run it. It prints the {word_link('R2')} of two models:"
    ),
    r"New\s+to\s+scikit-learn\?\s+Begin\s+with\s+(\[the\s+first\s+chapter\]\S+)": (
        "\n\n**Begin with \\1** To read, you need not install anything."
    ),
    # The picture stands where it is explained.
    r"(\[!\[[^\n]+\n)\n(.+?\n## Can a score be too good\?\n)": r"\2\n\1",
    r"(?<=five seconds\.)\s+(Six\s+of\s+its\s+lines.+?)\n+(?=## )": (
        "\n\n" + fold("What it prints", r"\1") + "\n"
    ),
    r"\s+(Save\s+this\s+as\s+`try\.py`.+?\n```)\n": (
        "\n\n" + fold("Try it: a few lines that show the leak", r"\1")
    ),
    r"To learn, you need nothing below.+": AFTER_THE_TABLE,
}

#: What chapters and exercises say to a reader who has only the lesson's folder, and
#: what the site says instead: its zip file holds everything.
IN_THE_FULL_PROJECT = re.compile(r"([Ii])n[\s#]+the[\s#]+full[\s#]+project")
IN_THE_ZIP_FILE = r"\1n the folder of the code"

#: How many characters of code are seen without scrolling; see `site.css`.
WIDTH_OF_PAGE = 96

#: The line that opens a cell of text in a chapter.
TEXT_CELL = "# %% [markdown]\n"

#: What stands between two paragraphs of a chapter.
EMPTY_LINE = "\n#\n"

#: What a guess begins with. A list of choices follows it. Its answer, in the text after
#: the next output, begins with the right choice.
GUESS = "Guess first:"

#: What ends the answer to a guess: a heading, the task, something to play with, or the
#: next guess.
END_OF_ANSWER = re.compile(
    rf"^# (?:##+ |\*\*(?:Try it:|{GUESS})|<!-- play: )", re.MULTILINE
)

#: What opens a paragraph that leads to the next guess: a question.
LEADS_TO_GUESS = re.compile(r"^#\n(?=# (?:[^.?!]|\.\d)+\?)", re.MULTILINE)

#: The last line of a chapter, which may go on in others.
LINE_OF_EXERCISES = re.compile(r"^# (Exercises?): `.+(?:\n# .+)*", re.MULTILINE)

#: The line of a cell of imports that are folded.
IMPORTS = (
    'tags=["hide-input"] mystnb={{"code_prompt_show": "Show the {which}", '
    '"code_prompt_hide": "Hide the {which}"}}'
)

#: Where `site.js` tells how many guesses the reader has made.
COUNT_OF_GUESSES = """\
<p id="guesses" data-totals="{totals}" data-exercises="{exercises}">Every chapter asks
you to guess before it answers.</p>
"""

#: What the menu calls the chapters that begin with a number: 1 to 6 are the pillars.
NAMES_OF_NUMBERS = {
    "0": "First steps",
    "1": "Preprocessing",
    "2": "Feature selection",
    "3": "Model selection",
    "4": "Supervised learning",
    "5": "Unsupervised learning",
    "6": "Utilities",
    "7": "All of scikit-learn",
    "8": "In production",
}

#: Chapters that are followed, after their exercises, by a page that is no chapter.
AFTER_CHAPTER = {
    "pillars/4_top_ten": "docs/real",
    "pillars/8_monitor": "docs/what_now",
}

#: What the table of the home page has for such a page, under the row of its chapter.
ROWS_OF_PAGES = {
    "docs/real": '| [real movies](docs/real.md) | What if you love "Alien", or hate '
    '"Toy Story"? | 10 | [ten films of yours](docs/real.md#on-your-own) |\n'
}

#: Where `site.js` links to the page that was read last.
GO_ON = '<p id="go-on"></p>'

#: What the home page says of a list of the page of real movies.
FIRST_RECOMMENDATION = """\
Somebody loves {loved}. Trained on real ratings, the recommender of this course answers:
*{titles}*. [What it says to others, and to somebody who hates a
film](docs/real.md)."""

#: What readers play with, by chapter. `play.py` has its numbers.
PLAYS = {
    "pillars/0_first": "tree",
    "pillars/0_luck": "luck",
    "pillars/3_model_selection": "noise",
    "pillars/4_taste": "taste",
    "pillars/4_threshold": "threshold",
    "pillars/5_unsupervised": "groups",
    "pillars/8_experiment": "looks",
}

#: What the home page calls each. (Without JavaScript there is none, nor its link.)
NAMES_OF_PLAYS = {
    "tree": "let a tree ask more questions, or fewer",
    "luck": "test a model on other rows, again and again",
    "noise": "guess how large a leak is",
    "taste": "find your place on a map of tastes",
    "threshold": "look for the cheapest threshold",
    "groups": "tell groups from one cloud, better than KMeans",
    "looks": "announce the winner of a test that has none",
}

#: The mark in a chapter: here readers play. (A notebook does not show it.)
MARK_OF_PLAY = re.compile(r"^# <!-- play: (\w+) -->\n(?:#\n)?", re.MULTILINE)

#: The cell that takes the place of a mark.
CELL_OF_PLAY = """
# %% tags=["remove-input"]
{program}

show("{name}", globals())

# %% [markdown]
"""

#: Tag of the cell that answers a guess, and the comment after its answer. `conf.py`
#: folds what is between the two.
ANSWER = "answer"
ANSWER_ENDS = "The answer ends here."


def replace_each(text, replacements):
    """Return a text with each pattern replaced. Each must be in it once."""
    for pattern, words in replacements.items():
        text, n_found = re.subn(pattern, words, text, flags=re.DOTALL)
        if n_found != 1:
            raise ValueError(f"found {n_found} times in the text: {pattern}")
    return text


def home_page(readme, chapters, real):
    """Return what a learner needs of the README, for readers of the site.

    It begins with a recommendation of `real`, the page of real movies. After the table
    of chapters, `site.js` tells how many of their guesses were made.
    """
    part_for_learners, _, _ = readme.partition(PART_ABOUT_USE)
    page = replace_each(part_for_learners, ON_THE_HOME_PAGE)
    page = page.replace("**Begin with", f"{first_recommendation(real)}\n\n**Begin with")
    count = count_of_guesses(chapters)
    page = page.replace(
        AFTER_THE_TABLE, f"{links_to_plays()}\n{count}\n{AFTER_THE_TABLE}"
    )
    for chapter, after in AFTER_CHAPTER.items():
        row = ROWS_OF_PAGES.get(after, "")
        page = re.sub(rf"(?m)^\| .+\({chapter}\.py\).+\n", rf"\g<0>{row}", page)
    first, *parts = re.split("^(?=## )", page, flags=re.MULTILINE)
    parts.sort(key=lambda part: PARTS_OF_HOME.index(part.partition("\n")[0]))
    return "\n".join([first + GO_ON + "\n", *parts])


def route(chapters):
    """Return the pages of the course in the order of "Next", without the exercises."""
    pages = []
    for chapter in chapters:
        page = f"pillars/{chapter.stem}"
        pages.append(page)
        if page in AFTER_CHAPTER:
            pages.append(AFTER_CHAPTER[page])
    return pages


def menu_of_chapters(chapters):
    """Return the menu of the course: a part for each number of chapters."""
    pages = {number: [] for number in NAMES_OF_NUMBERS}
    for page in route(chapters):
        chapter = re.match(r"pillars/(\d)", page)
        if chapter:
            number = chapter[1]  # another page stays in the part of the one before it
        pages[number].append(page)
    menu = ""
    for number, name in NAMES_OF_NUMBERS.items():
        names = "\n".join(pages[number])
        menu += f"```{{toctree}}\n:hidden:\n:caption: {name}\n{names}\n```\n\n"
    return menu


def count_of_guesses(chapters):
    """Return where `site.js` counts, with the guesses and exercises of the course."""
    totals = {}
    exercises = []
    for page in AFTER_CHAPTER.values():
        text = (chapters[0].parents[1] / f"{page}.md").read_text("utf-8")
        n_guesses = text.count(f"**{GUESS}**")
        if n_guesses:
            totals[page] = n_guesses
    for chapter in chapters:
        text = chapter.read_text("utf-8")
        totals[f"pillars/{chapter.stem}"] = text.count(f"**{GUESS}**")
        exercises += exercises_in(LINE_OF_EXERCISES.search(text)[0])
    return COUNT_OF_GUESSES.format(
        totals=html.escape(json.dumps(totals)),
        exercises=html.escape(json.dumps(exercises)),
    )


def links_to_plays():
    """Return links to all that readers play with; `site.js` shows them."""
    links = [
        f'<a href="{page}.html#play-{name}">{NAMES_OF_PLAYS[name]}</a>'
        for page, name in PLAYS.items()
    ]
    links = ", ".join(links[:-1]) + f", or {links[-1]}"
    return f'<p id="plays" hidden>To play with: {links}.</p>\n'


def first_recommendation(real):
    """Return in words what the first list of the page of real movies recommends."""
    loved = re.search(r"^\*\*Ann loves (.+?)\*\*", real, re.MULTILINE)[1]
    _, _, after = real.partition("Ann loves")
    table = re.search(r"```text\n(.*?)```", after, re.DOTALL)[1]
    titles = re.findall(r"^\d+ +\d+ +(.+?) +\d\.\d+ ", table, re.MULTILINE)
    titles = [title.partition(" or:")[0] for title in titles]  # the rest is cut
    return FIRST_RECOMMENDATION.format(loved=loved, titles="*, *".join(titles))


def use_page(page, readme):
    """Return a page of `docs/` with the part of the README that is about use.

    Of the page itself, the title and the first paragraph are shown. Links lead from the
    folder `docs`.
    """
    title, words, *_ = page.split("\n\n")
    _, heading, part = readme.partition(PART_ABOUT_USE)
    part = re.sub(r"(?<=\]\()(?!https?:|#)", "../", part)
    return f"{title}\n\n{words}\n\n{heading}{part}"


def real_page(page):
    """Return the page of real movies with its lists as tables, which fit a phone.

    In the lists, each column ends where its name ends. The first has no name.
    """

    def table(block):
        names, *rows = block[1].split("\n")
        if "movie_id" not in names:
            return block[0]
        ends = [name.end() for name in re.finditer(r"\S+", names)]
        lines = [["", *(f"`{name}`" for name in names.split())]]
        lines.append(["---"] * len(lines[0]))
        for row in rows:
            number, rest = row.split(maxsplit=1)
            starts = [len(row) - len(rest), *ends]
            cells = [row[start:end] for start, end in zip(starts, ends)]
            lines.append([number, *(cell.strip().strip("[]") for cell in cells)])
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    return re.sub(r"```text\n(.*?)\n```", table, page, flags=re.DOTALL)


def send_to_use(text):
    """Return a page of `docs/` that sends readers to the page about use.

    In the repository, it sends them to the README: the code that it builds on is there.
    """
    text = text.replace("the [README](../README.md)", "[Use it](use_it.md)")
    return text.replace("](../README.md#how-good-is-it)", "](use_it.md#how-good-is-it)")


def words_page(words):
    """Return the page of words, with a place for links at each word."""

    def add_places(cell):
        places = ""
        for word in cell[1].split(", "):
            places += f'<span id="{anchor(word)}"></span>'
        return f"| {places}{cell[1]} |"

    return re.sub(r"^\| ([^|-].*?) \|", add_places, words, flags=re.MULTILINE)


def for_readers_of_the_site(text):
    """Return the text of any page for readers who can download the whole project."""
    return IN_THE_FULL_PROJECT.sub(IN_THE_ZIP_FILE, text)


def chapter_page(chapter):
    """Return a chapter with its code folded where it draws a picture or imports.

    If a cell begins with imports, they become cells of their own: those of scikit-learn
    are seen, and the others are folded. What answers a "Guess first" is marked, so that
    it is folded, too. The task gets a link to its answer, and the exercises become a
    box.
    """
    first, *cells = chapter.split("# %%\n")  # each with the text after its code
    tags = [""] * len(cells)
    for number, before in enumerate([first, *cells[:-1]]):
        if draws_picture(cells[number]):
            tags[number] = ' tags=["hide-input"]'
        elif f"**{GUESS}**" in before:
            tags[number] = f' tags=["{ANSWER}"]'
            mark_end_of_answer(cells, number)
    page = first
    for tag, cell in zip(tags, cells):
        imports, rest = split_imports(cell)
        if imports:
            page += cells_of_imports(imports)
        if not rest.startswith(TEXT_CELL):
            page += f"# %%{tag}\n"
        page += rest
    return add_link_to_answer(show_exercises(page))


def with_play(page, docname, program):
    """Return the page of a chapter with a place for what readers play with, if any.

    The chapter marks where. `program` is the text of `play.py`: it is run there, on the
    variables of the chapter, and writes the place. `play.js` or `taste.js` fills it.
    """
    marked = MARK_OF_PLAY.findall(page)
    expected = [PLAYS[docname]] if docname in PLAYS else []
    if marked != expected:
        raise ValueError(f"{docname} has marks {marked} of play, not {expected}")
    return MARK_OF_PLAY.sub(
        lambda mark: CELL_OF_PLAY.format(program=program, name=mark[1]), page
    )


def mark_end_of_answer(cells, number):
    """Write a comment where the answer ends that the code of a cell begins.

    The answer is the output, the text after it, and a picture directly after that with
    what is said of it up to a heading. If the text leads to other code, its last
    paragraph introduces that, and stays open. If it leads to the next guess, it stays
    open from the last paragraph that begins with a question.
    """
    cell = cells[number]
    start = cell.index(TEXT_CELL) + len(TEXT_CELL)
    end = END_OF_ANSWER.search(cell, start)
    if end is not None:
        place = end.start()
        if GUESS in end[0]:
            for paragraph in LEADS_TO_GUESS.finditer(cell, start, place):
                place = paragraph.start()
    elif draws_picture(cells[number + 1]):
        number += 1
        cell = cells[number]
        place = cell.index(TEXT_CELL) + len(TEXT_CELL)
        end = END_OF_ANSWER.search(cell, place)
        if end is not None:  # what stands under the picture belongs to it
            place = end.start()
    elif EMPTY_LINE in cell[start:]:
        place = cell.rindex(EMPTY_LINE) + 1
    else:
        place = len(cell.rstrip()) + 1
    cells[number] = f"{cell[:place]}#\n# % {ANSWER_ENDS}\n#\n{cell[place:]}"


def split_imports(cell):
    """Return the imports that a cell begins with, and the rest of the cell."""
    n_lines = 0
    for statement in ast.parse(cell).body:
        if not isinstance(statement, (ast.Import, ast.ImportFrom)):
            break
        n_lines = statement.end_lineno
    lines = cell.splitlines(keepends=True)
    return "".join(lines[:n_lines]), "".join(lines[n_lines:]).lstrip("\n")


def cells_of_imports(imports):
    """Return a cell of what is imported of scikit-learn, and a folded one of the rest.

    The comment above an import goes where the import goes.
    """
    lines = imports.splitlines(keepends=True)
    of_scikit_learn = ""
    others = ""
    start = 0
    for statement in ast.parse(imports).body:
        text = "".join(lines[start : statement.end_lineno])
        if getattr(statement, "module", "").partition(".")[0] == "sklearn":
            of_scikit_learn += text.lstrip("\n")
        else:
            others += text
        start = statement.end_lineno
    cells = ""
    if of_scikit_learn:
        cells += f"# %%\n{of_scikit_learn}\n"
    if others:
        which = "other imports" if of_scikit_learn else "imports"
        cells += f"# %% {IMPORTS.format(which=which)}\n{others.lstrip()}\n"
    return cells


def draws_picture(cell):
    """Return whether the code of a cell draws a picture."""
    return "new_picture(" in cell


def add_link_to_answer(chapter):
    """Add a link to the answer in docs/tried.md to the task of a chapter."""
    place = anchor(name_of_chapter(chapter))
    return re.sub(
        r"\*\*Try it:\*\* .+(?:\n# .+)*",
        rf"\g<0>\n# ([What you see](../docs/tried.md#{place}))",
        chapter,
    )


def name_of_chapter(chapter):
    """Return the first part of a chapter's title, such as "7 Map"."""
    return re.search(r"# # (.+?):", chapter)[1]


def show_exercises(chapter):
    """Make a box of the line that names the exercises of a chapter.

    The box has a part of the menu. So "Next" leads from the chapter to its exercises,
    and from the last of them to the next chapter.
    """

    def box(line):
        title = f"# ````{{admonition}} Do the {line[1].lower()}\n# :class: exercise"
        links = [f"# /{name}" for name in exercises_in(line[0])]
        return "\n".join([title, "# ```{toctree}", *links, "# ```", "# ````"])

    return LINE_OF_EXERCISES.sub(box, chapter)


def exercises_in(line):
    """Return the exercises that the last line of a chapter names."""
    return re.findall(r"`(exercises/\w+)\.py`", line)


def with_recorded_outputs(appendix, recorded):
    """Return the appendix with the output of each recipe under it.

    The tools are not installed where the site is made. `recorded` is what the appendix
    prints where all of them are.
    """
    recorded = recorded.partition("\nRemember: ")[0]
    heading, *parts = re.split(r"^--- (\S+)\n", recorded, flags=re.MULTILINE)
    outputs = dict(zip(parts[::2], parts[1::2]))

    def add_output(cell):
        tools = re.findall(r' tool\("([\w.]+)"', cell[0])
        if not tools:
            return cell[0]
        text = wrap("".join(outputs[tool] for tool in tools).strip())
        shown = as_script(f"It prints, with `{tools[-1]}`:\n\n```text\n{text}\n```")
        code = cell[0].replace("# %%", '# %% tags=["remove-output"]', 1)
        return f"{code}{shown}\n\n"

    page = re.sub(CODE_CELL, add_output, appendix, flags=re.DOTALL | re.MULTILINE)
    versions = re.search(r"\(with (.*?)\)", heading, re.DOTALL)[1]
    versions = " ".join(versions.split())
    return f"{page}#\n# The outputs were recorded with {versions}.\n"


def wrap(text):
    """Return a text with its long lines cut between words, for the page to show."""
    between_words = textwrap.TextWrapper(
        WIDTH_OF_PAGE,
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if len(line) > WIDTH_OF_PAGE:  # the spaces of the others stay as they are
            lines[number] = between_words.fill(line)
    return "\n".join(lines)


def lesson_by_section(path):
    """Return the lesson as Markdown: of each section its words, then its code.

    What stands before the first section, such as the imports, is folded.
    """
    text = path.read_text("utf-8")
    title = "The docstring: what it is about, and what to skip"
    parts = [title, *SECTION.split(text)]  # titles and bodies
    page = ""
    n_lines_before = 0
    for title, body in zip(parts[::2], parts[1::2]):
        # A docstring, or a block of comments. In Markdown, no second colon is needed.
        words = re.match(r'"""(?:.|\n)*?"""\n|(?:#.*\n)*', body)[0]
        prose = re.sub('^# ?|"""', "", words, flags=re.MULTILINE).replace("::", ":")
        code = body.removeprefix(words).lstrip("\n")
        first_line = n_lines_before + body.removesuffix(code).count("\n") + 1
        block = f"""
```{{code-block}} python
:lineno-start: {first_line}

{code.rstrip()}
```
"""
        if n_lines_before == 0:
            summary = "How the file starts, and what it imports"
            block = f"<details><summary>{summary}</summary>\n{block}\n</details>\n"
        page += f"\n## {title}\n\n{prose}\n{block}"
        n_lines_before += body.count("\n") + 3  # and the title between two rules
    return page


def exercise_page(path):
    """Return the page of an exercise, as Markdown; hint and solution are folded away.

    They are parts of the program's docstring, and the program in `solutions`.
    """
    docstring, program = split_docstring(path)
    parts = DOCSTRING_OF_EXERCISE.fullmatch(docstring).groupdict()
    words, solution = split_docstring(path.parent / "solutions" / path.name)
    _, _, explanation = words.partition("\n\n")
    number = path.stem.partition("_")[0]  # of its chapter
    chapter = f"**Chapter:** [](/{chapter_of_exercise(path)})"
    if "of all chapters" in parts["kind"]:
        chapter = "**Chapters:** [all of them](/README.md#what-you-will-learn)"
    return f"""# {number}: {one_line(parts["question"])}

{{download}}`Download {path.name} <{path.name}>`

{parts["kind"]}: `exercises/{path.name}`. ([How to begin](README.md))

{chapter}

{parts["story"]}

**Task:** {one_line(parts["task"])}

```python
{program}
```

**Check,** in the [folder of the code](/README.md#run-it), with the program in
`exercises/`:

```sh
{parts["command"]}
```

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


def chapter_of_exercise(path):
    """Return the name of the chapter of an exercise.

    The table in the README of the exercises says which chapter is its own.
    """
    table = (path.parent / "README.md").read_text("utf-8")
    row = re.search(rf"^\|.+?\| `{path.name}` \|.+", table, re.MULTILINE)[0]
    return re.search(r"pillars/\w+\.py", row)[0]


def one_line(text):
    """Return a text as one line that begins with a capital letter, or with a file."""
    line = " ".join(text.split())
    if NAME_OF_FILE.match(line):
        return line
    return line[0].upper() + line[1:]


def split_docstring(path):
    """Return the docstring of a program, and the rest of it."""
    _, docstring, program = path.read_text("utf-8").split('"""', 2)
    return docstring.strip(), program.strip()


def helper_page(root, name):
    """Return the page of a file that others import: what it is, and its code."""
    docstring, _ = split_docstring(root / name)
    title = docstring.partition("\n")[0].rstrip(".")
    return f"""# `{name}`: {title}

```{{literalinclude}} /{name}
:linenos:
```
"""


def as_script(markdown):
    """Return Markdown as a script with one cell: Sphinx reads `.py` files so."""
    return "# %% [markdown]\n" + textwrap.indent(markdown, "# ", lambda _: True)


@functools.cache  # every page asks for the titles of all others
def title_of_page(root, docname):
    """Return what a link to a page says, such as "7 Map": its title, or the first part.

    None: the page is that of a file of code, and has the name of the file.
    """
    if re.match(r"pillars/\d", docname):
        return name_of_chapter((root / f"{docname}.py").read_text("utf-8"))
    if docname.startswith("docs/"):
        text = (root / f"{docname}.md").read_text("utf-8")
        return re.search(r"^# (.+?)(?::|$)", text, re.MULTILINE)[1]
    return None


def link_files(text, docname, titles):
    """Make links of the names of files that have a page, such as `pillars/7_map.py`.

    `titles` has for each page what a link to it says, or None: the name of the file.
    With its folder, a name may stand without backticks. Links are left as they are, as
    is code.
    """
    folder = posixpath.dirname(docname)

    def link(match):
        name = match["name"] or match["plain"]
        if name is None:  # what is left as it is
            return match[0]
        for file in (name, posixpath.join(folder, name)):
            page = "docs/lesson.md" if file == "lesson_code.py" else file
            docname_of_page = page.rpartition(".")[0]
            if docname_of_page in titles and docname_of_page != docname:
                words = titles[docname_of_page]
                if words is None or name == "lesson_code.py":
                    words = f"`{name}`"
                return f"[{words}](/{page})"
        return match[0]

    return NAME_OF_FILE.sub(link, text)


def narrow_tables(text):
    """Take spaces out of outputs that are wider than the page, so that it shows them.

    Of the spaces between two columns, those go that all lines have; two stay.
    """

    def narrow(block):
        lines = block[1].split("\n")
        width = max(map(len, lines))
        if width <= WIDTH_OF_PAGE:
            return block[0]
        columns = list(zip(*(line.ljust(width) for line in lines)))
        blank = ["".join(column).isspace() for column in columns]
        kept = [n for n in range(width) if not all(blank[max(n - 2, 0) : n + 1])]
        narrowed = ["".join(line.ljust(width)[n] for n in kept) for line in lines]
        return "```text\n" + "\n".join(line.rstrip() for line in narrowed) + "\n```"

    return re.sub(r"```text\n(.*?)\n```", narrow, text, flags=re.DOTALL)


def join_alternative_texts(text):
    """Write each alternative text in one line: MyST loses the break between two."""
    return re.sub(r"!\[[^\]]+\]", lambda words: " ".join(words[0].split()), text)
