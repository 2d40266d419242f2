"""Implied volatility and Greeks of many contracts, each by its exercise style, block by block.

Blocks bound the memory and keep the arrays of the American formulas in the processor's cache, which
makes them faster. NumPy lets go of the interpreter while it computes, so that threads help.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wheel_assets.greeks import american, european
from wheel_assets.greeks.contracts import Contracts, Sensitivities
from wheel_assets.greeks.implied import american_volatility
from wheel_assets.market.arrays import Bools, Floats

BLOCK = 1024
FEW_BLOCKS = 4
THREADS = min(2, os.cpu_count() or 1)


class Task(NamedTuple):
    """A block of rows of one exercise style."""

    is_european: bool
    rows: NDArray[np.intp]


def valued(contracts: Contracts, european_style: Bools, prices: Floats) -> tuple[Floats, Sensitivities]:
    """Implied volatility of each price and the Greeks there; NaN where the price is NaN or has none."""
    out = np.full((1 + len(Sensitivities._fields), prices.size), np.nan)

    def value(task: Task) -> None:
        valued_block = _european if task.is_european else _american
        out[:, task.rows] = valued_block(contracts.rows(task.rows), prices[task.rows])

    tasks = _tasks(european_style, ~np.isnan(prices))
    if len(tasks) <= FEW_BLOCKS:
        list(map(value, tasks))
    else:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(value, tasks))
    return out[0], Sensitivities(*out[1:])


def _european(contracts: Contracts, prices: Floats) -> list[Floats]:
    """Volatility, price and Greeks."""
    volatility = european.implied_volatility(contracts, prices)
    return [volatility, *european.sensitivities(contracts, volatility)]


def _american(contracts: Contracts, prices: Floats) -> list[Floats]:
    """Volatility, price and Greeks."""
    volatility, boundary = american_volatility(contracts, prices)
    solved = ~np.isnan(volatility)
    found = american.sensitivities(contracts.rows(solved), volatility[solved], boundary=boundary[solved])
    out = [np.full(volatility.shape, np.nan) for _ in found]
    for column, values in zip(out, found, strict=True):
        column[solved] = values
    return [volatility, *out]


def _tasks(european_style: Bools, priced: Bools) -> list[Task]:
    """Which formulas to use on which rows, a block at a time."""
    return [
        Task(is_european, rows[first : first + block])
        for is_european, rows, block in (
            (True, np.flatnonzero(priced & european_style), 4 * BLOCK),
            (False, np.flatnonzero(priced & ~european_style), BLOCK),
        )
        for first in range(0, rows.size, block)
    ]
