"""From the daily bars of any vendor to rows of `tables.PRICE_HISTORY`: one set of rules for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd

from wheel_assets.errors import UnexpectedAnswer
from wheel_assets.fetch.chain import NEW_YORK, naive_utc
from wheel_assets.fetch.quotes import counts, non_negative, numbers
from wheel_assets.tables import PRICE_HISTORY

_CLOSE = time(16)
_REACH = timedelta(days=366)
_YEAR_2100 = 4_102_444_800
_PRICES = ("open", "high", "low", "close")


def history_frame(source: str, symbol: str, days: pd.Series, bars: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """The sessions of the last year that have ended by `now` (aware), oldest first.

    `days` are the sessions (NaT where unreadable), `bars` has any of open, high, low, close, volume in
    the vendor's own numbers. What has no day or no close is left out and counted; any other bad
    number is NULL. Raises UnexpectedAnswer where nothing is left.
    """
    prices = {name: non_negative(_column(bars, name)) for name in _PRICES}
    rows = pd.DataFrame({"date": days.to_numpy(), **prices, "volume": counts(_column(bars, "volume"))})
    usable = rows["date"].notna() & (rows["close"] > 0)
    rows = rows[usable & rows["date"].between(*_first_and_last(now))]
    rows = rows.sort_values("date", kind="stable").drop_duplicates("date", keep="last")
    if rows.empty:
        why = f"{len(bars)} bars, of which none has a close of the last year"
        raise UnexpectedAnswer(f"no price history of {symbol} from {source}", why, "check the ticker", source=source)
    rows[list(_PRICES)] = rows[list(_PRICES)].replace(0.0, np.nan)
    as_of = datetime.combine(rows["date"].iloc[-1].date(), _CLOSE, NEW_YORK)
    frame = PRICE_HISTORY.conform(
        rows.assign(timestamp=pd.Timestamp(naive_utc(as_of)).as_unit("us"), symbol=symbol, source=source)
    )
    left_out = int((~usable).sum())
    frame.attrs["notes"] = [f"{symbol}: {left_out} bars without a day or a close left out"] if left_out else []
    return frame


def days_of_text(bars: pd.DataFrame, column: str) -> pd.Series:
    """The days in a column of `2026-11-20`; NaT for anything else."""
    texts = pd.Series([str(value) for value in _column(bars, column)], dtype="object")
    return pd.to_datetime(texts, format="%Y-%m-%d", errors="coerce")


def days_of_epoch(bars: pd.DataFrame, column: str) -> pd.Series:
    """The days in New York in a column of milliseconds since 1970; NaT for anything else."""
    seconds = pd.Series(numbers(_column(bars, column)) / 1000)
    moments = pd.to_datetime(seconds.where(seconds.between(0, _YEAR_2100)), unit="s", utc=True)
    return moments.dt.tz_convert(NEW_YORK).dt.tz_localize(None).dt.normalize()


def _first_and_last(now: datetime) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The days of interest, both included: a session that is under way has no close yet."""
    local = now.astimezone(NEW_YORK)
    last = local.date() if local.time() >= _CLOSE else local.date() - timedelta(days=1)
    return pd.Timestamp(last - _REACH), pd.Timestamp(last)


def _column(bars: pd.DataFrame, name: str) -> Iterable[Any]:
    return bars[name] if name in bars else np.full(len(bars), np.nan)
