"""Early-exercise premium of puts on dividend-paying shares: Kim's integral between the ex-dates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wheel_assets.greeks import american
from wheel_assets.greeks.boundary import angles, as_puts, interpolation, log_boundary, sampled
from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.dividends.cash import LEAST_LEFT, Dividends
from wheel_assets.greeks.normal import cumulative_normal
from wheel_assets.market.arrays import Floats

ANGLES = 10  # Gauss points of each stretch between ex-dates


def put_premium(contracts: Contracts, dividends: Dividends, volatility: Floats) -> Floats:
    """Early-exercise premium of puts, dollars a share, one element a contract; method: `greeks.dividends`."""
    premium = np.zeros_like(volatility)
    rows = np.flatnonzero(american.exercised_early(contracts))
    c, paid, sigma = contracts.rows(rows), dividends.rows(rows), volatility[rows]
    if not rows.size:
        return premium
    boundary = log_boundary(as_puts(c, sigma)[0])
    begin = np.zeros(rows.size)
    for number, (years, amount) in enumerate(zip(paid.years.T, paid.amount.T, strict=True)):
        ex_date, dividend = np.minimum(years, c.years), np.where(years < c.years, amount, 0.0)
        # Close to an ex-date waiting for the dividend earns more than interest: exercising a put does not pay then.
        end = np.maximum(ex_date - np.log1p(dividend / c.strike) / c.rate, begin)
        stretch = _Stretch(begin, end, ex_date, dividend, number)
        premium[rows] += _premium_within(stretch, c, paid, sigma, boundary)
        begin = np.maximum(ex_date, begin)
    last = _Stretch(begin, c.years, c.years, np.zeros_like(begin), paid.amount.shape[1])
    premium[rows] += _premium_within(last, c, paid, sigma, boundary)
    return premium


class _Stretch(NamedTuple):
    """The time after one ex-date in which exercising pays before the next `ex_date`; years and dollars a share."""

    begin: Floats
    end: Floats
    ex_date: Floats
    dividend: Floats
    number: int


def _premium_within(
    stretch: _Stretch, contracts: Contracts, dividends: Dividends, volatility: Floats, boundary: Floats
) -> Floats:
    """Kim's integral over one stretch of time."""
    c, s = contracts, volatility[:, None]
    angle, weight = angles(ANGLES)
    length = (stretch.end - stretch.begin)[:, None]
    time = np.maximum(stretch.begin[:, None] + length * np.sin(angle) ** 2, 1e-12)
    weight = length * 2 * np.sin(angle) * np.cos(angle) * weight
    rate, dividend_yield = c.rate[:, None], c.dividend_yield[:, None]
    roots = np.sqrt(np.clip(1 - time / c.years[:, None], 1e-8, 1 - 1e-8))
    puts, _ = as_puts(c, volatility)
    at_time = np.exp(sampled(puts, boundary, interpolation(boundary.shape[1], roots))) * c.strike[:, None]
    off_spot, on_strike = dividends.paid_by(time, rate - dividend_yield, stretch.number)
    spot = np.maximum(c.spot[:, None] - off_spot, LEAST_LEFT * c.spot[:, None])
    deviation = s * np.sqrt(time)
    upper = (np.log(spot / (at_time + on_strike)) + (rate - dividend_yield) * time) / deviation + 0.5 * deviation
    below = cumulative_normal(deviation - upper)
    to_come = c.strike[:, None] * np.expm1(rate * (stretch.ex_date[:, None] - time))
    earned = np.where(stretch.dividend[:, None] > 0, 1 - stretch.dividend[:, None] / np.maximum(to_come, 1e-12), 1.0)
    cash = rate * c.strike[:, None] * np.exp(-rate * time) * below
    share = dividend_yield * (
        spot * np.exp(-dividend_yield * time) * cumulative_normal(-upper) - on_strike * np.exp(-rate * time) * below
    )
    within: Floats = (weight * np.clip(earned, 0.0, 1.0) * (cash - share)).sum(axis=1)
    return within
