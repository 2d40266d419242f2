"""Room for new collateral in dollars: in all, for a symbol, for a group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wheel_assets.recommend.wording import dollars, percent

if TYPE_CHECKING:
    from wheel_assets.recommend.situation import Situation


@dataclass(frozen=True)
class Room:
    """Collateral that new puts may tie up, dollars, given the account as it stands.

    `cash` is free cash after the reserve and the cost of the advised closes; `run` is what the limits per run and per
    day leave.
    """

    situation: Situation
    cash: float
    run: float

    @property
    def total(self) -> float:
        """The lesser of cash and caps, at least 0."""
        return max(0.0, min(self.cash, self.run))

    def of_symbol(self, symbol: str) -> float:
        """Room for a symbol: up to its maximum share of the portfolio, or its weight."""
        return max(0.0, self._most(symbol) - self.situation.account.tied_up(symbol))

    def of_group(self, symbol: str) -> float:
        """Least room of the symbol's groups and correlated symbols; infinite without any."""
        return min((self.of(group) for group in self.groups(symbol)), default=math.inf)

    def of(self, members: Sequence[str]) -> float:
        """Room for a group with these members: up to the maximum share of a group."""
        situation = self.situation
        most = situation.strategy.max_group_share * situation.account.portfolio_value
        return max(0.0, most - math.fsum(situation.account.tied_up(member) for member in members))

    def groups(self, symbol: str) -> list[tuple[str, ...]]:
        """The groups of a symbol: those that are set, and the symbols whose returns move with its own."""
        groups = [members for members in self.situation.strategy.groups.values() if symbol in members]
        least = self.situation.strategy.max_correlation
        pairs = self.situation.outlook.correlations.items() if least < 1 else ()
        peers = [other for (one, other), correlation in pairs if one == symbol and correlation >= least]
        return [*groups, (symbol, *sorted(peers))] if peers else groups

    def _most(self, symbol: str) -> float:
        strategy = self.situation.bounds.of(symbol)
        share = strategy.max_symbol_share if strategy.weight is None else strategy.weight
        return share * self.situation.account.portfolio_value


def room_of(situation: Situation, cost_of_closing: float) -> Room:
    """Room for new puts after `cost_of_closing` (dollars) and the cash reserve."""
    strategy, worth = situation.strategy, situation.account.portfolio_value
    cash = situation.account.free_cash - cost_of_closing - strategy.cash_reserve * worth
    today = strategy.max_new_collateral_day * worth - situation.opened_today
    return Room(situation, cash, max(0.0, min(strategy.max_new_collateral * worth, today)))


def breaches(situation: Situation) -> list[str]:
    """Notes about symbols that already exceed their maximum share of the portfolio."""
    account, said = situation.account, []
    for symbol in sorted({*account.shares, *(option.underlying for option in account.options)}):
        strategy, tied = situation.bounds.of(symbol), account.tied_up(symbol)
        share = strategy.max_symbol_share if strategy.weight is None else strategy.weight
        most = share * account.portfolio_value
        if most < tied < math.inf:
            said.append(
                f"{symbol} ties up {dollars(tied)}, {percent(tied / account.portfolio_value)} of the portfolio, more "
                f"than {percent(share)}; no put is added to it"
            )
    return said
