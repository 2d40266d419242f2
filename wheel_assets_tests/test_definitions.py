"""What exists in Dagster: the graph, its declarations, and that nothing of it ever starts by itself."""

from __future__ import annotations

import subprocess
import sys

import dagster as dg
import pytest

GRAPH = {
    "option_chains": ("market", set(), 15),
    "positions": ("account", set(), 30),
    "risk_free_rate": ("market", set(), 1440),
    "price_history": ("market", set(), 1440),
    "events": ("market", set(), 1440),
    "transactions": ("account", set(), 30),
    "greeks": ("model", {"option_chains", "risk_free_rate", "events"}, 15),
    "volatility_history": ("model", {"greeks"}, 15),
    "predictions": ("model", {"option_chains", "greeks", "price_history"}, 60),
    "recommendation": (
        "advice",
        {"option_chains", "positions", "greeks", "predictions"}
        | {"events", "transactions", "volatility_history", "price_history"},
        15,
    ),
    "candidates": (
        "advice",
        {"option_chains", "positions", "greeks", "predictions"}
        | {"events", "transactions", "volatility_history", "price_history"},
        15,
    ),
}


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    from wheel_assets.definitions import defs

    return defs


@pytest.fixture(scope="module")
def specs(defs: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


@pytest.mark.parametrize("name", GRAPH)
def test_the_graph(specs, name):
    group, inputs, _ = GRAPH[name]
    assert specs[name].group_name == group
    assert {dep.asset_key.to_user_string() for dep in specs[name].deps} == inputs


@pytest.mark.parametrize("name", GRAPH)
def test_the_freshness_policy_is_the_age_limit_and_warns_at_two_thirds(specs, name):
    minutes = GRAPH[name][2]
    policy = specs[name].freshness_policy
    assert policy.fail_window.to_timedelta().total_seconds() == minutes * 60
    assert policy.warn_window.to_timedelta().total_seconds() == minutes * 40


@pytest.mark.parametrize("name", GRAPH)
def test_every_asset_is_described_owned_and_versioned(specs, name):
    spec = specs[name]
    assert spec.description
    assert spec.owners == ["team:wheel"]
    assert spec.kinds == {"duckdb", "pandas"}
    assert spec.code_version
    assert all(column.description for column in spec.metadata["dagster/column_schema"].columns)


def test_no_asset_is_an_island_and_what_looks_on_hangs_on_what_it_looks_at(defs):
    graph = defs.resolve_asset_graph()
    alone = [key for key in graph.get_all_asset_keys() if not graph.get(key).parent_keys | graph.get(key).child_keys]
    assert alone == []
    parents = {key.to_user_string(): graph.get(key).parent_keys for key in graph.get_all_asset_keys()}
    assert parents["outcomes"] == {dg.AssetKey("predictions")}
    assert parents["report"] == {dg.AssetKey("recommendation")}
    assert "recommendation" in {key.to_user_string() for key in parents["cache_inspection"]}


def test_the_job_recommend_selects_what_materialize_selects(defs):
    job = defs.resolve_job_def("recommend")
    assert job.asset_layer.selected_asset_keys == {dg.AssetKey("recommendation")}


def test_a_scan_is_started_by_nothing_but_its_own_name(defs):
    graph = defs.resolve_asset_graph()
    above = {key.to_user_string() for key in dg.AssetSelection.assets("recommendation").upstream().resolve(graph)}
    assert not above & {"scan", "scan_ranking"}
    assert graph.get(dg.AssetKey("scan")).is_partitioned
    fetching = defs.resolve_job_def("scan_universe").graph.node_named("scan").definition.node_named("fetch_chains")
    assert fetching.definition.pool == "vendor_sample"


def test_nothing_starts_by_itself(defs, specs):
    repository = defs.get_repository_def()
    assert not repository.schedule_defs
    assert not repository.sensor_defs
    assert all(spec.automation_condition is None for spec in specs.values())


@pytest.mark.slow
def test_a_bad_setting_stops_dagster_with_its_name(monkeypatch):
    monkeypatch.setenv("WHEEL_MAX_AGE__GREEKS", "0.5")
    command = [sys.executable, "-c", "import wheel_assets.definitions"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "WHEEL_MAX_AGE__GREEKS=0.5 is refused" in done.stderr.splitlines()[-1]
