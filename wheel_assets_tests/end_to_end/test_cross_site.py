"""A page of somebody else in the same browser drives plain `dagster dev`, and cannot drive `wheel ui`.

Skipped where Chromium, its driver or selenium is missing.
"""

import functools
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: make test-browser")

from selenium.webdriver.chrome.service import Service  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium or its driver is not installed")
FLAGS = (
    "headless=new no-sandbox disable-gpu disable-dev-shm-usage disable-quic no-first-run "
    "disable-background-networking disable-component-update disable-sync"
)
MUTATION = (
    'mutation{reportRunlessAssetEvents(eventParams:{eventType:ASSET_MATERIALIZATION,assetKey:{path:["positions"]}})'
    "{__typename}}"
)
URL = "{target}/graphql?query=" + quote(MUTATION)
REPORT = "{target}/report_asset_materialization/positions"
SUBMIT = "<script>document.forms[0].submit()</script>"
# What a hostile page holds, by the way it tries: each reports that positions were made, where it gets through. Where
# the browser stays on the page, its title says when there was an answer, which the page cannot see.
ANSWERED = "document.title = 'answered'"
FETCH = (
    "<script>fetch('{address}', {{mode: 'no-cors', method: '{method}', credentials: 'include'}})"
    ".finally(() => {{ {answered} }})</script>"
)
PAGES = {
    "image": f'<img src="{URL}" onload="{ANSWERED}" onerror="{ANSWERED}">',
    "fetch": FETCH.format(address=URL, method="GET", answered=ANSWERED),
    "post": FETCH.format(address=URL, method="POST", answered=ANSWERED),
    "form": f'<form method=post action="{URL}"><input name=a value=b></form>{SUBMIT}',
    "text form": f"<form method=post enctype=text/plain action='{URL}'><input name=a value=b></form>{SUBMIT}",
    "report": FETCH.format(address=REPORT, method="POST", answered=ANSWERED),
    "link": "<script>location = '" + URL + "'</script>",
}
SOCKET = """<script>
const socket = new WebSocket('{socket}/graphql', 'graphql-ws')
socket.onopen = () => {{ document.title = 'open' }}
socket.onclose = () => {{ if (document.title !== 'open') document.title = 'refused' }}
</script>"""
REPORTED = '{ assetNodes(assetKeys: [{path: "positions"}]) { assetMaterializations { runId } } }'


class Attacker:
    """A web server of somebody else, under two names: another port of this host, and another site."""

    def __init__(self, target: int) -> None:
        self.target = f"http://127.0.0.1:{target}"
        handler = functools.partial(_Handler, self.page)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        port = self.server.server_port
        self.names = (f"http://127.0.0.1:{port}", f"http://evil.localhost:{port}")
        threading.Thread(target=self.server.serve_forever).start()

    def page(self, name: str) -> str:
        """The page that tries this way."""
        if name == "frame":
            return f'<iframe src="{self.target}/assets"></iframe>'
        if name == "socket":
            return SOCKET.format(socket=self.target.replace("http", "ws"))
        return PAGES[name].replace("{target}", self.target)


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, page, *rest) -> None:
        self.page = page
        super().__init__(*rest)

    def do_GET(self) -> None:
        name = self.path.strip("/").replace("%20", " ")
        found = name in (*PAGES, "frame", "socket")
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.page(name).encode() if found else b"")

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def victim(either_server, tmp_path):
    """A browser that has the server's pages open, as its owner has."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS.split(), f"user-data-dir={tmp_path / 'chromium'}"]:
        options.add_argument(f"--{flag}")
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    server = either_server
    if hasattr(server, "link"):
        driver.get(server.wait_for(lambda: server.link))
        server.cookie = "; ".join(f"{each['name']}={each['value']}" for each in driver.get_cookies())
    server.wait_for(server.assets)
    driver.get(f"http://127.0.0.1:{server.port}/assets")
    server.wait_for(lambda: "recommendation" in driver.page_source)  # the UI itself works
    yield driver
    driver.quit()


@pytest.fixture
def attacker(either_server):
    attacker = Attacker(either_server.port)
    yield attacker
    attacker.server.shutdown()
    attacker.server.server_close()


def effects(server) -> int:
    """How many materializations were reported, by whomever."""
    return len(server.ask(REPORTED)["assetNodes"][0]["assetMaterializations"])


def attempts(server, driver, attacker) -> dict[tuple[str, str], bool]:
    """Which way got through, from which name."""
    through = {}
    for name in attacker.names:
        for way in PAGES:
            before = effects(server)
            driver.get(f"{name}/{quote(way)}")
            server.wait_for(
                lambda name=name: driver.title == "answered" or not driver.current_url.startswith(f"{name}/")
            )
            through[name, way] = effects(server) > before
        driver.get(f"{name}/socket")
        server.wait_for(lambda: driver.title in ("open", "refused"))
        through[name, "socket"] = driver.title == "open"
        driver.get(f"{name}/frame")
        driver.switch_to.frame(0)
        through[name, "frame"] = shows(driver, "recommendation")
        driver.switch_to.default_content()
    return through


def shows(driver, word: str) -> bool:
    """Whether a page comes to say this; one that is refused is never drawn."""
    deadline = time.monotonic() + 2
    while word not in driver.page_source and time.monotonic() < deadline:
        time.sleep(0.1)
    return word in driver.page_source


def test_a_page_of_somebody_else(either_server, victim, attacker):
    through = attempts(either_server, victim, attacker)
    if hasattr(either_server, "link"):
        assert not any(through.values()), through
    else:  # the attacks are real
        assert sum(through.values()) >= 10, through
