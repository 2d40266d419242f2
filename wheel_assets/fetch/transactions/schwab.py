"""Schwab: History, Export, CSV. Quantities have no sign, days no time; `as of` is the day that counts."""

from __future__ import annotations

from wheel_assets.fetch.positions.spelling import number
from wheel_assets.fetch.positions.text import Row
from wheel_assets.fetch.transactions.frame import Transaction
from wheel_assets.fetch.transactions.layout import Layout, day_of, names, required

_BOUGHT = {"buy", "buy to open", "buy to close", "reinvest shares"}
_SOLD = {"sell", "sell to open", "sell to close", "sell short"}
_ENDED = {
    "assigned": "assignment",
    "expired": "expiration",
    **dict.fromkeys(("exercised", "exchange or exercise"), "exercise"),
}
_SPLITS = {"stock split", "reverse split"}


def _read(row: Row) -> Transaction | None:
    action = row.get("action").lower()
    if row.get("date").lower().startswith("transactions total"):
        return None
    symbol, contract = names(row.get("symbol"))
    amount, fees = number(row.get("amount")) or 0.0, number(row.get("feescomm"))
    kind, quantity = _kind(action), None
    if kind in ("trade", *_ENDED.values(), "split"):
        quantity = required(row, "quantity")
    if kind == "trade":
        quantity = abs(quantity or 0) * (1 if action in _BOUGHT else -1)
    price = number(row.get("price")) if kind == "trade" else None
    return Transaction(day_of(row.get("date")), kind, symbol, contract, quantity, price, fees, amount)


def _kind(action: str) -> str:
    if action in _BOUGHT | _SOLD:
        return "trade"
    if action in _ENDED:
        return _ENDED[action]
    if action in _SPLITS:
        return "split"
    if "div" in action or "cap gain" in action:
        return "dividend"
    return "fee" if "fee" in action or "tax" in action else "other"


LAYOUT = Layout("schwab", frozenset(("date", "action", "symbol", "quantity", "price", "feescomm", "amount")), _read)
