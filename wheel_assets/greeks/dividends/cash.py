"""Cash dividends, and what they do to the forward."""

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
        """No dividends at all."""
        return cls(np.zeros((contracts, 0)), np.zeros((contracts, 0)))

    def rows(self, which: Rows) -> Dividends:
        """Those of the chosen contracts."""
        return Dividends(self.years[which], self.amount[which])

    @property
    def any(self) -> Bools:
        """Which contracts' shares pay any."""
        return np.asarray((self.amount > 0).any(axis=1))

    def value(self, rate: Floats) -> Floats:
        """What all of them are worth today, dollars a share."""
        total: Floats = (self.amount * np.exp(-rate[:, None] * self.years)).sum(axis=1)
        return total

    @property
    def total(self) -> Floats:
        """All of each contract's, dollars a share."""
        total: Floats = self.amount.sum(axis=1)
        return total

    @property
    def mean_years(self) -> Floats:
        """The mean time of each contract's, by their amounts; 0 without any."""
        return np.asarray((self.amount * self.years).sum(axis=1) / np.where(self.any, self.total, 1.0))

    def as_yield(self, contracts: Contracts) -> Floats:
        """The continuous yield that takes as much off each contract's forward; 0 without spot or time."""
        c = contracts
        left = np.maximum(c.spot - self.value(c.rate), LEAST_LEFT * c.spot)
        alive = (c.years > 0) & (c.spot > 0)
        return np.where(alive, np.log(c.spot / left) / np.where(alive, c.years, 1.0), 0.0)

    def paid_by(self, moment: Floats, carry: Floats, before: int | None = None) -> tuple[Floats, Floats]:
        """What dividends until a moment take off the spot today, and add to the strike then, dollars a share.

        `moment` and `carry` (rate less yield) have one element a contract, or more dimensions behind the first;
        `before` leaves out the dividends from that number on.
        """
        spot, strike = np.zeros_like(moment), np.zeros_like(moment)
        for years, amount in zip(self.years.T[:before], self.amount.T[:before], strict=True):
            years, amount = (x.reshape(x.shape + (1,) * (moment.ndim - 1)) for x in (years, amount))
            share = np.minimum(years / moment, 1.0)
            due = np.where(years <= moment, amount, 0.0) * np.exp(-carry * years)
            spot, strike = spot + due * (1 - share), strike + due * share * np.exp(carry * moment)
        return spot, strike


def as_european(contracts: Contracts, dividends: Dividends) -> Contracts:
    """The contracts without dividends that are worth the same, were they European (Bos and Vandermark)."""
    c = contracts
    spot, strike = dividends.paid_by(c.years, c.rate - c.dividend_yield)
    return c._replace(spot=np.maximum(c.spot - spot, LEAST_LEFT * c.spot), strike=c.strike + strike)
