"""Chain, Greeks and predictions joined into one table, with the numbers of selling each contract."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from wheel_assets.market.expiration import days_left
from wheel_assets.market.osi import is_standard
from wheel_assets.recommend.limit_prices import requirement, sale_price
from wheel_assets.recommend.objective import yearly_profit

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.recommend.bounds import Bounds

# `wide` is not refused here: the trader's own `max_spread` decides how wide is too wide.
TRADABLE = ("ok", "locked", "wide")
BUYABLE = (*TRADABLE, "no_bid")
_OF_THE_CHAIN = (
    *("symbol", "option_symbol", "expiration", "strike", "option_type", "bid", "ask", "volume"),
    *("open_interest", "spot_price", "multiplier", "quote_quality"),
)
_OF_THE_GREEKS = ("iv", "delta", "gamma", "theta", "vega", "dividend_yield", "risk_free_rate")
_OF_THE_PREDICTIONS = ("prob_itm", "expected_return", "cvar_95")
# Columns that rows cached by an older version do not have.
_IF_THERE = ("early_exercise", "event_from", "event_to", "event_move")
_NUMBERS = (
    *("strike", "bid", "ask", "volume", "open_interest", "spot_price", "multiplier"),
    *_OF_THE_GREEKS,
    *_OF_THE_PREDICTIONS,
    "realised_volatility",
)


def utc(now: datetime) -> datetime:
    """`now`, aware and in UTC; a naive time is taken as UTC."""
    return now.replace(tzinfo=UTC) if now.tzinfo is None else now.astimezone(UTC)


def contracts_table(
    option_chains: pd.DataFrame,
    greeks: pd.DataFrame,
    predictions: pd.DataFrame,
    *,
    symbols: Collection[str],
    now: datetime,
    bounds: Bounds,
) -> pd.DataFrame:
    """One row per contract of `symbols`, indexed by option symbol.

    Numbers are float64, NaN where missing. In addition to the columns of its three sources it has

    * days: calendar days left in New York, -1 once trading has ended
    * standard: whether it delivers plain shares
    * sale: limit price of a sale, dollars a share; NaN without a live two-sided quote
    * spread: (ask - bid) / mid
    * abs_delta
    * otm: distance of the strike out of the money, share of the price
    * collateral: dollars that one contract ties up: strike (or margin) for a put, shares at market for a call
    * credit: dollars that selling one contract brings, after commission
    * annualized_return: credit over collateral, simple, 365 days; a last day counts as one day
    * realised_volatility: of the shares of late, decimal a year; NaN without a history
    * objective: what openings are ranked by, see `objective.yearly_profit`
    """
    chain = option_chains.loc[option_chains["symbol"].isin(list(symbols)), [*_OF_THE_CHAIN]]
    table = _unique(chain).join(_unique(greeks)[_present(greeks, (*_OF_THE_GREEKS, *_IF_THERE))])
    if "spot_price" in greeks:  # the price that the Greeks are of: where the quoted one was contradicted, another
        table["spot_price"] = _unique(greeks)["spot_price"].reindex(table.index).fillna(table["spot_price"])
    table = table.join(_unique(predictions)[_present(predictions, (*_OF_THE_PREDICTIONS, "realised_volatility"))])
    for name in (*_IF_THERE, "realised_volatility"):
        if name not in table:
            table[name] = np.nan if name in ("event_move", "realised_volatility") else None
    for name in _NUMBERS:
        table[name] = _floats(table[name])
    table["standard"] = [is_standard(code) for code in table.index]
    table["days"] = _days(table["expiration"], now)
    table["abs_delta"] = table["delta"].abs()
    return _valued(table, bounds)


def _valued(table: pd.DataFrame, bounds: Bounds) -> pd.DataFrame:
    bid, ask, strategy = table["bid"], table["ask"], bounds.strategy
    live = (bid > 0) & (ask >= bid) & table["quote_quality"].isin(TRADABLE)
    table["sale"] = np.where(live, sale_price(bid.to_numpy(), ask.to_numpy(), strategy.price), np.nan)
    table["spread"] = ((ask - bid) / ((ask + bid) / 2)).where(live)
    is_put, spot = table["option_type"] == "put", table["spot_price"].where(table["spot_price"] > 0)
    table["otm"] = (1 - table["strike"] / spot).where(is_put, table["strike"] / spot - 1)
    secured_by = requirement(table["strike"], spot, table["sale"], strategy.secured_by).where(is_put, spot)
    table["collateral"] = (secured_by * table["multiplier"]).where(secured_by > 0)
    table["credit"] = table["sale"] * table["multiplier"] - strategy.commission
    table["annualized_return"] = table["credit"] / table["collateral"] * 365 / table["days"].clip(lower=1)
    table["objective"] = yearly_profit(table, table["sale"], strategy.commission, bounds)
    return table


def _present(frame: pd.DataFrame, names: Collection[str]) -> list[str]:
    return [name for name in names if name in frame.columns]


def _unique(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame indexed by option symbol; of duplicates the last row."""
    return frame.drop_duplicates("option_symbol", keep="last").set_index("option_symbol")


def _floats(values: pd.Series) -> np.ndarray:
    if values.dtype == "float64":  # most are, and conversion copies twice
        numbers = values.to_numpy()
    else:
        numbers = values.astype("Float64").to_numpy(dtype="float64", na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _days(expirations: pd.Series, now: datetime) -> pd.Series:
    """`days_left` of each expiration, computed once per date."""
    each = {when: days_left(when.date(), now) for when in expirations.dropna().unique()}
    return expirations.map(each).astype("float64")
