"""Allocation of the room for new collateral among the best puts."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.recommend.portfolio.room import Room


@dataclass
class Allocation:
    """Chosen contracts by symbol, and the room they leave."""

    room: Room
    chosen: dict[str, Any] = field(default_factory=dict)  # candidate rows as named tuples
    quantities: dict[str, int] = field(default_factory=dict)

    @property
    def spent(self) -> float:
        """Collateral of all chosen contracts, dollars."""
        return math.fsum(self.of(symbol) for symbol in self.chosen)

    def of(self, symbol: str) -> float:
        """Collateral of the contracts chosen on a symbol, dollars."""
        return self.chosen[symbol].collateral * self.quantities[symbol] if symbol in self.chosen else 0.0

    def group_room(self, symbol: str) -> float:
        """Room left for the groups of a symbol, dollars, after the choices for their members."""
        rooms = (self.room.of(group) - sum(self.of(member) for member in group) for group in self.room.groups(symbol))
        return max(0.0, min(rooms, default=math.inf))

    def left(self, contract: Any) -> float:
        """Room for a contract, dollars, in addition to what is chosen on its symbol."""
        own: float = contract.room - self.of(contract.symbol)
        return max(0.0, min(self.room.total - self.spent, own, self.group_room(contract.symbol)))

    def put(self, contract: Any, quantity: int) -> None:
        """Choose a quantity of one contract, replacing the earlier choice on its symbol."""
        self.chosen[contract.symbol], self.quantities[contract.symbol] = contract, quantity


def allocated(puts: pd.DataFrame, room: Room) -> Allocation:
    """Contracts of at most one put a symbol; `puts` are those that pass every rule, best of a symbol first.

    First every symbol that can be served gets one contract of its cheapest put, cheapest symbol first. Then, best
    objective first, it is exchanged for one of the best put that fits, and then made as many as fit. So more cash
    never takes the trade of a symbol away, and no symbol takes the cash that would open another.
    """
    allocation = Allocation(room)
    by_symbol: dict[str, list[Any]] = {}
    for contract in puts.itertuples():
        by_symbol.setdefault(str(contract.symbol), []).append(contract)
    cheapest = [min(own, key=lambda c: c.collateral) for own in by_symbol.values()]
    for contract in sorted(cheapest, key=lambda c: (c.collateral, c.symbol)):
        if _fits(contract, allocation.left(contract)):
            allocation.put(contract, 1)
    best_first = sorted(allocation.chosen, key=lambda symbol: (-by_symbol[symbol][0].objective, symbol))
    for symbol in best_first:
        freed = allocation.of(symbol)
        better = (c for c in by_symbol[symbol] if _fits(c, allocation.left(c) + freed))
        allocation.put(next(better, allocation.chosen[symbol]), 1)
    for symbol in best_first:
        contract = allocation.chosen[symbol]
        more = math.floor(allocation.left(contract) / contract.collateral + 1e-9)
        allocation.put(contract, 1 + more)
    return allocation


def _fits(contract: Any, dollars: float) -> bool:
    return bool(contract.collateral <= dollars + 1e-9)
