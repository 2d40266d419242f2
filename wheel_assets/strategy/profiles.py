"""Sets of defaults for the wheel's rules, and defaults that follow what is set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What a profile sets; all else is the same in all three. `balanced` is the defaults themselves.
PROFILES: dict[str, dict[str, Any]] = {
    "conservative": {
        "max_put_delta": 0.20,
        "max_call_delta": 0.20,
        "max_spread": 0.15,
        "min_open_interest": 100,
        "max_symbol_share": 0.15,
        "cash_reserve": 0.25,
        "max_new_collateral": 0.15,
        "max_new_collateral_day": 0.15,
        "max_group_share": 0.30,
        "negative_expectation": "refuse",
        "close_if_no_roll": True,
    },
    "balanced": {},
    "aggressive": {
        "max_put_delta": 0.40,
        "max_call_delta": 0.40,
        "max_symbol_share": 0.40,
        "cash_reserve": 0.02,
        "max_new_collateral": 0.60,
        "max_new_collateral_day": 0.60,
        "max_group_share": 0.80,
        "take_profit": 0.65,
        "events": "warn",
        "negative_expectation": "ignore",
    },
}


def followers(given: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults that follow from given settings: selling at 7 days excludes managing at 21."""

    def number(name: str, default: float) -> float:
        """The given value of a setting as a number, else its default."""
        try:
            return float(given.get(name, default))
        except (TypeError, ValueError):  # it is refused under its own name
            return default

    nearest, delta = number("min_days", 30), max(number("max_put_delta", 0.3), number("max_call_delta", 0.3))
    return {
        "roll_days": 21 if nearest > 21 else int(nearest / 2),
        "max_roll_days": max(60, int(number("max_days", 45))),
        "roll_delta": max(0.70, (1 + delta) / 2),
        "close_price": min(0.05, number("min_credit", 0.10) / 2),
        "min_remaining_return": min(0.02, number("min_annualized_return", 0.08) / 4),
        "max_new_collateral_day": max(0.25, number("max_new_collateral", 0.25)),
    }
