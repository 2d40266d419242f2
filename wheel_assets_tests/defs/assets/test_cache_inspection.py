"""The inspection tells what is in the cache, fetches nothing and stores nothing."""

from __future__ import annotations

from datetime import datetime

import dagster as dg
import pytest

from wheel_assets.cli import main as wheel
from wheel_assets.commands import run
from wheel_assets.definitions import defs
from wheel_assets.defs.assets.cache_inspection import INSPECTED, freshness_by_key, inspection_metadata
from wheel_assets.defs.checks.freshness import inspected
from wheel_assets.defs.resources import the_store
from wheel_assets.show.freshness import freshness

pytestmark = pytest.mark.slow

KEY = dg.AssetKey("cache_inspection")


def inspect() -> dg.ExecuteInProcessResult:
    """Materialize the inspection and nothing else."""
    job = defs.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(asset_selection=[KEY])


def told() -> dict[str, object]:
    """The metadata of an inspection."""
    (event,) = inspect().asset_materializations_for_node("cache_inspection")
    return {name: value.value for name, value in event.metadata.items()}


def rows_of(table: str) -> list[list[str]]:
    """The cells of a table of the check, as the page shows it."""
    records = freshness_by_key(*inspected(the_store())).metadata[table].records
    return [list(record.data.values()) for record in records]


def query(sql: str) -> list[tuple[object, ...]]:
    with the_store().file.attached() as connection:
        return connection.execute(sql).fetchall()


def test_an_empty_cache_is_told_as_such():
    metadata = told()
    assert "The cache is empty." in metadata["totals"]
    assert "⚪ never" in metadata["freshness"]
    assert (metadata["rows"], metadata["snapshots"], metadata["cost_usd"]) == (0, 0, 0.0)


def test_every_key_has_a_line_with_what_the_index_says():
    run.recommend({})
    run.recommend({})
    lines = {(row[0], row[1]): row for row in rows_of("keys")}
    index = query(
        "SELECT table_name, key, max(rows), sum(hits)::INT, any_value(source) "
        "FROM snapshots WHERE table_name <> 'documents' GROUP BY ALL"
    )
    assert set(lines) == {(table, key) for table, key, *_ in index}
    for table, key, rows, hits, source in index:
        assert lines[table, key][3] == f"{rows:,}"
        assert lines[table, key][5] == str(hits)
        assert lines[table, key][6].replace(" ", "") == source


def test_the_numbers_are_those_of_the_file():
    run.recommend({})
    metadata = told()
    assert metadata["snapshots"] == query("SELECT count(*) FROM snapshots")[0][0]
    assert metadata["rows"] == query("SELECT sum(rows)::INT FROM snapshots")[0][0]
    assert metadata["size_mb"] == pytest.approx(the_store().file.size / 1e6, abs=0.001)


def test_it_changes_nothing_and_needs_nothing():
    run.recommend({})
    before = query("SELECT snapshot_id, hits, last_used_at FROM snapshots ORDER BY 1")
    result = inspect()
    assert query("SELECT snapshot_id, hits, last_used_at FROM snapshots ORDER BY 1") == before
    assert {event.step_key for event in result.all_node_events} == {"cache_inspection"}


def test_it_hangs_on_what_it_looks_at_and_pulls_none_of_it():
    parents = {key.to_user_string() for key in defs.resolve_asset_graph().get(KEY).parent_keys}
    assert parents == {table.name for table in INSPECTED}
    inspect()
    assert query("SELECT count(*) FROM snapshots") == [(0,)]


def test_what_the_next_answer_would_pull_is_told_first():
    first = told()["next_answer"]
    for wanted in (r"would pull option\_chains U, positions default, risk\_free\_rate all", "requests not known yet"):
        assert wanted in first
    run.recommend({})
    metadata = told()
    assert "the next answer would pull nothing from outside" in metadata["next_answer"]
    row = metadata["freshness"].splitlines()[2]
    assert row.startswith("| U | 🟢 fresh until ")
    assert row.count("ET |") == 4


def test_a_failed_fetch_is_seen():
    store = the_store()
    store.record_calls([(store.clock(), "cboe", "/x", 503, 1.0, None, 0.0, "U", "cboe is failing; HTTP 503")])
    matrix = told()["freshness"]
    assert "| U | 🔴 failed " in matrix
    assert r"- option\_chains U: cboe is failing" in matrix


def test_stale_keys_are_a_warning_that_names_them():
    run.recommend({})
    query("UPDATE snapshots SET created_at = created_at - INTERVAL 40 MINUTE WHERE table_name = 'positions'")
    check = freshness_by_key(*inspected(the_store()))
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert check.description.startswith("positions default stale since ")


DOCUMENT = {"path": "/x", "db_size_mb": 1.5, "used_mb": 1.2, "limit_mb": None, "hits": 3, "misses": 1, "hit_rate": 0.75}
DOCUMENT |= {"api_calls": 7, "cost_usd": 12.5, "keys": []}
for name, rows in (("greeks", 10), ("positions", 4)):
    DOCUMENT |= {f"{name}_count": 1, f"{name}_rows": rows, f"{name}_oldest_days": 2.0, f"{name}_newest_minutes": 5.0}


def metadata_of(document):
    matrix = freshness(document, datetime(2026, 11, 24), ["U"])
    return inspection_metadata(document, matrix, {}, budget_usd=50)


def test_the_cost_is_told_beside_the_budget():
    metadata = metadata_of(DOCUMENT)
    assert r"- $12.50 of $50 this month, 7 API calls" in metadata["totals"].value
    assert {name: metadata[name] for name in ("size_mb", "hit_rate", "cost_usd", "rows", "snapshots")} == {
        "size_mb": 1.5,
        "hit_rate": 0.75,
        "cost_usd": 12.5,
        "rows": 14,
        "snapshots": 1,
    }


def test_without_a_limit_none_is_told():
    assert "1.5 MB without limit on disk" in metadata_of(DOCUMENT)["totals"].value
    assert "1.5 MB of 5 GB on disk" in metadata_of({**DOCUMENT, "limit_mb": 5000.0})["totals"].value


def test_the_terminal_prints_the_same_keys(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    run.recommend({})
    wheel(["stats"], standalone_mode=False)
    printed = capsys.readouterr().out
    for row in [*rows_of("keys"), *rows_of("tables")]:
        assert row[0] in printed
        assert row[1] in printed
