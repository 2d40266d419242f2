"""A new file that takes the place of the old one: the only way in which a DuckDB file gets smaller.

Neither DELETE nor CHECKPOINT nor VACUUM shrinks the file, and deleting scattered snapshots hardly frees
anything inside it. So what is to stay is copied beside the old file, verified by the row count and the
content hash of every snapshot, and renamed into its place. A kill leaves the old file or the new one.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from wheel_assets.cache.store import schema
from wheel_assets.cache.upkeep.progress import progress_bar
from wheel_assets.errors import StoreDamaged
from wheel_assets.tables import API_CALLS, SNAPSHOTS, SnapshotTable, Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SLICE_ROWS, SLICE_SNAPSHOTS = 500_000, 2_000  # copied at a time: bounds the memory, feeds the progress bar
_DAMAGE = ("not a valid DuckDB database file", "Could not read enough bytes", "Corrupt", "WAL file", "WAL does not")
_NO_DAMAGE = ("Permission denied", "No space left", "File too large", "Read-only")

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


def rewrite(
    connection: DuckDBPyConnection,
    path: Path,
    tables: Sequence[Table],
    drop: Collection[int] = (),
    tolerant: bool = False,
) -> list[int]:
    """Copy the database `cache`, but for the snapshots in `drop`, to a new file at `path`; the ids kept.

    Only what is verified is kept: a snapshot whose rows are not those it was stored with is left out,
    with a warning. `tolerant` leaves out what cannot be read too; otherwise that raises duckdb.Error,
    as it raises StoreDamaged where the copy differs from a good original, and nothing is changed.
    """
    data = [table for table in tables if isinstance(table, SnapshotTable)]
    dropped = set(drop)
    lines = [line for line in _salvaged(connection, tolerant) if line.snapshot_id not in dropped]
    total = sum(line.rows for line in lines)
    connection.execute("SET threads = 1")  # with more, the slices are stored with gaps between them
    try:
        with (
            replacement(connection, path, tables, next_id(connection, lines)),
            progress_bar("compacting the cache", total) as advance,
            # One transaction leaves no gaps in the file; but a block that cannot be read would end it.
            nullcontext() if tolerant else schema.one_transaction(connection),
        ):
            kept = _fill(connection, data, lines, tolerant, advance)
    finally:
        connection.execute("SET threads = 2")
    if len(kept) < len(lines):
        log.warning("%d of %d snapshots were not whole and are gone", len(lines) - len(kept), len(lines))
    return kept


def _fill(
    connection: DuckDBPyConnection,
    tables: Sequence[SnapshotTable],
    lines: Sequence[Line],
    tolerant: bool,
    advance: Callable[[int], None],
) -> list[int]:
    """Copy the snapshots in `lines`, then the lists about them; the ids of those that are whole."""
    kept: list[int] = []
    for table in tables:
        mine = [line for line in lines if line.table == table.name]
        for piece in slices(mine):
            _copy(connection, table.name, piece, tolerant)
            advance(sum(line.rows for line in piece))
        kept += _verified(connection, table.name, mine, tolerant)
    _copy_lists(connection, sorted(kept), tolerant)
    return kept


def index_lines(connection: DuckDBPyConnection) -> list[Line]:
    """The whole index, oldest first."""
    query = (
        "SELECT snapshot_id, table_name, key, rows, bytes, content_hash, inputs, created_at, last_used_at "
        "FROM snapshots ORDER BY snapshot_id"
    )
    return [Line(*row[:6], tuple(row[6]), row[7], row[8]) for row in connection.execute(query).fetchall()]


def content_hashes(
    connection: DuckDBPyConnection, table: str, snapshot_id: int | None = None
) -> dict[int, tuple[int, str]]:
    """The row count and a hash of the rows, whatever their order, of each snapshot or of one, as stored.

    DuckDB's own hash may change with its version, which therefore is part of the text.
    """
    which = "" if snapshot_id is None else "WHERE snapshot_id = ?"
    query = f"SELECT snapshot_id, count(*), bit_xor(hash(t)) FROM {table} t {which} GROUP BY snapshot_id"
    rows = connection.execute(query, [] if snapshot_id is None else [snapshot_id]).fetchall()
    return {given: (count, f"duckdb-{duckdb.__version__}:{value:016x}") for given, count, value in rows}


def next_id(connection: DuckDBPyConnection, lines: Iterable[Line] = ()) -> int:
    """The id that no snapshot ever had: ids are not given twice, even when the cache was emptied."""
    query = "SELECT last_value FROM duckdb_sequences() WHERE database_name = 'cache' AND sequence_name = 'snapshot_ids'"
    row = connection.execute(query).fetchone()
    return max([row[0] or 0 if row else 0, *(line.snapshot_id for line in lines)]) + 1


def slices(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """The snapshots of one table in portions that are copied at a time."""
    piece: list[Line] = []
    rows = 0
    for line in lines:
        piece.append(line)
        rows += line.rows
        if rows >= SLICE_ROWS or len(piece) >= SLICE_SNAPSHOTS:
            yield piece
            piece, rows = [], 0
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


def _salvaged(connection: DuckDBPyConnection, tolerant: bool) -> list[Line]:
    try:
        return index_lines(connection)
    except duckdb.Error as error:
        if not tolerant:
            raise
        log.warning("the index of the cache is lost (%s)", error)
        return []


def _copy(connection: DuckDBPyConnection, table: str, lines: Sequence[Line], tolerant: bool) -> None:
    """Copy snapshots; where some cannot be read, halve until those are found, and leave them out."""
    ids = [line.snapshot_id for line in lines]
    try:
        # Without ORDER BY the rows of a snapshot that spans two row groups change places.
        connection.execute(
            f"INSERT INTO new.{table} BY NAME SELECT * FROM cache.{table} "
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
    copied = content_hashes(connection, f"new.{table}")
    bad = [line for line in lines if not _equal(line, copied.get(line.snapshot_id))]
    if bad and not tolerant:
        original = content_hashes(connection, f"cache.{table}")
        if any(_equal(line, original.get(line.snapshot_id)) for line in bad):
            raise StoreDamaged(f"copying {table} went wrong", "the copy differs; nothing was changed", "run again")
    lost = {line.snapshot_id for line in bad}
    if lost & set(copied):
        connection.execute(f"DELETE FROM new.{table} WHERE list_contains(?::BIGINT[], snapshot_id)", [sorted(lost)])
    return [line.snapshot_id for line in lines if line.snapshot_id not in lost]


def _equal(line: Line, found: tuple[int, str] | None) -> bool:
    """Whether rows found are those that were stored; hashes of another DuckDB version say nothing."""
    if found is None or found[0] != line.rows:
        return False
    return line.content_hash.split(":")[0] != found[1].split(":")[0] or line.content_hash == found[1]


def _copy_lists(connection: DuckDBPyConnection, kept: list[int], tolerant: bool) -> None:
    """Copy the index of what is kept, the ledger and the notes."""
    lists = {
        SNAPSHOTS.name: ("WHERE snapshot_id IN (SELECT unnest(?::BIGINT[])) ORDER BY snapshot_id", [kept]),
        API_CALLS.name: ("ORDER BY rowid", []),
        "meta": ("WHERE key <> 'schema_version'", []),
    }
    for name, (which, parameters) in lists.items():
        try:
            connection.execute(f"INSERT INTO new.{name} BY NAME SELECT * FROM cache.{name} {which}", parameters)
        except duckdb.Error as error:
            if not tolerant or (name == SNAPSHOTS.name and kept):
                raise
            log.warning("%s of the cache is lost (%s)", name, error)
