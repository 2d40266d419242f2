"""Dagster's event log in SQLite, which can store the events of many partitions in one transaction.

A scan has two events a partition. Dagster hands them over in batches where DAGSTER_EVENT_BATCH_SIZE is set, as `wheel
scan` does; its PostgreSQL storage writes such a batch at once, its SQLite storage in two transactions an event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage

if TYPE_CHECKING:
    from dagster import EventLogEntry

BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"  # environment variable of Dagster: most events of a batch
_BATCHED = {dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED}


class BatchedSqliteEventLog(SqliteEventLogStorage):
    """Dagster's SQLite event log; a batch costs two transactions, one in the run's database and one in the index."""

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store materializations of one run, planned or done, together; other events one at a time."""
        runs, kinds = {event.run_id for event in events}, {event.dagster_event_type for event in events}
        if len(runs) != 1 or not kinds <= _BATCHED:
            super().store_event_batch(events)
            return
        insert, rows = SqlEventLogStorageTable.insert(), [self._event_to_row(event) for event in events]
        with self.run_connection(runs.pop()) as connection:
            connection.execute(insert, rows)
        with self.index_transaction() as connection:
            ids = [connection.execute(insert, row).lastrowid for row in rows]
            self._store_asset_event_tags(connection, events, ids)
            last = {event.get_dagster_event().asset_key: (event, at) for event, at in zip(events, ids, strict=True)}
            for event, at in last.values():  # one line an asset, which is about its last event
                self._store_asset_event(connection, event, at)
