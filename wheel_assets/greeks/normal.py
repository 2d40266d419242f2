"""The normal distribution function: SciPy's `ndtr`, imported with the first formula and not before."""

from __future__ import annotations

from scipy.special import ndtr

from wheel_assets.market.arrays import Floats


def cumulative_normal(x: Floats) -> Floats:
    """Probability that a standard normal variable is below x, an array of the shape of x; NaN for NaN.

    >>> import numpy as np
    >>> cumulative_normal(np.array([0.0, 1.96, -np.inf])).round(6).tolist()
    [0.5, 0.975002, 0.0]
    """
    probability: Floats = ndtr(x)
    return probability
