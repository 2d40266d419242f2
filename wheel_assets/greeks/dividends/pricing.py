"""Value and Greeks of American options on shares that pay cash dividends."""

from __future__ import annotations

import numpy as np

from wheel_assets.greeks import european
from wheel_assets.greeks.contracts import Contracts, Sensitivities
from wheel_assets.greeks.dividends.calls import call_premium
from wheel_assets.greeks.dividends.cash import Dividends, as_european
from wheel_assets.greeks.dividends.puts import put_premium
from wheel_assets.greeks.units import ONE_POINT
from wheel_assets.market.arrays import Floats
from wheel_assets.market.calendar import DAYS_PER_YEAR

BUMP = 1e-3  # of the spot, for delta and gamma of the premium


def price(contracts: Contracts, dividends: Dividends, volatility: Floats) -> Floats:
    """Value of American options, dollars a share, shape (n,); never below intrinsic.

    Put at the money on a share that pays 1 % in 30 days of 45, volatility 30 %; 4.4886 by QuantLib's finite
    differences.

    >>> one = Contracts.of(True, 100, 100, 45 / 365, 0.04, 0)
    >>> price(one, Dividends(np.array([[30 / 365]]), np.array([[1.0]])), np.array([0.3])).round(2).tolist()
    [4.49]
    """
    value = european.price(as_european(contracts, dividends), volatility)
    return np.maximum(value + premium(contracts, dividends, volatility), contracts.intrinsic)


def premium(contracts: Contracts, dividends: Dividends, volatility: Floats) -> Floats:
    """Early-exercise premium over the European value, dollars a share, shape (n,)."""
    extra = np.zeros_like(volatility)
    puts, calls = np.flatnonzero(contracts.is_put), np.flatnonzero(~contracts.is_put)
    for rows, premium_of in ((puts, put_premium), (calls, call_premium)):
        if rows.size:
            extra[rows] = premium_of(contracts.rows(rows), dividends.rows(rows), volatility[rows])
    return extra


def sensitivities(contracts: Contracts, dividends: Dividends, volatility: Floats) -> Sensitivities:
    """Price and Greeks, shape (n,) each, the dividends fixed in dollars. Units and signs: `wheel_assets.greeks.units`.

    Analytic for the European value, difference quotients for the premium; theta follows from the Black-Scholes
    equation.
    """
    c = contracts
    out = european.sensitivities(as_european(c, dividends), volatility)
    step = BUMP * c.spot
    up, down, dearer = (
        premium(bumped, dividends, sigma)
        for bumped, sigma in (
            (c._replace(spot=c.spot + step), volatility),
            (c._replace(spot=c.spot - step), volatility),
            (c, volatility * (1 + BUMP)),
        )
    )
    extra, in_rate = premium(c, dividends, volatility), c._replace(rate=c.rate + BUMP * ONE_POINT)
    value = out.price + extra
    delta = out.delta + (up - down) / (2 * step)
    gamma = np.maximum(out.gamma + (up - 2 * extra + down) / step**2, 0.0)
    vega = np.maximum(out.vega + (dearer - extra) / (volatility * BUMP) * ONE_POINT, 0.0)
    moved = european.price(as_european(in_rate, dividends), volatility) + premium(in_rate, dividends, volatility)
    theta = c.rate * value - (c.rate - c.dividend_yield) * c.spot * delta - 0.5 * (volatility * c.spot) ** 2 * gamma
    held = Sensitivities(value, delta, gamma, theta / DAYS_PER_YEAR, vega, (moved - value) / BUMP)
    exercised = value <= c.intrinsic
    at_once = Sensitivities(c.intrinsic, np.where(c.is_put, -1.0, 1.0), *[np.zeros_like(value)] * 4)
    return Sensitivities(*(np.where(exercised, stopped, kept) for stopped, kept in zip(at_once, held, strict=True)))
