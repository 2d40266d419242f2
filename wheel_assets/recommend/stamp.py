"""Provenance of every row of advice: portfolio value, data age, oldest input, sources, versions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from wheel_assets import tables
from wheel_assets.recommend.contracts_table import utc
from wheel_assets.recommend.suggestion import Suggestion, as_frame

if TYPE_CHECKING:
    import pandas as pd

RULES_VERSION = "wheel-rules-3"


@dataclass(frozen=True)
class Stamp:
    """The inputs of an answer and its as-of time."""

    option_chains: pd.DataFrame
    positions: pd.DataFrame
    greeks: pd.DataFrame
    predictions: pd.DataFrame
    now: datetime
    portfolio_value: float

    @property
    def _naive(self) -> datetime:
        return self.now.replace(tzinfo=None)

    def finished(self, suggestions: Sequence[Suggestion]) -> pd.DataFrame:
        """The rows as a frame of `tables.RECOMMENDATION`."""
        frame = as_frame(suggestions)
        oldest = [self._oldest(symbol) for symbol in frame["symbol"]]
        sources = [*self._sources(self.option_chains), *self._sources(self.positions)]
        models = sorted(self.predictions["model_version"].dropna().unique())
        frame = frame.assign(
            timestamp=self._naive,
            portfolio_value=self.portfolio_value,
            data_age_minutes=[minutes for minutes, _ in oldest],
            oldest_input=np.array([table for _, table in oldest], dtype=object),
            source="+".join(dict.fromkeys(sources)) or "none",
            model_version="+".join([*models, RULES_VERSION]),
        )
        return tables.RECOMMENDATION.conform(frame)

    def quotes_as_of(self, symbols: Sequence[str]) -> dict[str, datetime]:
        """The oldest quote of each symbol, aware UTC."""
        own = self.option_chains[self.option_chains["symbol"].isin(list(symbols))]
        return {
            str(symbol): utc(when.to_pydatetime())
            for symbol, when in own.groupby("symbol")["timestamp"].min().dropna().items()
        }

    @cached_property
    def _created(self) -> list[tuple[str, dict[Any, Any]]]:
        """Time at which each table's rows on a symbol were cached; positions count for every symbol."""
        market = {"option_chains": self.option_chains, "greeks": self.greeks, "predictions": self.predictions}
        return [(name, frame.groupby("symbol")["created_at"].min().to_dict()) for name, frame in market.items()]

    def _oldest(self, symbol: str) -> tuple[float, str | None]:
        """Age in minutes of the oldest input to a row on `symbol`, and the name of that input."""
        created: dict[str, Any] = {name: times[symbol] for name, times in self._created if symbol in times}
        if len(self.positions):
            created["positions"] = self.positions["created_at"].min()
        if not created:
            return math.nan, None
        name, when = min(created.items(), key=lambda entry: entry[1])
        return max(0.0, (self._naive - when) / timedelta(minutes=1)), name

    @staticmethod
    def _sources(frame: pd.DataFrame) -> list[str]:
        return sorted(frame["source"].dropna().unique())
