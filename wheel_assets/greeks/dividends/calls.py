"""Early-exercise premium of calls on dividend-paying shares: the expected gain on the eve of an ex-date."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from wheel_assets.greeks import american, european
from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.dividends.cash import LEAST_LEFT, Dividends, as_european
from wheel_assets.greeks.european import density
from wheel_assets.greeks.normal import cumulative_normal
from wheel_assets.market.arrays import Floats

NODES = 10  # Gauss points of a call's gain, to each side of where it levels out
FARTHEST = 7.0  # deviations: beyond, nothing counts
NEWTON_STEPS = 12


def call_premium(contracts: Contracts, dividends: Dividends, volatility: Floats) -> Floats:
    """Early-exercise premium of calls, dollars a share, one element a contract; method: `greeks.dividends`."""
    c = contracts
    best = np.zeros_like(volatility)
    for number in range(dividends.amount.shape[1]):
        rows = np.flatnonzero((dividends.amount[:, number] > 0) & (dividends.years[:, number] < c.years))
        if rows.size:
            gain = _gain_on_the_eve(c.rows(rows), dividends.rows(rows), volatility[rows], number)
            best[rows] = np.maximum(best[rows], gain)  # a call is exercised once, so the rights do not add up
    rows = np.flatnonzero(american.exercised_early(c))
    if rows.size:
        escrowed = as_european(c, dividends).rows(rows)
        best[rows] += american.price(escrowed, volatility[rows]) - european.price(escrowed, volatility[rows])
    return best


def _gain_on_the_eve(contracts: Contracts, dividends: Dividends, volatility: Floats, number: int) -> Floats:
    """Value of the right to exercise just before one dividend: the expected gain beyond the critical price."""
    c, ex_date = contracts, dividends.years[:, number]
    carry, deviation = c.rate - c.dividend_yield, volatility * np.sqrt(ex_date)
    off_spot, on_strike = dividends.paid_by(ex_date, carry, number)
    middle = np.log(np.maximum(c.spot - off_spot, LEAST_LEFT * c.spot)) + (carry - 0.5 * volatility**2) * ex_date
    eve = _Eve.of(c, dividends, volatility, number)

    def deviations(spot: Floats) -> Floats:
        """Distance of a spot on the eve from its median, in standard deviations of the log price."""
        return np.clip((np.log(spot + on_strike) - middle) / deviation, -FARTHEST, FARTHEST)

    critical = deviations(eve.critical())
    level = np.maximum(deviations(eve.strike + eve.off_spot), critical)
    gain = np.zeros_like(volatility)
    node, weight = _nodes()
    for low, high in ((critical, level), (level, np.full_like(level, FARTHEST))):
        half = 0.5 * (high - low)[:, None]
        z = half * (node + 1) + low[:, None]
        spot = np.exp(middle[:, None] + deviation[:, None] * z) - on_strike[:, None]
        gain += (half * weight * density(z) * eve.gained(spot)[0]).sum(axis=1)
    return np.exp(-c.rate * ex_date) * np.maximum(gain, 0.0)


@lru_cache
def _nodes() -> tuple[Floats, Floats]:
    """Gauss-Legendre points and weights from -1 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return nodes, weights


class _Eve(NamedTuple):
    """Calls just before an ex-date: exercised for spot less `paid`, or held to expiration without the dividend.

    Held, each is a European call with this `strike` on the spot less `off_spot`; `carried` is (rate - yield) * years
    left, `share` and `cash` are the discount factors of both legs.
    """

    paid: Floats
    strike: Floats
    off_spot: Floats
    carried: Floats
    deviation: Floats
    share: Floats
    cash: Floats

    @classmethod
    def of(cls, contracts: Contracts, dividends: Dividends, volatility: Floats, number: int) -> _Eve:
        """The eve of the dividend of this number; later dividends are still to come."""
        c, ex_date = contracts, dividends.years[:, number]
        later = Dividends(dividends.years[:, number + 1 :] - ex_date[:, None], dividends.amount[:, number + 1 :])
        years, carry = c.years - ex_date, c.rate - c.dividend_yield
        off_spot, on_strike = later.paid_by(years, carry)
        off_spot = off_spot + dividends.amount[:, number]
        discounts = np.exp(-c.dividend_yield * years), np.exp(-c.rate * years)
        return cls(c.strike, c.strike + on_strike, off_spot, carry * years, volatility * np.sqrt(years), *discounts)

    def gained(self, spot: Floats) -> tuple[Floats, Floats]:
        """Gain of exercising over holding, dollars a share, and its derivative by spot; `spot` has shape (calls, n)."""
        paid, strike, off_spot, carried, deviation, share, cash = (column[:, None] for column in self)
        left = np.maximum(spot - off_spot, 1e-9 * strike)
        upper = (np.log(left / strike) + carried) / deviation + 0.5 * deviation
        slope = share * cumulative_normal(upper)
        held = left * slope - strike * cash * cumulative_normal(upper - deviation)
        return spot - paid - held, 1 - slope

    def critical(self) -> Floats:
        """Spot from which exercising is optimal, dollars a share; very large where it never is.

        Newton steps from the left: the gain is concave in the spot, so that no step overshoots.
        """
        spot = self.paid.copy()
        for _ in range(NEWTON_STEPS):
            gain, slope = (column[:, 0] for column in self.gained(spot[:, None]))
            spot = np.clip(spot - gain / np.maximum(slope, 1e-9), spot, 1e3 * self.paid)
        return spot
