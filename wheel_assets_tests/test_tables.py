"""The declarations that everything else is made from."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest

from wheel_assets.errors import BadFrame
from wheel_assets.tables import API_CALLS, DATA_TABLES, SNAPSHOTS, Column, SnapshotTable, Table

TABLE = Table(
    "t",
    "for tests",
    (
        Column("name", "VARCHAR", "a name", required=True, values=("put", "call")),
        Column("count", "BIGINT", "how many", low=0),
        Column("price", "DOUBLE", "dollars", low=0, high=10),
        Column("day", "DATE", "a day"),
    ),
)
GOOD = {"name": "put", "count": 1, "price": 2.5, "day": "2026-11-23"}


def frame(**changes: object) -> pd.DataFrame:
    return pd.DataFrame([GOOD | changes])


@pytest.mark.parametrize("table", [*DATA_TABLES, SNAPSHOTS, API_CALLS], ids=lambda table: table.name)
def test_the_ddl_makes_the_declared_columns(table):
    with duckdb.connect() as connection:
        connection.execute(table.ddl)
        made = [(row[0], row[1], row[2] == "NO") for row in connection.execute(f"DESCRIBE {table.name}").fetchall()]
    assert made == [(c.name, c.type, c.required) for c in table.stored_columns]


@pytest.mark.parametrize("table", DATA_TABLES, ids=lambda table: table.name)
def test_every_data_table_says_snapshot_time_and_creation(table):
    names = [column.name for column in table.stored_columns]
    assert (names[0], names[1], names[-1]) == ("snapshot_id", "timestamp", "created_at")
    assert all(column.meaning for column in table.stored_columns)


def test_a_frame_comes_out_in_the_declared_order_and_types():
    out = TABLE.conform(frame()[["day", "price", "name", "count"]])
    assert list(out.dtypes.astype(str)) == ["object", "Int64", "float64", "datetime64[us]"]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_missing_stays_missing(missing):
    out = TABLE.conform(frame(count=missing, day=None).assign(price=np.nan))
    assert out.isna().to_numpy().tolist() == [[False, True, True, True]]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": "straddle"}, "t.name"),
        ({"name": None}, "t.name"),
        ({"count": -1}, "t.count"),
        ({"count": 1.5}, "t.count"),
        ({"price": 10.01}, "t.price"),
        ({"price": np.inf}, "t.price"),
        ({"price": "cheap"}, "t.price"),
        ({"day": "someday"}, "t.day"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_column(changes, named):
    with pytest.raises(BadFrame, match=named):
        TABLE.conform(frame(**changes))


def test_missing_and_undeclared_columns_are_named():
    with pytest.raises(BadFrame, match=r"missing columns \['day'\], undeclared columns \['date'\]"):
        TABLE.conform(frame().rename(columns={"day": "date"}))


def test_what_is_restored_does_not_depend_on_the_data():
    table = SnapshotTable("s", "", TABLE.columns)
    for count in (1, None):
        with duckdb.connect() as connection:
            connection.execute(table.ddl)
            values = [1, "put", count, 2.5, "2026-11-23", "2026-11-23"]
            connection.execute("INSERT INTO s VALUES (?, ?, ?, ?, ?, ?)", values)
            back = table.restore(connection.execute("SELECT * FROM s").df())
        assert list(back.dtypes.astype(str)) == [
            "Int64",
            "object",
            "Int64",
            "float64",
            "datetime64[us]",
            "datetime64[us]",
        ]
