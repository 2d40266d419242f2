"""Holdings and cash of a Tradier account."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

import numpy as np

from wheel_assets.fetch.normalise.holdings import (
    account_rows,
    chosen_number,
    dollars,
    holding,
    masked,
    unreadable,
)
from wheel_assets.fetch.source import Access, AccountSource
from wheel_assets.fetch.tradier.market import price_of, quotes_of
from wheel_assets.fetch.tradier.session import PROFILE, SOURCE, TradierSession, items, session_of
from wheel_assets.rows import Rows


class TradierAccount(AccountSource):
    """An account by `default` (the only one) or number."""

    name: ClassVar[str] = SOURCE

    def __init__(self, session: TradierSession) -> None:
        self._session = session

    def positions(self, account_id: str, now: datetime) -> Rows:
        """Holdings and cash, see `AccountSource.positions`; Tradier values nothing: that is done by its quotes."""
        number = account_number(self._session, account_id)
        balances = self._session.of_account(number, "balances", {}, masked(number))
        sent = items(self._session.of_account(number, "positions", {}, masked(number)), "position")
        if not isinstance(balances, dict) or not all(isinstance(row, dict) for row in sent):
            raise unreadable(SOURCE, "its balances or positions are no objects")
        symbols = [row["symbol"] for row in sent if isinstance(row.get("symbol"), str)]
        prices = quotes_of(self._session, symbols) if symbols else {}
        held = [_row(row, prices) for row in sent]
        equity = dollars(balances, "total_equity")
        return account_rows(SOURCE, account_id, held, now, cash=_cash(balances), equity=equity)


def open_account(access: Access) -> TradierAccount:
    """Factory named in the registry entry."""
    return TradierAccount(session_of(access))


def account_number(session: TradierSession, account_id: str) -> str:
    """The number of the account that is meant; raises SourceRefused."""
    profile = session.get(PROFILE, {}, "profile")["profile"]
    accounts = [account for account in items(profile, "account") if isinstance(account, dict)]
    return chosen_number(SOURCE, [account.get("account_number", "") for account in accounts], account_id)


def _row(sent: dict[str, Any], prices: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """One holding. Tradier's quantity is signed, its cost that of the whole position, negative where it was sold."""
    code, quantity, cost = sent.get("symbol"), dollars(sent, "quantity"), dollars(sent, "cost_basis")
    row = holding(SOURCE, code, quantity=quantity, average_price=np.nan, market_value=np.nan)
    units = quantity * row["multiplier"]
    row["average_price"] = abs(cost / units) if units else np.nan
    row["market_value"] = price_of(prices.get(str(code), {})) * units
    return row


def _cash(balances: dict[str, Any]) -> tuple[str, float]:
    """The cash, and the field it is of; never a buying power, which is borrowed."""
    detail = balances.get("cash")
    unsettled = dollars(detail, "unsettled_funds") if isinstance(detail, dict) else np.nan
    if unsettled > 0:
        return "total_cash less unsettled_funds", dollars(balances, "total_cash") - unsettled
    return "total_cash", dollars(balances, "total_cash")
