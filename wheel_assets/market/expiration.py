"""How long a contract still trades, and how it is exercised: facts about its root and expiration date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from wheel_assets.market.arrays import Bools, Floats
from wheel_assets.market.calendar import CLOSE, NEW_YORK, SECONDS_PER_YEAR

NEVER = np.datetime64("NaT")
# Settled on the opening print of the expiration date, so that trading ends at the close of the day before.
AM_SETTLED_ROOTS = frozenset({"SPX", "NDX", "RUT", "DJX", "VIX", "VIXW"})
# OEX, alone among the indices, is American.
EUROPEAN_ROOTS = AM_SETTLED_ROOTS | {"SPXW", "XSP", "XEO", "NDXP", "XND", "RUTW", "MRUT"}


def roots(option_symbols: pd.Series) -> pd.Series:
    """Root of each padded 21-character OSI code.

    >>> roots(pd.Series(["SPXW  261120P05000000"])).tolist()
    ['SPXW']
    """
    codes, distinct = pd.factorize(option_symbols.str.slice(0, 6))
    stripped = np.array([str(code).strip() for code in distinct], dtype=object)
    return pd.Series(stripped[codes], index=option_symbols.index)


def end_of_trading(expiration: datetime, am_settled: bool) -> datetime:
    """Naive UTC time at which a contract stops trading.

    >>> end_of_trading(datetime(2026, 12, 18), am_settled=False)
    datetime.datetime(2026, 12, 18, 21, 0)
    >>> end_of_trading(datetime(2026, 12, 18), am_settled=True)
    datetime.datetime(2026, 12, 17, 21, 0)
    """
    day = expiration.date() - timedelta(days=1 if am_settled else 0)
    return datetime.combine(day, CLOSE, NEW_YORK).astimezone(UTC).replace(tzinfo=None)


def years_to_expiration(timestamps: pd.Series, expirations: pd.Series, am_settled: Bools) -> Floats:
    """Years of 365 days from each quote (naive UTC) to the end of trading; negative once it has ended.

    NaN where the time of the quote or the expiration is missing.
    """
    codes, days = pd.factorize(expirations)
    known = [[end_of_trading(day, early) for early in (False, True)] for day in pd.DatetimeIndex(days)]
    ends = [*known, [NEVER, NEVER]]  # the last where the code is -1
    end = np.array(ends, dtype="datetime64[us]")[codes, am_settled.astype(int)]
    left = end - timestamps.to_numpy(dtype="datetime64[us]")
    return left / np.timedelta64(1, "s") / SECONDS_PER_YEAR
