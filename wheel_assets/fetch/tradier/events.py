"""Earnings and ex-dividend dates from Tradier's fundamentals, which are in beta and for brokerage accounts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, ClassVar

from wheel_assets.fetch.events.rows import Event, event_frame
from wheel_assets.fetch.normalise.quotes import non_negative
from wheel_assets.fetch.source import Access, EventSource
from wheel_assets.fetch.tradier.market import spelt
from wheel_assets.fetch.tradier.session import SOURCE, TradierSession, items, session_of
from wheel_assets.rows import Rows

_CALENDARS, _DIVIDENDS = "/beta/markets/fundamentals/calendars", "/beta/markets/fundamentals/dividends"
_RESULTS_OF_A_QUARTER = {"7", "8", "9", "10"}


class TradierEvents(EventSource):
    """Dates of the corporate calendars; whether they are confirmed is not told: they count as estimated."""

    name: ClassVar[str] = SOURCE

    def __init__(self, session: TradierSession) -> None:
        self._session = session

    def events(self, symbols: Sequence[str], until: date, now: datetime) -> Rows:
        """See `EventSource.events`."""
        asked = {"symbols": ",".join(spelt(symbol) for symbol in symbols)}
        found = list(_earnings(self._session.get(_CALENDARS, asked)))
        found += _dividends(self._session.get(_DIVIDENDS, asked))
        return Rows(event_frame(SOURCE, found, symbols, now, until=until))


def open_events(access: Access) -> TradierEvents:
    """For the registry."""
    return TradierEvents(session_of(access))


def _earnings(document: Any) -> Iterator[Event]:
    for symbol, row in _rows(document, "corporate_calendars"):
        day = _day(row.get("begin_date_time"))
        if day and _is_earnings(row):
            yield Event(symbol, "earnings", day, None, True)


def _is_earnings(row: dict[str, Any]) -> bool:
    """By its type, or by its words where the type is another; a call about results is not the results."""
    words = str(row.get("event")).lower()
    return str(row.get("event_type")) in _RESULTS_OF_A_QUARTER or ("earnings" in words and "call" not in words)


def _dividends(document: Any) -> Iterator[Event]:
    for symbol, row in _rows(document, "cash_dividends"):
        amount = float(non_negative([row.get("cash_amount")])[0])
        if day := _day(row.get("ex_date")):
            yield Event(symbol, "ex_dividend", day, None, False, amount if amount > 0 else None)


def _rows(document: Any, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Symbol and row of a table; of several results of a symbol the first may be empty."""
    for company in document if isinstance(document, list) else []:
        symbol = str(company.get("request")).replace("/", ".") if isinstance(company, dict) else ""
        results = company.get("results") if symbol else None
        for result in results if isinstance(results, list) else []:
            tables = result.get("tables") if isinstance(result, dict) else None
            yield from ((symbol, row) for row in items(tables, table) if isinstance(row, dict))


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
