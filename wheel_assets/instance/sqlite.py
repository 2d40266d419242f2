"""Dagster's SQLite storages with connections that stay open.

Dagster opens a database for each statement. The last to close one folds its log into it and syncs the disk, so that
each event of a run takes 1.7 ms of processor time, and 0.2 ms on an open connection. A commit survives a kill; a power
cut may take the last ones. A run's own database, which takes 40 ms to make, is copied from an empty one in 2 ms. All
measured by `benchmarks/records.py`; see `docs/adr/0011-records-on-open-connections.md`.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import __version__ as dagster_version
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorageWatchdog,
)
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS, create_db_conn_string
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, QueuePool
from watchdog.events import FileSystemEvent
from watchdog.observers import Observer

from wheel_assets.instance.event_log import BatchedSqliteEventLog

MOST_OPEN = 16  # databases: of each run that is looked at there is one


class Engines:
    """The engines of this process by database address; all but the MOST_OPEN used last are closed."""

    def __init__(self) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._lock = threading.Lock()
        self._process = os.getpid()

    def of(self, address: str) -> Engine:
        """The engine for the database at `address`, an URL of SQLAlchemy."""
        with self._lock:
            if self._process != os.getpid():  # after a fork the connections are the parent's
                self._dispose(close=False)
                self._process = os.getpid()
            engine = self._engines.pop(address, None) or _engine(address)
            self._engines[address] = engine
            while len(self._engines) > MOST_OPEN:
                self._engines.popitem(last=False)[1].dispose()
            return engine

    def close(self, address: str) -> None:
        """Close the connections to one database."""
        with self._lock:
            if engine := self._engines.pop(address, None):
                engine.dispose()

    def dispose(self) -> None:
        """Close all connections."""
        with self._lock:
            self._dispose(close=True)

    def _dispose(self, *, close: bool) -> None:
        while self._engines:
            self._engines.popitem()[1].dispose(close=close)


def _engine(address: str) -> Engine:
    connect = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
    engine = create_engine(address, poolclass=QueuePool, max_overflow=-1, connect_args=connect)
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=NORMAL"))
    return engine


class _OneDatabase:
    """The connections of a storage with one database, which exists."""

    _conn_string: str
    _engines: Engines

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection in a transaction."""
        with self._engines.of(self._conn_string).begin() as connection:
            yield connection


class RunStorage(_OneDatabase, SqliteRunStorage):
    """Runs, in `<folder>/runs.db`."""

    def __init__(self, folder: Path, engines: Engines) -> None:
        super().__init__(create_db_conn_string(str(folder), "runs"))
        self._engines = engines


class ScheduleStorage(_OneDatabase, SqliteScheduleStorage):
    """Schedules, in `<folder>/schedules.db`."""

    def __init__(self, folder: Path, engines: Engines) -> None:
        super().__init__(create_db_conn_string(str(folder), "schedules"))
        self._engines = engines


class EventLogStorage(BatchedSqliteEventLog):
    """Events: those of each run in a database of its own in `folder`, and `index.db` there, which exists."""

    def __init__(self, folder: Path, engines: Engines) -> None:
        super().__init__(str(folder))
        self._engines = engines
        self._initialized_dbs.add(INDEX_SHARD_NAME)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        address, database = self.conn_string_for_shard(shard), Path(self.path_for_shard(shard))
        with self._db_lock:
            if shard not in self._initialized_dbs or not database.exists():
                self._engines.close(address)  # where the file was removed, its connections are to nothing
                if not self._copied(database):
                    self._initdb(self._engines.of(address))
                self._initialized_dbs.add(shard)
            with self._engines.of(address).begin() as connection:
                yield connection

    def _copied(self, database: Path) -> bool:
        """Whether the database of a run was missing and is a copy of an empty one now."""
        if database.exists():
            return False
        try:
            with tempfile.NamedTemporaryFile(dir=database.parent, prefix="new-") as scratch:
                scratch.write(self._empty())
                scratch.flush()
                os.link(scratch.name, database)  # fails where another process has begun it meanwhile
        except OSError:
            return False  # Dagster makes it, or says why it cannot
        return True

    def _empty(self) -> bytes:
        """An empty database of a run, as this version of Dagster makes it; kept under its digest."""
        folder = Path(self._base_dir).parent
        for kept in folder.glob(f"empty_run_{dagster_version}_*.db"):
            content = kept.read_bytes()
            if kept.stem.endswith(_digest(content)):
                return content
        with tempfile.TemporaryDirectory(dir=folder, prefix="new-") as scratch:
            made = Path(scratch) / "run.db"
            self._initdb(create_engine(f"sqlite:///{made}", poolclass=NullPool))
            content = made.read_bytes()
            for old in folder.glob("empty_run_*.db"):
                old.unlink(missing_ok=True)
            os.replace(made, folder / f"empty_run_{dagster_version}_{_digest(content)}.db")
        return content

    def watch(self, run_id: str, cursor: str | None, callback: Any) -> None:
        """Call back for each new event of a run."""
        observer: Any = self._obs
        if observer is None:
            observer = self._obs = Observer()  # type: ignore[assignment]  # declared as None alone
            observer.start()
        watchdog = _Watchdog(self, run_id, callback, cursor)
        self._watchers[run_id][callback] = (watchdog, observer.schedule(watchdog, self._base_dir, recursive=True))


class _Watchdog(SqliteEventLogStorageWatchdog):
    """Notices new events in the log beside a run's database: it stays there while a connection is open."""

    @property
    def patterns(self) -> list[str]:
        """The files of the run."""
        return [self._log_path, f"{self._log_path}-wal"]

    def on_modified(self, event: FileSystemEvent) -> None:
        """Pass new events on."""
        self._process_log()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
