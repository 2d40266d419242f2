"""The constant risk-free rate of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from wheel_assets.fetch.source import THREE_MONTHS, Access, Rate, RateSource
from wheel_assets.market.calendar import NEW_YORK


@dataclass(frozen=True)
class ConstantRate(RateSource):
    """The constant, decimal a year, continuously compounded."""

    value: float
    name: ClassVar[str] = "the constant"

    def risk_free_rate(self, now: datetime) -> Rate:
        """The constant for every tenor, as of today in New York."""
        return Rate({THREE_MONTHS: self.value}, now.astimezone(NEW_YORK).date(), "constant")


def open_rate(access: Access) -> ConstantRate:
    """Factory named in the registry entry."""
    return ConstantRate(access.settings.rate.value)
