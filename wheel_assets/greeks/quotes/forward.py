"""Dividend yields implied by put-call parity, one an expiration.

A put and a call of one strike fix the forward: call - put = discount * (forward - strike) (Hull, *Options, Futures,
and Other Derivatives*, 7th edition, equation 15.3). The pairs nearest the money are averaged with inverse-variance
weights: a pair twice as wide counts a quarter. Pairs need not agree to the cent: an unknown cash dividend changes the
early exercise of the in-the-money side in a way that a yield cannot, so pairs far from the money count less. Their
scatter decides whether the mean is used:

- fewer than `LEAST_PAIRS` pairs, most pairs off the mean by more than their own spreads, or a yield beyond
  `CREDIBLE_YIELD`: not credible; the yield is 0 and a note says so;
- otherwise the mean shrunk towards 0 by the share of its squared standard error in its square (James, Stein,
  *Estimation with quadratic loss*, Proceedings of the Fourth Berkeley Symposium 1, 1961). Without it, a cent of noise
  a day before expiration would be a yield of 10 %.

Parity holds for European options. From American quotes the early-exercise premium is subtracted first, at the
volatility of the pair's out-of-the-money side (a deep in-the-money quote is mostly spread and may have no volatility).
The premium depends on the yield sought, so both are iterated.

A spot price that lags the options would look like a yield too; `spot` checks for that first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wheel_assets.greeks import valuation
from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.dividends import Dividends
from wheel_assets.market.arrays import Bools, Floats

Integers = NDArray[np.intp]

PAIRS = 24
ROUNDS = 2
LEAST_PAIRS = 3
FARTHEST = 0.3  # of the spot (logarithm): beyond, the side in the money is all spread and early exercise
LEAST_DOUBT = 1e-4  # of the spot: smallest standard error of a pair, however narrow its quotes
MODEL_DOUBT = 0.02  # of the distance from the money: effect of a cash dividend on the in-the-money side
TOLERATED = 0.003  # of the spot: how far pairs may differ even when quoted to the cent
CREDIBLE_YIELD = 3.0  # decimal a year; borrow fees of 150 % are seen, beyond twice that bad data is likelier


class Pairs(NamedTuple):
    """Row numbers of the call and the put of one strike, and the number of their expiration; one element a pair."""

    call: Integers
    put: Integers
    expiration: Integers


class ImpliedYields(NamedTuple):
    """Yield of each expiration's mean forward, its standard error (both decimal a year) and whether it is credible."""

    dividend_yield: Floats
    error: Floats
    credible: Bools
    mean: Floats  # of the pairs, before shrinking and whether credible or not

    @property
    def shrunk(self) -> Floats:
        """The yield shrunk by its noise, decimal a year; 0 where it is within the noise, or not credible."""
        noise = np.divide(self.error, self.dividend_yield, out=np.ones_like(self.error), where=self.dividend_yield != 0)
        return np.where(self.credible, self.dividend_yield * np.maximum(1 - noise**2, 0.0), 0.0)


def nearest_pairs(contracts: Contracts, quoted: Bools, expiration: Integers, count: int = PAIRS) -> Pairs:
    """Pairs at the `count` strikes nearest the spot of each expiration where put and call are both `quoted`.

    `expiration` numbers the expirations from 0; contracts of one number share spot, years and rate.
    """
    rows = np.flatnonzero(quoted)
    order = rows[np.lexsort((contracts.is_put[rows], contracts.strike[rows], expiration[rows]))]
    call, put = order[:-1], order[1:]
    together = (expiration[call] == expiration[put]) & (contracts.strike[call] == contracts.strike[put])
    together &= ~contracts.is_put[call] & contracts.is_put[put]
    call, put = call[together], put[together]
    distance = np.abs(np.log(contracts.strike[call] / contracts.spot[call]))
    nearest = np.lexsort((distance, expiration[call]))
    nearest = nearest[distance[nearest] <= FARTHEST]
    call, put = call[nearest], put[nearest]
    group = expiration[call]
    rank = np.arange(group.size) - np.searchsorted(group, group)
    return Pairs(call[rank < count], put[rank < count], group[rank < count])


def chain_yields(
    contracts: Contracts,
    european_style: Bools,
    mid: Floats,
    spread: Floats,
    expiration: Integers,
    dividends: Dividends | None = None,
    rounds: int = ROUNDS,
) -> ImpliedYields:
    """The continuous yield of each expiration, shrunk; 0 where not credible. Units: `wheel_assets.greeks.units`.

    `mid` is NaN where there is no price; `spread` is ask less bid, dollars a share. For shares that pay cash
    `dividends` it is the yield on top of them.
    """
    pairs = nearest_pairs(contracts, ~np.isnan(mid), expiration)
    count = int(expiration.max(initial=-1)) + 1
    rows = np.concatenate([pairs.call, pairs.put])
    near, style, near_mid = contracts.rows(rows), european_style[rows], mid[rows]
    paid = (dividends or Dividends.none(mid.size)).rows(rows)
    escrowed = near._replace(spot=near.spot - paid.value(near.rate))
    half_spread = 0.5 * (spread[pairs.call] + spread[pairs.put])

    def freed(guess: ImpliedYields, volatility: Floats) -> ImpliedYields:
        """Yields after subtracting the early-exercise premium that the guess implies."""
        premium = _early_exercise_premium(_carried(near, guess, pairs.expiration), paid, style, volatility)
        return implied_yields(escrowed, near_mid - premium, half_spread, pairs.expiration, count)

    found = implied_yields(escrowed, near_mid, half_spread, pairs.expiration, count)
    # The premium depends on the yield and the yield on the premium: two plain steps show where the sequence ends.
    for _ in range(0 if style.all() else rounds):
        volatility = _out_of_the_money_volatility(_carried(near, found, pairs.expiration), paid, style, near_mid)
        second = freed(found, volatility)
        found = freed(_accelerated(found, second, freed(second, volatility)), volatility)
    return found._replace(dividend_yield=found.shrunk)


def _carried(near: Contracts, found: ImpliedYields, expiration: Integers) -> Contracts:
    """The pairs with the yields found so far, clipped to credible ones."""
    believed = np.clip(np.nan_to_num(found.dividend_yield), -CREDIBLE_YIELD, CREDIBLE_YIELD)
    return near._replace(dividend_yield=np.tile(believed[expiration], 2))


def _accelerated(first: ImpliedYields, second: ImpliedYields, third: ImpliedYields) -> ImpliedYields:
    """Aitken's extrapolation: the limit of a sequence whose steps shrink by a constant factor."""
    x, y, z = first.dividend_yield, second.dividend_yield, third.dividend_yield
    bend = z - 2 * y + x
    beyond = np.where(np.abs(bend) > 1e-12, (z - y) ** 2 / np.where(bend == 0, 1.0, bend), 0.0)
    return third._replace(dividend_yield=z - beyond)


def _out_of_the_money_volatility(pairs: Contracts, dividends: Dividends, european_style: Bools, mid: Floats) -> Floats:
    """The volatility of each pair's out-of-the-money side, repeated for both sides; NaN for European options."""
    half = mid.size // 2
    forward = pairs.forward - dividends.value(pairs.rate) / pairs.discount
    call_is_out = pairs.strike[:half] >= forward[:half]
    out = np.where(call_is_out, np.arange(half), np.arange(half) + half)
    prices = np.where(european_style, np.nan, mid)[out]
    return np.tile(valuation.american_volatility(pairs.rows(out), dividends.rows(out), prices), 2)


def _early_exercise_premium(
    pairs: Contracts, dividends: Dividends, european_style: Bools, volatility: Floats
) -> Floats:
    """Early-exercise premium in each price, dollars a share; all calls, then in the same order all puts.

    NaN where exercising at once is optimal: such a price says nothing about the forward.
    """
    premium = valuation.early_exercise_premium(pairs, dividends, volatility)
    return np.where(european_style, 0.0, premium)


def implied_yields(
    pairs: Contracts, prices: Floats, half_spread: Floats, expiration: Integers, expirations: int
) -> ImpliedYields:
    """The yield of each expiration by European put-call parity; NaN where there is no pair.

    `pairs` and `prices` hold all calls and then, in the same order, all puts; `half_spread` (of call and put
    together, dollars a share) and `expiration` have one element a pair. Pairs without a price are left out.
    """
    half = expiration.size
    used = ~np.isnan(prices[:half] - prices[half:])
    call, expiration = pairs.rows(slice(half)).rows(used), expiration[used]
    number = np.bincount(expiration, minlength=expirations)
    forward = call.strike + (prices[:half] - prices[half:])[used] / call.discount
    quoted = np.maximum(half_spread[used] / call.discount, LEAST_DOUBT * call.spot)
    # Both errors are independent, so their squares add.
    doubt = np.hypot(quoted, MODEL_DOUBT * np.abs(call.strike - call.spot))
    total = np.bincount(expiration, doubt**-2, expirations)

    def mean(values: Floats) -> Floats:
        """Weighted mean of the pairs of each expiration."""
        return np.bincount(expiration, values / doubt**2, expirations) / total

    with np.errstate(divide="ignore", invalid="ignore"):
        agreed, years = mean(forward), mean(call.years)
        dividend_yield = -np.log(agreed / mean(call.spot / call.discount)) / years
        scatter = mean((forward - agreed[expiration]) ** 2) / np.maximum(number - 1, 1)
        error = np.sqrt(scatter) / agreed / years
    tolerated = np.maximum(doubt, TOLERATED * call.spot)
    contradicting = np.bincount(expiration, np.abs(forward - agreed[expiration]) > tolerated, expirations)
    credible = (number >= LEAST_PAIRS) & (2 * contradicting <= number) & (np.abs(dividend_yield) <= CREDIBLE_YIELD)
    return ImpliedYields(dividend_yield, error, credible, dividend_yield)
