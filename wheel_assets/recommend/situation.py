"""Everything that advice is computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from wheel_assets.recommend.bounds import Bounds
from wheel_assets.recommend.outlook import Outlook

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.recommend.account.state import Account
    from wheel_assets.strategy import StrategySettings


@dataclass(frozen=True)
class Situation:
    """The account, the quoted contracts, the trader's limits, the watchlist and its outlook.

    `contracts` is a `contracts_table` of the evaluated symbols; `not_evaluated` has the reason for each of the other
    `symbols`. `net_basis` is the cost of shares net of premiums, dollars a share, where known; `opened_today` the
    collateral of puts sold today already, dollars. `today` is the day in New York.
    """

    account: Account
    contracts: pd.DataFrame
    strategy: StrategySettings
    symbols: tuple[str, ...]
    not_evaluated: Mapping[str, str]
    today: date
    outlook: Outlook = field(default_factory=Outlook)
    net_basis: Mapping[str, float] = field(default_factory=dict)
    opened_today: float = 0.0

    @property
    def evaluated(self) -> list[str]:
        """The symbols of the watchlist with a chain."""
        return [symbol for symbol in self.symbols if symbol not in self.not_evaluated]

    @cached_property
    def bounds(self) -> Bounds:
        """The settings by symbol."""
        return Bounds(self.strategy)

    @cached_property
    def priced_events(self) -> Mapping[str, date]:
        """The first day of the next event that a symbol's options price, today where it has begun, by symbol."""
        import pandas as pd

        begins = pd.to_datetime(self.contracts["event_from"]).dropna()
        first = begins.groupby(self.contracts.loc[begins.index, "symbol"]).min()
        return {str(symbol): max(day.date(), self.today) for symbol, day in first.items()}
