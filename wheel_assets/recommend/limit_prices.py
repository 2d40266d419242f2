"""Limit prices of orders, and the requirement of a short put."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from wheel_assets.market.ticks import floor_to_tick, tick_size

if TYPE_CHECKING:
    import pandas as pd


class OrderLimits(NamedTuple):
    """Limit prices of an order, dollars a share: the first limit, and the last one to accept (`floor`).

    For a sale, or the net credit of a roll, the floor is the least to accept; for a purchase the most to pay.
    """

    start: float
    floor: float


def sale_price(bid: np.ndarray, ask: np.ndarray, price: Literal["bid", "mid"]) -> np.ndarray:
    """Limit price of a sale, dollars a share: the bid, or the mid rounded down to a tick but never below the bid.

    >>> sale_price(np.array([0.55, 3.10]), np.array([0.60, 3.25]), "mid")
    array([0.57, 3.15])
    """
    if price == "bid":
        return np.asarray(bid, dtype=float)
    return np.asarray(np.maximum(floor_to_tick((bid + ask) / 2, tick_size(bid, ask)), bid))


def limits_of_sale(bid: float, ask: float) -> OrderLimits:
    """Limits of a sale: from the mid down to the bid.

    >>> limits_of_sale(1.55, 1.75)
    OrderLimits(start=1.65, floor=1.55)
    """
    return OrderLimits(float(sale_price(np.array([bid]), np.array([ask]), "mid")[0]), bid)


def limits_of_purchase(bid: float, ask: float) -> OrderLimits:
    """Limits of a purchase: from the mid, rounded up to a tick, up to the ask; without a bid from half the ask.

    >>> limits_of_purchase(0.30, 0.39)
    OrderLimits(start=0.35, floor=0.39)
    """
    low = np.array([bid if bid > 0 else 0.0])
    tick = float(tick_size(low, np.array([ask]))[0])
    start = round(float(np.ceil((low[0] + ask) / 2 / tick - 1e-6)) * tick, 2)
    return OrderLimits(min(start, ask), ask)


def limits_of_roll(purchase: OrderLimits, sale: OrderLimits, least: float) -> OrderLimits:
    """Limits of a roll's net credit: from mid against mid down to bid against ask, never below `least`."""
    floor = max(round(sale.floor - purchase.floor, 4), least)
    return OrderLimits(max(round(sale.start - purchase.start, 4), floor), floor)


def requirement(
    strike: pd.Series, spot: pd.Series, premium: pd.Series, secured_by: Literal["cash", "margin"]
) -> pd.Series:
    """Collateral of a short put, dollars a share: its strike in cash, or the margin of an equity option.

    Margin: 20 % of the share price less the distance out of the money, at least 10 % of the strike, plus the
    premium (Cboe Margin Manual, short put on equities).
    """
    if secured_by == "cash":
        return strike
    return (0.2 * spot - (spot - strike).clip(lower=0)).clip(lower=0.1 * strike) + premium
