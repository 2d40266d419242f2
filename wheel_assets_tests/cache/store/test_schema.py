"""Files of earlier versions open, are brought up to date, and keep what they hold."""

from __future__ import annotations

from datetime import datetime

import duckdb
import pytest

from wheel_assets.cache.store.schema import SCHEMA_VERSION
from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.tables import DATA_TABLES

# As version 1 made it; never to be changed.
VERSION_1 = """
CREATE TABLE snapshots ("snapshot_id" BIGINT NOT NULL, "table_name" VARCHAR NOT NULL, "key" VARCHAR NOT NULL,
    "timestamp" TIMESTAMP NOT NULL, "created_at" TIMESTAMP NOT NULL, "last_used_at" TIMESTAMP NOT NULL,
    "hits" BIGINT NOT NULL, "rows" BIGINT NOT NULL, "bytes" BIGINT NOT NULL, "content_hash" VARCHAR NOT NULL,
    "source" VARCHAR NOT NULL, "run_id" VARCHAR, "inputs" BIGINT[] NOT NULL, "recipe" VARCHAR NOT NULL);
CREATE TABLE price_history ("snapshot_id" BIGINT NOT NULL, "timestamp" TIMESTAMP NOT NULL, "symbol" VARCHAR NOT NULL,
    "date" DATE NOT NULL, "open" DOUBLE, "high" DOUBLE, "low" DOUBLE, "close" DOUBLE NOT NULL, "volume" BIGINT,
    "source" VARCHAR NOT NULL, "created_at" TIMESTAMP NOT NULL);
CREATE TABLE risk_free_rate ("snapshot_id" BIGINT NOT NULL, "timestamp" TIMESTAMP NOT NULL,
    "observation_date" DATE NOT NULL, "value" DOUBLE NOT NULL, "source" VARCHAR NOT NULL,
    "created_at" TIMESTAMP NOT NULL);
CREATE SEQUENCE snapshot_ids START WITH 3;
CREATE TABLE meta (key VARCHAR NOT NULL, value VARCHAR NOT NULL);
INSERT INTO meta VALUES ('schema_version', '1');
INSERT INTO price_history VALUES
    (1, '2026-11-20 21:00:00', 'U', '2026-11-20', 31, 33, 30, 32.5, 100, 'x', '2026-11-22');
INSERT INTO risk_free_rate VALUES (2, '2026-11-20', '2026-11-20', 0.04, 'x', '2026-11-22');
INSERT INTO snapshots VALUES
    (1, 'price_history', 'U', '2026-11-20 21:00', '2026-11-22', '2026-11-22', 0, 1, 25, 'duckdb-0:0', 'x', NULL, [],
        ''),
    (2, 'risk_free_rate', 'all', '2026-11-20', '2026-11-22', '2026-11-22', 0, 1, 25, 'duckdb-0:0', 'x', NULL, [], '');
"""


@pytest.fixture
def store(tmp_path) -> Store:
    path = tmp_path / "wheel_cache.duckdb"
    path.parent.chmod(0o700)
    with duckdb.connect(str(path)) as connection:
        connection.execute(VERSION_1)
    return Store(path, DATA_TABLES)


def test_what_an_older_file_holds_is_read(store):
    snapshots, newest = store.index([("price_history", "U")])
    assert [(s.snapshot_id, s.notes) for s in snapshots] == [(1, ())]
    assert newest == 1
    assert list(store.get("price_history", [1])["close"]) == [32.5]


def test_an_older_file_takes_what_is_new(store, make_frame):
    for table in DATA_TABLES:
        made = store.put(table.name, [Entry("A", make_frame(table, at=datetime(2026, 11, 22)), "x", notes=("a note",))])
        assert store.index([(table.name, "A")])[0][0].notes == made[0].notes == ("a note",)


def test_it_is_of_the_version_of_today_then(store):
    store.index([("price_history", "U")])
    with store.file.attached() as connection:
        version = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    assert version == (str(SCHEMA_VERSION),)
