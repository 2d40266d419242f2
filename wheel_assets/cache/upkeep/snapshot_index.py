"""The index of snapshots: row counts, content hashes and sizes, and whether stored rows match them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING

import duckdb

from wheel_assets.columns import identifier, literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROW_GROUP = 122_880  # rows of a DuckDB row group
HASH_SCHEME = f"duckdb-{duckdb.__version__}-by-name"


@dataclass(frozen=True)
class IndexRow:
    """The index fields of a snapshot that retention depends on."""

    snapshot_id: int
    table: str
    key: str
    rows: int
    bytes: int
    content_hash: str
    inputs: tuple[int, ...]
    created_at: datetime
    last_used_at: datetime

    def matches(self, found: tuple[int, str] | None) -> bool:
        """Whether the rows found (count and hash) are those that were stored; a hash of another scheme is not compared.

        See `content_hashes`.
        """
        if found is None or found[0] != self.rows:
            return False
        return not self.content_hash.startswith(f"{HASH_SCHEME}:") or self.content_hash == found[1]


def index_rows(connection: DuckDBPyConnection) -> list[IndexRow]:
    """The whole index, oldest first."""
    query = (
        "SELECT snapshot_id, table_name, key, rows, bytes, content_hash, inputs, created_at, last_used_at "
        "FROM snapshots ORDER BY snapshot_id"
    )
    return [
        IndexRow(snapshot_id, table, key, rows, size, content_hash, tuple(inputs), created_at, last_used_at)
        for snapshot_id, table, key, rows, size, content_hash, inputs, created_at, last_used_at in connection.execute(
            query
        ).fetchall()
    ]


class Footprint:
    """Bytes of snapshots in the file, as the index weighs them, and what a write rewrites.

    Every checkpoint rewrites the last, unfinished row group of a table, into free blocks or at the end of the file. Of
    numbers that is a few MB; of large documents it is all of them, and their file is twice as large as they are.
    """

    def __init__(self, lines: Iterable[IndexRow] = ()) -> None:
        self._bytes: Counter[str] = Counter()
        self._rows: Counter[str] = Counter()
        for line in lines:
            self._add(line.table, line.rows, line.bytes)

    @classmethod
    def of(cls, connection: DuckDBPyConnection) -> Footprint:
        """The footprint of all snapshots of the attached file."""
        footprint = cls()
        sums = "SELECT table_name, sum(rows)::BIGINT, sum(bytes)::BIGINT FROM snapshots GROUP BY ALL"
        for table, rows, size in connection.execute(sums).fetchall():
            footprint._add(table, rows, size)
        return footprint

    def remove(self, line: IndexRow) -> None:
        """Take one of the snapshots out."""
        self._add(line.table, -line.rows, -line.bytes)

    @property
    def bytes(self) -> int:
        """Bytes of all rows."""
        return self._bytes.total()

    @property
    def rewritten(self) -> float:
        """Bytes of the largest unfinished row group, at most."""
        return max((size * min(1, ROW_GROUP / max(1, self._rows[t])) for t, size in self._bytes.items()), default=0.0)

    def _add(self, table: str, rows: int, size: int) -> None:
        self._rows[table] += rows
        self._bytes[table] += size


def next_id(connection: DuckDBPyConnection, ids: Iterable[int] = ()) -> int:
    """The next unused id: ids are never reused, even after the cache was emptied."""
    query = (
        "SELECT coalesce(last_value, start_value - 1) FROM duckdb_sequences() "
        "WHERE database_name = 'cache' AND sequence_name = 'snapshot_ids'"
    )
    row = connection.execute(query).fetchone()
    return int(max([row[0] if row else 0, *ids])) + 1


def content_hashes(
    connection: DuckDBPyConnection, table: str, ids: Sequence[int] | None = None
) -> dict[int, tuple[int, str]]:
    """Row count and order-independent hash of the stored rows of each snapshot, or of those in `ids`.

    A row is hashed by the names and values of what is not NULL in it: neither the order of the columns
    nor a column that was added later changes the hash. DuckDB's own hash may change with its version,
    which therefore is part of the text.
    """
    if ids is not None and not ids:
        return {}
    names = [column[0] for column in connection.execute(f"SELECT * FROM {table} LIMIT 0").description or ()]
    row = reduce(lambda so_far, value: f"xor({so_far}, {value})", (_hash_of(name) for name in names))
    which = "" if ids is None else "WHERE snapshot_id BETWEEN ? AND ? AND snapshot_id IN (SELECT unnest(?::BIGINT[]))"
    query = f"SELECT snapshot_id, count(*), bit_xor(hash({row})) FROM {table} {which} GROUP BY snapshot_id"
    rows = connection.execute(query, [min(ids), max(ids), list(ids)] if ids else []).fetchall()
    return {given: (count, f"{HASH_SCHEME}:{value:016x}") for given, count, value in rows}


def content_hash_of(connection: DuckDBPyConnection, table: str, snapshot_id: int) -> str:
    """Order-independent hash of a snapshot's stored rows, with its scheme."""
    return content_hashes(connection, identifier(table), [snapshot_id])[snapshot_id][1]


def _hash_of(name: str) -> str:
    """The SQL of a column's part in the hash of a row."""
    column = identifier(name)
    return f"CASE WHEN {column} IS NULL THEN 0::UBIGINT ELSE hash({literal(name)}, {column}) END"
