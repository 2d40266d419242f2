"""Archives of every earlier version of the schema are put back into a cache of today."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from wheel_assets.cache.archive.manifest import Manifest, archived_file
from wheel_assets.cache.archive.restore import restore
from wheel_assets.cache.store.schema import SCHEMA_VERSION
from wheel_assets.cache.store.store import Store
from wheel_assets_tests.cache.store.test_schema import HELD_BY_VERSION_1, made_by

# What a cache of a version held: two snapshots. From version 2 on they are put in by the names of columns.
HELD = {
    1: HELD_BY_VERSION_1,
    2: """
INSERT INTO price_history BY NAME SELECT 1 AS snapshot_id, TIMESTAMP '2026-11-20 21:00' AS timestamp, 'U' AS symbol,
    DATE '2026-11-20' AS date, 32.5 AS close, 'x' AS source, TIMESTAMP '2026-11-22' AS created_at;
INSERT INTO risk_free_rate BY NAME SELECT 2 AS snapshot_id, TIMESTAMP '2026-11-20' AS timestamp,
    DATE '2026-11-20' AS observation_date, 0.04 AS value, 'x' AS source, TIMESTAMP '2026-11-22' AS created_at;
INSERT INTO snapshots BY NAME SELECT * FROM (VALUES (1, 'price_history', 'U', TIMESTAMP '2026-11-20 21:00'),
    (2, 'risk_free_rate', 'all', TIMESTAMP '2026-11-20')) AS t(snapshot_id, table_name, key, timestamp),
    (SELECT TIMESTAMP '2026-11-22' AS created_at, TIMESTAMP '2026-11-22' AS last_used_at, 0 AS hits, 1 AS rows,
    25 AS bytes, 'duckdb-0:0' AS content_hash, 'x' AS source, []::BIGINT[] AS inputs, '' AS recipe);
""",
}


def archive_of(version: int, folder: Path) -> Path:
    """An archive as that version wrote it: the tables it had, with their columns."""
    archive = folder / "wheel-20261122T000000Z"
    files = {}
    with duckdb.connect(str(made_by(version, folder / "old.duckdb", HELD[min(version, 2)]))) as connection:
        for table in ("price_history", "risk_free_rate", "snapshots"):
            path = archive / table / "00000.parquet"
            path.parent.mkdir(parents=True)
            connection.execute(f"COPY {table} TO '{path}' (FORMAT parquet)")
            rows = connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
            files[f"{table}/00000.parquet"] = archived_file(path, rows)
    Manifest("2026-11-22T00:00:00Z", files).write(archive)
    return archive


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_an_archive_of_any_version_is_put_back(version, tmp_path):
    store = Store(tmp_path / "new" / "wheel_cache.duckdb")
    done = restore(store, archive_of(version, tmp_path))
    assert {name: count for name, count in done.snapshots.items() if count} == {"price_history": 1, "risk_free_rate": 1}
    for table, key, column, value in (("price_history", "U", "close", 32.5), ("risk_free_rate", "all", "value", 0.04)):
        snapshot = store.index([(table, key)])[0][0]
        assert store.get(table, [snapshot.snapshot_id])[column].tolist() == [value]
