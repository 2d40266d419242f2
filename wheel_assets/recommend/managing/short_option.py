"""A sold option and its quote: the numbers that decide whether to close, roll or hold it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from wheel_assets.recommend.account.basis import basis_of
from wheel_assets.recommend.earnings import EarningsDate, next_event
from wheel_assets.recommend.wording import day, percent, price, ratio

if TYPE_CHECKING:
    from wheel_assets.recommend.account.holdings import OpenOption
    from wheel_assets.recommend.account.state import Account
    from wheel_assets.recommend.outlook import Dividend
    from wheel_assets.recommend.situation import Situation
    from wheel_assets.strategy import StrategySettings

FINE_QUOTE = 0.05  # dollars a share: a quote so narrow is trusted whatever its spread in percent
FINE_SHARE = 0.10  # of the premium received: likewise when buying back, since crossing it costs little
NEAR = timedelta(days=7)  # how long before an ex-date early assignment is dealt with, and earnings are warned of


@dataclass(frozen=True)
class ShortOption:
    """A sold option (`held`), its row of the contracts table (`quoted`), and the situation."""

    held: OpenOption
    quoted: Any
    situation: Situation

    @property
    def account(self) -> Account:
        """The account that holds it."""
        return self.situation.account

    @property
    def strategy(self) -> StrategySettings:
        """The settings of its symbol."""
        return self.situation.bounds.of(self.held.underlying)

    @property
    def is_put(self) -> bool:
        """Whether it is a put."""
        return self.held.option_type == "put"

    @property
    def received(self) -> float:
        """Premium received, dollars a share, after fees; NaN where unknown."""
        return self.held.average_price if self.held.average_price > 0 else math.nan

    @property
    def captured(self) -> float:
        """Share of the premium earned if bought back at the ask now, after commission; NaN where unknown."""
        cost: float = self.quoted.ask + self.strategy.commission / self.held.multiplier
        return 1 - cost / self.received

    @property
    def depth(self) -> float:
        """Depth in the money, dollars a share; 0 or less out of the money."""
        distance: float = self.quoted.spot_price - self.held.strike
        return -distance if self.is_put else distance

    @property
    def time_value(self) -> float:
        """Time value at the mid, dollars a share: what an exercise gives up."""
        mid: float = (max(self.quoted.bid, 0.0) + self.quoted.ask) / 2
        return mid - max(self.depth, 0.0)

    @property
    def is_trusted(self) -> bool:
        """Whether the quote is narrow enough to act on."""
        bid, ask = max(self.quoted.bid, 0.0), self.quoted.ask
        return bool(ask - bid <= max(FINE_QUOTE, self.strategy.max_spread * (bid + ask) / 2) + 1e-9)

    @property
    def is_cheap_to_cross(self) -> bool:
        """Whether crossing the spread costs little of the premium, however wide the quote."""
        return bool(self.quoted.ask - max(self.quoted.bid, 0.0) <= FINE_SHARE * self.received + 1e-9)

    @property
    def is_worth_crossing(self) -> bool:
        """Whether to buy back at the ask now: the quote is narrow, or what it costs is little."""
        return self.is_trusted or self.is_cheap_to_cross

    @property
    def remaining_return(self) -> float:
        """Return still to earn, decimal a year on its collateral."""
        left = self.quoted.ask * self.held.multiplier / self.quoted.collateral
        yearly: float = left * 365 / max(self.quoted.days, 1)
        return yearly

    @property
    def usual_delta(self) -> float:
        """Greatest |delta| of a new sale."""
        return self.strategy.max_put_delta if self.is_put else self.strategy.max_call_delta

    @property
    def dividend(self) -> Dividend | None:
        """The dividend before expiration that makes early exercise of this call worth more than waiting."""
        coming = self.situation.outlook.dividends.get(self.held.underlying)
        if self.is_put or coming is None or self.held.expiration is None or self.depth <= 0:
            return None
        worth = self.quoted.early_exercise == "dividend" or coming.amount > self.time_value
        return coming if coming.ex_date <= self.held.expiration and worth else None

    @property
    def event(self) -> EarningsDate | None:
        """The next earnings before it ends, where the settings do not ignore them."""
        coming, end = next_event(self.situation, self.held.underlying), self.held.expiration
        if coming is None or end is None or coming.date > end or self.strategy.events == "ignore":
            return None
        return coming

    @property
    def triggers(self) -> list[str]:
        """Reasons why it must be managed now; empty if it need not be."""
        strategy, days, delta, chance = self.strategy, self.quoted.days, self.quoted.abs_delta, self.quoted.prob_itm
        said = []
        if days <= strategy.roll_days:
            said.append(f"{days:.0f} of {strategy.roll_days} days are left")
        if delta >= strategy.roll_delta:
            said.append(f"delta {ratio(delta)} has reached {ratio(strategy.roll_delta)}")
        elif math.isnan(delta) and chance >= strategy.roll_delta:  # deep in the money quotes often give no delta
            said.append(f"delta is unknown, but it is assigned with {percent(chance)}")
        if self.depth > 0 and self.time_value <= strategy.roll_time_value and self.is_trusted:
            said.append(f"its time value of {price(max(self.time_value, 0.0))} has vanished, so it may be exercised")
        dividend = self.dividend
        if dividend and strategy.early_assignment == "manage" and self._is_near(dividend):
            said.append(self.assignment_before(dividend))
        return said

    @property
    def warnings(self) -> list[str]:
        """Warnings whatever the advice: earnings soon, pin risk, early assignment."""
        said = []
        spot, strike, event = self.quoted.spot_price, self.held.strike, self.event
        if event and event.date - self.situation.today <= NEAR:
            said.append(f"{self.held.name}: {event.before_the_end}")
        if self.quoted.days == 0 and abs(spot / strike - 1) <= self.strategy.pin_distance:
            said.append(
                f"{self.held.name}: PIN RISK, it ends today with the shares at {price(spot)}; close it to be sure"
            )
        dividend = self.dividend
        if dividend:
            said.append(f"{self.held.name}: {self.assignment_before(dividend)}")
        elif self.quoted.early_exercise == "interest" and self.depth > 0:
            said.append(
                f"{self.held.name}: exercise before the end is worth more than its time value; expect the shares"
            )
        return said

    def assignment_before(self, dividend: Dividend) -> str:
        """Phrase: early assignment is likely because of the dividend."""
        worth = "" if math.isnan(dividend.amount) else f" of {price(dividend.amount)}"
        return (
            f"assignment is likely before the ex-dividend date {day(dividend.ex_date)}: the dividend{worth} is worth "
            f"more than its time value of {price(max(self.time_value, 0.0))}"
        )

    def _is_near(self, dividend: Dividend) -> bool:
        return dividend.ex_date - self.situation.today <= NEAR

    @property
    def strike_floor(self) -> float:
        """Least strike a call may be rolled to.

        The basis, or where unknown its own strike and the share price; its own strike where a high-water mark is kept.
        """
        basis = basis_of(self.situation, self.held.underlying)
        floor = basis if basis > 0 else max(self.held.strike, self.quoted.spot_price)
        if self.strategy.call_basis == "none":
            floor = 0.0
        return max(floor, self.held.strike) if self.strategy.high_water_mark else floor

    @property
    def facts(self) -> str:
        """Phrase with the numbers that a trader checks."""
        side = "in" if self.depth > 0 else "out of"
        return (
            f"{self.quoted.days:.0f} days left, shares at {price(self.quoted.spot_price)}, "
            f"{price(abs(self.depth))} {side} the money, ask {price(self.quoted.ask)}, {self._earned}"
        )

    @property
    def _earned(self) -> str:
        if not self.received > 0:
            return "premium received unknown, so its profit is not known"
        if round(self.quoted.ask - self.received, 2) > 0:
            return f"{price(self.quoted.ask - self.received)} above the {price(self.received)} premium received"
        earned = percent(self.captured) if self.captured > 0 else "none"
        return f"{earned} of the {price(self.received)} premium earned"

    @property
    def at_expiration(self) -> str:
        """Phrase: the outcome if it is held to expiration at the share price now."""
        trade = f"{self.held.shares} shares at {price(self.held.strike)}"
        if self.depth <= 0:
            return "out of the money, it may expire worthless"
        if self.is_put:
            return f"being assigned is part of the wheel, {trade}"
        basis = self.account.cost_basis(self.held.underlying)
        return f"being called away is part of the wheel, {trade}, cost basis {price(basis)}"

    def risk(self, strike: float, more_premium: float = 0.0) -> dict[str, float]:
        """Columns breakeven, dollars a share, and max_loss, dollars; `more_premium` a share on top of the received."""
        kept = more_premium + (self.received if self.received > 0 else 0.0)
        breakeven = (strike if self.is_put else self.account.paid(self.held.underlying)) - kept
        return {"breakeven": breakeven, "max_loss": max(0.0, breakeven * self.held.shares)}
