"""Frames to snapshots and back, with one addition to what an IO manager does: *reading pulls*.

Materializing an asset makes it, always. Loading it as somebody's input gets it or has it made: the
first input that a step loads finds out, for all inputs of that step at once, which snapshots are in
force and young enough (`policy.assess`); what is not is materialized by Dagster itself in one child
run (`pull.pull`); then every input is read from that one consistent set.

It works for any graph of assets: an asset's age limit is its `FreshnessPolicy.time_window`, its
version its `code_version`; its table is declared in `tables.py`, and if that table has a key, the
asset's config has the field `key_config` saying which keys are wanted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster import FreshnessPolicy
from pydantic import Field

from wheel_assets.cache import pull
from wheel_assets.cache.policy import WHOLE, Node, Place, Reading, Reason, Snapshot, assess, input_places
from wheel_assets.cache.store import Entry, Store
from wheel_assets.errors import BadFrame, RefreshFailed
from wheel_assets.tables import SnapshotTable

if TYPE_CHECKING:
    import pandas as pd
    from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
    from dagster._core.execution.context.system import StepExecutionContext


class PullConfig(dg.Config):
    """Fields that an asset's config may have, to read its inputs otherwise for one run."""

    max_age_minutes: dict[str, float] = Field({}, description="age limit by table for this run, minutes; 0 forces")
    allow_stale: float | None = Field(
        None, ge=0, description="if an input cannot be renewed, take one up to this old instead, minutes"
    )


class InputUnavailable(RefreshFailed, dg.DagsterError):
    """An input was too old and could not be renewed; Dagster shows it as it is, without wrapping."""


@dataclass(frozen=True)
class Request:
    """What one step wants to read: its inputs with all their ancestors, inputs first."""

    nodes: tuple[Node, ...]
    asked: tuple[str, ...]
    run_id: str
    made_here: frozenset[str] = frozenset()  # inputs that earlier steps of the same run make

    @cached_property
    def places(self) -> list[Place]:
        """Every place that may matter."""
        return [(node.table, key) for node in self.nodes for key in node.keys]

    def within(self, minutes: float) -> Request:
        """The same with no age limit below `minutes`."""
        limit = timedelta(minutes=minutes)
        nodes = (replace(n, max_age=n.max_age and max(n.max_age, limit)) for n in self.nodes)
        return replace(self, nodes=tuple(nodes))


@dataclass
class Reads:
    """What one step reads: a reading for every place, and why some places have none."""

    request: Request
    readings: dict[Place, Reading]
    first: dict[Place, Reading]  # as found, before anything was pulled
    failures: dict[Place, str] = field(default_factory=dict)

    @cached_property
    def snapshots(self) -> dict[Place, Snapshot]:
        """The snapshots to load: of every input, or of none, for each key that inputs share."""
        lost = {(self._column(table), key) for table, key in self.failures if table in self.request.asked}
        return {
            place: reading.snapshot
            for place, reading in self.readings.items()
            if reading.served and reading.snapshot and place[0] in self.request.asked and (self._column(place[0]), place[1]) not in lost
        }

    @property
    def not_fetched(self) -> dict[str, str]:
        """The reason of every key that an input lacks."""
        return {key: why for (table, key), why in reversed(self.failures.items()) if table in self.request.asked}

    def _column(self, table: str) -> str | None:
        return next(node.key_column for node in self.request.nodes if node.table == table)


class ReadThroughIOManager(dg.IOManager):
    """Stores frames as snapshots and pulls what a reader finds stale.

    `everything` returns the job that can make any asset (the repository's implicit asset job).
    `keys` holds, for each key column, a function from what a config asks for (None: nothing said) to
    the keys wanted. `recipe` names what a table's data depends on besides its inputs and its asset's
    code version, such as the vendor or a parameter of a model.
    """

    def __init__(
        self,
        store: Store,
        everything: pull.Everything,
        keys: Mapping[str, Callable[[Any], Sequence[str]]] | None = None,
        recipe: Callable[[str], str] = lambda table: "",
    ) -> None:
        self.store = store
        self._everything = everything
        self._keys = keys or {}
        self._recipe = recipe
        self._reads: dict[tuple[str, str, int], Reads] = {}

    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        """The rows of an input, of every key that all inputs of the step have.

        `frame.attrs` tells `reads`, one mapping a key, and `not_fetched`, the reason of each key that
        is missing. Raises InputUnavailable where there is nothing to load.
        """
        reads = self._reads_of(context.step_context)
        table = self._table(context.asset_key)
        found = {key: snapshot for (name, key), snapshot in reads.snapshots.items() if name == table.name}
        if not found:
            raise _unavailable(reads, table.name)
        frame = self.store.get(table.name, [snapshot.snapshot_id for snapshot in found.values()])
        self.store.touch([s for s in found.values() if reads.first[s.place].snapshot == s])
        frame.attrs = {
            "reads": [_told(reads.first[place], reads.readings[place]) for place in ((table.name, k) for k in found)],
            "not_fetched": reads.not_fetched,
        }
        return frame

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame) -> None:
        """Store one snapshot a key, all in one transaction; raises BadFrame for no rows.

        `obj.attrs["not_fetched"]` and `obj.attrs["notes"]`, if any, become metadata of the event.
        """
        table = self._table(context.asset_key)
        if obj is None or obj.empty:
            raise BadFrame(f"{table.name} came back empty", "an empty result never replaces anything", "")
        step = context.step_context
        reads = self._reads.pop(_attempt(step), None)
        node = self._node(step, context.asset_key)
        by_key = {WHOLE: obj} if table.key is None else dict(iter(obj.groupby(table.key, sort=False)))
        entries = [self._entry(node, str(key), rows, reads, context.run_id) for key, rows in by_key.items()]
        snapshots = self.store.put(table.name, entries)
        context.add_output_metadata(
            {
                "dagster/row_count": len(obj),
                **table_metadata(table),
                "as_of": dg.MetadataValue.timestamp(max(s.timestamp for s in snapshots).timestamp()),
                "source": ", ".join(sorted({s.source for s in snapshots})),
                pull.SNAPSHOTS_MADE: dg.MetadataValue.json({s.key: s.snapshot_id for s in snapshots}),
                pull.NOT_FETCHED: dg.MetadataValue.json(obj.attrs.get("not_fetched", {})),
                **({"notes": dg.MetadataValue.json(notes)} if (notes := obj.attrs.get("notes")) else {}),
            }
        )

    def _reads_of(self, step: StepExecutionContext) -> Reads:
        """What this step reads, decided once for all of its inputs."""
        attempt = _attempt(step)
        if attempt not in self._reads:
            self._reads[attempt] = self._read_through(step)
        return self._reads[attempt]

    def _read_through(self, step: StepExecutionContext) -> Reads:
        request = self._request(step)
        first, newest_id = self._assess(request)
        _log(step, first.values())
        reads = Reads(request, first, first, _made_here_but_missing(step, request, first, self._tables))
        if pull.PULLED_BY in step.dagster_run.tags:
            return reads  # no pull inside a pull: what is selected is what was stale
        self._bring_up(step, reads, newest_id)
        allow_stale = step.op_config.get("allow_stale") if step.op_config else None
        if reads.failures and allow_stale:
            older = Reads(request.within(allow_stale), reads.readings, first)
            self._bring_up(step, older, newest_id)
            reads = older
        return reads

    def _bring_up(self, step: StepExecutionContext, reads: Reads, newest_id: int) -> None:
        """Pull until nothing is stale but what failed; one process at a time for each place."""
        reads.readings, _ = self._assess(reads.request, newest_id)
        while wanted := _stale(reads):
            with self.store.pulling([reading.place for reading in wanted]):
                reads.readings, _ = self._assess(reads.request, newest_id)
                stale = _stale(reads)
                # Another process may have pulled meanwhile; if more became stale, lock that too.
                if {r.place for r in stale} <= {r.place for r in wanted} and stale:
                    reads.failures |= pull.pull(step, self._everything(), self._tables, stale)
            reads.readings, _ = self._assess(reads.request, newest_id)

    def _assess(self, request: Request, fresh_after: int | None = None) -> tuple[dict[Place, Reading], int]:
        snapshots, newest_id = self.store.index(request.places)
        now = self.store.clock()
        readings = assess(
            request.nodes, request.asked, snapshots, now=now, fresh_after=fresh_after, run_id=request.run_id
        )
        return readings, newest_id

    def _request(self, step: StepExecutionContext) -> Request:
        graph, layer = self._graph, step.job_def.asset_layer
        inputs = {
            key: step_input.source
            for step_input in step.step.step_inputs
            if (key := layer.get_asset_key_for_node_input(step.node_handle, input_name=step_input.name))
            and key in self._tables
            and step_input.dagster_type_key != "Nothing"
        }
        wanted, more = set[dg.AssetKey](), set(inputs)
        while more:
            wanted |= more
            more = {
                above for key in more for above in graph.get(key).parent_keys if above in self._tables
            } - wanted
        return Request(
            nodes=tuple(self._node(step, key) for key in graph.toposorted_asset_keys if key in wanted),
            asked=tuple(self._table(key).name for key in inputs),
            run_id=step.run_id,
            made_here=frozenset(self._table(k).name for k, source in inputs.items() if source.step_key_dependencies),
        )

    def _node(self, step: StepExecutionContext, asset: dg.AssetKey) -> Node:
        """A table as this step wants it, by the asset's declarations and the step's config."""
        config = step.op_config if isinstance(step.op_config, Mapping) else {}
        table, asset_node = self._table(asset), self._graph.get(asset)
        minutes = (config.get("max_age_minutes") or {}).get(table.name)
        unlimited = pull.PULLED_BY in step.dagster_run.tags
        return Node(
            table=table.name,
            keys=self._wanted_keys(table, config),
            key_column=table.key,
            upstream=tuple(self._table(key).name for key in asset_node.parent_keys if key in self._tables),
            max_age=None if unlimited else _limit(asset_node.freshness_policy, minutes),
            recipe=f"{asset_node.code_version or ''}|{self._recipe(table.name)}",
        )

    def _wanted_keys(self, table: SnapshotTable, config: Mapping[str, Any]) -> tuple[str, ...]:
        if table.key is None or table.key_config is None:
            return (WHOLE,)
        return tuple(self._keys[table.key](config.get(table.key_config)))

    def _entry(self, node: Node, key: str, rows: pd.DataFrame, reads: Reads | None, run_id: str) -> Entry:
        """A snapshot to be, with the ids it was built from and the sources these came from."""
        built_from: list[Snapshot] = []
        if reads is not None:
            nodes = {n.table: n for n in reads.request.nodes}
            places = input_places(replace(node, upstream=reads.request.asked), key, nodes)
            built_from = [reads.snapshots[place] for place in places if place in reads.snapshots]
        sources = set(rows["source"]) if "source" in rows else {s.source for s in built_from}
        inputs = frozenset(s.snapshot_id for s in built_from)
        return Entry(key, rows, "+".join(sorted(sources)), run_id, inputs, node.recipe)

    def _table(self, asset: dg.AssetKey) -> SnapshotTable:
        return self.store.tables[asset.to_python_identifier()]

    @cached_property
    def _graph(self) -> AssetGraph:
        """All assets; a run's own job knows only the selected ones."""
        return self._everything().asset_layer.asset_graph

    @cached_property
    def _tables(self) -> dict[dg.AssetKey, SnapshotTable]:
        """The assets that this store keeps, each with its table."""
        keys = self._graph.materializable_asset_keys
        return {key: self._table(key) for key in keys if key.to_python_identifier() in self.store.tables}


def table_metadata(table: SnapshotTable) -> dict[str, dg.MetadataValue]:
    """The standard metadata of a table, made from its declaration; nowhere else."""
    columns = [
        dg.TableColumn(c.name, c.type, c.description, dg.TableColumnConstraints(nullable=not c.required))
        for c in table.stored_columns
    ]
    return {
        "dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns)),
        "dagster/table_name": dg.MetadataValue.text(f"main.{table.name}"),
    }


def freshness(max_age: timedelta) -> FreshnessPolicy:
    """The policy that says in the UI what the cache goes by; it warns at two thirds of the limit."""
    warn = max(max_age * 2 / 3, timedelta(minutes=1))
    return FreshnessPolicy.time_window(fail_window=max_age, warn_window=warn if warn < max_age else None)


def _limit(policy: Any, minutes: float | None) -> timedelta | None:
    if minutes is not None:
        return timedelta(minutes=minutes)
    window = getattr(policy, "fail_window", None)
    return window.to_timedelta() if window else None


def _attempt(step: StepExecutionContext) -> tuple[str, str, int]:
    return step.run_id, step.step.key, step.previous_attempt_count


def _stale(reads: Reads) -> list[Reading]:
    """What has to be pulled: not what failed already, nor what this very run makes."""
    return [
        reading
        for place, reading in reads.readings.items()
        if not reading.served and place not in reads.failures and place[0] not in reads.request.made_here
    ]


def _made_here_but_missing(
    step: StepExecutionContext,
    request: Request,
    readings: Mapping[Place, Reading],
    tables: Mapping[dg.AssetKey, SnapshotTable],
) -> dict[Place, str]:
    """The keys that an earlier step of this run did not make, each with that step's reason."""
    missing: dict[Place, str] = {}
    for asset, table in tables.items():
        for key in (k for n, k in request.places if n == table.name and n in request.made_here):
            if readings[table.name, key].reason is not Reason.FORCED:
                _, reasons = pull.made_for(step.instance, step.run_id, asset)
                missing[table.name, key] = reasons.get(key, f"this run made no {table.name} of {key}")
    return missing


def _log(step: StepExecutionContext, readings: Any) -> None:
    """One line a read: was it in the cache, and if not, why."""
    reasons = json.loads(step.dagster_run.tags.get(pull.REASONS, "{}"))
    for r in readings:
        hit = r.reason is Reason.FRESH
        step.log.info(
            f"{'cache_hit' if hit else 'cache_miss'} table={r.table} key={r.key} age_minutes={_minutes(r.age)} "
            f"max_age_minutes={_minutes(r.max_age)} "
            f"reason={reasons.get(r.table, r.reason) if r.reason is Reason.FORCED else r.reason}"
        )


def _told(first: Reading, last: Reading) -> dict[str, Any]:
    """A read as the answer tells it: plain values, times in ISO form (UTC)."""
    snapshot = last.snapshot
    assert snapshot is not None
    return {
        "table": last.table,
        "key": last.key,
        "source": snapshot.source,
        "timestamp": snapshot.timestamp.isoformat(),
        "created_at": snapshot.created_at.isoformat(),
        "age_minutes": last.age.total_seconds() / 60 if last.age is not None else None,
        "max_age_minutes": last.max_age.total_seconds() / 60 if last.max_age is not None else None,
        "outcome": "cache_hit" if first.snapshot == snapshot and first.reason is not Reason.FORCED else "cache_miss",
        "reason": str(first.reason),
        "snapshot_id": snapshot.snapshot_id,
    }


def _minutes(time: timedelta | None) -> str:
    return "none" if time is None else f"{time.total_seconds() / 60:.2f}"


def _unavailable(reads: Reads, table: str) -> InputUnavailable:
    """The first reason why nothing of an input can be loaded, as one sentence."""
    about = {place: why for place, why in reads.failures.items() if place[0] in reads.request.asked}
    place, why = next(((p, w) for p, w in about.items() if p[0] == table), next(iter(about.items()), ((table, ""), "")))
    return InputUnavailable(f"{place[0]} of {place[1] or 'any key'} could not be had: {why}")
