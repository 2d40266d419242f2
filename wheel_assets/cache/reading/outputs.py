"""Output of a step as store entries and as metadata of its event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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

    from wheel_assets.cache.reading.step_reads import StepReads


def entries(
    by_key: Mapping[str, pd.DataFrame], notes: Sequence[str], node: Node, known: StepReads, run_id: str
) -> list[Entry]:
    """A store entry for each key or partition, with the notes about it."""
    return [
        replace(_entry(node, key, part, known, run_id), notes=_about(key, notes, by_key))
        for key, part in by_key.items()
    ]


def keyed(table: SnapshotTable, frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of each key of a table."""
    return {WHOLE: frame} if table.key is None else {str(key): part for key, part in frame.groupby(table.key)}


def table_metadata(table: SnapshotTable) -> dict[str, Any]:
    """The standard Dagster metadata of a table, from its declaration."""
    columns = [
        dg.TableColumn(c.name, c.type, c.description, dg.TableColumnConstraints(nullable=not c.required))
        for c in table.stored_columns
    ]
    return {
        "dagster/column_schema": dg.TableSchema(columns),
        "dagster/table_name": f"main.{table.name}",
    }


def event_metadata(table: SnapshotTable, rows: Rows, snapshots: Sequence[Snapshot]) -> dict[str, Any]:
    """Metadata of a materialization event."""
    details: dict[str, dict[str, str] | list[str]] = {
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
        **{name: dg.MetadataValue.json(value) for name, value in details.items() if value},
    }


def _entry(node: Node, key: str, rows: pd.DataFrame, known: StepReads, run_id: str) -> Entry:
    """A store entry with the ids of its inputs; rows without a source take that of their inputs."""
    built_from: list[Snapshot] = []
    if known.reads is not None:
        read_by = replace(node, upstream=known.reads.request.asked)
        there, cache_keys = known.reads.snapshots, input_keys(read_by, key, known.reads.request.by_table)
        built_from = [there[cache_key] for cache_key in cache_keys if cache_key in there]
    sources = set(rows["source"]) if "source" in rows else {name for s in built_from for name in s.source.split("+")}
    inputs = frozenset({s.snapshot_id for s in built_from} | known.inherited)
    return Entry(key, rows, "+".join(sorted(map(str, sources))), run_id, inputs, node.fingerprint or "")


def _about(key: str, notes: Iterable[str], keys: Iterable[str]) -> tuple[str, ...]:
    """The notes except those about another key."""
    others = tuple(f"{other}: " for other in keys if other != key)
    return tuple(note for note in notes if not note.startswith(others))
