"""Facts about a symbol besides its quotes: coming events, today's move, IV rank, correlations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np

from wheel_assets.market.calendar import SESSIONS_PER_YEAR, new_york_day

if TYPE_CHECKING:
    import pandas as pd

_LEAST_RETURNS = 60  # daily returns in common, below which nothing is said of how two symbols move together


@dataclass(frozen=True)
class Dividend:
    """The next ex-dividend date; `amount` is dollars a share, NaN where unknown."""

    ex_date: date
    amount: float = math.nan


@dataclass(frozen=True)
class Outlook:
    """Facts by symbol; unknown ones are absent.

    `earnings` is the next date, `quiet_until` the last day up to which none is announced, `estimated` the symbols
    whose date is a projection; `sigmas` are standard deviations of daily returns; `iv_ranks` and `iv_percentiles` are
    0 to 1; `correlations` of daily returns by pair.
    """

    earnings: Mapping[str, date] = field(default_factory=dict)
    quiet_until: Mapping[str, date] = field(default_factory=dict)
    estimated: frozenset[str] = frozenset()
    dividends: Mapping[str, Dividend] = field(default_factory=dict)
    closes: Mapping[str, float] = field(default_factory=dict)
    sigmas: Mapping[str, float] = field(default_factory=dict)
    iv_ranks: Mapping[str, float] = field(default_factory=dict)
    iv_percentiles: Mapping[str, float] = field(default_factory=dict)
    correlations: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def move(self, symbol: str, spot: float) -> float:
        """Change of the price `spot` since the previous close, decimal; NaN where unknown."""
        return spot / self.closes[symbol] - 1 if symbol in self.closes else math.nan


def read_outlook(
    *,
    now: datetime,
    quoted_on: Mapping[str, date],
    events: pd.DataFrame | None = None,
    price_history: pd.DataFrame | None = None,
    volatility_history: pd.DataFrame | None = None,
) -> Outlook:
    """The outlook from frames of `tables.EVENTS` and `tables.PRICE_HISTORY`, and `tables.VOLATILITY_HISTORY`.

    `quoted_on` is the day in New York of each symbol's quotes: the close before is that of an earlier day.
    """
    closes, sigmas, correlations = _prices(price_history, quoted_on)
    ranks, percentiles = _volatility(volatility_history)
    return replace(
        _of_events(events, new_york_day(now)),
        closes=closes,
        sigmas=sigmas,
        correlations=correlations,
        iv_ranks=ranks,
        iv_percentiles=percentiles,
    )


def _of_events(events: pd.DataFrame | None, today: date) -> Outlook:
    """The outlook from events alone."""
    if events is None or not len(events):
        return Outlook()
    coming = events[events["date"] >= np.datetime64(today)].sort_values("date", kind="stable")
    next_one = coming.drop_duplicates(["symbol", "kind"])
    earnings = next_one[next_one["kind"] == "earnings"]
    dividends = next_one[next_one["kind"] == "ex_dividend"]
    amounts = dict(zip(dividends["symbol"].astype(str), dividends["amount"], strict=True))
    silent = events[(events["kind"] == "earnings") & events["announced_until"].notna()]
    return Outlook(
        earnings=_dates(earnings, "date"),
        estimated=frozenset(earnings.loc[earnings["estimated"].eq(True).fillna(False), "symbol"]),
        quiet_until=_dates(silent, "announced_until"),
        dividends={symbol: Dividend(ex_date, amounts[symbol]) for symbol, ex_date in _dates(dividends, "date").items()},
    )


def _dates(events: pd.DataFrame, column: str) -> dict[str, date]:
    """The date in a column, by symbol."""
    return dict(zip(events["symbol"].astype(str), events[column].dt.date, strict=True))


def _prices(
    history: pd.DataFrame | None, quoted_on: Mapping[str, date]
) -> tuple[dict[str, float], dict[str, float], dict[tuple[str, str], float]]:
    if history is None or not len(history):
        return {}, {}, {}
    closes = history.drop_duplicates(["symbol", "date"], keep="last").pivot(
        index="date", columns="symbol", values="close"
    )
    closes = closes.sort_index()
    returns = closes.where(closes > 0).apply(np.log).diff().tail(SESSIONS_PER_YEAR)
    before: dict[str, float] = {}
    for symbol, day in quoted_on.items():
        if symbol in closes:
            earlier = closes[symbol][closes.index < np.datetime64(day)].dropna().to_numpy(dtype="float64")
            before |= {symbol: float(earlier[-1])} if len(earlier) else {}
    sigmas = {str(symbol): value for symbol, value in returns.std().items() if value > 0}
    matrix = returns.corr(min_periods=_LEAST_RETURNS)
    names = [str(name) for name in matrix.columns]
    numbers = matrix.to_numpy(dtype="float64")
    found = zip(*np.nonzero(np.isfinite(numbers)), strict=True)
    pairs = {(names[a], names[b]): float(numbers[a, b]) for a, b in found if a != b}
    return before, sigmas, pairs


def _volatility(history: pd.DataFrame | None) -> tuple[dict[str, float], dict[str, float]]:
    """Current IV rank and percentile by symbol, where the history is long enough."""
    if history is None or not len(history):
        return {}, {}
    now = history.sort_values("date", kind="stable").drop_duplicates("symbol", keep="last").set_index("symbol")
    now = now[now["days"] >= _LEAST_RETURNS]
    return _numbers(now["iv_rank"]), _numbers(now["iv_percentile"])


def _numbers(by_symbol: pd.Series) -> dict[str, float]:
    """The finite numbers by symbol."""
    return {str(symbol): value for symbol, value in by_symbol.dropna().astype(float).items()}
