"""The asset check `freshness`: stale keys and failed refreshes of an asset as a Dagster check result.

A pull that cannot refresh some keys records a result for each asset that declares a check of this name. A successful
pull records nothing: a check result costs a run some 30 ms.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from wheel_assets.cache.reading.names import table_name
from wheel_assets.sanitise import masked_account, one_line

if TYPE_CHECKING:
    from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
    from dagster._core.execution.context.system import StepExecutionContext

    from wheel_assets.cache.policy import CacheKey

FRESHNESS = "freshness"  # name of the check
FAILED = "failed"  # metadata of the check: by key the time of the failed refresh (ISO 8601, naive UTC) and the reason


def without_freshness_checks(job: dg.JobDefinition, assets: Collection[dg.AssetKey]) -> dg.JobDefinition:
    """The part of a job that makes these assets, with all their checks except `freshness`."""
    checks = {key for key in job.asset_layer.asset_graph.asset_check_keys if key.asset_key in assets}
    others = {key for key in checks if key.name != FRESHNESS}
    return job.get_subset(asset_selection=set(assets), asset_check_selection=None if others == checks else others)


def evaluation(
    asset: dg.AssetKey, description: str, *, passed: bool, metadata: Mapping[str, Any]
) -> dg.AssetCheckEvaluation:
    """A result of the check, at most a warning: stale data is refreshed when it is next read."""
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=FRESHNESS,
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=one_line(description),
        metadata=metadata,
    )


def record_failures(
    step: StepExecutionContext, graph: AssetGraph, failures: Mapping[CacheKey, str], now: datetime
) -> None:
    """Record the keys that a pull could not refresh; `now` is naive UTC."""
    by_table: dict[str, dict[str, str]] = defaultdict(dict)
    for (table, key), why in failures.items():
        by_table[table][masked_account(key)] = one_line(why)
    for check in graph.asset_check_keys:
        if check.name == FRESHNESS and (failed := by_table.get(table_name(check.asset_key))):
            reasons = "; ".join(f"{key} could not be renewed: {why}" for key, why in failed.items())
            kept = {key: [now.isoformat(), why] for key, why in failed.items()}
            result = evaluation(check.asset_key, reasons, passed=False, metadata={FAILED: dg.MetadataValue.json(kept)})
            dg.DagsterEvent.asset_check_evaluation(step, result)  # which records it


def recorded_failures(
    instance: dg.DagsterInstance, assets: Collection[dg.AssetKey]
) -> dict[CacheKey, tuple[datetime, str]]:
    """Time and reason of failed refreshes by cache key, from the newest check result of each asset."""
    checks = [dg.AssetCheckKey(asset, FRESHNESS) for asset in assets]
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    failures = {}
    for check, record in records.items():
        result = record.evaluation  # a planned check has a record without a result
        value = result.metadata.get(FAILED) if isinstance(result, dg.AssetCheckEvaluation) else None
        failed = value.data if isinstance(value, dg.JsonMetadataValue) else None
        for key, (at, why) in failed.items() if isinstance(failed, Mapping) else ():
            failures[table_name(check.asset_key), key] = (datetime.fromisoformat(at), why)
    return failures
