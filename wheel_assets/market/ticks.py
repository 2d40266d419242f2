"""Ticks: the steps in which option prices are quoted and limits are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from wheel_assets.market.arrays import Floats


def tick_size(bid: Floats, ask: Floats) -> Floats:
    """Tick size, dollars a share: 0.01 below $3, else 0.05 unless the quote shows that the class trades in cents.

    >>> tick_size(np.array([0.55, 3.10, 3.11]), np.array([0.60, 3.25, 3.25])).tolist()
    [0.01, 0.05, 0.01]
    """
    in_cents = (np.rint(bid * 100) % 5 != 0) | (np.rint(ask * 100) % 5 != 0)
    return np.where((bid + ask < 6) | in_cents, 0.01, 0.05)


def floor_to_tick(price: Floats, tick: Floats) -> Floats:
    """A price rounded down to a tick, dollars a share; a small term keeps 0.29 / 0.01 = 28.999… from losing a tick.

    >>> floor_to_tick(np.array([3.18]), np.array([0.05])).tolist()
    [3.15]
    """
    return np.round(np.floor(price / tick + 1e-6) * tick, 2)
