"""Names in the store: table, key and view of an asset, or of an op's output."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import dagster as dg

from wheel_assets.cache.policy import CacheKey
from wheel_assets.cache.store.schema import View

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_SCHEMA = "public"  # of dagster-duckdb, where nothing names one


def table_name(asset: dg.AssetKey) -> str:
    """The name of an asset's table.

    >>> table_name(dg.AssetKey(["sensors", "readings"]))
    'sensors__readings'
    """
    return re.sub(r"\W", "_", asset.to_python_identifier())


def asset_view(asset: dg.AssetKey, metadata: Mapping[str, Any] | None, schema: str | None) -> View:
    """The view on an asset's newest rows, named as dagster-duckdb would name the table: metadata, setting, prefix."""
    prefix = asset.path[-2] if len(asset.path) > 1 else NO_SCHEMA
    return View((metadata or {}).get("schema") or schema or prefix, asset.path[-1])


def view_of(context: dg.OutputContext, schema: str | None) -> View:
    """The view on the stored rows of an output."""
    metadata = context.definition_metadata or {}
    if context.has_asset_key:
        return asset_view(context.asset_key, metadata, schema)
    name = metadata.get("table", context.name)
    return View(metadata.get("schema") or schema or NO_SCHEMA, name, every_key=False)


def op_cache_key(output: dg.OutputContext) -> CacheKey:
    """Cache key of an op's output: one table per output of a job's op, one key per run and copy of the op."""
    step = re.sub(r"\[.*\]", "", output.step_key)
    table = re.sub(r"\W", "_", f"op__{output.job_name}__{step}__{output.name}")
    copy = "".join(re.findall(r"\[.*\]", output.step_key))
    return table, f"{output.run_id}{copy}{output.mapping_key or ''}"


def output_name(output: dg.OutputContext) -> str:
    """Name of an output in error texts."""
    if output.has_asset_key:
        return output.asset_key.to_user_string()
    return f"output {output.name} of op {output.step_key}"
