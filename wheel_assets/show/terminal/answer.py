"""The answer on a terminal: warnings and orders on one screen; with `verbose` everything else below."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from wheel_assets.show import answer_view
from wheel_assets.show.terminal.console import unbroken
from wheel_assets.show.units import age

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

WIDE = 100  # columns from which the reason stands beside its order
STYLES = {"roll": "cyan", "close": "yellow", "open_csp": "green", "open_cc": "green"}
ALARMS = ("NOT COVERED", "NOT SECURED")
MORE = "advice only, nothing is ordered; more: -v, and `wheel explain`"


def show(document: Mapping[str, Any], console: Console, *, verbose: bool = False) -> None:
    """Print the document of `answer.answer_document`."""
    for renderable in as_renderables(document, console.width, verbose=verbose):
        console.print(renderable)


def as_renderables(document: Mapping[str, Any], width: int, *, verbose: bool = False) -> list[RenderableType]:
    """The parts of the answer from top to bottom; texts are never read as rich's markup."""
    parts: list[RenderableType] = []
    if answer_view.banner(document):
        parts.append(Text(answer_view.banner(document), style="bold black on yellow"))
    parts.append(Text(unbroken(answer_view.headline(document)), style="bold"))
    if document.get("from_cache"):
        parts.append(Text(f"from the cache, {age(document['age_minutes'])} old; --fresh asks anew", style="dim"))
    parts += [_warning(line) for line in answer_view.warnings(document)]
    parts.append(_orders(document, width) if answer_view.to_do(document) else Text("Nothing to do now."))
    parts += _listed("Hold", answer_view.to_hold(document))
    parts += _listed("Nothing to open on", answer_view.idle(document))
    if verbose:
        parts += _everything_else(document)
    counted = answer_view.inputs_line(document)
    last = document["risk"] if verbose else MORE
    return [*parts, Text(unbroken(" · ".join(filter(None, (counted, last)))), style="dim")]


def _warning(line: str) -> Text:
    alarming = line.startswith(ALARMS)
    return Text(unbroken(f"! {line}"), style="bold red" if alarming else "yellow")


def _orders(document: Mapping[str, Any], width: int) -> Table:
    """A row an order; its reason beside it where there is room, below it where there is not."""
    wide = width >= WIDE
    columns = answer_view.ORDER_COLUMNS if wide else answer_view.ORDER_COLUMNS[:-1]
    grid = table(columns, wrapped=("type into the broker", "why"))
    for row, cells in zip(answer_view.to_do(document), answer_view.order_cells(document), strict=True):
        rank, legs, limit, credit, assigned, why = cells
        style = STYLES.get(row["action"], "")
        money = Text(credit, style="red" if (row["credit"] or 0) < 0 else "")
        reason = _fitting(why, width - 75 if wide else width - 5, lines=legs.count("\n") + 1 if wide else 1)
        words = Text(legs, style=style) if wide else Text.assemble((legs, style), "\n", (reason, "dim"))
        grid.add_row(rank, words, limit, money, assigned, *([Text(reason, style="dim")] if wide else []))
    return grid


def _fitting(why: str, width: int, lines: int) -> str:
    """As many parts of a clause as fit into so many lines; at least its first."""
    kept = ""
    for part in why.split(", "):
        longer = f"{kept}, {part}" if kept else part
        if kept and len(longer) > width * lines:
            break
        kept = longer
    return unbroken(kept)


def _listed(title: str, entries: list[str]) -> list[RenderableType]:
    return [Text(f"{title}: {', '.join(map(unbroken, entries))}")] if entries else []


def _everything_else(document: Mapping[str, Any]) -> list[RenderableType]:
    parts = _lines("Why", answer_view.reasons(document))
    parts += _lines("Not done", answer_view.not_done(document))
    parts += _lines("About the data", answer_view.notes(document))
    rows = answer_view.input_cells(document)
    return [*parts, table(answer_view.INPUT_COLUMNS, rows, wrapped=("key", "why"))] if rows else parts


def _lines(title: str, lines: Iterable[str]) -> list[RenderableType]:
    texts: list[RenderableType] = [Padding(Text(unbroken(line)), (0, 0, 0, 2)) for line in lines]
    return [Text(title, style="bold"), *texts] if texts else []


def table(columns: Iterable[str], rows: Iterable[answer_view.Cells] = (), *, wrapped: Iterable[str] = ()) -> Table:
    """A plain table; only the columns named in `wrapped` may break their lines."""
    grid = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in columns:
        right = name in answer_view.NUMBERS
        grid.add_column(name, justify="right" if right else "left", no_wrap=name not in wrapped, header_style="bold")
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    return grid
