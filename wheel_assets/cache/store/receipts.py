"""Receipts of paid calls, in a file beside the cache: a lost or damaged cache does not reset the budget.

Every paid call and every reservation is appended here, durably, before it is committed to the ledger. The cache notes
how many bytes of this file its ledger contains; a new or recovered cache takes over the rest. A receipt whose commit
never happened counts as paid: too much is counted rather than too little.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from wheel_assets.cache.store import schema
from wheel_assets.tables import API_CALLS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

KNOWN = "receipts"  # key in `meta`: how many bytes of the file are in the ledger
NOTHING_HELD = 1e-6  # dollars: a reservation of less is settled
_NAMES = [column.name for column in API_CALLS.columns]
_COST, _NOTE = _NAMES.index("cost_usd"), _NAMES.index("error")
_HELD_COLUMNS = ", ".join(f'"{name}"' for name in _NAMES)

log = logging.getLogger(__name__)


class Receipts:
    """The file of receipts; used only under the lock of the cache."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(
        self,
        connection: DuckDBPyConnection,
        calls: Sequence[Sequence[Any]],
        held: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """Append the paid calls and the new amounts of reservations, within the transaction that stores both."""
        events: list[dict[str, Any]] = [{"call": list(call)} for call in calls if call[_COST] > 0]
        if held:
            events.append({"held": dict(held)})
        if not events:
            return
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            # Each record begins with a newline, so that one cut short by a kill spoils only itself.
            os.write(handle, "".join(f"\n{json.dumps(event, default=datetime.isoformat)}" for event in events).encode())
            # On the disk before the ledger commits: after a power cut the spend may be counted too high, never too low.
            os.fsync(handle)
            size = os.fstat(handle).st_size
        finally:
            os.close(handle)
        schema.write_note(connection, KNOWN, str(size))

    def reconcile(self, connection: DuckDBPyConnection) -> None:
        """Add missing receipts to the ledger of the attached cache; seed a new file from an older ledger."""
        if not self.path.exists():
            query = f"SELECT {_HELD_COLUMNS} FROM api_calls WHERE cost_usd > 0"
            if paid := connection.execute(query).fetchall():
                with schema.one_transaction(connection):
                    self.add(connection, paid)
            return
        size = self.path.stat().st_size
        if schema.read_note(connection, KNOWN) == str(size):
            return
        with schema.one_transaction(connection):
            missing = self._missing(connection)
            if missing:
                marks = ", ".join("?" for _ in _NAMES)
                connection.executemany(f"INSERT INTO api_calls ({_HELD_COLUMNS}) VALUES ({marks})", missing)
            schema.write_note(connection, KNOWN, str(size))
        if missing:
            dollars = sum(call[_COST] for call in missing)
            log.warning(
                "the ledger lacked %d paid calls ($%.2f); they were restored from %s", len(missing), dollars, self.path
            )

    def _missing(self, connection: DuckDBPyConnection) -> list[list[Any]]:
        """The receipts without a row in the ledger."""
        rows = connection.execute(f"SELECT {_HELD_COLUMNS} FROM api_calls WHERE cost_usd > 0").fetchall()
        there = [json.dumps(list(row), default=datetime.isoformat) for row in rows]
        missing = []
        for call in self._paid():
            text = json.dumps(call)
            if text in there:
                there.remove(text)
            else:
                missing.append(call)
        return missing

    def _paid(self) -> list[list[Any]]:
        """Every paid call and every open reservation, in the order of the file."""
        calls: list[list[Any]] = []
        for line in self.path.read_text(errors="replace").splitlines():
            try:
                event = json.loads(line) if line else {}
            except ValueError:
                continue  # cut short by a kill, before its commit
            if len(event.get("call", ())) == len(_NAMES):
                calls.append(event["call"])
            for note, dollars in event.get("held", {}).items():
                for call in calls:
                    if call[_NOTE] == note:
                        call[_COST] = max(0.0, dollars)
        return [call for call in calls if call[_COST] >= NOTHING_HELD]
