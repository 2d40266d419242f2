"""What to do with the options that are already open: close, roll, hold, or say why that cannot be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wheel_assets.recommend.contracts import BUYABLE
from wheel_assets.recommend.rolling import Roll, best_roll
from wheel_assets.recommend.short_option import ShortOption
from wheel_assets.recommend.suggestion import Suggestion, Urgency
from wheel_assets.recommend.wording import dollars, percent, price

if TYPE_CHECKING:
    from wheel_assets.recommend.holdings import OpenOption
    from wheel_assets.recommend.situation import Situation


def judge(held: OpenOption, situation: Situation) -> Suggestion:
    """The one row of an option position.

    The order of the questions: can it be judged at all (`none` with the reason if not, never
    `hold`), is it covered, is its profit earned, does it need rolling. An option that needs rolling
    and cannot be rolled for a net credit is held, with the reason: assignment is part of the wheel.
    """
    obstacle = _obstacle(held, situation)
    if obstacle:
        return _row(held, "none", Urgency.NOTHING, f"{held.name}: {obstacle}.")
    sold = ShortOption(held, situation.contracts.loc[held.symbol], situation.account, situation.strategy)
    advice = _cover(sold) or _take_profit(sold)
    if advice is None and sold.needs_rolling:
        roll = best_roll(sold, situation.contracts)
        advice = _roll(sold, roll) if roll is not None else _keep(sold)
    return advice or _hold(sold, f"nothing to do until {_next_look(sold)}")


def _obstacle(held: OpenOption, situation: Situation) -> str:
    """Why the position cannot be judged; empty if it can."""
    unfit = _not_of_the_wheel(held)
    if unfit:
        return unfit
    if held.underlying not in situation.symbols:
        return f"not judged: {held.underlying} is not on the watchlist of this answer; add it to WHEEL_SYMBOLS"
    if held.underlying in situation.not_evaluated:
        return f"cannot be judged: {held.underlying} was not evaluated: {situation.not_evaluated[held.underlying]}"
    if held.symbol not in situation.contracts.index:
        return "cannot be judged: it is not among the quoted contracts; if it has expired, wait for settlement"
    return _unquoted(situation.contracts.loc[held.symbol])


def _not_of_the_wheel(held: OpenOption) -> str:
    if not held.is_short:
        return "a long option; the wheel does not trade it"
    if not held.is_readable:
        return "cannot be judged: its size, strike, right or expiration is unknown; mend the positions"
    if held.is_adjusted:
        return "an adjusted contract, it delivers something else than plain shares; look after it yourself"
    return ""


def _unquoted(quoted: Any) -> str:
    if quoted.days < 0:
        return "trading in it has ended; wait for settlement"
    if not quoted.ask > 0 or quoted.quote_quality not in BUYABLE:
        return f"cannot be judged: no live price to buy it back at (quote: {quoted.quote_quality})"
    if not quoted.spot_price > 0:
        return "cannot be judged: no price of the underlying"
    return ""


def _cover(sold: ShortOption) -> Suggestion | None:
    """Buy back a call that no shares stand behind; leave it alone where a long call may."""
    held = sold.held
    bare = 0 if sold.is_put else sold.account.uncovered(held)
    if not bare:
        return None
    if sold.account.has_long_calls(held.underlying):
        reason = f"{held.name}: cannot be judged: {bare} not covered by shares but maybe by long calls."
        return _row(held, "none", Urgency.NOTHING, reason)
    return _close(sold, Urgency.UNCOVERED, f"{bare} of {held.contracts} NOT COVERED, the loss has no limit", bare)


def _take_profit(sold: ShortOption) -> Suggestion | None:
    """Buy back once enough is earned, or once hardly anything is left to earn."""
    strategy, ask = sold.strategy, sold.quoted.ask
    if sold.captured >= strategy.take_profit - 1e-9:
        why = f"at least {percent(strategy.take_profit)} of the premium is earned"
    elif ask <= strategy.close_price and sold.quoted.days > 0:
        why = f"no more than {price(ask)} a share is left to earn"
    else:
        return None
    return _close(sold, Urgency.TAKE_PROFIT, why, sold.held.contracts)


def _close(sold: ShortOption, urgency: Urgency, why: str, quantity: int) -> Suggestion:
    """Buy back at the ask: what it costs to be rid of it now."""
    ask = sold.quoted.ask
    paid = quantity * (ask * sold.held.multiplier + sold.strategy.commission)
    reason = f"Buy back {quantity} {sold.held.name} at {price(ask)} or less: {why}; {sold.facts}."
    numbers = {"quantity": quantity, "limit_price": ask, "credit": -paid, "prob_itm": sold.quoted.prob_itm}
    return _row(sold.held, "close", urgency, reason, **numbers)


def _roll(sold: ShortOption, roll: Roll) -> Suggestion:
    """Buy back and sell the target in one order for a net credit."""
    held, target = sold.held, roll.target
    collateral = target.collateral * held.contracts
    reason = (
        f"Roll {held.contracts} {held.name} to {roll.name} for a net credit of {price(roll.net)} or better "
        f"({dollars(roll.credit)} after commission): {sold.facts}; then {target.days:.0f} days, "
        f"delta {target.delta:.2f}, {percent(1 - target.prob_itm)} chance to keep it all."
    )
    return _row(
        held,
        "roll",
        Urgency.IN_THE_MONEY if sold.depth > 0 else Urgency.EXPIRING,
        reason,
        limit_price=roll.net,
        credit=roll.credit,
        collateral=collateral,
        annualized_return=roll.credit / collateral * 365 / target.days,
        prob_itm=target.prob_itm,
        cvar_95=target.cvar_95,
        roll_to_option_symbol=roll.option_symbol,
        **sold.risk(target.strike, roll.credit / held.shares),
    )


def _keep(sold: ShortOption) -> Suggestion:
    """It needs rolling, but no later contract will do."""
    bound = "at or below its strike" if sold.is_put else f"at or above {price(sold.strike_floor)}"
    later = f"no later {sold.held.option_type} {bound}, at most {sold.strategy.max_roll_days} days out"
    return _hold(sold, f"{later}, pays a net credit at a fitting delta, so hold: {sold.at_expiration}")


def _next_look(sold: ShortOption) -> str:
    near = f"{sold.strategy.roll_days} days are left"
    return f"{percent(sold.strategy.take_profit)} is earned or {near}" if sold.received > 0 else near


def _hold(sold: ShortOption, why: str) -> Suggestion:
    reason = f"Hold {sold.held.contracts} {sold.held.name}: {sold.facts}; {why}."
    numbers = {"collateral": sold.quoted.collateral * sold.held.contracts, "prob_itm": sold.quoted.prob_itm}
    return _row(sold.held, "hold", Urgency.HOLD, reason, **numbers, **sold.risk(sold.held.strike))


def _row(held: OpenOption, action: str, urgency: Urgency, reason: str, **numbers: Any) -> Suggestion:
    contract = {"option_symbol": held.symbol, "expiration": held.expiration, "strike": held.strike}
    size = {"quantity": held.contracts}
    return Suggestion(
        action=action, urgency=urgency, symbol=held.underlying, reason=reason, **{**contract, **size, **numbers}
    )
