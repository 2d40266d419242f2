"""Predictions: probabilities and returns of selling each contract."""

import dagster as dg
import pandas as pd

from wheel_assets.cache.reading.request import OPTIONAL
from wheel_assets.defs.checks.table_checks import Checked, checked
from wheel_assets.defs.declare import SymbolsConfig, declared, settings
from wheel_assets.rows import Rows
from wheel_assets.tables import PREDICTIONS


@dg.asset(
    group_name="model",
    ins={"price_history": dg.AssetIn(metadata=OPTIONAL)},
    **declared(PREDICTIONS),
)
def predictions(
    config: SymbolsConfig, option_chains: pd.DataFrame, greeks: pd.DataFrame, price_history: pd.DataFrame
) -> Checked:
    """Probability of assignment and of touching the strike, expected return and 95 % CVaR of a sale.

    From the whole smile of its expiration; held to the end, after commission; one row a contract, NULL where
    the expiration has no volatility, or the contract no bid. Where `price_history` is in the cache, the probability
    under the recent realised volatility is shown beside it, and changes nothing. Contents of the JSON columns:
    `wheel_assets.predict.model`.
    """
    from wheel_assets.predict import predict_chain, realised_volatility  # which a run on fresh data does not need

    strategy = settings().strategy
    predicted = predict_chain(
        option_chains,
        greeks,
        price=strategy.price,
        commission=strategy.commission,
        realised_volatility=realised_volatility(price_history),
    )
    yield from checked(PREDICTIONS, Rows(predicted))
