"""Old data in: what is taken, under which times, what is refused and why."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import tracemalloc
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from wheel_assets.cache.policy import Node, Reason, assess
from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.cache.upkeep.maintenance import Limits
from wheel_assets.columns import identifier
from wheel_assets.errors import UsageError
from wheel_assets.fetch.sample.sources import SampleMarket
from wheel_assets.migrate import old_files
from wheel_assets.migrate.migration import migrate

AT = datetime(2025, 1, 2, 10, 0)
PUT, CALL = "U     250117P00025000", "U     250117C00026000"
SHARES = ("2025-01-02 10:00:00+00:00", "12345678", "U", 100.0, "STOCK", 2550.0, 2400.0)


def rows(store: Store, query: str) -> list[tuple[object, ...]]:
    with store.file.attached() as connection:
        return connection.execute(query).fetchall()


def everything(store: Store) -> dict[str, list[tuple[object, ...]]]:
    return {name: rows(store, f"SELECT * FROM {name} ORDER BY ALL") for name in [*store.tables, "snapshots"]}


def test_an_original_cache_is_taken_whole(cache, original):
    done = migrate(cache, original)
    assert done.kind == "DuckDB"
    assert done.rows == {"option_chains": 2, "positions": 3, "greeks": 1, "predictions": 1}
    assert (done.present, done.refused, done.left_out) == (0, [], {})


def test_its_chains_become_contracts(cache, original):
    migrate(cache, original)
    columns = "option_symbol, bid, ask, volume, iv, spot_price, multiplier, quote_quality"
    query = f"SELECT {columns} FROM option_chains ORDER BY 1"
    assert rows(cache, query) == [
        (CALL, 0.5, 0.6, 7, None, 25.5, 100, "ok"),
        (PUT, 0.4, 0.5, None, 0.45, 25.5, 100, "ok"),
    ]


def test_its_positions_become_holdings_and_cash(cache, original):
    migrate(cache, original)
    columns = "account_id, asset_type, symbol, underlying, multiplier, quantity, average_price, market_value"
    assert rows(cache, f"SELECT {columns} FROM positions") == [
        ("default", "stock", "U", None, 1, 100.0, 24.0, 2550.0),
        ("default", "option", PUT, "U", 100, -2.0, 1.2, -90.0),
        ("default", "cash", "USD", None, 1, 1000.0, None, 1000.0),
    ]


def test_its_greeks_know_their_contract_and_missing_stays_missing(cache, original):
    migrate(cache, original)
    query = "SELECT symbol, option_symbol, strike, option_type, delta, iv, round(years * 365, 2) FROM greeks"
    assert rows(cache, query) == [("U", PUT, 25.0, "put", -0.3, None, 15.46)]  # to 16:00 in New York, 21:00 UTC


def test_its_predictions_know_their_contract(cache, original):
    migrate(cache, original)
    query = "SELECT prediction_id, option_symbol, prob_itm, input_features->>'iv', model_version FROM predictions"
    assert rows(cache, query) == [("p1", PUT, 0.3, "0.45", "v1")]


def test_times_are_kept_and_local_ones_are_not_believed(cache, original):
    migrate(cache, original)
    assert set(rows(cache, "SELECT timestamp, created_at, last_used_at FROM snapshots")) == {(AT, AT, AT)}
    assert rows(cache, "SELECT DISTINCT created_at FROM option_chains") == [(AT,)]


def test_a_dry_run_tells_the_same_and_writes_nothing(cache, original):
    told = migrate(cache, original, dry_run=True)
    assert not cache.path.exists()
    done = migrate(cache, original)
    assert (told.snapshots, told.rows, told.present) == (done.snapshots, done.rows, done.present)
    before = everything(cache)
    assert migrate(cache, original, dry_run=True).present == 4
    assert everything(cache) == before


def test_migrating_again_changes_nothing(cache, original):
    migrate(cache, original)
    before = everything(cache)
    assert migrate(cache, original).present == 4
    assert everything(cache) == before


def test_the_old_file_is_left_as_it_is(cache, original):
    before = original.read_bytes()
    migrate(cache, original)
    assert original.read_bytes() == before


def test_migrated_data_is_never_taken_for_fresh(cache, original):
    migrate(cache, original)
    node = Node("option_chains", ("U",), "symbol", max_age=timedelta(days=10_000), fingerprint="1|sample")
    index, _ = cache.index([("option_chains", "U")])
    assert len(index) == 1
    reading = assess([node], ["option_chains"], index, now=cache.clock())["option_chains", "U"]
    assert reading.reason is Reason.ABSENT


def test_migrated_data_goes_behind_what_is_here(cache, original):
    frame = SampleMarket().option_chain("U", datetime.fromisoformat("2026-11-23T15:00:00+00:00")).frame
    live = cache.put("option_chains", [Entry("U", frame, "sample")])[0]
    migrate(cache, original)
    index, newest = cache.index([("option_chains", "U")])
    assert (index[0], newest, len(index)) == (live, live.snapshot_id, 2)


def test_what_the_next_clean_up_takes_is_told(cache, original):
    limits = Limits(10**9, timedelta(days=30), timedelta(days=1))
    assert migrate(Store(cache.path, clock=cache.clock, limits=limits), original, dry_run=True).expiring == 4


BAD_CHAINS = {
    "data holds no contracts": "{}",
    "data is not JSON": "{'strike': 25}",
    "not a listed contract": '{"puts": [{"strike": -25, "bid": 1, "ask": 2}]}',
    "no contract is named: no strike": '{"puts": [{"bid": 1, "ask": 2}]}',
    "is not a listed contract": '{"puts": [{"strike": 1e300}]}',
    "float() argument": '{"puts": [{"strike": {"a": 1}}]}',
    "bid is 'cheap', which is not DOUBLE": '{"puts": [{"strike": 25, "bid": "cheap"}]}',
    "option_chains.ask was refused: has -1.0": '{"puts": [{"strike": 25, "ask": -1}]}',
}


@pytest.mark.parametrize("reason", BAD_CHAINS)
def test_what_cannot_be_taken_is_listed_with_its_reason(cache, original, reason):
    with duckdb.connect(str(original)) as connection:
        connection.execute("ALTER TABLE option_chains ALTER data TYPE VARCHAR")
        row = ["U", AT.date(), AT + timedelta(days=1), 25.5, BAD_CHAINS[reason]]
        connection.execute("INSERT INTO option_chains VALUES (?, ?, ?, ?, ?, now())", row)
    done = migrate(cache, original)
    assert [refusal.where for refusal in done.refused] == ["option_chains 2"]
    assert reason in done.refused[0].reason
    assert sum(done.rows.values()) == 7


def test_a_bad_contract_does_not_take_the_others_with_it(cache, original):
    chain = {"spot_price": 9, "contracts": [{"strike": s, "right": "P"} for s in (5, "x", 6)]}
    with duckdb.connect(str(original)) as connection:
        row = ["V", datetime(2025, 1, 17), AT, None, json.dumps(chain)]
        connection.execute("INSERT INTO option_chains VALUES (?, ?, ?, ?, ?, now())", row)
    done = migrate(cache, original)
    assert [refusal.where for refusal in done.refused] == ["option_chains 2, item 2"]
    assert rows(cache, "SELECT strike, spot_price FROM option_chains WHERE symbol = 'V'") == [(5.0, 9.0), (6.0, 9.0)]


def test_a_chain_without_a_price_is_refused_not_priced_at_zero(cache, original):
    with duckdb.connect(str(original)) as connection:
        connection.execute("UPDATE option_chains SET spot_price = 0, data = ?", ['{"puts": [{"strike": 25}]}'])
    done = migrate(cache, original)
    assert "spot_price" in done.refused[0].reason


def test_a_chain_may_be_a_mapping_by_strike_or_text_in_text(cache, original):
    chain = json.dumps(json.dumps({"spot_price": 25.5, "puts": {"24.5": {"bid": 0.2, "ask": 0.3}}}))
    with duckdb.connect(str(original)) as connection:
        connection.execute("UPDATE option_chains SET data = ?", [chain])
    migrate(cache, original)
    assert rows(cache, "SELECT strike, bid FROM option_chains") == [(24.5, 0.2)]


def test_the_old_database_of_positions_is_taken(cache, v1):
    path = v1(SHARES, ("2025-01-02 10:00:00+00:00", "12345678", PUT, -1, "OPTION", -45.0, 1.2))
    done = migrate(cache, path)
    assert (done.kind, done.rows, done.refused) == ("SQLite", {"positions": 2}, [])
    query = "SELECT account_id, symbol, quantity, average_price, strike, timestamp FROM positions"
    assert rows(cache, query) == [("...678", "U", 100, 24, None, AT), ("...678", PUT, -1, 1.2, 25, AT)]


def test_an_account_number_is_nowhere_in_the_cache(cache, v1):
    migrate(cache, v1(SHARES))
    assert b"12345678" not in cache.path.read_bytes() + Path(f"{cache.path}.wal").read_bytes()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("yesterday", *SHARES[1:]), "yesterday"),
        ((*SHARES[:3], "many", *SHARES[4:]), "quantity is 'many', which is not DOUBLE"),
        ((*SHARES[:2], "U", 1.0, "OPTION", 1.0, 1.0), "no contract is named"),
    ],
)
def test_a_bad_old_position_is_listed_and_the_good_one_taken(cache, v1, row, reason):
    done = migrate(cache, v1(SHARES, row))
    assert done.rows == {"positions": 1}
    assert [refusal.where for refusal in done.refused] == ["positions 2"]
    assert reason in done.refused[0].reason


def test_the_other_tables_of_the_old_database(cache, v1):
    path = v1()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO account_snapshots VALUES (1, '2025-01-02 10:00:00', '12345678', 900)")
        connection.execute("INSERT INTO orders VALUES (1, 'x')")
    done = migrate(cache, path)
    assert rows(cache, "SELECT account_id, asset_type, quantity, market_value FROM positions") == [
        ("...678", "cash", 900, 900)
    ]
    assert [(r.where, r.reason) for r in done.refused] == [
        ("orders 1", "there is no table for it: columns id, order_id")
    ]


def test_a_database_of_documents_without_a_time_of_their_own(cache, tmp_path):
    with closing(sqlite3.connect(tmp_path / "old.db")) as connection, connection:
        connection.execute("CREATE TABLE positions (account_id TEXT, positions TEXT, created_at TEXT)")
        told = json.dumps({"symbol": "U", "quantity": 5})
        connection.execute("INSERT INTO positions VALUES ('default', ?, '2025-01-02 10:00:00')", [told])
    migrate(cache, tmp_path / "old.db")
    assert rows(cache, "SELECT account_id, symbol, quantity, created_at FROM positions") == [("default", "U", 5, AT)]


@pytest.fixture
def exported(cache, tmp_path) -> list[dict[str, object]]:
    """A sample chain as rows in our own columns."""
    frame = SampleMarket().option_chain("U", datetime.fromisoformat("2026-11-20T15:00:00+00:00")).frame.head(20)
    frame = frame.assign(created_at=datetime(2026, 11, 20, 15, 1)).astype("object")
    return frame.where(frame.notna(), None).to_dict("records")


def written(kind: str, records: list[dict[str, object]], folder: Path) -> Path:
    """A file of these rows."""
    path = folder / f"chain.{kind}"
    plain = [{name: str(v) if hasattr(v, "isoformat") else v for name, v in record.items()} for record in records]
    if kind == "csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(records[0]))
            writer.writeheader()
            writer.writerows(plain)
        return path
    lines = [json.dumps(record) for record in plain]
    path.write_text("\n".join(lines) if kind == "jsonl" else f"[{','.join(lines)}]")
    if kind == "parquet":
        shutil.copy(path, folder / "chain.json")
        duckdb.sql(f"COPY (FROM '{folder}/chain.json') TO '{path}'")
    return path


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "parquet"])
def test_files_in_our_own_columns_come_in_as_they_went_out(cache, exported, tmp_path, kind):
    done = migrate(cache, written(kind, exported, tmp_path))
    assert (done.rows, done.refused, done.left_out) == ({"option_chains": 20}, [], {})
    snapshot = cache.index([("option_chains", "U")])[0][0]
    assert snapshot.created_at == datetime(2026, 11, 20, 15, 1)
    back = cache.get("option_chains", [snapshot.snapshot_id]).drop(columns="snapshot_id").astype("object")
    assert back.where(back.notna(), None).to_dict("records") == exported


def test_columns_that_are_not_ours_are_told(cache, exported, tmp_path):
    done = migrate(cache, written("csv", [{**row, "mood": "good"} for row in exported], tmp_path))
    assert done.left_out == {"option_chains": ["mood"]}


def test_a_row_of_a_csv_file_is_refused_by_its_line(cache, exported, tmp_path):
    exported[3]["option_type"] = "straddle"
    done = migrate(cache, written("csv", exported, tmp_path))
    assert [refusal.where for refusal in done.refused] == ["row 5"]
    assert "straddle" in done.refused[0].reason
    assert done.rows == {"option_chains": 19}


def test_json_may_name_its_tables(cache, exported, tmp_path):
    path = tmp_path / "tables.json"
    path.write_text(json.dumps({"option_chains": json.loads(written("json", exported, tmp_path).read_text())}))
    assert migrate(cache, path).rows == {"option_chains": 20}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("old.xls", b"\xd0\xcf", "of no known format"),
        ("old.db", b"SQLite format 3\0" + bytes(50), "cannot be read to its end"),
        ("old.duckdb", bytes(8) + b"DUCK" + bytes(50), "cannot be read to its end"),
        ("old.parquet", b"PAR1", "cannot be read to its end"),
        ("old.json", b"[{", "cannot be read to its end"),
        ("old.json", b"[1]", "row 1 is no object"),
        ("old.csv", b"\xff\xfe\xfa", "cannot be read to its end"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_line(cache, tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=reason):
        migrate(cache, tmp_path / name)
    assert not cache.path.exists()


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "parquet"])
@pytest.mark.parametrize(("cap", "most"), [("MAX_ROWS", 19), ("MAX_BYTES", 1_000)])
def test_more_than_fits_in_memory_is_refused(cache, exported, tmp_path, monkeypatch, kind, cap, most):
    monkeypatch.setattr(old_files, cap, most)
    with pytest.raises(UsageError, match="is too large; it holds more than"):
        migrate(cache, written(kind, exported, tmp_path))
    assert not cache.path.exists()


@pytest.mark.slow
def test_a_small_file_of_twenty_million_rows_costs_little(cache, tmp_path, monkeypatch):
    monkeypatch.setattr(old_files, "MAX_ROWS", 10_000)
    path = tmp_path / "bomb.parquet"
    duckdb.sql(f"COPY (SELECT 1 AS strike FROM range(20000000)) TO '{path}' (ROW_GROUP_SIZE 10000000)")
    assert path.stat().st_size < 1_000_000
    tracemalloc.start()
    with pytest.raises(UsageError, match="is too large"):
        migrate(cache, path, table="option_chains")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_no_file_is_one_clear_line(cache, tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        migrate(cache, tmp_path / "nothing.db")


def test_the_cache_itself_is_refused(cache, original, tmp_path):
    migrate(cache, original)
    with pytest.raises(UsageError, match="is the cache itself"):
        migrate(cache, cache.path)
    shutil.copytree(cache.path.parent, tmp_path / "copy")
    with pytest.raises(UsageError, match="is a cache of this program"):
        migrate(cache, tmp_path / "copy" / cache.path.name)


BREAKING_OUT = """x" FROM (SELECT 1 AS x); COPY (SELECT 'taken') TO '{victim}' (HEADER false); SELECT 1 AS "y"""


@pytest.mark.parametrize("kind", ["parquet", "duckdb column", "duckdb table", "sqlite table"])
def test_a_name_in_a_foreign_file_is_only_a_name(cache, tmp_path, kind):
    victim, path = tmp_path / "bashrc", tmp_path / "evil"
    victim.write_text("mine")
    name = identifier(BREAKING_OUT.format(victim=victim))
    if kind == "parquet":
        duckdb.execute(f"COPY (SELECT 1 AS {name}) TO '{path}' (FORMAT parquet)")
    elif kind == "sqlite table":
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"CREATE TABLE {name} (a)")
            connection.execute(f"INSERT INTO {name} VALUES (1)")
    else:
        table, column = ("t", name) if kind == "duckdb column" else (name, "a")
        with duckdb.connect(str(path)) as connection:
            connection.execute(f"CREATE TABLE {table} AS SELECT 1 AS {column}")
    done = migrate(cache, path, dry_run=True)
    assert victim.read_text() == "mine"
    assert [refusal.reason[:21] for refusal in done.refused] == ["there is no table for"]
