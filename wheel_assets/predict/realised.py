"""Realised volatility of the shares from daily prices.

The close-to-close variance of each session is the squared overnight log return plus Rogers and Satchell's estimate of
the rest from open, high, low and close (Annals of Applied Probability 1, 1991), which is independent of drift and about
six times as efficient as the squared return. Yang and Zhang (Journal of Business 73, 2000) add a small third term;
it is left out so that every session stands on its own. A session whose open, high or low is missing or inconsistent
counts with its squared log return.

The mean is over the last `WINDOW` sessions, a quarter, which contains one earnings announcement. Left out are

- a session after a gap of more than `LONGEST_BREAK`: its return is of more than a day;
- a split: a move by more than `LARGE_MOVE` to an integer multiple or fraction of the last close, within
  `SPLIT_TOLERANCE`. A real crash to just a half or a third is mistaken for one, which understates the volatility;
- a bad print: a move by more than `LARGE_MOVE` that the next session reverses, and that session.

Any other large move counts.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from wheel_assets.market.arrays import Bools, Floats
from wheel_assets.market.calendar import SESSIONS_PER_YEAR

WINDOW = 63
LEAST_SESSIONS = 21
LONGEST_BREAK = timedelta(days=5)
LARGE_MOVE = np.log(1 / 0.6)  # 40 % down, or as far up
SPLIT_TOLERANCE = 0.04


def realised_volatility(price_history: pd.DataFrame) -> dict[str, float]:
    """Volatility of log returns, decimal a year of 252 sessions, by symbol.

    A symbol is absent with fewer than `LEAST_SESSIONS` usable sessions. Takes the columns of `tables.PRICE_HISTORY`,
    rows in any order, any symbols; an empty frame gives an empty result. A price of 0 or below counts as missing; of
    two bars of one day the last row counts. Prices that never moved are bad data and give no volatility.
    """
    found = {}
    for symbol, bars in price_history.groupby("symbol") if len(price_history) else ():
        bars = bars.drop_duplicates("date", keep="last").sort_values("date")
        variance = session_variances(bars[bars["close"] > 0])[-WINDOW:]
        usable = variance[~np.isnan(variance)]
        if usable.size >= LEAST_SESSIONS and usable.mean() > 0:
            found[str(symbol)] = float(np.sqrt(usable.mean() * SESSIONS_PER_YEAR))
    return found


def session_variances(bars: pd.DataFrame) -> Floats:
    """Close-to-close variance of each session but the first, array of length rows - 1; NaN where it is left out.

    Bars of one symbol by rising date, every close positive.
    """
    prices = {name: bars[name].to_numpy(dtype=float, na_value=np.nan) for name in ("open", "high", "low", "close")}
    opened, high, low, close = (np.log(np.where(price > 0, price, np.nan)) for price in prices.values())
    whole = (low <= np.minimum(opened, close)) & (high >= np.maximum(opened, close))
    move = np.diff(close)
    overnight = opened[1:] - close[:-1]
    rest = ((high - close) * (high - opened) + (low - close) * (low - opened))[1:]
    variance = np.where(whole[1:], overnight**2 + rest, move**2)
    after_gap = np.diff(bars["date"].to_numpy("datetime64[D]")) > np.timedelta64(LONGEST_BREAK)
    # A split shows between close and open; where the open is missing, in the move of the whole day.
    split = _is_split(np.where(np.isnan(overnight), move, overnight)) | _is_split(move)
    return np.where(after_gap | split | _is_undone(move), np.nan, variance)


def _is_split(move: Floats) -> Bools:
    """Whether a log move is large and close to that of an n-for-1 or 1-for-n split."""
    ratio = np.exp(np.abs(move))
    is_split: Bools = (np.abs(move) > LARGE_MOVE) & (np.abs(np.log(ratio / np.round(ratio))) < SPLIT_TOLERANCE)
    return is_split


def _is_undone(move: Floats) -> Bools:
    """Whether a large log move is reversed by the next one, or reverses the previous one."""
    undone = (np.abs(move[:-1]) > LARGE_MOVE) & (np.abs(move[:-1] + move[1:]) < 0.1 * np.abs(move[:-1]))
    nothing = np.zeros(min(len(move), 1), dtype=bool)
    either: Bools = np.concatenate([undone, nothing]) | np.concatenate([nothing, undone])
    return either
