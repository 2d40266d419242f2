"""A scan for a person at a terminal: the best put of each symbol, and which symbols were not evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text

from wheel_assets.show.answer_view import banner
from wheel_assets.show.terminal.answer import table
from wheel_assets.show.terminal.console import unbroken
from wheel_assets.show.views.scan_view import COLUMNS, scan_cells

if TYPE_CHECKING:
    from rich.console import Console


def show_scan(document: Mapping[str, Any], top: int, console: Console) -> None:
    """Print the first `top` lines of a scan's document, and what is missing."""
    ranking, missing = document["ranking"], document["not_evaluated"]
    if warning := banner(document):
        console.print(Text(warning, style="bold yellow"))
    console.print(f"{document['symbols']:,} symbols scanned, {len(ranking):,} with a put that breaks no rule", "")
    rows = table(COLUMNS, wrapped=("sell",))
    for cells in scan_cells(ranking[:top]):
        rows.add_row(*(Text(unbroken(cell)) for cell in cells))
    if ranking:
        console.print(rows, "")
    for symbol, why in missing.items():
        console.print(Text(f"! {symbol} not evaluated: {why}", style="yellow"))
    cash = f"{document['cash']:,.0f}"
    console.print(
        f"Each symbol as if ${cash} in cash were all you have (WHEEL_PORTFOLIO_VALUE); "
        "`wheel recommend --symbol SYMBOL` knows your account."
    )
