"""One row of advice, and rows of advice as a frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

NAN = math.nan
IN_CENTS = ("credit", "collateral", "max_loss")
NUMBERS = (
    *IN_CENTS,
    *(
        "strike",
        "limit_price",
        "limit_start",
        "limit_floor",
        "annualized_return",
        "prob_itm",
        "breakeven",
        "cvar_95",
        "objective",
        "expected_return",
        "implied_volatility",
        "realised_volatility",
    ),
)


class Urgency(IntEnum):
    """Order of the rows: protecting money first, then earning it, then what can wait."""

    UNCOVERED = 0
    IN_THE_MONEY = 1
    EXPIRING = 2
    TAKE_PROFIT = 3
    OPEN = 4
    HOLD = 5
    NOTHING = 6


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """One row of advice; the fields are columns of `tables.RECOMMENDATION`.

    Money is dollars for all contracts together: `credit` is after commission, positive when received; `max_loss` is the
    loss if the shares go to zero, less the credit. Prices are dollars a share; `limit_price` of a roll is the net
    credit of both legs. What does not apply or is unknown is None or NaN.
    """

    urgency: Urgency
    action: str
    symbol: str
    reason: str
    option_symbol: str | None = None
    expiration: date | None = None
    strike: float = NAN
    quantity: int | None = None
    limit_price: float = NAN
    limit_start: float = NAN
    limit_floor: float = NAN
    credit: float = NAN
    collateral: float = NAN
    annualized_return: float = NAN
    prob_itm: float = NAN
    breakeven: float = NAN
    max_loss: float = NAN
    cvar_95: float = NAN
    objective: float = NAN
    expected_return: float = NAN
    implied_volatility: float = NAN
    realised_volatility: float = NAN
    roll_to_option_symbol: str | None = None
    alternatives: str | None = None  # JSON, see `managing.choices`

    def with_alternatives(self, choices: str) -> Suggestion:
        """The suggestion with its choices (a JSON list)."""
        return replace(self, alternatives=choices)


def nothing(symbol: str, reason: str) -> Suggestion:
    """The `none` row of a symbol, with its reason."""
    return Suggestion(urgency=Urgency.NOTHING, action="none", symbol=symbol, reason=reason)


def ranked(suggestions: Sequence[Suggestion]) -> list[Suggestion]:
    """The suggestions by urgency, then objective, then name, so that their order does not depend on the input's."""

    def key(suggestion: Suggestion) -> tuple[int, float, str, str]:
        """Sort key of one suggestion."""
        objective = -suggestion.objective if math.isfinite(suggestion.objective) else 0.0
        return (suggestion.urgency, objective, suggestion.symbol, suggestion.option_symbol or "")

    return sorted(suggestions, key=key)


def as_frame(suggestions: Sequence[Suggestion]) -> pd.DataFrame:
    """The rows as a frame with their rank from 1; NaN where there is no finite number, and no negative zero."""
    import pandas as pd

    columns = {
        column.name: _values(suggestions, column.name) for column in fields(Suggestion) if column.name != "urgency"
    }
    columns["expiration"] = pd.to_datetime(columns["expiration"]).astype("datetime64[us]")
    columns["quantity"] = pd.array(columns["quantity"], dtype="Int64")
    return pd.DataFrame({"rank": range(1, len(suggestions) + 1), **columns})


def _values(suggestions: Sequence[Suggestion], name: str) -> Any:
    values = [getattr(suggestion, name) for suggestion in suggestions]
    if name not in NUMBERS:
        return values
    numbers = np.asarray(values, dtype="float64")
    # Money is whole cents, however many products it was added up from; -0.0 + 0.0 is 0.0.
    return np.round(np.where(np.isfinite(numbers), numbers, np.nan), 2 if name in IN_CENTS else 10) + 0.0
