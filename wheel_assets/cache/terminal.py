"""What the cache has to tell, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from wheel_assets.cache import stats_sheet

if TYPE_CHECKING:
    from rich.console import Console

NUMBERS = ("snapshots", "rows", "oldest", "newest", "age", "limit", "size", "hits")


def show_stats(document: Mapping[str, Any], monthly_usd: float, console: Console) -> None:
    """Print the document of `stats.stats`, and the month's budget."""
    console.print(_table(stats_sheet.TABLE_COLUMNS, stats_sheet.table_cells(document)))
    if document["keys"]:
        console.print("", _table(stats_sheet.KEY_COLUMNS, stats_sheet.key_cells(document)))
    console.print()
    for line in stats_sheet.summary(document, monthly_usd):
        console.print(line, highlight=False)
    console.print(document["path"], highlight=False, soft_wrap=True)


def show_removal(told: Mapping[str, Any], console: Console) -> None:
    """Print what a clean-up or clearing removed, or would remove."""
    would = "would go" if told.get("dry_run") else "gone"
    counts = ", ".join(f"{name} {count}" for name, count in told["snapshots"].items() if count) or "none"
    console.print(f"snapshots {would}: {counts} ({told['rows']} rows)", highlight=False)
    if "runs" in told:
        console.print(f"run records {would}: {told['runs']}", highlight=False)
    sizes = f"{told['db_size_mb_before']:.1f} MB -> {told['db_size_mb']:.1f} MB"
    console.print(f"file: {sizes}, {told['freed_mb']:.1f} MB freed", highlight=False)


def show_costs(rows: Sequence[Mapping[str, Any]], monthly_usd: float, console: Console) -> None:
    """Print the rows of `stats.costs`, and the month's budget."""
    table = Table("month", "source", "calls", "failed", "MB", "dollars", box=None)
    for row in rows:
        numbers = (row["calls"], row["failed"], f"{row['bytes'] / 1e6:.1f}", f"{row['cost_usd']:.2f}")
        table.add_row(row["month"], row["source"], *map(str, numbers))
    console.print(table if rows else "no API calls so far")
    console.print(f"budget: {monthly_usd:g} dollars a calendar month (UTC)", highlight=False)


def _table(columns: Iterable[str], rows: Iterable[stats_sheet.Cells]) -> Table:
    table = Table(box=None)
    for name in columns:
        table.add_column(name, justify="right" if name in NUMBERS else "left", no_wrap=name != "source")
    for row in rows:
        table.add_row(*row)
    return table
