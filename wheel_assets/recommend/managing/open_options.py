"""Judgement of the open options: close, roll, hold, or the reason why one cannot be judged."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from wheel_assets.recommend.contracts_table import BUYABLE
from wheel_assets.recommend.limit_prices import limits_of_purchase
from wheel_assets.recommend.managing.choices import choices
from wheel_assets.recommend.managing.closing import Close, reason_to_close
from wheel_assets.recommend.managing.rolling import Roll, best_roll
from wheel_assets.recommend.managing.short_option import ShortOption
from wheel_assets.recommend.rules.verdicts import summaries
from wheel_assets.recommend.suggestion import Suggestion, Urgency
from wheel_assets.recommend.wording import dollars, percent, price

if TYPE_CHECKING:
    from wheel_assets.recommend.account.holdings import OpenOption
    from wheel_assets.recommend.situation import Situation


@dataclass(frozen=True)
class Judgement:
    """The row of an open option, and its warnings."""

    suggestion: Suggestion
    warnings: tuple[str, ...] = ()


def judgements(held: OpenOption, situation: Situation) -> list[Judgement]:
    """The rows of an option position: one, or two where some of its contracts are closed and the others are not."""
    first = judge(held, situation)
    left = held.contracts - (first.suggestion.quantity or 0) if first.suggestion.action == "close" else 0
    return [first, judge(replace(held, quantity=-float(left)), situation)] if left else [first]


def judge(held: OpenOption, situation: Situation) -> Judgement:
    """The row of an option position, or of a part of it.

    In this order: an option that cannot be judged is `none` with the reason, never `hold`; one with a reason to close
    is closed; one that must be managed now is rolled. Where the rules allow no roll it is held, or closed if so set:
    assignment is part of the wheel.
    """
    obstacle = _obstacle(held, situation)
    if obstacle:
        warned = held.is_short and held.is_readable
        warnings = (f"NOT JUDGED: {held.name}: {obstacle}",) if warned else ()
        return Judgement(_row(held, "none", Urgency.NOTHING, f"{held.name}: {obstacle}."), warnings)
    sold = ShortOption(held, situation.contracts.loc[held.symbol], situation)
    roll, no_roll = _possible_roll(sold)
    advice = _advice(sold, roll, no_roll)
    return Judgement(advice.with_alternatives(choices(sold, roll, no_roll)), tuple(sold.warnings))


def _advice(sold: ShortOption, roll: Roll | None, no_roll: str) -> Suggestion:
    close = reason_to_close(sold)
    if close and (sold.is_worth_crossing or close.on_any_quote):
        return _close(sold, close)
    if close:
        quote = f"the quote {price(max(sold.quoted.bid, 0.0))} to {price(sold.quoted.ask)} is too wide to trust"
        return _hold(sold, f"{close.why} at the ask, but {quote}; ask again when it is narrower")
    triggers = sold.triggers
    if not triggers:
        unknown = "its delta is unknown, so look for yourself; " if math.isnan(sold.quoted.abs_delta) else ""
        return _hold(sold, f"{unknown}nothing to do until {_next_look(sold)}")
    if roll is not None:
        return _roll(sold, roll, triggers)
    why = f"{' and '.join(triggers)}, but {no_roll}"
    if sold.strategy.close_if_no_roll and sold.is_trusted:
        return _close(sold, Close(sold.held.contracts, _urgency(sold), why))
    return _hold(sold, f"{why}, so hold: {sold.at_expiration}")


def _possible_roll(sold: ShortOption) -> tuple[Roll | None, str]:
    """The best roll, or why there is none."""
    strategy = sold.strategy
    if sold.account.is_combined(sold.held):
        return None, "long options stand behind it, so that it is not rolled alone"
    if strategy.max_manage_days is not None and sold.quoted.days > strategy.max_manage_days:
        return None, f"it is not rolled with more than {strategy.max_manage_days} days left"
    if strategy.min_roll_profit is not None and not sold.captured >= strategy.min_roll_profit:
        return None, f"it is not rolled before {percent(strategy.min_roll_profit)} of the premium is earned"
    roll, verdicts = best_roll(sold)
    if roll is not None:
        return roll, ""
    bound = "at or below its strike" if sold.is_put else f"at or above {price(sold.strike_floor)}"
    later = f"no later {sold.held.option_type} {bound}, at most {strategy.max_roll_days} days out, keeps the rules"
    refusals = [*summaries(verdicts.refused).values()]  # of one symbol and side
    return None, f"{later} ({refusals[0]})" if refusals else later


def _obstacle(held: OpenOption, situation: Situation) -> str:
    """Reason why the position cannot be judged; empty if it can."""
    unfit = _not_of_the_wheel(held)
    if unfit:
        return unfit
    if held.underlying not in situation.symbols:
        return f"not judged: {held.underlying} was not asked about"
    if held.underlying in situation.not_evaluated:
        return f"cannot be judged: {held.underlying} was not evaluated: {situation.not_evaluated[held.underlying]}"
    if held.symbol not in situation.contracts.index:
        return "cannot be judged: it is not among the quoted contracts; if it has expired, wait for settlement"
    quoted = situation.contracts.loc[held.symbol]
    bare = held.option_type == "call" and situation.account.uncovered(held)
    if bare and situation.account.has_long_calls(held.underlying):
        return f"cannot be judged: {bare} not covered by shares but maybe by long calls"
    return _unquoted(quoted)


def _not_of_the_wheel(held: OpenOption) -> str:
    if not held.is_short:
        return "a long option; the wheel does not trade it"
    if not held.is_readable:
        return "cannot be judged: its size, strike, right or expiration is unknown; correct the positions"
    if held.is_adjusted:
        return "an adjusted contract, it delivers something other than plain shares; manage it yourself"
    return ""


def _unquoted(quoted: Any) -> str:
    if quoted.days < 0:
        return "trading in it has ended; wait for settlement"
    if not quoted.ask > 0 or quoted.quote_quality not in BUYABLE:
        return f"cannot be judged: no live price to buy it back at (quote: {quoted.quote_quality})"
    if not quoted.spot_price > 0:
        return "cannot be judged: no price of the underlying"
    return ""


def _close(sold: ShortOption, close: Close) -> Suggestion:
    """Row of a purchase to close, valued at the ask: the cost of closing now."""
    ask, limits = sold.quoted.ask, limits_of_purchase(sold.quoted.bid, sold.quoted.ask)
    paid = close.quantity * (ask * sold.held.multiplier + sold.strategy.commission)
    reason = f"Buy back {sold.held.counted(close.quantity)} at {price(ask)} or less: {close.why}; {sold.facts}."
    prices = {"limit_price": ask, "limit_start": limits.start, "limit_floor": limits.floor}
    numbers = {"quantity": close.quantity, "credit": -paid, "prob_itm": sold.quoted.prob_itm, **prices}
    return _row(sold.held, "close", close.urgency, reason, **numbers)


def _roll(sold: ShortOption, roll: Roll, triggers: list[str]) -> Suggestion:
    """Row of a roll: buy back and sell the target in one order for a net credit."""
    held, target = sold.held, roll.target
    collateral = target.collateral * held.contracts
    reason = (
        f"Roll {held.counted(held.contracts)} to {roll.name} for a net credit of {price(roll.net)} or better "
        f"({dollars(roll.credit)} after commission): {' and '.join(triggers)}; {sold.facts}; then "
        f"{target.days:.0f} days, delta {target.delta:.2f}, {percent(target.annualized_return)} a year on the credit, "
        f"{percent(1 - target.prob_itm)} chance to keep it all."
    )
    return _row(
        held,
        "roll",
        _urgency(sold),
        reason,
        limit_price=roll.net,
        limit_start=roll.limits.start,
        limit_floor=roll.limits.floor,
        credit=roll.credit,
        collateral=collateral,
        annualized_return=target.annualized_return,
        prob_itm=target.prob_itm,
        cvar_95=target.cvar_95,
        objective=target.objective,
        expected_return=target.expected_return,
        implied_volatility=target.iv,
        realised_volatility=target.realised_volatility,
        roll_to_option_symbol=roll.option_symbol,
        **sold.risk(target.strike, roll.credit / held.shares),
    )


def _urgency(sold: ShortOption) -> Urgency:
    return Urgency.IN_THE_MONEY if sold.depth > 0 else Urgency.EXPIRING


def _next_look(sold: ShortOption) -> str:
    near = f"{sold.strategy.roll_days} days are left"
    needed = sold.strategy.profit_needed(sold.quoted.days)
    return f"{percent(needed)} is earned or {near}" if sold.received > 0 else near


def _hold(sold: ShortOption, why: str) -> Suggestion:
    event = f"; {sold.event.before_the_end}" if sold.event else ""
    reason = f"Hold {sold.held.counted(sold.held.contracts)}: {sold.facts}; {why}{event}."
    collateral = sold.account.collateral(sold.held) if sold.is_put else sold.quoted.collateral * sold.held.contracts
    numbers = {"collateral": collateral, "prob_itm": sold.quoted.prob_itm}
    return _row(sold.held, "hold", Urgency.HOLD, reason, **numbers, **sold.risk(sold.held.strike))


def _row(held: OpenOption, action: str, urgency: Urgency, reason: str, **numbers: Any) -> Suggestion:
    contract = {"option_symbol": held.symbol, "expiration": held.expiration, "strike": held.strike}
    size = {"quantity": held.contracts}
    return Suggestion(
        action=action, urgency=urgency, symbol=held.underlying, reason=reason, **{**contract, **size, **numbers}
    )
