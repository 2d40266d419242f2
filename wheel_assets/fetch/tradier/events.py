"""Earnings and ex-dividend dates from Tradier's fundamentals, which are in beta and for brokerage accounts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, ClassVar

from wheel_assets.errors import UnexpectedAnswer
from wheel_assets.fetch.events.frame import Event, event_frame, sent_day
from wheel_assets.fetch.normalise.quotes import non_negative
from wheel_assets.fetch.source import Access, EventSource
from wheel_assets.fetch.tradier.market import spelt
from wheel_assets.fetch.tradier.session import SOURCE, TradierSession, items, session_of
from wheel_assets.rows import Rows

_CALENDARS, _DIVIDENDS = "/beta/markets/fundamentals/calendars", "/beta/markets/fundamentals/dividends"
_RESULTS_OF_A_QUARTER = {"7", "8", "9", "10"}


class TradierEvents(EventSource):
    """Dates of the corporate calendars; whether they are confirmed is not sent: they count as estimated."""

    name: ClassVar[str] = SOURCE

    def __init__(self, session: TradierSession) -> None:
        self._session = session

    def events(self, symbols: Sequence[str], until: date, now: datetime) -> Rows:
        """See `EventSource.events`."""
        asked = {"symbols": ",".join(spelt(symbol) for symbol in symbols)}
        calendars = _companies(self._session.get(_CALENDARS, asked))
        dividends = _companies(self._session.get(_DIVIDENDS, asked))
        events: list[Event] = []
        failures: dict[str, str] = {}
        for symbol in symbols:
            try:
                events += [*_earnings(symbol, calendars[symbol]), *_dividends(symbol, dividends[symbol])]
            except KeyError:
                failures[symbol] = f"Tradier has no calendar of {symbol}"
            except ValueError as error:
                failures[symbol] = f"Tradier sent events of {symbol} that cannot be read; {error}"
        known = [symbol for symbol in symbols if symbol not in failures]
        if not known:
            raise UnexpectedAnswer(next(iter(failures.values())), "", "try again later", source=SOURCE)
        return Rows(event_frame(SOURCE, events, known, now, until=until), (), failures)


def open_events(access: Access) -> TradierEvents:
    """Factory named in the registry entry."""
    return TradierEvents(session_of(access))


def _earnings(symbol: str, company: dict[str, Any]) -> Iterator[Event]:
    for row in _rows(company, "corporate_calendars"):
        if _is_earnings(row) and (day := sent_day(row.get("begin_date_time"))):
            yield Event(symbol, "earnings", day, None, True)


def _is_earnings(row: dict[str, Any]) -> bool:
    """By its type, or by its words where the type is another; a call about results is not the results."""
    words = str(row.get("event")).lower()
    return str(row.get("event_type")) in _RESULTS_OF_A_QUARTER or ("earnings" in words and "call" not in words)


def _dividends(symbol: str, company: dict[str, Any]) -> Iterator[Event]:
    for row in _rows(company, "cash_dividends"):
        amount = float(non_negative([row.get("cash_amount")])[0])
        if day := sent_day(row.get("ex_date")):
            yield Event(symbol, "ex_dividend", day, None, False, amount if amount > 0 else None)


def _companies(document: Any) -> dict[str, dict[str, Any]]:
    """What is sent of each symbol; raises UnexpectedAnswer for another shape."""
    if not isinstance(document, list):
        why = f"{type(document).__name__} instead of a list of companies"
        raise UnexpectedAnswer("Tradier sent an unexpected layout", why, "try again later", source=SOURCE)
    sent = [company for company in document if isinstance(company, dict)]
    return {str(company.get("request")).replace("/", "."): company for company in sent}


def _rows(company: dict[str, Any], table: str) -> Iterator[dict[str, Any]]:
    """The rows of a table; of several results the first may be empty. Raises ValueError for another shape."""
    results = company.get("results")
    if not isinstance(results, list):
        raise ValueError("its results are no list")
    for result in results:
        tables = result.get("tables") if isinstance(result, dict) else None
        for row in items(tables, table):
            if not isinstance(row, dict):
                raise ValueError("a row of it is no object")
            yield row
