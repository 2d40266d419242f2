"""Dagster's records are made once however many come first, are private, and never stop anybody for good."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from wheel_assets.errors import SettingError, StoreUnwritable
from wheel_assets.instance.home import opened
from wheel_assets.instance.storage import DATABASES, PrivateSqliteStorage, ensure_intact

CLONE = Path(__file__).resolve().parents[2]
OPEN = """
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
print("ready", flush=True)
input()
with DagsterInstance.from_ref(InstanceRef.from_dir("home", config_dir=".")) as instance:
    instance.get_runs(limit=1)
"""


@pytest.fixture(autouse=True)
def _settled(monkeypatch):
    """Nobody else is at it."""
    monkeypatch.setattr("wheel_assets.instance.storage.SETTLE_SECONDS", 0)


def stamps(storage: Path) -> list[int]:
    counts = []
    for name in DATABASES:
        with closing(sqlite3.connect(storage / name)) as connection:
            counts.append(connection.execute("SELECT count(*) FROM alembic_version").fetchone()[0])
    return counts


OPEN_HOME = """
from wheel_assets.instance.home import opened
print("ready", flush=True)
input()
with opened() as instance:
    instance.get_runs(limit=1)
"""


def at_once(script: str, folder: Path, home: str = "") -> list[tuple[str, int]]:
    """Three processes run a script, from its `input` on at the same moment; what each told, and its exit code."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    own = {**os.environ, "DAGSTER_HOME": home}
    users = [subprocess.Popen([sys.executable, "-c", script], cwd=folder, env=own, **pipes) for _ in range(3)]
    for user in users:
        assert user.stdout.readline() == "ready\n"
    for user in users:
        user.stdin.write("\n")
        user.stdin.flush()
    return [(user.communicate(timeout=60)[1], user.returncode) for user in users]


@pytest.mark.slow
def test_first_users_at_once_all_get_in(tmp_path):
    shutil.copy(CLONE / "dagster.yaml", tmp_path)
    told = at_once(OPEN, tmp_path)
    assert [code for _, code in told] == [0] * 3, told
    assert stamps(tmp_path / ".dagster" / "storage") == [1, 1, 1]


@pytest.mark.slow
def test_first_users_at_once_of_a_home_without_our_configuration_all_get_in(tmp_path):
    told = at_once(OPEN_HOME, tmp_path, home=str(tmp_path))
    assert [code for _, code in told] == [0] * 3, told
    assert stamps(tmp_path) == [1, 1, 1]


def test_a_home_that_dagster_itself_broke_is_mended_by_the_next_command(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    ensure_intact(tmp_path)
    with closing(sqlite3.connect(tmp_path / "history" / "runs.db")) as connection, connection:
        connection.execute("INSERT INTO alembic_version VALUES ('5771160a95ad')")
    with opened() as instance:
        assert instance.get_runs() == []
    assert "they are repaired" in caplog.text


def test_a_home_that_is_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "none"))
    with pytest.raises(SettingError, match=r"DAGSTER_HOME=.* is refused; there is no such folder"), opened():
        pass


def test_it_is_its_owners_alone(tmp_path):
    (tmp_path / ".dagster").mkdir(mode=0o755)
    PrivateSqliteStorage.from_config_value(None, {"folder": str(tmp_path / ".dagster")}).dispose()
    assert (tmp_path / ".dagster").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / ".dagster" / "storage").iterdir() if path.is_dir()} == {
        0o700
    }


def test_what_cannot_be_opened_for_another_reason_is_left_alone(tmp_path, monkeypatch):
    """A full disk is no reason to set the records aside."""
    ensure_intact(tmp_path)
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL

    def connect(*_, **__):
        raise full

    with monkeypatch.context() as patched:
        patched.setattr("wheel_assets.instance.storage.sqlite3.connect", connect)
        with pytest.raises(StoreUnwritable, match="cannot be used; database or disk is full"):
            ensure_intact(tmp_path)
    assert stamps(tmp_path) == [1, 1, 1]
    assert not list(tmp_path.glob("*.broken-*"))


def test_one_that_two_stamped_is_mended_and_keeps_its_runs(tmp_path, caplog):
    storage = tmp_path / "storage"
    ensure_intact(storage)
    with closing(sqlite3.connect(storage / "history" / "runs.db")) as connection, connection:
        connection.execute("INSERT INTO alembic_version VALUES ('5771160a95ad')")
        connection.execute("INSERT INTO kvs VALUES (1, 'kept', 'yes')")
    ensure_intact(storage)
    assert stamps(storage) == [1, 1, 1]
    with closing(sqlite3.connect(storage / "history" / "runs.db")) as connection:
        assert connection.execute("SELECT value FROM kvs WHERE key = 'kept'").fetchall() == [("yes",)]
    assert "they are repaired" in caplog.text


@pytest.mark.slow
def test_one_that_a_server_goes_on_writing_to_is_mended_too(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("wheel_assets.instance.storage.SETTLE_SECONDS", 1_000)  # as if the last write were never old
    monkeypatch.setattr("wheel_assets.instance.storage.MOST_SETTLE_SECONDS", 0.2)
    ensure_intact(tmp_path)
    with closing(sqlite3.connect(tmp_path / "history" / "runs.db")) as connection, connection:
        connection.execute("INSERT INTO alembic_version VALUES ('5771160a95ad')")
    ensure_intact(tmp_path)
    assert stamps(tmp_path) == [1, 1, 1]
    assert "they are repaired" in caplog.text


@pytest.mark.parametrize("name", DATABASES)
def test_a_missing_database_is_made(tmp_path, name):
    ensure_intact(tmp_path / "storage")
    (tmp_path / "storage" / name).unlink()
    ensure_intact(tmp_path / "storage")
    assert stamps(tmp_path / "storage") == [1, 1, 1]


def test_one_that_cannot_be_read_is_set_aside(tmp_path, caplog):
    ensure_intact(tmp_path / "storage")
    (tmp_path / "storage" / "history" / "runs.db").write_bytes(b"no database" * 1000)
    storage = PrivateSqliteStorage.from_config_value(None, {"folder": str(tmp_path)})
    storage.dispose()
    assert stamps(tmp_path / "storage") == [1, 1, 1]
    (dated,) = {path.suffix for path in (tmp_path / "storage").glob("*.broken-*")}
    assert f"set aside as *{dated}" in caplog.text
