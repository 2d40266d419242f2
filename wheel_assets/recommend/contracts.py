"""Chain, Greeks and predictions as one table: what selling one contract would mean."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import numpy as np

from wheel_assets.market.expiration import days_left
from wheel_assets.market.ticks import floor_to_tick, tick_size

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.settings import StrategySettings

# `wide` is not refused here: the trader's own `max_spread` decides how wide is too wide.
TRADABLE = ("ok", "locked", "wide")
BUYABLE = (*TRADABLE, "no_bid")
_OF_THE_CHAIN = (
    *("symbol", "option_symbol", "expiration", "strike", "option_type", "bid", "ask"),
    *("open_interest", "spot_price", "multiplier", "quote_quality"),
)
_NUMBERS = ("strike", "bid", "ask", "open_interest", "spot_price", "multiplier", "delta", "prob_itm", "cvar_95")


def utc(now: datetime) -> datetime:
    """`now`, aware and in UTC; a naive time is taken as UTC."""
    return now.replace(tzinfo=UTC) if now.tzinfo is None else now.astimezone(UTC)


def is_standard(option_symbol: str) -> bool:
    """Whether it delivers plain shares, by its root: an adjusted one ends in a digit, FLEX begins with one.

    >>> is_standard("U     261218P00028000"), is_standard("U1    261218P00028000")
    (True, False)
    """
    root = option_symbol[:-15].strip()
    return bool(root) and not (root[0].isdigit() or root[-1].isdigit())


def sale_price(bid: np.ndarray, ask: np.ndarray, price: Literal["bid", "mid"]) -> np.ndarray:
    """Limit price of a sale, dollars a share: the bid, or the mid rounded down to a tick but never below the bid.

    >>> sale_price(np.array([0.55, 3.10]), np.array([0.60, 3.25]), "mid")
    array([0.57, 3.15])
    """
    if price == "bid":
        return np.asarray(bid, dtype=float)
    return np.maximum(floor_to_tick((bid + ask) / 2, tick_size(bid, ask)), bid)


def contracts_table(
    option_chains: pd.DataFrame,
    greeks: pd.DataFrame,
    predictions: pd.DataFrame,
    *,
    symbols: Collection[str],
    now: datetime,
    strategy: StrategySettings,
) -> pd.DataFrame:
    """One row a contract of `symbols`, indexed by option symbol.

    Numbers are float64, NaN where missing. Beside the columns of its three sources it has

    * days: calendar days left in New York, -1 once trading has ended
    * standard: whether it delivers plain shares
    * sale: limit price of a sale, dollars a share; NaN without a live two-sided quote
    * spread: (ask - bid) / mid
    * abs_delta
    * collateral: dollars that one contract ties up: strike for a put, shares at market for a call
    * credit: dollars that selling one contract brings, after commission
    * annualized_return: credit over collateral, simple, 365 days; a last day counts as one day
    * objective: what openings are ranked by, see `yearly_profit`
    """
    chain = option_chains.loc[option_chains["symbol"].isin(list(symbols)), [*_OF_THE_CHAIN]]
    table = _unique(chain).join(_unique(greeks)[["delta"]])
    table = table.join(_unique(predictions)[["prob_itm", "cvar_95"]])
    for name in _NUMBERS:
        table[name] = _floats(table[name])
    table["standard"] = [is_standard(code) for code in table.index]
    table["days"] = _days(table["expiration"], now)
    table["abs_delta"] = table["delta"].abs()
    return _valued(table, strategy)


def yearly_profit(contracts: pd.DataFrame, credit: pd.Series, tail_weight: float) -> pd.Series:
    """What sales are ranked by, decimal a year of collateral; `credit` is dollars a contract.

    (credit / collateral x (1 - prob_itm) + tail_weight x 5 % x cvar_95) x 365 / days

    Return alone always prefers the contract nearest the money. The first term pays only for premium
    that is likely to be kept. The second takes off what the worst 5 % of outcomes cost on average,
    as often as the sale could be repeated in a year: once at weight 1, more for a trader who fears
    them more. The predicted mean return is not used: near market odds it measures hardly more than
    how wide the quote is. Expected shortfall as the measure of the tail: Hull, Options, Futures, and
    Other Derivatives, chapter on value at risk and expected shortfall.
    """
    kept = credit / contracts["collateral"] * (1 - contracts["prob_itm"])
    tail = tail_weight * 0.05 * contracts["cvar_95"].clip(upper=0)
    return (kept + tail) * 365 / contracts["days"].clip(lower=1)


def _valued(table: pd.DataFrame, strategy: StrategySettings) -> pd.DataFrame:
    bid, ask = table["bid"], table["ask"]
    live = (bid > 0) & (ask >= bid) & table["quote_quality"].isin(TRADABLE)
    table["sale"] = np.where(live, sale_price(bid.to_numpy(), ask.to_numpy(), strategy.price), np.nan)
    table["spread"] = ((ask - bid) / ((ask + bid) / 2)).where(live)
    secured_by = table["strike"].where(table["option_type"] == "put", table["spot_price"])
    table["collateral"] = (secured_by * table["multiplier"]).where(secured_by > 0)
    table["credit"] = table["sale"] * table["multiplier"] - strategy.commission
    table["annualized_return"] = table["credit"] / table["collateral"] * 365 / table["days"].clip(lower=1)
    table["objective"] = yearly_profit(table, table["credit"], strategy.tail_weight)
    return table


def _unique(frame: pd.DataFrame) -> pd.DataFrame:
    """Indexed by option symbol, the last row where one comes twice."""
    return frame.drop_duplicates("option_symbol", keep="last").set_index("option_symbol")


def _floats(values: pd.Series) -> np.ndarray:
    numbers = values.astype("Float64").to_numpy(dtype="float64", na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _days(expirations: pd.Series, now: datetime) -> pd.Series:
    """`days_left` of each, computed once a date."""
    each = {when: days_left(when.date(), now) for when in expirations.dropna().unique()}
    return expirations.map(each).astype("float64")
