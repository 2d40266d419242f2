"""Implied volatility of American options: a guarded secant search on all contracts at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wheel_assets.greeks import american, european
from wheel_assets.greeks.boundary import STANDARD, Scheme, log_boundary
from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.units import ONE_POINT
from wheel_assets.market.arrays import Bools, Floats

MAX_STEPS = 40
PRICE_TOLERANCE = 1e-8  # of the strike
VOLATILITY_TOLERANCE = 1e-6  # relative
LARGEST_GAP = 1e-5  # of the strike; a search that stops farther from the price has failed
SLACK = 0.1  # of the last move: how wrong a bracket may be whose boundary has not caught up yet
ENDLESS = 8.0  # volatility times root of years at which an option is worth all that it can be


class Search(NamedTuple):
    """Contracts still searched for: their row, the bracket, what was tried last and what comes next.

    `gap` is value less price at `tried`, over the strike; `boundary`, shape (rows, points), belongs to `tried`.
    """

    row: NDArray[np.intp]
    contracts: Contracts
    price: Floats
    low: Floats
    high: Floats
    tried: Floats
    gap: Floats
    volatility: Floats
    boundary: Floats

    def rows(self, which: Bools) -> Search:
        """The chosen contracts."""
        row, contracts, *numbers = self
        return Search(row[which], contracts.rows(which), *(column[which] for column in numbers))


class Implied(NamedTuple):
    """Volatility and the log boundary that goes with it, shape (contracts, points); NaN where none."""

    volatility: Floats
    boundary: Floats


def american_volatility(contracts: Contracts, prices: Floats, scheme: Scheme = STANDARD) -> Implied:
    """The volatility that gives the price; NaN where none does, or the price holds no time value.

    It is at most that of a European option at the same price, which is where the search starts.

    >>> american_volatility(Contracts.of(True, 50, 50, 5 / 12, 0.1, 0), [4.283]).volatility.round(3).tolist()
    [0.4]
    """
    prices = np.asarray(prices, dtype=float)
    with_time_value = prices > contracts.intrinsic
    volatility = european.implied_volatility(contracts, np.where(with_time_value, prices, np.nan))
    bound = np.where(contracts.is_put, contracts.strike, contracts.spot)
    highest = np.where(np.isnan(volatility), ENDLESS / np.sqrt(contracts.years), volatility)
    rows = np.flatnonzero(with_time_value & (prices < bound) & american.premium_counts(contracts, highest))
    highest = highest[rows]
    boundary = np.full((prices.size, scheme.points), np.nan)
    volatility[rows], boundary[rows] = _searched(contracts.rows(rows), prices[rows], highest, scheme)
    return Implied(volatility, boundary)


def _searched(contracts: Contracts, prices: Floats, highest: Floats, scheme: Scheme) -> Implied:
    """Search on until each contract's next volatility is its last; NaN for those that never settle."""
    out = Implied(np.full(prices.shape, np.nan), np.full((prices.size, scheme.points), np.nan))
    search = _start(contracts, prices, highest, scheme)
    for _ in range(MAX_STEPS):
        close = np.abs(search.volatility - search.tried) <= VOLATILITY_TOLERANCE * search.tried
        close &= np.abs(search.gap) <= LARGEST_GAP
        out.volatility[search.row[close]] = search.volatility[close]
        out.boundary[search.row[close]] = search.boundary[close]
        if close.all():
            break
        search = _advanced(search.rows(~close), scheme._replace(steps=1))
    return out


def _start(contracts: Contracts, prices: Floats, highest: Floats, scheme: Scheme) -> Search:
    """The highest volatility tried, and a Newton step down from it."""
    puts, _ = american.as_puts(contracts, highest)
    boundary = log_boundary(puts, scheme)
    gap = _gap(contracts, prices, highest, boundary, scheme)
    vega = european.sensitivities(contracts, highest).vega / ONE_POINT / contracts.strike
    zero = np.zeros_like(highest)
    following = _guarded(highest, gap, vega, zero, highest)
    rows = np.arange(prices.size)
    return Search(rows, contracts, prices, zero, highest, highest, gap, following, boundary)


def _advanced(search: Search, scheme: Scheme) -> Search:
    """The next volatility tried, and a secant step from it."""
    sigma = search.volatility
    puts, _ = american.as_puts(search.contracts, sigma)
    latest = puts.latest[:, None]
    rescaled = latest + (search.boundary - latest) * (sigma / search.tried)[:, None]
    boundary = log_boundary(puts, scheme, rescaled)
    gap = _gap(search.contracts, search.price, sigma, boundary, scheme)
    moved = sigma - search.tried
    slack = SLACK * np.abs(moved)
    low, high = np.where(gap < 0, sigma - slack, search.low), np.where(gap < 0, search.high, sigma + slack)
    slope = (gap - search.gap) / np.where(moved == 0, 1.0, moved)
    following = _guarded(sigma, gap, slope, low, high)
    return search._replace(low=low, high=high, tried=sigma, gap=gap, volatility=following, boundary=boundary)


def _gap(contracts: Contracts, prices: Floats, volatility: Floats, boundary: Floats, scheme: Scheme) -> Floats:
    """Value with a boundary that is already known less price, over the strike."""
    return (american.price_within(boundary, contracts, volatility, scheme) - prices) / contracts.strike


def _guarded(volatility: Floats, gap: Floats, slope: Floats, low: Floats, high: Floats) -> Floats:
    """A step along the slope; half-way where that leaves the bracket, no step where the price is met."""
    proposed = volatility - gap / np.where(slope > 0, slope, np.nan)
    inside = (proposed > low) & (proposed < high)
    return np.where(np.abs(gap) <= PRICE_TOLERANCE, volatility, np.where(inside, proposed, 0.5 * (low + high)))
