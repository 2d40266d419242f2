"""Dagster's SQLite storage, made by one process at a time, mended where two made it, private where it is ours.

Dagster makes its three databases in place and without a lock: of four first runs at once, some stamp the
same database twice, and from then on it refuses everybody ("more than one head present"). `dagster.yaml`
names the class here, so that `wheel`, `dagster asset materialize` and `dagster dev` all come in this way.
Where a DAGSTER_HOME without it is used, `wheel` comes in this way (see `home`), and Dagster's own commands do not.
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
SETTLE_SECONDS = 5.0  # without a write: nobody is making it any more; Dagster itself takes no lock
MOST_SETTLE_SECONDS = 20.0  # a `dagster dev` that got in goes on writing for ever
FOLDERS = ("schedules", "history")
# Each with a table that its making ends with.
DATABASES = {
    "history/runs.db": "instance_info",
    "history/runs/index.db": "event_logs",
    "schedules/schedules.db": "jobs",
}
_BROKEN = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}  # the first: no such table

log = logging.getLogger(__name__)


class PrivateSqliteStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage in `<folder>/storage`; the folder is its owner's alone."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self.base_dir, self._inst_data = base_dir, inst_data
        self._engines = Engines()
        history = Path(base_dir) / "history"
        self._run_storage = RunStorage(history, self._engines)
        self._event_log_storage = EventLogStorage(history / "runs", self._engines)
        self._schedule_storage = ScheduleStorage(Path(base_dir) / "schedules", self._engines)
        super(DagsterSqliteStorage, self).__init__()  # type: ignore[no-untyped-call]  # the other's would check all databases again

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
        """The storage that the configuration names, made where it is not there yet."""
        folder = Path(config_value["folder"]).absolute()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
        make_whole(folder / "storage")
        return cls(str(folder / "storage"), inst_data=inst_data)


def make_whole(storage: Path) -> None:
    """Make Dagster's databases in `storage` unless they are there and sound.

    Databases that two processes stamped are mended; others that are broken are set aside, dated.
    Raises StoreBusy where another process is at it for longer than LOCK_SECONDS, StoreUnwritable, OSError.
    """
    if _is_sound(storage):
        return
    storage.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with FileLock(storage / "making.lock", timeout=LOCK_SECONDS, mode=0o600):
            if not any((storage / name).exists() for name in FOLDERS):
                _make(storage)
            if not _settles(storage):
                _mend_or_set_aside(storage)
    except TimeoutError as error:
        what = f"Dagster's records in {storage} are being made by another process"
        raise StoreBusy(what, f"it has taken more than {LOCK_SECONDS} s", "end that process, then try again") from error


def _make(storage: Path) -> None:
    """Make the databases beside their place and rename them there: a kill leaves each folder whole, or none."""
    for abandoned in storage.glob("new-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    scratch = tempfile.mkdtemp(prefix="new-", dir=storage)
    try:
        DagsterSqliteStorage(scratch).dispose()
        for name in FOLDERS:
            (Path(scratch) / name).chmod(0o700)
            with suppress(OSError):  # Dagster itself has begun one meanwhile
                os.rename(Path(scratch) / name, storage / name)
    except SQLAlchemyError as error:
        raise unwritable(storage, error) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _settles(storage: Path) -> bool:
    """Whether it is sound, or becomes so while others may be making it: what is old is not being made."""
    deadline = time.monotonic() + MOST_SETTLE_SECONDS
    while not (sound := _is_sound(storage)) and _age(storage) < SETTLE_SECONDS and time.monotonic() < deadline:
        time.sleep(0.1)
    return sound


def _age(storage: Path) -> float:
    """Seconds since anything was made or written in it."""
    found = [path for name in FOLDERS for path in ((storage / name), *(storage / name).rglob("*")) if path.exists()]
    return time.time() - max((path.stat().st_mtime for path in found), default=0.0)


def _mend_or_set_aside(storage: Path) -> None:
    for name in DATABASES:
        _drop_second_stamps(storage / name)
    with suppress(SQLAlchemyError, CommandError, sqlite3.Error):
        DagsterSqliteStorage(str(storage)).dispose()  # makes what is missing
    if _is_sound(storage):
        log.warning("Dagster's records in %s had been made by half or by two at once; they are mended", storage)
        return
    dated = f"broken-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
    for name in FOLDERS:
        with suppress(FileNotFoundError):
            os.rename(storage / name, storage / f"{name}.{dated}")
    log.warning(
        "Dagster's records in %s cannot be read; they are in *.%s there now, new ones are begun", storage, dated
    )
    _make(storage)


def _is_sound(storage: Path) -> bool:
    """Whether every database is there, is whole, and has one stamp; raises StoreUnwritable where unknown."""
    return all(len(_stamps(storage / name, table)) == 1 for name, table in DATABASES.items())


def _stamps(database: Path, table: str) -> list[str]:
    """The versions that a database is stamped with; none where it is missing, broken or lacks `table`.

    A full disk breaks nothing: what cannot be opened for such a reason is left alone and reported.
    """
    if not database.exists():
        return []
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)) as connection:
            connection.execute(f"SELECT 1 FROM {table} LIMIT 1")
            return [version for (version,) in connection.execute("SELECT version_num FROM alembic_version")]
    except sqlite3.Error as error:
        if error.sqlite_errorcode & 0xFF in _BROKEN:
            return []
        raise unwritable(database, error) from error


def _drop_second_stamps(database: Path) -> None:
    """Leave the newest stamp: every maker made the tables of the newest version, whatever it stamped."""
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
    """The error of records that cannot be written, or read, for a reason that is not theirs."""
    why = str(getattr(error, "orig", error))
    return StoreUnwritable(f"Dagster's records in {where} cannot be used", why, "free some space, then try again")
