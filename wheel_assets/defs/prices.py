"""Prices: what the shares did of late."""

from datetime import UTC

import dagster as dg
import pandas as pd

from wheel_assets.cache.progress import telling
from wheel_assets.cache.sentence import one_sentence
from wheel_assets.cache.store import Store
from wheel_assets.defs.declare import SymbolsConfig, declared
from wheel_assets.fetch.source import MarketSource, fetch_each
from wheel_assets.tables import PRICE_HISTORY


@dg.asset(group_name="market", code_version="1", **declared(PRICE_HISTORY))
def price_history(
    context: dg.AssetExecutionContext,
    config: SymbolsConfig,
    market: dg.ResourceParam[MarketSource],
    store: dg.ResourceParam[Store],
) -> pd.DataFrame:
    """A year of daily prices of each symbol of the watchlist, for the volatility that it realised.

    Source: `WHEEL_MARKET__SOURCE`. No other asset reads it: a symbol without a history must not lose
    its advice, and an input that cannot be had would take it.
    """
    now = store.clock().replace(tzinfo=UTC)
    with one_sentence(), telling(PRICE_HISTORY.name, context.log.info) as tell:
        fetched = fetch_each(config.symbols, lambda symbol: market.price_history(symbol, now), market.concurrency, tell)
    fetched.frame.attrs["not_fetched"] = fetched.failures
    return fetched.frame
