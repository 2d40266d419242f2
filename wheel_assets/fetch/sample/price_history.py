"""The past of the sample market: daily prices that end at the very price its chains are quoted at."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from wheel_assets.fetch.sample.quotes import Stock, market_at, random_of
from wheel_assets.market.calendar import sessions

SESSIONS = 252
_TRADING_DAYS = 252
_GAP = 0.3  # the part of a day's volatility that falls between a close and the next open
_SHARES = 4e6


def bars(symbol: str, stock: Stock, last: date) -> pd.DataFrame:
    """date, open, high, low, close, volume of the sessions until `last`, oldest first; every day found from its date.

    A close is that day's spot; open, high and low lie about it as far as the stock's volatility has it.
    """
    days = sessions(last, SESSIONS)
    closes = np.array([market_at(symbol, stock, day).spot for day in days])
    gap, above, below, turnover = np.abs([random_of(symbol, "bar", day).normal(size=4) for day in days]).T
    daily = stock.volatility / np.sqrt(_TRADING_DAYS)
    opens = closes * np.exp(_GAP * daily * (gap - above))
    highs, lows = np.maximum(opens, closes), np.minimum(opens, closes)
    columns = {
        "open": opens.round(2),
        "high": (highs * np.exp(daily * above / 2)).round(2),
        "low": (lows * np.exp(-daily * below / 2)).round(2),
        "close": closes,
        "volume": (_SHARES * np.exp(turnover)).round(-2),
    }
    return pd.DataFrame({"date": pd.to_datetime(days), **columns})
