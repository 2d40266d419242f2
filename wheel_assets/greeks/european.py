"""European options: Black-Scholes-Merton with a continuous dividend yield.

Formulas: Hull, *Options, Futures, and Other Derivatives*, 7th edition, equations 15.4 and 15.5 (prices with a yield)
and chapter 17 (Greeks); Haug, *The Complete Guide to Option Pricing Formulas*, McGraw-Hill 1998, pages 7 and 11 to 16.
Implied volatility: Newton and Halley steps on the logarithm of the out-of-the-money price, the
coordinate of Jaeckel, *Let's be rational*, Wilmott 2015.
"""

from __future__ import annotations

import numpy as np

from wheel_assets.greeks.contracts import Contracts, Sensitivities
from wheel_assets.greeks.normal import cumulative_normal
from wheel_assets.greeks.units import ONE_POINT
from wheel_assets.market.arrays import Floats
from wheel_assets.market.calendar import DAYS_PER_YEAR

MAX_STEPS = 30
_TINY = np.finfo(float).tiny


def density(x: Floats) -> Floats:
    """Standard normal density, an array of the shape of x."""
    height: Floats = np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)
    return height


def price(contracts: Contracts, volatility: Floats) -> Floats:
    """Black-Scholes-Merton value, dollars a share, shape (n,).

    `volatility` is decimal a year, a number or shape (n,).

    Hull, 7th edition, example 13.6, page 294: six months, spot 42, strike 40, rate 10 %, volatility 20 %.

    >>> price(Contracts.of([False, True], 42, 40, 0.5, 0.1, 0), 0.2).round(2).tolist()
    [4.76, 0.81]
    """
    c = contracts
    deviation = volatility * np.sqrt(c.years)
    sign = np.where(c.is_put, -1.0, 1.0)
    d1 = np.log(c.forward / c.strike) / deviation + 0.5 * deviation
    return (
        sign
        * c.discount
        * (c.forward * cumulative_normal(sign * d1) - c.strike * cumulative_normal(sign * (d1 - deviation)))
    )


def sensitivities(contracts: Contracts, volatility: Floats) -> Sensitivities:
    """Price and Greeks, shape (n,) each. Units and signs: `wheel_assets.greeks.units`.

    Hull, 7th edition, examples 17.1 (page 355), 17.2 (359), 17.4 (364), 17.6 (367) and 17.7 (368): spot 49, strike 50,
    rate 5 %, volatility 20 %, 20 weeks; delta 0.522, theta -4.31 a year, gamma 0.066, vega 12.1 and rho 8.91 for 1.00.

    >>> call = sensitivities(Contracts.of(False, 49, 50, 0.3846, 0.05, 0), 0.2)
    >>> [round(float(each[0]), 3) for each in (call.delta, 365 * call.theta, call.gamma, 100 * call.vega)]
    [0.522, -4.305, 0.066, 12.105]
    >>> (100 * call.rho).round(2).tolist()
    [8.91]
    """
    c = contracts
    root_years = np.sqrt(c.years)
    deviation = volatility * root_years
    sign = np.where(c.is_put, -1.0, 1.0)
    d1 = np.log(c.forward / c.strike) / deviation + 0.5 * deviation
    spot_leg = c.spot * np.exp(-c.dividend_yield * c.years)
    strike_leg = c.strike * c.discount
    share, cash = cumulative_normal(sign * d1), cumulative_normal(sign * (d1 - deviation))
    gamma_dollars = spot_leg * density(d1)
    decay = c.dividend_yield * spot_leg * share - c.rate * strike_leg * cash
    theta = sign * decay - 0.5 * gamma_dollars * volatility / root_years
    return Sensitivities(
        price=sign * (spot_leg * share - strike_leg * cash),
        delta=sign * share * spot_leg / c.spot,
        gamma=gamma_dollars / (c.spot**2 * deviation),
        theta=theta / DAYS_PER_YEAR,
        vega=gamma_dollars * root_years * ONE_POINT,
        rho=sign * strike_leg * c.years * cash * ONE_POINT,
    )


def implied_volatility(contracts: Contracts, prices: Floats) -> Floats:
    """Implied volatility of `prices` (dollars a share), decimal a year, shape (n,); NaN where none gives the price.

    Hull, 7th edition, section 13.11: a call at 1.875, spot 21, strike 20, rate 10 %, three months.

    >>> call = Contracts.of(False, 21, 20, 0.25, 0.1, 0)
    >>> implied_volatility(call, np.array([1.875])).round(3).tolist()
    [0.235]
    """
    c = contracts
    # By parity the out-of-the-money option has the same volatility, and all of its price is time value.
    forward_price = np.asarray(prices, dtype=float) / c.discount
    moneyness = np.log(c.forward / c.strike)
    scale = np.sqrt(c.forward * c.strike)
    in_the_money = np.where(c.is_put, c.strike - c.forward, c.forward - c.strike)
    time_value = (forward_price - np.maximum(in_the_money, 0.0)) / scale
    return _deviation(-np.abs(moneyness), time_value) / np.sqrt(c.years)


def _deviation(x: Floats, target: Floats) -> Floats:
    """Volatility times root of time of an out-of-the-money call with log moneyness x <= 0.

    `target` is its undiscounted price over sqrt(forward * strike), strictly between 0 and exp(x / 2).
    """
    out = np.full(np.shape(target), np.nan)
    open_rows = np.flatnonzero((target > _TINY) & (target < np.exp(0.5 * x)))
    x, target = x[open_rows], target[open_rows]
    guess = _first_guess(x, target)
    for _ in range(MAX_STEPS):
        step = _step(x, target, guess)
        guess = guess + step
        # Rows that are solved leave the arrays: far strikes take more steps than those at the money.
        done = np.abs(step) <= 1e-9 * guess
        out[open_rows[done]] = guess[done]
        if done.all():
            break
        x, target, guess, open_rows = x[~done], target[~done], guess[~done], open_rows[~done]
    return out


def _first_guess(x: Floats, target: Floats) -> Floats:
    """First guess: exact at the money; elsewhere the point of inflection, or the tail expansion for low prices."""
    at_the_money = np.sqrt(2 * np.pi) * target
    inflection = np.sqrt(2 * np.abs(x))
    log_ratio = np.log(np.minimum(target, 1.0))
    tail = np.abs(x) / np.sqrt(np.maximum(-2 * log_ratio, 1e-8))
    beyond: Floats = np.where(inflection + at_the_money > 2 * tail, tail, inflection)
    return np.asarray(np.maximum(beyond, at_the_money) + 1e-12)


def _step(x: Floats, target: Floats, s: Floats) -> Floats:
    """A Halley step in the logarithm of the price, kept within a factor of two."""
    d1 = x / s + 0.5 * s
    value = np.maximum(np.exp(0.5 * x) * cumulative_normal(d1) - np.exp(-0.5 * x) * cumulative_normal(d1 - s), _TINY)
    vega = np.exp(0.5 * x) * density(d1)
    slope = np.maximum(vega / value, _TINY)
    # The logarithm of a tail's price is nearly quadratic in the deviation, the price itself is flat to the last digit.
    newton = np.log(target / value) / slope
    curvature = (x * x / s**3 - 0.25 * s) - slope
    halley = newton / np.maximum(1 + 0.5 * newton * curvature, 0.5)
    return np.clip(halley, -0.5 * s, s)
