"""Cycles of all symbols, and their comparison with the account's positions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from wheel_assets.market.calendar import NEW_YORK
from wheel_assets.recommend.cycles.cycle import Cycle, Held, cycles_of, event_of

if TYPE_CHECKING:
    import pandas as pd

_NOTHING = 1e-9


@dataclass(frozen=True)
class Cycles:
    """Cycles of every symbol with options, oldest first, and by symbol the differences from the positions."""

    cycles: tuple[Cycle, ...] = ()
    differences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, symbol: str) -> list[Cycle]:
        """The cycles of one symbol, oldest first."""
        return [cycle for cycle in self.cycles if cycle.symbol == symbol]


def cycles(transactions: pd.DataFrame, positions: pd.DataFrame | None = None, today: date | None = None) -> Cycles:
    """Cycles from rows of `tables.TRANSACTIONS`, compared with rows of `tables.POSITIONS` where given.

    Contracts that expired before `today` (a day in New York) and are still held count as a difference; None: no check.
    """
    found: list[Cycle] = []
    differences: dict[str, tuple[str, ...]] = {}
    known = transactions[transactions["symbol"].notna() & (transactions["kind"] != "none")]
    day = known["executed_at"].dt.tz_localize("UTC").dt.tz_convert(NEW_YORK).dt.date
    known = known.assign(day=day)
    for symbol in sorted(known.loc[known["option_symbol"].notna(), "symbol"].unique()):
        rows = known[known["symbol"] == symbol]
        each, held = cycles_of(symbol, [event_of(row) for row in rows.itertuples()])
        found += each
        if wrong := tuple(_differences(symbol, held, rows, positions, today)):
            differences[symbol] = wrong
    return Cycles(tuple(found), differences)


def net_basis(history: Cycles) -> dict[str, float]:
    """Cost basis net of the cycle's premiums, dollars a share, by symbol; only of symbols without differences."""
    last = {cycle.symbol: cycle for cycle in history.cycles}
    return {
        symbol: round(cycle.net_basis, 4)
        for symbol, cycle in last.items()
        if cycle.net_basis is not None and symbol not in history.differences
    }


def _differences(
    symbol: str, held: Held, rows: pd.DataFrame, positions: pd.DataFrame | None, today: date | None
) -> Iterator[str]:
    """Gaps in the transactions of a symbol, and differences from its positions."""
    for row in rows[rows["quantity"].isna() & rows["option_symbol"].notna()].itertuples():
        if row.kind in ("expiration", "assignment", "exercise"):
            yield f"how many of {row.option_symbol!s} ended by {row.kind!s} on {row.day!s} is not known"
    if abs(held.awaited) > _NOTHING:
        yield f"an assignment or exercise moved {held.awaited:g} shares that no transaction books at the strike"
    if held.shares < -_NOTHING:
        yield f"{-held.shares:g} shares were sold that no transaction bought"
    for contract, quantity in held.contracts.items():
        if today and contract.expiration < today:
            yield f"{quantity:g} of {contract.osi} would be held, which expired on {contract.expiration}"
    if positions is not None:
        yield from _against(symbol, held, positions)


def _against(symbol: str, held: Held, positions: pd.DataFrame) -> Iterator[str]:
    """Differences between positions and transactions."""
    stock = positions[(positions["asset_type"] == "stock") & (positions["symbol"] == symbol)]
    options = positions[(positions["asset_type"] == "option") & (positions["underlying"] == symbol)]
    theirs = {symbol: float(stock["quantity"].sum())}
    theirs |= dict(zip(options["symbol"], options["quantity"].astype(float), strict=True))
    ours = {symbol: held.shares} | {contract.osi: quantity for contract, quantity in held.contracts.items()}
    for name in sorted(theirs.keys() | ours.keys()):
        there, here = theirs.get(name, 0.0), ours.get(name, 0.0)
        if abs(there - here) > 1e-6:
            yield f"the account holds {there:g} of {name}, the transactions come to {here:g}"
