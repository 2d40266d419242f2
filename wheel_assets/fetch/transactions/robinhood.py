"""Robinhood: Reports and statements, CSV. Codes say what happened; amounts are net, fees are left out."""

from __future__ import annotations

from wheel_assets.fetch.positions.spelling import number
from wheel_assets.fetch.positions.text import Row
from wheel_assets.fetch.transactions.frame import Transaction
from wheel_assets.fetch.transactions.layout import Layout, contract_of, day_of, names

_SIGNS = {"buy": 1, "bto": 1, "btc": 1, "bc": 1, "sell": -1, "sto": -1, "stc": -1, "ss": -1}
_ENDED = {"oasgn": "assignment", "oexp": "expiration", "oexcs": "exercise", "oexc": "exercise"}
_KINDS = {
    **dict.fromkeys(_SIGNS, "trade"),
    **_ENDED,
    **dict.fromkeys(("cdiv", "mdiv", "div", "divnra"), "dividend"),
    **dict.fromkeys(("spl", "spr"), "split"),
    **dict.fromkeys(("gold", "afee", "dfee", "dtax"), "fee"),
}
_MOST_FEES = 0.05  # of a trade: a greater difference is no fee


def _read(row: Row) -> Transaction | None:
    code = row.get("transcode").lower()
    kind = _KINDS.get(code, "other")
    first = row.get("description").splitlines()[0] if row.get("description") else ""
    contract = contract_of(first.removeprefix("Option Expiration for "))
    symbol = names(row.get("instrument"))[0] or (contract.underlying if contract else None)
    if kind in _ENDED.values() and contract is None:
        raise ValueError(f"{first[:40]!r} is not an option")
    if kind == "trade" and "option assigned" in row.get("description").lower():
        kind = "assignment"
    quantity = _quantity(row) if kind in ("trade", "split", *_ENDED.values()) else None
    price = number(row.get("price")) if code in _SIGNS else None
    amount = number(row.get("amount")) or 0.0
    if quantity is not None and code in _SIGNS:
        quantity = abs(quantity) * _SIGNS[code]
    fees = _fees(quantity, price, 100 if contract else 1, amount)
    return Transaction(
        day_of(row.get("activitydate")), kind, symbol, contract and contract.osi, quantity, price, fees, amount
    )


def _quantity(row: Row) -> float:
    """The number; an S behind it says that the position was short."""
    text = row.get("quantity")
    value = number(text.removesuffix("S"))
    if value is None:
        raise ValueError("no quantity")
    return value


def _fees(quantity: float | None, price: float | None, multiplier: int, amount: float) -> float | None:
    """What a trade came to less than quantity times price."""
    if not (quantity and price):
        return None
    gross = -quantity * price * multiplier
    fees = round(gross - amount, 2)
    return fees if 0 <= fees <= _MOST_FEES * abs(gross) else None


LAYOUT = Layout(
    "robinhood",
    frozenset(("activitydate", "instrument", "description", "transcode", "quantity", "price", "amount")),
    _read,
    ends="activitydate",
)
