"""The ledger of API calls and the monthly budget.

Paid calls are written at once, free ones in batches. Money is reserved before it is spent: a row with the estimate,
checked against the budget and written in one transaction, so that two processes cannot exceed the budget together. The
rows of the paid calls replace the reservation, and its rest is released; the reservation of a killed process stays,
because its download may have to be paid for.
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
        """The requested symbol or account."""


@dataclass
class _Reservation:
    """Dollars held for calls of one key; `note` identifies its row."""

    note: str
    held: float


class Ledger:
    """Ledger of all requests of this process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._unwritten: list[Call] = []
        self._reservations: dict[str | None, list[_Reservation]] = {}
        self._writing = threading.Lock()

    def record(self, call: Call) -> None:
        """Record a request. A paid one is durable on return, so that a kill does not hide it.

        Raises StoreError where it cannot be written: money must not be spent without a record.
        """
        self._unwritten.append(call)
        if call.cost_usd > 0:
            self._write()

    @contextmanager
    def reserve(self, source: str, key: str, cost_usd: float, limit: float) -> Iterator[None]:
        """Reserve `cost_usd` dollars of this month's budget for paid calls about `key`, for the length of the block.

        Calls recorded in the block are charged to the reservation. Blocks may be nested: the inner one is charged
        first. Raises BudgetExceeded where the month's spend, reservations of all processes included, would exceed
        `limit` dollars; StoreError.
        """
        self._write()  # earlier calls that are still in memory count towards the budget too
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
        """Write the recorded calls when the block ends."""
        try:
            yield self
        finally:
            self._write()

    def _month(self) -> datetime:
        return self._store.clock().replace(day=1, hour=0, minute=0, second=0, microsecond=0)

    def _write(self, settled: dict[str, float] | None = None) -> None:
        """Write the recorded calls and, in the same transaction, the remaining reservations."""
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
