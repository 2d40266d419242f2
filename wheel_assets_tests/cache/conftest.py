"""A store with a clock of its own, and a small graph of assets that counts what is made."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from wheel_assets.cache.reading.io_manager import PullConfig, ReadThroughIOManager, freshness
from wheel_assets.cache.reading.loaded_input import LoadedInput
from wheel_assets.cache.reading.request import OPTIONAL, OPTIONAL_PULLED
from wheel_assets.cache.store.store import Store
from wheel_assets.rows import Rows
from wheel_assets.tables import Column, SnapshotTable

MONDAY = datetime(2026, 11, 23, 15, 0)
_COLUMNS = (
    Column("timestamp", "TIMESTAMP", "as-of", required=True),
    Column("symbol", "VARCHAR", "ticker", required=True),
    Column("number", "DOUBLE", "a number"),
)
PRICES = SnapshotTable("prices", "keyed source", _COLUMNS, "symbol", "symbols")
RATES = SnapshotTable("rates", "source without key", _COLUMNS)
VALUES = SnapshotTable("values_", "prices times rates", _COLUMNS, "symbol", "symbols")
REPORT = SnapshotTable("report", "the end", _COLUMNS)
HISTORY = SnapshotTable("history", "keyed source that values_ can do without", _COLUMNS, "symbol", "symbols")
TOY_TABLES = (PRICES, RATES, HISTORY, VALUES, REPORT)


class Clock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now: datetime = MONDAY) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_minutes(self, minutes: float) -> None:
        """Let time go by, or back where negative."""
        self.now += timedelta(minutes=minutes)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def toy_store(tmp_path: Path, clock: Clock) -> Store:
    return Store(tmp_path / "cache" / "toy.duckdb", TOY_TABLES, clock)


def rows(numbers: dict[str, float], at: datetime = MONDAY) -> pd.DataFrame:
    """A frame of the toy tables: one row a symbol."""
    return pd.DataFrame({"timestamp": [at] * len(numbers), "symbol": list(numbers), "number": list(numbers.values())})


@pytest.fixture
def make_rows() -> Callable[..., pd.DataFrame]:
    return rows


_VALUES: dict[str, Any] = {"VARCHAR": "x", "BIGINT": 1, "DOUBLE": 0.2, "DATE": datetime(2026, 12, 18), "JSON": "{}"}
_VALUES["BOOLEAN"] = True


@pytest.fixture
def make_frame() -> Callable[..., pd.DataFrame]:
    """Rows that fit any declared table; what a column may hold decides, what it means does not."""

    def frame(table: SnapshotTable, count: int = 3, at: datetime = MONDAY, key: str = "A") -> pd.DataFrame:
        columns = {
            c.name: key if c.name == table.key else at if c.type == "TIMESTAMP" else (c.values or (_VALUES[c.type],))[0]
            for c in table.columns
        }
        return pd.DataFrame(columns, index=range(count))

    return frame


@dataclass
class Toy:
    """The graph prices, rates -> values_ -> report (which reads prices too), and what happened in it.

    With `history`, values_ has an optional input too.
    """

    store: Store
    clock: Clock
    instance: dg.DagsterInstance
    watchlist: list[str] = field(default_factory=lambda: ["A", "B"])
    made: Counter[str] = field(default_factory=Counter)
    broken: dict[str, str] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)
    version: str = "1"
    history: bool = False
    pulled: bool = False  # whether that one is pulled where it is stale
    notes: list[str] = field(default_factory=list)
    jobs: dict[Any, dg.JobDefinition] = field(default_factory=dict)

    def definitions(self) -> dg.Definitions:
        """The assets and the IO manager under test."""
        manager = ReadThroughIOManager(
            self.store,
            self.job,
            {"symbol": lambda asked: tuple(asked or self.watchlist)},
            lambda table: "",
        )
        return dg.Definitions(assets=_assets(self), resources={"io_manager": manager})

    def job(self, *select: str) -> dg.JobDefinition:
        """The job of a selection, or of all assets; made once for as long as the assets stay the same."""
        state = (self.store, self.version, self.history, self.pulled, select)
        if state not in self.jobs:
            keys = {dg.AssetKey(name) for name in select}
            whole = self.job() if keys else self.definitions().resolve_implicit_global_asset_job_def()
            self.jobs[state] = whole.get_subset(asset_selection=keys) if keys else whole
        return self.jobs[state]

    def run(self, *select: str, config: dict[str, Any] | None = None, **options: Any) -> dg.ExecuteInProcessResult:
        """Materialize a selection as the command line would."""
        self.made.clear()
        return self.job(*select).execute_in_process(
            instance=self.instance,
            run_config={"ops": {"report": {"config": config}}} if config else None,
            **options,
        )

    def restart(self) -> None:
        """Go on as another process would, that has nothing at hand but the file."""
        self.store = Store(self.store.path, TOY_TABLES, self.clock)

    def log(self) -> list[str]:
        """The cache lines of the newest run, oldest first."""
        run = self.instance.get_run_records(limit=10, order_by="id", ascending=False)
        newest = next(r.dagster_run for r in run if "wheel/pulled_by" not in r.dagster_run.tags)
        records = [entry.user_message for entry in self.instance.all_logs(newest.run_id)]
        lines = [line for record in records for line in record.splitlines()]
        return [line for line in lines if line.startswith("cache_")]


class Symbols(PullConfig):
    """Config of the keyed toy assets."""

    symbols: list[str] | None = None


def _assets(toy: Toy) -> list[dg.AssetsDefinition]:
    def policy(minutes: float) -> dg.FreshnessPolicy:
        return freshness(timedelta(minutes=minutes))

    def fetched(what: str, symbols: list[str], number: float) -> Rows:
        good = {symbol: number for symbol in symbols if what + symbol not in toy.broken}
        if not good:
            raise dg.Failure(next(iter(toy.broken.values())), allow_retries=False)
        frame = rows(good, toy.clock())
        missing = {symbol: toy.broken[what + symbol] for symbol in symbols if what + symbol in toy.broken}
        return Rows(frame, tuple(toy.notes), missing)

    @dg.asset(freshness_policy=policy(15), code_version=toy.version)
    def prices(config: Symbols) -> Rows:
        symbols = config.symbols or toy.watchlist
        toy.made.update(f"prices {symbol}" for symbol in symbols)
        return fetched("", symbols, toy.clock().minute + 1.0)

    @dg.asset(freshness_policy=policy(30))
    def rates() -> pd.DataFrame:
        toy.made["rates"] += 1
        if "rates" in toy.broken:
            raise dg.Failure(toy.broken["rates"], allow_retries=False)
        return rows({"all": 0.5}, toy.clock())

    @dg.asset(freshness_policy=policy(60))
    def values_(config: Symbols, prices: pd.DataFrame, rates: pd.DataFrame) -> pd.DataFrame:
        toy.made.update(f"values {symbol}" for symbol in prices["symbol"])
        return prices[["timestamp", "symbol"]].assign(number=prices["number"] * rates["number"][0])

    @dg.asset(freshness_policy=policy(1440))
    def history(config: Symbols) -> Rows:
        symbols = config.symbols or toy.watchlist
        toy.made.update(f"history {symbol}" for symbol in symbols)
        return fetched("history ", symbols, 1000.0)

    ins = {"history": dg.AssetIn(metadata=OPTIONAL_PULLED if toy.pulled else OPTIONAL)}

    @dg.asset(name="values_", freshness_policy=policy(60), ins=ins)
    def values_with_history(
        config: Symbols, prices: pd.DataFrame, rates: pd.DataFrame, history: LoadedInput
    ) -> pd.DataFrame:
        more = prices["symbol"].map(history.frame.set_index("symbol")["number"]).fillna(0.0)
        toy.seen["history"] = history
        toy.made.update(f"values {symbol}" for symbol in prices["symbol"])
        return prices[["timestamp", "symbol"]].assign(number=prices["number"] * rates["number"][0] + more)

    @dg.asset(freshness_policy=policy(15))
    def report(config: Symbols, prices: LoadedInput, values_: LoadedInput) -> pd.DataFrame:
        toy.made["report"] += 1
        toy.seen |= {"prices": prices, "values_": values_}
        return rows({"all": float(values_.frame["number"].sum())}, toy.clock())

    return [prices, rates, *([history, values_with_history] if toy.history else [values_]), report]


@pytest.fixture(scope="session")
def _ephemeral() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def instance(_ephemeral: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    """An instance without a run: emptied after each test, for to make one takes twenty times as long."""
    yield _ephemeral
    _ephemeral.wipe()


@pytest.fixture
def toy(toy_store: Store, clock: Clock, instance: dg.DagsterInstance) -> Toy:
    return Toy(toy_store, clock, instance)


@pytest.fixture
def toy_with_history(toy: Toy) -> Toy:
    toy.history = True
    return toy
