"""Holdings of the account: shares, options and cash, with lots combined."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from wheel_assets.market.osi import is_standard
from wheel_assets.recommend.wording import contract_name

if TYPE_CHECKING:
    import pandas as pd

Lot = dict[Hashable, Any]


@dataclass(frozen=True)
class Holding:
    """A holding, its lots combined.

    `quantity` is signed shares, contracts or dollars; `average_price` and `market_value` are NaN
    where one of its lots lacks it.
    """

    symbol: str
    quantity: float
    average_price: float
    market_value: float


@dataclass(frozen=True)
class OpenOption(Holding):
    """An option position; `symbol` is its OSI code, `average_price` the premium a share."""

    underlying: str
    option_type: str
    expiration: date | None
    strike: float
    multiplier: int

    @property
    def contracts(self) -> int:
        """Whole contracts, without sign."""
        return int(abs(self.quantity) + 1e-9) if math.isfinite(self.quantity) else 0

    @property
    def is_readable(self) -> bool:
        """Whether everything that defines the obligation is known."""
        return (
            self.contracts > 0
            and self.option_type in ("put", "call")
            and self.strike > 0
            and self.expiration is not None
        )

    @property
    def is_adjusted(self) -> bool:
        """Whether it delivers something other than plain shares."""
        return not is_standard(self.symbol)

    @property
    def is_short(self) -> bool:
        """Whether it is sold; a position of unknown size counts as sold, the side with the larger risk."""
        return not self.quantity > 0

    @property
    def shares(self) -> int:
        """Shares that change hands when all contracts are exercised."""
        return self.contracts * self.multiplier

    @property
    def collateral(self) -> float:
        """Collateral of a short put, dollars."""
        return self.strike * self.shares

    @property
    def name(self) -> str:
        """Name such as `U 18 Dec 2026 28 put`, or the bare code where a part is unknown."""
        if not self.is_readable or self.expiration is None:
            return self.symbol.strip()
        return contract_name(self.underlying, self.expiration, self.strike, self.option_type)

    def counted(self, contracts: int) -> str:
        """Name with a number of contracts: `2 U 18 Dec 2026 28 puts`."""
        return f"{contracts} {self.name}{'s' if contracts > 1 and self.is_readable else ''}"


def holdings(positions: pd.DataFrame, asset_type: str) -> list[Holding]:
    """The shares or the cash of a frame of `tables.POSITIONS`, one a symbol; lots that net to zero are dropped."""
    return [holding for lots in _lots(positions, asset_type) if (holding := _holding(lots)).quantity != 0]


def open_options(positions: pd.DataFrame) -> list[OpenOption]:
    """The options of a frame of `tables.POSITIONS`, one a contract; lots that net to zero are dropped."""
    return [option for lots in _lots(positions, "option") if (option := _option(lots)).quantity != 0]


def value_of_shares(holding: Holding, spots: Mapping[str, float]) -> float:
    """Value of shares, dollars: the market value, else shares at spot, else at cost, else NaN."""
    return _value(holding, holding.quantity, spots)


def value_of_option(option: OpenOption, mids: Mapping[str, float]) -> float:
    """Value of an option position, dollars, negative where it is sold: as of shares, by mid instead of spot."""
    return _value(option, option.quantity * option.multiplier, mids)


def value_of_cash(holding: Holding) -> float:
    """Cash in dollars: the market value, which includes collateral set aside, else the free cash."""
    return holding.market_value if math.isfinite(holding.market_value) else holding.quantity


def number(value: Any) -> float:
    """A float; NaN for a missing or infinite value.

    >>> number(None), number(float("inf")), number(3)
    (nan, nan, 3.0)
    """
    try:
        result = float(value)
    except (TypeError, ValueError):
        return math.nan
    return result if math.isfinite(result) else math.nan


def _value(holding: Holding, shares: float, prices: Mapping[str, float]) -> float:
    """The market value, else by `prices`, else at cost, else NaN."""
    quoted, paid = shares * prices.get(holding.symbol, math.nan), shares * holding.average_price
    return next((value for value in (holding.market_value, quoted, paid) if math.isfinite(value)), math.nan)


def _lots(positions: pd.DataFrame, asset_type: str) -> list[list[Lot]]:
    """The rows of one asset type, grouped by symbol."""
    together: dict[str, list[Lot]] = defaultdict(list)
    for lot in positions[positions["asset_type"] == asset_type].to_dict("records"):
        together[str(lot["symbol"])].append(lot)
    return [together[symbol] for symbol in sorted(together)]


def _holding(lots: list[Lot]) -> Holding:
    sizes = [number(lot["quantity"]) for lot in lots]
    size = math.fsum(abs(s) for s in sizes)
    paid = math.fsum(abs(s) * number(lot["average_price"]) for s, lot in zip(sizes, lots, strict=True))
    return Holding(
        symbol=str(lots[0]["symbol"]),
        quantity=math.fsum(sizes),
        average_price=paid / size if size else math.nan,
        market_value=math.fsum(number(lot["market_value"]) for lot in lots),
    )


def _option(lots: list[Lot]) -> OpenOption:
    first, holding = lots[0], _holding(lots)
    code = holding.symbol
    expiration = first["expiration"]
    return OpenOption(
        **vars(holding),
        underlying=first["underlying"] if isinstance(first["underlying"], str) else code[:-15].strip() or code,
        option_type=first["option_type"] if isinstance(first["option_type"], str) else "",
        expiration=expiration.date() if expiration == expiration and expiration is not None else None,
        strike=number(first["strike"]),
        multiplier=int(number(first["multiplier"])) if number(first["multiplier"]) > 0 else 100,
    )
