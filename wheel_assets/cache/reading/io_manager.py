"""The read-through IO manager: frames to snapshots and back, where *reading pulls*.

Materializing an asset always computes it. Loading it as an input is get-or-compute: the first input that a step loads
decides for all inputs of the step at once which snapshots are in force and young enough (`policy.assess`); Dagster
itself materializes the stale ones in one child run (`pull.pull`); then every input is read from that consistent set.

It works for any graph of assets: an asset's maximum age is its `FreshnessPolicy.time_window`, its version its
`code_version`; its table is declared as in `tables.py`, and if that table has a key, the field `key_config` of the
asset's config requests keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from wheel_assets.cache.reading.asset_tables import AssetTables, Keys
from wheel_assets.cache.reading.frames import Frames, wants_reads
from wheel_assets.cache.reading.loaded_input import LoadedInput, described, was_hit
from wheel_assets.cache.reading.names import op_cache_key, output_name, table_name, view_of
from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.reading.outputs import entries, event_metadata, keyed
from wheel_assets.cache.reading.partitions import split
from wheel_assets.cache.reading.request import PULLED_BY, MoreKeys
from wheel_assets.cache.reading.step_reads import Reader, refuse_gaps, whole_job
from wheel_assets.cache.store.inferred import InferredTable
from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.errors import BadFrame, RefreshFailed, StoreDamaged
from wheel_assets.rows import Rows

if TYPE_CHECKING:
    import pandas as pd
    from dagster._core.execution.context.system import StepExecutionContext
    from dagster._core.storage.db_io_manager import DbTypeHandler


class PullConfig(dg.Config):
    """Fields that an asset's config may have to change for one run how its inputs are read."""

    max_age_minutes: dict[str, float] = Field(
        default={}, description="maximum age for this run by table, minutes; 0 refreshes always"
    )
    allow_stale: float | None = Field(
        default=None, description="maximum age of an input that cannot be refreshed, minutes"
    )


class ReadThroughIOManager(dg.IOManager):
    """IO manager that stores frames as snapshots and pulls stale inputs before they are read.

    `everything` returns the job that can make any asset (the repository's implicit asset job); where it gives None,
    one is derived from the assets of the running job. `keys` holds, for each key column, a function from the value of
    the config field (None: not set) to the requested keys; `more_keys`, for some of them, further keys found in the
    rows of a table: they join where a step reads that table and its config sets no keys. `fingerprint` returns what a
    table's data depends on besides its inputs and its asset's code version, such as the vendor or a parameter of a
    model. `schema` is that of the views on inferred tables.
    """

    def __init__(
        self,
        store: Store,
        everything: Callable[[], dg.JobDefinition | None] = lambda: None,
        keys: Mapping[str, Keys] | None = None,
        fingerprint: Callable[[str], str] = lambda table: "",
        handlers: Sequence[DbTypeHandler[Any]] = (),
        schema: str | None = None,
        *,
        more_keys: Mapping[str, MoreKeys] | None = None,
    ) -> None:
        self.store, self.schema = store, schema
        self.frames = Frames(handlers)
        self.reader = Reader(store, lambda step: everything() or whole_job(step), more_keys or {})
        self._asset_tables = cache(
            lambda graph, io_manager_key: AssetTables(graph, io_manager_key, store.tables, keys or {}, fingerprint)
        )

    @one_line_errors()
    def load_input(self, context: dg.InputContext) -> Any:
        """The rows of an input for every key that all inputs of the step have; an optional input may have none.

        Returns a frame, or a `LoadedInput` where the step annotates its input so; without a step (`load_asset_value`)
        the newest rows of every key, or of the requested partitions. Raises RefreshFailed where there is nothing.
        """
        if not context.has_asset_key:
            return self.frames.asked(context, self._op_output(context))
        if context._step_context is None:
            return self.frames.asked(context, self._newest(context))
        step, asset = context.step_context, context.asset_key
        assets = self._assets(step, asset)
        first, reads = self.reader.read(step, assets)
        table = assets.table(asset).name
        snapshots = [snapshot for cache_key, snapshot in reads.snapshots.items() if cache_key[0] == table]
        refuse_gaps(reads, table, external=not assets.graph.get(asset).is_materializable)
        try:
            frame = self.store.get(table, [s.snapshot_id for s in snapshots], self.frames.columns(context))
        except StoreDamaged as error:
            # The damaged snapshot has left the index. All inputs are read again, because they must be consistent.
            raise dg.RetryRequested(max_retries=1) from error
        # Only hits: a snapshot pulled for this read saved no call, and `wheel costs` counts calls saved.
        self.store.touch([s for s in snapshots if was_hit(first[s.cache_key], s)])
        if not wants_reads(context):
            return self.frames.asked(context, frame)
        return LoadedInput(
            frame,
            tuple(described(first[s.cache_key], reads.results[s.cache_key]) for s in snapshots),
            reads.not_fetched(table),
        )

    @one_line_errors()
    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Store one snapshot per key or partition, all in one transaction; raises BadFrame for an empty frame.

        The notes of `Rows` are stored with the snapshots they are about, and become metadata of the event together
        with the reasons of keys without rows.
        """
        rows = obj if isinstance(obj, Rows) else Rows(self.frames.pandas(context, obj))
        if rows.frame.empty:
            raise BadFrame(f"{output_name(context)} came back empty", "an empty result never replaces anything")
        if not context.has_asset_key:
            self._keep_op_output(context, rows.frame)
            return
        step, asset = context.step_context, context.asset_key
        assets, known = self._assets(step, asset), self.reader.of(step)
        table = assets.table(asset)
        by_key = split(context, rows.frame) if context.has_asset_partitions else keyed(table, rows.frame)
        node = assets.made(step, asset, tuple(by_key) if context.has_asset_partitions else ())
        new = entries(by_key, rows.notes, node, known, context.run_id)
        view = view_of(context, self.schema)
        asker = step.dagster_run.tags.get(PULLED_BY)
        try:
            stored = self.store.put(table.name, new, view)
        finally:
            self.reader.release(step)
        shown = f"{view.schema}.{view.name}" if isinstance(table, InferredTable) else f"main.{table.name}"
        if isinstance(table, InferredTable):
            table = InferredTable.of(table.name, [rows.frame])
        context.add_output_metadata(
            {**event_metadata(table, rows, stored), "dagster/table_name": shown}
            | ({"pulled_by": dg.MetadataValue.dagster_run(asker)} if asker else {})
        )

    def _assets(self, step: StepExecutionContext, asset: dg.AssetKey) -> AssetTables:
        """The assets of the running job's repository that are kept where this one is."""
        graph = step.job_def.asset_layer.asset_graph.source_asset_graph
        tables: AssetTables = self._asset_tables(graph, graph.get(asset).io_manager_key)
        return tables

    def _newest(self, context: dg.InputContext) -> pd.DataFrame:
        """The newest rows of each key, regardless of age; of a partitioned asset those of the requested partitions."""
        table = table_name(context.asset_key)
        newest = {snapshot.key: snapshot.snapshot_id for snapshot in self.store.newest(table)}
        asked = [str(key) for key in context.asset_partition_keys] if context.has_asset_partitions else list(newest)
        found = [newest[key] for key in asked if key in newest]
        if not found or (context.has_asset_partitions and len(found) < len(asked)):
            absent = [key for key in asked if key not in newest]
            what = f"no {table}{f' of {absent[0]}' if absent else ''} is stored"
            raise RefreshFailed(what, "nothing has made it yet", "materialize it")
        return self.store.get(table, found, self.frames.columns(context))

    def _op_output(self, context: dg.InputContext) -> pd.DataFrame:
        """The output of an op of the same run, or of the run that this one re-executes."""
        given = context.upstream_output
        assert given is not None, "an input that is no asset comes from an output"
        table, key = op_cache_key(given)
        index, _ = self.store.index([(table, key)])
        if not index:
            raise RefreshFailed(f"the {output_name(given)} is not stored", "it was cleaned up", "run the whole job")
        if context._step_context is not None:
            self.reader.of(context.step_context).inherited |= index[0].inputs
        return self.store.get(table, [index[0].snapshot_id], self.frames.columns(context))

    def _keep_op_output(self, context: dg.OutputContext, frame: pd.DataFrame) -> None:
        """Store the output of an op for the ops after it, with its input ids, which later outputs inherit."""
        table, key = op_cache_key(context)
        known = self.reader.of(context.step_context)
        entry = Entry(key, frame, "op", context.run_id, known.made_of)
        self.store.put(table, [entry], view_of(context, self.schema))


def freshness(max_age: timedelta) -> dg.FreshnessPolicy:
    """Freshness policy whose fail window is the cache's maximum age; it warns at two thirds of that."""
    warn = max(max_age * 2 / 3, timedelta(minutes=1))  # the least warn window that Dagster accepts
    return dg.FreshnessPolicy.time_window(fail_window=max_age, warn_window=warn if warn < max_age else None)
