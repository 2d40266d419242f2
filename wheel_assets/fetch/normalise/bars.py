"""Rows of `tables.PRICE_HISTORY` from any vendor's daily bars, by one set of rules.

A bar that is no finished session is left out and counted; one with a bad number keeps its row with
NULL there. Prices stay as they were sent: what looks like a split or a gap is noted, not mended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd

from wheel_assets.errors import UnexpectedAnswer
from wheel_assets.fetch.normalise.chains import naive_utc
from wheel_assets.fetch.normalise.quotes import counts, non_negative, numbers
from wheel_assets.market.calendar import CLOSE, NEW_YORK
from wheel_assets.rows import Rows
from wheel_assets.tables import PRICE_HISTORY

# When a day's bar is final: delayed feeds lag by 15 minutes, and trades of the closing auction come late.
_FINAL = time(16, 35)
_REACH = timedelta(days=366)
_YEAR_2100 = 4_102_444_800
# From a vendor's idea of the moment of a day (midnight in New York, Chicago or UTC, or the close) into that day.
_INTO_THE_DAY = pd.Timedelta(hours=6)
_PRICES = ("open", "high", "low", "close")
BARS = (*_PRICES, "volume")  # what is read of a bar, besides its day
_SATURDAY = 5
# The longest the market has been closed since 2001 is five days (Hurricane Sandy, a weekend included).
_LONGEST_PAUSE = pd.Timedelta(days=5)
_SMALLEST_SPLIT = 1.45  # three for two; a stock that moves as much in a day is noted, too


def history_rows(source: str, symbol: str, days: pd.Series, bars: pd.DataFrame, now: datetime) -> Rows:
    """The sessions of the last year that have ended by `now` (aware), oldest first.

    `days` are the sessions (NaT where unreadable), `bars` has any of open, high, low, close, volume in
    the vendor's own numbers. The notes say what was left out, and what looks like a split or a gap.
    Raises UnexpectedAnswer where nothing is left.
    """
    prices = {name: non_negative(_column(bars, name)) for name in _PRICES}
    rows = pd.DataFrame({"date": days.to_numpy(), **prices, "volume": counts(_column(bars, "volume"))})
    rows[list(_PRICES)] = rows[list(_PRICES)].replace(0.0, np.nan)
    rows, notes = _sessions(rows, now)
    if rows.empty:
        why = f"{len(bars)} bars, of which none has a close of the last year"
        raise UnexpectedAnswer(f"no price history of {symbol} from {source}", why, "check the ticker", source=source)
    as_of = datetime.combine(rows["date"].iloc[-1].date(), CLOSE, NEW_YORK)
    frame = PRICE_HISTORY.conform(
        rows.assign(timestamp=pd.Timestamp(naive_utc(as_of)).as_unit("us"), symbol=symbol, source=source)
    )
    return Rows(frame, tuple(f"{symbol}: {note}" for note in (*notes, *_peculiarities(frame))))


def days_of_text(bars: pd.DataFrame, column: str) -> pd.Series:
    """The days in a column of `2026-11-20`; NaT for anything else."""
    texts = pd.Series([str(value) for value in _column(bars, column)], dtype="object")
    return pd.to_datetime(texts, format="%Y-%m-%d", errors="coerce")


def days_of_epoch(bars: pd.DataFrame, column: str) -> pd.Series:
    """The days in New York in a column of milliseconds since 1970; NaT for anything else."""
    seconds = pd.Series(numbers(_column(bars, column)) / 1000)
    moments = pd.to_datetime(seconds.where(seconds.between(0, _YEAR_2100)), unit="s", utc=True)
    return (moments + _INTO_THE_DAY).dt.tz_convert(NEW_YORK).dt.tz_localize(None).dt.normalize()


def _sessions(rows: pd.DataFrame, now: datetime) -> tuple[pd.DataFrame, list[str]]:
    """The finished sessions of the last year, each once, and how many bars were left out for what reason."""
    first, last = _first_and_last(now)
    reasons = {
        "without a day or a close": rows["date"].isna() | rows["close"].isna(),
        "on a weekend": rows["date"].dt.weekday >= _SATURDAY,
        "of a day that is not over": rows["date"] > last,
        "sent twice": rows["date"].where(rows["close"].notna()).duplicated(keep="last"),
    }
    kept, notes = pd.Series(True, index=rows.index), []
    for reason, bad in reasons.items():
        if count := int((kept & bad).sum()):
            notes.append(f"{count} bars left out: {reason}")
        kept &= ~bad
    return rows[kept & (rows["date"] >= first)].sort_values("date"), notes


def _peculiarities(history: pd.DataFrame) -> Iterator[str]:
    """Notes on what would distort a volatility of these closes: unadjusted splits, gaps, days without trade."""
    days, closes = history["date"], history["close"]
    ratios = np.exp(np.abs(np.log(closes / closes.shift())))
    for place in history.index[ratios >= _SMALLEST_SPLIT]:
        change = f"{closes[place - 1]:g} to {closes[place]:g}"
        yield f"the close goes from {change} on {days[place]:%Y-%m-%d}: a split that is not adjusted for, or news"
    for place in history.index[days.diff() > _LONGEST_PAUSE]:
        yield f"no prices between {days[place - 1]:%Y-%m-%d} and {days[place]:%Y-%m-%d}"
    if idle := int((history["volume"] == 0).sum()):
        yield f"{idle} days without a trade"


def _first_and_last(now: datetime) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The days of interest, both included: a session that is under way has no close yet."""
    local = now.astimezone(NEW_YORK)
    last = local.date() if local.time() >= _FINAL else local.date() - timedelta(days=1)
    return pd.Timestamp(last - _REACH), pd.Timestamp(last)


def _column(bars: pd.DataFrame, name: str) -> Iterable[Any]:
    return bars[name] if name in bars else np.full(len(bars), np.nan)
