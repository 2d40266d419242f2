"""The row of one sale and the text of its reason."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from wheel_assets.recommend.account.basis import basis_of
from wheel_assets.recommend.earnings import next_event
from wheel_assets.recommend.limit_prices import limits_of_sale
from wheel_assets.recommend.suggestion import Suggestion, Urgency
from wheel_assets.recommend.wording import contract_name, count, day, dollars, percent, price, ratio

if TYPE_CHECKING:
    from wheel_assets.recommend.situation import Situation


def opening(contract: Any, situation: Situation) -> Suggestion:
    """The row of a sale of `contract.quantity` contracts of a candidate."""
    is_put, quantity = contract.option_type == "put", int(contract.quantity)
    shares = quantity * contract.multiplier
    basis = basis_of(situation, contract.symbol)
    paid = contract.strike if is_put else basis if basis > 0 else contract.spot_price
    breakeven = paid - contract.credit / contract.multiplier
    limits = limits_of_sale(contract.bid, contract.ask)
    return Suggestion(
        urgency=Urgency.OPEN,
        action="open_csp" if is_put else "open_cc",
        symbol=contract.symbol,
        reason=_reason(contract, quantity, breakeven, situation),
        option_symbol=contract.Index,
        expiration=contract.expiration,
        strike=contract.strike,
        quantity=quantity,
        limit_price=contract.sale,
        limit_start=max(limits.start, contract.sale),
        limit_floor=limits.floor,
        credit=contract.credit * quantity,
        collateral=contract.collateral * quantity,
        annualized_return=contract.annualized_return,
        prob_itm=contract.prob_itm,
        breakeven=breakeven,
        max_loss=max(0.0, breakeven * shares),
        cvar_95=contract.cvar_95,
        objective=contract.objective,
        expected_return=contract.expected_return,
        implied_volatility=contract.iv,
        realised_volatility=contract.realised_volatility,
    )


def _reason(contract: Any, quantity: int, breakeven: float, situation: Situation) -> str:
    """Reason text: the numbers that a trader checks before placing the order."""
    put = contract.option_type == "put"
    behind = "set aside" if put else _shares_behind(basis_of(situation, contract.symbol))
    name = contract_name(contract.symbol, contract.expiration, contract.strike, contract.option_type, quantity)
    said = (
        f"Sell {quantity} {name} at {price(contract.sale)} or better: {ratio(contract.abs_delta)} delta, "
        f"{count(contract.days)} days, {percent(contract.annualized_return)} a year on "
        f"{dollars(contract.collateral * quantity)} {behind}, {percent(1 - contract.prob_itm)} chance to keep "
        f"{'it all' if put else 'the shares'}; breakeven {price(breakeven)}"
    )
    return ". ".join([said, *_volatilities(contract), *cautions(contract, situation)]) + "."


def _volatilities(contract: Any) -> list[str]:
    """What the contract is paid for beside what the shares did of late, where a history is cached."""
    implied, realised = contract.iv, contract.realised_volatility
    if not (implied > 0 and realised > 0):
        return []
    return [f"Volatility: {percent(implied)} a year implied, {percent(realised)} realised of late"]


def _shares_behind(cost_basis: float) -> str:
    if cost_basis > 0:
        return f"of shares bought at {price(cost_basis)}"
    return "of shares (cost basis unknown, so no strike below the share price)"


def cautions(contract: Any, situation: Situation) -> list[str]:
    """Warnings about a contract that passed: events while it is held, unknown events, a negative mean, a dividend."""
    strategy, said = situation.bounds.of(contract.symbol), []
    if strategy.events != "ignore":
        said.append(_event(contract, situation, warn_unknown=strategy.unknown_events == "warn"))
    mean = contract.expected_return
    if strategy.negative_expectation == "warn" and not mean >= 0:
        known = f"expects {percent(mean)} of the collateral on average" if math.isfinite(mean) else "has no mean for it"
        said.append(f"Warning: the model {known}")
    dividend = situation.outlook.dividends.get(contract.symbol)
    if contract.option_type == "call" and dividend and dividend.ex_date <= contract.expiration.date():
        said.append(f"Ex-dividend on {day(dividend.ex_date)}: exercise is likely the day before if it is in the money")
    return [line for line in said if line]


def _event(contract: Any, situation: Situation, *, warn_unknown: bool) -> str:
    event = next_event(situation, contract.symbol)
    if math.isnan(contract.event_days):
        return "The date of the next earnings is unknown" if warn_unknown else ""
    if event is None or contract.event_days > contract.days:
        return ""
    if contract.event_days > contract.hold_days:
        return f"Note: {event} before expiration, after the day on which it is managed"
    return f"Warning: {event} while it is held"
