"""Cash dividends that no event announces but the options price.

An expiration whose calls and puts imply less than the spot prices a dividend or a steady yield. Which of the two, and
the date of the dividend, shows in how well its pairs agree after the early-exercise premium is subtracted: under the
right assumption all strikes imply the same forward. A dividend is due between the last expiration that does not price
it and the first that does; a few dates in between are tried, and one more between the two best. Its amount follows from
the parity of each expiration.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.dividends import Dividends
from wheel_assets.greeks.quotes.forward import ROUNDS as YIELD_ROUNDS
from wheel_assets.greeks.quotes.forward import ImpliedYields, chain_yields, nearest_pairs
from wheel_assets.market.arrays import Bools, Floats

Rows = NDArray[np.intp]

LEAST, LARGEST = 0.0015, 0.06  # of the spot: less is as good as a yield, more is not an ordinary dividend
CERTAIN = 4.0  # standard errors of the yield
FARTHEST = 150 / 365  # years; later expirations hold several
TRIED = (0.1, 0.3, 0.5, 0.7, 0.9)  # shares of the time between the two expirations
ROUNDS = 3  # of amounts, for each date
SLOPES = (-2.0, -0.25)  # of what is left over, by the amount
LEAST_DOUBT = 1e-12  # of a yield: what is divided by
BETTER = 0.7  # of the pairs' disagreement under a yield


def with_implied_dividends(
    contracts: Contracts,
    european_style: Bools,
    mid: Floats,
    spread: Floats,
    expiration: Rows,
    paid: Dividends,
    *,
    symbol: Rows,
) -> tuple[ImpliedYields, Dividends]:
    """The yields of `chain_yields`, and the dividends of each contract, announced or implied.

    `symbol` numbers the symbols: each has dates of its own, whatever it is valued together with.
    """
    best = chain_yields(contracts, european_style, mid, spread, expiration, paid)
    years, spot = _each(contracts.years, expiration), _each(contracts.spot, expiration)
    drop = _drop(contracts, mid, expiration)
    possible = (drop > LEAST * spot) & (drop < LARGEST * spot) & (years > 0) & (years < FARTHEST)
    possible &= ~best.credible | (drop > CERTAIN * best.error * years * spot)
    possible &= ~_each(european_style | paid.any, expiration).astype(bool)
    rows = np.flatnonzero(possible[expiration])
    if not rows.size:
        return best, paid
    early, late = _window(years, drop, _each(symbol, expiration))
    pairs = nearest_pairs(contracts.rows(rows), ~np.isnan(mid[rows]), expiration[rows])
    near = rows[np.concatenate([pairs.call, pairs.put])]
    series = _Series(contracts.rows(near), european_style[near], mid[near], spread[near], expiration[near])
    tried = _tried(series, early + np.array(TRIED)[:, None] * (late - early), np.where(possible, drop, 0.0))
    found = tried.with_more(_tried(series, tried.between(), tried.best.amount)).best
    better = possible & found.yields.credible & (~best.credible | (found.yields.error < BETTER * best.error))
    yields = ImpliedYields(*(np.where(better, new, old) for new, old in zip(found.yields, best, strict=True)))
    at, amount = (np.where(better, column, 0.0)[expiration] for column in (found.at, found.amount))
    return yields, _added(paid, at, amount)


class _Series(NamedTuple):
    """Arguments of `chain_yields`, one row per contract."""

    contracts: Contracts
    european_style: Bools
    mid: Floats
    spread: Floats
    expiration: Rows

    def repeated(self, times: int, expirations: int) -> _Series:
        """The series repeated, each time with expirations of its own, so that one call tries many dates."""
        rows = np.tile(np.arange(self.mid.size), times)
        number = np.repeat(np.arange(times) * expirations, self.mid.size) + self.expiration[rows]
        return _Series(self.contracts.rows(rows), self.european_style[rows], self.mid[rows], self.spread[rows], number)


class _Tried(NamedTuple):
    """Trial dates of a dividend (years), its amount at each (dollars a share), and the yields left over.

    Shape (dates, expirations).
    """

    at: Floats
    amount: Floats
    yields: ImpliedYields

    def with_more(self, more: _Tried) -> _Tried:
        """These dates and those of `more`."""
        columns: list[Any] = [np.concatenate(both) for both in zip(self.columns, more.columns, strict=True)]
        return _Tried(columns[0], columns[1], ImpliedYields(*columns[2:]))

    @property
    def columns(self) -> list[NDArray[Any]]:
        """All columns, those of the yields included."""
        return [self.at, self.amount, *self.yields]

    @property
    def _doubt(self) -> Floats:
        return np.where(self.yields.credible, np.nan_to_num(self.yields.error, nan=np.inf), np.inf)

    @property
    def best(self) -> _Tried:
        """The date at which the pairs of each expiration agree best; shape (expirations,)."""
        which = np.argmin(self._doubt, axis=0)[None]
        columns: list[Any] = [np.take_along_axis(column, which, 0)[0] for column in self.columns]
        return _Tried(columns[0], columns[1], ImpliedYields(*columns[2:]))

    def between(self) -> Floats:
        """A date between the best and its better neighbour, where a disagreement falling linearly would reach 0."""
        doubt, best = self._doubt, np.argmin(self._doubt, axis=0)
        column, padded = np.arange(best.size), np.pad(self._doubt, ((1, 1), (0, 0)), constant_values=np.inf)
        before, after = padded[best, column], padded[best + 2, column]
        other = best + np.where(before < after, -1, 1) * np.isfinite(np.minimum(before, after))
        here, there = doubt[best, column], np.minimum(before, after)
        total = np.where(other == best, np.inf, np.maximum(here + there, LEAST_DOUBT))
        share = np.where(np.isfinite(total), here, 0.0) / total
        date = self.at[best, column]
        between: Floats = date + share * (self.at[other, column] - date)
        return between[None]


def _tried(series: _Series, at: Floats, amount: Floats) -> _Tried:
    """The amounts at which dividends at these times leave next to no yield over, by secant steps from one."""
    dates, expirations = at.shape
    every = series.repeated(dates, expirations)
    number, at, amount = every.expiration, at.ravel(), np.tile(amount, dates)
    years, spot = np.zeros_like(at), np.ones_like(at)
    years[number], spot[number] = every.contracts.years, every.contracts.spot
    nothing = Dividends.none(number.size)

    def left_over(amount: Floats, rounds: int) -> ImpliedYields:
        """The yields left over by dividends of this amount."""
        return _over_all(chain_yields(*every, _added(nothing, at[number], amount[number]), rounds), at.size)

    slope, before = np.full_like(at, -1.0), (amount, np.zeros_like(at))
    for step in range(ROUNDS):
        gap = -np.expm1(-np.nan_to_num(left_over(amount, 1).mean) * years) * spot
        moved = amount - before[0]
        if step:
            steeper = (gap - before[1]) / np.where(moved == 0, -1.0, moved)
            slope = np.where(moved == 0, slope, np.clip(steeper, *SLOPES))
        before = amount, gap
        amount = np.clip(amount - np.where(amount > 0, gap / slope, 0.0), 0.0, LARGEST * spot)
    columns: list[Any] = [column.reshape(dates, -1) for column in left_over(amount, YIELD_ROUNDS)]
    yields = ImpliedYields(*columns)
    return _Tried(at.reshape(dates, -1), amount.reshape(dates, -1), yields)


def _over_all(found: ImpliedYields, expirations: int) -> ImpliedYields:
    """The yields padded to all expirations: 0 and not credible after the last one computed."""
    missing = expirations - found.error.size
    dividend_yield, error, mean = (
        np.pad(column, (0, missing)) for column in (found.dividend_yield, found.error, found.mean)
    )
    return ImpliedYields(dividend_yield, error, np.pad(found.credible, (0, missing)), mean)


def _each(values: NDArray[np.generic], expiration: Rows) -> Floats:
    """The value of each expiration, which all its contracts share."""
    first = np.unique(expiration, return_index=True)[1]
    return np.asarray(values)[first].astype(float)


def _drop(contracts: Contracts, mid: Floats, expiration: Rows) -> Floats:
    """Spot less the price that each expiration's nearest pairs imply, dollars a share today; 0 without a pair."""
    pairs = nearest_pairs(contracts, ~np.isnan(mid), expiration, 5)
    call = contracts.rows(pairs.call)
    below = call.spot - call.strike * call.discount - mid[pairs.call] + mid[pairs.put]
    each = [below[pairs.expiration == number] for number in range(int(expiration.max(initial=-1)) + 1)]
    return np.array([np.median(values) if values.size else 0.0 for values in each])


def _window(years: Floats, drop: Floats, symbol: Floats) -> tuple[Floats, Floats]:
    """The two times (years) between which the dividend of each expiration is paid, from expirations of its symbol."""
    same = symbol[:, None] == symbol
    earlier = same & (years[:, None] > years) & (drop < 0.5 * drop[:, None])
    early = np.where(earlier, years, 0.0).max(axis=1, initial=0.0)
    late = np.where(same & (years > early[:, None]), years, np.inf).min(axis=1, initial=np.inf)
    return early, np.where(np.isfinite(late), late, early)


def _added(paid: Dividends, years: Floats, amount: Floats) -> Dividends:
    """The dividends with one more in the first column; no contract here has both that and known ones."""
    return Dividends(np.column_stack([years, paid.years]), np.column_stack([amount, paid.amount]))
