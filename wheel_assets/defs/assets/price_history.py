"""Price history: daily prices of the shares."""

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
    """A year of daily prices of each symbol of the watchlist, for its realised volatility.

    Source: `WHEEL_MARKET__SOURCE`. Predictions use it where it is stored and never pull it: a symbol without it keeps
    its advice. Materialize it alone, once a day: in one run with the assets that use it, its failure would fail them,
    as everywhere in Dagster.
    """
    now = store.clock().replace(tzinfo=UTC)
    with one_line_errors(), reporting_progress(PRICE_HISTORY.name, context.log.info) as report:
        fetched = fetch_each(
            config.symbols, lambda symbol: market.price_history(symbol, now), market.concurrency, report
        )
    yield from checked(PRICE_HISTORY, fetched)
