"""A store entry: the rows of a new snapshot and its index fields, and how both are inserted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from wheel_assets.cache.policy import Snapshot
from wheel_assets.cache.upkeep.snapshot_index import content_hash_of
from wheel_assets.columns import SnapshotTable, identifier

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

BYTES_A_ROW, TEXT_PACKED = 25, 0.33  # measured: bytes a row of numbers, and the compressed share of text
LOGGED_BYTES = 8  # of a value in the write-ahead log, beside its text
_TEXT = ("VARCHAR", "JSON")


@dataclass(frozen=True)
class Entry:
    """The rows of one key to be stored as a snapshot, with their source, run, input ids and fingerprint."""

    key: str
    frame: pd.DataFrame
    source: str
    run_id: str | None = None
    inputs: frozenset[int] = frozenset()
    fingerprint: str = ""
    notes: tuple[str, ...] = ()


def insert(
    connection: DuckDBPyConnection,
    table: SnapshotTable,
    entry: Entry,
    rows_to_store_: pd.DataFrame,
    created_at: datetime,
) -> Snapshot:
    """Insert one snapshot and its index row; DuckDB finds the frame by the parameter's name, which no table has."""
    rows = rows_to_store_
    snapshot_id = connection.execute("SELECT nextval('snapshot_ids')").fetchall()[0][0]
    connection.execute(
        f"INSERT INTO {identifier(table.name)} BY NAME "
        "SELECT ?::BIGINT AS snapshot_id, *, ?::TIMESTAMP AS created_at FROM rows_to_store_",
        [snapshot_id, created_at],
    )
    # Hashed as stored, not from the frame: a later verification reads the same representation.
    content_hash = content_hash_of(connection, table.name, snapshot_id)
    timestamp = as_of(rows, created_at)
    connection.execute(
        # `recipe` is the column of the fingerprint: existing caches and archives have it under that name.
        "INSERT INTO snapshots BY NAME SELECT ? AS snapshot_id, ? AS table_name, ? AS key, ? AS timestamp, "
        "? AS created_at, ? AS last_used_at, 0 AS hits, ? AS rows, ? AS bytes, ? AS content_hash, "
        "? AS source, ? AS run_id, ?::BIGINT[] AS inputs, ? AS recipe, ?::VARCHAR[] AS notes",
        [snapshot_id, table.name, entry.key, timestamp, created_at, created_at, len(rows), packed(table, rows)]
        + [content_hash, entry.source, entry.run_id, sorted(entry.inputs), entry.fingerprint, list(entry.notes)],
    )
    where_from = (entry.source, entry.run_id, entry.inputs, entry.fingerprint, entry.notes)
    return Snapshot(snapshot_id, table.name, entry.key, timestamp, created_at, len(rows), *where_from)


def as_of(rows: pd.DataFrame, created_at: datetime) -> datetime:
    """The newest `timestamp` of the rows, naive UTC; `created_at` where they have none."""
    times = rows.get("timestamp")
    if times is None or times.dtype.kind != "M" or times.isna().all():
        return created_at
    newest: datetime = times.max().to_pydatetime(warn=False)
    return newest


def packed(table: SnapshotTable, rows: pd.DataFrame) -> int:
    """Estimated size of the rows in the file, bytes, from the first rows; weighs snapshots for eviction."""
    text = sum(len(rows[c.name].iloc[0] or "") for c in table.columns if c.type in _TEXT)
    return int(len(rows) * (BYTES_A_ROW + text * TEXT_PACKED))


def written(table: SnapshotTable, rows: pd.DataFrame) -> int:
    """Upper bound of what storing the rows writes, bytes: to the log unpacked, to the file packed but for the text."""
    text = sum(int(rows[c.name].str.len().sum()) for c in table.columns if c.type in _TEXT)
    return len(rows) * (len(table.columns) * LOGGED_BYTES + BYTES_A_ROW) + 2 * text
