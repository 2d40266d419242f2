"""Exercise boundaries of many contracts at once, at any volatility: found at a few, interpolated between them.

All puts (or calls) of one expiration share rate and yield; their boundaries differ by the deviation alone, volatility
times the root of years, and smoothly so. They are found at `NODES` Chebyshev points of its logarithm and interpolated
between, as the squared distance from the latest boundary over the squared deviation, which is smooth. The search for a
volatility then interpolates a boundary at every step and never solves for one. Deviations are grouped in bands with
fixed edges, so that a contract's result does not depend on the other contracts valued with it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wheel_assets.greeks.boundary import (
    STANDARD,
    Puts,
    Scheme,
    as_puts,
    barycentric,
    chebyshev,
    drifting,
    log_boundary,
    squared_distance,
)
from wheel_assets.greeks.contracts import Contracts
from wheel_assets.market.arrays import Bools, Floats

NODES = 8
BAND = 2.0  # highest over lowest deviation within one band
DEPTH = 2.0  # highest deviation of a band over the lowest that it still covers below its own edge
STEPS = 6  # at least; the nodes are few, so that extra accuracy is cheap
BUMP = 1e-5  # of volatility (relative) and rate (absolute): slopes of the premium
BUMPED_STEPS = 2


class Nearby(NamedTuple):
    """Log boundaries of contracts at their volatility, at one higher by `BUMP`, and at a rate higher by `BUMP`.

    Shape (contracts, points) each. All three go on from one in the same way, so that their errors cancel.
    """

    here: Floats
    livelier: Floats
    dearer: Floats

    @classmethod
    def of(cls, contracts: Contracts, volatility: Floats, scheme: Scheme = STANDARD) -> Nearby:
        """Boundaries solved for each contract by itself."""
        puts, _ = as_puts(contracts, volatility)
        found = log_boundary(puts, scheme)
        onwards, by_value = scheme._replace(steps=BUMPED_STEPS), drifting(puts)
        livelier, dearer = volatility * (1 + BUMP), contracts._replace(rate=contracts.rate + BUMP)
        near = (puts, as_puts(contracts, livelier)[0], as_puts(dearer, volatility)[0])
        return cls(*(log_boundary(each, onwards, found, by_value) for each in near))

    @classmethod
    def unknown(cls, contracts: int, points: int) -> Nearby:
        """Boundaries not found yet: NaN."""
        return cls(*(np.full((contracts, points), np.nan) for _ in cls._fields))

    def rows(self, which: Bools | NDArray[np.intp]) -> Nearby:
        """Those of the chosen contracts."""
        return Nearby(*(each[which] for each in self))


class Boundaries(NamedTuple):
    """Boundaries of contracts at deviations from `lowest` up to those they were made for.

    `kind` numbers, for each contract, the rows of `shape` and of `shape_dearer` (at a rate higher by `BUMP`), both
    (kinds, nodes, points): the squared log distance from the latest boundary over the squared deviation.
    """

    kind: NDArray[np.intp]
    lowest: Floats
    shape: Floats
    shape_dearer: Floats

    @classmethod
    def of(cls, contracts: Contracts, highest: Floats, scheme: Scheme = STANDARD) -> Boundaries:
        """Boundaries of contracts at volatilities up to `highest` (decimal a year)."""
        # The bands have fixed edges, so that a contract's value does not depend on what it is valued together with.
        band = np.floor(np.log(highest * np.sqrt(contracts.years)) / np.log(BAND))
        kind, first = _kinds(contracts, band)
        lowest = BAND**band / DEPTH
        nodes = np.exp(np.log(lowest[first])[:, None] + np.log(BAND * DEPTH) * chebyshev(NODES))
        each = contracts.rows(np.repeat(first, NODES))
        volatility = nodes.ravel() / np.sqrt(each.years)
        puts, _ = as_puts(each, volatility)
        dearer, _ = as_puts(each._replace(rate=each.rate + BUMP), volatility)
        # The bumped boundary goes on from the other one, with the same system: their errors cancel in the difference.
        by_value, onwards = drifting(puts), scheme._replace(steps=BUMPED_STEPS)
        found = log_boundary(puts, scheme._replace(steps=max(STEPS, scheme.steps)), by_value=by_value)

        def shape_of(moved: Puts) -> Floats:
            """Squared distance of the boundary over the squared deviation, shape (groups, nodes, points)."""
            squared = squared_distance(moved, log_boundary(moved, onwards, found, by_value))
            shape: Floats = (squared / moved.deviation[:, None] ** 2).reshape(first.size, NODES, -1)
            return shape

        return cls(kind, lowest, shape_of(puts), shape_of(dearer))

    def rows(self, which: Bools | NDArray[np.intp]) -> Boundaries:
        """Those of the chosen contracts."""
        return self._replace(kind=self.kind[which], lowest=self.lowest[which])

    def at(self, puts: Puts) -> Floats:
        """Log boundaries of the contracts as puts with these deviations, shape (contracts, points)."""
        return self._at(puts, self.shape)

    def nearby(self, contracts: Contracts, volatility: Floats) -> Nearby:
        """The boundaries that the Greeks need at this volatility."""
        puts, _ = as_puts(contracts, volatility)
        livelier, _ = as_puts(contracts, volatility * (1 + BUMP))
        dearer, _ = as_puts(contracts._replace(rate=contracts.rate + BUMP), volatility)
        return Nearby(self.at(puts), self.at(livelier), self._at(dearer, self.shape_dearer))

    def _at(self, puts: Puts, shape: Floats) -> Floats:
        part = np.log(puts.deviation / self.lowest) / np.log(BAND * DEPTH)
        squared = np.einsum("ij,ijk->ik", barycentric(NODES, part), shape[self.kind])
        boundary: Floats = puts.latest[:, None] - puts.deviation[:, None] * np.sqrt(np.maximum(squared, 0.0))
        return boundary


def _kinds(contracts: Contracts, band: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Group number of each contract, and one contract of each group; a group differs in spot and strike only."""
    c = contracts
    columns = (c.is_put, c.years, c.rate, c.dividend_yield, band)
    # Faster than np.unique by rows, which sorts them as bytes.
    order = np.lexsort(columns)
    new = np.zeros(order.size, dtype=bool)
    new[:1] = True
    for column in columns:
        ordered = column[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    kind = np.empty(order.size, dtype=np.intp)
    kind[order] = np.cumsum(new) - 1
    return kind, order[new]
