"""The best put and the best covered call of each symbol, sized, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wheel_assets.recommend.opening.allocation import Allocation, allocated
from wheel_assets.recommend.opening.candidates import call_candidates, put_candidates, shares_to_cover
from wheel_assets.recommend.opening.sale import opening
from wheel_assets.recommend.rules.rule import Use
from wheel_assets.recommend.rules.verdicts import Verdicts, judged, summaries
from wheel_assets.recommend.suggestion import Suggestion, nothing
from wheel_assets.recommend.wording import count

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.recommend.portfolio.room import Room
    from wheel_assets.recommend.situation import Situation

ALTERNATIVES = 3  # kept beside the best contract of a symbol and side
Side = tuple[str, str]  # symbol, put or call


@dataclass(frozen=True)
class Openings:
    """Advised openings, and reasons for the others.

    `suggestions` has the best put and call of each symbol, or its one `none` row; `alternatives` the next best, each
    sized as if it were the only one; `verdicts` are those on all puts, on all calls, and on the puts that the remaining
    cash does not allow; `declined` has the reason for each symbol and side without an opening.
    """

    suggestions: list[Suggestion]
    alternatives: list[Suggestion]
    verdicts: tuple[Verdicts, ...]
    declined: dict[Side, str]


def find_openings(situation: Situation, room: Room) -> Openings:
    """The openings on the evaluated symbols; all of them fit the account together."""
    bounds = situation.bounds
    puts = judged(put_candidates(situation, room), Use.OPEN, "put", bounds)
    calls = judged(call_candidates(situation), Use.OPEN, "call", bounds)
    best_puts, best_calls = _preferred(puts.passed), _preferred(calls.passed)
    allocation = allocated(best_puts, room)
    chosen_puts = [c._replace(quantity=allocation.quantities[s]) for s, c in allocation.chosen.items()]
    unserved = judged(_left_over(best_puts, allocation), Use.OPEN, "put", bounds)
    chosen = [*chosen_puts, *best_calls.drop_duplicates("symbol").itertuples()]

    verdicts = (puts, calls, unserved)
    served = {(contract.symbol, contract.option_type) for contract in chosen}
    refusals = _refusals(verdicts)
    declined = {side: _why_not(side, refusals, situation) for side in _sides(situation) if side not in served}
    idle = [s for s in situation.evaluated if (s, "put") in declined and (s, "call") in declined]
    quiet = [nothing(s, f"Nothing to open on {s}. {declined[s, 'put']} {declined[s, 'call']}") for s in idle]
    others = [*_next_best(best_puts.drop(unserved.table.index), chosen), *_next_best(best_calls, chosen)]
    return Openings(
        [*(opening(contract, situation) for contract in chosen), *quiet],
        [opening(contract, situation) for contract in others],
        verdicts,
        declined,
    )


def _preferred(passed: pd.DataFrame) -> pd.DataFrame:
    """The candidates sorted by distance from the target days if set, then best objective, then option symbol."""
    by = passed.assign(target=passed["target_distance"].fillna(0), worth=-passed["objective"])
    return passed.loc[by.sort_index().sort_values(["target", "worth"], kind="stable").index]


def _left_over(puts: pd.DataFrame, allocation: Allocation) -> pd.DataFrame:
    """The puts of symbols without an allocation, with the room left for them."""
    rest = puts[~puts["symbol"].isin(list(allocation.chosen))]
    cash, run = allocation.room.cash - allocation.spent, allocation.room.run - allocation.spent
    groups = rest["symbol"].map({symbol: allocation.group_room(symbol) for symbol in rest["symbol"].unique()})
    return rest.assign(free_cash=max(0.0, cash), run_room=max(0.0, run), group_room=groups.astype("float64"))


def _next_best(passed: pd.DataFrame, chosen: Iterable[Any]) -> Iterable[Any]:
    rest = passed.drop([contract.Index for contract in chosen if contract.Index in passed.index])
    return rest.groupby("symbol", sort=False).head(ALTERNATIVES).itertuples()


def _sides(situation: Situation) -> list[Side]:
    return [(symbol, option_type) for symbol in situation.evaluated for option_type in ("put", "call")]


def _refusals(verdicts: tuple[Verdicts, ...]) -> dict[Side, str]:
    """By symbol and side, the binding rules of the contracts that break one, with counts and the nearest miss."""
    import pandas as pd

    parts = [each.refused for each in verdicts if len(each.refused)]
    return summaries(pd.concat(parts)) if parts else {}


def _why_not(side: Side, refusals: Mapping[Side, str], situation: Situation) -> str:
    """The reason for no opening on a symbol and side."""
    symbol, option_type = side
    account = situation.account
    free, usable = account.free_shares(symbol), shares_to_cover(situation, symbol)
    if option_type == "call" and free < 100:
        return f"Calls need 100 free shares, {count(free)} are free."
    if option_type == "call" and usable < 100:
        return (
            f"Calls need 100 free shares, {count(free)} are free and {count(usable)} may be covered by your settings."
        )
    return f"{refusals[side]}." if side in refusals else f"No {option_type}s are quoted."
