"""Reads of each step, decided once for all its inputs: lookup, pull of stale ones, lookup again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import dagster as dg

from wheel_assets.cache.freshness_check import record_failures
from wheel_assets.cache.policy import CacheKey, LookupResult, Reason, assess
from wheel_assets.cache.reading import pull
from wheel_assets.cache.reading.asset_tables import AssetTables
from wheel_assets.cache.reading.loaded_input import minutes
from wheel_assets.cache.reading.request import PULLED_BY, MoreKeys, Reads, Request
from wheel_assets.cache.store.store import Store
from wheel_assets.errors import RefreshFailed
from wheel_assets.sanitise import masked_account

if TYPE_CHECKING:
    from dagster._core.execution.context.system import StepExecutionContext

MAX_PULLS = 10  # of one step; more means that other runs keep replacing its inputs


@dataclass
class StepReads:
    """First lookup and final reads of a step; `inherited` are the input ids of its inputs from ops."""

    first: dict[CacheKey, LookupResult] = field(default_factory=dict)
    reads: Reads | None = None
    inherited: set[int] = field(default_factory=set)

    @property
    def made_of(self) -> frozenset[int]:
        """Ids of all snapshots that the step's outputs are made from."""
        read = self.reads.snapshots.values() if self.reads else ()
        return frozenset({snapshot.snapshot_id for snapshot in read} | self.inherited)


class Reader:
    """Decides the reads of a run's steps; `everything` returns the job that can make any asset."""

    def __init__(
        self,
        store: Store,
        everything: Callable[[StepExecutionContext], dg.JobDefinition],
        more_keys: Mapping[str, MoreKeys] = MappingProxyType({}),
    ) -> None:
        self.store, self.everything, self.more_keys = store, everything, more_keys
        self._steps: dict[tuple[str, ...], StepReads] = {}

    def of(self, step: StepExecutionContext) -> StepReads:
        """The reads of a step so far; those of earlier steps of its run are released."""
        attempt = _attempt(step)
        if attempt not in self._steps:
            for earlier in [each for each in self._steps if each[0] == step.run_id]:
                self._release(earlier)
            self._steps[attempt] = StepReads()
        return self._steps[attempt]

    def release(self, step: StepExecutionContext) -> None:
        """Allow the step's snapshots to be evicted once it has produced all its outputs."""
        if len(step.step.step_outputs) == 1:
            self._release(_attempt(step))

    def _release(self, attempt: tuple[str, ...]) -> None:
        self.store.leases.release(" ".join(attempt))
        self._steps.pop(attempt, None)

    def read(self, step: StepExecutionContext, assets: AssetTables) -> tuple[dict[CacheKey, LookupResult], Reads]:
        """First lookup and final reads of all inputs of a step, decided when its first input is loaded."""
        known = self.of(step)
        if known.reads is None:
            known.first, known.reads = self._read_through(step, assets)
            self.store.leases.hold(" ".join(_attempt(step)), [s.snapshot_id for s in known.reads.snapshots.values()])
            if any(not result.served for result in known.first.values()):
                # Dagster noted the versions of the inputs before they were pulled: the result would look unsynced.
                step.fetch_external_input_asset_version_info()
        return known.first, known.reads

    def _read_through(
        self, step: StepExecutionContext, assets: AssetTables
    ) -> tuple[dict[CacheKey, LookupResult], Reads]:
        request = assets.request(step)
        first, newest_id = self._assess(request)
        reads = Reads(request, first, self._not_made_here(step, request, first))
        if PULLED_BY in step.dagster_run.tags:
            return first, reads  # no pull inside a pull: the parent run has selected everything that is stale
        _log(step, request, first.values())
        served = self._served(step, assets, reads, newest_id)
        wider = request.joined_by(self.more_keys, served)
        if wider is request:
            return first, served
        results, _ = self._assess(wider, newest_id)
        joined = {cache_key: result for cache_key, result in results.items() if cache_key not in first}
        _log(step, request, joined.values())
        return joined | first, self._served(step, assets, Reads(wider, results, reads.failures), newest_id)

    def _served(self, step: StepExecutionContext, assets: AssetTables, reads: Reads, newest_id: int) -> Reads:
        """The reads after pulling; where that failed, with older data that `allow_stale` permits."""
        self._renew(step, assets, reads, newest_id)
        allow_stale = (step.op_config or {}).get("allow_stale")
        if not reads.failures or not allow_stale:
            return reads
        lenient = reads.request.accepting(allow_stale)
        results, _ = self._assess(lenient, newest_id)
        older = Reads(lenient, results, lenient.irrecoverable(results, reads.failures))
        self._renew(step, assets, older, newest_id)
        return older

    def _renew(self, step: StepExecutionContext, assets: AssetTables, reads: Reads, newest_id: int) -> None:
        """Pull until nothing is stale except failures, each cache key by one process at a time.

        A process that waited is served by the other's pull too: everything with an id above `newest_id` was made after
        this step's first lookup.
        """
        for _ in range(MAX_PULLS):
            if not (wanted := {result.cache_key for result in reads.stale}):
                return
            pull.check_size(reads)
            with self.store.pulling(wanted):
                reads.results, _ = self._assess(reads.request, newest_id)
                if not {result.cache_key for result in reads.stale} <= wanted:
                    continue  # lock the others too
                failures = pull.pull(step, self.everything(step), assets, reads) if reads.stale else {}
                record_failures(step, assets.graph, failures, self.store.clock())
                reads.results, _ = self._assess(reads.request, newest_id)
                if refused := [s.snapshot_id for s in reads.stored_of(failures) if s.snapshot_id > newest_id]:
                    self.store.forget(refused)  # by a check of the pull: no later read finds it fresh
                    reads.results, _ = self._assess(reads.request, newest_id)
                if {result.cache_key for result in reads.stale} <= wanted:  # else an input was lost meanwhile
                    reads.failures |= failures
        raise RefreshFailed(
            f"the inputs were refreshed {MAX_PULLS} times while this run read them",
            "other runs keep replacing them",
            "run again when they have finished",
        )

    def _assess(self, request: Request, fresh_after: int | None = None) -> tuple[dict[CacheKey, LookupResult], int]:
        """The lookup results now, and the highest snapshot id."""
        index, newest_id = self.store.index(request.cache_keys)
        now, run_id = self.store.clock(), request.run_id
        return assess(request.nodes, request.asked, index, now=now, fresh_after=fresh_after, run_id=run_id), newest_id

    def _not_made_here(
        self, step: StepExecutionContext, request: Request, results: Mapping[CacheKey, LookupResult]
    ) -> dict[CacheKey, str]:
        """The keys that an earlier step of this run failed to make, each with that step's reason."""
        missing = [
            (table, key)
            for table, key in request.cache_keys
            if (table, key) in request.made_here and results[table, key].reason is not Reason.FORCED
        ]
        if not missing:
            return {}
        return pull.failures_of(pull.outcome_so_far(step), request, missing)


def whole_job(step: StepExecutionContext) -> dg.JobDefinition:
    """A job that can make any asset of the definitions behind a step's job, with that job's resources."""
    graph = step.job_def.asset_layer.asset_graph.source_asset_graph
    bound = {key for asset in graph.assets_defs for key in asset.resource_defs}  # given again, Dagster refuses them
    unbound = {key: resource for key, resource in step.job_def.resource_defs.items() if key not in bound}
    definitions = dg.Definitions(assets=graph.assets_defs, resources=unbound, executor=dg.in_process_executor)
    return definitions.resolve_implicit_global_asset_job_def()


def refuse_gaps(reads: Reads, table: str, external: bool) -> None:
    """Raise RefreshFailed where a required input has no rows, or lacks one of several partitions.

    An external asset is read as it is stored.
    """
    keys, snapshots = reads.request.by_table[table].read_keys, reads.snapshots
    absent = [key for key in keys if (table, key) not in snapshots]
    partitioned = table in reads.request.partitioned
    tolerant = external or not partitioned
    if not absent or table in reads.request.optional or (tolerant and len(absent) < len(keys)):
        return
    result = reads.results.get((table, absent[0]))
    name = f"{table} of {absent[0]}" if partitioned else table
    if not external:
        raise _unavailable(reads, table, name, (table, absent[0]))
    if result is not None and result.snapshot is not None:
        limit = f"it is {minutes(result.age)} minutes old, {minutes(result.max_age)} are allowed"
        raise RefreshFailed(f"external asset {name} is too old", limit, "renew it where it is made")
    raise RefreshFailed(f"external asset {name} is not stored", "nothing here makes it", "store it where it is made")


def _unavailable(reads: Reads, table: str, name: str, cache_key: CacheKey) -> RefreshFailed:
    """The error for an input without data: the reason of the first required input that lacks the same keys."""
    nodes, optional = reads.request.by_table, reads.request.optional
    needed = {where: why for where, why in reads.failed_inputs.items() if where[0] not in optional}
    akin = [why for (other, _), why in needed.items() if nodes[other].key_column == nodes[table].key_column]
    words = [needed[cache_key]] if cache_key in needed else akin
    if words:
        return RefreshFailed(words[0])
    return RefreshFailed(f"no {name} is stored", "nothing is pulled within a pull", "materialize it first")


def _attempt(step: StepExecutionContext) -> tuple[str, ...]:
    return step.run_id, step.step.key, str(step.previous_attempt_count)


def _log(step: StepExecutionContext, request: Request, results: Iterable[LookupResult]) -> None:
    """Log all reads of a step in one record, one line each: a record costs a run milliseconds, a line does not."""
    lines = [
        f"{'cache_hit' if result.reason is Reason.FRESH else 'cache_miss'} table={result.table} "
        f"key={result.key if result.table in request.partitioned else masked_account(result.key)} "
        f"age_minutes={minutes(result.age)} max_age_minutes={minutes(result.max_age)} reason={result.reason}"
        for result in results
        if result.served or result.table not in request.optional
    ]
    if lines:
        step.log.info("\n".join(lines))
