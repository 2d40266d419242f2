"""The ledger of API calls, as sources write it: what costs money at once, the rest in one go."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from functools import cache
from typing import Any, ClassVar, Protocol

from wheel_assets.cache.store import Store


class Call(Protocol):
    """One request: a dataclass whose fields are the columns of `tables.API_CALLS`, in order."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def cost_usd(self) -> float:
        """Its estimated cost, dollars."""


class Ledger:
    """Where every source of this process reports its requests."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._unwritten: list[Call] = []
        self._writing = threading.Lock()

    def record(self, call: Call) -> None:
        """Note a request. One that costs money is durable on return, so that a kill does not hide it.

        Raises StoreError where that cannot be done: money whose trace cannot be kept must not be spent.
        """
        self._unwritten.append(call)
        if call.cost_usd > 0:
            self._write()

    def spent_this_month(self) -> float:
        """Dollars since the first of the calendar month (UTC), by every process that shares the cache."""
        first = self._store.clock().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return self._store.spent(first) + sum(call.cost_usd for call in self._unwritten)

    @contextmanager
    def kept(self) -> Iterator[Ledger]:
        """Write, when the block ends, what was recorded by then."""
        try:
            yield self
        finally:
            self._write()

    def _write(self) -> None:
        with self._writing:
            calls = self._unwritten.copy()
            self._store.record_calls([astuple(call) for call in calls])
            del self._unwritten[: len(calls)]


@cache
def ledger_of(store: Store) -> Ledger:
    """The one ledger of this process for a store."""
    return Ledger(store)
