"""Snapshots in and out of a real file, in this process and in others."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.errors import BadFrame, StoreBusy, StoreDamaged, StoreTooNew, StoreUnwritable
from wheel_assets.tables import DATA_TABLES, PREDICTIONS


def put(store: Store, frame: pd.DataFrame, key: str = "A", **more: object) -> int:
    """Store one snapshot of prices and return its id."""
    return store.put("prices", [Entry(key, frame, "test", **more)])[0].snapshot_id


def another_process(store: Store) -> Store:
    """What a process sees that has nothing at hand but the file."""
    return Store(store.path, tuple(store.tables.values()), store.clock)


def test_what_is_read_equals_what_was_written(toy_store, make_rows, clock):
    snapshot_id = put(toy_store, make_rows({"A": 1.5}))
    frame = another_process(toy_store).get("prices", [snapshot_id])
    assert frame.drop(columns="timestamp").to_dict("records") == [
        {"snapshot_id": snapshot_id, "symbol": "A", "number": 1.5, "created_at": pd.Timestamp(clock.now)}
    ]


@pytest.mark.slow
@given(
    st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, width=64)), min_size=1, max_size=5)
)
def test_every_number_survives_the_round_trip(toy_store, numbers):
    frame = pd.DataFrame(
        {"timestamp": datetime(2026, 1, 1), "symbol": "A", "number": pd.Series(numbers, dtype="float64")}
    )
    back = another_process(toy_store).get("prices", [put(toy_store, frame)])
    pd.testing.assert_series_equal(back["number"], frame["number"])


@pytest.mark.slow
def test_rows_come_in_the_order_in_which_they_were_stored(toy_store, clock):
    count = 300_000  # several row groups, which several threads read
    for first in (0, count):
        numbers = np.arange(first, first + count, dtype="float64")
        frame = pd.DataFrame({"timestamp": clock.now, "symbol": "A", "number": numbers})
        put(toy_store, frame, f"key {first}")
    for ids, expected in (([1, 2], np.arange(2 * count)), ([2, 1], np.roll(np.arange(2 * count), count))):
        stored = another_process(toy_store).get("prices", ids)["number"]
        assert np.array_equal(stored.to_numpy(), expected)


def test_ids_rise_and_are_never_given_twice(toy_store, make_rows):
    first = put(toy_store, make_rows({"A": 1.0}))
    with toy_store.file.transaction() as connection:
        connection.execute("DELETE FROM snapshots")
        connection.execute("DELETE FROM prices")
    assert put(toy_store, make_rows({"A": 1.0})) > first


def test_several_snapshots_are_stored_together_or_not_at_all(toy_store, make_rows):
    good, bad = (
        Entry("A", make_rows({"A": 1.0}), "test"),
        Entry("B", make_rows({"B": 1.0}).drop(columns="number"), "test"),
    )
    with pytest.raises(BadFrame, match="number"):
        toy_store.put("prices", [good, bad])
    assert toy_store.index([("prices", "A")]) == ([], 0)


@pytest.mark.parametrize("change", [{"number": "text"}, {"symbol": None}, {"undeclared": 1}, {"timestamp": "soon"}])
def test_rows_that_do_not_fit_are_refused_before_anything_is_written(toy_store, make_rows, change):
    with pytest.raises(BadFrame):
        put(toy_store, make_rows({"A": 1.0}).assign(**change))
    assert not toy_store.path.exists()


def test_columns_are_stored_by_name_not_by_place(toy_store, make_rows):
    shuffled = make_rows({"A": 1.5})[["number", "symbol", "timestamp"]]
    assert another_process(toy_store).get("prices", [put(toy_store, shuffled)])["number"][0] == 1.5


@pytest.mark.parametrize("table", DATA_TABLES, ids=lambda table: table.name)
def test_what_is_at_hand_equals_what_lies_in_the_file(tmp_path, make_frame, table):
    store = Store(tmp_path / "all.duckdb", DATA_TABLES)
    frame = make_frame(table).astype(object)
    frame.loc[1, [column.name for column in table.columns if not column.required]] = None
    ids = [snapshot.snapshot_id for snapshot in store.put(table.name, [Entry("A", frame, "x"), Entry("B", frame, "x")])]
    pd.testing.assert_frame_equal(store.get(table.name, ids), another_process(store).get(table.name, ids))


def test_what_is_at_hand_is_the_readers_own(toy_store, make_rows):
    snapshot_id = put(toy_store, make_rows({"A": 1.5}))
    toy_store.get("prices", [snapshot_id])["number"] = 0.0
    assert toy_store.get("prices", [snapshot_id])["number"][0] == 1.5


def test_nothing_is_at_hand_of_a_file_that_was_deleted(toy_store, make_rows, clock):
    put(toy_store, make_rows({"A": 1.0}))
    toy_store.path.unlink()
    clock.pass_minutes(1)
    put(another_process(toy_store), make_rows({"A": 2.0}))
    index, _ = toy_store.index([("prices", "A")])
    assert [snapshot.snapshot_id for snapshot in index] == [1]
    assert list(toy_store.get("prices", [1])["number"]) == [2.0]


def test_only_so_much_is_kept_at_hand(toy_store, make_rows, monkeypatch):
    monkeypatch.setattr("wheel_assets.cache.store.memory.MAX_ROWS", 2)
    ids = [put(toy_store, make_rows({"A": float(number)})) for number in range(4)]
    with toy_store.file.transaction() as connection:
        connection.execute("DELETE FROM prices")
    assert [list(toy_store.get("prices", [snapshot_id])["number"]) for snapshot_id in ids[2:]] == [[2.0], [3.0]]
    with pytest.raises(StoreDamaged):
        toy_store.get("prices", ids[:1])


def test_the_index_gives_the_newest_first_and_the_highest_id(toy_store, make_rows):
    ids = [put(toy_store, make_rows({"A": float(i)})) for i in range(3)]
    index, newest = toy_store.index([("prices", "A")])
    assert [s.snapshot_id for s in index] == ids[::-1]
    assert newest == ids[-1]


def test_a_snapshot_records_where_it_came_from(toy_store, make_rows, clock):
    put(toy_store, make_rows({"A": 1.0}), run_id="run", inputs=frozenset({7, 8}), fingerprint="r")
    snapshot = toy_store.index([("prices", "A")])[0][0]
    assert (snapshot.source, snapshot.run_id, snapshot.inputs, snapshot.fingerprint) == ("test", "run", {7, 8}, "r")
    assert snapshot.created_at == clock.now


def test_a_snapshot_that_is_gone_is_an_error_not_an_empty_frame(toy_store, make_rows):
    put(toy_store, make_rows({"A": 1.0}))
    with pytest.raises(StoreDamaged, match="gone"):
        toy_store.get("prices", [99])


def test_the_folder_and_the_file_are_private(toy_store, make_rows):
    put(toy_store, make_rows({"A": 1.0}))
    assert stat.S_IMODE(toy_store.path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(toy_store.path.stat().st_mode) == 0o600


def test_the_ledger_adds_up_the_month(toy_store):
    calls = [(datetime(2026, month, 1), "db", "/x", 200, 1.0, 10, 0.25, "A", None) for month in (10, 11, 11)]
    toy_store.record_calls(calls)
    assert toy_store.spent(datetime(2026, 11, 1)) == 0.5


def test_no_calls_cost_no_write(toy_store):
    toy_store.record_calls([])
    assert not toy_store.path.exists()


def test_another_process_sees_what_is_committed(toy_store, make_rows):
    put(toy_store, make_rows({"A": 2.5}))
    script = (
        "import duckdb, sys; file = duckdb.connect(sys.argv[1], read_only=True); "
        "print(file.sql('select number from prices').fetchall())"
    )
    out = subprocess.run(
        [sys.executable, "-c", script, str(toy_store.path)], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[(2.5,)]"


def test_waiting_too_long_for_the_file_is_a_clear_error(toy_store, make_rows, tmp_path):
    put(toy_store, make_rows({"A": 1.0}))
    impatient = Store(toy_store.path, tuple(toy_store.tables.values()), toy_store.clock, lock_seconds=0.05)
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); "
            "print(1, flush=True); sys.stdin.read()",
        ]
        + [f"{toy_store.path}.lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        holder.stdout.readline()
        with pytest.raises(StoreBusy, match="in use"):
            impatient.index([("prices", "A")])
        holder.stdin.close()
    assert impatient.index([("prices", "A")])[1] == 1


@pytest.mark.parametrize("damage", [b"", b"not a database", bytes(300_000)])
def test_a_file_that_does_not_open_is_set_aside_and_the_next_write_works(toy_store, make_rows, damage):
    toy_store.path.parent.mkdir(parents=True)
    toy_store.path.write_bytes(damage)
    put(toy_store, make_rows({"A": 1.0}))
    aside = [path for path in toy_store.path.parent.iterdir() if ".corrupt-" in path.name]
    assert [path.read_bytes() for path in aside] == [damage]


def test_a_file_of_a_newer_version_is_refused_and_left_alone(toy_store, make_rows):
    put(toy_store, make_rows({"A": 1.0}))
    with toy_store.file.transaction() as connection:
        connection.execute("UPDATE meta SET value = '999'")
    newer = Store(toy_store.path, tuple(toy_store.tables.values()), toy_store.clock)
    with pytest.raises(StoreTooNew, match="version 999"):
        newer.index([("prices", "A")])
    assert toy_store.path.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_a_clear_error(tmp_path, make_rows, clock):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreUnwritable, match="WHEEL_CACHE__DIR"):
        Store(tmp_path / "x" / "c.duckdb", clock=clock).index([("prices", "A")])


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path, clock):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnwritable, match="WHEEL_CACHE__DIR"):
        Store(tmp_path / "file" / "c.duckdb", clock=clock).index([("prices", "A")])


def test_every_declared_table_is_made_with_its_columns_in_order(tmp_path):
    store = Store(tmp_path / "wheel_cache.duckdb")
    store.index([("greeks", "A")])
    with duckdb.connect(str(store.path), read_only=True) as connection:
        for table in DATA_TABLES:
            columns = connection.execute(f"DESCRIBE {table.name}").fetchall()
            assert [(c[0], c[1]) for c in columns] == [(c.name, c.type) for c in table.stored_columns]


def test_json_columns_hold_json(tmp_path):
    names = {c.name: None for c in PREDICTIONS.columns}
    good = names | {
        "timestamp": datetime(2026, 1, 1), "prediction_id": "1", "symbol": "U", "option_symbol": "U", "strike": 1.0,
        "expiration": datetime(2026, 1, 2), "option_type": "put", "input_features": '{"iv": 0.5}', "predictions": "{}",
        "model_version": "1",
    }  # fmt: skip
    store = Store(tmp_path / "c.duckdb")
    store.put("predictions", [Entry("U", pd.DataFrame([good]), "test")])
    with store.file.attached() as connection:
        assert connection.execute("SELECT input_features->>'iv' FROM predictions").fetchall() == [("0.5",)]


KILLED_WRITER = """
import sys
from pathlib import Path
from datetime import datetime
import pandas as pd
from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.tables import Column, SnapshotTable
columns = (
    Column("timestamp", "TIMESTAMP", "", required=True), Column("symbol", "VARCHAR", ""), Column("number", "DOUBLE", "")
)
store = Store(Path(sys.argv[1]), (SnapshotTable("prices", "", columns, "symbol", "symbols"),))
rows = pd.DataFrame({"timestamp": datetime(2026, 1, 1), "symbol": "A", "number": range(2000)})
while True:
    print(store.put("prices", [Entry("A", rows, "test")])[0].snapshot_id, flush=True)
"""


@pytest.mark.slow
def test_a_kill_at_any_moment_loses_nothing_that_was_acknowledged(toy_store, make_rows):
    acknowledged = 0
    for pause in (1, 3, 6):
        writer = subprocess.Popen(
            [sys.executable, "-c", KILLED_WRITER, str(toy_store.path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(pause):
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        writer.communicate()
        index, newest = toy_store.index([("prices", "A")])
        assert newest >= acknowledged
        assert {len(toy_store.get("prices", [s.snapshot_id])) for s in index} == {2000}
    assert put(toy_store, make_rows({"A": 1.0})) > acknowledged


def test_the_lock_file_is_never_deleted(toy_store, make_rows):
    put(toy_store, make_rows({"A": 1.0}))
    inode = Path(f"{toy_store.path}.lock").stat().st_ino
    put(toy_store, make_rows({"A": 2.0}))
    assert Path(f"{toy_store.path}.lock").stat().st_ino == inode
