"""One question, one answer: run the main job in this process and give back what it says."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from wheel_assets.cache.reading.pull import config_for, sentence_of
from wheel_assets.cache.reading.request import optional_inputs
from wheel_assets.definitions import defs
from wheel_assets.errors import RunFailed
from wheel_assets.tables import DATA_TABLES

if TYPE_CHECKING:
    from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

QUESTION = dg.AssetKey("recommendation")


def recommend(config: dict[str, Any], *, fresh: bool = False, debug: bool = False) -> dict[str, Any]:
    """Materialize `recommendation` and return its answer, the document of `recommend.answer`.

    `config` holds fields of the asset's run config. `fresh` has everything it needs made anew, as
    `dagster asset materialize --select '+recommendation'` does, but for what can be done without;
    `debug` lets Dagster's log through.
    Raises RunFailed with the one sentence of whatever failed first.
    """
    job = defs.resolve_implicit_global_asset_job_def()
    above = _needed(job.asset_layer.asset_graph, QUESTION) if fresh else set()
    upstream = {table.name: table for table in DATA_TABLES if dg.AssetKey(table.name) in above}
    ops = {name: config_for(table, _keys(config, table.key_config)) for name, table in upstream.items()}
    with instance() as home:
        result = job.execute_in_process(
            asset_selection=[QUESTION, *(dg.AssetKey(name) for name in upstream)],
            instance=home,
            run_config={
                "ops": {**ops, QUESTION.path[-1]: {"config": config}},
                "loggers": {"console": {"config": {"log_level": "DEBUG" if debug else "CRITICAL"}}},
            },
            raise_on_error=debug,
        )
    for event in result.all_events:
        if sentence := sentence_of(event):
            raise RunFailed(sentence)
    return result.asset_materializations_for_node(QUESTION.path[-1])[0].metadata["answer"].value


def cycles(config: dict[str, Any], *, debug: bool = False) -> dict[str, Any]:
    """Materialize `cycles` and return its document; raises RunFailed with the one sentence of whatever failed."""
    with instance() as home:
        result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
            asset_selection=[dg.AssetKey("cycles")],
            instance=home,
            run_config={
                "ops": {"cycles": {"config": config}},
                "loggers": {"console": {"config": {"log_level": "DEBUG" if debug else "CRITICAL"}}},
            },
            raise_on_error=debug,
        )
    for event in result.all_events:
        if sentence := sentence_of(event):
            raise RunFailed(sentence)
    return result.asset_materializations_for_node("cycles")[0].metadata["document"].value


@contextmanager
def instance() -> Iterator[dg.DagsterInstance]:
    """Dagster's memory of runs: that of DAGSTER_HOME, else of a `dagster.yaml` here, else none."""
    if os.environ.get("DAGSTER_HOME"):
        with dg.DagsterInstance.get() as home:
            yield home
    elif Path("dagster.yaml").exists():
        from dagster._core.instance.ref import InstanceRef

        # As `dagster asset materialize` does it, so that both write to the same storage.
        with (
            tempfile.TemporaryDirectory() as folder,
            dg.DagsterInstance.from_ref(InstanceRef.from_dir(folder, config_dir=os.getcwd())) as home,
        ):
            yield home
    else:
        with dg.DagsterInstance.ephemeral() as home:
            yield home


def _needed(graph: AssetGraph, asset: dg.AssetKey) -> set[dg.AssetKey]:
    """All that an asset is made of, but for what it can do without."""
    needed: set[dg.AssetKey] = set()
    more = {asset}
    while more:
        node = graph.get(more.pop())
        above = node.parent_keys - optional_inputs(node.assets_def)
        more |= above - needed
        needed |= above
    return needed


def _keys(config: dict[str, Any], field: str | None) -> list[str]:
    asked = config.get(field or "", [])
    return [asked] if isinstance(asked, str) else list(asked)
