"""The cache as a dagster-duckdb IO manager: its settings, other frames, other ways to load, and clear refusals."""

from __future__ import annotations

import importlib.util
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest
from dagster_duckdb import DuckDBIOManager, DuckDBResource

from wheel_assets.cache.reading.duckdb_family import CacheResource, ReadThroughDuckDBIOManager
from wheel_assets.cache.reading.io_manager import freshness
from wheel_assets.cache.reading.one_line import OneSentence
from wheel_assets.tables import Column, SnapshotTable

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "own_graph" / "definitions.py"
COLUMNS = (
    Column("timestamp", "TIMESTAMP", "as of", required=True),
    Column("a", "DOUBLE", "a number"),
    Column("b", "DOUBLE", "another"),
)
TABLES = tuple(SnapshotTable(name, "a table", COLUMNS) for name in ("source", "derived"))
HOUR = freshness(timedelta(hours=1))


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"timestamp": [datetime(2026, 11, 23)], "a": [1.0], "b": [2.0], **columns})


@dg.asset(freshness_policy=HOUR)
def source() -> pd.DataFrame:
    return frame()


@pytest.fixture
def graph(tmp_path):
    """Definitions of assets over a new cache."""

    def graph(*assets: Any, **settings: Any) -> dg.Definitions:
        class Cache(ReadThroughDuckDBIOManager):
            @staticmethod
            def tables() -> tuple[SnapshotTable, ...]:
                return TABLES

            @staticmethod
            def everything() -> dg.JobDefinition:
                return defs.resolve_implicit_global_asset_job_def()

        file = str(tmp_path / "cache.duckdb")
        resources = {"io_manager": Cache(database=file, **settings), "duckdb": CacheResource(database=file)}
        defs = dg.Definitions(list(assets), resources=resources, executor=dg.in_process_executor)
        return defs

    return graph


def run(defs: dg.Definitions, *select: str, instance: dg.DagsterInstance | None = None) -> dg.ExecuteInProcessResult:
    job = defs.resolve_implicit_global_asset_job_def()
    keys = [dg.AssetKey.from_user_string(name) for name in select]
    return job.execute_in_process(asset_selection=keys, instance=instance)


def test_it_is_of_the_family():
    assert issubclass(ReadThroughDuckDBIOManager, DuckDBIOManager)
    assert issubclass(CacheResource, DuckDBResource)


def test_an_asset_may_name_the_columns_it_wants(graph):
    @dg.asset(ins={"source": dg.AssetIn(metadata={"columns": ["timestamp", "a"]})})
    def derived(source: pd.DataFrame) -> pd.DataFrame:
        assert list(source) == ["timestamp", "a"]
        return source.assign(b=3.0)

    assert run(graph(source, derived), "derived").success


def test_polars_frames_come_and_go_by_their_type_handler(graph):
    polars = pytest.importorskip("polars")
    pytest.importorskip("dagster_duckdb_polars")

    def copied(source: Any) -> Any:
        assert isinstance(source, polars.DataFrame)
        return source.select("timestamp", "a", (polars.col("b") * 2).alias("b"))

    copied.__annotations__ = {"source": polars.DataFrame, "return": polars.DataFrame}
    defs = graph(source, dg.asset(name="derived")(copied))
    with dg.DagsterInstance.ephemeral() as home:
        run(defs, "derived", instance=home)
        assert list(defs.load_asset_value("derived", instance=home)["b"]) == [4.0]


def test_a_value_is_loaded_without_a_run(graph):
    defs = graph(source)
    with dg.DagsterInstance.ephemeral() as home:
        run(defs, "source", instance=home)
        assert list(defs.load_asset_value("source", instance=home)["a"]) == [1.0]


def test_sql_goes_over_the_cache_under_its_lock(graph):
    seen = []

    @dg.asset(io_manager_key="io_manager", deps=[source])
    def derived(duckdb: CacheResource) -> pd.DataFrame:
        with duckdb.get_connection() as connection:
            seen.append(connection.execute("SELECT sum(a) FROM source").fetchone()[0])
        return frame()

    defs = graph(source, derived)
    run(defs, "source")
    run(defs, "derived")
    assert seen == [1.0]


@dg.asset(name="other")
def undeclared() -> pd.DataFrame:
    return frame()


@dg.asset(name="derived")
def wrong_type() -> int:
    return 1


@dg.asset(name="derived", partitions_def=dg.StaticPartitionsDefinition(["a"]))
def partitioned() -> pd.DataFrame:
    return frame()


REFUSED = {
    "no table": (undeclared, "other", None, "asset other has no table in the cache; .* declared: source, derived"),
    "no frame": (wrong_type, "derived", None, "derived returned int; .*; return a DataFrame or Rows"),
    "a partition": (partitioned, "derived", "a", "partitioned asset derived is refused"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_supported_is_refused_in_one_line(graph, case):
    asset, name, partition, words = REFUSED[case]
    job = graph(asset).resolve_implicit_global_asset_job_def()
    with pytest.raises((OneSentence, dg.DagsterError), match=words) as refused:
        job.execute_in_process(asset_selection=[dg.AssetKey(name)], partition_key=partition)
    assert "\n" not in str(refused.value).strip().split("Traceback")[0] or isinstance(refused.value, OneSentence)


def test_another_schema_is_refused(graph):
    with pytest.raises(dg.DagsterError, match="schema public is refused"):
        run(graph(source, schema="public"), "source")


def test_the_example_pulls_once_and_then_hits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location("own_graph", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with dg.DagsterInstance.ephemeral() as home:
        for runs in (2, 3):  # the first pulls its input in a child run
            run(module.defs, "report", instance=home)
            assert home.get_runs_count() == runs
