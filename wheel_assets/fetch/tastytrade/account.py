"""Holdings and cash of a tastytrade account."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

import numpy as np

from wheel_assets.fetch.normalise.holdings import (
    account_rows,
    chosen_number,
    dollars,
    holding,
    masked,
    other_kinds,
    unreadable,
)
from wheel_assets.fetch.source import Access, AccountSource
from wheel_assets.fetch.tastytrade.session import SOURCE, TastytradeSession, items, session_of
from wheel_assets.rows import Rows

_KINDS = {"Equity": "stock", "Equity Option": "option"}
_SIGNS = {"Long": 1.0, "Short": -1.0, "Zero": 0.0}


class TastytradeAccount(AccountSource):
    """An account by `default` (the only open one) or number."""

    name: ClassVar[str] = SOURCE

    def __init__(self, session: TastytradeSession) -> None:
        self._session = session

    def positions(self, account_id: str, now: datetime) -> Rows:
        """Holdings and cash, see `AccountSource.positions`."""
        number = account_number(self._session, account_id)
        balances = of_account(self._session, number, "balances/USD", {})
        params = {"include-marks": "true", "net-positions": "true"}
        sent = items(of_account(self._session, number, "positions", params))
        if not isinstance(balances, dict):
            raise unreadable(SOURCE, "its balances are no object")
        held = [_row(row) for row in sent if str(row.get("instrument-type")) in _KINDS]
        cash = ("cash-balance", dollars(balances, "cash-balance"))
        equity = dollars(balances, "net-liquidating-value")
        rows = account_rows(SOURCE, account_id, held, now, cash=cash, equity=equity)
        left_out = other_kinds((row.get("instrument-type") for row in sent), _KINDS)
        return replace(rows, notes=(*rows.notes, *left_out))


def open_account(access: Access) -> TastytradeAccount:
    """Factory named in the registry entry."""
    return TastytradeAccount(session_of(access))


def account_number(session: TastytradeSession, account_id: str) -> str:
    """The number of the account that is meant; raises SourceRefused."""
    sent = [item.get("account") for item in items(session.get("/customers/me/accounts", {}))]
    accounts = [account for account in sent if isinstance(account, dict) and account.get("is-closed") is not True]
    return chosen_number(SOURCE, [account.get("account-number", "") for account in accounts], account_id)


def of_account(session: TastytradeSession, number: str, what: str, params: dict[str, str]) -> Any:
    """An answer about one account, whose number neither errors nor the ledger repeat."""
    endpoint = f"/accounts/{{account}}/{what}"
    return session.get(f"/accounts/{number}/{what}", params, key=masked(number), endpoint=endpoint, secret=number)


def _row(sent: dict[str, Any]) -> dict[str, Any]:
    """One holding: tastytrade's numbers are texts and never negative, the direction carries the sign."""
    direction = str(sent.get("quantity-direction"))
    if direction not in _SIGNS:
        raise unreadable(SOURCE, f"a position has the direction {direction[:40]!r}")
    quantity = _SIGNS[direction] * dollars(sent, "quantity")
    average, multiplier = dollars(sent, "average-open-price"), dollars(sent, "multiplier")
    values = {"quantity": quantity, "average_price": average, "market_value": np.nan, "multiplier": multiplier}
    row = holding(SOURCE, sent.get("symbol"), _KINDS[sent["instrument-type"]], **values)
    units = quantity * row["multiplier"]
    prices = [dollars(sent, "mark-price"), dollars(sent, "mark") / abs(units or np.nan), dollars(sent, "close-price")]
    row["market_value"] = next((price for price in prices if np.isfinite(price)), np.nan) * units
    return row
