"""Long options that cover short ones: how far a combination secures itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wheel_assets.recommend.account.holdings import OpenOption


@dataclass(frozen=True)
class Cover:
    """Cover of short options by long ones, by the short one's OSI code.

    `contracts` are short contracts covered by a long one; `secured` is the collateral in dollars that short puts do not
    need because a long put pays it.
    """

    contracts: Mapping[str, int]
    secured: Mapping[str, float]


def cover_of(options: Iterable[OpenOption]) -> Cover:
    """Cover of each short contract: a long one of the same underlying, right and multiplier that ends no earlier.

    A long call covers a short one of the same or a higher strike in full; a long put pays its own strike of what a
    short put may cost. Short options that expire first are served first, by the least valuable long one.
    """
    known = [option for option in options if option.is_readable and not option.is_adjusted]
    left = {option.symbol: option.contracts for option in known if not option.is_short}
    contracts: dict[str, int] = {}
    secured: dict[str, float] = {}
    for short in sorted((o for o in known if o.is_short), key=lambda o: (o.expiration, o.strike, o.symbol)):
        open_contracts = short.contracts
        for long in sorted((o for o in known if _covers(o, short)), key=lambda o: (-o.strike, o.expiration, o.symbol)):
            used = min(open_contracts, left[long.symbol])
            left[long.symbol] -= used
            open_contracts -= used
            if used:
                contracts[short.symbol] = contracts.get(short.symbol, 0) + used
                pays = used * short.multiplier * min(long.strike, short.strike)
                secured[short.symbol] = secured.get(short.symbol, 0.0) + pays
    return Cover(contracts, secured)


def _covers(long: OpenOption, short: OpenOption) -> bool:
    alike = (long.underlying, long.option_type, long.multiplier) == (
        short.underlying,
        short.option_type,
        short.multiplier,
    )
    if long.is_short or not alike or long.expiration is None or short.expiration is None:
        return False
    return long.expiration >= short.expiration and (long.option_type == "put" or long.strike <= short.strike)
