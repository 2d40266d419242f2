"""What a newcomer does in the browser, done in a headless Chromium: `make test-browser`.

Skipped where Chromium, its driver or selenium is missing. With SCREENSHOTS set to a folder, the
pictures of the README are made anew there, and where a test fails, failure.png.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: make test-browser")

from selenium.common.exceptions import WebDriverException  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium or its driver is not installed")
FLAGS = (
    "headless=new no-sandbox disable-gpu disable-dev-shm-usage disable-quic no-first-run "
    "disable-background-networking disable-component-update disable-sync window-size=1360,1000"
)
FITS = """
const scrolls = e => /auto|scroll/.test(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1;
return ![...document.querySelectorAll("*")].some(scrolls)
"""
LANDING_PAGE = "/assets/recommendation?view=events"
CLONE = Path(__file__).resolve().parents[2]


class Browser:
    """A Chromium that looks at one server."""

    def __init__(self, server, folder: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in [*FLAGS.split(), f"user-data-dir={folder / 'chromium'}"]:
            options.add_argument(f"--{flag}")
        self.server, self.looked = server, 0.0
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))

    @property
    def text(self) -> str:
        """All that can be read."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    def open(self, path: str) -> None:
        """Go to a page of the server."""
        self.driver.get(f"http://127.0.0.1:{self.server.port}{path}")

    def click(self, words: str) -> None:
        """Press the button, or follow the link, with these words."""
        self._until(lambda: self._press(words))

    def types(self, config: str) -> None:
        """Write a config into the Launchpad's editor."""
        editor = "document.querySelector('.CodeMirror').CodeMirror"
        self._until(lambda: self.driver.execute_script(f"{editor}.setValue(arguments[0]); return true", config))

    def draws(self, words: str) -> None:
        """Wait for a picture with this description, and that the browser could draw it."""
        width = "return document.querySelector(`img[alt='${arguments[0]}']`).naturalWidth"
        self._until(lambda: self.driver.execute_script(width, words) > 100)

    def shows(self, words: str) -> None:
        """Scroll to the picture with this description."""
        scroll = "document.querySelector(`img[alt='${arguments[0]}']`).scrollIntoView({block: 'center'})"
        self.driver.execute_script(scroll, words)

    def reads(self, words: str, reload: bool = False) -> None:
        """Wait until the page says these words; `reload` looks anew, as the page itself does only now and then."""

        def read() -> bool:
            if words in self.text:
                return True
            if reload and time.monotonic() > self.looked + 5:
                self.driver.refresh()
                self.looked = time.monotonic()
            return words in self.text

        self._until(read)

    def fits(self, width: int) -> bool:
        """Whether nothing scrolls sideways in a window of this width."""
        self.driver.set_window_size(width, 1000)
        self._until(lambda: self.driver.execute_script("return window.innerWidth") == width)
        return bool(self.driver.execute_script(FITS))

    def picture(self, name: str, width: int = 1360, height: int = 1000) -> None:
        """Keep a screenshot of a window of this size, if pictures are wanted."""
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            self.driver.set_window_size(width, height)
            time.sleep(1)  # until it is drawn anew
            (CLONE / folder).mkdir(parents=True, exist_ok=True)
            self.driver.save_screenshot(str(CLONE / folder / name))

    def _press(self, words: str) -> bool:
        link = f"//*[normalize-space(text())='{words}' and not(ancestor::button)]"
        path = f"//button[normalize-space()='{words}'] | {link}"
        found = self.driver.find_elements(By.XPATH, path)
        shown = [element for element in found if element.is_displayed() and element.is_enabled()]
        if shown:
            shown[0].click()
        return bool(shown)

    def _until(self, what: Callable[[], bool]) -> None:
        """Try again while the page is being drawn."""

        def attempt() -> bool:
            try:
                return what()
            except WebDriverException:
                return False

        try:
            self.server.wait_for(attempt, seconds=120)
        except AssertionError as error:
            self.picture("failure.png")
            raise AssertionError(f"{self.driver.current_url} says: {self.text[:3000]}\n{error}") from None


@pytest.fixture
def browser(newcomers_server, tmp_path) -> Iterator[Browser]:
    """A browser at the server of somebody who has done nothing yet."""
    newcomers_server.wait_for(newcomers_server.assets)
    browser = Browser(newcomers_server, tmp_path)
    yield browser
    browser.driver.quit()


def test_a_newcomer_gets_the_advice_sees_what_is_fresh_and_cleans_up(browser):
    server = browser.server
    browser.open("/assets/recommendation")
    browser.reads("Never materialized")
    browser.click("Materialize")
    browser.click("Confirm")  # Dagster warns that nothing upstream is there yet: it will be made
    server.wait_for(lambda: set(server.freshness().values()) >= {"HEALTHY"} and server.done() >= 2)
    see_the_advice(browser)
    see_the_checks(browser)
    see_the_runs(browser)
    look_into_the_cache(browser)
    clean_up(browser)


def see_the_advice(browser):
    """On the asset's page the state and what to do, without a click; behind one click why, and a picture."""
    browser.reads("Passing", reload=True)
    browser.reads("what_to_do")
    browser.reads("SAMPLE DATA")  # warnings stand first, without a click
    browser.reads("SELL TO OPEN")
    assert "Unsynced" not in browser.text
    browser.click("[Show Markdown]")
    for words in ("SAMPLE DATA", "Why", "Not done", "Advice only"):
        browser.reads(words)
    browser.draws("profit at expiration of these trades")
    browser.draws("candidates: yearly return against probability of assignment")


def see_the_checks(browser):
    browser.open("/assets/option_chains?view=checks")
    browser.click("schema_and_quotes")
    browser.reads("This is a blocking asset check.")
    browser.reads("Passed")


def see_the_runs(browser):
    browser.open("/runs")
    browser.reads("wheel/pulled: ")
    browser.reads("wheel/pulled_by: ")
    asker = browser.text.split("wheel/pulled_by: ")[1].split()[0]
    browser.open(f"/runs/{asker}")
    browser.reads("recommendation")
    browser.reads("RUN_SUCCESS")
    browser.open("/assets/recommendation?view=events")
    browser.reads("pulled_in")  # a link to the run that fetched


def look_into_the_cache(browser):
    browser.open("/assets/cache_inspection")
    browser.click("Materialize")
    browser.server.wait_for(lambda: browser.server.done() >= 3)
    browser.reads("the next answer would pull nothing from outside", reload=True)
    for words in (
        "keys are fresh",
        "of 5 GB on disk",
        "$0.00 of $50 this month",
        "🟢 fresh until ",
        " ET",
        "stale_keys",
    ):
        browser.reads(words)
    browser.click("Plots")
    browser.reads("hit_rate")
    browser.open("/assets/cache_inspection?view=events")
    browser.reads("🟢 fresh until ")
    browser.open("/assets/cache_inspection?view=checks")
    browser.reads("keys are fresh")


@pytest.fixture
def wheelers_browser(wheelers_server, tmp_path) -> Iterator[Browser]:
    """A browser at the server of the trader with nine positions, one of whose symbols is stale."""
    server = wheelers_server
    server.wait_for(server.assets)
    server.materialize("recommendation")
    server.user.query(
        "UPDATE snapshots SET created_at = created_at - INTERVAL 20 MINUTE WHERE table_name = 'option_chains' "
        "AND key = 'SMCI'"
    )
    server.materialize("cache_inspection")
    browser = Browser(server, tmp_path)
    yield browser
    browser.driver.quit()


def test_a_trader_sees_what_to_do_and_that_one_symbol_is_stale(wheelers_browser):
    browser = wheelers_browser
    see_the_orders(browser)
    see_the_stale_symbol(browser)
    see_the_lineage(browser)


def see_the_orders(browser):
    """Where `wheel ui` begins: warnings, then the orders, without folding anything; behind a click the rest."""
    browser.open(LANDING_PAGE)
    for words in ("SAMPLE DATA", "SELL TO OPEN", "BUY TO CLOSE"):
        browser.reads(words)
    assert browser.fits(width=1280)
    browser.picture("recommendation.png", width=1280, height=1240)
    browser.click("[Show Markdown]")
    for words in ("All filled: ", "be assigned", "The account under stress", "Why"):
        browser.reads(words)
    browser.draws("profit at expiration of these trades")
    browser.shows("profit at expiration of these trades")
    browser.picture("advice.png", height=1240)


def see_the_stale_symbol(browser):
    """In the matrix, in the check of its asset, and in the catalog as far as Dagster shows it."""
    browser.open("/assets/cache_inspection?view=events")
    browser.reads("the next answer would pull option_chains SMCI")
    for words in ("🟠 stale since ", "🟢 fresh until "):
        assert words.split()[0] in browser.text
    browser.picture("cache_inspection.png", width=1280, height=1100)
    for view in ("overview", "events", "checks"):
        browser.open(f"/assets/cache_inspection?view={view}")
        browser.reads("SMCI")
        assert browser.fits(width=1280), view
    browser.open("/assets/option_chains?view=checks")
    browser.reads("SMCI stale since ")
    assert browser.fits(width=1280)
    browser.open("/assets")
    browser.reads("option_chains")
    browser.picture("catalog.png", width=1280, height=1240)


def see_the_lineage(browser):
    """All assets in one picture; near by, the node with a stale symbol warns."""
    groups = ("market", "account", "model", "advice", "cache", "universe")
    browser.driver.set_window_size(1900, 1500)
    browser.open(f"/asset-groups?expanded={','.join(f'global@global:{group}' for group in groups)}")
    browser.reads("option_chains")
    for _ in range(8):
        browser.driver.execute_script("document.querySelector('[aria-label=zoom_out]').closest('button').click()")
        time.sleep(0.5)
    for asset in browser.server.assets():
        browser.reads(asset)
    browser.picture("lineage.png", width=1900, height=1500)
    browser.driver.set_window_size(1280, 1000)  # before it is drawn: another size afterwards moves the picture away
    browser.open("/locations/wheel_assets/asset-groups/market")
    browser.reads("1 / 2 Passed")
    browser.picture("stale.png", width=1280, height=1000)


def clean_up(browser):
    """With the form: first only told what would go, then done."""
    for number, dry_run in enumerate(("true", "false"), start=4):
        browser.open("/locations/wheel_assets/jobs/cleanup/playground")
        browser.reads("No errors")
        browser.types(f"ops:\n  remove_what_is_too_old:\n    config:\n      dry_run: {dry_run}\n")
        browser.click("Launch Run")
        browser.server.wait_for(lambda done=number: browser.server.done() >= done)
    browser.reads("snapshots gone: none; 0 rows")
