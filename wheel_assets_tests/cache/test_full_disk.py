"""A disk without a byte left, real and small: nothing stored is lost, and each error names the disk it is of."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wheel_assets.cache.archive.backup import backup
from wheel_assets.cache.archive.locations import newest_time
from wheel_assets.cache.archive.periodic import PeriodicBackup
from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.errors import StoreUnwritable

SIZE = "24m"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a disk can be mounted by root only")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, free: int = 0) -> None:
    """Leave so many bytes."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        filler.truncate(0)
        while (left := shutil.disk_usage(disk).free - free) > 0:
            filler.write(b"x" * min(left, 1_000_000))


@pytest.fixture
def on_disk(disk: Path, toy_store: Store, clock, make_rows) -> Store:
    """A cache with two snapshots, one of some MB, and two calls, one of them paid, on a disk that is full."""
    store = Store(disk / "cache" / "c.duckdb", tuple(toy_store.tables.values()), clock)
    noise = np.random.default_rng(1).random(300_000)
    store.put("prices", [Entry("B", pd.DataFrame({"timestamp": clock.now, "symbol": "B", "number": noise}), "test")])
    store.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])
    store.record_calls([(clock.now, "db", "/x", 200, 1.0, 10, 0.25, "A", None)])
    store.record_calls([(clock.now, "db", "/free", 200, 1.0, 10, 0.0, "A", None)])
    fill(disk)
    return store


def test_the_cache_can_be_emptied_and_keeps_its_ledger_and_its_ids(on_disk, disk, make_rows):
    assert dict(on_disk.maintenance.clear().snapshots)["prices"] == 2
    assert shutil.disk_usage(disk).free > 0
    assert on_disk.index([("prices", "A")])[0] == []
    with on_disk.file.attached() as connection:
        assert connection.execute("SELECT count(*), sum(cost_usd) FROM api_calls").fetchall() == [(2, 0.25)]
    (disk / "filler").unlink()
    assert on_disk.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])[0].snapshot_id == 3


def test_a_cache_smaller_than_an_empty_one_can_be_emptied_too(disk, toy_store, clock, make_rows):
    store = Store(disk / "cache" / "c.duckdb", tuple(toy_store.tables.values()), clock)
    store.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])
    store.record_calls([(clock.now, "db", "/x", 200, 1.0, 10, 0.25, "A", None)])
    fill(disk)
    store.maintenance.clear()
    (disk / "filler").unlink()
    assert store.index([("prices", "A")])[0] == []
    assert store.spent(clock.now) == 0.25


def test_what_is_stored_is_read_and_nothing_half_is_stored(on_disk, make_rows):
    with pytest.raises(StoreUnwritable, match=r"the cache .* cannot be written; the disk has 0 MB free"):
        on_disk.put("prices", [Entry("A", make_rows({"A": 2.0}), "test")])
    (there,) = on_disk.index([("prices", "A")])[0]
    assert on_disk.get("prices", [there.snapshot_id])["number"].tolist() == [1.0]


def test_a_clean_up_that_was_refused_is_not_noted_as_done(on_disk):
    with pytest.raises(StoreUnwritable, match="the cache"):
        on_disk.maintenance.cleanup()
    with on_disk.file.attached() as connection:
        assert connection.execute("SELECT * FROM meta WHERE key = 'last_cleanup'").fetchall() == []


@pytest.fixture
def stored(toy_store: Store, make_rows) -> Store:
    """A cache elsewhere, with one snapshot."""
    toy_store.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])
    return toy_store


@pytest.mark.parametrize("free", [0, 4_096, 8_192, 12_288])
def test_a_full_disk_of_the_archive_is_reported_as_that_and_nothing_half_is_left(disk, stored, free):
    """With so much room the copy, its index, the ledger, or the manifest is the one that does not fit."""
    fill(disk, free)
    with pytest.raises(StoreUnwritable) as told:
        backup(stored, disk / "archive")
    assert str(told.value).startswith(f"no archive could be written to {disk / 'archive'}; No space left on device")
    assert "\n" not in str(told.value)
    assert not list((disk / "archive").glob("*"))


def test_what_is_stored_is_stored_whatever_becomes_of_the_periodic_backup(disk, stored, make_rows, caplog):
    fill(disk)
    stored.after_put = PeriodicBackup(str(disk / "archive"), timedelta(hours=1))
    stored.put("prices", [Entry("A", make_rows({"A": 2.0}), "test")])
    (warning,) = caplog.messages
    assert warning.startswith(f"the cache was not backed up: no archive could be written to {disk}")
    assert "\n" not in warning


class _Cloud:
    """A bucket whose library fails in words of its own."""

    def glob(self, _: str) -> list[str]:
        raise LookupError("no credentials")


def test_a_bucket_that_cannot_be_reached_does_not_undo_what_was_stored(stored, make_rows, monkeypatch, caplog):
    monkeypatch.setattr("wheel_assets.cache.archive.locations.remote", lambda url: (_Cloud(), "bucket"))
    stored.after_put = PeriodicBackup("gs://bucket", timedelta(hours=1))
    stored.put("prices", [Entry("A", make_rows({"A": 2.0}), "test")])
    assert caplog.messages == [
        "the cache was not backed up: no archive could be written to gs://bucket; no credentials; "
        "check the folder of the archive and the room left there"
    ]


def test_folders_of_others_are_no_archives(tmp_path):
    (tmp_path / "wheel-1T2Z").mkdir()
    (tmp_path / "wheel-1T2Z" / "manifest.json").touch()
    assert newest_time(str(tmp_path)) is None
