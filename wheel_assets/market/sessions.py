"""When the shares trade: the clock by which volatility passes.

From Friday's close to Monday's three days pass, and one session. Variance comes with sessions: that of three days
with a weekend in them is hardly more than that of one day (French, Roll, Journal of Financial Economics 17, 1986).
What the share realised is therefore counted by sessions to the end of trading, and compared with the total
variance that options imply, in which the market has counted the days as it believes.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wheel_assets.market.arrays import Floats
from wheel_assets.market.calendar import CLOSE, NEW_YORK, OPEN, SECONDS_PER_YEAR

SESSIONS_PER_YEAR = 252
_FIRST_DAY = np.datetime64("1970-01-01", "D")


def sessions_left(timestamps: pd.Series, years: Floats) -> Floats:
    """Sessions from each quote (naive UTC) to the end of trading, so many `years` later; the begun one in part.

    Weekends are left out, holidays are not known. NaN where `years` is, 0 where trading has ended.

    >>> friday = pd.Series(pd.to_datetime(["2026-11-20 21:00", "2026-11-20 17:45"]))
    >>> sessions_left(friday, np.array([3.0, 3.0 + 3.25 / 24]) / 365).tolist()
    [1.0, 1.5]
    """
    quoted = timestamps.to_numpy(dtype="datetime64[s]").astype(np.int64)
    seconds = np.where(years > 0, years * SECONDS_PER_YEAR, 0.0).round().astype(np.int64)
    return np.where(np.isnan(years), np.nan, _elapsed(quoted + seconds) - _elapsed(quoted))


def new_york(times: pd.Series) -> pd.Series:
    """Naive UTC times as naive times in New York; each distinct one is converted once."""
    codes, distinct = pd.factorize(times)
    local = pd.DatetimeIndex(distinct).tz_localize("UTC").tz_convert(NEW_YORK).tz_localize(None)
    return pd.Series(local.to_numpy()[codes], index=times.index)


def since_midnight(moment: time) -> timedelta:
    """The time of day as a duration."""
    return timedelta(hours=moment.hour, minutes=moment.minute)


def _elapsed(moments: NDArray[np.int64]) -> Floats:
    """Sessions since 1970 until each moment (seconds since then, UTC); each distinct one is counted once."""
    distinct, where = np.unique(moments, return_inverse=True)
    return np.array([_sessions_until(datetime.fromtimestamp(m, NEW_YORK)) for m in distinct.tolist()])[where]


def _sessions_until(local: datetime) -> float:
    """Sessions since 1970 until a moment in New York, the begun one in part."""
    whole = float(np.busday_count(_FIRST_DAY, local.date()))
    if local.weekday() >= 5:
        return whole
    midnight = datetime.combine(local.date(), time(), NEW_YORK)
    begun = (local - midnight - since_midnight(OPEN)) / (since_midnight(CLOSE) - since_midnight(OPEN))
    return whole + min(max(begun, 0.0), 1.0)
