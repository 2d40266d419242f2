"""Cash dividends and their effect on the forward."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wheel_assets.greeks.contracts import Contracts
from wheel_assets.market.arrays import Bools, Floats

Rows = NDArray[np.bool_] | NDArray[np.intp]

LEAST_LEFT = 1e-6  # of the spot, whatever is paid


class Dividends(NamedTuple):
    """Cash dividends of each contract's shares, shape (contracts, dividends), by rising time.

    `years` from the quote to the ex-date, `amount` dollars a share; those at or after the end of trading, and
    fillers, have the amount 0.
    """

    years: Floats
    amount: Floats

    @classmethod
    def none(cls, contracts: int) -> Dividends:
        """No dividends: shape (contracts, 0)."""
        return cls(np.zeros((contracts, 0)), np.zeros((contracts, 0)))

    def rows(self, which: Rows) -> Dividends:
        """The dividends of the chosen contracts."""
        return Dividends(self.years[which], self.amount[which])

    @property
    def any(self) -> Bools:
        """Whether the underlying pays any, shape (contracts,)."""
        return np.asarray((self.amount > 0).any(axis=1))

    def value(self, rate: Floats) -> Floats:
        """Present value of all dividends, dollars a share, shape (contracts,); `rate` is decimal a year, continuous.

        >>> Dividends(np.array([[0.5, 1.0]]), np.array([[1.0, 1.0]])).value(np.array([0.04])).round(4).tolist()
        [1.941]
        """
        total: Floats = (self.amount * np.exp(-rate[:, None] * self.years)).sum(axis=1)
        return total

    @property
    def total(self) -> Floats:
        """Sum of each contract's dividends, not discounted, dollars a share, shape (contracts,)."""
        total: Floats = self.amount.sum(axis=1)
        return total

    @property
    def mean_years(self) -> Floats:
        """Mean time to each contract's dividends, weighted by amount, years, shape (contracts,); 0 without any."""
        return np.asarray((self.amount * self.years).sum(axis=1) / np.where(self.any, self.total, 1.0))

    def as_yield(self, contracts: Contracts) -> Floats:
        """Continuous yield, decimal a year, that lowers each contract's forward as much; 0 without spot or time."""
        c = contracts
        left = np.maximum(c.spot - self.value(c.rate), LEAST_LEFT * c.spot)
        alive = (c.years > 0) & (c.spot > 0)
        return np.where(alive, np.log(c.spot / left) / np.where(alive, c.years, 1.0), 0.0)

    def paid_by(self, moment: Floats, carry: Floats, before: int | None = None) -> tuple[Floats, Floats]:
        """Deduction from today's spot and addition to the strike for dividends until `moment`, dollars a share.

        Bos and Vandermark (2002). `moment` (years) and `carry` (rate less yield) have one element a contract, or more
        dimensions after the first; `before` leaves out the dividends from that column on.
        """
        spot, strike = np.zeros_like(moment), np.zeros_like(moment)
        for years, amount in zip(self.years.T[:before], self.amount.T[:before], strict=True):
            years, amount = (x.reshape(x.shape + (1,) * (moment.ndim - 1)) for x in (years, amount))
            # A dividend soon is as good as a lower spot, one just before the end as a higher strike.
            share = np.minimum(years / moment, 1.0)
            due = np.where(years <= moment, amount, 0.0) * np.exp(-carry * years)
            spot, strike = spot + due * (1 - share), strike + due * share * np.exp(carry * moment)
        return spot, strike


def as_european(contracts: Contracts, dividends: Dividends) -> Contracts:
    """Contracts without dividends whose European value is the same (Bos and Vandermark, 2002)."""
    c = contracts
    spot, strike = dividends.paid_by(c.years, c.rate - c.dividend_yield)
    return c._replace(spot=np.maximum(c.spot - spot, LEAST_LEFT * c.spot), strike=c.strike + strike)
