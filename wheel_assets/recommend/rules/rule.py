"""A rule: one limit on one number of a contract, with its explanation.

An unknown number breaks the rule, so that missing data costs one contract and nothing else. A limit that is not set
(None, or NaN in a column of limits) does not apply.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Flag, auto
from typing import TYPE_CHECKING

import numpy as np

from wheel_assets.recommend.wording import count

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.market.arrays import Bools, Floats
    from wheel_assets.recommend.bounds import Bounds


class Use(Flag):
    """The kinds of sale that a rule applies to."""

    OPEN = auto()
    ROLL = auto()
    BOTH = OPEN | ROLL


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule: `column` must be at least, or with `at_most` at most, a limit.

    The limit is `limit`, a number or the name of another column of the candidates; without it, the value of the
    strategy setting `setting`. `setting` is also the setting named to the user when a contract fails.
    """

    name: str
    column: str
    meaning: str  # of those that fail: "96 too far out of the money"
    label: str  # of the number: "|delta| 0.05, at least 0.10"
    limit: float | str | None = None
    setting: str = ""
    text: Callable[[float], str] = count
    at_most: bool = False
    absent: str = ""  # in place of the detail where the number is not known
    use: Use = Use.BOTH
    option_type: str = ""  # of one right only
    zero_is_off: bool = False  # a least of 0 asks for nothing, so that an unknown number passes

    def applies(self, use: Use, option_type: str) -> bool:
        """Whether the rule applies to a sale of this kind."""
        return bool(self.use & use) and self.option_type in ("", option_type)

    def values(self, table: pd.DataFrame) -> Floats:
        """The number of each contract."""
        return table[self.column].to_numpy(dtype="float64")

    def limits(self, table: pd.DataFrame, bounds: Bounds) -> Floats:
        """The limit of each contract, NaN where none is set."""
        if isinstance(self.limit, str):
            limits = table[self.limit].to_numpy(dtype="float64")
        elif self.limit is not None:
            limits = np.full(len(table), float(self.limit))
        else:
            limits = bounds.column(self.setting, table["symbol"])
        return np.where(limits == 0, np.nan, limits) if self.zero_is_off else limits

    def fails(self, values: Floats, limits: Floats) -> Bools:
        """Whether the limit is broken or the number unknown; rounding errors are tolerated."""
        kept = values <= limits + 1e-9 if self.at_most else values >= limits - 1e-9
        return ~(kept | np.isnan(limits))

    def detail(self, value: float, limit: float) -> str:
        """Text of the number and its limit."""
        if math.isnan(value):
            return self.absent or f"{self.label} unknown"
        return f"{self.label} {self.text(value)}, at {'most' if self.at_most else 'least'} {self.text(limit)}"
