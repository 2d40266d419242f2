"""Fidelity: Activity & Orders, Download. What happened is a text in capitals; quantities have their sign."""

from __future__ import annotations

import re
from datetime import datetime

from wheel_assets.fetch.positions.spelling import day, number
from wheel_assets.fetch.positions.text import Row
from wheel_assets.fetch.transactions.frame import Transaction
from wheel_assets.fetch.transactions.layout import Layout, at_close, names, required, total

_KINDS = (
    (r"YOU (BOUGHT|SOLD) (ASSIGNED|EXERCISED)", "assignment"),
    (r"YOU (BOUGHT|SOLD)|REINVESTMENT", "trade"),
    (r"ASSIGNED", "assignment"),
    (r"EXERCISED", "exercise"),
    (r"EXPIRED", "expiration"),
    (r"DIVIDEND|.*CAP(ITAL)? GAIN|RETURN OF CAPITAL|IN LIEU OF", "dividend"),
    (r".*\bSPLIT\b|DISTRIBUTION", "split"),
    (r".*\b(FEE|TAX)\b", "fee"),
)
_MOVES = ("trade", "assignment", "exercise", "expiration", "split")
_AS_OF = re.compile(r"\bAS OF (?P<day>[A-Z]{3}-\d{1,2}-\d{4}|\d{4}-\d{2}-\d{2}|\d{2}-\d{2}-\d{2,4})", re.ASCII)


def _read(row: Row) -> Transaction | None:
    action = row.get("action").upper()
    symbol, contract = names(row.get("symbol"))
    kind = next((kind for words, kind in _KINDS if re.match(words, action)), "other")
    quantity = required(row, "quantity") if kind in _MOVES else None
    fees = total(row, "commission", "fees") or None
    price = (
        number(row.get("price")) if kind in ("trade", "assignment") and contract is None or kind == "trade" else None
    )
    return Transaction(_when(row), kind, symbol, contract, quantity, price, fees, number(row.get("amount")) or 0.0)


def _when(row: Row) -> datetime:
    """The day that the text says it is as of, else that of the row."""
    stated = _AS_OF.search(row.get("action").upper())
    return at_close(day(stated["day"] if stated else row.get("rundate")))


LAYOUT = Layout(
    "fidelity",
    frozenset(("rundate", "action", "symbol", "quantity", "amount")),
    _read,
    account=("accountnumber", "account"),
    ends="rundate",
)
