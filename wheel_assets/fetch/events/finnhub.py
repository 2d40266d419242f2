"""Finnhub's earnings calendar: one request a symbol, with a key. Dividends are not in its free plan."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, ClassVar

from wheel_assets.errors import SettingError, SourceError, UnexpectedAnswer
from wheel_assets.fetch.events.frame import Event, event_frame, sent_day
from wheel_assets.fetch.http.client import ApiCall, HttpClient
from wheel_assets.fetch.http.rate_limiter import pace_of
from wheel_assets.fetch.source import Access, EventSource, tell_progress
from wheel_assets.market.calendar import NEW_YORK
from wheel_assets.rows import Rows
from wheel_assets.vendors import FinnhubSettings

_PATH = "/api/v1/calendar/earnings"
_HOURS = {"bmo": "before_open", "amc": "after_close"}
_TOTAL_SECONDS = 30.0


class FinnhubEarnings(EventSource):
    """Earnings dates; of dividends it says that nothing is known."""

    name: ClassVar[str] = "finnhub"

    def __init__(
        self,
        base_url: str,
        api_key: str,
        record: Callable[[ApiCall], None],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._headers = {"X-Finnhub-Token": api_key}
        self._http = HttpClient(
            self.name,
            base_url,
            record,
            pace=pace_of(self.name),
            secrets=[api_key],
            last_statuses={401, 403, 429},
            total_seconds=_TOTAL_SECONDS,
            sleep=sleep,
        )

    def events(self, symbols: Sequence[str], until: date, now: datetime) -> Rows:
        """See `EventSource.events`."""
        today = now.astimezone(NEW_YORK).date()
        events: list[Event] = []
        errors: dict[str, SourceError] = {}
        for place, symbol in enumerate(symbols, start=1):
            try:
                events += self._earnings(symbol, today, until)
            except SourceError as error:
                errors[symbol] = error
            tell_progress(f"{place} of {len(symbols)} symbols")
        asked = [symbol for symbol in symbols if symbol not in errors]
        if not asked:
            raise next(iter(errors.values()))
        frame = event_frame(self.name, events, asked, now, until=until, kinds=("earnings",))
        return Rows(frame, (), {symbol: str(error) for symbol, error in errors.items()})

    def _earnings(self, symbol: str, today: date, until: date) -> list[Event]:
        params = {"from": f"{today}", "to": f"{until}", "symbol": symbol}
        answer = self._http.get(_PATH, params=params, headers=self._headers, key=symbol)
        rows = answer.json("earningsCalendar")["earningsCalendar"]
        if rows is not None and not isinstance(rows, list):
            raise answer.error(UnexpectedAnswer, f"Finnhub sent no list of earnings for {symbol}")
        try:
            return [event for row in rows or () if (event := _event(row, symbol))]
        except ValueError as error:
            what = f"Finnhub sent earnings of {symbol} that cannot be read"
            raise answer.error(UnexpectedAnswer, what, f"{error}", "try again later") from error


def _event(row: Any, symbol: str) -> Event | None:
    """The event of a row; None for another symbol's, or one without a date; raises ValueError for what is no date."""
    if not isinstance(row, dict) or row.get("symbol") != symbol:
        return None
    when = sent_day(row.get("date"))
    return Event(symbol, "earnings", when, _HOURS.get(str(row.get("hour")))) if when else None


def open_events(access: Access) -> FinnhubEarnings:
    """Factory named in the registry entry, which ensures that there is a key."""
    finnhub = access.settings.of(FinnhubSettings)
    if finnhub.api_key is None:
        raise SettingError("WHEEL_FINNHUB__API_KEY is not set", "Finnhub requires one", "copy it from your account")
    return FinnhubEarnings(finnhub.base_url, finnhub.api_key.get_secret_value(), access.record)
