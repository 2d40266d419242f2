"""tastytrade: History, CSV. Values are without fees, prices of options are those of a contract."""

from __future__ import annotations

from datetime import datetime

from wheel_assets.fetch.positions.spelling import number
from wheel_assets.fetch.positions.text import Row
from wheel_assets.fetch.transactions.frame import Transaction
from wheel_assets.fetch.transactions.layout import Layout, names, required, total

_ENDED = (("assignment", "assignment"), ("exercise", "exercise"), ("expiration", "expiration"))


def _read(row: Row) -> Transaction | None:
    when = datetime.fromisoformat(row.get("date"))
    if when.tzinfo is None:
        raise ValueError(f"{row.get('date')[:30]!r} names no offset from UTC")
    symbol, contract = names(row.get("symbol"), row.get("underlyingsymbol"))
    kind, fees = _kind(row, contract is not None), -total(row, "commissions", "fees")
    amount = total(row, "value", "commissions", "fees")
    if kind in ("dividend", "fee", "other"):
        return Transaction(when, kind, symbol, contract, None, None, fees or None, amount)
    quantity = abs(required(row, "quantity"))
    action = row.get("action").upper()
    if action:
        quantity *= -1 if action.startswith("SELL") else 1
    price = number(row.get("averageprice")) if contract is None or kind == "trade" else None
    price = None if price is None else abs(price) / (number(row.get("multiplier")) or 1)
    return Transaction(when, kind, symbol, contract, quantity, price, fees, amount)


def _kind(row: Row, is_option: bool) -> str:
    what, more = row.get("type").lower(), row.get("subtype").lower()
    if what == "money movement":
        return "dividend" if "dividend" in more else "fee" if "fee" in more or "adjustment" in more else "other"
    if what == "trade":
        return "trade"
    if "split" in more or "symbol change" in more:
        return "split"
    if ended := next((kind for word, kind in _ENDED if word in more), None):
        return ended
    # Shares that a contract brought or took: `Receive Deliver, Buy to Open`.
    return "assignment" if row.get("action") and not is_option else "other"


LAYOUT = Layout(
    "tastytrade",
    frozenset(("date", "type", "subtype", "action", "symbol", "instrumenttype", "value", "quantity", "commissions")),
    _read,
)
