"""Many made-up stocks, served on loopback in Cboe's protocol: `python -m wheel_assets_tests.market.universe 500`.

Chains have the shape of an average stock's, five expirations of two dozen strikes: 240 contracts. They depend on the
symbol and the day and on nothing else. `/asked` tells how often each symbol was asked for, and how many at once.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.request import urlopen

import numpy as np

STRIKES, EXPIRATIONS = 24, 5


def symbols(count: int) -> list[str]:
    """The first symbols of the universe: KAA, KAB, ..."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return [letters[10 + n // 676] + letters[n // 26 % 26] + letters[n % 26] for n in range(count)]


def document(symbol: str, now: datetime) -> bytes:
    """The chain of a symbol as Cboe sends it."""
    from wheel_assets.fetch.sample.listing import expirations
    from wheel_assets.fetch.sample.quotes import Stock, market_at, quotes, random_of
    from wheel_assets.market.calendar import NEW_YORK, last_session, session_of
    from wheel_assets.market.osi import format_osi

    random, today = random_of("universe", symbol), now.astimezone(NEW_YORK).date()
    session = last_session(today, before=True)
    stock = Stock(anchor=round(float(random.lognormal(4, 0.8)), 1), volatility=float(random.uniform(0.2, 0.8)))
    market = market_at(symbol, stock, session)
    options: list[dict[str, Any]] = []
    for listed in expirations(today, stock.anchor)[2 : 2 + EXPIRATIONS]:
        near = np.argsort(np.abs(np.log(listed.strikes / market.spot)), kind="stable")[:STRIKES]
        quoted = quotes(symbol, market, session, listed._replace(strikes=np.sort(listed.strikes[near])))
        names = ("bid", "ask", "bid_size", "ask_size", "iv", "open_interest", "volume", "last")
        for row in range(len(quoted["strike"])):
            code = format_osi(symbol, listed.day, quoted["option_type"][row], float(quoted["strike"][row]))
            told = {name: None if np.isnan(value := float(quoted[name][row])) else value for name in names}
            options.append({"option": code.replace(" ", ""), "last_trade_price": told.pop("last"), **told})
    closed = f"{session_of(session).closes.replace(tzinfo=UTC).astimezone(NEW_YORK):%Y-%m-%dT%H:%M:%S}"
    data = {"symbol": symbol, "current_price": market.spot, "options": options, "last_trade_time": closed}
    return json.dumps({"symbol": symbol, "data": data}).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    chains: dict[str, bytes] = {}
    asked: Counter[str] = Counter()
    running, most, lock = 0, 0, threading.Lock()
    delay = 0.0

    def do_GET(self) -> None:
        kind = type(self)
        if self.path == "/asked":
            self._send(json.dumps({"asked": kind.asked, "at_once": kind.most}).encode())
            return
        symbol = self.path.rpartition("/")[2].removesuffix(".json")
        with kind.lock:
            kind.asked[symbol] += 1
            kind.running += 1
            kind.most = max(kind.most, kind.running)
        time.sleep(self.delay)
        self._send(kind.chains.get(symbol))
        with kind.lock:
            kind.running -= 1

    def _send(self, body: bytes | None) -> None:
        self.send_response(200 if body else 403)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def served(count: int, delay: float = 0.0) -> Iterator[str]:
    """The address of a server of the first `count` symbols, in a process of its own that ends with the block."""
    command = [sys.executable, "-m", __name__, str(count), str(delay)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.communicate(timeout=30)


def asked(url: str) -> dict[str, Any]:
    """What the server was asked for: `asked` by symbol, and `at_once`, the most requests at the same time."""
    with urlopen(f"{url}/asked") as answer:
        return dict(json.load(answer))


def main() -> None:
    """Make the chains, tell the address, serve until ended."""
    count, _Handler.delay = int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    now = datetime.now(UTC)
    _Handler.chains = {symbol: document(symbol, now) for symbol in [*symbols(count), "SPY"]}
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
