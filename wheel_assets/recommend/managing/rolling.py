"""Roll targets of a sold option: the rules of a sale, applied to every later contract."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wheel_assets.recommend.earnings import event_limits
from wheel_assets.recommend.limit_prices import OrderLimits, limits_of_purchase, limits_of_roll, limits_of_sale
from wheel_assets.recommend.rules.rule import Use
from wheel_assets.recommend.rules.verdicts import Verdicts, judged
from wheel_assets.recommend.wording import contract_name

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.recommend.managing.short_option import ShortOption


@dataclass(frozen=True)
class Roll:
    """The contract to roll into.

    `target` is its row of the candidates; `net` is dollars a share received for both legs, `credit` dollars for all
    contracts after the commissions of both.
    """

    option_symbol: str
    target: Any
    net: float
    credit: float
    limits: OrderLimits

    @property
    def name(self) -> str:
        """The target as brokers print it."""
        return contract_name(self.target.symbol, self.target.expiration, self.target.strike, self.target.option_type)


def best_roll(sold: ShortOption) -> tuple[Roll | None, Verdicts]:
    """The best later contract to roll into (None without any), and the verdicts on all of them.

    The net credit of both legs (the new one at its bid, the old one at its ask, after both commissions) has to reach
    the least credit and the least return of any sale. A put's strike never rises, so a roll never needs more cash; a
    call's never falls below `ShortOption.strike_floor`. The target has a delta allowed for a new sale, best objective
    first. Failing that, an option in the money may roll to a target likelier to be assigned than a new sale, but
    clearly less than the option itself: the least likely first.
    """
    verdicts = judged(roll_candidates(sold), Use.ROLL, sold.held.option_type, sold.situation.bounds)
    passed = verdicts.passed.sort_index()
    usual = passed[passed["abs_delta"] <= sold.usual_delta + 1e-9]
    ordered = (
        usual.sort_values(["objective", "premium"], ascending=False, kind="stable")
        if len(usual)
        else passed.sort_values(["abs_delta", "premium"], ascending=[True, False], kind="stable")
    )
    if ordered.empty:
        return None, verdicts
    best = ordered.iloc[0]
    purchase = limits_of_purchase(sold.quoted.bid, sold.quoted.ask)
    limits = limits_of_roll(purchase, limits_of_sale(best["bid"], best["ask"]), sold.strategy.min_credit)
    credit = float(best["credit"]) * sold.held.contracts
    return Roll(str(ordered.index[0]), best, float(best["premium"]), credit, limits), verdicts


def roll_candidates(sold: ShortOption) -> pd.DataFrame:
    """The other contracts on the same shares and right, with the numbers that the rules limit.

    `premium` is the net credit, dollars a share, `credit` dollars a contract after both commissions.
    """
    held, strategy, contracts = sold.held, sold.strategy, sold.situation.contracts
    same = (contracts["symbol"] == held.underlying) & (contracts["option_type"] == held.option_type)
    own = contracts[same & (contracts["multiplier"] == held.multiplier) & (contracts.index != held.symbol)].copy()
    own["premium"] = (own["bid"] - sold.quoted.ask).round(4).where(own["sale"].notna())
    own["credit"] = own["premium"] * held.multiplier - 2 * strategy.commission
    own["annualized_return"] = own["credit"] / own["collateral"] * 365 / own["days"].clip(lower=1)
    own["days_after"] = sold.quoted.days + 1
    own["strike_cap"], own["strike_floor"] = held.strike, sold.strike_floor
    own["max_delta"] = _most_delta(sold)
    event_limits(own, sold.situation)
    return own


def _most_delta(sold: ShortOption) -> float:
    """Greatest |delta| of a target: that of a new sale, or in the money half-way from it to `roll_delta`.

    Always below the delta of the option that is rolled, which counts as 1 where unknown (deep in the money).
    """
    if sold.depth <= 0:
        return sold.usual_delta
    now = sold.quoted.abs_delta if math.isfinite(sold.quoted.abs_delta) else 1.0
    half_way = (sold.usual_delta + sold.strategy.roll_delta) / 2
    return float(np.clip(np.nextafter(now, 0), sold.usual_delta, half_way))
