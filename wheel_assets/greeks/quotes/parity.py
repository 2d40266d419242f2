"""Quotes that contradict put-call parity: a put and a call of one strike say another share price than all other pairs.

Whatever the shares are worth, of American options on them

    spot - paid - strike <= call - put <= spot - strike * discount

(Merton, Bell Journal of Economics 4, 1973; Hull, *Options, Futures, and Other Derivatives*, ch. 11), so that call less
put plus the discounted strike is the same at every strike but for the interest on it and for what is carried away (or
earned, where the yield is negative). The pairs nearest the money say what it is and, beside the quoted spot, how much
is carried: that may be half too little, for who may exercise before a dividend keeps up to half of it at the money.

A pair that no prices from bid to ask bring within is a conflict, and of the two the quote loses that is farther from
the line between its neighbours' mids. Where a quarter of an expiration's pairs are in conflict, all of it is of another
scale, or puts for calls.
"""

from __future__ import annotations

import numpy as np

from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.quotes.forward import Integers, Pairs, nearest_pairs
from wheel_assets.market.arrays import Bools, Floats

TELLING = 7  # pairs nearest the money that say what all others are compared with
LEAST_PAIRS = 5
SLACK, SLACK_OF_SPOT = 0.05, 5e-4  # dollars a share, and of the spot: ticks, and quotes of different seconds
CARRIED = 1.5  # times the distance of the quoted spot from what the pairs at the money say
WHOLE, LEAST_CONFLICTS = 0.25, 4


def contradicting_parity(contracts: Contracts, bid: Floats, ask: Floats, expiration: Integers) -> Bools:
    """Where a quote has to be left out; `bid` and `ask` are dollars a share, both NaN where there is no mid.

    `expiration` numbers the expirations from 0, whose contracts share spot, years and rate.
    """
    out = np.zeros(bid.shape, dtype=bool)
    mid = 0.5 * (bid + ask)
    pairs = nearest_pairs(contracts, ~np.isnan(mid) & (contracts.years > 0), expiration, bid.size)
    if not pairs.call.size:
        return out
    conflict = _conflicts(contracts, bid, ask, pairs)
    call, put = pairs.call[conflict], pairs.put[conflict]
    of_call, of_put = (_off_the_line(contracts, mid, expiration, rows) for rows in (call, put))
    out[call[~(of_call < of_put)]] = True
    out[put[~(of_put < of_call)]] = True
    count = np.bincount(pairs.expiration)
    conflicts = np.bincount(pairs.expiration, conflict)
    whole = (conflicts >= LEAST_CONFLICTS) & (conflicts >= WHOLE * count)
    return out | np.isin(expiration, np.flatnonzero(whole))


def _conflicts(contracts: Contracts, bid: Floats, ask: Floats, pairs: Pairs) -> Bools:
    """Which pairs are out of bounds whatever the prices from bid to ask."""
    call = contracts.rows(pairs.call)
    cash = call.strike * call.discount
    low, high = bid[pairs.call] - ask[pairs.put] + cash, ask[pairs.call] - bid[pairs.put] + cash
    # A median: one wrong quote among the nearest pairs must not shift what all others are compared with.
    said = _typical(0.5 * (low + high), np.abs(0.5 * (low + high) - cash), pairs)
    slack = SLACK + SLACK_OF_SPOT * call.spot
    apart = np.abs(call.strike - cash) + CARRIED * np.abs(said - call.spot) + slack
    return np.asarray((low > said + apart) | (high < said - apart))


def _typical(value: Floats, distance: Floats, pairs: Pairs) -> Floats:
    """The median value of each pair's expiration over the pairs at the least distance; NaN of few pairs."""
    order = np.lexsort((distance, pairs.expiration))
    group = pairs.expiration[order]
    begin, end = np.searchsorted(group, group), np.searchsorted(group, group, side="right")
    first = np.arange(group.size) - begin < TELLING
    typical = np.full(value.shape, np.nan)
    for number in np.unique(group[first & (end - begin >= LEAST_PAIRS)]):
        typical[pairs.expiration == number] = np.median(value[order[first & (group == number)]])
    return typical


def _off_the_line(contracts: Contracts, mid: Floats, expiration: Integers, rows: Integers) -> Floats:
    """How far each mid is from the line between its neighbours' of the same right; infinite without two of them."""
    series = 2 * expiration + contracts.is_put
    off = np.full(rows.shape, np.inf)
    for number, row in enumerate(rows):
        others = np.flatnonzero((series == series[row]) & ~np.isnan(mid) & (contracts.strike != contracts.strike[row]))
        strikes = contracts.strike[others]
        above, below = others[strikes > contracts.strike[row]], others[strikes < contracts.strike[row]]
        if above.size and below.size:
            ends = below[np.argmax(contracts.strike[below])], above[np.argmin(contracts.strike[above])]
            line = np.interp(contracts.strike[row], contracts.strike[list(ends)], mid[list(ends)])
            off[number] = abs(mid[row] - line)
    return off
