"""Check of definitions at load time: an asset that the cache cannot store is refused before any run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, get_origin

import dagster as dg
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy

from wheel_assets.cache.reading.duckdb_io_manager import ReadThroughDuckDBIOManager
from wheel_assets.cache.reading.loaded_input import LoadedInput
from wheel_assets.cache.reading.names import asset_view, table_name
from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.reading.partitions import PARTITION_EXPR
from wheel_assets.cache.store.inferred import RESERVED
from wheel_assets.errors import UsageError
from wheel_assets.rows import Rows

if TYPE_CHECKING:
    from dagster._core.definitions.assets.graph.asset_graph import AssetGraph, AssetNode
    from dagster._core.types.dagster_type import DagsterType

    from wheel_assets.tables import SnapshotTable


def checked(definitions: dg.Definitions) -> dg.Definitions:
    """The definitions, after checking that the cache can store each asset; raises `OneLineError` with a UsageError.

    >>> defs = checked(dg.Definitions([]))
    """
    managers = {
        key: manager
        for key, manager in (definitions.resources or {}).items()
        if isinstance(manager, ReadThroughDuckDBIOManager)
    }
    with one_line_errors():
        if managers:
            graph = definitions.resolve_asset_graph()
            for key, manager in managers.items():
                _check(graph, key, manager)
    return definitions


def _check(graph: AssetGraph, io_manager_key: str, manager: ReadThroughDuckDBIOManager) -> None:
    """Raise UsageError for the first asset of a manager that cannot be stored."""
    nodes = [graph.get(key) for key in graph.toposorted_asset_keys]
    kept = [node for node in nodes if node.io_manager_key == io_manager_key and not _nothing(node)]
    tables = {table.name: table for table in manager.tables()}
    for table in tables.values():
        _check_declaration(table, manager.wanted_keys())
    handlers = [kind for handler in manager.type_handlers() for kind in handler.supported_types]
    for node in kept:
        for refusal in _refusals(node, tables.get(table_name(node.key)), handlers):
            raise UsageError(f"asset {node.key.to_user_string()} is refused", *refusal)
    for node in nodes:
        parents = {key: graph.get(key) for key in node.parent_keys}
        loaded = {key: above for key, above in parents.items() if above.io_manager_key == io_manager_key}
        for refusal in _input_refusals(node, loaded, handlers):
            raise UsageError(f"asset {node.key.to_user_string()} is refused", *refusal)
    views = {node.key: asset_view(node.key, node.metadata, manager.schema_) for node in kept}
    _refuse_twins(views, lambda key: table_name(key).lower(), "table")
    undeclared = {key: view for key, view in views.items() if table_name(key) not in tables}
    _refuse_twins(undeclared, lambda key: f"{views[key].schema}.{views[key].name}".lower(), "view")


def _check_declaration(table: SnapshotTable, wanted: Mapping[str, Any]) -> None:
    """Raise UsageError for a table without the required columns, or with keys that nothing can request."""
    columns = {column.name: column for column in table.columns}
    if "timestamp" not in columns or columns["timestamp"].type != "TIMESTAMP":
        why = "it has no column timestamp of type TIMESTAMP"
        raise UsageError(f"table {table.name} is refused", why, "declare it: the as-of time of the rows, in UTC")
    if table.key is not None and table.key not in columns:
        why = f"its key {table.key} is none of its columns"
        raise UsageError(f"table {table.name} is refused", why, f"name one of {', '.join(columns)}")
    if table.key is not None and table.key_config is not None and table.key not in wanted:
        why = f"nothing says which keys of {table.key} are requested"
        raise UsageError(f"table {table.name} is refused", why, "add it to wanted_keys of the IO manager")


def _refusals(node: AssetNode, table: SnapshotTable | None, handlers: list[type[Any]]) -> Iterator[tuple[str, str]]:
    """Reason and remedy for each obstacle to storing an asset."""
    definition = node.assets_def
    if node.freshness_policy is not None and not isinstance(node.freshness_policy, TimeWindowFreshnessPolicy):
        yield "its freshness policy names times, and the cache needs a maximum age", "use freshness(timedelta(...))"
    if not definition.is_materializable:
        return
    name = table_name(node.key)
    if table is None and name in RESERVED:
        yield f"{name} is the name of a table of the store", "rename the asset"
    if unfit := _unfit(_made(definition, node.key), (Rows, *handlers)):
        yield f"it returns {unfit}, and a table is stored from a frame", "return a DataFrame, or annotate -> None"
    policy = definition.backfill_policy
    spread = policy is not None and policy.policy_type is not dg.BackfillPolicy.multi_run().policy_type
    if node.is_partitioned and spread and PARTITION_EXPR not in node.metadata:
        yield "one run makes several partitions, and nothing says which of them a row is in", f"set {PARTITION_EXPR}"
    if table is not None and table.key is not None:
        yield from _keyed_refusals(node, table)


def _input_refusals(
    node: AssetNode, loaded: Mapping[dg.AssetKey, AssetNode], handlers: list[type[Any]]
) -> Iterator[tuple[str, str]]:
    """Reason and remedy for each of the `loaded` inputs of an asset that cannot be loaded."""
    definition = node.assets_def
    inputs = definition.node_def.input_dict if definition.is_materializable else {}
    for name, key in definition.keys_by_input_name.items():
        given, above = inputs.get(name), loaded.get(key)
        if given is None or above is None or given.input_manager_key or given.dagster_type.is_nothing:
            continue
        if unfit := _unfit(given.dagster_type, (LoadedInput, *handlers)):
            yield f"its input {name} is to be {unfit}, and a table is loaded as a frame", "annotate it as a DataFrame"
        elif _nothing(above):
            yield f"it loads {key.to_user_string()}, which returns nothing to store", "name that one in its deps"


def _keyed_refusals(node: AssetNode, table: SnapshotTable) -> Iterator[tuple[str, str]]:
    """Reason and remedy for each obstacle to storing an asset whose table has keys."""
    definition = node.assets_def
    if node.is_partitioned:
        yield f"its table has keys by {table.key}, and it has partitions too", "use one or the other"
    if not isinstance(definition.node_def, dg.OpDefinition):
        yield f"its table has keys by {table.key}, and a graph has no config that asks for them", "make it one op"
    elif table.key_config is not None and table.key_config not in _fields(definition.node_def):
        yield f"its config has no field {table.key_config} that asks for keys", "add the field, with a default"


def _fields(op: dg.OpDefinition) -> Mapping[str, Any]:
    return getattr(op.config_schema.config_type, "fields", {}) if op.config_schema else {}


def _unfit(given: DagsterType, more: tuple[type[Any], ...]) -> str | None:
    """The name of a type that is no frame; None for a frame type or a missing annotation."""
    kind = given.typing_type
    if get_origin(kind) in (dict, list, set, tuple):  # a Union may be of a frame
        return str(kind)
    if given.is_nothing or kind is Any or not isinstance(kind, type):
        return None
    is_frame = kind.__name__ == "DataFrame" or any(issubclass(kind, fit) for fit in more)
    return None if is_frame or any(parent.__name__ == "DataFrame" for parent in kind.__mro__) else kind.__name__


def _nothing(node: AssetNode) -> bool:
    return node.assets_def.is_materializable and _made(node.assets_def, node.key).is_nothing


def _made(definition: dg.AssetsDefinition, key: dg.AssetKey) -> DagsterType:
    """The type of what makes an asset: that of the op, for the graph around it may declare none."""
    name = definition.get_output_name_for_asset_key(key)
    output, _ = definition.node_def.resolve_output_to_origin(name, None)
    return output.dagster_type


def _refuse_twins(assets: Mapping[dg.AssetKey, Any], name: Callable[[dg.AssetKey], str], what: str) -> None:
    """Raise UsageError for two assets whose table or view would have the same name."""
    seen: dict[str, dg.AssetKey] = {}
    for key in assets:
        if (other := seen.setdefault(name(key), key)) != key:
            both = f"{other.to_user_string()} and {key.to_user_string()}"
            raise UsageError(
                f"assets {both} are refused", f"both would be the {what} {name(key)}", "rename one of them"
            )
