"""A loopback server that plays any vendor, and the payloads of each, written from their specifications."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo


@dataclass
class Reply:
    """What to answer; `cut` sends half of the body, `reset` nothing at all."""

    body: Any = b""
    status: int = 200
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    reset: bool = False
    delay: float = 0.0

    @property
    def raw(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()

    @property
    def media_type(self) -> str:
        return self.content_type or ("text/plain" if isinstance(self.body, str) else "application/json")


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]


class FakeVendor:
    """Answers by path: each reply once, in order, the last one for ever; a function is asked every time."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.connections: list[socket.socket] = []
        self._replies: dict[str, list[Any]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def on(self, path: str, *replies: Any) -> None:
        """Answer `path` (without its query) with these."""
        self._replies[path] = list(replies)

    def replies(self, path: str) -> list[Any]:
        """What is still to be answered there."""
        return self._replies[path]

    def reply(self, seen: Seen) -> Reply:
        self.seen.append(seen)
        replies = self._replies.get(seen.path, [Reply({}, 404)])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        return reply(seen) if callable(reply) else reply

    def paths(self) -> list[str]:
        return [seen.path for seen in self.seen]

    def close(self) -> None:
        """Nobody listens any more, and nobody goes on with a connection that was kept open."""
        self._server.shutdown()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join()


def _handler(vendor: FakeVendor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # head and body in one packet: no wait for the client's acknowledgement

        def setup(self) -> None:
            vendor.connections.append(self.request)
            super().setup()

        def log_message(self, *args: Any) -> None:
            """Quiet."""

        def do_GET(self) -> None:  # noqa: N802
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            query, form = dict(parse_qsl(url.query)), dict(parse_qsl(body))
            self.answer(vendor.reply(Seen(self.command, unquote(url.path), query, dict(self.headers), form)))

        do_POST = do_GET  # noqa: N815

        def answer(self, reply: Reply) -> None:
            time.sleep(reply.delay)
            self.close_connection = reply.cut or reply.reset
            if reply.reset:
                return
            self.send_response(reply.status)
            headers = {"Content-Type": reply.media_type, "Content-Length": str(len(reply.raw)), **reply.headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.raw[: len(reply.raw) // 2] if reply.cut else reply.raw)

    return Handler


def cboe_option(code: str = "XYZ270115P00095000", **changes: Any) -> dict[str, Any]:
    row = {"option": code, "bid": 1.10, "ask": 1.20, "bid_size": 12.0, "ask_size": 20.0, "iv": 0.2413}
    row |= {"open_interest": 4821.0, "volume": 314.0, "delta": -0.2312, "last_trade_price": 1.15}
    return row | changes


def cboe_document(*options: Any, **changes: Any) -> dict[str, Any]:
    data = {"symbol": "XYZ", "current_price": 99.90, "close": 99.5, "bid": 99.88, "ask": 99.92}
    data |= {"last_trade_time": "2026-11-20T15:00:12", "options": list(options) or [cboe_option()]} | changes
    return {"timestamp": "2026-11-20 20:15:31", "symbol": "XYZ", "data": data}


def schwab_contract(code: str = "XYZ   270115P00095000", **changes: Any) -> dict[str, Any]:
    row = {"symbol": code, "bid": 1.10, "ask": 1.20, "last": 1.15, "bidSize": 12, "askSize": 20, "totalVolume": 314}
    row |= {"openInterest": 4821, "volatility": 24.1, "theoreticalVolatility": 29.0, "multiplier": 100.0}
    row |= {"quoteTimeInLong": 1795204799000, "nonStandard": False, "mini": False, "optionRoot": "XYZ"}
    return row | changes


def schwab_chain(*contracts: Any, **changes: Any) -> dict[str, Any]:
    contracts = contracts or (schwab_contract(),)
    underlying = {"symbol": "XYZ", "mark": 99.8, "last": 99.7, "close": 99.5, "quoteTime": 1795204700000}
    chain = {"symbol": "XYZ", "status": "SUCCESS", "underlying": underlying, "isDelayed": False, "volatility": 29.0}
    chain |= {"underlyingPrice": 99.9, "numberOfContracts": len(contracts), "isChainTruncated": False}
    return chain | {"callExpDateMap": {}, "putExpDateMap": {"2027-01-15:54": {"95.0": list(contracts)}}} | changes


def cboe_bar(day: str = "2026-11-19", close: Any = 99.9, **changes: Any) -> dict[str, Any]:
    return {"date": day, "open": 99.1, "high": 100.5, "low": 98.7, "close": close, "volume": 1200345} | changes


def schwab_bar(day: str = "2026-11-19", close: Any = 99.9, **changes: Any) -> dict[str, Any]:
    """Schwab's days begin at midnight in New York, told in milliseconds of UTC."""
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("America/New_York"))
    return {**cboe_bar(day, close), "datetime": int(midnight.timestamp() * 1000), **changes}


def schwab_option_position(code: str = "XYZ   270115P00095000", short: float = 2.0, **changes: Any) -> dict[str, Any]:
    instrument = {"assetType": "OPTION", "symbol": code, "putCall": "PUT", "underlyingSymbol": "XYZ"}
    row = {"shortQuantity": short, "longQuantity": 0.0, "averagePrice": 1.2434, "marketValue": -230.0}
    return row | {"settledShortQuantity": -short, "instrument": instrument} | changes


def schwab_stock_position(symbol: str = "XYZ", shares: float = 100.0, kind: str = "EQUITY", **changes: Any) -> Any:
    row = {"shortQuantity": 0.0, "longQuantity": shares, "averagePrice": 98.1, "marketValue": 9990.0}
    return row | {"instrument": {"assetType": kind, "symbol": symbol}} | changes


def schwab_account(*positions: Any, number: str = "87654321", kind: str = "MARGIN", **balances: Any) -> dict[str, Any]:
    current = {"cashBalance": 25000.0, "liquidationValue": 34760.0} | balances
    account = {"type": kind, "accountNumber": number, "currentBalances": current, "initialBalances": {}}
    return {"securitiesAccount": account | ({"positions": list(positions)} if positions else {})}


def schwab_token(**changes: Any) -> dict[str, Any]:
    token = {
        "expires_in": 1800,
        "token_type": "Bearer",
        "scope": "api",
        "refresh_token": "planted-refresh-2",
        "access_token": "planted-access-2",
    }
    return token | changes


class Databento:
    """The historical API for one chain of European options on a stock at `spot`, priced without arbitrage.

    `quotes` and `definitions` may be edited before the first request; `shares` are the quotes of the
    stock itself in EQUS.MINI, none by default; `ranges` are the schemas' ends.
    """

    DEFINITION = "ts_recv,instrument_id,raw_symbol,instrument_class,expiration,strike_price"
    QUOTE = "ts_recv,ts_event,instrument_id,side,price,size,bid_px_00,ask_px_00,bid_sz_00,ask_sz_00"
    STATISTIC = "ts_recv,instrument_id,price,quantity,stat_type"

    def __init__(self, fake: FakeVendor, spot: float = 99.0, price: float = 0.01) -> None:
        self.quotes: list[list[Any]] = []
        self.definitions: list[list[Any]] = []
        self.statistics: list[list[Any]] = []
        self.shares: list[list[Any]] = []
        self.end = "2026-11-20T20:15:00.000000000Z"
        self.days_with_quotes = {"2026-11-20"}
        for number, strike in enumerate(range(90, 111)):
            # At zero rate and volatility a call is worth spot - strike or nothing: parity holds exactly.
            for right, value in (("C", max(spot - strike, 0.0)), ("P", max(strike - spot, 0.0))):
                self._list(2 * number + (right == "P"), f"XYZ   270115{right}{strike:05d}000", value + 5)
        fake.on("/v0/metadata.get_dataset_range", lambda _: Reply({"start": "2013", "end": self.end, "schema": {}}))
        fake.on("/v0/metadata.get_cost", Reply(price))
        fake.on("/v0/timeseries.get_range", self.download)

    def _list(self, number: int, code: str, value: float) -> None:
        instrument, right = 16_000_000 + number, code[12]
        stamp, expiration = "2026-11-20T20:14:00.000000000Z", "2027-01-15T00:00:00.000000000Z"
        self.definitions.append([stamp, instrument, code, right, expiration, code[13:]])
        bid, ask = f"{value - 0.05:.9f}", f"{value + 0.05:.9f}"
        self.quotes.append([stamp, stamp, instrument, "N", f"{value:.9f}", 1, bid, ask, 12, 20])
        self.statistics += [[stamp, instrument, "", 4821, 9] for _venue in range(3)] + [
            [stamp, instrument, "1.0", 7, 11]
        ]

    def download(self, seen: Seen) -> Reply:
        schema, day = seen.form["schema"], seen.form["start"][:10]
        rows, header = {
            "definition": (self.definitions, self.DEFINITION),
            "cbbo-1m": (self.quotes, self.QUOTE),
            "statistics": (self.statistics, self.STATISTIC),
            "bbo-1m": (self.shares, self.QUOTE),
        }[schema]
        lines = [",".join(map(str, row)) for row in rows] if day in self.days_with_quotes else []
        return Reply("\n".join([header, *lines]) + "\n", content_type="text/csv")


def good_answers(fake: FakeVendor) -> dict[str, tuple[str, Any]]:
    """By vendor: the path that is asked and a good reply; what else a vendor needs is served too."""
    fake.on("/v1/oauth/token", Reply(schwab_token()))
    fake.on("/api/global/delayed_quotes/options/SPY.json", Reply(cboe_document()))
    codes = [f"XYZ   270115{right}{strike:05d}000" for right in "PC" for strike in (95, 105)]
    rows = [{"date": "2026-11-20", "value": "."}, {"date": "2026-11-19", "value": "3.97"}]
    year = "/resource-center/data-chart-center/interest-rates/daily-treasury-rates.csv/2026/all"
    curve = 'Date,"1 Mo","3 Mo"\n11/19/2026,4.00,3.97\n11/18/2026,4.00,3.96\n'
    series = "observation_date,DGS3MO,DGS1MO\n2026-11-18,3.96,4.00\n2026-11-19,3.97,4.00\n"
    account = schwab_account(schwab_option_position(), schwab_stock_position())
    days = ("2026-11-18", "2026-11-19")
    candles = {"symbol": "XYZ", "empty": False, "candles": [schwab_bar(day) for day in days]}
    return {
        "cboe history": (
            "/api/global/delayed_quotes/charts/historical/XYZ.json",
            Reply({"symbol": "XYZ", "data": [cboe_bar(day) for day in days]}),
        ),
        "schwab history": ("/marketdata/v1/pricehistory", Reply(candles)),
        "cboe": ("/api/global/delayed_quotes/options/XYZ.json", Reply(cboe_document(*map(cboe_option, codes)))),
        "schwab chains": ("/marketdata/v1/chains", Reply(schwab_chain(*map(schwab_contract, codes)))),
        "schwab account": ("/trader/v1/accounts", Reply([account])),
        "databento": ("/v0/timeseries.get_range", Databento(fake).download),
        "fred": ("/fred/series/observations", Reply({"observations": rows})),
        "fred csv": ("/graph/fredgraph.csv", Reply(series, content_type="text/csv")),
        "treasury": (year, Reply(curve, content_type="text/csv")),
    }
