"""Dagster's records on open connections: the same databases, heard of at once, shared by nobody after a fork."""

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from dagster import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from wheel_assets.instance import sqlite
from wheel_assets.instance.sqlite import Engines, EventLogStorage
from wheel_assets.instance.storage import PrivateSqliteStorage


@pytest.fixture
def storage(tmp_path):
    made = PrivateSqliteStorage.from_config_value(None, {"folder": str(tmp_path)})
    yield made
    made.dispose()


@pytest.fixture
def events(storage) -> EventLogStorage:
    return storage.event_log_storage


def store(events: SqliteEventLogStorage, text: str, run_id: str = "run") -> None:
    events.store_event(EventLogEntry(None, "debug", text, run_id, 0.0))


def texts(events: SqliteEventLogStorage, run_id: str = "run") -> list[str]:
    return [record.event_log_entry.user_message for record in events.get_records_for_run(run_id).records]


def schema(database: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(database)) as connection:
        stamp = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        mode = connection.execute("PRAGMA journal_mode").fetchall()
        return connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall() + stamp + mode


def test_a_copied_database_is_the_one_that_dagster_makes(events, tmp_path):
    store(events, "ours")
    store(theirs := SqliteEventLogStorage(str(tmp_path / "theirs")), "theirs")
    assert schema(Path(events.path_for_shard("run"))) == schema(Path(theirs.path_for_shard("run")))
    assert texts(events) == ["ours"]


def test_a_damaged_empty_database_is_made_anew(events, tmp_path):
    store(events, "first")
    (empty,) = tmp_path.rglob("empty_run_*.db")
    content = bytearray(empty.read_bytes())
    content[200] ^= 1
    empty.write_bytes(content)
    store(events, "second", "another")
    assert texts(events, "another") == ["second"]
    assert next(tmp_path.rglob("empty_run_*.db")).read_bytes() != content


def test_a_database_that_another_process_has_begun_is_not_replaced(events):
    others = EventLogStorage(Path(events._base_dir), Engines())
    for number, each in enumerate([events, others, events]):
        store(each, str(number))
    others._engines.dispose()
    assert texts(events) == ["0", "1", "2"]


def test_who_watches_a_run_hears_of_each_event_while_its_writer_goes_on(events):
    heard, arrived = [], threading.Event()
    others = EventLogStorage(Path(events._base_dir), Engines())
    store(events, "before")

    def listen(entry, _cursor):
        heard.append(entry.user_message)
        arrived.set()

    others.watch("run", None, listen)
    store(events, "after")
    try:
        assert arrived.wait(20)
        assert heard[0] == "before"
    finally:
        others.end_watch("run", listen)
        others.dispose()
        others._engines.dispose()


def test_only_a_few_databases_stay_open(events, monkeypatch):
    monkeypatch.setattr(sqlite, "MOST_OPEN", 3)
    for number in range(6):
        store(events, "one", f"run{number}")
    open_files = {os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _exists(fd)}
    assert sum(events._base_dir in name and name.endswith(".db") for name in open_files) <= 3
    assert texts(events, "run0") == ["one"]


def _exists(fd: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{fd}")


def test_a_fork_opens_connections_of_its_own(tmp_path):
    engines = Engines()
    before = engines.of(f"sqlite:///{tmp_path / 'a.db'}")
    engines._process = -1  # as after a fork
    assert engines.of(f"sqlite:///{tmp_path / 'a.db'}") is not before
    engines.dispose()


@pytest.mark.parametrize("wiped", [True, False])
def test_removed_events_are_gone_for_open_connections_too(events, wiped):
    store(events, "old")
    events.wipe() if wiped else [path.unlink() for path in Path(events._base_dir).glob("run.db*")]
    assert texts(events) == []
    store(events, "new")
    assert texts(events) == ["new"]
