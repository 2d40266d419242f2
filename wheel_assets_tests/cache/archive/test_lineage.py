"""A cache that lives in archives: runs one after another, at once, and cut short."""

from __future__ import annotations

import pytest

from wheel_assets.cache.archive.lineage import heads, kept_in
from wheel_assets.cache.store.store import Entry, Store


@pytest.fixture
def machine(toy_store, tmp_path):
    """Makes a cache that is not there yet, by its name."""
    return lambda name: Store(tmp_path / name / "toy.duckdb", tuple(toy_store.tables.values()), toy_store.clock)


def keys(store: Store) -> list[str]:
    with store.file.attached() as connection:
        return [key for (key,) in connection.execute("SELECT key FROM snapshots ORDER BY key").fetchall()]


def put(store: Store, make_rows, key: str) -> None:
    store.put("prices", [Entry(key, make_rows({key: 1.0}), "test")])


def test_the_next_run_has_what_the_last_one_left(machine, make_rows, tmp_path):
    place = str(tmp_path / "bucket")
    with kept_in(place, first := machine("first")):
        put(first, make_rows, "A")
    with kept_in(place, second := machine("second")):
        assert keys(second) == ["A"]
        put(second, make_rows, "B")
    assert len(heads(place)) == 1


@pytest.mark.slow
def test_two_at_once_lose_nothing(machine, make_rows, tmp_path):
    place = str(tmp_path / "bucket")
    one, other = machine("one"), machine("other")
    with kept_in(place, one), kept_in(place, other):  # both end in the same second
        put(one, make_rows, "A")
        put(other, make_rows, "B")
    assert len(heads(place)) == 2
    with kept_in(place, third := machine("third")):
        assert keys(third) == ["A", "B"]
    assert len(heads(place)) == 1


def test_what_a_failed_run_fetched_is_kept(machine, make_rows, tmp_path):
    place, store = str(tmp_path / "bucket"), machine("one")
    run = kept_in(place, store)
    run.__enter__()
    put(store, make_rows, "A")
    assert not run.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    with kept_in(place, other := machine("other")):
        assert keys(other) == ["A"]


def test_a_damaged_archive_is_told_of_and_left_alone(machine, make_rows, tmp_path, caplog):
    place, bucket = str(tmp_path / "bucket"), tmp_path / "bucket"
    bucket.mkdir()
    for name in ("A", "B"):
        with kept_in(str(tmp_path / "apart" / name), store := machine(name)):
            put(store, make_rows, name)
        archive = next((tmp_path / "apart" / name).iterdir())
        archive.rename(bucket / archive.name)
    broken = bucket / heads(place)[0]
    next(broken.glob("prices/*.parquet")).write_bytes(b"cut short")
    with kept_in(place, last := machine("last")):
        assert len(keys(last)) == 1
    assert broken.name in heads(place)
    assert "is damaged" in caplog.text
