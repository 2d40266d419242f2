"""What happened in an Alpaca account: fills at their price, ends of options and dividends by day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar

from wheel_assets.fetch.alpaca.session import SOURCE, AlpacaSession, session_of
from wheel_assets.fetch.normalise.holdings import dollars
from wheel_assets.fetch.source import Access, TransactionSource
from wheel_assets.fetch.transactions.broker_rows import damaged, finite, known, named, rows_of, time_of
from wheel_assets.fetch.transactions.frame import Transaction
from wheel_assets.rows import Rows

_ACTIVITIES = "/v2/account/activities"
_PAGE, _MOST_PAGES = 100, 500
_SHARES_A_CONTRACT = 100
# `OPTRD` is the trade of the shares that an assigned or exercised contract makes.
_KINDS = {"OPASN": "assignment", "OPTRD": "assignment", "OPEXP": "expiration", "OPEXC": "exercise", "FEE": "fee"}
_KINDS |= {"SPLIT": "split", "FILL": "trade"}


class AlpacaTransactions(TransactionSource):
    """Fills, assignments, expirations, dividends and fees; fees are rows of their own."""

    name: ClassVar[str] = SOURCE

    def __init__(self, session: AlpacaSession) -> None:
        self._session = session

    def transactions(self, account_id: str, since: datetime | None, now: datetime) -> Rows:
        """See `TransactionSource.transactions`."""
        return rows_of(SOURCE, [_transaction(row) for row in self._activities(since)], account_id, since, now)

    def _activities(self, since: datetime | None) -> Iterator[dict[str, Any]]:
        params = {"direction": "asc", "page_size": f"{_PAGE}"} | ({"after": f"{since:%Y-%m-%d}"} if since else {})
        for _ in range(_MOST_PAGES):
            sent = self._session.get(_ACTIVITIES, params)
            if not isinstance(sent, list) or not all(isinstance(row, dict) for row in sent):
                raise damaged(SOURCE, "its activities are no list of objects")
            yield from sent
            if len(sent) < _PAGE:
                return
            params = {**params, "page_token": str(sent[-1].get("id"))}


def open_transactions(access: Access) -> AlpacaTransactions:
    """Factory named in the registry entry."""
    return AlpacaTransactions(session_of(access))


def _transaction(row: dict[str, Any]) -> Transaction:
    what = str(row.get("activity_type"))
    kind = "dividend" if what.startswith("DIV") else _KINDS.get(what, "other")
    symbol, contract = named(row.get("symbol"))
    when = time_of(SOURCE, row.get("transaction_time") or row.get("date"))
    if kind == "trade":
        bought = str(row.get("side")).startswith("buy")
        quantity = abs(finite(SOURCE, dollars(row, "qty"), "a quantity")) * (1 if bought else -1)
        price = finite(SOURCE, dollars(row, "price"), "a price")
        amount = -quantity * price * (_SHARES_A_CONTRACT if contract else 1)
        return Transaction(when, kind, symbol, contract, quantity, price, None, amount)
    net = known(dollars(row, "net_amount")) or 0.0
    if kind in ("dividend", "fee", "other"):
        return Transaction(when, kind, symbol, contract, None, None, None, net)
    shares_price = None if contract else known(dollars(row, "price"))
    quantity = finite(SOURCE, dollars(row, "qty"), "a quantity")
    return Transaction(when, kind, symbol, contract, quantity, shares_price, None, net)
