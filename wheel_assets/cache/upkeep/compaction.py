"""A new file that takes the place of the old one: the only way in which a DuckDB file gets smaller.

Neither DELETE nor CHECKPOINT nor VACUUM shrinks the file, and deleting scattered snapshots hardly frees
anything inside it. So what is to stay is copied beside the old file, verified by the row count and the
content hash of every snapshot, and renamed into its place. A kill leaves the old file or the new one.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from wheel_assets.cache.store import schema
from wheel_assets.cache.upkeep.progress import progress_bar
from wheel_assets.columns import identifier
from wheel_assets.errors import StoreDamaged
from wheel_assets.tables import SNAPSHOTS, Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SLICE_BYTES, SLICE_SNAPSHOTS = 4_000_000, 2_000  # copied at a time: bounds the memory and the wait of readers
_DAMAGE = ("not a valid DuckDB database file", "Could not read enough bytes", "Corrupt", "WAL file", "WAL does not")
_NO_DAMAGE = ("Permission denied", "No space left", "File too large", "Read-only")

HASH_SCHEME = f"duckdb-{duckdb.__version__}-by-name"

IN_ONE_GO_BYTES = 12_000_000  # slices leave gaps as large as a row group, which in a small file would be much

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Line:
    """What the index says of a snapshot, as far as keeping it depends on that."""

    snapshot_id: int
    table: str
    key: str
    rows: int
    bytes: int
    content_hash: str
    inputs: tuple[int, ...]
    created_at: datetime
    last_used_at: datetime


def is_damage(error: duckdb.Error) -> bool:
    """Whether DuckDB says that the file itself is broken, rather than the disk full or the query wrong."""
    text = str(error)
    return any(sign in text for sign in _DAMAGE) and not any(sign in text for sign in _NO_DAMAGE)


def with_log(path: Path) -> tuple[Path, Path]:
    """A database file and its write-ahead log."""
    return path, Path(f"{path}.wal")


@contextmanager
def replacement(
    connection: DuckDBPyConnection, path: Path, tables: Sequence[Table], first_id: int = 1
) -> Iterator[None]:
    """An empty file, attached as `new`; when the block ends well it is at `path`, else it is gone."""
    scratch = path.with_name(f"{path.name}.new")
    remove(scratch)
    try:
        connection.execute("ATTACH ? AS new", [str(scratch)])
        try:
            current = connection.execute("SELECT current_database()").fetchall()[0][0]
            schema.create(connection, "new", tables, first_id)
            connection.execute(f"USE {current}")
            yield
            connection.execute("CHECKPOINT new")
        finally:
            connection.execute("USE memory")
            connection.execute("DETACH new")
        if with_log(scratch)[1].exists():
            raise StoreDamaged(f"the new file {scratch} is not complete", "its log was not folded in", "run again")
        scratch.chmod(0o600)
        sync(scratch)
        os.replace(scratch, path)
        sync(path.parent)
    finally:
        remove(scratch)


def salvage(connection: DuckDBPyConnection, path: Path, tables: Sequence[Table]) -> list[int]:
    """Copy what can be read and verified of the broken database `cache` to a new file at `path`; the ids kept."""
    lines = _salvaged(connection)
    with (
        replacement(connection, path, tables, next_id(connection, lines)),
        progress_bar("mending the cache", sum(line.rows for line in lines)) as advance,
    ):
        schema.adopt(connection, "cache", "new")
        kept: list[int] = []
        for table in schema.data_tables(connection):
            for piece in slices([line for line in lines if line.table == table]):
                _copy(connection, table, piece, tolerant=True)
                kept += _verified(connection, table, piece, tolerant=True)
                advance(sum(line.rows for line in piece))
        _copy_lists(connection, sorted(kept), tolerant=True)
    _tell_lost(len(lines) - len(kept), len(lines))
    return kept


class Compaction:
    """A compact copy of the cache, made slice by slice beside it and put into its place at the end.

    The file is locked for one slice at a time. Snapshots never change, so what was copied stays true;
    what was stored or removed meanwhile is caught up with at the end. `attached` locks and attaches the
    cache on a connection that nothing else uses, `drop` are the ids to leave out.

    Only what is verified is kept: a snapshot whose rows are not those it was stored with is left out,
    with a warning. Raises StoreDamaged, changing nothing, where the copy differs from a good original.
    """

    def __init__(
        self, path: Path, tables: Sequence[Table], attached: Callable[[], AbstractContextManager[DuckDBPyConnection]]
    ) -> None:
        self.path, self.tables, self.attached = path, tables, attached
        self._scratch = path.with_name(f"{path.name}.compact")
        self._copied: dict[int, Line] = {}
        self._lost: set[int] = set()

    def run(self, drop: Collection[int]) -> list[int]:
        """Copy, replace, and return the ids that were kept."""
        remove(self._scratch)
        try:
            with self.attached() as connection:
                lines = [line for line in index_lines(connection) if line.snapshot_id not in drop]
                self._begin(connection, sum(line.bytes for line in lines) <= IN_ONE_GO_BYTES)
            with progress_bar("compacting the cache", sum(line.rows for line in lines)) as advance:
                for table in dict.fromkeys(line.table for line in lines):
                    for piece in slices([line for line in lines if line.table == table]):
                        with self.attached() as connection:
                            self._copy_piece(connection, table, piece)
                        connection.execute("CHECKPOINT new")  # not while the readers wait
                        advance(sum(line.rows for line in piece))
            connection.execute("CHECKPOINT new")
            sync(self._scratch)  # here, for the last step is to find little left to write
            with self.attached() as connection:
                self._finish(connection, drop)
        finally:
            remove(self._scratch)
        _tell_lost(len(self._lost), len(self._lost) + len(self._copied))
        return sorted(self._copied)

    def _begin(self, connection: DuckDBPyConnection, small: bool) -> None:
        """Make the empty copy. The log of a slice is small beside a large cache; of a small one none is written."""
        connection.execute("SET threads = 1")  # with more, the slices are stored with gaps between them
        connection.execute(f"SET wal_autocheckpoint = '{'1KB' if small else '1GB'}'")
        connection.execute("ATTACH ? AS new", [str(self._scratch)])
        schema.create(connection, "new", self.tables)
        connection.execute("USE cache")

    def _copy_piece(self, connection: DuckDBPyConnection, table: str, lines: Sequence[Line]) -> None:
        """Copy snapshots of one table, but for those that were removed meanwhile."""
        ids = [line.snapshot_id for line in lines]
        there = "SELECT snapshot_id FROM snapshots WHERE snapshot_id IN (SELECT unnest(?::BIGINT[]))"
        still = {row[0] for row in connection.execute(there, [ids]).fetchall()}
        lines = [line for line in lines if line.snapshot_id in still]
        if not lines:
            return
        schema.adopt(connection, "cache", "new")
        with schema.one_transaction(connection):
            _copy(connection, table, lines, tolerant=False)
            whole = set(_verified(connection, table, lines, tolerant=False))
        self._copied |= {line.snapshot_id: line for line in lines if line.snapshot_id in whole}
        self._lost |= still - whole

    def _finish(self, connection: DuckDBPyConnection, drop: Collection[int]) -> None:
        """Catch up with what happened meanwhile, and put the copy in the place of the cache."""
        connection.execute("CHECKPOINT cache")
        lines = index_lines(connection)
        done = self._copied.keys() | self._lost | set(drop)
        new = [line for line in lines if line.snapshot_id not in done]
        for table in dict.fromkeys(line.table for line in new):
            for piece in slices([line for line in new if line.table == table]):
                self._copy_piece(connection, table, piece)
        for gone in self._copied.keys() - {line.snapshot_id for line in lines}:
            table = self._copied.pop(gone).table
            connection.execute(f"DELETE FROM new.{identifier(table)} WHERE snapshot_id = ?", [gone])
        schema.adopt(connection, "cache", "new")
        with schema.one_transaction(connection):
            _copy_lists(connection, sorted(self._copied), tolerant=False)
            first = next_id(connection, lines)
            connection.execute(f"CREATE OR REPLACE SEQUENCE new.snapshot_ids START WITH {first:d}")
        connection.execute("CHECKPOINT new")
        connection.execute("DETACH new")
        if any(with_log(path)[1].exists() for path in (self._scratch, self.path)):
            raise StoreDamaged(f"the cache {self.path} was not compacted", "a log was not folded in", "run again")
        self._scratch.chmod(0o600)
        sync(self._scratch)
        os.replace(self._scratch, self.path)
        sync(self.path.parent)


def _tell_lost(lost: int, of: int) -> None:
    if lost:
        log.warning("%d of %d snapshots were not whole and are gone", lost, of)


def index_lines(connection: DuckDBPyConnection) -> list[Line]:
    """The whole index, oldest first."""
    query = (
        "SELECT snapshot_id, table_name, key, rows, bytes, content_hash, inputs, created_at, last_used_at "
        "FROM snapshots ORDER BY snapshot_id"
    )
    return [
        Line(snapshot_id, table, key, rows, size, content_hash, tuple(inputs), created_at, last_used_at)
        for snapshot_id, table, key, rows, size, content_hash, inputs, created_at, last_used_at in connection.execute(
            query
        ).fetchall()
    ]


def content_hashes(
    connection: DuckDBPyConnection, table: str, ids: Sequence[int] | None = None
) -> dict[int, tuple[int, str]]:
    """The row count and a hash of the rows, whatever their order, of each snapshot, or of those in `ids`, as stored.

    A row is hashed by the names and values of what is not NULL in it: neither the order of the columns
    nor a column that was added later changes the hash. DuckDB's own hash may change with its version,
    which therefore is part of the text.
    """
    names = [column[0] for column in connection.execute(f"SELECT * FROM {table} LIMIT 0").description or ()]
    row = reduce(lambda so_far, value: f"xor({so_far}, {value})", (_hash_of(name) for name in names))
    which = "" if ids is None else "WHERE snapshot_id BETWEEN ? AND ? AND snapshot_id IN (SELECT unnest(?::BIGINT[]))"
    query = f"SELECT snapshot_id, count(*), bit_xor(hash({row})) FROM {table} {which} GROUP BY snapshot_id"
    rows = connection.execute(query, [min(ids), max(ids), list(ids)] if ids else []).fetchall()
    return {given: (count, f"{HASH_SCHEME}:{value:016x}") for given, count, value in rows}


def _hash_of(name: str) -> str:
    """The SQL of a column's part in the hash of a row."""
    return f"""CASE WHEN "{name}" IS NULL THEN 0::UBIGINT ELSE hash('{name}', "{name}") END"""


def next_id(connection: DuckDBPyConnection, lines: Iterable[Line] = ()) -> int:
    """The id that no snapshot ever had: ids are not given twice, even when the cache was emptied."""
    query = "SELECT last_value FROM duckdb_sequences() WHERE database_name = 'cache' AND sequence_name = 'snapshot_ids'"
    row = connection.execute(query).fetchone()
    return max([row[0] or 0 if row else 0, *(line.snapshot_id for line in lines)]) + 1


def slices(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """The snapshots of one table in portions that are copied at a time."""
    piece: list[Line] = []
    size = 0
    limit = SLICE_BYTES if sum(line.bytes for line in lines) > IN_ONE_GO_BYTES else IN_ONE_GO_BYTES
    for line in lines:
        piece.append(line)
        size += line.bytes
        if size >= limit or len(piece) >= SLICE_SNAPSHOTS:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def remove(path: Path) -> None:
    """Remove a database file and its log, if they are there."""
    for part in with_log(path):
        part.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Have a file's content, or a folder's names, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _salvaged(connection: DuckDBPyConnection) -> list[Line]:
    try:
        return index_lines(connection)
    except duckdb.Error as error:
        log.warning("the index of the cache is lost (%s)", error)
        return []


def _copy(connection: DuckDBPyConnection, table: str, lines: Sequence[Line], tolerant: bool) -> None:
    """Copy snapshots; where some cannot be read, halve until those are found, and leave them out."""
    ids = [line.snapshot_id for line in lines]
    try:
        # Without ORDER BY the rows of a snapshot that spans two row groups change places.
        connection.execute(
            f"INSERT INTO new.{identifier(table)} BY NAME SELECT * FROM cache.{identifier(table)} "
            "WHERE snapshot_id BETWEEN ? AND ? AND snapshot_id IN (SELECT unnest(?::BIGINT[])) ORDER BY rowid",
            [ids[0], ids[-1], ids],
        )
    except duckdb.Error as error:
        if not (tolerant and is_damage(error)):
            raise
        half = len(lines) // 2
        if half:
            _copy(connection, table, lines[:half], tolerant)
            _copy(connection, table, lines[half:], tolerant)


def _verified(connection: DuckDBPyConnection, table: str, lines: Sequence[Line], tolerant: bool) -> list[int]:
    """The ids of the snapshots that were copied whole; what else was copied is taken out again."""
    ids = [line.snapshot_id for line in lines]
    copied = content_hashes(connection, f"new.{identifier(table)}", ids)
    bad = [line for line in lines if not _equal(line, copied.get(line.snapshot_id))]
    if bad and not tolerant:
        original = content_hashes(connection, f"cache.{identifier(table)}", ids)
        if any(_equal(line, original.get(line.snapshot_id)) for line in bad):
            raise StoreDamaged(f"copying {table} went wrong", "the copy differs; nothing was changed", "run again")
    lost = {line.snapshot_id for line in bad}
    if lost & set(copied):
        connection.execute(
            f"DELETE FROM new.{identifier(table)} WHERE list_contains(?::BIGINT[], snapshot_id)", [sorted(lost)]
        )
    return [line.snapshot_id for line in lines if line.snapshot_id not in lost]


def _equal(line: Line, found: tuple[int, str] | None) -> bool:
    """Whether rows found are those that were stored; hashes of another scheme say nothing."""
    if found is None or found[0] != line.rows:
        return False
    return not line.content_hash.startswith(f"{HASH_SCHEME}:") or line.content_hash == found[1]


def _copy_lists(connection: DuckDBPyConnection, kept: list[int], tolerant: bool) -> None:
    """Copy the index of what is kept, and every table that holds no snapshots: the ledger and the notes."""
    others = schema.columns_of(connection).keys() - {*schema.data_tables(connection), SNAPSHOTS.name}
    index = ("WHERE snapshot_id IN (SELECT unnest(?::BIGINT[])) ORDER BY snapshot_id", [kept])
    lists = {SNAPSHOTS.name: index, **{name: ("ORDER BY rowid", []) for name in sorted(others)}}
    lists["meta"] = ("WHERE key <> 'schema_version'", [])
    for name, (which, parameters) in lists.items():
        try:
            connection.execute(f'INSERT INTO new."{name}" BY NAME SELECT * FROM cache."{name}" {which}', parameters)
        except duckdb.Error as error:
            if not tolerant or (name == SNAPSHOTS.name and kept):
                raise
            log.warning("%s of the cache is lost (%s)", name, error)
