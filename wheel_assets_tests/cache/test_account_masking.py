"""A cache and an archive of earlier versions have their account numbers masked and lose nothing."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from wheel_assets.cache.account_masking import ACCOUNT_COLUMNS, account_key
from wheel_assets.cache.archive.backup import backup
from wheel_assets.cache.archive.restore import restore
from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.sanitise import account_alias
from wheel_assets.tables import DOCUMENTS, POSITIONS, STORED_TABLES, TRANSACTIONS

NUMBER, ALIAS = "87654321", "...321"
HELD = f"positions:{NUMBER}"
ACCOUNTS = "SELECT account_id FROM positions UNION SELECT account_id FROM transactions"


@pytest.fixture
def before(tmp_path: Path, clock, make_frame) -> Store:
    """A cache as an earlier version filled it."""
    store = Store(tmp_path / "before" / "c.duckdb", STORED_TABLES, clock)
    for table in (POSITIONS, TRANSACTIONS):
        store.put(table.name, [Entry(NUMBER, make_frame(table, at=clock.now).assign(account_id=NUMBER), "test")])
    answer = json.dumps({"account": NUMBER, "free_cash": 12345678.5, "note": "7 accounts"})
    row = {"timestamp": clock.now, "key": "recommendation:0", "document": answer}
    store.put(DOCUMENTS.name, [Entry(HELD, pd.DataFrame([row]), "test")])
    with store.file.transaction() as connection:
        connection.execute("UPDATE meta SET value = '2' WHERE key = 'schema_version'")
    return store


def told(store: Store) -> list[tuple[object, ...]]:
    """Keys, accounts and documents of a cache."""
    queries = ("SELECT table_name, key FROM snapshots ORDER BY ALL", ACCOUNTS, "SELECT document FROM documents")
    with store.file.attached() as connection:
        return [row for query in queries for row in connection.execute(query).fetchall()]


MASKED = [
    ("documents", f"positions:{account_key(NUMBER)}"),
    ("positions", ALIAS),
    ("transactions", ALIAS),
    (ALIAS,),
    (json.dumps({"account": ALIAS, "free_cash": 12345678.5, "note": "7 accounts"}),),
]


def test_an_older_cache_is_masked_by_aliases_and_stays_verifiable(before, clock):
    today = Store(before.path, STORED_TABLES, clock)
    assert told(today) == MASKED
    assert sum(today.maintenance.cleanup().snapshots.values()) == 0
    assert told(today) == MASKED
    assert NUMBER.encode() not in before.path.read_bytes()


def test_an_older_archive_is_restored_under_aliases_and_once_only(before, clock, tmp_path):
    backup(before, tmp_path / "archive")  # this one has looked at the file when it made it
    fresh = Store(tmp_path / "fresh" / "c.duckdb", STORED_TABLES, clock)
    assert sum(restore(fresh, tmp_path / "archive").snapshots.values()) == 3
    assert told(fresh) == MASKED
    assert sum(restore(fresh, tmp_path / "archive").snapshots.values()) == 0


@pytest.mark.parametrize("name", [NUMBER, "5WX-12345", "Z12345678", "default", "...45678", "IRA", "0123456789" * 4])
def test_sql_and_python_agree_on_what_a_number_is(name):
    query = f"SELECT {ACCOUNT_COLUMNS['positions']['account_id']} FROM (SELECT ? AS account_id)"
    assert duckdb.execute(query, [name]).fetchall() == [(account_alias(name),)]
