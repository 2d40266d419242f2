"""Dagster's SQLite storage in a private folder, made by one process at a time and whole or not at all.

Dagster makes its three databases in place and without a lock: of four first runs at once, some stamp the
same database twice, and from then on it refuses everybody ("more than one head present"). `dagster.yaml`
names the class here, so that `wheel`, `dagster asset materialize` and `dagster dev` all come in this way.
"""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import tempfile
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

from wheel_assets.errors import StoreBusy

if TYPE_CHECKING:
    from dagster._serdes import ConfigurableClassData

LOCK_SECONDS = 60
# Each with a table that its making ends with.
DATABASES = {
    "history/runs.db": "instance_info",
    "history/runs/index.db": "event_logs",
    "schedules/schedules.db": "jobs",
}

log = logging.getLogger(__name__)


class PrivateSqliteStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage in `<folder>/storage`; the folder is its owner's alone."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """The one field of `dagster.yaml`: a folder, relative to the working directory."""
        return {"folder": StringSource}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> PrivateSqliteStorage:
        """The storage that the configuration names, made where it is not there yet."""
        storage = Path(config_value["folder"]).absolute() / "storage"
        make_whole(storage)
        return cls(str(storage), inst_data=inst_data)


def make_whole(storage: Path) -> None:
    """Make Dagster's databases in `storage` unless they are there and sound; its folder becomes private.

    Databases that two processes stamped are mended; others that cannot be read are set aside, dated.
    Raises StoreBusy where another process is at it for longer than LOCK_SECONDS, OSError.
    """
    storage.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if storage.parent.stat().st_mode & 0o077:
        storage.parent.chmod(0o700)
    if _is_sound(storage):
        return
    try:
        with FileLock(storage.parent / "storage.lock", timeout=LOCK_SECONDS, mode=0o600):
            if storage.exists() and not _is_sound(storage):
                _mend_or_set_aside(storage)
            if not storage.exists():
                _make(storage)
    except TimeoutError as error:
        what = f"Dagster's records in {storage} are being made by another process"
        raise StoreBusy(what, f"it has taken more than {LOCK_SECONDS} s", "end that process, then try again") from error


def _make(storage: Path) -> None:
    """Make the databases beside their place and rename them there: a kill leaves all or nothing."""
    for abandoned in storage.parent.glob("storage.new-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    scratch = tempfile.mkdtemp(prefix="storage.new-", dir=storage.parent)
    DagsterSqliteStorage(scratch).dispose()
    os.rename(scratch, storage)


def _mend_or_set_aside(storage: Path) -> None:
    for name in DATABASES:
        _drop_second_stamps(storage / name)
    with suppress(SQLAlchemyError, CommandError, sqlite3.Error):
        DagsterSqliteStorage(str(storage)).dispose()  # makes what is missing
    if _is_sound(storage):
        log.warning("Dagster's records in %s had been made by half or by two at once; they are mended", storage)
        return
    aside = storage.with_name(f"{storage.name}.broken-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}")
    os.rename(storage, aside)
    log.warning("Dagster's records in %s cannot be read; they are in %s now, new ones are begun", storage, aside)


def _is_sound(storage: Path) -> bool:
    """Whether every database is there, can be read, and has one stamp."""
    return all(len(_stamps(storage / name, table)) == 1 for name, table in DATABASES.items())


def _stamps(database: Path, table: str) -> list[str]:
    """The versions that a database is stamped with; none where it cannot be read or lacks `table`."""
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)) as connection:
            connection.execute(f"SELECT 1 FROM {table} LIMIT 1")
            return [version for (version,) in connection.execute("SELECT version_num FROM alembic_version")]
    except sqlite3.Error:
        return []


def _drop_second_stamps(database: Path) -> None:
    """Leave the newest stamp: every maker made the tables of the newest version, whatever it stamped."""
    script = ScriptDirectory.from_config(get_alembic_config(sqlite_run_storage.__file__))
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)) as connection:
        head = script.as_revision_number("head")
        if connection.execute("SELECT 1 FROM alembic_version WHERE version_num = ?", [head]).fetchone():
            connection.execute("DELETE FROM alembic_version WHERE version_num <> ?", [head])
            connection.commit()
