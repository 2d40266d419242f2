"""Retention by age, eviction by size and use, clean-up and clearing, on every table."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.cache.store.file import MIN_FREE_BYTES
from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.cache.upkeep.compaction import Line
from wheel_assets.cache.upkeep.maintenance import ROOM, Limits, least_recently_used
from wheel_assets.errors import StoreUnwritable
from wheel_assets.tables import DATA_TABLES, STORED_TABLES, TRANSACTIONS

NO_LIMIT = Limits(max_bytes=10**12, ttl=timedelta(days=30), cleanup_interval=timedelta(hours=24))
DAY = 24 * 60  # minutes
BLOCK = 262_144  # bytes that DuckDB allocates at a time
AGING = tuple(table for table in STORED_TABLES if not table.record)
EACH = dict.fromkeys((table.name for table in AGING), 1)


@pytest.fixture
def store(tmp_path: Path, clock) -> Store:
    return Store(tmp_path / "cache" / "c.duckdb", AGING, clock=clock, limits=NO_LIMIT)


@pytest.fixture
def fill(store: Store, clock, make_frame):
    """Store one snapshot in every table."""

    def fill(key: str = "A", into: Store = store) -> None:
        for table in store.tables.values():
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


def test_what_is_too_old_goes_from_every_table_when_something_is_stored(store, fill, clock, make_rows):
    fill("old")
    clock.pass_minutes(31 * DAY)
    fill("new")
    assert counts(store) == EACH
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
    """A store of at most 8 MB."""
    limits = replace(NO_LIMIT, max_bytes=5_000_000)
    return Store(toy_store.path, tuple(toy_store.tables.values()), clock, limits=limits)


def test_the_file_stays_within_its_limit_and_is_not_emptied(small, clock):
    sizes = fill_up(small, clock)
    assert max(sizes[5:]) <= 5_000_000
    assert min(sizes[10:]) >= ROOM * 5_000_000 * 0.8


def fill_up(store: Store, clock) -> list[float]:
    """Sixteen versions of 0.5 MB of two keys, of which all but the newest may go; the size after each."""
    sizes = []
    for number in range(16):
        clock.pass_minutes(1)
        store.put("prices", [Entry(f"K{number % 2}", noise(clock.now, 60_000, number), "test")])
        sizes.append(store.file.size)
    return sizes


def test_an_eviction_leaves_a_fifth_of_the_limit_free(small, clock):
    sizes = fill_up(small, clock)
    after = [size for before, size in zip(sizes, sizes[1:], strict=False) if size < before]
    assert after
    assert all(0.5 * 5_000_000 < size <= ROOM * 5_000_000 + 2 * BLOCK for size in after)


def test_what_was_used_last_stays(small, clock):
    first = small.put("prices", [Entry("K0", noise(clock.now, 60_000, 99), "test")])[0]
    second = small.put("prices", [Entry("K0", noise(clock.now, 60_000, 98), "test")])[0]
    for number in range(10):
        clock.pass_minutes(1)
        small.touch([first])
        small.put("prices", [Entry("K1", noise(clock.now, 60_000, number), "test")])
    ids = {snapshot.snapshot_id for snapshot in small.index([("prices", "K0")])[0]}
    assert first.snapshot_id in ids
    assert len(small.get("prices", [first.snapshot_id])) == 60_000
    assert second.snapshot_id in ids  # the newest of its key


def test_the_newest_of_every_key_stays_even_above_the_limit(small, clock, caplog):
    for number in range(15):
        small.put("prices", [Entry(f"K{number}", noise(clock.now, 60_000, number), "test")])
    assert len(small.index([("prices", f"K{n}") for n in range(15)])[0]) == 15
    assert "WHEEL_CACHE__MAX_SIZE_GB" in caplog.text


def test_an_eviction_that_fails_does_not_undo_what_was_stored(small, clock, monkeypatch, caplog):
    def refuse(wanted: float) -> None:
        if wanted != MIN_FREE_BYTES:
            raise StoreUnwritable("the cache cannot be written", "the disk is full", "")

    monkeypatch.setattr(small.file, "require_free", refuse)
    for number in range(12):
        stored = small.put("prices", [Entry("K0", noise(clock.now, 60_000, number), "test")])[0]
    assert "the disk is full" in caplog.text
    assert len(small.get("prices", [stored.snapshot_id])) == 60_000


lines = st.lists(
    st.tuples(st.sampled_from("AB"), st.integers(0, 5), st.integers(1, 9), st.sets(st.integers(0, 12), max_size=2)),
    max_size=12,
)


def as_lines(drawn, clock_start) -> list[Line]:
    return [
        Line(
            i,
            "t",
            key,
            1,
            weight,
            "",
            tuple(j for j in inputs if j < i),
            clock_start,
            clock_start + timedelta(hours=use),
        )
        for i, (key, use, weight, inputs) in enumerate(drawn)
    ]


def needed_by_newest(lines: list[Line]) -> set[int]:
    """The slow twin: the newest of each key and, recursively, what it was made of."""

    def above(snapshot_id: int) -> set[int]:
        return {snapshot_id}.union(*(above(i) for i in lines[snapshot_id].inputs))

    newest = [max(line.snapshot_id for line in lines if line.key == key) for key in {line.key for line in lines}]
    return set().union(*(above(i) for i in newest))


@given(lines, st.integers(0, 60))
def test_victims_are_the_least_recently_used_and_no_more_than_needed(drawn, weight):
    index = as_lines(drawn, datetime(2026, 1, 1))
    victims = least_recently_used(index, weight)
    free = sorted(
        (line for line in index if line.snapshot_id not in needed_by_newest(index)),
        key=lambda line: (line.last_used_at, line.snapshot_id),
    )
    assert victims == {line.snapshot_id for line in free[: len(victims)]}
    taken = [line.bytes for line in free[: len(victims)]]
    assert sum(taken) >= weight or len(victims) == len(free)
    assert sum(taken[:-1]) < weight or not taken
