"""Cboe's delayed quotes: one keyless request a symbol for the whole chain, about 15 minutes late, one for its past.

An undocumented feed without a service promise. Cboe's site terms limit it to personal,
non-commercial use and object to automated collection: it is off unless asked for, and asked gently.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

import pandas as pd

from wheel_assets.errors import SourceError, SourceRefused, UnexpectedAnswer, UnknownSymbol
from wheel_assets.fetch.http.client import RETRIED_STATUSES, ApiCall, HttpClient
from wheel_assets.fetch.http.rate_limiter import pace_of
from wheel_assets.fetch.http.response import Response, restated
from wheel_assets.fetch.normalise.bars import BARS, days_of_text, history_rows
from wheel_assets.fetch.normalise.chains import VendorChain, first_spot
from wheel_assets.fetch.normalise.quotes import non_negative, rows_frame
from wheel_assets.fetch.source import Access, MarketSource
from wheel_assets.market.calendar import NEW_YORK
from wheel_assets.market.indices import INDICES
from wheel_assets.rows import Rows
from wheel_assets.vendors import CboeSettings

_KNOWN_SYMBOL = "SPY"
_CHAIN, _HISTORY = "options", "charts/historical"
_CALLED = {_CHAIN: "chain", _HISTORY: "price history"}
_NOT_FOUND = (403, 404)
_DELAYED = "quotes delayed by about 15 minutes; Cboe's terms: personal, non-commercial use"
_COLUMNS = {
    "option": "code",
    "bid": "bid",
    "ask": "ask",
    "last_trade_price": "last",
    "bid_size": "bid_size",
    "ask_size": "ask_size",
    "volume": "volume",
    "open_interest": "open_interest",
    "iv": "iv",
}


class CboeMarket(MarketSource):
    """Chains from Cboe's delayed quotes.

    A 429 is not retried, and ends the asking: the block it announces
    outlasts a run.
    """

    name: ClassVar[str] = "cboe"
    concurrency: ClassVar[int] = 10

    def __init__(
        self,
        base_url: str,
        record: Callable[[ApiCall], None],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = HttpClient(
            self.name,
            base_url,
            record,
            pace=pace_of(self.name),
            retried_statuses=RETRIED_STATUSES - {429},
            last_statuses={429},
            sleep=sleep,
        )
        self._probing, self._probes = threading.Lock(), list[SourceError | None]()

    def option_chain(self, symbol: str, now: datetime) -> Rows:
        """Every listed standard contract, see `MarketSource.option_chain`."""
        return vendor_chain(self._ask(_CHAIN, symbol), symbol).rows(now)

    def price_history(self, symbol: str, now: datetime) -> Rows:
        """A year of daily prices, see `MarketSource.price_history`."""
        answer = self._ask(_HISTORY, symbol)
        rows = answer.json("data")["data"]
        if not isinstance(rows, list):
            raise _layout(answer, "no list of data")
        bars = rows_frame(rows, ("date", *BARS))
        return history_rows(self.name, symbol, days_of_text(bars, "date"), bars, now)

    def _ask(self, what: str, symbol: str) -> Response:
        """The answer under the first of the symbol's spellings that Cboe knows."""
        for spelling in _spellings(symbol):
            try:
                return self._get(what, spelling, symbol)
            except SourceError as error:
                if error.status not in _NOT_FOUND:
                    raise
                refused = error
        raise self._unknown_or_blocked(what, symbol, refused)

    def _get(self, what: str, spelling: str, key: str) -> Response:
        return self._http.get(f"/api/global/delayed_quotes/{what}/{spelling}.json", key=key)

    def _unknown_or_blocked(self, what: str, symbol: str, refused: SourceError) -> SourceError:
        """403 means either; how it answers for a symbol that surely exists decides which."""
        probed = refused if symbol == _KNOWN_SYMBOL else self._probe()
        if probed is None:
            why = f"HTTP {refused.status}, while it answers for {_KNOWN_SYMBOL}"
            missing = f"Cboe has no {_CALLED[what]} for {symbol}"
            return restated(refused, UnknownSymbol, missing, why, "check the ticker")
        if probed.status not in _NOT_FOUND:
            return probed
        blocked, why = "Cboe is refusing this client", f"HTTP {refused.status} for {_KNOWN_SYMBOL} too"
        return restated(refused, SourceRefused, blocked, why, "wait some hours or use another market source")

    def _probe(self) -> SourceError | None:
        """What is wrong with asking for the known symbol, None where nothing is; asked once, after the first 403.

        An answer from before that says nothing: clients are shut out in the middle of a run.
        """
        with self._probing:
            if not self._probes:
                try:
                    self._get(_CHAIN, _KNOWN_SYMBOL, _KNOWN_SYMBOL)
                    self._probes.append(None)
                except SourceError as error:
                    self._probes.append(error)
            return self._probes[0]


def open_market(access: Access) -> CboeMarket:
    """Factory named in the registry entry."""
    return CboeMarket(access.settings.of(CboeSettings).base_url, access.record)


def vendor_chain(answer: Response, symbol: str) -> VendorChain:
    """Read one document; raises UnexpectedAnswer for another layout, NoSpotPrice without a price."""
    data = answer.json("data")["data"]
    options = data.get("options") if isinstance(data, dict) else None
    if not isinstance(options, list):
        raise _layout(answer, "no list of data.options")
    quotes = rows_frame(options, _COLUMNS) if options else pd.DataFrame(columns=list(_COLUMNS))
    missing = [name for name in ("option", "bid", "ask") if name not in quotes]
    if missing:
        raise _layout(answer, f"its options have no {', '.join(missing)}")
    bid, ask = non_negative([data.get("bid"), data.get("ask")])
    prices = [("current_price", data.get("current_price")), ("close", data.get("close")), ("mid", (bid + ask) / 2)]
    spot, notes = first_spot(prices, symbol, CboeMarket.name)
    quotes = quotes.rename(columns=_COLUMNS)[[name for old, name in _COLUMNS.items() if old in quotes]]
    return VendorChain(CboeMarket.name, symbol, spot, _as_of(answer, data), quotes, [_DELAYED, *notes])


def _as_of(answer: Response, data: dict[str, Any]) -> datetime:
    """The quotes' time: the underlying's last trade, which Cboe writes in New York time without saying so.

    The document's own `timestamp` is when the file was built (UTC), up to 15 minutes after the quotes.
    """
    try:
        moment = datetime.fromisoformat(data["last_trade_time"])
        return (moment if moment.tzinfo else moment.replace(tzinfo=NEW_YORK)).astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise _layout(answer, f"last_trade_time is {str(data.get('last_trade_time'))[:40]!r}") from None


def _spellings(symbol: str) -> tuple[str, ...]:
    """How Cboe may call it: index roots with an underscore, share classes with or without the dot."""
    if symbol in INDICES:
        return (f"_{symbol}",)
    return (symbol, symbol.replace(".", "")) if "." in symbol else (symbol,)


def _layout(answer: Response, why: str) -> UnexpectedAnswer:
    return answer.error(
        UnexpectedAnswer, "Cboe sent an unexpected layout", why, "try again later or use another source"
    )
