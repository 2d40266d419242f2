"""The store of snapshots, with the index of snapshots and the ledger of API calls.

A snapshot is the rows of one fetch or one computation for one key. Its rows and its index row are one transaction,
acknowledged after COMMIT. Ids rise in order of commit and a snapshot is one insert, so a lookup by id reads one row
group however large the file is, without a database index.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from wheel_assets.cache.policy import CLOCK_TOLERANCE, SNAPSHOT_COLUMNS, CacheKey, Snapshot
from wheel_assets.cache.store import schema
from wheel_assets.cache.store.access_log import AccessLog
from wheel_assets.cache.store.cache_file import CacheFile, make_private_folder
from wheel_assets.cache.store.entry import Entry as Entry
from wheel_assets.cache.store.entry import insert, written
from wheel_assets.cache.store.inferred import InferredTable, fit
from wheel_assets.cache.store.leases import Leases
from wheel_assets.cache.store.memory import MemoryCache
from wheel_assets.cache.store.pull_lock import pull_lock
from wheel_assets.cache.store.receipts import Receipts
from wheel_assets.cache.upkeep.maintenance import Limits, Maintenance
from wheel_assets.columns import identifier
from wheel_assets.errors import BadFrame, StoreDamaged, StoreError
from wheel_assets.tables import API_CALLS, SNAPSHOTS, STORED_TABLES, SnapshotTable

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

INDEX_DEPTH = 50  # newest snapshots of a cache key that a read may choose from
LEAST_DOLLARS = 1e-6  # dollars: below it a sum of estimates is rounding
_INSERT_CALL = f"INSERT INTO api_calls VALUES ({', '.join('?' for _ in API_CALLS.columns)})"

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    """The current time, naive UTC as times are stored. Only the edges of the program call this."""
    return datetime.now(UTC).replace(tzinfo=None)


class Store:
    """The cache in one DuckDB file, for any number of processes.

    `tables` are the declared tables of snapshots; `clock` returns the time, naive UTC; `limits` bound size and age
    (None: no limit); `after_put` is called after each `put`.
    """

    def __init__(
        self,
        path: Path,
        tables: Sequence[SnapshotTable] = STORED_TABLES,
        clock: Callable[[], datetime] = utc_now,
        lock_seconds: float = 60,
        limits: Limits | None = None,
    ) -> None:
        self.tables = {table.name: table for table in tables}
        self.clock = clock
        self.file = CacheFile(path, (*tables, SNAPSHOTS, API_CALLS), clock, lock_seconds)
        self.receipts = Receipts(self.path.with_name(f"{self.path.name}.receipts"))
        self.file.when_opened = self.receipts.reconcile
        self.leases = Leases(self.file.path.parent / "leases")
        self.maintenance = Maintenance(self.file, limits, self.leases.held)
        self.after_put: Callable[[Store], None] | None = None
        self.uses = AccessLog(self.path.with_name(f"{self.path.name}.uses"))
        self._clock_warned = False
        self._memory = MemoryCache()

    @property
    def path(self) -> Path:
        """Path of the file."""
        return self.file.path

    def put(self, table: str, entries: Sequence[Entry], view: schema.View | None = None) -> list[Snapshot]:
        """Store one snapshot per entry, all of them or none, and return them with their ids.

        An undeclared table is inferred from the entries' frames and shown under the name `view`. Raises BadFrame,
        before anything is written, for an empty frame or one that does not fit its table: a good snapshot is never
        replaced by an empty one.
        """
        declared = self.tables.get(table) or InferredTable.of(table, [entry.frame for entry in entries])
        # Conformed before the lock is taken: the file is held for milliseconds only.
        frames = [declared.conform(entry.frame) for entry in entries]
        for entry, frame in zip(entries, frames, strict=True):
            if frame.empty:
                raise BadFrame(f"no rows of {table} for {entry.key}", "an empty result is never cached", "")
        self.write_touches()  # first, so that recently used snapshots are not evicted to make room
        self.maintenance.make_room(table, sum(written(declared, frame) for frame in frames))
        with self.file.transaction() as connection:
            # Read under the lock, so that creation times rise with the ids.
            created_at = self.clock()
            if isinstance(declared, InferredTable):
                for frame in frames:
                    fit(connection, declared, frame)
                if view is not None:
                    schema.make_view(connection, table, view)
            snapshots = [
                insert(connection, declared, entry, frame, created_at)
                for entry, frame in zip(entries, frames, strict=True)
            ]
        # Only after COMMIT: what was rolled back must not be served from memory.
        for snapshot, frame in zip(snapshots, frames, strict=True) if table in self.tables else ():
            stored = frame.assign(snapshot_id=snapshot.snapshot_id, created_at=snapshot.created_at)
            self._memory.keep(snapshot, declared.restore(stored))
        self.maintenance.after_write()
        if self.after_put is not None:
            self.after_put(self)
        return snapshots

    def get(self, table: str, snapshot_ids: Sequence[int], columns: Sequence[str] = ()) -> pd.DataFrame:
        """The rows of these snapshots in this order, each column in its declared dtype.

        Reads only `columns` where given. Raises UsageError for an unknown column, and StoreDamaged where a snapshot is
        missing or unreadable; it has been removed from the index by then.
        """
        import pandas as pd

        declared = self.tables.get(table)
        if declared is None:
            return (
                self._read_inferred(table, snapshot_ids, columns)
                if snapshot_ids
                else pd.DataFrame(columns=list(columns))
            )
        declared.check(columns)
        if not snapshot_ids:
            return declared.restore(pd.DataFrame(columns=[column.name for column in declared.stored_columns]), columns)
        if in_memory := self._memory.get(snapshot_ids):
            frames = [declared.restore(frame, columns) for frame in in_memory]
            return pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
        with self.file.attached() as connection:
            frame = _rows(connection, table, snapshot_ids, columns)
        return declared.restore(self._whole(table, snapshot_ids, frame), columns)

    def newest(self, table: str) -> list[Snapshot]:
        """The newest snapshot of each key of a table, regardless of age."""
        query = f"""
            SELECT {SNAPSHOT_COLUMNS} FROM snapshots WHERE table_name = ?
            QUALIFY row_number() OVER (PARTITION BY key ORDER BY snapshot_id DESC) = 1 ORDER BY key
        """
        with self.file.attached() as connection:
            return [Snapshot.of_row(row) for row in connection.execute(query, [table]).fetchall()]

    def index(self, cache_keys: Collection[CacheKey]) -> tuple[list[Snapshot], int]:
        """The newest snapshots of each cache key, newest first, and the highest id, both at one moment."""
        tables, keys = (sorted({cache_key[i] for cache_key in cache_keys}) for i in (0, 1))
        query = f"""
            SELECT {SNAPSHOT_COLUMNS}
            FROM snapshots WHERE list_contains(?, table_name) AND list_contains(?, key)
            QUALIFY row_number() OVER (PARTITION BY table_name, key ORDER BY snapshot_id DESC) <= {INDEX_DEPTH}
            ORDER BY snapshot_id DESC
        """
        with self.file.attached() as connection:
            rows = connection.execute(query, [tables, keys]).fetchall()
            last = connection.execute("SELECT coalesce(max(snapshot_id), 0) FROM snapshots").fetchone()
        snapshots = [Snapshot.of_row(row) for row in rows]
        self._check_clock(snapshots)
        self._memory.forget_others(snapshots)
        return snapshots, last[0] if last else 0

    def forget(self, snapshot_ids: Sequence[int]) -> None:
        """Remove snapshots from the index, so that no read finds them."""
        with self.file.transaction() as connection:
            query = "DELETE FROM snapshots WHERE list_contains(?::BIGINT[], snapshot_id)"
            connection.execute(query, [list(snapshot_ids)])

    def touch(self, snapshots: Collection[Snapshot]) -> None:
        """Count a use of each snapshot, visible at once to every process: recently used ones are evicted last."""
        try:
            if snapshots and self.uses.add([snapshot.snapshot_id for snapshot in snapshots], self.clock()):
                self.write_touches()
        except OSError as error:
            log.warning("uses of %s were not counted: %s", self.path, error.strerror)

    def write_touches(self) -> None:
        """Move the uses noted so far into the index; a failure is only logged."""
        try:
            if not self.uses.waiting:
                return
            with self.file.transaction() as connection:
                self.uses.move_to(connection)
        except (StoreError, OSError) as error:
            log.warning("uses of the cache were not counted: %s", error)

    def record_calls(self, calls: Sequence[tuple[Any, ...]], held: Mapping[str, float] = MappingProxyType({})) -> None:
        """Append calls to the ledger; each has the columns of `tables.API_CALLS`, in order.

        `held` sets the dollars of reservations, found by their `error` text; at 0 they are removed.
        """
        if not (calls or held):
            return
        with self.file.transaction() as connection:
            self.receipts.add(connection, calls, held)
            if calls:
                connection.executemany(_INSERT_CALL, [list(call) for call in calls])
            for note, dollars in held.items():
                connection.execute("UPDATE api_calls SET cost_usd = ? WHERE error = ?", [max(0.0, dollars), note])
                connection.execute("DELETE FROM api_calls WHERE error = ? AND cost_usd < ?", [note, LEAST_DOLLARS])

    def reserve(self, call: tuple[Any, ...], cost_usd: float, since: datetime, limit: float) -> float | None:
        """Append a call unless the dollars spent since `since` (naive UTC) would exceed `limit`.

        Returns None, or the dollars spent where that forbids it. Atomic across processes.
        """
        with self.file.transaction() as connection:
            spent = _spent(connection, since)
            if spent + cost_usd > limit + LEAST_DOLLARS:
                return spent
            self.receipts.add(connection, [call])
            connection.execute(_INSERT_CALL, list(call))
        return None

    def spent(self, since: datetime) -> float:
        """Dollars in the ledger since `since` (naive UTC), reservations included."""
        with self.file.attached() as connection:
            return _spent(connection, since)

    @contextmanager
    def pulling(self, cache_keys: Collection[CacheKey]) -> Iterator[None]:
        """Be the only one, in any process, to pull these cache keys; others wait.

        Locks are taken in one order, so that two pulls cannot wait for each other, and never while the file is
        attached. The kernel releases those of a process that dies. Raises StoreBusy, naming the process that pulls,
        where that takes too long.
        """
        folder = self.path.parent / "locks"
        make_private_folder(folder)
        with ExitStack() as held:
            for table, key in sorted(cache_keys):
                held.enter_context(pull_lock(folder, f"{table}.{key}"))
            yield

    def _check_clock(self, snapshots: Collection[Snapshot]) -> None:
        """Warn once that the clock was set back: `policy` treats snapshots from the future as too old."""
        ahead = max((snapshot.created_at for snapshot in snapshots), default=datetime.min) - self.clock()
        if ahead > CLOCK_TOLERANCE and not self._clock_warned:
            self._clock_warned = True
            log.warning("the newest snapshot was cached %s from now (clock set back?); it is fetched again", ahead)

    def _read_inferred(self, table: str, snapshot_ids: Sequence[int], columns: Sequence[str]) -> pd.DataFrame:
        """The rows of snapshots of an inferred table."""
        with self.file.attached() as connection:
            known = InferredTable.in_file(connection, table)
            known.check(columns)
            frame = _rows(connection, table, snapshot_ids, columns)
        return known.restore(self._whole(table, snapshot_ids, frame), columns)

    def _whole(self, table: str, snapshot_ids: Sequence[int], frame: pd.DataFrame) -> pd.DataFrame:
        """The frame itself; raises StoreDamaged for snapshots without rows, and takes them out of the index."""
        missing = sorted(set(snapshot_ids) - set(frame["snapshot_id"].unique()))
        if not missing:
            return frame
        # Out of the index, so that the next lookup is a miss and fetches again, instead of failing here for good.
        self.forget(missing)
        raise StoreDamaged(f"snapshots {missing} of {table} are gone", "they were removed meanwhile", "run again")


def _rows(
    connection: DuckDBPyConnection, table: str, snapshot_ids: Sequence[int], columns: Sequence[str]
) -> pd.DataFrame:
    """The rows of snapshots in the order of the ids, in one query: a query per snapshot takes 6 ms each.

    Has the column snapshot_id, also where `columns` does not name it. DuckDB returns what a filter passes in the order
    of insertion; a join with the ids, or `IN`, would not, and to sort whole rows takes as long as to read them.
    """
    # BETWEEN lets DuckDB skip the other row groups by their minimum and maximum.
    query = (
        f"SELECT {_list(columns and tuple(dict.fromkeys(('snapshot_id', *columns))))} FROM {identifier(table)} "
        "WHERE snapshot_id BETWEEN $1 AND $2 AND list_contains($3::BIGINT[], snapshot_id)"
    )
    frame = connection.execute(query, [min(snapshot_ids), max(snapshot_ids), list(snapshot_ids)]).df()
    position = frame["snapshot_id"].map({each: at for at, each in enumerate(snapshot_ids)})
    if position.is_monotonic_increasing:
        return frame
    return frame.iloc[position.argsort(kind="stable")].reset_index(drop=True)


def _list(columns: Sequence[str]) -> str:
    return ", ".join(identifier(name) for name in columns) or "*"


def _spent(connection: DuckDBPyConnection, since: datetime) -> float:
    row = connection.execute('SELECT coalesce(sum(cost_usd), 0) FROM api_calls WHERE "at" >= ?', [since]).fetchone()
    return float(row[0]) if row else 0.0


@cache
def store_at(path: Path, limits: Limits | None = None) -> Store:
    """The one store of this process for the file at `path`."""
    return Store(path, limits=limits)
