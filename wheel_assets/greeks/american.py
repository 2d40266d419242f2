"""American options with a continuous dividend yield: the European value plus an early-exercise premium.

The premium is Kim's integral (Review of Financial Studies 3, 1990) of what exercising earns, interest on the
strike less the yield on the share, over the times and prices at which exercising is optimal, which `boundary`
finds. A call is valued as the put on swapped spot and strike, rate and yield (McDonald and
Schroder, Journal of Computational Finance 1(3), 1998). Where neither the rate nor the rate less the yield is positive
(for a call: the yield, and the yield less the rate), early exercise never pays and the European value is exact.

Accuracy: within 1e-5 of the strike (calls: of the spot, if that is more) for moneyness 0.5 to 2, 1 to 730 days,
volatility 5 to 300 %, rates 0 to 8 % and yields 0 to 6 %; within 1e-4 for rates from -3 % and yields from -100 to
100 %. Not covered: a put with a yield below a negative rate (a call with a rate below a negative yield): it has a
second boundary, below which one should wait again, which is not modelled. Measured: benchmarks/results/pricing.txt.
"""

from __future__ import annotations

import numpy as np

from wheel_assets.greeks import european
from wheel_assets.greeks.boundaries import BUMP, Nearby
from wheel_assets.greeks.boundary import (
    STANDARD,
    Puts,
    Scheme,
    angles,
    as_puts,
    log_boundary,
    premium_weights,
    sampled,
)
from wheel_assets.greeks.contracts import Contracts, Sensitivities
from wheel_assets.greeks.european import density
from wheel_assets.greeks.normal import cumulative_normal
from wheel_assets.greeks.units import ONE_POINT
from wheel_assets.market.arrays import Bools, Floats
from wheel_assets.market.calendar import DAYS_PER_YEAR

NEGLIGIBLE = 1e-9  # of the strike
IMMATERIAL = 1e-7  # of the strike: a hundredth of what the formulas are exact to


def price(contracts: Contracts, volatility: Floats, scheme: Scheme = STANDARD) -> Floats:
    """Value, dollars a share, shape (n,); never below intrinsic. `volatility` is decimal a year.

    Hull, 9th edition, section 21.1 (4.283 by 500 binomial steps): spot and strike 50, five months, rate 10 %,
    volatility 40 %.

    >>> price(Contracts.of(True, 50, 50, 5 / 12, 0.1, 0), np.array([0.4])).round(2).tolist()
    [4.28]
    """
    value = european.price(contracts, volatility)
    rows = np.flatnonzero(premium_counts(contracts, volatility))
    chosen, sigma = contracts.rows(rows), np.broadcast_to(volatility, value.shape)[rows]
    boundary = log_boundary(as_puts(chosen, sigma)[0], scheme)
    value[rows] = price_within(boundary, chosen, sigma, scheme)
    return np.maximum(value, contracts.intrinsic)


def price_within(boundary: Floats, contracts: Contracts, volatility: Floats, scheme: Scheme) -> Floats:
    """Value of options whose log boundary is known, dollars a share: intrinsic value where exercising is optimal.

    `boundary` is what `boundary.log_boundary` gives, shape (contracts, points).
    """
    puts, scale = as_puts(contracts, volatility)
    # Below the boundary Kim's integral is not the premium: the option is worth its intrinsic value there.
    held = puts.distance > boundary[:, 0]
    extra = np.where(held, scale * premium(puts, boundary, scheme), 0.0)
    return np.maximum(european.price(contracts, volatility) + extra, contracts.intrinsic)


def sensitivities(
    contracts: Contracts, volatility: Floats, scheme: Scheme = STANDARD, nearby: Nearby | None = None
) -> Sensitivities:
    """Price and Greeks, shape (n,) each. Units and signs: `wheel_assets.greeks.units`.

    Delta and gamma are integrals of their own, theta follows from the Black-Scholes equation, and the
    premium's part of vega and rho is a difference quotient. Where exercising at once is right, the option is
    its intrinsic value: delta is 1 or -1 and the others are 0. `nearby` are boundaries already known from the
    search for the volatility.
    """
    out = european.sensitivities(contracts, volatility)
    rows = np.flatnonzero(premium_counts(contracts, volatility))
    chosen, sigma = contracts.rows(rows), np.broadcast_to(volatility, out.price.shape)[rows]
    boundaries = Nearby.of(chosen, sigma, scheme) if nearby is None else nearby.rows(rows)
    without = Sensitivities(*(column[rows] for column in out))
    held, exercised = _with_premium(chosen, sigma, without, boundaries, scheme)
    at_once = Sensitivities(chosen.intrinsic, np.where(chosen.is_put, -1.0, 1.0), *[np.zeros(rows.shape)] * 4)
    for column, continued, stopped in zip(out, held, at_once, strict=True):
        column[rows] = np.where(exercised, stopped, continued)
    return out


def exercised_early(contracts: Contracts) -> Bools:
    """Whether early exercise can earn anything worth counting, shape (n,)."""
    return as_puts(contracts, contracts.years)[0].earned > NEGLIGIBLE


def premium_counts(contracts: Contracts, volatility: Floats) -> Bools:
    """Whether the premium may be positive at volatilities (decimal a year) up to this one, shape (n,).

    It is what exercising earns for the time beyond the boundary, so at most all of it times the probability of ever
    getting as far as the boundary's latest point, which by reflection is at most twice that of ending there without
    the drift.
    """
    puts, _ = as_puts(contracts, volatility)
    drift = np.abs(puts.rate - puts.dividend_yield) + 0.5 * puts.deviation**2
    reached = 2 * cumulative_normal((puts.latest + drift - puts.distance) / puts.deviation)
    return (puts.earned > NEGLIGIBLE) & ~(puts.earned * reached <= IMMATERIAL)


def premium(puts: Puts, boundary: Floats, scheme: Scheme) -> Floats:
    """Early-exercise premium of dimensionless puts (strike 1), valid where `distance` lies above the boundary.

    Kim (Review of Financial Studies 3, 1990), integrated by Gauss-Legendre over the angle of `boundary`. Shape (n,), a
    share of the strike.
    """
    return _premium_and_slopes(puts, boundary, scheme, slopes=False)[0]


def _premium_and_slopes(
    puts: Puts, boundary: Floats, scheme: Scheme, slopes: bool = True
) -> tuple[Floats, Floats, Floats]:
    """The premium and its first two derivatives with respect to `distance` (0 without `slopes`)."""
    angle, weight = angles(scheme.premium_angles)
    # The substitution takes the root singularities at both ends out of the integrand, so that few points do.
    time, weight = np.sin(angle) ** 2, 2 * np.sin(angle) * np.cos(angle) * weight
    at_time = sampled(puts, boundary, premium_weights(scheme))
    x, s, rate, dividend = (column[:, None] for column in puts)
    deviation = s * np.sin(angle)
    upper = (x - at_time + (rate - dividend) * time) / deviation + 0.5 * deviation
    lower = upper - deviation
    interest = weight * rate * np.exp(-rate * time)
    forgone = weight * dividend * np.exp(x - dividend * time)
    share = forgone * cumulative_normal(-upper)
    extra = (interest * cumulative_normal(-lower) - share).sum(axis=1)
    if not slopes:
        return extra, np.zeros_like(extra), np.zeros_like(extra)
    cash_edge, share_edge = interest * density(lower) / deviation, forgone * density(upper) / deviation
    first = share_edge - cash_edge - share
    second = cash_edge * lower / deviation - share_edge * upper / deviation + 2 * share_edge - share
    return extra, first.sum(axis=1), second.sum(axis=1)


def _with_premium(
    contracts: Contracts, volatility: Floats, without: Sensitivities, nearby: Nearby, scheme: Scheme
) -> tuple[Sensitivities, Bools]:
    """Greeks as if every option were held, and a mask of those that should be exercised at once instead."""
    c = contracts
    puts, scale = as_puts(c, volatility)
    extra, first, second = _premium_and_slopes(puts, nearby.here, scheme)

    def slope(bumped: Contracts, bumped_volatility: Floats, boundary: Floats, step: Floats | float) -> Floats:
        """Of the premium, in dollars."""
        moved, dollars = as_puts(bumped, bumped_volatility)
        return (dollars * premium(moved, boundary, scheme) - scale * extra) / step

    value = without.price + scale * extra
    delta = without.delta + np.where(c.is_put, scale * first, scale * (extra - first)) / c.spot
    gamma = without.gamma + scale * (second - first) / c.spot**2
    # The Black-Scholes equation holds while the option is held: theta is what is left of it.
    theta = c.rate * value - (c.rate - c.dividend_yield) * c.spot * delta - 0.5 * (volatility * c.spot) ** 2 * gamma
    vega = without.vega + slope(c, volatility * (1 + BUMP), nearby.livelier, volatility * BUMP) * ONE_POINT
    rho = without.rho + slope(c._replace(rate=c.rate + BUMP), volatility, nearby.dearer, BUMP) * ONE_POINT
    exercised = (puts.distance <= nearby.here[:, 0]) | (value <= c.intrinsic)
    gamma, vega = np.maximum(gamma, 0.0), np.maximum(vega, 0.0)  # they are, but for rounding
    return Sensitivities(value, delta, gamma, theta / DAYS_PER_YEAR, vega, rho), exercised
