"""The DuckDB file: one user at a time, attached for milliseconds, created and replaced atomically.

Every process keeps one in-memory DuckDB instance and attaches the file for each operation: about 1 ms against 18 ms for
`duckdb.connect`. A lock on a *separate* file, which is never deleted, serialises all processes, readers included:
shared readers would starve the writers. The database file is never opened by other means while it is attached: closing
such a handle would drop DuckDB's own POSIX lock.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from wheel_assets.cache.duckdb_errors import as_store_errors, is_damage, unwritable
from wheel_assets.cache.store import schema
from wheel_assets.cache.store.lock import exclusive
from wheel_assets.cache.upkeep import compaction, copying, recovery
from wheel_assets.cache.upkeep.snapshot_index import next_id
from wheel_assets.errors import StoreBusy, StoreDamaged, StoreUnwritable, UsageError
from wheel_assets.tables import Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CHECKPOINT_WAL_BYTES = 500_000  # replaying the log costs 7 ms a MB on every attach
MIN_FREE_BYTES = 8_000_000  # less: no checkpoint, because one on a full disk may tear the file

log = logging.getLogger(__name__)


class CacheFile:
    """The file at `path` with `tables`; `clock` returns the time (naive UTC) for dated names."""

    def __init__(
        self, path: Path, tables: Sequence[Table], clock: Callable[[], datetime], lock_seconds: float = 60
    ) -> None:
        self.path = Path(os.path.realpath(path))  # a rename would replace a symbolic link, not its target
        self.tables = tables
        self.clock = clock
        self.lock_seconds = lock_seconds
        self.config: dict[str, Any] = {}  # settings of DuckDB instead of those here
        self.refuses_others = False  # whether the database of another program is refused instead of set aside
        self._instance: tuple[int, DuckDBPyConnection] | None = None
        self._checked_inode: int | None = None  # of the file whose schema was checked; a compaction replaces it
        self.when_opened: Callable[[DuckDBPyConnection], None] | None = None  # called once for each file found there

    @property
    def size(self) -> int:
        """Bytes on disk, write-ahead log included; 0 where there is no file."""
        return copying.file_size(self.path)

    def remove_broken(self, most_bytes: float) -> None:
        """Remove broken files that were set aside, oldest first, until those left take `most_bytes` at most."""
        recovery.remove_broken(self.path, most_bytes)

    @contextmanager
    def attached(self) -> Iterator[DuckDBPyConnection]:
        """The file, locked and attached as the default database, for the length of the block.

        Raises StoreBusy after `lock_seconds`, StoreUnwritable, StoreTooNew, and StoreDamaged where the block reads a
        damaged part: everything verifiable has been recovered by then.
        """
        with self._locked():
            connection, damage = self._attach(), None
            with as_store_errors(self.path):
                try:
                    yield connection
                except duckdb.Error as error:
                    if not is_damage(error):
                        raise
                    damage = error
                finally:
                    self._detach(connection)
                if damage is not None:
                    what = f"a part of {self.path} cannot be read"
                    raise StoreDamaged(what, self._recover(damage), "run again") from damage

    @contextmanager
    def transaction(self) -> Iterator[DuckDBPyConnection]:
        """`attached` in one transaction: all changes are durable when the block ends, or none."""
        with self.attached() as connection:
            self.require_free(MIN_FREE_BYTES)
            with schema.one_transaction(connection):
                yield connection
            self._checkpoint_if_long(connection)

    def rewrite(self, drop: Collection[int] = ()) -> list[int]:
        """Replace the file by a compact copy without the snapshots in `drop`; return the kept ids.

        Other processes use the file meanwhile. Must not be called while it is attached. Raises StoreBusy where another
        process is compacting.
        """
        compacting = self._alone(f"{self.path}.compact.lock", "is being compacted by another process")
        with compacting, closing(self.twin()) as own, as_store_errors(self.path):
            return compaction.Compaction(self.path, self.tables, own.attached).run(drop)

    def twin(self) -> CacheFile:
        """The same file on a separate connection, for work between attachments; close it when done."""
        return CacheFile(self.path, self.tables, self.clock, self.lock_seconds)

    def empty(self) -> None:
        """Remove the file first and put an empty one in its place: for a disk without any room for a copy.

        The ledger and `meta` are in memory meanwhile: a kill, or a still full disk, loses all but the `receipts`.
        """
        with self._locked():
            connection = self._attach()
            with as_store_errors(self.path), closing(self):
                first = next_id(connection)
                connection.execute("ATTACH ':memory:' AS kept")
                schema.adopt(connection, "cache", "kept")
                copying.copy_lists(connection, [], tolerant=True, target="kept")
                connection.execute("USE memory")
                connection.execute("DETACH cache")
                copying.remove(self.path)
                with copying.replacement(connection, self.path, self.tables, first):
                    schema.adopt(connection, "kept", "new")
                    copying.copy_lists(connection, [], tolerant=False, source="kept")

    def close(self) -> None:
        """Close this process's connection; the next use opens another."""
        if self._instance is not None:
            with suppress(duckdb.Error):
                self._instance[1].close()
            self._instance = None

    def require_free(self, wanted: float) -> None:
        """Raise StoreUnwritable unless the disk has `wanted` bytes free."""
        free = shutil.disk_usage(self.path.parent).free
        if free < wanted:
            raise StoreUnwritable(
                f"the cache {self.path} cannot be written",
                f"the disk has {free / 1e6:.0f} MB free, {wanted / 1e6:.0f} MB are needed",
                "free some space or set WHEEL_CACHE__DIR",
            )

    def _locked(self) -> AbstractContextManager[None]:
        return self._alone(f"{self.path}.lock", "is in use")

    @contextmanager
    def _alone(self, lock: str, busy: str) -> Iterator[None]:
        with ExitStack() as held:
            try:
                make_private_folder(self.path.parent)
                held.enter_context(exclusive(Path(lock), self.lock_seconds))
            except TimeoutError as error:
                raise StoreBusy(f"the cache {self.path} {busy}", str(error), "try again") from error
            except OSError as error:
                raise unwritable(self.path, error) from error
            yield

    def _connection(self) -> DuckDBPyConnection:
        """This process's DuckDB instance; a forked child makes its own."""
        if self._instance is None or self._instance[0] != os.getpid():
            limits: dict[str, Any] = {"threads": 2, "memory_limit": "512MB", "temp_directory": f"{self.path}.tmp"}
            offline = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
            connection = duckdb.connect(":memory:", config={**limits, **offline, **self.config})
            connection.execute("SET TimeZone='UTC'")
            connection.execute("SET enable_progress_bar = false")  # it would go to standard output
            # A checkpoint overwrites metadata in place and a kill may tear it, so fewer are safer; see
            # `_checkpoint_if_long`.
            connection.execute("SET checkpoint_on_detach='DISABLED'")
            self._instance = (os.getpid(), connection)
            self._checked_inode = None
        return self._instance[1]

    def _attach(self) -> DuckDBPyConnection:
        for _ in range(3):
            with as_store_errors(self.path):
                connection = self._connection()
                if not self.path.exists():
                    self._create(connection)
                try:
                    self._attach_existing(connection)
                    return connection
                except duckdb.Error as error:
                    if not is_damage(error):
                        raise
                    self._recover(error)
        raise StoreDamaged(f"the cache {self.path} cannot be opened", "a fresh one is damaged too", "check the disk")

    def _attach_existing(self, connection: DuckDBPyConnection) -> None:
        deadline = time.monotonic() + self.lock_seconds
        while True:
            try:
                connection.execute("ATTACH ? AS cache", [str(self.path)])
                break
            except duckdb.IOException as error:
                # This process holds the cache's lock, so only another program can hold DuckDB's own.
                if "Could not set lock" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        connection.execute("USE cache")
        inode = self.path.stat().st_ino
        if inode == self._checked_inode:
            return
        try:
            is_cache = schema.is_ours(connection)
            if is_cache:
                schema.bring_up_to_date(connection, self.path, self.tables)
                if self.when_opened is not None:
                    self.when_opened(connection)
        except BaseException:  # an interrupt too: left attached, the file would lock out all other processes
            self._detach(connection)
            raise
        if is_cache:
            self._remove_leftovers()
            self._checked_inode = inode
        else:
            self._set_foreign_aside(connection)

    def _remove_leftovers(self) -> None:
        """Remove unfinished copies of killed processes."""
        copying.remove(self.path.with_name(f"{self.path.name}.new"))
        copy = self.path.with_name(f"{self.path.name}.compact")
        if copy.exists():
            with suppress(TimeoutError), exclusive(Path(f"{copy}.lock"), 0):
                copying.remove(copy)

    def _set_foreign_aside(self, connection: DuckDBPyConnection) -> None:
        """Set a database of another program aside and create an empty cache, or raise UsageError."""
        self._detach(connection)
        if self.refuses_others:
            raise UsageError(f"the database {self.path} is refused", "another program's", "name a file for the cache")
        aside = recovery.set_aside(self.path, self.clock(), "other")
        log.warning("%s was not made by this program; it is %s now, `wheel migrate` may read it", self.path, aside)
        self._create(connection)
        self._attach_existing(connection)

    def _create(self, connection: DuckDBPyConnection, first_id: int = 1) -> None:
        """Create an empty file under a temporary name and rename it: a kill leaves all or nothing."""
        copying.remove(self.path)  # a log without its file
        with copying.replacement(connection, self.path, self.tables, first_id):
            pass

    def _recover(self, error: duckdb.Error) -> str:
        """Set the file aside, recover its whole snapshots, and return a description of the outcome."""
        self.close()  # the connection may be unusable after the error
        aside = recovery.set_aside(self.path, self.clock())
        try:
            kept = recovery.recover(self._connection(), aside, self.path, self.tables)
        # Undone, so that the next run tries again: set aside without a recovered file, the snapshots would be lost.
        except KeyboardInterrupt:
            for old, new in zip(copying.with_log(aside), copying.with_log(self.path), strict=True):
                with suppress(FileNotFoundError):
                    os.replace(old, new)
            raise
        if kept is None:
            # Ids are never reused: seconds since 1970 are above any id of the old file.
            self._create(self._connection(), int(self.clock().replace(tzinfo=UTC).timestamp()))
        outcome = "a fresh one was begun" if kept is None else f"its {kept} whole snapshots were kept"
        outcome_text = f"it was set aside as {aside.name} and {outcome}"
        log.warning("the cache %s is damaged (%s); %s", self.path, " ".join(str(error).split())[:200], outcome_text)
        return outcome_text

    def _detach(self, connection: DuckDBPyConnection) -> None:
        try:
            connection.execute("USE memory")
            connection.execute("DETACH cache")
        except duckdb.Error as error:
            # Committed data is durable in the log; only this instance must be discarded.
            log.warning("detaching the cache failed (%s); a new connection will be made", error)
            connection.close()
            self._instance = None

    def _checkpoint_if_long(self, connection: DuckDBPyConnection) -> None:
        write_ahead_log = copying.with_log(self.path)[1]
        if not write_ahead_log.exists():
            return
        write_ahead_log.chmod(0o600)
        if write_ahead_log.stat().st_size > CHECKPOINT_WAL_BYTES:
            try:
                connection.execute("CHECKPOINT cache")
            except duckdb.Error as error:
                log.warning("the cache's write-ahead log could not be checkpointed (%s); nothing is lost", error)


def make_private_folder(folder: Path) -> None:
    """Create a folder with mode 0700; an existing one keeps its mode.

    Raises StoreUnwritable for a folder of another user or one that others can write to, as ssh does: replacing the file
    would change the advice.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
    found = folder.stat()
    if found.st_uid not in (os.geteuid(), 0):
        raise StoreUnwritable(f"the folder {folder} is refused", "it belongs to another user", "set WHEEL_CACHE__DIR")
    if found.st_mode & 0o022:
        raise StoreUnwritable(f"the folder {folder} is refused", "others can write to it", f"chmod go-w {folder}")
