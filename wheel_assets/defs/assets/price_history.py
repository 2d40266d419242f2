"""Prices: what the shares did of late."""

from datetime import UTC

import dagster as dg

from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.store.store import Store
from wheel_assets.cache.upkeep.progress import reporting_progress
from wheel_assets.defs.checks.table_checks import Checked, checked
from wheel_assets.defs.declare import SymbolsConfig, declared
from wheel_assets.fetch.source import MarketSource, fetch_each
from wheel_assets.tables import PRICE_HISTORY


@dg.asset(group_name="market", **declared(PRICE_HISTORY))
def price_history(
    context: dg.AssetExecutionContext,
    config: SymbolsConfig,
    market: dg.ResourceParam[MarketSource],
    store: dg.ResourceParam[Store],
) -> Checked:
    """A year of daily prices of each symbol of the watchlist, for the volatility that it realised.

    Source: `WHEEL_MARKET__SOURCE`. Predictions use it where it is there and never ask for it: a symbol without
    keeps its advice. Materialize it by itself, once a day, for volatilities that were realised, not only
    implied: selected together with what uses it, its failure is theirs, as everywhere in Dagster.
    """
    now = store.clock().replace(tzinfo=UTC)
    with one_line_errors(), reporting_progress(PRICE_HISTORY.name, context.log.info) as report:
        fetched = fetch_each(
            config.symbols, lambda symbol: market.price_history(symbol, now), market.concurrency, report
        )
    yield from checked(PRICE_HISTORY, fetched)
