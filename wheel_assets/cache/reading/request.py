"""What a step wants to read, and what it gets: Dagster's graph and config in the words of `policy`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import dagster as dg

from wheel_assets.cache.policy import WHOLE, CacheKey, LookupResult, Node, Snapshot, needed_keys
from wheel_assets.errors import UsageError
from wheel_assets.tables import SnapshotTable

if TYPE_CHECKING:
    from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
    from dagster._core.execution.context.system import StepExecutionContext

PULLED_BY = "wheel/pulled_by"  # tag of a child run: the run that asked for it
# Metadata of a `dg.AssetIn` that its asset can do without: used where it is there, and never pulled; or pulled where
# it is stale, and done without where that fails.
OPTIONAL = {"wheel/optional": True}
OPTIONAL_PULLED = {**OPTIONAL, "wheel/pulled": True}


class MoreKeys(NamedTuple):
    """Keys of a column that the rows of a table name: `named` finds them in snapshots of it, by their ids."""

    table: str
    named: Callable[[Sequence[int]], Sequence[str]]


@dataclass(frozen=True)
class Request:
    """What one step wants to read: its inputs with all their ancestors, inputs first.

    `left_open` are the key columns of which the step's config says nothing.
    """

    nodes: tuple[Node, ...]
    asked: tuple[str, ...]
    run_id: str
    made_here: frozenset[CacheKey] = frozenset()  # inputs that earlier steps of the same run make
    optional: frozenset[str] = frozenset()  # inputs that the step can do without
    never_pulled: frozenset[str] = frozenset()  # those of them that nothing is pulled for
    left_open: frozenset[str] = frozenset()

    @cached_property
    def by_table(self) -> dict[str, Node]:
        """The nodes by name of their table."""
        return {node.table: node for node in self.nodes}

    @property
    def cache_keys(self) -> list[CacheKey]:
        """Every cache key that may matter."""
        return [(node.table, key) for node in self.nodes for key in node.keys]

    def accepting(self, minutes: float) -> Request:
        """The same request, content with data up to `minutes` old, even of what it wanted anew (a limit of 0)."""
        limit = timedelta(minutes=minutes)
        limits = (None if node.max_age is None else max(node.max_age, limit) for node in self.nodes)
        return replace(self, nodes=tuple(replace(n, max_age=m) for n, m in zip(self.nodes, limits, strict=True)))

    def joined_by(self, more_keys: Mapping[str, MoreKeys], reads: Reads) -> Request:
        """The request with the keys that the rows it has read name too; itself where there are none."""
        nodes = self.nodes
        for column in self.left_open & more_keys.keys() & {node.key_column for node in nodes}:
            table, named = more_keys[column]
            if read := [found.snapshot_id for (name, _), found in reads.snapshots.items() if name == table]:
                keys = named(read)
                nodes = tuple(node.with_keys(keys) if node.key_column == column else node for node in nodes)
        return self if nodes == self.nodes else replace(self, nodes=nodes)

    def beyond_help(
        self, results: Mapping[CacheKey, LookupResult], failures: Mapping[CacheKey, str]
    ) -> dict[CacheKey, str]:
        """Of what failed before, what older data does not help: sources that have none, and all below.

        What is derived from a source that older data does help is not among them: it can be made.
        """
        lost: dict[CacheKey, str] = {}
        for cache_key in self.cache_keys:
            above = needed_keys(self.by_table[cache_key[0]], cache_key[1], self.by_table)
            served = cache_key in results and results[cache_key].served
            if cache_key in failures and not served and (not above or any(source in lost for source in above)):
                lost[cache_key] = failures[cache_key]
        return lost


@dataclass
class Reads:
    """What a request comes to: a result for every cache key, and why some cache keys have no data."""

    request: Request
    results: dict[CacheKey, LookupResult]
    failures: dict[CacheKey, str] = field(default_factory=dict)

    @property
    def stale(self) -> list[LookupResult]:
        """What has to be pulled: not what failed already, is made by this very run, or is never pulled."""
        request = self.request
        return [
            result
            for cache_key, result in self.results.items()
            if not result.served
            and cache_key not in self.failures
            and cache_key not in request.made_here
            and cache_key[0] not in request.never_pulled
        ]

    @property
    def failed_inputs(self) -> dict[CacheKey, str]:
        """The failures among the inputs that the step itself reads."""
        return {cache_key: why for cache_key, why in self.failures.items() if cache_key[0] in self.request.asked}

    def not_fetched(self, table: str) -> dict[str, str]:
        """The keys that an input of the step lacks, with the reason; that of an optional input is its own alone."""
        return {k: why for (t, k), why in self.failed_inputs.items() if t == table or t not in self.request.optional}

    @property
    def lost(self) -> set[tuple[str | None, str]]:
        """The keys, by key column, that an input lacks which the step cannot do without."""
        nodes, optional = self.request.by_table, self.request.optional
        return {(nodes[table].key_column, key) for table, key in self.failed_inputs if table not in optional}

    @property
    def snapshots(self) -> dict[CacheKey, Snapshot]:
        """What to load. A key that is lost is left out of all inputs that have such keys."""
        nodes, lost = self.request.by_table, self.lost
        return {
            (table, key): result.snapshot
            for (table, key), result in self.results.items()
            if table in self.request.asked
            and result.served
            and result.snapshot is not None
            and (nodes[table].key_column, key) not in lost
        }


class _Input(NamedTuple):
    """An asset that a step loads: whether an earlier step of the run makes it, it can be done without, it is pulled."""

    asset: dg.AssetKey
    made_here: bool
    optional: bool
    pulled: bool


class AssetTables:
    """The assets that a store keeps, as tables with keys, age limits and inputs.

    `everything` returns the job that can make any asset, `keys` and `fingerprint` are as told in
    `io_manager.ReadThroughIOManager`.
    """

    def __init__(
        self,
        tables: Mapping[str, SnapshotTable],
        everything: Callable[[], dg.JobDefinition],
        keys: Mapping[str, Callable[[Any], Sequence[str]]],
        fingerprint: Callable[[str], str],
    ) -> None:
        self._tables, self._everything, self._keys, self._recipe = tables, everything, keys, fingerprint

    @cached_property
    def job(self) -> dg.JobDefinition:
        """The job that can make any asset."""
        return self._everything()

    @cached_property
    def graph(self) -> AssetGraph:
        """All assets; the job of a run knows only the selected ones."""
        return self.job.asset_layer.asset_graph

    @cached_property
    def kept(self) -> dict[dg.AssetKey, SnapshotTable]:
        """The table of each asset that the store keeps, inputs first."""
        keys = (key for key in self.graph.toposorted_asset_keys if key in self.graph.materializable_asset_keys)
        return {key: self.table(key) for key in keys if key.to_python_identifier() in self._tables}

    def table(self, asset: dg.AssetKey) -> SnapshotTable:
        """The declared table of an asset.

        Raises UsageError for an asset without one, and for a partitioned one: a snapshot knows no partition, and a
        reader would get another day's rows.
        """
        name = asset.to_python_identifier()
        if name not in self._tables:
            known = f"declared: {', '.join(self._tables)}; declare it or set another io_manager_key"
            raise UsageError(f"asset {asset.to_user_string()} has no table in the cache", "it is not declared", known)
        if self.graph.has(asset) and self.graph.get(asset).is_partitioned:
            why = "the cache keeps snapshots by key, not by partition"
            raise UsageError(f"partitioned asset {asset.to_user_string()} is refused", why, "use a key column instead")
        return self._tables[name]

    def request(self, step: StepExecutionContext) -> Request:
        """What a step wants to read, by the declarations of its inputs and by its own config.

        Raises UsageError for an age limit of a table that there is not, or a negative one.
        """
        self._check_limits(step)
        inputs = self._inputs(step)
        wanted: set[dg.AssetKey] = set()
        more = {each.asset for each in inputs}
        optional = {each.asset for each in inputs if each.optional}
        while more:
            wanted |= more
            more = {above for asset in more for above in self.graph.get(asset).parent_keys} & set(self.kept) - wanted
        nodes = tuple(self.node(step, asset, asset in optional) for asset in self.kept if asset in wanted)
        made_here = {self.table(each.asset).name for each in inputs if each.made_here}
        config = step.op_config if isinstance(step.op_config, Mapping) else {}
        return Request(
            nodes=nodes,
            asked=tuple(self.table(each.asset).name for each in inputs),
            run_id=step.run_id,
            made_here=frozenset((node.table, key) for node in nodes if node.table in made_here for key in node.keys),
            optional=frozenset(self.table(asset).name for asset in optional),
            never_pulled=frozenset(self.table(each.asset).name for each in inputs if not each.pulled),
            left_open=frozenset(t.key for t in self.kept.values() if t.key and not config.get(t.key_config or "")),
        )

    def node(self, step: StepExecutionContext, asset: dg.AssetKey, optional: bool = False) -> Node:
        """A table as a step wants it. A child run takes what there is: its asker knows what it needs is fresh."""
        config = step.op_config if isinstance(step.op_config, Mapping) else {}
        table, declared = self.table(asset), self.graph.get(asset)
        minutes = (config.get("max_age_minutes") or {}).get(table.name)
        answered_for = PULLED_BY in step.dagster_run.tags and not optional
        return Node(
            table=table.name,
            keys=self.wanted_keys(table, config),
            key_column=table.key,
            upstream=tuple(self.table(above).name for above in self.kept if above in declared.parent_keys),
            optional=frozenset(self.table(above).name for above in optional_inputs(declared.assets_def)),
            max_age=None if answered_for else _limit(declared.freshness_policy, minutes),
            fingerprint=f"{declared.code_version or ''}|{self._recipe(table.name)}",
        )

    def _inputs(self, step: StepExecutionContext) -> list[_Input]:
        """The assets that a step loads."""
        layer, inputs = step.job_def.asset_layer, []
        for step_input in step.step.step_inputs:
            asset = layer.get_asset_key_for_node_input(step.node_handle, input_name=step_input.name)
            if asset in self.kept and step_input.dagster_type_key != "Nothing":
                made_here = bool(step_input.source.step_key_dependencies)
                optional, pulled = (_declares(step.op_def, step_input.name, it) for it in (OPTIONAL, OPTIONAL_PULLED))
                inputs.append(_Input(asset, made_here, optional, pulled or not optional))
        return inputs

    def _check_limits(self, step: StepExecutionContext) -> None:
        limits = (step.op_config or {}).get("max_age_minutes") or {}
        tables = [table.name for table in self.kept.values()]
        for table, limit in limits.items():
            if table not in tables or limit < 0:
                known = f"tables: {', '.join(tables)}; minutes, 0 or more"
                raise UsageError(f"max_age_minutes {table}={limit} is refused", "", known)
        allow_stale = (step.op_config or {}).get("allow_stale")
        if allow_stale is not None and allow_stale < 0:
            raise UsageError(f"allow_stale={allow_stale} is refused", "", "minutes, 0 or more")

    def wanted_keys(self, table: SnapshotTable, config: Mapping[str, Any]) -> tuple[str, ...]:
        """The keys of a table that a config asks for."""
        if table.key is None or table.key_config is None:
            return (WHOLE,)
        return tuple(self._keys[table.key](config.get(table.key_config)))


def optional_inputs(asset: dg.AssetsDefinition) -> set[dg.AssetKey]:
    """The inputs that an asset can do without."""
    return {above for name, above in asset.keys_by_input_name.items() if _declares(asset.op, name, OPTIONAL)}


def _declares(op: dg.OpDefinition, input_name: str, what: Mapping[str, Any]) -> bool:
    return what.items() <= (op.input_dict[input_name].metadata or {}).items()


def _limit(policy: Any, minutes: float | None) -> timedelta | None:
    """The age limit that a run asks for, else that of the asset's freshness policy, else none."""
    if minutes is not None:
        return timedelta(minutes=minutes)
    window = getattr(policy, "fail_window", None)
    return window.to_timedelta() if window else None
