"""Retention of Dagster's run records: old runs are removed, killed runs are marked as failed.

Dagster never removes a record: every run leaves a database of its own, rows in two shared databases, and log files
where those are kept, some 0.3 MB in all. So each run here ends with removing a few of the oldest, and `wheel cleanup`
removes all that are due.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import sqlalchemy
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage

PROCESS = "wheel/process"  # tag of a run: host and id of the process that executes all of it
KEPT_RUNS = 200  # newest finished runs that are kept: some 60 MB
FEW = 5  # runs that are removed at the end of a run, which itself adds two at most
BATCH = 200  # runs looked up at a time

FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
EXECUTING = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
WAITING = [status for status in dg.DagsterRunStatus if status not in (*FINISHED, *EXECUTING)]
SILENT_AFTER = timedelta(hours=1)  # a run without an event for so long counts as dead
FORGOTTEN_AFTER = timedelta(days=1)  # beyond the age limit, for a run that never began

log = logging.getLogger(__name__)


def this_process() -> str:
    """The value of the tag PROCESS for a run that this process executes."""
    return f"{socket.gethostname()}:{os.getpid()}"


def tend(instance: dg.DagsterInstance, before: datetime) -> None:
    """Upkeep at the end of a run: mark dead runs as failed, remove the records of a few old ones.

    A failure is only logged: the run itself has succeeded.
    """
    try:
        mark_dead_runs(instance, FEW)
        prune_runs(instance, before, most=FEW)
    except (sqlalchemy.exc.SQLAlchemyError, OSError) as error:
        log.warning("old run records were not removed: %s", error)


def prune_runs(instance: dg.DagsterInstance, before: datetime, dry_run: bool = False, most: int | None = None) -> int:
    """Delete the records, events and logs of finished runs and return how many, oldest first, `most` at most.

    Due are runs that began earlier than `before` (naive UTC), runs beyond the KEPT_RUNS newest, and runs that have
    waited to begin for too long; never a run that is being executed.
    """
    over = before.replace(tzinfo=UTC)
    finished = dg.RunsFilter(statuses=FINISHED)
    old = instance.get_runs_count(dg.RunsFilter(statuses=FINISHED, created_before=over))
    surplus = max(old, instance.get_runs_count(finished) - KEPT_RUNS)
    forgotten = dg.RunsFilter(statuses=WAITING, created_before=over, updated_before=over - FORGOTTEN_AFTER)
    waiting = instance.get_runs_count(forgotten)
    if dry_run:
        return surplus + waiting
    pruned = _prune(instance, finished, surplus if most is None else min(surplus, most))
    return pruned + _prune(instance, forgotten, waiting if most is None else min(waiting, most - pruned))


def _prune(instance: dg.DagsterInstance, which: dg.RunsFilter, count: int) -> int:
    """Delete the oldest `count` runs."""
    left = count
    while left > 0 and (runs := instance.get_run_records(which, limit=min(left, BATCH), ascending=True)):
        for record in runs:
            _delete(instance, record.dagster_run.run_id)
        left -= len(runs)
    return count - left


def mark_dead_runs(instance: dg.DagsterInstance, most: int | None = None) -> int:
    """Mark runs as failed that count as being executed although their process is gone; return how many."""
    executing = instance.get_run_records(dg.RunsFilter(statuses=EXECUTING), limit=most, ascending=True)
    reasons = [(record.dagster_run, _why_dead(instance, record)) for record in executing]
    dead = [(run, why) for run, why in reasons if why]
    for run, why in dead:
        instance.report_run_failed(run, f"this run did not end; {why}; materialize again")
    return len(dead)


def _why_dead(instance: dg.DagsterInstance, record: dg.RunRecord) -> str | None:
    """Evidence that no process executes a run any more; None where one may."""
    # Only this host's processes can be looked up; a run elsewhere is judged by its silence.
    host, _, process = record.dagster_run.tags.get(PROCESS, "").rpartition(":")
    if host == socket.gethostname() and process.isdecimal() and not _is_alive(int(process)):
        return f"its process {process} is gone"
    logged = instance.get_records_for_run(record.dagster_run.run_id, limit=1, ascending=False).records
    last = logged[0].timestamp if logged else record.update_timestamp.timestamp()
    silent = datetime.now(UTC) - datetime.fromtimestamp(last, UTC)
    return f"it has logged no event for {silent / timedelta(hours=1):.0f} h" if silent > SILENT_AFTER else None


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # a process of another user
    return True


def compact(instance: dg.DagsterInstance) -> None:
    """Compact Dagster's SQLite databases after removals; a failure is only logged."""
    events, runs = instance.event_log_storage, instance.run_storage
    connections = [events.index_connection] if isinstance(events, SqlEventLogStorage) else []
    connections += [runs.connect] if isinstance(runs, SqlRunStorage) else []
    for connect in connections:
        try:
            with connect() as connection:
                if connection.dialect.name == "sqlite":  # other databases compact themselves
                    connection.execute(sqlalchemy.text("VACUUM"))
        except sqlalchemy.exc.SQLAlchemyError as error:
            log.warning("Dagster's records were not compacted: %s", error)


def forget_materializations(instance: dg.DagsterInstance, assets: Collection[str]) -> None:
    """Wipe the materialization history of assets, so that no dashboard shows an empty cache as fresh."""
    instance.wipe_assets([dg.AssetKey(name) for name in assets])


def _delete(instance: dg.DagsterInstance, run_id: str) -> None:
    """Delete a run with its events and logs.

    Of a run with a database of its own the file is removed: Dagster would open it, which takes 0.2 s, and leave it
    empty.
    """
    events = instance.event_log_storage
    if isinstance(events, SqliteEventLogStorage):
        instance.run_storage.delete_run(run_id)
        with events.index_connection() as connection:
            events.delete_events_for_run(connection, run_id)
        for end in ("", "-wal", "-shm"):
            Path(f"{events.path_for_shard(run_id)}{end}").unlink(missing_ok=True)
    else:
        instance.delete_run(run_id)
    instance.compute_log_manager.delete_logs(prefix=[run_id])
