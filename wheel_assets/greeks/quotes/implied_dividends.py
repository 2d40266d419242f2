"""Cash dividends that nobody announced and the options price all the same.

An expiration whose calls and puts put the shares below their spot prices a dividend or a steady yield. Which of them,
and when the dividend is paid, shows in how well its pairs agree once they are freed of their early exercise: under the
right assumption every strike says the same. A dividend is due between the last expiration that does not price it and
the first that does; within, a few dates are tried. Its amount is what the parity of each expiration asks for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.dividends import Dividends
from wheel_assets.greeks.quotes.forward import ImpliedYields, chain_yields, nearest_pairs
from wheel_assets.market.arrays import Bools, Floats

Rows = NDArray[np.intp]

LEAST, LARGEST = 0.0015, 0.06  # of the spot: less is as well a yield, more no dividend
CERTAIN = 4.0  # standard errors of what the pairs say
FARTHEST = 150 / 365  # years; later expirations hold several
TRIED = (0.1, 0.3, 0.5, 0.7, 0.9)  # shares of the time between the two expirations
ROUNDS = 4  # of amounts, for each date
BETTER = 0.7  # of the pairs' disagreement under a yield


def with_implied_dividends(
    contracts: Contracts, european_style: Bools, mid: Floats, spread: Floats, expiration: Rows, paid: Dividends
) -> tuple[ImpliedYields, Dividends]:
    """The yields of `chain_yields` and the dividends of each contract, among them those that only the options tell."""
    best = chain_yields(contracts, european_style, mid, spread, expiration, paid)
    years, spot = _each(contracts.years, expiration), _each(contracts.spot, expiration)
    drop = _drop(contracts, mid, expiration)
    possible = (drop > LEAST * spot) & (drop < LARGEST * spot) & (years > 0) & (years < FARTHEST)
    possible &= ~best.credible | (drop > CERTAIN * best.error * years * spot)
    possible &= ~_each(european_style | paid.any, expiration).astype(bool)
    rows = np.flatnonzero(possible[expiration])
    if not rows.size:
        return best, paid
    chosen = _added(paid, np.zeros_like(mid), np.zeros_like(mid))
    given = (contracts.rows(rows), european_style[rows], mid[rows], spread[rows])
    early, late = _window(years, drop)
    for share in TRIED:
        at = early + share * (late - early)
        found, amount = _tried((*given, expiration[rows]), paid.rows(rows), at, np.where(possible, drop, 0.0), spot)
        better = possible & found.credible & (~best.credible | (found.error < BETTER * best.error))
        best = ImpliedYields(*(np.where(better, new, old) for new, old in zip(found, best, strict=True)))
        which = np.flatnonzero(better[expiration])
        chosen.years[which, 0], chosen.amount[which, 0] = at[expiration[which]], amount[expiration[which]]
    return best, chosen


def _tried(
    given: tuple[Contracts, Bools, Floats, Floats, Rows], paid: Dividends, at: Floats, amount: Floats, spot: Floats
) -> tuple[ImpliedYields, Floats]:
    """The yields left over by dividends at these times, and the amounts at which next to nothing is."""
    contracts, expiration = given[0], given[-1]
    years = np.zeros_like(at)
    years[expiration] = contracts.years
    for _ in range(ROUNDS):
        found = _over_all(chain_yields(*given, _added(paid, at[expiration], amount[expiration])), at.size)
        left_over = -np.expm1(-np.nan_to_num(found.mean) * years) * spot
        amount = np.clip(amount + np.where(amount > 0, left_over, 0.0), 0.0, LARGEST * spot)
    return _over_all(chain_yields(*given, _added(paid, at[expiration], amount[expiration])), at.size), amount


def _over_all(found: ImpliedYields, expirations: int) -> ImpliedYields:
    """The yields with those of the expirations after the last that was looked at: none."""
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
    """How far each expiration's nearest pairs put the shares below their spot, dollars today; 0 where none tells."""
    pairs = nearest_pairs(contracts, ~np.isnan(mid), expiration, 5)
    call = contracts.rows(pairs.call)
    below = call.spot - call.strike * call.discount - mid[pairs.call] + mid[pairs.put]
    each = [below[pairs.expiration == number] for number in range(int(expiration.max(initial=-1)) + 1)]
    return np.array([np.median(values) if values.size else 0.0 for values in each])


def _window(years: Floats, drop: Floats) -> tuple[Floats, Floats]:
    """Between which two expirations the dividend of each is paid, years."""
    earlier = (years[:, None] > years) & (drop < 0.5 * drop[:, None])
    early = np.where(earlier, years, 0.0).max(axis=1, initial=0.0)
    late = np.where(years > early[:, None], years, np.inf).min(axis=1, initial=np.inf)
    return early, np.where(np.isfinite(late), late, early)


def _added(paid: Dividends, years: Floats, amount: Floats) -> Dividends:
    """One dividend more, before those that are known; no contract here has both."""
    return Dividends(np.column_stack([years, paid.years]), np.column_stack([amount, paid.amount]))
