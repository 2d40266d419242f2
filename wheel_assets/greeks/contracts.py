"""Arguments and results of every formula: arrays of one length, one element a contract."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wheel_assets.market.arrays import Bools, Floats

LEAST_PRICE, HIGHEST_PRICE = 1e-10, 1e10  # dollars a share; vendors' markers for "nothing" lie beyond


def possible_prices(prices: Floats) -> Floats:
    """Prices in dollars a share, NaN where not between `LEAST_PRICE` and `HIGHEST_PRICE`.

    >>> possible_prices(np.array([1.5, 0.0, -999.0, np.inf])).tolist()
    [1.5, nan, nan, nan]
    """
    return np.where((prices >= LEAST_PRICE) & (prices <= HIGHEST_PRICE), prices, np.nan)


class Contracts(NamedTuple):
    """Option contracts and their market data, arrays of shape (n,). Units: `wheel_assets.greeks.units`.

    `spot` and `strike` are possible prices or NaN; with NaN every formula gives NaN.
    """

    is_put: Bools
    spot: Floats
    strike: Floats
    years: Floats
    rate: Floats
    dividend_yield: Floats

    @classmethod
    def of(
        cls,
        is_put: ArrayLike,
        spot: ArrayLike,
        strike: ArrayLike,
        years: ArrayLike,
        rate: ArrayLike,
        dividend_yield: ArrayLike,
    ) -> Contracts:
        """Contracts from anything that broadcasts to shape (n,); an impossible price becomes NaN.

        Raises ValueError where the shapes do not broadcast.

        >>> Contracts.of(True, 42.0, [40.0, 45.0], 0.5, 0.1, 0.0).spot.tolist()
        [42.0, 42.0]
        """
        columns = np.broadcast_arrays(*map(np.atleast_1d, (is_put, spot, strike, years, rate, dividend_yield)))
        spots, strikes, *rest = (column.astype(float) for column in columns[1:])
        return cls(columns[0].astype(bool), possible_prices(spots), possible_prices(strikes), *rest)

    def rows(self, which: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Contracts:
        """The chosen contracts."""
        return Contracts(
            self.is_put[which],
            self.spot[which],
            self.strike[which],
            self.years[which],
            self.rate[which],
            self.dividend_yield[which],
        )

    @property
    def forward(self) -> Floats:
        """Forward price for delivery at the end of trading, dollars a share (Hull, 7th edition, equation 5.3).

        >>> Contracts.of(False, 100.0, 100.0, 0.5, 0.04, 0.01).forward.round(4).tolist()
        [101.5113]
        """
        return self.spot * np.exp((self.rate - self.dividend_yield) * self.years)

    @property
    def discount(self) -> Floats:
        """Discount factor, shape (n,): value today of one dollar paid at the end of trading.

        >>> Contracts.of(False, 100.0, 100.0, 0.5, 0.04, 0.0).discount.round(4).tolist()
        [0.9802]
        """
        return np.exp(-self.rate * self.years)

    @property
    def intrinsic(self) -> Floats:
        """Intrinsic value, shape (n,): what exercising at once pays, dollars a share; never negative.

        >>> Contracts.of([True, False], 95.0, 100.0, 0.5, 0.04, 0.0).intrinsic.tolist()
        [5.0, 0.0]
        """
        return np.maximum(np.where(self.is_put, self.strike - self.spot, self.spot - self.strike), 0.0)


class Sensitivities(NamedTuple):
    """Price and the five Greeks, arrays of shape (n,) in the units of `wheel_assets.greeks.units`."""

    price: Floats
    delta: Floats
    gamma: Floats
    theta: Floats
    vega: Floats
    rho: Floats
