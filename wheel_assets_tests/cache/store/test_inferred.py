"""Undeclared tables: inferred from their frames, widened, never lossy."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.errors import BadFrame, UsageError


@pytest.fixture
def store(tmp_path, clock):
    return Store(tmp_path / "any.duckdb", (), clock)


def put(store, *frames, table="things"):
    """Store frames one after the other and read the last one back."""
    for frame in frames:
        stored = store.put(table, [Entry("all", frame, "test")])
    return store.get(table, [stored[0].snapshot_id])


VALUES = {
    "int64": [1, 2],
    "int32": np.array([1, 2], dtype="int32"),
    "uint64": np.array([1, 2**63], dtype="uint64"),
    "float64": [0.5, None],
    "float32": np.array([0.5, 1.5], dtype="float32"),
    "bool": [True, False],
    "object": ["a", None],
    "Int64": pd.array([1, None], dtype="Int64"),
    "datetime64[ns]": pd.to_datetime(["2026-01-01 12:00:00.123456789", None]).astype("datetime64[ns]"),
    "datetime64[us]": pd.Series([datetime(2026, 1, 1), None]).astype("datetime64[us]"),
}


@pytest.mark.parametrize("dtype", VALUES)
def test_a_column_comes_back_as_it_was_stored(store, dtype):
    frame = pd.DataFrame({"value": VALUES[dtype]})
    pd.testing.assert_frame_equal(put(store, frame), frame)


@pytest.mark.parametrize("name", ["order", "rows", "group", "select"])
def test_any_name_of_an_asset_is_a_table(store, name):
    frame = pd.DataFrame({"from": [1], "a b": ["x"], "('a', 'b')": [2], 'a"b': [3]})
    pd.testing.assert_frame_equal(put(store, frame, table=name), frame)


@pytest.mark.parametrize("dtype", ["datetime64[us, UTC]", object])
def test_an_instant_keeps_its_moment(store, dtype):
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert put(store, pd.DataFrame({"at": pd.Series([at], dtype=dtype)}))["at"][0] == at


def test_days_and_categories_come_back_by_value(store):
    frame = pd.DataFrame({"day": [date(2026, 1, 2)], "kind": pd.Categorical(["x"]), "level": pd.Categorical([3])})
    assert put(store, frame).iloc[0].tolist() == [pd.Timestamp(2026, 1, 2), "x", 3]


def test_a_new_column_is_added_and_holds_nothing_before(store):
    old = store.put("things", [Entry("all", pd.DataFrame({"a": [1]}), "test")])[0]
    put(store, pd.DataFrame({"b": ["x"], "a": [2]}))
    assert store.get("things", [old.snapshot_id])["b"].tolist() == [None]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ([1.5], [2]),
        ([1], [2.0, None]),
        ([1], np.array([2], dtype="int8")),
        ([None], ["x"]),
        ([None], [1.5]),
        (
            np.array(["2026-01-01T00:00:00.5"], dtype="datetime64[ns]"),
            np.array(["2026-01-01"], dtype="datetime64[s]"),
        ),
    ],
    ids=["float-int", "int-whole", "int-small", "none-text", "none-number", "ns-s"],
)
def test_a_value_that_a_column_can_hold_as_it_is_is_taken(store, first, then):
    back = put(store, pd.DataFrame({"a": first}), pd.DataFrame({"a": then}))["a"]
    assert [None if pd.isna(value) else value for value in back] == list(then)


CHANGED = {
    "a fraction": ([1], [2.5]),
    "text": ([1], ["x"]),
    "a number for text": (["x"], [1]),
    "truth for a number": ([1], [True]),
    "a time for a number": ([1], [datetime(2026, 1, 1)]),
    "too large": (np.array([1], dtype="int8"), [1000]),
}
ZONES = [datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC)]


@pytest.mark.parametrize("case", CHANGED)
def test_a_changed_type_is_refused_and_nothing_is_lost(store, case):
    first, then = CHANGED[case]
    put(store, pd.DataFrame({"a": first}))
    with pytest.raises(BadFrame, match="column things.a was refused; it holds"):
        put(store, pd.DataFrame({"a": then}))
    assert len(store.newest("things")) == 1


@pytest.mark.parametrize(
    "frame",
    [{"a": [1], "A": [2]}, {"snapshot_id": [1]}, {}, {"a": [1, "x"]}, {"a": [{"b": 1}]}, {"a": [Decimal("1.1")]}]
    + [{"a": [2**70]}, {"a": pd.Series(ZONES, dtype=object)}, {"": [1], "a": [1]}],
    ids=["twins", "ours", "no columns", "mixed", "structures", "decimals", "huge", "zones", "no name"],
)
def test_what_no_column_holds_as_it_is_is_refused(store, frame):
    with pytest.raises(BadFrame, match="refused"):
        put(store, pd.DataFrame(frame, index=range(len(frame.get("a", [1])))))


def test_a_column_spelt_in_another_case_is_refused(store):
    with pytest.raises(BadFrame, match="things.A was refused; .*; spell it as the table does: a"):
        put(store, pd.DataFrame({"a": [1]}), pd.DataFrame({"A": [2]}))


def test_only_the_columns_asked_for_are_read(store):
    stored = store.put("things", [Entry("all", pd.DataFrame({"a": [1], "b": [2]}), "test")])[0]
    assert list(store.get("things", [stored.snapshot_id], ["b"])) == ["b"]
    with pytest.raises(UsageError, match="things has no column c; its columns are snapshot_id, a, b"):
        store.get("things", [stored.snapshot_id], ["c"])


def test_snapshots_of_several_keys_come_back_in_the_order_asked_for(store):
    entries = [Entry(key, pd.DataFrame({"a": [number]}), "test") for number, key in enumerate("xyz")]
    ids = [snapshot.snapshot_id for snapshot in store.put("things", entries)]
    assert store.get("things", ids[::-1])["a"].tolist() == [2, 1, 0]


def test_a_time_that_rows_have_is_that_of_their_snapshot(store, clock):
    at = datetime(2026, 1, 2)
    assert store.put("a", [Entry("all", pd.DataFrame({"timestamp": [at]}), "test")])[0].timestamp == at
    assert store.put("b", [Entry("all", pd.DataFrame({"timestamp": ["x"]}), "test")])[0].timestamp == clock.now
