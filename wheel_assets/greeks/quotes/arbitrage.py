"""Quotes that contradict their neighbours: no prices between their bids and asks are free of arbitrage across strikes.

Within one series (expiration and right) prices are monotone in the strike, their slope is at most 1, and they are
convex (Merton, *Theory of rational option pricing*, Bell Journal of Economics 4, 1973, theorems 2 to 4, which hold for
American options too). A conflict is a pair or a triple of quotes between whose bids and asks no such prices exist. The
quote in the most conflicts of its series is left out first, until no conflict is left: a wrong quote contradicts many
others, a right one only the wrong one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from wheel_assets.market.arrays import Bools, Floats

Rows = NDArray[np.intp]

NEIGHBOURS = 6  # strikes to each side that a quote is compared with
SLACK = 0.05  # dollars a share: what rounding to a tick may add to a contradiction
UNBOUNDED = 1e12  # dollars a share: stands for a missing ask


def contradicted(is_put: Bools, strike: Floats, bid: Floats, ask: Floats, series: Rows) -> Bools:
    """Whether a quote has to be left out for the rest of its series to be free of conflicts, one element a quote.

    `series` numbers expiration and right from 0; `bid` and `ask` are dollars a share, NaN where there is none. A
    crossed quote is never in conflict.

    >>> strike, middle = np.array([28.0, 29.0, 30.0, 31.0, 32.0]), np.array([0.2, 0.3, 4.1, 0.6, 0.9])
    >>> series = np.zeros(5, dtype=int)
    >>> contradicted(np.ones(5, dtype=bool), strike, middle - 0.1, middle + 0.1, series).tolist()
    [False, False, True, False, False]
    """
    bid, ask = np.where(np.isnan(bid), 0.0, bid), np.where(np.isnan(ask), UNBOUNDED, ask)
    quoted = np.flatnonzero(bid <= ask)
    rising = np.where(is_put, strike, -strike)  # the option's value rises with it: puts by strike, calls against it
    order = quoted[np.lexsort((rising[quoted], series[quoted]))]
    if order.size < 2:
        return np.zeros(strike.shape, dtype=bool)
    conflicts = np.concatenate(list(_conflicts(rising[order], bid[order], ask[order], series[order])))
    out = np.zeros(strike.shape, dtype=bool)
    out[order] = _left_out(conflicts, series[order])
    return out


def _conflicts(strike: Floats, bid: Floats, ask: Floats, series: Rows) -> Iterator[Rows]:
    """Row numbers of each conflict, shape (n, 3), a pair's last one repeated; rows sorted by series and price."""
    rows = np.arange(strike.size)
    for step in range(1, min(NEIGHBOURS, rows.size - 1) + 1):
        low, high = rows[:-step], rows[step:]
        apart = strike[high] - strike[low]
        falls = bid[low] > ask[high] + SLACK
        too_steep = bid[high] - ask[low] > apart + SLACK
        pair = (series[low] == series[high]) & (falls | too_steep)
        yield np.column_stack([low, high, high])[pair]
        for inside in range(1, step):
            middle = rows[inside : rows.size - step + inside]
            # The middle one may cost no more than the mix of the outer two that pays at least as much.
            share = (strike[high] - strike[middle]) / np.where(apart > 0, apart, 1.0)
            bent = bid[middle] > share * ask[low] + (1 - share) * ask[high] + SLACK
            triple = (series[low] == series[high]) & bent
            yield np.column_stack([low, middle, high])[triple]


def _left_out(conflicts: Rows, series: Rows) -> Bools:
    """Rows to leave out so that no conflict is left: greedily, the one in the most conflicts of its series."""
    out = np.zeros(series.size, dtype=bool)
    while conflicts.size:
        pairs = conflicts[:, 1] == conflicts[:, 2]
        members = np.concatenate([conflicts[:, 0], conflicts[:, 2], conflicts[~pairs, 1]])
        # One of each series at a time, all series at once: leaving out a quote may clear the others.
        counts = np.bincount(members, minlength=series.size)
        worst = np.lexsort((-counts, series))
        worst = worst[np.unique(series[worst], return_index=True)[1]]
        out[worst[counts[worst] > 0]] = True
        conflicts = conflicts[~out[conflicts].any(axis=1)]
    return out
