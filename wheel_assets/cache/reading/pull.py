"""Pulls: child runs in which Dagster makes stale inputs with the assets' own ops, config, retries and checks."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import dagster as dg
from dagster._core.definitions.backfill_policy import BackfillPolicyType
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from wheel_assets import errors
from wheel_assets.cache.freshness_check import without_freshness_checks
from wheel_assets.cache.policy import CacheKey, LookupResult, input_keys, needed_keys
from wheel_assets.cache.reading.asset_tables import AssetTables
from wheel_assets.cache.reading.names import table_name
from wheel_assets.cache.reading.partitions import in_order, is_range, key_of
from wheel_assets.cache.reading.request import PULLED_BY, Reads, Request
from wheel_assets.errors import INTERRUPTED, RefreshFailed
from wheel_assets.instance.run_records import PROCESS, this_process
from wheel_assets.tables import SnapshotTable

if TYPE_CHECKING:
    from dagster._core.definitions.assets.graph.asset_graph import AssetNode
    from dagster._core.execution.context.system import StepExecutionContext
    from dagster_shared.error import SerializableErrorInfo

PULLED = "wheel/pulled"  # tag of a run: its newest child
REASONS = "wheel/reasons"  # tag of a child run: why each table was stale
NOT_FETCHED = "not_fetched"  # metadata of a materialization: keys without rows, and the reasons
MOST_PARTITIONS = 400  # pulled for one read; more would take many minutes of child runs
SNAPSHOTS_MADE = "snapshots"  # metadata of a materialization: the snapshot of each key


@dataclass(eq=False)
class _ChildRun:
    """A child run for some stale cache keys: without partitions, of one partition, or of a range of one table."""

    partitions: dg.PartitionsDefinition | None
    partition_keys: list[str]
    results: list[LookupResult] = field(default_factory=list)


def pull(step: StepExecutionContext, job: dg.JobDefinition, assets: AssetTables, reads: Reads) -> dict[CacheKey, str]:
    """Materialize the stale cache keys of some reads; return the reasons of those that have no data.

    One child run; several, inputs first, for several partitions, or where a stale table has stale optional inputs:
    within one run Dagster makes nothing downstream of a failure. A reason is the one-line error of the failing asset.
    The results are in the store.
    """
    stale = reads.stale
    failures: dict[CacheKey, str] = {}
    for run in _child_runs(step, assets, reads.request, stale):
        lost = _lost(reads.request, run.results, failures)
        failures |= lost
        asked = [result for result in run.results if result.cache_key not in lost]
        if asked:
            run.results = asked
            failures |= _execute(step, job, assets, reads.request, run)
    return failures


def check_size(reads: Reads) -> None:
    """Raise RefreshFailed where more than MOST_PARTITIONS are stale: that needs an explicit backfill."""
    partitions = [result for result in reads.stale if result.table in reads.request.partitioned]
    if len(partitions) > MOST_PARTITIONS:
        name, count = partitions[0].table, len(partitions)
        why = f"{count} are absent or too old, of {name} for one, and {MOST_PARTITIONS} at most are pulled for a read"
        raise RefreshFailed("the partitions to read are not there", why, "make them by a backfill first")


def _child_runs(
    step: StepExecutionContext, assets: AssetTables, request: Request, stale: Collection[LookupResult]
) -> list[_ChildRun]:
    """The child runs in order: each stale cache key in the first run that its inputs allow."""
    declared = {table.name: assets.graph.get(asset) for asset, table in assets.kept.items()}
    order = {cache_key: number for number, cache_key in enumerate(request.cache_keys)}
    runs: list[_ChildRun] = []
    number_of: dict[CacheKey, int] = {}
    for result in sorted(stale, key=lambda r: order[r.cache_key]):
        node, partitions = request.by_table[result.table], declared[result.table].partitions_def
        above = [key for key in input_keys(node, result.key, request.by_table) if key in number_of]
        at_once = partitions is not None and _single_run(declared[result.table])
        own = [number_of[key] + (not at_once) for key in above if key[0] == result.table]
        earliest = max([0, *own, *(number_of[key] + (key[0] in node.optional) for key in above)])
        fitting = (run for run in runs[earliest:] if run.partitions == partitions and _takes(run, result, at_once))
        run = next(fitting, None) or _ChildRun(partitions, [])
        if run not in runs:
            runs.append(run)
        run.results.append(result)
        if partitions is not None and result.key not in run.partition_keys:
            run.partition_keys.append(result.key)
        number_of[result.cache_key] = runs.index(run)
    return [part for run in runs for part in _ranges(run, step.instance)]


def _single_run(node: AssetNode) -> bool:
    policy = node.backfill_policy
    return policy is not None and policy.policy_type is BackfillPolicyType.SINGLE_RUN


def _takes(run: _ChildRun, result: LookupResult, at_once: bool) -> bool:
    """Whether a run can also make this key: no partitions, its own partition, or another of a single-run table."""
    tables = {each.table for each in run.results}
    return run.partitions is None or run.partition_keys == [result.key] or (at_once and tables == {result.table})


def _ranges(run: _ChildRun, instance: dg.DagsterInstance) -> list[_ChildRun]:
    """The run itself where its partitions are one or a range, else one run per partition."""
    if run.partitions is None or len(run.partition_keys) == 1:
        return [run]
    run.partition_keys = in_order(run.partitions, run.partition_keys, instance)
    if is_range(run.partitions, run.partition_keys, instance):
        return [run]
    return [_ChildRun(run.partitions, [result.key], [result]) for result in run.results]


def _lost(request: Request, asked: Collection[LookupResult], failures: Mapping[CacheKey, str]) -> dict[CacheKey, str]:
    """Cache keys that a run cannot make because a needed input failed in an earlier run, with the reasons."""
    lost: dict[CacheKey, str] = {}
    for result in asked:
        needed = needed_keys(request.by_table[result.table], result.key, request.by_table)
        why = next((reasons[key] for reasons in (failures, lost) for key in needed if key in reasons), None)
        if why is not None:
            lost[result.cache_key] = why
    return lost


def _execute(
    step: StepExecutionContext, job: dg.JobDefinition, assets: AssetTables, request: Request, run: _ChildRun
) -> dict[CacheKey, str]:
    """Execute one child run; return the reasons of cache keys without data."""
    keys: dict[str, list[str]] = defaultdict(list)
    for result in run.results:
        keys[result.table].append(result.key)
    selected = {asset: table for asset, table in assets.kept.items() if table.name in keys}
    together = {each for asset in selected for each in assets.graph.get(asset).execution_set_asset_keys}
    asked = cast(Mapping[str, Any], step.run_config.get("ops") or {})
    configs: dict[str, dict[str, Any]] = {}
    for asset, table in selected.items():
        op = assets.graph.get(asset).assets_def.node_def.name
        configs[op] = _joined(asked.get(op), config_for(table, keys[table.name]))
    given = {part: step.run_config[part] for part in ("loggers", "resources") if step.run_config.get(part)}
    tags = {
        PULLED_BY: step.run_id,
        REASONS: json.dumps({r.table: r.reason for r in run.results}),
        # By it a run whose process was killed is found and marked failed.
        PROCESS: this_process(),
    }
    partition = None
    if run.partitions is not None and len(run.partition_keys) == 1:
        partition = key_of(run.partitions, run.partition_keys[0])
    elif run.partitions is not None:
        first, last = run.partition_keys[0], run.partition_keys[-1]
        tags |= {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}
    try:
        done = without_freshness_checks(job, together).execute_in_process(
            partition_key=partition,
            instance=step.instance,
            run_config={"ops": {op: config for op, config in configs.items() if config}, **given},
            tags=tags,
            # A failure is a result: allow_stale may still let older data through, and other keys are answered.
            raise_on_error=False,
        )
    except dg.DagsterInvalidConfigError as error:
        why = "; ".join(" ".join(each.message.split()) for each in error.errors)
        remedy = "give it in the run config, or materialize it first"
        raise RefreshFailed(f"{', '.join(sorted(keys))} cannot be pulled", why, remedy) from error
    step.instance.add_run_tags(step.run_id, {PULLED: done.run_id})
    return failures_of(Outcome.of(done.all_events), request, [result.cache_key for result in run.results])


def _joined(given: Mapping[str, Any] | None, keys: Mapping[str, Any]) -> dict[str, Any]:
    """The config of an op: what the run's own config says of it, and the keys to make."""
    both = {**(given or {}), **keys}
    return both | ({"config": {**(given or {}).get("config", {}), **keys["config"]}} if keys else {})


def config_for(table: SnapshotTable, keys: Collection[str]) -> dict[str, Any]:
    """The run config of an asset's op that requests exactly these keys."""
    if table.key_config is None:
        return {}
    several = table.key_config.endswith("s")
    return {"config": {table.key_config: list(keys) if several else next(iter(keys))}}


@dataclass(frozen=True)
class Outcome:
    """Outcome of a run by table, from its events: the keys made, and the reasons of those not made."""

    made: Mapping[str, Collection[str]]
    reasons: Mapping[str, Mapping[str, str]]
    failed_steps: Mapping[str, str]  # by step; under "" the failure of a run before its first step
    blocked: Mapping[str, str]  # by table: its failed blocking check, after which nothing reads what was made
    finished: bool = True

    @classmethod
    def of(cls, events: Iterable[dg.DagsterEvent | None]) -> Outcome:
        """Read the events, oldest first."""
        made: dict[str, set[str]] = defaultdict(set)
        reasons: dict[str, dict[str, str]] = defaultdict(dict)
        failed: dict[str, str] = {}
        blocked: dict[str, str] = {}
        finished = False
        for event in filter(None, events):
            if event.is_step_materialization:
                materialization = event.step_materialization_data.materialization
                table = table_name(materialization.asset_key)
                made[table] |= set(_json(materialization.metadata, SNAPSHOTS_MADE))
                reasons[table] |= _json(materialization.metadata, NOT_FETCHED)
            elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                check = event.asset_check_evaluation_data
                if check.blocking and not check.passed and check.severity is dg.AssetCheckSeverity.ERROR:
                    detail = f"; {check.description}" if check.description else ""
                    name = check.asset_key.to_user_string()
                    blocked[table_name(check.asset_key)] = f"check {check.check_name} of {name} failed{detail}"
            elif message := failure_message(event):
                failed[event.step_key or ""] = _named(event, message)
            finished |= event.is_job_success
        return cls(made, reasons, failed, blocked, finished)

    def reason(self, cache_key: CacheKey) -> str | None:
        """Reason why a cache key has no data, as its own asset gave it; None if it has."""
        table, key = cache_key
        return self.blocked.get(table) or self.reasons.get(table, {}).get(key) or self.failed_steps.get(table)

    def other_reason(self, table: str) -> str:
        """Reason of a table's cache key without one of its own."""
        silent = f"{table} was made and nothing of it was stored; its asset has to return a frame"
        return next(iter(self.failed_steps.values()), silent if self.finished else "the run was interrupted")


def failures_of(outcome: Outcome, request: Request, asked: Collection[CacheKey]) -> dict[CacheKey, str]:
    """Reasons of requested cache keys that a run did not make, as the assets gave them.

    Cache keys derived from a failed one fail for the same reason.
    """
    failures: dict[CacheKey, str] = {}
    for table, key in request.cache_keys:
        if (table, key) not in asked or (key in outcome.made.get(table, ()) and table not in outcome.blocked):
            continue
        needed = needed_keys(request.by_table[table], key, request.by_table)
        above = next((failures[cache_key] for cache_key in needed if cache_key in failures), None)
        failures[table, key] = outcome.reason((table, key)) or above or outcome.other_reason(table)
    return failures


def outcome_so_far(step: StepExecutionContext) -> Outcome:
    """Outcome of the earlier steps of a step's own run."""
    logged = step.instance.all_logs(step.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    return replace(Outcome.of(entry.dagster_event for entry in logged), finished=True)


def _json(metadata: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = metadata.get(name)
    return value.data if isinstance(value, dg.JsonMetadataValue) and isinstance(value.data, dict) else {}


def failure_message(event: dg.DagsterEvent) -> str | None:
    """One-line error of a failed step, or of a run that failed before its first step; None for any other event."""
    if event.is_step_failure:
        failure = event.step_failure_data.user_failure_data
        if failure and failure.description:
            return " ".join(failure.description.split())
        error = event.step_failure_data.error
    else:
        error = event.job_failure_data.error if event.is_job_failure else None
    error = _innermost(error)
    if error is not None and error.cls_name == "DagsterExecutionInterruptedError":  # Dagster gives this error no text
        return INTERRUPTED
    return " ".join(error.message.split()) if error else None


def _named(event: dg.DagsterEvent, message: str) -> str:
    """An error message that names the step; those of our own errors say what failed."""
    error = event.step_failure_data.error if event.is_step_failure else None
    cause = _innermost(error)
    ours = cause is not None and hasattr(errors, cause.cls_name or "")
    if event.step_key is None or message == INTERRUPTED or ours:
        return message
    return f"{event.step_key} failed; {message}"


def _innermost(error: SerializableErrorInfo | None) -> SerializableErrorInfo | None:
    """The error that caused all others."""
    while error is not None and error.cause is not None:
        error = error.cause
    return error
