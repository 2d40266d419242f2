"""The cache as a dagster-duckdb IO manager: its settings, other frames, other ways to load, and clear refusals."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import pandas as pd
import pytest
from dagster_duckdb import DuckDBIOManager, DuckDBResource

from wheel_assets.cache.reading.duckdb_io_manager import CacheResource, ReadThroughDuckDBIOManager
from wheel_assets.cache.reading.io_manager import freshness
from wheel_assets.cache.reading.one_line_errors import OneLineError
from wheel_assets.errors import UsageError
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

        file = str(tmp_path / "cache.duckdb")
        resources = {"io_manager": Cache(database=file, **settings), "duckdb": CacheResource(database=file)}
        return dg.Definitions(list(assets), resources=resources, executor=dg.in_process_executor)

    return graph


def run(
    defs: dg.Definitions, *select: str, instance: dg.DagsterInstance | None = None, partition: str | None = None
) -> dg.ExecuteInProcessResult:
    job = defs.resolve_implicit_global_asset_job_def()
    keys = [dg.AssetKey.from_user_string(name) for name in select]
    return job.execute_in_process(asset_selection=keys, instance=instance, partition_key=partition)


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


def test_polars_dates_and_bytes_keep_their_types(graph):
    polars = pytest.importorskip("polars")
    rows = polars.DataFrame({"day": [date(2026, 1, 2), None], "raw": [b"x", None]})
    defs = graph(dg.asset(name="days")(lambda: rows))
    with dg.DagsterInstance.ephemeral() as home:
        run(defs, "days", instance=home)
        assert defs.load_asset_value("days", python_type=polars.DataFrame, instance=home).equals(rows)


@pytest.mark.parametrize(
    ("values", "words"), [([Decimal("1.10")], "DECIMAL.* would be rounded"), ([], "came back empty")]
)
def test_polars_frames_that_cannot_be_kept_are_refused_in_one_line(graph, values, words):
    polars = pytest.importorskip("polars")
    with pytest.raises(OneLineError, match=words):
        run(graph(dg.asset(name="a")(lambda: polars.DataFrame({"a": values}))), "a")


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


def test_an_error_in_ones_own_sql_is_that_of_duckdb_and_undoes_the_block(tmp_path):
    cache = CacheResource(database=str(tmp_path / "cache.duckdb"))
    with pytest.raises(duckdb.CatalogException), cache.get_connection() as connection:
        connection.execute("CREATE TABLE mine (a INTEGER); SELECT * FROM missing")
    with cache.get_connection() as connection:
        tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    assert {name for (name,) in tables} == {"snapshots", "api_calls", "meta"}


def test_the_database_of_another_program_is_refused_and_left_alone(graph, tmp_path):
    with duckdb.connect(str(tmp_path / "cache.duckdb")) as connection:
        connection.execute("CREATE TABLE warehouse AS SELECT 1 AS a")
    with pytest.raises(OneLineError, match="another program's; name a file for the cache"):
        run(graph(source), "source")
    with duckdb.connect(str(tmp_path / "cache.duckdb")) as connection:
        assert connection.execute("FROM warehouse").fetchall() == [(1,)]


@pytest.mark.parametrize("database", [":memory:", "md:warehouse"])
def test_a_database_that_is_no_file_is_refused(database):
    with pytest.raises(UsageError, match="the cache is a file that processes share"):
        ReadThroughDuckDBIOManager(database=database).store()


def test_a_database_in_the_home_folder_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ReadThroughDuckDBIOManager(database="~/cache.duckdb").store().path == tmp_path / "cache.duckdb"


@dg.asset(name="derived")
def wrong_type() -> Any:
    return 1


def test_a_value_that_is_no_frame_is_refused_in_one_line(graph):
    with pytest.raises(OneLineError, match=r"^derived is int; .*; return a DataFrame"):
        run(graph(wrong_type), "derived")


def test_a_declared_table_stays_strict(graph):
    more = dg.asset(name="derived")(lambda: frame(c=[3.0]))
    with pytest.raises(OneLineError, match="undeclared columns \\['c'\\]"):
        run(graph(more), "derived")


def test_settings_of_duckdb_are_taken_over_and_seen(graph):
    defs = graph(source, connection_config={"threads": 1})
    run(defs, "source")
    store = defs.resources["io_manager"].store()
    with store.file.attached() as connection:
        assert connection.execute("SELECT current_setting('threads')").fetchone() == (1,)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_a_size_limit_evicts_what_was_used_least_recently(graph, tmp_path):
    parts = dg.StaticPartitionsDefinition([f"part{number}" for number in range(12)])

    @dg.asset(partitions_def=parts)
    def noise() -> pd.DataFrame:
        return pd.DataFrame({"a": np.random.default_rng().random(100_000)})

    defs = graph(noise, max_size_gb=0.008)
    for part in parts.get_partition_keys():
        run(defs, "noise", partition=part)
        assert defs.resources["io_manager"].store().file.size < 0.008 * 1e9
    kept = [snapshot.key for snapshot in defs.resources["io_manager"].store().newest("noise")]
    assert "part11" in kept
    assert "part0" not in kept


def test_an_unknown_setting_of_duckdb_is_refused_in_one_line(graph):
    with pytest.raises(OneLineError, match="connection_config is refused; .*: thread;"):
        run(graph(source, connection_config={"thread": 1}), "source")


def test_the_example_pulls_once_and_then_hits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location("own_graph", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with dg.DagsterInstance.ephemeral() as home:
        for runs in (2, 3):  # the first pulls its input in a child run
            run(module.defs, "report", instance=home)
            assert home.get_runs_count() == runs


@pytest.mark.slow
def test_the_example_runs_with_a_process_for_each_step(tmp_path):
    command = [Path(sys.executable).with_name("dagster"), "asset", "materialize", "-f", EXAMPLE, "--select", "report"]
    (tmp_path / "instance").mkdir()
    own = {"DAGSTER_HOME": str(tmp_path / "instance"), "PYTHONWARNINGS": "ignore"}
    for _ in range(2):
        done = subprocess.run(command, cwd=tmp_path, env=os.environ | own, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "Launching subprocess for" in done.stderr
    with duckdb.connect(str(tmp_path / "own_graph.duckdb")) as connection:
        made = connection.execute("SELECT table_name, count(*) FROM snapshots GROUP BY ALL ORDER BY ALL").fetchall()
    assert made == [("readings", 1), ("report", 2)]
