"""Where a sold option may be rolled to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wheel_assets.recommend.contracts import yearly_profit
from wheel_assets.recommend.wording import contract_name

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.recommend.short_option import ShortOption


@dataclass(frozen=True)
class Roll:
    """The contract to roll into.

    `target` is its row of the contracts table; `net` is dollars a share received for both legs,
    `credit` dollars for all contracts after the commissions of both.
    """

    option_symbol: str
    target: Any
    net: float
    credit: float

    @property
    def name(self) -> str:
        """The target as brokers print it."""
        return contract_name(self.target.symbol, self.target.expiration, self.target.strike, self.target.option_type)


def best_roll(sold: ShortOption, contracts: pd.DataFrame) -> Roll | None:
    """The best later contract that pays more at its bid than buying back costs at the ask, both commissions counted.

    A put's strike never rises, so a roll never needs more cash; a call's strike never falls below
    what the shares cost (`ShortOption.strike_floor`). The target has a delta that a new sale might
    have, best yearly profit first. Failing that, an option in the money may roll to a target that
    is less likely to be assigned than it is now, the least likely first.
    """
    targets = _later(sold, contracts)
    strikes = targets["strike"]
    targets = targets[strikes <= sold.held.strike if sold.is_put else strikes >= sold.strike_floor]
    net = (targets["bid"] - sold.quoted.ask).round(4)
    targets = targets.assign(net=net, pays=net * sold.held.multiplier - 2 * sold.strategy.commission)
    ordered = _preferred(targets[targets["pays"] > 0].sort_index(), sold)
    if ordered.empty:
        return None
    best = ordered.iloc[0]
    return Roll(str(ordered.index[0]), best, float(best["net"]), float(best["pays"]) * sold.held.contracts)


def _later(sold: ShortOption, contracts: pd.DataFrame) -> pd.DataFrame:
    """Later contracts on the same shares that can be sold."""
    held, strategy = sold.held, sold.strategy
    same = (contracts["symbol"] == held.underlying) & (contracts["option_type"] == held.option_type)
    same &= contracts["standard"] & (contracts["multiplier"] == held.multiplier)
    later = (contracts["days"] > sold.quoted.days) & (contracts["days"] <= strategy.max_roll_days)
    traded = contracts["open_interest"].ge(strategy.min_open_interest) | (strategy.min_open_interest == 0)
    return contracts[same & later & traded & (contracts["spread"] <= strategy.max_spread)]


def _preferred(targets: pd.DataFrame, sold: ShortOption) -> pd.DataFrame:
    """The targets that may be chosen, best first."""
    strategy, delta = sold.strategy, targets["abs_delta"]
    usual = targets[
        delta.between(strategy.min_delta, strategy.max_put_delta if sold.is_put else strategy.max_call_delta)
    ]
    usual = usual.assign(profit=yearly_profit(usual, usual["pays"], strategy.tail_weight)).dropna(subset="profit")
    if len(usual) or sold.depth <= 0:
        return usual.sort_values(["profit", "net"], ascending=False, kind="stable")
    # Deep in the money the old delta may be unknown; it is then as good as 1.
    now = sold.quoted.abs_delta if math.isfinite(sold.quoted.abs_delta) else 1.0
    return targets[delta < now].sort_values(["abs_delta", "net"], ascending=[True, False], kind="stable")
