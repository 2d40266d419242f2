"""Candidates for a person at a terminal: why each contract is advised or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text

from wheel_assets.show.terminal.answer import table
from wheel_assets.show.terminal.console import unbroken
from wheel_assets.show.views.candidates_view import COLUMNS, candidate_cells, summary_lines

if TYPE_CHECKING:
    from rich.console import Console


def show_candidates(document: Mapping[str, Any], console: Console) -> None:
    """Print the document of `candidates_view.explain_document`: a paragraph and a table for each symbol and right."""
    for side in document["sides"]:
        head, *more = summary_lines(side)
        console.print(Text(unbroken(head), style="bold"))
        for line in more:
            console.print(Text(unbroken(line), style="yellow"))
        rows = table(COLUMNS, wrapped=("contract", "fails"))
        for cells in candidate_cells(side):
            rows.add_row(*(Text(unbroken(cell)) for cell in cells))
        console.print(rows, "")
    if not document["sides"]:
        console.print("No contract could be looked at; `wheel recommend` says why.")
