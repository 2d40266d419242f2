"""Rows of a table with notes on them: what sources give, checks pass on and assets return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Rows:
    """The rows of one fetch or computation.

    `notes` say what was dropped or is unusual, each in one line that begins with the key it is about and
    a colon, or is about all keys. `not_fetched` gives, for each key that was asked for and has no rows, the
    reason.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    not_fetched: Mapping[str, str] = field(default_factory=dict)
