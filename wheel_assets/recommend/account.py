"""What the account holds, and what of it is free to trade with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wheel_assets.recommend.holdings import Holding, OpenOption, holdings, open_options, value_of_cash, value_of_shares
from wheel_assets.recommend.wording import dollars

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Account:
    """The state of the account.

    A short option that cannot be read stands for an obligation of unknown size: until it can be
    read, neither cash nor shares count as free.
    """

    account_id: str
    cash: float
    shares: Mapping[str, Holding]
    options: tuple[OpenOption, ...]
    portfolio_value: float
    spots: Mapping[str, float]

    @property
    def is_clear(self) -> bool:
        """Whether every short option can be read."""
        return all(option.is_readable for option in self.options if option.is_short)

    @property
    def free_cash(self) -> float:
        """Dollars left when every open short put is secured in full; negative where they are not.

        Brokers differ in whether the cash they report as free already leaves that out. It is taken
        off here in any case: doubting too much costs a trade, doubting too little costs an account.
        """
        if not self.is_clear or math.isnan(self.cash):
            return 0.0
        return self.cash - sum(
            option.collateral for option in self.options if option.is_short and option.option_type == "put"
        )

    def short_calls(self, symbol: str) -> list[OpenOption]:
        """Calls sold on `symbol`, nearest expiration first."""
        calls = [
            o
            for o in self.options
            if o.is_short and o.is_readable and (o.underlying, o.option_type) == (symbol, "call")
        ]
        return sorted(calls, key=lambda option: (option.expiration, option.strike))

    def shares_of(self, symbol: str) -> float:
        """Shares held, at least 0."""
        held = self.shares[symbol].quantity if symbol in self.shares else 0.0
        return max(0.0, held) if math.isfinite(held) else 0.0

    def free_shares(self, symbol: str) -> float:
        """Shares that no open call stands on."""
        if not self.is_clear:
            return 0.0
        return max(0.0, self.shares_of(symbol) - sum(call.shares for call in self.short_calls(symbol)))

    def uncovered(self, option: OpenOption) -> int:
        """How many contracts of a short call have no shares behind them; shares cover the nearest expiration first."""
        left = self.shares_of(option.underlying)
        for call in self.short_calls(option.underlying):
            covered = min(call.contracts, int(left // call.multiplier))
            if call.symbol == option.symbol:
                return call.contracts - covered
            left -= covered * call.multiplier
        return 0

    def cost_basis(self, symbol: str) -> float:
        """Dollars a share paid for the stock; NaN where unknown. Premiums are not netted in."""
        paid = self.shares[symbol].average_price if symbol in self.shares else math.nan
        return paid if paid > 0 else math.nan

    def paid(self, symbol: str) -> float:
        """Dollars a share to measure losses from: the cost basis, or where unknown the share price now."""
        basis = self.cost_basis(symbol)
        return basis if basis > 0 else self.spots.get(symbol, math.nan)

    def has_long_calls(self, symbol: str) -> bool:
        """Whether calls on `symbol` are held."""
        return any((o.underlying, o.option_type) == (symbol, "call") and not o.is_short for o in self.options)

    def tied_up(self, symbol: str) -> float:
        """Dollars behind `symbol` now: shares at market and puts' collateral; infinite where it cannot be told."""
        puts = sum(
            o.collateral for o in self.options if o.is_short and (o.underlying, o.option_type) == (symbol, "put")
        )
        shares = value_of_shares(self.shares[symbol], self.spots) if self.shares_of(symbol) else 0.0
        total = puts + shares
        return math.inf if math.isnan(total) else max(0.0, total)

    def warnings(self) -> list[str]:
        """What the owner of this account has to know whatever else is advised."""
        said = [
            f"{o.name}: size, strike, right or expiration is unknown; nothing is opened until it is known"
            for o in self.options
            if o.is_short and not o.is_readable
        ]
        for option in self.options:
            bare = self.uncovered(option) if option.is_short and option.option_type == "call" else 0
            if bare:
                said.append(f"NOT COVERED by shares: {bare} of {option.contracts} {option.name}; the loss has no limit")
        if math.isnan(self.cash):
            said.append("the cash in the account is unknown; no put is opened")
        elif self.free_cash < 0:
            said.append(f"NOT SECURED: the open puts need {dollars(-self.free_cash)} more cash than the account has")
        if not self.portfolio_value > 0:
            said.append("the portfolio value is unknown or not positive; no put is opened")
        return said


def read_account(positions: pd.DataFrame, spots: Mapping[str, float], portfolio_value: float | None = None) -> Account:
    """The account from a frame of `tables.POSITIONS`; `spots` are dollars a share by symbol.

    The portfolio value is the one given, or else the sum of the market values; a stock without one
    is valued at its spot price, or else at cost.
    """
    shares, cash, options = holdings(positions, "stock"), holdings(positions, "cash"), open_options(positions)
    worth = [value_of_cash(holding) for holding in cash]
    worth += [value_of_shares(holding, spots) for holding in shares]
    worth += [option.market_value for option in options]
    total = math.fsum(value for value in worth if math.isfinite(value))
    return Account(
        account_id=str(positions["account_id"].iloc[0]) if len(positions) else "",
        cash=math.fsum(holding.quantity for holding in cash) if "cash" in set(positions["asset_type"]) else math.nan,
        shares={holding.symbol: holding for holding in shares},
        options=tuple(options),
        portfolio_value=portfolio_value if portfolio_value is not None else max(0.0, total),
        spots=spots,
    )
