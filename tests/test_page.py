"""The page of the service in a real browser (chromium and selenium, where they are)."""

from statistics import median

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
webdriver = pytest.importorskip("selenium.webdriver")

from chromium import start_chromium  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402
from test_serving import start_service, train, wait_for  # noqa: E402

from lesson_code import load_movielens  # noqa: E402


@pytest.fixture(scope="module")
def browser():
    browser = start_chromium()
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def service(table, tmp_path_factory):
    with start_service(train(table), tmp_path_factory.mktemp("page")) as service:
        yield service


@pytest.fixture
def page(browser, service):
    """The page, as somebody sees it who comes for the first time."""
    open_page(browser, service)
    yield browser
    browser.execute_script("localStorage.clear()")


def open_page(browser, service):
    browser.get(service.address)
    wait_for(lambda: len(texts(browser, "#best li")) == 10)
    wait_for(lambda: len(texts(browser, "#found li")) == 10)


def texts(browser, selector):
    # In one step: between two, the page may replace what was found.
    return browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((it) => it.innerText)",
        selector,
    )


def give_five_stars(browser):
    """Rate the first movie that was found; return its title."""
    title = texts(browser, "#found li span")[0]
    menu = browser.find_element(By.CSS_SELECTOR, "#found select")
    Select(menu).select_by_value("5")
    wait_for(lambda: "one movie" in texts(browser, "#status")[0])
    return title


def test_stars_bring_recommendations_with_reasons_and_stay(page, service):
    assert "Popular" in texts(page, "#status")[0]
    title = give_five_stars(page)
    assert any("because you liked" in text for text in texts(page, "#best li"))
    assert texts(page, "#rated li span") == [title]

    open_page(page, service)  # it is loaded again
    assert texts(page, "#rated li span") == [title]
    page.find_element(By.ID, "clear").click()
    wait_for(lambda: "Popular" in texts(page, "#status")[0])
    assert texts(page, "#rated li") == []


def test_movies_without_titles_are_found_and_named_by_their_number(
    browser, table, tmp_path
):
    untitled = train(table.drop(columns="title"), titles=False)
    with start_service(untitled, tmp_path) as service:
        open_page(browser, service)
        browser.find_element(By.ID, "search").send_keys("movie 17")
        wait_for(lambda: texts(browser, "#found li span") == ["Movie 17"])
        give_five_stars(browser)
        wait_for(lambda: "you liked Movie 17" in str(texts(browser, "#best li")))


def test_a_title_is_never_read_as_html(page):
    assert any("The <b>film</b> &" in text for text in texts(page, "#found li"))
    assert page.find_elements(By.CSS_SELECTOR, "li b") == []


def test_the_page_can_be_used_by_keyboard_alone(page):
    def label():
        return page.execute_script(
            "return document.activeElement.getAttribute('aria-label') || ''"
        )

    webdriver.ActionChains(page).send_keys(Keys.TAB, "film", Keys.TAB).perform()
    wait_for(lambda: label().startswith("Stars for"))
    webdriver.ActionChains(page).send_keys(Keys.ARROW_DOWN).perform()
    wait_for(lambda: "one movie" in texts(page, "#status")[0])


def test_every_control_has_a_name(page):
    for control in page.find_elements(By.CSS_SELECTOR, "input, select, button"):
        assert control.accessible_name or not control.is_displayed()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_about(page, theme):
    """Axe checks contrast, labels and landmarks, for those who cannot see well."""
    axe = pytest.importorskip("axe_core_python.selenium").Axe()
    colors = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", colors)
    give_five_stars(page)
    found = axe.run(page)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert found["passes"]
    assert [(rule["id"], rule["nodes"]) for rule in found["violations"]] == []


def test_on_a_phone_nothing_is_wider_than_the_screen(page):
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    width = page.execute_script("return document.documentElement.scrollWidth")
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert width <= 360


def test_on_a_wide_screen_the_recommendations_are_beside_the_search(page):
    search = page.find_element(By.ID, "find").rect
    recommendations = page.find_element(By.ID, "next").rect
    last_found = page.find_elements(By.CSS_SELECTOR, "#found li")[-1].rect
    assert recommendations["x"] > search["x"]
    assert recommendations["y"] < last_found["y"]


CLICK = """
const done = arguments[1];
const best = document.getElementById("best");
const menu = document.querySelectorAll("#found select")[arguments[0]];
const start = performance.now();
const seen = new MutationObserver(() => {
  seen.disconnect();
  done(performance.now() - start);
});
seen.observe(best, {childList: true});
menu.value = "5";
menu.dispatchEvent(new Event("change"));
"""


def test_a_new_list_follows_each_click(browser, real_release, tmp_path):
    """It prints how long that takes; docs/deploy.md has the figure."""
    recommender = train(load_movielens(real_release), model="factors", titles=False)
    with start_service(recommender, tmp_path) as service:
        open_page(browser, service)
        milliseconds = [browser.execute_async_script(CLICK, n) for n in range(9)]
    print(f"click to new list: median {median(milliseconds):.0f} ms of {milliseconds}")
    assert len(milliseconds) == 9


def test_a_service_that_is_gone_is_told(browser, table, tmp_path):
    with start_service(train(table), tmp_path) as service:
        open_page(browser, service)
    browser.find_element(By.ID, "search").send_keys("film")
    wait_for(lambda: "does not answer" in texts(browser, "#problem")[0])
