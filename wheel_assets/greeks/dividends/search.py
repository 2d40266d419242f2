"""Implied volatility of American options on shares that pay cash dividends."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wheel_assets.greeks import european
from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.dividends.cash import Dividends, Rows, as_european
from wheel_assets.greeks.dividends.pricing import price
from wheel_assets.greeks.units import ONE_POINT
from wheel_assets.market.arrays import Floats

MAX_STEPS = 60
GENEROUS = 1.3  # a step that lands below the volatility sought, mostly
PRICE_TOLERANCE = 1e-7  # of the strike
VOLATILITY_TOLERANCE = 1e-6  # relative
LOWEST, HIGHEST = 1e-3, 5.0  # volatility below which there is none, and volatility times root of years


def implied_volatility(contracts: Contracts, dividends: Dividends, prices: Floats) -> Floats:
    """Implied volatility of `prices` (dollars a share), decimal a year, shape (n,); NaN where none gives the price.

    NaN also where the price holds no time value. A secant search within a bracket (Illinois' variant of regula falsi:
    Dowell, Jarratt, BIT 11, 1971), from the European volatility of the price down.
    """
    prices = np.asarray(prices, dtype=float)
    out = np.full(prices.shape, np.nan)
    rows = np.flatnonzero(
        (prices > contracts.intrinsic) & (prices < np.where(contracts.is_put, contracts.strike, contracts.spot))
    )
    search = _Search.of(rows, contracts.rows(rows), dividends.rows(rows), prices[rows])
    for _ in range(MAX_STEPS):
        search, found, volatility = search.step()
        out[found] = np.where(volatility > LOWEST, volatility, np.nan)
        if not search.row.size:
            break
    return out


class _Search(NamedTuple):
    """State of the search: rows not yet solved, their bracket, and value less price over the strike at its ends."""

    row: Rows
    contracts: Contracts
    dividends: Dividends
    price: Floats
    low: Floats
    high: Floats
    gap_low: Floats
    gap_high: Floats
    moved: Floats  # which end moved last: -1 the lower one, 1 the higher one, 0 neither

    @classmethod
    def of(cls, row: Rows, contracts: Contracts, dividends: Dividends, prices: Floats) -> _Search:
        """The first bracket: the European volatility of the price, and a long Newton step down from it."""
        like = as_european(contracts, dividends)
        high = european.implied_volatility(like, prices)
        high = np.where(np.isnan(high), HIGHEST / np.sqrt(contracts.years), high)
        nothing = np.zeros_like(high)
        search = cls(row, contracts, dividends, prices, nothing, high, nothing, nothing, nothing)
        gap_high = search.gap(high)
        slope = european.sensitivities(like, high).vega / ONE_POINT / contracts.strike
        low = np.maximum(high - GENEROUS * gap_high / np.maximum(slope, 1e-12) - PRICE_TOLERANCE, LOWEST * high)
        gap_low = search.gap(low)
        beyond = gap_low > 0
        return search._replace(
            low=np.where(beyond, 0.0, low),
            high=np.where(beyond, low, high),
            gap_low=np.where(beyond, -gap_low, gap_low),
            gap_high=np.where(beyond, gap_low, gap_high),
        )

    def gap(self, volatility: Floats) -> Floats:
        """Value less price, over the strike."""
        tried = np.maximum(volatility, LOWEST)
        return (price(self.contracts, self.dividends, tried) - self.price) / self.contracts.strike

    def step(self) -> tuple[_Search, Rows, Floats]:
        """The state after one step, the rows that it solved, and their volatilities."""
        slope = np.where(self.gap_high > self.gap_low, self.gap_high - self.gap_low, np.nan)
        secant = self.high - self.gap_high * (self.high - self.low) / slope
        inside = (secant > self.low) & (secant < self.high)
        at_end = np.abs(self.gap_high) <= PRICE_TOLERANCE
        tried = np.where(at_end, self.high, np.where(inside, secant, 0.5 * (self.low + self.high)))
        gap = self.gap(tried)
        below = gap < 0
        done = (np.abs(gap) <= PRICE_TOLERANCE) | (self.high - self.low <= VOLATILITY_TOLERANCE * self.high)
        following = self._replace(
            low=np.where(below, tried, self.low),
            high=np.where(below, self.high, tried),
            # Halving the gap of an end that stays put keeps regula falsi from creeping up on one side.
            gap_low=np.where(below, gap, np.where(self.moved > 0, 0.5 * self.gap_low, self.gap_low)),
            gap_high=np.where(below, np.where(self.moved < 0, 0.5 * self.gap_high, self.gap_high), gap),
            moved=np.where(below, -1.0, 1.0),
        )
        return following.rows(~done), self.row[done], tried[done]

    def rows(self, which: Rows) -> _Search:
        """The chosen contracts."""
        row, contracts, dividends, *numbers = self
        return _Search(row[which], contracts.rows(which), dividends.rows(which), *(column[which] for column in numbers))
