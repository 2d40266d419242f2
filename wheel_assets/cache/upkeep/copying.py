"""Snapshots copied from the attached `cache` to the attached `new`, in slices, and verified; files put in place."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from wheel_assets.cache.duckdb_errors import is_damage
from wheel_assets.cache.store import schema
from wheel_assets.cache.upkeep.snapshot_index import IndexRow, content_hashes
from wheel_assets.columns import identifier
from wheel_assets.errors import StoreDamaged
from wheel_assets.tables import SNAPSHOTS, Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SLICE_BYTES, SLICE_SNAPSHOTS = 4_000_000, 2_000  # bytes copied at a time: bounds the memory and how long readers wait
IN_ONE_GO_BYTES = 12_000_000  # slices leave gaps as large as a row group, which in a small file would be much

log = logging.getLogger(__name__)


def with_log(path: Path) -> tuple[Path, Path]:
    """A database file and its write-ahead log."""
    return path, Path(f"{path}.wal")


def file_size(path: Path) -> int:
    """Bytes of a database file on the disk, log included; 0 where there is none."""
    return sum(part.stat().st_size for part in with_log(path) if part.exists())


@contextmanager
def replacement(
    connection: DuckDBPyConnection, path: Path, tables: Sequence[Table], first_id: int = 1
) -> Iterator[None]:
    """An empty file, attached as `new`; moved to `path` when the block succeeds, else removed."""
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
            raise StoreDamaged(
                f"the new file {scratch} is not complete", "its write-ahead log was left over", "run again"
            )
        scratch.chmod(0o600)
        # The content before the rename, the folder after it: a power cut leaves the old file or the new one, whole.
        sync(scratch)
        os.replace(scratch, path)
        sync(path.parent)
    finally:
        remove(scratch)


def slices(lines: Sequence[IndexRow]) -> Iterator[list[IndexRow]]:
    """The snapshots of one table in portions that are copied at a time."""
    piece: list[IndexRow] = []
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
    """Flush a file's content, or a folder's entries, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def copy_snapshots(connection: DuckDBPyConnection, table: str, lines: Sequence[IndexRow], tolerant: bool) -> None:
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
            copy_snapshots(connection, table, lines[:half], tolerant)
            copy_snapshots(connection, table, lines[half:], tolerant)


def differing(connection: DuckDBPyConnection, table: str, lines: Sequence[IndexRow]) -> list[IndexRow]:
    """The copied snapshots whose rows differ from their content hash."""
    copied = content_hashes(connection, f"new.{identifier(table)}", [line.snapshot_id for line in lines])
    return [line for line in lines if not line.matches(copied.get(line.snapshot_id))]


def verified_snapshots(
    connection: DuckDBPyConnection, table: str, lines: Sequence[IndexRow], tolerant: bool
) -> list[int]:
    """Ids of the snapshots that were copied completely; the others are removed from the copy."""
    bad = differing(connection, table, lines)
    if bad and not tolerant:
        ids = [line.snapshot_id for line in bad]
        original = content_hashes(connection, f"cache.{identifier(table)}", ids)
        # Good in the cache and bad in the copy is a fault of the copying: nothing may be dropped for it.
        if any(line.matches(original.get(line.snapshot_id)) for line in bad):
            raise StoreDamaged(f"copying {table} went wrong", "the copy differs; nothing was changed", "run again")
    lost = {line.snapshot_id for line in bad}
    if lost:
        connection.execute(
            f"DELETE FROM new.{identifier(table)} WHERE list_contains(?::BIGINT[], snapshot_id)", [sorted(lost)]
        )
    return [line.snapshot_id for line in lines if line.snapshot_id not in lost]


def copy_lists(
    connection: DuckDBPyConnection, kept: list[int], tolerant: bool, source: str = "cache", target: str = "new"
) -> None:
    """Copy the index rows of the kept snapshots, and the tables without snapshots: ledger and `meta`."""
    others = schema.columns_of(connection, source).keys() - {*schema.data_tables(connection), SNAPSHOTS.name}
    index = ("WHERE snapshot_id IN (SELECT unnest(?::BIGINT[])) ORDER BY snapshot_id", [kept])
    lists = {SNAPSHOTS.name: index, **{name: ("ORDER BY rowid", []) for name in sorted(others)}}
    lists["meta"] = ("WHERE key <> 'schema_version'", [])
    for name, (which, parameters) in lists.items():
        try:
            connection.execute(
                f'INSERT INTO {target}."{name}" BY NAME SELECT * FROM {source}."{name}" {which}', parameters
            )
        except duckdb.Error as error:
            if not tolerant or (name == SNAPSHOTS.name and kept):
                raise
            log.warning("%s of the cache is lost (%s)", name, error)


def warn_lost(lost: int, of: int) -> None:
    """Warn of snapshots that could not be kept."""
    if lost:
        log.warning("%d of %d snapshots were incomplete and are dropped", lost, of)
