"""Dagster's SQLite storage, created by one process at a time and repaired where two created it at once.

Dagster creates its three databases in place and without a lock: of four concurrent first runs, some stamp the same
database with its Alembic version twice, and from then on every start fails ("more than one head present").
`dagster.yaml` names the class here, so that `wheel`, `dagster asset materialize` and `dagster dev` all use it. With a
DAGSTER_HOME that does not name it, `wheel` still creates the databases here (see `home`); Dagster's own commands do
not.
"""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.script import ScriptDirectory
from alembic.util import CommandError
from dagster import StringSource
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.sql import get_alembic_config
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from filelock import FileLock
from sqlalchemy.exc import SQLAlchemyError

from wheel_assets.errors import StoreBusy, StoreUnwritable
from wheel_assets.instance.sqlite import Engines, EventLogStorage, RunStorage, ScheduleStorage

if TYPE_CHECKING:
    from dagster._serdes import ConfigurableClassData

LOCK_SECONDS = 60
SETTLE_SECONDS = 5.0  # without a write for so long, no process is creating it; Dagster itself takes no lock
MOST_SETTLE_SECONDS = 20.0  # a limit, because a running `dagster dev` never stops writing
FOLDERS = ("schedules", "history")
# Each with the table that Dagster creates last.
DATABASES = {
    "history/runs.db": "instance_info",
    "history/runs/index.db": "event_logs",
    "schedules/schedules.db": "jobs",
}
_BROKEN = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}  # SQLITE_ERROR: no such table

log = logging.getLogger(__name__)


class PrivateSqliteStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage in `<folder>/storage`; the folder is accessible to its owner only."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self.base_dir, self._inst_data = base_dir, inst_data
        self._engines = Engines()
        history = Path(base_dir) / "history"
        self._run_storage = RunStorage(history, self._engines)
        self._event_log_storage = EventLogStorage(history / "runs", self._engines)
        self._schedule_storage = ScheduleStorage(Path(base_dir) / "schedules", self._engines)
        # Not that of DagsterSqliteStorage, which checks every database again.
        super(DagsterSqliteStorage, self).__init__()  # type: ignore[no-untyped-call]

    def dispose(self) -> None:
        """Close all connections."""
        super().dispose()
        self._engines.dispose()

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """The one field of `dagster.yaml`: a folder, relative to the working directory."""
        return {"folder": StringSource}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> PrivateSqliteStorage:
        """The storage of the configuration, created where it is missing."""
        folder = Path(config_value["folder"]).absolute()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
        ensure_intact(folder / "storage")
        return cls(str(folder / "storage"), inst_data=inst_data)


def ensure_intact(storage: Path) -> None:
    """Create Dagster's databases in `storage` unless they exist and are intact.

    Databases that two processes stamped are repaired; others that are damaged are set aside under a dated name. Raises
    StoreBusy where another process creates them for longer than LOCK_SECONDS, StoreUnwritable, OSError.
    """
    if _is_sound(storage):
        return
    storage.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with FileLock(storage / "making.lock", timeout=LOCK_SECONDS, mode=0o600):
            # Looked at again under the lock: another process may have made them while this one waited.
            if not any((storage / name).exists() for name in FOLDERS):
                _create(storage)
            if not _settles(storage):
                _repair_or_set_aside(storage)
    except TimeoutError as error:
        what = f"Dagster's records in {storage} are being created by another process"
        raise StoreBusy(what, f"it has taken more than {LOCK_SECONDS} s", "end that process, then try again") from error


def _create(storage: Path) -> None:
    """Create the databases in a temporary folder and rename them: a kill leaves each folder complete, or none."""
    for abandoned in storage.glob("new-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    scratch = tempfile.mkdtemp(prefix="new-", dir=storage)
    try:
        DagsterSqliteStorage(scratch).dispose()
        for name in FOLDERS:
            (Path(scratch) / name).chmod(0o700)
            with suppress(OSError):  # a process of Dagster has created one meanwhile
                os.rename(Path(scratch) / name, storage / name)
    except SQLAlchemyError as error:
        raise unwritable(storage, error) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _settles(storage: Path) -> bool:
    """Whether the storage is intact, or becomes so while other processes, by its recent writes, may be creating it."""
    deadline = time.monotonic() + MOST_SETTLE_SECONDS
    while not (sound := _is_sound(storage)) and _age(storage) < SETTLE_SECONDS and time.monotonic() < deadline:
        time.sleep(0.1)
    return sound


def _age(storage: Path) -> float:
    """Seconds since the last write in the storage."""
    found = [path for name in FOLDERS for path in ((storage / name), *(storage / name).rglob("*")) if path.exists()]
    return time.time() - max((path.stat().st_mtime for path in found), default=0.0)


def _repair_or_set_aside(storage: Path) -> None:
    for name in DATABASES:
        _drop_second_stamps(storage / name)
    with suppress(SQLAlchemyError, CommandError, sqlite3.Error):
        DagsterSqliteStorage(str(storage)).dispose()  # creates missing databases
    if _is_sound(storage):
        log.warning("Dagster's records in %s were incomplete or created twice; they are repaired", storage)
        return
    dated = f"broken-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
    for name in FOLDERS:
        with suppress(FileNotFoundError):
            os.rename(storage / name, storage / f"{name}.{dated}")
    log.warning(
        "Dagster's records in %s cannot be read; they were set aside as *.%s, and new ones created", storage, dated
    )
    _create(storage)


def _is_sound(storage: Path) -> bool:
    """Whether every database exists, is complete and has one stamp; raises StoreUnwritable where it cannot be read."""
    return all(len(_stamps(storage / name, table)) == 1 for name, table in DATABASES.items())


def _stamps(database: Path, table: str) -> list[str]:
    """Alembic versions that a database is stamped with; none where it is missing, damaged or lacks `table`.

    Raises StoreUnwritable where it cannot be opened for another reason, such as a full disk: it is not damaged then.
    """
    if not database.exists():
        return []
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)) as connection:
            # Dagster creates `table` last, after the stamp: a stamp alone does not mean that the database is complete.
            connection.execute(f"SELECT 1 FROM {table} LIMIT 1")
            return [version for (version,) in connection.execute("SELECT version_num FROM alembic_version")]
    except sqlite3.Error as error:
        # The low byte is the primary code, the rest of an extended code its detail.
        if error.sqlite_errorcode & 0xFF in _BROKEN:
            return []
        raise unwritable(database, error) from error


def _drop_second_stamps(database: Path) -> None:
    """Keep the newest stamp only: every process created the tables of the newest version, whatever it stamped."""
    script = ScriptDirectory.from_config(get_alembic_config(sqlite_run_storage.__file__))
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)) as connection:
        head = script.as_revision_number("head")
        if connection.execute("SELECT 1 FROM alembic_version WHERE version_num = ?", [head]).fetchone():
            connection.execute(
                "DELETE FROM alembic_version WHERE rowid NOT IN "
                "(SELECT min(rowid) FROM alembic_version WHERE version_num = ?)",
                [head],
            )
            connection.commit()


def unwritable(where: Path | str, error: Exception) -> StoreUnwritable:
    """Error for records that cannot be read or written for a reason outside of them."""
    why = str(getattr(error, "orig", error))
    return StoreUnwritable(f"Dagster's records in {where} cannot be used", why, "free some space, then try again")
