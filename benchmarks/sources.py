"""How long the way from a vendor's answer to a checked frame is, and what ten symbols take.

    python benchmarks/sources.py [--rounds 21] [--keep]

Parsing: the bytes of one answer become rows of `tables.OPTION_CHAINS`, every rule applied and every
column checked. Beside it, in turns, what nobody can do without: `json.loads` of the same bytes and
`pandas.DataFrame` of the same contracts. Medians; the documents are made here, in the vendors' own
keys, with the nulls and the "NaN" that real ones have.

Symbols: ten chains from a server on this machine, another process, that waits 300 ms before every
answer. A loopback address is not paced; what the vendor's own limit adds is told beside it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd

from wheel_assets.fetch.cboe import CboeMarket, vendor_chain
from wheel_assets.fetch.http.response import Answer
from wheel_assets.fetch.schwab.market import SchwabMarket
from wheel_assets.fetch.schwab.session import SchwabSession
from wheel_assets.fetch.source import MarketSource, fetch_each
from wheel_assets.tables import OPTION_CHAINS

HERE = Path(__file__).resolve().parent
NOW = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)
SPOT = 100.0
LATENCY = 0.3
SYMBOLS = [f"S{letter}" for letter in "ABCDEFGHIJ"]
CONTRACTS_A_SYMBOL = 1_000
PARSING_LIMIT, SYMBOLS_LIMIT = 3.0, 1.0
# Requests in seconds that the vendors' clients keep to, as `cboe.ONE_A_SECOND` and `schwab_session.HUNDRED_A_MINUTE`.
PACES = {"cboe": (1, 1.0), "schwab": (100, 60.0)}

Contract = tuple[date, str, int]  # expiration, C or P, strike in dollars


def contracts(count: int) -> list[Contract]:
    """A chain of weekly expirations, a hundred strikes about the spot in each, puts and calls."""
    strikes = range(50, 150)
    weeks = -(-count // (2 * len(strikes)))
    fridays = [date(2026, 11, 27) + timedelta(weeks=week) for week in range(weeks)]
    return [(friday, right, strike) for friday in fridays for right in "CP" for strike in strikes][:count]


def cboe_document(symbol: str, count: int) -> bytes:
    """What Cboe serves: one flat list, floats throughout, nulls where nothing traded."""
    pick = random.Random(symbol)
    options = []
    for friday, right, strike in contracts(count):
        bid = round(pick.uniform(0, 20), 2)
        traded = pick.random() < 0.7
        options.append(
            {
                **{"option": f"{symbol}{friday:%y%m%d}{right}{strike:05d}000", "bid": bid, "bid_size": 12.0},
                **{"ask": round(bid + 0.1, 2), "ask_size": 20.0, "iv": round(pick.uniform(0, 0.9), 4)},
                **{"open_interest": float(pick.randrange(9000)), "volume": float(pick.randrange(900))},
                **{"delta": -0.2312, "gamma": 0.0301, "vega": 0.118, "theta": -0.0211, "rho": -0.035, "theo": 1.149},
                **{"change": -0.07, "open": 1.22, "high": 1.3, "low": 1.05, "tick": "down", "percent_change": -5.73},
                **{"last_trade_price": bid if traded else 0.0, "prev_day_close": 1.2199999},
                **{"last_trade_time": "2026-11-20T14:58:41" if traded else None},
            }
        )
    data = {"symbol": symbol, "current_price": SPOT, "last_trade_time": "2026-11-20T15:00:12", "options": options}
    return json.dumps({"timestamp": "2026-11-20 20:15:31", "symbol": symbol, "data": data}).encode()


def schwab_document(symbol: str, count: int) -> bytes:
    """What Schwab serves: expiration to strike to contracts, sixty fields each, -999 and "NaN" among them."""
    pick = random.Random(symbol)
    maps: dict[str, dict[str, dict[str, list[Any]]]] = {"C": {}, "P": {}}
    for friday, right, strike in contracts(count):
        strikes = maps[right].setdefault(f"{friday}:{(friday - NOW.date()).days}", {})
        strikes[f"{strike}.0"] = [_schwab_contract(symbol, friday, right, strike, pick)]
    head = {"symbol": symbol, "status": "SUCCESS", "isDelayed": False, "underlyingPrice": SPOT, "volatility": 29.0}
    head |= {"underlying": {"symbol": symbol, "mark": SPOT}, "numberOfContracts": count, "isChainTruncated": False}
    return json.dumps({**head, "callExpDateMap": maps["C"], "putExpDateMap": maps["P"]}).encode()


def _schwab_contract(symbol: str, friday: date, right: str, strike: int, pick: random.Random) -> dict[str, Any]:
    bid = round(pick.uniform(0, 20), 2)
    volatility = pick.choice([-999.0, "NaN", *[round(pick.uniform(10, 90), 3)] * 18])
    return {
        **{"putCall": "PUT" if right == "P" else "CALL", "symbol": f"{symbol:<6}{friday:%y%m%d}{right}{strike:05d}000"},
        **{"description": f"{symbol} {friday:%m/%d/%Y} {strike}.00 {right}", "exchangeName": "OPR", "bid": bid},
        **{"ask": round(bid + 0.1, 2), "last": bid, "mark": bid, "bidSize": 12, "askSize": 20, "bidAskSize": "12X20"},
        **{"lastSize": 0, "highPrice": 1.3, "lowPrice": 1.05, "openPrice": 0.0, "closePrice": 1.22, "totalVolume": 314},
        **{"tradeTimeInLong": 1795204001000, "quoteTimeInLong": 1795204399000, "netChange": -0.07},
        **{"volatility": volatility, "delta": -0.231, "gamma": 0.03, "theta": -0.021, "vega": 0.118, "rho": -0.035},
        **{"openInterest": pick.randrange(9000), "timeValue": 1.15, "theoreticalOptionValue": 1.149},
        **{"theoreticalVolatility": 29.0, "strikePrice": float(strike), "daysToExpiration": (friday - NOW.date()).days},
        **{"optionDeliverablesList": [{"symbol": symbol, "assetType": "STOCK", "deliverableUnits": 100.0}]},
        **{"expirationDate": f"{friday}T21:00:00.000+00:00", "expirationType": "W", "lastTradingDay": 1800061200000},
        **{"multiplier": 100.0, "settlementType": "P", "deliverableNote": f"100 {symbol}", "percentChange": -5.7},
        **{"markChange": -0.07, "markPercentChange": -5.7, "intrinsicValue": -4.9, "extrinsicValue": 6.05},
        **{"optionRoot": symbol, "exerciseType": "A", "high52Week": 6.1, "low52Week": 0.9, "nonStandard": False},
        **{"inTheMoney": False, "mini": False, "pennyPilot": True},
    }


class OneAnswer:
    """Stands in for a session of Schwab: every request gets the same bytes."""

    def __init__(self, body: bytes) -> None:
        self.answer = Answer("schwab", "/marketdata/v1/chains", 200, {"Content-Type": "application/json"}, body)

    def get(self, *_: Any, **__: Any) -> Answer:
        return self.answer

    def notes(self, _: datetime) -> list[str]:
        return []


def parsing(rounds: int) -> Iterator[str]:
    """A line a vendor: seconds of the least there is to do, of ours, and their ratio."""
    yield f"{'parsing':<28}{'MB':>6}{'least ms':>10}{'ours ms':>9}{'x least':>9}{'limit':>7}"
    cboe, schwab = cboe_document("SPX", 14_500), schwab_document("SX", 2_400)
    answer = Answer("cboe", "/options/SPX.json", 200, {"Content-Type": "application/json"}, cboe)
    market = SchwabMarket(OneAnswer(schwab))  # type: ignore[arg-type]
    cases = {
        "Cboe, 14,500 contracts": (
            cboe,
            lambda: pd.DataFrame(cboe_rows(cboe)),
            lambda: OPTION_CHAINS.conform(vendor_chain(answer, "SPX").rows(NOW).frame),
        ),
        "Schwab, 2,400 contracts": (
            schwab,
            lambda: pd.DataFrame(schwab_rows(schwab)),
            lambda: OPTION_CHAINS.conform(market.option_chain("SX", NOW).frame),
        ),
    }
    for name, (body, least_of, frame_of) in cases.items():
        least, ours = (1000 * statistics.median(times) for times in in_turns(rounds, least_of, frame_of))
        yield f"{name:<28}{len(body) / 1e6:>6.1f}{least:>10.1f}{ours:>9.1f}{ours / least:>9.2f}{PARSING_LIMIT:>7}"


def cboe_rows(body: bytes) -> list[Any]:
    """The contracts as they were sent."""
    return json.loads(body)["data"]["options"]


def schwab_rows(body: bytes) -> list[Any]:
    """The contracts as they were sent, out of both maps."""
    document = json.loads(body)
    both = [document["putExpDateMap"], document["callExpDateMap"]]
    return [each for days in both for strikes in days.values() for listed in strikes.values() for each in listed]


def in_turns(rounds: int, *tasks: Callable[[], object]) -> list[list[float]]:
    """Seconds of each task in each round; the tasks take turns, so that a slow moment hits all of them."""
    took: list[list[float]] = [[] for _ in tasks]
    for _ in range(rounds):
        for task, times in zip(tasks, took, strict=True):
            began = time.perf_counter()
            task()
            times.append(time.perf_counter() - began)
    return took


def serve(ready: Connection) -> None:
    """A market in a process of its own: every answer 300 ms late."""
    documents = {
        "cboe": {symbol: cboe_document(symbol, CONTRACTS_A_SYMBOL) for symbol in SYMBOLS},
        "schwab": {symbol: schwab_document(symbol, CONTRACTS_A_SYMBOL) for symbol in SYMBOLS},
    }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            asked = parse_qs(url.query).get("symbol", [url.path.rpartition("/")[2].removesuffix(".json")])[0]
            body = documents["schwab" if "marketdata" in url.path else "cboe"][asked]
            time.sleep(LATENCY)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.request_queue_size = 64
    ready.send(server.server_port)
    server.serve_forever()


@contextmanager
def market_on_loopback() -> Iterator[str]:
    """The address of such a market."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    yield f"http://127.0.0.1:{ours.recv()}"
    process.terminate()
    process.join()


def symbols(rounds: int) -> Iterator[str]:
    """A line a vendor: seconds for ten symbols, and what its own pace would add."""
    yield f"{'ten symbols, 300 ms late':<28}{'rows':>6}{'wall s':>10}{'limit':>9}   at the vendor's own pace"
    with market_on_loopback() as url, tempfile.TemporaryDirectory() as folder:
        for market in (CboeMarket(url, lambda _: None), SchwabMarket(session(url, Path(folder)))):
            rows, (times,) = len(ten(market)), in_turns(rounds, partial(ten, market))
            calls, seconds = PACES[market.name]
            more = max(0.0, (len(SYMBOLS) - 1) // calls * seconds)
            told = f"{calls} in {seconds:g} s: {f'{more:g} s more' if more else 'no wait'}"
            yield f"{market.name:<28}{rows:>6}{statistics.median(times):>10.2f}{SYMBOLS_LIMIT:>9}   {told}"


def ten(market: MarketSource) -> pd.DataFrame:
    """Ten chains, fetched as the asset `option_chains` fetches them."""
    return fetch_each(SYMBOLS, lambda symbol: market.option_chain(symbol, NOW), market.concurrency).frame


def session(url: str, folder: Path) -> SchwabSession:
    """Logged in a minute ago."""
    login = (NOW - timedelta(minutes=1)).timestamp()
    token = {"access_token": "access", "refresh_token": "refresh", "expires_at": int(login) + 1800}
    path = folder / "token.json"
    path.write_text(json.dumps({"creation_timestamp": login, "token": token}))
    path.chmod(0o600)
    return SchwabSession(url, lambda _: None, "key", "secret", path)


def main() -> None:
    """Measure and print; `--keep` writes the table to benchmarks/results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, pandas {pd.__version__}, medians of "
    lines = [f"{machine}{options.rounds} rounds", *parsing(options.rounds), "", *symbols(options.rounds)]
    print(*lines, sep="\n")
    if options.keep:
        (HERE / "results" / "sources.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
