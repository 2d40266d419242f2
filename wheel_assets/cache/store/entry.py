"""A store entry: the rows of a new snapshot and its index fields."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from wheel_assets.columns import SnapshotTable

if TYPE_CHECKING:
    import pandas as pd

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
