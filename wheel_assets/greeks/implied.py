"""Implied volatility of American options: a guarded secant search on all contracts at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wheel_assets.greeks import american, european
from wheel_assets.greeks.boundaries import Boundaries, Nearby
from wheel_assets.greeks.boundary import STANDARD, Scheme, as_puts
from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.units import ONE_POINT
from wheel_assets.market.arrays import Bools, Floats

MAX_STEPS = 40
MAX_DESCENTS = 8  # of a factor of two to four each
PRICE_TOLERANCE = 1e-8  # of the strike
VOLATILITY_TOLERANCE = 1e-6  # relative
LARGEST_GAP = 1e-5  # of the strike; a search that stops farther from the price has failed
ENDLESS = 8.0  # volatility times root of years at which an option is worth all that it can be

Rows = NDArray[np.intp]


class Implied(NamedTuple):
    """The volatility of each price, and the exercise boundaries near it; NaN where none."""

    volatility: Floats
    nearby: Nearby


class Search(NamedTuple):
    """Contracts still searched for: their row, the bracket, what was tried last and what comes next.

    `gap` is value less price at `tried`, over the strike.
    """

    row: Rows
    contracts: Contracts
    price: Floats
    boundaries: Boundaries
    low: Floats
    high: Floats
    tried: Floats
    gap: Floats
    volatility: Floats

    @classmethod
    def of(cls, contracts: Contracts, prices: Floats, boundaries: Boundaries, highest: Floats) -> Search:
        """Nothing tried yet but the highest."""
        nothing = np.zeros_like(highest)
        return cls(np.arange(prices.size), contracts, prices, boundaries, nothing, highest, highest, nothing, highest)

    def rows(self, which: Bools) -> Search:
        """The chosen contracts."""
        row, contracts, price, boundaries, *numbers = self
        chosen = row[which], contracts.rows(which), price[which], boundaries.rows(which)
        return Search(*chosen, *(column[which] for column in numbers))


def american_volatility(contracts: Contracts, prices: Floats, scheme: Scheme = STANDARD) -> Implied:
    """Implied volatility of `prices` (dollars a share), decimal a year, shape (n,); NaN where none gives the price.

    NaN also where the price holds no time value. The search starts at the volatility of a European option at the same
    price, which is an upper bound.

    >>> american_volatility(Contracts.of(True, 50, 50, 5 / 12, 0.1, 0), [4.283]).volatility.round(3).tolist()
    [0.4]
    """
    prices = np.asarray(prices, dtype=float)
    with_time_value = prices > contracts.intrinsic
    volatility = european.implied_volatility(contracts, np.where(with_time_value, prices, np.nan))
    # No volatility lifts an American option above what it could ever pay: the strike, or the shares themselves.
    bound = np.where(contracts.is_put, contracts.strike, contracts.spot)
    highest = np.where(np.isnan(volatility), ENDLESS / np.sqrt(contracts.years), volatility)
    rows = np.flatnonzero(with_time_value & (prices < bound) & american.premium_counts(contracts, highest))
    out = Implied(volatility, Nearby.unknown(prices.size, scheme.points))
    volatility[rows] = np.nan  # the European volatility is too high wherever exercising early counts
    highest = highest[rows]
    for _ in range(MAX_DESCENTS):
        if not rows.size:
            break
        rows, highest = _searched(out, rows, contracts.rows(rows), prices[rows], highest, scheme)
    return out


def _searched(
    out: Implied, rows: Rows, contracts: Contracts, prices: Floats, highest: Floats, scheme: Scheme
) -> tuple[Rows, Floats]:
    """Search on until each contract's next volatility is its last; who lies lower, and up to where, is left over."""
    boundaries = Boundaries.of(contracts, highest, scheme)
    floor = boundaries.lowest / np.sqrt(contracts.years)
    search = _start(Search.of(contracts, prices, boundaries, highest), scheme)
    found, lower = np.full(rows.size, np.nan), np.zeros(rows.size, dtype=bool)
    for _ in range(MAX_STEPS):
        close = np.abs(search.volatility - search.tried) <= VOLATILITY_TOLERANCE * search.tried
        close &= np.abs(search.gap) <= LARGEST_GAP
        found[search.row[close]] = search.volatility[close]
        leaves = ~close & (search.tried <= floor[search.row]) & (search.gap > 0)
        lower[search.row[leaves]] = True
        if (close | leaves).all():
            break
        search = _advanced(search.rows(~close & ~leaves), floor, scheme)
    solved = np.flatnonzero(~np.isnan(found))
    near = boundaries.rows(solved).nearby(contracts.rows(solved), found[solved])
    out.volatility[rows] = found
    for column, values in zip(out.nearby, near, strict=True):
        column[rows[solved]] = values
    return rows[lower], floor[lower]


def _start(search: Search, scheme: Scheme) -> Search:
    """The first state: the highest volatility, and a Newton step down from it."""
    gap = _gap(search, search.high, scheme)
    vega = european.sensitivities(search.contracts, search.high).vega / ONE_POINT / search.contracts.strike
    return search._replace(gap=gap, volatility=_guarded(search.high, gap, vega, search.low, search.high))


def _advanced(search: Search, floor: Floats, scheme: Scheme) -> Search:
    """The state after valuing at the next volatility, with a secant step from there."""
    sigma = np.maximum(search.volatility, floor[search.row])
    gap = _gap(search, sigma, scheme)
    low, high = np.where(gap < 0, sigma, search.low), np.where(gap < 0, search.high, sigma)
    moved = sigma - search.tried
    slope = (gap - search.gap) / np.where(moved == 0, 1.0, moved)
    following = _guarded(sigma, gap, slope, low, high)
    return search._replace(low=low, high=high, tried=sigma, gap=gap, volatility=following)


def _gap(search: Search, volatility: Floats, scheme: Scheme) -> Floats:
    """Value less price, over the strike."""
    boundary = search.boundaries.at(as_puts(search.contracts, volatility)[0])
    value = american.price_within(boundary, search.contracts, volatility, scheme)
    return (value - search.price) / search.contracts.strike


def _guarded(volatility: Floats, gap: Floats, slope: Floats, low: Floats, high: Floats) -> Floats:
    """A step along the slope; bisection where that leaves the bracket, no step where the price is met."""
    proposed = volatility - gap / np.where(slope > 0, slope, np.nan)
    inside = (proposed > low) & (proposed < high)
    return np.where(np.abs(gap) <= PRICE_TOLERANCE, volatility, np.where(inside, proposed, 0.5 * (low + high)))
