"""The ledger of API calls, as sources write it, and the month's budget, which is what the ledger leaves of it.

What costs money is written at once, the rest in one go. Before money is spent it is reserved: a row of
its own with the estimate, checked against the budget and written in one transaction, so that two
processes never pass the budget together. The rows of the paid calls replace it. What is left is given
back; of a process that was killed it stays as spent, for its download may have to be paid for.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Protocol
from uuid import uuid4

from wheel_assets.cache.store.store import Store
from wheel_assets.errors import BudgetExceeded

RESERVATION = "(reservation)"  # its endpoint in the ledger


class Call(Protocol):
    """One request: a dataclass whose fields are the columns of `tables.API_CALLS`, in order."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def cost_usd(self) -> float:
        """Its estimated cost, dollars."""

    @property
    def key(self) -> str | None:
        """The symbol or account it asks for."""


@dataclass
class _Reservation:
    """Dollars held for calls of one key; `note` is what its row is found by."""

    note: str
    held: float


class Ledger:
    """Where every source of this process reports its requests."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._unwritten: list[Call] = []
        self._reservations: dict[str | None, list[_Reservation]] = {}
        self._writing = threading.Lock()

    def record(self, call: Call) -> None:
        """Note a request. One that costs money is durable on return, so that a kill does not hide it.

        Raises StoreError where that cannot be done: money whose trace cannot be kept must not be spent.
        """
        self._unwritten.append(call)
        if call.cost_usd > 0:
            self._write()

    @contextmanager
    def reserve(self, source: str, key: str, cost_usd: float, limit: float) -> Iterator[None]:
        """Hold dollars of this month's budget for paid calls about `key`, for the length of the block.

        What is recorded in the block is paid out of them. Blocks may be nested: the inner one pays first.
        Raises BudgetExceeded where the month's spend, reservations of all processes included, would pass
        `limit` dollars; StoreError.
        """
        self._write()  # what could not be written before counts too
        reservation = _Reservation(f"not settled yet: {uuid4().hex}", cost_usd)
        row = (self._store.clock(), source, RESERVATION, None, None, None, cost_usd, key, reservation.note)
        spent = self._store.reserve(row, cost_usd, self._month(), limit)
        if spent is not None:
            what = f"{key} from {source.capitalize()} would cost ${cost_usd:.4f}"
            why = f"${spent:.2f} of this month's ${limit:.2f} are spent"
            remedy = "raise WHEEL_BUDGET__MONTHLY_USD or use another market source"
            raise BudgetExceeded(what, why, remedy, source=source)
        with self._writing:
            self._reservations.setdefault(key, []).append(reservation)
        try:
            yield
        finally:
            with self._writing:
                self._reservations[key].remove(reservation)
            self._write({reservation.note: 0.0})

    @contextmanager
    def kept(self) -> Iterator[Ledger]:
        """Write, when the block ends, what was recorded by then."""
        try:
            yield self
        finally:
            self._write()

    def _month(self) -> datetime:
        return self._store.clock().replace(day=1, hour=0, minute=0, second=0, microsecond=0)

    def _write(self, settled: dict[str, float] | None = None) -> None:
        """Write what was recorded and, in the same transaction, what the reservations hold after that."""
        with self._writing:
            calls, left = self._unwritten.copy(), settled or {}
            for call in calls:
                if call.cost_usd > 0 and (open_ones := self._reservations.get(call.key)):
                    payer = open_ones[-1]
                    left[payer.note] = left.get(payer.note, payer.held) - call.cost_usd
            self._store.record_calls([astuple(call) for call in calls], left)
            for reservation in (each for of_key in self._reservations.values() for each in of_key):
                reservation.held = left.get(reservation.note, reservation.held)
            del self._unwritten[: len(calls)]


@cache
def ledger_of(store: Store) -> Ledger:
    """The one ledger of this process for a store."""
    return Ledger(store)
