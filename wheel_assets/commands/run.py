"""One question, one answer: run the main job in this process and give back what it says."""

from __future__ import annotations

from typing import Any, cast

import dagster as dg

from wheel_assets.cache.reading.pull import failure_message
from wheel_assets.definitions import defs
from wheel_assets.errors import INTERRUPTED, RefreshFailed, RunFailed
from wheel_assets.instance.home import opened
from wheel_assets.instance.run_records import PROCESS, this_process
from wheel_assets.tables import DATA_TABLES

QUESTION = dg.AssetKey("recommendation")


def recommend(config: dict[str, Any], *, fresh: bool = False, debug: bool = False) -> dict[str, Any]:
    """Materialize `recommendation` and return its answer, the document of `recommend.answer`.

    `config` holds fields of the asset's run config. `fresh` asks for everything anew: every age limit is 0,
    and what cannot be renewed falls back to what `allow_stale` lets through. `debug` lets Dagster's log through.
    Raises RunFailed with the one line of whatever failed first.
    """
    asked = config | ({"max_age_minutes": dict.fromkeys(_ancestors(), 0.0)} if fresh else {})
    result = _materialized(QUESTION, asked, debug=debug)
    for event in result.all_events:
        if message := failure_message(event):
            settled = bool(config.get("allow_stale")) or message == INTERRUPTED
            raise RunFailed(message, "", "" if settled else _older_data(event))
    answer = result.asset_materializations_for_node(QUESTION.path[-1])[0].metadata["answer"]
    return cast(dict[str, Any], answer.value)


def made(asset: str, config: dict[str, Any], *, debug: bool = False) -> dict[str, Any]:
    """Materialize one asset and return its metadata as plain values; raises RunFailed with the line of what failed."""
    result = _materialized(dg.AssetKey(asset), config, debug=debug)
    for event in result.all_events:
        if message := failure_message(event):
            raise RunFailed(message)
    metadata = result.asset_materializations_for_node(asset)[0].metadata
    return {name: value.value for name, value in metadata.items()}


def _materialized(asset: dg.AssetKey, config: dict[str, Any], *, debug: bool) -> dg.ExecuteInProcessResult:
    """The run that materialized one asset in this process, or failed to."""
    with opened() as home:
        return defs.resolve_implicit_global_asset_job_def().execute_in_process(
            asset_selection=[asset],
            instance=home,
            run_config={
                "ops": {asset.path[-1]: {"config": config}},
                "loggers": {"console": {"config": {"log_level": "DEBUG" if debug else "CRITICAL"}}},
            },
            tags={PROCESS: this_process()},
            raise_on_error=debug,
        )


def _ancestors() -> list[str]:
    """The tables that the answer is made of."""
    graph = defs.resolve_implicit_global_asset_job_def().asset_layer.asset_graph
    above = set(graph.upstream_key_iterator(QUESTION))
    return [table.name for table in DATA_TABLES if dg.AssetKey(table.name) in above]


def _older_data(event: dg.DagsterEvent) -> str:
    """What else can be done where an input could not be renewed."""
    error = event.step_failure_data.error if event.is_step_failure else None
    while error is not None and error.cause is not None:
        error = error.cause
    renewal = error is not None and error.cls_name == RefreshFailed.__name__
    return "or answer from what is cached: --allow-stale MINUTES" if renewal else ""
