"""Nasdaq's public calendars of earnings and ex-dividend dates: keyless, one request a day and kind, all US stocks.

Undocumented, without a promise, and no contract: off unless it is named. Numbers are display text, dates are
M/D/YYYY. Projected and confirmed dates look alike, so earnings count as estimated.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from wheel_assets.errors import SourceError, UnexpectedAnswer
from wheel_assets.fetch.events.frame import Event, event_frame
from wheel_assets.fetch.http.client import ApiCall, HttpClient
from wheel_assets.fetch.http.rate_limiter import pace_of
from wheel_assets.fetch.http.response import Response
from wheel_assets.fetch.positions.spelling import day, number
from wheel_assets.fetch.source import Access, EventSource, Remember, no_memory, tell_progress
from wheel_assets.market.calendar import NEW_YORK
from wheel_assets.rows import Rows
from wheel_assets.vendors import NasdaqSettings

# Without these it hangs or refuses.
_HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36",
    "Accept": "application/json, text/plain, */*",
    "Origin": "https://www.nasdaq.com",
    "Referer": "https://www.nasdaq.com/",
}
_PATHS = {"earnings": "/api/calendar/earnings", "ex_dividend": "/api/calendar/dividends"}
_TIMES = {"time-pre-market": "before_open", "time-after-hours": "after_close"}
_SATURDAY, _OK = 5, 200
_TOTAL_SECONDS = 30.0

Row = list[Any]  # ticker without a dot, time of day, amount: what is kept of a calendar's row


class NasdaqCalendar(EventSource):
    """The days from today on, each asked once and `remember`ed; a day that fails ends what is known."""

    name: ClassVar[str] = "nasdaq"

    def __init__(
        self,
        base_url: str,
        record: Callable[[ApiCall], None],
        remember: Remember = no_memory,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        pace = pace_of(self.name)
        self._http = HttpClient(self.name, base_url, record, pace=pace, total_seconds=_TOTAL_SECONDS, sleep=sleep)
        self._remember = remember

    def events(self, symbols: Sequence[str], until: date, now: datetime) -> Rows:
        """See `EventSource.events`; raises the SourceError of the first day where not even that can be asked."""
        today = now.astimezone(NEW_YORK).date()
        ahead = [today + timedelta(days=n) for n in range((until - today).days + 1)]
        days = [each for each in ahead if each.weekday() < _SATURDAY]
        tickers = {_letters(symbol): symbol for symbol in symbols}
        events: list[Event] = []
        notes: list[str] = []
        for place, each in enumerate(days):
            try:
                events += [event for kind in _PATHS for event in self._events_on(kind, each, tickers)]
            except SourceError as error:
                if place == 0:
                    raise
                until = days[place - 1]
                notes = [f"events are known up to {until} only: {error}"]
                break
            tell_progress(f"day {place + 1} of {len(days)}")
        frame = event_frame(self.name, events, symbols, now, until=until)
        return Rows(frame, tuple(notes))

    def _events_on(self, kind: str, when: date, tickers: dict[str, str]) -> list[Event]:
        _, *rows = self._remember(f"nasdaq {kind} {when}", lambda: self._rows(kind, when))
        estimated = kind == "earnings"
        found = [(tickers[ticker], *sent) for ticker, *sent in rows if ticker in tickers]
        return [Event(symbol, kind, when, hour, estimated, amount) for symbol, hour, amount in found]

    def _rows(self, kind: str, when: date) -> list[Row]:
        """A day of a calendar; the first row is the day itself, for an empty answer would not be remembered."""
        answer = self._http.get(_PATHS[kind], params={"date": f"{when}"}, headers=_HEADERS, key=f"{when}")
        rows = _listed(answer, kind)
        return [[f"{when}"], *(kept for row in rows if (kept := _kept(row, kind, when, answer)))]


def _listed(answer: Response, kind: str) -> list[Any]:
    """The rows of a calendar's answer, none where it says so; raises UnexpectedAnswer for another shape."""
    document = answer.json("data")
    data, status = document["data"], document.get("status") or {}
    if data is None:
        code = status.get("rCode") if isinstance(status, dict) else None
        if code != _OK:
            raise answer.error(UnexpectedAnswer, "Nasdaq sent no calendar", f"code {code}", "try again later")
        return []
    if kind == "ex_dividend":
        data = data.get("calendar") if isinstance(data, dict) else data
    rows = data.get("rows") if isinstance(data, dict) else data
    if rows is not None and not isinstance(rows, list):
        raise answer.error(UnexpectedAnswer, "Nasdaq sent no rows", f"{type(rows).__name__}", "try again later")
    return rows or []


def _kept(row: Any, kind: str, when: date, answer: Response) -> Row | None:
    """What is kept of a row; raises UnexpectedAnswer for one of another day than was asked for."""
    symbol = row.get("symbol") if isinstance(row, dict) else None
    if not isinstance(symbol, str) or not symbol.strip():
        return None
    if kind == "earnings":
        return [_letters(symbol), _TIMES.get(str(row.get("time"))), None]
    stated, amount = _read(day, row.get("dividend_Ex_Date")), _read(number, row.get("dividend_Rate"))
    if stated is not None and stated != when:
        raise answer.error(
            UnexpectedAnswer, "Nasdaq sent another day", f"{stated} instead of {when}", "try again later"
        )
    return [_letters(symbol), None, amount if amount and 0 < amount < math.inf else None]


def _read(spelt: Callable[[str], Any], value: Any) -> Any:
    """A date or number of display text; None where it cannot be read: the row stands on the page of its day."""
    try:
        return spelt(str(value))
    except ValueError:
        return None


def _letters(symbol: str) -> str:
    """A ticker without what separates a share's class, which is written in several ways."""
    return "".join(letter for letter in symbol.upper() if letter.isalnum())


def open_events(access: Access) -> NasdaqCalendar:
    """Factory named in the registry entry."""
    return NasdaqCalendar(access.settings.of(NasdaqSettings).base_url, access.record, access.remember)
