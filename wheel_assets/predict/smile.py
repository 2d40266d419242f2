"""The volatility smile of one expiration, and the distribution of the share price that it implies.

In the coordinates z = log(strike / forward) / deviation at the money, the total deviation (volatility times
the root of years, over that at the money) is a penalised cubic spline (Eilers, Marx, *Flexible smoothing
with B-splines and penalties*, Statistical Science 11, 1996) through all quotes, weighted by how narrow they are. The
penalties are the prior: from knot to knot the smile bends by about `BEND` and falls by about `SLOPE` of its level;
beyond the quotes its slope fades to 0.

A quote may be stale and narrow: one that the others contradict is down-weighted as if errors had Student's
distribution with `DEGREES` degrees of freedom (Lange, Little, Taylor, JASA 84, 1989, by reweighting). The first
weights come from the medians of neighbours, because one quote may be wrong by a hundred times its spread.

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

from wheel_assets.greeks.normal import cumulative_normal
from wheel_assets.market.arrays import Floats
from wheel_assets.predict.distribution import Distribution

KNOT_SPACING = 0.75
REACH = 16  # knots on each side of the forward
BEND, SLOPE = 0.05, 0.3
LEAST_ERROR = 0.005  # of the level: smallest standard error of a quote, however narrow
DEGREES = 4
REWEIGHTINGS = 3
NEIGHBOURS = 9  # quotes, a put and a call each strike: up to four of them may be wrong
LEAST_DEVIATION = 0.05  # of that at the money
GRID = np.linspace(-10.0, 10.0, 601)
_ROOT_TWO_PI = np.sqrt(2 * np.pi)


class Smile(NamedTuple):
    """Deviation over `level`, at log(strike / forward) / level of `GRID`; `level` is about that at the money.

    `doubt` is the standard error of the logarithm of the deviation, on the grid too.
    """

    forward: float
    level: float
    ratio: Floats
    doubt: Floats

    def deviation(self, strike: Floats) -> Floats:
        """Volatility times root of years at each strike (dollars a share), of the shape of `strike`."""
        return self.level * np.interp(np.log(strike / self.forward) / self.level, GRID, self.ratio)


def fitted_smile(forward: float, strike: Floats, deviation: Floats, error: Floats) -> Smile:
    """The smile through quoted deviations (volatility times root of years) with these standard errors.

    Arrays of shape (quotes,), `strike` and `forward` in dollars a share; at least one quote, one alone gives a flat
    smile. Quotes beyond the grid, whose price is nothing but spread, are left out.
    """
    moneyness = np.log(strike / forward)
    typical = np.median(deviation)
    error = np.maximum(error / typical, LEAST_ERROR)
    surprise = (deviation - _medians(strike, deviation)) / (typical * error)
    # The level is what z is measured in, so it must hold before the fit that would show which quotes are wrong.
    near = np.exp(-0.5 * np.minimum((moneyness / typical) ** 2, 100.0)) * _strength(error, surprise)
    level = float(near @ deviation / near.sum())
    z = moneyness / level
    inside = np.abs(z) <= GRID[-1]
    values, error, surprise = (deviation / level - 1)[inside], error[inside], surprise[inside]
    bent, covariance = _fitted(_basis(z[inside]), values, error, surprise)
    ratio = np.maximum(1 + _grid_basis() @ bent, LEAST_DEVIATION)
    variance = np.einsum("ij,ij->i", _grid_basis() @ covariance, _grid_basis())
    return Smile(forward, level, ratio, np.sqrt(np.maximum(variance, 0.0)) / ratio)


def implied_distribution(smile: Smile, stretch: float = 1.0) -> Distribution:
    """The distribution of the share price at expiration; its mean is the forward.

    `stretch` multiplies all log distances from the forward: above 1 it is more volatile than implied.
    """
    deviation = smile.level * smile.ratio
    d2 = -GRID * smile.level / deviation - 0.5 * deviation
    slope = np.gradient(smile.ratio, GRID)
    # Sorting is the rearrangement: the closest rising function, and itself where there is no arbitrage.
    below = np.sort(np.clip(cumulative_normal(-d2) + np.exp(-0.5 * d2 * d2) / _ROOT_TWO_PI * slope, 0.0, 1.0))
    relative = np.exp(np.clip(stretch * smile.level * GRID, -700.0, 700.0))
    return Distribution.of(smile.forward, relative, below)


def _fitted(basis: Floats, values: Floats, error: Floats, surprise: Floats) -> tuple[Floats, Floats]:
    """Coefficients of the spline through the values, and their covariance."""
    for _ in range(REWEIGHTINGS + 1):
        strength = _strength(error, surprise)
        precision = basis.T @ (basis * strength[:, None]) + _penalty()
        covariance = np.linalg.inv(precision).astype(float, copy=False)
        bent: Floats = covariance @ (basis.T @ (strength * values))
        surprise = (values - basis @ bent) / error
    return bent, covariance


def _strength(error: Floats, surprise: Floats) -> Floats:
    """Weight of each quote, by its standard error and its residual in standard errors."""
    return (DEGREES + 1) / (DEGREES + surprise**2) / error**2


def _medians(strike: Floats, deviation: Floats) -> Floats:
    """Running median of the deviation over each quote and its neighbours by strike."""
    order = np.argsort(strike, kind="stable")
    reach = NEIGHBOURS // 2
    padded = np.pad(deviation[order], reach, mode="reflect" if strike.size > reach else "edge")
    medians = np.empty_like(deviation)
    medians[order] = np.median(np.lib.stride_tricks.sliding_window_view(padded, NEIGHBOURS), axis=1)
    return medians


def _basis(z: Floats) -> Floats:
    """Uniform cubic B-splines at z, one column a knot."""
    u = np.abs(z[:, None] / KNOT_SPACING - np.arange(-REACH, REACH + 1))
    return np.where(u < 1, 2 / 3 - u * u + 0.5 * u**3, np.maximum(2 - u, 0.0) ** 3 / 6)


@lru_cache
def _grid_basis() -> Floats:
    return _basis(GRID)


@lru_cache
def _penalty() -> Floats:
    """Penalty matrix: the prior on bend and slope."""
    knots = np.eye(2 * REACH + 1)
    slopes, bends = np.diff(knots, axis=0) / SLOPE, np.diff(knots, 2, axis=0) / BEND
    return slopes.T @ slopes + bends.T @ bends + 1e-6 * knots
