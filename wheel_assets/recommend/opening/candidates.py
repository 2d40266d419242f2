"""Candidates for an opening: the contracts table with the further numbers that the rules limit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from wheel_assets.recommend.account.basis import strike_floor
from wheel_assets.recommend.bounds import by_symbol
from wheel_assets.recommend.earnings import event_limits

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.market.arrays import Floats
    from wheel_assets.recommend.bounds import Bounds
    from wheel_assets.recommend.portfolio.room import Room
    from wheel_assets.recommend.situation import Situation


def put_candidates(situation: Situation, room: Room) -> pd.DataFrame:
    """All puts; dollars of `free_cash`, `run_room`, `symbol_room`, `group_room`, `kelly_room`, and the `quantity`."""
    puts = _facts(situation, "put")
    puts["free_cash"], puts["run_room"] = max(0.0, room.cash), room.run
    puts["symbol_room"] = by_symbol(puts, room.of_symbol)
    puts["group_room"] = by_symbol(puts, room.of_group)
    kelly = situation.bounds.column("kelly", puts["symbol"])
    puts["kelly_room"] = kelly * np.clip(kelly_share(puts), 0, None) * situation.account.portfolio_value
    puts["kelly_least"] = puts["collateral"].where(~np.isnan(kelly))
    rooms = puts[["free_cash", "run_room", "symbol_room", "group_room"]].min(axis=1)
    rooms = rooms.where(np.isnan(kelly), np.minimum(rooms, puts["kelly_room"]))
    return puts.assign(room=rooms, quantity=np.floor(rooms / puts["collateral"] + 1e-9))


def call_candidates(situation: Situation) -> pd.DataFrame:
    """All calls, with `free_shares`, the `strike_floor` and the `quantity` they are good for."""
    calls = _facts(situation, "call")
    calls["free_shares"] = by_symbol(calls, lambda symbol: shares_to_cover(situation, symbol))
    calls["strike_floor"] = by_symbol(calls, lambda symbol: strike_floor(situation, symbol))
    return calls.assign(quantity=calls["free_shares"] // calls["multiplier"])


def shares_to_cover(situation: Situation, symbol: str) -> float:
    """Free shares that calls may cover by the settings: coverage, shares to keep, excess only."""
    account, strategy = situation.account, situation.bounds.of(symbol)
    held, free = account.shares_of(symbol), account.free_shares(symbol)
    most = min(strategy.max_coverage * held, held - strategy.keep_shares)
    if strategy.excess_only:
        spot, weight = account.spots.get(symbol, math.nan), strategy.weight
        meant = math.inf if weight is None else weight * account.portfolio_value / spot
        most = min(most, held - meant) if meant == meant else 0.0
    return max(0.0, min(free, most - (held - free)))


def kelly_share(contracts: pd.DataFrame) -> Floats:
    """Kelly's share of the capital for a sale, shape (contracts,): mean profit / (gain x mean loss), of the collateral.

    The sale gains its credit with probability 1 - prob_itm and loses L on average otherwise, where L is what makes
    its mean the model's `expected_return`. Kelly, *A new interpretation of information rate*, Bell System Technical
    Journal 35, 1956.
    """
    gain = (contracts["credit"] / contracts["collateral"]).to_numpy()
    mean, lost = contracts["expected_return"].to_numpy(), contracts["prob_itm"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        loss = ((1 - lost) * gain - mean) / lost
        share = mean / (gain * loss)
    # Without a chance of loss nothing bounds the size.
    return np.where((mean > 0) & ((lost == 0) | (loss <= 0)), np.inf, share)


def _facts(situation: Situation, option_type: str) -> pd.DataFrame:
    """Columns common to puts and calls."""
    bounds, outlook = situation.bounds, situation.outlook
    own = situation.contracts[situation.contracts["option_type"] == option_type].copy()
    symbols = own["symbol"]
    own["premium"] = own["sale"]
    own["tradable"] = bounds.column("trade", symbols)
    own["max_delta"] = bounds.column(f"max_{option_type}_delta", symbols)
    own["iv_rank"] = symbols.map(outlook.iv_ranks).astype("float64")
    own["iv_percentile"] = symbols.map(outlook.iv_percentiles).astype("float64")
    own["target_distance"] = (own["days"] - bounds.column("target_days", symbols)).abs()
    _moves(own, situation, option_type)
    event_limits(own, situation)
    expected = by_symbol(own, lambda symbol: float(bounds.of(symbol).negative_expectation == "refuse")) == 1
    own["least_expected"] = np.where(expected, 0.0, np.nan)
    return own


def _moves(own: pd.DataFrame, situation: Situation, option_type: str) -> None:
    """Add `move` (a fall for puts, a rise for calls) and its least value by the settings; NaN where none is set."""
    bounds, outlook, symbols = situation.bounds, situation.outlook, own["symbol"]
    spots = situation.account.spots
    signed = by_symbol(own, lambda symbol: outlook.move(symbol, spots.get(symbol, math.nan)))
    side = -1 if option_type == "put" else 1
    sided = by_symbol(own, lambda symbol: float(_is_sided(bounds, symbol, option_type))) == 1
    own["move"] = (side * signed).where(sided, signed.abs())
    sigma = symbols.map(outlook.sigmas).astype("float64")
    # Where the setting is in standard deviations and these are unknown, no move is enough.
    sigmas = bounds.column("min_move_sigmas", symbols)
    by_sigma = np.where(sigmas > 0, np.nan_to_num(sigmas * sigma, nan=np.inf), 0.0)
    least = np.maximum(bounds.column("min_move", symbols), by_sigma)
    own["least_move"] = np.where(least > 0, least, np.where(sided, 1e-6, np.nan))


def _is_sided(bounds: Bounds, symbol: str, option_type: str) -> bool:
    strategy = bounds.of(symbol)
    return (strategy.put_days if option_type == "put" else strategy.call_days) != "any"
