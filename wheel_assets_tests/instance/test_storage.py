"""Dagster's records are made once however many come first, are private, and never stop anybody for good."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from wheel_assets.instance.storage import DATABASES, PrivateSqliteStorage, make_whole

CLONE = Path(__file__).resolve().parents[2]
OPEN = """
import time
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
print("ready", flush=True)
input()
with DagsterInstance.from_ref(InstanceRef.from_dir("home", config_dir=".")) as instance:
    instance.get_runs(limit=1)
"""


def stamps(storage: Path) -> list[int]:
    counts = []
    for name in DATABASES:
        with closing(sqlite3.connect(storage / name)) as connection:
            counts.append(connection.execute("SELECT count(*) FROM alembic_version").fetchone()[0])
    return counts


@pytest.mark.slow
def test_first_users_at_once_all_get_in(tmp_path):
    shutil.copy(CLONE / "dagster.yaml", tmp_path)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    users = [subprocess.Popen([sys.executable, "-c", OPEN], cwd=tmp_path, **pipes) for _ in range(4)]
    for user in users:
        assert user.stdout.readline() == "ready\n"
    for user in users:
        user.stdin.write("\n")
        user.stdin.flush()
    told = [(user.communicate(timeout=60)[1], user.returncode) for user in users]
    assert [code for _, code in told] == [0] * 4, told
    assert stamps(tmp_path / ".dagster" / "storage") == [1, 1, 1]


def test_it_is_its_owners_alone(tmp_path):
    (tmp_path / ".dagster").mkdir(mode=0o755)
    make_whole(tmp_path / ".dagster" / "storage")
    assert (tmp_path / ".dagster").stat().st_mode & 0o777 == 0o700


def test_one_that_two_stamped_is_mended_and_keeps_its_runs(tmp_path, caplog):
    storage = tmp_path / "storage"
    make_whole(storage)
    with closing(sqlite3.connect(storage / "history" / "runs.db")) as connection, connection:
        connection.execute("INSERT INTO alembic_version VALUES ('5771160a95ad')")
        connection.execute("INSERT INTO kvs VALUES (1, 'kept', 'yes')")
    make_whole(storage)
    assert stamps(storage) == [1, 1, 1]
    with closing(sqlite3.connect(storage / "history" / "runs.db")) as connection:
        assert connection.execute("SELECT value FROM kvs WHERE key = 'kept'").fetchall() == [("yes",)]
    assert "they are mended" in caplog.text


@pytest.mark.parametrize("name", DATABASES)
def test_a_missing_database_is_made(tmp_path, name):
    make_whole(tmp_path / "storage")
    (tmp_path / "storage" / name).unlink()
    make_whole(tmp_path / "storage")
    assert stamps(tmp_path / "storage") == [1, 1, 1]


def test_one_that_cannot_be_read_is_set_aside(tmp_path, caplog):
    make_whole(tmp_path / "storage")
    (tmp_path / "storage" / "history" / "runs.db").write_bytes(b"no database" * 1000)
    storage = PrivateSqliteStorage.from_config_value(None, {"folder": str(tmp_path)})
    storage.dispose()
    assert stamps(tmp_path / "storage") == [1, 1, 1]
    (aside,) = tmp_path.glob("storage.broken-*")
    assert str(aside) in caplog.text
