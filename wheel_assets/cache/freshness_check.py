"""The asset check `freshness`: what of an asset is stale or could not be renewed, as Dagster's own check result.

An asset that declares a check of this name is told of when a pull could not renew some of its keys; one that does
not is left alone. A pull that went well records nothing: a check result costs a run some 30 ms.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from wheel_assets.sanitise import masked_account, one_line

if TYPE_CHECKING:
    from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
    from dagster._core.execution.context.system import StepExecutionContext

    from wheel_assets.cache.policy import CacheKey

FRESHNESS = "freshness"  # name of the check
FAILED = "failed"  # its metadata: by key when it could not be renewed (ISO 8601, naive UTC), and why


def without_freshness_checks(job: dg.JobDefinition, assets: Collection[dg.AssetKey]) -> dg.JobDefinition:
    """The part of a job that makes these assets, with all their checks but this one."""
    checks = {key for key in job.asset_layer.asset_graph.asset_check_keys if key.asset_key in assets}
    others = {key for key in checks if key.name != FRESHNESS}
    return job.get_subset(asset_selection=set(assets), asset_check_selection=None if others == checks else others)


def evaluation(asset: dg.AssetKey, told: str, *, passed: bool, metadata: Mapping[str, Any]) -> dg.AssetCheckEvaluation:
    """A result of the check; never more than a warning, for what is stale is renewed when it is asked for."""
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=FRESHNESS,
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=one_line(told),
        metadata=metadata,
    )


def record_failures(
    step: StepExecutionContext, graph: AssetGraph, failures: Mapping[CacheKey, str], now: datetime
) -> None:
    """Record what a pull could not renew; `now` is naive UTC."""
    by_table: dict[str, dict[str, str]] = defaultdict(dict)
    for (table, key), why in failures.items():
        by_table[table][masked_account(key)] = one_line(why)
    for check in graph.asset_check_keys:
        if check.name == FRESHNESS and (failed := by_table.get(check.asset_key.to_python_identifier())):
            told = "; ".join(f"{key} could not be renewed: {why}" for key, why in failed.items())
            kept = {key: [now.isoformat(), why] for key, why in failed.items()}
            result = evaluation(check.asset_key, told, passed=False, metadata={FAILED: dg.MetadataValue.json(kept)})
            dg.DagsterEvent.asset_check_evaluation(step, result)  # which records it


def recorded_failures(
    instance: dg.DagsterInstance, assets: Collection[dg.AssetKey]
) -> dict[CacheKey, tuple[datetime, str]]:
    """When and why keys could not be renewed, as the newest result of each asset tells it."""
    checks = [dg.AssetCheckKey(asset, FRESHNESS) for asset in assets]
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    failures = {}
    for check, record in records.items():
        told = record.evaluation  # of a check that is about to run only that it will
        value = told.metadata.get(FAILED) if isinstance(told, dg.AssetCheckEvaluation) else None
        failed = value.data if isinstance(value, dg.JsonMetadataValue) else None
        for key, (at, why) in failed.items() if isinstance(failed, Mapping) else ():
            failures[check.asset_key.to_python_identifier(), key] = (datetime.fromisoformat(at), why)
    return failures
