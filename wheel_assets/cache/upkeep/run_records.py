"""Dagster's own records: those of old runs go with the old data, and those of an emptied cache with it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
UNFINISHED = [status for status in dg.DagsterRunStatus if status not in FINISHED]
DEAD_AFTER = timedelta(days=1)  # a killed run never tells that it ended
BATCH = 200  # runs looked up at a time


def prune_runs(instance: dg.DagsterInstance, before: datetime, dry_run: bool = False) -> int:
    """Delete the records, events and logs of runs that were over before a time (naive UTC); how many."""
    over = before.replace(tzinfo=UTC)
    finished = dg.RunsFilter(statuses=FINISHED, created_before=over)
    dead = dg.RunsFilter(statuses=UNFINISHED, created_before=over, updated_before=over - DEAD_AFTER)
    if dry_run:
        return instance.get_runs_count(finished) + instance.get_runs_count(dead)
    return sum(_prune(instance, which) for which in (finished, dead))


def _prune(instance: dg.DagsterInstance, which: dg.RunsFilter) -> int:
    pruned = 0
    while runs := instance.get_run_records(which, limit=BATCH):
        for record in runs:
            _delete(instance, record.dagster_run.run_id)
        pruned += len(runs)
    return pruned


def forget_materializations(instance: dg.DagsterInstance, assets: Collection[str]) -> None:
    """Wipe the materialization history of assets, so that no dashboard calls an empty cache fresh."""
    instance.wipe_assets([dg.AssetKey(name) for name in assets])


def _delete(instance: dg.DagsterInstance, run_id: str) -> None:
    """A run with its events and logs; Dagster itself leaves the emptied file of a run behind."""
    instance.delete_run(run_id)
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    path_of = getattr(instance.event_log_storage, "path_for_shard", None)
    if path_of is not None:
        for end in ("", "-wal", "-shm"):
            Path(f"{path_of(run_id)}{end}").unlink(missing_ok=True)
