"""Distribution of the share price at expiration: probability below a price, mean below it, quantiles.

All returns of a seller follow from these three.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from wheel_assets.greeks.normal import cumulative_normal
from wheel_assets.market.arrays import Floats


@dataclass(frozen=True)
class Distribution:
    """Piecewise uniform distribution over rising prices, dollars a share.

    Arrays of shape (points,): `below` is the probability, `cumulated_mean` the partial expectation below each price."""

    price: Floats
    below: Floats
    cumulated_mean: Floats

    @classmethod
    def of(cls, mean: float, relative: Floats, below: Floats) -> Distribution:
        """A distribution with this mean: `relative` prices are scaled to it; `below` rises from 0 to 1."""
        below = np.concatenate([[0.0], below[1:-1], [1.0]])
        # Risk-neutral: the mean must be the forward, or every put and call would be mispriced one way.
        cells = np.diff(below) * 0.5 * (relative[1:] + relative[:-1])
        scale = mean / cells.sum()
        return cls(relative * scale, below, np.concatenate([[0.0], np.cumsum(cells * scale)]))

    def probability_below(self, price: Floats) -> Floats:
        """Probability of ending below each price (dollars a share), of the shape of `price`."""
        return np.interp(price, self.price, self.below)

    def mean_below(self, price: Floats) -> Floats:
        """Partial expectation E[S; S < price], dollars a share, of the shape of `price`."""
        inside = np.clip(price, self.price[0], self.price[-1])
        left = np.clip(np.searchsorted(self.price, inside, side="right") - 1, 0, self.price.size - 2)
        extra = self.probability_below(inside) - self.below[left]
        return self.cumulated_mean[left] + extra * 0.5 * (inside + self.price[left])

    def quantile(self, probability: float) -> float:
        """Price (dollars a share) below which this probability lies."""
        return float(np.interp(probability, self.below, self.price))


def touch_probability(spot: float, forward: float, strike: Floats, deviation: Floats) -> Floats:
    """Probability that a log-normal price touches the strike at any time before expiration.

    `deviation` is volatility times root of years. First passage of a Brownian motion with drift: Shreve, *Stochastic
    Calculus for Finance II*, section 7.2; Haug, 2nd edition, section 4.19, without rebate and discounting.

    >>> touch_probability(100.0, 100.0, np.array([100.0]), np.array([0.2])).tolist()
    [1.0]
    """
    barrier = np.log(strike / spot)
    drift = np.log(forward / spot) - 0.5 * deviation**2
    side = np.where(barrier < 0, 1.0, -1.0)
    reflection = np.exp(np.minimum(2 * drift * barrier / deviation**2, 700.0))
    passed = cumulative_normal(side * (barrier - drift) / deviation) + reflection * cumulative_normal(
        side * (barrier + drift) / deviation
    )
    return np.asarray(np.clip(passed, 0.0, 1.0))


def share_of_time_touched(spot: float, forward: float, strike: Floats, deviation: Floats) -> Floats:
    """Mean share of the time to expiration left when a log-normal price first touches the strike.

    1 where it touches at once, 0 where it never does: the integral of `touch_probability` over time, by Gauss-Legendre
    points of the root of time, in which the probability is smooth.

    >>> share_of_time_touched(100.0, 100.0, np.array([100.0]), np.array([0.2])).round(6).tolist()
    [1.0]
    """
    share = np.zeros_like(strike)
    for root, weight in zip(*_roots_of_time(), strict=True):
        by_then = spot * (forward / spot) ** (root * root)
        share += weight * 2 * root * touch_probability(spot, by_then, strike, deviation * root)
    return share


@lru_cache
def _roots_of_time() -> tuple[Floats, Floats]:
    """Gauss-Legendre points and weights on [0, 1]; a seventh point changes no mean by 0.1 % of the time."""
    points, weights = np.polynomial.legendre.leggauss(6)
    return 0.5 * (points + 1), 0.5 * weights
