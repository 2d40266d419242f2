"""The next earnings in the life of a contract, from the events or else as the chain prices them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from wheel_assets.recommend.bounds import as_number, by_symbol
from wheel_assets.recommend.wording import day

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.recommend.bounds import Bounds
    from wheel_assets.recommend.situation import Situation


@dataclass(frozen=True)
class EarningsDate:
    """The next earnings of a symbol; `is_told` by a calendar, else read from the chain. `is_estimated` is its date."""

    date: date
    is_told: bool
    is_estimated: bool = False

    def __str__(self) -> str:
        """The event as the answer words it."""
        if not self.is_told:
            return f"an event about {day(self.date)}, as the chain prices it,"
        return f"earnings on {day(self.date)}{' (estimated)' if self.is_estimated else ''}"

    @property
    def before_the_end(self) -> str:
        """Phrase: the event falls before the option expires."""
        return f"{self} fall{'' if self.is_told else 's'} before it ends"


def next_event(situation: Situation, symbol: str) -> EarningsDate | None:
    """The next known earnings of a symbol, one that began before today included; None without any."""
    outlook = situation.outlook
    if symbol in outlook.earnings:
        return EarningsDate(outlook.earnings[symbol], True, symbol in outlook.estimated)
    priced = situation.priced_events.get(symbol)
    return EarningsDate(priced, False) if priced else None


def event_days(situation: Situation, contracts: pd.DataFrame) -> pd.Series:
    """Calendar days until the next event; infinite where none is announced for the `hold_days`, NaN where unknown."""
    import pandas as pd

    def days(symbol: str) -> float:
        """Days until the next event of a symbol; NaN where none is known."""
        event = next_event(situation, symbol)
        return (event.date - situation.today).days if event else np.nan

    symbols, today = contracts["symbol"], situation.today
    quiet = symbols.map({s: (until - today).days for s, until in situation.outlook.quiet_until.items()})
    silent = np.where(quiet.astype("float64") >= contracts["hold_days"], np.inf, np.nan)
    return by_symbol(contracts, days).fillna(pd.Series(silent, index=contracts.index))


def event_limits(own: pd.DataFrame, situation: Situation) -> None:
    """Add the columns `event_days` and `event_least` (least calendar days before it; NaN: events ignored)."""
    own["hold_days"] = hold_days(own, situation.bounds)
    own["event_days"] = event_days(situation, own)
    refused = by_symbol(own, lambda symbol: as_number(situation.bounds.of(symbol).events == "refuse")) == 1
    unknown = by_symbol(own, lambda symbol: as_number(situation.bounds.of(symbol).unknown_events == "refuse")) == 1
    matters = refused & (own["event_days"].notna() | unknown)
    own["event_least"] = (own["hold_days"] + 1).where(matters)


def hold_days(contracts: pd.DataFrame, bounds: Bounds) -> pd.Series:
    """Days from now to the managing day, or to expiration where that is nearer or never comes."""
    managed = bounds.column("roll_days", contracts["symbol"])
    return contracts["days"].where(contracts["days"] <= managed, contracts["days"] - managed)
