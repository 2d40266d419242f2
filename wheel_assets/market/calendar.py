"""When options on US shares trade: sessions, holidays and early closes of the New York Stock Exchange.

The days come from `exchange_calendars`. Its import and its schedules take a tenth of a second each, so it is imported
on first use, five years are loaded at a time, and `cache.kept_sessions` can keep them between processes. Times are
naive UTC, as in the tables, unless stated otherwise; a `now` is always aware.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from wheel_assets.market.arrays import Floats

NEW_YORK = ZoneInfo("America/New_York")
OPEN, CLOSE = time(9, 30), time(16, 0)  # of a full session, in New York
DAYS_PER_YEAR = 365.0
SECONDS_PER_YEAR = DAYS_PER_YEAR * 86_400
SESSIONS_PER_YEAR = 252
_BLOCK = 5  # years loaded at once; most listed options and all daily prices used here lie within
# Times at which advice may change: midnight, the open, the earliest and the usual close, and the end of trading in
# index options. Each counts on holidays too: one too many costs a run, one too few shows yesterday's answer.
_EVENTS = (time(0), OPEN, time(13, 0), CLOSE, time(16, 15))
_EARLIEST, _LATEST = 1990, 2100  # a day outside these years is an error of its source


def event_between(earlier: datetime, later: datetime) -> bool:
    """Whether midnight, an open or a close in New York may lie between two times (aware), the later one included.

    Uses no calendar: importing one takes longer than showing an answer from the cache.

    >>> event_between(datetime(2026, 11, 23, 15, 0, tzinfo=UTC), datetime(2026, 11, 23, 17, 59, tzinfo=UTC))
    False
    """
    first, last = earlier.astimezone(NEW_YORK), later.astimezone(NEW_YORK)
    if first.date() != last.date():
        return True
    return any(first.time() < event <= last.time() for event in _EVENTS)


class Session(NamedTuple):
    """One trading day, and when it opens and closes, naive UTC."""

    day: date
    opens: datetime
    closes: datetime


class _Schedule(NamedTuple):
    """All sessions as arrays in order: days, and opening and closing times in seconds since 1970."""

    days: NDArray[np.datetime64]
    opens: NDArray[np.int64]
    closes: NDArray[np.int64]
    business_days: np.busdaycalendar


def _schedule(first: date, last: date) -> _Schedule:
    """The sessions of all years from `first` to `last`, and of a month on either side."""
    years = [min(max(day.year, _EARLIEST), _LATEST) for day in (first, last)]
    return _schedule_of_blocks(years[0] // _BLOCK, years[1] // _BLOCK)


def listed_sessions(first_year: int, last_year: int) -> NDArray[np.int64]:
    """All sessions of the years, and of a month on either side, as `exchange_calendars` lists them, shape (n, 3).

    Columns: day, in days since 1970; opening and closing time, in seconds since 1970, UTC.
    """
    from exchange_calendars.exchange_calendar_xnys import XNYSExchangeCalendar

    exchange = XNYSExchangeCalendar(start=f"{first_year - 1}-12-01", end=f"{last_year + 1}-01-31")
    days = exchange.sessions.to_numpy().astype("datetime64[D]").astype(np.int64)
    return np.column_stack([days, exchange.opens_nanos // 1_000_000_000, exchange.closes_nanos // 1_000_000_000])


SessionList = Callable[[int, int], "NDArray[np.int64]"]
_sessions: SessionList = listed_sessions


def list_sessions_by(function: SessionList) -> None:
    """Take sessions from `function`, of the arguments and the result of `listed_sessions`, from now on."""
    global _sessions
    _sessions = function


@cache
def _schedule_of_blocks(first: int, last: int) -> _Schedule:
    numbers, opens, closes = _sessions(first * _BLOCK, (last + 1) * _BLOCK - 1).T
    days = numbers.astype("datetime64[D]")
    weekdays = np.arange(days[0], days[-1] + 1)
    holidays = np.setdiff1d(weekdays[np.is_busday(weekdays)], days)
    return _Schedule(days, opens, closes, np.busdaycalendar(holidays=holidays))


def business_days(first: date, last: date) -> np.busdaycalendar:
    """Sessions of all years from `first` to `last` as a numpy business-day calendar."""
    return _schedule(first, last).business_days


def is_session(day: date) -> bool:
    """Whether there is trading on that day.

    >>> is_session(date(2026, 11, 26)), is_session(date(2026, 11, 27))  # Thanksgiving, and the day after
    (False, True)
    """
    return bool(np.is_busday(day, busdaycal=business_days(day, day)))


def session_of(day: date) -> Session:
    """The session of a day; on a day without one, the hours of a full session.

    >>> session_of(date(2026, 11, 27)).closes  # 13:00 in New York, the day after Thanksgiving
    datetime.datetime(2026, 11, 27, 18, 0)
    """
    known = _schedule(day, day)
    at = int(np.searchsorted(known.days, np.datetime64(day, "D")))
    if at < len(known.days) and known.days[at] == np.datetime64(day, "D"):
        opens, closes = (datetime.fromtimestamp(int(when[at]), UTC) for when in (known.opens, known.closes))
    else:
        opens, closes = (datetime.combine(day, at, NEW_YORK).astimezone(UTC) for at in (OPEN, CLOSE))
    return Session(day, opens.replace(tzinfo=None), closes.replace(tzinfo=None))


def last_session(day: date, *, before: bool = False) -> date:
    """The last session on or before a day; `before`: strictly before it.

    >>> last_session(date(2026, 11, 29)), last_session(date(2026, 11, 27), before=True)
    (datetime.date(2026, 11, 27), datetime.date(2026, 11, 25))
    """
    start = day - timedelta(days=1) if before else day
    session = np.busday_offset(np.datetime64(start, "D"), 0, roll="backward", busdaycal=business_days(day, day))
    return date.fromisoformat(str(session))


def sessions(last: date, count: int) -> list[date]:
    """The `count` sessions that end with `last`, or the one before it, oldest first.

    >>> [f"{day:%d %b}" for day in sessions(date(2026, 11, 27), 3)]  # the 26th is Thanksgiving
    ['24 Nov', '25 Nov', '27 Nov']
    """
    back = np.arange(1 - count, 1)
    first = last - timedelta(days=2 * count + 7)  # more days than sessions and the holidays among them
    days = np.busday_offset(np.datetime64(last, "D"), back, roll="backward", busdaycal=business_days(first, last))
    return [day.item() for day in days]


def last_finished_session(now: datetime) -> Session:
    """The last session that has closed by `now` (aware).

    >>> last_finished_session(datetime(2026, 11, 27, 17, 59, tzinfo=UTC)).day
    datetime.date(2026, 11, 25)
    """
    session = session_of(last_session(new_york_day(now)))
    if session.closes <= now.astimezone(UTC).replace(tzinfo=None):
        return session
    return session_of(last_session(session.day, before=True))


def is_open(now: datetime) -> bool:
    """Whether options on stocks trade at `now` (aware).

    >>> is_open(datetime(2026, 11, 26, 15, 0, tzinfo=UTC)), is_open(datetime(2026, 11, 27, 15, 0, tzinfo=UTC))
    (False, True)
    """
    local = now.astimezone(NEW_YORK)
    if not (local.weekday() < 5 and OPEN <= local.time() < CLOSE and is_session(local.date())):
        return False
    return now.astimezone(UTC).replace(tzinfo=None) < session_of(local.date()).closes


def next_event(now: datetime) -> datetime:
    """The next open, close or midnight in New York after `now` (aware), at which advice expires; aware, in UTC.

    Expirations fall on closes, and days to expiration change at midnight in New York.

    >>> next_event(datetime(2026, 11, 27, 15, 0, tzinfo=UTC)).isoformat()
    '2026-11-27T18:00:00+00:00'
    """
    local = now.astimezone(NEW_YORK)
    midnight = datetime.combine(local.date() + timedelta(days=1), time(), NEW_YORK)
    moments = [midnight.astimezone(UTC)]
    if is_session(local.date()):
        session = session_of(local.date())
        moments += [session.opens.replace(tzinfo=UTC), session.closes.replace(tzinfo=UTC)]
    return min(moment for moment in moments if moment > now)


def sessions_left(timestamps: pd.Series, years: Floats) -> Floats:
    """Sessions from each quote (naive UTC) to the end of trading `years` (of 365 days) later; a part counts in part.

    From Friday's close to Monday's three days pass, and one session. Variance accrues by sessions: over a weekend it is
    hardly more than over one day (French, Roll, Journal of Financial Economics 17, 1986).
    NaN where `years` is NaN, 0 where trading has ended.

    >>> import pandas as pd
    >>> friday = pd.Series(pd.to_datetime(["2026-11-20 21:00", "2026-11-20 17:45"]))
    >>> sessions_left(friday, np.array([3.0, 3.0 + 3.25 / 24]) / 365).tolist()
    [1.0, 1.5]
    """
    quoted = timestamps.to_numpy(dtype="datetime64[s]").astype(np.int64)
    seconds = np.where(years > 0, years * SECONDS_PER_YEAR, 0.0).round().astype(np.int64)
    if not len(quoted):
        return np.zeros(0)
    ends = quoted + seconds
    known = _schedule(*(datetime.fromtimestamp(int(when), UTC).date() for when in (quoted.min(), ends.max())))
    return np.where(np.isnan(years), np.nan, _elapsed(known, ends) - _elapsed(known, quoted))


def _elapsed(known: _Schedule, moments: NDArray[np.int64]) -> Floats:
    """Sessions from the first of the schedule to each moment (seconds since 1970); a part counts in part."""
    at = np.clip(np.searchsorted(known.opens, moments, side="right") - 1, 0, None)
    begun = (moments - known.opens[at]) / (known.closes[at] - known.opens[at])
    elapsed: Floats = at + np.clip(begun, 0.0, 1.0)
    return elapsed


def last_finished_day(now: datetime) -> date:
    """The newest date in New York on which trading is over, or never was, at `now` (aware).

    >>> last_finished_day(datetime(2026, 12, 18, 21, 0, tzinfo=UTC)).isoformat()
    '2026-12-18'
    """
    day = new_york_day(now)
    over = now.astimezone(UTC).replace(tzinfo=None) >= session_of(day).closes
    return day if over else day - timedelta(days=1)


def last_sessions(days: pd.Series) -> pd.Series:
    """The last session on or before each day (midnights); each distinct one is looked up once."""
    return days.map({day: last_session(day.date()) for day in days.dropna().unique()}).astype("datetime64[us]")


def closes_in_new_york(days: pd.Series) -> pd.Series:
    """Closing time of each day (given as midnights), naive New York time; 16:00 on a day without a session."""
    import pandas as pd

    distinct = pd.Series(days.dropna().unique())
    closes = pd.Series([session_of(day.date()).closes for day in distinct], dtype="datetime64[us]")
    return days.map(dict(zip(distinct, new_york_times(closes), strict=True))).astype("datetime64[us]")


def new_york_day(now: datetime) -> date:
    """The date in New York at `now` (aware)."""
    return now.astimezone(NEW_YORK).date()


def new_york_times(times: pd.Series) -> pd.Series:
    """Naive UTC times as naive times in New York; each distinct one is converted once."""
    import pandas as pd

    codes, distinct = pd.factorize(times)
    local = pd.DatetimeIndex(distinct).tz_localize("UTC").tz_convert(NEW_YORK).tz_localize(None)
    return pd.Series(local.to_numpy()[codes], index=times.index)


def new_york_text(when: datetime) -> str:
    """Text of a moment (aware) in New York time.

    >>> new_york_text(datetime(2026, 11, 20, 21, 0, tzinfo=UTC))
    'Fri 20 Nov 16:00 ET'
    """
    return f"{when.astimezone(NEW_YORK):%a %d %b %H:%M} ET"
