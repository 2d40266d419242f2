"""Frames to snapshots and back, with one addition to what an IO manager does: *reading pulls*.

Materializing an asset makes it, always. Loading it as somebody's input gets it or has it made: the
first input that a step loads decides for all inputs of that step at once which snapshots are in force
and young enough (`policy.assess`); what is not, Dagster itself materializes in one child run
(`pull.pull`); then every input is read from that one consistent set.

It works for any graph of assets: an asset's age limit is its `FreshnessPolicy.time_window`, its
version its `code_version`; its table is declared as in `tables.py`, and if that table has a key, the
asset's config has the field `key_config` that says which keys are wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from wheel_assets.cache.policy import CacheKey, LookupResult, Reason, assess
from wheel_assets.cache.reading import pull
from wheel_assets.cache.reading.frames import Frames, wants_reads
from wheel_assets.cache.reading.loaded import LoadedInput, described, minutes, was_hit
from wheel_assets.cache.reading.made import entries, event_metadata
from wheel_assets.cache.reading.one_line import one_sentence
from wheel_assets.cache.reading.request import PULLED_BY, AssetTables, MoreKeys, Reads, Request
from wheel_assets.cache.store.store import Store
from wheel_assets.errors import BadFrame, RefreshFailed, StoreDamaged, UsageError
from wheel_assets.rows import Rows
from wheel_assets.sanitise import masked_account
from wheel_assets.tables import SnapshotTable

if TYPE_CHECKING:
    import pandas as pd
    from dagster._core.execution.context.system import StepExecutionContext
    from dagster._core.storage.db_io_manager import DbTypeHandler

MAX_PULLS = 10  # of one step: more means that others keep replacing what it needs


class PullConfig(dg.Config):
    """Fields that an asset's config may have, to read its inputs otherwise for one run."""

    max_age_minutes: dict[str, float] = Field(
        default={}, description="age limits for this run by table, minutes; 0 asks anew"
    )
    allow_stale: float | None = Field(
        default=None, description="where an input cannot be renewed: how old it may be instead, minutes"
    )


class ReadThroughIOManager(dg.IOManager):
    """Stores frames as snapshots, and pulls what a reader finds stale.

    `everything` returns the job that can make any asset (the repository's implicit asset job).
    `keys` holds, for each key column, a function from what a config asks for (None: nothing said) to
    the keys wanted; `more_keys`, for some of them, keys that the rows of a table name: they join where a
    step reads that table and its config says nothing. `fingerprint` names what a table's data depends on
    besides its inputs and its asset's code version, such as the vendor or a parameter of a model.
    """

    def __init__(
        self,
        store: Store,
        everything: Callable[[], dg.JobDefinition],
        keys: Mapping[str, Callable[[Any], Sequence[str]]] | None = None,
        fingerprint: Callable[[str], str] = lambda table: "",
        handlers: Sequence[DbTypeHandler[Any]] = (),
        *,
        more_keys: Mapping[str, MoreKeys] | None = None,
    ) -> None:
        self.store, self._more_keys = store, more_keys or {}
        self.assets = AssetTables(store.tables, everything, keys or {}, fingerprint)
        self.frames = Frames(handlers)
        self._reads: dict[tuple[str, str, int], tuple[dict[CacheKey, LookupResult], Reads]] = {}

    @one_sentence()
    def load_input(self, context: dg.InputContext) -> Any:
        """The rows of an input, for every key that all inputs of the step have; none of an optional one is fine.

        A frame, or a `LoadedInput` where the step annotates its input so; where no step asks (`load_asset_value`),
        the newest rows of every key. Raises RefreshFailed where there is nothing to load.
        """
        if not context.has_asset_key:
            raise _no_asset("an input")
        if context._step_context is None:
            return self.frames.asked(context, self._newest(self.assets.table(context.asset_key)))
        first, reads = self._reads_of(context.step_context)
        table = self.assets.table(context.asset_key).name
        snapshots = [snapshot for cache_key, snapshot in reads.snapshots.items() if cache_key[0] == table]
        if not snapshots and table not in reads.request.optional:
            raise _unavailable(reads, table)
        try:
            frame = self.store.get(table, [snapshot.snapshot_id for snapshot in snapshots])
        except StoreDamaged as error:
            # By now it is gone from the index. All inputs are read anew, for they have to fit together.
            raise dg.RetryRequested(max_retries=1) from error
        self.store.touch([s for s in snapshots if was_hit(first[s.cache_key], s)])
        if not wants_reads(context):
            return self.frames.asked(context, frame)
        return LoadedInput(
            frame,
            tuple(described(first[s.cache_key], reads.results[s.cache_key]) for s in snapshots),
            reads.not_fetched(table),
        )

    @one_sentence()
    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Store one snapshot a key, all in one transaction; raises BadFrame for no rows.

        The notes of `Rows` are kept with the snapshots that they are about, and become metadata of the event
        together with the reasons of keys without rows.
        """
        if not context.has_asset_key:
            raise _no_asset("an output")
        table, step = self.assets.table(context.asset_key), context.step_context
        rows = obj if isinstance(obj, Rows) else Rows(self.frames.pandas(context, obj))
        if rows.frame.empty:
            raise BadFrame(f"{table.name} came back empty", "an empty result never replaces anything")
        node = self.assets.node(step, context.asset_key)
        _, reads = self._reads.pop(_attempt(step), ({}, None))
        asker = step.dagster_run.tags.get(PULLED_BY)
        try:
            stored = self.store.put(table.name, entries(table, rows, node, reads, context.run_id))
        finally:
            self.store.leases.release(str(_attempt(step)))
        context.add_output_metadata(
            event_metadata(table, rows, stored) | ({"pulled_by": dg.MetadataValue.dagster_run(asker)} if asker else {})
        )

    def _newest(self, table: SnapshotTable) -> pd.DataFrame:
        """The newest rows of each key that the configuration wants, whatever their age."""
        index, _ = self.store.index([(table.name, key) for key in self.assets.wanted_keys(table, {})])
        newest = {snapshot.key: snapshot.snapshot_id for snapshot in reversed(index)}
        if not newest:
            raise RefreshFailed(f"no {table.name} is stored", "nothing has made it yet", "materialize it")
        return self.store.get(table.name, list(newest.values()))

    def _reads_of(self, step: StepExecutionContext) -> tuple[dict[CacheKey, LookupResult], Reads]:
        """What was found first and what is read in the end, decided once for all inputs of a step."""
        attempt = _attempt(step)
        if attempt not in self._reads:
            self._reads[attempt] = self._read_through(step)
            read = self._reads[attempt][1].snapshots.values()
            self.store.leases.hold(str(attempt), [snapshot.snapshot_id for snapshot in read])
            if any(not result.served for result in self._reads[attempt][0].values()):
                # Dagster noted the versions of the inputs before they were pulled: the result would look unsynced.
                step.fetch_external_input_asset_version_info()
        return self._reads[attempt]

    def _read_through(self, step: StepExecutionContext) -> tuple[dict[CacheKey, LookupResult], Reads]:
        request = self.assets.request(step)
        first, newest_id = self._assess(request)
        reads = Reads(request, first, self._not_made_here(step, request, first))
        if PULLED_BY in step.dagster_run.tags:
            return first, reads  # no pull inside a pull: whoever asked for this run told and selected all that is stale
        _log(step, first, request)
        served = self._served(step, reads, newest_id)
        wider = request.joined_by(self._more_keys, served)
        if wider is request:
            return first, served
        results, _ = self._assess(wider, newest_id)
        joined = {cache_key: result for cache_key, result in results.items() if cache_key not in first}
        _log(step, joined, request)
        return joined | first, self._served(step, Reads(wider, results, reads.failures), newest_id)

    def _served(self, step: StepExecutionContext, reads: Reads, newest_id: int) -> Reads:
        """The reads once all is pulled that can be, and where that failed, what `allow_stale` lets through."""
        self._renew(step, reads, newest_id)
        allow_stale = (step.op_config or {}).get("allow_stale")
        if not reads.failures or not allow_stale:
            return reads
        lenient = reads.request.accepting(allow_stale)
        results, _ = self._assess(lenient, newest_id)
        older = Reads(lenient, results, lenient.beyond_help(results, reads.failures))
        self._renew(step, older, newest_id)
        return older

    def _renew(self, step: StepExecutionContext, reads: Reads, newest_id: int) -> None:
        """Pull until nothing is stale but what failed, each cache key by one process at a time.

        Whoever waits for its turn finds that the other's pull answers it too: everything with an id
        above `newest_id` was made after this step asked.
        """
        for _ in range(MAX_PULLS):
            if not (wanted := {result.cache_key for result in reads.stale}):
                return
            with self.store.pulling(wanted):
                reads.results, _ = self._assess(reads.request, newest_id)
                if not {result.cache_key for result in reads.stale} <= wanted:
                    continue  # lock the others too
                failures = pull.pull(step, self.assets, reads.request, reads.stale)
                reads.results, _ = self._assess(reads.request, newest_id)
                if {result.cache_key for result in reads.stale} <= wanted:  # else an input was lost meanwhile
                    reads.failures |= failures
        raise RefreshFailed(
            "the inputs do not hold still",
            f"they were replaced {MAX_PULLS} times while this run read them",
            "run again",
        )

    def _assess(self, request: Request, fresh_after: int | None = None) -> tuple[dict[CacheKey, LookupResult], int]:
        """The results at this moment, and the highest snapshot id."""
        index, newest_id = self.store.index(request.cache_keys)
        now, run_id = self.store.clock(), request.run_id
        return assess(request.nodes, request.asked, index, now=now, fresh_after=fresh_after, run_id=run_id), newest_id

    def _not_made_here(
        self, step: StepExecutionContext, request: Request, results: Mapping[CacheKey, LookupResult]
    ) -> dict[CacheKey, str]:
        """The keys that an earlier step of this run did not make, each with that step's reason."""
        missing = [
            (table, key)
            for table, key in request.cache_keys
            if (table, key) in request.made_here and results[table, key].reason is not Reason.FORCED
        ]
        if not missing:
            return {}
        return pull.failures_of(pull.outcome_so_far(step), request, missing)


def freshness(max_age: timedelta) -> dg.FreshnessPolicy:
    """The policy that shows in the UI what the cache goes by; it warns at two thirds of the limit."""
    warn = max(max_age * 2 / 3, timedelta(minutes=1))  # Dagster's floor
    return dg.FreshnessPolicy.time_window(fail_window=max_age, warn_window=warn if warn < max_age else None)


def _attempt(step: StepExecutionContext) -> tuple[str, str, int]:
    return step.run_id, step.step.key, step.previous_attempt_count


def _log(step: StepExecutionContext, results: Mapping[CacheKey, LookupResult], request: Request) -> None:
    """One record for all reads of a step, a line each: a record costs a run milliseconds, a line does not."""
    lines = [
        f"{'cache_hit' if result.reason is Reason.FRESH else 'cache_miss'} table={result.table} "
        f"key={masked_account(result.key)} age_minutes={minutes(result.age)} "
        f"max_age_minutes={minutes(result.max_age)} reason={result.reason}"
        for result in results.values()
        if result.served or result.table not in request.optional
    ]
    if lines:
        step.log.info("\n".join(lines))


def _no_asset(what: str) -> UsageError:
    """Op to op there is no asset, and so no table, age limit or fingerprint to go by."""
    return UsageError(f"{what} of an op is refused", "the cache keeps assets", "set another io_manager_key for it")


def _unavailable(reads: Reads, table: str) -> RefreshFailed:
    """Why nothing of an input can be loaded: the words of the first needed input that lacks the same keys."""
    nodes, optional = reads.request.by_table, reads.request.optional
    needed = {name: why for (name, _), why in reads.failed_inputs.items() if name not in optional}
    akin = [why for name, why in needed.items() if nodes[name].key_column == nodes[table].key_column]
    return RefreshFailed(akin[0] if akin else f"no {table} is stored; nothing was there to make it; run again")
