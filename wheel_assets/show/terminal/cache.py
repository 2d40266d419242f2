"""The state of the cache on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from wheel_assets.show import cache_view
from wheel_assets.show.freshness import MARKS
from wheel_assets.show.terminal.console import unbroken

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

NUMBERS = ("snapshots", "rows", "oldest", "newest", "size", "hits")
WIDE = 100  # columns from which there is room for everything
SPARED = ("last used", "source")  # the columns that are left out below
STYLES = {MARKS[state]: style for state, style in (("fresh", "green"), ("due soon", "yellow"), ("stale", "red"))}


def show_stats(document: Mapping[str, Any], monthly_usd: float, now: datetime, console: Console) -> None:
    """Print the document of `stats.stats`, and the month's budget; `now` is naive UTC."""
    for line in cache_view.summary(document, monthly_usd, now):
        console.print(unbroken(line))
    if document["keys"]:
        columns = [name for name in cache_view.KEY_COLUMNS if name not in SPARED or console.width >= WIDE]
        rows = [dict(zip(cache_view.KEY_COLUMNS, row, strict=True)) for row in cache_view.key_cells(document, now)]
        console.print("", _table(columns, [tuple(row[name] for name in columns) for row in rows]))
        console.print("", _table(cache_view.TABLE_COLUMNS, cache_view.table_cells(document)))
    if empty := cache_view.empty_tables(document):
        console.print(f"\nnothing of {', '.join(empty)}")
    console.print(document["path"], soft_wrap=True)


def show_removal(removal: Mapping[str, Any], console: Console) -> None:
    """Print what a clean-up or clearing removed, or would remove."""
    would = "would go" if removal.get("dry_run") else "gone"
    counts = ", ".join(f"{name} {count}" for name, count in removal["snapshots"].items() if count) or "none"
    console.print(f"snapshots {would}: {counts} ({removal['rows']} rows)")
    if "runs" in removal:
        console.print(f"run records {would}: {removal['runs']}")
    sizes = f"{removal['db_size_mb_before']:.1f} MB -> {removal['db_size_mb']:.1f} MB"
    freed = "would be freed" if removal.get("dry_run") else "freed"
    console.print(f"file: {sizes}, {removal['freed_mb']:.1f} MB {freed}")


def show_costs(document: Mapping[str, Any], console: Console) -> None:
    """Print the document of `costs.costs`: this month against the plan, the budget, then every month."""
    plan = Table(document["month"], "calls", "saved by hits", "plan $", "spent $", "saved $", box=None)
    for row in document["plan"]:
        dollars = [f"{row[name]:.2f}" for name in ("planned_usd", "cost_usd", "saved_usd")]
        plan.add_row(row["component"], str(row["calls"]), f"{row['calls_saved']:.0f}", *dollars)
    console.print(plan)
    reserved = f", {document['reserved_usd']:.2f} of it reserved" if document["reserved_usd"] else ""
    spent = f"{document['spent_usd']:.2f} spent{reserved}, {document['left_usd']:.2f} left"
    console.print(f"\nbudget: {document['budget_usd']:g} dollars a calendar month (UTC), {spent}\n")
    months = Table("month", "source", "calls", "failed", "MB", "dollars", "hits", "calls saved", "$ saved", box=None)
    for row in document["months"]:
        counts = (row["calls"], row["failed"], f"{row['bytes'] / 1e6:.1f}", f"{row['cost_usd']:.2f}", row["hits"])
        saved = (f"{row['calls_saved']:.0f}", f"{row['saved_usd']:.2f}")
        months.add_row(row["month"], row["source"], *map(str, counts), *saved)
    console.print(months if document["months"] else "no API calls so far")


def _table(columns: Iterable[str], rows: Iterable[cache_view.Cells]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in columns:
        table.add_column(name, justify="right" if name in NUMBERS else "left", no_wrap=name != "source")
    for row in rows:
        table.add_row(*map(_coloured, row))
    return table


def _coloured(cell: str) -> Text:
    """A cell; a state has the colour of its mark in the mark's place."""
    mark, _, words = cell.partition(" ")
    return Text(words, style=STYLES[mark]) if mark in STYLES else Text(cell)
