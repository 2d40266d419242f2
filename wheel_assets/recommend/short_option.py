"""An option that was sold, and its quote: the numbers that decide what becomes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wheel_assets.recommend.wording import percent, price

if TYPE_CHECKING:
    from wheel_assets.recommend.account import Account
    from wheel_assets.recommend.holdings import OpenOption
    from wheel_assets.settings import StrategySettings


@dataclass(frozen=True)
class ShortOption:
    """A sold option (`held`), its row of the contracts table (`quoted`), and what it stands in."""

    held: OpenOption
    quoted: Any
    account: Account
    strategy: StrategySettings

    @property
    def is_put(self) -> bool:
        """Whether it obliges to buy, not to sell."""
        return self.held.option_type == "put"

    @property
    def received(self) -> float:
        """Premium a share, fees in; NaN where unknown."""
        return self.held.average_price if self.held.average_price > 0 else math.nan

    @property
    def captured(self) -> float:
        """Share of the premium earned if it is bought back at the ask now, commission paid; NaN where unknown."""
        return 1 - (self.quoted.ask + self.strategy.commission / self.held.multiplier) / self.received

    @property
    def depth(self) -> float:
        """Dollars a share in the money; 0 or less out of it."""
        distance = self.quoted.spot_price - self.held.strike
        return -distance if self.is_put else distance

    @property
    def needs_rolling(self) -> bool:
        """In the money, or close to expiration."""
        return self.depth > 0 or self.quoted.days <= self.strategy.roll_days

    @property
    def strike_floor(self) -> float:
        """Least strike a call may be rolled to: the cost basis, or where unknown its own strike and the share price."""
        basis = self.account.cost_basis(self.held.underlying)
        return basis if basis > 0 else max(self.held.strike, self.quoted.spot_price)

    @property
    def facts(self) -> str:
        """The numbers a trader checks, in one phrase."""
        side = "in" if self.depth > 0 else "out of"
        return (
            f"{self.quoted.days:.0f} days left, shares at {price(self.quoted.spot_price)}, "
            f"{price(abs(self.depth))} {side} the money, ask {price(self.quoted.ask)}, {self._earned}"
        )

    @property
    def _earned(self) -> str:
        if not self.received > 0:
            return "premium received unknown, so its profit cannot be told"
        if self.captured < 0:
            return f"{price(self.quoted.ask - self.received)} above the {price(self.received)} premium received"
        return f"{percent(self.captured)} of the {price(self.received)} premium earned"

    @property
    def at_expiration(self) -> str:
        """What happens if it is left alone."""
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
