"""Retention by age, eviction by size and use, clean-up and clearing, on every table."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.cache.store.cache_file import MIN_FREE_BYTES
from wheel_assets.cache.store.leases import Leases
from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.cache.upkeep.maintenance import PEAK, Limits, least_recently_used
from wheel_assets.cache.upkeep.snapshot_index import IndexRow, index_rows
from wheel_assets.errors import BadFrame, StoreUnwritable
from wheel_assets.tables import DATA_TABLES, DOCUMENTS, STORED_TABLES, TRANSACTIONS

NO_LIMIT = Limits(max_bytes=10**12, ttl=timedelta(days=30), cleanup_interval=timedelta(hours=24))
DAY = 24 * 60  # minutes
EVERY = tuple(table for table in STORED_TABLES if not table.record)
AGING = EVERY[:3]
EACH = dict.fromkeys((table.name for table in AGING), 1)


@pytest.fixture
def store(tmp_path: Path, clock) -> Store:
    return Store(tmp_path / "cache" / "c.duckdb", AGING, clock=clock, limits=NO_LIMIT)


@pytest.fixture
def fill(store: Store, clock, make_frame):
    """Store one snapshot in each table of a store."""

    def fill(key: str = "A", into: Store = store) -> None:
        for table in into.tables.values():
            into.put(table.name, [Entry(key, make_frame(table, at=clock.now, key=key), "test")])

    return fill


def counts(store: Store) -> dict[str, int]:
    """Snapshots by table in the index, which has to agree with the rows in the tables."""
    with store.file.attached() as connection:
        rows = connection.execute("SELECT table_name, count(*) FROM snapshots GROUP BY ALL").fetchall()
        for table in store.tables:
            query = f"SELECT count(DISTINCT snapshot_id) FROM {table}"
            assert connection.execute(query).fetchall()[0][0] == dict(rows).get(table, 0)
    return {table: dict(rows).get(table, 0) for table in store.tables}


def test_what_is_too_old_goes_from_every_table_when_something_is_stored(store, fill, clock):
    every = Store(store.path, EVERY, clock=clock, limits=NO_LIMIT)
    fill("old", into=every)
    clock.pass_minutes(31 * DAY)
    fill("new", into=every)
    assert counts(every) == dict.fromkeys(every.tables, 1)
    assert len(store.index([(name, "new") for name in EACH])[0]) == len(EACH)


def test_what_is_not_too_old_stays(store, fill, clock):
    fill("old")
    clock.pass_minutes(29 * DAY)
    fill("new")
    assert set(counts(store).values()) == {2}


def test_the_age_is_looked_at_once_an_interval_in_whatever_process(store, fill, clock):
    fill("old")
    clock.pass_minutes(29 * DAY)
    fill("middle")  # looks now, and notes it
    clock.pass_minutes(1 * DAY - 1)
    fill("early", into=Store(store.path, AGING, clock=clock, limits=replace(NO_LIMIT, ttl=timedelta(days=1))))
    assert set(counts(store).values()) == {3}
    clock.pass_minutes(2)
    fill("late")
    assert set(counts(store).values()) == {3}  # `old` is gone, `late` is there


def test_the_newest_of_a_record_outlives_the_retention_time(store, clock, make_frame):
    records = Store(store.path, [TRANSACTIONS], clock=clock, limits=NO_LIMIT)
    for _ in range(2):
        newest = records.put("transactions", [Entry("A", make_frame(TRANSACTIONS, key="A"), "test")])[0]
    clock.pass_minutes(31 * DAY)
    assert dict(records.maintenance.cleanup().snapshots) == {"transactions": 1}
    assert records.index([("transactions", "A")])[0] == [newest]


def test_a_clean_up_noted_in_the_future_does_not_hold_up_the_next(store, fill, clock):
    clock.pass_minutes(1000 * DAY)
    fill("future")
    clock.pass_minutes(-1000 * DAY)
    fill("old", into=Store(store.path, AGING, clock=clock))
    clock.pass_minutes(31 * DAY)
    fill("new", into=Store(store.path, AGING, clock=clock, limits=NO_LIMIT))
    assert store.index([("greeks", "old")])[0] == []


def test_clean_up_by_hand_tells_what_went(store, fill, clock):
    fill("old")
    clock.pass_minutes(31 * DAY)
    told = store.maintenance.cleanup()
    assert (dict(told.snapshots), told.rows) == (EACH, 3 * len(EACH))
    assert told.bytes_after == store.file.size
    assert counts(store) == dict.fromkeys(EACH, 0)


def test_a_dry_run_changes_nothing(store, fill, clock):
    fill("old")
    clock.pass_minutes(31 * DAY)
    before = store.path.read_bytes()
    assert dict(store.maintenance.cleanup(dry_run=True).snapshots) == EACH
    assert store.path.read_bytes() == before


def test_clearing_keeps_the_ledger_and_never_gives_an_id_twice(store, fill, clock, make_frame):
    fill()
    store.record_calls([(clock.now, "db", "/x", 200, 1.0, 10, 0.25, "A", None)])
    last = store.index([("greeks", "A")])[1]
    assert dict(store.maintenance.clear().snapshots) == EACH
    assert counts(store) == dict.fromkeys(EACH, 0)
    assert store.spent(clock.now) == 0.25
    table = DATA_TABLES[0]
    again = Store(store.path, AGING, clock=clock)
    assert again.put(table.name, [Entry("A", make_frame(table), "test")])[0].snapshot_id > last


def noise(at, rows: int, seed: int) -> pd.DataFrame:
    """Rows that do not compress."""
    return pd.DataFrame({"timestamp": at, "symbol": "A", "number": np.random.default_rng(seed).random(rows)})


@pytest.fixture
def small(toy_store: Store, clock) -> Store:
    """A store of at most 20 MB."""
    limits = replace(NO_LIMIT, max_bytes=20_000_000)
    return Store(toy_store.path, tuple(toy_store.tables.values()), clock, limits=limits)


def fill_up(store: Store, clock, count: int = 30) -> None:
    """Snapshots of 0.5 MB, each of another key: K0, K1, ..."""
    for number in range(count):
        clock.pass_minutes(1)
        store.put("prices", [Entry(f"K{number}", noise(clock.now, 60_000, number), "test")])


@contextlib.contextmanager
def disk_use(store: Store) -> Iterator[list[float]]:
    """What the folder of a cache takes, seen again and again until the block ends."""
    sizes: list[float] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.002):
            sizes.append(folder_size(store))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield sizes
    finally:
        over.set()
        watcher.join()


def folder_size(store: Store) -> int:
    """Bytes of everything in the folder of the cache."""
    size = 0
    for path in store.path.parent.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


@pytest.mark.slow
def test_whatever_is_stored_the_disk_holds_little_more_than_the_limit(small, clock):
    with disk_use(small) as sizes:
        fill_up(small, clock, 16)
    assert max(sizes) <= PEAK * 20_000_000
    assert small.file.size >= 0.3 * 20_000_000


def keys(store: Store) -> list[str]:
    """The keys of `prices` that are in the cache, oldest first."""
    with store.file.attached() as connection:
        return [line.key for line in index_rows(connection)]


@pytest.mark.slow
def test_least_recently_used_goes_first_whatever_its_key(small, clock):
    fill_up(small, clock)
    left = keys(small)
    assert 0 < len(left) < 30
    assert left == [f"K{number}" for number in range(30 - len(left), 30)]


@pytest.mark.slow
def test_a_hit_in_another_process_makes_an_entry_recent_at_once(small, clock):
    first = small.put("prices", [Entry("first", noise(clock.now, 60_000, 99), "test")])[0]
    other = Store(small.path, tuple(small.tables.values()), clock)
    for number in range(30):
        clock.pass_minutes(1)
        other.touch([first])
        small.put("prices", [Entry(f"K{number}", noise(clock.now, 60_000, number), "test")])
    left = keys(small)
    assert (left[0], "K0" in left) == ("first", False)


@pytest.mark.slow
def test_what_a_running_step_reads_stays_as_long_as_it_runs(small, clock):
    first = small.put("prices", [Entry("first", noise(clock.now, 60_000, 99), "test")])[0]
    small.leases.hold("a step", [first.snapshot_id])
    fill_up(small, clock)
    left = keys(small)
    assert (left[0], "K0" in left) == ("first", False)
    small.leases.release("a step")
    fill_up(small, clock, 16)
    assert keys(small)[0] != "first"


LEASE = """
import sys
from pathlib import Path
from wheel_assets.cache.store.leases import Leases
leases = Leases(Path(sys.argv[1]))
leases.hold("a step", [7])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_killed_process_leaves_no_lease_behind(tmp_path):
    leases, command = Leases(tmp_path / "leases"), [sys.executable, "-c", LEASE, str(tmp_path / "leases")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert leases.held() == {7}
        process.kill()
    assert leases.held() == set()
    assert not list((tmp_path / "leases").iterdir())


@pytest.mark.slow
def test_large_documents_stay_within_the_limit_although_each_write_rewrites_all_of_them(toy_store, clock):
    limits = replace(NO_LIMIT, max_bytes=15_000_000)
    store = Store(toy_store.path, (DOCUMENTS,), clock, limits=limits)
    with disk_use(store) as sizes:
        for number in range(25):
            clock.pass_minutes(1)
            text = np.random.default_rng(number).bytes(400_000).hex()
            row = {"timestamp": [clock.now], "key": [f"K{number}"], "document": [f'"{text}"']}
            store.put(DOCUMENTS.name, [Entry(f"K{number}", pd.DataFrame(row), "test")])
    left = keys(store)
    assert max(sizes) <= PEAK * limits.max_bytes
    assert store.file.size <= limits.max_bytes
    assert len(left) >= 4
    assert left == [f"K{number}" for number in range(25 - len(left), 25)]


def test_an_entry_larger_than_the_limit_is_refused_and_costs_nothing(small, clock):
    small.put("prices", [Entry("A", noise(clock.now, 1_000, 1), "test")])
    with pytest.raises(BadFrame, match=r"takes [0-9]+\.. MB, the limit of the cache is 20\.0 MB"):
        small.put("prices", [Entry("B", noise(clock.now, 1_000_000, 1), "test")])
    assert keys(small) == ["A"]


@pytest.mark.slow
def test_an_eviction_that_fails_does_not_undo_what_was_stored(small, clock, monkeypatch, caplog):
    def refuse(wanted: float) -> None:
        if wanted != MIN_FREE_BYTES:
            raise StoreUnwritable("the cache cannot be written", "the disk is full", "")

    monkeypatch.setattr(small.file, "require_free", refuse)
    for number in range(40):
        stored = small.put("prices", [Entry("K0", noise(clock.now, 60_000, number), "test")])[0]
    assert "the disk is full" in caplog.text
    assert len(small.get("prices", [stored.snapshot_id])) == 60_000


@pytest.mark.slow
def test_broken_files_count_against_the_limit_and_go_first_oldest_first(small, clock):
    small.put("prices", [Entry("A", noise(clock.now, 60_000, 1), "test")])
    old, new, theirs = (
        small.path.with_name(f"{small.path.name}.{end}")
        for end in ("corrupt-20260101T000000000000", "corrupt-20260201T000000000000", "other-20260101T000000000000")
    )
    for path in (old, new, theirs):
        path.write_bytes(bytes(7_000_000))
    small.maintenance.cleanup()
    assert [path.exists() for path in (old, new, theirs)] == [False, True, True]
    fill_up(small, clock, 16)
    assert not new.exists()


lines = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), max_size=12)


@given(lines, st.integers(0, 120), st.sets(st.integers(0, 12)))
def test_victims_are_the_least_recently_used_and_no_more_than_needed(drawn, most, kept):
    start = datetime(2026, 1, 1)
    index = [
        IndexRow(i, "t", "k", 1, size, "", (), start, start + timedelta(hours=use))
        for i, (use, size) in enumerate(drawn)
    ]
    victims = least_recently_used(index, most, kept)
    free = sorted(
        (line for line in index if line.snapshot_id not in kept),
        key=lambda line: (line.last_used_at, line.snapshot_id),
    )
    assert victims == {line.snapshot_id for line in free[: len(victims)]}
    left = 2 * sum(line.bytes for line in index if line.snapshot_id not in victims)  # so few rows are rewritten at once
    assert left <= most or len(victims) == len(free)
    assert not victims or left + 2 * free[len(victims) - 1].bytes > most
