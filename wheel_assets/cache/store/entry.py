"""A snapshot to be: its rows, and what the index will say of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from wheel_assets.columns import SnapshotTable

if TYPE_CHECKING:
    import pandas as pd

BYTES_A_ROW, TEXT_PACKED = 25, 0.33  # measured: of the numbers, and what compression leaves of text
_TEXT = ("VARCHAR", "JSON")


@dataclass(frozen=True)
class Entry:
    """A snapshot to be: the rows of one key, where they came from and what they were made of."""

    key: str
    frame: pd.DataFrame
    source: str
    run_id: str | None = None
    inputs: frozenset[int] = frozenset()
    fingerprint: str = ""
    notes: tuple[str, ...] = ()


def as_of(rows: pd.DataFrame, created_at: datetime) -> datetime:
    """The newest `timestamp` of the rows, naive UTC; when they were cached where they have none."""
    times = rows.get("timestamp")
    if times is None or times.dtype.kind != "M" or times.isna().all():
        return created_at
    newest: datetime = times.max().to_pydatetime(warn=False)
    return newest


def packed(table: SnapshotTable, rows: pd.DataFrame) -> int:
    """About how many bytes of the file the rows take, judged by the first: to weigh snapshots by."""
    text = sum(len(rows[c.name].iloc[0] or "") for c in table.columns if c.type in _TEXT)
    return int(len(rows) * (BYTES_A_ROW + text * TEXT_PACKED))


def unpacked(table: SnapshotTable, rows: pd.DataFrame) -> int:
    """How many bytes of the file the rows take at most, as if their text could not be compressed."""
    text = sum(int(rows[c.name].str.len().sum()) for c in table.columns if c.type in _TEXT)
    return len(rows) * BYTES_A_ROW + text
