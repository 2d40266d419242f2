"""Time to expiration: from expiration date, settlement and the exchange's calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np

from wheel_assets.market.calendar import SECONDS_PER_YEAR, last_session, new_york_day, session_of

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.market.arrays import Bools, Floats

NEVER = np.datetime64("NaT")


def end_of_trading(expiration: date, am_settled: bool = False) -> datetime:
    """Naive UTC time at which a contract stops trading, with early closes and holidays.

    >>> end_of_trading(date(2026, 12, 18)), end_of_trading(date(2026, 12, 18), am_settled=True)
    (datetime.datetime(2026, 12, 18, 21, 0), datetime.datetime(2026, 12, 17, 21, 0))
    >>> end_of_trading(date(2026, 11, 27))  # 13:00 in New York
    datetime.datetime(2026, 11, 27, 18, 0)
    """
    return session_of(last_session(expiration, before=am_settled)).closes


def days_left(expiration: date, now: datetime) -> int:
    """Calendar days in New York from `now` (aware) to the expiration; -1 or less once trading has ended.

    >>> days_left(date(2026, 12, 18), datetime(2026, 11, 22, 15, 0, tzinfo=UTC))
    26
    >>> days_left(date(2026, 12, 18), datetime(2026, 12, 18, 21, 0, tzinfo=UTC))
    -1
    """
    days = (expiration - new_york_day(now)).days
    ended = days == 0 and now.astimezone(UTC).replace(tzinfo=None) >= end_of_trading(expiration)
    return -1 if ended else days


def years_to_expiration(timestamps: pd.Series, expirations: pd.Series, am_settled: Bools) -> Floats:
    """Years of 365 days from each quote (naive UTC) to the end of trading; negative once it has ended.

    NaN where the time of the quote or the expiration is missing.
    """
    import pandas as pd

    codes, days = pd.factorize(expirations)
    known = [[end_of_trading(day.date(), early) for early in (False, True)] for day in pd.DatetimeIndex(days)]
    ends = [*known, [NEVER, NEVER]]  # the last where the code is -1
    end = np.array(ends, dtype="datetime64[us]")[codes, am_settled.astype(int)]
    left = end - timestamps.to_numpy(dtype="datetime64[us]")
    years: Floats = left / np.timedelta64(1, "s") / SECONDS_PER_YEAR
    return years
