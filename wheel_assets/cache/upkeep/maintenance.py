"""Retention: expiry by age, eviction by size, clean-up and clearing on request.

Nothing here runs on a schedule. Expired snapshots are removed by a write, if the last clean-up is long enough ago; the
least recently used ones are evicted when a write would take the file over its limit.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from wheel_assets.cache.store import schema
from wheel_assets.cache.store.cache_file import CacheFile
from wheel_assets.cache.upkeep.snapshot_index import Footprint, IndexRow, index_rows
from wheel_assets.columns import identifier
from wheel_assets.errors import BadFrame, StoreError, StoreUnwritable
from wheel_assets.tables import SNAPSHOTS, SnapshotTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from wheel_assets.sections import CacheSettings

# Shares of the limit. Only a copy makes a DuckDB file smaller, and file and copy are on the disk together:
# what the file may take and what an eviction leaves of it come to 1.1 times the limit.
FULL, ROOM = 0.6, 0.5
PEAK = 1.1
LEAST_GAIN = 0.05  # of the file: copying it for less is refused
SPARE = 1.1  # times what is to be copied: what the disk must have free for it
LAST_CLEANUP = "last_cleanup"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """Limits: size of the file in bytes, age of a snapshot, least time between automatic clean-ups."""

    max_bytes: int
    ttl: timedelta
    cleanup_interval: timedelta

    @classmethod
    def of(cls, cache: CacheSettings) -> Limits:
        """The limits that the settings set."""
        return cls(int(cache.max_size_gb * 1e9), cache.ttl, timedelta(hours=cache.cleanup_interval_hours))


@dataclass(frozen=True)
class Removal:
    """Removed snapshots by table (in a dry run those to be removed), and the file's bytes before and after."""

    snapshots: Mapping[str, int]
    rows: int
    bytes_before: int
    bytes_after: int

    @property
    def freed(self) -> int:
        """Bytes freed on disk."""
        return max(0, self.bytes_before - self.bytes_after)


class Maintenance:
    """Retention of one file within its limits; None keeps everything."""

    def __init__(
        self, file: CacheFile, limits: Limits | None = None, leased: Callable[[], Collection[int]] = frozenset
    ) -> None:
        self.file, self.limits, self.leased = file, limits, leased
        self._last_cleanup: datetime | None = None

    def after_write(self) -> None:
        """Remove expired snapshots, if due; a failure is only logged, because the write itself succeeded."""
        if self.limits is None:
            return
        try:
            if not self._recent(self._last_cleanup):
                self._expire()
        except StoreError as error:
            log.warning("the cache was not cleaned up: %s", error)

    def make_room(self, table: str, size: int) -> None:
        """Evict what was used least recently, whatever its key, if a write of `size` bytes, log included, is too much.

        Raises BadFrame for an entry that is larger than the limit. It only warns where evicting fails.
        """
        if self.limits is None:
            return
        if size > self.limits.max_bytes:
            raise BadFrame(
                f"an entry of {table} was refused",
                f"writing it takes {size / 1e6:.1f} MB, the limit of the cache is {self.limits.max_bytes / 1e6:.1f} MB",
                "raise WHEEL_CACHE__MAX_SIZE_GB, or max_size_gb of an IO manager of your own",
            )
        try:
            most = FULL * self.limits.max_bytes - size
            self.file.remove_broken(most - self.file.size)
            # The size first: it is cheap, while the other reads the whole index.
            if 2 * self.file.size > most and self._after_write() > most:
                self._evict(size)
        except (StoreError, OSError) as error:
            log.warning("the cache was not cleaned up: %s", error)

    def cleanup(self, dry_run: bool = False) -> Removal:
        """Remove what is too old or too much and compact the file; `dry_run` only reports what would be removed.

        Broken files that were set aside count against the limit and go first, oldest first.
        Every snapshot is verified on the way. Raises StoreUnwritable where the disk has no room for
        the new file.
        """
        with self.file.attached() as connection:
            lines = index_rows(connection)
            old = self._expired(lines)
            used = used_bytes(connection)
            young = [line for line in lines if line.snapshot_id not in old]
            drop = old | self._surplus(young, used * _share(young, lines))
        if self.limits is not None and not dry_run:
            self.file.remove_broken(FULL * self.limits.max_bytes - used)
        return self._without(lines, drop, used, dry_run)

    def clear(self) -> Removal:
        """Remove every snapshot; the ledger stays, and ids continue."""
        with self.file.attached() as connection:
            before, lines, used = self.file.size, index_rows(connection), used_bytes(connection)
        try:
            return self._without(lines, {line.snapshot_id for line in lines}, used)
        except StoreUnwritable as error:
            log.warning("%s; so the file is removed before the empty one is made", error)
            with suppress(StoreUnwritable):  # no file is an empty cache too
                self.file.empty()
            return self._removal(lines, before, self.file.size)

    def _recent(self, last: datetime | None) -> bool:
        """Whether the last clean-up is recent; one in the future (clock set back) is not."""
        assert self.limits is not None
        return last is not None and timedelta(0) <= self.file.clock() - last < self.limits.cleanup_interval

    def _expire(self) -> None:
        """Delete expired snapshots in place: the oldest are stored together, so their blocks become free."""
        with self.file.transaction() as connection:
            noted = schema.read_note(connection, LAST_CLEANUP)
            self._last_cleanup = datetime.fromisoformat(noted) if noted else None
            if self._recent(self._last_cleanup):
                return
            old = self._expired(index_rows(connection))
            for table in [*schema.data_tables(connection), SNAPSHOTS.name] if old else ():
                connection.execute(
                    f"DELETE FROM {identifier(table)} WHERE snapshot_id IN (SELECT unnest(?::BIGINT[]))", [sorted(old)]
                )
            now = self.file.clock()
            schema.write_note(connection, LAST_CLEANUP, now.isoformat())
        self._last_cleanup = now  # only now: a clean-up that was not committed does not count
        if old:
            log.info("%d expired snapshots were removed", len(old))

    def _expired(self, lines: Sequence[IndexRow]) -> set[int]:
        if self.limits is None:
            return set()
        oldest = self.file.clock() - self.limits.ttl
        return {line.snapshot_id for line in lines if line.created_at < oldest} - self._records(lines)

    def _after_write(self) -> float:
        """Bytes of the file after the smallest write: what it rewrites goes into free blocks first."""
        with self.file.attached() as connection:
            footprint, used = Footprint.of(connection), used_bytes(connection)
        return max(self.file.size, used * (1 + footprint.rewritten / max(1, footprint.bytes)))

    def _evict(self, size: int) -> None:
        """Copy what was used last to a smaller file, so that `size` more bytes fit, unless that hardly helps."""
        assert self.limits is not None
        with self.file.attached() as connection:
            connection.execute("CHECKPOINT cache")
            before, lines, used = self.file.size, index_rows(connection), used_bytes(connection)
        drop = self._surplus(lines, used, size)
        after = used * (1 - _share([line for line in lines if line.snapshot_id in drop], lines))
        if before - after < LEAST_GAIN * before:
            if before + size > self.limits.max_bytes:
                log.warning(
                    "the cache %s takes %.1f MB, the limit is %.1f MB, but running steps need what is in it; "
                    "raise WHEEL_CACHE__MAX_SIZE_GB or watch fewer symbols",
                    self.file.path, before / 1e6, self.limits.max_bytes / 1e6,
                )  # fmt: skip
            return
        gone = self._without(lines, drop, used)
        log.info("%d snapshots were evicted, %.1f MB freed", sum(gone.snapshots.values()), gone.freed / 1e6)

    def _surplus(self, lines: Sequence[IndexRow], used: float, size: int = 0) -> set[int]:
        """What has to go so that a file of the others takes `size` more bytes, and fits beside the present file."""
        footprint = Footprint(lines)
        if not footprint.bytes or self.limits is None:
            return set()
        most, packing, file_size = self.limits.max_bytes, used / footprint.bytes, self.file.size
        if used + footprint.rewritten * packing + size <= FULL * most:
            return set()
        left = ROOM * most - size
        if file_size <= most:  # else the limit was lowered, and the file is over it already
            left = min(left, PEAK * most - file_size)
        return least_recently_used(lines, left / packing, {*self.leased(), *self._records(lines)})

    def _records(self, lines: Sequence[IndexRow]) -> set[int]:
        """Ids of the newest snapshots of tables that no source can fetch again."""
        records = {table.name for table in self.file.tables if isinstance(table, SnapshotTable) and table.record}
        newest = {(line.table, line.key): line.snapshot_id for line in sorted(lines, key=lambda line: line.snapshot_id)}
        return {snapshot_id for (table, _), snapshot_id in newest.items() if table in records}

    def _without(
        self,
        lines: Sequence[IndexRow],
        drop: Collection[int],
        used: float,
        dry_run: bool = False,
    ) -> Removal:
        """Rewrite the file without some snapshots and return what was removed."""
        going = [line for line in lines if line.snapshot_id in drop]
        before, after = self.file.size, used * (1 - _share(going, lines))
        if not dry_run:
            self.file.require_free(after * SPARE)
            kept = self.file.rewrite(drop)
            with self.file.transaction() as connection:  # only now: a refused clean-up does not count
                schema.write_note(connection, LAST_CLEANUP, self.file.clock().isoformat())
            going = [line for line in lines if line.snapshot_id not in set(kept)]
            after = self.file.size
        return self._removal(going, before, int(after))

    def _removal(self, going: Sequence[IndexRow], before: int, after: int) -> Removal:
        counts = Counter({table.name: 0 for table in self.file.tables if isinstance(table, SnapshotTable)})
        counts.update(line.table for line in going)
        return Removal(dict(counts), sum(line.rows for line in going), before, after)


def least_recently_used(lines: Sequence[IndexRow], most: float, kept: Collection[int] = ()) -> set[int]:
    """Ids of the least recently used snapshots, without which a write leaves `most` bytes; never those in `kept`."""
    footprint, victims = Footprint(lines), set[int]()
    for line in sorted(lines, key=lambda line: (line.last_used_at, line.snapshot_id)):
        if footprint.bytes + footprint.rewritten <= most:
            break
        if line.snapshot_id not in kept:
            victims.add(line.snapshot_id)
            footprint.remove(line)
    return victims


def used_bytes(connection: DuckDBPyConnection) -> int:
    """Bytes in used blocks of the attached file."""
    query = "SELECT used_blocks * block_size FROM pragma_database_size() WHERE database_name = 'cache'"
    return int(connection.execute(query).fetchall()[0][0])


def _share(part: Sequence[IndexRow], whole: Sequence[IndexRow]) -> float:
    """Share of the data in a part of the snapshots, 0 to 1."""
    total = sum(line.bytes for line in whole)
    return sum(line.bytes for line in part) / total if total else 0.0
