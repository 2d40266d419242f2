"""What carrying the underlying yields, read off the chain by put-call parity, expiration by expiration.

A put and a call of one strike fix the forward: call - put = discount * (forward - strike). The pairs
nearest the money have the tightest quotes and the least early-exercise value. Every pair bounds the
forward by its bids and asks too, and how far the pairs differ tells what their mean is worth:

- fewer than `LEAST_PAIRS`, most pairs contradicting the mean beyond their own quotes, or a yield beyond
  `CREDIBLE_YIELD`: not credible, the yield is 0 and the expiration is labelled;
- the mean is within `STANDARD_ERRORS` of the forward without yield: the chain cannot tell the yield
  from 0, so it is 0 (a day before expiration a cent of noise would be a yield of 10 %);
- otherwise the yield of the mean, each pair weighted by how narrow its quotes are.

Parity holds for European options. American quotes are first brought to what a European option of the same
volatility is worth, which takes the yield that is sought; so it is found in rounds.

A spot price that lags the options shows up as a yield too: it puts right the forward, which is what counts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wheel_assets.greeks import european
from wheel_assets.greeks.contracts import Bools, Contracts, Floats
from wheel_assets.greeks.implied import american_volatility

Integers = NDArray[np.intp]

PAIRS = 6
LEAST_PAIRS = 3
STANDARD_ERRORS = 2.5  # 95 % of Student's t with six pairs
LEAST_DOUBT = 1e-4  # of the spot, whatever the quotes say
CREDIBLE_YIELD = 1.0  # borrow fees of 100 % a year exist; beyond it a stale spot is the likelier reason


class Pairs(NamedTuple):
    """Row numbers of the call and the put of one strike, and the expiration they belong to."""

    call: Integers
    put: Integers
    expiration: Integers


class ImpliedYields(NamedTuple):
    """One element an expiration: the yield of the pairs' mean forward, and what may be said about it."""

    dividend_yield: Floats
    credible: Bools
    told_from_zero: Bools


def nearest_pairs(contracts: Contracts, quoted: Bools, expiration: Integers, count: int = PAIRS) -> Pairs:
    """The `count` strikes nearest the spot, of each expiration, at which put and call are both quoted.

    `expiration` numbers the expirations from 0; contracts of one number share spot, years and rate.
    """
    rows = np.flatnonzero(quoted)
    order = rows[np.lexsort((contracts.is_put[rows], contracts.strike[rows], expiration[rows]))]
    call, put = order[:-1], order[1:]
    together = (expiration[call] == expiration[put]) & (contracts.strike[call] == contracts.strike[put])
    together &= ~contracts.is_put[call] & contracts.is_put[put]
    call, put = call[together], put[together]
    nearest = np.lexsort((np.abs(np.log(contracts.strike[call] / contracts.spot[call])), expiration[call]))
    call, put = call[nearest], put[nearest]
    group = expiration[call]
    rank = np.arange(group.size) - np.searchsorted(group, group)
    return Pairs(call[rank < count], put[rank < count], group[rank < count])


def chain_yields(
    contracts: Contracts, european_style: Bools, mid: Floats, spread: Floats, expiration: Integers
) -> ImpliedYields:
    """The continuous yield of each expiration, 0 where not credible. Units: `wheel_assets.greeks.units`.

    `mid` is NaN where there is no price; `spread` is ask less bid, dollars a share.
    """
    pairs = nearest_pairs(contracts, ~np.isnan(mid), expiration)
    count = int(expiration.max(initial=-1)) + 1
    rows = np.concatenate([pairs.call, pairs.put])
    near, style, near_mid = contracts.rows(rows), european_style[rows], mid[rows]
    half_spread = 0.5 * (spread[pairs.call] + spread[pairs.put])

    def improved(yields: Floats) -> ImpliedYields:
        believed = np.tile(np.clip(np.nan_to_num(yields), -CREDIBLE_YIELD, CREDIBLE_YIELD)[pairs.expiration], 2)
        prices = _european_equivalents(near._replace(dividend_yield=believed), style, near_mid)
        return implied_yields(near, prices, half_spread, pairs.expiration, count)

    found = implied_yields(near, near_mid, half_spread, pairs.expiration, count)
    if not style.all():
        first = found.dividend_yield
        second = improved(first).dividend_yield
        found = improved(_accelerated(first, second, improved(second).dividend_yield))
    believable = found.credible & found.told_from_zero
    return found._replace(dividend_yield=np.where(believable, found.dividend_yield, 0.0))


def _accelerated(first: Floats, second: Floats, third: Floats) -> Floats:
    """The limit of a sequence whose steps shrink by a constant factor (Aitken)."""
    bend = third - 2 * second + first
    return third - np.where(np.abs(bend) > 1e-12, (third - second) ** 2 / np.where(bend == 0, 1.0, bend), 0.0)


def _european_equivalents(contracts: Contracts, european_style: Bools, mid: Floats) -> Floats:
    """What European options of the same volatility are worth; NaN where an American mid has no volatility."""
    volatility = american_volatility(contracts, np.where(european_style, np.nan, mid)).volatility
    return np.where(european_style, mid, european.price(contracts, volatility))


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
    doubt = np.maximum(half_spread[used] / call.discount, LEAST_DOUBT * call.spot)

    def mean(values: Floats) -> Floats:
        return np.bincount(expiration, values / doubt, expirations) / np.bincount(expiration, 1 / doubt, expirations)

    with np.errstate(divide="ignore", invalid="ignore"):
        agreed, carried = mean(forward), mean(call.spot / call.discount)
        dividend_yield = -np.log(agreed / carried) / mean(call.years)
        error = np.sqrt(mean((forward - agreed[expiration]) ** 2) / np.maximum(number - 1, 1))
    contradicting = np.bincount(expiration, np.abs(forward - agreed[expiration]) > doubt, expirations)
    credible = (number >= LEAST_PAIRS) & (2 * contradicting <= number) & (np.abs(dividend_yield) <= CREDIBLE_YIELD)
    return ImpliedYields(dividend_yield, credible, np.abs(agreed - carried) > STANDARD_ERRORS * error)
