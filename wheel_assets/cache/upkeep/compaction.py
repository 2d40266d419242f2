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
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from wheel_assets.cache.store import schema
from wheel_assets.cache.upkeep.progress import progress_bar
from wheel_assets.errors import StoreDamaged
from wheel_assets.tables import SNAPSHOTS, Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SLICE_ROWS, SLICE_SNAPSHOTS = 500_000, 2_000  # copied at a time: bounds the memory, feeds the progress bar
_DAMAGE = ("not a valid DuckDB database file", "Could not read enough bytes", "Corrupt", "WAL file", "WAL does not")
_NO_DAMAGE = ("Permission denied", "No space left", "File too large", "Read-only")

HASH_SCHEME = f"duckdb-{duckdb.__version__}-by-name"

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
            kept = _fill(connection, lines, tolerant, advance)
    finally:
        connection.execute("SET threads = 2")
    if len(kept) < len(lines):
        log.warning("%d of %d snapshots were not whole and are gone", len(lines) - len(kept), len(lines))
    return kept


def _fill(
    connection: DuckDBPyConnection, lines: Sequence[Line], tolerant: bool, advance: Callable[[int], None]
) -> list[int]:
    """Copy the snapshots in `lines`, then everything else; the ids of those that are whole.

    Tables and columns that this program does not declare are another's, and are copied too.
    """
    schema.adopt(connection, "cache", "new")
    data = schema.data_tables(connection)
    kept: list[int] = []
    for table in data:
        mine = [line for line in lines if line.table == table]
        for piece in slices(mine):
            _copy(connection, table, piece, tolerant)
            advance(sum(line.rows for line in piece))
        kept += _verified(connection, table, mine, tolerant)
    others = schema.columns_of(connection).keys() - {*data, SNAPSHOTS.name}
    _copy_lists(connection, sorted(others), sorted(kept), tolerant)
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

    A row is hashed by the names and values of what is not NULL in it: neither the order of the columns
    nor a column that was added later changes the hash. DuckDB's own hash may change with its version,
    which therefore is part of the text.
    """
    names = [column[0] for column in connection.execute(f"SELECT * FROM {table} LIMIT 0").description or ()]
    row = reduce(lambda so_far, value: f"xor({so_far}, {value})", (_hash_of(name) for name in names))
    which = "" if snapshot_id is None else "WHERE snapshot_id = ?"
    query = f"SELECT snapshot_id, count(*), bit_xor(hash({row})) FROM {table} {which} GROUP BY snapshot_id"
    rows = connection.execute(query, [] if snapshot_id is None else [snapshot_id]).fetchall()
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
    """Whether rows found are those that were stored; hashes of another scheme say nothing."""
    if found is None or found[0] != line.rows:
        return False
    return not line.content_hash.startswith(f"{HASH_SCHEME}:") or line.content_hash == found[1]


def _copy_lists(connection: DuckDBPyConnection, others: Sequence[str], kept: list[int], tolerant: bool) -> None:
    """Copy the index of what is kept, and every table that holds no snapshots: the ledger and the notes."""
    index = ("WHERE snapshot_id IN (SELECT unnest(?::BIGINT[])) ORDER BY snapshot_id", [kept])
    lists = {SNAPSHOTS.name: index, **{name: ("ORDER BY rowid", []) for name in others}}
    lists["meta"] = ("WHERE key <> 'schema_version'", [])
    for name, (which, parameters) in lists.items():
        try:
            connection.execute(f'INSERT INTO new."{name}" BY NAME SELECT * FROM cache."{name}" {which}', parameters)
        except duckdb.Error as error:
            if not tolerant or (name == SNAPSHOTS.name and kept):
                raise
            log.warning("%s of the cache is lost (%s)", name, error)
