"""Option chains from Schwab, in as few requests as its limit on the size of an answer allows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd

from wheel_assets.errors import NoContracts, NoSpotPrice, SourceError, UnexpectedAnswer, UnknownSymbol
from wheel_assets.fetch.http.response import restated
from wheel_assets.fetch.normalise.bars import BARS, days_of_epoch, history_rows
from wheel_assets.fetch.normalise.chains import VendorChain, first_live_day, first_spot
from wheel_assets.fetch.normalise.quotes import numbers, rows_frame
from wheel_assets.fetch.schwab.session import SOURCE, TOO_BIG, SchwabSession, schwab_symbol, session_of
from wheel_assets.fetch.source import Access, MarketSource, tell_progress
from wheel_assets.rows import Rows

_CHAINS, _QUOTES, _BARS = "/marketdata/v1/chains", "/marketdata/v1/quotes", "/marketdata/v1/pricehistory"
_MAPS = ("putExpDateMap", "callExpDateMap")
# Windows of about equal size for a big name, as last day from today; nothing lists ten years ahead.
_FIRST_SPLIT_DAYS = (9, 30, 90, 365, 730)
_HORIZON = timedelta(days=3653)
_QUOTE_PRICES = ("mark", "lastPrice", "closePrice")
_YEAR_2000, _YEAR_2100 = 946_684_800, 4_102_444_800
# What the wire sends, then what Schwab's own specification calls it.
_NAMES = {
    "code": ("symbol",),
    "bid": ("bid", "bidPrice"),
    "ask": ("ask", "askPrice"),
    "last": ("last", "lastPrice"),
    "bid_size": ("bidSize",),
    "ask_size": ("askSize",),
    "volume": ("totalVolume",),
    "open_interest": ("openInterest",),
    "volatility": ("volatility",),
    "multiplier": ("multiplier",),
    "non_standard": ("nonStandard", "isNonStandard"),
    "mini": ("mini", "isMini"),
    "strike": ("strikePrice",),
    "quote_time": ("quoteTimeInLong",),
}


class Window(NamedTuple):
    """Expirations from `first` to `last`, both included."""

    first: date
    last: date

    def split(self, symbol: str, today: date) -> list[Window]:
        """Windows that cover the same days; the whole horizon is cut where chains are dense.

        Raises UnexpectedAnswer for a single day.
        """
        if self.first == self.last:
            what = f"the options of {symbol} that expire on {self.first} are too many for one answer of Schwab"
            raise UnexpectedAnswer(what, "", "use another market source for it", source=SOURCE, endpoint=_CHAINS)
        ends = [today + timedelta(days=days) for days in _FIRST_SPLIT_DAYS]
        if self != Window(today, today + _HORIZON):
            ends = [self.first + (self.last - self.first) // 2]
        firsts = [self.first, *(end + timedelta(days=1) for end in ends)]
        return [Window(first, last) for first, last in zip(firsts, [*ends, self.last], strict=True)]


class SchwabMarket(MarketSource):
    """Chains from the Market Data API; quotes may be delayed where the agreement is not signed."""

    name: ClassVar[str] = SOURCE
    concurrency: ClassVar[int] = 10

    def __init__(self, session: SchwabSession) -> None:
        self._session = session

    def option_chain(self, symbol: str, now: datetime) -> Rows:
        """Every listed standard contract, see `MarketSource.option_chain`."""
        documents = self._documents(symbol, now)
        quotes = _quotes([contract for document in documents for contract in _contracts(document)])
        if quotes.empty:
            why = f"status {str(documents[0]['status'])[:40]}"
            raise NoContracts(
                f"Schwab lists no options on {symbol}", why, "check the ticker", source=SOURCE, endpoint=_CHAINS
            )
        spot, notes = self._spot(documents[0], symbol, now)
        as_of, time_notes = _as_of(quotes["quote_time"], documents[0], now)
        notes += [*time_notes, *_document_notes(documents, len(quotes))]
        rows = VendorChain(SOURCE, symbol, spot, as_of, quotes, notes).rows(now)
        return replace(rows, notes=(*rows.notes, *self._session.notes(now)))  # about the login, not the symbol

    def price_history(self, symbol: str, now: datetime) -> Rows:
        """A year of daily prices, see `MarketSource.price_history`."""
        params = {"symbol": schwab_symbol(symbol), "periodType": "year", "period": "1", "frequencyType": "daily"}
        answer = self._session.get(_BARS, {**params, "frequency": "1"}, now, key=symbol)
        candles = answer.json("candles")["candles"]
        bars = rows_frame(candles if isinstance(candles, list) else [], ("datetime", *BARS))
        if bars.empty:
            what = f"Schwab has no price history of {symbol}"
            raise answer.error(UnknownSymbol, what, "its answer is empty", "check the ticker")
        return history_rows(SOURCE, symbol, days_of_epoch(bars, "datetime"), bars, now)

    def _documents(self, symbol: str, now: datetime) -> list[dict[str, Any]]:
        """The whole chain, split by date as often as an answer is too large or cut short.

        A part may be unknown where the whole is not: nothing expires in it. Raises UnknownSymbol where all are.
        """
        today = first_live_day(now)
        windows, done = deque([Window(today, today + _HORIZON)]), 0
        documents: list[dict[str, Any]] = []
        unknown: UnknownSymbol | None = None
        while windows:
            window = windows.popleft()
            try:
                document = self._document(symbol, window, now)
            except UnknownSymbol as error:
                document, unknown = {}, error
            if document is None:
                windows.extendleft(reversed(window.split(symbol, today)))
                continue
            documents += [document] if document else []
            done += 1
            if windows or done > 1:
                tell_progress(f"window {done} of {done + len(windows)}")
        if unknown and not documents:
            raise unknown
        return documents

    def _document(self, symbol: str, window: Window, now: datetime) -> dict[str, Any] | None:
        """One window, None where it must be split."""
        params = {
            "symbol": schwab_symbol(symbol),
            "contractType": "ALL",
            "includeUnderlyingQuote": "true",
            "fromDate": f"{window.first}",
            "toDate": f"{window.last}",
        }
        try:
            answer = self._session.get(_CHAINS, params, now, key=symbol)
        except SourceError as error:
            if error.code == TOO_BIG:
                return None
            if error.status == 404:
                what = f"Schwab lists no options on {symbol}"
                raise restated(error, UnknownSymbol, what, error.why, "check the ticker") from None
            raise
        document = answer.json("status", *_MAPS)
        return None if document.get("isChainTruncated") is True else document

    def _spot(self, document: dict[str, Any], symbol: str, now: datetime) -> tuple[float, list[str]]:
        """The underlying's price: the chain's own, else the underlying's in it, else a quote asked for."""
        underlying = document.get("underlying")
        underlying = underlying if isinstance(underlying, dict) else {}
        prices = [("underlyingPrice", document.get("underlyingPrice"))]
        prices += [(f"underlying.{name}", underlying.get(name)) for name in ("mark", "last", "close")]
        try:
            return first_spot(prices, symbol, SOURCE)
        except NoSpotPrice:
            quote = self._quote(symbol, now)
        return first_spot([*prices, *((f"quote.{name}", quote.get(name)) for name in _QUOTE_PRICES)], symbol, SOURCE)

    def _quote(self, symbol: str, now: datetime) -> dict[str, Any]:
        """The underlying's own quote; empty where Schwab has none."""
        spelling = schwab_symbol(symbol)
        try:
            document = self._session.get(_QUOTES, {"symbols": spelling, "fields": "quote"}, now, key=symbol).json(
                spelling
            )
        except SourceError:
            return {}
        entry = document[spelling]
        quote = entry.get("quote") if isinstance(entry, dict) else None
        return quote if isinstance(quote, dict) else {}


def open_market(access: Access) -> SchwabMarket:
    """Factory named in the registry entry."""
    return SchwabMarket(session_of(access))


def _contracts(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every contract in both maps: expiration to strike to a list, which may hold several roots.

    What is no object is an empty one: a contract without a code, and counted as such.
    """
    if document["status"] != "SUCCESS":
        return
    for strikes in (strikes for name in _MAPS for strikes in _inside(document[name])):
        for contract in (contract for contracts in _inside(strikes) for contract in _inside(contracts)):
            yield contract if isinstance(contract, dict) else {}


def _quotes(contracts: list[dict[str, Any]]) -> pd.DataFrame:
    """The contracts under our names; raises UnexpectedAnswer where no contract has a symbol, bid or ask."""
    sent = rows_frame(contracts, [name for names in _NAMES.values() for name in names])
    found = {ours: next((name for name in theirs if name in sent), None) for ours, theirs in _NAMES.items()}
    quotes = pd.DataFrame({ours: sent[name] if name else None for ours, name in found.items()}, index=sent.index)
    missing = [name for name in ("code", "bid", "ask") if found[name] is None]
    if contracts and missing:
        what = f"Schwab sent contracts without {', '.join(missing)}"
        raise UnexpectedAnswer(what, "", "its layout may have changed", source=SOURCE, endpoint=_CHAINS)
    quotes["iv"] = numbers(quotes.pop("volatility")) / 100
    quotes["non_standard"] = quotes["non_standard"].eq(True) | quotes.pop("mini").eq(True)
    return quotes


def _as_of(quote_times: pd.Series, document: dict[str, Any], now: datetime) -> tuple[datetime, list[str]]:
    """When the newest contract was quoted, else its underlying; vendors' times are epoch milliseconds."""
    underlying = document.get("underlying")
    underlying_time = underlying.get("quoteTime") if isinstance(underlying, dict) else None
    seconds = np.append(numbers(quote_times), numbers([underlying_time])) / 1000
    seconds = seconds[(seconds > _YEAR_2000) & (seconds < _YEAR_2100)]
    if seconds.size:
        return datetime.fromtimestamp(float(seconds.max()), UTC), []
    return now, ["Schwab gave no quote time; counted as of now"]


def _document_notes(documents: list[dict[str, Any]], received: int) -> list[str]:
    """What Schwab says about the whole: delayed quotes, and how many contracts it meant to send."""
    notes = []
    if any(document.get("isDelayed") is True for document in documents):
        notes.append("delayed quotes (no real-time agreement with Schwab)")
    announced = np.nansum(numbers([document.get("numberOfContracts") for document in documents]))
    if announced > received:
        notes.append(f"Schwab announced {announced:.0f} contracts and sent {received}")
    return notes


def _inside(container: Any) -> list[Any]:
    """What an object or list holds, nothing of null; anything else is damage, and stands for itself."""
    if isinstance(container, dict):
        return list(container.values())
    return container if isinstance(container, list) else [] if container is None else [container]
