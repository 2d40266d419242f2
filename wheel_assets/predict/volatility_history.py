"""History of a symbol's at-the-money implied volatility by day, with IV rank and percentile."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from wheel_assets.market.arrays import Floats
from wheel_assets.market.calendar import DAYS_PER_YEAR, new_york_times

HORIZON = 30 / DAYS_PER_YEAR  # years ahead: the tenor of volatility indices and of brokers' IV ranks
YEAR_OF_SESSIONS = 252
SOURCE = "cache"


def at_the_money(greeks: pd.DataFrame) -> float:
    """The volatility of one symbol at its spot price, `HORIZON` ahead, decimal a year; NaN where nothing is quoted.

    Of each expiration between the two strikes about the spot, the mean of put and call; between expirations by
    total variance (Hull, *Options, Futures, and Other Derivatives*, chapter 20: variances add up over time),
    beyond them that of the nearest.
    """
    quoted = greeks[greeks["iv"].notna() & (greeks["iv"] > 0) & (greeks["years"] > 0)]
    points = [
        (rows["years"].iloc[0], iv)
        for _, rows in quoted.groupby("expiration", sort=True)
        if not np.isnan(iv := _at_spot(rows))
    ]
    if not points:
        return float("nan")
    years, ivs = (np.array(each, dtype=float) for each in zip(*sorted(points), strict=True))
    if not years[0] <= HORIZON <= years[-1]:
        return float(ivs[0] if years[0] > HORIZON else ivs[-1])
    return float(np.sqrt(np.interp(HORIZON, years, ivs**2 * years) / HORIZON))


def ranked_by(frame: pd.DataFrame, source: str, ranks: Mapping[str, tuple[float | None, float | None]]) -> pd.DataFrame:
    """The rows with rank and percentile (0 to 1) of each symbol's newest day replaced by those of `source`.

    A vendor that reports them has a year behind them, the cache may not.
    """
    frame = frame.sort_values(["symbol", "date"], ignore_index=True)
    newest = ~frame["symbol"].duplicated(keep="last")
    known = {symbol: ranked for symbol, ranked in ranks.items() if any(value is not None for value in ranked)}
    ranked = newest & frame["symbol"].isin(list(known))
    for place, name in enumerate(("iv_rank", "iv_percentile")):
        theirs = frame["symbol"].map({symbol: pair[place] for symbol, pair in known.items()}).astype("float64")
        frame[name] = frame[name].mask(ranked, theirs)
    frame["days"] = frame["days"].mask(ranked, YEAR_OF_SESSIONS)
    frame["source"] = frame["source"].mask(ranked, source)
    return frame


def continued(history: pd.DataFrame, greeks: pd.DataFrame) -> pd.DataFrame:
    """The history with one more row for the day of the Greeks of each symbol, with rank and percentile (0 to 1).

    Columns symbol, date, iv, iv_rank, iv_percentile, days, timestamp, source, by symbol and date. A later look at
    the same day replaces the earlier one. A symbol without a volatility now keeps its history as it is.
    """
    rows = []
    for symbol, quoted in greeks.groupby("symbol", sort=True):
        iv, known = at_the_money(quoted), history[history["symbol"] == symbol]
        if np.isnan(iv):
            rows.append(known)
            continue
        when = quoted["timestamp"].max()
        day = new_york_times(pd.Series([when])).dt.normalize().iloc[0]
        known = known[known["date"] != day]
        past = known.loc[known["date"] < day].sort_values("date")["iv"].to_numpy()[-YEAR_OF_SESSIONS:]
        rank, percentile = rank_and_percentile(past, iv)
        today = {"symbol": symbol, "date": day, "iv": iv, "iv_rank": rank, "iv_percentile": percentile}
        today |= {"days": len(past), "timestamp": when, "source": SOURCE}
        rows.append(pd.concat([known, pd.DataFrame([today])]) if len(known) else pd.DataFrame([today]))
    found = [each for each in rows if len(each)]
    return pd.concat(found, ignore_index=True) if found else history.iloc[:0]


def rank_and_percentile(past: Floats, now: float) -> tuple[float, float]:
    """IV rank (now - low) / (high - low) and percentile (share of lower days), 0 to 1; NaN without days or spread.

    >>> rank_and_percentile(np.array([0.2, 0.3, 0.6]), 0.5)
    (0.75, 0.6666666666666666)
    """
    if not len(past):
        return float("nan"), float("nan")
    low, high = min(past.min(), now), max(past.max(), now)
    rank = (now - low) / (high - low) if high > low else float("nan")
    return round(float(rank), 12), float((past < now).mean())


def _at_spot(rows: pd.DataFrame) -> float:
    """The volatility at the spot price, between the quoted strikes; NaN where they lie on one side of it."""
    by_strike = rows.groupby("strike", sort=True)["iv"].mean()
    strikes, spot = by_strike.index.to_numpy(dtype=float), float(rows["spot_price"].iloc[0])
    if not strikes[0] <= spot <= strikes[-1]:
        return float("nan")
    return float(np.interp(spot, strikes, by_strike.to_numpy()))
