"""Inputs as they were in force at an earlier time, from the snapshots still kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from wheel_assets.cache.policy import SNAPSHOT_COLUMNS, LookupResult, Node, Reason, Snapshot
from wheel_assets.cache.reading.loaded_input import LoadedInput, described
from wheel_assets.errors import UsageError

if TYPE_CHECKING:
    from wheel_assets.cache.store.store import Store

_QUERY = f"""
    SELECT {SNAPSHOT_COLUMNS}
    FROM snapshots WHERE created_at <= ? AND list_contains(?, table_name)
    QUALIFY row_number() OVER (PARTITION BY table_name, key ORDER BY created_at DESC, snapshot_id DESC) = 1
"""


def loaded_as_of(store: Store, nodes: Sequence[Node], needed: Sequence[str], when: datetime) -> dict[str, LoadedInput]:
    """Inputs by table: of each key the newest snapshot at `when` (naive UTC).

    A table that is not `needed` may be empty. Raises UsageError where a needed one is, and StoreDamaged where a
    snapshot cannot be read.
    """
    index = _index_at(store, [node.table for node in nodes], when)
    loaded = {}
    for node in nodes:
        found = {key: index[node.table, key] for key in node.keys if (node.table, key) in index}
        absent = [key for key in node.keys if key not in found and node.table in needed]
        missing = {key: f"nothing of {key} was cached by then" for key in absent}
        frame = store.get(node.table, [snapshot.snapshot_id for snapshot in found.values()])
        reads = [_read(node, snapshot, when) for snapshot in found.values()]
        loaded[node.table] = LoadedInput(frame, tuple(reads), missing)
    _refuse_gaps(loaded, needed, when)
    return loaded


def _refuse_gaps(loaded: dict[str, LoadedInput], needed: Sequence[str], when: datetime) -> None:
    empty = [table for table in needed if loaded[table].frame.empty]
    if empty:
        raise UsageError(
            f"there is no advice as of {when:%Y-%m-%d %H:%M} UTC",
            f"no snapshot of {' and '.join(empty)} is kept from before it",
            "`wheel stats` shows how far back the cache goes, `wheel restore DIR` restores an archive",
        )


def _index_at(store: Store, tables: Sequence[str], when: datetime) -> dict[tuple[str, str], Snapshot]:
    with store.file.attached() as connection:
        rows = connection.execute(_QUERY, [when, list(tables)]).fetchall()
    snapshots = [Snapshot.of_row(row) for row in rows]
    return {snapshot.cache_key: snapshot for snapshot in snapshots}


def _read(node: Node, snapshot: Snapshot, when: datetime) -> dict[str, object]:
    result = LookupResult(node.table, snapshot.key, Reason.FRESH, node.max_age, snapshot, when - snapshot.created_at)
    return described(result, result)
