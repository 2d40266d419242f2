"""What a migration did, for a person at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wheel_assets.show.terminal.archive import counted

if TYPE_CHECKING:
    from rich.console import Console

    from wheel_assets.migrate.migration import Migration


def show_migration(done: Migration, console: Console) -> None:
    """Print what was taken, or would be, and every row that was not, with its reason."""
    for refusal in done.refused:
        console.print(f"not taken: {refusal.where}: {refusal.reason}", soft_wrap=True)
    for table, columns in done.left_out.items():
        console.print(f"left out: columns {', '.join(columns)} of {table}")
    new = sum(done.snapshots.values()) - done.present
    verb = "would be taken" if done.dry_run else "were taken"
    console.print(f"{done.kind} file with snapshots: {counted(done.snapshots)}")
    console.print(f"with rows: {counted(done.rows)}; rows not taken: {len(done.refused)}")
    console.print(f"{new} snapshots {verb}; {done.present} are here already")
    if done.expiring:
        console.print(
            f"{done.expiring} snapshots are older than WHEEL_CACHE__TTL_DAYS and go with the next clean-up; "
            "raise it to keep them",
            highlight=False,
        )
