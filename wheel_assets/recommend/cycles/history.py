"""All symbols' cycles, and whether what they leave over is what the account holds."""

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
    """Cycles of every symbol with options, oldest first, and by symbol what does not add up to the positions."""

    cycles: tuple[Cycle, ...] = ()
    differences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, symbol: str) -> list[Cycle]:
        """The cycles of one symbol, oldest first."""
        return [cycle for cycle in self.cycles if cycle.symbol == symbol]


def cycles(transactions: pd.DataFrame, positions: pd.DataFrame | None = None, today: date | None = None) -> Cycles:
    """The cycles that `tables.TRANSACTIONS` rows tell, compared with `tables.POSITIONS` rows where those are known.

    `today` is the day in New York after whose beginning no expired contract can be held; None: not looked at.
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
    """Dollars a share that held shares have cost, net of their cycle's premiums; only of symbols that add up."""
    last = {cycle.symbol: cycle for cycle in history.cycles}
    return {
        symbol: round(cycle.net_basis, 4)
        for symbol, cycle in last.items()
        if cycle.net_basis is not None and symbol not in history.differences
    }


def _differences(
    symbol: str, held: Held, rows: pd.DataFrame, positions: pd.DataFrame | None, today: date | None
) -> Iterator[str]:
    """What the transactions of a symbol leave unexplained."""
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
    """Where positions and transactions contradict each other."""
    stock = positions[(positions["asset_type"] == "stock") & (positions["symbol"] == symbol)]
    options = positions[(positions["asset_type"] == "option") & (positions["underlying"] == symbol)]
    theirs = {symbol: float(stock["quantity"].sum())}
    theirs |= dict(zip(options["symbol"], options["quantity"].astype(float), strict=True))
    ours = {symbol: held.shares} | {contract.osi: quantity for contract, quantity in held.contracts.items()}
    for name in sorted(theirs.keys() | ours.keys()):
        there, here = theirs.get(name, 0.0), ours.get(name, 0.0)
        if abs(there - here) > 1e-6:
            yield f"the account holds {there:g} of {name}, the transactions come to {here:g}"
