"""Files of earlier versions open, are brought up to date, and keep what they hold.

A column that may be NULL, or a table, is added by its declaration alone. Any other change of a
declaration fails `test_every_other_change_needs_a_version` until `SCHEMA_VERSION`, its `UPGRADES` and
`ddl/version_<n>.sql`, the tables as that version made them, are written. Those files never change.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from wheel_assets.cache.archive.backup import backup
from wheel_assets.cache.archive.restore import restore
from wheel_assets.cache.store.schema import SCHEMA_VERSION
from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.tables import API_CALLS, SNAPSHOTS, STORED_TABLES, Column, SnapshotTable

DDL = Path(__file__).parent / "ddl"
DIGESTS = {
    1: "d60c716366c41e4ad9881e53bce5c56ab37e407f58f874493b6f2214419c7a46",
    2: "26bd1ad9fc8748819fe532906df1f849d4687652087c1218e71f9731979680e2",
    3: "8944db9df60587779da309cdc165a290326f9e7c8e4482f4b05f0a4383af3eda",
}
HELD_BY_VERSION_1 = """
INSERT INTO price_history VALUES
    (1, '2026-11-20 21:00:00', 'U', '2026-11-20', 31, 33, 30, 32.5, 100, 'x', '2026-11-22');
INSERT INTO risk_free_rate VALUES (2, '2026-11-20', '2026-11-20', 0.04, 'x', '2026-11-22');
INSERT INTO snapshots VALUES
    (1, 'price_history', 'U', '2026-11-20 21:00', '2026-11-22', '2026-11-22', 0, 1, 25, 'duckdb-0:0', 'x', NULL, [],
        ''),
    (2, 'risk_free_rate', 'all', '2026-11-20', '2026-11-22', '2026-11-22', 0, 1, 25, 'duckdb-0:0', 'x', NULL, [], '');
"""
MORE = Column("more", "DOUBLE", "declared later")


def made_by(version: int, path: Path, held: str = "") -> Path:
    """A file as that version made it."""
    with duckdb.connect(str(path)) as connection:
        connection.execute((DDL / f"version_{version}.sql").read_text() + held)
    return path


def columns(path: Path) -> dict[tuple[str, str], tuple[str, bool]]:
    """Type and nullability of every column by table and name."""
    which = "NOT internal AND table_name <> 'meta'"
    query = f"SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns() WHERE {which}"
    with duckdb.connect(str(path), read_only=True) as connection:
        return {row[:2]: row[2:] for row in connection.execute(query).fetchall()}


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(made_by(1, tmp_path / "wheel_cache.duckdb", HELD_BY_VERSION_1))


def test_what_an_older_file_holds_is_read(store):
    snapshots, newest = store.index([("price_history", "U")])
    assert [(s.snapshot_id, s.notes) for s in snapshots] == [(1, ())]
    assert newest == 1
    assert list(store.get("price_history", [1])["close"]) == [32.5]


def test_an_older_file_takes_what_is_new(store, make_frame):
    for table in STORED_TABLES:
        made = store.put(table.name, [Entry("A", make_frame(table, at=datetime(2026, 11, 22)), "x", notes=("a note",))])
        assert store.index([(table.name, "A")])[0][0].notes == made[0].notes == ("a note",)


@pytest.mark.parametrize("version", DIGESTS)
def test_a_file_of_any_version_becomes_one_of_today(version, tmp_path):
    old, new = Store(made_by(version, tmp_path / "old.duckdb")), Store(tmp_path / "new.duckdb")
    for each in (old, new):
        each.index([])
    assert columns(old.path) == columns(new.path)
    with old.file.attached() as connection:
        told = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    assert told == (str(SCHEMA_VERSION),)


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_what_a_version_made_is_never_rewritten(version):
    content = (DDL / f"version_{version}.sql").read_bytes()
    assert hashlib.sha256(content).hexdigest() == DIGESTS[version]


def test_every_other_change_needs_a_version(tmp_path):
    pinned = columns(made_by(SCHEMA_VERSION, tmp_path / "pinned.duckdb"))
    tables = (*STORED_TABLES, SNAPSHOTS, API_CALLS)
    declared = {(t.name, c.name): (c.type, not c.required) for t in tables for c in t.stored_columns}
    changed = {name: (was, declared.get(name)) for name, was in pinned.items() if declared.get(name) != was}
    required = {name for name, (_, may_be_null) in declared.items() - pinned.items() if not may_be_null}
    known_tables = {table for table, _ in pinned}
    assert not changed, f"raise SCHEMA_VERSION and write the upgrade for {changed}"
    assert not {name for name in required if name[0] in known_tables}, "a column added to a table may be NULL"


@pytest.fixture
def later(toy_store) -> Store:
    """The same file, opened by a program in which a column of `prices` was declared since."""
    tables = [replace(t, columns=(*t.columns, MORE)) if t.name == "prices" else t for t in toy_store.tables.values()]
    return Store(toy_store.path, tables, toy_store.clock)


def test_a_column_is_one_line(toy_store, later, make_rows):
    old = toy_store.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])[0]
    new = later.put("prices", [Entry("A", make_rows({"A": 2.0}).assign(more=0.5), "test")])[0]
    assert later.get("prices", [old.snapshot_id, new.snapshot_id])["more"].fillna(-1).tolist() == [-1, 0.5]


def test_a_later_column_leaves_old_snapshots_verifiable(toy_store, later, make_rows):
    old = toy_store.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])[0]
    later.put("prices", [Entry("A", make_rows({"A": 2.0}).assign(more=0.5), "test")])
    assert sum(later.maintenance.cleanup().snapshots.values()) == 0
    assert later.get("prices", [old.snapshot_id])["number"].tolist() == [1.0]


def test_an_older_program_compacts_a_newer_file_without_loss(toy_store, later, make_rows):
    new = later.put("prices", [Entry("A", make_rows({"A": 2.0}).assign(more=0.5), "test")])[0]
    toy_store.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])
    toy_store.maintenance.cleanup()
    fresh = Store(later.path, tuple(later.tables.values()), later.clock)
    assert fresh.get("prices", [new.snapshot_id])["more"].tolist() == [0.5]


def test_a_compaction_keeps_tables_that_only_another_program_declares(toy_store, make_rows):
    theirs = SnapshotTable("theirs", "another graph's", toy_store.tables["prices"].columns, "symbol")
    other = Store(toy_store.path, [theirs], toy_store.clock)
    made = other.put("theirs", [Entry("A", make_rows({"A": 1.0}), "test")])[0]
    toy_store.maintenance.cleanup()
    assert len(Store(other.path, [theirs], other.clock).get("theirs", [made.snapshot_id])) == 1


def test_an_archive_takes_a_later_column_too(toy_store, later, make_rows, tmp_path):
    toy_store.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])
    backup(toy_store, tmp_path / "out")
    fresh = Store(tmp_path / "fresh.duckdb", tuple(later.tables.values()), later.clock)
    assert restore(fresh, tmp_path / "out").snapshots["prices"] == 1
    snapshot = fresh.index([("prices", "A")])[0][0]
    assert fresh.get("prices", [snapshot.snapshot_id])["more"].isna().all()
