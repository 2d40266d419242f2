"""Every kind of damage ends in a clear line, keeps what is whole, and leaves a cache that works."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.cache.upkeep import recovery
from wheel_assets.errors import StoreDamaged

pytestmark = pytest.mark.slow

BLOCK, FIRST_BLOCK = 262_144, 12_288  # bytes: DuckDB's block size, and where the first one lies
ROWS = 20_000
SNAPSHOTS = 8
LEDGER = 0.25


@pytest.fixture
def full(toy_store: Store, clock) -> Store:
    """A cache of eight large snapshots and an entry in the ledger, without a log."""
    for number in range(SNAPSHOTS):
        toy_store.put("prices", [Entry(f"K{number}", noise(clock.now, number), "test")])
    toy_store.record_calls([(clock.now, "db", "/x", 200, 1.0, 10, LEDGER, "A", None)])
    with toy_store.file.attached() as connection:
        connection.execute("CHECKPOINT cache")
    return toy_store


def noise(at, seed: int) -> pd.DataFrame:
    numbers = np.random.default_rng(seed).random(ROWS)
    return pd.DataFrame({"timestamp": at, "symbol": "A", "number": numbers})


def ids_of(store: Store) -> list[int]:
    places = [("prices", f"K{number}") for number in range(SNAPSHOTS)]
    return sorted(snapshot.snapshot_id for snapshot in store.index(places)[0])


def again(store: Store) -> Store:
    """The same file as a new process sees it."""
    return Store(store.path, tuple(store.tables.values()), store.clock)


def flip(path: Path, position: int, length: int = 1) -> None:
    content = bytearray(path.read_bytes())
    for at in range(position, position + length):
        content[at] ^= 0xFF
    path.write_bytes(content)


def blocks_of(store: Store, query: str) -> list[int]:
    """Where in the file the blocks lie that a query names."""
    with store.file.attached() as connection:
        return [FIRST_BLOCK + block * BLOCK for (block,) in connection.execute(query).fetchall()]


def number_blocks(store: Store) -> list[int]:
    return blocks_of(
        store,
        "SELECT DISTINCT block_id FROM pragma_storage_info('prices') WHERE column_name = 'number' "
        "AND segment_type = 'DOUBLE' AND block_id >= 0 ORDER BY 1",
    )


def metadata_block(store: Store) -> int:
    return blocks_of(store, "SELECT min(block_id) FROM pragma_metadata_info()")[0]


def set_aside(store: Store) -> list[Path]:
    return sorted(p for p in store.path.parent.iterdir() if ".corrupt-" in p.name and not p.name.endswith(".wal"))


def readable(store: Store, clock) -> list[int]:
    """The ids of all snapshots, each read and equal to what was stored."""
    for snapshot_id in ids_of(store):
        frame = store.get("prices", [snapshot_id])
        expected = noise(clock.now, snapshot_id - 1)
        pd.testing.assert_series_equal(frame["number"], expected["number"])
    return ids_of(store)


def test_a_torn_checkpoint_loses_nothing(full, clock, caplog):
    before = ids_of(full)
    flip(full.path, metadata_block(full), length=8)
    assert readable(again(full), clock) == before
    assert again(full).spent(clock.now) == LEDGER
    assert "its 8 whole snapshots were kept" in caplog.text


def test_the_broken_file_is_not_touched_by_its_repair(full):
    flip(full.path, metadata_block(full), length=8)
    broken = full.path.read_bytes()
    ids_of(again(full))
    assert [path.read_bytes() for path in set_aside(full)] == [broken]


def test_a_repair_that_does_not_verify_is_not_served(full, clock):
    """A byte of the metadata itself is wrong: whatever is served afterwards equals what was stored."""
    place = metadata_block(full)
    for offset in (100, 1_000, 3_000, 9_000, 20_000):
        flip(full.path, place + offset)
    assert set(readable(again(full), clock)) <= set(range(1, SNAPSHOTS + 1))
    assert len(set_aside(full)) == 1


def test_a_damaged_block_costs_its_snapshots_and_no_others(full, clock):
    flip(full.path, number_blocks(full)[0] + 5_000)
    told = []
    for snapshot_id in ids_of(full):
        try:
            full.get("prices", [snapshot_id])
        except StoreDamaged as error:
            told.append(str(error))
    kept = readable(again(full), clock)
    assert "set aside" in told[0]
    assert all(line.endswith("run again") for line in told)
    assert 1 <= len(kept) < SNAPSHOTS
    assert again(full).spent(clock.now) == LEDGER


def test_new_snapshots_take_no_ids_of_lost_ones(full, make_rows):
    full.path.write_bytes(b"nothing of it is left")
    new = again(full).put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])[0]
    assert new.snapshot_id > SNAPSHOTS


@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_a_truncated_file_serves_only_what_is_whole(full, clock, share):
    with full.path.open("r+b") as file:
        file.truncate(int(full.path.stat().st_size * share))
    for _ in range(2):  # the first that meets the gap says so; the next run works
        with contextlib.suppress(StoreDamaged):
            readable(again(full), clock)
    assert set(readable(again(full), clock)) <= set(range(1, SNAPSHOTS + 1))
    assert len(set_aside(full)) == 1


@pytest.mark.parametrize("position", [0, 20, 4_096])
def test_a_damaged_header_is_set_aside(full, make_rows, position):
    flip(full.path, position, length=200)
    assert again(full).put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])
    assert len(set_aside(full)) <= 1


def test_the_log_of_another_file_costs_nothing(full, tmp_path, clock, make_rows):
    other = Store(tmp_path / "other.duckdb", tuple(full.tables.values()), clock)
    other.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])
    Path(f"{other.path}.wal").rename(f"{full.path}.wal")
    assert readable(again(full), clock) == list(range(1, SNAPSHOTS + 1))
    assert [path.name.endswith(".wal") for path in full.path.parent.glob("*.corrupt-*.wal")] == [True]


@pytest.mark.parametrize(("share", "cut"), [(0.1, False), (0.5, True), (0.9, False), (0.9, True)])
def test_a_damaged_log_costs_only_its_own_snapshots(full, clock, make_rows, share, cut):
    for _ in range(6):
        full.put("prices", [Entry("late", make_rows({"A": 1.0}), "test")])
    write_ahead_log = Path(f"{full.path}.wal")
    position = int(write_ahead_log.stat().st_size * share)
    if cut:
        write_ahead_log.write_bytes(write_ahead_log.read_bytes()[:position])
    else:
        flip(write_ahead_log, position)
    assert readable(again(full), clock) == list(range(1, SNAPSHOTS + 1))
    late = again(full).index([("prices", "late")])[0]
    assert [len(again(full).get("prices", [snapshot.snapshot_id])) for snapshot in late] == [1] * len(late)


def test_a_database_of_another_program_is_moved_out_of_the_way(toy_store, make_rows, caplog):
    import duckdb

    toy_store.path.parent.mkdir(parents=True)
    with duckdb.connect(str(toy_store.path)) as connection:
        connection.execute("CREATE TABLE option_chains (symbol VARCHAR, data JSON)")
    assert toy_store.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])
    assert len(list(toy_store.path.parent.glob("*.other-*"))) == 1
    assert "wheel migrate" in caplog.text


def test_only_the_newest_broken_files_are_kept(toy_store, make_rows, clock):
    for _ in range(4):
        toy_store.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])
        clock.pass_minutes(1)
        toy_store.path.write_bytes(b"broken")
    ids_of(toy_store)
    assert len(set_aside(toy_store)) == recovery.KEPT_ASIDE


def test_an_interrupted_recovery_gives_the_file_back(full, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    flip(full.path, metadata_block(full), length=8)
    broken = full.path.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(recovery, "recover", interrupt)
        with pytest.raises(KeyboardInterrupt):
            ids_of(again(full))
    assert full.path.read_bytes() == broken
    assert ids_of(again(full)) == list(range(1, SNAPSHOTS + 1))


def test_a_clock_set_back_is_told_and_does_not_stop_the_cache(toy_store, make_rows, clock, caplog):
    toy_store.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])
    clock.pass_minutes(-600)
    assert len(toy_store.index([("prices", "A")])[0]) == 1
    assert "clock set back?" in caplog.text


def test_a_symbolic_link_to_the_file_stays_one(toy_store, tmp_path, make_rows, caplog):
    caplog.set_level(logging.INFO)
    target = tmp_path / "elsewhere" / "real.duckdb"
    toy_store.path.parent.mkdir(parents=True)
    toy_store.path.symlink_to(target)
    linked = again(toy_store)
    linked.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])
    linked.maintenance.cleanup()
    assert toy_store.path.is_symlink()
    assert target.is_file()


def test_a_run_that_meets_damage_pulls_anew(toy):
    """Both where the step itself reads the damaged rows, and where what it pulls does."""
    toy.run("report")
    with toy.store.file.attached() as connection:
        connection.execute("DELETE FROM prices WHERE symbol = 'A'")
    toy.restart()
    assert toy.run("report").success
    assert dict(toy.made) == {"prices A": 1, "values A": 1, "report": 1}


def test_a_pull_that_meets_damage_pulls_that_too(toy):
    toy.run("report")
    with toy.store.file.attached() as connection:
        connection.execute("DELETE FROM rates")
        connection.execute("DELETE FROM snapshots WHERE table_name = 'values_'")
    toy.restart()
    assert toy.run("report").success
    assert toy.made["rates"] == 1


@pytest.mark.parametrize("position", [8, 12, 30, 4_096, 4_096 + 20, 8_192, 8_192 + 20])
def test_a_damaged_header_costs_nothing_that_can_be_verified(full, position):
    """Fails when a DuckDB lays its file out, or words its errors, otherwise: `recovery` has to follow."""
    flip(full.path, position)
    found = ids_of(again(full))
    assert found == list(range(1, SNAPSHOTS + 1))
    assert again(full).spent(full.clock()) == LEDGER
