"""Have Dagster make what is stale: one child run, with the assets' own ops, config, retries and checks."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from wheel_assets.cache.policy import CacheKey, LookupResult, needed_keys
from wheel_assets.cache.reading.freshness_check import tell_failures, without_freshness_checks
from wheel_assets.cache.reading.request import PULLED_BY, AssetTables, Request
from wheel_assets.errors import INTERRUPTED
from wheel_assets.instance.run_records import PROCESS, this_process
from wheel_assets.tables import SnapshotTable

if TYPE_CHECKING:
    from dagster._core.execution.context.system import StepExecutionContext

PULLED = "wheel/pulled"  # tag of a run: its newest child
REASONS = "wheel/reasons"  # tag of a child run: why each table was stale
NOT_FETCHED = "not_fetched"  # metadata of a materialization: the keys it has no rows for, and why
SNAPSHOTS_MADE = "snapshots"  # metadata of a materialization: the snapshot of each key


def pull(
    step: StepExecutionContext, assets: AssetTables, request: Request, stale: Collection[LookupResult], now: datetime
) -> dict[CacheKey, str]:
    """Materialize the stale cache keys and return why some of them have no data; `now` is naive UTC.

    In one child run; in two, where some of the tables can do without others that are stale too: those come
    first, for Dagster makes nothing of what failed in the same run. A failure is one sentence, the one that
    the failing asset gave. What was made is in the store.
    """
    first = _done_without(request, {result.table for result in stale})
    failures: dict[CacheKey, str] = {}
    for part in ([r for r in stale if r.table in first], [r for r in stale if r.table not in first]):
        failures |= _pull_together(step, assets, request, part) if part else {}
    tell_failures(step, assets.graph, failures, now)
    return failures


def _done_without(request: Request, stale: Collection[str]) -> set[str]:
    """Of the stale tables those that another of them can do without, and what those are made of."""
    first: set[str] = set()
    more = {above for table in stale for above in request.by_table[table].optional if above in stale}
    while more:
        first |= more
        more = {above for table in more for above in request.by_table[table].upstream if above in stale} - first
    return first


def _pull_together(
    step: StepExecutionContext, assets: AssetTables, request: Request, stale: Collection[LookupResult]
) -> dict[CacheKey, str]:
    """The same in one child run."""
    keys: dict[str, list[str]] = defaultdict(list)
    for result in stale:
        keys[result.table].append(result.key)
    selected = {asset: table for asset, table in assets.kept.items() if table.name in keys}
    ops = {assets.graph.get(asset).assets_def.op.name: table for asset, table in selected.items()}
    loggers = step.run_config.get("loggers")
    run = without_freshness_checks(assets.job, selected).execute_in_process(
        instance=step.instance,
        run_config={
            "ops": {op: config_for(table, keys[table.name]) for op, table in ops.items()},
            **({"loggers": loggers} if loggers else {}),
        },
        tags={
            PULLED_BY: step.run_id,
            REASONS: json.dumps({r.table: r.reason for r in stale}),
            PROCESS: this_process(),
        },
        raise_on_error=False,
    )
    step.instance.add_run_tags(step.run_id, {PULLED: run.run_id})
    return failures_of(Outcome.of(run.all_events), request, [result.cache_key for result in stale])


def config_for(table: SnapshotTable, keys: Collection[str]) -> dict[str, Any]:
    """The run config of an asset's op that asks for just these keys."""
    if table.key_config is None:
        return {}
    several = table.key_config.endswith("s")
    return {"config": {table.key_config: list(keys) if several else next(iter(keys))}}


@dataclass(frozen=True)
class Outcome:
    """What the events of a run tell of each table: the keys it made, and why it did not make others."""

    made: Mapping[str, Collection[str]]
    reasons: Mapping[str, Mapping[str, str]]
    failed_steps: Mapping[str, str]  # by step; under "" that of a run that could not begin one

    @classmethod
    def of(cls, events: Iterable[dg.DagsterEvent | None]) -> Outcome:
        """Read the events, oldest first."""
        made: dict[str, set[str]] = defaultdict(set)
        reasons: dict[str, dict[str, str]] = defaultdict(dict)
        failed: dict[str, str] = {}
        for event in filter(None, events):
            if event.is_step_materialization:
                materialization = event.step_materialization_data.materialization
                table = materialization.asset_key.to_python_identifier()
                made[table] |= set(_json(materialization.metadata, SNAPSHOTS_MADE))
                reasons[table] |= _json(materialization.metadata, NOT_FETCHED)
            elif sentence := sentence_of(event):
                failed[event.step_key or ""] = sentence
        return cls(made, reasons, failed)

    def reason(self, cache_key: CacheKey) -> str | None:
        """Why it has no data, in the words of its own asset."""
        table, key = cache_key
        return self.reasons.get(table, {}).get(key) or self.failed_steps.get(table)


def failures_of(outcome: Outcome, request: Request, asked: Collection[CacheKey]) -> dict[CacheKey, str]:
    """Why a run made no data for some of what was asked of it, in the assets' own words.

    A cache key that failed takes what is derived from it along, under the same reason.
    """
    failures: dict[CacheKey, str] = {}
    other = next(iter(outcome.failed_steps.values()), "the run was interrupted")
    for table, key in request.cache_keys:
        if (table, key) not in asked or key in outcome.made.get(table, ()):
            continue
        needed = needed_keys(request.by_table[table], key, request.by_table)
        above = next((failures[cache_key] for cache_key in needed if cache_key in failures), None)
        failures[table, key] = outcome.reason((table, key)) or above or other
    return failures


def outcome_so_far(step: StepExecutionContext) -> Outcome:
    """What the earlier steps of a step's own run came to."""
    logged = step.instance.all_logs(step.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    return Outcome.of(entry.dagster_event for entry in logged)


def _json(metadata: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = metadata.get(name)
    return value.data if isinstance(value, dg.JsonMetadataValue) and isinstance(value.data, dict) else {}


def sentence_of(event: dg.DagsterEvent) -> str | None:
    """Why a step failed, or a run before its first step (a resource could not be made), without stack traces.

    None for every other event.
    """
    if event.is_step_failure:
        told = event.step_failure_data.user_failure_data
        if told and told.description:
            return " ".join(told.description.split())
        error = event.step_failure_data.error
    else:
        error = event.job_failure_data.error if event.is_job_failure else None
    while error is not None and error.cause is not None:
        error = error.cause
    if error is not None and error.cls_name == "DagsterExecutionInterruptedError":  # it has no words of its own
        return INTERRUPTED
    return " ".join(error.message.split()) if error else None
