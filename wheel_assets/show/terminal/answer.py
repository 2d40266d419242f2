"""The answer on a terminal, by rich: one screen of 100 columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from wheel_assets.show import answer_view

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table


def show(document: Mapping[str, Any], console: Console) -> None:
    """Print the document of `answer.answer_document`."""
    for renderable in as_renderables(document):
        console.print(renderable)


def as_renderables(document: Mapping[str, Any]) -> list[RenderableType]:
    """The parts of the answer from top to bottom; texts are never read as rich's markup."""
    from rich.text import Text

    parts: list[RenderableType] = []
    if answer_view.banner(document):
        parts.append(Text(answer_view.banner(document), style="bold black on yellow"))
    parts.append(Text(answer_view.headline(document), style="bold"))
    parts += [Text(f"! {line}", style="yellow") for line in answer_view.warnings(document)]
    rows = answer_view.advice_cells(document)
    parts.append(_table(answer_view.ADVICE_COLUMNS, rows) if rows else Text("Nothing to do now."))
    parts += _lines("Why", answer_view.reasons(document))
    parts += _lines("Not done", answer_view.not_done(document))
    parts += _lines("About the data", answer_view.notes(document))
    if document["inputs"]:
        parts.append(_table(answer_view.INPUT_COLUMNS, answer_view.input_cells(document)))
    return [*parts, Text(document["risk"], style="dim")]


def _lines(title: str, lines: Iterable[str]) -> list[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    texts: list[RenderableType] = [Padding(Text(line), (0, 0, 0, 2)) for line in lines]
    return [Text(title, style="bold"), *texts] if texts else []


def _table(columns: answer_view.Cells, rows: list[answer_view.Cells]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for name in columns:
        table.add_column(
            name,
            justify="right" if name in answer_view.NUMBERS else "left",
            no_wrap=name not in ("type into the broker", "key", "why"),
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
