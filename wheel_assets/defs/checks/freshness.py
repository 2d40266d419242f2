"""The check `freshness` of every asset with keys: lineage and catalog warn where Dagster itself shows no freshness.

`cache_inspection` evaluates it for all assets, a pull for those that it could not refresh, and Dagster where it
materializes these assets alone. A run of the advice evaluates none of them: a check result costs it some 30 ms.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from wheel_assets.cache.freshness_check import FAILED, FRESHNESS, evaluation, recorded_failures
from wheel_assets.cache.reading.names import table_name
from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.store.store import Store
from wheel_assets.cache.upkeep.fetch_history import Failure, last_failures
from wheel_assets.cache.upkeep.stats import stats
from wheel_assets.defs.declare import settings
from wheel_assets.defs.flow import STAGES, newest_positions, nodes, underlyings
from wheel_assets.sanitise import masked_account
from wheel_assets.show.freshness import SERVED, Cell, Freshness, freshness

KEYED = tuple(dg.AssetKey(name) for name, stage in STAGES.items() if stage.table.key)
MEANING = (
    "Every symbol of the watchlist and of the holdings, or the account, is within its maximum age, made from the "
    "snapshots in force, and its last refresh did not fail. Evaluated when `cache_inspection` or this asset is "
    "materialized, and when a pull could not refresh it; newer data have no result yet. A warning at most: stale data "
    "are refreshed when they are next read."
)


@dg.multi_asset_check(
    name="freshness_by_key",
    specs=[dg.AssetCheckSpec(FRESHNESS, asset=asset, description=MEANING) for asset in KEYED],
    can_subset=True,
)
def freshness_checks(
    context: dg.AssetCheckExecutionContext, store: dg.ResourceParam[Store]
) -> Iterator[dg.AssetCheckResult]:
    """The verdicts on the assets that were selected."""
    with one_line_errors():
        _, matrix = inspected(store, context.instance)
    for verdict in evaluations(matrix, {key.asset_key for key in context.selected_asset_check_keys}):
        yield dg.AssetCheckResult(
            asset_key=verdict.asset_key,
            check_name=verdict.check_name,
            passed=verdict.passed,
            severity=verdict.severity,
            description=verdict.description,
            metadata=verdict.metadata,
        )


def inspected(
    store: Store, instance: dg.DagsterInstance | None = None, symbols: Sequence[str] = ()
) -> tuple[dict[str, Any], Freshness]:
    """The document of `stats.stats` and its matrix; of the watchlist if no symbols are named.

    Failed refreshes are known from the ledger and, with an instance, from recorded check results.
    """
    document = stats(store, settings().max_age.of, nodes(settings()))
    recorded = recorded_failures(instance, KEYED) if instance else {}
    matrix = freshness(
        document,
        store.clock(),
        symbols or settings().symbols,
        holdings=underlyings(store, newest_positions(store, settings().account_id)),
        account=masked_account(settings().account_id),
        failures={**last_failures(store), **{cache_key: Failure(*failure) for cache_key, failure in recorded.items()}},
    )
    return document, matrix


def evaluations(matrix: Freshness, assets: Collection[dg.AssetKey]) -> list[dg.AssetCheckEvaluation]:
    """The verdict on each asset."""
    return [_verdict(asset, matrix.of(table_name(asset))) for asset in assets]


def _verdict(asset: dg.AssetKey, cells: Mapping[str, Cell]) -> dg.AssetCheckEvaluation:
    bad = [f"{key} {cell.words}" for key, cell in cells.items() if cell.state not in SERVED]
    good = [f"{key} {cell.words}" for key, cell in cells.items() if cell.state in SERVED]
    failures = {key: cell.failure for key, cell in cells.items() if cell.failure}
    failed = {key: (failure.at.isoformat(), failure.why) for key, failure in failures.items()}
    return evaluation(
        asset,
        "; ".join(bad or good) or "nothing is cached, and nothing needs it",
        passed=not bad,
        metadata={"keys": _states(cells), **({FAILED: dg.MetadataValue.json(failed)} if failed else {})},
    )


def _states(cells: Mapping[str, Cell]) -> dg.TableMetadataValue:
    rows = [
        {"key": key, "state": str(cell), "why": cell.failure.why if cell.failure else ""} for key, cell in cells.items()
    ]
    schema = dg.TableSchema([dg.TableColumn(name) for name in ("key", "state", "why")])
    return dg.MetadataValue.table([dg.TableRecord(row) for row in rows], schema)
