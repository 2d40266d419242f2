"""The best put and the best covered call of each symbol, sized, and why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wheel_assets.recommend.rules import first_failures, opening_rules, rejected, summary
from wheel_assets.recommend.suggestion import Suggestion, Urgency, nothing
from wheel_assets.recommend.wording import contract_name, count, dollars, percent, price, ratio

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.recommend.situation import Situation

ALTERNATIVES = 3  # kept beside the best contract of a symbol and side
Side = tuple[str, str]  # symbol, put or call


@dataclass(frozen=True)
class Openings:
    """What to open and what not.

    `suggestions` has the best put and call of each symbol, or its one `none` row; `alternatives`
    the next best, each sized as if it were the only one; `refused` every other contract with its
    first failed rule (see `rules.rejected`); `declined` a sentence for each symbol and side without
    an opening.
    """

    suggestions: list[Suggestion]
    alternatives: list[Suggestion]
    refused: pd.DataFrame
    declined: dict[Side, str]


def find_openings(situation: Situation, spendable: float) -> Openings:
    """What to open on the evaluated symbols.

    `spendable` is dollars of cash that new puts may tie up, all of them together: it is given out
    greedily, best objective first, so that all rows can be followed at once.
    """
    import pandas as pd

    puts, refused_puts = _sifted(_put_candidates(situation, spendable), "put", situation)
    calls, refused_calls = _sifted(_call_candidates(situation), "call", situation)
    chosen_puts, unserved = _allocated(puts, spendable)
    beaten = rejected(unserved, opening_rules("put", situation.strategy))
    parts = [part for part in (refused_puts, beaten, refused_calls) if len(part)]
    refused = pd.concat(parts, ignore_index=True) if parts else refused_puts
    chosen = [*chosen_puts, *calls.drop_duplicates("symbol").itertuples()]
    served = {(contract.symbol, contract.option_type) for contract in chosen}
    declined = {side: _why_not(side, refused, situation) for side in _sides(situation) if side not in served}
    idle = [s for s in situation.evaluated if (s, "put") in declined and (s, "call") in declined]
    quiet = [nothing(s, f"Nothing to open on {s}. {declined[s, 'put']} {declined[s, 'call']}") for s in idle]
    others = [*_next_best(puts.drop(unserved.index), chosen), *_next_best(calls, chosen)]
    return Openings(
        [*(_opening(contract, situation) for contract in chosen), *quiet],
        [_opening(contract, situation) for contract in others],
        refused,
        declined,
    )


def _put_candidates(situation: Situation, spendable: float) -> pd.DataFrame:
    """All puts, with `free_cash` and `symbol_room`, dollars, and the `quantity` they are good for."""
    account, contracts = situation.account, situation.contracts
    most = situation.strategy.max_symbol_share * account.portfolio_value
    puts = contracts[contracts["option_type"] == "put"]
    room = _by_symbol(puts, lambda symbol: max(0.0, most - account.tied_up(symbol)))
    puts = puts.assign(free_cash=max(0.0, spendable), symbol_room=room)
    return puts.assign(quantity=np.floor(puts[["free_cash", "symbol_room"]].min(axis=1) / puts["collateral"]))


def _call_candidates(situation: Situation) -> pd.DataFrame:
    """All calls, with `free_shares`, the `strike_floor` and the `quantity` they are good for."""
    account, contracts = situation.account, situation.contracts
    calls = contracts[contracts["option_type"] == "call"]
    free, floor = _by_symbol(calls, account.free_shares), _by_symbol(calls, account.paid)
    return calls.assign(free_shares=free, strike_floor=floor, quantity=free // calls["multiplier"])


def _by_symbol(contracts: pd.DataFrame, number: Callable[[str], float]) -> pd.Series:
    """`number` of each contract's symbol, asked for once a symbol."""
    numbers = {symbol: number(symbol) for symbol in contracts["symbol"].unique()}
    return contracts["symbol"].map(numbers).astype("float64")


def _sifted(table: pd.DataFrame, option_type: str, situation: Situation) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Those that pass every rule, best first, and the others with the first rule they fail."""
    rules = opening_rules(option_type, situation.strategy)
    failures = first_failures(table, rules)
    passed = table[(failures["rule"] == -1).to_numpy()].sort_index()
    return passed.sort_values("objective", ascending=False, kind="stable"), rejected(table, rules, failures)


def _allocated(puts: pd.DataFrame, spendable: float) -> tuple[list[Any], pd.DataFrame]:
    """The best put of each symbol that cash is left for, and the puts of the symbols that got none.

    A symbol whose best put has become too expensive takes its next best that is not.
    """
    left = max(0.0, spendable)
    chosen: dict[str, Any] = {}
    rows: Iterable[Any] = puts.itertuples()
    for contract in rows:
        quantity = math.floor(min(left, contract.symbol_room) / contract.collateral)
        if contract.symbol not in chosen and quantity > 0:
            chosen[contract.symbol] = contract._replace(quantity=quantity)
            left -= quantity * contract.collateral
    unserved = puts[~puts["symbol"].isin(list(chosen))]
    return list(chosen.values()), unserved.assign(free_cash=left)


def _next_best(passed: pd.DataFrame, chosen: Iterable[Any]) -> Iterable[Any]:
    rest = passed.drop([contract.Index for contract in chosen if contract.Index in passed.index])
    return rest.groupby("symbol", sort=False).head(ALTERNATIVES).itertuples()


def _sides(situation: Situation) -> list[Side]:
    return [(symbol, option_type) for symbol in situation.evaluated for option_type in ("put", "call")]


def _why_not(side: Side, refused: pd.DataFrame, situation: Situation) -> str:
    """The binding rule of a symbol and side, with counts and the nearest miss."""
    symbol, option_type = side
    free = situation.account.free_shares(symbol)
    if option_type == "call" and free < 100:
        return f"Calls need 100 free shares, {count(free)} are free."
    own = refused[(refused["symbol"] == symbol) & (refused["option_type"] == option_type)]
    return f"{summary(own, option_type)}." if len(own) else f"No {option_type}s are quoted."


def _opening(contract: Any, situation: Situation) -> Suggestion:
    """The row of a sale of `contract.quantity` contracts."""
    is_put, quantity = contract.option_type == "put", int(contract.quantity)
    shares = quantity * contract.multiplier
    paid = contract.strike if is_put else situation.account.paid(contract.symbol)
    breakeven = paid - contract.credit / contract.multiplier
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
        credit=contract.credit * quantity,
        collateral=contract.collateral * quantity,
        annualized_return=contract.annualized_return,
        prob_itm=contract.prob_itm,
        breakeven=breakeven,
        max_loss=max(0.0, breakeven * shares),
        cvar_95=contract.cvar_95,
        objective=contract.objective,
    )


def _reason(contract: Any, quantity: int, breakeven: float, situation: Situation) -> str:
    """The sentence a trader checks before typing the order."""
    put = contract.option_type == "put"
    behind = "set aside" if put else _shares_behind(situation.account.cost_basis(contract.symbol))
    name = contract_name(contract.symbol, contract.expiration, contract.strike, contract.option_type, quantity)
    return (
        f"Sell {quantity} {name} at {price(contract.sale)} or better: {ratio(contract.abs_delta)} delta, "
        f"{count(contract.days)} days, {percent(contract.annualized_return)} a year on "
        f"{dollars(contract.collateral * quantity)} {behind}, {percent(1 - contract.prob_itm)} chance to keep "
        f"{'it all' if put else 'the shares'}; breakeven {price(breakeven)}."
    )


def _shares_behind(cost_basis: float) -> str:
    if cost_basis > 0:
        return f"of shares bought at {price(cost_basis)}"
    return "of shares (cost basis unknown, so no strike below the share price)"
