"""The risk-free zero curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from wheel_assets.market.arrays import Floats


@dataclass(frozen=True)
class ZeroCurve:
    """Zero rates at some tenors (rising years), continuously compounded: linear between them, flat beyond.

    One point is a flat curve. Units: `wheel_assets.greeks.units`.

    >>> ZeroCurve((0.25, 1.0), (0.04, 0.03)).at([0.0, 0.25, 0.625, 5.0]).round(4).tolist()
    [0.04, 0.04, 0.035, 0.03]
    """

    years: tuple[float, ...]
    rates: tuple[float, ...]

    @classmethod
    def flat(cls, rate: float) -> ZeroCurve:
        """The same rate for every tenor."""
        return cls((0.0,), (float(rate),))

    @classmethod
    def of(cls, years: ArrayLike, rates: ArrayLike) -> ZeroCurve:
        """A curve through points in any order, tenors in years; points without a tenor or a rate are left out.

        Where no point has a tenor, the curve is flat at the first rate.

        >>> ZeroCurve.of([2.0, 0.5], [0.03, 0.04]).years
        (0.5, 2.0)
        >>> ZeroCurve.of([float("nan")], [0.04]) == ZeroCurve.flat(0.04)
        True
        """
        tenor, rate = np.broadcast_arrays(*(np.atleast_1d(np.asarray(x, dtype=float)) for x in (years, rates)))
        if np.isnan(tenor).all():
            return cls.flat(rate[0])
        known = ~np.isnan(tenor) & ~np.isnan(rate)
        order = np.argsort(tenor[known], kind="stable")
        return cls(tuple(tenor[known][order].tolist()), tuple(rate[known][order].tolist()))

    def at(self, years: ArrayLike) -> Floats:
        """Zero rates at tenors (`years`), decimal a year, of their shape; flat before the first and after the last."""
        rates: Floats = np.interp(np.asarray(years, dtype=float), self.years, self.rates)
        return rates
