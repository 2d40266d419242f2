"""Reasons to buy a sold option back: not covered, loss stop, profit target, hardly anything left."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from wheel_assets.recommend.suggestion import Urgency
from wheel_assets.recommend.wording import percent, price

if TYPE_CHECKING:
    from collections.abc import Callable

    from wheel_assets.recommend.managing.short_option import ShortOption


class Close(NamedTuple):
    """Number of contracts to buy back, and the reason."""

    quantity: int
    urgency: Urgency
    why: str
    on_any_quote: bool = False  # whether it must not wait for a quote that can be trusted


def reason_to_close(sold: ShortOption) -> Close | None:
    """The first reason that applies, in the order of `_REASONS`; None without any.

    Where it is about some of the contracts and another about all, they are one order.
    """
    found = [close for reason in _REASONS if (close := reason(sold))]
    if len(found) < 2 or found[0].quantity == found[1].quantity or not sold.is_worth_crossing:
        return found[0] if found else None
    some, every = found[:2]
    return every._replace(urgency=some.urgency, why=f"{some.why}; of the others {every.why}")


def _not_covered(sold: ShortOption) -> Close | None:
    bare = 0 if sold.is_put else sold.account.uncovered(sold.held)
    why = f"{bare} of {sold.held.contracts} NOT COVERED, the loss has no limit"
    return Close(bare, Urgency.UNCOVERED, why, on_any_quote=True) if bare else None


def _loss_stop(sold: ShortOption) -> Close | None:
    stop = sold.strategy.loss_stop
    if stop is None or not sold.quoted.ask >= stop * sold.received:
        return None
    why = f"it costs {sold.quoted.ask / sold.received:.1f} times the premium, the loss stop is {stop:.1f}"
    return Close(sold.held.contracts, Urgency.IN_THE_MONEY, why)


def _profit(sold: ShortOption) -> Close | None:
    needed = sold.strategy.profit_needed(sold.quoted.days)
    if not sold.captured >= needed - 1e-9:
        return None
    why = f"at least {percent(needed)} of the premium is earned"
    return Close(sold.held.contracts, Urgency.TAKE_PROFIT, why)


def _hardly_anything_left(sold: ShortOption) -> Close | None:
    ask, days = sold.quoted.ask, sold.quoted.days
    if days <= 0:
        return None
    if ask <= sold.strategy.close_price + 1e-9:
        why = f"no more than {price(ask)} a share is left to earn"
    elif sold.captured > 0 and math.isfinite(sold.remaining_return) and _earns_too_little(sold):
        why = f"only {percent(sold.remaining_return)} a year is left to earn"
    else:
        return None
    return Close(sold.held.contracts, Urgency.TAKE_PROFIT, why)


def _earns_too_little(sold: ShortOption) -> bool:
    return sold.remaining_return < sold.strategy.min_remaining_return


_REASONS: tuple[Callable[[ShortOption], Close | None], ...] = (
    _not_covered,
    _loss_stop,
    _profit,
    _hardly_anything_left,
)
