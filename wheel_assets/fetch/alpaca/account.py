"""Holdings and cash of an Alpaca account."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

import numpy as np

from wheel_assets.fetch.alpaca.session import SOURCE, AlpacaSession, session_of
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
from wheel_assets.rows import Rows

_KINDS = {"us_equity": "stock", "us_option": "option"}
_SIGNS = {"long": 1.0, "short": -1.0}


class AlpacaAccount(AccountSource):
    """The account of the key."""

    name: ClassVar[str] = SOURCE

    def __init__(self, session: AlpacaSession) -> None:
        self._session = session

    def positions(self, account_id: str, now: datetime) -> Rows:
        """Holdings and cash, see `AccountSource.positions`."""
        account = self._session.get("/v2/account", {})
        if not isinstance(account, dict):
            raise unreadable(SOURCE, "its account is no object")
        number = chosen_number(SOURCE, [account.get("account_number", "")], account_id)
        sent = self._session.get("/v2/positions", {}, masked(number))
        if not isinstance(sent, list) or not all(isinstance(row, dict) for row in sent):
            raise unreadable(SOURCE, "its positions are no list of objects")
        held = [_row(row) for row in sent if str(row.get("asset_class")) in _KINDS]
        cash, equity = ("cash", dollars(account, "cash")), dollars(account, "equity")
        rows = account_rows(SOURCE, account_id, held, now, cash=cash, equity=equity)
        left_out = other_kinds((row.get("asset_class") for row in sent), _KINDS)
        return replace(rows, notes=(*rows.notes, *left_out))


def open_account(access: Access) -> AlpacaAccount:
    """Factory named in the registry entry."""
    return AlpacaAccount(session_of(access))


def _row(sent: dict[str, Any]) -> dict[str, Any]:
    """One holding: numbers are texts, the side carries the sign, whatever that of the quantity."""
    side = str(sent.get("side"))
    if side not in _SIGNS:
        raise unreadable(SOURCE, f"a position has the side {side[:40]!r}")
    sign = _SIGNS[side]
    quantity, value = sign * abs(dollars(sent, "qty")), sign * abs(dollars(sent, "market_value"))
    average = abs(dollars(sent, "avg_entry_price"))
    values = {"quantity": quantity, "average_price": average, "market_value": value}
    row = holding(SOURCE, sent.get("symbol"), _KINDS[sent["asset_class"]], **values)
    if not np.isfinite(value):
        row["market_value"] = dollars(sent, "current_price") * quantity * row["multiplier"]
    return row
