"""The objective that ranks sales: the expected premium kept, a year, over the days that the rules really hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from wheel_assets.market.calendar import DAYS_PER_YEAR

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.market.arrays import Floats
    from wheel_assets.recommend.bounds import Bounds


def yearly_profit(contracts: pd.DataFrame, premium: pd.Series, commission: float, bounds: Bounds) -> pd.Series:
    """Objective of each contract, decimal a year of collateral; `premium` in dollars a share, `commission` a contract.

    ((e x premium - exit - commission) / collateral x (1 - prob_itm) + tail_weight x 5 % x cvar_95 x sqrt(H / D))
    x 365 / T, where

    * D is days to expiration, H the days to the managing day (`roll_days`), or to the day on which the passing of
      time alone has earned `take_profit` (g), D x (1 - (1 - g)^2) / (1 - f), where that is sooner
    * f is the share of the variance to expiration that an event after the managing day is priced with, from the
      chain: event_move^2 / (iv^2 x D / 365), else 0. Waiting until then does not earn it
    * s = 1 - sqrt(1 - (1 - f) x H / D) is the share of the premium that time earns until then: the value of an
      option falls with the square root of the variance left (Natenberg, Option Volatility and Pricing, on theta)
    * q is the chance that a favourable move earns the rest of g by then, 1 - N(x) with
      x = (g - s) x premium / (|delta| x spot x iv x sqrt((1 - f) x H / 365)); 0 where iv is unknown
    * e = q x g + (1 - q) x s is the share earned, T = H x (1 - q / 2) the days it takes
    * exit is what buying back costs: ask less bid, and a commission; only the chance q of it where it is held to the
      end (`roll_days` 0)

    Return to expiration alone prefers the nearest and most eventful week, which the rules never hold. The first term
    pays only for premium that is likely to be kept, the second takes off what the worst 5 % of outcomes cost on
    average. The predicted mean is not used: near market odds it measures hardly more than the width of the quote.
    """
    days, goal = np.maximum(_of(contracts, "days"), 1), bounds.column("take_profit", contracts["symbol"])
    managed = bounds.column("roll_days", contracts["symbol"])
    held = np.where(days > managed, days - managed, days)
    usual = 1 - _share_of_later_event(contracts, days, held)
    with np.errstate(divide="ignore"):
        held = np.clip(np.minimum(held, days * (1 - (1 - goal) ** 2) / usual), 1, days)
    by_time = 1 - np.sqrt(1 - usual * held / days)
    early = _early(contracts, premium.to_numpy(), (goal - by_time).clip(min=0), usual * held)
    earned = early * goal + (1 - early) * by_time
    closing = (_of(contracts, "ask") - _of(contracts, "bid")) * _of(contracts, "multiplier") + commission
    exit_cost = np.where(held < days, 1.0, early) * closing
    kept = earned * premium.to_numpy() * _of(contracts, "multiplier") - exit_cost - commission
    likely = kept / _of(contracts, "collateral") * (1 - _of(contracts, "prob_itm"))
    weight = bounds.strategy.tail_weight * 0.05 * np.sqrt(held / days)
    tail = weight * np.minimum(_of(contracts, "cvar_95"), 0)
    objective = (likely + tail) * DAYS_PER_YEAR / (held * (1 - early / 2))
    by_row: pd.Series = premium * 0 + objective
    return by_row


def _of(contracts: pd.DataFrame, name: str) -> Floats:
    return contracts[name].to_numpy(dtype="float64")


def _share_of_later_event(contracts: pd.DataFrame, days: Floats, held: Floats) -> Floats:
    """f: share of the variance to expiration that comes from an event later than `held` days."""
    import pandas as pd

    expiration, begins = pd.to_datetime(contracts["expiration"]), pd.to_datetime(contracts["event_from"])
    until = days - (expiration - begins).dt.days.to_numpy(dtype="float64")
    with np.errstate(divide="ignore", invalid="ignore"):
        share = _of(contracts, "event_move") ** 2 / (_of(contracts, "iv") ** 2 * days / DAYS_PER_YEAR)
    return np.clip(np.where((until > held) & np.isfinite(share), share, 0.0), 0, 1)


def _early(contracts: pd.DataFrame, premium: Floats, missing: Floats, usual_days: Floats) -> Floats:
    """q: probability of a favourable move that earns the `missing` share of the premium within `usual_days`."""
    from wheel_assets.greeks.normal import cumulative_normal

    deviation = _of(contracts, "spot_price") * _of(contracts, "iv") * np.sqrt(usual_days / DAYS_PER_YEAR)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        moves = missing * premium / (_of(contracts, "abs_delta") * deviation)
    return np.where(np.isfinite(moves), cumulative_normal(-np.nan_to_num(moves), few=200_000), 0.0)
