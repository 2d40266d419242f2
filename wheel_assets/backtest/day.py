"""The quotes of one trading day and the other inputs known then."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from wheel_assets.market.calendar import new_york_day
from wheel_assets.recommend.advice import Inputs

if TYPE_CHECKING:
    import pandas as pd


class Quote(NamedTuple):
    """One contract: prices are dollars a share, NaN without a bid or ask; `delta` is signed, NaN if unknown."""

    option_symbol: str
    symbol: str
    option_type: str
    expiration: date
    strike: float
    multiplier: int
    bid: float
    ask: float
    delta: float = math.nan


@dataclass(frozen=True)
class Day:
    """The last chains of a day with their Greeks and predictions, frames of the stored columns; `now` is aware."""

    now: datetime
    option_chains: pd.DataFrame
    greeks: pd.DataFrame
    predictions: pd.DataFrame
    inputs: Inputs = field(default_factory=Inputs)

    @property
    def date(self) -> date:
        """The day in New York."""
        return new_york_day(self.now)

    @cached_property
    def spots(self) -> dict[str, float]:
        """Dollars a share by symbol."""
        known = self.option_chains[self.option_chains["spot_price"] > 0]
        return {str(symbol): float(spot) for symbol, spot in known.groupby("symbol")["spot_price"].last().items()}

    @cached_property
    def quotes(self) -> Mapping[str, Quote]:
        """Every readable contract by its OSI code."""
        deltas = dict(zip(self.greeks["option_symbol"], self.greeks["delta"].astype(float), strict=True))
        names = ("option_symbol", "symbol", "option_type", "expiration", "strike", "multiplier", "bid", "ask")
        rows = self.option_chains.dropna(subset=["expiration", "strike"])
        found = {}
        for code, symbol, right, expiration, strike, multiplier, bid, ask in zip(
            *(rows[name] for name in names), strict=True
        ):
            prices = (_price(bid), _price(ask), deltas.get(code, math.nan))
            found[code] = Quote(code, symbol, right, expiration.date(), float(strike), int(multiplier), *prices)
        return found


def _price(value: float | None) -> float:
    """Dollars a share; NaN where missing or not positive."""
    return float(value) if value == value and value is not None and value > 0 else math.nan
