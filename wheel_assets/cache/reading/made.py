"""What a step made, as snapshots to be and as metadata of its event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dagster as dg

from wheel_assets.cache.policy import WHOLE, Node, Snapshot, input_keys
from wheel_assets.cache.reading.pull import NOT_FETCHED, SNAPSHOTS_MADE
from wheel_assets.cache.store.store import Entry
from wheel_assets.rows import Rows
from wheel_assets.tables import SnapshotTable

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.cache.reading.request import Reads


def entries(table: SnapshotTable, rows: Rows, node: Node, reads: Reads | None, run_id: str) -> list[Entry]:
    """A snapshot to be for each key, with the notes that are about it."""
    frame = rows.frame
    by_key = {WHOLE: frame} if table.key is None else {str(key): part for key, part in frame.groupby(table.key)}
    return [
        replace(_entry(node, key, part, reads, run_id), notes=_about(key, rows.notes, by_key))
        for key, part in by_key.items()
    ]


def table_metadata(table: SnapshotTable) -> dict[str, Any]:
    """The standard metadata of a table, made from its declaration; nowhere else."""
    columns = [
        dg.TableColumn(c.name, c.type, c.description, dg.TableColumnConstraints(nullable=not c.required))
        for c in table.stored_columns
    ]
    return {
        "dagster/column_schema": dg.TableSchema(columns),
        "dagster/table_name": f"main.{table.name}",
    }


def event_metadata(table: SnapshotTable, rows: Rows, snapshots: Sequence[Snapshot]) -> dict[str, Any]:
    """What the event of a materialization tells."""
    told_of: dict[str, dict[str, str] | list[str]] = {
        NOT_FETCHED: dict(rows.not_fetched),
        "notes": list(rows.notes),
    }
    as_of = max(snapshot.timestamp for snapshot in snapshots)
    return {
        **table_metadata(table),
        "dagster/row_count": len(rows.frame),
        "as_of": as_of.isoformat(sep=" ", timespec="minutes") + " UTC",
        "source": ", ".join(sorted({snapshot.source for snapshot in snapshots})),
        SNAPSHOTS_MADE: dg.MetadataValue.json({s.key: s.snapshot_id for s in snapshots}),
        **{name: dg.MetadataValue.json(told) for name, told in told_of.items() if told},
    }


def _entry(node: Node, key: str, rows: pd.DataFrame, reads: Reads | None, run_id: str) -> Entry:
    """A snapshot to be, with the ids it was built from; rows that name no source take that of their inputs."""
    built_from: list[Snapshot] = []
    if reads is not None:
        read_by = replace(node, upstream=reads.request.asked)
        cache_keys = input_keys(read_by, key, reads.request.by_table)
        built_from = [reads.snapshots[cache_key] for cache_key in cache_keys if cache_key in reads.snapshots]
    sources = set(rows["source"]) if "source" in rows else {name for s in built_from for name in s.source.split("+")}
    return Entry(
        key, rows, "+".join(sorted(sources)), run_id, frozenset(s.snapshot_id for s in built_from), node.fingerprint
    )


def _about(key: str, notes: Iterable[str], keys: Iterable[str]) -> tuple[str, ...]:
    """The notes but for those about another key."""
    others = tuple(f"{other}: " for other in keys if other != key)
    return tuple(note for note in notes if not note.startswith(others))
