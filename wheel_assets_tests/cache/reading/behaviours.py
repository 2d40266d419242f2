"""What is expected of a DuckDB IO manager, each as a function over one: what dagster-duckdb-pandas' own tests expect,
and what happens there when something goes wrong.

A behaviour raises where the manager does not show it. The docstring is its line in `docs/any-graph.md`.
"""

import gc
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pandas as pd

DAYS = dg.DailyPartitionsDefinition(start_date="2026-01-01")
COLOURS = dg.StaticPartitionsDefinition(["red", "yellow", "blue"])
FRUITS = dg.DynamicPartitionsDefinition(name="fruits")
BOTH = dg.MultiPartitionsDefinition({"day": DAYS, "colour": COLOURS})


def frame(**columns: Any) -> pd.DataFrame:
    """Three rows; more columns as told."""
    return pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6], **columns})


@dataclass
class Bench:
    """A manager over a new file, an instance, and what runs there."""

    resource: Callable[..., Any]
    path: Path
    instance: dg.DagsterInstance
    settings: dict[str, Any] = field(default_factory=dict)

    def run(self, *assets: Any, select: str = "*", partition: Any = None, fails: bool = False, **options: Any) -> Any:
        """Materialize what is selected of the assets; whether that fails is as told."""
        result = dg.materialize(
            assets,
            selection=select,
            partition_key=partition,
            resources={"io_manager": self.manager()},
            instance=self.instance,
            raise_on_error=False,
            **options,
        )
        assert result.success is not fails, [e.message for e in result.all_events if e.is_failure]
        return result

    def manager(self) -> Any:
        """A new resource of the manager."""
        return self.resource(database=str(self.path), **self.settings)

    def sql(self, query: str) -> list[Any]:
        """The first column of a query, as another program sees it."""
        gc.collect()  # the stock one leaves its connection open where it fails
        with duckdb.connect(str(self.path)) as connection:
            return [row[0] for row in connection.execute(query).fetchall()]


@contextmanager
def bench(resource: Callable[..., Any]) -> Iterator[Bench]:
    """A bench in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder, dg.DagsterInstance.ephemeral() as instance:
        yield Bench(resource, Path(folder) / "rows.duckdb", instance)


def partitioned(definition: dg.PartitionsDefinition, expression: Any, made: dict[str, int], **more: Any) -> Any:
    """An asset whose partition has three rows that tell how often it was made; columns `c` and `d` are its keys."""

    @dg.asset(name="parts", partitions_def=definition, metadata={"partition_expr": expression}, **more)
    def parts(context: dg.AssetExecutionContext) -> pd.DataFrame:
        frames = []
        for key in context.partition_keys:
            made[str(key)] = made.get(str(key), 0) + 1
            keys = getattr(key, "keys_by_dimension", {"colour": key, "day": key})
            times = [made[str(key)]] * 3
            frames.append(pd.DataFrame({"c": [keys["colour"]] * 3, "d": [keys["day"]] * 3, "made": times}))
        return pd.concat(frames, ignore_index=True)

    return parts


PARTITIONS = {
    "static": (COLOURS, "c", "red", "blue"),
    "daily": (DAYS, "CAST(d AS TIMESTAMP)", "2026-01-01", "2026-01-02"),
    "dynamic": (FRUITS, "c", "apple", "orange"),
    "multi": (
        BOTH,
        {"day": "CAST(d AS TIMESTAMP)", "colour": "c"},
        dg.MultiPartitionKey({"day": "2026-01-01", "colour": "red"}),
        dg.MultiPartitionKey({"day": "2026-01-01", "colour": "blue"}),
    ),
}


def written(on: Bench, kind: str) -> None:
    """One partition, another, the first again: only its own rows are replaced."""
    definition, expression, first, second = PARTITIONS[kind]
    on.instance.add_dynamic_partitions("fruits", ["apple", "orange"])
    parts = partitioned(definition, expression, {})
    for key, rows in ((first, [1] * 3), (second, [1] * 6), (first, [1] * 3 + [2] * 3)):
        on.run(parts, partition=key)
        assert sorted(on.sql("SELECT made FROM public.parts")) == rows


def read(on: Bench, kind: str) -> None:
    """A reader of one partition gets its rows and no others."""
    definition, expression, first, second = PARTITIONS[kind]
    on.instance.add_dynamic_partitions("fruits", ["apple", "orange"])
    made: dict[str, int] = {}
    parts, seen = partitioned(definition, expression, made), []

    @dg.asset(partitions_def=definition)
    def reader(parts: pd.DataFrame) -> None:
        seen.append(sorted(set(zip(parts["c"], parts["d"].astype(str).str[:10], strict=True))))

    for key in (first, second, first):
        on.run(parts, partition=key)
    on.run(parts, reader, select="reader", partition=first)
    keys = getattr(first, "keys_by_dimension", {"colour": first, "day": first})
    assert seen == [[(keys["colour"], keys["day"])]]


def ops_hand_frames_over(on: Bench) -> None:
    """An op gets the frame that the op before it returned"""
    seen = job_of_ops(on)
    assert seen == [[1, 2, 3]]


def ops_rows_are_replaced(on: Bench) -> None:
    """A job of ops run twice leaves the rows of the second run, in the schema that its outputs name"""
    job_of_ops(on)
    job_of_ops(on)
    assert on.sql("SELECT a FROM first.result") == [1, 2, 3]
    assert on.sql("SELECT a FROM second.result") == [2, 3, 4]


def ops_outputs_of_one_name_do_not_mix(on: Bench) -> None:
    """Outputs of several ops that have one name do not replace each other"""

    @dg.op
    def one() -> pd.DataFrame:
        return frame()

    @dg.op
    def two(start: pd.DataFrame) -> pd.DataFrame:
        return start * 10

    @dg.op
    def both(one: pd.DataFrame, two: pd.DataFrame) -> None:
        assert (list(one["a"]), list(two["a"])) == ([1, 2, 3], [10, 20, 30])

    @dg.job(resource_defs={"io_manager": on.manager()})
    def ops() -> None:
        start = one()
        both(start, two(start))

    assert ops.execute_in_process(instance=on.instance, raise_on_error=False).success


def job_of_ops(on: Bench) -> list[list[int]]:
    """What the second of two ops got."""
    seen = []

    @dg.op(out=dg.Out(metadata={"schema": "first"}))
    def first() -> pd.DataFrame:
        return frame()

    @dg.op(out=dg.Out(metadata={"schema": "second"}))
    def second(rows: pd.DataFrame) -> pd.DataFrame:
        seen.append(list(rows["a"]))
        return rows + 1

    @dg.job(resource_defs={"io_manager": on.manager()})
    def ops() -> None:
        second(first())

    assert ops.execute_in_process(instance=on.instance).success
    return seen


@dg.asset
def rows() -> pd.DataFrame:
    """The rows that most behaviours begin with."""
    return frame()


@dg.asset
def plus_one(rows: pd.DataFrame) -> pd.DataFrame:
    """What is made of them."""
    return rows + 1


def assets_hand_frames_over(on: Bench) -> None:
    """An asset gets the frame of the asset that it is made of"""
    assert list(on.run(rows, plus_one).asset_value("plus_one")["a"]) == [2, 3, 4]


def materialized_twice(on: Bench) -> None:
    """SQL sees the rows of the last materialization and no others"""
    on.run(rows, plus_one)
    on.run(rows, plus_one)
    assert on.sql("SELECT a FROM public.plus_one") == [2, 3, 4]


def key_prefix(on: Bench) -> None:
    """A key prefix is the schema"""
    prefixed = dg.asset(key_prefix=["mine"], name="rows")(frame)
    on.run(prefixed)
    assert on.sql("SELECT a FROM mine.rows") == [1, 2, 3]


def schema_setting(on: Bench) -> None:
    """The setting `schema` is the schema"""
    on.settings["schema"] = "custom"
    on.run(rows, plus_one)
    assert on.sql("SELECT a FROM custom.plus_one") == [2, 3, 4]


def schema_metadata(on: Bench) -> None:
    """The metadata `schema` of an asset comes before the setting"""
    on.settings["schema"] = "custom"
    on.run(dg.asset(name="rows", metadata={"schema": "own"})(frame))
    assert on.sql("SELECT a FROM own.rows") == [1, 2, 3]


def columns(on: Bench) -> None:
    """An input may name its columns, and only those are loaded"""

    @dg.asset(ins={"rows": dg.AssetIn(metadata={"columns": ["a"]})})
    def narrow(rows: pd.DataFrame) -> pd.DataFrame:
        assert list(rows) == ["a"]
        return rows

    on.run(rows, narrow)
    with duckdb.connect(str(on.path)) as connection:
        assert list(connection.execute("SELECT * FROM public.narrow").df()) == ["a"]


def unknown_column(on: Bench) -> None:
    """A column that there is not is an error"""

    @dg.asset(ins={"rows": dg.AssetIn(metadata={"columns": ["z"]})})
    def narrow(rows: pd.DataFrame) -> None: ...

    on.run(rows, narrow, fails=True)


def other_types(on: Bench) -> None:
    """A returned value that is no frame is refused"""

    @dg.asset
    def number() -> int:
        return 1

    on.run(number, fails=True)


def no_value(on: Bench) -> None:
    """None is refused where a frame was promised"""

    @dg.asset
    def nothing() -> Any:
        return None

    on.run(nothing, fails=True)


def static_written(on: Bench) -> None:
    """Static partitions are written and replaced one by one"""
    written(on, "static")


def static_read(on: Bench) -> None:
    """A reader of a static partition gets that one"""
    read(on, "static")


def daily_written(on: Bench) -> None:
    """Daily partitions are written and replaced one by one"""
    written(on, "daily")


def daily_read(on: Bench) -> None:
    """A reader of a day gets that day"""
    read(on, "daily")


def dynamic_written(on: Bench) -> None:
    """Dynamic partitions are written and replaced one by one"""
    written(on, "dynamic")


def dynamic_read(on: Bench) -> None:
    """A reader of a dynamic partition gets that one"""
    read(on, "dynamic")


def multi_written(on: Bench) -> None:
    """Partitions of two dimensions are written and replaced one by one"""
    written(on, "multi")


def multi_read(on: Bench) -> None:
    """A reader of a partition of two dimensions gets that one"""
    read(on, "multi")


def self_dependent(on: Bench) -> None:
    """A partition made of the one before gets it; the first one gets no rows"""
    before = dg.AssetIn(partition_mapping=dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1))
    seen = []

    @dg.asset(partitions_def=DAYS, ins={"total": before}, metadata={"partition_expr": "CAST(d AS TIMESTAMP)"})
    def total(context: dg.AssetExecutionContext, total: pd.DataFrame) -> pd.DataFrame:
        seen.append(sorted(set(total["d"])) if len(total) else [])
        return frame(d=[context.partition_key] * 3)

    for day in ("2026-01-01", "2026-01-02"):
        on.run(total, partition=day)
    assert seen == [[], ["2026-01-01"]]


def mapped(on: Bench) -> None:
    """A day made of all colours of that day gets those that are stored elsewhere, and no other day"""
    parts = partitioned(*PARTITIONS["multi"][:2], {})
    by_day = dg.AssetIn(partition_mapping=dg.MultiToSingleDimensionPartitionMapping(partition_dimension_name="day"))
    seen = []

    @dg.asset(partitions_def=DAYS, ins={"parts": by_day})
    def day(parts: pd.DataFrame) -> None:
        seen.append((sorted(set(parts["c"])), set(parts["d"])))

    for date, colour in (("2026-01-01", "red"), ("2026-01-01", "blue"), ("2026-01-02", "red")):
        on.run(parts, partition=dg.MultiPartitionKey({"day": date, "colour": colour}))
    on.run(parts.to_source_asset(), day, partition="2026-01-01")
    assert seen == [(["blue", "red"], {"2026-01-01"})]


def single_run_backfill(on: Bench) -> None:
    """A backfill in a single run stores each day, and a reader of one day gets that day"""
    parts = partitioned(DAYS, "CAST(d AS TIMESTAMP)", {}, backfill_policy=dg.BackfillPolicy.single_run())
    seen = []

    @dg.asset(partitions_def=DAYS)
    def reader(parts: pd.DataFrame) -> None:
        seen.append(sorted(set(parts["d"])))

    spread = {"dagster/asset_partition_range_start": "2026-01-01", "dagster/asset_partition_range_end": "2026-01-03"}
    on.run(parts, tags=spread)
    on.run(parts, reader, select="reader", partition="2026-01-02")
    assert seen == [["2026-01-02"]]


def value_without_a_run(on: Bench) -> None:
    """`defs.load_asset_value` loads an asset, and one partition of one"""
    parts = partitioned(COLOURS, "c", {})
    on.run(rows)
    for key in ("red", "blue"):
        on.run(parts, partition=key)
    defs = dg.Definitions([rows, parts], resources={"io_manager": on.manager()})
    assert list(defs.load_asset_value("rows", instance=on.instance, python_type=pd.DataFrame)["a"]) == [1, 2, 3]
    red = defs.load_asset_value("parts", instance=on.instance, python_type=pd.DataFrame, partition_key="red")
    assert set(red["c"]) == {"red"}


def check_loads(on: Bench) -> None:
    """An asset check loads its asset"""

    @dg.asset_check(asset=rows)
    def three(rows: pd.DataFrame) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=len(rows) == 3)

    assert on.run(rows, three).get_asset_check_evaluations()[0].passed


def failed_output(on: Bench) -> None:
    """A failure while a frame is stored leaves the rows that were there"""
    on.run(rows)
    on.run(dg.asset(name="rows")(lambda: frame(a=["x", "y", "z"])), fails=True)
    assert on.sql("SELECT a FROM public.rows") == [1, 2, 3]


def empty_output(on: Bench) -> None:
    """A frame without rows is refused and leaves the rows that were there"""
    on.run(rows)
    on.run(dg.asset(name="rows")(lambda: frame().head(0)), fails=True)
    assert on.sql("SELECT a FROM public.rows") == [1, 2, 3]


def new_column(on: Bench) -> None:
    """A new column is added, and rows are stored by name whatever the order of columns"""
    on.run(rows)
    on.run(dg.asset(name="rows")(lambda: frame(c=["x", "y", "z"])[["c", "b", "a"]]))
    assert on.sql("SELECT a FROM public.rows") == [1, 2, 3]
    assert on.sql("SELECT c FROM public.rows") == ["x", "y", "z"]


def column_without_values(on: Bench) -> None:
    """A column that held nothing takes text later"""
    on.run(dg.asset(name="rows")(lambda: frame(c=[None] * 3)))
    on.run(dg.asset(name="rows")(lambda: frame(c=["x", "y", "z"])))
    assert on.sql("SELECT c FROM public.rows") == ["x", "y", "z"]


def failed_partition(on: Bench) -> None:
    """A partition that fails to be made again keeps its rows"""
    parts = partitioned(COLOURS, "c", {})
    on.run(parts, partition="red")

    @dg.asset(name="parts", partitions_def=COLOURS, metadata={"partition_expr": "c"})
    def broken() -> pd.DataFrame:
        return pd.DataFrame({"c": ["red"], "d": ["red"], "made": ["x"]})

    on.run(broken, partition="red", fails=True)
    assert on.sql("SELECT made FROM public.parts") == [1, 1, 1]


def made_elsewhere(on: Bench) -> None:
    """An asset that is made elsewhere is read where it is stored, and is an error where it is not"""
    elsewhere = dg.AssetSpec("rows")
    on.run(elsewhere, plus_one, select="plus_one", fails=True)
    on.run(rows)
    assert list(on.run(elsewhere, plus_one, select="plus_one").asset_value("plus_one")["a"]) == [2, 3, 4]


def stale_input(on: Bench) -> None:
    """An input that is not there is made before it is loaded"""
    assert list(on.run(rows, plus_one, select="plus_one").asset_value("plus_one")["a"]) == [2, 3, 4]


BEHAVIOURS: tuple[Callable[[Bench], None], ...] = (
    *(ops_hand_frames_over, ops_rows_are_replaced, ops_outputs_of_one_name_do_not_mix),
    *(assets_hand_frames_over, materialized_twice, key_prefix, schema_setting, schema_metadata),
    *(columns, unknown_column, other_types, no_value),
    *(static_written, static_read, daily_written, daily_read),
    *(dynamic_written, dynamic_read, multi_written, multi_read),
    *(self_dependent, mapped, single_run_backfill, value_without_a_run, check_loads),
    *(failed_output, failed_partition, empty_output, new_column, column_without_values, made_elsewhere, stale_input),
)
