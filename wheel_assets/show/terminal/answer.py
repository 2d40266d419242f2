"""The answer on a terminal: warnings and orders on one screen; with `verbose` everything else below."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from wheel_assets.show import answer_view
from wheel_assets.show.humanize import age
from wheel_assets.show.terminal.console import unbroken
from wheel_assets.show.views import account_view

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

BESIDE = 18  # columns that a reason needs to stand beside its order; "0.29 delta, 45 days" breaks once
STYLES = {"roll": "cyan", "close": "yellow", "open_csp": "green", "open_cc": "green"}
ALARMS = ("NOT COVERED", "NOT SECURED")
MORE = "advice only, nothing is ordered; more: -v, `wheel explain`"


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
    parts += [_warning(line) for line in document["warnings"]]
    parts.append(_orders(document, width) if answer_view.to_do(document) else Text("Nothing to do now."))
    parts += [Text(unbroken(answer_view.totals(document)))] if answer_view.totals(document) else []
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
    rows = answer_view.order_cells(document)
    *plain, _ = zip(*[answer_view.ORDER_COLUMNS, *rows], strict=True)
    widths = [max(len(line) for cell in column for line in cell.splitlines()) + 1 for column in plain]
    room = width - sum(widths)
    wide = room >= BESIDE
    columns = answer_view.ORDER_COLUMNS if wide else answer_view.ORDER_COLUMNS[:-1]
    grid = table(columns, wrapped=("why",) if wide else ("type into the broker",))
    for row, cells in zip(answer_view.to_do(document), rows, strict=True):
        rank, legs, limit, credit, assigned, why = cells
        style = STYLES.get(row["action"], "")
        money = Text(credit, style="red" if (row["credit"] or 0) < 0 else "")
        lines = legs.count("\n") + 1 if wide else 1
        reason = _fitting(why, room if wide else widths[1] + min(room, 0) - 1, lines)
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
    parts += _choices(document)
    parts += _lines("Not done", answer_view.not_done(document))
    parts += _exposure(document)
    parts += _lines("About the data", answer_view.notes(document))
    rows = answer_view.input_cells(document)
    return [*parts, table(answer_view.INPUT_COLUMNS, rows, wrapped=("key", "why"))] if rows else parts


def _choices(document: Mapping[str, Any]) -> list[RenderableType]:
    """A paragraph an open option: the four things that can be done with it, one line each."""
    lines: list[str] = []
    for position, *choices in account_view.choice_cells(document):
        lines.append(position)
        named = zip(account_view.CHOICE_COLUMNS[1:], choices, strict=True)
        lines += [f"  {name:<11}  {text}" for name, text in named if text]
    return _lines("Roll, hold, be assigned or close", lines)


def _exposure(document: Mapping[str, Any]) -> list[RenderableType]:
    rows = account_view.exposure_cells(document)
    if not rows:
        return []
    exposure = table(account_view.EXPOSURE_COLUMNS, rows, numbers=account_view.NUMBERS)
    missing = account_view.not_counted(document)
    title = Text("The account under stress", style="bold")
    return [title, Padding(exposure, (0, 0, 0, 2)), *([Text(f"  {missing}")] if missing else [])]


def _lines(title: str, lines: Iterable[str]) -> list[RenderableType]:
    texts: list[RenderableType] = [Padding(Text(unbroken(line)), (0, 0, 0, 2)) for line in lines]
    return [Text(title, style="bold"), *texts] if texts else []


def table(
    columns: Iterable[str],
    rows: Iterable[answer_view.Cells] = (),
    *,
    wrapped: Collection[str] = (),
    numbers: Collection[str] = answer_view.NUMBERS,
) -> Table:
    """A plain table, `numbers` to the right; only the columns named in `wrapped` may break their lines."""
    grid = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in columns:
        right = name in numbers
        grid.add_column(name, justify="right" if right else "left", no_wrap=name not in wrapped, header_style="bold")
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    return grid
