"""The choices for a sold option side by side, each with its numbers."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from wheel_assets.recommend.account.basis import basis_of

if TYPE_CHECKING:
    from wheel_assets.recommend.managing.rolling import Roll
    from wheel_assets.recommend.managing.short_option import ShortOption


def choices(sold: ShortOption, roll: Roll | None, no_roll: str) -> str:
    """A JSON list of objects, each with `choice` (roll, hold, assignment, close) and its numbers; null where unknown.

    Money is dollars for all contracts. roll: into, net (a share), credit, annualized_return, days, delta, prob_itm,
    or `why` there is none. hold: left_to_earn, annualized_return of that, days, delta, prob_itm. assignment: shares,
    price, effective_price (premium counted), result (against the share price for a put, against the cost of the
    shares for a call). close: cost, result.
    """
    return json.dumps([_plain(entry) for entry in (_roll(roll, no_roll), _hold(sold), _assignment(sold), _close(sold))])


def _roll(roll: Roll | None, no_roll: str) -> dict[str, Any]:
    if roll is None:
        return {"choice": "roll", "into": None, "why": no_roll}
    target = roll.target
    return {
        "choice": "roll",
        "into": roll.name,
        "net": roll.net,
        "credit": round(roll.credit, 2),
        "annualized_return": target["annualized_return"],
        "days": int(target["days"]),
        "delta": target["delta"],
        "prob_itm": target["prob_itm"],
    }


def _hold(sold: ShortOption) -> dict[str, Any]:
    return {
        "choice": "hold",
        "left_to_earn": round(sold.quoted.ask * sold.held.shares, 2),
        "annualized_return": sold.remaining_return,
        "days": int(sold.quoted.days),
        "delta": sold.quoted.delta,
        "prob_itm": sold.quoted.prob_itm,
    }


def _assignment(sold: ShortOption) -> dict[str, Any]:
    strike, received = sold.held.strike, sold.received
    effective = strike - received if sold.is_put else strike + received
    measure = sold.quoted.spot_price if sold.is_put else basis_of(sold.situation, sold.held.underlying)
    gain = measure - effective if sold.is_put else effective - measure
    return {
        "choice": "assignment",
        "shares": sold.held.shares if sold.is_put else -sold.held.shares,
        "price": strike,
        "effective_price": round(effective, 4),
        "result": round(gain * sold.held.shares, 2),
        "prob_itm": sold.quoted.prob_itm,
    }


def _close(sold: ShortOption) -> dict[str, Any]:
    cost = sold.held.contracts * (sold.quoted.ask * sold.held.multiplier + sold.strategy.commission)
    return {"choice": "close", "cost": round(cost, 2), "result": round(sold.received * sold.held.shares - cost, 2)}


def _plain(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with numbers that JSON can hold, rounded for display."""
    return {name: _number(value) for name, value in entry.items()}


def _number(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
