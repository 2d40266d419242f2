"""What was archived or restored, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wheel_assets.market.calendar import NEW_YORK

if TYPE_CHECKING:
    from rich.console import Console

    from wheel_assets.cache.archive.backup import Backup
    from wheel_assets.cache.archive.restore import Restored


def show_backup(done: Backup, console: Console) -> None:
    """Print where the archive lies and what is in it."""
    console.print(f"archive  {done.place}", soft_wrap=True)
    console.print(f"rows     {counted(done.rows)}, {done.bytes / 1e6:.1f} MB")


def show_restored(done: Restored, console: Console) -> None:
    """Print what came back."""
    made = datetime.fromisoformat(done.created_at)
    local = (made if made.tzinfo else made.replace(tzinfo=UTC)).astimezone(NEW_YORK)
    console.print(f"archive of {local:%Y-%m-%d %H:%M} ET")
    console.print(f"snapshots restored: {counted(done.snapshots)}; {done.present} were here already")
    console.print(f"API calls restored: {done.api_calls}")


def counted(by_table: Mapping[str, int]) -> str:
    """Tables and their numbers in one line; those of nothing left out."""
    return ", ".join(f"{name} {count}" for name, count in by_table.items() if count) or "none"
