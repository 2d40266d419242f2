"""Implied volatility and Greeks of many contracts, each by its exercise style and dividends, block by block.

Blocks bound the memory and keep the arrays of the American formulas in the processor's cache, which
makes them faster. NumPy lets go of the interpreter while it computes, so that threads help.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wheel_assets.greeks import american, dividends, european, implied
from wheel_assets.greeks.contracts import Contracts, Sensitivities
from wheel_assets.greeks.dividends import Dividends
from wheel_assets.market.arrays import Bools, Floats

# 1,024 contracts with all their integration points fit a core's second-level cache. Few blocks run without threads:
# starting a pool costs more than it saves there.
BLOCK = 1024
FEW_BLOCKS = 4
THREADS = min(2, os.cpu_count() or 1)


class Task(NamedTuple):
    """A block of row numbers and the formulas that value them."""

    formulas: Callable[[Contracts, Dividends, Floats], list[Floats]]
    rows: NDArray[np.intp]


def valued(
    contracts: Contracts, european_style: Bools, prices: Floats, paid: Dividends | None = None
) -> tuple[Floats, Sensitivities]:
    """Implied volatility of each price (decimal a year) and the price and Greeks at it; NaN where there is none.

    `prices` are dollars a share, `paid` the cash dividends of the underlyings (default none); every array has shape
    (contracts,). Units and signs: `wheel_assets.greeks.units`.
    """
    out = np.full((1 + len(Sensitivities._fields), prices.size), np.nan)
    known = Dividends.none(prices.size) if paid is None else paid

    def value(task: Task) -> None:
        """Value the rows of one task."""
        out[:, task.rows] = task.formulas(contracts.rows(task.rows), known.rows(task.rows), prices[task.rows])

    tasks = _tasks(european_style, known.any, ~np.isnan(prices))
    if len(tasks) <= FEW_BLOCKS:
        list(map(value, tasks))
    else:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(value, tasks))
    return out[0], Sensitivities(*out[1:])


def american_volatility(contracts: Contracts, paid: Dividends, prices: Floats) -> Floats:
    """Implied volatility of American options, decimal a year, shape (n,); NaN where none gives the price."""
    volatility = np.full(prices.shape, np.nan)
    plain, paying = np.flatnonzero(~paid.any), np.flatnonzero(paid.any)
    volatility[plain] = implied.american_volatility(contracts.rows(plain), prices[plain]).volatility
    volatility[paying] = dividends.implied_volatility(contracts.rows(paying), paid.rows(paying), prices[paying])
    return volatility


def early_exercise_premium(contracts: Contracts, paid: Dividends, volatility: Floats) -> Floats:
    """Early-exercise premium, dollars a share, shape (n,); NaN where exercising at once is optimal."""
    held, without = np.full(volatility.shape, np.nan), np.full(volatility.shape, np.nan)
    for rows, with_dividends in ((np.flatnonzero(~paid.any), False), (np.flatnonzero(paid.any), True)):
        c, cash, sigma = contracts.rows(rows), paid.rows(rows), volatility[rows]
        held[rows] = dividends.price(c, cash, sigma) if with_dividends else american.price(c, sigma)
        without[rows] = european.price(dividends.as_european(c, cash) if with_dividends else c, sigma)
    return np.where(held > contracts.intrinsic, held - without, np.nan)


def _european(contracts: Contracts, paid: Dividends, prices: Floats) -> list[Floats]:
    """Volatility, price and Greeks."""
    contracts = dividends.as_european(contracts, paid)
    volatility = european.implied_volatility(contracts, prices)
    return [volatility, *european.sensitivities(contracts, volatility)]


def _american(contracts: Contracts, paid: Dividends, prices: Floats) -> list[Floats]:
    """Volatility, price and Greeks."""
    volatility, nearby = implied.american_volatility(contracts, prices)
    solved = ~np.isnan(volatility)
    found = american.sensitivities(contracts.rows(solved), volatility[solved], nearby=nearby.rows(solved))
    return [volatility, *_spread(found, solved)]


def _american_with_dividends(contracts: Contracts, paid: Dividends, prices: Floats) -> list[Floats]:
    """Volatility, price and Greeks."""
    volatility = dividends.implied_volatility(contracts, paid, prices)
    solved = ~np.isnan(volatility)
    found = dividends.sensitivities(contracts.rows(solved), paid.rows(solved), volatility[solved])
    return [volatility, *_spread(found, solved)]


def _spread(found: Sensitivities, rows: Bools) -> list[Floats]:
    """The columns spread over all rows, NaN where no volatility was found."""
    out = [np.full(rows.shape, np.nan) for _ in found]
    for column, values in zip(out, found, strict=True):
        column[rows] = values
    return out


def _tasks(european_style: Bools, paying: Bools, priced: Bools) -> list[Task]:
    """Blocks of rows with the formulas that their exercise style and dividends need."""
    kinds = (
        (_european, european_style, 4 * BLOCK),
        (_american, ~european_style & ~paying, BLOCK),
        (_american_with_dividends, ~european_style & paying, BLOCK),
    )
    return [
        Task(formulas, rows[first : first + block])
        for formulas, which, block in kinds
        for rows in [np.flatnonzero(priced & which)]
        for first in range(0, rows.size, block)
    ]
