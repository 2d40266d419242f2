"""Backfill: insertion of older snapshots, shared by restore and migration.

Backfilled snapshots are older than anything stored from now on, so they get ids below all others, from -1 downwards.
Rising ids were rejected: the snapshot with the highest id is in force and serves waiting readers, so last week's
archive would have been served as current data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from wheel_assets.cache.store.store import Store
from wheel_assets.cache.upkeep.snapshot_index import content_hash_of
from wheel_assets.errors import StoreDamaged
from wheel_assets.tables import SNAPSHOTS, Column, SnapshotTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

GONE = 0  # no snapshot has this id: the id of an input that no longer exists


def insert_backfill(
    store: Store, table: SnapshotTable, rows: Path, index: pd.DataFrame, ids: dict[int, int], *, dry_run: bool = False
) -> int:
    """Insert snapshots of `table` into the store in one transaction; return the number of new ones.

    `rows` is a Parquet file of the stored columns, `index` the index rows for it; both use the ids of their origin.
    `ids` maps those ids to the ids in this store and is extended; the snapshots in `inputs` must be inserted first. A
    snapshot with the same key, creation time and content is present already and is only added to `ids`.
    """
    with store.file.transaction() as connection:
        ids |= _present(connection, table, rows, index)
        new = index[~index["snapshot_id"].isin(list(ids))]
        if new.empty or dry_run:
            return len(new)
        shift = int(new["snapshot_id"].max()) + 1 - _lowest_id(connection)
        ids |= {old: old - shift for old in new["snapshot_id"].tolist()}
        _insert_rows(connection, table, rows, new, shift)
        _insert_lines(connection, table, new, ids)
        return len(new)


def _present(connection: DuckDBPyConnection, table: SnapshotTable, rows: Path, index: pd.DataFrame) -> dict[int, int]:
    """Snapshots already present, as a mapping from their foreign id to their id here."""
    here = connection.execute(
        "SELECT snapshot_id, key, created_at, rows FROM snapshots WHERE table_name = ?", [table.name]
    ).df()
    alike = index.merge(here, on=["key", "created_at", "rows"], suffixes=("", "_here"))
    if alike.empty:
        return {}
    described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(rows)]).fetchall()
    columns = [c for c in table.stored_columns[1:] if c.name in {row[0] for row in described}]
    there = _contents(connection, columns, _file(rows), alike["snapshot_id"])
    here_too = _contents(connection, columns, table.name, alike["snapshot_id_here"])
    pairs = zip(alike["snapshot_id"].tolist(), alike["snapshot_id_here"].tolist(), strict=True)
    return {old: found for old, found in pairs if there.get(old) == here_too.get(found)}


def _contents(
    connection: DuckDBPyConnection, columns: Sequence[Column], relation: str, snapshot_ids: pd.Series
) -> dict[int, int]:
    """Hash of the rows of each snapshot, without the id."""
    values = ", ".join(f'"{c.name}"::{c.type}' for c in columns)
    query = (
        f"SELECT snapshot_id, bit_xor(hash({values})) FROM {relation} "
        "WHERE snapshot_id IN (SELECT unnest(?::BIGINT[])) GROUP BY snapshot_id"
    )
    return dict(connection.execute(query, [snapshot_ids.unique().tolist()]).fetchall())


def _file(path: Path) -> str:
    quoted = str(path).replace("'", "''")
    return f"read_parquet('{quoted}', file_row_number = true)"


def _lowest_id(connection: DuckDBPyConnection) -> int:
    return int(connection.execute("SELECT least(0, coalesce(min(snapshot_id), 0)) FROM snapshots").fetchall()[0][0])


def _insert_rows(
    connection: DuckDBPyConnection, table: SnapshotTable, rows: Path, new: pd.DataFrame, shift: int
) -> None:
    """Insert the rows of the new snapshots, under their ids here; raises StoreDamaged if any is missing."""
    # Ordered, because DuckDB reorders the rows of a snapshot that spans two row groups.
    connection.execute(
        f"INSERT INTO {table.name} BY NAME SELECT * EXCLUDE (file_row_number) "
        f"REPLACE (snapshot_id - ? AS snapshot_id) FROM {_file(rows)} "
        "WHERE snapshot_id IN (SELECT unnest(?::BIGINT[])) ORDER BY file_row_number",
        [shift, new["snapshot_id"].tolist()],
    )
    highest = int(new["snapshot_id"].max()) - shift
    lowest = int(new["snapshot_id"].min()) - shift
    inserted = connection.execute(
        f"SELECT count(*) FROM {table.name} WHERE snapshot_id BETWEEN ? AND ?", [lowest, highest]
    ).fetchall()[0][0]
    if inserted != new["rows"].sum():
        raise StoreDamaged(
            f"{table.name} came out with {inserted} rows", f"{new['rows'].sum()} were expected", "run again"
        )


def _insert_lines(
    connection: DuckDBPyConnection, table: SnapshotTable, new: pd.DataFrame, ids: Mapping[int, int]
) -> None:
    """Insert the index rows; an input that was not inserted before counts as GONE."""
    given = [ids[old] for old in new["snapshot_id"].tolist()]
    inputs = [[ids.get(int(above), GONE) for above in above_it] for above_it in new["inputs"]]
    lines = new.assign(
        snapshot_id=given,
        inputs=pd.Series(inputs, index=new.index, dtype="object"),
        content_hash=[content_hash_of(connection, table.name, each) for each in given],
    )
    columns = ", ".join(f'"{c.name}"::{c.type} AS "{c.name}"' for c in SNAPSHOTS.columns if c.name in lines)
    connection.execute(f"INSERT INTO snapshots BY NAME SELECT {columns} FROM lines")
    assert len(lines) == len(given), "`lines` is read by the statement, by name"
