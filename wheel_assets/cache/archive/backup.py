"""The cache as a dated archive of Parquet files, and back again.

    wheel-20261122T150000Z/
      manifest.json             format, counts and checksums
      option_chains/00000.parquet …  one folder a table; `snapshots` is the index, `api_calls` the ledger

DuckDB or pandas read it without this program: `SELECT * FROM 'wheel-…/option_chains/*.parquet'`.
Snapshots never change, so the file is locked for one part at a time and not for the whole archive.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pandas as pd

from wheel_assets.cache.accounts import TOLD, masked_key
from wheel_assets.cache.archive.locations import newest_time, reading, unwritable_archive, writing
from wheel_assets.cache.archive.manifest import ArchivedFile, Manifest, archived_file, damaged, verified
from wheel_assets.cache.faults import why_unwritable
from wheel_assets.cache.foreign import confined, rewritten
from wheel_assets.cache.store.backfill import insert_backfill
from wheel_assets.cache.store.store import Store
from wheel_assets.cache.upkeep.progress import progress_bar
from wheel_assets.columns import identifier
from wheel_assets.errors import StoreError, StoreUnwritable, UsageError
from wheel_assets.tables import API_CALLS, SNAPSHOTS, SnapshotTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from wheel_assets.sections import BackupSettings

log = logging.getLogger(__name__)

PART_BYTES = 4_000_000  # about, of the cache file, copied under one lock: some 0.2 s
MAX_INDEX_ROWS, MAX_INDEX_BYTES = 1_000_000, 256_000_000  # of an archive: it is read into memory


@dataclass(frozen=True)
class Backup:
    """Location and content of a written archive: rows by table, size in bytes."""

    place: str
    rows: dict[str, int]
    bytes: int


@dataclass(frozen=True)
class Restored:
    """Result of a restore: new snapshots by table, and how many were present already."""

    created_at: str
    snapshots: dict[str, int]
    present: int
    api_calls: int


def backup(store: Store, destination: str | Path, *, parents: Sequence[str] = (), mark: str = "") -> Backup:
    """Write a dated archive of everything into a folder, or to a URL that fsspec can write to.

    `parents` are the names of archives that were put back before, `mark` tells two of the same second apart.
    Raises StoreError; an unfinished archive is removed.
    """
    now = store.clock()
    with writing(str(destination), now, mark) as (folder, place), confined(scratch=folder) as reader:
        new = _NewArchive(store, folder, reader)
        with store.file.attached() as connection:
            index = connection.execute("SELECT * FROM snapshots ORDER BY snapshot_id").df()
        with progress_bar("backing the cache up", int(index["rows"].sum())) as advance:
            by_table = [(table, index[index["table_name"] == table.name]) for table in store.tables.values()]
            kept = [new.copy_table(table, lines, advance) for table, lines in by_table]
        new.write_index(pd.concat([index.head(0), *kept]))
        with store.file.attached() as connection:
            new.copy(connection, "SELECT * FROM api_calls", f"{API_CALLS.name}/00000.parquet")
        manifest = Manifest(f"{now.isoformat()}Z", new.files, parents=tuple(parents))
        manifest.write(folder)
    return Backup(place, manifest.rows, sum(file.bytes for file in manifest.files.values()))


def restore(store: Store, source: str | Path) -> Restored:
    """Restore an archive, or the newest one in a folder; snapshots already present stay as they are.

    Everything is verified before anything is written. Raises UsageError where there is no archive,
    ArchiveDamaged, StoreTooNew. An interrupted restore can be run again.
    """
    with reading(str(source)) as folder, tempfile.TemporaryDirectory() as scratch:
        manifest = verified(folder, {*store.tables, SNAPSHOTS.name, API_CALLS.name})
        with _as_damaged(folder):
            index, held = _verified_index(folder, manifest, store)
        index["key"] = [masked_key(table, key) for table, key in zip(index["table_name"], index["key"], strict=True)]
        ids: dict[int, int] = {}
        new: dict[str, int] = {}
        with progress_bar("restoring the archive", int(index["rows"].sum())) as advance:
            for table in store.tables.values():
                new[table.name] = 0
                for path in reversed(manifest.paths_of(table.name)):  # newest first: the later, the lower its ids
                    with _as_damaged(folder):
                        rows = rewritten(folder / path, table.stored_columns, Path(scratch), TOLD.get(table.name))
                    lines = index[index["snapshot_id"].isin(held[path])].sort_values("snapshot_id")
                    for part in reversed(list(_parts(lines))):
                        new[table.name] += insert_backfill(store, table, rows, part, ids)
                        advance(int(part["rows"].sum()))
        calls = 0
        for path in manifest.paths_of(API_CALLS.name):
            with _as_damaged(folder):
                rows = rewritten(folder / path, API_CALLS.columns, Path(scratch))
            calls += _restore_ledger(store, rows)
    return Restored(manifest.created_at, new, len(index) - sum(new.values()), calls)


@contextmanager
def _as_damaged(folder: Path) -> Iterator[None]:
    """Turn DuckDB's errors within the block into ArchiveDamaged: a file is not what was written."""
    try:
        yield
    except duckdb.Error as error:
        if why := why_unwritable(error):
            raise StoreUnwritable(
                f"the archive {folder} cannot be unpacked in {tempfile.gettempdir()}", why, "free some space there"
            ) from error
        raise damaged(folder, f"it cannot be read: {str(error)[:200]}") from error


class PeriodicBackup:
    """Write an archive after a store operation if the newest one is older than `interval`.

    There is no scheduler: call it after a write. A failure is only a warning, because the write itself succeeded; the
    next attempt comes an interval later.
    """

    def __init__(self, destination: str, interval: timedelta) -> None:
        self.destination, self.interval = destination, interval
        self._last: datetime | None = None

    def __call__(self, store: Store) -> None:
        """Back up the store if due."""
        now = store.clock()
        if self._recent(now):
            return
        try:
            self._last = newest_time(self.destination)  # another process may have done it
            if not self._recent(now):
                backup(store, self.destination)
                self._last = now
        except (StoreError, UsageError) as error:
            self._last = now
            log.warning("the cache was not backed up: %s", error)

    def _recent(self, now: datetime) -> bool:
        return self._last is not None and timedelta(0) <= now - self._last < self.interval


def periodic_backup(backups: BackupSettings) -> PeriodicBackup | None:
    """The periodic backup of the settings; None where none is set."""
    if backups.dir is None or backups.interval_hours is None:
        return None
    return PeriodicBackup(backups.dir, timedelta(hours=backups.interval_hours))


def export_table(store: Store, table: str, folder: Path) -> Path:
    """Write one table to `<folder>/<table>_<YYYYMMDD>.parquet`, whole or not at all, and return that path."""
    if table not in store.tables:
        raise UsageError(f"there is no table {table}", "", f"tables: {', '.join(store.tables)}")
    path = folder.expanduser() / f"{table}_{store.clock():%Y%m%d}.parquet"
    scratch = path.with_suffix(".partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    with store.file.attached() as connection:
        _copy_query(connection, f"SELECT * FROM {table} ORDER BY rowid", scratch)
    os.replace(scratch, path)
    return path


@dataclass
class _NewArchive:
    """An archive being written; `reader` is a connection to the written files."""

    store: Store
    folder: Path
    reader: DuckDBPyConnection
    files: dict[str, ArchivedFile] = field(default_factory=dict)

    def copy_table(self, table: SnapshotTable, lines: pd.DataFrame, advance: Callable[[int], None]) -> pd.DataFrame:
        """Copy a table part by part and return the index rows of the copied snapshots.

        A clean-up in between may have removed whole snapshots; these are left out.
        """
        kept = [lines.head(0)]
        for number, part in enumerate(_parts(lines)):
            path = f"{table.name}/{number:05d}.parquet"
            low, high = part["snapshot_id"].min(), part["snapshot_id"].max()
            query = f"SELECT * FROM {table.name} WHERE snapshot_id BETWEEN {low} AND {high} ORDER BY rowid"
            with self.store.file.attached() as connection:
                self.copy(connection, query, path)
            kept.append(part[part["snapshot_id"].isin(_rows_by_snapshot(self.reader, self.folder / path))])
            advance(int(part["rows"].sum()))
        return pd.concat(kept)

    def write_index(self, index: pd.DataFrame) -> None:
        """Write the index rows of the copied snapshots."""
        columns = ", ".join(f'"{c.name}"::{c.type} AS "{c.name}"' for c in SNAPSHOTS.columns)
        self.reader.register("lines", index)
        self.copy(self.reader, f"SELECT {columns} FROM lines", f"{SNAPSHOTS.name}/00000.parquet")

    def copy(self, connection: DuckDBPyConnection, query: str, path: str) -> None:
        """Copy the rows of a query into a file of the archive and note it."""
        try:
            (self.folder / path).parent.mkdir(exist_ok=True)
            rows = _copy_query(connection, query, self.folder / path)
        except duckdb.Error as error:
            why = why_unwritable(error)
            if why is None:
                raise
            # Converted here, or a full disk of the archive would be reported as one of the cache.
            raise unwritable_archive(str(self.folder.parent), why) from error
        self.files[path] = archived_file(self.folder / path, rows)


def _parts(lines: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Rows of the index in parts of about PART_BYTES bytes, each at least one snapshot."""
    before = lines["bytes"].cumsum() - lines["bytes"]
    for _, part in lines.groupby(before // PART_BYTES):
        yield part


def _copy_query(connection: DuckDBPyConnection, query: str, path: Path) -> int:
    """Copy the rows of a query into a Parquet file and return their number."""
    target = str(path).replace("'", "''")
    copied = connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)").fetchall()
    return int(copied[0][0])


def _rows_by_snapshot(connection: DuckDBPyConnection, path: Path) -> dict[int, int]:
    """Number of rows of each snapshot in a file."""
    query = "SELECT snapshot_id, count(*) FROM read_parquet(?) GROUP BY snapshot_id"
    return dict(connection.execute(query, [str(path)]).fetchall())


def _verified_index(folder: Path, manifest: Manifest, store: Store) -> tuple[pd.DataFrame, dict[str, list[int]]]:
    """The index of an archive whose files have exactly the rows that it lists, and the snapshots of each file."""
    held: dict[str, list[int]] = {}
    with confined(*(folder / path for path in manifest.files)) as connection:
        index = _index(connection, folder, manifest)
        _check_ledger(connection, folder, manifest)
        for name, table in store.tables.items():
            lines = index[index["table_name"] == name]
            counted: dict[int, int] = {}
            for path in manifest.paths_of(name):
                _check_columns(connection, folder, path, table)
                found = _rows_by_snapshot(connection, folder / path)
                counted, held[path] = counted | found, list(found)
            if counted != dict(zip(lines["snapshot_id"], lines["rows"], strict=True)):
                raise damaged(folder, f"the rows of {name} are not those its index tells of")
    return index, held


def _index(connection: DuckDBPyConnection, folder: Path, manifest: Manifest) -> pd.DataFrame:
    """The index of an archive; its size is checked before it is read into memory."""
    parts = [str(folder / path) for path in manifest.paths_of(SNAPSHOTS.name)]
    names = [f'"{column.name}"' for column in SNAPSHOTS.columns]
    text = " + ".join(f"coalesce(strlen({name}::VARCHAR), 0)" for name in names if name != '"notes"')
    query = f"SELECT count(*), coalesce(sum({text}), 0) FROM read_parquet(?)"
    rows, size = connection.execute(query, [parts]).fetchall()[0]
    if rows > MAX_INDEX_ROWS or size > MAX_INDEX_BYTES:
        raise damaged(folder, f"its index of {rows} rows and {size / 1e6:.0f} MB is larger than any that is written")
    return connection.execute("SELECT * FROM read_parquet(?)", [parts]).df()


def _check_ledger(connection: DuckDBPyConnection, folder: Path, manifest: Manifest) -> None:
    """Raise ArchiveDamaged for a ledger with negative or impossible costs: it would raise the budget."""
    for path in manifest.paths_of(API_CALLS.name):
        query = "SELECT count(*) FROM read_parquet(?) WHERE NOT coalesce(cost_usd BETWEEN 0 AND 1e6, false)"
        if bad := connection.execute(query, [str(folder / path)]).fetchall()[0][0]:
            raise damaged(folder, f"{path} has {bad} calls with an impossible cost")


def _check_columns(connection: DuckDBPyConnection, folder: Path, path: str, table: SnapshotTable) -> None:
    found = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(folder / path)]).fetchall()
    if unknown := {row[0] for row in found} - {column.name for column in table.stored_columns}:
        raise damaged(folder, f"{path} has unknown columns {sorted(unknown)}")
    needed = [column.name for column in table.stored_columns if column.required]
    if missing := set(needed) - {row[0] for row in found}:
        raise damaged(folder, f"{path} lacks the columns {sorted(missing)}")
    query = (
        f"SELECT count(*) FROM read_parquet(?) WHERE {' OR '.join(f'{identifier(name)} IS NULL' for name in needed)}"
    )
    if empty := connection.execute(query, [str(folder / path)]).fetchall()[0][0]:
        raise damaged(folder, f"{path} has {empty} rows without a value that each row has")


def _restore_ledger(store: Store, calls: Path) -> int:
    """Add the calls that the ledger lacks and return their number; two equal calls count as two."""
    columns = ", ".join(f'"{c.name}"' for c in API_CALLS.columns)
    query = (
        f"INSERT INTO api_calls ({columns}) SELECT {columns} FROM read_parquet(?) "
        f"EXCEPT ALL SELECT {columns} FROM api_calls"
    )
    with store.file.transaction() as connection:
        return int(connection.execute(query, [str(calls)]).fetchall()[0][0])
