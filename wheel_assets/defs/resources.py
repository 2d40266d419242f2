"""Resources of the assets: store, IO manager, and the sources of market, account, rates and events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from wheel_assets.cache.kept_sessions import keep_sessions_in
from wheel_assets.cache.reading.duckdb_io_manager import ReadThroughDuckDBIOManager
from wheel_assets.cache.reading.io_manager import ReadThroughIOManager
from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.reading.request import MoreKeys
from wheel_assets.cache.store.store import Store, store_at
from wheel_assets.cache.upkeep.ledger import Ledger, ledger_of
from wheel_assets.cache.upkeep.maintenance import Limits
from wheel_assets.defs import flow
from wheel_assets.defs.declare import settings
from wheel_assets.defs.step_values import StepValues
from wheel_assets.errors import UsageError
from wheel_assets.fetch.registry import (
    account_source,
    event_source,
    market_source,
    rank_source,
    rate_source,
    transaction_source,
)
from wheel_assets.fetch.source import (
    AccountSource,
    EventSource,
    MarketSource,
    RankSource,
    RateSource,
    TransactionSource,
)
from wheel_assets.instance.run_records import tend
from wheel_assets.scan.snapshots import ScanFolder
from wheel_assets.settings import checked_account, checked_symbol
from wheel_assets.tables import EVENTS, POSITIONS, STORED_TABLES, SnapshotTable

if TYPE_CHECKING:
    from dagster._core.storage.db_io_manager import DbTypeHandler


keep_sessions_in(settings().cache.file.parent)


def the_store() -> Store:
    """The cache file of the settings in force."""
    cache = settings().cache
    store = store_at(cache.file, Limits.of(cache))
    if settings().backup.dir:
        from wheel_assets.cache.archive.periodic import periodic_backup

        store.after_put = periodic_backup(settings().backup)
    return store


def the_ledger() -> Ledger:
    """The ledger that records the requests of this process's sources."""
    return ledger_of(the_store())


def wanted_symbols(asked: Sequence[str] | None) -> tuple[str, ...]:
    """The symbols of a config, checked; the watchlist where it has none."""
    return tuple(dict.fromkeys(checked_symbol(symbol) for symbol in asked or settings().symbols))


def wanted_account(asked: str | None) -> tuple[str, ...]:
    """The account of a config; the configured one where it has none."""
    return (checked_account(asked or settings().account_id),)


@dg.resource(description="Source of option chains: WHEEL_MARKET__SOURCE.")
def market(_: Any) -> Iterator[MarketSource]:
    """The market source of the settings; its requests end up in the ledger."""
    with one_line_errors(), the_ledger().kept() as ledger:
        yield market_source(settings(), ledger.record, ledger.reserve)


@dg.resource(description="Source of positions: WHEEL_BROKER__SOURCE.")
def account(_: Any) -> Iterator[AccountSource]:
    """The account source of the settings; its requests end up in the ledger."""
    with one_line_errors(), the_ledger().kept() as ledger:
        yield account_source(settings(), ledger.record)


@dg.resource(description="Source of the risk-free rate: WHEEL_RATE__SOURCE.")
def rate(_: Any) -> Iterator[RateSource]:
    """The rate source of the settings; its requests end up in the ledger."""
    with one_line_errors(), the_ledger().kept() as ledger:
        yield rate_source(settings(), ledger.record)


@dg.resource(description="Source of transactions: WHEEL_BROKER__TRANSACTIONS_FILE or the broker.")
def past(_: Any) -> Iterator[TransactionSource]:
    """The source of transactions of the settings; its requests end up in the ledger."""
    with one_line_errors(), the_ledger().kept() as ledger:
        yield transaction_source(settings(), ledger.record)


@dg.resource(description="Source of events: WHEEL_EVENTS__SOURCE and WHEEL_EVENTS__FILE.")
def calendar(_: Any) -> Iterator[EventSource]:
    """The source of events of the settings; its requests end up in the ledger."""
    with one_line_errors(), the_ledger().kept() as ledger:
        yield event_source(settings(), ledger.record, remembered)


@dg.resource(description="Source of IV ranks: the vendor of events, chains or positions that does.")
def ranks(_: Any) -> Iterator[RankSource]:
    """The source of ranks of the settings; its requests end up in the ledger."""
    with one_line_errors(), the_ledger().kept() as ledger:
        yield rank_source(settings(), ledger.record)


def remembered(name: str, fetch: Callable[[], Any]) -> Any:
    """The cached value of that name within the maximum age of the events, else the result of `fetch`, stored."""
    import pandas as pd

    from wheel_assets.storage.get_or_fetch import CacheRequest, ValueCache

    values = ValueCache(the_store(), lambda *_: pd.DataFrame())
    request = CacheRequest(EVENTS.name, name, settings().max_age.of(EVENTS.name))
    found, newest = values.find(request)
    return (found or values.get_or_fetch(request, fetch, newest)).value


def refuse_environment(config: Any) -> None:
    """Raise UsageError for a run config that takes a value from an environment variable, as Dagster lets it.

    A user who may launch runs could read any key of this process that way: the UI shows the values of a config.
    """
    if isinstance(config, Mapping) and set(config) == {"env"}:
        what = f"a config that takes its value from the environment variable {config['env']} is refused"
        raise UsageError(what, "its value would be shown in the browser", "write the value itself")
    for part in config.values() if isinstance(config, Mapping) else config if isinstance(config, list) else ():
        refuse_environment(part)


@dg.resource(description="The cache: one DuckDB file.")
def store(context: dg.InitResourceContext) -> Store:
    """The cache of the settings."""
    with one_line_errors():
        refuse_environment(context.run and context.run.run_config)
    return the_store()


class WheelIOManager(ReadThroughDuckDBIOManager):
    """Reads through the cache: what is fresh is loaded, what is stale is pulled first.

    At the end of a run, the records of a few old runs are removed.
    """

    database: str = Field(default=str(settings().cache.file), description="the file, in the folder WHEEL_CACHE__DIR")

    @staticmethod
    def tables() -> Sequence[SnapshotTable]:
        """The declared tables of snapshots."""
        return STORED_TABLES

    @staticmethod
    def everything() -> dg.JobDefinition:
        """The job that can make any asset; looked up late, for it contains this module."""
        from wheel_assets.definitions import defs

        return defs.resolve_implicit_global_asset_job_def()

    @staticmethod
    def wanted_keys() -> Mapping[str, Callable[[Any], Sequence[str]]]:
        """Symbols and accounts."""
        return {"symbol": wanted_symbols, "account_id": wanted_account}

    @staticmethod
    def more_keys() -> Mapping[str, MoreKeys]:
        """The tickers that the positions name."""
        return {"symbol": MoreKeys(POSITIONS.name, partial(flow.underlyings, the_store()))}

    @staticmethod
    def fingerprint(table: str) -> str:
        """Fingerprint of a table, by the settings in force."""
        return flow.fingerprint(table, settings())

    def store(self) -> Store:
        """The cache of the settings, with its limits; raises UsageError for another file."""
        if self.database != type(self).model_fields["database"].default:
            what = f"the database {self.database} is refused"
            raise UsageError(what, "the cache of this process is another file", "set WHEEL_CACHE__DIR")
        if self.max_size_gb is not None:
            what = f"max_size_gb={self.max_size_gb} is refused"
            raise UsageError(what, "the settings limit this cache", "set WHEEL_CACHE__MAX_SIZE_GB")
        return the_store()

    @staticmethod
    def type_handlers() -> Sequence[DbTypeHandler[Any]]:
        """None: frames are pandas' here."""
        return ()

    def create_io_manager(self, context: dg.InitResourceContext) -> ReadThroughIOManager:  # type: ignore[override]
        """The IO manager over the cache; raises UsageError for a run config that reads the environment."""
        with one_line_errors():
            refuse_environment(context.run and context.run.run_config)
        return super().create_io_manager(context)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Remove the records of a few old runs."""
        if context.instance is not None:
            tend(context.instance, the_store().clock() - settings().cache.ttl)


@dg.io_manager(description="Values between the steps of a scan: JSON in WHEEL_SCAN__DIR.")  # type: ignore[arg-type]  # a generator, as any resource
def scan_steps(context: dg.InitResourceContext) -> Iterator[StepValues]:
    """IO manager of the values between the steps of a scan."""
    from upath import UPath

    values = StepValues(UPath(ScanFolder(settings().scan.dir).place) / "steps")
    yield values
    if context.instance is not None:
        values.forget(context.instance)


RESOURCES: dict[str, Any] = {
    "io_manager": WheelIOManager(),
    "scan_steps": scan_steps,
    "store": store,
    "market": market,
    "account": account,
    "rate": rate,
    "past": past,
    "calendar": calendar,
    "ranks": ranks,
}
