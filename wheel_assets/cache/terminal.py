"""What the cache has to tell, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table

from wheel_assets.tables import DATA_TABLES

if TYPE_CHECKING:
    from rich.console import Console

NAMES = [table.name for table in DATA_TABLES]


def show_stats(document: Mapping[str, Any], console: Console) -> None:
    """Print the document of `stats.stats`."""
    tables = Table("table", "snapshots", "rows", "oldest, days", "newest, minutes", box=None)
    for name in NAMES:
        told = [document[f"{name}_{what}"] for what in ("count", "rows", "oldest_days", "newest_minutes")]
        tables.add_row(name, *map(_cell, told))
    keys = Table("table", "key", "state", "age, minutes", "limit", "rows", "source", "hits", "last used, UTC", box=None)
    for key in document["keys"]:
        told = [key[what] for what in ("state", "age_minutes", "max_age_minutes", "rows", "source", "hits")]
        keys.add_row(key["table"], key["key"], *map(_cell, told), key["last_used_at"][:16].replace("T", " "))
    console.print(tables)
    if document["keys"]:
        console.print("", keys)
    limit = f"of {document['limit_mb']:g} MB" if document["limit_mb"] else "without limit"
    rate = "" if document["hit_rate"] is None else f", {document['hit_rate']:.0%} of reads served from the cache"
    console.print(
        f"\nsize   {document['db_size_mb']:.1f} MB {limit}, {document['used_mb']:.1f} MB in use", highlight=False
    )
    console.print(f"hits   {document['hits']}, misses {document['misses']}{rate}", highlight=False)
    console.print(f"month  {document['api_calls']} API calls, {document['cost_usd']:.2f} dollars", highlight=False)
    console.print(f"file   {document['path']}", highlight=False, soft_wrap=True)


def show_removal(told: Mapping[str, Any], console: Console) -> None:
    """Print what a clean-up or clearing removed, or would remove."""
    would = "would go" if told.get("dry_run") else "gone"
    counts = ", ".join(f"{name} {count}" for name, count in told["snapshots"].items() if count) or "none"
    console.print(f"snapshots {would}: {counts} ({told['rows']} rows)", highlight=False)
    if "runs" in told:
        console.print(f"run records {would}: {told['runs']}", highlight=False)
    sizes = f"{told['db_size_mb_before']:.1f} MB -> {told['db_size_mb']:.1f} MB"
    console.print(f"file: {sizes}, {told['freed_mb']:.1f} MB freed", highlight=False)


def show_costs(document: Mapping[str, Any], console: Console) -> None:
    """Print the document of `costs.costs`: this month against the plan, the budget, then every month."""
    plan = Table(f"{document['month']} (UTC)", "calls", "saved by hits", "plan $", "spent $", "saved $", box=None)
    for row in document["plan"]:
        dollars = [f"{row[name]:.2f}" for name in ("planned_usd", "cost_usd", "saved_usd")]
        plan.add_row(row["component"], str(row["calls"]), f"{row['calls_saved']:.0f}", *dollars)
    console.print(plan)
    reserved = f", {document['reserved_usd']:.2f} of it reserved" if document["reserved_usd"] else ""
    spent = f"{document['spent_usd']:.2f} spent{reserved}, {document['left_usd']:.2f} left"
    console.print(f"\nbudget: {document['budget_usd']:g} dollars a calendar month (UTC), {spent}\n", highlight=False)
    months = Table("month", "source", "calls", "failed", "MB", "dollars", "hits", "calls saved", "$ saved", box=None)
    for row in document["months"]:
        counts = (row["calls"], row["failed"], f"{row['bytes'] / 1e6:.1f}", f"{row['cost_usd']:.2f}", row["hits"])
        saved = (f"{row['calls_saved']:.0f}", f"{row['saved_usd']:.2f}")
        months.add_row(row["month"], row["source"], *map(str, counts), *saved)
    console.print(months if document["months"] else "no API calls so far")


def _cell(value: Any) -> str:
    return "" if value is None else str(value)
