"""Where the share price may end: a distribution that answers three questions.

How probable is it to end below a price, what is the mean below it, and below which price does a given share
of outcomes lie? Everything that a seller wants to know follows from these.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from wheel_assets.greeks.normal import cumulative_normal
from wheel_assets.market.arrays import Floats


@dataclass(frozen=True)
class Distribution:
    """Probability spread evenly between rising prices; `below` and `mean_below` are cumulated at each."""

    price: Floats
    below: Floats
    cumulated_mean: Floats

    @classmethod
    def of(cls, mean: float, relative: Floats, below: Floats) -> Distribution:
        """A distribution with this mean: `relative` prices are scaled to it; `below` rises from 0 to 1."""
        below = np.concatenate([[0.0], below[1:-1], [1.0]])
        cells = np.diff(below) * 0.5 * (relative[1:] + relative[:-1])
        scale = mean / cells.sum()
        return cls(relative * scale, below, np.concatenate([[0.0], np.cumsum(cells * scale)]))

    def probability_below(self, price: Floats) -> Floats:
        """Probability of ending below the price."""
        return np.interp(price, self.price, self.below)

    def mean_below(self, price: Floats) -> Floats:
        """Mean of the price over the outcomes below, the others counted as zero."""
        inside = np.clip(price, self.price[0], self.price[-1])
        left = np.clip(np.searchsorted(self.price, inside, side="right") - 1, 0, self.price.size - 2)
        extra = self.probability_below(inside) - self.below[left]
        return self.cumulated_mean[left] + extra * 0.5 * (inside + self.price[left])

    def quantile(self, probability: float) -> float:
        """The price below which this share of the outcomes lies."""
        return float(np.interp(probability, self.below, self.price))


def touch_probability(spot: float, forward: float, strike: Floats, deviation: Floats) -> Floats:
    """Probability that a log-normal price trades at the strike at any time before expiration.

    First passage of a Brownian motion with drift: Shreve, *Stochastic Calculus for Finance II*, section 7.2;
    Haug, 2nd edition, section 4.19, without rebate and discounting.

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
    """Mean share of the time to expiration that is left when a log-normal price first trades at the strike.

    The integral of `touch_probability` over time, which is 0 where it never does and 1 where it does at once; by
    Gauss-Legendre points of the root of time, in which the probability is smooth.

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
    """Points and weights from 0 to 1; a seventh point changes no mean by a thousandth of the time."""
    points, weights = np.polynomial.legendre.leggauss(6)
    return 0.5 * (points + 1), 0.5 * weights
