"""Disks that are full and folders that may not be written end in one clear line, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.errors import StoreUnwritable

NOBODY = 65_534
PREAMBLE = """
import os, resource, sys
from datetime import datetime
from pathlib import Path
import pandas as pd, numpy as np
from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.errors import StoreError
from wheel_assets.tables import Column, SnapshotTable
columns = (Column("timestamp", "TIMESTAMP", ""), Column("symbol", "VARCHAR", ""), Column("number", "DOUBLE", ""))
tables = [SnapshotTable(name, "", columns, "symbol") for name in ("prices", "rates", "values_", "report")]
store = Store(Path(sys.argv[1]), tables)
numbers = np.random.default_rng(1).random(20_000)
frame = pd.DataFrame({"timestamp": datetime(2026, 1, 1), "symbol": "A", "number": numbers})
def put():
    try:
        return store.put("prices", [Entry("A", frame, "test")])[0].snapshot_id
    except StoreError as error:
        sys.exit(f"{type(error).__name__}: {error}")
"""


def run(path: Path, script: str) -> tuple[list[str], str]:
    """Run a script on a cache file in a new process; the lines it printed, and its last words."""
    done = subprocess.run([sys.executable, "-c", PREAMBLE + script, str(path)], capture_output=True, text=True)
    return done.stdout.split(), done.stderr.strip().splitlines()[-1] if done.stderr else ""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
def test_a_file_that_may_not_grow_loses_nothing_that_was_acknowledged(toy_store, make_rows):
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))\nwhile True: print(put(), flush=True)"
    acknowledged, words = run(toy_store.path, limit)
    assert words.startswith("StoreUnwritable: the cache")
    assert "WHEEL_CACHE__DIR" in words
    assert len(acknowledged) > 1
    rows = [len(toy_store.get("prices", [int(snapshot_id)])) for snapshot_id in acknowledged]
    assert rows == [20_000] * len(acknowledged)
    assert toy_store.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])


def test_a_full_disk_is_told_before_anything_is_written(toy_store, make_rows, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9 - 10**6, 10**6))
    with pytest.raises(StoreUnwritable, match="1 MB free"):
        toy_store.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])
    assert toy_store.index([("prices", "A")]) == ([], 0)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("mode", [0o505, 0o000])
def test_a_folder_of_somebody_else_is_told(open_folder, toy_store, make_rows, mode):
    store = Store(open_folder / "cache" / "c.duckdb", tuple(toy_store.tables.values()), toy_store.clock)
    entry = Entry("A", make_rows({"A": 1.0}), "test")
    store.put("prices", [entry])
    store.path.parent.chmod(mode)
    _, words = run(store.path, f"os.setgid({NOBODY}); os.setuid({NOBODY}); put()")
    assert words.startswith("StoreUnwritable: the cache")
    assert "Permission denied" in words
    assert store.put("prices", [entry])[0].snapshot_id == 2


def test_a_folder_on_another_file_system_works(toy_store, tmp_path, make_rows):
    memory = Path("/dev/shm")
    if not memory.exists() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system here")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        (tmp_path / "link").symlink_to(folder)
        store = Store(tmp_path / "link" / "c.duckdb", tuple(toy_store.tables.values()), toy_store.clock)
        first = store.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])[0]
        store.maintenance.cleanup()
        again = Store(store.path, tuple(toy_store.tables.values()), toy_store.clock)
        assert len(again.get("prices", [first.snapshot_id])) == 1


HOMELESS = """
import concurrent.futures.thread, os, sys, json, pandas, duckdb
import wheel_assets.cache.upkeep.stats, wheel_assets.show.terminal.cache, wheel_assets.settings
from wheel_assets.cli import main
os.setuid(54_321)
os.environ.pop("HOME", None)
sys.argv = ["wheel", "stats"]
main()
"""


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_without_a_home_the_setting_is_named():
    done = subprocess.run([sys.executable, "-c", HOMELESS], capture_output=True, text=True, cwd="/")
    assert done.returncode == 2
    assert done.stderr.startswith("wheel: error: WHEEL_CACHE__DIR=~")
    assert len(done.stderr.splitlines()) == 1
