"""Data of the original design, or exported by hand, put into the cache under its original times.

What it did is reported row by row: what was taken, what was here already, what could not be taken and why.
Migrated data is history: it keeps the time it was cached at, and is marked as made by no recipe of
today's, so that no reader ever takes it for its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wheel_assets.cache.policy import WHOLE
from wheel_assets.cache.store.backfill import insert_backfill
from wheel_assets.cache.store.entry import BYTES_A_ROW
from wheel_assets.cache.store.store import Store
from wheel_assets.cache.untrusted_files import confined
from wheel_assets.columns import literal
from wheel_assets.errors import UsageError
from wheel_assets.migrate import old_shapes
from wheel_assets.migrate.old_files import Found, read_source
from wheel_assets.migrate.old_shapes import OldRow
from wheel_assets.migrate.values import Refusal, moment, read_rows
from wheel_assets.sanitise import account_alias
from wheel_assets.tables import SnapshotTable

if TYPE_CHECKING:
    import pandas as pd

RECIPE = "migrated"
SOURCE = "migrated"

Group = tuple[str, str, datetime]  # table, key, time of caching
Groups = dict[Group, list[tuple[dict[str, Any], str]]]  # rows in our columns, each with where it stands


@dataclass
class Migration:
    """What a migration did, or would do: snapshots and rows by table, and what it could not take."""

    kind: str
    snapshots: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    present: int = 0
    refused: list[Refusal] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)  # columns that are not ours, by table
    expiring: int = 0  # snapshots beyond the TTL: the next clean-up takes them
    dry_run: bool = False


def migrate(store: Store, path: Path | str, *, table: str | None = None, dry_run: bool = False) -> Migration:
    """Take what an old file holds into the store; with `dry_run` only report what would be taken.

    `path` is a SQLite or DuckDB file of the original design, or CSV, JSON or Parquet in our own column
    names, all rows of it of `table` where that is given. Running it again changes nothing. Raises
    UsageError for a file that is of no known kind or cannot be read to its end.
    """
    path = Path(path).expanduser().resolve()
    if path.exists() and store.path.exists() and path.samefile(store.path):
        raise UsageError(f"{path} is the cache itself", "", "move the old file elsewhere, then migrate it from there")
    kind, found = read_source(path)
    migration = Migration(kind, dry_run=dry_run)
    frames = _frames(store, _grouped(store, found, table, migration), migration)
    for name, snapshots in frames.items():
        migration.snapshots[name] = len(snapshots)
        migration.rows[name] = sum(len(rows) for _, rows in snapshots)
        if store.path.exists() or not dry_run:
            migration.present += len(snapshots) - _put(store, store.tables[name], snapshots, dry_run)
    return migration


def _frames(store: Store, groups: Groups, migration: Migration) -> dict[str, list[tuple[Group, pd.DataFrame]]]:
    """The snapshots of each table, of the rows that fit; the others are refused."""
    limits = store.maintenance.limits
    oldest = store.clock() - limits.ttl if limits else datetime.min
    frames: dict[str, list[tuple[Group, pd.DataFrame]]] = {}
    for group, members in groups.items():
        rows, refused = read_rows(store.tables[group[0]], [row for row, _ in members], [where for _, where in members])
        migration.refused += refused
        if not rows.empty:
            frames.setdefault(group[0], []).append((group, rows))
            migration.expiring += group[2] < oldest
    return frames


def _grouped(store: Store, found: Iterator[Found], table: str | None, migration: Migration) -> Groups:
    """Rows in our columns, by the snapshot they make up; what is not understood is refused."""
    groups: Groups = {}
    for old in found:
        try:
            shape = _shape(store, old, table)
            parts = shape.split(old.values)
            if shape.read is dict:
                _note_left_out(migration, store.tables[shape.table], old)
        except (ValueError, TypeError) as error:
            migration.refused.append(Refusal(old.where, str(error)))
            continue
        for number, part in enumerate(parts, 1):
            where = old.where if len(parts) == 1 else f"{old.where}, item {number}"
            try:
                row = shape.read(part)
                if row.get("account_id"):
                    row["account_id"] = account_alias(str(row["account_id"]))
                groups.setdefault(_group(store.tables[shape.table], row), []).append((row, where))
            except (ValueError, TypeError) as error:
                migration.refused.append(Refusal(where, str(error)))
    return groups


def _note_left_out(migration: Migration, table: SnapshotTable, old: Found) -> None:
    ours = {column.name for column in table.stored_columns}
    if others := sorted(set(old.values) - ours):
        migration.left_out[table.name] = others


def _group(table: SnapshotTable, row: dict[str, Any]) -> Group:
    """The snapshot that a row belongs to."""
    at = moment(row.get("created_at") or row.get("timestamp"))
    return table.name, WHOLE if table.key is None else str(row.get(table.key)), at


@dataclass(frozen=True)
class _Shape:
    """How an old row becomes rows of ours: taken apart, then read one by one."""

    table: str
    read: Callable[[OldRow], dict[str, Any]]
    split: Callable[[OldRow], list[dict[str, Any]]] = lambda old: [dict(old)]


_DOCUMENTS = {
    "data": _Shape("option_chains", old_shapes.chain_row, old_shapes.chain_document),
    "positions": _Shape("positions", old_shapes.holding_row, old_shapes.positions_document),
}
_FLAT = {
    "option_chains": _Shape("option_chains", old_shapes.chain_row),
    "databento_option_chains": _Shape("option_chains", old_shapes.chain_row),
    "positions": _Shape("positions", old_shapes.holding_row),
    "account_snapshots": _Shape("positions", old_shapes.account_row),
    "greeks_cache": _Shape("greeks", old_shapes.greeks_row),
    "predictions_cache": _Shape("predictions", old_shapes.prediction_row),
}


def _shape(store: Store, old: Found, table: str | None) -> _Shape:
    """How to read an old row: by its columns if it has all of ours, else by its table's name.

    Only rows in our own columns keep their `created_at`. The original's was local time, by DuckDB's
    default; its `timestamp` was UTC, and taken at the same moment.
    """
    columns, name = set(old.values), (table or old.table).lower()
    fitting = [ours for ours in store.tables.values() if name in ("", ours.name) and _required(ours) <= columns]
    if fitting:
        return _Shape(max(fitting, key=lambda ours: len(_required(ours))).name, dict)
    for column, shape in _DOCUMENTS.items():
        if column in columns and name in ("", "option_chains", "position_snapshots", "positions"):
            return shape
    if name not in _FLAT:
        raise ValueError(f"there is no table for it: columns {', '.join(sorted(columns))[:120]}")
    return _FLAT[name]


def _required(table: SnapshotTable) -> set[str]:
    return {column.name for column in table.columns if column.required}


def _put(store: Store, table: SnapshotTable, snapshots: list[tuple[Group, pd.DataFrame]], dry_run: bool) -> int:
    """Put the snapshots of one table, oldest first, and return how many are new."""
    import pandas as pd

    numbered = list(enumerate(sorted(snapshots, key=lambda each: each[0][2]), 1))
    frames = [
        rows.assign(snapshot_id=number, created_at=np.datetime64(group[2], "us")) for number, (group, rows) in numbered
    ]
    index = pd.DataFrame([_line(number, group, rows) for number, (group, rows) in numbered])
    columns = ", ".join(f'"{c.name}"::{c.type} AS "{c.name}"' for c in table.stored_columns)
    with tempfile.TemporaryDirectory() as folder, confined(scratch=Path(folder)) as writer:
        writer.register("together", pd.concat(frames, ignore_index=True))
        writer.execute(f"COPY (SELECT {columns} FROM together) TO {literal(f'{folder}/rows.parquet')}")
        return insert_backfill(store, table, Path(folder) / "rows.parquet", index, {}, dry_run=dry_run)


def _line(number: int, group: Group, rows: pd.DataFrame) -> dict[str, Any]:
    """The line of the index for one snapshot."""
    table, key, created_at = group
    at = np.datetime64(created_at, "us")
    source = "+".join(sorted(set(rows["source"]))) if "source" in rows else SOURCE
    return {
        "snapshot_id": number,
        "table_name": table,
        "key": key,
        "timestamp": rows["timestamp"].max(),
        "created_at": at,
        "last_used_at": at,
        "hits": 0,
        "rows": len(rows),
        "bytes": len(rows) * BYTES_A_ROW,
        "content_hash": "",
        "source": source,
        "run_id": None,
        "inputs": (),
        "recipe": RECIPE,
    }
