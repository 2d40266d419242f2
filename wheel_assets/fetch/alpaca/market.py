"""Option chains from Alpaca: quotes a thousand contracts a request, open interest beside them.

The free feed is indicative: its quotes are derived from OPRA's, not OPRA's. They are good for what is
worth looking at, and not for a limit price.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

import pandas as pd

from wheel_assets.errors import SourceError, UnknownSymbol
from wheel_assets.fetch.alpaca.session import SOURCE, AlpacaSession, session_of
from wheel_assets.fetch.normalise.chains import VendorChain, first_live_day, first_spot
from wheel_assets.fetch.normalise.quotes import non_negative, numbers, rows_frame
from wheel_assets.fetch.normalise.times import newest_text
from wheel_assets.fetch.source import Access, MarketSource
from wheel_assets.rows import Rows
from wheel_assets.vendors import AlpacaSettings

INDICATIVE = "indicative"
_CAUTION = "Alpaca's free quotes are indicative, not OPRA's: check every limit price with your broker before you order"
_QUOTE = {"bid": "bp", "ask": "ap", "bid_size": "bs", "ask_size": "as"}
_NAMES = ("code", *_QUOTE, "last", "iv")


class AlpacaMarket(MarketSource):
    """Chains of one feed; those of the indicative one are stored as of the source `alpaca-indicative`."""

    name: ClassVar[str] = SOURCE
    concurrency: ClassVar[int] = 4

    def __init__(self, session: AlpacaSession, feed: str = INDICATIVE) -> None:
        self._session, self._feed = session, feed

    def option_chain(self, symbol: str, now: datetime) -> Rows:
        """Every listed standard contract, see `MarketSource.option_chain`."""
        snapshots = self._snapshots(symbol, now)
        if not snapshots:
            what, why = f"Alpaca lists no options on {symbol}", "its answer is empty"
            raise UnknownSymbol(what, why, "check the ticker", source=SOURCE)
        spot, notes = self._spot(symbol)
        codes = list(snapshots)
        quotes = rows_frame([_row(code, snapshots[code]) for code in codes], _NAMES)
        found, interest_notes = self._contracts(symbol, now)
        quotes["open_interest"] = [found.get(code, {}).get("open_interest") for code in codes]
        sizes = pd.Series(numbers([found.get(code, {}).get("size") for code in codes]))
        quotes["non_standard"] = sizes.notna() & (sizes != 100)
        as_of = newest_text(_inner(snapshots[code], "latestQuote").get("t") for code in codes)
        notes += [*interest_notes, *([] if as_of else ["Alpaca gave no quote time; counted as of now"])]
        notes += [_CAUTION] if self._feed == INDICATIVE else []
        source = f"{SOURCE}-{INDICATIVE}" if self._feed == INDICATIVE else SOURCE
        return VendorChain(source, symbol, spot, as_of or now, quotes, notes).rows(now)

    def price_history(self, symbol: str, now: datetime) -> Rows:
        """None: the free feed of shares is one exchange's, whose prices are not those of the market."""
        what, why = f"no price history of {symbol}", "Alpaca's free feed of shares is that of one exchange"
        raise SourceError(what, why, "use another market source for it", source=SOURCE)

    def _snapshots(self, symbol: str, now: datetime) -> dict[str, Any]:
        path, endpoint = f"/v1beta1/options/snapshots/{quote(symbol, safe='')}", "/v1beta1/options/snapshots/{symbol}"
        params = {"feed": self._feed, "limit": "1000", "expiration_date_gte": f"{first_live_day(now)}"}
        pages = self._session.pages(
            lambda asked: self._session.data(path, asked, key=symbol, endpoint=endpoint), params, "snapshots"
        )
        return {code: snapshot for page in pages if isinstance(page, dict) for code, snapshot in page.items()}

    def _contracts(self, symbol: str, now: datetime) -> tuple[dict[str, dict[str, Any]], list[str]]:
        """Terms and yesterday's open interest by code; without them the chain is still one."""
        params = {"underlying_symbols": symbol, "expiration_date_gte": f"{first_live_day(now)}", "limit": "10000"}
        try:
            pages = list(
                self._session.pages(
                    lambda asked: self._session.get("/v2/options/contracts", asked, symbol), params, "option_contracts"
                )
            )
        except SourceError as error:
            return {}, [f"no open interest: {error.what}"]
        rows = [row for page in pages if isinstance(page, list) for row in page if isinstance(row, dict)]
        return {str(row.get("symbol")): row for row in rows}, []

    def _spot(self, symbol: str) -> tuple[float, list[str]]:
        document = self._session.data("/v2/stocks/snapshots", {"symbols": symbol, "feed": "iex"}, key=symbol)
        snapshot = _inner(_inner({"all": document}, "all"), symbol)
        bid, ask = non_negative([_inner(snapshot, "latestQuote").get(name) for name in ("bp", "ap")])
        prices = [
            ("latestTrade", _inner(snapshot, "latestTrade").get("p")),
            ("dailyBar", _inner(snapshot, "dailyBar").get("c")),
            ("prevDailyBar", _inner(snapshot, "prevDailyBar").get("c")),
            ("mid", (bid + ask) / 2),
        ]
        return first_spot(prices, symbol, SOURCE)


def open_market(access: Access) -> AlpacaMarket:
    """Factory named in the registry entry."""
    return AlpacaMarket(session_of(access), access.settings.of(AlpacaSettings).feed)


def _row(code: str, snapshot: Any) -> dict[str, Any]:
    """A contract under our names."""
    quoted, traded = _inner({"": snapshot}, ""), _inner(_inner({"": snapshot}, ""), "latestTrade")
    sent = _inner(quoted, "latestQuote")
    row = {ours: sent.get(theirs) for ours, theirs in _QUOTE.items()}
    return {"code": code, **row, "last": traded.get("p"), "iv": quoted.get("impliedVolatility")}


def _inner(container: Any, name: str) -> dict[str, Any]:
    """The object under a name, empty where there is none."""
    inner = container.get(name) if isinstance(container, dict) else None
    return inner if isinstance(inner, dict) else {}
