"""A market on loopback that counts what it is asked: sample chains in the protocol of Cboe."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pandas as pd

from wheel_assets.fetch.sample.sources import SampleMarket


def cboe_document(symbol: str) -> dict[str, Any]:
    """The sample chain of U as Cboe would serve it, under another ticker."""
    chain = SampleMarket().option_chain("U", datetime.now(UTC)).frame
    local = chain["timestamp"].dt.tz_localize("UTC").dt.tz_convert("America/New_York")[0]
    options = [
        {
            "option": symbol + row.option_symbol[6:],
            **{name: None if pd.isna(getattr(row, name)) else float(getattr(row, name)) for name in ("bid", "ask")},
            **{"bid_size": 10.0, "ask_size": 10.0, "iv": 0.0, "open_interest": 500.0, "volume": 10.0},
            **{"last_trade_price": 0.0, "last_trade_time": None},
        }
        for row in chain.itertuples()
    ]
    quote = {"symbol": symbol, "current_price": float(chain["spot_price"][0]), "options": options}
    quote["last_trade_time"] = local.strftime("%Y-%m-%dT%H:%M:%S")
    return {"timestamp": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}", "symbol": symbol, "data": quote}


def bars(symbol: str) -> bytes:
    """The sample history of U as Cboe would serve it, under another ticker."""
    history = SampleMarket().price_history("U", datetime.now(UTC)).frame
    days = history.assign(date=history["date"].dt.strftime("%Y-%m-%d"))
    names = ["date", "open", "high", "low", "close", "volume"]
    return json.dumps({"symbol": symbol, "data": json.loads(days[names].to_json(orient="records"))}).encode()


@dataclass
class Market:
    """What the loopback market was asked, and how it behaves."""

    url: str = ""
    requests: Counter[str] = field(default_factory=Counter)  # for chains
    histories: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    down: bool = False

    def begin_anew(self) -> None:
        """Be well, and forget what was asked."""
        self.requests.clear()
        self.histories.clear()
        self.seconds, self.down = 0.0, False


@contextlib.contextmanager
def serving(documents: dict[str, bytes]) -> Iterator[Market]:
    """Serves these chains, and histories; anything else is refused as Cboe refuses it."""
    state = Market()
    histories = {symbol: bars(symbol) for symbol in documents}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            symbol = self.path.rsplit("/", 1)[-1].removesuffix(".json")
            history = "/charts/historical/" in self.path
            (state.histories if history else state.requests)[symbol] += 1
            time.sleep(state.seconds)
            body = documents.get(symbol, b"<Error>AccessDenied</Error>")
            body = histories[symbol] if history and symbol in documents else body
            self.send_response(500 if state.down else 200 if symbol in documents else 403)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()
