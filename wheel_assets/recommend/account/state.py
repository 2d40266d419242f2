"""State of the account: holdings, free cash, free shares, collateral."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from wheel_assets.recommend.account.cover import Cover, cover_of
from wheel_assets.recommend.account.holdings import (
    Holding,
    OpenOption,
    holdings,
    open_options,
    value_of_cash,
    value_of_option,
    value_of_shares,
)
from wheel_assets.recommend.wording import dollars

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Account:
    """The state of the account.

    A short option with unknown terms is an obligation of unknown size: while there is one, neither cash nor shares
    count as free.
    """

    account_id: str
    cash: float  # dollars free to trade, as the broker reports them
    whole_cash: float  # dollars in the account, collateral included
    shares: Mapping[str, Holding]
    options: tuple[OpenOption, ...]
    portfolio_value: float
    spots: Mapping[str, float]
    cash_is_net: bool | None = None  # whether `cash` leaves out the collateral of puts; None: detected from balances

    @property
    def is_clear(self) -> bool:
        """Whether the terms of every short option are known."""
        return all(option.is_readable for option in self.options if option.is_short)

    @cached_property
    def cover(self) -> Cover:
        """Cover of short options by long ones."""
        return cover_of(self.options)

    @property
    def free_cash(self) -> float:
        """Cash left when every open short put is secured in full, dollars; negative where they are not.

        Brokers differ in whether their free cash already leaves out the collateral of open puts. Where they also report
        the whole cash, the lesser of the free cash and the whole less the collateral is right for both kinds; where
        they do not, the collateral is subtracted: too much doubt costs a trade, too little costs an account.
        """
        if not self.is_clear or math.isnan(self.cash):
            return 0.0
        if self.cash_is_net:
            return self.cash
        if self.cash_is_net is False:
            return self.cash - self.collateral_of_puts
        return min(self.cash, self.whole_cash - self.collateral_of_puts)

    @property
    def collateral_of_puts(self) -> float:
        """Collateral of all open short puts, dollars, less what long puts secure."""
        return math.fsum(self.collateral(o) for o in self.options if o.is_short and o.option_type == "put")

    def collateral(self, option: OpenOption) -> float:
        """Collateral of a short put, dollars, less what a covering long put pays."""
        return option.collateral - self.cover.secured.get(option.symbol, 0.0)

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

    def free_shares(self, symbol: str, closed: float = 0.0) -> float:
        """Shares that cover no open call, once calls on `closed` shares are bought back."""
        if not self.is_clear:
            return 0.0
        behind = sum(self._on_shares(call) * call.multiplier for call in self.short_calls(symbol))
        return max(0.0, self.shares_of(symbol) - max(0.0, behind - closed))

    def uncovered(self, option: OpenOption) -> int:
        """Contracts of a short call that neither shares nor long calls cover.

        Shares cover the nearest expiration first. Of a part of a position those that are not in it count as uncovered
        before those that are.
        """
        left = self.shares_of(option.underlying)
        for call in self.short_calls(option.underlying):
            covered = min(self._on_shares(call), int(left // call.multiplier))
            if call.symbol == option.symbol:
                return max(0, self._on_shares(call) - covered - (call.contracts - option.contracts))
            left -= covered * call.multiplier
        return 0

    def _on_shares(self, call: OpenOption) -> int:
        """Contracts of a short call that no long call covers."""
        return call.contracts - self.cover.contracts.get(call.symbol, 0)

    def is_combined(self, option: OpenOption) -> bool:
        """Whether a long option covers it, so that it must not be rolled to a later date or another strike."""
        return bool(self.cover.contracts.get(option.symbol))

    def cost_basis(self, symbol: str) -> float:
        """Cost basis of the stock, dollars a share, without premiums; NaN where unknown."""
        paid = self.shares[symbol].average_price if symbol in self.shares else math.nan
        return paid if paid > 0 else math.nan

    def paid(self, symbol: str) -> float:
        """Cost basis, or where unknown the share price now, dollars a share; losses are measured from it."""
        basis = self.cost_basis(symbol)
        return basis if basis > 0 else self.spots.get(symbol, math.nan)

    def has_long_calls(self, symbol: str) -> bool:
        """Whether calls on `symbol` are held."""
        return any((o.underlying, o.option_type) == (symbol, "call") and not o.is_short for o in self.options)

    def tied_up(self, symbol: str) -> float:
        """Dollars tied up in `symbol`: shares at market value and the collateral of puts; infinite where unknown."""
        puts = math.fsum(
            self.collateral(o) for o in self.options if o.is_short and (o.underlying, o.option_type) == (symbol, "put")
        )
        shares = value_of_shares(self.shares[symbol], self.spots) if self.shares_of(symbol) else 0.0
        total = puts + shares
        return math.inf if math.isnan(total) else max(0.0, total)

    def warnings(self) -> list[str]:
        """Warnings about the account as it stands, whatever the advice."""
        said = [
            f"{o.name}: size, strike, right or expiration is unknown; nothing is opened until it is known"
            for o in self.options
            if o.is_short and not o.is_readable
        ]
        for option in self.options:
            bare = self.uncovered(option) if option.is_short and option.option_type == "call" else 0
            if bare:
                said.append(
                    f"NOT COVERED by shares: {bare} of {option.counted(option.contracts)}; the loss has no limit"
                )
        if math.isnan(self.cash):
            said.append("the cash in the account is unknown; no put is opened")
        elif self.free_cash < 0:
            short = f"the open puts need {dollars(-self.free_cash)} more cash than the account has"
            hint = (
                "" if self.cash_is_net is False else "; if its cash leaves that out, set WHEEL_BROKER__CASH_IS_NET=true"
            )
            said.append(f"NOT SECURED: {short}{hint}")
        if not self.portfolio_value > 0:
            said.append("the portfolio value is unknown or not positive; no put is opened")
        return said


def read_account(
    positions: pd.DataFrame,
    spots: Mapping[str, float],
    portfolio_value: float | None = None,
    *,
    mids: Mapping[str, float] | None = None,
    cash_is_net: bool | None = None,
) -> Account:
    """The account from a frame of `tables.POSITIONS`; `spots` and `mids` are dollars a share by symbol and contract.

    The portfolio value is the one given, or else the sum of the market values; a stock or an option without one
    is valued at its spot price or mid, or else at cost.
    """
    shares, cash, options = holdings(positions, "stock"), holdings(positions, "cash"), open_options(positions)
    worth = [value_of_cash(holding) for holding in cash]
    worth += [value_of_shares(holding, spots) for holding in shares]
    worth += [value_of_option(option, mids or {}) for option in options]
    total = math.fsum(value for value in worth if math.isfinite(value))
    is_told = "cash" in set(positions["asset_type"])
    return Account(
        account_id=str(positions["account_id"].iloc[0]) if len(positions) else "",
        cash=math.fsum(holding.quantity for holding in cash) if is_told else math.nan,
        whole_cash=math.fsum(value_of_cash(holding) for holding in cash) if is_told else math.nan,
        shares={holding.symbol: holding for holding in shares},
        options=tuple(options),
        portfolio_value=portfolio_value if portfolio_value is not None else max(0.0, total),
        spots=spots,
        cash_is_net=cash_is_net,
    )
