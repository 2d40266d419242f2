"""The wheel's cycles for a person at a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wheel_assets.show.views.cycles_view import COLUMNS, NUMBERS, cycle_cells, remarks

if TYPE_CHECKING:
    from rich.console import Console


def show_cycles(document: Mapping[str, Any], console: Console) -> None:
    """Print the document of `wheel_assets.show.views.cycles_view.cycles_document`."""
    from rich.table import Table

    for said in remarks(document):
        console.print(f"! {said}", style="bold")
    if not document["cycles"]:
        return
    table = Table(box=None)
    for column in COLUMNS:
        table.add_column(column, justify="right" if column in NUMBERS else "left")
    for cells in cycle_cells(document):
        table.add_row(*cells)
    console.print(table)
    console.print(f"realised so far: ${document['profit']:,.2f}, fees taken off", style="bold")
