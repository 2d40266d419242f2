"""The early-exercise boundary of American puts, by spectral collocation.

Andersen, Lake, Offengenden, *High-performance American option pricing*, Journal of Computational Finance
20(1), 2016: the boundary is the fixed point of an integral equation (their systems A and B), held at a few
Chebyshev points of the square root of time and started from the quadratic approximation of Barone-Adesi and
Whaley (Journal of Finance 42, 1987).

Two departures, both measured (benchmarks/pricing.py). Time is substituted by `sin(angle)**2`, which makes the
integrands smooth at both ends, so that few Gauss points do. Plain fixed-point steps are used throughout: the
Newton steps of the paper need a better start (QD+) and run away where it is poor.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.european import density
from wheel_assets.greeks.normal import cumulative_normal
from wheel_assets.market.arrays import Bools, Floats

START_STEPS = 4
DRIFTING = 0.6  # rate less yield over deviation, from which smooth pasting no longer converges
SLOWER = 2  # value matching takes this many times the steps
LEAST_RATE = 1e-9  # for the whole life, where one is divided by
System = Callable[[Floats, Floats], tuple[Floats, Floats]]

_TINY = np.finfo(float).tiny


class Puts(NamedTuple):
    """Dimensionless American puts: strike 1, one unit of time to expiration. Arrays of one length.

    `distance` is log(spot / strike), `deviation` volatility * sqrt(years); `rate` and `dividend_yield`
    are for the whole life. A call is the put on swapped spot and strike, rate and yield.
    """

    distance: Floats
    deviation: Floats
    rate: Floats
    dividend_yield: Floats

    @property
    def latest(self) -> Floats:
        """Logarithm of the boundary just before expiration: min(1, rate / yield), 0 where the yield is negative."""
        ratio = np.log(np.maximum(self.rate, _TINY)) - np.log(np.maximum(self.dividend_yield, _TINY))
        latest: Floats = np.where(self.dividend_yield > 0, np.minimum(0.0, ratio), 0.0)
        return latest

    @property
    def earned(self) -> Floats:
        """Upper bound of what early exercise earns over the whole life, over the strike; <= 0 where it never pays."""
        earned: Floats = self.rate - np.minimum(self.dividend_yield, 0.0)
        return earned


def as_puts(contracts: Contracts, volatility: Floats) -> tuple[Puts, Floats]:
    """The equivalent dimensionless puts, and the dollars a share of one unit of their value, shape (n,)."""
    c = contracts
    distance = np.log(c.spot / c.strike)
    rate, dividend = c.rate * c.years, c.dividend_yield * c.years
    puts = Puts(
        np.where(c.is_put, distance, -distance),
        volatility * np.sqrt(c.years),
        np.where(c.is_put, rate, dividend),
        np.where(c.is_put, dividend, rate),
    )
    return puts, np.where(c.is_put, c.strike, c.spot)


class Scheme(NamedTuple):
    """Resolution: Chebyshev points in time, Gauss points of the boundary's and the premium's integral, iterations."""

    points: int = 6
    boundary_angles: int = 6
    premium_angles: int = 12
    steps: int = 3


STANDARD = Scheme()


class Grid(NamedTuple):
    """Collocation points of the integral equation (rows) and the samples of its integrals (columns).

    `time` is the time to expiration of each point; `lag` the time from the point to a sample, `left` from there to
    expiration, `weight` its quadrature weight; `weights_of_points` interpolates from points to samples.
    """

    time: Floats
    lag: Floats
    left: Floats
    weight: Floats
    weights_of_points: Floats


@lru_cache
def angles(count: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights on [0, pi / 2], arrays of length `count`."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return 0.25 * np.pi * (nodes + 1), 0.25 * np.pi * weights


@lru_cache
def premium_weights(scheme: Scheme) -> Floats:
    """Interpolation matrix from the Chebyshev points to the samples of the premium's integral."""
    return interpolation(scheme.points, np.cos(angles(scheme.premium_angles)[0]))


def chebyshev(count: int) -> Floats:
    """Chebyshev points from 1 down to 0, shape (count,).

    >>> chebyshev(3).round(6).tolist()
    [1.0, 0.5, 0.0]
    """
    return 0.5 * (1 + np.cos(np.pi * np.arange(count) / (count - 1)))


def barycentric(count: int, at: Floats) -> Floats:
    """Matrix from values at that many Chebyshev points to values at others (any shape, points last).

    Berrut, Trefethen, *Barycentric Lagrange interpolation*, SIAM Review 46, 2004.
    """
    sign = np.where(np.arange(count) % 2, -1.0, 1.0)
    sign[[0, -1]] *= 0.5
    apart = at[..., None] - chebyshev(count)
    ratio = sign / np.where(apart == 0, _TINY, apart)
    weights: Floats = ratio / ratio.sum(axis=-1, keepdims=True)
    return weights


def interpolation(points: int, roots_of_time: Floats) -> Floats:
    """Matrix from values at the boundary's points to values at other roots of time (any shape); 0 at expiration."""
    return barycentric(points + 1, roots_of_time)[..., :-1]


@lru_cache
def grid(scheme: Scheme) -> Grid:
    """The grid of a scheme; its first row is the whole time to expiration."""
    root = 0.5 * (1 + np.cos(np.pi * np.arange(scheme.points) / scheme.points))[:, None]
    angle, weight = angles(scheme.boundary_angles)
    lag, left = (root * np.sin(angle)) ** 2, (root * np.cos(angle)) ** 2
    roots_of_time = (root * np.cos(angle)).ravel()
    weight = 2 * root**2 * np.sin(angle) * np.cos(angle) * weight
    return Grid((root**2)[:, 0], lag, left, weight, interpolation(scheme.points, roots_of_time))


def drifting(puts: Puts) -> Bools:
    """Whether smooth pasting would not converge, so that the boundary needs value matching; one element a put."""
    return puts.rate - puts.dividend_yield > DRIFTING * puts.deviation


def log_boundary(
    puts: Puts, scheme: Scheme = STANDARD, start: Floats | None = None, by_value: Bools | None = None
) -> Floats:
    """Logarithm of boundary over strike at the grid's times, shape (puts, points).

    `start` is the boundary of nearly the same puts, from which the iteration goes on; `by_value` overrides `drifting`.
    """
    boundary = _quadratic_approximation(puts, grid(scheme).time) if start is None else start.copy()
    by_value = drifting(puts) if by_value is None else by_value
    slow = scheme._replace(steps=SLOWER * scheme.steps)
    # One system does not fit all: smooth pasting is faster but diverges under a strong drift.
    for system, rows, paced in ((_smooth_pasting, ~by_value, scheme), (_value_matching, by_value, slow)):
        if rows.any():
            boundary[rows] = _fixed_point(Puts(*(column[rows] for column in puts)), boundary[rows], paced, system)
    return boundary


def squared_distance(puts: Puts, boundary: Floats) -> Floats:
    """Squared distance of the log boundary from `Puts.latest`: smooth in the root of time, unlike the boundary."""
    squared: Floats = (boundary - puts.latest[:, None]) ** 2
    return squared


def sampled(puts: Puts, boundary: Floats, matrix: Floats) -> Floats:
    """The log boundary at the samples of `matrix`, interpolated in its squared distance from `Puts.latest`.

    That square is smooth in the root of time, the boundary itself is not. `matrix` is what `interpolation` gives, one
    for all puts or one each.
    """
    squared = squared_distance(puts, boundary)
    between = squared @ matrix.T if matrix.ndim == 2 else np.einsum("ik,ijk->ij", squared, matrix)
    return puts.latest[:, None] - np.sqrt(np.maximum(between, 0.0))


def _fixed_point(puts: Puts, boundary: Floats, scheme: Scheme, system: System) -> Floats:
    """Fixed-point iterations of boundary = exp(-(rate - yield) * time) * numerator / denominator."""
    g = grid(scheme)
    s, rate, dividend = (column[:, None, None] for column in puts[1:])
    lag_deviation = s * np.sqrt(g.lag)
    drift = (rate - dividend) * g.lag / lag_deviation
    per_rate = rate * g.weight * np.exp(rate * g.left)
    per_yield = dividend * g.weight * np.exp(dividend * g.left)
    carry = (puts.rate - puts.dividend_yield)[:, None] * g.time
    deviation = puts.deviation[:, None] * np.sqrt(g.time)
    for _ in range(scheme.steps):
        between = sampled(puts, boundary, g.weights_of_points).reshape(lag_deviation.shape)
        middle = (boundary[:, :, None] - between) / lag_deviation + drift
        at_strike = (boundary + carry) / deviation
        early_cash, early_share = system(middle, lag_deviation)
        cash, share = system(at_strike, deviation)
        numerator = cash + np.einsum("ijk,ijk->ij", per_rate, early_cash)
        denominator = share + np.einsum("ijk,ijk->ij", per_yield, early_share)
        boundary = _accepted(puts, boundary, carry, numerator, denominator)
    return boundary


def _smooth_pasting(middle: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """System A of the paper: the put's slope is -1 on the boundary. Fast, but diverges under a strong drift."""
    upper = middle + 0.5 * deviation
    return density(middle - 0.5 * deviation) / deviation, density(upper) / deviation + cumulative_normal(upper)


def _value_matching(middle: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """System B of the paper: the put equals its intrinsic value on the boundary. Slower, stable under any drift."""
    return cumulative_normal(middle - 0.5 * deviation), cumulative_normal(middle + 0.5 * deviation)


def _accepted(puts: Puts, boundary: Floats, carry: Floats, numerator: Floats, denominator: Floats) -> Floats:
    """The next boundary, capped at `Puts.latest`; the previous one where the step is not finite."""
    possible = (numerator > _TINY) & (denominator > _TINY)
    ratio = np.where(possible, numerator, 1.0) / np.where(possible, denominator, 1.0)
    return np.where(possible, np.minimum(np.log(ratio) - carry, puts.latest[:, None]), boundary)


def _quadratic_approximation(puts: Puts, time: Floats) -> Floats:
    """The boundary of Barone-Adesi and Whaley (1987) at each time, by Newton steps in its logarithm."""
    s, rate, dividend = (column[:, None] for column in puts[1:])
    carry, deviation = (rate - dividend) * time, s * np.sqrt(time)
    share, cash = np.exp(-dividend * time), np.exp(-rate * time)
    slope = (rate - dividend) / s**2 - 0.5
    lent = np.where(np.abs(rate) > LEAST_RATE, rate, LEAST_RATE)
    exponent = -slope - np.sqrt(slope**2 + 2 * lent / s**2 / -np.expm1(-lent * time))
    latest = puts.latest[:, None]
    boundary = _between_latest_and_perpetual(puts, time)
    for _ in range(START_STEPS):
        upper = (boundary + carry) / deviation + 0.5 * deviation
        spot, held = np.exp(boundary), share * cumulative_normal(-upper)
        put = cash * cumulative_normal(deviation - upper) - spot * held
        gap = (1 - held) * spot + exponent * (1 - spot - put)
        gap_slope = (1 - held) + share * density(upper) / deviation + exponent * (held - 1)
        boundary = np.minimum(boundary - np.clip(gap / (gap_slope * spot), -0.7, 0.7), latest)
    return boundary


def _between_latest_and_perpetual(puts: Puts, time: Floats) -> Floats:
    """Start of the Newton steps: exponential in the root of time (Bjerksund, Stensland, 1993)."""
    s, rate, dividend = (column[:, None] for column in puts[1:])
    slope = (rate - dividend) / s**2 - 0.5
    exponent = -slope - np.sqrt(slope**2 + 2 * np.maximum(rate, LEAST_RATE) / s**2)
    latest, perpetual = np.exp(puts.latest)[:, None], exponent / (exponent - 1)
    gap = np.maximum(latest - perpetual, 1e-12)
    fall = np.exp(np.minimum(((rate - dividend) * time - 2 * s * np.sqrt(time)) * latest / gap, 0.0))
    guess: Floats = np.log(perpetual + gap * fall)
    return guess
