"""What happened in a tastytrade account: every number is unsigned, with an effect or an action beside it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from wheel_assets.fetch.normalise.holdings import dollars, masked
from wheel_assets.fetch.source import Access, TransactionSource
from wheel_assets.fetch.tastytrade.account import account_number
from wheel_assets.fetch.tastytrade.session import SOURCE, TastytradeSession, session_of
from wheel_assets.fetch.transactions.broker_rows import ended, finite, known, named, rows_of, time_of
from wheel_assets.fetch.transactions.frame import Transaction
from wheel_assets.rows import Rows

_EFFECTS = {"Credit": 1.0, "Debit": -1.0, "None": 0.0}
_FEES = ("commission", "clearing-fees", "regulatory-fees", "proprietary-index-option-fees")


class TastytradeTransactions(TransactionSource):
    """Trades, assignments, expirations, dividends and fees."""

    name: ClassVar[str] = SOURCE

    def __init__(self, session: TastytradeSession) -> None:
        self._session = session

    def transactions(self, account_id: str, since: datetime | None, now: datetime) -> Rows:
        """See `TransactionSource.transactions`."""
        number = account_number(self._session, account_id)
        path, endpoint = f"/accounts/{number}/transactions", "/accounts/{account}/transactions"
        params = {"start-date": f"{since:%Y-%m-%d}"} if since else {}
        sent = self._session.pages(path, params, key=masked(number), endpoint=endpoint, secret=number)
        return rows_of(SOURCE, [_transaction(row) for row in sent], account_id, since, now)


def open_transactions(access: Access) -> TastytradeTransactions:
    """Factory named in the registry entry."""
    return TastytradeTransactions(session_of(access))


def _transaction(row: dict[str, Any]) -> Transaction:
    symbol, contract = named(row.get("symbol"), row.get("underlying-symbol"))
    kind = _kind(row, contract is not None)
    fees = -sum(_signed(row, name) for name in _FEES)
    net = "net-value" if "net-value" in row else "value"
    amount = _signed(row, net) - (fees if net == "value" else 0.0)
    quantity = dollars(row, "quantity")
    action = str(row.get("action") or "").lower()
    quantity *= -1 if action.startswith("sell") else 1
    when = time_of(SOURCE, row.get("executed-at"))
    if kind in ("dividend", "fee", "other"):
        return Transaction(when, kind, symbol, contract, None, None, fees or None, amount)
    finite(SOURCE, quantity, "a quantity")
    price = known(dollars(row, "price")) if contract is None or kind == "trade" else None
    return Transaction(when, kind, symbol, contract, quantity, price, fees, amount)


def _kind(row: dict[str, Any], is_option: bool) -> str:
    what, more = str(row.get("transaction-type")).lower(), str(row.get("transaction-sub-type")).lower()
    if what == "trade":
        return "trade"
    if what == "money movement":
        return "dividend" if "dividend" in more else "fee" if "fee" in more else "other"
    if "split" in more:
        return "split"
    # Shares that a contract brought or took are `Receive Deliver, Buy to Open`.
    return ended(more) or ("assignment" if row.get("action") and not is_option else "other")


def _signed(row: dict[str, Any], name: str) -> float:
    """Dollars received, negative where paid; nothing where nothing is sent."""
    if row.get(name) in (None, ""):
        return 0.0
    effect = _EFFECTS.get(str(row.get(f"{name}-effect")), 1.0)
    return effect * abs(finite(SOURCE, dollars(row, name), name))
