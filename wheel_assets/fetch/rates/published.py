"""Treasury yields by tenor, as the Federal Reserve Bank of St. Louis or the Treasury itself publishes them.

Both publish percent, a business day late, and not on holidays: the newest day with a three-month yield is
carried for up to a week, counted when it is fetched. It is then kept for `WHEEL_MAX_AGE__RISK_FREE_RATE`,
a day, like anything else that is cached. The other tenors are taken from that same day, because a curve of
several days is a curve of none; one that is missing or absurd is left out, with a note.
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import ClassVar

from wheel_assets.errors import SettingError, SourceError, UnexpectedAnswer
from wheel_assets.fetch.http.client import ApiCall, HttpClient
from wheel_assets.fetch.http.response import Response, VendorFault, restated
from wheel_assets.fetch.normalise.quotes import numbers
from wheel_assets.fetch.rates.bootstrap import zero_rates
from wheel_assets.fetch.source import THREE_MONTHS, Access, Rate, RateSource
from wheel_assets.market.calendar import NEW_YORK
from wheel_assets.vendors import FredSettings, TreasurySettings

LONGEST_CARRY = timedelta(days=7)
_USUAL_CARRY = timedelta(days=4)  # a long weekend and the day that publishing takes
_LOOK_BACK = timedelta(days=30)  # no run of holidays fills it
_TOTAL_SECONDS = 30.0  # of one request with its retries: the next source publishes the same
_LOWEST_PERCENT, _HIGHEST_PERCENT = -1.0, 25.0
# Years by the name of a series or column; three months, which must not be missing, come first.
_FRED_SERIES = {"DGS3MO": THREE_MONTHS, "DGS1MO": 1 / 12, "DGS6MO": 0.5, "DGS1": 1.0, "DGS2": 2.0, "DGS3": 3.0}
_TREASURY_COLUMNS = {"3 Mo": THREE_MONTHS, "1 Mo": 1 / 12, "1.5 Month": 1.5 / 12, "2 Mo": 2 / 12, "4 Mo": 4 / 12}
_TREASURY_COLUMNS |= {"6 Mo": 0.5, "1 Yr": 1.0, "2 Yr": 2.0, "3 Yr": 3.0}
_ISO_DAY, _US_DAY = "%Y-%m-%d", "%m/%d/%Y"
_FRED_PATH, _FRED_CSV_PATH = "/fred/series/observations", "/graph/fredgraph.csv"
_TREASURY_PATH = "/resource-center/data-chart-center/interest-rates/daily-treasury-rates.csv/{year}/all"

Observations = Iterable[tuple[object, object]]  # day and percent, as they came


class FredRate(RateSource):
    """The constant-maturity yields of the Federal Reserve Bank of St. Louis, one request a tenor; needs a free key."""

    name: ClassVar[str] = "FRED"

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
                "WHEEL_FRED__API_KEY is not set",
                "FRED requires one",
                "get one from FRED, or set WHEEL_RATE__SOURCE=treasury",
            )
        self._key = api_key
        self._http = HttpClient(
            "fred",
            base_url,
            record,
            explain=_fred_fault,
            secrets=[api_key],
            total_seconds=_TOTAL_SECONDS,
            sleep=sleep,
        )

    def risk_free_rate(self, now: datetime) -> Rate:
        """See `RateSource.risk_free_rate`; a series other than the three months' that fails is left out."""
        first, *others = _FRED_SERIES
        answer, observed = self._series(first)  # alone: a refused key is shown once
        with ThreadPoolExecutor(len(others)) as pool:
            found = dict(zip(others, pool.map(self._series_or_error, others), strict=True))
        notes = tuple(f"{name} is left out: {error}" for name, error in found.items() if isinstance(error, SourceError))
        series = {name: pairs for name, pairs in found.items() if not isinstance(pairs, SourceError)}
        rate = _curve(answer, {first: observed, **series}, _FRED_SERIES, _ISO_DAY, now)
        return replace(rate, notes=rate.notes + notes)

    def _series(self, name: str) -> tuple[Response, Observations]:
        params = {"series_id": name, "api_key": self._key, "file_type": "json", "sort_order": "desc", "limit": "30"}
        answer = self._http.get(_FRED_PATH, params=params)
        rows = answer.json("observations")["observations"]
        if not isinstance(rows, list):
            raise answer.error(UnexpectedAnswer, "FRED sent no list of observations")
        return answer, [(row.get("date"), row.get("value")) for row in rows if isinstance(row, dict)]

    def _series_or_error(self, name: str) -> Observations | SourceError:
        try:
            return self._series(name)[1]
        except SourceError as error:
            return error


class FredCsvRate(RateSource):
    """The same yields from FRED's graphs, all in one request and without a key."""

    name: ClassVar[str] = "FRED's keyless CSV"

    def __init__(
        self, base_url: str, record: Callable[[ApiCall], None], *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._http = HttpClient("fred", base_url, record, total_seconds=_TOTAL_SECONDS, sleep=sleep)

    def risk_free_rate(self, now: datetime) -> Rate:
        """See `RateSource.risk_free_rate`."""
        today = now.astimezone(NEW_YORK).date()
        params = {"id": ",".join(_FRED_SERIES), "cosd": f"{today - _LOOK_BACK}", "coed": f"{today}"}
        answer = self._http.get(_FRED_CSV_PATH, params=params)
        return _csv_curve(answer, ("observation_date", "DATE"), _FRED_SERIES, _ISO_DAY, now)


class TreasuryRate(RateSource):
    """The par yield curve of the US Treasury, all tenors of a year in one request; keyless."""

    name: ClassVar[str] = "the Treasury's CSV"

    def __init__(
        self, base_url: str, record: Callable[[ApiCall], None], *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._http = HttpClient("treasury", base_url, record, total_seconds=_TOTAL_SECONDS, sleep=sleep)

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
        return _csv_curve(answer, ("Date",), _TREASURY_COLUMNS, _US_DAY, now)


@dataclass(frozen=True)
class FirstOf(RateSource):
    """Several sources, asked in turn until one answers; what the others said stands in the rate's notes."""

    sources: Sequence[RateSource]
    name: ClassVar[str] = "the first of several"

    def risk_free_rate(self, now: datetime) -> Rate:
        """See `RateSource.risk_free_rate`; where all fail, an error with what each of them said."""
        failures: list[SourceError] = []
        for source in self.sources:
            try:
                rate = source.risk_free_rate(now)
            except SourceError as error:
                failures.append(error)
            else:
                return replace(rate, notes=(*(f"{failure}; used {source.name}" for failure in failures), *rate.notes))
        first, *others = failures
        reasons = (first.why, *(f"{error.what}: {error.why}" for error in others))
        remedy = "try again later, or set WHEEL_RATE__SOURCE=constant"
        raise restated(first, type(first), first.what, ", then ".join(reasons), remedy)


def open_fred(access: Access) -> FirstOf:
    """FRED's API, where there is a key, then its keyless CSV, then the Treasury.

    The constant is never fallen back on: it would pass for what the market says.
    """
    fred = access.settings.of(FredSettings)
    with_key = [FredRate(fred.base_url, fred.api_key.get_secret_value(), access.record)] if fred.api_key else []
    return FirstOf([*with_key, _fred_csv(access), _treasury(access)])


def open_treasury(access: Access) -> FirstOf:
    """The Treasury, then FRED's keyless CSV, which publishes the same yields."""
    return FirstOf([_treasury(access), _fred_csv(access)])


def _fred_csv(access: Access) -> FredCsvRate:
    return FredCsvRate(access.settings.of(FredSettings).csv_base_url, access.record)


def _treasury(access: Access) -> TreasuryRate:
    return TreasuryRate(access.settings.of(TreasurySettings).base_url, access.record)


def _csv_curve(
    answer: Response, day_names: Sequence[str], tenors: Mapping[str, float], layout: str, now: datetime
) -> Rate:
    """The curve of a CSV whose first column, one of `day_names`, is the day."""
    try:
        rows = list(csv.reader(answer.csv_text().splitlines(), strict=True))
    except csv.Error as error:
        raise answer.error(UnexpectedAnswer, f"{answer.source} sent a damaged CSV", f"{error}") from None
    header, needed = [cell.strip() for cell in rows[0]] if rows else [], next(iter(tenors))
    if header[:1] and (header[0] not in day_names or needed not in header):
        wanted = f"{day_names[0]} and {needed}"
        raise answer.error(UnexpectedAnswer, f"{answer.source}'s CSV has no {wanted}", f"it has {header[:6]}")
    columns = {name: header.index(name) for name in tenors if name in header}
    observed = {name: [(row[0], row[at]) for row in rows[1:] if len(row) > at] for name, at in columns.items()}
    return _curve(answer, {needed: [], **observed}, tenors, layout, now)


def _curve(
    answer: Response, observed: Mapping[str, Observations], tenors: Mapping[str, float], layout: str, now: datetime
) -> Rate:
    """The curve of the newest day with a three-month yield; raises UnexpectedAnswer where that is old or absurd."""
    today, first, source = now.astimezone(NEW_YORK).date(), next(iter(tenors)), answer.source
    days = {name: _percents(pairs, layout) for name, pairs in observed.items()}
    newest = _newest_day(answer, first, days[first], today)
    percents = {name: values[newest] for name, values in days.items() if _plausible(values.get(newest))}
    missing = [name for name in observed if name not in percents]
    notes = [f"{source} has no {', '.join(missing)} of {newest}: left out"] if missing else []
    if today - newest > _USUAL_CARRY:
        notes.append(f"the newest rate of {source} is of {newest}, {(today - newest).days} days ago")
    yields = {tenors[name]: percent / 100 for name, percent in percents.items()}
    return Rate(zero_rates(yields), newest, source, tuple(notes))


def _newest_day(answer: Response, first: str, percents: Mapping[date, float], today: date) -> date:
    """The newest day until today; raises UnexpectedAnswer where there is none, or it is too old or absurd."""
    newest = max((day for day in percents if day <= today), default=None)
    if newest is None:
        remedy = "try again later or set WHEEL_RATE__SOURCE"
        raise answer.error(UnexpectedAnswer, f"{answer.source} has no value of {first}", "", remedy)
    if not _plausible(percents[newest]):
        what = f"{answer.source}'s {first} of {newest} is absurd"
        raise answer.error(UnexpectedAnswer, what, f"{percents[newest]} percent")
    if today - newest > LONGEST_CARRY:
        what = f"{answer.source}'s {first} is too old"
        raise answer.error(UnexpectedAnswer, what, f"its newest value is of {newest}")
    return newest


def _percents(observations: Observations, layout: str) -> dict[date, float]:
    """The observations that have a day and a number; of two for a day, the later in the list."""
    days, values = zip(*pairs, strict=True) if (pairs := list(observations)) else ((), ())
    found = zip(map(_day(layout), days), map(float, numbers(values)), strict=True)
    return {day: percent for day, percent in found if day and not math.isnan(percent)}


def _plausible(percent: float | None) -> bool:
    return percent is not None and _LOWEST_PERCENT <= percent <= _HIGHEST_PERCENT


def _day(layout: str) -> Callable[[object], date | None]:
    def day(text: object) -> date | None:
        """The date of a text; None where it does not match the layout."""
        try:
            return datetime.strptime(str(text).strip(), layout).date()
        except ValueError:
            return None

    return day


def _fred_fault(answer: Response) -> VendorFault:
    document = answer.decoded()
    if not isinstance(document, dict):
        return VendorFault()
    return VendorFault(str(document.get("error_code", "")) or None, str(document.get("error_message", ""))[:200])
