"""The report in a headless Chromium: no sideways scrolling at three widths, sortable, accessible.

axe-core is used where `npm install axe-core` has put it (AXE names its axe.min.js); the rest needs only Chromium.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: make test-browser")

from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium or its driver is not installed")
AXE = os.environ.get("AXE", "")
VIOLATIONS = """
const done = arguments[arguments.length - 1];
axe.run().then(r => done(r.violations.filter(v => ["serious", "critical"].includes(v.impact)).map(v => v.id)))
"""


@pytest.fixture
def browser(wheeler, tmp_path):
    """A browser that looks at the report of the account with nine positions."""
    done = wheeler.run("wheel", "report", "report.html")
    assert done.returncode == 0, done.stderr
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "disable-quic"):
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={tmp_path / 'chromium'}")
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.get((tmp_path / "report.html").as_uri())
    yield driver
    driver.quit()


def look(browser, width: int, scheme: str = "light") -> None:
    """Set the size of the page and the colours that the system prefers."""
    size = {"width": width, "height": 1400, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    preferred = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", preferred)


def test_it_can_be_read_at_every_width_and_used(browser):
    for width in (390, 1280, 1920):
        look(browser, width)
        root = "document.documentElement"
        assert browser.execute_script(f"return {root}.scrollWidth <= {root}.clientWidth"), width
        text = browser.find_element(By.TAG_NAME, "body").text
        for said in ("SAMPLE DATA", "SELL TO OPEN", "Candidates", "🟢 fresh until", "be assigned", "under stress"):
            assert said in text
        keep_picture(browser, f"report-{width}.png")
    sort_and_filter(browser)
    for scheme in ("light", "dark"):
        look(browser, 1280, scheme)
        assert serious_violations(browser) == []


def sort_and_filter(browser) -> None:
    """A click on a heading sorts by number, both ways; words leave what has them all."""
    look(browser, 1280)
    rows = "return [...document.querySelectorAll('#sortable tbody tr')].filter(r => !r.hidden).map(r => {})"
    heading = browser.find_element(By.XPATH, "//table[@id='sortable']//button[text()='a year']")
    for reverse in (True, False):
        heading.click()
        numbers = browser.execute_script(rows.format("Number(r.cells[4].dataset.value)"))
        assert numbers == sorted(numbers, reverse=reverse)
    browser.find_element(By.ID, "filter").send_keys("covered call")
    kinds = browser.execute_script(rows.format("r.cells[1].textContent"))
    assert set(kinds) == {"covered call"}


def serious_violations(browser) -> list[str]:
    """What axe-core finds; nothing where it is not installed."""
    if not AXE:
        return []
    browser.execute_script(Path(AXE).read_text())
    return browser.execute_async_script(VIOLATIONS)


def keep_picture(browser, name: str) -> None:
    """A screenshot, if pictures are wanted."""
    if folder := os.environ.get("SCREENSHOTS"):
        browser.save_screenshot(str(Path(__file__).resolve().parents[2] / folder / name))
