"""The page of the service in a real browser (chromium and selenium, where they are)."""

import shutil
import time
from statistics import median

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
webdriver = pytest.importorskip("selenium.webdriver")

from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402
from test_serving import Service, train  # noqa: E402

from lesson_code import load_movielens  # noqa: E402
from serving.app import create_app  # noqa: E402
from serving.arms import Arms  # noqa: E402

FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run
--disable-background-networking --disable-component-update --disable-sync
--window-size=1100,900"""


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium")
    driver = shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no chromium here")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in FLAGS.split():
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield browser
    browser.quit()


@pytest.fixture
def service(table, tmp_path):
    train(table).save_pipeline(tmp_path / "model.pkl")
    service = Service(create_app(Arms(tmp_path / "model.pkl")))
    yield service
    service.stop()


def wait_for(condition):
    for _ in range(250):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it has not happened within 5 seconds")


def texts(browser, selector):
    # In one step: between two, the page may replace what was found.
    return browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((it) => it.innerText)",
        selector,
    )


def open_page(browser, service):
    browser.get(service.address)
    wait_for(lambda: len(texts(browser, "#best li")) == 10)
    wait_for(lambda: len(texts(browser, "#found li")) == 10)


def test_stars_bring_recommendations_with_reasons_and_stay(browser, service):
    open_page(browser, service)
    assert "Popular" in browser.find_element(By.ID, "status").text
    menu = Select(browser.find_element(By.CSS_SELECTOR, "#found select"))
    title = texts(browser, "#found li span")[0]
    menu.select_by_value("5")
    wait_for(lambda: "one movie" in browser.find_element(By.ID, "status").text)
    assert any("because you liked" in text for text in texts(browser, "#best li"))
    assert texts(browser, "#rated li span") == [title]

    open_page(browser, service)  # it is loaded again
    assert texts(browser, "#rated li span") == [title]
    browser.find_element(By.ID, "clear").click()
    wait_for(lambda: "Popular" in browser.find_element(By.ID, "status").text)
    assert texts(browser, "#rated li") == []


def test_movies_without_titles_are_found_and_named_by_their_number(
    browser, table, tmp_path
):
    untitled = table.drop(columns="title")
    train(untitled, titles=False).save_pipeline(tmp_path / "model.pkl")
    service = Service(create_app(Arms(tmp_path / "model.pkl")))
    try:
        open_page(browser, service)
        browser.find_element(By.ID, "search").send_keys("movie 17")
        wait_for(lambda: texts(browser, "#found li span") == ["Movie 17"])
        menu = Select(browser.find_element(By.CSS_SELECTOR, "#found select"))
        menu.select_by_value("5")
        wait_for(
            lambda: "because you liked Movie 17" in str(texts(browser, "#best li"))
        )
        browser.find_element(By.ID, "clear").click()
    finally:
        service.stop()


def test_a_title_is_never_read_as_html(browser, service):
    open_page(browser, service)
    assert any("The <b>film</b> &" in text for text in texts(browser, "#found li"))
    assert browser.find_elements(By.CSS_SELECTOR, "li b") == []


def test_the_page_can_be_used_by_keyboard_alone(browser, service):
    open_page(browser, service)
    webdriver.ActionChains(browser).send_keys(Keys.TAB, "film", Keys.TAB).perform()

    def label():
        return browser.execute_script(
            "return document.activeElement.getAttribute('aria-label') || ''"
        )

    wait_for(lambda: label().startswith("Stars for"))
    webdriver.ActionChains(browser).send_keys(Keys.ARROW_DOWN).perform()
    wait_for(lambda: "one movie" in browser.find_element(By.ID, "status").text)
    browser.find_element(By.ID, "clear").click()


def test_every_control_has_a_name(browser, service):
    open_page(browser, service)
    for control in browser.find_elements(By.CSS_SELECTOR, "input, select, button"):
        if control.is_displayed():
            assert control.accessible_name


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_about(browser, service, theme):
    """Axe checks contrast, labels and landmarks, for those who cannot see well."""
    axe = pytest.importorskip("axe_core_python.selenium").Axe()
    colors = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", colors)
    open_page(browser, service)
    menu = Select(browser.find_element(By.CSS_SELECTOR, "#found select"))
    menu.select_by_value("5")
    wait_for(lambda: "one movie" in browser.find_element(By.ID, "status").text)
    found = axe.run(browser)
    browser.find_element(By.ID, "clear").click()
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert found["passes"]
    assert [(rule["id"], rule["nodes"]) for rule in found["violations"]] == []


def test_on_a_phone_nothing_is_wider_than_the_screen(browser, service):
    open_page(browser, service)
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    width = browser.execute_script("return document.documentElement.scrollWidth")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert width <= 360


def test_on_a_wide_screen_the_recommendations_are_beside_the_search(browser, service):
    open_page(browser, service)
    search = browser.find_element(By.ID, "find").rect
    recommendations = browser.find_element(By.ID, "next").rect
    last_found = browser.find_elements(By.CSS_SELECTOR, "#found li")[-1].rect
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
    recommender.save_pipeline(tmp_path / "model.pkl")
    service = Service(create_app(Arms(tmp_path / "model.pkl")))
    try:
        open_page(browser, service)
        milliseconds = [browser.execute_async_script(CLICK, n) for n in range(9)]
        browser.find_element(By.ID, "clear").click()
    finally:
        service.stop()
    print(f"click to new list: median {median(milliseconds):.0f} ms of {milliseconds}")
    assert len(milliseconds) == 9


def test_a_service_that_is_gone_is_told(browser, service):
    open_page(browser, service)
    service.stop()
    browser.find_element(By.ID, "search").send_keys("film")
    wait_for(lambda: "does not answer" in browser.find_element(By.ID, "problem").text)
