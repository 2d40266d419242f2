"""The cached assets of a Dagster graph as `policy.Node`s: tables with keys, maximum ages and inputs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import dagster as dg

from wheel_assets.cache.policy import WHOLE, Node
from wheel_assets.cache.reading.names import table_name
from wheel_assets.cache.reading.partitions import keys_above
from wheel_assets.cache.reading.request import OPTIONAL, OPTIONAL_PULLED, PULLED_BY, Request
from wheel_assets.cache.store.inferred import InferredTable
from wheel_assets.errors import UsageError
from wheel_assets.tables import SnapshotTable

if TYPE_CHECKING:
    from dagster._core.definitions.assets.graph.asset_graph import AssetGraph, AssetNode
    from dagster._core.definitions.node_definition import NodeDefinition
    from dagster._core.execution.context.system import StepExecutionContext

HORIZON = 100  # partitions that a read goes back in a self-dependent asset; earlier ones count as settled

Keys = Callable[[Any], Sequence[str]]  # from the value of a config field (None: not set) to the requested keys


class _Input(NamedTuple):
    """An input asset of a step: whether an earlier step of the run makes it, it is optional, it is pulled if stale."""

    name: str
    asset: dg.AssetKey
    made_here: bool
    optional: bool
    pulled: bool


class _Wanted(NamedTuple):
    """A requested key of an asset, and its distance from the request through a self-dependent asset."""

    asset: dg.AssetKey
    key: str
    depth: int = 0


class AssetTables:
    """The assets of a graph whose IO manager has one key.

    `tables` are the declared ones, by name; `keys` and `fingerprint` are those of `io_manager.ReadThroughIOManager`.
    """

    def __init__(
        self,
        graph: AssetGraph,
        io_manager_key: str,
        tables: Mapping[str, SnapshotTable],
        keys: Mapping[str, Keys],
        fingerprint: Callable[[str], str],
    ) -> None:
        self.graph, self.io_manager_key = graph, io_manager_key
        self._tables, self._keys, self._fingerprint = tables, keys, fingerprint
        self._inputs_of: dict[dg.AssetKey, dict[str, dg.AssetKey]] = {}

    @cached_property
    def kept(self) -> dict[dg.AssetKey, SnapshotTable]:
        """The table of each stored asset, inputs first, external assets included."""
        return {key: self.table(key) for key in self.graph.toposorted_asset_keys if self._is_kept(self.graph.get(key))}

    def table(self, asset: dg.AssetKey) -> SnapshotTable:
        """The table of an asset: the declared one, else an inferred one."""
        name = table_name(asset)
        return self._tables.get(name) or InferredTable(name, "", ())

    def request(self, step: StepExecutionContext) -> Request:
        """The request of a step, from the declarations of its inputs and its own config.

        Raises UsageError for a negative age limit or one of an unknown table.
        """
        self._check_limits(step)
        inputs = self._inputs(step)
        optional = {each.asset for each in inputs if each.optional}
        wanted = self._wanted(step, inputs)
        read = {
            e.asset: self.input_keys(step, e.name, e.asset) for e in inputs if self.graph.get(e.asset).is_partitioned
        }
        nodes = tuple(
            replace(self._node(step, asset, wanted[asset], asset in optional), read=read.get(asset))
            for asset in self.kept
            if asset in wanted
        )
        made_here = self._names(each.asset for each in inputs if each.made_here)
        others = {asset for asset in wanted if not self.graph.get(asset).is_materializable}
        return Request(
            nodes=nodes,
            asked=tuple(self.table(each.asset).name for each in inputs),
            run_id=step.run_id,
            made_here=frozenset((node.table, key) for node in nodes if node.table in made_here for key in node.keys),
            optional=self._names(optional),
            never_pulled=self._names({each.asset for each in inputs if not each.pulled} | others),
            partitioned=self._names(asset for asset in wanted if self.graph.get(asset).is_partitioned),
            left_open=frozenset(
                t.key for t in self.kept.values() if t.key and not _config(step).get(t.key_config or "")
            ),
        )

    def made(self, step: StepExecutionContext, asset: dg.AssetKey, partitions: Sequence[str]) -> Node:
        """The node of an asset that a step makes: its partitions, or the keys that the step's config requests."""
        keys = partitions or self.wanted_keys(self.table(asset), _config(step))
        return self._node(step, asset, {key: self._above(step, asset, key) for key in keys})

    def wanted_keys(self, table: SnapshotTable, config: Mapping[str, Any]) -> tuple[str, ...]:
        """The keys of a table that a config requests."""
        if table.key is None or table.key_config is None:
            return (WHOLE,)
        return tuple(self._keys[table.key](config.get(table.key_config)))

    def input_keys(self, step: StepExecutionContext, name: str, asset: dg.AssetKey) -> tuple[str, ...]:
        """The keys of an input that a step loads."""
        if not self.graph.get(asset).is_partitioned:
            return self.wanted_keys(self.table(asset), _config(step))
        subset = step.asset_partitions_subset_for_input(name, require_valid_partitions=False)
        return tuple(str(key) for key in subset.get_partition_keys())

    def inputs_of(self, asset: dg.AssetKey) -> dict[str, dg.AssetKey]:
        """The stored input assets of an asset, by the name of the input that loads them."""
        if asset not in self._inputs_of:
            definition = self.graph.get(asset).assets_def
            loaded = definition.node_def.input_dict if definition.is_materializable else {}
            self._inputs_of[asset] = {
                name: above
                for name, above in definition.keys_by_input_name.items()
                if above in self.kept and name in loaded and not loaded[name].dagster_type.is_nothing
            }
        return self._inputs_of[asset]

    def optional_inputs(self, asset: dg.AssetKey) -> set[dg.AssetKey]:
        """The optional inputs of an asset."""
        loaded = self.inputs_of(asset)
        return {above for n, above in loaded.items() if _declares(self.graph.get(asset).assets_def.node_def, n)}

    def _is_kept(self, node: AssetNode) -> bool:
        return node.io_manager_key == self.io_manager_key

    def _names(self, assets: Collection[dg.AssetKey] | Iterator[dg.AssetKey]) -> frozenset[str]:
        return frozenset(self.table(asset).name for asset in assets)

    def _node(
        self,
        step: StepExecutionContext,
        asset: dg.AssetKey,
        keys: Mapping[str, Mapping[dg.AssetKey, tuple[str, ...]] | None],
        optional: bool = False,
    ) -> Node:
        """The node of a table for a step. In a child run age does not matter: its parent has checked it."""
        table, declared = self.table(asset), self.graph.get(asset)
        minutes = (_config(step).get("max_age_minutes") or {}).get(table.name)
        answered_for = PULLED_BY in step.dagster_run.tags and not optional
        mapped: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
        for key, above in keys.items():
            for each, partitions in (above or {}).items():
                mapped[self.table(each).name][key] = partitions
        version = f"{declared.code_version or ''}|{self._fingerprint(table.name)}"
        return Node(
            table=table.name,
            keys=tuple(keys),
            key_column=table.key,
            upstream=tuple(dict.fromkeys(self.table(above).name for above in self.inputs_of(asset).values())),
            max_age=None if answered_for else _limit(declared.freshness_policy, minutes),
            fingerprint=version if declared.is_materializable else None,
            optional=self._names(self.optional_inputs(asset)),
            mapped=mapped,
            settled=frozenset(key for key, above in keys.items() if above is None),
        )

    def _inputs(self, step: StepExecutionContext) -> list[_Input]:
        """The input assets of a step."""
        layer, inputs = step.job_def.asset_layer, []
        for step_input in step.step.step_inputs:
            asset = layer.get_asset_key_for_node_input(step.node_handle, input_name=step_input.name)
            if asset in self.kept and step_input.dagster_type_key != "Nothing":
                made_here = bool(step_input.source.step_key_dependencies)
                optional, pulled = (_declares(step.op_def, step_input.name, it) for it in (OPTIONAL, OPTIONAL_PULLED))
                inputs.append(_Input(step_input.name, asset, made_here, optional, pulled or not optional))
        return inputs

    def _wanted(
        self, step: StepExecutionContext, inputs: Sequence[_Input]
    ) -> dict[dg.AssetKey, dict[str, Mapping[dg.AssetKey, tuple[str, ...]] | None]]:
        """The inputs of a step and all their ancestors, inputs first: by asset its keys, and the keys of their inputs.

        None instead of the latter where a self-dependent asset lies beyond the horizon.
        """
        wanted: dict[dg.AssetKey, dict[str, Mapping[dg.AssetKey, tuple[str, ...]] | None]] = defaultdict(dict)
        start = [_Wanted(e.asset, key) for e in inputs for key in self.input_keys(step, e.name, e.asset)]
        wanted |= {each.asset: {} for each in inputs}  # wanted, if without any partition
        seen: set[tuple[dg.AssetKey, str]] = set()
        whole: set[dg.AssetKey] = set()  # those without partitions, all of whose keys are open
        open_: list[tuple[_Wanted, Mapping[dg.AssetKey, tuple[str, ...]] | None]] = [(w, None) for w in reversed(start)]
        while open_:
            each, above = open_.pop()
            if above is not None:
                wanted[each.asset].pop(each.key, None)  # to its place after its inputs
                wanted[each.asset][each.key] = above
            elif each.depth > HORIZON:
                wanted[each.asset].setdefault(each.key, None)
            elif each[:2] not in seen:
                seen.add(each[:2])
                above = self._above(step, each.asset, each.key)
                open_.append((each, above))
                for asset in self.inputs_of(each.asset).values():
                    if asset not in above and asset in whole:
                        continue
                    whole.add(asset)
                    keys = above[asset] if asset in above else self.wanted_keys(self.table(asset), _config(step))
                    depth = each.depth + 1 if asset == each.asset else 0
                    open_ += [(_Wanted(asset, key, depth), None) for key in reversed(keys)]
        return wanted

    def _above(self, step: StepExecutionContext, asset: dg.AssetKey, key: str) -> dict[dg.AssetKey, tuple[str, ...]]:
        """The partitions of each partitioned input that a key of an asset is made from."""
        own = self.graph.get(asset)
        above = {each: self.graph.get(each) for each in self.inputs_of(asset).values()}
        return {each: keys_above(own, key, node, step.instance) for each, node in above.items() if node.is_partitioned}

    def _check_limits(self, step: StepExecutionContext) -> None:
        limits = _config(step).get("max_age_minutes") or {}
        tables = [table.name for table in self.kept.values()] if limits else []
        for table, limit in limits.items():
            if table not in tables or limit < 0:
                known = f"tables: {', '.join(tables)}; minutes, 0 or more"
                raise UsageError(f"max_age_minutes {table}={limit} is refused", "", known)
        allow_stale = _config(step).get("allow_stale")
        if allow_stale is not None and allow_stale < 0:
            raise UsageError(
                f"allow_stale={allow_stale} is refused", "it is not a maximum age", "give minutes, 0 or more"
            )


def _config(step: StepExecutionContext) -> Mapping[str, Any]:
    return step.op_config if isinstance(step.op_config, Mapping) else {}


def _declares(definition: NodeDefinition, input_name: str, what: Mapping[str, Any] = OPTIONAL) -> bool:
    return what.items() <= (definition.input_dict[input_name].metadata or {}).items()


def _limit(policy: Any, minutes: float | None) -> timedelta | None:
    """The maximum age set for the run, else that of the asset's freshness policy, else None."""
    if minutes is not None:
        return timedelta(minutes=minutes)
    window = getattr(policy, "fail_window", None)
    return window.to_timedelta() if window else None
