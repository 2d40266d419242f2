"""Backup of the cache to a dated archive of Parquet files.

    wheel-20261122T150000Z/
      manifest.json             format, counts and checksums
      option_chains/00000.parquet …  one folder a table; `snapshots` is the index, `api_calls` the ledger

DuckDB and pandas read it without this program: `SELECT * FROM 'wheel-…/option_chains/*.parquet'`.
Snapshots never change, so the file is locked for one part at a time and not for the whole archive.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pandas as pd

from wheel_assets.cache.archive.locations import unwritable_archive, writing
from wheel_assets.cache.archive.manifest import ArchivedFile, Manifest, archived_file
from wheel_assets.cache.duckdb_errors import why_unwritable
from wheel_assets.cache.untrusted_files import confined
from wheel_assets.cache.upkeep.progress import progress_bar
from wheel_assets.errors import UsageError
from wheel_assets.tables import API_CALLS, SNAPSHOTS, SnapshotTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from wheel_assets.cache.store.cache_file import CacheFile
    from wheel_assets.cache.store.store import Store

PART_BYTES = 4_000_000  # about, of the cache file, copied under one lock: some 0.2 s


@dataclass(frozen=True)
class Backup:
    """Location and content of a written archive: rows by table, size in bytes."""

    place: str
    rows: dict[str, int]
    bytes: int


def backup(
    store: Store,
    destination: str | Path,
    *,
    parents: Sequence[str] = (),
    mark: str = "",
    report: Callable[[str], None] | None = None,
) -> Backup:
    """Write a dated archive of everything into a folder, or to a URL that fsspec can write to.

    `parents` are the names of archives restored before; `mark` distinguishes two archives of the same second; `report`
    is called with the progress after each part. Raises StoreError; an unfinished archive is removed.
    """
    now = store.clock()
    with (
        writing(str(destination), now, mark) as (folder, place),
        confined(scratch=folder) as reader,
        closing(store.file.twin()) as file,
    ):
        new = _NewArchive(file, folder, reader)
        with file.attached() as connection:
            index = connection.execute("SELECT * FROM snapshots ORDER BY snapshot_id").df()
        with progress_bar("backing the cache up", int(index["rows"].sum()), report) as advance:
            by_table = [(table, index[index["table_name"] == table.name]) for table in store.tables.values()]
            kept = [new.copy_table(table, lines, advance) for table, lines in by_table]
        new.write_index(pd.concat([index.head(0), *kept]))
        with file.attached() as connection:
            new.copy(connection, "SELECT * FROM api_calls", f"{API_CALLS.name}/00000.parquet")
        manifest = Manifest(f"{now.isoformat()}Z", new.files, parents=tuple(parents))
        manifest.write(folder)
    return Backup(place, manifest.rows, sum(each.bytes for each in manifest.files.values()))


def export_table(store: Store, table: str, folder: Path) -> Path:
    """Write one table to `<folder>/<table>_<YYYYMMDD>.parquet`, whole or not at all, and return that path."""
    if table not in store.tables:
        raise UsageError(f"there is no table {table}", "", f"name one of {', '.join(store.tables)}")
    path = folder.expanduser() / f"{table}_{store.clock():%Y%m%d}.parquet"
    scratch = path.with_suffix(".partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    with store.file.attached() as connection:
        _copy_query(connection, f"SELECT * FROM {table} ORDER BY rowid", scratch)
    os.replace(scratch, path)
    return path


@dataclass
class _NewArchive:
    """An archive of a cache file being written; `reader` is a connection to what is written."""

    file: CacheFile
    folder: Path
    reader: DuckDBPyConnection
    files: dict[str, ArchivedFile] = field(default_factory=dict)

    def copy_table(self, table: SnapshotTable, lines: pd.DataFrame, advance: Callable[[int], None]) -> pd.DataFrame:
        """Copy a table part by part and return the index rows of the copied snapshots.

        A clean-up in between may have removed whole snapshots; these are left out.
        """
        kept = [lines.head(0)]
        for number, part in enumerate(in_parts(lines)):
            path = f"{table.name}/{number:05d}.parquet"
            low, high = part["snapshot_id"].min(), part["snapshot_id"].max()
            query = f"SELECT * FROM {table.name} WHERE snapshot_id BETWEEN {low} AND {high} ORDER BY rowid"
            with self.file.attached() as connection:
                connection.execute(f"CREATE OR REPLACE TEMP TABLE part AS {query}")
            self.copy(connection, "FROM temp.part", path)  # outside the lock: compressing takes seconds
            kept.append(part[part["snapshot_id"].isin(rows_by_snapshot(self.reader, self.folder / path))])
            advance(int(part["rows"].sum()))
        return pd.concat(kept)

    def write_index(self, index: pd.DataFrame) -> None:
        """Write the index rows of the copied snapshots."""
        columns = ", ".join(f'"{c.name}"::{c.type} AS "{c.name}"' for c in SNAPSHOTS.columns)
        self.reader.register("lines", index)
        self.copy(self.reader, f"SELECT {columns} FROM lines", f"{SNAPSHOTS.name}/00000.parquet")

    def copy(self, connection: DuckDBPyConnection, query: str, path: str) -> None:
        """Copy the rows of a query into a file of the archive and add it to the manifest."""
        try:
            (self.folder / path).parent.mkdir(exist_ok=True)
            rows = _copy_query(connection, query, self.folder / path)
        except duckdb.Error as error:
            why = why_unwritable(error)
            if why is None:
                raise
            # Converted here: further up, a full disk under the archive would be reported as one under the cache.
            raise unwritable_archive(str(self.folder.parent), why) from error
        self.files[path] = archived_file(self.folder / path, rows)


def in_parts(lines: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Rows of the index in parts of about PART_BYTES bytes, each at least one snapshot."""
    before = lines["bytes"].cumsum() - lines["bytes"]
    for _, part in lines.groupby(before // PART_BYTES):
        yield part


def _copy_query(connection: DuckDBPyConnection, query: str, path: Path) -> int:
    """Copy the rows of a query into a Parquet file and return their number."""
    target = str(path).replace("'", "''")
    copied = connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)").fetchall()
    return int(copied[0][0])


def rows_by_snapshot(connection: DuckDBPyConnection, path: Path) -> dict[int, int]:
    """Number of rows of each snapshot in a file."""
    query = "SELECT snapshot_id, count(*) FROM read_parquet(?) GROUP BY snapshot_id"
    return dict(connection.execute(query, [str(path)]).fetchall())
