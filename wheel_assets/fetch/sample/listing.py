"""What is listed on a given day in the sample market: sessions, expirations, strikes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from wheel_assets.market.calendar import CLOSE, NEW_YORK

WEEKS = 8
MONTHS = 10


class Expiration(NamedTuple):
    """One expiration, the strikes listed for it in dollars a share, ascending, and how it is listed."""

    day: date
    strikes: np.ndarray
    kind: str


# Steps in dollars, each from and to a multiple of the stock's anchor: the nearer an expiration, the
# finer its strikes. Around the anchor and not around today's price, because what is listed stays listed.
LADDERS = {
    "weekly": ((0.5, 0.65, 1.45), (1.0, 0.5, 1.8)),
    "monthly": ((1.0, 0.5, 1.8), (2.5, 0.3, 2.0), (5.0, 0.3, 2.5)),
    "leaps": ((2.5, 0.3, 2.0), (5.0, 0.15, 3.0)),
}


def last_session(today: date) -> date:
    """The last day with trading before `today`.

    >>> last_session(date(2026, 11, 29))  # a Sunday
    datetime.date(2026, 11, 27)
    """
    session = np.busday_offset(today, -1, roll="forward", busdaycal=_trading_days(today.year))
    return date.fromisoformat(str(session))


def sessions(last: date, count: int) -> list[date]:
    """The `count` days with trading that end with `last`, oldest first; at most a year of them.

    >>> [f"{day:%d %b}" for day in sessions(date(2026, 11, 27), 3)]  # the 26th is Thanksgiving
    ['24 Nov', '25 Nov', '27 Nov']
    """
    back = np.arange(1 - count, 1)
    days = np.busday_offset(np.datetime64(last, "D"), back, roll="backward", busdaycal=_trading_days(last.year - 1))
    return [date.fromisoformat(str(day)) for day in days]


def close_of(session: date) -> datetime:
    """When trading ends on that day, 16:00 in New York, as naive UTC; the early closes are left out.

    >>> close_of(date(2026, 7, 1))
    datetime.datetime(2026, 7, 1, 20, 0)
    """
    return datetime.combine(session, CLOSE, NEW_YORK).astimezone(UTC).replace(tzinfo=None)


def expirations(today: date, anchor: float) -> list[Expiration]:
    """What can still be traded after `today`, nearest first, for a stock whose price is about `anchor`.

    Fridays for eight weeks, third Fridays for ten months, and the January after those; where a
    Friday is a holiday, the Thursday before it. A contract on its last day is left out all day long:
    one day has one chain, and at the end of that day the contract is gone.
    """
    weekly = _weekly(today)
    months = np.datetime64(today, "M") + np.arange(MONTHS + 12)
    is_january = months.astype(int) % 12 == 0
    monthly = _third_fridays(today, months[:MONTHS])
    leaps = _third_fridays(today, months[MONTHS:][is_january[MONTHS:]])
    kinds = dict.fromkeys(leaps, "leaps") | dict.fromkeys(weekly, "weekly") | dict.fromkeys(monthly, "monthly")
    ladders = {
        day: (*LADDERS[kind], *(LADDERS["weekly"] if day in weekly else ()))
        for day, kind in sorted(kinds.items())
        if day > today
    }
    return [Expiration(day, _strikes(anchor, ladder), kinds[day]) for day, ladder in ladders.items()]


def _weekly(today: date) -> list[date]:
    weeks = np.arange(1, WEEKS + 1)
    return _or_before(today, np.busday_offset(np.datetime64(today, "D"), weeks, roll="backward", weekmask="Fri"))


def _third_fridays(today: date, months: np.ndarray) -> list[date]:
    return _or_before(today, np.busday_offset(months, 2, roll="forward", weekmask="Fri"))


def _or_before(today: date, days: np.ndarray) -> list[date]:
    """The days themselves where there is trading, else the last trading days before them."""
    sessions = np.busday_offset(days, 0, roll="backward", busdaycal=_trading_days(today.year))
    return [date.fromisoformat(str(session)) for session in sessions]


def _strikes(anchor: float, ladder: tuple[tuple[float, float, float], ...]) -> np.ndarray:
    rungs = [np.arange(np.ceil(low * anchor / step), high * anchor / step) * step for step, low, high in ladder]
    return np.unique(np.concatenate(rungs))


@lru_cache(maxsize=8)
def _trading_days(year: int) -> np.busdaycalendar:
    """Weekdays without the holidays of the New York Stock Exchange (its Rule 7.2), two years on."""
    from pandas.tseries import holiday

    rules = [
        holiday.Holiday("New Year's Day", month=1, day=1, observance=holiday.sunday_to_monday),
        holiday.USMartinLutherKingJr,
        holiday.USPresidentsDay,
        holiday.GoodFriday,
        holiday.USMemorialDay,
        holiday.Holiday("Juneteenth", month=6, day=19, observance=holiday.nearest_workday),
        holiday.Holiday("Independence Day", month=7, day=4, observance=holiday.nearest_workday),
        holiday.USLaborDay,
        holiday.USThanksgivingDay,
        holiday.Holiday("Christmas", month=12, day=25, observance=holiday.nearest_workday),
    ]
    calendar = holiday.AbstractHolidayCalendar(name=f"NYSE{year}", rules=rules)
    days = calendar.holidays(f"{year - 1}-12-01", f"{year + 2}-12-31")
    return np.busdaycalendar(holidays=days.to_numpy().astype("datetime64[D]"))
