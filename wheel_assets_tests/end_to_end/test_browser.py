"""What a newcomer does in the browser, done in a headless Chromium: `make test-browser`.

Skipped where Chromium, its driver or selenium is missing. With SCREENSHOTS set to a folder, the two
pictures of the README are made anew there.
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
    "headless=new no-sandbox disable-gpu disable-quic no-first-run disable-background-networking "
    "disable-component-update disable-sync window-size=1360,1000"
)
CLONE = Path(__file__).resolve().parents[2]


class Browser:
    """A Chromium that looks at one server."""

    def __init__(self, server, folder: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in [*FLAGS.split(), f"user-data-dir={folder / 'chromium'}"]:
            options.add_argument(f"--{flag}")
        self.server = server
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

    def reads(self, words: str, reload: bool = False) -> None:
        """Wait until the page says these words; `reload` looks anew, as the page itself does only now and then."""

        def read() -> bool:
            if words in self.text:
                return True
            if reload:
                self.driver.refresh()
                time.sleep(5)
            return words in self.text

        self._until(read)

    def picture(self, name: str) -> None:
        """Keep a screenshot, if pictures are wanted."""
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            (CLONE / folder).mkdir(exist_ok=True)
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

        self.server.wait_for(attempt)


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

    browser.reads("Passing", reload=True)
    browser.reads("[Show Markdown]", reload=True)
    assert "Unsynced" not in browser.text
    browser.picture("recommendation.png")
    browser.click("[Show Markdown]")
    browser.reads("SAMPLE DATA")
    browser.reads("SELL TO OPEN")
    browser.reads("Advice only")
    browser.picture("advice.png")

    browser.open("/assets/option_chains?view=checks")
    browser.reads("This is a blocking asset check.")
    browser.reads("Passed")

    browser.open("/assets/cache_inspection")
    browser.click("Materialize")
    server.wait_for(lambda: server.done() >= 3)
    browser.reads("size_mb", reload=True)

    browser.open("/locations/wheel_assets/jobs/cleanup/playground")
    browser.click("Launch Run")
    server.wait_for(lambda: server.done() >= 4)
