"""The DuckDB file: one user at a time, attached for milliseconds, never half made.

Every process keeps one in-memory DuckDB instance and attaches the file for each operation: about 1 ms
against 18 ms for `duckdb.connect`. A lock on a *separate* file, which is never deleted, serialises all
processes, readers too: readers that share would starve the writers. Nobody opens the database file by
other means while it is attached; closing such a handle would drop DuckDB's own lock.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from filelock import FileLock, Timeout

from wheel_assets.errors import StoreBusy, StoreDamaged, StoreError, StoreTooNew, StoreUnwritable
from wheel_assets.tables import Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA_VERSION = 1
LOCK_POLL_SECONDS = 0.005
CHECKPOINT_WAL_BYTES = 500_000  # replaying the log costs 7 ms a MB on every attach
_DAMAGE = ("not a valid DuckDB database file", "Could not read enough bytes", "Corrupt", "WAL")

log = logging.getLogger(__name__)


class CacheFile:
    """The file at `path`, holding `tables`; `clock` tells the time (naive UTC) for dated names."""

    def __init__(
        self, path: Path, tables: Sequence[Table], clock: Callable[[], datetime], lock_seconds: float = 60
    ) -> None:
        self.path = path
        self.tables = tables
        self.clock = clock
        self.lock_seconds = lock_seconds
        self._instance: tuple[int, DuckDBPyConnection] | None = None
        self._checked_inode: int | None = None

    @contextmanager
    def attached(self) -> Iterator[DuckDBPyConnection]:
        """The file, locked and attached as the default database, for the length of the block.

        Raises StoreBusy after `lock_seconds`, StoreUnwritable, StoreTooNew, StoreDamaged.
        """
        with self._locked():
            connection = self._attach()
            try:
                with _as_store_errors(self.path):
                    yield connection
            finally:
                self._detach(connection)

    @contextmanager
    def transaction(self) -> Iterator[DuckDBPyConnection]:
        """As `attached`, in one transaction: all of it is durable when the block ends, or none."""
        with self.attached() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise
            self._checkpoint_if_long(connection)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = FileLock(f"{self.path}.lock", timeout=self.lock_seconds, poll_interval=LOCK_POLL_SECONDS, mode=0o600)
        try:
            make_private_folder(self.path.parent)
            lock.acquire()
        except Timeout as error:
            raise StoreBusy(
                f"the cache {self.path} is in use", f"no turn within {self.lock_seconds:g} s", "try again"
            ) from error
        except OSError as error:
            raise _unwritable(self.path, error) from error
        try:
            yield
        finally:
            lock.release()

    def _connection(self) -> DuckDBPyConnection:
        """This process's instance; a forked child makes its own."""
        if self._instance is None or self._instance[0] != os.getpid():
            limits = {"threads": 2, "memory_limit": "1GB", "temp_directory": f"{self.path}.tmp"}
            offline = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
            connection = duckdb.connect(":memory:", config={**limits, **offline})
            connection.execute("SET TimeZone='UTC'")
            # A checkpoint overwrites metadata in place and a kill may tear it: fewer are safer. See
            # `_checkpoint_if_long` for when one is made.
            connection.execute("SET checkpoint_on_detach='DISABLED'")
            self._instance = (os.getpid(), connection)
            self._checked_inode = None
        return self._instance[1]

    def _attach(self) -> DuckDBPyConnection:
        connection = self._connection()
        for _ in range(2):
            if not self.path.exists():
                self._create(connection)
            try:
                self._attach_existing(connection)
                return connection
            except duckdb.Error as error:
                if not any(sign in str(error) for sign in _DAMAGE):
                    raise _store_error(self.path, error) from error
                self._set_aside(error)
        raise StoreDamaged(f"the cache {self.path} cannot be opened", "a fresh one is damaged too", "check the disk")

    def _attach_existing(self, connection: DuckDBPyConnection) -> None:
        deadline = time.monotonic() + self.lock_seconds
        while True:
            try:
                connection.execute("ATTACH ? AS cache", [str(self.path)])
                break
            except duckdb.IOException as error:
                # Only a foreign program can hold DuckDB's own lock: ours is taken.
                if "Could not set lock" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        connection.execute("USE cache")
        inode = self.path.stat().st_ino
        if inode != self._checked_inode:
            try:
                self._check_version(connection)
            except BaseException:
                self._detach(connection)
                raise
            self._checked_inode = inode

    def _check_version(self, connection: DuckDBPyConnection) -> None:
        row = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
        version = int(row[0]) if row else 0
        if version > SCHEMA_VERSION:
            raise StoreTooNew(
                f"the cache {self.path} is of version {version}",
                f"this program knows version {SCHEMA_VERSION}",
                "update wheel_assets, or set WHEEL_CACHE__DIR to another folder",
            )
        for table in self.tables:
            connection.execute(table.ddl)

    def _create(self, connection: DuckDBPyConnection) -> None:
        """Make an empty file beside its place and rename it there: a kill leaves all or nothing."""
        new = self.path.with_name(f"{self.path.name}.new")
        for leftover in (new, Path(f"{new}.wal"), Path(f"{self.path}.wal")):
            leftover.unlink(missing_ok=True)
        with _as_store_errors(self.path):
            connection.execute("ATTACH ? AS cache", [str(new)])
            connection.execute("USE cache")
            try:
                for table in self.tables:
                    connection.execute(table.ddl)
                connection.execute("CREATE SEQUENCE snapshot_ids")
                connection.execute("CREATE TABLE meta (key VARCHAR NOT NULL, value VARCHAR NOT NULL)")
                connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])
                connection.execute("CHECKPOINT cache")
            finally:
                self._detach(connection)
        new.chmod(0o600)
        os.replace(new, self.path)
        sync_folder(self.path.parent)

    def _set_aside(self, error: duckdb.Error) -> None:
        """Move a file that does not open out of the way: a cache must not stop its user for good."""
        dated = f"{self.path}.corrupt-{self.clock():%Y%m%dT%H%M%S}"
        os.replace(self.path, dated)
        if Path(f"{self.path}.wal").exists():
            os.replace(f"{self.path}.wal", f"{dated}.wal")
        log.warning("the cache did not open (%s); it was set aside as %s and a fresh one begun", error, dated)

    def _detach(self, connection: DuckDBPyConnection) -> None:
        try:
            connection.execute("USE memory")
            connection.execute("DETACH cache")
        except duckdb.Error as error:
            # What was committed is durable in the log; only this instance is of no more use.
            log.warning("detaching the cache failed (%s); a new connection will be made", error)
            connection.close()
            self._instance = None

    def _checkpoint_if_long(self, connection: DuckDBPyConnection) -> None:
        wal = Path(f"{self.path}.wal")
        if wal.exists() and wal.stat().st_size > CHECKPOINT_WAL_BYTES:
            try:
                connection.execute("CHECKPOINT cache")
            except duckdb.Error as error:
                log.warning("the cache's log could not be folded in (%s); nothing is lost", error)


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner can look into; one that exists is left as it is."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)


def sync_folder(folder: Path) -> None:
    """Make renames in the folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _roll_back(connection: DuckDBPyConnection) -> None:
    try:
        connection.execute("ROLLBACK")
    except duckdb.Error:
        log.debug("nothing to roll back")


@contextmanager
def _as_store_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise _store_error(path, error) from error
    except OSError as error:
        raise _unwritable(path, error) from error


def _store_error(path: Path, error: duckdb.Error) -> StoreError:
    """DuckDB's words as one of ours."""
    text = " ".join(str(error).split())
    if "Could not set lock" in text:
        return StoreBusy(f"the cache {path} is open in another program", text[:200], "close that program")
    if "we can only read versions" in text:
        return StoreTooNew(f"the cache {path} was written by a newer DuckDB", text[:200], "update wheel_assets")
    if any(
        sign in text for sign in ("Permission denied", "No space left", "File too large", "Read-only", "Cannot open")
    ):
        return _unwritable(path, error)
    return StoreDamaged(f"the cache {path} cannot be read", text[:300], "run again; if it stays, move the file away")


def _unwritable(path: Path, error: Exception) -> StoreUnwritable:
    why = " ".join(str(error).split())[:200]
    return StoreUnwritable(f"the cache {path} cannot be written", why, "free some space or set WHEEL_CACHE__DIR")
