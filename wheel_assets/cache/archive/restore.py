"""Restore of an archive: everything is verified before anything is written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from wheel_assets.cache.account_masking import ACCOUNT_COLUMNS, masked_key
from wheel_assets.cache.archive.backup import in_parts, rows_by_snapshot
from wheel_assets.cache.archive.locations import reading
from wheel_assets.cache.archive.manifest import Manifest, damaged, verified
from wheel_assets.cache.duckdb_errors import why_unwritable
from wheel_assets.cache.store.backfill import insert_backfill
from wheel_assets.cache.untrusted_files import confined, rewritten
from wheel_assets.cache.upkeep.progress import progress_bar
from wheel_assets.columns import identifier
from wheel_assets.errors import StoreUnwritable
from wheel_assets.tables import API_CALLS, SNAPSHOTS, SnapshotTable

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

    from wheel_assets.cache.store.store import Store

MAX_INDEX_ROWS, MAX_INDEX_BYTES = 1_000_000, 256_000_000  # of an archive: it is read into memory


@dataclass(frozen=True)
class Restored:
    """Result of a restore: new snapshots by table, and how many were present already."""

    created_at: str
    snapshots: dict[str, int]
    present: int
    api_calls: int


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
                # Newest first: backfilled ids fall, and the newest snapshot must keep the highest.
                for path in reversed(manifest.paths_of(table.name)):
                    with _as_damaged(folder):
                        rows = rewritten(
                            folder / path, table.stored_columns, Path(scratch), ACCOUNT_COLUMNS.get(table.name)
                        )
                    lines = index[index["snapshot_id"].isin(held[path])].sort_values("snapshot_id")
                    for part in reversed(list(in_parts(lines))):
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
    """Raise DuckDB's errors within the block as ArchiveDamaged."""
    try:
        yield
    except duckdb.Error as error:
        if why := why_unwritable(error):
            raise StoreUnwritable(
                f"the archive {folder} cannot be unpacked in {tempfile.gettempdir()}", why, "free some space there"
            ) from error
        raise damaged(folder, f"it cannot be read: {str(error)[:200]}") from error


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
                found = rows_by_snapshot(connection, folder / path)
                counted, held[path] = counted | found, list(found)
            if counted != dict(zip(lines["snapshot_id"], lines["rows"], strict=True)):
                raise damaged(folder, f"the rows of {name} are not those in its index")
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
