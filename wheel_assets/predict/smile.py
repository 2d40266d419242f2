"""The volatility smile of one expiration, and the distribution of the share price that it implies.

In the coordinates z = log(strike / forward) / deviation at the money, the total deviation (volatility times
the root of years, over that at the money) is a penalised cubic spline (Eilers, Marx, *Flexible smoothing
with B-splines and penalties*, Statistical Science 11, 1996) through all quotes, each as strong as its bid and
ask are narrow. The penalties say what a smile looks like before any quote is seen: from knot to knot it
bends by about `BEND` and falls by about `SLOPE` of its level; beyond the quotes its slope fades to 0.

The probability of ending below a strike is the slope of the put price by strike (Breeden, Litzenberger,
Journal of Business 51, 1978), which for a smile is N(-d2) + density(d2) * slope of the deviation. Quotes that
admit arbitrage make it fall somewhere; the values are then rearranged in rising order (Chernozhukov,
Fernandez-Val, Galichon, Econometrica 78, 2010), so that no density is negative, and all prices are scaled
by one factor so that the mean is the forward.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from wheel_assets.greeks.contracts import Floats
from wheel_assets.predict.distribution import Distribution

KNOT_SPACING = 0.75
REACH = 16  # knots on each side of the forward
BEND, SLOPE = 0.05, 0.3
LEAST_ERROR = 0.005  # of the level: quotes are not believed to be better than this
LEAST_DEVIATION = 0.05  # of that at the money
GRID = np.linspace(-10.0, 10.0, 601)
_ROOT_TWO_PI = np.sqrt(2 * np.pi)


class Smile(NamedTuple):
    """Deviation over `at_the_money` is a spline in z with these coefficients."""

    forward: float
    at_the_money: float
    coefficients: Floats

    def deviation(self, strike: Floats) -> Floats:
        """Volatility times root of years at each strike."""
        z = np.clip(np.log(strike / self.forward) / self.at_the_money, GRID[0], GRID[-1])
        return self.at_the_money * np.maximum(_basis(z) @ self.coefficients, LEAST_DEVIATION)


def fitted_smile(forward: float, strike: Floats, deviation: Floats, error: Floats) -> Smile:
    """The smile through quoted deviations (volatility times root of years) with these standard errors.

    At least one quote; one alone gives a flat smile. Quotes beyond the grid, at which the price is all spread,
    are left out.
    """
    moneyness = np.log(strike / forward)
    typical = np.median(deviation)
    strength = 1 / np.maximum(error / typical, LEAST_ERROR) ** 2
    near = np.exp(-0.5 * np.minimum((moneyness / typical) ** 2, 100.0)) * strength
    level = float(np.average(deviation, weights=near))
    z = moneyness / level
    basis = _basis(z)
    weight = np.where(np.abs(z) <= GRID[-1], strength, 0.0)
    normal = basis.T @ (basis * weight[:, None]) + _penalty()
    bent: Floats = np.linalg.solve(normal, basis.T @ (weight * (deviation / level - 1)))
    return Smile(forward, level, 1 + bent)


def implied_distribution(smile: Smile, stretch: float = 1.0) -> Distribution:
    """The distribution of the share price at expiration, its mean the forward.

    `stretch` multiplies all log distances from the forward: more or less volatile than implied.
    """
    values, slopes = _grid_basis()
    ratio, slope = values @ smile.coefficients, slopes @ smile.coefficients
    slope = np.where(ratio > LEAST_DEVIATION, slope, 0.0)
    deviation = smile.at_the_money * np.maximum(ratio, LEAST_DEVIATION)
    d2 = -GRID * smile.at_the_money / deviation - 0.5 * deviation
    below = np.sort(np.clip(ndtr(-d2) + np.exp(-0.5 * d2 * d2) / _ROOT_TWO_PI * slope, 0.0, 1.0))
    relative = np.exp(np.clip(stretch * smile.at_the_money * GRID, -700.0, 700.0))
    return Distribution.of(smile.forward, relative, below)


def _basis(z: Floats) -> Floats:
    """Uniform cubic B-splines at z, one column a knot."""
    u = np.abs(z[:, None] / KNOT_SPACING - np.arange(-REACH, REACH + 1))
    return np.where(u < 1, 2 / 3 - u * u + 0.5 * u**3, np.maximum(2 - u, 0.0) ** 3 / 6)


@lru_cache
def _grid_basis() -> tuple[Floats, Floats]:
    """Splines and their slopes by z on the grid."""
    signed = GRID[:, None] / KNOT_SPACING - np.arange(-REACH, REACH + 1)
    u = np.abs(signed)
    outwards = np.where(u < 1, 1.5 * u * u - 2 * u, -0.5 * np.maximum(2 - u, 0.0) ** 2)
    return _basis(GRID), np.sign(signed) * outwards / KNOT_SPACING


@lru_cache
def _penalty() -> Floats:
    """What the smile looks like before any quote is seen."""
    knots = np.eye(2 * REACH + 1)
    slopes, bends = np.diff(knots, axis=0) / SLOPE, np.diff(knots, 2, axis=0) / BEND
    return slopes.T @ slopes + bends.T @ bends + 1e-6 * knots
