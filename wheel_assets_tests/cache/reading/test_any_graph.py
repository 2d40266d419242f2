"""Reading pulls in graphs of all kinds: partitions, several outputs of one op, graphs of ops, what others make."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from wheel_assets.cache.reading.io_manager import ReadThroughIOManager, freshness
from wheel_assets.cache.store.store import Store

DAYS = dg.DailyPartitionsDefinition(start_date="2026-01-01", end_date="2026-02-01")
COLOURS = dg.StaticPartitionsDefinition(["red", "yellow", "blue"])
BEFORE = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
SINGLE = dg.BackfillPolicy.single_run()
ANY_AGE = timedelta(minutes=60)

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")


class Graph:
    """Assets over a store with a clock; what was made is counted by `made`."""

    def __init__(self, path: Path, clock: Any, instance: dg.DagsterInstance) -> None:
        self.store = Store(path / "any.duckdb", (), clock)
        self.clock, self.made = clock, Counter[str]()
        self.instance = instance
        self.assets: list[Any] = []
        self.checks: list[Any] = []
        self.resources: dict[str, Any] = {}

    def asset(self, minutes: float = 60, **how: Any) -> Any:
        """As `dg.asset`, with an age limit, counted by name and partitions."""

        def declare(compute: Any) -> Any:
            made = dg.asset(freshness_policy=freshness(timedelta(minutes=minutes)), **how)(compute)
            self.assets.append(made)
            return made

        return declare

    def count(self, context: Any, name: str) -> list[str]:
        """Note that an asset's partitions are made, and give them."""
        self.made.update(f"{name} {key}" for key in context.partition_keys)
        return list(context.partition_keys)

    def run(self, *select: str, partition: Any = None, ok: bool = True, **options: Any) -> Any:
        """Materialize; what was made meanwhile is in `made`."""
        self.made.clear()
        resources = {"io_manager": ReadThroughIOManager(self.store), **self.resources}
        defs = dg.Definitions(self.assets, asset_checks=self.checks, resources=resources)
        job = defs.resolve_implicit_global_asset_job_def()
        keys = [dg.AssetKey.from_user_string(name) for name in select]
        how = {"asset_selection": keys, "partition_key": partition, "instance": self.instance, **options}
        result = job.execute_in_process(raise_on_error=False, **how)
        assert result.success is ok, [str(e.event_specific_data) for e in result.all_events if e.is_failure]
        return result


@pytest.fixture
def graph(tmp_path, clock, instance):
    return Graph(tmp_path, clock, instance)


def days(keys: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"day": keys, "number": [int(key[-2:]) for key in keys]})


@pytest.fixture
def daily(graph):
    """prices by day (15 minutes), and values by day that are made of them."""

    @graph.asset(15, partitions_def=DAYS)
    def prices(context: dg.AssetExecutionContext) -> pd.DataFrame:
        return days(graph.count(context, "prices"))

    @graph.asset(partitions_def=DAYS)
    def values(context: dg.AssetExecutionContext, prices: pd.DataFrame) -> pd.DataFrame:
        graph.count(context, "values")
        return prices.assign(number=prices["number"] * 10)

    @graph.asset(partitions_def=DAYS)
    def report(context: dg.AssetExecutionContext, values: pd.DataFrame) -> pd.DataFrame:
        graph.count(context, "report")
        return values

    return graph


def test_an_absent_partition_is_pulled_with_what_it_is_made_of_and_then_is_a_hit(daily):
    result = daily.run("report", partition="2026-01-02")
    assert daily.made == {"prices 2026-01-02": 1, "values 2026-01-02": 1, "report 2026-01-02": 1}
    assert list(result.asset_value("report")["number"]) == [20]
    daily.run("report", partition="2026-01-02")
    assert daily.made == {"report 2026-01-02": 1}


def test_freshness_is_that_of_the_partition(daily):
    daily.run("report", partition="2026-01-01")
    daily.clock.pass_minutes(61)
    daily.run("report", partition="2026-01-02")
    daily.run("report", partition="2026-01-02")
    assert daily.made == {"report 2026-01-02": 1}
    daily.run("report", partition="2026-01-01")
    assert daily.made["prices 2026-01-01"] == daily.made["values 2026-01-01"] == 1


def test_another_day_does_not_supersede_and_the_same_day_does(daily):
    for day in ("2026-01-01", "2026-01-02"):
        daily.run("prices", partition=day)
        daily.run("values", partition=day)
    daily.run("report", partition="2026-01-01")
    assert daily.made == {"report 2026-01-01": 1}
    daily.run("prices", partition="2026-01-01")
    daily.run("report", partition="2026-01-01")
    assert daily.made == {"values 2026-01-01": 1, "report 2026-01-01": 1}


def test_reads_of_partitions_are_logged_by_partition(daily):
    result = daily.run("report", partition="2026-01-02")
    records = [entry.user_message for entry in daily.instance.all_logs(result.run_id)]
    told = [line for record in records for line in record.splitlines()]
    assert any(line.startswith("cache_miss table=values key=2026-01-02 ") for line in told)


def test_a_failed_partition_is_one_line_and_nothing_is_made_of_the_others(graph):
    @graph.asset(partitions_def=COLOURS)
    def parts(context: dg.AssetExecutionContext) -> pd.DataFrame:
        if context.partition_key == "blue":
            raise dg.Failure("no blue today", allow_retries=False)
        return pd.DataFrame({"colour": [context.partition_key]})

    @graph.asset()
    def whole(parts: pd.DataFrame) -> pd.DataFrame:
        return parts

    result = graph.run("whole", ok=False)
    assert "no blue today" in str(result.all_events)
    assert {s.key for s in graph.store.newest("parts")} == {"red", "yellow"}


def test_one_that_reads_all_partitions_pulls_those_that_are_absent(graph):
    @graph.asset(partitions_def=COLOURS)
    def parts(context: dg.AssetExecutionContext) -> pd.DataFrame:
        return pd.DataFrame({"colour": graph.count(context, "parts")})

    @graph.asset()
    def whole(parts: pd.DataFrame) -> pd.DataFrame:
        return parts

    graph.run("parts", partition="red")
    assert sorted(graph.run("whole").asset_value("whole")["colour"]) == ["blue", "red", "yellow"]
    assert graph.made == {"parts yellow": 1, "parts blue": 1}


@pytest.fixture
def total(graph):
    """An asset that is made of itself: each day of the day before."""

    @graph.asset(partitions_def=DAYS, ins={"total": dg.AssetIn(partition_mapping=BEFORE)})
    def total(context: dg.AssetExecutionContext, total: pd.DataFrame) -> pd.DataFrame:
        graph.count(context, "total")
        before = total["number"].sum() if len(total) else 0
        return pd.DataFrame({"number": [before + 1]})

    return graph


def test_of_an_asset_made_of_itself_the_partitions_before_are_pulled_in_order(total):
    assert list(total.run("total", partition="2026-01-04").asset_value("total")["number"]) == [4]
    assert total.made == {f"total 2026-01-0{day}": 1 for day in (1, 2, 3, 4)}
    total.run("total", partition="2026-01-05")
    assert total.made == {"total 2026-01-05": 1}


def test_what_is_made_of_a_partition_that_was_made_again_is_made_again(total):
    total.run("total", partition="2026-01-03")
    total.run("total", partition="2026-01-01")
    total.run("total", partition="2026-01-04")
    assert total.made == {f"total 2026-01-0{day}": 1 for day in (2, 3, 4)}


def test_partitions_that_one_run_makes_are_pulled_in_one_run_and_kept_apart(graph):
    by_day = {"partition_expr": "CAST(day AS TIMESTAMP)"}

    @graph.asset(partitions_def=DAYS, backfill_policy=SINGLE, metadata=by_day)
    def prices(context: dg.AssetExecutionContext) -> pd.DataFrame:
        return days(graph.count(context, "prices"))

    week = dg.WeeklyPartitionsDefinition(start_date="2026-01-04", end_date="2026-02-01")

    @graph.asset(partitions_def=week)
    def weekly(prices: pd.DataFrame) -> pd.DataFrame:
        return prices

    graph.run("weekly", partition="2026-01-04")
    pulled = graph.instance.get_runs(dg.RunsFilter(tags={"wheel/pulled_by": graph.instance.get_runs()[-1].run_id}))
    assert len(graph.made) == 7
    assert graph.instance.get_runs_count() == 2, pulled
    graph.run("weekly", partition="2026-01-04")
    assert not graph.made


def test_a_partition_that_a_single_run_leaves_out_is_refused_in_one_line(graph):
    @graph.asset(partitions_def=COLOURS, backfill_policy=SINGLE, metadata={"partition_expr": "colour"})
    def parts() -> pd.DataFrame:
        return pd.DataFrame({"colour": ["red"]})

    spread = {"dagster/asset_partition_range_start": "red", "dagster/asset_partition_range_end": "yellow"}
    result = graph.run("parts", ok=False, tags=spread)
    assert "parts has no rows of yellow" in str(result.all_events)


def test_more_partitions_than_somebody_can_have_meant_are_refused_in_one_line(graph):
    hours = dg.HourlyPartitionsDefinition(start_date="2026-01-01-00:00", end_date="2026-02-01-00:00")

    @graph.asset(partitions_def=hours)
    def hourly() -> pd.DataFrame:
        return pd.DataFrame({"a": [1]})

    @graph.asset()
    def whole(hourly: pd.DataFrame) -> pd.DataFrame:
        return hourly

    assert "make them by a backfill first" in str(graph.run("whole", ok=False).all_events)


def test_one_op_that_makes_two_assets_is_run_once_and_both_are_made_of_what_it_read(graph):
    @graph.asset(15)
    def source() -> pd.DataFrame:
        return pd.DataFrame({"a": [1]})

    inner = {"low": {dg.AssetKey("source")}, "high": {dg.AssetKey("source"), dg.AssetKey("low")}}

    @dg.multi_asset(outs={"low": dg.AssetOut(), "high": dg.AssetOut()}, internal_asset_deps=inner)
    def both(source: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        graph.made["both"] += 1
        return source, source + 1

    @graph.asset()
    def span(low: pd.DataFrame, high: pd.DataFrame) -> pd.DataFrame:
        return high - low

    graph.assets.append(both)
    graph.run("span")
    assert graph.made == {"both": 1}
    graph.run("span")
    assert graph.made == {}
    graph.run("source")
    graph.run("span")
    assert graph.made == {"both": 1}


def test_a_graph_of_ops_is_made_of_what_its_first_op_read(graph):
    @graph.asset(15)
    def source() -> pd.DataFrame:
        return pd.DataFrame({"a": [1, 2]})

    @dg.op
    def halve(rows: pd.DataFrame) -> pd.DataFrame:
        return rows / 2

    @dg.op
    def negate(rows: pd.DataFrame) -> pd.DataFrame:
        graph.made["made"] += 1
        return -rows

    @dg.graph_asset
    def made(source: Any) -> Any:
        return negate(halve(source))

    @graph.asset()
    def reader(made: pd.DataFrame) -> pd.DataFrame:
        return made

    graph.assets.append(made)
    assert list(graph.run("reader").asset_value("reader")["a"]) == [-0.5, -1.0]
    graph.run("reader")
    assert graph.made == {}
    graph.run("source")
    graph.run("reader")
    assert graph.made == {"made": 1}


def test_an_asset_that_only_waits_for_another_is_a_hit_like_any(graph):
    @graph.asset()
    def source() -> pd.DataFrame:
        return pd.DataFrame({"a": [1]})

    @graph.asset(deps=[source])
    def after() -> pd.DataFrame:
        graph.made["after"] += 1
        return pd.DataFrame({"a": [2]})

    @graph.asset()
    def reader(after: pd.DataFrame) -> pd.DataFrame:
        return after

    graph.run("reader")
    graph.run("reader")
    assert graph.made == {}


def test_frames_of_mapped_ops_come_together(graph):
    @dg.op(out=dg.DynamicOut())
    def several() -> Any:
        for number in (1, 2):
            yield dg.DynamicOutput(pd.DataFrame({"a": [number]}), mapping_key=f"n{number}")

    @dg.op
    def tenfold(rows: pd.DataFrame) -> pd.DataFrame:
        return rows * 10

    @dg.op
    def together(parts: list[pd.DataFrame]) -> None:
        graph.made.update(str(part["a"][0]) for part in parts)

    @dg.job(resource_defs={"io_manager": ReadThroughIOManager(graph.store)})
    def ops() -> None:
        together(several().map(tenfold).collect())

    assert ops.execute_in_process(instance=graph.instance).success
    assert graph.made == {"10": 1, "20": 1}


def test_an_external_asset_that_is_too_old_is_reported_as_such(graph):
    source = dg.asset(name="source")(lambda: pd.DataFrame({"a": [1]}))
    graph.assets = [source]
    graph.run("source")

    @dg.asset
    def reader(source: pd.DataFrame) -> pd.DataFrame:
        return source

    graph.assets = [dg.AssetSpec("source", freshness_policy=freshness(timedelta(minutes=5))), reader]
    graph.run("reader")
    graph.clock.pass_minutes(6)
    assert "external asset source is too old; it is 6.0 minutes old" in str(graph.run("reader", ok=False).all_events)


def test_compaction_keeps_undeclared_tables_and_their_views(daily):
    daily.run("report", partition="2026-01-02")
    daily.store.file.rewrite()
    daily.run("report", partition="2026-01-02")
    assert daily.made == {"report 2026-01-02": 1}
    with daily.store.file.attached() as connection:
        assert connection.execute("SELECT number FROM public.values").fetchall() == [(20,)]


def test_a_graph_with_resources_of_its_own_and_other_io_managers_is_pulled(graph, tmp_path):
    @dg.asset(io_manager_key="files")
    def options(label: dg.ResourceParam[str]) -> dict[str, str]:
        return {"label": label}

    @graph.asset()
    def source(options: dict[str, str], label: dg.ResourceParam[str]) -> pd.DataFrame:
        return pd.DataFrame({"a": [options["label"], label]})

    @graph.asset()
    def reader(source: pd.DataFrame) -> pd.DataFrame:
        return source

    graph.assets.append(options)
    graph.resources = {"files": dg.FilesystemIOManager(base_dir=str(tmp_path)), "label": "x"}
    graph.run("options")
    assert graph.run("reader").asset_value("reader")["a"].tolist() == ["x", "x"]


def test_what_a_blocking_check_refused_in_a_pull_is_never_read(graph):
    @graph.asset()
    def source() -> pd.DataFrame:
        graph.made["source"] += 1
        return pd.DataFrame({"a": [-1]})

    @dg.asset_check(asset=source, blocking=True)
    def positive(source: pd.DataFrame) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=bool((source["a"] > 0).all()), description="below 0")

    @graph.asset()
    def reader(source: pd.DataFrame) -> pd.DataFrame:
        return source

    graph.checks = [positive]
    for _ in range(2):
        assert "check positive of source failed; below 0" in str(graph.run("reader", ok=False).all_events)
        assert graph.made == {"source": 1}


class Count(dg.Config):
    """Config that has to be given."""

    count: int


def test_what_is_pulled_gets_the_config_of_the_run_and_is_a_clear_error_without(graph):
    @graph.asset()
    def source(config: Count) -> pd.DataFrame:
        return pd.DataFrame({"a": [config.count]})

    @graph.asset()
    def reader(source: pd.DataFrame) -> pd.DataFrame:
        return source

    assert "source cannot be pulled; Missing required config" in str(graph.run("reader", ok=False).all_events)
    given = {"ops": {"source": {"config": {"count": 3}}}}
    assert graph.run("reader", run_config=given).asset_value("reader")["a"].tolist() == [3]


FAILING = {
    "breaks": ("source failed; ZeroDivisionError", lambda: 1 / 0),
    "is silent": ("source was made and", lambda: 0),
}


@pytest.mark.parametrize("case", FAILING)
def test_a_pulled_ancestor_that_fails_is_named(graph, case):
    words, compute = FAILING[case]

    @graph.asset()
    def source() -> Any:
        compute()
        return dg.MaterializeResult()

    @graph.asset()
    def reader(source: pd.DataFrame) -> pd.DataFrame:
        return source

    assert words in str(graph.run("reader", ok=False).all_events)
