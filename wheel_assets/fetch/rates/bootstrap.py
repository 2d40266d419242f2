"""Yields as the Treasury publishes them, to continuously compounded zero rates by tenor.

A published yield is a bond-equivalent one: what a security at par pays, expressed on a simple annual
basis for coupons every half-year. Up to half a year there is no coupon but the last, so that one dollar
after `t` years costs 1 / (1 + y t): the investment rate of a bill, 31 CFR Part 356, Appendix B, VI.
Beyond, a bond at par pays y / 2 each half-year and its last payment is discounted at the rate sought,
the others at shorter ones: the bootstrap of Hull, Options, Futures, and Other Derivatives, 9th edition,
section 4.5. Between two tenors the zero rate is linear in time; before the first it is the first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

_LAST_WITHOUT_COUPON = 0.5
_PRECISION, _ROUNDS = 1e-14, 100  # each round is closer by a factor of ten or more


def zero_rates(par_yields: Mapping[float, float]) -> dict[float, float]:
    """Zero rates by tenor, rising, from bond-equivalent yields (decimal) by tenor in years, up to a few years.

    >>> {years: round(rate, 6) for years, rate in zero_rates({0.25: 0.04, 1.0: 0.04}).items()}
    {0.25: 0.039801, 1.0: 0.039604}
    """
    zeros: dict[float, float] = {}
    for years, par in sorted(par_yields.items()):
        without_coupon = years <= _LAST_WITHOUT_COUPON
        zeros[years] = math.log1p(par * years) / years if without_coupon else _of_bond(par, years, zeros)
    return zeros


def _of_bond(par: float, years: float, shorter: Mapping[float, float]) -> float:
    """The rate at which a bond at par is worth par, its earlier coupons discounted at rates in between."""
    times = np.arange(years, 0, -0.5)[1:]
    rate = par
    for _ in range(_ROUNDS):
        between = np.interp(times, [*shorter, years], [*shorter.values(), rate])
        earlier = par / 2 * float(np.exp(-between * times).sum())
        before, rate = rate, math.log((1 + par / 2) / (1 - earlier)) / years
        if abs(rate - before) < _PRECISION:
            break
    return rate
