"""Option chains: quotes of every listed contract."""

from datetime import UTC

import dagster as dg

from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.store.store import Store
from wheel_assets.cache.upkeep.progress import reporting_progress
from wheel_assets.defs.checks.table_checks import Checked, checked
from wheel_assets.defs.declare import SymbolsConfig, declared
from wheel_assets.fetch.source import MarketSource, fetch_each
from wheel_assets.tables import OPTION_CHAINS


@dg.asset(group_name="market", **declared(OPTION_CHAINS))
def option_chains(
    context: dg.AssetExecutionContext,
    config: SymbolsConfig,
    market: dg.ResourceParam[MarketSource],
    store: dg.ResourceParam[Store],
) -> Checked:
    """Every listed contract of the watchlist, as the market source quotes it.

    Source: `WHEEL_MARKET__SOURCE`. Fetched when it is read and the last chain is older than
    `WHEEL_MAX_AGE__OPTION_CHAINS` minutes. A symbol that cannot be fetched is reported; the others
    are kept.
    """
    now = store.clock().replace(tzinfo=UTC)
    with one_line_errors(), reporting_progress(OPTION_CHAINS.name, context.log.info) as report:
        fetched = fetch_each(
            config.symbols, lambda symbol: market.option_chain(symbol, now), market.concurrency, report
        )
    yield from checked(OPTION_CHAINS, fetched)
