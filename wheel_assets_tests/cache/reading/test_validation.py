"""What the cache cannot keep is refused when definitions load, in one line."""

from datetime import timedelta

import dagster as dg
import pandas as pd
import pytest

from wheel_assets.cache.reading.duckdb_io_manager import ReadThroughDuckDBIOManager
from wheel_assets.cache.reading.one_line_errors import OneLineError
from wheel_assets.cache.reading.validation import checked
from wheel_assets.tables import Column, SnapshotTable

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")

RED = dg.StaticPartitionsDefinition(["red"])
TIMESTAMP, SYMBOL = Column("timestamp", "TIMESTAMP", "as of"), Column("symbol", "VARCHAR", "ticker")
MOVES = SnapshotTable("moves", "moves", (TIMESTAMP, SYMBOL), "symbol", "symbols")


def asset(**how):
    return dg.asset(**how)(moves)


def moves() -> pd.DataFrame: ...


def number() -> int: ...


def reads_a_number(moves: int) -> pd.DataFrame: ...


def frames_by_key() -> dict[str, pd.DataFrame]: ...


def reads_frames_by_key(moves: dict[str, pd.DataFrame]) -> pd.DataFrame: ...


def reads_nothing(ready) -> pd.DataFrame: ...


def ready() -> None: ...


def loads(table: SnapshotTable | None, *assets, schema: str | None = None, keys: tuple[str, ...] = ("symbol",)):
    class Cache(ReadThroughDuckDBIOManager):
        @staticmethod
        def tables():
            return [table] if table else []

        @staticmethod
        def wanted_keys():
            return dict.fromkeys(keys, lambda asked: asked or ["A"])

    return checked(dg.Definitions(assets, resources={"io_manager": Cache(database="unused", schema=schema)}))


@dg.op
def start() -> pd.DataFrame: ...


@dg.graph_asset(name="moves")
def graph_of_moves():
    return start()


DAILY = dg.FreshnessPolicy.cron("0 9 * * *", timedelta(hours=1))
SINGLE = dg.BackfillPolicy.single_run()
REFUSED = {
    "a returned type": (None, lambda: [dg.asset(number)], "asset number is refused; it returns int"),
    "an input's type": (None, lambda: [asset(), dg.asset(reads_a_number)], "its input moves is to be int"),
    "a returned mapping": (None, lambda: [dg.asset(frames_by_key)], "it returns .*Dict"),
    "an input's mapping": (None, lambda: [asset(), dg.asset(reads_frames_by_key)], "its input moves is to be .*Dict"),
    "an input without rows": (None, lambda: [dg.asset(ready), dg.asset(reads_nothing)], "it loads ready, which .*deps"),
    "a deadline": (None, lambda: [asset(freshness_policy=DAILY)], "names times, and the cache needs a maximum age"),
    "no timestamp": (
        SnapshotTable("moves", "", (SYMBOL,)),
        lambda: [asset()],
        "table moves is refused; it has no column time",
    ),
    "a key that is no column": (
        SnapshotTable("moves", "", (TIMESTAMP,), "symbol"),
        lambda: [],
        "its key symbol is none of",
    ),
    "a table's name": (None, lambda: [asset(name="snapshots")], "snapshots is the name of a table of the store"),
    "keys and partitions": (MOVES, lambda: [asset(partitions_def=RED)], "it has partitions too"),
    "keys and no config": (MOVES, lambda: [asset()], "its config has no field symbols"),
    "keys and a graph": (MOVES, lambda: [graph_of_moves], "a graph has no config that asks for them"),
    "two of one name": (
        None,
        lambda: [asset(), asset(key_prefix="old")],
        "moves and old/moves are refused; .* view own.moves",
    ),
    "several partitions": (
        None,
        lambda: [asset(partitions_def=RED, backfill_policy=SINGLE)],
        "nothing says which of them a row is in",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_as_it_loads(case):
    table, assets, words = REFUSED[case]
    with pytest.raises(OneLineError, match=words) as refused:
        loads(table, *assets(), schema="own")
    assert "\n" not in str(refused.value)


def test_a_key_without_a_function_that_requests_it_is_refused_as_it_loads():
    with pytest.raises(OneLineError, match="nothing says which keys of symbol are requested"):
        loads(MOVES, asset(), keys=())


def test_what_fits_and_what_others_keep_loads():
    @dg.asset(config_schema={"symbols": dg.Field([str], is_required=False)}, name="moves")
    def with_config() -> pd.DataFrame: ...

    @dg.asset(io_manager_key="other")
    def elsewhere() -> int: ...

    @dg.asset
    def here(elsewhere: int) -> pd.DataFrame: ...

    assert loads(MOVES, with_config)
    others = {"io_manager": ReadThroughDuckDBIOManager(database="unused"), "other": dg.mem_io_manager}
    assert checked(dg.Definitions([elsewhere, here], resources=others))
