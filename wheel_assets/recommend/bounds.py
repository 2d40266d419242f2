"""The trader's limits by symbol, as columns of the contracts table."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.market.arrays import Floats
    from wheel_assets.strategy import StrategySettings


@dataclass(frozen=True)
class Bounds:
    """The strategy settings in force, with the overrides of single symbols."""

    strategy: StrategySettings

    def of(self, symbol: str) -> StrategySettings:
        """The settings of one symbol."""
        return self.strategy.of(symbol)

    def column(self, name: str, symbols: pd.Series) -> Floats:
        """The setting `name` for each row's symbol, shape (rows,), NaN where not set; looked up once per symbol."""
        import pandas as pd

        codes, distinct = pd.factorize(symbols)
        values = [as_number(getattr(self.of(str(symbol)), name)) for symbol in distinct]
        return np.array([*values, math.nan])[codes]


def as_number(value: Any) -> float:
    """A setting as a number; NaN where it is not set.

    >>> as_number(None), as_number(True), as_number(45)
    (nan, 1.0, 45.0)
    """
    return math.nan if value is None else float(value)


def by_symbol(contracts: pd.DataFrame, number: Callable[[str], float]) -> pd.Series:
    """`number` of each contract's symbol, computed once per symbol."""
    numbers = {symbol: number(symbol) for symbol in contracts["symbol"].unique()}
    return contracts["symbol"].map(numbers).astype("float64")
