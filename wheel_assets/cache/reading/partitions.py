"""Partitions as cache keys: input partitions of an asset, and the rows of each partition in a frame."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dagster as dg

from wheel_assets.cache.reading.frames import STAGED, in_memory
from wheel_assets.errors import BadFrame

if TYPE_CHECKING:
    import pandas as pd
    from dagster._core.definitions.assets.graph.asset_graph import AssetNode
    from dagster._core.storage.db_io_manager import TablePartitionDimension

PARTITION_EXPR = "partition_expr"  # metadata of an asset: the SQL of its partition, as of dagster-duckdb


def keys_above(asset: AssetNode, key: str, above: AssetNode, instance: dg.DagsterInstance) -> tuple[str, ...]:
    """The partitions of an input that a partition of an asset (or the whole of an unpartitioned one) is made from."""
    own, mapped = asset.partitions_def, above.partitions_def
    assert mapped is not None, "only partitions are mapped"
    mapping = asset.assets_def.infer_partition_mapping(asset.key, above.key, mapped)
    with _known(instance):
        subset = own.empty_subset().with_partition_keys([key_of(own, key)]) if own else None
        found = mapping.get_upstream_mapped_partitions_result_for_partitions(subset, own, mapped)
        return tuple(str(each) for each in found.partitions_subset.get_partition_keys())


def key_of(partitions: dg.PartitionsDefinition, key: str) -> str:
    """A partition key in Dagster's form; one of several dimensions is a MultiPartitionKey."""
    return partitions.get_partition_key_from_str(key) if isinstance(partitions, dg.MultiPartitionsDefinition) else key


def in_order(partitions: dg.PartitionsDefinition, keys: Collection[str], instance: dg.DagsterInstance) -> list[str]:
    """The keys in the order of their definition."""
    with _known(instance):
        return [str(key) for key in partitions.get_partition_keys() if str(key) in keys]


def is_range(partitions: dg.PartitionsDefinition, keys: Sequence[str], instance: dg.DagsterInstance) -> bool:
    """Whether the keys, in order, are a range without gaps."""
    with _known(instance):
        return list(partitions.get_partition_keys_in_range(dg.PartitionKeyRange(keys[0], keys[-1]))) == list(keys)


def split(context: dg.OutputContext, frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of each partition of an output; all rows where it has one partition.

    With several, the SQL in the asset's metadata `partition_expr` decides. Raises BadFrame for rows of no partition
    and for a partition without rows: a run makes every partition it was started for, or fails.
    """
    keys = [str(key) for key in context.asset_partition_keys]
    if len(keys) == 1:
        return {keys[0]: frame}
    parts = {str(key): _rows_of(context, key, frame) for key in context.asset_partition_keys}
    name = context.asset_key.to_user_string()
    if empty := [key for key, rows in parts.items() if rows.empty]:
        raise BadFrame(f"{name} has no rows of {', '.join(empty[:5])}", "an empty result never replaces anything")
    placed = sum(len(rows) for rows in parts.values())
    if placed != len(frame):
        why = f"by its {PARTITION_EXPR}, {placed} of {len(frame)} rows are of the partitions {keys[0]} to {keys[-1]}"
        raise BadFrame(
            f"the rows of {name} were refused", why, f"return each row once, or correct its {PARTITION_EXPR}"
        )
    return parts


def _rows_of(context: dg.OutputContext, key: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of one partition, by dagster-duckdb's own SQL."""
    import duckdb
    from dagster_duckdb.io_manager import DuckDbClient

    select = DuckDbClient.get_select_statement(STAGED._replace(partition_dimensions=list(_dimensions(context, key))))
    try:
        with in_memory(frame.assign(wheel_row=range(len(frame)))) as connection:
            rows = connection.execute(select).df()["wheel_row"]
    except duckdb.Error as error:
        what = f"the {PARTITION_EXPR} of {context.asset_key.to_user_string()} is refused"
        raise BadFrame(what, str(error)[:200], "write SQL over the columns of its frame") from error
    return frame.iloc[sorted(rows)]


def _dimensions(context: dg.OutputContext, key: str) -> Iterator[TablePartitionDimension]:
    """The dimensions of a partition: the SQL of each column, and a time window or the key."""
    from dagster._core.storage.db_io_manager import TablePartitionDimension

    whole, expression = context.asset_partitions_def, (context.definition_metadata or {}).get(PARTITION_EXPR)
    if expression is None:
        what = f"several partitions of {context.asset_key.to_user_string()} at once are refused"
        raise BadFrame(what, "nothing says which partition a row is in", f"set its metadata {PARTITION_EXPR}")
    by_name: Mapping[str, Any] = {"": whole}
    keys: Mapping[str, str] = {"": key}
    expressions = {"": expression}
    if isinstance(whole, dg.MultiPartitionsDefinition):
        by_name = {part.name: part.partitions_def for part in whole.partitions_defs}
        keys, expressions = whole.get_partition_key_from_str(key).keys_by_dimension, expression
    for name, part in by_name.items():
        windows = isinstance(part, dg.TimeWindowPartitionsDefinition)
        of = part.time_window_for_partition_key(keys[name]) if windows else [keys[name]]
        yield TablePartitionDimension(expressions[name], of)


@contextmanager
def _known(instance: dg.DagsterInstance) -> Iterator[None]:
    """A block in which dynamic partitions are those of the instance."""
    from dagster._core.definitions.partitions.context import partition_loading_context

    with partition_loading_context(dynamic_partitions_store=instance):
        yield
