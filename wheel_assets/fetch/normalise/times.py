"""Times of quotes and transactions as vendors write them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from wheel_assets.fetch.normalise.quotes import numbers

_YEAR_2000, _YEAR_2100 = 946_684_800, 4_102_444_800


def newest_epoch(values: Iterable[Any]) -> datetime | None:
    """The newest of times since 1970, in seconds or milliseconds; None where none is plausible.

    >>> newest_epoch([None, 1795204799000])
    datetime.datetime(2026, 11, 20, 19, 59, 59, tzinfo=datetime.timezone.utc)
    """
    seconds = numbers(values)
    seconds = np.where(seconds > _YEAR_2100, seconds / 1000, seconds)
    seconds = seconds[(seconds > _YEAR_2000) & (seconds < _YEAR_2100)]
    return datetime.fromtimestamp(float(seconds.max()), UTC) if seconds.size else None


def newest_text(values: Iterable[Any]) -> datetime | None:
    """The newest of ISO 8601 times, UTC where they do not say; None where none can be read.

    >>> newest_text(["2026-11-20T19:59:59.123456789Z", "gibberish"])
    datetime.datetime(2026, 11, 20, 19, 59, 59, 123456, tzinfo=datetime.timezone.utc)
    """
    return max((moment for value in values if (moment := moment_of(value))), default=None)


def moment_of(value: Any) -> datetime | None:
    """One ISO 8601 time as aware UTC; None for anything else.

    >>> moment_of("2026-11-20T14:59:59-05:00").isoformat()
    '2026-11-20T19:59:59+00:00'
    """
    if not isinstance(value, str) or not value[:4].isdecimal():
        return None
    moment = pd.to_datetime(value, utc=True, errors="coerce", format="ISO8601")
    return None if pd.isna(moment) else moment.to_pydatetime(warn=False)
