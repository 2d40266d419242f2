"""The risk-free rate: the three-month Treasury yield, as the Federal Reserve or the Treasury publishes it.

Both publish percent, a business day late, and not on holidays: the newest value is carried for up to
a week. The yield is bond-equivalent, which for three months is simple interest; it is converted to a
continuously compounded rate by r = ln(1 + y / 4) / (1 / 4).
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from wheel_assets.errors import SettingError, SourceError, UnexpectedAnswer
from wheel_assets.fetch.answer import Answer, VendorFault
from wheel_assets.fetch.chain import NEW_YORK
from wheel_assets.fetch.http import ApiCall, HttpClient
from wheel_assets.fetch.quotes import numbers
from wheel_assets.fetch.source import Rate, RateSource

LONGEST_CARRY = timedelta(days=7)
_LOWEST_PERCENT, _HIGHEST_PERCENT = -1.0, 25.0
_YEARS = 0.25
_SERIES = "DGS3MO"
_FRED_PATH = "/fred/series/observations"
_TREASURY_PATH = "/resource-center/data-chart-center/interest-rates/daily-treasury-rates.csv/{year}/all"


class FredRate(RateSource):
    """Series DGS3MO of the Federal Reserve Bank of St. Louis; needs a free key."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        record: Callable[[ApiCall], None],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not api_key:
            raise SettingError(
                "WHEEL_FRED__API_KEY is not set", "FRED asks for one", "get one there, or use `treasury`"
            )
        self._key = api_key
        self._http = HttpClient("fred", base_url, record, explain=_fred_fault, secrets=[api_key], sleep=sleep)

    def risk_free_rate(self, now: datetime) -> Rate:
        """See `RateSource.risk_free_rate`; asks for a month, which no run of holidays fills."""
        params = {"series_id": _SERIES, "api_key": self._key, "file_type": "json", "sort_order": "desc", "limit": "30"}
        answer = self._http.get(_FRED_PATH, params=params)
        rows = answer.json("observations")["observations"]
        if not isinstance(rows, list):
            raise answer.error(UnexpectedAnswer, "FRED sent no list of observations")
        pairs = [(row.get("date"), row.get("value")) for row in rows if isinstance(row, dict)]
        return _newest(answer, pairs, "%Y-%m-%d", now, f"FRED {_SERIES}")


class TreasuryRate(RateSource):
    """The three-month par yield of the US Treasury's own curve; keyless."""

    def __init__(
        self, base_url: str, record: Callable[[ApiCall], None], *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._http = HttpClient("treasury", base_url, record, sleep=sleep)

    def risk_free_rate(self, now: datetime) -> Rate:
        """See `RateSource.risk_free_rate`; in the first days of January last year's file has the newest value."""
        today = now.astimezone(NEW_YORK).date()
        try:
            return self._of_year(today.year, now)
        except UnexpectedAnswer:
            if (today - LONGEST_CARRY).year == today.year:
                raise
        return self._of_year(today.year - 1, now)

    def _of_year(self, year: int, now: datetime) -> Rate:
        params = {"type": "daily_treasury_yield_curve", "field_tdr_date_value": f"{year}", "page": "", "_format": "csv"}
        answer = self._http.get(_TREASURY_PATH.format(year=year), params=params)
        try:
            rows = list(csv.DictReader(answer.csv_text().splitlines(), strict=True))
        except csv.Error as error:
            raise answer.error(UnexpectedAnswer, "the Treasury sent a damaged CSV", f"{error}") from None
        if rows and not {"Date", "3 Mo"} <= rows[0].keys():
            raise answer.error(
                UnexpectedAnswer, "the Treasury's CSV has no Date and 3 Mo", f"it has {list(rows[0])[:6]}"
            )
        return _newest(answer, [(row["Date"], row["3 Mo"]) for row in rows], "%m/%d/%Y", now, "US Treasury 3 Mo")


@dataclass(frozen=True)
class FirstOf(RateSource):
    """Several sources, asked in turn until one answers; what the others said stands in the rate's notes."""

    sources: Sequence[RateSource]

    def risk_free_rate(self, now: datetime) -> Rate:
        """See `RateSource.risk_free_rate`; where all fail, the first one's error."""
        failures: list[SourceError] = []
        for source in self.sources:
            try:
                rate = source.risk_free_rate(now)
            except SourceError as error:
                failures.append(error)
            else:
                return replace(rate, notes=tuple(f"{failure}; used {rate.source}" for failure in failures))
        raise failures[0]


def continuous(percent: float) -> float:
    """A three-month bond-equivalent yield in percent as a continuously compounded decimal rate.

    >>> round(continuous(4.0), 6)
    0.039801
    """
    return math.log(1 + percent / 100 * _YEARS) / _YEARS


def _newest(
    answer: Answer, observations: Iterable[tuple[object, object]], layout: str, now: datetime, source: str
) -> Rate:
    """The newest observation that holds a number; raises UnexpectedAnswer where it is old or absurd."""
    today = now.astimezone(NEW_YORK).date()
    days, values = zip(*observations, strict=True) if (observations := list(observations)) else ((), ())
    found = [(day, value) for day, value in zip(map(_day(layout), days), numbers(values), strict=True) if day]
    found = [(day, float(value)) for day, value in found if day <= today and not math.isnan(value)]
    if not found:
        raise answer.error(UnexpectedAnswer, f"{source} has no value", "", "try again later or set WHEEL_RATE__SOURCE")
    day, percent = max(found)
    if not _LOWEST_PERCENT <= percent <= _HIGHEST_PERCENT:
        raise answer.error(UnexpectedAnswer, f"{source} of {day} is absurd", f"{percent} percent")
    if today - day > LONGEST_CARRY:
        raise answer.error(UnexpectedAnswer, f"{source} is too old", f"its newest value is of {day}")
    return Rate(continuous(percent), day, source)


def _day(layout: str) -> Callable[[object], date | None]:
    def day(text: object) -> date | None:
        try:
            return datetime.strptime(str(text).strip(), layout).date()
        except ValueError:
            return None

    return day


def _fred_fault(answer: Answer) -> VendorFault:
    document = answer.decoded()
    if not isinstance(document, dict):
        return VendorFault()
    return VendorFault(str(document.get("error_code", "")) or None, str(document.get("error_message", ""))[:200])
