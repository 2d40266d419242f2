"""A compacted file holds what it held, verified; a compaction that goes wrong changes nothing."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest

from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.cache.upkeep import compaction, copying
from wheel_assets.cache.upkeep.snapshot_index import IndexRow
from wheel_assets.errors import StoreDamaged

pytestmark = pytest.mark.slow

COUNT, ROWS = 16, 17_001  # together more than two row groups of DuckDB, and no multiple of one


@pytest.fixture
def full(toy_store: Store, clock) -> Store:
    for number in range(COUNT):
        frame = pd.DataFrame({"timestamp": clock.now, "symbol": "A", "number": np.arange(ROWS) + number * 1e6})
        toy_store.put("prices", [Entry(f"K{number}", frame, "test", inputs=frozenset({1}))])
    toy_store.record_calls([(clock.now, "db", "/x", 200, 1.0, 10, 0.25, "A", None)])
    return toy_store


def compact(store: Store, drop=()) -> list[int]:
    return store.file.rewrite(drop)


def everything(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """All lines of the index, the ledger and the notes, as another connection reads them."""
    with duckdb.connect(str(store.path), read_only=True) as connection:
        names = ("snapshots", "api_calls", "meta")
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in names}


def test_nothing_changes_but_the_size(full):
    before = everything(full)
    assert compact(full) == list(range(1, COUNT + 1))
    assert everything(full) == before


@pytest.mark.parametrize("drop", [set(), {1, 2, 3}, set(range(2, COUNT, 3))])
def test_every_kept_snapshot_has_its_rows_in_their_order(full, drop):
    compact(full, drop)
    for number in range(COUNT):
        if number + 1 not in drop:
            numbers = full.get("prices", [number + 1])["number"]
            assert (numbers.to_numpy() == np.arange(ROWS) + number * 1e6).all()


def test_what_is_dropped_leaves_no_rows_behind(full):
    drop = set(range(1, COUNT))
    compact(full, drop)
    with duckdb.connect(str(full.path), read_only=True) as connection:
        assert connection.execute("SELECT DISTINCT snapshot_id FROM prices").fetchall() == [(COUNT,)]


def test_the_file_shrinks_by_what_went(full):
    with full.file.attached() as connection:
        connection.execute("CHECKPOINT cache")
    before = full.file.size
    compact(full, set(range(1, COUNT)))
    assert full.file.size < before / 2


def test_ids_go_on_after_the_highest_ever_given(full, make_rows):
    compact(full, set(range(1, COUNT + 1)))
    assert full.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])[0].snapshot_id == COUNT + 1


def test_rows_that_are_not_those_stored_are_not_kept(full):
    with full.file.transaction() as connection:
        connection.execute("UPDATE prices SET number = 0 WHERE snapshot_id = 3")
        connection.execute("DELETE FROM prices WHERE snapshot_id = 4 AND number % 2 = 0")
    assert set(range(1, COUNT + 1)) - set(compact(full)) == {3, 4}


def test_a_copy_that_differs_from_a_good_original_is_refused(full, monkeypatch):
    def half(connection, table, lines, tolerant) -> None:
        copied = [line.snapshot_id for line in lines][::2]
        connection.execute(
            f"INSERT INTO new.{table} SELECT * FROM cache.{table} WHERE list_contains(?, snapshot_id)", [copied]
        )

    before = everything(full)
    monkeypatch.setattr(compaction, "copy_snapshots", half)
    with pytest.raises(StoreDamaged, match="nothing was changed"):
        compact(full)
    assert everything(full) == before
    assert not list(full.path.parent.glob("*.compact"))


def test_hashes_of_another_duckdb_say_nothing(full):
    with full.file.transaction() as connection:
        connection.execute("UPDATE snapshots SET content_hash = 'duckdb-1.0.0:0' WHERE snapshot_id = 5")
    assert 5 in compact(full)


def test_what_a_killed_compaction_left_is_removed(full):
    leftover = full.path.with_name(f"{full.path.name}.new")
    leftover.write_bytes(b"half of a file")
    Store(full.path, tuple(full.tables.values()), full.clock).index([("prices", "K0")])
    assert not leftover.exists()


def test_the_file_stays_private(full):
    compact(full)
    assert full.path.stat().st_mode & 0o777 == 0o600


def test_portions_cover_every_snapshot_once_and_stay_small():
    one = IndexRow(0, "t", "k", 1, 1, "", (), *[pd.Timestamp(2026, 1, 1)] * 2)
    lines = [replace(one, snapshot_id=i, bytes=size) for i, size in enumerate([10] * 4_500 + [9_000_000] * 3)]
    portions = list(copying.slices(lines))
    assert [line for portion in portions for line in portion] == lines
    assert max(map(len, portions)) <= copying.SLICE_SNAPSHOTS
    assert max(sum(line.bytes for line in portion[:-1]) for portion in portions) < copying.SLICE_BYTES


MEMORY = """
import re, sys
from pathlib import Path
from wheel_assets.cache.store.store import Store
from wheel_assets.tables import Column, SnapshotTable
columns = (Column("timestamp", "TIMESTAMP", ""), Column("symbol", "VARCHAR", ""), Column("number", "DOUBLE", ""))
store = Store(Path(sys.argv[1]), (SnapshotTable("prices", "", columns, "symbol"), SnapshotTable("rates", "", columns),
    SnapshotTable("values_", "", columns), SnapshotTable("report", "", columns)))
# Of this program alone: what `getrusage` tells of a child counts the peak of the parent that started it.
peak = lambda: re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
print(store.maintenance.cleanup().bytes_after, peak())
"""


def test_another_process_compacts_within_bounded_memory(full):
    done = subprocess.run([sys.executable, "-c", MEMORY, str(full.path)], capture_output=True, text=True, check=True)
    size, kilobytes = map(int, done.stdout.split())
    assert size == full.file.size
    assert kilobytes < 1_000_000


def test_a_damaged_original_is_reported_and_the_rest_kept(full, clock):
    """A compaction reads everything, so it finds damage that no read has met yet."""
    with full.file.attached() as connection:
        connection.execute("CHECKPOINT cache")
        query = "SELECT max(block_id) FROM pragma_storage_info('prices') WHERE column_name = 'number'"
        place = 12_288 + connection.execute(query).fetchall()[0][0] * 262_144
    content = bytearray(full.path.read_bytes())
    content[place + 2_000] ^= 0xFF
    full.path.write_bytes(content)
    with pytest.raises(StoreDamaged, match="set aside"):
        full.maintenance.cleanup()
    assert full.maintenance.cleanup().bytes_after == full.file.size
    assert full.spent(clock.now) == 0.25


def test_a_cache_begun_above_the_ids_of_a_lost_one_stays_above_them(toy_store, make_rows):
    with toy_store.file.transaction() as connection:
        connection.execute("CREATE OR REPLACE SEQUENCE snapshot_ids START WITH 1000")
    toy_store.file.rewrite()
    assert toy_store.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])[0].snapshot_id == 1000
