"""What is listed on a given day in the sample market: sessions, expirations, strikes."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np

from wheel_assets.market.calendar import last_session

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


def expirations(today: date, anchor: float) -> list[Expiration]:
    """What can still be traded after `today`, nearest first, for a stock whose price is about `anchor`.

    Fridays for eight weeks, third Fridays for ten months, and the January after those; where a
    Friday is a holiday, the Thursday before it. A contract on its last day is left out all day long:
    one day has one chain, and at the end of that day the contract is gone.
    """
    weekly = _weekly(today)
    months = np.datetime64(today, "M") + np.arange(MONTHS + 12)
    is_january = months.astype(int) % 12 == 0
    monthly = _third_fridays(months[:MONTHS])
    leaps = _third_fridays(months[MONTHS:][is_january[MONTHS:]])
    kinds = dict.fromkeys(leaps, "leaps") | dict.fromkeys(weekly, "weekly") | dict.fromkeys(monthly, "monthly")
    ladders = {
        day: (*LADDERS[kind], *(LADDERS["weekly"] if day in weekly else ()))
        for day, kind in sorted(kinds.items())
        if day > today
    }
    return [Expiration(day, _strikes(anchor, ladder), kinds[day]) for day, ladder in ladders.items()]


def _weekly(today: date) -> list[date]:
    weeks = np.arange(1, WEEKS + 1)
    return _or_before(np.busday_offset(np.datetime64(today, "D"), weeks, roll="backward", weekmask="Fri"))


def _third_fridays(months: np.ndarray) -> list[date]:
    return _or_before(np.busday_offset(months, 2, roll="forward", weekmask="Fri"))


def _or_before(days: np.ndarray) -> list[date]:
    """The days themselves where there is trading, else the last trading days before them."""
    return [last_session(day.item()) for day in days]


def _strikes(anchor: float, ladder: tuple[tuple[float, float, float], ...]) -> np.ndarray:
    rungs = [np.arange(np.ceil(low * anchor / step), high * anchor / step) * step for step, low, high in ladder]
    return np.unique(np.concatenate(rungs))
