"""The site: every chapter with its output and picture, and nothing from other hosts."""

import ast
import html
import importlib.util
import json
import os
import re
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from chromium import start_chromium
from repository import ROOT, load_module
from sklearn.metrics import silhouette_score

#: It makes the text of the pages, without Sphinx.
site_pages = load_module(ROOT / "docs" / "site_pages.py")

CHAPTERS = sorted((ROOT / "pillars").glob("[0-9]_*.py"))
FIRST_CHAPTER = f"pillars/{CHAPTERS[0].stem}"
#: What a browser loads by itself, as tag and attribute. A link is followed by a reader.
LOADED = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "object": "data",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the folder of the site: the one that SITE names, or else a new one."""
    if "SITE" in os.environ:
        return Path(os.environ["SITE"])
    for module in (
        "sphinx",
        "myst_nb",
        "furo",
        "sphinx_copybutton",
        "jupytext",
        "ipykernel",
        "matplotlib",
    ):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"not installed: {module}")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going"]
    command += ["-c", ROOT / "docs", "-d", folder / "doctrees", ROOT, folder / "html"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=1500)
    assert done.returncode == 0, done.stderr
    return folder / "html"


class Tags(HTMLParser):
    """Collect the tags of a page, as (name, attributes)."""

    def __init__(self, text):
        super().__init__()
        self.all = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.all.append((tag, dict(attributes)))

    def links(self):
        return [attributes.get("href") for tag, attributes in self.all if tag == "a"]


def pages(site):
    return {
        page: page.read_text(encoding="utf-8")
        for page in sorted(site.rglob("*.html"))
        if "_static" not in page.parts
    }


def page_of(site, name):
    """Return the text of a page, such as "pillars/0_first"."""
    return (site / f"{name}.html").read_text(encoding="utf-8")


def article_of(text):
    """Return what a page shows, without the menu."""
    return text.partition('<article role="main"')[2].partition("</article>")[0]


def test_no_page_loads_anything_from_another_host(site):
    outside = []
    for page, text in pages(site).items():
        for tag, attributes in Tags(text).all:
            address = attributes.get(LOADED.get(tag), "") or ""
            if urlsplit(address).netloc:
                outside.append((page.name, address))
    styles = [*site.rglob("*.css")]
    assert styles
    for style in styles:
        text = style.read_text(encoding="utf-8")
        found = re.findall(r"""(?:url\(|@import)\s*["']?(?:https?:)?//[^)]*""", text)
        outside += [(style.name, address) for address in found]
    assert outside == []


def test_every_link_inside_the_site_leads_to_a_file(site):
    lost = []
    for page, text in pages(site).items():
        for tag, attributes in Tags(text).all:
            address = attributes.get("href" if tag == "a" else LOADED.get(tag)) or ""
            parts = urlsplit(address)
            if parts.scheme or parts.netloc or not parts.path:
                continue
            if not (page.parent / unquote(parts.path)).exists():
                lost.append((page.name, address))
    assert lost == []


def test_the_home_page_is_the_readme_and_leads_to_every_chapter(site):
    home = page_of(site, "index")
    assert "checked by running it" in home
    links = Tags(home).links()
    names = [f"pillars/{chapter.stem}.html" for chapter in CHAPTERS]
    names += [f"docs/{page.stem}.html" for page in (ROOT / "docs").glob("*.md")]
    names += ["pillars/appendix_recipes.html", "exercises/README.html"]
    names += ["benchmarks/README.html"]
    assert [name for name in names if name not in links] == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_a_chapter_has_its_output_and_a_picture_that_says_its_message(site, chapter):
    article = article_of(page_of(site, f"pillars/{chapter.stem}"))
    assert '<div class="cell_output' in article
    assert len(re.findall("<strong>Remember:</strong>", article)) == 1
    assert "Remember: " not in article, "a notebook says it once"
    pictures = [attributes for tag, attributes in Tags(article).all if tag == "img"]
    assert pictures
    for picture in pictures:
        assert len(picture["alt"]) > 20 and "_images" not in picture["alt"]


def test_the_task_of_a_chapter_leads_to_its_answer(site):
    answers = page_of(site, "docs/tried")
    targets = set()
    for chapter in CHAPTERS:
        page = site / "pillars" / f"{chapter.stem}.html"
        text = page.read_text(encoding="utf-8")
        task = text.partition("<strong>Try it:</strong>")[2].partition("</p>")[0]
        target = re.search(r'href="../docs/tried.html#([\w-]+)"', task)[1]
        assert f'id="{target}"' in answers
        targets.add(target)
    assert len(targets) == len(CHAPTERS)


def test_an_exercise_folds_away_its_hint_and_its_solution(site):
    for solution in (ROOT / "exercises" / "solutions").glob("*.py"):
        page = site / "exercises" / f"{solution.stem}.html"
        article, *folded = page.read_text(encoding="utf-8").split("<details>")
        assert "<strong>Task:</strong>" in article
        command = f"python -m pytest exercises -k {solution.stem}"
        assert command in re.sub("<[^>]+>", "", article), "the check is not folded"
        titles = [re.search("<summary>(.*?)<", part)[1] for part in folded]
        assert titles == ["Hint", "Solution"]


def test_an_exercise_is_downloaded_from_under_its_title_as_it_is(site):
    for solution in (ROOT / "exercises" / "solutions").glob("*.py"):
        page = site / "exercises" / f"{solution.stem}.html"
        _, _, text = page.read_text(encoding="utf-8").partition("</h1>")
        first_link = next(attrs for tag, attrs in Tags(text).all if tag == "a")
        assert "download" in first_link
        file = page.parent / unquote(first_link["href"])
        assert file.name == solution.name
        assert file.read_bytes() == (ROOT / "exercises" / file.name).read_bytes()


def test_the_lesson_by_section_has_the_lines_of_the_file_with_their_numbers():
    page = site_pages.lesson_by_section(ROOT / "lesson_code.py")
    lines = (ROOT / "lesson_code.py").read_text(encoding="utf-8").splitlines()
    sections = re.findall(r":lineno-start: (\d+)\n\n(.*?)\n```", page, re.DOTALL)
    assert len(sections) == page.count("\n## ") > 1
    for number, code in sections:
        start = int(number) - 1
        shown = code.splitlines()
        assert shown == lines[start : start + len(shown)]
    folded = page.partition("<details>")[2].partition("</details>")[0]
    assert "\nimport numpy" in folded and "\n## " not in folded


def test_home_is_followed_by_the_first_chapter_and_says_that_chapters_are_here(site):
    home = page_of(site, "index")
    following = re.search(r'class="next-page" href="(.+?)"', home)[1]
    assert following == f"{FIRST_CHAPTER}.html"
    assert "Read the chapters here" in home and "clone this" not in home
    with pytest.raises(ValueError, match="found 0 times"):
        site_pages.home_page("A README that says other things.", [], "")


def test_no_page_speaks_of_a_full_project_that_the_reader_has_not(site):
    speaking = [
        page.name
        for page, text in pages(site).items()
        if re.search(r"in\s+the\s+full\s+project", text, re.IGNORECASE)
    ]
    assert speaking == []
    text = "It runs in\n# the full project. In the full project, too."
    changed = "It runs in the folder of the code. In the folder of the code, too."
    assert site_pages.for_readers_of_the_site(text) == changed


def test_the_home_page_ends_after_the_chapters_and_use_has_a_page_of_its_own(site):
    home = article_of(page_of(site, "index"))
    assert re.findall(r"<h2>(.*?)<a", home) == [
        "What you will learn",
        "Run it",
        "Can a score be too good?",
    ]
    # What a beginner need not read at once is folded.
    open_text = re.sub("<details>.*?</details>", "", home, flags=re.DOTALL)
    for words in ("noise floor: expected", "fragile.score", "--break"):
        assert words not in open_text
    assert home.count("<details>") == home.count("</details>") == 2
    assert home.index("<h2>Can a score") < home.index("<img")
    after = home.partition("</table>")[2].partition("<h2>")[0]
    assert {"docs/use_it.html", "docs/troubleshooting.html"} <= {*Tags(after).links()}
    assert "<pre>" not in after

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    use = page_of(site, "docs/use_it")
    _, _, part = readme.partition(site_pages.PART_ABOUT_USE)
    for heading in re.findall("^## ([^`\n]+)", part, re.MULTILINE):
        assert f"<h2>{heading}" in use
    assert use.count("<table") == part.count("\n|---")
    assert "<h2>Run it" not in use and "docs/docs" not in use
    for name in ("use", "bigger"):  # their code builds on that of "Use it"
        article = article_of(page_of(site, f"docs/{name}"))
        assert "use_it.html" in Tags(article).links()


def test_the_home_page_begins_with_a_list_of_real_movies(site):
    home = page_of(site, "index")
    before = home.partition("Begin with")[0]
    real = (ROOT / "docs" / "real.md").read_text(encoding="utf-8")
    rows = real.partition("Ann loves")[2].partition("```text")[2].partition("```")[0]
    titles = re.findall(r"<em>(.+?)</em>", before)
    assert len(titles) == 5
    for row, title in zip(rows.strip().split("\n")[1:], titles, strict=True):
        assert f" {title} " in row
    assert 'href="docs/real.html"' in before


def test_the_home_page_links_its_first_words_to_what_they_mean(site):
    words = page_of(site, "docs/words")
    places = [attrs["id"] for tag, attrs in Tags(words).all if "id" in attrs]
    home = page_of(site, "index")
    links = Tags(home.partition('<article role="main"')[2]).links()
    named = [link.partition("#")[2] for link in links if "words.html#" in (link or "")]
    assert {"standard-error", "r2"} <= set(named) <= set(places)
    assert len(set(places)) == len(places)


def test_the_home_page_links_to_the_code_in_a_zip_file(site):
    assert "lesson.zip" in Tags(page_of(site, "index")).links()
    with zipfile.ZipFile(site / "lesson.zip") as archive:
        names = set(archive.namelist())
    assert {name.partition("/")[0] for name in names} == {"lesson"}
    for pattern in ("*.py", "requirements.txt", "pillars/*.py", "recommender/*.py"):
        files = {f"lesson/{p.relative_to(ROOT).as_posix()}" for p in ROOT.glob(pattern)}
        assert files and files <= names


def test_without_git_the_zip_file_has_nearly_the_same_files(monkeypatch):
    pytest.importorskip("docutils")
    for name in ("PICTURES", "PYTHONPATH"):
        monkeypatch.setenv(name, "")  # conf.py sets them
    conf = load_module(ROOT / "docs" / "conf.py")
    known = conf.files_of_project(ROOT)
    monkeypatch.setenv("PATH", "")
    lost = set(known).difference(conf.files_of_project(ROOT))
    hidden = {path for path in lost if path.relative_to(ROOT).parts[0][0] == "."}
    assert lost - hidden <= {ROOT / "CITATION.cff"}


def test_next_leads_from_a_chapter_to_its_exercises_and_to_the_next_chapter(site):
    route = []
    for chapter in CHAPTERS:
        name = f"pillars/{chapter.stem}"
        source = chapter.read_text(encoding="utf-8")
        named = re.findall(r"`(exercises/\w+)\.py`", source.partition("# Exercise")[2])
        text = page_of(site, name)
        box = text.partition('<div class="exercise admonition">')[2]
        links = Tags(box.partition("</div>")[0]).links()
        assert links == [f"../{exercise}.html" for exercise in named] != []
        for exercise in named:
            page = page_of(site, exercise)
            own = re.search("<strong>Chapters?:</strong> (.*)", page)[1]
            if exercise.startswith("exercises/9_"):  # it belongs to all chapters
                assert Tags(own).links() == ["../README.html#what-you-will-learn"]
            else:
                assert Tags(own).links() == [f"../{name}.html"]
        route += [name, *named]
        if name in site_pages.AFTER_CHAPTER:
            route.append(site_pages.AFTER_CHAPTER[name])
    for name, following in zip(route, [*route[1:], "pillars/appendix_recipes"]):
        text = page_of(site, name)
        shown = re.search(r'class="next-page" href="(.+?)\.html"', text)[1]
        target = (site / name).parent / shown
        assert target.resolve() == site.resolve() / following


def test_names_of_files_that_have_a_page_are_links(site):
    catalog = page_of(site, "pillars/catalog")
    assert "PILLARS" in catalog
    for page, target in [
        ("pillars/7_map", "catalog.html"),
        ("pillars/4_top_ten", "../recommender/ranking.html"),
        ("exercises/8_monitor", "../pillars/8_monitor.html"),
        ("exercises/4_supervised", "../docs/words.html"),
        ("exercises/README", "0_first.html"),
    ]:
        article = article_of(page_of(site, page))
        assert target in Tags(article).links()
    exercises = [
        text for page, text in pages(site).items() if page.parent.name == "exercises"
    ]
    assert not any("Pillars/" in text for text in exercises)


def test_a_wide_output_loses_only_spaces_so_that_the_page_shows_its_answer(site):
    tried = (ROOT / "docs" / "tried.md").read_text(encoding="utf-8")
    narrowed = site_pages.narrow_tables(tried)
    assert narrowed.split() == tried.split()
    page = page_of(site, "docs/tried")
    answer = re.search(r"^.*KMeans estimators.* transform\b", page, re.MULTILINE)
    assert len(answer[0]) < site_pages.WIDTH_OF_PAGE
    narrow = "```text\na    b\n  c\n```"
    assert site_pages.narrow_tables(narrow) == narrow
    wide = f"```text\n{'a':100}b\n   c\n```"
    assert site_pages.narrow_tables(wide) == "```text\na     b\n   c\n```"


def test_a_long_line_is_cut_between_its_words():
    line = "- " + "words-of https://site/page#part " * 9
    short = site_pages.wrap(f"1  2\n{line}")
    assert short.startswith("1  2\n- words")
    assert short.split() == f"1  2\n{line}".split()
    assert max(map(len, short.split("\n"))) <= site_pages.WIDTH_OF_PAGE


def test_only_names_in_prose_become_links():
    text = "`a.py` [`a.py`](a.py) `b.py` `d/a.py`\n```\n`a.py`\n```\n"
    text += "# %%\n# `a.py`\n# %% [markdown]\n# `a.py`\n"
    for title, words in (None, "`a.py`"), ("0 A", "0 A"):
        linked = text.replace("`a.py`", f"[{words}](/d/a.py)", 1)
        whole = "`d/a.py`" if title is None else words
        linked = linked.replace("`d/a.py`", f"[{whole}](/d/a.py)")
        linked = linked.removesuffix("`a.py`\n") + f"[{words}](/d/a.py)\n"
        titles = {"d/a": title, "d/x": None}
        assert site_pages.link_files(text, "d/x", titles) == linked


def test_with_its_folder_a_name_becomes_a_link_without_backticks():
    kept = "a.py ``d/a.py`` `python d/a.py` https://x/d/a.py [d/a.py](d/a.py) e/d/a.py"
    text = f"{kept} [![](e.svg)](d/a.py) (d/a.py)"
    linked = f"{kept} [![](e.svg)](d/a.py) ([`d/a.py`](/d/a.py))"
    assert site_pages.link_files(text, "x", {"d/a": None}) == linked


def test_no_page_of_the_course_names_a_page_without_a_link(site):
    names = {page.relative_to(site).with_suffix("").as_posix() for page in pages(site)}
    lost = []
    for page, text in pages(site).items():
        if page.parent.name not in ("exercises", "pillars"):
            continue
        article = article_of(text)
        for element in ("pre", "code", "a"):
            closed = rf"<{element}\b.*?</{element}>"
            article = re.sub(closed, "", article, flags=re.DOTALL)
        words = re.findall(r"([\w/]+)\.(?:py|md)\b", article)
        lost += [(page.name, word) for word in words if word in names]
    assert lost == []


def test_an_alternative_text_keeps_its_spaces(site):
    for page in (ROOT / "docs").glob("*.md"):
        text = page_of(site, f"docs/{page.stem}")
        shown = [attributes.get("alt") for tag, attributes in Tags(text).all]
        for words in re.findall(r"!\[([^\]]+)\]", page.read_text(encoding="utf-8")):
            assert " ".join(words.split()) in shown


def test_the_lines_of_a_change_can_be_told_apart_and_read_on_a_light_page():
    def luminance(colour):
        parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        red, green, blue = (((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    style = (ROOT / "docs" / "site.css").read_text(encoding="utf-8")
    removed, added = re.findall(r"\.highlight \.g[di] \{ color: (#\w{6}); \}", style)
    assert removed != added
    for colour in (removed, added):
        ratio = (luminance("#f2f2f2") + 0.05) / (luminance(colour) + 0.05)
        assert ratio > 4.5


SCREEN_OF_PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}


@pytest.fixture(scope="module")
def phone():
    """Return a browser with the screen of a phone, where there is one."""
    browser = start_chromium()
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SCREEN_OF_PHONE)
    yield browser
    browser.quit()


def address_of(site, name):
    """Return the address of a page for the browser."""
    return (site / f"{name}.html").as_uri()


def visit(browser, site, name):
    """Load a page, such as "pillars/0_first", in the browser."""
    browser.get(address_of(site, name))


def open_all_folds(browser):
    """Open answers, and code that is folded."""
    browser.execute_script(
        "document.querySelectorAll('details').forEach((fold) => { fold.open = true })"
    )


def test_on_a_phone_no_table_is_cut_off_no_name_is_broken_and_no_icons_touch(
    phone, site
):
    cut_off = []
    for page, text in pages(site).items():
        if "<table" in text:
            phone.get(page.as_uri())
            cut_off += phone.execute_script(
                "return [...document.querySelectorAll('table')]"
                ".filter((table) => table.getBoundingClientRect().right > innerWidth)"
                ".map((table) => table.innerText)"
            )
    assert cut_off == []
    visit(phone, site, "exercises/README")
    broken = phone.execute_script(
        "return [...document.querySelectorAll('td a .pre')]"
        ".filter((part) => part.getClientRects().length > 1)"
        ".map((part) => part.innerText)"
    )
    assert broken == []
    visit(phone, site, "index")
    gap = phone.execute_script(
        "const [theme, contents] = document.querySelector('.header-right').children;"
        "return contents.getBoundingClientRect().left"
        " - theme.getBoundingClientRect().right"
    )
    assert gap >= 8


def test_the_lists_of_real_movies_are_tables_with_all_that_the_file_says(site):
    source = (ROOT / "docs" / "real.md").read_text(encoding="utf-8")
    lists = re.findall(r"```text\n( +movie_id.*?)```", source, re.DOTALL)
    text = page_of(site, "docs/real")
    tables = re.findall("<table.*?</table>", text, re.DOTALL)
    assert len(tables) == len(lists) > 5
    for printed, table in zip(lists, tables):
        shown = html.unescape(re.sub("<wbr>|<[^>]+>", "", table))
        shown = shown.replace("’", "'").replace("…", "...").split()
        assert shown == re.sub(r"[\[\]]", "", printed).split()
    assert "because" in text.partition("Ann loves")[2].partition("Ben loves")[0]


def test_in_the_dark_a_drawing_has_a_dark_ground_and_handwriting_a_light_one(
    phone, site
):
    filters = (
        "document.body.dataset.theme = 'dark';"
        "return [...document.querySelectorAll('article img')]"
        ".map((picture) => getComputedStyle(picture).filter.includes('invert'))"
    )
    visit(phone, site, "pillars/0_first")
    assert phone.execute_script(filters) == [True]
    visit(phone, site, "pillars/4_writing")
    assert phone.execute_script(filters) == [False, False, True]  # the last has points
    phone.execute_script("document.body.dataset.theme = 'light'")
    assert not any(phone.execute_script(filters.replace("'dark'", "'light'")))


def test_a_block_that_goes_on_has_a_shadow_and_on_a_wide_screen_none_does(phone, site):
    going_on = (
        "return [...document.querySelectorAll('pre')]"
        ".filter((block) => block.scrollWidth > block.clientWidth + 1)"
        ".map((block) => getComputedStyle(block).backgroundAttachment)"
    )
    outputs = "return document.querySelectorAll('.cell_output pre').length"
    n_outputs = 0
    shadows = []
    for chapter in CHAPTERS:
        visit(phone, site, f"pillars/{chapter.stem}")
        open_all_folds(phone)
        n_outputs += phone.execute_script(outputs)
        shadows += phone.execute_script(going_on.replace("'pre'", "'.cell_output pre'"))
    assert set(shadows) == {"local, local, scroll, scroll"}
    assert len(shadows) < n_outputs  # narrow ones are seen whole
    wide = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    phone.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", wide)
    cut_off = []
    for page in pages(site):
        phone.get(page.as_uri())
        open_all_folds(phone)
        if phone.execute_script(going_on):
            cut_off.append(page.name)
    phone.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SCREEN_OF_PHONE)
    assert cut_off == []


def test_on_a_phone_code_and_outputs_are_large_enough_to_read(phone, site):
    small = []
    for page in pages(site):
        phone.get(page.as_uri())
        sizes = phone.execute_script(
            "return [...document.querySelectorAll('pre')].map((block) => ["
            "  parseFloat(getComputedStyle(block).fontSize),"
            "  block.style.getPropertyValue('--columns')])"
        )
        # An output with wide tables may be a little smaller, so that they are seen.
        limits = [8 if columns and int(columns) > 45 else 11 for _, columns in sizes]
        small += [page.name for (size, _), n in zip(sizes, limits) if size < n]
    assert small == []


def test_code_can_be_copied_without_numbers_and_outputs_have_no_button(phone, site):
    visit(phone, site, FIRST_CHAPTER)
    n_cells, n_buttons, n_at_outputs = phone.execute_script(
        "return ['.cell_input', '.cell_input button.copybtn', '.cell_output button']"
        ".map((name) => document.querySelectorAll(name).length)"
    )
    assert n_cells == n_buttons > 0 == n_at_outputs
    visit(phone, site, "docs/lesson")
    copied = phone.execute_script(
        "document.execCommand = () => { window.copied = getSelection().toString()"
        " || document.activeElement.value; return true };"
        "[...document.querySelectorAll('button.copybtn')].at(-1).click();"
        "return window.copied"
    )
    lesson = (ROOT / "lesson_code.py").read_text(encoding="utf-8")
    assert copied.strip() and copied.strip() in lesson


def test_in_the_dark_a_cell_has_the_border_of_the_theme(phone, site):
    visit(phone, site, FIRST_CHAPTER)
    border, theme = phone.execute_script(
        "document.body.dataset.theme = 'dark';"
        "const cell = document.querySelector('.cell > .cell_input');"  # not a fold
        "const colour = () => getComputedStyle(cell).borderTopColor;"
        "const before = colour();"
        "cell.style.borderTopColor = 'var(--color-background-border)';"
        "return [before, colour()]"
    )
    assert border == theme
    assert max(map(int, re.findall(r"\d+", border)[:3])) < 100  # it is dark


def test_no_page_names_a_folder_of_the_machine(site):
    words = [str(Path.home()) + "/", str(ROOT), "/tmp/"]
    found = []
    for page, text in pages(site).items():
        article = article_of(text)
        found += [(page.name, word) for word in words if word in article]
    assert found == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_what_answers_a_guess_is_folded_from_its_output_to_the_end(site, chapter):
    text = page_of(site, f"pillars/{chapter.stem}")
    # The code of pictures is folded, too.
    text = re.sub('<details class="admonition.*?</details>', "", text, flags=re.DOTALL)
    guesses = text.split("<strong>Guess first:</strong>")[1:]
    assert len(guesses) == chapter.read_text(encoding="utf-8").count("Guess first:") > 0
    for guess in guesses:
        before, _, answer = guess.partition('<details class="answer">')
        assert before.count('<div class="cell_input') == 1
        assert "cell_output" not in before and "<img" not in before
        answer, _, after = answer.partition("</details>")
        assert answer.startswith("<summary>Guessed? Show the answer</summary>")
        assert 'class="cell_output' in answer and "</p>" in answer
        assert "<h2>" not in answer and "Try it:" not in answer
        assert not after.lstrip().startswith('<div class="cell tag_hide-input')


@pytest.mark.parametrize("page", ["real", "what_now"])
def test_the_answer_to_a_guess_of_a_page_begins_with_one_of_its_choices(site, page):
    text = page_of(site, f"docs/{page}")
    guesses = text.split("<strong>Guess first:</strong>")[1:]
    assert guesses
    for guess in guesses:
        before, _, answer = guess.partition('<details class="answer">')
        assert '<ul class="choices' in before and "<table" not in before
        answer, _, _ = answer.partition("</details>")
        if page == "real":
            assert answer.index("<table") < answer.index("<strong>")
        right = re.search("<p><strong>(.+?)[.]</strong>", answer, re.DOTALL)[1]
        choices = re.findall("<li><p>(.+?)</p></li>", before.lower(), re.DOTALL)
        choices = [" ".join(choice.split()) for choice in choices]
        assert choices.count(" ".join(right.lower().split())) == 1


def test_on_a_phone_the_sentences_of_an_output_are_seen_and_most_tables(phone, site):
    fitted = 0
    for chapter in CHAPTERS:
        visit(phone, site, f"pillars/{chapter.stem}")
        open_all_folds(phone)
        outputs = phone.execute_script(
            "return [...document.querySelectorAll('.cell_output pre')].map((pre) => ["
            "  Number(pre.style.getPropertyValue('--columns')),"
            "  pre.scrollWidth > pre.clientWidth, pre.innerText])"
        )
        printed = chapter_output(chapter.stem, site)
        assert [text.rstrip() for _, _, text in outputs] == printed
        cut_off = [
            text for columns, is_cut, text in outputs if columns <= 60 and is_cut
        ]
        assert cut_off == []
        fitted += sum(columns <= 60 for columns, _, _ in outputs)
    assert fitted > 50


def chapter_output(name, site):
    """Return the outputs of a chapter, as the file of its page has them."""
    text = page_of(site, f"pillars/{name}")
    outputs = re.findall(
        r'<div class="output stream[^>]*>\s*<div[^>]*><pre><span></span>(.*?)</pre>',
        text,
        re.DOTALL,
    )
    return [html.unescape(re.sub("<[^>]+>", "", output)).rstrip() for output in outputs]


def test_an_answer_ends_before_what_leads_to_other_code_or_to_a_guess():
    code = "\n# %%\nprint(3)\n\n# %% [markdown]\n# Three.\n"
    mark = f"# % {site_pages.ANSWER_ENDS}\n"
    picture = "\n# %%\nnew_picture()\n\n# %% [markdown]\n"
    for answer, rest in [
        (code, "# ## Next\n# Words.\n"),
        (code, "#\n# **Try it:** change it.\n"),
        (code, "#\n# <!-- play: tree -->\n#\n# **Try it:** change it.\n"),
        (f"{code}#\n# Really. Is it?\n", "#\n# **Guess first:** four?\n"),
        (code, "#\n# Is 3.5\n# more? Look.\n#\n# Now:\n#\n# **Guess first:** four?\n"),
        (f"{code}#\n# Really.\n", "#\n# Now another.\n\n# %%\nprint(4)\n"),
        (code, "\n# %%\nprint(4)\n"),
        (f"{code}#\n# Look.\n{picture}", "# ## Next\n"),
    ]:
        cells = [*(answer + rest).split("# %%\n")[1:]]
        site_pages.mark_end_of_answer(cells, 0)
        before, _, after = "# %%\n".join(cells).partition(mark)
        assert before.rstrip("#\n") == answer.partition("# %%\n")[2].rstrip("#\n")
        assert after.lstrip("#\n") == rest.lstrip("#\n")


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_a_question_that_leads_to_a_guess_is_seen_before_an_answer_is_opened(
    site, chapter
):
    source = chapter.read_text(encoding="utf-8")
    question = r"^#\n# (\w[\w ,]+)\?"  # it opens the paragraph before a guess
    paragraph = rf"{question}(?:.*\n#(?= ))*.*\n#\n# \*\*Guess first"
    leading = re.findall(paragraph, source, re.MULTILINE)
    text = page_of(site, f"pillars/{chapter.stem}")
    text = re.sub('<details class="answer">.*?</details>', "", text, flags=re.DOTALL)
    assert [question for question in leading if question not in text] == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_imports_of_scikit_learn_are_seen_and_all_others_are_folded(site, chapter):
    source = chapter.read_text(encoding="utf-8")
    text = page_of(site, f"pillars/{chapter.stem}")
    fold = '<details class="admonition hide.*?</details>'
    shown, n_folds = re.subn(fold, "", text, flags=re.DOTALL)
    cells = re.findall(r'<div class="cell_input.*?<pre>(.*?)</pre>', shown, re.DOTALL)
    assert cells and n_folds >= 2  # the imports, and a picture
    code = "\n".join(html.unescape(re.sub("<[^>]+>", "", cell)) for cell in cells)
    imports = re.findall(r"^(?:from|import) .+", code, re.MULTILINE)
    assert imports == re.findall(r"^from sklearn\b.+", source, re.MULTILINE)


def test_an_import_is_seen_or_folded_with_the_comment_above_it():
    seen = (
        "# Models\nfrom sklearn.a import (\n    b,\n)\nfrom sklearn import c  # noqa\n"
    )
    rest = "# Tables\nimport pandas\n\nfrom sklearnex import d\n"
    first, _, last = rest.partition("\n\n")
    page = site_pages.cells_of_imports(f"{first}\n{seen}\n{last}")
    open_cell, folded = page.split("# %%")[1:]
    assert open_cell.strip() == seen.strip()
    assert folded.partition("}\n")[2].strip() == rest.strip()
    assert "other imports" in folded
    alone = site_pages.cells_of_imports(rest)
    assert alone.count("# %%") == 1 and "other" not in alone


def test_a_cell_is_split_after_the_imports_that_it_begins_with():
    imports = "# Tools\nimport a\nfrom b import (\n    c,\n)  # noqa\n"
    for rest in ("x = 1\nimport d\n", "# %% [markdown]\n# Words.\n", ""):
        assert site_pages.split_imports(f"{imports}\n\n{rest}") == (imports, rest)
    assert site_pages.split_imports("x = 1\nimport a\n") == ("", "x = 1\nimport a\n")
    page = site_pages.chapter_page(
        "# # 0 X: y?\n\n# **Guess first:** z?\n\n# %%\nimport a\n\nx = 1\n\n"
        "# %% [markdown]\n# Answer.\n#\n# **Try it:** more.\n"
    )
    tags = re.findall(r'# %% tags=\["(.+?)"\]', page)
    assert tags == ["hide-input", "answer"]


def test_the_reader_is_told_what_a_fold_of_code_holds(site):
    for chapter in CHAPTERS:
        text = page_of(site, f"pillars/{chapter.stem}")
        fold = r'<details class="admonition hide (.+?)">\n<summary.*\n<p.*?>(.+?)</p>'
        shown = set(re.findall(fold, text))
        imports = "imports"
        if "\nfrom sklearn" in chapter.read_text(encoding="utf-8"):
            imports = "other imports"
        assert shown == {("above-input", f"Show the {x}") for x in (imports, "code")}


def test_an_answer_is_opened_by_the_keyboard_and_printed_open(phone, site):
    visit(phone, site, FIRST_CHAPTER)
    is_seen = (
        "return document.querySelector('details.answer .cell_output').checkVisibility()"
    )
    assert not phone.execute_script(is_seen)
    phone.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert phone.execute_script(is_seen)
    phone.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert not phone.execute_script(is_seen)
    phone.find_element("css selector", "details.answer > summary").send_keys("\n")
    assert phone.execute_script(is_seen)


def test_a_choice_says_whether_it_is_right_opens_the_answer_and_is_counted(phone, site):
    visit(phone, site, FIRST_CHAPTER)
    phone.execute_script("localStorage.clear()")
    phone.refresh()
    answers = phone.find_elements("css selector", "details.answer")
    lists = phone.find_elements("css selector", "ul.choices")
    assert len(answers) == len(lists) > 1
    chosen = []
    for place, wanted in [(0, False), (1, True), (0, True)]:
        right = phone.execute_script(
            "return arguments[0].querySelector('p > strong').textContent",
            answers[place],
        )
        for button in lists[place].find_elements("tag name", "button"):
            if (f"{button.text}.".lower() == right.lower()) == wanted:
                button.send_keys("\n")
                chosen.append(button)
                break
    assert [answer.get_attribute("open") for answer in answers[:2]] == ["true", "true"]
    status = "p[role='status']"
    texts = [said.text for said in phone.find_elements("css selector", status)]
    # The first choice counts: before the second one, the answer has been seen.
    assert texts[0].startswith("Not this time") and texts[1].startswith("Right")
    marks = [button.get_attribute("class") for button in chosen]
    assert marks == ["wrong", "right", "right"]

    # After a reload the guess is known, and its answer is closed.
    phone.refresh()
    marked = phone.find_elements("css selector", "ul.choices button[class]")
    assert [button.get_attribute("class") for button in marked][:2] == [
        "wrong",
        "right",
    ]
    pressed = "ul.choices button[aria-pressed='true']"
    assert len(phone.find_elements("css selector", pressed)) == 2
    assert "Not this time" in phone.find_element("css selector", status).text
    assert phone.find_element("id", "answer-1").get_attribute("open") is None
    phone.find_element("css selector", f"{status} a").send_keys("\n")
    assert phone.find_element("id", "answer-1").get_attribute("open")

    visit(phone, site, "index")
    count = phone.find_element("id", "guesses").text
    others = [ROOT / "docs" / f"{name}.md" for name in ("real", "what_now")]
    asking = [*CHAPTERS, *others]
    n_guesses = sum(page.read_text("utf-8").count("Guess first:") for page in asking)
    assert f"2 of {n_guesses} guesses, 1 of them right" in count
    mark = phone.find_element("css selector", "td .done")
    assert mark.text == ("✓" if len(lists) == 2 else f"2/{len(lists)}")


STORED = "localStorage['scikit-learn-ecosystem-lesson']"


def test_the_home_page_knows_what_is_solved_and_where_the_reader_stopped(phone, site):
    visit(phone, site, f"exercises/{CHAPTERS[0].stem}")
    phone.execute_script("localStorage.clear()")
    phone.refresh()
    phone.find_element("css selector", ".solved input").send_keys(" ")
    phone.refresh()
    box = phone.find_element("css selector", ".solved input")
    assert box.is_selected()
    last_fold = phone.find_elements("css selector", "article details")[-1]
    assert box.location["y"] > last_fold.location["y"], "solved at the end of the page"
    title = phone.find_element("css selector", "h1").text.rstrip("#")
    visit(phone, site, "index")
    n_exercises = len([*(ROOT / "exercises").glob("[0-9]_*.py")])
    solved = f"solved 1 of {n_exercises} exercises"
    assert solved in phone.find_element("id", "guesses").text
    assert phone.find_element("css selector", "td .done").text == "✓"
    assert phone.find_element("css selector", "#go-on a").text.startswith("0 Job")
    in_menu = "return document.querySelectorAll('.sidebar-tree .done').length"
    assert phone.execute_script(in_menu) == 1
    mark = phone.find_element("css selector", ".sidebar-tree .done")
    assert mark.get_attribute("title") == "solved"
    assert "✓ is " in phone.find_element("id", "guesses").text

    button = phone.find_element("css selector", "#guesses button")
    button.send_keys("\n")
    phone.switch_to.alert.dismiss()
    assert phone.execute_script(in_menu) == 1
    button.send_keys("\n")
    phone.switch_to.alert.accept()
    assert "solved 0 of" in phone.find_element("id", "guesses").text
    assert phone.execute_script(in_menu) == 0
    assert phone.find_element("css selector", "#go-on a").text == title


@pytest.mark.parametrize(
    "rubbish",
    [
        "{",
        "7",
        "[]",
        '{"guesses": null, "solved": {}, "last": "x", "totals": 3}',
        '{"guesses": {"pillars/0_first": [null]}, "solved": [null, 1], "last": {}}',
        '{"guesses": {"pillars/0_first": {"0": {"words": "?"}, "9": {"words": "?"}}}}',
        '{"last": {"page": "javascript:alert(1)", "title": "x"}, "solved": ["gone"]}',
    ],
)
def test_rubbish_in_the_store_of_the_browser_breaks_nothing(phone, site, rubbish):
    page = address_of(site, FIRST_CHAPTER)
    phone.get(page)
    phone.execute_script(f"{STORED} = arguments[0]", rubbish)
    visit(phone, site, "index")
    text = phone.find_element("id", "guesses").text
    assert " made 0 of " in text or "words" in rubbish
    assert "solved 0 of" in text
    phone.execute_script(f"{STORED} = arguments[0]", rubbish)
    phone.get(page)
    n_choices = len(phone.find_elements("css selector", "ul.choices li"))
    buttons = phone.find_elements("css selector", "ul.choices button")
    assert len(buttons) == n_choices > 0
    buttons[0].send_keys("\n")
    assert phone.find_element("css selector", "details.answer").get_attribute("open")
    visit(phone, site, "index")
    assert " made 1 of " in phone.find_element("id", "guesses").text


def test_an_address_that_leads_into_an_answer_opens_it(phone, site):
    page = address_of(site, FIRST_CHAPTER)
    phone.get("about:blank")  # from the same page, the browser would not load it anew
    phone.get(f"{page}#answer-2")
    opened = [
        a.get_attribute("open")
        for a in phone.find_elements("css selector", "details.answer")
    ]
    assert opened[:2] == [None, "true"]


def test_a_chapter_without_its_mark_of_play_is_an_error_as_is_a_mark_too_many():
    page = "# Before.\n#\n# <!-- play: tree -->\n#\n# After.\n"
    played = site_pages.with_play(page, "pillars/0_first", "print('the program')")
    before, cell, after = played.split("# %%")
    assert "Before" in before and "After" in after and "[markdown]" in after
    assert "remove-input" in cell and "print('the program')" in cell
    assert 'show("tree", globals())' in cell
    for docname, wrong in [
        ("pillars/0_first", "# Before.\n"),
        ("pillars/0_first", page + page),
        ("pillars/0_first", page.replace("tree", "looks")),
        ("pillars/0_job", page),
    ]:
        with pytest.raises(ValueError, match="marks"):
            site_pages.with_play(wrong, docname, "")
    assert site_pages.with_play("# Words.\n", "pillars/0_job", "") == "# Words.\n"


def names_defined_in(program):
    """Return the names of the functions and variables at the top of a program."""
    names = set()
    for statement in ast.parse(program.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.FunctionDef):
            names.add(statement.name)
        elif not isinstance(statement, (ast.Import, ast.ImportFrom)):
            variables = [n for n in ast.walk(statement) if isinstance(n, ast.Name)]
            names |= {n.id for n in variables if isinstance(n.ctx, ast.Store)}
    return names


@pytest.mark.parametrize("chapter", site_pages.PLAYS)
def test_the_program_of_what_readers_play_with_changes_no_name_of_a_chapter(chapter):
    names = names_defined_in(ROOT / "docs" / "play.py")
    assert names & names_defined_in(ROOT / f"{chapter}.py") == set()


def test_only_chapters_with_something_to_play_with_load_its_program(site):
    loading = {}
    for page, text in pages(site).items():
        for program in re.findall(r'src="[^"]*/(play|taste)\.js', text):
            loading[f"{page.parent.name}/{page.stem}"] = program
            # Without JavaScript, there is an empty place that is not seen. An answer
            # that is closed does not hide it.
            answer = '<details class="answer">.*?</details>'
            text = re.sub(answer, "", text, flags=re.DOTALL)
            place = re.search(r'<div class="play" id="play-(\w+)"[^>]*></div>', text)
            assert place[0].endswith(" hidden></div>")
            assert place[1] == site_pages.PLAYS[f"pillars/{page.stem}"]
    assert loading.keys() == site_pages.PLAYS.keys()
    assert [page for page in loading if loading[page] == "taste"] == ["pillars/4_taste"]


def test_the_home_page_leads_to_all_that_readers_play_with(phone, site):
    visit(phone, site, "index")
    links = phone.find_elements("css selector", "#plays a")
    assert all(link.is_displayed() for link in links)
    addresses = [link.get_dom_attribute("href") for link in links]
    assert addresses == [
        f"{page}.html#play-{name}" for page, name in site_pages.PLAYS.items()
    ]


@pytest.mark.parametrize("program", ["play.js", "taste.js"])
def test_what_readers_play_with_loads_stores_and_sends_nothing(program):
    code = (ROOT / "docs" / program).read_text(encoding="utf-8")
    code = code.replace('"http://www.w3.org/2000/svg"', "")  # a name, not an address
    reaching_out = (
        r"fetch|XMLHttp|Beacon|Socket|Storage|cookie|import|Image|src|https?:"
    )
    assert re.findall(reaching_out, re.sub("//.*", "", code)) == []


def open_play(phone, site, page):
    """Open the page of a chapter; return what readers play with, and what it tells."""
    visit(phone, site, f"pillars/{page}")
    place = phone.find_element("css selector", ".play")
    return place, place.find_element("css selector", "[role='status']")


def press(place, name, key="\n"):
    """Press a key in a button, or in another control, of what readers play with."""
    place.find_element("name", name).send_keys(key)


def rows_of(told):
    """Return the table in what is told, as {first cell: other cells}."""
    rows = [row.text.split() for row in told.find_elements("tag name", "tr")]
    return {row[0]: row[1:] for row in rows}


def figure(printed, words):
    """Return the first number after some words in what a chapter has printed."""
    return float(re.search(rf"{re.escape(words)}\D*?(-?[\d.]+\d)", printed)[1])


LEFT, RIGHT, HOME, END = "\ue012", "\ue014", "\ue011", "\ue010"  # keys, for selenium


def test_the_slider_of_the_tree_tells_what_the_chapter_and_its_task_print(phone, site):
    place, told = open_play(phone, site, "0_first")
    errors_of_tree = r"^tree +training rows (\S+), test rows (\S+)"
    printed = "\n".join(chapter_output("0_first", site))
    last = re.search(errors_of_tree, printed, re.MULTILINE).groups()
    assert re.findall(r"\d\.\d{3}", told.text)[:2] == [*last]
    assert "worse than the mean" in told.text
    press(place, "depth", HOME + 4 * RIGHT)
    answer = (ROOT / "docs" / "tried.md").read_text(encoding="utf-8")
    in_task = re.search(errors_of_tree, answer, re.MULTILINE).groups()
    assert re.findall(r"\d\.\d{3}", told.text)[:2] == [*in_task]
    assert "better than the mean" in told.text and "worse than the ridge" in told.text
    slider = place.find_element("name", "depth")
    assert slider.get_attribute("aria-valuetext") == "5 questions"
    # Each place that was tried has left two points.
    n_points = len(place.find_elements("css selector", "g circle"))
    n_tried = int(re.search(r"tried (\d+)", told.text)[1])
    assert n_points == 2 * n_tried >= 4


def test_a_test_set_is_used_once_and_all_of_them_have_the_spread_that_is_printed(
    phone, site
):
    place, told = open_play(phone, site, "0_luck")
    outputs = chapter_output("0_luck", site)
    press(place, "1")
    first = re.search(r"RMSE (\d\.\d+)", told.text)[1]
    assert rows_of(told) == {}, "one test has no spread"
    press(place, "10")
    assert rows_of(told)["500"][0] == "11"
    press(place, "all")
    (printed,) = [o for o in outputs if "on 200 test sets" in o]
    mean, spread = re.search(r"mean (\S+), standard deviation (\S+)", printed).groups()
    assert rows_of(told)["500"] == ["200", mean, spread]
    press(place, "1")  # there is none left
    assert rows_of(told)["500"][0] == "200" and "are used" in told.text
    numbers = json.loads(place.get_attribute("data-numbers"))
    assert any(f"{rmse:.3f}" == first for rmse in numbers["500"])
    (printed,) = [o for o in outputs if "sets of 125 rows" in o]
    for n_rows in ("125", "2000"):
        place.find_element("css selector", f"[value='{n_rows}']").send_keys(" ")
        press(place, "all")
        n_tests, _, spread = rows_of(told)[n_rows]
        assert f"{n_tests} sets of {n_rows} rows: {spread}" in printed
    assert rows_of(told)["500"][0] == "200", "what was tested stays in the table"


def test_a_leak_that_is_guessed_grows_as_users_rate_less_and_is_of_the_chapters_size(
    phone, site
):
    place, told = open_play(phone, site, "3_model_selection")
    printed = "\n".join(chapter_output("3_model_selection", site))
    assert "not shown yet" in told.text and rows_of(told) == {}
    press(place, "guess", 5 * RIGHT)
    press(place, "show")
    assert rows_of(told)["10"][0] == "0.10" and "off by" in told.text
    press(place, "guess", END)  # a guess that was shown stays
    press(place, "show")
    assert rows_of(told)["10"][0] == "0.10"
    _, before, inside = map(float, rows_of(told)["10"])
    assert before == pytest.approx(figure(printed, "of the whole table:"), abs=0.05)
    assert inside == pytest.approx(figure(printed, "the same, cross-fitted:"), abs=0.02)

    rule = place.find_element("css selector", "path.reference")
    press(place, "size", HOME)
    for n_shown in range(2, 9):
        press(place, "show")
        is_visible = rule.get_attribute("visibility") == "visible"
        assert is_visible == ("dashed line" in told.text) == (n_shown >= 3)
        press(place, "size", RIGHT)
        if place.find_element("name", "size").get_attribute("value") == "5":
            press(place, "size", RIGHT)  # 10 ratings, shown before
    rows = {float(n): row for n, row in rows_of(told).items() if row[0][-1].isdigit()}
    assert list(rows) == sorted(rows) and len(rows) == 8
    leaks = [float(before) for _, before, _ in rows.values()]
    errors = [abs(float(guess) - float(before)) for guess, before, _ in rows.values()]
    told_error = re.search(r"8 guesses are off by\s+(\S+)\.", told.text)[1]
    assert float(told_error) == pytest.approx(np.mean(errors), abs=0.006)
    assert leaks == sorted(leaks, reverse=True)
    points = place.find_elements("css selector", "g circle.orange")
    assert len(points) == 8
    for n_ratings, (_, before, inside) in rows.items():
        # What the dashed line says, and that there is nothing to predict.
        assert float(before) == pytest.approx(1 / n_ratings, abs=0.06)
        assert abs(float(inside)) < 0.03


def test_the_rule_for_the_threshold_is_nearly_as_cheap_as_the_cheapest(phone, site):
    place, told = open_play(phone, site, "4_threshold")
    printed = "\n".join(chapter_output("4_threshold", site))
    half = re.search(r"factors: p > 1/2 +(\S+) +(\S+)", printed).groups()

    def costs():
        """Return the cost now, by the rule, and by the cheapest threshold, as told."""
        told_costs = r"rows cost (\d+\.\d)[^=]+?they cost (\d+\.\d).+?: (\d+\.\d)"
        return re.search(told_costs, told.text, re.DOTALL).groups()

    assert costs()[0] == half[1]
    assert rows_of(told)["yes"] == [half[0]]
    press(place, "rule")
    chosen = place.find_element("name", "threshold").get_attribute("value")
    assert float(chosen) == pytest.approx(1 / 3, abs=0.01)
    third = re.search(r"factors: p > 1/3 +(\S+) +(\S+)", printed).groups()
    now = float(costs()[0])
    assert now == pytest.approx(float(third[1]), abs=0.3)
    for name in ("Precision", "Recall"):
        shown = float(rows_of(told)[name.lower()][0])
        assert shown == pytest.approx(figure(printed, f"{name}:"), abs=0.02)
    press(place, "cost", HOME)
    for _ in range(19):  # all places but the last
        press(place, "rule")
        now, by_rule, least = map(float, costs())
        assert now == by_rule and least <= by_rule <= 1.03 * least
        press(place, "cost", RIGHT)
    assert place.find_element("name", "cost").get_attribute("value") == "10"


def test_the_rounds_against_kmeans_count_who_was_right(phone, site):
    place, told = open_play(phone, site, "5_unsupervised")
    numbers = place.get_attribute("data-numbers")
    assert len(numbers) < 60_000
    rounds = {f"{r['silhouette']:.3f}": r for r in json.loads(numbers)}
    assert len(rounds) == 20  # each is told by its silhouette
    for silhouette, one in rounds.items():
        # What is told fits what is drawn.
        points = list(zip(one["x"], one["y"]))
        clusters = np.repeat(range(len(one["sizes"])), one["sizes"])
        of_drawn = silhouette_score(points, clusters)
        assert of_drawn == pytest.approx(float(silhouette), abs=0.003)
        far_above = np.mean(one["controls"]) + 2 * np.std(one["controls"])
        if abs(far_above - float(silhouette)) > 0.002:  # they are rounded
            assert one["above"] == (float(silhouette) > far_above)

    def scores():
        return re.findall(
            r"^(?:you|“KMeans|control).*?(\d+)(?: \d+ %)?$", told.text, re.M
        )

    def drawn(colour):
        return place.find_elements("css selector", f"svg g:first-child .{colour}")

    n_groups = n_control = n_right = 0
    order = []
    for number in range(1, 21):
        assert len(drawn("grey")) == 200, "no cluster is seen before the answer"
        assert "silhouettes" not in place.find_element("tag name", "svg").text
        assert f"Round {number} of 20" in told.text
        press(place, "next")  # not before an answer
        assert f"Round {number} of 20" in told.text
        says_groups = number % 3 != 0
        press(place, "groups" if says_groups else "cloud")
        silhouette = re.search(r"silhouette is\s+(\d\.\d{3})", told.text)[1]
        order.append(silhouette)
        one = rounds[silhouette]
        are_groups = one["groups"] > 1
        n_groups += are_groups
        n_right += says_groups == are_groups
        n_control += one["above"] == are_groups
        assert told.text.startswith("Right" if says_groups == are_groups else "Wrong")
        truth = f"There are {one['groups']} groups" if are_groups else "It is one cloud"
        assert truth in told.text
        colours = [drawn(colour) for colour in ("blue", "orange", "pink")]
        assert [len(c) for c in colours if c] == one["sizes"]
        press(place, "cloud" if says_groups else "groups")  # no second answer
        assert scores() == [str(n) for n in (n_right, n_groups, n_control)]
        assert ("last round" in told.text) == (number == 20)
        if number == 20:
            than_control = re.search(r"and\s+(\w+) often right (?:as|than)", told.text)
            sign = (n_right > n_control) - (n_right < n_control)
            assert than_control[1] == {1: "more", 0: "as", -1: "less"}[sign]
        press(place, "next")
    assert set(order) == set(rounds), "each round comes once"
    assert n_groups == 10 < n_control
    assert "Round 1 of 20" in told.text and scores() == ["0", "0", "0"]


#: Random numbers that are the same in every run.
SEEDED = """
let state = 1;
Math.random = () => {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};
"""


def test_whoever_looks_every_day_has_as_many_false_alarms_as_the_chapter(phone, site):
    place, told = open_play(phone, site, "8_experiment")
    phone.execute_script(SEEDED)
    has_alarm = []
    for _ in range(12):
        press(place, "1")
        has_alarm.append("is better" in told.text)
        alarm = place.find_element("css selector", "circle")
        assert alarm.get_attribute("visibility") == (
            "visible" if has_alarm[-1] else "hidden"
        )
        days = place.find_element("css selector", ".curve").get_attribute("d")
        assert days.count("L") == 28

    def counted():
        """Return the false alarms that are told: every day, and at the end."""
        return [int(n) for n in re.findall(r"(?:day|end) (\d+) \d+ %", told.text)]

    assert counted()[0] == sum(has_alarm) and 0 < sum(has_alarm) < 12
    for _ in range(20):
        press(place, "100")
    assert "2012 tests" in told.text
    (printed,) = [
        o for o in chapter_output("8_experiment", site) if "equal models" in o
    ]
    every_day, at_the_end = (n / 2012 for n in counted())
    assert every_day == pytest.approx(figure(printed, "until p < 0.05:"), abs=0.04)
    assert at_the_end == pytest.approx(figure(printed, "at the end:"), abs=0.02)


@pytest.fixture
def narrow_phone(phone):
    """Return the browser of `phone` with the narrowest screen, for one test."""
    narrow = {**SCREEN_OF_PHONE, "width": 320}
    phone.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", narrow)
    yield phone
    phone.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SCREEN_OF_PHONE)


@pytest.mark.parametrize("page", site_pages.PLAYS)
def test_what_readers_play_with_fits_a_narrow_phone_and_has_names_for_all(
    narrow_phone, site, page
):
    phone = narrow_phone
    place, told = open_play(phone, site, page.partition("/")[2])
    for button in place.find_elements("css selector", "button"):
        button.send_keys("\n")
    assert told.text and place.find_element("tag name", "svg").accessible_name
    for control in place.find_elements("css selector", "input, button"):
        assert control.accessible_name
    too_wide = phone.execute_script(
        "return [...arguments[0].querySelectorAll('*')]"
        ".filter((part) => part.getBoundingClientRect().right > 320)"
        ".map((part) => part.outerHTML)",
        place,
    )
    assert too_wide == []


def test_whoever_rates_like_ann_stands_beside_her_on_the_map_of_tastes(phone, site):
    outputs = chapter_output("4_taste", site)
    (filled,) = [o for o in outputs if o.startswith("Stars by the learned numbers")]
    row = re.search("^Ann.+", filled, re.MULTILINE)[0]
    titles = filled.split("\n")[1].split()
    stars_of_ann = dict(zip(titles, re.findall(r"\d\.\d", row)))
    visit(phone, site, "pillars/4_taste")
    told = phone.find_element("css selector", "#play-taste [role='status']")
    assert "Rate a movie" in told.text
    place_of_you = (
        "return new DOMMatrix(document.querySelector('#play-taste .you')"
        ".style.transform).toString()"
    )
    middle = phone.execute_script(place_of_you)

    for title, stars in {"Alien": 5, "Titanic": 2, "Up": 2}.items():
        button = f"#play-taste [name='{title}'][value='{stars}']"
        phone.find_element("css selector", button).send_keys(" ")
    assert phone.execute_script(place_of_you) != middle
    assert "Ann lies most in your direction" in told.text
    predicted = dict(re.findall(r"(\w+): ([\d.]+) stars", told.text))
    assert set(predicted) == set(titles)
    assert "(you: 5)" in told.text
    for title, stars in predicted.items():
        assert float(stars) == pytest.approx(float(stars_of_ann[title]), abs=0.15)

    # The name "you" covers no other name, though the point lies on that of Ann.
    is_covering = (
        "const you = document.querySelector('#play-taste .you');"
        "you.style.transition = 'none';"  # it moves there at once
        "const place = you.querySelector('text').getBoundingClientRect();"
        "return [...document.querySelectorAll('#play-taste svg g:not(.you) text')]"
        ".map((text) => text.getBoundingClientRect()).some((other) =>"
        " place.left < other.right && other.left < place.right &&"
        " place.top < other.bottom && other.top < place.bottom)"
    )
    assert not phone.execute_script(is_covering)

    # The points are where the chapter prints them.
    (printed,) = [o for o in outputs if "from two random starts" in o]
    place = phone.find_element("id", "play-taste")
    movies = json.loads(place.get_attribute("data-numbers"))["movies"]
    for title, numbers in movies.items():
        row = re.search(rf"{title} +(\S+) +(\S+)", printed)
        assert [float(n) for n in row.groups()] == pytest.approx(numbers, abs=0.006)

    # Going back to "not seen" leads to the middle.
    for title in ("Alien", "Titanic", "Up"):
        button = f"#play-taste [name='{title}'][value='']"
        phone.find_element("css selector", button).send_keys(" ")
    assert phone.execute_script(place_of_you) == middle


def test_every_recipe_shows_what_it_has_printed():
    appendix = (ROOT / "pillars" / "appendix_recipes.py").read_text(encoding="utf-8")
    recorded = (ROOT / "docs" / "recipes.txt").read_text(encoding="utf-8")
    page = site_pages.with_recorded_outputs(appendix, recorded)
    tools = re.findall(r' tool\("([\w.]+)"', appendix)
    for tool in set(tools) - {"skl2onnx"}:  # it prints with onnxruntime
        shown = re.search(rf"It prints, with `{tool}`:\n# \n# ```text\n# (.+)", page)
        assert shown[1] in recorded
    outputs = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    long_lines = [x for x in "".join(outputs).split("\n") if len(x) > 100]
    assert [x for x in long_lines if len(x.split()) > 2] == []  # "#" and an address
    with pytest.raises(KeyError, match="skore"):
        site_pages.with_recorded_outputs(appendix, recorded.replace("--- skore", ""))
