"""Everything that is known when advice is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.recommend.account import Account
    from wheel_assets.settings import StrategySettings


@dataclass(frozen=True)
class Situation:
    """The account, the quoted contracts, the trader's bounds, the watchlist.

    `contracts` is a `contracts_table` of the evaluated symbols; `not_evaluated` says, for each of
    the other `symbols`, why.
    """

    account: Account
    contracts: pd.DataFrame
    strategy: StrategySettings
    symbols: tuple[str, ...]
    not_evaluated: Mapping[str, str]

    @property
    def evaluated(self) -> list[str]:
        """The symbols of the watchlist that there is a chain of."""
        return [symbol for symbol in self.symbols if symbol not in self.not_evaluated]
