"""Option chains and prices from Tradier: one request an expiration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

import pandas as pd

from wheel_assets.errors import UnexpectedAnswer, UnknownSymbol
from wheel_assets.fetch.normalise.bars import BARS, days_of_text, history_rows
from wheel_assets.fetch.normalise.chains import VendorChain, first_live_day, first_spot
from wheel_assets.fetch.normalise.quotes import non_negative, numbers, rows_frame
from wheel_assets.fetch.normalise.times import newest_epoch
from wheel_assets.fetch.source import Access, MarketSource, tell_progress
from wheel_assets.fetch.tradier.session import SOURCE, TradierSession, items, session_of
from wheel_assets.rows import Rows

_EXPIRATIONS, _CHAINS = "/v1/markets/options/expirations", "/v1/markets/options/chains"
_QUOTES, _HISTORY = "/v1/markets/quotes", "/v1/markets/history"
_SYMBOLS_A_REQUEST = 100
_NAMES = {
    **{"symbol": "code", "bid": "bid", "ask": "ask", "last": "last", "bidsize": "bid_size", "asksize": "ask_size"},
    **{"volume": "volume", "open_interest": "open_interest", "strike": "strike", "contract_size": "multiplier"},
}


class TradierMarket(MarketSource):
    """Chains with ORATS volatilities, in real time with a brokerage account."""

    name: ClassVar[str] = SOURCE
    concurrency: ClassVar[int] = 4

    def __init__(self, session: TradierSession) -> None:
        self._session = session

    def option_chain(self, symbol: str, now: datetime) -> Rows:
        """Every listed standard contract, see `MarketSource.option_chain`."""
        days = self._expirations(symbol, first_live_day(now))
        sent: list[Any] = []
        for number, day in enumerate(days, 1):
            tell_progress(f"expiration {number} of {len(days)}")
            params = {"symbol": spelt(symbol), "expiration": f"{day}", "greeks": "true"}
            sent += items(self._session.get(_CHAINS, params, "options", key=symbol)["options"], "option")
        quotes = _quotes(sent)
        quote = quotes_of(self._session, [spelt(symbol)]).get(spelt(symbol), {})
        prices = [(name, quote.get(name)) for name in ("last", "close", "prevclose")]
        spot, notes = first_spot([*prices, ("mid", price_of(quote))], symbol, SOURCE)
        as_of = newest_epoch(value for row in sent if isinstance(row, dict) for value in _times(row))
        notes += [] if as_of else ["Tradier gave no quote time; counted as of now"]
        return VendorChain(SOURCE, symbol, spot, as_of or now, quotes, notes).rows(now)

    def price_history(self, symbol: str, now: datetime) -> Rows:
        """A year of daily prices, see `MarketSource.price_history`."""
        start = now.date() - timedelta(days=370)
        params = {"symbol": spelt(symbol), "interval": "daily", "start": f"{start}", "end": f"{now.date()}"}
        days = items(self._session.get(_HISTORY, params, "history", key=symbol)["history"], "day")
        if not days:
            raise _unknown(symbol, "price history of")
        bars = rows_frame(days, ("date", *BARS))
        return history_rows(SOURCE, symbol, days_of_text(bars, "date"), bars, now)

    def _expirations(self, symbol: str, today: date) -> list[date]:
        params = {"symbol": spelt(symbol), "includeAllRoots": "true", "strikes": "false"}
        document = self._session.get(_EXPIRATIONS, params, "expirations", key=symbol)
        days = [_day(value) for value in items(document["expirations"], "date")]
        if not days:
            raise _unknown(symbol, "options on")
        return sorted({day for day in days if day >= today})


def open_market(access: Access) -> TradierMarket:
    """Factory named in the registry entry."""
    return TradierMarket(session_of(access))


def quotes_of(session: TradierSession, symbols: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The quotes of shares and options by symbol as it was asked for; what Tradier does not know is left out."""
    found: dict[str, dict[str, Any]] = {}
    for first in range(0, len(symbols), _SYMBOLS_A_REQUEST):
        asked = ",".join(symbols[first : first + _SYMBOLS_A_REQUEST])
        document = session.get(_QUOTES, {"symbols": asked, "greeks": "false"}, "quotes")
        sent = [row for row in items(document["quotes"], "quote") if isinstance(row, dict)]
        found |= {row["symbol"]: row for row in sent if isinstance(row.get("symbol"), str)}
    return found


def price_of(quote: dict[str, Any]) -> float:
    """What a share of it is worth: the middle of bid and ask, else the last trade or close; NaN for none."""
    bid, ask, *others = non_negative([quote.get(name) for name in ("bid", "ask", "last", "prevclose")])
    prices = ((bid + ask) / 2 if bid > 0 and ask > 0 else float("nan"), *others)
    return float(next((price for price in prices if price > 0), float("nan")))


def spelt(symbol: str) -> str:
    """A ticker as Tradier writes it: share classes with a slash."""
    return symbol.replace(".", "/")


def _quotes(sent: list[Any]) -> pd.DataFrame:
    """The contracts under our names; a size other than 100 marks an adjusted one, a volatility of 0 none."""
    frame = rows_frame(sent, _NAMES).rename(columns=_NAMES)
    missing = [name for name in ("code", "bid", "ask") if sent and name not in frame]
    if missing:
        what = f"Tradier sent contracts without {', '.join(missing)}"
        raise UnexpectedAnswer(what, "", "its layout may have changed", source=SOURCE, endpoint=_CHAINS)
    frame = frame.reindex(columns=[*_NAMES.values()]) if frame.empty else frame
    if "multiplier" in frame:
        size = pd.Series(numbers(frame["multiplier"]))
        frame["non_standard"] = size.notna() & (size != 100)
    return frame.assign(iv=numbers([_greek(row, "mid_iv") for row in sent]))


def _greek(row: Any, name: str) -> Any:
    greeks = row.get("greeks") if isinstance(row, dict) else None
    return greeks.get(name) if isinstance(greeks, dict) else None


def _times(row: dict[str, Any]) -> Iterable[Any]:
    return (row.get("bid_date"), row.get("ask_date"))


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        why = f"an expiration is {str(value)[:40]!r}"
        raise UnexpectedAnswer("Tradier sent an unexpected layout", why, "try again later", source=SOURCE) from None


def _unknown(symbol: str, what: str) -> UnknownSymbol:
    return UnknownSymbol(f"Tradier has no {what} {symbol}", "its answer is empty", "check the ticker", source=SOURCE)
