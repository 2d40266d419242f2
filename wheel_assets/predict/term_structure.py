"""Smiles of all expirations without calendar arbitrage.

At a fixed ratio of strike to forward, total variance must not fall with time, or buying the later option and selling
the earlier one would be an arbitrage (Gatheral, Jacquier, *Arbitrage-free SVI volatility surfaces*, Quantitative
Finance 14, 2014, lemma 2.1). Where it falls, the logarithms of the variances are replaced by the nearest rising
sequence, weighted by their standard errors: where one expiration is only extrapolated, it yields to another that is
quoted there. Variances that already rise stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wheel_assets.market.arrays import Floats
from wheel_assets.predict.smile import GRID, Smile

NODES = np.linspace(-4.0, 4.0, 25)  # of each smile, in its own coordinates
LEAST_DOUBT = 1e-3  # of the logarithm: smallest standard error, so that no smile's weight is infinite


def without_calendar_arbitrage(smiles: Sequence[Smile]) -> list[Smile]:
    """The smiles, sorted by rising time to expiration, with total variance that never falls with time.

    >>> flat = [Smile(100.0, level, np.ones(GRID.size), np.ones(GRID.size)) for level in (0.3, 0.1)]
    >>> [round(float(smile.deviation(np.array([100.0]))[0]), 4) for smile in without_calendar_arbitrage(flat)]
    [0.1732, 0.1732]
    """
    if len(smiles) < 2:
        return list(smiles)
    moneyness = np.unique(np.concatenate([NODES * smile.level for smile in smiles]))
    logarithm, doubt = np.array([_sampled(smile, moneyness) for smile in smiles]).transpose(1, 0, 2)
    falling = (np.diff(logarithm, axis=0) < 0).any(axis=0)
    if not falling.any():
        return list(smiles)
    correction = np.zeros_like(logarithm)
    weight = 1 / np.maximum(doubt[:, falling], LEAST_DOUBT) ** 2
    correction[:, falling] = nearest_rising(logarithm[:, falling], weight) - logarithm[:, falling]
    lifted = [np.interp(GRID * smile.level, moneyness, row) for smile, row in zip(smiles, correction, strict=True)]
    return [smile._replace(ratio=smile.ratio * np.exp(lift)) for smile, lift in zip(smiles, lifted, strict=True)]


def nearest_rising(values: Floats, weight: Floats) -> Floats:
    """Weighted isotonic regression of each column; arrays of shape (times, columns).

    Max-min formula: Robertson, Wright, Dykstra, *Order Restricted Statistical Inference*, Wiley 1988, chapter 1.

    >>> nearest_rising(np.array([[1.0], [4.0], [2.0]]), np.array([[1.0], [1.0], [3.0]])).ravel().tolist()
    [1.0, 2.5, 2.5]
    """
    start = np.zeros((1, values.shape[1]))
    total = np.concatenate([start, np.cumsum(weight * values, axis=0)])
    weights = np.concatenate([start, np.cumsum(weight, axis=0)])
    rising = np.full_like(values, -np.inf)
    for first in range(len(values)):
        means = (total[first + 1 :] - total[first]) / (weights[first + 1 :] - weights[first])
        least = np.minimum.accumulate(means[::-1], axis=0)[::-1]
        rising[first:] = np.maximum(rising[first:], least)
    return rising


def _sampled(smile: Smile, moneyness: Floats) -> tuple[Floats, Floats]:
    """Logarithm of the deviation at log(strike / forward), and its standard error."""
    z = moneyness / smile.level
    return np.log(smile.level * np.interp(z, GRID, smile.ratio)), np.interp(z, GRID, smile.doubt)
