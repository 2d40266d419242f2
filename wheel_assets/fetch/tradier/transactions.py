"""What happened in a Tradier account: events by day, each with the details of its kind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar

import numpy as np

from wheel_assets.fetch.normalise.holdings import dollars, masked
from wheel_assets.fetch.source import Access, TransactionSource
from wheel_assets.fetch.tradier.account import account_number
from wheel_assets.fetch.tradier.session import SOURCE, TradierSession, items, session_of
from wheel_assets.fetch.transactions.broker_rows import ended, finite, known, named, rows_of, time_of
from wheel_assets.fetch.transactions.frame import Transaction
from wheel_assets.rows import Rows

_PAGE, _MOST_PAGES = 500, 100
_KINDS = {"trade": "trade", "dividend": "dividend", "fee": "fee"}


class TradierTransactions(TransactionSource):
    """Trades, assignments, expirations, dividends and fees, by day."""

    name: ClassVar[str] = SOURCE

    def __init__(self, session: TradierSession) -> None:
        self._session = session

    def transactions(self, account_id: str, since: datetime | None, now: datetime) -> Rows:
        """See `TransactionSource.transactions`."""
        number = account_number(self._session, account_id)
        found = [_transaction(event) for event in self._events(number, since)]
        return rows_of(SOURCE, found, account_id, since, now)

    def _events(self, number: str, since: datetime | None) -> Iterator[dict[str, Any]]:
        first = {"start": f"{since:%Y-%m-%d}"} if since else {}
        for page in range(1, _MOST_PAGES + 1):
            params = {"page": f"{page}", "limit": f"{_PAGE}", **first}
            sent = items(self._session.of_account(number, "history", params, masked(number)), "event")
            yield from (event for event in sent if isinstance(event, dict))
            if len(sent) < _PAGE:
                return


def open_transactions(access: Access) -> TradierTransactions:
    """Factory named in the registry entry."""
    return TradierTransactions(session_of(access))


def _transaction(event: dict[str, Any]) -> Transaction:
    """A bought quantity is one that cost cash, whatever sign it has; ends get their sign from what was held."""
    what = str(event.get("type")).lower()
    inner = event.get(what)
    detail: dict[str, Any] = inner if isinstance(inner, dict) else {}
    symbol, contract = named(detail.get("symbol"), detail.get("description") if what == "option" else None)
    kind = _KINDS.get(what) or (what == "option" and ended(f"{detail.get('option_type')} {detail}")) or "other"
    amount, when = finite(SOURCE, dollars(event, "amount"), "an amount"), time_of(SOURCE, event.get("date"))
    fees = known(dollars(detail, "commission"))
    if kind in ("dividend", "fee", "other"):
        return Transaction(when, kind, symbol, contract, None, None, fees or None, amount)
    quantity = finite(SOURCE, dollars(detail, "quantity"), "a quantity")
    quantity = abs(quantity) * -np.sign(amount) if kind == "trade" and amount else quantity
    price = known(dollars(detail, "price")) if kind == "trade" else None
    return Transaction(when, kind, symbol, contract, float(quantity), price, fees, amount)
