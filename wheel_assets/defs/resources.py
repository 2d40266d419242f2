"""What the assets work with: the store, the IO manager over it, the market, the account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple
from typing import Any

import dagster as dg

from wheel_assets.cache.io_manager import ReadThroughIOManager
from wheel_assets.cache.maintenance import Limits
from wheel_assets.cache.store import Store, store_at
from wheel_assets.defs.declare import settings
from wheel_assets.fetch.source import AccountSource, MarketSource
from wheel_assets.fetch.sources import account_source, market_source
from wheel_assets.settings import checked_account, checked_symbol


def the_store() -> Store:
    """The cache file of the settings in force."""
    cache = settings().cache
    return store_at(cache.file, Limits.of(cache))


def everything() -> dg.JobDefinition:
    """The job that can make any asset; looked up late, for it contains this module."""
    from wheel_assets.definitions import defs

    return defs.resolve_implicit_global_asset_job_def()


def wanted_symbols(asked: list[str] | None) -> tuple[str, ...]:
    """The symbols a config asks for, checked; the watchlist where it asks for none."""
    return tuple(dict.fromkeys(checked_symbol(symbol) for symbol in asked or settings().symbols))


def wanted_account(asked: str | None) -> tuple[str, ...]:
    """The account a config asks for; the configured one where it asks for none."""
    return (checked_account(asked or settings().account_id),)


def recipe(table: str) -> str:
    """What a table's data depends on besides its inputs: asked otherwise, it is other data."""
    s = settings()
    vendors = {"cboe": s.cboe.base_url, "schwab": s.schwab.base_url, "databento": s.databento.base_url}
    recipes = {
        "option_chains": f"{s.market.source} {vendors.get(s.market.source, '')}",
        "positions": f"{s.broker.source} {vendors.get(s.broker.source, '')}",
        "greeks": f"{s.rate.source} {s.rate.value}",
        "predictions": f"{s.strategy.price} {s.strategy.commission}",
    }
    if s.broker.file and table == "positions" and s.broker.file.exists():
        recipes[table] = f"file {s.broker.file} {s.broker.file.stat().st_mtime_ns}"  # an edited file is another file
    return recipes.get(table, "").strip()


@contextmanager
def ledger() -> Iterator[Callable[[Any], None]]:
    """Where sources report their requests; written to the store together, when the source is done."""
    calls: list[Any] = []
    try:
        yield calls.append
    finally:
        the_store().record_calls([astuple(call) for call in calls])


@dg.resource(description="Who quotes the chains: WHEEL_MARKET__SOURCE.")
def market(_: Any) -> Iterator[MarketSource]:
    """The market source of the settings; its requests end up in the ledger."""
    with ledger() as record:
        yield market_source(settings(), record)


@dg.resource(description="Who knows the account: WHEEL_BROKER__SOURCE.")
def account(_: Any) -> Iterator[AccountSource]:
    """The account source of the settings; its requests end up in the ledger."""
    with ledger() as record:
        yield account_source(settings(), record)


@dg.resource(description="The cache: one DuckDB file.")
def store(_: Any) -> Store:
    """The cache of the settings."""
    return the_store()


@dg.io_manager(description="Reads through the cache: what is fresh is loaded, what is stale is pulled first.")
def io_manager(_: Any) -> ReadThroughIOManager:
    """The read-through IO manager over the cache of the settings."""
    keys = {"symbol": wanted_symbols, "account_id": wanted_account}
    return ReadThroughIOManager(the_store(), everything, keys, recipe)


RESOURCES: dict[str, Any] = {"io_manager": io_manager, "store": store, "market": market, "account": account}
