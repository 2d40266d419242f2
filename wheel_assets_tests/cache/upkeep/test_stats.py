"""What the cache tells of itself, and the commands and jobs that tend it, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from wheel_assets.cache.policy import Node
from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.cache.upkeep.ledger import Ledger
from wheel_assets.cache.upkeep.maintenance import Limits
from wheel_assets.cache.upkeep.stats import stats
from wheel_assets_tests.forked import wheel

LIMITS = Limits(max_bytes=5_000_000, ttl=timedelta(days=30), cleanup_interval=timedelta(hours=24))


@pytest.fixture
def store(tmp_path: Path, clock) -> Store:
    return Store(tmp_path / "cache" / "wheel_cache.duckdb", clock=clock, limits=LIMITS)


@pytest.fixture
def fill(store: Store, clock, make_frame):
    """Store one snapshot in every table, and two entries in the ledger."""

    def fill(key: str = "A") -> None:
        for table in store.tables.values():
            store.put(table.name, [Entry(key, make_frame(table, at=clock.now, key=key), "sample")])
        earlier = clock.now - timedelta(days=40)
        store.record_calls([(at, "databento", "/x", 200, 1.0, 10, 0.25, "A", None) for at in (clock.now, earlier)])

    return fill


def limit(table: str) -> timedelta | None:
    return timedelta(minutes=15) if table == "option_chains" else None


def test_an_empty_cache_has_stats_too(store):
    document = stats(store)
    assert {document[f"{table}_count"] for table in store.tables} == {0}
    assert {document[f"{table}_oldest_days"] for table in store.tables} == {None}
    assert (document["keys"], document["hit_rate"], document["cost_usd"]) == ([], None, 0)


def test_every_table_is_counted(store, fill, clock):
    fill("A")
    clock.pass_minutes(24 * 60)
    fill("B")
    document = stats(store)
    for table in store.tables:
        told = [document[f"{table}_{what}"] for what in ("count", "rows", "oldest_days", "newest_minutes")]
        assert told == [2, 6, 1, 0]


def test_sizes_are_those_of_the_disk_and_the_settings(store, fill):
    fill()
    document = stats(store)
    assert document["db_size_mb"] == pytest.approx(store.file.size / 1e6, abs=0.001)
    assert 0 < document["used_mb"] <= document["db_size_mb"]
    assert document["limit_mb"] == 5


def test_hits_count_uses_and_misses_count_what_was_made(store, fill, make_frame):
    fill()
    chain = store.index([("option_chains", "A")])[0]
    store.touch(chain)
    store.touch(chain)
    store.write_touches()
    document = stats(store)
    assert (document["hits"], document["misses"]) == (2, len(store.tables))
    assert document["hit_rate"] == pytest.approx(2 / (2 + len(store.tables)), abs=1e-4)


@pytest.mark.parametrize(("minutes", "state"), [(14, "fresh"), (16, "too_old"), (-5, "too_old")])
def test_the_state_of_a_key_is_what_a_read_would_find(store, fill, clock, minutes, state):
    fill()
    clock.pass_minutes(minutes)
    (chain,) = [key for key in stats(store, limit)["keys"] if key["table"] == "option_chains"]
    assert (chain["state"], chain["max_age_minutes"], chain["rows"], chain["source"]) == (state, 15, 3, "sample")
    assert chain["age_minutes"] == max(0, minutes)


def test_a_key_made_of_what_was_replaced_is_superseded(store, make_frame):
    tables = store.tables
    (chain,) = store.put("option_chains", [Entry("A", make_frame(tables["option_chains"]), "sample")])
    store.put("greeks", [Entry("A", make_frame(tables["greeks"]), "", inputs=frozenset({chain.snapshot_id}))])
    assert {key["table"]: key["state"] for key in stats(store)["keys"]} == {"option_chains": "fresh", "greeks": "fresh"}
    store.put("option_chains", [Entry("A", make_frame(tables["option_chains"]), "sample")])
    assert {key["table"]: key["state"] for key in stats(store)["keys"]}["greeks"] == "input_superseded"


def test_this_month_is_told_and_what_is_reserved_is_no_call(store, fill):
    fill()
    with Ledger(store).reserve("databento", "A", 0.5, 50.0):
        document = stats(store)
    assert (document["api_calls"], document["cost_usd"]) == (1, 0.75)


def test_uses_are_written_when_the_process_ends(store, fill):
    fill()
    script = (
        "import sys; from pathlib import Path; from wheel_assets.cache.store.store import store_at\n"
        "store = store_at(Path(sys.argv[1])); store.touch(store.index([('greeks', 'A')])[0])"
    )
    subprocess.run([sys.executable, "-c", script, str(store.path)], check=True)
    assert stats(store)["hits"] == 1


@pytest.fixture
def now_full(tmp_path, make_frame, monkeypatch) -> Store:
    """A cache as of the machine's own time, as a command will find it, one snapshot a table."""
    monkeypatch.setenv("WHEEL_CACHE__DIR", str(tmp_path / "cache"))
    store = Store(tmp_path / "cache" / "wheel_cache.duckdb")
    for table in store.tables.values():
        store.put(table.name, [Entry("A", make_frame(table), "sample")])
    store.record_calls([(store.clock(), "databento", "/x", 200, 1.0, 10, 0.25, "A", None)])
    return store


@pytest.mark.slow
def test_stats_and_costs_of_a_new_process(now_full):
    document = json.loads(wheel("stats", "--json").stdout)
    assert {document[f"{table}_count"] for table in now_full.tables} == {1}
    assert document["cost_usd"] == 0.25
    assert "option_chains" in wheel("stats").stdout
    assert [row["cost_usd"] for row in json.loads(wheel("costs", "--json").stdout)["months"]] == [0.25]


@pytest.mark.slow
def test_cleanup_in_a_new_process_removes_from_every_table_but_the_records(now_full):
    """The account's movements and the history of volatility cannot be fetched again: their newest snapshot stays."""
    kept = {name: int(name in ("transactions", "volatility_history")) for name in now_full.tables}
    with now_full.file.transaction() as connection:
        connection.execute("UPDATE snapshots SET created_at = created_at - INTERVAL 31 DAY")
    told = json.loads(wheel("cleanup", "--json").stdout)
    assert told["snapshots"] == {name: 1 - kept[name] for name in now_full.tables}
    assert told["runs"] == 0
    document = stats(now_full)
    assert {name: document[f"{name}_count"] for name in now_full.tables} == kept


@pytest.mark.slow
def test_clear_asks_first(now_full):
    refused = wheel("clear")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert wheel("clear", "--yes").returncode == 0
    document = stats(now_full)
    assert {document[f"{table}_count"] for table in now_full.tables} == {0}
    assert document["api_calls"] == 1


CONFIRMED = {"ops": {"empty_the_cache": {"config": {"confirm": "clear"}}}}


@pytest.mark.slow
@pytest.mark.parametrize(("job", "config", "left"), [("cleanup", {}, 1), ("clear_cache", CONFIRMED, 0)])
def test_the_jobs_do_the_same_and_clearing_wipes_the_history(now_full, job, config, left):
    script = f"""
import dagster as dg
from wheel_assets.definitions import defs
with dg.DagsterInstance.ephemeral() as home:
    home.report_runless_asset_event(dg.AssetMaterialization("greeks"))
    assert defs.resolve_job_def({job!r}).execute_in_process({config!r}, instance=home).success
    print(int(home.get_latest_materialization_event(dg.AssetKey("greeks")) is not None))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(left)]
    assert {stats(now_full)[f"{table}_count"] for table in now_full.tables} == {left}


@pytest.mark.parametrize(("fingerprint", "state"), [("1|sample", "fresh"), ("1|cboe", "absent")])
def test_a_key_made_with_other_settings_is_not_called_fresh(store, make_frame, fingerprint, state):
    entry = Entry("A", make_frame(store.tables["option_chains"]), "sample", fingerprint="1|sample")
    store.put("option_chains", [entry])
    nodes = [Node("option_chains", (), "symbol", fingerprint=fingerprint)]
    assert [key["state"] for key in stats(store, nodes=nodes)["keys"]] == [state]


def test_an_answer_on_one_symbol_is_not_stale_for_the_others_in_the_cache(store, make_frame):
    chain, advice = store.tables["option_chains"], store.tables["recommendation"]
    made = store.put(chain.name, [Entry(key, make_frame(chain, key=key), "s", fingerprint="1") for key in "AB"])
    ids = frozenset({made[0].snapshot_id})
    store.put(advice.name, [Entry("all", make_frame(advice), "s", inputs=ids, fingerprint="2")])
    nodes = [
        Node(chain.name, (), "symbol", fingerprint="1"),
        Node(advice.name, (), None, (chain.name,), fingerprint="2"),
    ]
    assert {key["state"] for key in stats(store, nodes=nodes)["keys"]} == {"fresh"}
