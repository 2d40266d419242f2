"""Our own layout, for users of other brokers: the columns of the table `transactions`."""

from __future__ import annotations

from datetime import datetime

from wheel_assets.fetch.positions.spelling import number
from wheel_assets.fetch.positions.text import Row
from wheel_assets.fetch.transactions.frame import Transaction
from wheel_assets.fetch.transactions.layout import Layout, day_of, names
from wheel_assets.tables import TRANSACTION_KINDS


def _read(row: Row) -> Transaction | None:
    kind = row.get("kind").lower()
    if kind not in TRANSACTION_KINDS:
        raise ValueError(f"kind {kind[:30]!r} is none of {', '.join(TRANSACTION_KINDS)}")
    symbol, contract = names(row.get("optionsymbol") or row.get("symbol"), row.get("symbol"))
    quantity, price, fees, amount = (number(row.get(name)) for name in ("quantity", "price", "fees", "amount"))
    return Transaction(_when(row.get("executedat")), kind, symbol, contract, quantity, price, fees, amount or 0.0)


def _when(text: str) -> datetime:
    """A time with its offset from UTC, or a day."""
    try:
        return day_of(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text[:30]!r} names no offset from UTC")
    return moment


LAYOUT = Layout("own", frozenset(("executedat", "kind", "amount")), _read, ("accountid",), "executedat")
