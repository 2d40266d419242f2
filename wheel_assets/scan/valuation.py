"""A batch of chains in, the screened puts of each symbol out: Greeks, predictions and rules in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from wheel_assets.greeks import ZeroCurve, valued_chain
from wheel_assets.predict import predict_chain
from wheel_assets.recommend.screen import screened_puts
from wheel_assets.tables import SCAN

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.settings import Settings

CASH = 100_000.0  # dollars to size against where WHEEL_PORTFOLIO_VALUE is not set


def cash_of(settings: Settings) -> float:
    """Dollars that each symbol is sized against: WHEEL_PORTFOLIO_VALUE, else `CASH`."""
    return settings.portfolio_value or CASH


def screened(option_chains: pd.DataFrame, *, curve: ZeroCurve, settings: Settings, now: datetime) -> pd.DataFrame:
    """The columns of `tables.SCAN`, a row a put of all symbols of the batch; `now` is aware.

    `option_chains` has the columns of `tables.OPTION_CHAINS`. What is said of a symbol does not depend on the others.
    """
    strategy, mismatch = settings.strategy, settings.market.spot_mismatch
    greeks = valued_chain(option_chains, risk_free_rate=curve, spot_mismatch=mismatch).frame
    predictions = predict_chain(option_chains, greeks, price=strategy.price, commission=strategy.commission)
    puts = screened_puts(option_chains, greeks, predictions, strategy=strategy, now=now, cash=cash_of(settings))
    quotes = option_chains.drop_duplicates("option_symbol", keep="last").set_index("option_symbol")
    for name in ("timestamp", "source"):
        puts[name] = quotes[name].reindex(puts["option_symbol"]).to_numpy()
    for name in ("days", "quantity", "open_interest", "volume", "failures"):
        puts[name] = puts[name].replace([float("inf")], None).round().astype("Int64")
    puts["objective"] = puts["objective"].replace([-float("inf")], None)
    return SCAN.conform(puts[[column.name for column in SCAN.columns]])


def by_symbol(frame: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """The rows of each symbol, in their order."""
    return {str(symbol): rows for symbol, rows in frame.groupby("symbol", sort=False)}
